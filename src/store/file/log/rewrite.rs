//! Writing the list anew: without what no longer counts, or under a name that can be trusted.

use super::NAME;
use super::format::{Header, MOST_BODY_BYTES, RecordKind};
use super::scan::{Log, Progress};
use super::write::record;
use crate::revocation::Revocation;
use crate::store::error::StoreError;
use crate::store::file::folder::{Access, Folder, temporary_name};
use crate::store::file::system::FileSystem;
use crate::store::revocations::{Body, Merging, random_bytes};
use crate::time::UnixTime;

/// Bodies of a new file; smaller than the largest, so that no reader needs much memory.
const BODY: usize = MOST_BODY_BYTES / 4;

/// What goes over into the new file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// Everything.
    All,
    /// Everything, as the beginning of the next epoch.
    AllInNextEpoch,
    /// Of every thing the last entry, if its time has not passed by then.
    UntilAfter(UnixTime),
}

/// A first file, with nothing in it.
pub(super) fn create<F: FileSystem>(
    folder: &Folder<'_, F>,
    header: Header,
    now: UnixTime,
) -> Result<Progress, StoreError> {
    let new = New::begin(folder, header)?;
    let mut progress = new.finish()?;
    folder.sync_above()?;
    mark_named(folder, &mut progress, now);
    Ok(progress)
}

/// Writes the file anew and puts it in place; `None` if that would drop nothing and
/// is not needed.
pub(super) fn rewrite<F: FileSystem>(
    folder: &Folder<'_, F>,
    log: &mut Log<'_, F>,
    old: &Progress,
    keep: Keep,
    observed: UnixTime,
    now: UnixTime,
) -> Result<Option<Progress>, StoreError> {
    let mut merging = Merging::default();
    if let Keep::UntilAfter(end) = keep {
        log.entries(&mut |seq, entry| {
            merging.note(&entry, seq);
            Ok(())
        })?;
        if old.entries.saturating_sub(merging.count(end)) == 0 {
            return Ok(None);
        }
    }
    let header = Header {
        epoch: old
            .header
            .epoch
            .saturating_add(u64::from(keep == Keep::AllInNextEpoch)),
        // A number of its own: who has seen the list before knows that this is another
        // file, which may hold less.
        base: match keep {
            Keep::AllInNextEpoch => old.header.base,
            Keep::All | Keep::UntilAfter(_) => old.seq().saturating_add(1),
        },
        observed: observed.seconds(),
        file: random_bytes(&folder.word(NAME))?,
        ..old.header
    };
    let mut new = New::begin(folder, header)?;
    let copied = log.entries(&mut |seq, entry| match keep {
        Keep::All | Keep::AllInNextEpoch => new.add(&entry, seq),
        Keep::UntilAfter(end) => match merging.kept(&entry, seq, end) {
            Some(entry) => new.add(&entry, seq),
            None => Ok(()),
        },
    });
    if let Err(error) = copied {
        new.abandon();
        return Err(error);
    }
    let mut progress = new.finish()?;
    mark_named(folder, &mut progress, now);
    Ok(Some(progress))
}

/// Says in the file that its name is durable. If that fails, the next writer writes
/// the file anew, and nothing else.
fn mark_named<F: FileSystem>(folder: &Folder<'_, F>, progress: &mut Progress, now: UnixTime) {
    let Ok(mut log) = super::open(folder, Access::Write) else {
        return;
    };
    let _ = log.mark(progress, RecordKind::Mark, now);
}

/// A file that is being written under a temporary name.
struct New<'n, F: FileSystem> {
    folder: &'n Folder<'n, F>,
    name: String,
    file: F::Handle,
    progress: Progress,
    body: Body,
}

impl<'n, F: FileSystem> New<'n, F> {
    fn begin(folder: &'n Folder<'n, F>, header: Header) -> Result<Self, StoreError> {
        let failed = |error| folder.file_error(&error, NAME, "to write this file");
        let name = temporary_name().map_err(failed)?;
        let mut file = folder.create(&name).map_err(failed)?;
        let bytes = header.encode();
        if let Err(error) = folder.write_all(&mut file, &bytes) {
            folder.discard(&name);
            return Err(failed(error));
        }
        let chain = Header::decode(&bytes).map_or_else(|_| [0; 16], |(_, chain)| chain);
        Ok(Self {
            folder,
            name,
            file,
            progress: Progress::new(header, chain),
            body: Body::new(0, header.observed),
        })
    }

    fn add(&mut self, entry: &Revocation<'_>, seq: u64) -> Result<(), StoreError> {
        if !self.body.has_room(entry, BODY) {
            self.flush()?;
        }
        self.body.add(entry, seq);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        if self.body.entries == 0 {
            return Ok(());
        }
        let (head, bytes, chain) = record(&self.progress, RecordKind::Kept, &self.body);
        let written = self.folder.write_all(&mut self.file, &bytes);
        written.map_err(|error| self.folder.file_error(&error, NAME, "to write this file"))?;
        self.progress.pass(&head, chain);
        self.body = Body::new(head.seq, head.clock);
        Ok(())
    }

    /// Syncs the file, gives it its name and syncs the folder.
    fn finish(mut self) -> Result<Progress, StoreError> {
        let synced = self.flush().and_then(|()| {
            let synced = self.folder.files.sync(&self.file);
            synced.map_err(|error| self.folder.file_error(&error, NAME, "to sync this file"))
        });
        if let Err(error) = synced {
            self.abandon();
            return Err(error);
        }
        self.folder.put_in_place(&self.name, NAME)?;
        Ok(self.progress)
    }

    fn abandon(self) {
        self.folder.discard(&self.name);
    }
}

impl<F: FileSystem> Log<'_, F> {
    /// Hands out every entry from the beginning, until one is refused.
    fn entries(
        &mut self,
        each: &mut dyn FnMut(u64, Revocation<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.seek(0)?;
        let mut progress = self.begin()?;
        let mut refused = Ok(());
        self.go_on(&mut progress, Some(0), &mut |seq, entry| {
            if refused.is_ok() {
                refused = each(seq, entry);
            }
        })?;
        refused
    }
}
