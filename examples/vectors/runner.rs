//! Judges one file of cases with the public interface alone.

#[path = "status_list.rs"]
mod status_list;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};
use tokenwright::key::{
    Algorithm, ImportOptions, JwkSet, Paserk, PaserkType, SigningKey, VerifyingKey,
};
use tokenwright::{
    Freshness, KeySet, LiveRevocations, Policy, Presented, RawVerifier, Revocation, RevocationList,
    SecretBytes, UnixTime, Verifier, WhenUnknown, dangerous, json,
};

/// What became of the cases of one file.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) passed: usize,
    /// Id and reason.
    pub(crate) failed: Vec<(String, String)>,
    /// Reason and count.
    pub(crate) skipped: BTreeMap<String, usize>,
}

impl Report {
    /// How many cases were judged.
    pub(crate) fn ran(&self) -> usize {
        self.passed + self.failed.len()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let skipped: usize = self.skipped.values().sum();
        write!(
            f,
            "  {} ran, {} passed, {} failed, {} skipped",
            self.ran(),
            self.passed,
            self.failed.len(),
            skipped
        )?;
        for (reason, count) in &self.skipped {
            write!(f, "\n  skipped {count}: {reason}")?;
        }
        for (id, reason) in &self.failed {
            write!(f, "\n  FAILED {id}: {reason}")?;
        }
        Ok(())
    }
}

/// What the library made of a case.
enum Outcome {
    Accepted,
    Refused(String),
    /// Accepted or produced, but not what the case says it should be.
    Wrong(String),
    Skipped(String),
}

/// Runs every line of a file.
pub(crate) fn run(text: &str) -> Report {
    let mut report = Report::default();
    for (number, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        match serde_json::from_str::<Value>(line) {
            Ok(Value::Object(case)) => judge(&Case(case), &mut report),
            Ok(_) | Err(_) => report
                .failed
                .push((format!("line {}", number + 1), "not a JSON object".into())),
        }
    }
    report
}

fn judge(case: &Case, report: &mut Report) {
    let expected = case.text("expect").unwrap_or("no-crash");
    let outcome = case.run();
    let failure = match (expected, outcome) {
        (_, Outcome::Skipped(reason)) => {
            *report.skipped.entry(reason).or_default() += 1;
            return;
        }
        (_, Outcome::Wrong(reason)) => Some(reason),
        ("either" | "no-crash", _) => None,
        ("reject" | "no-crash-reject" | "reject-by-default-limit", Outcome::Refused(_)) => None,
        ("reject" | "no-crash-reject" | "reject-by-default-limit", Outcome::Accepted) => {
            Some("was accepted".to_owned())
        }
        ("accept", Outcome::Accepted) => None,
        ("accept", Outcome::Refused(reason)) => Some(format!("was refused: {reason}")),
        // A thumbprint case states the value itself, and compares it in its own runner.
        (_, Outcome::Accepted) if case.kind() == "jwk-thumbprint" => None,
        (other, _) => Some(format!("expectation {other:?} is not known")),
    };
    match failure {
        None => report.passed += 1,
        Some(reason) => report.failed.push((case.id().to_owned(), reason)),
    }
}

struct Case(Map<String, Value>);

impl Case {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    fn id(&self) -> &str {
        self.text("id").unwrap_or("?")
    }

    fn kind(&self) -> &str {
        self.text("kind").unwrap_or("?")
    }

    fn expects_acceptance(&self) -> bool {
        self.text("expect")
            .is_some_and(|expect| expect.starts_with("accept"))
    }

    fn run(&self) -> Outcome {
        match self.kind() {
            "jws-compact" | "jws-compact-b64false" => self.compact(),
            "jwt" => self.jwt(),
            "jwt-recipe" => self.recipe(),
            "jwk-thumbprint" => self.thumbprint(),
            "paseto" if self.0.contains_key("expect") => self.paseto(),
            "paserk" if self.0.contains_key("expect") => self.paserk(),
            "ed25519-raw" => self.ed25519(),
            "json-bytes" => self.json_bytes(),
            "status-list" => judged(status_list::list(&self.0)),
            "status-claim" => judged(status_list::claim(&self.0)),
            "statuslist-jwt" => self.signed_list(),
            "fuzz-seed" | "jws" | "jwe" | "malformed" | "paseto" | "paserk" => self.seed(),
            // The compact verifier must refuse these; beyond that they are not supported.
            "jws-json" | "jws-json-detached" | "jws-compact-detached" => match self.compact() {
                Outcome::Accepted => Outcome::Wrong("accepted in compact form".to_owned()),
                _ => Outcome::Skipped(format!("kind {}", self.kind())),
            },
            other => Outcome::Skipped(format!("kind {other}")),
        }
    }

