//! From a store of revocations to copies on other machines, whoever signs.

use std::sync::Arc;
use std::time::Duration;

use tokenwright::distribution::{Applied, RevocationPublisher, RevocationReplica};
use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::keyring::LargeJump;
use tokenwright::store::{MemoryRevocations, RevocationFollower, RevocationStore};
use tokenwright::{ManualClock, Revocation, RevocationCheck, TokenFacts, UnixTime, Verdict};

const ISSUER: &str = "https://auth.example";
const NOW: UnixTime = UnixTime::from_seconds(1_760_000_000);

fn after(seconds: u64) -> UnixTime {
    NOW.saturating_add(Duration::from_secs(seconds))
}

fn token(id: &str, seconds: u64) -> Revocation<'_> {
    Revocation::token(ISSUER, id, NOW, after(seconds))
}

fn is_revoked(replica: &RevocationReplica, id: &str) -> bool {
    let facts = TokenFacts::new(ISSUER, "k").with_token_id(id);
    matches!(replica.live().check(&facts, NOW), Verdict::Revoked { .. })
}

#[test]
fn all_who_follow_one_store_publish_the_same_editions_of_it() {
    let store = MemoryRevocations::new();
    store.create(NOW).unwrap();
    let clock = Arc::new(ManualClock::at(NOW));
    let open = || RevocationFollower::open(store.clone(), clock.clone()).unwrap();
    let first = open();
    let key = Revocation::key(ISSUER, "stolen", NOW, after(900));
    let batches = [
        vec![token("a", 100), token("b", 900)],
        vec![key.clone(), token("a", 50)],
        vec![token("a", 500), key],
    ];
    for batch in batches {
        store.append(&batch, NOW).unwrap();
        first.refresh().unwrap();
        let other = open();
        assert_eq!(
            first.edition().unwrap().mark(),
            other.edition().unwrap().mark()
        );
    }
    clock.set(after(600));
    store.prune(after(600), LargeJump::Refuse).unwrap();
    first.refresh().unwrap();
    let edition = first.edition().unwrap();
    assert_eq!(edition.mark(), open().edition().unwrap().mark());
    assert_eq!(edition.view().list().len(), 2);
    store.begin_epoch(after(600)).unwrap();
    first.refresh().unwrap();
    let next = first.edition().unwrap();
    assert_eq!(next.mark(), open().edition().unwrap().mark());
    assert!(next.mark().epoch() > edition.mark().epoch());
}

#[test]
fn a_copy_follows_one_publisher_and_then_another() {
    let store = MemoryRevocations::new();
    store.create(NOW).unwrap();
    let clock = Arc::new(ManualClock::at(NOW));
    let open = || RevocationFollower::open(store.clone(), clock.clone()).unwrap();
    let publisher = RevocationPublisher::new(ISSUER, Duration::from_secs(600));
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let keys = key.verifying_key();
    let mut replica = RevocationReplica::of_first_list(ISSUER);

    store.append(&[token("a", 900)], NOW).unwrap();
    let (one, other) = (open(), open());
    let before = other.edition().unwrap();
    let snapshot = publisher.snapshot(&key, &one.edition().unwrap()).unwrap();
    replica.apply(snapshot.as_slice(), &keys, NOW).unwrap();

    store.append(&[token("b", 900)], NOW).unwrap();
    other.refresh().unwrap();
    let delta = publisher
        .delta(&key, &before, &other.edition().unwrap())
        .unwrap();
    assert_eq!(
        replica.apply(delta.as_slice(), &keys, NOW),
        Ok(Applied::Extended { entries: 2 })
    );
    // The first publisher lags: what it signs is older, and refused.
    let error = replica.apply(
        publisher
            .snapshot(&key, &one.edition().unwrap())
            .unwrap()
            .as_slice(),
        &keys,
        NOW,
    );
    assert_eq!(error.unwrap_err().code(), "rolled_back");
    assert!(is_revoked(&replica, "a") && is_revoked(&replica, "b"));
}

#[test]
fn a_store_that_was_put_back_revives_nothing_in_copies() {
    let store = MemoryRevocations::new();
    store.create(NOW).unwrap();
    let clock = Arc::new(ManualClock::at(NOW));
    let open =
        |store: &MemoryRevocations| RevocationFollower::open(store.clone(), clock.clone()).unwrap();
    let publisher = RevocationPublisher::new(ISSUER, Duration::from_secs(600));
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let mut replica = RevocationReplica::of_first_list(ISSUER);
    let mut bring = |follower: &RevocationFollower| {
        let edition = follower.edition().unwrap();
        let snapshot = publisher.snapshot(&key, &edition).unwrap();
        let result = replica.apply(snapshot.as_slice(), &key.verifying_key(), NOW);
        (result, is_revoked(&replica, "forgotten"))
    };
    store.append(&[token("forgotten", 900)], NOW).unwrap();
    assert!(bring(&open(&store)).1);
    // Everything has ended by a clock that runs ahead, and the list begins anew.
    store.prune(after(2_000), LargeJump::Accept).unwrap();
    store.begin_epoch(NOW).unwrap();
    let (result, revoked) = bring(&open(&store));
    assert_eq!(result, Ok(Applied::Merged { entries: 1 }));
    assert!(revoked);
}
