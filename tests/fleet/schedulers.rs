//! Sixty-four processes keep one schedule on a server, and any of them is killed at any
//! instant. The game is that of `tests/schedulers/processes.rs`, over a store by its name.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use tokenwright::ManualClock;
use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::keyring::{Defaults, Keyring, PolicyNumbers, RotationPolicy};
use tokenwright::store::{
    OpenedStore, RunOptions, Scheduler, Store, create_keyring, load_keyring, signing_key,
};

use super::servers::{Bucket, Postgres, Redis};
use super::{START, at, ready, signing};

const STORE: &str = "TOKENWRIGHT_TEST_SCHEDULER";
const SCHEDULERS: usize = 64;
/// Schedulers killed in each round.
const KILLED: usize = 8;

/// Reproducible choices (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// What a scheduler's process does: for each time it is told, one run. It is told
/// that there is a store by the environment; without one this test plays all parts.
fn be_a_scheduler(name: &str) {
    let clock = Arc::new(ManualClock::at(at(0)));
    let store = OpenedStore::open(name, &signing()).unwrap();
    let scheduler = Scheduler::new(store, Arc::clone(&clock));
    for line in std::io::stdin().lock().lines() {
        let now: i64 = line.unwrap().parse().unwrap();
        clock.set(at(now));
        let answer = match scheduler.run_due(&RunOptions::default()) {
            Ok(performed) if performed.left_behind.is_empty() => {
                format!("done {}", performed.events.len())
            }
            Ok(performed) => format!("left behind: {:?}", performed.left_behind),
            Err(error) => format!("failed: {}: {error}", error.code()),
        };
        println!("answer {answer}");
    }
}

struct Player {
    child: Child,
    told: ChildStdin,
    generation: usize,
}

/// Starts a scheduler's process, whose answers arrive with its number.
fn start(
    name: &str,
    number: usize,
    generation: usize,
    answers: &Sender<(usize, usize, Option<String>)>,
) -> Player {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "schedulers::a_process_that_is_told_of_a_store_keeps_its_schedule",
        ])
        .args(["--nocapture", "--quiet"])
        .env(STORE, name)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let answers = answers.clone();
    std::thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            if let Some((_, answer)) = line.split_once("answer ") {
                let _ = answers.send((number, generation, Some(answer.to_owned())));
            }
        }
        let _ = answers.send((number, generation, None));
    });
    let told = child.stdin.take().unwrap();
    Player {
        child,
        told,
        generation,
    }
}

/// Kills a process, by the handle that started it, and starts another in its place.
fn kill(player: &mut Player) {
    player.child.kill().unwrap();
    player.child.wait().unwrap();
}

/// More rounds by hand: `TOKENWRIGHT_ROUNDS=200 cargo test --all-features --test fleet schedulers`.
fn rounds() -> usize {
    let given = std::env::var("TOKENWRIGHT_ROUNDS").ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(3)
}

#[test]
fn a_process_that_is_told_of_a_store_keeps_its_schedule() {
    if let Ok(name) = std::env::var(STORE) {
        be_a_scheduler(&name);
    }
}

/// Rounds of the game, in which every due time must have brought one rotation.
fn play(kind: &str, name: &str) {
    let store = ready(name);
    begin(&store);
    let mut game = Game::begin(name, store);
    let started = Instant::now();
    for _ in 0..rounds() {
        game.round();
    }
    let end = keyring(&game.store);
    println!(
        "{kind}: {} rounds, {} steps, {} kills, {} orphans swept, {} keys buried, {:?}",
        rounds(),
        game.steps,
        game.kills,
        game.swept,
        end.tombstones().len(),
        started.elapsed(),
    );
    assert!(game.steps >= rounds());
    game.end();
}

#[test]
fn sixty_four_processes_rotate_once_each_time_on_redis() {
    let Some(redis) = Redis::start() else { return };
    play("redis", &redis.name("game"));
}

#[test]
fn sixty_four_processes_rotate_once_each_time_on_postgres() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    play("postgres", &postgres.name("game"));
}

#[test]
fn sixty_four_processes_rotate_once_each_time_in_object_storage() {
    let Some(bucket) = Bucket::start() else {
        return;
    };
    play("s3", &bucket.name("game"));
}

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

/// A keyring whose first key signs from 0 on.
pub(crate) fn begin(store: &dyn Store) {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let policy = RotationPolicy::new(NUMBERS).unwrap();
    let defaults = Defaults::default();
    create_keyring(store, "orders", policy, defaults, &key, None, at(0)).unwrap();
}

