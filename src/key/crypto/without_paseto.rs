//! Stands in for PASETO's engine in a build without it.
//!
//! `require_engine` refuses v4.public and v4.local before anything here is
//! called, and the key type has no values, so nothing here can be reached by mistake.

use super::{BadSignature, engine_failed};
use crate::key::error::KeyError;
use crate::secret::SecretBytes;

/// Whether this build has the engine.
pub(crate) const PRESENT: bool = false;

/// A v4.local key in a build that has none.
pub(crate) enum LocalSecret {}

impl LocalSecret {
    pub(crate) fn parse(_: SecretBytes) -> Result<Self, KeyError> {
        Err(engine_failed("be found in this build"))
    }

    pub(crate) fn secret(&self) -> &SecretBytes {
        match *self {}
    }

    pub(crate) fn seal(&self, _: &[u8], _: &[u8], _: &[u8]) -> Result<String, KeyError> {
        match *self {}
    }

    pub(crate) fn open(
        &self,
        _: &str,
        _: &[u8],
        _: &[u8],
        _: &mut Vec<u8>,
    ) -> Result<(), BadSignature> {
        match *self {}
    }
}

/// No PASERK id without the engine.
pub(crate) fn public_id(_: &[u8; 32]) -> Result<String, KeyError> {
    Err(engine_failed("be found in this build"))
}

/// No PASERK id without the engine.
pub(crate) fn local_id(_: &SecretBytes) -> Result<String, KeyError> {
    Err(engine_failed("be found in this build"))
}
