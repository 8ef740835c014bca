//! What is said about lists of revocations and the files they are kept in.

use std::os::unix::fs::DirBuilderExt as _;

use tokenwright::keyring::LargeJump;
use tokenwright::store::{
    FileStore, ListId, MemoryRevocations, Position, RevocationFollowError,
    RevocationFollowErrorKind, RevocationStore, StoreError, StoreErrorKind, StoreNote,
};
use tokenwright::{ErrorClass, Revocation, RevocationError, RevocationErrorKind, UnixTime};

use super::{NOW, Named};

fn token(name: &str) -> Revocation<'_> {
    Revocation::token("iss", name, NOW, UnixTime::from_seconds(1_760_000_900))
}

#[track_caller]
fn says(error: &StoreError, code: &str, class: ErrorClass, message: &str) {
    assert_eq!((error.code(), error.class()), (code, class));
    assert_eq!(error.to_string(), message);
}

const FULL: &str = "memory: expected at most 1 entries, found more; nothing was added, and nothing \
    that counts was dropped; prune what has expired, shorten token lifetimes, or withdraw by \
    subject or session in place of single tokens";

#[test]
fn a_store_of_revocations_that_refuses_says_what_can_be_done() {
    let store = MemoryRevocations::new().with_limit(1);
    says(
        &store.head().unwrap_err(),
        "no_revocation_list",
        ErrorClass::CannotKnow,
        "memory: expected a revocation list, found none; nobody knows what is revoked: put the \
         last backup back, or, if there has never been one, create it: `tokenwright init` does",
    );
    store.create(NOW).unwrap();
    says(
        &store.create(NOW).unwrap_err(),
        "file_exists",
        ErrorClass::Operator,
        "memory: expected no revocation list yet, found one; nothing was changed; use the list \
         that is there",
    );
    says(
        &store.append(&[token("a"), token("b")], NOW).unwrap_err(),
        "revocation_list_full",
        ErrorClass::Operator,
        FULL,
    );
    says(
        &store
            .append(&[token(&"x".repeat(16_385))], NOW)
            .unwrap_err(),
        "store_too_large",
        ErrorClass::Operator,
        "the entry's name: expected at most 16384 bytes, found 16385 bytes; nothing was changed; \
         no token that is accepted can hold more: check what this is",
    );
    let far = UnixTime::from_seconds(1_760_604_801);
    says(
        &store.prune(far, LargeJump::Refuse).unwrap_err(),
        "clock_jump",
        ErrorClass::Operator,
        "memory: expected a clock at most 7 days after the last write at 2025-10-09T08:53:20Z, \
         found 2025-10-16T08:53:21Z; nothing was dropped; if the clock is right, and nothing was \
         written for so long, say so with --force",
    );
}

#[test]
fn a_damaged_list_is_named_with_the_place_of_the_damage_and_a_torn_tail_with_its_copy() {
    let place = std::env::temp_dir().join(format!("tokenwright-errors-{}", std::process::id()));
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(&place)
        .unwrap();
    let store = FileStore::create(place.join("keys")).unwrap().revocations();
    store.create(NOW).unwrap();
    let begin = store.append(&[token("a")], NOW).unwrap().head.bytes;
    store.append(&[token("b")], NOW).unwrap();
    let whole = std::fs::read(store.path()).unwrap();
    let path = store.path();
    let path = path.display();

    std::fs::write(store.path(), &whole[..whole.len() - 1]).unwrap();
    let done = store.append(&[token("c")], NOW).unwrap();
    let torn = whole.len() as u64 - 1 - begin;
    assert_eq!(
        done.notes[0].to_string(),
        format!(
            "{path}: the last record, {torn} bytes from byte {begin}, was torn or has been \
             damaged since; it was cut off and kept in {}/keys/revocations.torn-{begin}",
            place.display()
        )
    );
    let mut damaged = std::fs::read(store.path()).unwrap();
    damaged[110] ^= 1;
    std::fs::write(store.path(), &damaged).unwrap();
    let error = store.head().unwrap_err();
    let expected = format!(
        "{path}: expected a whole record at byte 104, found a damaged one, with others behind it; \
         nothing was changed, since something may have been revoked there: put the last backup of \
         this file back, then begin a new epoch"
    );
    let _ = std::fs::remove_dir_all(&place);
    says(&error, "store_damaged", ErrorClass::Operator, &expected);
    let compacted = StoreNote::Compacted {
        before: 9,
        after: 4,
    };
    assert_eq!(
        compacted.to_string(),
        "the revocation list was written anew: 9 bytes before, 4 bytes after"
    );
    let not_compacted = StoreNote::NotCompacted { reason: error };
    let expected = format!(
        "the entries are durable, but the revocation list could not be written anew: {expected}"
    );
    assert_eq!(not_compacted.to_string(), expected);
}

#[test]
fn a_list_that_cannot_be_followed_says_what_stays_and_what_was_found() {
    use RevocationFollowErrorKind as K;
    let mut named = Named::default();
    let position = |byte, epoch, seq| Position {
        list: ListId::new([byte; 16]),
        epoch,
        seq,
    };
    let (kept, found) = (position(0, 1, 9), position(0, 1, 3));
    let store = StoreError::new(StoreErrorKind::NoList, "x", "a", "b", "c");
    let list = RevocationError::from(RevocationErrorKind::ListFull { limit: 3 });
    for (kind, code, class, message) in [
        (
            K::RolledBack { kept, found },
            "revocations_rolled_back",
            ErrorClass::Operator,
            "the revocation list was rolled back: expected list AAAAAAAAAAAAAAAAAAAAAA, epoch 1, \
             seq 9 or later, found epoch 1, seq 3; what was known stays revoked: put the later \
             list back, or begin a new epoch if this one is right"
                .to_owned(),
        ),
        (
            K::OtherList {
                kept,
                found: position(255, 1, 3),
            },
            "other_revocation_list",
            ErrorClass::Operator,
            "another revocation list took the place of the one in use: expected list \
             AAAAAAAAAAAAAAAAAAAAAA, epoch 1, seq 9, found list _____________________w, epoch 1, \
             seq 3; what was known stays revoked: put the first list back, or restart to follow \
             the other"
                .to_owned(),
        ),
        (
            K::Store(store.clone()),
            "no_revocation_list",
            ErrorClass::CannotKnow,
            store.to_string(),
        ),
        (
            K::List(list.clone()),
            "list_full",
            ErrorClass::Operator,
            list.to_string(),
        ),
    ] {
        let error = RevocationFollowError::from(kind);
        assert_eq!((error.code(), error.class()), (code, class));
        assert_eq!(error.to_string(), message);
        named.0.insert(error.code());
    }
    named.cover(include_str!("../../src/store/revocations/error.rs"));
}
