//! Why a store cannot be followed.

use std::fmt;

use crate::store::keys::KeyAccessError;

/// Why a store cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FollowErrorKind {
    /// The store holds no keyring.
    NoKeyring,
    /// The store holds another keyring than before.
    OtherKeyring,
    /// The store, its document or a key in it cannot be read.
    Access(KeyAccessError),
}

/// A store that cannot be followed, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowError(FollowErrorKind);

impl FollowError {
    /// The reason, for a program.
    #[must_use]
    pub fn kind(&self) -> &FollowErrorKind {
        &self.0
    }

    /// The stable name of the reason.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.0 {
            FollowErrorKind::NoKeyring => "no_keyring",
            FollowErrorKind::OtherKeyring => "other_keyring",
            FollowErrorKind::Access(error) => error.code(),
        }
    }

    /// Who must act.
    #[must_use]
    pub fn class(&self) -> crate::ErrorClass {
        match &self.0 {
            FollowErrorKind::NoKeyring => crate::ErrorClass::CannotKnow,
            FollowErrorKind::OtherKeyring => crate::ErrorClass::Operator,
            FollowErrorKind::Access(error) => error.class(),
        }
    }
}

impl From<FollowErrorKind> for FollowError {
    fn from(kind: FollowErrorKind) -> Self {
        Self(kind)
    }
}

impl From<KeyAccessError> for FollowError {
    fn from(error: KeyAccessError) -> Self {
        Self(FollowErrorKind::Access(error))
    }
}

impl fmt::Display for FollowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            FollowErrorKind::NoKeyring => {
                f.write_str("the store holds no keyring: run tokenwright init, or name another store")
            }
            FollowErrorKind::OtherKeyring => f.write_str(
                "the store holds another keyring than before: restart to follow it, or put the first one back",
            ),
            FollowErrorKind::Access(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for FollowError {}
