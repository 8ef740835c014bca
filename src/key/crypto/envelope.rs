//! The engine of locked JWKs: PBES2-HS512+A256KW and A256GCM
//! (RFC 7518 sections 4.4, 4.8 and 5.3) from aws-lc.

use std::num::NonZeroU32;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap as _};
use aws_lc_rs::pbkdf2;
use zeroize::Zeroizing;

/// Bytes of the wrapped content key: AES key wrap adds 8.
pub(crate) const WRAPPED_BYTES: usize = 40;
/// Bytes of the nonce of AES-GCM.
pub(crate) const NONCE_BYTES: usize = 12;
/// Bytes of the tag of AES-GCM.
pub(crate) const TAG_BYTES: usize = 16;

const KEY_BYTES: usize = 32;

/// The passphrase is wrong or the text was changed; which of the two cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotOpened;

impl From<Unspecified> for NotOpened {
    fn from(_: Unspecified) -> Self {
        Self
    }
}

/// A key made from a passphrase, for one wrapping or unwrapping.
pub(crate) struct PassphraseKey(Zeroizing<[u8; KEY_BYTES]>);

impl PassphraseKey {
    /// Derives the key: the work of this call grows with `rounds`, which the caller
    /// has bounded. `salt` is the algorithm's name, a zero byte and `p2s`.
    pub(crate) fn derive(passphrase: &[u8], salt: &[u8], rounds: NonZeroU32) -> Self {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let algorithm = pbkdf2::PBKDF2_HMAC_SHA512;
        pbkdf2::derive(algorithm, rounds, salt, passphrase, &mut *key);
        Self(key)
    }

    fn wrapper(&self) -> Result<AesKek, Unspecified> {
        AesKek::new(&AES_256, &*self.0)
    }

    /// Wraps a content key.
    pub(crate) fn wrap(&self, content: &ContentKey) -> Result<[u8; WRAPPED_BYTES], NotOpened> {
        let mut wrapped = [0; WRAPPED_BYTES];
        self.wrapper()?.wrap(&*content.0, &mut wrapped)?;
        Ok(wrapped)
    }

    /// Unwraps a content key; a wrong passphrase shows here.
    pub(crate) fn unwrap(&self, wrapped: &[u8]) -> Result<ContentKey, NotOpened> {
        let mut content = Zeroizing::new([0; KEY_BYTES]);
        // AES_unwrap_key wants room for the whole result, which only this length has.
        if wrapped.len() != WRAPPED_BYTES {
            return Err(NotOpened);
        }
        self.wrapper()?.unwrap(wrapped, &mut *content)?;
        Ok(ContentKey(content))
    }
}

/// The key that encrypts one text, used once.
pub(crate) struct ContentKey(Zeroizing<[u8; KEY_BYTES]>);

impl ContentKey {
    /// Takes fresh random bytes.
    pub(crate) fn new(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        Self(bytes)
    }

    /// Encrypts in place and returns the tag.
    pub(crate) fn seal(
        &self,
        nonce: [u8; NONCE_BYTES],
        header: &[u8],
        text: &mut [u8],
    ) -> Result<Vec<u8>, NotOpened> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .cipher()?
            .seal_in_place_separate_tag(nonce, Aad::from(header), text)?;
        Ok(tag.as_ref().to_vec())
    }

    /// Decrypts ciphertext and tag in place and returns the text.
    pub(crate) fn open<'text>(
        &self,
        nonce: [u8; NONCE_BYTES],
        header: &[u8],
        sealed: &'text mut [u8],
    ) -> Result<&'text [u8], NotOpened> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let opened = self
            .cipher()?
            .open_in_place(nonce, Aad::from(header), sealed)?;
        Ok(opened)
    }

    fn cipher(&self) -> Result<LessSafeKey, Unspecified> {
        UnboundKey::new(&AES_256_GCM, &*self.0).map(LessSafeKey::new)
    }
}
