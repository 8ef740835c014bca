//! A naive list and ours see the same random history, and never disagree.

use std::collections::HashMap;
use std::sync::Arc;

use tokenwright::keyring::LargeJump;
use tokenwright::limits::MAX_CLOCK_JUMP;
use tokenwright::store::{MemoryRevocations, RevocationFollower, RevocationStore, StoreErrorKind};
use tokenwright::{
    ManualClock, Revocation, RevocationCheck, RevokedBy, TokenFacts, UnixTime, Verdict,
};

use crate::{NOW, Scratch, later};

/// Everything that was ever added and not dropped, compared one by one.
#[derive(Default)]
struct Naive {
    entries: HashMap<(RevokedBy, String, String), (Option<UnixTime>, UnixTime)>,
    observed: UnixTime,
}

impl Naive {
    fn add(&mut self, entry: &Revocation<'_>, now: UnixTime) {
        let key = (
            entry.by(),
            entry.issuer().to_owned(),
            entry.name().to_owned(),
        );
        let kept = self
            .entries
            .entry(key)
            .or_insert((entry.issued_before(), entry.until()));
        kept.0 = kept.0.max(entry.issued_before());
        kept.1 = kept.1.max(entry.until());
        self.observe(now);
    }

    fn believes(&self, now: UnixTime) -> bool {
        now <= self.observed.saturating_add(MAX_CLOCK_JUMP)
    }

    fn observe(&mut self, now: UnixTime) {
        if self.believes(now) {
            self.observed = self.observed.max(now);
        }
    }

    fn prune(&mut self, now: UnixTime) {
        self.entries.retain(|_, (_, until)| *until > now);
    }

    fn revokes(&self, token: &Token) -> bool {
        let of = |by, name: &str| {
            let key = (by, token.issuer.to_owned(), name.to_owned());
            self.entries.get(&key)
        };
        let before = |by, name: &str| of(by, name).and_then(|(before, _)| *before);
        let latest = [
            before(RevokedBy::Subject, token.subject),
            before(RevokedBy::Audience, &token.audience[0]),
            before(RevokedBy::Issuer, ""),
        ];
        of(RevokedBy::Token, token.id).is_some()
            || of(RevokedBy::Session, token.session).is_some()
            || of(RevokedBy::Key, token.key).is_some()
            || latest.into_iter().flatten().max() > Some(token.issued_at)
    }
}

struct Token {
    issuer: &'static str,
    id: &'static str,
    session: &'static str,
    key: &'static str,
    subject: &'static str,
    audience: [String; 1],
    issued_at: UnixTime,
}

/// A generator that tells the same history again for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

const ISSUERS: [&str; 2] = ["https://a.example", "https://b.example"];
const NAMES: [&str; 6] = ["a", "b", "c", "d", "é", ""];

fn entry(dice: &mut Dice, now: UnixTime) -> Revocation<'static> {
    let (issuer, name) = (dice.one(&ISSUERS), dice.one(&NAMES));
    let moved = |by: u64| UnixTime::from_seconds(now.seconds() - 50 + by as i64);
    let (until, before) = (moved(dice.below(400)), moved(dice.below(100)));
    match dice.below(6) {
        0 => Revocation::token(issuer, name, now, until),
        1 => Revocation::session(issuer, name, now, until),
        2 => Revocation::subject_before(issuer, name, before, now, until),
        3 => Revocation::audience_before(issuer, name, before, now, until),
        4 => Revocation::issuer_before(issuer, before, now, until),
        _ => Revocation::key(issuer, name, now, until),
    }
}

fn token(dice: &mut Dice, now: UnixTime) -> Token {
    Token {
        issuer: dice.one(&ISSUERS),
        id: dice.one(&NAMES[..5]),
        session: dice.one(&NAMES),
        key: dice.one(&NAMES),
        subject: dice.one(&NAMES),
        audience: [dice.one(&NAMES).to_owned()],
        issued_at: UnixTime::from_seconds(now.seconds() - 60 + dice.below(120) as i64),
    }
}

