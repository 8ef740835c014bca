//! Tokens withdrawn before they expire.

use std::collections::HashMap;
use std::time::Duration;

use crate::time::UnixTime;
use crate::token::ClaimsRef;

/// What a revocation source knows of one token. Never a bare `bool`: not knowing
/// is not the same as not revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Nothing withdraws the token, as of that instant.
    Clear {
        /// When the source's view was last known to be complete.
        as_of: UnixTime,
    },
    /// The token is withdrawn.
    Revoked {
        /// Which kind of entry withdraws it.
        by: &'static str,
    },
    /// The source cannot tell.
    Unknown {
        /// Why not, for the operator.
        reason: String,
    },
}

/// A source of revocations. Most users never call it: a [`Verifier`](crate::Verifier) does,
/// as the last step, with claims that have passed every other check.
///
/// It must answer from memory: no lock held long, no I/O.
pub trait RevocationCheck: Send + Sync {
    /// What is known of the token with these claims, at `now`.
    fn check(&self, claims: &ClaimsRef<'_>, now: UnixTime) -> Verdict;
}

impl<T: RevocationCheck + ?Sized> RevocationCheck for std::sync::Arc<T> {
    fn check(&self, claims: &ClaimsRef<'_>, now: UnixTime) -> Verdict {
        (**self).check(claims, now)
    }
}

/// What a token means whose revocation cannot be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenUnknown {
    /// It is refused: safe, and an outage of the source becomes an outage here.
    Refuse,
    /// It is accepted: an outage of the source revives what was withdrawn.
    Allow,
}

/// How old a revocation source's view may be, and what happens beyond that.
/// There is no default: both answers are the operator's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    pub(crate) max_age: Duration,
    pub(crate) when_unknown: WhenUnknown,
}

impl Freshness {
    /// A view may be at most `max_age` old; an older one is as good as none.
    #[must_use]
    pub const fn new(max_age: Duration, when_unknown: WhenUnknown) -> Self {
        Self {
            max_age,
            when_unknown,
        }
    }
}

/// A list of withdrawn tokens, by issuer and token id, held in memory.
///
/// Entries are keyed on claims of verified tokens, never on the token's text: a
/// second spelling of the same token is the same entry. The table is keyed with
/// a random secret, since a `jti` is text of the attacker's choice.
///
/// ```
/// use tokenwright::{RevokedTokens, UnixTime};
/// let mut revoked = RevokedTokens::new(UnixTime::from_seconds(1_760_000_000));
/// revoked.add("https://auth.example", "token-1", UnixTime::from_seconds(1_760_000_900));
/// assert_eq!(revoked.len(), 1);
/// ```
#[derive(Default)]
pub struct RevokedTokens {
    by_issuer: HashMap<Box<str>, HashMap<Box<str>, UnixTime>>,
    as_of: UnixTime,
    count: usize,
}

impl RevokedTokens {
    /// An empty list that is complete as of an instant.
    #[must_use]
    pub fn new(as_of: UnixTime) -> Self {
        Self {
            as_of,
            ..Self::default()
        }
    }

    /// Withdraws one token until `keep_until`, which must lie past its expiry and
    /// every verifier's leeway. An entry already there is never shortened.
    pub fn add(&mut self, issuer: &str, token_id: &str, keep_until: UnixTime) {
        let tokens = self.by_issuer.entry(issuer.into()).or_default();
        match tokens.get_mut(token_id) {
            Some(until) => *until = (*until).max(keep_until),
            None => {
                tokens.insert(token_id.into(), keep_until);
                self.count = self.count.saturating_add(1);
            }
        }
    }

    /// Says that the list is complete as of a later instant.
    pub fn refresh(&mut self, as_of: UnixTime) {
        self.as_of = self.as_of.max(as_of);
    }

    /// Drops entries whose time has passed.
    pub fn prune(&mut self, now: UnixTime) {
        for tokens in self.by_issuer.values_mut() {
            tokens.retain(|_, until| *until > now);
        }
        self.by_issuer.retain(|_, tokens| !tokens.is_empty());
        self.count = self.by_issuer.values().map(HashMap::len).sum();
    }

    /// How many tokens are listed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl std::fmt::Debug for RevokedTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RevokedTokens({} tokens)", self.count)
    }
}

impl RevocationCheck for RevokedTokens {
    fn check(&self, claims: &ClaimsRef<'_>, _now: UnixTime) -> Verdict {
        let Some(token_id) = claims.token_id() else {
            // Without an id the list cannot say whether it means this token.
            return Verdict::Unknown {
                reason: "the token has no jti".to_owned(),
            };
        };
        let issuer = claims.issuer().unwrap_or_default();
        let listed = self
            .by_issuer
            .get(&*issuer)
            .is_some_and(|tokens| tokens.contains_key(&*token_id));
        if listed {
            Verdict::Revoked { by: "token id" }
        } else {
            Verdict::Clear { as_of: self.as_of }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_never_shortened_and_pruned_only_when_its_time_has_passed() {
        let at = UnixTime::from_seconds;
        let mut list = RevokedTokens::new(at(0));
        list.add("i", "a", at(100));
        list.add("i", "a", at(50));
        list.prune(at(99));
        assert_eq!(list.len(), 1);
        list.prune(at(100));
        assert!(list.is_empty());
    }
}
