//! Keys over time.

mod key_set;

pub use key_set::{KeyPeriod, KeySet};
