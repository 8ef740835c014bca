//! Bad input and bad luck: each a typed refusal, and nothing is lost or revived.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Stdio;

use tokenwright::{Clock as _, SystemClock};

use crate::past::{DAY, HOUR, Past, make};
use crate::place::Place;

#[test]
fn a_clock_that_was_set_back_refuses_to_act() {
    let past = Past::with_standby(HOUR);
    let before = past.document();
    let now = past.time(0).seconds();
    let run = past
        .place
        .run(&["rotate", "--at", &format!("@{}", now - 31)]);
    run.fails(6, "clock_behind").says(&format!(
        "error[clock_behind]: the clock says {}, but the keyring was committed at {now} and clocks may differ by 30 s only: set the clock\n\
         hint: nothing was changed; tokenwright doctor compares clock and keyring\n",
        now - 31
    ));
    // As far as clocks may differ, nothing is wrong.
    let run = past
        .place
        .run(&["rotate", "--at", &format!("@{}", now - 30)]);
    run.succeeds();
    assert_eq!(past.document(), before);
}

#[test]
fn a_clock_that_the_keyring_proves_slow_mints_nothing() {
    let past = Past::with_standby(HOUR);
    past.rotate_at(DAY, &["--force"]).succeeds();
    let run = past.place.run(&["mint", "--sub", "alice"]);
    let words = run.fails(6, "clock_behind").stderr();
    assert!(words.contains(": a token minted now would be refused\nhint: set the clock; "));
}

#[test]
fn new_keys_are_locked_like_those_that_are_there() {
    let place = Place::new();
    place.write("secret", "correct horse\n");
    let locked = ["init", "--passphrase-file", "secret"];
    place.run(&locked).succeeds();
    let before = place.read("keys/keyring.json");
    // Nobody is at a terminal to be asked.
    place.run(&["rotate"]).fails(6, "passphrase");
    assert_eq!(place.read("keys/keyring.json"), before);
    place.write("wrong", "battery staple\n");
    let wrong = ["rotate", "--passphrase-file", "wrong"];
    place.run(&wrong).fails(6, "wrong_passphrase");
    assert_eq!(place.read("keys/keyring.json"), before);
    let right = ["rotate", "--passphrase-file", "secret"];
    place.run(&right).succeeds();
    for entry in fs::read_dir(place.path("keys/private")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    }
}

#[test]
fn a_clock_ten_years_ahead_destroys_nothing_without_force() {
    let past = Past::with_standby(3 * DAY);
    past.rotate_at(DAY - 340, &[]).succeeds();
    // For that clock it is now ten years after the last commit.
    let ten_years = 3_652 * DAY;
    let before = (past.document(), past.place.all());
    let run = past.rotate_at(ten_years, &["--dry-run"]);
    let words = run.fails(6, "clock_jump").stderr();
    assert!(words.contains("more than two periods after the last commit at "));
    assert!(words.contains("say so with --force\n"));
    assert_eq!((past.document(), past.place.all()), before);
    // The refusal is the same for a clock that says so by itself: three periods have passed.
    let late = Past::new(3 * DAY);
    let before = late.document();
    late.place.run(&["rotate"]).fails(6, "clock_jump");
    assert_eq!(late.document(), before);
    late.place.run(&["rotate", "--force"]).succeeds();
    late.place.run(&["rotate", "--exit-code"]).succeeds();
}

#[test]
fn a_keyring_of_a_newer_program_is_left_alone() {
    let past = Past::new(HOUR);
    let newer = past
        .document()
        .replacen("\"version\": 1", "\"version\": 2", 1);
    past.put_document(&newer);
    let message = "error[keyring_newer_version]: the keyring has version 2, and this program knows 1: \
                   update this program; the file was left as it is\n";
    for command in [&["rotate"][..], &["rotate", "plan"], &["key", "list"]] {
        let run = past.place.run(command);
        run.fails(6, "keyring_newer_version").says(message);
    }
    assert_eq!(past.document(), newer);
}

#[test]
fn a_half_written_document_is_refused_wherever_it_was_cut() {
    let past = Past::new(HOUR);
    let whole = past.document();
    let last = whole.trim_end().len();
    for length in [0, 1, last / 2, last - 1] {
        past.put_document(whole.get(..length).unwrap());
        past.place.run(&["rotate"]).fails(6, "store_damaged");
        past.place
            .run(&["rotate", "--dry-run"])
            .fails(6, "store_damaged");
        assert_eq!(past.document().len(), length);
    }
}

