//! Proof of possession (DPoP, RFC 9449): a stolen access token is good for nothing
//! without the key that it is bound to.
//!
//! The client makes a key, and with each request a proof: a small JWS over the method,
//! the address, the time and the digest of the token. Tokens say in `cnf` which key they
//! are bound to ([`Claims::with_bound_key`](crate::Claims::with_bound_key)).
//!
//! ```
//! use tokenwright::dpop::Proofs;
//! use tokenwright::{Presented, UnixTime, Verifier};
//! # use tokenwright::{KeySet, Policy};
//! # let verifier = Verifier::builder(KeySet::of([])?)
//! #     .policy(Policy::new("https://auth.example", "orders-api")).without_revocation().build();
//! # let (token, proof) = ("a.b.c", "a.b.c");
//! let now = UnixTime::from_seconds(1_760_000_000);
//! let proofs = Proofs::builder(100_000, now).build()?;
//! let proof = proofs.presented(proof, "GET", "https://api.example/orders");
//! let judged = verifier.verify(Presented::new(token).with_proof(&proof));
//! # assert!(judged.is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What holds
//!
//! - A bound token without a proof is refused by *every* verifier of this crate, also in
//!   builds without the feature `dpop`: it cannot be used as a bearer token. A proof
//!   beside a token that is bound to nothing is refused as well.
//! - The proof is judged after the token. Who has no good token learns nothing, makes
//!   nobody check a second signature, and takes no room in the memory of used proofs.
//! - The key in a proof names itself and nothing else: it never becomes a
//!   [`VerifyingKey`](crate::key::VerifyingKey).
//! - Each proof counts once. The memory is bounded; when it is full, or one key has its
//!   share of it, further proofs are refused (503) until old ones end. None is forgotten
//!   early, and one from before the memory began is refused as too old.
//!
//! # What does not
//!
//! - The memory is of one process. A proof that was read on its way can be used once at
//!   each other process within its short life; [`Nonces`] with a key for each process
//!   end that, since a nonce of one is none of another. The same holds for a process
//!   that starts again, for proofs of clients whose clocks are ahead.
//! - Whoever runs code in the client can have proofs made, also in advance, by as much
//!   as clocks may differ. [`Nonces`] bound that to their own life.
//! - One who can log in with many keys has a share for each. Bound how often a client may
//!   ask in front of this, as for any other limit of a server.
//! - Scripts of other origins read `DPoP-Nonce` and `WWW-Authenticate` only if the answer
//!   says so (`Access-Control-Expose-Headers`); that is for the layer that does CORS.
//! - The body, the query and other headers are not signed (section 11.7).

mod address;
#[cfg(feature = "tower")]
mod base;
mod judge;
mod memory;
mod nonce;
mod proofs;
mod setup;

pub use nonce::Nonces;
pub use proofs::{DEFAULT_MAX_AGE, MAX_PROOF_AGE, PresentedProof, Proofs, ProofsBuilder};
pub use setup::{ProofSetupError, ProofSetupErrorKind};

#[cfg(feature = "tower")]
pub(crate) use base::Base;