    /// Each key set the case can mean: several when a JWK names no algorithm.
    fn key_sets(&self) -> Result<Vec<KeySet>, String> {
        if let Some(set) = self.0.get("jwks") {
            return self.published_set(set);
        }
        let Some(jwk) = self.0.get("jwk").filter(|jwk| !jwk.is_null()) else {
            return Ok(Vec::new());
        };
        let text = jwk.to_string();
        let candidates = match jwk.get("alg") {
            Some(_) => vec![None],
            None => Algorithm::ALL.into_iter().map(Some).collect(),
        };
        let mut reason = "no algorithm of the case is allowed".to_owned();
        let mut sets = Vec::new();
        for algorithm in candidates {
            let options = algorithm.map_or(ImportOptions::new(), |algorithm| {
                ImportOptions::new().algorithm(algorithm)
            });
            match trusted_key(text.as_bytes(), jwk, &options) {
                Ok(key) if self.allows(key.algorithm()) => {
                    sets.push(KeySet::of([key]).map_err(|error| error.to_string())?);
                }
                Ok(_) => {}
                Err(error) => reason = error,
            }
        }
        if sets.is_empty() {
            Err(reason)
        } else {
            Ok(sets)
        }
    }

    fn published_set(&self, set: &Value) -> Result<Vec<KeySet>, String> {
        let text = set.to_string();
        let members = set
            .get("keys")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let secret = !members.is_empty()
            && members
                .iter()
                .all(|key| key.get("kty") == Some(&"oct".into()));
        let options = ImportOptions::default();
        let parsed = if secret {
            JwkSet::parse_secret(text.as_bytes(), &options)
        } else {
            JwkSet::parse(text.as_bytes(), &options)
        };
        let keys = parsed.map_err(|error| error.to_string())?.into_keys();
        let allowed = keys.into_iter().filter(|key| self.allows(key.algorithm()));
        Ok(vec![
            KeySet::of(allowed).map_err(|error| error.to_string())?,
        ])
    }

    fn allows(&self, algorithm: Algorithm) -> bool {
        match self.0.get("allow_algs").and_then(Value::as_array) {
            Some(list) => list
                .iter()
                .any(|name| name.as_str() == Some(algorithm.name())),
            None => true,
        }
    }

    /// Acceptance cannot be asked for what is not supported, so such a case says nothing.
    fn unsupported(&self) -> Option<Outcome> {
        if !self.expects_acceptance() {
            return None;
        }
        if self.0.get("needs_relaxed_hmac_key_length") == Some(&Value::Bool(true)) {
            return Some(Outcome::Skipped(
                "HMAC secret shorter than RFC 7518 section 3.2 allows".to_owned(),
            ));
        }
        let contents = dangerous::unverified_contents(self.text("token")?).ok()?;
        let known = Algorithm::ALL
            .iter()
            .any(|algorithm| algorithm.name() == contents.algorithm);
        (!known).then(|| Outcome::Skipped(format!("algorithm {}", contents.algorithm)))
    }

    /// Tries a token against every key set the case can mean.
    fn any_accepts(&self, judge: impl Fn(KeySet) -> Result<Outcome, String>) -> Outcome {
        if let Some(skipped) = self.unsupported() {
            return skipped;
        }
        let sets = match self.key_sets() {
            Ok(sets) => sets,
            Err(reason) => return Outcome::Refused(reason),
        };
        let mut reason = "no key".to_owned();
        for set in sets {
            match judge(set) {
                Ok(outcome) => return outcome,
                Err(error) => reason = error,
            }
        }
        Outcome::Refused(reason)
    }

    fn compact(&self) -> Outcome {
        let Some(token) = self.text("token") else {
            return Outcome::Wrong("the case has no token".to_owned());
        };
        self.any_accepts(|keys| {
            let raw = RawVerifier::new(keys)
                .verify(token)
                .map_err(|error| error.to_string())?;
            Ok(match self.text("payload_utf8") {
                Some(expected) if raw.payload() != expected.as_bytes() => {
                    Outcome::Wrong("the payload is another one".to_owned())
                }
                _ => Outcome::Accepted,
            })
        })
    }

