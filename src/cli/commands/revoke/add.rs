//! `tokenwright revoke add`.

use clap::Args;
use tokenwright::store::RevocationStore as _;
use tokenwright::{Revocation, UnixTime};

use super::target::{Details, Target};
use super::{lines, open};
use crate::cli::arguments::GlobalArguments;
use crate::cli::escape::Escaped;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{Output, Paint};
use crate::cli::passphrase::PassphraseSource;
use crate::cli::revocations::{list_failure, tell_notes};
use crate::cli::times::{self, Moment};

const AFTER_HELP: &str = "\
It has succeeded only when the entry is on the disk. Services that follow the store refuse
what it means within a second. Adding an entry again is harmless, and never shortens it.
`--before now` also withdraws the tokens of this very second; a new login is not refused.
Where clocks of minters run ahead, `--before +30s` reaches the tokens they dated ahead.";

/// Arguments of `revoke add`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct AddArguments {
    #[command(flatten)]
    target: Target,
    /// With --sub, --aud and --all: withdraw what was issued before this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    before: Option<Moment>,
    /// Keep the entry until then [default: as long as a token it means can live]; with
    /// --sid: the end of the session [default: 30 days]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<Moment>,
    /// Why, for whoever reads the list
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Whose tokens are meant [default: the keyring's issuer]
    #[arg(long, value_name = "URL")]
    iss: Option<String>,
    /// Show the entry and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print a JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

pub(crate) fn run(
    arguments: &AddArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    if arguments.before.is_some() && !arguments.target.takes_before() {
        let failure = Failure::usage("--before belongs to --sub, --aud and --all");
        return Err(failure.hint("a single token, session or key is withdrawn whenever issued"));
    }
    let (mut settings, place) = open(global, arguments.iss.clone())?;
    let now = place.now();
    let mut details = Details {
        place: &place,
        before: arguments.before,
        until: arguments.until,
        now,
        retention: place.retention(),
        settings: &mut settings,
        passphrase: &arguments.passphrase,
    };
    let mut entry = arguments.target.entry(&mut details, output)?;
    if let Some(reason) = &arguments.reason {
        entry = entry.with_reason(reason.clone());
    }
    if entry.until() <= now {
        // Whatever it means is dead already: the list stays small.
        return tell(arguments, &entry, Outcome::NotNeeded, now, output);
    }
    if arguments.dry_run {
        return tell(arguments, &entry, Outcome::DryRun, now, output);
    }
    let added = place
        .list
        .append(std::slice::from_ref(&entry), now)
        .map_err(|error| list_failure(&error))?;
    tell_notes(&added.notes, output);
    tell(
        arguments,
        &entry,
        Outcome::Added(added.head.position.seq),
        now,
        output,
    )
}

/// What became of the entry.
#[derive(Clone, Copy)]
enum Outcome {
    /// It is durable, with this number.
    Added(u64),
    DryRun,
    /// No token it means can be alive.
    NotNeeded,
}

fn tell(
    arguments: &AddArguments,
    entry: &Revocation<'_>,
    outcome: Outcome,
    now: UnixTime,
    output: &mut Output,
) -> Result<Exit, Failure> {
    if arguments.json {
        let (done, seq) = match outcome {
            Outcome::Added(seq) => ("true", seq.to_string()),
            Outcome::DryRun | Outcome::NotNeeded => ("false", "null".to_owned()),
        };
        output.json(
            "revoke-add",
            &[
                ("revoked", done.to_owned()),
                ("entry", lines::write(entry)),
                ("seq", seq),
            ],
        )?;
        output.flush()?;
    }
    let what = describe(entry);
    let kept = format!("kept until {}", times::rfc3339(entry.until()));
    match outcome {
        Outcome::Added(_) => output.headline(Paint::Good, "revoked", format!(" {what}; {kept}")),
        Outcome::DryRun => output.note(format!("would revoke {what}; {kept}; nothing was changed")),
        Outcome::NotNeeded => output.note(format!(
            "{what}: nothing was added, what it means ended {}",
            times::relative(entry.until(), now)
        )),
    }
    Ok(Exit::Done)
}

/// `session login-7 of https://auth.example`
pub(super) fn describe(entry: &Revocation<'_>) -> String {
    let issuer = Escaped(entry.issuer());
    let mut text = match entry.name() {
        "" => format!("every token of {issuer}"),
        name => format!("{} {} of {issuer}", entry.by().as_str(), Escaped(name)),
    };
    if let Some(before) = entry.issued_before() {
        text.push_str(&format!(", issued before {}", times::rfc3339(before)));
    }
    text
}
