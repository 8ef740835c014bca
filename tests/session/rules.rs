//! Each rule by itself.

use tokenwright::key::Algorithm;
use tokenwright::session::{
    Carried, CookieLife, Login, Origins, Provenance, SameSite, Sender, Session, SessionCookies,
    SessionErrorKind, SessionTimes, Sessions,
};
use tokenwright::{Claims, ErrorClass, Minter, Policy, Presented, RevokedBy, Verifier};

use crate::scene::*;

#[test]
fn a_login_sets_two_host_cookies_and_the_session_says_who_since_when_and_until_when() {
    let server = Server::new(&keys(), TIMES);
    let jar = server.log_in("alice", 0);
    let session = server.judge(&jar, 5).unwrap();
    assert_eq!(session.subject(), "alice");
    assert_eq!(*session.data(), 7);
    assert_eq!(session.started_at(), at(0));
    assert_eq!(session.renewed_at(), at(0));
    assert_eq!(session.expires_at(), at(100));
    assert_eq!(session.ends_at(), at(1_000));
    // 128 and 256 random bits, in base64url.
    assert_eq!(session.id().len(), 22);
    assert_eq!(jar.fingerprint.as_ref().map(String::len), Some(43));
    let again = server.log_in("alice", 0);
    assert_ne!(server.judge(&again, 5).unwrap().id(), session.id());
    assert_ne!(again.fingerprint, jar.fingerprint);
}

#[test]
fn an_idle_session_is_over_by_the_second_and_no_leeway_lengthens_it() {
    let server = Server::new(&keys(), TIMES);
    let jar = server.log_in("alice", 0);
    assert!(server.judge(&jar, 99).is_ok());
    let error = server.judge(&jar, 100).unwrap_err();
    assert_eq!(error.code(), "session_over");
    assert_eq!(error.class(), ErrorClass::NotNow);
    // Past the verifier's own leeway the word is the same.
    assert_eq!(server.judge(&jar, 500).unwrap_err().code(), "session_over");
}

#[test]
fn most_responses_set_no_cookie_and_a_renewal_keeps_the_login() {
    let server = Server::new(&keys(), TIMES);
    let mut jar = server.log_in("alice", 0);
    let first = server.judge(&jar, 0).unwrap();
    for second in 0..20 {
        server.request(&mut jar, second).unwrap();
    }
    assert_eq!(jar.set, 1, "the share of its life has not passed");
    server.request(&mut jar, 20).unwrap();
    assert_eq!(jar.set, 2);
    let renewed = server.judge(&jar, 20).unwrap();
    assert_eq!(renewed.expires_at(), at(120));
    assert_eq!(renewed.id(), first.id());
    assert_eq!(renewed.started_at(), first.started_at());
    assert_eq!(renewed.form_token(), first.form_token());
    assert_ne!(renewed.token_id(), first.token_id());
}

#[test]
fn no_renewal_passes_the_absolute_end() {
    let server = Server::new(&keys(), TIMES);
    let mut jar = server.log_in("alice", 0);
    for second in 0..1_000 {
        let session = server.request(&mut jar, second).unwrap();
        assert!(session.expires_at() <= at(1_000));
        assert_eq!(session.ends_at(), at(1_000));
    }
    assert_eq!(
        server.judge(&jar, 1_000).unwrap_err().code(),
        "session_over"
    );
    // One at the login, one every 20 s, and none once a new one would not live longer.
    assert_eq!(jar.set, 1 + 900 / 20);
}

#[test]
fn a_token_without_its_fingerprint_is_stolen_and_refused() {
    let server = Server::new(&keys(), TIMES);
    let jar = server.log_in("alice", 0);
    let other = server.log_in("alice", 0);
    let with = |fingerprint: Option<&str>| {
        let carried = Carried {
            token: &jar.token,
            fingerprint,
        };
        let refused = server.sessions.judge::<u32>(carried, at(1)).unwrap_err();
        assert_eq!(refused.class(), ErrorClass::NotHere);
        refused.code()
    };
    assert_eq!(with(None), "no_fingerprint");
    assert_eq!(with(other.fingerprint.as_deref()), "other_fingerprint");
    for garbage in ["", "A", &"A".repeat(43), &"A".repeat(100_000), "\0", "é"] {
        assert_eq!(with(Some(garbage)), "other_fingerprint");
    }
}

