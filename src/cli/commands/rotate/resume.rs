//! `tokenwright rotate resume`.

use clap::Args;

use super::event::{json_events, table};
use super::{ForceArguments, attended, open_ring};
use crate::cli::arguments::GlobalArguments;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::passphrase::PassphraseSource;

/// Arguments of `rotate resume`.
#[derive(Debug, Args)]
pub(super) struct ResumeArguments {
    /// The key's id, or the beginning of it
    #[arg(allow_hyphen_values = true)]
    kid: String,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    force: ForceArguments,
}

pub(super) fn run(
    arguments: &ResumeArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let ring = open_ring(global)?;
    let id = ring.record(&arguments.kid)?.id().clone();
    let change = attended(&ring.store, &PassphraseSource::default(), |scheduler| {
        scheduler.resume(&id, arguments.force.jump())
    })?;
    let events = [change.event];
    match arguments.json {
        true => output.json("rotate-emergency", &[("events", json_events(&events))])?,
        false => table(&events, output)?,
    }
    Ok(Exit::Done)
}
