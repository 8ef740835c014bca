use super::*;
use crate::key::Algorithm;

/// RFC 8037 appendix A.2, and a second key of ours.
const FIRST: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"first",
    "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const SECOND: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"second",
    "x":"PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"}"#;
const OCT: &str = r#"{"kty":"oct","alg":"HS256","kid":"shared",
    "k":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"}"#;

fn set(members: &[&str]) -> String {
    format!("{{\"keys\":[{}]}}", members.join(","))
}

#[track_caller]
fn parsed(members: &[&str]) -> JwkSet {
    JwkSet::parse(set(members).as_bytes(), &ImportOptions::new()).unwrap()
}

#[track_caller]
fn refused(text: &str) -> String {
    let refused = JwkSet::parse(text.as_bytes(), &ImportOptions::new());
    refused.unwrap_err().to_string()
}

#[test]
fn a_bad_member_never_spoils_the_others() {
    let with_d = FIRST.replace("\"kid\":\"first\"", "\"d\":\"AA\"");
    let bad = [
        ("7", "malformed_key: it is not a JSON object"),
        ("null", "malformed_key: it is not a JSON object"),
        ("[]", "malformed_key: it is not a JSON object"),
        ("{}", "missing_member: the JWK has no \"kty\""),
        (
            r#"{"kty":"XYZ"}"#,
            "unsupported_key_type: the JWK's \"kty\" is \"XYZ\", which signs none of our tokens",
        ),
        (
            r#"{"kty":7}"#,
            "bad_member: the JWK's \"kty\" is not a string",
        ),
        (r#"{"kty":"EC"}"#, "missing_member: the JWK has no \"crv\""),
        (
            r#"{"kty":"EC","use":"enc"}"#,
            "use_mismatch: the JWK's \"use\" is \"enc\", a signature key's is \"sig\"",
        ),
        (
            r#"{"kty":"OKP","alg":256}"#,
            "bad_member: the JWK's \"alg\" is not a string",
        ),
        (
            r#"{"kty":"OKP","kid":7}"#,
            "bad_member: the JWK's \"kid\" is not a string",
        ),
        (
            &with_d,
            "private_key_given: the JWK has the private member \"d\" where a public key is expected",
        ),
    ];
    let mut members: Vec<&str> = bad.iter().map(|(member, _)| *member).collect();
    members.insert(0, FIRST);
    members.push(SECOND);
    let set = parsed(&members);
    let ids: Vec<&str> = set.keys().iter().map(|key| key.id().as_str()).collect();
    assert_eq!(ids, ["first", "second"]);
    assert_eq!(set.skipped().len(), bad.len());
    for (place, (skipped, (member, reason))) in set.skipped().iter().zip(bad).enumerate() {
        assert_eq!(skipped.position(), place + 1, "{member}");
        assert_eq!(skipped.reason().to_string(), reason, "{member}");
    }
    assert_eq!(
        set.skipped()[3].to_string(),
        "member 4 of the key set: missing_member: the JWK has no \"kty\""
    );
}

#[test]
fn weak_keys_are_left_out() {
    // A point of small order: every message has a signature under it.
    let weak = r#"{"kty":"OKP","crv":"Ed25519","x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;
    let set = parsed(&[weak, FIRST]);
    assert_eq!(set.keys().len(), 1);
    assert_eq!(set.skipped()[0].reason().code(), "weak_key");
}

#[test]
fn an_oversized_member_is_left_out() {
    let long = format!(
        r#"{{"kty":"OKP","x5c":["{}"]}}"#,
        "A".repeat(crate::limits::MAX_JWK_BYTES)
    );
    let set = parsed(&[&long, FIRST]);
    assert_eq!(set.skipped()[0].reason().code(), "key_too_long");
}

#[test]
fn what_is_not_a_set_is_refused() {
    for text in ["", "[]", "7", "{", "{\"keys\":[]}{}"] {
        assert!(refused(text).starts_with("malformed_key_set: "), "{text}");
    }
    assert_eq!(refused("{}"), "malformed_key_set: there is no \"keys\"");
    assert_eq!(
        refused(r#"{"kty":"oct"}"#),
        "malformed_key_set: there is no \"keys\""
    );
    for value in ["null", "{}", "\"[]\"", "7"] {
        assert_eq!(
            refused(&format!("{{\"keys\":{value}}}")),
            "malformed_key_set: \"keys\" is not an array"
        );
    }
    // Two sets in one text cannot be told apart.
    assert!(refused(r#"{"keys":[],"keys":[]}"#).starts_with("malformed_key_set: "));
}

#[test]
fn an_empty_set_is_a_set() {
    assert!(parsed(&[]).keys().is_empty());
}

#[test]
fn the_bounds_hold() {
    let many = vec!["7"; MAX_JWKS_KEYS + 1].join(",");
    assert_eq!(
        refused(&format!("{{\"keys\":[{many}]}}")),
        "too_many_keys: a JWK set has at most 1024 members"
    );
    let most = vec!["7"; MAX_JWKS_KEYS].join(",");
    let set = format!("{{\"keys\":[{most}]}}");
    let set = JwkSet::parse(set.as_bytes(), &ImportOptions::new()).unwrap();
    assert_eq!(set.skipped().len(), MAX_JWKS_KEYS);
    let long = " ".repeat(MAX_JWKS_BYTES + 1);
    assert_eq!(
        refused(&long),
        "key_set_too_long: a JWK set is at most 1048576 bytes long"
    );
}

#[test]
fn two_keys_with_one_id_spoil_the_set() {
    let twin = SECOND.replace("second", "first");
    assert_eq!(
        refused(&set(&[FIRST, &twin])),
        "duplicate_key_id: two keys have the id \"first\""
    );
    // An unusable key claims its id as well; what is no key of a known kind does not.
    let unusable = r#"{"kty":"EC","kid":"first"}"#;
    assert_eq!(
        refused(&set(&[FIRST, unusable])),
        "duplicate_key_id: two keys have the id \"first\""
    );
    let unknown = r#"{"kty":"XYZ","kid":"first"}"#;
    assert_eq!(parsed(&[FIRST, unknown]).keys().len(), 1);
    // Without a kid the thumbprint is the id, so the same key twice is a duplicate.
    let nameless = FIRST.replace("\"kid\":\"first\",", "");
    assert!(refused(&set(&[&nameless, &nameless])).starts_with("duplicate_key_id: "));
}

#[test]
fn public_keys_and_shared_secrets_do_not_mix() {
    let mixed = "mixed_key_families: public keys and shared secrets stand in one set";
    assert_eq!(refused(&set(&[OCT, FIRST])), mixed);
    assert_eq!(refused(&set(&[FIRST, OCT])), mixed);
    // Unusable members count as well: the secret is out either way.
    assert_eq!(refused(&set(&[FIRST, r#"{"kty":"oct"}"#])), mixed);
    let secret = JwkSet::parse_secret(set(&[OCT, FIRST]).as_bytes(), &ImportOptions::new());
    assert_eq!(secret.unwrap_err().to_string(), mixed);
}

#[test]
fn a_set_of_secrets_is_read_only_aloud() {
    assert_eq!(
        refused(&set(&[OCT])),
        "shared_secret_in_public_set: a shared secret stands in a public key set; \
         if the set is private, read it as a set of secrets"
    );
    let public = JwkSet::parse_secret(set(&[FIRST]).as_bytes(), &ImportOptions::new());
    assert_eq!(
        public.unwrap_err().to_string(),
        "public_key_in_secret_set: a public key stands in a set of shared secrets"
    );
}

#[cfg(feature = "aws-lc")]
#[test]
fn a_set_of_secrets_verifies_and_is_never_published() {
    let short = r#"{"kty":"oct","alg":"HS256","kid":"short","k":"YQ"}"#;
    let secrets = JwkSet::parse_secret(set(&[OCT, short]).as_bytes(), &ImportOptions::new());
    let secrets = secrets.unwrap();
    assert_eq!(secrets.keys()[0].algorithm(), Algorithm::Hs256);
    assert_eq!(secrets.keys()[0].id().as_str(), "shared");
    assert_eq!(secrets.skipped()[0].reason().code(), "secret_too_short");
    assert_eq!(secrets.to_json().unwrap_err().code(), "no_such_form");
    let published = JwkSet::of(secrets.into_keys());
    assert_eq!(published.unwrap_err().kind(), JwkSetErrorKind::SharedSecret);
}

#[test]
fn an_algorithm_of_the_caller_goes_to_members_that_name_none() {
    let named = FIRST.replace("\"kid\"", "\"alg\":\"EdDSA\",\"kid\"");
    let options = ImportOptions::new().algorithm(Algorithm::Ed25519);
    let set = JwkSet::parse(set(&[&named, SECOND]).as_bytes(), &options).unwrap();
    assert_eq!(set.keys()[0].algorithm(), Algorithm::Ed25519);
    assert_eq!(set.keys()[0].id().as_str(), "second");
    assert_eq!(set.skipped()[0].reason().code(), "algorithm_mismatch");
}

#[test]
fn a_published_set_reads_back() {
    let set = parsed(&[FIRST, SECOND]);
    let json = set.to_json().unwrap();
    let again = JwkSet::parse(json.as_bytes(), &ImportOptions::new()).unwrap();
    assert_eq!(again.to_json().unwrap(), json);
    assert!(again.skipped().is_empty());
    assert_eq!(json.lines().count(), 4);
    let twins = JwkSet::of([set.keys()[0].clone(), set.keys()[0].clone()]);
    assert_eq!(twins.unwrap_err().code(), "duplicate_key_id");
}

#[test]
fn a_promise_is_whole_seconds_or_none() {
    let promise = |member: &str| {
        let json = format!(r#"{{"keys":[{FIRST}],"complete_until":{member}}}"#);
        let set = JwkSet::parse(json.as_bytes(), &ImportOptions::new()).unwrap();
        assert_eq!(set.keys().len(), 1);
        set.complete_until().map(crate::time::UnixTime::seconds)
    };
    assert_eq!(promise("1760000000"), Some(1_760_000_000));
    assert_eq!(promise("9223372036854775807"), Some(i64::MAX));
    for other in [
        "9223372036854775808",
        "1.5",
        "1e9",
        "\"1760000000\"",
        "null",
        "[1]",
    ] {
        assert_eq!(promise(other), None, "{other}");
    }
    assert_eq!(parsed(&[FIRST]).complete_until(), None);
    let at = crate::time::UnixTime::new(1_760_000_000, 999_999_999);
    let json = parsed(&[FIRST]).promising(at).to_json().unwrap();
    let again = JwkSet::parse(json.as_bytes(), &ImportOptions::new()).unwrap();
    assert_eq!(
        again.complete_until().map(|at| at.seconds()),
        Some(1_760_000_000)
    );
}

#[cfg(feature = "aws-lc")]
#[test]
fn an_algorithm_where_needed_leaves_what_others_say() {
    let rsa = crate::key::SigningKey::generate(Algorithm::Rs256).unwrap();
    let rsa = rsa.verifying_key().to_jwk().unwrap();
    let open = rsa
        .replace("\"alg\":\"RS256\",", "")
        .replace(",\"alg\":\"RS256\"", "");
    assert!(!open.contains("RS256"), "{open}");
    let json = set(&[&open, FIRST]);
    let strict = JwkSet::parse(json.as_bytes(), &ImportOptions::new()).unwrap();
    assert_eq!(
        (strict.keys().len(), strict.skipped()[0].reason().code()),
        (1, "algorithm_needed")
    );
    let options = ImportOptions::new().algorithm_where_needed(Algorithm::Ps256);
    let both = JwkSet::parse(json.as_bytes(), &options).unwrap();
    let found: Vec<Algorithm> = both.keys().iter().map(|key| key.algorithm()).collect();
    assert_eq!(found, [Algorithm::Ps256, Algorithm::EdDsa]);
    // One that says its own keeps it, and one that does not fit stays out.
    let named = JwkSet::parse(set(&[&rsa]).as_bytes(), &options).unwrap();
    assert_eq!(named.keys()[0].algorithm(), Algorithm::Rs256);
    let unfit = ImportOptions::new().algorithm_where_needed(Algorithm::Es256);
    let unfit = JwkSet::parse(set(&[&open]).as_bytes(), &unfit).unwrap();
    assert_eq!(unfit.skipped()[0].reason().code(), "algorithm_mismatch");
}
