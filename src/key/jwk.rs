//! Keys as JSON Web Keys (RFC 7517, RFC 7518 section 6, RFC 8037, RFC 9864).
//!
//! Everything a JWK says about itself must agree: its kind, curve, algorithm, use
//! and operations. What it says beyond that (certificates, dates) is ignored.

use super::algorithm::{Algorithm, Format};
use super::error::{KeyError, KeyErrorKind};
use super::id::KeyId;
use super::import::{ImportOptions, KeyKind};
use super::jwk_members::{Members, Operation};
use super::material::{Curve, PublicMaterial, RsaSecret, SecretMaterial};
use super::signing::SigningKey;
use super::verifying::VerifyingKey;
use crate::encoding::json::{self, Bounds};
use crate::limits::MAX_JWK_BYTES;
use crate::secret::SecretBytes;

/// Members that only a private or shared key has (RFC 7518 sections 6.2.2, 6.3.2, 6.4.1).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

impl VerifyingKey {
    /// Reads a public key from a JWK. Its id is the `kid`, else its thumbprint (RFC 7638).
    ///
    /// ```
    /// use tokenwright::key::{Algorithm, ImportOptions, VerifyingKey};
    /// let jwk = br#"{"kty":"OKP","crv":"Ed25519","kid":"k1",
    ///     "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    /// let key = VerifyingKey::from_jwk(jwk, &ImportOptions::new())?;
    /// assert_eq!(key.algorithm(), Algorithm::EdDsa);
    /// assert_eq!(key.id().as_str(), "k1");
    /// # Ok::<(), tokenwright::key::KeyError>(())
    /// ```
    ///
    /// # Errors
    /// [`KeyErrorKind::PrivateKeyGiven`] for a private or shared key; every kind that
    /// names a member which is missing, malformed or at odds with another; and the
    /// kinds of a weak key.
    pub fn from_jwk(jwk: &[u8], options: &ImportOptions<'_>) -> Result<Self, KeyError> {
        let (algorithm, id, material) = read_public(&members_of(jwk)?, options)?;
        Self::from_material(algorithm, id, material)
    }

    /// Writes the public key as a JWK with `alg`, `use` and `kid`.
    ///
    /// # Errors
    /// [`KeyErrorKind::NoSuchForm`] for a shared secret, which is never published,
    /// and for a PASETO key, which is written as PASERK.
    pub fn to_jwk(&self) -> Result<String, KeyError> {
        let material = self.public_material().ok_or_else(|| {
            KeyError::explained(
                KeyErrorKind::NoSuchForm,
                "a shared secret has no public JWK",
            )
        })?;
        let mut out = Writer::start(self.algorithm(), self.id(), Paseto::Refused)?;
        out.public(&material);
        Ok(out.finish())
    }
}

impl SigningKey {
    /// Reads a private or shared key from a JWK. Its id is the `kid`, else its
    /// thumbprint (RFC 7638).
    ///
    /// # Errors
    /// [`KeyErrorKind::PublicKeyGiven`] for a public key; else as [`VerifyingKey::from_jwk`].
    pub fn from_jwk(jwk: &[u8], options: &ImportOptions<'_>) -> Result<Self, KeyError> {
        let members = members_of(jwk)?;
        let asked = options.asked_algorithm();
        let (algorithm, id, material) =
            read_secret(&members, asked, Operation::Sign, Paseto::Refused)?;
        Self::from_material(algorithm, id, material)
    }

    /// Writes the private or shared key as a JWK with `alg`, `use` and `kid`, not locked.
    ///
    /// # Errors
    /// [`KeyErrorKind::NoSuchForm`] for a PASETO key, which is written as PASERK.
    pub fn to_jwk(&self) -> Result<SecretBytes, KeyError> {
        self.write_jwk(Paseto::Refused)
    }

    pub(crate) fn write_jwk(&self, paseto: Paseto) -> Result<SecretBytes, KeyError> {
        let public = self.verifying_key().public_material();
        let mut out = Writer::start(self.algorithm(), self.id(), paseto)?;
        if let Some(public) = &public {
            out.public(public);
        }
        out.secret(&self.secret_material());
        Ok(out.finish().into_bytes().into())
    }
}

/// Whether a JWK may hold a `v4.local` secret: only inside a locked key of our own,
/// since PASETO's names are not registered for JOSE (RFC 7518 section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paseto {
    #[cfg_attr(
        not(feature = "aws-lc"),
        expect(dead_code, reason = "locked keys need aws-lc")
    )]
    Local,
    Refused,
}

/// Reads the members of a JWK that stands alone.
pub(crate) fn members_of(jwk: &[u8]) -> Result<Members<'_>, KeyError> {
    check_length(jwk.len())?;
    let mut members = Members::default();
    json::object(jwk, Bounds::TOKEN, |name, value| {
        members.take(name, value);
        Ok(())
    })
    .map_err(|error: json::JsonError| {
        KeyError::explained(
            KeyErrorKind::Malformed,
            format!("this is not a JWK: {error}"),
        )
    })?;
    Ok(members)
}

