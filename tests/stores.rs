//! Every store against one suite, and the file store against real processes.
#![cfg(feature = "file-store")]

use std::io::{BufRead as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokenwright::store::{
    FileStore, MaterialAddress, MemoryStore, Outcome, Overwrite, Store, StoreError, StoreErrorKind,
    create_secret_file, testing,
};
use tokenwright::{ErrorClass, SecretBytes};

/// A folder of this test alone, removed afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!(
            "tokenwright-stores-{}-{}",
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

    fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn address(text: &str) -> MaterialAddress {
    MaterialAddress::new(text).unwrap()
}

fn secret(text: &str) -> SecretBytes {
    SecretBytes::from(text.as_bytes().to_vec())
}

/// A store with one document and one key.
fn filled(scratch: &Scratch) -> FileStore {
    let store = FileStore::create(scratch.join("keys")).unwrap();
    store
        .put_material(&address("first"), &secret("key one"))
        .unwrap();
    store.compare_and_swap(None, br#"{"n":1}"#).unwrap();
    store
}

/// Every call of the interface, by name, on a store that may refuse any of them.
fn every_call(store: &FileStore) -> Vec<(&'static str, Result<(), StoreError>)> {
    vec![
        ("load", store.load().map(drop)),
        ("get", store.get_material(&address("first")).map(drop)),
        ("list", store.list_material().map(drop)),
        (
            "put",
            store.put_material(&address("second"), &secret("two")),
        ),
        (
            "replace",
            store.replace_material(&address("first"), &secret("three")),
        ),
        ("remove", store.remove_material(&address("first"))),
        ("swap", store.compare_and_swap(None, b"{}").map(drop)),
    ]
}

#[track_caller]
fn assert_all_refused(store: &FileStore, kind: StoreErrorKind, message: &str) {
    for (call, result) in every_call(store) {
        let error = result.expect_err(call);
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (kind, message),
            "{call}"
        );
        assert_eq!(error.outcome(), Outcome::NotDone, "{call}");
    }
}

#[test]
fn the_memory_store_keeps_every_rule() {
    assert_eq!(testing::conformance(MemoryStore::new), Ok(testing::RULES));
}

#[test]
fn the_file_store_keeps_every_rule() {
    let scratch = Scratch::new();
    let mut count = 0;
    let kept = testing::conformance(|| {
        count += 1;
        FileStore::create(scratch.join(&format!("keys{count}"))).unwrap()
    });
    assert_eq!(kept, Ok(testing::RULES));
}

#[test]
fn folders_are_0700_and_files_0600_and_nothing_else_is_left() {
    let scratch = Scratch::new();
    filled(&scratch);
    let keys = scratch.join("keys");
    assert_eq!(mode(&keys), 0o700);
    assert_eq!(mode(&keys.join("private")), 0o700);
    for file in ["keyring.json", "private/first.key", ".lock"] {
        assert_eq!(mode(&keys.join(file)), 0o600, "{file}");
    }
    assert_eq!(names(&keys), [".lock", "keyring.json", "private"]);
    assert_eq!(names(&keys.join("private")), ["first.key"]);
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_folder_others_can_enter_is_refused_with_the_command_that_mends_it() {
    let scratch = Scratch::new();
    let store = filled(&scratch);
    let keys = scratch.join("keys");
    for wrong in [0o750, 0o710, 0o704, 0o701, 0o770, 0o777, 0o720, 0o702] {
        set_mode(&keys, wrong);
        let message = format!(
            "{0}: expected a folder for its owner alone (mode 0700), found mode {wrong:04o}; \
             mend it with: chmod 700 {0}",
            keys.display()
        );
        assert_all_refused(&store, StoreErrorKind::Exposed, &message);
        assert_eq!(FileStore::open(&keys).unwrap_err().to_string(), message);
        assert_eq!(FileStore::create(&keys).unwrap_err().to_string(), message);
    }
    run_mending_command(&FileStore::open(&keys).unwrap_err());
    assert!(store.load().unwrap().is_some());
}

/// Pastes the command of a message into a shell.
fn run_mending_command(error: &StoreError) {
    let command = error.next_step().strip_prefix("mend it with: ").unwrap();
    let status = Command::new("sh").args(["-c", command]).status();
    assert!(status.unwrap().success(), "{command}");
}

#[test]
fn the_command_that_mends_it_works_for_a_path_with_spaces_and_quotes() {
    let scratch = Scratch::new();
    let keys = scratch.join("it's; my $keys");
    FileStore::create(&keys).unwrap();
    set_mode(&keys, 0o755);
    run_mending_command(&FileStore::open(&keys).unwrap_err());
    assert!(FileStore::open(&keys).is_ok());
}

#[test]
fn files_others_can_read_are_refused_with_the_command_that_mends_them() {
    let scratch = Scratch::new();
    let store = filled(&scratch);
    let (document, key) = (
        scratch.join("keys/keyring.json"),
        scratch.join("keys/private/first.key"),
    );
    for wrong in [0o640, 0o604, 0o620, 0o602, 0o644, 0o666] {
        set_mode(&document, wrong);
        let error = store.load().unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "{0}: expected a file for its owner alone (mode 0600), found mode {wrong:04o}; \
                 mend it with: chmod 600 {0}",
                document.display()
            )
        );
        run_mending_command(&error);
        set_mode(&key, wrong);
        let error = store.get_material(&address("first")).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Exposed);
        run_mending_command(&error);
    }
    assert!(store.load().unwrap().is_some());
    assert!(store.get_material(&address("first")).unwrap().is_some());
    set_mode(&scratch.join("keys/private"), 0o750);
    let error = store.get_material(&address("first")).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Exposed);
    set_mode(&scratch.join("keys/private"), 0o700);
    set_mode(&scratch.join("keys/.lock"), 0o666);
    let error = store.remove_material(&address("first")).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Exposed);
}

