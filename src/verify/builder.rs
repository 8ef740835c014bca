//! Building a verifier, one question after the other: none can be skipped.

use std::sync::Arc;

use super::{Policy, Verifier};
use crate::keyring::LiveKeys;
use crate::limits::MAX_TOKEN_BYTES;
use crate::revocation::{Freshness, Gate, RevocationCheck};
use crate::time::{Clock, SystemClock};

/// A verifier that has keys and still needs a policy.
#[derive(Debug)]
pub struct NeedsPolicy {
    keys: LiveKeys,
}

/// A verifier that still needs a decision about revocation.
///
/// ```compile_fail
/// use tokenwright::{KeySet, Policy, Verifier};
/// let keys = KeySet::of([]).unwrap();
/// // Nothing was said about revocation, so there is no `build`.
/// Verifier::builder(keys).policy(Policy::new("iss", "aud")).build();
/// ```
#[derive(Debug)]
pub struct NeedsRevocation {
    keys: LiveKeys,
    policy: Policy,
}

/// A verifier that can be built.
#[derive(Debug)]
pub struct VerifierBuilder {
    verifier: Verifier,
}

impl Verifier {
    /// Begins a verifier for tokens of these keys: a [`KeySet`](crate::KeySet), or
    /// the [`LiveKeys`] of a keyring that turns.
    #[must_use]
    pub fn builder(keys: impl Into<LiveKeys>) -> NeedsPolicy {
        NeedsPolicy { keys: keys.into() }
    }
}

impl NeedsPolicy {
    /// What claims must say.
    #[must_use]
    pub fn policy(self, policy: Policy) -> NeedsRevocation {
        NeedsRevocation {
            keys: self.keys,
            policy,
        }
    }
}

impl NeedsRevocation {
    /// Asks this source about every token that passed all other checks; the
    /// freshness says how old its view may be and what not knowing means.
    #[must_use]
    pub fn revocation(
        self,
        source: impl RevocationCheck + 'static,
        freshness: Freshness,
    ) -> VerifierBuilder {
        self.decided(Some(Gate::new(source, freshness)))
    }

    /// Lets every token live until it expires.
    #[must_use]
    pub fn without_revocation(self) -> VerifierBuilder {
        self.decided(None)
    }

    fn decided(self, revocation: Option<Gate>) -> VerifierBuilder {
        VerifierBuilder {
            verifier: Verifier {
                keys: self.keys,
                policy: self.policy,
                revocation,
                clock: Arc::new(SystemClock),
                max_token_bytes: MAX_TOKEN_BYTES,
            },
        }
    }
}

impl VerifierBuilder {
    /// Takes the time from this clock in place of the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.verifier.clock = Arc::new(clock);
        self
    }

    /// Refuses tokens longer than this, in bytes, in place of [`MAX_TOKEN_BYTES`].
    #[must_use]
    pub fn max_token_bytes(mut self, limit: usize) -> Self {
        self.verifier.max_token_bytes = limit;
        self
    }

    /// The finished verifier.
    #[must_use]
    pub fn build(self) -> Verifier {
        self.verifier
    }
}
