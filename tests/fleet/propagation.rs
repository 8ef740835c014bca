//! How soon twenty verifiers in processes of their own refuse what was revoked.
//!
//! The figures of the documentation: `TOKENWRIGHT_PROPAGATION=200 cargo test
//! --all-features --test fleet propagation -- --nocapture --test-threads 1`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokenwright::store::{OpenOptions, OpenedStore, Refreshed, RevocationFollower, Waker};
use tokenwright::{Clock as _, Revocation, SystemClock};

use super::ready;
use super::servers::{Bucket, Postgres, Redis};

const STORE: &str = "TOKENWRIGHT_TEST_VERIFIER";
const INTERVAL: &str = "TOKENWRIGHT_TEST_INTERVAL";
const VERIFIERS: usize = 20;

fn nanoseconds() -> u128 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_nanos()
}

#[test]
fn a_process_that_is_told_of_a_store_follows_its_list() {
    let Ok(name) = std::env::var(STORE) else {
        return;
    };
    let interval: u64 = std::env::var(INTERVAL).unwrap().parse().unwrap();
    // A verifier has no secret.
    let store = OpenedStore::open(&name, &OpenOptions::new()).unwrap();
    let follower = RevocationFollower::open(store.revocations(), SystemClock).unwrap();
    let look = move || {
        if let Ok(Refreshed::Changed) = follower.refresh() {
            let now = nanoseconds();
            println!("answer {} {now}", follower.live().view().list().len());
        }
    };
    // With an interval in milliseconds it only looks; with none it is told.
    let waker = Waker::new(look.clone());
    let _listening = (interval == 0).then(|| store.listen(vec![waker]).unwrap());
    let every = Duration::from_millis(if interval == 0 { 5_000 } else { interval });
    println!("answer ready");
    let (ended, end) = channel::<()>();
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = std::io::stdin().lock().read_line(&mut line);
        let _ = ended.send(());
    });
    while end.recv_timeout(every).is_err() {
        look();
    }
}

struct Verifier {
    child: Child,
    told: ChildStdin,
}

fn start(name: &str, interval: u64) -> (Verifier, Receiver<String>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "propagation::a_process_that_is_told_of_a_store_follows_its_list",
        ])
        .args(["--nocapture", "--quiet"])
        .env(STORE, name)
        .env(INTERVAL, interval.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            if let Some((_, answer)) = line.split_once("answer ") {
                let _ = tell.send(answer.to_owned());
            }
        }
    });
    let told_child = child.stdin.take().unwrap();
    (
        Verifier {
            child,
            told: told_child,
        },
        told,
    )
}

/// How many revocations are followed: figures need more than a test does.
fn revocations() -> usize {
    let given = std::env::var("TOKENWRIGHT_PROPAGATION").ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(3)
}

/// Revokes one token after another, and waits until all verifiers know of each.
fn measure(kind: &str, name: &str, interval: u64) {
    let store = ready(name);
    let list = store.revocations();
    list.create(SystemClock.now()).unwrap();
    let mut verifiers: Vec<_> = (0..VERIFIERS).map(|_| start(name, interval)).collect();
    let patience = Duration::from_secs(60);
    for (_, heard) in &verifiers {
        assert_eq!(heard.recv_timeout(patience).unwrap(), "ready");
    }
    let mut took = Vec::new();
    for number in 1..=revocations() {
        let now = SystemClock.now();
        let until = now.saturating_add(Duration::from_secs(900));
        let token = format!("t-{number}");
        let entry = Revocation::token("https://auth.example", token, now, until);
        let begun = nanoseconds();
        list.append(&[entry], now).unwrap();
        for (_, heard) in &verifiers {
            // Some answers count what came before.
            let answer = loop {
                let answer = heard
                    .recv_timeout(patience)
                    .expect("a verifier that knows of it");
                let (count, at) = answer.split_once(' ').unwrap();
                if count.parse::<usize>().unwrap() >= number {
                    break at.parse::<u128>().unwrap();
                }
            };
            took.push(answer.saturating_sub(begun));
        }
        // Between two looks, not in step with them.
        let pause = Instant::now() + Duration::from_millis((number as u64 * 37) % 150);
        while Instant::now() < pause {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    took.sort_unstable();
    let at = |part: f64| took[((took.len() - 1) as f64 * part) as usize] as f64 / 1e6;
    let how = if interval == 0 {
        "push".to_owned()
    } else {
        format!("poll {interval} ms")
    };
    println!(
        "{kind}, {how}: {} revocations to {VERIFIERS} verifiers: p50 {:.1} ms, p99 {:.1} ms, worst {:.1} ms",
        revocations(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
    for (verifier, _) in &mut verifiers {
        let _ = writeln!(verifier.told);
        assert!(verifier.child.wait().unwrap().success());
    }
}

#[test]
fn twenty_verifiers_hear_of_every_revocation_on_redis() {
    let Some(redis) = Redis::start() else { return };
    measure("redis", &redis.name("push"), 0);
    measure("redis", &redis.name("poll"), 400);
}

#[test]
fn twenty_verifiers_hear_of_every_revocation_on_postgres() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    measure("postgres", &postgres.name("push"), 0);
    measure("postgres", &postgres.name("poll"), 400);
}

#[test]
fn twenty_verifiers_see_every_revocation_in_object_storage() {
    let Some(bucket) = Bucket::start() else {
        return;
    };
    measure("s3", &bucket.name("poll"), 400);
}
