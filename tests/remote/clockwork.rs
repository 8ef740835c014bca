//! When keys are fetched, kept and dropped: every second of it told by the test.

use std::sync::mpsc;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use http::Response;
use tokenwright::http::remote::{FetchError, FetchErrorKind, RemoteKeys, RemoteRefresh};
use tokenwright::{ErrorClass, KeySet, Policy, UnixTime, Verifier, Verifiers};

use crate::scene::*;

const HOUR: u64 = 3600;

#[test]
fn tokens_verify_with_fetched_keys_and_cost_no_further_fetch() {
    let (one, two) = (key("one"), key("two"));
    let world = World::of(&[&one, &two]);
    for _ in 0..100 {
        assert_eq!([world.verdict(&one), world.verdict(&two)], ["ok", "ok"]);
        world.tick();
    }
    assert_eq!(world.script.fetches(), 1);
    let health = world.remote.health();
    assert_eq!((health.keys, health.fetches, health.failures), (2, 1, 0));
    assert!(health.is_good(START));
}

#[test]
fn before_the_first_load_every_token_is_answered_with_503_and_nobody_waits() {
    let one = key("one");
    let body = set_of(&[&one]);
    let world = World::lazy(RemoteKeys::jwks(JWKS), move |_| json(&body));
    let error = world.verifier.verify(&world.mint(&one)).unwrap_err();
    assert_eq!(
        (error.code(), error.class()),
        ("keys_unavailable", ErrorClass::CannotKnow)
    );
    assert_eq!(
        error.to_string(),
        "the keys could not be read, and since 2025-10-09T08:53:20Z no view of them holds"
    );
    assert_eq!(world.script.fetches(), 0);
    assert!(!world.remote.health().is_good(START));
    assert!(world.tick());
    assert_eq!(world.verdict(&one), "ok");
}

#[test]
fn loading_waits_for_the_keys_or_says_why_there_are_none() {
    let one = key("one");
    let script = Script::new(|_| status(500));
    let error = RemoteKeys::jwks(JWKS)
        .client(script.clone())
        .load()
        .unwrap_err();
    assert_eq!(
        (error.code(), error.class()),
        ("bad_status", ErrorClass::CannotKnow)
    );
    script.publish(set_of(&[&one]));
    let remote = RemoteKeys::jwks(JWKS).client(script).load().unwrap();
    assert_eq!(remote.keys().keys().len(), 1);
}

#[test]
fn an_unknown_key_is_refused_at_once_and_asks_for_one_fetch_a_cool_down() {
    let (one, two) = (key("one"), key("two"));
    let world = World::of(&[&one]);
    world.pass(COOL_DOWN);
    assert!(!world.tick(), "nothing has asked");
    assert_eq!(world.verdict(&two), "unknown_key");
    assert_eq!(world.script.fetches(), 1, "the verification did not fetch");
    assert!(world.tick());
    for second in 1..=COOL_DOWN {
        assert_eq!(world.verdict(&two), "unknown_key");
        assert!(!world.tick(), "second {second}");
        world.pass(1);
    }
    assert!(world.tick());
    // The issuer has turned its key meanwhile: one cool-down later it is known.
    world.script.publish(set_of(&[&one, &two]));
    world.pass(COOL_DOWN);
    assert_eq!(world.verdict(&two), "unknown_key");
    assert!(world.tick());
    assert_eq!([world.verdict(&one), world.verdict(&two)], ["ok", "ok"]);
}

