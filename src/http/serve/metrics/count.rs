//! Counters that threads do not contend for: each thread has a part of its own.

use std::array::from_fn;
use std::cell::Cell;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use http::StatusCode;

/// How many parts there are: more than the processors of the machines this runs on
/// by default; threads beyond that share a part, which costs time and no accuracy.
const PARTS: usize = 32;

/// What a request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http::serve) enum Endpoint {
    Verify,
    Jwks,
    Paserk,
    Revocations,
    Live,
    Ready,
    Metrics,
    Inspector,
    Other,
}

impl Endpoint {
    pub(in crate::http::serve) const ALL: [Self; 9] = [
        Self::Verify,
        Self::Jwks,
        Self::Paserk,
        Self::Revocations,
        Self::Live,
        Self::Ready,
        Self::Metrics,
        Self::Inspector,
        Self::Other,
    ];

    /// The label in metrics and in the access log: never text of the client's.
    pub(in crate::http::serve) const fn name(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Jwks => "jwks",
            Self::Paserk => "paserk",
            Self::Revocations => "revocations",
            Self::Live => "healthz",
            Self::Ready => "readyz",
            Self::Metrics => "metrics",
            Self::Inspector => "inspector",
            Self::Other => "other",
        }
    }

    fn place(self) -> usize {
        Self::ALL.iter().position(|each| *each == self).unwrap_or(0)
    }
}

/// The statuses this server answers with; any other is counted as `other`.
pub(super) const STATUSES: [u16; 13] = [
    200, 303, 304, 400, 401, 403, 404, 405, 408, 413, 415, 500, 503,
];

/// What may come of a token: `valid`, a request without one, or the code of a refusal.
/// Any other code is counted as `other`; a test holds the list against the codes.
pub(super) const RESULTS: [&str; 32] = [
    "valid",
    "no_token",
    "repeated_header",
    "repeated_cookie",
    "several_places",
    "not_a_token",
    "credentials_too_long",
    "insufficient_scope",
    "identity_too_long",
    "bad_query",
    "malformed",
    "too_long",
    "unsupported_extension",
    "unknown_key",
    "alg_mismatch",
    "typ_mismatch",
    "bad_signature",
    "bad_claims",
    "iss_mismatch",
    "aud_mismatch",
    "missing_claim",
    "lifetime_too_long",
    "outside_key_period",
    "refused",
    "expired",
    "not_yet_valid",
    "too_old",
    "proof_missing",
    "keys_unavailable",
    "revoked",
    "revocation_unknown",
    "revocation_stale",
];

/// Upper ends of the buckets of durations, in microseconds: one signature check takes
/// about 30, and a proxy waits seconds at most.
pub(super) const BUCKETS: [u64; 13] = [
    25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 500_000, 2_500_000,
];

const ENDPOINTS: usize = Endpoint::ALL.len();
const BOXES: usize = BUCKETS.len() + 1;

/// Everything one thread counts. Two parts never share a cache line, nor the pair
/// of lines that processors fetch together.
#[repr(align(128))]
struct Part {
    requests: [[AtomicU64; STATUSES.len() + 1]; ENDPOINTS],
    results: [AtomicU64; RESULTS.len() + 1],
    durations: [[AtomicU64; BOXES]; ENDPOINTS],
    nanoseconds: [AtomicU64; ENDPOINTS],
    in_flight: AtomicI64,
}

impl Part {
    fn new() -> Self {
        Self {
            requests: from_fn(|_| from_fn(|_| AtomicU64::new(0))),
            results: from_fn(|_| AtomicU64::new(0)),
            durations: from_fn(|_| from_fn(|_| AtomicU64::new(0))),
            nanoseconds: from_fn(|_| AtomicU64::new(0)),
            in_flight: AtomicI64::new(0),
        }
    }
}

