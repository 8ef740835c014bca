//! The list of revocations beside the keyring: `revocations.log`.
//!
//! Entries are appended and synced before they are acknowledged. Now and then, and
//! when pruning drops something, the file is written anew under a temporary name,
//! synced and renamed. Three rules make that safe where a sync may fail, the power
//! may go or a process may be killed between any two calls:
//!
//! - A writer that finds a last record it has not synced itself writes the same bytes
//!   over it: a sync that failed for somebody else has left them clean in memory and
//!   absent from the disk, and no later sync would mend that.
//! - A file's name is trusted only if a record says that the folder was synced after
//!   it got that name. Else the file is written anew under a new name.
//! - A failed sync is never tried again.

#[cfg(test)]
mod faults;
mod format;
mod rewrite;
mod scan;
mod write;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use format::{Header, MOST_BODY_BYTES, RecordKind};
use rewrite::Keep;
use scan::{Log, Progress};

use super::Engine;
use super::folder::{Access, Folder};
use super::system::{FileSystem, Unix};
use crate::keyring::LargeJump;
use crate::limits::{MAX_REVOCATION_FILE_BYTES, MAX_STORED_REVOCATIONS};
use crate::revocation::Revocation;
use crate::store::error::StoreError;
use crate::store::revocations::{
    Appended, Extent, ListHead, ListId, Position, Pruned, Reading, RevocationStore, StoreNote,
    believable, check_clock, list_exists, list_full, no_list, random_bytes, storable,
};
use crate::time::UnixTime;

/// The list's name in the folder.
const NAME: &str = "revocations.log";
/// What begins the names of files that keep torn tails; the offset follows.
const TORN: &str = "revocations.torn-";
/// A file shorter than twice this is not written anew on its own account.
const SMALL: u64 = 1024 * 1024;
/// How much time may pass before a pruning that drops nothing notes the time.
const NOTE_CLOCK_AFTER: std::time::Duration = std::time::Duration::from_secs(3600);

/// The list of revocations in the folder of a [`FileStore`](super::FileStore).
///
/// Any number of processes may use it at once, and any of them may be killed. Readers
/// take no lock. The file is refused if others can get at it.
///
/// ```
/// use tokenwright::store::{FileStore, RevocationStore};
/// use tokenwright::{Clock, Revocation, SystemClock};
/// # let place = std::env::temp_dir().join(format!("tokenwright-log-{}", std::process::id()));
///
/// let store = FileStore::create(&place)?.revocations();
/// let now = SystemClock.now();
/// store.create(now)?;
/// let until = now.saturating_add(std::time::Duration::from_secs(960));
/// let done = store.append(&[Revocation::token("https://auth.example", "t-1", now, until)], now)?;
/// assert_eq!(done.head.entries, 1);
/// # let _ = std::fs::remove_dir_all(&place);
/// # Ok::<(), tokenwright::store::StoreError>(())
/// ```
#[derive(Clone)]
pub struct FileRevocations(LogEngine<Unix>);

impl FileRevocations {
    pub(super) fn new(engine: Engine<Unix>) -> Self {
        Self(LogEngine::new(engine))
    }

    /// How many entries the file may hold, repeated ones included:
    /// [`MAX_STORED_REVOCATIONS`] unless changed here. Beyond, adding is refused.
    #[must_use]
    pub fn with_limit(mut self, entries: u64) -> Self {
        self.0.most_entries = entries;
        self
    }

    /// The list's file.
    #[must_use]
    pub fn path(&self) -> std::path::PathBuf {
        self.0.engine.path.join(NAME)
    }
}

impl RevocationStore for FileRevocations {
    fn create(&self, now: UnixTime) -> Result<ListHead, StoreError> {
        self.0.create(now)
    }

