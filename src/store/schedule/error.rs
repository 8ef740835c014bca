//! Why a schedule could not be kept.

use std::fmt;
use std::time::Duration;

use crate::error::ErrorClass;
use crate::key::{KeyError, KeyId};
use crate::keyring::{Event, KeyringError};
use crate::store::{KeyAccessError, KeyAccessErrorKind, StoreError};

/// What the inner functions answer; the events are added at the end.
pub(super) type Failure<T> = Result<T, ScheduleErrorKind>;

/// Why a schedule could not be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScheduleErrorKind {
    /// The store has no keyring.
    NoKeyring,
    /// The store failed, the document or the clock was refused, or a key cannot be opened.
    Access(KeyAccessError),
    /// No key could be made.
    Generation(KeyError),
    /// Others changed the document so often that nothing could be committed.
    Contended {
        /// How often it was tried.
        rounds: usize,
    },
    /// Every attempt to commit took longer than L, which its times rest on.
    TooSlow {
        /// How long the last one took.
        took: Duration,
        /// L.
        limit: Duration,
    },
    /// The keyring names keys whose private halves are not in the store.
    MaterialMissing {
        /// Their ids.
        ids: Vec<KeyId>,
    },
}

/// A schedule that could not be kept, and what was done before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleError(Box<Parts>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    kind: ScheduleErrorKind,
    events: Vec<Event>,
}

impl ScheduleError {
    pub(super) fn new(kind: ScheduleErrorKind, events: Vec<Event>) -> Self {
        Self(Box::new(Parts { kind, events }))
    }

    /// The reason, for a program.
    #[must_use]
    pub fn kind(&self) -> &ScheduleErrorKind {
        &self.0.kind
    }

    /// What was committed before it failed.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.0.events
    }

    /// The stable name of the reason.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.0.kind {
            ScheduleErrorKind::NoKeyring => "store_missing",
            ScheduleErrorKind::Access(error) => error.code(),
            ScheduleErrorKind::Generation(error) => error.code(),
            ScheduleErrorKind::Contended { .. } => "store_contended",
            ScheduleErrorKind::TooSlow { .. } => "commit_too_slow",
            ScheduleErrorKind::MaterialMissing { .. } => "material_missing",
        }
    }

    /// Who must act.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match &self.0.kind {
            ScheduleErrorKind::Access(error) => error.class(),
            ScheduleErrorKind::Generation(error) => error.class(),
            ScheduleErrorKind::NoKeyring
            | ScheduleErrorKind::Contended { .. }
            | ScheduleErrorKind::TooSlow { .. }
            | ScheduleErrorKind::MaterialMissing { .. } => ErrorClass::CannotKnow,
        }
    }

    /// Whether keys are locked and no passphrase was given.
    #[must_use]
    pub fn needs_passphrase(&self) -> bool {
        matches!(&self.0.kind, ScheduleErrorKind::Access(error) if error.needs_passphrase())
    }
}

impl fmt::Display for ScheduleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.kind {
            ScheduleErrorKind::NoKeyring => f.write_str("there is no keyring in this store"),
            ScheduleErrorKind::Access(error) => error.fmt(f),
            ScheduleErrorKind::Generation(error) => error.fmt(f),
            ScheduleErrorKind::Contended { rounds } => write!(
                f,
                "the keyring was changed by others at each of {rounds} attempts; try again later"
            ),
            ScheduleErrorKind::TooSlow { took, limit } => write!(
                f,
                "a commit was not ready {} s after its times were set, and propagation allows {} s: \
                 nothing was committed; try again, or raise propagation",
                took.as_secs(),
                limit.as_secs()
            ),
            ScheduleErrorKind::MaterialMissing { ids } => {
                f.write_str("the keyring names ")?;
                for (place, id) in ids.iter().enumerate() {
                    let before = if place == 0 { "key" } else { ", key" };
                    write!(f, "{before} {id}")?;
                }
                f.write_str(
                    ", but the private half is not in the store: put it back from a backup, \
                     or mark the key compromised",
                )
            }
        }
    }
}

impl std::error::Error for ScheduleError {}

impl From<KeyAccessError> for ScheduleErrorKind {
    fn from(error: KeyAccessError) -> Self {
        Self::Access(error)
    }
}

impl From<KeyringError> for ScheduleErrorKind {
    fn from(error: KeyringError) -> Self {
        Self::Access(KeyAccessErrorKind::Keyring(error).into())
    }
}

impl From<StoreError> for ScheduleErrorKind {
    fn from(error: StoreError) -> Self {
        Self::Access(error.into())
    }
}
