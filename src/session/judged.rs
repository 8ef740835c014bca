//! A session as a handler sees it.

use std::fmt;

use super::error::{SessionError, SessionErrorKind};
use super::fingerprint::FormToken;
use super::times::Issue;
use crate::time::UnixTime;

/// A judged session: who is logged in, and what the application keeps with it.
///
/// Judging a request is the only way to hold one.
///
/// ```compile_fail
/// let forged: tokenwright::session::Session<()> = Default::default();
/// ```
#[derive(Clone)]
pub struct Session<T = ()> {
    pub(super) subject: String,
    pub(super) id: String,
    pub(super) token_id: String,
    pub(super) started: UnixTime,
    pub(super) issue: Issue,
    /// What a renewed token repeats.
    pub(super) fingerprint: String,
    pub(super) form_token: FormToken,
    pub(super) data: T,
}

impl<T> Session<T> {
    /// Who is logged in.
    #[doc(alias = "sub")]
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The login's id, the same in every renewed token.
    #[doc(alias = "sid")]
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The id of the token that was judged; another one after each renewal.
    #[doc(alias = "jti")]
    #[must_use]
    pub fn token_id(&self) -> &str {
        &self.token_id
    }

    /// When the user logged in. Ask for the password again before something grave
    /// if that is long ago.
    #[doc(alias = "auth_time")]
    #[must_use]
    pub fn started_at(&self) -> UnixTime {
        self.started
    }

    /// When the token that was judged was issued: the last renewal.
    #[doc(alias = "iat")]
    #[must_use]
    pub fn renewed_at(&self) -> UnixTime {
        self.issue.at
    }

    /// When the session is over if it is not used before.
    #[doc(alias = "exp")]
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.issue.expires
    }

    /// When the session is over whatever is renewed.
    #[must_use]
    pub fn ends_at(&self) -> UnixTime {
        self.issue.end
    }

    /// What the application keeps with the session. The user can read it, and
    /// cannot change it.
    #[must_use]
    pub fn data(&self) -> &T {
        &self.data
    }

    /// The text that a form of this session carries in a hidden field, for
    /// [`check_form_token`](Self::check_form_token). It stays the same as long as the session.
    #[must_use]
    pub fn form_token(&self) -> String {
        self.form_token.text()
    }

    /// Whether a form came from a page that showed this session's form token.
    /// Compared in constant time.
    ///
    /// # Errors
    /// [`SessionErrorKind::BadFormToken`] if not.
    pub fn check_form_token(&self, text: &str) -> Result<(), SessionError> {
        if self.form_token.is(text) {
            Ok(())
        } else {
            Err(SessionErrorKind::BadFormToken.into())
        }
    }
}

impl<T> fmt::Debug for Session<T> {
    /// Who is logged in is personal data, and logs are read by many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("expires_at", &self.issue.expires)
            .finish_non_exhaustive()
    }
}
