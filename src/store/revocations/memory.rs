//! A list of revocations in memory, for tests, demonstrations and single processes.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::merge::Merging;
use super::{
    Appended, Extent, ListHead, ListId, Position, Pruned, Reading, RevocationStore, believable,
    check_clock, is_plausible, list_exists, list_full, no_list, random_bytes, storable,
};
use crate::keyring::LargeJump;
use crate::limits::MAX_STORED_REVOCATIONS;
use crate::revocation::Revocation;
use crate::store::error::StoreError;
use crate::time::UnixTime;

/// Revocations that are gone when the last clone of this is dropped. Clones share them.
///
/// ```
/// use tokenwright::store::{MemoryRevocations, RevocationStore, StoreErrorKind};
/// use tokenwright::UnixTime;
///
/// let store = MemoryRevocations::new();
/// let now = UnixTime::from_seconds(1_760_000_000);
/// // No list is not an empty list.
/// assert_eq!(store.head().map_err(|error| error.kind()), Err(StoreErrorKind::NoList));
/// assert_eq!(store.create(now)?.entries, 0);
/// # Ok::<(), tokenwright::store::StoreError>(())
/// ```
#[derive(Clone)]
pub struct MemoryRevocations {
    contents: Arc<Mutex<Option<Contents>>>,
    most_entries: u64,
}

impl Default for MemoryRevocations {
    fn default() -> Self {
        Self {
            contents: Arc::default(),
            most_entries: MAX_STORED_REVOCATIONS,
        }
    }
}

struct Contents {
    head: ListHead,
    entries: Vec<(u64, Revocation<'static>)>,
}

const PLACE: &str = "memory";

impl MemoryRevocations {
    /// A place without a list; [`create`](RevocationStore::create) makes one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many entries it may hold, repeated ones included:
    /// [`MAX_STORED_REVOCATIONS`] unless changed here. Beyond, adding is refused.
    #[must_use]
    pub fn with_limit(mut self, entries: u64) -> Self {
        self.most_entries = entries;
        self
    }

    fn contents(&self) -> MutexGuard<'_, Option<Contents>> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    fn next_seq(&mut self) -> u64 {
        let seq = self.head.position.seq.saturating_add(1);
        self.head.position.seq = seq;
        seq
    }

    /// A clock that has jumped too far is not believed.
    fn observe(&mut self, now: UnixTime) {
        if is_plausible(self.head.observed_at, now) {
            self.head.observed_at = self.head.observed_at.max(now);
        }
    }

    /// Joins repeated entries and drops those whose time has passed; says how many.
    fn compact(&mut self, now: UnixTime) -> u64 {
        let mut merging = Merging::default();
        for (seq, entry) in &self.entries {
            merging.note(entry, *seq);
        }
        let before = self.count().entries;
        let dropped = before.saturating_sub(merging.count(now));
        if dropped > 0 {
            let kept = |(seq, entry): &(u64, Revocation<'static>)| {
                let entry = merging.kept(entry, *seq, now)?;
                Some((*seq, entry.into_owned()))
            };
            self.entries = self.entries.iter().filter_map(kept).collect();
            self.head.base = self.next_seq();
        }
        dropped
    }

    fn count(&mut self) -> ListHead {
        self.head.entries = u64::try_from(self.entries.len()).unwrap_or(u64::MAX);
        self.head.clone()
    }
}

impl RevocationStore for MemoryRevocations {
    fn create(&self, now: UnixTime) -> Result<ListHead, StoreError> {
        let mut contents = self.contents();
        if contents.is_some() {
            return Err(list_exists(PLACE));
        }
        let position = Position {
            list: ListId::new(random_bytes(PLACE)?),
            epoch: 1,
            seq: 0,
        };
        let head = ListHead {
            position,
            fingerprint_key: random_bytes(PLACE)?,
            base: 0,
            entries: 0,
            bytes: 0,
            observed_at: now,
        };
        let entries = Vec::new();
        *contents = Some(Contents {
            head: head.clone(),
            entries,
        });
        Ok(head)
    }

    fn append(&self, entries: &[Revocation<'_>], now: UnixTime) -> Result<Appended, StoreError> {
        let mut contents = self.contents();
        let contents = contents.as_mut().ok_or_else(|| no_list(PLACE))?;
        let stored: Result<Vec<_>, _> = entries.iter().map(storable).collect();
        let stored = stored?;
        let full = |contents: &mut Contents| {
            let there = contents.count().entries;
            there.saturating_add(stored.len() as u64) > self.most_entries
        };
        if full(contents) {
            contents.compact(believable(contents.head.observed_at, now));
            if full(contents) {
                return Err(list_full(PLACE, self.most_entries, "entries"));
            }
        }
        for entry in stored {
            let seq = contents.next_seq();
            contents.entries.push((seq, entry.into_owned()));
        }
        contents.observe(now);
        Ok(Appended {
            head: contents.count(),
            notes: Vec::new(),
        })
    }

    fn read(
        &self,
        after: Option<&Position>,
        each: &mut dyn FnMut(Revocation<'_>),
    ) -> Result<Reading, StoreError> {
        let contents = self.contents();
        let contents = contents.as_ref().ok_or_else(|| no_list(PLACE))?;
        let here = contents.head.position;
        let extent = match after {
            None => Extent::Whole,
            Some(position) if *position == here => Extent::Unchanged,
            Some(position) if position.epoch == here.epoch && position.may_become(&here) => {
                Extent::Since
            }
            Some(_) => Extent::Elsewhere,
        };
        let seen = after.map_or(0, |position| position.seq);
        if matches!(extent, Extent::Since | Extent::Whole) {
            let new = contents.entries.iter().filter(|(seq, _)| *seq > seen);
            new.for_each(|(_, entry)| each(entry.clone()));
        }
        Ok(Reading {
            head: contents.head.clone(),
            extent,
            unfinished: 0,
        })
    }

    fn prune(&self, now: UnixTime, jump: LargeJump) -> Result<Pruned, StoreError> {
        let mut contents = self.contents();
        let contents = contents.as_mut().ok_or_else(|| no_list(PLACE))?;
        check_clock(PLACE, contents.head.observed_at, now, jump)?;
        let dropped = contents.compact(now);
        contents.head.observed_at = match jump {
            LargeJump::Accept => now,
            LargeJump::Refuse => contents.head.observed_at.max(now),
        };
        Ok(Pruned {
            head: contents.count(),
            dropped,
            notes: Vec::new(),
        })
    }

    fn begin_epoch(&self, now: UnixTime) -> Result<ListHead, StoreError> {
        let mut contents = self.contents();
        let contents = contents.as_mut().ok_or_else(|| no_list(PLACE))?;
        contents.observe(now);
        contents.head.position.epoch = contents.head.position.epoch.saturating_add(1);
        Ok(contents.head.clone())
    }
}

impl fmt::Debug for MemoryRevocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryRevocations")
    }
}
