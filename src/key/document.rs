//! Signed documents that are not tokens: revocation lists, status lists.
//!
//! A document names its type where the signature covers it: a JWS in its header
//! `typ`, a PASETO as its implicit assertion. So no reader of tokens takes a
//! document for one, nor the other way round, even if one key signed both.

use std::fmt;

use super::algorithm::Format;
use super::error::KeyError;
use super::signing::SigningKey;
use super::verifying::VerifyingKey;
use crate::error::{ErrorClass, Quoted, excerpt};
use crate::time::UnixTime;
use crate::token::{Malformation, OpenError, Scratch, UntrustedToken, same_media_type};

/// Where the key of a signed document is looked up: one key, several, a
/// [`KeySet`](crate::KeySet) or the [`LiveKeys`](crate::keyring::LiveKeys) of a keyring.
///
/// ```
/// use tokenwright::key::{Algorithm, FindKey, SigningKey};
/// use tokenwright::UnixTime;
/// let key = SigningKey::generate(Algorithm::EdDsa)?.verifying_key();
/// let now = UnixTime::from_seconds(1_760_000_000);
/// assert!(key.find_key(Some(key.id().as_str()), now).is_some());
/// assert!(key.clone().with_id(tokenwright::key::KeyId::new("named")?).find_key(Some("other"), now).is_none());
/// # Ok::<(), tokenwright::key::KeyError>(())
/// ```
pub trait FindKey {
    /// The one key that a document with this key id can mean and that verifies at
    /// `now`. `None` where there is no such key, or more than one.
    fn find_key(&self, key_id: Option<&str>, now: UnixTime) -> Option<VerifyingKey>;
}

impl<T: FindKey + ?Sized> FindKey for &T {
    fn find_key(&self, key_id: Option<&str>, now: UnixTime) -> Option<VerifyingKey> {
        (**self).find_key(key_id, now)
    }
}

impl FindKey for VerifyingKey {
    fn find_key(&self, key_id: Option<&str>, now: UnixTime) -> Option<VerifyingKey> {
        std::slice::from_ref(self).find_key(key_id, now)
    }
}

impl<const N: usize> FindKey for [VerifyingKey; N] {
    fn find_key(&self, key_id: Option<&str>, now: UnixTime) -> Option<VerifyingKey> {
        self.as_slice().find_key(key_id, now)
    }
}

impl FindKey for [VerifyingKey] {
    fn find_key(&self, key_id: Option<&str>, _now: UnixTime) -> Option<VerifyingKey> {
        let mut named = self.iter().filter(|key| key_id == Some(key.id().as_str()));
        match (named.next(), named.next(), self) {
            (Some(key), None, _) => Some(key.clone()),
            // The id of a key that nobody named is ours, not the issuer's, so what the
            // document says is only a hint (RFC 7515 section 4.1.4).
            (None, _, [only]) if key_id.is_none() || !only.is_named() => Some(only.clone()),
            _ => None,
        }
    }
}

/// Why a text is not the signed document that was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DocumentError {
    /// The text is neither a compact JWS nor a PASETO, or it is too long.
    Malformed(Malformation),
    /// The header asks for an extension: `crit`, `b64` or `zip`.
    UnsupportedExtension {
        /// The header member that asks.
        member: &'static str,
    },
    /// The header's `typ` is not the one expected (RFC 8725 section 3.11).
    TypeMismatch {
        /// The type expected.
        expected: &'static str,
        /// The type in the document.
        found: Option<String>,
    },
    /// No key has the document's key id, or it names none and there are several.
    UnknownKey {
        /// The id in the document, if it names one.
        key_id: Option<String>,
    },
    /// The header names another algorithm than the key's (RFC 8725 section 3.1).
    AlgorithmMismatch {
        /// The key's algorithm.
        expected: &'static str,
    },
    /// The signature is not the key's over this document and its type.
    BadSignature,
}

