//! `tokenwright key passwd`.

use std::path::PathBuf;

use clap::Args;
use tokenwright::SecretBytes;
use tokenwright::keyring::KeyRecord;
use tokenwright::store::{self, MaterialAddress, Store as _};

use super::open_ring;
use crate::cli::arguments::GlobalArguments;
use crate::cli::failure::{Exit, Failure};
use crate::cli::keys::{Ring, access_failure, short_id, store_failure};
use crate::cli::output::Output;
use crate::cli::passphrase::{self, PassphraseSource};

/// Arguments of `key passwd`.
#[derive(Debug, Args)]
pub(crate) struct PasswdArguments {
    /// The key's id, or the beginning of it [default: every key of the store]
    kid: Option<String>,
    /// Read the new passphrase from the first line of FILE
    #[arg(long, value_name = "FILE", conflicts_with = "remove")]
    new_passphrase_file: Option<PathBuf>,
    /// Remove the passphrase: whoever can read the file can sign
    #[arg(long)]
    remove: bool,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

pub(crate) fn run(
    arguments: &PasswdArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let ring = open_ring(global)?;
    let records: Vec<&KeyRecord> = match &arguments.kid {
        Some(kid) => vec![ring.record(kid)?],
        None => ring.keyring().keys().iter().collect(),
    };
    let here = present(&ring, &records)?;
    let old = old_passphrase(&here, arguments)?;
    // Every key is opened before any is written, so that a wrong passphrase changes nothing.
    for (record, locked) in &here {
        let old = old.as_ref().filter(|_| *locked);
        store::signing_key(&ring.store, record, old).map_err(|error| access_failure(&error))?;
    }
    let new = match (&arguments.new_passphrase_file, arguments.remove) {
        (_, true) => None,
        (Some(path), false) => Some(passphrase::from_file(path)?),
        (None, false) => Some(passphrase::ask_twice("the keys")?),
    };
    for (record, locked) in &here {
        let old = old.as_ref().filter(|_| *locked);
        store::change_passphrase(&ring.store, record, old, new.as_ref())
            .map_err(|error| access_failure(&error))?;
        let id = short_id(record.id().as_str());
        let done = if arguments.remove {
            "is no longer locked"
        } else {
            "has a new passphrase"
        };
        output.note(format!("key {id} {done}"));
    }
    Ok(Exit::Done)
}

/// The keys whose private half is here, and whether it is locked.
fn present<'a>(
    ring: &Ring,
    records: &[&'a KeyRecord],
) -> Result<Vec<(&'a KeyRecord, bool)>, Failure> {
    let mut here = Vec::new();
    for record in records {
        let address =
            MaterialAddress::new(record.address()).map_err(|error| store_failure(&error))?;
        let material = ring
            .store
            .get_material(&address)
            .map_err(|error| store_failure(&error))?;
        if let Some(material) = material {
            here.push((*record, store::is_locked(&material)));
        }
    }
    if here.is_empty() {
        let message = "no private key is here";
        return Err(Failure::new("material_missing", Exit::Undecided, message));
    }
    Ok(here)
}

fn old_passphrase(
    here: &[(&KeyRecord, bool)],
    arguments: &PasswdArguments,
) -> Result<Option<SecretBytes>, Failure> {
    if here.iter().any(|(_, locked)| *locked) {
        return arguments
            .passphrase
            .existing("the keys, as it is now")
            .map(Some);
    }
    Ok(None)
}
