//! Claims as they stand in a decoded payload: read once, nothing copied.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;

use super::claims::{ClaimName, is_registered};
use super::confirmation::{CONFIRMATION, KeyThumbprint, read_confirmation};
use super::status::{STATUS, StatusRef, read_status};
use crate::encoding::json::{self, Array, Bounds, JsonError, Text, Value};
use crate::time::UnixTime;

/// How a token format writes points in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeForm {
    /// Seconds since the epoch (JWT, RFC 7519 section 2).
    NumericDate,
    /// RFC 3339 text (PASETO, "Registered Claims").
    Rfc3339,
}

/// The `aud` claim: one string or an array of them (RFC 7519 section 4.1.3).
#[derive(Clone, Copy, Default)]
pub struct AudienceRef<'s>(Audience<'s>);

#[derive(Clone, Copy, Default)]
enum Audience<'s> {
    #[default]
    Absent,
    One(Text<'s>),
    Many(Array<'s>),
}

impl<'s> AudienceRef<'s> {
    /// Whether the claim is there at all.
    #[must_use]
    pub fn is_present(&self) -> bool {
        !matches!(self.0, Audience::Absent)
    }

    /// Whether exactly this audience is named: no prefix, no case folding.
    #[must_use]
    pub fn contains(&self, audience: &str) -> bool {
        match self.0 {
            Audience::Absent => false,
            Audience::One(text) => text.is(audience),
            Audience::Many(list) => list.iter().any(|value| match value {
                Value::String(text) => text.is(audience),
                Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::Array(_)
                | Value::Object(_) => false,
            }),
        }
    }

    /// Every audience in the order of the token; text without escapes is borrowed.
    pub fn iter(&self) -> impl Iterator<Item = Cow<'s, str>> + use<'s> {
        let (one, many) = match self.0 {
            Audience::Absent => (None, None),
            Audience::One(text) => (Some(text.to_cow()), None),
            Audience::Many(list) => (None, Some(list)),
        };
        let listed =
            many.into_iter()
                .flat_map(|array| array.iter())
                .filter_map(|value| match value {
                    Value::String(text) => Some(text.to_cow()),
                    Value::Null
                    | Value::Bool(_)
                    | Value::Number(_)
                    | Value::Array(_)
                    | Value::Object(_) => None,
                });
        one.into_iter().chain(listed)
    }
}

/// Claims that borrow from the payload. Accessors allocate only for text with escapes.
#[derive(Clone, Copy, Default)]
pub struct ClaimsRef<'s> {
    issuer: Option<Text<'s>>,
    subject: Option<Text<'s>>,
    audience: AudienceRef<'s>,
    expires_at: Option<UnixTime>,
    not_before: Option<UnixTime>,
    issued_at: Option<UnixTime>,
    token_id: Option<Text<'s>>,
    session_id: Option<Text<'s>>,
    scope: Option<Text<'s>>,
    status: Option<StatusRef<'s>>,
    bound_key: Option<KeyThumbprint>,
    payload: &'s [u8],
}

