//! `tokenwright key thumbprint FILE`.

use std::path::PathBuf;

use clap::Args;
use tokenwright::key::Algorithm;
use tokenwright::limits::MAX_PEM_BYTES;

use crate::cli::commands::inspect::judged;
use crate::cli::failure::{Exit, Failure};
use crate::cli::input::{read_file, read_stdin};
use crate::cli::keys::{key_failure, parse_key};
use crate::cli::output::Output;
use crate::cli::passphrase::PassphraseSource;

/// Arguments of `key thumbprint`.
#[derive(Debug, Args)]
pub(crate) struct ThumbprintArguments {
    /// A key as JWK, PEM, DER or PASERK, public or private; - for standard input
    file: PathBuf,
    /// Its algorithm, where the file does not say it
    #[arg(long, value_name = "ALG")]
    alg: Option<Algorithm>,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

pub(crate) fn run(arguments: &ThumbprintArguments, output: &mut Output) -> Result<Exit, Failure> {
    let bytes = if arguments.file.as_os_str() == "-" {
        read_stdin(MAX_PEM_BYTES)?
    } else {
        read_file(&arguments.file, MAX_PEM_BYTES)?
    };
    let key = parse_key(&bytes, arguments.alg, &arguments.passphrase).map_err(judged)?;
    let thumbprint = key
        .verifying()
        .thumbprint()
        .map_err(|error| key_failure(&error))?;
    output.line(thumbprint)?;
    Ok(Exit::Done)
}
