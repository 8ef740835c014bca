//! Ways to give up a protection. The module's name is there to be seen in review.

mod findings;

use crate::key::Ed25519Public;
use crate::limits::MAX_TOKEN_BYTES;
use crate::token::{Malformation, Scratch, UntrustedToken};

pub use findings::Finding;

pub use crate::verify::dangerous::{
    any_audience, any_issuer, any_issuer_and_audience, without_expiry,
};

/// What stands in a token that nobody has verified: anyone could have written it.
///
/// For looking at tokens by hand. A decision based on this is a decision made by
/// the sender.
#[derive(Clone, PartialEq, Eq)]
pub struct UnverifiedContents {
    /// The algorithm it claims: `alg` of a JWT, version and purpose of a PASETO.
    pub algorithm: String,
    /// The decoded JOSE header; empty for a PASETO, which has none.
    pub header: Vec<u8>,
    /// The decoded payload; empty for v4.local, which only the key opens.
    pub payload: Vec<u8>,
    /// The decoded footer of a PASETO.
    pub footer: Vec<u8>,
}

impl std::fmt::Debug for UnverifiedContents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "UnverifiedContents({} bytes of payload)",
            self.payload.len()
        )
    }
}

/// Reads a token without verifying it. The form is held to the same rules as in
/// verification; the signature is not looked at.
///
/// # Errors
/// [`Malformation`] when the text is not a token.
pub fn unverified_contents(token: &str) -> Result<UnverifiedContents, Malformation> {
    unverified_contents_within(token, MAX_TOKEN_BYTES)
}

/// Reads a token of at most `limit` bytes without verifying it: signed lists are longer
/// than tokens.
///
/// # Errors
/// [`Malformation`] when the text is not a token.
pub fn unverified_contents_within(
    token: &str,
    limit: usize,
) -> Result<UnverifiedContents, Malformation> {
    let mut scratch = Scratch::new();
    let untrusted = UntrustedToken::parse_within(token, limit, &mut scratch)?;
    let algorithm = untrusted.untrusted_algorithm().into_owned();
    let [header, payload, footer] = untrusted.into_unverified()?;
    Ok(UnverifiedContents {
        algorithm,
        header,
        payload,
        footer,
    })
}

/// Whether an Ed25519 signature over bare bytes verifies, strictly (RFC 8032
/// section 5.1.7, without the cofactor, and no point of small order).
///
/// For judging test vectors. The key is not vetted as import would: a point with
/// a torsion part passes here and is refused there. And a signature over bare
/// bytes can be replayed in another protocol: use a token, whose header says
/// what it is.
#[must_use]
pub fn ed25519_verifies_bytes(point: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    Ed25519Public::verify_strict(point, message, signature).is_ok()
}
