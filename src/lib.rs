//! Stateless signed tokens: JWT and PASETO, keys over time, a small revocation list.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects,
        clippy::print_stdout,
        clippy::print_stderr,
        clippy::wildcard_enum_match_arm,
        clippy::missing_errors_doc
    )
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod dangerous;
mod encoding;
mod error;
pub mod json {
    //! The strict JSON reader that every token, header and key passes.
    pub use crate::encoding::json::{JsonError, JsonErrorKind, check};
}
pub mod key;
pub mod keyring;
pub mod limits;
mod mint;
#[cfg(any(feature = "jsonwebtoken", feature = "paseto"))]
pub mod neighbours;
mod revocation;
mod secret;
pub mod store;
mod time;
mod token;
mod verify;

pub use encoding::base64url::Base64Error;
pub use error::ErrorClass;
pub use keyring::KeySet;
pub use mint::{
    DEFAULT_LIFETIME, MintError, MintErrorKind, MintOptions, Minter, MinterBuilder, TokenIds,
    sign_raw,
};
pub use revocation::{Freshness, RevocationCheck, RevokedTokens, Verdict, WhenUnknown};
pub use secret::SecretBytes;
pub use time::{Clock, ManualClock, SystemClock, TimeError, TimeErrorKind, UnixTime};
pub use token::{
    AudienceRef, ClaimName, Claims, ClaimsRef, Malformation, Part, Scratch, UntrustedToken,
};
pub use verify::{
    DEFAULT_LEEWAY, MAX_LEEWAY, NeedsPolicy, NeedsRevocation, Policy, Presented, RawPayload,
    RawVerifier, Verified, Verifier, VerifierBuilder, VerifyError, VerifyErrorKind,
};