#[test]
fn a_folder_in_a_place_everybody_can_change_is_refused_unless_it_is_sticky() {
    let scratch = Scratch::new();
    let above = scratch.join("above");
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(&above)
        .unwrap();
    let store = FileStore::create(above.join("keys")).unwrap();
    set_mode(&above, 0o777);
    let message = format!(
        "{0}: expected a folder that not everybody can write to, found mode 0777; \
         mend it with: chmod o-w {0}",
        above.display()
    );
    assert_all_refused(&store, StoreErrorKind::Exposed, &message);
    set_mode(&above, 0o1777);
    assert!(store.load().unwrap().is_none());
    set_mode(&above, 0o775);
    assert!(store.load().unwrap().is_none());
}

#[test]
fn links_are_never_followed() {
    let scratch = Scratch::new();
    let store = filled(&scratch);
    let keys = scratch.join("keys");
    let outside = scratch.join("outside.json");
    create_secret_file(&outside, b"{\"outside\":1}", Overwrite::Refuse).unwrap();

    // The folder itself, also spelled with a final slash.
    symlink(&keys, scratch.join("link")).unwrap();
    for path in [
        scratch.join("link"),
        scratch.join("link/"),
        scratch.join("link/."),
    ] {
        let error = FileStore::open(path).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::NotAFolder);
    }
    // The document, the lock and a key.
    for file in ["keyring.json", ".lock", "private/first.key"] {
        let path = keys.join(file);
        std::fs::rename(&path, scratch.join("aside")).unwrap();
        symlink(&outside, &path).unwrap();
        let error = match file {
            "keyring.json" => store.load().unwrap_err(),
            ".lock" => store.compare_and_swap(None, b"{}").unwrap_err(),
            _ => store.get_material(&address("first")).unwrap_err(),
        };
        assert_eq!(error.kind(), StoreErrorKind::NotAPlainFile, "{file}");
        assert!(
            error.to_string().contains("found a symbolic link"),
            "{error}"
        );
        std::fs::rename(scratch.join("aside"), &path).unwrap();
    }
    // The folder of keys.
    std::fs::rename(keys.join("private"), scratch.join("aside")).unwrap();
    symlink(scratch.join("aside"), keys.join("private")).unwrap();
    let put = store
        .put_material(&address("new"), &secret("x"))
        .unwrap_err();
    assert_eq!(put.kind(), StoreErrorKind::NotAFolder);
    assert_eq!(names(&scratch.join("aside")), ["first.key"]);
    assert_eq!(std::fs::read(outside).unwrap(), b"{\"outside\":1}");
}

