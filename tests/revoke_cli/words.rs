//! What each command does and says.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::place::Place;

const ISSUER: &str = "https://auth.example";

/// A keyring, and a token of alice's login 7.
fn scene() -> (Place, String) {
    let place = Place::with_keys("EdDSA");
    let token = place.mint(&["--sub", "alice", "--sid", "login-7", "--jti", "t-1"]);
    place.write("token", &token);
    (place, token)
}

#[test]
fn a_withdrawn_token_is_refused_with_its_own_exit_code() {
    let (place, _) = scene();
    place.run(&["verify", "@token"]).succeeds();
    let added = place
        .run(&["revoke", "add", "--token", "@token", "--reason", "lost"])
        .succeeds();
    assert_eq!(added.stdout(), "");
    assert!(
        added
            .stderr()
            .starts_with("revoked token t-1 of https://auth.example; kept until 20"),
        "{}",
        added.stderr()
    );
    place.run(&["verify", "@token"]).fails(4, "revoked");
    let json = place.run(&["verify", "@token", "--json"]);
    assert_eq!(
        (json.code(), json.json()["error"]["code"].clone()),
        (4, "revoked".into())
    );
    assert_eq!(json.json().get("claims"), None);
    // Another token of the same person is not meant.
    let other = place.mint(&["--sub", "alice", "--sid", "login-7"]);
    place.run(&["verify", &other]).succeeds();
}

#[test]
fn every_kind_of_entry_withdraws_what_it_names_and_nothing_else() {
    for (target, hits) in [
        (&["--jti", "t-1"][..], true),
        (&["--jti", "t-2"], false),
        (&["--jti", "T-1"], false),
        (
            &[
                "--jti",
                "t-1",
                "--iss",
                "https://else.example",
                "--until",
                "1h",
            ],
            false,
        ),
        (&["--sid", "login-7"], true),
        (&["--sid", "login-8"], false),
        (&["--sub", "alice", "--before", "now"], true),
        (&["--sub", "alice", "--before", "-1h"], false),
        (&["--sub", "bob", "--before", "now"], false),
        (&["--aud", "orders-api", "--before", "now"], true),
        (&["--aud", "orders", "--before", "now"], false),
        (&["--all", "--before", "now"], true),
        (&["--all", "--before", "-1h"], false),
    ] {
        let (place, _) = scene();
        let mut arguments = vec!["revoke", "add"];
        arguments.extend(target);
        place.run(&arguments).succeeds();
        let run = place.run(&["verify", "@token"]);
        assert_eq!(
            run.code(),
            if hits { 4 } else { 0 },
            "{target:?}: {}",
            run.stderr()
        );
        let check = place.run(&["revoke", "check", "@token"]);
        assert_eq!(
            check.code(),
            if hits { 4 } else { 0 },
            "{target:?}: {}",
            check.stderr()
        );
    }
}

#[test]
fn a_withdrawn_key_takes_all_that_it_signed_and_signs_no_more() {
    let (place, _) = scene();
    let list = place.run(&["key", "list", "--json"]).json();
    let kid = list["keys"][0]["kid"].as_str().unwrap().to_owned();
    place.run(&["revoke", "add", "--kid", &kid]).succeeds();
    place.run(&["verify", "@token"]).fails(4, "revoked");
    place.run(&["mint", "--sub", "bob"]).fails(4, "revoked");
    // Nobody has set when it verifies no more: the entry must not end before.
    let entry = &entries(&place)[0];
    assert_eq!(entry["until"], 253_402_300_799_i64, "{entry}");
}

/// What this keyring knows of its own tokens says nothing of anybody else's.
#[test]
fn an_entry_for_another_issuer_needs_its_end() {
    let (place, _) = scene();
    let foreign = ["--iss", "https://partner.example"];
    for target in [
        &["--jti", "t"][..],
        &["--sid", "s"],
        &["--kid", "k"],
        &["--sub", "bob", "--before", "now"],
    ] {
        let add = [&["revoke", "add"], target, &foreign].concat();
        let refused = place.run(&add).fails(2, "usage");
        let words = "how long tokens of https://partner.example live is not known here";
        assert!(refused.stderr().contains(words), "{}", refused.stderr());
        place
            .run(&[&add[..], &["--until", "1h"]].concat())
            .succeeds();
    }
    place.write("ids", "t-7\n");
    let import = [&["revoke", "import", "ids"][..], &foreign].concat();
    let refused = place.run(&import).fails(6, "bad_line");
    assert!(
        refused.stderr().contains("no \"until\""),
        "{}",
        refused.stderr()
    );
}

