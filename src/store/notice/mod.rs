//! Waking followers when a server says that something has changed. A notice carries
//! nothing: whoever is woken reads by number, and whoever misses one reads at the next
//! interval.

#[cfg(any(feature = "redis", feature = "postgres"))]
mod listening;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

#[cfg(any(feature = "redis", feature = "postgres"))]
pub(in crate::store) use listening::{Listening, listen};

/// Makes a follower look at its store now, from any thread.
#[derive(Clone)]
pub struct Waker(Arc<dyn Fn() + Send + Sync>);

impl Waker {
    /// Something to do when there is news, such as [`Follower::refresh`](super::Follower::refresh).
    /// It is done in the listener's thread, and what is told meanwhile waits.
    #[must_use]
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(wake))
    }

    /// There is news, or there may be.
    pub fn wake(&self) {
        (self.0)();
    }
}

impl fmt::Debug for Waker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waker")
    }
}

/// Listens to a server until it is dropped.
#[must_use = "listening ends when the handle is dropped"]
pub struct ListenHandle(Arc<Pause>);

impl Drop for ListenHandle {
    fn drop(&mut self) {
        // The thread ends by itself: it may be waiting for a server that is frozen.
        self.0.end();
    }
}

impl fmt::Debug for ListenHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ListenHandle")
    }
}

/// Waits that the end interrupts.
#[derive(Default)]
pub(in crate::store) struct Pause {
    ended: AtomicBool,
    lock: Mutex<()>,
    signal: Condvar,
}

impl Pause {
    fn end(&self) {
        let held = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.ended.store(true, Ordering::SeqCst);
        drop(held);
        self.signal.notify_all();
    }
}
