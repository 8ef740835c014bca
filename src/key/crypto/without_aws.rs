//! Stands in for the engine of ES*, RS*, PS* and HS* in a build without it.
//!
//! `require_engine` refuses those algorithms before anything here is called, and
//! the key type has no values, so nothing here can be reached by mistake.

use super::{BadSignature, engine_failed};
use crate::key::algorithm::Algorithm;
use crate::key::entropy::Entropy;
use crate::key::error::KeyError;
use crate::key::material::{Curve, PublicMaterial, RsaSecret};
use crate::secret::SecretBytes;

/// Whether this build has the engine.
pub(crate) const PRESENT: bool = false;

/// A key of an engine that is not there: there is none.
pub(crate) enum NoKey {}

pub(crate) use NoKey as EcdsaPublic;
pub(crate) use NoKey as EcdsaPrivate;
pub(crate) use NoKey as RsaPublic;
pub(crate) use NoKey as RsaPrivate;
pub(crate) use NoKey as HmacSecret;

fn absent<T>() -> Result<T, KeyError> {
    Err(engine_failed("be found in this build"))
}

impl NoKey {
    pub(crate) fn ecdsa_public(_: Curve, _: &[u8], _: &[u8]) -> Result<Self, KeyError> {
        absent()
    }

    pub(crate) fn ecdsa_private(
        _: Curve,
        _: &SecretBytes,
        _: Option<(&[u8], &[u8])>,
    ) -> Result<Self, KeyError> {
        absent()
    }

    pub(crate) fn rsa_public(_: Algorithm, _: &[u8], _: &[u8]) -> Result<Self, KeyError> {
        absent()
    }

    pub(crate) fn rsa_private(_: Algorithm, _: &RsaSecret) -> Result<Self, KeyError> {
        absent()
    }

    pub(crate) fn hmac(_: Algorithm, _: SecretBytes) -> Result<Self, KeyError> {
        absent()
    }

    pub(crate) fn coordinates(&self) -> (&[u8], &[u8]) {
        match *self {}
    }

    pub(crate) fn curve(&self) -> Curve {
        match *self {}
    }

    pub(crate) fn secret(&self) -> &SecretBytes {
        match *self {}
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

    pub(crate) fn sign(&self, _: &[&[u8]], _: &mut Vec<u8>) -> Result<(), KeyError> {
        match *self {}
    }
}

/// No scalar is drawn.
pub(crate) fn generate_scalar(_: Curve, _: &dyn Entropy) -> Result<SecretBytes, KeyError> {
    absent()
}

/// No numbers are drawn.
pub(crate) fn generate_rsa(_: usize) -> Result<RsaSecret, KeyError> {
    absent()
}
