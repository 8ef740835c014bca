//! `tokenwright verify`: one token, or one in every line.

mod lines;
mod verdict;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use regex::Regex;
use tokenwright::key::Algorithm;
use tokenwright::limits::MAX_TOKEN_BYTES;
use tokenwright::store::FollowerHandle;
use tokenwright::{
    Clock as _, Freshness, KeySet, LiveRevocations, Policy, SystemClock, UnixTime, Verifier,
    WhenUnknown,
};

use crate::cli::arguments::GlobalArguments;
use crate::cli::config::{self, Settings};
use crate::cli::failure::{Exit, Failure};
use crate::cli::input::{Source, utf8};
use crate::cli::keys;
use crate::cli::network::NetworkArguments;
use crate::cli::output::Output;
use crate::cli::passphrase::PassphraseSource;
use crate::cli::replica::ReplicaFile;
use crate::cli::revocations;
use crate::cli::times::{self, Moment};

pub(crate) use lines::Answer;
pub(crate) use verdict::Verdict;

/// How old the view of the list may get while lines come in.
const OLDEST_LIST: Duration = Duration::from_secs(60);
/// How often the list is looked at while lines come in.
const POLL: Duration = Duration::from_millis(500);

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// The token, - for standard input, or @FILE [default: -]
    token: Option<OsString>,
    /// Who must have issued it
    #[arg(long, value_name = "URL")]
    iss: Option<String>,
    /// For whom it must be meant; several mean any of them
    #[arg(long, value_name = "NAME")]
    aud: Vec<String>,
    /// The type its header must have, such as at+jwt [default: JWT or none]
    #[arg(long, value_name = "TYPE")]
    typ: Option<String>,
    /// Claims that must be present
    #[arg(long, value_name = "CLAIM,…", value_delimiter = ',')]
    require: Vec<String>,
    /// The longest time since it was issued
    #[arg(long, value_name = "DURATION", value_parser = times::duration)]
    max_age: Option<Duration>,
    /// How much clocks may differ [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = times::duration)]
    leeway: Option<Duration>,
    /// Judge it at this time in place of now
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<Moment>,
    /// Verify with the keys of this JWK set in place of the store's
    #[arg(long, value_name = "FILE|URL", conflicts_with = "key", group = "given")]
    jwks: Option<PathBuf>,
    #[command(flatten)]
    network: NetworkArguments,
    /// Verify with the key in this file (PEM, JWK or PASERK) in place of the store's
    #[arg(long, value_name = "FILE", group = "given")]
    key: Option<PathBuf>,
    /// The algorithm of --key, or of members of --jwks, where they do not say it
    #[arg(long, value_name = "ALG", requires = "given")]
    alg: Option<Algorithm>,
    /// Ask this signed revocation list, too: one of `revoke export`, or a replica
    #[arg(long, value_name = "FILE", requires = "max_list_age")]
    revocations: Option<PathBuf>,
    /// The longest time since that list was complete
    #[arg(long, value_name = "DURATION", requires = "revocations", value_parser = times::duration)]
    max_list_age: Option<Duration>,
    /// Ask no revocation list
    #[arg(long, conflicts_with = "revocations")]
    without_revocation: bool,
    #[command(flatten)]
    passphrase: PassphraseSource,
    /// Verify one token in every line
    #[arg(long)]
    lines: bool,
    /// Verify what this expression finds in each line: its first group, or all of it
    #[arg(long, value_name = "REGEX", requires = "lines")]
    extract: Option<Regex>,
    /// How many threads work on lines [default: one for each processor]
    #[arg(long, value_name = "N", requires = "lines", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Print a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Everything a token is judged by.
pub(crate) struct Judge {
    pub(crate) verifier: Verifier,
    /// The instant of judgement; the present when absent.
    pub(crate) at: Option<UnixTime>,
    /// Who says which tokens are withdrawn.
    pub(crate) revocation: Revocation,
}

/// Who says which tokens are withdrawn.
pub(crate) enum Revocation {
    /// Nobody was asked.
    NotChecked,
    /// These lists were; the store's own is followed for as long as lines come in.
    Checked {
        lists: Vec<LiveRevocations>,
        freshness: Freshness,
        _polls: Option<FollowerHandle>,
    },
}

pub(crate) fn run(
    arguments: VerifyArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    if arguments.lines {
        lines::run(arguments, global, output)
    } else {
        single(&arguments, global, output)
    }
}

fn single(
    arguments: &VerifyArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let source = Source::of(arguments.token.as_deref())?;
    let judge_by = prepare(arguments, global)?;
    let bytes = source.read(MAX_TOKEN_BYTES, output)?;
    let token = utf8(&bytes)?;
    let verdict = verdict::judge(&judge_by, token);
    if arguments.json {
        let mut members = verdict.members();
        if let Some(age) = verdict.list_age() {
            members.push(("list_age", age.to_string()));
        }
        output.json("verify", &members)?;
    } else if let Verdict::Valid(valid) = &verdict {
        output.line(&valid.claims)?;
    }
    // Claims that cannot be written are an error, even when they are true.
    output.flush()?;
    verdict.tell("", output);
    if token.contains('\n') {
        output.hint("there is more than one line; to verify each, give --lines");
    }
    Ok(verdict.exit())
}

