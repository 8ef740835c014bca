//! Our verdicts beside those of jsonwebtoken and pasetors: see `examples/differential`,
//! which runs a million of these cases.

#[path = "../examples/differential/draft.rs"]
mod draft;
#[path = "../examples/differential/engine.rs"]
mod engine;
#[expect(dead_code, reason = "the tests of attacks use the rest")]
#[path = "../examples/differential/forge.rs"]
mod forge;
#[path = "../examples/differential/jwt.rs"]
mod jwt;
#[path = "../examples/differential/jwt_text.rs"]
mod jwt_text;
#[path = "../examples/differential/mangle.rs"]
mod mangle;
#[path = "../examples/differential/paseto.rs"]
mod paseto;
#[path = "../examples/differential/random.rs"]
mod random;
#[path = "../examples/differential/table.rs"]
mod table;
#[path = "../examples/differential/verdict.rs"]
mod verdict;

use verdict::{Case, Direction, Verdict};

/// Cases of an ordinary test run; `examples/differential` runs more.
const CASES: u64 = 20_000;

#[test]
fn every_difference_from_two_other_libraries_has_a_reason() {
    let report = engine::run(CASES, 2);
    assert_eq!(report.unexplained_count, 0, "{report}");
    let kinds: Vec<_> = report.kinds.keys().copied().collect();
    assert_eq!(
        kinds,
        ["JWT", "JWT key", "PASETO", "PASETO key", "PASETO raw"]
    );
    for (kind, [accepted, refused, _]) in &report.kinds {
        // Both verdicts occur, so that agreement means something.
        assert!(*accepted > 50 && *refused > 500, "{kind}\n{report}");
    }
    let seen = report.classes.values().filter(|count| **count > 0).count();
    assert!(seen >= 20, "{report}");
}

#[test]
fn a_difference_without_a_reason_is_noticed() {
    let token = "eyJhbGciOiJFZERTQSJ9.e30.AA".to_owned();
    let case = |ours: Verdict, theirs: Verdict| {
        Case::new("JWT", token.clone(), None, 1_760_000_000, ours, theirs)
    };
    let accepted = || Verdict::Accepted(b"{}".to_vec());
    let refused = |code: &str| Verdict::Refused(code.to_owned());
    let panicked = || verdict::caught(|| panic!("as the other library might"));
    for (ours, theirs, direction) in [
        (accepted(), refused("InvalidSignature"), Direction::Wider),
        (refused("bad_signature"), accepted(), Direction::Stricter),
        (
            refused("unsupported_extension"),
            accepted(),
            Direction::Stricter,
        ),
        (
            accepted(),
            Verdict::Accepted(b"{\"a\":1}".to_vec()),
            Direction::Contents,
        ),
        (refused("malformed"), panicked(), Direction::TheyPanic),
        (panicked(), refused("InvalidToken"), Direction::WePanic),
    ] {
        let case = case(ours, theirs);
        assert_eq!(case.difference(), Some(direction));
        assert_eq!(table::class_of(&case, direction), None);
    }
    assert_eq!(case(accepted(), accepted()).difference(), None);
    assert_eq!(
        case(refused("malformed"), refused("InvalidToken")).difference(),
        None
    );
}
