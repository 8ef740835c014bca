//! Opening a store by its name.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{StoreError, StoreErrorKind};
use super::file::FileStore;
use super::notice::{ListenHandle, Waker};
use super::{MaterialAddress, RevocationStore, Store, Version, Versioned};
use crate::secret::SecretBytes;

/// Waking others on news.
pub(in crate::store) type Listen =
    Box<dyn Fn(Vec<Waker>) -> Result<ListenHandle, std::io::Error> + Send + Sync>;

/// What opening a store on a server gives.
pub(in crate::store) struct Parts {
    /// For messages, without a password.
    pub(in crate::store) name: String,
    pub(in crate::store) keyring: Arc<dyn Store>,
    pub(in crate::store) revocations: Arc<dyn RevocationStore>,
    /// Absent where a server has no way to tell of changes.
    pub(in crate::store) listen: Option<Listen>,
    /// Lays out what the server needs, or checks that it can be used.
    pub(in crate::store) prepare: Box<dyn Fn() -> Result<(), StoreError> + Send + Sync>,
}

/// What opening a store needs besides its name.
#[derive(Default)]
pub struct OpenOptions {
    pub(in crate::store) password: Option<SecretBytes>,
    pub(in crate::store) sealing_key: Option<SecretBytes>,
    pub(in crate::store) most_revocations: Option<u64>,
}

impl OpenOptions {
    /// Nothing: no password, no sealing key, the usual limit.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The server's password, unless the name says where it is.
    #[must_use]
    pub fn password(mut self, password: SecretBytes) -> Self {
        self.password = Some(password);
        self
    }

    /// The text of the key that seals private keys (see [`SealingKey`](super::SealingKey)).
    /// Whoever only verifies needs none.
    #[must_use]
    pub fn sealing_key(mut self, text: SecretBytes) -> Self {
        self.sealing_key = Some(text);
        self
    }

    /// How many revocations the list may hold, repeated ones included:
    /// [`MAX_STORED_REVOCATIONS`](crate::limits::MAX_STORED_REVOCATIONS) unless changed here.
    #[must_use]
    pub fn most_revocations(mut self, entries: u64) -> Self {
        self.most_revocations = Some(entries);
        self
    }
}

impl fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenOptions")
            .field("password", &self.password.is_some())
            .field("sealing_key", &self.sealing_key.is_some())
            .field("most_revocations", &self.most_revocations)
            .finish()
    }
}

/// A keyring and a list of revocations, wherever they are. Clones share them.
///
/// | name | where |
/// |---|---|
/// | `keys`, `file:///etc/keys` | a folder |
/// | `redis://`, `rediss://` | Redis or Valkey (feature `redis`) |
/// | `postgres://`, `postgresql://` | PostgreSQL (feature `postgres`) |
/// | `s3://`, `gs://`, `az://` | object storage (feature `object-store`) |
///
/// ```
/// use tokenwright::store::{OpenOptions, OpenedStore, Store as _};
/// # let place = std::env::temp_dir().join(format!("tokenwright-open-{}", std::process::id()));
/// # let name = place.to_string_lossy();
/// let store = OpenedStore::create(&name, &OpenOptions::new())?;
/// assert!(store.load()?.is_none());
/// # let _ = std::fs::remove_dir_all(&place);
/// # Ok::<(), tokenwright::store::StoreError>(())
/// ```
#[derive(Clone)]
pub struct OpenedStore {
    parts: Arc<Parts>,
    folder: Option<FileStore>,
}

impl OpenedStore {
    /// The store with this name. A folder must exist; a server is first called when
    /// something is asked of it.
    ///
    /// # Errors
    /// [`StoreErrorKind::BadReference`] for a name that cannot be understood; what a
    /// folder is refused for.
    pub fn open(name: &str, options: &OpenOptions) -> Result<Self, StoreError> {
        match place_of(name)? {
            Place::Folder(folder) => FileStore::open(folder).map(Self::folder),
            Place::Server(open) => open(name, options).map(Self::server),
        }
    }

    /// The same, and made ready for use: a folder is made if need be, a database is laid
    /// out or brought up to date, a bucket is tried. May be repeated.
    ///
    /// # Errors
    /// As [`open`](Self::open); the server cannot be reached or used.
    pub fn create(name: &str, options: &OpenOptions) -> Result<Self, StoreError> {
        match place_of(name)? {
            Place::Folder(folder) => FileStore::create(folder).map(Self::folder),
            Place::Server(open) => {
                let store = open(name, options).map(Self::server)?;
                (store.parts.prepare)()?;
                Ok(store)
            }
        }
    }

    /// The folder that a name means, if it does not mean a server.
    ///
    /// # Errors
    /// [`StoreErrorKind::BadReference`] for a name that cannot be understood.
    pub fn folder_of(name: &str) -> Result<Option<PathBuf>, StoreError> {
        Ok(match place_of(name)? {
            Place::Folder(folder) => Some(folder),
            Place::Server(_) => None,
        })
    }

