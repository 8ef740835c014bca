//! The rules of a list of revocations, over a server's few calls.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use super::{Added, Addition, ListServer, Mark, Page, Rewrite, StoredHead, foreign, indeterminate};
use crate::keyring::LargeJump;
use crate::limits::MAX_STORED_REVOCATIONS;
use crate::revocation::Revocation;
use crate::store::error::{Outcome, StoreError, StoreErrorKind};
use crate::store::revocations::{
    Appended, Body, Extent, ListHead, ListId, Merging, Position, Pruned, Reading, RevocationStore,
    believable, check_clock, decode, list_exists, list_full, no_list, random_bytes, storable,
};
use crate::time::UnixTime;

/// Most entries, and most bytes, of one step: a server does nothing else meanwhile.
const STEP_ENTRIES: usize = 1000;
const STEP_BYTES: usize = 1024 * 1024;
/// How often a pruning begins anew because somebody else was pruning.
const ATTEMPTS: usize = 8;

/// A list on a server.
pub(in crate::store) struct SharedList<S> {
    pub(in crate::store) server: S,
    most_entries: u64,
    /// The last entry of the last reading: the same number with another entry tells
    /// that the server has lost what it acknowledged, and gone on.
    last_read: Arc<Mutex<Option<Seen>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Seen {
    position: Position,
    entry: [u8; 32],
}

impl<S: ListServer> SharedList<S> {
    pub(in crate::store) fn new(server: S) -> Self {
        Self {
            server,
            most_entries: MAX_STORED_REVOCATIONS,
            last_read: Arc::default(),
        }
    }

    pub(in crate::store) fn with_limit(mut self, entries: u64) -> Self {
        self.most_entries = entries;
        self
    }

    fn no_list(&self) -> StoreError {
        no_list(self.server.place())
    }

