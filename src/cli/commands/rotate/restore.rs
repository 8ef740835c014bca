//! `tokenwright rotate restore FILE`: a backup of keyring.json, merged in.

use std::path::PathBuf;

use clap::Args;
use tokenwright::key::KeyId;
use tokenwright::limits::MAX_STORE_DOCUMENT_BYTES;
use tokenwright::store::{MissingMaterial, Restored, Scheduler};
use tokenwright::{Clock as _, SystemClock};

use super::{schedule_failure, settings, store_flag};
use crate::cli::arguments::GlobalArguments;
use crate::cli::escape::{Escaped, json_string};
use crate::cli::failure::{Exit, Failure};
use crate::cli::input::read_file;
use crate::cli::output::Output;

/// Arguments of `rotate restore`.
#[derive(Debug, Args)]
pub(super) struct RestoreArguments {
    /// The backup: a keyring.json of this keyring
    file: PathBuf,
    /// Accept that private halves of the backup's keys are lost
    #[arg(long)]
    accept_missing: bool,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    arguments: &RestoreArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let backup = read_file(&arguments.file, MAX_STORE_DOCUMENT_BYTES)?;
    let store = settings(global)?.place()?.open()?;
    let missing = match arguments.accept_missing {
        true => MissingMaterial::Accept,
        false => MissingMaterial::Refuse,
    };
    let restored = Scheduler::new(store, SystemClock)
        .restore(backup.expose(), missing)
        .map_err(|error| {
            let failure = schedule_failure(&error);
            match failure.code.as_str() {
                "material_missing" => failure
                    .hint("nothing was changed; put the files back into private/, or add --accept-missing"),
                _ => failure.hint("nothing was changed"),
            }
        })?;
    match arguments.json {
        true => tell_json(&restored, output)?,
        false => tell(&restored, output)?,
    }
    output.flush()?;
    for id in &restored.missing {
        output.hint(format!(
            "key {} has no private half: {}",
            Escaped(id.as_str()),
            super::command_line("compromise", id, &store_flag(global))
        ));
    }
    Ok(Exit::Done)
}

/// What is different from before, key by key.
fn tell(restored: &Restored, output: &mut Output) -> Result<(), Failure> {
    let keyring = &restored.merged.keyring;
    let now = keyring.clock(SystemClock.now());
    for id in &restored.merged.restored {
        let state = keyring
            .state_of(id.as_str(), now)
            .map_or("", |state| state.name());
        output.line(format!("restored    {}  {state}", Escaped(id.as_str())))?;
    }
    for id in &restored.merged.shortened {
        let stops = keyring
            .key(id.as_str())
            .and_then(|key| key.stops_signing_at());
        let stops = stops.map_or_else(String::new, crate::cli::times::rfc3339);
        output.line(format!(
            "shortened   {}  signs until {stops}",
            Escaped(id.as_str())
        ))?;
    }
    let version = keyring.version();
    output.words(&format!(
        "merged: {} restored, {} shortened; now at epoch {}, seq {}",
        restored.merged.restored.len(),
        restored.merged.shortened.len(),
        version.epoch,
        version.seq
    ));
    Ok(())
}

fn tell_json(restored: &Restored, output: &mut Output) -> Result<(), Failure> {
    let list = |ids: &[KeyId]| {
        let ids: Vec<String> = ids.iter().map(|id| json_string(id.as_str())).collect();
        format!("[{}]", ids.join(","))
    };
    let version = restored.merged.keyring.version();
    output.json(
        "rotate-restore",
        &[
            ("restored", list(&restored.merged.restored)),
            ("shortened", list(&restored.merged.shortened)),
            ("missing", list(&restored.missing)),
            ("epoch", version.epoch.to_string()),
            ("seq", version.seq.to_string()),
        ],
    )
}
