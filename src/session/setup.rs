//! What can be wrong with how sessions are set up.

use std::fmt;
use std::time::Duration;

use super::times::MAX_SESSION;
use crate::error::{ErrorClass, Quoted};
use crate::mint::MintError;

/// What was wrong with a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionSetupErrorKind {
    /// The idle time is shorter than two seconds: tokens count whole seconds.
    IdleTooShort {
        /// The idle time given.
        found: Duration,
    },
    /// Sessions would end before they can be idle.
    AbsoluteShorterThanIdle {
        /// The idle time given.
        idle: Duration,
        /// The absolute time given.
        found: Duration,
    },
    /// Sessions would outlive every cookie.
    AbsoluteTooLong {
        /// The absolute time given.
        found: Duration,
    },
    /// Renewal would wait until the token has expired.
    RenewalTooLate {
        /// The idle time given.
        idle: Duration,
        /// The wait given.
        found: Duration,
    },
    /// Used renewal tokens would be forgiven for as long as they live.
    OverlapTooLong {
        /// The idle time given.
        idle: Duration,
        /// The overlap given.
        found: Duration,
    },
    /// A cookie cannot have this name.
    BadCookieName {
        /// The name, cut to what a message shows.
        found: String,
    },
    /// This is not the origin of a web page, such as `https://shop.example`.
    BadOrigin {
        /// The text, cut to what a message shows.
        found: String,
    },
    /// The minter of session tokens could not be built.
    Minter(MintError),
}

/// Sessions that could not be set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSetupError(SessionSetupErrorKind);

impl SessionSetupError {
    /// What was wrong.
    #[must_use]
    pub fn kind(&self) -> &SessionSetupErrorKind {
        &self.0
    }

    /// The stable name of the reason, in snake case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.0 {
            SessionSetupErrorKind::IdleTooShort { .. } => "idle_too_short",
            SessionSetupErrorKind::AbsoluteShorterThanIdle { .. } => "absolute_shorter_than_idle",
            SessionSetupErrorKind::AbsoluteTooLong { .. } => "absolute_too_long",
            SessionSetupErrorKind::RenewalTooLate { .. } => "renewal_too_late",
            SessionSetupErrorKind::OverlapTooLong { .. } => "overlap_too_long",
            SessionSetupErrorKind::BadCookieName { .. } => "bad_cookie_name",
            SessionSetupErrorKind::BadOrigin { .. } => "bad_origin",
            SessionSetupErrorKind::Minter(error) => error.code(),
        }
    }

    /// Who must act: the operator.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        ErrorClass::Operator
    }
}

impl From<SessionSetupErrorKind> for SessionSetupError {
    fn from(kind: SessionSetupErrorKind) -> Self {
        Self(kind)
    }
}

impl From<MintError> for SessionSetupError {
    fn from(error: MintError) -> Self {
        Self(SessionSetupErrorKind::Minter(error))
    }
}

impl fmt::Display for SessionSetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            SessionSetupErrorKind::IdleTooShort { found } => {
                write!(f, "idle: expected 2 seconds or more, found {found:?}")
            }
            SessionSetupErrorKind::AbsoluteShorterThanIdle { idle, found } => write!(
                f,
                "absolute: expected at least the idle time of {idle:?}, found {found:?}"
            ),
            SessionSetupErrorKind::AbsoluteTooLong { found } => write!(
                f,
                "absolute: expected at most {} days, for which browsers keep cookies, found {found:?}",
                MAX_SESSION.as_secs() / 86_400
            ),
            SessionSetupErrorKind::RenewalTooLate { idle, found } => write!(
                f,
                "renewal: expected less than the idle time of {idle:?}, found {found:?}"
            ),
            SessionSetupErrorKind::OverlapTooLong { idle, found } => write!(
                f,
                "overlap: expected at most half the idle time of {idle:?}, found {found:?}"
            ),
            SessionSetupErrorKind::BadCookieName { found } => write!(
                f,
                "cookie name: expected letters, digits and !#$%&'*+-.^_`|~ without a prefix \
                 (RFC 6265 section 4.1.1), found {}",
                Quoted(found)
            ),
            SessionSetupErrorKind::BadOrigin { found } => write!(
                f,
                "origin: expected scheme, host and port as a browser writes them, such as \
                 https://shop.example, found {}",
                Quoted(found)
            ),
            SessionSetupErrorKind::Minter(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SessionSetupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            SessionSetupErrorKind::Minter(error) => Some(error),
            SessionSetupErrorKind::IdleTooShort { .. }
            | SessionSetupErrorKind::AbsoluteShorterThanIdle { .. }
            | SessionSetupErrorKind::AbsoluteTooLong { .. }
            | SessionSetupErrorKind::RenewalTooLate { .. }
            | SessionSetupErrorKind::OverlapTooLong { .. }
            | SessionSetupErrorKind::BadCookieName { .. }
            | SessionSetupErrorKind::BadOrigin { .. } => None,
        }
    }
}
