//! The names of the members of all objects that are open, to find a second one.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;

/// As many names are kept on the stack; tokens have about ten. Twice as many would take
/// 20 ns longer to clear and to move.
const ON_THE_STACK: usize = 32;

/// A name as it is kept: a fingerprint that equal names share, and where it stands.
type Name = (u64, usize);

/// One stack of names for all open objects: an object adds at the top and takes
/// its own away when it closes.
pub(super) struct Members {
    first: [Name; ON_THE_STACK],
    more: Vec<Name>,
    count: usize,
    limit: usize,
}

impl Members {
    pub(super) const fn new(limit: usize) -> Self {
        Self {
            first: [(0, 0); ON_THE_STACK],
            more: Vec::new(),
            count: 0,
            limit,
        }
    }

    /// How many names are kept: where the next object's own begin.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// Whether no further name may be kept.
    pub(super) const fn is_full(&self) -> bool {
        self.count >= self.limit
    }

    /// Whether any name from `begin` on has this fingerprint and passes `same`,
    /// which is given the name's place.
    #[inline]
    pub(super) fn contains(
        &self,
        begin: usize,
        print: u64,
        mut same: impl FnMut(usize) -> bool,
    ) -> bool {
        let first = self.first.get(begin..self.count.min(ON_THE_STACK));
        for (known, place) in first.unwrap_or_default() {
            if *known == print && same(*place) {
                return true;
            }
        }
        self.count > ON_THE_STACK
            && self
                .more
                .get(begin.saturating_sub(ON_THE_STACK)..)
                .unwrap_or_default()
                .iter()
                .any(|(known, place)| *known == print && same(*place))
    }

    #[inline]
    pub(super) fn push(&mut self, print: u64, place: usize) {
        match self.first.get_mut(self.count) {
            Some(slot) => *slot = (print, place),
            None => self.more.push((print, place)),
        }
        self.count = self.count.saturating_add(1);
    }

    /// Takes away all names from `begin` on.
    pub(super) fn truncate(&mut self, begin: usize) {
        self.count = begin;
        self.more.truncate(begin.saturating_sub(ON_THE_STACK));
    }
}

/// A number that equal names share and different ones do not, as good as always.
///
/// Names of eight bytes and more are hashed with keys that are drawn once per
/// process, so that nobody can send names that collide: a collision costs a
/// comparison of two names, and an object of 256 would cost 30,000 of them.
/// The verdict never depends on the keys.
pub(super) fn fingerprint(name: &[u8]) -> u64 {
    let Some(last) = name.last_chunk::<8>() else {
        let low = |word, byte: &u8| word << 8 | u64::from(*byte);
        let bits = u32::try_from(name.len()).unwrap_or_default() << 3;
        return short_fingerprint(name.iter().rev().fold(0, low), bits);
    };
    let (words, _) = name.as_chunks::<8>();
    let [key, factor] = *KEYS;
    let mixed = words.iter().chain([last]).fold(key, |state, word| {
        let state = u128::from(state ^ u64::from_le_bytes(*word));
        let wide = state.wrapping_mul(u128::from(factor));
        wide as u64 ^ (wide >> 64) as u64
    });
    // Before the mixing, a sender could make up for the length in the first word.
    mixed ^ name.len() as u64
}

/// The fingerprint of a name below eight bytes: its bytes, the first one lowest,
/// and its length. `bits` is eight times the length; bytes above it are ignored.
pub(super) const fn short_fingerprint(word: u64, bits: u32) -> u64 {
    let mask = 1_u64.wrapping_shl(bits).wrapping_sub(1);
    word & mask | (bits as u64) << 56
}

static KEYS: LazyLock<[u64; 2]> = LazyLock::new(|| {
    let random = RandomState::new();
    // An even factor would lose bits.
    [random.hash_one(0_u8), random.hash_one(1_u8) | 1]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_tell_names_apart_by_every_byte_and_the_length() {
        let mut prints = std::collections::HashMap::new();
        for length in 0..40 {
            let name = vec![0; length];
            assert_eq!(prints.insert(fingerprint(&name), name.clone()), None);
            for place in 0..length {
                for byte in [1, 0x80, 0xff] {
                    let mut other = name.clone();
                    other[place] = byte;
                    assert_eq!(fingerprint(&other), fingerprint(&other.clone()));
                    assert_eq!(prints.insert(fingerprint(&other), other), None);
                }
            }
        }
    }

    #[test]
    fn short_names_have_one_fingerprint_whatever_follows_them() {
        for length in 0..8 {
            let bits = 8 * u32::try_from(length).unwrap();
            for after in [0_u8, b'"', 0xff] {
                let mut word = [after; 8];
                word[..length].fill(b'n');
                let print = short_fingerprint(u64::from_le_bytes(word), bits);
                assert_eq!(print, fingerprint(&word[..length]));
            }
        }
    }
}
