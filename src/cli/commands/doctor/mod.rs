//! `tokenwright doctor`: what is wrong, or going to be, and what mends it.

mod files;
mod revocations;
mod ring;
mod settings;

use std::time::Duration;

use clap::Args;
use tokenwright::keyring::Room;
use tokenwright::store::{self, OpenedStore, StoreErrorKind, StoredKeyring};
use tokenwright::{Clock as _, SystemClock};

use crate::cli::arguments::GlobalArguments;
use crate::cli::config::{self, Settings};
use crate::cli::escape::json_string;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{Output, Paint};
use crate::cli::place::options;
use crate::cli::times;

const AFTER_HELP: &str = "\
Ends with 1 if something is to be mended, and with 0 if not. Nothing is ever changed.";

/// Arguments of `doctor`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct DoctorArguments {
    /// Show what is well, too, and every setting with the place it comes from
    #[arg(short, long)]
    verbose: bool,
    /// How often a scheduler runs: work is overdue after that
    #[arg(long, value_name = "DURATION", value_parser = times::duration, default_value = "1h")]
    tick: Duration,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// Something that was looked at.
struct Finding {
    /// Its stable name.
    code: String,
    /// What was found.
    message: String,
    /// What mends it; `None` when it is well.
    mend: Option<String>,
}

impl Finding {
    /// It is as it should be.
    fn well(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            mend: None,
        }
    }

    /// Somebody has to do something.
    fn wrong(code: &str, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            mend: Some(mend.into()),
        }
    }

    fn is_wrong(&self) -> bool {
        self.mend.is_some()
    }
}

pub(crate) fn run(
    arguments: &DoctorArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let flags = Settings {
        store: global.store.clone(),
        ..Settings::default()
    };
    let layers = config::layers(flags.clone(), global.config.as_deref())?;
    let settings = config::resolve(flags, global.config.as_deref())?;
    let mut findings = Vec::new();
    let stored = examine(&settings, arguments.tick, &mut findings)?;
    let keyring = stored.as_ref().map(|stored| &stored.keyring);
    let effective = settings::effective(&layers, keyring);
    let wrong = findings.iter().filter(|finding| finding.is_wrong()).count();
    if arguments.json {
        let room = keyring.map(|keyring| keyring.policy().room());
        tell_json(&findings, room, &effective, output)?;
    } else {
        tell(&findings, arguments.verbose, output)?;
        if arguments.verbose {
            settings::tell(&effective, output)?;
        }
    }
    output.flush()?;
    Ok(match wrong {
        0 => {
            output.headline(Paint::Good, "all is well", "");
            Exit::Done
        }
        1 => {
            output.headline(Paint::Bad, "1 finding", "");
            Exit::Refused
        }
        count => {
            output.headline(Paint::Bad, &format!("{count} findings"), "");
            Exit::Refused
        }
    })
}

/// Looks at everything that can be looked at; what cannot be read is a finding.
fn examine(
    settings: &Settings,
    tick: Duration,
    findings: &mut Vec<Finding>,
) -> Result<Option<StoredKeyring>, Failure> {
    let place = settings.place()?;
    if let Some(folder) = place.folder() {
        files::examine(folder, findings);
    }
    let opened = OpenedStore::open(&place.setting(), &options()?);
    let store = match opened {
        Ok(store) => store,
        Err(error) => {
            // Wrong modes were found already, each with what mends it.
            if error.kind() != StoreErrorKind::Exposed || findings.is_empty() {
                findings.push(Finding::wrong(
                    error.code(),
                    error.to_string(),
                    error.next_step(),
                ));
            }
            return Ok(None);
        }
    };
    match store::load_keyring(&store) {
        Ok(Some(stored)) => {
            let now = SystemClock.now();
            ring::examine(&store, &stored.keyring, now, tick, findings);
            settings::examine(settings, &stored.keyring, findings);
            revocations::examine(&store, now, findings);
            return Ok(Some(stored));
        }
        Ok(None) => findings.push(Finding::wrong(
            "store_missing",
            match place.folder() {
                Some(_) => "the folder has no keyring.json",
                None => "the store has no keyring",
            },
            "make one with: tokenwright init; or put a backup back with: tokenwright rotate restore FILE",
        )),
        Err(error) if error.code() == "store_exposed" && findings.iter().any(Finding::is_wrong) => {}
        Err(error) => findings.push(Finding::wrong(
            error.code(),
            error.to_string(),
            ring::mend_document(error.code()),
        )),
    }
    Ok(None)
}

fn tell(findings: &[Finding], verbose: bool, output: &mut Output) -> Result<(), Failure> {
    for finding in findings {
        match &finding.mend {
            Some(mend) => {
                output.line(format!("WRONG  {}: {}", finding.code, finding.message))?;
                output.line(format!("       {mend}"))?;
            }
            None if verbose => {
                output.line(format!("well   {}: {}", finding.code, finding.message))?;
            }
            None => {}
        }
    }
    Ok(())
}

fn tell_json(
    findings: &[Finding],
    room: Option<Room>,
    effective: &[settings::Effective],
    output: &mut Output,
) -> Result<(), Failure> {
    let list: Vec<String> = findings
        .iter()
        .map(|finding| {
            let mend = finding.mend.as_deref();
            format!(
                "{{\"code\":{},\"well\":{},\"message\":{},\"mend\":{}}}",
                json_string(&finding.code),
                !finding.is_wrong(),
                json_string(&finding.message),
                mend.map_or_else(|| "null".to_owned(), json_string)
            )
        })
        .collect();
    let room = room.map_or_else(
        || "null".to_owned(),
        |room| {
            format!(
                "{{\"longest_token_lifetime\":{},\"shortest_period\":{},\"longest_view_age\":{}}}",
                room.longest_token_lifetime.as_secs(),
                room.shortest_period.as_secs(),
                room.longest_view_age.as_secs()
            )
        },
    );
    let well = !findings.iter().any(Finding::is_wrong);
    output.json(
        "doctor",
        &[
            ("well", well.to_string()),
            ("findings", format!("[{}]", list.join(","))),
            ("room_seconds", room),
            ("settings", settings::json(effective)),
        ],
    )
}
