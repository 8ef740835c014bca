//! tokenwright as a peer of the interoperability tests (`tests/interop/run`): reads one
//! JSON request a line from standard input, answers with one JSON line. It uses the
//! public API alone, so it is also a tour of it: keys in every form, mint, verify.

use std::error::Error;
use std::io::{BufRead, Write};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokenwright::key::{Algorithm, Format, ImportOptions, SigningKey, VerifyingKey};
use tokenwright::status_list::{Status, StatusBits, StatusList, StatusListReader, StatusListToken};
use tokenwright::{
    Claims, Clock as _, KeySet, MintOptions, Minter, Policy, Presented, SecretBytes, SystemClock,
    TokenIds, UnixTime, Verified, Verifier,
};

type Answer<T = Value> = Result<T, Box<dyn Error>>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let reply = match answer(&line?) {
            Ok(mut reply) => {
                reply["ok"] = true.into();
                reply
            }
            Err(error) => json!({ "ok": false, "error": error.to_string() }),
        };
        writeln!(output, "{reply}")?;
        output.flush()?;
    }
    Ok(())
}

fn answer(line: &str) -> Answer {
    let request: Value = serde_json::from_str(line)?;
    match text(&request, "op")? {
        "describe" => Ok(describe()),
        "generate" => generate(algorithm(&request)?),
        "identify" => identify(&request),
        "mint" => mint(&request),
        "verify" => verify(&request),
        "lock" => lock(&request),
        "unlock" => unlock(&request),
        "publish" => publish(&request),
        "look_up" => look_up(&request),
        other => Err(format!("no operation {other}").into()),
    }
}

fn text<'r>(request: &'r Value, name: &str) -> Answer<&'r str> {
    request[name]
        .as_str()
        .ok_or_else(|| format!("{name} is missing").into())
}

fn algorithm(request: &Value) -> Answer<Algorithm> {
    Ok(text(request, "alg")?.parse()?)
}

fn describe() -> Value {
    let names: Vec<_> = Algorithm::ALL
        .iter()
        .map(|algorithm| algorithm.name())
        .collect();
    json!({
        "name": "tokenwright",
        "version": env!("CARGO_PKG_VERSION"),
        "algorithms": names,
        "forms": ["jwk", "pem", "paserk"],
        "locks": {
            "pkcs8": ["EdDSA", "ES256", "ES384", "ES512", "RS256"],
            "jwe": ["EdDSA", "ES256", "ES384", "ES512", "RS256", "HS256", "HS384", "HS512"],
        },
    })
}

fn exposed(secret: &SecretBytes) -> Answer<String> {
    Ok(String::from_utf8(secret.expose().to_vec())?)
}

/// A new key, in every form it has.
fn generate(algorithm: Algorithm) -> Answer {
    let key = SigningKey::generate(algorithm)?;
    let (mut secret, mut public) = (Map::new(), Map::new());
    let put = |forms: &mut Map<String, Value>, name: &str, text: String| {
        forms.insert(name.to_owned(), text.into());
    };
    match algorithm.format() {
        Format::Jwt => put(&mut secret, "jwk", exposed(&key.to_jwk()?)?),
        Format::Paseto => put(&mut secret, "paserk", exposed(&key.to_paserk()?)?),
    }
    if algorithm.is_symmetric() {
        // Whoever verifies holds the same secret.
        public = secret.clone();
    } else {
        let verifying = key.verifying_key();
        put(&mut secret, "pem", exposed(&key.to_pem()?)?);
        put(&mut public, "pem", verifying.to_pem()?);
        match algorithm.format() {
            Format::Jwt => put(&mut public, "jwk", verifying.to_jwk()?),
            Format::Paseto => put(&mut public, "paserk", verifying.to_paserk()?),
        }
    }
    Ok(json!({ "secret": secret, "public": public, "id": key.id().as_str() }))
}

