//! Making signed lists.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::body::{Ends, latest_end, write_body};
use super::error::{DistributionError, DistributionErrorKind};
use super::head::{Base, Head, head_seconds};
use super::mark::RevocationMark;
use crate::key::SigningKey;
use crate::revocation::fingerprint::Domain;
use crate::revocation::table::Entry;
use crate::revocation::{Revocation, RevocationList, RevocationView};

/// To how many ends a snapshot rounds those of its fingerprints up: four take two
/// bits an entry, which leaves it below six bytes at a million.
const SNAPSHOT_ENDS: usize = 4;

/// Signs revocation lists for other machines: snapshots, which hold all of a list,
/// and deltas, which hold what was added since.
///
/// The bytes are the same however they travel: as a file, over HTTP, in a shared
/// store. [`RevocationReplica`](super::RevocationReplica) reads them. Reasons stay
/// behind, since they decide nothing and may be private.
///
/// ```
/// use std::time::Duration;
/// use tokenwright::key::{Algorithm, SigningKey};
/// use tokenwright::distribution::{Applied, RevocationMark, RevocationPublisher, RevocationReplica};
/// use tokenwright::{Revocation, RevocationList, RevocationView, UnixTime};
/// let now = UnixTime::from_seconds(1_760_000_000);
/// let until = UnixTime::from_seconds(1_760_000_900);
/// let issuer = "https://auth.example";
/// let key = SigningKey::generate(Algorithm::EdDsa)?;
///
/// let mut list = RevocationList::for_list("list-1");
/// let mut mark = RevocationMark::start("list-1", 1)?;
/// let entry = Revocation::session(issuer, "login-7", now, until);
/// list.add(&entry)?;
/// mark.add(&entry)?;
/// let publisher = RevocationPublisher::new(issuer, Duration::from_secs(600));
/// let snapshot = publisher.snapshot(&key, &RevocationView::new(list, now), &mark)?;
///
/// let mut replica = RevocationReplica::of_list(issuer, "list-1");
/// let applied = replica.apply(snapshot.as_slice(), &key.verifying_key(), now)?;
/// assert_eq!(applied, Applied::Replaced { entries: 1 });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RevocationPublisher {
    issuer: String,
    valid_for: Duration,
}

impl RevocationPublisher {
    /// For the lists of one issuer. Each may be taken until `valid_for` after the
    /// view that it shows was complete: a few times as long as lists are published
    /// apart. How long a list serves once it is taken is for the verifiers'
    /// [`Freshness`](crate::Freshness) to say.
    #[must_use]
    pub fn new(issuer: impl Into<String>, valid_for: Duration) -> Self {
        Self {
            issuer: issuer.into(),
            valid_for,
        }
    }

    /// The whole list. `mark` says where in its history the view stands.
    ///
    /// It is dated back to when the view was known to be complete, so signing an
    /// old view again makes nothing look fresh.
    ///
    /// # Errors
    /// [`DistributionErrorKind::NotSigned`], [`DistributionErrorKind::EntryTooLong`].
    pub fn snapshot(
        &self,
        key: &SigningKey,
        view: &RevocationView,
        mark: &RevocationMark,
    ) -> Result<Vec<u8>, DistributionError> {
        let list = view.list();
        let fingerprints = [Domain::Token, Domain::Session]
            .map(|domain| list.table(domain).iter().collect::<Vec<Entry>>());
        let parts = Parts {
            fingerprints,
            others: list.scoped().collect(),
            ends: Ends::Rounded(SNAPSHOT_ENDS),
        };
        self.sign(key, view, mark, None, parts)
    }

    /// What brings those who hold the list as of `from` to where `view` and `mark`
    /// stand: the entries that were added in between, in any order.
    ///
    /// Without entries, and with `from` the same as `mark`, it says that nothing
    /// was added: a few hundred bytes that keep a follower fresh.
    ///
    /// # Errors
    /// [`DistributionErrorKind::BadHead`] if `from` is of another list or epoch, or
    /// later than `mark`; otherwise as [`snapshot`](Self::snapshot).
    pub fn delta<'e>(
        &self,
        key: &SigningKey,
        view: &RevocationView,
        from: &RevocationMark,
        mark: &RevocationMark,
        added: impl IntoIterator<Item = Revocation<'e>>,
    ) -> Result<Vec<u8>, DistributionError> {
        let same_history = (from.list(), from.epoch()) == (mark.list(), mark.epoch());
        if !same_history || from.seq() > mark.seq() {
            let reason = format!("a delta cannot lead from {from:?} to {mark:?}");
            return Err(DistributionErrorKind::BadHead { reason }.into());
        }
        // A list of their own puts the entries in order and keeps the later of doubles.
        let mut delta = RevocationList::with_key(*view.list().key());
        let taken = delta.extend(added);
        taken.map_err(DistributionErrorKind::Full)?;
        let fingerprints = [Domain::Token, Domain::Session]
            .map(|domain| delta.table(domain).iter().collect::<Vec<Entry>>());
        let parts = Parts {
            fingerprints,
            others: delta.scoped().collect(),
            ends: Ends::Exact,
        };
        let base = Base {
            seq: from.seq(),
            digest: *from.digest(),
        };
        self.sign(key, view, mark, Some(base), parts)
    }

    fn sign(
        &self,
        key: &SigningKey,
        view: &RevocationView,
        mark: &RevocationMark,
        base: Option<Base>,
        parts: Parts<'_>,
    ) -> Result<Vec<u8>, DistributionError> {
        let Parts {
            fingerprints: [tokens, sessions],
            others,
            ends,
        } = parts;
        let issued_at = head_seconds(view.as_of());
        let until = latest_end([&tokens, &sessions], &others);
        let [count_of_tokens, count_of_sessions, count_of_others] =
            [tokens.len(), sessions.len(), others.len()].map(|count| count as u64);
        let body = write_body([&tokens, &sessions], others, ends)?;
        let head = Head {
            issuer: self.issuer.clone(),
            issued_at,
            expires_at: head_seconds(issued_at.saturating_add(self.valid_for)),
            mark: mark.clone(),
            from: base,
            key: *view.list().key(),
            until,
            tokens: count_of_tokens,
            sessions: count_of_sessions,
            others: count_of_others,
            bytes: body.len() as u64,
            sha256: Sha256::digest(&body).into(),
        };
        let mut document = head.seal(key)?.into_bytes();
        document.reserve_exact(body.len().saturating_add(1));
        document.push(b'\n');
        document.extend_from_slice(&body);
        Ok(document)
    }
}

/// What goes into a body.
struct Parts<'e> {
    fingerprints: [Vec<Entry>; 2],
    others: Vec<Revocation<'e>>,
    ends: Ends,
}
