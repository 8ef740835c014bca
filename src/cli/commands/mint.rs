//! `tokenwright mint`.

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value};
use tokenwright::keyring::Keyring;
use tokenwright::{
    Claims, Clock as _, Freshness, MintError, MintErrorKind, MintOptions, Minter, StatusClaim,
    SystemClock, TokenIds, UnixTime, WhenUnknown,
};

use crate::cli::arguments::GlobalArguments;
use crate::cli::config::{self, Settings};
use crate::cli::escape::Escaped;
use crate::cli::failure::{Exit, Failure};
use crate::cli::input::{Source, utf8};
use crate::cli::keys::{Ring, apply_defaults, keyring_failure};
use crate::cli::output::Output;
use crate::cli::passphrase::PassphraseSource;
use crate::cli::revocations;
use crate::cli::times::{self, Moment};

/// Longest claims file, in bytes: no token can carry more.
const MAX_CLAIMS_BYTES: usize = tokenwright::limits::MAX_TOKEN_BYTES;

/// Arguments of `mint`.
#[derive(Debug, Args)]
pub(crate) struct MintArguments {
    /// The user it speaks of
    #[arg(long, value_name = "USER")]
    sub: Option<String>,
    /// How long it lives [default: the keyring's]
    #[arg(long, value_name = "DURATION", value_parser = times::duration, conflicts_with = "exp")]
    ttl: Option<Duration>,
    /// When it ends
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    exp: Option<Moment>,
    /// When it begins
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    nbf: Option<Moment>,
    /// Who issues it [default: the keyring's]
    #[arg(long, value_name = "URL")]
    iss: Option<String>,
    /// For whom it is meant; may be repeated [default: the keyring's]
    #[arg(long, value_name = "NAME")]
    aud: Vec<String>,
    /// Its own id: auto, none, or the id itself
    #[arg(long, value_name = "auto|none|ID", default_value = "auto")]
    jti: String,
    /// The login it belongs to
    #[arg(long, value_name = "ID")]
    sid: Option<String>,
    /// What it permits, words separated by spaces
    #[arg(long, value_name = "WORDS")]
    scope: Option<String>,
    /// Its place in an IETF status list
    #[arg(long, value_name = "URI#INDEX", value_parser = parse_status)]
    status: Option<StatusClaim>,
    /// A claim of your own: k=text, or k:=JSON; may be repeated
    #[arg(long, value_name = "k=text | k:=JSON", value_parser = parse_claim)]
    claim: Vec<(String, Value)>,
    /// Claims of your own as a JSON object
    #[arg(long, value_name = "@FILE | -")]
    claims: Option<OsString>,
    /// The type in the header, such as at+jwt [default: JWT]
    #[arg(long, value_name = "TYPE")]
    typ: Option<String>,
    /// The footer of a PASETO, in place of the key's id
    #[arg(long, value_name = "JSON")]
    footer: Option<String>,
    /// How many to make
    #[arg(long, value_name = "N", default_value_t = 1)]
    count: u64,
    #[command(flatten)]
    passphrase: PassphraseSource,
}

pub(crate) fn run(
    arguments: MintArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let flags = Settings {
        store: global.store.clone(),
        iss: arguments.iss.clone(),
        aud: (!arguments.aud.is_empty()).then(|| arguments.aud.clone()),
        ttl: arguments.ttl,
        typ: arguments.typ.clone(),
        ..Settings::default()
    };
    let mut settings = config::resolve(flags, global.config.as_deref())?;
    let claims = claims(&arguments, output)?;
    let ring = Ring::open(&settings)?;
    apply_defaults(&mut settings, ring.keyring());
    let work = Work::prepare(&arguments, &settings, &ring)?;
    for _ in 0..arguments.count {
        let token = work.mint(&claims)?;
        output.line(token)?;
        if output.is_closed() {
            break;
        }
    }
    Ok(Exit::Done)
}

/// Everything that is the same for each of the tokens.
struct Work {
    minter: Minter,
    expiry: Expiry,
    footer: Option<String>,
}

enum Expiry {
    After(Duration),
    At(UnixTime),
}

