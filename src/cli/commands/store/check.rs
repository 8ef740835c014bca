//! `tokenwright store check`: whether a store can be used, and what is in it.

use clap::Args;
use tokenwright::keyring::KeyRecord;
use tokenwright::store::{
    OpenedStore, RevocationStore as _, Store as _, StoreError, StoreErrorKind,
};

use super::transfer;
use crate::cli::escape::{Escaped, json_string};
use crate::cli::failure::{Exit, Failure};
use crate::cli::keys::store_failure;
use crate::cli::output::Output;
use crate::cli::place::StorePlace;

/// Arguments of `store check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// Print a JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// What was found.
struct Found {
    epoch: u64,
    seq: u64,
    list: Result<(String, u64), StoreError>,
    /// Private halves that are named, that are there, and that could be opened.
    keys: [usize; 3],
    /// Why the others could not be opened.
    refused: Option<StoreError>,
}

pub(super) fn run(
    arguments: &CheckArguments,
    place: &StorePlace,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let store = place.open()?;
    let found = look(&store)?;
    match arguments.json {
        true => tell_json(&store, &found, output)?,
        false => tell(&store, &found, output)?,
    }
    output.flush()?;
    let [named, there, _] = found.keys;
    if let Err(error) = &found.list {
        output.failure("", &store_failure(error));
    }
    // Whoever verifies needs no private key, and has no sealing key.
    if let Some(error) = &found.refused {
        output.note(error);
    }
    let well = found.list.is_ok() && there >= named;
    Ok(if well { Exit::Done } else { Exit::Refused })
}

fn look(store: &OpenedStore) -> Result<Found, Failure> {
    let document = transfer::load(store)?;
    let keyring = transfer::keyring(&document)?;
    let list = store.revocations().head();
    let list = list.map(|head| (head.position.to_string(), head.entries));
    let addresses = store.list_material();
    let (mut named, mut there, mut opened, mut refused) = (0_usize, 0_usize, 0_usize, None);
    let alive = |key: &&KeyRecord| key.private_erased_at().is_none();
    match addresses {
        // A verifier may have no right to look at private keys at all.
        Err(error) if error.kind() == StoreErrorKind::Permission => refused = Some(error),
        Err(error) => return Err(store_failure(&error)),
        Ok(addresses) => {
            for key in keyring.keys().iter().filter(alive) {
                named = named.saturating_add(1);
                let address = addresses
                    .iter()
                    .find(|address| address.as_str() == key.address());
                let Some(address) = address else { continue };
                there = there.saturating_add(1);
                match store.get_material(address) {
                    Ok(_) => opened = opened.saturating_add(1),
                    Err(error) => refused = Some(error),
                }
            }
        }
    }
    let version = keyring.version();
    Ok(Found {
        epoch: version.epoch,
        seq: version.seq,
        list,
        keys: [named, there, opened],
        refused,
    })
}

fn tell(store: &OpenedStore, found: &Found, output: &mut Output) -> Result<(), Failure> {
    let [named, there, opened] = found.keys;
    output.line(format!("store        {}", Escaped(store.name())))?;
    output.line(format!(
        "keyring      epoch {}, seq {}",
        found.epoch, found.seq
    ))?;
    output.line(format!(
        "private keys {named} named, {there} there, {opened} can be opened"
    ))?;
    match &found.list {
        Ok((position, entries)) => {
            output.line(format!("revocations  {entries} entries; {position}"))
        }
        Err(error) => output.line(format!("revocations  {}", error.code())),
    }
}

fn tell_json(store: &OpenedStore, found: &Found, output: &mut Output) -> Result<(), Failure> {
    let [named, there, opened] = found.keys;
    let entries = match &found.list {
        Ok((_, entries)) => entries.to_string(),
        Err(_) => "null".to_owned(),
    };
    output.json(
        "store-check",
        &[
            ("store", json_string(store.name())),
            ("epoch", found.epoch.to_string()),
            ("seq", found.seq.to_string()),
            ("keys_named", named.to_string()),
            ("keys_there", there.to_string()),
            ("keys_opened", opened.to_string()),
            ("revocations", entries),
        ],
    )
}
