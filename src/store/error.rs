//! What can go wrong in a store, and whether anything was changed.

use std::fmt;
use std::io;
use std::path::Path;

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
    /// The operating system denies access.
    Permission,
    /// Reading or writing failed for another reason.
    Io,
    /// A server does not answer.
    Unavailable,
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

/// What the operating system says, what it means for a store, and what to do.
const CAUSES: [(io::ErrorKind, StoreErrorKind, &str); 5] = [
    (
        io::ErrorKind::ReadOnlyFilesystem,
        StoreErrorKind::ReadOnly,
        "mount it for writing, or use another folder",
    ),
    (
        io::ErrorKind::StorageFull,
        StoreErrorKind::NoSpace,
        "free some space, then try again",
    ),
    (
        io::ErrorKind::QuotaExceeded,
        StoreErrorKind::NoSpace,
        "free some space, then try again",
    ),
    (
        io::ErrorKind::PermissionDenied,
        StoreErrorKind::Permission,
        "run as the user who owns the folder, and give that user access to it",
    ),
    (
        io::ErrorKind::NotFound,
        StoreErrorKind::Missing,
        "check the path, or create it first",
    ),
];

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
            StoreErrorKind::Unavailable => "store_unavailable",
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
            | StoreErrorKind::ReadOnly
            | StoreErrorKind::NoSpace
            | StoreErrorKind::Permission
            | StoreErrorKind::Io => ErrorClass::Operator,
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

    /// A failed call to the operating system that has changed nothing.
    pub(crate) fn from_io(error: &io::Error, place: &str, expected: &str) -> Self {
        let named = |(kind, ..): &&(io::ErrorKind, _, _)| *kind == error.kind();
        let (kind, next_step) = CAUSES.iter().find(named).map_or(
            (StoreErrorKind::Io, "check the disk, then try again"),
            |(_, kind, next_step)| (*kind, *next_step),
        );
        let next_step = format!("nothing was changed; {next_step}");
        Self::new(kind, place, expected, &error.to_string(), &next_step)
    }

    /// A failed call to the operating system after which the change may be there.
    pub(crate) fn indeterminate(error: &io::Error, place: &str, expected: &str) -> Self {
        Self::new(
            StoreErrorKind::Indeterminate,
            place,
            expected,
            &error.to_string(),
            "the change may or may not be there: check the disk, read again, and repeat what is missing",
        )
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

/// A path as one word of a shell, so that a command in a message can be pasted:
/// as it is, in single quotes, or, with control characters or broken UTF-8 in it,
/// as `$'…'` (POSIX.1-2024, section 2.2.4).
pub(crate) fn shell_word(path: &Path) -> String {
    let Some(text) = path.to_str().filter(|text| text.chars().all(is_plain)) else {
        let mut word = String::from("$'");
        for byte in path.as_os_str().as_encoded_bytes() {
            match byte {
                b'\'' | b'\\' => word.extend(['\\', char::from(*byte)]),
                b' '..=b'~' => word.push(char::from(*byte)),
                _ => word.push_str(&format!("\\{byte:03o}")),
            }
        }
        word.push('\'');
        return word;
    };
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./+:@%,=".contains(&byte);
    if !text.is_empty() && text.bytes().all(bare) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_a_message_is_one_harmless_word_of_a_shell() {
        assert_eq!(shell_word(Path::new("/srv/keys")), "/srv/keys");
        assert_eq!(shell_word(Path::new("/srv/my keys")), "'/srv/my keys'");
        assert_eq!(shell_word(Path::new("/it's")), "'/it'\\''s'");
        assert_eq!(shell_word(Path::new("/a;rm *")), "'/a;rm *'");
        assert_eq!(shell_word(Path::new("/é")), "'/é'");
        assert_eq!(shell_word(Path::new("/a\n\u{1b}'")), "$'/a\\012\\033\\''");
        assert_eq!(shell_word(Path::new("/\u{202e}")), "$'/\\342\\200\\256'");
    }

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
