//! Keys as PEM text (RFC 7468, the strict grammar) around the DER documents.
//!
//! A PEM file names the kind of key and never a JWT algorithm; `ImportOptions`
//! carries it when the kind allows several.

use pem_rfc7468::LineEnding;
use zeroize::Zeroizing;

use super::der::{self, Shape};
use super::encrypted;
use super::error::{KeyError, KeyErrorKind};
use super::import::{ImportOptions, KeyKind};
use super::material::SecretMaterial;
use super::signing::SigningKey;
use super::verifying::VerifyingKey;
use crate::error::Quoted;
use crate::limits::MAX_PEM_BYTES;
use crate::secret::SecretBytes;

const SPKI: &str = "PUBLIC KEY";
const PKCS8: &str = "PRIVATE KEY";
const ENCRYPTED_PKCS8: &str = "ENCRYPTED PRIVATE KEY";

/// What each label must hold (RFC 7468 sections 10, 11, 13; the last three are OpenSSL's).
const LABELS: [(&str, Shape); 6] = [
    (SPKI, Shape::Spki),
    (PKCS8, Shape::Pkcs8),
    (ENCRYPTED_PKCS8, Shape::EncryptedPkcs8),
    ("EC PRIVATE KEY", Shape::Sec1),
    ("RSA PRIVATE KEY", Shape::Pkcs1Private),
    ("RSA PUBLIC KEY", Shape::Pkcs1Public),
];

impl SigningKey {
    /// Reads a private key from PEM text: `PRIVATE KEY`, `ENCRYPTED PRIVATE KEY`,
    /// `EC PRIVATE KEY` or `RSA PRIVATE KEY`. Its id becomes its thumbprint.
    ///
    /// ```
    /// use tokenwright::key::{Algorithm, ImportOptions, SigningKey};
    /// let pem = "-----BEGIN PRIVATE KEY-----\n\
    ///     MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
    ///     -----END PRIVATE KEY-----\n";
    /// let key = SigningKey::from_pem(pem.as_bytes(), &ImportOptions::new())?;
    /// assert_eq!(key.algorithm(), Algorithm::EdDsa);
    /// # Ok::<(), tokenwright::key::KeyError>(())
    /// ```
    ///
    /// # Errors
    /// Every [`KeyErrorKind`] of a text that is not one such key, of an algorithm
    /// that is missing or does not fit, of a passphrase, and of a weak key.
    pub fn from_pem(pem: &[u8], options: &ImportOptions<'_>) -> Result<Self, KeyError> {
        Self::from_der(&open_armour(pem)?, options)
    }

    /// Reads a private key from DER bytes: PKCS#8 (also locked), SEC1 or PKCS#1.
    ///
    /// # Errors
    /// As [`SigningKey::from_pem`]; bytes after the document are refused.
    pub fn from_der(document: &[u8], options: &ImportOptions<'_>) -> Result<Self, KeyError> {
        let (kind, material) = match Shape::of(document)? {
            Shape::EncryptedPkcs8 => unlock(document, options)?,
            Shape::Spki | Shape::Pkcs8 | Shape::Sec1 | Shape::Pkcs1Private | Shape::Pkcs1Public => {
                der::read_secret(document)?
            }
        };
        let algorithm = kind.settle(None, options.asked_algorithm())?;
        Self::from_material(algorithm, None, material)
    }

    /// Writes the private key as PKCS#8 PEM, not locked.
    ///
    /// # Errors
    /// [`KeyErrorKind::NoSuchForm`] for a shared secret.
    pub fn to_pem(&self) -> Result<SecretBytes, KeyError> {
        let document = der::write_pkcs8(&self.secret_material())?;
        Ok(armour(PKCS8, &document)?.into())
    }

    /// Writes the private key as PKCS#8 DER, not locked.
    ///
    /// # Errors
    /// [`KeyErrorKind::NoSuchForm`] for a shared secret.
    pub fn to_der(&self) -> Result<SecretBytes, KeyError> {
        Ok(der::write_pkcs8(&self.secret_material())?.into())
    }

    /// Writes the private key as PKCS#8 PEM locked with a passphrase (PBES2 with
    /// scrypt and AES-256-CBC), which `openssl pkey -in FILE` opens.
    ///
    /// # Errors
    /// [`KeyErrorKind::NoSuchForm`] for a shared secret: see `to_locked_jwk`;
    /// [`KeyErrorKind::PassphraseNeeded`] for an empty passphrase.
    pub fn to_encrypted_pem(&self, passphrase: &SecretBytes) -> Result<String, KeyError> {
        let document = self.to_encrypted_der(passphrase)?;
        pem_rfc7468::encode_string(ENCRYPTED_PKCS8, LineEnding::LF, &document).map_err(unwritable)
    }

    /// Writes the private key as encrypted PKCS#8 DER.
    ///
    /// # Errors
    /// As [`SigningKey::to_encrypted_pem`].
    pub fn to_encrypted_der(&self, passphrase: &SecretBytes) -> Result<Vec<u8>, KeyError> {
        encrypted::lock(&der::write_pkcs8(&self.secret_material())?, passphrase)
    }
}

impl VerifyingKey {
    /// Reads a public key from PEM text: `PUBLIC KEY` or `RSA PUBLIC KEY`.
    /// Its id becomes its thumbprint.
    ///
    /// # Errors
    /// [`KeyErrorKind::PrivateKeyGiven`] for a private key, and every kind of a text
    /// that is not one such key, of an algorithm that does not fit and of a weak key.
    pub fn from_pem(pem: &[u8], options: &ImportOptions<'_>) -> Result<Self, KeyError> {
        Self::from_der(&open_armour(pem)?, options)
    }