#[test]
fn pipes_devices_folders_and_second_names_are_refused_without_waiting() {
    let scratch = Scratch::new();
    let store = filled(&scratch);
    let document = scratch.join("keys/keyring.json");
    std::fs::hard_link(&document, scratch.join("second name")).unwrap();
    let error = store.load().unwrap_err();
    assert!(
        error.to_string().contains("found a file with 2 names"),
        "{error}"
    );
    std::fs::remove_file(&document).unwrap();

    let made = Command::new("mkfifo").arg(&document).status();
    assert!(made.unwrap().success());
    assert_eq!(
        store.load().unwrap_err().kind(),
        StoreErrorKind::NotAPlainFile
    );
    std::fs::remove_file(&document).unwrap();

    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(&document)
        .unwrap();
    assert_eq!(
        store.load().unwrap_err().kind(),
        StoreErrorKind::NotAPlainFile
    );
}

#[test]
fn a_missing_folder_and_a_file_in_its_place_are_told_apart() {
    let scratch = Scratch::new();
    let store = filled(&scratch);
    let keys = scratch.join("keys");
    std::fs::remove_dir_all(&keys).unwrap();
    let message = format!(
        "{}: expected a folder, found nothing; \
         check the path, or create it with `tokenwright init`",
        keys.display()
    );
    assert_all_refused(&store, StoreErrorKind::Missing, &message);
    assert_eq!(store.load().unwrap_err().class(), ErrorClass::CannotKnow);
    std::fs::write(&keys, "").unwrap();
    let message = format!(
        "{}: expected a folder, found a file or a symbolic link; give the folder itself",
        keys.display()
    );
    assert_all_refused(&store, StoreErrorKind::NotAFolder, &message);
    let nowhere = FileStore::create(scratch.join("no/such")).unwrap_err();
    assert_eq!(nowhere.kind(), StoreErrorKind::Missing);
}

#[test]
fn a_torn_empty_or_foreign_document_is_never_taken_for_none_nor_replaced() {
    let scratch = Scratch::new();
    let store = filled(&scratch);
    let path = scratch.join("keys/keyring.json");
    let whole = br#"{"format":"x","keys":[{"kid":"}"}]}"#;
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert_eq!(
            store.load().unwrap_err().kind(),
            StoreErrorKind::Damaged,
            "{length}"
        );
        let swap = store.compare_and_swap(None, b"{}").unwrap_err();
        assert_eq!(swap.kind(), StoreErrorKind::Damaged, "{length}");
        assert_eq!(std::fs::read(&path).unwrap(), &whole[..length]);
    }
    for foreign in [
        "-----BEGIN PRIVATE KEY-----\n",
        "[]",
        "\u{feff}{}",
        "{}{}",
        "\0",
    ] {
        std::fs::write(&path, foreign).unwrap();
        assert_eq!(
            store.load().unwrap_err().kind(),
            StoreErrorKind::Damaged,
            "{foreign:?}"
        );
    }
    std::fs::write(&path, "").unwrap();
    assert_eq!(
        store.load().unwrap_err().to_string(),
        format!(
            "{}: expected one whole JSON object, found an empty file; nothing was changed; if \
             this is not a tokenwright document, use another folder, else put the last backup back",
            path.display()
        )
    );
    std::fs::write(scratch.join("keys/private/first.key"), "").unwrap();
    let error = store.get_material(&address("first")).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Damaged);
}

