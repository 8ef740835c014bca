//! One secret file outside a store, for commands that hand a key to somebody.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use super::folder::Folder;
use super::system::{FileSystem, Kind, Unix};
use super::words::shell_word;
use crate::store::error::{StoreError, StoreErrorKind};

/// Whether a secret file may take the place of another file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// Anything of this name is left alone, and the call refused.
    Refuse,
    /// A plain file of this name is replaced; a link, a folder or a device is refused.
    Allow,
}

/// Writes a new file that only its owner can read (mode 0600 from the first moment
/// on), durable when the call returns. A failed call leaves nothing behind, and
/// with [`Overwrite::Allow`] the old file as it was.
///
/// # Errors
/// [`StoreErrorKind::Exists`] if the name is taken, [`StoreErrorKind::NotAPlainFile`]
/// if what stands there is not a plain file, other kinds if writing fails.
///
/// ```
/// use tokenwright::store::{Overwrite, StoreErrorKind, create_secret_file};
/// # let path = std::env::temp_dir().join(format!("tokenwright-secret-doc-{}", std::process::id()));
/// create_secret_file(&path, b"-----BEGIN", Overwrite::Refuse)?;
/// let refused = create_secret_file(&path, b"-----BEGIN", Overwrite::Refuse);
/// assert_eq!(refused.map_err(|error| error.kind()), Err(StoreErrorKind::Exists));
/// # let _ = std::fs::remove_file(&path);
/// # Ok::<(), tokenwright::store::StoreError>(())
/// ```
pub fn create_secret_file(
    path: impl AsRef<Path>,
    bytes: &[u8],
    overwrite: Overwrite,
) -> Result<(), StoreError> {
    create(&Unix, path.as_ref(), bytes, overwrite)
}

pub(super) fn create<F: FileSystem>(
    files: &F,
    path: &Path,
    bytes: &[u8],
    overwrite: Overwrite,
) -> Result<(), StoreError> {
    let Some(name) = path.file_name().and_then(OsStr::to_str) else {
        return Err(StoreError::new(
            StoreErrorKind::NotAPlainFile,
            &shell_word(path),
            "a file name in UTF-8",
            "none",
            "nothing was written; give another name",
        ));
    };
    // Several links may lead to the folder, which is the caller's choice; the
    // final dot lets them be followed.
    let above = path.parent().filter(|above| !above.as_os_str().is_empty());
    let folder = Folder::open_unchecked(files, &above.unwrap_or(Path::new(".")).join("."))?;
    match overwrite {
        Overwrite::Refuse => create_new(&folder, path, name, bytes),
        Overwrite::Allow => replace(&folder, path, name, bytes),
    }
}

fn create_new<F: FileSystem>(
    folder: &Folder<'_, F>,
    path: &Path,
    name: &str,
    bytes: &[u8],
) -> Result<(), StoreError> {
    let place = shell_word(path);
    match folder.write_new(name, bytes) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(StoreError::new(
                StoreErrorKind::Exists,
                &place,
                "a name that is free",
                "a file",
                "nothing was written; give another name, or allow it to be overwritten",
            ));
        }
        Err(error) => {
            return Err(StoreError::from_io(&error, &place, "to write this file"));
        }
    }
    folder.sync().inspect_err(|_| folder.discard(name))
}

fn replace<F: FileSystem>(
    folder: &Folder<'_, F>,
    path: &Path,
    name: &str,
    bytes: &[u8],
) -> Result<(), StoreError> {
    let refused = match folder.facts_in(name)?.map(|facts| facts.kind) {
        None | Some(Kind::File) => return folder.write(name, bytes),
        Some(Kind::Folder) => "a folder",
        Some(Kind::Link) => "a symbolic link",
        Some(Kind::Other) => "a pipe or a device",
    };
    Err(StoreError::new(
        StoreErrorKind::NotAPlainFile,
        &shell_word(path),
        "a plain file, or none",
        refused,
        "nothing was written; give another name",
    ))
}
