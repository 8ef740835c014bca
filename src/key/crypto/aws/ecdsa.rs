//! ECDSA (RFC 7518 section 3.4): ES256, ES384, ES512, each on its one curve.

use aws_lc_rs::agreement::{self, ECDH_P256, ECDH_P384, ECDH_P521};
use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED,
    ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, ParsedPublicKey,
};
use zeroize::Zeroizing;

use super::super::{BadSignature, engine_failed};
use crate::key::entropy::{self, Entropy};
use crate::key::error::{KeyError, KeyErrorKind};
use crate::key::material::{Curve, PublicMaterial};
use crate::secret::SecretBytes;

/// How often a scalar is drawn before the source of randomness is called broken.
/// All three orders are so close below a power of two that one draw all but always does.
const MOST_DRAWS: usize = 64;

/// What belongs to one curve. Signatures are r and s at fixed length, never DER.
struct Suite {
    hash: &'static digest::Algorithm,
    verification: &'static EcdsaVerificationAlgorithm,
    signing: &'static EcdsaSigningAlgorithm,
    agreement: &'static agreement::Algorithm,
    field_bytes: usize,
    unused_top_bits: u32,
    name: &'static str,
}

const fn suite(curve: Curve) -> &'static Suite {
    match curve {
        Curve::P256 => &Suite {
            hash: &SHA256,
            verification: &ECDSA_P256_SHA256_FIXED,
            signing: &ECDSA_P256_SHA256_FIXED_SIGNING,
            agreement: &ECDH_P256,
            field_bytes: 32,
            unused_top_bits: 0,
            name: "P-256",
        },
        Curve::P384 => &Suite {
            hash: &SHA384,
            verification: &ECDSA_P384_SHA384_FIXED,
            signing: &ECDSA_P384_SHA384_FIXED_SIGNING,
            agreement: &ECDH_P384,
            field_bytes: 48,
            unused_top_bits: 0,
            name: "P-384",
        },
        Curve::P521 => &Suite {
            hash: &SHA512,
            verification: &ECDSA_P521_SHA512_FIXED,
            signing: &ECDSA_P521_SHA512_FIXED_SIGNING,
            agreement: &ECDH_P521,
            field_bytes: 66,
            unused_top_bits: 7,
            name: "P-521",
        },
    }
}

/// A public point, checked and prepared once.
pub(crate) struct EcdsaPublic {
    curve: Curve,
    key: ParsedPublicKey,
    x: Vec<u8>,
    y: Vec<u8>,
}

impl EcdsaPublic {
    /// Takes coordinates of the field's exact length. The engine refuses a point
    /// that is not on the curve (SEC 1 section 3.2.2.1); infinity has no coordinates.
    pub(crate) fn parse(curve: Curve, x: &[u8], y: &[u8]) -> Result<Self, KeyError> {
        let suite = suite(curve);
        let key = ParsedPublicKey::new(suite.verification, uncompressed(x, y)).map_err(|_| {
            KeyError::explained(
                KeyErrorKind::NotOnCurve,
                format!(
                    "the coordinates are not those of a point on {}; check that the key was copied whole",
                    suite.name
                ),
            )
        })?;
        Ok(Self {
            curve,
            key,
            x: x.to_vec(),
            y: y.to_vec(),
        })
    }

    /// The point, as material.
    pub(crate) fn material(&self) -> PublicMaterial {
        PublicMaterial::Ec {
            curve: self.curve,
            x: self.x.clone(),
            y: self.y.clone(),
        }
    }

    /// Bytes of a signature.
    pub(crate) fn signature_bytes(&self) -> usize {
        suite(self.curve).field_bytes.saturating_mul(2)
    }

    /// Whether `signature` belongs to the pieces of `message`, read as one. The
    /// engine refuses an r or s of zero or of the order and above (CVE-2022-21449).
    ///
    /// (r, n - s) verifies whenever (r, s) does: JWA asks for no low s, so nothing
    /// may take the signature's bytes for the token's identity.
    pub(crate) fn verify(&self, message: &[&[u8]], signature: &[u8]) -> Result<(), BadSignature> {
        if signature.len() != self.signature_bytes() {
            return Err(BadSignature);
        }
        let digest = super::digest(suite(self.curve).hash, message);
        self.key
            .verify_digest_sig(&digest, signature)
            .map_err(|_| BadSignature)
    }
}

