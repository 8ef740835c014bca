//! The set of fingerprints that a revocation list is asked about: exact, compact,
//! and cheap to make a next version of.
//!
//! Fingerprints are spread by their first bits over partitions of at most
//! [`LARGEST`] entries. A clone of the table shares all of them; adding to it copies
//! the list of partitions and what is recent in one of them, a few microseconds'
//! work at ten million entries. Nothing is ever evicted.

use std::sync::Arc;

pub(crate) use super::partition::{Added, Entry};
use super::partition::{Partition, merged};
use super::sieve::{Sieve, spread};

/// A partition with more entries is split: rebuilding one, the slowest that adding
/// an entry can be, then takes a fraction of a millisecond.
const LARGEST: usize = 32 * 1024;

/// Partitions are not split further than by so many bits: 4,096 of them hold a
/// hundred million entries, and whoever knows the list's key could otherwise choose
/// entries that split one partition to the end.
const DEEPEST: u32 = 12;

/// Fingerprints, each kept until a second. A clone costs three reference counts.
#[derive(Clone)]
pub(crate) struct Table {
    /// For every value of the first `depth` bits, the partition's filter once more:
    /// beside each other they take a few kilobytes, so that an absent fingerprint
    /// costs one access to memory that is not in the nearest cache. Through the
    /// partitions, which lie far apart, it would be three.
    sieves: Arc<[Sieve]>,
    /// For every value of the first `depth` bits, the partition's place.
    directory: Arc<[u16]>,
    partitions: Arc<[Arc<Partition>]>,
    depth: u32,
    len: usize,
}

impl Default for Table {
    fn default() -> Self {
        Self::of_sorted(&[])
    }
}

impl Table {
    fn of_sorted(entries: &[Entry]) -> Self {
        // Three quarters full on average, so that none needs to be split soon.
        let wanted = entries.len().div_ceil(LARGEST / 4 * 3).max(1);
        let depth = wanted.next_power_of_two().ilog2().min(DEEPEST);
        // All filters are made before the rest: so they lie together in memory, and the
        // processor finds their pages sooner.
        let sieves: Vec<Sieve> = parts(entries, depth).map(Partition::sieve_of).collect();
        let partitions: Arc<[_]> = parts(entries, depth)
            .zip(sieves)
            .map(|(own, sieve)| Arc::new(Partition::with(sieve, own, depth)))
            .collect();
        Self {
            sieves: partitions.iter().map(|one| one.sieve().clone()).collect(),
            directory: (0..partitions.len()).map(|place| place as u16).collect(),
            partitions,
            depth,
            len: entries.len(),
        }
    }

    /// How many fingerprints there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether the fingerprint is here.
    #[inline]
    pub(crate) fn contains(&self, fingerprint: u64) -> bool {
        self.until(fingerprint).is_some()
    }

    /// Until which second the fingerprint is kept, if it is here.
    #[inline]
    pub(crate) fn until(&self, fingerprint: u64) -> Option<u32> {
        let sieve = self.sieves.get(spread(fingerprint, self.sieves.len()))?;
        if !sieve.passes(fingerprint) {
            return None;
        }
        self.search(fingerprint)
    }

    #[cold]
    #[inline(never)]
    fn search(&self, fingerprint: u64) -> Option<u32> {
        let place = self.place(fingerprint)?;
        self.partitions.get(place)?.search(fingerprint)
    }

