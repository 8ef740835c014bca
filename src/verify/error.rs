//! Why a token was refused: everything for the operator, nothing for the sender.

use std::fmt;
use std::time::Duration;

use super::words::{AnyOf, Found, Name, Span};
use crate::error::{At, ErrorClass, Escaped, Quoted};
use crate::revocation::RevokedBy;
use crate::time::UnixTime;
use crate::token::{Malformation, ProofError};

/// One reason for a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyErrorKind {
    /// The text is not a token.
    Malformed(Malformation),
    /// The header asks for an extension: `crit`, `b64` or `zip`.
    UnsupportedExtension {
        /// The header member that asks.
        member: &'static str,
    },
    /// No key of the set has the token's key id, or it names none and there are several.
    UnknownKey {
        /// The id in the token, if it names one.
        key_id: Option<String>,
    },
    /// The header names another algorithm than the key's (RFC 8725 section 3.1).
    AlgorithmMismatch {
        /// The key's algorithm.
        expected: &'static str,
    },
    /// The header's `typ` is not the one expected (RFC 8725 section 3.11).
    TypeMismatch {
        /// The type the policy expects.
        expected: String,
        /// The type in the token.
        found: Option<String>,
    },
    /// The signature is not the key's, or the ciphertext was changed.
    BadSignature,
    /// The payload is authentic but not a set of claims.
    BadClaims {
        /// What is wrong with it.
        reason: String,
    },
    /// `iss` is not the issuer expected.
    IssuerMismatch {
        /// The issuers the policy accepts.
        expected: Vec<String>,
        /// The issuer in the token.
        found: Option<String>,
    },
    /// `aud` does not name this place, or names one where none is expected.
    AudienceMismatch {
        /// The audiences the policy accepts; empty when it expects none.
        expected: Vec<String>,
        /// The audiences in the token.
        found: Vec<String>,
    },
    /// A claim the policy requires is absent.
    MissingClaim {
        /// The claim's name.
        name: String,
    },
    /// The token lives longer than the policy or its key allows.
    LifetimeTooLong {
        /// The longest lifetime allowed.
        limit: Duration,
        /// The token's own.
        found: Duration,
    },
    /// `iat` is outside the time in which the key was allowed to sign.
    OutsideKeyPeriod,
    /// A check of the application refused it.
    Refused {
        /// The application's reason.
        reason: String,
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
    /// `nbf` or `iat` is still ahead.
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
    /// `iat` is longer ago than the policy's greatest age.
    TooOld {
        /// The token's age.
        age: Duration,
        /// The greatest age allowed.
        limit: Duration,
    },
    /// Whoever presents the token has not proven to hold the key it is bound to.
    Unproven(ProofError),
    /// There are no keys yet, or the view of them is too old to tell good ones from bad.
    KeysUnavailable {
        /// Since when.
        since: UnixTime,
    },
    /// The token was withdrawn.
    Revoked {
        /// Which entry says so.
        by: RevokedBy,
        /// When that entry was made, where the source remembers it.
        since: Option<UnixTime>,
    },
    /// The revocation list cannot tell.
    RevocationUnknown {
        /// Why not.
        reason: String,
    },
    /// The revocation list is older than the policy allows.
    RevocationStale {
        /// The list's age.
        age: Duration,
        /// The greatest age allowed.
        limit: Duration,
    },
}

