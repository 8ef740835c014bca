//! `tokenwright key list`.

use clap::Args;
use tokenwright::keyring::KeyRecord;
use tokenwright::{Clock as _, SystemClock, UnixTime};

use super::open_ring;
use crate::cli::arguments::GlobalArguments;
use crate::cli::escape::{Escaped, json_string};
use crate::cli::failure::{Exit, Failure};
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
    if arguments.json {
        let records: Vec<String> = keys.iter().map(|record| record_json(record, now)).collect();
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
        "{:width$}  {:9}  {:11}  {:20}  SIGNS UNTIL",
        "KID", "ALG", "STATE", "SIGNS FROM"
    ))?;
    for record in keys {
        let id = Escaped(record.id().as_str()).to_string();
        output.line(format!(
            "{id:width$}  {:9}  {:11}  {:20}  {}",
            record.algorithm().name(),
            record.state(now).name(),
            time_or_dash(record.activates_at()),
            time_or_dash(record.stops_signing_at()),
        ))?;
    }
    Ok(Exit::Done)
}

pub(super) fn time_or_dash(time: Option<UnixTime>) -> String {
    time.map_or_else(|| "-".to_owned(), times::rfc3339)
}

/// One key as JSON; times that are not settled are null.
pub(super) fn record_json(record: &KeyRecord, now: UnixTime) -> String {
    let time = |time: Option<UnixTime>| {
        time.map_or_else(
            || "null".to_owned(),
            |time| json_string(&times::rfc3339(time)),
        )
    };
    let members = [
        ("kid", json_string(record.id().as_str())),
        ("alg", json_string(record.algorithm().name())),
        ("state", json_string(record.state(now).name())),
        ("published_at", time(Some(record.published_at()))),
        ("activates_at", time(record.activates_at())),
        ("stops_signing_at", time(record.stops_signing_at())),
        ("verifies_until", time(record.verifies_until())),
        ("max_lifetime", record.max_lifetime().as_secs().to_string()),
    ];
    let members: Vec<String> = members
        .iter()
        .map(|(name, value)| format!("{}:{value}", json_string(name)))
        .collect();
    format!("{{{}}}", members.join(","))
}
