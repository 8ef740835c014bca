//! The second cookie: a secret of one browser, of which the token holds the digest.
//!
//! The token alone, out of a log or a proxy's cache, is then worth nothing. The
//! form token is made of the same secret, so that no server has to keep one.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::encoding::base64url;
use crate::key::{Entropy, KeyError};

/// 256 bits, so that its digest gives nothing away.
const SECRET_BYTES: usize = 32;

/// The secret of one login in one browser. `Debug` shows nothing of it.
pub struct Fingerprint(Zeroizing<[u8; SECRET_BYTES]>);

impl Fingerprint {
    pub(super) fn draw(entropy: &dyn Entropy) -> Result<Self, KeyError> {
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        entropy.fill(&mut *secret)?;
        Ok(Self(secret))
    }

    /// Reads the cookie's value: 43 characters of base64url.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        if base64url::decoded_len(text.len()) != Some(SECRET_BYTES) {
            return None;
        }
        base64url::decode_into(text.as_bytes(), &mut *secret).ok()?;
        Some(Self(secret))
    }

    /// The cookie's value. A credential: never log it.
    #[must_use]
    pub fn cookie_value(&self) -> Zeroizing<String> {
        Zeroizing::new(base64url::encode(&*self.0))
    }

    /// What the token holds of it.
    pub(super) fn digest(&self) -> String {
        base64url::encode(&Sha256::digest(*self.0))
    }

    /// Whether a token with this digest was given to this browser.
    pub(super) fn matches(&self, digest: &str) -> bool {
        self.digest().as_bytes().ct_eq(digest.as_bytes()).into()
    }

    /// The form token of one session: nobody without the secret can make it (RFC 2104).
    pub(super) fn form_token(&self, session_id: &str) -> FormToken {
        // A key shorter than a block is filled up with zeros (section 2).
        let mut block = Zeroizing::new([0; 64]);
        for (place, byte) in block.iter_mut().zip(&*self.0) {
            *place = *byte;
        }
        let mut mac = Hmac::<Sha256>::new((&*block).into());
        mac.update(b"tokenwright form token\0");
        mac.update(session_id.as_bytes());
        FormToken(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(secret)")
    }
}

/// What a form of one session carries to show that a page of it was seen.
#[derive(Clone)]
pub(super) struct FormToken([u8; 32]);

impl FormToken {
    pub(super) fn text(&self) -> String {
        base64url::encode(&self.0)
    }

    /// In a time that does not depend on where they differ.
    pub(super) fn is(&self, text: &str) -> bool {
        self.text().as_bytes().ct_eq(text.as_bytes()).into()
    }
}
