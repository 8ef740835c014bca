//! What doctor finds, and what it says mends it.

use crate::past::{DAY, HOUR, Past};
use crate::place::{Place, Run};

/// The codes of what is wrong.
fn wrong(run: &Run) -> Vec<String> {
    let report = run.json();
    assert_eq!(report["schema"], "tokenwright.doctor");
    let findings = report["findings"].as_array().unwrap();
    let wrong = findings.iter().filter(|finding| finding["well"] == false);
    wrong
        .map(|finding| finding["code"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn all_is_well_with_a_keyring_that_is_looked_after() {
    let past = Past::with_standby(HOUR);
    let run = past.place.run(&["doctor"]).succeeds();
    assert_eq!(run.stdout(), "");
    run.says("all is well\n");
    let verbose = past.place.run(&["doctor", "-v"]).succeeds().stdout();
    for line in [
        "well   permissions: 7 files and folders, none of them open to others\n",
        "well   orphans: every key file is in the keyring\n",
        "well   material: 2 private halves can be read, 0 are locked\n",
        "keys sign 1 d (5 min 40 s at least), caches are 5 min old at most (23 h 59 min would do)\n",
        "\nstore  keys   (default)\n",
        "\niss    https://auth.example   (keyring)\n",
    ] {
        assert!(verbose.contains(line), "{line}\n{verbose}");
    }
}

#[test]
fn settings_are_told_with_the_place_that_had_the_last_word() {
    let past = Past::with_standby(HOUR);
    past.place.write(
        "tokenwright.toml",
        "iss = 'https://file.example'\nttl = '10m'\n",
    );
    let mut command = past.place.command();
    command
        .args(["doctor", "-v"])
        .env("TOKENWRIGHT_AUD", "from-env");
    let told = String::from_utf8(command.output().unwrap().stdout).unwrap();
    for line in [
        "\niss    https://file.example   (tokenwright.toml)\n",
        "\naud    from-env   (environment)\n",
        "\nttl    600 s   (tokenwright.toml)\n",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    let run = past.place.run(&["doctor", "-v", "--store", "./keys"]);
    assert!(run.stdout().contains("\nstore  ./keys   (flags)\n"));
}

#[test]
fn settings_that_the_keyring_refuses_are_found() {
    let past = Past::with_standby(HOUR);
    past.place
        .write("tokenwright.toml", "ttl = '2h'\nleeway = '5s'\n");
    let run = past.place.run(&["doctor", "--json"]);
    assert_eq!(run.code(), 1);
    assert_eq!(wrong(&run), ["ttl_too_long", "unsafe_policy"]);
}

#[test]
fn overdue_work_is_loud() {
    // The standby has been missing for two hours.
    let past = Past::new(2 * HOUR);
    let run = past.place.run(&["doctor", "--json"]);
    assert_eq!(run.code(), 1);
    assert_eq!(wrong(&run), ["overdue"]);
    past.place.run(&["doctor", "--tick", "3h"]).succeeds();
    past.place.run(&["rotate"]).succeeds();
    past.place.run(&["doctor"]).succeeds();
}

#[test]
fn a_clock_that_disagrees_with_the_keyring_is_found() {
    let past = Past::with_standby(HOUR);
    past.rotate_at(DAY - 340, &["--force"]).succeeds();
    let run = past.place.run(&["doctor", "--json"]);
    assert_eq!(wrong(&run), ["clock_behind"]);
    let late = Past::new(3 * DAY);
    let run = late.place.run(&["doctor", "--json"]);
    assert_eq!(wrong(&run), ["clock_jump", "overdue"]);
}

#[test]
fn everything_open_to_others_is_found_with_the_command_that_mends_it() {
    let past = Past::with_standby(HOUR);
    let key = format!("keys/private/{}.key", past.first);
    for (name, mode) in [("keys/keyring.json", 0o644), (key.as_str(), 0o640)] {
        set_mode(&past.place, name, mode);
    }
    let run = past.place.run(&["doctor"]);
    assert_eq!(run.code(), 1);
    assert_eq!(
        run.stdout(),
        format!(
            "WRONG  store_exposed: keys/keyring.json is open to others: mode 0644\n       \
             mend it with: chmod 600 keys/keyring.json\n\
             WRONG  store_exposed: {key} is open to others: mode 0640\n       \
             mend it with: chmod 600 {key}\n"
        )
    );
    run.says("2 findings\n");
    set_mode(&past.place, "keys/keyring.json", 0o600);
    set_mode(&past.place, &key, 0o600);
    past.place.run(&["doctor"]).succeeds();
}

#[test]
fn orphans_and_missing_keys_are_found() {
    let past = Past::with_standby(HOUR);
    let (key, orphan) = (
        past.place.path(&format!("keys/private/{}.key", past.first)),
        past.place.path("keys/private/stray.key"),
    );
    std::fs::rename(&key, &orphan).unwrap();
    let run = past.place.run(&["doctor", "--json"]);
    assert_eq!(wrong(&run), ["material_missing", "orphan"]);
    assert!(
        run.stdout()
            .contains("if no backup is to be merged and no scheduler is running: rm ")
    );
    assert!(orphan.exists());
    std::fs::rename(&orphan, &key).unwrap();
    past.place.run(&["doctor"]).succeeds();
}

#[test]
fn a_document_that_cannot_be_read_and_a_missing_one_are_findings() {
    let past = Past::new(HOUR);
    let whole = past.document();
    for (text, code) in [
        ("{", "store_damaged"),
        ("{}", "not_a_keyring"),
        (
            &whole.replacen("\"version\": 1", "\"version\": 2", 1),
            "keyring_newer_version",
        ),
    ] {
        past.put_document(text);
        let run = past.place.run(&["doctor", "--json"]);
        assert_eq!(run.code(), 1);
        assert_eq!(wrong(&run), [code]);
    }
    let place = Place::new();
    let run = place.run(&["doctor", "--json"]);
    assert_eq!(
        (run.code(), wrong(&run)),
        (1, vec!["store_missing".to_owned()])
    );
    assert!(place.all().is_empty());
}

fn set_mode(place: &Place, name: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(place.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
}
