//! Tokens withdrawn before they expire.
//!
//! A stateless token is valid until it expires, unless a short list says
//! otherwise. The list holds only what is still alive, so it stays small.

mod check;
mod entry;
mod error;
mod facts;
mod fingerprint;
mod list;
mod live;
mod partition;
mod scopes;
mod sieve;
pub mod signed;
#[cfg(feature = "status-list")]
pub mod status_list;
mod table;
#[cfg(test)]
mod testing;

pub use check::{Freshness, RevocationCheck, RevokedBy, Verdict, WhenUnknown};
pub(crate) use check::{Gate, Stopped};
pub use entry::{Retention, Revocation};
pub use error::{RevocationError, RevocationErrorKind};
pub use facts::TokenFacts;
pub use list::RevocationList;
pub use live::{LiveRevocations, RevocationView};
