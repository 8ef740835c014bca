//! What is said about sessions: to the operator, and, word for word, to the sender.

use std::time::Duration;

use tokenwright::key::KeyId;
use tokenwright::session::{
    IssueError, IssueErrorKind, Origins, SessionCookies, SessionError, SessionErrorKind,
    SessionSetupError, SessionSetupErrorKind,
};
use tokenwright::{ErrorClass, MintError, Minter, VerifyError, VerifyErrorKind};

use super::{NOW, Named};

const NOBODY: &str = "there is no session";
const ELSEWHERE: &str = "the request did not come from a page of this site";

#[test]
fn a_request_without_a_session_says_why_to_the_operator_alone() {
    use SessionErrorKind as K;
    let mut named = Named::default();
    let ended = NOW.saturating_sub(Duration::from_secs(90));
    for (kind, code, class, public, message) in [
        (
            K::Token(VerifyError::from(VerifyErrorKind::BadSignature)),
            "bad_signature",
            ErrorClass::NotOurs,
            NOBODY,
            "the signature is not the key's",
        ),
        (
            K::Over {
                at: ended,
                now: NOW,
            },
            "session_over",
            ErrorClass::NotNow,
            NOBODY,
            "the session ended 90 s ago, at 2025-10-09T08:51:50Z: it was not used for too long, \
             or was at its end",
        ),
        (
            K::NoFingerprint,
            "no_fingerprint",
            ErrorClass::NotHere,
            NOBODY,
            "expected the fingerprint cookie beside the session's, found none: the token was \
             taken from elsewhere",
        ),
        (
            K::OtherFingerprint,
            "other_fingerprint",
            ErrorClass::NotHere,
            NOBODY,
            "expected the fingerprint cookie of this login, found another",
        ),
        (
            K::CrossSite,
            "cross_site",
            ErrorClass::NotPermitted,
            ELSEWHERE,
            "expected a request from a page of this site, found one of another site",
        ),
        (
            K::NoFormToken,
            "no_form_token",
            ErrorClass::NotPermitted,
            ELSEWHERE,
            "expected an origin or a form token in a request that changes something, found neither",
        ),
        (
            K::BadFormToken,
            "bad_form_token",
            ErrorClass::NotPermitted,
            ELSEWHERE,
            "expected the form token of this session, found another",
        ),
        (
            K::Reused,
            "reused",
            ErrorClass::Withdrawn,
            NOBODY,
            "the renewal token was used before, so somebody else has it: its session is ended",
        ),
    ] {
        let error = SessionError::from(kind);
        assert_eq!(error.code(), code);
        assert_eq!(error.class(), class, "{code}");
        assert_eq!(error.public_message(), public, "{code}");
        assert_eq!(error.to_string(), message);
        named.0.insert(code);
    }
    named.cover(include_str!("../../src/session/error.rs"));
    let unknown = VerifyErrorKind::RevocationUnknown {
        reason: "down".to_owned(),
    };
    let error = SessionError::from(VerifyError::from(unknown));
    assert_eq!(error.class().http_status(), 503);
    assert_eq!(
        error.public_message(),
        "the session cannot be checked at this time"
    );
}

fn no_issuer() -> MintError {
    let key = tokenwright::key::SigningKey::generate(tokenwright::key::Algorithm::EdDsa).unwrap();
    Minter::builder(key, "").build().unwrap_err()
}

#[test]
fn a_session_that_is_not_issued_says_what_to_change() {
    use IssueErrorKind as K;
    let mut named = Named::default();
    for (kind, code, class, message) in [
        (
            K::NoSubject,
            "no_subject",
            ErrorClass::Operator,
            "expected whose session it is, found nobody",
        ),
        (
            K::CookieTooLong {
                limit: 4096,
                found: 5000,
            },
            "cookie_too_long",
            ErrorClass::Operator,
            "expected a cookie of at most 4096 bytes, found 5000: browsers would drop it, keep \
             less data in the session",
        ),
    ] {
        let error = IssueError::from(kind);
        assert_eq!((error.code(), error.class()), (code, class));
        assert_eq!(error.to_string(), message);
        named.0.insert(code);
    }
    named.cover(include_str!("../../src/session/issue.rs"));
    // What other rooms say is passed on as they say it.
    let (mint, key) = (no_issuer(), KeyId::new("").unwrap_err());
    let passed = IssueError::from(mint.clone());
    assert_eq!(
        (passed.code(), passed.class(), passed.to_string()),
        (mint.code(), mint.class(), mint.to_string())
    );
    let passed = IssueError::from(key.clone());
    assert_eq!(
        (passed.code(), passed.class(), passed.to_string()),
        (key.code(), key.class(), key.to_string())
    );
}

