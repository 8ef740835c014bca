//! `tokenwright key generate`.

use clap::Args;
use tokenwright::key::{Algorithm, SigningKey};

use super::export::{Destination, hand_out};
use super::{Form, write_secret};
use crate::cli::commands::init::LockArguments;
use crate::cli::failure::{Exit, Failure};
use crate::cli::keys::key_failure;
use crate::cli::output::Output;

/// Arguments of `key generate`.
#[derive(Debug, Args)]
pub(crate) struct GenerateArguments {
    /// The algorithm
    #[arg(long, value_name = "ALG", default_value = "EdDSA")]
    alg: Algorithm,
    /// Bits of an RSA key [default: 2048]
    #[arg(long, value_name = "BITS")]
    bits: Option<usize>,
    /// The form [default: jwk; paserk for PASETO keys; what the lock needs with --lock]
    #[arg(long, value_enum)]
    to: Option<Form>,
    #[command(flatten)]
    lock: LockArguments,
    #[command(flatten)]
    destination: Destination,
}

pub(crate) fn run(arguments: &GenerateArguments, output: &mut Output) -> Result<Exit, Failure> {
    arguments.destination.check()?;
    let lock = arguments.lock.fresh("the new key")?;
    let key = match arguments.bits {
        Some(bits) => SigningKey::generate_rsa(arguments.alg, bits),
        None => SigningKey::generate(arguments.alg),
    }
    .map_err(|error| key_failure(&error))?;
    let form = arguments
        .to
        .unwrap_or_else(|| form_for(arguments.alg, lock.is_some()));
    let text = write_secret(&key, form, lock.as_ref())?;
    hand_out(&text, key.id(), &arguments.destination, output)?;
    Ok(Exit::Done)
}

/// A locked PASETO key has no PASERK form: PEM for v4.public, JWK for shared secrets.
pub(super) fn form_for(algorithm: Algorithm, locked: bool) -> Form {
    match Form::customary(algorithm) {
        Form::Paserk if locked && algorithm.is_symmetric() => Form::Jwk,
        Form::Paserk if locked => Form::Pem,
        form => form,
    }
}
