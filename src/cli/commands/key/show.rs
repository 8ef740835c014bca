//! `tokenwright key show KID`.

use clap::Args;
use tokenwright::keyring::State;
use tokenwright::store::{self, MaterialAddress, Store as _};
use tokenwright::{Clock as _, SystemClock};

use super::list::{future, next_of, next_words, record_json, time_or_dash};
use super::open_ring;
use crate::cli::arguments::GlobalArguments;
use crate::cli::escape::Escaped;
use crate::cli::failure::{Exit, Failure};
use crate::cli::keys::store_failure;
use crate::cli::output::Output;
use crate::cli::times;

/// Arguments of `key show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The key's id, or the beginning of it
    #[arg(allow_hyphen_values = true)]
    kid: String,
    /// Print a JSON object
    #[arg(long)]
    pub(super) json: bool,
}

pub(crate) fn run(
    arguments: &ShowArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let ring = open_ring(global)?;
    let record = ring.record(&arguments.kid)?;
    let now = ring.keyring().clock(SystemClock.now());
    let future = future(&ring, now)?;
    if arguments.json {
        output.json("key", &[("key", record_json(record, &future, now))])?;
        return Ok(Exit::Done);
    }
    let address = MaterialAddress::new(record.address()).map_err(|error| store_failure(&error))?;
    let material = ring
        .store
        .get_material(&address)
        .map_err(|error| store_failure(&error))?;
    let private = match &material {
        None => "not here",
        Some(material) if store::is_locked(material) => "locked with a passphrase",
        Some(_) => "not locked",
    };
    let rows = [
        ("kid", Escaped(record.id().as_str()).to_string()),
        ("algorithm", record.algorithm().to_string()),
        ("state", state_words(record.state(now))),
        ("published", times::rfc3339(record.published_at())),
        ("signs from", time_or_dash(record.activates_at())),
        ("signs until", time_or_dash(record.stops_signing_at())),
        ("verifies until", time_or_dash(record.verifies_until())),
        ("next", next_words(next_of(record, &future))),
        ("longest token", times::words(record.max_lifetime())),
        ("private half", private.to_owned()),
    ];
    for (name, value) in rows {
        output.line(format!("{name:16}{value}"))?;
    }
    Ok(Exit::Done)
}

/// The state, and what NIST SP 800-57 part 1 calls it where that is another word.
fn state_words(state: State) -> String {
    match state.name() == state.nist_name() {
        true => state.name().to_owned(),
        false => format!("{state} (NIST SP 800-57: {})", state.nist_name()),
    }
}
