//! One strict, bounded reader of JSON (RFC 8259).
//!
//! Beyond the grammar it refuses what readers disagree about, because two readers
//! of one token must not see two tokens: duplicate member names at any depth
//! (RFC 8725 section 2.4), halves of surrogate pairs, byte order marks, and
//! anything but UTF-8. Depth and the number of open members are bounded before
//! any work is done for them, and ordinary texts are read in one pass without a
//! heap allocation.

mod error;
mod members;
mod reader;
#[cfg(test)]
mod tests;
mod value;

pub use error::{JsonError, JsonErrorKind};
pub(crate) use value::{Array, Text, Value};

use crate::limits;
use reader::Reader;

/// How much nesting and how many members a text may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Deepest nesting of arrays and objects; at most 128 is honoured.
    pub(crate) depth: usize,
    /// Most members of objects that may be open at once, counted together.
    pub(crate) members: usize,
}

impl Bounds {
    /// What a token, a header or a key may have.
    pub(crate) const TOKEN: Self = Self {
        depth: limits::MAX_JSON_DEPTH,
        members: limits::MAX_JSON_MEMBERS,
    };
}

/// Checks that a text is JSON as this crate reads it: RFC 8259 in UTF-8, no member
/// named twice in one object at any depth, no halves of surrogate pairs, no byte
/// order mark, and within [`MAX_JSON_DEPTH`](crate::limits::MAX_JSON_DEPTH) and
/// [`MAX_JSON_MEMBERS`](crate::limits::MAX_JSON_MEMBERS).
///
/// Numbers are checked for their grammar only: `1e400` passes.
///
/// # Errors
/// The first thing that is wrong, and where it stands.
///
/// ```
/// use tokenwright::json::{self, JsonErrorKind};
/// assert!(json::check(br#"{"alg":"Ed25519","kid":"k1"}"#).is_ok());
/// // The second name is an escaped spelling of the first.
/// let twice = json::check(br#"{"alg":"none","\u0061lg":"Ed25519"}"#).unwrap_err();
/// assert_eq!(twice.kind(), JsonErrorKind::DuplicateMember);
/// assert_eq!(twice.offset(), 14);
/// ```
pub fn check(bytes: &[u8]) -> Result<(), JsonError> {
    validate(bytes, Bounds::TOKEN).map(|_| ())
}

/// Checks any JSON text and returns it as a string.
///
/// # Errors
/// The first thing that is wrong, and where it stands.
pub(crate) fn validate(bytes: &[u8], bounds: Bounds) -> Result<&str, JsonError> {
    let text = utf8(bytes)?;
    let mut reader = Reader::new(text, bounds);
    reader.skip_whitespace();
    reader.value()?;
    reader.end()?;
    Ok(text)
}

/// Checks a JSON text that must be an object, handing every top-level member to
/// `visit` in order as it is read. What was visited counts only if the whole call
/// succeeds.
///
/// # Errors
/// The first thing that is wrong with the text, or the visitor's own error.
pub(crate) fn object<'a, E: From<JsonError>>(
    bytes: &'a [u8],
    bounds: Bounds,
    visit: impl FnMut(Text<'a>, Value<'a>) -> Result<(), E>,
) -> Result<(), E> {
    let mut reader = Reader::new(utf8(bytes)?, bounds);
    reader.skip_whitespace();
    if reader.peek() != Some(b'{') {
        // A text that is no JSON at all is called that.
        reader.value()?;
        reader.end()?;
        return Err(E::from(JsonError::new(JsonErrorKind::NotAnObject, 0)));
    }
    reader.object(visit)?;
    reader.end()?;
    Ok(())
}

fn utf8(bytes: &[u8]) -> Result<&str, JsonError> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(JsonError::new(JsonErrorKind::ByteOrderMark, 0));
    }
    std::str::from_utf8(bytes)
        .map_err(|error| JsonError::new(JsonErrorKind::Utf8, error.valid_up_to()))
}
