//! Where a keyring and its private keys are kept: a folder, or memory.
//!
//! Ordinary users pick a store and hand it over; they never call [`Store`]
//! themselves. The rest of this page is for people who implement one.
//!
//! # Implementing a store
//!
//! A store keeps two kinds of things:
//!
//! - **one document**, the keyring (or the revocation list), replaced as a whole
//!   and only by somebody who has seen the version that is replaced;
//! - **key material**, secret bytes under an address that is made from the key
//!   itself, so the same address always means the same key.
//!
//! The rules, each checked by [`testing::conformance`]:
//!
//! 1. `Ok` means durable: after it, a power cut loses nothing.
//! 2. A reader sees the old document or the new one, never a part. Readers take
//!    no lock and write nothing.
//! 3. Of several writers that expect the same version, exactly one wins. The
//!    others get [`StoreErrorKind::Conflict`] and have changed nothing.
//! 4. An error says whether anything changed: [`StoreError::outcome`]. When that
//!    cannot be known (a failed fsync, a lost connection) it is
//!    [`Outcome::Indeterminate`], never a guess. Every call may be repeated, and
//!    only a repetition that ends in `Ok` makes the change durable: a caller that
//!    then loads its own document swaps it in once more.
//! 5. An unreadable document is an error, never "there is none".
//!
//! The callers' part: material is put *before* the document that names it, and
//! removed after the document no longer does. A crash in between leaves an
//! orphan, never a reference to a key that is not there.

#[cfg(all(
    feature = "file-store",
    not(all(feature = "redis", feature = "postgres", feature = "object-store"))
))]
mod absent;
#[cfg(any(feature = "redis", feature = "postgres", feature = "object-store"))]
#[cfg_attr(
    not(all(feature = "redis", feature = "postgres", feature = "object-store")),
    allow(dead_code, reason = "each server uses its part of it")
)]
mod address;
mod error;
#[cfg(feature = "file-store")]
mod file;
mod follow;
#[cfg(all(feature = "pem", feature = "paseto", feature = "aws-lc"))]
mod keys;
mod memory;
#[cfg(feature = "file-store")]
mod notice;
#[cfg(feature = "object-store")]
mod objects;
#[cfg(all(feature = "file-store", not(feature = "object-store")))]
use absent as objects;
#[cfg(feature = "file-store")]
mod open;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(all(feature = "file-store", not(feature = "postgres")))]
use absent as postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(all(feature = "file-store", not(feature = "redis")))]
use absent as redis;
mod revocations;
mod schedule;
#[cfg(feature = "file-store")]
mod seal;
#[cfg(feature = "file-store")]
mod secret_file;
#[cfg(any(feature = "redis", feature = "postgres", feature = "object-store"))]
#[cfg_attr(
    not(all(feature = "redis", feature = "postgres", feature = "object-store")),
    allow(dead_code, reason = "each server uses its part of it")
)]
mod shared;
pub mod testing;

use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::limits::{MAX_MATERIAL_BYTES, MAX_STORE_DOCUMENT_BYTES};
use crate::secret::SecretBytes;

pub use error::{Outcome, StoreError, StoreErrorKind};
#[cfg(feature = "file-store")]
pub use file::{FileRevocations, FileStore, Overwrite, create_secret_file};
pub use follow::{
    FollowError, FollowErrorKind, Follower, FollowerHandle, FollowerHealth, Refreshed,
};
#[cfg(all(feature = "pem", feature = "paseto", feature = "aws-lc"))]
pub use keys::{
    KeyAccessError, KeyAccessErrorKind, StoredKeyring, change_passphrase, create_keyring,
    is_locked, key_set, load_keyring, public_key, published_keys, published_set, put_key,
    signing_key,
};
pub use memory::MemoryStore;
#[cfg(feature = "file-store")]
pub use notice::{ListenHandle, Waker};
#[cfg(feature = "file-store")]
pub use open::{OpenOptions, OpenedStore};
pub use revocations::{
    Appended, Extent, ListHead, ListId, MemoryRevocations, Position, Pruned, Reading,
    RevocationFollowError, RevocationFollowErrorKind, RevocationFollower, RevocationHealth,
    RevocationStore, StoreNote, retention,
};
pub use schedule::{
    MissingMaterial, Performed, Restored, RunOptions, ScheduleError, ScheduleErrorKind,
    ScheduleHandle, ScheduleHealth, Scheduler,
};
#[cfg(feature = "file-store")]
pub use seal::SealingKey;

/// A place for one document and the key material it names.
///
/// Ordinary users never call these methods. If you implement them, read the
/// [module's page](self) and let [`testing::conformance`] judge the result.
pub trait Store: Send + Sync {
    /// The document and its version, or `None` if there has never been one.
    ///
    /// # Errors
    /// The store cannot be read, or the document is damaged: never `None` then.
    fn load(&self) -> Result<Option<Versioned>, StoreError>;

