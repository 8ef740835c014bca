//! The rules of rotation, one sentence each.

use std::time::Duration;

use tokenwright::key::{Algorithm, KeyId};
use tokenwright::keyring::{
    Defaults, EmergencyOptions, Event, Happening, KeyRole, Keyring, KeyringErrorKind, LargeJump,
    NewKey, Outage, Pace, PolicyNumbers, RotationPolicy, Rule, State, Step, compromise, merge,
    next_due, plan, resume, step, suspend,
};
use tokenwright::{ErrorClass, UnixTime};

/// S = 3, C = 20, L = 2, so W = 25; T = 100, λ = 5, R = 1000.
const NUMBERS: PolicyNumbers = PolicyNumbers {
    clock_skew: 3,
    view_age: 20,
    propagation: 2,
    token_lifetime: 100,
    leeway: 5,
    period: 1_000,
    publish_ahead: None,
    most_keys: 64,
};

const START: i64 = 1_000_000;

fn at(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(START + seconds)
}

fn id(name: &str) -> KeyId {
    KeyId::new(name).unwrap()
}

fn new_key(name: &str) -> NewKey {
    NewKey {
        id: id(name),
        algorithm: Algorithm::EdDsa,
        public: Some(format!("public half of {name}")),
        address: format!("address of {name}"),
    }
}

fn policy() -> RotationPolicy {
    RotationPolicy::new(NUMBERS).unwrap()
}

/// A keyring whose first key, "1", signs from 0 on.
fn fresh() -> Keyring {
    Keyring::create("orders", policy(), Defaults::default(), new_key("1"), at(0)).unwrap()
}

/// Takes every step due at `now`; new keys are numbered on.
fn settle(keyring: &Keyring, now: UnixTime) -> (Keyring, Vec<Event>) {
    let mut keyring = keyring.clone();
    let mut events = Vec::new();
    loop {
        let mut answer = step(&keyring, now, None, LargeJump::Refuse).unwrap();
        if let Step::NeedsKey { .. } = answer {
            let name = (keyring.keys().len() + keyring.tombstones().len() + 1).to_string();
            answer = step(&keyring, now, Some(new_key(&name)), LargeJump::Refuse).unwrap();
        }
        match answer {
            Step::Idle { .. } => return (keyring, events),
            Step::Commit(change) | Step::Erase { then: change, .. } => {
                events.push(change.event);
                keyring = change.keyring;
            }
            other => panic!("unexpected: {other:?}"),
        }
    }
}

/// The keyring after all that is due was done at each of these times.
fn run(times: &[i64]) -> Keyring {
    times
        .iter()
        .fold(fresh(), |keyring, time| settle(&keyring, at(*time)).0)
}

#[track_caller]
fn state_is(keyring: &Keyring, name: &str, now: i64, expected: State) {
    assert_eq!(
        keyring.state_of(name, at(now)),
        Some(expected),
        "key {name} at {now}"
    );
}

#[test]
fn the_first_key_signs_at_once_and_a_standby_follows() {
    let keyring = run(&[0]);
    assert_eq!(keyring.signer(at(0)).unwrap().id(), &id("1"));
    state_is(&keyring, "2", 0, State::Pending);
    state_is(&keyring, "2", 24, State::Pending);
    state_is(&keyring, "2", 25, State::Standby);
}

#[test]
fn rule_1_a_successor_is_published_w_before_it_signs() {
    let keyring = run(&[0, 974]);
    assert_eq!(keyring.keys().len(), 2);
    let keyring = run(&[0, 975]);
    let successor = keyring.key("3").unwrap();
    assert_eq!(successor.published_at(), at(975));
    assert_eq!(successor.activates_at(), Some(at(1_000)));
    // A scheduler that comes late delays the switch; it does not shorten the notice.
    let late = run(&[0, 1_100]);
    assert_eq!(late.key("3").unwrap().activates_at(), Some(at(1_125)));
    assert_eq!(late.key("1").unwrap().stops_signing_at(), Some(at(1_125)));
}

#[test]
fn rule_2_one_key_stops_when_the_next_one_starts() {
    let keyring = run(&[0, 975]);
    assert_eq!(
        keyring.key("1").unwrap().stops_signing_at(),
        Some(at(1_000))
    );
    assert_eq!(keyring.signer(at(999)).unwrap().id(), &id("1"));
    assert_eq!(keyring.signer(at(1_000)).unwrap().id(), &id("3"));
}

#[test]
fn rule_3_a_key_verifies_until_its_last_token_has_expired_everywhere() {
    let keyring = run(&[0, 975]);
    let period = keyring.key("1").unwrap().period().unwrap();
    assert_eq!(period.verifies_until, Some(at(1_000 + 100 + 5)));
    state_is(&keyring, "1", 1_104, State::Retiring);
    state_is(&keyring, "1", 1_105, State::Expired);
}

