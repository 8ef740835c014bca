//! Rows 40 to 48 and 55 to 59: authentic tokens that say something odd.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokenwright::key::Algorithm;
use tokenwright::{
    Freshness, KeySet, ManualClock, Presented, RevocationCheck, RevokedBy, Scratch, TokenFacts,
    UnixTime, Verdict, Verifier, WhenUnknown,
};

use crate::forge::encode;
use crate::scene::*;
use crate::signatures::{revoking, withdrawn};

fn issuer() -> Issuer {
    Issuer::new(Algorithm::EdDsa)
}

/// Claims with a member written in this very way, such as a number no type can hold.
fn written(issuer: &Issuer, name: &str, text: &str) -> String {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    issuer.with_payload(format!(
        r#"{},"{name}":{text}}}"#,
        claims.to_string().trim_end_matches('}')
    ))
}

/// Row 40.
#[test]
fn a_time_of_another_type_is_an_error_and_never_an_absent_time() {
    let issuer = issuer();
    issuer.accepts(&issuer.token());
    for name in ["exp", "nbf", "iat"] {
        for value in [
            json!("1760000900"),
            json!("never"),
            json!(""),
            json!(null),
            json!(true),
            json!([1]),
            json!([]),
            json!({}),
            json!({"s": 1}),
        ] {
            issuer.refuses(&issuer.with_claim(name, value), "bad_claims");
        }
    }
    issuer.refuses(&issuer.without_claim("exp"), "missing_claim");
    issuer.accepts(&issuer.without_claim("nbf"));
}

/// Row 41.
#[test]
fn a_time_never_wraps_around() {
    let issuer = issuer();
    for past in [
        "-1",
        "-1.5",
        "0",
        "-0",
        "-9223372036854775808",
        "1e-400",
        "-1e3",
    ] {
        issuer.refuses(&written(&issuer, "exp", past), "expired");
    }
    let digits = "9".repeat(26);
    for huge in [
        "9223372036854775808",
        "18446744073709551616",
        digits.as_str(),
        "1e400",
        "1e19",
        "-9223372036854775809",
        "-1e400",
        "1e999999999999",
    ] {
        for name in ["exp", "nbf", "iat"] {
            issuer.refuses(&written(&issuer, name, huge), "bad_claims");
        }
    }
    // The last instant that is one: the leeway must not carry it over.
    let lenient = verifier(&issuer.keys(), policy().leeway(Duration::from_secs(600)));
    accepted_by(&lenient, &written(&issuer, "exp", "9223372036854775807"));
    refused_by(
        &lenient,
        &written(&issuer, "nbf", "9223372036854775807"),
        "not_yet_valid",
    );
    accepted_by(&lenient, &written(&issuer, "nbf", "-9223372036854775808"));
    accepted_by(&lenient, &written(&issuer, "iat", "-9223372036854775808"));
    let aged = verifier(
        &issuer.keys(),
        policy()
            .max_age(Duration::from_secs(1))
            .max_lifetime(Duration::from_secs(1)),
    );
    let error = refused_by(
        &aged,
        &written(&issuer, "iat", "-9223372036854775808"),
        "lifetime_too_long",
    );
    assert_eq!(error.reasons().count(), 2, "too old as well");
    let end = verifier(&issuer.keys(), policy());
    let token = issuer.token();
    let late = Presented::new(&token).at(UnixTime::from_seconds(i64::MAX));
    assert_eq!(end.verify(late).unwrap_err().code(), "expired");
}

/// Row 42.
#[test]
fn times_are_exact_at_their_boundary_and_in_their_fractions() {
    let issuer = issuer();
    for past in [
        "1760000000",
        "1759999999.999",
        "1759999999.999999999",
        "1760000000.0",
        "1.76e9",
        "17600000000e-1",
    ] {
        issuer.refuses(&written(&issuer, "exp", past), "expired");
    }
    for ahead in [
        "1760000001",
        "1760000000.001",
        "1760000000.000000001",
        "1.7600036e9",
        "176000000001E-2",
    ] {
        issuer.accepts(&written(&issuer, "exp", ahead));
        issuer.refuses(&written(&issuer, "nbf", ahead), "not_yet_valid");
    }
    for begun in ["1760000000", "1759999999.999", "1.76e9"] {
        issuer.accepts(&written(&issuer, "nbf", begun));
    }
}

