//! What is to be withdrawn: named by a flag, or taken from a token.

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;
use tokenwright::limits::MAX_TOKEN_BYTES;
use tokenwright::{RawVerifier, Retention, Revocation, UnixTime};

use crate::cli::config::Settings;
use crate::cli::escape::Escaped;
use crate::cli::failure::{Exit, Failure};
use crate::cli::input::{Source, utf8};
use crate::cli::keys;
use crate::cli::output::Output;
use crate::cli::passphrase::PassphraseSource;
use crate::cli::revocations::RevocationPlace;
use crate::cli::times::{self, Moment};

/// How long a session's entry is kept when nobody says when the session ends.
const SESSION: Duration = Duration::from_secs(30 * 86_400);

/// Exactly one thing to withdraw.
#[derive(Debug, Args)]
#[group(required = true, multiple = false, id = "target")]
pub(super) struct Target {
    /// This very token: itself, - for standard input, or @FILE
    #[arg(long, value_name = "TOKEN")]
    token: Option<OsString>,
    /// The token with this id (jti)
    #[arg(long, value_name = "ID")]
    jti: Option<String>,
    /// Every token of this login (sid)
    #[arg(long, value_name = "ID")]
    sid: Option<String>,
    /// The tokens of this subject that were issued before --before
    #[arg(long, value_name = "USER", requires = "before")]
    sub: Option<String>,
    /// The tokens for this audience that were issued before --before
    #[arg(long, value_name = "NAME", requires = "before")]
    aud: Option<String>,
    /// Everything that this key has signed
    #[arg(long, value_name = "KID", allow_hyphen_values = true)]
    kid: Option<String>,
    /// Every token of the issuer that was issued before --before
    #[arg(long, requires = "before")]
    all: bool,
}

/// What belongs to the target.
pub(super) struct Details<'a> {
    pub(super) before: Option<Moment>,
    pub(super) until: Option<Moment>,
    pub(super) now: UnixTime,
    pub(super) retention: Retention,
    pub(super) place: &'a RevocationPlace,
    pub(super) settings: &'a mut Settings,
    pub(super) passphrase: &'a PassphraseSource,
}

impl Target {
    /// Whether it takes an instant.
    pub(super) fn takes_before(&self) -> bool {
        self.sub.is_some() || self.aud.is_some() || self.all
    }

    /// The entry that withdraws it.
    pub(super) fn entry(
        &self,
        details: &mut Details<'_>,
        output: &mut Output,
    ) -> Result<Revocation<'static>, Failure> {
        if let Some(token) = &self.token {
            let token = ReadToken::read(token, details.settings, details.passphrase, output)?;
            return token.entry(details);
        }
        let issuer = issuer(details.settings)?;
        let (now, keep) = (details.now, details.retention);
        if details.until.is_none() && !details.place.issues_for(&issuer) {
            let message = format!(
                "how long tokens of {} live is not known here, and so neither how long the entry is needed",
                Escaped(&issuer)
            );
            return Err(Failure::usage(message)
                .hint("--until TIME: when the last token that is meant has expired"));
        }
        if let Some(before) = details.before {
            let before = instant(before, now);
            let until = until(details, keep.before(before))?;
            return Ok(match (&self.sub, &self.aud) {
                (Some(sub), _) => {
                    Revocation::subject_before(issuer, not_empty("--sub", sub)?, before, now, until)
                }
                (_, Some(aud)) => Revocation::audience_before(
                    issuer,
                    not_empty("--aud", aud)?,
                    before,
                    now,
                    until,
                ),
                (None, None) => Revocation::issuer_before(issuer, before, now, until),
            });
        }
        if let Some(sid) = &self.sid {
            let sid = not_empty("--sid", sid)?;
            let end = match details.until {
                Some(until) => keep.session(until.resolve(now)),
                None => {
                    output.note(format_args!(
                        "kept for {}, because nothing says when the session ends: --until TIME does",
                        times::words(SESSION)
                    ));
                    now.saturating_add(SESSION)
                }
            };
            return Ok(Revocation::session(issuer, sid, now, end));
        }
        if let Some(kid) = &self.kid {
            let kid = not_empty("--kid", kid)?;
            let until = until(details, keep.key(details.key_end(&kid)))?;
            return Ok(Revocation::key(issuer, kid, now, until));
        }
        let jti = not_empty("--jti", self.jti.as_deref().unwrap_or_default())?;
        let until = until(details, keep.token(None, now))?;
        Ok(Revocation::token(issuer, jti, now, until))
    }
}

impl Details<'_> {
    /// When a key of the keyring verifies no more, if that is settled.
    fn key_end(&self, kid: &str) -> Option<UnixTime> {
        let mut keys = self.place.ring.keyring().keys().iter();
        keys.find(|key| key.id().as_str() == kid)?.verifies_until()
    }
}

/// `now` means everything up to and with this very second.
fn instant(before: Moment, now: UnixTime) -> UnixTime {
    match before {
        Moment::After(zero) if zero.is_zero() => Revocation::until_now(now),
        other => other.resolve(now),
    }
}

