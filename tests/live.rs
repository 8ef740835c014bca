//! Verifiers and minters that follow a store, on a clock that moves only when told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::keyring::{
    Defaults, EmergencyOptions, Keyring, LargeJump, PolicyNumbers, RotationPolicy, Step,
    compromise, next_due, resume, step, suspend,
};
use tokenwright::store::{
    Follower, MaterialAddress, MemoryStore, Refreshed, Store, StoreError, Version, Versioned,
    create_keyring, load_keyring, put_key,
};
use tokenwright::{
    Claims, Clock, ManualClock, Minter, Policy, Presented, SecretBytes, UnixTime, Verifier,
};
use tokenwright::{dangerous, sign_raw};

const ISSUER: &str = "https://auth.example";
const START: i64 = 1_760_000_000;
const HOUR: i64 = 3600;

fn at(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(START + seconds)
}

/// A store that can be told to fail, and counts how often it is read.
#[derive(Clone, Default)]
struct Shaky(Arc<ShakyParts>);

#[derive(Default)]
struct ShakyParts {
    store: MemoryStore,
    down: AtomicBool,
    loads: AtomicUsize,
}

impl Store for Shaky {
    fn load(&self) -> Result<Option<Versioned>, StoreError> {
        self.0.loads.fetch_add(1, Ordering::SeqCst);
        if self.0.down.load(Ordering::SeqCst) {
            // An address that cannot exist gives a ready-made error of the store.
            return Err(MaterialAddress::new("../down").expect_err("not an address"));
        }
        self.0.store.load()
    }

    fn compare_and_swap(
        &self,
        expected: Option<&Version>,
        document: &[u8],
    ) -> Result<Version, StoreError> {
        self.0.store.compare_and_swap(expected, document)
    }

    fn put_material(
        &self,
        address: &MaterialAddress,
        secret: &SecretBytes,
    ) -> Result<(), StoreError> {
        self.0.store.put_material(address, secret)
    }

    fn replace_material(
        &self,
        address: &MaterialAddress,
        secret: &SecretBytes,
    ) -> Result<(), StoreError> {
        self.0.store.replace_material(address, secret)
    }

    fn get_material(&self, address: &MaterialAddress) -> Result<Option<SecretBytes>, StoreError> {
        self.0.store.get_material(address)
    }

    fn remove_material(&self, address: &MaterialAddress) -> Result<(), StoreError> {
        self.0.store.remove_material(address)
    }

    fn list_material(&self) -> Result<Vec<MaterialAddress>, StoreError> {
        self.0.store.list_material()
    }
}

/// A store, a clock, and a service that mints and verifies by them.
struct Service {
    store: Shaky,
    clock: Arc<ManualClock>,
    follower: Follower,
    minter: Minter,
    verifier: Verifier,
}

impl Service {
    fn start(algorithm: Algorithm) -> Self {
        let store = Shaky::default();
        let numbers = PolicyNumbers {
            period: 24 * 3600,
            ..PolicyNumbers::default()
        };
        let policy = RotationPolicy::new(numbers).unwrap();
        let key = SigningKey::generate(algorithm).unwrap();
        create_keyring(
            &store,
            "shop",
            policy,
            Defaults::default(),
            &key,
            None,
            at(0),
        )
        .unwrap();
        let service = Self::join(store, Arc::new(ManualClock::at(at(0))));
        service.turn();
        service
    }

    /// A second service on the same store and clock.
    fn join(store: Shaky, clock: Arc<ManualClock>) -> Self {
        let follower = Follower::signing(store.clone(), clock.clone(), None).unwrap();
        let minter = Minter::builder(follower.signers(), ISSUER)
            .audience("shop")
            .clock(clock.clone());
        let verifier = Verifier::builder(follower.keys()).policy(Policy::new(ISSUER, "shop"));
        Self {
            minter: minter.build().unwrap(),
            verifier: verifier.without_revocation().clock(clock.clone()).build(),
            store,
            clock,
            follower,
        }
    }

    fn keyring(&self) -> Keyring {
        load_keyring(&self.store.0.store).unwrap().unwrap().keyring
    }

    fn commit(&self, keyring: &Keyring) {
        let version = self.store.0.store.load().unwrap().unwrap().version;
        self.store
            .0
            .store
            .compare_and_swap(Some(&version), keyring.to_json().as_bytes())
            .unwrap();
    }

