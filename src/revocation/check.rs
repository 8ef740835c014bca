//! Asking a source about one token, and what the answer means.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::TokenFacts;
use crate::limits::{DEFAULT_LEEWAY, MAX_LEEWAY};
use crate::time::UnixTime;

/// What kind of entry withdraws a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RevokedBy {
    /// The token's own id (`jti`).
    Token,
    /// The login it belongs to (`sid`).
    Session,
    /// Its subject, for tokens issued before an instant.
    Subject,
    /// Its audience, for tokens issued before an instant.
    Audience,
    /// Its issuer, for tokens issued before an instant.
    Issuer,
    /// The key that signed it.
    Key,
    /// A status list that the token points to.
    Status,
    /// A source of the application's own.
    Application,
}

impl RevokedBy {
    /// The stable word for it, such as `session`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Session => "session",
            Self::Subject => "subject",
            Self::Audience => "audience",
            Self::Issuer => "issuer",
            Self::Key => "key",
            Self::Status => "status",
            Self::Application => "application",
        }
    }
}

impl fmt::Display for RevokedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token => "token id",
            Self::Session
            | Self::Subject
            | Self::Audience
            | Self::Issuer
            | Self::Key
            | Self::Status
            | Self::Application => self.as_str(),
        })
    }
}

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
        by: RevokedBy,
        /// When the entry was made, where the source remembers it.
        since: Option<UnixTime>,
        /// If only tokens issued before an instant are meant: that instant, the
        /// latest of all entries that apply. `None` withdraws whenever issued.
        issued_before: Option<UnixTime>,
    },
    /// The source knows tokens by a claim that this one lacks, so nobody could
    /// ever have withdrawn it: it is refused, whatever not knowing means.
    Unidentified {
        /// The claim's name.
        claim: &'static str,
    },
    /// The source cannot tell.
    Unknown {
        /// Why not, for the operator.
        reason: String,
    },
}

/// A source of revocations. Most users never call it: a [`Verifier`](crate::Verifier) does,
/// as the last step, with claims that have passed every other check; and a
/// [`Minter`](crate::Minter) before it signs.
///
/// It must answer from memory: no lock held long, no I/O.
pub trait RevocationCheck: Send + Sync {
    /// What is known of the token with these facts, at `now`.
    fn check(&self, facts: &TokenFacts<'_>, now: UnixTime) -> Verdict;
}

impl<T: RevocationCheck + ?Sized> RevocationCheck for Arc<T> {
    fn check(&self, facts: &TokenFacts<'_>, now: UnixTime) -> Verdict {
        (**self).check(facts, now)
    }
}

/// Both sources are asked. What either withdraws is withdrawn; what either could
/// never have withdrawn is unidentified; what either cannot tell is not known; all clear is as old as the older view.
impl<A: RevocationCheck, B: RevocationCheck> RevocationCheck for (A, B) {
    fn check(&self, facts: &TokenFacts<'_>, now: UnixTime) -> Verdict {
        match (self.0.check(facts, now), self.1.check(facts, now)) {
            (
                first @ Verdict::Revoked {
                    issued_before: of_first,
                    ..
                },
                second @ Verdict::Revoked {
                    issued_before: of_second,
                    ..
                },
            ) => match (of_first, of_second) {
                (None, _) => first,
                (Some(of_first), Some(of_second)) if of_first >= of_second => first,
                (Some(_), _) => second,
            },
            (revoked @ Verdict::Revoked { .. }, _) | (_, revoked @ Verdict::Revoked { .. }) => {
                revoked
            }
            (Verdict::Clear { as_of: first }, Verdict::Clear { as_of: second }) => Verdict::Clear {
                as_of: first.min(second),
            },
            // Nobody could have withdrawn it: that is sure, whatever the other cannot tell.
            (unnamed @ Verdict::Unidentified { .. }, _)
            | (_, unnamed @ Verdict::Unidentified { .. }) => unnamed,
            (Verdict::Clear { .. }, doubt) | (doubt, _) => doubt,
        }
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
    max_age: Duration,
    when_unknown: WhenUnknown,
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

    /// How old a view may be.
    #[must_use]
    pub const fn max_age(&self) -> Duration {
        self.max_age
    }
}

/// A source together with what its silence means: the question that verifiers
/// and minters ask.
#[derive(Clone)]
pub(crate) struct Gate {
    source: Arc<dyn RevocationCheck>,
    freshness: Freshness,
}

/// Why a token does not pass.
pub(crate) enum Stopped {
    Revoked {
        by: RevokedBy,
        since: Option<UnixTime>,
        issued_before: Option<UnixTime>,
    },
    Unidentified {
        claim: &'static str,
    },
    Unknown {
        reason: String,
    },
    FromTheFuture {
        as_of: UnixTime,
    },
    Stale {
        age: Duration,
        limit: Duration,
    },
}

impl Stopped {
    /// The instant from which on a token would not be withdrawn, if that is no
    /// further ahead than clocks differ: `iat` is then put there. Further ahead it
    /// is a ban.
    pub(crate) fn issued_later(&self, now: UnixTime) -> Option<UnixTime> {
        match self {
            Self::Revoked {
                issued_before: Some(before),
                ..
            } if *before <= now.saturating_add(DEFAULT_LEEWAY) => {
                let whole = UnixTime::from_seconds(before.seconds());
                Some(if whole < *before {
                    whole.saturating_add(Duration::from_secs(1))
                } else {
                    whole
                })
            }
            Self::Revoked { .. }
            | Self::Unidentified { .. }
            | Self::Unknown { .. }
            | Self::FromTheFuture { .. }
            | Self::Stale { .. } => None,
        }
    }
}

impl Gate {
    pub(crate) fn new(source: impl RevocationCheck + 'static, freshness: Freshness) -> Self {
        Self {
            source: Arc::new(source),
            freshness,
        }
    }

    /// Whether the token passes. What is known to be withdrawn is stopped however
    /// old the view; what is not known, as the freshness says.
    pub(crate) fn pass(&self, facts: &TokenFacts<'_>, now: UnixTime) -> Result<(), Stopped> {
        let doubt = match self.source.check(facts, now) {
            Verdict::Revoked {
                by,
                since,
                issued_before,
            } => {
                return Err(Stopped::Revoked {
                    by,
                    since,
                    issued_before,
                });
            }
            Verdict::Unidentified { claim } => return Err(Stopped::Unidentified { claim }),
            Verdict::Unknown { reason } => Stopped::Unknown { reason },
            Verdict::Clear { as_of } if as_of > now.saturating_add(MAX_LEEWAY) => {
                Stopped::FromTheFuture { as_of }
            }
            Verdict::Clear { as_of } => {
                let (age, limit) = (now.saturating_since(as_of), self.freshness.max_age);
                if age <= limit {
                    return Ok(());
                }
                Stopped::Stale { age, limit }
            }
        };
        match self.freshness.when_unknown {
            WhenUnknown::Refuse => Err(doubt),
            WhenUnknown::Allow => Ok(()),
        }
    }
}
