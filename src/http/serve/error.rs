//! Why a server does not start.

use std::fmt;
use std::io;

use crate::error::{ErrorClass, Escaped, Quoted};

/// Why a server does not start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServeErrorKind {
    /// The text is neither an address with a port nor `unix:` and a path.
    BadAddress {
        /// The text.
        found: String,
    },
    /// Somebody else listens there.
    AddressInUse {
        /// Where.
        place: String,
    },
    /// Something that is not a socket lies at the path.
    NotASocket {
        /// Where.
        place: String,
    },
    /// This user may not listen there.
    Permission {
        /// Where.
        place: String,
    },
    /// The system refused for another reason.
    Io {
        /// Where.
        place: String,
        /// Its words.
        reason: String,
    },
}

/// A server that does not start, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServeError(ServeErrorKind);

impl ServeError {
    /// The reason, for a program.
    #[must_use]
    pub fn kind(&self) -> &ServeErrorKind {
        &self.0
    }

    /// The stable name of the reason.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.0 {
            ServeErrorKind::BadAddress { .. } => "bad_address",
            ServeErrorKind::AddressInUse { .. } => "address_in_use",
            ServeErrorKind::NotASocket { .. } => "not_a_socket",
            ServeErrorKind::Permission { .. } => "permission",
            ServeErrorKind::Io { .. } => "io",
        }
    }

    /// Who must act: the operator.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        ErrorClass::Operator
    }

    /// What the system said about listening at a place.
    pub(super) fn at(place: &str, error: &io::Error) -> Self {
        let place = place.to_owned();
        let kind = error.kind();
        Self(if kind == io::ErrorKind::AddrInUse {
            ServeErrorKind::AddressInUse { place }
        } else if kind == io::ErrorKind::PermissionDenied {
            ServeErrorKind::Permission { place }
        } else {
            let reason = error.to_string();
            ServeErrorKind::Io { place, reason }
        })
    }
}

impl From<ServeErrorKind> for ServeError {
    fn from(kind: ServeErrorKind) -> Self {
        Self(kind)
    }
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            ServeErrorKind::BadAddress { found } => write!(
                f,
                "expected an address to listen on such as 127.0.0.1:4180, [::1]:4180 or \
                 unix:/run/tokenwright/serve.sock, found {}",
                Quoted(found)
            ),
            ServeErrorKind::AddressInUse { place } => write!(
                f,
                "somebody else listens on {}: stop that, or choose another address",
                Escaped(place)
            ),
            ServeErrorKind::NotASocket { place } => write!(
                f,
                "{} exists and is not a socket: nothing was removed; choose another path",
                Escaped(place)
            ),
            ServeErrorKind::Permission { place } => write!(
                f,
                "this user may not listen on {}: ports below 1024 and folders of others need \
                 more rights, or choose another address",
                Escaped(place)
            ),
            ServeErrorKind::Io { place, reason } => {
                write!(
                    f,
                    "cannot listen on {}: {}",
                    Escaped(place),
                    Escaped(reason)
                )
            }
        }
    }
}

impl std::error::Error for ServeError {}