#[test]
fn the_cool_down_counts_failures_and_begins_when_the_last_one_ends() {
    let one = key("one");
    let world = World::of(&[&one]);
    let clock = Arc::clone(&world.clock);
    // Each attempt takes 7 seconds and fails.
    world.script.set(move |_| {
        clock.pass(Duration::from_secs(7));
        Err(FetchError::new(FetchErrorKind::TooSlow, "slow"))
    });
    world.pass(COOL_DOWN);
    assert_eq!(world.verdict(&key("none")), "unknown_key");
    let mut begun = Vec::new();
    for second in 0..200 {
        assert_eq!(world.verdict(&key("none")), "unknown_key");
        if world.tick() {
            begun.push(second);
        }
        // The seven seconds of an attempt have passed on the steady clock already.
        world.pass(1);
    }
    assert_eq!(begun, [0, 30, 60, 90, 120, 150, 180]);
    let health = world.remote.health();
    assert_eq!((health.fetches, health.failures), (8, 7));
    assert_eq!(health.last_error.unwrap().code(), "too_slow");
    // A program that calls for a refresh itself is held to it as well.
    let refused = world.remote.refresh().unwrap();
    assert!(
        matches!(refused, RemoteRefresh::NotYet { wait } if wait <= Duration::from_secs(COOL_DOWN))
    );
}

#[test]
fn a_set_is_fetched_again_ahead_of_the_end_of_its_lifetime() {
    for (headers, least, most) in [
        (vec![("cache-control", "max-age=1000")], 700, 800),
        (
            vec![("cache-control", "max-age=1000"), ("age", "500")],
            350,
            400,
        ),
        (vec![("expires", "Thu, 09 Oct 2025 09:10:00 GMT")], 700, 800),
        (vec![], 420, 480),
        // Bounds: the cool-down below, an hour above, whatever the numbers are.
        (vec![("cache-control", "no-store")], COOL_DOWN, COOL_DOWN),
        (vec![("cache-control", "max-age=0")], COOL_DOWN, COOL_DOWN),
        (
            vec![("cache-control", "max-age=9000000000000000000")],
            2520,
            2880,
        ),
        (
            vec![("cache-control", "max-age=99999999999999999999999")],
            2520,
            2880,
        ),
    ] {
        let one = key("one");
        let body = set_of(&[&one]);
        let sent = headers.clone();
        let world = World::lazy(RemoteKeys::jwks(JWKS), move |_| with_headers(&body, &sent));
        world.remote.refresh().unwrap();
        let due = world.remote.health().next_fetch_in;
        let range = Duration::from_secs(least)..=Duration::from_secs(most);
        assert!(range.contains(&due), "{headers:?}: {due:?}");
        world.pass(least - 1);
        assert!(!world.tick(), "{headers:?}");
        world.pass(most - least + 1);
        assert!(world.tick(), "{headers:?}");
    }
}

#[test]
fn a_tag_is_sent_back_and_not_modified_renews_the_set() {
    let one = key("one");
    let body = set_of(&[&one]);
    let world = World::lazy(
        RemoteKeys::jwks(JWKS).keep_for(Duration::from_secs(HOUR)),
        move |_| {
            with_headers(
                &body,
                &[("etag", "\"v1\""), ("cache-control", "max-age=1800")],
            )
        },
    );
    world.remote.refresh().unwrap();
    assert_eq!(world.script.last_tag(), None);
    world.script.set(|_| {
        let answer = Response::builder()
            .status(304)
            .header("cache-control", "max-age=1800");
        Ok(answer.body(Vec::new()).unwrap())
    });
    for _ in 0..5 {
        world.pass(HOUR / 2);
        assert_eq!(
            world.remote.refresh_if_due().unwrap(),
            RemoteRefresh::Unchanged
        );
        assert_eq!(world.script.last_tag().as_deref(), Some("\"v1\""));
        assert_eq!(world.verdict(&one), "ok");
    }
    let health = world.remote.health();
    assert_eq!((health.keys, health.fetches), (1, 6));
    // Who says so without having been asked gives nothing.
    let fresh = World::lazy(RemoteKeys::jwks(JWKS), |_| status(304));
    assert_eq!(fresh.remote.refresh().unwrap_err().code(), "bad_status");
}

