//! The list in memory.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::fingerprint::{Domain, FingerprintKey, Fingerprints};
use super::scopes::{Found, Scopes};
use super::table::{Entry, Table};
use super::{Revocation, RevocationError, RevocationErrorKind, RevokedBy, TokenFacts};
use crate::limits::MAX_REVOCATIONS;
use crate::time::UnixTime;

/// Revocations held in memory: exact, looked up without allocating, never evicted.
///
/// Tokens and sessions, of which there may be millions, are held as fingerprints of
/// 64 bits under a random key of the list: about fifteen bytes an entry, and one
/// chance in 2^64 ÷ (entries) that another token is taken for one of them. Keys,
/// subjects, audiences and issuers are few and compared as text.
///
/// Adding an entry that is there already never shortens it: the later `until` and
/// the later `issued_before` hold. A clone shares what it can, and adding to it
/// takes microseconds, whatever the list holds: clone, change, and hand the clone
/// to [`LiveRevocations::replace`](super::LiveRevocations::replace).
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
#[derive(Clone)]
pub struct RevocationList {
    fingerprints: Arc<Fingerprints>,
    tokens: Table,
    sessions: Table,
    scopes: Arc<Scopes>,
    limit: usize,
}

impl Default for RevocationList {
    fn default() -> Self {
        Self::new()
    }
}

