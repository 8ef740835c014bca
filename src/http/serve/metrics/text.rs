//! The text format of Prometheus, version 0.0.4.

use std::fmt::{Display, Write as _};
use std::time::Duration;

use super::count::{BUCKETS, Endpoint, Metrics, RESULTS, STATUSES};
use crate::keyring::{KeyRecord, Keyring};
use crate::revocation::RevocationView;
use crate::store::{FollowerHealth, RevocationHealth};
use crate::time::UnixTime;

/// What is told besides the counters.
pub(in crate::http::serve) struct Gauges<'a> {
    pub(in crate::http::serve) now: UnixTime,
    pub(in crate::http::serve) keyring: &'a Keyring,
    pub(in crate::http::serve) health: &'a FollowerHealth,
    pub(in crate::http::serve) ready: bool,
    pub(in crate::http::serve) most_connections: usize,
    pub(in crate::http::serve) started: UnixTime,
    pub(in crate::http::serve) revocations: Option<ListGauges<'a>>,
}

/// What is told of the revocation list.
pub(in crate::http::serve) struct ListGauges<'a> {
    pub(in crate::http::serve) view: &'a RevocationView,
    pub(in crate::http::serve) health: &'a RevocationHealth,
}

/// Everything, as one text.
pub(in crate::http::serve) fn render(metrics: &Metrics, gauges: &Gauges<'_>) -> String {
    let mut page = Page(String::with_capacity(16 * 1024));
    page.process(gauges);
    page.requests(metrics, gauges);
    page.durations(metrics);
    page.verifications(metrics);
    page.keyring(gauges);
    page.keys(gauges);
    if let Some(list) = &gauges.revocations {
        page.revocations(list, gauges.now);
    }
    page.0
}

struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (place, (label, text)) in labels.iter().enumerate() {
            let opening = if place == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{opening}{label}=\"");
            for character in text.chars() {
                match character {
                    '\\' => self.0.push_str("\\\\"),
                    '"' => self.0.push_str("\\\""),
                    '\n' => self.0.push_str("\\n"),
                    other => self.0.push(other),
                }
            }
            self.0.push('"');
        }
        let closing = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{closing} {value}");
    }

    /// A family of one sample without labels.
    fn single(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    fn process(&mut self, gauges: &Gauges<'_>) {
        self.family("tokenwright_build_info", "gauge", "The version that runs.");
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        self.sample("tokenwright_build_info", &version, 1);
        self.single(
            "tokenwright_start_time_seconds",
            "gauge",
            "When the server started, in Unix seconds.",
            seconds(gauges.started),
        );
        self.single(
            "tokenwright_ready",
            "gauge",
            "1 if /readyz answers 200, else 0.",
            u8::from(gauges.ready),
        );
    }

    fn requests(&mut self, metrics: &Metrics, gauges: &Gauges<'_>) {
        let name = "tokenwright_http_requests_total";
        self.family(
            name,
            "counter",
            "Requests answered, by endpoint and status.",
        );
        let named = STATUSES.iter().map(u16::to_string);
        let statuses: Vec<String> = named.chain(["other".to_owned()]).collect();
        for endpoint in Endpoint::ALL {
            for (place, status) in statuses.iter().enumerate() {
                let count = metrics.requests(endpoint, place);
                if count > 0 {
                    let labels = [("endpoint", endpoint.name()), ("status", status)];
                    self.sample(name, &labels, count);
                }
            }
        }
        self.single(
            "tokenwright_http_requests_in_flight",
            "gauge",
            "Requests being worked on.",
            metrics.in_flight(),
        );
        let (open, total) = metrics.connections();
        self.single(
            "tokenwright_http_connections",
            "gauge",
            "Connections open.",
            open,
        );
        self.single(
            "tokenwright_http_connections_limit",
            "gauge",
            "The most connections that may be open at once.",
            gauges.most_connections,
        );
        self.single(
            "tokenwright_http_connections_total",
            "counter",
            "Connections accepted.",
            total,
        );
    }

    fn durations(&mut self, metrics: &Metrics) {
        let name = "tokenwright_http_request_duration_seconds";
        self.family(
            name,
            "histogram",
            "From a request's head read to its answer ready, by endpoint.",
        );
        let (bucket_name, sum_name) = (format!("{name}_bucket"), format!("{name}_sum"));
        let count_name = format!("{name}_count");
        for endpoint in Endpoint::ALL {
            let (boxes, nanoseconds) = metrics.durations(endpoint);
            let ends = BUCKETS.iter().map(|micros| decimal(*micros, 6));
            let ends = ends.chain(["+Inf".to_owned()]);
            let mut total: u64 = 0;
            for (end, count) in ends.zip(boxes) {
                total = total.wrapping_add(count);
                let labels = [("endpoint", endpoint.name()), ("le", end.as_str())];
                self.sample(&bucket_name, &labels, total);
            }
            let label = [("endpoint", endpoint.name())];
            self.sample(&sum_name, &label, decimal(nanoseconds, 9));
            self.sample(&count_name, &label, total);
        }
    }

    fn verifications(&mut self, metrics: &Metrics) {
        let name = "tokenwright_verifications_total";
        self.family(
            name,
            "counter",
            "Tokens judged by /verify: valid, or the code of the refusal.",
        );
        for (place, result) in RESULTS.iter().chain(&["other"]).enumerate() {
            self.sample(name, &[("result", result)], metrics.results(place));
        }
    }

    fn keyring(&mut self, gauges: &Gauges<'_>) {
        let health = gauges.health;
        for (name, help, value) in [
            (
                "tokenwright_keyring_view_age_seconds",
                "How long ago the keyring was last read.",
                span(gauges.now.saturating_since(health.read_at)),
            ),
            (
                "tokenwright_keyring_epoch",
                "The keyring's epoch: raised when a backup is merged in.",
                health.version.epoch.to_string(),
            ),
            (
                "tokenwright_keyring_seq",
                "The keyring's sequence number: raised at every commit.",
                health.version.seq.to_string(),
            ),
            (
                "tokenwright_keyring_refresh_failing",
                "1 if the keyring could not be read at the last try, else 0.",
                u8::from(health.failing_since.is_some()).to_string(),
            ),
        ] {
            self.single(name, "gauge", help, value);
        }
        if let Some(due) = health.next_due {
            self.single(
                "tokenwright_keyring_next_due_timestamp_seconds",
                "gauge",
                "When a scheduler has something to do next; in the past, it is overdue.",
                seconds(due),
            );
        }
    }

    fn revocations(&mut self, list: &ListGauges<'_>, now: UnixTime) {
        let position = list.health.position;
        for (name, help, value) in [
            (
                "tokenwright_revocation_list_age_seconds",
                "How long ago the revocation list was known to be complete.",
                span(now.saturating_since(list.view.as_of())),
            ),
            (
                "tokenwright_revocation_list_entries",
                "Entries of the revocation list.",
                list.view.list().len().to_string(),
            ),
            (
                "tokenwright_revocation_list_epoch",
                "The list's epoch: raised when it is put back from a copy.",
                position.epoch.to_string(),
            ),
            (
                "tokenwright_revocation_list_seq",
                "The list's number: raised with each entry and pruning.",
                position.seq.to_string(),
            ),
            (
                "tokenwright_revocation_list_refresh_failing",
                "1 if the list could not be read at the last try, else 0.",
                u8::from(list.health.failing_since.is_some()).to_string(),
            ),
        ] {
            self.single(name, "gauge", help, value);
        }
    }

    fn keys(&mut self, gauges: &Gauges<'_>) {
        let (now, policy) = (gauges.now, gauges.keyring.policy());
        let keys = gauges.keyring.keys();
        let name = "tokenwright_key_state";
        self.family(name, "gauge", "1 for the state that a key is in.");
        for key in keys {
            let labels = [
                ("kid", key.id().as_str()),
                ("alg", key.algorithm().name()),
                ("state", key.state(now).name()),
            ];
            self.sample(name, &labels, 1);
        }
        let name = "tokenwright_key_age_seconds";
        self.family(name, "gauge", "How long ago a key was published.");
        for key in keys {
            let age = now.saturating_since(key.published_at());
            self.sample(name, &[("kid", key.id().as_str())], span(age));
        }
        let name = "tokenwright_key_next_transition_timestamp_seconds";
        self.family(
            name,
            "gauge",
            "When something settled happens to a key next.",
        );
        for key in keys {
            let transitions = transitions(key, policy);
            let ahead = transitions.filter(|(at, _)| now < *at);
            if let Some((at, what)) = ahead.min_by_key(|(at, _)| *at) {
                let labels = [("kid", key.id().as_str()), ("transition", what)];
                self.sample(name, &labels, seconds(at));
            }
        }
    }
}

