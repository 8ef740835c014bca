//! The proofs that were used: bounded, and nothing is forgotten that could still be
//! accepted (RFC 9449 section 11.1).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::time::UnixTime;
use crate::token::KeyThumbprint;

/// Used proofs are dropped by slices of this share of their life, each at once.
const SLICES: u64 = 8;

/// Which proof it was. Two of one key with one digest would be one proof to us; 128 bits
/// keep others' keys apart, and who collides with himself refuses himself.
type Id = [u8; 16];

/// What became of presenting a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spent {
    /// It was not used before, and counts as used from now on.
    First,
    /// It was used before.
    Again,
    /// It was made before a time of which uses are no longer known.
    Forgotten { since: UnixTime },
    /// There is no room, or none for this key.
    Full { wait: Duration },
}

/// Remembers used proofs of one process.
pub(super) struct Memory {
    state: Mutex<State>,
    capacity: usize,
    share: usize,
    /// How long a proof is accepted after it was made, in seconds.
    age: i64,
    /// How many seconds of making one slice covers.
    slice: i64,
}

struct State {
    /// Whatever was made before this second is refused: its use may have been dropped.
    floor: i64,
    count: usize,
    slices: BTreeMap<i64, Slice>,
}

#[derive(Default)]
struct Slice {
    used: HashSet<Id>,
    of_key: HashMap<KeyThumbprint, usize>,
}

impl Memory {
    /// Room for so many proofs, and for so many of one key, that live for `age` and may
    /// come from `ahead` of this clock. Of those made before `since` nothing is known.
    pub(super) fn new(
        capacity: usize,
        share: usize,
        age: Duration,
        ahead: Duration,
        since: UnixTime,
    ) -> Self {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let slice = age.saturating_add(ahead).as_secs().checked_div(SLICES);
        Self {
            state: Mutex::new(State {
                floor: since.seconds(),
                count: 0,
                slices: BTreeMap::new(),
            }),
            capacity,
            share,
            age: seconds(age),
            slice: seconds(Duration::from_secs(slice.unwrap_or_default())).max(1),
        }
    }

    /// Marks a proof as used that `key` made at `made`, if it was not before.
    pub(super) fn spend(
        &self,
        key: &KeyThumbprint,
        proof_id: &str,
        made: UnixTime,
        now: UnixTime,
    ) -> Spent {
        let id = digest(key, proof_id);
        let made = made.seconds();
        let place = made.checked_div_euclid(self.slice).unwrap_or_default();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = self.take_ended(&mut state, now);
        let spent = if made < state.floor {
            let since = UnixTime::from_seconds(state.floor);
            Spent::Forgotten { since }
        } else {
            self.enter(&mut state, place, key, id, now)
        };
        // Large sets take a while to be given back: nobody waits for that.
        drop(state);
        drop(ended);
        spent
    }

    fn enter(
        &self,
        state: &mut State,
        place: i64,
        key: &KeyThumbprint,
        id: Id,
        now: UnixTime,
    ) -> Spent {
        if state
            .slices
            .get(&place)
            .is_some_and(|slice| slice.used.contains(&id))
        {
            return Spent::Again;
        }
        let of_key = |slice: &Slice| slice.of_key.get(key).copied().unwrap_or_default();
        let of_key: usize = state.slices.values().map(of_key).sum();
        if state.count >= self.capacity || of_key >= self.share {
            let wait = self.until_next_end(state, now);
            return Spent::Full { wait };
        }
        let slice = state.slices.entry(place).or_default();
        slice.used.insert(id);
        let of_key = slice.of_key.entry(*key).or_default();
        *of_key = of_key.saturating_add(1);
        state.count = state.count.saturating_add(1);
        Spent::First
    }

    /// Takes out the slices whose proofs are all too old to be accepted. A clock that
    /// was ahead and is set back finds the floor where uses were dropped.
    fn take_ended(&self, state: &mut State, now: UnixTime) -> Vec<Slice> {
        let mut ended = Vec::new();
        while let Some(first) = state.slices.first_entry() {
            let end = self.end_of(*first.key());
            if end > now.seconds().saturating_sub(self.age) {
                break;
            }
            let slice = first.remove();
            state.floor = state.floor.max(end);
            state.count = state.count.saturating_sub(slice.used.len());
            ended.push(slice);
        }
        ended
    }

    /// The first second that a slice does not cover.
    fn end_of(&self, place: i64) -> i64 {
        place.saturating_add(1).saturating_mul(self.slice)
    }

