//! What a session's token says beside the registered claims.

use serde::{Deserialize, Serialize};

use super::times::{Issue, Schedule};
use crate::time::UnixTime;
use crate::token::Claims;

/// The claims of a session beside `iss`, `aud`, `sub`, `iat`, `exp`, `jti` and `sid`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Payload<T> {
    /// When the user logged in, in whole seconds (OpenID Connect Core section 2).
    auth_time: i64,
    /// When the session ends, in whole seconds, whatever is renewed.
    session_end: i64,
    /// The digest of the fingerprint cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fingerprint: Option<String>,
    /// How often a renewal token of this session was exchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) generation: Option<u64>,
    /// The application's own.
    pub(super) data: T,
}

impl<T> Payload<T> {
    pub(super) fn new(started: UnixTime, end: UnixTime, data: T) -> Self {
        Self {
            auth_time: started.seconds(),
            session_end: end.seconds(),
            fingerprint: None,
            generation: None,
            data,
        }
    }

    pub(super) fn started(&self) -> UnixTime {
        UnixTime::from_seconds(self.auth_time)
    }

    /// The absolute end: what the token says, or sooner if sessions are now shorter.
    pub(super) fn end(&self, schedule: &Schedule) -> UnixTime {
        UnixTime::from_seconds(self.session_end).min(schedule.end_of(self.started()))
    }

    /// The token's own times. A configuration made stricter holds at once.
    pub(super) fn issue(claims: &Claims<Self>, schedule: &Schedule) -> Issue {
        let end = claims.custom().end(schedule);
        // The policy has required both; absent, they end the session.
        let at = claims.issued_at().unwrap_or_default();
        let stated = claims.expires_at().unwrap_or_default();
        Issue {
            at,
            expires: stated.min(schedule.expiry(at, end)),
            end,
            stated_expiry: stated,
            stated_end: UnixTime::from_seconds(claims.custom().session_end),
        }
    }
}
