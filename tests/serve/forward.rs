//! Forward authentication: who gets through, and what the others learn.

use crate::client::Answer;
use crate::place::Place;
use crate::running::Running;

/// An answer without what differs between any two.
fn comparable(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let mut headers = answer.headers.clone();
    headers.retain(|(name, _)| name != "date");
    (answer.status, headers, answer.body.clone())
}

#[test]
fn a_good_token_passes_with_its_identity_in_headers() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &[]);
    let minting = [
        "--sub",
        "alice",
        "--scope",
        "orders:read orders:write",
        "--sid",
        "login 7",
        "--jti",
        "t,1",
    ];
    let token = place.mint(&minting);
    let answer = server.verify("", &token).is(200);
    assert_eq!(answer.body, "");
    let claims = place.run(&["verify", &token]).succeeds().json();
    let expires = claims["exp"].to_string();
    let kid = place.run(&["key", "list", "--json"]).succeeds().json()["keys"][0]["kid"].clone();
    for (name, value) in [
        ("x-auth-subject", "alice"),
        ("x-auth-issuer", "https://auth.example"),
        ("x-auth-audience", "orders-api"),
        ("x-auth-scope", "orders:read orders:write"),
        ("x-auth-session", "login%207"),
        ("x-auth-token-id", "t%2C1"),
        ("x-auth-expires", &expires),
        ("x-auth-key-id", kid.as_str().unwrap()),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
}

#[test]
fn every_identity_header_is_there_even_when_the_token_does_not_say() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &[]);
    let token = place.mint(&["--sub", "a\r\nX-Auth-Scope: admin é"]);
    // What a client writes there is not looked at.
    let bearer = format!("Bearer {token}");
    let forged = [
        ("Authorization", bearer.as_str()),
        ("X-Auth-Session", "forged"),
        ("X-Auth-Scope", "admin"),
    ];
    let answer = server.ask("GET", "/verify", &forged).is(200);
    for name in ["x-auth-scope", "x-auth-session"] {
        assert_eq!(answer.header(name), Some(""), "{name}");
    }
    let subject = answer.header("x-auth-subject");
    assert_eq!(subject, Some("a%0D%0AX-Auth-Scope:%20admin%20%C3%A9"));
}

#[test]
fn any_method_is_judged_and_no_body_is_read() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &[]);
    let token = format!("Bearer {}", place.mint(&["--sub", "alice"]));
    for method in [
        "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "TRACE",
    ] {
        server
            .ask(method, "/verify", &[("Authorization", &token)])
            .is(200);
        server.ask(method, "/verify", &[]).is(401);
    }
    // A body that is announced and never sent is not waited for.
    for body in [
        ("Content-Length", "1000000"),
        ("Transfer-Encoding", "chunked"),
    ] {
        let mut client = server.client();
        let answer = client.ask("POST", "/verify", &[("Authorization", &token), body]);
        answer.unwrap().is(200);
        assert!(
            client.is_closed(),
            "what follows could not be told from a request"
        );
    }
}

#[test]
fn a_missing_scope_is_403_and_told_and_what_is_no_scope_is_the_operators_mistake() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &[]);
    let token = place.mint(&["--sub", "alice", "--scope", "orders:read profile"]);
    for met in [
        "?scope=orders:read",
        "?scope=profile%20orders:read",
        "?scope=profile&scope=orders:read",
    ] {
        server.verify(met, &token).is(200);
    }
    for unmet in [
        "?scope=orders:write",
        "?scope=orders:read&scope=admin",
        "?scope=orders",
    ] {
        let answer = server.verify(unmet, &token).is(403);
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(
            challenge.contains("error=\"insufficient_scope\""),
            "{challenge}"
        );
        assert!(challenge.contains("scope=\""), "{challenge}");
        assert_eq!(answer.header("x-auth-reason"), Some("insufficient_scope"));
        assert_eq!(answer.header("x-auth-subject"), None);
    }
    for mistaken in ["?scopes=a", "?scope=", "?scope=a+b", "?x"] {
        server.verify(mistaken, &token).is(400);
    }
    // What a proxy appends is the client's: it can neither lift nor break a requirement.
    server
        .verify("/orders?scope=admin&scopes=x", &token)
        .is(200);
    server
        .verify("?scope=profile&path=/orders?scope=admin&x", &token)
        .is(200);
    server
        .verify("?scope=admin&path=/orders?scope=profile", &token)
        .is(403);
}

