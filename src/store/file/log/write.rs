//! Writing `revocations.log` in place, under the lock.

use std::io;

use super::TORN;
use super::format::{CHECKSUM_BYTES, Checksum, Head, RecordKind, checksum};
use super::scan::{Log, Progress};
use crate::revocation::Revocation;
use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::file::system::FileSystem;
use crate::store::revocations::{Body, StoreNote};
use crate::time::UnixTime;

impl<F: FileSystem> Log<'_, F> {
    /// Whether the file still is what it was up to there: checksums cover all that
    /// came before them.
    pub(super) fn still_holds(&mut self, known: &Progress) -> Result<bool, StoreError> {
        let length = known.chain.len() as u64;
        let (Some(before), true) = (known.offset.checked_sub(length), known.offset <= self.size)
        else {
            return Ok(false);
        };
        self.seek(before)?;
        let mut chain = [0; CHECKSUM_BYTES];
        let whole = self.read_up_to(&mut chain)? == chain.len();
        Ok(whole && chain == known.chain)
    }

    /// Cuts off a torn record; its bytes are kept beside the list.
    pub(super) fn cut(
        &mut self,
        progress: &Progress,
        unfinished: u64,
    ) -> Result<StoreNote, StoreError> {
        let mut bytes = vec![0; usize::try_from(unfinished).unwrap_or(usize::MAX)];
        self.seek(progress.offset)?;
        let count = self.read_up_to(&mut bytes)?;
        bytes.truncate(count);
        let kept_in = format!("{TORN}{}", progress.offset);
        self.folder.write(&kept_in, &bytes)?;
        let cut = self.folder.files.truncate(&self.file, progress.offset);
        cut.map_err(|error| self.unwritable(&error))?;
        // Before anything else is written there: of a record that is shorter than what
        // was cut, a power cut could leave the beginning and behind it the old bytes.
        let synced = self.folder.files.sync(&self.file);
        synced.map_err(|error| self.unwritable(&error))?;
        self.size = progress.offset;
        Ok(StoreNote::TailCut {
            file: self.folder.word(self.name),
            offset: progress.offset,
            bytes: unfinished,
            kept_in: self.folder.word(&kept_in),
        })
    }

    /// Writes the same bytes over a record that somebody else may have failed to sync.
    pub(super) fn write_again(&mut self, from: u64, to: u64) -> Result<(), StoreError> {
        let length = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length];
        self.seek(from)?;
        let count = self.read_up_to(&mut bytes)?;
        bytes.truncate(count);
        self.seek(from)?;
        let written = self.folder.write_all(&mut self.file, &bytes);
        written.map_err(|error| self.unwritable(&error))
    }

    /// Appends entries, a record at a time, each synced before the next.
    pub(super) fn add(
        &mut self,
        progress: &mut Progress,
        entries: &[Revocation<'_>],
        now: UnixTime,
        most_body: usize,
    ) -> Result<(), StoreError> {
        let begun = progress.offset;
        let mut rest = entries;
        while !rest.is_empty() {
            let mut body = Body::new(progress.entry_seq, now.seconds());
            let mut seq = progress.seq();
            while let Some((entry, others)) = rest.split_first()
                && body.has_room(entry, most_body)
            {
                seq = seq.saturating_add(1);
                body.add(entry, seq);
                rest = others;
            }
            self.append(progress, RecordKind::Added, &body)
                .map_err(|error| {
                    if progress.offset == begun {
                        return error;
                    }
                    self.some_added(&error)
                })?;
        }
        Ok(())
    }

    /// Appends a record without entries.
    pub(super) fn mark(
        &mut self,
        progress: &mut Progress,
        kind: RecordKind,
        now: UnixTime,
    ) -> Result<(), StoreError> {
        let body = Body::new(progress.entry_seq, now.seconds());
        self.append(progress, kind, &body)
    }

    /// Writes a record at the end and syncs it. What could not be written whole is
    /// taken back; after a failed sync nobody knows.
    pub(super) fn append(
        &mut self,
        progress: &mut Progress,
        kind: RecordKind,
        body: &Body,
    ) -> Result<(), StoreError> {
        let (head, record, chain) = record(progress, kind, body);
        self.seek(progress.offset)?;
        if let Err(error) = self.folder.write_all(&mut self.file, &record) {
            // Best effort: no reader takes a part for a record, and the next writer cuts it off.
            let _ = self.folder.files.truncate(&self.file, progress.offset);
            return Err(self.unwritable(&error));
        }
        self.folder.files.sync(&self.file).map_err(|error| {
            let place = self.folder.word(self.name);
            StoreError::indeterminate(&error, &place, "to sync this file")
        })?;
        progress.pass(&head, chain);
        self.size = progress.offset;
        Ok(())
    }

    fn unwritable(&self, error: &io::Error) -> StoreError {
        self.folder
            .file_error(error, self.name, "to write this file")
    }

    /// Some records are durable, and one is not.
    fn some_added(&self, error: &StoreError) -> StoreError {
        StoreError::new(
            StoreErrorKind::Indeterminate,
            &self.folder.word(self.name),
            "to write all entries",
            &format!("that only the first of them are durable ({error})"),
            "repeat the call: entries that are there already do no harm",
        )
    }
}

/// A record that follows what was written so far.
pub(super) fn record(
    progress: &Progress,
    kind: RecordKind,
    body: &Body,
) -> (Head, Vec<u8>, Checksum) {
    let head = Head {
        kind,
        length: u32::try_from(body.bytes.len()).unwrap_or(u32::MAX),
        entries: body.entries,
        seq: body.seq,
        clock: body.clock(),
    };
    let mut record = Vec::with_capacity(head.record_bytes());
    record.extend_from_slice(&head.encode(&progress.header.file, progress.offset));
    record.extend_from_slice(&body.bytes);
    let chain = checksum(&progress.chain, &record);
    record.extend_from_slice(&chain);
    (head, record, chain)
}

impl Body {
    /// Whether another entry fits into the record.
    pub(super) fn has_room(&self, entry: &Revocation<'_>, most: usize) -> bool {
        let reason = entry.reason().map_or(0, str::len);
        let texts = [entry.issuer().len(), entry.name().len(), reason];
        // Numbers and lengths take at most ten bytes each.
        let needed = texts
            .iter()
            .fold(80_usize, |sum, text| sum.saturating_add(*text));
        self.entries == 0 || self.bytes.len().saturating_add(needed) <= most
    }
}
