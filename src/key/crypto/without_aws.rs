//! Stands in for the engine of ES*, RS*, PS* and HS* in a build without it.
//!
//! `require_engine` refuses those algorithms before anything here is called, and
//! the key types have no values, so nothing here can be reached by mistake.

use super::{BadSignature, engine_failed};
use crate::key::algorithm::Algorithm;
use crate::key::entropy::Entropy;
use crate::key::error::KeyError;
use crate::key::material::{Curve, PublicMaterial, RsaSecret};
use crate::secret::SecretBytes;

/// Whether this build has the engine.
pub(crate) const PRESENT: bool = false;

fn absent<T>() -> Result<T, KeyError> {
    Err(engine_failed("be found in this build"))
}

/// A public point in a build that has none.
pub(crate) enum EcdsaPublic {}

impl EcdsaPublic {
    pub(crate) fn parse(_: Curve, _: &[u8], _: &[u8]) -> Result<Self, KeyError> {
        absent()
    }

    pub(crate) fn material(&self) -> PublicMaterial {
        match *self {}
    }

    pub(crate) fn signature_bytes(&self) -> usize {
        match *self {}
    }

    pub(crate) fn verify(&self, _: &[&[u8]], _: &[u8]) -> Result<(), BadSignature> {
        match *self {}
    }
}

/// A private scalar in a build that has none.
pub(crate) enum EcdsaPrivate {}

impl EcdsaPrivate {
    pub(crate) fn parse(
        _: Curve,
        _: &SecretBytes,
        _: Option<(&[u8], &[u8])>,
    ) -> Result<Self, KeyError> {
        absent()
    }

    pub(crate) fn curve(&self) -> Curve {
        match *self {}
    }

    pub(crate) fn secret(&self) -> &SecretBytes {
        match *self {}
    }

    pub(crate) fn coordinates(&self) -> (&[u8], &[u8]) {
        match *self {}
    }

    pub(crate) fn sign(&self, _: &[&[u8]], _: &mut Vec<u8>) -> Result<(), KeyError> {
        match *self {}
    }
}

/// No scalar is drawn.
pub(crate) fn generate_scalar(_: Curve, _: &dyn Entropy) -> Result<SecretBytes, KeyError> {
    absent()
}

/// A modulus in a build that has none.
pub(crate) enum RsaPublic {}

impl RsaPublic {
    pub(crate) fn parse(_: Algorithm, _: &[u8], _: &[u8]) -> Result<Self, KeyError> {
        absent()
    }

    pub(crate) fn material(&self) -> PublicMaterial {
        match *self {}
    }

    pub(crate) fn signature_bytes(&self) -> usize {
        match *self {}
    }

    pub(crate) fn verify(&self, _: &[&[u8]], _: &[u8]) -> Result<(), BadSignature> {
        match *self {}
    }
}

/// Two primes in a build that has none.
pub(crate) enum RsaPrivate {}

impl RsaPrivate {
    pub(crate) fn parse(_: Algorithm, _: &RsaSecret) -> Result<Self, KeyError> {
        absent()
    }

    pub(crate) fn sign(&self, _: &[&[u8]], _: &mut Vec<u8>) -> Result<(), KeyError> {
        match *self {}
    }
}

/// No primes are drawn.
pub(crate) fn generate_rsa(_: usize) -> Result<RsaSecret, KeyError> {
    absent()
}

/// An HMAC secret in a build that has none.
pub(crate) enum HmacSecret {}

impl HmacSecret {
    pub(crate) fn parse(_: Algorithm, _: SecretBytes) -> Result<Self, KeyError> {
        absent()
    }

    pub(crate) fn secret(&self) -> &SecretBytes {
        match *self {}
    }

    pub(crate) fn signature_bytes(&self) -> usize {
        match *self {}
    }

    pub(crate) fn verify(&self, _: &[&[u8]], _: &[u8]) -> Result<(), BadSignature> {
        match *self {}
    }

    pub(crate) fn sign(&self, _: &[&[u8]], _: &mut Vec<u8>) -> Result<(), KeyError> {
        match *self {}
    }
}

/// A second signer for Ed25519, which this build does not have.
pub(crate) enum Ed25519Signer {}

impl Ed25519Signer {
    pub(crate) fn prepare(_: &[u8; 32], _: &[u8; 32]) -> Option<Self> {
        None
    }

    pub(crate) fn sign(&self, _: &[&[u8]]) -> Option<[u8; 64]> {
        match *self {}
    }
}
