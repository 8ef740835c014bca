//! Why another issuer's keys cannot be had, word for word.

use http::{Request, Response};
use tokenwright::ErrorClass::{self, CannotKnow, Operator};
use tokenwright::http::remote::{
    Authorities, Fetch, FetchError, FetchErrorKind, HttpClient, RemoteError, RemoteKeys,
};

use super::Named;

type Answer = Result<Response<Vec<u8>>, FetchError>;

/// A client that always gives the same answer.
struct Says(Box<dyn Fn() -> Answer + Send + Sync>);

impl Fetch for Says {
    fn fetch(&self, _: &Request<()>, _: usize) -> Answer {
        (self.0)()
    }
}

fn failed(answer: impl Fn() -> Answer + Send + Sync + 'static) -> RemoteError {
    let remote = RemoteKeys::jwks("https://a.example/k?code=secret").client(Says(Box::new(answer)));
    remote.load().unwrap_err()
}

fn answered(status: u16, content_type: Option<&'static str>, body: &'static str) -> RemoteError {
    failed(move || {
        let mut answer = Response::builder().status(status);
        if let Some(content_type) = content_type {
            answer = answer.header("content-type", content_type);
        }
        Ok(answer.body(body.into()).unwrap())
    })
}

fn discovered(document: &'static str) -> RemoteError {
    let remote = RemoteKeys::issuer("https://a.example").client(Says(Box::new(move || {
        let answer = Response::builder().header("content-type", "application/json");
        Ok(answer.body(document.into()).unwrap())
    })));
    remote.load().unwrap_err()
}

#[test]
fn every_way_of_not_having_a_remote_key_is_named() {
    let mut named = Named::default();
    let mut says = |error: RemoteError, code: &'static str, class: ErrorClass, message: &str| {
        assert_eq!((error.code(), error.class()), (code, class));
        assert_eq!(error.to_string(), message);
        assert!(!message.contains("secret"), "a query is not shown");
        named.0.insert(code);
    };
    let json = Some("application/json");
    says(
        RemoteKeys::jwks("a.example").lazy().unwrap_err(),
        "bad_address",
        Operator,
        "\"a.example\": expected an address such as https://auth.example/jwks.json",
    );
    says(
        RemoteKeys::jwks("https://a.example/#x").lazy().unwrap_err(),
        "bad_address",
        Operator,
        "\"https://a.example/\": a fragment does not belong in it",
    );
    says(
        RemoteKeys::jwks("http://a.example/").lazy().unwrap_err(),
        "not_https",
        Operator,
        "\"http://a.example/\": expected https, found http: anyone on the way could put in keys of theirs",
    );
    says(
        answered(503, json, "{}"),
        "bad_status",
        CannotKnow,
        "\"https://a.example/k\": expected status 200, found 503",
    );
    says(
        answered(200, None, "{}"),
        "not_json",
        CannotKnow,
        "\"https://a.example/k\": expected a content type of JSON, found none",
    );
    says(
        answered(200, Some("text/html"), "<html>"),
        "not_json",
        CannotKnow,
        "\"https://a.example/k\": expected a content type of JSON, found \"text/html\"",
    );
    says(
        answered(200, json, "{}"),
        "malformed_key_set",
        CannotKnow,
        "\"https://a.example/k\": malformed_key_set: there is no \"keys\"",
    );
    says(
        discovered(r#"{"issuer":"https://a.example"}"#),
        "bad_discovery",
        CannotKnow,
        "\"https://a.example/.well-known/openid-configuration\": the discovery document cannot be used: \
         there is no \"jwks_uri\"",
    );
    says(
        discovered(r#"{"issuer":"https://b.example\u001b","jwks_uri":"https://b.example/k"}"#),
        "discovery_mismatch",
        CannotKnow,
        "\"https://a.example/.well-known/openid-configuration\": the discovery document is of another \
         issuer, \"https://b.example\\u{1b}\"; the two must be equal to the letter",
    );
    let remote =
        RemoteKeys::jwks("https://a.example/k").client(Says(Box::new(|| panic!("by test"))));
    let remote = remote.lazy().unwrap();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| remote.refresh()));
    assert!(caught.is_err());
    says(
        remote.health().last_error.unwrap(),
        "fetch_panicked",
        CannotKnow,
        "\"https://a.example/k\": the HTTP client panicked",
    );
    named.cover(include_str!("../../src/http/remote/error.rs"));
}

#[test]
fn every_reason_for_no_answer_is_named() {
    use FetchErrorKind as Kind;
    let mut named = Named::default();
    for (kind, code, class) in [
        (Kind::Unreachable, "unreachable", CannotKnow),
        (Kind::TooSlow, "too_slow", CannotKnow),
        (Kind::Tls, "tls_failed", CannotKnow),
        (Kind::AddressRefused, "address_refused", CannotKnow),
        (Kind::TooLong, "answer_too_long", CannotKnow),
        (Kind::BadAnswer, "bad_answer", CannotKnow),
        (Kind::RedirectRefused, "redirect_refused", CannotKnow),
        (Kind::Certificates, "bad_certificates", Operator),
    ] {
        let detail = format!("line one\n\u{1b}[31m{}", "x".repeat(500));
        let error = FetchError::new(kind, &detail);
        assert_eq!((error.code(), error.class()), (code, class));
        // A client's own words are bounded and cannot steer a terminal.
        let shown = format!("line one\\u{{a}}\\u{{1b}}[31m{}", "x".repeat(186));
        assert_eq!(error.to_string(), shown);
        let error = failed(move || Err(FetchError::new(kind, "by test")));
        assert_eq!((error.code(), error.class()), (code, class));
        assert_eq!(error.to_string(), "\"https://a.example/k\": by test");
        named.0.insert(code);
    }
    named.cover(include_str!("../../src/http/remote/fetch.rs"));
}

#[test]
fn the_built_in_client_says_what_it_would_not_do() {
    let words = |url: &str| {
        let client = HttpClient::builder().build().unwrap();
        let remote = RemoteKeys::jwks(url).client(client);
        remote.load().unwrap_err().to_string()
    };
    assert_eq!(
        words("https://[::ffff:10.1.2.3]/k"),
        "\"https://[::ffff:10.1.2.3]/k\": the name leads to ::ffff:10.1.2.3, an address of a private \
         or special network; if keys are published there, allow it"
    );
    let long = " ".repeat(tokenwright::limits::MAX_JWKS_BYTES + 1);
    let error = failed(move || {
        let answer = Response::builder().header("content-type", "application/json");
        Ok(answer.body(long.clone().into_bytes()).unwrap())
    });
    assert_eq!(
        error.to_string(),
        "\"https://a.example/k\": the answer is longer than the 1048576 bytes that are read"
    );
    let redirected = answered(302, None, "");
    assert_eq!(
        redirected.to_string(),
        "\"https://a.example/k\": the server redirects (status 302), and redirects are not followed"
    );
    for (pem, message) in [
        (
            "",
            "there is no certificate in the PEM text of the authorities",
        ),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "an authority's certificate cannot be used: invalid peer certificate: BadEncoding",
        ),
    ] {
        let client = HttpClient::builder().authorities(Authorities::Only(pem.into()));
        assert_eq!(client.build().unwrap_err().to_string(), message);
    }
}
