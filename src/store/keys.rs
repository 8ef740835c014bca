//! From what a store keeps to keys that sign and verify, and back.
//!
//! Material is kept in forms that other programs read: private keys as PKCS#8 PEM,
//! HMAC secrets as JWK, v4.local secrets as PASERK. Locked with a passphrase they
//! are encrypted PKCS#8 and encrypted JWK.

use std::fmt;

use super::{MaterialAddress, Store, StoreError, Version};
use crate::error::ErrorClass;
use crate::key::{
    Algorithm, ImportOptions, JwkSet, JwkSetError, KeyError, KeyErrorKind, KeyId, SigningKey,
    VerifyingKey,
};
use crate::keyring::{Defaults, KeyRecord, KeySet, Keyring, KeyringError, NewKey, RotationPolicy};
use crate::secret::SecretBytes;
use crate::time::UnixTime;

/// A keyring as it was read, with the version to expect when replacing it.
#[derive(Clone, Debug)]
pub struct StoredKeyring {
    /// The document.
    pub keyring: Keyring,
    /// Its version in the store.
    pub version: Version,
}

/// Reads the keyring; `None` if there has never been one.
///
/// # Errors
/// The store cannot be read, or its document is not a keyring.
pub fn load_keyring(store: &dyn Store) -> Result<Option<StoredKeyring>, KeyAccessError> {
    let Some(found) = store.load()? else {
        return Ok(None);
    };
    Ok(Some(StoredKeyring {
        keyring: Keyring::from_json(&found.document)?,
        version: found.version,
    }))
}

/// Makes the first document of a store, with one key that signs from `now` on. The
/// material is written before the document that names it; `passphrase` locks it.
///
/// # Errors
/// There is a keyring already ([`super::StoreErrorKind::Conflict`]), the store
/// cannot be written, or the name is not allowed.
///
/// ```
/// use tokenwright::UnixTime;
/// use tokenwright::key::{Algorithm, SigningKey};
/// use tokenwright::keyring::{Defaults, RotationPolicy};
/// use tokenwright::store::{MemoryStore, create_keyring, key_set, signing_key};
///
/// let store = MemoryStore::new();
/// let now = UnixTime::from_seconds(1_760_000_000);
/// let key = SigningKey::generate(Algorithm::EdDsa)?;
/// let made = create_keyring(
///     &store, "orders", RotationPolicy::default(), Defaults::default(), &key, None, now,
/// )?;
/// let signer = signing_key(&store, made.keyring.signer(now)?, None)?;
/// assert_eq!(signer.id(), key.id());
/// assert_eq!(key_set(&store, &made.keyring, now, None)?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn create_keyring(
    store: &dyn Store,
    name: &str,
    policy: RotationPolicy,
    defaults: Defaults,
    key: &SigningKey,
    passphrase: Option<&SecretBytes>,
    now: UnixTime,
) -> Result<StoredKeyring, KeyAccessError> {
    let first = put_key(store, key, passphrase)?;
    let keyring = Keyring::create(name, policy, defaults, first, now)?;
    let version = store.compare_and_swap(None, keyring.to_json().as_bytes())?;
    Ok(StoredKeyring { keyring, version })
}

/// Stores a key's material under its content address, locked if there is a
/// passphrase, and says what a keyring needs to name it.
///
/// # Errors
/// The store cannot be written, or holds other bytes under this address.
pub fn put_key(
    store: &dyn Store,
    key: &SigningKey,
    passphrase: Option<&SecretBytes>,
) -> Result<NewKey, KeyAccessError> {
    let about = |error| KeyAccessError::key(key.id(), error);
    let verifying = key.verifying_key();
    let thumbprint = verifying.thumbprint().map_err(about)?;
    let address = MaterialAddress::new(thumbprint.as_str())?;
    let material = write_material(key, passphrase).map_err(about)?;
    store.put_material(&address, &material)?;
    Ok(NewKey {
        id: key.id().clone(),
        algorithm: key.algorithm(),
        public: write_public(&verifying).map_err(about)?,
        address: address.as_str().to_owned(),
    })
}