#[test]
fn rule_4_a_key_leaves_the_published_set_s_after_it_verifies_no_more() {
    let keyring = run(&[0, 975]);
    let published = |now| keyring.published(at(now)).any(|key| key.id() == &id("1"));
    assert!(published(1_107));
    assert!(!published(1_108), "though no scheduler has run");
    assert!(run(&[0, 975, 1_107]).key("1").is_some());
    let after = run(&[0, 975, 1_108]);
    assert!(after.key("1").is_none());
    state_is(&after, "1", 1_108, State::Destroyed);
}

#[test]
fn rule_5_the_private_half_is_erased_s_after_it_stops_signing() {
    let keyring = run(&[0, 975, 1_002]);
    assert_eq!(keyring.key("1").unwrap().private_erased_at(), None);
    match step(&keyring, at(1_003), None, LargeJump::Refuse).unwrap() {
        Step::Erase { address, then } => {
            assert_eq!(address, "address of 1");
            assert_eq!(then.event, Event::PrivateHalfErased { id: id("1") });
            let record = then.keyring.key("1").unwrap();
            assert_eq!(record.private_erased_at(), Some(at(1_003)));
            assert!(record.state(at(1_003)).verifies());
        }
        other => panic!("unexpected: {other:?}"),
    }
}

#[track_caller]
fn policy_refused(numbers: PolicyNumbers, rule: Rule, message: &str) {
    let error = RotationPolicy::new(numbers).unwrap_err();
    assert_eq!(error.to_string(), message);
    assert_eq!(error.rule(), rule);
    assert_eq!(
        (error.code(), error.class()),
        ("unsafe_policy", ErrorClass::Operator)
    );
}

#[test]
fn a_policy_that_breaks_rule_1_does_not_start() {
    policy_refused(
        PolicyNumbers {
            publish_ahead: Some(24),
            ..NUMBERS
        },
        Rule::PublishAhead,
        "rule 1: publish_ahead is 24 s, but a view may be 20 s old, clocks differ by 3 s and a commit takes 2 s: \
         a verifier could meet a token before its key; raise publish_ahead to 25 s, or lower view_age to 19 s",
    );
    RotationPolicy::new(PolicyNumbers {
        publish_ahead: Some(25),
        ..NUMBERS
    })
    .unwrap();
    RotationPolicy::new(PolicyNumbers {
        publish_ahead: Some(24),
        view_age: 19,
        ..NUMBERS
    })
    .unwrap();
}

#[test]
fn a_policy_that_breaks_rule_6_does_not_start() {
    policy_refused(
        PolicyNumbers {
            leeway: 2,
            ..NUMBERS
        },
        Rule::Leeway,
        "rule 6: leeway is 2 s, but clocks differ by 3 s: a token of a fast clock would be refused as not yet valid; \
         raise leeway to 3 s, or lower clock_skew to 2 s",
    );
    RotationPolicy::new(PolicyNumbers {
        leeway: 3,
        ..NUMBERS
    })
    .unwrap();
}

#[test]
fn a_policy_that_breaks_rule_10_does_not_start() {
    policy_refused(
        PolicyNumbers {
            period: 24,
            ..NUMBERS
        },
        Rule::Period,
        "rule 10: period is 24 s, but each key is published 25 s before it signs: rotation would always be late; \
         raise period to 25 s, or lower view_age to 19 s",
    );
    policy_refused(
        PolicyNumbers {
            period: 24,
            publish_ahead: Some(30),
            view_age: 10,
            ..NUMBERS
        },
        Rule::Period,
        "rule 10: period is 24 s, but each key is published 30 s before it signs: rotation would always be late; \
         raise period to 30 s, or lower publish_ahead to 24 s",
    );
    // 2 + ceil((25 + 100 + 5 + 3) / 30) = 7
    let crowded = PolicyNumbers {
        period: 30,
        most_keys: 6,
        ..NUMBERS
    };
    policy_refused(
        crowded,
        Rule::KeyCount,
        "rule 10: tokens of 100 s and a period of 30 s make 7 keys published at once, but most_keys is 6; \
         raise period to 34 s, or lower token_lifetime to 87 s",
    );
    RotationPolicy::new(PolicyNumbers {
        period: 34,
        ..crowded
    })
    .unwrap();
    RotationPolicy::new(PolicyNumbers {
        period: 33,
        ..crowded
    })
    .unwrap_err();
    RotationPolicy::new(PolicyNumbers {
        token_lifetime: 87,
        ..crowded
    })
    .unwrap();
    RotationPolicy::new(PolicyNumbers {
        token_lifetime: 88,
        ..crowded
    })
    .unwrap_err();
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    policy_refused(
        PolicyNumbers {
            token_lifetime: 0,
            ..NUMBERS
        },
        Rule::Range,
        "token_lifetime is 0 s; it must be 1 s to 3200000000 s",
    );
    policy_refused(
        PolicyNumbers {
            view_age: u64::MAX,
            ..NUMBERS
        },
        Rule::Range,
        "view_age is 18446744073709551615 s; it must be 0 s to 3200000000 s",
    );
    policy_refused(
        PolicyNumbers {
            most_keys: 2,
            ..NUMBERS
        },
        Rule::Range,
        "most_keys is 2; rotation needs 3 keys at once: active, standby, and one coming or going",
    );
}

