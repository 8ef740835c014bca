//! Real processes: killed at random and at every call to the system, many at once, and
//! one that waits for what another writes.
//!
//! A test starts this very program again, with the part to play in an environment
//! variable. An acknowledgement counts only if it was read.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokenwright::keyring::LargeJump;
use tokenwright::store::{FileStore, RevocationFollower, RevocationStore, StoreErrorKind};
use tokenwright::{Clock, Revocation, SystemClock, UnixTime};

use crate::{ISSUER, Scratch, names, open};

const PART: &str = "TOKENWRIGHT_TEST_PART";

/// This program, running one test alone, which plays a part in a folder.
fn player(test: &str, part: &str, folder: &Path) -> Command {
    command(&[], test, part, folder)
}

/// The same, started by another program with these arguments.
fn command(through: &[&str], test: &str, part: &str, folder: &Path) -> Command {
    let program = std::env::current_exe().unwrap();
    let mut command = match through.split_first() {
        Some((first, rest)) => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
        None => Command::new(program),
    };
    command
        .args(["--exact", &format!("processes::{test}")])
        .args(["--nocapture", "--quiet", "--test-threads=1"])
        .env(PART, part)
        .env("TOKENWRIGHT_TEST_FOLDER", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// The part to play and its folder, if this process was started to play one.
fn part() -> Option<(String, PathBuf)> {
    let part = std::env::var(PART).ok()?;
    let folder = std::env::var_os("TOKENWRIGHT_TEST_FOLDER")?;
    Some((part, folder.into()))
}

fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    let said = writeln!(output, "{line}").and_then(|()| output.flush());
    said.unwrap();
}

fn acknowledged(line: &str) -> Option<String> {
    Some(line.split("ack ").nth(1)?.trim().to_owned())
}

fn random(below: u64) -> u64 {
    getrandom::u64().unwrap() % below
}

/// How often to kill: `TOKENWRIGHT_KILLS=10000 cargo test --test revocation_store kill`.
fn kills(usual: u64) -> u64 {
    let given = std::env::var("TOKENWRIGHT_KILLS").ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn until(seconds: u64) -> UnixTime {
    SystemClock
        .now()
        .saturating_add(Duration::from_secs(seconds))
}

fn add(store: &impl RevocationStore, names: &[String]) {
    let entries: Vec<_> = names
        .iter()
        .map(|name| Revocation::token(ISSUER, name.as_str(), SystemClock.now(), until(3600)))
        .collect();
    store.append(&entries, SystemClock.now()).unwrap();
    names.iter().for_each(|name| say(&format!("ack {name}")));
}

/// Adds single entries, many at once, and prunes, for ever or for one round. What is
/// told as added is still alive when it is looked for.
fn write(folder: &Path, rounds: u64) {
    let store = FileStore::open(folder)
        .unwrap()
        .with_patience(Duration::from_secs(60))
        .revocations();
    let me = std::process::id();
    for round in 0..rounds {
        let stamp = random(u64::MAX);
        add(&store, &[format!("{me}-{stamp}")]);
        let ended = Revocation::token(ISSUER, "ended", SystemClock.now(), SystemClock.now());
        store.append(&[ended], SystemClock.now()).unwrap();
        let many: Vec<String> = (0..20).map(|n| format!("{me}-{stamp}-{n}")).collect();
        add(&store, &many);
        if round.is_multiple_of(2) {
            // Another writer may have pruned what this one added in the meantime.
            store.prune(SystemClock.now(), LargeJump::Refuse).unwrap();
        }
    }
}

fn found(folder: &Path) -> BTreeSet<String> {
    names(&open(folder)).into_iter().collect()
}

/// Lines that were read before the process was killed, and those still in the pipe.
fn heard(child: &mut Child) -> Vec<String> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines
        .map_while(Result::ok)
        .filter_map(|line| acknowledged(&line))
        .collect()
}

#[test]
fn a_writer_killed_at_any_moment_loses_nothing_acknowledged() {
    let name = "a_writer_killed_at_any_moment_loses_nothing_acknowledged";
    if let Some((_, folder)) = part() {
        return write(&folder, u64::MAX);
    }
    let scratch = Scratch::new();
    let store = scratch.store();
    store.create(SystemClock.now()).unwrap();
    let mut all = BTreeSet::new();
    let mut acknowledgements = 0;
    for round in 0..kills(20) {
        let mut writer = player(name, "writer", &scratch.join("keys"))
            .spawn()
            .unwrap();
        // Some acknowledgements, then a moment within the next change.
        let mut output = BufReader::new(writer.stdout.take().unwrap());
        for _ in 0..=random(60) {
            let mut line = String::new();
            output.read_line(&mut line).unwrap();
            all.extend(acknowledged(&line));
        }
        std::thread::sleep(Duration::from_micros(random(3000)));
        writer.kill().unwrap();
        let rest = output.lines().map_while(Result::ok);
        all.extend(rest.filter_map(|line| acknowledged(&line)));
        writer.wait().unwrap();
        let there = found(&scratch.join("keys"));
        let lost: Vec<_> = all.difference(&there).collect();
        assert!(lost.is_empty(), "round {round} lost {lost:?}");
        acknowledgements += all.len();
        // The file would grow for ever: a long run begins anew now and then.
        if round % 50 == 49 {
            all.clear();
            std::fs::remove_dir_all(scratch.join("keys")).unwrap();
            scratch.store().create(SystemClock.now()).unwrap();
        }
    }
    assert!(acknowledgements > 0);
    println!("{} kills, 0 lost", kills(20));
}

/// The calls by which the file is made, read, written and replaced.
const CALLS: [&str; 14] = [
    "openat",
    "read",
    "write",
    "lseek",
    "ftruncate",
    "fsync",
    "renameat",
    "renameat2",
    "unlinkat",
    "flock",
    "fstat",
    "newfstatat",
    "statx",
    "getdents64",
];

#[test]
fn a_writer_killed_at_every_call_to_the_system_loses_nothing_acknowledged() {
    let name = "a_writer_killed_at_every_call_to_the_system_loses_nothing_acknowledged";
    if let Some((_, folder)) = part() {
        return write(&folder, 1);
    }
    let works = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "true"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !works.is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("CI").is_none(), "CI needs strace");
        println!("strace is not here or may not trace: nobody was killed at a call");
        return;
    }
    // All of them in a long run; otherwise each call's first, last and some in between.
    let step = if kills(0) > 0 { 1 } else { 7 };
    let (mut killed, mut known) = (0, BTreeSet::new());
    let scratch = Scratch::new();
    scratch.store().create(SystemClock.now()).unwrap();
    for call in CALLS {
        let mut number = 1;
        loop {
            let inject = format!("inject={call}:signal=KILL:when={number}");
            let through = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &inject];
            let mut writer = command(&through, name, "writer", &scratch.join("keys"))
                .spawn()
                .unwrap();
            known.extend(heard(&mut writer));
            let finished = writer.wait().unwrap().success();
            let there = found(&scratch.join("keys"));
            let lost: Vec<_> = known.difference(&there).collect();
            assert!(lost.is_empty(), "killed at {call} {number}: lost {lost:?}");
            if finished {
                break;
            }
            killed += 1;
            number += if number < 3 { 1 } else { step };
        }
        add_after(&scratch.join("keys"));
    }
    assert!(killed > 20, "{killed}");
    println!("killed at {killed} calls, 0 lost");
}

