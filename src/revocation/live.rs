//! A list that changes while it is in use: snapshots behind an atomic pointer.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{RevocationCheck, RevocationList, TokenFacts, Verdict};
use crate::time::UnixTime;

/// One view of a revocation list, and when it was known to be complete.
#[derive(Clone, Debug)]
pub struct RevocationView {
    list: Arc<RevocationList>,
    as_of: UnixTime,
    known: Known,
}

/// Whether a list has ever been seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Seen,
    /// Nothing has, so that even whoever accepts a list of any age cannot know.
    Never,
}

impl RevocationView {
    /// A list that is complete as of an instant.
    #[must_use]
    pub fn new(list: impl Into<Arc<RevocationList>>, as_of: UnixTime) -> Self {
        Self {
            list: list.into(),
            as_of,
            known: Known::Seen,
        }
    }

    /// The view of those who have not seen a list yet.
    pub(crate) fn nothing_yet() -> Self {
        Self {
            known: Known::Never,
            ..Self::new(RevocationList::new(), UnixTime::from_seconds(0))
        }
    }

    /// The list.
    #[must_use]
    pub fn list(&self) -> &Arc<RevocationList> {
        &self.list
    }

    /// When it was known to be complete.
    #[must_use]
    pub fn as_of(&self) -> UnixTime {
        self.as_of
    }
}

/// A revocation list that verifiers and minters share and somebody keeps up to
/// date. Clones are the same list.
///
/// Tokens are known by their `jti`: one that has none, or an empty one, is
/// [`Verdict::Unidentified`] and refused, unless
/// [`with_unnamed_tokens`](Self::with_unnamed_tokens) says otherwise.
///
/// Asking takes no lock and allocates nothing.
#[derive(Clone)]
pub struct LiveRevocations {
    view: Arc<ArcSwap<RevocationView>>,
    unnamed: Unnamed,
}

/// What a token without an id is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unnamed {
    Refused,
    Judged,
}

impl LiveRevocations {
    /// Begins with this list, complete as of an instant.
    #[must_use]
    pub fn new(list: impl Into<Arc<RevocationList>>, as_of: UnixTime) -> Self {
        Self {
            view: Arc::new(ArcSwap::from_pointee(RevocationView::new(list, as_of))),
            unnamed: Unnamed::Refused,
        }
    }

    /// The same list, asked also about tokens without a `jti`: nobody can withdraw
    /// such a token alone, but its session, subject, audience, issuer and key count.
    #[must_use]
    pub fn with_unnamed_tokens(mut self) -> Self {
        self.unnamed = Unnamed::Judged;
        self
    }

    /// From now on everybody who shares this list sees this view.
    pub fn replace(&self, view: RevocationView) {
        self.view.store(Arc::new(view));
    }

    /// The view that is shared now.
    #[must_use]
    pub fn view(&self) -> Arc<RevocationView> {
        self.view.load_full()
    }
}

impl RevocationCheck for LiveRevocations {
    fn check(&self, facts: &TokenFacts<'_>, _now: UnixTime) -> Verdict {
        let named = facts.token_id().is_some_and(|id| !id.is_empty());
        if !named && self.unnamed == Unnamed::Refused {
            return Verdict::Unidentified { claim: "jti" };
        }
        let view = self.view.load();
        match view.list.find(facts) {
            Some(found) => Verdict::Revoked {
                by: found.by,
                since: found.since,
                issued_before: found.issued_before,
            },
            None if view.known == Known::Never => Verdict::Unknown {
                reason: "no revocation list has come yet".to_owned(),
            },
            None => Verdict::Clear { as_of: view.as_of },
        }
    }
}

impl fmt::Debug for LiveRevocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LiveRevocations")
            .field(&self.view.load())
            .finish()
    }
}
