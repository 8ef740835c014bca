//! The command line, run as people run it.
#![cfg(feature = "cli")]

#[path = "cli/bad_input.rs"]
mod bad_input;
#[path = "cli/elsewhere.rs"]
mod elsewhere;
#[path = "cli/keys.rs"]
mod keys;
#[path = "cli/lines.rs"]
mod lines;
#[path = "cli/manners.rs"]
mod manners;
#[path = "cli/place.rs"]
#[allow(dead_code, reason = "shared with the other tests of the command line")]
mod place;
#[path = "cli/remote.rs"]
mod remote;
#[path = "cli/status_lists.rs"]
mod status_lists;
