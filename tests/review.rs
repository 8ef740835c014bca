//! Holes that a hostile review found, each kept shut by one test.

use std::sync::Arc;

use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::keyring::{
    Defaults, EmergencyOptions, Keyring, LargeJump, PolicyNumbers, RotationPolicy, Step,
    compromise, step,
};
use tokenwright::store::{
    Follower, MaterialAddress, MemoryStore, Store, create_keyring, load_keyring, put_key,
};
use tokenwright::{
    Claims, Clock, KeySet, ManualClock, MintOptions, Minter, Policy, RawVerifier, UnixTime,
    Verifier, sign_raw,
};

const ISSUER: &str = "https://auth.example";
const START: i64 = 1_760_000_000;
const DAY: i64 = 24 * 3600;

fn at(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(START + seconds)
}

/// A store with a keyring that turns once a day, and the clock of its scheduler.
struct Ring {
    store: MemoryStore,
    clock: Arc<ManualClock>,
}

impl Ring {
    fn start() -> Self {
        let ring = Self {
            store: MemoryStore::new(),
            clock: Arc::new(ManualClock::at(at(0))),
        };
        let numbers = PolicyNumbers {
            period: 24 * 3600,
            ..PolicyNumbers::default()
        };
        let policy = RotationPolicy::new(numbers).unwrap();
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let defaults = Defaults::default();
        create_keyring(&ring.store, "shop", policy, defaults, &key, None, at(0)).unwrap();
        ring.turn();
        ring
    }

    fn keyring(&self) -> Keyring {
        load_keyring(&self.store).unwrap().unwrap().keyring
    }

    fn commit(&self, keyring: &Keyring) {
        let version = self.store.load().unwrap().unwrap().version;
        let text = keyring.to_json();
        self.store
            .compare_and_swap(Some(&version), text.as_bytes())
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
                    supply = Some(put_key(&self.store, &key, None).unwrap());
                }
                Step::Commit(change) => self.commit(&change.keyring),
                Step::Erase { address, then } => {
                    let address = MaterialAddress::new(&address).unwrap();
                    self.store.remove_material(&address).unwrap();
                    self.commit(&then.keyring);
                }
                other => panic!("a step this test does not know: {other:?}"),
            }
        }
    }

    fn follow(&self, clock: &Arc<ManualClock>) -> Follower {
        Follower::signing(self.store.clone(), Arc::clone(clock), None).unwrap()
    }
}

fn minter(follower: &Follower, clock: &Arc<ManualClock>) -> Minter {
    Minter::builder(follower.signers(), ISSUER)
        .audience("shop")
        .clock(Arc::clone(clock))
        .build()
        .unwrap()
}

fn verifier(follower: &Follower, clock: &Arc<ManualClock>) -> Verifier {
    Verifier::builder(follower.keys())
        .policy(Policy::new(ISSUER, "shop"))
        .without_revocation()
        .clock(Arc::clone(clock))
        .build()
}

#[test]
fn a_clock_that_leapt_ahead_and_came_back_costs_no_keys() {
    let ring = Ring::start();
    let clock = Arc::new(ManualClock::at(at(0)));
    let follower = ring.follow(&clock);
    let (minter, verifier) = (minter(&follower, &clock), verifier(&follower, &clock));
    // Minutes before the turn the scheduler settles when the first key ends.
    ring.clock.set(at(DAY - 330));
    ring.turn();
    assert_eq!(ring.keyring().keys().len(), 3);
    // For one poll this host's clock is a year ahead, just when the document is new.
    clock.set(at(365 * DAY));
    follower.refresh().unwrap();
    clock.set(at(DAY - 240));
    follower.refresh().unwrap();
    let token = minter.mint(&Claims::for_subject("alice")).unwrap();
    assert!(verifier.verify(&token).is_ok());
}

