//! Public test suites, judged by the runner that stands behind `examples/vectors`.
//!
//! The suites are found through `TOKENWRIGHT_VECTORS`, a folder. Without it this
//! says so in one line and only the cases in `fixtures/` run.

#[path = "../examples/vectors/runner.rs"]
mod runner;

use std::path::Path;

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
