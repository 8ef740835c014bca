//! Error messages are an interface: each stands here word for word, beside its code,
//! who must act, and the two numbers that follow from that.
#![cfg(all(
    feature = "aws-lc",
    feature = "paseto",
    feature = "pem",
    feature = "status-list"
))]

#[path = "errors/distribution.rs"]
mod distribution;
#[cfg(any(feature = "tower", feature = "remote", feature = "serve"))]
#[path = "errors/http.rs"]
mod http;
#[cfg(feature = "file-store")]
#[path = "errors/revocations.rs"]
mod revocations;
#[cfg(feature = "serve")]
#[path = "errors/serve.rs"]
mod serve;
#[cfg(feature = "session")]
#[path = "errors/session.rs"]
mod session;

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};
use tokenwright::json::JsonErrorKind;
use tokenwright::key::{
    Algorithm, DocumentError, ImportOptions, JwkSet, KeyError, KeyErrorKind, KeyId, SigningKey,
    VerifyingKey,
};
use tokenwright::status_list::{StatusBits, StatusList, StatusListError, StatusListErrorKind};
use tokenwright::{
    Base64Error, Claims, ErrorClass, Freshness, KeySet, Malformation, ManualClock, MintError,
    MintErrorKind, MintOptions, Minter, Part, Policy, RevocationCheck, RevocationError,
    RevocationErrorKind, RevokedBy, SecretBytes, StatusClaim, TokenFacts, UnixTime, Verdict,
    Verifier, Verifiers, VerifyErrorKind, WhenUnknown, sign_raw,
};

const NOW: UnixTime = UnixTime::from_seconds(1_760_000_000);

