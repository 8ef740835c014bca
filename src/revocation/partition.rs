//! One part of the table: the entries whose fingerprints begin with the same bits.

use std::iter::Peekable;
use std::sync::Arc;

use super::sieve::Sieve;

/// One entry: a fingerprint, and the second until which it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) fingerprint: u64,
    /// Seconds since the epoch; `u32::MAX` is for ever.
    pub(crate) until: u32,
}

/// What became of entries that were added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Added {
    /// How many were not there before.
    pub(crate) new: usize,
    /// How many were there and are now kept longer.
    pub(crate) extended: usize,
}

/// How many entries wait beside the sorted run before they are merged into it.
/// A copy of them is most of what publishing one entry costs: at most 16 KiB.
const RECENT: usize = 1024;

/// The run's bucket index has about one place for so many entries.
const BUCKET: usize = 8;

/// Sorted columns that never change, and an index into them.
#[derive(Default)]
struct Run {
    fingerprints: Box<[u64]>,
    until: Box<[u32]>,
    /// Where each bucket begins, and one more: a bucket holds the fingerprints that
    /// share the bits that follow the partition's own.
    starts: Box<[u32]>,
    bucket_bits: u32,
}

/// A sorted run, the few entries added since it was made, and a filter over both.
///
/// A clone shares the run and copies the rest, so that an older version stays as
/// it was while the next one grows.
#[derive(Clone)]
pub(super) struct Partition {
    sieve: Sieve,
    run: Arc<Run>,
    /// By fingerprint. One that is in the run as well is kept longer here.
    recent: Vec<Entry>,
    /// How many of `recent` are in the run too.
    extensions: usize,
    /// How many entries `recent` and the filter can still take.
    room: usize,
    /// How many bits all fingerprints here begin with.
    depth: u32,
    /// No entry here ends before this second.
    earliest: u32,
}

impl Run {
    fn of(entries: &[Entry], depth: u32) -> Self {
        let bucket_bits = (entries.len() / BUCKET).max(1).ilog2();
        let mut run = Self {
            fingerprints: entries.iter().map(|entry| entry.fingerprint).collect(),
            until: entries.iter().map(|entry| entry.until).collect(),
            starts: Box::default(),
            bucket_bits,
        };
        let buckets = 1_usize.wrapping_shl(bucket_bits);
        let mut starts = Vec::with_capacity(buckets.saturating_add(1));
        let mut position: usize = 0;
        for bucket in 0..buckets {
            starts.push(position as u32);
            let rest = run.fingerprints.get(position..).unwrap_or_default();
            let inside = rest
                .iter()
                .take_while(|fingerprint| run.bucket(**fingerprint, depth) == bucket);
            position = position.saturating_add(inside.count());
        }
        starts.push(position as u32);
        run.starts = starts.into_boxed_slice();
        run
    }

    fn bucket(&self, fingerprint: u64, depth: u32) -> usize {
        let own = fingerprint.wrapping_shl(depth) >> 1;
        own.wrapping_shr(63_u32.saturating_sub(self.bucket_bits)) as usize
    }

    fn get(&self, fingerprint: u64, depth: u32) -> Option<u32> {
        let bucket = self.bucket(fingerprint, depth);
        let start = *self.starts.get(bucket)? as usize;
        let end = *self.starts.get(bucket.saturating_add(1))? as usize;
        let inside = self.fingerprints.get(start..end)?;
        let position = inside.binary_search(&fingerprint).ok()?;
        self.until.get(start.saturating_add(position)).copied()
    }

    fn entries(&self) -> impl Iterator<Item = Entry> {
        let columns = self.fingerprints.iter().zip(&self.until);
        columns.map(|(fingerprint, until)| Entry {
            fingerprint: *fingerprint,
            until: *until,
        })
    }
}

impl Partition {
    /// A partition of these entries, which are sorted, without doubles, and share
    /// the first `depth` bits.
    pub(super) fn of(entries: &[Entry], depth: u32) -> Self {
        Self::with(Self::sieve_of(entries), entries, depth)
    }

    /// The filter that a partition of these entries needs.
    pub(super) fn sieve_of(entries: &[Entry]) -> Sieve {
        let mut sieve = Sieve::with_room_for(entries.len().saturating_add(room_beside(entries)));
        for entry in entries {
            sieve.admit(entry.fingerprint);
        }
        sieve
    }

    /// As [`of`](Self::of), with the filter made before.
    pub(super) fn with(sieve: Sieve, entries: &[Entry], depth: u32) -> Self {
        Self {
            sieve,
            run: Arc::new(Run::of(entries, depth)),
            recent: Vec::new(),
            extensions: 0,
            room: room_beside(entries),
            depth,
            earliest: entries
                .iter()
                .map(|entry| entry.until)
                .min()
                .unwrap_or(u32::MAX),
        }
    }

    /// Lets absent fingerprints go before they are searched for.
    pub(super) fn sieve(&self) -> &Sieve {
        &self.sieve
    }

    /// Until when the fingerprint is kept, if it is here.
    fn get(&self, fingerprint: u64) -> Option<u32> {
        if !self.sieve.passes(fingerprint) {
            return None;
        }
        self.search(fingerprint)
    }