    fn until_next_end(&self, state: &State, now: UnixTime) -> Duration {
        let first = state.slices.keys().next().copied().unwrap_or_default();
        let at = self.end_of(first).saturating_add(self.age);
        let wait = at.saturating_sub(now.seconds()).max(1);
        Duration::from_secs(u64::try_from(wait).unwrap_or(1))
    }
}

fn digest(key: &KeyThumbprint, proof_id: &str) -> Id {
    let mut hash = Sha256::new();
    hash.update(key.as_bytes());
    hash.update(proof_id.as_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let mut id = [0; 16];
    for (place, byte) in id.iter_mut().zip(digest) {
        *place = byte;
    }
    id
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("capacity", &self.capacity)
            .field("share", &self.share)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> UnixTime {
        UnixTime::from_seconds(second)
    }

    fn key(first: u8) -> KeyThumbprint {
        let mut digest = [0; 32];
        digest[0] = first;
        KeyThumbprint::from_digest(digest)
    }

    fn memory(capacity: usize, share: usize) -> Memory {
        let age = Duration::from_secs(60);
        Memory::new(capacity, share, age, Duration::from_secs(20), at(1_000))
    }

    #[test]
    fn a_proof_counts_once_for_each_key_as_long_as_it_could_be_accepted() {
        let memory = memory(100, 100);
        let spend = |first: u8, id: &str, made: i64, now: i64| {
            memory.spend(&key(first), id, at(made), at(now))
        };
        assert_eq!(spend(1, "a", 1_000, 1_000), Spent::First);
        assert_eq!(spend(1, "b", 1_000, 1_000), Spent::First);
        assert_eq!(spend(2, "a", 1_000, 1_000), Spent::First);
        for now in 1_000..=1_060 {
            assert_eq!(spend(1, "a", 1_000, now), Spent::Again, "{now}");
        }
        // Made ahead of this clock, and so accepted for longer.
        assert_eq!(spend(1, "c", 1_080, 1_060), Spent::First);
        for now in 1_060..=1_140 {
            assert_eq!(spend(1, "c", 1_080, now), Spent::Again, "{now}");
        }
    }

    #[test]
    fn what_may_have_been_dropped_is_refused_also_by_a_clock_set_back() {
        let memory = memory(100, 100);
        let spend = |id: &str, made: i64, now: i64| memory.spend(&key(1), id, at(made), at(now));
        assert_eq!(
            spend("early", 999, 1_000),
            Spent::Forgotten { since: at(1_000) }
        );
        assert_eq!(spend("a", 1_005, 1_005), Spent::First);
        // The clock jumps a day ahead and drops what ended by it, then goes back.
        assert_eq!(spend("b", 87_405, 87_405), Spent::First);
        assert_eq!(
            spend("a", 1_005, 1_010),
            Spent::Forgotten { since: at(1_010) }
        );
        // Nothing was dropped of later times, so they go on.
        assert_eq!(spend("c", 1_010, 1_012), Spent::First);
    }

    #[test]
    fn a_full_memory_refuses_and_forgets_nothing() {
        let memory = memory(3, 3);
        let spend = |first: u8, id: &str, made: i64, now: i64| {
            memory.spend(&key(first), id, at(made), at(now))
        };
        for (first, id) in [(1, "a"), (2, "a"), (3, "a")] {
            assert_eq!(spend(first, id, 1_000, 1_000), Spent::First);
        }
        let wait = Duration::from_secs(70);
        assert_eq!(spend(4, "a", 1_000, 1_000), Spent::Full { wait });
        assert_eq!(spend(1, "a", 1_000, 1_000), Spent::Again);
        assert_eq!(
            spend(4, "a", 1_069, 1_069),
            Spent::Full {
                wait: Duration::from_secs(1)
            }
        );
        assert_eq!(spend(4, "a", 1_070, 1_070), Spent::First);
    }

    #[test]
    fn one_key_fills_its_share_and_no_more() {
        let memory = memory(100, 2);
        let spend =
            |first: u8, id: &str, made: i64| memory.spend(&key(first), id, at(made), at(1_030));
        assert_eq!(spend(1, "a", 1_000), Spent::First);
        // In another slice of time.
        assert_eq!(spend(1, "b", 1_030), Spent::First);
        assert!(matches!(spend(1, "c", 1_030), Spent::Full { .. }));
        assert_eq!(spend(2, "c", 1_030), Spent::First);
    }
}
