//! The half of a key that makes signatures.

use std::fmt;

use zeroize::Zeroizing;

use super::algorithm::Algorithm;
use super::crypto;
use super::crypto::aws::{self, EcdsaPrivate, EcdsaPublic, RsaPrivate, RsaPublic};
use super::crypto::ed25519::Ed25519Private;
use super::entropy::{self, Entropy, SystemEntropy};
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
        Self::generate_with(algorithm, &SystemEntropy)
    }

    /// Makes a new key from the random bytes of `entropy`. RSA primes alone come
    /// from the engine, which draws from the operating system.
    ///
    /// # Errors
    /// As [`Self::generate`], and whatever `entropy` reports.
    pub fn generate_with(algorithm: Algorithm, entropy: &dyn Entropy) -> Result<Self, KeyError> {
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
                let key = EcdsaPrivate::parse(curve, &scalar, given)?;
                let (x, y) = key.coordinates();
                let public = EcdsaPublic::parse(curve, x, y)?;
                (PrivateHalf::Ecdsa(key), PublicHalf::Ecdsa(public))
            }
            SecretMaterial::Rsa(numbers) => {
                let public = RsaPublic::parse(algorithm, &numbers.n, &numbers.e)?;
                let key = RsaPrivate::parse(algorithm, &numbers)?;
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
                "a signature made with this key for {} does not verify with its own public half; export the key again",
                self.algorithm()
            ),
        ))
    }
}

/// `length` fresh random bytes.
fn random_bytes(length: usize, entropy: &dyn Entropy) -> Result<SecretBytes, KeyError> {
    let mut bytes = Zeroizing::new(vec![0_u8; length]);
    entropy::draw(entropy, &mut bytes)?;
    Ok(SecretBytes::from(bytes))
}

