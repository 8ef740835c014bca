//! Sealing: joining payload and signature, in the form of the key's format.

use super::error::KeyError;
use super::signing::SigningKey;
use crate::encoding::{base64url, write};
use crate::token::{PUBLIC_HEADER, PreAuthentication, pre_authentication_pieces, write_header};

impl SigningKey {
    /// The JOSE header of this key's JWSs of one type, already in base64url.
    pub(crate) fn jose_header(&self, token_type: &str) -> String {
        write_header(self.algorithm().name(), token_type, self.id().as_str())
    }

    /// The footer of this key's PASETOs: its id.
    pub(crate) fn paseto_footer(&self) -> String {
        let mut footer = String::from("{\"kid\":");
        write::write_string(self.id().as_str(), &mut footer);
        footer.push('}');
        footer
    }

    /// A compact JWS (RFC 7515 section 3.1) with a header from [`jose_header`](Self::jose_header).
    pub(crate) fn seal_jws(&self, header: &str, payload: &[u8]) -> Result<String, KeyError> {
        let mut token =
            String::with_capacity(header.len().saturating_add(payload.len().saturating_mul(2)));
        token.push_str(header);
        token.push('.');
        base64url::encode_public_to(payload, &mut token);
        let mut signature = Vec::new();
        self.sign(&[token.as_bytes()], &mut signature)?;
        token.push('.');
        base64url::encode_public_to(&signature, &mut token);
        Ok(token)
    }

    /// A PASETO, v4.public or v4.local as the key is. The engine of v4.local opens
    /// text only, so its payload must be UTF-8 and not empty; the caller sees to that.
    pub(crate) fn seal_paseto(
        &self,
        payload: &[u8],
        footer: &[u8],
        assertion: &[u8],
    ) -> Result<String, KeyError> {
        if self.algorithm().is_symmetric() {
            return self.seal_local(payload, footer, assertion);
        }
        let pieces = [PUBLIC_HEADER.as_bytes(), payload, footer, assertion];
        let encoding = PreAuthentication::of(pieces);
        let mut message = payload.to_vec();
        self.sign(&pre_authentication_pieces(&encoding, pieces), &mut message)?;
        let mut token = String::from(PUBLIC_HEADER);
        base64url::encode_public_to(&message, &mut token);
        if !footer.is_empty() {
            token.push('.');
            base64url::encode_to(footer, &mut token);
        }
        Ok(token)
    }
}
