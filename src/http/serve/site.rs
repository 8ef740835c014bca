//! What each address answers: a function of the request, the keys and the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, StatusCode};

use super::forward::Gate;
use super::inspector::{self, Inspector};
use super::metrics::{Endpoint, Gauges, ListGauges, Metrics, render};
use super::published::{Document, Published, changes_at, has_tag};
use super::ready::{Facts, ListFacts, Readiness};
use super::reply::{self, Reply};
use super::signed_list::{self, SignedList};
use super::withdrawn::Withdrawn;
use crate::keyring::Keyring;
use crate::store::{Follower, FollowerHealth};
use crate::time::{Clock, UnixTime};

/// Everything that answering needs. Requests take no lock: what the store says is
/// swapped in whole by [`refresh`](Self::refresh).
pub(super) struct Site {
    pub(super) follower: Follower,
    pub(super) gate: Gate,
    pub(super) clock: Box<dyn Clock>,
    pub(super) metrics: Metrics,
    pub(super) withdrawn: Option<Withdrawn>,
    pub(super) inspector: Inspector,
    pub(super) most_connections: usize,
    pub(super) started: UnixTime,
    pub(super) refresh: Duration,
    pub(super) draining: AtomicBool,
    pub(super) known: ArcSwap<Known>,
}

/// A store is not read more often than this.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// Whether a request's body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyUse {
    Ignored,
    Read,
}

/// What was last read from the store, and what is served of it.
pub(super) struct Known {
    pub(super) keyring: Keyring,
    health: FollowerHealth,
    published: Result<Published, String>,
    /// From when on the published set is another one.
    changes_at: Option<UnixTime>,
}

impl Known {
    pub(super) fn of(follower: &Follower, now: UnixTime) -> Self {
        let (keyring, health) = (follower.keyring(), follower.health());
        let at = keyring.clock(now);
        Self {
            published: Published::of(&keyring, at, health.read_at),
            changes_at: changes_at(&keyring, at),
            keyring,
            health,
        }
    }
}

/// What a request came to, for the log.
pub(super) struct Answered {
    pub(super) reply: Reply,
    pub(super) endpoint: Endpoint,
    /// What came of the token, where one was judged.
    pub(super) result: Option<&'static str>,
    pub(super) took: Duration,
}

impl Site {
    /// Reads the store once. A failure shows in `/readyz` and in the metrics.
    pub(super) fn refresh(&self) {
        let _ = self.follower.refresh();
        if let Some(withdrawn) = &self.withdrawn {
            let _ = withdrawn.follower.refresh();
            withdrawn.look();
            withdrawn.publish(self.clock.now());
        }
        let known = Known::of(&self.follower, self.clock.now());
        self.known.store(Arc::new(known));
    }

    /// Signs the revocation list for others, if that is asked for and due.
    pub(super) fn publish(&self) {
        if let Some(withdrawn) = &self.withdrawn {
            withdrawn.publish(self.clock.now());
        }
    }

    /// Whether the server was told to end.
    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// How often the store is read: as told, but at least four times in C, so that
    /// what caches are given is not much older than the policy reckons with.
    pub(super) fn refresh_interval(&self) -> Duration {
        let view_age = self.known.load().keyring.policy().view_age();
        let quarter = view_age.checked_div(4).unwrap_or_default();
        self.refresh.min(quarter).max(SHORTEST_INTERVAL)
    }

    /// Answers one request. `body` is empty but for the addresses that read one.
    pub(super) fn answer(&self, request: &Request<()>, body: &[u8]) -> Answered {
        let began = Instant::now();
        self.metrics.began();
        let endpoint = endpoint_of(request.uri().path());
        let (reply, result) = self.route(endpoint, request, body);
        let took = began.elapsed();
        self.metrics.ended(endpoint, reply.status(), took);
        Answered {
            reply,
            endpoint,
            result,
            took,
        }
    }

    /// Whether the address reads a body; forward authentication never does.
    pub(super) fn body_use(&self, request: &Request<()>) -> BodyUse {
        let inspects = endpoint_of(request.uri().path()) == Endpoint::Inspector;
        match inspects && self.inspector != Inspector::Off && *request.method() == Method::POST {
            true => BodyUse::Read,
            false => BodyUse::Ignored,
        }
    }

