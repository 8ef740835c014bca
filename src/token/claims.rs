//! Claims that own their text: what a minter is given and a handler keeps.

use std::fmt;

use super::borrowed::ClaimsRef;
use super::confirmation::KeyThumbprint;
use super::status::StatusClaim;
use crate::time::UnixTime;

/// The name of a claim, for policies that require one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClaimName {
    /// `iss`
    Issuer,
    /// `sub`
    Subject,
    /// `aud`
    Audience,
    /// `exp`
    ExpiresAt,
    /// `nbf`
    NotBefore,
    /// `iat`
    IssuedAt,
    /// `jti`
    TokenId,
    /// `sid`
    SessionId,
    /// `scope`
    Scope,
    /// Any other name.
    Custom(String),
}

/// The registered names and the variants they stand for.
const REGISTERED: [(&str, ClaimName); 9] = [
    ("iss", ClaimName::Issuer),
    ("sub", ClaimName::Subject),
    ("aud", ClaimName::Audience),
    ("exp", ClaimName::ExpiresAt),
    ("nbf", ClaimName::NotBefore),
    ("iat", ClaimName::IssuedAt),
    ("jti", ClaimName::TokenId),
    ("sid", ClaimName::SessionId),
    ("scope", ClaimName::Scope),
];

/// Whether a name has its own field in [`Claims`].
pub(crate) fn is_registered(name: &str) -> bool {
    REGISTERED.iter().any(|(registered, _)| *registered == name)
}

impl ClaimName {
    /// The name as it stands in a token.
    #[must_use]
    pub fn as_str(&self) -> &str {
        if let Self::Custom(name) = self {
            return name;
        }
        REGISTERED
            .iter()
            .find(|(_, variant)| variant == self)
            .map_or("", |(name, _)| name)
    }
}

impl From<&str> for ClaimName {
    fn from(name: &str) -> Self {
        REGISTERED
            .iter()
            .find(|(registered, _)| *registered == name)
            .map_or_else(
                || Self::Custom(name.to_owned()),
                |(_, variant)| variant.clone(),
            )
    }
}

impl fmt::Display for ClaimName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Custom(name) => write!(f, "{}", crate::error::Quoted(name)),
            Self::Issuer
            | Self::Subject
            | Self::Audience
            | Self::ExpiresAt
            | Self::NotBefore
            | Self::IssuedAt
            | Self::TokenId
            | Self::SessionId
            | Self::Scope => f.write_str(self.as_str()),
        }
    }
}

/// A user's claims: the registered ones, and the application's own in `C`.
///
/// `C` is any serde type that reads and writes a JSON object; `()` has none, and
/// `serde_json::Map<String, serde_json::Value>` takes whatever is there. To mint,
/// say who and what; the issuer, the times and the id are the minter's.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use tokenwright::Claims;
///
/// #[derive(Serialize, Deserialize)]
/// struct Shop {
///     role: String,
/// }
///
/// let claims = Claims::for_subject("alice")
///     .with_scope("cart:read cart:write")
///     .with_custom(Shop { role: "customer".to_owned() });
/// assert_eq!(claims.subject(), Some("alice"));
/// assert_eq!(claims.custom().role, "customer");
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Claims<C = ()> {
    issuer: Option<String>,
    subject: Option<String>,
    audience: Vec<String>,
    expires_at: Option<UnixTime>,
    not_before: Option<UnixTime>,
    issued_at: Option<UnixTime>,
    token_id: Option<String>,
    session_id: Option<String>,
    scope: Option<String>,
    status: Option<StatusClaim>,
    bound_key: Option<KeyThumbprint>,
    custom: C,
}

impl Claims {
    /// Claims about nobody in particular; fill in what is needed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Claims about a user: `sub`.
    #[must_use]
    pub fn for_subject(subject: impl Into<String>) -> Self {
        Self {
            subject: Some(subject.into()),
            ..Self::default()
        }
    }
}

impl<C> Claims<C> {
    /// Adds the application's own claims, replacing those there were.
    #[must_use]
    pub fn with_custom<D>(self, custom: D) -> Claims<D> {
        Claims {
            issuer: self.issuer,
            subject: self.subject,
            audience: self.audience,
            expires_at: self.expires_at,
            not_before: self.not_before,
            issued_at: self.issued_at,
            token_id: self.token_id,
            session_id: self.session_id,
            scope: self.scope,
            status: self.status,
            bound_key: self.bound_key,
            custom,
        }
    }

    /// Names one more audience, in place of the minter's own: `aud`.
    #[must_use]
    pub fn with_audience(mut self, audience: impl Into<String>) -> Self {
        self.audience.push(audience.into());
        self
    }

