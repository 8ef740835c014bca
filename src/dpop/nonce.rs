//! Nonces that a server gives and remembers none of: each is the keyed digest of a
//! slice of time (RFC 9449 section 8).

use std::fmt;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::setup::{ProofSetupError, ProofSetupErrorKind};
use crate::encoding::base64url;
use crate::key::{Entropy, KeyError};
use crate::secret::SecretBytes;
use crate::time::UnixTime;

/// 256 bits, as many as the digest has.
const KEY_BYTES: usize = 32;

/// 128 bits cannot be guessed.
const NONCE_BYTES: usize = 16;

/// Nonces of one server, or of several that share a secret.
///
/// A nonce is accepted while it is current and for as long again. A server whose clock
/// is ahead may have given the next one: that is accepted too.
///
/// ```
/// use std::time::Duration;
/// use tokenwright::UnixTime;
/// use tokenwright::dpop::Nonces;
/// use tokenwright::key::SystemEntropy;
///
/// let nonces = Nonces::draw(&SystemEntropy, Duration::from_secs(60))?;
/// let at = UnixTime::from_seconds;
/// let nonce = nonces.current(at(1_000_000_000));
/// assert!(nonces.accepts(&nonce, at(1_000_000_060)));
/// assert!(!nonces.accepts(&nonce, at(1_000_000_180)));
/// # Ok::<(), tokenwright::key::KeyError>(())
/// ```
#[derive(Clone)]
pub struct Nonces {
    key: Zeroizing<[u8; KEY_BYTES]>,
    life: i64,
}

impl Nonces {
    /// Nonces of this process alone: another one, and this one after a restart, gives others.
    ///
    /// # Errors
    /// When the source of randomness fails.
    pub fn draw(entropy: &dyn Entropy, life: Duration) -> Result<Self, KeyError> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        entropy.fill(&mut *key)?;
        Ok(Self::with_key(key, life))
    }

    /// Nonces that every server with this secret gives and accepts.
    ///
    /// # Errors
    /// [`ProofSetupErrorKind::SecretTooShort`] for fewer than 32 bytes.
    pub fn shared(secret: &SecretBytes, life: Duration) -> Result<Self, ProofSetupError> {
        if secret.len() < KEY_BYTES {
            return Err(ProofSetupErrorKind::SecretTooShort {
                least: KEY_BYTES,
                found: secret.len(),
            }
            .into());
        }
        let mut hash = Sha256::new();
        hash.update(b"tokenwright dpop nonces\0");
        hash.update(secret.expose());
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        key.copy_from_slice(&hash.finalize());
        Ok(Self::with_key(key, life))
    }

    fn with_key(key: Zeroizing<[u8; KEY_BYTES]>, life: Duration) -> Self {
        let life = i64::try_from(life.as_secs()).unwrap_or(i64::MAX).max(1);
        Self { key, life }
    }

    /// The nonce for proofs made from now on.
    #[must_use]
    pub fn current(&self, now: UnixTime) -> String {
        self.of_slice(self.slice(now))
    }

    /// Whether a server with this secret gave the nonce lately. Compared in constant time.
    #[must_use]
    pub fn accepts(&self, nonce: &str, now: UnixTime) -> bool {
        let slice = self.slice(now);
        let near = [slice.saturating_sub(1), slice, slice.saturating_add(1)];
        near.into_iter().fold(false, |found, slice| {
            let same: bool = self
                .of_slice(slice)
                .as_bytes()
                .ct_eq(nonce.as_bytes())
                .into();
            found | same
        })
    }

    fn slice(&self, now: UnixTime) -> i64 {
        now.seconds()
            .checked_div_euclid(self.life)
            .unwrap_or_default()
    }

    fn of_slice(&self, slice: i64) -> String {
        // A key shorter than a block is filled up with zeros (RFC 2104 section 2).
        let mut block = Zeroizing::new([0; 64]);
        for (place, byte) in block.iter_mut().zip(&*self.key) {
            *place = *byte;
        }
        let mut mac = Hmac::<Sha256>::new((&*block).into());
        mac.update(b"slice\0");
        mac.update(&slice.to_be_bytes());
        let tag: [u8; 32] = mac.finalize().into_bytes().into();
        base64url::encode(tag.get(..NONCE_BYTES).unwrap_or(&tag))
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nonces")
            .field("life", &self.life)
            .finish_non_exhaustive()
    }
}
