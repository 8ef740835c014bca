//! Stateless signed tokens: JWT and PASETO, keys over time, a small revocation list.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects,
        clippy::print_stdout,
        clippy::print_stderr,
        clippy::wildcard_enum_match_arm,
        clippy::missing_errors_doc
    )
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod encoding;
mod error;
pub mod json {
    //! The strict JSON reader that every token, header and key passes.
    pub use crate::encoding::json::{JsonError, JsonErrorKind, check};
}
pub mod key;
pub mod limits;
mod secret;
pub mod store;
mod time;

pub use error::ErrorClass;
pub use secret::SecretBytes;
pub use time::{Clock, ManualClock, SystemClock, UnixTime};
