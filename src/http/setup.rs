//! What can be wrong with how a gate is set up.

use std::fmt;

use crate::error::{ErrorClass, Quoted};

/// What was wrong with a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SetupErrorKind {
    /// A cookie cannot have this name.
    BadCookieName,
    /// A challenge cannot carry this realm.
    BadRealm,
    /// This is not what stands before the paths of requests.
    BadAddress,
    /// This is not the address of a metadata document.
    BadResourceMetadata,
}

/// A setting that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupError {
    kind: SetupErrorKind,
    found: String,
}

impl SetupError {
    pub(super) fn new(kind: SetupErrorKind, found: &str) -> Self {
        // A message shows less than this of it.
        let found = found.chars().take(100).collect();
        Self { kind, found }
    }

    /// What was wrong, for a program.
    #[must_use]
    pub fn kind(&self) -> SetupErrorKind {
        self.kind
    }

    /// The stable name of the kind.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.kind {
            SetupErrorKind::BadCookieName => "bad_cookie_name",
            SetupErrorKind::BadRealm => "bad_realm",
            SetupErrorKind::BadAddress => "bad_address",
            SetupErrorKind::BadResourceMetadata => "bad_resource_metadata",
        }
    }

    /// Who must act: the operator.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        ErrorClass::Operator
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = match self.kind {
            SetupErrorKind::BadCookieName => {
                "cookie name: expected letters, digits and !#$%&'*+-.^_`|~ (RFC 6265 section 4.1.1)"
            }
            SetupErrorKind::BadRealm => "realm: expected printable ASCII",
            SetupErrorKind::BadAddress => {
                "address: expected scheme and host as clients know them, such as https://api.example"
            }
            SetupErrorKind::BadResourceMetadata => {
                "resource_metadata: expected an address such as https://api.example/.well-known/oauth-protected-resource"
            }
        };
        write!(f, "{expected}, found {}", Quoted(&self.found))
    }
}

impl std::error::Error for SetupError {}