impl RevocationList {
    /// A list that withdraws nothing, under a random key, with room for
    /// [`MAX_REVOCATIONS`] entries.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(MAX_REVOCATIONS)
    }

    /// A list that refuses to hold more than so many entries.
    ///
    /// ```
    /// use tokenwright::{Revocation, RevocationList, UnixTime};
    /// let at = UnixTime::from_seconds;
    /// let entry = |id| Revocation::session("https://auth.example", id, at(0), at(900));
    /// let mut list = RevocationList::with_limit(1);
    /// list.add(&entry("login-1"))?;
    /// assert_eq!(list.add(&entry("login-2")).unwrap_err().code(), "list_full");
    /// list.add(&entry("login-1"))?; // It is there already.
    /// # Ok::<(), tokenwright::RevocationError>(())
    /// ```
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        // The standard library's source of random keys for tables: its first words
        // under a key from the operating system.
        let random = RandomState::new();
        let mut key = [0; 16];
        for (number, half) in (0_u8..).zip(key.as_chunks_mut::<8>().0) {
            *half = random.hash_one(number).to_le_bytes();
        }
        Self {
            limit,
            ..Self::with_key(key)
        }
    }

    /// An empty list whose fingerprints are under a key made of the list's id, so
    /// that every machine that keeps it makes the same ones. Whoever knows the id
    /// knows the key: it should be random and stay with those who hold the list.
    ///
    /// ```
    /// use tokenwright::RevocationList;
    /// let list = RevocationList::for_list("Zm9yIGEgbGlzdCBpZA");
    /// assert!(list.is_empty());
    /// ```
    #[must_use]
    pub fn for_list(id: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"tokenwright revocation fingerprints\n");
        hash.update(id.as_bytes());
        let mut key = [0; 16];
        for (byte, hashed) in key.iter_mut().zip(hash.finalize()) {
            *byte = hashed;
        }
        Self::with_key(key)
    }

    /// The same list with another limit.
    pub(crate) fn limited(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// An empty list under the key of another one.
    pub(crate) fn with_key(key: [u8; 16]) -> Self {
        Self {
            fingerprints: Arc::new(Fingerprints::new(FingerprintKey::new(key))),
            tokens: Table::default(),
            sessions: Table::default(),
            scopes: Arc::default(),
            limit: MAX_REVOCATIONS,
        }
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// [`RevocationErrorKind::ListFull`]; nothing is dropped to make room.
    pub fn add(&mut self, entry: &Revocation<'_>) -> Result<(), RevocationError> {
        match self.fingerprint_of(entry) {
            Some((domain, kept)) => {
                let known = || self.table(domain).contains(kept.fingerprint);
                self.check_room(known)?;
                self.prepare(entry.issuer());
                self.table_mut(domain).insert(kept);
            }
            None => {
                self.check_room(|| self.scopes.holds(entry))?;
                Arc::make_mut(&mut self.scopes).add(entry);
            }
        }
        Ok(())
    }

    /// Adds many entries at once: a million take well under a second.
    ///
    /// ```
    /// use tokenwright::{Revocation, RevocationList, UnixTime};
    /// let at = UnixTime::from_seconds;
    /// let mut list = RevocationList::new();
    /// let ids: Vec<String> = (0..1000).map(|number| format!("t-{number}")).collect();
    /// list.extend(ids.iter().map(|id| Revocation::token("https://auth.example", id, at(0), at(900))))?;
    /// assert_eq!(list.len(), 1000);
    /// # Ok::<(), tokenwright::RevocationError>(())
    /// ```
    ///
    /// # Errors
    /// [`RevocationErrorKind::ListFull`]; none of them was added then.
    pub fn extend<'e>(
        &mut self,
        entries: impl IntoIterator<Item = Revocation<'e>>,
    ) -> Result<(), RevocationError> {
        let mut next = self.clone();
        let (mut tokens, mut sessions) = (Vec::new(), Vec::new());
        for entry in entries {
            let Some((domain, kept)) = next.fingerprint_of(&entry) else {
                Arc::make_mut(&mut next.scopes).add(&entry);
                continue;
            };
            next.prepare(entry.issuer());
            match domain {
                Domain::Token => tokens.push(kept),
                Domain::Session => sessions.push(kept),
            }
        }
        next.tokens.extend(tokens);
        next.sessions.extend(sessions);
        if next.len() > self.limit {
            return Err(RevocationErrorKind::ListFull { limit: self.limit }.into());
        }
        *self = next;
        Ok(())
    }

    /// Drops the entries whose time has passed, and says how many.
    pub fn prune(&mut self, now: UnixTime) -> usize {
        let before = self.len();
        // Before the epoch nothing has ended that the tables can tell from the epoch.
        if let Ok(seconds) = u64::try_from(now.seconds()) {
            let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
            self.tokens.prune(seconds);
            self.sessions.prune(seconds);
        }
        if self.scopes.has_ended(now) {
            Arc::make_mut(&mut self.scopes).prune(now);
        }
        before.saturating_sub(self.len())
    }

    /// How many entries it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        let tables = self.tokens.len().saturating_add(self.sessions.len());
        tables.saturating_add(self.scopes.len())
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many entries of one kind it holds.
    #[must_use]
    pub fn count(&self, by: RevokedBy) -> usize {
        match by {
            RevokedBy::Token => self.tokens.len(),
            RevokedBy::Session => self.sessions.len(),
            RevokedBy::Key
            | RevokedBy::Subject
            | RevokedBy::Audience
            | RevokedBy::Issuer
            | RevokedBy::Status
            | RevokedBy::Application => self.scopes.count(by),
        }
    }

    /// The fingerprints of tokens or of sessions.
    pub(crate) fn table(&self, domain: Domain) -> &Table {
        match domain {
            Domain::Token => &self.tokens,
            Domain::Session => &self.sessions,
        }
    }

    /// Keeps at hand what makes checks of this issuer's tokens a little faster.
    pub(crate) fn prepare(&mut self, issuer: &str) {
        if self.fingerprints.wants(issuer) {
            Arc::make_mut(&mut self.fingerprints).prepare(issuer);
        }
    }

    fn table_mut(&mut self, domain: Domain) -> &mut Table {
        match domain {
            Domain::Token => &mut self.tokens,
            Domain::Session => &mut self.sessions,
        }
    }

    fn check_room(&self, known: impl FnOnce() -> bool) -> Result<(), RevocationError> {
        if self.len() < self.limit || known() {
            return Ok(());
        }
        Err(RevocationErrorKind::ListFull { limit: self.limit }.into())
    }

    /// How an entry is held, if as a fingerprint.
    fn fingerprint_of(&self, entry: &Revocation<'_>) -> Option<(Domain, Entry)> {
        let domain = match entry.by() {
            RevokedBy::Token => Domain::Token,
            RevokedBy::Session => Domain::Session,
            RevokedBy::Subject
            | RevokedBy::Audience
            | RevokedBy::Issuer
            | RevokedBy::Key
            | RevokedBy::Status
            | RevokedBy::Application => return None,
        };
        let kept = Entry {
            fingerprint: self.fingerprints.of(domain, entry.issuer(), entry.name()),
            until: whole_seconds(entry.until()),
        };
        Some((domain, kept))
    }

    /// What withdraws this token. Entries without an instant weigh most; of those
    /// with one the latest instant counts, whichever scope it stands for.
    #[inline]
    pub(crate) fn find(&self, facts: &TokenFacts<'_>) -> Option<Found> {
        let of_tables = [
            (Domain::Token, RevokedBy::Token),
            (Domain::Session, RevokedBy::Session),
        ];
        for (domain, by) in of_tables {
            if self.holds(domain, facts) {
                return Some(Found {
                    by,
                    since: None,
                    issued_before: None,
                });
            }
        }
        if self.scopes.len() == 0 {
            return None;
        }
        self.scopes.find(facts)
    }

    #[inline]
    fn holds(&self, domain: Domain, facts: &TokenFacts<'_>) -> bool {
        let table = self.table(domain);
        if table.len() == 0 {
            return false;
        }
        let id = match domain {
            Domain::Token => facts.token_id(),
            Domain::Session => facts.session_id(),
        };
        id.is_some_and(|id| {
            let fingerprint = self.fingerprints.of(domain, &facts.issuer(), &id);
            table.contains(fingerprint)
        })
    }
}

