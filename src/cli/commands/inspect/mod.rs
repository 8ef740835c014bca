//! `tokenwright inspect`: what a token or a key text says, without believing it.

mod status_list;

use std::ffi::OsString;

use chrono::{DateTime, Local};
use clap::Args;
use serde_json::Value;
use tokenwright::dangerous::{UnverifiedContents, unverified_contents};
use tokenwright::key::{ImportOptions, JwkSet};
use tokenwright::limits::MAX_JWKS_BYTES;
use tokenwright::{Clock as _, SecretBytes, SystemClock, UnixTime};

use crate::cli::escape::{Escaped, json_string, one_line_json};
use crate::cli::failure::{Exit, Failure};
use crate::cli::input::{Source, secret_argument, utf8};
use crate::cli::keys::{ParsedKey, parse_key};
use crate::cli::output::{Output, Paint};
use crate::cli::passphrase::PassphraseSource;
use crate::cli::times;

/// Arguments of `inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectArguments {
    /// A token, status list, JWK, JWK set, PEM or PASERK: the text, - for standard input, or @FILE [default: -]
    input: Option<OsString>,
    #[command(flatten)]
    passphrase: PassphraseSource,
    /// Print a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) fn run(arguments: &InspectArguments, output: &mut Output) -> Result<Exit, Failure> {
    let source = Source::of(arguments.input.as_deref())?;
    let bytes = source.read(MAX_JWKS_BYTES, output)?;
    match Kind::of(&bytes) {
        Kind::Token => show_token(utf8(&bytes)?, &source, arguments.json, output)?,
        Kind::JwkSet => show_set(&bytes, arguments.json, output)?,
        Kind::Key => {
            let key = parse_key(&bytes, None, &arguments.passphrase).map_err(judged)?;
            refuse_secret_argument(&key, &source)?;
            show_key(&key, arguments.json, output)?;
        }
    }
    Ok(Exit::Done)
}

/// Here the key is what is judged, so a bad one is a refusal.
pub(crate) fn judged(failure: Failure) -> Failure {
    let exit = match failure.code.as_str() {
        "passphrase" | "passphrase_needed" | "wrong_passphrase" | "io" | "permission" => {
            failure.exit
        }
        _ => Exit::Refused,
    };
    Failure { exit, ..failure }
}

enum Kind {
    Token,
    JwkSet,
    Key,
}

impl Kind {
    /// By how the text begins: tokens have dots and begin with `eyJ` or `v4.`.
    fn of(bytes: &SecretBytes) -> Self {
        let text = bytes.expose().trim_ascii_start();
        let dots = text.iter().filter(|byte| **byte == b'.').count();
        let der = text.first() == Some(&0x30) && std::str::from_utf8(text).is_err();
        let key = text.starts_with(b"k4.") || text.starts_with(b"-----BEGIN") || der;
        if text.starts_with(b"{") {
            let whole: Option<Value> = serde_json::from_slice(text).ok();
            let set = whole
                .as_ref()
                .is_some_and(|value| value.get("keys").is_some());
            if set { Self::JwkSet } else { Self::Key }
        } else if key || (text.starts_with(b"eyJ") && dots == 4) {
            Self::Key
        } else {
            Self::Token
        }
    }
}

/// A private or shared JWK is refused as an argument; other forms are before.
fn refuse_secret_argument(key: &ParsedKey, source: &Source) -> Result<(), Failure> {
    match (key, source) {
        (ParsedKey::Signing(_), Source::Argument(_)) => Err(secret_argument()),
        _ => Ok(()),
    }
}

fn show_token(
    token: &str,
    source: &Source,
    json: bool,
    output: &mut Output,
) -> Result<(), Failure> {
    if let Some(contents) = status_list::recognise(token) {
        return status_list::show(&contents, json, output);
    }
    let contents = unverified_contents(token)
        .map_err(|error| Failure::new("malformed", Exit::Refused, error))?;
    let text = format!(
        ": anyone could have written this. Check it with: tokenwright verify {}",
        Escaped(&source.spelling())
    );
    output.headline(Paint::Warn, "UNVERIFIED", text);
    let header = json_part(&contents.header);
    let claims = json_part(&contents.payload);
    for finding in contents.findings() {
        output.note(finding);
    }
    if json {
        return show_token_json(&contents, header, claims, output);
    }
    show_parts(&contents, header, claims, output)?;
    show_times(&contents, output)
}

fn show_parts(
    contents: &UnverifiedContents,
    header: Option<String>,
    claims: Option<String>,
    output: &mut Output,
) -> Result<(), Failure> {
    if let Some(header) = header {
        output.line(format!("header  {header}"))?;
    } else {
        output.line(format!("format  {}", Escaped(&contents.algorithm)))?;
    }
    match claims {
        Some(claims) => output.line(format!("claims  {claims}"))?,
        None if contents.payload.is_empty() => {
            output.line("claims  encrypted: only the key opens them")?
        }
        None => output.line(format!(
            "payload {} bytes that are not JSON",
            contents.payload.len()
        ))?,
    }
    if !contents.footer.is_empty() {
        let footer = String::from_utf8_lossy(&contents.footer);
        output.line(format!("footer  {footer}"))?;
    }
    Ok(())
}

