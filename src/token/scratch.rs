//! Memory that verification decodes into.

/// Reusable memory for decoded tokens.
///
/// A verifier that is handed the same scratch again allocates nothing once it
/// has grown to the size of the tokens it sees. It holds the last token's bytes
/// until it is used again or dropped, and is wiped when dropped.
///
/// ```
/// let scratch = tokenwright::Scratch::new();
/// # drop(scratch);
/// ```
#[derive(Default)]
pub struct Scratch {
    /// Header, signature and payload, decoded, one after the other.
    pub(super) decoded: Vec<u8>,
    /// The claims of an encrypted token.
    pub(super) plaintext: Vec<u8>,
}

impl Scratch {
    /// An empty scratch; the first tokens make it grow, at most to the token limit.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scratch")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Claims of a v4.local token are confidential.
        zeroize::Zeroize::zeroize(&mut self.plaintext);
    }
}
