//! Browser sessions in front of an axum application: cookies in, cookies out.

mod cookies;
mod extract;
mod layer;
mod refusal;

use std::fmt;
use std::sync::Arc;

use ::http::header::{ORIGIN, SEC_WEBSOCKET_KEY, UPGRADE};
use ::http::{HeaderMap, Method};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use cookies::SetCookies;
pub use layer::{KeepSession, SessionLayer};
pub use refusal::{SessionRefusal, SessionRefusalKind, SessionRefused};

use super::credentials::TokenPlace;
use super::setup::SetupError;
use crate::revocation::Revocation;
use crate::session::{
    Carried, IssueError, Login, Origins, Provenance, Sender, Session, SessionCookies,
    SessionErrorKind, Sessions,
};
use crate::time::{Clock, SystemClock, UnixTime};

/// The request header in which a script sends the form token of its page.
pub const FORM_TOKEN_HEADER: &str = "x-form-token";

/// The sessions of a web application: what cookies mean, and what they become.
/// Clones are the same.
///
/// [`layer`](Self::layer) judges each request before a handler sees it, renews the
/// cookie when it is time, and refuses requests that another site's page sent. In a
/// handler's signature [`Session<T>`] requires a session and `Option<Session<T>>`
/// takes one if there is one.
///
/// ```
/// use axum::{Router, response::Redirect, routing::{get, post}, extract::State};
/// use tokenwright::http::{BrowserSessions, SetCookies};
/// use tokenwright::session::{Login, Origins, Session, SessionCookies};
/// # use tokenwright::session::{Sessions, SessionTimes};
/// # use tokenwright::{KeySet, key::{Algorithm, SigningKey}};
/// # use std::time::Duration;
/// # let key = SigningKey::generate(Algorithm::EdDsa)?;
/// # let keys = KeySet::of([key.verifying_key()])?;
/// # let sessions = Sessions::builder(key, keys, "https://shop.example", "shop")
/// #     .times(SessionTimes { idle: Duration::from_secs(60), absolute: Duration::from_secs(600) })
/// #     .without_revocation().build()?;
///
/// async fn account(session: Session) -> String {
///     format!("hello, {}", session.subject())
/// }
///
/// async fn log_in(State(sessions): State<BrowserSessions>) -> (SetCookies, Redirect) {
///     // … once the password is right:
///     let cookies = sessions.log_in(&Login::of("alice")).expect("a key that signs");
///     (cookies, Redirect::to("/account"))
/// }
///
/// let sessions = BrowserSessions::new(
///     sessions,
///     SessionCookies::named("shop")?,
///     Origins::of("https://shop.example")?,
/// )?
/// .login_page("/login");
/// let app: Router = Router::new()
///     .route("/account", get(account))
///     .route("/login", post(log_in))
///     .layer(sessions.layer::<()>())
///     .with_state(sessions);
/// # let _ = app;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct BrowserSessions(Arc<Parts>);

#[derive(Clone)]
struct Parts {
    sessions: Arc<Sessions>,
    cookies: SessionCookies,
    origins: Origins,
    token: TokenPlace,
    fingerprint: TokenPlace,
    clock: Arc<dyn Clock>,
    login_page: Option<String>,
}

impl BrowserSessions {
    /// These sessions in these cookies, for pages of these origins.
    ///
    /// # Errors
    /// [`SetupError`] when no request could carry the cookies.
    pub fn new(
        sessions: Sessions,
        cookies: SessionCookies,
        origins: Origins,
    ) -> Result<Self, SetupError> {
        Ok(Self(Arc::new(Parts {
            sessions: Arc::new(sessions),
            token: TokenPlace::cookie(cookies.token_name())?,
            fingerprint: TokenPlace::cookie(cookies.fingerprint_name())?,
            cookies,
            origins,
            clock: Arc::new(SystemClock),
            login_page: None,
        })))
    }

