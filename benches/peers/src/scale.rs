//! What must cost the same however much of it there is.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokenwright::key::{Algorithm, KeyId, SigningKey, VerifyingKey};
use tokenwright::{
    Freshness, KeySet, LiveRevocations, Policy, Revocation, RevocationList, Scratch, UnixTime,
    Verifier, Verifiers, WhenUnknown,
};

use crate::measure::{Contestant, Kind, Timing, compare};
use crate::operations::Choice;
use crate::report::Report;
use crate::scene::{AUDIENCE, ISSUER, LIFETIME, Scene, now};

/// Ours may take this much longer with a great many than with one or none.
const WITHIN: Option<f64> = Some(1.10);
const KEYS: usize = 10_000;
const REVOCATIONS: u64 = 10_000_000;
const ISSUERS: usize = 100;
/// Two threads take at most this much of one's time for a token: 1.9 times the throughput.
const TWO_THREADS: Option<f64> = Some(1.0 / 1.9);
/// From nothing to a verified token on the command line.
const START_UP_NS: Option<f64> = Some(10e6);

pub fn measure(report: &mut Report, rounds: usize, choice: &Choice) {
    let scene = Scene::new(Algorithm::EdDsa);
    let plain = scene.busy_verifier();
    if choice.has("two threads") {
        two_threads(report, scene, &plain, rounds);
    }
    if choice.has("10,000 keys") {
        let many = with_many_keys(scene);
        beside(
            report,
            "10,000 keys",
            scene,
            ("one key", plain.clone()),
            many,
            rounds,
        );
    }
    if choice.has("10^7 revocations") {
        let many = with_revocations(scene);
        beside(
            report,
            "10^7 revocations",
            scene,
            ("none", plain.clone()),
            many,
            rounds,
        );
    }
    if choice.has("100 issuers") {
        issuers(report, scene, &plain, rounds);
    }
    if choice.has("start-up") {
        start_up(report, scene, rounds);
    }
}

fn policy() -> Policy {
    Policy::new(ISSUER, AUDIENCE)
}

fn verifying(kind: Kind, name: &str, scene: &'static Scene, verifier: Verifier) -> Contestant {
    let mut scratch = Scratch::new();
    Contestant::new(kind, name, move |call| {
        let token = scene.tokens[call % scene.tokens.len()];
        assert!(
            verifier
                .verify_borrowed(black_box(token), &mut scratch)
                .is_ok()
        );
    })
}

fn beside(
    report: &mut Report,
    operation: &str,
    scene: &'static Scene,
    (name, without): (&str, Verifier),
    with: Verifier,
    rounds: usize,
) {
    let mut both = [
        verifying(Kind::Ours, operation, scene, with),
        verifying(Kind::Peer, name, scene, without),
    ];
    report.add(operation, WITHIN, compare(&mut both, rounds));
}

fn busy_key(scene: &Scene) -> VerifyingKey {
    let key = scene.signing_key().verifying_key();
    assert!(key.warm());
    key
}

/// Ten thousand keys, of which this scene's is busy.
fn with_many_keys(scene: &Scene) -> Verifier {
    let mut keys: Vec<VerifyingKey> = (1..KEYS)
        .map(|_| {
            SigningKey::generate(Algorithm::EdDsa)
                .expect("a key")
                .verifying_key()
        })
        .collect();
    keys.insert(KEYS / 2, busy_key(scene));
    Verifier::builder(KeySet::of(keys).expect("a key set"))
        .policy(policy())
        .without_revocation()
        .build()
}

/// Ten million tokens withdrawn, none of them asked about.
fn with_revocations(scene: &Scene) -> Verifier {
    let mut list = RevocationList::new();
    let until = UnixTime::from_seconds((now() + LIFETIME) as i64);
    let at = UnixTime::from_seconds(now() as i64);
    // In steps, as no machine needs a gigabyte of text to hold what is only hashed.
    for start in (0..REVOCATIONS).step_by(500_000) {
        let ids: Vec<String> = (start..start + 500_000)
            .map(|id| format!("withdrawn-{id}"))
            .collect();
        let each = ids
            .iter()
            .map(|id| Revocation::token(ISSUER, id, at, until));
        list.extend(each).expect("room in the list");
    }
    let fresh = Freshness::new(Duration::from_secs(LIFETIME), WhenUnknown::Refuse);
    Verifier::builder(KeySet::of([busy_key(scene)]).expect("a key set"))
        .policy(policy())
        .revocation(LiveRevocations::new(list, at), fresh)
        .build()
}

/// One program for a hundred issuers, and for one of them alone.
fn issuers(report: &mut Report, scene: &'static Scene, plain: &Verifier, rounds: usize) {
    let others = (1..ISSUERS).map(|number| {
        let key = SigningKey::generate(Algorithm::EdDsa).expect("a key");
        let key = key.with_id(KeyId::new(&format!("key-{number}")).expect("an id"));
        Verifier::builder(KeySet::of([key.verifying_key()]).expect("a key set"))
            .policy(Policy::new(
                format!("https://issuer-{number}.example"),
                AUDIENCE,
            ))
            .without_revocation()
            .build()
    });
    let verifiers =
        Verifiers::of(others.chain([scene.busy_verifier()])).expect("different issuers");
    let mut scratch = Scratch::new();
    let mut verify = move |call: usize| {
        let token = scene.tokens[call % scene.tokens.len()];
        assert!(
            verifiers
                .verify_borrowed(black_box(token), &mut scratch)
                .is_ok()
        );
    };
    (0..20_000).for_each(&mut verify);
    let mut both = [
        Contestant::new(Kind::Ours, "100 issuers", verify),
        verifying(Kind::Peer, "one issuer", scene, plain.clone()),
    ];
    report.add("100 issuers", WITHIN, compare(&mut both, rounds));
}

