//! Batches: order, counts, exit codes.

use crate::place::Place;

#[test]
fn answers_come_in_the_order_of_the_lines_whatever_the_number_of_threads() {
    let place = Place::with_keys("EdDSA");
    let mut input = String::new();
    for token in place.mint(&["--count", "500"]).lines() {
        input.push_str(token);
        input.push_str("\nnot.a.token\n");
    }
    let one = place.feed(
        input.clone(),
        &["verify", "--lines", "--json", "--jobs", "1"],
    );
    for jobs in ["2", "7", "64"] {
        let many = place.feed(
            input.clone(),
            &["verify", "--lines", "--json", "--jobs", jobs],
        );
        assert_eq!(many.code(), 1);
        assert_eq!(many.stdout(), one.stdout());
        assert_eq!(many.stderr(), one.stderr());
    }
    let lines: Vec<serde_json::Value> = one
        .stdout()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 1_000);
    for (position, line) in lines.iter().enumerate() {
        assert_eq!(line["line"], position + 1);
        assert_eq!(line["valid"], position % 2 == 0);
        assert_eq!(line.get("claims").is_some(), position % 2 == 0);
    }
}

#[test]
fn tokens_are_found_in_log_lines() {
    let place = Place::with_keys("EdDSA");
    let token = place.mint(&["--sub", "alice"]);
    let other = place.mint(&["--sub", "bob"]);
    let log =
        format!("GET /a \u{fffd} token={token};\nnothing here\ntoken={other}; token={token};\n");
    let run = place
        .feed(
            log.clone(),
            &["verify", "--lines", "--extract", r"token=([^;]+);"],
        )
        .succeeds();
    let subjects: Vec<String> = run
        .stdout()
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["sub"].to_string())
        .collect();
    assert_eq!(subjects, ["\"alice\"", "\"bob\"", "\"alice\""]);
    assert_eq!(run.stderr(), "note: 3 lines: 3 valid, 1 without a token\n");
    let whole = place
        .feed(
            log.clone(),
            &["verify", "--lines", "--extract", r"eyJ[\w.-]+"],
        )
        .succeeds();
    assert_eq!(whole.stdout(), run.stdout());
    let mut bytes = log.into_bytes();
    bytes.extend(b"\xff\xfe bytes of no meaning\n");
    place
        .feed(bytes, &["verify", "--lines", "--extract", r"eyJ[\w.-]+"])
        .succeeds();
    place
        .feed("no token\n", &["verify", "--lines", "--extract", "x(y)z"])
        .fails(1, "no_token");
    place
        .feed("a", &["verify", "--lines", "--extract", "("])
        .fails(2, "usage");
    place
        .feed("a", &["verify", "--extract", "x"])
        .fails(2, "usage");
}

#[test]
fn a_batch_is_valid_only_if_all_of_it_is() {
    let place = Place::with_keys("EdDSA");
    let good = place.mint(&["--sub", "alice"]);
    let codes = |input: String| place.feed(input, &["verify", "--lines"]).code();
    assert_eq!(codes(String::new()), 0);
    assert_eq!(codes(format!("{good}\n{good}")), 0);
    assert_eq!(codes(format!("{good}\r\n{good}\r\n")), 0);
    assert_eq!(codes(format!("{good}\n\n")), 1);
    assert_eq!(codes(format!("{good}\n {good}\n")), 1);
    assert_eq!(codes(format!("\u{feff}{good}\n")), 1);
    // Refused for time alone is refused: a batch has three codes only.
    let expired = place.feed(
        format!("{good}\n"),
        &["verify", "--lines", "--at", "now+1h"],
    );
    assert_eq!((expired.code(), expired.stdout().as_str()), (1, ""));
    assert!(
        expired
            .stderr()
            .ends_with("note: 1 line: 0 valid, 1 refused (1 expired)\n")
    );
    place
        .feed("x", &["verify", "--lines", "--store", "missing"])
        .fails(5, "store_missing");
}

#[test]
fn a_line_too_long_is_one_refusal_and_the_next_is_read() {
    let place = Place::with_keys("EdDSA");
    let good = place.mint(&["--sub", "alice"]);
    let input = format!("{}\n{good}\n", "x".repeat(3_000_000));
    let run = place.feed(input, &["verify", "--lines"]);
    assert_eq!(run.code(), 1);
    assert_eq!(run.stdout().lines().count(), 1);
    assert!(
        run.stderr().starts_with("line 1: error[too_long]: "),
        "{}",
        run.stderr()
    );
    assert!(
        run.stderr()
            .ends_with("note: 2 lines: 1 valid, 1 refused (1 too_long)\n")
    );
}
