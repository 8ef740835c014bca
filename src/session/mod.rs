//! Sessions of a web application: a signed cookie, and nothing stored on the server.

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
