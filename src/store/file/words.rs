//! How the file store words its errors.

use std::io;
use std::path::Path;

use super::system::is_link_refusal;
use crate::error::is_plain;
use crate::store::error::{StoreError, StoreErrorKind};

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

impl StoreError {
    /// A failed call to the operating system that has changed nothing.
    pub(super) fn from_io(error: &io::Error, place: &str, expected: &str) -> Self {
        let named = |(kind, ..): &&(io::ErrorKind, _, _)| *kind == error.kind();
        let (kind, next_step) = CAUSES.iter().find(named).map_or(
            (StoreErrorKind::Io, "check the disk, then try again"),
            |(_, kind, next_step)| (*kind, *next_step),
        );
        let next_step = format!("nothing was changed; {next_step}");
        Self::new(kind, place, expected, &error.to_string(), &next_step)
    }

    /// A failed call to the operating system after which the change may be there.
    pub(super) fn indeterminate(error: &io::Error, place: &str, expected: &str) -> Self {
        Self::new(
            StoreErrorKind::Indeterminate,
            place,
            expected,
            &error.to_string(),
            "the change may or may not be there: check the disk, read again, and repeat what is missing",
        )
    }
}

/// A path as one word of a shell, so that a command in a message can be pasted:
/// as it is, in single quotes, or, with control characters or broken UTF-8 in it,
/// as `$'…'` (POSIX.1-2024, section 2.2.4).
pub(super) fn shell_word(path: &Path) -> String {
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

pub(super) fn open_error(error: &io::Error, path: &Path) -> StoreError {
    if error.kind() == io::ErrorKind::NotFound {
        missing_folder(path)
    } else if error.kind() == io::ErrorKind::NotADirectory || is_link_refusal(error) {
        not_a_folder(path)
    } else {
        StoreError::from_io(error, &shell_word(path), "to open this folder")
    }
}

pub(super) fn missing_folder(path: &Path) -> StoreError {
    StoreError::new(
        StoreErrorKind::Missing,
        &shell_word(path),
        "a folder",
        "nothing",
        "check the path, or create it with `tokenwright init`",
    )
}

fn not_a_folder(path: &Path) -> StoreError {
    StoreError::new(
        StoreErrorKind::NotAFolder,
        &shell_word(path),
        "a folder",
        "a file or a symbolic link",
        "give the folder itself",
    )
}

pub(super) fn not_plain(place: &str, found: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::NotAPlainFile,
        place,
        "a plain file",
        found,
        "find out who put it there, then remove it",
    )
}

pub(super) fn exposed(place: &str, expected: &str, mode: u32, command: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::Exposed,
        place,
        expected,
        &format!("mode {mode:04o}"),
        &format!("mend it with: {command}"),
    )
}

pub(super) fn check_owner(place: &str, owner: u32, user: u32) -> Result<(), StoreError> {
    if owner == user {
        return Ok(());
    }
    Err(StoreError::new(
        StoreErrorKind::WrongOwner,
        place,
        &format!("that user {user}, who runs this program, owns it"),
        &format!("that user {owner} owns it"),
        &format!("run as user {owner}, or mend it with: chown -R {user} {place}"),
    ))
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
}
