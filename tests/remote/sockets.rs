//! The built-in client against servers of all kinds, over real sockets. Each hostile one
//! is judged by verdict, bytes and time, and costs none of the keys read before.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokenwright::http::remote::{
    Addresses, Authorities, HttpClient, HttpClientBuilder, Redirects, RemoteError, RemoteKeys,
    RemoteRefresh, Schemes,
};
use tokenwright::key::SigningKey;
use tokenwright::limits::MAX_JWKS_BYTES;
use tokenwright::{ManualClock, Policy, Verifier};

use crate::scene::{AUDIENCE, COOL_DOWN, ISSUER, START, key, set_of};
use crate::server::{Authority, Behaviour, PATIENCE, Peer, Server, answer, publishes, says};

/// How long a fetch may take here.
const LIMIT: Duration = Duration::from_millis(400);
/// What a busy machine may add; the servers go on for much longer.
const SLACK: Duration = Duration::from_secs(15);
/// What the sockets of both sides may hold while nobody reads.
const SOCKET_BUFFERS: u64 = 12 << 20;

const JSON: (&str, &str) = ("Content-Type", "application/json");

fn patient() -> HttpClientBuilder {
    HttpClient::builder()
        .addresses(Addresses::PublicAndPrivate)
        .connect_limit(PATIENCE)
        .time_limit(PATIENCE)
}

fn hasty() -> HttpClientBuilder {
    patient().connect_limit(LIMIT).time_limit(LIMIT)
}

fn load(url: &str, client: HttpClientBuilder) -> Result<RemoteKeys, RemoteError> {
    RemoteKeys::jwks(url)
        .schemes(Schemes::HttpsAndHttp)
        .client(client.build().unwrap())
        .load()
}

/// The code of the error, which came within the limit and some slack.
fn code(url: &str, client: HttpClientBuilder) -> &'static str {
    let started = Instant::now();
    let code = load(url, client).map(|_| ()).unwrap_err().code();
    let took = started.elapsed();
    assert!(took < LIMIT + SLACK, "{code} took {took:?}");
    code
}

/// A verifier whose keys were read from a server that then changes its ways.
struct Place {
    server: Server,
    clock: Arc<ManualClock>,
    remote: RemoteKeys,
    verifier: Verifier,
    key: SigningKey,
}

impl Place {
    fn new(client: HttpClientBuilder) -> Self {
        let key = key("one");
        let server = Server::plain(publishes(&set_of(&[&key])));
        let clock = Arc::new(ManualClock::at(START));
        let remote = |client: HttpClientBuilder| {
            RemoteKeys::jwks(server.url())
                .schemes(Schemes::HttpsAndHttp)
                .client(client.build().unwrap())
                .clock(Arc::clone(&clock))
        };
        // The first load is not what is measured: the client under test comes second.
        let switch = Switch(std::sync::Mutex::new(patient().build().unwrap()));
        let switch = Arc::new(switch);
        let remote = remote(patient())
            .client(Arc::clone(&switch))
            .load()
            .unwrap();
        *switch.0.lock().unwrap() = client.build().unwrap();
        let verifier = Verifier::builder(remote.keys())
            .policy(Policy::new(ISSUER, AUDIENCE))
            .without_revocation()
            .clock(Arc::clone(&clock))
            .build();
        Self {
            server,
            clock,
            remote,
            verifier,
            key,
        }
    }

    fn refresh(&self) -> Result<RemoteRefresh, RemoteError> {
        self.clock.pass(Duration::from_secs(COOL_DOWN));
        self.remote.refresh()
    }

    fn good_token_passes(&self) -> bool {
        let token = crate::scene::mint(&self.key, &self.clock);
        self.verifier.verify(&token).is_ok()
    }
}

struct Switch(std::sync::Mutex<HttpClient>);

impl tokenwright::http::remote::Fetch for Switch {
    fn fetch(
        &self,
        request: &http::Request<()>,
        limit: usize,
    ) -> Result<http::Response<Vec<u8>>, tokenwright::http::remote::FetchError> {
        let client = self.0.lock().unwrap().clone();
        client.fetch(request, limit)
    }
}

