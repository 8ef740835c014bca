//! Keys that change while they are in use: snapshots behind an atomic pointer.
//!
//! Readers take the snapshot that is there, without a lock and without waiting;
//! whoever follows a store swaps in the next one whole.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};

use super::key_set::{KeyPeriod, KeySet};
use crate::key::{FindKey, SigningKey, VerifyingKey};
use crate::time::UnixTime;

/// What a verifier knows of a keyring, and until when it may rely on that.
#[derive(Clone, Debug)]
pub struct KeyView {
    keys: KeySet,
    floor: Option<UnixTime>,
    usable_until: Option<UnixTime>,
    complete_until: Option<UnixTime>,
    /// When it was found to be spent by a clock that nobody can set.
    spent_at: Option<UnixTime>,
    unknown: Unknown,
}

/// What a key id that is not here means once the set may be incomplete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unknown {
    /// Nobody can tell: the keyring is ours, and its next state was due.
    CannotKnow,
    /// A stranger's, until whoever was told of it has found it.
    Refuse,
}

impl KeyView {
    /// Keys that stay as they are: foreign or fixed ones.
    #[must_use]
    pub fn fixed(keys: KeySet) -> Self {
        Self {
            keys,
            floor: None,
            usable_until: None,
            complete_until: None,
            spent_at: None,
            unknown: Unknown::CannotKnow,
        }
    }

    /// Keys of another issuer, as they were published.
    ///
    /// From `usable_until` on a key that is here may have been withdrawn, so nothing
    /// is accepted. An unknown key id is always refused; from `complete_until` on,
    /// or at once where the issuer promised nothing, the keeper of the keys is told
    /// that there may be another key (see [`LiveKeys::with_notice`]).
    #[must_use]
    pub fn of_issuer(
        keys: KeySet,
        usable_until: UnixTime,
        complete_until: Option<UnixTime>,
    ) -> Self {
        Self {
            keys,
            floor: None,
            usable_until: Some(usable_until),
            complete_until,
            spent_at: None,
            unknown: Unknown::Refuse,
        }
    }

    /// Keys of a keyring as it was read.
    ///
    /// No clock is believed that lies before `floor` (one set back must not revive
    /// a dead key). Until `complete_until` no key that is not here can be signing,
    /// so an unknown key id is refused for good; after it, nobody can tell. From
    /// `usable_until` on a key that is here may have been withdrawn, so nothing is
    /// accepted.
    #[must_use]
    pub fn of_keyring(
        keys: KeySet,
        floor: UnixTime,
        complete_until: UnixTime,
        usable_until: UnixTime,
    ) -> Self {
        Self {
            keys,
            floor: Some(floor),
            usable_until: Some(usable_until),
            complete_until: Some(complete_until),
            spent_at: None,
            unknown: Unknown::CannotKnow,
        }
    }

    /// The same view, good for nothing from `now` on whatever a clock says.
    #[must_use]
    pub fn spent(&self, now: UnixTime) -> Self {
        Self {
            spent_at: Some(now),
            ..self.clone()
        }
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// The local time, unless the keyring proves it slow.
    pub(crate) fn clock(&self, local: UnixTime) -> UnixTime {
        self.floor.map_or(local, |floor| local.max(floor))
    }

    /// When the view stopped telling unknown keys from keys that are not there, if
    /// `now` lies past that.
    pub(crate) fn incomplete_since(&self, now: UnixTime) -> Option<UnixTime> {
        match self.unknown {
            Unknown::CannotKnow => self.complete_until.filter(|until| *until <= now),
            Unknown::Refuse => None,
        }
    }

    /// Whether the issuer may have published a key since, so that looking again is
    /// worth a fetch.
    fn may_have_grown(&self, now: UnixTime) -> bool {
        self.unknown == Unknown::Refuse && self.complete_until.is_none_or(|until| until <= now)
    }

    /// When the view stops being usable, if `now` lies past that.
    pub(crate) fn stale_since(&self, now: UnixTime) -> Option<UnixTime> {
        self.spent_at
            .or(self.usable_until.filter(|until| *until <= now))
    }
}

/// The keys a verifier uses, which may be swapped while it runs. Clones share them.
///
/// Make one of a [`KeySet`] that never changes, or let a follower of a store keep
/// it current.
#[derive(Clone)]
pub struct LiveKeys(Arc<Live>);

struct Live {
    view: ArcSwap<KeyView>,
    notice: Option<Box<dyn Fn() + Send + Sync>>,
}

impl LiveKeys {
    /// Keys that begin with this view.
    #[must_use]
    pub fn new(view: KeyView) -> Self {
        Self(Arc::new(Live {
            view: ArcSwap::from_pointee(view),
            notice: None,
        }))
    }

    /// Keys that begin with this view, whose keeper wants to know when a token
    /// needs a key that the issuer may have published since.
    ///
    /// Verifiers call `notice` for every such token, from their own threads, and go
    /// on without waiting for what comes of it: let it do no more than set a flag.
    /// Ordinary users never call this; `http::remote::RemoteKeys` does.
    #[must_use]
    pub fn with_notice(view: KeyView, notice: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(Live {
            view: ArcSwap::from_pointee(view),
            notice: Some(Box::new(notice)),
        }))
    }

    /// Swaps in the next view; verifications under way end with the one before.
    pub fn replace(&self, view: KeyView) {
        self.0.view.store(Arc::new(view));
        REPLACEMENTS.fetch_add(1, Ordering::Release);
    }

