//! Whether the revocation list is there, whole, and small.

use tokenwright::UnixTime;
use tokenwright::store::{OpenedStore, StoreErrorKind};

use super::Finding;

pub(super) fn examine(store: &OpenedStore, now: UnixTime, findings: &mut Vec<Finding>) {
    let (mut living, mut ended): (u64, u64) = (0, 0);
    let reading = store.revocations().read(None, &mut |entry| {
        let count = match entry.until() > now {
            true => &mut living,
            false => &mut ended,
        };
        *count = count.saturating_add(1);
    });
    findings.push(match reading {
        Ok(reading) => Finding::well(
            "revocations",
            format!(
                "{living} entries that count, {ended} that have ended, {} bytes",
                reading.head.bytes
            ),
        ),
        Err(error) if error.kind() == StoreErrorKind::NoList => Finding::wrong(
            error.code(),
            "there is no revocation list: verify refuses to decide",
            "put a backup back; if there has never been one: tokenwright revoke init",
        ),
        Err(error) => Finding::wrong(error.code(), error.to_string(), error.next_step()),
    });
}