impl Work {
    fn prepare(
        arguments: &MintArguments,
        settings: &Settings,
        ring: &Ring,
    ) -> Result<Self, Failure> {
        let now = SystemClock.now();
        check_clock(ring.keyring(), now)?;
        let record = ring
            .keyring()
            .signer(now)
            .map_err(|error| keyring_failure(&error))?;
        let limit = record.lifetime_to_sign(now, ring.keyring().policy());
        let Some(issuer) = settings.iss.clone() else {
            return Err(Failure::usage("no issuer").hint("give --iss URL"));
        };
        let expiry = match arguments.exp {
            Some(moment) => Expiry::At(moment.resolve(now)),
            None => Expiry::After(settings.ttl.unwrap_or(limit)),
        };
        let key = ring.signing_key(record, &arguments.passphrase)?;
        // What is withdrawn already is not made again.
        let revocations = revocations::as_of(revocations::follow(&ring.store)?.live(), None);
        let mut builder = Minter::builder(key, issuer)
            .lifetime(limit)
            .token_ids(token_ids(&arguments.jti))
            .revocation(
                revocations,
                Freshness::new(Duration::MAX, WhenUnknown::Refuse),
            );
        for audience in settings.aud.iter().flatten() {
            builder = builder.audience(audience.as_str());
        }
        if let Some(typ) = &settings.typ {
            builder = builder.typ(typ.as_str());
        }
        Ok(Self {
            minter: builder.build().map_err(|error| mint_failure(&error))?,
            expiry,
            footer: arguments.footer.clone(),
        })
    }

    fn mint(&self, claims: &Claims<Map<String, Value>>) -> Result<String, Failure> {
        let now = SystemClock.now();
        let expiry = match self.expiry {
            Expiry::After(duration) => now.saturating_add(duration),
            Expiry::At(time) => time,
        };
        let mut options = MintOptions::new().at(now);
        if let Some(footer) = &self.footer {
            options = options.footer(footer.as_bytes());
        }
        self.minter
            .mint_with(&claims.clone().with_expiry(expiry), options)
            .map_err(|error| mint_failure(&error))
    }
}

/// With a clock that the keyring proves slow, `iat` would lie before the key's own
/// time, and every verifier would refuse the token.
fn check_clock(keyring: &Keyring, now: UnixTime) -> Result<(), Failure> {
    if keyring.clock(now) == now {
        return Ok(());
    }
    let message = format!(
        "the clock says {}, before the keyring's last commit at {}: a token minted now would be refused",
        times::rfc3339(now),
        times::rfc3339(keyring.as_of())
    );
    Err(Failure::new("clock_behind", Exit::Operator, message)
        .hint("set the clock; tokenwright doctor compares it with the keyring"))
}

fn token_ids(jti: &str) -> TokenIds {
    match jti {
        "none" => TokenIds::Absent,
        _ => TokenIds::Random,
    }
}

fn mint_failure(error: &MintError) -> Failure {
    // What the flags ask for and cannot have is a matter of usage; a failing key is not.
    let exit = match error.kind() {
        MintErrorKind::Key(_)
        | MintErrorKind::Revoked { .. }
        | MintErrorKind::RevocationUnknown { .. }
        | MintErrorKind::RevocationStale { .. } => error.class().into(),
        _ => Exit::Usage,
    };
    let failure = Failure::new(error.code(), exit, error);
    match error.code() {
        "lifetime_too_long" => {
            failure.hint("the limit is the keyring's: tokenwright init --ttl sets it")
        }
        "revoked" => failure.hint("tokenwright revoke list shows the entry"),
        "reserved_claim" => {
            failure.hint("this claim has a flag of its own: tokenwright mint --help")
        }
        _ => failure,
    }
}

