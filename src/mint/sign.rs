//! Joining payload and signature, in the form of the key's format.

use super::error::{MintError, MintErrorKind};
use crate::encoding::base64url;
use crate::key::{Format, SigningKey};
use crate::limits::MAX_HEADER_BYTES;
use crate::token::{PUBLIC_HEADER, PreAuthentication, pre_authentication_pieces, write_header};

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
        Format::Jwt => sign_jws(key, &jose_header(key, "JOSE"), payload),
        Format::Paseto => sign_paseto(key, payload, footer, assertion),
    }
}

pub(super) fn jose_header(key: &SigningKey, token_type: &str) -> String {
    write_header(key.algorithm().name(), token_type, key.id().as_str())
}

pub(super) fn paseto_footer(key: &SigningKey) -> String {
    let mut footer = String::from("{\"kid\":");
    crate::encoding::write::write_string(key.id().as_str(), &mut footer);
    footer.push('}');
    footer
}

pub(super) fn sign_jws(
    key: &SigningKey,
    header: &str,
    payload: &[u8],
) -> Result<String, MintError> {
    let mut token =
        String::with_capacity(header.len().saturating_add(payload.len().saturating_mul(2)));
    token.push_str(header);
    token.push('.');
    base64url::encode_to(payload, &mut token);
    let mut signature = Vec::new();
    key.sign(&[token.as_bytes()], &mut signature)
        .map_err(MintError::key)?;
    token.push('.');
    base64url::encode_to(&signature, &mut token);
    Ok(token)
}

pub(super) fn sign_paseto(
    key: &SigningKey,
    payload: &[u8],
    footer: &[u8],
    assertion: &[u8],
) -> Result<String, MintError> {
    refuse_bad_footer(footer)?;
    if key.algorithm().is_symmetric() {
        // The engine opens text only: other bytes would make a token nobody can read.
        if payload.is_empty() || std::str::from_utf8(payload).is_err() {
            return Err(MintErrorKind::NotText.into());
        }
        return key
            .seal_local(payload, footer, assertion)
            .map_err(MintError::key);
    }
    let pieces = [PUBLIC_HEADER.as_bytes(), payload, footer, assertion];
    let encoding = PreAuthentication::of(pieces);
    let mut message = payload.to_vec();
    key.sign(&pre_authentication_pieces(&encoding, pieces), &mut message)
        .map_err(MintError::key)?;
    let mut token = String::from(PUBLIC_HEADER);
    base64url::encode_to(&message, &mut token);
    if !footer.is_empty() {
        token.push('.');
        base64url::encode_to(footer, &mut token);
    }
    Ok(token)
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