#[test]
fn an_oversized_file_is_refused_by_its_size_before_it_is_read() {
    let scratch = Scratch::new();
    let store = filled(&scratch);
    for file in ["keyring.json", "private/first.key"] {
        // A hole of a terabyte: reading it would take minutes and all memory.
        let path = scratch.join("keys").join(file);
        let handle = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        handle.set_len(1 << 40).unwrap();
    }
    let started = std::time::Instant::now();
    assert_eq!(store.load().unwrap_err().kind(), StoreErrorKind::TooLarge);
    let error = store.get_material(&address("first")).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::TooLarge);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn two_documents_share_a_folder() {
    let scratch = Scratch::new();
    let keyring = filled(&scratch);
    let revocations = keyring.beside("revocations.json").unwrap();
    assert!(revocations.load().unwrap().is_none());
    revocations.compare_and_swap(None, br#"{"r":1}"#).unwrap();
    assert_eq!(keyring.load().unwrap().unwrap().document, br#"{"n":1}"#);
    assert_eq!(
        names(keyring.path()),
        [".lock", "keyring.json", "private", "revocations.json"]
    );
    for bad in ["../x.json", ".x.json", "x", "private"] {
        let error = keyring.beside(bad).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::BadAddress, "{bad}");
    }
}

#[test]
fn strays_of_a_killed_writer_are_removed_by_the_next_one() {
    let scratch = Scratch::new();
    let store = filled(&scratch);
    let strays = [
        scratch.join("keys/.tmp-0"),
        scratch.join("keys/private/.tmp-1"),
    ];
    for stray in &strays {
        create_secret_file(stray, b"half a k", Overwrite::Refuse).unwrap();
    }
    assert!(store.load().unwrap().is_some());
    assert_eq!(store.list_material().unwrap(), [address("first")]);
    assert!(
        strays.iter().all(|stray| stray.exists()),
        "a reader has written"
    );
    store
        .put_material(&address("second"), &secret("two"))
        .unwrap();
    assert!(!strays.iter().any(|stray| stray.exists()));
}

#[test]
fn a_secret_file_is_private_exclusive_and_leaves_nothing_when_it_fails() {
    let scratch = Scratch::new();
    let path = scratch.join("out.pem");
    create_secret_file(&path, b"one", Overwrite::Refuse).unwrap();
    assert_eq!(
        (mode(&path), std::fs::read(&path).unwrap()),
        (0o600, b"one".to_vec())
    );
    let error = create_secret_file(&path, b"two", Overwrite::Refuse).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{}: expected a name that is free, found a file; nothing was written; \
             give another name, or allow it to be overwritten",
            path.display()
        )
    );
    assert_eq!(std::fs::read(&path).unwrap(), b"one");

    set_mode(&path, 0o644);
    create_secret_file(&path, b"two", Overwrite::Allow).unwrap();
    assert_eq!(
        (mode(&path), std::fs::read(&path).unwrap()),
        (0o600, b"two".to_vec())
    );

    symlink(&path, scratch.join("link")).unwrap();
    std::fs::create_dir(scratch.join("folder")).unwrap();
    for (name, overwrite, kind) in [
        ("link", Overwrite::Refuse, StoreErrorKind::Exists),
        ("link", Overwrite::Allow, StoreErrorKind::NotAPlainFile),
        ("folder", Overwrite::Refuse, StoreErrorKind::Exists),
        ("folder", Overwrite::Allow, StoreErrorKind::NotAPlainFile),
        ("no/such", Overwrite::Allow, StoreErrorKind::Missing),
        ("no/such", Overwrite::Refuse, StoreErrorKind::Missing),
        ("..", Overwrite::Allow, StoreErrorKind::NotAPlainFile),
    ] {
        let error = create_secret_file(scratch.join(name), b"x", overwrite).unwrap_err();
        assert_eq!(error.kind(), kind, "{name} {overwrite:?}");
    }
    // As root, a rename would replace the device by a file full of secrets.
    let error = create_secret_file("/dev/null", b"x", Overwrite::Allow).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::NotAPlainFile);
    assert_eq!(std::fs::read(&path).unwrap(), b"two");
    assert_eq!(names(&scratch.0), ["folder", "link", "out.pem"]);
}

// Other processes: a test starts this very program again, with the part to play
// in an environment variable.

const PART: &str = "TOKENWRIGHT_TEST_PART";

/// This program, running one test alone, which plays a part in a folder.
fn player(test: &str, part: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture", "--quiet"])
        .env(PART, part)
        .env("TOKENWRIGHT_TEST_FOLDER", folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// The part to play and its folder, if this process was started to play one.
fn part() -> Option<(String, PathBuf)> {
    let part = std::env::var(PART).ok()?;
    let folder = std::env::var_os("TOKENWRIGHT_TEST_FOLDER")?;
    Some((part, folder.into()))
}

fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}")
        .and_then(|()| output.flush())
        .unwrap();
}

