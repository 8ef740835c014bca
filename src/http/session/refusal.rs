//! Why a request has no session, and what it is answered.

use std::fmt;

use ::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use ::http::{HeaderValue, StatusCode};
use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};

use super::super::answer::DEFAULT_RETRY_AFTER;
use super::super::credentials::CredentialsError;
use crate::error::ErrorClass;
use crate::session::SessionError;

/// The reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionRefusalKind {
    /// The request carries no cookies of a session.
    NoSession,
    /// It carries several of one name, or what no session's cookie holds.
    Credentials(CredentialsError),
    /// The session was refused, or the request was.
    Session(SessionError),
    /// Nobody has judged anything: the layer is missing, or its data is of another type.
    NotJudged,
}

/// A request that has no session, or is not let through with it.
///
/// `Display` and [`code`](Self::code) are for the operator's log; the sender is told
/// [`public_message`](Self::public_message) and no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRefusal(SessionRefusalKind);

impl SessionRefusal {
    /// The reason.
    #[must_use]
    pub fn kind(&self) -> &SessionRefusalKind {
        &self.0
    }

    /// The stable name of the reason, such as `session_over`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.0 {
            SessionRefusalKind::NoSession => "no_session",
            SessionRefusalKind::Credentials(error) => error.code(),
            SessionRefusalKind::Session(error) => error.code(),
            SessionRefusalKind::NotJudged => "not_judged",
        }
    }

    /// Who must act.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match &self.0 {
            SessionRefusalKind::NoSession => ErrorClass::NotOurs,
            SessionRefusalKind::Credentials(error) => error.class(),
            SessionRefusalKind::Session(error) => error.class(),
            SessionRefusalKind::NotJudged => ErrorClass::Operator,
        }
    }

    /// The status that follows from the class.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.class().http_status())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// What the sender is told.
    #[must_use]
    pub fn public_message(&self) -> &'static str {
        match &self.0 {
            SessionRefusalKind::Session(error) => error.public_message(),
            SessionRefusalKind::NotJudged => "the session cannot be checked at this time",
            SessionRefusalKind::NoSession | SessionRefusalKind::Credentials(_) => {
                "there is no session"
            }
        }
    }

    /// Whether the request simply has no session, whatever became of the one it may
    /// have had: a page for everybody is then shown as to anybody.
    pub(super) fn is_absence(&self) -> bool {
        match self.class() {
            ErrorClass::NotOurs
            | ErrorClass::NotHere
            | ErrorClass::NotNow
            | ErrorClass::Withdrawn
            | ErrorClass::Unclear => true,
            ErrorClass::NotPermitted | ErrorClass::CannotKnow | ErrorClass::Operator => false,
        }
    }
}

impl From<SessionRefusalKind> for SessionRefusal {
    fn from(kind: SessionRefusalKind) -> Self {
        Self(kind)
    }
}

impl From<CredentialsError> for SessionRefusal {
    fn from(error: CredentialsError) -> Self {
        Self(SessionRefusalKind::Credentials(error))
    }
}

impl From<SessionError> for SessionRefusal {
    fn from(error: SessionError) -> Self {
        Self(SessionRefusalKind::Session(error))
    }
}

impl fmt::Display for SessionRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            SessionRefusalKind::NoSession => f.write_str("the request carries no session"),
            SessionRefusalKind::Credentials(error) => error.fmt(f),
            SessionRefusalKind::Session(error) => error.fmt(f),
            SessionRefusalKind::NotJudged => f.write_str(
                "no session of this type was judged: put the session layer in front of the handler",
            ),
        }
    }
}

impl std::error::Error for SessionRefusal {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            SessionRefusalKind::Credentials(error) => Some(error),
            SessionRefusalKind::Session(error) => Some(error),
            SessionRefusalKind::NoSession | SessionRefusalKind::NotJudged => None,
        }
    }
}

/// A refused request, as an extractor gives it back to axum: 401 and a problem
/// document (RFC 9457), or 303 to the login page for a browser that asks for a page.
#[derive(Clone, Debug)]
pub struct SessionRefused(Box<(SessionRefusal, Option<String>)>);

impl SessionRefused {
    pub(super) fn new(refusal: SessionRefusal, login_page: Option<String>) -> Self {
        Self(Box::new((refusal, login_page)))
    }

    /// Why it was refused.
    #[must_use]
    pub fn refusal(&self) -> &SessionRefusal {
        &self.0.0
    }
}

impl IntoResponse for SessionRefused {
    fn into_response(self) -> Response {
        let (refusal, login_page) = *self.0;
        let location = login_page
            .filter(|_| refusal.is_absence())
            .and_then(|page| HeaderValue::try_from(page).ok());
        let mut response = Response::new(Body::empty());
        if let Some(location) = location {
            *response.status_mut() = StatusCode::SEE_OTHER;
            response.headers_mut().insert(LOCATION, location);
        } else {
            *response.status_mut() = refusal.status();
            *response.body_mut() = Body::from(problem(&refusal));
            let kind = HeaderValue::from_static("application/problem+json");
            response.headers_mut().insert(CONTENT_TYPE, kind);
        }
        let answered = response.status();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if answered == StatusCode::UNAUTHORIZED {
            // A 401 must name a scheme (RFC 9110 section 11.6.1), and this is none that
            // a browser would open a window for.
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Cookie"));
        }
        if refusal.class() == ErrorClass::CannotKnow {
            headers.insert(RETRY_AFTER, DEFAULT_RETRY_AFTER.as_secs().into());
        }
        response
    }
}

fn problem(refusal: &SessionRefusal) -> String {
    let status = refusal.status();
    format!(
        "{{\"type\":\"about:blank\",\"title\":\"{}\",\"status\":{},\"detail\":\"{}\"}}",
        status.canonical_reason().unwrap_or_default(),
        status.as_u16(),
        refusal.public_message(),
    )
}
