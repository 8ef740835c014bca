//! A world of minters, verifiers, schedulers and an operator, driven by a seed.
//!
//! Any clock may at any time be anywhere within S, any view anywhere within C,
//! any commit anywhere within L. Schedulers race, crash before and after they
//! commit, and pause for whole periods. After every event the invariants I1 to I5
//! are checked, and the closed-world promise.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::ops::AddAssign;

use tokenwright::UnixTime;
use tokenwright::keyring::{
    Change, Defaults, EmergencyOptions, Event, Keyring, KeyringErrorKind, LargeJump, NewKey,
    Outage, Pace, PolicyNumbers, RotationPolicy, Step, compromise, resume, step, suspend,
};

use crate::model::{
    Commit, Halves, Random, Token, Weakening, accepts, halves, new_key, number, readable, time,
};

const START: Halves = 2_000_000;
const SCHEDULERS: u64 = 3;
const VERIFIERS: usize = 5;
const MINTERS: usize = 3;
/// Tokens in circulation that verifiers draw from.
const TOKENS: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Setting {
    Planned,
    Emergencies,
}

/// What happened, so that a test can see that it did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) pairs: u64,
    pub(crate) minted: u64,
    pub(crate) rotations: u64,
    pub(crate) lost_races: u64,
    pub(crate) crashes: u64,
    pub(crate) compromised: u64,
    pub(crate) suspended: u64,
    pub(crate) resumed: u64,
    pub(crate) refused_forgeries: u64,
    pub(crate) refused_compromised: u64,
    pub(crate) unknown_refused: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.pairs += other.pairs;
        self.minted += other.minted;
        self.rotations += other.rotations;
        self.lost_races += other.lost_races;
        self.crashes += other.crashes;
        self.compromised += other.compromised;
        self.suspended += other.suspended;
        self.resumed += other.resumed;
        self.refused_forgeries += other.refused_forgeries;
        self.refused_compromised += other.refused_compromised;
        self.unknown_refused += other.unknown_refused;
    }
}

/// What is under way: a scheduler wakes, or its commit reaches the store.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    Wake(u64),
    Commit(usize),
}

struct Draft {
    scheduler: u64,
    begun: Halves,
    base: usize,
    change: Option<Change>,
    erases: Option<usize>,
}

/// What an emergency did to a key, in true time.
#[derive(Clone, Copy, Default)]
struct Trouble {
    /// When a mark was committed, and until when nobody but a slow reader loses a token:
    /// by a drain, until the mark; otherwise not at all.
    marked: Option<(Halves, Halves)>,
    /// When the first suspension was begun; tokens made after that may die.
    suspended: Option<Halves>,
    /// The document that resumed it.
    resumed: Option<usize>,
    /// Until when tokens of a key rushed into service may be refused.
    rushed_until: Halves,
}

pub(crate) struct World {
    setting: Setting,
    random: Random,
    numbers: PolicyNumbers,
    policy: RotationPolicy,
    now: Halves,
    commits: Vec<Commit>,
    queue: BinaryHeap<Reverse<(Halves, Work)>>,
    drafts: HashMap<usize, Draft>,
    made: usize,
    erased: HashMap<usize, Halves>,
    trouble: HashMap<usize, Trouble>,
    seen_by_verifiers: [usize; VERIFIERS],
    seen_by_minters: [usize; MINTERS],
    tokens: Vec<(Token, Halves)>,
    /// Nobody may be signing until then, as was accepted.
    outage_until: Halves,
    /// Where gaps begin that were accepted.
    gaps: HashSet<UnixTime>,
    tally: Tally,
}

impl World {
    pub(crate) fn new(seed: u64, setting: Setting) -> Self {
        let mut random = Random::new(seed.wrapping_mul(0x5851_f42d_4c95_7f2d));
        let numbers = numbers(&mut random);
        let policy = RotationPolicy::new(numbers).unwrap();
        let keyring =
            Keyring::create("r", policy, Defaults::default(), new_key(0), time(START)).unwrap();
        let skew = halves_of(numbers.clock_skew);
        let mut world = Self {
            setting,
            random,
            numbers,
            policy,
            now: START,
            commits: vec![Commit::new(START - skew, START - skew, keyring)],
            queue: BinaryHeap::new(),
            drafts: HashMap::new(),
            made: 1,
            erased: HashMap::new(),
            trouble: HashMap::new(),
            seen_by_verifiers: [0; VERIFIERS],
            seen_by_minters: [0; MINTERS],
            tokens: Vec::new(),
            outage_until: START,
            gaps: HashSet::new(),
            tally: Tally::default(),
        };
        for scheduler in 0..SCHEDULERS {
            world.queue.push(Reverse((START, Work::Wake(scheduler))));
        }
        world
    }

