//! Keys of another issuer, fetched from where it publishes them and kept current.
//!
//! [`RemoteKeys`] gives [`LiveKeys`](crate::keyring::LiveKeys) for a
//! [`Verifier`](crate::Verifier). A thread of its own fetches; verifying never waits
//! for it and holds no lock.
//!
//! ```no_run
//! use tokenwright::http::remote::RemoteKeys;
//! use tokenwright::{Policy, Verifier};
//!
//! let remote = RemoteKeys::issuer("https://auth.example").load()?;
//! let _refreshes_until_dropped = remote.spawn()?;
//! let verifier = Verifier::builder(remote.keys())
//!     .policy(Policy::new("https://auth.example", "orders-api"))
//!     .without_revocation()
//!     .build();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # When it fetches
//!
//! - Ahead of the end of the set's lifetime, as the publisher's `Cache-Control`,
//!   `Expires` and `Age` give it, held between the cool-down and
//!   [`refresh_at_least_every`](RemoteKeysBuilder::refresh_at_least_every).
//! - When a token names a key that is not there: at once, but never sooner than the
//!   cool-down after the last attempt, whether that failed or not. The token itself is
//!   refused as `unknown_key`; nobody waits. However many unknown ids come, they cost
//!   one flag: none is remembered, so there is no negative cache to fill.
//! - When the publisher promises that its set is complete
//!   ([`JwkSet::complete_until`](crate::key::JwkSet::complete_until); `tokenwright jwks`
//!   and `tokenwright serve` do), an unknown id causes no fetch at all until then.
//! - After a failure, once a cool-down.
//!
//! One fetch is under way at most. The set that was read last stays in use through
//! outages, for [`keep_for`](RemoteKeysBuilder::keep_for); after that every token is
//! refused with `keys_unavailable` (503), because a key may have been withdrawn since.
//! A set that is read replaces the one before: a key that is gone from it is refused.
//!
//! # What it does not accept
//!
//! Addresses other than `https`, private and special networks, redirects, answers
//! that are not 200 or not JSON, long or slow ones, discovery documents of another
//! issuer: each a [`RemoteError`] in [`RemoteHealth`], with the old keys in use. What
//! can be allowed is allowed by name ([`Schemes`], [`Addresses`], [`Redirects`]).

mod address;
mod client;
mod error;
mod fetch;
mod health;
mod http_date;
mod keys;
mod lifetime;
mod reasons;
mod source;
mod thread;

pub use address::Addresses;
pub use client::{Authorities, HttpClient, HttpClientBuilder, Redirects};
pub use error::{RemoteError, RemoteErrorKind};
pub use fetch::{Fetch, FetchError, FetchErrorKind};
pub use health::{RemoteHealth, ReplacedKey};
pub use keys::{RemoteKeys, RemoteKeysBuilder, RemoteRefresh};
pub use source::Schemes;
pub use thread::RemoteKeysHandle;