    /// Every entry, sorted by fingerprint.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Entry> {
        self.in_order().flat_map(|partition| partition.iter())
    }

    fn in_order(&self) -> impl Iterator<Item = &Partition> {
        let mut slot: usize = 0;
        std::iter::from_fn(move || {
            let place = usize::from(*self.directory.get(slot)?);
            let partition = &**self.partitions.get(place)?;
            slot = slot.saturating_add(self.slots_of(partition));
            Some(partition)
        })
    }

    /// How many places of the directory lead to a partition.
    fn slots_of(&self, partition: &Partition) -> usize {
        1_usize.wrapping_shl(self.depth.saturating_sub(partition.depth()))
    }

    /// Adds one entry; one that is there is never shortened.
    pub(crate) fn insert(&mut self, entry: Entry) -> Added {
        self.add_sorted(&[entry])
    }

    /// Adds entries, in any order.
    pub(crate) fn extend(&mut self, mut entries: Vec<Entry>) -> Added {
        sort(&mut entries);
        if entries.len() < self.len {
            return self.add_sorted(&entries);
        }
        let known = entries.iter().filter_map(|entry| {
            let until = self.until(entry.fingerprint)?;
            Some(usize::from(until < entry.until))
        });
        let (known, extended) = known.fold((0_usize, 0_usize), |(known, extended), longer| {
            (known.saturating_add(1), extended.saturating_add(longer))
        });
        let new = entries.len().saturating_sub(known);
        if self.len > 0 {
            entries = merged(self.iter(), entries.iter().copied()).collect();
        }
        *self = Self::of_sorted(&entries);
        Added { new, extended }
    }

    fn add_sorted(&mut self, entries: &[Entry]) -> Added {
        let mut total = Added::default();
        let mut rest = entries;
        while let Some(first) = rest.first() {
            let Some(place) = self.place(first.fingerprint) else {
                break;
            };
            let Some(depth) = self.partitions.get(place).map(|one| one.depth()) else {
                break;
            };
            let prefix = first_bits(first, depth);
            let inside = rest.partition_point(|entry| first_bits(entry, depth) <= prefix);
            let (own, others) = rest.split_at_checked(inside).unwrap_or_default();
            let added = self.add_to(place, prefix as usize, own);
            total.new = total.new.saturating_add(added.new);
            total.extended = total.extended.saturating_add(added.extended);
            self.split_if_too_large(place);
            rest = others;
        }
        self.len = self.len.saturating_add(total.new);
        total
    }

    /// Adds entries that all begin with `prefix` to their partition. Its filter is
    /// taken off the row meanwhile: then it is copied only where an older version of
    /// the table reads it.
    fn add_to(&mut self, place: usize, prefix: usize, entries: &[Entry]) -> Added {
        let Some(partition) = Arc::make_mut(&mut self.partitions).get_mut(place) else {
            return Added::default();
        };
        let slots = 1_usize.wrapping_shl(self.depth.saturating_sub(partition.depth()));
        let first = prefix.saturating_mul(slots);
        let sieves = Arc::make_mut(&mut self.sieves).get_mut(first..first.saturating_add(slots));
        let sieves = sieves.unwrap_or_default();
        sieves.fill(Sieve::default());
        let added = Arc::make_mut(partition).add(entries);
        sieves.fill(partition.sieve().clone());
        added
    }

    /// The filters in the directory's order, after it or the partitions changed.
    fn line_up_sieves(&mut self) {
        let partitions = &self.partitions;
        let sieve = |place: &u16| match partitions.get(usize::from(*place)) {
            Some(partition) => partition.sieve().clone(),
            None => Sieve::default(),
        };
        self.sieves = self.directory.iter().map(sieve).collect();
    }

    fn place(&self, fingerprint: u64) -> Option<usize> {
        let slot = slot(fingerprint, self.depth);
        self.directory.get(slot).copied().map(usize::from)
    }

    fn split_if_too_large(&mut self, place: usize) {
        let mut places = vec![place];
        while let Some(place) = places.pop() {
            let Some(partition) = self.partitions.get(place) else {
                continue;
            };
            if partition.len() <= LARGEST || partition.depth() >= DEEPEST {
                continue;
            }
            let (low, high) = partition.halves();
            let upper = self.partitions.len();
            self.lead_upper_half_to(upper, place, low.depth());
            let replaced = self.partitions.iter().enumerate().map(|(at, partition)| {
                if at == place {
                    Arc::new(low.clone())
                } else {
                    Arc::clone(partition)
                }
            });
            self.partitions = replaced.chain([Arc::new(high.clone())]).collect();
            self.line_up_sieves();
            places.extend([place, upper]);
        }
    }

    /// Of the directory's places that lead to partition `lower`, the upper half leads
    /// to `upper` from now on; the directory doubles if there is but one.
    fn lead_upper_half_to(&mut self, upper: usize, lower: usize, depth: u32) {
        if depth > self.depth {
            self.directory = self
                .directory
                .iter()
                .flat_map(|place| [*place, *place])
                .collect();
            self.depth = depth;
        }
        let leads_there = |place: &&mut u16| usize::from(**place) == lower;
        let directory = Arc::make_mut(&mut self.directory);
        let slots = 1_usize.wrapping_shl(self.depth.saturating_sub(depth));
        for place in directory.iter_mut().filter(leads_there).skip(slots) {
            *place = upper as u16;
        }
    }

    /// Drops the entries that ended by `now`, and says how many those were.
    pub(crate) fn prune(&mut self, now: u32) -> usize {
        let before = self.len;
        if !self.partitions.iter().any(|one| one.may_have_ended(now)) {
            return 0;
        }
        for partition in Arc::make_mut(&mut self.partitions) {
            if partition.may_have_ended(now) {
                *partition = Arc::new(partition.without_ended(now));
            }
        }
        self.line_up_sieves();
        self.len = self.partitions.iter().map(|one| one.len()).sum();
        // Partitions nearly empty cost more than they hold.
        if self.partitions.len() > 1
            && self.len < self.partitions.len().saturating_mul(LARGEST / 16)
        {
            let entries: Vec<Entry> = self.iter().collect();
            *self = Self::of_sorted(&entries);
        }
        before.saturating_sub(self.len)
    }
}

