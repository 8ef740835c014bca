//! Real proxies in front, configured by the files that we hand out.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use tokenwright::store::{FileStore, RevocationStore as _};
use tokenwright::{Clock as _, Revocation, SystemClock};

use crate::client::{Answer, Client};
use crate::place::Place;
use crate::running::{Running, until};

const NAMES: [&str; 8] = [
    "X-Auth-Subject",
    "X-Auth-Issuer",
    "X-Auth-Audience",
    "X-Auth-Scope",
    "X-Auth-Session",
    "X-Auth-Token-Id",
    "X-Auth-Expires",
    "X-Auth-Key-Id",
];

/// A file of `packaging/proxy/`, with the addresses of a test in place of its own.
fn shipped(name: &str, front: SocketAddr, serve: &str, application: SocketAddr) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/proxy");
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    text.replace("127.0.0.1:8000", &front.to_string())
        .replace("http://:8000", &format!("http://:{}", front.port()))
        .replace("127.0.0.1:4180", serve)
        .replace("127.0.0.1:8080", &application.to_string())
}

/// Whether a proxy is installed. On the machine that decides whether a change may land
/// it must be.
fn installed(program: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .stdout(Stdio::null())
        .status();
    let found = found.is_ok_and(|status| status.success());
    assert!(
        found || std::env::var_os("CI").is_none(),
        "{program} is not installed"
    );
    if !found {
        println!("not run: {program} is not installed");
    }
    found
}

/// An application that answers with the head of the request it got.
fn application() -> SocketAddr {
    stub(|head| (200, head))
}

/// Something that answers with this status, whatever it is asked.
fn answering(status: u16) -> SocketAddr {
    stub(move |_| (status, Vec::new()))
}

fn stub(answer: impl Fn(Vec<u8>) -> (u16, Vec<u8>) + Copy + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                let (mut head, mut byte) = (Vec::new(), [0]);
                while !head.ends_with(b"\r\n\r\n") {
                    if stream.read(&mut byte).unwrap_or(0) == 0 {
                        return;
                    }
                    head.push(byte[0]);
                }
                let (status, body) = answer(head);
                let head = format!(
                    "HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(head.as_bytes());
                let _ = stream.write_all(&body);
            });
        }
    });
    address
}

/// A port that nobody has at the moment.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// A running proxy; ended with the test.
struct Proxy {
    child: Child,
    front: SocketAddr,
}

impl Proxy {
    /// Starts it on a free port, and on another if somebody was faster.
    fn start(mut command: impl FnMut(SocketAddr) -> Command) -> Self {
        for _ in 0..5 {
            let front = free_address();
            if let Some(proxy) = Self::on(command(front), front) {
                return proxy;
            }
        }
        panic!("the proxy does not start");
    }

    fn on(mut command: Command, front: SocketAddr) -> Option<Self> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut proxy = Self { child, front };
        let mut ended = false;
        until("the proxy listens", || {
            ended = proxy.child.try_wait().unwrap().is_some();
            ended || TcpStream::connect(front).is_ok()
        });
        (!ended).then_some(proxy)
    }

    fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        let mut all = vec![("Connection", "close")];
        all.extend(headers);
        let mut client = Client::to(self.front).unwrap();
        client.ask(method, target, &all).unwrap()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn nginx(place: &Place, serve: &str, application: SocketAddr) -> Proxy {
    let folder = place.path("");
    let folder = folder.to_string_lossy();
    let folder = folder.trim_end_matches('/');
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {folder}/{kind};\n"))
        .concat();
    place.write(
        "main.conf",
        format!(
            "daemon off;\nmaster_process off;\nworker_processes 1;\npid {folder}/nginx.pid;\n\
             error_log {folder}/error.log warn;\nevents {{}}\nhttp {{\n{temporary}\
             access_log off;\ninclude {folder}/nginx.conf;\n}}\n"
        ),
    );
    Proxy::start(|front| {
        for name in [
            "nginx.conf",
            "tokenwright-identity.conf",
            "tokenwright-question.conf",
        ] {
            place.write(name, shipped(name, front, serve, application));
        }
        let mut command = Command::new("nginx");
        command.args(["-p", &format!("{folder}/")]);
        command.args(["-e", &format!("{folder}/error.log")]);
        command.args(["-c", &format!("{folder}/main.conf")]);
        command
    })
}

