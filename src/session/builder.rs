//! Setting sessions up, one question after the other: none can be skipped.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::core::{Core, Purpose};
use super::setup::SessionSetupError;
use super::times::{Schedule, SessionTimes};
use crate::key::{Entropy, SystemEntropy};
use crate::keyring::{LiveKeys, LiveSigners};
use crate::limits::{DEFAULT_LEEWAY, MAX_LEEWAY};
use crate::mint::Minter;
use crate::revocation::{Freshness, Gate, RevocationCheck};
use crate::verify::{Policy, Verifier};

/// Who issues sessions and for whom, with which keys.
pub(super) struct Named {
    pub(super) signers: LiveSigners,
    pub(super) keys: LiveKeys,
    pub(super) issuer: String,
    pub(super) audience: String,
}

/// Sessions of which it must still be said when they end.
pub struct NeedsTimes {
    named: Named,
}

/// Sessions of which it must still be said how they are withdrawn: without that,
/// nobody could log out.
pub struct NeedsRevocation {
    named: Named,
    times: SessionTimes,
}

/// Sessions that can be set up.
pub struct SessionsBuilder {
    named: Named,
    times: SessionTimes,
    revocation: Option<(Arc<dyn RevocationCheck>, Freshness)>,
    renew_after: Option<Duration>,
    leeway: Duration,
    entropy: Arc<dyn Entropy>,
}

impl NeedsTimes {
    pub(super) fn new(named: Named) -> Self {
        Self { named }
    }

    /// When sessions end.
    #[must_use]
    pub fn times(self, times: SessionTimes) -> NeedsRevocation {
        NeedsRevocation {
            named: self.named,
            times,
        }
    }
}

impl NeedsRevocation {
    /// Asks this source about every session, and before one is issued.
    #[must_use]
    pub fn revocation(
        self,
        source: impl RevocationCheck + 'static,
        freshness: Freshness,
    ) -> SessionsBuilder {
        self.decided(Some((Arc::new(source), freshness)))
    }

    /// Lets every session live until it ends by itself: logging out only removes
    /// the cookie, and a copy of it stays good.
    #[must_use]
    pub fn without_revocation(self) -> SessionsBuilder {
        self.decided(None)
    }

    fn decided(self, revocation: Option<(Arc<dyn RevocationCheck>, Freshness)>) -> SessionsBuilder {
        SessionsBuilder {
            named: self.named,
            times: self.times,
            revocation,
            renew_after: None,
            leeway: DEFAULT_LEEWAY,
            entropy: Arc::new(SystemEntropy),
        }
    }
}

impl SessionsBuilder {
    /// How old a token must be before a request renews it; without it a fifth of
    /// the idle time. The longer the wait the fewer cookies are set, and the sooner
    /// an idle session may be over: after `idle` less this wait, at the earliest.
    #[must_use]
    pub fn renew_after(mut self, age: Duration) -> Self {
        self.renew_after = Some(age);
        self
    }

    /// How far clocks of servers may differ; without it [`DEFAULT_LEEWAY`], at least
    /// one second and at most [`MAX_LEEWAY`]. It forgives tokens from a server whose
    /// clock is ahead, and never lengthens a session.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway.clamp(Duration::from_secs(1), MAX_LEEWAY);
        self
    }

    /// Takes the randomness of session ids and fingerprints from here in place of the
    /// system's.
    #[must_use]
    pub fn entropy(mut self, entropy: impl Entropy + 'static) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    pub(super) fn core(self, purpose: Purpose) -> Result<Core, SessionSetupError> {
        let schedule = Schedule::new(self.times, self.renew_after)?;
        let Named {
            signers,
            keys,
            issuer,
            audience,
        } = self.named;
        let mut minter = Minter::builder(signers, issuer.clone())
            .audience(audience.clone())
            .lifetime(schedule.idle())
            .typ(purpose.token_type)
            .entropy(Arc::clone(&self.entropy));
        if let Some((source, freshness)) = &self.revocation {
            minter = minter.revocation(Arc::clone(source), *freshness);
        }
        let policy = Policy::new(issuer.clone(), audience)
            .leeway(self.leeway)
            .require("sub")
            .require("sid")
            .require("jti")
            .require("iat");
        let verifier = |policy: Policy| {
            Verifier::builder(keys.clone())
                .policy(policy)
                .without_revocation()
                .build()
        };
        Ok(Core {
            issuer,
            purpose,
            minter: minter.build()?,
            jwt: verifier(policy.clone().typ(purpose.token_type)),
            paseto: verifier(policy),
            gate: self
                .revocation
                .map(|(source, freshness)| Gate::new(source, freshness)),
            schedule,
            leeway: self.leeway,
            entropy: self.entropy,
        })
    }
}

macro_rules! opaque_debug {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("issuer", &self.named.issuer)
                    .finish_non_exhaustive()
            }
        }
    )*};
}

opaque_debug!(NeedsTimes, NeedsRevocation, SessionsBuilder);
