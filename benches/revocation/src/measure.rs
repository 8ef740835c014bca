//! Timing: everything that is compared runs in turn, round after round, so that what
//! else the machine does falls on all alike; the median of the rounds counts. Time is
//! the thread's own processor time, without the turns that other programs take.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A stopwatch that runs while this thread does.
#[derive(Clone, Copy)]
pub struct Stopwatch(Duration);

impl Stopwatch {
    pub fn start() -> Self {
        Self(Self::now())
    }

    pub fn elapsed(self) -> Duration {
        Self::now() - self.0
    }

    fn now() -> Duration {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::try_from(time).expect("a time that is not negative")
    }
}

/// One of the things compared: runs once for a round and says how many operations that were.
pub struct Contestant<'a> {
    pub name: String,
    run: Box<dyn FnMut(usize) -> usize + 'a>,
}

impl<'a> Contestant<'a> {
    pub fn new(name: impl Into<String>, run: impl FnMut(usize) -> usize + 'a) -> Self {
        Self {
            name: name.into(),
            run: Box::new(run),
        }
    }
}

/// How the unmeasured part of a round goes.
#[derive(Clone, Copy)]
pub enum Before {
    /// Run once unmeasured: the caches hold what this contestant uses.
    Warm,
    /// Straight from the one before.
    Nothing,
}

/// Median nanoseconds an operation, for each.
pub fn medians(contestants: &mut [Contestant<'_>], rounds: usize, before: Before) -> Vec<f64> {
    let mut times = vec![Vec::with_capacity(rounds); contestants.len()];
    for round in 0..rounds {
        // Nobody always follows the same one.
        for turn in 0..contestants.len() {
            let which = (turn + round) % contestants.len();
            let run = &mut contestants[which].run;
            if matches!(before, Before::Warm) {
                run(round + rounds);
            }
            let start = Stopwatch::start();
            let operations = run(round);
            times[which].push(start.elapsed().as_nanos() as f64 / operations as f64);
        }
    }
    times
        .into_iter()
        .map(|times| percentile(times, 0.5))
        .collect()
}

/// The value below which that share of all lies.
pub fn percentile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share).round() as usize]
}
