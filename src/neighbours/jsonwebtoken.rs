//! Keys of the `jsonwebtoken` crate, in both directions.
//!
//! What an application on jsonwebtoken gets from us: [`DecodingKey`], [`EncodingKey`],
//! [`Jwk`], [`JwkSet`](Theirs) and a [`Header`] that names the key. What we take from
//! it: a `Jwk` or a `JwkSet` as they are, and a `DecodingKey` or an `EncodingKey`
//! together with its algorithm, since those two know only the family.
//!
//! Its algorithms are fewer: a key for `ES512`, for `Ed25519` under its RFC 9864 name
//! or for PASETO is refused.
//!
//! ```
//! use jsonwebtoken::{DecodingKey, jwk::Jwk};
//! use tokenwright::key::{Algorithm, SigningKey, VerifyingKey};
//!
//! let key = SigningKey::generate(Algorithm::EdDsa)?.verifying_key();
//! let theirs = Jwk::try_from(&key)?;
//! assert_eq!(theirs.common.key_id.as_deref(), Some(key.id().as_str()));
//! assert_eq!(VerifyingKey::try_from(&theirs)?.id(), key.id());
//! let decoding = DecodingKey::try_from(&key)?;
//! # let _ = decoding;
//! # Ok::<(), tokenwright::key::KeyError>(())
//! ```

use jsonwebtoken::jwk::{Jwk, JwkSet as Theirs};
use jsonwebtoken::{
    Algorithm as TheirAlgorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey, Header,
};

use zeroize::Zeroizing;

use crate::error::Quoted;
use crate::key::material::{PublicMaterial, SecretMaterial};
use crate::key::{
    Algorithm, ImportOptions, JwkSet, JwkSetError, KeyError, KeyErrorKind, SigningKey,
    VerifyingKey, der,
};

/// Every algorithm that both crates know.
const COMMON: [(Algorithm, TheirAlgorithm); 12] = [
    (Algorithm::EdDsa, TheirAlgorithm::EdDSA),
    (Algorithm::Es256, TheirAlgorithm::ES256),
    (Algorithm::Es384, TheirAlgorithm::ES384),
    (Algorithm::Rs256, TheirAlgorithm::RS256),
    (Algorithm::Rs384, TheirAlgorithm::RS384),
    (Algorithm::Rs512, TheirAlgorithm::RS512),
    (Algorithm::Ps256, TheirAlgorithm::PS256),
    (Algorithm::Ps384, TheirAlgorithm::PS384),
    (Algorithm::Ps512, TheirAlgorithm::PS512),
    (Algorithm::Hs256, TheirAlgorithm::HS256),
    (Algorithm::Hs384, TheirAlgorithm::HS384),
    (Algorithm::Hs512, TheirAlgorithm::HS512),
];

impl TryFrom<Algorithm> for TheirAlgorithm {
    type Error = KeyError;

    /// The same algorithm there; refused when jsonwebtoken does not know it.
    fn try_from(algorithm: Algorithm) -> Result<Self, KeyError> {
        let found = COMMON.into_iter().find(|(ours, _)| *ours == algorithm);
        found.map(|(_, theirs)| theirs).ok_or_else(|| {
            KeyError::explained(
                KeyErrorKind::UnsupportedAlgorithm,
                format!("jsonwebtoken does not know {algorithm}"),
            )
        })
    }
}

impl TryFrom<TheirAlgorithm> for Algorithm {
    type Error = KeyError;

    /// The same algorithm here; refused when it is newer than this crate.
    fn try_from(algorithm: TheirAlgorithm) -> Result<Self, KeyError> {
        let found = COMMON.into_iter().find(|(_, theirs)| *theirs == algorithm);
        found.map(|(ours, _)| ours).ok_or_else(|| {
            KeyError::new(
                KeyErrorKind::UnsupportedAlgorithm,
                &format!("{algorithm:?}"),
            )
        })
    }
}