impl VerifyErrorKind {
    /// The stable name of the reason, in snake case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(Malformation::TooLong { .. }) => "too_long",
            Self::Malformed(_) => "malformed",
            Self::UnsupportedExtension { .. } => "unsupported_extension",
            Self::UnknownKey { .. } => "unknown_key",
            Self::AlgorithmMismatch { .. } => "alg_mismatch",
            Self::TypeMismatch { .. } => "typ_mismatch",
            Self::BadSignature => "bad_signature",
            Self::BadClaims { .. } => "bad_claims",
            Self::IssuerMismatch { .. } => "iss_mismatch",
            Self::AudienceMismatch { .. } => "aud_mismatch",
            Self::MissingClaim { .. } => "missing_claim",
            Self::LifetimeTooLong { .. } => "lifetime_too_long",
            Self::OutsideKeyPeriod => "outside_key_period",
            Self::Refused { .. } => "refused",
            Self::Expired { .. } => "expired",
            Self::NotYetValid { .. } => "not_yet_valid",
            Self::TooOld { .. } => "too_old",
            Self::Unproven(error) => error.code(),
            Self::KeysUnavailable { .. } => "keys_unavailable",
            Self::Revoked { .. } => "revoked",
            Self::RevocationUnknown { .. } => "revocation_unknown",
            Self::RevocationStale { .. } => "revocation_stale",
        }
    }

    /// Who must act on it.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Malformed(_)
            | Self::UnsupportedExtension { .. }
            | Self::UnknownKey { .. }
            | Self::AlgorithmMismatch { .. }
            | Self::BadSignature
            | Self::BadClaims { .. } => ErrorClass::NotOurs,
            Self::TypeMismatch { .. }
            | Self::IssuerMismatch { .. }
            | Self::AudienceMismatch { .. }
            | Self::MissingClaim { .. }
            | Self::LifetimeTooLong { .. }
            | Self::OutsideKeyPeriod
            | Self::Refused { .. } => ErrorClass::NotHere,
            Self::Expired { .. } | Self::NotYetValid { .. } | Self::TooOld { .. } => {
                ErrorClass::NotNow
            }
            Self::Revoked { .. } => ErrorClass::Withdrawn,
            Self::Unproven(error) => error.class(),
            Self::KeysUnavailable { .. }
            | Self::RevocationUnknown { .. }
            | Self::RevocationStale { .. } => ErrorClass::CannotKnow,
        }
    }
}

/// A refused token.
///
/// `Display` and [`reasons`](Self::reasons) are for the operator's log: they say
/// what was expected and what was found, escaped and bounded, never the token
/// itself. The sender is told [`public_message`](Self::public_message) and no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyError {
    first: VerifyErrorKind,
    others: Vec<VerifyErrorKind>,
    issuer: Option<Box<str>>,
}

impl VerifyError {
    /// The reason that decides class and code: a wrong place weighs more than a wrong time.
    #[must_use]
    pub fn kind(&self) -> &VerifyErrorKind {
        &self.first
    }

    /// Every reason, the deciding one first. Claims are all judged, so there may be several.
    pub fn reasons(&self) -> impl Iterator<Item = &VerifyErrorKind> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The issuer whose keys and policy gave the reasons, where a token could have
    /// been one of several ([`Verifiers`](crate::Verifiers)); `None` when it could
    /// have been nobody's, and where there is only one.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The stable name of the deciding reason, such as `expired`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.first.code()
    }

    /// Who must act; gives the HTTP status and the exit code.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        self.first.class()
    }

    /// The one answer for the sender, whatever the reason (RFC 6750 section 3.1).
    #[must_use]
    pub fn public_message(&self) -> &'static str {
        match self.class() {
            ErrorClass::CannotKnow | ErrorClass::Operator => {
                "the token cannot be checked at this time"
            }
            ErrorClass::NotOurs
            | ErrorClass::NotHere
            | ErrorClass::NotNow
            | ErrorClass::Withdrawn
            | ErrorClass::NotPermitted
            | ErrorClass::Unclear => "the token is not valid",
        }
    }

    /// The same error, saying who judged.
    pub(super) fn judged_for(mut self, issuer: &str) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Several failed claims; `None` when nothing failed.
    pub(crate) fn from_failures(mut failures: Vec<VerifyErrorKind>) -> Option<Self> {
        // Classes are declared from the gravest to the mildest; the sort is stable.
        failures.sort_by_key(VerifyErrorKind::class);
        let mut failures = failures.into_iter();
        let first = failures.next()?;
        Some(Self {
            first,
            others: failures.collect(),
            issuer: None,
        })
    }
}

impl From<VerifyErrorKind> for VerifyError {
    fn from(first: VerifyErrorKind) -> Self {
        Self {
            first,
            others: Vec::new(),
            issuer: None,
        }
    }
}

