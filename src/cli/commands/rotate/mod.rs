//! `tokenwright rotate …`: keys over time, and emergencies.

mod emergency;
mod event;
mod now;
mod plan;
mod restore;
mod resume;
mod watch;

use clap::{Args, Subcommand};
use tokenwright::SecretBytes;
use tokenwright::key::KeyId;
use tokenwright::keyring::{KeyringErrorKind, LargeJump};
use tokenwright::store::{
    KeyAccessErrorKind, OpenedStore, ScheduleError, ScheduleErrorKind, Scheduler,
};
use tokenwright::{Clock, SystemClock};

use crate::cli::arguments::GlobalArguments;
use crate::cli::config::{self, Settings};
use crate::cli::escape::Escaped;
use crate::cli::failure::{Exit, Failure};
use crate::cli::keys::Ring;
use crate::cli::output::Output;
use crate::cli::passphrase::PassphraseSource;

const AFTER_HELP: &str = "\
Nothing is ever done before it is due: `rotate` and `rotate --if-due` are the same.
Any number of schedulers may run at once, and any of them may be killed.
To make a key sign earlier than planned, see `rotate compromise` and `rotate suspend`.";

/// Arguments of `rotate`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct RotateArguments {
    #[command(subcommand)]
    command: Option<RotateCommand>,
    #[command(flatten)]
    now: now::NowArguments,
}

/// What can be done beside the schedule.
#[derive(Debug, Subcommand)]
enum RotateCommand {
    /// Show what is going to happen: a table, a drawing, or a picture
    Plan(plan::PlanArguments),
    /// Mark a key as being in someone else's hands: final, and refused everywhere
    Compromise(emergency::CompromiseArguments),
    /// Take a key out while an incident is looked into; this can be undone
    Suspend(emergency::SuspendArguments),
    /// Let a suspended key verify again, and sign if its time is not over
    Resume(resume::ResumeArguments),
    /// Merge a backup of keyring.json into the keyring; nothing dead comes back
    Restore(restore::RestoreArguments),
}

pub(crate) fn run(
    arguments: &RotateArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let Some(command) = &arguments.command else {
        return now::run(&arguments.now, global, output);
    };
    if arguments.now.is_anything_given() {
        let failure =
            Failure::usage("these flags belong to `rotate` alone, not before its subcommands");
        return Err(
            failure.hint("give flags behind the subcommand: tokenwright rotate plan --help")
        );
    }
    match command {
        RotateCommand::Plan(arguments) => plan::run(arguments, global, output),
        RotateCommand::Compromise(arguments) => emergency::compromise(arguments, global, output),
        RotateCommand::Suspend(arguments) => emergency::suspend(arguments, global, output),
        RotateCommand::Resume(arguments) => resume::run(arguments, global, output),
        RotateCommand::Restore(arguments) => restore::run(arguments, global, output),
    }
}

/// Whether a person has looked at the clock.
#[derive(Clone, Copy, Debug, Default, Args)]
struct ForceArguments {
    /// Go on although the clock is more than two periods after the last commit
    #[arg(long)]
    force: bool,
}

impl ForceArguments {
    fn jump(self) -> LargeJump {
        match self.force {
            true => LargeJump::Accept,
            false => LargeJump::Refuse,
        }
    }
}

/// The settings of all layers, for a command that needs the store alone.
fn settings(global: &GlobalArguments) -> Result<Settings, Failure> {
    let flags = Settings {
        store: global.store.clone(),
        ..Settings::default()
    };
    config::resolve(flags, global.config.as_deref())
}

fn open_ring(global: &GlobalArguments) -> Result<Ring, Failure> {
    Ring::open(&settings(global)?)
}

/// A scheduler that holds the passphrase if a file has it. Otherwise it is asked
/// for when it turns out to be needed: [`attended`].
fn scheduler(
    store: &OpenedStore,
    clock: impl Clock + 'static,
    passphrase: &PassphraseSource,
) -> Result<Scheduler, Failure> {
    let scheduler = Scheduler::new(store.clone(), clock);
    match &passphrase.passphrase_file {
        Some(_) => Ok(scheduler.passphrase(unlock(passphrase)?)),
        None => Ok(scheduler),
    }
}

fn unlock(passphrase: &PassphraseSource) -> Result<SecretBytes, Failure> {
    passphrase.existing("the keys")
}

/// Does something with a scheduler, and once more with the passphrase if it needs one.
fn attended<T>(
    store: &OpenedStore,
    passphrase: &PassphraseSource,
    act: impl Fn(&Scheduler) -> Result<T, ScheduleError>,
) -> Result<T, Failure> {
    let scheduler = scheduler(store, SystemClock, passphrase)?;
    match act(&scheduler) {
        Err(error) if error.needs_passphrase() && passphrase.passphrase_file.is_none() => {
            act(&scheduler.passphrase(unlock(passphrase)?))
        }
        other => other,
    }
    .map_err(|error| schedule_failure(&error))
}

fn schedule_failure(error: &ScheduleError) -> Failure {
    let code = error.code();
    let text = error.to_string().replacen(&format!("{code}: "), "", 1);
    let failure = Failure::new(code, error.class().into(), text);
    match keyring_kind(error) {
        Some(KeyringErrorKind::ClockBehind) => {
            failure.hint("nothing was changed; tokenwright doctor compares clock and keyring")
        }
        Some(KeyringErrorKind::RolledBack) => {
            failure.hint("tokenwright rotate restore FILE merges a backup of keyring.json")
        }
        _ => failure,
    }
}

fn keyring_kind(error: &ScheduleError) -> Option<KeyringErrorKind> {
    let ScheduleErrorKind::Access(error) = error.kind() else {
        return None;
    };
    match error.kind() {
        KeyAccessErrorKind::Keyring(error) => Some(error.kind()),
        _ => None,
    }
}

/// A command to be typed. An id may begin with a hyphen (one thumbprint in 64
/// does), and then stands where no flag is looked for.
pub(super) fn command_line(verb: &str, id: &KeyId, flags: &str) -> String {
    let word = shell_word(id.as_str());
    match id.as_str().starts_with('-') {
        true => format!("tokenwright rotate {verb}{flags} -- {word}"),
        false => format!("tokenwright rotate {verb} {word}{flags}"),
    }
}

/// ` --store FOLDER` for a command that is to be typed, unless it is the usual one.
fn store_flag(global: &GlobalArguments) -> String {
    match &global.store {
        Some(store) => format!(" --store {}", shell_word(store)),
        None => String::new(),
    }
}

/// Text as a shell needs it.
pub(super) fn shell_word(text: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@=+,".contains(&byte);
    match !text.is_empty() && text.bytes().all(bare) {
        true => text.to_owned(),
        false => format!("'{}'", Escaped(&text.replace('\'', "'\\''"))),
    }
}
