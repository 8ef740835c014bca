//! The entries that are few and compared as text: keys, and everything issued
//! before an instant.

use std::collections::HashMap;

use super::{Revocation, RevokedBy, TokenFacts};
use crate::time::UnixTime;

/// The entries that withdraw a token, as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) by: RevokedBy,
    pub(crate) since: Option<UnixTime>,
    pub(crate) issued_before: Option<UnixTime>,
}

/// By issuer, then by kind and name.
#[derive(Clone, Default)]
pub(super) struct Scopes {
    issuers: HashMap<Box<str>, OfIssuer>,
    len: usize,
}

#[derive(Clone, Default)]
struct OfIssuer {
    keys: Named,
    subjects: Named,
    audiences: Named,
    /// The whole issuer, under no name.
    all: Named,
}

type Named = HashMap<Box<str>, Kept>;

#[derive(Clone, Copy)]
struct Kept {
    issued_before: Option<UnixTime>,
    since: UnixTime,
    until: UnixTime,
}

impl OfIssuer {
    fn kinds(&self) -> [(RevokedBy, &Named); 4] {
        [
            (RevokedBy::Key, &self.keys),
            (RevokedBy::Subject, &self.subjects),
            (RevokedBy::Audience, &self.audiences),
            (RevokedBy::Issuer, &self.all),
        ]
    }

    fn of_kind(&self, by: RevokedBy) -> Option<&Named> {
        let mut kinds = self.kinds().into_iter();
        kinds.find_map(|(kind, named)| (kind == by).then_some(named))
    }

    fn of_kind_mut(&mut self, by: RevokedBy) -> Option<&mut Named> {
        match by {
            RevokedBy::Key => Some(&mut self.keys),
            RevokedBy::Subject => Some(&mut self.subjects),
            RevokedBy::Audience => Some(&mut self.audiences),
            RevokedBy::Issuer => Some(&mut self.all),
            RevokedBy::Token | RevokedBy::Session | RevokedBy::Status | RevokedBy::Application => {
                None
            }
        }
    }
}

impl Scopes {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn count(&self, by: RevokedBy) -> usize {
        let named = self.issuers.values().filter_map(|one| one.of_kind(by));
        named.map(HashMap::len).sum()
    }

    pub(super) fn holds(&self, entry: &Revocation<'_>) -> bool {
        let issuer = self.issuers.get(entry.issuer());
        issuer
            .and_then(|issuer| issuer.of_kind(entry.by()))
            .is_some_and(|named| named.contains_key(entry.name()))
    }

    /// Adds an entry; one that is there keeps the later of both ends and instants.
    pub(super) fn add(&mut self, entry: &Revocation<'_>) {
        let issuer = self.issuers.entry(entry.issuer().into()).or_default();
        let Some(named) = issuer.of_kind_mut(entry.by()) else {
            return;
        };
        let kept = Kept {
            issued_before: entry.issued_before(),
            since: entry.since(),
            until: entry.until(),
        };
        match named.get_mut(entry.name()) {
            Some(known) => {
                known.until = known.until.max(kept.until);
                known.issued_before = known.issued_before.max(kept.issued_before);
            }
            None => {
                named.insert(entry.name().into(), kept);
                self.len = self.len.saturating_add(1);
            }
        }
    }

    pub(super) fn has_ended(&self, now: UnixTime) -> bool {
        let named = self.issuers.values().flat_map(OfIssuer::kinds);
        named
            .flat_map(|(_, named)| named.values())
            .any(|kept| kept.until <= now)
    }

    pub(super) fn prune(&mut self, now: UnixTime) {
        for issuer in self.issuers.values_mut() {
            let OfIssuer {
                keys,
                subjects,
                audiences,
                all,
            } = issuer;
            for named in [keys, subjects, audiences, all] {
                named.retain(|_, kept| kept.until > now);
            }
        }
        self.issuers
            .retain(|_, issuer| issuer.kinds().iter().any(|(_, named)| !named.is_empty()));
        let kinds = self.issuers.values().flat_map(OfIssuer::kinds);
        self.len = kinds.map(|(_, named)| named.len()).sum();
    }

    /// Every entry, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Revocation<'_>> {
        self.issuers.iter().flat_map(|(issuer, kinds)| {
            kinds.kinds().into_iter().flat_map(move |(by, named)| {
                named.iter().map(move |(name, kept)| {
                    Revocation::restored(
                        by,
                        &**issuer,
                        &**name,
                        kept.issued_before,
                        [kept.since, kept.until],
                    )
                })
            })
        })
    }

    /// What withdraws this token. A key weighs most; of entries with an instant the
    /// latest counts, whichever scope it stands for.
    pub(super) fn find(&self, facts: &TokenFacts<'_>) -> Option<Found> {
        let issuer = self.issuers.get(&*facts.issuer())?;
        if let Some(kept) = issuer.keys.get(facts.key_id()) {
            return Some(kept.found(RevokedBy::Key));
        }
        let whole = issuer.all.get("").map(|kept| kept.found(RevokedBy::Issuer));
        let of_subject = (!issuer.subjects.is_empty())
            .then(|| facts.subject())
            .flatten()
            .and_then(|subject| issuer.subjects.get(&*subject))
            .map(|kept| kept.found(RevokedBy::Subject));
        let of_audience = issuer
            .audiences
            .iter()
            .filter(|(audience, _)| facts.is_for(audience))
            .map(|(_, kept)| kept.found(RevokedBy::Audience));
        whole
            .into_iter()
            .chain(of_subject)
            .chain(of_audience)
            .reduce(|latest, found| {
                if found.issued_before > latest.issued_before {
                    found
                } else {
                    latest
                }
            })
            // A token that does not say when it was issued cannot show that it is newer.
            .filter(|found| match (facts.issued_at(), found.issued_before) {
                (Some(issued_at), Some(before)) => issued_at < before,
                (None, _) | (_, None) => true,
            })
    }
}

impl Kept {
    fn found(&self, by: RevokedBy) -> Found {
        Found {
            by,
            since: Some(self.since),
            issued_before: self.issued_before,
        }
    }
}
