//! Why a request has no session.

use std::fmt;

use crate::error::{At, ErrorClass};
use crate::time::UnixTime;
use crate::verify::{VerifyError, VerifyErrorKind};

/// The reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionErrorKind {
    /// The token was refused, or nobody can tell whether it was withdrawn.
    Token(VerifyError),
    /// The session was not used for too long, or has reached its absolute end.
    Over {
        /// When it ended.
        at: UnixTime,
        /// The present.
        now: UnixTime,
    },
    /// The session's token came without the fingerprint cookie: it was taken from
    /// somewhere else than the browser it was given to.
    NoFingerprint,
    /// The fingerprint cookie is of another login.
    OtherFingerprint,
    /// Another site's page made the browser send a request that changes something.
    CrossSite,
    /// A request that changes something does not say which page sent it, and has no
    /// form token.
    NoFormToken,
    /// The form token is not this session's.
    BadFormToken,
    /// A renewal token was presented again: somebody else has it. Its session is ended.
    Reused,
}

/// A request without a session, and why.
///
/// `Display` is for the operator's log and never holds a token; the sender is told
/// [`public_message`](Self::public_message).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionError(SessionErrorKind);

impl SessionError {
    /// What was wrong.
    #[must_use]
    pub fn kind(&self) -> &SessionErrorKind {
        &self.0
    }

    /// The stable name of the reason; for a refused token the verifier's.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.0 {
            SessionErrorKind::Token(error) => error.code(),
            SessionErrorKind::Over { .. } => "session_over",
            SessionErrorKind::NoFingerprint => "no_fingerprint",
            SessionErrorKind::OtherFingerprint => "other_fingerprint",
            SessionErrorKind::CrossSite => "cross_site",
            SessionErrorKind::NoFormToken => "no_form_token",
            SessionErrorKind::BadFormToken => "bad_form_token",
            SessionErrorKind::Reused => "reused",
        }
    }

    /// Who must act.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match &self.0 {
            SessionErrorKind::Token(error) => error.class(),
            SessionErrorKind::Over { .. } => ErrorClass::NotNow,
            SessionErrorKind::NoFingerprint | SessionErrorKind::OtherFingerprint => {
                ErrorClass::NotHere
            }
            SessionErrorKind::CrossSite
            | SessionErrorKind::NoFormToken
            | SessionErrorKind::BadFormToken => ErrorClass::NotPermitted,
            SessionErrorKind::Reused => ErrorClass::Withdrawn,
        }
    }

    /// What the sender may know.
    #[must_use]
    pub fn public_message(&self) -> &'static str {
        match self.class() {
            ErrorClass::CannotKnow | ErrorClass::Operator => {
                "the session cannot be checked at this time"
            }
            ErrorClass::NotPermitted => "the request did not come from a page of this site",
            ErrorClass::Unclear
            | ErrorClass::NotOurs
            | ErrorClass::NotHere
            | ErrorClass::NotNow
            | ErrorClass::Withdrawn => "there is no session",
        }
    }
}

impl From<SessionErrorKind> for SessionError {
    fn from(kind: SessionErrorKind) -> Self {
        Self(kind)
    }
}

impl From<VerifyError> for SessionError {
    /// Whether the verifier or the session's own times end it, a session that has
    /// ended is one thing.
    fn from(error: VerifyError) -> Self {
        if let VerifyErrorKind::Expired { at, now, .. } = *error.kind() {
            return SessionErrorKind::Over { at, now }.into();
        }
        SessionErrorKind::Token(error).into()
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            SessionErrorKind::Token(error) => error.fmt(f),
            SessionErrorKind::Over { at, now } => write!(
                f,
                "the session ended {} s ago, at {}: it was not used for too long, or was at its end",
                now.saturating_since(*at).as_secs(),
                At(*at)
            ),
            SessionErrorKind::NoFingerprint => f.write_str(
                "expected the fingerprint cookie beside the session's, found none: the token was \
                 taken from elsewhere",
            ),
            SessionErrorKind::OtherFingerprint => {
                f.write_str("expected the fingerprint cookie of this login, found another")
            }
            SessionErrorKind::CrossSite => {
                f.write_str("expected a request from a page of this site, found one of another site")
            }
            SessionErrorKind::NoFormToken => f.write_str(
                "expected an origin or a form token in a request that changes something, found neither",
            ),
            SessionErrorKind::BadFormToken => {
                f.write_str("expected the form token of this session, found another")
            }
            SessionErrorKind::Reused => f.write_str(
                "the renewal token was used before, so somebody else has it: its session is ended",
            ),
        }
    }
}

impl std::error::Error for SessionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            SessionErrorKind::Token(error) => Some(error),
            SessionErrorKind::Over { .. }
            | SessionErrorKind::NoFingerprint
            | SessionErrorKind::OtherFingerprint
            | SessionErrorKind::CrossSite
            | SessionErrorKind::NoFormToken
            | SessionErrorKind::BadFormToken
            | SessionErrorKind::Reused => None,
        }
    }
}
