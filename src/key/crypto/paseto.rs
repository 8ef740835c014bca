//! PASETO v4.local (XChaCha20 and keyed BLAKE2b) and PASERK ids, from pasetors.
//!
//! v4.public needs nothing of this: it is Ed25519 over the pre-authentication encoding.

use pasetors::keys::{AsymmetricPublicKey, SymmetricKey};
use pasetors::paserk::{FormatAsPaserk as _, Id};
use pasetors::token::{Local, UntrustedToken};
use pasetors::version4::{LocalToken, V4};

use super::{BadSignature, engine_failed};
use crate::key::error::{KeyError, KeyErrorKind};
use crate::limits::MAX_TOKEN_BYTES;
use crate::secret::SecretBytes;

/// Whether this build has the engine.
pub(crate) const PRESENT: bool = true;

/// Bytes of a v4.local secret.
const SECRET_BYTES: usize = 32;

/// A v4.local secret, prepared once. Both copies are wiped when dropped.
pub(crate) struct LocalSecret {
    key: SymmetricKey<V4>,
    secret: SecretBytes,
}

impl LocalSecret {
    /// Takes a secret of 32 bytes.
    pub(crate) fn parse(secret: SecretBytes) -> Result<Self, KeyError> {
        let key = symmetric(&secret)?;
        Ok(Self { key, secret })
    }

    /// The secret itself.
    pub(crate) fn secret(&self) -> &SecretBytes {
        &self.secret
    }

    /// Encrypts and authenticates `payload` under a fresh random nonce: a whole
    /// token, its footer attached unless that is empty.
    pub(crate) fn seal(
        &self,
        payload: &[u8],
        footer: &[u8],
        implicit: &[u8],
    ) -> Result<String, KeyError> {
        LocalToken::encrypt(&self.key, payload, Some(footer), Some(implicit))
            .map_err(|_| engine_failed("seal a v4.local token"))
    }

    /// Opens a whole token, footer included, and puts the payload into `out`,
    /// replacing what was there. The footer must be exactly `footer`.
    pub(crate) fn open(
        &self,
        token: &str,
        footer: &[u8],
        implicit: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), BadSignature> {
        out.clear();
        // Bounded here as well, since every step below copies what it is given.
        if token.len() > MAX_TOKEN_BYTES.max(footer.len().saturating_mul(2)) {
            return Err(BadSignature);
        }
        let untrusted = UntrustedToken::<Local, V4>::try_from(token).map_err(|_| BadSignature)?;
        // The engine reads "no footer expected" as "any footer": compare here.
        if untrusted.untrusted_footer() != footer {
            return Err(BadSignature);
        }
        let opened = LocalToken::decrypt(&self.key, &untrusted, None, Some(implicit))
            .map_err(|_| BadSignature)?;
        out.extend_from_slice(opened.payload().as_bytes());
        Ok(())
    }
}

/// The engine's form of a secret. It allocates once more; that copy is wiped too.
fn symmetric(secret: &SecretBytes) -> Result<SymmetricKey<V4>, KeyError> {
    SymmetricKey::<V4>::from(secret.expose()).map_err(|_| {
        KeyError::explained(
            KeyErrorKind::WrongLength,
            format!(
                "a v4.local secret has exactly {SECRET_BYTES} bytes, found {}; check that it was copied whole",
                secret.len()
            ),
        )
    })
}

/// The PASERK id (`k4.pid.…`) of an encoded public key.
pub(crate) fn public_id(bytes: &[u8; 32]) -> Result<String, KeyError> {
    let key =
        AsymmetricPublicKey::<V4>::from(bytes).map_err(|_| engine_failed("name a public key"))?;
    paserk_id(&Id::from(&key))
}

/// The PASERK id (`k4.lid.…`) of a v4.local secret.
///
/// The id is a hash of the secret's own PASERK text; the engine builds that text
/// in a buffer it does not wipe, which is the one copy we cannot reach.
pub(crate) fn local_id(secret: &SecretBytes) -> Result<String, KeyError> {
    paserk_id(&Id::from(&symmetric(secret)?))
}

fn paserk_id(id: &Id) -> Result<String, KeyError> {
    let mut text = String::new();
    id.fmt(&mut text)
        .map_err(|_| engine_failed("write a key id"))?;
    Ok(text)
}
