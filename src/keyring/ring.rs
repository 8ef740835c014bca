//! The keyring in memory, and what may be asked of it.

use std::time::Duration;

use super::error::{KeyringError, KeyringErrorKind};
use super::policy::RotationPolicy;
use super::record::{KeyRecord, NewKey, Raise, Tombstone};
use super::state::{State, state};
use crate::key::{Algorithm, KeyId};
use crate::time::UnixTime;

/// Which of two documents of one keyring is newer: `epoch` counts restores,
/// `seq` counts commits.
///
/// A reader remembers the highest it has seen and refuses an older one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Raised by one whenever a backup is merged in.
    pub epoch: u64,
    /// Raised by one at every commit.
    pub seq: u64,
}

/// What the command line puts into tokens when not told otherwise. Rotation ignores it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// The issuer (`iss`).
    pub issuer: Option<String>,
    /// The audiences (`aud`).
    pub audiences: Vec<String>,
    /// How long tokens live when no lifetime is asked for.
    pub token_lifetime: Option<Duration>,
}

/// Keys over time: one versioned document, changed only by compare-and-swap.
///
/// It is never empty: [`Keyring::create`] takes the first key. Everything that
/// changes it is a pure function that returns the next document; whoever holds
/// a store commits that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyring {
    pub(crate) ring: String,
    pub(crate) version: Version,
    pub(crate) as_of: UnixTime,
    pub(crate) complete_until: UnixTime,
    pub(crate) algorithm: Algorithm,
    pub(crate) policy: RotationPolicy,
    pub(crate) defaults: Defaults,
    pub(crate) keys: Vec<KeyRecord>,
    pub(crate) tombstones: Vec<Tombstone>,
}

impl Keyring {
    /// A new keyring whose first key signs at once: nobody can hold an older view.
    ///
    /// `ring` names the keyring for good, so that a backup of another is not
    /// merged in. The store must commit it create-only.
    ///
    /// # Errors
    /// [`KeyringErrorKind::Inconsistent`] for a name that is empty or too long,
    /// or a key without a public half that needs one.
    pub fn create(
        ring: &str,
        policy: RotationPolicy,
        defaults: Defaults,
        first: NewKey,
        now: UnixTime,
    ) -> Result<Self, KeyringError> {
        let now = floor(now);
        let algorithm = first.algorithm;
        let mut record = KeyRecord::new(first, now, now, policy.token_lifetime());
        record.activates_at = Some(now);
        let keyring = Self {
            ring: ring.to_owned(),
            version: Version { epoch: 1, seq: 1 },
            as_of: now,
            complete_until: promise(now, &policy),
            algorithm,
            policy,
            defaults,
            keys: vec![record],
            tombstones: Vec::new(),
        };
        super::check::consistent(&keyring)?;
        Ok(keyring)
    }

    /// The name given at creation.
    #[must_use]
    pub fn ring(&self) -> &str {
        &self.ring
    }

    /// Its place among the documents of this keyring.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The latest time ever committed.
    #[must_use]
    pub fn as_of(&self) -> UnixTime {
        self.as_of
    }