pub(crate) fn check_length(length: usize) -> Result<(), KeyError> {
    if length > MAX_JWK_BYTES {
        return Err(KeyError::explained(
            KeyErrorKind::TooLong,
            format!("a JWK is at most {MAX_JWK_BYTES} bytes long"),
        ));
    }
    Ok(())
}

/// Reads a public key; nothing about its numbers is vetted yet.
pub(crate) fn read_public(
    members: &Members<'_>,
    options: &ImportOptions<'_>,
) -> Result<(Algorithm, Option<KeyId>, PublicMaterial), KeyError> {
    let kind = KeyType::of(members)?;
    if let Some(name) = PRIVATE_MEMBERS.into_iter().find(|name| members.has(name)) {
        return Err(KeyError::explained(
            KeyErrorKind::PrivateKeyGiven,
            format!("the JWK has the private member \"{name}\" where a public key is expected"),
        ));
    }
    members.check_purpose(Operation::Verify)?;
    let named = named_algorithm(members, Paseto::Refused)?;
    let id = members.key_id()?;
    let material = match kind {
        KeyType::Okp => read_ed25519_point(members).map(PublicMaterial::Ed25519)?,
        KeyType::Ec => {
            let (curve, x, y) = read_ec_point(members)?;
            PublicMaterial::Ec { curve, x, y }
        }
        KeyType::Rsa => PublicMaterial::Rsa {
            n: members.number("n")?,
            e: members.number("e")?,
        },
        KeyType::Oct => return Err(members.missing("k")),
    };
    let algorithm = KeyKind::of_public(&material).settle(named, options.asked_algorithm())?;
    refuse_paseto(algorithm, Paseto::Refused)?;
    Ok((algorithm, id, material))
}

/// Reads a private or shared key; nothing about its numbers is vetted yet.
pub(crate) fn read_secret(
    members: &Members<'_>,
    asked: Option<Algorithm>,
    purpose: Operation,
    paseto: Paseto,
) -> Result<(Algorithm, Option<KeyId>, SecretMaterial), KeyError> {
    let kind = KeyType::of(members)?;
    if kind != KeyType::Oct && !members.has("d") {
        return Err(KeyError::explained(
            KeyErrorKind::PublicKeyGiven,
            "the JWK has no \"d\": a public key was given where a private key is expected",
        ));
    }
    members.check_purpose(purpose)?;
    let named = named_algorithm(members, paseto)?;
    let id = members.key_id()?;
    let material = match kind {
        KeyType::Okp => SecretMaterial::Ed25519 {
            public: Some(read_ed25519_point(members)?),
            seed: members.secret_of_length("d", 32)?,
        },
        KeyType::Ec => {
            let (curve, x, y) = read_ec_point(members)?;
            SecretMaterial::Ec {
                curve,
                scalar: members.secret_of_length("d", curve.field_bytes())?,
                public: Some((x, y)),
            }
        }
        KeyType::Rsa => SecretMaterial::Rsa(Box::new(read_rsa_secret(members)?)),
        KeyType::Oct => SecretMaterial::Symmetric(members.secret("k")?),
    };
    let algorithm = KeyKind::of_secret(&material).settle(named, asked)?;
    refuse_paseto(algorithm, paseto)?;
    Ok((algorithm, id, material))
}

/// The kinds of RFC 7518 section 6.1 and RFC 8037 section 2; names are case-sensitive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyType {
    Okp,
    Ec,
    Rsa,
    Oct,
}

impl KeyType {
    fn of(members: &Members<'_>) -> Result<Self, KeyError> {
        let name = members.text("kty")?.to_cow();
        match &*name {
            "OKP" => Ok(Self::Okp),
            "EC" => Ok(Self::Ec),
            "RSA" => Ok(Self::Rsa),
            "oct" => Ok(Self::Oct),
            other => Err(unsupported("kty", other)),
        }
    }
}

fn named_algorithm(members: &Members<'_>, paseto: Paseto) -> Result<Option<Algorithm>, KeyError> {
    if !members.has("alg") {
        return Ok(None);
    }
    let name = members.text("alg")?.to_cow();
    let algorithm: Algorithm = name.parse()?;
    refuse_paseto(algorithm, paseto)?;
    Ok(Some(algorithm))
}

fn refuse_paseto(algorithm: Algorithm, paseto: Paseto) -> Result<(), KeyError> {
    match (algorithm.format(), algorithm, paseto) {
        (Format::Jwt, _, _) | (_, Algorithm::V4Local, Paseto::Local) => Ok(()),
        (Format::Paseto, _, _) => Err(KeyError::explained(
            KeyErrorKind::NoSuchForm,
            format!("a key for {algorithm} has no JWK form: use PASERK"),
        )),
    }
}