fn wrong_use(algorithm: Algorithm) -> KeyError {
    KeyError::explained(
        KeyErrorKind::AlgorithmMismatch,
        format!(
            "a key for {algorithm} cannot be used this way; use a key of the token's own algorithm"
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::testing::hex;

    /// Bytes 1, 2, 3 … so that a test knows the key it gets.
    struct Counting;

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), KeyError> {
            for (byte, value) in bytes.iter_mut().zip(1..) {
                *byte = value;
            }
            Ok(())
        }
    }

    struct Stuck(u8);

    impl Entropy for Stuck {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), KeyError> {
            bytes.fill(self.0);
            Ok(())
        }
    }

    struct Failing;

    impl Entropy for Failing {
        fn fill(&self, _: &mut [u8]) -> Result<(), KeyError> {
            Err(KeyError::explained(
                KeyErrorKind::NoRandomness,
                "out of order",
            ))
        }
    }

    fn in_this_build() -> impl Iterator<Item = Algorithm> {
        Algorithm::ALL
            .into_iter()
            .filter(|algorithm| crypto::require_engine(*algorithm).is_ok())
    }

    fn signed(key: &SigningKey, message: &[&[u8]]) -> Vec<u8> {
        let mut signature = Vec::new();
        key.sign(message, &mut signature).expect("sign");
        signature
    }

    #[test]
    fn every_algorithm_signs_in_pieces_and_verifies_whole() {
        for algorithm in in_this_build().filter(|algorithm| *algorithm != Algorithm::V4Local) {
            let key = SigningKey::generate(algorithm).expect("key");
            let public = key.verifying_key();
            let mut signature = b"kept".to_vec();
            key.sign(&[b"head", b"", b".payload"], &mut signature)
                .expect("sign");
            let signature = signature.strip_prefix(b"kept").expect("appended");
            assert_eq!(Some(signature.len()), public.signature_len(), "{algorithm}");
            assert_eq!(
                public.verify(&[b"head.payload"], signature),
                Ok(()),
                "{algorithm}"
            );
            assert_eq!(
                public.verify(&[b"head.p", b"ayload"], signature),
                Ok(()),
                "{algorithm}"
            );
            for other in [&b"head.payloae"[..], b"head.payload.", b""] {
                assert_eq!(
                    public.verify(&[other], signature),
                    Err(crypto::BadSignature)
                );
            }
        }
    }

    #[test]
    fn signatures_changed_cut_or_extended_are_refused() {
        let message: [&[u8]; 1] = [b"head.payload"];
        for algorithm in in_this_build().filter(|algorithm| *algorithm != Algorithm::V4Local) {
            let key = SigningKey::generate(algorithm).expect("key");
            let public = key.verifying_key();
            let good = signed(&key, &message);
            for position in 0..good.len() {
                let mut changed = good.clone();
                changed[position] ^= 0x10;
                assert_eq!(public.verify(&message, &changed), Err(crypto::BadSignature));
            }
            for length in 0..good.len() {
                assert_eq!(
                    public.verify(&message, &good[..length]),
                    Err(crypto::BadSignature)
                );
            }
            for wrong in [
                [&good[..], &[0]].concat(),
                [&[0], &good[..]].concat(),
                [&good[..], &good].concat(),
            ] {
                assert_eq!(public.verify(&message, &wrong), Err(crypto::BadSignature));
            }
            assert_eq!(
                public.verify(&message, &vec![0; good.len()]),
                Err(crypto::BadSignature)
            );
            assert_eq!(
                public.verify(&message, &vec![0xff; good.len()]),
                Err(crypto::BadSignature)
            );
        }
    }

    #[test]
    fn keys_of_other_owners_and_algorithms_do_not_verify() {
        let message: [&[u8]; 1] = [b"head.payload"];
        let keys: Vec<_> = in_this_build()
            .filter(|algorithm| *algorithm != Algorithm::V4Local)
            .map(|algorithm| SigningKey::generate(algorithm).expect("key"))
            .collect();
        for signer in &keys {
            let signature = signed(signer, &message);
            for verifier in &keys {
                let accepted = verifier
                    .verifying_key()
                    .verify(&message, &signature)
                    .is_ok();
                assert_eq!(accepted, signer.id() == verifier.id());
            }
        }
    }

    #[test]
    fn private_material_makes_the_same_key_again() {
        for algorithm in in_this_build() {
            let key = SigningKey::generate(algorithm).expect("key");
            let again =
                SigningKey::from_material(algorithm, None, key.secret_material()).expect("again");
            assert_eq!(key.id(), again.id());
            assert!(!again.is_named());
            if let Some(material) = key.verifying_key().public_material() {
                let public =
                    VerifyingKey::from_material(algorithm, None, material).expect("public");
                assert_eq!(public.id(), key.id());
                assert_eq!(public.verify(&[b"m"], &signed(&again, &[b"m"])), Ok(()));
            } else {
                assert!(algorithm.is_symmetric());
            }
        }
    }

    #[test]
    fn given_id_replaces_the_computed_one() {
        let key = SigningKey::generate(Algorithm::EdDsa).expect("key");
        assert!(!key.is_named());
        let key = key.with_id(KeyId::new("2026-a").expect("id"));
        assert_eq!(key.id().as_str(), "2026-a");
        assert!(key.is_named() && key.verifying_key().is_named());
        let id = KeyId::new("b").expect("id");
        let again = SigningKey::from_material(Algorithm::EdDsa, Some(id), key.secret_material());
        assert_eq!(again.expect("key").id().as_str(), "b");
    }

    #[test]
    fn debug_shows_algorithm_and_id_and_nothing_else() {
        let key = SigningKey::generate_with(Algorithm::EdDsa, &Counting).expect("key");
        let id = key.id().as_str();
        assert_eq!(
            format!("{key:?}"),
            format!("SigningKey {{ algorithm: EdDsa, id: KeyId(\"{id}\"), .. }}")
        );
        assert_eq!(
            format!("{:?}", key.verifying_key()),
            format!("VerifyingKey {{ algorithm: EdDsa, id: KeyId(\"{id}\"), .. }}")
        );
    }

    #[test]
    fn known_randomness_makes_known_keys() {
        for algorithm in in_this_build() {
            if vetting::is_rsa(algorithm) {
                continue;
            }
            let make = || SigningKey::generate_with(algorithm, &Counting).expect("key");
            assert_eq!(make().id(), make().id(), "{algorithm}");
        }
        let key = SigningKey::generate_with(Algorithm::EdDsa, &Counting).expect("key");
        let SecretMaterial::Ed25519 { seed, .. } = key.secret_material() else {
            panic!("an Ed25519 seed");
        };
        let expected = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20";
        assert_eq!(seed.expose(), hex(expected));
    }

    #[test]
    fn randomness_that_fails_or_repeats_makes_no_key() {
        for algorithm in in_this_build() {
            if vetting::is_rsa(algorithm) {
                continue;
            }
            let error = SigningKey::generate_with(algorithm, &Failing).expect_err("no key");
            assert_eq!(error.to_string(), "no_randomness: out of order");
            for byte in [0, 7, 0xff] {
                let error = SigningKey::generate_with(algorithm, &Stuck(byte)).expect_err("no key");
                assert_eq!(
                    error.to_string(),
                    "no_randomness: the source of randomness gave one byte repeated; no key was made, check the source"
                );
            }
        }
    }

    #[cfg(not(feature = "aws-lc"))]
    #[test]
    fn algorithms_left_out_of_the_build_name_their_feature() {
        for algorithm in [
            Algorithm::Es256,
            Algorithm::Rs256,
            Algorithm::Ps512,
            Algorithm::Hs256,
        ] {
            let error = SigningKey::generate(algorithm).expect_err("no engine");
            assert_eq!(
                error.to_string(),
                format!(
                    "unsupported_algorithm: {algorithm} is not part of this build; switch on the feature `aws-lc`"
                )
            );
        }
    }

    #[cfg(not(feature = "paseto"))]
    #[test]
    fn paseto_left_out_of_the_build_names_its_feature() {
        for algorithm in [Algorithm::V4Public, Algorithm::V4Local] {
            let error = SigningKey::generate(algorithm).expect_err("no engine");
            assert_eq!(
                error.to_string(),
                format!(
                    "unsupported_algorithm: {algorithm} is not part of this build; switch on the feature `paseto`"
                )
            );
        }
    }

    #[cfg(feature = "aws-lc")]
    #[test]
    fn rsa_sizes_are_chosen_from_four() {
        let error = SigningKey::generate_rsa(Algorithm::Rs256, 1024).expect_err("size");
        assert_eq!(
            error.to_string(),
            "bad_modulus: RSA keys are made with 2048, 3072, 4096 or 8192 bits, not 1024; choose one of these"
        );
        let error = SigningKey::generate_rsa(Algorithm::Es256, 2048).expect_err("algorithm");
        assert_eq!(
            error.to_string(),
            "algorithm_mismatch: ES256 does not use RSA keys; choose RS256 to PS512, or generate without a size"
        );
        let key = SigningKey::generate_rsa(Algorithm::Ps256, 3072).expect("key");
        assert_eq!(key.verifying_key().signature_len(), Some(384));
    }

    #[cfg(feature = "aws-lc")]
    #[test]
    fn damaged_rsa_numbers_are_refused_whichever_it_is() {
        let key = SigningKey::generate(Algorithm::Rs256).expect("key");
        for damaged in 0..8 {
            let SecretMaterial::Rsa(mut numbers) = key.secret_material() else {
                panic!("RSA numbers");
            };
            let change = |secret: &SecretBytes| {
                let mut bytes = secret.expose().to_vec();
                *bytes.last_mut().expect("bytes") ^= 2;
                SecretBytes::from(bytes)
            };
            let numbers_of = &mut *numbers;
            match damaged {
                0 => numbers_of.n[100] ^= 1,
                1 => numbers_of.e = vec![1, 0, 3],
                2 => numbers_of.d = change(&numbers_of.d),
                3 => numbers_of.p = change(&numbers_of.p),
                4 => numbers_of.q = change(&numbers_of.q),
                5 => numbers_of.dp = change(&numbers_of.dp),
                6 => numbers_of.dq = change(&numbers_of.dq),
                _ => numbers_of.qi = change(&numbers_of.qi),
            }
            // A changed modulus may by chance have a small factor, which is found first.
            let error =
                SigningKey::from_material(Algorithm::Rs256, None, SecretMaterial::Rsa(numbers))
                    .expect_err("refusal");
            assert!(matches!(
                error.kind(),
                KeyErrorKind::HalvesMismatch | KeyErrorKind::BadModulus
            ));
        }
    }

    #[test]
    fn sealing_and_signing_do_not_mix() {
        let key = SigningKey::generate(Algorithm::EdDsa).expect("key");
        assert_eq!(
            key.seal_local(b"{}", b"", b"")
                .expect_err("no seal")
                .to_string(),
            "algorithm_mismatch: a key for EdDSA cannot be used this way; use a key of the token's own algorithm"
        );
        let mut out = Vec::new();
        let public = key.verifying_key();
        assert_eq!(
            public.open_local("v4.local.AAAA", b"", b"", &mut out),
            Err(crypto::BadSignature)
        );
    }

    #[cfg(feature = "paseto")]
    #[test]
    fn local_keys_seal_and_open_but_neither_sign_nor_verify() {
        let key = SigningKey::generate(Algorithm::V4Local).expect("key");
        let public = key.verifying_key();
        assert_eq!(public.signature_len(), None);
        assert!(key.sign(&[b"m"], &mut Vec::new()).is_err());
        assert_eq!(public.verify(&[b"m"], &[0; 32]), Err(crypto::BadSignature));
        let token = key.seal_local(b"{}", b"foot", b"implied").expect("token");
        let mut out = b"old".to_vec();
        assert_eq!(
            public.open_local(&token, b"foot", b"implied", &mut out),
            Ok(())
        );
        assert_eq!(out, b"{}");
    }

    #[test]
    fn keys_cross_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<SigningKey>();
        shared::<VerifyingKey>();
    }
}
