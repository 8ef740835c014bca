//! Cases of IETF Token Status Lists: a list, a claim that points into one, or a
//! signed list.

use std::time::Duration;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::status_list::{StatusList, StatusListReader, StatusListToken};
use tokenwright::{KeySet, Presented, Scratch, UnixTime, Verifier, dangerous, sign_raw};

/// What became of a case: refused with words, or read and as the case says, or not.
pub(super) type Judged = Result<Result<(), String>, String>;

type Case = Map<String, Value>;

/// Kind `status-list`: the member `status_list` is decoded, and what the case says of
/// its statuses compared.
pub(super) fn list(case: &Case) -> Judged {
    let Some(value) = case.get("status_list") else {
        return Ok(Err("the case has no status_list".to_owned()));
    };
    let list = decode(value)?;
    let again = StatusList::from_json(list.to_json().as_bytes());
    if again.as_ref() != Ok(&list) {
        return Ok(Err("it does not come back as it was".to_owned()));
    }
    says(case, &list, case.get("idx"))
}

/// Kind `status-claim`: the claim travels in a token, and its index is looked up in
/// the list of the case.
pub(super) fn claim(case: &Case) -> Judged {
    let (Some(status), Some(value)) = (case.get("status"), case.get("status_list")) else {
        return Ok(Err("the case lacks status or status_list".to_owned()));
    };
    let list = decode(value)?;
    let (index, _) = reference(status)?;
    let found = list
        .get(index)
        .ok_or("the index lies past the end of the list")?;
    Ok(compare(case.get("status_value"), u64::from(found.value())))
}

/// Kind `statuslist-jwt`: a signed list, judged with the keys of the case as it was
/// fetched from the URI of the case.
pub(super) fn token(case: &Case, key_sets: Vec<KeySet>) -> Judged {
    let Some(text) = case.get("token").and_then(Value::as_str) else {
        return Ok(Err("the case has no token".to_owned()));
    };
    let options = case.get("options").cloned().unwrap_or_default();
    let now = options.get("now").or_else(|| case.get("now"));
    let Some(now) = now.and_then(Value::as_i64) else {
        return Ok(Err("the case has no options.now".to_owned()));
    };
    let status = case
        .get("status")
        .map(reference)
        .transpose()
        .map_err(|reason| format!("status: {reason}"))?;
    let uri = match (named_uri(case, &options), &status) {
        (Some(uri), _) => uri,
        (None, Some((_, uri))) => uri.clone(),
        // A case without a URI asks about everything else.
        (None, None) => own_subject(text).ok_or("the token has no sub")?,
    };
    let leeway = options.get("leeway").and_then(Value::as_u64).unwrap_or(0);
    if key_sets.is_empty() {
        return Err("no key of the case is allowed".to_owned());
    }
    let mut refusal = String::new();
    for keys in key_sets {
        let reader = StatusListReader::new(keys, Duration::from_secs(leeway));
        match reader.read(&uri, text, UnixTime::from_seconds(now)) {
            Ok(token) => return token_says(case, &token, status.map(|(index, _)| index)),
            Err(error) => refusal = error.to_string(),
        }
    }
    Err(refusal)
}

fn decode(value: &Value) -> Result<StatusList, String> {
    StatusList::from_json(value.to_string().as_bytes()).map_err(|error| error.to_string())
}

/// The claim as a verifier reads it: out of a token that it has proven.
fn reference(status: &Value) -> Result<(u64, String), String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    let key = SigningKey::generate(Algorithm::EdDsa).map_err(|error| words(&error))?;
    let keys = KeySet::of([key.verifying_key()]).map_err(|error| words(&error))?;
    let payload = format!("{{\"exp\":2,\"status\":{status}}}");
    let token = sign_raw(&key, payload.as_bytes(), b"", b"").map_err(|error| words(&error))?;
    let mut scratch = Scratch::new();
    let verifier = Verifier::builder(keys)
        .policy(dangerous::any_issuer_and_audience().typ("JOSE"))
        .without_revocation()
        .build();
    let presented = Presented::new(&token).at(UnixTime::from_seconds(1));
    let verified = verifier
        .verify_borrowed(presented, &mut scratch)
        .map_err(|error| words(&error))?;
    let status = verified.status().ok_or("it names no status list")?;
    Ok((status.index(), status.uri().into_owned()))
}

