//! Handing keys over to the crates an application may already use, and taking theirs.
//!
//! Only types are converted: no feature of a neighbour is switched on, so an
//! application keeps the cryptographic provider it has chosen.

#[cfg(feature = "jsonwebtoken")]
pub mod jsonwebtoken;
#[cfg(feature = "paseto")]
pub mod pasetors;
