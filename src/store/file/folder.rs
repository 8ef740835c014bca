//! One open, checked folder, and the way a file in it is read and replaced.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::system::{Facts, FileSystem, Kind, is_link_refusal};
use super::words::{check_owner, exposed, missing_folder, not_plain, open_error, shell_word};
use crate::store::error::{StoreError, StoreErrorKind};

/// Files that are being written begin with this; whoever holds the lock removes strays.
pub(super) const TEMPORARY: &str = ".tmp-";
/// The lock file. It is never renamed and never removed, so its inode is the lock.
pub(super) const LOCK: &str = ".lock";

/// Permission bits of everybody but the owner.
const OTHERS: u32 = 0o077;

/// A folder that belongs to this user alone. Everything happens relative to its
/// handle, so that a path swapped after the check leads nowhere else.
pub(super) struct Folder<'f, F: FileSystem> {
    pub(super) files: &'f F,
    handle: F::Handle,
    path: PathBuf,
}

/// Held until dropped; the kernel frees it when the process dies, however it dies.
pub(super) struct Lock<'f, F: FileSystem> {
    files: &'f F,
    handle: F::Handle,
}

impl<F: FileSystem> Drop for Lock<'_, F> {
    /// Frees the lock aloud: closing the handle does not while a process that
    /// was just forked from this one still has a copy of it.
    fn drop(&mut self) {
        self.files.unlock(&self.handle);
    }
}

/// What a file is opened for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

impl<'f, F: FileSystem> Folder<'f, F> {
    /// Opens a folder and checks it and the folder above.
    pub(super) fn open(files: &'f F, path: &Path) -> Result<Self, StoreError> {
        let folder = Self::open_unchecked(files, path)?;
        folder.check_private()?;
        folder.check_above()?;
        Ok(folder)
    }

    /// Opens any folder the caller has chosen for a file of their own.
    pub(super) fn open_unchecked(files: &'f F, path: &Path) -> Result<Self, StoreError> {
        let handle = files
            .open_folder(path)
            .map_err(|error| open_error(&error, path))?;
        Ok(Self {
            files,
            handle,
            path: path.to_owned(),
        })
    }

    /// The folder of this name within, or `None`.
    pub(super) fn inner(&self, name: &str) -> Result<Option<Self>, StoreError> {
        let path = self.path.join(name);
        let handle = match self.files.open_folder_in(&self.handle, name) {
            Ok(handle) => handle,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(open_error(&error, &path)),
        };
        let folder = Self {
            files: self.files,
            handle,
            path,
        };
        folder.check_private()?;
        Ok(Some(folder))
    }

    /// The folder of this name within, made if need be, under the lock. A name
    /// whose sync has failed is taken back, since no later sync can be trusted with it.
    pub(super) fn make_inner(&self, name: &str) -> Result<Self, StoreError> {
        let failed = |error| StoreError::from_io(&error, &self.word(name), "to make this folder");
        match self.files.make_folder_in(&self.handle, name) {
            Ok(()) => {
                if let Err(error) = self.files.sync(&self.handle) {
                    let _ = self.files.remove_folder_in(&self.handle, name);
                    return Err(failed(error));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
        self.inner(name)?
            .ok_or_else(|| missing_folder(&self.path.join(name)))
    }

    /// Waits at most `patience` for the lock of this folder.
    pub(super) fn lock(&self, patience: Duration) -> Result<Lock<'f, F>, StoreError> {
        let started = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(lock) = self.try_lock()? {
                return Ok(lock);
            }
            let left = patience.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Err(self.busy(patience));
            }
            std::thread::sleep(pause.min(left));
            pause = pause.saturating_mul(2).min(Duration::from_millis(10));
        }
    }