    /// Runs the schedule until nothing is due.
    fn turn(&self) {
        let mut supply = None;
        loop {
            let keyring = self.keyring();
            match step(&keyring, self.clock.now(), supply.take(), LargeJump::Accept).unwrap() {
                Step::Idle { .. } => return,
                Step::NeedsKey { algorithm, .. } => {
                    let key = SigningKey::generate(algorithm).unwrap();
                    supply = Some(put_key(&self.store.0.store, &key, None).unwrap());
                }
                Step::Commit(change) => self.commit(&change.keyring),
                Step::Erase { address, then } => {
                    self.store
                        .0
                        .store
                        .remove_material(&MaterialAddress::new(&address).unwrap())
                        .unwrap();
                    self.commit(&then.keyring);
                }
                other => panic!("a step this test does not know: {other:?}"),
            }
        }
    }

    fn set(&self, seconds: i64) {
        self.clock.set(at(seconds));
    }

    fn mint(&self) -> Result<String, &'static str> {
        self.minter
            .mint(&Claims::for_subject("alice"))
            .map_err(|error| error.code())
    }

    fn verify(&self, token: &str) -> Result<(), &'static str> {
        self.verifier
            .verify(token)
            .map(|_| ())
            .map_err(|error| error.code())
    }
}

#[test]
fn a_service_goes_through_many_rotations_without_refusing_a_good_token() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Hs256, Algorithm::V4Local] {
        let service = Service::start(algorithm);
        let mut signers = std::collections::BTreeSet::new();
        let mut alive: Vec<(i64, String)> = Vec::new();
        for tick in 0..(5 * 24 * 12) {
            let now = tick * 300;
            service.set(now);
            service.turn();
            service.follower.refresh().unwrap();
            let token = service.mint().unwrap();
            let verified = service.verifier.verify(&token).unwrap();
            signers.insert(verified.key_id().clone());
            alive.push((now, token));
            alive.retain(|(minted, _)| now - minted < 900);
            for (_, token) in &alive {
                service.verify(token).unwrap();
            }
        }
        assert_eq!(signers.len(), 5, "{algorithm}: one signer a day");
        assert!(service.keyring().keys().len() <= 4, "old keys are gone");
        let stored = service.store.0.store.list_material().unwrap().len();
        assert!(stored <= 4, "{algorithm}: {stored} private halves are left");
    }
}

#[test]
fn a_minter_with_a_view_older_than_allowed_refuses_and_recovers() {
    let service = Service::start(Algorithm::EdDsa);
    service.follower.refresh().unwrap();
    service.store.0.down.store(true, Ordering::SeqCst);
    service.set(299);
    assert!(service.follower.refresh().is_err());
    assert!(service.mint().is_ok(), "the last good view serves");
    service.set(300);
    assert_eq!(service.mint().unwrap_err(), "keys_stale");
    service.store.0.down.store(false, Ordering::SeqCst);
    assert_eq!(service.follower.refresh().unwrap(), Refreshed::Unchanged);
    assert!(service.mint().is_ok());
}

#[test]
fn a_verifier_keeps_its_view_through_an_outage_until_the_promise_ends() {
    let service = Service::start(Algorithm::EdDsa);
    service.follower.refresh().unwrap();
    let token = service.mint().unwrap();
    service.store.0.down.store(true, Ordering::SeqCst);
    // The age that the rules reckon with: a view of 299 s must serve (I1).
    let last = 299;
    let judge = |seconds| {
        let verdict = service
            .verifier
            .verify(Presented::new(&token).at(at(seconds)));
        verdict.map_err(|error| (error.code(), error.class().http_status()))
    };
    assert!(judge(last).is_ok());
    assert_eq!(judge(last + 1).unwrap_err(), ("keys_unavailable", 503));
}

#[test]
fn a_clock_set_back_does_not_freshen_a_view_that_cannot_be_read_again() {
    let service = Service::start(Algorithm::EdDsa);
    service.follower.refresh().unwrap();
    let token = service.mint().unwrap();
    service.store.0.down.store(true, Ordering::SeqCst);
    service.set(1);
    service.clock.pass(Duration::from_secs(299));
    assert!(service.follower.refresh().is_err());
    service.verify(&token).unwrap();
    service.clock.pass(Duration::from_secs(1));
    assert!(service.follower.refresh().is_err());
    assert_eq!(service.mint().unwrap_err(), "keys_stale");
    assert_eq!(service.verify(&token).unwrap_err(), "keys_unavailable");
    service.store.0.down.store(false, Ordering::SeqCst);
    service.follower.refresh().unwrap();
    service.verify(&token).unwrap();
}