    /// Runs until that many tokens were verified.
    pub(crate) fn run(mut self, pairs: u64) -> Tally {
        while self.tally.pairs < pairs {
            let pause = self.pause();
            self.work_until(self.now + pause);
            if self.setting == Setting::Emergencies && self.random.one_in(40) {
                self.emergency();
            }
            self.mint();
            for _ in 0..8 {
                self.verify();
            }
            self.forge();
        }
        self.tally
    }

    /// How long until something is looked at: mostly not long, and never no time at
    /// all, so that what was minted before a commit was minted earlier.
    fn pause(&mut self) -> Halves {
        let period = halves_of(self.numbers.period);
        match self.random.next() % 8 {
            0..=4 => self.random.between(1, 2),
            5 | 6 => self.random.between(1, (period / 32).max(2)),
            _ => self.random.between(1, (period / 4).max(2)),
        }
    }

    fn skew(&mut self) -> Halves {
        self.random.edgy(0, halves_of(self.numbers.clock_skew))
    }

    // Schedulers.

    fn work_until(&mut self, until: Halves) {
        while let Some(Reverse((at, _))) = self.queue.peek() {
            if *at > until {
                break;
            }
            let Some(Reverse((at, work))) = self.queue.pop() else {
                break;
            };
            self.now = self.now.max(at);
            match work {
                Work::Wake(scheduler) => self.wake(scheduler),
                Work::Commit(draft) => self.land(draft),
            }
        }
        self.now = until;
    }

    /// A scheduler reads its clock and a document, and decides.
    fn wake(&mut self, scheduler: u64) {
        let again = self.now
            + self
                .random
                .between(1, halves_of(self.numbers.period).min(40));
        if self.random.one_in(200) {
            // It is down for most of a period; the others go on.
            let long = self.now + halves_of(self.numbers.period);
            self.queue.push(Reverse((long, Work::Wake(scheduler))));
            return;
        }
        let (oldest, newest) = self.readable(self.now);
        let base = self.random.edgy(oldest as i64, newest as i64) as usize;
        let clock = time(self.now + self.skew());
        let keyring = self.commits[base].keyring.clone();
        let mut answer = step(&keyring, clock, None, LargeJump::Refuse).unwrap();
        if let Step::NeedsKey { .. } = answer {
            // Material first; a crash here leaves an orphan that nobody misses.
            let supply = self.make_key();
            if self.random.one_in(20) {
                self.tally.crashes += 1;
                self.queue.push(Reverse((again, Work::Wake(scheduler))));
                return;
            }
            answer = step(&keyring, clock, Some(supply), LargeJump::Refuse).unwrap();
        }
        let (change, erases) = match answer {
            Step::Idle { .. } => {
                self.queue.push(Reverse((again, Work::Wake(scheduler))));
                return;
            }
            Step::Commit(change) => (change, None),
            Step::Erase { then, .. } => {
                let erases = match &then.event {
                    Event::PrivateHalfErased { id } | Event::Withdrawn { id } => number(id),
                    other => panic!("unexpected: {other:?}"),
                };
                self.erased.entry(erases).or_insert(self.now);
                (then, Some(erases))
            }
            other => panic!("unexpected: {other:?}"),
        };
        self.commit_later(scheduler, base, change, erases);
    }

    fn commit_later(&mut self, scheduler: u64, base: usize, change: Change, erases: Option<usize>) {
        let draft = Draft {
            scheduler,
            begun: self.now,
            base,
            change: Some(change),
            erases,
        };
        let number = self.made * 1_000 + self.drafts.len();
        self.made += 1;
        let delay = self.random.edgy(0, halves_of(self.numbers.propagation));
        self.queue
            .push(Reverse((self.now + delay, Work::Commit(number))));
        self.drafts.insert(number, draft);
    }

