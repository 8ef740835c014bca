//! Following a store: views of its keyring that verifiers and minters share,
//! refreshed by a cheap poll that none of them waits for.

mod error;
mod views;

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::keys::KeyAccessError;
use super::{Store, Version as StoreVersion};
use crate::keyring::{Keyring, LiveKeys, LiveSigners, Signer, SignerView, Version, next_due};
use crate::secret::SecretBytes;
use crate::time::{Clock, UnixTime};

pub use error::{FollowError, FollowErrorKind};
use views::{key_view, signer_view, signers_of, usable_until, view_of};

/// Keeps [`LiveKeys`], and for a minter [`LiveSigners`], in step with a store.
///
/// The last good view serves through outages of the store: verifiers until the
/// keyring's own promise ends (until then no key they do not know can sign), and
/// minters until the view is older than the policy allows. An older document
/// never replaces a newer one.
///
/// ```
/// use std::sync::Arc;
/// use tokenwright::key::{Algorithm, SigningKey};
/// use tokenwright::keyring::{Defaults, RotationPolicy};
/// use tokenwright::store::{Follower, MemoryStore, create_keyring};
/// use tokenwright::{Claims, Clock, Minter, Policy, SystemClock, Verifier};
///
/// let store = Arc::new(MemoryStore::new());
/// let key = SigningKey::generate(Algorithm::EdDsa)?;
/// let now = SystemClock.now();
/// create_keyring(&store, "shop", RotationPolicy::default(), Defaults::default(), &key, None, now)?;
///
/// let follower = Follower::signing(store, SystemClock, None)?;
/// let minter = Minter::builder(follower.signers(), "https://auth.example").audience("shop").build()?;
/// let verifier = Verifier::builder(follower.keys())
///     .policy(Policy::new("https://auth.example", "shop"))
///     .without_revocation()
///     .build();
/// let token = minter.mint(&Claims::for_subject("alice"))?;
/// assert!(verifier.verify(&token).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Follower(Arc<Shared>);

struct Shared {
    store: Box<dyn Store>,
    clock: Box<dyn Clock>,
    /// Opens locked material; absent for a follower that only verifies public keys.
    passphrase: Option<SecretBytes>,
    keys: LiveKeys,
    signers: Option<LiveSigners>,
    known: Mutex<Known>,
}

/// The document that the views were made of.
struct Known {
    stored: StoreVersion,
    keyring: Keyring,
    signers: Vec<Signer>,
    read_at: UnixTime,
    /// The same instant on the clock that nobody can set.
    read_steady: Duration,
    failing: Option<Failing>,
}

/// Refreshes that failed since one succeeded.
struct Failing {
    since: UnixTime,
    error: FollowError,
}

/// How a follower is doing, for a health endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowerHealth {
    /// When the store was last read.
    pub read_at: UnixTime,
    /// The document's epoch and sequence number.
    pub version: Version,
    /// When the schedule has something to do next.
    pub next_due: Option<UnixTime>,
    /// L: how long it may take until what the schedule did can be read.
    pub propagation: Duration,
    /// Since when refreshing has failed.
    pub failing_since: Option<UnixTime>,
    /// Why, in words.
    pub last_error: Option<String>,
}

impl FollowerHealth {
    /// Whether all is well: the store answers, and what is due was done within
    /// `tick`, the interval at which the schedule is run, and L.
    #[must_use]
    pub fn is_good(&self, now: UnixTime, tick: Duration) -> bool {
        let overdue = self
            .next_due
            .is_some_and(|due| due.saturating_add(tick).saturating_add(self.propagation) < now);
        self.failing_since.is_none() && !overdue
    }
}

/// What a refresh found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// The same document as before; the views are fresh again.
    Unchanged,
    /// Another document; the views were swapped.
    Changed,
}

impl Follower {
    /// Follows a store for verifiers. Public keys stand in the document, so no
    /// secret is read unless the keyring is of shared ones.
    ///
    /// # Errors
    /// The store holds no keyring, or it cannot be read.
    pub fn verifying(
        store: impl Store + 'static,
        clock: impl Clock + 'static,
    ) -> Result<Self, FollowError> {
        Self::open(Box::new(store), Box::new(clock), None, Role::Verifies)
    }

