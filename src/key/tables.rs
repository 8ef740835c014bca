//! Tables that make a busy Ed25519 key verify more than twice as fast.

use super::crypto::ed25519;
use crate::limits::MAX_KEY_TABLES;

/// When Ed25519 keys get a table of precomputed multiples, and how many may have one.
///
/// With its table (160 KB) a key verifies in less than half the time; one more, of the
/// base point, serves all keys. Both work on public numbers alone, and the verdict is
/// the same in every case. The setting is the process's; without one, it is
/// [`ForBusyKeys`](Self::ForBusyKeys) with [`MAX_KEY_TABLES`].
///
/// A table is its key's: clones of a [`VerifyingKey`](super::VerifyingKey) share it, and
/// it is released with the last of them.
///
/// ```
/// use tokenwright::key::{Algorithm, KeyTables, SigningKey};
///
/// // A program that wants no threads but its own:
/// KeyTables::OnRequest { at_most: 2 }.apply();
/// let key = SigningKey::generate(Algorithm::EdDsa)?.verifying_key();
/// assert!(key.warm());
/// # Ok::<(), tokenwright::key::KeyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyTables {
    /// A key that has verified [`BUSY_KEY_SIGNATURES`](crate::limits::BUSY_KEY_SIGNATURES)
    /// gets one, made by a thread of its own that lives about a millisecond.
    ForBusyKeys {
        /// How many keys may have one at a time, those asked for included. Keys that
        /// find no room verify as they did; they are looked at again once there is.
        at_most: usize,
    },
    /// None comes by itself: [`VerifyingKey::warm`](super::VerifyingKey::warm) makes
    /// them. With `at_most: 0` there are none at all.
    OnRequest {
        /// How many keys may have one at a time.
        at_most: usize,
    },
}

impl Default for KeyTables {
    fn default() -> Self {
        Self::ForBusyKeys {
            at_most: MAX_KEY_TABLES,
        }
    }
}

impl KeyTables {
    /// Makes this the process's setting from now on. Tables that are there already stay
    /// with their keys.
    pub fn apply(self) {
        ed25519::apply(self);
    }
}
