//! Every call of a run fails once, in every way a call can fail.

use std::sync::{Arc, Mutex};

use tokenwright::keyring::{EmergencyOptions, Event, Keyring, State};
use tokenwright::store::{
    MaterialAddress, MemoryStore, MissingMaterial, RunOptions, Scheduler, Store, StoreError,
    StoreErrorKind, Version, Versioned,
};
use tokenwright::{ManualClock, SecretBytes};

use super::{at, begin, dangling, keyring, signers_at};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// One call fails and changes nothing.
    Refused,
    /// One call is carried out, and nobody knows.
    DoneInDoubt,
    /// One call is not carried out, and nobody knows.
    NotDoneInDoubt,
    /// The process dies before the call.
    DeathBefore,
    /// The process dies after the call, before it is answered.
    DeathAfter,
    /// From this call on the disk is full: only removing and reading work.
    DiskFull,
    /// From this call on nothing can be written.
    ReadOnly,
    /// From this call on every write is carried out and nobody knows.
    AlwaysInDoubt,
    /// From this call on every swap ends in doubt, and takes effect when the run is over.
    AlwaysLate,
    /// Before this call another scheduler does all that is due.
    Overtaken,
}

const FAULTS: [Fault; 10] = [
    Fault::Refused,
    Fault::DoneInDoubt,
    Fault::NotDoneInDoubt,
    Fault::DeathBefore,
    Fault::DeathAfter,
    Fault::DiskFull,
    Fault::ReadOnly,
    Fault::AlwaysInDoubt,
    Fault::AlwaysLate,
    Fault::Overtaken,
];

/// What a call does to the store.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    Read,
    Write,
    Remove,
}

/// A store in memory that fails at one call.
struct Faulty {
    inner: MemoryStore,
    fault: Fault,
    /// Called when another scheduler is to be faster.
    other: Box<dyn Fn() + Send + Sync>,
    /// Calls left before the one that fails.
    left: Mutex<i64>,
    /// Swaps that are still on their way.
    late: Mutex<Vec<(Option<Version>, Vec<u8>)>>,
    /// The last document whose swap was answered with `Ok`.
    acknowledged: Mutex<Option<Vec<u8>>>,
}

fn error(kind: StoreErrorKind) -> StoreError {
    StoreError::new(kind, "faulty", "an answer", "a fault", "nothing")
}

impl Faulty {
    fn call<T>(
        &self,
        call: Call,
        act: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let left = {
            let mut left = self.left.lock().unwrap();
            *left -= 1;
            *left
        };
        let (now, later) = (left == 0, left <= 0);
        let writes = call != Call::Read;
        match self.fault {
            Fault::Refused if now => Err(error(StoreErrorKind::Io)),
            Fault::DoneInDoubt if now && writes => {
                let _ = act();
                Err(error(StoreErrorKind::Indeterminate))
            }
            Fault::NotDoneInDoubt if now && writes => Err(error(StoreErrorKind::Indeterminate)),
            Fault::DeathBefore if later => Err(error(StoreErrorKind::Unavailable)),
            Fault::DeathAfter if later => {
                if now {
                    let _ = act();
                }
                Err(error(StoreErrorKind::Unavailable))
            }
            Fault::DiskFull if later && call == Call::Write => Err(error(StoreErrorKind::NoSpace)),
            Fault::ReadOnly if later && writes => Err(error(StoreErrorKind::ReadOnly)),
            Fault::AlwaysInDoubt if later && writes => {
                let _ = act();
                Err(error(StoreErrorKind::Indeterminate))
            }
            Fault::Overtaken if now => {
                (self.other)();
                act()
            }
            _ => act(),
        }
    }
}

impl Store for Faulty {
    fn load(&self) -> Result<Option<Versioned>, StoreError> {
        self.call(Call::Read, || self.inner.load())
    }

