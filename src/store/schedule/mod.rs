//! Doing what is due: the keyring's pure steps, carried out on a store.
//!
//! Any number of schedulers may run at once, in a service, from cron or by hand,
//! and any of them may be killed at any instant. Material is made durable first
//! and named by one compare-and-swap after that, so a crash leaves an orphan at
//! most; whoever loses a race wipes what it made and reads again.

mod emergency;
mod error;
mod handle;
mod run;
mod swap;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::keys::load_keyring;
use super::{MaterialAddress, Store, StoredKeyring};
use crate::key::{Algorithm, KeyError, KeyId, SigningKey};
use crate::keyring::{Event, KeyRecord, Keyring, LargeJump, NewKey, Step, Version, step};
use crate::secret::SecretBytes;
use crate::time::{Clock, UnixTime};

pub use emergency::{MissingMaterial, Restored};
pub use error::{ScheduleError, ScheduleErrorKind};
pub use handle::{ScheduleHandle, ScheduleHealth};

use error::Failure;
use run::Run;

/// Most rounds of reading, deciding and committing in one call. A round that
/// does not commit lost against somebody else's progress, and all that can be due
/// at once is a few steps for each key.
const MAX_ROUNDS: usize = 512;

/// Where new keys come from.
type KeySource = Arc<dyn Fn(Algorithm) -> Result<SigningKey, KeyError> + Send + Sync>;

/// Does what a keyring's policy asks for, on a store.
///
/// ```
/// use tokenwright::key::{Algorithm, SigningKey};
/// use tokenwright::keyring::{Defaults, Event, RotationPolicy};
/// use tokenwright::store::{MemoryStore, RunOptions, Scheduler, create_keyring};
/// use tokenwright::{ManualClock, UnixTime};
///
/// let store = MemoryStore::new();
/// let now = UnixTime::from_seconds(1_760_000_000);
/// let key = SigningKey::generate(Algorithm::EdDsa)?;
/// create_keyring(&store, "orders", RotationPolicy::default(), Defaults::default(), &key, None, now)?;
///
/// let scheduler = Scheduler::new(store, ManualClock::at(now));
/// let performed = scheduler.run_due(&RunOptions::default())?;
/// assert!(matches!(performed.events.as_slice(), [Event::StandbyPublished { .. }]));
/// // Whoever comes next finds nothing to do.
/// assert!(scheduler.run_due(&RunOptions::default())?.events.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Scheduler {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    passphrase: Option<Arc<SecretBytes>>,
    make: KeySource,
}

/// How a run goes about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunOptions {
    /// Whether a clock that leapt ahead is accepted.
    pub jump: LargeJump,
    /// The newest document seen so far; an older one is refused as rolled back.
    pub seen: Option<Version>,
}

/// What a run has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Performed {
    /// What was committed, in this order. Empty when nothing was due, or somebody
    /// else was faster.
    pub events: Vec<Event>,
    /// When something is due next, if anything ever will be.
    pub next_due: Option<UnixTime>,
    /// L of the policy in force: work that is later than this and the scheduler's
    /// interval is overdue.
    pub propagation: Duration,
    /// The document that was found in the end.
    pub version: Version,
    /// Material of keys that were made and not needed, and that could not be
    /// wiped: no document names it.
    pub left_behind: Vec<MaterialAddress>,
}

impl Scheduler {
    /// A scheduler for the keyring of this store. New keys come from
    /// [`SigningKey::generate`] and are stored unlocked.
    #[must_use]
    pub fn new(store: impl Store + 'static, clock: impl Clock + 'static) -> Self {
        Self {
            store: Arc::new(store),
            clock: Arc::new(clock),
            passphrase: None,
            make: Arc::new(SigningKey::generate),
        }
    }

    /// Locks new keys with this passphrase, which must open those that are there.
    #[must_use]
    pub fn passphrase(mut self, passphrase: SecretBytes) -> Self {
        self.passphrase = Some(Arc::new(passphrase));
        self
    }

    /// Takes new keys from `make` in place of [`SigningKey::generate`].
    #[must_use]
    pub fn key_source(
        mut self,
        make: impl Fn(Algorithm) -> Result<SigningKey, KeyError> + Send + Sync + 'static,
    ) -> Self {
        self.make = Arc::new(make);
        self
    }

