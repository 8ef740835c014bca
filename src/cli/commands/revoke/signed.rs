//! Signed lists: written for other machines, and taken from them.

use std::path::Path;
use std::time::Duration;

use tokenwright::distribution::{Applied, DistributionError, RevocationPublisher};
use tokenwright::store::{Extent, Position, RevocationStore as _};
use tokenwright::{Clock as _, KeySet, Revocation, SystemClock};

use super::export::ExportArguments;
use super::import::ImportArguments;
use super::target::issuer;
use crate::cli::arguments::GlobalArguments;
use crate::cli::config::{self, Settings};
use crate::cli::escape::json_string;
use crate::cli::failure::{Exit, Failure};
use crate::cli::input::read_stdin;
use crate::cli::keys::{self, keyring_failure};
use crate::cli::output::{Output, Paint};
use crate::cli::replica::{self, ReplicaFile, read_bounded, refused};
use crate::cli::revocations::{RevocationPlace, follow, list_failure};

/// For how long a signed list may be taken, unless told otherwise.
const VALID: Duration = Duration::from_secs(3_600);
/// Largest document that is read from standard input, in bytes.
const MAX_STDIN: usize = 256 * 1024 * 1024;

/// A document, ready to be written.
pub(super) struct Signed {
    pub(super) bytes: Vec<u8>,
    pub(super) entries: u64,
    is_delta: bool,
}

impl Signed {
    pub(super) fn describe(&self) -> String {
        match self.is_delta {
            true => format!("a signed delta of {} entries", self.entries),
            false => format!("a signed list of {} entries", self.entries),
        }
    }
}

/// Signs the store's list with the key that signs tokens now.
pub(super) fn export(
    arguments: &ExportArguments,
    settings: &Settings,
    place: &RevocationPlace,
) -> Result<Signed, Failure> {
    let issuer = issuer(settings)?;
    let now = SystemClock.now();
    let record = place
        .ring
        .keyring()
        .signer(now)
        .map_err(|error| keyring_failure(&error))?;
    let key = place.ring.signing_key(record, &arguments.passphrase)?;
    let publisher = RevocationPublisher::new(&issuer, arguments.valid.unwrap_or(VALID));
    let follower = follow(&place.ring.store)?;
    let edition = follower.edition().map_err(|error| unsigned(&error))?;
    let Some(earlier) = &arguments.after else {
        let bytes = publisher
            .snapshot(&key, &edition)
            .map_err(|error| unsigned(&error))?;
        return Ok(Signed {
            bytes,
            entries: u64::try_from(edition.view().list().len()).unwrap_or(u64::MAX),
            is_delta: false,
        });
    };
    let keys = KeySet::of([key.verifying_key()]).map_err(|error| keys::key_failure(&error))?;
    let earlier = ReplicaFile::read(earlier, &issuer, &keys, now)?;
    let mark = earlier.mark().ok_or_else(elsewhere)?;
    let position = Position {
        list: follower.head().position.list,
        epoch: mark.epoch(),
        seq: mark.seq(),
    };
    let mut added: Vec<Revocation<'static>> = Vec::new();
    let reading = place
        .list
        .read(Some(&position), &mut |entry| added.push(entry.into_owned()))
        .map_err(|error| list_failure(&error))?;
    let same_list = mark.list() == position.list.to_string();
    if !same_list || !matches!(reading.extent, Extent::Since | Extent::Unchanged) {
        return Err(elsewhere());
    }
    let entries = u64::try_from(added.len()).unwrap_or(u64::MAX);
    let bytes = publisher
        .delta_of(&key, mark, &edition, added)
        .map_err(|error| unsigned(&error))?;
    Ok(Signed {
        bytes,
        entries,
        is_delta: true,
    })
}

fn elsewhere() -> Failure {
    let message =
        "the earlier export is not of this list's recent history: no delta leads on from it";
    Failure::new("snapshot_needed", Exit::Operator, message)
        .hint("export the whole list: leave --after out")
}

fn unsigned(error: &DistributionError) -> Failure {
    Failure::new(error.code(), error.class().into(), error)
}

/// Takes a signed list into a copy of it.
pub(super) fn import(
    arguments: &ImportArguments,
    path: &Path,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let flags = Settings {
        store: global.store.clone(),
        iss: arguments.iss.clone(),
        ..Settings::default()
    };
    let mut settings = config::resolve(flags, global.config.as_deref())?;
    let now = SystemClock.now();
    let keys = keys_of(arguments, &mut settings)?;
    let issuer = issuer(&settings)?;
    let document = match arguments.file.as_path() == Path::new("-") {
        true => read_stdin(MAX_STDIN)?.expose().to_vec(),
        false => read_bounded(&arguments.file)?,
    };
    let _lock = replica::lock(path)?;
    let exists = path.try_exists();
    let mut copy = match exists.map_err(|error| Failure::file("read", path, &error))? {
        true => ReplicaFile::read_to_extend(path, &issuer, &keys, now, output)?,
        false => ReplicaFile::empty(&issuer),
    };
    let applied = copy.take(document, &keys, now).map_err(|error| {
        refused(&arguments.file, &error).hint("nothing was changed; the copy stays as it was")
    })?;
    if !arguments.dry_run && applied != Applied::Unchanged {
        copy.write(path)?;
    }
    let entries = copy.live().view().list().len();
    if arguments.json {
        output.json(
            "revoke-import",
            &[
                ("changed", (!arguments.dry_run).to_string()),
                ("applied", json_string(word(applied))),
                ("entries", entries.to_string()),
            ],
        )?;
        output.flush()?;
    }
    let text = match arguments.dry_run {
        true => format!(" the list, {entries} entries; nothing was changed: a dry run"),
        false => format!(" the list, {entries} entries"),
    };
    output.headline(Paint::Good, word(applied), text);
    Ok(Exit::Done)
}

/// Who may sign lists.
fn keys_of(arguments: &ImportArguments, settings: &mut Settings) -> Result<KeySet, Failure> {
    if let Some(path) = &arguments.jwks {
        return keys::read_jwks(path, None, arguments.network);
    }
    if let Some(path) = &arguments.key {
        let key = keys::read_verifying_key(path, None, &arguments.passphrase)?;
        return KeySet::of([key]).map_err(|error| keys::key_failure(&error));
    }
    keys::store_key_set(settings, SystemClock.now(), &arguments.passphrase)
}

fn word(applied: Applied) -> &'static str {
    match applied {
        Applied::Replaced { .. } => "replaced",
        Applied::Extended { .. } => "extended",
        Applied::Merged { .. } => "merged",
        Applied::Renewed => "renewed",
        Applied::Unchanged => "unchanged",
        _ => "applied",
    }
}
