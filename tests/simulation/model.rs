//! What the simulations share: time in halves of a second, tokens without
//! signatures, and the verifier's rules over the real states and periods.
//!
//! Times of keys are whole seconds, clocks are not: half a second stands for
//! everything in between, and makes the bounds tight.

use std::rc::Rc;

use tokenwright::UnixTime;
use tokenwright::key::{Algorithm, KeyId};
use tokenwright::keyring::{KeyPeriod, Keyring, NewKey};

/// Halves of a second since the epoch.
pub(crate) type Halves = i64;

pub(crate) fn time(halves: Halves) -> UnixTime {
    let nanoseconds = if halves.rem_euclid(2) == 1 {
        500_000_000
    } else {
        0
    };
    UnixTime::new(halves.div_euclid(2), nanoseconds)
}

pub(crate) fn halves(time: UnixTime) -> Halves {
    time.seconds() * 2
}

/// How much the constants that policies do not choose are weakened, in seconds.
#[derive(Clone, Copy, Default)]
pub(crate) struct Weakening {
    /// Keys verify that much shorter than V.
    pub(crate) verify: i64,
    /// Keys leave the published set that much earlier than V + S.
    pub(crate) withdraw: i64,
    /// Verifiers grant that much less leeway than the policy says.
    pub(crate) leeway: i64,
    /// Private halves are erased that much earlier than D + S.
    pub(crate) erase: i64,
}

pub(crate) fn new_key(number: usize) -> NewKey {
    let name = format!("k{number}");
    NewKey {
        id: KeyId::new(&name).unwrap(),
        algorithm: Algorithm::EdDsa,
        public: Some(name.clone()),
        address: name,
    }
}

pub(crate) fn number(id: &KeyId) -> usize {
    id.as_str()[1..].parse().unwrap()
}

/// A token whose signature is right: only times are left to judge.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) key: usize,
    pub(crate) issued: Halves,
    pub(crate) expires: Halves,
}

/// A committed document.
pub(crate) struct Commit {
    /// When the scheduler that made it read its clock, in true time.
    pub(crate) begun: Halves,
    /// When it was committed, in true time.
    pub(crate) done: Halves,
    pub(crate) keyring: Rc<Keyring>,
    /// The periods of its keys, by number.
    pub(crate) periods: Vec<(usize, Option<KeyPeriod>)>,
}

impl Commit {
    pub(crate) fn new(begun: Halves, done: Halves, keyring: Keyring) -> Self {
        let keys = keyring.keys().iter();
        Self {
            begun,
            done,
            periods: keys.map(|key| (number(key.id()), key.period())).collect(),
            keyring: Rc::new(keyring),
        }
    }

    pub(crate) fn period(&self, key: usize) -> Option<KeyPeriod> {
        self.periods.iter().find(|(other, _)| *other == key)?.1
    }

    /// Whether a publisher whose clock says `clock` hands the key out.
    pub(crate) fn publishes(&self, key: usize, clock: Halves, weak: Weakening) -> bool {
        let clock = time(clock + 2 * weak.withdraw);
        self.keyring
            .published(clock)
            .any(|record| number(record.id()) == key)
    }
}

/// The oldest and the newest document a reader may get at `at`, true time.
pub(crate) fn readable(commits: &[Commit], at: Halves, propagation: Halves) -> (usize, usize) {
    let newest = commits
        .iter()
        .rposition(|commit| commit.done <= at)
        .unwrap_or(0);
    let oldest = commits[..=newest]
        .iter()
        .rposition(|commit| commit.begun + propagation <= at)
        .unwrap_or(0);
    (oldest, newest)
}

/// Rule 8, on the verifier's own clock; without a period for foreign verifiers.
pub(crate) fn accepts(
    token: Token,
    period: Option<&KeyPeriod>,
    clock: Halves,
    leeway: Halves,
    weak: Weakening,
) -> bool {
    let leeway = leeway - 2 * weak.leeway;
    let alive = token.issued - leeway <= clock && clock < token.expires + leeway;
    let Some(period) = period else { return alive };
    let (issued, expires) = (time(token.issued), time(token.expires));
    alive
        && period.may_have_signed_at(issued)
        && expires.saturating_since(issued) <= period.max_lifetime
        && period
            .verifies_until
            .is_none_or(|until| time(clock + 2 * weak.verify) < until)
}

/// Steele, Lea and Flood's SplitMix64: small, and the same everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `least` to `most`, both included.
    pub(crate) fn between(&mut self, least: i64, most: i64) -> i64 {
        let span = (most - least + 1) as u64;
        least + (self.next() % span) as i64
    }

    /// As `between`, but every second time one of the ends: bounds break there.
    pub(crate) fn edgy(&mut self, least: i64, most: i64) -> i64 {
        match self.next() % 4 {
            0 => least,
            1 => most,
            _ => self.between(least, most),
        }
    }

    pub(crate) fn one_in(&mut self, chances: u64) -> bool {
        self.next().is_multiple_of(chances)
    }
}