fn show_token_json(
    contents: &UnverifiedContents,
    header: Option<String>,
    claims: Option<String>,
    output: &mut Output,
) -> Result<(), Failure> {
    let null = || "null".to_owned();
    let mut members = vec![
        ("verified", "false".to_owned()),
        ("alg", json_string(&contents.algorithm)),
        ("header", header.unwrap_or_else(null)),
        ("claims", claims.unwrap_or_else(null)),
    ];
    if !contents.footer.is_empty() {
        let footer = String::from_utf8_lossy(&contents.footer);
        members.push(("footer", json_string(&footer)));
    }
    output.json("inspect", &members)
}

/// JSON on one line, or nothing if it is no strict JSON.
fn json_part(bytes: &[u8]) -> Option<String> {
    tokenwright::json::check(bytes).ok()?;
    std::str::from_utf8(bytes).ok().map(one_line_json)
}

/// The three times of a token, as dates, in the local zone, and seen from now.
fn show_times(contents: &UnverifiedContents, output: &mut Output) -> Result<(), Failure> {
    let Ok(Value::Object(claims)) = serde_json::from_slice::<Value>(&contents.payload) else {
        return Ok(());
    };
    let now = SystemClock.now();
    for (name, words) in [("iat", "issued"), ("nbf", "begins"), ("exp", "ends")] {
        if !claims.contains_key(name) {
            continue;
        }
        match contents.time(name) {
            Some(time) => output.line(format!(
                "{name}     {words} {} ({}), {}",
                times::rfc3339(time),
                local(time),
                times::relative(time, now)
            ))?,
            None => output.line(format!("{name}     is not a time"))?,
        }
    }
    Ok(())
}

fn local(time: UnixTime) -> String {
    match DateTime::from_timestamp(time.seconds(), 0) {
        Some(date) => date
            .with_timezone(&Local)
            .format("%Y-%m-%d %H:%M:%S %:z")
            .to_string(),
        None => "no date".to_owned(),
    }
}

fn show_set(bytes: &SecretBytes, json: bool, output: &mut Output) -> Result<(), Failure> {
    let set = JwkSet::parse(bytes.expose(), &ImportOptions::new())
        .map_err(|error| Failure::new(error.code(), Exit::Refused, error))?;
    if json {
        return show_set_json(&set, output);
    }
    output.line(format!(
        "JWK set: {} usable, {} left out",
        set.keys().len(),
        set.skipped().len()
    ))?;
    for key in set.keys() {
        let id = Escaped(key.id().as_str());
        output.line(format!("  {}  {id}", key.algorithm()))?;
    }
    for member in set.skipped() {
        output.line(format!("  left out: {member}"))?;
    }
    Ok(())
}

fn show_set_json(set: &JwkSet, output: &mut Output) -> Result<(), Failure> {
    let keys: Vec<String> = set
        .keys()
        .iter()
        .map(|key| key_json(key.algorithm().name(), key.id().as_str(), "public"))
        .collect();
    let skipped: Vec<String> = set
        .skipped()
        .iter()
        .map(|member| {
            let code = member.reason().code();
            format!(
                "{{\"position\":{},\"code\":{}}}",
                member.position(),
                json_string(code)
            )
        })
        .collect();
    let members = [
        ("kind", json_string("jwks")),
        ("keys", format!("[{}]", keys.join(","))),
        ("skipped", format!("[{}]", skipped.join(","))),
    ];
    output.json("inspect", &members)
}

fn show_key(key: &ParsedKey, json: bool, output: &mut Output) -> Result<(), Failure> {
    let verifying = key.verifying();
    let algorithm = verifying.algorithm();
    let kind = match key {
        ParsedKey::Verifying(_) => "public",
        ParsedKey::Signing(_) if algorithm.is_symmetric() => "shared secret",
        ParsedKey::Signing(_) => "private",
    };
    let thumbprint = verifying
        .thumbprint()
        .map_err(|error| crate::cli::keys::key_failure(&error))?;
    if json {
        let members = [
            ("kind", json_string("key")),
            (
                "key",
                key_json(algorithm.name(), verifying.id().as_str(), kind),
            ),
            ("thumbprint", json_string(thumbprint.as_str())),
        ];
        return output.json("inspect", &members);
    }
    output.line(format!("{kind} key for {algorithm}"))?;
    output.line(format!("id          {}", Escaped(verifying.id().as_str())))?;
    output.line(format!("thumbprint  {thumbprint}"))
}

fn key_json(algorithm: &str, id: &str, kind: &str) -> String {
    format!(
        "{{\"alg\":{},\"kid\":{},\"type\":{}}}",
        json_string(algorithm),
        json_string(id),
        json_string(kind)
    )
}