/// How long the entry is kept. Shorter than needed would let a token live again.
fn until(details: &Details<'_>, needed: UnixTime) -> Result<UnixTime, Failure> {
    let Some(asked) = details.until else {
        return Ok(needed);
    };
    let asked = asked.resolve(details.now);
    let own = details.settings.iss.as_deref();
    if asked >= needed || own.is_some_and(|issuer| !details.place.issues_for(issuer)) {
        return Ok(asked);
    }
    let message = format!(
        "kept until {} only, the entry would be gone while a token it means can still live: until {}",
        times::rfc3339(asked),
        times::rfc3339(needed)
    );
    Err(Failure::usage(message).hint("leave --until out, or name a later time"))
}

fn not_empty(flag: &str, value: &str) -> Result<String, Failure> {
    match value {
        "" => Err(Failure::usage(format!(
            "{flag} is empty, and would name nothing"
        ))),
        value => Ok(value.to_owned()),
    }
}

/// The issuer whose tokens are meant.
pub(super) fn issuer(settings: &Settings) -> Result<String, Failure> {
    settings.iss.clone().ok_or_else(|| {
        Failure::usage("no issuer whose tokens are meant")
            .hint("give --iss URL, or set iss in tokenwright.toml")
    })
}

/// What an authentic token says about itself.
pub(super) struct ReadToken {
    pub(super) claims: serde_json::Map<String, serde_json::Value>,
    pub(super) key_id: String,
}

impl ReadToken {
    /// Reads a token whose signature is good, expired or not: what somebody else
    /// wrote must not say which token is withdrawn.
    pub(super) fn read(
        argument: &OsString,
        settings: &mut Settings,
        passphrase: &PassphraseSource,
        output: &mut Output,
    ) -> Result<Self, Failure> {
        let bytes = Source::of(Some(argument))?.read(MAX_TOKEN_BYTES, output)?;
        let token = utf8(&bytes)?;
        let now = tokenwright::Clock::now(&tokenwright::SystemClock);
        let keys = keys::store_key_set(settings, now, passphrase)?;
        let raw = RawVerifier::new(keys).verify(token).map_err(|error| {
            Failure::new(error.code(), error.class().into(), &error)
                .hint("a token of a key that is gone is named by its id: revoke add --jti ID")
        })?;
        let key_id = raw.key_id().as_str().to_owned();
        let refused = |reason: &str| Failure::new("bad_claims", Exit::Refused, reason);
        tokenwright::json::check(raw.payload()).map_err(|error| {
            refused(&format!("the payload is authentic but not claims: {error}"))
        })?;
        let claims = serde_json::from_slice(raw.payload())
            .map_err(|_| refused("the payload is authentic but not a JSON object"))?;
        Ok(Self { claims, key_id })
    }

    pub(super) fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim).and_then(serde_json::Value::as_str)
    }

    /// The audiences, one or several.
    pub(super) fn audiences(&self) -> Vec<String> {
        use serde_json::Value;
        match self.claims.get("aud") {
            Some(Value::String(only)) => vec![only.clone()],
            Some(Value::Array(several)) => several
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            _ => Vec::new(),
        }
    }

    /// A time claim: seconds in a JWT, RFC 3339 in a PASETO.
    pub(super) fn time(&self, claim: &str) -> Option<UnixTime> {
        match self.claims.get(claim)? {
            serde_json::Value::String(text) => match text.parse() {
                Ok(Moment::At(time)) => Some(time),
                _ => None,
            },
            // A fraction is rounded up: an entry is kept rather too long.
            serde_json::Value::Number(number) => number
                .as_i64()
                .or_else(|| number.as_f64().map(|float| float.ceil() as i64))
                .map(UnixTime::from_seconds),
            _ => None,
        }
    }

    fn entry(&self, details: &Details<'_>) -> Result<Revocation<'static>, Failure> {
        let Some(issuer) = self.text("iss").map(str::to_owned) else {
            let message = "the token names no issuer (iss), so no entry could name it";
            let failure = Failure::new("missing_claim", Exit::Refused, message);
            return Err(failure.hint("its key can be withdrawn: revoke add --kid KID"));
        };
        let Some(jti) = self.text("jti").filter(|jti| !jti.is_empty()) else {
            let message = "the token has no id (jti), so it cannot be withdrawn alone";
            let failure = Failure::new("missing_claim", Exit::Refused, message);
            return Err(match (self.text("sid"), self.text("sub")) {
                (Some(sid), _) => failure.hint(format!("revoke add --sid {}", Escaped(sid))),
                (_, Some(sub)) => {
                    failure.hint(format!("revoke add --sub {} --before now", Escaped(sub)))
                }
                _ => failure.hint("revoke add --all --before now withdraws every token"),
            });
        };
        let needed = details.retention.token(self.time("exp"), details.now);
        let until = until(details, needed)?;
        Ok(Revocation::token(
            issuer,
            jti.to_owned(),
            details.now,
            until,
        ))
    }
}
