//! What a check costs, and what an entry weighs.

use std::collections::HashSet;
use std::hint::black_box;
use std::time::Instant;

use allocation_counter::measure;
use tokenwright::{
    LiveRevocations, Revocation, RevocationCheck as _, RevocationList, RevocationView, TokenFacts,
    UnixTime, Verdict,
};
use xorf::Filter as _;

use crate::ids::{ABSENT, Ids, scattered};
use crate::measure::{Before, Contestant, Stopwatch, medians, percentile};
use crate::report::{Report, Target};
use crate::table::{Entry, Table};
use crate::{ISSUER, NOW, UNTIL};

/// Checks of one contestant in one round, and how many rounds there are ids for
/// before they come again.
const BATCH: usize = 200_000;
const BATCHES: usize = 5;

/// A list of `entries` tokens, and the bytes it keeps allocated.
pub fn list(entries: u64) -> (RevocationList, u64) {
    let mut list = RevocationList::new();
    let mut bytes = 0;
    // In steps, as no machine needs a gigabyte of text to hold what is only hashed.
    for start in (0..entries).step_by(1_000_000) {
        let ids = Ids::of(start..entries.min(start + 1_000_000));
        let taken = measure(|| {
            let tokens = ids
                .iter()
                .map(|id| Revocation::token(ISSUER, id, NOW, UNTIL));
            list.extend(tokens).expect("room in the list");
        });
        bytes += taken.bytes_current;
    }
    (list, bytes as u64)
}

fn table(entries: u64) -> (Table, i64) {
    let all: Vec<Entry> = (0..entries)
        .map(|number| Entry {
            fingerprint: scattered(number),
            until: 2_000_000_000,
        })
        .collect();
    let mut table = Table::default();
    let taken = measure(|| {
        table.extend(all.clone());
    });
    (table, taken.bytes_current)
}

fn counted<T>(make: impl FnOnce() -> T) -> (T, i64) {
    let mut made = None;
    let taken = measure(|| made = Some(make()));
    (made.expect("it was made"), taken.bytes_current)
}

fn batches<T>(of: impl Fn(u64) -> T) -> Vec<T> {
    (0..BATCHES as u64)
        .map(|batch| of(batch * BATCH as u64))
        .collect()
}

fn count<T>(
    round: usize,
    batches: &[Vec<T>],
    mut found: impl FnMut(&T) -> bool,
    expected: bool,
) -> usize {
    let batch = &batches[round % batches.len()];
    let hits = batch.iter().filter(|each| found(black_box(each))).count();
    assert_eq!(
        hits,
        if expected { batch.len() } else { 0 },
        "a wrong answer"
    );
    batch.len()
}

fn count_ids(
    round: usize,
    batches: &[Ids],
    mut found: impl FnMut(&str) -> bool,
    expected: bool,
) -> usize {
    let mut hits = 0;
    let mut all = 0;
    for id in batches[round % batches.len()].iter() {
        hits += usize::from(found(black_box(id)));
        all += 1;
    }
    assert_eq!(hits, if expected { all } else { 0 }, "a wrong answer");
    all
}

/// Whether a list refuses this token, asked as a verifier asks.
pub fn refused(live: &LiveRevocations, id: &str) -> bool {
    let facts = TokenFacts::new(ISSUER, "key-1").with_token_id(id);
    matches!(live.check(&facts, NOW), Verdict::Revoked { .. })
}

