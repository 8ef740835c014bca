//! Whether an endpoint keeps conditions. Some accept the headers and ignore them.

use object_store::UpdateVersion;

use super::bucket::{Bucket, Put, unsafe_endpoint};
use crate::encoding::base64url;
use crate::store::error::StoreError;
use crate::store::revocations::random_bytes;

/// Puts an object of its own under conditions that hold and that do not. Asked once in a
/// process, before its first change.
pub(super) fn require_conditions(bucket: &Bucket) -> Result<(), StoreError> {
    if bucket.keeps_conditions.get().is_some() {
        return Ok(());
    }
    let name = format!(
        "probe-{}",
        base64url::encode(&random_bytes(bucket.place())?)
    );
    let judged = judge(bucket, &name);
    let removed = bucket.remove(&name);
    judged?;
    removed?;
    let _ = bucket.keeps_conditions.set(());
    Ok(())
}

fn judge(bucket: &Bucket, name: &str) -> Result<(), StoreError> {
    let first = match bucket.put(name, b"1".to_vec(), None) {
        Put::Done(version) => version,
        Put::Refused => return Err(wrong(bucket, "a refusal to put a new object")),
        Put::Unknown(error) => return Err(error),
    };
    match bucket.put(name, b"2".to_vec(), None) {
        Put::Refused => {}
        Put::Done(_) => return Err(wrong(bucket, "one that ignores If-None-Match")),
        Put::Unknown(error) => return Err(error),
    }
    let second = match bucket.put(name, b"3".to_vec(), Some(first.clone())) {
        Put::Done(version) => version,
        Put::Refused => return Err(wrong(bucket, "one that refuses If-Match where it holds")),
        Put::Unknown(error) => return Err(error),
    };
    match bucket.put(name, b"4".to_vec(), Some(first.clone())) {
        Put::Refused if differ(&first, &second) => Ok(()),
        Put::Refused => Err(wrong(bucket, "one that gives two contents one ETag")),
        Put::Done(_) => Err(wrong(bucket, "one that ignores If-Match")),
        Put::Unknown(error) => Err(error),
    }
}

fn differ(one: &UpdateVersion, other: &UpdateVersion) -> bool {
    one.e_tag != other.e_tag || one.version != other.version
}

fn wrong(bucket: &Bucket, found: &str) -> StoreError {
    unsafe_endpoint(bucket.place(), found)
}
