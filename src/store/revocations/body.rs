//! Entries in the body of a record, as files and servers keep them.
//!
//! ```text
//! step of seq · tag u8 · [issuer] · name · since, relative to the writer's clock
//! · until, relative to since · [issued before, relative to since] · [reason]
//! ```
//!
//! An issuer is written out for its first entry of a record and then again only when
//! it changes: nearly always there is one, and it is the longest part.

use super::fields::{Fields, put_number, put_signed, put_text};
use super::restored;
use crate::revocation::{Revocation, RevokedBy};
use crate::time::UnixTime;

const KIND: u8 = 0x0f;
const SAME_ISSUER: u8 = 0x10;
const ISSUED_BEFORE: u8 = 0x20;
const REASON: u8 = 0x40;

const KINDS: [(u8, RevokedBy); 6] = [
    (1, RevokedBy::Token),
    (2, RevokedBy::Session),
    (3, RevokedBy::Subject),
    (4, RevokedBy::Audience),
    (5, RevokedBy::Issuer),
    (6, RevokedBy::Key),
];

/// The body of a record that is being made.
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    pub(crate) entries: u32,
    /// The number of the last entry, or of the one before the first.
    pub(crate) seq: u64,
    clock: i64,
    issuer: Option<String>,
}

impl Body {
    /// An empty body, of a writer whose clock shows that; `seq` is the number before it.
    pub(crate) fn new(seq: u64, clock: i64) -> Self {
        Self {
            bytes: Vec::new(),
            entries: 0,
            seq,
            clock,
            issuer: None,
        }
    }

    pub(crate) fn clock(&self) -> i64 {
        self.clock
    }

    /// Adds an entry whose times are whole seconds.
    pub(crate) fn add(&mut self, entry: &Revocation<'_>, seq: u64) {
        let number = KINDS.iter().find(|(_, by)| *by == entry.by());
        let mut tag = number.map_or(0, |(number, _)| *number);
        let same = self.issuer.as_deref() == Some(entry.issuer());
        for (holds, bit) in [
            (same, SAME_ISSUER),
            (entry.issued_before().is_some(), ISSUED_BEFORE),
            (entry.reason().is_some(), REASON),
        ] {
            tag |= if holds { bit } else { 0 };
        }
        let bytes = &mut self.bytes;
        put_number(bytes, seq.wrapping_sub(self.seq));
        bytes.push(tag);
        if !same {
            put_text(bytes, entry.issuer());
            self.issuer = Some(entry.issuer().to_owned());
        }
        put_text(bytes, entry.name());
        let since = entry.since().seconds();
        put_signed(bytes, since.wrapping_sub(self.clock));
        put_signed(bytes, entry.until().seconds().wrapping_sub(since));
        if let Some(before) = entry.issued_before() {
            put_signed(bytes, before.seconds().wrapping_sub(since));
        }
        if let Some(reason) = entry.reason() {
            put_text(bytes, reason);
        }
        self.seq = seq;
        self.entries = self.entries.saturating_add(1);
    }
}

/// Hands out the entries of a body with their numbers; `None` if they are not what
/// the record's head says.
pub(crate) fn decode(
    body: &[u8],
    count: u32,
    clock: i64,
    mut seq: u64,
    each: &mut dyn FnMut(u64, Revocation<'_>),
) -> Option<u64> {
    let mut fields = Fields(body);
    let mut issuer: Option<&str> = None;
    for _ in 0..count {
        seq = seq.checked_add(fields.number()?)?;
        let tag = fields.byte()?;
        let (_, by) = KINDS.iter().find(|(number, _)| *number == tag & KIND)?;
        if tag & SAME_ISSUER == 0 {
            issuer = Some(fields.text()?);
        }
        let name = fields.text()?;
        let since = clock.wrapping_add(fields.signed()?);
        let until = since.wrapping_add(fields.signed()?);
        let before = match tag & ISSUED_BEFORE {
            0 => None,
            _ => Some(since.wrapping_add(fields.signed()?)),
        };
        let reason = match tag & REASON {
            0 => None,
            _ => Some(fields.text()?),
        };
        let at = UnixTime::from_seconds;
        let entry = restored(
            *by,
            [issuer?, name],
            before.map(at),
            [at(since), at(until)],
            reason,
        );
        each(seq, entry);
    }
    fields.0.is_empty().then_some(seq)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_every_kind_and_at_every_end_of_time_come_back_as_they_were() {
        let at = UnixTime::from_seconds;
        let ends = [i64::MIN, -1, 0, 1, 1_760_000_000, i64::MAX];
        for clock in ends {
            let mut body = Body::new(7, clock);
            let mut put = Vec::new();
            for (position, first) in ends.into_iter().enumerate() {
                for second in ends {
                    let kinds = [
                        Revocation::token("i", "a", at(first), at(second)),
                        Revocation::session("i", "é", at(first), at(second)).with_reason("why"),
                        Revocation::subject_before("j", "", at(second), at(first), at(second)),
                        Revocation::audience_before("", "x", at(first), at(first), at(second)),
                        Revocation::issuer_before("i", at(first), at(second), at(second)),
                        Revocation::key("i", "k".repeat(300), at(first), at(second)),
                    ];
                    put.extend(kinds.into_iter().map(|entry| (position as u64, entry)));
                }
            }
            let mut seq = 7;
            for (step, entry) in &mut put {
                seq += *step + 1;
                *step = seq;
                body.add(entry, seq);
            }
            let mut found = Vec::new();
            let last = decode(&body.bytes, body.entries, clock, 7, &mut |seq, entry| {
                found.push((seq, entry.into_owned()));
            });
            assert_eq!((last, &found), (Some(seq), &put));
            for length in (0..body.bytes.len()).step_by(501) {
                let cut = &body.bytes[..length];
                assert_eq!(decode(cut, body.entries, clock, 7, &mut |_, _| {}), None);
            }
        }
    }
}
