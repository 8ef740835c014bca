//! Why a token was not minted.

use std::fmt;
use std::time::Duration;

use crate::error::{At, ErrorClass, Quoted};
use crate::key::KeyError;
use crate::limits::{MAX_HEADER_BYTES, MAX_TOKEN_BYTES, MAX_TYPE_BYTES};
use crate::revocation::RevokedBy;
use crate::time::UnixTime;

/// The reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MintErrorKind {
    /// The issuer is empty.
    NoIssuer,
    /// An audience is empty, and would name nobody.
    EmptyAudience,
    /// The type is longer than a media type can be.
    TypeTooLong {
        /// Its bytes.
        found: usize,
    },
    /// The lifetime is shorter than a second.
    NoLifetime,
    /// The claims ask for a longer life than the minter gives.
    LifetimeTooLong {
        /// The minter's lifetime.
        limit: Duration,
        /// What was asked for.
        found: Duration,
    },
    /// The claims ask for an expiry that has passed.
    AlreadyExpired {
        /// The expiry asked for.
        at: UnixTime,
        /// The present.
        now: UnixTime,
    },
    /// A time lies outside the years 0 to 9999, which RFC 3339 cannot write.
    TimeOutOfRange {
        /// The claim.
        name: &'static str,
    },
    /// A custom claim has the name of a registered one.
    ReservedClaim {
        /// The name.
        name: String,
    },
    /// The custom claims are not a JSON object that a verifier would read.
    BadCustomClaims {
        /// What is wrong with them.
        reason: String,
    },
    /// The status list is named by a text that is no absolute URI.
    BadStatusUri {
        /// The text.
        found: String,
    },
    /// A footer or assertion was given for a JWT.
    NotPaseto,
    /// The payload of a v4.local token is empty or not UTF-8, and could not be opened again.
    NotText,
    /// The footer holds a secret key.
    SecretInFooter,
    /// The footer starts like a JSON object and is none.
    BadFooter {
        /// What is wrong with it.
        reason: String,
    },
    /// The footer is too long, in bytes.
    FooterTooLong {
        /// Bytes found.
        found: usize,
    },
    /// The token would be longer than verifiers accept.
    TooLong {
        /// Bytes it would have.
        found: usize,
    },
    /// No key of the keyring signs at this time.
    NoSigner,
    /// The view of the keyring is too old to sign with: its key may have been withdrawn.
    KeysStale {
        /// Since when.
        since: UnixTime,
    },
    /// What the token would say is withdrawn: its subject, session, audience or key.
    Revoked {
        /// Which entry says so.
        by: RevokedBy,
        /// When that entry was made, where the source remembers it.
        since: Option<UnixTime>,
    },
    /// The revocation source cannot tell whether the token would be withdrawn.
    RevocationUnknown {
        /// Why not.
        reason: String,
    },
    /// The revocation list is older than this minter allows.
    RevocationStale {
        /// The list's age.
        age: Duration,
        /// The greatest age allowed.
        limit: Duration,
    },
    /// The key or the source of randomness failed.
    Key(KeyError),
}

/// A token that was not minted, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MintError {
    kind: MintErrorKind,
}

impl MintError {
    pub(super) fn key(error: KeyError) -> Self {
        MintErrorKind::Key(error).into()
    }

    /// The reason, for a program.
    #[must_use]
    pub fn kind(&self) -> &MintErrorKind {
        &self.kind
    }

    /// The stable name of the reason, in snake case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.kind {
            MintErrorKind::NoIssuer => "no_issuer",
            MintErrorKind::EmptyAudience => "empty_audience",
            MintErrorKind::TypeTooLong { .. } => "type_too_long",
            MintErrorKind::NoLifetime => "no_lifetime",
            MintErrorKind::LifetimeTooLong { .. } => "lifetime_too_long",
            MintErrorKind::AlreadyExpired { .. } => "already_expired",
            MintErrorKind::TimeOutOfRange { .. } => "time_out_of_range",
            MintErrorKind::ReservedClaim { .. } => "reserved_claim",
            MintErrorKind::BadCustomClaims { .. } => "bad_custom_claims",
            MintErrorKind::BadStatusUri { .. } => "bad_status_uri",
            MintErrorKind::NotPaseto => "not_paseto",
            MintErrorKind::NotText => "not_text",
            MintErrorKind::SecretInFooter => "secret_in_footer",
            MintErrorKind::BadFooter { .. } => "bad_footer",
            MintErrorKind::FooterTooLong { .. } => "footer_too_long",
            MintErrorKind::TooLong { .. } => "too_long",
            MintErrorKind::NoSigner => "no_signer",
            MintErrorKind::KeysStale { .. } => "keys_stale",
            MintErrorKind::Revoked { .. } => "revoked",
            MintErrorKind::RevocationUnknown { .. } => "revocation_unknown",
            MintErrorKind::RevocationStale { .. } => "revocation_stale",
            MintErrorKind::Key(error) => error.code(),
        }
    }

    /// Who must act: the operator, whose code or configuration asked for it; for a
    /// keyring that cannot be read, waiting may be enough.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        if matches!(self.kind, MintErrorKind::Revoked { .. }) {
            return ErrorClass::Withdrawn;
        }
        if matches!(
            self.kind,
            MintErrorKind::NoSigner
                | MintErrorKind::KeysStale { .. }
                | MintErrorKind::RevocationUnknown { .. }
                | MintErrorKind::RevocationStale { .. }
        ) {
            return ErrorClass::CannotKnow;
        }
        ErrorClass::Operator
    }
}

