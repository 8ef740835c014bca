//! The only importers of cryptographic crates.
//!
//! One module per engine, each with keys that are prepared once. An engine that
//! was left out of the build is replaced by a stand-in whose types have no
//! values, so that the rest of the crate reads the same in every build.

#[cfg(feature = "paseto")]
pub(crate) mod blake;
pub(crate) mod ed25519;
#[cfg(feature = "aws-lc")]
pub(crate) mod envelope;

#[cfg(feature = "aws-lc")]
pub(crate) mod aws;
#[cfg(not(feature = "aws-lc"))]
#[path = "without_aws.rs"]
pub(crate) mod aws;

#[cfg(feature = "paseto")]
pub(crate) mod paseto;
#[cfg(not(feature = "paseto"))]
#[path = "without_paseto.rs"]
pub(crate) mod paseto;

use super::algorithm::Algorithm;
use super::error::{KeyError, KeyErrorKind};

/// The signature does not belong to the message and the key. Nothing more is
/// said, so that nothing can be learnt from how it was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadSignature;

/// Refuses an algorithm whose engine is not part of this build.
pub(crate) fn require_engine(algorithm: Algorithm) -> Result<(), KeyError> {
    let (present, feature) = match algorithm {
        Algorithm::EdDsa | Algorithm::Ed25519 => return Ok(()),
        Algorithm::V4Public | Algorithm::V4Local => (paseto::PRESENT, "paseto"),
        Algorithm::Es256
        | Algorithm::Es384
        | Algorithm::Es512
        | Algorithm::Rs256
        | Algorithm::Rs384
        | Algorithm::Rs512
        | Algorithm::Ps256
        | Algorithm::Ps384
        | Algorithm::Ps512
        | Algorithm::Hs256
        | Algorithm::Hs384
        | Algorithm::Hs512 => (aws::PRESENT, "aws-lc"),
    };
    if present {
        return Ok(());
    }
    Err(KeyError::explained(
        KeyErrorKind::UnsupportedAlgorithm,
        format!("{algorithm} is not part of this build; switch on the feature `{feature}`"),
    ))
}

/// The error of an engine that failed at something only a broken system fails at.
pub(crate) fn engine_failed(task: &str) -> KeyError {
    KeyError::explained(
        KeyErrorKind::EngineFailed,
        format!(
            "the cryptographic library could not {task}; try again, and check the system's memory and random numbers"
        ),
    )
}
