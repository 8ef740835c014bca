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
    let head = place
        .list
        .create(SystemClock.now())
        .map_err(|error| list_failure(&error))?;
    let list = head.position.list.to_string();
    if arguments.json {
        output.json("revoke-init", &[("list", json_string(&list))])?;
        output.flush()?;
    }
    output.headline(
        Paint::Good,
        "created",
        format!(" an empty revocation list, {list}"),
    );
    Ok(Exit::Done)
}
