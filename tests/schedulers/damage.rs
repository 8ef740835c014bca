//! What a scheduler finds in the morning: each is refused in so many words,
//! nothing is lost, and the remedy that the words name works.

use std::path::PathBuf;

use tokenwright::key::Algorithm;
use tokenwright::keyring::{Event, LargeJump, State};
use tokenwright::store::{
    FileStore, MaterialAddress, MemoryStore, MissingMaterial, RunOptions, Scheduler, Store,
    is_locked,
};
use tokenwright::{ErrorClass, ManualClock, SecretBytes};

use super::processes::Scratch;
use super::{at, begin, keyring, kinds};

/// A folder with a keyring that has its standby, and the path of the document.
fn folder(name: &str) -> (Scratch, FileStore, PathBuf) {
    let scratch = Scratch::new(name);
    let folder = scratch.0.join("keys");
    let store = FileStore::create(&folder).unwrap();
    begin(&store, None);
    run(&store, 0).unwrap();
    (scratch, store, folder.join("keyring.json"))
}

fn on(store: &(impl Store + Clone + 'static), now: i64) -> Scheduler {
    Scheduler::new(store.clone(), ManualClock::at(at(now)))
}

/// A run's events, or its error's code, class and message.
fn run(
    store: &(impl Store + Clone + 'static),
    now: i64,
) -> Result<Vec<Event>, (&'static str, ErrorClass, String)> {
    match on(store, now).run_due(&RunOptions::default()) {
        Ok(performed) => Ok(performed.events),
        Err(error) => Err((error.code(), error.class(), error.to_string())),
    }
}

/// A run is refused, with this code, and changes nothing at all.
#[track_caller]
fn refused(store: &FileStore, now: i64, code: &str, class: ErrorClass) -> String {
    let files = || {
        let mut files = Vec::new();
        for folder in [store.path().to_owned(), store.path().join("private")] {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                files.extend(
                    path.is_file()
                        .then(|| (path.clone(), std::fs::read(path).unwrap())),
                );
            }
        }
        files.sort();
        files
    };
    let before = files();
    let (found, found_class, message) = run(store, now).unwrap_err();
    assert_eq!((found, found_class), (code, class), "{message}");
    assert!(before == files(), "something was written");
    message
}

#[test]
fn a_clock_set_back_does_nothing() {
    let (_scratch, store, _) = folder("back");
    run(&store, 975).unwrap();
    // Clocks may differ by S = 3.
    assert_eq!(run(&store, 972), Ok(vec![]));
    let message = refused(&store, 971, "clock_behind", ErrorClass::Operator);
    assert!(message.ends_with("set the clock"), "{message}");
    refused(&store, -1_760_000_000, "clock_behind", ErrorClass::Operator);
}

#[test]
fn ten_years_ahead_nothing_is_destroyed_unless_a_person_says_so() {
    let (_scratch, store, _) = folder("ahead");
    run(&store, 975).unwrap();
    let ten_years = 10 * 365 * 86_400;
    let message = refused(&store, ten_years, "clock_jump", ErrorClass::Operator);
    assert!(message.contains("--force"), "{message}");
    assert_eq!(run(&store, 980), Ok(vec![]), "the right clock works on");

    let options = RunOptions {
        jump: LargeJump::Accept,
        seen: None,
    };
    let performed = on(&store, ten_years).run_due(&options).unwrap();
    assert!(kinds(&performed.events).contains(&"withdrawn"));
    assert_eq!(on(&store, ten_years).orphans().unwrap(), []);
}

#[test]
fn a_document_from_the_future_is_left_alone() {
    let (_scratch, store, path) = folder("future");
    let text = std::fs::read_to_string(&path).unwrap();
    let newer = text.replacen("\"version\": 1", "\"version\": 2", 1);
    assert_ne!(text, newer, "{text}");
    std::fs::write(&path, newer).unwrap();
    refused(&store, 975, "keyring_newer_version", ErrorClass::Operator);
}

#[test]
fn every_half_written_document_is_refused_and_the_backup_helps() {
    let (_scratch, store, path) = folder("half");
    let whole = std::fs::read(&path).unwrap();
    for length in (0..whole.len() - 1).step_by(37) {
        std::fs::write(&path, &whole[..length]).unwrap();
        refused(&store, 975, "store_damaged", ErrorClass::Operator);
    }
    // The damaged file moved away, the backup becomes the keyring.
    std::fs::remove_file(&path).unwrap();
    refused(&store, 975, "store_missing", ErrorClass::CannotKnow);
    let restored = on(&store, 975)
        .restore(&whole, MissingMaterial::Refuse)
        .unwrap();
    assert_eq!(restored.merged.keyring.version().epoch, 2);
    assert_eq!(kinds(&run(&store, 975).unwrap()), ["successor"]);
}

#[test]
fn a_document_edited_by_hand_is_refused_if_it_contradicts_itself() {
    let (_scratch, store, path) = folder("edited");
    run(&store, 975).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    for (from, to, code) in [
        ("\"seq\":", "\"sequence\":", "keyring_malformed"),
        ("\"EdDSA\"", "\"none\"", "keyring_malformed"),
        ("\"leeway\":5", "\"leeway\":0", "unsafe_policy"),
        ("\"period\":1000", "\"period\":1", "unsafe_policy"),
        (
            "\"activates_at\":1760001000",
            "\"activates_at\":1760000999",
            "keyring_inconsistent",
        ),
    ] {
        let compact: String = text.split_whitespace().collect::<Vec<_>>().join("");
        let edited = compact.replacen(from, to, 1);
        assert_ne!(edited, compact, "{from} is not in {compact}");
        std::fs::write(&path, edited).unwrap();
        refused(&store, 980, code, ErrorClass::Operator);
    }
}

#[test]
fn a_missing_key_file_is_reported_after_all_else_is_done_and_can_be_put_back() {
    let (_scratch, store, _) = folder("missing");
    let before = keyring(&store);
    let signer = before.signer(at(10)).unwrap();
    let file = store
        .path()
        .join("private")
        .join(format!("{}.key", signer.address()));
    let bytes = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let message = refused(&store, 10, "material_missing", ErrorClass::CannotKnow);
    assert!(message.contains(signer.id().as_str()), "{message}");
    // What is due is done all the same: the successor will end the trouble.
    let error = on(&store, 975).run_due(&RunOptions::default()).unwrap_err();
    assert_eq!(
        (error.code(), kinds(error.events())),
        ("material_missing", vec!["successor"])
    );
    let address = MaterialAddress::new(signer.address()).unwrap();
    store
        .put_material(&address, &SecretBytes::from(bytes))
        .unwrap();
    assert_eq!(run(&store, 976), Ok(vec![]));
}

#[test]
fn a_standby_takes_over_where_nobody_signs_if_its_private_half_is_there() {
    let (_scratch, store, path) = folder("nobody");
    let before = keyring(&store);
    let signer = before.signer(at(100)).unwrap().id().as_str();
    let standby = before
        .keys()
        .iter()
        .find(|key| key.id().as_str() != signer)
        .unwrap();
    // As a merge can leave it: the signer is marked, and nobody has its turn.
    let text = std::fs::read_to_string(&path).unwrap();
    let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
    for record in document["keys"].as_array_mut().unwrap() {
        if record["id"] == signer {
            record["compromised_at"] = 1_760_000_050.into();
        }
    }
    std::fs::write(&path, document.to_string()).unwrap();
    let address = MaterialAddress::new(standby.address()).unwrap();
    let bytes = store.get_material(&address).unwrap().unwrap();
    store.remove_material(&address).unwrap();
    refused(&store, 100, "material_missing", ErrorClass::CannotKnow);
    store.put_material(&address, &bytes).unwrap();
    assert_eq!(kinds(&run(&store, 100).unwrap()[..1]), ["activated"]);
    assert_eq!(keyring(&store).signer(at(100)).unwrap().id(), standby.id());
}

#[test]
fn a_rolled_back_document_is_noticed_and_its_keys_are_not_swept() {
    let (_scratch, store, path) = folder("rolled");
    let old = std::fs::read(&path).unwrap();
    let performed = on(&store, 975).run_due(&RunOptions::default()).unwrap();
    let newest = std::fs::read(&path).unwrap();
    std::fs::write(&path, old).unwrap();
    let options = RunOptions {
        seen: Some(performed.version),
        ..RunOptions::default()
    };
    let error = on(&store, 976).run_due(&options).unwrap_err();
    assert_eq!(error.code(), "keyring_rolled_back");
    // Somebody without memory goes on; the material of the lost successor stays.
    run(&store, 976).unwrap();
    assert_eq!(on(&store, 976).orphans().unwrap().len(), 1);
    // Merging the newest document in brings the successor back.
    let restored = on(&store, 977)
        .restore(&newest, MissingMaterial::Refuse)
        .unwrap();
    assert_eq!(restored.merged.restored.len(), 1);
    assert_eq!(on(&store, 977).orphans().unwrap(), []);
    assert!(
        on(&store, 977).run_due(&options).is_ok(),
        "the epoch is newer than what was seen"
    );
}

#[test]
fn a_backup_whose_keys_are_gone_needs_a_word_more() {
    let store = MemoryStore::new();
    begin(&store, None);
    run(&store, 0).unwrap();
    let backup = store.load().unwrap().unwrap().document;
    let elsewhere = MemoryStore::new();
    let scheduler = on(&elsewhere, 10);
    let error = scheduler
        .restore(&backup, MissingMaterial::Refuse)
        .unwrap_err();
    assert_eq!(error.code(), "material_missing");
    assert_eq!(elsewhere.load(), Ok(None));
    let restored = scheduler.restore(&backup, MissingMaterial::Accept).unwrap();
    assert_eq!(restored.missing.len(), 2);
    let other = MemoryStore::new();
    begin(&other, None);
    let stranger = other.load().unwrap().unwrap().document;
    let stranger = String::from_utf8(stranger)
        .unwrap()
        .replacen("orders", "others", 1);
    let error = scheduler
        .restore(stranger.as_bytes(), MissingMaterial::Refuse)
        .unwrap_err();
    assert_eq!(error.code(), "other_ring");
    assert_eq!(
        scheduler
            .restore(b"{}", MissingMaterial::Refuse)
            .unwrap_err()
            .code(),
        "not_a_keyring"
    );
}

#[test]
fn new_keys_are_locked_like_the_old_ones_or_not_made() {
    let store = MemoryStore::new();
    let passphrase = || SecretBytes::from(b"correct horse battery staple".to_vec());
    let first = begin(&store, Some(&passphrase()));
    let (code, class, _) = run(&store, 0).unwrap_err();
    assert_eq!((code, class), ("passphrase_needed", ErrorClass::Operator));
    let wrong = on(&store, 0).passphrase(SecretBytes::from(b"wrong".to_vec()));
    let error = wrong.run_due(&RunOptions::default()).unwrap_err();
    assert_eq!(error.code(), "wrong_passphrase");
    assert_eq!(store.list_material().unwrap().len(), 1);

    let right = on(&store, 0).passphrase(passphrase());
    assert_eq!(
        kinds(&right.run_due(&RunOptions::default()).unwrap().events),
        ["standby"]
    );
    for address in store.list_material().unwrap() {
        assert!(is_locked(&store.get_material(&address).unwrap().unwrap()));
    }
    // In an emergency the standby takes over even when nobody has the passphrase.
    let compromised = on(&store, 100)
        .compromise(&first, Default::default())
        .unwrap();
    assert!(compromised.successor.is_some());
    let after = keyring(&store);
    assert_eq!(
        after.state_of(first.as_str(), at(100)),
        Some(State::Compromised)
    );
    assert_eq!(run(&store, 100).unwrap_err().0, "passphrase_needed");
    let right = on(&store, 100).passphrase(passphrase());
    assert_eq!(
        kinds(&right.run_due(&RunOptions::default()).unwrap().events),
        ["standby", "erased"]
    );
}

#[test]
fn a_commit_that_comes_too_late_is_decided_anew() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};
    use tokenwright::key::SigningKey;
    use tokenwright::{Clock, UnixTime};

    /// A clock that leaps each time it is read, as often as it is told.
    struct Leaping {
        now: AtomicI64,
        leaps: AtomicI64,
        by: i64,
    }
    impl Clock for Leaping {
        fn now(&self) -> UnixTime {
            let leaps = self.leaps.fetch_sub(1, Ordering::SeqCst) > 0;
            at(self
                .now
                .fetch_add(if leaps { self.by } else { 0 }, Ordering::SeqCst))
        }
    }
    // L = 2: within it, beyond it a few times, and always.
    for (leaps, by, expected) in [
        (100, 2, Ok(1)),
        (4, 3, Ok(1)),
        (100, 3, Err("commit_too_slow")),
    ] {
        let store = MemoryStore::new();
        begin(&store, None);
        let clock = Arc::new(Leaping {
            now: AtomicI64::new(0),
            leaps: AtomicI64::new(leaps),
            by,
        });
        let scheduler = Scheduler::new(store.clone(), clock).key_source(SigningKey::generate);
        let result = scheduler.run_due(&RunOptions::default());
        let result = result.map(|performed| performed.events.len());
        assert_eq!(
            result.map_err(|error| error.code()),
            expected,
            "{leaps} leaps of {by} s"
        );
        assert_eq!(scheduler.orphans().unwrap(), []);
    }
}

#[test]
fn keyrings_of_every_family_turn() {
    for algorithm in [
        Algorithm::Hs256,
        Algorithm::V4Public,
        Algorithm::V4Local,
        Algorithm::Es256,
    ] {
        let store = MemoryStore::new();
        super::begin_with(&store, algorithm, None);
        let mut seen = Vec::new();
        for second in [0, 975, 1_003, 1_108, 1_975] {
            seen.extend(kinds(&run(&store, second).unwrap()));
        }
        // A shared secret verifies as well, so it is erased when it is withdrawn.
        let expected: &[_] = match algorithm.is_symmetric() {
            true => &["standby", "successor", "withdrawn", "successor"],
            false => &["standby", "successor", "erased", "withdrawn", "successor"],
        };
        assert_eq!(seen, expected, "{algorithm}");
        assert_eq!(store.list_material().unwrap().len(), 3, "{algorithm}");
        assert_eq!(on(&store, 1_975).orphans().unwrap(), []);
    }
}
