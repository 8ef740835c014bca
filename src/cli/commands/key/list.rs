//! `tokenwright key list`.

use clap::Args;
use tokenwright::keyring::{Happening, KeyRecord, Plan, State, Transition, plan};
use tokenwright::{Clock as _, SystemClock, UnixTime};

use super::open_ring;
use crate::cli::arguments::GlobalArguments;
use crate::cli::escape::{Escaped, json_string};
use crate::cli::failure::{Exit, Failure};
use crate::cli::keys::{Ring, keyring_failure};
use crate::cli::output::Output;
use crate::cli::times;

/// Arguments of `key list`.
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Print a JSON object
    #[arg(long)]
    pub(super) json: bool,
}

pub(crate) fn run(
    arguments: &ListArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let ring = open_ring(global)?;
    let now = ring.keyring().clock(SystemClock.now());
    let keys = ring.keyring().keys();
    let future = future(&ring, now)?;
    if arguments.json {
        let records: Vec<String> = keys
            .iter()
            .map(|record| record_json(record, &future, now))
            .collect();
        output.json("key-list", &[("keys", format!("[{}]", records.join(",")))])?;
        return Ok(Exit::Done);
    }
    let width = keys
        .iter()
        .map(|record| record.id().as_str().len())
        .max()
        .unwrap_or(0)
        .clamp(3, 64);
    output.line(format!(
        "{:width$}  {:9}  {:11}  {:20}  {:20}  NEXT",
        "KID", "ALG", "STATE", "SIGNS FROM", "SIGNS UNTIL"
    ))?;
    for record in keys {
        let id = Escaped(record.id().as_str()).to_string();
        output.line(format!(
            "{id:width$}  {:9}  {:11}  {:20}  {:20}  {}",
            record.algorithm().name(),
            record.state(now).name(),
            time_or_dash(record.activates_at()),
            time_or_dash(record.stops_signing_at()),
            next_words(next_of(record, &future)),
        ))?;
    }
    Ok(Exit::Done)
}

/// What is going to happen, so far that every key's next transition lies in it.
pub(super) fn future(ring: &Ring, now: UnixTime) -> Result<Plan, Failure> {
    let policy = ring.keyring().policy();
    let keys = ring.keyring().keys().iter();
    let longest = keys.map(KeyRecord::max_lifetime).max().unwrap_or_default();
    let span = policy
        .period()
        .saturating_mul(2)
        .saturating_add(longest)
        .saturating_add(policy.leeway())
        .saturating_add(policy.clock_skew());
    plan(ring.keyring(), now, span).map_err(|error| keyring_failure(&error))
}

/// The next thing that happens to a key.
pub(super) fn next_of(record: &KeyRecord, future: &Plan) -> Option<Transition> {
    let place = future
        .keys
        .iter()
        .position(|key| key.id.as_ref() == Some(record.id()))?;
    // A key that is refused has nothing left to do but to leave.
    let refused = record.state(future.from) == State::Compromised;
    let mut transitions = future.transitions.iter();
    transitions
        .find(|next| next.key == place && (!refused || next.what == Happening::Withdrawn))
        .copied()
}

pub(super) fn next_words(next: Option<Transition>) -> String {
    next.map_or_else(
        || "-".to_owned(),
        |next| format!("{} {}", next.what.name(), times::rfc3339(next.at)),
    )
}

pub(super) fn time_or_dash(time: Option<UnixTime>) -> String {
    time.map_or_else(|| "-".to_owned(), times::rfc3339)
}

/// One key as JSON; times that are not settled are null.
pub(super) fn record_json(record: &KeyRecord, future: &Plan, now: UnixTime) -> String {
    let time = |time: Option<UnixTime>| {
        time.map_or_else(
            || "null".to_owned(),
            |time| json_string(&times::rfc3339(time)),
        )
    };
    let next = next_of(record, future);
    let members = [
        ("kid", json_string(record.id().as_str())),
        ("alg", json_string(record.algorithm().name())),
        ("state", json_string(record.state(now).name())),
        ("nist_state", json_string(record.state(now).nist_name())),
        ("published_at", time(Some(record.published_at()))),
        ("activates_at", time(record.activates_at())),
        ("stops_signing_at", time(record.stops_signing_at())),
        ("verifies_until", time(record.verifies_until())),
        ("max_lifetime", record.max_lifetime().as_secs().to_string()),
        ("next_at", time(next.map(|next| next.at))),
        (
            "next_event",
            next.map_or_else(|| "null".to_owned(), |next| json_string(next.what.name())),
        ),
    ];
    let members: Vec<String> = members
        .iter()
        .map(|(name, value)| format!("{}:{value}", json_string(name)))
        .collect();
    format!("{{{}}}", members.join(","))
}
