//! Tokens with unknown key ids cost a lookup each: no call of the store, no memory.
//!
//! In release it says what a refusal costs:
//! `cargo test --release --test flood -- --nocapture`

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::keyring::{Defaults, RotationPolicy};
use tokenwright::store::{
    Follower, MaterialAddress, MemoryStore, RunOptions, Scheduler, Store, StoreError, Version,
    Versioned, create_keyring,
};
use tokenwright::{Claims, Clock, ManualClock, Minter, Policy, SecretBytes, UnixTime, Verifier};

const START: UnixTime = UnixTime::from_seconds(1_760_000_000);
const ISSUER: &str = "https://auth.example";
const AUDIENCE: &str = "orders-api";
/// Random key ids of each format.
const FLOOD: usize = if cfg!(debug_assertions) {
    20_000
} else {
    1_000_000
};
/// Tokens made before the clock is started.
const BATCH: usize = 10_000;

/// A store that counts its calls.
#[derive(Clone, Default)]
struct Counting(MemoryStore, Arc<AtomicUsize>);

impl Counting {
    fn calls(&self) -> usize {
        self.1.load(Ordering::SeqCst)
    }

    fn counted(&self) -> &MemoryStore {
        self.1.fetch_add(1, Ordering::SeqCst);
        &self.0
    }
}

impl Store for Counting {
    fn load(&self) -> Result<Option<Versioned>, StoreError> {
        self.counted().load()
    }

    fn compare_and_swap(
        &self,
        expected: Option<&Version>,
        document: &[u8],
    ) -> Result<Version, StoreError> {
        self.counted().compare_and_swap(expected, document)
    }

    fn put_material(
        &self,
        address: &MaterialAddress,
        secret: &SecretBytes,
    ) -> Result<(), StoreError> {
        self.counted().put_material(address, secret)
    }

    fn replace_material(
        &self,
        address: &MaterialAddress,
        secret: &SecretBytes,
    ) -> Result<(), StoreError> {
        self.counted().replace_material(address, secret)
    }

    fn get_material(&self, address: &MaterialAddress) -> Result<Option<SecretBytes>, StoreError> {
        self.counted().get_material(address)
    }

    fn remove_material(&self, address: &MaterialAddress) -> Result<(), StoreError> {
        self.counted().remove_material(address)
    }

    fn list_material(&self) -> Result<Vec<MaterialAddress>, StoreError> {
        self.counted().list_material()
    }
}

/// Reproducible random text (xorshift), as long as a key id of ours.
struct Random(u64);

impl Random {
    fn key_id(&mut self) -> String {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let letter = |_| {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            char::from(alphabet[(self.0 >> 20) as usize % 64])
        };
        (0..43).map(letter).collect()
    }
}

fn base64url(bytes: &[u8]) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - group.len()));
        for place in 0..=group.len() {
            let letter = (bits >> (18 - 6 * place)) & 63;
            text.push(char::from(alphabet[letter as usize]));
        }
    }
    text
}

/// Everything a service has, on a counting store.
struct Service {
    store: Counting,
    clock: Arc<ManualClock>,
    scheduler: Scheduler,
    follower: Follower,
    minter: Minter,
    verifier: Verifier,
}

impl Service {
    fn new(algorithm: Algorithm) -> Self {
        let (store, clock) = (Counting::default(), Arc::new(ManualClock::at(START)));
        let key = SigningKey::generate(algorithm).unwrap();
        let (policy, defaults) = (RotationPolicy::default(), Defaults::default());
        create_keyring(&store, "orders", policy, defaults, &key, None, START).unwrap();
        let scheduler = Scheduler::new(store.clone(), Arc::clone(&clock));
        scheduler.run_due(&RunOptions::default()).unwrap();
        let follower = Follower::signing(store.clone(), Arc::clone(&clock), None).unwrap();
        let minter = Minter::builder(follower.signers(), ISSUER)
            .audience(AUDIENCE)
            .clock(Arc::clone(&clock));
        let verifier = Verifier::builder(follower.keys())
            .policy(Policy::new(ISSUER, AUDIENCE))
            .without_revocation()
            .clock(Arc::clone(&clock));
        Self {
            minter: minter.build().unwrap(),
            verifier: verifier.build(),
            store,
            clock,
            scheduler,
            follower,
        }
    }

    fn mint(&self) -> String {
        self.minter.mint(&Claims::for_subject("alice")).unwrap()
    }
}

