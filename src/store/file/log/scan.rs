//! Reading `revocations.log` from beginning to end, record by record.

use std::io;

use super::format::{
    BadHeader, CHECKSUM_BYTES, Checksum, HEAD_BYTES, HEADER_BYTES, Head, Header, MOST_BODY_BYTES,
    RECORD, RecordKind, checksum,
};
use crate::revocation::Revocation;
use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::file::folder::Folder;
use crate::store::file::system::FileSystem;
use crate::store::revocations::{ListHead, Position, decode, is_plausible};
use crate::time::UnixTime;

/// Bytes asked of the system at once.
const CHUNK: usize = 256 * 1024;

/// How far a file has been read, and what was learned.
#[derive(Clone)]
pub(super) struct Progress {
    pub(super) header: Header,
    /// Where the next record begins.
    pub(super) offset: u64,
    /// The checksum before it.
    pub(super) chain: Checksum,
    /// The number of the last entry.
    pub(super) entry_seq: u64,
    pub(super) entries: u64,
    pub(super) observed: UnixTime,
    /// Where the last record begins.
    pub(super) last_record: Option<u64>,
    /// Where the records end that were written with the file.
    pub(super) kept_end: u64,
    /// Whether a writer has seen the folder's sync succeed after the file got its name.
    pub(super) named: bool,
}

impl Progress {
    pub(super) fn new(header: Header, chain: Checksum) -> Self {
        Self {
            header,
            offset: HEADER_BYTES as u64,
            chain,
            entry_seq: 0,
            entries: 0,
            observed: UnixTime::from_seconds(header.observed),
            last_record: None,
            kept_end: HEADER_BYTES as u64,
            named: false,
        }
    }

    /// The number that the list has reached.
    pub(super) fn seq(&self) -> u64 {
        self.entry_seq.max(self.header.base)
    }

    pub(super) fn position(&self) -> Position {
        Position {
            list: self.header.list,
            epoch: self.header.epoch,
            seq: self.seq(),
        }
    }

    pub(super) fn head(&self) -> ListHead {
        ListHead {
            position: self.position(),
            fingerprint_key: self.header.fingerprint_key,
            base: self.header.base,
            entries: self.entries,
            bytes: self.offset,
            observed_at: self.observed,
        }
    }

    /// One more whole record.
    pub(super) fn pass(&mut self, head: &Head, chain: Checksum) {
        self.last_record = Some(self.offset);
        self.offset = self.offset.saturating_add(head.record_bytes() as u64);
        self.chain = chain;
        self.entry_seq = head.seq;
        self.entries = self.entries.saturating_add(u64::from(head.entries));
        match head.kind {
            RecordKind::Kept => self.kept_end = self.offset,
            RecordKind::Added | RecordKind::Mark if is_plausible(self.observed, head.clock()) => {
                self.observed = self.observed.max(head.clock());
            }
            RecordKind::Added | RecordKind::Mark => {}
            RecordKind::ClockAccepted => self.observed = head.clock(),
        }
        self.named |= head.kind != RecordKind::Kept;
    }
}

/// An open log.
pub(super) struct Log<'l, F: FileSystem> {
    pub(super) folder: &'l Folder<'l, F>,
    pub(super) name: &'l str,
    pub(super) file: F::Handle,
    /// Its length when it was opened.
    pub(super) size: u64,
}

