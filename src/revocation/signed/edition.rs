//! One state of a list, and where in its history that is.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use super::body::{Sections, write_entry};
use super::error::{DistributionError, DistributionErrorKind};
use super::mark::RevocationMark;
use crate::revocation::fingerprint::Domain;
use crate::revocation::table::{Entry, Table};
use crate::revocation::{Revocation, RevocationList, RevocationView, RevokedBy};
use crate::time::UnixTime;

/// One state of a revocation list, and where in its history that is: what a
/// [`RevocationPublisher`](super::RevocationPublisher) signs.
///
/// ```
/// use tokenwright::distribution::RevocationEdition;
/// use tokenwright::{Revocation, RevocationList, RevocationView, UnixTime};
/// let at = UnixTime::from_seconds;
/// let mut list = RevocationList::for_list("list-1");
/// list.add(&Revocation::token("https://auth.example", "t-1", at(0), at(900)))?;
/// let edition = RevocationEdition::new("list-1", 1, 1, RevocationView::new(list, at(10)))?;
/// // A moment later nothing was added:
/// let later = edition.renewed(at(20));
/// assert_eq!(later.mark(), edition.mark());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RevocationEdition {
    mark: RevocationMark,
    view: RevocationView,
}

impl RevocationEdition {
    /// The view of a list: its id, its epoch (one more whenever it was restored from a
    /// copy) and its number (one more at least with each change, be it a pruning).
    ///
    /// Everyone who publishes the list must come to the same edition for the same
    /// numbers: keep it under one key ([`RevocationList::for_list`]) and change it only
    /// together with the number. Takes milliseconds for a million entries.
    ///
    /// # Errors
    /// As [`RevocationMark::new`]; [`DistributionErrorKind::EntryTooLong`].
    pub fn new(
        list: impl Into<String>,
        epoch: u64,
        seq: u64,
        view: RevocationView,
    ) -> Result<Self, DistributionError> {
        let digest = digest(view.list())?;
        Ok(Self {
            mark: RevocationMark::new(list, epoch, seq, digest)?,
            view,
        })
    }

    /// The same state, known to be complete as of a later instant.
    #[must_use]
    pub fn renewed(&self, as_of: UnixTime) -> Self {
        Self {
            mark: self.mark.clone(),
            view: RevocationView::new(self.view.list().clone(), as_of),
        }
    }

    /// Where in the history of the list it stands.
    #[must_use]
    pub const fn mark(&self) -> &RevocationMark {
        &self.mark
    }

    /// The list, and when it was known to be complete.
    #[must_use]
    pub const fn view(&self) -> &RevocationView {
        &self.view
    }

    /// What is new here, or kept longer or wider, since an earlier edition.
    pub(super) fn added_since(&self, earlier: &Self) -> Sections {
        let (here, before) = (self.view.list(), earlier.view.list());
        let [tokens, sessions] = [Domain::Token, Domain::Session]
            .map(|domain| added(here.table(domain), before.table(domain)));
        let name = |entry: &Revocation<'_>| -> (RevokedBy, String, String) {
            let [issuer, name] = [entry.issuer(), entry.name()].map(str::to_owned);
            (entry.by(), issuer, name)
        };
        let reach = |entry: &Revocation<'_>| (entry.issued_before(), entry.until());
        let known: HashMap<_, _> = before
            .scoped()
            .map(|entry| (name(&entry), reach(&entry)))
            .collect();
        let others = here
            .scoped()
            .filter(|entry| known.get(&name(entry)) != Some(&reach(entry)))
            .map(Revocation::into_owned);
        Sections {
            tokens,
            sessions,
            others: others.collect(),
        }
    }
}

/// The entries of a table that another one lacks or ends earlier.
fn added(here: &Table, before: &Table) -> Vec<Entry> {
    let mut before = before.iter().peekable();
    here.iter()
        .filter(|entry| {
            while before
                .next_if(|old| old.fingerprint < entry.fingerprint)
                .is_some()
            {}
            let known = before.next_if(|old| old.fingerprint == entry.fingerprint);
            known.is_none_or(|known| known.until < entry.until)
        })
        .collect()
}

/// A digest of everything that a list says, whatever the order it was added in.
/// When an entry was made is not part of it.
fn digest(list: &RevocationList) -> Result<[u8; 32], DistributionError> {
    let mut hash = Sha256::new();
    hash.update(b"tokenwright revocations\n");
    hash.update(list.key());
    let mut bytes = Vec::new();
    for domain in [Domain::Token, Domain::Session] {
        let table = list.table(domain);
        hash.update((table.len() as u64).to_be_bytes());
        for entry in table.iter() {
            bytes.extend_from_slice(&entry.fingerprint.to_be_bytes());
            bytes.extend_from_slice(&entry.until.to_be_bytes());
            if bytes.len() >= 4096 {
                hash.update(&bytes);
                bytes.clear();
            }
        }
        hash.update(&bytes);
        bytes.clear();
    }
    let mut others = Vec::new();
    for entry in list.scoped() {
        let timeless = Revocation::restored(
            entry.by(),
            entry.issuer(),
            entry.name(),
            entry.issued_before(),
            [UnixTime::from_seconds(0), entry.until()],
        );
        let mut bytes = Vec::new();
        write_entry(&timeless, &mut bytes)?;
        others.push(bytes);
    }
    others.sort_unstable();
    others.iter().for_each(|entry| hash.update(entry));
    Ok(hash.finalize().into())
}

/// A delta leads from one mark to another of the same history.
pub(super) fn check_order(
    from: &RevocationMark,
    mark: &RevocationMark,
) -> Result<(), DistributionError> {
    let same_epoch = (from.list(), from.epoch()) == (mark.list(), mark.epoch());
    let onward = from.seq() < mark.seq() || from == mark;
    if same_epoch && onward {
        return Ok(());
    }
    let reason = format!("a delta cannot lead from {from:?} to {mark:?}");
    Err(DistributionErrorKind::BadHead { reason }.into())
}
