//! `tokenwright rotate plan`: what is going to happen.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use tokenwright::keyring::{Plan, PlannedKey, plan};
use tokenwright::{Clock as _, SystemClock};

use super::event::json_time;
use super::open_ring;
use crate::cli::arguments::GlobalArguments;
use crate::cli::escape::{Escaped, json_string};
use crate::cli::failure::{Exit, Failure};
use crate::cli::keys::keyring_failure;
use crate::cli::output::Output;
use crate::cli::timeline;
use crate::cli::times::{self, Moment};

/// Arguments of `rotate plan`.
#[derive(Debug, Args)]
pub(super) struct PlanArguments {
    /// How far to look ahead
    #[arg(long = "for", value_name = "DURATION", value_parser = times::duration, default_value = "90d")]
    horizon: Duration,
    /// Take this for the present
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<Moment>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
    /// Draw it into this new file as well, as a picture in SVG
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long, requires = "svg")]
    force: bool,
}

pub(super) fn run(
    arguments: &PlanArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let ring = open_ring(global)?;
    let real = SystemClock.now();
    let now = arguments.at.map_or(real, |moment| moment.resolve(real));
    let plan =
        plan(ring.keyring(), now, arguments.horizon).map_err(|error| keyring_failure(&error))?;
    if let Some(path) = &arguments.svg {
        write_picture(path, &timeline::svg(&plan, now), arguments.force)?;
        let name = path.to_string_lossy();
        output.note(format!("wrote {}", Escaped(&name)));
    }
    if arguments.json {
        tell_json(&plan, output)?;
        return Ok(Exit::Done);
    }
    table(&plan, output)?;
    let (width, style) = timeline::screen(global.color);
    let drawing = timeline::draw(&plan, now, width, style);
    // Names in it are escaped already; the rest is its own colours.
    output.verbatim(format!("\n{drawing}").as_bytes())?;
    Ok(Exit::Done)
}

/// Writes the picture whole or not at all.
fn write_picture(path: &Path, picture: &str, force: bool) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).truncate(force);
    let opened = match force {
        true => options.create(true).open(path),
        false => options.create_new(true).open(path),
    };
    let mut file = opened.map_err(|error| {
        let failure = Failure::file("write", path, &error);
        match error.kind() {
            ErrorKind::AlreadyExists => failure.hint("give --force to replace it"),
            _ => failure,
        }
    })?;
    file.write_all(picture.as_bytes()).map_err(|error| {
        // A picture cut short would look like one; and there is nobody to tell if it stays.
        let _ = fs::remove_file(path);
        Failure::file("write", path, &error)
    })
}

/// Every transition in its order, in UTC.
fn table(plan: &Plan, output: &mut Output) -> Result<(), Failure> {
    let names: Vec<String> = names(plan);
    let width = names
        .iter()
        .map(String::len)
        .max()
        .unwrap_or(0)
        .clamp(3, 64);
    output.line(format!("{:20}  {:width$}  EVENT", "TIME (UTC)", "KID"))?;
    for transition in &plan.transitions {
        let name = names.get(transition.key).map_or("-", String::as_str);
        output.line(format!(
            "{}  {name:width$}  {}",
            times::rfc3339(transition.at),
            transition.what.name()
        ))?;
    }
    Ok(())
}

/// The keys' ids; those that are not made yet are `new 1`, `new 2` and so on.
fn names(plan: &Plan) -> Vec<String> {
    let mut made_later: u32 = 0;
    let name = |key: &PlannedKey| match &key.id {
        Some(id) => Escaped(id.as_str()).to_string(),
        None => {
            made_later = made_later.saturating_add(1);
            format!("new {made_later}")
        }
    };
    plan.keys.iter().map(name).collect()
}

fn tell_json(plan: &Plan, output: &mut Output) -> Result<(), Failure> {
    let keys: Vec<String> = plan.keys.iter().map(json_key).collect();
    let transitions: Vec<String> = plan
        .transitions
        .iter()
        .map(|transition| {
            format!(
                "{{\"at\":{},\"event\":{},\"key\":{}}}",
                json_time(Some(transition.at)),
                json_string(transition.what.name()),
                transition.key
            )
        })
        .collect();
    output.json(
        "rotate-plan",
        &[
            ("from", json_time(Some(plan.from))),
            ("until", json_time(Some(plan.until))),
            ("keys", format!("[{}]", keys.join(","))),
            ("transitions", format!("[{}]", transitions.join(","))),
        ],
    )
}

/// One key; `kid` is null for one that is not made yet.
fn json_key(key: &PlannedKey) -> String {
    let kid = key
        .id
        .as_ref()
        .map_or_else(|| "null".to_owned(), |id| json_string(id.as_str()));
    let mut text = format!("{{\"kid\":{kid}");
    for (name, time) in [
        ("published_at", Some(key.published_at)),
        ("activates_at", key.activates_at),
        ("stops_signing_at", key.stops_signing_at),
        ("private_erased_at", key.private_erased_at),
        ("verifies_until", key.verifies_until),
        ("withdrawn_at", key.withdrawn_at),
        ("compromised_at", key.compromised_at),
    ] {
        text.push_str(&format!(",{}:{}", json_string(name), json_time(time)));
    }
    text.push_str(&format!(",\"suspended\":{}}}", key.suspended));
    text
}
