//! What the keyring remembers of one key.

use std::time::Duration;

use super::key_set::KeyPeriod;
use super::policy::RotationPolicy;
use super::state::{State, state};
use crate::key::{Algorithm, KeyId};
use crate::time::UnixTime;

/// A key whose material is stored durably and which no document names yet.
///
/// Making keys needs randomness and a store, so the pure functions of this
/// module take one when they need it: the material is written first, under its
/// content address, and only then is the document that names it committed. A
/// crash in between leaves an orphan, never a name without a key. Whoever loses
/// the race to commit wipes the material and reads the keyring again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// The id that tokens will carry.
    pub id: KeyId,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// What may be published: a JWK as JSON, or PASERK text. `None` for a shared secret.
    pub public: Option<String>,
    /// The content address of the stored material.
    pub address: String,
}

/// A lifetime that was raised, and until when the one before it still binds signers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Raise {
    pub(crate) lifetime_before: Duration,
    pub(crate) from: UnixTime,
}

/// One key of the keyring: its names, its times, and what befell it.
///
/// Times never move later once set; earlier only in an emergency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    pub(crate) id: KeyId,
    pub(crate) algorithm: Algorithm,
    pub(crate) public: Option<String>,
    pub(crate) address: String,
    pub(crate) published_at: UnixTime,
    pub(crate) known_at: UnixTime,
    pub(crate) activates_at: Option<UnixTime>,
    pub(crate) stops_signing_at: Option<UnixTime>,
    pub(crate) verifies_until: Option<UnixTime>,
    pub(crate) max_lifetime: Duration,
    pub(crate) raise: Option<Raise>,
    pub(crate) suspended_at: Option<UnixTime>,
    pub(crate) resumed_at: Option<UnixTime>,
    pub(crate) compromised_at: Option<UnixTime>,
    pub(crate) private_erased_at: Option<UnixTime>,
}

impl KeyRecord {
    pub(crate) fn new(key: NewKey, now: UnixTime, known_at: UnixTime, lifetime: Duration) -> Self {
        Self {
            id: key.id,
            algorithm: key.algorithm,
            public: key.public,
            address: key.address,
            published_at: now,
            known_at,
            activates_at: None,
            stops_signing_at: None,
            verifies_until: None,
            max_lifetime: lifetime,
            raise: None,
            suspended_at: None,
            resumed_at: None,
            compromised_at: None,
            private_erased_at: None,
        }
    }

    /// The id that tokens carry.
    #[must_use]
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// The algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The public half: a JWK as JSON, or PASERK text. `None` for a shared secret.
    #[must_use]
    pub fn public(&self) -> Option<&str> {
        self.public.as_deref()
    }

    /// The content address of the material in the store.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// P: when the key was published.
    #[must_use]
    pub fn published_at(&self) -> UnixTime {
        self.published_at
    }

    /// When every view in use knows the key: P + W.
    #[must_use]
    pub fn known_at(&self) -> UnixTime {
        self.known_at
    }

    /// A: when the key begins to sign, if that is settled.
    #[must_use]
    pub fn activates_at(&self) -> Option<UnixTime> {
        self.activates_at
    }

    /// D: when the key stops signing, if that is settled.
    #[must_use]
    pub fn stops_signing_at(&self) -> Option<UnixTime> {
        self.stops_signing_at
    }

    /// V: when the key stops verifying, if that is settled.
    #[must_use]
    pub fn verifies_until(&self) -> Option<UnixTime> {
        self.verifies_until
    }

    /// T: the longest lifetime of tokens that verifiers accept from this key.
    #[must_use]
    pub fn max_lifetime(&self) -> Duration {
        self.max_lifetime
    }

    /// The longest lifetime a signer may give at `now`.
    ///
    /// After T was raised, signers keep to the one before until every verifier
    /// knows (rule 9); the policy in force may be shorter than the key's own.
    #[must_use]
    pub fn lifetime_to_sign(&self, now: UnixTime, policy: &RotationPolicy) -> Duration {
        let own = match self.raise {
            Some(raise) if now < raise.from => raise.lifetime_before.min(self.max_lifetime),
            Some(_) | None => self.max_lifetime,
        };
        own.min(policy.token_lifetime())
    }