/// The private key of a record.
///
/// # Errors
/// The material is missing, cannot be read, or is not the key that the record
/// names; [`KeyErrorKind::PassphraseNeeded`] inside [`KeyAccessErrorKind::Key`]
/// when it is locked and `passphrase` is `None`.
pub fn signing_key(
    store: &dyn Store,
    record: &KeyRecord,
    passphrase: Option<&SecretBytes>,
) -> Result<SigningKey, KeyAccessError> {
    let address = MaterialAddress::new(record.address())?;
    let Some(material) = store.get_material(&address)? else {
        return Err(KeyAccessErrorKind::MaterialMissing {
            id: record.id().clone(),
        }
        .into());
    };
    let about = |error| KeyAccessError::key(record.id(), error);
    let key = read_material(&material, record.algorithm(), passphrase).map_err(about)?;
    let verifying = key.verifying_key();
    // Material is addressed by content: other bytes here are damage or an intrusion.
    if verifying.thumbprint().map_err(about)?.as_str() != record.address() {
        return Err(KeyAccessErrorKind::OtherKey {
            id: record.id().clone(),
        }
        .into());
    }
    Ok(key.with_id(record.id().clone()))
}

/// Writes a key's material anew under another passphrase, or without one.
///
/// # Errors
/// As [`signing_key`]; the store cannot be written.
pub fn change_passphrase(
    store: &dyn Store,
    record: &KeyRecord,
    old: Option<&SecretBytes>,
    new: Option<&SecretBytes>,
) -> Result<(), KeyAccessError> {
    let key = signing_key(store, record, old)?;
    let about = |error| KeyAccessError::key(record.id(), error);
    let material = write_material(&key, new).map_err(about)?;
    store.replace_material(&MaterialAddress::new(record.address())?, &material)?;
    Ok(())
}

/// What a verifier of this keyring's tokens needs at `at`: every key that verifies
/// then, with the time it may have signed in. Shared secrets are fetched from the
/// store and unlocked with `passphrase`; public keys stand in the keyring itself.
///
/// # Errors
/// As [`signing_key`], and a public key in the document that cannot be read.
pub fn key_set(
    store: &dyn Store,
    keyring: &Keyring,
    at: UnixTime,
    passphrase: Option<&SecretBytes>,
) -> Result<KeySet, KeyAccessError> {
    let mut keys = Vec::new();
    for record in keyring.keys() {
        if !record.state(at).verifies() {
            continue;
        }
        let Some(period) = record.period() else {
            continue;
        };
        let key = match record.public() {
            Some(_) => public_key(record)?,
            None => signing_key(store, record, passphrase)?.verifying_key(),
        };
        keys.push((key, period));
    }
    KeySet::with_periods(keys).map_err(|error| KeyAccessErrorKind::Set(error).into())
}

/// The public keys to publish at `now`; shared secrets are not among them.
///
/// # Errors
/// A public key in the document cannot be read.
pub fn published_keys(
    keyring: &Keyring,
    now: UnixTime,
) -> Result<Vec<VerifyingKey>, KeyAccessError> {
    keyring
        .published(now)
        .filter(|record| record.public().is_some())
        .map(public_key)
        .collect()
}