    /// Replaces the document, if its version is still the expected one; `None`
    /// expects that there is no document yet. Returns the new version.
    ///
    /// The document is one JSON object, see [`check_document`].
    ///
    /// # Errors
    /// [`StoreErrorKind::Conflict`] if the version is another one; other kinds
    /// if the store cannot be read or written.
    fn compare_and_swap(
        &self,
        expected: Option<&Version>,
        document: &[u8],
    ) -> Result<Version, StoreError>;

    /// Stores key material, kept byte for byte. Repeating the call is harmless.
    ///
    /// # Errors
    /// [`StoreErrorKind::MaterialDiffers`] if other bytes are stored under this
    /// address: they are never overwritten. Other kinds if the store fails.
    fn put_material(
        &self,
        address: &MaterialAddress,
        secret: &SecretBytes,
    ) -> Result<(), StoreError>;

    /// Stores the same key in other bytes, as a new passphrase makes them. A
    /// reader finds the old bytes or the new ones.
    ///
    /// # Errors
    /// [`StoreErrorKind::MaterialMissing`] if there is nothing under this
    /// address. Other kinds if the store fails.
    fn replace_material(
        &self,
        address: &MaterialAddress,
        secret: &SecretBytes,
    ) -> Result<(), StoreError>;

    /// The key material under an address, or `None`.
    ///
    /// # Errors
    /// The store cannot be read, or what is there is damaged.
    fn get_material(&self, address: &MaterialAddress) -> Result<Option<SecretBytes>, StoreError>;

    /// Destroys key material. Repeating the call is harmless.
    ///
    /// # Errors
    /// The store cannot be written.
    fn remove_material(&self, address: &MaterialAddress) -> Result<(), StoreError>;

    /// Every address that has key material, sorted.
    ///
    /// # Errors
    /// The store cannot be read.
    fn list_material(&self) -> Result<Vec<MaterialAddress>, StoreError>;
}

impl<S: Store + ?Sized> Store for Arc<S> {
    fn load(&self) -> Result<Option<Versioned>, StoreError> {
        (**self).load()
    }

    fn compare_and_swap(
        &self,
        expected: Option<&Version>,
        document: &[u8],
    ) -> Result<Version, StoreError> {
        (**self).compare_and_swap(expected, document)
    }

    fn put_material(
        &self,
        address: &MaterialAddress,
        secret: &SecretBytes,
    ) -> Result<(), StoreError> {
        (**self).put_material(address, secret)
    }

    fn replace_material(
        &self,
        address: &MaterialAddress,
        secret: &SecretBytes,
    ) -> Result<(), StoreError> {
        (**self).replace_material(address, secret)
    }

    fn get_material(&self, address: &MaterialAddress) -> Result<Option<SecretBytes>, StoreError> {
        (**self).get_material(address)
    }

    fn remove_material(&self, address: &MaterialAddress) -> Result<(), StoreError> {
        (**self).remove_material(address)
    }

    fn list_material(&self) -> Result<Vec<MaterialAddress>, StoreError> {
        (**self).list_material()
    }
}

/// Names one content of a document; another content has another version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version(Box<str>);

