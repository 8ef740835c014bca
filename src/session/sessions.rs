//! Issuing, judging, renewing and ending browser sessions: pure functions of what
//! the browser sent and the time.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::builder::{Named, NeedsTimes, SessionsBuilder};
use super::claims::Payload;
use super::core::{Core, Purpose};
use super::error::{SessionError, SessionErrorKind};
use super::fingerprint::Fingerprint;
use super::issue::IssueError;
use super::judged::Session;
use super::setup::SessionSetupError;
use super::times::Issue;
use crate::keyring::{LiveKeys, LiveSigners};
use crate::revocation::Revocation;
use crate::time::UnixTime;
use crate::token::Claims;
use crate::verify::{VerifyError, stopped};

const PURPOSE: Purpose = Purpose {
    token_type: "tw-session+jwt",
    assertion: b"tokenwright session v1",
};

/// Who logs in, and what the application keeps with the session.
#[derive(Clone)]
pub struct Login<T = ()> {
    subject: String,
    data: T,
}

impl Login {
    /// This user. The application has checked who it is.
    #[must_use]
    pub fn of(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            data: (),
        }
    }
}

impl<T> Login<T> {
    pub(super) fn subject(&self) -> &str {
        &self.subject
    }

    pub(super) fn data(&self) -> &T {
        &self.data
    }

    /// With data of the application's, which travels in the cookie: a few hundred
    /// bytes, readable by the user.
    #[must_use]
    pub fn with_data<D>(self, data: D) -> Login<D> {
        Login {
            subject: self.subject,
            data,
        }
    }
}

impl<T> fmt::Debug for Login<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").finish_non_exhaustive()
    }
}

/// What a browser sent: the values of the two cookies.
#[derive(Clone, Copy)]
pub struct Carried<'a> {
    /// The session's token.
    pub token: &'a str,
    /// The fingerprint, if it came along.
    pub fingerprint: Option<&'a str>,
}

impl fmt::Debug for Carried<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Carried({} bytes)", self.token.len())
    }
}

/// What a browser is to keep. Give it to [`SessionCookies`](super::SessionCookies).
#[must_use = "a session that no browser keeps is lost"]
pub struct Issued {
    pub(super) token: String,
    /// Only a login has one; the browser keeps it until the session's end.
    pub(super) fingerprint: Option<Fingerprint>,
    pub(super) end: UnixTime,
}

impl Issued {
    /// The session's token, the value of the first cookie. A credential: never log it.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The fingerprint, the value of the second cookie; only after a login.
    #[must_use]
    pub fn fingerprint(&self) -> Option<&Fingerprint> {
        self.fingerprint.as_ref()
    }

    /// When the session is over at the latest.
    #[must_use]
    pub fn ends_at(&self) -> UnixTime {
        self.end
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issued({} bytes)", self.token.len())
    }
}

/// Browser sessions of one application. Build it once and share it.
///
/// ```
/// use std::time::Duration;
/// use tokenwright::key::{Algorithm, SigningKey};
/// use tokenwright::session::{Carried, Login, Session, SessionTimes, Sessions};
/// use tokenwright::{KeySet, UnixTime};
///
/// let key = SigningKey::generate(Algorithm::EdDsa)?;
/// let keys = KeySet::of([key.verifying_key()])?;
/// let sessions = Sessions::builder(key, keys, "https://shop.example", "shop")
///     .times(SessionTimes {
///         idle: Duration::from_secs(1800),
///         absolute: Duration::from_secs(43_200),
///     })
///     .without_revocation()
///     .build()?;
///
/// let at = UnixTime::from_seconds;
/// let login = sessions.log_in(&Login::of("alice").with_data(3), at(1_760_000_000))?;
/// let fingerprint = login.fingerprint().map(|secret| secret.cookie_value());
/// let carried = Carried {
///     token: login.token(),
///     fingerprint: fingerprint.as_ref().map(|text| text.as_str()),
/// };
/// let session: Session<u32> = sessions.judge(carried, at(1_760_000_060))?;
/// assert_eq!((session.subject(), *session.data()), ("alice", 3));
/// // Too young to be renewed, so this response sets no cookie:
/// assert!(sessions.renew(&session, at(1_760_000_060))?.is_none());
/// // Half an hour later nobody is logged in any more.
/// assert!(sessions.judge::<u32>(carried, at(1_760_001_800)).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Sessions {
    core: Core,
}

impl Sessions {
    /// Begins sessions in the name of an issuer (`iss`), for one application
    /// (`aud`): signed with these signers, verified with these keys.
    #[must_use]
    pub fn builder(
        signers: impl Into<LiveSigners>,
        keys: impl Into<LiveKeys>,
        issuer: impl Into<String>,
        audience: impl Into<String>,
    ) -> NeedsTimes {
        NeedsTimes::new(Named {
            signers: signers.into(),
            keys: keys.into(),
            issuer: issuer.into(),
            audience: audience.into(),
        })
    }

    /// Issues a session at a login: a new id and a new fingerprint every time, so
    /// that nobody can plant a session beforehand.
    ///
    /// # Errors
    /// [`IssueError`]: nobody to log in, or nothing to sign with.
    pub fn log_in<T: Serialize>(
        &self,
        login: &Login<T>,
        now: UnixTime,
    ) -> Result<Issued, IssueError> {
        let id = self.core.session_id()?;
        let fingerprint = Fingerprint::draw(&*self.core.entropy)?;
        let started = self.core.start(&login.subject, &id, now)?;
        let end = self.core.schedule.end_of(started);
        let mut payload = Payload::new(started, end, &login.data);
        payload.fingerprint = Some(fingerprint.digest());
        let claims = Claims::for_subject(&*login.subject)
            .with_session_id(id)
            .with_expiry(self.core.schedule.expiry(started, end))
            .with_custom(payload);
        Ok(Issued {
            token: self.core.mint(&claims, started)?,
            fingerprint: Some(fingerprint),
            end,
        })
    }