/// Lookups and weights at one size.
pub fn compare(report: &mut Report, entries: u64, rounds: usize, target: Target, strings: bool) {
    let present = |from: u64| {
        (0..BATCH as u64).map(move |number| (from + number).wrapping_mul(0x9e37_79b1) % entries)
    };
    let absent = |from: u64| (0..BATCH as u64).map(move |number| ABSENT + from + number);
    let absent_prints = batches(|from| absent(from).map(scattered).collect::<Vec<u64>>());
    let present_prints = batches(|from| present(from).map(scattered).collect::<Vec<u64>>());
    let absent_ids = batches(|from| Ids::of(absent(from)));
    let present_ids = batches(|from| Ids::of(present(from)));

    let (table, table_bytes) = table(entries);
    let (list, list_bytes) = list(entries);
    let live = LiveRevocations::new(list, NOW);
    let (numbers, numbers_bytes) =
        counted(|| (0..entries).map(scattered).collect::<HashSet<u64>>());
    let fuse = {
        let keys: Vec<u64> = (0..entries).map(scattered).collect();
        xorf::BinaryFuse8::try_from(&keys).ok()
    };
    let texts = strings.then(|| {
        counted(|| {
            let ids = Ids::of(0..entries);
            ids.iter().map(str::to_owned).collect::<HashSet<String>>()
        })
    });

    // What no structure goes below that needs one word of this many bytes: 24 bits an entry.
    let words = vec![1_u64; (entries * 24 / 64) as usize];
    let size = format!("10^{}", entries.ilog10());
    let mut all = vec![
        Contestant::new(format!("{size} miss: table, fingerprint given"), |round| {
            count(round, &absent_prints, |print| table.contains(*print), false)
        }),
        Contestant::new(
            format!("{size} miss: whole check, issuer and jti as text"),
            |round| count_ids(round, &absent_ids, |id| refused(&live, id), false),
        ),
        Contestant::new(format!("{size} miss: HashSet<u64>"), |round| {
            count(
                round,
                &absent_prints,
                |print| numbers.contains(print),
                false,
            )
        }),
        Contestant::new(format!("{size} hit: table, fingerprint given"), |round| {
            count(round, &present_prints, |print| table.contains(*print), true)
        }),
        Contestant::new(
            format!("{size} hit: whole check, issuer and jti as text"),
            |round| count_ids(round, &present_ids, |id| refused(&live, id), true),
        ),
        Contestant::new(format!("{size} hit: HashSet<u64>"), |round| {
            count(
                round,
                &present_prints,
                |print| numbers.contains(print),
                true,
            )
        }),
    ];
    let absent = &absent_prints;
    all.push(Contestant::new(
        format!("{size} floor: one word of as much memory, read at random"),
        |round| {
            let word = |print: u64| (u128::from(print) * words.len() as u128) >> 64;
            count(
                round,
                absent,
                |print| words[word(*print) as usize] == *print,
                false,
            )
        },
    ));
    let mut targets = vec![
        target,
        Target::None,
        Target::None,
        Target::None,
        Target::None,
        Target::None,
        Target::None,
    ];
    if let Some(fuse) = &fuse {
        all.push(Contestant::new(
            format!("{size} miss: binary fuse 8 (xorf) before the same table"),
            |round| {
                count(
                    round,
                    absent,
                    |print| fuse.contains(print) && table.contains(*print),
                    false,
                )
            },
        ));
        targets.push(Target::None);
    }
    if let Some((texts, _)) = &texts {
        let (absent_ids, present_ids) = (&absent_ids, &present_ids);
        all.push(Contestant::new(
            format!("{size} miss: HashSet<String>"),
            move |round| count_ids(round, absent_ids, |id| texts.contains(id), false),
        ));
        all.push(Contestant::new(
            format!("{size} hit: HashSet<String>"),
            move |round| count_ids(round, present_ids, |id| texts.contains(id), true),
        ));
        targets.extend([Target::None, Target::None]);
    }
    let times = medians(&mut all, rounds, Before::Warm);
    for ((one, time), target) in all.iter().zip(times).zip(targets) {
        report.figure(&one.name, time, "ns", target);
    }
    let each = |bytes: f64| bytes / entries as f64;
    let weight = Target::AtMost(20.0);
    report.figure(
        &format!("{size} weight: RevocationList"),
        each(list_bytes as f64),
        "bytes an entry",
        weight,
    );
    report.figure(
        &format!("{size} weight: table alone"),
        each(table_bytes as f64),
        "bytes an entry",
        weight,
    );
    report.figure(
        &format!("{size} weight: HashSet<u64>"),
        each(numbers_bytes as f64),
        "bytes an entry",
        Target::None,
    );
    if let Some((_, bytes)) = &texts {
        report.figure(
            &format!("{size} weight: HashSet<String>"),
            each(*bytes as f64),
            "bytes an entry",
            Target::None,
        );
    }
}

