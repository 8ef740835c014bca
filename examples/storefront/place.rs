//! The folder: keyring, private keys and revocations, and who follows them.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::keyring::{
    Defaults, Keyring, LiveKeys, LiveSigners, PolicyNumbers, RotationPolicy,
};
use tokenwright::store::{
    FileRevocations, FileStore, Follower, FollowerHandle, RevocationFollower, RevocationStore,
    ScheduleHandle, Scheduler, Store, StoreError, StoreErrorKind, create_keyring,
};
use tokenwright::{Clock, LiveRevocations, Revocation, SystemClock, UnixTime};

pub(crate) const ISSUER: &str = "https://shop.example";

/// Everything that outlives the process, and what keeps this process up to date.
pub(crate) struct Place {
    clock: Arc<dyn Clock>,
    is_manual: bool,
    keys: Follower,
    revocations: FileRevocations,
    revoked: RevocationFollower,
    /// Threads that end with this.
    _running: (FollowerHandle, FollowerHandle, ScheduleHandle),
}

impl Place {
    /// Opens the folder, or makes it with its first key and an empty list.
    pub(crate) fn open(
        folder: &Path,
        longest_token: Duration,
        clock: Option<PathBuf>,
    ) -> Result<Self, Box<dyn Error>> {
        let is_manual = clock.is_some();
        let clock: Arc<dyn Clock> = match clock {
            Some(path) => Arc::new(FileClock::new(path)),
            None => Arc::new(SystemClock),
        };
        let store = FileStore::create(folder)?;
        let revocations = store.revocations();
        if store.load()?.is_none() {
            let policy = RotationPolicy::new(PolicyNumbers {
                token_lifetime: longest_token.as_secs().max(900),
                ..PolicyNumbers::default()
            })?;
            let key = SigningKey::generate(Algorithm::EdDsa)?;
            let made = create_keyring(
                &store,
                "storefront",
                policy,
                Defaults::default(),
                &key,
                None,
                clock.now(),
            );
            // A second shop may have been faster.
            if let Err(error) = made
                && store.load()?.is_none()
            {
                return Err(error.into());
            }
        }
        match revocations.create(clock.now()) {
            Err(error) if error.kind() != StoreErrorKind::Exists => return Err(error.into()),
            Ok(_) | Err(_) => {}
        }
        let keys = Follower::signing(FileStore::open(folder)?, Arc::clone(&clock), None)?;
        let revoked = RevocationFollower::open(store.revocations(), Arc::clone(&clock))?;
        let schedule = Scheduler::new(store, Arc::clone(&clock));
        let running = (
            keys.spawn(Duration::from_secs(5))?,
            revoked.spawn(RevocationFollower::INTERVAL)?,
            schedule.spawn(Duration::from_secs(30), |_| {})?,
        );
        Ok(Self {
            clock,
            is_manual,
            keys,
            revocations,
            revoked,
            _running: running,
        })
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    pub(crate) fn signers(&self) -> LiveSigners {
        self.keys.signers()
    }

    pub(crate) fn keys(&self) -> LiveKeys {
        self.keys.keys()
    }

    pub(crate) fn keyring(&self) -> Keyring {
        self.keys.keyring()
    }

    pub(crate) fn revoked(&self) -> LiveRevocations {
        self.revoked.live()
    }

    /// Makes entries durable; when this returns, this process refuses what they mean.
    /// Other processes do when they look next, within half a second.
    pub(crate) fn revoke(
        &self,
        entries: &[Revocation<'_>],
        now: UnixTime,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.revocations.append(entries, now)?;
        self.revoked.refresh()?;
        Ok(())
    }

    /// The entries as they are on disk.
    pub(crate) fn entries(&self) -> Result<Vec<Revocation<'static>>, StoreError> {
        let mut entries = Vec::new();
        self.revocations
            .read(None, &mut |entry| entries.push(entry.into_owned()))?;
        Ok(entries)
    }

    /// With a manual clock hours may have passed since the last request: what the
    /// threads would have done by then is done now.
    pub(crate) fn catch_up(&self) {
        if self.is_manual {
            let _ = self.keys.refresh();
            let _ = self.revoked.refresh();
        }
    }
}

/// The present as a file says it, in Unix seconds; a file that says nothing stops it.
struct FileClock {
    path: PathBuf,
    last: AtomicI64,
}

impl FileClock {
    fn new(path: PathBuf) -> Self {
        let last = AtomicI64::new(SystemClock.now().seconds());
        Self { path, last }
    }
}

impl Clock for FileClock {
    fn now(&self) -> UnixTime {
        let said = std::fs::read_to_string(&self.path);
        if let Some(seconds) = said.ok().and_then(|text| text.trim().parse().ok()) {
            self.last.store(seconds, Ordering::SeqCst);
        }
        UnixTime::from_seconds(self.last.load(Ordering::SeqCst))
    }
}
