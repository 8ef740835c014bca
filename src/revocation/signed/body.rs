//! The body of a list: fingerprints of tokens, of sessions, and all else in full.

use super::bits::{BitReader, BitWriter, read_fingerprints, write_fingerprints};
use super::error::{DistributionError, DistributionErrorKind, Fault};
use super::head::Head;
use super::input::Input;
use crate::limits::{MAX_LIST_NUMBER, MAX_TOKEN_BYTES};
use crate::revocation::table::Entry;
use crate::revocation::{Revocation, RevokedBy};
use crate::time::UnixTime;

/// The fewest bytes that an entry in full can take: its kind, two lengths, two times.
const LEAST_ENTRY_BYTES: u64 = 1 + 2 + 2 + 8 + 8;

/// How many ends a section can name.
const MOST_ENDS: usize = u16::MAX as usize;

/// How exactly the ends of fingerprints are written.
#[derive(Clone, Copy)]
pub(super) enum Ends {
    /// To the second: for a delta, whose entries may be kept for long.
    Exact,
    /// Rounded up to one of so many: for a snapshot, which the next one replaces.
    Rounded(usize),
}

/// What a body holds.
#[derive(Default)]
pub(super) struct Sections {
    pub(super) tokens: Vec<Entry>,
    pub(super) sessions: Vec<Entry>,
    pub(super) others: Vec<Revocation<'static>>,
}

impl Sections {
    /// How many tokens, sessions and others there are.
    pub(super) fn counts(&self) -> [u64; 3] {
        [self.tokens.len(), self.sessions.len(), self.others.len()].map(|count| count as u64)
    }

    /// The last second for which anything here is kept.
    pub(super) fn latest_end(&self) -> Option<u64> {
        let fingerprints = self.tokens.iter().chain(&self.sessions);
        let ends = fingerprints.map(|entry| u64::from(entry.until));
        let of_others = self.others.iter().map(|entry| {
            let seconds = whole_seconds(entry.until());
            u64::try_from(seconds).unwrap_or(0).min(MAX_LIST_NUMBER)
        });
        ends.chain(of_others).max()
    }
}

/// An end in whole seconds, rather too late than too early.
fn whole_seconds(until: UnixTime) -> i64 {
    let fraction = i64::from(until.subsec_nanoseconds() > 0);
    until.seconds().saturating_add(fraction)
}

/// Writes a body. Both runs of fingerprints are sorted and without doubles.
pub(super) fn write_body(sections: Sections, ends: Ends) -> Result<Vec<u8>, DistributionError> {
    let mut out = BitWriter::new();
    for section in [&sections.tokens, &sections.sessions] {
        let bounds = bounds(section, ends);
        write_fingerprints(section, &bounds, &mut out);
    }
    let mut others = sections.others;
    others.sort_by(|one, other| order(one).cmp(&order(other)));
    let mut bytes = Vec::new();
    for entry in &others {
        write_entry(entry, &mut bytes)?;
    }
    out.bytes(&bytes);
    Ok(out.into_bytes())
}

/// The ends to round up to: quantiles, so that none of them stands for much more
/// than its share. What is kept for ever does not drag others with it.
fn bounds(section: &[Entry], ends: Ends) -> Vec<u32> {
    let mut all: Vec<u32> = section.iter().map(|entry| entry.until).collect();
    all.sort_unstable();
    let wanted = match ends {
        Ends::Exact => MOST_ENDS,
        Ends::Rounded(wanted) => wanted,
    };
    let mut exact = all.clone();
    exact.dedup();
    if exact.len() <= wanted {
        return exact;
    }
    let for_ever = all.last() == Some(&u32::MAX);
    all.truncate(all.partition_point(|end| *end < u32::MAX));
    let parts = wanted.saturating_sub(usize::from(for_ever)).max(1);
    let mut bounds: Vec<u32> = (1..=parts)
        .filter_map(|part| {
            let place = all.len().saturating_mul(part).div_ceil(parts);
            all.get(place.saturating_sub(1)).copied()
        })
        .collect();
    bounds.dedup();
    bounds.extend(for_ever.then_some(u32::MAX));
    bounds
}

/// Reads the body that a head describes, up to its end.
pub(super) fn read_body(head: &Head, input: &mut Input<'_>) -> Result<Sections, Fault> {
    let mut input = BitReader::new(input);
    let tokens = read_fingerprints(head.tokens, &mut input)?;
    let sessions = read_fingerprints(head.sessions, &mut input)?;
    let others = read_entries(head.others, &mut input)?;
    if input.left() > 0 {
        return Err(Fault::Broken("more follows the last entry"));
    }
    let sections = Sections {
        tokens,
        sessions,
        others,
    };
    if sections.latest_end() != head.until {
        return Err(Fault::Broken("its last end is not the one in the head"));
    }
    Ok(sections)
}