    /// Hands out what comes after a number, page by page, and says where the list stood
    /// at the end. Whatever is dropped meanwhile was handed out before, or comes later
    /// in the entry that it was joined with.
    fn pages(
        &self,
        first: Page,
        skip: u64,
        each: &mut dyn FnMut(u64, Revocation<'_>, &[u8]),
    ) -> Result<StoredHead, StoreError> {
        let begun = first.head.clone();
        let mut page = first;
        let mut seen = skip;
        loop {
            for (seq, bytes) in &page.entries {
                if *seq > skip {
                    self.entry(*seq, bytes, each)?;
                }
                seen = seen.max(*seq);
            }
            if page.last {
                return Ok(page.head);
            }
            page = self.server.page(seen)?.ok_or_else(|| self.no_list())?;
            if (page.head.list, page.head.epoch) != (begun.list, begun.epoch) {
                return Err(StoreError::new(
                    StoreErrorKind::Busy,
                    self.server.place(),
                    "one list while it is read",
                    "another, or a new epoch of it",
                    "nothing was changed; try again",
                ));
            }
        }
    }

    fn entry(
        &self,
        seq: u64,
        bytes: &[u8],
        each: &mut dyn FnMut(u64, Revocation<'_>, &[u8]),
    ) -> Result<(), StoreError> {
        let read = decode(bytes, 1, 0, seq.saturating_sub(1), &mut |_, entry| {
            each(seq, entry, bytes);
        });
        match read {
            Some(_) => Ok(()),
            None => Err(foreign(
                self.server.place(),
                &format!("entry {seq} of a revocation list"),
                "other bytes",
            )),
        }
    }

    fn read_after(
        &self,
        after: &Position,
        each: &mut dyn FnMut(Revocation<'_>),
    ) -> Result<Reading, StoreError> {
        let remembered = self.remembered().filter(|seen| seen.position == *after);
        // One entry more than is needed: the last one of before, to be compared.
        let from = match remembered {
            Some(_) => after.seq.saturating_sub(1),
            None => after.seq,
        };
        let first = self.server.page(from)?.ok_or_else(|| self.no_list())?;
        let here = position(&first.head);
        let elsewhere = |head: &StoredHead| Ok(reading(head, Extent::Elsewhere));
        if here.epoch != after.epoch || !after.may_become(&here) {
            return elsewhere(&first.head);
        }
        if let Some(seen) = remembered
            && first.head.base < after.seq
        {
            let same = first
                .entries
                .first()
                .is_some_and(|(seq, bytes)| *seq == after.seq && digest(bytes) == seen.entry);
            if !same {
                return elsewhere(&first.head);
            }
        }
        if here.seq == after.seq {
            return Ok(reading(&first.head, Extent::Unchanged));
        }
        let mut last = None;
        let head = self.pages(first, after.seq, &mut |seq, entry, bytes| {
            last = Some((seq, digest(bytes)));
            each(entry);
        })?;
        self.remember(&head, last);
        Ok(reading(&head, Extent::Since))
    }

    fn remembered(&self) -> Option<Seen> {
        *self
            .last_read
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, head: &StoredHead, last: Option<(u64, [u8; 32])>) {
        let seen = last
            .filter(|(seq, _)| *seq == head.seq)
            .map(|(_, entry)| Seen {
                position: position(head),
                entry,
            });
        *self
            .last_read
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = seen;
    }

    /// Joins repeated entries and drops those whose time has passed at `now`, in steps
    /// of which each leaves a list that withdraws the same. Says how many are gone.
    fn compact(&self, now: UnixTime) -> Result<u64, StoreError> {
        for _ in 0..ATTEMPTS {
            if let Some(dropped) = self.compact_once(now)? {
                return Ok(dropped);
            }
        }
        Err(StoreError::new(
            StoreErrorKind::Busy,
            self.server.place(),
            "one pruning at a time",
            "others, again and again",
            "some may have been dropped that no longer counts; try again later",
        ))
    }

    /// `None` if somebody else was pruning.
    fn compact_once(&self, now: UnixTime) -> Result<Option<u64>, StoreError> {
        let mut merging = Merging::default();
        let first = self.server.page(0)?.ok_or_else(|| self.no_list())?;
        let base = first.head.base;
        let mut there = 0_u64;
        let noted = self.pages(first, 0, &mut |seq, entry, _| {
            there = there.saturating_add(1);
            merging.note(&entry, seq);
        })?;
        if merging.count(now) == there {
            return Ok(Some(0));
        }
        let (mut replaced, mut removed) = (Vec::new(), Vec::new());
        let first = self.server.page(0)?.ok_or_else(|| self.no_list())?;
        self.pages(first, 0, &mut |seq, entry, bytes| {
            if seq > noted.seq {
                return; // Added since: it is joined another time.
            }
            match merging.kept(&entry, seq, now) {
                Some(kept) => {
                    let kept = encoded(&kept);
                    if kept != bytes {
                        replaced.push((seq, kept));
                    }
                }
                None => removed.push(seq),
            }
        })?;
        self.rewrite(base, &replaced, &removed)
    }

    /// What is joined is written before what it was joined of is removed.
    fn rewrite(
        &self,
        mut base: u64,
        replaced: &[(u64, Vec<u8>)],
        removed: &[u64],
    ) -> Result<Option<u64>, StoreError> {
        let most = self.server.step_entries();
        let none: (&[(u64, Vec<u8>)], &[u64]) = (&[], &[]);
        let steps = replaced
            .chunks(most)
            .map(|chunk| (chunk, none.1))
            .chain(removed.chunks(most).map(|chunk| (none.0, chunk)));
        for (replaced, removed) in steps {
            let step = Rewrite {
                base,
                replaced,
                removed,
            };
            match self.server.rewrite(&step)? {
                Some(head) => base = head.base,
                None => return Ok(None),
            }
        }
        Ok(Some(u64::try_from(removed.len()).unwrap_or(u64::MAX)))
    }

    fn add(&self, entries: &[Vec<u8>], now: UnixTime) -> Result<Added, StoreError> {
        let mut room_for = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        let mut done = None;
        for step in steps(entries) {
            let addition = Addition {
                entries: step,
                room_for,
                most: self.most_entries,
                now: clamped(now),
            };
            let added = self.server.append(&addition);
            let partly = done.is_some();
            match added {
                Ok(Added::Done(head)) => done = Some(head),
                Ok(other) if !partly => return Ok(other),
                Err(error) if !partly || error.outcome() == Outcome::Indeterminate => {
                    return Err(error);
                }
                Ok(_) | Err(_) => {
                    let found = "one for a part of the entries alone";
                    return Err(indeterminate(self.server.place(), found));
                }
            }
            room_for = room_for.saturating_sub(u64::try_from(step.len()).unwrap_or(u64::MAX));
        }
        match done {
            Some(head) => Ok(Added::Done(head)),
            None => Ok(self.server.head()?.map_or(Added::NoList, Added::Done)),
        }
    }
}

impl<S: ListServer> RevocationStore for SharedList<S> {
    fn create(&self, now: UnixTime) -> Result<ListHead, StoreError> {
        let place = self.server.place();
        let head = StoredHead {
            list: random_bytes(place)?,
            fingerprint_key: random_bytes(place)?,
            epoch: 1,
            seq: 0,
            base: 0,
            entries: 0,
            observed: clamped(now),
        };
        match self.server.create(&head)? {
            true => Ok(list_head(&head)),
            false => Err(list_exists(place)),
        }
    }

    fn append(&self, entries: &[Revocation<'_>], now: UnixTime) -> Result<Appended, StoreError> {
        let stored: Result<Vec<_>, _> = entries.iter().map(storable).collect();
        let encoded: Vec<_> = stored?.iter().map(encoded).collect();
        let mut added = self.add(&encoded, now)?;
        if matches!(added, Added::Full) {
            let head = self.server.head()?.ok_or_else(|| self.no_list())?;
            self.compact(believable(UnixTime::from_seconds(head.observed), now))?;
            added = self.add(&encoded, now)?;
        }
        match added {
            Added::Done(head) => Ok(Appended {
                head: list_head(&head),
                notes: Vec::new(),
            }),
            Added::NoList => Err(self.no_list()),
            Added::Full => {
                let place = self.server.place();
                Err(list_full(place, self.most_entries, "entries"))
            }
        }
    }

    fn read(
        &self,
        after: Option<&Position>,
        each: &mut dyn FnMut(Revocation<'_>),
    ) -> Result<Reading, StoreError> {
        if let Some(after) = after {
            return self.read_after(after, each);
        }
        let first = self.server.page(0)?.ok_or_else(|| self.no_list())?;
        let mut last = None;
        let head = self.pages(first, 0, &mut |seq, entry, bytes| {
            last = Some((seq, digest(bytes)));
            each(entry);
        })?;
        self.remember(&head, last);
        Ok(reading(&head, Extent::Whole))
    }

    fn prune(&self, now: UnixTime, jump: LargeJump) -> Result<Pruned, StoreError> {
        let place = self.server.place();
        let head = self.server.head()?.ok_or_else(|| self.no_list())?;
        check_clock(place, UnixTime::from_seconds(head.observed), now, jump)?;
        let dropped = self.compact(now)?;
        let mark = match jump {
            LargeJump::Accept => Mark::Accept(clamped(now)),
            LargeJump::Refuse => Mark::Observe(clamped(now)),
        };
        let head = self.server.mark(mark)?.ok_or_else(|| self.no_list())?;
        Ok(Pruned {
            head: list_head(&head),
            dropped,
            notes: Vec::new(),
        })
    }

    fn begin_epoch(&self, now: UnixTime) -> Result<ListHead, StoreError> {
        let head = self.server.mark(Mark::Epoch(clamped(now)))?;
        head.as_ref().map(list_head).ok_or_else(|| self.no_list())
    }

    fn head(&self) -> Result<ListHead, StoreError> {
        let head = self.server.head()?;
        head.as_ref().map(list_head).ok_or_else(|| self.no_list())
    }
}

impl<S: ListServer> fmt::Debug for SharedList<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Revocations")
            .field(&self.server.place())
            .finish()
    }
}

/// Entries in steps that are bounded in number and in bytes.
fn steps(mut entries: &[Vec<u8>]) -> impl Iterator<Item = &[Vec<u8>]> {
    std::iter::from_fn(move || {
        let mut bytes = 0_usize;
        let fit = entries.iter().take(STEP_ENTRIES).take_while(|entry| {
            let first = bytes == 0;
            bytes = bytes.saturating_add(entry.len());
            first || bytes <= STEP_BYTES
        });
        let count = fit.count();
        let (step, rest) = entries.split_at_checked(count)?;
        entries = rest;
        (count > 0).then_some(step)
    })
}

/// An entry by itself: its number stands beside it.
fn encoded(entry: &Revocation<'_>) -> Vec<u8> {
    let mut body = Body::new(0, 0);
    body.add(entry, 1);
    body.bytes
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Seconds that every server can keep exactly, 140 million years to either side.
fn clamped(now: UnixTime) -> i64 {
    const MOST: i64 = 1 << 52;
    now.seconds().clamp(-MOST, MOST)
}

fn position(head: &StoredHead) -> Position {
    Position {
        list: ListId::new(head.list),
        epoch: head.epoch,
        seq: head.seq,
    }
}

fn list_head(head: &StoredHead) -> ListHead {
    ListHead {
        position: position(head),
        fingerprint_key: head.fingerprint_key,
        base: head.base,
        entries: head.entries,
        bytes: 0,
        observed_at: UnixTime::from_seconds(head.observed),
    }
}

fn reading(head: &StoredHead, extent: Extent) -> Reading {
    Reading {
        head: list_head(head),
        extent,
        unfinished: 0,
    }
}
