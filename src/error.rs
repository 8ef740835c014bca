//! What every error of this crate shares: who must act, and text that is safe to print.

use std::fmt;

use crate::limits::MAX_KEY_ID_BYTES;
use crate::time::UnixTime;

/// Who must act on an error, and what an HTTP handler or a script is told.
///
/// Both numbers are total functions of the class, so that a library user, the
/// command line and a proxy all answer alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// The sender presented something that is not a token of ours: 401, exit 1.
    NotOurs,
    /// The token is authentic but not meant for this place: 401, exit 1.
    NotHere,
    /// The token is authentic but not valid at this time: 401, exit 3.
    NotNow,
    /// The token was withdrawn: 401, exit 4.
    Withdrawn,
    /// The token is good, and what was asked needs more than it permits: 403, exit 1.
    NotPermitted,
    /// The request does not say which of several tokens it means: 400, exit 1.
    Unclear,
    /// Keys or revocations are missing or too old to decide: 503, exit 5.
    CannotKnow,
    /// Files, permissions or configuration: 500, exit 6.
    Operator,
}

impl ErrorClass {
    /// The HTTP status code: 400, 401, 403, 500 or 503 (RFC 6750 section 3.1, RFC 9110 section 15).
    ///
    /// ```
    /// assert_eq!(tokenwright::ErrorClass::NotNow.http_status(), 401);
    /// ```
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::NotOurs | Self::NotHere | Self::NotNow | Self::Withdrawn => 401,
            Self::NotPermitted => 403,
            Self::Unclear => 400,
            Self::CannotKnow => 503,
            Self::Operator => 500,
        }
    }

    /// The exit code of the command line.
    ///
    /// ```
    /// assert_eq!(tokenwright::ErrorClass::Withdrawn.exit_code(), 4);
    /// ```
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::NotOurs | Self::NotHere | Self::NotPermitted | Self::Unclear => 1,
            Self::NotNow => 3,
            Self::Withdrawn => 4,
            Self::CannotKnow => 5,
            Self::Operator => 6,
        }
    }
}

/// Longest run of foreign text that a message repeats, in characters.
const QUOTE_LIMIT: usize = 64;

/// Foreign text made safe for a message: bounded, and every character that could
/// steer a terminal, forge a log line or reorder text is written as `\u{…}`.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for (position, character) in self.0.chars().enumerate() {
            if position == QUOTE_LIMIT {
                return f.write_str("…\"");
            }
            match character {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                _ if is_plain(character) => write!(f, "{character}")?,
                _ => write!(f, "{}", character.escape_unicode())?,
            }
        }
        f.write_str("\"")
    }
}

/// Foreign text that stands in a message without quotes, with the same characters
/// escaped. The caller has bounded it.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| {
            if is_plain(character) {
                write!(f, "{character}")
            } else {
                write!(f, "{}", character.escape_unicode())
            }
        })
    }
}

/// Whether a character only prints: not a control (C0, DEL, C1), not a line or
/// paragraph separator, not a bidirectional or zero-width mark, not a tag.
///
/// Everything else can steer a terminal, forge a line of a log or reorder text;
/// escape it before you show claims or key ids to anyone.
///
/// ```
/// assert!(tokenwright::is_plain('é'));
/// assert!(!tokenwright::is_plain('\u{1b}') && !tokenwright::is_plain('\u{202e}'));
/// ```
#[must_use]
#[inline]
pub fn is_plain(character: char) -> bool {
    if character.is_ascii() {
        return !character.is_ascii_control();
    }
    !(character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'))
}

/// Foreign text kept for a message, cut to a bound.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(MAX_KEY_ID_BYTES / 4).collect()
}

/// An instant in a message: RFC 3339, or its number where that has no way to write it.
pub(crate) struct At(pub(crate) UnixTime);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.to_rfc3339() {
            Some(text) => f.write_str(&text),
            None => write!(f, "@{}", self.0.seconds()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_cannot_steer_a_terminal_or_forge_a_line() {
        assert_eq!(Quoted("plain é 日").to_string(), "\"plain é 日\"");
        assert_eq!(
            Quoted("a\nb\u{1b}[31m").to_string(),
            "\"a\\u{a}b\\u{1b}[31m\""
        );
        assert_eq!(
            Quoted("\u{9b}\u{202e}\"").to_string(),
            "\"\\u{9b}\\u{202e}\\\"\""
        );
        assert_eq!(
            Quoted(&"x".repeat(100)).to_string(),
            format!("\"{}…\"", "x".repeat(64))
        );
    }
}
