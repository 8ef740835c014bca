//! `tokenwright store seal-key`: the key that seals private keys on servers.

use std::path::PathBuf;

use clap::Args;
use tokenwright::store::{Overwrite, SealingKey, create_secret_file};

use crate::cli::escape::Escaped;
use crate::cli::failure::{Exit, Failure};
use crate::cli::keys::store_failure;
use crate::cli::output::{Output, Paint};

const AFTER_HELP: &str = "\
Whoever signs or rotates on a shared store needs this file: TOKENWRIGHT_SEALING_KEY names
it, or it is the credential tokenwright-sealing-key of systemd. Whoever verifies needs
none. Keep a copy apart from the server's backups: without it private keys are lost.";

/// Arguments of `store seal-key`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct SealKeyArguments {
    /// The new file; an existing one is left alone
    file: PathBuf,
}

pub(super) fn run(arguments: &SealKeyArguments, output: &mut Output) -> Result<Exit, Failure> {
    let key = SealingKey::generate().map_err(|error| store_failure(&error))?;
    let text = key.to_text();
    create_secret_file(&arguments.file, text.expose(), Overwrite::Refuse)
        .map_err(|error| store_failure(&error))?;
    let file = arguments.file.to_string_lossy();
    let told = format!(" {} (0600)   sealing key {}", Escaped(&file), key.name());
    output.headline(Paint::Good, "created", told);
    output.words(
        "next:  export TOKENWRIGHT_SEALING_KEY=FILE, on every machine that signs or rotates",
    );
    Ok(Exit::Done)
}