/// A dead process holds no lock, and leaves nothing that keeps others from writing.
fn add_after(folder: &Path) {
    let store = FileStore::open(folder)
        .unwrap()
        .with_patience(Duration::ZERO)
        .revocations();
    let entry = Revocation::token(ISSUER, "after", SystemClock.now(), until(3600));
    store.append(&[entry], SystemClock.now()).unwrap();
    let strays = std::fs::read_dir(folder).unwrap();
    let strays = strays.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with(".tmp-")
    });
    assert_eq!(strays.count(), 0);
}

#[test]
fn of_sixteen_processes_some_of_them_killed_none_loses_an_acknowledged_entry() {
    let name = "of_sixteen_processes_some_of_them_killed_none_loses_an_acknowledged_entry";
    if let Some((part, folder)) = part() {
        return write(&folder, if part == "victim" { u64::MAX } else { 4 });
    }
    let scratch = Scratch::new();
    scratch.store().create(SystemClock.now()).unwrap();
    let folder = scratch.join("keys");
    let is_victim = |number: usize| number.is_multiple_of(4);
    let mut writers: Vec<_> = (0..16)
        .map(|number| {
            let part = if is_victim(number) {
                "victim"
            } else {
                "writer"
            };
            player(name, part, &folder).spawn().unwrap()
        })
        .collect();
    let mut all: BTreeSet<String> = BTreeSet::new();
    let (mut finished, mut reads) = (0, 0);
    for (number, writer) in writers.iter_mut().enumerate() {
        if is_victim(number) {
            let mut output = BufReader::new(writer.stdout.take().unwrap());
            let mut line = String::new();
            output.read_line(&mut line).unwrap();
            writer.kill().unwrap();
            all.extend(acknowledged(&line));
            let rest = output.lines().map_while(Result::ok);
            all.extend(rest.filter_map(|line| acknowledged(&line)));
        } else {
            all.extend(heard(writer));
        }
        // A reader never waits for a lock and always finds what was acknowledged.
        let there = found(&folder);
        assert!(all.is_subset(&there), "{:?}", all.difference(&there));
        reads += 1;
        finished += usize::from(writer.wait().unwrap().success());
    }
    assert_eq!((finished, reads), (12, 16));
    // What was told is there, and so is everything that the others wrote.
    let there = found(&folder);
    assert!(all.is_subset(&there), "{:?}", all.difference(&there));
    assert!(all.len() >= 12 * 4 * 21);
}

