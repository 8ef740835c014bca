//! The schedule inside a service: one thread that sleeps until something is due.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Performed, RunOptions, ScheduleError, Scheduler};
use crate::keyring::Version;
use crate::time::{Clock, UnixTime};

/// Shortest pause between two runs, so that a clock that stands still costs nothing.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);

/// A schedule that is kept by a thread. It stops, and is waited for, when this is dropped.
///
/// ```
/// use std::time::Duration;
/// use tokenwright::SystemClock;
/// use tokenwright::store::{MemoryStore, Scheduler};
///
/// let schedule = Scheduler::new(MemoryStore::new(), SystemClock)
///     .spawn(Duration::from_secs(60), |result| {
///         if let Err(error) = result {
///             eprintln!("rotation: {error}");
///         }
///     })?;
/// let health = schedule.health();
/// println!("next due: {:?}, overdue: {}", health.next_due, health.is_overdue);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct ScheduleHandle {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// How a schedule is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleHealth {
    /// When it last ran, whether or not that succeeded.
    pub last_run: Option<UnixTime>,
    /// Why the last run failed; `None` if it did not.
    pub last_error: Option<ScheduleError>,
    /// When something is due next, as far as the last successful run knew.
    pub next_due: Option<UnixTime>,
    /// Whether that lies further back than the tick and L.
    pub is_overdue: bool,
    /// Whether the thread lives; only a panic in the observer or the key source ends it.
    pub is_running: bool,
}

impl ScheduleHealth {
    /// Whether nobody has to do anything: red from the first failure on, before
    /// any token is refused for it.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.is_running && !self.is_overdue && self.last_error.is_none()
    }
}

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    clock: Arc<dyn Clock>,
    tick: Duration,
}

#[derive(Default)]
struct State {
    is_stopping: bool,
    is_woken: bool,
    last_run: Option<UnixTime>,
    last_error: Option<ScheduleError>,
    next_due: Option<UnixTime>,
    propagation: Duration,
    seen: Option<Version>,
}

impl Scheduler {
    /// Keeps the schedule from now on, in a thread of its own: it runs at once,
    /// whenever something is due, and every `tick` to see what others have done.
    /// `observe` is told how each run ended, for the log.
    ///
    /// It remembers the newest document and refuses an older one as rolled back.
    ///
    /// # Errors
    /// The operating system refuses another thread.
    pub fn spawn(
        self,
        tick: Duration,
        observe: impl FnMut(&Result<Performed, ScheduleError>) + Send + 'static,
    ) -> std::io::Result<ScheduleHandle> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            wake: Condvar::new(),
            clock: Arc::clone(&self.clock),
            tick,
        });
        let inside = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("tokenwright-schedule".to_owned())
            .spawn(move || inside.keep(&self, observe))?;
        Ok(ScheduleHandle {
            shared,
            thread: Some(thread),
        })
    }

    /// How long to pause after a run, for those who keep a schedule themselves:
    /// until something is due, and `tick` at most.
    #[must_use]
    pub fn pause(&self, next_due: Option<UnixTime>, tick: Duration) -> Duration {
        pause(next_due, self.clock.now(), tick)
    }
}

fn pause(next_due: Option<UnixTime>, now: UnixTime, tick: Duration) -> Duration {
    let until = next_due.map_or(tick, |due| due.saturating_since(now));
    until.min(tick).max(SHORTEST_PAUSE)
}

impl Shared {
    /// Nothing is half done while the lock is held, so a panic elsewhere does not matter.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(
        &self,
        scheduler: &Scheduler,
        mut observe: impl FnMut(&Result<Performed, ScheduleError>),
    ) {
        loop {
            let mut options = RunOptions::default();
            {
                let mut state = self.state();
                if state.is_stopping {
                    return;
                }
                // Whoever wakes it from here on wants another run.
                state.is_woken = false;
                options.seen = state.seen;
            }
            let result = scheduler.run_due(&options);
            let pause = self.record(&result, self.clock.now());
            observe(&result);
            let state = self.state();
            let waits = |state: &mut State| !state.is_stopping && !state.is_woken;
            drop(self.wake.wait_timeout_while(state, pause, waits));
        }
    }

    /// Takes down how a run ended; answers how long to pause.
    fn record(&self, result: &Result<Performed, ScheduleError>, now: UnixTime) -> Duration {
        let mut state = self.state();
        state.last_run = Some(now);
        match result {
            Ok(performed) => {
                state.last_error = None;
                state.next_due = performed.next_due;
                state.propagation = performed.propagation;
                state.seen = state.seen.max(Some(performed.version));
                pause(state.next_due, now, self.tick)
            }
            Err(error) => {
                state.last_error = Some(error.clone());
                self.tick.max(SHORTEST_PAUSE)
            }
        }
    }
}

impl ScheduleHandle {
    /// How the schedule is doing. Reading it does no input or output.
    #[must_use]
    pub fn health(&self) -> ScheduleHealth {
        let now = self.shared.clock.now();
        let state = self.shared.state();
        let grace = self.shared.tick.saturating_add(state.propagation);
        ScheduleHealth {
            last_run: state.last_run,
            last_error: state.last_error.clone(),
            next_due: state.next_due,
            is_overdue: state
                .next_due
                .is_some_and(|due| due.saturating_add(grace) < now),
            is_running: self
                .thread
                .as_ref()
                .is_some_and(|thread| !thread.is_finished()),
        }
    }

    /// Runs at once, without waiting for the next due time.
    pub fn wake(&self) {
        self.shared.state().is_woken = true;
        self.shared.wake.notify_all();
    }

    /// Stops, and waits for a run that is under way.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.shared.state().is_stopping = true;
        self.shared.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic in there has been reported by the thread itself.
            let _ = thread.join();
        }
    }
}

impl Drop for ScheduleHandle {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for ScheduleHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.health().fmt(f)
    }
}