/// What lists that travel are made of and made from.
impl RevocationList {
    /// The key of its fingerprints, which whoever receives them needs as well.
    pub(crate) fn key(&self) -> &[u8; 16] {
        self.fingerprints.key().bytes()
    }

    /// The entries that are kept as text, in no order.
    pub(crate) fn scoped(&self) -> impl Iterator<Item = Revocation<'_>> {
        self.scopes.iter()
    }

    /// Adds entries as another list under the same key holds them.
    ///
    /// # Errors
    /// [`RevocationErrorKind::ListFull`]; none of them was added then.
    pub(crate) fn extend_fingerprints(
        &mut self,
        domain: Domain,
        entries: Vec<Entry>,
    ) -> Result<(), RevocationError> {
        let mut next = self.clone();
        next.table_mut(domain).extend(entries);
        if next.len() > self.limit {
            return Err(RevocationErrorKind::ListFull { limit: self.limit }.into());
        }
        *self = next;
        Ok(())
    }
}

/// The first whole second at which an instant is past: an entry is rather kept a
/// little longer than dropped too soon. The year 2106 and later is for ever.
fn whole_seconds(until: UnixTime) -> u32 {
    let started = i64::from(until > UnixTime::from_seconds(until.seconds()));
    let seconds = until.seconds().saturating_add(started).max(0);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

impl fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RevocationList({} entries)", self.len())
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

    #[test]
    fn ends_beyond_what_the_table_counts_are_kept_too_long_rather_than_too_short() {
        assert_eq!(whole_seconds(UnixTime::new(100, 1)), 101);
        assert_eq!(whole_seconds(UnixTime::new(100, 0)), 100);
        assert_eq!(whole_seconds(UnixTime::from_seconds(-5)), 0);
        assert_eq!(whole_seconds(UnixTime::from_seconds(i64::MAX)), u32::MAX);
        assert_eq!(whole_seconds(UnixTime::new(u32::MAX.into(), 1)), u32::MAX);
    }

    #[test]
    fn two_lists_have_two_keys() {
        let (one, other) = (RevocationList::new(), RevocationList::new());
        assert!(one.key() != other.key());
    }

    #[test]
    fn a_list_that_many_entries_would_overfill_takes_none_of_them() {
        let at = UnixTime::from_seconds;
        let mut list = RevocationList::with_limit(3);
        let ids = ["a", "b", "c", "d"];
        let entries = |count| {
            let some = ids.iter().take(count);
            some.map(move |id| Revocation::token("i", *id, at(0), at(9)))
        };
        assert_eq!(list.extend(entries(4)).unwrap_err().code(), "list_full");
        assert!(list.is_empty());
        list.extend(entries(3)).expect("room for three");
        list.extend(entries(3)).expect("they are there already");
        assert!(list.add(&Revocation::key("i", "k", at(0), at(9))).is_err());
        assert_eq!(list.len(), 3);
    }
}