/// The key set to publish at `now`, for a keyring of JWT keys that left the store at
/// `read_at`, both by the publisher's clock. With it goes the promise that verifiers may
/// rely on until their own clocks say so: no other key signs before that
/// ([`JwkSet::complete_until`]).
///
/// The promise moves in steps of a tenth of the cache's lifetime, so that the bytes,
/// and an `ETag` made of them, stay the same in between.
///
/// # Errors
/// A public key in the document cannot be read, or the keys are shared secrets.
///
/// ```
/// use tokenwright::UnixTime;
/// use tokenwright::key::{Algorithm, SigningKey};
/// use tokenwright::keyring::{Defaults, RotationPolicy};
/// use tokenwright::store::{MemoryStore, create_keyring, published_set};
///
/// let (store, now) = (MemoryStore::new(), UnixTime::from_seconds(1_760_000_000));
/// let key = SigningKey::generate(Algorithm::EdDsa)?;
/// let (policy, defaults) = (RotationPolicy::default(), Defaults::default());
/// let made = create_keyring(&store, "orders", policy, defaults, &key, None, now)?;
/// let set = published_set(&made.keyring, now, now)?;
/// assert!(set.complete_until().is_some_and(|until| until > now));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn published_set(
    keyring: &Keyring,
    now: UnixTime,
    read_at: UnixTime,
) -> Result<JwkSet, KeyAccessError> {
    let set = JwkSet::of(published_keys(keyring, now)?).map_err(KeyAccessErrorKind::Published)?;
    // Readers' clocks may be S off, and S is known here alone.
    let until = keyring
        .complete_until(read_at)
        .saturating_sub(keyring.policy().clock_skew());
    let step = (keyring.policy().cache_max_age().as_secs() / 10).max(1);
    let beyond = until
        .seconds()
        .rem_euclid(i64::try_from(step).unwrap_or(i64::MAX));
    let until = UnixTime::from_seconds(until.seconds().saturating_sub(beyond));
    Ok(if until > now {
        set.promising(until)
    } else {
        set
    })
}

/// The public key of a record, under the record's id.
///
/// # Errors
/// It is a shared secret, or the text in the document cannot be read.
pub fn public_key(record: &KeyRecord) -> Result<VerifyingKey, KeyAccessError> {
    let about = |error| KeyAccessError::key(record.id(), error);
    let text = record.public().ok_or_else(|| {
        about(KeyError::explained(
            KeyErrorKind::NoSuchForm,
            "a shared secret has no public half",
        ))
    })?;
    let key = if record.algorithm() == Algorithm::V4Public {
        VerifyingKey::from_paserk(text)
    } else {
        let options = ImportOptions::new().algorithm(record.algorithm());
        VerifyingKey::from_jwk(text.as_bytes(), &options)
    };
    Ok(key.map_err(about)?.with_id(record.id().clone()))
}

/// Whether stored material is locked with a passphrase.
#[must_use]
pub fn is_locked(material: &SecretBytes) -> bool {
    let bytes = material.expose();
    bytes.starts_with(b"-----BEGIN ENCRYPTED") || bytes.starts_with(b"eyJ")
}

fn write_public(key: &VerifyingKey) -> Result<Option<String>, KeyError> {
    if key.algorithm().is_symmetric() {
        return Ok(None);
    }
    if key.algorithm() == Algorithm::V4Public {
        return key.to_paserk().map(Some);
    }
    key.to_jwk().map(Some)
}

fn write_material(
    key: &SigningKey,
    passphrase: Option<&SecretBytes>,
) -> Result<SecretBytes, KeyError> {
    match (key.algorithm(), passphrase) {
        (algorithm, Some(passphrase)) if algorithm.is_symmetric() => {
            Ok(key.to_locked_jwk(passphrase)?.into_bytes().into())
        }
        (_, Some(passphrase)) => Ok(key.to_encrypted_pem(passphrase)?.into_bytes().into()),
        (Algorithm::V4Local, None) => key.to_paserk(),
        (algorithm, None) if algorithm.is_symmetric() => key.to_jwk(),
        (_, None) => key.to_pem(),
    }
}

/// Tells the forms apart by how they begin; each reader is strict by itself.
fn read_material(
    material: &SecretBytes,
    algorithm: Algorithm,
    passphrase: Option<&SecretBytes>,
) -> Result<SigningKey, KeyError> {
    let mut options = ImportOptions::new().algorithm(algorithm);
    if let Some(passphrase) = passphrase {
        options = options.passphrase(passphrase);
    }
    let bytes = material.expose();
    let text = || {
        std::str::from_utf8(bytes)
            .map_err(|_| KeyError::explained(KeyErrorKind::Malformed, "the stored key is not text"))
    };
    if bytes.starts_with(b"-----BEGIN") {
        SigningKey::from_pem(bytes, &options)
    } else if bytes.starts_with(b"eyJ") {
        SigningKey::from_locked_jwk(text()?, &options)
    } else if bytes.starts_with(b"k4.") {
        SigningKey::from_paserk(text()?)
    } else {
        SigningKey::from_jwk(bytes, &options)
    }
}