/// A private scalar with its point, prepared once.
pub(crate) struct EcdsaPrivate {
    curve: Curve,
    key: EcdsaKeyPair,
    scalar: SecretBytes,
    x: Vec<u8>,
    y: Vec<u8>,
}

impl EcdsaPrivate {
    /// Takes a scalar of the order's exact length, from 1 to the order less one,
    /// and refuses a public point that is not its own.
    pub(crate) fn parse(
        curve: Curve,
        scalar: &SecretBytes,
        given: Option<(&[u8], &[u8])>,
    ) -> Result<Self, KeyError> {
        let suite = suite(curve);
        let point = public_point(suite, scalar.expose()).ok_or_else(|| {
            KeyError::explained(
                KeyErrorKind::BadScalar,
                format!(
                    "the private scalar is zero or not below the order of {}; export the key again",
                    suite.name
                ),
            )
        })?;
        let (x, y) = point
            .get(1..)
            .and_then(|both| both.split_at_checked(suite.field_bytes))
            .ok_or_else(|| engine_failed("compute a public point"))?;
        if given.is_some_and(|given| given != (x, y)) {
            return Err(KeyError::explained(
                KeyErrorKind::HalvesMismatch,
                format!(
                    "the public half given is not that of this {} private key; export both halves again from one source",
                    suite.name
                ),
            ));
        }
        let key =
            EcdsaKeyPair::from_private_key_and_public_key(suite.signing, scalar.expose(), &point)
                .map_err(|_| engine_failed("prepare a private key"))?;
        Ok(Self {
            curve,
            key,
            scalar: scalar.duplicate(),
            x: x.to_vec(),
            y: y.to_vec(),
        })
    }

    /// The curve.
    pub(crate) fn curve(&self) -> Curve {
        self.curve
    }

    /// The scalar.
    pub(crate) fn secret(&self) -> &SecretBytes {
        &self.scalar
    }

    /// The coordinates of the public half.
    pub(crate) fn coordinates(&self) -> (&[u8], &[u8]) {
        (&self.x, &self.y)
    }

    /// Appends the signature of the pieces of `message`, read as one.
    ///
    /// The nonce is the engine's: random, with the private key and the message
    /// mixed in, so that neither a repeating generator nor a single fault gives
    /// the key away. That serves the purpose of RFC 8725 section 3.2 without
    /// being the deterministic nonce of RFC 6979: signing twice gives two signatures.
    pub(crate) fn sign(&self, message: &[&[u8]], out: &mut Vec<u8>) -> Result<(), KeyError> {
        let digest = super::digest(suite(self.curve).hash, message);
        let signature = self
            .key
            .sign_digest(&digest)
            .map_err(|_| engine_failed("sign"))?;
        out.extend_from_slice(signature.as_ref());
        Ok(())
    }
}

/// Draws a private scalar: uniform among the numbers from 1 to the order less one.
pub(crate) fn generate_scalar(
    curve: Curve,
    entropy: &dyn Entropy,
) -> Result<SecretBytes, KeyError> {
    let suite = suite(curve);
    let mut scalar = Zeroizing::new(vec![0_u8; suite.field_bytes]);
    for _ in 0..MOST_DRAWS {
        entropy::draw(entropy, &mut scalar)?;
        if let Some(top) = scalar.first_mut() {
            *top = top.checked_shr(suite.unused_top_bits).unwrap_or_default();
        }
        // Drawing again, rather than reducing, leaves no bias (FIPS 186-5 section A.2.2).
        if public_point(suite, &scalar).is_some() {
            return Ok(SecretBytes::from(scalar));
        }
    }
    Err(KeyError::explained(
        KeyErrorKind::NoRandomness,
        format!(
            "{MOST_DRAWS} random numbers in a row were no private key; the source of randomness is broken"
        ),
    ))
}

