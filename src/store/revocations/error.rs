//! Why a list of revocations cannot be followed.

use std::fmt;

use super::Position;
use crate::error::ErrorClass;
use crate::revocation::RevocationError;
use crate::store::error::StoreError;

/// Why a list of revocations cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevocationFollowErrorKind {
    /// The store holds less than it did, or another history.
    RolledBack {
        /// What was seen before, and stays in use.
        kept: Position,
        /// What the store holds now.
        found: Position,
    },
    /// The store holds another list than before.
    OtherList {
        /// What was seen before, and stays in use.
        kept: Position,
        /// What the store holds now.
        found: Position,
    },
    /// The store cannot be read.
    Store(StoreError),
    /// The list in memory does not take what the store holds.
    List(RevocationError),
}

/// A list that cannot be followed, and why. The last good view stays in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationFollowError(RevocationFollowErrorKind);

impl RevocationFollowError {
    /// The reason, for a program.
    #[must_use]
    pub fn kind(&self) -> &RevocationFollowErrorKind {
        &self.0
    }

    /// The stable name of the reason.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.0 {
            RevocationFollowErrorKind::RolledBack { .. } => "revocations_rolled_back",
            RevocationFollowErrorKind::OtherList { .. } => "other_revocation_list",
            RevocationFollowErrorKind::Store(error) => error.code(),
            RevocationFollowErrorKind::List(error) => error.code(),
        }
    }

    /// Who must act.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match &self.0 {
            RevocationFollowErrorKind::RolledBack { .. }
            | RevocationFollowErrorKind::OtherList { .. } => ErrorClass::Operator,
            RevocationFollowErrorKind::Store(error) => error.class(),
            RevocationFollowErrorKind::List(error) => error.class(),
        }
    }
}

impl From<RevocationFollowErrorKind> for RevocationFollowError {
    fn from(kind: RevocationFollowErrorKind) -> Self {
        Self(kind)
    }
}

impl From<StoreError> for RevocationFollowError {
    fn from(error: StoreError) -> Self {
        Self(RevocationFollowErrorKind::Store(error))
    }
}

impl From<RevocationError> for RevocationFollowError {
    fn from(error: RevocationError) -> Self {
        Self(RevocationFollowErrorKind::List(error))
    }
}

impl fmt::Display for RevocationFollowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            RevocationFollowErrorKind::RolledBack { kept, found } => write!(
                f,
                "the revocation list was rolled back: expected {kept} or later, found epoch {}, \
                 seq {}; what was known stays revoked: put the later list back, or begin a new \
                 epoch if this one is right",
                found.epoch, found.seq
            ),
            RevocationFollowErrorKind::OtherList { kept, found } => write!(
                f,
                "another revocation list took the place of the one in use: expected {kept}, found \
                 {found}; what was known stays revoked: put the first list back, or restart to \
                 follow the other"
            ),
            RevocationFollowErrorKind::Store(error) => error.fmt(f),
            RevocationFollowErrorKind::List(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RevocationFollowError {}
