//! `tokenwright key public KID`.

use clap::Args;
use tokenwright::store;

use super::{Form, open_ring, write_public};
use crate::cli::arguments::GlobalArguments;
use crate::cli::failure::{Exit, Failure};
use crate::cli::keys::access_failure;
use crate::cli::output::Output;

/// Arguments of `key public`.
#[derive(Debug, Args)]
pub(crate) struct PublicArguments {
    /// The key's id, or the beginning of it
    #[arg(allow_hyphen_values = true)]
    kid: String,
    /// The form [default: jwk; paserk for PASETO keys]
    #[arg(long, value_enum)]
    to: Option<Form>,
}

pub(crate) fn run(
    arguments: &PublicArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let ring = open_ring(global)?;
    let key =
        store::public_key(ring.record(&arguments.kid)?).map_err(|error| access_failure(&error))?;
    let form = arguments
        .to
        .unwrap_or_else(|| Form::customary(key.algorithm()));
    let text = write_public(&key, form)?;
    output.line(text.trim_end())?;
    Ok(Exit::Done)
}
