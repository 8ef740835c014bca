//! The promise of rotation, simulated: no good token is refused, whatever the
//! clocks, the caches and the crashes do within their bounds; and every bound is tight.

#[path = "simulation/model.rs"]
mod model;
#[path = "simulation/search.rs"]
mod search;
#[path = "simulation/world.rs"]
mod world;

use model::{Random, Weakening};
use search::{Effort, counter_example};
use tokenwright::keyring::{PolicyNumbers, RotationPolicy, Rule};
use world::{Setting, Tally, World};

/// Small policies at the very edge of the rules.
fn tight_policies() -> Vec<PolicyNumbers> {
    let mut policies = Vec::new();
    for clock_skew in 0..=2 {
        for view_age in 0..=2 {
            for propagation in 0..=1 {
                for token_lifetime in 1..=3 {
                    let ahead = clock_skew + view_age + propagation;
                    policies.push(PolicyNumbers {
                        clock_skew,
                        view_age,
                        propagation,
                        token_lifetime,
                        leeway: clock_skew,
                        period: ahead.max(2),
                        publish_ahead: Some(ahead),
                        most_keys: 64,
                    });
                }
            }
        }
    }
    policies
}

#[test]
fn every_tight_policy_keeps_the_promise() {
    let policies = tight_policies();
    assert_eq!(policies.len(), 54);
    for numbers in policies {
        RotationPolicy::new(numbers).unwrap();
        let found = counter_example(numbers, Weakening::default(), Effort::All);
        assert_eq!(found, None, "{numbers:?}");
    }
}

/// Weakens each policy, and asserts that each then breaks.
#[track_caller]
fn assert_breaks(
    expected: usize,
    weaken: impl Fn(PolicyNumbers) -> Option<(PolicyNumbers, Weakening)>,
) {
    let weakened: Vec<_> = tight_policies().into_iter().filter_map(weaken).collect();
    assert_eq!(weakened.len(), expected);
    for (numbers, weak) in weakened {
        assert!(
            counter_example(numbers, weak, Effort::All).is_some(),
            "{numbers:?}"
        );
    }
}

#[test]
fn publishing_one_second_later_breaks_it() {
    assert_breaks(51, |mut numbers| {
        let ahead = numbers.publish_ahead?.checked_sub(1)?;
        numbers.publish_ahead = Some(ahead);
        assert_eq!(
            RotationPolicy::new(numbers).unwrap_err().rule(),
            Rule::PublishAhead
        );
        Some((numbers, Weakening::default()))
    });
}

#[test]
fn verifying_one_second_shorter_breaks_it() {
    let weak = Weakening {
        verify: 1,
        ..Weakening::default()
    };
    assert_breaks(54, |numbers| Some((numbers, weak)));
}

#[test]
fn withdrawing_one_second_earlier_breaks_it() {
    let weak = Weakening {
        withdraw: 1,
        ..Weakening::default()
    };
    assert_breaks(54, |numbers| Some((numbers, weak)));
}

#[test]
fn one_second_less_leeway_breaks_it() {
    let weak = Weakening {
        leeway: 1,
        ..Weakening::default()
    };
    assert_breaks(36, |numbers| {
        (numbers.leeway > 0).then_some((numbers, weak))
    });
}

#[test]
fn erasing_one_second_earlier_breaks_it() {
    let weak = Weakening {
        erase: 1,
        ..Weakening::default()
    };
    // Without any notice, a key's end is not known before it has come.
    assert_breaks(51, |numbers| {
        (numbers.publish_ahead > Some(0)).then_some((numbers, weak))
    });
}