impl From<ProofError> for VerifyErrorKind {
    fn from(error: ProofError) -> Self {
        Self::Unproven(error)
    }
}

impl From<Malformation> for VerifyError {
    fn from(malformation: Malformation) -> Self {
        VerifyErrorKind::Malformed(malformation).into()
    }
}

impl std::error::Error for VerifyError {}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(issuer) = &self.issuer {
            write!(f, "for issuer {}: ", Quoted(issuer))?;
        }
        self.first.fmt(f)?;
        self.others
            .iter()
            .try_for_each(|other| write!(f, "; {other}"))
    }
}

impl fmt::Display for VerifyErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(malformation) => malformation.fmt(f),
            Self::UnsupportedExtension { member } => {
                write!(
                    f,
                    "the header has {member}, an extension that is not supported"
                )
            }
            Self::UnknownKey { key_id: Some(id) } => write!(f, "no key with id {}", Quoted(id)),
            Self::UnknownKey { key_id: None } => {
                f.write_str("the token names no key, and there is not exactly one to choose")
            }
            Self::AlgorithmMismatch { expected } => {
                write!(
                    f,
                    "the key is for {expected}, and the token claims another algorithm"
                )
            }
            Self::TypeMismatch { expected, found } => {
                write!(
                    f,
                    "typ: expected {}, found {}",
                    Quoted(expected),
                    Found(found.as_deref())
                )
            }
            Self::BadSignature => f.write_str("the signature is not the key's"),
            Self::BadClaims { reason } => {
                // A caller's own type may repeat names and values of the token.
                write!(f, "the claims are not valid: {}", Escaped(reason))
            }
            Self::IssuerMismatch { expected, found } => {
                write!(
                    f,
                    "iss: expected {}, found {}",
                    AnyOf(expected),
                    Found(found.as_deref())
                )
            }
            Self::AudienceMismatch { expected, found } => {
                write!(
                    f,
                    "aud: expected {}, found {}",
                    AnyOf(expected),
                    AnyOf(found)
                )
            }
            Self::MissingClaim { name } => write!(f, "{} is required and absent", Name(name)),
            Self::LifetimeTooLong { limit, found } => {
                write!(
                    f,
                    "valid for {}, at most {} is allowed",
                    Span(*found),
                    Span(*limit)
                )
            }
            Self::OutsideKeyPeriod => {
                f.write_str("iat lies outside the time in which the key signed")
            }
            Self::Refused { reason } => write!(f, "refused by the application: {}", Quoted(reason)),
            Self::Expired { at, now, leeway } => write!(
                f,
                "expired {} ago, at {} (leeway {} s)",
                Span(now.saturating_since(*at)),
                At(*at),
                leeway.as_secs()
            ),
            Self::NotYetValid {
                name,
                at,
                now,
                leeway,
            } => write!(
                f,
                "{name} is {} ahead, at {} (leeway {} s)",
                Span(at.saturating_since(*now)),
                At(*at),
                leeway.as_secs()
            ),
            Self::TooOld { age, limit } => {
                write!(
                    f,
                    "issued {} ago, at most {} is allowed",
                    Span(*age),
                    Span(*limit)
                )
            }
            Self::Unproven(error) => error.fmt(f),
            Self::KeysUnavailable { since } => {
                write!(
                    f,
                    "the keys could not be read, and since {} no view of them holds",
                    At(*since)
                )
            }
            Self::Revoked { by, since: None } => write!(f, "revoked by its {by}"),
            Self::Revoked {
                by,
                since: Some(since),
            } => write!(f, "revoked by its {by} at {}", At(*since)),
            Self::RevocationUnknown { reason } => {
                write!(f, "the revocation list cannot tell: {}", Quoted(reason))
            }
            Self::RevocationStale { age, limit } => {
                write!(
                    f,
                    "the revocation list is {} old, at most {} is allowed",
                    Span(*age),
                    Span(*limit)
                )
            }
        }
    }
}
