//! Keys as DER: PKCS#8 (RFC 5208, RFC 5958), SPKI (RFC 5280 section 4.1.2.7),
//! SEC1 (RFC 5915) and PKCS#1 (RFC 8017 appendix A.1), to and from neutral material.
//!
//! DER allows one encoding of a value; everything else is refused, and so are
//! bytes after the end.

use pkcs1::{RsaPrivateKeyRef, RsaPublicKeyRef};
use pkcs8::der::asn1::{AnyRef, BitStringRef, OctetStringRef, UintRef};
use pkcs8::der::{self, Decode as _, Reader as _, Tag, Tagged as _};
use pkcs8::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};
use sec1::{EcParameters, EcPrivateKey};

#[cfg(feature = "jsonwebtoken")]
use super::algorithm::Algorithm;
use super::error::{KeyError, KeyErrorKind};
use super::import::KeyKind;
use super::material::{Curve, PublicMaterial, RsaSecret, SecretMaterial};
use crate::limits::MAX_PEM_BYTES;
use crate::secret::SecretBytes;

mod write;

#[cfg(feature = "jsonwebtoken")]
pub(crate) use write::write_pkcs1;
pub(crate) use write::{write_pkcs8, write_spki};

/// `id-Ed25519` (RFC 8410 section 3).
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// `id-ecPublicKey` (RFC 5480 section 2.1.1).
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// `rsaEncryption` (RFC 8017 appendix C).
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// `id-RSASSA-PSS` (RFC 4055 section 3.1).
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
/// The named curves (RFC 5480 section 2.1.1.1).
const CURVES: [(ObjectIdentifier, Curve); 3] = [
    (
        ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
        Curve::P256,
    ),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), Curve::P384),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), Curve::P521),
];

/// Which of the structures a DER document is, told by the types of its first fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Spki,
    Pkcs8,
    EncryptedPkcs8,
    Sec1,
    Pkcs1Private,
    Pkcs1Public,
}

impl Shape {
    /// Looks at the outermost SEQUENCE only; the readers below judge the rest.
    pub(crate) fn of(document: &[u8]) -> Result<Self, KeyError> {
        if document.len() > MAX_PEM_BYTES {
            return Err(KeyError::explained(
                KeyErrorKind::TooLong,
                format!("a DER key is at most {MAX_PEM_BYTES} bytes long"),
            ));
        }
        let tags = AnyRef::from_der(document)
            .and_then(|outer| outer.sequence(first_tags))
            .map_err(|error| malformed("DER key", &error))?;
        match tags {
            [Some(Tag::Sequence), Some(Tag::BitString), None] => Ok(Self::Spki),
            [Some(Tag::Sequence), Some(Tag::OctetString), None] => Ok(Self::EncryptedPkcs8),
            [Some(Tag::Integer), Some(Tag::Sequence), Some(_)] => Ok(Self::Pkcs8),
            [Some(Tag::Integer), Some(Tag::OctetString), _] => Ok(Self::Sec1),
            [Some(Tag::Integer), Some(Tag::Integer), None] => Ok(Self::Pkcs1Public),
            [Some(Tag::Integer), Some(Tag::Integer), Some(_)] => Ok(Self::Pkcs1Private),
            _ => Err(KeyError::explained(
                KeyErrorKind::UnsupportedKeyType,
                "the DER document is none of SPKI, PKCS#8, SEC1 and PKCS#1",
            )),
        }
    }
}

fn first_tags(reader: &mut der::SliceReader<'_>) -> Result<[Option<Tag>; 3], der::Error> {
    let mut tags = [None; 3];
    let mut slots = tags.iter_mut();
    while !reader.is_finished() {
        let field: AnyRef<'_> = reader.decode()?;
        if let Some(slot) = slots.next() {
            *slot = Some(field.tag());
        }
    }
    Ok(tags)
}

/// Reads a public key: SPKI or PKCS#1.
pub(crate) fn read_public(document: &[u8]) -> Result<(KeyKind, PublicMaterial), KeyError> {
    match Shape::of(document)? {
        Shape::Spki => read_spki(document),
        Shape::Pkcs1Public => Ok((KeyKind::Rsa, read_pkcs1_public(document)?)),
        Shape::Pkcs8 | Shape::EncryptedPkcs8 | Shape::Sec1 | Shape::Pkcs1Private => {
            Err(KeyError::explained(
                KeyErrorKind::PrivateKeyGiven,
                "a private key was given where a public key is expected",
            ))
        }
    }
}

/// Reads a private key that is not locked: PKCS#8, SEC1 or PKCS#1.
pub(crate) fn read_secret(document: &[u8]) -> Result<(KeyKind, SecretMaterial), KeyError> {
    match Shape::of(document)? {
        Shape::Pkcs8 => read_pkcs8(document),
        Shape::Sec1 => {
            let material = read_sec1(document, None)?;
            Ok((KeyKind::of_secret(&material), material))
        }
        Shape::Pkcs1Private => Ok((KeyKind::Rsa, read_pkcs1_private(document)?)),
        Shape::EncryptedPkcs8 => Err(KeyError::explained(
            KeyErrorKind::PassphraseNeeded,
            "the key is locked and no passphrase was given",
        )),
        Shape::Spki | Shape::Pkcs1Public => Err(KeyError::explained(
            KeyErrorKind::PublicKeyGiven,
            "a public key was given where a private key is expected",
        )),
    }
}

