//! What every way of bringing a key in shares: the caller's say, and how a key
//! comes to its one algorithm.

use super::algorithm::Algorithm;
use super::error::{KeyError, KeyErrorKind};
use super::material::{Curve, PublicMaterial, SecretMaterial};
use super::signing::SigningKey;
use crate::secret::SecretBytes;

/// What the caller adds to a key text that does not say everything itself.
///
/// ```
/// use tokenwright::key::{Algorithm, ImportOptions};
/// // A PEM file names no JWT algorithm, and an RSA key could serve six of them.
/// let options = ImportOptions::new().algorithm(Algorithm::Rs256);
/// # let _ = options;
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct ImportOptions<'a> {
    algorithm: Option<Algorithm>,
    where_needed: Option<Algorithm>,
    passphrase: Option<&'a SecretBytes>,
}

impl<'a> ImportOptions<'a> {
    /// Nothing added: the source must name its algorithm or its kind must allow only one.
    pub const fn new() -> Self {
        Self {
            algorithm: None,
            where_needed: None,
            passphrase: None,
        }
    }

    /// The algorithm the key is for. A source that names another one is refused,
    /// because a key is used with exactly one (RFC 8725 section 3.1).
    pub const fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = Some(algorithm);
        self
    }

    /// The algorithm of those members of a key set that do not say theirs and could be
    /// for several; members that say another one keep that. Some large issuers publish
    /// RSA keys without `alg`, which RFC 7517 section 4.4 allows. Single keys ignore it.
    pub const fn algorithm_where_needed(mut self, algorithm: Algorithm) -> Self {
        self.where_needed = Some(algorithm);
        self
    }

    /// The passphrase that opens a locked key. Without one a locked key is refused.
    pub const fn passphrase(mut self, passphrase: &'a SecretBytes) -> Self {
        self.passphrase = Some(passphrase);
        self
    }

    pub(crate) fn asked_algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    /// The same, with the algorithm for members that left theirs open.
    pub(crate) fn for_open_member(&self) -> Option<Self> {
        self.where_needed.map(|algorithm| self.algorithm(algorithm))
    }

    /// The passphrase, or the error that says what needs it.
    #[cfg_attr(
        not(any(feature = "aws-lc", feature = "pem")),
        expect(dead_code, reason = "without these features no locked key is read")
    )]
    pub(crate) fn need_passphrase(&self) -> Result<&'a SecretBytes, KeyError> {
        self.passphrase.ok_or_else(|| {
            KeyError::explained(
                KeyErrorKind::PassphraseNeeded,
                "the key is locked and no passphrase was given",
            )
        })
    }
}

impl SigningKey {
    /// Takes the bytes of a shared secret as they are: for HS256, HS384, HS512 or v4.local.
    ///
    /// There is no variant that takes text, so that a passphrase, a path or a PEM file is
    /// never used as a secret by accident (RFC 8725 section 3.5, CVE-2021-41106).
    ///
    /// ```
    /// use tokenwright::SecretBytes;
    /// use tokenwright::key::{Algorithm, SigningKey};
    /// # if cfg!(not(feature = "aws-lc")) { return Ok(()); }
    /// let secret = SecretBytes::from([7; 32]);
    /// let key = SigningKey::from_secret(Algorithm::Hs256, secret)?;
    /// assert_eq!(key.algorithm(), Algorithm::Hs256);
    /// # Ok::<(), tokenwright::key::KeyError>(())
    /// ```
    ///
    /// # Errors
    /// [`KeyErrorKind::AlgorithmMismatch`] for an algorithm that takes no shared secret,
    /// [`KeyErrorKind::SecretTooShort`] and the other kinds of a weak secret.
    pub fn from_secret(algorithm: Algorithm, secret: SecretBytes) -> Result<Self, KeyError> {
        let algorithm = KeyKind::Symmetric.settle(Some(algorithm), None)?;
        Self::from_material(algorithm, None, SecretMaterial::Symmetric(secret))
    }
}

