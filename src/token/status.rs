//! The `status` claim that points into an IETF Token Status List
//! (draft-ietf-oauth-status-list-20, section 6.1 and 6.2).
//!
//! Applications have had claims called `status` for longer than the draft exists.
//! Only an object with a member `status_list` is the draft's; then it is held to the
//! draft, and anything else stays the application's own.

use std::borrow::Cow;
use std::fmt;

use super::borrowed::ClaimsError;
use crate::encoding::json::{Text, Value};

/// The name of the claim.
pub(crate) const STATUS: &str = "status";

/// Where a token's status stands: an index into the list at a URI.
///
/// ```
/// use tokenwright::{Claims, StatusClaim};
/// let claims = Claims::for_subject("alice")
///     .with_status(StatusClaim::new(412, "https://auth.example/statuslists/1"));
/// assert_eq!(claims.status().map(StatusClaim::index), Some(412));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct StatusClaim {
    index: u64,
    uri: Box<str>,
}

impl StatusClaim {
    /// Points to an index of the list at `uri`, an absolute URI (RFC 3986). A minter
    /// refuses any other text.
    #[must_use]
    pub fn new(index: u64, uri: impl Into<Box<str>>) -> Self {
        Self {
            index,
            uri: uri.into(),
        }
    }

    /// The place in the list, from 0: `idx`.
    #[doc(alias = "idx")]
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Where the list is: `uri`.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }
}

impl From<StatusRef<'_>> for StatusClaim {
    fn from(status: StatusRef<'_>) -> Self {
        Self::new(status.index(), status.uri())
    }
}

impl fmt::Debug for StatusClaim {
    /// Names no claim's value: an index is as good as a name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusClaim").finish_non_exhaustive()
    }
}

/// A [`StatusClaim`] that borrows from a token's payload.
#[derive(Clone, Copy)]
pub struct StatusRef<'s> {
    index: u64,
    uri: Text<'s>,
}

impl<'s> StatusRef<'s> {
    /// The place in the list, from 0: `idx`.
    #[doc(alias = "idx")]
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Where the list is: `uri`.
    #[must_use]
    pub fn uri(&self) -> Cow<'s, str> {
        self.uri.to_cow()
    }

    /// Whether the list is at exactly this URI; never allocates.
    #[must_use]
    pub fn uri_is(&self, uri: &str) -> bool {
        self.uri.is(uri)
    }

    /// The URI, if it is written without escapes.
    #[allow(dead_code, reason = "called where status lists are checked")]
    pub(crate) fn plain_uri(&self) -> Option<&'s str> {
        self.uri.plain()
    }
}

impl fmt::Debug for StatusRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusRef").finish_non_exhaustive()
    }
}

/// Whether the value of a claim `status` is the draft's.
pub(crate) fn is_status_list(value: Value<'_>) -> bool {
    status_list(value).is_some()
}

