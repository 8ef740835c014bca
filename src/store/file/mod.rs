//! A folder on disk that keeps a document and the private keys it names.
//!
//! ```text
//! keys/               0700
//!   keyring.json      0600   the document
//!   private/          0700
//!     ADDRESS.key     0600   key material, byte for byte
//!   revocations.log   0600   the list of revocations, see `log/`
//!   .lock             0600   held by a writer; never renamed or removed
//!   .tmp-…            0600   being written; strays are removed by the next writer
//! ```
//!
//! A change is: lock, look again, write a temporary file, sync it, rename it over
//! the old one, sync the folder. A reader takes no lock and finds the old file or
//! the new one, whole.

#[cfg(not(unix))]
compile_error!(
    "the feature `file-store` needs Unix file modes and locks: \
     build with `default-features = false` and without `file-store` (or `cli`) on this system"
);

#[cfg(test)]
mod faults;
mod folder;
mod log;
#[cfg(test)]
mod model;
mod secret;
mod system;
mod words;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use folder::{Folder, Lock};
use system::{FileSystem, Unix};

use words::shell_word;

use super::error::{StoreError, StoreErrorKind};
use super::{
    MaterialAddress, Store, Version, Versioned, check_document, check_material, conflict,
    material_differs, material_missing,
};
use crate::limits::{MAX_MATERIAL_BYTES, MAX_STORE_DOCUMENT_BYTES};
use crate::secret::SecretBytes;

pub use log::FileRevocations;
pub use secret::{Overwrite, create_secret_file};

/// The document's name unless another is asked for.
const KEYRING: &str = "keyring.json";
/// The folder of key material.
const PRIVATE: &str = "private";
/// What files of key material end with.
const MATERIAL_SUFFIX: &str = ".key";
/// How long a writer waits for another one, who needs a few milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// A store in a folder that belongs to one user.
///
/// The folder and everything in it are refused if others can get at them; the
/// message has the `chmod` that mends it. Links are never followed. Any number of
/// processes may use the folder at once, and any of them may be killed.
///
/// ```
/// use tokenwright::store::{FileStore, Store};
/// # let place = std::env::temp_dir().join(format!("tokenwright-doc-{}", std::process::id()));
/// let store = FileStore::create(&place)?;
/// let version = store.compare_and_swap(None, br#"{"keys":[]}"#)?;
/// assert_eq!(FileStore::open(&place)?.load()?.map(|loaded| loaded.version), Some(version));
/// # let _ = std::fs::remove_dir_all(&place);
/// # Ok::<(), tokenwright::store::StoreError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FileStore(Engine<Unix>);

impl FileStore {
    /// A folder that exists. Nothing is written.
    ///
    /// # Errors
    /// The folder is missing, is not a folder, or others can get at it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Engine::open(Unix, path.as_ref()).map(Self)
    }

    /// A folder that is made if need be, with mode 0700; the folder above must exist.
    ///
    /// # Errors
    /// The folder cannot be made, or exists and [`open`](Self::open) refuses it.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Engine::create(Unix, path.as_ref()).map(Self)
    }

    /// The store of another document in the same folder, such as
    /// `revocations.json`. Both share the lock and the key material.
    ///
    /// # Errors
    /// [`StoreErrorKind::BadAddress`] unless the name ends in `.json` and could
    /// be a [`MaterialAddress`].
    pub fn beside(&self, document: &str) -> Result<Self, StoreError> {
        let name = MaterialAddress::new(document)?;
        if !document.ends_with(".json") {
            return Err(StoreError::new(
                StoreErrorKind::BadAddress,
                document,
                "a name that ends in .json",
                "another",
                "use a name such as revocations.json",
            ));
        }
        let mut engine = self.0.clone();
        engine.document = name.as_str().to_owned();
        Ok(Self(engine))
    }

    /// The list of revocations in the same folder, `revocations.log`. Nothing is
    /// written; [`create`](super::RevocationStore::create) makes the list.
    #[must_use]
    pub fn revocations(&self) -> FileRevocations {
        FileRevocations::new(self.0.clone())
    }

    /// How long a writer waits for another process before it gives up with
    /// [`StoreErrorKind::Busy`]: 5 s unless changed here.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.0.patience = patience;
        self
    }

    /// The folder, as an absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }
}

impl Store for FileStore {
    fn load(&self) -> Result<Option<Versioned>, StoreError> {
        self.0.load()
    }

    fn compare_and_swap(
        &self,
        expected: Option<&Version>,
        document: &[u8],
    ) -> Result<Version, StoreError> {
        self.0.compare_and_swap(expected, document)
    }

    fn put_material(
        &self,
        address: &MaterialAddress,
        secret: &SecretBytes,
    ) -> Result<(), StoreError> {
        self.0
            .write_material(address, secret, Existing::MustBeEqual)
    }

    fn replace_material(
        &self,
        address: &MaterialAddress,
        secret: &SecretBytes,
    ) -> Result<(), StoreError> {
        self.0.write_material(address, secret, Existing::MustExist)
    }

    fn get_material(&self, address: &MaterialAddress) -> Result<Option<SecretBytes>, StoreError> {
        self.0.get_material(address)
    }

    fn remove_material(&self, address: &MaterialAddress) -> Result<(), StoreError> {
        self.0.remove_material(address)
    }

    fn list_material(&self) -> Result<Vec<MaterialAddress>, StoreError> {
        self.0.list_material()
    }
}

/// What may stand where key material is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Existing {
    MustBeEqual,
    MustExist,
}

/// The store over any file system, so that tests can bring their own.
#[derive(Clone, Debug)]
struct Engine<F> {
    files: F,
    path: PathBuf,
    document: String,
    patience: Duration,
}

