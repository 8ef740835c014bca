//! Public test suites, judged by the runner that stands behind `examples/vectors`.
//!
//! The suites are found through `TOKENWRIGHT_VECTORS`, a folder. Without it this
//! says so in one line and only the cases in `fixtures/` run.

#[path = "../examples/vectors/runner.rs"]
mod runner;

use std::path::Path;

use serde_json::json;
use tokenwright::UnixTime;
use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::status_list::{StatusBits, StatusList, StatusListToken};

/// Each suite, and how many of its cases must be judged: fewer means that cases
/// fell out silently.
const SUITES: [(&str, usize); 12] = [
    ("attack_corpus", 328),
    ("ed25519_raw", 749),
    ("harvested_tokens", 497),
    ("json_parsing", 229),
    ("jwt_tool_playbook", 796),
    ("libs_curated", 44),
    ("mldsa_jose", 0),
    ("paseto_paserk", 32),
    ("rfc_and_cookbook", 12),
    ("token_status_list", 27),
    ("wycheproof_jwk", 16),
    ("wycheproof_jws", 285),
];

#[test]
fn every_case_of_the_public_suites_ends_as_it_says() {
    let Ok(folder) = std::env::var("TOKENWRIGHT_VECTORS") else {
        println!("did not run: TOKENWRIGHT_VECTORS names no folder of public test suites");
        return;
    };
    for (name, judged) in SUITES {
        let path = Path::new(&folder).join(format!("{name}.jsonl"));
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let report = runner::run(&text);
        assert!(report.failed.is_empty(), "{name}\n{report}");
        assert_eq!(report.ran(), judged, "{name}\n{report}");
    }
}

#[test]
fn a_runner_that_is_lied_to_notices() {
    let good = r#"{"id":"a","kind":"json-bytes","json_b64":"e30=","expect":"reject"}"#;
    let bad = r#"{"id":"b","kind":"json-bytes","json_b64":"ew==","expect":"accept"}"#;
    let report = runner::run(&format!("{good}\n{bad}\nnot json\n"));
    let ids: Vec<&str> = report.failed.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "line 3"]);
}

/// A case of a signed list: sixteen places of one bit, of which some are not 0.
fn signed_list(id: &str, expect: &str, changes: serde_json::Value) -> String {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let (uri, at) = ("https://a.example/1", UnixTime::from_seconds);
    let list = StatusList::decode(StatusBits::One, "eNrbuRgAAhcBXQ").unwrap();
    let token = StatusListToken::new(uri, list, at(1_000), Some(at(2_000)));
    let jwk: serde_json::Value =
        serde_json::from_str(&key.verifying_key().to_jwk().unwrap()).unwrap();
    let mut case = json!({
        "id": id, "kind": "statuslist-jwt", "expect": expect, "uri": uri, "jwk": jwk,
        "options": {"now": 1_500}, "token": token.sign(&key).unwrap(),
        "statuses": [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1],
    });
    for (name, value) in changes.as_object().unwrap() {
        case[name] = value.clone();
    }
    case.to_string()
}

#[test]
fn cases_of_signed_status_lists_end_as_they_say() {
    let case = signed_list;
    let status = |idx, uri| json!({"status_list": {"idx": idx, "uri": uri}});
    let here = "https://a.example/1";
    let good = [
        case("a", "accept", json!({})),
        case("b", "accept", json!({"idx": 15, "status_value": 1})),
        case(
            "c",
            "accept",
            json!({"uri": null, "status": status(1, here), "status_value": 0}),
        ),
        case("d", "reject", json!({"options": {"now": 2_000}})),
        case(
            "e",
            "accept",
            json!({"options": {"now": 2_000, "leeway": 1}}),
        ),
        case("f", "reject", json!({"options": {"now": 999}})),
        case("g", "reject", json!({"uri": "https://a.example/2"})),
        case(
            "h",
            "reject",
            json!({"uri": null, "status": status(1, "https://b.example")}),
        ),
        case("i", "reject", json!({"idx": 16})),
        case("j", "reject", json!({"token": "a.b.c"})),
        case("k", "reject", json!({"allow_algs": ["RS256"]})),
        case(
            "l",
            "accept",
            json!({"bits": 1, "size": 16, "exp": 2_000, "iat": 1_000}),
        ),
    ];
    let report = runner::run(&good.join("\n"));
    assert!(report.failed.is_empty(), "{report}");
    assert_eq!(report.ran(), good.len());
    let lies = [
        case("a", "reject", json!({})),
        case("b", "accept", json!({"idx": 15, "status_value": 0})),
        case("c", "accept", json!({"statuses": [0]})),
        case("d", "accept", json!({"nonzero": {"0": 1}})),
        case("e", "accept", json!({"size": 8})),
        case("f", "accept", json!({"exp": 2_001})),
        case("g", "accept", json!({"decoded_hex": "00"})),
        case("h", "accept", json!({"options": {"now": 2_000}})),
        // What is not understood is a failure, whatever was expected.
        case("i", "reject", json!({"options": {}})),
        case("j", "reject", json!({"token": null})),
        case("k", "reject", json!({"jwk": null})),
        case("l", "reject", json!({"statuses": 7})),
    ];
    let report = runner::run(&lies.join("\n"));
    assert_eq!(report.failed.len(), lies.len(), "{report}");
}
