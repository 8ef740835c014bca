//! IETF Token Status Lists (draft-ietf-oauth-status-list-20): one small number a
//! token, for very many tokens, in a signed and compressed list that anyone may fetch.
//!
//! An issuer gives each token an index of its own
//! ([`Claims::with_status`](crate::Claims::with_status)), keeps a [`StatusList`], and
//! publishes it as a [`StatusListToken`]. A verifier holds such lists in
//! [`StatusLists`] and consults them as its source of revocations. In the room of
//! bits, VALID is clear and every other status is revoked.
//!
//! Fetching is the caller's: ask the `uri` of the claim with
//! `Accept: application/statuslist+jwt`, bound the body, and hand the text to
//! [`StatusLists::accept`]; do so again after [`StatusListToken::refresh_at`]. Which
//! URIs may be asked at all is the operator's choice and never the token's.
//!
//! For wallets and identity servers that speak this format. Among our own services
//! a [`RevocationList`](crate::RevocationList) tells less to strangers and costs
//! nothing for tokens that are not revoked.
//!
//! ```
//! use std::time::Duration;
//! use tokenwright::key::{Algorithm, SigningKey};
//! use tokenwright::status_list::{
//!     Status, StatusBits, StatusList, StatusListReader, StatusListToken, StatusLists, Unlisted,
//! };
//! use tokenwright::{
//!     Claims, Freshness, KeySet, Minter, Policy, Presented, StatusClaim, UnixTime, Verifier,
//!     WhenUnknown,
//! };
//!
//! let uri = "https://auth.example/statuslists/1";
//! let now = UnixTime::from_seconds(1_760_000_000);
//! let key = SigningKey::generate(Algorithm::EdDsa)?;
//! let keys = KeySet::of([key.verifying_key()])?;
//!
//! // The issuer: a token with an index, and a list in which that index is revoked.
//! let mut list = StatusList::new(StatusBits::One, 1_000)?;
//! list.set(412, Status::INVALID)?;
//! let expires = now.saturating_add(Duration::from_secs(3_600));
//! let published = StatusListToken::new(uri, list, now, Some(expires)).sign(&key)?;
//! let minter = Minter::builder(key, "https://auth.example").audience("shop").build()?;
//! let options = tokenwright::MintOptions::new().at(now);
//! let claims = |index| Claims::for_subject("alice").with_status(StatusClaim::new(index, uri));
//! let good = minter.mint_with(&claims(411), options)?;
//! let revoked = minter.mint_with(&claims(412), options)?;
//!
//! // The verifier: lists it has fetched, and what not knowing means.
//! let leeway = Duration::from_secs(30);
//! let lists = StatusLists::new(Unlisted::Refuse, leeway);
//! let reader = StatusListReader::new(keys.clone(), leeway);
//! lists.accept(&reader, uri, &published, now)?;
//! let verifier = Verifier::builder(keys)
//!     .policy(Policy::new("https://auth.example", "shop"))
//!     .revocation(lists, Freshness::new(Duration::from_secs(900), WhenUnknown::Refuse))
//!     .build();
//! assert!(verifier.verify(Presented::new(&good).at(now)).is_ok());
//! let refusal = verifier.verify(Presented::new(&revoked).at(now)).unwrap_err();
//! assert_eq!(refusal.code(), "revoked");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod json;
mod list;
mod lists;
mod read;
#[cfg(test)]
mod tests;
mod token;
mod zlib;

pub use error::{StatusListError, StatusListErrorKind};
pub use list::{Status, StatusBits, StatusList};
pub use lists::{StatusLists, Unlisted};
pub use read::StatusListReader;
pub use token::StatusListToken;

/// The type of a status list token (draft section 5.1).
const TOKEN_TYPE: &str = "statuslist+jwt";
