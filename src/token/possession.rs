//! Proof that whoever presents a token holds the key it is bound to: what a verifier
//! asks for, and why it may not get it.

use std::fmt;
use std::time::Duration;

use super::confirmation::KeyThumbprint;
use super::error::Malformation;
use crate::error::{At, ErrorClass, Escaped, Quoted};
use crate::time::UnixTime;

/// Confirms that the presenter of a token holds a key.
///
/// A verifier asks last, when the token itself has passed every check: so a stranger
/// without a good token makes nobody check a second signature and fills no memory. With
/// the feature `dpop`, `dpop::PresentedProof` is one.
pub trait ProofOfPossession: Sync {
    /// Confirms possession of the key with this thumbprint, for this token and at this
    /// time. It may remember the proof, so that it cannot be used again.
    ///
    /// # Errors
    /// [`ProofError`].
    fn confirm(&self, key: &KeyThumbprint, token: &str, now: UnixTime) -> Result<(), ProofError>;
}

/// Why possession of a key is not proven.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProofErrorKind {
    /// The token is bound to a key, and no proof came with it: a thief may have it.
    Missing,
    /// A proof came with a token that is bound to no key.
    NotBound,
    /// The proof is not a compact JWS, or too long (RFC 9449 section 4.3, checks 2 and 3).
    Malformed(Malformation),
    /// The header asks for an extension: `crit`, `b64` or `zip`.
    UnsupportedExtension {
        /// The header member that asks.
        member: &'static str,
    },
    /// The header's `typ` is not `dpop+jwt` (check 4).
    TypeMismatch {
        /// The type in the proof.
        found: Option<String>,
    },
    /// The algorithm is not one of those accepted; `none` and shared secrets never are (check 5).
    AlgorithmRefused {
        /// The algorithm in the proof.
        found: String,
    },
    /// The header holds no public key, or one that must not be used (checks 6 and 7).
    BadKey {
        /// What is wrong with it.
        reason: String,
    },
    /// The signature is not that of the key in the header (check 6).
    BadSignature,
    /// The payload is not a set of claims.
    BadClaims {
        /// What is wrong with it.
        reason: String,
    },
    /// A claim that every proof has is absent (check 3).
    MissingClaim {
        /// The claim's name.
        name: &'static str,
    },
    /// The proof is for another method (`htm`, check 8).
    OtherMethod {
        /// The method of the request.
        expected: String,
        /// The method in the proof.
        found: String,
    },
    /// The proof is for another address (`htu`, check 9).
    OtherAddress {
        /// The address of the request.
        expected: String,
        /// The address in the proof.
        found: String,
    },
    /// The server gives nonces, and the proof has none or an old one (check 10).
    NonceNeeded,
    /// `iat` is too long ago, or from before this server can tell what was used (check 11).
    TooOld {
        /// When the proof was made.
        at: UnixTime,
        /// The earliest time that is accepted.
        since: UnixTime,
    },
    /// `iat` is too far ahead (check 11).
    FromTheFuture {
        /// When the proof was made.
        at: UnixTime,
        /// The latest time that is accepted.
        until: UnixTime,
    },
    /// The proof is for another token (`ath`, check 12).
    OtherToken,
    /// The proof was made with another key than the one the token is bound to (check 12).
    OtherKey,
    /// The proof was used before (section 11.1).
    Replayed,
    /// The server cannot remember another proof, and accepts none it could not remember.
    MemoryFull {
        /// How soon there may be room.
        wait: Duration,
    },
}

/// Possession of a key that is not proven, and why.
///
/// `Display` is for the operator's log: bounded, escaped, and never the proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofError(ProofErrorKind);

impl ProofError {
    /// What was wrong.
    #[must_use]
    pub fn kind(&self) -> &ProofErrorKind {
        &self.0
    }

