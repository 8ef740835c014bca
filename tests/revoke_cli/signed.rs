//! A list that is signed here and asked elsewhere.

use crate::place::Place;

/// A keyring with its key set, and a place that has the key set alone.
fn scene(algorithm: &str) -> (Place, Place, String) {
    let place = Place::with_keys(algorithm);
    let token = place.mint(&["--sub", "alice", "--jti", "t-1", "--ttl", "10m"]);
    let elsewhere = Place::new();
    elsewhere.write("jwks", place.run(&["jwks"]).succeeds().stdout());
    elsewhere.write("token", &token);
    (place, elsewhere, token)
}

/// What the other place verifies with.
const VERIFY: [&str; 12] = [
    "verify",
    "@token",
    "--jwks",
    "jwks",
    "--iss",
    "https://auth.example",
    "--aud",
    "orders-api",
    "--revocations",
    "copy",
    "--max-list-age",
    "1h",
];

fn import(file: &str) -> [&str; 9] {
    [
        "revoke",
        "import",
        file,
        "--replica",
        "copy",
        "--jwks",
        "jwks",
        "--iss",
        "https://auth.example",
    ]
}

/// Exports at one place and carries the file to the other.
fn carry(from: &Place, to: &Place, name: &str, flags: &[&str]) {
    let mut arguments = vec!["revoke", "export", name];
    arguments.extend(flags);
    from.run(&arguments).succeeds();
    to.write(name, from.read_bytes(name));
}

#[test]
fn a_signed_list_and_what_was_added_since_are_asked_elsewhere() {
    let (place, elsewhere, _) = scene("EdDSA");
    place.run(&["revoke", "add", "--jti", "t-0"]).succeeds();
    carry(&place, &elsewhere, "first", &[]);
    elsewhere
        .run(&import("first"))
        .succeeds()
        .says_about("replaced the list, 1 entries");
    let valid = elsewhere.run(&VERIFY).succeeds();
    assert!(
        valid.stderr().contains("not revoked (list "),
        "{}",
        valid.stderr()
    );
    place.run(&["revoke", "add", "--jti", "t-1"]).succeeds();
    place
        .run(&["revoke", "add", "--sub", "bob", "--before", "now"])
        .succeeds();
    carry(&place, &elsewhere, "second", &["--after", "first"]);
    elsewhere
        .run(&import("second"))
        .succeeds()
        .says_about("extended the list, 3 entries");
    elsewhere
        .run(&import("second"))
        .succeeds()
        .says_about("unchanged the list, 3 entries");
    elsewhere.run(&VERIFY).fails(4, "revoked");
    // What an older document leaves out does not come back.
    elsewhere.run(&import("first")).fails(5, "rolled_back");
    elsewhere.run(&VERIFY).fails(4, "revoked");
    // A list that was exported is a copy by itself.
    carry(&place, &elsewhere, "whole", &[]);
    let mut direct = VERIFY;
    direct[9] = "whole";
    elsewhere.run(&direct).fails(4, "revoked");
}

/// The keys that signed a copy's documents go in time; what it has seen does not.
#[test]
fn a_copy_outlives_the_keys_that_signed_it() {
    let (place, elsewhere, _) = scene("EdDSA");
    place.run(&["revoke", "add", "--jti", "t-0"]).succeeds();
    let backup = place.read_bytes("keys/revocations.log");
    place.run(&["revoke", "add", "--jti", "t-1"]).succeeds();
    carry(&place, &elsewhere, "first", &[]);
    elsewhere.run(&import("first")).succeeds();
    // The same list, signed by another keyring's key.
    let next = Place::with_keys("EdDSA");
    let list = place.read_bytes("keys/revocations.log");
    elsewhere.write("jwks", next.run(&["jwks"]).succeeds().stdout());
    elsewhere.write(
        "token",
        next.mint(&["--sub", "alice", "--jti", "t-1", "--ttl", "10m"]),
    );
    elsewhere.run(&VERIFY).fails(1, "unknown_key");
    next.write("keys/revocations.log", &backup);
    carry(&next, &elsewhere, "older", &[]);
    elsewhere.run(&import("older")).fails(5, "rolled_back");
    next.write("keys/revocations.log", &list);
    carry(&next, &elsewhere, "whole", &[]);
    elsewhere
        .run(&import("whole"))
        .succeeds()
        .says_about("replaced the list, 2 entries");
    elsewhere.run(&VERIFY).fails(4, "revoked");
    // Time and again that nothing has changed: the copy does not grow with it.
    let mut sizes = Vec::new();
    for name in ["again", "and-again", "once-more"] {
        carry(&next, &elsewhere, name, &["--after", "whole"]);
        elsewhere.run(&import(name)).succeeds();
        sizes.push(elsewhere.read_bytes("copy").len());
    }
    assert!(sizes.iter().all(|size| *size < 2 * sizes[0]), "{sizes:?}");
}

