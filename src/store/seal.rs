//! Private keys on servers are sealed: whoever reads the server, its copies or its
//! backups learns nothing of them.
//!
//! ```text
//! "tws1" · key's name 8 · nonce 12 · AES-256-GCM of the material · tag 16
//! ```
//!
//! The address is authenticated with it, so that one key's material cannot be put in
//! the place of another's. Nonces are random: at the 2^32 sealings that NIST SP 800-38D
//! section 8.3 allows for one key, a keyring that turns every minute is 8,000 years old.

use std::fmt;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::encoding::base64url;
use crate::key::{ContentKey, NONCE_BYTES, TAG_BYTES};
use crate::secret::SecretBytes;
use crate::store::error::{StoreError, StoreErrorKind};

const MAGIC: &[u8; 4] = b"tws1";
const NAME_BYTES: usize = 8;
const KEY_BYTES: usize = 32;

/// The key that seals private keys before they are handed to a server (a key-encryption
/// key). All who sign or rotate share it; those who verify need none.
///
/// ```
/// use tokenwright::store::SealingKey;
/// let key = SealingKey::generate()?;
/// let text = key.to_text();
/// assert_eq!(SealingKey::from_text(&text, "the key")?.name(), key.name());
/// # Ok::<(), tokenwright::store::StoreError>(())
/// ```
pub struct SealingKey {
    bytes: Zeroizing<[u8; KEY_BYTES]>,
    name: [u8; NAME_BYTES],
}

impl SealingKey {
    /// A new key from the operating system's random numbers.
    ///
    /// # Errors
    /// The system has none to give.
    pub fn generate() -> Result<Self, StoreError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        fill(&mut *bytes, "a new sealing key")?;
        Ok(Self::of(bytes))
    }

    /// The key in a text: 32 bytes in base64url, 43 characters; blanks around it are
    /// ignored. `place` names the text in the message.
    ///
    /// # Errors
    /// [`StoreErrorKind::Sealed`] if it is anything else.
    pub fn from_text(text: &SecretBytes, place: &str) -> Result<Self, StoreError> {
        let decoded = base64url::decode(text.expose().trim_ascii());
        let decoded = decoded.map(Zeroizing::new).ok();
        let exact = decoded.as_ref().filter(|bytes| bytes.len() == KEY_BYTES);
        let Some(exact) = exact else {
            return Err(StoreError::new(
                StoreErrorKind::Sealed,
                place,
                "a sealing key: 32 bytes in base64url, 43 characters",
                "something else",
                "make one with `tokenwright store seal-key FILE`",
            ));
        };
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        for (to, from) in bytes.iter_mut().zip(exact.iter()) {
            *to = *from;
        }
        Ok(Self::of(bytes))
    }

    /// The key in a file, such as a credential of systemd.
    ///
    /// # Errors
    /// The file cannot be read, others can read it, or it holds something else.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let place = path.to_string_lossy();
        Self::from_text(&super::secret_file::secret_file(path)?, &place)
    }

    /// The key as text, to be kept in a file that nobody else can read.
    #[must_use]
    pub fn to_text(&self) -> SecretBytes {
        SecretBytes::from(base64url::encode(&*self.bytes).into_bytes())
    }

    /// What tells keys apart: eight bytes of its digest. Not secret.
    #[must_use]
    pub fn name(&self) -> String {
        base64url::encode(&self.name)
    }

    fn of(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        let digest = Sha256::new()
            .chain_update(b"tokenwright sealing key")
            .chain_update(bytes.as_slice())
            .finalize();
        let mut name = [0; NAME_BYTES];
        for (to, from) in name.iter_mut().zip(digest) {
            *to = from;
        }
        Self { bytes, name }
    }

    fn cipher(&self) -> ContentKey {
        ContentKey::new(self.bytes.clone())
    }

    fn header(&self, address: &str) -> Vec<u8> {
        [MAGIC.as_slice(), &self.name, address.as_bytes()].concat()
    }

    /// Seals the material of an address. `place` names it in the message.
    ///
    /// ```
    /// use tokenwright::SecretBytes;
    /// use tokenwright::store::SealingKey;
    /// let (key, secret) = (SealingKey::generate()?, SecretBytes::from(b"secret".to_vec()));
    /// let sealed = key.seal("address", &secret, "here")?;
    /// assert_eq!(key.open("address", &sealed, "here")?, secret);
    /// # Ok::<(), tokenwright::store::StoreError>(())
    /// ```
    ///
    /// # Errors
    /// The system has no random numbers to give.
    pub fn seal(
        &self,
        address: &str,
        secret: &SecretBytes,
        place: &str,
    ) -> Result<Vec<u8>, StoreError> {
        let mut nonce = [0; NONCE_BYTES];
        fill(&mut nonce, place)?;
        let mut text = Zeroizing::new(secret.expose().to_vec());
        let sealed = self.cipher().seal(nonce, &self.header(address), &mut text);
        let tag = sealed.map_err(|_| {
            StoreError::new(
                StoreErrorKind::Io,
                place,
                "the engine to seal key material",
                "a failure",
                "nothing was changed; try again",
            )
        })?;
        Ok([MAGIC.as_slice(), &self.name, &nonce, &text, &tag].concat())
    }

    /// Opens what was sealed for an address.
    ///
    /// # Errors
    /// [`StoreErrorKind::Sealed`] if another key sealed it, or for another address, or
    /// if it was changed.
    pub fn open(
        &self,
        address: &str,
        sealed: &[u8],
        place: &str,
    ) -> Result<SecretBytes, StoreError> {
        let refused = |found: &str| {
            StoreError::new(
                StoreErrorKind::Sealed,
                place,
                &format!("material sealed with the key {}", self.name()),
                found,
                "give the sealing key that was used, or put this key back from a backup",
            )
        };
        let Some((head, rest)) = sealed.split_at_checked(MAGIC.len().saturating_add(NAME_BYTES))
        else {
            return Err(refused("something that is not sealed"));
        };
        let Some((name, (nonce, text))) = head
            .strip_prefix(MAGIC)
            .zip(rest.split_first_chunk::<NONCE_BYTES>())
        else {
            return Err(refused("something that is not sealed"));
        };
        if name != self.name {
            let name = base64url::encode(name);
            return Err(refused(&format!("material sealed with the key {name}")));
        }
        let mut text = Zeroizing::new(text.to_vec());
        let length = self
            .cipher()
            .open(*nonce, &self.header(address), &mut text)
            .map_err(|_| refused("material that was changed, or belongs to another address"))?
            .len();
        debug_assert!(length.saturating_add(TAG_BYTES) == text.len());
        text.truncate(length);
        Ok(text.into())
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SealingKey").field(&self.name()).finish()
    }
}

