//! `tokenwright store …`: what is done with a store as a whole.

mod backup;
mod check;
mod copy;
mod init;
mod restore;
mod seal_key;
mod transfer;

use clap::Subcommand;

use crate::cli::arguments::GlobalArguments;
use crate::cli::config::{self, Settings};
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::place::StorePlace;

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Make what a store needs: a folder, or the tables of a database; bring older ones up to date
    Init(init::InitArguments),
    /// Look whether a store can be reached and used, and what is in it; nothing is changed
    Check(check::CheckArguments),
    /// Copy keyring, private keys and revocations from one store into another
    Copy(copy::CopyArguments),
    /// Copy the store into a folder
    Backup(backup::BackupArguments),
    /// Merge a backup's folder into the store; nothing dead comes back
    Restore(restore::RestoreArguments),
    /// Make the key that seals private keys on servers, in a new file
    SealKey(seal_key::SealKeyArguments),
}

impl StoreCommand {
    /// The schema of its JSON answer, if one was asked for.
    pub(crate) fn json_schema(&self) -> Option<&'static str> {
        match self {
            Self::Check(arguments) if arguments.json => Some("store-check"),
            _ => None,
        }
    }
}

pub(crate) fn run(
    command: StoreCommand,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    match command {
        StoreCommand::Init(_) => init::run(&place(global)?, output),
        StoreCommand::Check(arguments) => check::run(&arguments, &place(global)?, output),
        StoreCommand::Copy(arguments) => copy::run(&arguments, output),
        StoreCommand::Backup(arguments) => backup::run(&arguments, &place(global)?, output),
        StoreCommand::Restore(arguments) => restore::run(&arguments, &place(global)?, output),
        StoreCommand::SealKey(arguments) => seal_key::run(&arguments, output),
    }
}

/// The store that the settings name.
fn place(global: &GlobalArguments) -> Result<StorePlace, Failure> {
    let flags = Settings {
        store: global.store.clone(),
        ..Settings::default()
    };
    config::resolve(flags, global.config.as_deref())?.place()
}
