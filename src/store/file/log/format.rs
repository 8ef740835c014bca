//! The bytes of `revocations.log`: a header, then records, all numbers little-endian.
//!
//! ```text
//! header  104  "twrevoke" · version u32 · 0 u32 · list id 16 · fingerprint key 16
//!              · epoch u64 · base u64 · observed i64 · file id 16 · check 16
//! record   40  "rec\n" · kind u32 · length u32 · entries u32 · seq u64 · clock i64 · check 8
//!         ...  the body, `length` bytes: entries
//!          16  checksum
//! ```
//!
//! Three digests, all of SHA-256 (already linked, and processors have instructions
//! for it), cut to what is needed:
//!
//! - the header's check covers the header;
//! - a record's check covers its first 32 bytes, its offset and the file's random id,
//!   so that the length can be believed before the body is read, and so that nobody
//!   can put a record's beginning into the name of an entry;
//! - a record's checksum covers the checksum before it, the record's head and the
//!   body: records cannot be exchanged, and a reader who remembers one checksum
//!   notices when the history before it has become another.

use sha2::{Digest as _, Sha256};

use crate::store::revocations::{Fields, ListId};
use crate::time::UnixTime;

pub(super) const HEADER_BYTES: usize = 104;
pub(super) const HEAD_BYTES: usize = 40;
pub(super) const CHECKSUM_BYTES: usize = 16;
/// Longest body of a record. Each record is synced before the next is written, so
/// this bounds what a torn tail can be.
pub(super) const MOST_BODY_BYTES: usize = 1024 * 1024;

const MAGIC: &[u8; 8] = b"twrevoke";
const VERSION: u32 = 1;
pub(super) const RECORD: &[u8; 4] = b"rec\n";

pub(super) type Checksum = [u8; CHECKSUM_BYTES];

/// The beginning of the file. It is written once, with the file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) list: ListId,
    pub(super) fingerprint_key: [u8; 16],
    pub(super) epoch: u64,
    /// Where the list stood when entries were last dropped.
    pub(super) base: u64,
    /// The last plausible time of a writer's clock when the file was made.
    pub(super) observed: i64,
    /// Random, of this file alone.
    pub(super) file: [u8; 16],
}

/// What a header is that cannot be used.
pub(super) enum BadHeader {
    /// Not one of ours, or damaged.
    Damaged,
    /// Of a later program.
    Version(u32),
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(self.list.as_bytes());
        bytes.extend_from_slice(&self.fingerprint_key);
        bytes.extend_from_slice(&self.epoch.to_le_bytes());
        bytes.extend_from_slice(&self.base.to_le_bytes());
        bytes.extend_from_slice(&self.observed.to_le_bytes());
        bytes.extend_from_slice(&self.file);
        let check = cut::<16>(Sha256::digest(&bytes));
        bytes.extend_from_slice(&check);
        bytes
    }

    /// The header, and the checksum from which the records' checksums go on.
    pub(super) fn decode(bytes: &[u8]) -> Result<(Self, Checksum), BadHeader> {
        let mut fields = Fields(bytes);
        let decoded = (|| {
            let magic = fields.take::<8>()? == *MAGIC;
            let version = u32::from_le_bytes(fields.take()?);
            fields.take::<4>()?;
            let header = Self {
                list: ListId::new(fields.take()?),
                fingerprint_key: fields.take()?,
                epoch: u64::from_le_bytes(fields.take()?),
                base: u64::from_le_bytes(fields.take()?),
                observed: i64::from_le_bytes(fields.take()?),
                file: fields.take()?,
            };
            let covered = bytes.len().checked_sub(fields.0.len())?;
            let check = fields.take::<16>()?;
            let computed = cut::<16>(Sha256::digest(bytes.get(..covered)?));
            (magic && check == computed).then_some((version, header, check))
        })();
        match decoded {
            Some((VERSION, header, check)) => Ok((header, check)),
            Some((version, ..)) => Err(BadHeader::Version(version)),
            None => Err(BadHeader::Damaged),
        }
    }
}

