//! What is due: one pure, deterministic, idempotent function.

use super::emergency::hand_over;
use super::error::{KeyringError, KeyringErrorKind};
use super::record::{KeyRecord, NewKey, Tombstone, earliest};
use super::ring::{Keyring, ceil, family, floor};
use super::state::{State, state};
use crate::key::{Algorithm, KeyId};
use crate::time::UnixTime;

/// What a scheduler has to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Nothing until `next`.
    Idle {
        /// When something will be due, if anything ever will.
        next: Option<UnixTime>,
    },
    /// A key is needed. Make one, store its material durably, and call
    /// [`step`] again with it.
    NeedsKey {
        /// What for.
        role: KeyRole,
        /// Its algorithm.
        algorithm: Algorithm,
    },
    /// Commit this by compare-and-swap.
    Commit(Change),
    /// Erase the material at `address` (for a key with a public half: the private
    /// half), then commit. In that order: after a crash in between it is erased
    /// again, which does no harm, while the other order could leave it behind unnoticed.
    Erase {
        /// The content address of what is to be erased.
        address: String,
        /// What to commit then.
        then: Change,
    },
}

/// What a new key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyRole {
    /// It will sign after the present one.
    Successor,
    /// It waits for an emergency.
    Standby,
}

/// The next document, and what is different in it.
///
/// If more than L ([`super::RotationPolicy::propagation`]) has passed since the
/// clock was read for it, throw it away and step again: its times were promised
/// on that bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The document to commit in place of the one it was made from.
    pub keyring: Keyring,
    /// What is different.
    pub event: Event,
}

/// What a change does. `at` and the like are the times set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A successor was published, and takes over at `at`.
    SuccessorPublished {
        /// The new key.
        id: KeyId,
        /// A of the new key, and D of the one it follows.
        at: UnixTime,
    },
    /// A standby was published.
    StandbyPublished {
        /// The new key.
        id: KeyId,
    },
    /// Nobody was to sign, and a standby took over.
    StandbyActivated {
        /// The key that signs now.
        id: KeyId,
    },
    /// A private half is gone.
    PrivateHalfErased {
        /// Its key.
        id: KeyId,
    },
    /// A key left the keyring.
    Withdrawn {
        /// The key that only a tombstone remembers.
        id: KeyId,
    },
    /// A key was marked compromised, or will be at `at`.
    Compromised {
        /// The key.
        id: KeyId,
        /// From when on it is refused.
        at: UnixTime,
    },
    /// A key was suspended.
    Suspended {
        /// The key.
        id: KeyId,
    },
    /// A suspended key verifies again.
    Resumed {
        /// The key.
        id: KeyId,
    },
}

/// What to do when the clock says that two whole periods passed since the last commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LargeJump {
    /// Refuse: far more likely the clock is wrong, and committing its time would
    /// carry every reader along.
    #[default]
    Refuse,
    /// A person has looked at the clock.
    Accept,
}

/// What is due at `now`, the scheduler's clock.
///
/// Given the same arguments it answers the same. At most one key changes (its
/// predecessor's D is set in the same document as a successor's A, rule 2), and
/// what was done once is not due again. Call it until it says
/// [`Step::Idle`]. `supply` is a key made because the last answer was
/// [`Step::NeedsKey`]; it is used only if one is still needed, which the caller
/// sees from whether its id is in the document returned.
///
/// # Errors
/// [`KeyringErrorKind::ClockBehind`] and [`KeyringErrorKind::ClockJump`] when the
/// clock cannot be trusted; [`KeyringErrorKind::DuplicateKey`] and
/// [`KeyringErrorKind::WrongKey`] for a supplied key that does not fit.
///
/// ```
/// use tokenwright::UnixTime;
/// use tokenwright::key::{Algorithm, KeyId};
/// use tokenwright::keyring::{Defaults, KeyRole, Keyring, LargeJump, NewKey, RotationPolicy, Step, step};
///
/// let first = NewKey {
///     id: KeyId::new("first")?,
///     algorithm: Algorithm::EdDsa,
///     public: Some("{}".to_owned()),
///     address: "first".to_owned(),
/// };
/// let now = UnixTime::from_seconds(1_760_000_000);
/// let keyring = Keyring::create("orders", RotationPolicy::default(), Defaults::default(), first, now)?;
/// assert_eq!(keyring.signer(now)?.id().as_str(), "first");
/// assert_eq!(
///     step(&keyring, now, None, LargeJump::Refuse)?,
///     Step::NeedsKey { role: KeyRole::Standby, algorithm: Algorithm::EdDsa },
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn step(
    keyring: &Keyring,
    now: UnixTime,
    supply: Option<NewKey>,
    jump: LargeJump,
) -> Result<Step, KeyringError> {
    check_clock(keyring, now, jump)?;
    // What keeps tokens accepted comes before what tidies up.
    // A clock slightly behind the last commit must not undo what that has settled.
    let present = floor(now).max(keyring.as_of);
    if let Some(standby) = standby_known_by(keyring, now).filter(|_| nobody_signs(keyring, present))
    {
        return Ok(activate_standby(keyring, now, present, &standby.id));
    }
    // A key that is entirely spent first makes room, which cannot fail.
    let spent =
        first_due(keyring, now, withdrawal_due).filter(|key| key.private_erased_at.is_some());
    if let Some(key) = spent {
        return Ok(withdraw(keyring, now, key));
    }
    if successor_due(keyring).is_some_and(|due| due <= now) {
        return publish_successor(keyring, now, supply);
    }
    if standby_missing(keyring) {
        return publish_standby(keyring, now, supply);
    }
    if let Some(key) = first_due(keyring, now, erasure_due) {
        return Ok(erase(keyring, now, key));
    }
    if let Some(key) = first_due(keyring, now, withdrawal_due) {
        return Ok(withdraw(keyring, now, key));
    }
    Ok(Step::Idle {
        next: next_due(keyring),
    })
}

