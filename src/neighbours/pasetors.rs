//! Keys of the `pasetors` crate, version 4, in both directions.
//!
//! ```
//! use pasetors::keys::{AsymmetricKeyPair, AsymmetricPublicKey, Generate as _};
//! use pasetors::version4::V4;
//! use tokenwright::key::{SigningKey, VerifyingKey};
//!
//! let theirs = AsymmetricKeyPair::<V4>::generate()?;
//! let signing = SigningKey::try_from(&theirs.secret)?;
//! let verifying = VerifyingKey::try_from(&theirs.public)?;
//! assert_eq!(signing.id(), verifying.id());
//! assert_eq!(AsymmetricPublicKey::<V4>::try_from(&verifying)?, theirs.public);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use pasetors::keys::{AsymmetricPublicKey, AsymmetricSecretKey, SymmetricKey};
use pasetors::version4::V4;
use zeroize::Zeroizing;

use crate::key::material::{PublicMaterial, SecretMaterial};
use crate::key::{Algorithm, KeyError, KeyErrorKind, SigningKey, VerifyingKey};

impl TryFrom<&VerifyingKey> for AsymmetricPublicKey<V4> {
    type Error = KeyError;

    /// Hands over the public key of v4.public; other algorithms are refused.
    fn try_from(key: &VerifyingKey) -> Result<Self, KeyError> {
        match (key.algorithm(), key.public_material()) {
            (Algorithm::V4Public, Some(PublicMaterial::Ed25519(point))) => {
                Self::from(&point).map_err(|_| not_taken())
            }
            (other, _) => Err(other_algorithm(other, Algorithm::V4Public)),
        }
    }
}

impl TryFrom<&AsymmetricPublicKey<V4>> for VerifyingKey {
    type Error = KeyError;

    /// Takes a public key over and vets it; its id becomes its PASERK id.
    fn try_from(key: &AsymmetricPublicKey<V4>) -> Result<Self, KeyError> {
        let point = key.as_bytes().try_into().map_err(|_| not_taken())?;
        Self::from_material(Algorithm::V4Public, None, PublicMaterial::Ed25519(point))
    }
}

impl TryFrom<&SigningKey> for AsymmetricSecretKey<V4> {
    type Error = KeyError;

    /// Hands over the private key of v4.public; other algorithms are refused.
    fn try_from(key: &SigningKey) -> Result<Self, KeyError> {
        let public = AsymmetricPublicKey::<V4>::try_from(&key.verifying_key())?;
        let SecretMaterial::Ed25519 { seed, .. } = key.secret_material() else {
            return Err(other_algorithm(key.algorithm(), Algorithm::V4Public));
        };
        // pasetors panics on a seed of zeros.
        if seed.expose().iter().all(|byte| *byte == 0) {
            return Err(not_taken());
        }
        let halves = Zeroizing::new([seed.expose(), public.as_bytes()].concat());
        Self::from(&halves).map_err(|_| not_taken())
    }
}

impl TryFrom<&AsymmetricSecretKey<V4>> for SigningKey {
    type Error = KeyError;

    /// Takes a private key over; its halves must belong together. Its id becomes its PASERK id.
    fn try_from(key: &AsymmetricSecretKey<V4>) -> Result<Self, KeyError> {
        let (seed, public) = key.as_bytes().split_at_checked(32).ok_or_else(not_taken)?;
        let material = SecretMaterial::Ed25519 {
            seed: seed.to_vec().into(),
            public: Some(public.try_into().map_err(|_| not_taken())?),
        };
        Self::from_material(Algorithm::V4Public, None, material)
    }
}

impl TryFrom<&SigningKey> for SymmetricKey<V4> {
    type Error = KeyError;

    /// Hands over the secret of v4.local; other algorithms are refused.
    fn try_from(key: &SigningKey) -> Result<Self, KeyError> {
        match (key.algorithm(), key.secret_material()) {
            (Algorithm::V4Local, SecretMaterial::Symmetric(secret)) => {
                Self::from(secret.expose()).map_err(|_| not_taken())
            }
            (other, _) => Err(other_algorithm(other, Algorithm::V4Local)),
        }
    }
}

impl TryFrom<&SymmetricKey<V4>> for SigningKey {
    type Error = KeyError;

    /// Takes a v4.local secret over; its id becomes its PASERK id.
    fn try_from(key: &SymmetricKey<V4>) -> Result<Self, KeyError> {
        let material = SecretMaterial::Symmetric(key.as_bytes().to_vec().into());
        Self::from_material(Algorithm::V4Local, None, material)
    }
}

fn other_algorithm(found: Algorithm, expected: Algorithm) -> KeyError {
    KeyError::explained(
        KeyErrorKind::AlgorithmMismatch,
        format!("a key for {found} cannot become a pasetors key for {expected}"),
    )
}

fn not_taken() -> KeyError {
    KeyError::explained(KeyErrorKind::NoSuchForm, "pasetors does not take this key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_v4_key_goes_over_and_comes_back() {
        let ours = SigningKey::generate(Algorithm::V4Public).unwrap();
        let theirs = AsymmetricSecretKey::<V4>::try_from(&ours).unwrap();
        let again = SigningKey::try_from(&theirs).unwrap();
        assert_eq!(again.to_paserk().unwrap(), ours.to_paserk().unwrap());

        let public = AsymmetricPublicKey::<V4>::try_from(&ours.verifying_key()).unwrap();
        let again = VerifyingKey::try_from(&public).unwrap();
        assert_eq!(again.id(), ours.id());

        let ours = SigningKey::generate(Algorithm::V4Local).unwrap();
        let theirs = SymmetricKey::<V4>::try_from(&ours).unwrap();
        let again = SigningKey::try_from(&theirs).unwrap();
        assert_eq!(again.to_paserk().unwrap(), ours.to_paserk().unwrap());
    }

    #[test]
    fn keys_for_other_algorithms_stay_here() {
        let jwt = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let error = AsymmetricPublicKey::<V4>::try_from(&jwt.verifying_key()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "algorithm_mismatch: a key for EdDSA cannot become a pasetors key for v4.public"
        );
        let error = AsymmetricSecretKey::<V4>::try_from(&jwt).unwrap_err();
        assert_eq!(error.code(), "algorithm_mismatch");
        let error = SymmetricKey::<V4>::try_from(&jwt).unwrap_err();
        assert_eq!(error.code(), "algorithm_mismatch");
        let local = SigningKey::generate(Algorithm::V4Local).unwrap();
        let error = AsymmetricSecretKey::<V4>::try_from(&local).unwrap_err();
        assert_eq!(error.code(), "algorithm_mismatch");
    }

    #[test]
    fn a_weak_public_key_of_theirs_is_refused() {
        // The identity point: every message has a signature under it.
        let mut identity = [0; 32];
        identity[0] = 1;
        let weak = AsymmetricPublicKey::<V4>::from(&identity).unwrap();
        assert!(VerifyingKey::try_from(&weak).is_err());
    }
}
