//! Status lists at the terminal: a token with a place in one, and a list looked at.

use tokenwright::UnixTime;
use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::status_list::{Status, StatusBits, StatusList, StatusListToken};

use crate::place::Place;

const URI: &str = "https://auth.example/statuslists/1";

fn signed(bits: StatusBits, len: u64, statuses: &[(u64, Status)]) -> String {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let list = StatusList::of(bits, len, statuses.iter().copied()).unwrap();
    let issued_at = UnixTime::from_seconds(1_760_000_000);
    let ends = UnixTime::from_seconds(4_000_000_000);
    let token = StatusListToken::new(URI, list, issued_at, Some(ends));
    let token = token.with_time_to_live(std::time::Duration::from_secs(3_600));
    token.sign(&key).unwrap()
}

#[test]
fn a_token_is_minted_with_its_place_in_a_status_list() {
    let place = Place::with_keys("EdDSA");
    let token = place.mint(&["--status", &format!("{URI}#42")]);
    let verified = place.run(&["verify", &token, "--json"]).succeeds().json();
    let status = &verified["claims"]["status"]["status_list"];
    assert_eq!((&status["idx"], &status["uri"]), (&42.into(), &URI.into()));
    let two = ["mint", "--status", "https://a.example#1", "--count", "2"];
    place.run(&two).fails(2, "usage");
    place
        .run(&["mint", "--status", "list#1"])
        .fails(2, "bad_status_uri");
    place.run(&["mint", "--status", URI]).fails(2, "usage");
}

#[test]
fn a_status_list_is_recognised_and_counted() {
    let place = Place::new();
    let statuses = [
        (3, Status::INVALID),
        (4, Status::SUSPENDED),
        (99, Status::INVALID),
    ];
    place.write("list", signed(StatusBits::Two, 100, &statuses));
    let run = place.run(&["inspect", "@list"]).succeeds();
    assert_eq!(
        run.stderr(),
        "UNVERIFIED: anyone could have written this status list.\n"
    );
    for line in [
        "list    https://auth.example/statuslists/1",
        "places  100 of 2 bits",
        "        97 valid",
        "        2 invalid",
        "        1 suspended",
        "ttl     fetch it again after 1 h",
    ] {
        assert!(
            run.stdout().lines().any(|each| each == line),
            "{line}: {}",
            run.stdout()
        );
    }
    let json = place.run(&["inspect", "@list", "--json"]).succeeds().json();
    assert_eq!(json["verified"], false);
    let counted = serde_json::json!({"bits": 2, "places": 100, "not_valid": {"1": 2, "2": 1}});
    assert_eq!(json["status_list"], counted);
    assert_eq!(json["claims"]["sub"], URI);
}

#[test]
fn a_list_longer_than_a_token_is_inspected_and_a_broken_one_named() {
    let place = Place::new();
    // Half of the places, as by chance, so that it hardly compresses.
    let mut statuses = Vec::new();
    let mut state = 1_u64;
    for index in 0..100_000 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        if state >> 63 == 1 {
            statuses.push((index, Status::INVALID));
        }
    }
    let long = signed(StatusBits::One, 100_000, &statuses);
    assert!(long.len() > 16_384);
    place.write("long", &long);
    let json = place.run(&["inspect", "@long", "--json"]).succeeds().json();
    assert_eq!(json["status_list"]["not_valid"]["1"], statuses.len());
    // A token of that length is none.
    let [header, rest] = [
        &long[..long.find('.').unwrap()],
        &long[long.find('.').unwrap()..],
    ];
    let other = "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9";
    assert_ne!(header, other);
    place.write("token", format!("{other}{rest}"));
    place.run(&["inspect", "@token"]).fails(1, "malformed");
    // {"alg":"EdDSA","typ":"statuslist+jwt"} and {"status_list":{"bits":3,"lst":""}}
    place.write(
        "broken",
        "eyJhbGciOiJFZERTQSIsInR5cCI6InN0YXR1c2xpc3Qrand0In0.\
         eyJzdGF0dXNfbGlzdCI6eyJiaXRzIjozLCJsc3QiOiIifX0.AAAA",
    );
    let run = place.run(&["inspect", "@broken"]).succeeds();
    let line = "places  not readable: bits must be the number 1, 2, 4 or 8";
    assert!(
        run.stdout().lines().any(|each| each == line),
        "{}",
        run.stdout()
    );
    assert!(run.stdout().contains("list    none named"));
}
