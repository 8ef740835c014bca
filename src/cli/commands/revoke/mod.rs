//! `tokenwright revoke …`: tokens withdrawn before they expire.

mod add;
mod check;
mod export;
mod import;
mod init;
mod lines;
mod list;
mod prune;
mod signed;
mod stats;
mod target;

use clap::Subcommand;

use crate::cli::arguments::GlobalArguments;
use crate::cli::config::{self, Settings};
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::revocations::RevocationPlace;

/// The commands of `revoke`.
#[derive(Debug, Subcommand)]
pub(crate) enum RevokeCommand {
    /// Withdraw a token, a session, or all that was issued before an instant
    Add(Box<add::AddArguments>),
    /// Show the entries
    List(list::ListArguments),
    /// Ask about one token: ends with 4 if it is withdrawn, with 0 if not
    Check(check::CheckArguments),
    /// Drop entries that no living token can need any more
    Prune(prune::PruneArguments),
    /// Count the entries, and say how large and how current the list is
    Stats(stats::StatsArguments),
    /// Write the list, signed, for verifiers elsewhere; or as lines, for people and backups
    Export(export::ExportArguments),
    /// Take in lines of entries, or another machine's signed list
    Import(import::ImportArguments),
    /// Begin an empty list where there is none
    Init(init::InitArguments),
}

impl RevokeCommand {
    /// The schema of its JSON answer, if one was asked for.
    pub(crate) fn json_schema(&self) -> Option<&'static str> {
        match self {
            Self::Add(arguments) if arguments.json => Some("revoke-add"),
            Self::List(arguments) if arguments.json => Some("revoke-list"),
            Self::Check(arguments) if arguments.json => Some("revoke-check"),
            Self::Prune(arguments) if arguments.json => Some("revoke-prune"),
            Self::Stats(arguments) if arguments.json => Some("revoke-stats"),
            Self::Export(arguments) if arguments.json => Some("revoke-export"),
            Self::Import(arguments) if arguments.json => Some("revoke-import"),
            Self::Init(arguments) if arguments.json => Some("revoke-init"),
            _ => None,
        }
    }
}

pub(crate) fn run(
    command: &RevokeCommand,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    match command {
        RevokeCommand::Add(arguments) => add::run(arguments, global, output),
        RevokeCommand::List(arguments) => list::run(arguments, global, output),
        RevokeCommand::Check(arguments) => check::run(arguments, global, output),
        RevokeCommand::Prune(arguments) => prune::run(arguments, global, output),
        RevokeCommand::Stats(arguments) => stats::run(arguments, global, output),
        RevokeCommand::Export(arguments) => export::run(arguments, global, output),
        RevokeCommand::Import(arguments) => import::run(arguments, global, output),
        RevokeCommand::Init(arguments) => init::run(arguments, global, output),
    }
}

/// The store, and the settings with its defaults.
fn open(
    global: &GlobalArguments,
    issuer: Option<String>,
) -> Result<(Settings, RevocationPlace), Failure> {
    let flags = Settings {
        store: global.store.clone(),
        iss: issuer,
        ..Settings::default()
    };
    let mut settings = config::resolve(flags, global.config.as_deref())?;
    let place = RevocationPlace::open(&mut settings)?;
    Ok((settings, place))
}