#[test]
fn another_process_sees_a_new_entry_within_a_second() {
    let name = "another_process_sees_a_new_entry_within_a_second";
    if let Some((_, folder)) = part() {
        let follower = RevocationFollower::open(open(&folder), SystemClock).unwrap();
        let _thread = follower.spawn(RevocationFollower::INTERVAL).unwrap();
        let mut seen = 0;
        say("ready");
        while seen < 5 {
            let now = follower.live().view().list().len();
            if now > seen {
                seen = now;
                say(&format!("ack {now}"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        return;
    }
    let scratch = Scratch::new();
    let store = scratch.store();
    store.create(SystemClock.now()).unwrap();
    let mut reader = player(name, "reader", &scratch.join("keys"))
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(reader.stdout.take().unwrap()).lines();
    while !lines.next().unwrap().unwrap().contains("ready") {}
    let mut slowest = Duration::ZERO;
    for number in 1..=5 {
        let entry = format!("t-{number}");
        let entry = Revocation::token(ISSUER, &*entry, SystemClock.now(), until(900));
        store.append(&[entry], SystemClock.now()).unwrap();
        let acknowledged_at = Instant::now();
        while acknowledged(&lines.next().unwrap().unwrap()) != Some(number.to_string()) {}
        slowest = slowest.max(acknowledged_at.elapsed());
    }
    println!("seen by another process after at most {slowest:?}");
    // Machines that run other tests at the same time hold processes up.
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    reader.wait().unwrap();
}

#[test]
fn a_stopped_writer_holds_up_writers_and_no_reader() {
    let name = "a_stopped_writer_holds_up_writers_and_no_reader";
    if let Some((_, folder)) = part() {
        let lock = std::fs::File::open(folder.join(".lock")).unwrap();
        lock.lock().unwrap();
        say("ack locked");
        std::thread::sleep(Duration::from_secs(3600));
    }
    let scratch = Scratch::new();
    let store = scratch.store();
    store.create(SystemClock.now()).unwrap();
    let follower = RevocationFollower::open(scratch.store(), SystemClock).unwrap();
    let mut holder = player(name, "holder", &scratch.join("keys"))
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    while acknowledged(&lines.next().unwrap().unwrap()).is_none() {}
    let impatient = FileStore::open(scratch.join("keys"))
        .unwrap()
        .with_patience(Duration::ZERO)
        .revocations();
    let entry = Revocation::token(ISSUER, "t", SystemClock.now(), until(900));
    let busy = impatient
        .append(std::slice::from_ref(&entry), SystemClock.now())
        .unwrap_err();
    assert_eq!(busy.kind(), StoreErrorKind::Busy);
    assert_eq!(names(&store).len(), 0);
    follower.refresh().unwrap();
    holder.kill().unwrap();
    holder.wait().unwrap();
    impatient.append(&[entry], SystemClock.now()).unwrap();
}