/// What a key's numbers are, from which follows what it can sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Ed25519,
    Ec(Curve),
    Rsa,
    /// RSA that its source restricts to PSS (RFC 4055 section 1.2).
    RsaPss,
    Symmetric,
}

impl KeyKind {
    pub(crate) fn of_public(material: &PublicMaterial) -> Self {
        match material {
            PublicMaterial::Ed25519(_) => Self::Ed25519,
            PublicMaterial::Ec { curve, .. } => Self::Ec(*curve),
            PublicMaterial::Rsa { .. } => Self::Rsa,
        }
    }

    pub(crate) fn of_secret(material: &SecretMaterial) -> Self {
        match material {
            SecretMaterial::Ed25519 { .. } => Self::Ed25519,
            SecretMaterial::Ec { curve, .. } => Self::Ec(*curve),
            SecretMaterial::Rsa(_) => Self::Rsa,
            SecretMaterial::Symmetric(_) => Self::Symmetric,
        }
    }

    /// The algorithm the key is for: the one its source names, else the one the
    /// caller asks for, else the only customary one of its kind.
    pub(crate) fn settle(
        self,
        named: Option<Algorithm>,
        asked: Option<Algorithm>,
    ) -> Result<Algorithm, KeyError> {
        if let (Some(named), Some(asked)) = (named, asked)
            && named != asked
        {
            return Err(KeyError::explained(
                KeyErrorKind::AlgorithmMismatch,
                format!("the key says it is for {named}, but {asked} was asked for"),
            ));
        }
        let algorithm = match named.or(asked).or_else(|| self.customary()) {
            Some(algorithm) => algorithm,
            None => return Err(self.algorithm_needed()),
        };
        if self.admits(algorithm) {
            return Ok(algorithm);
        }
        Err(KeyError::explained(
            KeyErrorKind::AlgorithmMismatch,
            format!("{} cannot be used for {algorithm}", self.described()),
        ))
    }

    fn algorithm_needed(self) -> KeyError {
        let choices = match self {
            Self::Symmetric => "HS256, HS384 or HS512",
            Self::RsaPss => "PS256, PS384 or PS512",
            Self::Rsa | Self::Ed25519 | Self::Ec(_) => "RS256, PS256 or another RSA algorithm",
        };
        KeyError::explained(
            KeyErrorKind::AlgorithmNeeded,
            format!(
                "{} does not say its algorithm: choose {choices}",
                self.described()
            ),
        )
    }

    fn customary(self) -> Option<Algorithm> {
        match self {
            Self::Ed25519 => Some(Algorithm::EdDsa),
            Self::Ec(Curve::P256) => Some(Algorithm::Es256),
            Self::Ec(Curve::P384) => Some(Algorithm::Es384),
            Self::Ec(Curve::P521) => Some(Algorithm::Es512),
            Self::Rsa | Self::RsaPss | Self::Symmetric => None,
        }
    }

    fn admits(self, algorithm: Algorithm) -> bool {
        use Algorithm as A;
        match self {
            Self::Ed25519 => matches!(algorithm, A::EdDsa | A::Ed25519 | A::V4Public),
            Self::Ec(Curve::P256) => algorithm == A::Es256,
            Self::Ec(Curve::P384) => algorithm == A::Es384,
            Self::Ec(Curve::P521) => algorithm == A::Es512,
            Self::Rsa => {
                matches!(algorithm, A::Rs256 | A::Rs384 | A::Rs512)
                    || Self::RsaPss.admits(algorithm)
            }
            Self::RsaPss => matches!(algorithm, A::Ps256 | A::Ps384 | A::Ps512),
            Self::Symmetric => algorithm.is_symmetric(),
        }
    }

