//! Why a status list could not be made, read or believed.

use std::fmt;
use std::time::Duration;

use crate::encoding::base64url::Base64Error;
use crate::error::{At, ErrorClass, Quoted};
use crate::json::JsonError;
use crate::key::{DocumentError, KeyError};
use crate::time::UnixTime;

/// The reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatusListErrorKind {
    /// The text is not a `statuslist+jwt` signed with a key that is trusted.
    Document(DocumentError),
    /// The payload is not strict JSON.
    Json(JsonError),
    /// A member is absent, of the wrong type, or says what it must not.
    BadMember {
        /// Its name.
        name: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// `lst` is not canonical base64url without padding.
    Base64(Base64Error),
    /// `lst` is not one whole ZLIB stream (RFC 1950).
    NotZlib {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The list is longer than the limit, in bytes after decompression.
    TooLarge {
        /// Bytes allowed.
        limit: usize,
    },
    /// The token is of another list: `sub` is not the URI it was fetched from.
    SubjectMismatch {
        /// The URI asked for.
        expected: String,
        /// The URI in the token.
        found: String,
    },
    /// `exp` has passed.
    Expired {
        /// When it ended.
        at: UnixTime,
        /// The present.
        now: UnixTime,
        /// The leeway that was granted.
        leeway: Duration,
    },
    /// `iat` or `nbf` is still ahead.
    NotYetValid {
        /// The claim that says so.
        name: &'static str,
        /// When it begins.
        at: UnixTime,
        /// The present.
        now: UnixTime,
        /// The leeway that was granted.
        leeway: Duration,
    },
    /// The list is older than the one that is held already.
    RolledBack {
        /// When the list that is held was issued.
        held: UnixTime,
        /// When this one was.
        found: UnixTime,
    },
    /// The index lies past the end of the list.
    IndexOutOfRange {
        /// The index.
        index: u64,
        /// How many places the list has.
        len: u64,
    },
    /// The status needs more bits than the list gives each token.
    StatusTooLarge {
        /// The status.
        status: u8,
        /// The greatest that fits.
        greatest: u8,
    },
    /// Status lists are signed as JWTs, and the key is for PASETO.
    NotJwt,
    /// The key failed to sign.
    Key(KeyError),
}

/// A status list that was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusListError {
    kind: StatusListErrorKind,
}

impl StatusListError {
    /// The reason, for a program.
    #[must_use]
    pub fn kind(&self) -> &StatusListErrorKind {
        &self.kind
    }

    /// The stable name of the reason, in snake case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.kind {
            StatusListErrorKind::Document(error) => error.code(),
            StatusListErrorKind::Json(_) => "bad_json",
            StatusListErrorKind::BadMember { .. } => "bad_member",
            StatusListErrorKind::Base64(_) => "bad_base64",
            StatusListErrorKind::NotZlib { .. } => "not_zlib",
            StatusListErrorKind::TooLarge { .. } => "list_too_large",
            StatusListErrorKind::SubjectMismatch { .. } => "sub_mismatch",
            StatusListErrorKind::Expired { .. } => "expired",
            StatusListErrorKind::NotYetValid { .. } => "not_yet_valid",
            StatusListErrorKind::RolledBack { .. } => "rolled_back",
            StatusListErrorKind::IndexOutOfRange { .. } => "index_out_of_range",
            StatusListErrorKind::StatusTooLarge { .. } => "status_too_large",
            StatusListErrorKind::NotJwt => "not_jwt",
            StatusListErrorKind::Key(error) => error.code(),
        }
    }

    /// Who must act: whoever sent the list, or the operator who builds one.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match &self.kind {
            StatusListErrorKind::Document(error) => error.class(),
            StatusListErrorKind::Json(_)
            | StatusListErrorKind::BadMember { .. }
            | StatusListErrorKind::Base64(_)
            | StatusListErrorKind::NotZlib { .. }
            | StatusListErrorKind::TooLarge { .. } => ErrorClass::NotOurs,
            StatusListErrorKind::SubjectMismatch { .. } => ErrorClass::NotHere,
            StatusListErrorKind::Expired { .. }
            | StatusListErrorKind::NotYetValid { .. }
            | StatusListErrorKind::RolledBack { .. } => ErrorClass::NotNow,
            StatusListErrorKind::IndexOutOfRange { .. }
            | StatusListErrorKind::StatusTooLarge { .. }
            | StatusListErrorKind::NotJwt
            | StatusListErrorKind::Key(_) => ErrorClass::Operator,
        }
    }
}

impl From<StatusListErrorKind> for StatusListError {
    fn from(kind: StatusListErrorKind) -> Self {
        Self { kind }
    }
}

impl fmt::Display for StatusListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            StatusListErrorKind::Document(error) => error.fmt(f),
            StatusListErrorKind::Json(error) => {
                write!(f, "the status list is not JSON: {error}")
            }
            StatusListErrorKind::BadMember { name, expected } => {
                write!(f, "{name} must be {expected}")
            }
            StatusListErrorKind::Base64(error) => write!(f, "lst is {error}"),
            StatusListErrorKind::NotZlib { reason } => {
                write!(f, "lst is not one whole ZLIB stream: {reason}")
            }
            StatusListErrorKind::TooLarge { limit } => write!(
                f,
                "the list has more than {limit} bytes, which is the limit: split it, or raise the limit"
            ),
            StatusListErrorKind::SubjectMismatch { expected, found } => write!(
                f,
                "sub: expected {}, found {}",
                Quoted(expected),
                Quoted(found)
            ),
            StatusListErrorKind::Expired { at, now, leeway } => write!(
                f,
                "the list expired at {}, and it is {} (leeway {} s): fetch it again",
                At(*at),
                At(*now),
                leeway.as_secs()
            ),
            StatusListErrorKind::NotYetValid {
                name,
                at,
                now,
                leeway,
            } => write!(
                f,
                "{name} of the list is {}, and it is {} (leeway {} s)",
                At(*at),
                At(*now),
                leeway.as_secs()
            ),
            StatusListErrorKind::RolledBack { held, found } => write!(
                f,
                "the list was issued at {}, and one of {} is held already",
                At(*found),
                At(*held)
            ),
            StatusListErrorKind::IndexOutOfRange { index, len } => {
                write!(f, "the list has {len} places, and none with index {index}")
            }
            StatusListErrorKind::StatusTooLarge { status, greatest } => write!(
                f,
                "expected a status of 0 to {greatest}, found {status}: more need more bits"
            ),
            StatusListErrorKind::NotJwt => {
                f.write_str("a status list is signed as a JWT, and the key is for PASETO")
            }
            StatusListErrorKind::Key(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StatusListError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            StatusListErrorKind::Document(error) => Some(error),
            StatusListErrorKind::Json(error) => Some(error),
            StatusListErrorKind::Base64(error) => Some(error),
            StatusListErrorKind::Key(error) => Some(error),
            StatusListErrorKind::BadMember { .. }
            | StatusListErrorKind::NotZlib { .. }
            | StatusListErrorKind::TooLarge { .. }
            | StatusListErrorKind::SubjectMismatch { .. }
            | StatusListErrorKind::Expired { .. }
            | StatusListErrorKind::NotYetValid { .. }
            | StatusListErrorKind::RolledBack { .. }
            | StatusListErrorKind::IndexOutOfRange { .. }
            | StatusListErrorKind::StatusTooLarge { .. }
            | StatusListErrorKind::NotJwt => None,
        }
    }
}
