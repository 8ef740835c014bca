//! What is measured, with the targets that the project has set itself.

use tokenwright::key::Algorithm;

use crate::measure::{Contestant, Kind, compare};
use crate::peers;
use crate::report::Report;
use crate::scene::{EDDSA_TOKEN_BYTES, Scene};

/// Keys that are each seen for the first time in a block.
const COLD_KEYS: usize = 48;

/// Tokens of a batch.
const BATCH: usize = 256;

/// Tokens that a cache holds.
const CACHED: usize = 1_000;

/// Targets of verifying: of the fastest peer's time.
const VERIFY: [(Algorithm, &str, Option<f64>); 16] = [
    (Algorithm::EdDsa, "verify EdDSA busy", Some(0.55)),
    (Algorithm::V4Public, "verify v4.public busy", Some(0.55)),
    (Algorithm::Hs256, "verify HS256", Some(0.30)),
    (Algorithm::Rs256, "verify RS256", Some(0.82)),
    (Algorithm::Es256, "verify ES256", Some(1.0)),
    (Algorithm::V4Local, "verify v4.local", Some(0.9)),
    (Algorithm::Ed25519, "verify Ed25519 busy", None),
    (Algorithm::Es384, "verify ES384", None),
    (Algorithm::Es512, "verify ES512", None),
    (Algorithm::Rs384, "verify RS384", None),
    (Algorithm::Rs512, "verify RS512", None),
    (Algorithm::Ps256, "verify PS256", None),
    (Algorithm::Ps384, "verify PS384", None),
    (Algorithm::Ps512, "verify PS512", None),
    (Algorithm::Hs384, "verify HS384", None),
    (Algorithm::Hs512, "verify HS512", None),
];

/// The same of minting.
const MINT: [(Algorithm, &str, Option<f64>); 16] = [
    (Algorithm::EdDsa, "mint EdDSA", Some(0.62)),
    (Algorithm::V4Public, "mint v4.public", Some(0.35)),
    (Algorithm::Hs256, "mint HS256", Some(0.60)),
    (Algorithm::Rs256, "mint RS256", Some(0.42)),
    (Algorithm::Es256, "mint ES256", None),
    (Algorithm::V4Local, "mint v4.local", None),
    (Algorithm::Ed25519, "mint Ed25519", None),
    (Algorithm::Es384, "mint ES384", None),
    (Algorithm::Es512, "mint ES512", None),
    (Algorithm::Rs384, "mint RS384", None),
    (Algorithm::Rs512, "mint RS512", None),
    (Algorithm::Ps256, "mint PS256", None),
    (Algorithm::Ps384, "mint PS384", None),
    (Algorithm::Ps512, "mint PS512", None),
    (Algorithm::Hs384, "mint HS384", None),
    (Algorithm::Hs512, "mint HS512", None),
];

/// How many rounds for what has a target, and for the rest.
#[derive(Clone, Copy)]
pub struct Rounds {
    pub target: usize,
    pub rest: usize,
}

/// Which operations.
pub struct Choice(pub Option<String>);

impl Choice {
    pub fn has(&self, operation: &str) -> bool {
        match &self.0 {
            Some(part) => operation.contains(part.as_str()),
            None => true,
        }
    }
}

/// Verifies and mints with every algorithm.
pub fn measure(report: &mut Report, rounds: Rounds, choice: &Choice) {
    let count = |target: Option<f64>| {
        if target.is_some() {
            rounds.target
        } else {
            rounds.rest
        }
    };
    for (algorithm, operation, target) in VERIFY {
        let first = algorithm == Algorithm::EdDsa;
        if choice.has(operation) {
            let scene = Scene::new(algorithm);
            if first {
                assert_eq!(scene.tokens[0].len(), EDDSA_TOKEN_BYTES);
            }
            let mut all = peers::verifying(scene);
            report.add(operation, target, compare(&mut all, count(target)));
        }
        if first {
            special(report, rounds, choice);
        }
    }
    for (algorithm, operation, target) in MINT {
        if choice.has(operation) {
            let mut all = peers::minting(Scene::new(algorithm));
            report.add(operation, target, compare(&mut all, count(target)));
        }
    }
}

/// What only some can do.
fn special(report: &mut Report, rounds: Rounds, choice: &Choice) {
    if choice.has("verify EdDSA cold") {
        cold(report, rounds.target);
    }
    if choice.has("verify EdDSA batch 256") {
        batch(report, rounds.target);
    }
    if choice.has("cache hit") {
        let mut all = vec![peers::cached(Scene::new(Algorithm::EdDsa), CACHED)];
        report.add("cache hit", Some(250.0), compare(&mut all, rounds.target));
    }
}

/// Each call is the first that a key sees. The peers, who remember nothing, take their
/// turns over as many keys, so that the processor's caches help nobody more.
fn cold(report: &mut Report, rounds: usize) {
    let scenes: Vec<&'static Scene> = (0..COLD_KEYS)
        .map(|_| Scene::new(Algorithm::EdDsa))
        .collect();
    let scenes: &'static [&'static Scene] = Vec::leak(scenes);
    let mut all = vec![peers::cold(scenes)];
    all.extend(peers::verifying_in_turn(scenes));
    report.add("verify EdDSA cold", Some(0.98), compare(&mut all, rounds));
}

/// One key, many tokens at once. The peers have nothing of the kind and verify one after
/// the other; the bare check of many at once names no culprit.
fn batch(report: &mut Report, rounds: usize) {
    let scene = Scene::new(Algorithm::EdDsa);
    let each = peers::verifying(scene);
    let mut all: Vec<Contestant> = each
        .into_iter()
        .filter(|contestant| contestant.kind == Kind::Peer)
        .collect();
    let one_by_one = all.len();
    all.push(peers::batch(scene, BATCH));
    all.push(peers::verify_batch(scene, BATCH));
    let mut timings = compare(&mut all, rounds);
    for timing in &mut timings[one_by_one..] {
        timing.ns /= BATCH as f64;
        timing.allocations /= BATCH as f64;
    }
    timings.swap(0, one_by_one);
    report.add("verify EdDSA batch 256", Some(0.30), timings);
}
