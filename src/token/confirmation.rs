//! The `cnf` claim that binds a token to a key of its holder (RFC 7800, RFC 9449
//! section 6.1).
//!
//! Only an object with a member `jkt` binds a token here, and then it is held to its
//! form; a `cnf` of any other kind stays the application's own.

use std::fmt;

use super::borrowed::ClaimsError;
use crate::encoding::base64url;
use crate::encoding::json::Value;

/// The name of the claim.
pub(crate) const CONFIRMATION: &str = "cnf";

/// Bytes of a SHA-256 digest.
const DIGEST_BYTES: usize = 32;

/// Which key a token is bound to: the SHA-256 thumbprint of its public JWK (RFC 7638),
/// as it stands in the claim `cnf` under `jkt` (RFC 9449 section 6.1).
///
/// It is the name of a key and not a key: nothing can be verified with it.
///
/// ```
/// use tokenwright::{Claims, KeyThumbprint};
/// let key = KeyThumbprint::parse("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I").unwrap();
/// let claims = Claims::for_subject("alice").with_bound_key(key);
/// assert_eq!(claims.bound_key(), Some(key));
/// assert_eq!(key.to_string(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
/// ```
#[doc(alias = "jkt")]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyThumbprint([u8; DIGEST_BYTES]);

impl KeyThumbprint {
    /// Reads 43 characters of base64url; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if base64url::decoded_len(text.len()) != Some(DIGEST_BYTES) {
            return None;
        }
        let mut digest = [0; DIGEST_BYTES];
        base64url::decode_into(text.as_bytes(), &mut digest).ok()?;
        Some(Self(digest))
    }

    /// A digest just computed.
    #[allow(dead_code, reason = "called where keys are read from proofs")]
    pub(crate) fn from_digest(digest: [u8; DIGEST_BYTES]) -> Self {
        Self(digest)
    }

    /// The digest itself, 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; DIGEST_BYTES] {
        &self.0
    }
}

impl fmt::Display for KeyThumbprint {
    /// As it stands in a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url::encode(&self.0))
    }
}

impl fmt::Debug for KeyThumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyThumbprint({self})")
    }
}

/// Whether the value of a claim `cnf` binds a token to a key of ours.
pub(crate) fn binds_key(value: Value<'_>) -> bool {
    thumbprint_member(value).is_some()
}

/// Reads the value of a claim `cnf`; `None` when it is the application's own. One that
/// names a key in a form that cannot be read is an error, and never "not bound".
pub(super) fn read_confirmation(value: Value<'_>) -> Result<Option<KeyThumbprint>, ClaimsError> {
    let Some(member) = thumbprint_member(value) else {
        return Ok(None);
    };
    let read = match member {
        Value::String(text) => KeyThumbprint::parse(&text.to_cow()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    };
    read.map(Some).ok_or(ClaimsError::Type {
        name: "cnf.jkt",
        expected: "a SHA-256 thumbprint in base64url (RFC 9449 section 6.1)",
    })
}

fn thumbprint_member(value: Value<'_>) -> Option<Value<'_>> {
    let Value::Object(confirmation) = value else {
        return None;
    };
    let found = confirmation.iter().find(|(name, _)| name.is("jkt"));
    found.map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::{TimeForm, read_claims};

    const THUMBPRINT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

    fn read(confirmation: &str) -> (Result<Option<String>, ClaimsError>, usize) {
        let payload = format!("{{\"cnf\":{confirmation}}}");
        let mut custom = 0;
        let claims = read_claims(payload.as_bytes(), TimeForm::NumericDate, |_| custom += 1);
        let bound = claims.map(|claims| claims.bound_key().map(|key| key.to_string()));
        (bound, custom)
    }

    #[test]
    fn a_thumbprint_is_read_however_it_is_written() {
        for text in [
            format!(r#"{{"jkt":"{THUMBPRINT}"}}"#),
            format!(
                r#"{{"x5t#S256":"a","jk\u0074":"\u0030{}"}}"#,
                &THUMBPRINT[1..]
            ),
        ] {
            assert_eq!(read(&text), (Ok(Some(THUMBPRINT.to_owned())), 0), "{text}");
        }
    }

    #[test]
    fn another_confirmation_is_the_applications_own() {
        for text in ["null", "1", "[]", "{}", r#"{"kid":"a"}"#, "\"jkt\""] {
            assert_eq!(read(text), (Ok(None), 1), "{text}");
        }
    }

    #[test]
    fn a_thumbprint_that_cannot_be_read_is_an_error_and_never_absent() {
        let long = format!("\"{THUMBPRINT}A\"");
        let short = format!("\"{}\"", &THUMBPRINT[1..]);
        let padded = format!("\"{THUMBPRINT}=\"");
        // The last character carries two bits that must be zero.
        let loose = format!("\"{}J\"", &THUMBPRINT[..42]);
        for value in [
            "null", "1", "[]", "{}", "\"\"", &long, &short, &padded, &loose,
        ] {
            let (found, custom) = read(&format!(r#"{{"jkt":{value}}}"#));
            assert!(
                matches!(
                    found,
                    Err(ClaimsError::Type {
                        name: "cnf.jkt",
                        ..
                    })
                ),
                "{value}: {found:?}"
            );
            assert_eq!(custom, 0);
        }
    }
}
