//! Many entries at once: lines in, lines out.

use crate::place::Place;

#[test]
fn what_is_exported_as_lines_is_imported_elsewhere() {
    let place = Place::with_keys("EdDSA");
    for target in [
        &["--jti", "t-1", "--reason", "a \"b\" \u{e9}"][..],
        &["--sid", "s-1"],
        &["--sub", "alice", "--before", "now"],
        &["--aud", "orders-api", "--before", "now"],
        &["--all", "--before", "-10m"],
        &["--kid", "k-1"],
    ] {
        let mut arguments = vec!["revoke", "add"];
        arguments.extend(target);
        place.run(&arguments).succeeds();
    }
    place
        .run(&["revoke", "export", "--lines", "out"])
        .succeeds();
    assert_eq!(place.mode("out"), 0o600);
    let lines = place.run(&["revoke", "export", "--lines", "-"]).succeeds();
    assert_eq!(lines.stdout(), place.read("out"));
    assert_eq!(lines.stdout().lines().count(), 6);
    place
        .run(&["revoke", "export", "--lines", "out"])
        .fails(6, "file_exists");

    let other = Place::with_keys("EdDSA");
    other.write("in", place.read("out"));
    for _ in 0..2 {
        other.run(&["revoke", "import", "in"]).succeeds();
    }
    let again = other.run(&["revoke", "export", "--lines", "-"]).succeeds();
    let sorted = |text: String| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines.dedup();
        lines
    };
    assert_eq!(sorted(again.stdout()), sorted(lines.stdout()));
}

#[test]
fn ids_alone_are_imported_from_standard_input() {
    let place = Place::with_keys("EdDSA");
    let token = place.mint(&["--jti", "t-77"]);
    let ids: String = (0..200).map(|number| format!("t-{number}\n")).collect();
    let dry = place
        .feed(ids.clone(), &["revoke", "import", "-", "--dry-run"])
        .succeeds();
    assert_eq!(
        dry.stderr(),
        "200 lines: would add 200; nothing was changed\n"
    );
    place.run(&["verify", &token]).succeeds();
    let done = place
        .feed(ids, &["revoke", "import", "-", "--json"])
        .succeeds();
    assert_eq!(done.json()["added"], 200);
    place.run(&["verify", &token]).fails(4, "revoked");
}

#[test]
fn a_bad_line_is_named_and_what_came_before_stays() {
    let place = Place::with_keys("EdDSA");
    for (line, words) in [
        (
            "{\"by\":\"user\",\"id\":\"a\"}",
            "line 2: \"by\" is \"user\": expected token",
        ),
        (
            "{\"id\":\"a\",\"until\":\"soon\"}",
            "line 2: invalid type: string",
        ),
        ("{\"id\":\"a\"", "line 2: EOF"),
        (
            "{\"id\":\"a\",\"id\":\"b\"}",
            "line 2: duplicate field \"id\"",
        ),
    ] {
        let run = place
            .feed(format!("t-1\n{line}\nt-2\n"), &["revoke", "import", "-"])
            .fails(6, "bad_line");
        assert!(run.stderr().contains(words), "{}", run.stderr());
        assert!(
            run.stderr().contains("import the same file again"),
            "{}",
            run.stderr()
        );
    }
    let long = place.feed(vec![b'x'; 1_000_000], &["revoke", "import", "-"]);
    assert!(
        long.fails(6, "bad_line")
            .stderr()
            .contains("line 1: longer than any entry can be")
    );
    let binary = place.feed(b"t-1\n\xff\n".to_vec(), &["revoke", "import", "-"]);
    assert!(
        binary
            .fails(6, "bad_line")
            .stderr()
            .contains("line 2: not UTF-8 text")
    );
    place.run(&["revoke", "import", "absent"]).fails(6, "io");
}