    /// Until when the fingerprint is kept, if it is here, without asking the filter.
    pub(super) fn search(&self, fingerprint: u64) -> Option<u32> {
        match self.place_in_recent(fingerprint) {
            Ok(place) => self.recent.get(place).map(|entry| entry.until),
            Err(_) => self.run.get(fingerprint, self.depth),
        }
    }

    fn place_in_recent(&self, fingerprint: u64) -> Result<usize, usize> {
        self.recent
            .binary_search_by_key(&fingerprint, |entry| entry.fingerprint)
    }

    pub(super) fn depth(&self) -> u32 {
        self.depth
    }

    pub(super) fn len(&self) -> usize {
        self.run
            .fingerprints
            .len()
            .saturating_add(self.recent.len())
            .saturating_sub(self.extensions)
    }

    /// Whether an entry may have ended by `now`.
    pub(super) fn may_have_ended(&self, now: u32) -> bool {
        self.earliest <= now
    }

    /// Every entry, sorted by fingerprint.
    pub(super) fn iter(&self) -> impl Iterator<Item = Entry> {
        merged(self.run.entries(), self.recent.iter().copied())
    }

    /// Adds entries that are sorted, without doubles, and belong here.
    pub(super) fn add(&mut self, entries: &[Entry]) -> Added {
        if entries.len() > self.room {
            return self.merge(entries);
        }
        let mut added = Added::default();
        for entry in entries {
            self.add_one(*entry, &mut added);
        }
        added
    }

    fn merge(&mut self, entries: &[Entry]) -> Added {
        let mut added = Added::default();
        for entry in entries {
            match self.get(entry.fingerprint) {
                None => added.new = added.new.saturating_add(1),
                Some(until) if until < entry.until => {
                    added.extended = added.extended.saturating_add(1);
                }
                Some(_) => {}
            }
        }
        let mut all = Vec::with_capacity(self.len().saturating_add(added.new));
        all.extend(merged(self.iter(), entries.iter().copied()));
        *self = Self::of(&all, self.depth);
        added
    }

    fn add_one(&mut self, entry: Entry, added: &mut Added) {
        match self.get(entry.fingerprint) {
            Some(until) if until >= entry.until => return,
            Some(_) => added.extended = added.extended.saturating_add(1),
            None => added.new = added.new.saturating_add(1),
        }
        match self.place_in_recent(entry.fingerprint) {
            Ok(place) => {
                if let Some(known) = self.recent.get_mut(place) {
                    known.until = entry.until;
                }
            }
            Err(place) => {
                if self.run.get(entry.fingerprint, self.depth).is_some() {
                    self.extensions = self.extensions.saturating_add(1);
                }
                self.recent.insert(place, entry);
                self.sieve.admit(entry.fingerprint);
                self.room = self.room.saturating_sub(1);
                self.earliest = self.earliest.min(entry.until);
            }
        }
    }

    /// The same partition without the entries that ended by `now`.
    pub(super) fn without_ended(&self, now: u32) -> Self {
        let lasting: Vec<Entry> = self.iter().filter(|entry| entry.lasts(now)).collect();
        Self::of(&lasting, self.depth)
    }

    /// Its two halves, by the bit after those all its fingerprints share.
    pub(super) fn halves(&self) -> (Self, Self) {
        let entries: Vec<Entry> = self.iter().collect();
        let deeper = self.depth.saturating_add(1);
        let upper = |entry: &Entry| entry.fingerprint.wrapping_shl(self.depth) >> 63 == 1;
        let middle = entries.partition_point(|entry| !upper(entry));
        let (low, high) = entries.split_at_checked(middle).unwrap_or_default();
        (Self::of(low, deeper), Self::of(high, deeper))
    }
}

/// How many entries wait beside a run of these. A large partition takes more before
/// it is merged, so that merging stays a bounded share of the work however many
/// entries an attacker steers there.
fn room_beside(entries: &[Entry]) -> usize {
    RECENT.max(entries.len() / 64)
}

impl Entry {
    /// Whether the entry is still kept at that second.
    pub(super) fn lasts(self, now: u32) -> bool {
        self.until > now || self.until == u32::MAX
    }
}

/// Two sorted sequences as one; what is in both is kept as long as the longer says.
pub(super) fn merged(
    one: impl Iterator<Item = Entry>,
    other: impl Iterator<Item = Entry>,
) -> impl Iterator<Item = Entry> {
    let (mut one, mut other) = (one.peekable(), other.peekable());
    std::iter::from_fn(move || next_of(&mut one, &mut other))
}

fn next_of(
    one: &mut Peekable<impl Iterator<Item = Entry>>,
    other: &mut Peekable<impl Iterator<Item = Entry>>,
) -> Option<Entry> {
    let (Some(left), Some(right)) = (one.peek(), other.peek()) else {
        return one.next().or_else(|| other.next());
    };
    match left.fingerprint.cmp(&right.fingerprint) {
        std::cmp::Ordering::Less => one.next(),
        std::cmp::Ordering::Greater => other.next(),
        std::cmp::Ordering::Equal => one.next().max(other.next()),
    }
}