    fn described(self) -> &'static str {
        match self {
            Self::Ed25519 => "an Ed25519 key",
            Self::Ec(Curve::P256) => "a P-256 key",
            Self::Ec(Curve::P384) => "a P-384 key",
            Self::Ec(Curve::P521) => "a P-521 key",
            Self::Rsa => "an RSA key",
            Self::RsaPss => "an RSA key for PSS only",
            Self::Symmetric => "a shared secret",
        }
    }
}

impl Curve {
    /// Length of a coordinate and of a scalar, in bytes (RFC 7518 section 6.2.1.2).
    pub(crate) const fn field_bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(kind: KeyKind, named: Option<Algorithm>, asked: Option<Algorithm>) -> String {
        kind.settle(named, asked).unwrap_err().to_string()
    }

    #[test]
    fn the_source_decides_then_the_caller_then_custom() {
        let settle = |kind: KeyKind, named, asked| kind.settle(named, asked).unwrap();
        assert_eq!(settle(KeyKind::Ed25519, None, None), Algorithm::EdDsa);
        assert_eq!(
            settle(KeyKind::Ed25519, None, Some(Algorithm::V4Public)),
            Algorithm::V4Public
        );
        assert_eq!(
            settle(KeyKind::Ec(Curve::P521), None, None),
            Algorithm::Es512
        );
        assert_eq!(
            settle(KeyKind::Rsa, Some(Algorithm::Ps384), Some(Algorithm::Ps384)),
            Algorithm::Ps384
        );
    }

    #[test]
    fn an_algorithm_is_asked_for_when_the_kind_allows_several() {
        assert_eq!(
            refused(KeyKind::Rsa, None, None),
            "algorithm_needed: an RSA key does not say its algorithm: choose RS256, PS256 or another RSA algorithm"
        );
        assert_eq!(
            refused(KeyKind::Symmetric, None, None),
            "algorithm_needed: a shared secret does not say its algorithm: choose HS256, HS384 or HS512"
        );
        assert_eq!(
            refused(KeyKind::RsaPss, None, None),
            "algorithm_needed: an RSA key for PSS only does not say its algorithm: choose PS256, PS384 or PS512"
        );
    }

    #[test]
    fn a_secret_is_for_an_algorithm_that_shares_it() {
        let error = SigningKey::from_secret(Algorithm::EdDsa, [7; 32].into()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "algorithm_mismatch: a shared secret cannot be used for EdDSA"
        );
        #[cfg(feature = "aws-lc")]
        for (algorithm, needed) in [
            (Algorithm::Hs256, 32),
            (Algorithm::Hs384, 48),
            (Algorithm::Hs512, 64),
        ] {
            let secret = |length: usize| (0..length).map(|n| n as u8).collect::<Vec<u8>>();
            SigningKey::from_secret(algorithm, secret(needed).into()).unwrap();
            let short = SigningKey::from_secret(algorithm, secret(needed - 1).into());
            assert_eq!(short.unwrap_err().code(), "secret_too_short");
        }
        #[cfg(feature = "paseto")]
        SigningKey::from_secret(Algorithm::V4Local, [7; 32].into()).unwrap();
    }

    #[test]
    fn an_algorithm_that_does_not_fit_the_key_is_refused() {
        assert_eq!(
            refused(KeyKind::Ec(Curve::P384), None, Some(Algorithm::Es256)),
            "algorithm_mismatch: a P-384 key cannot be used for ES256"
        );
        assert_eq!(
            refused(KeyKind::RsaPss, Some(Algorithm::Rs256), None),
            "algorithm_mismatch: an RSA key for PSS only cannot be used for RS256"
        );
        assert_eq!(
            refused(KeyKind::Rsa, None, Some(Algorithm::Hs256)),
            "algorithm_mismatch: an RSA key cannot be used for HS256"
        );
        assert_eq!(
            refused(KeyKind::Rsa, Some(Algorithm::Ps256), Some(Algorithm::Rs256)),
            "algorithm_mismatch: the key says it is for PS256, but RS256 was asked for"
        );
    }
}