    /// A commit reaches the store: compare-and-swap.
    fn land(&mut self, number: usize) {
        let Some(draft) = self.drafts.remove(&number) else {
            return;
        };
        let again = self.now + self.random.between(0, 3);
        self.queue
            .push(Reverse((again, Work::Wake(draft.scheduler))));
        if self.random.one_in(20) {
            self.tally.crashes += 1;
            return;
        }
        if draft.base + 1 != self.commits.len() {
            self.tally.lost_races += 1;
            return;
        }
        if let Some(change) = draft.change {
            if let Some(erased) = draft.erases {
                assert!(self.erased[&erased] <= self.now);
            }
            if matches!(change.event, Event::SuccessorPublished { .. }) {
                self.tally.rotations += 1;
            }
            self.commit(draft.begun, change.keyring);
        }
    }

    fn commit(&mut self, begun: Halves, keyring: Keyring) {
        let before = &self.commits.last().unwrap().keyring;
        assert!(before.version() < keyring.version());
        assert!(before.as_of() <= keyring.as_of());
        // What is read back is what was written.
        if self.random.one_in(64) {
            assert_eq!(
                Keyring::from_json(keyring.to_json().as_bytes()).unwrap(),
                keyring
            );
        }
        self.check_i5(&keyring);
        self.commits.push(Commit::new(begun, self.now, keyring));
    }

    /// I5: at every instant one key signs; after the first, exactly one, but for outages accepted.
    fn check_i5(&self, keyring: &Keyring) {
        for (ends, starts) in gaps(keyring) {
            // What is over was looked at when it was made; the key between may be gone by now.
            if starts <= keyring.as_of() {
                continue;
            }
            assert!(
                self.gaps.contains(&ends),
                "nobody signs from {ends:?} to {starts:?}: {}",
                keyring.to_json()
            );
        }
        if self.setting == Setting::Planned {
            let count = keyring.published(keyring.as_of()).count() as u64;
            assert!(count <= self.policy.keys_at_once(), "rule 10: {count} keys");
        }
    }

    fn make_key(&mut self) -> NewKey {
        self.made += 1;
        new_key(self.made)
    }

    fn readable(&self, at: Halves) -> (usize, usize) {
        readable(&self.commits, at, halves_of(self.numbers.propagation))
    }

    // Minters and verifiers.

    /// A view of the given age that never goes back: when it was fetched, and which document.
    fn view(&mut self, age: Halves, seen: usize) -> (Halves, usize) {
        let fetched = (self.now - age).max(START);
        let (oldest, newest) = self.readable(fetched);
        let version = self.random.edgy(oldest as i64, newest as i64) as usize;
        // A view fetched earlier cannot show more than one seen before; it was not fetched then.
        if version < seen {
            (self.now, seen)
        } else {
            (fetched, version)
        }
    }

    fn mint(&mut self) {
        let minter = self.random.between(0, MINTERS as i64 - 1) as usize;
        let age = self.random.edgy(0, halves_of(self.numbers.view_age));
        let (_, version) = self.view(age, self.seen_by_minters[minter]);
        self.seen_by_minters[minter] = version;
        let clock = self.now + self.skew();
        let keyring = self.commits[version].keyring.clone();
        let local = keyring.clock(time(clock));
        let record = match keyring.signer(local) {
            Ok(record) => record,
            Err(error) => {
                assert_eq!(error.kind(), KeyringErrorKind::NoSigner);
                assert!(
                    self.now <= self.outage_until,
                    "nobody signs: {}",
                    keyring.to_json()
                );
                return;
            }
        };
        let key = number(record.id());
        let trouble = self.trouble.get(&key).copied().unwrap_or_default();
        if let Some((committed, _)) = trouble.marked {
            // I4: within L + C every minter has left a marked key, or its time to sign is over.
            let stops = self
                .latest()
                .key(record.id().as_str())
                .and_then(|key| key.stops_signing_at());
            let known = committed + self.known();
            assert!(
                self.now < known || stops.is_none_or(|stops| local < stops),
                "k{key} signs after it was marked"
            );
        } else if trouble.suspended.is_none() {
            // Rule 5: what may sign has not been erased.
            let erased = self.erased.get(&key);
            assert!(
                erased.is_none_or(|erased| self.now < *erased),
                "k{key} is erased"
            );
        }
        let longest = record.lifetime_to_sign(local, &self.policy).as_secs();
        let lifetime = self.random.edgy(1, 2 * longest as i64);
        let token = Token {
            key,
            issued: clock,
            expires: clock + lifetime,
        };
        self.tally.minted += 1;
        if self.tokens.len() < TOKENS {
            self.tokens.push((token, self.now));
        } else {
            let place = self.random.between(0, TOKENS as i64 - 1) as usize;
            self.tokens[place] = (token, self.now);
        }
    }

