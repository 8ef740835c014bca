//! Keys over time: when each is published, signs, verifies and is destroyed.
//!
//! The keyring is one document, changed by compare-and-swap. This module holds
//! its pure half: what a key may do at a time ([`state()`]), what is due
//! ([`step()`]), what an emergency changes, and how the document is written and
//! read. Nothing here does input or output or reads a clock.

#[cfg(feature = "rotation")]
mod check;
#[cfg(feature = "rotation")]
mod document;
#[cfg(feature = "rotation")]
mod emergency;
#[cfg(feature = "rotation")]
mod error;
mod key_set;
mod live;
#[cfg(feature = "rotation")]
mod merge;
#[cfg(feature = "rotation")]
mod plan;
#[cfg(feature = "rotation")]
mod policy;
#[cfg(feature = "rotation")]
mod record;
#[cfg(feature = "rotation")]
mod ring;
#[cfg(feature = "rotation")]
mod state;
#[cfg(feature = "rotation")]
mod step;
#[cfg(feature = "rotation")]
mod succession;

#[cfg(feature = "rotation")]
pub use emergency::{
    BlastRadius, Emergency, EmergencyOptions, Outage, Pace, compromise, resume, suspend,
};
#[cfg(feature = "rotation")]
pub use error::{KeyringError, KeyringErrorKind};
pub use key_set::{KeyPeriod, KeySet};
pub use live::{KeyView, LiveKeys, LiveSigners, Signer, SignerView};
#[cfg(feature = "rotation")]
pub use merge::{Merged, merge};
#[cfg(feature = "rotation")]
pub use plan::{Happening, Plan, PlannedKey, Transition, plan};
#[cfg(feature = "rotation")]
pub use policy::{PolicyError, PolicyNumbers, Room, RotationPolicy, Rule};
#[cfg(feature = "rotation")]
pub use record::{KeyRecord, NewKey, Tombstone};
#[cfg(feature = "rotation")]
pub use ring::{Defaults, Keyring, Version};
#[cfg(feature = "rotation")]
pub use state::{State, state};
#[cfg(feature = "rotation")]
pub use step::{Change, Event, KeyRole, LargeJump, Step, next_due, step};

pub(crate) use key_set::{Entry, Reach};
pub(crate) use live::replacements;
#[cfg(feature = "serve")]
pub(crate) use record::earliest;