    /// The keys as they are now.
    #[must_use]
    pub fn keys(&self) -> KeySet {
        self.0.view.load().keys.clone()
    }

    pub(crate) fn view(&self) -> Guard<Arc<KeyView>> {
        self.0.view.load()
    }

    /// Tells the keeper that a token needs a key which `view` does not have.
    pub(crate) fn missed(&self, view: &KeyView, now: UnixTime) {
        if let Some(notice) = &self.0.notice
            && view.may_have_grown(now)
        {
            notice();
        }
    }
}

impl FindKey for LiveKeys {
    /// A view that is too old to tell good keys from withdrawn ones has none.
    fn find_key(&self, key_id: Option<&str>, now: UnixTime) -> Option<VerifyingKey> {
        let view = self.view();
        let now = view.clock(now);
        match view.stale_since(now) {
            Some(_) => None,
            None => view.keys.find_key(key_id, now),
        }
    }
}

/// How often views of any keys have been swapped. Whoever keeps an index over several
/// of them reads one number to learn whether it still holds; it is written only when
/// keys turn, so readers on all cores share it without contention.
static REPLACEMENTS: AtomicU64 = AtomicU64::new(0);

/// How often views of any keys have been swapped until now.
pub(crate) fn replacements() -> u64 {
    REPLACEMENTS.load(Ordering::Acquire)
}

impl From<KeySet> for LiveKeys {
    fn from(keys: KeySet) -> Self {
        Self::new(KeyView::fixed(keys))
    }
}

impl fmt::Debug for LiveKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().keys.fmt(f)
    }
}

/// A private key and the time it may sign in.
#[derive(Clone, Debug)]
pub struct Signer {
    key: Arc<SigningKey>,
    period: Option<KeyPeriod>,
}

impl Signer {
    /// A key that signs in this period; its `max_lifetime` is what it may give now.
    #[must_use]
    pub fn new(key: SigningKey, period: KeyPeriod) -> Self {
        Self {
            key: Arc::new(key),
            period: Some(period),
        }
    }

    /// The same key with another period.
    #[must_use]
    pub fn with_period(&self, period: KeyPeriod) -> Self {
        Self {
            key: Arc::clone(&self.key),
            period: Some(period),
        }
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &Arc<SigningKey> {
        &self.key
    }

    /// The longest lifetime it may give; `None` for a key without a keyring.
    pub(crate) fn max_lifetime(&self) -> Option<Duration> {
        self.period.map(|period| period.max_lifetime)
    }

    fn signs_at(&self, issued_at: UnixTime) -> bool {
        self.period
            .is_none_or(|period| period.may_have_signed_at(issued_at))
    }
}

/// What a minter knows of a keyring, and until when it may rely on that.
#[derive(Debug)]
pub struct SignerView {
    signers: Vec<Signer>,
    floor: Option<UnixTime>,
    fresh_until: Option<UnixTime>,
    spent_at: Option<UnixTime>,
}

impl SignerView {
    /// The signers of a keyring as it was read. A minter refuses from
    /// `fresh_until` on: by then its key may have been withdrawn.
    #[must_use]
    pub fn of_keyring(signers: Vec<Signer>, floor: UnixTime, fresh_until: UnixTime) -> Self {
        Self {
            signers,
            floor: Some(floor),
            fresh_until: Some(fresh_until),
            spent_at: None,
        }
    }

    /// The same view, good for nothing from `now` on whatever a clock says.
    #[must_use]
    pub fn spent(&self, now: UnixTime) -> Self {
        Self {
            signers: self.signers.clone(),
            floor: self.floor,
            fresh_until: self.fresh_until,
            spent_at: Some(now),
        }
    }

    /// The signers, in no order.
    #[must_use]
    pub fn signers(&self) -> &[Signer] {
        &self.signers
    }

    pub(crate) fn clock(&self, local: UnixTime) -> UnixTime {
        self.floor.map_or(local, |floor| local.max(floor))
    }

    pub(crate) fn stale_since(&self, now: UnixTime) -> Option<UnixTime> {
        self.spent_at
            .or(self.fresh_until.filter(|until| *until <= now))
    }

    /// The one key whose [A, D) contains the instant.
    pub(crate) fn signer_at(&self, issued_at: UnixTime) -> Option<&Signer> {
        self.signers
            .iter()
            .find(|signer| signer.signs_at(issued_at))
    }
}

/// The keys a minter uses, which may be swapped while it runs. Clones share them.
#[derive(Clone, Debug)]
pub struct LiveSigners(Arc<ArcSwap<SignerView>>);

impl LiveSigners {
    /// Signers that begin with this view.
    #[must_use]
    pub fn new(view: SignerView) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(view)))
    }

    /// Swaps in the next view; mintings under way end with the one before.
    pub fn replace(&self, view: SignerView) {
        self.0.store(Arc::new(view));
    }

    pub(crate) fn view(&self) -> Guard<Arc<SignerView>> {
        self.0.load()
    }
}

impl From<SigningKey> for LiveSigners {
    /// One key that signs for as long as the program uses it.
    fn from(key: SigningKey) -> Self {
        let signer = Signer {
            key: Arc::new(key),
            period: None,
        };
        Self::new(SignerView {
            signers: vec![signer],
            floor: None,
            fresh_until: None,
            spent_at: None,
        })
    }
}
