//! Strict readers of the two encodings that tokens are made of.
//!
//! Both accept exactly one spelling where a lenient reader would accept many,
//! because a second spelling of the same token is a second token to a cache, a
//! log or a revocation list.

pub(crate) mod base64url;
pub(crate) mod json;
pub(crate) mod write;
