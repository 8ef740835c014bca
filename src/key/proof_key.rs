//! A key that arrives inside the very text it signed (RFC 9449 section 4.2): anybody
//! can make one, so it vouches for nothing but its own thumbprint.
//!
//! It never becomes a [`VerifyingKey`] that leaves this file. No key set, no verifier
//! and no reader of documents can be given one.

use super::algorithm::Algorithm;
use super::error::KeyError;
use super::import::ImportOptions;
use super::jwk::{members_of, read_public};
use super::material::PublicMaterial;
use super::thumbprint;
use super::verifying::VerifyingKey;
use crate::token::{KeyThumbprint, Malformation, OpenError, UntrustedToken};

/// The public key in the header of a proof. Nothing is vetted yet.
pub(crate) struct ProofKey {
    algorithm: Algorithm,
    material: PublicMaterial,
}

/// Why a proof was not opened.
#[derive(Debug)]
pub(crate) enum Unopened {
    Key(KeyError),
    Signature,
    Payload(Malformation),
}

impl ProofKey {
    /// Reads a JWK that must be public, and for this algorithm.
    pub(crate) fn read(jwk: &[u8], algorithm: Algorithm) -> Result<Self, KeyError> {
        let options = ImportOptions::new().algorithm(algorithm);
        let (algorithm, _, material) = read_public(&members_of(jwk)?, &options)?;
        Ok(Self {
            algorithm,
            material,
        })
    }

    /// The name by which tokens are bound to it (RFC 7638).
    pub(crate) fn thumbprint(&self) -> KeyThumbprint {
        KeyThumbprint::from_digest(thumbprint::digest(&self.material))
    }

    /// Vets the key, checks the signature, and hands out what was signed.
    pub(crate) fn open<'t>(self, proof: UntrustedToken<'t>) -> Result<&'t [u8], Unopened> {
        let key = VerifyingKey::from_material(self.algorithm, None, self.material)
            .map_err(Unopened::Key)?;
        if key.bind(&proof).is_err() {
            return Err(Unopened::Signature);
        }
        match key.open(proof, b"", None) {
            Ok(opened) => Ok(opened.payload),
            Err(OpenError::Signature) => Err(Unopened::Signature),
            Err(OpenError::Payload(malformation)) => Err(Unopened::Payload(malformation)),
        }
    }
}