    /// Judges what a browser sent: signature, claims, idle time, absolute end,
    /// fingerprint, and whether the session was withdrawn.
    ///
    /// # Errors
    /// [`SessionError`].
    pub fn judge<T: DeserializeOwned>(
        &self,
        carried: Carried<'_>,
        now: UnixTime,
    ) -> Result<Session<T>, SessionError> {
        let opened = self.core.open::<T>(carried.token.into(), now)?;
        let (claims, issue) = (opened.claims, opened.issue);
        let digest = claims.custom().fingerprint.as_deref().unwrap_or_default();
        let secret = carried.fingerprint.ok_or(SessionErrorKind::NoFingerprint)?;
        let secret = Fingerprint::read(secret)
            .filter(|secret| secret.matches(digest))
            .ok_or(SessionErrorKind::OtherFingerprint)?;
        let token_id = claims.token_id().unwrap_or_default();
        self.core
            .withdrawn(&claims, token_id, now)
            .map_err(|reason| VerifyError::from(stopped(reason)))?;
        let id = claims.session_id().unwrap_or_default().to_owned();
        Ok(Session {
            subject: claims.subject().unwrap_or_default().to_owned(),
            token_id: token_id.to_owned(),
            form_token: secret.form_token(&id),
            id,
            started: claims.custom().started(),
            issue,
            fingerprint: digest.to_owned(),
            data: claims.into_inner().into_custom().data,
        })
    }

    /// A new token, if the one that was judged is old enough and a new one would
    /// live longer; else `None`, and the response sets no cookie.
    ///
    /// The old token stays good until it expires. Several tabs may so renew at
    /// once, and their answers come in any order: nobody is logged out.
    ///
    /// # Errors
    /// [`IssueError`]. The judged session goes on; try again with the next request.
    pub fn renew<T: Serialize>(
        &self,
        session: &Session<T>,
        now: UnixTime,
    ) -> Result<Option<Issued>, IssueError> {
        if !self.core.schedule.is_due(session.issue, now) {
            return Ok(None);
        }
        self.reissue(session, &session.data, now).map(Some)
    }

    /// A new token of the same session with other data. The last one that reaches
    /// the browser holds: data of two tabs that change it at once is not merged.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn with_data<T, D: Serialize>(
        &self,
        session: &Session<T>,
        data: &D,
        now: UnixTime,
    ) -> Result<Issued, IssueError> {
        self.reissue(session, data, now)
    }

    fn reissue<T, D: Serialize>(
        &self,
        session: &Session<T>,
        data: &D,
        now: UnixTime,
    ) -> Result<Issued, IssueError> {
        let Issue { at, end, .. } = session.issue;
        // A server whose clock is behind repeats the time of the one before it.
        let now = UnixTime::from_seconds(now.seconds()).max(at);
        let mut payload = Payload::new(session.started, session.issue.stated_end, data);
        payload.fingerprint = Some(session.fingerprint.clone());
        let claims = Claims::for_subject(&*session.subject)
            .with_session_id(&*session.id)
            .with_expiry(self.core.schedule.expiry(now, end))
            .with_custom(payload);
        Ok(Issued {
            token: self.core.mint(&claims, now)?,
            fingerprint: None,
            end,
        })
    }

    /// Ends this session, in every tab and on every server that reads the list.
    /// The entry must be durable before the user is told.
    #[must_use = "the session ends when the entry is in the revocation list"]
    pub fn log_out<T>(&self, session: &Session<T>, now: UnixTime) -> Revocation<'static> {
        self.core
            .end_session(&session.id, session.issue.stated_end, now)
    }

    /// Ends every session of this session's user, in every browser. Whoever logs in
    /// afterwards, even within the same second, is not meant.
    ///
    /// Two entries: the user's sessions by their beginning, and this one by its id,
    /// whatever the clock of the server says that began it. All other tokens of this
    /// issuer for the user that were issued before are withdrawn with them.
    #[must_use = "the sessions end when the entries are in the revocation list"]
    pub fn log_out_everywhere<T>(
        &self,
        session: &Session<T>,
        now: UnixTime,
    ) -> [Revocation<'static>; 2] {
        [
            self.core.end_subject(&session.subject, now, now),
            self.log_out(session, now),
        ]
    }

    /// Ends every session of a user, for an administrator or after a new password.
    #[must_use = "the sessions end when the entry is in the revocation list"]
    pub fn end_all_of(&self, subject: &str, now: UnixTime) -> Revocation<'static> {
        self.core.end_subject(subject, now, now)
    }

    /// A session used at least this often is not over before its absolute end, if
    /// clocks do not differ: the idle time less the wait before a renewal.
    #[must_use]
    pub fn least_idle(&self) -> std::time::Duration {
        self.core.schedule.least_idle()
    }
}

impl SessionsBuilder {
    /// The finished sessions.
    ///
    /// # Errors
    /// [`SessionSetupError`]: times that contradict each other, or names that no
    /// token can have.
    pub fn build(self) -> Result<Sessions, SessionSetupError> {
        Ok(Sessions {
            core: self.core(PURPOSE)?,
        })
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("issuer", &self.core.issuer)
            .finish_non_exhaustive()
    }
}
