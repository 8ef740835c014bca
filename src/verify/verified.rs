//! Proof that a token was verified.

use std::fmt;
use std::ops::Deref;

use super::error::{VerifyError, VerifyErrorKind};
use crate::key::{Algorithm, KeyId, VerifyingKey};

/// Claims that have passed every check: the only way to hold one is to verify a token.
///
/// ```compile_fail
/// // The fields are private, and nothing else makes one.
/// let forged = tokenwright::Verified { claims: tokenwright::Claims::for_subject("root") };
/// ```
/// ```compile_fail
/// let forged: tokenwright::Verified<tokenwright::Claims> = Default::default();
/// ```
/// ```compile_fail
/// let forged: tokenwright::Verified<tokenwright::Claims> = tokenwright::Claims::new().into();
/// ```
/// ```compile_fail
/// let forged: tokenwright::Verified<tokenwright::Claims> = serde_json::from_str("{}").unwrap();
/// ```
/// ```compile_fail
/// fn promote(verified: &mut tokenwright::Verified<tokenwright::Claims>) {
///     // Claims can be read through a `Verified`, never changed in it.
///     **verified = tokenwright::Claims::for_subject("root");
/// }
/// ```
#[derive(Clone)]
#[must_use = "a verified token that nobody looks at protects nothing"]
pub struct Verified<T> {
    claims: T,
    key_id: KeyId,
    algorithm: Algorithm,
    footer: Box<[u8]>,
}

impl<T> Verified<T> {
    pub(super) fn new(claims: T, key: &VerifyingKey, footer: &[u8]) -> Self {
        Self {
            claims,
            key_id: key.id().clone(),
            algorithm: key.algorithm(),
            footer: footer.into(),
        }
    }

    /// The claims, released from their proof.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.claims
    }

    /// The id of the key that signed.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// The algorithm it signed with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The footer of a PASETO, authentic too; empty for a JWT.
    #[must_use]
    pub fn footer(&self) -> &[u8] {
        &self.footer
    }

    pub(super) fn try_map<U>(
        self,
        convert: impl FnOnce(T) -> Result<U, VerifyErrorKind>,
    ) -> Result<Verified<U>, VerifyError> {
        let Self {
            claims,
            key_id,
            algorithm,
            footer,
        } = self;
        Ok(Verified {
            claims: convert(claims)?,
            key_id,
            algorithm,
            footer,
        })
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.claims
    }
}

impl<T> fmt::Debug for Verified<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verified({} by {:?})", self.algorithm, self.key_id)
    }
}
