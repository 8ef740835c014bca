//! The commands, one file each.

pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod jwks;
pub(crate) mod key;
pub(crate) mod man;
pub(crate) mod mint;
pub(crate) mod revoke;
pub(crate) mod rotate;
pub(crate) mod serve;
pub(crate) mod store;
pub(crate) mod verify;