impl Version {
    /// The version of these bytes: their SHA-256 in hexadecimal.
    ///
    /// ```
    /// use tokenwright::store::Version;
    /// assert_ne!(Version::of(b"{}"), Version::of(b"{ }"));
    /// ```
    #[must_use]
    pub fn of(document: &[u8]) -> Self {
        let digest = Sha256::digest(document);
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// A version that a server hands out, such as an entity tag.
    #[must_use]
    pub fn from_server(text: &str) -> Self {
        Self(text.into())
    }

    /// The version's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A document as it was read, and the version to expect when replacing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// The bytes.
    pub document: Vec<u8>,
    /// Their version.
    pub version: Version,
}

/// Where key material lies: a key's thumbprint (RFC 7638) or PASERK id.
///
/// Only characters that cannot become a path are allowed: ASCII letters, digits,
/// `-`, `_` and, not at the beginning, `.`; 1 to 128 of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MaterialAddress(Box<str>);

impl MaterialAddress {
    /// Checks the text of an address.
    ///
    /// # Errors
    /// [`StoreErrorKind::BadAddress`] if a character or the length is not allowed.
    ///
    /// ```
    /// use tokenwright::store::MaterialAddress;
    /// assert!(MaterialAddress::new("k4.sid.fY3ZLLx5hLdsVTUz2Zro-lgyFQqpCrZ").is_ok());
    /// assert!(MaterialAddress::new("../keyring").is_err());
    /// ```
    pub fn new(text: &str) -> Result<Self, StoreError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if (1..=128).contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with('.') {
            return Ok(Self(text.into()));
        }
        Err(StoreError::new(
            StoreErrorKind::BadAddress,
            "address of key material",
            "1 to 128 letters, digits, '-', '_' or '.', not beginning with '.'",
            &crate::error::Quoted(text).to_string(),
            "use the key's thumbprint or PASERK id",
        ))
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MaterialAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether bytes can be a stored document: one JSON object from beginning to end,
/// at most [`MAX_STORE_DOCUMENT_BYTES`] long.
///
/// Only the outermost braces are followed, which is enough to notice a document
/// cut off anywhere: what the object means is the reader's business. `place`
/// names the document in the message.
///
/// # Errors
/// [`StoreErrorKind::TooLarge`] or [`StoreErrorKind::Damaged`].
pub fn check_document(document: &[u8], place: &str) -> Result<(), StoreError> {
    check_size(document.len(), MAX_STORE_DOCUMENT_BYTES, place)?;
    let found = match whole_object(document) {
        Ok(()) => return Ok(()),
        Err(found) => found,
    };
    Err(StoreError::new(
        StoreErrorKind::Damaged,
        place,
        "one whole JSON object",
        &found,
        "nothing was changed; if this is not a tokenwright document, use another folder, \
         else put the last backup back",
    ))
}

/// Refuses empty and oversized key material before anything else happens.
pub(crate) fn check_material(length: usize, place: &str) -> Result<(), StoreError> {
    check_size(length, MAX_MATERIAL_BYTES, place)?;
    if length > 0 {
        return Ok(());
    }
    Err(StoreError::new(
        StoreErrorKind::Damaged,
        place,
        "key material",
        "no bytes at all",
        "nothing was changed; put this key back from a backup",
    ))
}

pub(crate) fn check_size(length: usize, most: usize, place: &str) -> Result<(), StoreError> {
    if length <= most {
        return Ok(());
    }
    Err(StoreError::new(
        StoreErrorKind::TooLarge,
        place,
        &format!("at most {most} bytes"),
        &format!("{length} bytes"),
        "nothing was changed; check what this is and where it comes from",
    ))
}

/// Follows strings, braces and brackets; the error says what is wrong in a few words.
fn whole_object(document: &[u8]) -> Result<(), String> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut complete = false;
    for (offset, byte) in document.iter().enumerate() {
        let blank = matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        if in_string {
            in_string = *byte != b'"' || escaped;
            escaped = *byte == b'\\' && !escaped;
            continue;
        }
        if blank {
            continue;
        }
        if complete || (depth == 0 && *byte != b'{') {
            return Err(format!("something else at byte {offset}"));
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        complete = depth == 0;
    }
    match (complete, document.len()) {
        (true, _) => Ok(()),
        (false, 0) => Err("an empty file".into()),
        (false, length) => Err(format!("one that is cut off after {length} bytes")),
    }
}

/// The refusal every backend gives when somebody else was faster.
pub(crate) fn conflict(
    place: &str,
    expected: Option<&Version>,
    found: Option<&Version>,
) -> StoreError {
    let name = |version: Option<&Version>| match version {
        Some(version) => format!("version {}", version.0.chars().take(12).collect::<String>()),
        None => "no document".to_owned(),
    };
    StoreError::new(
        StoreErrorKind::Conflict,
        place,
        &name(expected),
        &name(found),
        "nothing was changed; somebody else was faster: read again, then decide again",
    )
}

/// The refusal to overwrite one key with another.
pub(crate) fn material_differs(place: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::MaterialDiffers,
        place,
        "no key material, or the same",
        "other bytes",
        "nothing was changed; find out which key this is before removing it",
    )
}

/// The refusal to replace what is not there.
pub(crate) fn material_missing(place: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::MaterialMissing,
        place,
        "key material to replace",
        "none",
        "nothing was changed; check the key id, or put the key back from a backup",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cut_of_a_document_is_noticed() {
        let document = br#" {"a\"{":["}",{"b":"\\"}],"c":-1} "#;
        assert_eq!(check_document(document, "x"), Ok(()));
        for length in 0..document.len() - 1 {
            let error = check_document(&document[..length], "x").unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Damaged, "cut to {length}");
        }
    }

    #[test]
    fn what_is_not_one_object_is_named_with_its_offset() {
        let found = |text: &[u8]| check_document(text, "k").unwrap_err().to_string();
        assert_eq!(
            found(b""),
            "k: expected one whole JSON object, found an empty file; nothing was changed; if \
             this is not a tokenwright document, use another folder, else put the last backup back"
        );
        assert!(found(b"[]").contains("something else at byte 0"));
        assert!(found(b"{}{}").contains("something else at byte 2"));
        assert!(found(b"{}\0").contains("something else at byte 2"));
        assert!(found(b"  ").contains("cut off after 2 bytes"));
        assert!(found(b"-----BEGIN").contains("something else at byte 0"));
    }

    #[test]
    fn an_address_never_becomes_a_path() {
        for bad in [
            "", ".", "..", ".hidden", "a/b", "a\\b", "a\0", "é", "a b", "a\n",
        ] {
            let error = MaterialAddress::new(bad).unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::BadAddress, "{bad:?}");
        }
        assert!(MaterialAddress::new(&"a".repeat(128)).is_ok());
        assert!(MaterialAddress::new(&"a".repeat(129)).is_err());
        assert!(MaterialAddress::new("a..b.key").is_ok());
    }
}
