//! Revocation from the command line, run as people run it.
#![cfg(feature = "cli")]

#[path = "revoke_cli/bad_luck.rs"]
mod bad_luck;
#[path = "revoke_cli/batches.rs"]
mod batches;
#[path = "cli/place.rs"]
#[allow(dead_code, reason = "shared with the other tests of the command line")]
mod place;
#[path = "revoke_cli/signed.rs"]
mod signed;
#[path = "revoke_cli/words.rs"]
mod words;
