//! `tokenwright completions SHELL`.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::cli::arguments::Arguments;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(arguments: &CompletionsArguments, output: &mut Output) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Arguments::command(),
        "tokenwright",
        &mut script,
    );
    output.verbatim(&script)?;
    Ok(Exit::Done)
}
