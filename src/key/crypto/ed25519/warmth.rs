//! Which keys have a table of multiples: those that have verified much, as long as
//! there is room.
//!
//! A table costs what thirty verifications save, and memory for as long as its key
//! lives, so that a key must have proved busy. Only good signatures count: nobody
//! without the private key can make a table come about.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::thread;

use curve25519_dalek::EdwardsPoint;

use super::comb::Comb;
use crate::key::KeyTables;
use crate::limits::{BUSY_KEY_SIGNATURES, MAX_KEY_TABLES};

/// What the thread that makes a table has for its stack; it needs a tenth.
const STACK_BYTES: usize = 512 * 1024;

/// How many tables there may be and whether they come by themselves, see [`KeyTables`].
static AT_MOST: AtomicUsize = AtomicUsize::new(MAX_KEY_TABLES);
static BY_THEMSELVES: AtomicBool = AtomicBool::new(true);

/// How many tables there are, those included that are being made.
static KEPT: AtomicUsize = AtomicUsize::new(0);

/// What one key has done, and its table once it has one.
#[derive(Default)]
pub(super) struct Warmth(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// Good signatures so far, up to the number that makes a key busy.
    verified: AtomicU32,
    /// Whether a thread was told to make the table. One that failed is not told again.
    begun: AtomicBool,
    table: OnceLock<Table>,
}

/// A table and its place among all that there may be.
struct Table {
    comb: Comb,
    _place: Place,
}

/// One of the places for tables, given back when it is dropped.
struct Place;

impl Warmth {
    /// The table, if there is one.
    pub(super) fn table(&self) -> Option<&Comb> {
        self.0.table.get().map(|table| &table.comb)
    }

    /// Counts a good signature of a key without a table, and has the table made in the
    /// background once that was one of many. Writes nothing after that, so that threads
    /// share the count without contention.
    pub(super) fn count(&self, point: impl FnOnce() -> EdwardsPoint) {
        if self.0.verified.load(Ordering::Relaxed) < BUSY_KEY_SIGNATURES {
            self.0.verified.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if !BY_THEMSELVES.load(Ordering::Relaxed) || self.0.begun.load(Ordering::Relaxed) {
            return;
        }
        let Some(place) = Place::take() else { return };
        if !self.0.begun.swap(true, Ordering::Relaxed) {
            make_in_background(Arc::downgrade(&self.0), point(), place);
        }
    }

    /// Makes the table now, on this thread; whether there is one afterwards.
    pub(super) fn warm(&self, point: &EdwardsPoint) -> bool {
        if self.table().is_none()
            && let Some(place) = Place::take()
            && let Some(comb) = Comb::of(point)
        {
            self.0.keep(Table {
                comb,
                _place: place,
            });
        }
        self.table().is_some()
    }
}

impl Shared {
    fn keep(&self, table: Table) {
        // When two threads made one at the same time, the first stays.
        let _ = self.table.set(table);
    }
}

/// A table takes a millisecond, which is more than any caller should wait unasked.
/// Where there are no threads, the key goes on without.
fn make_in_background(key: Weak<Shared>, point: EdwardsPoint, place: Place) {
    let make = move || {
        let comb = Comb::of(&point);
        // The key may be gone by now, and its table with it.
        if let (Some(comb), Some(key)) = (comb, key.upgrade()) {
            key.keep(Table {
                comb,
                _place: place,
            });
        }
    };
    let thread = thread::Builder::new()
        .name("tokenwright-table".to_owned())
        .stack_size(STACK_BYTES);
    drop(thread.spawn(make));
}

impl Place {
    fn take() -> Option<Self> {
        let at_most = AT_MOST.load(Ordering::Relaxed);
        let one_more = |kept: usize| (kept < at_most).then(|| kept.saturating_add(1));
        let taken = KEPT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        taken.ok().map(|_| Self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        KEPT.fetch_sub(1, Ordering::Relaxed);
    }
}

/// See [`KeyTables::apply`].
pub(in crate::key) fn apply(tables: KeyTables) {
    let (at_most, by_themselves) = match tables {
        KeyTables::ForBusyKeys { at_most } => (at_most, true),
        KeyTables::OnRequest { at_most } => (at_most, false),
    };
    AT_MOST.store(at_most, Ordering::Relaxed);
    BY_THEMSELVES.store(by_themselves, Ordering::Relaxed);
}
