//! Opening: the one place where a token's claims come out, behind a key's own check.

use super::VerifyingKey;
use crate::token::{OpenError, Opened, UntrustedToken};

impl VerifyingKey {
    /// Checks the signature, or decrypts, and hands out what was signed.
    ///
    /// The caller has compared the token's algorithm with this key's; the key
    /// uses its own whatever the token says.
    pub(crate) fn open<'t>(
        &self,
        token: UntrustedToken<'t>,
        assertion: &[u8],
    ) -> Result<Opened<'t>, OpenError> {
        token.seal().open(
            assertion,
            |pieces, signature| self.verify(pieces, signature).is_ok(),
            |text, footer, plaintext| self.open_local(text, footer, assertion, plaintext).is_ok(),
        )
    }
}