    /// The answer to a body that is too large or broke off.
    pub(super) fn too_large(&self) -> Answered {
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        self.metrics.began();
        self.metrics
            .ended(Endpoint::Inspector, status, Duration::ZERO);
        Answered {
            reply: reply::words(status, "the body is too large, or broke off\n"),
            endpoint: Endpoint::Inspector,
            result: None,
            took: Duration::ZERO,
        }
    }

    fn route(
        &self,
        endpoint: Endpoint,
        request: &Request<()>,
        body: &[u8],
    ) -> (Reply, Option<&'static str>) {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let reply = match endpoint {
            // Proxies ask with the method of the request they ask about.
            Endpoint::Verify => {
                let (reply, result) = self.gate.answer(request);
                self.metrics.judged(result);
                return (reply, Some(result));
            }
            Endpoint::Inspector => self.inspect(request, body),
            Endpoint::Other => reply::words(StatusCode::NOT_FOUND, "there is nothing here\n"),
            _ if !reads => reply::method_not_allowed("GET, HEAD"),
            Endpoint::Jwks => self.key_set(request, KeyForm::Jwks),
            Endpoint::Paserk => self.key_set(request, KeyForm::Paserk),
            Endpoint::Revocations => self.signed_list(request),
            Endpoint::Live => reply::words(StatusCode::OK, "alive\n"),
            Endpoint::Ready => self.ready(),
            Endpoint::Metrics => self.metrics_page(),
        };
        (reply, None)
    }

    fn inspect(&self, request: &Request<()>, body: &[u8]) -> Reply {
        let keyring = &self.known.load().keyring;
        let now = keyring.clock(self.clock.now());
        let verifier = &self.gate.verifier;
        inspector::answer(self.inspector, request, body, keyring, verifier, now)
    }

    fn key_set(&self, request: &Request<()>, form: KeyForm) -> Reply {
        let now = self.clock.now();
        let known = self.known.load();
        let at = known.keyring.clock(now);
        // A key that has left the set is not served for want of a refresh (rule 4).
        let later = known.changes_at.is_some_and(|change| change <= at);
        let fresh = later.then(|| Published::of(&known.keyring, at, known.health.read_at));
        let published = fresh.as_ref().unwrap_or(&known.published);
        let (document, content_type) = match (published, form) {
            (Ok(Published::Jwks(set)), KeyForm::Jwks) => (set, "application/jwk-set+json"),
            (Ok(Published::Paserk(set)), KeyForm::Paserk) => (set, "text/plain; charset=utf-8"),
            (Ok(Published::Jwks(_) | Published::Paserk(_)), _) => {
                let text = "these keys are published in the other form: \
                    /.well-known/jwks.json for JWT, /.well-known/paserk.txt for PASETO\n";
                return reply::words(StatusCode::NOT_FOUND, text);
            }
            (Ok(Published::Nothing), _) => {
                let text = "these keys are shared secrets, which are never published\n";
                return reply::words(StatusCode::NOT_FOUND, text);
            }
            (Err(_), _) => return unavailable(),
        };
        if self.follower.keys().view().stale_since(at).is_some() {
            return unavailable();
        }
        let cache = self.cache_control(&known, now);
        served(request, document, content_type, &cache)
    }

    /// The signed list, or what leads to it from a state that the client names.
    fn signed_list(&self, request: &Request<()>) -> Reply {
        let published = self
            .withdrawn
            .as_ref()
            .and_then(|list| list.signed.as_ref());
        let Some(signed) = published else {
            let text = "this server does not publish its revocation list\n";
            return reply::words(StatusCode::NOT_FOUND, text);
        };
        let uri = request.uri();
        let found = match (uri.path(), uri.query().map(signed_list::after)) {
            ("/revocations", None) => signed.snapshot(),
            ("/revocations/deltas", Some(Some((epoch, seq)))) => {
                let Some(delta) = signed.delta(epoch, seq) else {
                    let text = "nothing leads from there: take the whole list at /revocations\n";
                    return reply::words(StatusCode::NOT_FOUND, text);
                };
                Some(delta)
            }
            (_, _) => {
                let text = "expected /revocations or /revocations/deltas?after=EPOCH.SEQ\n";
                return reply::words(StatusCode::BAD_REQUEST, text);
            }
        };
        match found {
            // Whoever asks wants to know now: caches have to ask again each time.
            Some(list) => served(
                request,
                &list,
                "application/octet-stream",
                "public, no-cache",
            ),
            None => unavailable(),
        }
    }

    /// What the policy allows, as long as our own view is as fresh as that reckons
    /// with; during an outage of the store caches have to ask again each time.
    fn cache_control(&self, known: &Known, now: UnixTime) -> String {
        let age = now.saturating_since(known.health.read_at);
        if age <= self.refresh_interval().saturating_mul(2) {
            known.keyring.policy().cache_control()
        } else {
            "public, no-cache".to_owned()
        }
    }

    fn readiness(&self, known: &Known) -> Readiness {
        let now = known.keyring.clock(self.clock.now());
        let list = self.withdrawn.as_ref();
        let list_health = list.map(|list| list.health.load());
        let signed = list.and_then(|list| list.signed.as_ref());
        let unsigned = signed.and_then(SignedList::problem);
        Readiness::judge(&Facts {
            now,
            draining: self.is_draining(),
            view: &self.follower.keys().view(),
            health: &known.health,
            unsigned: unsigned.as_ref().map(|problem| problem.as_str()),
            published: known.published.as_ref().err().map(String::as_str),
            revocations: list
                .zip(list_health.as_ref())
                .map(|(list, health)| ListFacts {
                    as_of: list.live.view().as_of(),
                    freshness: list.freshness,
                    health,
                }),
        })
    }

    fn ready(&self) -> Reply {
        let readiness = self.readiness(&self.known.load());
        let status = match readiness.is_ready() {
            true => StatusCode::OK,
            false => StatusCode::SERVICE_UNAVAILABLE,
        };
        reply::json(status, readiness.to_json())
    }

    fn metrics_page(&self) -> Reply {
        let known = self.known.load();
        let list = self.withdrawn.as_ref();
        let list = list.map(|list| (list.live.view(), list.health.load()));
        let gauges = Gauges {
            now: known.keyring.clock(self.clock.now()),
            keyring: &known.keyring,
            health: &known.health,
            ready: self.readiness(&known).is_ready(),
            most_connections: self.most_connections,
            started: self.started,
            revocations: list
                .as_ref()
                .map(|(view, health)| ListGauges { view, health }),
        };
        let text = render(&self.metrics, &gauges);
        let content_type = "text/plain; version=0.0.4; charset=utf-8";
        reply::reply(StatusCode::OK, content_type, Bytes::from(text))
    }
}

