//! HMAC (RFC 7518 section 3.2): HS256, HS384, HS512.
//!
//! From the hash functions that ed25519-dalek brings, not from aws-lc: its context is
//! made anew for each tag, which takes as long again as half the hashing.

use hmac::{Hmac, KeyInit as _, Mac};
use sha2::{Sha256, Sha384, Sha512};
use subtle::{Choice, ConstantTimeEq as _};

use super::super::{BadSignature, engine_failed};
use crate::key::algorithm::Algorithm;
use crate::key::error::{KeyError, KeyErrorKind};
use crate::secret::SecretBytes;

/// A shared secret, with the hash states that begin every tag computed once.
pub(crate) struct HmacSecret {
    begun: Begun,
    secret: SecretBytes,
}

/// The states that begin a tag, wiped when dropped.
enum Begun {
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
    Sha512(Hmac<Sha512>),
}

/// A tag: the first bytes of these, as many as the hash has.
struct Tag {
    bytes: [u8; LONGEST],
    length: usize,
}

/// Bytes of the longest tag: SHA-512's.
const LONGEST: usize = 64;

impl HmacSecret {
    /// Takes a vetted secret.
    pub(crate) fn parse(algorithm: Algorithm, secret: SecretBytes) -> Result<Self, KeyError> {
        let key = secret.expose();
        let begun = match algorithm {
            Algorithm::Hs256 => Hmac::new_from_slice(key).map(Begun::Sha256),
            Algorithm::Hs384 => Hmac::new_from_slice(key).map(Begun::Sha384),
            Algorithm::Hs512 => Hmac::new_from_slice(key).map(Begun::Sha512),
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
        // HMAC takes keys of every length (RFC 2104 section 3).
        let begun = begun.map_err(|_| engine_failed("take a shared secret"))?;
        Ok(Self { begun, secret })
    }

    /// The secret itself.
    pub(crate) fn secret(&self) -> &SecretBytes {
        &self.secret
    }

    /// Bytes of a tag: all of the hash, never fewer.
    pub(crate) fn signature_bytes(&self) -> usize {
        match self.begun {
            Begun::Sha256(_) => 32,
            Begun::Sha384(_) => 48,
            Begun::Sha512(_) => 64,
        }
    }

    /// Whether `tag` belongs to the pieces of `message`, read as one, in a time
    /// that does not depend on where the tags differ (CVE-2016-7036).
    pub(crate) fn verify(&self, message: &[&[u8]], tag: &[u8]) -> Result<(), BadSignature> {
        if self.tag(message).is(tag) {
            Ok(())
        } else {
            Err(BadSignature)
        }
    }

    /// Appends the tag of the pieces of `message`, read as one.
    pub(crate) fn sign(&self, message: &[&[u8]], out: &mut Vec<u8>) -> Result<(), KeyError> {
        out.extend_from_slice(self.tag(message).as_slice());
        Ok(())
    }

    fn tag(&self, message: &[&[u8]]) -> Tag {
        match &self.begun {
            Begun::Sha256(begun) => Tag::of(begun, message),
            Begun::Sha384(begun) => Tag::of(begun, message),
            Begun::Sha512(begun) => Tag::of(begun, message),
        }
    }
}

impl Tag {
    fn of<M: Mac + Clone>(begun: &M, message: &[&[u8]]) -> Self {
        let mut mac = begun.clone();
        for piece in message {
            mac.update(piece);
        }
        let tag = mac.finalize().into_bytes();
        let mut bytes = [0; LONGEST];
        for (to, from) in bytes.iter_mut().zip(&tag) {
            *to = *from;
        }
        Self {
            bytes,
            length: tag.len(),
        }
    }

    fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Compares eight bytes at a time, all of them whatever the first ones say.
    fn is(&self, other: &[u8]) -> bool {
        let ours = self.as_slice();
        let (our_words, our_rest) = ours.as_chunks::<8>();
        let (other_words, other_rest) = other.as_chunks::<8>();
        if ours.len() != other.len() || our_rest.len() != other_rest.len() {
            return false;
        }
        let words = our_words.iter().zip(other_words);
        let equal = words.fold(our_rest.ct_eq(other_rest), |equal: Choice, (a, b)| {
            equal & u64::from_le_bytes(*a).ct_eq(&u64::from_le_bytes(*b))
        });
        equal.into()
    }
}
