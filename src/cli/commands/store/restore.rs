//! `tokenwright store restore FOLDER`: a backup, merged in.

use clap::Args;
use tokenwright::SystemClock;
use tokenwright::store::{MissingMaterial, Scheduler, Store as _};

use super::transfer;
use crate::cli::escape::Escaped;
use crate::cli::failure::{Exit, Failure};
use crate::cli::keys::store_failure;
use crate::cli::output::{Output, Paint};
use crate::cli::place::StorePlace;

const AFTER_HELP: &str = "\
Key by key the later state holds: nothing that was retired or given up comes back, and what
was withdrawn since the backup stays withdrawn. May be interrupted and repeated.";

/// Arguments of `store restore`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct RestoreArguments {
    /// What `store backup` has made
    folder: String,
    /// Accept that private halves of the backup's keys are lost
    #[arg(long)]
    accept_missing: bool,
}

pub(super) fn run(
    arguments: &RestoreArguments,
    place: &StorePlace,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let from = StorePlace::named(&arguments.folder)?.open()?;
    let document = transfer::load(&from)?;
    let to = place.create()?;
    let revocations = transfer::revocations(&from, &to)?;
    let keys = transfer::material(&from, &to, &document)?;
    let living = to.load().map_err(|error| store_failure(&error))?;
    let merged = match living {
        Some(living) if living.document == document.document => 0,
        _ => {
            let missing = match arguments.accept_missing {
                true => MissingMaterial::Accept,
                false => MissingMaterial::Refuse,
            };
            let restored = Scheduler::new(to.clone(), SystemClock)
                .restore(&document.document, missing)
                .map_err(|error| {
                    let message = error.to_string();
                    Failure::new(error.code(), error.class().into(), message)
                        .hint("the keyring was not changed")
                })?;
            restored.merged.restored.len()
        }
    };
    let told = format!(
        " into {}: {merged} keys brought back, {keys} private keys looked at, {revocations} \
         revocations that were not there",
        Escaped(to.name())
    );
    output.headline(Paint::Good, "merged", told);
    Ok(Exit::Done)
}
