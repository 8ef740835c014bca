//! The half of a key that makes signatures.

use std::fmt;

use zeroize::Zeroizing;

use super::algorithm::Algorithm;
use super::crypto;
use super::crypto::aws::{self, EcdsaPrivate, EcdsaPublic, RsaPrivate, RsaPublic};
use super::crypto::ed25519::Ed25519Private;
use super::entropy::{Entropy, SystemEntropy};
use super::error::{KeyError, KeyErrorKind};
use super::id::KeyId;
use super::material::{Curve, RsaSecret, SecretMaterial};
use super::verifying::{PublicHalf, VerifyingKey};
use super::vetting;
use crate::secret::SecretBytes;

/// Bits of an RSA modulus when nobody asks for another size.
///
/// RFC 7518 section 3.3 asks for 2048 or more, and signing with 3072 bits takes
/// three times as long; whoever can choose freely should choose Ed25519. Use
/// [`SigningKey::generate_rsa`] for more.
const DEFAULT_RSA_BITS: usize = 2048;

/// A key that makes signatures: one algorithm, one id, vetted when it was made.
///
/// It cannot be cloned, and `Debug` shows the algorithm and the id only. What it
/// keeps is wiped when it is dropped: seeds, scalars, primes and secrets by this
/// crate, the engines' own copies by the engines.
///
/// ```
/// use tokenwright::key::{Algorithm, SigningKey};
/// # fn main() -> Result<(), tokenwright::key::KeyError> {
/// let key = SigningKey::generate(Algorithm::EdDsa)?;
/// assert_eq!(key.verifying_key().id(), key.id());
/// # Ok(())
/// # }
/// ```
pub struct SigningKey {
    verifying: VerifyingKey,
    private: PrivateHalf,
}

/// What signs: one variant for each family.
enum PrivateHalf {
    Ed25519(Ed25519Private),
    Ecdsa(EcdsaPrivate),
    Rsa(RsaPrivate, Box<RsaSecret>),
    /// The secret as it came in; what signs with it is the verifying half.
    Shared(SecretBytes),
}