/// This behaviour gives this error in time, without reading without end, and the keys
/// read before stay in use.
fn costs_no_key(behaviour: Behaviour, expected: &str) -> RemoteError {
    let place = Place::new(hasty());
    place.server.now(behaviour);
    let before = place.server.written();
    let started = Instant::now();
    let error = place.refresh().unwrap_err();
    let took = started.elapsed();
    assert_eq!(error.code(), expected, "{error}");
    assert!(took < LIMIT + SLACK, "{error}: {took:?}");
    let sent = place.server.written() - before;
    assert!(
        sent <= MAX_JWKS_BYTES as u64 + SOCKET_BUFFERS,
        "{error}: {sent} bytes"
    );
    assert!(place.good_token_passes(), "{error}");
    let health = place.remote.health();
    assert_eq!((health.keys, health.failures), (1, 1));
    println!("{expected}: {took:?}, {sent} bytes sent");
    error
}

#[test]
fn a_set_is_read_over_a_real_connection_and_not_modified_is_understood() {
    let place = Place::new(patient());
    assert!(place.good_token_passes());
    let head = place.server.heads()[0].to_lowercase();
    assert!(head.starts_with("get /jwks.json http/1.1\r\n"), "{head}");
    assert!(
        head.contains("accept: application/jwk-set+json, application/json\r\n"),
        "{head}"
    );
    assert!(head.contains("user-agent: tokenwright/"), "{head}");
    let body = set_of(&[&place.key]);
    place.server.now(says(answer(
        "200 OK",
        &[JSON, ("ETag", "\"7\"")],
        body.as_bytes(),
    )));
    assert_eq!(place.refresh().unwrap(), RemoteRefresh::Unchanged);
    place.server.now(Arc::new(|peer: &mut Peer<'_>| {
        let known = peer
            .head
            .to_lowercase()
            .contains("if-none-match: \"7\"\r\n");
        peer.send(if known {
            b"HTTP/1.1 304 Not Modified\r\n\r\n"
        } else {
            b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
        });
    }));
    assert_eq!(place.refresh().unwrap(), RemoteRefresh::Unchanged);
    assert!(place.good_token_passes());
}

#[test]
fn a_key_removed_by_the_server_is_refused() {
    let place = Place::new(patient());
    place.server.now(publishes(&set_of(&[&key("two")])));
    assert_eq!(place.refresh().unwrap(), RemoteRefresh::Changed);
    assert!(!place.good_token_passes());
}

#[test]
fn another_key_under_a_known_id_is_taken_and_reported() {
    let place = Place::new(patient());
    place.server.now(publishes(&set_of(&[&key("one")])));
    place.refresh().unwrap();
    assert!(!place.good_token_passes());
    assert_eq!(place.remote.health().replaced[0].id.as_str(), "one");
}

#[test]
fn a_server_that_says_nothing_costs_the_time_limit() {
    costs_no_key(Arc::new(|peer: &mut Peer<'_>| peer.hold()), "too_slow");
}

#[test]
fn a_server_that_drips_its_headers_costs_the_time_limit() {
    let headers = "HTTP/1.1 200 OK\r\nX: ".to_owned() + &"x".repeat(10_000);
    costs_no_key(
        Arc::new(move |peer: &mut Peer<'_>| peer.drip(headers.as_bytes())),
        "too_slow",
    );
}

#[test]
fn a_server_that_drips_its_body_costs_the_time_limit() {
    let body = answer("200 OK", &[JSON], " ".repeat(10_000).as_bytes());
    let drip: Behaviour = Arc::new(move |peer: &mut Peer<'_>| {
        let (head, body) = body.split_at(body.len() - 10_000);
        peer.send(head);
        peer.drip(body);
    });
    costs_no_key(drip, "too_slow");
}

#[test]
fn a_server_that_drips_chunks_costs_the_time_limit() {
    let drip: Behaviour = Arc::new(|peer: &mut Peer<'_>| {
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
        peer.drip(&b"1\r\n \r\n".repeat(2_000));
    });
    costs_no_key(drip, "too_slow");
}

#[test]
fn ten_megabytes_announced_are_not_read() {
    costs_no_key(
        says(answer("200 OK", &[JSON], &vec![b' '; 10 << 20])),
        "answer_too_long",
    );
}

#[test]
fn an_endless_body_is_left_at_the_limit() {
    for head in [
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
    ] {
        let endless: Behaviour = Arc::new(move |peer: &mut Peer<'_>| {
            peer.send(head.as_bytes());
            let spaces = " ".repeat(0x4000);
            let piece = if head.contains("chunked") {
                format!("4000\r\n{spaces}\r\n")
            } else {
                spaces
            };
            let until = Instant::now() + PATIENCE;
            while Instant::now() < until && peer.send(piece.as_bytes()) {}
        });
        // Time enough that the length decides.
        let place = Place::new(patient());
        place.server.now(endless);
        assert_eq!(place.refresh().unwrap_err().code(), "answer_too_long");
        let sent = place.server.written();
        assert!(
            sent <= MAX_JWKS_BYTES as u64 + SOCKET_BUFFERS,
            "{sent} bytes"
        );
        assert!(place.good_token_passes());
    }
}

