//! What is said about requests: to the operator, and, word for word, to the sender.

use tokenwright::http::{
    Answers, CredentialsErrorKind, Refusal, RefusalKind, Scopes, SetupError, TokenPlace,
};
use tokenwright::{ErrorClass, Malformation, VerifyErrorKind};

use super::Named;

#[test]
fn every_refused_setting_says_what_was_expected() {
    let mut named = Named::default();
    let mut says = |error: SetupError, code, message: &str| {
        assert_eq!(error.code(), code);
        assert_eq!(error.class(), ErrorClass::Operator);
        assert_eq!(error.to_string(), message);
        named.0.insert(code);
    };
    says(
        TokenPlace::cookie("a b").unwrap_err(),
        "bad_cookie_name",
        "cookie name: expected letters, digits and !#$%&'*+-.^_`|~ (RFC 6265 section 4.1.1), \
         found \"a b\"",
    );
    says(
        Answers::new().realm("caf\u{e9}\n").unwrap_err(),
        "bad_realm",
        "realm: expected printable ASCII, found \"café\\u{a}\"",
    );
    says(
        Answers::new().resource_metadata("api.example").unwrap_err(),
        "bad_resource_metadata",
        "resource_metadata: expected an address such as \
         https://api.example/.well-known/oauth-protected-resource, found \"api.example\"",
    );
    #[cfg(feature = "dpop")]
    says(
        tokenwright::http::Dpop::at(
            "api.example",
            tokenwright::dpop::Proofs::builder(1, super::NOW)
                .build()
                .unwrap(),
        )
        .unwrap_err(),
        "bad_address",
        "address: expected scheme and host as clients know them, such as https://api.example, \
         found \"api.example\"",
    );
    // Without proofs nobody can be told this.
    #[cfg(not(feature = "dpop"))]
    named.0.insert("bad_address");
    named.cover(include_str!("../../src/http/setup.rs"));
}

#[test]
fn headers_that_give_no_token_are_described_without_their_text() {
    use CredentialsErrorKind as K;
    let mut named = Named::default();
    for (kind, code, class, message) in [
        (
            K::RepeatedHeader,
            "repeated_header",
            ErrorClass::Unclear,
            "expected one authorization header, found several",
        ),
        (
            K::RepeatedCookie,
            "repeated_cookie",
            ErrorClass::Unclear,
            "expected one cookie of the token's name, found several",
        ),
        (
            K::SeveralPlaces,
            "several_places",
            ErrorClass::Unclear,
            "expected a token in one place, found one in the header and one in the cookie",
        ),
        (
            K::NotAToken,
            "not_a_token",
            ErrorClass::NotOurs,
            "expected a token of letters, digits and -._~+/ (RFC 6750 section 2.1), \
             found something else",
        ),
        (
            K::TooLong,
            "credentials_too_long",
            ErrorClass::NotOurs,
            "expected at most 65536 bytes of authorization or cookies, found more",
        ),
        (
            K::NoProof,
            "no_proof",
            ErrorClass::NotOurs,
            "expected a header DPoP beside the scheme DPoP, found none",
        ),
        (
            K::RepeatedProof,
            "repeated_proof",
            ErrorClass::NotOurs,
            "expected one header DPoP, found several",
        ),
        (
            K::NotAProof,
            "not_a_proof",
            ErrorClass::NotOurs,
            "expected a DPoP proof of at most 8192 bytes, found something else",
        ),
    ] {
        let error = tokenwright::http::CredentialsError::from(kind);
        assert_eq!((error.code(), error.class()), (code, class));
        assert_eq!(error.to_string(), message);
        // A refusal for this reason says the same, and goes by the same name.
        let refusal = Refusal::from(error);
        assert_eq!((refusal.code(), refusal.class()), (code, class));
        assert_eq!(refusal.to_string(), message);
        named.0.insert(code);
    }
    named.cover(include_str!("../../src/http/credentials.rs"));
}

#[test]
fn every_refused_request_says_why_to_the_operator() {
    let mut named = Named::default();
    for (kind, code, class, message) in [
        (
            RefusalKind::NoToken,
            "no_token",
            ErrorClass::NotOurs,
            "the request presents no token",
        ),
        (
            RefusalKind::Scopes(Scopes::any_of(&["orders:read", "a\nb"])),
            "insufficient_scope",
            ErrorClass::NotPermitted,
            "scope: expected any of [\"orders:read\", \"a\\nb\"]",
        ),
        (
            RefusalKind::Scopes(Scopes::all_of(&["orders:read"])),
            "insufficient_scope",
            ErrorClass::NotPermitted,
            "scope: expected all of [\"orders:read\"]",
        ),
        (
            RefusalKind::NotVerified,
            "not_verified",
            ErrorClass::Operator,
            "no verified claims of this type: put the layer in front of the handler, \
             or a gate in its state",
        ),
        (
            RefusalKind::RequestNeeded,
            "request_needed",
            ErrorClass::Operator,
            "a proof of possession is judged with the whole request: call check_request in \
             place of check",
        ),
        (
            RefusalKind::Token(VerifyErrorKind::Malformed(Malformation::Empty).into()),
            "malformed",
            ErrorClass::NotOurs,
            "expected a token, found nothing",
        ),
    ] {
        let refusal = Refusal::from(kind);
        assert_eq!((refusal.code(), refusal.class()), (code, class));
        assert_eq!(refusal.status().as_u16(), class.http_status());
        assert_eq!(refusal.to_string(), message);
        named.0.insert(code);
    }
    named.cover(include_str!("../../src/http/refusal.rs"));
}
