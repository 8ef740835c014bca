//! Lists that are missing, damaged or full of somebody else's bytes.

use crate::place::Place;

#[test]
fn a_missing_list_is_an_error_and_never_an_empty_one() {
    let place = Place::with_keys("EdDSA");
    let token = place.mint(&["--sub", "alice"]);
    place.write("token", &token);
    place
        .run(&["revoke", "add", "--sub", "alice", "--before", "now"])
        .succeeds();
    std::fs::remove_file(place.path("keys/revocations.log")).unwrap();
    for arguments in [
        &["verify", "@token"][..],
        &["mint", "--sub", "bob"],
        &["revoke", "list"],
        &["revoke", "check", "@token"],
        &["revoke", "add", "--jti", "x"],
        &["revoke", "prune"],
        &["revoke", "stats"],
    ] {
        let run = place.run(arguments).fails(5, "no_revocation_list");
        assert!(
            run.stderr().contains("tokenwright revoke init"),
            "{}",
            run.stderr()
        );
    }
    let doctor = place.run(&["doctor"]);
    assert_eq!(doctor.code(), 1);
    assert!(
        doctor.stdout().contains("there is no revocation list"),
        "{}",
        doctor.stdout()
    );
    place
        .run(&["verify", "@token", "--without-revocation"])
        .succeeds();
    place.run(&["revoke", "init"]).succeeds();
    place.run(&["revoke", "init"]).fails(6, "file_exists");
    place.run(&["verify", "@token"]).succeeds();
}

#[test]
fn a_list_that_is_cut_emptied_or_changed_is_never_taken_for_good() {
    let place = Place::with_keys("EdDSA");
    let token = place.mint(&["--sub", "alice", "--jti", "t-1"]);
    place.write("token", &token);
    for id in ["t-1", "t-2", "t-3"] {
        place.run(&["revoke", "add", "--jti", id]).succeeds();
    }
    let whole = place.read_bytes("keys/revocations.log");
    // The first entry is not the last record, so whatever happens to it is noticed.
    for length in [0, 1, 8, 16, 31] {
        place.write("keys/revocations.log", &whole[..length]);
        let run = place.run(&["verify", "@token"]);
        assert!(
            matches!(run.code(), 5 | 6),
            "{length}: {} {}",
            run.code(),
            run.stderr()
        );
        assert_eq!(run.stdout(), "");
    }
    for offset in [0, 5, 20, whole.len() / 2] {
        let mut changed = whole.clone();
        changed[offset] ^= 0x10;
        place.write("keys/revocations.log", &changed);
        let run = place.run(&["verify", "@token"]);
        assert!(
            matches!(run.code(), 4..=6),
            "{offset}: {} {}",
            run.code(),
            run.stderr()
        );
        assert_eq!(run.stdout(), "");
    }
    place.write("keys/revocations.log", &whole);
    place.run(&["verify", "@token"]).fails(4, "revoked");
}

#[test]
fn a_torn_end_is_mended_by_the_next_writer_and_told() {
    let place = Place::with_keys("EdDSA");
    let token = place.mint(&["--sub", "alice", "--jti", "t-1"]);
    place.write("token", &token);
    place.run(&["revoke", "add", "--jti", "t-1"]).succeeds();
    let mut torn = place.read_bytes("keys/revocations.log");
    let whole = torn.len();
    place.run(&["revoke", "add", "--jti", "t-2"]).succeeds();
    let both = place.read_bytes("keys/revocations.log");
    torn.extend_from_slice(&both[whole..both.len() - 3]);
    place.write("keys/revocations.log", &torn);
    place.run(&["verify", "@token"]).fails(4, "revoked");
    let mended = place.run(&["revoke", "add", "--jti", "t-3"]).succeeds();
    assert!(
        mended
            .stderr()
            .contains("was torn or has been damaged since"),
        "{}",
        mended.stderr()
    );
    place.run(&["verify", "@token"]).fails(4, "revoked");
    let list = place.run(&["revoke", "list", "--json"]).succeeds().json();
    assert_eq!(list["entries"].as_array().map(Vec::len), Some(2));
}

#[test]
fn others_can_neither_read_nor_plant_a_list() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::with_keys("EdDSA");
    assert_eq!(place.mode("keys/revocations.log"), 0o600);
    let path = place.path("keys/revocations.log");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let run = place.run(&["revoke", "list"]).fails(6, "store_exposed");
    assert!(run.stderr().contains("chmod 600"), "{}", run.stderr());
    std::fs::rename(&path, place.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(place.path("elsewhere"), &path).unwrap();
    place
        .run(&["revoke", "list"])
        .fails(6, "store_not_a_plain_file");
}

#[test]
fn secrets_and_unusual_names_are_handled_with_care() {
    let place = Place::with_keys("EdDSA");
    place.run(&["revoke", "add", "--jti", ""]).fails(2, "usage");
    place.run(&["revoke", "add"]).fails(2, "usage");
    place
        .run(&["revoke", "add", "--jti", "a", "--sid", "b"])
        .fails(2, "usage");
    place
        .run(&["revoke", "add", "--sub", "alice"])
        .fails(2, "usage");
    place
        .run(&["revoke", "add", "--jti", "a", "--before", "now"])
        .fails(2, "usage");
    place
        .run(&["revoke", "add", "--sub", "a", "--before", "5"])
        .fails(2, "usage");
    let long = "j".repeat(10 * 1024);
    place.run(&["revoke", "add", "--jti", &long]).succeeds();
    let longer = "j".repeat(17 * 1024);
    place
        .run(&["revoke", "add", "--jti", &longer])
        .fails(6, "store_too_large");
    let odd = "a\u{202e}b\u{1b}[2J";
    let run = place.run(&["revoke", "add", "--jti", odd]).succeeds();
    assert!(!run.stderr().contains('\u{202e}') && !run.stderr().contains('\u{1b}'));
}