#[test]
fn before_the_signature_holds_every_refusal_is_the_same_to_the_byte() {
    let place = Place::with_keys("EdDSA");
    let other = Place::with_keys("EdDSA");
    let server = Running::start(&place, &["--realm", "orders"]);
    let good = place.mint(&["--sub", "alice"]);
    let parts: Vec<&str> = good.split('.').collect();
    let mut changed = good.clone().into_bytes();
    let middle = parts[0].len() + parts[1].len() + 20;
    changed[middle] = if changed[middle] == b'A' { b'B' } else { b'A' };
    let typed = place.mint(&["--sub", "alice", "--typ", "at+jwt"]);
    let (head, claims) = (parts[0], parts[1]);
    let tokens = [
        String::from_utf8(changed).unwrap(),
        other.mint(&["--sub", "alice"]),
        format!("{head}.{claims}."),
        format!("{head}.{claims}"),
        "x".to_owned(),
        "eyJhbGciOiJub25lIn0.e30.".to_owned(),
        "x.y.z\"".to_owned(),
        "a".repeat(20_000),
        typed,
    ];
    let first = server.verify("", &tokens[0]).is(401);
    let challenge = "Bearer realm=\"orders\", error=\"invalid_token\", \
        error_description=\"the token is not valid\"";
    assert_eq!(first.header("www-authenticate"), Some(challenge));
    assert_eq!(first.header("x-auth-reason"), Some("invalid_token"));
    assert_eq!(
        first.header("content-type"),
        Some("application/problem+json")
    );
    for token in &tokens {
        let answer = server.verify("", token);
        assert_eq!(comparable(&answer), comparable(&first));
    }
    // The operator sees the difference.
    let metrics = server.get("/metrics").body;
    for code in [
        "bad_signature",
        "unknown_key",
        "malformed",
        "typ_mismatch",
        "too_long",
    ] {
        let line = format!("tokenwright_verifications_total{{result=\"{code}\"}} 0");
        assert!(!metrics.contains(&line), "{code} was not counted");
    }
}

#[test]
fn after_the_signature_the_proxys_log_learns_why_and_the_client_does_not() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &[]);
    let foreign = place.mint(&["--sub", "alice", "--aud", "another-api"]);
    let answer = server.verify("", &foreign).is(401);
    assert_eq!(answer.header("x-auth-reason"), Some("aud_mismatch"));
    assert!(!answer.body.contains("aud"), "{answer:?}");
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    assert!(!challenge.contains("aud"), "{challenge}");
}

#[test]
fn a_request_without_a_token_gets_a_challenge_without_an_error() {
    let place = Place::with_keys("EdDSA");
    let metadata = "https://api.example/.well-known/oauth-protected-resource";
    let server = Running::start(
        &place,
        &["--realm", "a \"b\"", "--resource-metadata", metadata],
    );
    for headers in [
        &[][..],
        &[("Authorization", "Basic YTpi")],
        &[("Cookie", "session=x")],
    ] {
        let answer = server.ask("GET", "/verify", headers).is(401);
        let expected = format!("Bearer realm=\"a \\\"b\\\"\", resource_metadata=\"{metadata}\"");
        assert_eq!(answer.header("www-authenticate"), Some(expected.as_str()));
        assert_eq!(answer.header("x-auth-reason"), Some("no_token"));
    }
}

#[test]
fn a_cookie_is_read_only_when_named_and_never_beside_a_header() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &["--cookie", "__Host-session"]);
    let token = place.mint(&["--sub", "alice"]);
    let bearer = format!("Bearer {token}");
    let cookie = format!("theme=dark; __Host-session={token}; x=y");
    let odd = format!("bEaReR   {token}");
    server.ask("GET", "/verify", &[("Cookie", &cookie)]).is(200);
    server
        .ask("GET", "/verify", &[("aUTHORIZATION", &odd)])
        .is(200);
    let unclear: [&[(&str, &str)]; 3] = [
        &[("Authorization", &bearer), ("Cookie", &cookie)],
        &[("Authorization", &bearer), ("Authorization", &bearer)],
        &[("Cookie", &cookie), ("Cookie", &cookie)],
    ];
    for headers in unclear {
        let answer = server.ask("GET", "/verify", headers).is(400);
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(
            challenge.contains("error=\"invalid_request\""),
            "{challenge}"
        );
    }
    let name = place.run(&["serve", "--listen", "127.0.0.1:0", "--cookie", "a b"]);
    name.fails(6, "bad_cookie_name");
}

#[test]
fn no_header_that_a_client_can_forge_decides_anything() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &[]);
    let forged = [
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Forwarded-Uri", "/public"),
        ("X-Forwarded-Method", "OPTIONS"),
        ("X-Forwarded-Host", "localhost"),
        ("X-Original-URL", "/healthz"),
        ("X-Rewrite-URL", "/healthz"),
        ("X-HTTP-Method-Override", "GET"),
        ("X-Auth-Subject", "root"),
        ("Forwarded", "for=127.0.0.1"),
    ];
    let plain = server.get("/verify").is(401);
    let answer = server.ask("GET", "/verify", &forged).is(401);
    assert_eq!(comparable(&answer), comparable(&plain));
}

#[test]
fn an_identity_too_long_for_any_proxy_fails_closed() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &[]);
    let token = place.mint(&["--sub", &"é".repeat(1_000)]);
    let answer = server.verify("", &token).is(500);
    assert_eq!(answer.header("x-auth-subject"), None);
}
