//! The head of a list in a bucket: numbers, and the names of the objects with entries.

use serde::{Deserialize, Serialize};

use crate::encoding::base64url;
use crate::store::shared::StoredHead;

/// The layout that this program reads and writes.
pub(super) const LAYOUT: u32 = 1;

/// Entries that were written together, in an object of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Segment {
    pub(super) name: String,
    /// The number before its first entry: those inside count from here.
    pub(super) base: u64,
    /// The number of its last entry.
    pub(super) last: u64,
    pub(super) entries: u64,
}

/// `revocations.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) layout: u32,
    list: String,
    fingerprint_key: String,
    pub(super) epoch: u64,
    pub(super) seq: u64,
    pub(super) base: u64,
    pub(super) observed: i64,
    pub(super) segments: Vec<Segment>,
}

/// The layout alone, of whatever program.
#[derive(Deserialize)]
struct Layout {
    layout: u32,
}

impl Head {
    pub(super) fn new(head: &StoredHead) -> Self {
        Self {
            layout: LAYOUT,
            list: base64url::encode(&head.list),
            fingerprint_key: base64url::encode(&head.fingerprint_key),
            epoch: head.epoch,
            seq: head.seq,
            base: head.base,
            observed: head.observed,
            segments: Vec::new(),
        }
    }

    /// What is in the bytes; else the layout that they name, if they name one.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Option<u32>> {
        match serde_json::from_slice::<Self>(bytes) {
            Ok(head) if head.layout == LAYOUT => Ok(head),
            Ok(head) => Err(Some(head.layout)),
            Err(_) => {
                let layout = serde_json::from_slice::<Layout>(bytes).ok();
                Err(layout
                    .map(|named| named.layout)
                    .filter(|layout| *layout != LAYOUT))
            }
        }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        // Numbers and text cannot fail to be written.
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(super) fn entries(&self) -> u64 {
        self.segments
            .iter()
            .fold(0, |sum, segment| sum.saturating_add(segment.entries))
    }

    /// The head as every list has it; `None` if its ids are none.
    pub(super) fn stored(&self) -> Option<StoredHead> {
        let bytes = |text: &str| {
            let bytes = base64url::decode(text.as_bytes()).ok()?;
            <[u8; 16]>::try_from(bytes).ok()
        };
        Some(StoredHead {
            list: bytes(&self.list)?,
            fingerprint_key: bytes(&self.fingerprint_key)?,
            epoch: self.epoch,
            seq: self.seq,
            base: self.base,
            entries: self.entries(),
            observed: self.observed,
        })
    }
}