    fn try_lock(&self) -> Result<Option<Lock<'f, F>>, StoreError> {
        let failed = |error| self.file_error(&error, LOCK, "to lock this file");
        let handle = self.files.open_lock(&self.handle, LOCK).map_err(failed)?;
        let facts = self.files.facts(&handle).map_err(failed)?;
        self.check_file(LOCK, &facts)?;
        if !self.files.try_lock(&handle).map_err(failed)? {
            return Ok(None);
        }
        let lock = Lock {
            files: self.files,
            handle,
        };
        // Somebody may have removed the file while we waited: then this lock guards nothing.
        match self.files.facts_in(&self.handle, LOCK) {
            Ok(named) if named.identity == facts.identity => Ok(Some(lock)),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    fn busy(&self, patience: Duration) -> StoreError {
        StoreError::new(
            StoreErrorKind::Busy,
            &self.word(LOCK),
            &format!("this lock to be free within {patience:?}"),
            "that another process holds it",
            "nothing was changed; wait for that process (`fuser` on this file names it), then try again",
        )
    }

    /// The whole file, or `None` if there is none. Its size is known before a byte is read.
    pub(super) fn read(
        &self,
        name: &str,
        most: usize,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let Some((mut file, facts)) = self.open_plain(name, Access::Read)? else {
            return Ok(None);
        };
        let size = usize::try_from(facts.size).unwrap_or(usize::MAX);
        crate::store::check_size(size, most, &self.word(name))?;
        self.read_exactly(&mut file, name, size).map(Some)
    }

    /// An open, checked file and what it was when it was opened, or `None` if there is none.
    pub(super) fn open_plain(
        &self,
        name: &str,
        access: Access,
    ) -> Result<Option<(F::Handle, Facts)>, StoreError> {
        let (opened, expected) = match access {
            Access::Read => (
                self.files.open_file(&self.handle, name),
                "to read this file",
            ),
            Access::Write => (
                self.files.open_log(&self.handle, name),
                "to write this file",
            ),
        };
        let file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.file_error(&error, name, expected)),
        };
        let facts = self
            .files
            .facts(&file)
            .map_err(|error| self.file_error(&error, name, expected))?;
        self.check_file(name, &facts)?;
        Ok(Some((file, facts)))
    }

    /// One allocation of the right size: a growing buffer would leave copies of a secret behind.
    fn read_exactly(
        &self,
        file: &mut F::Handle,
        name: &str,
        size: usize,
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let mut bytes = Zeroizing::new(vec![0; size]);
        let mut rest = bytes.as_mut_slice();
        while !rest.is_empty() {
            let count = match self.files.read(file, rest) {
                Ok(0) => return Err(self.shrunk(name)),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.file_error(&error, name, "to read this file")),
            };
            rest = rest.get_mut(count..).unwrap_or_default();
        }
        Ok(bytes)
    }

    /// Files of this store are replaced, never rewritten; somebody else is at work here.
    fn shrunk(&self, name: &str) -> StoreError {
        StoreError::new(
            StoreErrorKind::Damaged,
            &self.word(name),
            "a file that stays as it is",
            "one that shrank while it was read",
            "find out what else writes to this folder, then try again",
        )
    }

    /// Makes or replaces a file, under the lock: afterwards, and at every moment
    /// in between, it is the old one or the new one, whole. Ends with the sync of
    /// this folder.
    ///
    /// A failed sync is never tried again: the kernel may have dropped the bytes
    /// and call the second try a success.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let temporary = temporary_name().map_err(|error| {
            StoreError::from_io(&error, &self.word(name), "random numbers for a file name")
        })?;
        self.write_new(&temporary, bytes)
            .map_err(|error| self.file_error(&error, name, "to write this file"))?;
        self.put_in_place(&temporary, name)
    }

    /// Gives a temporary file that is written and synced its name, and syncs this folder.
    pub(super) fn put_in_place(&self, temporary: &str, name: &str) -> Result<(), StoreError> {
        if let Err(error) = self.files.rename(&self.handle, temporary, name) {
            let _ = self.files.unlink(&self.handle, temporary);
            return Err(self.change_error(&error, name, "to replace this file"));
        }
        self.sync()
    }

    /// A new, empty file.
    pub(super) fn create(&self, name: &str) -> io::Result<F::Handle> {
        self.files.create_file(&self.handle, name)
    }

    /// Writes and syncs a file that did not exist. A file that could be made and
    /// not be written is removed; one that could not be made is somebody else's.
    pub(super) fn write_new(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.files.create_file(&self.handle, name)?;
        self.fill(&mut file, bytes).inspect_err(|_| {
            // Best effort: a temporary file that stays is removed by the next writer.
            self.discard(name);
        })
    }

    fn fill(&self, file: &mut F::Handle, bytes: &[u8]) -> io::Result<()> {
        self.write_all(file, bytes)?;
        self.files.sync(file)
    }

    /// All bytes, from where the handle stands. Nothing is synced.
    pub(super) fn write_all(&self, file: &mut F::Handle, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let count = match self.files.write(file, rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            rest = rest.get(count..).unwrap_or_default();
        }
        Ok(())
    }

    /// Removes a file if it is there, under the lock, and syncs the folder.
    pub(super) fn remove(&self, name: &str) -> Result<(), StoreError> {
        match self.files.unlink(&self.handle, name) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(self.change_error(&error, name, "to remove this file")),
        }
        self.sync()
    }

    /// Makes this folder's names durable.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.files.sync(&self.handle).map_err(|error| {
            StoreError::indeterminate(&error, &shell_word(&self.path), "to sync this folder")
        })
    }

    /// Makes this folder's own name durable in the folder above.
    pub(super) fn sync_above(&self) -> Result<(), StoreError> {
        let above = match self.files.open_folder_in(&self.handle, "..") {
            Ok(above) => above,
            // Somebody else has made this folder for us, and that is theirs to sync.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(()),
            Err(error) => {
                let place = shell_word(&self.path.join(".."));
                return Err(StoreError::indeterminate(
                    &error,
                    &place,
                    "to open this folder",
                ));
            }
        };
        self.files.sync(&above).map_err(|error| {
            let place = shell_word(&self.path.join(".."));
            StoreError::indeterminate(&error, &place, "to sync this folder")
        })
    }

    /// Removes what a killed writer has left, under the lock. Nothing depends on
    /// it, so a file that cannot be removed is left to the next writer.
    pub(super) fn sweep(&self) {
        for name in self.files.names(&self.handle).unwrap_or_default() {
            if name.starts_with(TEMPORARY) {
                let _ = self.files.unlink(&self.handle, &name);
            }
        }
    }

    /// The names in this folder, in no order.
    pub(super) fn names(&self) -> Result<Vec<String>, StoreError> {
        self.files.names(&self.handle).map_err(|error| {
            StoreError::from_io(&error, &shell_word(&self.path), "to list this folder")
        })
    }

    /// What stands at a name, or `None`.
    pub(super) fn facts_in(&self, name: &str) -> Result<Option<Facts>, StoreError> {
        match self.files.facts_in(&self.handle, name) {
            Ok(facts) => Ok(Some(facts)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.file_error(&error, name, "to look at this file")),
        }
    }

    /// Removes a file whose making has failed; nothing more can be done about it here.
    pub(super) fn discard(&self, name: &str) {
        let _ = self.files.unlink(&self.handle, name);
    }

    pub(super) fn word(&self, name: &str) -> String {
        shell_word(&self.path.join(name))
    }

    fn check_private(&self) -> Result<(), StoreError> {
        let place = shell_word(&self.path);
        let facts = self
            .files
            .facts(&self.handle)
            .map_err(|error| StoreError::from_io(&error, &place, "to look at this folder"))?;
        check_owner(&place, facts.owner, self.files.effective_user())?;
        if facts.mode & OTHERS == 0 {
            return Ok(());
        }
        Err(exposed(
            &place,
            "a folder for its owner alone (mode 0700)",
            facts.mode,
            &format!("chmod 700 {place}"),
        ))
    }

    /// Whoever may write to the folder above may put another folder in our place,
    /// unless the sticky bit protects it. A group may be the user's own: that is common.
    fn check_above(&self) -> Result<(), StoreError> {
        let place = shell_word(self.path.parent().unwrap_or(&self.path));
        let facts = self
            .files
            .facts_in(&self.handle, "..")
            .map_err(|error| StoreError::from_io(&error, &place, "to look at this folder"))?;
        if facts.mode & 0o002 == 0 || facts.mode & 0o1000 != 0 {
            return Ok(());
        }
        Err(exposed(
            &place,
            "a folder that not everybody can write to",
            facts.mode,
            &format!("chmod o-w {place}"),
        ))
    }

    /// A plain file of this user, readable by nobody else, with no second name.
    fn check_file(&self, name: &str, facts: &Facts) -> Result<(), StoreError> {
        let place = self.word(name);
        if facts.kind != Kind::File {
            return Err(not_plain(&place, "a folder, a pipe or a device"));
        }
        // None at all is right too: a reader may hold the file that was just replaced.
        if facts.links > 1 {
            return Err(not_plain(
                &place,
                &format!("a file with {} names", facts.links),
            ));
        }
        check_owner(&place, facts.owner, self.files.effective_user())?;
        if facts.mode & OTHERS == 0 {
            return Ok(());
        }
        Err(exposed(
            &place,
            "a file for its owner alone (mode 0600)",
            facts.mode,
            &format!("chmod 600 {place}"),
        ))
    }

    pub(super) fn file_error(&self, error: &io::Error, name: &str, expected: &str) -> StoreError {
        if is_link_refusal(error) {
            return not_plain(&self.word(name), "a symbolic link");
        }
        if error.kind() == io::ErrorKind::IsADirectory {
            return not_plain(&self.word(name), "a folder, a pipe or a device");
        }
        StoreError::from_io(error, &self.word(name), expected)
    }

    /// A refused change of a name has changed nothing; after a broken one nobody knows.
    pub(super) fn change_error(&self, error: &io::Error, name: &str, expected: &str) -> StoreError {
        let refusal = StoreError::from_io(error, &self.word(name), expected);
        if refusal.kind() == StoreErrorKind::Io {
            StoreError::indeterminate(error, &self.word(name), expected)
        } else {
            refusal
        }
    }
}

/// A name nobody can guess and plant beforehand.
pub(super) fn temporary_name() -> io::Result<String> {
    let random = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
    Ok(format!("{TEMPORARY}{random:016x}"))
}
