//! `tokenwright key export`: a private key, to a file of mode 0600 or standard output.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use clap::Args;
use tokenwright::SecretBytes;
use tokenwright::key::KeyId;
use tokenwright::store::{Overwrite, create_secret_file};

use super::generate::form_for;
use super::{Form, open_ring, write_secret};
use crate::cli::arguments::GlobalArguments;
use crate::cli::escape::Escaped;
use crate::cli::failure::{Exit, Failure};
use crate::cli::keys::{short_id, store_failure};
use crate::cli::output::Output;
use crate::cli::passphrase::{self, PassphraseSource};

/// Arguments of `key export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// The key's id, or the beginning of it
    #[arg(allow_hyphen_values = true)]
    kid: String,
    /// The form [default: jwk; paserk for PASETO keys; what the lock needs with --lock]
    #[arg(long, value_enum)]
    to: Option<Form>,
    /// Lock what is written with a passphrase, asked for on the terminal
    #[arg(long)]
    lock: bool,
    /// Lock it with the passphrase in the first line of this file
    #[arg(long, value_name = "FILE")]
    lock_file: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseSource,
    #[command(flatten)]
    destination: Destination,
}

/// Where a secret goes.
#[derive(Debug, Args)]
pub(crate) struct Destination {
    /// Write it to this new file, readable by its owner only [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long, requires = "out")]
    force: bool,
}

impl Destination {
    /// Refuses a taken name before any key is made or any passphrase asked for.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match &self.out {
            Some(path) if !self.force && path.symlink_metadata().is_ok() => {
                let name = path.to_string_lossy();
                let message = format!("{} exists already; it was left as it is", Escaped(&name));
                let failure = Failure::new("file_exists", Exit::Operator, message);
                Err(failure.hint("give --force to replace it"))
            }
            _ => Ok(()),
        }
    }
}

pub(crate) fn run(
    arguments: &ExportArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    arguments.destination.check()?;
    let ring = open_ring(global)?;
    let record = ring.record(&arguments.kid)?;
    let key = ring.signing_key(record, &arguments.passphrase)?;
    let lock = match &arguments.lock_file {
        Some(path) => Some(passphrase::from_file(path)?),
        None if arguments.lock => Some(passphrase::ask_twice("the exported key")?),
        None => None,
    };
    let form = arguments
        .to
        .unwrap_or_else(|| form_for(key.algorithm(), lock.is_some()));
    let text = write_secret(&key, form, lock.as_ref())?;
    hand_out(&text, key.id(), &arguments.destination, output)?;
    Ok(Exit::Done)
}

/// Writes a secret that was asked for by name.
pub(super) fn hand_out(
    text: &SecretBytes,
    id: &KeyId,
    destination: &Destination,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut line = zeroize::Zeroizing::new(text.expose().to_vec());
    if !line.ends_with(b"\n") {
        line.push(b'\n');
    }
    let Some(path) = &destination.out else {
        if io::stdout().is_terminal() {
            output.note("this is a secret on your screen; --out FILE keeps it off");
        }
        return output.verbatim(&line);
    };
    let overwrite = match destination.force {
        true => Overwrite::Allow,
        false => Overwrite::Refuse,
    };
    create_secret_file(path, &line, overwrite).map_err(|error| store_failure(&error))?;
    let name = path.to_string_lossy();
    let id = short_id(id.as_str());
    output.note(format!("wrote key {id} to {} (0600)", Escaped(&name)));
    Ok(())
}
