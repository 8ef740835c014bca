//! Each kind of error: its status, challenge and body, word for word.

use std::collections::HashSet;
use std::time::Duration;

use http::Response;
use tokenwright::http::{Answers, CredentialsErrorKind, Refusal, RefusalKind, Scopes};
use tokenwright::{Malformation, ProofError, ProofErrorKind, RevokedBy, VerifyErrorKind};

use crate::scene::{NOW, header};

const METADATA: &str = "https://api.example/.well-known/oauth-protected-resource";

/// What one group of refusals is answered with.
struct Told {
    status: u16,
    /// Behind `Bearer realm="orders"` and before the address of the metadata.
    challenge: Option<&'static str>,
    body: &'static str,
    retry_after: Option<&'static str>,
    grpc_status: &'static str,
    grpc_message: &'static str,
}

const NO_TOKEN: Told = Told {
    status: 401,
    challenge: Some(""),
    body: r#"{"type":"about:blank","title":"Unauthorized","status":401,"detail":"a token is required"}"#,
    retry_after: None,
    grpc_status: "16",
    grpc_message: "a token is required",
};

const BAD_TOKEN: Told = Told {
    status: 401,
    challenge: Some(r#", error="invalid_token", error_description="the token is not valid""#),
    body: r#"{"type":"about:blank","title":"Unauthorized","status":401,"detail":"the token is not valid","error":"invalid_token"}"#,
    retry_after: None,
    grpc_status: "16",
    grpc_message: "the token is not valid",
};

const BAD_PROOF: Told = Told {
    status: 401,
    challenge: Some(
        r#", error="invalid_dpop_proof", error_description="the proof of possession is not valid""#,
    ),
    body: r#"{"type":"about:blank","title":"Unauthorized","status":401,"detail":"the proof of possession is not valid","error":"invalid_dpop_proof"}"#,
    retry_after: None,
    grpc_status: "16",
    grpc_message: "the proof of possession is not valid",
};

const NONCE_NEEDED: Told = Told {
    status: 401,
    challenge: Some(
        r#", error="use_dpop_nonce", error_description="the proof of possession needs a nonce of this server""#,
    ),
    body: r#"{"type":"about:blank","title":"Unauthorized","status":401,"detail":"the proof of possession needs a nonce of this server","error":"use_dpop_nonce"}"#,
    retry_after: None,
    grpc_status: "16",
    grpc_message: "the proof of possession needs a nonce of this server",
};

const UNCLEAR: Told = Told {
    status: 400,
    challenge: Some(
        r#", error="invalid_request", error_description="expected one token in one place""#,
    ),
    body: r#"{"type":"about:blank","title":"Bad Request","status":400,"detail":"expected one token in one place","error":"invalid_request"}"#,
    retry_after: None,
    grpc_status: "3",
    grpc_message: "expected one token in one place",
};

const NOT_PERMITTED: Told = Told {
    status: 403,
    challenge: Some(
        r#", error="insufficient_scope", error_description="the token does not permit this", scope="orders:read orders:write""#,
    ),
    body: r#"{"type":"about:blank","title":"Forbidden","status":403,"detail":"the token does not permit this","error":"insufficient_scope","scope":"orders:read orders:write"}"#,
    retry_after: None,
    grpc_status: "7",
    grpc_message: "the token does not permit this",
};

const CANNOT_KNOW: Told = Told {
    status: 503,
    challenge: None,
    body: r#"{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"the token cannot be checked at this time"}"#,
    retry_after: Some("10"),
    grpc_status: "14",
    grpc_message: "the token cannot be checked at this time",
};

const OPERATOR: Told = Told {
    status: 500,
    challenge: None,
    body: r#"{"type":"about:blank","title":"Internal Server Error","status":500,"detail":"the token cannot be checked at this time"}"#,
    retry_after: None,
    grpc_status: "13",
    grpc_message: "the token cannot be checked at this time",
};

/// Every reason for which a verifier refuses, and how it is answered.
fn refused_tokens() -> Vec<(VerifyErrorKind, Told)> {
    use VerifyErrorKind as K;
    let second = Duration::from_secs(1);
    let secret = || "found in the token".to_owned();
    vec![
        (K::Malformed(Malformation::Empty), BAD_TOKEN),
        (
            K::Malformed(Malformation::TooLong { limit: 1, found: 2 }),
            BAD_TOKEN,
        ),
        (K::UnsupportedExtension { member: "crit" }, BAD_TOKEN),
        (
            K::UnknownKey {
                key_id: Some(secret()),
            },
            BAD_TOKEN,
        ),
        (K::AlgorithmMismatch { expected: "EdDSA" }, BAD_TOKEN),
        (
            K::TypeMismatch {
                expected: "at+jwt".to_owned(),
                found: Some(secret()),
            },
            BAD_TOKEN,
        ),
        (K::BadSignature, BAD_TOKEN),
        (K::BadClaims { reason: secret() }, BAD_TOKEN),
        (
            K::IssuerMismatch {
                expected: vec![],
                found: Some(secret()),
            },
            BAD_TOKEN,
        ),
        (
            K::AudienceMismatch {
                expected: vec![],
                found: vec![secret()],
            },
            BAD_TOKEN,
        ),
        (
            K::MissingClaim {
                name: "sub".to_owned(),
            },
            BAD_TOKEN,
        ),
        (
            K::LifetimeTooLong {
                limit: second,
                found: second,
            },
            BAD_TOKEN,
        ),
        (K::OutsideKeyPeriod, BAD_TOKEN),
        (K::Refused { reason: secret() }, BAD_TOKEN),
        (
            K::Expired {
                at: NOW,
                now: NOW,
                leeway: second,
            },
            BAD_TOKEN,
        ),
        (
            K::NotYetValid {
                name: "nbf",
                at: NOW,
                now: NOW,
                leeway: second,
            },
            BAD_TOKEN,
        ),
        (
            K::TooOld {
                age: second,
                limit: second,
            },
            BAD_TOKEN,
        ),
        (
            K::Revoked {
                by: RevokedBy::Token,
                since: None,
            },
            BAD_TOKEN,
        ),
        (K::KeysUnavailable { since: NOW }, CANNOT_KNOW),
        (K::RevocationUnknown { reason: secret() }, CANNOT_KNOW),
        (
            K::RevocationStale {
                age: second,
                limit: second,
            },
            CANNOT_KNOW,
        ),
    ]
}

/// Every reason for which a proof of possession is refused, beside a good token.
fn refused_proofs() -> Vec<(ProofErrorKind, Told)> {
    use ProofErrorKind as K;
    let secret = || "found in the proof".to_owned();
    let (expected, found) = (secret(), secret());
    let wait = Duration::from_secs(1);
    vec![
        (K::Missing, BAD_TOKEN),
        (K::NotBound, BAD_TOKEN),
        (K::Malformed(Malformation::Empty), BAD_PROOF),
        (K::UnsupportedExtension { member: "crit" }, BAD_PROOF),
        (K::TypeMismatch { found: None }, BAD_PROOF),
        (K::AlgorithmRefused { found: secret() }, BAD_PROOF),
        (K::BadKey { reason: secret() }, BAD_PROOF),
        (K::BadSignature, BAD_PROOF),
        (K::BadClaims { reason: secret() }, BAD_PROOF),
        (K::MissingClaim { name: "jti" }, BAD_PROOF),
        (
            K::OtherMethod {
                expected: expected.clone(),
                found: found.clone(),
            },
            BAD_PROOF,
        ),
        (K::OtherAddress { expected, found }, BAD_PROOF),
        (K::NonceNeeded, NONCE_NEEDED),
        (
            K::TooOld {
                at: NOW,
                since: NOW,
            },
            BAD_PROOF,
        ),
        (
            K::FromTheFuture {
                at: NOW,
                until: NOW,
            },
            BAD_PROOF,
        ),
        (K::OtherToken, BAD_PROOF),
        (K::OtherKey, BAD_PROOF),
        (K::Replayed, BAD_PROOF),
        (K::MemoryFull { wait }, CANNOT_KNOW),
    ]
}

fn other_refusals() -> Vec<(Refusal, Told)> {
    use CredentialsErrorKind as K;
    let scopes = Scopes::all_of(&["orders:read", "orders:write"]);
    vec![
        (RefusalKind::NoToken.into(), NO_TOKEN),
        (
            RefusalKind::Credentials(K::RepeatedHeader.into()).into(),
            UNCLEAR,
        ),
        (
            RefusalKind::Credentials(K::RepeatedCookie.into()).into(),
            UNCLEAR,
        ),
        (
            RefusalKind::Credentials(K::SeveralPlaces.into()).into(),
            UNCLEAR,
        ),
        (
            RefusalKind::Credentials(K::NotAToken.into()).into(),
            BAD_TOKEN,
        ),
        (
            RefusalKind::Credentials(K::TooLong.into()).into(),
            BAD_TOKEN,
        ),
        (
            RefusalKind::Credentials(K::NoProof.into()).into(),
            BAD_PROOF,
        ),
        (
            RefusalKind::Credentials(K::RepeatedProof.into()).into(),
            BAD_PROOF,
        ),
        (
            RefusalKind::Credentials(K::NotAProof.into()).into(),
            BAD_PROOF,
        ),
        (RefusalKind::Scopes(scopes).into(), NOT_PERMITTED),
        (RefusalKind::NotVerified.into(), OPERATOR),
        (RefusalKind::RequestNeeded.into(), OPERATOR),
    ]
}

#[track_caller]
fn check(refusal: &Refusal, told: &Told) {
    let full = Answers::new().realm("orders").unwrap();
    let full = full.resource_metadata(METADATA).unwrap();
    let answer = full.to(refusal);
    let code = refusal.code();
    assert_eq!(answer.status(), told.status, "{code}");
    let challenge = told
        .challenge
        .map(|middle| format!("Bearer realm=\"orders\"{middle}, resource_metadata=\"{METADATA}\""));
    assert_eq!(
        header(&answer, "www-authenticate"),
        challenge.as_deref(),
        "{code}"
    );
    assert_eq!(answer.body(), told.body, "{code}");
    assert_eq!(
        header(&answer, "content-type"),
        Some("application/problem+json")
    );
    assert_eq!(header(&answer, "cache-control"), Some("no-store"));
    assert_eq!(header(&answer, "retry-after"), told.retry_after);
    serde_json::from_str::<serde_json::Value>(answer.body()).expect("JSON");
    check_without_setup(refusal, told);
    check_grpc(&full.to_grpc(refusal), told, challenge.as_deref());
}

/// Without realm and metadata the challenge is as short as can be.
#[track_caller]
fn check_without_setup(refusal: &Refusal, told: &Told) {
    let plain = Answers::new().to(refusal);
    let expected = told
        .challenge
        .map(|middle| match middle.strip_prefix(", ") {
            Some(parameters) => format!("Bearer {parameters}"),
            None => "Bearer".to_owned(),
        });
    assert_eq!(header(&plain, "www-authenticate"), expected.as_deref());
    assert_eq!(plain.body(), told.body);
}

#[track_caller]
fn check_grpc(answer: &Response<String>, told: &Told, challenge: Option<&str>) {
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.body(), "");
    assert_eq!(header(answer, "content-type"), Some("application/grpc"));
    assert_eq!(header(answer, "grpc-status"), Some(told.grpc_status));
    assert_eq!(header(answer, "grpc-message"), Some(told.grpc_message));
    assert_eq!(header(answer, "www-authenticate"), challenge);
    assert_eq!(header(answer, "cache-control"), Some("no-store"));
}

