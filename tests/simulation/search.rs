//! A search for a counter-example: one policy, planned rotation, and every
//! combination of clocks, views and moments that could break it.

use std::collections::HashMap;

use tokenwright::keyring::{
    Defaults, Event, Keyring, LargeJump, PolicyNumbers, RotationPolicy, Step, step,
};

use crate::model::{
    Commit, Halves, Token, Weakening, accepts, halves, new_key, number, readable, time,
};

/// How much is tried.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Effort {
    /// The ends of every range.
    Edges,
    /// Every half second and every difference of clocks.
    All,
}

/// The start of the scheduler's clock, far from zero on either side.
const START: Halves = 2_000_000;

struct Search {
    numbers: PolicyNumbers,
    weak: Weakening,
    effort: Effort,
    commits: Vec<Commit>,
    /// Until when the schedule ran, by its own clock.
    end: Halves,
    /// When private halves were erased, in true time.
    erased: HashMap<usize, Halves>,
}

/// What breaks under this policy, if anything does.
pub(crate) fn counter_example(
    numbers: PolicyNumbers,
    weak: Weakening,
    effort: Effort,
) -> Option<String> {
    let skew = 2 * numbers.clock_skew as Halves;
    for scheduler in choices(0, skew, effort) {
        let search = Search::over(numbers, weak, effort, scheduler);
        let found = search
            .too_many_keys()
            .or_else(|| search.late())
            .or_else(|| search.refused());
        if let Some(found) = found {
            return Some(format!("scheduler's clock +{scheduler}/2 s: {found}"));
        }
    }
    None
}

fn choices(least: Halves, most: Halves, effort: Effort) -> Vec<Halves> {
    match effort {
        Effort::All => (least..=most).collect(),
        Effort::Edges if least == most => vec![least],
        Effort::Edges => vec![least, most],
    }
}

impl Search {
    /// Runs the schedule, punctually, by a clock that is `ahead` of true time.
    fn over(numbers: PolicyNumbers, weak: Weakening, effort: Effort, ahead: Halves) -> Self {
        let policy = RotationPolicy::unchecked_for_simulation(numbers);
        let keyring =
            Keyring::create("r", policy, Defaults::default(), new_key(0), time(START)).unwrap();
        let period = numbers.period.max(policy.publish_ahead().as_secs()) as Halves;
        let life = (numbers.token_lifetime + numbers.leeway + numbers.clock_skew) as Halves;
        let end = START + 2 * (4 * period + life);
        let mut search = Self {
            end,
            numbers,
            weak,
            effort,
            commits: vec![Commit::new(START - ahead, START - ahead, keyring)],
            erased: HashMap::new(),
        };
        let mut clock = START;
        let mut made = 1;
        while clock <= end {
            clock = search.act(clock, ahead, &mut made);
        }
        search
    }

    /// One step at `clock`; when to look again.
    fn act(&mut self, clock: Halves, ahead: Halves, made: &mut usize) -> Halves {
        let latest = self.commits.last().unwrap().keyring.clone();
        let now = clock - ahead;
        let mut answer = step(&latest, time(clock), None, LargeJump::Accept).unwrap();
        if let Step::NeedsKey { .. } = answer {
            let supply = new_key(*made);
            *made += 1;
            answer = step(&latest, time(clock), Some(supply), LargeJump::Accept).unwrap();
        }
        match answer {
            Step::Commit(change) => self.commits.push(Commit::new(now, now, change.keyring)),
            Step::Erase { then, .. } => {
                self.erase(&then.event, now);
                self.commits.push(Commit::new(now, now, then.keyring));
            }
            Step::Idle { next } if self.weak.erase == 0 => {
                return next.map_or(Halves::MAX, halves);
            }
            Step::Idle { .. } => {
                let early = time(clock + 2 * self.weak.erase);
                for key in latest.keys() {
                    let due = key.private_erased_from(latest.policy());
                    if due.is_some_and(|due| due <= early) {
                        self.erased.entry(number(key.id())).or_insert(now);
                    }
                }
                return clock + 2;
            }
            other => panic!("unexpected: {other:?}"),
        }
        clock
    }

    fn erase(&mut self, event: &Event, now: Halves) {
        if let Event::PrivateHalfErased { id } = event {
            self.erased.entry(number(id)).or_insert(now);
        }
    }