impl<F: FileSystem> Engine<F> {
    fn open(files: F, path: &Path) -> Result<Self, StoreError> {
        let engine = Self::new(files, path)?;
        engine.folder()?;
        Ok(engine)
    }

    fn create(files: F, path: &Path) -> Result<Self, StoreError> {
        let engine = Self::new(files, path)?;
        let made = match engine.files.make_folder(&engine.path) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => {
                let place = shell_word(&engine.path);
                return Err(StoreError::from_io(&error, &place, "to make this folder"));
            }
        };
        // Also if it was there: whoever made it may have been killed before the sync.
        let synced = engine.folder().and_then(|folder| folder.sync_above());
        synced.inspect_err(|_| {
            // No later sync can be trusted with a name whose sync has failed.
            if made {
                let _ = engine.files.remove_folder(&engine.path);
            }
        })?;
        Ok(engine)
    }

    /// The path is made absolute, so that a later change of the working folder
    /// changes nothing, and loses a final slash, which would follow a link.
    fn new(files: F, path: &Path) -> Result<Self, StoreError> {
        let path = std::path::absolute(path)
            .map_err(|error| StoreError::from_io(&error, &shell_word(path), "a folder's path"))?
            .components()
            .collect();
        Ok(Self {
            files,
            path,
            document: KEYRING.to_owned(),
            patience: PATIENCE,
        })
    }

    /// Opened and checked anew for every call: permissions may have changed, or
    /// another folder may have been moved here.
    fn folder(&self) -> Result<Folder<'_, F>, StoreError> {
        Folder::open(&self.files, &self.path)
    }

    /// The folder, locked, without what a killed writer has left.
    fn locked(&self) -> Result<(Folder<'_, F>, Lock<'_, F>), StoreError> {
        let folder = self.folder()?;
        let lock = folder.lock(self.patience)?;
        folder.sweep();
        Ok((folder, lock))
    }

    fn load(&self) -> Result<Option<Versioned>, StoreError> {
        self.read_document(&self.folder()?)
    }

    fn read_document(&self, folder: &Folder<'_, F>) -> Result<Option<Versioned>, StoreError> {
        let Some(bytes) = folder.read(&self.document, MAX_STORE_DOCUMENT_BYTES)? else {
            return Ok(None);
        };
        check_document(&bytes, &folder.word(&self.document))?;
        Ok(Some(Versioned {
            version: Version::of(&bytes),
            document: bytes.to_vec(),
        }))
    }

    fn compare_and_swap(
        &self,
        expected: Option<&Version>,
        document: &[u8],
    ) -> Result<Version, StoreError> {
        check_document(document, "the new document")?;
        let (folder, _lock) = self.locked()?;
        let current = self.read_document(&folder)?;
        let found = current.as_ref().map(|current| &current.version);
        if found != expected {
            return Err(conflict(&folder.word(&self.document), expected, found));
        }
        folder.write(&self.document, document)?;
        if expected.is_none() {
            folder.sync_above()?;
        }
        Ok(Version::of(document))
    }

    /// Writes even what is there already: an earlier call may have failed to sync
    /// it, and only new bytes under a new name can be synced with certainty.
    fn write_material(
        &self,
        address: &MaterialAddress,
        secret: &SecretBytes,
        existing: Existing,
    ) -> Result<(), StoreError> {
        check_material(secret.len(), address.as_str())?;
        let (folder, _lock) = self.locked()?;
        let private = folder.make_inner(PRIVATE)?;
        private.sweep();
        let name = material_name(address);
        let found = read_material(&private, &name)?;
        match (existing, found) {
            (Existing::MustExist, None) => return Err(material_missing(&private.word(&name))),
            (Existing::MustBeEqual, Some(found)) if found != *secret => {
                return Err(material_differs(&private.word(&name)));
            }
            (Existing::MustExist, Some(_)) | (Existing::MustBeEqual, _) => {}
        }
        private.write(&name, secret.expose())?;
        // The inner folder's own name, if whoever made it was killed before the sync.
        folder.sync()
    }

    fn get_material(&self, address: &MaterialAddress) -> Result<Option<SecretBytes>, StoreError> {
        match self.folder()?.inner(PRIVATE)? {
            Some(private) => read_material(&private, &material_name(address)),
            None => Ok(None),
        }
    }

    fn remove_material(&self, address: &MaterialAddress) -> Result<(), StoreError> {
        let (folder, _lock) = self.locked()?;
        let Some(private) = folder.inner(PRIVATE)? else {
            return Ok(());
        };
        // A stray may hold the very key that is to be destroyed.
        private.sweep();
        private.remove(&material_name(address))
    }

    fn list_material(&self) -> Result<Vec<MaterialAddress>, StoreError> {
        let Some(private) = self.folder()?.inner(PRIVATE)? else {
            return Ok(Vec::new());
        };
        let mut addresses: Vec<MaterialAddress> = private
            .names()?
            .iter()
            .filter_map(|name| name.strip_suffix(MATERIAL_SUFFIX))
            .filter_map(|address| MaterialAddress::new(address).ok())
            .collect();
        addresses.sort();
        Ok(addresses)
    }
}

fn material_name(address: &MaterialAddress) -> String {
    format!("{address}{MATERIAL_SUFFIX}")
}

fn read_material<F: FileSystem>(
    private: &Folder<'_, F>,
    name: &str,
) -> Result<Option<SecretBytes>, StoreError> {
    let Some(bytes) = private.read(name, MAX_MATERIAL_BYTES)? else {
        return Ok(None);
    };
    check_material(bytes.len(), &private.word(name))?;
    Ok(Some(SecretBytes::from(bytes)))
}
