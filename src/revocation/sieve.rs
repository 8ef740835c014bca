//! A small filter in front of an exact table: most absent fingerprints stop here,
//! after one word of memory.

use std::sync::Arc;

/// Bits of the filter for each fingerprint it has room for. With so many about one
/// absent fingerprint in a thousand passes, and the exact table says no to it. That
/// search takes several accesses to memory, one after the other: at ten million
/// entries a smaller filter, which passes more, was slower for all its nearness.
const BITS_PER_ENTRY: usize = 24;

/// How many bits of its word a fingerprint sets.
const BITS_SET: u32 = 5;

/// A Bloom filter whose bits for a fingerprint lie in one 64-bit word. A clone shares
/// the words until one of the two admits another fingerprint.
///
/// The processor waits for several lookups' words at once, as many as it can hold
/// the instructions of. Few instructions count for more here than anything else.
///
/// A binary fuse filter passes half as many, but needs three places of memory
/// where this needs one, cannot take another entry without being built anew, and
/// its construction can fail. Both were measured: see `benches/revocation`.
#[derive(Clone, Default)]
pub(super) struct Sieve {
    words: Arc<[u64]>,
}

impl Sieve {
    /// A filter that stays selective up to so many entries.
    pub(super) fn with_room_for(entries: usize) -> Self {
        let words = entries.saturating_mul(BITS_PER_ENTRY).div_ceil(64);
        Self {
            words: vec![0; words].into(),
        }
    }

    /// Lets a fingerprint pass from now on. Nothing ever stops passing again.
    pub(super) fn admit(&mut self, fingerprint: u64) {
        let place = self.place(fingerprint);
        if let Some(word) = Arc::make_mut(&mut self.words).get_mut(place) {
            *word |= pattern(fingerprint);
        }
    }

    /// Whether the fingerprint may be one of those admitted; `false` is certain.
    #[inline]
    pub(super) fn passes(&self, fingerprint: u64) -> bool {
        let pattern = pattern(fingerprint);
        self.words
            .get(self.place(fingerprint))
            .is_some_and(|word| word & pattern == pattern)
    }

    /// Spreads the lowest 28 bits evenly over however many words there are.
    #[inline]
    fn place(&self, fingerprint: u64) -> usize {
        spread(fingerprint.wrapping_shl(36), self.words.len())
    }
}

/// One of `places`, chosen by the highest bits of `bits`.
#[inline]
pub(super) fn spread(bits: u64, places: usize) -> usize {
    (u128::from(bits).wrapping_mul(places as u128) >> 64) as usize
}

/// The bits of a word that belong to a fingerprint: one of 256 masks, turned. Which
/// and how far is said by bits that choose neither the word (the lowest) nor the
/// partition (the highest).
#[inline]
fn pattern(fingerprint: u64) -> u64 {
    let mask = MASKS.get(usize::from((fingerprint >> 28) as u8));
    mask.map_or(0, |mask| mask.rotate_left((fingerprint >> 36) as u32))
}

static MASKS: [u64; 256] = masks();

/// Masks of [`BITS_SET`] bits, scattered by a multiplicative generator.
const fn masks() -> [u64; 256] {
    let mut masks = [0_u64; 256];
    let mut rest = masks.as_mut_slice();
    let mut state = 1_u64;
    while let Some((mask, others)) = rest.split_first_mut() {
        while mask.count_ones() < BITS_SET {
            state = state.wrapping_mul(0xd129_0fb3_7f4a_7c15);
            *mask |= 1_u64.wrapping_shl((state >> 58) as u32);
        }
        rest = others;
    }
    masks
}

#[cfg(test)]
mod tests {
    use super::super::testing::scattered;
    use super::*;

    #[test]
    fn everything_admitted_passes_and_little_else_does() {
        let mut sieve = Sieve::with_room_for(10_000);
        (0..10_000).for_each(|number| sieve.admit(scattered(number)));
        assert!((0..10_000).all(|number| sieve.passes(scattered(number))));
        let strangers = (10_000..110_000).filter(|number| sieve.passes(scattered(*number)));
        let passed = strangers.count();
        assert!((20..300).contains(&passed), "{passed} of 100,000");
    }

    #[test]
    fn the_masks_differ_and_have_as_many_bits_as_they_say() {
        let turned = |mask: &u64| (0..64).map(|by| mask.rotate_left(by)).min();
        let different: std::collections::BTreeSet<_> = MASKS.iter().map(turned).collect();
        assert_eq!(different.len(), MASKS.len());
        assert!(MASKS.iter().all(|mask| mask.count_ones() == BITS_SET));
    }

    #[test]
    fn a_filter_without_room_lets_nothing_pass() {
        let mut sieve = Sieve::with_room_for(0);
        sieve.admit(7);
        assert!(!sieve.passes(7));
    }
}