/// Settings, keys and policy into a verifier.
fn prepare(arguments: &VerifyArguments, global: &GlobalArguments) -> Result<Judge, Failure> {
    let flags = Settings {
        store: global.store.clone(),
        iss: arguments.iss.clone(),
        aud: (!arguments.aud.is_empty()).then(|| arguments.aud.clone()),
        leeway: arguments.leeway,
        typ: arguments.typ.clone(),
        ..Settings::default()
    };
    let mut settings = config::resolve(flags, global.config.as_deref())?;
    let at = arguments.at.map(|moment| moment.resolve(SystemClock.now()));
    let key_set = key_set(
        arguments,
        &mut settings,
        at.unwrap_or_else(|| SystemClock.now()),
    )?;
    if key_set.is_empty() {
        let message = "there is no key to verify with";
        return Err(Failure::new("keys_unavailable", Exit::Undecided, message));
    }
    let revocation = revocation(arguments, &settings, &key_set, at)?;
    let builder =
        Verifier::builder(key_set).policy(policy(settings, arguments.max_age, &arguments.require)?);
    let verifier = match &revocation {
        Revocation::Checked {
            lists, freshness, ..
        } => match lists.as_slice() {
            [own, copy] => builder.revocation((own.clone(), copy.clone()), *freshness),
            [only] => builder.revocation(only.clone(), *freshness),
            _ => builder.without_revocation(),
        },
        Revocation::NotChecked => builder.without_revocation(),
    };
    Ok(Judge {
        verifier: verifier.build(),
        at,
        revocation,
    })
}

/// A list beside the keys is asked, and the one that is named; keys out of a file have none.
fn revocation(
    arguments: &VerifyArguments,
    settings: &Settings,
    keys: &KeySet,
    at: Option<UnixTime>,
) -> Result<Revocation, Failure> {
    let elsewhere = arguments.jwks.is_some() || arguments.key.is_some();
    let (mut lists, mut polls) = (Vec::new(), None);
    if !elsewhere && !arguments.without_revocation {
        let store = settings.place()?.open()?;
        let follower = revocations::follow(&store)?;
        if arguments.lines && at.is_none() {
            polls = Some(follower.spawn(POLL).map_err(|error| {
                let message = format!("cannot follow the revocation list: {error}");
                Failure::new("io", Exit::Operator, message)
            })?);
        }
        lists.push(revocations::as_of(follower.live(), at));
    }
    if let Some(path) = &arguments.revocations {
        let issuer = settings.iss.as_deref().unwrap_or_default();
        let now = at.unwrap_or_else(|| SystemClock.now());
        let copy = ReplicaFile::read(path, issuer, keys, now)?;
        lists.push(copy.live().with_unnamed_tokens());
    }
    if lists.is_empty() {
        return Ok(Revocation::NotChecked);
    }
    let oldest = arguments.max_list_age.unwrap_or(OLDEST_LIST);
    Ok(Revocation::Checked {
        lists,
        freshness: Freshness::new(oldest, WhenUnknown::Refuse),
        _polls: polls,
    })
}

/// The keys, from where the arguments say; a store also fills in what settings leave open.
fn key_set(
    arguments: &VerifyArguments,
    settings: &mut Settings,
    at: UnixTime,
) -> Result<KeySet, Failure> {
    if let Some(path) = &arguments.jwks {
        return keys::read_jwks(path, arguments.alg, arguments.network);
    }
    if let Some(path) = &arguments.key {
        let key = keys::read_verifying_key(path, arguments.alg, &arguments.passphrase)?;
        return KeySet::of([key]).map_err(|error| keys::key_failure(&error));
    }
    keys::store_key_set(settings, at, &arguments.passphrase)
}

/// What claims must say, as settings and two flags have it.
pub(crate) fn policy(
    settings: Settings,
    max_age: Option<Duration>,
    require: &[String],
) -> Result<Policy, Failure> {
    let Some(issuer) = settings.iss else {
        let failure = Failure::usage("no issuer to expect");
        return Err(failure.hint("give --iss URL, or set iss in tokenwright.toml"));
    };
    let mut audiences = settings.aud.unwrap_or_default().into_iter();
    let mut policy = match audiences.next() {
        Some(audience) => Policy::new(issuer, audience),
        None => Policy::without_audience(issuer),
    };
    for audience in audiences {
        policy = policy.or_audience(audience);
    }
    if let Some(leeway) = settings.leeway {
        policy = policy.leeway(check_leeway(leeway)?);
    }
    if let Some(typ) = settings.typ {
        policy = policy.typ(typ);
    }
    if let Some(age) = max_age {
        policy = policy.max_age(age);
    }
    for claim in require {
        policy = policy.require(claim.as_str());
    }
    Ok(policy)
}

/// A larger leeway would hide a broken clock; the library cuts it, and a person is told.
fn check_leeway(leeway: Duration) -> Result<Duration, Failure> {
    if leeway > tokenwright::MAX_LEEWAY {
        let most = times::words(tokenwright::MAX_LEEWAY);
        return Err(Failure::usage(format!("a leeway is at most {most}")));
    }
    Ok(leeway)
}