thread_local! {
    /// Which part is this thread's.
    static MINE: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The counters of one server.
pub(in crate::http::serve) struct Metrics {
    parts: Box<[Part]>,
    /// Connections come and go far more seldom than requests: one counter will do.
    connections: AtomicI64,
    connections_total: AtomicU64,
}

impl Metrics {
    pub(in crate::http::serve) fn new() -> Self {
        Self {
            parts: (0..PARTS).map(|_| Part::new()).collect(),
            connections: AtomicI64::new(0),
            connections_total: AtomicU64::new(0),
        }
    }

    fn mine(&self) -> Option<&Part> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = MINE.with(|mine| {
            mine.get().unwrap_or_else(|| {
                let number = NEXT.fetch_add(1, Ordering::Relaxed) % PARTS;
                mine.set(Some(number));
                number
            })
        });
        self.parts.get(number)
    }

    /// A request is being worked on, until [`ended`](Self::ended).
    pub(in crate::http::serve) fn began(&self) {
        if let Some(part) = self.mine() {
            part.in_flight.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(in crate::http::serve) fn ended(
        &self,
        endpoint: Endpoint,
        status: StatusCode,
        took: Duration,
    ) {
        let Some(part) = self.mine() else { return };
        part.in_flight.fetch_sub(1, Ordering::Relaxed);
        let place = endpoint.place();
        let listed = STATUSES.iter().position(|each| *each == status.as_u16());
        let row = part.requests.get(place);
        add(
            row.and_then(|row| row.get(listed.unwrap_or(STATUSES.len()))),
            1,
        );
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS.partition_point(|end| *end < micros);
        add(part.durations.get(place).and_then(|row| row.get(bucket)), 1);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        add(part.nanoseconds.get(place), nanos);
    }

    /// One token was judged.
    pub(in crate::http::serve) fn judged(&self, result: &str) {
        let place = RESULTS.iter().position(|each| *each == result);
        let Some(part) = self.mine() else { return };
        add(part.results.get(place.unwrap_or(RESULTS.len())), 1);
    }

    pub(in crate::http::serve) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
        self.connections_total.fetch_add(1, Ordering::Relaxed);
    }

    pub(in crate::http::serve) fn disconnected(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn connections(&self) -> (i64, u64) {
        (
            self.connections.load(Ordering::Relaxed),
            self.connections_total.load(Ordering::Relaxed),
        )
    }

    pub(super) fn in_flight(&self) -> i64 {
        // A request that began on one thread and ended on another makes one part
        // negative; the sum is right.
        let each = self.parts.iter().map(|part| &part.in_flight);
        each.map(|count| count.load(Ordering::Relaxed))
            .fold(0, i64::saturating_add)
    }

    /// Requests of an endpoint by the place of their status.
    pub(super) fn requests(&self, endpoint: Endpoint, status: usize) -> u64 {
        self.sum(|part| part.requests.get(endpoint.place())?.get(status))
    }

    pub(super) fn results(&self, result: usize) -> u64 {
        self.sum(|part| part.results.get(result))
    }

    /// How many took at most each bucket's end and more than the one before, and
    /// their sum in nanoseconds.
    pub(super) fn durations(&self, endpoint: Endpoint) -> ([u64; BOXES], u64) {
        let place = endpoint.place();
        let boxes = from_fn(|bucket| self.sum(|part| part.durations.get(place)?.get(bucket)));
        (boxes, self.sum(|part| part.nanoseconds.get(place)))
    }

    fn sum(&self, of: impl Fn(&Part) -> Option<&AtomicU64>) -> u64 {
        let each = self.parts.iter().filter_map(of);
        each.map(|count| count.load(Ordering::Relaxed))
            .fold(0, u64::wrapping_add)
    }
}

fn add(counter: Option<&AtomicU64>, by: u64) {
    if let Some(counter) = counter {
        counter.fetch_add(by, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The server reads no proofs, and refuses whatever would need one as `proof_missing`.
    const OF_PROOFS: [&str; 3] = ["no_proof", "repeated_proof", "not_a_proof"];

    #[test]
    fn every_code_of_a_refused_token_has_a_counter_of_its_own() {
        for source in [
            include_str!("../../../verify/error.rs"),
            include_str!("../../credentials.rs"),
        ] {
            let (_, body) = source.split_once("fn code(").expect("a function");
            let body = body.split("\n    }\n").next().expect("its end");
            let codes: Vec<&str> = body.split('"').skip(1).step_by(2).collect();
            assert!(codes.len() > 4);
            for code in codes {
                if OF_PROOFS.contains(&code) {
                    continue;
                }
                assert!(RESULTS.contains(&code), "{code} would be counted as other");
            }
        }
    }

    #[test]
    fn counts_of_many_threads_add_up() {
        let metrics = Metrics::new();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        metrics.began();
                        metrics.judged("expired");
                        let took = Duration::from_micros(60);
                        metrics.ended(Endpoint::Verify, StatusCode::UNAUTHORIZED, took);
                    }
                });
            }
        });
        let status = STATUSES.iter().position(|each| *each == 401).unwrap();
        assert_eq!(metrics.requests(Endpoint::Verify, status), 8_000);
        let result = RESULTS.iter().position(|each| *each == "expired").unwrap();
        assert_eq!(metrics.results(result), 8_000);
        let (boxes, nanoseconds) = metrics.durations(Endpoint::Verify);
        assert_eq!(boxes[2], 8_000, "60 µs lie between 50 and 100");
        assert_eq!(nanoseconds, 8_000 * 60_000);
        assert_eq!(metrics.in_flight(), 0);
    }
}
