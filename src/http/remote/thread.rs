//! The thread that fetches, and how verifications wake it.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use arc_swap::ArcSwapOption;

use super::keys::{RemoteKeys, RemoteRefresh};

/// Longest time without a look at the clock: it may have been set, or the machine asleep.
const LONGEST_NAP: Duration = Duration::from_secs(60);
/// Shortest one, while another thread is fetching.
const SHORTEST_NAP: Duration = Duration::from_millis(100);

/// A flag that verifications raise when a token needs a key that is not there. All the
/// memory that a flood of unknown key ids can take is this.
#[derive(Default)]
pub(super) struct Doorbell {
    rung: AtomicBool,
    sleeper: ArcSwapOption<Thread>,
}

impl Doorbell {
    /// Without waiting and without a lock. Only the first ring wakes the thread; the
    /// others cost a load each until a fetch has answered.
    pub(super) fn ring(&self) {
        if self.rung.load(Ordering::Relaxed) || self.rung.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some(thread) = &*self.sleeper.load() {
            thread.unpark();
        }
    }

    pub(super) fn is_rung(&self) -> bool {
        self.rung.load(Ordering::Acquire)
    }

    /// A fetch has ended that began after the first ring, or whose set shows the key
    /// that was asked for; a token it does not help rings again.
    pub(super) fn answered(&self) {
        self.rung.store(false, Ordering::Release);
    }
}

impl RemoteKeys {
    /// Fetches from a thread of its own whenever that is due, until the handle is
    /// dropped. Failures show in [`health`](Self::health) and are tried again once a
    /// cool-down.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn spawn(&self) -> Result<RemoteKeysHandle, io::Error> {
        let stop = Arc::new(AtomicBool::new(false));
        let (keys, stopped) = (self.clone(), Arc::clone(&stop));
        let named = thread::Builder::new().name("tokenwright-remote".to_owned());
        let thread = named.spawn(move || {
            keys.door().sleeper.store(Some(Arc::new(thread::current())));
            while !stopped.load(Ordering::Acquire) {
                thread::park_timeout(keys.work());
            }
        })?;
        let thread = thread.thread().clone();
        Ok(RemoteKeysHandle { stop, thread })
    }

    /// Does what is due, and says how long to sleep after it.
    fn work(&self) -> Duration {
        // A client that panics shows in `health`, too, and must not end this thread.
        let refreshed = catch_unwind(AssertUnwindSafe(|| self.refresh_if_due()));
        match refreshed {
            Ok(Ok(RemoteRefresh::UnderWay)) => SHORTEST_NAP,
            Ok(Ok(RemoteRefresh::NotYet { wait })) => wait.min(LONGEST_NAP),
            _ => self.health().next_fetch_in.min(LONGEST_NAP),
        }
    }
}

/// The thread of remote keys; dropping the handle ends it. A fetch that is under way is
/// not waited for.
#[must_use = "the thread ends when the handle is dropped, and the keys grow old: keep it"]
pub struct RemoteKeysHandle {
    stop: Arc<AtomicBool>,
    thread: Thread,
}

impl Drop for RemoteKeysHandle {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

impl fmt::Debug for RemoteKeysHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RemoteKeysHandle")
    }
}
