//! Emergencies: the cost is told first, and nothing happens without a word.

use tokenwright::key::{Algorithm, KeyId, SigningKey};
use tokenwright::keyring::{Defaults, RotationPolicy};
use tokenwright::store::{FileStore, RevocationStore as _, create_keyring};
use tokenwright::{Clock as _, SystemClock};

use crate::past::{HOUR, Past};

#[test]
fn a_compromise_without_confirmation_changes_nothing_and_gives_the_command() {
    let past = Past::with_standby(HOUR);
    let standby = past.only("standby");
    let before = (past.document(), past.place.all());
    let first = &past.first;
    past.place
        .run(&["rotate", "compromise", first])
        .fails(2, "not_confirmed")
        .says(&format!(
            "compromise {first} (active)\n  \
               tokens that die  those signed in 900 s (15 min)\n  \
               outage           none\n  \
               complete         310 s (5 min 10 s) from now, everywhere\n  \
               takes over       {standby}\n\
             error[not_confirmed]: this cannot be undone, and was not confirmed; nothing was changed\n\
             hint: to do it: tokenwright rotate compromise {first} --confirm {first}\n"
        ));
    for wrong in [standby.as_str(), "yes", "", first.get(..8).unwrap()] {
        let run = past
            .place
            .run(&["rotate", "compromise", first, "--confirm", wrong]);
        let words = run.fails(2, "not_confirmed").stderr();
        assert!(words.contains("--confirm names another key; nothing was changed\n"));
    }
    assert_eq!((past.document(), past.place.all()), before);
}

#[test]
fn the_standby_takes_over_from_a_compromised_key_at_once() {
    let past = Past::with_standby(HOUR);
    let standby = past.only("standby");
    let old = past.token_from_before(5);
    let run = past.place.run(&[
        "rotate",
        "compromise",
        &past.first,
        "--confirm",
        &past.first,
        "--json",
    ]);
    let report = run.succeeds().json();
    assert_eq!(report["schema"], "tokenwright.rotate-emergency");
    assert_eq!(report["successor"], standby.as_str());
    assert_eq!(report["outage_seconds"], 0);
    assert_eq!(past.only("active"), standby);
    assert_eq!(past.state(&past.first), "compromised");
    // A new one waits for the next emergency, made in the same commit.
    assert_ne!(past.only("pending"), standby);
    past.place.run(&["verify", &old]).fails(1, "unknown_key");
    let new = past.place.mint(&["--sub", "alice"]);
    past.place.run(&["verify", &new]).succeeds();
    past.place
        .run(&["rotate", "resume", &past.first])
        .fails(6, "compromise_is_final");
    past.place
        .run(&[
            "rotate",
            "compromise",
            &past.first,
            "--confirm",
            &past.first,
        ])
        .fails(6, "nothing_to_do");
}

#[test]
fn a_drain_lets_the_key_go_on_until_all_have_left_it() {
    let past = Past::with_standby(HOUR);
    let old = past.token_from_before(5);
    let first = past.first.as_str();
    past.place
        .run(&["rotate", "compromise", first, "--drain"])
        .fails(2, "not_confirmed");
    past.place
        .run(&["rotate", "compromise", first, "--drain", "--confirm", first])
        .succeeds();
    assert_eq!(past.state(first), "active");
    past.place.run(&["verify", &old]).succeeds();
    // W for the switch, S for the clocks, and S more for the slowest of them.
    past.place
        .run(&["verify", &old, "--at", "now+7m"])
        .fails(1, "unknown_key");
}

#[test]
fn without_a_standby_an_outage_is_told_and_has_to_be_accepted() {
    let past = Past::new(HOUR);
    let first = past.first.as_str();
    let before = past.document();
    let refused = past
        .place
        .run(&["rotate", "compromise", first, "--confirm", first])
        .fails(6, "no_standby")
        .stderr();
    assert!(
        refused.contains("  outage           341 s (5 min 41 s)\n")
            || refused.contains("  outage           340 s (5 min 40 s)\n"),
        "{refused}"
    );
    assert!(refused.contains("s, and none was accepted; nothing was changed\n"));
    assert!(refused.contains("hint: --drain switches the signer first, without an outage\n"));
    let short = [
        "rotate",
        "compromise",
        first,
        "--accept-outage",
        "60s",
        "--confirm",
        first,
    ];
    let refused = past.place.run(&short).fails(6, "no_standby").stderr();
    assert!(refused.contains("s, longer than the 60 s accepted; nothing was changed\n"));
    assert_eq!(past.document(), before);
    let long = [
        "rotate",
        "compromise",
        first,
        "--accept-outage",
        "6m",
        "--confirm",
        first,
    ];
    past.place.run(&long).succeeds();
    assert_eq!(past.state(first), "compromised");
}