    fn jwt(&self) -> Outcome {
        match self.text("token") {
            Some(token) => self.jwt_from(token),
            None => Outcome::Wrong("the case has no token".to_owned()),
        }
    }

    fn jwt_from(&self, token: &str) -> Outcome {
        let options = self.0.get("options").cloned().unwrap_or_default();
        let now = options
            .get("now")
            .and_then(Value::as_i64)
            .map_or(UnixTime::from_seconds(0), UnixTime::from_seconds);
        let policy = policy(&options);
        self.any_accepts(|keys| {
            let builder = Verifier::builder(keys).policy(policy.clone());
            let verifier = match revoked(&options, now) {
                Some(list) => builder
                    .revocation(list, Freshness::new(Duration::ZERO, WhenUnknown::Refuse))
                    .build(),
                None => builder.without_revocation().build(),
            };
            verifier
                .verify_as::<Map<String, Value>>(Presented::new(token).at(now))
                .map(|_| Outcome::Accepted)
                .map_err(|error| error.to_string())
        })
    }

    /// Recipes too big to store: quoted text, `+`, and `*` with a count. Names stand
    /// for parts of a good token, which a made-up part replaces: size is the point.
    fn recipe(&self) -> Outcome {
        let Some(recipe) = self.text("recipe") else {
            return Outcome::Wrong("the case has no recipe".to_owned());
        };
        let mut token = String::new();
        for term in recipe.split(" + ") {
            let (text, count) = match term.rsplit_once('*') {
                Some((text, count)) if text.trim_end().ends_with('"') => {
                    (text, count.trim().parse::<f64>().unwrap_or(1.0))
                }
                _ => (term, 1.0),
            };
            let text = text.trim();
            let text = text
                .strip_prefix('"')
                .and_then(|text| text.strip_suffix('"'))
                .unwrap_or("eyJhbGciOiJFUzI1NiJ9");
            token.push_str(&text.repeat(count as usize));
        }
        self.jwt_from(&token)
    }

    fn thumbprint(&self) -> Outcome {
        let jwk = self.0.get("jwk").cloned().unwrap_or_default().to_string();
        let key = Algorithm::ALL.into_iter().find_map(|algorithm| {
            let options = ImportOptions::new().algorithm(algorithm);
            VerifyingKey::from_jwk(jwk.as_bytes(), &options)
                .or_else(|_| VerifyingKey::from_jwk(jwk.as_bytes(), &ImportOptions::default()))
                .ok()
        });
        match key.and_then(|key| key.thumbprint().ok()) {
            Some(found) if Some(found.as_str()) == self.text("expect") => Outcome::Accepted,
            Some(found) => Outcome::Wrong(format!("the thumbprint is {found}")),
            None => Outcome::Wrong("the key was refused".to_owned()),
        }
    }

    fn hex(&self, name: &str) -> Option<Vec<u8>> {
        let text = self.text(name)?;
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
            .collect()
    }

    fn paseto(&self) -> Outcome {
        if self.text("version") != Some("v4") {
            return Outcome::Skipped(format!("PASETO {}", self.text("version").unwrap_or("?")));
        }
        let paserk = match (self.hex("key"), self.hex("public_key")) {
            (Some(key), _) => Paserk::new(PaserkType::Local, SecretBytes::from(key)),
            (None, Some(key)) => Paserk::new(PaserkType::Public, SecretBytes::from(key)),
            (None, None) => return Outcome::Wrong("the case has no key".to_owned()),
        };
        let key = paserk.and_then(|paserk| verifying(&paserk));
        let keys = match key.and_then(|key| KeySet::of([key])) {
            Ok(keys) => keys,
            Err(error) => return Outcome::Refused(error.to_string()),
        };
        let token = self.text("token").unwrap_or_default();
        let assertion = self.text("implicit_assertion").unwrap_or_default();
        let presented = Presented::new(token).with_assertion(assertion.as_bytes());
        match RawVerifier::new(keys).verify(presented) {
            Err(error) => Outcome::Refused(error.to_string()),
            Ok(raw) if Some(raw.payload()) != self.text("payload").map(str::as_bytes) => {
                Outcome::Wrong("the payload is another one".to_owned())
            }
            Ok(raw) if Some(raw.footer()) != self.text("footer").map(str::as_bytes) => {
                Outcome::Wrong("the footer is another one".to_owned())
            }
            Ok(_) => Outcome::Accepted,
        }
    }

