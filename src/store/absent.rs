//! A store that this build was made without.

use super::OpenOptions;
use super::error::{StoreError, StoreErrorKind};
use super::open::Parts;

/// Says how to get a build that has it.
pub(in crate::store) fn open(name: &str, _: &OpenOptions) -> Result<Parts, StoreError> {
    let scheme = name.split_once("://").map_or(name, |(scheme, _)| scheme);
    Err(StoreError::new(
        StoreErrorKind::BadReference,
        &format!("{scheme}://"),
        "a build with this kind of store",
        "one without it",
        "build with `--features fleet`, which has all kinds, or name a folder",
    ))
}
