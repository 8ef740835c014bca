//! Where revocations live: stores, followers, and real processes that are killed.
#![cfg(feature = "file-store")]

#[path = "revocation_store/damage.rs"]
mod damage;
#[path = "revocation_store/follower.rs"]
mod follower;
#[path = "revocation_store/model.rs"]
mod model;
#[path = "revocation_store/processes.rs"]
mod processes;

use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use tokenwright::keyring::LargeJump;
use tokenwright::store::{
    FileRevocations, FileStore, MemoryRevocations, Outcome, RevocationStore, StoreErrorKind,
    StoreNote, testing,
};
use tokenwright::{ErrorClass, Revocation, UnixTime};

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
        make_folder(&path);
        Self(path)
    }

    fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn store(&self) -> FileRevocations {
        open(&self.join("keys"))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn make_folder(path: &Path) {
    std::fs::DirBuilder::new().mode(0o700).create(path).unwrap();
}

fn open(folder: &Path) -> FileRevocations {
    FileStore::create(folder).unwrap().revocations()
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
fn the_memory_list_keeps_every_rule() {
    let kept = testing::revocation_conformance(MemoryRevocations::new);
    assert_eq!(kept, Ok(testing::REVOCATION_RULES));
}

#[test]
fn the_file_keeps_every_rule() {
    let mut places = Vec::new();
    let kept = testing::revocation_conformance(|| {
        places.push(Scratch::new());
        places.last().unwrap().store()
    });
    assert_eq!(kept, Ok(testing::REVOCATION_RULES));
}

#[test]
fn a_full_list_refuses_and_drops_nothing_that_counts() {
    let scratch = Scratch::new();
    let memory = MemoryRevocations::new().with_limit(3);
    let file = scratch.store().with_limit(3);
    let stores: [&dyn RevocationStore; 2] = [&memory, &file];
    for store in stores {
        store.create(NOW).unwrap();
        store
            .append(&[token("a", 60), token("b", 10), token("a", 90)], NOW)
            .unwrap();
        let error = store
            .append(&[token("c", 60), token("d", 60)], NOW)
            .unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Full);
        assert_eq!(
            (error.outcome(), error.class()),
            (Outcome::NotDone, ErrorClass::Operator)
        );
        // What repeats another entry makes room, and so does what has ended.
        store.append(&[token("c", 60)], NOW).unwrap();
        assert!(store.append(&[token("d", 60)], later(9)).is_err());
        let done = store.append(&[token("d", 60)], later(10)).unwrap();
        assert_eq!(done.head.entries, 3);
        let mut found = Vec::new();
        store
            .read(None, &mut |entry| found.push(entry.name().to_owned()))
            .unwrap();
        assert_eq!(found, ["a", "c", "d"]);
    }
}

#[test]
fn a_list_that_has_doubled_is_written_anew_without_what_repeats() {
    let scratch = Scratch::new();
    let store = scratch.store();
    store.create(NOW).unwrap();
    let long = "x".repeat(4000);
    let many: Vec<_> = (0..300)
        .map(|number| format!("{}{long}", number % 3))
        .collect();
    let entries: Vec<_> = many.iter().map(|name| token(name, 90)).collect();
    let first = store.append(&entries, NOW).unwrap();
    assert!(first.notes.is_empty() && first.head.bytes > 1_000_000);
    let second = store.append(&entries, NOW).unwrap();
    let [StoreNote::Compacted { before, after }] = second.notes[..] else {
        panic!("{:?}", second.notes);
    };
    assert!(before > 2_000_000 && after < 20_000, "{before} {after}");
    assert_eq!(second.head.entries, 3);
    assert_eq!(names(&store).len(), 3);
    assert!(second.head.position.seq > 600);
}

#[test]
fn the_list_is_a_private_plain_file_or_refused() {
    let scratch = Scratch::new();
    let store = scratch.store();
    store.create(NOW).unwrap();
    let path = store.path();
    let mode = || std::fs::metadata(&path).unwrap().mode() & 0o7777;
    assert_eq!(mode(), 0o600);
    let every_call = |kind: StoreErrorKind| {
        let results = [
            store.head().map(drop),
            store.read(None, &mut |_| {}).map(drop),
            store.append(&[token("a", 60)], NOW).map(drop),
            store.prune(NOW, LargeJump::Refuse).map(drop),
            store.begin_epoch(NOW).map(drop),
        ];
        for result in results {
            assert_eq!(result.unwrap_err().kind(), kind);
        }
    };
    let set_mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode));
    for wrong in [0o640, 0o604, 0o644, 0o666] {
        set_mode(wrong).unwrap();
        every_call(StoreErrorKind::Exposed);
    }
    set_mode(0o600).unwrap();
    let aside = scratch.join("aside");
    std::fs::hard_link(&path, &aside).unwrap();
    every_call(StoreErrorKind::NotAPlainFile);
    std::fs::remove_file(&path).unwrap();
    symlink(&aside, &path).unwrap();
    every_call(StoreErrorKind::NotAPlainFile);
    std::fs::remove_file(&path).unwrap();
    every_call(StoreErrorKind::NoList);
    assert_eq!(store.head().unwrap_err().class(), ErrorClass::CannotKnow);
    make_folder(&path);
    every_call(StoreErrorKind::NotAPlainFile);
}

/// A million entries would be read as fast by a process that keeps none of them.
#[test]
fn many_entries_are_added_in_one_call_and_read_in_order() {
    let scratch = Scratch::new();
    let store = scratch.store();
    store.create(NOW).unwrap();
    let ids: Vec<String> = (0..50_000)
        .map(|number| format!("token-{number:08}"))
        .collect();
    let entries: Vec<_> = ids.iter().map(|id| token(id, 900)).collect();
    let done = store.append(&entries, NOW).unwrap();
    assert_eq!(done.head.position.seq, 50_000);
    assert!(done.head.bytes < 50_000 * 26, "{} bytes", done.head.bytes);
    assert_eq!(names(&store), ids);
}