impl<'s> ClaimsRef<'s> {
    /// Who issued the token: `iss` (RFC 7519 section 4.1.1).
    #[doc(alias = "iss")]
    #[must_use]
    pub fn issuer(&self) -> Option<Cow<'s, str>> {
        self.issuer.map(|text| text.to_cow())
    }

    /// Whom it speaks of: `sub` (section 4.1.2).
    #[doc(alias = "sub")]
    #[must_use]
    pub fn subject(&self) -> Option<Cow<'s, str>> {
        self.subject.map(|text| text.to_cow())
    }

    /// For whom it is meant: `aud` (section 4.1.3).
    #[doc(alias = "aud")]
    #[must_use]
    pub fn audience(&self) -> AudienceRef<'s> {
        self.audience
    }

    /// When it ends: `exp` (section 4.1.4); it is valid before that instant.
    #[doc(alias = "exp")]
    #[must_use]
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.expires_at
    }

    /// When it begins: `nbf` (section 4.1.5); it is valid from that instant on.
    #[doc(alias = "nbf")]
    #[must_use]
    pub fn not_before(&self) -> Option<UnixTime> {
        self.not_before
    }

    /// When it was made: `iat` (section 4.1.6).
    #[doc(alias = "iat")]
    #[must_use]
    pub fn issued_at(&self) -> Option<UnixTime> {
        self.issued_at
    }

    /// Its own id: `jti` (section 4.1.7).
    #[doc(alias = "jti")]
    #[must_use]
    pub fn token_id(&self) -> Option<Cow<'s, str>> {
        self.token_id.map(|text| text.to_cow())
    }

    /// The login it belongs to: `sid` (OpenID Connect Front-Channel Logout section 3).
    #[doc(alias = "sid")]
    #[must_use]
    pub fn session_id(&self) -> Option<Cow<'s, str>> {
        self.session_id.map(|text| text.to_cow())
    }

    /// What it permits, space-separated: `scope` (RFC 8693 section 4.2).
    #[must_use]
    pub fn scope(&self) -> Option<Cow<'s, str>> {
        self.scope.map(|text| text.to_cow())
    }

    /// Whether the scope lists exactly this word; never for an empty one.
    #[must_use]
    pub fn has_scope(&self, word: &str) -> bool {
        self.scope.is_some_and(|text| {
            text.to_cow()
                .split(' ')
                .any(|each| !each.is_empty() && each == word)
        })
    }

    /// Where its status stands: `status`, if it refers to an IETF Token Status List
    /// (draft-ietf-oauth-status-list). Any other claim of that name is the application's own.
    #[must_use]
    pub fn status(&self) -> Option<StatusRef<'s>> {
        self.status
    }

    /// The key that its presenter must prove to hold: `cnf`, if it has a member `jkt`
    /// (RFC 9449 section 6.1). Any other claim of that name is the application's own.
    #[doc(alias = "cnf")]
    #[doc(alias = "jkt")]
    #[must_use]
    pub fn bound_key(&self) -> Option<KeyThumbprint> {
        self.bound_key
    }

    /// Whether the issuer is exactly this text; never allocates.
    #[must_use]
    pub fn issuer_is(&self, issuer: &str) -> bool {
        self.issuer.is_some_and(|text| text.is(issuer))
    }

    /// The whole payload, as it was signed.
    #[must_use]
    pub fn json(&self) -> &'s str {
        // The JSON reader has already refused anything that is not UTF-8.
        std::str::from_utf8(self.payload).unwrap_or_default()
    }

    /// A claim by its name, decoded into `T`; `None` when the token does not have it.
    ///
    /// # Errors
    /// The decoder's message, when the claim is there but is not a `T`.
    pub fn get<T: Deserialize<'s>>(&self, name: &str) -> Option<Result<T, serde_json::Error>> {
        let value = self.find(name)?;
        Some(serde_json::from_str(value.raw()))
    }

    /// Whether a claim of this name is there, whatever its value.
    #[must_use]
    pub fn has(&self, name: &ClaimName) -> bool {
        match name {
            ClaimName::Issuer => self.issuer.is_some(),
            ClaimName::Subject => self.subject.is_some(),
            ClaimName::Audience => self.audience.is_present(),
            ClaimName::ExpiresAt => self.expires_at.is_some(),
            ClaimName::NotBefore => self.not_before.is_some(),
            ClaimName::IssuedAt => self.issued_at.is_some(),
            ClaimName::TokenId => self.token_id.is_some(),
            ClaimName::SessionId => self.session_id.is_some(),
            ClaimName::Scope => self.scope.is_some(),
            ClaimName::Custom(name) => self.find(name).is_some(),
        }
    }

    fn find(&self, wanted: &str) -> Option<Value<'s>> {
        let mut found = None;
        json::object(
            self.payload,
            Bounds::TOKEN,
            |name: Text<'s>, value: Value<'s>| {
                if name.is(wanted) {
                    found = Some(value);
                }
                Ok::<(), JsonError>(())
            },
        )
        .ok()?;
        found
    }
}