#[test]
fn the_room_of_a_policy_is_exactly_what_it_allows() {
    let numbers = PolicyNumbers {
        period: 40,
        most_keys: 8,
        ..NUMBERS
    };
    let room = RotationPolicy::new(numbers).unwrap().room();
    let accepted = |numbers| RotationPolicy::new(numbers).is_ok();
    let lifetime = room.longest_token_lifetime.as_secs();
    assert!(accepted(PolicyNumbers {
        token_lifetime: lifetime,
        ..numbers
    }));
    assert!(!accepted(PolicyNumbers {
        token_lifetime: lifetime + 1,
        ..numbers
    }));
    let period = room.shortest_period.as_secs();
    assert!(accepted(PolicyNumbers { period, ..numbers }));
    assert!(!accepted(PolicyNumbers {
        period: period - 1,
        ..numbers
    }));
    let view_age = room.longest_view_age.as_secs();
    assert!(accepted(PolicyNumbers {
        view_age,
        ..numbers
    }));
    assert!(!accepted(PolicyNumbers {
        view_age: view_age + 1,
        ..numbers
    }));
}

#[test]
fn rule_7_a_signer_keeps_to_the_lifetime_of_its_key() {
    let keyring = fresh();
    let key = keyring.signer(at(10)).unwrap();
    assert_eq!(
        key.lifetime_to_sign(at(10), keyring.policy()).as_secs(),
        100
    );
    let shorter = RotationPolicy::new(PolicyNumbers {
        token_lifetime: 60,
        ..NUMBERS
    })
    .unwrap();
    let shorter = keyring.with_policy(shorter, at(10)).unwrap();
    let key = shorter.signer(at(10)).unwrap();
    assert_eq!(key.lifetime_to_sign(at(10), shorter.policy()).as_secs(), 60);
    assert_eq!(
        key.max_lifetime().as_secs(),
        100,
        "tokens already signed stay good"
    );
}

#[test]
fn rule_8_a_token_is_accepted_only_from_the_time_its_key_signed() {
    let keyring = run(&[0, 975]);
    let period = |name: &str| keyring.key(name).unwrap().period().unwrap();
    assert!(period("1").may_have_signed_at(at(0)));
    assert!(period("1").may_have_signed_at(at(999)));
    assert!(!period("1").may_have_signed_at(at(1_000)));
    assert!(!period("3").may_have_signed_at(at(999)));
    assert!(period("3").may_have_signed_at(at(1_000)));
    // The standby may be called upon as soon as everyone knows it.
    assert!(!period("2").may_have_signed_at(at(24)));
    assert!(period("2").may_have_signed_at(at(25)));
}

#[test]
fn rule_9_a_longer_lifetime_is_verified_first_and_signed_w_later() {
    let keyring = run(&[0, 975]);
    let longer = RotationPolicy::new(PolicyNumbers {
        token_lifetime: 150,
        ..NUMBERS
    })
    .unwrap();
    let keyring = keyring.with_policy(longer, at(980)).unwrap();
    let old = keyring.key("1").unwrap();
    assert_eq!(old.max_lifetime().as_secs(), 150);
    assert_eq!(old.verifies_until(), Some(at(1_000 + 150 + 5)));
    assert_eq!(old.lifetime_to_sign(at(1_004), &longer).as_secs(), 100);
    assert_eq!(old.lifetime_to_sign(at(1_005), &longer).as_secs(), 150);
    let again = Keyring::from_json(keyring.to_json().as_bytes()).unwrap();
    assert_eq!(again, keyring);
}

#[test]
fn a_scheduler_that_died_delays_no_transition_that_is_committed() {
    let keyring = run(&[0, 975]);
    state_is(&keyring, "1", 999, State::Active);
    state_is(&keyring, "1", 1_000, State::Retiring);
    state_is(&keyring, "3", 999, State::Pending);
    state_is(&keyring, "3", 1_000, State::Active);
    state_is(&keyring, "1", 1_105, State::Expired);
}

#[test]
fn each_state_has_a_name_in_nist_terms() {
    let all = [
        (State::Pending, "pending", "pre-activation", false, true),
        (State::Standby, "standby", "pre-activation", false, true),
        (State::Active, "active", "active", true, true),
        (State::Retiring, "retiring", "deactivated", false, true),
        (State::Expired, "expired", "deactivated", false, false),
        (State::Suspended, "suspended", "suspended", false, false),
        (
            State::Compromised,
            "compromised",
            "compromised",
            false,
            false,
        ),
        (State::Destroyed, "destroyed", "destroyed", false, false),
    ];
    for (state, name, nist, signs, verifies) in all {
        assert_eq!((state.name(), state.nist_name()), (name, nist));
        assert_eq!((state.signs(), state.verifies()), (signs, verifies));
    }
}