#[test]
fn headers_without_end_are_left_at_their_limit() {
    let endless: Behaviour = Arc::new(|peer: &mut Peer<'_>| {
        peer.send(b"HTTP/1.1 200 OK\r\n");
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until
            && peer.send(b"X-Filler: yes yes yes yes yes yes yes yes yes\r\n")
        {}
    });
    let place = Place::new(patient());
    place.server.now(endless);
    assert_eq!(place.refresh().unwrap_err().code(), "bad_answer");
    assert!(place.good_token_passes());
}

#[test]
fn html_in_place_of_keys_is_refused() {
    let page = b"<!doctype html><title>Please sign in</title>";
    costs_no_key(
        says(answer("200 OK", &[("Content-Type", "text/html")], page)),
        "not_json",
    );
    costs_no_key(says(answer("200 OK", &[JSON], page)), "malformed_key_set");
}

#[test]
fn another_content_type_is_refused() {
    let set = set_of(&[&key("one")]);
    let error = costs_no_key(
        says(answer(
            "200 OK",
            &[("Content-Type", "text/plain; charset=utf-8")],
            set.as_bytes(),
        )),
        "not_json",
    );
    assert!(
        error.to_string().ends_with(
            "/jwks.json\": expected a content type of JSON, found \"text/plain; charset=utf-8\""
        ),
        "{error}"
    );
}

#[test]
fn a_server_with_an_error_is_refused() {
    costs_no_key(
        says(answer(
            "500 Internal Server Error",
            &[JSON],
            b"{\"keys\":[]}",
        )),
        "bad_status",
    );
    costs_no_key(
        says(answer("404 Not Found", &[JSON], b"{\"keys\":[]}")),
        "bad_status",
    );
}

#[test]
fn what_is_not_http_is_refused() {
    costs_no_key(
        says(b"SSH-2.0-OpenSSH_9.6\r\n\r\n\r\n".to_vec()),
        "bad_answer",
    );
    costs_no_key(says(b"\0\0\0\0\r\n\r\n".repeat(50)), "bad_answer");
}

#[test]
fn a_body_that_ends_early_is_refused() {
    let mut short = answer("200 OK", &[JSON], set_of(&[&key("one")]).as_bytes());
    short.truncate(short.len() - 10);
    costs_no_key(says(short), "unreachable");
    let chunked = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n{\"keys\":[]}\r\n";
    costs_no_key(says(chunked.as_bytes().to_vec()), "unreachable");
}

#[test]
fn where_nobody_listens_the_keys_cannot_be_had() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    assert_eq!(
        code(&format!("http://127.0.0.1:{port}/"), patient()),
        "unreachable"
    );
    assert_eq!(
        code("http://nowhere.invalid/", patient().time_limit(LIMIT * 10)),
        "unreachable"
    );
}

#[test]
fn a_private_address_is_refused_in_every_spelling_before_it_is_connected_to() {
    let server = Server::plain(publishes(&set_of(&[&key("one")])));
    let port = server.port();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0.0.0.0",
        "[::]",
    ] {
        let url = format!("http://{host}:{port}/jwks.json");
        let error = load(&url, HttpClient::builder().time_limit(PATIENCE)).unwrap_err();
        assert_eq!(error.code(), "address_refused", "{host}: {error}");
    }
    for host in [
        "169.254.169.254",
        "[fd00:ec2::254]",
        "[::ffff:a9fe:a9fe]",
        "100.100.100.200",
    ] {
        // Never, whatever was allowed.
        assert_eq!(
            code(&format!("http://{host}/"), hasty()),
            "address_refused",
            "{host}"
        );
    }
    assert_eq!(server.accepted(), 0);
}