/// Codes that the table of a test has named.
#[derive(Default)]
struct Named(HashSet<&'static str>);

impl Named {
    /// Every code that a source file writes in its function `code` is among them.
    #[track_caller]
    fn cover(&self, source: &str) {
        let (_, body) = source.split_once("fn code(").expect("a function");
        let body = body.split("\n    }\n").next().expect("its end");
        let written: HashSet<&str> = body.split('"').skip(1).step_by(2).collect();
        assert!(written.len() > 1);
        for code in &written {
            assert!(self.0.contains(code), "{code} has no message here");
            let snake = |letter: char| {
                letter.is_ascii_lowercase() || letter == '_' || letter.is_ascii_digit()
            };
            assert!(code.chars().all(snake), "{code} is not in snake case");
        }
    }
}

#[test]
fn each_class_has_its_http_status_and_exit_code() {
    for (class, status, exit) in [
        (ErrorClass::NotOurs, 401, 1),
        (ErrorClass::NotHere, 401, 1),
        (ErrorClass::NotNow, 401, 3),
        (ErrorClass::Withdrawn, 401, 4),
        (ErrorClass::NotPermitted, 403, 1),
        (ErrorClass::Unclear, 400, 1),
        (ErrorClass::CannotKnow, 503, 5),
        (ErrorClass::Operator, 500, 6),
    ] {
        assert_eq!(
            (class.http_status(), class.exit_code()),
            (status, exit),
            "{class:?}"
        );
    }
    // The gravest comes first: it decides when several claims fail.
    assert!(ErrorClass::NotOurs < ErrorClass::NotHere && ErrorClass::NotHere < ErrorClass::NotNow);
}

#[track_caller]
fn refusal(
    named: &mut Named,
    kind: VerifyErrorKind,
    code: &'static str,
    class: ErrorClass,
    message: &str,
) {
    assert_eq!(kind.code(), code);
    assert_eq!(kind.class(), class, "{code}");
    assert_eq!(kind.to_string(), message);
    named.0.insert(code);
}

#[test]
fn every_refusal_says_what_was_expected_and_what_was_found() {
    use ErrorClass::{CannotKnow, NotHere, NotNow, NotOurs, Withdrawn};
    use VerifyErrorKind as K;
    let mut named = Named::default();
    let mut says = |kind, code, class, message| refusal(&mut named, kind, code, class, message);
    let texts = |texts: &[&str]| {
        texts
            .iter()
            .map(|text| (*text).to_owned())
            .collect::<Vec<_>>()
    };
    let seconds = Duration::from_secs;
    says(
        K::Malformed(Malformation::Empty),
        "malformed",
        NotOurs,
        "expected a token, found nothing",
    );
    says(
        K::Malformed(Malformation::TooLong {
            limit: 16_384,
            found: 20_000,
        }),
        "too_long",
        NotOurs,
        "expected at most 16384 bytes, found 20000",
    );
    says(
        K::UnsupportedExtension { member: "crit" },
        "unsupported_extension",
        NotOurs,
        "the header has crit, an extension that is not supported",
    );
    says(
        K::UnknownKey {
            key_id: Some("k\n1".to_owned()),
        },
        "unknown_key",
        NotOurs,
        "no key with id \"k\\u{a}1\"",
    );
    says(
        K::UnknownKey { key_id: None },
        "unknown_key",
        NotOurs,
        "the token names no key, and there is not exactly one to choose",
    );
    says(
        K::AlgorithmMismatch { expected: "ES256" },
        "alg_mismatch",
        NotOurs,
        "the key is for ES256, and the token claims another algorithm",
    );
    says(
        K::TypeMismatch {
            expected: "at+jwt".to_owned(),
            found: None,
        },
        "typ_mismatch",
        NotHere,
        "typ: expected \"at+jwt\", found none",
    );
    says(
        K::TypeMismatch {
            expected: "JWT".to_owned(),
            found: Some("at+jwt".to_owned()),
        },
        "typ_mismatch",
        NotHere,
        "typ: expected \"JWT\", found \"at+jwt\"",
    );
    says(
        K::BadSignature,
        "bad_signature",
        NotOurs,
        "the signature is not the key's",
    );
    says(
        K::BadClaims {
            reason: "exp must be a number".to_owned(),
        },
        "bad_claims",
        NotOurs,
        "the claims are not valid: exp must be a number",
    );
    says(
        K::IssuerMismatch {
            expected: texts(&["a"]),
            found: Some("b".to_owned()),
        },
        "iss_mismatch",
        NotHere,
        "iss: expected \"a\", found \"b\"",
    );
    says(
        K::AudienceMismatch {
            expected: texts(&["a", "b"]),
            found: vec![],
        },
        "aud_mismatch",
        NotHere,
        "aud: expected \"a\" or \"b\", found none",
    );
    says(
        K::AudienceMismatch {
            expected: vec![],
            found: texts(&["1", "2", "3", "4", "5"]),
        },
        "aud_mismatch",
        NotHere,
        "aud: expected none, found \"1\" or \"2\" or \"3\" or \"4\" or others",
    );
    says(
        K::MissingClaim {
            name: "sub".to_owned(),
        },
        "missing_claim",
        NotHere,
        "sub is required and absent",
    );
    says(
        K::MissingClaim {
            name: "a b".to_owned(),
        },
        "missing_claim",
        NotHere,
        "\"a b\" is required and absent",
    );
    says(
        K::LifetimeTooLong {
            limit: seconds(3600),
            found: seconds(90_061),
        },
        "lifetime_too_long",
        NotHere,
        "valid for 1 day 1 hour, at most 1 hour is allowed",
    );
    says(
        K::OutsideKeyPeriod,
        "outside_key_period",
        NotHere,
        "iat lies outside the time in which the key signed",
    );
    says(
        K::Refused {
            reason: "no \u{1b}[31m".to_owned(),
        },
        "refused",
        NotHere,
        "refused by the application: \"no \\u{1b}[31m\"",
    );
    says(
        K::Expired {
            at: UnixTime::from_seconds(1_759_999_000),
            now: NOW,
            leeway: seconds(30),
        },
        "expired",
        NotNow,
        "expired 16 minutes 40 seconds ago, at 2025-10-09T08:36:40Z (leeway 30 s)",
    );
    says(
        K::NotYetValid {
            name: "nbf",
            at: UnixTime::from_seconds(1_760_000_061),
            now: NOW,
            leeway: seconds(0),
        },
        "not_yet_valid",
        NotNow,
        "nbf is 1 minute 1 second ahead, at 2025-10-09T08:54:21Z (leeway 0 s)",
    );
    says(
        K::NotYetValid {
            name: "iat",
            at: UnixTime::from_seconds(i64::MAX),
            now: UnixTime::from_seconds(i64::MAX - 1),
            leeway: seconds(0),
        },
        "not_yet_valid",
        NotNow,
        "iat is 1 second ahead, at @9223372036854775807 (leeway 0 s)",
    );
    says(
        K::TooOld {
            age: seconds(7200),
            limit: seconds(3599),
        },
        "too_old",
        NotNow,
        "issued 2 hours ago, at most 59 minutes 59 seconds is allowed",
    );
    says(
        K::Revoked {
            by: RevokedBy::Token,
            since: None,
        },
        "revoked",
        Withdrawn,
        "revoked by its token id",
    );
    says(
        K::Revoked {
            by: RevokedBy::Subject,
            since: Some(NOW),
        },
        "revoked",
        Withdrawn,
        "revoked by its subject at 2025-10-09T08:53:20Z",
    );
    says(
        K::RevocationUnknown {
            reason: "no list yet".to_owned(),
        },
        "revocation_unknown",
        CannotKnow,
        "the revocation list cannot tell: \"no list yet\"",
    );
    says(
        K::RevocationStale {
            age: seconds(86_400),
            limit: seconds(60),
        },
        "revocation_stale",
        CannotKnow,
        "the revocation list is 1 day old, at most 1 minute is allowed",
    );
    says(
        K::KeysUnavailable { since: NOW },
        "keys_unavailable",
        CannotKnow,
        "the keys could not be read, and since 2025-10-09T08:53:20Z no view of them holds",
    );
    named.cover(include_str!("../src/verify/error.rs"));
}

#[test]
fn every_refusal_of_a_signed_document_says_what_was_expected() {
    use DocumentError as D;
    use ErrorClass::{NotHere, NotOurs};
    let mut named = Named::default();
    for (error, code, class, message) in [
        (
            D::Malformed(Malformation::Parts { found: 1 }),
            "malformed",
            NotOurs,
            "expected three parts separated by dots, found 1",
        ),
        (
            D::Malformed(Malformation::TooLong {
                limit: 10,
                found: 11,
            }),
            "too_long",
            NotOurs,
            "expected at most 10 bytes, found 11",
        ),
        (
            D::UnsupportedExtension { member: "zip" },
            "unsupported_extension",
            NotOurs,
            "the header has zip, an extension that is not supported",
        ),
        (
            D::TypeMismatch {
                expected: "statuslist+jwt",
                found: Some("JWT".to_owned()),
            },
            "typ_mismatch",
            NotHere,
            "typ: expected \"statuslist+jwt\", found \"JWT\"",
        ),
        (
            D::UnknownKey {
                key_id: Some("k1".to_owned()),
            },
            "unknown_key",
            NotOurs,
            "no key with id \"k1\"",
        ),
        (
            D::UnknownKey { key_id: None },
            "unknown_key",
            NotOurs,
            "the document names no key, and there is not exactly one to choose",
        ),
        (
            D::AlgorithmMismatch { expected: "ES256" },
            "alg_mismatch",
            NotOurs,
            "the key is for ES256, and the document claims another algorithm",
        ),
        (
            D::BadSignature,
            "bad_signature",
            NotOurs,
            "the signature is not the key's",
        ),
    ] {
        assert_eq!((error.code(), error.class()), (code, class));
        assert_eq!(error.to_string(), message);
        named.0.insert(code);
    }
    named.cover(include_str!("../src/key/document.rs"));
}

#[test]
fn every_refusal_of_a_status_list_says_what_it_must_be() {
    use ErrorClass::{NotHere, NotNow, NotOurs, Operator};
    use StatusListErrorKind as K;
    let leeway = Duration::from_secs(30);
    let earlier = UnixTime::from_seconds(NOW.seconds() - 60);
    let stream = StatusList::decode(StatusBits::One, "eNrb").unwrap_err();
    let json = StatusList::from_json(b"{").unwrap_err();
    let mut named = Named::default();
    for (error, code, class, message) in [
        (
            K::Document(DocumentError::BadSignature).into(),
            "bad_signature",
            NotOurs,
            "the signature is not the key's",
        ),
        (
            json,
            "bad_json",
            NotOurs,
            "the status list is not JSON: JSON text stops too early (at byte 1)",
        ),
        (
            K::BadMember {
                name: "bits",
                expected: "the number 1, 2, 4 or 8",
            }
            .into(),
            "bad_member",
            NotOurs,
            "bits must be the number 1, 2, 4 or 8",
        ),
        (
            K::Base64(Base64Error::Length).into(),
            "bad_base64",
            NotOurs,
            "lst is not base64url: impossible length",
        ),
        (
            stream,
            "not_zlib",
            NotOurs,
            "lst is not one whole ZLIB stream: it ends too early",
        ),
        (
            K::TooLarge { limit: 100 }.into(),
            "list_too_large",
            NotOurs,
            "the list has more than 100 bytes, which is the limit: split it, or raise the limit",
        ),
        (
            K::SubjectMismatch {
                expected: "https://a.example".to_owned(),
                found: "b\n".to_owned(),
            }
            .into(),
            "sub_mismatch",
            NotHere,
            "sub: expected \"https://a.example\", found \"b\\u{a}\"",
        ),
        (
            K::Expired {
                at: earlier,
                now: NOW,
                leeway,
            }
            .into(),
            "expired",
            NotNow,
            "the list expired at 2025-10-09T08:52:20Z, and it is 2025-10-09T08:53:20Z (leeway 30 s): fetch it again",
        ),
        (
            K::NotYetValid {
                name: "iat",
                at: NOW,
                now: earlier,
                leeway,
            }
            .into(),
            "not_yet_valid",
            NotNow,
            "iat of the list is 2025-10-09T08:53:20Z, and it is 2025-10-09T08:52:20Z (leeway 30 s)",
        ),
        (
            K::RolledBack {
                held: NOW,
                found: earlier,
            }
            .into(),
            "rolled_back",
            NotNow,
            "the list was issued at 2025-10-09T08:52:20Z, and one of 2025-10-09T08:53:20Z is held already",
        ),
        (
            K::IndexOutOfRange { index: 8, len: 8 }.into(),
            "index_out_of_range",
            Operator,
            "the list has 8 places, and none with index 8",
        ),
        (
            K::StatusTooLarge {
                status: 2,
                greatest: 1,
            }
            .into(),
            "status_too_large",
            Operator,
            "expected a status of 0 to 1, found 2: more need more bits",
        ),
        (
            K::NotJwt.into(),
            "not_jwt",
            Operator,
            "a status list is signed as a JWT, and the key is for PASETO",
        ),
    ] {
        let error: StatusListError = error;
        assert_eq!((error.code(), error.class()), (code, class));
        assert_eq!(error.to_string(), message);
        named.0.insert(code);
    }
    named.cover(include_str!("../src/revocation/status_list/error.rs"));
}

#[track_caller]
fn malformed(malformation: Malformation, message: &str) {
    assert_eq!(malformation.to_string(), message);
    assert_eq!(
        VerifyErrorKind::Malformed(malformation).to_string(),
        message
    );
}

#[test]
fn every_malformation_names_the_part_and_what_is_wrong_with_it() {
    malformed(
        Malformation::Parts { found: 1 },
        "expected three parts separated by dots, found 1",
    );
    malformed(
        Malformation::Parts { found: 5 },
        "expected three parts separated by dots, found five: an encrypted token (JWE) is not a signed one",
    );
    malformed(
        Malformation::Parts { found: 6 },
        "expected three parts separated by dots, found six or more",
    );
    malformed(
        Malformation::PasetoParts,
        "expected v4.purpose.message or v4.purpose.message.footer",
    );
    malformed(
        Malformation::JsonSerialization,
        "expected the compact form (header.payload.signature), found JSON",
    );
    malformed(
        Malformation::Version,
        "expected PASETO v4.public or v4.local, found another version or purpose",
    );
    malformed(
        Malformation::Base64(Part::Header, Base64Error::Length),
        "the header is not base64url: impossible length",
    );
    malformed(
        Malformation::Base64(Part::Payload, Base64Error::Alphabet { position: 3 }),
        "the payload is not base64url: foreign character at byte 3",
    );
    malformed(
        Malformation::Base64(Part::Signature, Base64Error::TrailingBits),
        "the signature is not base64url: trailing bits are not zero",
    );
    malformed(
        Malformation::PartTooLong(Part::Footer),
        "the footer is longer than 4096 bytes",
    );
    malformed(
        Malformation::Member {
            part: Part::Header,
            name: "alg",
            expected: "a string",
        },
        "alg in the header must be a string",
    );
    malformed(
        Malformation::Truncated,
        "the message is too short to hold a signature",
    );
}

#[track_caller]
fn json(text: &[u8], kind: JsonErrorKind, code: &str, message: &str) {
    let error = tokenwright::json::check(text).unwrap_err();
    assert_eq!((error.kind(), error.code()), (kind, code));
    assert_eq!(error.to_string(), message);
}

#[test]
fn every_json_error_says_what_and_where() {
    use JsonErrorKind as J;
    json(
        b"{\"a\":x}",
        J::Syntax,
        "json_syntax",
        "not JSON (at byte 5)",
    );
    json(
        b"{\"a\":",
        J::UnexpectedEnd,
        "json_unexpected_end",
        "JSON text stops too early (at byte 5)",
    );
    json(
        b"\"\xff\"",
        J::Utf8,
        "json_not_utf8",
        "JSON text is not UTF-8 (at byte 1)",
    );
    json(
        b"\xef\xbb\xbf{}",
        J::ByteOrderMark,
        "json_byte_order_mark",
        "JSON text begins with a byte order mark (at byte 0)",
    );
    json(
        br#"{"a":1,"a":2}"#,
        J::DuplicateMember,
        "json_duplicate_member",
        "JSON object names a member twice (at byte 7)",
    );
    json(
        br#""\ud800""#,
        J::LoneSurrogate,
        "json_lone_surrogate",
        "JSON string holds half of a surrogate pair (at byte 1)",
    );
    json(
        &[b'['; 65],
        J::TooDeep,
        "json_too_deep",
        "JSON text is nested too deeply (at byte 64)",
    );
    json(
        b"{}x",
        J::TrailingData,
        "json_trailing_data",
        "JSON value is followed by more text (at byte 2)",
    );
    let many: Vec<String> = (0..257).map(|at| format!("\"{at:03}\":0")).collect();
    let many = format!("{{{}}}", many.join(","));
    json(
        many.as_bytes(),
        J::TooManyMembers,
        "json_too_many_members",
        &format!(
            "JSON objects have too many members (at byte {})",
            1 + 256 * 8
        ),
    );
}

/// A revocation source with one answer.
struct Says(Verdict);

impl RevocationCheck for Says {
    fn check(&self, _: &TokenFacts<'_>, _: UnixTime) -> Verdict {
        self.0.clone()
    }
}

fn minter(algorithm: Algorithm) -> Minter {
    Minter::builder(SigningKey::generate(algorithm).unwrap(), "iss")
        .clock(ManualClock::at(NOW))
        .build()
        .unwrap()
}

#[track_caller]
fn unminted(
    named: &mut Named,
    result: Result<impl Sized, MintError>,
    code: &'static str,
    message: &str,
) {
    let error = result.err().expect("it was minted");
    assert_eq!((error.code(), error.to_string().as_str()), (code, message));
    let class = match code {
        "no_signer" | "keys_stale" | "revocation_unknown" | "revocation_stale" => {
            ErrorClass::CannotKnow
        }
        "revoked" => ErrorClass::Withdrawn,
        _ => ErrorClass::Operator,
    };
    assert_eq!(error.class(), class);
    named.0.insert(code);
}

#[test]
fn every_reason_not_to_mint_says_what_to_change() {
    let mut named = Named::default();
    let mut says = |result: Result<String, MintError>, code, message: &str| {
        unminted(&mut named, result, code, message)
    };
    let key = || SigningKey::generate(Algorithm::EdDsa).unwrap();
    let built = |builder: tokenwright::MinterBuilder| builder.build().map(|_| String::new());
    let (jwt, paseto) = (minter(Algorithm::EdDsa), minter(Algorithm::V4Public));
    let at = |seconds: i64| UnixTime::from_seconds(NOW.seconds() + seconds);
    let custom = |value: Value| jwt.mint(&Claims::new().with_custom(value));
    let footer =
        |footer: &[u8]| paseto.mint_with(&Claims::new(), MintOptions::new().footer(footer));
    says(
        built(Minter::builder(key(), "")),
        "no_issuer",
        "expected an issuer, found an empty text",
    );
    says(
        built(Minter::builder(key(), "iss").lifetime(Duration::from_millis(999))),
        "no_lifetime",
        "expected a lifetime of at least one second, found less",
    );
    says(
        built(Minter::builder(key(), "iss").audience("")),
        "empty_audience",
        "expected an audience, found an empty text: leave it out or name one",
    );
    says(
        built(Minter::builder(key(), "iss").typ("x".repeat(257))),
        "type_too_long",
        "typ has 257 bytes, at most 256 are accepted",
    );
    says(
        jwt.mint(&Claims::new().with_expiry(at(901))),
        "lifetime_too_long",
        "the claims ask for 901 s of life, the minter gives at most 900 s",
    );
    says(
        jwt.mint(&Claims::new().with_expiry(at(0))),
        "already_expired",
        "the token would have expired at 2025-10-09T08:53:20Z, and it is 2025-10-09T08:53:20Z",
    );
    says(
        paseto.mint(&Claims::new().with_not_before(UnixTime::from_seconds(i64::MAX))),
        "time_out_of_range",
        "nbf lies outside the years 0 to 9999, and a PASETO cannot say it",
    );
    says(
        custom(json!({"exp": 1})),
        "reserved_claim",
        "\"exp\" is a registered claim: set it through its own method",
    );
    says(
        custom(json!([1])),
        "bad_custom_claims",
        "custom claims must be a JSON object: \"JSON text is not an object (at byte 0)\"",
    );
    says(
        jwt.mint(&Claims::new().with_status(StatusClaim::new(1, "list\n1"))),
        "bad_status_uri",
        "a status list is named by an absolute URI, found \"list\\u{a}1\"",
    );
    says(
        jwt.mint_with(&Claims::new(), MintOptions::new().assertion(b"x")),
        "not_paseto",
        "footer and implicit assertion belong to PASETO, and the key is for JWT",
    );
    says(
        sign_raw(&key(), b"", b"x", b""),
        "not_paseto",
        "footer and implicit assertion belong to PASETO, and the key is for JWT",
    );
    says(
        footer(b"k4.secret.AAAA"),
        "secret_in_footer",
        "the footer holds a secret key, and anyone can read a footer: put the key id there",
    );
    says(
        footer(b"{x"),
        "bad_footer",
        "the footer starts like a JSON object and is none: \"not JSON (at byte 1)\"",
    );
    says(
        footer(&[b'x'; 4097]),
        "footer_too_long",
        "the footer has 4097 bytes, at most 4096 are accepted",
    );
    let long = custom(json!({"x": "y".repeat(20_000)}));
    let found = long.as_ref().unwrap_err().to_string();
    let bytes: String = found.chars().filter(char::is_ascii_digit).take(5).collect();
    says(
        long,
        "too_long",
        &format!("the token would have {bytes} bytes, verifiers accept at most 16384"),
    );
    let local = SigningKey::generate(Algorithm::V4Local).unwrap();
    for payload in [&b""[..], b"\xff"] {
        says(
            sign_raw(&local, payload, b"", b""),
            "not_text",
            "a v4.local payload must be text in UTF-8 and not empty: encode other bytes, or use v4.public",
        );
    }
    says(
        Err(MintErrorKind::NoSigner.into()),
        "no_signer",
        "no key of the keyring signs now: run the schedule, or resume a suspended key",
    );
    says(
        Err(MintErrorKind::KeysStale { since: NOW }.into()),
        "keys_stale",
        "the keyring could not be read again, and since 2025-10-09T08:53:20Z its last view is too old to sign with",
    );
    let noon = UnixTime::from_seconds(1_760_000_000);
    for (verdict, age, code, message) in [
        (
            Verdict::Revoked {
                by: RevokedBy::Subject,
                since: Some(noon),
                issued_before: None,
            },
            60,
            "revoked",
            "the token would be revoked from the start, by its subject since 2025-10-09T08:53:20Z",
        ),
        (
            Verdict::Unknown {
                reason: "no list yet".to_owned(),
            },
            60,
            "revocation_unknown",
            "the revocation list cannot tell whether the token would be revoked: \"no list yet\"",
        ),
        (
            Verdict::Clear {
                as_of: UnixTime::from_seconds(1_759_999_939),
            },
            60,
            "revocation_stale",
            "the revocation list is 61 s old, at most 60 s are allowed: refresh it before minting",
        ),
    ] {
        let fresh = Freshness::new(std::time::Duration::from_secs(age), WhenUnknown::Refuse);
        let asking = Minter::builder(SigningKey::generate(Algorithm::EdDsa).unwrap(), "iss")
            .revocation(Says(verdict), fresh)
            .clock(ManualClock::at(noon))
            .build()
            .unwrap();
        unminted(&mut named, asking.mint(&Claims::new()), code, message);
    }
    named.cover(include_str!("../src/mint/error.rs"));
}

#[track_caller]
fn bad_key(error: KeyError, kind: KeyErrorKind, message: &str) {
    assert_eq!(error.kind(), kind, "{error}");
    assert_eq!(error.to_string(), message);
    assert_eq!(error.class(), ErrorClass::Operator);
    assert!(message.starts_with(error.code()));
}

fn public(jwk: Value) -> KeyError {
    VerifyingKey::from_jwk(jwk.to_string().as_bytes(), &ImportOptions::new()).unwrap_err()
}

fn private(jwk: Value) -> KeyError {
    SigningKey::from_jwk(jwk.to_string().as_bytes(), &ImportOptions::new()).unwrap_err()
}

/// A good public JWK, changed in one member; `null` takes the member away.
fn changed(algorithm: Algorithm, name: &str, value: Value) -> Value {
    let key = SigningKey::generate(algorithm).unwrap();
    let mut jwk: Value = serde_json::from_str(&key.verifying_key().to_jwk().unwrap()).unwrap();
    let members = jwk.as_object_mut().unwrap();
    members.remove(name);
    if !value.is_null() {
        members.insert(name.to_owned(), value);
    }
    jwk
}

#[test]
fn a_refused_jwk_says_which_member_and_why() {
    use KeyErrorKind as K;
    let ed = |name, value| public(changed(Algorithm::EdDsa, name, value));
    let ec = |name, value| public(changed(Algorithm::Es256, name, value));
    bad_key(
        ed("alg", json!("none")),
        K::UnsupportedAlgorithm,
        "unsupported_algorithm: \"none\"",
    );
    bad_key(ed("kid", json!("")), K::BadKeyId, "bad_key_id: \"\"");
    bad_key(
        ed("kty", json!("ed")),
        K::UnsupportedKeyType,
        "unsupported_key_type: the JWK's \"kty\" is \"ed\", which signs none of our tokens",
    );
    bad_key(
        ed("x", Value::Null),
        K::MissingMember,
        "missing_member: the JWK has no \"x\"",
    );
    bad_key(
        ed("x", json!("AA")),
        K::BadMember,
        "bad_member: the JWK's \"x\" is 1 bytes long instead of 32",
    );
    bad_key(
        ed("x", json!(1)),
        K::BadMember,
        "bad_member: the JWK's \"x\" is not a string",
    );
    bad_key(
        ed("x", json!("A=")),
        K::BadMember,
        "bad_member: the JWK's \"x\" is not base64url: foreign character at byte 1",
    );
    bad_key(
        ed("use", json!("enc")),
        K::UseMismatch,
        "use_mismatch: the JWK's \"use\" is \"enc\", a signature key's is \"sig\"",
    );
    bad_key(
        ed("key_ops", json!(["sign"])),
        K::OperationsMismatch,
        "key_ops_mismatch: the JWK's \"key_ops\" do not allow \"verify\"",
    );
    bad_key(
        ed("d", json!("AA")),
        K::PrivateKeyGiven,
        "private_key_given: the JWK has the private member \"d\" where a public key is expected",
    );
    bad_key(
        ec("alg", json!("ES384")),
        K::AlgorithmMismatch,
        "algorithm_mismatch: a P-256 key cannot be used for ES384",
    );
    let public_only = changed(Algorithm::EdDsa, "use", Value::Null);
    bad_key(
        private(public_only),
        K::PublicKeyGiven,
        "public_key_given: the JWK has no \"d\": a public key was given where a private key is expected",
    );
    bad_key(
        private(json!({"kty": "oct", "alg": "HS256", "k": "c2VjcmV0"})),
        K::SecretTooShort,
        "secret_too_short: a secret for HS256 needs at least 32 bytes, found 6; generate a random one instead of a password",
    );
    bad_key(
        private(json!({"kty": "oct", "k": "c2VjcmV0"})),
        K::AlgorithmNeeded,
        "algorithm_needed: a shared secret does not say its algorithm: choose HS256, HS384 or HS512",
    );
    bad_key(
        VerifyingKey::from_jwk(b"[]", &ImportOptions::new()).unwrap_err(),
        K::Malformed,
        "malformed_key: this is not a JWK: JSON text is not an object (at byte 0)",
    );
    bad_key(
        VerifyingKey::from_jwk(&[b' '; 70_000], &ImportOptions::new()).unwrap_err(),
        K::TooLong,
        "key_too_long: a JWK is at most 65536 bytes long",
    );
    let identity =
        json!({"kty": "OKP", "crv": "Ed25519", "x": "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"});
    bad_key(
        public(identity),
        K::WeakKey,
        "weak_key: this Ed25519 public key has a small order: anyone can forge signatures for it; ask its owner for a new key",
    );
}

#[test]
fn a_refused_rsa_key_says_what_its_numbers_lack() {
    let rsa = |name, value| public(changed(Algorithm::Rs256, name, json!(value)));
    bad_key(
        rsa("e", "AQ"),
        KeyErrorKind::BadExponent,
        "bad_exponent: the RSA public exponent is 1, so every message is its own signature; an odd one of 3 to 32 bits is expected, such as 65537",
    );
    bad_key(
        rsa("n", "_w"),
        KeyErrorKind::BadModulus,
        "bad_modulus: an RSA modulus has 2048 to 8192 bits, found 8; generate a new RSA key",
    );
    bad_key(
        rsa("n", "AP8"),
        KeyErrorKind::BadMember,
        "bad_member: the JWK's \"n\" starts with a zero byte",
    );
}

#[test]
fn locked_keys_and_key_sets_say_what_is_missing() {
    use KeyErrorKind as K;
    let passphrase = SecretBytes::from(b"right".to_vec());
    let locked = SigningKey::generate(Algorithm::Hs256)
        .unwrap()
        .to_locked_jwk(&passphrase)
        .unwrap();
    let error = SigningKey::from_locked_jwk(&locked, &ImportOptions::new()).unwrap_err();
    bad_key(
        error,
        K::PassphraseNeeded,
        "passphrase_needed: the key is locked and no passphrase was given",
    );
    let wrong = SecretBytes::from(b"wrong".to_vec());
    let error =
        SigningKey::from_locked_jwk(&locked, &ImportOptions::new().passphrase(&wrong)).unwrap_err();
    assert_eq!(error.kind(), K::WrongPassphrase);
    let key = |algorithm| {
        SigningKey::generate(algorithm)
            .unwrap()
            .with_id(KeyId::new("k1").unwrap())
            .verifying_key()
    };
    let twins = KeySet::of([key(Algorithm::EdDsa), key(Algorithm::EdDsa)]).unwrap_err();
    bad_key(
        twins,
        K::DuplicateKeyId,
        "duplicate_key_id: two keys have the id \"k1\"; a token could mean either",
    );
    let mixed = KeySet::of([
        key(Algorithm::EdDsa),
        key(Algorithm::Hs256).with_id(KeyId::new("k2").unwrap()),
    ])
    .unwrap_err();
    bad_key(
        mixed,
        K::MixedFamilies,
        "mixed_families: expected keys of one family, found shared secrets beside public keys: use a set for each",
    );
    let set = |text: &str| {
        JwkSet::parse(text.as_bytes(), &ImportOptions::new())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(set("{}"), "malformed_key_set: there is no \"keys\"");
    assert_eq!(
        set(r#"{"keys":{}}"#),
        "malformed_key_set: \"keys\" is not an array"
    );
    assert_eq!(
        set(r#"{"keys":[{"kty":"oct"}]}"#),
        "shared_secret_in_public_set: a shared secret stands in a public key set; if the set is private, read it as a set of secrets"
    );
}

/// The sender learns nothing, the operator everything, whatever is wrong.
#[test]
fn the_sender_is_told_one_sentence_and_the_operator_all_reasons() {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let keys = KeySet::of([key.verifying_key()]).unwrap();
    let verifier = Verifier::builder(keys)
        .policy(Policy::new("iss", "here"))
        .without_revocation()
        .clock(ManualClock::at(NOW))
        .build();
    let minter = Minter::builder(key, "iss")
        .audience("elsewhere")
        .clock(ManualClock::at(UnixTime::from_seconds(0)))
        .build()
        .unwrap();
    let token = minter.mint(&Claims::for_subject("alice")).unwrap();
    let both = verifier.verify(&token).unwrap_err();
    assert_eq!(
        both.to_string(),
        "aud: expected \"here\", found \"elsewhere\"; \
         expired 20370 days 8 hours ago, at 1970-01-01T00:15:00Z (leeway 30 s)"
    );
    let forged = format!("{}.AAAA", token.rsplit_once('.').unwrap().0);
    for error in [
        both,
        verifier.verify(&forged).unwrap_err(),
        verifier.verify("x").unwrap_err(),
    ] {
        assert_eq!(error.public_message(), "the token is not valid");
        assert_eq!(error.class().http_status(), 401);
        assert!(!error.to_string().contains("alice"));
    }
}

#[test]
fn a_full_revocation_list_says_what_can_be_done() {
    let error = RevocationError::from(RevocationErrorKind::ListFull { limit: 3 });
    assert_eq!(error.code(), "list_full");
    assert_eq!(error.class(), ErrorClass::Operator);
    assert_eq!(
        error.to_string(),
        "the revocation list is full: expected at most 3 entries, found one more; nothing was \
         dropped: prune what has expired, shorten token lifetimes, or withdraw by subject or \
         session in place of single tokens"
    );
}

#[test]
fn verifiers_that_cannot_be_put_together_say_why() {
    let keys = KeySet::of([SigningKey::generate(Algorithm::EdDsa)
        .unwrap()
        .verifying_key()])
    .unwrap();
    let anybody = Verifier::builder(keys)
        .policy(tokenwright::dangerous::any_issuer("orders-api"))
        .without_revocation()
        .build();
    let mut named = Named::default();
    for (error, code, message) in [
        (
            Verifiers::of([]).unwrap_err(),
            "no_verifier",
            "expected at least one verifier, found none: every token would be refused",
        ),
        (
            Verifiers::of([anybody]).unwrap_err(),
            "any_issuer",
            "expected policies that name their issuers, found one that accepts any: \
             its keys could speak for all others",
        ),
    ] {
        assert_eq!((error.code(), error.class()), (code, ErrorClass::Operator));
        assert_eq!(error.to_string(), message);
        named.0.insert(code);
    }
    named.cover(include_str!("../src/verify/several.rs"));
}

#[cfg(feature = "remote")]
#[path = "errors/remote.rs"]
mod remote;
