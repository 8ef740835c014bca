//! Following a signed list on another machine.

use std::fmt;
use std::io::Read;
use std::time::Duration;

use super::body::{Sections, read_body};
use super::error::{DistributionError, DistributionErrorKind, Fault};
use super::head::Head;
use super::input::Input;
use super::mark::RevocationMark;
use crate::key::FindKey;
use crate::limits::{DEFAULT_LEEWAY, MAX_EPOCH_JUMP, MAX_LEEWAY, MAX_REVOCATIONS, MAX_SEQ_JUMP};
use crate::revocation::fingerprint::Domain;
use crate::revocation::{LiveRevocations, RevocationList, RevocationView};
use crate::time::{Clock, UnixTime};

/// What became of a list that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Applied {
    /// A snapshot, in place of what was held.
    Replaced {
        /// How many entries are held now.
        entries: usize,
    },
    /// A delta, added to what was held.
    Extended {
        /// How many entries are held now.
        entries: usize,
    },
    /// A snapshot of a new epoch, added to what was held: what was withdrawn before
    /// the list was restored stays withdrawn for its time.
    Merged {
        /// How many entries are held now.
        entries: usize,
    },
    /// The list that is held, issued again: it is as fresh as the newer date says.
    Renewed,
    /// The list that is held, and no newer date.
    Unchanged,
}

/// The copy of a revocation list on a machine that follows it.
///
/// Documents of a [`RevocationPublisher`](super::RevocationPublisher) go in, however
/// they came; verifiers and minters ask [`live`](Self::live). Whoever brings the
/// documents needs no trust: an older one, one of another list, a changed or
/// truncated one is refused, and what is held stays in use until it is too old for the verifiers'
/// [`Freshness`](crate::Freshness). Holding newer documents back only lets the copy age.
///
/// Keep [`mark`](Self::mark) where a restart finds it, apart from the documents:
/// without it a restarted machine would take an old document that still is valid.
///
/// A restarted copy holds nothing until a snapshot comes; give it the last one that was
/// taken if it should begin at once, and know what a restored list has forgotten.
///
/// A list can withdraw tokens of any issuer. Let only those verifiers ask a copy that
/// accept tokens of issuers who trust its signers.
pub struct RevocationReplica {
    issuer: String,
    list: Option<String>,
    /// The newest place that was taken.
    mark: Option<RevocationMark>,
    /// The list at that place, unless only its mark was kept.
    held: Option<Held>,
    live: LiveRevocations,
    leeway: Duration,
    limit: usize,
}

/// What was taken.
struct Held {
    list: RevocationList,
    /// What was held when an epoch began: the snapshots of the new one may lack it.
    carried: Option<RevocationList>,
    issued_at: UnixTime,
    /// What the wall clock and the one that nobody can set showed when first asked
    /// about this date.
    anchor: Option<(UnixTime, Duration)>,
}

/// What a document is for this copy.
enum Step {
    Renew,
    Replace,
    Extend,
    Merge,
}

impl RevocationReplica {
    /// A copy of one list of an issuer. Until one has come, every verdict is
    /// [unknown](crate::Verdict::Unknown).
    #[must_use]
    pub fn of_list(issuer: impl Into<String>, list: impl Into<String>) -> Self {
        Self::new(issuer.into(), Some(list.into()), None)
    }

    /// A copy of whichever list of an issuer comes first, and from then on of that one.
    #[must_use]
    pub fn of_first_list(issuer: impl Into<String>) -> Self {
        Self::new(issuer.into(), None, None)
    }

    /// A copy of the list that a kept mark names, which takes nothing older.
    #[must_use]
    pub fn resuming(issuer: impl Into<String>, mark: RevocationMark) -> Self {
        Self::new(issuer.into(), Some(mark.list().to_owned()), Some(mark))
    }

    fn new(issuer: String, list: Option<String>, mark: Option<RevocationMark>) -> Self {
        let live = LiveRevocations::new(RevocationList::new(), UnixTime::from_seconds(0));
        live.replace(RevocationView::nothing_yet());
        Self {
            issuer,
            list,
            mark,
            held: None,
            live,
            leeway: DEFAULT_LEEWAY,
            limit: MAX_REVOCATIONS,
        }
    }

