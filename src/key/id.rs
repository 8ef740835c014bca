//! The name by which a token says which key signed it.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use super::error::{KeyError, KeyErrorKind};
use crate::limits::MAX_KEY_ID_BYTES;

/// A key's id: `kid` in a JOSE header, in a JWK, or in a PASETO footer.
///
/// It is only ever compared with the ids of keys that are already there; it
/// never becomes a path, a query or a URL (RFC 8725 section 3.10).
/// `Display` escapes what could steer a terminal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[doc(alias = "kid")]
pub struct KeyId(Arc<str>);

impl KeyId {
    /// Takes an id of 1 to [`MAX_KEY_ID_BYTES`] bytes.
    ///
    /// # Errors
    /// [`KeyErrorKind::BadKeyId`] when it is empty or longer.
    pub fn new(id: &str) -> Result<Self, KeyError> {
        if id.is_empty() || id.len() > MAX_KEY_ID_BYTES {
            return Err(KeyError::new(KeyErrorKind::BadKeyId, id));
        }
        Ok(Self(Arc::from(id)))
    }

    /// The id as it stands in a token. It may be another issuer's text: escape it before printing.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for KeyId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({})", crate::error::Quoted(&self.0))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if crate::error::is_plain(character) {
                write!(f, "{character}")?;
            } else {
                write!(f, "{}", character.escape_unicode())?;
            }
        }
        Ok(())
    }
}
