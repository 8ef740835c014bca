//! `tokenwright store copy FROM TO`.

use clap::Args;

use super::transfer::{self, Moved};
use crate::cli::escape::Escaped;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{Output, Paint};
use crate::cli::place::{StorePlace, refuse_password};

const AFTER_HELP: &str = "\
May be interrupted and repeated: what is there already is left as it is. Stop rotation on
FROM first, then repeat until nothing is copied, then let everybody use TO. The list of
revocations in TO is a list of its own: replicas of signed lists begin anew.";

/// Arguments of `store copy`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct CopyArguments {
    /// The store to be read
    from: String,
    /// The store to be filled; made if need be
    to: String,
}

pub(super) fn run(arguments: &CopyArguments, output: &mut Output) -> Result<Exit, Failure> {
    refuse_password(&arguments.from)?;
    refuse_password(&arguments.to)?;
    let from = StorePlace::named(&arguments.from)?.open()?;
    let document = transfer::load(&from)?;
    let to = StorePlace::named(&arguments.to)?.create()?;
    let moved = Moved {
        revocations: transfer::revocations(&from, &to)?,
        keys: transfer::material(&from, &to, &document)?,
    };
    transfer::document(&document, &to)?;
    let told = format!(
        " into {}: {} private keys, {} revocations that were not there",
        Escaped(to.name()),
        moved.keys,
        moved.revocations
    );
    output.headline(Paint::Good, "copied", told);
    Ok(Exit::Done)
}
