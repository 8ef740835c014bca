//! The text of the cookies.

use std::fmt;

use super::issue::{IssueError, IssueErrorKind};
use super::sessions::Issued;
use super::setup::{SessionSetupError, SessionSetupErrorKind};
use crate::limits::MAX_COOKIE_BYTES;
use crate::time::UnixTime;

/// With which requests of other sites' pages the cookies travel. `None` is not offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// When a link is followed, so that arriving from elsewhere finds one logged in.
    Lax,
    /// Never: safer, and whoever follows a link from elsewhere seems logged out.
    Strict,
}

/// How long a browser keeps the cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieLife {
    /// Until it is closed; many browsers restore them when they are opened again.
    UntilBrowserCloses,
    /// Until the session's absolute end (`Max-Age`).
    UntilSessionEnds,
}

/// Names and attributes of the two cookies: always `__Host-`, `Secure`, `HttpOnly`
/// and `Path=/`, never `Domain`, so that neither another host nor a script can set
/// or read them (draft-ietf-httpbis-rfc6265bis section 4.1.3.2).
///
/// ```
/// use tokenwright::session::SessionCookies;
/// let cookies = SessionCookies::named("shop")?;
/// assert_eq!(cookies.token_name(), "__Host-shop");
/// assert_eq!(
///     cookies.clear()[0],
///     "__Host-shop=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"
/// );
/// # Ok::<(), tokenwright::session::SessionSetupError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionCookies {
    token: String,
    fingerprint: String,
    same_site: SameSite,
    life: CookieLife,
}

impl SessionCookies {
    /// Cookies `__Host-NAME` and `__Host-NAME-fp`, [`SameSite::Lax`],
    /// [`CookieLife::UntilBrowserCloses`].
    ///
    /// # Errors
    /// [`SessionSetupErrorKind::BadCookieName`] when no cookie can have the name, or
    /// it brings a prefix of its own.
    pub fn named(name: &str) -> Result<Self, SessionSetupError> {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let fits = (1..=64).contains(&name.len()) && !name.starts_with("__");
        if !fits || !name.bytes().all(is_word) {
            return Err(SessionSetupErrorKind::BadCookieName {
                found: name.chars().take(100).collect(),
            }
            .into());
        }
        Ok(Self {
            token: format!("__Host-{name}"),
            fingerprint: format!("__Host-{name}-fp"),
            same_site: SameSite::Lax,
            life: CookieLife::UntilBrowserCloses,
        })
    }

    /// Sets with which requests they travel; without it [`SameSite::Lax`].
    #[must_use]
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// Sets how long they are kept; without it [`CookieLife::UntilBrowserCloses`].
    #[must_use]
    pub fn life(mut self, life: CookieLife) -> Self {
        self.life = life;
        self
    }

    /// The name of the cookie with the token.
    #[must_use]
    pub fn token_name(&self) -> &str {
        &self.token
    }

    /// The name of the cookie with the fingerprint.
    #[must_use]
    pub fn fingerprint_name(&self) -> &str {
        &self.fingerprint
    }

    /// The values of `Set-Cookie` that make a browser keep what was issued: two
    /// after a login, one after a renewal.
    ///
    /// # Errors
    /// [`IssueErrorKind::CookieTooLong`]: browsers drop longer ones without a word.
    pub fn set(&self, issued: &Issued, now: UnixTime) -> Result<Vec<String>, IssueError> {
        let mut lines = vec![self.line(&self.token, &issued.token, issued.end, now)?];
        if let Some(fingerprint) = &issued.fingerprint {
            let value = fingerprint.cookie_value();
            lines.push(self.line(&self.fingerprint, &value, issued.end, now)?);
        }
        Ok(lines)
    }

    /// The values of `Set-Cookie` that make a browser forget both.
    #[must_use]
    pub fn clear(&self) -> [String; 2] {
        [&self.token, &self.fingerprint].map(|name| self.text(name, "", Some(0)))
    }

    fn line(
        &self,
        name: &str,
        value: &str,
        end: UnixTime,
        now: UnixTime,
    ) -> Result<String, IssueError> {
        let keep = match self.life {
            CookieLife::UntilBrowserCloses => None,
            CookieLife::UntilSessionEnds => Some(end.saturating_since(now).as_secs()),
        };
        let line = self.text(name, value, keep);
        if line.len() > MAX_COOKIE_BYTES {
            return Err(IssueErrorKind::CookieTooLong {
                limit: MAX_COOKIE_BYTES,
                found: line.len(),
            }
            .into());
        }
        Ok(line)
    }

    fn text(&self, name: &str, value: &str, max_age: Option<u64>) -> String {
        let same_site = self.same_site;
        let max_age = max_age.map_or_else(String::new, |age| format!("; Max-Age={age}"));
        format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite={same_site}{max_age}")
    }
}

impl fmt::Display for SameSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lax => "Lax",
            Self::Strict => "Strict",
        })
    }
}
