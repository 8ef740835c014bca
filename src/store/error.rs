//! What can go wrong in a store, and whether anything was changed.

use std::fmt;

use crate::error::{ErrorClass, is_plain};

/// Longest part of a message, in characters: a path of Linux has at most 4,096 bytes.
const PART_LIMIT: usize = 4096;

/// Why a store did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The folder, or the place it stands for, is not there.
    Missing,
    /// Something else stands where a folder is expected.
    NotAFolder,
    /// Other users can get at the folder, the file or the folder above.
    Exposed,
    /// Somebody else owns the folder or the file.
    WrongOwner,
    /// A link, a pipe, a device or a file with a second name stands where a file is expected.
    NotAPlainFile,
    /// A file is empty, cut off, or not what this store writes.
    Damaged,
    /// A document or key material is longer than the store keeps.
    TooLarge,
    /// A key's address has characters that could become a path.
    BadAddress,
    /// Another process holds the lock.
    Busy,
    /// The document is no longer the one the caller has read.
    Conflict,
    /// Other key material is stored under this address already.
    MaterialDiffers,
    /// There is no key material to replace under this address.
    MaterialMissing,
    /// A file of this name exists and must not be overwritten.
    Exists,
    /// The file system can only be read.
    ReadOnly,
    /// The disk or the quota is full.
    NoSpace,
    /// The operating system or the server denies access.
    Permission,
    /// Reading or writing failed for another reason.
    Io,
    /// There is no revocation list; nobody knows what is revoked.
    NoList,
    /// The list holds as much as it may. Nothing is evicted.
    Full,
    /// The clock has jumped too far to drop anything by it.
    ClockJump,
    /// A server does not answer.
    Unavailable,
    /// The name of a store cannot be understood, or this build has no such store.
    BadReference,
    /// Something that is not tokenwright's is kept under the store's names.
    Foreign,
    /// An older or a later program has laid out what the server keeps.
    Schema,
    /// A server does not keep a promise that the store is built on.
    Unsafe,
    /// Private keys are sealed, and the sealing key is missing or another one.
    Sealed,
    /// The change may or may not be there, or may not survive a power cut: load and see.
    Indeterminate,
}

/// What a failed call has left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Nothing was changed.
    NotDone,
    /// The change may or may not have been made, or made durable. Every call of
    /// a store may be repeated: load first, then decide.
    Indeterminate,
}

/// A store that did not do what it was asked, and what mends it.
///
/// The message names the place, what was expected, what was found and the next
/// step. It holds no secret and no character that steers a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    kind: StoreErrorKind,
    place: String,
    expected: String,
    found: String,
    next_step: String,
}

impl StoreError {
    /// An error in the four parts every message has, for people who implement a
    /// [`Store`](super::Store). Each part is escaped and bounded here.
    ///
    /// ```
    /// use tokenwright::store::{Outcome, StoreError, StoreErrorKind};
    /// let error = StoreError::new(
    ///     StoreErrorKind::Unavailable,
    ///     "redis://keys.example",
    ///     "an answer within 2 s",
    ///     "none",
    ///     "nothing was sent; try again",
    /// );
    /// assert_eq!(error.outcome(), Outcome::NotDone);
    /// assert_eq!(
    ///     error.to_string(),
    ///     "redis://keys.example: expected an answer within 2 s, found none; nothing was sent; try again"
    /// );
    /// ```
    #[must_use]
    pub fn new(
        kind: StoreErrorKind,
        place: &str,
        expected: &str,
        found: &str,
        next_step: &str,
    ) -> Self {
        Self {
            kind,
            place: escaped(place),
            expected: escaped(expected),
            found: escaped(found),
            next_step: escaped(next_step),
        }
    }