/// The numbers after "ack" in what a player has said.
fn acknowledged(output: impl std::io::Read) -> Vec<u64> {
    let lines = std::io::BufReader::new(output)
        .lines()
        .map_while(Result::ok);
    lines
        .filter_map(|line| line.split("ack ").nth(1)?.parse().ok())
        .collect()
}

fn number(document: &[u8]) -> u64 {
    let text = std::str::from_utf8(document).unwrap();
    let digits = text.trim_start_matches(r#"{"n":"#).trim_end_matches('}');
    digits.parse().unwrap()
}

/// The next change: the key first, then the document that names it, then the old key goes.
fn advance(store: &FileStore) -> Result<u64, StoreError> {
    let current = store.load()?;
    let next = current
        .as_ref()
        .map_or(1, |current| number(&current.document) + 1);
    let name = |n: u64| address(&format!("key{n}"));
    store.put_material(&name(next), &secret(&format!("secret {next}")))?;
    let document = format!(r#"{{"n":{next}}}"#);
    let version = current.map(|current| current.version);
    store.compare_and_swap(version.as_ref(), document.as_bytes())?;
    if next > 1 {
        store.remove_material(&name(next - 1))?;
    }
    Ok(next)
}

/// The last number of a store whose document names a key that is there.
fn whole_number(store: &FileStore) -> u64 {
    let Some(loaded) = store.load().unwrap() else {
        return 0;
    };
    let n = number(&loaded.document);
    let key = store.get_material(&address(&format!("key{n}"))).unwrap();
    assert_eq!(
        key,
        Some(secret(&format!("secret {n}"))),
        "a reference to nothing"
    );
    n
}

fn random(below: u64) -> u64 {
    getrandom::u64().unwrap() % below
}

#[test]
fn a_writer_killed_at_any_moment_leaves_the_old_state_or_the_new_one() {
    if let Some((_, folder)) = part() {
        let store = FileStore::open(folder).unwrap();
        loop {
            say(&format!("ack {}", advance(&store).unwrap()));
        }
    }
    let name = "a_writer_killed_at_any_moment_leaves_the_old_state_or_the_new_one";
    let scratch = Scratch::new();
    let keys = scratch.join("keys");
    // A dead process holds no lock, so nobody ever has to wait.
    let store = FileStore::create(&keys)
        .unwrap()
        .with_patience(Duration::ZERO);
    let mut last = 0;
    for round in 0..rounds(30) {
        let mut writer = player(name, "writer", &keys).spawn().unwrap();
        let mut output = std::io::BufReader::new(writer.stdout.take().unwrap());
        // Some acknowledgements, then a moment within the next change.
        let mut heard = Vec::new();
        for _ in 0..=random(6) {
            let mut line = String::new();
            output.read_line(&mut line).unwrap();
            heard.extend(acknowledged(line.as_bytes()));
        }
        (0..random(20_000)).for_each(|turn| drop(std::hint::black_box(turn.to_string())));
        writer.kill().unwrap();
        heard.extend(acknowledged(output));
        writer.wait().unwrap();

        let found = whole_number(&store);
        let acknowledged = heard.last().copied().unwrap_or(last);
        assert!(
            found == acknowledged || found == acknowledged + 1,
            "round {round}: acknowledged {acknowledged}, found {found}"
        );
        last = advance(&store).unwrap();
        assert_eq!(last, found + 1, "round {round}");
        let strays = names(&keys).into_iter().chain(names(&keys.join("private")));
        assert_eq!(strays.filter(|name| name.starts_with(".tmp-")).count(), 0);
    }
}

/// More rounds by hand: `TOKENWRIGHT_ROUNDS=1000 cargo test --test stores`.
fn rounds(usual: u64) -> u64 {
    let given = std::env::var("TOKENWRIGHT_ROUNDS").ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[test]
fn of_sixteen_processes_exactly_one_writes_each_version() {
    let last = 20 * rounds(5);
    if let Some((_, folder)) = part() {
        let store = FileStore::open(folder)
            .unwrap()
            .with_patience(Duration::from_secs(60));
        loop {
            let current = store.load().unwrap().unwrap();
            let next = number(&current.document) + 1;
            if next > last {
                return;
            }
            let document = format!(r#"{{"n":{next}}}"#);
            match store.compare_and_swap(Some(&current.version), document.as_bytes()) {
                Ok(_) => say(&format!("ack {next}")),
                Err(error) => assert_eq!(error.kind(), StoreErrorKind::Conflict, "{error}"),
            }
        }
    }
    let scratch = Scratch::new();
    let store = FileStore::create(scratch.join("keys")).unwrap();
    store.compare_and_swap(None, br#"{"n":0}"#).unwrap();
    let name = "of_sixteen_processes_exactly_one_writes_each_version";
    let writers: Vec<_> = (0..16)
        .map(|_| player(name, "writer", store.path()).spawn().unwrap())
        .collect();
    let mut won = Vec::new();
    for writer in writers {
        let output = writer.wait_with_output().unwrap();
        assert!(output.status.success());
        won.extend(acknowledged(output.stdout.as_slice()));
    }
    won.sort_unstable();
    assert_eq!(won, (1..=last).collect::<Vec<_>>());
    assert_eq!(number(&store.load().unwrap().unwrap().document), last);
}

#[test]
fn a_lock_held_by_another_process_is_named_and_readers_do_not_care() {
    if let Some((_, folder)) = part() {
        let lock = std::fs::File::open(folder.join(".lock")).unwrap();
        lock.lock().unwrap();
        say("locked");
        std::io::stdin().read_line(&mut String::new()).unwrap();
        return;
    }
    let scratch = Scratch::new();
    let store = filled(&scratch).with_patience(Duration::ZERO);
    let version = store.load().unwrap().unwrap().version;
    let name = "a_lock_held_by_another_process_is_named_and_readers_do_not_care";
    let mut holder = player(name, "holder", store.path());
    let mut holder = holder.stdin(Stdio::piped()).spawn().unwrap();
    let mut output = std::io::BufReader::new(holder.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("locked") {
        assert_ne!(output.read_line(&mut line).unwrap(), 0);
    }
    let error = store.compare_and_swap(Some(&version), b"{}").unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{}: expected this lock to be free within 0ns, found that another process holds it; \
             nothing was changed; wait for that process (`fuser` on this file names it), then \
             try again",
            scratch.join("keys/.lock").display()
        )
    );
    assert_eq!(
        (error.kind(), error.class()),
        (StoreErrorKind::Busy, ErrorClass::CannotKnow)
    );
    assert_eq!(store.load().unwrap().unwrap().version, version);
    assert!(store.get_material(&address("first")).unwrap().is_some());
    holder.kill().unwrap();
    holder.wait().unwrap();
    store.compare_and_swap(Some(&version), b"{}").unwrap();
}

#[test]
fn no_umask_widens_a_mode() {
    if let Some((_, folder)) = part() {
        let store = FileStore::create(folder.join("keys")).unwrap();
        store
            .put_material(&address("first"), &secret("one"))
            .unwrap();
        store.compare_and_swap(None, b"{}").unwrap();
        create_secret_file(folder.join("out.pem"), b"two", Overwrite::Refuse).unwrap();
        create_secret_file(folder.join("again.pem"), b"two", Overwrite::Allow).unwrap();
        return;
    }
    for umask in ["000", "022", "077"] {
        let scratch = Scratch::new();
        let status = Command::new("sh")
            .args(["-c", "umask $1; shift; exec \"$@\"", "sh", umask])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "no_umask_widens_a_mode", "--quiet"])
            .env(PART, "writer")
            .env("TOKENWRIGHT_TEST_FOLDER", &scratch.0)
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "umask {umask}");
        for (path, expected) in [
            ("keys", 0o700),
            ("keys/private", 0o700),
            ("keys/private/first.key", 0o600),
            ("keys/keyring.json", 0o600),
            ("keys/.lock", 0o600),
            ("out.pem", 0o600),
            ("again.pem", 0o600),
        ] {
            assert_eq!(mode(&scratch.join(path)), expected, "{path}, umask {umask}");
        }
    }
}

#[test]
fn what_belongs_to_another_user_is_refused() {
    let scratch = Scratch::new();
    let foreign = if rustix::process::geteuid().is_root() {
        let store = filled(&scratch);
        std::os::unix::fs::chown(scratch.join("keys/keyring.json"), Some(NOBODY), None).unwrap();
        let error = store.load().unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::WrongOwner);
        assert!(
            error.to_string().contains("found that user 65534 owns it"),
            "{error}"
        );
        std::os::unix::fs::chown(store.path(), Some(NOBODY), None).unwrap();
        store.path().to_owned()
    } else {
        PathBuf::from("/usr")
    };
    let error = FileStore::open(foreign).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::WrongOwner);
}

