//! Cookies on their way into a response.

use std::convert::Infallible;
use std::fmt;

use ::http::header::{CACHE_CONTROL, SET_COOKIE};
use ::http::{HeaderMap, HeaderValue};
use axum_core::response::{IntoResponse, IntoResponseParts, Response, ResponseParts};

/// The cookies that a response sets or removes: return it from a handler, before the
/// rest of the response.
///
/// A response that sets them is not stored by any cache, unless it says otherwise
/// itself: nobody may be served another's session.
#[derive(Clone)]
#[must_use = "cookies that are in no response reach no browser"]
pub struct SetCookies(Vec<HeaderValue>);

impl SetCookies {
    /// Of lines that [`SessionCookies`](crate::session::SessionCookies) wrote: names
    /// are vetted and values are base64url, so every line is a header's value.
    pub(super) fn new(lines: impl IntoIterator<Item = String>) -> Self {
        let value = |line: String| {
            let mut value = HeaderValue::try_from(line).ok()?;
            // Kept out of `Debug` output of headers.
            value.set_sensitive(true);
            Some(value)
        };
        Self(lines.into_iter().filter_map(value).collect())
    }

    /// Adds them to the headers of a response.
    pub fn apply(self, headers: &mut HeaderMap) {
        for value in self.0 {
            headers.append(SET_COOKIE, value);
        }
        headers
            .entry(CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
    }

    /// Whether a cache that others share may keep a response: what it sets, everybody
    /// who is served from there would be set (RFC 9111 section 7.3).
    pub(super) fn may_be_shared(headers: &HeaderMap) -> bool {
        let mut stated = false;
        let mut kept_private = false;
        for value in headers.get_all(CACHE_CONTROL) {
            stated = true;
            let text = value.to_str().unwrap_or_default().to_ascii_lowercase();
            let mut words = text.split(',').map(str::trim);
            kept_private |= words.any(|word| matches!(word, "no-store" | "private"));
        }
        stated && !kept_private
    }

    /// Whether a response already says what becomes of this cookie.
    pub(super) fn decided(headers: &HeaderMap, name: &str) -> bool {
        headers.get_all(SET_COOKIE).iter().any(|value| {
            value
                .as_bytes()
                .strip_prefix(name.as_bytes())
                .is_some_and(|rest| rest.starts_with(b"="))
        })
    }
}

impl IntoResponseParts for SetCookies {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        self.apply(parts.headers_mut());
        Ok(parts)
    }
}

impl IntoResponse for SetCookies {
    fn into_response(self) -> Response {
        (self, ()).into_response()
    }
}

impl fmt::Debug for SetCookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SetCookies({})", self.0.len())
    }
}