#[test]
fn logging_out_ends_the_session_in_every_tab_and_on_every_server() {
    let keys = keys();
    let (here, there) = (Server::new(&keys, TIMES), Server::new(&keys, TIMES));
    let mut jar = here.log_in("alice", 0);
    let old_tab = jar.clone();
    let other_browser = here.log_in("alice", 0);
    let session = here.request(&mut jar, 50).unwrap();
    let entry = here.sessions.log_out(&session, at(50));
    // Kept until the session's end, and twice the difference of clocks.
    assert_eq!(entry.until(), at(1_000 + 60));
    for server in [&here, &there] {
        server.learn(std::slice::from_ref(&entry));
        for jar in [&jar, &old_tab] {
            assert_eq!(server.judge(jar, 51).unwrap_err().code(), "revoked");
        }
        assert!(server.judge(&other_browser, 51).is_ok());
    }
}

#[test]
fn logging_out_everywhere_is_not_outrun_by_a_renewal_on_a_server_that_has_not_heard_of_it() {
    let keys = keys();
    let (here, there) = (Server::new(&keys, TIMES), Server::new(&keys, TIMES));
    let jar = here.log_in("alice", 0);
    let mut elsewhere = there.log_in("alice", 10);
    let session = here.judge(&jar, 40).unwrap();
    let entries = here.sessions.log_out_everywhere(&session, at(40));
    assert_eq!(entries[0].by(), RevokedBy::Subject);
    assert_eq!(entries[1].by(), RevokedBy::Session);
    here.learn(&entries);
    // The other server renews: a token that was issued after the user logged out everywhere.
    there.request(&mut elsewhere, 60).unwrap();
    assert_eq!(elsewhere.set, 2);
    for server in [&here, &there] {
        server.learn(&entries);
        assert_eq!(server.judge(&elsewhere, 61).unwrap_err().code(), "revoked");
        assert_eq!(server.judge(&jar, 61).unwrap_err().code(), "revoked");
    }
    // The entry outlives every session that began before.
    assert!(entries[0].until() >= at(41 + 1_000));
}

#[test]
fn whoever_logs_in_again_within_the_second_of_logging_out_everywhere_is_let_in() {
    let server = Server::new(&keys(), TIMES);
    let jar = server.log_in("alice", 0);
    let session = server.judge(&jar, 0).unwrap();
    server.learn(&server.sessions.log_out_everywhere(&session, at(0)));
    assert!(server.judge(&jar, 0).is_err());
    let mut again = server.log_in("alice", 0);
    assert_eq!(server.judge(&again, 0).unwrap().started_at(), at(1));
    for second in 0..200 {
        server.request(&mut again, second).unwrap();
    }
}

#[test]
fn a_user_who_is_banned_for_longer_cannot_log_in() {
    let server = Server::new(&keys(), TIMES);
    server.learn(&[server.sessions.end_all_of("alice", at(3_600))]);
    let refused = server
        .sessions
        .log_in(&Login::of("alice"), at(0))
        .unwrap_err();
    assert_eq!(
        (refused.code(), refused.class()),
        ("revoked", ErrorClass::Withdrawn)
    );
    assert!(server.sessions.log_in(&Login::of("bob"), at(0)).is_ok());
}

#[test]
fn a_configuration_made_stricter_holds_for_the_sessions_there_are() {
    let keys = keys();
    let before = Server::new(&keys, TIMES);
    let stricter = SessionTimes {
        idle: seconds(30),
        absolute: seconds(60),
    };
    let after = Server::new(&keys, stricter);
    let jar = before.log_in("alice", 0);
    assert_eq!(after.judge(&jar, 0).unwrap().ends_at(), at(60));
    assert!(after.judge(&jar, 29).is_ok());
    assert_eq!(after.judge(&jar, 30).unwrap_err().code(), "session_over");
    // It may be relaxed again: what is ended under it stays ended for as long as the
    // token said at first, also when it was renewed in between.
    let mut renewed = jar.clone();
    let stated = before.judge(&jar, 0).unwrap().ends_at();
    for second in [10, 20] {
        let session = after.request(&mut renewed, second).unwrap();
        let ended = after.sessions.log_out(&session, at(second));
        assert!(ended.until() >= stated, "{second}");
    }
    assert_ne!(renewed.token, jar.token);
    let all = after.sessions.end_all_of("alice", at(10));
    assert!(all.until() >= at(10).saturating_add(tokenwright::session::MAX_SESSION));
}

