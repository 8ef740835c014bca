//! `tokenwright revoke check TOKEN`.

use std::ffi::OsString;

use clap::Args;
use tokenwright::store::RevocationStore as _;
use tokenwright::{
    Clock as _, Revocation, RevocationCheck as _, RevokedBy, SystemClock, TokenFacts, Verdict,
};

use super::add::describe;
use super::target::ReadToken;
use super::{lines, open};
use crate::cli::arguments::GlobalArguments;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{Output, Paint};
use crate::cli::passphrase::PassphraseSource;
use crate::cli::revocations::{as_of, follow, list_failure};
use crate::cli::times;

/// Arguments of `revoke check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The token, - for standard input, or @FILE; it may have expired
    token: OsString,
    /// Print a JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

pub(crate) fn run(
    arguments: &CheckArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let (mut settings, place) = open(global, None)?;
    let token = ReadToken::read(
        &arguments.token,
        &mut settings,
        &arguments.passphrase,
        output,
    )?;
    let follower = follow(&place.ring.store)?;
    let audiences = token.audiences();
    let facts = facts(&token, &audiences);
    match as_of(follower.live(), None).check(&facts, SystemClock.now()) {
        Verdict::Clear { .. } => clear(arguments, output),
        Verdict::Revoked { by, .. } => {
            let mut entry = None;
            place
                .list
                .read(None, &mut |found| {
                    if found.by() == by && names(&found, &token, &facts) {
                        entry = Some(found.into_owned());
                    }
                })
                .map_err(|error| list_failure(&error))?;
            revoked(arguments, by, entry.as_ref(), output)
        }
        other => {
            let message = format!("the list cannot tell: {other:?}");
            Err(Failure::new("revocation_unknown", Exit::Undecided, message))
        }
    }
}

fn facts<'t>(token: &'t ReadToken, audiences: &'t [String]) -> TokenFacts<'t> {
    let issuer = token.text("iss").unwrap_or_default();
    let mut facts = TokenFacts::new(issuer, &token.key_id).with_audience(audiences);
    if let Some(id) = token.text("jti") {
        facts = facts.with_token_id(id);
    }
    if let Some(id) = token.text("sid") {
        facts = facts.with_session_id(id);
    }
    if let Some(subject) = token.text("sub") {
        facts = facts.with_subject(subject);
    }
    match token.time("iat") {
        Some(issued_at) => facts.with_issued_at(issued_at),
        None => facts,
    }
}

/// Whether an entry names what the token says, so that it can be shown.
fn names(entry: &Revocation<'_>, token: &ReadToken, facts: &TokenFacts<'_>) -> bool {
    let same = |claim: &str| token.text(claim) == Some(entry.name());
    entry.issuer() == facts.issuer()
        && match entry.by() {
            RevokedBy::Token => same("jti"),
            RevokedBy::Session => same("sid"),
            RevokedBy::Subject => same("sub"),
            RevokedBy::Audience => facts.is_for(entry.name()),
            RevokedBy::Key => facts.key_id() == entry.name(),
            RevokedBy::Issuer => true,
            _ => false,
        }
}

fn clear(arguments: &CheckArguments, output: &mut Output) -> Result<Exit, Failure> {
    if arguments.json {
        output.json("revoke-check", &[("revoked", "false".to_owned())])?;
        output.flush()?;
    }
    output.headline(Paint::Good, "not revoked", "");
    Ok(Exit::Done)
}

fn revoked(
    arguments: &CheckArguments,
    by: RevokedBy,
    entry: Option<&Revocation<'_>>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    if arguments.json {
        let shown = entry.map_or_else(|| "null".to_owned(), lines::write);
        output.json(
            "revoke-check",
            &[("revoked", "true".to_owned()), ("entry", shown)],
        )?;
        output.flush()?;
    }
    let text = match entry {
        Some(entry) => {
            let reason = entry
                .reason()
                .map_or_else(String::new, |reason| format!(" ({reason})"));
            format!(
                " by {}, since {}{reason}",
                describe(entry),
                times::rfc3339(entry.since())
            )
        }
        None => format!(" by its {by}"),
    };
    output.headline(Paint::Bad, "revoked", text);
    Ok(Exit::Revoked)
}
