//! Withdrawn tokens, refused within a moment.

use std::time::Duration;

use tokenwright::distribution::{Applied, RevocationReplica};
use tokenwright::store::{FileStore, RevocationStore as _};
use tokenwright::{Clock as _, KeySet, Revocation, SystemClock};

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

#[test]
fn another_machine_follows_the_signed_list_by_snapshot_and_deltas() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &["--publish-revocations", "5m"]);
    let keys = KeySet::from_jwks(server.get("/.well-known/jwks.json").body.as_bytes()).unwrap();
    let list = FileStore::open(place.path("keys")).unwrap().revocations();
    let mut replica = RevocationReplica::of_first_list(ISSUER);
    until("the list is signed", || {
        server.get("/revocations").status == 200
    });
    let snapshot = server.get("/revocations").is(200);
    let key = keys.keys().next().unwrap();
    let applied = replica
        .apply(snapshot.bytes.as_slice(), key, SystemClock.now())
        .unwrap();
    assert_eq!(applied, Applied::Replaced { entries: 0 });
    assert_eq!(snapshot.header("cache-control"), Some("public, no-cache"));
    let tag = snapshot.header("etag").unwrap();
    server
        .ask("GET", "/revocations", &[("If-None-Match", tag)])
        .is(304);

    for number in 1..=3_usize {
        let now = SystemClock.now();
        let end = now.saturating_add(Duration::from_secs(1_000));
        let name = format!("login-{number}");
        list.append(&[Revocation::session(ISSUER, name, now, end)], now)
            .unwrap();
        until("a delta brings the entry", || {
            let mark = replica.mark().unwrap();
            let target = format!("/revocations/deltas?after={}.{}", mark.epoch(), mark.seq());
            let delta = server.get(&target).is(200);
            assert!(delta.bytes.len() < 1_500, "{} bytes", delta.bytes.len());
            replica
                .apply(delta.bytes.as_slice(), key, SystemClock.now())
                .unwrap();
            replica.live().view().list().len() == number
        });
    }
    // One that was away takes the last delta that is kept for it, or the whole list.
    server.get("/revocations/deltas?after=1.999999").is(404);
    for mistaken in [
        "/revocations/deltas",
        "/revocations/deltas?after=x",
        "/revocations?after=1.1",
        "/revocations/deltas?after=1.+1",
    ] {
        server.get(mistaken).is(400);
    }
    server.ask("POST", "/revocations", &[]).is(405);
}

#[test]
fn a_list_is_published_only_when_asked_for() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &[]);
    server.get("/revocations").is(404);
    server.get("/revocations/deltas?after=1.1").is(404);
}
