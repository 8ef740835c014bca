//! Finding the token in the headers of a request: one, in one place, or a refusal.

use std::fmt;

use ::http::HeaderMap;
use ::http::header::{AUTHORIZATION, COOKIE, HeaderName};

use super::setup::{SetupError, SetupErrorKind};
use crate::error::ErrorClass;
use crate::limits::{MAX_CREDENTIAL_BYTES, MAX_PROOF_BYTES};

/// The scheme of tokens that come with a proof (RFC 9449 section 7.1).
#[allow(dead_code, reason = "named where proofs are judged")]
const DPOP_SCHEME: &str = "DPoP";

/// Where requests carry their token.
///
/// The form field and the query parameter of RFC 6750 sections 2.2 and 2.3 are
/// never looked at: addresses end up in logs (RFC 9700 section 4.3.2).
///
/// ```
/// use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
/// use tokenwright::http::TokenPlace;
///
/// let mut headers = HeaderMap::new();
/// assert_eq!(TokenPlace::header().find(&headers)?, None);
///
/// headers.insert(AUTHORIZATION, HeaderValue::from_static("bearer v4.public.abc"));
/// assert_eq!(TokenPlace::header().find(&headers)?, Some("v4.public.abc"));
/// # Ok::<(), tokenwright::http::CredentialsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPlace {
    header: Header,
    cookie: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Header {
    Searched,
    Ignored,
}

impl TokenPlace {
    /// `Authorization: Bearer TOKEN` (RFC 6750 section 2.1), and nowhere else.
    #[must_use]
    pub fn header() -> Self {
        Self {
            header: Header::Searched,
            cookie: None,
        }
    }

    /// The cookie of this name, and nowhere else.
    ///
    /// Browsers send cookies unasked, with requests that other sites provoke too:
    /// give it `SameSite`, and the prefix `__Host-` so that no other host can set it.
    ///
    /// # Errors
    /// [`SetupErrorKind::BadCookieName`] when no cookie can have the name.
    pub fn cookie(name: impl Into<String>) -> Result<Self, SetupError> {
        Ok(Self {
            header: Header::Ignored,
            cookie: Some(cookie_name(name.into())?),
        })
    }

    /// The header or the cookie of this name: a request that has both is refused.
    ///
    /// # Errors
    /// As [`cookie`](Self::cookie).
    pub fn header_or_cookie(name: impl Into<String>) -> Result<Self, SetupError> {
        Ok(Self {
            header: Header::Searched,
            cookie: Some(cookie_name(name.into())?),
        })
    }

    /// The token's text; `None` when the request presents none, which includes one
    /// that uses another scheme than `Bearer` (RFC 6750 section 3.1).
    ///
    /// What is found has the characters of a token and is not yet checked otherwise.
    ///
    /// # Errors
    /// [`CredentialsError`] when there is more than one, or not a token's text.
    pub fn find<'h>(&self, headers: &'h HeaderMap) -> Result<Option<&'h str>, CredentialsError> {
        let in_header = match self.header {
            Header::Searched => bearer_token(headers)?,
            Header::Ignored => None,
        };
        let in_cookie = match &self.cookie {
            Some(name) => cookie_value(headers, name)?,
            None => None,
        };
        match (in_header, in_cookie) {
            (Some(_), Some(_)) => Err(CredentialsErrorKind::SeveralPlaces.into()),
            (found, None) | (None, found) => Ok(found),
        }
    }

    /// The headers that are searched.
    pub(super) fn names(&self) -> impl Iterator<Item = HeaderName> {
        let header = (self.header == Header::Searched).then_some(AUTHORIZATION);
        let cookie = self.cookie.is_some().then_some(COOKIE);
        header.into_iter().chain(cookie)
    }
}

