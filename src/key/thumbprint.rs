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
    base64url::encode(&digest(material))
}

/// The same, as bytes.
pub(crate) fn digest(material: &PublicMaterial) -> [u8; 32] {
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
    Sha256::digest(text.as_bytes()).into()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::testing::{EDDSA, RFC_7638_MODULUS, decoded};

    #[test]
    fn rfc_7638_example_has_its_published_thumbprint() {
        let material = PublicMaterial::Rsa {
            n: decoded(RFC_7638_MODULUS),
            e: decoded("AQAB"),
        };
        assert_eq!(
            thumbprint(&material),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
    }

    #[test]
    fn rfc_8037_example_has_its_published_thumbprint() {
        let expected = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
        assert_eq!(EDDSA.key().id().as_str(), expected);
    }

    /// Computed once with Python's hashlib over the text of RFC 7638 section 3.2.
    #[test]
    fn elliptic_and_shared_keys_hash_their_required_members() {
        let material = PublicMaterial::Ec {
            curve: Curve::P521,
            x: vec![1; 66],
            y: vec![2; 66],
        };
        assert_eq!(
            thumbprint(&material),
            "keoesUn1bX93CwHT50hAk84Mr-TGi8er1zdobYX_90o"
        );
        let secret = SecretBytes::from((0..32).collect::<Vec<u8>>());
        assert_eq!(
            secret_thumbprint(&secret),
            "WqjPPRvAP8oYbAqCwMErhzTg-Quaz-vLx_cef07yhOs"
        );
    }

    /// PASERK test vectors k4.pid-3 (as text: the bytes are no point) and k4.lid-3.
    #[cfg(feature = "paseto")]
    #[test]
    fn paserk_examples_have_their_published_ids() {
        let bytes: Vec<u8> = (0x70..0x8f).chain([0x90]).collect();
        let public: [u8; 32] = bytes.clone().try_into().expect("32 bytes");
        assert_eq!(
            paseto::public_id(&public).expect("id"),
            "k4.pid.-nyvbaTz8U6TQz7OZWW-iB3va31iAxIpUgzUcVQVmW9A"
        );
        let secret = SecretBytes::from(bytes);
        let id = secret_id(Algorithm::V4Local, &secret).expect("id");
        assert_eq!(
            id.as_str(),
            "k4.lid.-v0wjDR1FVxNT2to41Ay1P4_8X6HIxnybX1nZ1a4FCTm"
        );
    }
}
