//! `tokenwright rotate compromise` and `suspend`: what it costs is said before
//! anything is done.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::time::Duration;

use clap::Args;
use tokenwright::SystemClock;
use tokenwright::key::KeyId;
use tokenwright::keyring::{BlastRadius, Emergency, EmergencyOptions, KeyRecord, Outage, Pace};
use tokenwright::store::Scheduler;
use tokenwright::{Clock as _, keyring};

use super::event::{json_events, table};
use super::{ForceArguments, attended, open_ring, schedule_failure, store_flag};
use crate::cli::arguments::GlobalArguments;
use crate::cli::escape::{Escaped, json_string};
use crate::cli::failure::{Exit, Failure};
use crate::cli::keys::Ring;
use crate::cli::output::{Output, Paint};
use crate::cli::passphrase::PassphraseSource;
use crate::cli::times;

/// Arguments of `rotate compromise`.
#[derive(Debug, Args)]
pub(super) struct CompromiseArguments {
    /// The key's id, or the beginning of it
    #[arg(allow_hyphen_values = true)]
    kid: String,
    /// Switch the signer first, and refuse the key when everybody has left it
    #[arg(long)]
    drain: bool,
    /// Accept that nobody can sign, or fresh tokens are refused, for this long
    #[arg(long, value_name = "DURATION", value_parser = times::duration)]
    accept_outage: Option<Duration>,
    /// The key's whole id once more: without it nothing is changed
    #[arg(long, value_name = "KID", allow_hyphen_values = true)]
    confirm: Option<String>,
    #[command(flatten)]
    common: CommonArguments,
}

/// Arguments of `rotate suspend`.
#[derive(Debug, Args)]
pub(super) struct SuspendArguments {
    /// The key's id, or the beginning of it
    #[arg(allow_hyphen_values = true)]
    kid: String,
    /// Accept that nobody signs until the key is resumed, if no standby can take over
    #[arg(long)]
    accept_outage: bool,
    #[command(flatten)]
    common: CommonArguments,
}