impl SigningKey {
    /// Makes a new key from the operating system's random numbers. RSA keys get
    /// 2048 bits; see [`Self::generate_rsa`].
    ///
    /// # Errors
    /// [`KeyErrorKind::UnsupportedAlgorithm`] when the algorithm is not part of
    /// this build, [`KeyErrorKind::NoRandomness`] when the system gives no random
    /// numbers, [`KeyErrorKind::EngineFailed`] when the engine fails.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        Self::generate_with(algorithm, &mut SystemEntropy)
    }

    /// Makes a new key from the random bytes of `entropy`. RSA primes alone come
    /// from the engine, which draws from the operating system.
    ///
    /// # Errors
    /// As [`Self::generate`], and whatever `entropy` reports.
    pub fn generate_with(
        algorithm: Algorithm,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, KeyError> {
        crypto::require_engine(algorithm)?;
        let material = match algorithm {
            Algorithm::EdDsa | Algorithm::Ed25519 | Algorithm::V4Public => {
                SecretMaterial::Ed25519 {
                    seed: random_bytes(32, entropy)?,
                    public: None,
                }
            }
            Algorithm::Es256 | Algorithm::Es384 | Algorithm::Es512 => {
                let curve = vetting::curve_of(algorithm).unwrap_or(Curve::P256);
                SecretMaterial::Ec {
                    curve,
                    scalar: aws::generate_scalar(curve, entropy)?,
                    public: None,
                }
            }
            Algorithm::Rs256
            | Algorithm::Rs384
            | Algorithm::Rs512
            | Algorithm::Ps256
            | Algorithm::Ps384
            | Algorithm::Ps512 => return Self::generate_rsa(algorithm, DEFAULT_RSA_BITS),
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 | Algorithm::V4Local => {
                let length = vetting::least_secret_bytes(algorithm);
                SecretMaterial::Symmetric(random_bytes(length, entropy)?)
            }
        };
        Self::from_material(algorithm, None, material)
    }

    /// Makes a new RSA key of 2048, 3072, 4096 or 8192 bits for an RS* or PS* algorithm.
    ///
    /// # Errors
    /// [`KeyErrorKind::BadModulus`] for another size,
    /// [`KeyErrorKind::AlgorithmMismatch`] for another algorithm, otherwise as
    /// [`Self::generate`].
    pub fn generate_rsa(algorithm: Algorithm, bits: usize) -> Result<Self, KeyError> {
        crypto::require_engine(algorithm)?;
        if !vetting::is_rsa(algorithm) {
            return Err(KeyError::explained(
                KeyErrorKind::AlgorithmMismatch,
                format!(
                    "{algorithm} does not use RSA keys; choose RS256 to PS512, or generate without a size"
                ),
            ));
        }
        let numbers = aws::generate_rsa(bits)?;
        Self::from_material(algorithm, None, SecretMaterial::Rsa(Box::new(numbers)))
    }

    /// The algorithm of this key, and with it the token format.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.verifying.algorithm()
    }

    /// The id of this key.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        self.verifying.id()
    }

    /// Whether the id was given, rather than computed from the key.
    #[must_use]
    pub const fn is_named(&self) -> bool {
        self.verifying.is_named()
    }

    /// The key that checks what this one signs. For a symmetric algorithm it
    /// holds the same secret.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        self.verifying.clone()
    }

    /// The same key under another id.
    #[must_use]
    pub fn with_id(self, id: KeyId) -> Self {
        Self {
            verifying: self.verifying.with_id(id),
            private: self.private,
        }
    }

    /// Vets private numbers and makes a key of them. Without an id, the key is
    /// called by its thumbprint (JWT) or its PASERK id (PASETO).
    pub(crate) fn from_material(
        algorithm: Algorithm,
        id: Option<KeyId>,
        material: SecretMaterial,
    ) -> Result<Self, KeyError> {
        crypto::require_engine(algorithm)?;
        vetting::private_fits(algorithm, &material)?;
        let (private, half) = match material {
            SecretMaterial::Symmetric(secret) => {
                return Ok(Self {
                    verifying: VerifyingKey::from_secret(algorithm, id, secret.duplicate())?,
                    private: PrivateHalf::Shared(secret),
                });
            }
            SecretMaterial::Ed25519 { seed, public } => {
                let key = Ed25519Private::parse(&seed, public.as_ref())?;
                let public = PublicHalf::Ed25519(key.public());
                (PrivateHalf::Ed25519(key), public)
            }
            SecretMaterial::Ec {
                curve,
                scalar,
                public,
            } => {
                let given = public.as_ref().map(|(x, y)| (x.as_slice(), y.as_slice()));
                let key = EcdsaPrivate::ecdsa_private(curve, &scalar, given)?;
                let (x, y) = key.coordinates();
                let public = EcdsaPublic::ecdsa_public(curve, x, y)?;
                (PrivateHalf::Ecdsa(key), PublicHalf::Ecdsa(public))
            }
            SecretMaterial::Rsa(numbers) => {
                let public = RsaPublic::rsa_public(algorithm, &numbers.n, &numbers.e)?;
                let key = RsaPrivate::rsa_private(algorithm, &numbers)?;
                (PrivateHalf::Rsa(key, numbers), PublicHalf::Rsa(public))
            }
        };
        let key = Self {
            verifying: VerifyingKey::from_half(algorithm, id, half)?,
            private,
        };
        key.prove_itself()?;
        Ok(key)
    }

    /// The private numbers, in a copy that is wiped when dropped.
    pub(crate) fn secret_material(&self) -> SecretMaterial {
        match &self.private {
            PrivateHalf::Ed25519(key) => SecretMaterial::Ed25519 {
                seed: key.seed(),
                public: Some(key.public().to_bytes()),
            },
            PrivateHalf::Ecdsa(key) => {
                let (x, y) = key.coordinates();
                SecretMaterial::Ec {
                    curve: key.curve(),
                    scalar: key.secret().duplicate(),
                    public: Some((x.to_vec(), y.to_vec())),
                }
            }
            PrivateHalf::Rsa(_, numbers) => SecretMaterial::Rsa(Box::new(numbers.duplicate())),
            PrivateHalf::Shared(secret) => SecretMaterial::Symmetric(secret.duplicate()),
        }
    }

    /// Appends the signature of the pieces of `message`, read as one, to `out`.
    pub(crate) fn sign(&self, message: &[&[u8]], out: &mut Vec<u8>) -> Result<(), KeyError> {
        match &self.private {
            PrivateHalf::Ed25519(key) => key.sign(message, out),
            PrivateHalf::Ecdsa(key) => key.sign(message, out),
            PrivateHalf::Rsa(key, _) => key.sign(message, out),
            PrivateHalf::Shared(_) => match self.verifying.half() {
                PublicHalf::Hmac(key) => key.sign(message, out),
                PublicHalf::Local(_)
                | PublicHalf::Ed25519(_)
                | PublicHalf::Ecdsa(_)
                | PublicHalf::Rsa(_) => Err(wrong_use(self.algorithm())),
            },
        }
    }

    /// Makes a whole v4.local token of `payload`, its footer attached unless empty.
    pub(crate) fn seal_local(
        &self,
        payload: &[u8],
        footer: &[u8],
        implicit: &[u8],
    ) -> Result<String, KeyError> {
        match self.verifying.half() {
            PublicHalf::Local(key) => key.seal(payload, footer, implicit),
            PublicHalf::Ed25519(_)
            | PublicHalf::Ecdsa(_)
            | PublicHalf::Rsa(_)
            | PublicHalf::Hmac(_) => Err(wrong_use(self.algorithm())),
        }
    }

    /// Signs once and verifies: the last check that the two halves belong together,
    /// and that a key file damaged in a number nobody compared does not sign
    /// tokens that nobody can verify.
    fn prove_itself(&self) -> Result<(), KeyError> {
        let message: [&[u8]; 1] = [b"tokenwright: do both halves of this key belong together?"];
        let mut signature = Vec::new();
        let signed = self.sign(&message, &mut signature);
        if signed.is_ok() && self.verifying.verify(&message, &signature).is_ok() {
            return Ok(());
        }
        Err(KeyError::explained(
            KeyErrorKind::HalvesMismatch,
            format!(
                "a signature of this {} key does not verify with its own public half; export the key again",
                self.algorithm()
            ),
        ))
    }
}

/// `length` fresh random bytes.
fn random_bytes(length: usize, entropy: &mut dyn Entropy) -> Result<SecretBytes, KeyError> {
    let mut bytes = Zeroizing::new(vec![0_u8; length]);
    entropy.fill(&mut bytes)?;
    Ok(SecretBytes::from(bytes))
}

fn wrong_use(algorithm: Algorithm) -> KeyError {
    KeyError::explained(
        KeyErrorKind::AlgorithmMismatch,
        format!(
            "a {algorithm} key cannot be used this way; use a key of the token's own algorithm"
        ),
    )
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm())
            .field("id", self.id())
            .finish_non_exhaustive()
    }
}