#[test]
fn an_unknown_key_is_refused_without_reading_the_store() {
    let service = Service::start(Algorithm::EdDsa);
    let foreign = Service::start(Algorithm::EdDsa).mint().unwrap();
    let before = service.store.0.loads.load(Ordering::SeqCst);
    for _ in 0..1000 {
        assert_eq!(service.verify(&foreign).unwrap_err(), "unknown_key");
    }
    assert_eq!(service.store.0.loads.load(Ordering::SeqCst), before);
    // The keyring promises that for 270 s; after that nobody can tell.
    let verdict = |seconds| {
        let verdict = service
            .verifier
            .verify(Presented::new(&foreign).at(at(seconds)));
        verdict.unwrap_err().code()
    };
    assert_eq!(
        [verdict(269), verdict(270)],
        ["unknown_key", "keys_unavailable"]
    );
}

#[test]
fn a_retired_key_verifies_and_does_not_sign() {
    let service = Service::start(Algorithm::EdDsa);
    let first = service.keyring().signer(at(0)).unwrap().clone();
    let due = next_due(&service.keyring()).unwrap();
    service.clock.set(due);
    service.turn();
    let stops = service
        .keyring()
        .key(first.id().as_str())
        .unwrap()
        .stops_signing_at()
        .unwrap();
    service
        .clock
        .set(stops.saturating_sub(Duration::from_secs(1)));
    service.follower.refresh().unwrap();
    let token = service.mint().unwrap();
    // Not a second later: the follower need not even look again.
    service.clock.set(stops);
    let next = service.mint().unwrap();
    let signer = |token: &str| service.verifier.verify(token).unwrap().key_id().clone();
    assert_eq!(&signer(&token), first.id());
    assert_ne!(&signer(&next), first.id());
}

#[test]
fn a_token_from_outside_its_keys_time_is_refused() {
    let service = Service::start(Algorithm::EdDsa);
    let record = service.keyring().signer(at(0)).unwrap().clone();
    let address = MaterialAddress::new(record.address()).unwrap();
    let stolen = service.store.get_material(&address).unwrap().unwrap();
    let stolen = || SigningKey::from_pem(stolen.expose(), &Default::default()).unwrap();
    let thief = |seconds| {
        let minter = Minter::builder(stolen(), ISSUER)
            .audience("shop")
            .clock(ManualClock::at(at(seconds)));
        minter
            .build()
            .unwrap()
            .mint(&Claims::for_subject("root"))
            .unwrap()
    };
    let long = Minter::builder(stolen(), ISSUER)
        .audience("shop")
        .lifetime(Duration::from_secs(901));
    let long = long
        .clock(ManualClock::at(at(5)))
        .build()
        .unwrap()
        .mint(&Claims::new())
        .unwrap();
    let verdict = service.verifier.verify(Presented::new(&long).at(at(10)));
    assert_eq!(verdict.unwrap_err().code(), "lifetime_too_long");
    let (backdated, afterwards) = (thief(-60), thief(30 * HOUR));
    service.set(10);
    assert_eq!(
        service.verify(&backdated).unwrap_err(),
        "outside_key_period"
    );
    service.set(24 * HOUR - 100);
    service.turn();
    service.set(30 * HOUR);
    service.follower.refresh().unwrap();
    assert!(matches!(
        service.verify(&afterwards),
        Err("outside_key_period" | "unknown_key")
    ));
}

#[test]
fn a_keyrings_token_without_times_is_refused_even_where_expiry_is_waived() {
    let service = Service::start(Algorithm::EdDsa);
    let record = service.keyring().signer(at(0)).unwrap().clone();
    let address = MaterialAddress::new(record.address()).unwrap();
    let material = service.store.get_material(&address).unwrap().unwrap();
    let key = SigningKey::from_pem(material.expose(), &Default::default()).unwrap();
    let keys = service.follower.keys();
    let lenient = dangerous::without_expiry(Policy::new(ISSUER, "shop").typ("JOSE"));
    let verifier = Verifier::builder(keys)
        .policy(lenient)
        .without_revocation()
        .build();
    let payload = format!(r#"{{"iss":"{ISSUER}","aud":"shop"}}"#);
    let token = sign_raw(&key, payload.as_bytes(), b"", b"").unwrap();
    let error = verifier
        .verify(Presented::new(&token).at(at(5)))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "exp is required and absent; iat is required and absent"
    );
}

