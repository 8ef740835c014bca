//! Neutral material to DER.

use pkcs1::{RsaPrivateKeyRef, RsaPublicKeyRef};
use pkcs8::der::asn1::{AnyRef, BitStringRef, OctetStringRef, UintRef};
use pkcs8::der::{self, Encode as _};
use pkcs8::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};
use sec1::EcPrivateKey;
use zeroize::Zeroizing;

use super::{CURVES, EC_PUBLIC_KEY, ED25519, RSA};
use crate::key::error::{KeyError, KeyErrorKind};
use crate::key::material::{Curve, PublicMaterial, RsaSecret, SecretMaterial};

/// Writes a public key as SPKI.
pub(crate) fn write_spki(material: &PublicMaterial) -> Result<Vec<u8>, KeyError> {
    match material {
        PublicMaterial::Ed25519(key) => spki(ED25519, None, key),
        PublicMaterial::Ec { curve, x, y } => {
            let identifier = identifier_of(*curve)?;
            spki(EC_PUBLIC_KEY, Some((&identifier).into()), &join_point(x, y))
        }
        PublicMaterial::Rsa { n, e } => {
            let key = RsaPublicKeyRef {
                modulus: UintRef::new(n).map_err(unwritable)?,
                public_exponent: UintRef::new(e).map_err(unwritable)?,
            };
            spki(RSA, Some(AnyRef::NULL), &key.to_der().map_err(unwritable)?)
        }
    }
}

fn spki(
    oid: ObjectIdentifier,
    parameters: Option<AnyRef<'_>>,
    key: &[u8],
) -> Result<Vec<u8>, KeyError> {
    SubjectPublicKeyInfoRef {
        algorithm: AlgorithmIdentifierRef { oid, parameters },
        subject_public_key: BitStringRef::from_bytes(key).map_err(unwritable)?,
    }
    .to_der()
    .map_err(unwritable)
}

/// Writes a private key as PKCS#8 version 1, the form every reader knows.
pub(crate) fn write_pkcs8(material: &SecretMaterial) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    match material {
        SecretMaterial::Ed25519 { seed, .. } => {
            let inner = OctetStringRef::new(seed.expose()).map_err(unwritable)?;
            let inner = Zeroizing::new(inner.to_der().map_err(unwritable)?);
            pkcs8(ED25519, None, &inner)
        }
        SecretMaterial::Ec {
            curve,
            scalar,
            public,
        } => {
            let identifier = identifier_of(*curve)?;
            let point = public.as_ref().map(|(x, y)| join_point(x, y));
            let inner = EcPrivateKey {
                private_key: scalar.expose(),
                parameters: None,
                public_key: point.as_deref(),
            };
            let inner = Zeroizing::new(inner.to_der().map_err(unwritable)?);
            pkcs8(EC_PUBLIC_KEY, Some((&identifier).into()), &inner)
        }
        SecretMaterial::Rsa(key) => pkcs8(RSA, Some(AnyRef::NULL), &write_pkcs1(key)?),
        SecretMaterial::Symmetric(_) => Err(KeyError::explained(
            KeyErrorKind::NoSuchForm,
            "a shared secret has no PEM or DER form: write it as a JWK or as PASERK",
        )),
    }
}

fn pkcs8(
    oid: ObjectIdentifier,
    parameters: Option<AnyRef<'_>>,
    inner: &[u8],
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let inner = OctetStringRef::new(inner).map_err(unwritable)?;
    PrivateKeyInfoRef::new(AlgorithmIdentifierRef { oid, parameters }, inner)
        .to_der()
        .map(Zeroizing::new)
        .map_err(unwritable)
}

/// Writes an RSA private key as PKCS#1.
pub(crate) fn write_pkcs1(key: &RsaSecret) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let number = |bytes| UintRef::new(bytes).map_err(unwritable);
    RsaPrivateKeyRef {
        modulus: number(&key.n)?,
        public_exponent: number(&key.e)?,
        private_exponent: number(key.d.expose())?,
        prime1: number(key.p.expose())?,
        prime2: number(key.q.expose())?,
        exponent1: number(key.dp.expose())?,
        exponent2: number(key.dq.expose())?,
        coefficient: number(key.qi.expose())?,
        other_prime_infos: None,
    }
    .to_der()
    .map(Zeroizing::new)
    .map_err(unwritable)
}

fn identifier_of(curve: Curve) -> Result<ObjectIdentifier, KeyError> {
    CURVES
        .into_iter()
        .find_map(|(identifier, known)| (known == curve).then_some(identifier))
        .ok_or_else(|| KeyError::explained(KeyErrorKind::NoSuchForm, "the curve has no name"))
}

fn join_point(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[4], x, y].concat()
}

fn unwritable(error: der::Error) -> KeyError {
    KeyError::explained(
        KeyErrorKind::NoSuchForm,
        format!("the key cannot be written as DER: {error}"),
    )
}
