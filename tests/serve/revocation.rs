//! Withdrawn tokens, refused within a moment.

use std::time::Duration;

use tokenwright::store::{FileStore, RevocationStore as _};
use tokenwright::{Clock as _, Revocation, SystemClock};

use crate::place::Place;
use crate::running::{Running, until};

const ISSUER: &str = "https://auth.example";

#[test]
fn a_token_withdrawn_while_the_server_runs_is_refused() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &[]);
    let first = place.mint(&["--sub", "alice", "--jti", "t-1", "--sid", "login-1"]);
    let second = place.mint(&["--sub", "alice", "--jti", "t-2", "--sid", "login-1"]);
    let other = place.mint(&["--sub", "bob", "--jti", "t-3", "--sid", "login-2"]);
    for token in [&first, &second, &other] {
        server.verify("", token).is(200);
    }
    let list = FileStore::open(place.path("keys")).unwrap().revocations();
    let now = SystemClock.now();
    let end = now.saturating_add(Duration::from_secs(1_000));
    list.append(&[Revocation::token(ISSUER, "t-1", now, end)], now)
        .unwrap();
    until("the token is refused", || {
        server.verify("", &first).status == 401
    });
    let answer = server.verify("", &first).is(401);
    assert_eq!(answer.header("x-auth-reason"), Some("revoked"));
    assert!(!answer.body.contains("revoked"), "{answer:?}");
    server.verify("", &second).is(200);
    list.append(&[Revocation::session(ISSUER, "login-1", now, end)], now)
        .unwrap();
    until("the session is refused", || {
        server.verify("", &second).status == 401
    });
    server.verify("", &other).is(200);

    let metrics = server.get("/metrics").body;
    assert!(!metrics.contains("{result=\"revoked\"} 0\n"), "{metrics}");
    until("the metrics tell two entries", || {
        let metrics = server.get("/metrics").body;
        metrics.contains("\ntokenwright_revocation_list_entries 2\n")
    });
    let ready = server.get("/readyz").is(200).json();
    assert_eq!(ready["checks"]["revocations"]["state"], "good");
}

#[test]
fn a_list_that_cannot_be_read_is_told_and_then_refuses_everything() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &["--max-list-age", "1s", "--refresh", "1s"]);
    let token = place.mint(&["--sub", "alice"]);
    server.verify("", &token).is(200);
    let log = place.path("keys/revocations.log");
    let aside = place.path("keys/aside");
    std::fs::rename(&log, &aside).unwrap();
    until("nothing is let through", || {
        server.verify("", &token).status == 503
    });
    let answer = server.verify("", &token).is(503);
    assert_eq!(answer.header("x-auth-reason"), Some("revocation_stale"));
    let ready = server.get("/readyz").is(503).json();
    assert_eq!(ready["checks"]["revocations"]["state"], "bad");
    std::fs::rename(&aside, &log).unwrap();
    until("all is well again", || {
        server.verify("", &token).status == 200
    });
}

#[test]
fn without_a_list_nothing_starts_unless_told_so() {
    let place = Place::with_keys("EdDSA");
    let _ = std::fs::remove_file(place.path("keys/revocations.log"));
    let refused = place.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(refused.stderr().contains("tokenwright revoke init"));
    assert_eq!(refused.code(), 5, "{}", refused.stderr());
}