    fn known(&self) -> Halves {
        halves_of(self.numbers.view_age + self.numbers.propagation)
    }

    fn latest(&self) -> &Keyring {
        &self.commits.last().unwrap().keyring
    }

    fn verify(&mut self) {
        if self.tokens.is_empty() {
            return;
        }
        let place = self.random.between(0, self.tokens.len() as i64 - 1) as usize;
        let (token, minted) = self.tokens[place];
        let leeway = halves_of(self.numbers.leeway);
        let clock = self.now + self.skew();
        if clock >= token.expires + leeway + 4 {
            self.tokens.swap_remove(place);
        }
        if self.random.one_in(16) {
            self.meet_unknown(token, clock);
        }
        let verifier = self.random.between(0, VERIFIERS as i64 - 1) as usize;
        let age = self.random.edgy(0, halves_of(self.numbers.view_age));
        let (fetched, version) = self.view(age, self.seen_by_verifiers[verifier]);
        self.seen_by_verifiers[verifier] = version;
        let accepted = self.accepts(token, clock, fetched, version, verifier);
        self.tally.pairs += 1;
        if accepted {
            self.check_accepted(token, clock, verifier);
        } else if clock < token.expires + leeway {
            self.check_refused(token, minted, clock, version, verifier);
        }
    }

    /// The first three verifiers read documents; the fourth the published set,
    /// with periods; the last is a stranger that knows only the set.
    fn accepts(
        &mut self,
        token: Token,
        clock: Halves,
        fetched: Halves,
        version: usize,
        verifier: usize,
    ) -> bool {
        let publisher = fetched + self.skew();
        let commit = &self.commits[version];
        let weak = Weakening::default();
        let leeway = halves_of(self.numbers.leeway);
        if verifier >= 3 && !commit.publishes(token.key, publisher, weak) {
            return false;
        }
        match commit.period(token.key) {
            Some(_) if verifier == 4 => accepts(token, None, clock, leeway, weak),
            Some(period) => accepts(token, Some(&period), clock, leeway, weak),
            None => false,
        }
    }

    /// I1: a good token is refused only for what an emergency did to its key.
    fn check_refused(
        &mut self,
        token: Token,
        minted: Halves,
        clock: Halves,
        version: usize,
        verifier: usize,
    ) {
        // What is published follows the publisher's clock, which may be fast.
        let ahead = if verifier >= 3 {
            halves_of(self.numbers.clock_skew)
        } else {
            0
        };
        let trouble = self.trouble.get(&token.key).copied().unwrap_or_default();
        if let Some((_, refused)) = trouble.marked
            && clock + ahead >= refused
        {
            self.tally.refused_compromised += 1;
            return;
        }
        if let Some(begun) = trouble.suspended {
            let resumed = trouble.resumed.is_some_and(|resumed| resumed <= version);
            let period = self.commits[version].period(token.key);
            // Tokens of the very moment in which another key took over may be lost.
            let covered = period.is_some_and(|it| it.may_have_signed_at(time(token.issued)));
            if !resumed || minted >= begun || !covered {
                return;
            }
        }
        if self.now <= trouble.rushed_until {
            return;
        }
        panic!(
            "I1: {token:?}, minted at {minted}, is refused at {} (clock {clock}) by document {version} of {}: {}",
            self.now,
            self.commits.len(),
            self.commits[version].keyring.to_json()
        );
    }