/// A good token under another key id: the signature and claims of a JWT, or all
/// but the footer of a PASETO, stay.
fn renamed(token: &str, key_id: &str) -> String {
    match token.strip_prefix("v4.public.") {
        Some(rest) => {
            let payload = rest.split('.').next().unwrap();
            let footer = format!(r#"{{"kid":"k4.pid.{key_id}"}}"#);
            format!("v4.public.{payload}.{}", base64url(footer.as_bytes()))
        }
        None => {
            let (_, rest) = token.split_once('.').unwrap();
            let header = format!(r#"{{"alg":"EdDSA","kid":"{key_id}"}}"#);
            format!("{}.{rest}", base64url(header.as_bytes()))
        }
    }
}

/// Resident memory of this process, in bytes.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

#[test]
fn a_flood_of_random_key_ids_costs_a_lookup_each() {
    for algorithm in [Algorithm::EdDsa, Algorithm::V4Public] {
        let service = Service::new(algorithm);
        let good = service.mint();
        let mut random = Random(0x2545_f491_4f6c_dd1d);
        let (mut spent, mut best) = (Duration::ZERO, Duration::MAX);
        let (before, mut memory) = (service.store.calls(), 0);
        for round in 0..FLOOD / BATCH {
            let batch: Vec<String> = (0..BATCH)
                .map(|_| renamed(&good, &random.key_id()))
                .collect();
            if round == 1 {
                memory = resident();
            }
            let started = Instant::now();
            let refused = batch.iter().filter(|token| {
                let error = service.verifier.verify(token.as_str()).unwrap_err();
                error.code() == "unknown_key"
            });
            assert_eq!(refused.count(), BATCH);
            let took = started.elapsed();
            spent += took;
            best = best.min(took);
            assert!(service.verifier.verify(&good).is_ok());
        }
        let grown = resident().saturating_sub(memory);
        assert_eq!(service.store.calls(), before, "the store was asked");
        assert!(grown <= 1 << 20, "{grown} bytes more memory");
        let each = |time: Duration, count: usize| time.as_nanos() / count as u128;
        println!(
            "{algorithm}: {FLOOD} refusals, {} ns each, {} ns in the best batch, {grown} bytes more",
            each(spent, FLOOD),
            each(best, BATCH),
        );
        if !cfg!(debug_assertions) {
            assert!(
                each(best, BATCH) < 1_000,
                "a refusal takes a microsecond or more"
            );
        }
    }
}

#[test]
fn a_rotation_during_a_flood_refuses_no_good_token() {
    let service = Service::new(Algorithm::EdDsa);
    let mut random = Random(7);
    let flood = |random: &mut Random, token: &str| {
        for _ in 0..50 {
            let error = service
                .verifier
                .verify(&renamed(token, &random.key_id()))
                .unwrap_err();
            assert_eq!(error.code(), "unknown_key");
        }
    };
    let mut signers = std::collections::BTreeSet::new();
    let mut issued: Vec<(UnixTime, String)> = Vec::new();
    // 30 days and a few hours around them, in steps shorter than C.
    let period = 30 * 86_400;
    for second in (0..600).chain(period - 600..period + 3_600).step_by(150) {
        let now = START.saturating_add(Duration::from_secs(second));
        service.clock.set(now);
        service.scheduler.run_due(&RunOptions::default()).unwrap();
        service.follower.refresh().unwrap();
        let token = service.mint();
        signers.insert(token.split('.').next().unwrap().to_owned());
        flood(&mut random, &token);
        issued.push((now, token));
        issued.retain(|(at, _)| now.saturating_since(*at) < Duration::from_secs(900));
        for (_, token) in &issued {
            assert!(service.verifier.verify(token).is_ok(), "{second}");
        }
    }
    assert_eq!(signers.len(), 2, "the key has turned");
}

#[test]
fn when_the_promise_has_ended_nobody_says_unknown_key() {
    let service = Service::new(Algorithm::EdDsa);
    let stranger = renamed(&service.mint(), &Random(9).key_id());
    let code = || service.verifier.verify(&stranger).unwrap_err().code();
    let policy = service.follower.keyring().policy().numbers();
    let promised = service
        .follower
        .keyring()
        .complete_until(service.clock.now());
    let usable = promised.saturating_sub(Duration::from_secs(policy.clock_skew));
    service
        .clock
        .set(usable.saturating_sub(Duration::from_secs(1)));
    assert_eq!(code(), "unknown_key");
    service.clock.set(usable);
    assert_eq!(code(), "keys_unavailable");
    service.follower.refresh().unwrap();
    assert_eq!(code(), "unknown_key");
}