/// Why a keyring or a key of it could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyAccessErrorKind {
    /// The store failed.
    Store(StoreError),
    /// The document is not a keyring, or does not allow what was asked.
    Keyring(KeyringError),
    /// One key cannot be read or written.
    Key {
        /// Its id.
        id: KeyId,
        /// What is wrong with it.
        error: KeyError,
    },
    /// The keys cannot be used together.
    Set(KeyError),
    /// The keys cannot be published together.
    Published(JwkSetError),
    /// The keyring names a key whose material the store does not have.
    MaterialMissing {
        /// Its id.
        id: KeyId,
    },
    /// The material under a key's address is another key.
    OtherKey {
        /// The id in the keyring.
        id: KeyId,
    },
}

/// A keyring or a key that could not be had, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAccessError {
    kind: KeyAccessErrorKind,
}

impl KeyAccessError {
    fn key(id: &KeyId, error: KeyError) -> Self {
        KeyAccessErrorKind::Key {
            id: id.clone(),
            error,
        }
        .into()
    }

    /// The reason, for a program.
    #[must_use]
    pub fn kind(&self) -> &KeyAccessErrorKind {
        &self.kind
    }

    /// The stable name of the reason.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.kind {
            KeyAccessErrorKind::Store(error) => error.code(),
            KeyAccessErrorKind::Keyring(error) => error.code(),
            KeyAccessErrorKind::Key { error, .. } | KeyAccessErrorKind::Set(error) => error.code(),
            KeyAccessErrorKind::Published(error) => error.code(),
            KeyAccessErrorKind::MaterialMissing { .. } => "material_missing",
            KeyAccessErrorKind::OtherKey { .. } => "other_key",
        }
    }

    /// Who must act.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match &self.kind {
            KeyAccessErrorKind::Store(error) => error.class(),
            KeyAccessErrorKind::Keyring(error) => error.class(),
            KeyAccessErrorKind::Key { error, .. } | KeyAccessErrorKind::Set(error) => error.class(),
            KeyAccessErrorKind::Published(error) => error.class(),
            KeyAccessErrorKind::MaterialMissing { .. } => ErrorClass::CannotKnow,
            KeyAccessErrorKind::OtherKey { .. } => ErrorClass::Operator,
        }
    }

    /// Whether the key is locked and no passphrase was given.
    #[must_use]
    pub fn needs_passphrase(&self) -> bool {
        matches!(&self.kind, KeyAccessErrorKind::Key { error, .. }
            if error.kind() == KeyErrorKind::PassphraseNeeded)
    }
}

impl From<KeyAccessErrorKind> for KeyAccessError {
    fn from(kind: KeyAccessErrorKind) -> Self {
        Self { kind }
    }
}

impl From<StoreError> for KeyAccessError {
    fn from(error: StoreError) -> Self {
        KeyAccessErrorKind::Store(error).into()
    }
}

impl From<KeyringError> for KeyAccessError {
    fn from(error: KeyringError) -> Self {
        KeyAccessErrorKind::Keyring(error).into()
    }
}

impl fmt::Display for KeyAccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            KeyAccessErrorKind::Store(error) => error.fmt(f),
            KeyAccessErrorKind::Keyring(error) => error.fmt(f),
            KeyAccessErrorKind::Key { id, error } => write!(f, "key {id}: {error}"),
            KeyAccessErrorKind::Set(error) => error.fmt(f),
            KeyAccessErrorKind::Published(error) => error.fmt(f),
            KeyAccessErrorKind::MaterialMissing { id } => {
                write!(
                    f,
                    "the keyring names key {id}, but its private half is not in the store"
                )
            }
            KeyAccessErrorKind::OtherKey { id } => {
                write!(
                    f,
                    "what is stored for key {id} is another key; nothing was signed with it"
                )
            }
        }
    }
}

impl std::error::Error for KeyAccessError {}