    /// Takes the time from this clock in place of the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        Arc::make_mut(&mut self.0).clock = Arc::new(clock);
        self
    }

    /// Sends browsers that need a session for a page to this one (303), in place of
    /// the answer 401. Requests that do not ask for a page still get 401.
    #[must_use]
    pub fn login_page(mut self, path: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.0).login_page = Some(path.into());
        self
    }

    /// A layer for all routes that know or change sessions, whose data is a `T`.
    #[must_use]
    pub fn layer<T>(&self) -> SessionLayer<T> {
        SessionLayer::new(self.clone())
    }

    /// The session of a request with these headers; `None` without cookies. The
    /// layer has done this for handlers behind it.
    ///
    /// # Errors
    /// [`SessionRefusal`]: the cookies are there and there is no session.
    pub fn judge<T: DeserializeOwned>(
        &self,
        headers: &HeaderMap,
    ) -> Result<Option<Session<T>>, SessionRefusal> {
        self.judge_at(headers, self.0.clock.now())
    }

    fn judge_at<T: DeserializeOwned>(
        &self,
        headers: &HeaderMap,
        now: UnixTime,
    ) -> Result<Option<Session<T>>, SessionRefusal> {
        let Some(token) = self.0.token.find(headers)? else {
            return Ok(None);
        };
        let carried = Carried {
            token,
            fingerprint: self.0.fingerprint.find(headers)?,
        };
        Ok(Some(self.0.sessions.judge(carried, now)?))
    }

    /// Who sent a request, by what its browser says; refused if another site's page did.
    fn sender(&self, method: &Method, headers: &HeaderMap) -> Result<Provenance, SessionRefusal> {
        // What is there and is not text is nobody's origin.
        let text = |name: &str| {
            let value = headers.get(name)?;
            Some(value.to_str().unwrap_or("not text"))
        };
        Ok(self.0.origins.judge(Sender {
            method: method.as_str(),
            fetch_site: text("sec-fetch-site"),
            origin: text(ORIGIN.as_str()),
            // No page can set either.
            opens_channel: headers.contains_key(SEC_WEBSOCKET_KEY)
                || text(UPGRADE.as_str())
                    .is_some_and(|protocols| protocols.to_ascii_lowercase().contains("websocket")),
        })?)
    }

    /// Logs a user in: the cookies that the response sets. Who it is, the caller has checked.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn log_in<T: Serialize>(&self, login: &Login<T>) -> Result<SetCookies, IssueError> {
        let now = self.0.clock.now();
        let issued = self.0.sessions.log_in(login, now)?;
        Ok(SetCookies::new(self.0.cookies.set(&issued, now)?))
    }

    /// Keeps other data with a session: the cookie that the response sets.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn keep<T, D: Serialize>(
        &self,
        session: &Session<T>,
        data: &D,
    ) -> Result<SetCookies, IssueError> {
        let now = self.0.clock.now();
        let issued = self.0.sessions.with_data(session, data, now)?;
        Ok(SetCookies::new(self.0.cookies.set(&issued, now)?))
    }

    /// Ends this session. `record` makes the entry durable, as a
    /// [`RevocationStore`](crate::store::RevocationStore) does, and the cookies are
    /// removed only once it has: a user who was told so is logged out.
    ///
    /// # Errors
    /// What `record` gives; the session goes on then.
    pub fn log_out<T, E>(
        &self,
        session: &Session<T>,
        record: impl FnOnce(&[Revocation<'_>], UnixTime) -> Result<(), E>,
    ) -> Result<SetCookies, E> {
        let now = self.0.clock.now();
        record(&[self.0.sessions.log_out(session, now)], now)?;
        Ok(self.forget())
    }

    /// Ends every session of this session's user, as [`log_out`](Self::log_out) ends one.
    ///
    /// # Errors
    /// What `record` gives; the sessions go on then.
    pub fn log_out_everywhere<T, E>(
        &self,
        session: &Session<T>,
        record: impl FnOnce(&[Revocation<'_>], UnixTime) -> Result<(), E>,
    ) -> Result<SetCookies, E> {
        let now = self.0.clock.now();
        record(&self.0.sessions.log_out_everywhere(session, now), now)?;
        Ok(self.forget())
    }

    /// Makes the browser forget its cookies. A copy of them stays good: to log
    /// somebody out, use [`log_out`](Self::log_out).
    pub fn forget(&self) -> SetCookies {
        SetCookies::new(self.0.cookies.clear())
    }

    /// The sessions themselves.
    #[must_use]
    pub fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// The cookie that renews a session, if it is time. One that cannot be made is
    /// made with the next request: nobody is logged out for it.
    fn renewal<T: Serialize>(&self, session: &Session<T>, now: UnixTime) -> Option<SetCookies> {
        let issued = self.0.sessions.renew(session, now).ok()??;
        Some(SetCookies::new(self.0.cookies.set(&issued, now).ok()?))
    }

    /// Whether a request that changes something and says nothing of its sender shows
    /// the form token of its page.
    fn check_form_header<T>(
        session: &Session<T>,
        headers: &HeaderMap,
    ) -> Result<(), SessionRefusal> {
        let token = headers
            .get(FORM_TOKEN_HEADER)
            .ok_or(SessionErrorKind::NoFormToken)
            .map_err(crate::session::SessionError::from)?;
        Ok(session.check_form_token(token.to_str().unwrap_or_default())?)
    }
}

impl fmt::Debug for BrowserSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrowserSessions")
            .field("sessions", &self.0.sessions)
            .field("cookies", &self.0.cookies)
            .finish_non_exhaustive()
    }
}
