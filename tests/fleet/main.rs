//! Stores that many machines share, on real servers that the tests start: Redis,
//! PostgreSQL, and S3 as moto serves it. A server that is not installed is named in one
//! line, and is a failure where changes are decided on (`CI`).

mod commands;
mod conformance;
mod faults;
mod propagation;
mod schedulers;
mod servers;

use std::time::Duration;

use tokenwright::store::{OpenOptions, OpenedStore, SealingKey};
use tokenwright::{SecretBytes, UnixTime};

const START: i64 = 1_760_000_000;

fn at(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(START + seconds)
}

/// The sealing key of all who sign in these tests.
fn sealing_key() -> SecretBytes {
    SecretBytes::from(b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8".to_vec())
}

fn signing() -> OpenOptions {
    OpenOptions::new().sealing_key(sealing_key())
}

/// A store that is ready for use by those who sign.
fn ready(name: &str) -> OpenedStore {
    OpenedStore::create(name, &signing()).unwrap()
}

#[test]
fn the_tests_sealing_key_is_one() {
    assert!(SealingKey::from_text(&sealing_key(), "here").is_ok());
    assert_eq!(Duration::from_secs(1), at(1).saturating_since(at(0)));
}

#[test]
fn what_is_refused_without_calling_anybody_says_what_would_do() {
    let words = |name: &str| {
        let error = OpenedStore::open(name, &OpenOptions::new()).unwrap_err();
        format!("{}: {error}", error.code())
    };
    assert_eq!(
        words("ftp://x/y"),
        "store_bad_reference: ftp: expected a folder, redis://, rediss://, postgres://, s3://, \
         gs:// or az://, found something else; name one of these"
    );
    assert_eq!(
        words("postgres://u:hunter2@db.example/x?sslmode=require"),
        "store_bad_reference: postgres://u@db.example/x?sslmode=require: expected \
         sslmode=verify-full or sslmode=disable: encryption without a check of the name protects \
         from nobody who can listen, found \"require\"; nothing was done; see the documentation \
         of stores for how they are named"
    );
    assert_eq!(
        words("redis://h/zero"),
        "store_bad_reference: redis://h/zero: expected the number of a database after the host, \
         found zero; nothing was done; see the documentation of stores for how they are named"
    );
    let unsealed = OpenedStore::open("redis://h", &OpenOptions::new()).unwrap();
    let address = tokenwright::store::MaterialAddress::new("a").unwrap();
    let refused = tokenwright::store::Store::put_material(&unsealed, &address, &sealing_key());
    let refused = refused.unwrap_err();
    assert_eq!(
        format!("{}: {refused}", refused.code()),
        "store_sealed: redis://h: expected the key that seals private keys, found none; private \
         keys are never kept in the clear on a server: name the file with TOKENWRIGHT_SEALING_KEY \
         or ?sealing-key-file=FILE, or make one with `tokenwright store seal-key FILE`"
    );
}
