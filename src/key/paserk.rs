//! Keys as PASERK text, version 4: `k4.local`, `k4.secret`, `k4.public`, and the
//! ids `k4.lid`, `k4.sid`, `k4.pid` (paseto-standard/paserk).

use zeroize::Zeroizing;

use super::algorithm::{Algorithm, Format};
use super::crypto::blake::paserk_hash;
use super::error::{KeyError, KeyErrorKind};
use super::material::{PublicMaterial, SecretMaterial};
use super::signing::SigningKey;
use super::verifying::VerifyingKey;
use crate::encoding::base64url;
use crate::error::Quoted;
use crate::secret::SecretBytes;

/// Which kind of key a PASERK holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaserkType {
    /// `k4.local`: the 32 bytes of a v4.local secret; its id is a `k4.lid`.
    Local,
    /// `k4.secret`: an Ed25519 seed and its public key, 64 bytes; its id is a `k4.sid`.
    Secret,
    /// `k4.public`: an Ed25519 public key, 32 bytes; its id is a `k4.pid`.
    Public,
}

impl PaserkType {
    const ALL: [Self; 3] = [Self::Local, Self::Secret, Self::Public];

    /// The type with its version, as it stands before the key.
    const fn header(self) -> &'static str {
        match self {
            Self::Local => "k4.local.",
            Self::Secret => "k4.secret.",
            Self::Public => "k4.public.",
        }
    }

    const fn id_header(self) -> &'static str {
        match self {
            Self::Local => "k4.lid.",
            Self::Secret => "k4.sid.",
            Self::Public => "k4.pid.",
        }
    }

    const fn length(self) -> usize {
        match self {
            Self::Local | Self::Public => 32,
            Self::Secret => 64,
        }
    }
}

/// The text form of a PASETO key, alone: the bytes have the right length and are
/// not vetted until they become a [`SigningKey`] or a [`VerifyingKey`].
///
/// ```
/// use tokenwright::key::Paserk;
/// let key = Paserk::parse("k4.local.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")?;
/// assert_eq!(key.id(), "k4.lid.bqltbNc4JLUAmc9Xtpok-fBuI0dQN5_m3CD9W_nbh559");
/// # Ok::<(), tokenwright::key::KeyError>(())
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Paserk {
    kind: PaserkType,
    bytes: SecretBytes,
}

impl Paserk {
    /// Takes the bytes of a key.
    ///
    /// # Errors
    /// [`KeyErrorKind::Malformed`] when they are not as long as the type demands.
    pub fn new(kind: PaserkType, bytes: SecretBytes) -> Result<Self, KeyError> {
        if bytes.len() == kind.length() {
            return Ok(Self { kind, bytes });
        }
        Err(KeyError::explained(
            KeyErrorKind::Malformed,
            format!(
                "a {} key is {} bytes long, here it has {}",
                kind.header().trim_end_matches('.'),
                kind.length(),
                bytes.len()
            ),
        ))
    }

    /// Reads the text of a key; its one spelling only.
    ///
    /// # Errors
    /// [`KeyErrorKind::UnsupportedKeyType`] for another version or a wrapped key,
    /// [`KeyErrorKind::Malformed`] for text that is no PASERK.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let found = PaserkType::ALL
            .into_iter()
            .find_map(|kind| Some((kind, text.strip_prefix(kind.header())?)));
        let Some((kind, encoded)) = found else {
            return Err(not_ours(text));
        };
        let bytes = base64url::decode_secret(encoded.as_bytes()).map_err(|error| {
            KeyError::explained(
                KeyErrorKind::Malformed,
                format!("the PASERK after its header is {error}"),
            )
        })?;
        Self::new(kind, bytes)
    }

    /// Which kind of key it is.
    #[must_use]
    pub fn kind(&self) -> PaserkType {
        self.kind
    }

    /// The text. It is secret unless the type is [`PaserkType::Public`].
    #[must_use]
    pub fn to_text(&self) -> SecretBytes {
        self.text().into_bytes().into()
    }

    /// The public name of the key: a hash of its text, 51 characters.
    #[must_use]
    pub fn id(&self) -> String {
        let text = Zeroizing::new(self.text());
        let header = self.kind.id_header();
        let mut out = header.to_owned();
        base64url::encode_to(&paserk_hash(&[header, &text]), &mut out);
        out
    }

    fn text(&self) -> String {
        let mut text = String::with_capacity(128);
        text.push_str(self.kind.header());
        base64url::encode_to(self.bytes.expose(), &mut text);
        text
    }
}

/// Says the header back; it ends at the second dot, before anything secret.
fn not_ours(text: &str) -> KeyError {
    let mut parts = text.split('.');
    let is_paserk = |version: &str| matches!(version.as_bytes(), [b'k', b'1'..=b'9']);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(version), Some(kind), Some(_)) if is_paserk(version) => KeyError::explained(
            KeyErrorKind::UnsupportedKeyType,
            format!(
                "a PASERK {} is not supported: k4.local, k4.secret and k4.public are",
                Quoted(&format!("{version}.{kind}"))
            ),
        ),
        _ => KeyError::explained(
            KeyErrorKind::Malformed,
            "this is not a PASERK: it does not start with k4.local., k4.secret. or k4.public.",
        ),
    }
}

