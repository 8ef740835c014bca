//! The key set and the rules of addresses and methods.

use tokenwright::KeySet;

use crate::place::Place;
use crate::running::{Running, until};

const JWKS: &str = "/.well-known/jwks.json";
const PASERK: &str = "/.well-known/paserk.txt";

#[test]
fn the_key_set_is_the_published_one_and_cacheable_as_the_policy_allows() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &[]);
    let answer = server.get(JWKS).is(200);
    assert_eq!(KeySet::from_jwks(answer.body.as_bytes()).unwrap().len(), 1);
    let printed = place.run(&["jwks"]).succeeds();
    assert_eq!(answer.body.trim_end(), printed.stdout().trim_end());
    let cache = answer.header("cache-control").unwrap();
    assert_eq!(cache, "public, max-age=150, must-revalidate");
    assert!(printed.stderr().contains(cache), "what jwks advises");
    let content_type = answer.header("content-type");
    assert_eq!(content_type, Some("application/jwk-set+json"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    server.get(PASERK).is(404);
}

#[test]
fn a_client_that_has_the_key_set_is_told_so_in_a_few_bytes() {
    let place = Place::with_keys("ES256");
    let server = Running::start(&place, &[]);
    let first = server.get(JWKS).is(200);
    let tag = first.header("etag").unwrap();
    for known in [tag, &format!("\"other\", W/{tag}"), "*"] {
        let again = server.ask("GET", JWKS, &[("If-None-Match", known)]).is(304);
        assert_eq!(again.body, "");
        assert_eq!(again.header("etag"), Some(tag));
        assert_eq!(again.header("cache-control"), first.header("cache-control"));
    }
    for unknown in ["\"other\"", "", tag.trim_matches('"')] {
        server
            .ask("GET", JWKS, &[("If-None-Match", unknown)])
            .is(200);
    }
    let head = server.ask("HEAD", JWKS, &[]).is(200);
    assert_eq!(head.header("etag"), Some(tag));
    let length = first.body.len().to_string();
    assert_eq!(head.header("content-length"), Some(length.as_str()));
}

#[test]
fn keys_of_paseto_are_published_as_paserk_and_shared_secrets_never() {
    let place = Place::with_keys("v4.public");
    let server = Running::start(&place, &[]);
    let answer = server.get(PASERK).is(200);
    assert_eq!(answer.body, place.run(&["jwks"]).succeeds().stdout());
    assert!(answer.header("etag").is_some());
    server.get(JWKS).is(404);

    for secret in ["HS256", "v4.local"] {
        let place = Place::with_keys(secret);
        let server = Running::start(&place, &[]);
        for address in [JWKS, PASERK] {
            let answer = server.get(address).is(404);
            assert!(answer.body.contains("never published"), "{answer:?}");
        }
        let token = place.mint(&["--sub", "alice"]);
        let answer = server.verify("", &token).is(200);
        assert_eq!(answer.header("x-auth-subject"), Some("alice"));
    }
}

#[test]
fn a_rotation_is_picked_up_while_the_server_runs() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &["--refresh", "1s"]);
    let first = server.get(JWKS).is(200);
    let tag = first.header("etag").unwrap().to_owned();
    place.run(&["rotate", "--if-due"]).succeeds();
    until("the new key is published", || {
        let answer = server.ask("GET", JWKS, &[("If-None-Match", &tag)]);
        answer.status == 200 && KeySet::from_jwks(answer.body.as_bytes()).unwrap().len() == 2
    });
    // The standby takes over at once, and its tokens are good here.
    let old = place.mint(&["--sub", "before"]);
    let listed = place.run(&["key", "list", "--json"]).succeeds().json();
    let mut active = listed["keys"].as_array().unwrap().iter();
    let active = active.find(|key| key["state"] == "active").unwrap()["kid"].clone();
    let kid = format!("--confirm={}", active.as_str().unwrap());
    let compromise = [
        "rotate",
        "compromise",
        active.as_str().unwrap(),
        &kid,
        "--accept-outage",
        "1h",
    ];
    place.run(&compromise).succeeds();
    let new = place.mint(&["--sub", "after"]);
    until("the new key's tokens are good", || {
        server.verify("", &new).status == 200
    });
    until("the old key's tokens are not", || {
        server.verify("", &old).status == 401
    });
}

#[test]
fn unknown_addresses_and_methods_are_refused_and_say_what_there_is() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &[]);
    for unknown in [
        "/verif",
        "/verifyx",
        "/x",
        "//",
        "/.well-known/jwks.json/",
        "/healthz/",
        "/%76erify",
    ] {
        server.get(unknown).is(404);
        server.ask("POST", unknown, &[]).is(404);
    }
    for known in [JWKS, "/healthz", "/readyz", "/metrics"] {
        server.get(known).is(200);
        server.ask("HEAD", known, &[]).is(200);
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "get", "PROPFIND"] {
            let answer = server.ask(method, known, &[]).is(405);
            assert_eq!(
                answer.header("allow"),
                Some("GET, HEAD"),
                "{method} {known}"
            );
        }
    }
}
