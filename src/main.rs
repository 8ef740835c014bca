//! The command line of tokenwright.
#![forbid(unsafe_code)]

fn main() {}
