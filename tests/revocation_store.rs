//! Where revocations live: stores, followers, and real processes that are killed.
#![cfg(feature = "file-store")]

use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokenwright::keyring::LargeJump;
use tokenwright::store::{
    Extent, FileRevocations, FileStore, RevocationFollower, RevocationStore, StoreErrorKind,
};
use tokenwright::{ManualClock, Revocation, UnixTime};

/// A folder of this test alone, removed afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!(
            "tokenwright-revocations-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::SeqCst)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .unwrap();
        Self(path)
    }

    fn store(&self) -> FileRevocations {
        FileStore::create(self.0.join("keys"))
            .unwrap()
            .revocations()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const NOW: UnixTime = UnixTime::from_seconds(1_760_000_000);
const ISSUER: &str = "https://auth.example";

fn later(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(NOW.seconds() + seconds)
}

fn token(name: &str, until: i64) -> Revocation<'_> {
    Revocation::token(ISSUER, name, NOW, later(until))
}

fn names(store: &impl RevocationStore) -> Vec<String> {
    let mut names = Vec::new();
    store
        .read(None, &mut |entry| names.push(entry.name().to_owned()))
        .unwrap();
    names
}

#[test]
fn entries_are_there_for_another_reader_and_a_missing_list_is_an_error() {
    let scratch = Scratch::new();
    let store = scratch.store();
    assert_eq!(store.head().unwrap_err().kind(), StoreErrorKind::NoList);
    store.create(NOW).unwrap();
    assert_eq!(
        store.create(NOW).unwrap_err().kind(),
        StoreErrorKind::Exists
    );
    let follower = RevocationFollower::open(scratch.store(), ManualClock::at(NOW)).unwrap();
    let done = store
        .append(&[token("a", 60), token("b", 90)], NOW)
        .unwrap();
    assert_eq!((done.head.entries, done.head.position.seq), (2, 2));
    follower.refresh().unwrap();
    assert_eq!(follower.health().entries, 2);
    assert_eq!(names(&scratch.store()), ["a", "b"]);

    let pruned = store.prune(later(60), LargeJump::Refuse).unwrap();
    assert_eq!((pruned.dropped, pruned.head.position.seq), (1, 3));
    assert_eq!(names(&store), ["b"]);
    follower.refresh().unwrap();
    assert_eq!(follower.health().entries, 1);
    let reading = store
        .read(Some(&done.head.position), &mut |_| panic!("nothing is new"))
        .unwrap();
    assert_eq!(reading.extent, Extent::Since);
}