/// The place in a directory of 2^`depth` places.
#[inline]
fn slot(fingerprint: u64, depth: u32) -> usize {
    (fingerprint >> 1).wrapping_shr(63_u32.wrapping_sub(depth)) as usize
}

/// The sorted entries in the order of their first `depth` bits, a slice for each value.
fn parts(entries: &[Entry], depth: u32) -> impl Iterator<Item = &[Entry]> {
    let mut rest = entries;
    (0..1_u64.wrapping_shl(depth)).map(move |prefix| {
        let inside = rest.partition_point(|entry| first_bits(entry, depth) <= prefix);
        let (own, others) = rest.split_at_checked(inside).unwrap_or_default();
        rest = others;
        own
    })
}

fn first_bits(entry: &Entry, depth: u32) -> u64 {
    slot(entry.fingerprint, depth) as u64
}

/// Sorts by fingerprint; of doubles the one kept longest stays.
fn sort(entries: &mut Vec<Entry>) {
    entries.sort_unstable();
    entries.dedup_by(|later, kept| {
        let double = later.fingerprint == kept.fingerprint;
        if double {
            kept.until = kept.until.max(later.until);
        }
        double
    });
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::testing::scattered;
    use super::*;

    fn entry(fingerprint: u64, until: u32) -> Entry {
        Entry { fingerprint, until }
    }

    fn table_of(entries: Vec<Entry>) -> Table {
        let mut table = Table::default();
        table.extend(entries);
        table
    }

    fn many(numbers: std::ops::Range<u64>) -> Vec<Entry> {
        numbers
            .map(|number| entry(scattered(number), 100))
            .collect()
    }

    #[track_caller]
    fn assert_same(table: &Table, model: &BTreeMap<u64, u32>) {
        assert_eq!(table.len(), model.len());
        let expected = model
            .iter()
            .map(|(fingerprint, until)| entry(*fingerprint, *until));
        assert!(table.iter().eq(expected), "the entries differ");
        assert!(model.keys().all(|fingerprint| table.contains(*fingerprint)));
    }

    #[test]
    fn entries_added_one_by_one_or_at_once_make_the_same_table() {
        let all = many(0..100_000);
        let at_once = table_of(all.clone());
        let mut one_by_one = Table::default();
        for entry in &all {
            assert_eq!(
                one_by_one.insert(*entry),
                Added {
                    new: 1,
                    extended: 0
                }
            );
        }
        let mut in_parts = Table::default();
        for part in all.chunks(7_000) {
            assert_eq!(in_parts.extend(part.to_vec()).new, part.len());
        }
        assert!(at_once.iter().eq(one_by_one.iter()));
        assert!(at_once.iter().eq(in_parts.iter()));
        assert!(at_once.iter().is_sorted());
        assert_eq!(at_once.len(), 100_000);
        for table in [at_once, one_by_one, in_parts] {
            assert!(all.iter().all(|entry| table.contains(entry.fingerprint)));
            assert!((100_000..300_000).all(|number| !table.contains(scattered(number))));
        }
    }

    #[test]
    fn an_older_version_stays_as_it_was() {
        let mut versions = vec![table_of(many(0..60_000))];
        for number in 60_000..61_000 {
            let mut next = versions.last().unwrap().clone();
            next.insert(entry(scattered(number), 100));
            versions.push(next);
        }
        for (age, version) in versions.iter().enumerate() {
            assert_eq!(version.len(), 60_000 + age);
            let next = 60_000 + age as u64;
            assert!(version.contains(scattered(next - 1)));
            assert!(!version.contains(scattered(next)));
        }
    }

    #[test]
    fn an_entry_is_lengthened_and_never_shortened_wherever_it_lies() {
        let mut table = table_of(many(0..1_000));
        let (merged, fresh) = (scattered(1), scattered(5_000));
        table.insert(entry(fresh, 100));
        for fingerprint in [merged, fresh] {
            assert_eq!(table.insert(entry(fingerprint, 50)), Added::default());
            assert_eq!(table.insert(entry(fingerprint, 150)).extended, 1);
            assert_eq!(table.insert(entry(fingerprint, 149)), Added::default());
            assert_eq!(table.until(fingerprint), Some(150));
        }
        assert_eq!(table.len(), 1_001);
        let doubles = vec![entry(merged, 300), entry(merged, 200), entry(fresh, 1)];
        assert_eq!(
            table.extend(doubles),
            Added {
                new: 0,
                extended: 1
            }
        );
        assert_eq!(table.until(merged), Some(300));
        assert_eq!(table.prune(100), 999);
        assert!(table.contains(merged) && table.contains(fresh));
        assert_eq!(table.prune(150), 1);
        assert_eq!(table.prune(u32::MAX), 1);
        assert_eq!(table.len(), 0);
    }

    #[test]
    fn what_has_no_end_is_never_pruned() {
        let mut table = table_of(vec![entry(1, u32::MAX), entry(2, u32::MAX - 1)]);
        assert_eq!(table.prune(u32::MAX), 1);
        assert!(table.contains(1));
    }

    /// Whoever knows the key may choose entries so that all fall into one place.
    #[test]
    fn entries_that_share_their_first_bits_slow_nothing_to_a_halt() {
        let crowded: Vec<Entry> = (0..200_000_u64)
            .map(|number| entry(0xfeed_face_cafe_0000_u64.wrapping_add(number), 9))
            .collect();
        let mut table = table_of(many(0..50_000));
        assert_eq!(table.extend(crowded.clone()).new, 200_000);
        for number in 0..2_000 {
            table.insert(entry(0xfeed_face_0000_0000 + number, 9));
        }
        assert!(table.directory.len() <= 1 << DEEPEST);
        assert!(
            crowded
                .iter()
                .all(|entry| table.contains(entry.fingerprint))
        );
        assert!(!table.contains(0xfeed_face_cafe_0000 - 1));
        assert_eq!(table.prune(9), 202_000);
    }

    #[test]
    fn the_ends_of_the_range_are_fingerprints_like_any_other() {
        let mut table = Table::default();
        assert!(!table.contains(0) && !table.contains(u64::MAX));
        for fingerprint in [0, u64::MAX, 1, 1 << 63] {
            assert_eq!(table.insert(entry(fingerprint, 1)).new, 1);
            assert!(table.contains(fingerprint));
        }
        table.extend(many(0..200_000));
        assert!(table.contains(0) && table.contains(u64::MAX));
        assert_eq!(table.len(), 200_004);
    }

    /// The same random history for the table and for a map, with a look at an older
    /// version now and then.
    #[test]
    fn a_random_history_never_parts_it_from_a_map() {
        for seed in 0..3_u64 {
            let mut draws = (seed << 32..).map(scattered);
            let mut draw = |below: u64| draws.next().unwrap() % below;
            // Few different fingerprints, so that most are met again.
            let mut table = Table::default();
            let mut model = BTreeMap::new();
            let mut kept = (table.clone(), model.clone());
            let mut now = 0_u32;
            let add = |model: &mut BTreeMap<u64, u32>, entry: Entry| {
                let until = model.entry(entry.fingerprint).or_insert(0);
                *until = (*until).max(entry.until);
            };
            for step in 0..2_500 {
                match draw(1_000) {
                    0..3 => {
                        let batch: Vec<Entry> = (0..draw(40_000))
                            .map(|_| entry(scattered(draw(150_000)), now + 1 + draw(50) as u32))
                            .collect();
                        batch.iter().for_each(|entry| add(&mut model, *entry));
                        table.extend(batch);
                    }
                    3..8 => {
                        now += draw(30) as u32;
                        let before = model.len();
                        model.retain(|_, until| *until > now);
                        assert_eq!(table.prune(now), before - model.len());
                    }
                    8..10 => {
                        assert_same(&kept.0, &kept.1);
                        kept = (table.clone(), model.clone());
                    }
                    10..12 => table = table_of(table.iter().collect()),
                    _ => {
                        let one = entry(scattered(draw(150_000)), now + 1 + draw(50) as u32);
                        let known = model.contains_key(&one.fingerprint);
                        add(&mut model, one);
                        assert_eq!(table.insert(one).new, usize::from(!known));
                        assert_eq!(
                            table.until(one.fingerprint),
                            model.get(&one.fingerprint).copied()
                        );
                        let other = scattered(draw(200_000));
                        assert_eq!(
                            table.until(other),
                            model.get(&other).copied(),
                            "{seed} {step}"
                        );
                    }
                }
            }
            assert_same(&table, &model);
            assert_same(&kept.0, &kept.1);
        }
    }
}
