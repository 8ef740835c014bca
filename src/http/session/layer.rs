//! The layer: judges a request's cookies before the application sees it, and adds the
//! renewed ones to the response.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum_core::extract::Request;
use axum_core::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower_layer::Layer;
use tower_service::Service;

use super::BrowserSessions;
use super::cookies::SetCookies;
use super::extract::{Found, wants_page};
use super::refusal::{SessionRefusal, SessionRefused};
use crate::session::Provenance;

/// Made by [`BrowserSessions::layer`].
pub struct SessionLayer<T = ()> {
    sessions: BrowserSessions,
    data: PhantomData<fn() -> T>,
}

/// The service that [`SessionLayer`] makes.
pub struct KeepSession<S, T = ()> {
    inner: S,
    sessions: BrowserSessions,
    data: PhantomData<fn() -> T>,
}

impl<T> SessionLayer<T> {
    pub(super) fn new(sessions: BrowserSessions) -> Self {
        Self {
            sessions,
            data: PhantomData,
        }
    }
}

impl<S, T> Layer<S> for SessionLayer<T> {
    type Service = KeepSession<S, T>;

    fn layer(&self, inner: S) -> Self::Service {
        KeepSession {
            inner,
            sessions: self.sessions.clone(),
            data: PhantomData,
        }
    }
}

impl<S, T> Service<Request> for KeepSession<S, T>
where
    S: Service<Request, Response = Response>,
    S::Future: Send + 'static,
    T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let cookies = match admit::<T>(&self.sessions, &mut request) {
            Ok(cookies) => cookies,
            Err(refused) => return Box::pin(async { Ok(refused.into_response()) }),
        };
        let name = self.sessions.0.cookies.token_name().to_owned();
        let answer = self.inner.call(request);
        Box::pin(async move {
            let mut response = answer.await?;
            let headers = response.headers_mut();
            // What a handler has done about the session is the last word. A response that
            // others may be served carries no cookie: the next request renews.
            let left_out =
                SetCookies::decided(headers, &name) || SetCookies::may_be_shared(headers);
            if let Some(cookies) = cookies.filter(|_| !left_out) {
                cookies.apply(headers);
            }
            Ok(response)
        })
    }
}

/// Judges a request and leaves the result in it; gives the renewed cookie, if any.
fn admit<T>(
    sessions: &BrowserSessions,
    request: &mut Request,
) -> Result<Option<SetCookies>, SessionRefused>
where
    T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
{
    let refused = |refusal: SessionRefusal| SessionRefused::new(refusal, None);
    let now = sessions.0.clock.now();
    let sender = sessions
        .sender(request.method(), request.headers())
        .map_err(refused)?;
    let judged = sessions.judge_at::<T>(request.headers(), now);
    let cookies = match &judged {
        Ok(Some(session)) => {
            if sender == Provenance::Unstated {
                BrowserSessions::check_form_header(session, request.headers()).map_err(refused)?;
            }
            sessions.renewal(session, now)
        }
        // Cookies that are good for nothing stay: removing them here would also remove
        // those of a login that another tab has made in the meantime.
        Ok(None) | Err(_) => None,
    };
    let login_page = sessions.0.login_page.clone();
    let found = Found {
        judged,
        login_page: login_page.filter(|_| wants_page(request.method(), request.headers())),
    };
    request.extensions_mut().insert(found);
    Ok(cookies)
}

impl<T> Clone for SessionLayer<T> {
    fn clone(&self) -> Self {
        Self::new(self.sessions.clone())
    }
}

impl<S: Clone, T> Clone for KeepSession<S, T> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            sessions: self.sessions.clone(),
            data: PhantomData,
        }
    }
}

impl<T> fmt::Debug for SessionLayer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SessionLayer").field(&self.sessions).finish()
    }
}

impl<S, T> fmt::Debug for KeepSession<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeepSession").field(&self.sessions).finish()
    }
}
