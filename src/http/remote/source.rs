//! Where keys are published, and one reading of them: no state, no clock.

use http::header::{ACCEPT, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};

use super::error::{RemoteError, RemoteErrorKind};
use super::fetch::{Fetch, FetchError, FetchErrorKind};
use crate::encoding::json::{self, Bounds, JsonError, Value};
use crate::key::{Algorithm, ImportOptions, JwkSet};
use crate::limits::{MAX_DISCOVERY_BYTES, MAX_JWKS_BYTES, MAX_REMOTE_ADDRESS_BYTES};

/// Longest `ETag` that is sent back, in bytes.
const MAX_TAG_BYTES: usize = 256;

/// Which addresses may name keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Schemes {
    /// `https` alone.
    #[default]
    Https,
    /// `http` as well: whoever is on the way to it decides what is accepted.
    HttpsAndHttp,
}

/// What is accepted of a source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) schemes: Schemes,
    /// The algorithm of keys that leave it open.
    pub(super) where_needed: Option<Algorithm>,
}

/// An address that has passed the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Location(Uri);

impl Location {
    pub(super) fn parse(text: &str, schemes: Schemes) -> Result<Self, RemoteErrorKind> {
        let bad = |reason| RemoteErrorKind::BadAddress { reason };
        if text.len() > MAX_REMOTE_ADDRESS_BYTES {
            return Err(bad("the address is too long"));
        }
        let uri: Uri = text
            .parse()
            .map_err(|_| bad("expected an address such as https://auth.example/jwks.json"))?;
        let host = uri.host().filter(|host| !host.is_empty());
        match (uri.scheme_str(), host, schemes) {
            (Some("https"), Some(_), _) | (Some("http"), Some(_), Schemes::HttpsAndHttp) => {}
            (Some("http"), Some(_), Schemes::Https) => return Err(RemoteErrorKind::NotHttps),
            _ => {
                return Err(bad(
                    "expected an address such as https://auth.example/jwks.json",
                ));
            }
        }
        if uri
            .authority()
            .is_some_and(|all| all.as_str().contains('@'))
        {
            return Err(bad("a user's name or password does not belong in it"));
        }
        // `host:` and `host:99999` parse, and would mean the default port.
        let authority = uri.authority().map_or("", |all| all.as_str());
        let has_port = authority.len() != uri.host().map_or(0, str::len);
        if has_port && uri.port_u16().is_none() {
            return Err(bad("its port is not a number from 0 to 65535"));
        }
        if text.contains('#') {
            return Err(bad("a fragment does not belong in it"));
        }
        Ok(Self(uri))
    }

    /// The address as it may stand in logs: a query can hold a secret.
    pub(super) fn shown(&self) -> String {
        let scheme = self.0.scheme_str().unwrap_or_default();
        let authority = self.0.authority().map_or("", |all| all.as_str());
        format!("{scheme}://{authority}{}", self.0.path())
    }
}

/// Where keys are published.
#[derive(Clone, Debug)]
pub(super) enum Source {
    KeySet(Location),
    Issuer { name: String, discovery: Location },
}

impl Source {
    pub(super) fn key_set(address: &str, schemes: Schemes) -> Result<Self, RemoteError> {
        let location =
            Location::parse(address, schemes).map_err(|kind| kind.at(without_secrets(address)))?;
        Ok(Self::KeySet(location))
    }

    /// The discovery document stands below the issuer (OpenID Connect Discovery 1.0 section 4).
    pub(super) fn issuer(name: &str, schemes: Schemes) -> Result<Self, RemoteError> {
        if name.contains('?') {
            let reason = "a query does not belong in an issuer";
            return Err(RemoteErrorKind::BadAddress { reason }.at(without_secrets(name)));
        }
        let base = name.strip_suffix('/').unwrap_or(name);
        let address = format!("{base}/.well-known/openid-configuration");
        let discovery =
            Location::parse(&address, schemes).map_err(|kind| kind.at(without_secrets(name)))?;
        Ok(Self::Issuer {
            name: name.to_owned(),
            discovery,
        })
    }

    pub(super) fn shown(&self) -> String {
        match self {
            Self::KeySet(location) => location.shown(),
            Self::Issuer { name, .. } => name.clone(),
        }
    }
}

/// What was learned before and need not be asked again.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// What the discovery document named.
    pub(super) location: Option<Location>,
    /// The tag of the set that is in use, and where it came from.
    pub(super) tag: Option<(Location, HeaderValue)>,
}

