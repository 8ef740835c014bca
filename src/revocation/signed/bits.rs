//! The numbers of a body: bits, and Rice codes of sorted fingerprints.

use super::error::Fault;
use super::input::Input;
use crate::revocation::table::Entry;

/// Writes bits, each byte filled from its highest bit down.
pub(super) struct BitWriter {
    out: Vec<u8>,
    /// The bits that do not fill a byte yet, at the low end.
    pending: u64,
    /// How many those are: fewer than eight.
    count: u32,
}

impl BitWriter {
    pub(super) fn new() -> Self {
        Self {
            out: Vec::new(),
            pending: 0,
            count: 0,
        }
    }

    /// Appends the lowest `count` bits of `value`, at most 64.
    pub(super) fn bits(&mut self, value: u64, count: u32) {
        if count > 32 {
            self.short(value >> 32, count.wrapping_sub(32));
            self.short(value, 32);
        } else {
            self.short(value, count);
        }
    }

    /// At most 32 bits, so that they fit beside those that wait.
    fn short(&mut self, value: u64, count: u32) {
        let mask = 1_u64.wrapping_shl(count).wrapping_sub(1);
        self.pending = self.pending.wrapping_shl(count) | (value & mask);
        self.count = self.count.wrapping_add(count);
        while let Some(rest) = self.count.checked_sub(8) {
            self.out
                .push((self.pending.wrapping_shr(rest) & 0xff) as u8);
            self.count = rest;
        }
    }

    /// So many ones, and a zero.
    fn unary(&mut self, mut ones: u64) {
        while ones >= 32 {
            self.short(u64::MAX, 32);
            ones = ones.wrapping_sub(32);
        }
        self.short(u64::MAX, ones as u32);
        self.short(0, 1);
    }

    /// Fills the last byte with zeros.
    pub(super) fn align(&mut self) {
        if self.count > 0 {
            self.short(0, 8_u32.wrapping_sub(self.count));
        }
    }

    /// Appends whole bytes, after [`align`](Self::align).
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.align();
        self.out
    }
}

/// Reads what [`BitWriter`] wrote, and refuses every other way to write it.
pub(super) struct BitReader<'i, 'r> {
    input: &'i mut Input<'r>,
    /// Bits read ahead, at the high end; below them only zeros.
    ahead: u64,
    /// How many those are.
    count: u32,
}

impl<'i, 'r> BitReader<'i, 'r> {
    pub(super) fn new(input: &'i mut Input<'r>) -> Self {
        Self {
            input,
            ahead: 0,
            count: 0,
        }
    }

    /// How many bits are left of the body, at most.
    pub(super) fn left(&self) -> u64 {
        let unread = self.input.left().saturating_mul(8);
        unread.saturating_add(u64::from(self.count))
    }

    /// Reads ahead as far as there is room and a body.
    #[inline]
    fn refill(&mut self) -> Result<(), Fault> {
        while self.count <= 56 {
            let Some(byte) = self.input.byte()? else {
                return Ok(());
            };
            let place = 56_u32.wrapping_sub(self.count);
            self.ahead |= u64::from(byte).wrapping_shl(place);
            self.count = self.count.wrapping_add(8);
        }
        Ok(())
    }

    /// The next `count` bits, at most 64.
    pub(super) fn bits(&mut self, count: u32) -> Result<u64, Fault> {
        match count.checked_sub(32) {
            Some(upper) if upper > 0 => {
                let upper = self.short(upper)?;
                Ok(upper << 32 | self.short(32)?)
            }
            _ => self.short(count),
        }
    }

    /// At most 32 bits.
    #[inline]
    fn short(&mut self, count: u32) -> Result<u64, Fault> {
        if count == 0 {
            return Ok(0);
        }
        if self.count < count {
            self.refill()?;
            if self.count < count {
                return Err(Fault::Broken("a number is cut short"));
            }
        }
        let value = self.ahead.wrapping_shr(64_u32.wrapping_sub(count));
        self.skip(count);
        Ok(value)
    }

    #[inline]
    fn skip(&mut self, count: u32) {
        self.ahead = self.ahead.checked_shl(count).unwrap_or(0);
        self.count = self.count.wrapping_sub(count);
    }

