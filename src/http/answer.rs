//! What a refused request is answered with: status, challenge and a small document.

use std::fmt::Write as _;
use std::time::Duration;

use ::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use ::http::{HeaderValue, Response, StatusCode};

use super::refusal::{Refusal, RefusalKind};
use super::setup::{SetupError, SetupErrorKind};
use crate::error::ErrorClass;

/// How soon a client may ask again when a token could not be checked: followers of
/// a store and of remote keys look again within seconds.
pub const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(10);

/// How refusals are put to clients: a status, a `WWW-Authenticate` challenge (RFC
/// 6750 section 3) and a problem document (RFC 9457).
///
/// ```
/// use tokenwright::http::{Answers, Refusal, RefusalKind};
///
/// let answers = Answers::new().realm("orders")?;
/// let answer = answers.to(&Refusal::from(RefusalKind::NoToken));
/// assert_eq!(answer.status(), 401);
/// assert_eq!(answer.headers()["www-authenticate"], r#"Bearer realm="orders""#);
/// # Ok::<(), tokenwright::http::SetupError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    /// `realm="…"`, as it stands in a challenge; empty without one.
    realm: String,
    /// `resource_metadata="…"`, likewise.
    resource_metadata: String,
    retry_after: Duration,
}

impl Default for Answers {
    fn default() -> Self {
        Self::new()
    }
}

impl Answers {
    /// Answers without a realm.
    #[must_use]
    pub fn new() -> Self {
        Self {
            realm: String::new(),
            resource_metadata: String::new(),
            retry_after: DEFAULT_RETRY_AFTER,
        }
    }

    /// Names the space of resources that is protected (RFC 9110 section 11.5).
    ///
    /// # Errors
    /// [`SetupErrorKind::BadRealm`] when it is not printable ASCII.
    pub fn realm(mut self, realm: &str) -> Result<Self, SetupError> {
        if realm.is_empty() || !realm.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(SetupError::new(SetupErrorKind::BadRealm, realm));
        }
        let escaped = realm.replace('\\', "\\\\").replace('"', "\\\"");
        self.realm = format!("realm=\"{escaped}\"");
        Ok(self)
    }

    /// Tells clients where the metadata of the protected resource is, and so who
    /// issues its tokens (RFC 9728 section 5.1).
    ///
    /// # Errors
    /// [`SetupErrorKind::BadResourceMetadata`] when it is not an address.
    pub fn resource_metadata(mut self, address: &str) -> Result<Self, SetupError> {
        let path = address
            .strip_prefix("https://")
            .or_else(|| address.strip_prefix("http://"));
        let is_address = path.is_some_and(|path| !path.is_empty())
            && address
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
        if !is_address {
            return Err(SetupError::new(
                SetupErrorKind::BadResourceMetadata,
                address,
            ));
        }
        self.resource_metadata = format!("resource_metadata=\"{address}\"");
        Ok(self)
    }

    /// Asks clients to wait this long, in whole seconds, when a token could not be
    /// checked; without it [`DEFAULT_RETRY_AFTER`].
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = wait;
        self
    }

    /// The whole answer. It is never cached, so that nobody is served another's.
    #[must_use]
    pub fn to(&self, refusal: &Refusal) -> Response<String> {
        let mut response = Response::new(problem(refusal));
        *response.status_mut() = refusal.status();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = self.challenge(refusal) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if refusal.class() == ErrorClass::CannotKnow {
            headers.insert(RETRY_AFTER, self.retry_after.as_secs().into());
        }
        response
    }

    /// The answer for a gRPC client: a status in the headers and no body, with the
    /// challenge beside it, which clients see as metadata.
    #[must_use]
    pub fn to_grpc(&self, refusal: &Refusal) -> Response<String> {
        // "Trailers-Only" of the gRPC protocol over HTTP/2.
        let mut response = self.to(refusal);
        response.body_mut().clear();
        *response.status_mut() = StatusCode::OK;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert("grpc-status", grpc_status(refusal.class()).into());
        headers.insert(
            "grpc-message",
            HeaderValue::from_static(refusal.public_message()),
        );
        response
    }

    /// The challenge alone, as the value of `WWW-Authenticate`; `None` when another
    /// token would not help.
    #[must_use]
    pub fn challenge(&self, refusal: &Refusal) -> Option<HeaderValue> {
        let blames_sender = !matches!(
            refusal.class(),
            ErrorClass::CannotKnow | ErrorClass::Operator
        );
        blames_sender.then(|| self.challenge_of("Bearer", Some(refusal), ""))
    }

    /// The challenge of one scheme, which says what was refused if this is the scheme
    /// that was used, with a parameter of its own.
    pub(super) fn challenge_of(
        &self,
        scheme: &'static str,
        refusal: Option<&Refusal>,
        more: &str,
    ) -> HeaderValue {
        let text = self.challenge_text(scheme, refusal, more);
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(scheme))
    }

    fn challenge_text(&self, scheme: &str, refusal: Option<&Refusal>, more: &str) -> String {
        let mut parameters = vec![self.realm.clone()];
        if let Some(refusal) = refusal
            && let Some(error) = refusal.oauth_error()
        {
            parameters.push(format!("error=\"{error}\""));
            parameters.push(format!(
                "error_description=\"{}\"",
                refusal.public_message()
            ));
        }
        if let Some(RefusalKind::Scopes(scopes)) = refusal.map(Refusal::kind) {
            parameters.push(format!("scope=\"{}\"", scopes.listed()));
        }
        parameters.push(self.resource_metadata.clone());
        parameters.push(more.to_owned());
        parameters.retain(|parameter| !parameter.is_empty());
        let mut text = scheme.to_owned();
        if !parameters.is_empty() {
            text.push(' ');
            text.push_str(&parameters.join(", "));
        }
        text
    }
}

/// The codes of gRPC: INVALID_ARGUMENT, PERMISSION_DENIED, INTERNAL, UNAVAILABLE,
/// UNAUTHENTICATED.
fn grpc_status(class: ErrorClass) -> u16 {
    match class {
        ErrorClass::Unclear => 3,
        ErrorClass::NotPermitted => 7,
        ErrorClass::Operator => 13,
        ErrorClass::CannotKnow => 14,
        ErrorClass::NotOurs | ErrorClass::NotHere | ErrorClass::NotNow | ErrorClass::Withdrawn => {
            16
        }
    }
}

/// A problem document (RFC 9457 section 3). `about:blank` says that the status
/// tells all there is, and then the title is the status's own words (section 4.2.1).
fn problem(refusal: &Refusal) -> String {
    let status = refusal.status();
    let mut body = format!(
        "{{\"type\":\"about:blank\",\"title\":\"{}\",\"status\":{},\"detail\":\"{}\"",
        status.canonical_reason().unwrap_or_default(),
        status.as_u16(),
        refusal.public_message(),
    );
    // Writing to a string does not fail.
    if let Some(error) = refusal.oauth_error() {
        let _ = write!(body, ",\"error\":\"{error}\"");
    }
    if let RefusalKind::Scopes(scopes) = refusal.kind() {
        let _ = write!(body, ",\"scope\":\"{}\"", scopes.listed());
    }
    body.push('}');
    body
}
