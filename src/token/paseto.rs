//! PASETO version 4: `v4.public.MESSAGE[.FOOTER]` and `v4.local.MESSAGE[.FOOTER]`.

use super::error::{Malformation, Part};
use crate::encoding::json::{self, Bounds, JsonError, Text, Value};

/// The first piece of what a v4.public signature covers.
pub(crate) const PUBLIC_HEADER: &str = "v4.public.";
pub(crate) const LOCAL_HEADER: &str = "v4.local.";

/// Which of the two purposes a token has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    Public,
    Local,
}

/// The parts as they stand in the text.
pub(super) struct Parts<'t> {
    pub(super) purpose: Purpose,
    pub(super) message: &'t str,
    pub(super) footer: &'t str,
}

/// Whether a text claims to be a PASETO: `v`, a digit, a dot. No JWT starts so,
/// because no base64url of a JSON object does.
pub(super) fn looks_like_paseto(text: &str) -> bool {
    matches!(text.as_bytes(), [b'v' | b'V', b'0'..=b'9', b'.', ..])
}

/// Splits at the dots after the header. Version and purpose are lower-case only.
pub(super) fn split(text: &str) -> Result<Parts<'_>, Malformation> {
    let (purpose, rest) = if let Some(rest) = text.strip_prefix(PUBLIC_HEADER) {
        (Purpose::Public, rest)
    } else if let Some(rest) = text.strip_prefix(LOCAL_HEADER) {
        (Purpose::Local, rest)
    } else {
        return Err(Malformation::Version);
    };
    let (message, footer) = match rest.split_once('.') {
        // A dot without a footer behind it would be a second spelling of the same token.
        Some((_, "")) => return Err(Malformation::PasetoParts),
        Some((message, footer)) => (message, footer),
        None => (rest, ""),
    };
    if footer.contains('.') {
        return Err(Malformation::PasetoParts);
    }
    Ok(Parts {
        purpose,
        message,
        footer,
    })
}

/// The key id in a decoded footer. A footer is free text; one that starts like a
/// JSON object must be one, strictly, and its `kid` must be a string.
pub(super) fn footer_key_id(footer: &[u8]) -> Result<Option<Text<'_>>, Malformation> {
    if !footer.starts_with(b"{") {
        return Ok(None);
    }
    let mut key_id = None;
    json::object(footer, Bounds::TOKEN, |name: Text<'_>, value: Value<'_>| {
        if name.is("kid") {
            match value {
                Value::String(text) => key_id = Some(text),
                Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::Array(_)
                | Value::Object(_) => {
                    return Err(FooterError::KeyId);
                }
            }
        }
        Ok(())
    })
    .map_err(|error| match error {
        FooterError::Json(error) => Malformation::Json(Part::Footer, error),
        FooterError::KeyId => Malformation::Member {
            part: Part::Footer,
            name: "kid",
            expected: "a string",
        },
    })?;
    Ok(key_id)
}

enum FooterError {
    Json(JsonError),
    KeyId,
}

impl From<JsonError> for FooterError {
    fn from(error: JsonError) -> Self {
        Self::Json(error)
    }
}

/// Pre-authentication encoding (PASETO "Common implementation details"): the
/// count of pieces, then each piece's length before it, as little-endian 64-bit
/// numbers. Lengths and pieces come back interleaved, so nothing is copied.
pub(crate) struct PreAuthentication {
    count: [u8; 8],
    lengths: [[u8; 8]; 4],
}

impl PreAuthentication {
    /// Measures header, message, footer and implicit assertion.
    pub(crate) fn of(pieces: [&[u8]; 4]) -> Self {
        Self {
            count: le64(4),
            lengths: pieces.map(|piece| le64(piece.len())),
        }
    }
}

/// The nine slices whose concatenation is signed.
pub(crate) fn pre_authentication_pieces<'p>(
    encoding: &'p PreAuthentication,
    pieces: [&'p [u8]; 4],
) -> [&'p [u8]; 9] {
    let [header, message, footer, assertion] = pieces;
    let [of_header, of_message, of_footer, of_assertion] = &encoding.lengths;
    [
        &encoding.count,
        of_header,
        header,
        of_message,
        message,
        of_footer,
        footer,
        of_assertion,
        assertion,
    ]
}

fn le64(length: usize) -> [u8; 8] {
    // The specification clears the top bit, for languages without unsigned numbers.
    (u64::try_from(length).unwrap_or(u64::MAX) & (u64::MAX >> 1)).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_and_purpose_are_exact() {
        for text in [
            "v3.public.x",
            "v4.Public.x",
            "V4.public.x",
            "v4.seal.x",
            "v4.",
            "v2.local.x",
        ] {
            assert!(looks_like_paseto(text), "{text}");
            assert_eq!(split(text).err(), Some(Malformation::Version), "{text}");
        }
        assert!(!looks_like_paseto("eyJ.a.b"));
    }

    #[test]
    fn a_paseto_has_a_message_and_at_most_one_footer() {
        let parts = split("v4.public.abc").unwrap();
        assert_eq!(
            (parts.purpose, parts.message, parts.footer),
            (Purpose::Public, "abc", "")
        );
        let parts = split("v4.local.abc.def").unwrap();
        assert_eq!(
            (parts.purpose, parts.message, parts.footer),
            (Purpose::Local, "abc", "def")
        );
        for text in [
            "v4.public.abc.",
            "v4.public.abc.def.",
            "v4.public.abc.def.ghi",
        ] {
            assert_eq!(split(text).err(), Some(Malformation::PasetoParts), "{text}");
        }
    }

    #[test]
    fn pre_authentication_encoding_matches_the_published_example() {
        // Published examples encode the empty piece as eight zero bytes and "test" after its length.
        let pieces: [&[u8]; 4] = [b"test", b"", b"", b""];
        let encoding = PreAuthentication::of(pieces);
        let joined = pre_authentication_pieces(&encoding, pieces).concat();
        let mut expected = vec![4, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0];
        expected.extend_from_slice(b"test");
        expected.extend_from_slice(&[0; 24]);
        assert_eq!(joined, expected);
    }

    #[test]
    fn a_footer_names_a_key_only_as_strict_json() {
        assert!(footer_key_id(b"free text").unwrap().is_none());
        assert!(
            footer_key_id(br#"{"kid":"k4.pid.x"}"#)
                .unwrap()
                .unwrap()
                .is("k4.pid.x")
        );
        assert!(footer_key_id(br#"{"kid":1}"#).is_err());
        assert!(footer_key_id(br#"{"kid":"a","kid":"b"}"#).is_err());
    }
}
