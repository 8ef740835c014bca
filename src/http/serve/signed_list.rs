//! The revocation list, signed for other machines: made when it changes and now and
//! then, served as bytes that are there already.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;

use super::published::Document;
use crate::keyring::LiveSigners;
use crate::revocation::signed::{DistributionError, RevocationEdition, RevocationPublisher};
use crate::store::RevocationFollower;
use crate::time::UnixTime;

/// From how many states of the list, beside the present one, a delta leads here. A
/// follower that is further behind takes the whole list.
const STATES: usize = 16;

/// Most entries in all states that are kept for deltas: a copy takes 17 bytes an entry.
const MOST_ENTRIES: usize = 2_000_000;

/// The publisher of a list and what it has signed last.
pub(super) struct SignedList {
    publisher: RevocationPublisher,
    signers: LiveSigners,
    renewal: Duration,
    /// Earlier states, the oldest first. Only whoever signs holds the lock.
    states: Mutex<VecDeque<RevocationEdition>>,
    issue: ArcSwapOption<Issue>,
    problem: ArcSwapOption<String>,
}

/// What is served until the next one.
struct Issue {
    edition: RevocationEdition,
    snapshot: Document,
    /// By the epoch and number that each leads from.
    deltas: Vec<((u64, u64), Document)>,
}

impl SignedList {
    /// Signs with the key that signs tokens at the time. Documents may be taken for
    /// `valid_for`, and are made anew when a tenth of that has passed.
    pub(super) fn new(issuer: &str, valid_for: Duration, signers: LiveSigners) -> Self {
        Self {
            publisher: RevocationPublisher::new(issuer, valid_for),
            signers,
            renewal: valid_for.checked_div(10).unwrap_or_default(),
            states: Mutex::default(),
            issue: ArcSwapOption::empty(),
            problem: ArcSwapOption::empty(),
        }
    }

    /// Signs the list as the follower has it, unless what was signed is still right.
    pub(super) fn look(&self, follower: &RevocationFollower, now: UnixTime) {
        let problem = self.publish(follower, now).err();
        self.problem.store(problem.map(Arc::new));
    }

    /// Why the list could not be signed at the last look.
    pub(super) fn problem(&self) -> Option<Arc<String>> {
        self.problem.load_full()
    }

    fn publish(&self, follower: &RevocationFollower, now: UnixTime) -> Result<(), String> {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let present = follower.head().position;
        let as_of = follower.live().view().as_of();
        let last = self.issue.load_full();
        let same = last.as_ref().filter(|last| {
            let mark = last.edition.mark();
            (mark.epoch(), mark.seq()) == (present.epoch, present.seq)
        });
        let edition = match same {
            Some(last) => {
                let age = as_of.saturating_since(last.edition.view().as_of());
                if age < self.renewal {
                    return Ok(());
                }
                last.edition.renewed(as_of)
            }
            None => {
                let edition = follower.edition().map_err(|error| error.to_string())?;
                if let Some(last) = last {
                    remember(&mut states, last.edition.clone());
                }
                edition
            }
        };
        let issue = self.sign(edition, &states, now)?;
        self.issue.store(Some(Arc::new(issue)));
        Ok(())
    }

    fn sign(
        &self,
        edition: RevocationEdition,
        states: &VecDeque<RevocationEdition>,
        now: UnixTime,
    ) -> Result<Issue, String> {
        let words = |error: DistributionError| error.to_string();
        let view = self.signers.view();
        let signer = view.signer_at(view.clock(now));
        let key = signer.ok_or("no key signs at this time")?.key();
        let mut deltas = Vec::with_capacity(states.len().saturating_add(1));
        // From the present state to itself: nothing was added.
        for from in states.iter().chain([&edition]) {
            let mark = from.mark();
            if (mark.list(), mark.epoch()) == (edition.mark().list(), edition.mark().epoch()) {
                let delta = self.publisher.delta(key, from, &edition).map_err(words)?;
                deltas.push(((mark.epoch(), mark.seq()), Document::of_bytes(delta)));
            }
        }
        let snapshot = self.publisher.snapshot(key, &edition).map_err(words)?;
        Ok(Issue {
            snapshot: Document::of_bytes(snapshot),
            deltas,
            edition,
        })
    }

    /// The whole list; `None` before the first was signed.
    pub(super) fn snapshot(&self) -> Option<Document> {
        let issue = self.issue.load();
        issue.as_ref().map(|issue| issue.snapshot.clone())
    }

    /// What leads from a state to the present one; `None` if that state is not kept.
    pub(super) fn delta(&self, epoch: u64, seq: u64) -> Option<Document> {
        let issue = self.issue.load();
        let deltas = &issue.as_ref()?.deltas;
        let found = deltas.iter().find(|(from, _)| *from == (epoch, seq));
        found.map(|(_, delta)| delta.clone())
    }
}

/// Keeps a state for deltas, and as many before it as there is room for.
fn remember(states: &mut VecDeque<RevocationEdition>, edition: RevocationEdition) {
    states.push_back(edition);
    let entries = |states: &VecDeque<RevocationEdition>| -> usize {
        let each = states.iter().map(|state| state.view().list().len());
        each.fold(0, usize::saturating_add)
    };
    while states.len() > STATES || (states.len() > 1 && entries(states) > MOST_ENTRIES) {
        states.pop_front();
    }
}

/// `EPOCH.SEQ` of a query `after=EPOCH.SEQ`.
pub(super) fn after(query: &str) -> Option<(u64, u64)> {
    let (epoch, seq) = query.strip_prefix("after=")?.split_once('.')?;
    let number = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u64>().ok().filter(|_| digits)
    };
    Some((number(epoch)?, number(seq)?))
}
