//! `tokenwright store backup FOLDER`.

use clap::Args;

use super::transfer;
use crate::cli::escape::Escaped;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{Output, Paint};
use crate::cli::place::StorePlace;

const AFTER_HELP: &str = "\
The folder is a store like any other: it can be looked at, and used in need. Private keys
in it are as they are in any folder: readable by its owner unless locked with a passphrase.
May be interrupted and repeated.";

/// Arguments of `store backup`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct BackupArguments {
    /// The folder; made with mode 0700 if need be
    folder: String,
    /// Leave private keys out: no sealing key is needed, and none can be restored
    #[arg(long)]
    without_keys: bool,
}

pub(super) fn run(
    arguments: &BackupArguments,
    place: &StorePlace,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let target = StorePlace::named(&arguments.folder)?;
    if target.folder().is_none() {
        let failure = Failure::usage("a backup is a folder");
        return Err(failure.hint("for another kind of store: tokenwright store copy FROM TO"));
    }
    let from = place.open()?;
    let document = transfer::load(&from)?;
    let to = target.create()?;
    let revocations = transfer::revocations(&from, &to)?;
    let keys = match arguments.without_keys {
        true => 0,
        false => transfer::material(&from, &to, &document)?,
    };
    transfer::document(&document, &to)?;
    let told = format!(
        " in {}: {keys} private keys, {revocations} revocations that were not there",
        Escaped(to.name())
    );
    output.headline(Paint::Good, "saved", told);
    Ok(Exit::Done)
}
