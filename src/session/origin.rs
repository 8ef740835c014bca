//! Whether a page of this site sent a request, by what the browser says of it.

use super::error::{SessionError, SessionErrorKind};
use super::setup::{SessionSetupError, SessionSetupErrorKind};

/// The origins whose pages may send requests that change something: the site itself,
/// as browsers write it.
///
/// ```
/// use tokenwright::session::{Origins, Sender};
/// let ours = Origins::of("https://shop.example")?;
/// let from = |fetch_site, origin| Sender { method: "POST", fetch_site, origin, opens_channel: false };
///
/// assert!(ours.judge(from(Some("same-origin"), None)).is_ok());
/// assert!(ours.judge(from(Some("cross-site"), Some("https://evil.example"))).is_err());
/// # Ok::<(), tokenwright::session::SessionSetupError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins(Vec<String>);

/// What a browser says of the sender of a request.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// The request's method.
    pub method: &'a str,
    /// The header `Sec-Fetch-Site`, which no page can set (Fetch Metadata, section 2.2).
    pub fetch_site: Option<&'a str>,
    /// The header `Origin` (RFC 6454 section 7).
    pub origin: Option<&'a str>,
    /// Whether it opens a WebSocket (RFC 6455 section 4.1). That is a GET, but what it
    /// opens can be written to and read by the page that asked, of whatever site.
    pub opens_channel: bool,
}

/// What is known of a sender that is not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// The request changes nothing (RFC 9110 section 9.2.1).
    Safe,
    /// A page of this site sent it, or the user alone.
    Ours,
    /// Neither header is there: an old browser, or none. Ask for a form token.
    Unstated,
}

impl Origins {
    /// Pages of this origin.
    ///
    /// # Errors
    /// [`SessionSetupErrorKind::BadOrigin`] when no browser writes an origin so: with
    /// a path, without a scheme, in upper case.
    pub fn of(origin: &str) -> Result<Self, SessionSetupError> {
        Self(Vec::new()).and(origin)
    }

    /// Pages of this origin as well.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn and(mut self, origin: &str) -> Result<Self, SessionSetupError> {
        let host = ["https://", "http://"]
            .iter()
            .find_map(|scheme| origin.strip_prefix(scheme));
        let is_origin = host.is_some_and(|host| {
            let plain = |byte: u8| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]_".contains(&byte)
            };
            (1..=255).contains(&host.len()) && host.bytes().all(plain)
        });
        if !is_origin {
            return Err(SessionSetupErrorKind::BadOrigin {
                found: origin.chars().take(100).collect(),
            }
            .into());
        }
        self.0.push(origin.to_owned());
        Ok(self)
    }

    /// Refuses a request that changes something, or opens a channel, and comes from
    /// another site's page.
    ///
    /// `Sec-Fetch-Site` decides where it is; a neighbour below the same domain counts
    /// as another site. Else `Origin` does, also when it is `null`.
    ///
    /// # Errors
    /// [`SessionErrorKind::CrossSite`].
    pub fn judge(&self, sender: Sender<'_>) -> Result<Provenance, SessionError> {
        let safe = matches!(sender.method, "GET" | "HEAD" | "OPTIONS" | "TRACE");
        if safe && !sender.opens_channel {
            return Ok(Provenance::Safe);
        }
        let listed = sender
            .origin
            .map(|origin| self.0.iter().any(|ours| ours == origin));
        match (sender.fetch_site, listed) {
            (Some("same-origin" | "none"), _) | (_, Some(true)) => Ok(Provenance::Ours),
            (None, None) => Ok(Provenance::Unstated),
            (Some(_), _) | (None, Some(false)) => Err(SessionErrorKind::CrossSite.into()),
        }
    }
}
