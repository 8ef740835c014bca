//! The calls to the operating system that the file store is made of.
//!
//! They stand behind a trait so that tests can cut the power, fill the disk or
//! break the sync between any two of them.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, FlockOperation, Mode, OFlags, Stat};
use rustix::io::{Errno, retry_on_intr};

/// What stands at a name or behind a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) kind: Kind,
    /// Permission bits, with set-id and sticky: 0o7777 at most.
    pub(super) mode: u32,
    pub(super) owner: u32,
    pub(super) links: u64,
    pub(super) size: u64,
    /// Device and inode.
    pub(super) identity: (u64, u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
    Other,
}

/// One method per call that can fail on its own. Names are single components,
/// relative to a folder's handle; no method follows a link in the last component.
pub(super) trait FileSystem: Send + Sync {
    type Handle;

    fn open_folder(&self, path: &Path) -> io::Result<Self::Handle>;
    fn open_folder_in(&self, folder: &Self::Handle, name: &str) -> io::Result<Self::Handle>;
    fn make_folder(&self, path: &Path) -> io::Result<()>;
    fn make_folder_in(&self, folder: &Self::Handle, name: &str) -> io::Result<()>;
    fn remove_folder(&self, path: &Path) -> io::Result<()>;
    fn remove_folder_in(&self, folder: &Self::Handle, name: &str) -> io::Result<()>;
    fn names(&self, folder: &Self::Handle) -> io::Result<Vec<String>>;

    fn open_file(&self, folder: &Self::Handle, name: &str) -> io::Result<Self::Handle>;
    fn create_file(&self, folder: &Self::Handle, name: &str) -> io::Result<Self::Handle>;
    fn open_lock(&self, folder: &Self::Handle, name: &str) -> io::Result<Self::Handle>;
    /// An existing file, for reading and for writing in place.
    fn open_log(&self, folder: &Self::Handle, name: &str) -> io::Result<Self::Handle>;
    /// `false` if another handle holds the lock. The kernel frees it at the latest
    /// when the process dies.
    fn try_lock(&self, lock: &Self::Handle) -> io::Result<bool>;
    fn unlock(&self, lock: &Self::Handle);

    fn facts(&self, handle: &Self::Handle) -> io::Result<Facts>;
    fn facts_in(&self, folder: &Self::Handle, name: &str) -> io::Result<Facts>;
    fn read(&self, file: &mut Self::Handle, buffer: &mut [u8]) -> io::Result<usize>;
    fn write(&self, file: &mut Self::Handle, bytes: &[u8]) -> io::Result<usize>;
    /// From where the next read or write of this handle goes on.
    fn seek(&self, file: &mut Self::Handle, offset: u64) -> io::Result<()>;
    fn truncate(&self, file: &Self::Handle, length: u64) -> io::Result<()>;
    fn sync(&self, handle: &Self::Handle) -> io::Result<()>;
    fn rename(&self, folder: &Self::Handle, from: &str, to: &str) -> io::Result<()>;
    fn unlink(&self, folder: &Self::Handle, name: &str) -> io::Result<()>;

    fn effective_user(&self) -> u32;
}

/// The real thing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unix;

/// NONBLOCK, because opening a pipe planted in the folder would wait for ever.
const READ_FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);
const OPEN_LOG: OFlags = OFlags::RDWR
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);
const OPEN_FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
const CREATE_FILE: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
const OPEN_LOCK: OFlags = OFlags::RDWR
    .union(OFlags::CREATE)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);
/// Read and write for the owner; nobody else, from the first moment on.
const PRIVATE_FILE: Mode = Mode::RUSR.union(Mode::WUSR);
const PRIVATE_FOLDER: Mode = Mode::RWXU;

impl FileSystem for Unix {
    type Handle = File;

    fn open_folder(&self, path: &Path) -> io::Result<File> {
        open_at(CWD, path, OPEN_FOLDER, Mode::empty())
    }

    fn open_folder_in(&self, folder: &File, name: &str) -> io::Result<File> {
        open_at(folder, name, OPEN_FOLDER, Mode::empty())
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        Ok(rustix::fs::mkdirat(CWD, path, PRIVATE_FOLDER)?)
    }