    fn compare_and_swap(
        &self,
        expected: Option<&Version>,
        document: &[u8],
    ) -> Result<Version, StoreError> {
        let result = self.call(Call::Write, || {
            if self.fault == Fault::AlwaysLate && *self.left.lock().unwrap() <= 0 {
                let late = (expected.cloned(), document.to_vec());
                self.late.lock().unwrap().push(late);
                return Err(error(StoreErrorKind::Indeterminate));
            }
            self.inner.compare_and_swap(expected, document)
        });
        if result.is_ok() {
            *self.acknowledged.lock().unwrap() = Some(document.to_vec());
        }
        result
    }

    fn put_material(
        &self,
        address: &MaterialAddress,
        secret: &SecretBytes,
    ) -> Result<(), StoreError> {
        self.call(Call::Write, || self.inner.put_material(address, secret))
    }

    fn replace_material(
        &self,
        address: &MaterialAddress,
        secret: &SecretBytes,
    ) -> Result<(), StoreError> {
        self.call(Call::Write, || self.inner.replace_material(address, secret))
    }

    fn get_material(&self, address: &MaterialAddress) -> Result<Option<SecretBytes>, StoreError> {
        self.call(Call::Read, || self.inner.get_material(address))
    }

    fn remove_material(&self, address: &MaterialAddress) -> Result<(), StoreError> {
        self.call(Call::Remove, || self.inner.remove_material(address))
    }

    fn list_material(&self) -> Result<Vec<MaterialAddress>, StoreError> {
        self.call(Call::Read, || self.inner.list_material())
    }
}

/// What is done on the store, at a time when it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Due(i64),
    /// Everything at once, after nobody has run for more than a period.
    Late(i64),
    Compromise,
    Suspend,
    Restore,
}

const WORK: [Work; 9] = [
    Work::Due(0),
    Work::Due(980),
    Work::Due(1_003),
    Work::Due(1_108),
    Work::Due(1_990),
    Work::Late(1_990),
    Work::Compromise,
    Work::Suspend,
    Work::Restore,
];

/// A store in which the work is about to be done, its clock's time, and a backup.
fn prepared(work: Work) -> (MemoryStore, i64, Vec<u8>) {
    let store = MemoryStore::new();
    begin(&store, None);
    let now = match work {
        Work::Due(now) | Work::Late(now) => now,
        Work::Compromise | Work::Suspend | Work::Restore => 300,
    };
    let before: &[i64] = match work {
        Work::Due(0) => &[],
        Work::Due(_) => &[0, 975, 1_003],
        _ => &[0],
    };
    for second in before.iter().filter(|second| **second < now) {
        run_at(&store, *second);
    }
    let backup = store.load().unwrap().unwrap().document;
    (store, now, backup)
}

fn run_at(store: &MemoryStore, second: i64) -> Vec<Event> {
    let scheduler = Scheduler::new(store.clone(), ManualClock::at(at(second)));
    scheduler.run_due(&RunOptions::default()).unwrap().events
}

/// Does the work; an error is an answer, too.
fn perform(scheduler: &Scheduler, work: Work, first: &str, backup: &[u8]) -> Result<(), String> {
    let id = tokenwright::key::KeyId::new(first).unwrap();
    let options = EmergencyOptions::default();
    let done = match work {
        Work::Due(_) | Work::Late(_) => scheduler.run_due(&RunOptions::default()).map(drop),
        Work::Compromise => scheduler.compromise(&id, options).map(drop),
        Work::Suspend => scheduler.suspend(&id, options).map(drop),
        Work::Restore => scheduler.restore(backup, MissingMaterial::Refuse).map(drop),
    };
    done.map_err(|error| error.code().to_owned())
}

/// How a keyring looks apart from the names of its keys.
fn shape(keyring: &Keyring, now: i64) -> Vec<(State, i64, bool)> {
    let mut shape: Vec<_> = keyring
        .keys()
        .iter()
        .map(|key| {
            let activates = key.activates_at().map_or(0, |at| at.seconds());
            (
                key.state(at(now)),
                activates,
                key.private_erased_at().is_some(),
            )
        })
        .collect();
    shape.sort_by_key(|(state, activates, _)| (state.name(), *activates));
    shape
}

