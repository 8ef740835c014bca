//! A foreign issuer that turns its keys while its tokens are verified: our own
//! scheduler as the publisher, our own remote keys as the reader, between them a cache.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use tokenwright::http::remote::{Fetch, FetchError, FetchErrorKind, RemoteKeys};
use tokenwright::key::{Algorithm, JwkSet, SigningKey};
use tokenwright::keyring::{Defaults, PolicyNumbers, RotationPolicy};
use tokenwright::store::{
    Follower, MemoryStore, RunOptions, Scheduler, create_keyring, load_keyring, published_keys,
    published_set,
};
use tokenwright::{Claims, Clock, ManualClock, Minter, Policy, Verifier};

use crate::scene::{AUDIENCE, ISSUER, JWKS, START};

/// Four rotations each.
const DAYS: u64 = if cfg!(debug_assertions) { 2 } else { 30 };

#[derive(Clone, Copy, PartialEq)]
enum Promise {
    Given,
    Withheld,
}

/// The publisher's server, with a cache in front that keeps answers for as long as it may.
struct Published {
    store: MemoryStore,
    clock: Arc<ManualClock>,
    promise: Promise,
    cached: Mutex<Option<(u64, Vec<u8>)>>,
    fetches: Mutex<u64>,
    down: Mutex<bool>,
}

impl Published {
    fn body(&self) -> (Vec<u8>, RotationPolicy) {
        let keyring = load_keyring(&self.store).unwrap().unwrap().keyring;
        let set = match self.promise {
            Promise::Given => published_set(&keyring, self.clock.now(), self.clock.now()).unwrap(),
            Promise::Withheld => {
                JwkSet::of(published_keys(&keyring, self.clock.now()).unwrap()).unwrap()
            }
        };
        (set.to_json().unwrap().into_bytes(), *keyring.policy())
    }
}

impl Fetch for Published {
    fn fetch(&self, _: &Request<()>, _: usize) -> Result<Response<Vec<u8>>, FetchError> {
        *self.fetches.lock().unwrap() += 1;
        if *self.down.lock().unwrap() {
            return Err(FetchError::new(FetchErrorKind::Unreachable, "down"));
        }
        let now = self.clock.steady().as_secs();
        let (body, policy) = self.body();
        let mut cached = self.cached.lock().unwrap();
        let (since, body) = match &*cached {
            Some((since, old)) if now - since < policy.cache_max_age().as_secs() => {
                (*since, old.clone())
            }
            _ => (now, body),
        };
        *cached = Some((since, body.clone()));
        let answer = Response::builder()
            .header("content-type", "application/jwk-set+json")
            .header("cache-control", policy.cache_control())
            .header("age", now - since);
        Ok(answer.body(body).unwrap())
    }
}

struct World {
    clock: Arc<ManualClock>,
    scheduler: Scheduler,
    follower: Follower,
    minter: Minter,
    published: Arc<Published>,
    remote: RemoteKeys,
    verifier: Verifier,
}

impl World {
    fn new(algorithm: Algorithm, numbers: PolicyNumbers, promise: Promise) -> Self {
        let (store, clock) = (MemoryStore::new(), Arc::new(ManualClock::at(START)));
        let key = SigningKey::generate(algorithm).unwrap();
        let policy = RotationPolicy::new(numbers).unwrap();
        create_keyring(
            &store,
            "issuer",
            policy,
            Defaults::default(),
            &key,
            None,
            START,
        )
        .unwrap();
        let scheduler = Scheduler::new(store.clone(), Arc::clone(&clock));
        scheduler.run_due(&RunOptions::default()).unwrap();
        let follower = Follower::signing(store.clone(), Arc::clone(&clock), None).unwrap();
        let minter = Minter::builder(follower.signers(), ISSUER)
            .audience(AUDIENCE)
            .clock(Arc::clone(&clock));
        let published = Arc::new(Published {
            store,
            clock: Arc::clone(&clock),
            promise,
            cached: Mutex::default(),
            fetches: Mutex::default(),
            down: Mutex::default(),
        });
        let remote = RemoteKeys::jwks(JWKS)
            .client(Arc::clone(&published))
            .clock(Arc::clone(&clock))
            .load()
            .unwrap();
        let verifier = Verifier::builder(remote.keys())
            .policy(Policy::new(ISSUER, AUDIENCE))
            .without_revocation()
            .clock(Arc::clone(&clock));
        Self {
            minter: minter.build().unwrap(),
            verifier: verifier.build(),
            clock,
            scheduler,
            follower,
            published,
            remote,
        }
    }

    fn pass(&self, seconds: u64) {
        let by = Duration::from_secs(seconds);
        self.clock.set(self.clock.now().saturating_add(by));
        self.clock.pass(by);
    }

    fn fetches(&self) -> u64 {
        *self.published.fetches.lock().unwrap()
    }
}

