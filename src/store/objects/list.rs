//! The list of revocations in a bucket.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use object_store::UpdateVersion;

use super::bucket::{Got, Put, SharedBucket};
use super::head::{Head, LAYOUT, Segment};
use super::probe::require_conditions;
use super::segment::{self, Entries};
use crate::encoding::base64url;
use crate::limits::MAX_CLOCK_JUMP;
use crate::store::error::{Outcome, StoreError, StoreErrorKind};
use crate::store::revocations::random_bytes;
use crate::store::shared::{
    Added, Addition, ListServer, Mark, Page, Rewrite, StoredHead, foreign, indeterminate,
    other_schema, unavailable,
};

const NAME: &str = "revocations.json";
const FOLDER: &str = "revocations";
/// Most segments before the last ones are joined.
const MOST_SEGMENTS: usize = 24;
/// How often a change is tried because others were faster.
const ATTEMPTS: u32 = 60;
/// How often a reading begins anew because a segment has gone.
const READINGS: usize = 5;
/// Most entries of one page.
const PAGE_ENTRIES: usize = 5000;

/// The list under a prefix.
pub(super) struct List {
    bucket: SharedBucket,
    known: Mutex<Known>,
}

/// What was read, and cannot have changed if the server says that the head has not.
#[derive(Default)]
struct Known {
    head: Option<(UpdateVersion, Head)>,
    segments: HashMap<String, Arc<Entries>>,
}

/// What a change makes of a head.
enum Change<T> {
    Put(Head, T),
    Leave(T),
}