#[test]
fn sessions_that_cannot_be_set_up_say_what_was_expected() {
    use SessionSetupErrorKind as K;
    let mut named = Named::default();
    let mut says = |error: SessionSetupError, code, message: &str| {
        assert_eq!(error.code(), code);
        assert_eq!(error.class(), ErrorClass::Operator);
        assert_eq!(error.to_string(), message);
        named.0.insert(code);
    };
    let seconds = Duration::from_secs;
    let of = SessionSetupError::from;
    says(
        of(K::IdleTooShort {
            found: Duration::from_millis(1500),
        }),
        "idle_too_short",
        "idle: expected 2 seconds or more, found 1.5s",
    );
    says(
        of(K::AbsoluteShorterThanIdle {
            idle: seconds(60),
            found: seconds(30),
        }),
        "absolute_shorter_than_idle",
        "absolute: expected at least the idle time of 60s, found 30s",
    );
    says(
        of(K::AbsoluteTooLong {
            found: seconds(35_000_000),
        }),
        "absolute_too_long",
        "absolute: expected at most 400 days, for which browsers keep cookies, found 35000000s",
    );
    says(
        of(K::RenewalTooLate {
            idle: seconds(60),
            found: seconds(60),
        }),
        "renewal_too_late",
        "renewal: expected less than the idle time of 60s, found 60s",
    );
    says(
        of(K::OverlapTooLong {
            idle: seconds(60),
            found: seconds(60),
        }),
        "overlap_too_long",
        "overlap: expected at most half the idle time of 60s, found 60s",
    );
    says(
        SessionCookies::named("a b").unwrap_err(),
        "bad_cookie_name",
        "cookie name: expected letters, digits and !#$%&'*+-.^_`|~ without a prefix (RFC 6265 \
         section 4.1.1), found \"a b\"",
    );
    says(
        Origins::of("https://shop.example/").unwrap_err(),
        "bad_origin",
        "origin: expected scheme, host and port as a browser writes them, such as \
         https://shop.example, found \"https://shop.example/\"",
    );
    says(no_issuer().into(), "no_issuer", &no_issuer().to_string());
    named.cover(include_str!("../../src/session/setup.rs"));
}

#[cfg(feature = "axum")]
#[test]
fn a_request_that_is_not_let_through_says_the_same_in_front_of_an_application() {
    use tokenwright::http::{SessionRefusal, SessionRefusalKind as K, TokenPlace};
    let mut named = Named::default();
    let mut headers = http::HeaderMap::new();
    for _ in 0..2 {
        headers.append("cookie", http::HeaderValue::from_static("a=b"));
    }
    let twice = TokenPlace::cookie("a").unwrap().find(&headers).unwrap_err();
    let session = SessionError::from(SessionErrorKind::NoFingerprint);
    for (refusal, code, status, public, message) in [
        (
            SessionRefusal::from(K::NoSession),
            "no_session",
            401,
            NOBODY,
            "the request carries no session",
        ),
        (
            SessionRefusal::from(K::NotJudged),
            "not_judged",
            500,
            "the session cannot be checked at this time",
            "no session of this type was judged: put the session layer in front of the handler",
        ),
        (
            SessionRefusal::from(twice),
            "repeated_cookie",
            400,
            NOBODY,
            "expected one cookie of the token's name, found several",
        ),
        (
            SessionRefusal::from(session.clone()),
            "no_fingerprint",
            401,
            NOBODY,
            &session.to_string(),
        ),
    ] {
        assert_eq!(refusal.code(), code);
        assert_eq!(refusal.status(), status, "{code}");
        assert_eq!(refusal.public_message(), public, "{code}");
        assert_eq!(refusal.to_string(), message);
        named.0.insert(code);
    }
    named.cover(include_str!("../../src/http/session/refusal.rs"));
}
