//! The future, as far as it is settled and as far as the schedule goes on.

use std::collections::BTreeMap;
use std::time::Duration;

use super::error::KeyringError;
use super::policy::RotationPolicy;
use super::record::{KeyRecord, NewKey};
use super::ring::Keyring;
use super::step::{LargeJump, Step, check_clock, step};
use crate::key::KeyId;
use crate::time::UnixTime;

/// Most steps looked ahead; a plan that needs more ends early.
const MOST_STEPS: usize = 4096;

/// What a keyring is going to do, if a scheduler runs whenever something is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The name of the keyring.
    pub ring: String,
    /// The policy that it follows.
    pub policy: RotationPolicy,
    /// When the plan was made.
    pub from: UnixTime,
    /// How far it goes; earlier than asked for if that were more than 4,096 steps.
    pub until: UnixTime,
    /// Every key that is there now or will be, in the order of publication.
    pub keys: Vec<PlannedKey>,
    /// Everything that happens after `from` and not after `until`, in order.
    pub transitions: Vec<Transition>,
}

/// One key of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedKey {
    /// Its id; `None` for a key that does not exist yet.
    pub id: Option<KeyId>,
    /// P: when it is published.
    pub published_at: UnixTime,
    /// A: when it begins to sign; `None` while it waits for an emergency.
    pub activates_at: Option<UnixTime>,
    /// D: when it stops signing.
    pub stops_signing_at: Option<UnixTime>,
    /// When its private half is erased.
    pub private_erased_at: Option<UnixTime>,
    /// V: when it stops verifying.
    pub verifies_until: Option<UnixTime>,
    /// When it leaves the published set.
    pub withdrawn_at: Option<UnixTime>,
    /// When it was, or will be, marked compromised.
    pub compromised_at: Option<UnixTime>,
    /// Whether it is suspended now.
    pub suspended: bool,
}

/// Something that happens to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Transition {
    /// When.
    pub at: UnixTime,
    /// What.
    pub what: Happening,
    /// Which key: its place in [`Plan::keys`].
    pub key: usize,
}

/// What happens to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Happening {
    /// It stops signing.
    StopsSigning,
    /// It begins to sign.
    Activates,
    /// It is published.
    Published,
    /// Its private half is erased.
    PrivateHalfErased,
    /// It stops verifying.
    StopsVerifying,
    /// It leaves the published set.
    Withdrawn,
    /// It is refused as compromised.
    Refused,
}

impl Happening {
    /// The name in tables, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::StopsSigning => "stops signing",
            Self::Activates => "starts signing",
            Self::Published => "published",
            Self::PrivateHalfErased => "private half erased",
            Self::StopsVerifying => "stops verifying",
            Self::Withdrawn => "withdrawn",
            Self::Refused => "refused",
        }
    }
}

/// What `keyring` is going to do in the span `horizon` from `now` on.
///
/// It is found by taking the very steps a scheduler would take, each when it is
/// due, with keys that stand for those not made yet.
///
/// # Errors
/// [`super::KeyringErrorKind::ClockBehind`] when the clock went back.
pub fn plan(keyring: &Keyring, now: UnixTime, horizon: Duration) -> Result<Plan, KeyringError> {
    check_clock(keyring, now, LargeJump::Accept)?;
    let until = now.saturating_add(horizon);
    let mut future = Future::new(keyring);
    let mut at = now;
    let mut reached = until;
    for taken in 0.. {
        if taken == MOST_STEPS {
            reached = at;
            break;
        }
        match future.advance(at)? {
            Some(next) if next <= until => at = next.max(at),
            Some(_) | None => break,
        }
    }
    Ok(future.into_plan(now, reached))
}

/// The keyring as it will be, and every key it ever held.
struct Future {
    keyring: Keyring,
    invented: usize,
    seen: BTreeMap<KeyId, (KeyRecord, bool)>,
}

impl Future {
    fn new(keyring: &Keyring) -> Self {
        let keys = keyring.keys.iter();
        Self {
            keyring: keyring.clone(),
            invented: 0,
            seen: keys
                .map(|key| (key.id.clone(), (key.clone(), false)))
                .collect(),
        }
    }

    /// Takes one step at `at`; the time of the next one.
    fn advance(&mut self, at: UnixTime) -> Result<Option<UnixTime>, KeyringError> {
        let mut answer = step(&self.keyring, at, None, LargeJump::Accept)?;
        if matches!(answer, Step::NeedsKey { .. }) {
            let supply = self.invent()?;
            answer = step(&self.keyring, at, Some(supply), LargeJump::Accept)?;
        }
        match answer {
            Step::Idle { next } => return Ok(next),
            Step::NeedsKey { .. } => return Ok(None),
            Step::Commit(change) | Step::Erase { then: change, .. } => {
                self.keyring = change.keyring;
            }
        }
        for key in &self.keyring.keys {
            match self.seen.get_mut(&key.id) {
                Some((known, _)) => known.clone_from(key),
                None => {
                    self.seen.insert(key.id.clone(), (key.clone(), true));
                }
            }
        }
        Ok(Some(at))
    }

    /// A key that stands for one that will be made.
    fn invent(&mut self) -> Result<NewKey, KeyringError> {
        let algorithm = self.keyring.algorithm;
        loop {
            self.invented = self.invented.saturating_add(1);
            let name = format!("not made yet: {}", self.invented);
            let Ok(id) = KeyId::new(&name) else { continue };
            if self.keyring.state_of(&name, self.keyring.as_of).is_none() {
                return Ok(NewKey {
                    id,
                    algorithm,
                    public: (!algorithm.is_symmetric()).then(String::new),
                    address: name,
                });
            }
        }
    }

    fn into_plan(self, from: UnixTime, until: UnixTime) -> Plan {
        let policy = self.keyring.policy;
        let mut keys: Vec<PlannedKey> = self
            .seen
            .into_values()
            .map(|(key, invented)| PlannedKey {
                id: (!invented).then(|| key.id.clone()),
                published_at: key.published_at,
                activates_at: key.activates_at,
                stops_signing_at: key.stops_signing_at,
                private_erased_at: key
                    .private_erased_at
                    .or_else(|| key.private_erased_from(&policy)),
                verifies_until: key.verifies_until,
                withdrawn_at: key.withdrawn_from(&policy),
                compromised_at: key.compromised_at,
                suspended: key.is_suspended(),
            })
            .collect();
        keys.sort_by_key(|key| (key.published_at, key.id.clone(), key.activates_at));
        let mut transitions: Vec<Transition> = keys
            .iter()
            .enumerate()
            .flat_map(|(place, key)| happenings(key).map(move |(at, what)| (at, what, place)))
            .filter_map(|(at, what, key)| Some(Transition { at: at?, what, key }))
            .filter(|transition| from < transition.at && transition.at <= until)
            .collect();
        transitions.sort();
        Plan {
            ring: self.keyring.ring,
            policy,
            from,
            until,
            keys,
            transitions,
        }
    }
}

fn happenings(key: &PlannedKey) -> impl Iterator<Item = (Option<UnixTime>, Happening)> + use<> {
    [
        (Some(key.published_at), Happening::Published),
        (key.activates_at, Happening::Activates),
        (key.stops_signing_at, Happening::StopsSigning),
        (key.private_erased_at, Happening::PrivateHalfErased),
        (key.verifies_until, Happening::StopsVerifying),
        (key.withdrawn_at, Happening::Withdrawn),
        (key.compromised_at, Happening::Refused),
    ]
    .into_iter()
}