    /// The algorithm that the next key will have.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> &RotationPolicy {
        &self.policy
    }

    /// What the command line puts into tokens when not told otherwise.
    #[must_use]
    pub fn defaults(&self) -> &Defaults {
        &self.defaults
    }

    /// All keys that are not destroyed, in the order of publication.
    #[must_use]
    pub fn keys(&self) -> &[KeyRecord] {
        &self.keys
    }

    /// The keys that are destroyed.
    #[must_use]
    pub fn tombstones(&self) -> &[Tombstone] {
        &self.tombstones
    }

    /// The record of a key.
    #[must_use]
    pub fn key(&self, id: &str) -> Option<&KeyRecord> {
        self.keys.iter().find(|key| key.id.as_str() == id)
    }

    /// What a key is at `now`; `None` for one that was never here.
    #[must_use]
    pub fn state_of(&self, id: &str, now: UnixTime) -> Option<State> {
        match self.key(id) {
            Some(record) => Some(state(record, now)),
            None => self.buried(id).map(|_| State::Destroyed),
        }
    }

    /// The time to reckon with: the local clock, unless the keyring proves it
    /// slow. A clock set back cannot revive a dead key.
    #[must_use]
    pub fn clock(&self, local: UnixTime) -> UnixTime {
        local.max(self.as_of.saturating_sub(self.policy.clock_skew()))
    }

    /// The key that signs at `now`, the signer's own clock (rule 7). A signer
    /// checks the age of its view before it asks.
    ///
    /// # Errors
    /// [`KeyringErrorKind::NoSigner`] when none does; the message says when one will.
    pub fn signer(&self, now: UnixTime) -> Result<&KeyRecord, KeyringError> {
        let signs = |key: &&KeyRecord| state(key, now).signs() && key.private_erased_at.is_none();
        self.keys.iter().find(signs).ok_or_else(|| {
            let next = self.keys.iter().filter(|key| key.is_sound());
            let next = next.filter_map(|key| key.activates_at.filter(|at| now < *at));
            let detail = match next.min() {
                Some(at) => format!("no key signs now; the next one does from {}", at.seconds()),
                None => "no key signs now, and none is going to: \
                         resume the suspended key, or mark it compromised"
                    .to_owned(),
            };
            KeyringError::new(KeyringErrorKind::NoSigner, detail)
        })
    }

    /// The keys to publish, computed when they are read: a reader that asks after
    /// V + S no longer gets the key, whether or not a scheduler has run (rule 4).
    ///
    /// `now` is the publisher's clock. Shared secrets are among them: a public
    /// key set takes those with a [`KeyRecord::public`] half.
    pub fn published(&self, now: UnixTime) -> impl Iterator<Item = &KeyRecord> {
        self.keys.iter().filter(move |key| {
            !key.is_suspended()
                && key.compromised_at.is_none_or(|at| now < at)
                && key
                    .verifies_until
                    .is_none_or(|until| now < until.saturating_add(self.policy.clock_skew()))
        })
    }

    /// Q: no key absent from this keyring will sign before it (closed world).
    ///
    /// `read_at` is the reader's clock when the document left the store: every
    /// key committed later waits W. A verifier that meets an unknown key id while
    /// its own clock is before Q − S refuses it at once, without any input or output.
    #[must_use]
    pub fn complete_until(&self, read_at: UnixTime) -> UnixTime {
        self.complete_until.max(promise(read_at, &self.policy))
    }

    /// Refuses this document if a newer one of the same keyring was `seen` before.
    ///
    /// # Errors
    /// [`KeyringErrorKind::RolledBack`].
    pub fn not_before(&self, seen: Version) -> Result<(), KeyringError> {
        if self.version >= seen {
            return Ok(());
        }
        Err(KeyringError::new(
            KeyringErrorKind::RolledBack,
            format!(
                "the keyring was rolled back: it is at epoch {}, seq {}, but epoch {}, seq {} was seen before; \
                 restore merges a backup without losing what came after it",
                self.version.epoch, self.version.seq, seen.epoch, seen.seq
            ),
        ))
    }

    /// The same keyring under another policy, from `now` on.
    ///
    /// A longer T or λ extends V of every living key first, and signers use the
    /// longer T only C + S + L later (rule 9). A shorter T binds signers at once;
    /// tokens already signed are still accepted. A shorter W keeps the promise
    /// that was made under the longer one.
    ///
    /// # Errors
    /// [`KeyringErrorKind::ClockBehind`] when the clock went back.
    pub fn with_policy(&self, policy: RotationPolicy, now: UnixTime) -> Result<Self, KeyringError> {
        super::step::check_clock(self, now, super::step::LargeJump::Accept)?;
        let mut next = self.next(now);
        let usable_from =
            ceil(now).saturating_add(policy.publish_ahead().max(self.policy.publish_ahead()));
        for key in &mut next.keys {
            if state(key, now) == State::Expired || key.compromised_at.is_some() {
                continue;
            }
            if policy.token_lifetime() > key.max_lifetime {
                let lifetime_before = key.lifetime_to_sign(now, &self.policy);
                key.raise = Some(Raise {
                    lifetime_before,
                    from: usable_from,
                });
                key.max_lifetime = policy.token_lifetime();
            }
            if let (Some(stops), until) = (key.stops_signing_at, key.verifies_until) {
                key.stop_at(stops, &policy);
                key.verifies_until = key.verifies_until.max(until);
            }
        }
        // Readers that still hold the old policy promise up to now + W.
        let kept = ceil(now)
            .saturating_add(self.policy.publish_ahead())
            .saturating_sub(policy.clock_skew())
            .saturating_sub(policy.propagation());
        next.policy = policy;
        next.complete_until = next.complete_until.max(kept);
        Ok(next)
    }

    /// The same keyring, whose next keys have another algorithm of the same family.
    ///
    /// # Errors
    /// [`KeyringErrorKind::WrongKey`] for an algorithm of the other token format,
    /// or a shared secret beside public keys; [`KeyringErrorKind::ClockBehind`].
    pub fn with_algorithm(
        &self,
        algorithm: Algorithm,
        now: UnixTime,
    ) -> Result<Self, KeyringError> {
        super::step::check_clock(self, now, super::step::LargeJump::Accept)?;
        if family(algorithm) != family(self.algorithm) {
            return Err(KeyringError::new(
                KeyringErrorKind::WrongKey,
                format!(
                    "{algorithm} and {} cannot share a keyring: make another one",
                    self.algorithm
                ),
            ));
        }
        let mut next = self.next(now);
        next.algorithm = algorithm;
        Ok(next)
    }

    /// The same keyring with other defaults for the command line.
    ///
    /// # Errors
    /// [`KeyringErrorKind::ClockBehind`] when the clock went back.
    pub fn with_defaults(&self, defaults: Defaults, now: UnixTime) -> Result<Self, KeyringError> {
        super::step::check_clock(self, now, super::step::LargeJump::Accept)?;
        let mut next = self.next(now);
        next.defaults = defaults;
        Ok(next)
    }

    /// A copy that is the next commit: seq, `as_of` and the promise move on.
    pub(crate) fn next(&self, now: UnixTime) -> Self {
        let mut next = self.clone();
        next.version.seq = next.version.seq.saturating_add(1);
        next.as_of = next.as_of.max(floor(now));
        next.complete_until = next.complete_until.max(promise(next.as_of, &next.policy));
        next
    }

    /// The earliest A of a key published at `now`: W later (rule 1), and not
    /// before what this keyring has promised to be complete for.
    pub(crate) fn earliest_signing(&self, now: UnixTime) -> UnixTime {
        let promised = self
            .complete_until
            .saturating_add(self.policy.clock_skew())
            .saturating_add(self.policy.propagation());
        ceil(now)
            .saturating_add(self.policy.publish_ahead())
            .max(promised)
    }

    /// The key that signs, or will sign, with no end set yet.
    pub(crate) fn last_signer(&self) -> Option<&KeyRecord> {
        self.keys
            .iter()
            .find(|key| key.activates_at.is_some() && key.stops_signing_at.is_none())
    }

    pub(crate) fn buried(&self, id: &str) -> Option<&Tombstone> {
        self.tombstones.iter().find(|stone| stone.id.as_str() == id)
    }

    /// Adds a record in its place: by publication, then by id.
    pub(crate) fn insert(&mut self, record: KeyRecord) {
        let order = |key: &KeyRecord| (key.published_at, key.id.clone());
        let place = self
            .keys
            .partition_point(|key| order(key) <= order(&record));
        self.keys.insert(place, record);
    }

    /// Adds a tombstone in its place: by time, then by id.
    pub(crate) fn bury(&mut self, stone: Tombstone) {
        let order = |stone: &Tombstone| (stone.at, stone.id.clone());
        let place = self
            .tombstones
            .partition_point(|other| order(other) <= order(&stone));
        self.tombstones.insert(place, stone);
    }

    pub(crate) fn key_mut(&mut self, id: &KeyId) -> Option<&mut KeyRecord> {
        self.keys.iter_mut().find(|key| key.id == *id)
    }
}

/// The promise Q of a reader, or a scheduler, at `now`.
///
/// A key that is missing was committed after `now` − L, by a clock that may be
/// S behind, and waits W.
fn promise(now: UnixTime, policy: &RotationPolicy) -> UnixTime {
    floor(now)
        .saturating_add(policy.publish_ahead())
        .saturating_sub(policy.clock_skew())
        .saturating_sub(policy.propagation())
}

/// What must agree among the keys of one ring: the format, and whether they are secret.
pub(crate) fn family(algorithm: Algorithm) -> (crate::key::Format, bool) {
    (algorithm.format(), algorithm.is_symmetric())
}

/// The whole second a time lies in. What takes effect at once takes effect from there.
pub(crate) fn floor(time: UnixTime) -> UnixTime {
    UnixTime::from_seconds(time.seconds())
}

/// The next whole second. What needs time to become known never gets less than that.
pub(crate) fn ceil(time: UnixTime) -> UnixTime {
    match time.subsec_nanoseconds() {
        0 => time,
        _ => UnixTime::from_seconds(time.seconds().saturating_add(1)),
    }
}