/// The header of a token that `key` signs: its algorithm, its id and `typ` `JWT`.
///
/// # Errors
/// [`KeyErrorKind::UnsupportedAlgorithm`] when jsonwebtoken does not know the algorithm.
pub fn header_for(key: &SigningKey) -> Result<Header, KeyError> {
    let mut header = Header::new(key.algorithm().try_into()?);
    header.kid = Some(key.id().as_str().to_owned());
    Ok(header)
}

impl TryFrom<&VerifyingKey> for DecodingKey {
    type Error = KeyError;

    /// Hands over a key that verifies. The other side forgets which algorithm of the
    /// family it is for: put that one, and no other, into its `Validation`.
    fn try_from(key: &VerifyingKey) -> Result<Self, KeyError> {
        TheirAlgorithm::try_from(key.algorithm())?;
        match (key.public_material(), key.shared_secret()) {
            (Some(PublicMaterial::Ed25519(point)), _) => Ok(Self::from_ed_der(&point)),
            (Some(PublicMaterial::Ec { x, y, .. }), _) => {
                Ok(Self::from_ec_der(&[&[4], &*x, &*y].concat()))
            }
            (Some(PublicMaterial::Rsa { n, e }), _) => Ok(Self::from_rsa_raw_components(&n, &e)),
            (None, Some(secret)) => Ok(Self::from_secret(secret.expose())),
            (None, None) => Err(no_form()),
        }
    }
}

impl TryFrom<&SigningKey> for EncodingKey {
    type Error = KeyError;

    /// Hands over a key that signs; use it with [`header_for`].
    fn try_from(key: &SigningKey) -> Result<Self, KeyError> {
        TheirAlgorithm::try_from(key.algorithm())?;
        let material = key.secret_material();
        match &material {
            SecretMaterial::Ed25519 { .. } => Ok(Self::from_ed_der(&der::write_pkcs8(&material)?)),
            SecretMaterial::Ec { .. } => Ok(Self::from_ec_der(&der::write_pkcs8(&material)?)),
            // Both of its providers read RSA keys as PKCS#1.
            SecretMaterial::Rsa(numbers) => Ok(Self::from_rsa_der(&der::write_pkcs1(numbers)?)),
            SecretMaterial::Symmetric(secret) => Ok(Self::from_secret(secret.expose())),
        }
    }
}

impl TryFrom<&VerifyingKey> for Jwk {
    type Error = KeyError;

    /// Hands over a public key with its algorithm, use and id.
    fn try_from(key: &VerifyingKey) -> Result<Self, KeyError> {
        TheirAlgorithm::try_from(key.algorithm())?;
        serde_json::from_str(&key.to_jwk()?).map_err(|_| no_form())
    }
}

impl TryFrom<&Jwk> for VerifyingKey {
    type Error = KeyError;

    /// Takes a public key over and vets it. A key without `alg` is taken only if its
    /// kind has one customary algorithm; for others see [`verifying_key_from_jwk`].
    fn try_from(jwk: &Jwk) -> Result<Self, KeyError> {
        verifying_key_from_jwk(jwk, &ImportOptions::new())
    }
}

/// Takes a public key over and vets it, with the algorithm of the options if it names none.
///
/// # Errors
/// As [`VerifyingKey::from_jwk`].
pub fn verifying_key_from_jwk(
    jwk: &Jwk,
    options: &ImportOptions<'_>,
) -> Result<VerifyingKey, KeyError> {
    VerifyingKey::from_jwk(&written(jwk), options)
}

impl TryFrom<&Jwk> for SigningKey {
    type Error = KeyError;

    /// Takes a shared secret over. A `Jwk` there never holds a private key.
    fn try_from(jwk: &Jwk) -> Result<Self, KeyError> {
        Self::from_jwk(&written(jwk), &ImportOptions::new())
    }
}

impl TryFrom<&JwkSet> for Theirs {
    type Error = KeyError;

