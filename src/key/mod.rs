//! Keys: each bound to one algorithm and one id.
//!
//! A [`SigningKey`] makes signatures, a [`VerifyingKey`] checks them. Neither
//! ever takes an algorithm together with a message: the key already knows its
//! own (RFC 8725 section 3.1). However a key comes in, it is vetted once; what
//! is left to refuse later is a bad signature.

mod algorithm;
mod crypto;
mod entropy;
mod error;
mod id;
mod material;
mod signing;
mod thumbprint;
mod verifying;
mod vetting;

pub use algorithm::{Algorithm, Format};
pub use entropy::{Entropy, SystemEntropy};
pub use error::{KeyError, KeyErrorKind};
pub use id::KeyId;
pub use signing::SigningKey;
pub use verifying::VerifyingKey;

pub(crate) use crypto::BadSignature;
