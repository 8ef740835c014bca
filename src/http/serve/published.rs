//! The key set as it is served, made when the keyring changes and not per request.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::encoding::base64url;
use crate::key::{Format, VerifyingKey};
use crate::keyring::Keyring;
use crate::store::{published_keys, published_set};
use crate::time::UnixTime;

/// A document and the tag that changes with it.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub(super) body: Bytes,
    /// A strong entity tag, quotes included (RFC 9110 section 8.8.3).
    pub(super) tag: String,
}

impl Document {
    fn of(body: String) -> Self {
        Self::of_bytes(body.into_bytes())
    }

    pub(super) fn of_bytes(body: Vec<u8>) -> Self {
        let digest = Sha256::digest(&body);
        let tag = base64url::encode(digest.get(..16).unwrap_or_default());
        Self {
            body: Bytes::from(body),
            tag: format!("\"{tag}\""),
        }
    }
}

/// What verifiers elsewhere may fetch.
#[derive(Clone, Debug)]
pub(super) enum Published {
    /// Keys of JWTs: a JWK set (RFC 7517 section 5).
    Jwks(Document),
    /// Keys of PASETOs, which have no JWK: one line of PASERK for each.
    Paserk(Document),
    /// Shared secrets are never published.
    Nothing,
}

impl Published {
    /// The keys that are published at `at`, by the keyring's clock, of a keyring that was
    /// read at `read_at`; the error is for the operator.
    pub(super) fn of(keyring: &Keyring, at: UnixTime, read_at: UnixTime) -> Result<Self, String> {
        if keyring.algorithm().is_symmetric() {
            return Ok(Self::Nothing);
        }
        match keyring.algorithm().format() {
            Format::Paseto => {
                let keys = published_keys(keyring, at).map_err(|error| error.to_string())?;
                let lines = keys.iter().map(VerifyingKey::to_paserk);
                let lines = lines.collect::<Result<Vec<String>, _>>();
                let lines = lines.map_err(|error| error.to_string())?;
                let text = lines
                    .iter()
                    .fold(String::new(), |text, line| text + line + "\n");
                Ok(Self::Paserk(Document::of(text)))
            }
            Format::Jwt => {
                let set = published_set(keyring, at, read_at);
                let set = set.map_err(|error| error.to_string())?;
                let json = set.to_json().map_err(|error| error.to_string())?;
                Ok(Self::Jwks(Document::of(json)))
            }
        }
    }
}

/// When the published set changes next although nobody commits anything: keys leave
/// it when their time has come (rule 4), and by a drain.
pub(super) fn changes_at(keyring: &Keyring, at: UnixTime) -> Option<UnixTime> {
    let skew = keyring.policy().clock_skew();
    let ends = keyring.published(at).flat_map(|key| {
        let until = key.verifies_until().map(|until| until.saturating_add(skew));
        [until, key.compromised_at()]
    });
    ends.flatten().filter(|end| at < *end).min()
}

/// Whether a request already has the document with this tag (RFC 9110 section 13.1.2).
pub(super) fn has_tag(if_none_match: &str, tag: &str) -> bool {
    if_none_match
        .split(',')
        .map(str::trim)
        .any(|each| each == "*" || each.strip_prefix("W/").unwrap_or(each) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_weakly_and_in_lists() {
        assert!(has_tag("\"a\"", "\"a\""));
        assert!(has_tag("\"b\", W/\"a\"", "\"a\""));
        assert!(has_tag("*", "\"a\""));
        assert!(!has_tag("\"b\"", "\"a\""));
        assert!(!has_tag("a", "\"a\""));
        assert!(!has_tag("", "\"a\""));
    }
}