/// When something is due next; it may be in the past. Health is red as soon as
/// this lies further back than the scheduler's interval and L.
#[must_use]
pub fn next_due(keyring: &Keyring) -> Option<UnixTime> {
    if standby_missing(keyring) {
        return Some(keyring.as_of);
    }
    let policy = &keyring.policy;
    let tidying = keyring
        .keys
        .iter()
        .filter_map(|key| earliest(erasure_due(key, keyring), key.withdrawn_from(policy)));
    tidying.chain(successor_due(keyring)).min()
}

/// Refuses to act on a clock that went back, or that leapt ahead.
pub(crate) fn check_clock(
    keyring: &Keyring,
    now: UnixTime,
    jump: LargeJump,
) -> Result<(), KeyringError> {
    let policy = &keyring.policy;
    if now < keyring.as_of.saturating_sub(policy.clock_skew()) {
        return Err(KeyringError::new(
            KeyringErrorKind::ClockBehind,
            format!(
                "the clock says {}, but the keyring was committed at {} and clocks may differ by {} s only: \
                 set the clock",
                now.seconds(),
                keyring.as_of.seconds(),
                policy.clock_skew().as_secs()
            ),
        ));
    }
    let limit = keyring
        .as_of
        .saturating_add(policy.period().saturating_mul(2));
    if jump == LargeJump::Refuse && now > limit {
        return Err(KeyringError::new(
            KeyringErrorKind::ClockJump,
            format!(
                "the clock says {}, more than two periods after the last commit at {}: if the clock is right, \
                 and no scheduler ran for so long, say so with --force",
                now.seconds(),
                keyring.as_of.seconds()
            ),
        ));
    }
    Ok(())
}

/// When the successor of the last signer must be published: W before its period
/// ends. At once if there is no signer.
fn successor_due(keyring: &Keyring) -> Option<UnixTime> {
    let Some(last) = keyring.last_signer() else {
        return Some(keyring.as_of);
    };
    let due = last.activates_at?.saturating_add(keyring.policy.period());
    Some(due.saturating_sub(keyring.policy.publish_ahead()))
}

fn publish_successor(
    keyring: &Keyring,
    now: UnixTime,
    supply: Option<NewKey>,
) -> Result<Step, KeyringError> {
    let last = keyring.last_signer();
    let Some(supply) = supply else {
        return Ok(needs(keyring, KeyRole::Successor));
    };
    check_supply(keyring, &supply)?;
    let id = supply.id.clone();
    let mut at = keyring.earliest_signing(now);
    if let Some(activated) = last.and_then(|last| last.activates_at) {
        at = at.max(activated.saturating_add(keyring.policy.period()));
    }
    let mut next = keyring.next(now);
    let last = last.map(|last| last.id.clone());
    if let Some(record) = last.and_then(|last| next.key_mut(&last)) {
        record.stop_at(at, &keyring.policy);
    }
    let mut record = KeyRecord::new(
        supply,
        ceil(now),
        keyring.earliest_signing(now),
        keyring.policy.token_lifetime(),
    );
    record.activates_at = Some(at);
    next.insert(record);
    Ok(Step::Commit(Change {
        keyring: next,
        event: Event::SuccessorPublished { id, at },
    }))
}

/// Whether no key has its turn at `now`, not even one that is suspended: a
/// restored or mended keyring may have lost its signer.
fn nobody_signs(keyring: &Keyring, now: UnixTime) -> bool {
    !keyring.keys.iter().any(|key| {
        key.compromised_at.is_none_or(|at| now < at)
            && key.private_erased_at.is_none()
            && key.activates_at.is_some_and(|at| at <= now)
            && key.stops_signing_at.is_none_or(|stops| now < stops)
    })
}

