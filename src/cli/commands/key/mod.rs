//! `tokenwright key …`

mod export;
mod generate;
mod import;
mod list;
mod passwd;
mod public;
mod show;
mod thumbprint;

use clap::{Subcommand, ValueEnum};
use tokenwright::SecretBytes;
use tokenwright::key::{Algorithm, Format, SigningKey, VerifyingKey};

use crate::cli::arguments::GlobalArguments;
use crate::cli::config::{self, Settings};
use crate::cli::failure::{Exit, Failure};
use crate::cli::keys::{Ring, key_failure};
use crate::cli::output::Output;

/// The commands about keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key outside the store, for use elsewhere or for `key import`
    Generate(generate::GenerateArguments),
    /// List the keys of the store
    List(list::ListArguments),
    /// Show one key's times and state
    Show(show::ShowArguments),
    /// Print the public half of a key
    Public(public::PublicArguments),
    /// Bring a private key into the store: the first key of a new one, or the next of an old one
    Import(import::ImportArguments),
    /// Hand out a private key or shared secret
    Export(export::ExportArguments),
    /// Print the thumbprint (RFC 7638) or PASERK id of a key in a file
    Thumbprint(thumbprint::ThumbprintArguments),
    /// Change, set or remove the passphrase of stored keys
    Passwd(passwd::PasswdArguments),
}

pub(crate) fn run(
    command: KeyCommand,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    match command {
        KeyCommand::Generate(arguments) => generate::run(&arguments, output),
        KeyCommand::List(arguments) => list::run(&arguments, global, output),
        KeyCommand::Show(arguments) => show::run(&arguments, global, output),
        KeyCommand::Public(arguments) => public::run(&arguments, global, output),
        KeyCommand::Import(arguments) => import::run(&arguments, global, output),
        KeyCommand::Export(arguments) => export::run(&arguments, global, output),
        KeyCommand::Thumbprint(arguments) => thumbprint::run(&arguments, output),
        KeyCommand::Passwd(arguments) => passwd::run(&arguments, global, output),
    }
}

impl KeyCommand {
    /// The schema of its JSON answer, if one was asked for.
    pub(crate) fn json_schema(&self) -> Option<&'static str> {
        match self {
            Self::List(arguments) if arguments.json => Some("key-list"),
            Self::Show(arguments) if arguments.json => Some("key"),
            _ => None,
        }
    }
}

/// The texts a key can be written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// JSON Web Key
    Jwk,
    /// PKCS#8, or SPKI for public keys
    Pem,
    /// PASERK
    Paserk,
}

impl Form {
    /// What is customary for an algorithm's keys.
    fn customary(algorithm: Algorithm) -> Self {
        match algorithm.format() {
            Format::Jwt => Self::Jwk,
            Format::Paseto => Self::Paserk,
        }
    }
}

fn open_ring(global: &GlobalArguments) -> Result<Ring, Failure> {
    let flags = Settings {
        store: global.store.clone(),
        ..Settings::default()
    };
    Ring::open(&config::resolve(flags, global.config.as_deref())?)
}

/// A private key as text, locked if there is a passphrase.
fn write_secret(
    key: &SigningKey,
    form: Form,
    lock: Option<&SecretBytes>,
) -> Result<SecretBytes, Failure> {
    let written = match (form, lock) {
        (Form::Jwk, None) => key.to_jwk(),
        (Form::Jwk, Some(lock)) => key.to_locked_jwk(lock).map(|text| text.into_bytes().into()),
        (Form::Pem, None) => key.to_pem(),
        (Form::Pem, Some(lock)) => key
            .to_encrypted_pem(lock)
            .map(|text| text.into_bytes().into()),
        (Form::Paserk, None) => key.to_paserk(),
        (Form::Paserk, Some(_)) => {
            let failure = Failure::usage("a locked key has no PASERK form here");
            let hint = match key.algorithm().is_symmetric() {
                true => "give --to jwk",
                false => "give --to pem",
            };
            return Err(failure.hint(hint));
        }
    };
    written.map_err(|error| key_failure(&error))
}

fn write_public(key: &VerifyingKey, form: Form) -> Result<String, Failure> {
    match form {
        Form::Jwk => key.to_jwk(),
        Form::Pem => key.to_pem(),
        Form::Paserk => key.to_paserk(),
    }
    .map_err(|error| key_failure(&error))
}
