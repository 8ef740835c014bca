//! Following a list of revocations: a view that verifiers and minters share,
//! refreshed by a cheap poll that none of them waits for.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::error::{RevocationFollowError, RevocationFollowErrorKind as Kind};
use super::{Extent, ListHead, Position, Reading, RevocationStore};
use crate::revocation::signed::{DistributionError, RevocationEdition};
use crate::revocation::{
    LiveRevocations, Revocation, RevocationError, RevocationList, RevocationView,
};
use crate::store::follow::{FollowerHandle, Refreshed};
use crate::time::{Clock, UnixTime};

/// Keeps [`LiveRevocations`] in step with a store.
///
/// Through an outage of the store the last good view serves, and ages: how long it
/// may be used is the [`Freshness`](crate::Freshness) of the verifier. Its age is
/// also held against a clock that nobody can set. An older list never replaces a
/// newer one.
///
/// ```
/// use tokenwright::store::{MemoryRevocations, RevocationFollower, RevocationStore};
/// use tokenwright::{Clock, Revocation, SystemClock};
/// use std::time::Duration;
///
/// let store = MemoryRevocations::new();
/// let now = SystemClock.now();
/// store.create(now)?;
/// let follower = RevocationFollower::open(store.clone(), SystemClock)?;
/// let live = follower.live(); // for Verifier::builder(..).revocation(live, ..)
/// let _thread = follower.spawn(RevocationFollower::INTERVAL)?;
///
/// let until = now.saturating_add(Duration::from_secs(960));
/// store.append(&[Revocation::session("https://auth.example", "login-7", now, until)], now)?;
/// follower.refresh()?; // or wait for the thread
/// assert_eq!(live.view().list().len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RevocationFollower(Arc<Shared>);

struct Shared {
    store: Box<dyn RevocationStore>,
    clock: Box<dyn Clock>,
    live: LiveRevocations,
    known: Mutex<Known>,
}

/// What the view was made of.
struct Known {
    head: ListHead,
    unfinished: u64,
    read_at: UnixTime,
    /// The same instant on the clock that nobody can set.
    read_steady: Duration,
    failing: Option<(UnixTime, RevocationFollowError)>,
}

/// How a follower is doing, for a health endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationHealth {
    /// When the view was last known to be complete.
    pub as_of: UnixTime,
    /// How far the list had come then.
    pub position: Position,
    /// How many entries the view holds.
    pub entries: usize,
    /// Bytes at the end of the list that were no whole record.
    pub unfinished: u64,
    /// Since when refreshing has failed.
    pub failing_since: Option<UnixTime>,
    /// Why.
    pub last_error: Option<RevocationFollowError>,
}

impl RevocationHealth {
    /// Whether the last refresh succeeded.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.failing_since.is_none()
    }
}

impl RevocationFollower {
    /// How often to look, unless there is a reason for another interval: two looks
    /// within the second in which a new entry shall be seen.
    pub const INTERVAL: Duration = Duration::from_millis(400);

    /// Follows a store from its list as it is now.
    ///
    /// # Errors
    /// There is no list, it cannot be read, or it does not fit in memory.
    pub fn open(
        store: impl RevocationStore + 'static,
        clock: impl Clock + 'static,
    ) -> Result<Self, RevocationFollowError> {
        let (now, steady) = (clock.now(), clock.steady());
        let key = store.head()?.fingerprint_key;
        let (list, reading) = whole(&store, key)?;
        let known = Known {
            head: reading.head,
            unfinished: reading.unfinished,
            read_at: now,
            read_steady: steady,
            failing: None,
        };
        Ok(Self(Arc::new(Shared {
            store: Box::new(store),
            clock: Box::new(clock),
            live: LiveRevocations::new(list, now),
            known: Mutex::new(known),
        })))
    }

    /// The list to build a [`Verifier`](crate::Verifier) or a
    /// [`Minter`](crate::Minter) with.
    #[must_use]
    pub fn live(&self) -> LiveRevocations {
        self.0.live.clone()
    }

    /// Looks at the store once and swaps the view if the list has changed.
    ///
    /// # Errors
    /// The store cannot be read, or holds an older or another list; the last good
    /// view stays, and ages.
    pub fn refresh(&self) -> Result<Refreshed, RevocationFollowError> {
        let (now, steady) = (self.0.clock.now(), self.0.clock.steady());
        let mut known = self.known();
        match self.look(&mut known, now) {
            Ok(refreshed) => {
                (known.read_at, known.read_steady) = (now, steady);
                known.failing = None;
                Ok(refreshed)
            }
            Err(error) => {
                let since = known.failing.as_ref().map_or(now, |(since, _)| *since);
                known.failing = Some((since, error.clone()));
                self.age(&known, now, steady);
                Err(error)
            }
        }
    }

    /// A view ages by the wall clock, which costs readers nothing. If that was set
    /// back or stands still, the view is dated back by what has truly passed.
    fn age(&self, known: &Known, now: UnixTime, steady: Duration) {
        let passed = steady.saturating_sub(known.read_steady);
        let view = self.0.live.view();
        let honest = now.saturating_sub(passed);
        if honest < view.as_of() {
            let aged = RevocationView::new(Arc::clone(view.list()), honest);
            self.0.live.replace(aged);
        }
    }

