//! Following a list: what readers hold, how it ages, and what never replaces it.

use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::time::Duration;

use tokenwright::keyring::LargeJump;
use tokenwright::store::{
    FileRevocations, RevocationFollowError, RevocationFollower, RevocationStore,
};
use tokenwright::{ManualClock, RevocationCheck, TokenFacts, UnixTime, Verdict};

use crate::{ISSUER, NOW, Scratch, later, make_folder, open, token};

fn followed(scratch: &Scratch) -> (FileRevocations, RevocationFollower, Arc<ManualClock>) {
    let store = scratch.store();
    store.create(NOW).unwrap();
    store.append(&[token("a", 900)], NOW).unwrap();
    let clock = Arc::new(ManualClock::at(NOW));
    let follower = RevocationFollower::open(scratch.store(), Arc::clone(&clock)).unwrap();
    (store, follower, clock)
}

fn verdict(follower: &RevocationFollower, name: &str, now: UnixTime) -> Verdict {
    let facts = TokenFacts::new(ISSUER, "k").with_token_id(name);
    follower.live().check(&facts, now)
}

fn is_revoked(follower: &RevocationFollower, name: &str) -> bool {
    matches!(verdict(follower, name, NOW), Verdict::Revoked { .. })
}

fn code(result: Result<impl Sized, RevocationFollowError>) -> &'static str {
    result.err().expect("it was followed").code()
}

#[test]
fn a_new_entry_is_seen_at_the_next_look_and_a_dropped_one_goes() {
    let scratch = Scratch::new();
    let (store, follower, _) = followed(&scratch);
    assert!(is_revoked(&follower, "a") && !is_revoked(&follower, "b"));
    store.append(&[token("b", 10)], NOW).unwrap();
    follower.refresh().unwrap();
    assert!(is_revoked(&follower, "b"));
    store.prune(later(10), LargeJump::Refuse).unwrap();
    follower.refresh().unwrap();
    assert!(is_revoked(&follower, "a") && !is_revoked(&follower, "b"));
    assert!(follower.health().is_good());
}

#[test]
fn a_view_that_cannot_be_refreshed_ages_even_if_the_wall_clock_stands_still_or_goes_back() {
    let scratch = Scratch::new();
    let (store, follower, clock) = followed(&scratch);
    let aside = scratch.join("aside");
    std::fs::rename(store.path(), &aside).unwrap();
    let as_of = |now| match verdict(&follower, "x", now) {
        Verdict::Clear { as_of } => as_of,
        other => panic!("{other:?}"),
    };
    // The wall clock goes on: the view stays as old as it is.
    clock.set(later(60));
    clock.pass(Duration::from_secs(60));
    assert_eq!(code(follower.refresh()), "no_revocation_list");
    assert_eq!(as_of(later(60)), NOW);
    // It stands still.
    clock.pass(Duration::from_secs(40));
    follower.refresh().unwrap_err();
    assert_eq!(as_of(later(60)), later(60 - 100));
    // It is set back an hour.
    clock.set(later(-3600));
    follower.refresh().unwrap_err();
    assert_eq!(as_of(later(-3600)), later(-3600 - 100));
    // It jumps ahead: the view is no younger for it.
    clock.set(later(86_400));
    follower.refresh().unwrap_err();
    assert_eq!(as_of(later(86_400)), later(-3600 - 100));
    let health = follower.health();
    assert_eq!(health.failing_since, Some(later(60)));
    assert_eq!(health.as_of, later(-3600 - 100));

    std::fs::rename(&aside, store.path()).unwrap();
    follower.refresh().unwrap();
    assert_eq!(as_of(later(86_400)), later(86_400));
    assert!(follower.health().is_good());
}

#[test]
fn a_missing_list_is_an_error_at_the_start_and_never_an_empty_one_later() {
    let scratch = Scratch::new();
    let opened = RevocationFollower::open(scratch.store(), ManualClock::at(NOW));
    assert_eq!(code(opened), "no_revocation_list");
    let (store, follower, _) = followed(&scratch);
    std::fs::remove_file(store.path()).unwrap();
    assert_eq!(code(follower.refresh()), "no_revocation_list");
    std::fs::write(store.path(), "").unwrap();
    code(follower.refresh());
    std::fs::remove_dir_all(scratch.join("keys")).unwrap();
    assert_eq!(code(follower.refresh()), "store_missing");
    assert!(is_revoked(&follower, "a"));
}

#[test]
fn an_older_copy_of_the_list_never_replaces_a_newer_one_until_a_new_epoch_begins() {
    let scratch = Scratch::new();
    let (store, follower, _) = followed(&scratch);
    let backup = std::fs::read(store.path()).unwrap();
    store
        .append(&[token("b", 900), token("c", 900)], NOW)
        .unwrap();
    follower.refresh().unwrap();
    std::fs::write(store.path(), &backup).unwrap();
    assert_eq!(code(follower.refresh()), "revocations_rolled_back");
    assert_eq!(code(follower.refresh()), "revocations_rolled_back");
    assert!(is_revoked(&follower, "c"));
    // Somebody goes on with the old copy, up to the same number and further: another history.
    for name in ["d", "e", "f"] {
        scratch.store().append(&[token(name, 900)], NOW).unwrap();
        assert_eq!(
            code(follower.refresh()),
            "revocations_rolled_back",
            "{name}"
        );
    }
    assert!(is_revoked(&follower, "c") && !is_revoked(&follower, "d"));
    let health = follower.health();
    assert!(!health.is_good());
    assert_eq!(health.last_error.unwrap().code(), "revocations_rolled_back");

    scratch.store().begin_epoch(NOW).unwrap();
    follower.refresh().unwrap();
    assert!(is_revoked(&follower, "d") && !is_revoked(&follower, "c"));
}