    /// Sets when it ends, in place of the minter's lifetime: `exp`.
    #[must_use]
    pub fn with_expiry(mut self, expires_at: UnixTime) -> Self {
        self.expires_at = Some(expires_at);
        self
    }

    /// Sets when it begins: `nbf`.
    #[must_use]
    pub fn with_not_before(mut self, not_before: UnixTime) -> Self {
        self.not_before = Some(not_before);
        self
    }

    /// Sets its own id, in place of a random one: `jti`.
    #[must_use]
    pub fn with_token_id(mut self, token_id: impl Into<String>) -> Self {
        self.token_id = Some(token_id.into());
        self
    }

    /// Names the login it belongs to: `sid`.
    #[must_use]
    pub fn with_session_id(mut self, session_id: impl Into<String>) -> Self {
        self.session_id = Some(session_id.into());
        self
    }

    /// Sets what it permits, words separated by single spaces: `scope`.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// Points to its status in an IETF Token Status List: `status`
    /// (draft-ietf-oauth-status-list). Each token needs an index of its own.
    #[must_use]
    pub fn with_status(mut self, status: StatusClaim) -> Self {
        self.status = Some(status);
        self
    }

    /// Binds it to a key: `cnf` with `jkt` (RFC 9449 section 6.1). Whoever presents the
    /// token must prove to hold that key, or every verifier of this crate refuses it.
    #[must_use]
    pub fn with_bound_key(mut self, key: KeyThumbprint) -> Self {
        self.bound_key = Some(key);
        self
    }

    /// Who issued it: `iss`.
    #[doc(alias = "iss")]
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// Whom it speaks of: `sub`.
    #[doc(alias = "sub")]
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// For whom it is meant: `aud`; empty when it names nobody.
    #[doc(alias = "aud")]
    #[must_use]
    pub fn audience(&self) -> &[String] {
        &self.audience
    }

    /// When it ends: `exp`.
    #[doc(alias = "exp")]
    #[must_use]
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.expires_at
    }

    /// When it begins: `nbf`.
    #[doc(alias = "nbf")]
    #[must_use]
    pub fn not_before(&self) -> Option<UnixTime> {
        self.not_before
    }

    /// When it was made: `iat`.
    #[doc(alias = "iat")]
    #[must_use]
    pub fn issued_at(&self) -> Option<UnixTime> {
        self.issued_at
    }

    /// Its own id: `jti`.
    #[doc(alias = "jti")]
    #[must_use]
    pub fn token_id(&self) -> Option<&str> {
        self.token_id.as_deref()
    }

    /// The login it belongs to: `sid`.
    #[doc(alias = "sid")]
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref()
    }

    /// What it permits, words separated by spaces: `scope`.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// Where its status stands: `status`, if it refers to an IETF Token Status List.
    #[must_use]
    pub fn status(&self) -> Option<&StatusClaim> {
        self.status.as_ref()
    }

    /// The key it is bound to: `cnf`, if it has a member `jkt`.
    #[doc(alias = "cnf")]
    #[doc(alias = "jkt")]
    #[must_use]
    pub fn bound_key(&self) -> Option<KeyThumbprint> {
        self.bound_key
    }

    /// Whether the scope lists exactly this word; never for an empty one.
    #[must_use]
    pub fn has_scope(&self, word: &str) -> bool {
        self.scope.as_deref().is_some_and(|scope| {
            scope
                .split(' ')
                .any(|each| !each.is_empty() && each == word)
        })
    }

    /// The application's own claims.
    #[must_use]
    pub fn custom(&self) -> &C {
        &self.custom
    }

    /// The application's own claims, taken out.
    #[must_use]
    pub fn into_custom(self) -> C {
        self.custom
    }

    /// Copies what was read, with custom claims already decoded.
    pub(crate) fn from_borrowed(claims: &ClaimsRef<'_>, custom: C) -> Self {
        Self {
            issuer: claims.issuer().map(Into::into),
            subject: claims.subject().map(Into::into),
            audience: claims.audience().iter().map(Into::into).collect(),
            expires_at: claims.expires_at(),
            not_before: claims.not_before(),
            issued_at: claims.issued_at(),
            token_id: claims.token_id().map(Into::into),
            session_id: claims.session_id().map(Into::into),
            scope: claims.scope().map(Into::into),
            status: claims.status().map(Into::into),
            bound_key: claims.bound_key(),
            custom,
        }
    }
}

impl<C> fmt::Debug for Claims<C> {
    /// Names no claim's value: claims are personal data, and logs are read by many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims").finish_non_exhaustive()
    }
}
