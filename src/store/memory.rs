//! A store in memory, for tests and demonstrations.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{
    MaterialAddress, Store, StoreError, Version, Versioned, check_document, check_material,
    conflict, material_differs, material_missing,
};
use crate::secret::SecretBytes;

/// A store that is gone when the last clone of it is dropped. Clones share it.
///
/// ```
/// use tokenwright::store::{MemoryStore, Store};
/// let store = MemoryStore::new();
/// let version = store.compare_and_swap(None, b"{}")?;
/// assert_eq!(store.load()?.map(|loaded| loaded.version), Some(version));
/// # Ok::<(), tokenwright::store::StoreError>(())
/// ```
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Contents>>);

#[derive(Default)]
struct Contents {
    document: Option<Versioned>,
    material: BTreeMap<MaterialAddress, SecretBytes>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Every change is one assignment, so a panic elsewhere leaves nothing half done.
    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn load(&self) -> Result<Option<Versioned>, StoreError> {
        Ok(self.contents().document.clone())
    }

    fn compare_and_swap(
        &self,
        expected: Option<&Version>,
        document: &[u8],
    ) -> Result<Version, StoreError> {
        check_document(document, "memory")?;
        let mut contents = self.contents();
        let found = contents.document.as_ref().map(|current| &current.version);
        if found != expected {
            return Err(conflict("memory", expected, found));
        }
        let version = Version::of(document);
        contents.document = Some(Versioned {
            document: document.to_vec(),
            version: version.clone(),
        });
        Ok(version)
    }

    fn put_material(
        &self,
        address: &MaterialAddress,
        secret: &SecretBytes,
    ) -> Result<(), StoreError> {
        check_material(secret.len(), address.as_str())?;
        let mut contents = self.contents();
        match contents.material.get(address) {
            Some(existing) if existing != secret => Err(material_differs(address.as_str())),
            Some(_) => Ok(()),
            None => {
                contents
                    .material
                    .insert(address.clone(), secret.duplicate());
                Ok(())
            }
        }
    }

    fn replace_material(
        &self,
        address: &MaterialAddress,
        secret: &SecretBytes,
    ) -> Result<(), StoreError> {
        check_material(secret.len(), address.as_str())?;
        match self.contents().material.get_mut(address) {
            Some(existing) => *existing = secret.duplicate(),
            None => return Err(material_missing(address.as_str())),
        }
        Ok(())
    }

    fn get_material(&self, address: &MaterialAddress) -> Result<Option<SecretBytes>, StoreError> {
        let contents = self.contents();
        Ok(contents.material.get(address).map(SecretBytes::duplicate))
    }

    fn remove_material(&self, address: &MaterialAddress) -> Result<(), StoreError> {
        self.contents().material.remove(address);
        Ok(())
    }

    fn list_material(&self) -> Result<Vec<MaterialAddress>, StoreError> {
        Ok(self.contents().material.keys().cloned().collect())
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryStore")
    }
}
