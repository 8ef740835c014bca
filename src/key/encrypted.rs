//! Private keys locked with a passphrase: PKCS#8 `EncryptedPrivateKeyInfo`
//! (RFC 5958 section 3) under PBES2 (RFC 8018 section 6.2).

use pkcs8::der::asn1::OctetStringRef;
use pkcs8::der::{Decode as _, Encode as _};
use pkcs8::pkcs5::pbes2::{Kdf, Parameters, Pbkdf2Params, ScryptParams};
use pkcs8::pkcs5::{self, scrypt};
use pkcs8::{EncryptedPrivateKeyInfo, EncryptedPrivateKeyInfoRef};
use zeroize::Zeroizing;

use super::entropy::{Entropy as _, SystemEntropy};
use super::error::{KeyError, KeyErrorKind};
use crate::limits::{MAX_PBKDF2_ROUNDS, MAX_SCRYPT_BYTES, MAX_SCRYPT_WORK_BYTES};
use crate::secret::SecretBytes;

/// Cost of the keys we lock: N = 2^14, r = 8, p = 5, one of the equal choices of
/// the OWASP password storage guide. It takes 16 MiB; openssl refuses 32 and more.
const SCRYPT_LOG_N: u8 = 14;
const SCRYPT_BLOCK: u32 = 8;
const SCRYPT_LANES: u32 = 5;

/// Opens a locked key and returns its PKCS#8 bytes.
pub(crate) fn unlock(
    document: &[u8],
    passphrase: &SecretBytes,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let locked = EncryptedPrivateKeyInfoRef::from_der(document).map_err(|error| {
        KeyError::explained(
            KeyErrorKind::UnsupportedEncryption,
            format!("the lock of this private key is not understood: {error}"),
        )
    })?;
    let parameters = locked.encryption_algorithm.pbes2().ok_or_else(|| {
        KeyError::explained(
            KeyErrorKind::UnsupportedEncryption,
            "the key is locked with the broken PBES1; lock it again with PBES2",
        )
    })?;
    // The costs are the writer's choice, so they are judged before any work is done.
    check_cost(&parameters.kdf)?;
    let mut buffer = Zeroizing::new(locked.encrypted_data.as_bytes().to_vec());
    let length = parameters
        .decrypt_in_place(passphrase.expose(), &mut buffer)
        .map_err(refusal)?
        .len();
    buffer.truncate(length);
    Ok(buffer)
}

/// Locks PKCS#8 bytes with a passphrase: scrypt and AES-256-CBC, which
/// `openssl pkey` opens.
pub(crate) fn lock(document: &[u8], passphrase: &SecretBytes) -> Result<Vec<u8>, KeyError> {
    if passphrase.is_empty() {
        return Err(KeyError::explained(
            KeyErrorKind::PassphraseNeeded,
            "an empty passphrase locks nothing",
        ));
    }
    let mut salt = [0; 16];
    let mut vector = [0; 16];
    SystemEntropy.fill(&mut salt)?;
    SystemEntropy.fill(&mut vector)?;
    let cost = scrypt::Params::new(SCRYPT_LOG_N, SCRYPT_BLOCK, SCRYPT_LANES)
        .map_err(|_| refusal(pkcs5::Error::EncryptFailed))?;
    let parameters = Parameters::generate_scrypt_aes256cbc(cost, &salt, vector).map_err(refusal)?;
    let ciphertext = parameters
        .encrypt(passphrase.expose(), document)
        .map_err(refusal)?;
    EncryptedPrivateKeyInfo {
        encryption_algorithm: parameters.into(),
        encrypted_data: OctetStringRef::new(&ciphertext)
            .map_err(|_| refusal(pkcs5::Error::EncryptFailed))?,
    }
    .to_der()
    .map_err(|_| refusal(pkcs5::Error::EncryptFailed))
}

fn check_cost(kdf: &Kdf) -> Result<(), KeyError> {
    match kdf {
        Kdf::Pbkdf2(parameters) => check_pbkdf2(parameters),
        Kdf::Scrypt(parameters) => check_scrypt(parameters),
        _ => Err(refusal(pkcs5::Error::UnsupportedAlgorithm {
            oid: kdf.oid(),
        })),
    }
}

fn check_pbkdf2(parameters: &Pbkdf2Params) -> Result<(), KeyError> {
    let rounds = parameters.iteration_count;
    if rounds == 0 {
        return Err(refusal(kdf_invalid()));
    }
    if rounds > MAX_PBKDF2_ROUNDS {
        return Err(KeyError::explained(
            KeyErrorKind::TooCostly,
            format!(
                "the lock asks for {rounds} rounds of PBKDF2, at most {MAX_PBKDF2_ROUNDS} are done"
            ),
        ));
    }
    Ok(())
}

/// RFC 7914 section 2: memory is 128·N·r bytes, work is p times that.
fn check_scrypt(parameters: &ScryptParams) -> Result<(), KeyError> {
    let ScryptParams {
        cost_parameter,
        block_size,
        parallelization,
        ..
    } = *parameters;
    if cost_parameter < 2 || !cost_parameter.is_power_of_two() {
        return Err(refusal(kdf_invalid()));
    }
    if block_size == 0 || parallelization == 0 {
        return Err(refusal(kdf_invalid()));
    }
    let memory = cost_parameter
        .saturating_mul(128)
        .saturating_mul(block_size.into());
    let work = memory.saturating_mul(parallelization.into());
    if memory > MAX_SCRYPT_BYTES || work > MAX_SCRYPT_WORK_BYTES {
        return Err(KeyError::explained(
            KeyErrorKind::TooCostly,
            format!(
                "the lock asks for {memory} bytes of scrypt memory filled {parallelization} times, \
                 at most {MAX_SCRYPT_BYTES} and {MAX_SCRYPT_WORK_BYTES} bytes in all are used"
            ),
        ));
    }
    Ok(())
}

fn kdf_invalid() -> pkcs5::Error {
    pkcs5::Error::AlgorithmParametersInvalid {
        oid: pkcs5::pbes2::SCRYPT_OID,
    }
}

fn refusal(error: pkcs5::Error) -> KeyError {
    if error == pkcs5::Error::DecryptFailed {
        return wrong_passphrase();
    }
    if let pkcs5::Error::UnsupportedAlgorithm { oid } = error {
        return KeyError::explained(
            KeyErrorKind::UnsupportedEncryption,
            format!("the key is locked with the algorithm {oid}, which is not supported"),
        );
    }
    KeyError::explained(
        KeyErrorKind::Malformed,
        format!("the lock of this private key does not work: {error}"),
    )
}

/// CBC has no tag: a wrong passphrase shows as bad padding or as bytes that are no key.
pub(crate) fn wrong_passphrase() -> KeyError {
    KeyError::explained(
        KeyErrorKind::WrongPassphrase,
        "the passphrase does not open this key",
    )
}
