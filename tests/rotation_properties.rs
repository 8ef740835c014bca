//! Properties of `step` and `merge` over random histories, deterministic by seed.

#[path = "simulation/model.rs"]
#[allow(dead_code, reason = "the simulation uses the rest")]
mod model;

use std::collections::BTreeMap;

use model::{Random, new_key};
use tokenwright::UnixTime;
use tokenwright::keyring::{
    Defaults, EmergencyOptions, KeyRecord, Keyring, LargeJump, Outage, Pace, PolicyNumbers,
    RotationPolicy, State, Step, compromise, merge, resume, step, suspend,
};

const HISTORIES: u64 = 400;

fn policy() -> RotationPolicy {
    RotationPolicy::new(PolicyNumbers {
        clock_skew: 2,
        view_age: 5,
        propagation: 1,
        token_lifetime: 20,
        leeway: 3,
        period: 30,
        publish_ahead: None,
        most_keys: 64,
    })
    .unwrap()
}

fn start(random: &mut Random) -> (Keyring, UnixTime) {
    let now = UnixTime::from_seconds(1_000_000 + random.between(0, 50));
    let keyring = Keyring::create("r", policy(), Defaults::default(), new_key(0), now).unwrap();
    (keyring, now)
}

/// One thing that may happen to a keyring at `now`; itself if nothing does.
fn happen(keyring: &Keyring, now: UnixTime, random: &mut Random, made: &mut usize) -> Keyring {
    *made += 1;
    let supply = new_key(*made);
    if random.one_in(6) {
        let place = random.between(0, keyring.keys().len() as i64 - 1) as usize;
        let id = keyring.keys()[place].id().clone();
        let options = EmergencyOptions {
            pace: if random.one_in(2) {
                Pace::Drain
            } else {
                Pace::AtOnce
            },
            outage: if random.one_in(2) {
                Outage::Accept
            } else {
                Outage::Refuse
            },
            jump: LargeJump::Accept,
        };
        let done = match random.next() % 3 {
            0 => resume(keyring, now, &id, LargeJump::Accept),
            1 => suspend(keyring, now, &id, options, Some(supply)).map(|done| done.change),
            _ => compromise(keyring, now, &id, options, Some(supply)).map(|done| done.change),
        };
        return done.map_or_else(|_| keyring.clone(), |change| change.keyring);
    }
    match step(keyring, now, Some(supply), LargeJump::Accept).unwrap() {
        Step::Commit(change) | Step::Erase { then: change, .. } => change.keyring,
        _ => keyring.clone(),
    }
}

/// All documents of one random history, with the time of each.
fn history(random: &mut Random) -> Vec<(Keyring, UnixTime)> {
    let (mut keyring, mut now) = start(random);
    let mut made = (random.next() % 1_000) as usize * 1_000;
    let mut documents = vec![(keyring.clone(), now)];
    for _ in 0..random.between(3, 40) {
        keyring = happen(&keyring, now, random, &mut made);
        documents.push((keyring.clone(), now));
        now = UnixTime::from_seconds(now.seconds() + random.between(0, 12));
    }
    documents
}

/// Every key there is or was, with what only ever moves one way.
fn fates(keyring: &Keyring) -> BTreeMap<String, Option<KeyRecord>> {
    let keys = keyring
        .keys()
        .iter()
        .map(|key| (key.id().to_string(), Some(key.clone())));
    let stones = keyring
        .tombstones()
        .iter()
        .map(|stone| (stone.id().to_string(), None));
    keys.chain(stones).collect()
}

/// Whether a time was settled and is now unsettled or later.
fn moved_later(before: Option<UnixTime>, after: Option<UnixTime>) -> bool {
    before.is_some_and(|before| after.is_none_or(|after| before < after))
}

#[track_caller]
fn assert_monotone(before: &Keyring, after: &Keyring) {
    assert!(before.as_of() <= after.as_of());
    let after_fates = fates(after);
    for (id, was) in fates(before) {
        let is = after_fates.get(&id).expect("no key is forgotten");
        match (was, is) {
            (None, Some(_)) => panic!("{id} came back from the dead"),
            (_, None) => {}
            (Some(was), Some(is)) => {
                assert!(
                    !moved_later(was.activates_at(), is.activates_at()),
                    "{was:?} {is:?}"
                );
                assert!(
                    !moved_later(was.stops_signing_at(), is.stops_signing_at()),
                    "{was:?} {is:?}"
                );
                assert!(
                    !moved_later(was.compromised_at(), is.compromised_at()),
                    "{was:?} {is:?}"
                );
                assert!(!moved_later(
                    was.private_erased_at(),
                    is.private_erased_at()
                ));
                assert!(was.max_lifetime() <= is.max_lifetime());
            }
        }
    }
}