#[derive(Debug, Args)]
struct CommonArguments {
    /// Print a JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    force: ForceArguments,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

pub(super) fn compromise(
    arguments: &CompromiseArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let ring = open_ring(global)?;
    let id = ring.record(&arguments.kid)?.id().clone();
    let options = EmergencyOptions {
        pace: match arguments.drain {
            true => Pace::Drain,
            false => Pace::AtOnce,
        },
        outage: Outage::Accept,
        jump: arguments.common.force.jump(),
    };
    let scheduler = Scheduler::new(ring.store.clone(), SystemClock);
    let preview = scheduler
        .preview_compromise(&id, options)
        .map_err(|error| schedule_failure(&error))?;
    tell_radius("compromise", &ring, &id, &preview, output);
    let command = command(arguments, global, &id, &preview.radius);
    accept(arguments.accept_outage, &preview.radius, &command)?;
    confirm(arguments.confirm.as_deref(), &id, &command, output)?;
    let done = attended(&ring.store, &arguments.common.passphrase, |scheduler| {
        scheduler.compromise(&id, options)
    })?;
    tell_done(arguments.common.json, &done, output)
}

pub(super) fn suspend(
    arguments: &SuspendArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let ring = open_ring(global)?;
    let id = ring.record(&arguments.kid)?.id().clone();
    let options = EmergencyOptions {
        pace: Pace::AtOnce,
        outage: match arguments.accept_outage {
            true => Outage::Accept,
            false => Outage::Refuse,
        },
        jump: arguments.common.force.jump(),
    };
    let scheduler = Scheduler::new(ring.store.clone(), SystemClock);
    let preview = scheduler.preview_suspend(&id, options).map_err(|error| {
        let failure = schedule_failure(&error);
        match failure.code.as_str() {
            "no_standby" => failure.hint(format!(
                "to have nobody sign until it is resumed: {}",
                super::command_line(
                    "suspend",
                    &id,
                    &format!(" --accept-outage{}", store_flag(global))
                )
            )),
            _ => failure,
        }
    })?;
    tell_radius("suspend", &ring, &id, &preview, output);
    let done = attended(&ring.store, &arguments.common.passphrase, |scheduler| {
        scheduler.suspend(&id, options)
    })?;
    let resume = format!(
        "to undo it: {}",
        super::command_line("resume", &id, &store_flag(global))
    );
    let exit = tell_done(arguments.common.json, &done, output)?;
    output.hint(resume);
    Ok(exit)
}

/// What it costs, in words, before anything is done.
fn tell_radius(verb: &str, ring: &Ring, id: &KeyId, preview: &Emergency, output: &mut Output) {
    let now = ring.keyring().clock(SystemClock.now());
    let state = ring.keyring().key(id.as_str()).map(|key| key.state(now));
    let state = state.map_or("", keyring::State::name);
    let head = format!(" {} ({state})", Escaped(id.as_str()));
    output.headline(Paint::Warn, verb, head);
    let radius = &preview.radius;
    let successor = match &preview.successor {
        Some(id) if id.as_str() == "new" => "a key that is made now".to_owned(),
        Some(id) => Escaped(id.as_str()).to_string(),
        None => "nobody has to".to_owned(),
    };
    for (name, value) in [
        ("tokens that die", dying(radius.tokens)),
        ("outage", outage(radius.outage)),
        (
            "complete",
            format!("{} from now, everywhere", seconds(radius.complete_in)),
        ),
        ("takes over", successor),
    ] {
        output.words(&format!("  {name:17}{value}"));
    }
}

fn dying(tokens: Duration) -> String {
    match tokens.is_zero() {
        true => "none".to_owned(),
        false => format!("those signed in {}", seconds(tokens)),
    }
}

fn outage(outage: Option<Duration>) -> String {
    match outage {
        None => "until the key is resumed".to_owned(),
        Some(outage) if outage.is_zero() => "none".to_owned(),
        Some(outage) => seconds(outage),
    }
}

/// `340 s (5 min 40 s)`: the number for reckoning, the words for people.
fn seconds(duration: Duration) -> String {
    let number = duration.as_secs();
    match number < 60 {
        true => format!("{number} s"),
        false => format!("{number} s ({})", times::words(duration)),
    }
}

/// The very command that does it.
fn command(
    arguments: &CompromiseArguments,
    global: &GlobalArguments,
    id: &KeyId,
    radius: &BlastRadius,
) -> String {
    let mut flags = String::new();
    if arguments.drain {
        flags.push_str(" --drain");
    }
    if let Some(outage) = radius.outage.filter(|outage| !outage.is_zero()) {
        flags.push_str(&format!(" --accept-outage {}s", outage.as_secs()));
    }
    if arguments.common.force.force {
        flags.push_str(" --force");
    }
    let equals = match id.as_str().starts_with('-') {
        true => '=',
        false => ' ',
    };
    let word = super::shell_word(id.as_str());
    flags.push_str(&format!(" --confirm{equals}{word}{}", store_flag(global)));
    super::command_line("compromise", id, &flags)
}

/// Refuses an outage that is longer than what was accepted.
fn accept(accepted: Option<Duration>, radius: &BlastRadius, command: &str) -> Result<(), Failure> {
    let lasts = radius.outage.unwrap_or(Duration::MAX);
    if lasts <= accepted.unwrap_or_default() {
        return Ok(());
    }
    let than = match accepted {
        Some(accepted) => format!("longer than the {} s accepted", accepted.as_secs()),
        None => "and none was accepted".to_owned(),
    };
    let message = format!(
        "no standby is known everywhere yet: the outage would last {} s, {than}; nothing was changed",
        lasts.as_secs()
    );
    Err(Failure::new("no_standby", Exit::Operator, message)
        .hint("--drain switches the signer first, without an outage")
        .hint(format!("to accept it: {command}")))
}

/// The id once more, from the command line or from the terminal.
fn confirm(
    given: Option<&str>,
    id: &KeyId,
    command: &str,
    output: &mut Output,
) -> Result<(), Failure> {
    let refused = |message: &str| {
        let failure = Failure::new("not_confirmed", Exit::Usage, message);
        Err(failure.hint(format!("to do it: {command}")))
    };
    match given {
        Some(given) if given == id.as_str() => Ok(()),
        Some(_) => refused("--confirm names another key; nothing was changed"),
        None if !(io::stdin().is_terminal() && io::stderr().is_terminal()) => {
            refused("this cannot be undone, and was not confirmed; nothing was changed")
        }
        None => match ask(id, output) {
            true => Ok(()),
            false => refused("that is not the key's id; nothing was changed"),
        },
    }
}

fn ask(id: &KeyId, output: &mut Output) -> bool {
    let start: String = id.as_str().chars().take(8).collect();
    output.words("This cannot be undone.");
    let _ = write!(
        io::stderr(),
        "Type the key's id, or its first 8 characters, to go on: "
    );
    let mut line = String::new();
    // A line of a terminal is short; more than this is not an answer.
    let read = io::Read::take(io::stdin().lock(), 4096).read_line(&mut line);
    let answer = line.trim();
    read.is_ok() && (answer == id.as_str() || (start.len() == 8 && answer == start))
}

fn tell_done(json: bool, done: &Emergency, output: &mut Output) -> Result<Exit, Failure> {
    let events = std::slice::from_ref(&done.change.event);
    if json {
        let radius = &done.radius;
        let outage = radius
            .outage
            .map_or_else(|| "null".to_owned(), |outage| outage.as_secs().to_string());
        let successor = done
            .successor
            .as_ref()
            .map_or_else(|| "null".to_owned(), |id| json_string(id.as_str()));
        output.json(
            "rotate-emergency",
            &[
                ("events", json_events(events)),
                ("tokens_seconds", radius.tokens.as_secs().to_string()),
                ("outage_seconds", outage),
                (
                    "complete_in_seconds",
                    radius.complete_in.as_secs().to_string(),
                ),
                ("successor", successor),
            ],
        )?;
    } else {
        table(events, output)?;
    }
    output.flush()?;
    let waiting = |key: &&KeyRecord| key.activates_at().is_none() && key.compromised_at().is_none();
    if !done.change.keyring.keys().iter().any(|key| waiting(&key)) {
        output.hint("no standby is left: tokenwright rotate makes one");
    }
    Ok(Exit::Done)
}
