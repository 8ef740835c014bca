//! Why another issuer's keys could not be had.

use std::fmt;

use super::fetch::FetchError;
use crate::error::{ErrorClass, Quoted};
use crate::key::JwkSetError;

/// Why another issuer's keys could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemoteErrorKind {
    /// What was given is not an address that keys can be fetched from.
    BadAddress {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The address is `http`, where anyone on the way could put in keys.
    NotHttps,
    /// There was no answer.
    Fetch(FetchError),
    /// The answer's status is not 200.
    BadStatus {
        /// The status.
        found: u16,
    },
    /// The answer does not say that it is JSON.
    NotJson {
        /// The content type.
        found: Option<String>,
    },
    /// The answer is JSON, but not a key set that can be used.
    KeySet(JwkSetError),
    /// The discovery document cannot be used.
    BadDiscovery {
        /// What is wrong with it.
        reason: String,
    },
    /// The discovery document is another issuer's.
    IssuerMismatch {
        /// The issuer it names.
        found: String,
    },
    /// The client ended without an answer or an error: it panicked.
    Panicked,
}

impl RemoteErrorKind {
    /// With the address that it is about.
    pub(super) fn at(self, address: impl Into<String>) -> RemoteError {
        RemoteError {
            address: address.into(),
            kind: self,
        }
    }
}

/// Another issuer's keys that could not be had, from where and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteError {
    address: String,
    kind: RemoteErrorKind,
}

impl RemoteError {
    /// The reason, for a program.
    #[must_use]
    pub fn kind(&self) -> &RemoteErrorKind {
        &self.kind
    }

    /// The address that was asked, without its query.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The stable name of the reason.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.kind {
            RemoteErrorKind::BadAddress { .. } => "bad_address",
            RemoteErrorKind::NotHttps => "not_https",
            RemoteErrorKind::Fetch(error) => error.code(),
            RemoteErrorKind::BadStatus { .. } => "bad_status",
            RemoteErrorKind::NotJson { .. } => "not_json",
            RemoteErrorKind::KeySet(error) => error.code(),
            RemoteErrorKind::BadDiscovery { .. } => "bad_discovery",
            RemoteErrorKind::IssuerMismatch { .. } => "discovery_mismatch",
            RemoteErrorKind::Panicked => "fetch_panicked",
        }
    }

    /// Who must act: the operator gave a bad address, or the keys cannot be known.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match &self.kind {
            RemoteErrorKind::BadAddress { .. } | RemoteErrorKind::NotHttps => ErrorClass::Operator,
            RemoteErrorKind::Fetch(error) => error.class(),
            RemoteErrorKind::BadStatus { .. }
            | RemoteErrorKind::NotJson { .. }
            | RemoteErrorKind::KeySet(_)
            | RemoteErrorKind::BadDiscovery { .. }
            | RemoteErrorKind::IssuerMismatch { .. }
            | RemoteErrorKind::Panicked => ErrorClass::CannotKnow,
        }
    }
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", Quoted(&self.address))?;
        match &self.kind {
            RemoteErrorKind::BadAddress { reason } => f.write_str(reason),
            RemoteErrorKind::NotHttps => f.write_str(
                "expected https, found http: anyone on the way could put in keys of theirs",
            ),
            RemoteErrorKind::Fetch(error) => error.fmt(f),
            RemoteErrorKind::BadStatus { found } => {
                write!(f, "expected status 200, found {found}")
            }
            RemoteErrorKind::NotJson { found: Some(found) } => {
                write!(
                    f,
                    "expected a content type of JSON, found {}",
                    Quoted(found)
                )
            }
            RemoteErrorKind::NotJson { found: None } => {
                f.write_str("expected a content type of JSON, found none")
            }
            RemoteErrorKind::KeySet(error) => error.fmt(f),
            RemoteErrorKind::BadDiscovery { reason } => {
                write!(f, "the discovery document cannot be used: {reason}")
            }
            RemoteErrorKind::IssuerMismatch { found } => write!(
                f,
                "the discovery document is of another issuer, {}; the two must be equal to the letter",
                Quoted(found)
            ),
            RemoteErrorKind::Panicked => f.write_str("the HTTP client panicked"),
        }
    }
}

impl std::error::Error for RemoteError {}