fn signing_key(algorithm: Algorithm, key: &Value) -> Answer<SigningKey> {
    let (form, text) = (text(key, "form")?, text(key, "text")?);
    let options = ImportOptions::new().algorithm(algorithm);
    Ok(match form {
        "jwk" => SigningKey::from_jwk(text.as_bytes(), &options)?,
        "pem" => SigningKey::from_pem(text.as_bytes(), &options)?,
        "paserk" => SigningKey::from_paserk(text)?,
        other => return Err(format!("no form {other}").into()),
    })
}

fn verifying_key(algorithm: Algorithm, key: &Value) -> Answer<VerifyingKey> {
    if algorithm.is_symmetric() {
        return Ok(signing_key(algorithm, key)?.verifying_key());
    }
    let (form, text) = (text(key, "form")?, text(key, "text")?);
    let options = ImportOptions::new().algorithm(algorithm);
    Ok(match form {
        "jwk" => VerifyingKey::from_jwk(text.as_bytes(), &options)?,
        "pem" => VerifyingKey::from_pem(text.as_bytes(), &options)?,
        "paserk" => VerifyingKey::from_paserk(text)?,
        other => return Err(format!("no form {other}").into()),
    })
}

/// The id that a token may name: the one in the key text, or one derived from the key.
fn identify(request: &Value) -> Answer {
    let key = verifying_key(algorithm(request)?, &request["key"])?;
    Ok(json!({ "id": key.id().as_str() }))
}

/// A time as the request gives it: seconds in a JWT, RFC 3339 in a PASETO.
fn time(value: &Value) -> Answer<UnixTime> {
    match value {
        Value::String(text) => Ok(UnixTime::parse_rfc3339(text)?),
        other => Ok(UnixTime::from_seconds(
            other.as_i64().ok_or("a time is missing")?,
        )),
    }
}

fn mint(request: &Value) -> Answer {
    let mut rest = request["claims"]
        .as_object()
        .ok_or("claims are missing")?
        .clone();
    let mut take = |name: &str| rest.remove(name).unwrap_or_default();
    let owned = |value: Value| value.as_str().unwrap_or_default().to_owned();
    let (issuer, audience, now) = (owned(take("iss")), owned(take("aud")), time(&take("iat"))?);
    let claims = Claims::for_subject(owned(take("sub")))
        .with_expiry(time(&take("exp"))?)
        .with_not_before(time(&take("nbf"))?)
        .with_token_id(owned(take("jti")))
        .with_session_id(owned(take("sid")))
        .with_scope(owned(take("scope")))
        .with_custom(rest);
    let minter = Minter::builder(signing_key(algorithm(request)?, &request["key"])?, issuer)
        .audience(audience)
        .lifetime(Duration::from_secs(3600))
        .token_ids(TokenIds::Absent)
        .build()?;
    let mut options = MintOptions::new().at(now);
    if algorithm(request)?.format() == Format::Paseto {
        options = options.footer(text(request, "footer")?.as_bytes());
        options = options.assertion(text(request, "implicit")?.as_bytes());
    }
    Ok(json!({ "token": minter.mint_with(&claims, options)? }))
}

fn verify(request: &Value) -> Answer {
    let key = verifying_key(algorithm(request)?, &request["key"])?;
    let format = key.algorithm().format();
    let policy = Policy::new(text(request, "iss")?, text(request, "aud")?);
    let verifier = Verifier::builder(KeySet::of([key])?)
        .policy(policy)
        .without_revocation()
        .build();
    let assertion = request["implicit"].as_str().unwrap_or_default();
    let presented = Presented::new(text(request, "token")?).with_assertion(assertion.as_bytes());
    let verified = verifier.verify_as::<Map<String, Value>>(presented)?;
    let footer = String::from_utf8_lossy(verified.footer()).into_owned();
    Ok(json!({ "claims": all_claims(format, &verified), "footer": footer }))
}