/// A JWT by its type, a PASETO by its assertion.
#[test]
fn a_session_is_no_api_token_and_an_api_token_is_no_session() {
    for algorithm in [Algorithm::EdDsa, Algorithm::V4Public, Algorithm::V4Local] {
        let keys = keys_for(algorithm);
        let server = Server::new(&keys, TIMES);
        let jar = server.log_in("alice", 0);
        assert!(server.judge(&jar, 1).is_ok(), "{algorithm}");

        let api = Verifier::builder(keys.1.clone())
            .policy(Policy::new(ISSUER, "shop"))
            .without_revocation()
            .build();
        assert!(api.verify(Presented::new(&jar.token).at(at(1))).is_err());

        let minter = Minter::builder(keys.0.clone(), ISSUER)
            .audience("shop")
            .clock(tokenwright::ManualClock::at(at(0)))
            .build()
            .unwrap();
        let token = minter
            .mint(&Claims::for_subject("alice").with_session_id("x"))
            .unwrap();
        let carried = Carried {
            token: &token,
            fingerprint: jar.fingerprint.as_deref(),
        };
        let refused = server.sessions.judge::<u32>(carried, at(1)).unwrap_err();
        assert!(
            matches!(refused.kind(), SessionErrorKind::Token(_)),
            "{algorithm}"
        );
    }
}

#[test]
fn data_of_the_application_travels_with_the_session_and_can_be_replaced() {
    let server = Server::new(&keys(), TIMES);
    let mut jar = server.log_in("alice", 0);
    let session = server.judge(&jar, 5).unwrap();
    jar.keep(&server.sessions.with_data(&session, &8_u32, at(5)).unwrap());
    let changed = server.judge(&jar, 6).unwrap();
    assert_eq!(*changed.data(), 8);
    assert_eq!(changed.id(), session.id());
    assert_eq!(changed.ends_at(), session.ends_at());
    // Data of another type is no session of this application.
    let error = server
        .sessions
        .judge::<Vec<String>>(jar.carried(), at(6))
        .unwrap_err();
    assert_eq!(error.code(), "bad_claims");
}

#[test]
fn a_cookie_that_browsers_would_drop_is_not_set() {
    let server = Server::new(&keys(), TIMES);
    let issue = |length: usize| {
        let login = Login::of("alice").with_data("x".repeat(length));
        let issued = server.sessions.log_in(&login, at(0)).unwrap();
        cookies().set(&issued, at(0))
    };
    let longest = (0..4_096)
        .rev()
        .find(|length| issue(*length).is_ok())
        .unwrap();
    assert!(issue(longest).unwrap()[0].len() <= 4_096);
    let error = issue(longest + 1).unwrap_err();
    assert_eq!(error.code(), "cookie_too_long");
    assert!(longest > 2_000, "{longest} bytes is little room");
}

#[test]
fn a_form_token_is_good_for_its_own_session_only() {
    let server = Server::new(&keys(), TIMES);
    let session = |jar: &Jar| -> Session<u32> { server.judge(jar, 1).unwrap() };
    let (mine, other) = (server.log_in("alice", 0), server.log_in("alice", 0));
    let token = session(&mine).form_token();
    assert!(session(&mine).check_form_token(&token).is_ok());
    for wrong in [
        session(&other).form_token().as_str(),
        "",
        &token[1..],
        &format!("{token}A"),
    ] {
        let error = session(&mine).check_form_token(wrong).unwrap_err();
        assert_eq!(
            (error.code(), error.class().http_status()),
            ("bad_form_token", 403)
        );
    }
}

#[test]
fn a_request_that_changes_something_must_come_from_a_page_of_this_site() {
    let ours = Origins::of("https://shop.example").unwrap();
    let judge = |method, fetch_site, origin| {
        ours.judge(Sender {
            method,
            fetch_site,
            origin,
            opens_channel: false,
        })
        .map_err(|error| error.code())
    };
    let socket = |fetch_site, origin| {
        let sender = Sender {
            method: "GET",
            fetch_site,
            origin,
            opens_channel: true,
        };
        ours.judge(sender).map_err(|error| error.code())
    };
    let sibling = Some("https://blog.shop.example");
    assert_eq!(socket(Some("same-site"), sibling), Err("cross_site"));
    assert_eq!(socket(None, sibling), Err("cross_site"));
    assert_eq!(
        socket(None, Some("https://shop.example")),
        Ok(Provenance::Ours)
    );
    assert_eq!(socket(None, None), Ok(Provenance::Unstated));
    let (home, evil) = (Some("https://shop.example"), Some("https://evil.example"));
    for (method, site, origin, expected) in [
        ("GET", Some("cross-site"), evil, Ok(Provenance::Safe)),
        ("POST", Some("same-origin"), home, Ok(Provenance::Ours)),
        ("POST", Some("none"), None, Ok(Provenance::Ours)),
        ("POST", None, home, Ok(Provenance::Ours)),
        ("POST", None, None, Ok(Provenance::Unstated)),
        ("POST", Some("cross-site"), evil, Err("cross_site")),
        (
            "POST",
            Some("same-site"),
            Some("https://blog.shop.example"),
            Err("cross_site"),
        ),
        ("DELETE", Some("cross-site"), None, Err("cross_site")),
        ("POST", Some("made-up"), None, Err("cross_site")),
        ("POST", None, evil, Err("cross_site")),
        ("POST", None, Some("null"), Err("cross_site")),
        ("POST", None, Some("http://shop.example"), Err("cross_site")),
        (
            "POST",
            None,
            Some("https://shop.example.evil.example"),
            Err("cross_site"),
        ),
        // A method in lower case is another method, and not a safe one.
        ("get", None, evil, Err("cross_site")),
    ] {
        assert_eq!(
            judge(method, site, origin),
            expected,
            "{method} {site:?} {origin:?}"
        );
    }
    for bad in [
        "shop.example",
        "https://",
        "https://shop.example/",
        "HTTPS://SHOP.EXAMPLE",
        "*",
        "null",
        "",
    ] {
        assert_eq!(Origins::of(bad).unwrap_err().code(), "bad_origin", "{bad}");
    }
}

