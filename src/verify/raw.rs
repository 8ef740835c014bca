//! Signed payloads that are not claims: a plain JWS (RFC 7515), or any PASETO message.

use std::fmt;

use super::{Presented, VerifyError, bind, not_opened, select};
use crate::key::KeyId;
use crate::keyring::LiveKeys;
use crate::limits::MAX_TOKEN_BYTES;
use crate::time::{Clock as _, SystemClock};
use crate::token::{Scratch, UntrustedToken};

/// Verifies signatures over payloads of any kind. No claim is read, no time
/// judged, nothing asked about revocation: for tokens that carry a user, use a
/// [`Verifier`](crate::Verifier).
///
/// ```
/// use tokenwright::key::{Algorithm, SigningKey};
/// use tokenwright::{KeySet, RawVerifier, sign_raw};
///
/// let key = SigningKey::generate(Algorithm::EdDsa)?;
/// let token = sign_raw(&key, b"any bytes", b"", b"")?;
/// let raw = RawVerifier::new(KeySet::of([key.verifying_key()])?).verify(&token)?;
/// assert_eq!(raw.payload(), b"any bytes");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RawVerifier {
    keys: LiveKeys,
    max_token_bytes: usize,
}

/// An authentic payload.
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct RawPayload {
    key_id: KeyId,
    payload: Vec<u8>,
    footer: Vec<u8>,
}

impl RawVerifier {
    /// A verifier for payloads signed by these keys.
    #[must_use]
    pub fn new(keys: impl Into<LiveKeys>) -> Self {
        Self {
            keys: keys.into(),
            max_token_bytes: MAX_TOKEN_BYTES,
        }
    }

    /// Refuses texts longer than this, in bytes, in place of [`MAX_TOKEN_BYTES`].
    #[must_use]
    pub fn max_token_bytes(mut self, limit: usize) -> Self {
        self.max_token_bytes = limit;
        self
    }

    /// Checks form, key, algorithm, extensions and signature.
    ///
    /// # Errors
    /// [`VerifyError`]; never one about claims.
    pub fn verify<'t>(
        &self,
        presented: impl Into<Presented<'t>>,
    ) -> Result<RawPayload, VerifyError> {
        let mut scratch = Scratch::new();
        let job = presented.into().in_scratch(&mut scratch);
        let token = UntrustedToken::parse_within(job.token, self.max_token_bytes, job.scratch)?;
        // A payload without claims has no time of its own: the key's must do.
        let view = self.keys.view();
        let now = view.clock(job.terms.now.unwrap_or_else(|| SystemClock.now()));
        let entry = select(&self.keys, &view, &token, now)?;
        bind(&token, &entry.key)?;
        let opened = entry
            .key
            .open(token, job.terms.assertion, None)
            .map_err(not_opened)?;
        Ok(RawPayload {
            key_id: entry.key.id().clone(),
            payload: opened.payload.to_vec(),
            footer: opened.footer.to_vec(),
        })
    }
}

impl RawPayload {
    /// The key that signed it, which the token need not name.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// The bytes that were signed.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The footer of a PASETO; empty for a JWS.
    #[must_use]
    pub fn footer(&self) -> &[u8] {
        &self.footer
    }
}

impl fmt::Debug for RawPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawPayload({} bytes)", self.payload.len())
    }
}
