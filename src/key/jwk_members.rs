//! The members of one JWK, each read with its type, encoding and length.

use zeroize::Zeroize as _;

use super::error::{KeyError, KeyErrorKind};
use super::id::KeyId;
use crate::encoding::base64url::{self, Base64Error};
use crate::encoding::json::{Text, Value};
use crate::error::Quoted;
use crate::secret::SecretBytes;

/// Every member that is looked at; others are ignored (RFC 7517 section 4).
const KNOWN: [&str; 18] = [
    "kty", "use", "key_ops", "alg", "kid", "crv", "x", "y", "d", "n", "e", "p", "q", "dp", "dq",
    "qi", "oth", "k",
];

/// The operations of RFC 7517 section 4.3 that are not about signatures.
const OTHER_OPERATIONS: [&str; 6] = [
    "encrypt",
    "decrypt",
    "wrapKey",
    "unwrapKey",
    "deriveKey",
    "deriveBits",
];

/// What a key is imported for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Sign,
    Verify,
}

impl Operation {
    const fn name(self) -> &'static str {
        match self {
            Self::Sign => "sign",
            Self::Verify => "verify",
        }
    }
}

/// The known members of one JWK, in the order they stand there.
#[derive(Default)]
pub(crate) struct Members<'a>(Vec<(&'static str, Value<'a>)>);

impl<'a> Members<'a> {
    /// Remembers a member if its name is known; the JSON reader has refused duplicates.
    pub(crate) fn take(&mut self, name: Text<'a>, value: Value<'a>) {
        if let Some(known) = KNOWN.into_iter().find(|known| name.is(known)) {
            self.0.push((known, value));
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn get(&self, name: &str) -> Option<Value<'a>> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value)
    }

    /// A member that must be there and be a string.
    pub(crate) fn text(&self, name: &str) -> Result<Text<'a>, KeyError> {
        match self.get(name) {
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(bad(name, "is not a string")),
            None => Err(self.missing(name)),
        }
    }

    /// The error about a member that is not there.
    pub(crate) fn missing(&self, name: &str) -> KeyError {
        KeyError::explained(
            KeyErrorKind::MissingMember,
            format!("the JWK has no \"{name}\""),
        )
    }

    /// The `kid`, when there is one.
    pub(crate) fn key_id(&self) -> Result<Option<KeyId>, KeyError> {
        if !self.has("kid") {
            return Ok(None);
        }
        KeyId::new(&self.text("kid")?.to_cow()).map(Some)
    }

    /// Whether `use` and `key_ops` allow the operation (RFC 7517 sections 4.2 and 4.3).
    pub(crate) fn check_purpose(&self, purpose: Operation) -> Result<(), KeyError> {
        if self.has("use") {
            let stated = self.text("use")?;
            if !stated.is("sig") {
                return Err(KeyError::explained(
                    KeyErrorKind::UseMismatch,
                    format!(
                        "the JWK's \"use\" is {}, a signature key's is \"sig\"",
                        Quoted(&stated.to_cow())
                    ),
                ));
            }
        }
        let operations = match self.get("key_ops") {
            None => return Ok(()),
            Some(Value::Array(operations)) => operations,
            Some(_) => return Err(bad("key_ops", "is not an array")),
        };
        let mut seen: Vec<Text<'_>> = Vec::new();
        for operation in operations.iter() {
            let Value::String(operation) = operation else {
                return Err(bad("key_ops", "holds something else than strings"));
            };
            if seen.len() == MAX_OPERATIONS {
                return Err(bad("key_ops", "holds too many operations"));
            }
            if seen.iter().any(|other| other.same(&operation)) {
                return Err(bad("key_ops", "holds an operation twice"));
            }
            seen.push(operation);
        }
        allow(&seen, purpose)
    }

    /// Bytes in base64url, exactly so many (RFC 7518 section 6.2.1.2).
    pub(crate) fn bytes_of_length(&self, name: &str, length: usize) -> Result<Vec<u8>, KeyError> {
        let bytes = base64url::decode(self.text(name)?.to_cow().as_bytes())
            .map_err(|error| bad_encoding(name, &error))?;
        check_length(name, length, bytes.len())?;
        Ok(bytes)
    }

    /// A number in base64url, without leading zeros (RFC 7518 section 2, Base64urlUInt).
    pub(crate) fn number(&self, name: &str) -> Result<Vec<u8>, KeyError> {
        let bytes = base64url::decode(self.text(name)?.to_cow().as_bytes())
            .map_err(|error| bad_encoding(name, &error))?;
        match bytes.first() {
            None => Err(bad(name, "is empty")),
            Some(0) => Err(bad(name, "starts with a zero byte")),
            Some(_) => Ok(bytes),
        }
    }

    /// Secret bytes in base64url.
    pub(crate) fn secret(&self, name: &str) -> Result<SecretBytes, KeyError> {
        let text = self.text(name)?;
        let decoded = match text.plain() {
            Some(plain) => base64url::decode_secret(plain.as_bytes()),
            None => {
                let mut unescaped = text.to_cow().into_owned();
                let decoded = base64url::decode_secret(unescaped.as_bytes());
                unescaped.zeroize();
                decoded
            }
        };
        decoded.map_err(|error| bad_encoding(name, &error))
    }

    /// Secret bytes in base64url, exactly so many.
    pub(crate) fn secret_of_length(
        &self,
        name: &str,
        length: usize,
    ) -> Result<SecretBytes, KeyError> {
        let bytes = self.secret(name)?;
        check_length(name, length, bytes.len())?;
        Ok(bytes)
    }

    /// A secret number; leading zeros, which some writers leave in, are dropped.
    pub(crate) fn secret_number(&self, name: &str) -> Result<SecretBytes, KeyError> {
        let bytes = self.secret(name)?;
        let zeros = bytes.expose().iter().take_while(|byte| **byte == 0).count();
        match bytes.expose().get(zeros..) {
            Some([]) | None => Err(bad(name, "is empty")),
            Some(number) if zeros > 0 => Ok(number.to_vec().into()),
            Some(_) => Ok(bytes),
        }
    }
}

/// More operations than are registered; comparing them pairwise stays cheap.
const MAX_OPERATIONS: usize = 32;

fn allow(operations: &[Text<'_>], purpose: Operation) -> Result<(), KeyError> {
    let refused = |detail: String| {
        Err(KeyError::explained(
            KeyErrorKind::OperationsMismatch,
            detail,
        ))
    };
    if !operations.iter().any(|stated| stated.is(purpose.name())) {
        return refused(format!(
            "the JWK's \"key_ops\" do not allow \"{}\"",
            purpose.name()
        ));
    }
    // RFC 7517 section 4.3: one key should not serve unrelated operations.
    let unrelated = OTHER_OPERATIONS
        .into_iter()
        .find(|other| operations.iter().any(|stated| stated.is(other)));
    match unrelated {
        Some(other) => refused(format!(
            "the JWK's \"key_ops\" allow \"{other}\" beside \"{}\"",
            purpose.name()
        )),
        None => Ok(()),
    }
}

fn check_length(name: &str, expected: usize, found: usize) -> Result<(), KeyError> {
    if expected == found {
        return Ok(());
    }
    Err(bad(
        name,
        &format!("is {found} bytes long instead of {expected}"),
    ))
}

fn bad_encoding(name: &str, error: &Base64Error) -> KeyError {
    bad(name, &format!("is {error}"))
}

fn bad(name: &str, what: &str) -> KeyError {
    KeyError::explained(
        KeyErrorKind::BadMember,
        format!("the JWK's \"{name}\" {what}"),
    )
}