fn keyring(store: &dyn Store) -> Keyring {
    load_keyring(store).unwrap().unwrap().keyring
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

struct Game {
    store: OpenedStore,
    name: String,
    players: Vec<Player>,
    answers: Receiver<(usize, usize, Option<String>)>,
    tell: Sender<(usize, usize, Option<String>)>,
    random: Random,
    now: i64,
    steps: usize,
    kills: usize,
    swept: usize,
}

impl Game {
    fn begin(name: &str, store: OpenedStore) -> Self {
        let (tell, answers) = channel();
        let players = (0..SCHEDULERS).map(|number| start(name, number, 0, &tell));
        Self {
            store,
            name: name.to_owned(),
            players: players.collect(),
            answers,
            tell,
            random: Random(0x9e37_79b9_7f4a_7c15),
            now: 0,
            steps: 0,
            kills: 0,
            swept: 0,
        }
    }

    /// All schedulers are told the next due time at once; some are killed while
    /// they work. Then the store must be as if one had done the work alone.
    fn round(&mut self) {
        let before = keyring(&self.store);
        let alone = self.alone(self.now);
        let foreseen = alone.due(&RunOptions::default()).unwrap();
        assert!(!foreseen.is_empty(), "nothing is due at {}", self.now);
        for number in 0..SCHEDULERS {
            // Clocks differ, by S at most.
            let now = self.now + self.random.below(4) as i64;
            let told = writeln!(self.players[number].told, "{now}");
            told.unwrap();
        }
        let victims = self.kill_some();
        self.hear(&victims);

        let after = keyring(&self.store);
        let steps = after.version().seq - before.version().seq;
        assert_eq!(
            steps as usize,
            foreseen.len(),
            "at {}: {foreseen:?}",
            self.now
        );
        self.steps += foreseen.len();
        self.check(&after, victims.len());
        for number in victims {
            let generation = self.players[number].generation + 1;
            self.players[number] = start(&self.name, number, generation, &self.tell);
        }
        let next = self.alone(self.now + 3).run_due(&RunOptions::default());
        let next = next.unwrap();
        assert_eq!(next.events, [], "something was left undone");
        self.now = next.next_due.unwrap().seconds() - START;
    }

    fn alone(&self, now: i64) -> Scheduler {
        Scheduler::new(self.store.clone(), ManualClock::at(at(now)))
    }

    /// Kills as soon as a random number of answers has come, so that the
    /// kills fall anywhere between the first write and the last.
    fn kill_some(&mut self) -> Vec<usize> {
        let mut victims = Vec::new();
        while victims.len() < KILLED {
            let victim = self.random.below(SCHEDULERS as u64) as usize;
            if victims.contains(&victim) {
                continue;
            }
            let pause = Instant::now() + Duration::from_micros(self.random.below(3_000));
            while Instant::now() < pause {
                std::thread::yield_now();
            }
            kill(&mut self.players[victim]);
            victims.push(victim);
        }
        self.kills += victims.len();
        victims
    }

    /// Every scheduler that lives says that it is done.
    fn hear(&mut self, victims: &[usize]) {
        let mut open: Vec<usize> = (0..SCHEDULERS)
            .filter(|number| !victims.contains(number))
            .collect();
        while !open.is_empty() {
            let patience = Duration::from_secs(120);
            let (number, generation, answer) = self.answers.recv_timeout(patience).unwrap();
            if victims.contains(&number) || generation != self.players[number].generation {
                continue;
            }
            let answer = answer.unwrap_or_else(|| "died".to_owned());
            assert!(answer.starts_with("done "), "scheduler {number}: {answer}");
            open.retain(|other| *other != number);
        }
    }

    fn check(&mut self, keyring: &Keyring, killed: usize) {
        let now = self.now + 3;
        assert_eq!(dangling(&self.store, now), Vec::<String>::new());
        for record in keyring.keys() {
            if record.private_erased_at().is_none() {
                signing_key(&self.store, record, None).unwrap();
            }
        }
        for second in now..now + 1_200 {
            assert_eq!(signers_at(keyring, second), 1, "at {second}");
        }
        let orphans = self.alone(now).orphans().unwrap();
        assert!(orphans.len() <= killed, "{} orphans", orphans.len());
        for orphan in &orphans {
            self.store.remove_material(orphan).unwrap();
        }
        self.swept += orphans.len();
        let named = keyring
            .keys()
            .iter()
            .filter(|key| key.private_erased_at().is_none());
        assert_eq!(self.store.list_material().unwrap().len(), named.count());
    }

    fn end(self) {
        for mut player in self.players {
            drop(player.told);
            assert!(player.child.wait().unwrap().success());
        }
    }
}
