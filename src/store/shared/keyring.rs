//! The rules of a keyring's store, over a server's few calls.

use std::fmt;

use super::{DocumentServer, SEAL_BYTES, Swapped};
use crate::limits::{MAX_MATERIAL_BYTES, MAX_STORE_DOCUMENT_BYTES};
use crate::secret::SecretBytes;
use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::{
    MaterialAddress, SealingKey, Store, Version, Versioned, check_document, check_material,
    check_size, conflict, material_differs, material_missing,
};

/// A keyring on a server, its key material sealed.
pub(in crate::store) struct SharedKeyring<S> {
    pub(in crate::store) server: S,
    /// Absent where nobody signs.
    pub(in crate::store) sealing: Option<SealingKey>,
}

impl<S: DocumentServer> SharedKeyring<S> {
    fn sealing(&self) -> Result<&SealingKey, StoreError> {
        self.sealing.as_ref().ok_or_else(|| {
            StoreError::new(
                StoreErrorKind::Sealed,
                self.server.place(),
                "the key that seals private keys",
                "none",
                "private keys are never kept in the clear on a server: name the file with \
                 TOKENWRIGHT_SEALING_KEY or ?sealing-key-file=FILE, or make one with \
                 `tokenwright store seal-key FILE`",
            )
        })
    }

    fn named(&self, address: &MaterialAddress) -> String {
        format!("{} key {address}", self.server.place())
    }

    fn opened(&self, address: &MaterialAddress, sealed: &[u8]) -> Result<SecretBytes, StoreError> {
        let place = self.named(address);
        check_size(
            sealed.len(),
            MAX_MATERIAL_BYTES.saturating_add(SEAL_BYTES),
            &place,
        )?;
        let opened = self.sealing()?.open(address.as_str(), sealed, &place)?;
        check_material(opened.len(), &place)?;
        Ok(opened)
    }
}

impl<S: DocumentServer> Store for SharedKeyring<S> {
    fn load(&self) -> Result<Option<Versioned>, StoreError> {
        let Some(found) = self.server.load()? else {
            return Ok(None);
        };
        let place = self.server.place();
        check_size(found.document.len(), MAX_STORE_DOCUMENT_BYTES, place)?;
        check_document(&found.document, place)?;
        Ok(Some(found))
    }

    fn compare_and_swap(
        &self,
        expected: Option<&Version>,
        document: &[u8],
    ) -> Result<Version, StoreError> {
        check_document(document, "the new document")?;
        match self.server.swap(expected, document)? {
            Swapped::Done(version) => Ok(version),
            Swapped::Found(found) => Err(conflict(self.server.place(), expected, found.as_ref())),
        }
    }

    fn put_material(
        &self,
        address: &MaterialAddress,
        secret: &SecretBytes,
    ) -> Result<(), StoreError> {
        check_material(secret.len(), address.as_str())?;
        let place = self.named(address);
        let sealed = self.sealing()?.seal(address.as_str(), secret, &place)?;
        if self.server.put(address, &sealed)? {
            return Ok(());
        }
        match self.server.get(address)? {
            Some(there) if self.opened(address, &there)? == *secret => Ok(()),
            Some(_) => Err(material_differs(&place)),
            // Removed in between: whoever did so knows of it, and a repetition puts it.
            None => Err(StoreError::new(
                StoreErrorKind::Busy,
                &place,
                "key material, or none",
                "some that was removed meanwhile",
                "nothing was changed; try again",
            )),
        }
    }

    fn replace_material(
        &self,
        address: &MaterialAddress,
        secret: &SecretBytes,
    ) -> Result<(), StoreError> {
        check_material(secret.len(), address.as_str())?;
        let place = self.named(address);
        let sealed = self.sealing()?.seal(address.as_str(), secret, &place)?;
        match self.server.replace(address, &sealed)? {
            true => Ok(()),
            false => Err(material_missing(&place)),
        }
    }

    fn get_material(&self, address: &MaterialAddress) -> Result<Option<SecretBytes>, StoreError> {
        let found = self.server.get(address)?;
        found
            .map(|sealed| self.opened(address, &sealed))
            .transpose()
    }

    fn remove_material(&self, address: &MaterialAddress) -> Result<(), StoreError> {
        self.server.remove(address)
    }

    fn list_material(&self) -> Result<Vec<MaterialAddress>, StoreError> {
        let found = self.server.addresses()?;
        let mut addresses: Vec<_> = found
            .iter()
            .filter_map(|address| MaterialAddress::new(address).ok())
            .collect();
        addresses.sort();
        Ok(addresses)
    }
}

impl<S: DocumentServer> fmt::Debug for SharedKeyring<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.server.place()).finish()
    }
}
