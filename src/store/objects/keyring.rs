//! The keyring in a bucket.

use std::sync::{Mutex, MutexGuard, PoisonError};

use object_store::UpdateVersion;

use super::bucket::{Got, Put, SharedBucket};
use super::probe::require_conditions;
use crate::store::error::StoreError;
use crate::store::shared::{DocumentServer, Swapped};
use crate::store::{MaterialAddress, Version, Versioned};

const NAME: &str = "keyring.json";
const MATERIAL: &str = "material";

/// The document and the key material under a prefix.
pub(super) struct Document {
    bucket: SharedBucket,
    /// What was read last: the server says when it is still the same.
    read: Mutex<Option<(UpdateVersion, Vec<u8>)>>,
}

impl Document {
    pub(super) fn new(bucket: SharedBucket) -> Self {
        Self {
            bucket,
            read: Mutex::default(),
        }
    }

    fn read(&self) -> MutexGuard<'_, Option<(UpdateVersion, Vec<u8>)>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn current(&self) -> Result<Option<(UpdateVersion, Vec<u8>)>, StoreError> {
        let known = self.read().clone();
        let version = known.as_ref().map(|(version, _)| version);
        let found = match self.bucket.get(NAME, version)? {
            Got::Nothing => None,
            Got::Same => known,
            Got::Object(bytes, version) => Some((version, bytes)),
        };
        self.read().clone_from(&found);
        Ok(found)
    }

    fn material(&self, address: &MaterialAddress) -> String {
        format!("{MATERIAL}/{address}")
    }
}

impl DocumentServer for Document {
    fn place(&self) -> &str {
        self.bucket.place()
    }

    fn load(&self) -> Result<Option<Versioned>, StoreError> {
        Ok(self.current()?.map(|(_, document)| Versioned {
            version: Version::of(&document),
            document,
        }))
    }

    fn swap(&self, expected: Option<&Version>, document: &[u8]) -> Result<Swapped, StoreError> {
        require_conditions(&self.bucket)?;
        let current = self.current()?;
        let found = current.as_ref().map(|(_, bytes)| Version::of(bytes));
        if found.as_ref() != expected {
            return Ok(Swapped::Found(found));
        }
        let known = current.map(|(version, _)| version);
        match self.bucket.put(NAME, document.to_vec(), known) {
            Put::Done(version) => {
                *self.read() = Some((version, document.to_vec()));
                Ok(Swapped::Done(Version::of(document)))
            }
            Put::Refused => {
                let now = self.current()?;
                Ok(Swapped::Found(now.map(|(_, bytes)| Version::of(&bytes))))
            }
            Put::Unknown(error) => Err(error),
        }
    }

    fn put(&self, address: &MaterialAddress, bytes: &[u8]) -> Result<bool, StoreError> {
        require_conditions(&self.bucket)?;
        match self
            .bucket
            .put(&self.material(address), bytes.to_vec(), None)
        {
            Put::Done(_) => Ok(true),
            Put::Refused => Ok(false),
            Put::Unknown(error) => Err(error),
        }
    }

    fn replace(&self, address: &MaterialAddress, bytes: &[u8]) -> Result<bool, StoreError> {
        require_conditions(&self.bucket)?;
        let name = self.material(address);
        let Got::Object(_, version) = self.bucket.get(&name, None)? else {
            return Ok(false);
        };
        match self.bucket.put(&name, bytes.to_vec(), Some(version)) {
            Put::Done(_) => Ok(true),
            // Removed or replaced meanwhile.
            Put::Refused => Ok(false),
            Put::Unknown(error) => Err(error),
        }
    }

    fn get(&self, address: &MaterialAddress) -> Result<Option<Vec<u8>>, StoreError> {
        match self.bucket.get(&self.material(address), None)? {
            Got::Object(bytes, _) => Ok(Some(bytes)),
            Got::Nothing | Got::Same => Ok(None),
        }
    }

    fn remove(&self, address: &MaterialAddress) -> Result<(), StoreError> {
        self.bucket.remove(&self.material(address))
    }

    fn addresses(&self) -> Result<Vec<String>, StoreError> {
        self.bucket.names(MATERIAL)
    }
}
