//! Ed25519 (RFC 8032): JWT `EdDSA` and `Ed25519`, PASETO v4.public.
//!
//! Verification is exact and the same everywhere: a signature verifies here if
//! and only if it passes the strict check of ed25519-dalek. That check decodes R
//! for every signature; here the same verdict comes from vetting the public key
//! once and comparing R, as bytes, with the few encodings it refuses.
//!
//! The rooms below are the fast path of a busy key: a table of multiples (`comb`), on
//! `field` and `inverse`, for the keys that `warmth` gives one. [`Ed25519Public::verify`]
//! is the same without it.

mod comb;
mod field;
mod inverse;
mod warmth;

use curve25519_dalek::Scalar;
use ed25519_dalek::ed25519::signature::{MultipartSigner as _, MultipartVerifier as _};
use sha2::{Digest as _, Sha512};
use zeroize::Zeroizing;

use super::aws::Ed25519Signer;
use super::{BadSignature, engine_failed};
use crate::key::error::{KeyError, KeyErrorKind};
use crate::key::material::PublicMaterial;
use crate::secret::SecretBytes;
use comb::{Comb, Point};
use warmth::Warmth;

pub(in crate::key) use warmth::apply;

/// Bytes of a signature: R, then s.
pub(crate) const SIGNATURE_BYTES: usize = 64;

/// Bytes of a seed and of an encoded point.
const KEY_BYTES: usize = 32;

