//! The session in a handler's signature.

use ::http::header::ACCEPT;
use ::http::request::Parts;
use ::http::{HeaderMap, Method};
use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};

use super::refusal::{SessionRefusal, SessionRefusalKind, SessionRefused};
use crate::session::Session;

/// What the layer has found out about a request, left in its extensions.
#[derive(Clone)]
pub(super) struct Found<T> {
    pub(super) judged: Result<Option<Session<T>>, SessionRefusal>,
    /// Where a browser that asks for a page is sent without a session.
    pub(super) login_page: Option<String>,
}

/// Whether a person waits for a page, who can be sent to another.
pub(super) fn wants_page(method: &Method, headers: &HeaderMap) -> bool {
    let accepts =
        |value: &::http::HeaderValue| value.to_str().is_ok_and(|text| text.contains("text/html"));
    matches!(*method, Method::GET | Method::HEAD) && headers.get_all(ACCEPT).iter().any(accepts)
}

fn found<T: Clone + Send + Sync + 'static>(parts: &Parts) -> Result<Found<T>, SessionRefused> {
    let found = parts.extensions.get::<Found<T>>();
    found
        .cloned()
        .ok_or_else(|| SessionRefused::new(SessionRefusalKind::NotJudged.into(), None))
}

impl<S, T> FromRequestParts<S> for Session<T>
where
    S: Send + Sync,
    T: Clone + Send + Sync + 'static,
{
    type Rejection = SessionRefused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, SessionRefused> {
        let Found { judged, login_page } = found::<T>(parts)?;
        let refused = |refusal| SessionRefused::new(refusal, login_page);
        match judged {
            Ok(Some(session)) => Ok(session),
            Ok(None) => Err(refused(SessionRefusalKind::NoSession.into())),
            Err(refusal) => Err(refused(refusal)),
        }
    }
}

impl<S, T> OptionalFromRequestParts<S> for Session<T>
where
    S: Send + Sync,
    T: Clone + Send + Sync + 'static,
{
    type Rejection = SessionRefused;

    /// `None` also for a session that is over or was refused: whoever has lost a session
    /// must still see the page to log in on. Only when nobody can tell is the request
    /// refused.
    async fn from_request_parts(
        parts: &mut Parts,
        _state: &S,
    ) -> Result<Option<Self>, SessionRefused> {
        match found::<T>(parts)?.judged {
            Ok(session) => Ok(session),
            Err(refusal) if refusal.is_absence() => Ok(None),
            Err(refusal) => Err(SessionRefused::new(refusal, None)),
        }
    }
}
