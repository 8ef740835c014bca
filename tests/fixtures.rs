//! Tokens that other libraries minted (`fixtures/README.md`): accepted with the claims they
//! were given, or refused for the one reason stated.

#[path = "../examples/vectors/runner.rs"]
mod runner;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tokenwright::key::{ImportOptions, SigningKey, VerifyingKey};
use tokenwright::{
    Claims, KeySet, Policy, Presented, UnixTime, Verified, Verifier, VerifyError, VerifyErrorKind,
};

const INTEROP: &str = include_str!("../fixtures/interop.jsonl");

/// How many algorithms each library minted with.
const ALGORITHMS: [(&str, usize); 4] =
    [("PyJWT", 13), ("jose", 14), ("joserfc", 14), ("pyseto", 2)];

fn cases() -> impl Iterator<Item = Value> {
    let parse = |line| serde_json::from_str(line).expect("one JSON object a line");
    INTEROP.lines().map(parse)
}

fn text<'c>(case: &'c Value, name: &str) -> &'c str {
    case[name]
        .as_str()
        .unwrap_or_else(|| panic!("{} has no {name}", case["id"]))
}

/// The verdict on a `jwt` case, by its own options.
fn judge(case: &Value) -> Result<Verified<Claims<Map<String, Value>>>, VerifyError> {
    let jwk = case["jwk"].to_string();
    let options = ImportOptions::new();
    let key = if case["jwk"]["kty"] == "oct" {
        SigningKey::from_jwk(jwk.as_bytes(), &options).map(|key| key.verifying_key())
    } else {
        VerifyingKey::from_jwk(jwk.as_bytes(), &options)
    };
    let keys = KeySet::of([key.expect("a good key")]).expect("one key");
    let expected = &case["options"];
    let policy = Policy::new(text(expected, "iss"), text(expected, "aud")).leeway(
        std::time::Duration::from_secs(expected["leeway"].as_u64().expect("a leeway")),
    );
    let now = UnixTime::from_seconds(expected["now"].as_i64().expect("a clock"));
    let verifier = Verifier::builder(keys)
        .policy(policy)
        .without_revocation()
        .build();
    verifier.verify_as(Presented::new(text(case, "token")).at(now))
}

/// The claims as one JSON object again; the audience always as a list.
fn written_out(claims: &Claims<Map<String, Value>>) -> Value {
    let mut all = claims.custom().clone();
    let seconds = |at: Option<UnixTime>| at.map(UnixTime::seconds);
    let registered = json!({
        "iss": claims.issuer(), "sub": claims.subject(), "aud": claims.audience(),
        "exp": seconds(claims.expires_at()), "nbf": seconds(claims.not_before()),
        "iat": seconds(claims.issued_at()), "jti": claims.token_id(),
        "sid": claims.session_id(), "scope": claims.scope(),
    });
    all.extend(registered.as_object().expect("an object").clone());
    Value::Object(all)
}

#[test]
fn every_kept_token_ends_as_it_says() {
    let report = runner::run(INTEROP);
    assert!(report.failed.is_empty(), "{report}");
    assert!(report.skipped.is_empty(), "{report}");
    assert_eq!(report.ran(), cases().count());
}

#[test]
fn every_library_is_there_with_every_algorithm_it_shares_with_us() {
    let mut accepted = BTreeMap::<String, std::collections::BTreeSet<String>>::new();
    for case in cases().filter(|case| case["expect"] == "accept") {
        let id: Vec<&str> = text(&case, "id").split('/').collect();
        accepted
            .entry(id[1].to_owned())
            .or_default()
            .insert(id[2].to_owned());
    }
    let found: Vec<_> = accepted
        .iter()
        .map(|(peer, names)| (peer.as_str(), names.len()))
        .collect();
    assert_eq!(found, ALGORITHMS);
}

#[test]
fn claims_of_other_libraries_are_read_as_they_were_written() {
    let mut compared = 0;
    for case in cases().filter(|case| case["claims"].is_object()) {
        let id = text(&case, "id");
        let verified = judge(&case).unwrap_or_else(|error| panic!("{id}: {error}"));
        let mut asked = case["claims"].clone();
        if asked["aud"].is_string() {
            asked["aud"] = json!([asked["aud"]]);
        }
        assert_eq!(written_out(&verified), asked, "{id}");
        compared += 1;
    }
    assert_eq!(compared, 3 * 41);
}

#[test]
fn a_refusal_has_the_one_reason_that_was_planted() {
    let mut judged = 0;
    for case in cases().filter(|case| case["code"].is_string()) {
        let id = text(&case, "id");
        let error = judge(&case).expect_err(id);
        let codes: Vec<_> = error.reasons().map(VerifyErrorKind::code).collect();
        assert_eq!(codes, [text(&case, "code")], "{id}: {error}");
        judged += 1;
    }
    assert!(judged > 600, "only {judged} refusals were judged");
}