    /// Hands over the public keys of a set.
    fn try_from(set: &JwkSet) -> Result<Self, KeyError> {
        let keys: Result<Vec<Jwk>, KeyError> = set.keys().iter().map(Jwk::try_from).collect();
        Ok(Self { keys: keys? })
    }
}

impl TryFrom<&Theirs> for JwkSet {
    type Error = JwkSetError;

    /// Takes a set of public keys over; members that cannot be used are left out with
    /// their reasons, as [`JwkSet::parse`] does.
    fn try_from(set: &Theirs) -> Result<Self, JwkSetError> {
        Self::parse(
            &serde_json::to_vec(set).unwrap_or_default(),
            &ImportOptions::new(),
        )
    }
}

/// Takes a key that verifies over, with the one algorithm it is for. A shared secret
/// comes in as a key that verifies.
///
/// # Errors
/// [`KeyErrorKind::AlgorithmMismatch`] when the algorithm is not of the key's family,
/// and the kinds of a malformed or weak key.
pub fn verifying_key_from(
    key: &DecodingKey,
    algorithm: TheirAlgorithm,
) -> Result<VerifyingKey, KeyError> {
    check_family(key.family(), algorithm)?;
    let algorithm = Algorithm::try_from(algorithm)?;
    let options = ImportOptions::new().algorithm(algorithm);
    match (key.family(), key.kind()) {
        (AlgorithmFamily::Hmac, DecodingKeyKind::SecretOrDer(secret)) => {
            VerifyingKey::from_secret(algorithm, None, secret.clone().into())
        }
        (AlgorithmFamily::Rsa, DecodingKeyKind::SecretOrDer(document)) => {
            VerifyingKey::from_der(document, &options)
        }
        (AlgorithmFamily::Rsa, DecodingKeyKind::RsaModulusExponent { n, e }) => {
            let (n, e) = (n.clone(), e.clone());
            VerifyingKey::from_material(algorithm, None, PublicMaterial::Rsa { n, e })
        }
        (AlgorithmFamily::Ec, DecodingKeyKind::SecretOrDer(point)) => {
            let material = der::ec_point(algorithm, point)?;
            VerifyingKey::from_material(algorithm, None, material)
        }
        (AlgorithmFamily::Ed, DecodingKeyKind::SecretOrDer(point)) => {
            let point = point.as_slice().try_into().map_err(|_| {
                KeyError::explained(
                    KeyErrorKind::Malformed,
                    format!(
                        "an Ed25519 public key is 32 bytes long, here it has {}",
                        point.len()
                    ),
                )
            })?;
            VerifyingKey::from_material(algorithm, None, PublicMaterial::Ed25519(point))
        }
        (_, DecodingKeyKind::RsaModulusExponent { .. }) => Err(no_form()),
    }
}

/// Takes a key that signs over, with the one algorithm it is for.
///
/// # Errors
/// [`KeyErrorKind::AlgorithmMismatch`] when the algorithm is not of the key's family,
/// and the kinds of a malformed or weak key.
pub fn signing_key_from(
    key: &EncodingKey,
    algorithm: TheirAlgorithm,
) -> Result<SigningKey, KeyError> {
    check_family(key.family(), algorithm)?;
    let algorithm = Algorithm::try_from(algorithm)?;
    match key.family() {
        AlgorithmFamily::Hmac => {
            let secret = SecretMaterial::Symmetric(key.as_bytes().to_vec().into());
            SigningKey::from_material(algorithm, None, secret)
        }
        AlgorithmFamily::Rsa | AlgorithmFamily::Ec | AlgorithmFamily::Ed => {
            SigningKey::from_der(key.as_bytes(), &ImportOptions::new().algorithm(algorithm))
        }
    }
}

