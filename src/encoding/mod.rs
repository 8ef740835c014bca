//! Strict readers of the two encodings that tokens are made of.