#[test]
fn a_redirect_is_refused_unless_allowed() {
    let target = Server::plain(publishes(&set_of(&[&key("one")])));
    for status in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary",
        "308 Permanent",
    ] {
        let there = target.url();
        let error = costs_no_key(
            says(answer(status, &[("Location", &there)], b"")),
            "redirect_refused",
        );
        assert_eq!(target.accepted(), 0, "{error}");
    }
    let server = Server::plain(says(answer(
        "302 Found",
        &[("Location", &target.url())],
        b"",
    )));
    let followed = load(&server.url(), patient().redirects(Redirects::Followed)).unwrap();
    assert_eq!(followed.keys().keys().len(), 1);
    assert_eq!(target.accepted(), 1);
}

#[test]
fn a_redirect_to_a_special_address_is_refused_where_redirects_are_allowed() {
    for there in [
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:169.254.169.254]/",
    ] {
        let server = Server::plain(says(answer("302 Found", &[("Location", there)], b"")));
        let client = hasty().redirects(Redirects::Followed);
        assert_eq!(code(&server.url(), client), "address_refused", "{there}");
    }
}

#[test]
fn redirects_without_end_are_refused() {
    let server = Server::plain(says(answer("302 Found", &[("Location", "/again")], b"")));
    assert_eq!(
        code(&server.url(), patient().redirects(Redirects::Followed)),
        "redirect_refused"
    );
    assert_eq!(server.accepted(), 4, "the first and three more");
}

#[test]
fn tls_needs_an_authority_that_is_trusted() {
    let (ours, other) = (Authority::new(), Authority::new());
    let identity = ours.vouch(&["localhost", "127.0.0.1"], false);
    let server = Server::tls(&identity, publishes(&set_of(&[&key("one")])));
    let url = format!("https://localhost:{}/jwks.json", server.port());
    let trusting = |pem: &str| patient().authorities(Authorities::Only(pem.as_bytes().to_vec()));
    let remote = load(&url, trusting(&ours.pem)).unwrap();
    assert_eq!(remote.keys().keys().len(), 1);
    let by_address = format!("https://127.0.0.1:{}/jwks.json", server.port());
    assert!(load(&by_address, trusting(&ours.pem)).is_ok());
    let both = patient().authorities(Authorities::SystemAnd(ours.pem.clone().into_bytes()));
    assert!(load(&url, both).is_ok());
    let error = load(&url, trusting(&other.pem)).unwrap_err();
    assert_eq!(error.code(), "tls_failed", "{error}");
    assert!(
        error
            .to_string()
            .contains("the server cannot prove who it is"),
        "{error}"
    );
}

#[test]
fn tls_needs_the_right_name_and_a_certificate_that_has_not_expired() {
    let authority = Authority::new();
    let trusting = || patient().authorities(Authorities::Only(authority.pem.clone().into_bytes()));
    for (names, expired) in [(["auth.example"], false), (["localhost"], true)] {
        let identity = authority.vouch(&names, expired);
        let server = Server::tls(&identity, publishes(&set_of(&[&key("one")])));
        let url = format!("https://localhost:{}/jwks.json", server.port());
        let error = load(&url, trusting()).unwrap_err();
        assert_eq!(error.code(), "tls_failed", "{names:?}: {error}");
        assert!(server.heads().is_empty(), "no request was sent");
    }
}

#[test]
fn a_server_without_tls_where_tls_is_expected_is_refused() {
    let server = Server::plain(publishes("{}"));
    let authority = Authority::new();
    let client = hasty().authorities(Authorities::Only(authority.pem.into_bytes()));
    let url = format!("https://127.0.0.1:{}/", server.port());
    let code = code(&url, client);
    assert!(["tls_failed", "too_slow"].contains(&code), "{code}");
}