#[test]
fn a_compromised_key_is_refused_at_the_next_refresh_and_another_signs() {
    let service = Service::start(Algorithm::EdDsa);
    service.set(2 * HOUR);
    service.turn();
    service.follower.refresh().unwrap();
    let token = service.mint().unwrap();
    let bad = service.keyring().signer(at(2 * HOUR)).unwrap().id().clone();
    let options = EmergencyOptions::default();
    let emergency = compromise(&service.keyring(), at(2 * HOUR), &bad, options, None).unwrap();
    service.commit(&emergency.change.keyring);
    assert_eq!(service.follower.refresh().unwrap(), Refreshed::Changed);
    assert_eq!(service.verify(&token).unwrap_err(), "unknown_key");
    let next = service.mint().unwrap();
    service.verify(&next).unwrap();
}

#[test]
fn a_suspended_key_neither_signs_nor_verifies_until_it_is_resumed() {
    let service = Service::start(Algorithm::EdDsa);
    service.set(2 * HOUR);
    service.turn();
    service.follower.refresh().unwrap();
    let token = service.mint().unwrap();
    service.set(2 * HOUR + 60);
    let keyring = service.keyring();
    let id = keyring.signer(at(2 * HOUR)).unwrap().id().clone();
    let options = EmergencyOptions::default();
    service.commit(
        &suspend(&keyring, at(2 * HOUR + 60), &id, options, None)
            .unwrap()
            .change
            .keyring,
    );
    service.follower.refresh().unwrap();
    assert_eq!(service.verify(&token).unwrap_err(), "unknown_key");
    let resumed = resume(
        &service.keyring(),
        at(2 * HOUR + 60),
        &id,
        LargeJump::Refuse,
    )
    .unwrap();
    service.commit(&resumed.keyring);
    service.set(2 * HOUR + 120);
    service.follower.refresh().unwrap();
    service.verify(&token).unwrap();
}

#[test]
fn an_older_or_foreign_document_does_not_replace_the_view() {
    let service = Service::start(Algorithm::EdDsa);
    let old = service.keyring();
    service.set(24 * HOUR - 100);
    service.turn();
    service.follower.refresh().unwrap();
    let newest = service.follower.health().version;
    service.commit(&old);
    assert_eq!(
        service.follower.refresh().unwrap_err().code(),
        "keyring_rolled_back"
    );
    let health = service.follower.health();
    assert_eq!(health.version, newest);
    assert_eq!(health.failing_since, Some(at(24 * HOUR - 100)));
    assert!(!health.is_good(at(24 * HOUR - 100), Duration::from_secs(60)));
    let foreign = Service::start(Algorithm::EdDsa);
    let other = foreign.keyring().to_json().replace("\"shop\"", "\"other\"");
    let version = service.store.0.store.load().unwrap().unwrap().version;
    service
        .store
        .0
        .store
        .compare_and_swap(Some(&version), other.as_bytes())
        .unwrap();
    assert_eq!(
        service.follower.refresh().unwrap_err().code(),
        "other_keyring"
    );
}

#[test]
fn a_clock_set_back_does_not_revive_a_dead_key() {
    let service = Service::start(Algorithm::EdDsa);
    let token = service.mint().unwrap();
    for day in 1..=3 {
        service.set(day * 24 * HOUR);
        service.turn();
    }
    service.follower.refresh().unwrap();
    let rejoined = Service::join(service.store.clone(), Arc::new(ManualClock::at(at(60))));
    assert!(
        rejoined.verify(&token).is_err(),
        "the keyring proves that the clock is slow"
    );
}

#[test]
fn a_follower_for_verifying_reads_no_secret_and_signs_nothing() {
    let service = Service::start(Algorithm::EdDsa);
    for address in service.store.list_material().unwrap() {
        service.store.remove_material(&address).unwrap();
    }
    service.follower.refresh().unwrap();
    let follower = Follower::verifying(service.store.clone(), service.clock.clone()).unwrap();
    assert_eq!(
        follower.keys().keys().len(),
        service.follower.keys().keys().len()
    );
    let minter = Minter::builder(follower.signers(), ISSUER)
        .clock(service.clock.clone())
        .build()
        .unwrap();
    assert_eq!(
        minter.mint(&Claims::new()).unwrap_err().code(),
        "keys_stale"
    );
}

#[test]
fn a_followers_thread_ends_with_its_handle() {
    let service = Service::start(Algorithm::EdDsa);
    let handle = service.follower.spawn(Duration::from_secs(3600)).unwrap();
    drop(handle);
}
