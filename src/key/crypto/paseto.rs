//! PASETO v4.local (XChaCha20 and keyed BLAKE2b) and PASERK ids, from pasetors.
//!
//! v4.public needs nothing of this: it is Ed25519 over the pre-authentication encoding.

use pasetors::keys::{AsymmetricPublicKey, SymmetricKey};
use pasetors::paserk::{FormatAsPaserk as _, Id};
use pasetors::token::{Local, UntrustedToken};
use pasetors::version4::{LocalToken, V4};

use super::{BadSignature, engine_failed};
use crate::encoding::base64url;
use crate::key::error::{KeyError, KeyErrorKind};
use crate::secret::SecretBytes;

/// Whether this build has the engine.
pub(crate) const PRESENT: bool = true;

/// Bytes of a v4.local secret.
const SECRET_BYTES: usize = 32;

/// A v4.local secret, prepared once. Both copies are wiped when dropped.
pub(crate) struct LocalSecret {
    key: SymmetricKey<V4>,
    secret: SecretBytes,
}

impl LocalSecret {
    /// Takes a secret of 32 bytes.
    pub(crate) fn parse(secret: SecretBytes) -> Result<Self, KeyError> {
        let key = symmetric(&secret)?;
        Ok(Self { key, secret })
    }

    /// The secret itself.
    pub(crate) fn secret(&self) -> &SecretBytes {
        &self.secret
    }

    /// Encrypts and authenticates `payload` under a fresh random nonce: a whole
    /// token, its footer attached unless that is empty.
    pub(crate) fn seal(
        &self,
        payload: &[u8],
        footer: &[u8],
        implicit: &[u8],
    ) -> Result<String, KeyError> {
        LocalToken::encrypt(&self.key, payload, Some(footer), Some(implicit))
            .map_err(|_| engine_failed("seal a v4.local token"))
    }

    /// Opens a whole token, footer included, and puts the payload into `out`,
    /// replacing what was there. The footer must be exactly `footer`. The caller
    /// has bounded the token's length; time and memory grow with it alone.
    pub(crate) fn open(
        &self,
        token: &str,
        footer: &[u8],
        implicit: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), BadSignature> {
        out.clear();
        if !ends_with_footer(token, footer) {
            return Err(BadSignature);
        }
        let untrusted = UntrustedToken::<Local, V4>::try_from(token).map_err(|_| BadSignature)?;
        let opened = LocalToken::decrypt(&self.key, &untrusted, None, Some(implicit))
            .map_err(|_| BadSignature)?;
        out.extend_from_slice(opened.payload().as_bytes());
        Ok(())
    }
}

/// Whether the footer's text in the token is the one spelling of `footer`, and
/// absent when that is empty. The engine compares decoded bytes, reads "none
/// expected" as "any will do", and takes a final dot for an empty footer.
fn ends_with_footer(token: &str, footer: &[u8]) -> bool {
    let parts = token
        .strip_prefix(LocalToken::HEADER)
        .map(|rest| rest.split_once('.'));
    match parts {
        None => false,
        Some(None) => footer.is_empty(),
        Some(Some((_, text))) => !footer.is_empty() && text == base64url::encode(footer),
    }
}

/// The engine's form of a secret. It allocates once more; that copy is wiped too.
fn symmetric(secret: &SecretBytes) -> Result<SymmetricKey<V4>, KeyError> {
    SymmetricKey::<V4>::from(secret.expose()).map_err(|_| {
        KeyError::explained(
            KeyErrorKind::WrongLength,
            format!(
                "a v4.local secret has exactly {SECRET_BYTES} bytes, found {}; check that it was copied whole",
                secret.len()
            ),
        )
    })
}

/// The PASERK id (`k4.pid.…`) of an encoded public key.
pub(crate) fn public_id(bytes: &[u8; 32]) -> Result<String, KeyError> {
    let key =
        AsymmetricPublicKey::<V4>::from(bytes).map_err(|_| engine_failed("name a public key"))?;
    paserk_id(&Id::from(&key))
}

/// The PASERK id (`k4.lid.…`) of a v4.local secret.
///
/// The id is a hash of the secret's own PASERK text; the engine builds that text
/// in a buffer it does not wipe, which is the one copy we cannot reach.
pub(crate) fn local_id(secret: &SecretBytes) -> Result<String, KeyError> {
    paserk_id(&Id::from(&symmetric(secret)?))
}

