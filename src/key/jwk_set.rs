//! Sets of keys as other services publish them (RFC 7517 section 5).
//!
//! A member that cannot be used is left out with its reason and never spoils the
//! others; a set that cannot be understood without guessing is refused whole.

use std::collections::BTreeSet;
use std::fmt;

use super::error::{KeyError, KeyErrorKind};
use super::import::ImportOptions;
use super::jwk::{self, Paseto};
use super::jwk_members::{Members, Operation};
use super::signing::SigningKey;
use super::verifying::VerifyingKey;
use crate::encoding::json::{self, Array, Bounds, JsonError, Text, Value};
use crate::error::{ErrorClass, Quoted};
use crate::limits::{MAX_JWKS_BYTES, MAX_JWKS_KEYS};
use crate::time::UnixTime;

/// The keys of a JWK set that can verify, and what was left out.
///
/// No two keys have one id, and either all of them are public or all are shared secrets.
///
/// ```
/// use tokenwright::key::{ImportOptions, JwkSet};
/// let set = JwkSet::parse(
///     br#"{"keys": [7, {"kty":"OKP","crv":"Ed25519","kid":"k1",
///         "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
///     &ImportOptions::new(),
/// )?;
/// assert_eq!(set.keys().len(), 1);
/// assert_eq!(
///     set.skipped()[0].to_string(),
///     "member 0 of the key set: malformed_key: it is not a JSON object"
/// );
/// # Ok::<(), tokenwright::key::JwkSetError>(())
/// ```
#[derive(Clone, Debug)]
pub struct JwkSet {
    keys: Vec<VerifyingKey>,
    skipped: Vec<SkippedMember>,
    complete_until: Option<UnixTime>,
}

impl JwkSet {
    /// Reads a set of public keys.
    ///
    /// An algorithm in the options goes to the members that name none and could be
    /// used for it; a member that names another one is left out.
    ///
    /// # Errors
    /// Every [`JwkSetErrorKind`]; a set of shared secrets is one of them, see
    /// [`JwkSet::parse_secret`].
    pub fn parse(bytes: &[u8], options: &ImportOptions<'_>) -> Result<Self, JwkSetError> {
        Self::read(bytes, options, Family::Public)
    }

    /// Reads a set of shared secrets (`kty` `oct`), which must come from a private
    /// place. Every secret comes in as a key that verifies.
    ///
    /// # Errors
    /// Every [`JwkSetErrorKind`]; a public key among the members is one of them.
    pub fn parse_secret(bytes: &[u8], options: &ImportOptions<'_>) -> Result<Self, JwkSetError> {
        Self::read(bytes, options, Family::Shared)
    }

    /// Puts keys together for publishing.
    ///
    /// # Errors
    /// [`JwkSetErrorKind::DuplicateKeyId`], [`JwkSetErrorKind::SharedSecret`] for a
    /// shared secret and [`JwkSetErrorKind::TooManyKeys`].
    pub fn of(keys: impl IntoIterator<Item = VerifyingKey>) -> Result<Self, JwkSetError> {
        let keys: Vec<VerifyingKey> = keys.into_iter().collect();
        if keys.iter().any(|key| key.algorithm().is_symmetric()) {
            return Err(JwkSetError::of(JwkSetErrorKind::SharedSecret));
        }
        if keys.len() > MAX_JWKS_KEYS {
            return Err(JwkSetError::of(JwkSetErrorKind::TooManyKeys));
        }
        refuse_duplicates(&keys)?;
        Ok(Self {
            keys,
            skipped: Vec::new(),
            complete_until: None,
        })
    }

