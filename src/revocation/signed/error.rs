//! Why a signed list was not taken, or not made.

use std::fmt;

use crate::error::{At, ErrorClass, Quoted};
use crate::key::{DocumentError, KeyError};
use crate::revocation::RevocationError;
use crate::time::UnixTime;

/// What is wrong with a signed list, or with the moment it came.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DistributionErrorKind {
    /// The first line is not a document that a known key has signed as a list.
    Head(DocumentError),
    /// The first line, or what it signs, is not the head of a list.
    BadHead {
        /// What was expected.
        reason: String,
    },
    /// The list is of a format that this program does not know.
    NewerFormat {
        /// The version of its format.
        found: u64,
    },
    /// The head promises more than a list may hold, or needs fewer bytes than its
    /// entries take. Nothing was read of the body.
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much of it there may be.
        limit: u64,
        /// How much the head promises.
        found: u64,
    },
    /// The body is not the one that was signed.
    BodyMismatch {
        /// How that shows.
        reason: &'static str,
    },
    /// The body is the one that was signed, and cannot be read.
    BadBody {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Another issuer's list.
    IssuerMismatch {
        /// Whose list is expected.
        expected: String,
        /// Whose it is.
        found: String,
    },
    /// Another list of the same issuer.
    ListMismatch {
        /// The id of the list that is expected.
        expected: String,
        /// Its own.
        found: String,
    },
    /// An older list than one that was taken before.
    RolledBack {
        /// Epoch and sequence number of the newest that was taken.
        held: (u64, u64),
        /// Its own.
        found: (u64, u64),
    },
    /// Two lists that cannot both be the true one: an alarm, not a mishap.
    Forked {
        /// The epoch in which they part.
        epoch: u64,
        /// The sequence number at which they part.
        seq: u64,
    },
    /// A delta that extends something else than what is held.
    SnapshotNeeded {
        /// The sequence number that it extends.
        from: u64,
        /// The sequence number that is held, if anything is.
        held: Option<u64>,
    },
    /// A new epoch whose fingerprints are under another key than those that are held,
    /// so that what is held could not be kept.
    Rekeyed,
    /// Epoch or sequence number are so far ahead that nothing newer could follow.
    FastForward {
        /// How far ahead it may be.
        limit: u64,
        /// How far ahead it is.
        found: u64,
    },
    /// It was issued in the future.
    FromTheFuture {
        /// When it says it was issued.
        issued_at: UnixTime,
    },
    /// It is too old to be taken.
    Expired {
        /// Until when it could be.
        expired_at: UnixTime,
    },
    /// There is no room for its entries here.
    Full(RevocationError),
    /// An entry whose names are too long to be distributed.
    EntryTooLong {
        /// How long a name may be, in bytes.
        limit: usize,
    },
    /// A kept mark cannot be read.
    BadMark {
        /// What was expected.
        reason: String,
    },
    /// The list could not be signed.
    NotSigned(KeyError),
    /// Reading failed.
    Io {
        /// How.
        kind: std::io::ErrorKind,
    },
}

/// A signed list that was not taken, or not made. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistributionError(Box<DistributionErrorKind>);

impl DistributionError {
    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> &DistributionErrorKind {
        &self.0
    }

    /// The stable name of the reason, in snake case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &*self.0 {
            DistributionErrorKind::Head(error) => error.code(),
            DistributionErrorKind::BadHead { .. } => "bad_head",
            DistributionErrorKind::NewerFormat { .. } => "newer_format",
            DistributionErrorKind::TooLarge { .. } => "list_too_large",
            DistributionErrorKind::BodyMismatch { .. } => "body_mismatch",
            DistributionErrorKind::BadBody { .. } => "bad_body",
            DistributionErrorKind::IssuerMismatch { .. } => "wrong_issuer",
            DistributionErrorKind::ListMismatch { .. } => "wrong_list",
            DistributionErrorKind::RolledBack { .. } => "rolled_back",
            DistributionErrorKind::Forked { .. } => "forked",
            DistributionErrorKind::SnapshotNeeded { .. } => "snapshot_needed",
            DistributionErrorKind::Rekeyed => "rekeyed",
            DistributionErrorKind::FastForward { .. } => "fast_forward",
            DistributionErrorKind::FromTheFuture { .. } => "from_the_future",
            DistributionErrorKind::Expired { .. } => "list_expired",
            DistributionErrorKind::Full(error) => error.code(),
            DistributionErrorKind::EntryTooLong { .. } => "entry_too_long",
            DistributionErrorKind::BadMark { .. } => "bad_mark",
            DistributionErrorKind::NotSigned(_) => "not_signed",
            DistributionErrorKind::Io { .. } => "io",
        }
    }

    /// Who must act.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match &*self.0 {
            DistributionErrorKind::Head(error) => error.class(),
            DistributionErrorKind::BadHead { .. }
            | DistributionErrorKind::TooLarge { .. }
            | DistributionErrorKind::BodyMismatch { .. }
            | DistributionErrorKind::BadBody { .. } => ErrorClass::NotOurs,
            DistributionErrorKind::IssuerMismatch { .. }
            | DistributionErrorKind::ListMismatch { .. } => ErrorClass::NotHere,
            DistributionErrorKind::FromTheFuture { .. } | DistributionErrorKind::Expired { .. } => {
                ErrorClass::NotNow
            }
            DistributionErrorKind::RolledBack { .. }
            | DistributionErrorKind::Forked { .. }
            | DistributionErrorKind::SnapshotNeeded { .. }
            | DistributionErrorKind::Rekeyed
            | DistributionErrorKind::FastForward { .. } => ErrorClass::CannotKnow,
            DistributionErrorKind::Full(error) => error.class(),
            DistributionErrorKind::NewerFormat { .. }
            | DistributionErrorKind::EntryTooLong { .. }
            | DistributionErrorKind::BadMark { .. }
            | DistributionErrorKind::NotSigned(_)
            | DistributionErrorKind::Io { .. } => ErrorClass::Operator,
        }
    }
}

