//! The list in memory.

use std::collections::HashMap;
use std::fmt;

use super::{Revocation, RevocationError, RevokedBy, TokenFacts};
use crate::time::UnixTime;

/// Revocations held in memory: exact, looked up without allocating, never evicted.
///
/// Adding an entry that is there already never shortens it: the later `until` and
/// the later `issued_before` hold.
///
/// ```
/// use tokenwright::{Revocation, RevocationList, UnixTime};
/// let at = UnixTime::from_seconds;
/// let mut list = RevocationList::new();
/// list.add(&Revocation::token("https://auth.example", "t-1", at(0), at(900)))?;
/// assert_eq!(list.prune(at(899)), 0);
/// assert_eq!(list.prune(at(900)), 1);
/// assert!(list.is_empty());
/// # Ok::<(), tokenwright::RevocationError>(())
/// ```
#[derive(Clone, Default)]
pub struct RevocationList {
    issuers: HashMap<Box<str>, Entries>,
    count: usize,
}

#[derive(Clone, Default)]
struct Entries {
    exact: HashMap<(RevokedBy, Box<str>), Kept>,
}

#[derive(Clone, Copy)]
struct Kept {
    issued_before: Option<UnixTime>,
    since: UnixTime,
    until: UnixTime,
}

/// The entries that withdraw a token, as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) by: RevokedBy,
    pub(crate) since: Option<UnixTime>,
    pub(crate) issued_before: Option<UnixTime>,
}

impl RevocationList {
    /// A list that withdraws nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// [`RevocationErrorKind::ListFull`](super::RevocationErrorKind::ListFull); nothing
    /// is dropped to make room.
    pub fn add(&mut self, entry: &Revocation<'_>) -> Result<(), RevocationError> {
        let entries = self.issuers.entry(entry.issuer().into()).or_default();
        let kept = Kept {
            issued_before: entry.issued_before(),
            since: entry.since(),
            until: entry.until(),
        };
        match entries.exact.get_mut(&(entry.by(), entry.name().into())) {
            Some(known) => {
                known.until = known.until.max(kept.until);
                known.issued_before = known.issued_before.max(kept.issued_before);
            }
            None => {
                entries
                    .exact
                    .insert((entry.by(), entry.name().into()), kept);
                self.count = self.count.saturating_add(1);
            }
        }
        Ok(())
    }

    /// Drops the entries whose time has passed, and says how many.
    pub fn prune(&mut self, now: UnixTime) -> usize {
        let before = self.count;
        for entries in self.issuers.values_mut() {
            entries.exact.retain(|_, kept| kept.until > now);
        }
        self.issuers.retain(|_, entries| !entries.exact.is_empty());
        self.count = self
            .issuers
            .values()
            .map(|entries| entries.exact.len())
            .sum();
        before.saturating_sub(self.count)
    }

    /// How many entries it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What withdraws this token. Entries without an instant weigh most; of those
    /// with one the latest instant counts, whichever scope it stands for.
    pub(crate) fn find(&self, facts: &TokenFacts<'_>) -> Option<Found> {
        let entries = self.issuers.get(&*facts.issuer())?;
        let look = |by: RevokedBy, name: &str| entries.exact.get(&(by, Box::from(name)));
        let always = [
            (RevokedBy::Token, facts.token_id()),
            (RevokedBy::Session, facts.session_id()),
            (RevokedBy::Key, Some(facts.key_id().into())),
        ];
        for (by, name) in always {
            if let Some(kept) = name.and_then(|name| look(by, &name)) {
                return Some(Found {
                    by,
                    since: Some(kept.since),
                    issued_before: None,
                });
            }
        }
        let mut latest: Option<Found> = None;
        let mut consider = |by: RevokedBy, kept: &Kept| {
            if latest.is_none_or(|found| found.issued_before < kept.issued_before) {
                latest = Some(Found {
                    by,
                    since: Some(kept.since),
                    issued_before: kept.issued_before,
                });
            }
        };
        if let Some(kept) = look(RevokedBy::Issuer, "") {
            consider(RevokedBy::Issuer, kept);
        }
        if let Some(kept) = facts
            .subject()
            .and_then(|subject| look(RevokedBy::Subject, &subject))
        {
            consider(RevokedBy::Subject, kept);
        }
        for ((by, name), kept) in &entries.exact {
            if *by == RevokedBy::Audience && facts.is_for(name) {
                consider(*by, kept);
            }
        }
        // A token that does not say when it was issued cannot show that it is newer.
        latest.filter(|found| match (facts.issued_at(), found.issued_before) {
            (Some(issued_at), Some(before)) => issued_at < before,
            (None, _) | (_, None) => true,
        })
    }
}

impl fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RevocationList({} entries)", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_never_shortened_and_pruned_only_when_its_time_has_passed() {
        let at = UnixTime::from_seconds;
        let mut list = RevocationList::new();
        for until in [100, 50] {
            list.add(&Revocation::token("i", "a", at(0), at(until)))
                .expect("room for it");
        }
        assert_eq!(list.prune(at(99)), 0);
        assert_eq!(list.len(), 1);
        assert_eq!(list.prune(at(100)), 1);
        assert!(list.is_empty());
    }
}
