//! HMAC (RFC 7518 section 3.2): HS256, HS384, HS512.

use aws_lc_rs::hmac::{self, HMAC_SHA256, HMAC_SHA384, HMAC_SHA512};
use subtle::ConstantTimeEq as _;

use super::super::BadSignature;
use crate::key::algorithm::Algorithm;
use crate::key::error::{KeyError, KeyErrorKind};
use crate::secret::SecretBytes;

/// A shared secret, with the hash states that begin every tag computed once.
pub(crate) struct HmacSecret {
    key: hmac::Key,
    secret: SecretBytes,
}

impl HmacSecret {
    /// Takes a vetted secret.
    pub(crate) fn parse(algorithm: Algorithm, secret: SecretBytes) -> Result<Self, KeyError> {
        let hash = match algorithm {
            Algorithm::Hs256 => HMAC_SHA256,
            Algorithm::Hs384 => HMAC_SHA384,
            Algorithm::Hs512 => HMAC_SHA512,
            Algorithm::EdDsa
            | Algorithm::Ed25519
            | Algorithm::Es256
            | Algorithm::Es384
            | Algorithm::Es512
            | Algorithm::Rs256
            | Algorithm::Rs384
            | Algorithm::Rs512
            | Algorithm::Ps256
            | Algorithm::Ps384
            | Algorithm::Ps512
            | Algorithm::V4Public
            | Algorithm::V4Local => {
                return Err(KeyError::explained(
                    KeyErrorKind::AlgorithmMismatch,
                    format!("{algorithm} is no HMAC; name HS256, HS384 or HS512"),
                ));
            }
        };
        let key = hmac::Key::new(hash, secret.expose());
        Ok(Self { key, secret })
    }

    /// The secret itself.
    pub(crate) fn secret(&self) -> &SecretBytes {
        &self.secret
    }

    /// Bytes of a tag: all of the hash, never fewer.
    pub(crate) fn signature_bytes(&self) -> usize {
        self.key.algorithm().tag_len()
    }

    /// Whether `tag` belongs to the pieces of `message`, read as one, in a time
    /// that does not depend on where the tags differ (CVE-2016-7036).
    pub(crate) fn verify(&self, message: &[&[u8]], tag: &[u8]) -> Result<(), BadSignature> {
        if self.tag(message).as_ref().ct_eq(tag).into() {
            Ok(())
        } else {
            Err(BadSignature)
        }
    }

    /// Appends the tag of the pieces of `message`, read as one.
    pub(crate) fn sign(&self, message: &[&[u8]], out: &mut Vec<u8>) -> Result<(), KeyError> {
        out.extend_from_slice(self.tag(message).as_ref());
        Ok(())
    }

    fn tag(&self, message: &[&[u8]]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        for piece in message {
            context.update(piece);
        }
        context.sign()
    }
}
