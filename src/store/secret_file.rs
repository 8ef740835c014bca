//! Secrets and certificates in files that others have put there.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::error::{StoreError, StoreErrorKind};
use crate::secret::SecretBytes;

/// Longest file of a password, a sealing key or a certificate, in bytes.
const MAX_FILE_BYTES: u64 = 64 * 1024;
/// The secret in a file that other users cannot read. A group may: that is how systemd
/// and clusters hand credentials to a service.
pub(super) fn secret_file(path: &Path) -> Result<SecretBytes, StoreError> {
    let place = path.to_string_lossy();
    let facts = std::fs::metadata(path).map_err(|error| cannot_read(&place, &error))?;
    if facts.mode() & 0o027 != 0 {
        return Err(StoreError::new(
            StoreErrorKind::Exposed,
            &place,
            "a file that no other user can read or write",
            &format!("mode {:04o}", facts.mode() & 0o7777),
            &format!("nothing was read; chmod 0400 {place}"),
        ));
    }
    read(path).map(SecretBytes::from)
}

/// A small file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, StoreError> {
    let place = path.to_string_lossy();
    let facts = std::fs::metadata(path).map_err(|error| cannot_read(&place, &error))?;
    if facts.len() > MAX_FILE_BYTES {
        return Err(StoreError::new(
            StoreErrorKind::TooLarge,
            &place,
            &format!("at most {MAX_FILE_BYTES} bytes"),
            &format!("{} bytes", facts.len()),
            "nothing was read; check what this is",
        ));
    }
    std::fs::read(path).map_err(|error| cannot_read(&place, &error))
}

fn cannot_read(place: &str, error: &std::io::Error) -> StoreError {
    let is = |kind| error.kind() == kind;
    let kind = match () {
        () if is(std::io::ErrorKind::PermissionDenied) => StoreErrorKind::Permission,
        () if is(std::io::ErrorKind::NotFound) => StoreErrorKind::Missing,
        () => StoreErrorKind::Io,
    };
    let found = error.to_string();
    StoreError::new(
        kind,
        place,
        "a file that can be read",
        &found,
        "nothing was done",
    )
}