fn read_spki(document: &[u8]) -> Result<(KeyKind, PublicMaterial), KeyError> {
    let info = SubjectPublicKeyInfoRef::from_der(document)
        .map_err(|error| malformed("SubjectPublicKeyInfo", &error))?;
    let key = whole_bytes(info.subject_public_key)?;
    let kind = kind_of(info.algorithm)?;
    let material = match kind {
        KeyKind::Ed25519 => PublicMaterial::Ed25519(
            key.try_into()
                .map_err(|_| bad_length("an Ed25519 public key", 32, key.len()))?,
        ),
        KeyKind::Ec(curve) => {
            let (x, y) = split_point(curve, key)?;
            PublicMaterial::Ec { curve, x, y }
        }
        KeyKind::Rsa | KeyKind::RsaPss => read_pkcs1_public(key)?,
        KeyKind::Symmetric => return Err(unsupported_identifier(info.algorithm.oid)),
    };
    Ok((kind, material))
}

fn read_pkcs8(document: &[u8]) -> Result<(KeyKind, SecretMaterial), KeyError> {
    let info = PrivateKeyInfoRef::from_der(document)
        .map_err(|error| malformed("PKCS#8 private key", &error))?;
    let inner = info.private_key.as_bytes();
    let kind = kind_of(info.algorithm)?;
    let material = match kind {
        KeyKind::Ed25519 => read_ed25519(inner, info.public_key)?,
        KeyKind::Ec(curve) => read_sec1(inner, Some(curve))?,
        KeyKind::Rsa | KeyKind::RsaPss => read_pkcs1_private(inner)?,
        KeyKind::Symmetric => return Err(unsupported_identifier(info.algorithm.oid)),
    };
    Ok((kind, material))
}

/// The seed is an OCTET STRING inside the OCTET STRING (RFC 8410 section 7).
fn read_ed25519(
    inner: &[u8],
    public: Option<BitStringRef<'_>>,
) -> Result<SecretMaterial, KeyError> {
    let seed = <&OctetStringRef>::from_der(inner)
        .map_err(|error| malformed("Ed25519 private key", &error))?
        .as_bytes();
    if seed.len() != 32 {
        return Err(bad_length("an Ed25519 private key", 32, seed.len()));
    }
    let public = public.map(whole_bytes).transpose()?.map(|public| {
        public
            .try_into()
            .map_err(|_| bad_length("an Ed25519 public key", 32, public.len()))
    });
    Ok(SecretMaterial::Ed25519 {
        seed: seed.to_vec().into(),
        public: public.transpose()?,
    })
}

/// The curve stands in the structure, around it, or in both and then agrees
/// (RFC 5915 section 3).
fn read_sec1(document: &[u8], outer: Option<Curve>) -> Result<SecretMaterial, KeyError> {
    let key =
        EcPrivateKey::from_der(document).map_err(|error| malformed("SEC1 private key", &error))?;
    let inner = match key.parameters.and_then(EcParameters::named_curve) {
        Some(identifier) => Some(named_curve(identifier)?),
        None => None,
    };
    let curve = match (outer, inner) {
        (Some(outer), Some(inner)) if outer != inner => {
            return Err(KeyError::explained(
                KeyErrorKind::Malformed,
                "the EC private key names two different curves",
            ));
        }
        (Some(curve), _) | (None, Some(curve)) => curve,
        (None, None) => {
            return Err(KeyError::explained(
                KeyErrorKind::Malformed,
                "the EC private key does not name its curve",
            ));
        }
    };
    // RFC 5915 section 3: the scalar keeps its leading zeros.
    if key.private_key.len() != curve.field_bytes() {
        return Err(bad_length(
            "the scalar of this EC private key",
            curve.field_bytes(),
            key.private_key.len(),
        ));
    }
    let public = key.public_key.map(|point| split_point(curve, point));
    Ok(SecretMaterial::Ec {
        curve,
        scalar: key.private_key.to_vec().into(),
        public: public.transpose()?,
    })
}

fn read_pkcs1_private(document: &[u8]) -> Result<SecretMaterial, KeyError> {
    let key = RsaPrivateKeyRef::from_der(document)
        .map_err(|error| malformed("PKCS#1 private key", &error))?;
    if key.other_prime_infos.is_some() {
        return Err(KeyError::explained(
            KeyErrorKind::MultiPrime,
            "an RSA key of more than two primes is not supported",
        ));
    }
    let secret = |number: UintRef<'_>| SecretBytes::from(number.as_bytes().to_vec());
    Ok(SecretMaterial::Rsa(Box::new(RsaSecret {
        n: key.modulus.as_bytes().to_vec(),
        e: key.public_exponent.as_bytes().to_vec(),
        d: secret(key.private_exponent),
        p: secret(key.prime1),
        q: secret(key.prime2),
        dp: secret(key.exponent1),
        dq: secret(key.exponent2),
        qi: secret(key.coefficient),
    })))
}