const NOBODY: u32 = 65534;

#[test]
fn without_privileges_every_refusal_is_typed_and_changes_nothing() {
    if let Some((_, folder)) = part() {
        return unprivileged(&folder);
    }
    let scratch = Scratch::new();
    if !rustix::process::geteuid().is_root() {
        return unprivileged(&scratch.0);
    }
    // Root passes every permission, so this part is played by nobody.
    let locked = filled(&scratch);
    set_mode(&scratch.0, 0o755);
    let place = scratch.join("nobody");
    std::fs::create_dir(&place).unwrap();
    let program = place.join("program");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    set_mode(&program, 0o755);
    std::os::unix::fs::chown(&place, Some(NOBODY), Some(NOBODY)).unwrap();
    let output = Command::new(&program)
        .args([
            "--exact",
            "without_privileges_every_refusal_is_typed_and_changes_nothing",
        ])
        .env(PART, "nobody")
        .env("TOKENWRIGHT_TEST_FOLDER", &place)
        .env("TOKENWRIGHT_TEST_LOCKED", locked.path())
        .current_dir("/")
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

fn unprivileged(place: &Path) {
    if let Some(locked) = std::env::var_os("TOKENWRIGHT_TEST_LOCKED") {
        let error = FileStore::open(locked).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Permission, "{error}");
    }
    let store = FileStore::create(place.join("keys")).unwrap();
    store
        .put_material(&address("first"), &secret("key one"))
        .unwrap();
    let version = store.compare_and_swap(None, br#"{"n":1}"#).unwrap();
    // A folder that cannot be written any more can still be read.
    set_mode(&place.join("keys/private"), 0o500);
    set_mode(&place.join("keys"), 0o500);
    assert_eq!(store.load().unwrap().unwrap().version, version);
    for result in [
        store.compare_and_swap(Some(&version), b"{}").map(drop),
        store.put_material(&address("second"), &secret("two")),
        store.replace_material(&address("first"), &secret("three")),
        store.remove_material(&address("first")),
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Permission, "{error}");
        assert_eq!(error.outcome(), Outcome::NotDone);
        assert_eq!(error.class(), ErrorClass::Operator);
    }
    set_mode(&place.join("keys"), 0o700);
    set_mode(&place.join("keys/private"), 0o700);
    assert_eq!(
        names(&place.join("keys")),
        [".lock", "keyring.json", "private"]
    );
    assert_eq!(
        store.get_material(&address("first")).unwrap(),
        Some(secret("key one"))
    );
}