    /// Follows a store for minters and verifiers; `passphrase` opens locked keys.
    ///
    /// # Errors
    /// As [`verifying`](Self::verifying), and when a private key cannot be read.
    pub fn signing(
        store: impl Store + 'static,
        clock: impl Clock + 'static,
        passphrase: Option<SecretBytes>,
    ) -> Result<Self, FollowError> {
        Self::open(Box::new(store), Box::new(clock), passphrase, Role::Signs)
    }

    fn open(
        store: Box<dyn Store>,
        clock: Box<dyn Clock>,
        passphrase: Option<SecretBytes>,
        role: Role,
    ) -> Result<Self, FollowError> {
        let (now, steady) = (clock.now(), clock.steady());
        let found = store
            .load()
            .map_err(KeyAccessError::from)?
            .ok_or(FollowErrorKind::NoKeyring)?;
        let keyring = Keyring::from_json(&found.document).map_err(KeyAccessError::from)?;
        let secret = passphrase.as_ref();
        let signers = match role {
            Role::Signs => signers_of(&*store, &keyring, &[], now, secret)?,
            Role::Verifies => Vec::new(),
        };
        let keys = LiveKeys::new(key_view(&*store, &keyring, now, secret)?);
        let live = LiveSigners::new(signer_view(&keyring, &signers, now));
        let known = Known {
            stored: found.version,
            keyring,
            signers,
            read_at: now,
            read_steady: steady,
            failing: None,
        };
        Ok(Self(Arc::new(Shared {
            store,
            clock,
            passphrase,
            keys,
            signers: matches!(role, Role::Signs).then_some(live),
            known: Mutex::new(known),
        })))
    }

    /// The keys to build a [`Verifier`](crate::Verifier) with.
    #[must_use]
    pub fn keys(&self) -> LiveKeys {
        self.0.keys.clone()
    }

    /// The signers to build a [`Minter`](crate::Minter) with. A follower that was
    /// opened for verifying has none: its minters refuse.
    #[must_use]
    pub fn signers(&self) -> LiveSigners {
        self.0.signers.clone().unwrap_or_else(|| {
            let never = UnixTime::from_seconds(i64::MIN);
            LiveSigners::new(SignerView::of_keyring(Vec::new(), never, never))
        })
    }

    /// Reads the store once and swaps the views if the document is another one.
    /// Call it at most every `view_age` of the policy, or let [`spawn`](Self::spawn) do so.
    ///
    /// # Errors
    /// The store cannot be read or gave an older or damaged document; the last
    /// good views stay.
    pub fn refresh(&self) -> Result<Refreshed, FollowError> {
        let (now, steady) = (self.0.clock.now(), self.0.clock.steady());
        let mut known = self.known();
        match self.refresh_known(&mut known, now) {
            Ok(refreshed) => {
                known.read_steady = steady;
                known.failing = None;
                Ok(refreshed)
            }
            Err(error) => {
                let since = known.failing.as_ref().map_or(now, |failing| failing.since);
                known.failing = Some(Failing {
                    since,
                    error: error.clone(),
                });
                self.spend_old_views(&known, now, steady);
                Err(error)
            }
        }
    }

    /// The views bound themselves by the wall clock, which costs readers nothing;
    /// here the same spans are held against a clock that cannot be set back.
    fn spend_old_views(&self, known: &Known, now: UnixTime, steady: Duration) {
        let passed = steady.saturating_sub(known.read_steady);
        if passed >= usable_until(&known.keyring, known.read_at).saturating_since(known.read_at) {
            let spent = self.0.keys.view().spent(now);
            self.0.keys.replace(spent);
        }
        if let Some(signers) = &self.0.signers
            && passed >= known.keyring.policy().view_age()
        {
            let spent = signers.view().spent(now);
            signers.replace(spent);
        }
    }

