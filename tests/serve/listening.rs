//! Where the server listens, and what it leaves behind.

use std::fs;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::{UnixListener, UnixStream};

use rustix::process::Signal;

use crate::client::{Answer, Client, PATIENCE};
use crate::place::Place;
use crate::running::Running;

fn over_socket(place: &Place, socket: &str, target: &str) -> Answer {
    let stream = UnixStream::connect(place.path(socket)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    Client::over(stream).ask("GET", target, &[]).unwrap()
}

#[test]
fn a_unix_socket_has_the_rights_asked_for_and_is_gone_afterwards() {
    for (arguments, mode) in [(&[][..], 0o660), (&["--socket-mode", "600"], 0o600)] {
        let place = Place::with_keys("EdDSA");
        let mut all = vec!["--listen", "unix:serve.sock"];
        all.extend(arguments);
        let server = Running::start_on(&place, &all);
        assert_eq!(server.place, "unix:serve.sock");
        assert_eq!(place.mode("serve.sock"), mode);
        over_socket(&place, "serve.sock", "/.well-known/jwks.json").is(200);
        over_socket(&place, "serve.sock", "/verify").is(401);
        server.stop();
        assert!(!place.path("serve.sock").exists());
        let left: Vec<_> = place
            .all()
            .into_iter()
            .filter(|path| path.to_string_lossy().contains("sock"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn a_stale_socket_is_replaced_and_a_living_one_is_not() {
    let place = Place::with_keys("EdDSA");
    // As a server that was killed leaves it.
    drop(UnixListener::bind(place.path("serve.sock")).unwrap());
    assert!(
        fs::metadata(place.path("serve.sock"))
            .unwrap()
            .file_type()
            .is_socket()
    );
    let server = Running::start_on(&place, &["--listen", "unix:serve.sock"]);
    over_socket(&place, "serve.sock", "/healthz").is(200);
    let second = place.run(&["serve", "--listen", "unix:serve.sock"]);
    second.fails(6, "address_in_use");
    over_socket(&place, "serve.sock", "/healthz").is(200);
    server.stop();
}

#[test]
fn a_file_that_is_no_socket_is_left_alone() {
    let place = Place::with_keys("EdDSA");
    place.write("notes.txt", "mine");
    place
        .run(&["serve", "--listen", "unix:notes.txt"])
        .fails(6, "not_a_socket");
    assert_eq!(place.read("notes.txt"), "mine");
    fs::create_dir(place.path("folder")).unwrap();
    place
        .run(&["serve", "--listen", "unix:folder"])
        .fails(6, "not_a_socket");
    place
        .run(&["serve", "--listen", "unix:missing/serve.sock"])
        .fails(6, "io");
    let long = format!("unix:{}", "a".repeat(200));
    place.run(&["serve", "--listen", &long]).fails(6, "io");
}

#[test]
fn a_port_that_is_taken_is_told() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &[]);
    place
        .run(&["serve", "--listen", &server.place])
        .fails(6, "address_in_use");
    place.run(&["serve", "--listen", "4180"]).fails(2, "usage");
    place
        .run(&["serve", "--store", "nowhere"])
        .fails(5, "store_missing");
}

#[test]
fn the_access_log_tells_every_request_and_nothing_of_the_clients() {
    let place = Place::with_keys("EdDSA");
    let mut server = Running::start(&place, &["--access-log"]);
    let token = place.mint(&["--sub", "alice-in-claims"]);
    server
        .verify("/path-of-client?scope=query-of-client", &token)
        .is(200);
    server.get(&format!("/{token}")).is(404);
    server
        .ask("Evil\u{7e}", "/verify", &[("Cookie", &token)])
        .is(401);
    server.verify("?scope=admin", &token).is(403);
    for expected in [
        " GET verify 200 valid ",
        " GET other 404 - ",
        " Evil~ verify 401 no_token ",
        " GET verify 403 insufficient_scope ",
    ] {
        let line = server.line();
        assert!(line.contains(expected), "{line}");
        assert!(line.contains(" 127.0.0.1:"), "{line}");
    }
    server.signal(Signal::TERM);
    let said = server.all_lines();
    for part in token.split('.').chain(["alice-in", "of-client", "Bearer"]) {
        assert!(!said.contains(part), "{part} in {said}");
    }
}

#[test]
fn without_being_asked_it_says_where_it_listens_and_nothing_else() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &[]);
    let address = server.place.clone();
    server.verify("", "x.y.z").is(401);
    assert_eq!(
        server.stop(),
        format!("listening on http://{address}\nstopped")
    );
}