    /// Reads a public key from DER bytes: SPKI or PKCS#1.
    ///
    /// # Errors
    /// As [`VerifyingKey::from_pem`]; bytes after the document are refused.
    pub fn from_der(document: &[u8], options: &ImportOptions<'_>) -> Result<Self, KeyError> {
        let (kind, material) = der::read_public(document)?;
        let algorithm = kind.settle(None, options.asked_algorithm())?;
        Self::from_material(algorithm, None, material)
    }

    /// Writes the public key as SPKI PEM.
    ///
    /// # Errors
    /// [`KeyErrorKind::NoSuchForm`] for a shared secret.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        pem_rfc7468::encode_string(SPKI, LineEnding::LF, &self.to_der()?).map_err(unwritable)
    }

    /// Writes the public key as SPKI DER.
    ///
    /// # Errors
    /// [`KeyErrorKind::NoSuchForm`] for a shared secret.
    pub fn to_der(&self) -> Result<Vec<u8>, KeyError> {
        match self.public_material() {
            Some(material) => der::write_spki(&material),
            None => Err(KeyError::explained(
                KeyErrorKind::NoSuchForm,
                "a shared secret has no public form",
            )),
        }
    }
}

/// Opens a locked key. Bytes that decrypt to something else than a key come from a
/// wrong passphrase whose padding happened to fit (1 in 256).
fn unlock(
    document: &[u8],
    options: &ImportOptions<'_>,
) -> Result<(KeyKind, SecretMaterial), KeyError> {
    let opened = encrypted::unlock(document, options.need_passphrase()?)?;
    match Shape::of(&opened) {
        Ok(Shape::Pkcs8) => der::read_secret(&opened),
        _ => Err(encrypted::wrong_passphrase()),
    }
}

/// Returns the DER bytes of the one key in a PEM text.
fn open_armour(pem: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    if pem.len() > MAX_PEM_BYTES {
        return Err(KeyError::explained(
            KeyErrorKind::TooLong,
            format!("a PEM key is at most {MAX_PEM_BYTES} bytes long"),
        ));
    }
    let pem = without_parameters(pem);
    if !pem.starts_with(b"-----BEGIN ") {
        return Err(malformed(
            "a PEM key starts with \"-----BEGIN\", with nothing before it",
        ));
    }
    if pem.windows(11).filter(|at| at == b"-----BEGIN ").count() > 1 {
        return Err(malformed("the PEM text holds more than one block"));
    }
    let mut buffer = Zeroizing::new(vec![0; pem.len()]);
    let (label, document) = pem_rfc7468::decode(pem, &mut buffer).map_err(refusal)?;
    let length = document.len();
    let expected = shape_of_label(label)?;
    buffer.truncate(length);
    if Shape::of(&buffer)? == expected {
        return Ok(buffer);
    }
    Err(malformed(format!(
        "the PEM block {} holds something else than its label says",
        Quoted(label)
    )))
}

/// `openssl ecparam -genkey` writes the curve in a block of its own before the key,
/// where it stands a second time.
fn without_parameters(pem: &[u8]) -> &[u8] {
    const END: &[u8] = b"-----END EC PARAMETERS-----";
    if !pem.starts_with(b"-----BEGIN EC PARAMETERS-----") {
        return pem;
    }
    let Some(end) = pem.windows(END.len()).position(|at| at == END) else {
        return pem;
    };
    let rest = pem.get(end.saturating_add(END.len())..).unwrap_or_default();
    let rest = rest.strip_prefix(b"\r").unwrap_or(rest);
    rest.strip_prefix(b"\n").unwrap_or(rest)
}

fn shape_of_label(label: &str) -> Result<Shape, KeyError> {
    if let Some((_, shape)) = LABELS.into_iter().find(|(known, _)| *known == label) {
        return Ok(shape);
    }
    let hint = match label {
        "CERTIFICATE" => "; take the key out with \"openssl x509 -pubkey -noout\"",
        "OPENSSH PRIVATE KEY" => "; convert it with \"ssh-keygen -p -m PKCS8\"",
        _ => "",
    };
    Err(KeyError::explained(
        KeyErrorKind::UnsupportedKeyType,
        format!("a PEM block {} is no key of ours{hint}", Quoted(label)),
    ))
}

fn armour(label: &str, document: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let length = pem_rfc7468::encoded_len(label, LineEnding::LF, document).map_err(unwritable)?;
    let mut text = Zeroizing::new(vec![0; length]);
    let written = pem_rfc7468::encode(label, LineEnding::LF, document, &mut text)
        .map_err(unwritable)?
        .len();
    text.truncate(written);
    Ok(text)
}

fn refusal(error: pem_rfc7468::Error) -> KeyError {
    if error == pem_rfc7468::Error::HeaderDisallowed {
        return KeyError::explained(
            KeyErrorKind::UnsupportedEncryption,
            "the PEM block has headers, as the old PEM encryption writes them; \
             convert it with \"openssl pkcs8 -topk8\"",
        );
    }
    malformed(format!("the PEM text is not well-formed: {error}"))
}

fn malformed(detail: impl Into<String>) -> KeyError {
    KeyError::explained(KeyErrorKind::Malformed, detail)
}

fn unwritable(error: pem_rfc7468::Error) -> KeyError {
    KeyError::explained(
        KeyErrorKind::NoSuchForm,
        format!("the key cannot be written as PEM: {error}"),
    )
}

#[cfg(test)]
mod tests;
