//! The id of a key that was given none: computed from the key, so that everyone
//! who has the key computes the same.

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::algorithm::{Algorithm, Format};
use super::crypto::paseto;
use super::error::{KeyError, KeyErrorKind};
use super::id::KeyId;
use super::material::{Curve, PublicMaterial};
use crate::encoding::base64url;
use crate::secret::SecretBytes;

/// The default id of a public key: its RFC 7638 thumbprint, or for PASETO its PASERK id.
pub(super) fn public_id(
    algorithm: Algorithm,
    material: &PublicMaterial,
) -> Result<KeyId, KeyError> {
    let text = match (algorithm.format(), material) {
        (Format::Jwt, _) => thumbprint(material),
        (Format::Paseto, PublicMaterial::Ed25519(bytes)) => paseto::public_id(bytes)?,
        (Format::Paseto, PublicMaterial::Ec { .. } | PublicMaterial::Rsa { .. }) => {
            return Err(KeyError::explained(
                KeyErrorKind::AlgorithmMismatch,
                "only Ed25519 keys have a PASERK id",
            ));
        }
    };
    KeyId::new(&text)
}

/// The default id of a shared secret.
///
/// It is a hash of the secret, so a guessable secret could be found from it:
/// secrets are vetted for length before an id is made (RFC 7638 section 7).
pub(super) fn secret_id(algorithm: Algorithm, secret: &SecretBytes) -> Result<KeyId, KeyError> {
    let text = match algorithm.format() {
        Format::Jwt => secret_thumbprint(secret),
        Format::Paseto => paseto::local_id(secret)?,
    };
    KeyId::new(&text)
}

/// The RFC 7638 thumbprint with SHA-256 of public material, as base64url.
///
/// The hashed text is the JWK's required members only, sorted, without spaces
/// (section 3.3); an OKP key's members are those of RFC 8037 section 2.
pub(crate) fn thumbprint(material: &PublicMaterial) -> String {
    let text = match material {
        PublicMaterial::Ed25519(bytes) => format!(
            r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#,
            base64url::encode(bytes)
        ),
        PublicMaterial::Ec { curve, x, y } => format!(
            r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#,
            curve_name(*curve),
            base64url::encode(x),
            base64url::encode(y)
        ),
        PublicMaterial::Rsa { n, e } => format!(
            r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#,
            base64url::encode(e),
            base64url::encode(n)
        ),
    };
    base64url::encode(&Sha256::digest(text.as_bytes()))
}

/// The thumbprint of a shared secret (`oct`, RFC 7638 section 3.2).
fn secret_thumbprint(secret: &SecretBytes) -> String {
    let encoded = Zeroizing::new(base64url::encode(secret.expose()));
    let mut hash = Sha256::new();
    hash.update(br#"{"k":""#);
    hash.update(encoded.as_bytes());
    hash.update(br#"","kty":"oct"}"#);
    base64url::encode(&hash.finalize())
}

/// The registered name of a curve (RFC 7518 section 6.2.1.1).
const fn curve_name(curve: Curve) -> &'static str {
    match curve {
        Curve::P256 => "P-256",
        Curve::P384 => "P-384",
        Curve::P521 => "P-521",
    }
}