fn read_ed25519_point(members: &Members<'_>) -> Result<[u8; 32], KeyError> {
    let curve = members.text("crv")?.to_cow();
    if curve != "Ed25519" {
        return Err(unsupported("crv", &curve));
    }
    let point = members.bytes_of_length("x", 32)?;
    point
        .as_slice()
        .try_into()
        .map_err(|_| members.missing("x"))
}

fn read_ec_point(members: &Members<'_>) -> Result<(Curve, Vec<u8>, Vec<u8>), KeyError> {
    let name = members.text("crv")?.to_cow();
    let curve = match &*name {
        "P-256" => Curve::P256,
        "P-384" => Curve::P384,
        "P-521" => Curve::P521,
        other => return Err(unsupported("crv", other)),
    };
    let x = members.bytes_of_length("x", curve.field_bytes())?;
    let y = members.bytes_of_length("y", curve.field_bytes())?;
    Ok((curve, x, y))
}

fn read_rsa_secret(members: &Members<'_>) -> Result<RsaSecret, KeyError> {
    if members.has("oth") {
        return Err(KeyError::explained(
            KeyErrorKind::MultiPrime,
            "an RSA key of more than two primes is not supported",
        ));
    }
    Ok(RsaSecret {
        n: members.number("n")?,
        e: members.number("e")?,
        d: members.secret_number("d")?,
        p: members.secret_number("p")?,
        q: members.secret_number("q")?,
        dp: members.secret_number("dp")?,
        dq: members.secret_number("dq")?,
        qi: members.secret_number("qi")?,
    })
}

fn unsupported(member: &str, value: &str) -> KeyError {
    KeyError::explained(
        KeyErrorKind::UnsupportedKeyType,
        format!(
            "the JWK's \"{member}\" is {}, which signs none of our tokens",
            crate::error::Quoted(value)
        ),
    )
}

/// Builds a JWK in one buffer that never grows, so that no copy of a secret stays behind.
struct Writer {
    text: String,
}

impl Writer {
    /// Room for an RSA key of 8192 bits with its id, all escaped: about 12 KiB.
    const CAPACITY: usize = 16 * 1024;

    fn start(algorithm: Algorithm, id: &KeyId, paseto: Paseto) -> Result<Self, KeyError> {
        refuse_paseto(algorithm, paseto)?;
        let mut out = Self {
            text: String::with_capacity(Self::CAPACITY),
        };
        out.text.push_str("{\"alg\":\"");
        out.text.push_str(algorithm.name());
        out.text.push_str("\",\"use\":\"sig\",\"kid\":");
        out.text
            .push_str(&serde_json::Value::from(id.as_str()).to_string());
        Ok(out)
    }

    fn public(&mut self, material: &PublicMaterial) {
        match material {
            PublicMaterial::Ed25519(point) => {
                self.words("kty", "OKP");
                self.words("crv", "Ed25519");
                self.bytes("x", point);
            }
            PublicMaterial::Ec { curve, x, y } => {
                self.words("kty", "EC");
                self.words("crv", curve.jose_name());
                self.bytes("x", x);
                self.bytes("y", y);
            }
            PublicMaterial::Rsa { n, e } => {
                self.words("kty", "RSA");
                self.bytes("n", n);
                self.bytes("e", e);
            }
        }
    }

    fn secret(&mut self, material: &SecretMaterial) {
        match material {
            SecretMaterial::Ed25519 { seed, .. } => self.bytes("d", seed.expose()),
            SecretMaterial::Ec { scalar, .. } => self.bytes("d", scalar.expose()),
            SecretMaterial::Rsa(key) => {
                self.bytes("d", key.d.expose());
                self.bytes("p", key.p.expose());
                self.bytes("q", key.q.expose());
                self.bytes("dp", key.dp.expose());
                self.bytes("dq", key.dq.expose());
                self.bytes("qi", key.qi.expose());
            }
            SecretMaterial::Symmetric(secret) => {
                self.words("kty", "oct");
                self.bytes("k", secret.expose());
            }
        }
    }

    fn words(&mut self, name: &str, plain: &str) {
        self.name(name);
        self.text.push_str(plain);
        self.text.push('"');
    }

    fn bytes(&mut self, name: &str, bytes: &[u8]) {
        self.name(name);
        crate::encoding::base64url::encode_to(bytes, &mut self.text);
        self.text.push('"');
    }

    fn name(&mut self, name: &str) {
        self.text.push_str(",\"");
        self.text.push_str(name);
        self.text.push_str("\":\"");
    }

    fn finish(mut self) -> String {
        self.text.push('}');
        self.text
    }
}

impl Curve {
    const fn jose_name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }
}

#[cfg(test)]
mod tests;