impl From<MintErrorKind> for MintError {
    fn from(kind: MintErrorKind) -> Self {
        Self { kind }
    }
}

impl fmt::Display for MintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            MintErrorKind::NoIssuer => f.write_str("expected an issuer, found an empty text"),
            MintErrorKind::EmptyAudience => {
                f.write_str("expected an audience, found an empty text: leave it out or name one")
            }
            MintErrorKind::TypeTooLong { found } => write!(
                f,
                "typ has {found} bytes, at most {MAX_TYPE_BYTES} are accepted"
            ),
            MintErrorKind::NoLifetime => {
                f.write_str("expected a lifetime of at least one second, found less")
            }
            MintErrorKind::LifetimeTooLong { limit, found } => write!(
                f,
                "the claims ask for {} s of life, the minter gives at most {} s",
                found.as_secs(),
                limit.as_secs()
            ),
            MintErrorKind::AlreadyExpired { at, now } => {
                write!(
                    f,
                    "the token would have expired at {}, and it is {}",
                    At(*at),
                    At(*now)
                )
            }
            MintErrorKind::TimeOutOfRange { name } => {
                write!(
                    f,
                    "{name} lies outside the years 0 to 9999, and a PASETO cannot say it"
                )
            }
            MintErrorKind::ReservedClaim { name } => {
                write!(
                    f,
                    "{} is a registered claim: set it through its own method",
                    Quoted(name)
                )
            }
            MintErrorKind::BadCustomClaims { reason } => {
                write!(f, "custom claims must be a JSON object: {}", Quoted(reason))
            }
            MintErrorKind::BadStatusUri { found } => write!(
                f,
                "a status list is named by an absolute URI, found {}",
                Quoted(found)
            ),
            MintErrorKind::NotPaseto => f.write_str(
                "footer and implicit assertion belong to PASETO, and the key is for JWT",
            ),
            MintErrorKind::NotText => f.write_str(
                "a v4.local payload must be text in UTF-8 and not empty: encode other bytes, or use v4.public",
            ),
            MintErrorKind::SecretInFooter => f.write_str(
                "the footer holds a secret key, and anyone can read a footer: put the key id there",
            ),
            MintErrorKind::BadFooter { reason } => {
                write!(
                    f,
                    "the footer starts like a JSON object and is none: {}",
                    Quoted(reason)
                )
            }
            MintErrorKind::FooterTooLong { found } => {
                write!(
                    f,
                    "the footer has {found} bytes, at most {MAX_HEADER_BYTES} are accepted"
                )
            }
            MintErrorKind::TooLong { found } => {
                write!(
                    f,
                    "the token would have {found} bytes, verifiers accept at most {MAX_TOKEN_BYTES}"
                )
            }
            MintErrorKind::NoSigner => f.write_str(
                "no key of the keyring signs now: run the schedule, or resume a suspended key",
            ),
            MintErrorKind::KeysStale { since } => write!(
                f,
                "the keyring could not be read again, and since {} its last view is too old to sign with",
                At(*since)
            ),
            MintErrorKind::Revoked { by, since } => {
                write!(f, "the token would be revoked from the start, by its {by}")?;
                match since {
                    Some(since) => write!(f, " since {}", At(*since)),
                    None => Ok(()),
                }
            }
            MintErrorKind::RevocationUnknown { reason } => write!(
                f,
                "the revocation list cannot tell whether the token would be revoked: {}",
                Quoted(reason)
            ),
            MintErrorKind::RevocationStale { age, limit } => write!(
                f,
                "the revocation list is {} s old, at most {} s are allowed: refresh it before minting",
                age.as_secs(),
                limit.as_secs()
            ),
            MintErrorKind::Key(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for MintError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            MintErrorKind::Key(error) => Some(error),
            MintErrorKind::NoIssuer
            | MintErrorKind::EmptyAudience
            | MintErrorKind::TypeTooLong { .. }
            | MintErrorKind::NoLifetime
            | MintErrorKind::LifetimeTooLong { .. }
            | MintErrorKind::AlreadyExpired { .. }
            | MintErrorKind::TimeOutOfRange { .. }
            | MintErrorKind::ReservedClaim { .. }
            | MintErrorKind::BadCustomClaims { .. }
            | MintErrorKind::BadStatusUri { .. }
            | MintErrorKind::NotPaseto
            | MintErrorKind::NotText
            | MintErrorKind::SecretInFooter
            | MintErrorKind::BadFooter { .. }
            | MintErrorKind::FooterTooLong { .. }
            | MintErrorKind::NoSigner
            | MintErrorKind::KeysStale { .. }
            | MintErrorKind::Revoked { .. }
            | MintErrorKind::RevocationUnknown { .. }
            | MintErrorKind::RevocationStale { .. }
            | MintErrorKind::TooLong { .. } => None,
        }
    }
}
