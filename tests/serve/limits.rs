//! Clients that send too much, too little, or nothing.

use std::time::Instant;

use crate::client::{Client, PATIENCE, request};
use crate::place::Place;
use crate::running::{Running, until};

#[test]
fn oversized_and_broken_heads_are_refused_and_the_server_stays() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &[]);
    let megabyte = "a".repeat(1024 * 1024);
    let many: String = (0..101).map(|n| format!("X-{n}: y\r\n")).collect();
    for (what, bytes, status) in [
        (
            "a header of 1 MB",
            request("GET", "/verify", &[("Authorization", &megabyte)]),
            431,
        ),
        (
            "a cookie of 1 MB",
            request("GET", "/verify", &[("Cookie", &megabyte)]),
            431,
        ),
        (
            "an address of 1 MB",
            request("GET", &format!("/{megabyte}"), &[]),
            431,
        ),
        (
            "too many headers",
            format!("GET /verify HTTP/1.1\r\n{many}\r\n"),
            431,
        ),
        (
            "a NUL",
            request("GET", "/verify", &[("Authorization", "Bearer a\0b")]),
            400,
        ),
        (
            "a NUL in a name",
            request("GET", "/verify", &[("X-\0", "y")]),
            400,
        ),
        (
            "a bare line feed in a value",
            request("GET", "/verify", &[("X", "a\u{b}b")]),
            400,
        ),
        (
            "two lengths",
            request(
                "GET",
                "/verify",
                &[("Content-Length", "1"), ("Content-Length", "2")],
            ),
            400,
        ),
        (
            "no HTTP at all",
            "\u{16}\u{3}\u{1}\0".repeat(10) + "\r\n\r\n",
            400,
        ),
    ] {
        let mut client = server.client();
        // The server may stop reading before everything is sent.
        let _ = client.send(bytes);
        match client.answer("GET") {
            Ok(answer) => assert_eq!(answer.status, status, "{what}"),
            // Bytes that nobody read make the system reset the connection, and the
            // answer with it.
            Err(error) => assert!(what.contains("MB"), "{what}: {error}"),
        }
        server.get("/healthz").is(200);
    }
}

#[test]
fn a_token_of_the_greatest_length_still_fits() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &[]);
    let token = "a".repeat(16 * 1024);
    let answer = server.verify("", &token).is(401);
    assert_eq!(answer.header("x-auth-reason"), Some("invalid_token"));
}

#[test]
fn a_client_that_sends_its_request_drop_by_drop_is_cut_off() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &["--request-timeout", "1s", "--idle-timeout", "1h"]);
    let mut slow = server.client();
    let began = Instant::now();
    slow.send("GET /verify HTTP/1.1\r\nX-").unwrap();
    until("the slow client is cut off", || {
        // Each byte keeps the connection busy; the deadline is for the whole head.
        slow.send("a").is_err() || began.elapsed() > PATIENCE
    });
    assert!(began.elapsed() < PATIENCE);
    // One that says nothing at all, and one that stops after a request was answered.
    let mut silent = server.client();
    let mut stopped = server.client();
    stopped.ask("GET", "/healthz", &[]).unwrap().is(200);
    stopped.send("GET /hea").unwrap();
    assert!(silent.is_closed());
    assert!(stopped.is_closed());
}

#[test]
fn a_connection_rests_between_requests_for_as_long_as_it_may() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &["--request-timeout", "1h", "--idle-timeout", "1s"]);
    let mut client = server.client();
    for _ in 0..3 {
        client.ask("GET", "/healthz", &[]).unwrap().is(200);
    }
    assert!(client.is_closed());
}

#[test]
fn beyond_the_cap_connections_wait_for_a_seat() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &["--max-connections", "2"]);
    let mut seated: Vec<Client> = (0..2).map(|_| server.client()).collect();
    for client in &mut seated {
        client.ask("GET", "/healthz", &[]).unwrap().is(200);
    }
    let mut waiting = server.client();
    waiting.send(request("GET", "/metrics", &[])).unwrap();
    let metrics = seated[0].ask("GET", "/metrics", &[]).unwrap().body;
    assert!(
        metrics.contains("\ntokenwright_http_connections 2\n"),
        "{metrics}"
    );
    assert!(metrics.contains("\ntokenwright_http_connections_limit 2\n"));
    seated.pop();
    let metrics = waiting.answer("GET").unwrap().is(200).body;
    assert!(
        metrics.contains("\ntokenwright_http_connections 2\n"),
        "{metrics}"
    );
}

#[test]
fn requests_sent_ahead_are_answered_in_order() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &["--request-timeout", "2s"]);
    let mut client = server.client();
    let ahead = request("GET", "/healthz", &[]) + &request("GET", "/x", &[]);
    client.send(ahead.repeat(50)).unwrap();
    for _ in 0..50 {
        client.answer("GET").unwrap().is(200);
        client.answer("GET").unwrap().is(404);
    }
}
