//! Reading a status list token (draft section 8.3).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::TOKEN_TYPE;
use super::error::{StatusListError, StatusListErrorKind};
use super::json::bad;
use super::list::StatusList;
use super::token::StatusListToken;
use super::zlib;
use crate::encoding::base64url;
use crate::encoding::json::Value;
use crate::error::excerpt;
use crate::key::{FindKey, Format, VerifyingKey, open_document};
use crate::limits::{MAX_HEADER_BYTES, MAX_LEEWAY, MAX_STATUS_LIST_BYTES};
use crate::time::UnixTime;
use crate::token::{ClaimsError, ClaimsRef, Scratch, TimeForm, read_claims};

/// Reads the status list tokens of one issuer: its keys, and how far clocks may differ.
///
/// Use one for each issuer. A reader that trusted the keys of two would let each of
/// them speak for the other's tokens.
///
/// ```
/// # use std::time::Duration;
/// # use tokenwright::UnixTime;
/// # use tokenwright::key::{Algorithm, SigningKey};
/// # use tokenwright::status_list::{StatusBits, StatusList, StatusListReader, StatusListToken};
/// # let key = SigningKey::generate(Algorithm::EdDsa)?;
/// # let now = UnixTime::from_seconds(1_760_000_000);
/// # let uri = "https://auth.example/statuslists/1";
/// # let list = StatusList::new(StatusBits::One, 8)?;
/// # let text = StatusListToken::new(uri, list, now, None).sign(&key)?;
/// let reader = StatusListReader::new(key.verifying_key(), Duration::from_secs(30));
/// let token = reader.read(uri, &text, now)?;
/// assert_eq!(token.list().len(), 8);
/// assert_eq!(reader.read("https://other.example", &text, now).unwrap_err().code(), "sub_mismatch");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct StatusListReader {
    keys: Arc<dyn FindKey + Send + Sync>,
    leeway: Duration,
    max_list_bytes: usize,
}

impl StatusListReader {
    /// Trusts lists signed with these keys, and forgives clocks that differ by `leeway`,
    /// at most [`MAX_LEEWAY`].
    #[must_use]
    pub fn new(keys: impl FindKey + Send + Sync + 'static, leeway: Duration) -> Self {
        Self {
            keys: Arc::new(keys),
            leeway: leeway.min(MAX_LEEWAY),
            max_list_bytes: MAX_STATUS_LIST_BYTES,
        }
    }

    /// Refuses lists of more bytes than this once decompressed, in place of
    /// [`MAX_STATUS_LIST_BYTES`].
    #[must_use]
    pub fn max_list_bytes(mut self, limit: usize) -> Self {
        self.max_list_bytes = limit;
        self
    }

    /// The longest text of a token that is read, in bytes: what a fetch should stop at.
    #[must_use]
    pub fn max_token_bytes(&self) -> usize {
        // The list is in base64 inside a payload that is in base64 as a whole.
        let list = base64url::encoded_len(zlib::longest_stream(self.max_list_bytes));
        let payload = base64url::encoded_len(list.saturating_add(MAX_HEADER_BYTES));
        let rest = base64url::encoded_len(MAX_HEADER_BYTES).saturating_mul(2);
        payload.saturating_add(rest)
    }

    /// Reads the token that was found at `uri`: its form and size, key, algorithm, type
    /// and signature, that it is the list of this URI, and that it holds at `now`.
    ///
    /// # Errors
    /// [`StatusListError`]; nothing of the list is looked at before its signature.
    pub fn read(
        &self,
        uri: &str,
        text: &str,
        now: UnixTime,
    ) -> Result<StatusListToken, StatusListError> {
        let mut scratch = Scratch::new();
        let keys = JwtKeys(&*self.keys);
        let limit = self.max_token_bytes();
        let payload = open_document(text, TOKEN_TYPE, limit, &keys, now, &mut scratch)
            .map_err(StatusListErrorKind::Document)?;
        let (mut list, mut time_to_live) = (None, None);
        let claims = read_claims(payload, TimeForm::NumericDate, |(name, value)| {
            if name.is("status_list") {
                list = Some(value);
            } else if name.is("ttl") {
                time_to_live = Some(value);
            }
        })
        .map_err(claims_error)?;
        judge_subject(&claims, uri)?;
        let issued_at = claims.issued_at().ok_or(bad("iat", "present"))?;
        self.judge_times(&claims, issued_at, now)?;
        let list = list.ok_or(bad("status_list", "an object"))?;
        Ok(StatusListToken {
            uri: uri.into(),
            issuer: claims.issuer().map(Into::into),
            issued_at,
            expires_at: claims.expires_at(),
            time_to_live: time_to_live.map(read_time_to_live).transpose()?,
            list: StatusList::from_value(list, self.max_list_bytes)?,
        })
    }

    fn judge_times(
        &self,
        claims: &ClaimsRef<'_>,
        issued_at: UnixTime,
        now: UnixTime,
    ) -> Result<(), StatusListErrorKind> {
        let leeway = self.leeway;
        if let Some(at) = claims.expires_at()
            && at.saturating_add(leeway) <= now
        {
            return Err(StatusListErrorKind::Expired { at, now, leeway });
        }
        let begins = [("iat", Some(issued_at)), ("nbf", claims.not_before())];
        for (name, at) in begins {
            if let Some(at) = at.filter(|at| *at > now.saturating_add(leeway)) {
                return Err(StatusListErrorKind::NotYetValid {
                    name,
                    at,
                    now,
                    leeway,
                });
            }
        }
        Ok(())
    }
}

impl fmt::Debug for StatusListReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusListReader")
            .field("leeway", &self.leeway)
            .field("max_list_bytes", &self.max_list_bytes)
            .finish_non_exhaustive()
    }
}

/// The draft defines status list tokens as JWTs (and CWTs): no other key reads one.
struct JwtKeys<'k>(&'k (dyn FindKey + Send + Sync));

impl FindKey for JwtKeys<'_> {
    fn find_key(&self, key_id: Option<&str>, now: UnixTime) -> Option<VerifyingKey> {
        let found = self.0.find_key(key_id, now);
        found.filter(|key| key.algorithm().format() == Format::Jwt)
    }
}

/// The token of one list must not pass for another's: `sub` is the URI it was asked
/// for, without normalization. Nobody reads it for an audience, so it may name none
/// (RFC 7519 section 4.1.3).
fn judge_subject(claims: &ClaimsRef<'_>, uri: &str) -> Result<(), StatusListError> {
    let subject = claims.subject().ok_or(bad("sub", "present"))?;
    if subject != uri {
        return Err(StatusListErrorKind::SubjectMismatch {
            expected: excerpt(uri),
            found: excerpt(&subject),
        }
        .into());
    }
    if claims.audience().is_present() {
        return Err(bad("aud", "absent"));
    }
    Ok(())
}

/// A positive number of seconds, fractions included (draft section 5.1).
fn read_time_to_live(value: Value<'_>) -> Result<Duration, StatusListError> {
    let read = match value {
        Value::Number(digits) => UnixTime::from_json_number(digits),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    };
    read.map(|end| end.saturating_since(UnixTime::from_seconds(0)))
        .filter(|ttl| !ttl.is_zero())
        .ok_or(bad("ttl", "a positive number of seconds"))
}

fn claims_error(error: ClaimsError) -> StatusListErrorKind {
    match error {
        ClaimsError::Json(error) => StatusListErrorKind::Json(error),
        ClaimsError::Type { name, expected } => StatusListErrorKind::BadMember { name, expected },
    }
}
