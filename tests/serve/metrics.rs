//! The text that Prometheus reads, held to its format.

use std::collections::{HashMap, HashSet};

use crate::place::Place;
use crate::running::Running;

/// Every sample by its name and labels, after the whole text was held to the rules of
/// the text format 0.0.4.
fn parsed(text: &str) -> HashMap<String, f64> {
    let mut samples = HashMap::new();
    let mut seen = HashSet::new();
    let (mut family, mut kind, mut helped) = (String::new(), String::new(), String::new());
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(seen.insert(name.to_owned()), "{name} comes twice");
            assert!(help.ends_with('.'), "{line}");
            helped = name.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, its_kind) = rest.split_once(' ').unwrap();
            assert_eq!(name, helped, "{line}");
            assert!(
                ["counter", "gauge", "histogram"].contains(&its_kind),
                "{line}"
            );
            assert_eq!(its_kind == "counter", name.ends_with("_total"), "{line}");
            (family, kind) = (name.to_owned(), its_kind.to_owned());
        } else {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            let name = sample.split('{').next().unwrap();
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            assert!(name.chars().all(plain), "{line}");
            let suffix = name.strip_prefix(&family).unwrap_or("not of the family");
            let allowed: &[&str] = match kind.as_str() {
                "histogram" => &["_bucket", "_sum", "_count"],
                _ => &[""],
            };
            assert!(allowed.contains(&suffix), "{line}");
            if let Some(labels) = sample.strip_prefix(name).filter(|rest| !rest.is_empty()) {
                let inside = labels
                    .strip_prefix('{')
                    .and_then(|rest| rest.strip_suffix('}'));
                assert!(inside.unwrap().ends_with('"'), "{line}");
            }
            let value: f64 = value.parse().unwrap();
            assert!(
                samples.insert(sample.to_owned(), value).is_none(),
                "{line} comes twice"
            );
        }
    }
    samples
}

#[test]
fn the_text_keeps_the_format_and_counts_what_happened() {
    let place = Place::with_keys("EdDSA");
    place.run(&["rotate", "--if-due"]).succeeds();
    let server = Running::start(&place, &[]);
    let token = place.mint(&["--sub", "alice"]);
    for _ in 0..3 {
        server.verify("", &token).is(200);
    }
    server.verify("?scope=admin", &token).is(403);
    server.verify("", "x.y.z").is(401);
    server.get("/healthz").is(200);
    server.get("/nowhere").is(404);
    let page = server.get("/metrics").is(200);
    let content_type = page.header("content-type").unwrap();
    assert!(
        content_type.starts_with("text/plain; version=0.0.4"),
        "{content_type}"
    );
    let samples = parsed(&page.body);
    let is = |sample: &str, value: f64| assert_eq!(samples.get(sample), Some(&value), "{sample}");
    is("tokenwright_ready", 1.0);
    is("tokenwright_verifications_total{result=\"valid\"}", 3.0);
    is(
        "tokenwright_verifications_total{result=\"insufficient_scope\"}",
        1.0,
    );
    is("tokenwright_verifications_total{result=\"malformed\"}", 1.0);
    is("tokenwright_verifications_total{result=\"revoked\"}", 0.0);
    let requests = "tokenwright_http_requests_total";
    is(
        &format!("{requests}{{endpoint=\"verify\",status=\"200\"}}"),
        3.0,
    );
    is(
        &format!("{requests}{{endpoint=\"verify\",status=\"401\"}}"),
        1.0,
    );
    is(
        &format!("{requests}{{endpoint=\"verify\",status=\"403\"}}"),
        1.0,
    );
    is(
        &format!("{requests}{{endpoint=\"other\",status=\"404\"}}"),
        1.0,
    );
    is("tokenwright_http_requests_in_flight", 1.0);
    is("tokenwright_keyring_refresh_failing", 0.0);
    is("tokenwright_keyring_epoch", 1.0);
    is("tokenwright_keyring_seq", 2.0);
}

#[test]
fn the_histogram_is_cumulative_and_agrees_with_its_count() {
    let place = Place::with_keys("EdDSA");
    let server = Running::start(&place, &[]);
    for _ in 0..5 {
        server.get("/verify").is(401);
    }
    let page = server.get("/metrics").body;
    let samples = parsed(&page);
    let name = "tokenwright_http_request_duration_seconds";
    let before = format!("{name}_bucket{{endpoint=\"verify\",le=\"");
    let mut buckets: Vec<(f64, f64)> = samples
        .iter()
        .filter_map(|(sample, count)| {
            let end = sample.strip_prefix(&before)?.strip_suffix("\"}")?;
            Some((end.parse().unwrap(), *count))
        })
        .collect();
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert!(buckets.len() > 5);
    assert!(
        buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1),
        "{buckets:?}"
    );
    assert_eq!(buckets.last(), Some(&(f64::INFINITY, 5.0)));
    assert_eq!(
        samples[&format!("{name}_count{{endpoint=\"verify\"}}")],
        5.0
    );
    assert!(samples[&format!("{name}_sum{{endpoint=\"verify\"}}")] > 0.0);
}

#[test]
fn every_key_has_its_age_its_state_and_what_happens_to_it_next() {
    let place = Place::with_keys("EdDSA");
    place.run(&["rotate", "--if-due"]).succeeds();
    let server = Running::start(&place, &[]);
    let samples = parsed(&server.get("/metrics").body);
    let listed = place.run(&["key", "list", "--json"]).succeeds().json();
    let keys = listed["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2);
    for key in keys {
        let (kid, state) = (key["kid"].as_str().unwrap(), key["state"].as_str().unwrap());
        let age = samples[&format!("tokenwright_key_age_seconds{{kid=\"{kid}\"}}")];
        assert!((0.0..60.0).contains(&age), "{age}");
        let name = "tokenwright_key_state";
        let sample = format!("{name}{{kid=\"{kid}\",alg=\"EdDSA\",state=\"{state}\"}}");
        assert_eq!(samples.get(&sample), Some(&1.0), "{sample}");
    }
    let due = samples["tokenwright_keyring_next_due_timestamp_seconds"];
    assert!(due > samples["tokenwright_start_time_seconds"]);
}