    fn paserk(&self) -> Outcome {
        let name = self.text("paserk_type").unwrap_or_default();
        let kind = match name {
            "k4.local" | "k4.lid" => PaserkType::Local,
            "k4.public" | "k4.pid" => PaserkType::Public,
            "k4.secret" | "k4.sid" => PaserkType::Secret,
            other => return Outcome::Skipped(format!("PASERK {other}")),
        };
        let is_id = matches!(name, "k4.lid" | "k4.pid" | "k4.sid");
        let made = self
            .hex("key")
            .map(|key| Paserk::new(kind, SecretBytes::from(key)));
        match (made, self.text("paserk")) {
            (Some(Err(error)), _) => Outcome::Refused(error.to_string()),
            (Some(Ok(made)), Some(expected)) if is_id => same(&made.id(), expected),
            (Some(Ok(made)), Some(expected)) => match Paserk::parse(expected) {
                Ok(read) if read.kind() == kind => {
                    same(&String::from_utf8_lossy(made.to_text().expose()), expected)
                }
                Ok(_) => Outcome::Wrong("read as another type".to_owned()),
                Err(error) => Outcome::Refused(error.to_string()),
            },
            (Some(Ok(made)), None) => match consistent(kind, &made) {
                Ok(()) => Outcome::Accepted,
                Err(reason) => Outcome::Refused(reason),
            },
            (None, Some(text)) => match Paserk::parse(text) {
                Ok(read) if read.kind() == kind => Outcome::Accepted,
                Ok(_) => Outcome::Refused("another type".to_owned()),
                Err(error) => Outcome::Refused(error.to_string()),
            },
            (None, None) => Outcome::Wrong("the case has neither key nor text".to_owned()),
        }
    }

    fn ed25519(&self) -> Outcome {
        let (Some(point), Some(message), Some(signature)) =
            (self.hex("pk"), self.hex("msg"), self.hex("sig"))
        else {
            return Outcome::Wrong("the case lacks pk, msg or sig".to_owned());
        };
        // The suite asks about the signature check; keys with a torsion part, which import
        // refuses, are part of it.
        let Ok(point) = <[u8; 32]>::try_from(point) else {
            return Outcome::Refused("a public key has 32 bytes".to_owned());
        };
        if dangerous::ed25519_verifies_bytes(&point, &message, &signature) {
            Outcome::Accepted
        } else {
            Outcome::Refused("bad signature".to_owned())
        }
    }

    fn json_bytes(&self) -> Outcome {
        let bytes = self.text("json_b64").and_then(standard_base64);
        match bytes.map(|bytes| json::check(&bytes)) {
            None => Outcome::Wrong("the case has no bytes".to_owned()),
            Some(Ok(())) => Outcome::Accepted,
            // The grammar allows a name twice; tokens must not (RFC 8725 section 2.4).
            Some(Err(error))
                if error.kind() == json::JsonErrorKind::DuplicateMember
                    && self.expects_acceptance() =>
            {
                Outcome::Accepted
            }
            Some(Err(error)) => Outcome::Refused(error.to_string()),
        }
    }

    fn signed_list(&self) -> Outcome {
        match self.key_sets() {
            Ok(sets) if sets.is_empty() => Outcome::Wrong("the case has no key".to_owned()),
            Ok(sets) => judged(status_list::token(&self.0, sets)),
            Err(reason) => Outcome::Refused(reason),
        }
    }

    /// Tokens without a label: whatever they are, no key here signed them.
    fn seed(&self) -> Outcome {
        let Some(token) = self.text("token") else {
            return Outcome::Wrong("the case has no token".to_owned());
        };
        let _ = dangerous::unverified_contents(token);
        let _ = Paserk::parse(token);
        let _ = VerifyingKey::from_jwk(token.as_bytes(), &ImportOptions::default());
        let accepted = [
            Algorithm::EdDsa,
            Algorithm::V4Public,
            Algorithm::V4Local,
            Algorithm::Hs256,
        ]
        .into_iter()
        .filter_map(|algorithm| SigningKey::generate(algorithm).ok())
        .filter_map(|key| KeySet::of([key.verifying_key()]).ok())
        .any(|keys| {
            let verifier = Verifier::builder(keys.clone())
                .policy(dangerous::any_issuer_and_audience())
                .without_revocation();
            RawVerifier::new(keys).verify(token).is_ok() || verifier.build().verify(token).is_ok()
        });
        if accepted {
            Outcome::Wrong("a fresh key accepted it".to_owned())
        } else {
            Outcome::Accepted
        }
    }
}

