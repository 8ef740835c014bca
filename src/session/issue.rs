//! Why a session was not issued or renewed.

use std::fmt;

use crate::error::ErrorClass;
use crate::key::KeyError;
use crate::mint::MintError;

/// The reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IssueErrorKind {
    /// A session belongs to somebody: the subject is empty.
    NoSubject,
    /// The token was not minted.
    Mint(MintError),
    /// There were no random bytes for the session's id and fingerprint.
    Randomness(KeyError),
    /// Browsers would drop the cookie.
    CookieTooLong {
        /// The longest that is kept, in bytes.
        limit: usize,
        /// Its own length.
        found: usize,
    },
}

/// A session that was not issued, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueError(IssueErrorKind);

impl IssueError {
    /// What was wrong.
    #[must_use]
    pub fn kind(&self) -> &IssueErrorKind {
        &self.0
    }

    /// The stable name of the reason; for a token that was not minted the minter's.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.0 {
            IssueErrorKind::NoSubject => "no_subject",
            IssueErrorKind::Mint(error) => error.code(),
            IssueErrorKind::Randomness(error) => error.code(),
            IssueErrorKind::CookieTooLong { .. } => "cookie_too_long",
        }
    }

    /// Who must act.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match &self.0 {
            IssueErrorKind::NoSubject | IssueErrorKind::CookieTooLong { .. } => {
                ErrorClass::Operator
            }
            IssueErrorKind::Mint(error) => error.class(),
            IssueErrorKind::Randomness(error) => error.class(),
        }
    }
}

impl From<IssueErrorKind> for IssueError {
    fn from(kind: IssueErrorKind) -> Self {
        Self(kind)
    }
}

impl From<MintError> for IssueError {
    fn from(error: MintError) -> Self {
        Self(IssueErrorKind::Mint(error))
    }
}

impl From<KeyError> for IssueError {
    fn from(error: KeyError) -> Self {
        Self(IssueErrorKind::Randomness(error))
    }
}

impl fmt::Display for IssueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            IssueErrorKind::NoSubject => f.write_str("expected whose session it is, found nobody"),
            IssueErrorKind::Mint(error) => error.fmt(f),
            IssueErrorKind::Randomness(error) => error.fmt(f),
            IssueErrorKind::CookieTooLong { limit, found } => write!(
                f,
                "expected a cookie of at most {limit} bytes, found {found}: browsers would drop it, \
                 keep less data in the session"
            ),
        }
    }
}

impl std::error::Error for IssueError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            IssueErrorKind::Mint(error) => Some(error),
            IssueErrorKind::Randomness(error) => Some(error),
            IssueErrorKind::NoSubject | IssueErrorKind::CookieTooLong { .. } => None,
        }
    }
}