    /// Does everything that is due, and nothing when nothing is.
    ///
    /// It may be called as often as you like, by any number of processes. The
    /// clock is read again before each commit: what took longer than L is thrown
    /// away and decided anew.
    ///
    /// # Errors
    /// [`ScheduleError`] says what was done before it failed. Everything that can
    /// be done is done before [`ScheduleErrorKind::MaterialMissing`] is reported.
    pub fn run_due(&self, options: &RunOptions) -> Result<Performed, ScheduleError> {
        let mut run = Run::new(self);
        let result = run.until_idle(options);
        let (events, left_behind) = run.finish();
        match result {
            Ok((keyring, next_due)) => Ok(Performed {
                events,
                next_due,
                propagation: keyring.policy().propagation(),
                version: keyring.version(),
                left_behind,
            }),
            Err(kind) => Err(ScheduleError::new(kind, events)),
        }
    }

    /// What [`run_due`](Self::run_due) would do now, without doing it. Keys that
    /// would be made are called `new-1`, `new-2` and so on.
    ///
    /// # Errors
    /// As [`run_due`](Self::run_due), except for those of making and storing keys.
    pub fn due(&self, options: &RunOptions) -> Result<Vec<Event>, ScheduleError> {
        let mut events = Vec::new();
        self.foresee(options, &mut events)
            .map_err(|kind| ScheduleError::new(kind, Vec::new()))?;
        Ok(events)
    }

    fn foresee(&self, options: &RunOptions, events: &mut Vec<Event>) -> Failure<()> {
        let mut keyring = self.load(options.seen)?.keyring;
        let now = self.clock.now();
        for round in 1..=MAX_ROUNDS {
            let mut answer = step(&keyring, now, None, options.jump)?;
            if let Step::NeedsKey { algorithm, .. } = answer {
                let supply = stand_in(algorithm, &format!("new-{round}"))?;
                answer = step(&keyring, now, Some(supply), options.jump)?;
            }
            match answer {
                Step::Commit(change) | Step::Erase { then: change, .. } => {
                    events.push(change.event);
                    keyring = change.keyring;
                }
                Step::Idle { .. } | Step::NeedsKey { .. } => return Ok(()),
            }
        }
        Err(ScheduleErrorKind::Contended { rounds: MAX_ROUNDS })
    }

    /// Material that no living key of the keyring needs: left by a scheduler that
    /// was killed, or by a keyring that was rolled back.
    ///
    /// It is never removed by itself: another scheduler may be about to name it,
    /// and after a rollback it may be the only copy of a key that signs.
    ///
    /// # Errors
    /// The store or its document cannot be read.
    pub fn orphans(&self) -> Result<Vec<MaterialAddress>, ScheduleError> {
        self.find_orphans()
            .map_err(|kind| ScheduleError::new(kind, Vec::new()))
    }

    fn find_orphans(&self) -> Failure<Vec<MaterialAddress>> {
        // In this order: what is named in the meantime is no orphan.
        let mut found = self.store.list_material()?;
        let keyring = self.load(None)?.keyring;
        found.retain(|address| {
            !keyring
                .keys()
                .iter()
                .any(|key| key.address() == address.as_str() && key.private_erased_at().is_none())
        });
        Ok(found)
    }

    fn load(&self, seen: Option<Version>) -> Failure<StoredKeyring> {
        let Some(stored) = load_keyring(&*self.store)? else {
            return Err(ScheduleErrorKind::NoKeyring);
        };
        if let Some(seen) = seen {
            stored.keyring.not_before(seen)?;
        }
        Ok(stored)
    }
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduler")
            .field("passphrase", &self.passphrase)
            .finish_non_exhaustive()
    }
}

/// A key that does not exist, for seeing what would happen with one.
fn stand_in(algorithm: Algorithm, name: &str) -> Failure<NewKey> {
    Ok(NewKey {
        id: KeyId::new(name).map_err(ScheduleErrorKind::Generation)?,
        algorithm,
        public: (!algorithm.is_symmetric()).then(String::new),
        address: name.to_owned(),
    })
}

/// Whether a key's private half has to be in the store at `now`. Another
/// scheduler, whose clock is ahead, may erase it S before this one would.
fn needs_material(key: &KeyRecord, keyring: &Keyring, now: UnixTime) -> bool {
    let policy = keyring.policy();
    let soon = now.saturating_add(policy.clock_skew());
    key.private_erased_at().is_none()
        && key.private_erased_from(policy).is_none_or(|due| soon < due)
}