/// Time a token by the clock on the wall. A round in which another program held one of
/// the processors says nothing about locks, so it is left out where others remain.
fn two_threads(report: &mut Report, scene: &'static Scene, verifier: &Verifier, rounds: usize) {
    const CALLS: usize = 1_000;
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        for (threads, times) in [(1, &mut one), (2, &mut two)] {
            times.push(on_threads(threads, scene, verifier, CALLS));
        }
    }
    let timing = |kind, name: &str, times: Vec<(f64, f64)>| {
        let undisturbed = |limit: f64| {
            let all = times.iter().filter(move |(_, busy)| *busy >= limit);
            let mut all: Vec<f64> = all.map(|(ns, _)| *ns).collect();
            all.sort_by(f64::total_cmp);
            all
        };
        let mut kept = undisturbed(0.98);
        if kept.len() < 3 {
            println!("(two threads: the machine is busy with something else)");
            kept = undisturbed(0.0);
        }
        let at = |share: f64| kept[((kept.len() - 1) as f64 * share).round() as usize];
        let (ns, spread) = (at(0.5), (at(0.75) - at(0.25)) / 2.0 / at(0.5));
        Timing {
            kind,
            name: name.to_owned(),
            ns,
            spread,
            allocations: f64::NAN,
        }
    };
    let timings = vec![
        timing(Kind::Ours, "two threads", two),
        timing(Kind::Peer, "one thread", one),
    ];
    report.add("two threads", TWO_THREADS, timings);
}

/// Nanoseconds a token, and the share of the time in which the threads really ran.
fn on_threads(
    threads: usize,
    scene: &'static Scene,
    verifier: &Verifier,
    calls: usize,
) -> (f64, f64) {
    let barrier = Barrier::new(threads);
    let work = || {
        let mut scratch = Scratch::new();
        let mut verify = |call: usize| {
            let token = scene.tokens[call % scene.tokens.len()];
            assert!(
                verifier
                    .verify_borrowed(black_box(token), &mut scratch)
                    .is_ok()
            );
        };
        (0..calls / 10).for_each(&mut verify);
        barrier.wait();
        let (wall, busy) = (Instant::now(), clock_gettime(ClockId::ThreadCPUTime));
        (0..calls).for_each(&mut verify);
        let busy = Duration::try_from(clock_gettime(ClockId::ThreadCPUTime) - busy);
        (wall.elapsed(), busy.expect("a time that is not negative"))
    };
    let times: Vec<(Duration, Duration)> = thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        started
            .into_iter()
            .map(|thread| thread.join().expect("a thread"))
            .collect()
    });
    let longest = times
        .iter()
        .map(|(wall, _)| *wall)
        .max()
        .unwrap_or_default();
    let shares = times
        .iter()
        .map(|(wall, busy)| busy.as_secs_f64() / wall.as_secs_f64());
    let ns = longest.as_nanos() as f64 / (calls * threads) as f64;
    (ns, shares.fold(1.0, f64::min))
}

/// The program built in release, if somebody has built it.
fn program() -> Option<PathBuf> {
    let named = std::env::var_os("TOKENWRIGHT_BIN").map(PathBuf::from);
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/release/tokenwright");
    named.or(Some(usual)).filter(|path| path.is_file())
}

/// A process that verifies one token and ends, by the clock on the wall.
fn start_up(report: &mut Report, scene: &'static Scene, rounds: usize) {
    let Some(program) = program() else {
        let why = "there is no target/release/tokenwright; build it, or name it in TOKENWRIGHT_BIN";
        report.absent("CLI start-up", why);
        return;
    };
    let folder = std::env::temp_dir().join(format!("tokenwright-peers-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let keys = folder.join("jwks.json");
    let key = scene.signing_key().verifying_key().to_jwk().expect("a JWK");
    std::fs::write(&keys, format!("{{\"keys\":[{key}]}}")).expect("a file");
    let mut times: Vec<f64> = (0..rounds)
        .map(|_| {
            let began = Instant::now();
            let status = Command::new(&program)
                .args([
                    "verify",
                    "--without-revocation",
                    "--iss",
                    ISSUER,
                    "--aud",
                    AUDIENCE,
                ])
                .arg("--jwks")
                .arg(&keys)
                .arg(scene.tokens[0])
                .current_dir(&folder)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .status();
            let took = began.elapsed().as_nanos() as f64;
            assert!(status.expect("the program starts").success());
            took
        })
        .collect();
    std::fs::remove_dir_all(&folder).expect("our own folder");
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    let timing = Timing {
        kind: Kind::Ours,
        name: "tokenwright verify, start to end".to_owned(),
        ns: at(0.5),
        spread: (at(0.75) - at(0.25)) / 2.0 / at(0.5),
        allocations: f64::NAN,
    };
    report.add("CLI start-up", START_UP_NS, vec![timing]);
}
