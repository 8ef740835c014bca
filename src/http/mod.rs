//! Tokens in front of HTTP applications: what a request is answered with, a
//! layer and an extractor, keys of remote issuers, and the server's parts.

mod answer;
mod credentials;
#[cfg(feature = "dpop")]
mod dpop;
#[cfg(not(feature = "dpop"))]
#[path = "without_dpop.rs"]
mod dpop;
#[cfg(feature = "axum")]
mod extract;
mod gate;
#[cfg(feature = "tower")]
mod layer;
mod refusal;
#[cfg(feature = "remote")]
pub mod remote;
mod scopes;
#[cfg(feature = "serve")]
pub mod serve;
#[cfg(all(feature = "axum", feature = "session"))]
mod session;
mod setup;

pub use answer::{Answers, DEFAULT_RETRY_AFTER};
pub use credentials::{CredentialsError, CredentialsErrorKind, TokenPlace};
#[cfg(feature = "dpop")]
pub use dpop::Dpop;
#[cfg(feature = "axum")]
pub use extract::{Permission, Permitted, Refused};
pub use gate::{Gate, Protocol};
#[cfg(feature = "tower")]
pub use layer::{GuardedBody, Verify, VerifyFuture, VerifyLayer};
pub use refusal::{Refusal, RefusalKind};
pub use scopes::Scopes;
#[cfg(all(feature = "axum", feature = "session"))]
pub use session::{
    BrowserSessions, FORM_TOKEN_HEADER, KeepSession, SessionLayer, SessionRefusal,
    SessionRefusalKind, SessionRefused, SetCookies,
};
pub use setup::{SetupError, SetupErrorKind};