fn named_uri(case: &Case, options: &Value) -> Option<String> {
    const NAMES: [&str; 5] = [
        "uri",
        "status_list_uri",
        "expected_uri",
        "sub",
        "expected_sub",
    ];
    let found = NAMES
        .iter()
        .find_map(|name| case.get(*name).or_else(|| options.get(*name)))?;
    found.as_str().map(str::to_owned)
}

fn own_subject(text: &str) -> Option<String> {
    let contents = dangerous::unverified_contents_within(text, text.len()).ok()?;
    let claims: Value = serde_json::from_slice(&contents.payload).ok()?;
    claims.get("sub")?.as_str().map(str::to_owned)
}

fn token_says(case: &Case, token: &StatusListToken, index: Option<u64>) -> Judged {
    let index = index.map(Value::from);
    let index = index.as_ref().or_else(|| case.get("idx"));
    for (name, found) in [
        ("iat", Some(token.issued_at().seconds())),
        ("exp", token.expires_at().map(UnixTime::seconds)),
        (
            "ttl",
            token
                .time_to_live()
                .and_then(|ttl| i64::try_from(ttl.as_secs()).ok()),
        ),
    ] {
        let expected = case.get(name).and_then(Value::as_i64);
        if expected.is_some() && expected != found {
            return Ok(Err(format!("{name} is {found:?}")));
        }
    }
    says(case, token.list(), index)
}

/// Compares a list with everything the case says about it.
fn says(case: &Case, list: &StatusList, index: Option<&Value>) -> Judged {
    if let Some(size) = case.get("size").and_then(Value::as_u64)
        && size != list.len()
    {
        return Ok(Err(format!("it has {} places", list.len())));
    }
    if let Some(bits) = case.get("bits").and_then(Value::as_u64)
        && bits != u64::from(list.bits().count())
    {
        return Ok(Err(format!("it has {} bits", list.bits().count())));
    }
    for (name, found) in [
        ("decoded_hex", hex(list.as_bytes())),
        ("decoded_sha256", hex(&Sha256::digest(list.as_bytes()))),
    ] {
        if let Some(expected) = case.get(name)
            && expected.as_str() != Some(found.as_str())
        {
            return Ok(Err(format!("{name} is another")));
        }
    }
    if let Err(reason) = statuses(case, list) {
        return Ok(Err(reason));
    }
    let Some(index) = index else {
        return Ok(Ok(()));
    };
    let index = index
        .as_u64()
        .ok_or("the index is no integer of 0 or more")?;
    let found = list
        .get(index)
        .ok_or("the index lies past the end of the list")?;
    Ok(compare(case.get("status_value"), u64::from(found.value())))
}

/// `statuses` in order or by index, and `nonzero`, which names all that are not 0.
fn statuses(case: &Case, list: &StatusList) -> Result<(), String> {
    let at = |index: u64, expected: &Value| match list.get(index) {
        Some(found) => compare(Some(expected), u64::from(found.value()))
            .map_err(|reason| format!("index {index}: {reason}")),
        None => Err(format!("there is no index {index}")),
    };
    let named = |object: &Map<String, Value>| {
        object.iter().try_for_each(|(index, expected)| {
            let index = index.parse().map_err(|_| format!("index {index:?}"))?;
            at(index, expected)
        })
    };
    match case.get("statuses") {
        None => {}
        Some(Value::Array(all)) => (0..)
            .zip(all)
            .try_for_each(|(index, expected)| at(index, expected))?,
        Some(Value::Object(some)) => named(some)?,
        Some(_) => return Err("statuses is neither array nor object".to_owned()),
    }
    match case.get("nonzero") {
        None => Ok(()),
        Some(Value::Object(all)) if all.len() == list.not_valid().count() => named(all),
        Some(_) => Err(format!("{} are not 0", list.not_valid().count())),
    }
}

fn compare(expected: Option<&Value>, found: u64) -> Result<(), String> {
    match expected {
        Some(expected) if expected.as_u64() != Some(found) => {
            Err(format!("the status is {found}, not {expected}"))
        }
        _ => Ok(()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
