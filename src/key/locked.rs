//! Keys locked with a passphrase as an encrypted JWK (RFC 7517 appendix C): a JWE in
//! compact serialization that holds a JWK. Shared secrets have no PEM form, so this
//! is how they are kept.

use std::num::NonZeroU32;

use zeroize::Zeroizing;

use super::crypto::envelope::{
    ContentKey, NONCE_BYTES, NotOpened, PassphraseKey, TAG_BYTES, WRAPPED_BYTES,
};
use super::entropy::{Entropy as _, SystemEntropy};
use super::error::{KeyError, KeyErrorKind};
use super::import::ImportOptions;
use super::jwk::{self, Paseto};
use super::jwk_members::Operation;
use super::signing::SigningKey;
use crate::encoding::base64url;
use crate::encoding::json::{self, Bounds, JsonError, Text, Value};
use crate::error::Quoted;
use crate::limits::{MAX_HEADER_BYTES, MAX_JWK_BYTES, MAX_LOCKED_JWK_ROUNDS};
use crate::secret::SecretBytes;

const ALGORITHM: &str = "PBES2-HS512+A256KW";
const ENCRYPTION: &str = "A256GCM";
const CONTENT_TYPE: &str = "jwk+json";

/// Rounds of PBKDF2-HMAC-SHA512 for the keys we lock, as the OWASP password storage
/// guide advises.
const ROUNDS: NonZeroU32 = match NonZeroU32::new(210_000) {
    Some(rounds) => rounds,
    None => NonZeroU32::MIN,
};

const SALT_BYTES: usize = 16;
/// Lengths of `p2s` that are accepted: RFC 7518 section 4.8.1.1 asks for 8 or more.
const SALT_RANGE: std::ops::RangeInclusive<usize> = 8..=128;

impl SigningKey {
    /// Locks the key with a passphrase as an encrypted JWK. Any JWT key can be locked,
    /// and a v4.local secret; for other PASETO keys use encrypted PEM.
    ///
    /// ```
    /// use tokenwright::SecretBytes;
    /// use tokenwright::key::{Algorithm, ImportOptions, SigningKey};
    /// # if cfg!(not(feature = "aws-lc")) { return Ok(()); }
    /// let passphrase = SecretBytes::from(b"correct horse battery staple".to_vec());
    /// let key = SigningKey::generate(Algorithm::Hs256)?;
    /// let locked = key.to_locked_jwk(&passphrase)?;
    /// let options = ImportOptions::new().passphrase(&passphrase);
    /// assert_eq!(SigningKey::from_locked_jwk(&locked, &options)?.id(), key.id());
    /// # Ok::<(), tokenwright::key::KeyError>(())
    /// ```
    ///
    /// # Errors
    /// [`KeyErrorKind::PassphraseNeeded`] for an empty passphrase,
    /// [`KeyErrorKind::NoSuchForm`] for a v4.public key.
    pub fn to_locked_jwk(&self, passphrase: &SecretBytes) -> Result<String, KeyError> {
        if passphrase.is_empty() {
            return Err(KeyError::explained(
                KeyErrorKind::PassphraseNeeded,
                "an empty passphrase locks nothing",
            ));
        }
        lock(&self.write_jwk(Paseto::Local)?, passphrase, ROUNDS)
    }

    /// Opens a key that was locked by [`SigningKey::to_locked_jwk`] or by another
    /// writer of `PBES2-HS512+A256KW` with `A256GCM`.
    ///
    /// # Errors
    /// [`KeyErrorKind::WrongPassphrase`], [`KeyErrorKind::PassphraseNeeded`],
    /// [`KeyErrorKind::TooCostly`] before any work is done,
    /// [`KeyErrorKind::UnsupportedEncryption`], and the kinds of
    /// [`SigningKey::from_jwk`] for what is inside.
    pub fn from_locked_jwk(text: &str, options: &ImportOptions<'_>) -> Result<Self, KeyError> {
        let envelope = Envelope::parse(text)?;
        let jwk = envelope.open(options.need_passphrase()?)?;
        let members = jwk::members_of(jwk.expose())?;
        let asked = options.asked_algorithm();
        let (algorithm, id, material) =
            jwk::read_secret(&members, asked, Operation::Sign, Paseto::Local)?;
        Self::from_material(algorithm, id, material)
    }
}