/// The y coordinates, little-endian, of the eight points of small order: order 4
/// (y = 0), order 1 (y = 1), order 2 (y = -1), and twice order 8. The sign bit
/// tells the two points of one y apart.
const SMALL_ORDER_Y: [[u8; 32]; 5] = [
    [0; 32],
    [
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0,
    ],
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0x7f,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

/// A public key, decoded once.
pub(crate) struct Ed25519Public {
    key: ed25519_dalek::VerifyingKey,
    warmth: Warmth,
}

impl Ed25519Public {
    /// Decodes and vets a public key.
    ///
    /// Refused are encodings of no point, second encodings of a point
    /// (RFC 8032 section 5.1.3), points of small order (under which anyone
    /// forges), and points with a part of small order. The last are harmless to
    /// a verifier that multiplies without the cofactor, as this one does, and
    /// the strict check takes them; but no honest key is one, and two correct
    /// verifiers may disagree about their signatures.
    pub(crate) fn parse(bytes: &[u8; KEY_BYTES]) -> Result<Self, KeyError> {
        let key = Self::decode(bytes)?;
        if key.key.to_edwards().is_torsion_free() {
            return Ok(key);
        }
        Err(KeyError::explained(
            KeyErrorKind::WeakKey,
            "this Ed25519 public key has a part of small order, which no proper generator makes; ask its owner for a new key",
        ))
    }

    fn of(key: ed25519_dalek::VerifyingKey) -> Self {
        Self {
            key,
            warmth: Warmth::default(),
        }
    }

    /// What [`Self::parse`] does, short of the last check.
    fn decode(bytes: &[u8; KEY_BYTES]) -> Result<Self, KeyError> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| {
            KeyError::explained(
                KeyErrorKind::NotOnCurve,
                "these 32 bytes are not an Ed25519 public key; check that it was copied whole, and that it is not the private half",
            )
        })?;
        if key.to_edwards().compress().as_bytes() != bytes {
            return Err(KeyError::explained(
                KeyErrorKind::NotOnCurve,
                "this Ed25519 public key is written in a second way that RFC 8032 does not allow; ask its owner for a new key",
            ));
        }
        if key.is_weak() {
            return Err(KeyError::explained(
                KeyErrorKind::WeakKey,
                "this Ed25519 public key has a small order: anyone can forge signatures for it; ask its owner for a new key",
            ));
        }
        Ok(Self::of(key))
    }

    /// The bare strict check, for a key that import might refuse for its torsion.
    pub(crate) fn verify_strict(
        point: &[u8; KEY_BYTES],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), BadSignature> {
        let key = Self::decode(point).map_err(|_| BadSignature)?;
        key.verify(&[message], signature)
    }

    /// The encoded point, as material.
    pub(crate) fn material(&self) -> PublicMaterial {
        PublicMaterial::Ed25519(self.to_bytes())
    }

    /// The encoded point.
    pub(crate) fn to_bytes(&self) -> [u8; KEY_BYTES] {
        self.key.to_bytes()
    }

    /// Whether `signature` belongs to the pieces of `message`, read as one.
    ///
    /// Besides the equation R = sB - kA, compared as bytes so that R has one
    /// encoding, and s below the order, the strict check refuses an R of small
    /// order. For a vetted A, the right side lies in the prime-order group, so
    /// of these only the identity could ever match; all eight are refused, which
    /// costs a comparison and keeps the verdict independent of that argument.
    pub(crate) fn verify(&self, message: &[&[u8]], signature: &[u8]) -> Result<(), BadSignature> {
        let signature: &[u8; SIGNATURE_BYTES] = signature.try_into().map_err(|_| BadSignature)?;
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        if has_small_order(signature.r_bytes()) {
            return Err(BadSignature);
        }
        if let Some(table) = self.warmth.table() {
            return self.verify_with(table, message, &signature);
        }
        self.key
            .multipart_verify(message, &signature)
            .map_err(|_| BadSignature)?;
        self.warmth.count(|| self.key.to_edwards());
        Ok(())
    }

    /// The same equation with the table of this key: less than half the time.
    fn verify_with(
        &self,
        table: &Comb,
        message: &[&[u8]],
        signature: &ed25519_dalek::Signature,
    ) -> Result<(), BadSignature> {
        let point = self.combined(table, message, signature);
        let point = point.ok_or(BadSignature)?;
        match point.encode() {
            Some(r) if r == *signature.r_bytes() => Ok(()),
            Some(_) | None => Err(BadSignature),
        }
    }

    /// sB - kA, unless s is not below the order.
    fn combined(
        &self,
        table: &Comb,
        message: &[&[u8]],
        signature: &ed25519_dalek::Signature,
    ) -> Option<Point> {
        let s = Scalar::from_canonical_bytes(*signature.s_bytes()).into_option()?;
        table.combine(&s, &self.challenge(message, signature.r_bytes()))
    }

    /// The first half of [`verify`](Self::verify), for [`settle`] to finish together with
    /// others. `None` without a table, and for a signature that needs no point to be
    /// refused: both are for `verify`.
    pub(crate) fn recompute(&self, message: &[&[u8]], signature: &[u8]) -> Option<Recomputed> {
        let signature: &[u8; SIGNATURE_BYTES] = signature.try_into().ok()?;
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        if has_small_order(signature.r_bytes()) {
            return None;
        }
        Some(Recomputed {
            point: self.combined(self.warmth.table()?, message, &signature)?,
            r: *signature.r_bytes(),
        })
    }

    /// k = SHA-512(R, A, message) (RFC 8032 section 5.1.7).
    fn challenge(&self, message: &[&[u8]], r: &[u8; KEY_BYTES]) -> Scalar {
        let mut hash = Sha512::new_with_prefix(r);
        hash.update(self.key.as_bytes());
        for piece in message {
            hash.update(piece);
        }
        Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
    }

    /// Makes the key's table now, if there is room; whether it has one.
    pub(crate) fn warm(&self) -> bool {
        self.warmth.warm(&self.key.to_edwards())
    }
}

/// sB - kA of one signature, and the R that it must be.
pub(crate) struct Recomputed {
    point: Point,
    r: [u8; KEY_BYTES],
}

/// The verdict on each signature, by itself. What they share is the one slow step in
/// writing points as bytes.
pub(crate) fn settle(signatures: &[Recomputed]) -> Vec<bool> {
    let points: Vec<Point> = signatures.iter().map(|one| one.point).collect();
    let encoded = Point::encode_all(&points).unwrap_or_default();
    let pairs = signatures.iter().zip(&encoded);
    pairs.map(|(one, encoded)| one.r == *encoded).collect()
}

/// Whether a point's (canonical) encoding is one of the eight of small order.
fn has_small_order(encoded: &[u8; KEY_BYTES]) -> bool {
    let mut y = *encoded;
    if let Some(last) = y.last_mut() {
        *last &= 0x7f;
    }
    SMALL_ORDER_Y.contains(&y)
}

/// A private key. The seed and what is derived from it are wiped when dropped,
/// by each engine for itself.
pub(crate) struct Ed25519Private {
    key: ed25519_dalek::SigningKey,
    /// The faster signer, in a build that has it.
    faster: Option<Ed25519Signer>,
}