/// One work with faults at these calls, one process after the other.
fn survives(work: Work, faults: &[(Fault, i64)], wanted: &[(State, i64, bool)]) {
    let (store, now, backup) = prepared(work);
    let first = keyring(&store).signer(at(now)).unwrap().id().to_string();
    let mut dead = 0;
    for (fault, place) in faults {
        let inner = store.clone();
        let faulty = Arc::new(Faulty {
            inner: store.clone(),
            fault: *fault,
            other: Box::new(move || drop(run_at(&inner, now))),
            left: Mutex::new(*place),
            late: Mutex::default(),
            acknowledged: Mutex::default(),
        });
        let scheduler = Scheduler::new(Arc::clone(&faulty), ManualClock::at(at(now)));
        let before = store.load().unwrap().unwrap().document;
        let result = perform(&scheduler, work, &first, &backup);
        let after = store.load().unwrap().unwrap().document;
        if *fault == Fault::DoneInDoubt && result.is_ok() && after != before {
            // What is reported as done is durable, not perhaps so.
            let acknowledged = faulty.acknowledged.lock().unwrap();
            assert_eq!(acknowledged.as_ref(), Some(&after), "{work:?} {faults:?}");
        }
        for (expected, document) in faulty.late.lock().unwrap().drain(..) {
            // Only the first can find the version that it expects.
            let _ = store.compare_and_swap(expected.as_ref(), &document);
        }
        dead += 1;
        let context = format!("{work:?} {faults:?}");
        assert_eq!(dangling(&store, now), Vec::<String>::new(), "{context}");
        let healthy = Scheduler::new(store.clone(), ManualClock::at(at(now)));
        let orphans = healthy.orphans().unwrap().len();
        assert!(orphans <= dead, "{orphans} orphans: {context}");
    }
    // The next process finds a store it can work with, and finishes the work.
    let healthy = Scheduler::new(store.clone(), ManualClock::at(at(now)));
    if let Err(code) = perform(&healthy, work, &first, &backup) {
        assert_eq!(code, "nothing_to_do", "{work:?} {faults:?}");
    }
    healthy.run_due(&RunOptions::default()).unwrap();
    let found = keyring(&store);
    assert_eq!(shape(&found, now), wanted, "{work:?} {faults:?}");
    assert_eq!(signers_at(&found, now), 1);
    assert_eq!(dangling(&store, now), Vec::<String>::new());
    assert!(healthy.orphans().unwrap().len() <= dead);
}

/// The keyring as it should be in the end, and how many calls that takes.
fn wanted(work: Work) -> (Vec<(State, i64, bool)>, i64) {
    let (store, now, backup) = prepared(work);
    let first = keyring(&store).signer(at(now)).unwrap().id().to_string();
    let calls = Arc::new(Faulty {
        inner: store.clone(),
        fault: Fault::Refused,
        other: Box::new(|| {}),
        left: Mutex::new(i64::MAX),
        late: Mutex::default(),
        acknowledged: Mutex::default(),
    });
    let scheduler = Scheduler::new(Arc::clone(&calls), ManualClock::at(at(now)));
    perform(&scheduler, work, &first, &backup).unwrap();
    let made = i64::MAX - *calls.left.lock().unwrap();
    run_at(&store, now);
    (shape(&keyring(&store), now), made)
}

#[test]
fn a_fault_at_any_call_loses_nothing_and_the_next_run_finishes_the_work() {
    let mut cases = 0;
    for work in WORK {
        let (wanted, calls) = wanted(work);
        for fault in FAULTS {
            for place in 1..=calls + 2 {
                survives(work, &[(fault, place)], &wanted);
                cases += 1;
            }
        }
    }
    println!("{cases} cases");
    assert!(cases > 600, "{cases}");
}

#[test]
fn two_deaths_in_a_row_lose_nothing() {
    let mut cases = 0;
    let deaths = [Fault::DeathBefore, Fault::DeathAfter];
    for work in WORK {
        let (wanted, calls) = wanted(work);
        for first in 1..=calls {
            for second in 1..=calls {
                for death in deaths {
                    let faults = [(death, first), (Fault::DeathAfter, second)];
                    survives(work, &faults, &wanted);
                    cases += 1;
                }
            }
        }
    }
    println!("{cases} cases");
    assert!(cases > 600, "{cases}");
}