    /// I3 and I4: what is accepted may be.
    fn check_accepted(&self, token: Token, clock: Halves, verifier: usize) {
        let trouble = self.trouble.get(&token.key).copied().unwrap_or_default();
        if let Some((committed, refused)) = trouble.marked {
            // A stranger learns of the mark only from what is published.
            let age = halves_of(self.numbers.view_age);
            let late = if verifier == 4 { age } else { 0 };
            let end = (committed + self.known()).max(refused + late);
            assert!(
                self.now < end,
                "I4: k{} is accepted after it was marked",
                token.key
            );
        }
        let stops = self
            .latest()
            .keys()
            .iter()
            .find(|key| number(key.id()) == token.key);
        if let Some(stops) = stops.and_then(|key| key.stops_signing_at()) {
            let life = halves_of(self.numbers.token_lifetime + self.numbers.leeway);
            assert!(
                trouble.marked.is_some()
                    || trouble.suspended.is_some()
                    || clock < halves(stops) + life,
                "I3: k{} is worth more than T + λ past D",
                token.key
            );
        }
    }

    /// The closed world: even a view of any age refuses an unknown key id only
    /// when no such key can have signed.
    fn meet_unknown(&mut self, token: Token, clock: Halves) {
        let fetched = (self.now - self.random.between(0, 8 * self.known())).max(START);
        let version = self.random.edgy(
            self.readable(fetched).0 as i64,
            self.readable(fetched).1 as i64,
        ) as usize;
        let reader = fetched + self.skew();
        let keyring = &self.commits[version].keyring;
        let until = halves(keyring.complete_until(time(reader)));
        let known = keyring.state_of(&format!("k{}", token.key), time(clock));
        let rushed = self
            .trouble
            .get(&token.key)
            .is_some_and(|trouble| trouble.rushed_until > 0);
        if known.is_none() && !rushed {
            let at_once = clock < until - halves_of(self.numbers.clock_skew);
            assert!(!at_once, "closed world: k{} exists at {clock}", token.key);
        }
        let made_up = clock < until - halves_of(self.numbers.clock_skew);
        self.tally.unknown_refused += u64::from(made_up);
    }

    /// I2: whoever knows a key's record refuses what it cannot have signed.
    fn forge(&mut self) {
        let version = self.commits.len() - 1;
        let commit = &self.commits[version];
        let Some((key, Some(period))) = commit.periods.first().copied() else {
            return;
        };
        let from = halves(period.signs_from);
        let mut times = vec![from - 1, from - 2];
        if let Some(until) = period.signs_until {
            times.extend([halves(until), halves(until) + 1]);
        }
        let leeway = halves_of(self.numbers.leeway);
        for issued in times {
            let token = Token {
                key,
                issued,
                expires: issued + 2,
            };
            let refused = !accepts(token, Some(&period), issued, leeway, Weakening::default());
            assert!(refused, "I2: {token:?} is accepted by {period:?}");
            self.tally.refused_forgeries += 1;
        }
    }

    // The operator.

