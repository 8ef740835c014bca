//! What is said about signed revocation lists.

use std::io::ErrorKind;

use tokenwright::distribution::{DistributionError, DistributionErrorKind as K};
use tokenwright::key::{DocumentError, ImportOptions, SigningKey};
use tokenwright::{ErrorClass, RevocationErrorKind, UnixTime};

use super::Named;

#[test]
fn a_signed_list_that_is_not_taken_says_why_and_what_to_do() {
    use ErrorClass::{CannotKnow, NotHere, NotNow, NotOurs, Operator};
    let no_key = SigningKey::from_jwk(b"x", &ImportOptions::new()).unwrap_err();
    let not_signed = format!("the revocation list was not signed: {no_key}");
    let at = UnixTime::from_seconds(1_760_000_000);
    let text = str::to_owned;
    let full = RevocationErrorKind::ListFull { limit: 3 };
    let full_message = tokenwright::RevocationError::from(full.clone()).to_string();
    let table: Vec<(K, &str, ErrorClass, &str)> = vec![
        (
            K::Head(DocumentError::BadSignature),
            "bad_signature",
            NotOurs,
            "the head of the revocation list: the signature is not the key's",
        ),
        (
            K::BadHead {
                reason: text("iat is missing"),
            },
            "bad_head",
            NotOurs,
            "the head of the revocation list: iat is missing",
        ),
        (
            K::NewerFormat { found: 2 },
            "newer_format",
            Operator,
            "the revocation list has format 2, and this program knows 1: update this program",
        ),
        (
            K::TooLarge {
                what: "entries",
                limit: 10,
                found: 1_000,
            },
            "list_too_large",
            NotOurs,
            "the head of the revocation list promises 1000 entries, at most 10 are taken; nothing was \
             read of them",
        ),
        (
            K::BodyMismatch {
                reason: "it ends early",
            },
            "body_mismatch",
            NotOurs,
            "the body of the revocation list is not the one that was signed: it ends early; fetch the \
             list again",
        ),
        (
            K::BadBody {
                reason: "a padding bit is set",
            },
            "bad_body",
            NotOurs,
            "the body of the revocation list was signed and cannot be read: a padding bit is set",
        ),
        (
            K::IssuerMismatch {
                expected: text("https://a"),
                found: text("b\n"),
            },
            "wrong_issuer",
            NotHere,
            "the revocation list is of \"b\\u{a}\", expected that of \"https://a\"",
        ),
        (
            K::ListMismatch {
                expected: text("one"),
                found: text("other"),
            },
            "wrong_list",
            NotHere,
            "this is the revocation list \"other\", expected \"one\"; if the list was made anew, tell \
             every machine that follows it",
        ),
        (
            K::RolledBack {
                held: (2, 7),
                found: (2, 6),
            },
            "rolled_back",
            CannotKnow,
            "the revocation list was rolled back: expected epoch 2, number 7 or later, found epoch 2, \
             number 6; the newer list stays in use",
        ),
        (
            K::Forked { epoch: 2, seq: 7 },
            "forked",
            CannotKnow,
            "there are two different revocation lists of epoch 2, number 7: somebody else signs lists, \
             or a copy went its own way; the list that came first stays in use",
        ),
        (
            K::SnapshotNeeded {
                from: 7,
                held: Some(5),
            },
            "snapshot_needed",
            CannotKnow,
            "the delta extends number 7 of the revocation list, and number 5 is held: fetch the snapshot",
        ),
        (
            K::SnapshotNeeded {
                from: 7,
                held: None,
            },
            "snapshot_needed",
            CannotKnow,
            "the delta extends number 7 of the revocation list, and nothing is held: fetch the snapshot",
        ),
        (
            K::Rekeyed,
            "rekeyed",
            CannotKnow,
            "the revocation list began a new epoch under another fingerprint key, so what is held could \
             not be kept: publish it under the key of its id, or follow a list with a new id",
        ),
        (
            K::FastForward {
                limit: 10,
                found: 11,
            },
            "fast_forward",
            CannotKnow,
            "the revocation list is 11 steps ahead, at most 10 are believed: nothing newer could ever follow",
        ),
        (
            K::FromTheFuture { issued_at: at },
            "from_the_future",
            NotNow,
            "the revocation list was issued at 2025-10-09T08:53:20Z, which is still ahead: compare the clocks",
        ),
        (
            K::Expired { expired_at: at },
            "list_expired",
            NotNow,
            "the revocation list could be taken until 2025-10-09T08:53:20Z: fetch a newer one",
        ),
        (K::Full(full.into()), "list_full", Operator, &full_message),
        (
            K::EntryTooLong { limit: 16_384 },
            "entry_too_long",
            Operator,
            "an entry of the revocation list has a name of more than 16384 bytes, which no token could have",
        ),
        (
            K::BadMark {
                reason: text("seq must be a whole number"),
            },
            "bad_mark",
            Operator,
            "the mark of the revocation list: seq must be a whole number",
        ),
        (K::NotSigned(no_key), "not_signed", Operator, &not_signed),
        (
            K::Io {
                kind: ErrorKind::ConnectionReset,
            },
            "io",
            Operator,
            "the revocation list could not be read: connection reset",
        ),
    ];
    let mut named = Named::default();
    for (kind, code, class, message) in table {
        let error = DistributionError::from(kind);
        assert_eq!((error.code(), error.class()), (code, class));
        assert_eq!(error.to_string(), message);
        named.0.insert(error.code());
    }
    named.cover(include_str!("../../src/revocation/signed/error.rs"));
}
