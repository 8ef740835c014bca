//! What can be wrong with how proofs are to be judged.

use std::fmt;
use std::time::Duration;

use super::proofs::MAX_PROOF_AGE;
use crate::error::ErrorClass;
use crate::key::Algorithm;

/// What was wrong with a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProofSetupErrorKind {
    /// The memory of used proofs holds none, or one key's share of it is nothing.
    NoMemory,
    /// No algorithm is accepted.
    NoAlgorithm,
    /// The algorithm has no public key, or signs no JWS (RFC 9449 section 11.6).
    AlgorithmUnfit {
        /// It.
        found: Algorithm,
    },
    /// Proofs would live less than a second.
    AgeTooShort {
        /// How long.
        found: Duration,
    },
    /// Proofs would live longer than [`MAX_PROOF_AGE`].
    AgeTooLong {
        /// How long.
        found: Duration,
    },
    /// The secret of nonces could be guessed.
    SecretTooShort {
        /// How many bytes it needs.
        least: usize,
        /// How many it has.
        found: usize,
    },
}

/// A setting that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofSetupError(ProofSetupErrorKind);

impl ProofSetupError {
    /// What was wrong, for a program.
    #[must_use]
    pub fn kind(&self) -> &ProofSetupErrorKind {
        &self.0
    }

    /// The stable name of the kind.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.0 {
            ProofSetupErrorKind::NoMemory => "no_memory",
            ProofSetupErrorKind::NoAlgorithm => "no_algorithm",
            ProofSetupErrorKind::AlgorithmUnfit { .. } => "algorithm_unfit",
            ProofSetupErrorKind::AgeTooShort { .. } => "age_too_short",
            ProofSetupErrorKind::AgeTooLong { .. } => "age_too_long",
            ProofSetupErrorKind::SecretTooShort { .. } => "secret_too_short",
        }
    }

    /// Who must act: the operator.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        ErrorClass::Operator
    }
}

impl From<ProofSetupErrorKind> for ProofSetupError {
    fn from(kind: ProofSetupErrorKind) -> Self {
        Self(kind)
    }
}

impl fmt::Display for ProofSetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            ProofSetupErrorKind::NoMemory => f.write_str(
                "memory of used proofs: expected room for at least one, found none: every proof would be refused",
            ),
            ProofSetupErrorKind::NoAlgorithm => f.write_str(
                "algorithms of proofs: expected at least one, found none: every proof would be refused",
            ),
            ProofSetupErrorKind::AlgorithmUnfit { found } => write!(
                f,
                "algorithms of proofs: expected those of a JWS with a public key, found {found} \
                 (RFC 9449 section 11.6)"
            ),
            ProofSetupErrorKind::AgeTooShort { found } => write!(
                f,
                "age of proofs: expected at least a second, found {found:?}"
            ),
            ProofSetupErrorKind::AgeTooLong { found } => write!(
                f,
                "age of proofs: expected at most {} s, found {} s: they are made for one request each",
                MAX_PROOF_AGE.as_secs(),
                found.as_secs()
            ),
            ProofSetupErrorKind::SecretTooShort { least, found } => write!(
                f,
                "secret of nonces: expected at least {least} bytes, found {found}"
            ),
        }
    }
}

impl std::error::Error for ProofSetupError {}