#[test]
fn cookies_carry_what_was_asked_for_and_never_a_domain() {
    let server = Server::new(&keys(), TIMES);
    let issued = server.sessions.log_in(&Login::of("alice"), at(0)).unwrap();
    let strict = SessionCookies::named("s")
        .unwrap()
        .same_site(SameSite::Strict)
        .life(CookieLife::UntilSessionEnds);
    for line in strict.set(&issued, at(10)).unwrap() {
        assert!(line.starts_with("__Host-s"), "{line}");
        assert!(
            line.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=990"),
            "{line}"
        );
    }
    for line in strict.clear() {
        assert!(line.ends_with("=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"));
    }
    for bad in [
        "",
        "a b",
        "a;b",
        "a=b",
        "__Host-a",
        "__Secure-a",
        "é",
        "a\r\nSet-Cookie: x",
        &"a".repeat(65),
    ] {
        let error = SessionCookies::named(bad).unwrap_err();
        assert_eq!(error.code(), "bad_cookie_name", "{bad:?}");
    }
}

#[test]
fn times_that_contradict_each_other_are_refused_when_sessions_are_set_up() {
    let refused = |idle, absolute, renew: Option<u64>| {
        let keys = keys();
        let times = SessionTimes {
            idle: seconds(idle),
            absolute: seconds(absolute),
        };
        let builder = Sessions::builder(keys.0, keys.1, ISSUER, "shop")
            .times(times)
            .without_revocation();
        let builder = match renew {
            Some(age) => builder.renew_after(seconds(age)),
            None => builder,
        };
        builder.build().map(drop).map_err(|error| error.code())
    };
    assert_eq!(refused(1, 10, None), Err("idle_too_short"));
    assert_eq!(refused(10, 9, None), Err("absolute_shorter_than_idle"));
    assert_eq!(refused(10, 401 * 86_400, None), Err("absolute_too_long"));
    assert_eq!(refused(10, 10, Some(10)), Err("renewal_too_late"));
    assert_eq!(refused(2, 2, None), Ok(()));
}

#[test]
fn without_random_bytes_nobody_is_logged_in() {
    struct Dry;
    impl tokenwright::key::Entropy for Dry {
        fn fill(&self, _: &mut [u8]) -> Result<(), tokenwright::key::KeyError> {
            // Any failure of the source will do.
            tokenwright::key::KeyId::new("").map(drop)
        }
    }
    let keys = keys();
    let sessions = Sessions::builder(keys.0, keys.1, ISSUER, "shop")
        .times(TIMES)
        .without_revocation()
        .entropy(Dry)
        .build()
        .unwrap();
    assert!(sessions.log_in(&Login::of("alice"), at(0)).is_err());
    assert_eq!(
        Server::new(&crate::scene::keys(), TIMES)
            .sessions
            .log_in(&Login::of(""), at(0))
            .unwrap_err()
            .code(),
        "no_subject"
    );
}

#[test]
fn neither_debug_output_nor_errors_show_a_credential() {
    let server = Server::new(&keys(), TIMES);
    let issued = server.sessions.log_in(&Login::of("alice"), at(0)).unwrap();
    let jar = server.log_in("alice", 0);
    let session = server.judge(&jar, 1).unwrap();
    let shown = format!(
        "{issued:?} {session:?} {:?} {:?} {:?} {}",
        jar.carried(),
        issued.fingerprint(),
        server.sessions,
        server.judge(&jar, 100).unwrap_err()
    );
    for secret in [
        &jar.token,
        jar.fingerprint.as_ref().unwrap(),
        issued.token(),
        "alice",
        &session.form_token(),
    ] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