/// The list was written anew after the backup, so that the backup is another file.
#[test]
fn an_older_file_is_not_taken_for_the_list_however_far_others_go_on_with_it() {
    let scratch = Scratch::new();
    let (store, follower, _) = followed(&scratch);
    store.append(&[token("short", 5)], NOW).unwrap();
    let backup = std::fs::read(store.path()).unwrap();
    store.append(&[token("b", 900)], NOW).unwrap();
    let pruned = store.prune(later(60), LargeJump::Refuse).unwrap();
    assert_eq!(pruned.dropped, 1);
    follower.refresh().unwrap();
    let reached = follower.head().position.seq;
    std::fs::write(store.path(), &backup).unwrap();
    for name in ["d", "e", "f", "g"] {
        scratch.store().append(&[token(name, 900)], NOW).unwrap();
        assert_eq!(
            code(follower.refresh()),
            "revocations_rolled_back",
            "{name}"
        );
    }
    assert!(scratch.store().head().unwrap().position.seq > reached);
    assert!(is_revoked(&follower, "b") && !is_revoked(&follower, "d"));
    // What is written anew honestly is followed.
    scratch.store().begin_epoch(NOW).unwrap();
    follower.refresh().unwrap();
    assert!(is_revoked(&follower, "d"));
}

#[test]
fn a_truncated_list_is_a_rollback_and_another_list_is_not_followed() {
    let scratch = Scratch::new();
    let (store, follower, _) = followed(&scratch);
    let whole = std::fs::read(store.path()).unwrap();
    let shorter = store.head().unwrap().bytes as usize;
    store.append(&[token("b", 900)], NOW).unwrap();
    follower.refresh().unwrap();
    for length in [shorter, shorter - 1, shorter / 2 + 80] {
        std::fs::write(store.path(), &whole[..length]).unwrap();
        assert_eq!(
            code(follower.refresh()),
            "revocations_rolled_back",
            "{length}"
        );
        assert!(is_revoked(&follower, "a") && is_revoked(&follower, "b"));
    }
    let other = Scratch::new();
    other.store().create(NOW).unwrap();
    std::fs::copy(other.store().path(), store.path()).unwrap();
    assert_eq!(code(follower.refresh()), "other_revocation_list");
    assert!(is_revoked(&follower, "a") && is_revoked(&follower, "b"));
}

/// As a Kubernetes volume does: a link on the way to the folder changes its target.
#[test]
fn a_folder_exchanged_through_a_link_above_it_is_noticed() {
    let scratch = Scratch::new();
    for version in ["v1", "v2"] {
        make_folder(&scratch.join(version));
    }
    let first = open(&scratch.join("v1/keys"));
    first.create(NOW).unwrap();
    first.append(&[token("a", 900)], NOW).unwrap();
    make_folder(&scratch.join("v2/keys"));
    let second = open(&scratch.join("v2/keys"));
    std::fs::copy(first.path(), second.path()).unwrap();
    second.append(&[token("b", 900)], NOW).unwrap();

    symlink("v1", scratch.join("current")).unwrap();
    let store = open(&scratch.join("current/keys"));
    let follower = RevocationFollower::open(store, ManualClock::at(NOW)).unwrap();
    assert!(!is_revoked(&follower, "b"));
    symlink("v2", scratch.join("next")).unwrap();
    std::fs::rename(scratch.join("next"), scratch.join("current")).unwrap();
    follower.refresh().unwrap();
    assert!(is_revoked(&follower, "a") && is_revoked(&follower, "b"));
    symlink("v1", scratch.join("next")).unwrap();
    std::fs::rename(scratch.join("next"), scratch.join("current")).unwrap();
    assert_eq!(code(follower.refresh()), "revocations_rolled_back");
    assert!(is_revoked(&follower, "b"));
}

#[test]
fn an_unfinished_record_is_waited_for_and_seen_when_it_is_whole() {
    let scratch = Scratch::new();
    let (store, follower, _) = followed(&scratch);
    let before = store.head().unwrap().bytes as usize;
    store.append(&[token("b", 900)], NOW).unwrap();
    let whole = std::fs::read(store.path()).unwrap();
    for length in before..whole.len() {
        std::fs::write(store.path(), &whole[..length]).unwrap();
        follower.refresh().unwrap();
        assert_eq!(follower.health().unfinished as usize, length - before);
        assert!(!is_revoked(&follower, "b"), "{length}");
    }
    std::fs::write(store.path(), &whole).unwrap();
    follower.refresh().unwrap();
    assert!(is_revoked(&follower, "b"));
    assert_eq!(follower.health().unfinished, 0);
}
