//! A small filter in front of an exact table: most absent fingerprints stop here,
//! after one word of memory.

/// Bits of the filter for each fingerprint it has room for. With sixteen about one
/// absent fingerprint in two hundred passes, and the exact table says no to it.
const BITS_PER_ENTRY: usize = 16;

/// The low bits of a fingerprint, which choose the word.
const PLACE_BITS: u32 = 28;

/// A Bloom filter whose four bits for a fingerprint lie in one 64-bit word.
///
/// A binary fuse filter passes half as many, but needs three places of memory
/// where this needs one, cannot take another entry without being built anew, and
/// its construction can fail. Both were measured: see `benches/revocation`.
#[derive(Clone, Default)]
pub(super) struct Sieve {
    words: Box<[u64]>,
}

impl Sieve {
    /// A filter that stays selective up to so many entries.
    pub(super) fn with_room_for(entries: usize) -> Self {
        let words = entries.saturating_mul(BITS_PER_ENTRY).div_ceil(64);
        Self {
            words: vec![0; words].into_boxed_slice(),
        }
    }

    /// Lets a fingerprint pass from now on. Nothing ever stops passing again.
    pub(super) fn admit(&mut self, fingerprint: u64) {
        let place = self.place(fingerprint);
        if let Some(word) = self.words.get_mut(place) {
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

    /// Spreads the low bits evenly over however many words there are.
    #[inline]
    fn place(&self, fingerprint: u64) -> usize {
        let low = fingerprint & ((1 << PLACE_BITS) - 1);
        (low.wrapping_mul(self.words.len() as u64) >> PLACE_BITS) as usize
    }
}

/// Four of the word's 64 bits, by bits of the fingerprint that choose neither the
/// word (the lowest) nor the partition (the highest).
#[inline]
fn pattern(fingerprint: u64) -> u64 {
    let bit = |from: u32| 1_u64 << (fingerprint.wrapping_shr(from) & 63);
    bit(28) | bit(34) | bit(40) | bit(46)
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
        assert!((200..1_200).contains(&passed), "{passed} of 100,000");
    }

    #[test]
    fn a_filter_without_room_lets_nothing_pass() {
        let mut sieve = Sieve::with_room_for(0);
        sieve.admit(7);
        assert!(!sieve.passes(7));
    }
}