    fn refresh_known(&self, known: &mut Known, now: UnixTime) -> Result<Refreshed, FollowError> {
        let shared = &*self.0;
        let found = shared
            .store
            .load()
            .map_err(KeyAccessError::from)?
            .ok_or(FollowErrorKind::NoKeyring)?;
        let changed = found.version != known.stored;
        // Which keys are past was judged by this clock. If it has gone back since,
        // it may have been wrong then, and keys may be missing that still count.
        if changed || now < known.read_at {
            let keyring = Keyring::from_json(&found.document).map_err(KeyAccessError::from)?;
            check_succession(&known.keyring, &keyring)?;
            // Both are made before either is kept: a refresh succeeds whole or not at all.
            let secret = shared.passphrase.as_ref();
            let signers = match shared.signers {
                Some(_) => signers_of(&*shared.store, &keyring, &known.signers, now, secret)?,
                None => Vec::new(),
            };
            let view = key_view(&*shared.store, &keyring, now, secret)?;
            (known.keyring, known.signers, known.stored) = (keyring, signers, found.version);
            shared.keys.replace(view);
        } else {
            let keys = shared.keys.keys();
            shared.keys.replace(view_of(keys, &known.keyring, now));
        }
        known.read_at = now;
        if let Some(signers) = &shared.signers {
            signers.replace(signer_view(&known.keyring, &known.signers, now));
        }
        Ok(if changed {
            Refreshed::Changed
        } else {
            Refreshed::Unchanged
        })
    }

    /// How the follower is doing.
    #[must_use]
    pub fn health(&self) -> FollowerHealth {
        let known = self.known();
        FollowerHealth {
            read_at: known.read_at,
            version: known.keyring.version(),
            next_due: next_due(&known.keyring),
            propagation: known.keyring.policy().propagation(),
            failing_since: known.failing.as_ref().map(|failing| failing.since),
            last_error: known
                .failing
                .as_ref()
                .map(|failing| failing.error.to_string()),
        }
    }

    /// The keyring as it was last read.
    #[must_use]
    pub fn keyring(&self) -> Keyring {
        self.known().keyring.clone()
    }

    /// Refreshes from a thread of its own every `interval`, until the handle is dropped.
    /// A refresh that fails is tried again at the next one and shows in [`health`](Self::health).
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn spawn(&self, interval: Duration) -> Result<FollowerHandle, std::io::Error> {
        let follower = self.clone();
        FollowerHandle::every(interval, move || {
            // The failure is kept in `health`.
            let _ = follower.refresh();
        })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // A panic elsewhere leaves the views whole: they are swapped as one.
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Follower").field(&self.health()).finish()
    }
}

/// A follower's thread; dropping the handle ends it.
#[must_use = "the thread ends when the handle is dropped, and the views grow stale: keep it"]
pub struct FollowerHandle {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl FollowerHandle {
    /// A thread that does this every interval, first after one.
    pub(in crate::store) fn every(
        interval: Duration,
        mut work: impl FnMut() + Send + 'static,
    ) -> Result<Self, std::io::Error> {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let signal = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("tokenwright-follower".to_owned());
        let thread = thread.spawn(move || {
            while !waited(&signal, interval) {
                work();
            }
        })?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for FollowerHandle {
    fn drop(&mut self) {
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.1.notify_all();
        if let Some(thread) = self.thread.take() {
            // It cannot have panicked with anything to tell: `refresh` returns its errors.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for FollowerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FollowerHandle")
    }
}

/// Waits for the interval or the end; true at the end.
fn waited(signal: &(Mutex<bool>, Condvar), interval: Duration) -> bool {
    let stopped = signal.0.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = signal
        .1
        .wait_timeout_while(stopped, interval, |stopped| !*stopped);
    *waited.unwrap_or_else(PoisonError::into_inner).0
}

/// A newer document of the same keyring may follow, an older or foreign one not.
fn check_succession(old: &Keyring, new: &Keyring) -> Result<(), FollowError> {
    if new.ring() != old.ring() {
        return Err(FollowErrorKind::OtherKeyring.into());
    }
    new.may_follow(old).map_err(KeyAccessError::from)?;
    Ok(())
}

#[derive(Clone, Copy)]
enum Role {
    Verifies,
    Signs,
}
