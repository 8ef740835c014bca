//! The inspector page: what it shows, to whom, and that nothing in a token becomes
//! part of the page.

use crate::client::Answer;
use crate::place::Place;
use crate::running::Running;

/// Sends the form as a browser at this machine does.
fn submit(server: &Running, body: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = "POST / HTTP/1.1\r\n".to_owned();
    let own = ("Host", "localhost:4180");
    let hosts = headers.iter().any(|(name, _)| *name == "Host");
    for (name, value) in (!hosts).then_some(own).iter().chain(headers) {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    let mut client = server.client();
    // The server may refuse a long body before all of it is sent.
    let _ = client.send(request);
    client.answer("POST").unwrap()
}

fn inspect(server: &Running, token: &str) -> String {
    submit(server, &format!("token={token}"), &[]).is(200).body
}

fn page(server: &Running, host: &str) -> Answer {
    let mut client = server.client();
    let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
    client.send(request).unwrap();
    client.answer("GET").unwrap()
}

#[test]
fn a_good_token_is_shown_with_its_claims_its_times_and_the_verdict() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &[]);
    let token = place.mint(&["--sub", "alice", "--scope", "orders:read"]);
    let shown = inspect(&server, &token);
    for expected in [
        "<h2>Valid</h2>",
        "alice",
        "orders:read",
        "EdDSA",
        "class=\"line\"",
        "class=\"timeline\"",
        "in 15 minutes",
    ] {
        let almost = "in 14 minutes 59 seconds";
        let there =
            shown.contains(expected) || (expected.starts_with("in ") && shown.contains(almost));
        assert!(there, "{expected} in {shown}");
    }
    assert!(!shown.contains("unverified"), "{shown}");
}

#[test]
fn a_refused_token_is_shown_with_every_reason_and_a_warning() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &[]);
    let token = place.mint(&["--sub", "alice", "--aud", "other", "--nbf", "+5m"]);
    let shown = inspect(&server, &token);
    for expected in [
        "<h2>Refused</h2>",
        "aud_mismatch",
        "not_yet_valid",
        "unverified: anyone",
    ] {
        assert!(shown.contains(expected), "{expected} in {shown}");
    }
    let shown = inspect(&server, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0.");
    for expected in ["<h2>Refused</h2>", "alg_none", "no_exp"] {
        assert!(shown.contains(expected), "{expected} in {shown}");
    }
    let shown = inspect(&server, "not+a+token");
    assert!(shown.contains("malformed"), "{shown}");
}

#[test]
fn an_encrypted_token_is_opened_only_when_it_is_good() {
    let place = Place::with_keys("v4.local");
    let server = Running::start(&place, &[]);
    let good = place.mint(&["--sub", "alice-inside"]);
    assert!(inspect(&server, &good).contains("alice-inside"));
    let foreign = Place::with_keys("v4.local").mint(&["--sub", "alice-inside"]);
    let shown = inspect(&server, &foreign);
    assert!(!shown.contains("alice-inside"), "{shown}");
    assert!(
        shown.contains("Encrypted: only the key opens them"),
        "{shown}"
    );
}

#[test]
fn nothing_in_a_token_becomes_part_of_the_page() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &[]);
    let evil = "\"><script>alert(1)</script><img src=x onerror=y>'</textarea>\u{202e}";
    let claim = format!("{evil}={evil}");
    let token = place.mint(&[
        "--sub", evil, "--jti", evil, "--claim", &claim, "--scope", "<b>",
    ]);
    let shown = inspect(&server, &token);
    for part in ["<script", "<img", "<b>", "\u{202e}", "'</textarea>"] {
        assert!(!shown.contains(part), "{part} in {shown}");
    }
    assert!(shown.contains("&lt;script&gt;alert(1)"), "{shown}");
    // The same in what is not a token at all.
    let shown = submit(&server, "token=%3Cscript%3E%22%27%3C%2Ftextarea%3E", &[])
        .is(200)
        .body;
    assert!(!shown.contains("<script"), "{shown}");
    assert_eq!(shown.matches("</textarea>").count(), 1);
}

#[test]
fn the_page_runs_no_script_loads_nothing_and_is_kept_nowhere() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &[]);
    let page = page(&server, "127.0.0.1:4180").is(200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'self';"),
        "{policy}"
    );
    assert!(
        !policy.contains("script") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert!(policy.contains("form-action 'self'"), "{policy}");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    for forbidden in ["<script", "style=", "http:", "https:", "onclick", "@import"] {
        assert!(
            !page.body.contains(forbidden),
            "{forbidden} in {}",
            page.body
        );
    }
    let style = server.ask("GET", "/inspector.css", &[]);
    assert_eq!(style.status, 403, "its Host is not this machine's");
    let mut client = server.client();
    client
        .send("GET /inspector.css HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let style = client.answer("GET").unwrap().is(200);
    assert_eq!(
        style.header("content-type"),
        Some("text/css; charset=utf-8")
    );
    assert!(style.body.contains("prefers-color-scheme: dark"));
    assert!(!style.body.contains("url(http") && !style.body.contains("@import"));
}

#[test]
fn other_sites_can_neither_read_the_page_nor_fill_in_its_form() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &[]);
    for host in [
        "evil.example",
        "localhost.evil.example",
        "169.254.169.254",
        "",
    ] {
        page(&server, host).is(403);
        submit(&server, "token=x", &[("Host", host)]).is(403);
    }
    for site in ["cross-site", "same-site"] {
        submit(&server, "token=x", &[("Sec-Fetch-Site", site)]).is(403);
    }
    submit(&server, "token=x", &[("Sec-Fetch-Site", "same-origin")]).is(200);
}

#[test]
fn it_is_there_only_on_loopback_or_when_asked_for() {
    let place = Place::with_keys("EdDSA");
    page(
        &Running::start(&place, &["--inspector", "off"]),
        "localhost",
    )
    .is(404);
    let everyone = Running::start(&place, &["--inspector", "on"]);
    page(&everyone, "inspector.example").is(200);
    let all_addresses = Running::start_on(&place, &["--listen", "0.0.0.0:0"]);
    let port = all_addresses.address().port();
    let mut client = crate::client::Client::to(([127, 0, 0, 1], port).into()).unwrap();
    client
        .send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    client.answer("GET").unwrap().is(404);
}

#[test]
fn forms_too_long_or_without_a_token_are_refused() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &["--request-timeout", "1s"]);
    let long = format!("token={}", "a".repeat(100_000));
    submit(&server, &long, &[]).is(413);
    for odd in ["", "x=1", "token=%zz", "token=%ff", "{\"token\":\"x\"}"] {
        submit(&server, odd, &[]).is(400);
    }
    // A body that does not come is not waited for, for ever.
    let mut client = server.client();
    client
        .send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\ntok")
        .unwrap();
    assert!(client.is_closed());
    server.ask("DELETE", "/", &[("X", "y")]).is(403);
    let metrics = server.get("/metrics").body;
    assert!(
        metrics.contains("{endpoint=\"inspector\",status=\"413\"} 1\n"),
        "{metrics}"
    );
}