#[test]
fn a_clock_set_back_is_refused_and_revives_nothing() {
    let keyring = run(&[0, 975, 1_003]);
    let error = step(&keyring, at(999), None, LargeJump::Refuse).unwrap_err();
    assert_eq!(error.kind(), KeyringErrorKind::ClockBehind);
    assert_eq!(
        error.to_string(),
        "the clock says 1000999, but the keyring was committed at 1001003 and clocks may differ by 3 s only: set the clock"
    );
    assert!(step(&keyring, at(1_000), None, LargeJump::Refuse).is_ok());
    // A reader whose clock was set back to the first key's days still sees it retired.
    let clock = keyring.clock(at(500));
    assert_eq!(clock, at(1_000));
    assert_eq!(keyring.signer(clock).unwrap().id(), &id("3"));
}

#[test]
fn a_clock_ten_years_ahead_changes_nothing_unless_a_person_says_so() {
    let keyring = run(&[0]);
    let error = step(&keyring, at(2_001), None, LargeJump::Refuse).unwrap_err();
    assert_eq!(error.kind(), KeyringErrorKind::ClockJump);
    assert!(step(&keyring, at(2_000), None, LargeJump::Refuse).is_ok());
    let answer = step(&keyring, at(315_360_000), None, LargeJump::Accept).unwrap();
    let role = KeyRole::Successor;
    assert_eq!(
        answer,
        Step::NeedsKey {
            role,
            algorithm: Algorithm::EdDsa
        }
    );
}

#[test]
fn work_that_is_due_is_seen_whether_or_not_anyone_does_it() {
    assert_eq!(next_due(&fresh()), Some(at(0)), "a standby is missing");
    assert_eq!(next_due(&run(&[0])), Some(at(975)));
    assert_eq!(next_due(&run(&[0, 975])), Some(at(1_003)));
    assert_eq!(next_due(&run(&[0, 975, 1_003])), Some(at(1_108)));
}

#[test]
fn an_older_document_is_refused_as_rolled_back() {
    let old = run(&[0]);
    let new = run(&[0, 975]);
    assert!(new.not_before(old.version()).is_ok());
    let error = old.not_before(new.version()).unwrap_err();
    assert_eq!(
        (error.code(), error.class()),
        ("keyring_rolled_back", ErrorClass::CannotKnow)
    );
}

#[test]
fn the_closed_world_lasts_as_long_as_a_new_key_must_wait() {
    // W − S − L = 25 − 3 − 2
    let keyring = run(&[0]);
    assert_eq!(keyring.complete_until(at(0)), at(20));
    assert_eq!(keyring.complete_until(at(500)), at(520));
    // A shorter W does not break a promise made under the longer one.
    let long = RotationPolicy::new(PolicyNumbers {
        publish_ahead: Some(300),
        ..NUMBERS
    })
    .unwrap();
    let long = keyring.with_policy(long, at(900)).unwrap();
    let promised = long.complete_until(at(902));
    let short = long.with_policy(policy(), at(900)).unwrap();
    let (short, _) = settle(&short, at(975));
    assert!(short.key("3").unwrap().activates_at().unwrap() >= promised);
}

fn options(pace: Pace, outage: Outage) -> EmergencyOptions {
    EmergencyOptions {
        pace,
        outage,
        jump: LargeJump::Refuse,
    }
}

#[test]
fn a_compromised_signer_is_replaced_by_the_standby_in_the_same_document() {
    let keyring = run(&[0]);
    let done = compromise(
        &keyring,
        at(500),
        &id("1"),
        EmergencyOptions::default(),
        Some(new_key("3")),
    )
    .unwrap();
    let next = &done.change.keyring;
    assert_eq!(done.successor, Some(id("2")));
    state_is(next, "1", 500, State::Compromised);
    state_is(next, "1", 497, State::Compromised);
    state_is(next, "2", 500, State::Active);
    state_is(next, "3", 500, State::Pending);
    assert_eq!(done.radius.tokens, Duration::from_secs(100));
    assert_eq!(done.radius.outage, Some(Duration::ZERO));
    assert_eq!(done.radius.complete_in, Duration::from_secs(22));
    assert_eq!(
        next.key("1").unwrap().period().unwrap().verifies_until,
        Some(at(497))
    );
    assert!(next.published(at(500)).all(|key| key.id() != &id("1")));
}