    fn make_folder_in(&self, folder: &File, name: &str) -> io::Result<()> {
        Ok(rustix::fs::mkdirat(folder, name, PRIVATE_FOLDER)?)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(CWD, path, AtFlags::REMOVEDIR)?)
    }

    fn remove_folder_in(&self, folder: &File, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR)?)
    }

    fn names(&self, folder: &File) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(folder)? {
            // What this store writes is ASCII; anything else is not ours.
            if let Ok(name) = entry?.file_name().to_str() {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    fn open_file(&self, folder: &File, name: &str) -> io::Result<File> {
        open_at(folder, name, READ_FILE, Mode::empty())
    }

    fn create_file(&self, folder: &File, name: &str) -> io::Result<File> {
        open_at(folder, name, CREATE_FILE, PRIVATE_FILE)
    }

    fn open_lock(&self, folder: &File, name: &str) -> io::Result<File> {
        open_at(folder, name, OPEN_LOCK, PRIVATE_FILE)
    }

    fn open_log(&self, folder: &File, name: &str) -> io::Result<File> {
        open_at(folder, name, OPEN_LOG, Mode::empty())
    }

    fn try_lock(&self, lock: &File) -> io::Result<bool> {
        match retry_on_intr(|| rustix::fs::flock(lock, FlockOperation::NonBlockingLockExclusive)) {
            Ok(()) => Ok(true),
            Err(Errno::WOULDBLOCK) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn unlock(&self, lock: &File) {
        // Closing the handle would free it too, so nothing is lost if this fails.
        let _ = rustix::fs::flock(lock, FlockOperation::Unlock);
    }

    fn facts(&self, handle: &File) -> io::Result<Facts> {
        Ok(facts_of(&rustix::fs::fstat(handle)?))
    }

    fn facts_in(&self, folder: &File, name: &str) -> io::Result<Facts> {
        let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(facts_of(&stat))
    }

    fn read(&self, file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
        file.read(buffer)
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<usize> {
        file.write(bytes)
    }

    fn seek(&self, file: &mut File, offset: u64) -> io::Result<()> {
        file.seek(SeekFrom::Start(offset)).map(drop)
    }

    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        file.set_len(length)
    }

    fn sync(&self, handle: &File) -> io::Result<()> {
        // The standard library asks macOS to flush the drive's cache too.
        handle.sync_all()
    }

    fn rename(&self, folder: &File, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(folder, from, folder, to)?)
    }

    fn unlink(&self, folder: &File, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(folder, name, AtFlags::empty())?)
    }

    fn effective_user(&self) -> u32 {
        rustix::process::geteuid().as_raw()
    }
}

fn open_at<D: std::os::fd::AsFd, P: rustix::path::Arg + Copy>(
    folder: D,
    name: P,
    flags: OFlags,
    mode: Mode,
) -> io::Result<File> {
    let handle: OwnedFd = retry_on_intr(|| rustix::fs::openat(&folder, name, flags, mode))?;
    Ok(File::from(handle))
}

/// The widths of these fields differ between systems; each is widened without loss.
#[allow(clippy::useless_conversion, clippy::unnecessary_cast)]
fn facts_of(stat: &Stat) -> Facts {
    Facts {
        kind: kind_of(FileType::from_raw_mode(stat.st_mode)),
        mode: u32::from(stat.st_mode) & 0o7777,
        owner: stat.st_uid,
        links: u64::from(stat.st_nlink),
        size: u64::try_from(stat.st_size).unwrap_or(u64::MAX),
        identity: (stat.st_dev as u64, u64::from(stat.st_ino)),
    }
}

fn kind_of(file_type: FileType) -> Kind {
    if file_type == FileType::RegularFile {
        Kind::File
    } else if file_type == FileType::Directory {
        Kind::Folder
    } else if file_type == FileType::Symlink {
        Kind::Link
    } else {
        Kind::Other
    }
}

/// Whether opening failed because a link stands at the name.
pub(super) fn is_link_refusal(error: &io::Error) -> bool {
    // Linux and macOS say ELOOP, FreeBSD EMLINK (open(2), O_NOFOLLOW).
    [Errno::LOOP, Errno::MLINK]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}