    /// The same set with a promise of its publisher: no key that is not in it signs
    /// before this instant, in whole seconds, rounded down.
    ///
    /// ```
    /// use tokenwright::UnixTime;
    /// use tokenwright::key::{Algorithm, JwkSet, SigningKey};
    /// let key = SigningKey::generate(Algorithm::EdDsa)?.verifying_key();
    /// let set = JwkSet::of([key])?.promising(UnixTime::from_seconds(1_760_000_000));
    /// assert!(set.to_json()?.ends_with("],\"complete_until\":1760000000}\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn promising(mut self, complete_until: UnixTime) -> Self {
        self.complete_until = Some(UnixTime::from_seconds(complete_until.seconds()));
        self
    }

    /// Until when the publisher promises that no other key signs: the member
    /// `complete_until`, a number of whole seconds since 1970. Other readers of key
    /// sets ignore it (RFC 7517 section 5). A set that gives it in any other form
    /// promises nothing.
    ///
    /// A verifier that knows it refuses an unknown key id without looking again.
    #[must_use]
    pub fn complete_until(&self) -> Option<UnixTime> {
        self.complete_until
    }

    /// The keys that can verify, in the order of the set.
    #[must_use]
    pub fn keys(&self) -> &[VerifyingKey] {
        &self.keys
    }

    /// The keys that can verify, by value.
    #[must_use]
    pub fn into_keys(self) -> Vec<VerifyingKey> {
        self.keys
    }

    /// The members that were left out, each with its reason.
    #[must_use]
    pub fn skipped(&self) -> &[SkippedMember] {
        &self.skipped
    }

    /// Writes the keys as a published JWK set, one member to a line.
    ///
    /// # Errors
    /// [`KeyErrorKind::NoSuchForm`](super::KeyErrorKind::NoSuchForm) when the set holds
    /// shared secrets or PASETO keys.
    pub fn to_json(&self) -> Result<String, KeyError> {
        let members: Result<Vec<String>, KeyError> =
            self.keys.iter().map(VerifyingKey::to_jwk).collect();
        let promise = self
            .complete_until
            .map(|until| format!(",\"complete_until\":{}", until.seconds()));
        Ok(format!(
            "{{\"keys\":[\n{}\n]{}}}\n",
            members?.join(",\n"),
            promise.unwrap_or_default()
        ))
    }

    fn read(
        bytes: &[u8],
        options: &ImportOptions<'_>,
        wanted: Family,
    ) -> Result<Self, JwkSetError> {
        let (members, complete_until) = members_of(bytes)?;
        check_families(&members, wanted)?;
        check_ids(&members)?;
        let mut keys = Vec::new();
        let mut skipped = Vec::new();
        for (position, member) in members.into_iter().enumerate() {
            match read_member(member, options, wanted) {
                Ok(key) => keys.push(key),
                Err(reason) => skipped.push(SkippedMember { position, reason }),
            }
        }
        // A derived id can still meet a named one.
        refuse_duplicates(&keys)?;
        Ok(Self {
            keys,
            skipped,
            complete_until,
        })
    }
}

/// A member of a JWK set that is not used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedMember {
    position: usize,
    reason: KeyError,
}

impl SkippedMember {
    /// Its place in `keys`, counted from 0.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// Why it is not used.
    #[must_use]
    pub fn reason(&self) -> &KeyError {
        &self.reason
    }
}

impl fmt::Display for SkippedMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "member {} of the key set: {}",
            self.position, self.reason
        )
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Public,
    Shared,
}

/// The members of `keys`, and the publisher's promise.
fn members_of(bytes: &[u8]) -> Result<(Vec<Value<'_>>, Option<UnixTime>), JwkSetError> {
    if bytes.len() > MAX_JWKS_BYTES {
        return Err(JwkSetError::of(JwkSetErrorKind::TooLong));
    }
    let mut keys: Option<Value<'_>> = None;
    let mut complete_until = None;
    json::object(bytes, Bounds::TOKEN, |name, value| {
        if name.is("keys") {
            keys = Some(value);
        } else if name.is("complete_until") {
            complete_until = whole_seconds(&value);
        }
        Ok(())
    })
    .map_err(|error: JsonError| JwkSetError {
        kind: JwkSetErrorKind::NotASet,
        detail: error.to_string(),
    })?;
    let members: Array<'_> = match keys {
        Some(Value::Array(members)) => members,
        Some(_) => return Err(not_a_set("\"keys\" is not an array")),
        None => return Err(not_a_set("there is no \"keys\"")),
    };
    let members: Vec<Value<'_>> = members
        .iter()
        .take(MAX_JWKS_KEYS.saturating_add(1))
        .collect();
    if members.len() > MAX_JWKS_KEYS {
        return Err(JwkSetError::of(JwkSetErrorKind::TooManyKeys));
    }
    Ok((members, complete_until))
}