fn no_two_signers(keyring: &Keyring, around: UnixTime) {
    for offset in -40..80 {
        let now = UnixTime::from_seconds(around.seconds() + offset);
        let signing = keyring
            .keys()
            .iter()
            .filter(|key| key.state(now) == State::Active);
        assert!(signing.count() <= 1, "{}", keyring.to_json());
    }
}

#[test]
fn whatever_happens_times_never_move_later_and_nothing_dead_returns() {
    let mut random = Random::new(1);
    for _ in 0..HISTORIES {
        for pair in history(&mut random).windows(2) {
            assert_monotone(&pair[0].0, &pair[1].0);
            no_two_signers(&pair[1].0, pair[1].1);
            assert_eq!(
                Keyring::from_json(pair[1].0.to_json().as_bytes()).as_ref(),
                Ok(&pair[1].0)
            );
        }
    }
}

#[test]
fn step_answers_the_same_changes_one_key_and_comes_to_rest() {
    let mut random = Random::new(2);
    let mut steps = 0;
    for _ in 0..HISTORIES {
        let (mut keyring, now) = history(&mut random).pop().unwrap();
        let mut made = 2_000_000;
        for count in 0.. {
            assert!(count < 64, "no rest at {now:?}: {}", keyring.to_json());
            made += 1;
            let once = step(&keyring, now, Some(new_key(made)), LargeJump::Accept).unwrap();
            let twice = step(&keyring, now, Some(new_key(made)), LargeJump::Accept).unwrap();
            assert_eq!(once, twice);
            let next = match once {
                Step::Commit(change) | Step::Erase { then: change, .. } => change.keyring,
                Step::Idle { next } => {
                    assert!(
                        next.is_none_or(|next| now < next),
                        "{next:?} is due at {now:?}"
                    );
                    break;
                }
                other => panic!("unexpected: {other:?}"),
            };
            assert_monotone(&keyring, &next);
            assert_eq!(next.version().seq, keyring.version().seq + 1);
            let before = fates(&keyring);
            let changed = fates(&next)
                .into_iter()
                .filter(|(id, is)| before.get(id) != Some(is))
                .count();
            // A key, and the one whose end its start is.
            assert!((1..=2).contains(&changed), "{changed} keys changed");
            keyring = next;
            steps += 1;
        }
    }
    assert!(steps > 200, "{steps}");
}

#[test]
fn merge_is_idempotent_commutative_and_monotone_in_keys() {
    let mut random = Random::new(3);
    let mut parted = 0;
    for _ in 0..HISTORIES {
        let documents = history(&mut random);
        let fork = random.between(0, documents.len() as i64 - 1) as usize;
        let (mut backup, mut now) = documents[fork].clone();
        let living = &documents.last().unwrap().0;
        // Half of the backups went on by themselves.
        if random.one_in(2) {
            let mut made = 3_000_000;
            for _ in 0..random.between(1, 10) {
                backup = happen(&backup, now, &mut random, &mut made);
                now = UnixTime::from_seconds(now.seconds() + random.between(0, 12));
            }
            parted += 1;
        }
        let merged = merge(living, &backup).unwrap().keyring;
        let other_way = merge(&backup, living).unwrap().keyring;
        assert_eq!(
            merged.keys(),
            other_way.keys(),
            "{} {}",
            living.to_json(),
            backup.to_json()
        );
        assert_eq!(merged.tombstones(), other_way.tombstones());
        assert_eq!(merged.version(), other_way.version());
        for again in [&backup, living, &merged] {
            let again = merge(&merged, again).unwrap().keyring;
            assert_eq!(
                again.keys(),
                merged.keys(),
                "{} {}",
                living.to_json(),
                backup.to_json()
            );
            assert_eq!(again.tombstones(), merged.tombstones());
        }
        assert_monotone(living, &merged);
        assert_monotone(&backup, &merged);
        assert!(merged.version() > living.version() && merged.version() > backup.version());
        no_two_signers(&merged, now);
        assert_eq!(
            Keyring::from_json(merged.to_json().as_bytes()).as_ref(),
            Ok(&merged)
        );
    }
    assert!(parted > 100, "{parted}");
}

#[test]
fn a_merged_keyring_finds_a_signer_again() {
    let mut random = Random::new(4);
    for _ in 0..HISTORIES {
        let documents = history(&mut random);
        let fork = random.between(0, documents.len() as i64 - 1) as usize;
        let (living, now) = documents.last().unwrap();
        let mut keyring = merge(living, &documents[fork].0).unwrap().keyring;
        let mut made = 4_000_000;
        let mut now = *now;
        // Within two periods of a working scheduler, whatever was suspended.
        for _ in 0..90 {
            made += 1;
            match step(&keyring, now, Some(new_key(made)), LargeJump::Accept).unwrap() {
                Step::Commit(change) | Step::Erase { then: change, .. } => keyring = change.keyring,
                _ => now = UnixTime::from_seconds(now.seconds() + 1),
            }
        }
        assert!(keyring.signer(now).is_ok(), "{}", keyring.to_json());
    }
}