fn caddy(place: &Place, serve: &str, application: SocketAddr) -> Proxy {
    Proxy::start(|front| {
        // The port of its own administration would be another test's as well.
        let global = "{\n\tadmin off\n\tauto_https off\n}\n";
        let text = shipped("Caddyfile", front, serve, application);
        place.write("Caddyfile", format!("{global}{text}"));
        let mut command = Command::new("caddy");
        command
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(place.path("Caddyfile"))
            .env("HOME", place.path(""))
            .env("XDG_DATA_HOME", place.path(""))
            .env("XDG_CONFIG_HOME", place.path(""));
        command
    })
}

fn envoy(place: &Place, serve: &str, application: SocketAddr) -> Proxy {
    Proxy::start(|front| {
        let (_, port) = serve.rsplit_once(':').unwrap();
        let text = shipped("envoy.yaml", front, serve, application)
            .replace("port_value: 8000", &format!("port_value: {}", front.port()))
            .replace("port_value: 4180", &format!("port_value: {port}"))
            .replace(
                "port_value: 8080",
                &format!("port_value: {}", application.port()),
            );
        place.write("envoy.yaml", text);
        let mut command = Command::new("envoy");
        command
            .args(["--disable-hot-restart", "--concurrency", "1", "-c"])
            .arg(place.path("envoy.yaml"));
        command
    })
}

/// What every proxy must do.
fn lets_through_and_refuses(place: &Place, proxy: &Proxy) {
    let plain = format!("Bearer {}", place.mint(&["--sub", "alice"]));
    let admin = ["--sub", "root é", "--scope", "admin audit", "--sid", "s1"];
    let admin = format!("Bearer {}", place.mint(&admin));

    let passed = proxy
        .ask("GET", "/orders?x=1", &[("Authorization", &plain)])
        .is(200);
    let lower = passed.body.to_ascii_lowercase();
    assert!(passed.body.starts_with("GET /orders?x=1 "), "{passed:?}");
    assert!(lower.contains("\nx-auth-subject: alice\r\n"), "{passed:?}");
    assert!(
        lower.contains("\nx-auth-audience: orders-api\r\n"),
        "{passed:?}"
    );
    assert!(
        !lower.contains("authorization"),
        "the application has the token: {passed:?}"
    );

    let refused = proxy.ask("GET", "/orders", &[]).is(401);
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    let refused = proxy
        .ask("GET", "/orders", &[("Authorization", "Bearer x.y.z")])
        .is(401);
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(challenge.contains("invalid_token"), "{challenge}");

    let passed = proxy
        .ask("GET", "/admin/keys", &[("Authorization", &admin)])
        .is(200);
    let lower = passed.body.to_ascii_lowercase();
    assert!(
        lower.contains("\nx-auth-subject: root%20%c3%a9\r\n"),
        "{passed:?}"
    );
    assert!(
        lower.contains("\nx-auth-scope: admin audit\r\n"),
        "{passed:?}"
    );
    let refused = proxy
        .ask("GET", "/admin/keys", &[("Authorization", &plain)])
        .is(403);
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(challenge.contains("insufficient_scope"), "{challenge}");
    // With and without the slash: what is not the application's is not passed on.
    let bare = proxy.ask("GET", "/admin", &[("Authorization", &plain)]);
    assert!([301, 403].contains(&bare.status), "{bare:?}");
    // A client's own query changes nothing.
    proxy
        .ask(
            "GET",
            "/admin/keys?scope=profile",
            &[("Authorization", &plain)],
        )
        .is(403);
    proxy
        .ask(
            "GET",
            "/orders?scope=admin&scopes=x",
            &[("Authorization", &plain)],
        )
        .is(200);

    let keys = proxy.ask("GET", "/.well-known/jwks.json", &[]).is(200);
    assert!(tokenwright::KeySet::from_jwks(keys.body.as_bytes()).is_ok());
    let cache = keys.header("cache-control");
    assert_eq!(cache, Some("public, max-age=150, must-revalidate"));

    bodies_and_methods_pass(proxy, &plain);
    no_forged_identity_comes_through(proxy, &plain);
}

