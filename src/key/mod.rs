//! Keys: each bound to one algorithm and one id.
//!
//! A [`SigningKey`] makes signatures, a [`VerifyingKey`] checks them. Neither
//! ever takes an algorithm together with a message: the key already knows its
//! own (RFC 8725 section 3.1). However a key comes in, it is vetted once; what
//! is left to refuse later is a bad signature.

mod algorithm;
mod crypto;
#[cfg(feature = "pem")]
pub(crate) mod der;
mod document;
#[cfg(feature = "pem")]
mod encrypted;
mod entropy;
mod error;
mod id;
mod import;
mod jwk;
mod jwk_members;
mod jwk_set;
#[cfg(feature = "aws-lc")]
mod locked;
pub(crate) mod material;
mod open;
#[cfg(feature = "paseto")]
mod paserk;
#[cfg(feature = "pem")]
mod pem;
#[cfg(feature = "dpop")]
mod proof_key;
mod seal;
mod signing;
mod tables;
#[cfg(test)]
mod testing;
mod thumbprint;
mod verifying;
mod vetting;

pub use algorithm::{Algorithm, Format};
pub use document::{DocumentError, FindKey};
pub use entropy::{Entropy, SystemEntropy};
pub use error::{KeyError, KeyErrorKind};
pub use id::KeyId;
pub use import::ImportOptions;
pub use jwk_set::{JwkSet, JwkSetError, JwkSetErrorKind, SkippedMember};
#[cfg(feature = "paseto")]
pub use paserk::{Paserk, PaserkType};
pub use signing::SigningKey;
pub use tables::KeyTables;
pub use verifying::VerifyingKey;

pub(crate) use crypto::ed25519::{Ed25519Public, Recomputed, settle};
#[cfg(feature = "file-store")]
pub(crate) use crypto::envelope::{ContentKey, NONCE_BYTES, TAG_BYTES};
pub(crate) use document::Unbound;
#[allow(unused_imports, reason = "called by the features that read documents")]
pub(crate) use document::open_document;
#[cfg(feature = "dpop")]
pub(crate) use proof_key::{ProofKey, Unopened};