/// Turns the keys many times, minting and verifying all along.
fn turns(algorithm: Algorithm, promise: Promise) {
    let numbers = PolicyNumbers {
        period: 6 * 3600,
        ..PolicyNumbers::default()
    };
    let world = World::new(algorithm, numbers, promise);
    let mut signers = BTreeSet::new();
    let mut alive: Vec<(u64, String)> = Vec::new();
    let (mut good, step) = (0_u32, 50);
    for tick in 0..(DAYS * 86_400 / step) {
        world.scheduler.run_due(&RunOptions::default()).unwrap();
        world.follower.refresh().unwrap();
        // What the thread does when it is not woken: it sleeps until the next fetch is due.
        world.remote.refresh_if_due().unwrap();
        let token = world.minter.mint(&Claims::for_subject("alice")).unwrap();
        alive.push((tick * step, token));
        alive.retain(|(at, _)| tick * step - at < 900);
        for (_, token) in [alive.first(), alive.last()].into_iter().flatten() {
            let verified = world.verifier.verify(token);
            let verified = verified.unwrap_or_else(|error| panic!("tick {tick}: {error}"));
            signers.insert(verified.key_id().clone());
            good += 1;
        }
        world.pass(step);
    }
    let health = world.remote.health();
    println!(
        "{algorithm}: {} keys signed, {good} verified, none refused, {} fetches, {} keys now",
        signers.len(),
        world.fetches(),
        health.keys
    );
    assert!(signers.len() as u64 >= 4 * DAYS - 1, "{}", signers.len());
    assert!(health.keys <= 4, "old keys are gone: {}", health.keys);
    assert_eq!((health.failures, health.replacements), (0, 0));
    // One fetch a cool-down at most, and far fewer.
    assert!(world.fetches() <= DAYS * 86_400 / 75, "{}", world.fetches());
}

#[test]
fn many_rotations_of_a_foreign_issuer_refuse_no_good_token() {
    turns(Algorithm::EdDsa, Promise::Given);
    turns(Algorithm::Es256, Promise::Withheld);
}

#[test]
fn under_the_published_promise_strangers_cause_no_fetch() {
    let world = World::new(Algorithm::EdDsa, PolicyNumbers::default(), Promise::Given);
    let other = World::new(Algorithm::EdDsa, PolicyNumbers::default(), Promise::Given);
    let stranger = other.minter.mint(&Claims::for_subject("mallory")).unwrap();
    let mut scheduled = 0;
    for _ in 0..600 {
        let due = world.remote.health().next_fetch_in.is_zero();
        let before = world.fetches();
        world.remote.refresh_if_due().unwrap();
        scheduled += world.fetches() - before;
        assert_eq!(world.fetches() > before, due);
        for _ in 0..10 {
            let error = world.verifier.verify(&stranger).unwrap_err();
            assert_eq!(error.code(), "unknown_key");
        }
        // No ring of the bell has moved the next fetch nearer.
        assert!(due || !world.remote.health().next_fetch_in.is_zero());
        world.pass(1);
    }
    assert_eq!(world.fetches(), scheduled + 1);
    assert!(scheduled <= 10, "{scheduled}");
}

#[test]
fn the_promise_that_is_published_is_kept() {
    // At every moment, what the set promised a while ago holds of the key that signs.
    let numbers = PolicyNumbers {
        period: 6 * 3600,
        ..PolicyNumbers::default()
    };
    let world = World::new(Algorithm::EdDsa, numbers, Promise::Given);
    let mut promises: Vec<(u64, JwkSet)> = Vec::new();
    for tick in 0..86_400 / 60_u64 {
        world.scheduler.run_due(&RunOptions::default()).unwrap();
        world.follower.refresh().unwrap();
        let now = world.clock.now();
        let (body, _) = world.published.body();
        let set = JwkSet::parse(&body, &Default::default()).unwrap();
        assert!(
            set.complete_until().is_some_and(|until| until > now),
            "tick {tick}"
        );
        promises.push((tick, set));
        promises.retain(|(_, set)| set.complete_until().is_some_and(|until| until > now));
        let token = world.minter.mint(&Claims::for_subject("alice")).unwrap();
        for (since, set) in &promises {
            let keys = tokenwright::KeySet::from(set.clone());
            let verifier = Verifier::builder(keys)
                .policy(Policy::new(ISSUER, AUDIENCE))
                .without_revocation()
                .clock(Arc::clone(&world.clock))
                .build();
            let verdict = verifier.verify(&token).map_err(|error| error.code());
            assert_ne!(
                verdict.err(),
                Some("unknown_key"),
                "promised at {since}, broken at {tick}"
            );
        }
        world.pass(60);
    }
}

#[test]
fn an_outage_of_the_publisher_over_a_rotation_ends_without_a_refusal_of_known_keys() {
    let numbers = PolicyNumbers {
        period: 6 * 3600,
        ..PolicyNumbers::default()
    };
    let world = World::new(Algorithm::EdDsa, numbers, Promise::Given);
    let mint = || world.minter.mint(&Claims::for_subject("alice")).unwrap();
    let token = mint();
    *world.published.down.lock().unwrap() = true;
    for _ in 0..800 / 20 {
        world.pass(20);
        world.follower.refresh().unwrap();
        let _ = world.remote.refresh_if_due();
        assert!(world.verifier.verify(&token).is_ok());
    }
    assert!(world.remote.health().failing_since.is_some());
    *world.published.down.lock().unwrap() = false;
    world.pass(30);
    world.remote.refresh_if_due().unwrap();
    assert!(world.verifier.verify(&mint()).is_ok());
}
