//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::commands::{
    completions, demo, doctor, init, inspect, jwks, key, man, mint, revoke, rotate, serve, store,
    verify,
};
use super::output::ColorChoice;

const AFTER_HELP: &str = "\
Exit codes: 0 valid or done; 1 refused; 2 usage; 3 refused only because of time;
4 revoked; 5 cannot decide (keys missing); 6 input, output, permission, configuration.
Times: 15m, 1h30m, 30d, -5m, now+1h, 2027-01-01, RFC 3339, @1700000000.
A TOKEN is the text itself, - for standard input, or @FILE.";

/// Mint and verify signed tokens (JWT and PASETO)
#[derive(Debug, Parser)]
#[command(
    name = "tokenwright",
    version,
    after_help = AFTER_HELP,
    disable_help_subcommand = true,
    arg_required_else_help = true,
    color = clap::ColorChoice::Never
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: GlobalArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct GlobalArguments {
    /// Where the keys are: a folder, redis://…, postgres://… or s3://… [default: keys]
    /// [env: TOKENWRIGHT_STORE]
    #[arg(long, value_name = "STORE", global = true, help_heading = "Everywhere")]
    pub(crate) store: Option<String>,
    /// Read these settings in place of tokenwright.toml [env: TOKENWRIGHT_CONFIG]
    #[arg(long, value_name = "FILE", global = true, help_heading = "Everywhere")]
    pub(crate) config: Option<PathBuf>,
    /// When to colour words
    #[arg(
        long,
        value_enum,
        default_value_t,
        global = true,
        help_heading = "Everywhere"
    )]
    pub(crate) color: ColorChoice,
}

impl Command {
    /// The schema of its JSON answer, if one was asked for.
    pub(crate) fn json_schema(&self) -> Option<&'static str> {
        match self {
            Self::Verify(arguments) if arguments.json => Some("verify"),
            Self::Inspect(arguments) if arguments.json => Some("inspect"),
            Self::Jwks(arguments) if arguments.json => Some("jwks"),
            Self::Key(command) => command.json_schema(),
            Self::Revoke(command) => command.json_schema(),
            Self::Store(command) => command.json_schema(),
            _ => None,
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The whole story in a moment, in a folder of its own
    Demo(demo::DemoArguments),
    /// Make a folder of keys and the first key in it
    Init(init::InitArguments),
    /// Make a token
    Mint(mint::MintArguments),
    /// Check a token, and print its claims when every check has passed
    Verify(verify::VerifyArguments),
    /// Show what a token or a key text says, without believing it
    Inspect(inspect::InspectArguments),
    /// Make, show, import and export keys
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Print the public keys that verifiers need
    Jwks(jwks::JwksArguments),
    /// Do what is due: publish, switch and destroy keys; and handle emergencies
    Rotate(rotate::RotateArguments),
    /// Answer proxies and verifiers: forward authentication, the key set, health, metrics
    Serve(serve::ServeArguments),
    /// Withdraw tokens before they expire
    #[command(subcommand)]
    Revoke(revoke::RevokeCommand),
    /// Make a store ready, look at it, move it, back it up
    #[command(subcommand)]
    Store(store::StoreCommand),
    /// Look for what is wrong, or will be: clock, permissions, overdue work, missing keys
    Doctor(doctor::DoctorArguments),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArguments),
    /// Print the manual page, or write all of them into a folder
    Man(man::ManArguments),
}
