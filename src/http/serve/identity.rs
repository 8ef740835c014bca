//! Who a verified token speaks of, as headers of the answer to a proxy.
//!
//! Every header is always there, and empty when the token does not say: a proxy that
//! copies it then replaces one of that name that a client made up.

use std::borrow::Cow;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::token::ClaimsRef;
use crate::verify::Verified;

/// Longest identity in all, in bytes: nginx reads answers of 4 KiB by default, with
/// all their headers, and fails on longer ones.
const MAX_IDENTITY_BYTES: usize = 3 * 1024;

/// `sub`, percent-encoded.
pub(super) const SUBJECT: HeaderName = HeaderName::from_static("x-auth-subject");
/// `iss`, percent-encoded.
pub(super) const ISSUER: HeaderName = HeaderName::from_static("x-auth-issuer");
/// The words of `aud`, each percent-encoded, with a space between two.
pub(super) const AUDIENCE: HeaderName = HeaderName::from_static("x-auth-audience");
/// The words of `scope`, likewise.
pub(super) const SCOPE: HeaderName = HeaderName::from_static("x-auth-scope");
/// `sid`, percent-encoded.
pub(super) const SESSION: HeaderName = HeaderName::from_static("x-auth-session");
/// `jti`, percent-encoded.
pub(super) const TOKEN_ID: HeaderName = HeaderName::from_static("x-auth-token-id");
/// `exp` in whole Unix seconds.
pub(super) const EXPIRES: HeaderName = HeaderName::from_static("x-auth-expires");
/// The id of the key that signed, percent-encoded.
pub(super) const KEY_ID: HeaderName = HeaderName::from_static("x-auth-key-id");

/// An identity that is too long for the headers of any proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Adds all identity headers.
pub(super) fn write(
    verified: &Verified<ClaimsRef<'_>>,
    headers: &mut HeaderMap,
) -> Result<(), TooLong> {
    let expires = verified.expires_at().map(|at| at.seconds().to_string());
    let scope = verified.scope().unwrap_or_default();
    let words = scope.split(' ').filter(|word| !word.is_empty());
    let one = |text: Option<Cow<'_, str>>| encoded(&text.unwrap_or_default());
    let mut length: usize = 0;
    for (name, value) in [
        (SUBJECT, one(verified.subject())),
        (ISSUER, one(verified.issuer())),
        (AUDIENCE, listed(verified.audience().iter())),
        (SCOPE, listed(words.map(Cow::Borrowed))),
        (SESSION, one(verified.session_id())),
        (TOKEN_ID, one(verified.token_id())),
        (EXPIRES, expires.unwrap_or_default()),
        (KEY_ID, encoded(verified.key_id().as_str())),
    ] {
        length = length.saturating_add(value.len());
        if length > MAX_IDENTITY_BYTES {
            return Err(TooLong);
        }
        let value = HeaderValue::try_from(value).map_err(|_| TooLong)?;
        headers.insert(name, value);
    }
    Ok(())
}

fn listed<'t>(words: impl Iterator<Item = Cow<'t, str>>) -> String {
    let mut text = String::new();
    for word in words {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&encoded(&word));
    }
    text
}

/// Visible ASCII stands for itself, but for `%` and the comma, which proxies put
/// between two headers of one name; every other byte of the UTF-8 is `%XX`. Undone by
/// any function that decodes percent-encoding (RFC 3986 section 2.1), not by one for
/// forms, since `+` stays.
fn encoded(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if matches!(byte, b'!'..=b'~') && !matches!(byte, b'%' | b',') {
            out.push(char::from(byte));
            continue;
        }
        out.push('%');
        for half in [byte >> 4, byte & 15] {
            out.extend(DIGITS.get(usize::from(half)).copied().map(char::from));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_claim_holds_is_one_header_value() {
        for (claim, header) in [
            ("alice", "alice"),
            ("a+b@example.org", "a+b@example.org"),
            ("100%", "100%25"),
            ("a b", "a%20b"),
            ("a,b", "a%2Cb"),
            ("x\r\nX-Auth-Subject: root", "x%0D%0AX-Auth-Subject:%20root"),
            ("é\0", "%C3%A9%00"),
            ("\u{202e}", "%E2%80%AE"),
            ("", ""),
        ] {
            assert_eq!(encoded(claim), header);
            assert!(HeaderValue::from_str(header).is_ok());
        }
    }

    #[test]
    fn words_of_a_list_keep_their_borders() {
        let words = ["orders:write", "a b", "é"].map(Cow::Borrowed);
        assert_eq!(listed(words.into_iter()), "orders:write a%20b %C3%A9");
    }
}
