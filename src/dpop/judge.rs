//! Judging one proof: form, key, signature, and then what it says (RFC 9449 section 4.3).

use sha2::{Digest as _, Sha256};

use super::address::Address;
use crate::encoding::base64url;
use crate::encoding::json::{self, Bounds, JsonError, Text, Value};
use crate::error::excerpt;
use crate::key::{Algorithm, ProofKey, Unopened};
use crate::limits::{MAX_PROOF_BYTES, MAX_PROOF_ID_BYTES};
use crate::time::UnixTime;
use crate::token::{
    KeyThumbprint, ProofError, ProofErrorKind as Kind, Scratch, UntrustedToken, same_media_type,
};

/// The type of a proof (section 4.2).
const PROOF_TYPE: &str = "dpop+jwt";

/// The request that a proof must be for.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) address: &'a str,
    /// The access token that came with it, if one did.
    pub(super) token: Option<&'a str>,
}

/// The times between which a proof must have been made.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) since: UnixTime,
    pub(super) until: UnixTime,
}

/// A proof whose signature is that of the key it names.
pub(super) struct Opened<'t> {
    pub(super) key: KeyThumbprint,
    payload: &'t [u8],
}

/// What an authentic proof says.
pub(super) struct Statement<'t> {
    pub(super) proof_id: Text<'t>,
    pub(super) made: UnixTime,
    method: Text<'t>,
    address: Text<'t>,
    token_digest: Option<Text<'t>>,
    nonce: Option<Text<'t>>,
}

/// Checks everything up to the signature: nothing is dispatched on the proof's word,
/// and no claim is read before. A key other than the one expected is not even vetted.
pub(super) fn open<'t>(
    text: &'t str,
    accepted: &[Algorithm],
    expected: Option<&KeyThumbprint>,
    scratch: &'t mut Scratch,
) -> Result<Opened<'t>, ProofError> {
    let proof =
        UntrustedToken::parse_within(text, MAX_PROOF_BYTES, scratch).map_err(Kind::Malformed)?;
    check_type(&proof)?;
    let algorithm = accepted_algorithm(&proof, accepted)?;
    if let Some(member) = proof.extension() {
        return Err(Kind::UnsupportedExtension { member }.into());
    }
    let bad_key = |reason: String| Kind::BadKey { reason };
    let key = ProofKey::read(embedded_key(&proof)?.as_bytes(), algorithm)
        .map_err(|error| bad_key(error.to_string()))?;
    let thumbprint = key.thumbprint();
    if expected.is_some_and(|expected| *expected != thumbprint) {
        return Err(Kind::OtherKey.into());
    }
    match key.open(proof) {
        Ok(payload) => Ok(Opened {
            key: thumbprint,
            payload,
        }),
        Err(Unopened::Key(error)) => Err(bad_key(error.to_string()).into()),
        Err(Unopened::Signature) => Err(Kind::BadSignature.into()),
        Err(Unopened::Payload(malformation)) => Err(Kind::Malformed(malformation).into()),
    }
}

fn check_type(proof: &UntrustedToken<'_>) -> Result<(), ProofError> {
    let found = proof.untrusted_type();
    if found
        .as_deref()
        .is_some_and(|found| same_media_type(PROOF_TYPE, found))
    {
        return Ok(());
    }
    let found = found.as_deref().map(excerpt);
    Err(Kind::TypeMismatch { found }.into())
}

fn accepted_algorithm(
    proof: &UntrustedToken<'_>,
    accepted: &[Algorithm],
) -> Result<Algorithm, ProofError> {
    let found = accepted
        .iter()
        .find(|algorithm| proof.claims_algorithm(algorithm.name()));
    found.copied().ok_or_else(|| {
        let found = excerpt(&proof.untrusted_algorithm());
        Kind::AlgorithmRefused { found }.into()
    })
}

/// The text of the member `jwk`, an object (section 4.2).
fn embedded_key<'t>(proof: &UntrustedToken<'t>) -> Result<&'t str, ProofError> {
    let mut found = None;
    let header = proof.untrusted_header().unwrap_or_default();
    let read = json::object(header, Bounds::TOKEN, |name: Text<'t>, value: Value<'t>| {
        if name.is("jwk") {
            found = Some(value);
        }
        Ok::<(), JsonError>(())
    });
    match (read, found) {
        (Ok(()), Some(value @ Value::Object(_))) => Ok(value.raw()),
        _ => Err(Kind::BadKey {
            reason: "the header has no member \"jwk\" that is an object".to_owned(),
        }
        .into()),
    }
}

