//! The inspector: a page for developers that shows a token, what this server thinks
//! of it, and the keyring. No script, and nothing from elsewhere.

mod html;
mod line;
mod page;
mod timeline;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode};

use super::reply::{self, Reply};
use page::Scene;

use crate::keyring::Keyring;
use crate::time::UnixTime;
use crate::verify::Verifier;

/// Whether there is an inspector page, and for whom.
///
/// It tells every reason why a token is refused, also before the signature holds: it
/// is for people who run the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inspector {
    /// There is none.
    #[default]
    Off,
    /// For requests that name this machine: `localhost` or a loopback address. A page of
    /// another site, whose name was made to lead here, does not.
    Local,
    /// For everybody who can reach the server: access is somebody else's business.
    Everyone,
}

/// Nothing is loaded, nothing runs, nothing frames it, and the form goes home.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; \
    base-uri 'none'; frame-ancestors 'none'";

const STYLE: &str = include_str!("style.css");

/// Whether an address is the inspector's.
pub(super) fn owns(path: &str) -> bool {
    matches!(path, "/" | "/inspector.css")
}

/// Answers a request to one of the inspector's addresses.
pub(super) fn answer(
    inspector: Inspector,
    request: &Request<()>,
    body: &[u8],
    keyring: &Keyring,
    verifier: &Verifier,
    now: UnixTime,
) -> Reply {
    match inspector {
        Inspector::Off => {
            return reply::words(StatusCode::NOT_FOUND, "there is nothing here\n");
        }
        Inspector::Local if !names_this_machine(request) => {
            let text = "this page is for people at this machine: ask for it as localhost\n";
            return reply::words(StatusCode::FORBIDDEN, text);
        }
        Inspector::Local | Inspector::Everyone => {}
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if request.uri().path() == "/inspector.css" {
        return match reads {
            true => guarded(reply::reply(
                StatusCode::OK,
                "text/css; charset=utf-8",
                Bytes::from_static(STYLE.as_bytes()),
            )),
            false => reply::method_not_allowed("GET, HEAD"),
        };
    }
    let posts = *request.method() == Method::POST;
    if !reads && !posts {
        return reply::method_not_allowed("GET, HEAD, POST");
    }
    if posts && !comes_from_here(request) {
        let text = "this form is filled in on its own page only\n";
        return reply::words(StatusCode::FORBIDDEN, text);
    }
    let token = posts.then(|| token_in(body));
    if token.as_ref().is_some_and(Option::is_none) {
        let text = "expected the form's field token, found something else\n";
        return reply::words(StatusCode::BAD_REQUEST, text);
    }
    let scene = Scene {
        keyring,
        verifier,
        // Fractions of a second tell nobody anything here.
        now: UnixTime::from_seconds(now.seconds()),
    };
    let html = page::page(&scene, token.flatten().as_deref());
    let content_type = "text/html; charset=utf-8";
    guarded(reply::reply(
        StatusCode::OK,
        content_type,
        Bytes::from(html),
    ))
}

fn guarded(mut reply: Reply) -> Reply {
    let headers = reply.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    reply
}

/// Whether the request was sent to this machine by one of its own names. A site that
/// points its name here (DNS rebinding) has its name in `Host`.
fn names_this_machine(request: &Request<()>) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let Ok(host) = host.to_str() else {
        return false;
    };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_loopback = name
        .parse::<std::net::IpAddr>()
        .is_ok_and(|address| address.is_loopback());
    is_loopback || name.eq_ignore_ascii_case("localhost")
}

/// Whether a form was sent by this page. Browsers say so, and a page elsewhere cannot
/// say otherwise (Fetch Metadata); programs say nothing.
fn comes_from_here(request: &Request<()>) -> bool {
    let mut said = request.headers().get_all("sec-fetch-site").iter();
    said.all(|site| matches!(site.as_bytes(), b"same-origin" | b"none"))
}

/// The token in a submitted form (`application/x-www-form-urlencoded`), without what
/// is copied along with tokens: blanks, line ends, `Bearer`.
fn token_in(body: &[u8]) -> Option<String> {
    let body = std::str::from_utf8(body).ok()?;
    let value = body
        .split('&')
        .find_map(|field| field.strip_prefix("token="))?;
    let text = form_decoded(value)?;
    let text = text.trim();
    let text = text.strip_prefix("Authorization:").unwrap_or(text).trim();
    let text = text.strip_prefix("Bearer ").unwrap_or(text).trim();
    Some(text.split_whitespace().collect())
}

/// Form decoding: `+` is a blank, `%XX` a byte.
fn form_decoded(text: &str) -> Option<String> {
    super::forward::decoded(&text.replace('+', "%20"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_local() {
        let local = |host: &str| {
            let request = Request::get("/").header("host", host).body(()).unwrap();
            names_this_machine(&request)
        };
        for host in [
            "localhost",
            "LOCALHOST:4180",
            "127.0.0.1:4180",
            "127.8.0.1",
            "[::1]:4180",
        ] {
            assert!(local(host), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example:4180",
            "127.0.0.1.evil.example",
            "[::2]",
            "",
            "10.0.0.1",
        ] {
            assert!(!local(host), "{host}");
        }
    }

    #[test]
    fn a_token_is_found_in_a_form_as_people_paste_it() {
        let found = |body: &str| token_in(body.as_bytes());
        assert_eq!(found("token=a.b.c"), Some("a.b.c".to_owned()));
        assert_eq!(
            found("x=1&token=+Bearer+a.b%0D%0A.c+"),
            Some("a.b.c".to_owned())
        );
        assert_eq!(
            found("token=Authorization%3A+Bearer+a"),
            Some("a".to_owned())
        );
        assert_eq!(found("token="), Some(String::new()));
        assert_eq!(found("tokens=a"), None);
        assert_eq!(found("token=%zz"), None);
    }
}