    /// Forgives clocks of signers that differ by at most this, 30 seconds unless
    /// told otherwise and at most [`MAX_LEEWAY`].
    #[must_use]
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway.min(MAX_LEEWAY);
        self
    }

    /// Holds at most so many entries, [`MAX_REVOCATIONS`] unless told otherwise.
    #[must_use]
    pub fn with_limit(mut self, entries: usize) -> Self {
        self.limit = entries;
        self
    }

    /// The list for verifiers and minters; every clone follows this copy.
    #[must_use]
    pub fn live(&self) -> LiveRevocations {
        self.live.clone()
    }

    /// The newest place that was taken: what must survive a restart.
    #[must_use]
    pub fn mark(&self) -> Option<&RevocationMark> {
        self.mark.as_ref()
    }

    /// Takes a document: reads it once, from front to back, and holds on to nothing of
    /// it but the entries. Taking a document again changes nothing. `keys` are those
    /// that may sign lists, which need not be those that sign tokens.
    ///
    /// # Errors
    /// Any [`DistributionErrorKind`] but those of publishers. What was held before is held after, and
    /// verifiers notice nothing.
    pub fn apply(
        &mut self,
        mut document: impl Read,
        keys: &dyn FindKey,
        now: UnixTime,
    ) -> Result<Applied, DistributionError> {
        self.apply_input(Input::new(&mut document), keys, now)
    }

    fn apply_input(
        &mut self,
        mut input: Input<'_>,
        keys: &dyn FindKey,
        now: UnixTime,
    ) -> Result<Applied, DistributionError> {
        let line = input.line()?;
        let head = Head::open(&line, keys, now)?;
        self.check_identity(&head)?;
        self.check_dates(&head, now)?;
        let step = self.step(&head)?;
        head.check_size(self.limit as u64)?;
        let sections = read_sections(&head, input)?;
        if let Step::Renew = step {
            // The body is what is held already; it was read so that nothing else
            // goes by its head's name.
            return Ok(self.renew(&head));
        }
        self.take(&step, head, sections, now)
    }

    /// Lets what is held age also by [`Clock::steady`], so that a wall clock that is set
    /// back, or stands still, keeps nothing fresh. Call it whenever a document might have
    /// come, whether one did or not.
    pub fn age(&mut self, clock: &dyn Clock) {
        let Some(held) = &mut self.held else {
            return;
        };
        let (now, steady) = (clock.now(), clock.steady());
        let (then, steady_then) = *held.anchor.get_or_insert((now, steady));
        let honest = then.saturating_add(steady.saturating_sub(steady_then));
        let set_back = honest.saturating_since(now);
        let as_of = held.issued_at.saturating_sub(set_back);
        if as_of < self.live.view().as_of() {
            self.live
                .replace(RevocationView::new(held.list.clone(), as_of));
        }
    }

    fn check_identity(&self, head: &Head) -> Result<(), DistributionError> {
        if head.issuer != self.issuer {
            return Err(DistributionErrorKind::IssuerMismatch {
                expected: self.issuer.clone(),
                found: head.issuer.clone(),
            }
            .into());
        }
        match &self.list {
            Some(expected) if expected != head.mark.list() => {
                Err(DistributionErrorKind::ListMismatch {
                    expected: expected.clone(),
                    found: head.mark.list().to_owned(),
                }
                .into())
            }
            Some(_) | None => Ok(()),
        }
    }

    fn check_dates(&self, head: &Head, now: UnixTime) -> Result<(), DistributionError> {
        let (issued_at, expired_at) = (head.issued_at, head.expires_at);
        if issued_at > now.saturating_add(self.leeway) {
            return Err(DistributionErrorKind::FromTheFuture { issued_at }.into());
        }
        if expired_at.saturating_add(self.leeway) <= now {
            return Err(DistributionErrorKind::Expired { expired_at }.into());
        }
        Ok(())
    }

    /// Places the document in the history that is known.
    fn step(&self, head: &Head) -> Result<Step, DistributionError> {
        let (epoch, seq) = head.mark.place();
        let known = self.mark.as_ref();
        let (known_epoch, known_seq) = known.map_or((0, 0), RevocationMark::place);
        if (epoch, seq) < (known_epoch, known_seq) {
            return Err(DistributionErrorKind::RolledBack {
                held: (known_epoch, known_seq),
                found: (epoch, seq),
            }
            .into());
        }
        let same_epoch = epoch == known_epoch;
        let seq_before = if same_epoch { known_seq } else { 0 };
        for (limit, found) in [
            (MAX_EPOCH_JUMP, epoch.saturating_sub(known_epoch)),
            (MAX_SEQ_JUMP, seq.saturating_sub(seq_before)),
        ] {
            if found > limit {
                return Err(DistributionErrorKind::FastForward { limit, found }.into());
            }
        }
        let forked = |seq| DistributionError::from(DistributionErrorKind::Forked { epoch, seq });
        if known.is_some_and(|known| known.place() == (epoch, seq) && *known != head.mark) {
            return Err(forked(seq));
        }
        let Some(from) = head.from else {
            return Ok(match (&self.held, same_epoch) {
                (Some(_), true) if seq == known_seq => Step::Renew,
                (Some(_), false) => Step::Merge,
                (Some(_) | None, _) => Step::Replace,
            });
        };
        let (Some(held), Some(known), true) = (&self.held, known, same_epoch) else {
            return Err(snapshot_needed(from.seq, None));
        };
        if from.seq == known_seq && from.digest != *known.digest() {
            return Err(forked(known_seq));
        }
        if seq == known_seq {
            return Ok(Step::Renew);
        }
        let other_key = *held.list.key() != head.key;
        if from.seq != known_seq || other_key {
            return Err(snapshot_needed(from.seq, Some(known_seq)));
        }
        Ok(Step::Extend)
    }

    fn renew(&mut self, head: &Head) -> Applied {
        let Some(held) = &mut self.held else {
            return Applied::Unchanged;
        };
        if head.issued_at <= held.issued_at {
            return Applied::Unchanged;
        }
        held.issued_at = head.issued_at;
        held.anchor = None;
        let view = RevocationView::new(held.list.clone(), held.issued_at);
        self.live.replace(view);
        Applied::Renewed
    }

    fn take(
        &mut self,
        step: &Step,
        head: Head,
        sections: Sections,
        now: UnixTime,
    ) -> Result<Applied, DistributionError> {
        let held = self.held.as_ref();
        let mut list = match (step, held) {
            (Step::Extend | Step::Merge, Some(held)) => {
                if *held.list.key() != head.key {
                    return Err(DistributionErrorKind::Rekeyed.into());
                }
                held.list.clone()
            }
            (Step::Extend | Step::Merge | Step::Replace | Step::Renew, _) => {
                RevocationList::with_key(head.key).limited(self.limit)
            }
        };
        // By the signer's clock as well: a clock here that runs ahead revives nothing.
        let ended = head.issued_at.min(now);
        list.prune(ended);
        fill(&mut list, sections, &head.issuer).map_err(DistributionErrorKind::Full)?;
        let mut carried = match (step, held) {
            (Step::Merge, Some(held)) => Some(held.list.clone()),
            (Step::Extend | Step::Merge | Step::Replace | Step::Renew, held) => {
                held.and_then(|held| held.carried.clone())
            }
        };
        if let Some(old) = &mut carried {
            old.prune(ended);
        }
        carried = carried.filter(|old| !old.is_empty());
        if let (Step::Replace, Some(old)) = (step, &carried) {
            carry_over(old, &mut list)?;
        }
        let entries = list.len();
        let before = held.map(|held| held.issued_at);
        let issued_at = before.map_or(head.issued_at, |before| before.max(head.issued_at));
        self.live
            .replace(RevocationView::new(list.clone(), issued_at));
        self.held = Some(Held {
            list,
            carried,
            issued_at,
            anchor: None,
        });
        self.list = Some(head.mark.list().to_owned());
        self.mark = Some(head.mark);
        Ok(match step {
            Step::Extend => Applied::Extended { entries },
            Step::Merge => Applied::Merged { entries },
            Step::Replace | Step::Renew => Applied::Replaced { entries },
        })
    }
}