    fn append(&self, entries: &[Revocation<'_>], now: UnixTime) -> Result<Appended, StoreError> {
        self.0.append(entries, now)
    }

    fn read(
        &self,
        after: Option<&Position>,
        each: &mut dyn FnMut(Revocation<'_>),
    ) -> Result<Reading, StoreError> {
        self.0.read(after, each)
    }

    fn prune(&self, now: UnixTime, jump: LargeJump) -> Result<Pruned, StoreError> {
        self.0.prune(now, jump)
    }

    fn begin_epoch(&self, now: UnixTime) -> Result<ListHead, StoreError> {
        self.0.begin_epoch(now)
    }

    fn head(&self) -> Result<ListHead, StoreError> {
        self.0.head()
    }
}

impl fmt::Debug for FileRevocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FileRevocations")
            .field(&self.path())
            .finish()
    }
}

/// The list over any file system.
#[derive(Clone)]
struct LogEngine<F> {
    engine: Engine<F>,
    most_entries: u64,
    /// Longest body of a record.
    most_body: usize,
    /// A file shorter than twice this is not written anew on its own account.
    small: u64,
    /// How far the last reading of this process came.
    read_to: Arc<Mutex<Option<Progress>>>,
    /// How far this process has written and synced the file.
    synced_to: Arc<Mutex<Option<Progress>>>,
}

impl<F: FileSystem> LogEngine<F> {
    fn new(engine: Engine<F>) -> Self {
        Self {
            engine,
            most_entries: MAX_STORED_REVOCATIONS,
            most_body: MOST_BODY_BYTES,
            small: SMALL,
            read_to: Arc::default(),
            synced_to: Arc::default(),
        }
    }

    // Reading.

    fn head(&self) -> Result<ListHead, StoreError> {
        let folder = self.engine.folder()?;
        let mut log = open(&folder, Access::Read)?;
        let mut progress = log.begin()?;
        log.go_on(&mut progress, None, &mut |_, _| {})?;
        Ok(progress.head())
    }

