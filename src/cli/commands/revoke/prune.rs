//! `tokenwright revoke prune`.

use clap::Args;
use tokenwright::keyring::LargeJump;
use tokenwright::store::RevocationStore as _;
use tokenwright::{Clock as _, SystemClock};

use super::open;
use crate::cli::arguments::GlobalArguments;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::revocations::{list_failure, tell_notes};

const AFTER_HELP: &str = "\
An entry goes only when no token it means can pass any more, leeway and differing clocks
included. The list also does this by itself when it has grown enough: pruning is never needed.";

/// Arguments of `revoke prune`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct PruneArguments {
    /// Say how many would go and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Go on although the clock is far ahead of the last change
    #[arg(long)]
    force: bool,
    /// Print a JSON object
    #[arg(long)]
    pub(super) json: bool,
}

pub(crate) fn run(
    arguments: &PruneArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let (_, place) = open(global, None)?;
    let now = SystemClock.now();
    let (dropped, kept) = if arguments.dry_run {
        let mut dead: u64 = 0;
        let reading = place
            .list
            .read(None, &mut |entry| {
                dead = dead.saturating_add(u64::from(entry.until() <= now));
            })
            .map_err(|error| list_failure(&error))?;
        (dead, reading.head.entries.saturating_sub(dead))
    } else {
        let jump = match arguments.force {
            true => LargeJump::Accept,
            false => LargeJump::Refuse,
        };
        let pruned = place
            .list
            .prune(now, jump)
            .map_err(|error| list_failure(&error))?;
        tell_notes(&pruned.notes, output);
        (pruned.dropped, pruned.head.entries)
    };
    if arguments.json {
        output.json(
            "revoke-prune",
            &[
                ("pruned", (!arguments.dry_run).to_string()),
                ("dropped", dropped.to_string()),
                ("kept", kept.to_string()),
            ],
        )?;
        output.flush()?;
    }
    output.words(&match arguments.dry_run {
        true => format!("would drop {dropped}, keep {kept}; nothing was changed"),
        false => format!("dropped {dropped}, kept {kept}"),
    });
    Ok(Exit::Done)
}