/// The claims as one JSON object again, to be compared with what was minted.
fn all_claims(
    format: Format,
    verified: &Verified<Claims<Map<String, Value>>>,
) -> Map<String, Value> {
    let mut all = verified.custom().clone();
    let texts = [
        ("iss", verified.issuer()),
        ("sub", verified.subject()),
        ("jti", verified.token_id()),
        ("sid", verified.session_id()),
        ("scope", verified.scope()),
    ];
    for (name, value) in texts {
        all.extend(value.map(|value| (name.to_owned(), value.into())));
    }
    let times = [
        ("exp", verified.expires_at()),
        ("nbf", verified.not_before()),
        ("iat", verified.issued_at()),
    ];
    for (name, value) in times {
        let written = value.map(|at| match format {
            Format::Jwt => Value::from(at.seconds()),
            Format::Paseto => Value::from(at.to_rfc3339()),
        });
        all.extend(written.map(|value| (name.to_owned(), value)));
    }
    all.insert("aud".to_owned(), verified.audience().into());
    all
}

fn lock(request: &Value) -> Answer {
    let algorithm = algorithm(request)?;
    let passphrase = SecretBytes::from(text(request, "passphrase")?.as_bytes().to_vec());
    let key = SigningKey::generate(algorithm)?;
    let text = match text(request, "form")? {
        "pkcs8" => key.to_encrypted_pem(&passphrase)?,
        "jwe" => key.to_locked_jwk(&passphrase)?,
        other => return Err(format!("no lock {other}").into()),
    };
    let public = if algorithm.is_symmetric() {
        exposed(&key.to_jwk()?)?
    } else {
        key.verifying_key().to_jwk()?
    };
    Ok(json!({ "text": text, "public": { "form": "jwk", "text": public } }))
}

fn unlock(request: &Value) -> Answer {
    let passphrase = SecretBytes::from(text(request, "passphrase")?.as_bytes().to_vec());
    let options = ImportOptions::new()
        .algorithm(algorithm(request)?)
        .passphrase(&passphrase);
    let locked = text(request, "text")?;
    let key = match text(request, "form")? {
        "pkcs8" => SigningKey::from_pem(locked.as_bytes(), &options)?,
        "jwe" => SigningKey::from_locked_jwk(locked, &options)?,
        other => return Err(format!("no lock {other}").into()),
    };
    Ok(json!({ "secret": { "form": "jwk", "text": exposed(&key.to_jwk()?)? } }))
}

fn integer(request: &Value, name: &str) -> Answer<u64> {
    request[name]
        .as_u64()
        .ok_or_else(|| format!("{name} is missing").into())
}

/// A signed status list with these statuses, in order.
fn publish(request: &Value) -> Answer {
    let bits = match integer(request, "bits")? {
        1 => StatusBits::One,
        2 => StatusBits::Two,
        4 => StatusBits::Four,
        8 => StatusBits::Eight,
        other => return Err(format!("no list of {other} bits").into()),
    };
    let statuses = request["statuses"]
        .as_array()
        .ok_or("statuses are missing")?;
    let mut list = StatusList::new(bits, u64::try_from(statuses.len())?)?;
    for (index, status) in (0..).zip(statuses) {
        let status = u8::try_from(status.as_u64().ok_or("a status is no number")?)?;
        list.set(index, Status::from(status))?;
    }
    let (issued_at, ends) = (time(&request["iat"])?, time(&request["exp"])?);
    let token = StatusListToken::new(text(request, "uri")?, list, issued_at, Some(ends))
        .with_time_to_live(Duration::from_secs(integer(request, "ttl")?));
    let key = signing_key(algorithm(request)?, &request["key"])?;
    Ok(json!({ "token": token.sign(&key)? }))
}

/// Every status of a signed list that was found at a URI.
fn look_up(request: &Value) -> Answer {
    let key = verifying_key(algorithm(request)?, &request["key"])?;
    let reader = StatusListReader::new(key, Duration::from_secs(30));
    let (uri, token) = (text(request, "uri")?, text(request, "token")?);
    let token = reader.read(uri, token, SystemClock.now())?;
    let list = token.list();
    let statuses: Vec<u8> = (0..list.len())
        .filter_map(|index| list.get(index))
        .map(Status::value)
        .collect();
    let time_to_live = token.time_to_live().map(|span| span.as_secs());
    Ok(json!({ "bits": list.bits().count(), "statuses": statuses, "ttl": time_to_live }))
}
