//! What a list is, how far it has come, and what a call has done to it.

use std::fmt;

use crate::store::error::StoreError;
use crate::time::UnixTime;

/// Names one list, for ever: 16 random bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListId([u8; 16]);

impl ListId {
    /// The id with these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for ListId {
    /// 22 characters of base64url.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::encoding::base64url::encode(&self.0))
    }
}

impl fmt::Debug for ListId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ListId({self})")
    }
}

/// How far a list has come: it says what a reader has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// Which list.
    pub list: ListId,
    /// Which history of it: see [`RevocationStore::begin_epoch`](super::RevocationStore::begin_epoch).
    pub epoch: u64,
    /// The number of the last entry or pruning.
    pub seq: u64,
}

impl Position {
    /// Whether a reader at `self` may go on to `other`: the same list, and not back.
    #[must_use]
    pub fn may_become(&self, other: &Self) -> bool {
        self.list == other.list && (self.epoch, self.seq) <= (other.epoch, other.seq)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "list {}, epoch {}, seq {}",
            self.list, self.epoch, self.seq
        )
    }
}

/// What a list is and how far it has come.
#[derive(Clone, PartialEq, Eq)]
pub struct ListHead {
    /// Where it stands.
    pub position: Position,
    /// The key of this list's fingerprints. Whoever knows it can look for ids whose
    /// fingerprints collide, so it is not printed.
    pub fingerprint_key: [u8; 16],
    /// The number at which entries were last dropped: a view made before holds more.
    pub base: u64,
    /// How many entries are kept, repeated ones and those whose time has passed included.
    pub entries: u64,
    /// How many bytes they take where they are kept.
    pub bytes: u64,
    /// The last plausible time that a writer's clock has shown.
    pub observed_at: UnixTime,
}

impl fmt::Debug for ListHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListHead")
            .field("position", &self.position)
            .field("base", &self.base)
            .field("entries", &self.entries)
            .field("bytes", &self.bytes)
            .field("observed_at", &self.observed_at)
            .finish_non_exhaustive()
    }
}

/// What a reading has handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Nothing: the list stands where the reader stood.
    Unchanged,
    /// The entries after the reader's position.
    Since,
    /// All entries.
    Whole,
    /// Nothing: the reader's position is not of this list's history. Compare the
    /// positions ([`Position::may_become`]), then read all.
    Elsewhere,
}

/// A reading of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Where the list stands now.
    pub head: ListHead,
    /// What was handed out.
    pub extent: Extent,
    /// Bytes at the end that are no whole record: somebody is writing, or was
    /// killed while writing. The next writer clears them away.
    pub unfinished: u64,
}

/// Entries were added and are durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Where the list stands now.
    pub head: ListHead,
    /// What else happened, for the operator.
    pub notes: Vec<StoreNote>,
}

/// Entries were dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// Where the list stands now.
    pub head: ListHead,
    /// How many entries were dropped, repeated ones included.
    pub dropped: u64,
    /// What else happened, for the operator.
    pub notes: Vec<StoreNote>,
}

/// Something a person should know although the call has succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreNote {
    /// The last record was torn, by a writer that was killed or a power cut, and
    /// was cut off. It had not been acknowledged.
    TailCut {
        /// The file, as a word of a shell.
        file: String,
        /// Where the torn record began.
        offset: u64,
        /// How many bytes it had.
        bytes: u64,
        /// The file that keeps them, as a word of a shell.
        kept_in: String,
    },
    /// The list was written anew, without what no longer counts.
    Compacted {
        /// How many bytes it had.
        before: u64,
        /// How many it has.
        after: u64,
    },
    /// The list should have been written anew, and could not be. Nothing is lost.
    NotCompacted {
        /// Why not.
        reason: StoreError,
    },
}

impl fmt::Display for StoreNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TailCut {
                file,
                offset,
                bytes,
                kept_in,
            } => write!(
                f,
                "{file}: the last record, {bytes} bytes from byte {offset}, was torn or has been \
                 damaged since; it was cut off and kept in {kept_in}"
            ),
            Self::Compacted { before, after } => write!(
                f,
                "the revocation list was written anew: {before} bytes before, {after} bytes after"
            ),
            Self::NotCompacted { reason } => write!(
                f,
                "the entries are durable, but the revocation list could not be written anew: {reason}"
            ),
        }
    }
}