#[test]
fn a_suspended_key_verifies_again_when_it_is_resumed() {
    let past = Past::with_standby(HOUR);
    let first = past.first.as_str();
    let token = past.token_from_before(5);
    let run = past.place.run(&["rotate", "suspend", first]).succeeds();
    let words = run.stderr();
    assert!(words.starts_with(&format!("suspend {first} (active)\n  tokens that die")));
    assert!(words.ends_with(&format!(
        "hint: to undo it: tokenwright rotate resume {first}\n"
    )));
    assert_eq!(past.state(first), "suspended");
    past.place.run(&["verify", &token]).fails(1, "unknown_key");
    past.place.run(&["rotate", "resume", first]).succeeds();
    past.place.run(&["verify", &token]).succeeds();
    past.place
        .run(&["rotate", "resume", first])
        .fails(6, "nothing_to_do");
}

#[test]
fn a_lone_key_is_suspended_only_with_an_outage_accepted() {
    let past = Past::new(HOUR);
    let first = past.first.as_str();
    let words = past
        .place
        .run(&["rotate", "suspend", first])
        .fails(6, "no_standby")
        .stderr();
    assert!(words.ends_with(&format!(
        "hint: to have nobody sign until it is resumed: tokenwright rotate suspend {first} --accept-outage\n"
    )));
    past.place
        .run(&["rotate", "suspend", first, "--accept-outage"])
        .succeeds();
    past.place
        .run(&["mint", "--sub", "alice"])
        .fails(5, "no_signer");
    past.place.run(&["rotate", "resume", first]).succeeds();
    past.place.mint(&["--sub", "alice"]);
}

#[test]
fn a_backup_is_merged_and_nothing_dead_comes_back() {
    let past = Past::with_standby(HOUR);
    past.place.write("backup.json", past.document());
    let first = past.first.as_str();
    past.place
        .run(&["rotate", "compromise", first, "--confirm", first])
        .succeeds();
    let active = past.only("active");
    let run = past.place.run(&["rotate", "restore", "backup.json"]);
    let told = run.succeeds().stderr();
    assert!(told.starts_with("merged: 0 restored, 0 shortened; now at epoch 2, seq "));
    assert_eq!(past.state(first), "compromised");
    assert_eq!(past.only("active"), active);
}

#[test]
fn a_lost_keyring_comes_back_from_its_backup_and_another_keyring_does_not() {
    let past = Past::with_standby(HOUR);
    let document = past.document();
    past.place.write("backup.json", &document);
    std::fs::remove_file(past.place.path("keys/keyring.json")).unwrap();
    past.place
        .run(&["mint", "--sub", "alice"])
        .fails(5, "store_missing");
    past.place
        .run(&["rotate", "restore", "backup.json"])
        .succeeds();
    past.place.mint(&["--sub", "alice"]);
    past.place
        .write("other.json", document.replace("\"test\"", "\"other\""));
    past.place
        .run(&["rotate", "restore", "other.json"])
        .fails(6, "other_ring");
    past.place
        .run(&["rotate", "restore", "none.json"])
        .fails(6, "io");
}

#[test]
fn a_backup_whose_private_halves_are_lost_is_merged_only_when_that_is_accepted() {
    let past = Past::with_standby(HOUR);
    past.place.write("backup.json", past.document());
    std::fs::remove_file(past.place.path("keys/keyring.json")).unwrap();
    let first = past.first.as_str();
    std::fs::remove_file(past.place.path(&format!("keys/private/{first}.key"))).unwrap();
    let words = past
        .place
        .run(&["rotate", "restore", "backup.json"])
        .fails(5, "material_missing")
        .stderr();
    assert!(words.ends_with(
        "hint: nothing was changed; put the files back into private/, or add --accept-missing\n"
    ));
    let run = past
        .place
        .run(&["rotate", "restore", "backup.json", "--accept-missing"]);
    let hint =
        format!("hint: key {first} has no private half: tokenwright rotate compromise {first}\n");
    assert!(run.succeeds().stderr().ends_with(&hint));
}

#[test]
fn an_id_that_begins_with_a_hyphen_is_an_id_wherever_it_stands() {
    let place = crate::place::Place::new();
    let now = SystemClock.now();
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let key = key.with_id(KeyId::new("-drainKEY").unwrap());
    let store = FileStore::create(place.path("keys")).unwrap();
    let (policy, defaults) = (RotationPolicy::default(), Defaults::default());
    store.revocations().create(now).unwrap();
    create_keyring(&store, "test", policy, defaults, &key, None, now).unwrap();
    place.run(&["key", "show", "-drainKEY"]).succeeds();
    place.run(&["key", "public", "-drainKEY"]).succeeds();
    let words = place
        .run(&["rotate", "compromise", "-drainKEY", "--drain"])
        .fails(2, "not_confirmed")
        .stderr();
    let command = "tokenwright rotate compromise --drain --confirm=-drainKEY -- -drainKEY";
    assert!(
        words.ends_with(&format!("hint: to do it: {command}\n")),
        "{words}"
    );
    let typed: Vec<&str> = command.split(' ').skip(1).collect();
    place.run(&typed).succeeds();
}
