//! What a payload, a footer and an assertion must be before a key signs them.

use super::error::{MintError, MintErrorKind};
use crate::key::{Format, SigningKey};
use crate::limits::MAX_HEADER_BYTES;

/// Signs a payload that is not claims: as a compact JWS (RFC 7515) or as a PASETO.
/// Footer and assertion belong to PASETO and must be empty for a JWS.
///
/// A JWS made here has the `typ` `JOSE`, so that no verifier of claims takes it
/// for a token unless told to. A PASETO has no type: a payload that reads as
/// claims *is* a token of this key. Sign what others may choose with a key of
/// its own, or under an assertion that your verifiers of claims do not use.
///
/// # Errors
/// [`MintErrorKind::NotPaseto`] for a footer or assertion with a JWS key,
/// [`MintErrorKind::NotText`] for a v4.local payload that is empty or not UTF-8,
/// and what the engine reports.
pub fn sign_raw(
    key: &SigningKey,
    payload: &[u8],
    footer: &[u8],
    assertion: &[u8],
) -> Result<String, MintError> {
    match key.algorithm().format() {
        Format::Jwt if !footer.is_empty() || !assertion.is_empty() => {
            Err(MintErrorKind::NotPaseto.into())
        }
        Format::Jwt => key
            .seal_jws(&key.jose_header("JOSE"), payload)
            .map_err(MintError::key),
        Format::Paseto => sign_paseto(key, payload, footer, assertion),
    }
}

pub(super) fn sign_paseto(
    key: &SigningKey,
    payload: &[u8],
    footer: &[u8],
    assertion: &[u8],
) -> Result<String, MintError> {
    refuse_bad_footer(footer)?;
    // The engine opens text only: other bytes would make a token nobody can read.
    if key.algorithm().is_symmetric()
        && (payload.is_empty() || std::str::from_utf8(payload).is_err())
    {
        return Err(MintErrorKind::NotText.into());
    }
    key.seal_paseto(payload, footer, assertion)
        .map_err(MintError::key)
}

/// A footer is readable by anyone, so key material in it is a leak that must not
/// be signed (PASETO, "Key-ID Support": only ids belong there).
fn refuse_bad_footer(footer: &[u8]) -> Result<(), MintError> {
    const SECRETS: [&[u8]; 3] = [b"k4.secret.", b"k4.local.", b"PRIVATE KEY"];
    let leaks = |secret: &&[u8]| footer.windows(secret.len()).any(|window| window == *secret);
    if SECRETS.iter().any(leaks) {
        return Err(MintErrorKind::SecretInFooter.into());
    }
    if footer.len() > MAX_HEADER_BYTES {
        return Err(MintErrorKind::FooterTooLong {
            found: footer.len(),
        }
        .into());
    }
    if footer.starts_with(b"{")
        && let Err(error) =
            crate::encoding::json::validate(footer, crate::encoding::json::Bounds::TOKEN)
    {
        return Err(MintErrorKind::BadFooter {
            reason: error.to_string(),
        }
        .into());
    }
    Ok(())
}