#[test]
fn the_last_good_set_serves_through_an_outage_up_to_its_limit() {
    let one = key("one");
    let world = World::of(&[&one]);
    world.script.fail();
    let mut seconds = 0;
    while seconds < 24 * HOUR - 60 {
        world.pass(60);
        seconds += 60;
        world.tick();
        assert_eq!(world.verdict(&one), "ok", "after {seconds} s");
    }
    let health = world.remote.health();
    assert!(health.failing_since.is_some() && !health.is_good(START));
    assert_eq!(
        health.last_error.unwrap().to_string(),
        "\"https://auth.example/jwks.json\": down"
    );
    world.pass(60);
    let error = world.verifier.verify(&world.mint(&one)).unwrap_err();
    assert_eq!(
        (error.code(), error.class().http_status()),
        ("keys_unavailable", 503)
    );
    // An unknown key is no sender's mistake now: nobody can know.
    assert_eq!(world.verdict(&key("two")), "keys_unavailable");
    world.script.publish(set_of(&[&one]));
    assert!(world.tick());
    assert_eq!(world.verdict(&one), "ok");
    assert_eq!(world.remote.health().failing_since, None);
}

#[test]
fn a_clock_set_back_keeps_no_set_alive() {
    let one = key("one");
    let world = World::of(&[&one]);
    world.script.fail();
    // A day passes, and the wall clock does not move.
    world.clock.pass(Duration::from_secs(24 * HOUR - 1));
    world.tick();
    assert_eq!(world.verdict(&one), "ok");
    world.clock.pass(Duration::from_secs(COOL_DOWN));
    world.tick();
    assert_eq!(world.verdict(&one), "keys_unavailable");
}

#[test]
fn a_machine_that_slept_looks_again_when_it_wakes() {
    let one = key("one");
    let world = World::of(&[&one]);
    world.clock.pass(Duration::from_secs(COOL_DOWN));
    // While it sleeps the steady clock stands still.
    world
        .clock
        .set(START.saturating_add(Duration::from_secs(8 * HOUR)));
    assert!(world.tick());
}