fn paserk_id(id: &Id) -> Result<String, KeyError> {
    let mut text = String::new();
    id.fmt(&mut text)
        .map_err(|_| engine_failed("write a key id"))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PASETO test vectors 4-E-1, 4-E-7 and 4-E-9: body, footer, implicit assertion.
    const EXAMPLES: [(&str, &str, &str, &str); 3] = [
        (
            "v4.local.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAr68PS4AXe7If_ZgesdkUMvSwscFlAl1pk5HC0e8kApeaqMfGo_7OpBnwJOAbY9V7WU6abu74MmcUE8YWAiaArVI8XJ5hOb_4v9RmDkneN0S92dx0OW4pgy7omxgf3S8c3LlQg",
            "",
            "",
            r#"{"data":"this is a secret message","exp":"2022-01-01T00:00:00+00:00"}"#,
        ),
        (
            "v4.local.32VIErrEkmY4JVILovbmfPXKW9wT1OdQepjMTC_MOtjA4kiqw7_tcaOM5GNEcnTxl60WkwMsYXw6FSNb_UdJPXjpzm0KW9ojM5f4O2mRvE2IcweP-PRdoHjd5-RHCiExR1IK6t40KCCWLA7GYL9KFHzKlwY9_RnIfRrMQpueydLEAZGGcA.eyJraWQiOiJ6VmhNaVBCUDlmUmYyc25FY1Q3Z0ZUaW9lQTlDT2NOeTlEZmdMMVc2MGhhTiJ9",
            r#"{"kid":"zVhMiPBP9fRf2snEcT7gFTioeA9COcNy9DfgL1W60haN"}"#,
            r#"{"test-vector":"4-E-7"}"#,
            r#"{"data":"this is a secret message","exp":"2022-01-01T00:00:00+00:00"}"#,
        ),
        (
            "v4.local.32VIErrEkmY4JVILovbmfPXKW9wT1OdQepjMTC_MOtjA4kiqw7_tcaOM5GNEcnTxl60WiA8rd3wgFSNb_UdJPXjpzm0KW9ojM5f4O2mRvE2IcweP-PRdoHjd5-RHCiExR1IK6t6tybdlmnMwcDMw0YxA_gFSE_IUWl78aMtOepFYSWYfQA.YXJiaXRyYXJ5LXN0cmluZy10aGF0LWlzbid0LWpzb24",
            "arbitrary-string-that-isn't-json",
            r#"{"test-vector":"4-E-9"}"#,
            r#"{"data":"this is a hidden message","exp":"2022-01-01T00:00:00+00:00"}"#,
        ),
    ];

    fn key() -> LocalSecret {
        let bytes: Vec<u8> = (0x70..0x90).collect();
        LocalSecret::parse(SecretBytes::from(bytes)).expect("key")
    }

    fn opened(token: &str, footer: &str, implicit: &str) -> Result<String, BadSignature> {
        let mut out = b"old".to_vec();
        let result = key().open(token, footer.as_bytes(), implicit.as_bytes(), &mut out);
        if result.is_err() {
            assert_eq!(out, b"");
        }
        result.map(|()| String::from_utf8(out).expect("text"))
    }

    #[test]
    fn published_examples_open() {
        for (token, footer, implicit, payload) in EXAMPLES {
            assert_eq!(opened(token, footer, implicit).as_deref(), Ok(payload));
        }
    }

    #[test]
    fn another_footer_assertion_or_spelling_does_not_open() {
        for (token, footer, implicit, _) in EXAMPLES {
            for (other, wrong, assertion) in [
                (token, "x", implicit),
                (token, footer, "x"),
                (&format!("{token}."), footer, implicit),
                (&format!("{token}.eA"), footer, implicit),
                (&format!("{token}="), footer, implicit),
                (&format!("{token}\n"), footer, implicit),
                (&format!(" {token}"), footer, implicit),
                (&token.to_uppercase(), footer, implicit),
                (&token.replacen("v4", "v3", 1), footer, implicit),
                (&token.replacen("local", "public", 1), footer, implicit),
            ] {
                assert_eq!(
                    opened(other, wrong, assertion),
                    Err(BadSignature),
                    "{other}"
                );
            }
            if !footer.is_empty() {
                assert_eq!(opened(token, "", implicit), Err(BadSignature));
                let body = token.rsplit_once('.').expect("footer").0;
                assert_eq!(opened(body, footer, implicit), Err(BadSignature));
                assert_eq!(opened(body, "", implicit), Err(BadSignature));
            }
        }
    }

    /// Every other character in every place, the last of a segment included,
    /// whose unused bits must be zero.
    #[test]
    fn every_character_of_a_token_matters() {
        let (token, footer, implicit, _) = EXAMPLES[2];
        for place in 0..token.len() {
            for other in ["A", "B", "-", "_", ".", "=", "+"] {
                let mut changed = token.to_owned();
                changed.replace_range(place..=place, other);
                if changed != token {
                    assert_eq!(
                        opened(&changed, footer, implicit),
                        Err(BadSignature),
                        "{changed}"
                    );
                }
            }
            assert_eq!(opened(&token[..place], footer, implicit), Err(BadSignature));
        }
        let body = EXAMPLES[0].0;
        for last in ('A'..='Z').chain('a'..='z').chain('0'..='9') {
            let changed = format!("{}{last}", &body[..body.len() - 1]);
            assert_eq!(
                opened(&changed, "", "").is_ok(),
                changed == body,
                "{changed}"
            );
        }
    }

    #[test]
    fn what_was_sealed_opens_and_nonces_do_not_repeat() {
        let key = key();
        for (footer, implicit) in [("", ""), ("foot", ""), ("", "implied"), ("foot", "implied")] {
            let seal = || {
                key.seal(b"{}", footer.as_bytes(), implicit.as_bytes())
                    .expect("token")
            };
            let token = seal();
            assert_ne!(token, seal());
            assert_eq!(opened(&token, footer, implicit).as_deref(), Ok("{}"));
        }
    }

    #[test]
    fn tokens_without_room_for_nonce_tag_and_payload_do_not_open() {
        for length in 0..=64 {
            let token = format!("v4.local.{}", base64url::encode(&vec![0; length]));
            assert_eq!(opened(&token, "", ""), Err(BadSignature));
        }
    }

    #[test]
    fn secrets_of_another_length_are_refused() {
        let error = LocalSecret::parse(SecretBytes::from(vec![1; 31]))
            .err()
            .expect("refusal");
        assert_eq!(
            error.to_string(),
            "wrong_length: a v4.local secret has exactly 32 bytes, found 31; check that it was copied whole"
        );
    }
}