fn check_family(family: AlgorithmFamily, algorithm: TheirAlgorithm) -> Result<(), KeyError> {
    if family == algorithm.family() {
        return Ok(());
    }
    Err(KeyError::explained(
        KeyErrorKind::AlgorithmMismatch,
        format!(
            "a jsonwebtoken key of the family {} cannot be used for {}",
            Quoted(&format!("{family:?}")),
            Quoted(&format!("{algorithm:?}"))
        ),
    ))
}

/// Their key as JSON, wiped after use since it may be a shared secret.
fn written(jwk: &Jwk) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(serde_json::to_vec(jwk).unwrap_or_default())
}

fn no_form() -> KeyError {
    KeyError::explained(
        KeyErrorKind::NoSuchForm,
        "jsonwebtoken has no form for this key",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No provider is switched on here, so nothing is signed or verified: what is
    /// handed over is compared byte for byte.
    fn round_trip(algorithm: Algorithm) {
        let ours = SigningKey::generate(algorithm).unwrap();
        let theirs = TheirAlgorithm::try_from(algorithm).unwrap();
        let encoding = EncodingKey::try_from(&ours).unwrap();
        assert_eq!(encoding.family(), theirs.family());
        let again = signing_key_from(&encoding, theirs).unwrap();
        assert_eq!(again.to_jwk().unwrap(), ours.to_jwk().unwrap());

        let ours = ours.verifying_key();
        let decoding = DecodingKey::try_from(&ours).unwrap();
        assert_eq!(decoding.family(), theirs.family());
        let again = verifying_key_from(&decoding, theirs).unwrap();
        assert_eq!(again.id(), ours.id());
        assert_eq!(again.algorithm(), algorithm);
    }

    #[test]
    fn ed25519_keys_go_over_and_come_back() {
        round_trip(Algorithm::EdDsa);
    }

    #[cfg(feature = "aws-lc")]
    #[test]
    fn every_other_common_key_goes_over_and_comes_back() {
        round_trip(Algorithm::Hs256);
        round_trip(Algorithm::Hs512);
        round_trip(Algorithm::Es256);
        round_trip(Algorithm::Es384);
        round_trip(Algorithm::Rs256);
    }

    #[test]
    fn the_bytes_handed_over_are_what_its_own_readers_make() {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let public = key.verifying_key();
        let jwk = Jwk::try_from(&public).unwrap();
        let decoding = DecodingKey::try_from(&public).unwrap();
        assert_eq!(
            decoding.try_get_as_bytes().unwrap(),
            DecodingKey::from_jwk(&jwk)
                .unwrap()
                .try_get_as_bytes()
                .unwrap()
        );
        let encoding = EncodingKey::try_from(&key).unwrap();
        assert_eq!(encoding.as_bytes(), key.to_der().unwrap().expose());
    }

    #[cfg(feature = "aws-lc")]
    #[test]
    fn ec_and_rsa_bytes_are_what_its_own_readers_make() {
        for algorithm in [Algorithm::Es256, Algorithm::Es384] {
            let public = SigningKey::generate(algorithm).unwrap().verifying_key();
            let jwk = Jwk::try_from(&public).unwrap();
            let decoding = DecodingKey::try_from(&public).unwrap();
            assert_eq!(
                decoding.try_get_as_bytes().unwrap(),
                DecodingKey::from_jwk(&jwk)
                    .unwrap()
                    .try_get_as_bytes()
                    .unwrap()
            );
        }
        let public = SigningKey::generate(Algorithm::Ps256)
            .unwrap()
            .verifying_key();
        let jwk = Jwk::try_from(&public).unwrap();
        let (ours, theirs) = (
            DecodingKey::try_from(&public).unwrap(),
            DecodingKey::from_jwk(&jwk).unwrap(),
        );
        let (
            DecodingKeyKind::RsaModulusExponent { n, e },
            DecodingKeyKind::RsaModulusExponent {
                n: their_n,
                e: their_e,
            },
        ) = (ours.kind(), theirs.kind())
        else {
            panic!("an RSA key is a modulus and an exponent");
        };
        assert_eq!((n, e), (their_n, their_e));
    }

    #[test]
    fn keys_and_sets_go_over_as_jwks() {
        let keys: Vec<VerifyingKey> = (0..2)
            .map(|_| {
                SigningKey::generate(Algorithm::EdDsa)
                    .unwrap()
                    .verifying_key()
            })
            .collect();
        let ours = JwkSet::of(keys.clone()).unwrap();
        let theirs = Theirs::try_from(&ours).unwrap();
        assert!(theirs.find(keys[1].id().as_str()).is_some());
        let again = JwkSet::try_from(&theirs).unwrap();
        assert_eq!(again.keys()[1].id(), keys[1].id());
        assert!(again.skipped().is_empty());
    }

    #[test]
    fn what_jsonwebtoken_does_not_know_is_refused() {
        let key = SigningKey::generate(Algorithm::Ed25519).unwrap();
        let refusal = "unsupported_algorithm: jsonwebtoken does not know Ed25519";
        assert_eq!(
            EncodingKey::try_from(&key).unwrap_err().to_string(),
            refusal
        );
        assert_eq!(header_for(&key).unwrap_err().to_string(), refusal);
        let key = key.verifying_key();
        assert_eq!(
            DecodingKey::try_from(&key).unwrap_err().to_string(),
            refusal
        );
        assert_eq!(Jwk::try_from(&key).unwrap_err().to_string(), refusal);
        let error = TheirAlgorithm::try_from(Algorithm::V4Local).unwrap_err();
        assert_eq!(
            error.to_string(),
            "unsupported_algorithm: jsonwebtoken does not know v4.local"
        );
        assert!(TheirAlgorithm::try_from(Algorithm::Es512).is_err());
    }

    #[test]
    fn a_weak_or_short_key_of_theirs_is_refused_without_panic() {
        for length in [0, 1, 31, 33] {
            let short = DecodingKey::from_ed_der(&vec![7; length]);
            let error = verifying_key_from(&short, TheirAlgorithm::EdDSA).unwrap_err();
            assert_eq!(error.code(), "malformed_key");
            let short = EncodingKey::from_ed_der(&vec![7; length]);
            assert!(signing_key_from(&short, TheirAlgorithm::EdDSA).is_err());
        }
        let mut identity = [0; 32];
        identity[0] = 1;
        let weak = DecodingKey::from_ed_der(&identity);
        assert!(verifying_key_from(&weak, TheirAlgorithm::EdDSA).is_err());
        #[cfg(feature = "aws-lc")]
        {
            let weak = DecodingKey::from_secret(b"secret");
            let error = verifying_key_from(&weak, TheirAlgorithm::HS256).unwrap_err();
            assert_eq!(error.code(), "secret_too_short");
        }
    }

    #[test]
    fn a_key_of_another_family_is_refused() {
        // CVE-2015-9235: the bytes of a public key as the secret of an HMAC.
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let decoding = DecodingKey::try_from(&key.verifying_key()).unwrap();
        let error = verifying_key_from(&decoding, TheirAlgorithm::HS256).unwrap_err();
        assert_eq!(
            error.to_string(),
            "algorithm_mismatch: a jsonwebtoken key of the family \"Ed\" cannot be used for \"HS256\""
        );
    }

    #[test]
    fn the_header_names_the_key() {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let header = header_for(&key).unwrap();
        assert_eq!(header.alg, TheirAlgorithm::EdDSA);
        assert_eq!(header.kid.as_deref(), Some(key.id().as_str()));
        assert_eq!(header.typ.as_deref(), Some("JWT"));
    }

    #[test]
    fn a_private_key_is_not_found_in_their_public_form() {
        let jwk: Jwk = serde_json::from_str(
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        )
        .unwrap();
        assert_eq!(
            SigningKey::try_from(&jwk).unwrap_err().code(),
            "public_key_given"
        );
    }
}
