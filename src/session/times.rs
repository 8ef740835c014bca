//! How long sessions live.

use std::time::Duration;

use super::setup::{SessionSetupError, SessionSetupErrorKind};
use crate::time::UnixTime;

/// The longest session, whatever its use: browsers keep no cookie for longer than
/// 400 days (draft-ietf-httpbis-rfc6265bis section 5.5), and no login should last longer.
pub const MAX_SESSION: Duration = Duration::from_secs(400 * 86_400);

/// When sessions end. Both questions are asked by name: there is no default.
///
/// ```
/// use std::time::Duration;
/// use tokenwright::session::SessionTimes;
/// let times = SessionTimes {
///     idle: Duration::from_secs(30 * 60),
///     absolute: Duration::from_secs(12 * 3600),
/// };
/// # let _ = times;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTimes {
    /// A session that is not used for this long is over, by the second. It may be
    /// over sooner by as much as renewal waits, see
    /// [`SessionsBuilder::renew_after`](super::SessionsBuilder::renew_after).
    pub idle: Duration,
    /// Counted from the login: no use and no renewal carries a session past it.
    pub absolute: Duration,
}

/// Times that agree with one another, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Schedule {
    idle: Duration,
    absolute: Duration,
    renew_after: Duration,
}

impl Schedule {
    /// Renewal waits for a fifth of the idle time unless told otherwise: a page
    /// looked at every few seconds sets few cookies, and nobody is logged out
    /// after less than four fifths of what was promised.
    pub(super) fn new(
        times: SessionTimes,
        renew_after: Option<Duration>,
    ) -> Result<Self, SessionSetupError> {
        use SessionSetupErrorKind as Kind;
        let whole = |time: Duration| Duration::from_secs(time.as_secs());
        let (idle, absolute) = (whole(times.idle), whole(times.absolute));
        if idle < Duration::from_secs(2) {
            return Err(Kind::IdleTooShort { found: times.idle }.into());
        }
        if absolute < idle {
            return Err(Kind::AbsoluteShorterThanIdle {
                idle,
                found: times.absolute,
            }
            .into());
        }
        if absolute > MAX_SESSION {
            return Err(Kind::AbsoluteTooLong { found: absolute }.into());
        }
        let fifth = Duration::from_secs((idle.as_secs() / 5).max(1));
        let renew_after = renew_after.unwrap_or(fifth);
        if renew_after >= idle {
            return Err(Kind::RenewalTooLate {
                idle,
                found: renew_after,
            }
            .into());
        }
        Ok(Self {
            idle,
            absolute,
            renew_after,
        })
    }

    pub(super) fn idle(&self) -> Duration {
        self.idle
    }

    /// A session used at least this often is never over before its absolute end.
    pub(super) fn least_idle(&self) -> Duration {
        self.idle.saturating_sub(self.renew_after)
    }

    /// The end of a session that began then.
    pub(super) fn end_of(&self, started: UnixTime) -> UnixTime {
        started.saturating_add(self.absolute)
    }

    /// The expiry of a token issued now: idle time later, but never past the end.
    pub(super) fn expiry(&self, now: UnixTime, end: UnixTime) -> UnixTime {
        now.saturating_add(self.idle).min(end)
    }

    /// Whether a token's age calls for a new one that would live longer.
    pub(super) fn is_due(&self, token: Issue, now: UnixTime) -> bool {
        now.saturating_since(token.at) >= self.renew_after
            && self.expiry(now, token.end) > token.expires
    }
}

/// The times of one issued token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Issue {
    pub(super) at: UnixTime,
    pub(super) expires: UnixTime,
    pub(super) end: UnixTime,
    /// What the token itself says of both. Settings may have become stricter since,
    /// and may be relaxed again: what is withdrawn is withdrawn for so long.
    pub(super) stated_expiry: UnixTime,
    pub(super) stated_end: UnixTime,
}
