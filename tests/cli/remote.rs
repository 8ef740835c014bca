//! Verifying with a key set that is fetched.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;

use super::place::Place;

/// A server on loopback that gives one answer to one request, and then tells what it was asked.
fn once(answer: Vec<u8>) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "http://{}/jwks.json?tenant=7",
        listener.local_addr().unwrap()
    );
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        let mut chunk = [0; 1024];
        while !head.ends_with(b"\r\n\r\n") {
            let count = stream.read(&mut chunk).unwrap();
            assert_ne!(count, 0, "the request ends early");
            head.extend_from_slice(&chunk[..count]);
        }
        let _ = stream.write_all(&answer);
        let _ = tell.send(String::from_utf8(head).unwrap());
    });
    (url, told)
}

fn json(status: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

const EXPECTED: [&str; 4] = ["--iss", "https://auth.example", "--aud", "orders-api"];
const ALLOWED: [&str; 2] = ["--allow-http", "--allow-private"];

#[test]
fn a_token_verifies_with_a_key_set_that_is_fetched_once() {
    let place = Place::with_keys("EdDSA");
    let token = place.mint(&["--sub", "alice"]);
    let set = place.run(&["jwks"]).succeeds().stdout();
    assert!(set.contains("],\"complete_until\":"), "{set}");
    let elsewhere = Place::new();
    let (url, told) = once(json("200 OK", &set));
    // A proxy that the environment names is not asked: it could not be judged.
    let mut command = elsewhere.command();
    for name in ["http_proxy", "HTTP_PROXY", "ALL_PROXY"] {
        command.env(name, "http://127.0.0.1:9");
    }
    let arguments = [&["verify", &token, "--jwks", &url][..], &EXPECTED, &ALLOWED].concat();
    let output = command.args(&arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let claims: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(claims["sub"], "alice");
    let head = told.recv().unwrap();
    assert!(
        head.starts_with("GET /jwks.json?tenant=7 HTTP/1.1\r\n"),
        "{head}"
    );
    let claims_part = token.split('.').nth(1).unwrap();
    assert!(!head.contains(claims_part), "the token was sent along");
    // The server is gone: nothing was kept.
    let again = elsewhere.run(&arguments).fails(5, "unreachable");
    assert!(
        !again.stderr().contains("tenant"),
        "a query may be a secret"
    );
}

#[test]
fn keys_that_cannot_be_had_are_exit_5() {
    let place = Place::with_keys("EdDSA");
    let token = place.mint(&["--sub", "alice"]);
    for (answer, code) in [
        (json("500 Oops", "{}"), "bad_status"),
        (json("200 OK", "<html>"), "malformed_key_set"),
        (json("200 OK", "{\"keys\":[]}"), "keys_unavailable"),
        (
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"
                .to_vec(),
            "redirect_refused",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n".to_vec(),
            "not_json",
        ),
        (b"\0\0\0\0\r\n\r\n".to_vec(), "bad_answer"),
    ] {
        let (url, _told) = once(answer);
        let arguments = [&["verify", &token, "--jwks", &url][..], &EXPECTED, &ALLOWED].concat();
        place.run(&arguments).fails(5, code);
    }
    let (url, _told) = once(json("500 Oops", "{}"));
    let arguments = [
        &["verify", &token, "--json", "--jwks", &url][..],
        &EXPECTED,
        &ALLOWED,
    ]
    .concat();
    let run = place.run(&arguments);
    assert_eq!(
        (run.code(), run.json()["error"]["code"].as_str()),
        (5, Some("bad_status"))
    );
}

#[test]
fn keys_that_do_not_say_their_algorithm_are_told_it() {
    let place = Place::with_keys("RS256");
    let token = place.mint(&["--sub", "alice"]);
    let set = place.run(&["jwks"]).succeeds().stdout();
    let open = set
        .replace("\"alg\":\"RS256\",", "")
        .replace(",\"alg\":\"RS256\"", "");
    assert!(!open.contains("RS256"), "{open}");
    place.write("open.json", &open);
    for from in [once(json("200 OK", &open)).0, "open.json".to_owned()] {
        let arguments = [
            &["verify", &token, "--jwks", &from][..],
            &EXPECTED,
            &ALLOWED,
        ]
        .concat();
        place.run(&arguments).fails(5, "keys_unavailable").says(
            "error[keys_unavailable]: there is no key to verify with\n\
             hint: member 0 of the key set: algorithm_needed: an RSA key does not say its algorithm: \
             choose RS256, PS256 or another RSA algorithm\n\
             hint: if you know it: --alg RS256\n",
        );
    }
    for from in [once(json("200 OK", &open)).0, "open.json".to_owned()] {
        let told = ["--alg", "RS256"];
        let arguments = [
            &["verify", &token, "--jwks", &from][..],
            &told,
            &EXPECTED,
            &ALLOWED,
        ]
        .concat();
        place.run(&arguments).succeeds();
    }
}

#[test]
fn http_and_private_addresses_are_decisions() {
    let place = Place::new();
    let verify = |url: &str, allowed: &[&str]| {
        let arguments = [&["verify", "a.b.c", "--jwks", url][..], &EXPECTED, allowed].concat();
        place.run(&arguments)
    };
    verify("http://127.0.0.1:9/k", &["--allow-private"])
        .fails(6, "not_https")
        .says(
            "error[not_https]: \"http://127.0.0.1:9/k\": expected https, found http: \
             anyone on the way could put in keys of theirs\n\
             hint: to fetch it all the same: --allow-http\n",
        );
    for url in [
        "https://127.0.0.1:9/k",
        "HTTPS://localhost:9/k",
        "https://[::ffff:127.0.0.1]:9/k",
    ] {
        let run = verify(url, &[]).fails(5, "address_refused");
        assert!(
            run.stderr()
                .contains("hint: if it is this machine or a network of yours: --allow-private")
        );
    }
    verify("https://169.254.169.254/k", &["--allow-private"]).fails(5, "address_refused");
    verify("https://user:secret@auth.example/k", &[]).fails(6, "bad_address");
    // Without an address there is nothing to allow.
    place
        .run(&["verify", "a.b.c", "--allow-private"])
        .fails(2, "usage");
}
