//! Sixty-four processes keep one schedule, and any of them is killed at any instant.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use tokenwright::ManualClock;
use tokenwright::keyring::Keyring;
use tokenwright::store::{FileStore, RunOptions, Scheduler, Store, signing_key};

use super::{START, at, begin, dangling, keyring, signers_at};

const FOLDER: &str = "TOKENWRIGHT_TEST_SCHEDULER";
const SCHEDULERS: usize = 64;
/// Schedulers killed in each round.
const KILLED: usize = 8;

/// A folder of this test alone, removed afterwards.
pub(super) struct Scratch(pub(super) PathBuf);

impl Scratch {
    pub(super) fn new(name: &str) -> Self {
        let name = format!("tokenwright-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

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
fn be_a_scheduler(folder: &Path) {
    let clock = Arc::new(ManualClock::at(at(0)));
    let store = FileStore::open(folder).unwrap();
    let store = store.with_patience(Duration::from_secs(60));
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
    folder: &Path,
    number: usize,
    generation: usize,
    answers: &Sender<(usize, usize, Option<String>)>,
) -> Player {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "processes::sixty_four_processes_rotate_once_each_time",
        ])
        .args(["--nocapture", "--quiet"])
        .env(FOLDER, folder)
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

/// More rounds by hand: `TOKENWRIGHT_ROUNDS=1000 cargo test --release --test schedulers processes`.
fn rounds() -> usize {
    let given = std::env::var("TOKENWRIGHT_ROUNDS").ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(5)
}

#[test]
fn sixty_four_processes_rotate_once_each_time() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return be_a_scheduler(Path::new(&folder));
    }
    let scratch = Scratch::new("schedulers");
    let folder = scratch.0.join("keys");
    let store = FileStore::create(&folder).unwrap();
    begin(&store, None);
    let mut game = Game::begin(&folder, store);
    let started = Instant::now();
    for _ in 0..rounds() {
        game.round();
    }
    let end = keyring(&game.store);
    println!(
        "{} rounds, {} steps, {} kills, {} orphans swept, {} keys buried, {:?}",
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

struct Game {
    store: FileStore,
    folder: PathBuf,
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
    fn begin(folder: &Path, store: FileStore) -> Self {
        let (tell, answers) = channel();
        let players = (0..SCHEDULERS).map(|number| start(folder, number, 0, &tell));
        Self {
            store,
            folder: folder.to_owned(),
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
            self.players[number] = start(&self.folder, number, generation, &self.tell);
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