/// The uncompressed public point of a scalar; `None` if the scalar is out of range.
fn public_point(suite: &Suite, scalar: &[u8]) -> Option<Vec<u8>> {
    let key = agreement::PrivateKey::from_private_key(suite.agreement, scalar).ok()?;
    Some(key.compute_public_key().ok()?.as_ref().to_vec())
}

/// An uncompressed point (SEC 1 section 2.3.3).
fn uncompressed(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[4], x, y].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::testing::{ES256, decoded, hex};

    /// The order of P-256.
    const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

    #[track_caller]
    fn refused<T>(result: Result<T, KeyError>, message: &str) {
        assert_eq!(result.err().expect("refusal").to_string(), message);
    }

    #[test]
    fn signatures_of_nothing_do_not_verify() {
        let key = ES256.key();
        let (input, good) = ES256.parts();
        let (zero, one, order, most) = (
            vec![0; 32],
            [vec![0; 31], vec![1]].concat(),
            hex(ORDER),
            vec![0xff; 32],
        );
        for r in [&zero, &one, &order, &most] {
            for s in [&zero, &one, &order, &most] {
                assert_eq!(
                    key.verify(&[input], &[&r[..], s].concat()),
                    Err(BadSignature)
                );
            }
            assert_eq!(
                key.verify(&[input], &[&r[..], &good[32..]].concat()),
                Err(BadSignature)
            );
            assert_eq!(
                key.verify(&[input], &[&good[..32], r].concat()),
                Err(BadSignature)
            );
        }
        assert_eq!(
            key.verify(&[input], &[&good[32..], &good[..32]].concat()),
            Err(BadSignature)
        );
    }

    #[test]
    fn der_signatures_are_refused() {
        let (input, good) = ES256.parts();
        let number = |bytes: &[u8]| [&[2, 33, 0], bytes].concat();
        let body = [number(&good[..32]), number(&good[32..])].concat();
        let der = [&[0x30, body.len() as u8], &body[..]].concat();
        assert_eq!(ES256.key().verify(&[input], &der), Err(BadSignature));
    }

    #[test]
    fn points_off_the_curve_are_refused() {
        let [x, y] = ES256.key.map(decoded);
        let mut off = y.clone();
        off[31] ^= 1;
        let message = "not_on_curve: the coordinates are not those of a point on P-256; check that the key was copied whole";
        for (x, y) in [
            (&x, &off),
            (&y, &x),
            (&vec![0; 32], &vec![0; 32]),
            (&vec![0xff; 32], &y),
        ] {
            refused(EcdsaPublic::parse(Curve::P256, x, y), message);
        }
        refused(
            EcdsaPublic::parse(Curve::P384, &[1; 48], &[1; 48]),
            "not_on_curve: the coordinates are not those of a point on P-384; check that the key was copied whole",
        );
    }

    #[test]
    fn scalars_out_of_range_are_refused() {
        let message = "bad_scalar: the private scalar is zero or not below the order of P-256; export the key again";
        for scalar in [vec![0; 32], hex(ORDER), vec![0xff; 32]] {
            let scalar = SecretBytes::from(scalar);
            refused(EcdsaPrivate::parse(Curve::P256, &scalar, None), message);
        }
        let mut largest = hex(ORDER);
        largest[31] -= 1;
        assert!(EcdsaPrivate::parse(Curve::P256, &SecretBytes::from(largest), None).is_ok());
    }

    #[test]
    fn foreign_public_half_is_refused() {
        let [x, y] = ES256.key.map(decoded);
        let scalar = SecretBytes::from(vec![9; 32]);
        refused(
            EcdsaPrivate::parse(Curve::P256, &scalar, Some((&x, &y))),
            "halves_mismatch: the public half given is not that of this P-256 private key; export both halves again from one source",
        );
        let key = EcdsaPrivate::parse(Curve::P256, &scalar, None).expect("key");
        let own = key.coordinates();
        assert!(EcdsaPrivate::parse(Curve::P256, &scalar, Some(own)).is_ok());
    }
}