fn read_pkcs1_public(document: &[u8]) -> Result<PublicMaterial, KeyError> {
    let key = RsaPublicKeyRef::from_der(document)
        .map_err(|error| malformed("PKCS#1 public key", &error))?;
    Ok(PublicMaterial::Rsa {
        n: key.modulus.as_bytes().to_vec(),
        e: key.public_exponent.as_bytes().to_vec(),
    })
}

fn kind_of(algorithm: AlgorithmIdentifierRef<'_>) -> Result<KeyKind, KeyError> {
    let parameters = algorithm.parameters;
    match algorithm.oid {
        // RFC 8410 section 3: the parameters are absent.
        ED25519 if parameters.is_none() => Ok(KeyKind::Ed25519),
        EC_PUBLIC_KEY => {
            let identifier = parameters
                .and_then(|any| any.decode_as::<ObjectIdentifier>().ok())
                .ok_or_else(|| {
                    KeyError::explained(
                        KeyErrorKind::UnsupportedKeyType,
                        "the EC key spells out its curve instead of naming it",
                    )
                })?;
            named_curve(identifier).map(KeyKind::Ec)
        }
        // RFC 4055 section 1.2: the parameters are NULL; some writers leave them out.
        RSA if parameters.is_none_or(AnyRef::is_null) => Ok(KeyKind::Rsa),
        RSA_PSS if parameters.is_none() => Ok(KeyKind::RsaPss),
        RSA_PSS => Err(KeyError::explained(
            KeyErrorKind::UnsupportedKeyType,
            "the RSA-PSS key fixes its own parameters; write it with rsaEncryption instead",
        )),
        ED25519 | RSA => Err(KeyError::explained(
            KeyErrorKind::Malformed,
            "the key's algorithm has parameters where none may stand",
        )),
        other => Err(unsupported_identifier(other)),
    }
}

fn named_curve(identifier: ObjectIdentifier) -> Result<Curve, KeyError> {
    CURVES
        .into_iter()
        .find_map(|(known, curve)| (known == identifier).then_some(curve))
        .ok_or_else(|| {
            KeyError::explained(
                KeyErrorKind::UnsupportedKeyType,
                format!("the curve {identifier} is not P-256, P-384 or P-521"),
            )
        })
}

/// The public key of an algorithm from its point alone (SEC1 section 2.3.3).
#[cfg(feature = "jsonwebtoken")]
pub(crate) fn ec_point(algorithm: Algorithm, point: &[u8]) -> Result<PublicMaterial, KeyError> {
    let curve = [Curve::P256, Curve::P384, Curve::P521]
        .into_iter()
        .find(|curve| KeyKind::Ec(*curve).settle(None, Some(algorithm)).is_ok())
        .ok_or_else(|| KeyError::new(KeyErrorKind::AlgorithmMismatch, algorithm.name()))?;
    let (x, y) = split_point(curve, point)?;
    Ok(PublicMaterial::Ec { curve, x, y })
}

/// Splits an uncompressed point (SEC1 section 2.3.3). A compressed one is refused:
/// JOSE knows only whole points, and no tool writes the short form unasked.
fn split_point(curve: Curve, point: &[u8]) -> Result<(Vec<u8>, Vec<u8>), KeyError> {
    match point.split_first() {
        Some((4, coordinates)) => coordinates
            .split_at_checked(curve.field_bytes())
            .filter(|(_, y)| y.len() == curve.field_bytes())
            .map(|(x, y)| (x.to_vec(), y.to_vec()))
            .ok_or_else(|| {
                let expected = curve.field_bytes().saturating_mul(2);
                bad_length("the point of this EC key", expected, coordinates.len())
            }),
        Some((2 | 3, _)) => Err(KeyError::explained(
            KeyErrorKind::UnsupportedKeyType,
            "the EC key has a compressed point; write it with an uncompressed one",
        )),
        _ => Err(KeyError::explained(
            KeyErrorKind::Malformed,
            "the EC key has no point",
        )),
    }
}

fn whole_bytes(bits: BitStringRef<'_>) -> Result<&[u8], KeyError> {
    bits.as_bytes().ok_or_else(|| {
        KeyError::explained(
            KeyErrorKind::Malformed,
            "the public key is not a whole number of bytes",
        )
    })
}

/// The library's own words about a position and a type: no byte of the key is in them.
fn malformed(what: &str, error: &der::Error) -> KeyError {
    KeyError::explained(
        KeyErrorKind::Malformed,
        format!("this is not a {what}: {error}"),
    )
}

fn bad_length(what: &str, expected: usize, found: usize) -> KeyError {
    KeyError::explained(
        KeyErrorKind::Malformed,
        format!("{what} is {expected} bytes long, here it has {found}"),
    )
}

fn unsupported_identifier(identifier: ObjectIdentifier) -> KeyError {
    KeyError::explained(
        KeyErrorKind::UnsupportedKeyType,
        format!("keys of the algorithm {identifier} sign none of our tokens"),
    )
}