#[derive(Clone, Copy)]
enum KeyForm {
    Jwks,
    Paserk,
}

/// Addresses are compared whole; only forward authentication may have more behind it,
/// since some proxies append the address that was asked for.
fn endpoint_of(path: &str) -> Endpoint {
    match path {
        "/.well-known/jwks.json" => Endpoint::Jwks,
        "/.well-known/paserk.txt" => Endpoint::Paserk,
        "/revocations" | "/revocations/deltas" => Endpoint::Revocations,
        "/healthz" => Endpoint::Live,
        "/readyz" => Endpoint::Ready,
        "/metrics" => Endpoint::Metrics,
        "/verify" => Endpoint::Verify,
        _ if path.starts_with("/verify/") => Endpoint::Verify,
        _ if inspector::owns(path) => Endpoint::Inspector,
        _ => Endpoint::Other,
    }
}

/// A document, or word that the client's copy is still the right one (RFC 9110 section 15.4.5).
fn served(
    request: &Request<()>,
    document: &Document,
    content_type: &'static str,
    cache_control: &str,
) -> Reply {
    let asked = request.headers().get_all(header::IF_NONE_MATCH);
    let mut asked = asked.iter().filter_map(|value| value.to_str().ok());
    let mut reply = if asked.any(|tags| has_tag(tags, &document.tag)) {
        reply::empty(StatusCode::NOT_MODIFIED)
    } else {
        reply::reply(StatusCode::OK, content_type, document.body.clone())
    };
    reply::set(&mut reply, header::ETAG, &document.tag);
    reply::set(&mut reply, header::CACHE_CONTROL, cache_control);
    // Public keys are public: pages in a browser may verify tokens too.
    let anyone = HeaderValue::from_static("*");
    let headers = reply.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, anyone);
    reply
}

fn unavailable() -> Reply {
    let text = "the keys cannot be read at this time\n";
    let mut reply = reply::words(StatusCode::SERVICE_UNAVAILABLE, text);
    let value = HeaderValue::from_static("5");
    reply.headers_mut().insert(header::RETRY_AFTER, value);
    reply
}