#[test]
fn a_key_that_is_published_no_longer_is_refused() {
    let (old, new) = (key("old"), key("new"));
    let world = World::of(&[&old, &new]);
    assert_eq!(world.verdict(&old), "ok");
    world.script.publish(set_of(&[&new]));
    world.pass(COOL_DOWN);
    assert_eq!(world.remote.refresh().unwrap(), RemoteRefresh::Changed);
    assert_eq!(
        [world.verdict(&old), world.verdict(&new)],
        ["unknown_key", "ok"]
    );
    // All of them, too: an empty set is a set.
    world.script.publish(r#"{"keys":[]}"#);
    world.pass(COOL_DOWN);
    world.remote.refresh().unwrap();
    assert_eq!(world.verdict(&new), "unknown_key");
    assert!(
        !world.remote.health().is_good(START),
        "a set without keys is not well"
    );
}

#[test]
fn another_key_under_a_known_id_replaces_it_and_is_reported() {
    let (one, twin) = (key("one"), key("one"));
    let world = World::of(&[&one]);
    world.script.publish(set_of(&[&twin]));
    world.pass(COOL_DOWN);
    assert_eq!(world.remote.refresh().unwrap(), RemoteRefresh::Changed);
    assert_eq!(
        [world.verdict(&one), world.verdict(&twin)],
        ["bad_signature", "ok"]
    );
    let health = world.remote.health();
    assert_eq!((health.replacements, health.replaced.len()), (1, 1));
    assert_eq!(health.replaced[0].id.as_str(), "one");
    // What health remembers is bounded, whatever an issuer does.
    for _ in 0..40 {
        world.script.publish(set_of(&[&key("one")]));
        world.pass(COOL_DOWN);
        world.remote.refresh().unwrap();
    }
    let health = world.remote.health();
    assert_eq!((health.replacements, health.replaced.len()), (41, 16));
}

#[test]
fn where_a_token_names_no_key_a_bad_signature_asks_for_a_fetch() {
    let (old, new) = (key("one"), key("one"));
    let world = World::of(&[&old]);
    let unnamed = |key| {
        let payload = format!(
            r#"{{"iss":"{ISSUER}","aud":"{AUDIENCE}","exp":{}}}"#,
            START.seconds() + 600
        );
        let token = tokenwright::sign_raw(key, payload.as_bytes(), b"", b"").unwrap();
        let (_, rest) = token.split_once('.').unwrap();
        // {"alg":"EdDSA"}; the signature is of another header, and so are a new key's to the old one.
        format!("eyJhbGciOiJFZERTQSJ9.{rest}")
    };
    world.script.publish(set_of(&[&new]));
    world.pass(COOL_DOWN);
    assert!(!world.tick());
    let error = world.verifier.verify(&unnamed(&new)).unwrap_err();
    assert_eq!(error.code(), "bad_signature");
    assert!(world.tick());
    // One that names its key asks for none: forging is free.
    world.pass(COOL_DOWN);
    let forged = world.mint(&old);
    assert_eq!(
        world.verifier.verify(&forged).unwrap_err().code(),
        "bad_signature"
    );
    assert!(!world.tick());
}

#[test]
fn a_promise_saves_every_fetch_for_unknown_keys_until_it_ends() {
    let (one, two) = (key("one"), key("two"));
    let until = START.saturating_add(Duration::from_secs(1000));
    let body = promising(&[&one], until);
    let world = World::lazy(RemoteKeys::jwks(JWKS), move |_| {
        with_headers(&body, &[("cache-control", "max-age=86400")])
    });
    world.remote.refresh().unwrap();
    let health = world.remote.health();
    assert_eq!(health.complete_until, Some(until));
    // The next fetch comes before the promise ends, though the lifetime is longer.
    assert!(health.next_fetch_in <= Duration::from_secs(800));
    world.script.fail();
    for _ in 0..69 {
        world.pass(10);
        assert_eq!(world.verdict(&two), "unknown_key");
        assert!(!world.tick());
    }
    assert_eq!(world.script.fetches(), 1);
    // The publisher is down when the promise ends: as without one from there.
    world.pass(310);
    assert!(world.tick());
    world.pass(COOL_DOWN);
    assert_eq!(world.verdict(&two), "unknown_key");
    assert!(world.tick());
    assert_eq!(world.verdict(&one), "ok");
}

#[test]
fn no_promise_outlives_the_set() {
    let one = key("one");
    let world = World::lazy(RemoteKeys::jwks(JWKS), {
        let body = promising(&[&one], UnixTime::from_seconds(i64::MAX));
        move |_| json(&body)
    });
    world.remote.refresh().unwrap();
    let health = world.remote.health();
    assert_eq!(health.complete_until, health.usable_until);
    // The set is asked for again all the same, and may be given up.
    assert!(health.next_fetch_in <= Duration::from_secs(480));
    world.script.fail();
    world.pass(24 * HOUR);
    assert_eq!(world.verdict(&one), "keys_unavailable");
    // A promise that has ended already is none.
    world.script.publish(promising(&[&one], START));
    world.tick();
    assert_eq!(world.verdict(&key("two")), "unknown_key");
    world.pass(COOL_DOWN);
    assert!(world.tick());
}

#[test]
fn one_fetch_is_under_way_at_most_and_verification_does_not_wait_for_it() {
    let one = key("one");
    let world = World::of(&[&one]);
    world.pass(COOL_DOWN);
    let (inside, leave) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let body = set_of(&[&one]);
    world.script.set({
        let (inside, leave) = (Arc::clone(&inside), Arc::clone(&leave));
        move |_| {
            inside.wait();
            leave.wait();
            json(&body)
        }
    });
    std::thread::scope(|scope| {
        let fetching = scope.spawn(|| world.remote.refresh().unwrap());
        inside.wait();
        // The fetch stands still now, for as long as this takes.
        for _ in 0..50 {
            assert_eq!(world.remote.refresh().unwrap(), RemoteRefresh::UnderWay);
            assert_eq!(
                world.remote.refresh_if_due().unwrap(),
                RemoteRefresh::UnderWay
            );
            assert_eq!(world.verdict(&one), "ok");
            assert_eq!(world.verdict(&key("two")), "unknown_key");
            assert_eq!(world.remote.health().fetches, 2);
        }
        leave.wait();
        assert_eq!(fetching.join().unwrap(), RemoteRefresh::Unchanged);
    });
    assert_eq!(world.script.fetches(), 2);
}

#[test]
fn a_client_that_panics_costs_one_fetch_and_shows() {
    let one = key("one");
    let world = World::of(&[&one]);
    world.script.set(|_| panic!("a client with a fault"));
    world.pass(COOL_DOWN);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.remote.refresh()));
    assert!(caught.is_err());
    assert_eq!(
        world.remote.health().last_error.unwrap().code(),
        "fetch_panicked"
    );
    assert_eq!(world.verdict(&one), "ok");
    world.script.publish(set_of(&[&one]));
    world.pass(COOL_DOWN);
    assert_eq!(world.remote.refresh().unwrap(), RemoteRefresh::Unchanged);
}

