//! `tokenwright rotate`: what is due now.

use clap::Args;
use tokenwright::keyring::{Event, KeyringErrorKind, next_due};
use tokenwright::store::{Performed, RunOptions, ScheduleError, Scheduler};
use tokenwright::{Clock as _, ManualClock, SystemClock, UnixTime};

use super::event::{json_events, json_time, table};
use super::{ForceArguments, keyring_kind, open_ring, schedule_failure, scheduler, unlock, watch};
use crate::cli::arguments::GlobalArguments;
use crate::cli::failure::{Exit, Failure};
use crate::cli::keys::Ring;
use crate::cli::output::{Output, json_error};
use crate::cli::passphrase::PassphraseSource;
use crate::cli::times::{self, Moment};

/// Arguments of `rotate` without a subcommand.
#[derive(Debug, Args)]
pub(super) struct NowArguments {
    /// Do only what is due, which is always so: for scripts that say what they mean
    #[arg(long)]
    if_due: bool,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Take this for the present; a time that has not come needs --dry-run or --force
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<Moment>,
    /// End with 1 if something was due, and with 0 if not
    #[arg(long)]
    exit_code: bool,
    /// Stay, and do everything when it becomes due; SIGTERM and SIGINT end it
    #[arg(long, conflicts_with_all = ["at", "dry_run", "exit_code", "json"])]
    pub(super) watch: bool,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) force: ForceArguments,
    #[command(flatten)]
    pub(super) passphrase: PassphraseSource,
}

impl NowArguments {
    pub(super) fn is_anything_given(&self) -> bool {
        self.if_due
            || self.dry_run
            || self.at.is_some()
            || self.exit_code
            || self.watch
            || self.json
            || self.force.force
            || self.passphrase.passphrase_file.is_some()
    }
}

pub(super) fn run(
    arguments: &NowArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    if arguments.watch {
        return watch::run(arguments, global, output);
    }
    let done = once(arguments, global, output);
    if let (Err(failure), true) = (&done, arguments.json) {
        // The failure itself is told on standard error as well.
        let _ = output.json("rotate", &[("error", json_error(failure))]);
    }
    done
}

fn once(
    arguments: &NowArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let ring = open_ring(global)?;
    let real = SystemClock.now();
    let now = arguments.at.map_or(real, |moment| moment.resolve(real));
    refuse_future(arguments, &ring, now, real)?;
    let clock = ManualClock::at(now);
    let scheduler = match arguments.at {
        Some(_) => scheduler(&ring.store, clock, &arguments.passphrase)?,
        None => scheduler(&ring.store, SystemClock, &arguments.passphrase)?,
    };
    let report = match arguments.dry_run {
        true => foresee(arguments, &ring, &scheduler)?,
        false => perform(arguments, scheduler, output)?,
    };
    report.tell(arguments, now, output)?;
    Ok(match arguments.exit_code && !report.events.is_empty() {
        true => Exit::Refused,
        false => Exit::Done,
    })
}

/// A time that is committed binds everybody who reads the keyring: their clocks
/// would be taken for wrong until it has come.
fn refuse_future(
    arguments: &NowArguments,
    ring: &Ring,
    now: UnixTime,
    real: UnixTime,
) -> Result<(), Failure> {
    let latest = real.saturating_add(ring.keyring().policy().clock_skew());
    if arguments.dry_run || arguments.force.force || now <= latest {
        return Ok(());
    }
    let message = format!(
        "{} has not come yet: committed now, it would make every other clock look wrong until then; \
         nothing was changed",
        times::rfc3339(now)
    );
    Err(Failure::usage(message)
        .hint("to see what would be done then, add --dry-run")
        .hint("to do it all the same, on a copy of the keyring, add --force"))
}

/// What was done, or would be.
struct Report {
    events: Vec<Event>,
    next: Option<UnixTime>,
}

fn foresee(
    arguments: &NowArguments,
    ring: &Ring,
    scheduler: &Scheduler,
) -> Result<Report, Failure> {
    let options = RunOptions {
        jump: arguments.force.jump(),
        ..RunOptions::default()
    };
    let events = scheduler.due(&options).map_err(|error| explained(&error))?;
    Ok(Report {
        next: events
            .is_empty()
            .then(|| next_due(ring.keyring()))
            .flatten(),
        events,
    })
}

/// Does what is due. What was committed before a failure is printed with it.
fn perform(
    arguments: &NowArguments,
    scheduler: Scheduler,
    output: &mut Output,
) -> Result<Report, Failure> {
    let options = RunOptions {
        jump: arguments.force.jump(),
        ..RunOptions::default()
    };
    let mut earlier = Vec::new();
    let mut result = scheduler.run_due(&options);
    if let Err(error) = &result
        && error.needs_passphrase()
        && arguments.passphrase.passphrase_file.is_none()
    {
        earlier = error.events().to_vec();
        match unlock(&arguments.passphrase) {
            Ok(passphrase) => result = scheduler.passphrase(passphrase).run_due(&options),
            Err(failure) => {
                table(&earlier, output)?;
                return Err(failure);
            }
        }
    }
    match result {
        Ok(performed) => {
            left_behind(&performed, output);
            earlier.extend(performed.events);
            Ok(Report {
                events: earlier,
                next: performed.next_due,
            })
        }
        Err(error) => {
            earlier.extend_from_slice(error.events());
            if !arguments.json {
                table(&earlier, output)?;
            }
            Err(explained(&error))
        }
    }
}

/// Key material that could not be wiped again: worth a word, not a failure.
pub(super) fn left_behind(performed: &Performed, output: &mut Output) {
    for address in &performed.left_behind {
        output.note(format!(
            "a key that was made and not needed could not be wiped: {address}; doctor lists such keys"
        ));
    }
}

pub(super) fn explained(error: &ScheduleError) -> Failure {
    let failure = schedule_failure(error);
    match keyring_kind(error) {
        Some(KeyringErrorKind::ClockJump) => {
            failure.hint("nothing was changed; tokenwright doctor compares clock and keyring")
        }
        _ => failure,
    }
}

impl Report {
    fn tell(
        &self,
        arguments: &NowArguments,
        now: UnixTime,
        output: &mut Output,
    ) -> Result<(), Failure> {
        if arguments.json {
            output.json(
                "rotate",
                &[
                    ("at", json_time(Some(now))),
                    ("dry_run", arguments.dry_run.to_string()),
                    ("events", json_events(&self.events)),
                    ("next_due", json_time(self.next)),
                ],
            )?;
        } else {
            table(&self.events, output)?;
        }
        output.flush()?;
        output.words(&self.summary(arguments.dry_run, now));
        Ok(())
    }

    fn summary(&self, dry_run: bool, now: UnixTime) -> String {
        let next = match self.next {
            Some(next) => format!(
                "; next: {} ({})",
                times::rfc3339(next),
                times::relative(next, now)
            ),
            None => String::new(),
        };
        let count = match self.events.len() {
            0 => return format!("nothing is due{next}"),
            1 => "1 change".to_owned(),
            count => format!("{count} changes"),
        };
        match dry_run {
            true => format!("would make {count}; nothing was changed"),
            false => format!("made {count}{next}"),
        }
    }
}
