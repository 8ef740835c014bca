//! How the server ends: nothing that has begun is lost.

use std::io;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use rustix::process::Signal;

use crate::client::Client;
use crate::place::Place;
use crate::running::{Running, pause, until};

/// Whether nobody accepts any more.
fn is_closed_to_new(server: &Running) -> bool {
    TcpStream::connect(server.address()).is_err()
}

#[test]
fn under_load_every_request_that_was_let_in_is_answered() {
    let place = Place::with_keys("EdDSA");
    let mut server = Running::start(&place, &[]);
    let bearer = format!("Bearer {}", place.mint(&["--sub", "alice"]));
    let address = server.address();
    let (answered, ending) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                // Until nobody accepts any more.
                while let Ok(mut client) = Client::to(address) {
                    for asked in 0.. {
                        let headers = [("Authorization", bearer.as_str())];
                        match client.ask("GET", "/verify", &headers) {
                            Ok(answer) => {
                                assert_eq!(answer.status, 200, "{answer:?}");
                                answered.fetch_add(1, Ordering::Relaxed);
                                if answer.header("connection") == Some("close") {
                                    break;
                                }
                            }
                            // The system may have taken a connection that nobody
                            // accepted; one that was accepted is never dropped.
                            Err(error) => {
                                assert!(ending.load(Ordering::Relaxed), "{error}");
                                assert_eq!(asked, 0, "dropped after {asked} requests: {error}");
                                break;
                            }
                        }
                    }
                }
            });
        }
        until("there is load", || answered.load(Ordering::Relaxed) > 1_000);
        ending.store(true, Ordering::Relaxed);
        server.signal(Signal::TERM);
    });
    assert_eq!(server.ended().code(), Some(0));
    assert!(server.all_lines().ends_with("stopped"));
}

#[test]
fn it_says_not_ready_first_and_finishes_what_has_begun() {
    for signal in [Signal::TERM, Signal::INT] {
        let place = Place::with_keys("EdDSA");
        let mut server = Running::start(&place, &["--drain", "1s"]);
        let mut begun = server.client();
        begun.send("GET /healthz HTTP/1.1\r\nHost: a\r\n").unwrap();
        let mut resting = server.client();
        resting.ask("GET", "/readyz", &[]).unwrap().is(200);
        server.signal(signal);
        until("it is not ready", || {
            let answer = server.get("/readyz");
            answer.status == 503 && answer.json()["checks"]["server"]["state"] == "bad"
        });
        // Until the drain is over, everything else goes on.
        let answer = server.get("/healthz").is(200);
        assert_eq!(answer.header("connection"), Some("close"));
        until("it accepts no more", || is_closed_to_new(&server));
        assert!(resting.is_closed());
        begun.send("\r\n").unwrap();
        begun.answer("GET").unwrap().is(200);
        assert!(begun.is_closed());
        assert_eq!(server.ended().code(), Some(0));
        assert!(server.all_lines().ends_with("stopped"));
    }
}

#[test]
fn a_client_that_never_finishes_does_not_keep_it_for_ever() {
    let place = Place::with_keys("EdDSA");
    let arguments = [
        "--drain",
        "0s",
        "--shutdown-timeout",
        "1s",
        "--request-timeout",
        "1h",
    ];
    let mut server = Running::start(&place, &arguments);
    let mut hanging = server.client();
    hanging.ask("GET", "/healthz", &[]).unwrap().is(200);
    hanging.send("GET /").unwrap();
    until("the server has seen it begin", || {
        server
            .get("/metrics")
            .body
            .contains("\ntokenwright_http_connections 2\n")
    });
    pause();
    server.signal(Signal::TERM);
    assert_eq!(server.ended().code(), Some(0));
    let said = server.all_lines();
    assert!(
        said.contains("1 connections took too long and were cut off"),
        "{said}"
    );
    assert!(hanging.is_closed());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let place = Place::with_keys("EdDSA");
    let mut server = Running::start(&place, &["--drain", "1h"]);
    server.signal(Signal::TERM);
    until("it is not ready", || server.get("/readyz").status == 503);
    server.signal(Signal::INT);
    assert_eq!(server.ended().code(), Some(0));
    assert!(server.all_lines().contains("stopped at once"));
}

#[test]
fn connections_that_say_nothing_do_not_delay_the_end() -> io::Result<()> {
    let place = Place::with_keys("EdDSA");
    let arguments = [
        "--drain",
        "0s",
        "--shutdown-timeout",
        "1h",
        "--request-timeout",
        "1h",
    ];
    let mut server = Running::start(&place, &arguments);
    let mut silent = server.client();
    until("it is connected", || {
        server
            .get("/metrics")
            .body
            .contains("\ntokenwright_http_connections 2\n")
    });
    server.signal(Signal::TERM);
    assert_eq!(server.ended().code(), Some(0));
    assert!(silent.is_closed());
    Ok(())
}