/// Entries are sorted by kind, issuer and name, as bytes.
fn order<'e>(entry: &'e Revocation<'_>) -> (u8, &'e [u8], &'e [u8]) {
    let name = entry.name().as_bytes();
    (number_of(entry.by()), entry.issuer().as_bytes(), name)
}

/// The number that stands for a kind, and never for another one.
fn number_of(by: RevokedBy) -> u8 {
    match by {
        RevokedBy::Token => 1,
        RevokedBy::Session => 2,
        RevokedBy::Subject => 3,
        RevokedBy::Audience => 4,
        RevokedBy::Issuer => 5,
        RevokedBy::Key => 6,
        // No constructor of an entry makes these.
        RevokedBy::Status | RevokedBy::Application => u8::MAX,
    }
}

/// Appends one entry in full: kind, issuer, name, the instant if its kind has one,
/// and when it was made and how long it is kept, in whole seconds.
pub(super) fn write_entry(
    entry: &Revocation<'_>,
    out: &mut Vec<u8>,
) -> Result<(), DistributionError> {
    out.push(number_of(entry.by()));
    for text in [entry.issuer(), entry.name()] {
        let length = u16::try_from(text.len()).ok();
        let Some(length) = length.filter(|length| usize::from(*length) <= MAX_TOKEN_BYTES) else {
            let limit = MAX_TOKEN_BYTES;
            return Err(DistributionErrorKind::EntryTooLong { limit }.into());
        };
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(text.as_bytes());
    }
    if let Some(before) = entry.issued_before() {
        out.extend_from_slice(&before.seconds().to_be_bytes());
        out.extend_from_slice(&before.subsec_nanoseconds().to_be_bytes());
    }
    out.extend_from_slice(&entry.since().seconds().to_be_bytes());
    out.extend_from_slice(&whole_seconds(entry.until()).to_be_bytes());
    Ok(())
}

fn read_entries(
    count: u64,
    input: &mut BitReader<'_, '_>,
) -> Result<Vec<Revocation<'static>>, Fault> {
    if count.saturating_mul(LEAST_ENTRY_BYTES) > input.left() / 8 {
        return Err(Fault::Broken("there are fewer bytes than entries need"));
    }
    let mut entries: Vec<Revocation<'static>> = Vec::new();
    for _ in 0..count {
        let entry = read_entry(input)?;
        if entries
            .last()
            .is_some_and(|last| order(last) >= order(&entry))
        {
            return Err(Fault::Broken("the entries are not in order"));
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn read_entry(input: &mut BitReader<'_, '_>) -> Result<Revocation<'static>, Fault> {
    let by = match input.bits(8)? {
        3 => RevokedBy::Subject,
        4 => RevokedBy::Audience,
        5 => RevokedBy::Issuer,
        6 => RevokedBy::Key,
        _ => return Err(Fault::Broken("an entry is of no known kind")),
    };
    let issuer = read_text(input)?;
    let name = read_text(input)?;
    if by == RevokedBy::Issuer && !name.is_empty() {
        return Err(Fault::Broken("an entry for a whole issuer has a name"));
    }
    let issued_before = if by == RevokedBy::Key {
        None
    } else {
        Some(read_instant(input)?)
    };
    let since = UnixTime::from_seconds(read_seconds(input)?);
    let until = UnixTime::from_seconds(read_seconds(input)?);
    let times = [since, until];
    Ok(Revocation::restored(by, issuer, name, issued_before, times))
}

fn read_instant(input: &mut BitReader<'_, '_>) -> Result<UnixTime, Fault> {
    let seconds = read_seconds(input)?;
    let nanoseconds = input.bits(32)? as u32;
    if nanoseconds > 999_999_999 {
        return Err(Fault::Broken(
            "an instant has more than a second of fraction",
        ));
    }
    Ok(UnixTime::new(seconds, nanoseconds))
}

fn read_text(input: &mut BitReader<'_, '_>) -> Result<String, Fault> {
    let length = input.bits(16)?;
    if length > MAX_TOKEN_BYTES as u64 {
        return Err(Fault::Broken("a name is too long"));
    }
    let mut bytes = Vec::new();
    for _ in 0..length {
        bytes.push(input.bits(8)? as u8);
    }
    String::from_utf8(bytes).map_err(|_| Fault::Broken("a name is not UTF-8"))
}

fn read_seconds(input: &mut BitReader<'_, '_>) -> Result<i64, Fault> {
    Ok(input.bits(64)?.cast_signed())
}
