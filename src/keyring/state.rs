//! What a key may do at a time: a pure function of its record and the clock.

use std::fmt;

use super::record::KeyRecord;
use crate::time::UnixTime;

/// What a key is at a time.
///
/// The names of NIST SP 800-57 part 1 section 7 are given by
/// [`State::nist_name`]. One thing differs from them: a key before its
/// activation verifies here, because a fast signer's clock may reach that time
/// before a slow verifier's does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Published, not yet signing, and perhaps not yet known everywhere.
    Pending,
    /// Known everywhere, with no time set to sign: the emergency successor.
    Standby,
    /// Signs and verifies.
    Active,
    /// Verifies what it signed; signs no more.
    Retiring,
    /// Every token it signed has expired.
    Expired,
    /// Neither signs nor verifies while an incident is looked into; this can be undone.
    Suspended,
    /// In someone else's hands: refused at once and for ever.
    Compromised,
    /// Gone; only its name is remembered.
    Destroyed,
}

impl State {
    /// The name in documents and tables, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Standby => "standby",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Expired => "expired",
            Self::Suspended => "suspended",
            Self::Compromised => "compromised",
            Self::Destroyed => "destroyed",
        }
    }

    /// The name of this state in NIST SP 800-57 part 1 section 7.
    #[must_use]
    pub const fn nist_name(self) -> &'static str {
        match self {
            Self::Pending | Self::Standby => "pre-activation",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Retiring | Self::Expired => "deactivated",
            Self::Compromised => "compromised",
            Self::Destroyed => "destroyed",
        }
    }

    /// Whether new tokens may be signed.
    #[must_use]
    pub const fn signs(self) -> bool {
        matches!(self, Self::Active)
    }

    /// Whether tokens are accepted.
    #[must_use]
    pub const fn verifies(self) -> bool {
        matches!(
            self,
            Self::Pending | Self::Standby | Self::Active | Self::Retiring
        )
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the key of this record is at `now`.
///
/// Nobody has to write anything for a planned transition to happen: a scheduler
/// that died cannot delay an activation that is committed.
#[must_use]
pub fn state(record: &KeyRecord, now: UnixTime) -> State {
    if record.compromised_at.is_some_and(|at| at <= now) {
        return State::Compromised;
    }
    if record.verifies_until.is_some_and(|until| until <= now) {
        return State::Expired;
    }
    if record.is_suspended() {
        return State::Suspended;
    }
    match (record.activates_at, record.stops_signing_at) {
        (None, _) if record.known_at <= now => State::Standby,
        (None, _) => State::Pending,
        (Some(_), Some(stops)) if stops <= now => State::Retiring,
        (Some(activates), _) if activates <= now => State::Active,
        (Some(_), _) => State::Pending,
    }
}
