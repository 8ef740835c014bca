//! Proof of possession (RFC 9449): each check of section 4.3, replays, clocks, tokens
//! that are bound, and what clients of the layer are told.

mod checks;
mod client;
mod keys;
mod layer;
mod replays;
mod sessions;
mod tokens;
mod vectors;