/// What is settled about a key, with the names that `rotate plan` uses.
fn transitions<'k>(
    key: &'k KeyRecord,
    policy: &'k crate::keyring::RotationPolicy,
) -> impl Iterator<Item = (UnixTime, &'static str)> + use<'k> {
    use crate::keyring::Happening as H;
    [
        (key.activates_at(), H::Activates),
        (key.stops_signing_at(), H::StopsSigning),
        (key.private_erased_from(policy), H::PrivateHalfErased),
        (key.verifies_until(), H::StopsVerifying),
        (key.withdrawn_from(policy), H::Withdrawn),
        (key.compromised_at(), H::Refused),
    ]
    .into_iter()
    .filter_map(|(at, what)| Some((at?, what.name())))
}

/// Unix seconds with what fraction there is.
fn seconds(time: UnixTime) -> String {
    match time.subsec_nanoseconds() {
        0 => time.seconds().to_string(),
        nanoseconds => format!("{}.{nanoseconds:09}", time.seconds()),
    }
}

fn span(duration: Duration) -> String {
    format!("{}.{:03}", duration.as_secs(), duration.subsec_millis())
}

/// A whole number of parts of a second, as a decimal of seconds.
fn decimal(parts: u64, digits: u32) -> String {
    let unit = 10_u64.saturating_pow(digits);
    let (whole, rest) = (
        parts.checked_div(unit).unwrap_or_default(),
        parts.checked_rem(unit).unwrap_or_default(),
    );
    let text = format!("{whole}.{rest:0width$}", width = digits as usize);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_decimals_of_seconds() {
        assert_eq!(decimal(25, 6), "0.000025");
        assert_eq!(decimal(2_500_000, 6), "2.5");
        assert_eq!(decimal(1_000_000, 6), "1");
        assert_eq!(decimal(0, 9), "0");
        assert_eq!(seconds(UnixTime::new(5, 1_000)), "5.000001000");
    }

    #[test]
    fn a_label_cannot_break_out_of_its_quotes() {
        let mut page = Page(String::new());
        page.sample("m", &[("kid", "a\"b\\c\nd")], 1);
        assert_eq!(page.0, "m{kid=\"a\\\"b\\\\c\\nd\"} 1\n");
    }
}
