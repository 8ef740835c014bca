//! `tokenwright revoke list`.

use clap::{Args, ValueEnum};
use tokenwright::store::RevocationStore as _;
use tokenwright::{Clock as _, Revocation, RevokedBy, SystemClock};

use super::lines;
use super::open;
use crate::cli::arguments::GlobalArguments;
use crate::cli::escape::Escaped;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::revocations::list_failure;
use crate::cli::times;

/// Widest a name is shown in the table, in characters.
const WIDTH: usize = 48;

/// Arguments of `revoke list`.
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Only entries of this kind
    #[arg(long, value_name = "KIND")]
    by: Option<Kind>,
    /// Entries that no longer count, too
    #[arg(long)]
    all: bool,
    /// Print a JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// The kinds of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Token,
    Session,
    Subject,
    Audience,
    Issuer,
    Key,
}

impl Kind {
    fn matches(self, by: RevokedBy) -> bool {
        let kind = match self {
            Self::Token => RevokedBy::Token,
            Self::Session => RevokedBy::Session,
            Self::Subject => RevokedBy::Subject,
            Self::Audience => RevokedBy::Audience,
            Self::Issuer => RevokedBy::Issuer,
            Self::Key => RevokedBy::Key,
        };
        kind == by
    }
}

pub(crate) fn run(
    arguments: &ListArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let (_, place) = open(global, None)?;
    let now = SystemClock.now();
    let mut shown = Vec::new();
    place
        .list
        .read(None, &mut |entry| {
            let wanted = arguments.by.is_none_or(|kind| kind.matches(entry.by()));
            if wanted && (arguments.all || entry.until() > now) {
                shown.push(entry.into_owned());
            }
        })
        .map_err(|error| list_failure(&error))?;
    if arguments.json {
        let entries: Vec<String> = shown.iter().map(lines::write).collect();
        output.json(
            "revoke-list",
            &[("entries", format!("[{}]", entries.join(",")))],
        )?;
        return Ok(Exit::Done);
    }
    table(&shown, output)?;
    output.flush()?;
    if shown.is_empty() {
        output.note("nothing is revoked");
    }
    Ok(Exit::Done)
}

fn table(entries: &[Revocation<'_>], output: &mut Output) -> Result<(), Failure> {
    let width = entries
        .iter()
        .map(|entry| entry.name().chars().count())
        .max()
        .unwrap_or(0)
        .clamp(4, WIDTH);
    if !entries.is_empty() {
        output.line(format!(
            "{:8}  {:width$}  {:20}  {:20}  {:20}  REASON",
            "BY", "NAME", "ISSUED BEFORE", "SINCE", "KEPT UNTIL"
        ))?;
    }
    for entry in entries {
        let name = match entry.name() {
            "" => entry.issuer(),
            name => name,
        };
        let before = entry
            .issued_before()
            .map_or_else(|| "-".to_owned(), times::rfc3339);
        output.line(format!(
            "{:8}  {:width$}  {before:20}  {:20}  {:20}  {}",
            entry.by().as_str(),
            Escaped(name).to_string(),
            times::rfc3339(entry.since()),
            times::rfc3339(entry.until()),
            Escaped(entry.reason().unwrap_or("-"))
        ))?;
    }
    Ok(())
}
