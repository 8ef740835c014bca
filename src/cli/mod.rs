//! Arguments in, resolved command, output out.
//!
//! `arguments` says what can be typed, `config` adds what the environment and
//! settings files say, each file of `commands` does one thing, and `output` alone
//! prints. Nothing here reaches behind the library's public API.

mod arguments;
mod commands;
mod config;
mod escape;
mod failure;
mod input;
mod keys;
mod network;
mod output;
mod passphrase;
mod place;
mod replica;
mod revocations;
mod tally;
mod timeline;
mod times;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use arguments::{Arguments, Command};
use failure::{Exit, Failure};
use output::{ColorChoice, Output};

/// Does what the arguments say, and returns the exit code.
pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if let Err(failure) = arguments
        .iter()
        .try_for_each(|each| input::refuse_secret(each))
    {
        Output::new(ColorChoice::Auto).failure("", &failure);
        return ExitCode::from(failure.exit.code());
    }
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return ExitCode::from(not_understood(&error).code()),
    };
    let mut output = Output::new(arguments.global.color);
    let schema = arguments.command.json_schema();
    let done = dispatch(arguments, &mut output).and_then(|exit| {
        output.flush()?;
        Ok(exit)
    });
    let exit = match done {
        Ok(exit) => exit,
        Err(failure) => {
            if let Some(schema) = schema {
                let _ = output.json_failure(schema, &failure);
            }
            // What was printed so far goes out before the words about the failure.
            let _ = output.flush();
            output.failure("", &failure);
            failure.exit
        }
    };
    ExitCode::from(exit.code())
}

fn dispatch(arguments: Arguments, output: &mut Output) -> Result<Exit, Failure> {
    let global = arguments.global;
    if let Some(store) = &global.store {
        place::refuse_password(store)?;
    }
    match arguments.command {
        Command::Demo(command) => commands::demo::run(&command, output),
        Command::Init(command) => commands::init::run(command, &global, output),
        Command::Mint(command) => commands::mint::run(command, &global, output),
        Command::Verify(command) => commands::verify::run(command, &global, output),
        Command::Inspect(command) => commands::inspect::run(&command, output),
        Command::Key(command) => commands::key::run(command, &global, output),
        Command::Jwks(command) => commands::jwks::run(&command, &global, output),
        Command::Rotate(command) => commands::rotate::run(&command, &global, output),
        Command::Revoke(command) => commands::revoke::run(&command, &global, output),
        Command::Serve(command) => commands::serve::run(command, &global, output),
        Command::Store(command) => commands::store::run(command, &global, output),
        Command::Doctor(command) => commands::doctor::run(&command, &global, output),
        Command::Completions(command) => commands::completions::run(&command, output),
        Command::Man(command) => commands::man::run(&command, output),
    }
}

/// Help and version go to standard output; everything else is a usage error.
fn not_understood(error: &clap::Error) -> Exit {
    let mut output = Output::new(ColorChoice::Auto);
    let text = error.to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let printed = output.line(text.trim_end()).and_then(|()| output.flush());
            match printed {
                Ok(()) => Exit::Done,
                Err(failure) => {
                    output.failure("", &failure);
                    failure.exit
                }
            }
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            output.words(text.trim_end());
            Exit::Usage
        }
        _ => {
            output.failure("", &usage(&text));
            Exit::Usage
        }
    }
}

/// The parser's sentence, with its further paragraphs as hints.
fn usage(text: &str) -> Failure {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let mut paragraphs = text.trim_end().split("\n\n");
    let message = paragraphs.next().unwrap_or_default();
    paragraphs
        .map(|paragraph| paragraph.trim().trim_start_matches("tip: "))
        .fold(Failure::usage(message), Failure::hint)
}