fn lock(
    jwk: &SecretBytes,
    passphrase: &SecretBytes,
    rounds: NonZeroU32,
) -> Result<String, KeyError> {
    let random = SystemEntropy;
    let mut salt = [0; SALT_BYTES];
    random.fill(&mut salt)?;
    let mut nonce = [0; NONCE_BYTES];
    random.fill(&mut nonce)?;
    let mut content = Zeroizing::new([0; 32]);
    random.fill(&mut *content)?;
    let content = ContentKey::new(content);

    let header = format!(
        r#"{{"alg":"{ALGORITHM}","enc":"{ENCRYPTION}","cty":"{CONTENT_TYPE}","p2s":"{}","p2c":{rounds}}}"#,
        base64url::encode(&salt)
    );
    let header = base64url::encode(header.as_bytes());
    let wrapped = PassphraseKey::derive(passphrase.expose(), &full_salt(&salt), rounds)
        .wrap(&content)
        .map_err(|NotOpened| engine_failed())?;
    let mut text = jwk.expose().to_vec();
    // What is encrypted in place is no longer secret once it is.
    let tag = content
        .seal(nonce, header.as_bytes(), &mut text)
        .map_err(|NotOpened| engine_failed())?;
    Ok(format!(
        "{header}.{}.{}.{}.{}",
        base64url::encode(&wrapped),
        base64url::encode(&nonce),
        base64url::encode(&text),
        base64url::encode(&tag)
    ))
}

/// `p2s` prefixed by the name of the algorithm and a zero byte (RFC 7518 section 4.8.1.1).
fn full_salt(salt: &[u8]) -> Vec<u8> {
    [ALGORITHM.as_bytes(), &[0], salt].concat()
}

/// A locked JWK whose header has been judged; nothing has been computed yet.
struct Envelope<'a> {
    header: &'a str,
    salt: Vec<u8>,
    rounds: NonZeroU32,
    wrapped: Vec<u8>,
    nonce: [u8; NONCE_BYTES],
    /// Ciphertext and tag, one after the other.
    sealed: Vec<u8>,
}

impl<'a> Envelope<'a> {
    fn parse(text: &'a str) -> Result<Self, KeyError> {
        if text.len() > MAX_JWK_BYTES.saturating_mul(2) {
            return Err(KeyError::explained(
                KeyErrorKind::TooLong,
                format!("a locked JWK holds at most {MAX_JWK_BYTES} bytes"),
            ));
        }
        let mut parts = text.splitn(6, '.');
        let mut part = || parts.next().ok_or_else(not_five_parts);
        let (header, wrapped, nonce, body, tag) = (part()?, part()?, part()?, part()?, part()?);
        if parts.next().is_some() {
            return Err(not_five_parts());
        }
        let (salt, rounds) = Header::parse(header)?.judge()?;
        let wrapped = exactly(decode(wrapped)?, WRAPPED_BYTES, "encrypted key")?;
        let nonce = decode(nonce)?
            .try_into()
            .map_err(|nonce: Vec<u8>| bad_length("nonce", NONCE_BYTES, nonce.len()))?;
        let mut sealed = decode(body)?;
        sealed.extend(exactly(decode(tag)?, TAG_BYTES, "tag")?);
        Ok(Self {
            header,
            salt,
            rounds,
            wrapped,
            nonce,
            sealed,
        })
    }

    fn open(self, passphrase: &SecretBytes) -> Result<SecretBytes, KeyError> {
        let wrong = |NotOpened| {
            KeyError::explained(
                KeyErrorKind::WrongPassphrase,
                "the passphrase does not open this key, or the text was changed",
            )
        };
        let content =
            PassphraseKey::derive(passphrase.expose(), &full_salt(&self.salt), self.rounds)
                .unwrap(&self.wrapped)
                .map_err(wrong)?;
        let mut buffer = Zeroizing::new(self.sealed);
        let length = content
            .open(self.nonce, self.header.as_bytes(), &mut buffer)
            .map_err(wrong)?
            .len();
        buffer.truncate(length);
        Ok(buffer.into())
    }
}

/// The members of the header that decide how to open the envelope.
#[derive(Default)]
struct Header {
    algorithm: Option<String>,
    encryption: Option<String>,
    content_type: Option<String>,
    salt: Option<String>,
    rounds: Option<String>,
    refused: Option<&'static str>,
}

impl Header {
    fn parse(encoded: &str) -> Result<Self, KeyError> {
        let bytes = decode(encoded)?;
        if bytes.len() > MAX_HEADER_BYTES {
            return Err(KeyError::explained(
                KeyErrorKind::TooLong,
                format!("the header of a locked JWK is at most {MAX_HEADER_BYTES} bytes long"),
            ));
        }
        let mut header = Self::default();
        json::object(&bytes, Bounds::TOKEN, |name, value| {
            header.take(name, value);
            Ok(())
        })
        .map_err(|error: JsonError| {
            malformed(format!("the header of the locked JWK is not JSON: {error}"))
        })?;
        Ok(header)
    }