/// Checks of ids that are not listed, on every core; how many were refused.
pub fn false_refusals(report: &mut Report, live: &LiveRevocations, checks: u64) {
    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let share = checks / threads;
    let start = Instant::now();
    let refusals: u64 = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                scope.spawn(move || {
                    let mut id = [0; crate::ids::LENGTH];
                    let numbers = (ABSENT + thread * share)..(ABSENT + (thread + 1) * share);
                    numbers
                        .filter(|number| {
                            crate::ids::write_id(*number, &mut id);
                            refused(live, crate::ids::text(&id))
                        })
                        .count() as u64
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("a worker"))
            .sum()
    });
    let entries = live.view().list().len();
    let name = format!(
        "false refusals in {} checks at {entries} entries",
        share * threads
    );
    report.figure(&name, refusals as f64, "", Target::AtMost(0.0));
    report.figure(
        "the time that took",
        start.elapsed().as_secs_f64(),
        "s",
        Target::None,
    );
}

/// What making, changing and pruning cost.
pub fn changes(report: &mut Report, entries: u64) {
    let size = format!("10^{}", entries.ilog10());
    let ids = Ids::of(0..entries);
    let tokens = || {
        ids.iter()
            .map(|id| Revocation::token(ISSUER, id, NOW, UNTIL))
    };
    let mut list = RevocationList::new();
    let start = Stopwatch::start();
    list.extend(tokens()).expect("room in the list");
    report.figure(
        &format!("{size}: all added at once, from text"),
        start.elapsed().as_secs_f64(),
        "s",
        Target::None,
    );
    if entries <= 1_000_000 {
        let mut slowly = RevocationList::new();
        let start = Stopwatch::start();
        for token in tokens() {
            slowly.add(&token).expect("room in the list");
        }
        report.figure(
            &format!("{size}: all added one by one"),
            start.elapsed().as_secs_f64(),
            "s",
            Target::None,
        );
    }
    let live = LiveRevocations::new(list, NOW);
    let added = Ids::of(ABSENT..ABSENT + 50_000);
    let times: Vec<f64> = added
        .iter()
        .map(|id| {
            let start = Stopwatch::start();
            let mut next = live.view().list().as_ref().clone();
            next.add(&Revocation::token(ISSUER, id, NOW, UNTIL))
                .expect("room in the list");
            live.replace(RevocationView::new(next, NOW));
            start.elapsed().as_nanos() as f64 / 1000.0
        })
        .collect();
    for (word, share) in [("median", 0.5), ("99.9 %", 0.999), ("slowest", 1.0)] {
        let name = format!("{size}: one more added and published, {word} of 50,000");
        report.figure(&name, percentile(times.clone(), share), "µs", Target::None);
    }
    let mut list = live.view().list().as_ref().clone();
    let soon = added
        .iter()
        .take(1000)
        .map(|id| Revocation::session(ISSUER, id, NOW, UnixTime::from_seconds(NOW.seconds() + 60)));
    list.extend(soon).expect("room in the list");
    let start = Stopwatch::start();
    list.prune(UNTIL);
    report.figure(
        &format!("{size}: pruned to nothing"),
        start.elapsed().as_secs_f64(),
        "s",
        Target::None,
    );
    assert!(list.is_empty());
}

/// Heap allocations of a thousand checks, of listed tokens and others.
pub fn allocations(report: &mut Report, live: &LiveRevocations) {
    let ids = Ids::of((0..500).chain(ABSENT..ABSENT + 500));
    let counted = measure(|| {
        let hits = ids.iter().filter(|id| refused(live, id)).count();
        assert_eq!(hits, 500);
    });
    report.figure(
        "allocations in 1,000 checks",
        counted.count_total as f64,
        "",
        Target::AtMost(0.0),
    );
}
