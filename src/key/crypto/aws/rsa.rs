//! RSA: RS256, RS384, RS512 (RFC 7518 section 3.3) and PS256, PS384, PS512 (section 3.5).

use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeyPairComponents, KeySize};
use aws_lc_rs::signature::{
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaParameters, RsaPublicKeyComponents, RsaSignatureEncoding,
};

use super::super::{BadSignature, engine_failed};
use super::der;
use crate::key::algorithm::Algorithm;
use crate::key::error::{KeyError, KeyErrorKind};
use crate::key::material::{PublicMaterial, RsaSecret};

/// What belongs to one algorithm. The salt of a PSS signature is exactly as long
/// as the hash, which is the engine's default on both sides (RFC 7518 section 3.5).
struct Suite {
    hash: &'static digest::Algorithm,
    verification: &'static RsaParameters,
    signing: &'static RsaSignatureEncoding,
}

fn suite(algorithm: Algorithm) -> Result<&'static Suite, KeyError> {
    macro_rules! suite {
        ($hash:expr, $verification:expr, $signing:expr) => {
            Ok(&Suite {
                hash: &$hash,
                verification: &$verification,
                signing: &$signing,
            })
        };
    }
    match algorithm {
        Algorithm::Rs256 => suite!(SHA256, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256),
        Algorithm::Rs384 => suite!(SHA384, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_SHA384),
        Algorithm::Rs512 => suite!(SHA512, RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA512),
        Algorithm::Ps256 => suite!(SHA256, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256),
        Algorithm::Ps384 => suite!(SHA384, RSA_PSS_2048_8192_SHA384, RSA_PSS_SHA384),
        Algorithm::Ps512 => suite!(SHA512, RSA_PSS_2048_8192_SHA512, RSA_PSS_SHA512),
        Algorithm::EdDsa
        | Algorithm::Ed25519
        | Algorithm::Es256
        | Algorithm::Es384
        | Algorithm::Es512
        | Algorithm::Hs256
        | Algorithm::Hs384
        | Algorithm::Hs512
        | Algorithm::V4Public
        | Algorithm::V4Local => Err(KeyError::explained(
            KeyErrorKind::AlgorithmMismatch,
            format!("{algorithm} does not use RSA keys; name one of RS256 to PS512"),
        )),
    }
}

/// A modulus and an exponent, prepared once.
pub(crate) struct RsaPublic {
    suite: &'static Suite,
    key: ParsedPublicKey,
    n: Vec<u8>,
    e: Vec<u8>,
}

impl RsaPublic {
    /// Takes vetted numbers.
    pub(crate) fn parse(algorithm: Algorithm, n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        let suite = suite(algorithm)?;
        let key = RsaPublicKeyComponents { n, e }
            .to_parsed_public_key(suite.verification)
            .map_err(|_| {
                KeyError::explained(
                    KeyErrorKind::BadModulus,
                    "these numbers are not an RSA public key; generate a new RSA key",
                )
            })?;
        Ok(Self {
            suite,
            key,
            n: n.to_vec(),
            e: e.to_vec(),
        })
    }

    /// The numbers, as material.
    pub(crate) fn material(&self) -> PublicMaterial {
        PublicMaterial::Rsa {
            n: self.n.clone(),
            e: self.e.clone(),
        }
    }

    /// Bytes of a signature: exactly as many as the modulus has.
    pub(crate) fn signature_bytes(&self) -> usize {
        self.n.len()
    }

    /// Whether `signature` belongs to the pieces of `message`, read as one.
    /// Neither a shorter number without its zeros nor a longer one is taken
    /// (RFC 8017 section 8.2.2 step 1).
    pub(crate) fn verify(&self, message: &[&[u8]], signature: &[u8]) -> Result<(), BadSignature> {
        if signature.len() != self.n.len() {
            return Err(BadSignature);
        }
        let digest = super::digest(self.suite.hash, message);
        self.key
            .verify_digest_sig(&digest, signature)
            .map_err(|_| BadSignature)
    }
}

/// A private key with its primes, prepared once.
pub(crate) struct RsaPrivate {
    suite: &'static Suite,
    key: KeyPair,
}

impl RsaPrivate {
    /// Takes all numbers of a two-prime key. The engine refuses them unless
    /// n = pq and the exponents and the coefficient belong to p and q.
    pub(crate) fn parse(algorithm: Algorithm, numbers: &RsaSecret) -> Result<Self, KeyError> {
        let suite = suite(algorithm)?;
        let key = KeyPair::from_components(&KeyPairComponents {
            public_key: RsaPublicKeyComponents {
                n: numbers.n.as_slice(),
                e: numbers.e.as_slice(),
            },
            d: numbers.d.expose(),
            p: numbers.p.expose(),
            q: numbers.q.expose(),
            dP: numbers.dp.expose(),
            dQ: numbers.dq.expose(),
            qInv: numbers.qi.expose(),
        })
        .map_err(|_| {
            KeyError::explained(
                KeyErrorKind::HalvesMismatch,
                "the numbers of this RSA private key do not belong together; export the key again",
            )
        })?;
        Ok(Self { suite, key })
    }

    /// Appends the signature of the pieces of `message`, read as one.
    pub(crate) fn sign(&self, message: &[&[u8]], out: &mut Vec<u8>) -> Result<(), KeyError> {
        let digest = super::digest(self.suite.hash, message);
        let start = out.len();
        out.resize(start.saturating_add(self.key.public_modulus_len()), 0);
        let signed = out
            .get_mut(start..)
            .map(|place| self.key.sign_digest(self.suite.signing, &digest, place));
        if !matches!(signed, Some(Ok(()))) {
            out.truncate(start);
            return Err(engine_failed("sign"));
        }
        Ok(())
    }
}

/// Draws two primes and computes the numbers of a key of `bits` bits, with e = 65537.
pub(crate) fn generate_rsa(bits: usize) -> Result<RsaSecret, KeyError> {
    let size = match bits {
        2048 => KeySize::Rsa2048,
        3072 => KeySize::Rsa3072,
        4096 => KeySize::Rsa4096,
        8192 => KeySize::Rsa8192,
        _ => {
            return Err(KeyError::explained(
                KeyErrorKind::BadModulus,
                format!(
                    "RSA keys are made with 2048, 3072, 4096 or 8192 bits, not {bits}; choose one of these"
                ),
            ));
        }
    };
    let key = KeyPair::generate(size).map_err(|_| engine_failed("make an RSA key"))?;
    let document = key
        .as_der()
        .map_err(|_| engine_failed("write out a new RSA key"))?;
    der::rsa_numbers(document.as_ref()).ok_or_else(|| engine_failed("read back a new RSA key"))
}