#[test]
fn compromise_is_final() {
    let keyring = run(&[0]);
    let options = EmergencyOptions::default();
    let keyring = compromise(&keyring, at(500), &id("1"), options, None)
        .unwrap()
        .change
        .keyring;
    let kind = |error: tokenwright::keyring::KeyringError| error.kind();
    assert_eq!(
        resume(&keyring, at(501), &id("1"), LargeJump::Refuse).map_err(kind),
        Err(KeyringErrorKind::Final)
    );
    assert_eq!(
        suspend(&keyring, at(501), &id("1"), options, None)
            .map_err(kind)
            .unwrap_err(),
        KeyringErrorKind::Final
    );
    assert_eq!(
        compromise(&keyring, at(501), &id("1"), options, None)
            .map_err(kind)
            .unwrap_err(),
        KeyringErrorKind::NothingToDo
    );
    // Destroyed, it is still remembered as what it was.
    let (later, _) = settle(&keyring, at(1_200));
    let stone = later
        .tombstones()
        .iter()
        .find(|stone| stone.id() == &id("1"))
        .unwrap();
    assert_eq!(stone.compromised_at(), Some(at(497)));
}

#[test]
fn without_a_standby_known_everywhere_an_outage_must_be_accepted() {
    let keyring = run(&[0]);
    let refused = compromise(
        &keyring,
        at(10),
        &id("1"),
        EmergencyOptions::default(),
        None,
    );
    assert_eq!(
        refused.unwrap_err().to_string(),
        "no standby is known everywhere before 1000025: taking 1 out now means an outage of 15 s; \
         drain it, wait, or accept the outage"
    );
    let accept = options(Pace::AtOnce, Outage::Accept);
    let done = compromise(&keyring, at(10), &id("1"), accept, None).unwrap();
    assert_eq!(done.radius.outage, Some(Duration::from_secs(15)));
    assert_eq!(done.successor, Some(id("2")));
}

#[test]
fn a_drain_switches_first_and_refuses_after_everyone_has_left() {
    let keyring = run(&[0]);
    let drain = options(Pace::Drain, Outage::Refuse);
    let done = compromise(&keyring, at(500), &id("1"), drain, None).unwrap();
    let next = &done.change.keyring;
    state_is(next, "1", 524, State::Active);
    state_is(next, "1", 525, State::Retiring);
    state_is(next, "1", 528, State::Compromised);
    state_is(next, "2", 524, State::Pending);
    state_is(next, "2", 525, State::Active);
    assert_eq!(
        next.signer(at(524)).unwrap().id(),
        &id("1"),
        "it goes on signing until then"
    );
    assert_eq!(done.radius.complete_in, Duration::from_secs(31));
}

#[test]
fn a_drain_needs_no_standby_if_a_key_is_supplied() {
    let drain = options(Pace::Drain, Outage::Refuse);
    let error = compromise(&fresh(), at(5), &id("1"), drain, None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no key can take over from 1: make one first"
    );
    let done = compromise(&fresh(), at(5), &id("1"), drain, Some(new_key("2"))).unwrap();
    assert_eq!(done.radius.outage, Some(Duration::ZERO));
    assert_eq!(done.change.keyring.signer(at(30)).unwrap().id(), &id("2"));
}

#[test]
fn a_successor_on_its_way_keeps_its_turn_when_the_signer_is_compromised() {
    let keyring = run(&[0, 975]);
    let options = EmergencyOptions::default();
    let next = compromise(&keyring, at(980), &id("1"), options, None)
        .unwrap()
        .change
        .keyring;
    assert_eq!(next.signer(at(999)).unwrap().id(), &id("2"));
    assert_eq!(next.signer(at(1_000)).unwrap().id(), &id("3"));
}

#[test]
fn a_successor_that_is_compromised_before_its_turn_loses_it_to_the_standby() {
    let keyring = run(&[0, 975]);
    let options = EmergencyOptions::default();
    let next = compromise(&keyring, at(980), &id("3"), options, None)
        .unwrap()
        .change
        .keyring;
    assert_eq!(next.signer(at(999)).unwrap().id(), &id("1"));
    assert_eq!(next.signer(at(1_000)).unwrap().id(), &id("2"));
    state_is(&next, "3", 1_000, State::Compromised);
}

#[test]
fn a_key_being_drained_keeps_the_turn_that_others_know_of() {
    let keyring = run(&[0, 975]);
    let drain = options(Pace::Drain, Outage::Refuse);
    let keyring = compromise(&keyring, at(980), &id("3"), drain, Some(new_key("4"))).unwrap();
    let keyring = keyring.change.keyring;
    let turn = |keyring: &Keyring| {
        let key = keyring.key("3").unwrap();
        (key.activates_at(), key.stops_signing_at())
    };
    assert_eq!(turn(&keyring), (Some(at(1_000)), Some(at(1_005))));
    let accept = options(Pace::AtOnce, Outage::Accept);
    let next = compromise(&keyring, at(985), &id("1"), accept, Some(new_key("5"))).unwrap();
    assert_eq!(turn(&next.change.keyring), turn(&keyring));
}

