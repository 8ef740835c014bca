//! A store with a keyring that turns quickly, and tokens of it.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::keyring::{Defaults, PolicyNumbers, RotationPolicy};
use tokenwright::store::{
    FileStore, Follower, FollowerHandle, RevocationStore as _, ScheduleHandle, Scheduler,
    create_keyring,
};
use tokenwright::{Claims, Clock as _, MintOptions, Minter, Revocation, SystemClock, TokenIds};

pub const ISSUER: &str = "https://auth.example";
pub const AUDIENCE: &str = "orders-api";

/// A folder that goes with the scene; whoever mints, rotates and revokes.
pub struct Scene {
    pub folder: PathBuf,
    store: FileStore,
    minter: Minter,
    follower: Follower,
    /// Ended before the folder goes.
    threads: Option<(FollowerHandle, Mutex<ScheduleHandle>)>,
}

impl Scene {
    pub fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("tokenwright-load-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let store = FileStore::create(&folder).expect("a folder for keys");
        let now = SystemClock.now();
        let policy = RotationPolicy::new(PolicyNumbers {
            clock_skew: 1,
            view_age: 4,
            propagation: 1,
            token_lifetime: 300,
            leeway: 30,
            period: 20,
            ..PolicyNumbers::default()
        })
        .expect("a policy that keeps the rules");
        let key = SigningKey::generate(Algorithm::EdDsa).expect("a key");
        store.revocations().create(now).expect("an empty list");
        create_keyring(&store, "load", policy, Defaults::default(), &key, None, now)
            .expect("a keyring");
        let scheduler = Scheduler::new(store.clone(), SystemClock);
        let rotates = scheduler
            .spawn(Duration::from_millis(250), |performed| {
                if let Err(error) = performed {
                    eprintln!("rotation failed: {error}");
                }
            })
            .expect("a thread");
        let follower = Follower::signing(store.clone(), SystemClock, None).expect("signers");
        let follows = follower
            .spawn(Duration::from_millis(250))
            .expect("a thread");
        let minter = Minter::builder(follower.signers(), ISSUER)
            .audience(AUDIENCE)
            .lifetime(Duration::from_secs(300))
            .token_ids(TokenIds::Random)
            .build()
            .expect("a minter");
        Self {
            folder,
            store,
            minter,
            follower,
            threads: Some((follows, Mutex::new(rotates))),
        }
    }

    /// A token of the key that signs now.
    pub fn token(&self, id: Option<&str>) -> String {
        let mut claims = Claims::for_subject("alice").with_scope("orders:read orders:write");
        if let Some(id) = id {
            claims = claims.with_token_id(id);
        }
        let minted = self.minter.mint_with(&claims, MintOptions::new());
        minted.expect("a token")
    }

    /// How often a key has begun to sign since the beginning.
    pub fn rotations(&self) -> usize {
        let now = SystemClock.now();
        let keyring = self.follower.keyring();
        let begun = keyring
            .keys()
            .iter()
            .filter(|key| key.activates_at().is_some_and(|at| at <= now));
        begun.count().saturating_sub(1)
    }

    /// Withdraws tokens by their ids.
    pub fn revoke(&self, ids: &[String]) {
        let now = SystemClock.now();
        let until = now.saturating_add(Duration::from_secs(400));
        for id in ids {
            let entry = [Revocation::token(ISSUER, id.as_str(), now, until)];
            self.store
                .revocations()
                .append(&entry, now)
                .expect("a durable entry");
        }
    }

    pub fn path(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.threads = None;
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