    /// When the key was, or by a drain will be, marked compromised.
    #[must_use]
    pub fn compromised_at(&self) -> Option<UnixTime> {
        self.compromised_at
    }

    /// Since when the key is suspended; `None` if it is not.
    #[must_use]
    pub fn suspended_since(&self) -> Option<UnixTime> {
        self.suspended_at.filter(|_| self.is_suspended())
    }

    /// When the private half was erased.
    #[must_use]
    pub fn private_erased_at(&self) -> Option<UnixTime> {
        self.private_erased_at
    }

    /// What the key is at `now`.
    #[must_use]
    pub fn state(&self, now: UnixTime) -> State {
        state(self, now)
    }

    /// The times within which a verifier accepts its tokens (rules 3 and 8).
    ///
    /// For a standby, signing starts at the earliest time it could be given: a
    /// token of an emergency successor may reach a verifier before the news does.
    /// A key marked compromised verifies up to that time at most, and a suspended
    /// one not at all: `None`.
    #[must_use]
    pub fn period(&self) -> Option<KeyPeriod> {
        (!self.is_suspended()).then(|| KeyPeriod {
            signs_from: self.activates_at.unwrap_or(self.known_at),
            signs_until: self.stops_signing_at,
            verifies_until: earliest(self.verifies_until, self.compromised_at),
            max_lifetime: self.max_lifetime,
        })
    }

    pub(crate) fn is_suspended(&self) -> bool {
        match (self.suspended_at, self.resumed_at) {
            (Some(suspended), Some(resumed)) => suspended > resumed,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    /// Whether nothing, now or later, keeps the key from signing.
    pub(crate) fn is_sound(&self) -> bool {
        self.compromised_at.is_none() && !self.is_suspended() && self.private_erased_at.is_none()
    }

    /// When the private half is to be erased: D + S (rule 5), not V. A shared
    /// secret verifies as well, so it goes with the record.
    #[must_use]
    pub fn private_erased_from(&self, policy: &RotationPolicy) -> Option<UnixTime> {
        if self.algorithm.is_symmetric() {
            return self.withdrawn_from(policy);
        }
        let stops = earliest(self.stops_signing_at, self.compromised_at)?;
        Some(stops.saturating_add(policy.clock_skew()))
    }

    /// When the key leaves the published set and the document: V + S (rule 4).
    #[must_use]
    pub fn withdrawn_from(&self, policy: &RotationPolicy) -> Option<UnixTime> {
        let last = self.verifies_until.max(self.compromised_at)?;
        Some(last.saturating_add(policy.clock_skew()))
    }

    /// Sets D, no later than it was, and V with it (rule 3).
    pub(crate) fn stop_at(&mut self, stops: UnixTime, policy: &RotationPolicy) {
        self.stops_signing_at = Some(stops);
        self.verifies_until = Some(
            stops
                .saturating_add(self.max_lifetime)
                .saturating_add(policy.leeway()),
        );
    }
}

/// The earlier of two times, of which either may be unsettled.
pub(crate) fn earliest(one: Option<UnixTime>, other: Option<UnixTime>) -> Option<UnixTime> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// What is remembered of a key that is gone, so that no backup brings it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    pub(crate) id: KeyId,
    pub(crate) at: UnixTime,
    pub(crate) compromised_at: Option<UnixTime>,
}

impl Tombstone {
    /// The id of the key that is gone.
    #[must_use]
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// When it left the keyring.
    #[must_use]
    pub fn at(&self) -> UnixTime {
        self.at
    }

    /// When it was marked compromised, if it was.
    #[must_use]
    pub fn compromised_at(&self) -> Option<UnixTime> {
        self.compromised_at
    }
}
