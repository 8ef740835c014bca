//! `tokenwright key import FILE`.

use std::path::PathBuf;

use clap::Args;
use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::keyring::{Event, Keyring, LargeJump, Step, step};
use tokenwright::limits::MAX_PEM_BYTES;
use tokenwright::store::{self, Store as _};
use tokenwright::{Clock as _, SecretBytes, SystemClock};

use crate::cli::arguments::GlobalArguments;
use crate::cli::commands::init::{self, Plan, RingArguments};
use crate::cli::commands::inspect::judged;
use crate::cli::config::Settings;
use crate::cli::failure::{Exit, Failure};
use crate::cli::input::{read_file, read_stdin};
use crate::cli::keys::{
    ParsedKey, Ring, access_failure, keyring_failure, parse_key, short_id, store_failure,
};
use crate::cli::output::Output;
use crate::cli::passphrase;
use crate::cli::times;

/// Arguments of `key import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// A private key or shared secret as JWK, PEM, DER or PASERK; - for standard input
    file: PathBuf,
    /// Its algorithm, where the file does not say it
    #[arg(long, value_name = "ALG")]
    alg: Option<Algorithm>,
    /// Lock it in the store with the passphrase in the first line of this file
    #[arg(long, value_name = "FILE")]
    lock_file: Option<PathBuf>,
    #[command(flatten)]
    ring: RingArguments,
}

pub(crate) fn run(
    arguments: &ImportArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let plan = init::plan(&arguments.ring, global)?;
    let bytes = if arguments.file.as_os_str() == "-" {
        read_stdin(MAX_PEM_BYTES)?
    } else {
        read_file(&arguments.file, MAX_PEM_BYTES)?
    };
    let source = &arguments.ring.lock.passphrase;
    let ParsedKey::Signing(key) = parse_key(&bytes, arguments.alg, source).map_err(judged)? else {
        let message = "this is a public key; a store needs the private one";
        return Err(Failure::new("public_key_given", Exit::Refused, message));
    };
    let lock = match &arguments.lock_file {
        Some(path) => Some(passphrase::from_file(path)?),
        None if arguments.ring.lock.lock => Some(passphrase::ask_twice("the imported key")?),
        None => None,
    };
    if has_keyring(&plan)? {
        add(&plan, &key, lock.as_ref(), output)?;
    } else {
        init::create(&plan, &key, lock.as_ref(), output)?;
    }
    Ok(Exit::Done)
}

fn has_keyring(plan: &Plan) -> Result<bool, Failure> {
    let found = init::existing(plan.place())?;
    Ok(found.is_some())
}

/// Adds the key as the successor or the standby that rotation is waiting for.
fn add(
    plan: &Plan,
    key: &SigningKey,
    lock: Option<&SecretBytes>,
    output: &mut Output,
) -> Result<(), Failure> {
    let settings = Settings {
        store: Some(plan.place().setting()),
        ..Settings::default()
    };
    let ring = Ring::open(&settings)?;
    let now = SystemClock.now();
    let waiting = step(ring.keyring(), now, None, LargeJump::Refuse);
    let Step::NeedsKey { .. } = waiting.map_err(|error| keyring_failure(&error))? else {
        let message = "the keyring waits for no key now: it has a signer and a standby";
        return Err(Failure::new("nothing_to_do", Exit::Operator, message));
    };
    let keyring = with_algorithm(ring.keyring(), key.algorithm())?;
    let new = store::put_key(&ring.store, key, lock).map_err(|error| access_failure(&error))?;
    let done = step(&keyring, now, Some(new), LargeJump::Refuse);
    let Step::Commit(change) = done.map_err(|error| keyring_failure(&error))? else {
        let message = "the keyring waits for no key now";
        return Err(Failure::new("nothing_to_do", Exit::Operator, message));
    };
    ring.store
        .compare_and_swap(
            Some(&ring.stored.version),
            change.keyring.to_json().as_bytes(),
        )
        .map_err(|error| store_failure(&error))?;
    tell(key, &change.event, output);
    Ok(())
}

fn tell(key: &SigningKey, event: &Event, output: &mut Output) {
    let id = short_id(key.id().as_str());
    output.note(match event {
        Event::SuccessorPublished { at, .. } => {
            format!(
                "key {id} is published and will sign from {}",
                times::rfc3339(*at)
            )
        }
        _ => format!("key {id} is published and stands by"),
    });
}

/// Rotation goes on with the imported key's algorithm.
fn with_algorithm(keyring: &Keyring, algorithm: Algorithm) -> Result<Keyring, Failure> {
    if keyring.algorithm() == algorithm {
        return Ok(keyring.clone());
    }
    keyring
        .with_algorithm(algorithm, SystemClock.now())
        .map_err(|error| keyring_failure(&error))
}
