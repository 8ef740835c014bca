//! `tokenwright revoke export FILE`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use tokenwright::store::{Overwrite, RevocationStore as _, StoreErrorKind, create_secret_file};
use tokenwright::{Clock as _, SystemClock};

use super::{lines, open, signed};
use crate::cli::arguments::GlobalArguments;
use crate::cli::escape::{Escaped, json_string};
use crate::cli::failure::{Exit, Failure};
use crate::cli::keys::store_failure;
use crate::cli::output::Output;
use crate::cli::passphrase::PassphraseSource;
use crate::cli::revocations::list_failure;
use crate::cli::times;

/// Arguments of `revoke export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// Where to: a new file, or - for standard output
    pub(super) file: PathBuf,
    /// One entry in a line, for people, backups and `revoke import`
    #[arg(long, conflicts_with_all = ["valid", "after"])]
    lines: bool,
    /// For how long others may take the signed list [default: 1h]
    #[arg(long, value_name = "DURATION", value_parser = times::duration)]
    pub(super) valid: Option<Duration>,
    /// Write only what was added since this earlier export
    #[arg(long, value_name = "FILE")]
    pub(super) after: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
    /// Print a JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) passphrase: PassphraseSource,
}

pub(crate) fn run(
    arguments: &ExportArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let (settings, place) = open(global, None)?;
    if !arguments.lines {
        let document = signed::export(arguments, &settings, &place)?;
        hand_out(arguments, &document.bytes, output)?;
        let what = document.describe();
        return tell(
            arguments,
            &what,
            document.entries,
            document.bytes.len(),
            output,
        );
    }
    let now = SystemClock.now();
    let mut text = String::new();
    let mut count: u64 = 0;
    place
        .list
        .read(None, &mut |entry| {
            if entry.until() > now {
                text.push_str(&lines::write(&entry));
                text.push('\n');
                count = count.saturating_add(1);
            }
        })
        .map_err(|error| list_failure(&error))?;
    hand_out(arguments, text.as_bytes(), output)?;
    let what = format!("{count} entries");
    tell(arguments, &what, count, text.len(), output)
}

/// Writes a file that is there whole or not at all, or standard output.
fn hand_out(arguments: &ExportArguments, bytes: &[u8], output: &mut Output) -> Result<(), Failure> {
    if arguments.file == Path::new("-") {
        return output.verbatim(bytes);
    }
    let overwrite = match arguments.force {
        true => Overwrite::Allow,
        false => Overwrite::Refuse,
    };
    create_secret_file(&arguments.file, bytes, overwrite).map_err(|error| {
        let failure = store_failure(&error);
        match error.kind() {
            StoreErrorKind::Exists => failure.hint("give --force to replace it"),
            _ => failure,
        }
    })
}

fn tell(
    arguments: &ExportArguments,
    what: &str,
    count: u64,
    length: usize,
    output: &mut Output,
) -> Result<Exit, Failure> {
    if arguments.file == Path::new("-") {
        return Ok(Exit::Done);
    }
    let name = arguments.file.to_string_lossy();
    if arguments.json {
        output.json(
            "revoke-export",
            &[
                ("file", json_string(&name)),
                ("entries", count.to_string()),
                ("bytes", length.to_string()),
            ],
        )?;
        output.flush()?;
    }
    output.words(&format!(
        "wrote {what} to {}, {length} bytes",
        Escaped(&name)
    ));
    Ok(Exit::Done)
}