    fn read(
        &self,
        after: Option<&Position>,
        each: &mut dyn FnMut(Revocation<'_>),
    ) -> Result<Reading, StoreError> {
        let folder = self.engine.folder()?;
        let mut log = open(&folder, Access::Read)?;
        let mut progress = log.begin()?;
        let Some(after) = after else {
            let unfinished = log.go_on(&mut progress, Some(0), &mut |_, entry| each(entry))?;
            let reading = reading(&progress, Extent::Whole, unfinished);
            *lock(&self.read_to) = Some(progress);
            return Ok(reading);
        };
        let mut known = lock(&self.read_to);
        let here = known.take().filter(|known| known.position() == *after);
        let same_file = |here: &Progress| here.header.file == progress.header.file;
        let mut same_history = true;
        if let Some(here) = here.as_ref().filter(|here| !same_file(here)) {
            // Whoever writes the list anew dates it after all that was there. What takes
            // its place and does not is an older file, whatever numbers it has come to.
            same_history = progress.header.base > here.seq();
        } else if let Some(here) = &here {
            same_history = log.still_holds(here)?;
            if same_history {
                progress = here.clone();
            }
            log.seek(progress.offset)?;
        }
        let unfinished = log.go_on(&mut progress, Some(after.seq), &mut |_, entry| each(entry))?;
        let found = progress.position();
        let extent = if !same_history || found.epoch != after.epoch || !after.may_become(&found) {
            Extent::Elsewhere
        } else if found.seq == after.seq {
            Extent::Unchanged
        } else {
            Extent::Since
        };
        let reading = reading(&progress, extent, unfinished);
        // A foreign history is not gone on with: it stays foreign at the next look.
        *known = if extent == Extent::Elsewhere {
            here
        } else {
            Some(progress)
        };
        Ok(reading)
    }

    // Writing.

    fn create(&self, now: UnixTime) -> Result<ListHead, StoreError> {
        let (folder, _lock) = self.engine.locked()?;
        let place = folder.word(NAME);
        if folder.facts_in(NAME)?.is_some() {
            // Whoever made it may have been killed before its name was durable.
            self.to_write(&folder, None, now, &mut Vec::new())?;
            return Err(list_exists(&place));
        }
        let header = Header {
            list: ListId::new(random_bytes(&place)?),
            fingerprint_key: random_bytes(&place)?,
            epoch: 1,
            base: 0,
            observed: now.seconds(),
            file: random_bytes(&place)?,
        };
        let progress = rewrite::create(&folder, header, now)?;
        let head = progress.head();
        *lock(&self.synced_to) = Some(progress);
        Ok(head)
    }

    fn append(&self, new: &[Revocation<'_>], now: UnixTime) -> Result<Appended, StoreError> {
        let new: Result<Vec<_>, _> = new.iter().map(storable).collect();
        let new = new?;
        let (folder, _lock) = self.engine.locked()?;
        let mut synced = lock(&self.synced_to);
        let mut notes = Vec::new();
        let (mut log, mut progress) = self.to_write(&folder, synced.take(), now, &mut notes)?;
        let seen = progress.observed;
        if !self.has_room(&progress, new.len()) {
            let end = believable(seen, now);
            (log, progress) = rewritten(&folder, log, &progress, end, now, &mut notes)?;
            if !self.has_room(&progress, new.len()) {
                return Err(list_full(&folder.word(NAME), self.most_entries, "entries"));
            }
        }
        let before = progress.offset;
        log.add(&mut progress, &new, now, self.most_body)?;
        if self.has_doubled(&progress, before) {
            // By the earlier of this clock and the one that wrote before: one machine whose
            // clock runs ahead drops nothing that nobody asked it to.
            let end = believable(seen, now).min(seen);
            progress = match rewritten(&folder, log, &progress, end, now, &mut notes) {
                Ok((_, progress)) => progress,
                Err(reason) => {
                    // The entries are durable; where the name stands is looked at next time.
                    notes.push(StoreNote::NotCompacted { reason });
                    let head = progress.head();
                    return Ok(Appended { head, notes });
                }
            };
        }
        let head = progress.head();
        *synced = Some(progress);
        Ok(Appended { head, notes })
    }

    /// Whether the file has doubled since it was written anew, or doubled once more,
    /// by what was added just now. Looking for what could go reads the whole file, so
    /// it is done at each doubling and at no other time, whichever process adds.
    fn has_doubled(&self, progress: &Progress, before: u64) -> bool {
        let base = progress.kept_end.max(self.small);
        let doublings = |offset: u64| {
            let times = offset.checked_div(base).unwrap_or_default();
            times.checked_ilog2().unwrap_or_default()
        };
        doublings(progress.offset) > doublings(before)
    }

    fn has_room(&self, progress: &Progress, new: usize) -> bool {
        let entries = progress.entries.saturating_add(new as u64);
        entries <= self.most_entries && progress.offset < MAX_REVOCATION_FILE_BYTES
    }

    fn prune(&self, now: UnixTime, jump: LargeJump) -> Result<Pruned, StoreError> {
        let (folder, _lock) = self.engine.locked()?;
        let mut synced = lock(&self.synced_to);
        let mut notes = Vec::new();
        let (mut log, mut progress) = self.to_write(&folder, synced.take(), now, &mut notes)?;
        check_clock(&folder.word(NAME), progress.observed, now, jump)?;
        let before = progress.entries;
        let observed = match jump {
            LargeJump::Accept => now,
            LargeJump::Refuse => progress.observed.max(now),
        };
        let keep = Keep::UntilAfter(now);
        match rewrite::rewrite(&folder, &mut log, &progress, keep, observed, now)? {
            Some(shorter) => {
                notes.push(StoreNote::Compacted {
                    before: progress.offset,
                    after: shorter.offset,
                });
                progress = shorter;
            }
            None if jump == LargeJump::Accept => {
                log.mark(&mut progress, RecordKind::ClockAccepted, now)?;
            }
            None if now > progress.observed.saturating_add(NOTE_CLOCK_AFTER) => {
                log.mark(&mut progress, RecordKind::Mark, now)?;
            }
            None => {}
        }
        let head = progress.head();
        *synced = Some(progress);
        Ok(Pruned {
            dropped: before.saturating_sub(head.entries),
            head,
            notes,
        })
    }

    fn begin_epoch(&self, now: UnixTime) -> Result<ListHead, StoreError> {
        let (folder, _lock) = self.engine.locked()?;
        let mut synced = lock(&self.synced_to);
        let (mut log, progress) = self.to_write(&folder, synced.take(), now, &mut Vec::new())?;
        let next = rewrite::rewrite(
            &folder,
            &mut log,
            &progress,
            Keep::AllInNextEpoch,
            progress.observed,
            now,
        )?;
        let progress = next.unwrap_or(progress);
        let head = progress.head();
        *synced = Some(progress);
        Ok(head)
    }

    /// The file, ready to be appended to: read to its end, a torn tail cut off, the
    /// last record and the name certain to be durable after the next sync.
    fn to_write<'l>(
        &self,
        folder: &'l Folder<'l, F>,
        synced: Option<Progress>,
        now: UnixTime,
        notes: &mut Vec<StoreNote>,
    ) -> Result<(Log<'l, F>, Progress), StoreError> {
        let mut log = open(folder, Access::Write)?;
        let mut progress = log.begin()?;
        let synced = synced.filter(|synced| synced.header.file == progress.header.file);
        if let Some(synced) = synced
            && log.still_holds(&synced)?
        {
            progress = synced;
        }
        log.seek(progress.offset)?;
        let begun = progress.offset;
        let unfinished = log.go_on(&mut progress, None, &mut |_, _| {})?;
        if unfinished > 0 {
            notes.push(log.cut(&progress, unfinished)?);
        }
        if !progress.named {
            // Nobody is known to have synced the name.
            let observed = progress.observed;
            let again = rewrite::rewrite(folder, &mut log, &progress, Keep::All, observed, now)?;
            folder.sync_above()?;
            let log = open(folder, Access::Write)?;
            return Ok((log, again.unwrap_or(progress)));
        }
        if let Some(last) = progress.last_record.filter(|last| *last >= begun) {
            log.write_again(last, progress.offset)?;
        }
        Ok((log, progress))
    }
}

fn lock(known: &Mutex<Option<Progress>>) -> MutexGuard<'_, Option<Progress>> {
    // What is behind it is only ever replaced as a whole.
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

fn reading(progress: &Progress, extent: Extent, unfinished: u64) -> Reading {
    Reading {
        head: progress.head(),
        extent,
        unfinished,
    }
}

fn open<'l, F: FileSystem>(
    folder: &'l Folder<'l, F>,
    access: Access,
) -> Result<Log<'l, F>, StoreError> {
    let (file, facts) = folder
        .open_plain(NAME, access)?
        .ok_or_else(|| no_list(&folder.word(NAME)))?;
    Ok(Log {
        folder,
        name: NAME,
        file,
        size: facts.size,
    })
}

/// The list written anew without repeated entries and those that ended by `end`.
fn rewritten<'l, F: FileSystem>(
    folder: &'l Folder<'l, F>,
    mut log: Log<'l, F>,
    progress: &Progress,
    end: UnixTime,
    now: UnixTime,
    notes: &mut Vec<StoreNote>,
) -> Result<(Log<'l, F>, Progress), StoreError> {
    let keep = Keep::UntilAfter(end);
    match rewrite::rewrite(folder, &mut log, progress, keep, progress.observed, now)? {
        Some(shorter) => {
            notes.push(StoreNote::Compacted {
                before: progress.offset,
                after: shorter.offset,
            });
            Ok((open(folder, Access::Write)?, shorter))
        }
        None => Ok((log, progress.clone())),
    }
}
