//! A list with its signature: the status list token (draft section 5.1).

use std::fmt;
use std::time::Duration;

use super::TOKEN_TYPE;
use super::error::{StatusListError, StatusListErrorKind};
use super::json::bad;
use super::list::StatusList;
use crate::encoding::write::write_string;
use crate::key::{Format, SigningKey};
use crate::time::UnixTime;
use crate::token::is_uri;

/// A list, where it is found, and for how long it may be believed.
///
/// One is made to be signed, or comes out of a [`StatusListReader`](super::StatusListReader).
///
/// ```
/// use std::time::Duration;
/// use tokenwright::key::{Algorithm, SigningKey};
/// use tokenwright::status_list::{StatusBits, StatusList, StatusListToken};
/// use tokenwright::UnixTime;
///
/// let key = SigningKey::generate(Algorithm::EdDsa)?;
/// let now = UnixTime::from_seconds(1_760_000_000);
/// let list = StatusList::new(StatusBits::One, 100_000)?;
/// let published = StatusListToken::new(
///     "https://auth.example/statuslists/1",
///     list,
///     now,
///     Some(now.saturating_add(Duration::from_secs(86_400))),
/// )
/// .with_time_to_live(Duration::from_secs(3_600))
/// .sign(&key)?;
/// assert_eq!(published.split('.').count(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct StatusListToken {
    pub(super) uri: Box<str>,
    pub(super) issuer: Option<Box<str>>,
    pub(super) issued_at: UnixTime,
    pub(super) expires_at: Option<UnixTime>,
    pub(super) time_to_live: Option<Duration>,
    pub(super) list: StatusList,
}

impl StatusListToken {
    /// The list that is found at `uri` (`sub`), as it stood at `issued_at` (`iat`). It
    /// may be believed until `expires_at` (`exp`); one that never expires can be
    /// replayed for ever, and the draft advises against it. Whole seconds count.
    #[must_use]
    pub fn new(
        uri: impl Into<Box<str>>,
        list: StatusList,
        issued_at: UnixTime,
        expires_at: Option<UnixTime>,
    ) -> Self {
        Self {
            uri: uri.into(),
            issuer: None,
            issued_at,
            expires_at,
            time_to_live: None,
            list,
        }
    }

    /// Names who signs the list (`iss`).
    #[must_use]
    pub fn with_issuer(mut self, issuer: impl Into<Box<str>>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Says after how long a copy should be fetched again (`ttl`), in whole seconds.
    #[doc(alias = "ttl")]
    #[must_use]
    pub fn with_time_to_live(mut self, time_to_live: Duration) -> Self {
        self.time_to_live = Some(time_to_live);
        self
    }

    /// Where the list is found (`sub`): what the claim `status` of its tokens names.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Who signed it (`iss`), if it says so.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// When it was complete (`iat`).
    #[must_use]
    pub fn issued_at(&self) -> UnixTime {
        self.issued_at
    }

    /// When it ends (`exp`).
    #[must_use]
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.expires_at
    }

    /// For how long a copy may be kept (`ttl`).
    #[must_use]
    pub fn time_to_live(&self) -> Option<Duration> {
        self.time_to_live
    }

    /// When a copy that was fetched at `fetched` should be fetched again: the earlier
    /// of `ttl` after that and `exp` (draft section 13.7); `None` when it says neither.
    #[must_use]
    pub fn refresh_at(&self, fetched: UnixTime) -> Option<UnixTime> {
        let lived = self.time_to_live.map(|ttl| fetched.saturating_add(ttl));
        match (lived, self.expires_at) {
            (Some(lived), Some(expires)) => Some(lived.min(expires)),
            (either, other) => either.or(other),
        }
    }

    /// The statuses.
    #[must_use]
    pub fn list(&self) -> &StatusList {
        &self.list
    }

    /// The statuses, to change them for the next token.
    #[must_use]
    pub fn into_list(self) -> StatusList {
        self.list
    }

    /// Signs it, as a JWT of type `statuslist+jwt`, to be served as
    /// `application/statuslist+jwt` at its URI.
    ///
    /// # Errors
    /// [`StatusListErrorKind::NotJwt`] with a key for PASETO,
    /// [`StatusListErrorKind::BadMember`] where readers would refuse it, and
    /// [`StatusListErrorKind::Key`] when the engine fails.
    pub fn sign(&self, key: &SigningKey) -> Result<String, StatusListError> {
        if key.algorithm().format() != Format::Jwt {
            return Err(StatusListErrorKind::NotJwt.into());
        }
        let payload = self.payload()?;
        let sealed = key.seal_document(TOKEN_TYPE, payload.as_bytes());
        Ok(sealed.map_err(StatusListErrorKind::Key)?)
    }

    fn payload(&self) -> Result<String, StatusListError> {
        if !is_uri(&self.uri) {
            return Err(bad("sub", "an absolute URI (RFC 3986)"));
        }
        if !self.list.aggregation_uri().is_none_or(is_uri) {
            return Err(bad("aggregation_uri", "an absolute URI (RFC 3986)"));
        }
        let issued_at = self.issued_at.seconds();
        let mut json = String::from("{");
        if let Some(issuer) = &self.issuer {
            json.push_str("\"iss\":");
            write_string(issuer, &mut json);
            json.push(',');
        }
        json.push_str("\"sub\":");
        write_string(&self.uri, &mut json);
        json.push_str(&format!(",\"iat\":{issued_at}"));
        if let Some(expires_at) = self.expires_at {
            if expires_at.seconds() <= issued_at {
                return Err(bad("exp", "later than iat"));
            }
            json.push_str(&format!(",\"exp\":{}", expires_at.seconds()));
        }
        if let Some(time_to_live) = self.time_to_live {
            if time_to_live.as_secs() == 0 {
                return Err(bad("ttl", "at least one second"));
            }
            json.push_str(&format!(",\"ttl\":{}", time_to_live.as_secs()));
        }
        json.push_str(",\"status_list\":");
        json.push_str(&self.list.to_json());
        json.push('}');
        Ok(json)
    }
}

impl fmt::Debug for StatusListToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusListToken")
            .field("uri", &self.uri)
            .field("issued_at", &self.issued_at)
            .field("list", &self.list)
            .finish_non_exhaustive()
    }
}