#[test]
fn no_bad_answer_costs_the_good_keys() {
    let one = key("one");
    let html = "<!doctype html><title>sign in</title>";
    let secret = r#"{"keys":[{"kty":"oct","alg":"HS256","k":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE"}]}"#;
    let member = set_of(&[&one]);
    let member = member.lines().nth(1).unwrap().to_owned();
    let typed = |content_type: &'static str, body: &str| {
        let body = body.as_bytes().to_vec();
        move |_: &http::Request<()>| {
            let answer = Response::builder().header("content-type", content_type);
            Ok(answer.body(body.clone()).unwrap())
        }
    };
    let world = World::of(&[&one]);
    let expect = |code: &str, class: ErrorClass| {
        world.pass(COOL_DOWN);
        let error = world.remote.refresh().unwrap_err();
        assert_eq!((error.code(), error.class()), (code, class));
        assert_eq!(world.verdict(&one), "ok", "{code}");
    };
    let unknown = ErrorClass::CannotKnow;
    for (content_type, body, code) in [
        ("text/html", html, "not_json"),
        ("text/plain", set_of(&[&one]).as_str(), "not_json"),
        ("application/json", html, "malformed_key_set"),
        ("application/json", "", "malformed_key_set"),
        ("application/json", "null", "malformed_key_set"),
        ("application/json", "{}", "malformed_key_set"),
        ("application/json", r#"{"keys":{}}"#, "malformed_key_set"),
        ("application/json", r#"{"keys":[]"#, "malformed_key_set"),
        (
            "application/json",
            r#"{"keys":[],"keys":[]}"#,
            "malformed_key_set",
        ),
        (
            "application/json",
            "\u{feff}{\"keys\":[]}",
            "malformed_key_set",
        ),
        ("application/json", secret, "shared_secret_in_public_set"),
        (
            "application/json",
            &format!(r#"{{"keys":[{member},{member}]}}"#),
            "duplicate_key_id",
        ),
        (
            "application/json",
            &format!(r#"{{"keys":[{}1]}}"#, "1,".repeat(1024)),
            "too_many_keys",
        ),
        ("application/json", &" ".repeat(10 << 20), "answer_too_long"),
    ] {
        world.script.set(typed(content_type, body));
        expect(code, unknown);
    }
    for (number, code) in [
        (500, "bad_status"),
        (503, "bad_status"),
        (404, "bad_status"),
        (204, "bad_status"),
        (206, "bad_status"),
        (304, "bad_status"),
        (301, "redirect_refused"),
        (302, "redirect_refused"),
        (308, "redirect_refused"),
    ] {
        world.script.set(move |_| status(number));
        expect(code, unknown);
    }
    world
        .script
        .set(|_| Ok(Response::new(b"{\"keys\":[]}".to_vec())));
    expect("not_json", unknown);
    for (kind, code, class) in [
        (FetchErrorKind::Unreachable, "unreachable", unknown),
        (FetchErrorKind::TooSlow, "too_slow", unknown),
        (FetchErrorKind::Tls, "tls_failed", unknown),
        (FetchErrorKind::AddressRefused, "address_refused", unknown),
        (FetchErrorKind::BadAnswer, "bad_answer", unknown),
        (
            FetchErrorKind::Certificates,
            "bad_certificates",
            ErrorClass::Operator,
        ),
    ] {
        world
            .script
            .set(move |_| Err(FetchError::new(kind, "by script")));
        expect(code, class);
    }
}

#[test]
fn a_bad_member_of_a_set_costs_none_of_the_others() {
    let one = key("one");
    let good = set_of(&[&one]);
    let good = good.lines().nth(1).unwrap();
    let body = format!(r#"{{"keys":[7,{{"kty":"EC"}},{{"kty":"new"}},{good}]}}"#);
    let world = World::lazy(RemoteKeys::jwks(JWKS), move |_| json(&body));
    world.remote.refresh().unwrap();
    let health = world.remote.health();
    assert_eq!(
        (health.keys, health.skipped, health.reasons.len()),
        (1, 3, 3)
    );
    assert_eq!(world.verdict(&one), "ok");
}

#[test]
fn the_thread_fetches_when_a_token_asks_and_ends_when_its_handle_is_dropped() {
    let (one, two) = (key("one"), key("two"));
    let body = set_of(&[&one]);
    let world = World::lazy(RemoteKeys::jwks(JWKS), move |_| json(&body));
    let (told, fetched) = mpsc::channel();
    let publish = |body: String| {
        let told = told.clone();
        world.script.set(move |_| {
            let _ = told.send(());
            json(&body)
        });
    };
    let deadline = Duration::from_secs(60);
    publish(set_of(&[&one]));
    let handle = world.remote.spawn().unwrap();
    fetched.recv_timeout(deadline).expect("the first load");
    // The set lands a moment after its answer was given.
    let until = Instant::now() + deadline;
    let wait_for = |what: &dyn Fn() -> bool| {
        while !what() {
            assert!(Instant::now() < until, "it never came");
            std::thread::yield_now();
        }
    };
    wait_for(&|| world.remote.health().keys == 1);
    publish(set_of(&[&one, &two]));
    world.pass(COOL_DOWN);
    assert_eq!(world.verdict(&two), "unknown_key");
    fetched.recv_timeout(deadline).expect("a token has asked");
    wait_for(&|| world.verdict(&two) == "ok");
    drop(handle);
}

#[test]
fn among_several_issuers_a_stranger_is_asked_for_at_each_of_them() {
    let (one, two) = (key("one"), key("two"));
    let (first, second) = (World::of(&[&one]), World::of(&[&two]));
    let fixed = KeySet::of([key("fixed").verifying_key()]).unwrap();
    let fixed = Verifier::builder(fixed)
        .policy(Policy::new("https://fixed.example", AUDIENCE))
        .without_revocation()
        .build();
    let both = [first.verifier.clone(), second.verifier.clone(), fixed];
    let verifiers = Verifiers::of(both).unwrap();
    for world in [&first, &second] {
        world.pass(COOL_DOWN);
        assert!(!world.tick());
    }
    let token = first.mint(&key("three"));
    assert_eq!(verifiers.verify(&token).unwrap_err().code(), "unknown_key");
    assert!(first.tick() && second.tick());
}