    /// A store's name as it may be printed: without the password, if there is one in it.
    ///
    /// ```
    /// use tokenwright::store::OpenedStore;
    /// assert_eq!(OpenedStore::shown("redis://tw:hunter2@h:6379/0"), "redis://tw@h:6379/0");
    /// assert_eq!(OpenedStore::shown("keys"), "keys");
    /// ```
    #[must_use]
    pub fn shown(name: &str) -> String {
        without_password(name)
    }

    /// Its list of revocations.
    #[must_use]
    pub fn revocations(&self) -> Arc<dyn RevocationStore> {
        Arc::clone(&self.parts.revocations)
    }

    /// The store's name for messages. It never holds a password.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.parts.name
    }

    /// The folder, if it is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.folder.as_ref().map(FileStore::path)
    }

    /// Whether private keys are sealed before they are kept: on every server.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.folder.is_none()
    }

    /// Wakes these whenever the server tells of a change, until the handle is dropped;
    /// `None` where stores are only looked at: folders and object storage. What is
    /// missed is found at the follower's next look.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn listen(&self, wakers: Vec<Waker>) -> Result<Option<ListenHandle>, std::io::Error> {
        let listen = self.parts.listen.as_ref();
        listen.map(|listen| listen(wakers)).transpose()
    }

    fn server(parts: Parts) -> Self {
        Self {
            parts: Arc::new(parts),
            folder: None,
        }
    }

    fn folder(folder: FileStore) -> Self {
        let parts = Parts {
            name: folder.path().to_string_lossy().into_owned(),
            keyring: Arc::new(folder.clone()),
            revocations: Arc::new(folder.revocations()),
            listen: None,
            prepare: Box::new(|| Ok(())),
        };
        Self {
            parts: Arc::new(parts),
            folder: Some(folder),
        }
    }
}

type OpenServer = fn(&str, &OpenOptions) -> Result<Parts, StoreError>;

enum Place {
    Folder(PathBuf),
    Server(OpenServer),
}

fn place_of(name: &str) -> Result<Place, StoreError> {
    let scheme = name.split_once("://").map_or("", |(scheme, _)| scheme);
    Ok(match scheme {
        "redis" | "rediss" => Place::Server(super::redis::open),
        "postgres" | "postgresql" => Place::Server(super::postgres::open),
        "s3" | "gs" | "az" => Place::Server(super::objects::open),
        "file" => Place::Folder(PathBuf::from(name.strip_prefix("file://").unwrap_or(name))),
        "" if name == "memory:" => {
            return Err(unusable(
                name,
                "a store that outlives this program",
                "name a folder or a server",
            ));
        }
        "" if name.is_empty() => return Err(unusable("the store", "a name", "name a folder")),
        "" => Place::Folder(PathBuf::from(name)),
        _ => {
            return Err(unusable(
                scheme,
                "a folder, redis://, rediss://, postgres://, s3://, gs:// or az://",
                "name one of these",
            ));
        }
    })
}

/// A name without what stands between the user and the last `@` before the parameters.
fn without_password(name: &str) -> String {
    let parts = (|| {
        let (scheme, rest) = name.split_once("//")?;
        let (address, parameters) = match rest.split_once('?') {
            Some((address, parameters)) => (address, format!("?{parameters}")),
            None => (rest, String::new()),
        };
        let (login, host) = address.rsplit_once('@')?;
        let (user, _) = login.split_once(':')?;
        Some(format!("{scheme}//{user}@{host}{parameters}"))
    })();
    parts.unwrap_or_else(|| name.to_owned())
}

fn unusable(place: &str, expected: &str, next_step: &str) -> StoreError {
    let found = "something else";
    StoreError::new(
        StoreErrorKind::BadReference,
        place,
        expected,
        found,
        next_step,
    )
}

impl Store for OpenedStore {
    fn load(&self) -> Result<Option<Versioned>, StoreError> {
        self.parts.keyring.load()
    }

    fn compare_and_swap(
        &self,
        expected: Option<&Version>,
        document: &[u8],
    ) -> Result<Version, StoreError> {
        self.parts.keyring.compare_and_swap(expected, document)
    }

    fn put_material(
        &self,
        address: &MaterialAddress,
        secret: &SecretBytes,
    ) -> Result<(), StoreError> {
        self.parts.keyring.put_material(address, secret)
    }

    fn replace_material(
        &self,
        address: &MaterialAddress,
        secret: &SecretBytes,
    ) -> Result<(), StoreError> {
        self.parts.keyring.replace_material(address, secret)
    }

    fn get_material(&self, address: &MaterialAddress) -> Result<Option<SecretBytes>, StoreError> {
        self.parts.keyring.get_material(address)
    }

    fn remove_material(&self, address: &MaterialAddress) -> Result<(), StoreError> {
        self.parts.keyring.remove_material(address)
    }

    fn list_material(&self) -> Result<Vec<MaterialAddress>, StoreError> {
        self.parts.keyring.list_material()
    }
}

impl fmt::Debug for OpenedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OpenedStore").field(&self.name()).finish()
    }
}
