//! Opening: the one place where a token's claims come out, behind a key's own check.

use super::{Recomputed, VerifyingKey};
use crate::token::{OpenError, Opened, UntrustedToken};

impl VerifyingKey {
    /// Checks the signature, or decrypts, and hands out what was signed.
    ///
    /// The caller has compared the token's algorithm with this key's; the key
    /// uses its own whatever the token says. A `verdict` is what [`settle`](super::settle)
    /// said of this very token.
    pub(crate) fn open<'t>(
        &self,
        token: UntrustedToken<'t>,
        assertion: &[u8],
        verdict: Option<bool>,
    ) -> Result<Opened<'t>, OpenError> {
        token.seal().open(
            assertion,
            |pieces, signature| match verdict {
                Some(verdict) => verdict,
                None => self.verify(pieces, signature).is_ok(),
            },
            |text, footer, plaintext| self.open_local(text, footer, assertion, plaintext).is_ok(),
        )
    }

    /// The point that the signature stands or falls with, for many to be settled at once;
    /// `None` where the signature is to be checked by opening.
    pub(crate) fn recompute(
        &self,
        token: &UntrustedToken<'_>,
        assertion: &[u8],
    ) -> Option<Recomputed> {
        token.signed(assertion, |pieces, signature| {
            self.recompute_signature(pieces, signature)
        })?
    }
}