#[test]
fn a_slow_scheduler_does_not_undo_an_emergency() {
    // Two standbys: one was suspended, another made, and the first resumed.
    let keyring = run(&[0]);
    let no_options = EmergencyOptions::default();
    let suspended = suspend(&keyring, at(100), &id("2"), no_options, Some(new_key("3"))).unwrap();
    let keyring = settle(&suspended.change.keyring, at(101)).0;
    let keyring = resume(&keyring, at(200), &id("2"), LargeJump::Refuse)
        .unwrap()
        .keyring;
    let done = compromise(&keyring, at(500), &id("1"), no_options, None).unwrap();
    let (after, events) = settle(&done.change.keyring, at(497));
    assert_eq!(after.signer(at(500)).unwrap().id(), &id("2"));
    assert!(
        !events
            .iter()
            .any(|event| matches!(event, Event::StandbyActivated { .. })),
        "{events:?}"
    );
}

#[test]
fn a_key_that_lost_its_turn_while_suspended_does_not_take_over() {
    let keyring = run(&[0, 975]);
    let none = EmergencyOptions::default();
    let keyring = suspend(&keyring, at(980), &id("3"), none, None)
        .unwrap()
        .change
        .keyring;
    let keyring = resume(&keyring, at(985), &id("3"), LargeJump::Refuse)
        .unwrap()
        .keyring;
    assert_eq!(keyring.signer(at(1_000)).unwrap().id(), &id("2"));
    let accept = options(Pace::AtOnce, Outage::Accept);
    let error = compromise(&keyring, at(990), &id("2"), accept, None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no key can take over from 2: make one first"
    );
}

#[test]
fn a_suspended_key_neither_signs_nor_verifies_and_comes_back_to_verify() {
    let keyring = run(&[0]);
    let done = suspend(
        &keyring,
        at(500),
        &id("1"),
        EmergencyOptions::default(),
        None,
    )
    .unwrap();
    let suspended = done.change.keyring;
    state_is(&suspended, "1", 501, State::Suspended);
    assert_eq!(suspended.key("1").unwrap().period(), None);
    assert_eq!(suspended.signer(at(501)).unwrap().id(), &id("2"));
    let resumed = resume(&suspended, at(520), &id("1"), LargeJump::Refuse)
        .unwrap()
        .keyring;
    state_is(&resumed, "1", 521, State::Retiring);
    let again = suspend(
        &resumed,
        at(520),
        &id("1"),
        EmergencyOptions::default(),
        None,
    )
    .unwrap();
    state_is(&again.change.keyring, "1", 521, State::Suspended);
}

#[test]
fn a_signer_suspended_with_an_outage_accepted_signs_again_when_resumed() {
    let keyring = fresh();
    let accept = options(Pace::AtOnce, Outage::Accept);
    let done = suspend(&keyring, at(500), &id("1"), accept, None).unwrap();
    assert_eq!(done.radius.outage, None);
    let error = done.change.keyring.signer(at(501)).unwrap_err();
    assert_eq!(error.kind(), KeyringErrorKind::NoSigner);
    let resumed = resume(&done.change.keyring, at(502), &id("1"), LargeJump::Refuse).unwrap();
    assert_eq!(resumed.keyring.signer(at(502)).unwrap().id(), &id("1"));
}

#[test]
fn a_key_that_was_here_is_not_taken_again() {
    let keyring = run(&[0, 975, 1_108]);
    let options = EmergencyOptions::default();
    for name in ["1", "2"] {
        let error = compromise(&keyring, at(1_200), &id("3"), options, Some(new_key(name)));
        assert_eq!(error.unwrap_err().kind(), KeyringErrorKind::DuplicateKey);
    }
    let other = NewKey {
        algorithm: Algorithm::Es256,
        ..new_key("9")
    };
    let error = step(&fresh(), at(0), Some(other), LargeJump::Refuse).unwrap_err();
    assert_eq!(
        error.to_string(),
        "key 9 is ES256; this keyring takes EdDSA"
    );
}

#[test]
fn another_algorithm_comes_with_the_next_key_but_never_another_family() {
    let keyring = run(&[0]).with_algorithm(Algorithm::Es256, at(10)).unwrap();
    let answer = step(&keyring, at(975), None, LargeJump::Refuse).unwrap();
    let role = KeyRole::Successor;
    assert_eq!(
        answer,
        Step::NeedsKey {
            role,
            algorithm: Algorithm::Es256
        }
    );
    for algorithm in [Algorithm::V4Public, Algorithm::Hs256] {
        let error = keyring.with_algorithm(algorithm, at(10)).unwrap_err();
        assert_eq!(error.kind(), KeyringErrorKind::WrongKey);
    }
}