fn is_revoked(follower: &RevocationFollower, token: &Token, now: UnixTime) -> bool {
    let facts = TokenFacts::new(token.issuer, token.key)
        .with_token_id(token.id)
        .with_session_id(token.session)
        .with_subject(token.subject)
        .with_audience(&token.audience)
        .with_issued_at(token.issued_at);
    matches!(follower.live().check(&facts, now), Verdict::Revoked { .. })
}

fn prune(stores: &[&dyn RevocationStore], naive: &mut Naive, now: UnixTime, jump: LargeJump) {
    let believed = jump == LargeJump::Accept || naive.believes(now);
    for store in stores {
        match store.prune(now, jump) {
            Ok(_) => assert!(believed),
            Err(error) => {
                assert_eq!(error.kind(), StoreErrorKind::ClockJump);
                assert!(!believed);
            }
        }
    }
    if believed {
        naive.prune(now);
        naive.observed = match jump {
            LargeJump::Accept => now,
            LargeJump::Refuse => naive.observed.max(now),
        };
    }
}

fn live_through(seed: u64, steps: usize) -> usize {
    let scratch = Scratch::new();
    let clock = Arc::new(ManualClock::at(NOW));
    let memory = MemoryRevocations::new();
    let mut file = scratch.store();
    let mut naive = Naive {
        observed: NOW,
        ..Naive::default()
    };
    memory.create(NOW).unwrap();
    file.create(NOW).unwrap();
    let follow_file =
        |scratch: &Scratch| RevocationFollower::open(scratch.store(), Arc::clone(&clock)).unwrap();
    let of_memory = RevocationFollower::open(memory.clone(), Arc::clone(&clock)).unwrap();
    let mut of_file = follow_file(&scratch);
    let (mut dice, mut now, mut revoked) = (Dice(seed), NOW, 0);
    for step in 0..steps {
        match dice.below(20) {
            0..=8 => {
                let entries: Vec<_> = (0..=dice.below(3)).map(|_| entry(&mut dice, now)).collect();
                memory.append(&entries, now).unwrap();
                file.append(&entries, now).unwrap();
                entries.iter().for_each(|entry| naive.add(entry, now));
            }
            9 | 10 => prune(&[&memory, &file], &mut naive, now, LargeJump::Refuse),
            11 => prune(&[&memory, &file], &mut naive, now, LargeJump::Accept),
            12..=14 => now = UnixTime::from_seconds(now.seconds() + dice.below(120) as i64),
            15 => now = UnixTime::from_seconds(now.seconds() - dice.below(300) as i64),
            // Far ahead, where nothing may be dropped, and back again.
            16 => now = UnixTime::from_seconds(now.seconds() + 20 * 86_400),
            17 => now = later(step as i64),
            18 => {
                memory.begin_epoch(now).unwrap();
                file.begin_epoch(now).unwrap();
                naive.observe(now);
            }
            _ => {
                file = scratch.store();
                of_file = follow_file(&scratch);
            }
        }
        clock.set(now);
        of_memory.refresh().unwrap();
        of_file.refresh().unwrap();
        for _ in 0..10 {
            let token = token(&mut dice, now);
            let expected = naive.revokes(&token);
            let context = || format!("seed {seed}, step {step}");
            assert_eq!(
                is_revoked(&of_memory, &token, now),
                expected,
                "{}",
                context()
            );
            assert_eq!(is_revoked(&of_file, &token, now), expected, "{}", context());
            revoked += usize::from(expected);
        }
    }
    revoked
}

#[test]
fn a_naive_list_and_ours_never_disagree_about_any_token_in_any_history() {
    let (seeds, steps) = (6, 150);
    let revoked: usize = (1..=seeds)
        .map(|seed| live_through(seed * 0x9e37_79b9, steps))
        .sum();
    let asked = seeds as usize * steps * 10;
    assert!(
        revoked > asked / 10 && revoked < asked * 9 / 10,
        "{revoked} of {asked}"
    );
}