impl DocumentError {
    /// The stable name of the reason, in snake case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(Malformation::TooLong { .. }) => "too_long",
            Self::Malformed(_) => "malformed",
            Self::UnsupportedExtension { .. } => "unsupported_extension",
            Self::TypeMismatch { .. } => "typ_mismatch",
            Self::UnknownKey { .. } => "unknown_key",
            Self::AlgorithmMismatch { .. } => "alg_mismatch",
            Self::BadSignature => "bad_signature",
        }
    }

    /// Who must act: whoever sent the document.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::TypeMismatch { .. } => ErrorClass::NotHere,
            Self::Malformed(_)
            | Self::UnsupportedExtension { .. }
            | Self::UnknownKey { .. }
            | Self::AlgorithmMismatch { .. }
            | Self::BadSignature => ErrorClass::NotOurs,
        }
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(malformation) => malformation.fmt(f),
            Self::UnsupportedExtension { member } => write!(
                f,
                "the header has {member}, an extension that is not supported"
            ),
            Self::TypeMismatch { expected, found } => {
                write!(f, "typ: expected {}, found ", Quoted(expected))?;
                match found {
                    Some(found) => Quoted(found).fmt(f),
                    None => f.write_str("none"),
                }
            }
            Self::UnknownKey { key_id: Some(id) } => write!(f, "no key with id {}", Quoted(id)),
            Self::UnknownKey { key_id: None } => {
                f.write_str("the document names no key, and there is not exactly one to choose")
            }
            Self::AlgorithmMismatch { expected } => write!(
                f,
                "the key is for {expected}, and the document claims another algorithm"
            ),
            Self::BadSignature => f.write_str("the signature is not the key's"),
        }
    }
}

impl std::error::Error for DocumentError {}

/// What a token or document may not contradict before its signature is checked.
pub(crate) enum Unbound {
    Algorithm { expected: &'static str },
    Extension { member: &'static str },
}

impl VerifyingKey {
    /// Compares what a token claims with what this key is; nothing is dispatched on
    /// the token's word (RFC 8725 section 3.1). Extensions are refused before any
    /// cryptography (RFC 7515 section 4.1.11).
    pub(crate) fn bind(&self, token: &UntrustedToken<'_>) -> Result<(), Unbound> {
        let expected = self.algorithm().name();
        if !token.claims_algorithm(expected) {
            return Err(Unbound::Algorithm { expected });
        }
        match token.extension() {
            Some(member) => Err(Unbound::Extension { member }),
            None => Ok(()),
        }
    }
}

impl SigningKey {
    /// Signs a document of one type, in the form of the key's format. For a
    /// v4.local key the payload must be UTF-8 and not empty.
    #[allow(dead_code, reason = "called by the features that sign documents")]
    pub(crate) fn seal_document(
        &self,
        document_type: &'static str,
        payload: &[u8],
    ) -> Result<String, KeyError> {
        match self.algorithm().format() {
            Format::Jwt => self.seal_jws(&self.jose_header(document_type), payload),
            Format::Paseto => self.seal_paseto(
                payload,
                self.paseto_footer().as_bytes(),
                document_type.as_bytes(),
            ),
        }
    }
}

/// Checks form, type, key, algorithm, extensions and signature of a document of at
/// most `limit` bytes, and lends its payload from `scratch`.
#[allow(dead_code, reason = "called by the features that read documents")]
pub(crate) fn open_document<'t>(
    text: &'t str,
    document_type: &'static str,
    limit: usize,
    keys: &dyn FindKey,
    now: UnixTime,
    scratch: &'t mut Scratch,
) -> Result<&'t [u8], DocumentError> {
    let token =
        UntrustedToken::parse_within(text, limit, scratch).map_err(DocumentError::Malformed)?;
    let key_id = token.untrusted_key_id();
    let key = keys
        .find_key(key_id.as_deref(), now)
        .ok_or_else(|| DocumentError::UnknownKey {
            key_id: key_id.as_deref().map(excerpt),
        })?;
    key.bind(&token).map_err(|unbound| match unbound {
        Unbound::Algorithm { expected } => DocumentError::AlgorithmMismatch { expected },
        Unbound::Extension { member } => DocumentError::UnsupportedExtension { member },
    })?;
    // A PASETO has no header; its type is part of what the signature covers.
    let assertion = match key.algorithm().format() {
        Format::Jwt => {
            bind_type(&token, document_type)?;
            ""
        }
        Format::Paseto => document_type,
    };
    let opened = key.open(token, assertion.as_bytes(), None);
    opened
        .map(|opened| opened.payload)
        .map_err(|error| match error {
            OpenError::Signature => DocumentError::BadSignature,
            OpenError::Payload(malformation) => DocumentError::Malformed(malformation),
        })
}

