//! `tokenwright revoke stats`.

use std::collections::BTreeMap;

use clap::Args;
use tokenwright::store::RevocationStore as _;
use tokenwright::{Clock as _, SystemClock, UnixTime};

use super::open;
use crate::cli::arguments::GlobalArguments;
use crate::cli::escape::json_string;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::revocations::list_failure;
use crate::cli::times;

/// Arguments of `revoke stats`.
#[derive(Debug, Args)]
pub(crate) struct StatsArguments {
    /// Print a JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// What is counted.
#[derive(Default)]
struct Counts {
    living: BTreeMap<&'static str, u64>,
    dead: u64,
    first: Option<UnixTime>,
    last: Option<UnixTime>,
    longest: Option<UnixTime>,
}

pub(crate) fn run(
    arguments: &StatsArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let (_, place) = open(global, None)?;
    let now = SystemClock.now();
    let mut counts = Counts::default();
    let reading = place
        .list
        .read(None, &mut |entry| {
            if entry.until() <= now {
                counts.dead = counts.dead.saturating_add(1);
                return;
            }
            let count = counts.living.entry(entry.by().as_str()).or_default();
            *count = count.saturating_add(1);
            let since = entry.since();
            counts.first = Some(counts.first.map_or(since, |first| first.min(since)));
            counts.last = counts.last.max(Some(since));
            counts.longest = counts.longest.max(Some(entry.until()));
        })
        .map_err(|error| list_failure(&error))?;
    let living: u64 = counts.living.values().sum();
    let head = &reading.head;
    let time = |time: Option<UnixTime>| time.map_or_else(|| "-".to_owned(), times::rfc3339);
    if arguments.json {
        let by: Vec<String> = counts
            .living
            .iter()
            .map(|(kind, count)| format!("{}:{count}", json_string(kind)))
            .collect();
        let moment = |at: Option<UnixTime>| {
            at.map_or_else(|| "null".to_owned(), |at| json_string(&times::rfc3339(at)))
        };
        output.json(
            "revoke-stats",
            &[
                ("list", json_string(&head.position.list.to_string())),
                ("epoch", head.position.epoch.to_string()),
                ("seq", head.position.seq.to_string()),
                ("entries", living.to_string()),
                ("by", format!("{{{}}}", by.join(","))),
                ("ended", counts.dead.to_string()),
                ("bytes", head.bytes.to_string()),
                ("unfinished_bytes", reading.unfinished.to_string()),
                ("first", moment(counts.first)),
                ("last", moment(counts.last)),
                ("empty_after", moment(counts.longest)),
            ],
        )?;
        return Ok(Exit::Done);
    }
    let by: Vec<String> = counts
        .living
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    for (name, value) in [
        ("list", head.position.list.to_string()),
        (
            "epoch, seq",
            format!("{}, {}", head.position.epoch, head.position.seq),
        ),
        (
            "entries",
            match by.is_empty() {
                true => living.to_string(),
                false => format!("{living} ({})", by.join(", ")),
            },
        ),
        (
            "ended",
            format!("{} (the next prune drops them)", counts.dead),
        ),
        ("bytes", head.bytes.to_string()),
        (
            "first, last",
            format!("{}, {}", time(counts.first), time(counts.last)),
        ),
        ("empty after", time(counts.longest)),
    ] {
        output.line(format!("{name:13}{value}"))?;
    }
    Ok(Exit::Done)
}
