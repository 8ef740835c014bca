//! `tokenwright revoke init`: an empty list, for a store that has none.

use clap::Args;
use tokenwright::store::RevocationStore as _;
use tokenwright::{Clock as _, SystemClock};

use super::open;
use crate::cli::arguments::GlobalArguments;
use crate::cli::escape::json_string;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{Output, Paint};
use crate::cli::revocations::list_failure;

const AFTER_HELP: &str = "\
`tokenwright init` makes a list with the keyring. If a list is lost, everything that was on
it counts again: put a backup back, or withdraw all that was issued until now with
`tokenwright revoke add --all --before now`.";

/// Arguments of `revoke init`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct InitArguments {
    /// There is a list, put back from a backup, and what it holds now is right: begin a
    /// new epoch of it, which services that remember more accept
    #[arg(long)]
    new_epoch: bool,
    /// Print a JSON object
    #[arg(long)]
    pub(super) json: bool,
}

pub(crate) fn run(
    arguments: &InitArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let (_, place) = open(global, None)?;
    let now = SystemClock.now();
    let head = match arguments.new_epoch {
        true => place.list.begin_epoch(now),
        false => place.list.create(now),
    }
    .map_err(|error| list_failure(&error))?;
    let (list, epoch) = (head.position.list.to_string(), head.position.epoch);
    if arguments.json {
        output.json(
            "revoke-init",
            &[("list", json_string(&list)), ("epoch", epoch.to_string())],
        )?;
        output.flush()?;
    }
    match arguments.new_epoch {
        true => output.headline(
            Paint::Good,
            "began",
            format!(" epoch {epoch} of the revocation list {list}"),
        ),
        false => output.headline(
            Paint::Good,
            "created",
            format!(" an empty revocation list, {list}"),
        ),
    }
    Ok(Exit::Done)
}