    /// The stable name of the reason.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.0 {
            ProofErrorKind::Missing => "proof_missing",
            ProofErrorKind::NotBound => "token_not_bound",
            ProofErrorKind::Malformed(_) => "proof_malformed",
            ProofErrorKind::UnsupportedExtension { .. } => "proof_unsupported_extension",
            ProofErrorKind::TypeMismatch { .. } => "proof_typ_mismatch",
            ProofErrorKind::AlgorithmRefused { .. } => "proof_alg_refused",
            ProofErrorKind::BadKey { .. } => "proof_bad_key",
            ProofErrorKind::BadSignature => "proof_bad_signature",
            ProofErrorKind::BadClaims { .. } => "proof_bad_claims",
            ProofErrorKind::MissingClaim { .. } => "proof_missing_claim",
            ProofErrorKind::OtherMethod { .. } => "proof_other_method",
            ProofErrorKind::OtherAddress { .. } => "proof_other_address",
            ProofErrorKind::NonceNeeded => "proof_nonce_needed",
            ProofErrorKind::TooOld { .. } => "proof_too_old",
            ProofErrorKind::FromTheFuture { .. } => "proof_from_the_future",
            ProofErrorKind::OtherToken => "proof_other_token",
            ProofErrorKind::OtherKey => "proof_other_key",
            ProofErrorKind::Replayed => "proof_replayed",
            ProofErrorKind::MemoryFull { .. } => "proof_memory_full",
        }
    }

    /// Who must act: the sender, but for a memory that is full.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match &self.0 {
            ProofErrorKind::MemoryFull { .. } => ErrorClass::CannotKnow,
            ProofErrorKind::NonceNeeded
            | ProofErrorKind::TooOld { .. }
            | ProofErrorKind::FromTheFuture { .. } => ErrorClass::NotNow,
            ProofErrorKind::Missing
            | ProofErrorKind::NotBound
            | ProofErrorKind::OtherMethod { .. }
            | ProofErrorKind::OtherAddress { .. }
            | ProofErrorKind::OtherToken
            | ProofErrorKind::OtherKey => ErrorClass::NotHere,
            ProofErrorKind::Malformed(_)
            | ProofErrorKind::UnsupportedExtension { .. }
            | ProofErrorKind::TypeMismatch { .. }
            | ProofErrorKind::AlgorithmRefused { .. }
            | ProofErrorKind::BadKey { .. }
            | ProofErrorKind::BadSignature
            | ProofErrorKind::BadClaims { .. }
            | ProofErrorKind::MissingClaim { .. }
            | ProofErrorKind::Replayed => ErrorClass::NotOurs,
        }
    }

    /// The error code for the client (RFC 9449 sections 5 to 9): none when it is not
    /// to blame.
    #[must_use]
    pub fn oauth_error(&self) -> Option<&'static str> {
        match &self.0 {
            ProofErrorKind::MemoryFull { .. } => None,
            ProofErrorKind::NonceNeeded => Some("use_dpop_nonce"),
            ProofErrorKind::Missing | ProofErrorKind::NotBound => Some("invalid_token"),
            ProofErrorKind::Malformed(_)
            | ProofErrorKind::UnsupportedExtension { .. }
            | ProofErrorKind::TypeMismatch { .. }
            | ProofErrorKind::AlgorithmRefused { .. }
            | ProofErrorKind::BadKey { .. }
            | ProofErrorKind::BadSignature
            | ProofErrorKind::BadClaims { .. }
            | ProofErrorKind::MissingClaim { .. }
            | ProofErrorKind::OtherMethod { .. }
            | ProofErrorKind::OtherAddress { .. }
            | ProofErrorKind::TooOld { .. }
            | ProofErrorKind::FromTheFuture { .. }
            | ProofErrorKind::OtherToken
            | ProofErrorKind::OtherKey
            | ProofErrorKind::Replayed => Some("invalid_dpop_proof"),
        }
    }
}

impl From<ProofErrorKind> for ProofError {
    fn from(kind: ProofErrorKind) -> Self {
        Self(kind)
    }
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ProofErrorKind as Kind;
        match &self.0 {
            Kind::Missing => f.write_str(
                "the token is bound to a key (cnf.jkt): expected a proof of that key, found none",
            ),
            Kind::NotBound => f.write_str(
                "expected a token that is bound to the proof's key (cnf.jkt), found one bound to none",
            ),
            Kind::Malformed(malformation) => write!(f, "DPoP proof: {malformation}"),
            Kind::UnsupportedExtension { member } => write!(
                f,
                "DPoP proof: the header has {member}, an extension that is not supported"
            ),
            Kind::TypeMismatch { found } => {
                f.write_str("DPoP proof: typ: expected \"dpop+jwt\", found ")?;
                match found {
                    Some(found) => Quoted(found).fmt(f),
                    None => f.write_str("none"),
                }
            }
            Kind::AlgorithmRefused { found } => write!(
                f,
                "DPoP proof: expected an accepted algorithm with a public key, found {}",
                Quoted(found)
            ),
            Kind::BadKey { reason } => write!(f, "DPoP proof: {}", Escaped(reason)),
            Kind::BadSignature => {
                f.write_str("DPoP proof: the signature is not that of the key in its header")
            }
            Kind::BadClaims { reason } => {
                write!(f, "DPoP proof: the claims are not valid: {}", Escaped(reason))
            }
            Kind::MissingClaim { name } => {
                write!(f, "DPoP proof: {name} is required and absent")
            }
            Kind::OtherMethod { expected, found } => write!(
                f,
                "DPoP proof: htm: expected {}, found {}",
                Quoted(expected),
                Quoted(found)
            ),
            Kind::OtherAddress { expected, found } => write!(
                f,
                "DPoP proof: htu: expected {}, found {}",
                Quoted(expected),
                Quoted(found)
            ),
            Kind::NonceNeeded => f.write_str(
                "DPoP proof: expected a nonce that this server gave lately, found none or an old one",
            ),
            Kind::TooOld { at, since } => write!(
                f,
                "DPoP proof: made at {}, accepted are those made since {}",
                At(*at),
                At(*since)
            ),
            Kind::FromTheFuture { at, until } => write!(
                f,
                "DPoP proof: made at {}, accepted are those made until {}",
                At(*at),
                At(*until)
            ),
            Kind::OtherToken => {
                f.write_str("DPoP proof: ath: expected the digest of this token, found another")
            }
            Kind::OtherKey => f.write_str(
                "DPoP proof: expected the key that the token is bound to, found another",
            ),
            Kind::Replayed => f.write_str("DPoP proof: it was used before"),
            Kind::MemoryFull { wait } => write!(
                f,
                "DPoP proof: no room to remember another one for {} s: let the memory hold more, \
                 or its proofs live shorter",
                wait.as_secs()
            ),
        }
    }
}

impl std::error::Error for ProofError {}
