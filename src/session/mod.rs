//! Sessions of a web application: a signed cookie, and nothing stored on the server.
//!
//! At login the browser gets two cookies. The first holds a token that says who logged
//! in, when, and when the session is over; every server with the keys can judge it. The
//! second holds a secret of which the token has the digest. Everything here is a pure
//! function of those two texts and the time; `http::BrowserSessions` puts it in
//! front of an axum application.
//!
//! # When a session is over
//!
//! | what | how |
//! |---|---|
//! | not used for `idle` | the token expires; a request renews it once [a share of its life](SessionsBuilder::renew_after) has passed, so that most responses set no cookie |
//! | `absolute` since the login | no token's expiry lies past it, and a stricter setting holds at once for the sessions there are |
//! | [log out](Sessions::log_out) | the session's id goes on the revocation list until its end |
//! | [log out everywhere](Sessions::log_out_everywhere) | all sessions that *began* before now; a token that an uninformed server renews later is of the same login and dies with it |
//!
//! Times are judged without leeway: where the clocks of servers differ, a session is
//! shorter by that, never longer. A session used at least every
//! [`least_idle`](Sessions::least_idle) is not over before its absolute end.
//!
//! A renewed token takes nothing from the one before, so tabs may renew at once and
//! answers may come in any order. That is also why the cookie needs no renewal token of
//! its own: there is no second credential that could be used twice. Clients that are no
//! browsers hold access and renewal tokens: [`Renewals`]. With
//! [`begin_bound`](Renewals::begin_bound) both are bound to a key of the client's (DPoP,
//! RFC 9449), and a thief of either has nothing; `examples/dpop.rs` shows the whole.
//!
//! # What it defends against
//!
//! - A token out of a log, a proxy's cache or a leaked backup: it is good for nothing
//!   without the fingerprint.
//! - Planted sessions: every login has a new id and a new fingerprint, and no other host
//!   can set a `__Host-` cookie.
//! - Requests that other sites' pages make the browser send: `SameSite`, then what the
//!   browser says of the sender ([`Origins`]), then a [form token](Session::form_token).
//! - Session tokens at an API and API tokens as sessions: they differ in type (JWT) or
//!   in implicit assertion (PASETO).
//!
//! # What it does not
//!
//! - Whoever reads *both* cookies out of a browser has the session until it is over or
//!   ended. Against malware on the user's machine there is no cookie.
//! - A script that an attacker gets into a page cannot read the cookies and can act as
//!   the user while the page is open: have a strict Content-Security-Policy.
//! - A log out reaches a server when it next looks at the revocation list. How old its
//!   view may be is asked when sessions are set up.
//! - Sessions that began on a server whose clock is ahead of the one where somebody logs
//!   out everywhere, within that difference, are not meant. The session that asks is.
//! - Logging in again in one tab while another tab's request is being renewed: the old
//!   session's token may reach the browser after the new one's fingerprint. They do not
//!   match, so nobody is logged in, and the user logs in once more; no answer's order
//!   gives anybody another's session.
//! - Data in the cookie is signed, not secret (unless the key is of PASETO v4.local),
//!   and of two tabs that change it at once the last answer wins. What was true once can
//!   be presented again by the user for as long as that token lives: keep no balance in it.

mod builder;
mod claims;
mod cookie;
mod core;
mod error;
mod fingerprint;
mod issue;
mod judged;
mod origin;
mod renewal;
mod sessions;
mod setup;
mod times;

pub use builder::{NeedsRevocation, NeedsTimes, SessionsBuilder};
pub use cookie::{CookieLife, SameSite, SessionCookies};
pub use error::{SessionError, SessionErrorKind};
pub use fingerprint::Fingerprint;
pub use issue::{IssueError, IssueErrorKind};
pub use judged::Session;
pub use origin::{Origins, Provenance, Sender};
pub use renewal::{Grant, RenewError, Renewals};
pub use sessions::{Carried, Issued, Login, Sessions};
pub use setup::{SessionSetupError, SessionSetupErrorKind};
pub use times::{MAX_SESSION, SessionTimes};
