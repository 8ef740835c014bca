//! Keys over time: when each is published, signs, verifies and is destroyed.
//!
//! The keyring is one document, changed by compare-and-swap. This module holds
//! its pure half: what a key may do at a time ([`state()`]), what is due
//! ([`step()`]), what an emergency changes, and how the document is written and
//! read. Nothing here does input or output or reads a clock.

mod check;
mod document;
mod emergency;
mod error;
mod key_set;
mod live;
mod merge;
mod plan;
mod policy;
mod record;
mod ring;
mod state;
mod step;

pub use emergency::{
    BlastRadius, Emergency, EmergencyOptions, Outage, Pace, compromise, resume, suspend,
};
pub use error::{KeyringError, KeyringErrorKind};
pub use key_set::{KeyPeriod, KeySet};
pub use live::{KeyView, LiveKeys, LiveSigners, Signer, SignerView};
pub use merge::{Merged, merge};
pub use plan::{Happening, Plan, PlannedKey, Transition, plan};
pub use policy::{PolicyError, PolicyNumbers, Room, RotationPolicy, Rule};
pub use record::{KeyRecord, NewKey, Tombstone};
pub use ring::{Defaults, Keyring, Version};
pub use state::{State, state};
pub use step::{Change, Event, KeyRole, LargeJump, Step, next_due, step};

pub(crate) use key_set::Entry;
