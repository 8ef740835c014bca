//! `tokenwright store init`: what a store needs before a keyring can be in it.

use clap::Args;

use crate::cli::escape::Escaped;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{Output, Paint};
use crate::cli::place::StorePlace;

const AFTER_HELP: &str = "\
May be repeated; what is there stays. A database's owner does this once, so that the
services need no right to make tables. `tokenwright init` then makes the keyring.";

/// Arguments of `store init`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct InitArguments {}

pub(super) fn run(place: &StorePlace, output: &mut Output) -> Result<Exit, Failure> {
    let store = place.create()?;
    output.headline(Paint::Good, "ready", format!(" {}", Escaped(store.name())));
    Ok(Exit::Done)
}
