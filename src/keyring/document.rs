//! The keyring as a JSON document: strict to read, canonical and readable to write.
//!
//! A newer version is refused with the advice to update. An unknown member of
//! this version is refused, too, rather than kept or dropped: a misspelt time in
//! a file edited by hand would otherwise vanish at the next commit, and this
//! program cannot honour what it does not know.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::{KeyringError, KeyringErrorKind};
use super::policy::{PolicyNumbers, RotationPolicy};
use super::record::{KeyRecord, Raise, Tombstone};
use super::ring::{Defaults, Keyring, Version};
use crate::key::{Algorithm, KeyId};
use crate::limits::MAX_STORE_DOCUMENT_BYTES;
use crate::time::UnixTime;

/// What the document calls itself.
const FORMAT: &str = "tokenwright-keyring";
/// The version this program writes, and the newest that it reads.
const VERSION: u64 = 1;

impl Keyring {
    /// Reads a document.
    ///
    /// # Errors
    /// [`KeyringErrorKind::TooLarge`], [`KeyringErrorKind::Malformed`],
    /// [`KeyringErrorKind::NotAKeyring`], [`KeyringErrorKind::NewerVersion`],
    /// [`KeyringErrorKind::UnsafePolicy`], and [`KeyringErrorKind::Inconsistent`]
    /// for a document whose parts contradict each other.
    pub fn from_json(text: &[u8]) -> Result<Self, KeyringError> {
        if text.len() > MAX_STORE_DOCUMENT_BYTES {
            return Err(KeyringError::new(
                KeyringErrorKind::TooLarge,
                format!(
                    "a keyring is at most {MAX_STORE_DOCUMENT_BYTES} bytes long, this is {}",
                    text.len()
                ),
            ));
        }
        check_head(text)?;
        let document: Document = serde_json::from_slice(text).map_err(malformed)?;
        let keyring = document.into_keyring()?;
        super::check::consistent(&keyring)?;
        Ok(keyring)
    }