/// Why the headers of a request do not give a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CredentialsErrorKind {
    /// There are several `Authorization` headers.
    RepeatedHeader,
    /// There are several cookies of the name.
    RepeatedCookie,
    /// There is a token in the header and one in the cookie.
    SeveralPlaces,
    /// What stands in the token's place has not the characters of a token.
    NotAToken,
    /// The headers are longer than [`MAX_CREDENTIAL_BYTES`].
    TooLong,
    /// `Authorization` uses the scheme `DPoP`, and there is no header `DPoP`.
    NoProof,
    /// There are several `DPoP` headers (RFC 9449 section 4.3, check 1).
    RepeatedProof,
    /// What stands in the header `DPoP` has not the characters of a proof, or is longer
    /// than [`MAX_PROOF_BYTES`].
    NotAProof,
}

/// Headers that do not give one token. Never holds any of their text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialsError(CredentialsErrorKind);

impl CredentialsError {
    /// What was wrong, for a program.
    #[must_use]
    pub fn kind(&self) -> CredentialsErrorKind {
        self.0
    }

    /// The stable name of the kind.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.0 {
            CredentialsErrorKind::RepeatedHeader => "repeated_header",
            CredentialsErrorKind::RepeatedCookie => "repeated_cookie",
            CredentialsErrorKind::SeveralPlaces => "several_places",
            CredentialsErrorKind::NotAToken => "not_a_token",
            CredentialsErrorKind::TooLong => "credentials_too_long",
            CredentialsErrorKind::NoProof => "no_proof",
            CredentialsErrorKind::RepeatedProof => "repeated_proof",
            CredentialsErrorKind::NotAProof => "not_a_proof",
        }
    }

    /// Who must act: the sender. Several tokens make the request unclear (400,
    /// `invalid_request`); one that is none is a bad token (401, `invalid_token`).
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self.0 {
            CredentialsErrorKind::RepeatedHeader
            | CredentialsErrorKind::RepeatedCookie
            | CredentialsErrorKind::SeveralPlaces => ErrorClass::Unclear,
            CredentialsErrorKind::NotAToken
            | CredentialsErrorKind::TooLong
            | CredentialsErrorKind::NoProof
            | CredentialsErrorKind::RepeatedProof
            | CredentialsErrorKind::NotAProof => ErrorClass::NotOurs,
        }
    }
}

impl From<CredentialsErrorKind> for CredentialsError {
    fn from(kind: CredentialsErrorKind) -> Self {
        Self(kind)
    }
}

impl fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            CredentialsErrorKind::RepeatedHeader => {
                f.write_str("expected one authorization header, found several")
            }
            CredentialsErrorKind::RepeatedCookie => {
                f.write_str("expected one cookie of the token's name, found several")
            }
            CredentialsErrorKind::SeveralPlaces => {
                f.write_str("expected a token in one place, found one in the header and one in the cookie")
            }
            CredentialsErrorKind::NotAToken => f.write_str(
                "expected a token of letters, digits and -._~+/ (RFC 6750 section 2.1), found something else",
            ),
            CredentialsErrorKind::TooLong => write!(
                f,
                "expected at most {MAX_CREDENTIAL_BYTES} bytes of authorization or cookies, found more"
            ),
            CredentialsErrorKind::NoProof => {
                f.write_str("expected a header DPoP beside the scheme DPoP, found none")
            }
            CredentialsErrorKind::RepeatedProof => {
                f.write_str("expected one header DPoP, found several")
            }
            CredentialsErrorKind::NotAProof => write!(
                f,
                "expected a DPoP proof of at most {MAX_PROOF_BYTES} bytes, found something else"
            ),
        }
    }
}

impl std::error::Error for CredentialsError {}

/// RFC 6750 section 2.1: `"Bearer" 1*SP b64token`; the scheme's case does not
/// matter (RFC 9110 section 11.1).
fn bearer_token(headers: &HeaderMap) -> Result<Option<&str>, CredentialsError> {
    authorized(headers, "Bearer")
}

/// RFC 9449 section 7.1: the same, with another scheme.
#[allow(dead_code, reason = "called where proofs are judged")]
pub(super) fn dpop_token(headers: &HeaderMap) -> Result<Option<&str>, CredentialsError> {
    authorized(headers, DPOP_SCHEME)
}

/// Whether a request names the scheme of RFC 9449, whatever else is wrong with it.
#[allow(dead_code, reason = "called where proofs are judged")]
pub(super) fn uses_dpop(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    values.any(|value| after_scheme(value.as_bytes(), DPOP_SCHEME).is_some())
}