impl fmt::Debug for ClaimsRef<'_> {
    /// Names no claim's value: claims are personal data, and logs are read by many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClaimsRef({} bytes)", self.payload.len())
    }
}

/// Why a payload is not a set of claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClaimsError {
    Json(JsonError),
    Type {
        name: &'static str,
        expected: &'static str,
    },
}

impl From<JsonError> for ClaimsError {
    fn from(error: JsonError) -> Self {
        Self::Json(error)
    }
}

/// A claim that is not a registered one.
pub(crate) type CustomMember<'s> = (Text<'s>, Value<'s>);

/// Reads claims in one pass. A registered claim of the wrong type is an error and
/// never "absent" (CVE-2026-25537 was the opposite); `custom` sees all others.
pub(crate) fn read_claims<'s>(
    payload: &'s [u8],
    form: TimeForm,
    mut custom: impl FnMut(CustomMember<'s>),
) -> Result<ClaimsRef<'s>, ClaimsError> {
    let mut claims = ClaimsRef {
        payload,
        ..ClaimsRef::default()
    };
    json::object(
        payload,
        Bounds::TOKEN,
        |name: Text<'s>, value: Value<'s>| {
            match &*name.to_cow() {
                "iss" => claims.issuer = Some(string(value, "iss")?),
                "sub" => claims.subject = Some(string(value, "sub")?),
                "aud" => claims.audience = audience(value)?,
                "exp" => claims.expires_at = Some(time(value, form, "exp")?),
                "nbf" => claims.not_before = Some(time(value, form, "nbf")?),
                "iat" => claims.issued_at = Some(time(value, form, "iat")?),
                "jti" => claims.token_id = Some(string(value, "jti")?),
                "sid" => claims.session_id = Some(string(value, "sid")?),
                "scope" => claims.scope = Some(string(value, "scope")?),
                other => {
                    debug_assert!(!is_registered(other));
                    let ours = match other {
                        STATUS => {
                            claims.status = read_status(value)?;
                            claims.status.is_some()
                        }
                        CONFIRMATION => {
                            claims.bound_key = read_confirmation(value)?;
                            claims.bound_key.is_some()
                        }
                        _ => false,
                    };
                    if !ours {
                        custom((name, value));
                    }
                }
            }
            Ok::<(), ClaimsError>(())
        },
    )?;
    Ok(claims)
}

fn string<'s>(value: Value<'s>, name: &'static str) -> Result<Text<'s>, ClaimsError> {
    match value {
        Value::String(text) => Ok(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(ClaimsError::Type {
                name,
                expected: "a string",
            })
        }
    }
}

fn audience(value: Value<'_>) -> Result<AudienceRef<'_>, ClaimsError> {
    let wrong = ClaimsError::Type {
        name: "aud",
        expected: "a string or an array of strings",
    };
    match value {
        Value::String(text) => Ok(AudienceRef(Audience::One(text))),
        Value::Array(array) if array.iter().all(|item| matches!(item, Value::String(_))) => {
            Ok(AudienceRef(Audience::Many(array)))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(wrong)
        }
    }
}

fn time(value: Value<'_>, form: TimeForm, name: &'static str) -> Result<UnixTime, ClaimsError> {
    match (form, value) {
        (TimeForm::NumericDate, Value::Number(digits)) => {
            UnixTime::from_json_number(digits).ok_or(ClaimsError::Type {
                name,
                expected: "a number of seconds that a 64-bit integer can hold",
            })
        }
        (TimeForm::NumericDate, _) => Err(ClaimsError::Type {
            name,
            expected: "a number of seconds since 1970 (RFC 7519 section 2)",
        }),
        (TimeForm::Rfc3339, Value::String(text)) => UnixTime::parse_rfc3339(&text.to_cow())
            .map_err(|_| ClaimsError::Type {
                name,
                expected: "an RFC 3339 time such as 2027-01-01T00:00:00Z",
            }),
        (TimeForm::Rfc3339, _) => Err(ClaimsError::Type {
            name,
            expected: "an RFC 3339 time such as \"2027-01-01T00:00:00Z\"",
        }),
    }
}