#[test]
fn a_backup_that_is_put_back_revives_nothing_that_a_copy_has_seen() {
    let (place, elsewhere, _) = scene("EdDSA");
    let backup = place.read_bytes("keys/revocations.log");
    place.run(&["revoke", "add", "--jti", "t-1"]).succeeds();
    carry(&place, &elsewhere, "first", &[]);
    elsewhere.run(&import("first")).succeeds();
    place.write("keys/revocations.log", backup);
    carry(&place, &elsewhere, "older", &[]);
    elsewhere.run(&import("older")).fails(5, "rolled_back");
    place
        .run(&["revoke", "init", "--new-epoch"])
        .succeeds()
        .says_about("began epoch 2");
    place.run(&["revoke", "add", "--jti", "t-9"]).succeeds();
    for name in ["restored", "later"] {
        carry(&place, &elsewhere, name, &[]);
        elsewhere.run(&import(name)).succeeds();
        elsewhere.run(&VERIFY).fails(4, "revoked");
        place.run(&["revoke", "add", "--jti", "t-10"]).succeeds();
    }
}

#[test]
fn a_list_that_was_changed_cut_or_signed_by_another_is_refused() {
    let (place, elsewhere, _) = scene("EdDSA");
    place.run(&["revoke", "add", "--jti", "t-1"]).succeeds();
    carry(&place, &elsewhere, "list", &[]);
    let whole = elsewhere.read_bytes("list");
    for cut in [0, 10, whole.len() / 2, whole.len() - 1] {
        elsewhere.write("bad", &whole[..cut]);
        let run = elsewhere.run(&import("bad"));
        assert!(
            matches!(run.code(), 1 | 5 | 6),
            "{cut}: {} {}",
            run.code(),
            run.stderr()
        );
    }
    for offset in [3, whole.len() / 2, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[offset] ^= 1;
        elsewhere.write("bad", &changed);
        let run = elsewhere.run(&import("bad"));
        assert!(
            matches!(run.code(), 1 | 5 | 6),
            "{offset}: {} {}",
            run.code(),
            run.stderr()
        );
    }
    assert!(!elsewhere.path("copy").exists());
    let (_, stranger, _) = scene("EdDSA");
    stranger.write("list", &whole);
    let run = stranger.run(&import("list"));
    assert_ne!(run.code(), 0, "{}", run.stderr());
    // A token is no list, and a list no token.
    elsewhere.write("bad", elsewhere.read("token"));
    assert_ne!(elsewhere.run(&import("bad")).code(), 0);
    let head = String::from_utf8_lossy(&whole)
        .lines()
        .next()
        .unwrap()
        .to_owned();
    elsewhere.write("head", head);
    let mut verify = VERIFY;
    verify[1] = "@head";
    elsewhere.run(&import("list")).succeeds();
    elsewhere.run(&verify).fails(1, "typ_mismatch");
}

#[test]
fn a_paseto_key_signs_lists_too() {
    let place = Place::with_keys("v4.public");
    let token = place.mint(&["--sub", "alice", "--jti", "t-1"]);
    place.write("token", &token);
    place.run(&["revoke", "export", "first"]).succeeds();
    place
        .run(&["revoke", "import", "first", "--replica", "copy"])
        .succeeds();
    place.run(&["revoke", "add", "--jti", "t-1"]).succeeds();
    place
        .run(&["revoke", "export", "second", "--after", "first"])
        .succeeds();
    place
        .run(&["revoke", "import", "second", "--replica", "copy"])
        .succeeds();
    place
        .run(&[
            "verify",
            "@token",
            "--revocations",
            "copy",
            "--max-list-age",
            "1h",
        ])
        .fails(4, "revoked");
}

#[test]
fn a_list_under_a_shared_secret_is_for_those_who_share_it() {
    let place = Place::with_keys("HS256");
    place.run(&["revoke", "export", "list"]).succeeds();
    place
        .run(&["revoke", "import", "list", "--replica", "copy"])
        .succeeds();
    let (_, stranger, _) = scene("EdDSA");
    stranger.write("list", place.read_bytes("list"));
    assert_ne!(stranger.run(&import("list")).code(), 0);
}

#[test]
fn a_signed_list_wants_to_know_where_its_copy_is() {
    let place = Place::with_keys("EdDSA");
    place.run(&["revoke", "export", "list"]).succeeds();
    let run = place
        .run(&["revoke", "import", "list"])
        .fails(6, "bad_line");
    assert!(run.stderr().contains("--replica FILE"), "{}", run.stderr());
    place
        .run(&["verify", "x", "--revocations", "list"])
        .fails(2, "usage");
    place
        .run(&[
            "verify",
            "x",
            "--revocations",
            "list",
            "--max-list-age",
            "5",
        ])
        .fails(2, "usage");
}
