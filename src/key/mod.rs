//! Keys: each bound to one algorithm and one id.

mod algorithm;
mod error;
mod id;
mod material;

pub use algorithm::{Algorithm, Format};
pub use error::{KeyError, KeyErrorKind};
pub use id::KeyId;