/// Row 43.
#[test]
fn a_token_from_the_future_is_refused_and_an_age_needs_an_iat() {
    let issuer = issuer();
    let ahead = |seconds: i64| json!(NOW.seconds() + seconds);
    for name in ["nbf", "iat"] {
        for seconds in [1, 60, 10_000_000_000] {
            issuer.refuses(&issuer.with_claim(name, ahead(seconds)), "not_yet_valid");
        }
        issuer.accepts(&issuer.with_claim(name, ahead(0)));
    }
    let aged = verifier(&issuer.keys(), policy().max_age(Duration::from_secs(60)));
    accepted_by(&aged, &issuer.token());
    refused_by(&aged, &issuer.without_claim("iat"), "missing_claim");
    refused_by(&aged, &issuer.with_claim("iat", ahead(-61)), "too_old");
}

/// Row 44.
#[test]
fn an_audience_is_compared_whole_and_only_among_strings() {
    let issuer = issuer();
    for audience in [
        json!(AUDIENCE),
        json!([AUDIENCE]),
        json!(["else", AUDIENCE]),
    ] {
        issuer.accepts(&issuer.with_claim("aud", audience));
    }
    for audience in [
        json!([AUDIENCE, 1]),
        json!([1, AUDIENCE]),
        json!([[AUDIENCE]]),
        json!([AUDIENCE, null]),
        json!({"0": AUDIENCE}),
        json!(null),
        json!(1),
        json!(true),
    ] {
        issuer.refuses(&issuer.with_claim("aud", audience), "bad_claims");
    }
    for audience in [
        json!("orders"),
        json!("orders-api/"),
        json!("orders-api,else"),
        json!("orders-api else"),
        json!("Orders-API"),
        json!("orders-api\0"),
        json!(" orders-api"),
        json!(""),
        json!("*"),
        json!([]),
        json!([""]),
        json!(["orders", "-api"]),
        json!("orders-ap\u{131}"),
        json!("o\u{200b}rders-api"),
    ] {
        issuer.refuses(&issuer.with_claim("aud", audience), "aud_mismatch");
    }
    issuer.refuses(&issuer.without_claim("aud"), "aud_mismatch");
}