/// Reads the value of a claim `status`; `None` when it is the application's own.
pub(super) fn read_status(value: Value<'_>) -> Result<Option<StatusRef<'_>>, ClaimsError> {
    let Some(reference) = status_list(value) else {
        return Ok(None);
    };
    let wrong = |name, expected| ClaimsError::Type { name, expected };
    let Value::Object(reference) = reference else {
        return Err(wrong("status.status_list", "an object"));
    };
    let (mut index, mut uri) = (None, None);
    for (name, value) in reference.iter() {
        match &*name.to_cow() {
            "idx" => index = Some(value),
            "uri" => uri = Some(value),
            _ => {}
        }
    }
    let index = match index {
        Some(Value::Number(digits)) => read_index(digits),
        _ => None,
    };
    // 1.0 and 1e2 are integers to some readers and none to others: one spelling is accepted.
    let index = index.ok_or(wrong(
        "status.status_list.idx",
        "an integer of 0 or more, written in digits alone",
    ))?;
    match uri {
        Some(Value::String(uri)) if is_uri(&uri.to_cow()) => Ok(Some(StatusRef { index, uri })),
        _ => Err(wrong(
            "status.status_list.uri",
            "an absolute URI (RFC 3986)",
        )),
    }
}

fn status_list(value: Value<'_>) -> Option<Value<'_>> {
    let Value::Object(status) = value else {
        return None;
    };
    let found = status.iter().find(|(name, _)| name.is("status_list"));
    found.map(|(_, value)| value)
}

fn read_index(digits: &str) -> Option<u64> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

/// Whether a text has the form of an absolute URI: a scheme (RFC 3986 section 3.1),
/// a colon, and something behind it made of the characters a URI may have
/// (section 2), a percent sign only before two hexadecimal digits.
pub(crate) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let mut scheme = scheme.bytes();
    let begins = scheme
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic());
    let goes_on =
        scheme.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    if !begins || !goes_on || rest.is_empty() {
        return false;
    }
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    let escapes = |part: &str| {
        let digits = part.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    rest.bytes().all(allowed) && rest.split('%').skip(1).all(escapes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::{TimeForm, read_claims};

    type Read = Result<Option<(u64, String)>, ClaimsError>;

    fn read(status: &str) -> Read {
        let payload = format!("{{\"status\":{status}}}");
        let claims = read_claims(payload.as_bytes(), TimeForm::NumericDate, |_| {})?;
        Ok(claims
            .status()
            .map(|status| (status.index(), status.uri().into_owned())))
    }

    #[test]
    fn a_status_list_reference_is_read() {
        for (text, index) in [
            (
                r#"{"status_list":{"idx":0,"uri":"https://a.example/1"}}"#,
                0,
            ),
            (
                r#"{"other":1,"status_list":{"x":[],"uri":"https:\/\/a.example\/1","idx":18446744073709551615}}"#,
                u64::MAX,
            ),
        ] {
            let expected = Some((index, "https://a.example/1".to_owned()));
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn anything_without_a_member_status_list_is_the_applications_own() {
        for text in [
            "null",
            "\"active\"",
            "3",
            "[]",
            "{}",
            r#"{"idx":1,"uri":"https://a.example"}"#,
            r#"{"identifier_list":{"id":"a"}}"#,
        ] {
            assert_eq!(read(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn a_reference_that_is_not_the_drafts_is_an_error_and_never_absent() {
        let with =
            |idx: &str, uri: &str| format!(r#"{{"status_list":{{"idx":{idx},"uri":{uri}}}}}"#);
        let uri = "\"https://a.example/1\"";
        let mut texts = vec![
            r#"{"status_list":null}"#.to_owned(),
            r#"{"status_list":[]}"#.to_owned(),
            r#"{"status_list":{}}"#.to_owned(),
            r#"{"status_list":{"idx":1}}"#.to_owned(),
            format!(r#"{{"status_list":{{"uri":{uri}}}}}"#),
        ];
        for idx in [
            "-1",
            "-0",
            "1.0",
            "1e2",
            "\"3\"",
            "null",
            "true",
            "[1]",
            "{}",
            "18446744073709551616",
        ] {
            texts.push(with(idx, uri));
        }
        for uri in [
            "1",
            "null",
            "\"\"",
            "\"list\"",
            "\"//a.example\"",
            "\":x\"",
            "\"1https:x\"",
            "\"https:\"",
            "\"https://a b\"",
            "\"https://a\\n\"",
            "\"https://\u{e9}\"",
            "\"https://a/%4\"",
            "\"https://a/%zz\"",
            "[]",
        ] {
            texts.push(with("1", uri));
        }
        for text in texts {
            assert!(
                matches!(read(&text), Err(ClaimsError::Type { .. })),
                "{text}"
            );
        }
        assert!(read(&with("1", "\"urn:ietf:x%2F1\"")).is_ok());
    }
}
