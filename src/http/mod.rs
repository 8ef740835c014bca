//! Tokens in front of HTTP applications: what a request is answered with, a
//! layer and an extractor, keys of remote issuers, and the server's parts.

mod answer;
mod credentials;
mod refusal;
#[cfg(feature = "remote")]
pub mod remote;
mod scopes;
#[cfg(feature = "serve")]
pub mod serve;
mod setup;

pub use answer::{Answers, DEFAULT_RETRY_AFTER};
pub use credentials::{CredentialsError, CredentialsErrorKind, TokenPlace};
pub use refusal::{Refusal, RefusalKind};
pub use scopes::Scopes;
pub use setup::{SetupError, SetupErrorKind};