/// Row 45.
#[test]
fn an_issuer_is_one_string_and_compared_whole() {
    let issuer = issuer();
    issuer.accepts(&issuer.token());
    for value in [
        json!([ISSUER]),
        json!(["https://evil.example", ISSUER]),
        json!({"iss": ISSUER}),
        json!(null),
        json!(1),
        json!(true),
    ] {
        issuer.refuses(&issuer.with_claim("iss", value), "bad_claims");
    }
    for value in [
        "https://auth",
        "https://auth.example/",
        "https://auth.example.evil.example",
        "https://AUTH.example",
        "http://auth.example",
        "auth.example",
        "",
        "https://auth.example\0",
        "https://auth.example#x",
    ] {
        issuer.refuses(&issuer.with_claim("iss", json!(value)), "iss_mismatch");
    }
    issuer.refuses(&issuer.without_claim("iss"), "iss_mismatch");
    // Written with an escape it is the same text.
    issuer.accepts(&written(&issuer, "iss", r#""https:\/\/auth\u002eexample""#));
}

/// Row 46.
#[test]
fn a_subject_or_token_id_of_another_type_is_an_error() {
    let issuer = issuer();
    for name in ["sub", "jti", "sid", "scope"] {
        issuer.accepts(&issuer.with_claim(name, json!("text")));
        for value in [
            json!(1),
            json!(0),
            json!(null),
            json!(["alice"]),
            json!({"name": "alice"}),
            json!(true),
            json!(1.5),
        ] {
            issuer.refuses(&issuer.with_claim(name, value), "bad_claims");
        }
    }
}

#[derive(Debug, Default, PartialEq, Deserialize)]
struct Rights {
    admin: bool,
}

/// Row 47.
#[test]
fn custom_claims_that_do_not_decode_are_an_error_and_not_a_default() {
    let issuer = issuer();
    let verifier = verifier(&issuer.keys(), policy());
    let read = |token: &str| {
        verifier
            .verify_as::<Rights>(token)
            .map(|verified| verified.into_inner().into_custom())
    };
    assert_eq!(
        read(&issuer.with_claim("admin", json!(true))).unwrap(),
        Rights { admin: true }
    );
    for value in [
        json!("true"),
        json!(1),
        json!(null),
        json!([true]),
        json!({}),
    ] {
        let error = read(&issuer.with_claim("admin", value)).unwrap_err();
        assert_eq!(error.code(), "bad_claims", "{error}");
    }
    assert_eq!(read(&issuer.token()).unwrap_err().code(), "bad_claims");
    // A claim with the same name but for its case is another claim.
    assert_eq!(
        read(&issuer.with_claim("Admin", json!(true)))
            .unwrap_err()
            .code(),
        "bad_claims"
    );
}

/// Row 48.
#[test]
fn a_token_of_one_kind_is_not_taken_for_another() {
    let issuer = issuer();
    let access = verifier(&issuer.keys(), policy().typ("at+jwt"));
    let typed = |kind: Value| issuer.with_header("typ", kind);
    for kind in [
        "at+jwt",
        "AT+JWT",
        "application/at+jwt",
        "Application/At+Jwt",
    ] {
        accepted_by(&access, &typed(json!(kind)));
    }
    for kind in [
        "JWT",
        "jwt",
        "statuslist+jwt",
        "dpop+jwt",
        "logout+jwt",
        "at+jwt ",
        "at",
        "at+jwt;v=1",
        "text/at+jwt",
        "application/application/at+jwt",
        "x/application/at+jwt",
        "",
    ] {
        refused_by(&access, &typed(json!(kind)), "typ_mismatch");
    }
    for kind in [json!(null), json!(1), json!(["at+jwt"]), json!({})] {
        refused_by(&access, &typed(kind), "malformed");
    }
    let mut header = issuer.header();
    header.as_object_mut().unwrap().remove("typ");
    let untyped = issuer.forge.jws(header.to_string(), claims().to_string());
    refused_by(&access, &untyped, "typ_mismatch");
    // And the other way round: a special token is no general one.
    issuer.accepts(&untyped);
    for kind in [
        "at+jwt",
        "statuslist+jwt",
        "dpop+jwt",
        "JOSE",
        "application/x",
    ] {
        issuer.refuses(&typed(json!(kind)), "typ_mismatch");
    }
}

/// Row 55.
#[test]
fn two_tokens_with_one_audience_never_share_a_verdict() {
    let issuer = issuer();
    let verifier = verifier(&issuer.keys(), policy());
    let (alice, mallory) = (issuer.token(), issuer.with_claim("sub", json!("mallory")));
    let (input, _) = alice.rsplit_once('.').unwrap();
    let forged = format!("{input}.{}", parts(&mallory)[2]);
    let mut scratch = Scratch::new();
    for _ in 0..3 {
        for (token, subject) in [(&alice, "alice"), (&mallory, "mallory")] {
            let verified = verifier.verify_borrowed(token, &mut scratch).unwrap();
            assert_eq!(verified.subject().as_deref(), Some(subject));
        }
        assert!(verifier.verify_borrowed(&forged, &mut scratch).is_err());
    }
    // A shorter token after a longer one finds nothing of it in the memory they share.
    let long = issuer.with_claim("admin", json!("x".repeat(4000)));
    assert!(verifier.verify_borrowed(&long, &mut scratch).is_ok());
    let verified = verifier.verify_borrowed(&alice, &mut scratch).unwrap();
    assert_eq!(verified.json(), claims().to_string());
}

/// Row 56.
#[test]
fn a_second_spelling_of_a_revoked_token_is_refused_or_revoked() {
    for algorithm in FAMILIES {
        let issuer = Issuer::new(algorithm);
        let revoking = revoking(&issuer.keys(), "t1");
        let token = issuer.token();
        refused_by(&revoking, &token, "revoked");
        accepted_by(&revoking, &issuer.with_claim("jti", json!("t2")));
        let [header, payload, signature] = parts(&token);
        for alias in [
            format!("{token}="),
            format!("{token}\n"),
            format!(" {token}"),
            format!("{header}.{payload}.{signature}A"),
            json!({"protected": header, "payload": payload, "signature": signature}).to_string(),
            format!("{token}."),
        ] {
            assert!(revoking.verify(&alias).is_err(), "{alias}");
        }
        // The issuer writes the same claims in other ways, and signs them.
        let spaced = serde_json::to_string_pretty(&claims()).unwrap();
        let escaped = claims()
            .to_string()
            .replace("\"t1\"", r#""\u0074\u0031""#)
            .replace("\"jti\"", r#""\u006ati""#);
        for twin in [spaced, escaped] {
            refused_by(&revoking, &issuer.with_payload(twin), "revoked");
        }
        let mut reordered = issuer.header();
        reordered["extra"] = json!(1);
        refused_by(
            &revoking,
            &issuer
                .forge
                .jws(reordered.to_string(), claims().to_string()),
            "revoked",
        );
    }
}

/// Row 57.
#[test]
fn revocation_goes_by_exact_issuer_and_token_id() {
    let issuer = issuer();
    let revoking = revoking(&issuer.keys(), "caf\u{e9}");
    refused_by(
        &revoking,
        &issuer.with_claim("jti", json!("caf\u{e9}")),
        "revoked",
    );
    // Another text is another token: nothing is normalized, cut or folded.
    for other in [
        "cafe\u{301}",
        "CAF\u{c9}",
        "caf\u{e9}\0",
        "caf\u{e9} ",
        "caf",
    ] {
        accepted_by(&revoking, &issuer.with_claim("jti", json!(other)));
    }
    refused_by(&revoking, &issuer.with_claim("jti", json!(1)), "bad_claims");
    refused_by(
        &revoking,
        &issuer.with_claim("jti", json!(null)),
        "bad_claims",
    );
    // A token without an id could never have been withdrawn, so it is not accepted.
    let nameless = issuer.with_claim("jti", json!(""));
    for token in [issuer.without_claim("jti"), nameless] {
        refused_by(&revoking, &token, "missing_claim");
    }
    let long = "j".repeat(9_000);
    refused_by(
        &self::revoking(&issuer.keys(), &long),
        &issuer.with_claim("jti", json!(long)),
        "revoked",
    );
    let requiring = verifier(&issuer.keys(), policy().require("jti"));
    refused_by(&requiring, &issuer.without_claim("jti"), "missing_claim");
    // Another issuer's token of the same id is another token.
    let elsewhere = withdrawn("https://else.example", "t1");
    let elsewhere = asking(&issuer.keys(), elsewhere, WhenUnknown::Refuse);
    accepted_by(&elsewhere, &issuer.token());
}

fn asking(keys: &KeySet, source: impl RevocationCheck + 'static, when: WhenUnknown) -> Verifier {
    Verifier::builder(keys.clone())
        .policy(policy())
        .revocation(source, Freshness::new(Duration::from_secs(60), when))
        .clock(ManualClock::at(NOW))
        .build()
}

/// Counts how often it is asked, and gives one answer.
struct Spy(Arc<AtomicUsize>, Verdict);

impl RevocationCheck for Spy {
    fn check(&self, _: &TokenFacts<'_>, _: UnixTime) -> Verdict {
        self.0.fetch_add(1, Ordering::Relaxed);
        self.1.clone()
    }
}

/// Row 58.
#[test]
fn a_forgery_never_reaches_the_revocation_source() {
    let issuer = issuer();
    let asked = Arc::new(AtomicUsize::new(0));
    let spying = asking(
        &issuer.keys(),
        Spy(asked.clone(), Verdict::Clear { as_of: NOW }),
        WhenUnknown::Refuse,
    );
    let token = issuer.token();
    let (input, _) = token.rsplit_once('.').unwrap();
    for signature in [encode(&[0; 64]), String::new()] {
        refused_by(&spying, &format!("{input}.{signature}"), "bad_signature");
    }
    refused_by(
        &spying,
        &Issuer::new(Algorithm::EdDsa).token(),
        "bad_signature",
    );
    refused_by(&spying, &issuer.with_claim("exp", json!(1)), "expired");
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    accepted_by(&spying, &token);
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

/// Row 59.
#[test]
fn a_revocation_source_that_cannot_tell_does_not_open_the_door() {
    let issuer = issuer();
    let token = issuer.token();
    let answer =
        |verdict: Verdict, when| asking(&issuer.keys(), Spy(Arc::default(), verdict), when);
    let unknown = || Verdict::Unknown {
        reason: "no list yet".to_owned(),
    };
    let old = Verdict::Clear {
        as_of: UnixTime::from_seconds(NOW.seconds() - 61),
    };
    let fresh = Verdict::Clear {
        as_of: UnixTime::from_seconds(NOW.seconds() - 60),
    };
    refused_by(
        &answer(unknown(), WhenUnknown::Refuse),
        &token,
        "revocation_unknown",
    );
    refused_by(
        &answer(old.clone(), WhenUnknown::Refuse),
        &token,
        "revocation_stale",
    );
    accepted_by(&answer(fresh, WhenUnknown::Refuse), &token);
    // Open only by the operator's own word, and never for what is known to be revoked.
    accepted_by(&answer(unknown(), WhenUnknown::Allow), &token);
    accepted_by(&answer(old, WhenUnknown::Allow), &token);
    refused_by(
        &answer(
            Verdict::Revoked {
                by: RevokedBy::Application,
                since: None,
                issued_before: None,
            },
            WhenUnknown::Allow,
        ),
        &token,
        "revoked",
    );
}