impl Ed25519Private {
    /// Takes a seed of 32 bytes, and refuses a public half that is not its own:
    /// signing under a foreign public half gives the private key away
    /// (RUSTSEC-2022-0093).
    pub(crate) fn parse(
        seed: &SecretBytes,
        public: Option<&[u8; KEY_BYTES]>,
    ) -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0_u8; KEY_BYTES]);
        if seed.len() != KEY_BYTES {
            return Err(KeyError::explained(
                KeyErrorKind::WrongLength,
                format!(
                    "an Ed25519 private key is a seed of 32 bytes, found {}; check that it was copied whole",
                    seed.len()
                ),
            ));
        }
        bytes.copy_from_slice(seed.expose());
        let key = ed25519_dalek::SigningKey::from_bytes(&bytes);
        if public.is_some_and(|public| key.verifying_key().as_bytes() != public) {
            return Err(KeyError::explained(
                KeyErrorKind::HalvesMismatch,
                "the public half given is not that of this Ed25519 private key; export both halves again from one source",
            ));
        }
        let faster = Ed25519Signer::prepare(&bytes, key.verifying_key().as_bytes());
        Ok(Self { key, faster })
    }

    /// The public half.
    pub(crate) fn public(&self) -> Ed25519Public {
        Ed25519Public::of(self.key.verifying_key())
    }

    /// The seed.
    pub(crate) fn seed(&self) -> SecretBytes {
        SecretBytes::from(self.key.to_bytes())
    }

    /// Appends the signature of the pieces of `message`, read as one. The same
    /// message gives the same signature (RFC 8032 section 5.1.6).
    pub(crate) fn sign(&self, message: &[&[u8]], out: &mut Vec<u8>) -> Result<(), KeyError> {
        if let Some(signature) = self.faster.as_ref().and_then(|faster| faster.sign(message)) {
            out.extend_from_slice(&signature);
            return Ok(());
        }
        let signature = self
            .key
            .try_multipart_sign(message)
            .map_err(|_| engine_failed("sign"))?;
        out.extend_from_slice(&signature.to_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::testing::hex;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        hex(text).try_into().expect("length")
    }

    /// RFC 8032 section 7.1, test 3.
    const SEED: &str = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7";
    const PUBLIC: &str = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025";
    const SIGNATURE: &str = "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a";

    fn private() -> Ed25519Private {
        Ed25519Private::parse(&SecretBytes::from(hex(SEED)), None).expect("seed")
    }

    #[test]
    fn rfc_8032_example_signs_and_verifies_in_pieces() {
        let mut signature = Vec::new();
        private()
            .sign(&[&[0xaf], &[], &[0x82]], &mut signature)
            .expect("sign");
        assert_eq!(signature, hex(SIGNATURE));
        let public = private().public();
        assert_eq!(public.to_bytes(), bytes(PUBLIC));
        assert_eq!(public.verify(&[&[0xaf, 0x82]], &signature), Ok(()));
        assert_eq!(
            public.verify(&[&[0xaf], &[0x83]], &signature),
            Err(BadSignature)
        );
    }

    #[test]
    fn both_signers_give_the_same_bytes() {
        let slower = Ed25519Private {
            faster: None,
            ..private()
        };
        for length in 0..300 {
            let message = vec![length as u8; length];
            let (head, tail) = message.split_at(length / 3);
            let (mut fast, mut slow) = (Vec::new(), Vec::new());
            private().sign(&[head, tail], &mut fast).expect("sign");
            slower.sign(&[&message], &mut slow).expect("sign");
            assert_eq!(fast, slow);
        }
    }

    #[test]
    fn signatures_have_64_bytes_and_every_bit_matters() {
        let signature = hex(SIGNATURE);
        let public = private().public();
        for length in [0, 1, 32, 63] {
            assert_eq!(
                public.verify(&[&[0xaf, 0x82]], &signature[..length]),
                Err(BadSignature)
            );
        }
        let mut longer = signature.clone();
        longer.push(0);
        assert_eq!(public.verify(&[&[0xaf, 0x82]], &longer), Err(BadSignature));
        for bit in 0..512 {
            let mut changed = signature.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(public.verify(&[&[0xaf, 0x82]], &changed), Err(BadSignature));
        }
    }

    #[track_caller]
    fn refused(public: &str, code: &str, message: &str) {
        let error = Ed25519Public::parse(&bytes(public)).err().expect("refusal");
        assert_eq!(error.code(), code);
        assert_eq!(error.to_string(), format!("{code}: {message}"));
    }

    #[test]
    fn public_keys_that_invite_forgery_are_refused() {
        // No point has y = 2.
        refused(
            "0200000000000000000000000000000000000000000000000000000000000000",
            "not_on_curve",
            "these 32 bytes are not an Ed25519 public key; check that it was copied whole, and that it is not the private half",
        );
        // y = 1 + p, the identity again.
        refused(
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "not_on_curve",
            "this Ed25519 public key is written in a second way that RFC 8032 does not allow; ask its owner for a new key",
        );
        // The identity with the sign of minus zero.
        refused(
            "0100000000000000000000000000000000000000000000000000000000000080",
            "not_on_curve",
            "this Ed25519 public key is written in a second way that RFC 8032 does not allow; ask its owner for a new key",
        );
        for y in SMALL_ORDER_Y {
            let text: String = y.iter().map(|byte| format!("{byte:02x}")).collect();
            refused(
                &text,
                "weak_key",
                "this Ed25519 public key has a small order: anyone can forge signatures for it; ask its owner for a new key",
            );
        }
        // The key of cases 3 and 5 of ed25519-speccheck.
        refused(
            "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
            "weak_key",
            "this Ed25519 public key has a part of small order, which no proper generator makes; ask its owner for a new key",
        );
    }

    #[test]
    fn seed_of_another_length_or_with_a_foreign_public_half_is_refused() {
        let short = SecretBytes::from(vec![7; 31]);
        let error = Ed25519Private::parse(&short, None).err().expect("refusal");
        assert_eq!(
            error.to_string(),
            "wrong_length: an Ed25519 private key is a seed of 32 bytes, found 31; check that it was copied whole"
        );
        let mut foreign: [u8; 32] = bytes(PUBLIC);
        foreign[0] ^= 1;
        let seed = SecretBytes::from(hex(SEED));
        let error = Ed25519Private::parse(&seed, Some(&foreign))
            .err()
            .expect("refusal");
        assert_eq!(
            error.to_string(),
            "halves_mismatch: the public half given is not that of this Ed25519 private key; export both halves again from one source"
        );
        assert!(Ed25519Private::parse(&seed, Some(&bytes(PUBLIC))).is_ok());
    }

    /// 749 public cases (CCTV, ed25519-speccheck, Wycheproof), whose verdict is
    /// that of the strict check. Below the import check ours must be the same in
    /// every case. The import check then refuses the mixed-order keys, which the
    /// strict check takes: 26 of the cases it accepts have such a key, and no other.
    #[test]
    fn verdict_is_that_of_the_strict_check_on_every_public_vector() {
        let Ok(folder) = std::env::var("TOKENWRIGHT_VECTORS") else {
            return;
        };
        let path = std::path::Path::new(&folder).join("ed25519_raw.jsonl");
        let text = std::fs::read_to_string(path).expect("vectors");
        let (mut cases, mut refused_at_import) = (0, 0);
        for line in text.lines() {
            let case: serde_json::Value = serde_json::from_str(line).expect("json");
            let field = |name: &str| hex(case[name].as_str().expect("hex"));
            let (message, signature) = (field("msg"), field("sig"));
            let key: [u8; 32] = field("pk").try_into().expect("32 bytes");
            let key = Ed25519Public::decode(&key);
            let accepts = |key: &Ed25519Public| key.verify(&[&message], &signature).is_ok();
            let accepted = key.as_ref().is_ok_and(accepts);
            let warm = key.as_ref().is_ok_and(|key| key.warm() && accepts(key));
            assert_eq!(
                (accepted, warm),
                (case["expect"] == "accept", accepted),
                "{}",
                case["id"]
            );
            assert_eq!(accepted, case["policy"]["dalek_strict"] == true);
            cases += 1;
            let bytes = field("pk").try_into().expect("32 bytes");
            if accepted && Ed25519Public::parse(&bytes).is_err() {
                refused_at_import += 1;
            }
        }
        assert_eq!((cases, refused_at_import), (749, 26));
    }
}