#[test]
fn a_shared_secret_stays_until_its_last_token_has_expired() {
    let secret = |name: &str| NewKey {
        algorithm: Algorithm::Hs256,
        public: None,
        ..new_key(name)
    };
    let mut keyring =
        Keyring::create("r", policy(), Defaults::default(), secret("1"), at(0)).unwrap();
    for (now, name) in [(0, "2"), (975, "3")] {
        match step(&keyring, at(now), Some(secret(name)), LargeJump::Refuse).unwrap() {
            Step::Commit(change) => keyring = change.keyring,
            other => panic!("unexpected: {other:?}"),
        }
    }
    assert_eq!(next_due(&keyring), Some(at(1_108)));
    match step(&keyring, at(1_108), None, LargeJump::Refuse).unwrap() {
        Step::Erase { address, then } => {
            assert_eq!(address, "address of 1");
            assert_eq!(then.event, Event::Withdrawn { id: id("1") });
        }
        other => panic!("unexpected: {other:?}"),
    }
}

#[test]
fn a_plan_is_what_a_scheduler_will_do() {
    let keyring = run(&[0]);
    let plan = plan(&keyring, at(1), Duration::from_secs(1_200)).unwrap();
    let told: Vec<_> = plan
        .transitions
        .iter()
        .map(|transition| {
            (
                transition.at.seconds() - START,
                transition.what,
                transition.key,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (975, Happening::Published, 2),
            (1_000, Happening::StopsSigning, 0),
            (1_000, Happening::Activates, 2),
            (1_003, Happening::PrivateHalfErased, 0),
            (1_105, Happening::StopsVerifying, 0),
            (1_108, Happening::Withdrawn, 0),
        ]
    );
    assert_eq!(plan.keys[0].id, Some(id("1")));
    assert_eq!(plan.keys[2].id, None, "a key that is not made yet");
    assert_eq!((plan.from, plan.until), (at(1), at(1_201)));
}

#[test]
fn a_plan_that_would_never_end_ends() {
    let plan = plan(&run(&[0]), at(1), Duration::from_secs(1 << 40)).unwrap();
    assert!(plan.until < at(1 << 40));
    assert!(plan.transitions.len() < 8_192);
}

#[test]
fn a_backup_brings_nothing_back_from_the_dead() {
    let backup = run(&[0]);
    let living = run(&[0, 975, 1_108]);
    let merged = merge(&living, &backup).unwrap();
    assert_eq!(
        merged.keyring.state_of("1", at(1_108)),
        Some(State::Destroyed)
    );
    assert_eq!(merged.keyring.keys(), living.keys());
    assert_eq!(merged.keyring.version().epoch, 2);
    assert!(merged.keyring.version() > living.version());
    assert!(merged.restored.is_empty() && merged.shortened.is_empty());
    // Nor is a compromise forgotten that only the backup knew of.
    let options = EmergencyOptions::default();
    let marked = compromise(&backup, at(500), &id("1"), options, None)
        .unwrap()
        .change
        .keyring;
    let merged = merge(&backup, &marked).unwrap().keyring;
    state_is(&merged, "1", 500, State::Compromised);
    assert_eq!(merged.signer(at(500)).unwrap().id(), &id("2"));
}

#[test]
fn two_documents_that_parted_are_joined_without_two_signers() {
    let common = run(&[0]);
    let (one, _) = settle(&common, at(975));
    let mut other = common.clone();
    let supply = Some(new_key("other 3"));
    if let Step::Commit(change) = step(&common, at(990), supply, LargeJump::Refuse).unwrap() {
        other = change.keyring;
    }
    let merged = merge(&one, &other).unwrap();
    assert_eq!(merged.restored, [id("other 3")]);
    assert_eq!(merged.shortened, [id("3")]);
    let keyring = merged.keyring;
    assert_eq!(keyring.signer(at(1_000)).unwrap().id(), &id("3"));
    assert_eq!(keyring.signer(at(1_015)).unwrap().id(), &id("other 3"));
    assert_eq!(
        Keyring::from_json(keyring.to_json().as_bytes()).unwrap(),
        keyring
    );
}

#[test]
fn documents_of_other_rings_and_ids_of_other_keys_are_not_merged() {
    let create =
        |ring, key| Keyring::create(ring, policy(), Defaults::default(), key, at(0)).unwrap();
    let kind = |one: &Keyring, other: &Keyring| merge(one, other).unwrap_err().kind();
    let living = fresh();
    assert_eq!(
        kind(&living, &create("bills", new_key("1"))),
        KeyringErrorKind::OtherRing
    );
    let impostor = NewKey {
        address: "elsewhere".to_owned(),
        ..new_key("1")
    };
    assert_eq!(
        kind(&living, &create("orders", impostor)),
        KeyringErrorKind::Conflict
    );
}

#[test]
fn a_document_is_written_for_people_and_read_back_as_it_was() {
    let defaults = Defaults {
        issuer: Some("https://auth.example".to_owned()),
        audiences: vec!["orders-api".to_owned()],
        token_lifetime: Some(Duration::from_secs(90)),
    };
    let keyring = fresh().with_defaults(defaults, at(1)).unwrap();
    let text = keyring.to_json();
    assert_eq!(
        text,
        r#"{
  "format": "tokenwright-keyring",
  "version": 1,
  "ring": "orders",
  "epoch": 1,
  "seq": 2,
  "as_of": 1000001,
  "complete_until": 1000021,
  "algorithm": "EdDSA",
  "policy": {
    "clock_skew": 3,
    "view_age": 20,
    "propagation": 2,
    "token_lifetime": 100,
    "leeway": 5,
    "period": 1000,
    "most_keys": 64
  },
  "defaults": {
    "issuer": "https://auth.example",
    "audiences": [
      "orders-api"
    ],
    "token_lifetime": 90
  },
  "keys": [
    {
      "id": "1",
      "algorithm": "EdDSA",
      "public": "public half of 1",
      "address": "address of 1",
      "published_at": 1000000,
      "known_at": 1000000,
      "activates_at": 1000000,
      "max_lifetime": 100
    }
  ]
}
"#
    );
    assert_eq!(Keyring::from_json(text.as_bytes()).unwrap(), keyring);
}