/// The claims, but for those that the minter adds.
fn claims(
    arguments: &MintArguments,
    output: &mut Output,
) -> Result<Claims<Map<String, Value>>, Failure> {
    let mut custom = match &arguments.claims {
        Some(source) => read_claims(source, output)?,
        None => Map::new(),
    };
    for (name, value) in &arguments.claim {
        if custom.insert(name.clone(), value.clone()).is_some() {
            let message = format!("the claim {} is given twice", Escaped(name));
            return Err(Failure::usage(message));
        }
    }
    let now = SystemClock.now();
    let mut claims = Claims::new().with_custom(custom);
    if let Some(subject) = &arguments.sub {
        claims = Claims::for_subject(subject.as_str()).with_custom(claims.into_custom());
    }
    if let Some(begin) = arguments.nbf {
        claims = claims.with_not_before(begin.resolve(now));
    }
    if !matches!(arguments.jti.as_str(), "auto" | "none") {
        claims = claims.with_token_id(arguments.jti.as_str());
    }
    if let Some(session) = &arguments.sid {
        claims = claims.with_session_id(session.as_str());
    }
    if let Some(scope) = &arguments.scope {
        claims = claims.with_scope(scope.as_str());
    }
    if let Some(status) = &arguments.status {
        if arguments.count > 1 {
            let message = "--status with --count: each token needs an index of its own";
            return Err(Failure::usage(message));
        }
        claims = claims.with_status(status.clone());
    }
    Ok(claims)
}

fn read_claims(argument: &OsString, output: &mut Output) -> Result<Map<String, Value>, Failure> {
    let source = Source::of(Some(argument))?;
    if let Source::Argument(_) = source {
        return Err(Failure::usage(
            "--claims takes @FILE, or - for standard input",
        ));
    }
    let place = source.spelling();
    let bytes = source.read(MAX_CLAIMS_BYTES, output)?;
    let refused = |reason: String| {
        Failure::new(
            "bad_custom_claims",
            Exit::Usage,
            format!("{}: {reason}", Escaped(&place)),
        )
    };
    // Our own reader refuses what a verifier would: duplicate names, too deep, not UTF-8.
    tokenwright::json::check(bytes.expose()).map_err(|error| refused(error.to_string()))?;
    serde_json::from_str(utf8(&bytes)?).map_err(|_| refused("not a JSON object".to_owned()))
}

/// `k=text` or `k:=JSON`. The name ends at the first of the two signs.
fn parse_claim(text: &str) -> Result<(String, Value), String> {
    let Some((name, value)) = text.split_once('=') else {
        return Err("write a claim as name=text or name:=JSON".to_owned());
    };
    let (name, value) = match name.strip_suffix(':') {
        Some(name) => (name, parse_json(value)?),
        None => (name, Value::String(value.to_owned())),
    };
    if name.is_empty() {
        return Err("a claim needs a name".to_owned());
    }
    Ok((name.to_owned(), value))
}

/// `URI#INDEX`. The index begins behind the last sign, since a URI may hold one too.
fn parse_status(text: &str) -> Result<StatusClaim, String> {
    let parts = text.rsplit_once('#');
    let parts = parts.and_then(|(uri, index)| Some((uri, index.parse().ok()?)));
    let (uri, index): (&str, u64) =
        parts.ok_or("write a place in a status list as https://…/statuslists/1#42")?;
    Ok(StatusClaim::new(index, uri))
}

fn parse_json(text: &str) -> Result<Value, String> {
    tokenwright::json::check(text.as_bytes()).map_err(|error| format!("not JSON: {error}"))?;
    serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_text_or_json() {
        assert_eq!(parse_claim("a=b=c").unwrap(), ("a".into(), "b=c".into()));
        assert_eq!(parse_claim("a=").unwrap(), ("a".into(), "".into()));
        assert_eq!(parse_claim("n:=5").unwrap().1, Value::from(5));
        assert!(parse_claim("n:={\"a\":1,\"a\":2}").is_err());
        assert!(parse_claim("n:=").is_err());
        assert!(parse_claim("=x").is_err());
        assert!(parse_claim("x").is_err());
    }

    #[test]
    fn a_place_in_a_status_list_is_a_uri_and_an_index() {
        let place = parse_status("https://a.example/1#b#42").unwrap();
        assert_eq!((place.uri(), place.index()), ("https://a.example/1#b", 42));
        for text in [
            "https://a.example/1",
            "https://a.example/1#",
            "a#-1",
            "a#1.0",
            "#",
        ] {
            assert!(parse_status(text).is_err(), "{text}");
        }
    }
}