fn fill(bytes: &mut [u8], place: &str) -> Result<(), StoreError> {
    getrandom::fill(bytes).map_err(|error| {
        StoreError::new(
            StoreErrorKind::Io,
            place,
            "random numbers",
            &error.to_string(),
            "nothing was changed; try again",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> SecretBytes {
        SecretBytes::from(b"-----BEGIN PRIVATE KEY-----".to_vec())
    }

    #[test]
    fn what_is_sealed_opens_with_its_key_at_its_address_and_nowhere_else() {
        let (key, other) = (
            SealingKey::generate().unwrap(),
            SealingKey::generate().unwrap(),
        );
        let sealed = key.seal("a", &secret(), "here").unwrap();
        assert_eq!(key.open("a", &sealed, "here").unwrap(), secret());
        let kind = |result: Result<SecretBytes, StoreError>| result.unwrap_err().kind();
        let refused = StoreErrorKind::Sealed;
        assert_eq!(kind(key.open("b", &sealed, "here")), refused);
        assert_eq!(kind(other.open("a", &sealed, "here")), refused);
        assert_eq!(kind(key.open("a", secret().expose(), "here")), refused);
        for byte in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[byte] ^= 1;
            assert_eq!(
                kind(key.open("a", &changed, "here")),
                refused,
                "byte {byte}"
            );
            assert_eq!(kind(key.open("a", &sealed[..byte], "here")), refused);
        }
    }

    #[test]
    fn nothing_of_the_material_is_in_what_a_server_gets() {
        let key = SealingKey::generate().unwrap();
        let sealed = key.seal("a", &secret(), "here").unwrap();
        let clear = secret();
        for part in clear.expose().windows(6) {
            assert!(!sealed.windows(6).any(|found| found == part));
        }
        assert_ne!(sealed, key.seal("a", &secret(), "here").unwrap());
        assert!(!format!("{key:?}").contains(std::str::from_utf8(key.to_text().expose()).unwrap()));
    }
}
