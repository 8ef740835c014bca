//! Repeated entries are one: what holds of them, and which may go.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use crate::revocation::Revocation;
use crate::time::UnixTime;

/// What holds of every thing that is withdrawn. Things are known by a digest of
/// their names, so that a million of them take tens of megabytes, not hundreds.
#[derive(Default)]
pub(crate) struct Merging(HashMap<[u8; 16], Merged>);

/// All times in seconds: what is stored has no fractions.
struct Merged {
    /// `i64::MIN` for none.
    issued_before: i64,
    since: i64,
    until: i64,
    last_seq: u64,
}

const NONE: i64 = i64::MIN;

impl Merging {
    /// Takes note of an entry and its number; numbers rise.
    pub(crate) fn note(&mut self, entry: &Revocation<'_>, seq: u64) {
        let before = entry.issued_before().map_or(NONE, UnixTime::seconds);
        let (since, until) = (entry.since().seconds(), entry.until().seconds());
        let merged = self.0.entry(name_of(entry)).or_insert(Merged {
            issued_before: before,
            since,
            until,
            last_seq: seq,
        });
        merged.issued_before = merged.issued_before.max(before);
        merged.since = merged.since.min(since);
        merged.until = merged.until.max(until);
        merged.last_seq = seq;
    }

    /// The entry with all that holds of it, if it is the last of its kind and its
    /// time has not passed at `now`.
    pub(crate) fn kept<'e>(
        &self,
        entry: &'e Revocation<'_>,
        seq: u64,
        now: UnixTime,
    ) -> Option<Revocation<'e>> {
        let merged = self.0.get(&name_of(entry))?;
        let at = UnixTime::from_seconds;
        let stays = merged.last_seq == seq && merged.until > now.seconds();
        stays.then(|| {
            super::restored(
                entry.by(),
                [entry.issuer(), entry.name()],
                entry.issued_before().map(|_| at(merged.issued_before)),
                [at(merged.since), at(merged.until)],
                entry.reason(),
            )
        })
    }

    /// How many entries stay at `now`.
    pub(crate) fn count(&self, now: UnixTime) -> u64 {
        let stay = self
            .0
            .values()
            .filter(|merged| merged.until > now.seconds());
        u64::try_from(stay.count()).unwrap_or(u64::MAX)
    }
}

/// The first half of SHA-256 over kind, issuer and name: nobody finds two alike.
fn name_of(entry: &Revocation<'_>) -> [u8; 16] {
    let issuer_length = u64::try_from(entry.issuer().len()).unwrap_or(u64::MAX);
    let digest = Sha256::new()
        .chain_update(entry.by().as_str())
        .chain_update([0])
        .chain_update(issuer_length.to_le_bytes())
        .chain_update(entry.issuer())
        .chain_update(entry.name())
        .finalize();
    let mut name = [0; 16];
    for (to, from) in name.iter_mut().zip(digest) {
        *to = from;
    }
    name
}