/// What a record is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecordKind {
    /// Entries that were added.
    Added,
    /// Entries that were kept when the file was made.
    Kept,
    /// Nothing: it says that the file's name is durable, and what the clock showed.
    Mark,
    /// The same, and a person has looked at the clock.
    ClockAccepted,
}

impl RecordKind {
    const fn number(self) -> u32 {
        match self {
            Self::Added => 1,
            Self::Kept => 2,
            Self::Mark => 3,
            Self::ClockAccepted => 4,
        }
    }

    fn of(number: u32) -> Option<Self> {
        [Self::Added, Self::Kept, Self::Mark, Self::ClockAccepted]
            .into_iter()
            .find(|kind| kind.number() == number)
    }
}

/// The beginning of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) kind: RecordKind,
    /// Bytes of the body.
    pub(super) length: u32,
    pub(super) entries: u32,
    /// The number of its last entry; of the entry before, if it has none.
    pub(super) seq: u64,
    /// What the writer's clock showed, in seconds.
    pub(super) clock: i64,
}

impl Head {
    /// The beginning of a record at this offset of a file.
    pub(super) fn encode(&self, file: &[u8; 16], offset: u64) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        let parts: [&[u8]; 6] = [
            RECORD,
            &self.kind.number().to_le_bytes(),
            &self.length.to_le_bytes(),
            &self.entries.to_le_bytes(),
            &self.seq.to_le_bytes(),
            &self.clock.to_le_bytes(),
        ];
        let mut covered = Vec::with_capacity(HEAD_BYTES);
        parts
            .iter()
            .for_each(|part| covered.extend_from_slice(part));
        let check = head_check(file, offset, &covered);
        covered.extend_from_slice(&check);
        for (to, from) in bytes.iter_mut().zip(covered) {
            *to = from;
        }
        bytes
    }

    /// `None` unless these bytes were written as the beginning of a record at this
    /// very place.
    pub(super) fn decode(bytes: &[u8], file: &[u8; 16], offset: u64) -> Option<Self> {
        let (covered, check) = bytes.get(..HEAD_BYTES)?.split_last_chunk::<8>()?;
        let mut fields = Fields(covered);
        if fields.take()? != *RECORD || head_check(file, offset, covered) != *check {
            return None;
        }
        Some(Self {
            kind: RecordKind::of(u32::from_le_bytes(fields.take()?))?,
            length: u32::from_le_bytes(fields.take()?),
            entries: u32::from_le_bytes(fields.take()?),
            seq: u64::from_le_bytes(fields.take()?),
            clock: i64::from_le_bytes(fields.take()?),
        })
    }

    /// What the writer's clock showed.
    pub(super) fn clock(&self) -> UnixTime {
        UnixTime::from_seconds(self.clock)
    }

    /// Bytes of the whole record.
    pub(super) fn record_bytes(&self) -> usize {
        let body = usize::try_from(self.length).unwrap_or(usize::MAX);
        body.saturating_add(HEAD_BYTES)
            .saturating_add(CHECKSUM_BYTES)
    }
}

fn head_check(file: &[u8; 16], offset: u64, covered: &[u8]) -> [u8; 8] {
    let digest = Sha256::new()
        .chain_update(file)
        .chain_update(offset.to_le_bytes())
        .chain_update(covered)
        .finalize();
    cut(digest)
}

/// The checksum of a record that follows one with the checksum `before`.
pub(super) fn checksum(before: &Checksum, head_and_body: &[u8]) -> Checksum {
    let digest = Sha256::new()
        .chain_update(before)
        .chain_update(head_and_body)
        .finalize();
    cut(digest)
}

fn cut<const N: usize>(digest: impl IntoIterator<Item = u8>) -> [u8; N] {
    let mut bytes = [0; N];
    for (to, from) in bytes.iter_mut().zip(digest) {
        *to = from;
    }
    bytes
}
