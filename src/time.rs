//! Points in time, and where they come from.

#[cfg(feature = "chrono")]
mod chrono_dates;
mod civil;
mod error;
mod numeric_date;
mod rfc3339;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use error::{TimeError, TimeErrorKind};

/// A point in time: whole seconds since 1970-01-01T00:00:00Z without leap
/// seconds (RFC 7519 section 2, `NumericDate`), and a fraction in nanoseconds.
///
/// ```
/// use std::time::Duration;
/// use tokenwright::UnixTime;
/// let issued = UnixTime::from_seconds(1_760_000_000);
/// assert_eq!(issued.saturating_add(Duration::from_secs(60)).seconds(), 1_760_000_060);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixTime {
    seconds: i64,
    nanoseconds: u32,
}

impl UnixTime {
    /// A point given in whole seconds since the epoch; negative ones lie before it.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self {
            seconds,
            nanoseconds: 0,
        }
    }

    /// A point given in seconds since the epoch and nanoseconds after that second.
    /// Nanoseconds beyond 999,999,999 are cut to that.
    #[must_use]
    pub const fn new(seconds: i64, nanoseconds: u32) -> Self {
        let nanoseconds = if nanoseconds > 999_999_999 {
            999_999_999
        } else {
            nanoseconds
        };
        Self {
            seconds,
            nanoseconds,
        }
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds after the whole second, 0 to 999,999,999.
    #[must_use]
    pub const fn subsec_nanoseconds(self) -> u32 {
        self.nanoseconds
    }

    /// This point moved later, at most to the end of the range.
    #[must_use]
    pub fn saturating_add(self, by: Duration) -> Self {
        let nanoseconds = self.nanoseconds.saturating_add(by.subsec_nanos());
        let carry = u64::from(nanoseconds / 1_000_000_000);
        let seconds = self
            .seconds
            .saturating_add_unsigned(by.as_secs().saturating_add(carry));
        Self {
            seconds,
            nanoseconds: nanoseconds % 1_000_000_000,
        }
    }

    /// This point moved earlier, at most to the start of the range.
    #[must_use]
    pub fn saturating_sub(self, by: Duration) -> Self {
        let (borrow, nanoseconds) = match self.nanoseconds.checked_sub(by.subsec_nanos()) {
            Some(nanoseconds) => (0, nanoseconds),
            None => (
                1,
                self.nanoseconds
                    .saturating_add(1_000_000_000)
                    .saturating_sub(by.subsec_nanos()),
            ),
        };
        let seconds = self
            .seconds
            .saturating_sub_unsigned(by.as_secs().saturating_add(borrow));
        Self {
            seconds,
            nanoseconds,
        }
    }

    /// How long after `earlier` this point lies; zero when it lies before it.
    #[must_use]
    pub fn saturating_since(self, earlier: Self) -> Duration {
        if self <= earlier {
            return Duration::ZERO;
        }
        // Both differences are non-negative once a second is borrowed for the fraction.
        let seconds = self.seconds.abs_diff(earlier.seconds);
        match self.nanoseconds.checked_sub(earlier.nanoseconds) {
            Some(nanoseconds) => Duration::new(seconds, nanoseconds),
            None => Duration::new(
                seconds.saturating_sub(1),
                self.nanoseconds
                    .saturating_add(1_000_000_000)
                    .saturating_sub(earlier.nanoseconds),
            ),
        }
    }
}

/// Where the present comes from. The core asks it once per operation.
///
/// ```
/// use tokenwright::{Clock, ManualClock, UnixTime};
/// let clock = ManualClock::at(UnixTime::from_seconds(1_760_000_000));
/// assert_eq!(clock.now().seconds(), 1_760_000_000);
/// ```
pub trait Clock: Send + Sync {
    /// The present.
    fn now(&self) -> UnixTime;

    /// Time that has passed since some fixed instant, by a clock that nobody can
    /// set. How old a view has become is measured by it, so that a wall clock
    /// that was set back makes nothing look fresh.
    fn steady(&self) -> Duration {
        static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
        START.get_or_init(std::time::Instant::now).elapsed()
    }
}

impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    fn now(&self) -> UnixTime {
        (**self).now()
    }

    fn steady(&self) -> Duration {
        (**self).steady()
    }
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixTime {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => UnixTime::from_seconds(0).saturating_add(since),
            Err(before) => UnixTime::from_seconds(0).saturating_sub(before.duration()),
        }
    }
}

/// A clock that moves only when told: for tests and simulations.
///
/// Its steady time stands still when the clock is set, and moves with
/// [`pass`](Self::pass) alone.
#[derive(Debug, Default)]
pub struct ManualClock {
    seconds: AtomicI64,
    steady: AtomicU64,
}

impl ManualClock {
    /// A clock that stands at `now`, rounded down to whole seconds.
    #[must_use]
    pub fn at(now: UnixTime) -> Self {
        Self {
            seconds: AtomicI64::new(now.seconds()),
            steady: AtomicU64::new(0),
        }
    }

    /// Sets the clock, forwards or backwards.
    pub fn set(&self, now: UnixTime) {
        self.seconds.store(now.seconds(), Ordering::SeqCst);
    }

    /// Lets whole seconds pass on the steady clock; the wall clock stays.
    pub fn pass(&self, by: Duration) {
        self.steady.fetch_add(by.as_secs(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_seconds(self.seconds.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Duration {
        Duration::from_secs(self.steady.load(Ordering::SeqCst))
    }
}
