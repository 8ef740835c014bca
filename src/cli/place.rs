//! Which store a command works on, and how it is opened: the one place that does so.

use std::env;
use std::path::{Path, PathBuf};

use tokenwright::SecretBytes;
use tokenwright::store::{OpenOptions, OpenedStore, StoreErrorKind};

use super::escape::Escaped;
use super::failure::Failure;
use super::input::read_file;
use super::keys::store_failure;

/// Longest file of a sealing key, in bytes.
const MAX_KEY_BYTES: usize = 1024;

/// A store that is named and not opened yet.
#[derive(Clone, Debug)]
pub(crate) struct StorePlace {
    /// As it was written; it may hold a password.
    name: SecretName,
    folder: Option<PathBuf>,
}

/// A name that is not printed.
#[derive(Clone)]
struct SecretName(String);

impl std::fmt::Debug for SecretName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&OpenedStore::shown(&self.0))
    }
}

impl StorePlace {
    /// The store with this name.
    pub(crate) fn named(name: &str) -> Result<Self, Failure> {
        if name.is_empty() {
            return Err(Failure::config("the store's name is empty").hint("give --store FOLDER"));
        }
        let folder = OpenedStore::folder_of(name).map_err(|error| store_failure(&error))?;
        Ok(Self {
            name: SecretName(name.to_owned()),
            folder,
        })
    }

    /// The folder, if the store is one.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Its name for people: without a password.
    pub(crate) fn shown(&self) -> String {
        OpenedStore::shown(&self.name.0)
    }

    /// The name as another store command takes it.
    pub(crate) fn setting(&self) -> String {
        self.name.0.clone()
    }

    /// Opens what is there.
    pub(crate) fn open(&self) -> Result<OpenedStore, Failure> {
        let start = format!(
            "to make one: tokenwright init --store {}",
            Escaped(&self.shown())
        );
        OpenedStore::open(&self.name.0, &options()?).map_err(|error| {
            let failure = store_failure(&error);
            match error.kind() {
                StoreErrorKind::Missing => failure.hint(start),
                _ => failure,
            }
        })
    }

    /// Opens it, and makes what it needs.
    pub(crate) fn create(&self) -> Result<OpenedStore, Failure> {
        OpenedStore::create(&self.name.0, &options()?).map_err(|error| store_failure(&error))
    }
}

/// What opening takes besides a name: from the environment, which names files where it
/// can, and from systemd's credentials. Never from arguments, which others can read.
pub(crate) fn options() -> Result<OpenOptions, Failure> {
    let mut options = OpenOptions::new();
    if let Some(password) = env::var_os("TOKENWRIGHT_STORE_PASSWORD") {
        let bytes = password.into_encoded_bytes();
        options = options.password(SecretBytes::from(bytes));
    }
    let named = env::var_os("TOKENWRIGHT_SEALING_KEY").filter(|value| !value.is_empty());
    let credential = env::var_os("CREDENTIALS_DIRECTORY")
        .map(|folder| Path::new(&folder).join("tokenwright-sealing-key"))
        .filter(|path| path.exists());
    if let Some(path) = named.map(PathBuf::from).or(credential) {
        options = options.sealing_key(read_file(&path, MAX_KEY_BYTES)?);
    }
    Ok(options)
}

/// A password among the arguments can be read by every program of the machine.
pub(crate) fn refuse_password(name: &str) -> Result<(), Failure> {
    if OpenedStore::shown(name) == name {
        return Ok(());
    }
    let message = "a password does not belong among arguments: every program can read them";
    Err(Failure::usage(message).hint(
        "add ?password-file=FILE to the store's name, or set TOKENWRIGHT_STORE_PASSWORD or \
         TOKENWRIGHT_STORE; and consider this password known",
    ))
}
