//! `tokenwright jwks`: the published set.

use clap::Args;
use tokenwright::key::{Format, JwkSet, VerifyingKey};
use tokenwright::store;
use tokenwright::{Clock as _, SystemClock};

use crate::cli::arguments::GlobalArguments;
use crate::cli::config::{self, Settings};
use crate::cli::escape::json_string;
use crate::cli::failure::{Exit, Failure};
use crate::cli::keys::{Ring, access_failure, key_failure};
use crate::cli::output::Output;

/// Arguments of `jwks`.
#[derive(Debug, Args)]
pub(crate) struct JwksArguments {
    /// Print a JSON object with the schema's name around the set
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) fn run(
    arguments: &JwksArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let flags = Settings {
        store: global.store.clone(),
        ..Settings::default()
    };
    let settings = config::resolve(flags, global.config.as_deref())?;
    let read_at = SystemClock.now();
    let ring = Ring::open(&settings)?;
    let now = ring.keyring().clock(SystemClock.now());
    let keys = store::published_keys(ring.keyring(), now);
    let keys = keys.map_err(|error| access_failure(&error))?;
    if keys.is_empty() {
        let message = "these keys are shared secrets, which are never published";
        return Err(Failure::new("no_such_form", Exit::Operator, message)
            .hint("to hand one over: tokenwright key export KID --out FILE"));
    }
    let paseto = keys
        .iter()
        .all(|key| key.algorithm().format() == Format::Paseto);
    if paseto {
        print_lines(&keys, arguments.json, output)?;
    } else {
        let set = store::published_set(ring.keyring(), now, read_at);
        let set = set.map_err(|error| access_failure(&error))?;
        print_set(&set, arguments.json, output)?;
    }
    output.note(format_args!(
        "serve it with Cache-Control: {}",
        ring.keyring().policy().cache_control()
    ));
    Ok(Exit::Done)
}

fn print_lines(keys: &[VerifyingKey], json: bool, output: &mut Output) -> Result<(), Failure> {
    let lines = keys
        .iter()
        .map(VerifyingKey::to_paserk)
        .collect::<Result<Vec<String>, _>>()
        .map_err(|error| key_failure(&error))?;
    if json {
        let quoted: Vec<String> = lines.iter().map(|line| json_string(line)).collect();
        return output.json("jwks", &[("paserk", format!("[{}]", quoted.join(",")))]);
    }
    output.line(lines.join("\n"))
}

fn print_set(set: &JwkSet, json: bool, output: &mut Output) -> Result<(), Failure> {
    let text = set.to_json().map_err(|error| key_failure(&error))?;
    if json {
        return output.json(
            "jwks",
            &[("jwks", crate::cli::escape::one_line_json(&text))],
        );
    }
    output.line(text.trim_end())
}