#[test]
fn a_file_swapped_for_a_link_again_and_again_is_read_right_or_refused() {
    let scratch = Scratch::new();
    let store = filled(&scratch);
    let document = scratch.join("keys/keyring.json");
    let outside = scratch.join("outside.json");
    create_secret_file(&outside, br#"{"outside":1}"#, Overwrite::Refuse).unwrap();
    let finished = AtomicUsize::new(0);
    let (mut read, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let prepared = scratch.join("keys/prepared");
            while finished.load(Ordering::SeqCst) == 0 {
                symlink(&outside, &prepared).unwrap();
                std::fs::rename(&prepared, &document).unwrap();
                create_secret_file(&prepared, br#"{"n":1}"#, Overwrite::Refuse).unwrap();
                std::fs::rename(&prepared, &document).unwrap();
            }
        });
        // Nothing here may panic: the other thread waits to be told.
        let mut wrong = None;
        while wrong.is_none() && (read < 200 || refused < 200) {
            match store
                .load()
                .map(|loaded| loaded.map(|loaded| loaded.document))
            {
                Ok(Some(document)) if document == br#"{"n":1}"# => read += 1,
                Err(error) if error.kind() == StoreErrorKind::NotAPlainFile => refused += 1,
                other => wrong = Some(other),
            }
        }
        finished.store(1, Ordering::SeqCst);
        assert_eq!(wrong, None);
    });
}