fn activate_standby(keyring: &Keyring, now: UnixTime, from: UnixTime, id: &KeyId) -> Step {
    let mut next = keyring.next(now);
    hand_over(&mut next, from, id, None);
    Step::Commit(Change {
        keyring: next,
        event: Event::StandbyActivated { id: id.clone() },
    })
}

fn publish_standby(
    keyring: &Keyring,
    now: UnixTime,
    supply: Option<NewKey>,
) -> Result<Step, KeyringError> {
    let Some(supply) = supply else {
        return Ok(needs(keyring, KeyRole::Standby));
    };
    check_supply(keyring, &supply)?;
    let id = supply.id.clone();
    let mut next = keyring.next(now);
    next.insert(new_standby(keyring, now, supply));
    Ok(Step::Commit(Change {
        keyring: next,
        event: Event::StandbyPublished { id },
    }))
}

pub(crate) fn new_standby(keyring: &Keyring, now: UnixTime, supply: NewKey) -> KeyRecord {
    KeyRecord::new(
        supply,
        ceil(now),
        keyring.earliest_signing(now),
        keyring.policy.token_lifetime(),
    )
}

fn erase(keyring: &Keyring, now: UnixTime, key: &KeyRecord) -> Step {
    let mut next = keyring.next(now);
    if let Some(record) = next.key_mut(&key.id) {
        record.private_erased_at = Some(floor(now));
    }
    Step::Erase {
        address: key.address.clone(),
        then: Change {
            keyring: next,
            event: Event::PrivateHalfErased { id: key.id.clone() },
        },
    }
}

fn withdraw(keyring: &Keyring, now: UnixTime, key: &KeyRecord) -> Step {
    let mut next = keyring.next(now);
    next.keys.retain(|record| record.id != key.id);
    next.bury(Tombstone {
        id: key.id.clone(),
        at: floor(now),
        compromised_at: key.compromised_at,
    });
    let then = Change {
        keyring: next,
        event: Event::Withdrawn { id: key.id.clone() },
    };
    if key.private_erased_at.is_some() {
        return Step::Commit(then);
    }
    Step::Erase {
        address: key.address.clone(),
        then,
    }
}

/// The key whose time came first, of those whose time has come; ties go by id.
fn first_due(
    keyring: &Keyring,
    now: UnixTime,
    due: impl Fn(&KeyRecord, &Keyring) -> Option<UnixTime>,
) -> Option<&KeyRecord> {
    keyring
        .keys
        .iter()
        .filter_map(|key| Some((due(key, keyring).filter(|due| *due <= now)?, key)))
        .min_by(|one, other| (one.0, &one.1.id).cmp(&(other.0, &other.1.id)))
        .map(|(_, key)| key)
}

fn erasure_due(key: &KeyRecord, keyring: &Keyring) -> Option<UnixTime> {
    if key.private_erased_at.is_some() || key.algorithm.is_symmetric() {
        // A shared secret goes with its record.
        return None;
    }
    key.private_erased_from(&keyring.policy)
}

fn withdrawal_due(key: &KeyRecord, keyring: &Keyring) -> Option<UnixTime> {
    key.withdrawn_from(&keyring.policy)
}

/// Whether no key waits for an emergency, or is on its way to.
pub(crate) fn standby_missing(keyring: &Keyring) -> bool {
    !keyring
        .keys
        .iter()
        .any(|key| key.activates_at.is_none() && key.is_sound())
}

/// The oldest standby that every view knows by `by`.
pub(crate) fn standby_known_by(keyring: &Keyring, by: UnixTime) -> Option<&KeyRecord> {
    keyring
        .keys
        .iter()
        .filter(|key| key.is_sound() && state(key, by) == State::Standby)
        .min_by(|one, other| (one.known_at, &one.id).cmp(&(other.known_at, &other.id)))
}

/// Refuses a supplied key that is not new here, or not of the kind asked for.
pub(crate) fn check_supply(keyring: &Keyring, supply: &NewKey) -> Result<(), KeyringError> {
    let id = supply.id.as_str();
    if keyring.key(id).is_some() || keyring.buried(id).is_some() {
        return Err(KeyringError::new(
            KeyringErrorKind::DuplicateKey,
            format!("key {} is, or was, in this keyring already", supply.id),
        ));
    }
    let fits = family(supply.algorithm) == family(keyring.algorithm)
        && supply.public.is_none() == supply.algorithm.is_symmetric()
        && supply.algorithm == keyring.algorithm;
    if fits {
        return Ok(());
    }
    Err(KeyringError::new(
        KeyringErrorKind::WrongKey,
        format!(
            "key {} is {}; this keyring takes {}",
            supply.id, supply.algorithm, keyring.algorithm
        ),
    ))
}

fn needs(keyring: &Keyring, role: KeyRole) -> Step {
    Step::NeedsKey {
        role,
        algorithm: keyring.algorithm,
    }
}