/// One reading of a source.
pub(super) struct Reading {
    /// Where the set was.
    pub(super) location: Location,
    pub(super) headers: HeaderMap,
    pub(super) content: Content,
}

pub(super) enum Content {
    /// The same set as before (304).
    Same,
    Set(JwkSet, Option<HeaderValue>),
}

/// Reads the published set: one request, or two where the discovery document is asked first.
pub(super) fn read(
    source: &Source,
    known: &Known,
    fetch: &dyn Fetch,
    terms: Terms,
) -> Result<Reading, RemoteError> {
    let location = match (source, &known.location) {
        (Source::KeySet(location), _) | (Source::Issuer { .. }, Some(location)) => location.clone(),
        (Source::Issuer { name, discovery }, None) => {
            discover(name, discovery, fetch, terms.schemes)?
        }
    };
    let shown = |kind: RemoteErrorKind| kind.at(location.shown());
    let tag = known.tag.as_ref().filter(|(at, _)| *at == location);
    let request = request(
        &location,
        "application/jwk-set+json, application/json",
        tag.map(|(_, tag)| tag),
    );
    let answer = answer(fetch, &request, MAX_JWKS_BYTES).map_err(shown)?;
    if answer.status() == StatusCode::NOT_MODIFIED && tag.is_some() {
        return Ok(Reading {
            headers: answer.headers().clone(),
            location,
            content: Content::Same,
        });
    }
    judge(&answer).map_err(shown)?;
    let mut options = ImportOptions::new();
    if let Some(algorithm) = terms.where_needed {
        options = options.algorithm_where_needed(algorithm);
    }
    let set = JwkSet::parse(answer.body(), &options)
        .map_err(|error| shown(RemoteErrorKind::KeySet(error)))?;
    let headers = answer.headers().clone();
    let tag = headers
        .get(ETAG)
        .filter(|tag| tag.len() <= MAX_TAG_BYTES)
        .cloned();
    Ok(Reading {
        location,
        headers,
        content: Content::Set(set, tag),
    })
}

fn discover(
    issuer: &str,
    discovery: &Location,
    fetch: &dyn Fetch,
    schemes: Schemes,
) -> Result<Location, RemoteError> {
    let shown = |kind: RemoteErrorKind| kind.at(discovery.shown());
    let request = request(discovery, "application/json", None);
    let answer = answer(fetch, &request, MAX_DISCOVERY_BYTES).map_err(shown)?;
    judge(&answer).map_err(shown)?;
    let bad = |reason: &str| {
        shown(RemoteErrorKind::BadDiscovery {
            reason: reason.to_owned(),
        })
    };
    let (mut named, mut address) = (None, None);
    json::object(answer.body(), Bounds::TOKEN, |name, value| {
        if let Value::String(text) = value {
            if name.is("issuer") {
                named = Some(text.to_cow().into_owned());
            } else if name.is("jwks_uri") {
                address = Some(text.to_cow().into_owned());
            }
        }
        Ok(())
    })
    .map_err(|error: JsonError| bad(&error.to_string()))?;
    match named {
        Some(named) if named == issuer => {}
        Some(found) => {
            let found = excerpt(&found);
            return Err(shown(RemoteErrorKind::IssuerMismatch { found }));
        }
        None => return Err(bad("there is no \"issuer\"")),
    }
    let address = address.ok_or_else(|| bad("there is no \"jwks_uri\""))?;
    Location::parse(&address, schemes).map_err(|kind| {
        let reason = if let RemoteErrorKind::BadAddress { reason } = kind {
            reason
        } else {
            "expected https, found http"
        };
        bad(&format!("\"jwks_uri\": {reason}"))
    })
}

fn request(location: &Location, accept: &'static str, tag: Option<&HeaderValue>) -> Request<()> {
    let mut request = Request::new(());
    *request.uri_mut() = location.0.clone();
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    if let Some(tag) = tag {
        headers.insert(IF_NONE_MATCH, tag.clone());
    }
    request
}

/// The answer, with its length held to the limit whatever the client did.
fn answer(
    fetch: &dyn Fetch,
    request: &Request<()>,
    limit: usize,
) -> Result<Response<Vec<u8>>, RemoteErrorKind> {
    let answer = fetch
        .fetch(request, limit)
        .map_err(RemoteErrorKind::Fetch)?;
    if answer.body().len() > limit {
        return Err(RemoteErrorKind::Fetch(FetchError::too_long(limit)));
    }
    Ok(answer)
}

