//! Timing: all that is compared runs in turn, round after round, so that what else the
//! machine does falls on all alike; the median of the rounds counts. Time is the thread's
//! own processor time, without the turns that other programs take.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::counting::allocations_of;

/// How long one contestant runs before the next has its turn: long enough for the clock,
/// short enough that all see the same machine.
const BLOCK_NS: f64 = 400_000.0;

/// Calls whose allocations are counted.
const COUNTED: usize = 64;

/// Whose figure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Ours, which the ratios are of.
    Ours,
    /// Ours another way: shown, not compared.
    OursToo,
    Peer,
    /// The bare cryptography.
    Raw,
}

/// One of the things compared.
pub struct Contestant {
    pub kind: Kind,
    pub name: String,
    /// One call, with the number of it.
    run: Box<dyn FnMut(usize)>,
    /// Runs unmeasured before each block, with the number of calls to come.
    prepare: Option<Box<dyn FnMut(usize)>>,
    /// The most calls in a block, where there is only so much to work on.
    most: usize,
}

impl Contestant {
    pub fn new(kind: Kind, name: impl Into<String>, run: impl FnMut(usize) + 'static) -> Self {
        Self {
            kind,
            name: name.into(),
            run: Box::new(run),
            prepare: None,
            most: usize::MAX,
        }
    }

    /// Makes things ready before each block of at most so many calls, outside of the time.
    pub fn prepared(mut self, most: usize, prepare: impl FnMut(usize) + 'static) -> Self {
        self.prepare = Some(Box::new(prepare));
        self.most = most;
        self
    }

    fn block(&mut self, calls: usize, warm: usize) -> f64 {
        match &mut self.prepare {
            Some(prepare) => prepare(calls),
            // The caches hold what this contestant uses, as in a server that does little else.
            None => (0..warm).for_each(|call| (self.run)(call)),
        }
        let start = now();
        for call in 0..calls {
            (self.run)(call);
        }
        (now() - start).as_nanos() as f64 / calls as f64
    }
}

fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("a time that is not negative")
}

/// What came out for one contestant, for each operation.
#[derive(Clone, Debug)]
pub struct Timing {
    pub kind: Kind,
    pub name: String,
    /// The median of the rounds, in nanoseconds.
    pub ns: f64,
    /// Half of what lies between the quartiles, as a share of the median.
    pub spread: f64,
    /// In Rust code; not a number where nobody counted.
    pub allocations: f64,
}

/// Runs all of them in turn.
pub fn compare(contestants: &mut [Contestant], rounds: usize) -> Vec<Timing> {
    let calls: Vec<usize> = contestants.iter_mut().map(calls_in_a_block).collect();
    let mut times = vec![Vec::with_capacity(rounds); contestants.len()];
    for round in 0..rounds {
        // Nobody always follows the same one.
        for turn in 0..contestants.len() {
            let which = (turn + round) % contestants.len();
            let calls = calls[which];
            times[which].push(contestants[which].block(calls, calls.div_ceil(4)));
        }
    }
    contestants
        .iter_mut()
        .zip(times)
        .map(|(contestant, mut times)| {
            times.sort_by(f64::total_cmp);
            let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
            Timing {
                kind: contestant.kind,
                name: contestant.name.clone(),
                ns: at(0.5),
                spread: (at(0.75) - at(0.25)) / 2.0 / at(0.5),
                allocations: allocations(contestant),
            }
        })
        .collect()
}

fn calls_in_a_block(contestant: &mut Contestant) -> usize {
    contestant.block(1, 1);
    let once = contestant.block(4.min(contestant.most), 1);
    ((BLOCK_NS / once) as usize).clamp(1, contestant.most)
}

fn allocations(contestant: &mut Contestant) -> f64 {
    let calls = COUNTED.min(contestant.most);
    contestant.block(calls, 1);
    if let Some(prepare) = &mut contestant.prepare {
        prepare(calls);
    }
    let run = &mut contestant.run;
    let counted = allocations_of(|| (0..calls).for_each(run));
    counted as f64 / calls as f64
}