    /// What was wrong, for a program.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// The stable name of the kind.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.kind {
            StoreErrorKind::Missing => "store_missing",
            StoreErrorKind::NotAFolder => "store_not_a_folder",
            StoreErrorKind::Exposed => "store_exposed",
            StoreErrorKind::WrongOwner => "store_wrong_owner",
            StoreErrorKind::NotAPlainFile => "store_not_a_plain_file",
            StoreErrorKind::Damaged => "store_damaged",
            StoreErrorKind::TooLarge => "store_too_large",
            StoreErrorKind::BadAddress => "store_bad_address",
            StoreErrorKind::Busy => "store_busy",
            StoreErrorKind::Conflict => "store_conflict",
            StoreErrorKind::MaterialDiffers => "store_material_differs",
            StoreErrorKind::MaterialMissing => "store_material_missing",
            StoreErrorKind::Exists => "file_exists",
            StoreErrorKind::ReadOnly => "store_read_only",
            StoreErrorKind::NoSpace => "store_no_space",
            StoreErrorKind::Permission => "store_permission",
            StoreErrorKind::Io => "store_io",
            StoreErrorKind::NoList => "no_revocation_list",
            StoreErrorKind::Full => "revocation_list_full",
            StoreErrorKind::ClockJump => "clock_jump",
            StoreErrorKind::Unavailable => "store_unavailable",
            StoreErrorKind::BadReference => "store_bad_reference",
            StoreErrorKind::Foreign => "store_foreign",
            StoreErrorKind::Schema => "store_schema",
            StoreErrorKind::Unsafe => "store_unsafe",
            StoreErrorKind::Sealed => "store_sealed",
            StoreErrorKind::Indeterminate => "store_indeterminate",
        }
    }

    /// Who must act. What another try or a waiting server may mend is
    /// [`CannotKnow`](ErrorClass::CannotKnow); files, permissions and
    /// configuration are the operator's.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self.kind {
            StoreErrorKind::Missing
            | StoreErrorKind::NoList
            | StoreErrorKind::Busy
            | StoreErrorKind::Conflict
            | StoreErrorKind::MaterialMissing
            | StoreErrorKind::Unavailable
            | StoreErrorKind::Indeterminate => ErrorClass::CannotKnow,
            StoreErrorKind::NotAFolder
            | StoreErrorKind::Exposed
            | StoreErrorKind::WrongOwner
            | StoreErrorKind::NotAPlainFile
            | StoreErrorKind::Damaged
            | StoreErrorKind::TooLarge
            | StoreErrorKind::BadAddress
            | StoreErrorKind::MaterialDiffers
            | StoreErrorKind::Exists
            | StoreErrorKind::Full
            | StoreErrorKind::ClockJump
            | StoreErrorKind::ReadOnly
            | StoreErrorKind::NoSpace
            | StoreErrorKind::Permission
            | StoreErrorKind::Io
            | StoreErrorKind::BadReference
            | StoreErrorKind::Foreign
            | StoreErrorKind::Schema
            | StoreErrorKind::Unsafe
            | StoreErrorKind::Sealed => ErrorClass::Operator,
        }
    }

    /// Whether the call has certainly changed nothing.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        if self.kind == StoreErrorKind::Indeterminate {
            Outcome::Indeterminate
        } else {
            Outcome::NotDone
        }
    }

    /// What to do about it, in words; for a wrong mode, the very command.
    #[must_use]
    pub fn next_step(&self) -> &str {
        &self.next_step
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: expected {}, found {}; {}",
            self.place, self.expected, self.found, self.next_step
        )
    }
}

impl std::error::Error for StoreError {}

/// Text that only prints, cut to [`PART_LIMIT`].
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars().take(PART_LIMIT) {
        if is_plain(character) {
            out.push(character);
        } else {
            out.extend(character.escape_unicode());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_message_is_escaped_and_bounded() {
        let long = "x".repeat(100_000);
        let error = StoreError::new(StoreErrorKind::Io, "a\nb", "\u{9b}", "\u{202e}", &long);
        assert!(
            error
                .to_string()
                .starts_with("a\\u{a}b: expected \\u{9b}, found \\u{202e}; xxx")
        );
        assert!(error.to_string().len() < 5000);
    }
}