fn whole_seconds(value: &Value<'_>) -> Option<UnixTime> {
    let Value::Number(text) = value else {
        return None;
    };
    text.parse().ok().map(UnixTime::from_seconds)
}

/// A set admits one family, judged by `kty` alone: a member that says `oct` counts
/// even if it is unusable, because a secret does not belong beside public keys.
fn check_families(members: &[Value<'_>], wanted: Family) -> Result<(), JwkSetError> {
    let families: Vec<Family> = members.iter().filter_map(family_of).collect();
    let shared = families.contains(&Family::Shared);
    let public = families.contains(&Family::Public);
    match (shared, public, wanted) {
        (true, true, _) => Err(JwkSetError::of(JwkSetErrorKind::MixedFamilies)),
        (true, false, Family::Public) => Err(JwkSetError::of(JwkSetErrorKind::SharedSecret)),
        (false, true, Family::Shared) => Err(JwkSetError::of(JwkSetErrorKind::PublicKey)),
        _ => Ok(()),
    }
}

/// Two members of a known kind with one `kid` make the set ambiguous, also when one
/// of them is unusable: which of them the issuer means is not for us to guess. A key
/// that says it is for encryption is none of ours, whatever its id.
fn check_ids(members: &[Value<'_>]) -> Result<(), JwkSetError> {
    let mut seen = BTreeSet::new();
    for member in members.iter().filter(|member| family_of(member).is_some()) {
        let Value::Object(object) = member else {
            continue;
        };
        let for_encryption = |(name, value): (Text<'_>, Value<'_>)| {
            name.is("use") && matches!(value, Value::String(text) if text.is("enc"))
        };
        if object.iter().any(for_encryption) {
            continue;
        }
        let named = object.iter().find(|(name, _)| name.is("kid"));
        let Some((_, Value::String(id))) = named else {
            continue;
        };
        let id = id.to_cow();
        if seen.contains(&id) {
            return Err(duplicate(&id));
        }
        seen.insert(id);
    }
    Ok(())
}

fn duplicate(id: &str) -> JwkSetError {
    JwkSetError {
        kind: JwkSetErrorKind::DuplicateKeyId,
        detail: format!("two keys have the id {}", Quoted(id)),
    }
}

fn family_of(member: &Value<'_>) -> Option<Family> {
    let Value::Object(member) = member else {
        return None;
    };
    let kind = member.iter().find(|(name, _)| name.is("kty"));
    match kind {
        Some((_, Value::String(kind))) if kind.is("oct") => Some(Family::Shared),
        Some((_, Value::String(kind))) => ["OKP", "EC", "RSA"]
            .into_iter()
            .any(|known| kind.is(known))
            .then_some(Family::Public),
        _ => None,
    }
}

fn read_member(
    member: Value<'_>,
    options: &ImportOptions<'_>,
    wanted: Family,
) -> Result<VerifyingKey, KeyError> {
    jwk::check_length(member.raw().len())?;
    let Value::Object(object) = member else {
        return Err(KeyError::explained(
            KeyErrorKind::Malformed,
            "it is not a JSON object",
        ));
    };
    let mut members = Members::default();
    for (name, value) in object.iter() {
        members.take(name, value);
    }
    match wanted {
        Family::Public => {
            let read = match (
                jwk::read_public(&members, options),
                options.for_open_member(),
            ) {
                (Err(error), Some(options)) if error.kind() == KeyErrorKind::AlgorithmNeeded => {
                    jwk::read_public(&members, &options)
                }
                (read, _) => read,
            };
            let (algorithm, id, material) = read?;
            VerifyingKey::from_material(algorithm, id, material)
        }
        Family::Shared => {
            let asked = options.asked_algorithm();
            let (algorithm, id, material) =
                jwk::read_secret(&members, asked, Operation::Verify, Paseto::Refused)?;
            Ok(SigningKey::from_material(algorithm, id, material)?.verifying_key())
        }
    }
}

/// Two keys with one id cannot be told apart by the `kid` of a token.
fn refuse_duplicates(keys: &[VerifyingKey]) -> Result<(), JwkSetError> {
    let mut seen = BTreeSet::new();
    match keys.iter().find(|key| !seen.insert(key.id())) {
        Some(twin) => Err(duplicate(twin.id().as_str())),
        None => Ok(()),
    }
}

/// Why a whole JWK set was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JwkSetErrorKind {
    /// It is not a JSON object with an array `keys`.
    NotASet,
    /// It is longer than [`MAX_JWKS_BYTES`].
    TooLong,
    /// It has more members than [`MAX_JWKS_KEYS`].
    TooManyKeys,
    /// Two keys have one id.
    DuplicateKeyId,
    /// Public keys and shared secrets stand in one set.
    MixedFamilies,
    /// A shared secret stands where public keys are expected.
    SharedSecret,
    /// A public key stands where shared secrets are expected.
    PublicKey,
}

/// A JWK set that was refused whole, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwkSetError {
    kind: JwkSetErrorKind,
    detail: String,
}

