//! The compact serialization of a JWS (RFC 7515 section 3.1) and its header.

use super::error::{Malformation, Part};
use crate::encoding::json::{self, Bounds, JsonError, Text, Value};
use crate::encoding::{base64url, write};

/// The three parts as they stand in the text.
pub(super) struct Compact<'t> {
    /// Header, dot, payload: what the signature covers.
    pub(super) signing_input: &'t str,
    pub(super) header: &'t str,
    pub(super) payload: &'t str,
    pub(super) signature: &'t str,
}

/// Splits at the dots.
pub(super) fn split(text: &str) -> Result<Compact<'_>, Malformation> {
    if text.starts_with('{') {
        return Err(Malformation::JsonSerialization);
    }
    if let Some((header, rest)) = text.split_once('.')
        && let Some((payload, signature)) = rest.rsplit_once('.')
        && !has_dot(payload)
        && let Some(signing_input) = text.get(..signed_length(header, payload))
    {
        return Ok(Compact {
            signing_input,
            header,
            payload,
            signature,
        });
    }
    Err(miscounted(text))
}

/// Header, dot, payload.
const fn signed_length(header: &str, payload: &str) -> usize {
    header.len().saturating_add(1).saturating_add(payload.len())
}

/// Whether a dot is among these bytes. All are looked at, which vector instructions do
/// faster than a search that could stop at one.
fn has_dot(text: &str) -> bool {
    text.bytes()
        .fold(false, |found, byte| found | (byte == b'.'))
}

/// How many parts a text has that has not three of them.
#[cold]
fn miscounted(text: &str) -> Malformation {
    Malformation::Parts {
        found: text.splitn(6, '.').count(),
    }
}

/// What the header says. It is compared with what the key already is, never obeyed.
#[derive(Clone, Copy)]
pub(crate) struct JoseHeader<'s> {
    pub(crate) algorithm: Text<'s>,
    pub(crate) key_id: Option<Text<'s>>,
    pub(crate) token_type: Option<Text<'s>>,
    /// `crit`, `b64` or `zip` is there: extensions we do not implement change what
    /// the token means, so their presence alone is a refusal (RFC 7515 section
    /// 4.1.11, RFC 7797 section 7, RFC 8725 section 3.6).
    pub(crate) extension: Option<&'static str>,
}

/// Reads a decoded header: a strict JSON object whose known members have the right types.
/// `jwk`, `jku`, `x5c` and `x5u` are members like any other unknown one: ignored.
pub(super) fn read_header(bytes: &[u8]) -> Result<JoseHeader<'_>, Malformation> {
    let (mut algorithm, mut key_id, mut token_type, mut extension) = (None, None, None, None);
    json::object(bytes, Bounds::TOKEN, |name: Text<'_>, value: Value<'_>| {
        match &*name.to_cow() {
            "alg" => algorithm = Some(string(value, "alg")?),
            "kid" => key_id = Some(string(value, "kid")?),
            "typ" => token_type = Some(string(value, "typ")?),
            "crit" => extension = Some("crit"),
            "b64" => extension = extension.or(Some("b64")),
            "zip" => extension = extension.or(Some("zip")),
            _ => {}
        }
        Ok::<(), HeaderError>(())
    })
    .map_err(HeaderError::into_malformation)?;
    let algorithm = algorithm.ok_or(missing("alg"))?;
    Ok(JoseHeader {
        algorithm,
        key_id,
        token_type,
        extension,
    })
}

/// Writes the header of our own tokens, already in base64url.
/// The member order is fixed, so that equal keys make equal headers.
pub(crate) fn write_header(algorithm: &str, token_type: &str, key_id: &str) -> String {
    let mut json = String::with_capacity(64);
    json.push_str("{\"alg\":");
    write::write_string(algorithm, &mut json);
    json.push_str(",\"typ\":");
    write::write_string(token_type, &mut json);
    json.push_str(",\"kid\":");
    write::write_string(key_id, &mut json);
    json.push('}');
    base64url::encode(json.as_bytes())
}

/// Media types compare without regard to case, and one without a slash stands for
/// `application/` before it (RFC 7515 section 4.1.9, RFC 8725 section 3.11).
pub(crate) fn same_media_type(expected: &str, found: &str) -> bool {
    fn bare(name: &str) -> &str {
        match name.split_at_checked("application/".len()) {
            Some((prefix, rest))
                if prefix.eq_ignore_ascii_case("application/") && !rest.contains('/') =>
            {
                rest
            }
            _ => name,
        }
    }
    bare(expected).eq_ignore_ascii_case(bare(found))
}

enum HeaderError {
    Json(JsonError),
    Member(&'static str),
}

impl From<JsonError> for HeaderError {
    fn from(error: JsonError) -> Self {
        Self::Json(error)
    }
}

impl HeaderError {
    fn into_malformation(self) -> Malformation {
        match self {
            Self::Json(error) => Malformation::Json(Part::Header, error),
            Self::Member(name) => missing(name),
        }
    }
}

fn missing(name: &'static str) -> Malformation {
    Malformation::Member {
        part: Part::Header,
        name,
        expected: "a string",
    }
}

fn string<'s>(value: Value<'s>, name: &'static str) -> Result<Text<'s>, HeaderError> {
    match value {
        Value::String(text) => Ok(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(HeaderError::Member(name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compact_jws_has_exactly_three_parts() {
        for (text, found) in [
            ("", 1),
            ("a", 1),
            ("a.b", 2),
            ("a.b.c.d", 4),
            ("a.b.c.d.e", 5),
            ("a.b.c.d.e.f", 6),
        ] {
            assert_eq!(
                split(text).err(),
                Some(Malformation::Parts { found }),
                "{text}"
            );
        }
        let million_dots = ".".repeat(1_000_000);
        assert_eq!(
            split(&million_dots).err(),
            Some(Malformation::Parts { found: 6 })
        );
        let parts = split("h.p.s").unwrap();
        assert_eq!(
            (
                parts.signing_input,
                parts.header,
                parts.payload,
                parts.signature
            ),
            ("h.p", "h", "p", "s")
        );
    }

    #[test]
    fn the_header_needs_an_algorithm_and_strings() {
        for (header, name) in [
            ("{}", "alg"),
            (r#"{"alg":null}"#, "alg"),
            (r#"{"alg":["none"]}"#, "alg"),
            (r#"{"alg":"ES256","kid":1}"#, "kid"),
            (r#"{"alg":"ES256","typ":["JWT"]}"#, "typ"),
        ] {
            assert_eq!(
                read_header(header.as_bytes()).err(),
                Some(missing(name)),
                "{header}"
            );
        }
    }

    #[test]
    fn extensions_are_noticed_whatever_their_value() {
        for (header, expected) in [
            (r#"{"alg":"a"}"#, None),
            (r#"{"alg":"a","crit":[]}"#, Some("crit")),
            (r#"{"alg":"a","b64":true}"#, Some("b64")),
            (r#"{"alg":"a","zip":"DEF"}"#, Some("zip")),
            (r#"{"alg":"a","\u0063rit":null}"#, Some("crit")),
        ] {
            assert_eq!(
                read_header(header.as_bytes()).unwrap().extension,
                expected,
                "{header}"
            );
        }
    }

    #[test]
    fn our_own_header_is_read_back() {
        let text = write_header("EdDSA", "JWT", "a\"b");
        let bytes = base64url::decode(text.as_bytes()).unwrap();
        let header = read_header(&bytes).unwrap();
        assert!(header.algorithm.is("EdDSA"));
        assert!(header.key_id.unwrap().is("a\"b"));
        assert!(header.token_type.unwrap().is("JWT"));
    }
}