impl From<DistributionErrorKind> for DistributionError {
    fn from(kind: DistributionErrorKind) -> Self {
        Self(Box::new(kind))
    }
}

impl fmt::Display for DistributionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use DistributionErrorKind as Kind;
        match &*self.0 {
            Kind::Head(error) => write!(f, "the head of the revocation list: {error}"),
            Kind::BadHead { reason } => write!(f, "the head of the revocation list: {reason}"),
            Kind::NewerFormat { found } => write!(
                f,
                "the revocation list has format {found}, and this program knows 1: update this program"
            ),
            Kind::TooLarge { what, limit, found } => write!(
                f,
                "the head of the revocation list promises {found} {what}, at most {limit} are taken; \
                 nothing was read of them"
            ),
            Kind::BodyMismatch { reason } => write!(
                f,
                "the body of the revocation list is not the one that was signed: {reason}; fetch the list again"
            ),
            Kind::BadBody { reason } => write!(
                f,
                "the body of the revocation list was signed and cannot be read: {reason}"
            ),
            Kind::IssuerMismatch { expected, found } => write!(
                f,
                "the revocation list is of {}, expected that of {}",
                Quoted(found),
                Quoted(expected)
            ),
            Kind::ListMismatch { expected, found } => write!(
                f,
                "this is the revocation list {}, expected {}; if the list was made anew, tell every \
                 machine that follows it",
                Quoted(found),
                Quoted(expected)
            ),
            Kind::RolledBack { held, found } => write!(
                f,
                "the revocation list was rolled back: expected epoch {}, number {} or later, found epoch {}, \
                 number {}; the newer list stays in use",
                held.0, held.1, found.0, found.1
            ),
            Kind::Forked { epoch, seq } => write!(
                f,
                "there are two different revocation lists of epoch {epoch}, number {seq}: somebody else signs \
                 lists, or a copy went its own way; the list that came first stays in use"
            ),
            Kind::SnapshotNeeded { from, held } => {
                write!(f, "the delta extends number {from} of the revocation list, and ")?;
                match held {
                    Some(held) => write!(f, "number {held} is held")?,
                    None => f.write_str("nothing is held")?,
                }
                f.write_str(": fetch the snapshot")
            }
            Kind::Rekeyed => f.write_str(
                "the revocation list began a new epoch under another fingerprint key, so what is held could \
                 not be kept: publish it under the key of its id, or follow a list with a new id",
            ),
            Kind::FastForward { limit, found } => write!(
                f,
                "the revocation list is {found} steps ahead, at most {limit} are believed: nothing newer could \
                 ever follow"
            ),
            Kind::FromTheFuture { issued_at } => write!(
                f,
                "the revocation list was issued at {}, which is still ahead: compare the clocks",
                At(*issued_at)
            ),
            Kind::Expired { expired_at } => write!(
                f,
                "the revocation list could be taken until {}: fetch a newer one",
                At(*expired_at)
            ),
            Kind::Full(error) => error.fmt(f),
            Kind::EntryTooLong { limit } => write!(
                f,
                "an entry of the revocation list has a name of more than {limit} bytes, which no token could have"
            ),
            Kind::BadMark { reason } => write!(f, "the mark of the revocation list: {reason}"),
            Kind::NotSigned(error) => write!(f, "the revocation list was not signed: {error}"),
            Kind::Io { kind } => write!(f, "the revocation list could not be read: {kind}"),
        }
    }
}

impl std::error::Error for DistributionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.0 {
            DistributionErrorKind::Head(error) => Some(error),
            DistributionErrorKind::Full(error) => Some(error),
            DistributionErrorKind::NotSigned(error) => Some(error),
            DistributionErrorKind::BadHead { .. }
            | DistributionErrorKind::NewerFormat { .. }
            | DistributionErrorKind::TooLarge { .. }
            | DistributionErrorKind::BodyMismatch { .. }
            | DistributionErrorKind::BadBody { .. }
            | DistributionErrorKind::IssuerMismatch { .. }
            | DistributionErrorKind::ListMismatch { .. }
            | DistributionErrorKind::RolledBack { .. }
            | DistributionErrorKind::Forked { .. }
            | DistributionErrorKind::SnapshotNeeded { .. }
            | DistributionErrorKind::Rekeyed
            | DistributionErrorKind::FastForward { .. }
            | DistributionErrorKind::FromTheFuture { .. }
            | DistributionErrorKind::Expired { .. }
            | DistributionErrorKind::EntryTooLong { .. }
            | DistributionErrorKind::BadMark { .. }
            | DistributionErrorKind::Io { .. } => None,
        }
    }
}

/// Why reading a body stopped.
#[derive(Debug)]
pub(super) enum Fault {
    /// The bytes have no meaning; whether they are the ones that were signed only
    /// the digest over all of them can tell.
    Broken(&'static str),
    /// Whatever the bytes mean.
    Other(DistributionError),
}

impl From<Fault> for DistributionError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Broken(reason) => DistributionErrorKind::BadBody { reason }.into(),
            Fault::Other(error) => error,
        }
    }
}