    /// Rule 10: more keys are published than readers take.
    fn too_many_keys(&self) -> Option<String> {
        let counts = self.commits.iter().map(|commit| {
            let clock = commit.keyring.as_of();
            commit.keyring.published(clock).count() as u64
        });
        let most = counts.max()?;
        (most > self.numbers.most_keys).then(|| format!("{most} keys are published at once"))
    }

    /// Rule 10: a key signs for longer than a period though nobody was late.
    fn late(&self) -> Option<String> {
        let keys = self.commits.iter().flat_map(|commit| commit.keyring.keys());
        for key in keys {
            if let (Some(from), Some(until)) = (key.activates_at(), key.stops_signing_at()) {
                let signed = until.saturating_since(from).as_secs();
                if signed > self.numbers.period {
                    return Some(format!("{} signs for {signed} s", key.id()));
                }
            }
        }
        None
    }

    /// I1, and rule 5: a good token is refused, or cannot be made.
    fn refused(&self) -> Option<String> {
        let skew = 2 * self.numbers.clock_skew as Halves;
        // The second rotation: the first key's start was no planned one.
        let key = self.commits.iter().rev().find_map(|commit| {
            let mut signed = commit.keyring.keys().iter().filter(|key| {
                key.stops_signing_at()
                    .is_some_and(|stops| stops < time(self.end))
                    && key.activates_at() != Some(time(START))
            });
            signed.next().cloned()
        })?;
        let from = halves(key.activates_at()?);
        let until = halves(key.stops_signing_at()?);
        let clocks = match self.effort {
            Effort::All => (from..until).collect(),
            Effort::Edges => vec![from, until - 1],
        };
        for clock in clocks {
            for minter in choices(0, skew, self.effort) {
                let found = self.minted_at(clock, clock - minter);
                if found.is_some() {
                    return found.map(|found| format!("minter's clock +{minter}/2 s: {found}"));
                }
            }
        }
        None
    }

    /// Everything a view at `at` may be: how it was fetched, and the document.
    fn views(&self, at: Halves) -> Vec<(Halves, usize)> {
        let age = 2 * self.numbers.view_age as Halves;
        let mut views = Vec::new();
        for fetched in choices(at - age, at, self.effort) {
            let (oldest, newest) = readable(
                &self.commits,
                fetched,
                2 * self.numbers.propagation as Halves,
            );
            views.extend((oldest..=newest).map(|version| (fetched, version)));
        }
        views
    }

    fn minted_at(&self, clock: Halves, now: Halves) -> Option<String> {
        let mut keys: Vec<usize> = Vec::new();
        for (_, version) in self.views(now) {
            let Ok(record) = self.commits[version].keyring.signer(time(clock)) else {
                return Some(format!("at {clock}/2 no key signs"));
            };
            let key = number(record.id());
            if self.erased.get(&key).is_some_and(|erased| *erased <= now) {
                return Some(format!("at {clock}/2 k{key} should sign, but is erased"));
            }
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys.into_iter().find_map(|key| {
            let token = Token {
                key,
                issued: clock,
                expires: clock + 2 * self.numbers.token_lifetime as Halves,
            };
            self.verified(token, now)
        })
    }

    fn verified(&self, token: Token, minted: Halves) -> Option<String> {
        let skew = 2 * self.numbers.clock_skew as Halves;
        let leeway = 2 * self.numbers.leeway as Halves;
        for verifier in choices(0, skew, self.effort) {
            let last = (token.expires + leeway - 1 - verifier).max(minted);
            for now in choices(minted, last, self.effort) {
                for (fetched, version) in self.views(now) {
                    let clock = now + verifier;
                    if clock >= token.expires + leeway {
                        continue;
                    }
                    let commit = &self.commits[version];
                    if !self.accepted(token, commit, clock, fetched) {
                        return Some(format!(
                            "{token:?} is refused at {clock}/2, verifier's clock +{verifier}/2 s, document {version} \
                             fetched at {fetched}/2"
                        ));
                    }
                }
            }
        }
        None
    }

    /// Whether every kind of verifier accepts: by the document, or by the
    /// published set of some publisher.
    fn accepted(&self, token: Token, commit: &Commit, clock: Halves, fetched: Halves) -> bool {
        let leeway = 2 * self.numbers.leeway as Halves;
        let skew = 2 * self.numbers.clock_skew as Halves;
        let Some(period) = commit.period(token.key) else {
            return false;
        };
        accepts(token, Some(&period), clock, leeway, self.weak)
            && choices(0, skew, Effort::Edges)
                .into_iter()
                .all(|publisher| commit.publishes(token.key, fetched + publisher, self.weak))
    }
}