#[test]
fn ten_thousand_policies_are_accepted_or_refused_rightly() {
    let mut random = Random::new(3);
    let (mut accepted, mut refused) = (0, [0; 4]);
    for _ in 0..10_000 {
        let numbers = random_policy(&mut random);
        let found = counter_example(numbers, Weakening::default(), Effort::Edges);
        match RotationPolicy::new(numbers) {
            Ok(_) => {
                accepted += 1;
                assert_eq!(found, None, "{numbers:?}");
            }
            Err(error) => {
                let rules = [
                    Rule::PublishAhead,
                    Rule::Leeway,
                    Rule::Period,
                    Rule::KeyCount,
                ];
                let place = rules.iter().position(|rule| *rule == error.rule()).unwrap();
                refused[place] += 1;
                assert!(found.is_some(), "{numbers:?} does no harm, but {error}");
            }
        }
    }
    // The test would mean little if one of the kinds were rare.
    assert!(
        accepted > 1_000 && refused.iter().all(|count| *count > 200),
        "{accepted} {refused:?}"
    );
}

fn random_policy(random: &mut Random) -> PolicyNumbers {
    let mut number = |least, most| random.between(least, most) as u64;
    let (clock_skew, view_age, propagation) = (number(0, 3), number(0, 4), number(0, 2));
    let ahead = clock_skew + view_age + propagation;
    let leeway = match number(0, 3) {
        0 => number(0, 4),
        _ => clock_skew + number(0, 2),
    };
    let publish_ahead = match number(0, 3) {
        0 => Some(number(0, 9)),
        1 => Some(ahead + number(0, 3)),
        _ => None,
    };
    PolicyNumbers {
        clock_skew,
        view_age,
        propagation,
        token_lifetime: number(1, 12),
        leeway,
        period: number(1, 16),
        publish_ahead,
        most_keys: number(3, 8),
    }
}

/// Pairs of a mint and a verification in an ordinary run; the environment may ask for more.
fn pairs_wanted() -> u64 {
    match std::env::var("TOKENWRIGHT_SIMULATION_PAIRS") {
        Ok(text) => text
            .parse()
            .expect("TOKENWRIGHT_SIMULATION_PAIRS is a number of pairs"),
        Err(_) => 1_200_000,
    }
}

/// Pairs in one world: few enough for many worlds, enough for many rotations in each.
const PAIRS_IN_A_WORLD: u64 = 10_000;

/// Runs worlds, one per seed, on two threads until there were enough pairs.
fn simulate(setting: Setting, pairs: u64) -> Tally {
    let started = std::time::Instant::now();
    let worlds = pairs.div_ceil(PAIRS_IN_A_WORLD);
    let run = |first: u64| {
        let mut tally = Tally::default();
        for seed in (first..worlds).step_by(2) {
            tally += World::new(seed, setting).run(PAIRS_IN_A_WORLD);
        }
        tally
    };
    let tally = std::thread::scope(|scope| {
        let other = scope.spawn(|| run(0));
        let mut tally = run(1);
        tally += other.join().unwrap();
        tally
    });
    let rate = tally.pairs as f64 / started.elapsed().as_secs_f64();
    println!("{setting:?}: {tally:?}, {rate:.0} pairs/s");
    tally
}

#[test]
fn planned_rotation_never_refuses_a_good_token() {
    let tally = simulate(Setting::Planned, pairs_wanted() / 2);
    assert!(tally.pairs >= pairs_wanted() / 2);
    assert!(
        tally.rotations > 1_000 && tally.lost_races > 100 && tally.crashes > 100,
        "{tally:?}"
    );
    assert!(
        tally.refused_forgeries > 10_000 && tally.unknown_refused > 100,
        "{tally:?}"
    );
}

#[test]
fn emergencies_stop_what_they_must_and_nothing_else() {
    let tally = simulate(Setting::Emergencies, pairs_wanted() / 2);
    assert!(tally.pairs >= pairs_wanted() / 2);
    assert!(
        tally.compromised > 500 && tally.suspended > 200 && tally.resumed > 100,
        "{tally:?}"
    );
    assert!(tally.refused_compromised > 1_000, "{tally:?}");
}