/// Whether the answer is a document to read.
fn judge(answer: &Response<Vec<u8>>) -> Result<(), RemoteErrorKind> {
    let status = answer.status();
    if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
        return Err(RemoteErrorKind::Fetch(FetchError::new(
            FetchErrorKind::RedirectRefused,
            format!(
                "the server redirects (status {}), and redirects are not followed",
                status.as_u16()
            ),
        )));
    }
    if status != StatusCode::OK {
        return Err(RemoteErrorKind::BadStatus {
            found: status.as_u16(),
        });
    }
    let found = answer.headers().get(CONTENT_TYPE);
    let found = found.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    match found {
        Some(found) if is_json(&found) => Ok(()),
        found => Err(RemoteErrorKind::NotJson {
            found: found.as_deref().map(excerpt),
        }),
    }
}

/// `application/json`, or a type that says it is built on it (RFC 6839 section 3.1).
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    essence
        .strip_prefix("application/")
        .is_some_and(|rest| rest == "json" || rest.ends_with("+json"))
}

/// An address that was refused, as it may stand in logs: without what can hold a password.
fn without_secrets(address: &str) -> String {
    let shown = address.split(['?', '#']).next().unwrap_or_default();
    match shown.rsplit_once('@') {
        Some((_, rest)) => format!("…@{}", excerpt(rest)),
        None => excerpt(shown),
    }
}

/// Foreign text, cut before it is kept.
fn excerpt(text: &str) -> String {
    text.chars().take(128).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Source::key_set(text, Schemes::Https)
            .unwrap_err()
            .code()
            .to_owned()
    }

    #[test]
    fn an_address_is_https_with_a_host_and_nothing_hidden() {
        for text in [
            "https://auth.example/jwks.json",
            "https://[2a00::1]:8443/k?tenant=1",
            "https://auth.example",
        ] {
            assert!(Source::key_set(text, Schemes::Https).is_ok(), "{text}");
        }
        for text in [
            "",
            "/jwks.json",
            "auth.example",
            "auth.example/jwks.json",
            "https://",
            "https:///jwks",
            "file:///etc/passwd",
            "ftp://auth.example/",
            "https://user:secret@auth.example/",
            "https://user@auth.example/",
            "https://auth.example/#keys",
            "https://auth example/",
            "https://auth.example/\u{0}",
            "javascript:alert(1)",
            "unix:/run/x",
            "https://auth.example:/",
            "https://auth.example:99999/",
            "https://auth.example:8x/",
            "https://[2a00::1]:/",
        ] {
            assert_eq!(refused(text), "bad_address", "{text}");
        }
        assert_eq!(refused("http://auth.example/"), "not_https");
        assert_eq!(refused("HTTP://auth.example/"), "not_https");
        assert_eq!(
            refused(&format!("https://auth.example/{}", "x".repeat(3000))),
            "bad_address"
        );
        assert!(Source::key_set("http://auth.example/", Schemes::HttpsAndHttp).is_ok());
        let issuer = Source::issuer("https://auth.example?tenant=1", Schemes::Https);
        assert_eq!(issuer.unwrap_err().code(), "bad_address");
    }

    #[test]
    fn a_query_is_not_shown() {
        let location =
            Location::parse("https://a.example:444/k?code=secret", Schemes::Https).unwrap();
        assert_eq!(location.shown(), "https://a.example:444/k");
        for text in [
            "https://root:hunter2@a.example/k?code=hunter2",
            "https://root:hunt@er2@a.example/#hunter2",
            "http://a.example/k?code=hunter2",
            "nonsense?hunter2",
        ] {
            let error = Source::key_set(text, Schemes::Https).unwrap_err();
            assert!(!error.to_string().contains("hunt"), "{error}");
            let error = Source::issuer(text, Schemes::Https).unwrap_err();
            assert!(!error.to_string().contains("hunt"), "{error}");
        }
    }

    #[test]
    fn only_types_of_json_are_json() {
        for text in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/jwk-set+json",
        ] {
            assert!(is_json(text), "{text}");
        }
        for text in [
            "text/html",
            "text/plain",
            "application/octet-stream",
            "application/jsonp",
            "",
            "json",
            "image/svg+json",
        ] {
            assert!(!is_json(text), "{text}");
        }
    }
}