#[test]
fn every_refused_token_is_answered_as_the_table_says() {
    let mut seen = HashSet::new();
    for (kind, told) in refused_tokens() {
        seen.insert(kind.code());
        check(&Refusal::from(RefusalKind::Token(kind.into())), &told);
    }
    // Every code of the verifier stands in the table.
    let source = include_str!("../../src/verify/error.rs");
    let (_, body) = source.split_once("fn code(").expect("a function");
    let body = body.split("\n    }\n").next().expect("its end");
    let written: HashSet<&str> = body.split('"').skip(1).step_by(2).collect();
    assert_eq!(written, seen);
}

#[test]
fn every_refused_proof_is_answered_as_the_table_says() {
    let mut seen = HashSet::new();
    for (kind, told) in refused_proofs() {
        let error = ProofError::from(kind);
        seen.insert(error.code());
        let kind = VerifyErrorKind::Unproven(error);
        check(&Refusal::from(RefusalKind::Token(kind.into())), &told);
    }
    let source = include_str!("../../src/token/possession.rs");
    let (_, body) = source.split_once("fn code(").expect("a function");
    let body = body.split("\n    }\n").next().expect("its end");
    let written: HashSet<&str> = body.split('"').skip(1).step_by(2).collect();
    assert_eq!(written, seen);
}