#[test]
fn a_handshake_that_is_never_answered_costs_the_connect_limit() {
    let server = Server::silent();
    let client = patient()
        .connect_limit(LIMIT)
        .authorities(Authorities::Only(Authority::new().pem.into_bytes()));
    assert_eq!(
        code(&format!("https://127.0.0.1:{}/", server.port()), client),
        "too_slow"
    );
}

#[test]
fn a_body_dripped_through_tls_costs_the_time_limit() {
    let authority = Authority::new();
    let drip: Behaviour = Arc::new(|peer: &mut Peer<'_>| {
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n");
        peer.drip(&[b' '; 10_000]);
    });
    let server = Server::tls(&authority.vouch(&["localhost"], false), drip);
    // The handshake needs its time on a busy machine, too.
    let client = patient()
        .time_limit(Duration::from_secs(3))
        .authorities(Authorities::Only(authority.pem.into_bytes()));
    assert_eq!(
        code(&format!("https://localhost:{}/", server.port()), client),
        "too_slow"
    );
}

#[test]
fn a_redirect_from_https_to_http_is_refused_where_redirects_are_allowed() {
    let target = Server::plain(publishes(&set_of(&[&key("one")])));
    let authority = Authority::new();
    let to_http = says(answer("302 Found", &[("Location", &target.url())], b""));
    let server = Server::tls(&authority.vouch(&["localhost"], false), to_http);
    let client = patient()
        .redirects(Redirects::Followed)
        .authorities(Authorities::Only(authority.pem.into_bytes()));
    let url = format!("https://localhost:{}/", server.port());
    assert_eq!(code(&url, client), "redirect_refused");
    assert_eq!(target.accepted(), 0);
}

#[test]
fn certificates_that_cannot_be_used_are_refused_when_the_client_is_made() {
    let damaged = Authority::new().pem.replacen("MII", "AAA", 1);
    let private = rcgen::KeyPair::generate().unwrap().serialize_pem();
    for pem in ["", "no certificate", &damaged, &private] {
        let client = HttpClient::builder().authorities(Authorities::Only(pem.as_bytes().to_vec()));
        assert_eq!(
            client.build().unwrap_err().code(),
            "bad_certificates",
            "{pem}"
        );
    }
}

#[test]
fn a_refresh_over_the_network_never_holds_up_a_verification() {
    let place = Place::new(patient());
    let release = Arc::new(std::sync::Barrier::new(2));
    let set = set_of(&[&place.key]);
    place.server.now({
        let release = Arc::clone(&release);
        Arc::new(move |peer: &mut Peer<'_>| {
            release.wait();
            peer.send(&answer("200 OK", &[JSON], set.as_bytes()));
        })
    });
    place.clock.pass(Duration::from_secs(COOL_DOWN));
    std::thread::scope(|scope| {
        let refreshing = scope.spawn(|| place.remote.refresh());
        while place.server.heads().len() < 2 {
            assert!(place.good_token_passes());
        }
        // The request is there and its answer is not.
        for _ in 0..100 {
            assert!(place.good_token_passes());
        }
        release.wait();
        assert_eq!(
            refreshing.join().unwrap().unwrap(),
            RemoteRefresh::Unchanged
        );
    });
}

#[test]
fn the_thread_and_a_real_server_follow_a_rotation() {
    let (one, two) = (key("one"), key("two"));
    let server = Server::plain(publishes(&set_of(&[&one])));
    let clock = Arc::new(ManualClock::at(START));
    let remote = RemoteKeys::jwks(server.url())
        .schemes(Schemes::HttpsAndHttp)
        .client(patient().build().unwrap())
        .clock(Arc::clone(&clock))
        .load()
        .unwrap();
    let _refreshes = remote.spawn().unwrap();
    let verifier = Verifier::builder(remote.keys())
        .policy(Policy::new(ISSUER, AUDIENCE))
        .without_revocation()
        .clock(Arc::clone(&clock))
        .build();
    server.now(publishes(&set_of(&[&one, &two])));
    clock.pass(Duration::from_secs(COOL_DOWN));
    let token = crate::scene::mint(&two, &clock);
    let until = Instant::now() + PATIENCE;
    while verifier.verify(&token).is_err() {
        assert!(Instant::now() < until, "the new key never came");
        std::thread::yield_now();
    }
    assert_eq!(server.accepted(), 2);
}
