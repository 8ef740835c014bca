//! What is said when a server does not start.

use tokenwright::ErrorClass;
use tokenwright::http::serve::{Address, ServeError, ServeErrorKind};

use super::Named;

#[test]
fn a_server_that_does_not_start_says_where_and_what_to_do() {
    let mut named = Named::default();
    let mut says = |error: ServeError, code, message: &str| {
        assert_eq!(error.code(), code);
        assert_eq!(error.class(), ErrorClass::Operator, "{code}");
        assert_eq!(error.to_string(), message);
        named.0.insert(code);
    };
    says(
        "41\u{1b}80".parse::<Address>().unwrap_err(),
        "bad_address",
        "expected an address to listen on such as 127.0.0.1:4180, [::1]:4180 or \
         unix:/run/tokenwright/serve.sock, found \"41\\u{1b}80\"",
    );
    let place = || "127.0.0.1:80".to_owned();
    says(
        ServeErrorKind::AddressInUse { place: place() }.into(),
        "address_in_use",
        "somebody else listens on 127.0.0.1:80: stop that, or choose another address",
    );
    says(
        ServeErrorKind::NotASocket {
            place: "notes\n.txt".to_owned(),
        }
        .into(),
        "not_a_socket",
        "notes\\u{a}.txt exists and is not a socket: nothing was removed; choose another path",
    );
    says(
        ServeErrorKind::Permission { place: place() }.into(),
        "permission",
        "this user may not listen on 127.0.0.1:80: ports below 1024 and folders of others \
         need more rights, or choose another address",
    );
    says(
        ServeErrorKind::Io {
            place: place(),
            reason: "no buffer space available".to_owned(),
        }
        .into(),
        "io",
        "cannot listen on 127.0.0.1:80: no buffer space available",
    );
    named.cover(include_str!("../../src/http/serve/error.rs"));
}