#[test]
fn every_other_refusal_is_answered_as_the_table_says() {
    for (refusal, told) in other_refusals() {
        check(&refusal, &told);
    }
}

#[test]
fn all_bad_tokens_get_one_answer_byte_for_byte() {
    let answers: HashSet<String> = refused_tokens()
        .into_iter()
        .filter(|(kind, _)| kind.class().http_status() == 401)
        .map(|(kind, _)| {
            let answer = Answers::new().to(&Refusal::from(RefusalKind::Token(kind.into())));
            format!(
                "{:?} {:?} {}",
                answer.status(),
                answer.headers(),
                answer.body()
            )
        })
        .collect();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[test]
fn a_realm_is_quoted_and_cannot_add_a_parameter() {
    let answers = Answers::new().realm(r#"a "b" \ c", error="x"#).unwrap();
    let answer = answers.to(&RefusalKind::NoToken.into());
    assert_eq!(
        header(&answer, "www-authenticate"),
        Some(r#"Bearer realm="a \"b\" \\ c\", error=\"x""#)
    );
    for realm in ["", "line\nbreak", "caf\u{e9}", "\0"] {
        assert_eq!(Answers::new().realm(realm).unwrap_err().code(), "bad_realm");
    }
    for address in [
        "",
        "https://",
        "ftp://x",
        "api.example",
        "https://a\" b",
        "https://a\n",
        "https://é",
    ] {
        let error = Answers::new().resource_metadata(address).unwrap_err();
        assert_eq!(error.code(), "bad_resource_metadata", "{address:?}");
    }
}

#[test]
fn the_wait_before_asking_again_can_be_chosen() {
    let answers = Answers::new().retry_after(Duration::from_millis(3500));
    let kind = VerifyErrorKind::KeysUnavailable { since: NOW };
    let answer = answers.to(&RefusalKind::Token(kind.into()).into());
    assert_eq!(header(&answer, "retry-after"), Some("3"));
}