/// The one proof of a request that must have one.
#[allow(dead_code, reason = "called where proofs are judged")]
pub(super) fn one_proof<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> Result<&'h str, CredentialsError> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or(CredentialsErrorKind::NoProof)?;
    if values.next().is_some() {
        return Err(CredentialsErrorKind::RepeatedProof.into());
    }
    let fits = value.len() <= MAX_PROOF_BYTES;
    token_text(value.as_bytes())
        .ok()
        .filter(|_| fits)
        .ok_or_else(|| CredentialsErrorKind::NotAProof.into())
}

fn authorized<'h>(
    headers: &'h HeaderMap,
    scheme: &str,
) -> Result<Option<&'h str>, CredentialsError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    // Which of two a proxy in front has judged, nobody can tell.
    if values.next().is_some() {
        return Err(CredentialsErrorKind::RepeatedHeader.into());
    }
    let Some(rest) = after_scheme(value.as_bytes(), scheme) else {
        return Ok(None);
    };
    if value.len() > MAX_CREDENTIAL_BYTES {
        return Err(CredentialsErrorKind::TooLong.into());
    }
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
    let token = rest.get(spaces..).filter(|_| spaces > 0);
    token.map_or(Err(CredentialsErrorKind::NotAToken.into()), |token| {
        token_text(token).map(Some)
    })
}

/// What follows the scheme, if that is the one and not the beginning of another.
fn after_scheme<'v>(value: &'v [u8], name: &str) -> Option<&'v [u8]> {
    let (scheme, rest) = value.split_at_checked(name.len())?;
    let ends_here = !rest.first().copied().is_some_and(is_token_character);
    (ends_here && scheme.eq_ignore_ascii_case(name.as_bytes())).then_some(rest)
}

/// The value of a cookie. There may be several `Cookie` headers (RFC 9113 section
/// 8.2.3), but among all of them only one cookie of the name.
fn cookie_value<'h>(
    headers: &'h HeaderMap,
    name: &str,
) -> Result<Option<&'h str>, CredentialsError> {
    let mut budget = MAX_CREDENTIAL_BYTES;
    let mut found = None;
    for value in headers.get_all(COOKIE) {
        budget = budget
            .checked_sub(value.len())
            .ok_or(CredentialsErrorKind::TooLong)?;
        // RFC 6265 section 5.2 splits at every semicolon, quoted or not.
        for pair in value.as_bytes().split(|byte| *byte == b';') {
            let Some((its_name, value)) = split_pair(pair) else {
                continue;
            };
            if its_name == name.as_bytes() && found.replace(value).is_some() {
                return Err(CredentialsErrorKind::RepeatedCookie.into());
            }
        }
    }
    found.map(token_text).transpose()
}

/// `name=value` without the spaces around either.
fn split_pair(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let middle = pair.iter().position(|byte| *byte == b'=')?;
    let (name, value) = pair.split_at_checked(middle)?;
    Some((
        name.trim_ascii(),
        value.strip_prefix(b"=").unwrap_or(value).trim_ascii(),
    ))
}

/// A `b64token` of RFC 6750 section 2.1; quotes, commas and spaces are none of it.
fn token_text(bytes: &[u8]) -> Result<&str, CredentialsError> {
    let padding = bytes.iter().rev().take_while(|byte| **byte == b'=').count();
    let body = bytes.len().saturating_sub(padding);
    let is_token = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
    };
    let fits = body > 0 && bytes.iter().take(body).all(is_token);
    match std::str::from_utf8(bytes) {
        Ok(text) if fits => Ok(text),
        _ => Err(CredentialsErrorKind::NotAToken.into()),
    }
}

fn cookie_name(name: String) -> Result<String, SetupError> {
    if !name.is_empty() && name.bytes().all(is_token_character) {
        Ok(name)
    } else {
        Err(SetupError::new(SetupErrorKind::BadCookieName, &name))
    }
}

/// RFC 9110 section 5.6.2, `tchar`.
fn is_token_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests;