impl<F: FileSystem> Log<'_, F> {
    /// The header and what follows from it; the handle stands behind it.
    pub(super) fn begin(&mut self) -> Result<Progress, StoreError> {
        let mut bytes = [0; HEADER_BYTES];
        let found = match self.read_up_to(&mut bytes)? {
            HEADER_BYTES => match Header::decode(&bytes) {
                Ok((header, chain)) => return Ok(Progress::new(header, chain)),
                Err(BadHeader::Damaged) => "another one".to_owned(),
                Err(BadHeader::Version(version)) => {
                    return Err(self.newer(version));
                }
            },
            0 => "an empty file".to_owned(),
            length => format!("{length} bytes"),
        };
        Err(StoreError::new(
            StoreErrorKind::Damaged,
            &self.folder.word(self.name),
            "the header of a revocation list at byte 0",
            &found,
            "nothing was changed; put the last backup of this file back",
        ))
    }

    fn newer(&self, version: u32) -> StoreError {
        StoreError::new(
            StoreErrorKind::Damaged,
            &self.folder.word(self.name),
            "a revocation list of format 1",
            &format!("one of format {version}"),
            "nothing was changed; use the version of tokenwright that wrote it",
        )
    }

    /// Reads on from where `progress` ends, up to the length the file had when it was
    /// opened, and hands out entries whose number is above `after`; none if that is
    /// `None`. Returns the number of bytes at the end that are no whole record.
    pub(super) fn go_on(
        &mut self,
        progress: &mut Progress,
        after: Option<u64>,
        each: &mut dyn FnMut(u64, Revocation<'_>),
    ) -> Result<u64, StoreError> {
        let mut window = Window::default();
        loop {
            let left = self.size.saturating_sub(progress.offset);
            if left == 0 {
                return Ok(0);
            }
            let head = window.show(self, HEAD_BYTES, progress.offset)?;
            let head = Head::decode(head, &progress.header.file, progress.offset);
            let Some(head) = head else {
                return self.broken_head(&mut window, progress, left);
            };
            let length = head.record_bytes();
            if head.length as usize > MOST_BODY_BYTES {
                return Err(self.damaged(progress.offset));
            }
            if length as u64 > left {
                return Ok(left);
            }
            let record = window.show(self, length, progress.offset)?;
            if record.len() < length {
                return Ok(record.len() as u64);
            }
            let Some((covered, stored)) = record.split_last_chunk::<CHECKSUM_BYTES>() else {
                return Err(self.damaged(progress.offset));
            };
            let chain = checksum(&progress.chain, covered);
            if chain != *stored {
                if length as u64 == left {
                    return Ok(left);
                }
                return Err(self.damaged(progress.offset));
            }
            if after.is_some_and(|after| head.seq > after) {
                let body = covered.get(HEAD_BYTES..).unwrap_or_default();
                let after = after.unwrap_or_default();
                let last = decode(
                    body,
                    head.entries,
                    head.clock,
                    progress.entry_seq,
                    &mut |seq, entry| {
                        if seq > after {
                            each(seq, entry);
                        }
                    },
                );
                if last != Some(head.seq) {
                    return Err(self.damaged(progress.offset));
                }
            }
            progress.pass(&head, chain);
            window.consume(length);
        }
    }

    /// No record begins here. If another one begins further on, this one was whole
    /// once, since each is synced before the next is written; else it is torn.
    fn broken_head(
        &mut self,
        window: &mut Window,
        progress: &Progress,
        left: u64,
    ) -> Result<u64, StoreError> {
        let longest = MOST_BODY_BYTES
            .saturating_add(HEAD_BYTES)
            .saturating_add(CHECKSUM_BYTES);
        let Some(length) = usize::try_from(left).ok().filter(|left| *left <= longest) else {
            return Err(self.damaged(progress.offset));
        };
        let rest = window.show(self, length, progress.offset)?;
        for (distance, window) in rest.windows(HEAD_BYTES).enumerate().skip(1) {
            let offset = progress.offset.saturating_add(distance as u64);
            if window.starts_with(RECORD)
                && Head::decode(window, &progress.header.file, offset).is_some()
            {
                return Err(self.damaged(progress.offset));
            }
        }
        Ok(left)
    }

    fn damaged(&self, offset: u64) -> StoreError {
        StoreError::new(
            StoreErrorKind::Damaged,
            &self.folder.word(self.name),
            &format!("a whole record at byte {offset}"),
            "a damaged one, with others behind it",
            "nothing was changed, since something may have been revoked there: put the last \
             backup of this file back, then begin a new epoch",
        )
    }

    pub(super) fn seek(&mut self, offset: u64) -> Result<(), StoreError> {
        let sought = self.folder.files.seek(&mut self.file, offset);
        sought.map_err(|error| self.unreadable(&error))
    }

    /// Fills the buffer as far as the file goes.
    pub(super) fn read_up_to(&mut self, buffer: &mut [u8]) -> Result<usize, StoreError> {
        let mut filled = 0_usize;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.folder.files.read(&mut self.file, rest) {
                Ok(0) => break,
                Ok(count) => filled = filled.saturating_add(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.unreadable(&error)),
            }
        }
        Ok(filled)
    }

    fn unreadable(&self, error: &io::Error) -> StoreError {
        self.folder
            .file_error(error, self.name, "to read this file")
    }
}

/// The part of a file that is in memory.
#[derive(Default)]
struct Window {
    bytes: Vec<u8>,
    start: usize,
}

impl Window {
    /// The next `length` bytes of a file from an offset on, or fewer at its end.
    fn show<F: FileSystem>(
        &mut self,
        log: &mut Log<'_, F>,
        length: usize,
        offset: u64,
    ) -> Result<&[u8], StoreError> {
        let left = usize::try_from(log.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let length = length.min(left);
        let held = self.bytes.len().saturating_sub(self.start);
        if held < length {
            self.bytes.drain(..self.start);
            self.start = 0;
            let wanted = length.max(CHUNK).min(left);
            self.bytes.resize(wanted, 0);
            let buffer = self.bytes.get_mut(held..).unwrap_or_default();
            let count = log.read_up_to(buffer)?;
            if count < buffer.len() {
                // A writer has cut off a torn tail since the file was opened.
                self.bytes.truncate(held.saturating_add(count));
                log.size = offset.saturating_add(self.bytes.len() as u64);
            }
        }
        let end = self.start.saturating_add(length).min(self.bytes.len());
        Ok(self.bytes.get(self.start..end).unwrap_or_default())
    }

    fn consume(&mut self, length: usize) {
        self.start = self.start.saturating_add(length);
    }
}
