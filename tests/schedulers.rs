//! The schedule kept on real stores: by many at once, killed at any instant,
//! with faults at every call.
#[path = "schedulers/damage.rs"]
mod damage;
#[path = "schedulers/faults.rs"]
mod faults;
#[path = "schedulers/processes.rs"]
mod processes;

use std::sync::Arc;
use std::time::Duration;

use tokenwright::key::{Algorithm, KeyId, SigningKey};
use tokenwright::keyring::{
    Defaults, EmergencyOptions, Event, Keyring, LargeJump, PolicyNumbers, RotationPolicy, State,
};
use tokenwright::store::{
    MaterialAddress, MemoryStore, RunOptions, ScheduleErrorKind, Scheduler, Store, create_keyring,
    load_keyring,
};
use tokenwright::{ManualClock, SecretBytes, UnixTime};

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

const START: i64 = 1_760_000_000;

fn at(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(START + seconds)
}

/// A keyring whose first key signs from 0 on.
fn begin(store: &dyn Store, passphrase: Option<&SecretBytes>) -> KeyId {
    begin_with(store, Algorithm::EdDsa, passphrase)
}

fn begin_with(store: &dyn Store, algorithm: Algorithm, passphrase: Option<&SecretBytes>) -> KeyId {
    let key = SigningKey::generate(algorithm).unwrap();
    let policy = RotationPolicy::new(NUMBERS).unwrap();
    let defaults = Defaults::default();
    create_keyring(store, "orders", policy, defaults, &key, passphrase, at(0)).unwrap();
    key.id().clone()
}

fn keyring(store: &dyn Store) -> Keyring {
    load_keyring(store).unwrap().unwrap().keyring
}

/// A scheduler on a store in memory, and the clock it goes by.
fn in_memory() -> (MemoryStore, Arc<ManualClock>, Scheduler) {
    let (store, clock) = (MemoryStore::new(), Arc::new(ManualClock::at(at(0))));
    begin(&store, None);
    let scheduler = Scheduler::new(store.clone(), Arc::clone(&clock));
    (store, clock, scheduler)
}

/// Keys that still have to sign and whose material is not in the store.
fn dangling(store: &dyn Store, now: i64) -> Vec<String> {
    let keyring = keyring(store);
    let there = store.list_material().unwrap();
    let needed = keyring.keys().iter().filter(|key| {
        let due = key.private_erased_from(keyring.policy());
        key.private_erased_at().is_none() && due.is_none_or(|due| at(now) < due)
    });
    let gone = needed.filter(|key| !there.iter().any(|at| at.as_str() == key.address()));
    gone.map(|key| key.id().to_string()).collect()
}

/// How many keys may sign at this time.
fn signers_at(keyring: &Keyring, now: i64) -> usize {
    let signs = keyring
        .keys()
        .iter()
        .filter(|key| key.state(at(now)).signs());
    signs.count()
}

fn kinds(events: &[Event]) -> Vec<&'static str> {
    let name = |event: &Event| match event {
        Event::SuccessorPublished { .. } => "successor",
        Event::StandbyPublished { .. } => "standby",
        Event::StandbyActivated { .. } => "activated",
        Event::PrivateHalfErased { .. } => "erased",
        Event::Withdrawn { .. } => "withdrawn",
        other => panic!("unexpected: {other:?}"),
    };
    events.iter().map(name).collect()
}

#[test]
fn every_due_time_is_kept_and_nothing_happens_in_between() {
    let (store, clock, scheduler) = in_memory();
    let mut seen = Vec::new();
    for second in 0..=2_200 {
        clock.set(at(second));
        let foreseen = scheduler.due(&RunOptions::default()).unwrap();
        let performed = scheduler.run_due(&RunOptions::default()).unwrap();
        assert_eq!(kinds(&foreseen), kinds(&performed.events));
        assert!(performed.next_due.unwrap() > at(second));
        assert!(performed.left_behind.is_empty());
        for kind in kinds(&performed.events) {
            seen.push((second, kind));
        }
    }
    assert_eq!(
        seen,
        [
            (0, "standby"),
            (975, "successor"),
            (1_003, "erased"),
            (1_108, "withdrawn"),
            (1_975, "successor"),
            (2_003, "erased"),
            (2_108, "withdrawn"),
        ]
    );
    assert_eq!(scheduler.orphans().unwrap(), []);
    assert_eq!(store.list_material().unwrap().len(), 2);
}