fn bind_type(token: &UntrustedToken<'_>, expected: &'static str) -> Result<(), DocumentError> {
    let found = token.untrusted_type();
    if found
        .as_deref()
        .is_some_and(|found| same_media_type(expected, found))
    {
        return Ok(());
    }
    Err(DocumentError::TypeMismatch {
        expected,
        found: found.as_deref().map(excerpt),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{Algorithm, KeyId};

    const NOW: UnixTime = UnixTime::from_seconds(1_760_000_000);

    fn open(text: &str, kind: &'static str, keys: &dyn FindKey) -> Result<Vec<u8>, DocumentError> {
        open_document(text, kind, 4096, keys, NOW, &mut Scratch::new()).map(<[u8]>::to_vec)
    }

    fn formats() -> Vec<SigningKey> {
        [Algorithm::EdDsa, Algorithm::V4Public, Algorithm::V4Local]
            .into_iter()
            .filter_map(|algorithm| SigningKey::generate(algorithm).ok())
            .collect()
    }

    #[test]
    fn a_document_opens_as_what_it_was_signed_as_and_as_nothing_else() {
        for key in formats() {
            let public = key.verifying_key();
            let text = key.seal_document("list+jwt", b"{\"a\":1}").expect("signed");
            assert_eq!(
                open(&text, "list+jwt", &public),
                Ok(b"{\"a\":1}".to_vec()),
                "{key:?}"
            );
            let other = open(&text, "other+jwt", &public).unwrap_err();
            let expected = match key.algorithm().format() {
                Format::Jwt => "typ_mismatch",
                Format::Paseto => "bad_signature",
            };
            assert_eq!(other.code(), expected);
            let stranger = SigningKey::generate(key.algorithm()).unwrap();
            let error = open(&text, "list+jwt", &stranger.verifying_key()).unwrap_err();
            assert_eq!(error, DocumentError::BadSignature);
        }
    }

    #[test]
    fn one_key_is_meant_or_none() {
        let named = |id: &str| {
            let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
            key.verifying_key().with_id(KeyId::new(id).unwrap())
        };
        let (a, b) = (named("a"), named("b"));
        let found = |keys: &[VerifyingKey], id: Option<&str>| {
            keys.find_key(id, NOW)
                .map(|key| key.id().as_str().to_owned())
        };
        let both = [a.clone(), b];
        assert_eq!(found(&both, Some("b")).as_deref(), Some("b"));
        assert_eq!(found(&both, Some("c")), None);
        assert_eq!(found(&both, None), None);
        assert_eq!(found(&both[..1], None).as_deref(), Some("a"));
        assert_eq!(found(&both[..1], Some("c")), None);
        // Two keys of one id: a document could mean either.
        assert_eq!(found(&[a.clone(), named("a")], Some("a")), None);
        let unnamed = SigningKey::generate(Algorithm::EdDsa)
            .unwrap()
            .verifying_key();
        assert!(unnamed.find_key(Some("theirs"), NOW).is_some());
        assert!([unnamed, a].find_key(Some("theirs"), NOW).is_none());
    }

    #[test]
    fn length_extensions_and_algorithms_are_judged_before_the_signature() {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let public = key.verifying_key();
        let sealed = |header: &str| {
            let header = crate::encoding::base64url::encode(header.as_bytes());
            key.seal_jws(&header, b"{}").unwrap()
        };
        let code = |text: &str| open(text, "list+jwt", &public).unwrap_err().code();
        assert_eq!(code(&"a".repeat(4097)), "too_long");
        assert_eq!(code("a.b"), "malformed");
        assert_eq!(
            code(&sealed(r#"{"alg":"EdDSA","typ":"list+jwt","crit":[]}"#)),
            "unsupported_extension"
        );
        assert_eq!(
            code(&sealed(r#"{"alg":"HS256","typ":"list+jwt"}"#)),
            "alg_mismatch"
        );
        assert_eq!(code(&sealed(r#"{"alg":"EdDSA"}"#)), "typ_mismatch");
        assert_eq!(
            code(&sealed(r#"{"alg":"EdDSA","typ":"JWT"}"#)),
            "typ_mismatch"
        );
        let media = sealed(r#"{"alg":"EdDSA","typ":"application/LIST+jwt"}"#);
        assert!(open(&media, "list+jwt", &public).is_ok());
    }
}