    fn emergency(&mut self) {
        let skew = self.skew();
        let clock = time(self.now + skew);
        let keyring = self.commits.last().unwrap().keyring.clone();
        let kind = self.random.next() % 3;
        let place = self.random.between(0, keyring.keys().len() as i64 - 1) as usize;
        let suspended = keyring
            .keys()
            .iter()
            .find(|key| key.suspended_since().is_some());
        let record = match suspended {
            Some(record) if kind == 0 => record,
            _ => &keyring.keys()[place],
        };
        let id = record.id().clone();
        let key = number(&id);
        let options = EmergencyOptions {
            pace: if self.random.one_in(2) {
                Pace::Drain
            } else {
                Pace::AtOnce
            },
            outage: if self.random.one_in(4) {
                Outage::Accept
            } else {
                Outage::Refuse
            },
            jump: LargeJump::Refuse,
        };
        let supply = self.random.one_in(2).then(|| self.make_key());
        let done = match kind {
            0 => resume(&keyring, clock, &id, LargeJump::Refuse).map(|change| (change, None)),
            1 => suspend(&keyring, clock, &id, options, supply)
                .map(|done| (done.change, Some((done.radius, done.successor)))),
            _ => compromise(&keyring, clock, &id, options, supply)
                .map(|done| (done.change, Some((done.radius, done.successor)))),
        };
        let (change, cost) = match done {
            Ok(done) => done,
            Err(error) => {
                let expected = [
                    KeyringErrorKind::NothingToDo,
                    KeyringErrorKind::NoStandby,
                    KeyringErrorKind::Final,
                ];
                assert!(expected.contains(&error.kind()), "{error}");
                return;
            }
        };
        let trouble = self.trouble.entry(key).or_default();
        match &change.event {
            Event::Compromised { at, .. } => {
                self.tally.compromised += 1;
                trouble.marked = Some((self.now, halves(*at)));
                if options.pace == Pace::AtOnce {
                    trouble.marked = Some((self.now, Halves::MIN / 4));
                }
            }
            Event::Suspended { .. } => {
                self.tally.suspended += 1;
                trouble.suspended = trouble.suspended.or(Some(self.now));
                trouble.resumed = None;
                // Until somebody resumes it, perhaps nobody signs.
            }
            Event::Resumed { .. } => {
                self.tally.resumed += 1;
                trouble.resumed = Some(self.commits.len());
            }
            other => panic!("unexpected: {other:?}"),
        }
        if let Some((radius, successor)) = cost {
            let outage = radius.outage.map(|outage| 2 * outage.as_secs() as Halves);
            self.expect_outage(outage, &change.keyring);
            if let (Some(successor), Some(outage)) = (successor, radius.outage)
                && !outage.is_zero()
            {
                let until = self.now + 2 * outage.as_secs() as Halves + 2 * self.known();
                self.trouble
                    .entry(number(&successor))
                    .or_default()
                    .rushed_until = until;
            }
        }
        self.commit(self.now, change.keyring);
    }

    /// Minters whose clocks are slow, or whose view is old, may find no key for a while.
    fn expect_outage(&mut self, outage: Option<Halves>, keyring: &Keyring) {
        let settle = self.known() + 2 * halves_of(self.numbers.clock_skew) + 2;
        let mut until = self.now;
        if outage.is_none() {
            // A suspended signer stays away until it is resumed, or its period ends.
            until += 3 * halves_of(self.numbers.period);
        } else if outage > Some(0) {
            for (ends, starts) in gaps(keyring) {
                self.gaps.insert(ends);
                until = until.max(halves(starts));
            }
        }
        self.outage_until = self.outage_until.max(until + settle);
    }
}

/// The times in which no key has its turn, between those that have.
fn gaps(keyring: &Keyring) -> Vec<(UnixTime, UnixTime)> {
    let mut windows: Vec<_> = keyring
        .keys()
        .iter()
        .filter(|key| key.activates_at() != key.stops_signing_at())
        .filter_map(|key| Some((key.activates_at()?, key.stops_signing_at())))
        .collect();
    windows.sort();
    assert_eq!(windows.last().map(|last| last.1), Some(None));
    let pairs = windows.windows(2).map(|pair| {
        let ends = pair[0].1.expect("an earlier key has an end");
        assert!(
            ends <= pair[1].0,
            "two keys sign at once: {}",
            keyring.to_json()
        );
        (ends, pair[1].0)
    });
    pairs.filter(|(ends, starts)| ends < starts).collect()
}

fn halves_of(seconds: u64) -> Halves {
    2 * seconds as Halves
}

/// A policy that keeps the rules, from tiny to the size of real ones.
fn numbers(random: &mut Random) -> PolicyNumbers {
    let scale = [1, 4, 30][(random.next() % 3) as usize];
    let mut number = |least, most| random.between(least, most) as u64;
    let clock_skew = number(0, 2 * scale);
    let (view_age, propagation) = (number(0, 10 * scale), number(0, scale));
    let ahead = clock_skew + view_age + propagation;
    let token_lifetime = number(1, 30 * scale);
    PolicyNumbers {
        clock_skew,
        view_age,
        propagation,
        token_lifetime,
        leeway: clock_skew + number(0, 2),
        period: ahead.max(4) + 2 + number(0, 40 * scale),
        publish_ahead: (number(0, 2) == 0)
            .then_some(ahead + number(0, 2))
            .filter(|_| ahead > 4),
        most_keys: 64,
    }
}