    /// Writes the document: the same keyring always gives the same bytes.
    #[must_use]
    pub fn to_json(&self) -> String {
        let document = Document::of(self);
        // Writing strings and integers into memory cannot fail.
        let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// The two members that any version has.
#[derive(Deserialize)]
struct Head {
    format: Option<String>,
    version: Option<u64>,
}

fn check_head(text: &[u8]) -> Result<(), KeyringError> {
    let head: Head = serde_json::from_slice(text).map_err(malformed)?;
    if head.format.as_deref() != Some(FORMAT) {
        return Err(KeyringError::new(
            KeyringErrorKind::NotAKeyring,
            format!("this is not a keyring: its member format should be {FORMAT:?}"),
        ));
    }
    match head.version {
        Some(VERSION) => Ok(()),
        Some(version) if version > VERSION => Err(KeyringError::new(
            KeyringErrorKind::NewerVersion,
            format!(
                "the keyring has version {version}, and this program knows {VERSION}: update this program; \
                 the file was left as it is"
            ),
        )),
        Some(_) | None => Err(KeyringError::new(
            KeyringErrorKind::Malformed,
            "the keyring's version is missing or was never used",
        )),
    }
}

fn malformed(error: serde_json::Error) -> KeyringError {
    KeyringError::new(
        KeyringErrorKind::Malformed,
        format!(
            "the keyring cannot be read: {error}; put the last good copy in its place with restore"
        ),
    )
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    version: u64,
    ring: String,
    epoch: u64,
    seq: u64,
    as_of: i64,
    complete_until: i64,
    algorithm: String,
    policy: PolicyNumbers,
    #[serde(default, skip_serializing_if = "DefaultsForm::is_empty")]
    defaults: DefaultsForm,
    keys: Vec<KeyForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tombstones: Vec<TombstoneForm>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DefaultsForm {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    audiences: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token_lifetime: Option<u64>,
}

impl DefaultsForm {
    fn is_empty(&self) -> bool {
        self.issuer.is_none() && self.audiences.is_empty() && self.token_lifetime.is_none()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyForm {
    id: String,
    algorithm: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public: Option<String>,
    address: String,
    published_at: i64,
    known_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    activates_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stops_signing_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verifies_until: Option<i64>,
    max_lifetime: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    raise: Option<RaiseForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    suspended_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resumed_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    compromised_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    private_erased_at: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RaiseForm {
    lifetime_before: u64,
    from: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TombstoneForm {
    id: String,
    at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    compromised_at: Option<i64>,
}

impl Document {
    fn of(keyring: &Keyring) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            ring: keyring.ring.clone(),
            epoch: keyring.version.epoch,
            seq: keyring.version.seq,
            as_of: keyring.as_of.seconds(),
            complete_until: keyring.complete_until.seconds(),
            algorithm: keyring.algorithm.name().to_owned(),
            policy: keyring.policy.numbers(),
            defaults: DefaultsForm {
                issuer: keyring.defaults.issuer.clone(),
                audiences: keyring.defaults.audiences.clone(),
                token_lifetime: keyring.defaults.token_lifetime.map(|life| life.as_secs()),
            },
            keys: keyring.keys.iter().map(KeyForm::of).collect(),
            tombstones: keyring.tombstones.iter().map(TombstoneForm::of).collect(),
        }
    }

    fn into_keyring(self) -> Result<Keyring, KeyringError> {
        let policy = RotationPolicy::new(self.policy).map_err(|error| {
            KeyringError::new(
                KeyringErrorKind::UnsafePolicy,
                format!("the keyring's policy is unsafe: {error}"),
            )
        })?;
        let mut keyring = Keyring {
            ring: self.ring,
            version: Version {
                epoch: self.epoch,
                seq: self.seq,
            },
            as_of: time(self.as_of),
            complete_until: time(self.complete_until),
            algorithm: algorithm(&self.algorithm)?,
            policy,
            defaults: Defaults {
                issuer: self.defaults.issuer,
                audiences: self.defaults.audiences,
                token_lifetime: self.defaults.token_lifetime.map(Duration::from_secs),
            },
            keys: Vec::with_capacity(self.keys.len()),
            tombstones: Vec::with_capacity(self.tombstones.len()),
        };
        for key in self.keys {
            keyring.insert(key.into_record()?);
        }
        for stone in self.tombstones {
            keyring.bury(stone.into_tombstone()?);
        }
        Ok(keyring)
    }
}

impl KeyForm {
    fn of(key: &KeyRecord) -> Self {
        let seconds = |time: Option<UnixTime>| time.map(UnixTime::seconds);
        Self {
            id: key.id.as_str().to_owned(),
            algorithm: key.algorithm.name().to_owned(),
            public: key.public.clone(),
            address: key.address.clone(),
            published_at: key.published_at.seconds(),
            known_at: key.known_at.seconds(),
            activates_at: seconds(key.activates_at),
            stops_signing_at: seconds(key.stops_signing_at),
            verifies_until: seconds(key.verifies_until),
            max_lifetime: key.max_lifetime.as_secs(),
            raise: key.raise.map(|raise| RaiseForm {
                lifetime_before: raise.lifetime_before.as_secs(),
                from: raise.from.seconds(),
            }),
            suspended_at: seconds(key.suspended_at),
            resumed_at: seconds(key.resumed_at),
            compromised_at: seconds(key.compromised_at),
            private_erased_at: seconds(key.private_erased_at),
        }
    }

    fn into_record(self) -> Result<KeyRecord, KeyringError> {
        Ok(KeyRecord {
            id: key_id(&self.id)?,
            algorithm: algorithm(&self.algorithm)?,
            public: self.public,
            address: self.address,
            published_at: time(self.published_at),
            known_at: time(self.known_at),
            activates_at: self.activates_at.map(time),
            stops_signing_at: self.stops_signing_at.map(time),
            verifies_until: self.verifies_until.map(time),
            max_lifetime: Duration::from_secs(self.max_lifetime),
            raise: self.raise.map(|raise| Raise {
                lifetime_before: Duration::from_secs(raise.lifetime_before),
                from: time(raise.from),
            }),
            suspended_at: self.suspended_at.map(time),
            resumed_at: self.resumed_at.map(time),
            compromised_at: self.compromised_at.map(time),
            private_erased_at: self.private_erased_at.map(time),
        })
    }
}

impl TombstoneForm {
    fn of(stone: &Tombstone) -> Self {
        Self {
            id: stone.id.as_str().to_owned(),
            at: stone.at.seconds(),
            compromised_at: stone.compromised_at.map(UnixTime::seconds),
        }
    }

    fn into_tombstone(self) -> Result<Tombstone, KeyringError> {
        Ok(Tombstone {
            id: key_id(&self.id)?,
            at: time(self.at),
            compromised_at: self.compromised_at.map(time),
        })
    }
}

fn time(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(seconds)
}

fn algorithm(name: &str) -> Result<Algorithm, KeyringError> {
    name.parse().map_err(|_| {
        KeyringError::new(
            KeyringErrorKind::Malformed,
            format!("the keyring names the algorithm {name:?}, which this program does not know"),
        )
    })
}

fn key_id(id: &str) -> Result<KeyId, KeyringError> {
    KeyId::new(id).map_err(|_| {
        KeyringError::new(
            KeyringErrorKind::Malformed,
            "a key id in the keyring is empty or too long",
        )
    })
}