    /// Counts the ones before the next zero; more than `limit` is refused.
    #[inline]
    fn unary(&mut self, limit: u64) -> Result<u64, Fault> {
        let mut ones: u64 = 0;
        loop {
            let run = self.ahead.leading_ones().min(self.count);
            ones = ones.saturating_add(u64::from(run));
            if ones > limit {
                return Err(Fault::Broken("a gap leads beyond 64 bits"));
            }
            if run < self.count {
                self.skip(run.wrapping_add(1));
                return Ok(ones);
            }
            self.skip(run);
            self.refill()?;
            if self.count == 0 {
                return Err(Fault::Broken("a number is cut short"));
            }
        }
    }

    /// Goes on at the next whole byte; the bits up to there must be zeros.
    pub(super) fn align(&mut self) -> Result<(), Fault> {
        if self.short(self.count & 7)? == 0 {
            Ok(())
        } else {
            Err(Fault::Broken("a padding bit is set"))
        }
    }
}

/// How many low bits of a gap are written as they are, where there are so many
/// fingerprints: about the logarithm of the mean gap, which is the best choice.
fn low_bits(count: u64) -> u32 {
    count.leading_zeros().min(63)
}

/// How many bits number so many bounds.
fn index_bits(bounds: usize) -> u32 {
    let last = bounds.saturating_sub(1) as u64;
    64_u32.wrapping_sub(last.leading_zeros())
}

/// Writes fingerprints that are sorted and without doubles, each with the earliest
/// of the (sorted) bounds that is not before its end.
pub(super) fn write_fingerprints(entries: &[Entry], bounds: &[u32], out: &mut BitWriter) {
    out.bits(bounds.len() as u64, 16);
    for bound in bounds {
        out.bits(u64::from(*bound), 32);
    }
    let (low, width) = (low_bits(entries.len() as u64), index_bits(bounds.len()));
    let mut expected: u64 = 0;
    for entry in entries {
        // Doubles cannot be written: what is coded is how many numbers are left out.
        let gap = entry.fingerprint.wrapping_sub(expected);
        expected = entry.fingerprint.wrapping_add(1);
        out.unary(gap.wrapping_shr(low));
        out.bits(gap, low);
        let index = bounds.partition_point(|bound| *bound < entry.until);
        out.bits(index as u64, width);
    }
    out.align();
}

/// Reads so many fingerprints. The memory taken follows what arrives, not what
/// `count` promises.
pub(super) fn read_fingerprints(
    count: u64,
    input: &mut BitReader<'_, '_>,
) -> Result<Vec<Entry>, Fault> {
    let bounds = read_bounds(count, input)?;
    let (low, width) = (low_bits(count), index_bits(bounds.len()));
    let least = u64::from(low)
        .saturating_add(1)
        .saturating_add(u64::from(width));
    if count.saturating_mul(least) > input.left() {
        return Err(Fault::Broken("there are fewer bits than fingerprints need"));
    }
    // All gaps together are below 2^64, so their high parts are below this.
    let highest = u64::MAX.checked_shr(low).unwrap_or(0);
    let mut used = vec![false; bounds.len()];
    let mut entries = Vec::new();
    let mut expected = Some(0_u64);
    for _ in 0..count {
        let high = input.unary(highest)?;
        let gap = high.wrapping_shl(low) | input.bits(low)?;
        let fingerprint = expected
            .and_then(|expected| expected.checked_add(gap))
            .ok_or(Fault::Broken("a gap leads beyond 64 bits"))?;
        expected = fingerprint.checked_add(1);
        let index = input.bits(width)? as usize;
        let (Some(until), Some(used)) = (bounds.get(index), used.get_mut(index)) else {
            return Err(Fault::Broken("an end is numbered that is not there"));
        };
        *used = true;
        let until = *until;
        entries.push(Entry { fingerprint, until });
    }
    input.align()?;
    if used.contains(&false) {
        return Err(Fault::Broken("an end is listed that nothing has"));
    }
    Ok(entries)
}

fn read_bounds(count: u64, input: &mut BitReader<'_, '_>) -> Result<Vec<u32>, Fault> {
    let bounds = input.bits(16)?;
    if bounds > count || (bounds == 0 && count > 0) {
        return Err(Fault::Broken(
            "there are more ends than fingerprints, or none",
        ));
    }
    let mut ends = Vec::new();
    for _ in 0..bounds {
        let end = input.bits(32)? as u32;
        if ends.last().is_some_and(|last| *last >= end) {
            return Err(Fault::Broken("the ends are not in order"));
        }
        ends.push(end);
    }
    Ok(ends)
}
