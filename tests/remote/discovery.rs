//! From an issuer's name to its keys.

use http::Request;
use tokenwright::http::remote::{FetchError, FetchErrorKind, RemoteKeys, Schemes};

use crate::scene::*;

const DOCUMENT: &str = "https://auth.example/.well-known/openid-configuration";

/// Answers the discovery document with this text, and any other address with the set.
fn issuer(document: &str, set: &str) -> impl Fn(&Request<()>) -> Answer + Send + Sync + 'static {
    let (document, set) = (document.to_owned(), set.to_owned());
    move |request| match request.uri().path() {
        "/.well-known/openid-configuration" => json(&document),
        _ => json(&set),
    }
}

fn document(jwks_uri: &str) -> String {
    format!(
        r#"{{"issuer":"{ISSUER}","authorization_endpoint":"{ISSUER}/a","jwks_uri":"{jwks_uri}",
            "response_types_supported":["code"],"claims":{{"nested":[1,2,{{}}]}}}}"#
    )
}

#[test]
fn the_discovery_document_says_where_the_keys_are() {
    let one = key("one");
    let elsewhere = "https://keys.example/set?v=2";
    let world = World::lazy(
        RemoteKeys::issuer(ISSUER),
        issuer(&document(elsewhere), &set_of(&[&one])),
    );
    world.remote.refresh().unwrap();
    assert_eq!(world.verdict(&one), "ok");
    assert_eq!(world.script.requests(), [DOCUMENT, elsewhere]);
    assert_eq!(world.remote.health().fetches, 1, "two requests, one fetch");
    // Within the hour only the keys are asked for.
    world.pass(COOL_DOWN);
    world.remote.refresh().unwrap();
    assert_eq!(world.script.requests().len(), 3);
    world.pass(3600);
    world.remote.refresh().unwrap();
    assert_eq!(world.script.requests()[3..], [DOCUMENT, elsewhere]);
}

#[test]
fn an_issuer_that_moved_its_keys_is_followed_after_a_failure() {
    let (one, two) = (key("one"), key("two"));
    let world = World::lazy(
        RemoteKeys::issuer(ISSUER),
        issuer(&document("https://old.example/set"), &set_of(&[&one])),
    );
    world.remote.refresh().unwrap();
    let (moved, set) = (document("https://new.example/set"), set_of(&[&two]));
    world.script.set(move |request| match request.uri().host() {
        Some("auth.example") => json(&moved),
        Some("new.example") => json(&set),
        _ => status(410),
    });
    world.pass(COOL_DOWN);
    assert_eq!(
        world.remote.refresh().unwrap_err().address(),
        "https://old.example/set"
    );
    assert_eq!(world.verdict(&one), "ok");
    world.pass(COOL_DOWN);
    world.remote.refresh().unwrap();
    assert_eq!(
        [world.verdict(&one), world.verdict(&two)],
        ["unknown_key", "ok"]
    );
}

#[test]
fn a_tag_of_one_place_is_not_sent_to_another() {
    let one = key("one");
    let set = set_of(&[&one]);
    let world = World::lazy(RemoteKeys::issuer(ISSUER), {
        let set = set.clone();
        move |request| match request.uri().host() {
            Some("auth.example") => json(&document("https://old.example/set")),
            _ => with_headers(&set, &[("etag", "\"old\"")]),
        }
    });
    world.remote.refresh().unwrap();
    world.script.set(move |request| match request.uri().host() {
        Some("auth.example") => json(&document("https://new.example/set")),
        Some("new.example") => json(&set),
        _ => Err(FetchError::new(FetchErrorKind::Unreachable, "gone")),
    });
    world.pass(3600);
    world.remote.refresh().unwrap();
    assert_eq!(world.script.last_tag(), None);
}

#[test]
fn a_document_that_is_not_this_issuers_is_refused() {
    let one = key("one");
    let good = document("https://auth.example/set");
    let wrong = |from: &str, to: &str| good.replacen(from, to, 1);
    for (text, code) in [
        (
            wrong(
                r#""issuer":"https://auth.example""#,
                r#""issuer":"https://auth.example/""#,
            ),
            "discovery_mismatch",
        ),
        (
            wrong(
                r#""issuer":"https://auth.example""#,
                r#""issuer":"https://evil.example""#,
            ),
            "discovery_mismatch",
        ),
        (
            wrong(
                r#""issuer":"https://auth.example""#,
                r#""issuer":"HTTPS://auth.example""#,
            ),
            "discovery_mismatch",
        ),
        (
            wrong(r#""issuer":"https://auth.example","#, ""),
            "bad_discovery",
        ),
        (
            wrong(
                r#""issuer":"https://auth.example""#,
                r#""issuer":["https://auth.example"]"#,
            ),
            "bad_discovery",
        ),
        (wrong("jwks_uri", "jwks"), "bad_discovery"),
        (
            wrong("https://auth.example/set", "http://auth.example/set"),
            "bad_discovery",
        ),
        (
            wrong("https://auth.example/set", "file:///etc/passwd"),
            "bad_discovery",
        ),
        (wrong("https://auth.example/set", "/set"), "bad_discovery"),
        (
            wrong("https://auth.example/set", "https://a:b@auth.example/set"),
            "bad_discovery",
        ),
        (format!("{good}{good}"), "bad_discovery"),
        ("[]".to_owned(), "bad_discovery"),
        (
            good.replacen('{', r#"{"issuer":"https://auth.example","#, 1),
            "bad_discovery",
        ),
        (" ".repeat(300 * 1024), "answer_too_long"),
    ] {
        let world = World::lazy(RemoteKeys::issuer(ISSUER), issuer(&text, &set_of(&[&one])));
        assert_eq!(world.remote.refresh().unwrap_err().code(), code, "{text}");
        assert_eq!(
            world.script.fetches(),
            1,
            "the keys were not asked for: {text}"
        );
    }
}

#[test]
fn an_issuer_may_have_a_path_and_a_slash_at_its_end() {
    for (name, asked) in [
        (
            "https://auth.example/tenant",
            "https://auth.example/tenant/.well-known/openid-configuration",
        ),
        (
            "https://auth.example/tenant/",
            "https://auth.example/tenant/.well-known/openid-configuration",
        ),
        ("https://auth.example/", DOCUMENT),
    ] {
        let one = key("one");
        let (named, set) = (
            document("https://auth.example/set").replacen(ISSUER, name, 1),
            set_of(&[&one]),
        );
        let world = World::lazy(RemoteKeys::issuer(name), move |request| {
            if request.uri().path().ends_with("openid-configuration") {
                return json(&named);
            }
            json(&set)
        });
        world.remote.refresh().unwrap();
        assert_eq!(world.script.requests()[0], asked);
    }
}

#[test]
fn plain_http_is_a_decision() {
    let refused = RemoteKeys::issuer("http://auth.internal")
        .lazy()
        .unwrap_err();
    assert_eq!(
        (refused.code(), refused.class()),
        ("not_https", tokenwright::ErrorClass::Operator)
    );
    assert!(
        RemoteKeys::issuer("http://auth.internal")
            .schemes(Schemes::HttpsAndHttp)
            .lazy()
            .is_ok()
    );
}