/// A token that is withdrawn while the proxy runs is refused through it.
fn refuses_what_is_withdrawn(place: &Place, proxy: &Proxy) {
    let [token, other] = ["t-1", "t-2"].map(|id| {
        let token = place.mint(&["--sub", "alice", "--jti", id]);
        format!("Bearer {token}")
    });
    let status = |bearer: &str| {
        let answer = proxy.ask("GET", "/orders", &[("Authorization", bearer)]);
        answer.status
    };
    assert_eq!((status(&token), status(&other)), (200, 200));
    let list = FileStore::open(place.path("keys")).unwrap().revocations();
    let now = SystemClock.now();
    let end = now.saturating_add(Duration::from_secs(1_000));
    let entry = Revocation::token("https://auth.example", "t-1", now, end);
    list.append(&[entry], now).unwrap();
    until("the token is refused", || status(&token) == 401);
    assert_eq!(status(&other), 200);
}

fn bodies_and_methods_pass(proxy: &Proxy, bearer: &str) {
    for method in ["POST", "PUT", "DELETE"] {
        let head = format!(
            "{method} /orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n"
        );
        let mut client = Client::to(proxy.front).unwrap();
        client
            .send(format!("{head}Authorization: {bearer}\r\n\r\nhello"))
            .unwrap();
        let passed = client.answer(method).unwrap().is(200);
        assert!(passed.body.starts_with(method), "{passed:?}");
        let mut client = Client::to(proxy.front).unwrap();
        client.send(format!("{head}\r\nhello")).unwrap();
        client.answer(method).unwrap().is(401);
    }
}

/// A name with each of its hyphens as it is and as an underscore.
fn separated(name: &str) -> Vec<String> {
    let mut spelled = vec![String::new()];
    for word in name.split('-') {
        spelled = spelled
            .iter()
            .flat_map(|begun| match begun.as_str() {
                "" => vec![word.to_owned()],
                begun => vec![format!("{begun}-{word}"), format!("{begun}_{word}")],
            })
            .collect();
    }
    spelled
}

/// Traefik itself is not at hand; its file names what it must take away.
#[test]
fn the_file_for_traefik_names_every_spelling() {
    let file = include_str!("../../packaging/proxy/traefik.yaml");
    for name in NAMES {
        let (own, others): (Vec<_>, Vec<_>) = separated(name)
            .into_iter()
            .partition(|spelled| spelled == name);
        assert!(file.contains(&format!("- {}\n", own[0])), "{name}");
        for spelled in others {
            assert!(file.contains(&format!(" {spelled}: \"\"\n")), "{spelled}");
        }
    }
}

/// Whatever a client writes, the application sees the identity of the token alone.
fn no_forged_identity_comes_through(proxy: &Proxy, bearer: &str) {
    let forged: Vec<String> = NAMES
        .into_iter()
        .chain(["X-Auth-Reason"])
        .flat_map(|name| {
            let mut spelled = separated(name);
            spelled.push(name.to_ascii_lowercase());
            spelled.push(name.to_ascii_uppercase());
            spelled
        })
        .collect();
    let mut headers = vec![("Authorization", bearer)];
    headers.extend(forged.iter().map(|name| (name.as_str(), "forged")));
    let passed = proxy.ask("GET", "/orders", &headers).is(200);
    assert!(!passed.body.contains("forged"), "{}", passed.body);
    assert!(
        passed
            .body
            .to_ascii_lowercase()
            .contains("\nx-auth-subject: alice\r\n")
    );
    // Nor does a client take away what is said of it.
    let said = passed.body.to_ascii_lowercase();
    for name in NAMES {
        let name = name.to_ascii_lowercase();
        let connection = format!("close, {name}");
        let headers = [("Authorization", bearer), ("Connection", &connection)];
        let body = proxy.ask("GET", "/orders", &headers).is(200).body;
        let line = format!("\n{name}: ");
        // Not every proxy passes an empty value on.
        let still_said = body.to_ascii_lowercase().contains(&line);
        assert_eq!(still_said, said.contains(&line), "{name}: {body}");
    }
    // Without a token they do not help either.
    headers.remove(0);
    proxy.ask("GET", "/orders", &headers).is(401);
    // Nor does a name of the proxy's own.
    for inside in [
        "/_tokenwright",
        "/_tokenwright/admin",
        "/verify",
        "/metrics",
    ] {
        let answer = proxy.ask("GET", inside, &[("X-Auth-Subject", "forged")]);
        assert!([401, 404].contains(&answer.status), "{inside}: {answer:?}");
    }
}