/// Reads a body and holds it against its digest. Bytes that are not the ones that
/// were signed are called that, whatever reading them came upon first.
fn read_sections(head: &Head, mut input: Input<'_>) -> Result<Sections, DistributionError> {
    input.expect(head.bytes);
    match read_body(head, &mut input) {
        Ok(sections) => {
            input.finish(&head.sha256)?;
            Ok(sections)
        }
        Err(fault @ Fault::Broken(_)) => {
            input.finish(&head.sha256)?;
            Err(fault.into())
        }
        Err(fault @ Fault::Other(_)) => Err(fault.into()),
    }
}

fn fill(
    list: &mut RevocationList,
    sections: Sections,
    issuer: &str,
) -> Result<(), crate::revocation::RevocationError> {
    list.prepare(issuer);
    list.extend_fingerprints(Domain::Token, sections.tokens)?;
    list.extend_fingerprints(Domain::Session, sections.sessions)?;
    list.extend(sections.others)
}

/// Adds what was held before an epoch began to a snapshot of that epoch.
fn carry_over(old: &RevocationList, list: &mut RevocationList) -> Result<(), DistributionError> {
    if old.key() != list.key() {
        return Err(DistributionErrorKind::Rekeyed.into());
    }
    for domain in [Domain::Token, Domain::Session] {
        let entries = old.table(domain).iter().collect();
        list.extend_fingerprints(domain, entries)
            .map_err(DistributionErrorKind::Full)?;
    }
    let others = list.extend(old.scoped());
    others.map_err(|error| DistributionErrorKind::Full(error).into())
}

fn snapshot_needed(from: u64, held: Option<u64>) -> DistributionError {
    DistributionErrorKind::SnapshotNeeded { from, held }.into()
}

impl fmt::Debug for RevocationReplica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationReplica")
            .field("issuer", &self.issuer)
            .field("mark", &self.mark)
            .field("held", &self.held.as_ref().map(|held| &held.list))
            .finish_non_exhaustive()
    }
}