#[test]
fn a_document_edited_by_hand_is_refused_when_it_contradicts_itself() {
    let past = Past::with_standby(HOUR);
    let whole = past.document();
    let activates = format!("\"activates_at\": {}", past.time(0).seconds());
    assert!(whole.contains(&activates), "{whole}");
    let misspelt = whole.replacen("\"as_of\"", "\"as_off\"", 1);
    past.put_document(&misspelt);
    let run = past.place.run(&["rotate"]);
    assert_eq!((run.code(), run.stdout().as_str()), (6, ""));
    let early = format!("\"activates_at\": {}", past.time(0).seconds() - 5);
    past.put_document(&whole.replacen(&activates, &early, 1));
    past.place.run(&["rotate"]).fails(6, "keyring_inconsistent");
    past.put_document(&whole);
    past.place.run(&["rotate"]).succeeds();
}

#[test]
fn a_key_file_that_is_missing_is_named_and_the_rest_goes_on() {
    let past = Past::new(HOUR);
    let first = past.first.clone();
    fs::remove_file(past.place.path(&format!("keys/private/{first}.key"))).unwrap();
    let run = past.place.run(&["rotate"]);
    assert_eq!(run.code(), 5);
    // The standby that can replace the lost key was made first.
    assert!(run.stdout().contains("\nstandby published    "));
    run.says(&format!(
        "error[material_missing]: the keyring names key {first}, but the private half is not in the store: \
         put it back from a backup, or mark the key compromised\n"
    ));
    past.place
        .run(&["mint", "--sub", "alice"])
        .fails(5, "material_missing");
}

#[test]
fn a_folder_that_others_can_read_is_refused_with_what_mends_it() {
    let past = Past::new(HOUR);
    let folder = past.place.path("keys");
    set_mode(&folder, 0o755);
    let folder = fs::canonicalize(folder).unwrap();
    let words = past
        .place
        .run(&["rotate"])
        .fails(6, "store_exposed")
        .stderr();
    assert!(words.contains(&format!("mend it with: chmod 700 {}", folder.display())));
}

#[test]
fn a_folder_of_keys_that_is_no_folder_keeps_what_is_there() {
    let past = Past::new(HOUR);
    let before = past.document();
    let private = past.place.path("keys/private");
    fs::rename(&private, past.place.path("away")).unwrap();
    fs::write(&private, "in the way").unwrap();
    set_mode(&private, 0o600);
    let run = past.place.run(&["rotate"]);
    assert_eq!((run.code(), run.stdout().as_str()), (6, ""));
    assert!(run.stderr().starts_with("error[store_"), "{}", run.stderr());
    assert_eq!(past.document(), before);
}

/// No mode stops root, so root hands the folder to another user and becomes that one.
#[test]
fn a_read_only_folder_is_refused_and_reading_goes_on() {
    let past = Past::new(HOUR);
    let before = past.document();
    let owner = fs::metadata(past.place.path("keys")).unwrap().uid();
    let user = if owner == 0 { 65_534 } else { owner };
    if owner == 0 {
        for path in past.place.all() {
            chown(path, Some(user), Some(user)).unwrap();
        }
    }
    set_mode(&past.place.path("keys"), 0o500);
    let run = |arguments: &[&str]| {
        let mut command = past.place.command();
        if owner == 0 {
            command.uid(user).gid(user);
        }
        command.args(arguments).output().unwrap()
    };
    let refused = run(&["rotate"]);
    let words = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(6), "{words}");
    assert!(words.starts_with("error[store_permission]: "), "{words}");
    assert_eq!(past.document(), before);
    assert_eq!(run(&["rotate", "plan"]).status.code(), Some(0));
    set_mode(&past.place.path("keys"), 0o700);
}

#[test]
fn a_missing_or_empty_store_is_told_with_how_to_make_one() {
    let place = Place::new();
    for command in [&["rotate"][..], &["rotate", "plan"], &["rotate", "--watch"]] {
        let words = place.run(command).fails(5, "store_missing").stderr();
        assert!(words.contains("tokenwright init"), "{words}");
    }
    assert!(place.all().is_empty());
}

#[test]
fn sixteen_schedulers_at_once_make_one_standby() {
    let place = Place::new();
    make(&place, "keys", SystemClock.now());
    let mut children: Vec<_> = (0..16)
        .map(|_| {
            let mut command = place.command();
            command.args(["rotate", "--if-due", "--json"]);
            command.stdout(Stdio::piped()).stderr(Stdio::null());
            command.spawn().unwrap()
        })
        .collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let made: usize = children
        .into_iter()
        .map(|child| {
            let output = child.wait_with_output().unwrap();
            let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            report["events"].as_array().unwrap().len()
        })
        .sum();
    assert_eq!(made, 1);
    assert_eq!(fs::read_dir(place.path("keys/private")).unwrap().count(), 2);
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
