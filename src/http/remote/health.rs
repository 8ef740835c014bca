//! How remote keys are doing.

use std::time::Duration;

use super::error::RemoteError;
use crate::key::{KeyId, SkippedMember};
use crate::time::UnixTime;

/// A key that took another's place under the same id.
///
/// The newer one is in use: whoever can publish could have published it under any id.
/// But an issuer that does this breaks verifiers that read the set earlier, and an
/// intruder might; someone should look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplacedKey {
    /// The id of both.
    pub id: KeyId,
    /// When it was noticed.
    pub at: UnixTime,
}

/// How remote keys are doing, for a health endpoint and for metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoteHealth {
    /// The key set's address or the issuer, as it was asked for, without a query.
    pub source: String,
    /// How many keys are in use.
    pub keys: usize,
    /// How many members of the published set are left out as unusable.
    pub skipped: usize,
    /// Why, for the first four of them.
    pub reasons: Vec<SkippedMember>,
    /// When the set in use was asked for that was read last.
    pub read_at: Option<UnixTime>,
    /// From when on it is not used any more unless it can be read again.
    pub usable_until: Option<UnixTime>,
    /// Until when the publisher promises that there is no other key.
    pub complete_until: Option<UnixTime>,
    /// How long it is until the next fetch, if no unknown key asks for one before.
    pub next_fetch_in: Duration,
    /// How many fetches were begun, successful or not.
    pub fetches: u64,
    /// How many of them failed.
    pub failures: u64,
    /// Since when fetching has failed; `None` when the last fetch succeeded.
    pub failing_since: Option<UnixTime>,
    /// Why the last fetch failed, if it did.
    pub last_error: Option<RemoteError>,
    /// The keys that took another's place under the same id, the latest last, 16 at most.
    pub replaced: Vec<ReplacedKey>,
    /// How many did so in all.
    pub replacements: u64,
}

impl RemoteHealth {
    /// Whether all is well: there are keys, they may be used, and the last fetch succeeded.
    #[must_use]
    pub fn is_good(&self, now: UnixTime) -> bool {
        self.keys != 0
            && self.failing_since.is_none()
            && self.usable_until.is_some_and(|until| now < until)
    }
}
