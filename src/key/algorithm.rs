//! The algorithms, each one way to sign and one token format.

use std::fmt;
use std::str::FromStr;

use super::error::{KeyError, KeyErrorKind};

/// Which kind of token an algorithm makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// JSON Web Token (RFC 7519) in compact serialization.
    Jwt,
    /// PASETO version 4.
    Paseto,
}

/// One way to sign, with the one token format it is used in.
///
/// A key has exactly one (RFC 8725 section 3.1), so no function of this crate
/// takes a key and an algorithm. `none` is not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// Ed25519 under the JOSE name `EdDSA` (RFC 8037).
    EdDsa,
    /// Ed25519 under its fully specified JOSE name `Ed25519` (RFC 9864).
    Ed25519,
    /// ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4).
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3).
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256 (RFC 7518 section 3.5).
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// HMAC with SHA-256, a shared secret (RFC 7518 section 3.2).
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// PASETO v4.public: Ed25519.
    V4Public,
    /// PASETO v4.local: XChaCha20 and BLAKE2b, a shared secret; claims are hidden.
    V4Local,
}

impl Algorithm {
    /// Every algorithm, in the order of the documentation.
    pub const ALL: [Self; 16] = [
        Self::EdDsa,
        Self::Ed25519,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Hs256,
        Self::Hs384,
        Self::Hs512,
        Self::V4Public,
        Self::V4Local,
    ];

    /// The registered name, as in a JOSE header or before a PASETO payload.
    ///
    /// ```
    /// use tokenwright::key::Algorithm;
    /// assert_eq!(Algorithm::EdDsa.name(), "EdDSA");
    /// assert_eq!(Algorithm::V4Public.name(), "v4.public");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Ed25519 => "Ed25519",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::V4Public => "v4.public",
            Self::V4Local => "v4.local",
        }
    }

    /// The token format this algorithm signs.
    #[must_use]
    pub const fn format(self) -> Format {
        match self {
            Self::V4Public | Self::V4Local => Format::Paseto,
            Self::EdDsa | Self::Ed25519 | Self::Es256 | Self::Es384 | Self::Es512 => Format::Jwt,
            Self::Rs256 | Self::Rs384 | Self::Rs512 => Format::Jwt,
            Self::Ps256 | Self::Ps384 | Self::Ps512 => Format::Jwt,
            Self::Hs256 | Self::Hs384 | Self::Hs512 => Format::Jwt,
        }
    }

    /// Whether one shared secret both signs and verifies, so that it must not be published.
    #[must_use]
    pub const fn is_symmetric(self) -> bool {
        matches!(
            self,
            Self::Hs256 | Self::Hs384 | Self::Hs512 | Self::V4Local
        )
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = KeyError;

    /// Reads a registered name; names are case-sensitive (RFC 7515 section 4.1.1).
    fn from_str(name: &str) -> Result<Self, KeyError> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
            .ok_or_else(|| KeyError::new(KeyErrorKind::UnsupportedAlgorithm, name))
    }
}
