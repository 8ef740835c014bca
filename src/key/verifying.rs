//! The half of a key that checks signatures.

use std::fmt;
use std::sync::Arc;

use super::algorithm::Algorithm;
use super::crypto::aws::{EcdsaPublic, HmacSecret, RsaPublic};
use super::crypto::ed25519::{self, Ed25519Public};
use super::crypto::paseto::LocalSecret;
use super::crypto::{self, BadSignature};
use super::error::KeyError;
use super::id::KeyId;
use super::material::PublicMaterial;
use super::{Recomputed, thumbprint, vetting};
use crate::secret::SecretBytes;

/// A key that checks signatures: one algorithm, one id, vetted when it was made.
///
/// For an asymmetric algorithm it may be published. For HS256, HS384, HS512 and
/// v4.local it holds the shared secret itself ([`Algorithm::is_symmetric`]).
/// Clones share one prepared key, and `Debug` shows the algorithm and the id only.
///
/// ```
/// use tokenwright::key::{Algorithm, SigningKey};
/// # fn main() -> Result<(), tokenwright::key::KeyError> {
/// let key = SigningKey::generate(Algorithm::EdDsa)?.verifying_key();
/// assert_eq!(key.algorithm(), Algorithm::EdDsa);
/// assert_eq!(key.id().as_str().len(), 43);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct VerifyingKey {
    algorithm: Algorithm,
    id: KeyId,
    named: bool,
    half: Arc<PublicHalf>,
}

/// What verifies: one variant for each family, so that a key can never be used
/// in another family's way. The sizes differ, but a key has one half on the heap.
#[allow(clippy::large_enum_variant)]
pub(super) enum PublicHalf {
    Ed25519(Ed25519Public),
    Ecdsa(EcdsaPublic),
    Rsa(RsaPublic),
    Hmac(HmacSecret),
    Local(LocalSecret),
}

impl VerifyingKey {
    /// The algorithm of this key, and with it the token format.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The id of this key.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    /// Whether the id was given, rather than computed from the key.
    #[must_use]
    pub const fn is_named(&self) -> bool {
        self.named
    }

    /// The same key under another id.
    #[must_use]
    pub fn with_id(self, id: KeyId) -> Self {
        Self {
            id,
            named: true,
            ..self
        }
    }

    /// Whether this is a shared secret of one byte repeated, which anyone would
    /// guess. Such a key can be imported, since no RFC forbids it; a `lint` warns.
    #[must_use]
    pub fn has_placeholder_secret(&self) -> bool {
        self.shared_secret()
            .is_some_and(|secret| vetting::is_placeholder(secret.expose()))
    }

    /// Vets public numbers and makes a key of them. Without an id, the key is
    /// called by its thumbprint (JWT) or its PASERK id (PASETO).
    pub(crate) fn from_material(
        algorithm: Algorithm,
        id: Option<KeyId>,
        material: PublicMaterial,
    ) -> Result<Self, KeyError> {
        crypto::require_engine(algorithm)?;
        vetting::public_fits(algorithm, &material)?;
        let half = match material {
            PublicMaterial::Ed25519(bytes) => PublicHalf::Ed25519(Ed25519Public::parse(&bytes)?),
            PublicMaterial::Ec { curve, x, y } => {
                PublicHalf::Ecdsa(EcdsaPublic::parse(curve, &x, &y)?)
            }
            PublicMaterial::Rsa { n, e } => PublicHalf::Rsa(RsaPublic::parse(algorithm, &n, &e)?),
        };
        Self::from_half(algorithm, id, half)
    }

    /// Vets a shared secret and makes a key of it: HS256, HS384, HS512 or v4.local.
    pub(crate) fn from_secret(
        algorithm: Algorithm,
        id: Option<KeyId>,
        secret: SecretBytes,
    ) -> Result<Self, KeyError> {
        crypto::require_engine(algorithm)?;
        vetting::secret_fits(algorithm, &secret)?;
        let half = if algorithm == Algorithm::V4Local {
            PublicHalf::Local(LocalSecret::parse(secret)?)
        } else {
            PublicHalf::Hmac(HmacSecret::parse(algorithm, secret)?)
        };
        Self::from_half(algorithm, id, half)
    }