#[test]
fn a_new_login_after_before_now_is_good_and_a_ban_is_not_minted_again() {
    let (place, _) = scene();
    let before_now = ["revoke", "add", "--sub", "alice", "--before", "now"];
    place.run(&before_now).succeeds();
    place.run(&["verify", "@token"]).fails(4, "revoked");
    let fresh = place.mint(&["--sub", "alice"]);
    place.run(&["verify", &fresh]).succeeds();
    let ban = ["revoke", "add", "--sub", "alice", "--before", "30d"];
    place.run(&ban).succeeds();
    place.run(&["verify", &fresh]).fails(4, "revoked");
    place.run(&["mint", "--sub", "alice"]).fails(4, "revoked");
    place.run(&["mint", "--sub", "bob"]).succeeds();
}

#[test]
fn an_entry_that_would_be_gone_too_soon_is_refused() {
    let (place, _) = scene();
    let early = ["revoke", "add", "--token", "@token", "--until", "1m"];
    let refused = place.run(&early).fails(2, "usage");
    assert!(refused.stderr().contains("leave --until out"));
    let later = ["revoke", "add", "--token", "@token", "--until", "30d"];
    place.run(&later).succeeds();
}

#[test]
fn a_forgery_does_not_say_what_is_withdrawn() {
    let (place, token) = scene();
    let (input, _) = token.rsplit_once('.').unwrap();
    place.write("forged", format!("{input}.{}", "A".repeat(86)));
    let add = ["revoke", "add", "--token", "@forged"];
    place.run(&add).fails(1, "bad_signature");
    let check = ["revoke", "check", "@forged"];
    place.run(&check).fails(1, "bad_signature");
    assert_eq!(entries(&place).len(), 0);
}

#[test]
fn a_token_without_an_id_is_withdrawn_by_what_it_has() {
    let place = Place::with_keys("EdDSA");
    let token = place.mint(&["--sub", "alice", "--jti", "none"]);
    place.write("token", &token);
    let refused = place
        .run(&["revoke", "add", "--token", "@token"])
        .fails(1, "missing_claim");
    assert!(
        refused
            .stderr()
            .contains("hint: revoke add --sub alice --before now")
    );
    place.run(&["verify", "@token"]).succeeds();
    let add = ["revoke", "add", "--sub", "alice", "--before", "now"];
    place.run(&add).succeeds();
    place.run(&["verify", "@token"]).fails(4, "revoked");
}

#[test]
fn a_dry_run_changes_nothing() {
    let (place, _) = scene();
    let before = place.read_bytes("keys/revocations.log");
    for arguments in [
        &["revoke", "add", "--token", "@token", "--dry-run"][..],
        &["revoke", "prune", "--dry-run"],
    ] {
        let run = place.run(arguments).succeeds();
        assert!(
            run.stderr().contains("nothing was changed"),
            "{}",
            run.stderr()
        );
    }
    assert_eq!(place.read_bytes("keys/revocations.log"), before);
}

