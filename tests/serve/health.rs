//! Readiness, in-process: time stands still, and the store fails when told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Request;
use serde_json::Value;
use tokenwright::http::serve::Server;
use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::keyring::{Defaults, RotationPolicy};
use tokenwright::store::{
    Follower, MaterialAddress, MemoryStore, Store, StoreError, Version, Versioned, create_keyring,
};
use tokenwright::{
    Claims, ManualClock, MintOptions, Minter, Policy, SecretBytes, UnixTime, Verifier,
};

const NOW: UnixTime = UnixTime::from_seconds(1_760_000_000);

/// A store that answers, or does not.
#[derive(Clone, Default)]
struct Moody {
    store: Arc<MemoryStore>,
    broken: Arc<AtomicBool>,
}

impl Store for Moody {
    fn load(&self) -> Result<Option<Versioned>, StoreError> {
        if self.broken.load(Ordering::Relaxed) {
            tokenwright::store::check_document(b"", "the moody store")?;
        }
        self.store.load()
    }

    fn compare_and_swap(
        &self,
        expected: Option<&Version>,
        document: &[u8],
    ) -> Result<Version, StoreError> {
        self.store.compare_and_swap(expected, document)
    }

    fn put_material(
        &self,
        address: &MaterialAddress,
        secret: &SecretBytes,
    ) -> Result<(), StoreError> {
        self.store.put_material(address, secret)
    }

    fn replace_material(
        &self,
        address: &MaterialAddress,
        secret: &SecretBytes,
    ) -> Result<(), StoreError> {
        self.store.replace_material(address, secret)
    }

    fn get_material(&self, address: &MaterialAddress) -> Result<Option<SecretBytes>, StoreError> {
        self.store.get_material(address)
    }

    fn remove_material(&self, address: &MaterialAddress) -> Result<(), StoreError> {
        self.store.remove_material(address)
    }

    fn list_material(&self) -> Result<Vec<MaterialAddress>, StoreError> {
        self.store.list_material()
    }
}

struct Scene {
    clock: Arc<ManualClock>,
    store: Moody,
    server: Server,
    minter: Minter,
}

impl Scene {
    fn new() -> Self {
        let (clock, store) = (Arc::new(ManualClock::at(NOW)), Moody::default());
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let policy = RotationPolicy::default();
        create_keyring(&store, "test", policy, Defaults::default(), &key, None, NOW).unwrap();
        let follower = Follower::verifying(store.clone(), Arc::clone(&clock)).unwrap();
        let verifier = Verifier::builder(follower.keys())
            .policy(Policy::new("https://auth.example", "shop"))
            .without_revocation()
            .clock(Arc::clone(&clock))
            .build();
        let minter = Minter::builder(key, "https://auth.example")
            .audience("shop")
            .build()
            .unwrap();
        let server = Server::builder(follower, verifier)
            .clock(Arc::clone(&clock))
            .build();
        Self {
            clock,
            store,
            server,
            minter,
        }
    }

    /// Both clocks move on.
    fn pass(&self, seconds: u64) {
        let by = Duration::from_secs(seconds);
        self.clock
            .set(tokenwright::Clock::now(&*self.clock).saturating_add(by));
        self.clock.pass(by);
    }

    fn get(&self, target: &str) -> http::Response<bytes::Bytes> {
        self.server
            .answer(&Request::get(target).body(()).unwrap(), b"")
    }

    fn verify(&self, token: &str) -> http::Response<bytes::Bytes> {
        let request = Request::get("/verify").header("authorization", format!("Bearer {token}"));
        self.server.answer(&request.body(()).unwrap(), b"")
    }

    fn token(&self, issued_at: UnixTime) -> String {
        let claims = Claims::for_subject("alice");
        self.minter
            .mint_with(&claims, MintOptions::new().at(issued_at))
            .unwrap()
    }

    fn checks(&self) -> (u16, Value) {
        let answer = self.get("/readyz");
        let body: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(body["ready"] == true, answer.status() == 200);
        (answer.status().as_u16(), body["checks"].clone())
    }
}

#[test]
fn when_all_is_well_it_says_so() {
    let scene = Scene::new();
    let (status, checks) = scene.checks();
    assert_eq!(status, 200);
    for name in ["server", "keys", "store", "schedule"] {
        assert_eq!(checks[name]["state"], "good", "{name}");
    }
}

#[test]
fn an_outage_of_the_store_is_a_warning_until_the_keys_are_too_old() {
    let scene = Scene::new();
    let token = scene.token(NOW);
    scene.store.broken.store(true, Ordering::Relaxed);
    scene.pass(60);
    scene.server.refresh();
    let (status, checks) = scene.checks();
    assert_eq!(status, 200, "every instance has the same store");
    assert_eq!(checks["store"]["state"], "warning");
    let problem = checks["store"]["problem"].as_str().unwrap();
    assert!(problem.contains("an empty file"), "{problem}");
    assert_eq!(scene.verify(&token).status(), 200);
    // Caches may no longer keep what may be old already.
    let keys = scene.get("/.well-known/jwks.json");
    assert_eq!(keys.headers()["cache-control"], "public, no-cache");
    let metrics = scene.get("/metrics");
    let metrics = std::str::from_utf8(metrics.body()).unwrap();
    assert!(metrics.contains("\ntokenwright_keyring_refresh_failing 1\n"));
    assert!(metrics.contains("\ntokenwright_keyring_view_age_seconds 60.000\n"));

    // C is 300 s: from then on a key may have been withdrawn.
    scene.pass(300);
    scene.server.refresh();
    let (status, checks) = scene.checks();
    assert_eq!(status, 503);
    assert_eq!(checks["keys"]["state"], "bad");
    let refused = scene.verify(&token);
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["x-auth-reason"], "keys_unavailable");
    assert!(refused.headers().contains_key("retry-after"));
    assert!(!refused.headers().contains_key("www-authenticate"));
    assert_eq!(scene.get("/.well-known/jwks.json").status(), 503);
    assert_eq!(scene.get("/healthz").status(), 200, "the process lives");

    scene.store.broken.store(false, Ordering::Relaxed);
    scene.server.refresh();
    assert_eq!(scene.checks().0, 200);
    assert_eq!(scene.verify(&token).status(), 200);
    let keys = scene.get("/.well-known/jwks.json");
    assert_eq!(
        keys.headers()["cache-control"],
        RotationPolicy::default().cache_control()
    );
}

#[test]
fn overdue_work_is_a_warning() {
    let scene = Scene::new();
    // The standby is due at once, and nobody rotates.
    scene.pass(3_600);
    scene.server.refresh();
    let (status, checks) = scene.checks();
    assert_eq!(status, 200);
    assert_eq!(checks["schedule"]["state"], "warning");
}

#[test]
fn after_the_signature_the_reason_is_named_for_the_proxys_log() {
    let scene = Scene::new();
    let token = scene.token(NOW);
    scene.pass(900 + 31);
    scene.server.refresh();
    let answer = scene.verify(&token);
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.headers()["x-auth-reason"], "expired");
    let body = std::str::from_utf8(answer.body()).unwrap();
    assert!(!body.contains("expired"), "{body}");
}