    /// Names a half that has been vetted.
    pub(super) fn from_half(
        algorithm: Algorithm,
        id: Option<KeyId>,
        half: PublicHalf,
    ) -> Result<Self, KeyError> {
        let named = id.is_some();
        let id = match id {
            Some(id) => id,
            None => half.default_id(algorithm)?,
        };
        Ok(Self {
            algorithm,
            id,
            named,
            half: Arc::new(half),
        })
    }

    /// The key's content address, whatever it is called: its RFC 7638 thumbprint for
    /// a JWT algorithm, its PASERK id for PASETO.
    ///
    /// # Errors
    /// [`KeyErrorKind::UnsupportedAlgorithm`](super::KeyErrorKind::UnsupportedAlgorithm)
    /// when this build lacks PASETO.
    pub fn thumbprint(&self) -> Result<KeyId, KeyError> {
        let algorithm = self.algorithm();
        match (self.public_material(), self.shared_secret()) {
            (Some(material), _) => thumbprint::public_id(algorithm, &material),
            (None, Some(secret)) => thumbprint::secret_id(algorithm, secret),
            (None, None) => Ok(self.id().clone()),
        }
    }

    /// The public numbers; `None` for a shared secret, which has no public half.
    pub(crate) fn public_material(&self) -> Option<PublicMaterial> {
        match &*self.half {
            PublicHalf::Ed25519(key) => Some(key.material()),
            PublicHalf::Ecdsa(key) => Some(key.material()),
            PublicHalf::Rsa(key) => Some(key.material()),
            PublicHalf::Hmac(_) | PublicHalf::Local(_) => None,
        }
    }

    /// The shared secret of a symmetric key, which signs as well as it verifies.
    pub(crate) fn shared_secret(&self) -> Option<&SecretBytes> {
        match &*self.half {
            PublicHalf::Hmac(key) => Some(key.secret()),
            PublicHalf::Local(key) => Some(key.secret()),
            PublicHalf::Ed25519(_) | PublicHalf::Ecdsa(_) | PublicHalf::Rsa(_) => None,
        }
    }

    /// How many bytes every signature of this key has, before base64url; `None`
    /// for v4.local, whose tokens have a tag inside.
    #[must_use]
    pub fn signature_len(&self) -> Option<usize> {
        match &*self.half {
            PublicHalf::Ed25519(_) => Some(ed25519::SIGNATURE_BYTES),
            PublicHalf::Ecdsa(key) => Some(key.signature_bytes()),
            PublicHalf::Rsa(key) => Some(key.signature_bytes()),
            PublicHalf::Hmac(key) => Some(key.signature_bytes()),
            PublicHalf::Local(_) => None,
        }
    }

    /// Makes this key's table of multiples now, on this thread (1 ms), in place of when
    /// it has proved busy: for a server that knows its keys before the first request.
    /// Whether the key has its table afterwards: there is none for algorithms other than
    /// EdDSA, Ed25519 and v4.public, nor beyond the limit of [`KeyTables`](super::KeyTables).
    ///
    /// ```
    /// use tokenwright::key::{Algorithm, SigningKey};
    /// let key = SigningKey::generate(Algorithm::EdDsa)?.verifying_key();
    /// assert!(key.warm());
    /// # Ok::<(), tokenwright::key::KeyError>(())
    /// ```
    pub fn warm(&self) -> bool {
        match &*self.half {
            PublicHalf::Ed25519(key) => key.warm(),
            PublicHalf::Ecdsa(_)
            | PublicHalf::Rsa(_)
            | PublicHalf::Hmac(_)
            | PublicHalf::Local(_) => false,
        }
    }