#[test]
fn nginx_asks_and_obeys_and_strips_what_clients_made_up() {
    if !installed("nginx") {
        return;
    }
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &[]);
    let proxy = nginx(&place, &server.place, application());
    lets_through_and_refuses(&place, &proxy);
    refuses_what_is_withdrawn(&place, &proxy);
}

#[test]
fn nginx_asks_over_a_unix_socket_as_well() {
    if !installed("nginx") {
        return;
    }
    let place = Place::with_keys("EdDSA");
    let _server = Running::start_on(
        &place,
        &["--listen", "unix:serve.sock", "--socket-mode", "666"],
    );
    let socket = format!("unix:{}", place.path("serve.sock").display());
    // nginx drops its rights to another user's, who must reach the folder.
    let proxy = nginx(&place, &socket, application());
    lets_through_and_refuses(&place, &proxy);
}

#[test]
fn nginx_fails_closed_when_nobody_answers_and_works_again_after_a_restart() {
    if !installed("nginx") {
        return;
    }
    let place = Place::with_keys("EdDSA");
    let mut server = Running::start(&place, &["--drain", "0s"]);
    let proxy = nginx(&place, &server.place, application());
    let bearer = format!("Bearer {}", place.mint(&["--sub", "alice"]));
    proxy.ask("GET", "/", &[("Authorization", &bearer)]).is(200);
    server.signal(Signal::TERM);
    server.ended();
    let answer = proxy.ask("GET", "/", &[("Authorization", &bearer)]);
    assert!([500, 503].contains(&answer.status), "{answer:?}");
    let listen = server.place.clone();
    let _again = Running::start_on(&place, &["--listen", &listen]);
    until("nginx asks again", || {
        proxy.ask("GET", "/", &[("Authorization", &bearer)]).status == 200
    });
}

#[test]
fn nginx_tells_a_question_that_cannot_be_decided_from_one_that_failed() {
    if !installed("nginx") {
        return;
    }
    for (answered, told) in [(503, 503), (500, 500), (400, 500), (204, 200)] {
        let place = Place::new();
        let asked = answering(answered);
        let proxy = nginx(&place, &asked.to_string(), application());
        proxy.ask("GET", "/", &[]).is(told);
    }
}

#[test]
fn caddy_asks_and_obeys_and_strips_what_clients_made_up() {
    if !installed("caddy") {
        return;
    }
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &[]);
    let proxy = caddy(&place, &server.place, application());
    lets_through_and_refuses(&place, &proxy);
    refuses_what_is_withdrawn(&place, &proxy);
}

#[test]
fn envoy_asks_and_obeys_and_strips_what_clients_made_up() {
    if !installed("envoy") {
        return;
    }
    let place = Place::with_keys("EdDSA");
    let mut server = Running::start(&place, &["--drain", "0s"]);
    let proxy = envoy(&place, &server.place, application());
    lets_through_and_refuses(&place, &proxy);
    refuses_what_is_withdrawn(&place, &proxy);
    let bearer = format!("Bearer {}", place.mint(&["--sub", "alice"]));
    server.signal(Signal::TERM);
    server.ended();
    proxy.ask("GET", "/", &[("Authorization", &bearer)]).is(503);
}

#[test]
fn the_files_for_proxies_name_every_identity_header() {
    let nowhere = free_address();
    for file in [
        "tokenwright-identity.conf",
        "Caddyfile",
        "traefik.yaml",
        "envoy.yaml",
    ] {
        let text = shipped(file, nowhere, "x", nowhere).to_ascii_lowercase();
        for name in NAMES {
            assert!(
                text.contains(&name.to_ascii_lowercase()),
                "{name} in {file}"
            );
        }
    }
}