fn judged(judged: status_list::Judged) -> Outcome {
    match judged {
        Ok(Ok(())) => Outcome::Accepted,
        Ok(Err(reason)) => Outcome::Wrong(reason),
        Err(reason) => Outcome::Refused(reason),
    }
}

/// The key a case trusts; a suite may give the private half or a shared secret.
fn trusted_key(
    text: &[u8],
    jwk: &Value,
    options: &ImportOptions<'_>,
) -> Result<VerifyingKey, String> {
    let key = if jwk.get("d").is_some() || jwk.get("kty") == Some(&"oct".into()) {
        SigningKey::from_jwk(text, options).map(|key| key.verifying_key())
    } else {
        VerifyingKey::from_jwk(text, options)
    };
    key.map_err(|error| error.to_string())
}

/// The key that verifies, from a public or a local PASERK.
fn verifying(paserk: &Paserk) -> Result<VerifyingKey, tokenwright::key::KeyError> {
    let text = paserk.to_text();
    let text = std::str::from_utf8(text.expose()).unwrap_or_default();
    match paserk.kind() {
        PaserkType::Public => VerifyingKey::from_paserk(text),
        _ => SigningKey::from_paserk(text).map(|key| key.verifying_key()),
    }
}

fn policy(options: &Value) -> Policy {
    let (iss, aud) = (
        options.get("iss").and_then(Value::as_str),
        options.get("aud").and_then(Value::as_str),
    );
    let mut policy = match (iss, aud) {
        (Some(iss), Some(aud)) => Policy::new(iss, aud),
        (Some(iss), None) => dangerous::any_audience(iss),
        (None, Some(aud)) => dangerous::any_issuer(aud),
        (None, None) => dangerous::any_issuer_and_audience(),
    };
    let seconds = |name| {
        options
            .get(name)
            .and_then(Value::as_u64)
            .map(Duration::from_secs)
    };
    policy = policy.leeway(seconds("leeway").unwrap_or(Duration::ZERO));
    if let Some(age) = seconds("max_age") {
        policy = policy.max_age(age);
    }
    if let Some(token_type) = options.get("typ").and_then(Value::as_str) {
        policy = policy.typ(token_type);
    }
    if options.get("require_jti") == Some(&Value::Bool(true)) {
        policy = policy.require("jti");
    }
    policy
}

/// Token ids that the case calls revoked, for the issuer it expects.
fn revoked(options: &Value, now: UnixTime) -> Option<LiveRevocations> {
    let ids = options
        .get("revoked_jti")
        .or_else(|| options.get("revoked"))?
        .as_array()?;
    let mut list = RevocationList::new();
    let issuer = options
        .get("iss")
        .and_then(Value::as_str)
        .unwrap_or_default();
    for entry in ids {
        let (issuer, id) = match entry {
            Value::String(id) => (issuer, Some(id.as_str())),
            other => (
                other.get("iss").and_then(Value::as_str).unwrap_or(issuer),
                other.get("jti").and_then(Value::as_str),
            ),
        };
        let for_ever = UnixTime::from_seconds(i64::MAX);
        list.add(&Revocation::token(issuer, id?, now, for_ever))
            .expect("room for a few entries");
    }
    Some(LiveRevocations::new(list, now))
}

fn same(found: &str, expected: &str) -> Outcome {
    if found == expected {
        Outcome::Accepted
    } else {
        Outcome::Wrong("another text was made".to_owned())
    }
}

/// Whether the two halves of a secret key agree; other types have one half only.
fn consistent(kind: PaserkType, paserk: &Paserk) -> Result<(), String> {
    if kind != PaserkType::Secret {
        return Ok(());
    }
    let text = paserk.to_text();
    let text = std::str::from_utf8(text.expose()).map_err(|error| error.to_string())?;
    SigningKey::from_paserk(text)
        .map(|_| ())
        .map_err(|error| error.to_string())
}

/// Base64 with padding, as the suite stores bytes (RFC 4648 section 4).
fn standard_base64(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        bits =
            bits << 6 | u32::try_from(ALPHABET.iter().position(|letter| *letter == byte)?).ok()?;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).ok()?);
        }
    }
    Some(bytes)
}