    /// Whether `signature` belongs to the pieces of `message`, read as one.
    ///
    /// A v4.local key verifies nothing that is not also opened.
    pub(crate) fn verify(&self, message: &[&[u8]], signature: &[u8]) -> Result<(), BadSignature> {
        match &*self.half {
            PublicHalf::Ed25519(key) => key.verify(message, signature),
            PublicHalf::Ecdsa(key) => key.verify(message, signature),
            PublicHalf::Rsa(key) => key.verify(message, signature),
            PublicHalf::Hmac(key) => key.verify(message, signature),
            PublicHalf::Local(_) => Err(BadSignature),
        }
    }

    /// What this key makes of the signature, for [`settle`](super::settle); `None` from
    /// keys that judge every signature by itself.
    pub(super) fn recompute_signature(
        &self,
        message: &[&[u8]],
        signature: &[u8],
    ) -> Option<Recomputed> {
        match &*self.half {
            PublicHalf::Ed25519(key) => key.recompute(message, signature),
            PublicHalf::Ecdsa(_)
            | PublicHalf::Rsa(_)
            | PublicHalf::Hmac(_)
            | PublicHalf::Local(_) => None,
        }
    }

    /// Opens a v4.local token, footer included, and puts its payload into `out`,
    /// replacing what was there. The token's footer must be exactly `footer`.
    pub(crate) fn open_local(
        &self,
        token: &str,
        footer: &[u8],
        implicit: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), BadSignature> {
        match &*self.half {
            PublicHalf::Local(key) => key.open(token, footer, implicit, out),
            PublicHalf::Ed25519(_)
            | PublicHalf::Ecdsa(_)
            | PublicHalf::Rsa(_)
            | PublicHalf::Hmac(_) => Err(BadSignature),
        }
    }

    /// The half itself, for the signing key that holds it.
    pub(super) fn half(&self) -> &PublicHalf {
        &self.half
    }
}

impl PublicHalf {
    fn default_id(&self, algorithm: Algorithm) -> Result<KeyId, KeyError> {
        match self {
            Self::Ed25519(key) => thumbprint::public_id(algorithm, &key.material()),
            Self::Ecdsa(key) => thumbprint::public_id(algorithm, &key.material()),
            Self::Rsa(key) => thumbprint::public_id(algorithm, &key.material()),
            Self::Hmac(key) => thumbprint::secret_id(algorithm, key.secret()),
            Self::Local(key) => thumbprint::secret_id(algorithm, key.secret()),
        }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("algorithm", &self.algorithm)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::testing::EXAMPLES;

    #[test]
    fn published_examples_verify_and_their_changed_twins_do_not() {
        for example in EXAMPLES {
            if crypto::require_engine(example.algorithm).is_err() {
                continue;
            }
            let (input, signature) = example.parts();
            let key = example.key();
            let (head, tail) = input.split_at(10);
            assert_eq!(key.verify(&[head, tail], &signature), Ok(()), "{key:?}");
            assert_eq!(key.verify(&[tail, head], &signature), Err(BadSignature));
            assert_eq!(key.verify(&[&input[1..]], &signature), Err(BadSignature));
        }
    }

    #[cfg(feature = "paseto")]
    #[test]
    fn placeholder_secret_is_imported_and_named_as_one() {
        let key = |secret: Vec<u8>| {
            VerifyingKey::from_secret(Algorithm::V4Local, None, SecretBytes::from(secret))
                .expect("key")
        };
        assert!(key(vec![0; 32]).has_placeholder_secret());
        assert!(!key((0..32).collect()).has_placeholder_secret());
    }

    #[test]
    fn clones_share_one_prepared_key() {
        let [.., example] = EXAMPLES;
        let key = example.key();
        let named = key.clone().with_id(KeyId::new("other").expect("id"));
        assert!(Arc::ptr_eq(&key.half, &named.half));
        assert_ne!(key.id(), named.id());
        assert!(named.is_named() && !key.is_named());
    }
}