impl<'t> Opened<'t> {
    /// Reads the claims: one of the wrong type is an error and never "absent".
    pub(super) fn statement(&self) -> Result<Statement<'t>, ProofError> {
        let (mut proof_id, mut made, mut method) = (None, None, None);
        let (mut address, mut token_digest, mut nonce) = (None, None, None);
        let visit = |name: Text<'t>, value: Value<'t>| {
            match &*name.to_cow() {
                "jti" => proof_id = Some(string(value, "jti")?),
                "htm" => method = Some(string(value, "htm")?),
                "htu" => address = Some(string(value, "htu")?),
                "iat" => made = Some(time(value)?),
                "ath" => token_digest = Some(string(value, "ath")?),
                "nonce" => nonce = Some(string(value, "nonce")?),
                _ => {}
            }
            Ok::<(), BadClaim>(())
        };
        json::object(self.payload, Bounds::TOKEN, visit).map_err(BadClaim::into_kind)?;
        let missing = |name| Kind::MissingClaim { name };
        Ok(Statement {
            proof_id: proof_id.ok_or(missing("jti"))?,
            made: made.ok_or(missing("iat"))?,
            method: method.ok_or(missing("htm"))?,
            address: address.ok_or(missing("htu"))?,
            token_digest,
            nonce,
        }
        .with_proof_id_in_bounds()?)
    }
}

impl Statement<'_> {
    fn with_proof_id_in_bounds(self) -> Result<Self, Kind> {
        match self.proof_id.to_cow().len() {
            1..=MAX_PROOF_ID_BYTES => Ok(self),
            found => Err(Kind::BadClaims {
                reason: format!("jti must have 1 to {MAX_PROOF_ID_BYTES} bytes, found {found}"),
            }),
        }
    }

    /// Whether the proof is for this request. Methods are compared with regard to case
    /// (RFC 9110 section 9.1).
    pub(super) fn is_for(&self, request: Request<'_>) -> Result<(), ProofError> {
        if !self.method.is(request.method) {
            return Err(Kind::OtherMethod {
                expected: excerpt(request.method),
                found: excerpt(&self.method.to_cow()),
            }
            .into());
        }
        let found = self.address.to_cow();
        let expected = Address::of_request(request.address);
        if expected.is_none() || expected != Address::parse(&found) {
            return Err(Kind::OtherAddress {
                expected: excerpt(request.address),
                found: excerpt(&found),
            }
            .into());
        }
        let Some(token) = request.token else {
            return Ok(());
        };
        let digest = base64url::encode(&Sha256::digest(token.as_bytes()));
        match self.token_digest {
            Some(found) if found.is(&digest) => Ok(()),
            Some(_) => Err(Kind::OtherToken.into()),
            None => Err(Kind::MissingClaim { name: "ath" }.into()),
        }
    }

    /// Whether the proof has a nonce that is accepted.
    pub(super) fn has_nonce(&self, accepts: impl FnOnce(&str) -> bool) -> Result<(), ProofError> {
        match self.nonce {
            Some(nonce) if accepts(&nonce.to_cow()) => Ok(()),
            Some(_) | None => Err(Kind::NonceNeeded.into()),
        }
    }

    /// Whether the proof was made at a time that is accepted.
    pub(super) fn is_timely(&self, window: Window) -> Result<(), ProofError> {
        let at = self.made;
        if at < window.since {
            let since = window.since;
            return Err(Kind::TooOld { at, since }.into());
        }
        if at > window.until {
            let until = window.until;
            return Err(Kind::FromTheFuture { at, until }.into());
        }
        Ok(())
    }
}

enum BadClaim {
    Json(JsonError),
    Type(&'static str, &'static str),
}

impl BadClaim {
    fn into_kind(self) -> Kind {
        let reason = match self {
            Self::Json(error) => error.to_string(),
            Self::Type(name, expected) => format!("{name} must be {expected}"),
        };
        Kind::BadClaims { reason }
    }
}

impl From<JsonError> for BadClaim {
    fn from(error: JsonError) -> Self {
        Self::Json(error)
    }
}

fn string<'t>(value: Value<'t>, name: &'static str) -> Result<Text<'t>, BadClaim> {
    match value {
        Value::String(text) => Ok(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(BadClaim::Type(name, "a string"))
        }
    }
}

fn time(value: Value<'_>) -> Result<UnixTime, BadClaim> {
    let read = match value {
        Value::Number(digits) => UnixTime::from_json_number(digits),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    };
    read.ok_or(BadClaim::Type("iat", "a number of seconds since 1970"))
}
