//! The lists a verifier holds, and how it consults them.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::error::{StatusListError, StatusListErrorKind};
use super::list::Status;
use super::read::StatusListReader;
use super::token::StatusListToken;
use crate::limits::MAX_LEEWAY;
use crate::revocation::{RevocationCheck, RevokedBy, TokenFacts, Verdict};
use crate::time::UnixTime;
use crate::token::{ClaimsRef, STATUS, StatusRef};

/// What a token means that has no claim `status` naming a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlisted {
    /// It is refused: every token of this issuer has an index.
    Refuse,
    /// It is none of these lists' business, and clear as far as they go.
    Pass,
}

/// Status lists by URI: a source of revocations for a verifier. Clones share them.
///
/// A token whose status is VALID is clear, as of the list's `iat`; any other status
/// revokes it. Nothing is known of a token whose list is not held or has expired, or
/// whose index lies past the end: the verifier's [`Freshness`](crate::Freshness) says
/// what that means. A check takes no lock, allocates nothing for what is clear or
/// revoked, and fetches nothing. Beside a [`RevocationList`](crate::RevocationList) it
/// stands in a pair: `(revocations, lists)` is a source too.
///
/// A list is replaced by a later one of the same URI and never by an earlier one,
/// which would bring back what has been revoked since; of two that were issued in one
/// second neither brings back what the other revokes.
#[derive(Clone)]
pub struct StatusLists {
    held: Arc<ArcSwap<Held>>,
    unlisted: Unlisted,
    leeway: Duration,
}

/// Whether a list may take another's place: it is later or, of two that were issued in
/// the same second, makes nothing valid again.
fn may_follow(held: &StatusListToken, next: &StatusListToken) -> bool {
    match held.issued_at().cmp(&next.issued_at()) {
        Ordering::Less => true,
        Ordering::Greater => false,
        Ordering::Equal => held.list().not_valid().all(|(index, _)| {
            let status = next.list().get(index);
            status.is_some_and(|status: Status| !status.is_valid())
        }),
    }
}

type Held = HashMap<Box<str>, Arc<StatusListToken>>;

impl StatusLists {
    /// No lists yet. `leeway` is how long after its `exp` a list still counts, at most
    /// [`MAX_LEEWAY`].
    #[must_use]
    pub fn new(unlisted: Unlisted, leeway: Duration) -> Self {
        Self {
            held: Arc::default(),
            unlisted,
            leeway: leeway.min(MAX_LEEWAY),
        }
    }

    /// Reads the token that was fetched from `uri` and holds its list from now on.
    /// A reader for the keys of whoever issues this list does the reading.
    ///
    /// # Errors
    /// As [`StatusListReader::read`], and [`StatusListErrorKind::RolledBack`]. The list
    /// that was held before stays.
    pub fn accept(
        &self,
        reader: &StatusListReader,
        uri: &str,
        text: &str,
        now: UnixTime,
    ) -> Result<Arc<StatusListToken>, StatusListError> {
        let token = Arc::new(reader.read(uri, text, now)?);
        self.hold(Arc::clone(&token))?;
        Ok(token)
    }

    /// Holds a list that this program made itself or has read already.
    ///
    /// # Errors
    /// [`StatusListErrorKind::RolledBack`] when a later one of its URI is held, or one of
    /// the same second that revokes what this one does not.
    pub fn hold(&self, token: impl Into<Arc<StatusListToken>>) -> Result<(), StatusListError> {
        let token = token.into();
        let mut later = None;
        self.held.rcu(|held| {
            later = held
                .get(token.uri())
                .filter(|held| !may_follow(held, &token))
                .map(|held| held.issued_at());
            if later.is_some() {
                return Arc::clone(held);
            }
            let mut next = Held::clone(held);
            next.insert(token.uri().into(), Arc::clone(&token));
            Arc::new(next)
        });
        match later {
            None => Ok(()),
            Some(held) => Err(StatusListErrorKind::RolledBack {
                held,
                found: token.issued_at(),
            }
            .into()),
        }
    }

    /// The list held for a URI.
    #[must_use]
    pub fn get(&self, uri: &str) -> Option<Arc<StatusListToken>> {
        self.held.load().get(uri).cloned()
    }

    /// Lets a list go; nothing is known of its tokens from then on. An earlier one
    /// would be held again, so let go only of what is needed no more.
    pub fn forget(&self, uri: &str) {
        self.held.rcu(|held| {
            let mut next = Held::clone(held);
            next.remove(uri);
            next
        });
    }

    /// Every list that is held, in no order.
    #[must_use]
    pub fn tokens(&self) -> Vec<Arc<StatusListToken>> {
        self.held.load().values().cloned().collect()
    }

    fn judge(&self, status: StatusRef<'_>, now: UnixTime) -> Result<Verdict, &'static str> {
        let held = self.held.load();
        let token = match status.plain_uri() {
            Some(uri) => held.get(uri),
            // Written with escapes: compared one by one rather than copied.
            None => held.values().find(|token| status.uri_is(token.uri())),
        };
        let token = token.ok_or("its status list is not held: fetch it")?;
        let expired = |at: UnixTime| at.saturating_add(self.leeway) <= now;
        if token.expires_at().is_some_and(expired) {
            return Err("its status list has expired: fetch it again");
        }
        let found = token.list().get(status.index());
        let found = found.ok_or("its index lies past the end of its status list")?;
        Ok(if found.is_valid() {
            Verdict::Clear {
                as_of: token.issued_at(),
            }
        } else {
            Verdict::Revoked {
                by: RevokedBy::Status,
                since: None,
                issued_before: None,
            }
        })
    }
}

impl RevocationCheck for StatusLists {
    fn check(&self, facts: &TokenFacts<'_>, now: UnixTime) -> Verdict {
        match (facts.claims().and_then(ClaimsRef::status), self.unlisted) {
            (Some(status), _) => {
                self.judge(status, now)
                    .unwrap_or_else(|reason| Verdict::Unknown {
                        reason: reason.to_owned(),
                    })
            }
            (None, Unlisted::Refuse) => Verdict::Unidentified { claim: STATUS },
            (None, Unlisted::Pass) => Verdict::Clear { as_of: now },
        }
    }
}

impl fmt::Debug for StatusLists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StatusLists({} held)", self.held.load().len())
    }
}
