//! Making signed lists.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::body::{Ends, Sections, write_body};
use super::edition::{RevocationEdition, check_order};
use super::error::{DistributionError, DistributionErrorKind};
use super::head::{Base, Head, head_seconds};
use super::mark::RevocationMark;
use crate::key::SigningKey;
use crate::revocation::fingerprint::Domain;
use crate::revocation::{Revocation, RevocationList};

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
/// use tokenwright::distribution::{
///     Applied, RevocationEdition, RevocationPublisher, RevocationReplica,
/// };
/// use tokenwright::{Revocation, RevocationList, RevocationView, UnixTime};
/// let now = UnixTime::from_seconds(1_760_000_000);
/// let until = UnixTime::from_seconds(1_760_000_900);
/// let issuer = "https://auth.example";
/// let key = SigningKey::generate(Algorithm::EdDsa)?;
///
/// let mut list = RevocationList::for_list("list-1");
/// list.add(&Revocation::session(issuer, "login-7", now, until))?;
/// let edition = RevocationEdition::new("list-1", 1, 1, RevocationView::new(list, now))?;
/// let publisher = RevocationPublisher::new(issuer, Duration::from_secs(600));
/// let snapshot = publisher.snapshot(&key, &edition)?;
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

    /// The whole list.
    ///
    /// It is dated back to when the view was known to be complete, so signing an
    /// old view again makes nothing look fresh.
    ///
    /// # Errors
    /// [`DistributionErrorKind::NotSigned`], [`DistributionErrorKind::EntryTooLong`].
    pub fn snapshot(
        &self,
        key: &SigningKey,
        edition: &RevocationEdition,
    ) -> Result<Vec<u8>, DistributionError> {
        let list = edition.view().list();
        let sections = sections_of(list);
        self.sign(key, edition, None, sections, Ends::Rounded(SNAPSHOT_ENDS))
    }

    /// What brings those who hold one edition of a list to a later one of its epoch.
    ///
    /// From an edition to itself, [`renewed`](RevocationEdition::renewed), it says that
    /// nothing was added: a few hundred bytes that keep a follower fresh.
    ///
    /// # Errors
    /// [`DistributionErrorKind::BadHead`] if it would not lead onward in one epoch of one
    /// list; [`DistributionErrorKind::Rekeyed`] if their fingerprints are under two keys;
    /// otherwise as [`snapshot`](Self::snapshot).
    pub fn delta(
        &self,
        key: &SigningKey,
        from: &RevocationEdition,
        edition: &RevocationEdition,
    ) -> Result<Vec<u8>, DistributionError> {
        if from.view().list().key() != edition.view().list().key() {
            return Err(DistributionErrorKind::Rekeyed.into());
        }
        let sections = edition.added_since(from);
        self.sign(key, edition, Some(from.mark()), sections, Ends::Exact)
    }

    /// A delta for those who hold the list as of a mark, for whoever kept the mark and
    /// knows what was added since, in any order, and not the edition itself.
    ///
    /// # Errors
    /// As [`delta`](Self::delta).
    pub fn delta_of<'e>(
        &self,
        key: &SigningKey,
        from: &RevocationMark,
        edition: &RevocationEdition,
        added: impl IntoIterator<Item = Revocation<'e>>,
    ) -> Result<Vec<u8>, DistributionError> {
        // A list of their own puts the entries in order and keeps the later of doubles.
        let mut delta = RevocationList::with_key(*edition.view().list().key());
        delta.extend(added).map_err(DistributionErrorKind::Full)?;
        self.sign(key, edition, Some(from), sections_of(&delta), Ends::Exact)
    }

    fn sign(
        &self,
        key: &SigningKey,
        edition: &RevocationEdition,
        from: Option<&RevocationMark>,
        sections: Sections,
        ends: Ends,
    ) -> Result<Vec<u8>, DistributionError> {
        if let Some(from) = from {
            check_order(from, edition.mark())?;
        }
        let issued_at = head_seconds(edition.view().as_of());
        let [tokens, sessions, others] = sections.counts();
        let until = sections.latest_end();
        let body = write_body(sections, ends)?;
        let head = Head {
            issuer: self.issuer.clone(),
            issued_at,
            expires_at: head_seconds(issued_at.saturating_add(self.valid_for)),
            mark: edition.mark().clone(),
            from: from.map(|from| Base {
                seq: from.seq(),
                digest: *from.digest(),
            }),
            key: *edition.view().list().key(),
            until,
            tokens,
            sessions,
            others,
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

/// Everything that a list holds.
fn sections_of(list: &RevocationList) -> Sections {
    let [tokens, sessions] =
        [Domain::Token, Domain::Session].map(|domain| list.table(domain).iter().collect());
    Sections {
        tokens,
        sessions,
        others: list.scoped().map(Revocation::into_owned).collect(),
    }
}
