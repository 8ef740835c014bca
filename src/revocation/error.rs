//! Why an entry could not be taken.

use std::fmt;

use crate::error::ErrorClass;

/// What went wrong with a revocation list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevocationErrorKind {
    /// The list holds as many entries as it may.
    ListFull {
        /// How many that is.
        limit: usize,
    },
}

/// A revocation list that refused something. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationError(RevocationErrorKind);

impl RevocationError {
    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &RevocationErrorKind {
        &self.0
    }

    /// The stable name of the reason, in snake case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.0 {
            RevocationErrorKind::ListFull { .. } => "list_full",
        }
    }

    /// Who must act.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self.0 {
            RevocationErrorKind::ListFull { .. } => ErrorClass::Operator,
        }
    }
}

impl From<RevocationErrorKind> for RevocationError {
    fn from(kind: RevocationErrorKind) -> Self {
        Self(kind)
    }
}

impl fmt::Display for RevocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            RevocationErrorKind::ListFull { limit } => write!(
                f,
                "the revocation list is full: expected at most {limit} entries, found one more; \
                 nothing was dropped: prune what has expired, shorten token lifetimes, or withdraw \
                 by subject or session in place of single tokens"
            ),
        }
    }
}

impl std::error::Error for RevocationError {}