#[test]
fn a_document_of_the_same_version_with_other_contents_is_a_rollback() {
    let ring = Ring::start();
    let follower = ring.follow(&ring.clock);
    let token = minter(&follower, &ring.clock)
        .mint(&Claims::for_subject("mallory"))
        .unwrap();
    let before = ring.keyring();
    // The standby must be known everywhere before it can take over.
    ring.clock.set(at(600));
    let signer = before.signer(ring.clock.now()).unwrap().id().clone();
    let options = EmergencyOptions::default();
    let marked = compromise(&before, ring.clock.now(), &signer, options, None).unwrap();
    ring.commit(&marked.change.keyring);
    follower.refresh().unwrap();
    let verifier = verifier(&follower, &ring.clock);
    assert!(verifier.verify(&token).is_err());

    // Somebody puts the older copy back, and another commit reaches the same version.
    let other = before
        .with_defaults(Defaults::default(), ring.clock.now())
        .unwrap();
    assert_eq!(other.version(), marked.change.keyring.version());
    ring.commit(&other);
    let refused = follower.refresh().unwrap_err();
    assert_eq!(refused.code(), "keyring_rolled_back");

    // And further commits on top of that copy do not make it acceptable.
    let further = other
        .with_defaults(Defaults::default(), ring.clock.now())
        .unwrap();
    ring.commit(&further);
    let refused = follower.refresh().unwrap_err();
    assert_eq!(refused.code(), "keyring_rolled_back");
    assert!(verifier.verify(&token).is_err());
}

#[test]
fn an_error_of_the_callers_own_type_cannot_forge_a_log_line() {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its members' names matter")]
    struct Shop {
        role: String,
    }
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let verifier = Verifier::builder(KeySet::of([key.verifying_key()]).unwrap())
        .policy(Policy::new(ISSUER, "shop"))
        .without_revocation()
        .build();
    let minter = Minter::builder(key, ISSUER)
        .audience("shop")
        .build()
        .unwrap();
    let name = "x\n2026-01-01 INFO alice logged in\u{1b}[2J\u{9b}\u{202e}";
    let custom = std::collections::BTreeMap::from([(name, 1)]);
    let token = minter.mint(&Claims::new().with_custom(custom)).unwrap();
    let error = verifier.verify_as::<Shop>(&token).unwrap_err();
    assert_eq!(error.code(), "bad_claims");
    let text = error.to_string();
    assert!(
        !text.contains(['\n', '\u{1b}', '\u{9b}', '\u{202e}']),
        "{text:?}"
    );
}

#[test]
fn an_assertion_is_not_shown_by_debug() {
    let options = MintOptions::new().assertion(b"pin 4711").footer(b"foot");
    let shown = format!("{options:?}");
    assert!(!shown.contains("52, 55, 49, 49"), "{shown}");
}

#[test]
fn any_bytes_that_can_be_sealed_can_be_opened() {
    for algorithm in [Algorithm::V4Local, Algorithm::V4Public, Algorithm::EdDsa] {
        let key = SigningKey::generate(algorithm).unwrap();
        let verifier = RawVerifier::new(KeySet::of([key.verifying_key()]).unwrap());
        assert!(sign_raw(&key, b"text", b"", b"").is_ok());
        for payload in [&b"text"[..], b"", b"\xff\xfe\x00", &[0x80; 100]] {
            // Or else nothing is made that could not be opened.
            if let Ok(token) = sign_raw(&key, payload, b"", b"") {
                let opened = verifier.verify(&token);
                assert_eq!(
                    opened.as_ref().map(|raw| raw.payload()),
                    Ok(payload),
                    "{algorithm} {payload:?}"
                );
            }
        }
    }
}

#[test]
fn a_raw_payload_becomes_a_token_only_where_the_format_has_no_type() {
    let verdict = |algorithm, payload: &[u8], assertion: &[u8]| {
        let key = SigningKey::generate(algorithm).unwrap();
        let token = sign_raw(&key, payload, b"", assertion).unwrap();
        let verifier = Verifier::builder(KeySet::of([key.verifying_key()]).unwrap())
            .policy(Policy::new(ISSUER, "shop"))
            .without_revocation()
            .clock(ManualClock::at(at(0)))
            .build();
        verifier.verify(&token).map(|_| ()).map_err(|e| e.code())
    };
    let claims = |exp: &str| format!(r#"{{"iss":"{ISSUER}","aud":"shop","exp":{exp}}}"#);
    let (number, text) = (claims("1760000900"), claims(r#""2099-01-01T00:00:00Z""#));
    let (number, text) = (number.as_bytes(), text.as_bytes());
    assert_eq!(verdict(Algorithm::EdDsa, number, b""), Err("typ_mismatch"));
    // What `sign_raw` warns of, and the way out that it names.
    assert_eq!(verdict(Algorithm::V4Public, text, b""), Ok(()));
    assert_eq!(
        verdict(Algorithm::V4Public, text, b"raw"),
        Err("bad_signature")
    );
}

#[test]
fn an_empty_word_is_in_no_scope() {
    for scope in ["", "read  write", " "] {
        assert!(!Claims::new().with_scope(scope).has_scope(""), "{scope:?}");
    }
    assert!(Claims::new().with_scope("read write").has_scope("write"));
}
