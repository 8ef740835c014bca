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
    /// The text or bytes are not in the format they were read as.
    Malformed,
    /// The text or bytes are longer than any key of that format.
    TooLong,
    /// A well-formed key of a kind that signs none of our tokens.
    UnsupportedKeyType,
    /// A JWK lacks a member its kind must have.
    MissingMember,
    /// A member of a JWK has the wrong JSON type, encoding or length.
    BadMember,
    /// The source names no algorithm and its kind allows several.
    AlgorithmNeeded,
    /// The algorithm does not fit the key, or the source names another one.
    AlgorithmMismatch,
    /// The `use` of a JWK is not `sig`.
    UseMismatch,
    /// The `key_ops` of a JWK do not allow what the key is imported for.
    OperationsMismatch,
    /// A private or shared key stands where a public one was expected.
    PrivateKeyGiven,
    /// A public key stands where a private one was expected.
    PublicKeyGiven,
    /// An RSA key of more than two primes.
    MultiPrime,
    /// The format asked for cannot hold this key.
    NoSuchForm,
    /// The key is locked and no passphrase was given.
    PassphraseNeeded,
    /// The passphrase does not open the key, or the locked text was changed.
    WrongPassphrase,
    /// The key is locked in a way this build does not open.
    UnsupportedEncryption,
    /// Opening the key would cost more work or memory than the limits allow.
    TooCostly,
    /// A coordinate, a scalar, a seed or a v4.local secret is not exactly as long as it must be.
    WrongLength,
    /// Bytes that encode no point of the curve, or not in the one way allowed.
    NotOnCurve,
    /// A key under which forging is possible: small order, a guessable secret, a known bad generator.
    WeakKey,
    /// A private scalar of zero, or not below the order of its curve.
    BadScalar,
    /// An RSA modulus that is too short, too long, even, or written with leading zeros.
    BadModulus,
    /// An RSA public exponent that is even, below 3, too large, or written with leading zeros.
    BadExponent,
    /// An HMAC secret shorter than the hash (RFC 7518 section 3.2).
    SecretTooShort,
    /// A shared secret longer than the limit.
    SecretTooLong,
    /// The private half does not belong to the public half.
    HalvesMismatch,
    /// Two keys of one set have the same id.
    DuplicateKeyId,
    /// A set holds shared secrets beside other keys (RFC 8725 section 3.1).
    MixedFamilies,
    /// The system gave no random numbers.
    NoRandomness,
    /// The cryptographic library failed to sign or to make a key.
    EngineFailed,
}

/// A key that was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyError {
    kind: KeyErrorKind,
    detail: String,
}

impl KeyError {
    /// An error about a piece of foreign text, which is quoted, bounded and escaped.
    pub(crate) fn new(kind: KeyErrorKind, foreign: &str) -> Self {
        Self::explained(kind, Quoted(foreign).to_string())
    }

    /// An error in our own words; foreign text inside must have gone through `Quoted`.
    pub(crate) fn explained(kind: KeyErrorKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
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
            KeyErrorKind::Malformed => "malformed_key",
            KeyErrorKind::TooLong => "key_too_long",
            KeyErrorKind::UnsupportedKeyType => "unsupported_key_type",
            KeyErrorKind::MissingMember => "missing_member",
            KeyErrorKind::BadMember => "bad_member",
            KeyErrorKind::AlgorithmNeeded => "algorithm_needed",
            KeyErrorKind::AlgorithmMismatch => "algorithm_mismatch",
            KeyErrorKind::UseMismatch => "use_mismatch",
            KeyErrorKind::OperationsMismatch => "key_ops_mismatch",
            KeyErrorKind::PrivateKeyGiven => "private_key_given",
            KeyErrorKind::PublicKeyGiven => "public_key_given",
            KeyErrorKind::MultiPrime => "multi_prime",
            KeyErrorKind::NoSuchForm => "no_such_form",
            KeyErrorKind::PassphraseNeeded => "passphrase_needed",
            KeyErrorKind::WrongPassphrase => "wrong_passphrase",
            KeyErrorKind::UnsupportedEncryption => "unsupported_encryption",
            KeyErrorKind::TooCostly => "too_costly",
            KeyErrorKind::WrongLength => "wrong_length",
            KeyErrorKind::NotOnCurve => "not_on_curve",
            KeyErrorKind::WeakKey => "weak_key",
            KeyErrorKind::BadScalar => "bad_scalar",
            KeyErrorKind::BadModulus => "bad_modulus",
            KeyErrorKind::BadExponent => "bad_exponent",
            KeyErrorKind::SecretTooShort => "secret_too_short",
            KeyErrorKind::SecretTooLong => "secret_too_long",
            KeyErrorKind::HalvesMismatch => "halves_mismatch",
            KeyErrorKind::DuplicateKeyId => "duplicate_key_id",
            KeyErrorKind::MixedFamilies => "mixed_families",
            KeyErrorKind::NoRandomness => "no_randomness",
            KeyErrorKind::EngineFailed => "engine_failed",
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
        write!(f, "{}: {}", self.code(), self.detail)
    }
}

impl std::error::Error for KeyError {}
