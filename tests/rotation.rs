//! The rules of rotation, one sentence each.

use tokenwright::UnixTime;
use tokenwright::key::{Algorithm, KeyId};
use tokenwright::keyring::{
    Defaults, Event, Keyring, LargeJump, NewKey, PolicyNumbers, RotationPolicy, State, Step, step,
};

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
