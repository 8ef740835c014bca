//! Stateless signed tokens: JWT and PASETO through one strict path.
//!
//! A [`Minter`] turns [`Claims`] into a token with a [`SigningKey`](key::SigningKey);
//! a [`Verifier`] turns a token into [`Verified`] claims with a [`KeySet`] and a
//! [`Policy`]. Both formats share the claims, the policy and the errors.
//!
//! ```
//! use tokenwright::key::{Algorithm, SigningKey};
//! use tokenwright::{Claims, KeySet, Minter, Policy, Verifier};
//!
//! let key = SigningKey::generate(Algorithm::EdDsa)?;
//! let keys = KeySet::of([key.verifying_key()])?;
//! let minter = Minter::builder(key, "https://auth.example").audience("orders-api").build()?;
//! let verifier = Verifier::builder(keys)
//!     .policy(Policy::new("https://auth.example", "orders-api"))
//!     .without_revocation()
//!     .build();
//!
//! let token = minter.mint(&Claims::for_subject("alice"))?;
//! assert_eq!(verifier.verify(&token)?.subject(), Some("alice"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
#![cfg_attr(
    all(
        any(doc, doctest),
        feature = "cli",
        feature = "session",
        feature = "axum"
    ),
    doc = "The [guide] has a page for each thing people come for."
)]
//!
//! # What cannot be done wrongly
//!
//! - Claims are read after proof: [`UntrustedToken`] has no method that gives them.
//! - [`Verified`] comes out of verification alone.
//! - No function takes a key and an algorithm; the key knows its own.
//! - A verifier cannot be built without a word on issuer, audience and revocation.
//! - What gives up a protection lives in [`mod dangerous`](dangerous) and is named so.
//!
//! # How a token is verified
//!
//! Parse, select, bind, open, decode, judge, revoke, confirm: each step takes what the one
//! before gave, and stops at the first that fails, except that all claims are
//! judged. Before the signature has been checked no error says anything about the
//! content; the sender is told [`VerifyError::public_message`] and nothing else.
//!
//! # Errors
//!
//! Each operation has one error type with a stable `code()` and an [`ErrorClass`]
//! that says who must act, with the HTTP status and the exit code that follow.
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

pub mod dangerous;
#[cfg(feature = "dpop")]
pub mod dpop;
mod encoding;
mod error;
// Its pages speak of every part, so it is there where every part is.
#[cfg(all(
    any(doc, doctest),
    feature = "cli",
    feature = "session",
    feature = "axum"
))]
pub mod guide;
#[cfg(any(feature = "tower", feature = "remote", feature = "serve"))]
pub mod http;
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
#[cfg(feature = "session")]
pub mod session;
#[cfg(feature = "rotation")]
pub mod store;
mod time;
mod token;
mod verify;

pub use encoding::base64url::Base64Error;
pub use error::{ErrorClass, is_plain};
pub use keyring::KeySet;
pub use mint::{
    DEFAULT_LIFETIME, MintError, MintErrorKind, MintOptions, Minter, MinterBuilder, TokenIds,
    sign_raw,
};
pub use revocation::signed as distribution;
#[cfg(feature = "status-list")]
pub use revocation::status_list;
pub use revocation::{
    Freshness, LiveRevocations, Retention, Revocation, RevocationCheck, RevocationError,
    RevocationErrorKind, RevocationList, RevocationView, RevokedBy, TokenFacts, Verdict,
    WhenUnknown,
};
pub use secret::SecretBytes;
pub use time::{Clock, ManualClock, SystemClock, TimeError, TimeErrorKind, UnixTime};
pub use token::{
    AudienceRef, ClaimName, Claims, ClaimsRef, KeyThumbprint, Malformation, Part, ProofError,
    ProofErrorKind, ProofOfPossession, Scratch, StatusClaim, StatusRef, UntrustedToken,
};
pub use verify::{
    CachingVerifier, DEFAULT_LEEWAY, MAX_LEEWAY, NeedsPolicy, NeedsRevocation, Policy, Presented,
    RawPayload, RawVerifier, Verified, Verifier, VerifierBuilder, Verifiers, VerifiersError,
    VerifiersErrorKind, VerifyError, VerifyErrorKind,
};

/// The examples of the README, compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
