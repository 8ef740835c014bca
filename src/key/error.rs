//! What can be wrong with a key.

use std::fmt;

use crate::error::{ErrorClass, Quoted};

/// Why a key was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyErrorKind {
    /// The algorithm's name is not one this build knows.
    UnsupportedAlgorithm,
    /// A key id is empty or too long.
    BadKeyId,
}

/// A key that was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyError {
    kind: KeyErrorKind,
    detail: String,
}

impl KeyError {
    pub(crate) fn new(kind: KeyErrorKind, detail: &str) -> Self {
        Self {
            kind,
            detail: detail.chars().take(80).collect(),
        }
    }

    /// What was wrong, for a program.
    #[must_use]
    pub fn kind(&self) -> KeyErrorKind {
        self.kind
    }

    /// The stable name of the kind.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.kind {
            KeyErrorKind::UnsupportedAlgorithm => "unsupported_algorithm",
            KeyErrorKind::BadKeyId => "bad_key_id",
        }
    }

    /// Who must act: always the operator, since keys are configuration.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        ErrorClass::Operator
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), Quoted(&self.detail))
    }
}

impl std::error::Error for KeyError {}