#[test]
fn a_compromised_signer_is_replaced_at_once_and_a_new_standby_waits() {
    let (store, clock, scheduler) = in_memory();
    scheduler.run_due(&RunOptions::default()).unwrap();
    clock.set(at(100));
    let before = keyring(&store);
    let signer = before.signer(at(100)).unwrap().id().clone();
    let options = EmergencyOptions::default();
    let foreseen = scheduler.preview_compromise(&signer, options).unwrap();
    assert_eq!(keyring(&store), before);

    let done = scheduler.compromise(&signer, options).unwrap();
    assert_eq!(
        (done.radius, &done.successor),
        (foreseen.radius, &foreseen.successor)
    );
    let after = keyring(&store);
    assert_eq!(
        after.state_of(signer.as_str(), at(100)),
        Some(State::Compromised)
    );
    assert_eq!(
        Some(after.signer(at(100)).unwrap().id()),
        done.successor.as_ref()
    );
    let waiting = after
        .keys()
        .iter()
        .filter(|key| key.activates_at().is_none());
    assert_eq!(waiting.count(), 1);
    assert_eq!(scheduler.orphans().unwrap(), []);
    let again = scheduler.compromise(&signer, options).unwrap_err();
    assert_eq!(again.code(), "nothing_to_do");
    assert_eq!(store.list_material().unwrap().len(), 3);
}

#[test]
fn a_suspended_key_can_be_resumed() {
    let (store, clock, scheduler) = in_memory();
    scheduler.run_due(&RunOptions::default()).unwrap();
    clock.set(at(100));
    let signer = keyring(&store).signer(at(100)).unwrap().id().clone();
    scheduler
        .suspend(&signer, EmergencyOptions::default())
        .unwrap();
    assert_eq!(
        keyring(&store).state_of(signer.as_str(), at(100)),
        Some(State::Suspended)
    );
    scheduler.resume(&signer, LargeJump::Refuse).unwrap();
    assert_eq!(
        keyring(&store).state_of(signer.as_str(), at(100)),
        Some(State::Retiring)
    );
}

#[test]
fn a_key_whose_private_half_is_missing_never_takes_over() {
    let (store, clock, scheduler) = in_memory();
    scheduler.run_due(&RunOptions::default()).unwrap();
    clock.set(at(100));
    let before = keyring(&store);
    let signer = before.signer(at(100)).unwrap().id();
    let standby = before.keys().iter().find(|key| key.id() != signer).unwrap();
    let gone = MaterialAddress::new(standby.address()).unwrap();
    store.remove_material(&gone).unwrap();
    let missing = ScheduleErrorKind::MaterialMissing {
        ids: vec![standby.id().clone()],
    };
    let refused = scheduler
        .compromise(signer, EmergencyOptions::default())
        .unwrap_err();
    assert_eq!(refused.kind(), &missing);
    assert_eq!(keyring(&store), before);
    assert_eq!(scheduler.orphans().unwrap(), []);
    assert_eq!(
        scheduler
            .run_due(&RunOptions::default())
            .unwrap_err()
            .kind(),
        &missing
    );
}

#[test]
fn a_health_report_turns_red_and_green_again() {
    let (store, clock, scheduler) = in_memory();
    let (tell, told) = std::sync::mpsc::channel();
    let tick = Duration::from_secs(3_600);
    let schedule = scheduler
        .spawn(tick, move |result| tell.send(result.clone()).unwrap())
        .unwrap();
    let next = || told.recv_timeout(Duration::from_secs(30)).unwrap();
    assert_eq!(kinds(&next().unwrap().events), ["standby"]);
    assert!(schedule.health().is_healthy());
    assert_eq!(schedule.health().next_due, Some(at(975)));

    clock.set(at(975 + 3_600 + 3));
    assert!(schedule.health().is_overdue);
    schedule.wake();
    assert_eq!(next().unwrap_err().code(), "clock_jump");
    assert!(!schedule.health().is_healthy());
    clock.set(at(980));
    schedule.wake();
    assert_eq!(kinds(&next().unwrap().events), ["successor"]);
    assert!(schedule.health().is_healthy());

    let old = store.load().unwrap().unwrap();
    clock.set(at(1_010));
    schedule.wake();
    assert_eq!(kinds(&next().unwrap().events), ["erased"]);
    let newer = store.load().unwrap().unwrap();
    store
        .compare_and_swap(Some(&newer.version), &old.document)
        .unwrap();
    schedule.wake();
    assert_eq!(next().unwrap_err().code(), "keyring_rolled_back");
    schedule.stop();
    assert!(told.recv().is_err(), "the thread has ended");
}