impl List {
    pub(super) fn new(bucket: SharedBucket) -> Self {
        Self {
            bucket,
            known: Mutex::default(),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn current(&self) -> Result<Option<(UpdateVersion, Head)>, StoreError> {
        let known = self.known().head.clone();
        let version = known.as_ref().map(|(version, _)| version);
        let found = match self.bucket.get(NAME, version)? {
            Got::Nothing => None,
            Got::Same => known,
            Got::Object(bytes, version) => Some((version, self.parse(&bytes)?)),
        };
        self.remember(found.clone());
        Ok(found)
    }

    /// Keeps a head, and of the segments those that it names.
    fn remember(&self, head: Option<(UpdateVersion, Head)>) {
        let mut known = self.known();
        let named: HashSet<&str> = head
            .iter()
            .flat_map(|(_, head)| head.segments.iter().map(|segment| &*segment.name))
            .collect();
        known.segments.retain(|name, _| named.contains(&**name));
        known.head = head;
    }

    fn parse(&self, bytes: &[u8]) -> Result<Head, StoreError> {
        let place = self.bucket.place();
        Head::parse(bytes).map_err(|layout| match layout {
            Some(layout) => other_schema(place, LAYOUT, &format!("layout {layout}")),
            None => foreign(place, "a revocation list", "another object"),
        })
    }

    fn stored(&self, head: &Head) -> Result<StoredHead, StoreError> {
        let place = self.bucket.place();
        head.stored()
            .ok_or_else(|| foreign(place, "a revocation list", "one with other fields"))
    }

    /// The entries of a segment; `None` if it has gone.
    fn entries(&self, segment: &Segment) -> Result<Option<Arc<Entries>>, StoreError> {
        if let Some(known) = self.known().segments.get(&segment.name) {
            return Ok(Some(Arc::clone(known)));
        }
        let Got::Object(bytes, _) = self.bucket.get(&path(&segment.name), None)? else {
            return Ok(None);
        };
        let entries = segment::decode(&bytes).map(Arc::new).ok_or_else(|| {
            let found = "other bytes";
            foreign(self.bucket.place(), "entries of a revocation list", found)
        })?;
        let mut known = self.known();
        known
            .segments
            .insert(segment.name.clone(), Arc::clone(&entries));
        Ok(Some(entries))
    }

    /// All entries of some segments with their numbers; `None` if one has gone.
    fn numbered(&self, segments: &[Segment]) -> Result<Option<Entries>, StoreError> {
        let mut all = Vec::new();
        for segment in segments {
            let Some(entries) = self.entries(segment)? else {
                return Ok(None);
            };
            let number = |(step, entry): &(u64, Vec<u8>)| {
                (segment.base.saturating_add(*step), entry.clone())
            };
            all.extend(entries.iter().map(number));
        }
        Ok(Some(all))
    }

    /// Writes entries, whose numbers count from `base`, into an object of their own.
    fn write(&self, base: u64, entries: &[(u64, Vec<u8>)]) -> Result<Segment, StoreError> {
        let name = base64url::encode(&random_bytes(self.bucket.place())?);
        let relative: Entries = entries
            .iter()
            .map(|(number, entry)| (number.saturating_sub(base), entry.clone()))
            .collect();
        match self
            .bucket
            .put(&path(&name), segment::encode(&relative), None)
        {
            Put::Done(_) => Ok(Segment {
                name,
                base,
                last: entries.last().map_or(base, |(number, _)| *number),
                entries: u64::try_from(entries.len()).unwrap_or(u64::MAX),
            }),
            Put::Refused => Err(indeterminate(self.bucket.place(), "another object")),
            // No head names it, so nothing was changed.
            Put::Unknown(error) if error.outcome() == Outcome::Indeterminate => {
                Err(unavailable(self.bucket.place(), "none in time"))
            }
            Put::Unknown(error) => Err(error),
        }
    }

    /// Replaces the head by what `change` makes of it, trying again when others were faster.
    fn change<T>(
        &self,
        mut change: impl FnMut(&Head) -> Result<Change<T>, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        require_conditions(&self.bucket)?;
        for attempt in 0..ATTEMPTS {
            let Some((version, head)) = self.current()? else {
                return Ok(None);
            };
            let (new, done) = match change(&head)? {
                Change::Leave(done) => return Ok(Some(done)),
                Change::Put(new, done) => (new, done),
            };
            match self.bucket.put(NAME, new.to_bytes(), Some(version)) {
                Put::Done(version) => {
                    let gone: Vec<_> = head
                        .segments
                        .iter()
                        .filter(|old| !new.segments.contains(old))
                        .map(|old| old.name.clone())
                        .collect();
                    self.remember(Some((version, new)));
                    // What no head names any more is in nobody's way if it stays.
                    gone.iter()
                        .for_each(|name| drop(self.bucket.remove(&path(name))));
                    return Ok(Some(done));
                }
                Put::Refused => std::thread::sleep(pause(attempt)),
                Put::Unknown(error) => return Err(error),
            }
        }
        Err(StoreError::new(
            StoreErrorKind::Busy,
            self.bucket.place(),
            "a moment without other writers",
            &format!("others, {ATTEMPTS} times"),
            "nothing was changed; try again",
        ))
    }

    /// Joins the last segments when there are many, small ones before large ones.
    fn joined(&self, mut head: Head) -> Result<Head, StoreError> {
        if head.segments.len() <= MOST_SEGMENTS {
            return Ok(head);
        }
        let mut from = head.segments.len() / 2;
        let sum = |from: usize, head: &Head| {
            let last = head.segments.get(from..).unwrap_or_default();
            last.iter()
                .fold(0_u64, |sum, each| sum.saturating_add(each.entries))
        };
        while let Some(left) = from.checked_sub(1).and_then(|left| head.segments.get(left))
            && left.entries <= sum(from, &head).saturating_mul(2)
        {
            from = from.saturating_sub(1);
        }
        let tail = head.segments.split_off(from);
        match self.numbered(&tail)? {
            Some(entries) => {
                let base = tail.first().map_or(0, |segment| segment.base);
                head.segments.push(self.write(base, &entries)?);
            }
            // Somebody else was joining: the head is another one by now.
            None => head.segments.extend(tail),
        }
        Ok(head)
    }
}

fn path(segment: &str) -> String {
    format!("{FOLDER}/{segment}")
}

/// Longer and longer, and never as long as the others.
fn pause(attempt: u32) -> Duration {
    let mut byte = [0_u8; 1];
    let part = getrandom::fill(&mut byte).map_or(128, |()| u64::from(u8::from_le_bytes(byte)));
    let longest = 8_u64.saturating_mul(u64::from(attempt.min(16)).saturating_add(1));
    Duration::from_millis(longest.saturating_mul(part) / 255)
}

fn observe(head: &mut Head, now: i64) {
    let jump = i64::try_from(MAX_CLOCK_JUMP.as_secs()).unwrap_or(i64::MAX);
    if now > head.observed && now <= head.observed.saturating_add(jump) {
        head.observed = now;
    }
}

impl ListServer for List {
    fn place(&self) -> &str {
        self.bucket.place()
    }

    fn create(&self, head: &StoredHead) -> Result<bool, StoreError> {
        require_conditions(&self.bucket)?;
        match self.bucket.put(NAME, Head::new(head).to_bytes(), None) {
            Put::Done(_) => Ok(true),
            Put::Refused => self.current().map(|_| false),
            Put::Unknown(error) => Err(error),
        }
    }

    fn head(&self) -> Result<Option<StoredHead>, StoreError> {
        let found = self.current()?;
        found.map(|(_, head)| self.stored(&head)).transpose()
    }

    fn append(&self, addition: &Addition<'_>) -> Result<Added, StoreError> {
        let count = u64::try_from(addition.entries.len()).unwrap_or(u64::MAX);
        let numbered: Entries = (1..).zip(addition.entries.iter().cloned()).collect();
        let mut written: Option<Segment> = None;
        let added = self.change(|head| {
            if head.entries().saturating_add(addition.room_for) > addition.most {
                return Ok(Change::Leave(Added::Full));
            }
            // Its numbers count from wherever the list stands when it is taken in.
            let segment = match &written {
                Some(segment) => segment.clone(),
                None => written.insert(self.write(0, &numbered)?).clone(),
            };
            let mut new = head.clone();
            new.segments.push(Segment {
                base: head.seq,
                last: head.seq.saturating_add(count),
                ..segment
            });
            new.seq = head.seq.saturating_add(count);
            observe(&mut new, addition.now);
            let new = self.joined(new)?;
            let stored = self.stored(&new)?;
            Ok(Change::Put(new, Added::Done(stored)))
        })?;
        Ok(added.unwrap_or(Added::NoList))
    }

    fn page(&self, after: u64) -> Result<Option<Page>, StoreError> {
        for _ in 0..READINGS {
            let Some((_, head)) = self.current()? else {
                return Ok(None);
            };
            let later = |segment: &&Segment| segment.last > after;
            let later: Vec<_> = head.segments.iter().filter(later).cloned().collect();
            let Some(mut entries) = self.numbered(&later)? else {
                self.remember(None);
                continue;
            };
            entries.retain(|(number, _)| *number > after);
            let last = entries.len() <= PAGE_ENTRIES;
            entries.truncate(PAGE_ENTRIES);
            return Ok(Some(Page {
                head: self.stored(&head)?,
                entries,
                last,
            }));
        }
        Err(foreign(
            self.bucket.place(),
            "the entries that a revocation list names",
            "fewer",
        ))
    }

    fn rewrite(&self, step: &Rewrite<'_>) -> Result<Option<StoredHead>, StoreError> {
        let removed: HashSet<u64> = step.removed.iter().copied().collect();
        let replaced: HashMap<u64, &Vec<u8>> = step
            .replaced
            .iter()
            .map(|(number, entry)| (*number, entry))
            .collect();
        let done = self.change(|head| {
            if head.base != step.base {
                return Ok(Change::Leave(None));
            }
            let Some(mut entries) = self.numbered(&head.segments)? else {
                return Ok(Change::Leave(None));
            };
            entries.retain(|(number, _)| !removed.contains(number));
            for (number, entry) in &mut entries {
                if let Some(new) = replaced.get(number) {
                    (*new).clone_into(entry);
                }
            }
            let mut new = head.clone();
            new.seq = head.seq.saturating_add(1);
            new.base = new.seq;
            new.segments = match entries.is_empty() {
                true => Vec::new(),
                false => vec![self.write(0, &entries)?],
            };
            let stored = self.stored(&new)?;
            Ok(Change::Put(new, Some(stored)))
        })?;
        Ok(done.flatten())
    }

    fn mark(&self, mark: Mark) -> Result<Option<StoredHead>, StoreError> {
        self.change(|head| {
            let mut new = head.clone();
            match mark {
                Mark::Observe(now) => observe(&mut new, now),
                Mark::Accept(now) => new.observed = now,
                Mark::Epoch(now) => {
                    observe(&mut new, now);
                    new.epoch = head.epoch.saturating_add(1);
                }
            }
            let stored = self.stored(&new)?;
            Ok(match new == *head {
                true => Change::Leave(stored),
                false => Change::Put(new, stored),
            })
        })
    }

    fn step_entries(&self) -> usize {
        // Every step writes all that stays: one is enough.
        usize::MAX
    }
}