impl JwkSetError {
    fn of(kind: JwkSetErrorKind) -> Self {
        let detail = match kind {
            JwkSetErrorKind::NotASet => "it is not a JWK set".to_owned(),
            JwkSetErrorKind::TooLong => {
                format!("a JWK set is at most {MAX_JWKS_BYTES} bytes long")
            }
            JwkSetErrorKind::TooManyKeys => {
                format!("a JWK set has at most {MAX_JWKS_KEYS} members")
            }
            JwkSetErrorKind::DuplicateKeyId => "two keys have one id".to_owned(),
            JwkSetErrorKind::MixedFamilies => {
                "public keys and shared secrets stand in one set".to_owned()
            }
            JwkSetErrorKind::SharedSecret => {
                "a shared secret stands in a public key set; if the set is private, \
                 read it as a set of secrets"
                    .to_owned()
            }
            JwkSetErrorKind::PublicKey => {
                "a public key stands in a set of shared secrets".to_owned()
            }
        };
        Self { kind, detail }
    }

    /// What was wrong, for a program.
    #[must_use]
    pub fn kind(&self) -> JwkSetErrorKind {
        self.kind
    }

    /// The stable name of the kind.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.kind {
            JwkSetErrorKind::NotASet => "malformed_key_set",
            JwkSetErrorKind::TooLong => "key_set_too_long",
            JwkSetErrorKind::TooManyKeys => "too_many_keys",
            JwkSetErrorKind::DuplicateKeyId => "duplicate_key_id",
            JwkSetErrorKind::MixedFamilies => "mixed_key_families",
            JwkSetErrorKind::SharedSecret => "shared_secret_in_public_set",
            JwkSetErrorKind::PublicKey => "public_key_in_secret_set",
        }
    }

    /// Who must act: always the operator, since keys are configuration.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        ErrorClass::Operator
    }
}

fn not_a_set(detail: &str) -> JwkSetError {
    JwkSetError {
        kind: JwkSetErrorKind::NotASet,
        detail: detail.to_owned(),
    }
}

impl fmt::Display for JwkSetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.detail)
    }
}

impl std::error::Error for JwkSetError {}

#[cfg(test)]
mod tests;