#[test]
fn the_list_is_shown_as_a_table_and_as_json() {
    let (place, _) = scene();
    let nothing = place.run(&["revoke", "list"]).succeeds();
    assert_eq!(
        (nothing.stdout().as_str(), nothing.stderr().as_str()),
        ("", "note: nothing is revoked\n")
    );
    let reason = "left\u{1b}[31m";
    place
        .run(&[
            "revoke",
            "add",
            "--sub",
            "alice",
            "--before",
            "@1760000000",
            "--reason",
            reason,
            "--until",
            "30d",
        ])
        .succeeds();
    place.run(&["revoke", "add", "--jti", "t-1"]).succeeds();
    let table = place.run(&["revoke", "list"]).succeeds().stdout();
    assert!(table.starts_with("BY        NAME"), "{table}");
    assert!(table.contains("subject   alice"), "{table}");
    assert!(table.contains("2025-10-09T08:53:20Z"), "{table}");
    assert!(!table.contains('\u{1b}'), "{table}");
    let found = entries(&place);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0]["reason"], reason);
    assert_eq!(found[0]["iss"], ISSUER);
    assert_eq!(found[1]["by"], "token");
    let keys = place.run(&["revoke", "list", "--by", "key"]).succeeds();
    assert_eq!(keys.stdout(), "");
    let stats = place.run(&["revoke", "stats", "--json"]).succeeds().json();
    assert_eq!(
        (stats["entries"].clone(), stats["by"]["token"].clone()),
        (2.into(), 1.into())
    );
    assert!(
        place
            .run(&["revoke", "stats"])
            .succeeds()
            .stdout()
            .contains("entries      2 (1 subject, 1 token)")
    );
}

#[test]
fn what_has_ended_is_not_added_and_pruned_only_when_it_has_ended() {
    let (place, _) = scene();
    let gone = ["revoke", "add", "--all", "--before", "2020-01-01"];
    let run = place.run(&gone).succeeds();
    assert!(
        run.stderr().contains("nothing was added"),
        "{}",
        run.stderr()
    );
    place.run(&["revoke", "add", "--jti", "t-1"]).succeeds();
    let pruned = place.run(&["revoke", "prune", "--json"]).succeeds().json();
    assert_eq!(
        (pruned["dropped"].clone(), pruned["kept"].clone()),
        (0.into(), 1.into())
    );
    place.run(&["verify", "@token"]).fails(4, "revoked");
}

#[test]
fn what_was_decided_is_told() {
    let (place, _) = scene();
    let valid = place.run(&["verify", "@token"]).succeeds();
    assert!(
        valid.stderr().contains("not revoked (list 0 s old)"),
        "{}",
        valid.stderr()
    );
    let unasked = place
        .run(&["verify", "@token", "--without-revocation"])
        .succeeds();
    assert!(unasked.stderr().contains("revocation not checked"));
    place
        .run(&[
            "revoke",
            "add",
            "--sid",
            "login-7",
            "--reason",
            "phone lost",
        ])
        .succeeds()
        .says_about("30 d");
    let check = place.run(&["revoke", "check", "@token"]);
    assert!(
        check
            .stderr()
            .starts_with("revoked by session login-7 of https://auth.example, since 20")
            && check.stderr().ends_with("(phone lost)\n"),
        "{}",
        check.stderr()
    );
    let json = place.run(&["revoke", "check", "@token", "--json"]).json();
    assert_eq!(
        (json["revoked"].clone(), json["entry"]["id"].clone()),
        (true.into(), "login-7".into())
    );
    place
        .run(&["verify", "@token", "--without-revocation"])
        .succeeds();
}

/// The entries that count, as JSON.
fn entries(place: &Place) -> Vec<serde_json::Value> {
    let list = place.run(&["revoke", "list", "--json"]).succeeds().json();
    list["entries"].as_array().unwrap().clone()
}

#[test]
fn a_stream_that_is_being_verified_sees_a_new_entry() {
    use std::io::{BufRead as _, BufReader, Write as _};
    let (place, token) = scene();
    let mut child = place
        .command()
        .args(["verify", "--lines", "--json", "--jobs", "1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut ask = || {
        writeln!(input, "{token}").unwrap();
        let line = answers.next().unwrap().unwrap();
        serde_json::from_str::<serde_json::Value>(&line).unwrap()["valid"] == true
    };
    assert!(ask());
    place.run(&["revoke", "add", "--jti", "t-1"]).succeeds();
    let revoked = Instant::now();
    while ask() {
        assert!(revoked.elapsed() < Duration::from_secs(60), "never noticed");
        std::thread::yield_now();
    }
    drop(input);
    child.wait().unwrap();
}