    fn take(&mut self, name: Text<'_>, value: Value<'_>) {
        let string = match value {
            Value::String(text) => Some(text.to_cow().into_owned()),
            Value::Number(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Array(_)
            | Value::Object(_) => None,
        };
        match () {
            () if name.is("alg") => self.algorithm = string,
            () if name.is("enc") => self.encryption = string,
            () if name.is("p2s") => self.salt = string,
            () if name.is("cty") => self.content_type = Some(string.unwrap_or_default()),
            () if name.is("p2c") => self.rounds = Some(value.raw().to_owned()),
            // RFC 7516 section 4.1.13: an extension that is not understood is refused.
            () if name.is("crit") => self.refused = Some("crit"),
            // Compressed text could grow without bound when opened.
            () if name.is("zip") => self.refused = Some("zip"),
            () => {}
        }
    }

    /// Checks that this is a lock we open at a bounded cost; returns salt and rounds.
    fn judge(self) -> Result<(Vec<u8>, NonZeroU32), KeyError> {
        if let Some(name) = self.refused {
            return Err(unsupported(format!(
                "the header of the locked JWK has \"{name}\", which is not supported"
            )));
        }
        expect("alg", self.algorithm, ALGORITHM)?;
        expect("enc", self.encryption, ENCRYPTION)?;
        if let Some(found) = self.content_type {
            expect("cty", Some(found), CONTENT_TYPE)?;
        }
        let salt = self.salt.ok_or_else(|| absent("p2s"))?;
        let salt = decode(&salt)?;
        if !SALT_RANGE.contains(&salt.len()) {
            return Err(malformed(format!(
                "the \"p2s\" of a locked JWK is {} to {} bytes long, here it has {}",
                SALT_RANGE.start(),
                SALT_RANGE.end(),
                salt.len()
            )));
        }
        let rounds = self.rounds.ok_or_else(|| absent("p2c"))?;
        Ok((salt, bounded(&rounds)?))
    }
}

/// A whole number of rounds within the limit; the count is the writer's choice.
fn bounded(rounds: &str) -> Result<NonZeroU32, KeyError> {
    let whole = rounds.bytes().all(|byte| byte.is_ascii_digit());
    if !whole || rounds == "0" || rounds.is_empty() {
        return Err(malformed(
            "the \"p2c\" of the locked JWK is not a count of rounds",
        ));
    }
    rounds
        .parse::<NonZeroU32>()
        .ok()
        .filter(|count| count.get() <= MAX_LOCKED_JWK_ROUNDS)
        .ok_or_else(|| {
            KeyError::explained(
                KeyErrorKind::TooCostly,
                format!(
                    "the lock asks for {} rounds of PBKDF2, at most {MAX_LOCKED_JWK_ROUNDS} are done",
                    Quoted(rounds)
                ),
            )
        })
}

fn expect(name: &str, found: Option<String>, expected: &str) -> Result<(), KeyError> {
    match found {
        Some(found) if found == expected => Ok(()),
        Some(found) => Err(unsupported(format!(
            "the locked JWK has the \"{name}\" {}, only \"{expected}\" is opened",
            Quoted(&found)
        ))),
        None => Err(absent(name)),
    }
}

fn decode(encoded: &str) -> Result<Vec<u8>, KeyError> {
    base64url::decode(encoded.as_bytes())
        .map_err(|error| malformed(format!("a part of the locked JWK is {error}")))
}

fn exactly(bytes: Vec<u8>, expected: usize, what: &str) -> Result<Vec<u8>, KeyError> {
    if bytes.len() == expected {
        return Ok(bytes);
    }
    Err(bad_length(what, expected, bytes.len()))
}

fn bad_length(what: &str, expected: usize, found: usize) -> KeyError {
    malformed(format!(
        "the {what} of a locked JWK is {expected} bytes long, here it has {found}"
    ))
}

fn absent(name: &str) -> KeyError {
    malformed(format!("the header of the locked JWK has no \"{name}\""))
}

fn not_five_parts() -> KeyError {
    malformed("a locked JWK has five parts with dots between them")
}

fn malformed(detail: impl Into<String>) -> KeyError {
    KeyError::explained(KeyErrorKind::Malformed, detail)
}

fn unsupported(detail: String) -> KeyError {
    KeyError::explained(KeyErrorKind::UnsupportedEncryption, detail)
}

fn engine_failed() -> KeyError {
    super::crypto::engine_failed("lock a key")
}

#[cfg(test)]
mod tests;