    fn look(&self, known: &mut Known, now: UnixTime) -> Result<Refreshed, RevocationFollowError> {
        let here = known.head.position;
        let held = self.0.live.view();
        let mut filling = Filling::from(held.list());
        let reading = self.0.store.read(Some(&here), &mut |entry| {
            filling.add(entry);
        })?;
        let found = reading.head.position;
        let (list, reading) = match reading.extent {
            // What was dropped there may be dropped here.
            Extent::Since | Extent::Unchanged if reading.head.base > known.head.base => {
                let (list, reading) = whole(&*self.0.store, known.head.fingerprint_key)?;
                check_succession(here, reading.head.position)?;
                (Arc::new(list), reading)
            }
            Extent::Unchanged => {
                self.0
                    .live
                    .replace(RevocationView::new(Arc::clone(held.list()), now));
                known.unfinished = reading.unfinished;
                return Ok(Refreshed::Unchanged);
            }
            Extent::Since => (filling.list()?, reading),
            Extent::Elsewhere | Extent::Whole => {
                check_succession(here, found)?;
                if found.epoch == here.epoch {
                    // The same numbers, and not the same history.
                    return Err(Kind::RolledBack { kept: here, found }.into());
                }
                let (list, reading) = whole(&*self.0.store, known.head.fingerprint_key)?;
                check_succession(here, reading.head.position)?;
                (Arc::new(list), reading)
            }
        };
        (known.head, known.unfinished) = (reading.head, reading.unfinished);
        self.0.live.replace(RevocationView::new(list, now));
        Ok(Refreshed::Changed)
    }

    /// The list as it was last read, to be signed for machines that cannot read the
    /// store. Takes milliseconds for a million entries: keep it until the
    /// [`head`](Self::head) has moved, and [renew](RevocationEdition::renewed) it.
    ///
    /// # Errors
    /// An entry whose names are longer than any token's.
    pub fn edition(&self) -> Result<RevocationEdition, DistributionError> {
        // Whoever swaps the view holds the same lock.
        let known = self.known();
        let (position, view) = (known.head.position, self.0.live.view());
        drop(known);
        let list = position.list.to_string();
        RevocationEdition::new(list, position.epoch, position.seq, (*view).clone())
    }

    /// How the follower is doing.
    #[must_use]
    pub fn health(&self) -> RevocationHealth {
        let known = self.known();
        let view = self.0.live.view();
        RevocationHealth {
            as_of: view.as_of(),
            position: known.head.position,
            entries: view.list().len(),
            unfinished: known.unfinished,
            failing_since: known.failing.as_ref().map(|(since, _)| *since),
            last_error: known.failing.as_ref().map(|(_, error)| error.clone()),
        }
    }

    /// Where the list stood when it was last read.
    #[must_use]
    pub fn head(&self) -> ListHead {
        self.known().head.clone()
    }

    /// Refreshes from a thread of its own every `interval`, until the handle is
    /// dropped: [`INTERVAL`](Self::INTERVAL) unless there is a reason. A refresh
    /// that fails is tried again at the next one and shows in [`health`](Self::health).
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn spawn(&self, interval: Duration) -> Result<FollowerHandle, std::io::Error> {
        let follower = self.clone();
        FollowerHandle::every(interval, move || {
            // The failure is kept in `health`.
            let _ = follower.refresh();
        })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // A panic elsewhere leaves the view whole: it is swapped as one.
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for RevocationFollower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RevocationFollower")
            .field(&self.health())
            .finish()
    }
}

/// A newer state of the same list may follow, an older or foreign one not.
fn check_succession(kept: Position, found: Position) -> Result<(), RevocationFollowError> {
    if kept.list != found.list {
        return Err(Kind::OtherList { kept, found }.into());
    }
    if kept.may_become(&found) {
        return Ok(());
    }
    Err(Kind::RolledBack { kept, found }.into())
}

/// The list under its own key, so that all who follow it make the same fingerprints
/// and can publish the same editions of it. `key` is the one it had when last seen.
fn whole(
    store: &dyn RevocationStore,
    mut key: [u8; 16],
) -> Result<(RevocationList, Reading), RevocationFollowError> {
    loop {
        let empty = Arc::new(RevocationList::with_key(key));
        let mut filling = Filling::from(&empty);
        let reading = store.read(None, &mut |entry| filling.add(entry))?;
        if reading.head.fingerprint_key == key {
            let list = filling.list()?;
            return Ok((Arc::unwrap_or_clone(list), reading));
        }
        key = reading.head.fingerprint_key;
    }
}

/// Most entries that are held in full while a list is filled.
const BATCH: std::ops::RangeInclusive<usize> = 4096..=262_144;

/// A list that is copied only when the first entry is added, filled in batches, and
/// remembers the first batch that it did not take.
struct Filling<'l> {
    old: &'l Arc<RevocationList>,
    new: Option<RevocationList>,
    batch: Vec<Revocation<'static>>,
    refused: Option<RevocationError>,
}

impl<'l> Filling<'l> {
    fn from(old: &'l Arc<RevocationList>) -> Self {
        Self {
            old,
            new: None,
            batch: Vec::new(),
            refused: None,
        }
    }

    fn add(&mut self, entry: Revocation<'_>) {
        if self.refused.is_some() {
            return;
        }
        self.batch.push(entry.into_owned());
        let held = self.new.as_ref().map_or(0, RevocationList::len);
        if self.batch.len() >= (held / 2).clamp(*BATCH.start(), *BATCH.end()) {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let list = self
            .new
            .get_or_insert_with(|| RevocationList::clone(self.old));
        self.refused = list.extend(self.batch.drain(..)).err();
    }

    fn list(mut self) -> Result<Arc<RevocationList>, RevocationFollowError> {
        if !self.batch.is_empty() {
            self.flush();
        }
        match (self.refused, self.new) {
            (Some(error), _) => Err(error.into()),
            (None, Some(list)) => Ok(Arc::new(list)),
            (None, None) => Ok(Arc::clone(self.old)),
        }
    }
}