/// Reads the document of a keyring in full swing with one piece of text replaced.
#[track_caller]
fn edited(from: &str, to: &str, kind: KeyringErrorKind, message: &str) {
    let text = run(&[0, 975]).to_json();
    assert!(text.contains(from), "{from} is not in {text}");
    let error = Keyring::from_json(text.replacen(from, to, 1).as_bytes()).unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (kind, message));
}

#[test]
fn a_document_edited_into_nonsense_is_refused_with_the_reason() {
    let inconsistent = |from: &str, to: &str, message: &str| {
        edited(from, to, KeyringErrorKind::Inconsistent, message);
    };
    inconsistent(
        "\"stops_signing_at\": 1001000",
        "\"stops_signing_at\": 999999",
        "key 1 stops signing before it starts",
    );
    inconsistent(
        "\"stops_signing_at\": 1001000,\n      \"verifies_until\": 1001105",
        "\"suspended_at\": 3",
        "keys 1 and 3 would sign at the same time",
    );
    inconsistent(
        "\"id\": \"2\"",
        "\"id\": \"1\"",
        "the key id 1 appears twice",
    );
    inconsistent(
        "\"verifies_until\": 1001105",
        "\"verifies_until\": 1001099",
        "key 1 stops verifying at 1001099, before the last token it signed can expire, at 1001100",
    );
    inconsistent(
        "      \"public\": \"public half of 1\",\n",
        "",
        "key 1 is EdDSA: its public half is missing",
    );
    inconsistent(
        "\"ring\": \"orders\"",
        "\"ring\": \"\"",
        "the ring's name must be 1 to 512 bytes",
    );
}

#[test]
fn documents_that_are_no_keyring_of_this_version_are_refused_with_advice() {
    edited(
        "tokenwright-keyring",
        "something-else",
        KeyringErrorKind::NotAKeyring,
        "this is not a keyring: its member format should be \"tokenwright-keyring\"",
    );
    edited(
        "\"version\": 1",
        "\"version\": 2",
        KeyringErrorKind::NewerVersion,
        "the keyring has version 2, and this program knows 1: update this program; the file was left as it is",
    );
    edited(
        "\"clock_skew\": 3",
        "\"clock_skew\": 9",
        KeyringErrorKind::UnsafePolicy,
        "the keyring's policy is unsafe: rule 6: leeway is 5 s, but clocks differ by 9 s: a token of a fast clock \
         would be refused as not yet valid; raise leeway to 9 s, or lower clock_skew to 5 s",
    );
    edited(
        "\"EdDSA\"",
        "\"none\"",
        KeyringErrorKind::Malformed,
        "the keyring names the algorithm \"none\", which this program does not know",
    );
    let text = run(&[0, 975]).to_json();
    for from in ["\"as_of\"", "\"max_lifetime\"", "\"period\""] {
        let misspelt = text.replacen(from, "\"misspelt\"", 1);
        let error = Keyring::from_json(misspelt.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), KeyringErrorKind::Malformed, "{from}");
    }
    let large = vec![b' '; 5 * 1024 * 1024];
    assert_eq!(
        Keyring::from_json(&large).unwrap_err().kind(),
        KeyringErrorKind::TooLarge
    );
}

#[test]
fn a_document_cut_anywhere_or_flipped_anywhere_never_panics() {
    let text = run(&[0, 975]).to_json();
    for end in 0..text.len() - 2 {
        assert!(Keyring::from_json(&text.as_bytes()[..end]).is_err());
    }
    let mut bytes = text.into_bytes();
    let original = Keyring::from_json(&bytes).unwrap();
    for place in 0..bytes.len() {
        for bit in [0x01, 0x10, 0x80] {
            bytes[place] ^= bit;
            // What is still a keyring is another one, or says the same in other words.
            if let Ok(other) = Keyring::from_json(&bytes) {
                assert!(other != original || bytes[place].is_ascii_whitespace());
            }
            bytes[place] ^= bit;
        }
    }
}