impl SigningKey {
    /// Reads a private key from `k4.secret` or a shared one from `k4.local`.
    /// Its id becomes its PASERK id.
    ///
    /// # Errors
    /// [`KeyErrorKind::PublicKeyGiven`] for `k4.public`, the kinds of [`Paserk::parse`],
    /// and the kinds of a weak key or of halves that do not belong together.
    pub fn from_paserk(text: &str) -> Result<Self, KeyError> {
        let Paserk { kind, bytes } = Paserk::parse(text)?;
        match kind {
            PaserkType::Local => {
                Self::from_material(Algorithm::V4Local, None, SecretMaterial::Symmetric(bytes))
            }
            PaserkType::Secret => {
                let (seed, public) = halves(&bytes)?;
                let public = Some(public);
                let material = SecretMaterial::Ed25519 { seed, public };
                Self::from_material(Algorithm::V4Public, None, material)
            }
            PaserkType::Public => Err(KeyError::explained(
                KeyErrorKind::PublicKeyGiven,
                "a k4.public was given where a private key is expected",
            )),
        }
    }

    /// Writes the key as `k4.secret` or `k4.local`, not locked.
    ///
    /// # Errors
    /// [`KeyErrorKind::NoSuchForm`] for a JWT key, which is written as a JWK or as PEM.
    pub fn to_paserk(&self) -> Result<SecretBytes, KeyError> {
        Ok(self.as_paserk()?.to_text())
    }

    /// The `k4.sid` or `k4.lid` of the key.
    ///
    /// # Errors
    /// [`KeyErrorKind::NoSuchForm`] for a JWT key.
    pub fn paserk_id(&self) -> Result<String, KeyError> {
        Ok(self.as_paserk()?.id())
    }

    fn as_paserk(&self) -> Result<Paserk, KeyError> {
        refuse_jwt(self.algorithm())?;
        match self.secret_material() {
            SecretMaterial::Symmetric(bytes) => Paserk::new(PaserkType::Local, bytes),
            SecretMaterial::Ed25519 { seed, .. } => {
                let public = self.verifying_key().as_paserk()?;
                let joined = [seed.expose(), public.bytes.expose()].concat();
                Paserk::new(PaserkType::Secret, joined.into())
            }
            SecretMaterial::Ec { .. } | SecretMaterial::Rsa(_) => Err(no_form(self.algorithm())),
        }
    }
}

impl VerifyingKey {
    /// Reads a public key from `k4.public`. Its id becomes its PASERK id.
    ///
    /// # Errors
    /// [`KeyErrorKind::PrivateKeyGiven`] for `k4.secret` and `k4.local`, the kinds of
    /// [`Paserk::parse`], and the kinds of a weak key.
    pub fn from_paserk(text: &str) -> Result<Self, KeyError> {
        let Paserk { kind, bytes } = Paserk::parse(text)?;
        match (kind, <[u8; 32]>::try_from(bytes.expose())) {
            (PaserkType::Public, Ok(point)) => {
                Self::from_material(Algorithm::V4Public, None, PublicMaterial::Ed25519(point))
            }
            _ => Err(KeyError::explained(
                KeyErrorKind::PrivateKeyGiven,
                format!(
                    "a {} was given where a public key is expected",
                    kind.header().trim_end_matches('.')
                ),
            )),
        }
    }

    /// Writes the public key as `k4.public`.
    ///
    /// # Errors
    /// [`KeyErrorKind::NoSuchForm`] for a JWT key and for a shared secret.
    pub fn to_paserk(&self) -> Result<String, KeyError> {
        Ok(self.as_paserk()?.text())
    }

    /// The `k4.pid` of the key.
    ///
    /// # Errors
    /// [`KeyErrorKind::NoSuchForm`] for a JWT key and for a shared secret.
    pub fn paserk_id(&self) -> Result<String, KeyError> {
        Ok(self.as_paserk()?.id())
    }

    fn as_paserk(&self) -> Result<Paserk, KeyError> {
        refuse_jwt(self.algorithm())?;
        match self.public_material() {
            Some(PublicMaterial::Ed25519(point)) => {
                Paserk::new(PaserkType::Public, point.to_vec().into())
            }
            _ => Err(KeyError::explained(
                KeyErrorKind::NoSuchForm,
                "a shared secret has no public form",
            )),
        }
    }
}

fn halves(bytes: &SecretBytes) -> Result<(SecretBytes, [u8; 32]), KeyError> {
    let split = bytes.expose().split_at_checked(32);
    let (seed, public) = split.unwrap_or_default();
    let public = public.try_into().map_err(|_| {
        KeyError::explained(KeyErrorKind::Malformed, "a k4.secret is 64 bytes long")
    })?;
    Ok((seed.to_vec().into(), public))
}

fn refuse_jwt(algorithm: Algorithm) -> Result<(), KeyError> {
    match algorithm.format() {
        Format::Paseto => Ok(()),
        Format::Jwt => Err(no_form(algorithm)),
    }
}

fn no_form(algorithm: Algorithm) -> KeyError {
    KeyError::explained(
        KeyErrorKind::NoSuchForm,
        format!("a key for {algorithm} has no PASERK form: use a JWK or PEM"),
    )
}

#[cfg(test)]
mod tests;
