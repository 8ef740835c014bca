//! Foreign text made safe to print.
//!
//! Claims, key ids and file names are a stranger's text. A terminal obeys some
//! characters instead of showing them (C0, DEL, C1), and others hide or reorder
//! what stands beside them (bidirectional and zero-width marks), so neither kind
//! ever leaves this program as itself, whether or not a terminal is there.

use std::fmt::{self, Write as _};

use tokenwright::is_plain;

/// Longest foreign text that a sentence repeats, in characters.
const LIMIT: usize = 120;

/// Foreign text inside a sentence: escaped as `\u{…}`, cut at 120 characters with `…`.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, character) in self.0.chars().enumerate() {
            if position == LIMIT {
                return f.write_char('…');
            }
            write_escaped(f, character)?;
        }
        Ok(())
    }
}

/// The same without a bound, and with line feeds kept: for our own sentences that hold foreign parts.
pub(crate) struct EscapedLines<'a>(pub(crate) &'a str);

impl fmt::Display for EscapedLines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        loop {
            let (head, tail) = split(rest, is_shown);
            f.write_str(head)?;
            match pop(tail) {
                None => return Ok(()),
                Some(('\n', _)) => f.write_char('\n')?,
                Some((character, _)) => write_escaped(f, character)?,
            }
            rest = pop(tail).map_or("", |(_, rest)| rest);
        }
    }
}

/// Whether a byte is a character that a terminal shows as it is.
const fn is_shown(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// Splits after the first bytes that pass, all of which must be ASCII: whole runs are
/// copied at once, since almost everything is plain.
fn split(text: &str, passes: impl Fn(u8) -> bool) -> (&str, &str) {
    let end = text.bytes().position(|byte| !passes(byte));
    text.split_at_checked(end.unwrap_or(text.len()))
        .unwrap_or(("", text))
}

/// The first character and what follows it.
fn pop(text: &str) -> Option<(char, &str)> {
    let mut characters = text.chars();
    let first = characters.next()?;
    Some((first, characters.as_str()))
}

fn write_escaped(f: &mut fmt::Formatter<'_>, character: char) -> fmt::Result {
    if is_plain(character) {
        f.write_char(character)
    } else {
        write!(f, "{}", character.escape_unicode())
    }
}

/// A JSON text on one line: space between its parts is dropped, and inside strings
/// every character that is not plain becomes `\uXXXX` (RFC 8259 section 7), which
/// leaves the meaning as it was. The text must be valid JSON already.
pub(crate) fn one_line_json(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let mut in_string = false;
    let mut after_backslash = false;
    let mut rest = text;
    loop {
        // Characters that neither begin nor end anything, nor need to be escaped.
        let ordinary = |byte: u8| {
            is_shown(byte) && byte != b'"' && byte != b'\\' && (in_string || byte != b' ')
        };
        let (head, tail) = split(rest, ordinary);
        if !head.is_empty() {
            line.push_str(head);
            after_backslash = false;
        }
        let Some((character, after)) = pop(tail) else {
            return line;
        };
        rest = after;
        if !in_string && character.is_ascii_whitespace() {
            continue;
        }
        match character {
            '"' if !after_backslash => in_string = !in_string,
            _ => {}
        }
        after_backslash = in_string && character == '\\' && !after_backslash;
        push_json(&mut line, character);
    }
}

/// A JSON string, quotes included, with the same care as [`one_line_json`].
pub(crate) fn json_string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len().saturating_add(2));
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            _ => push_json(&mut quoted, character),
        }
    }
    quoted.push('"');
    quoted
}

fn push_json(text: &mut String, character: char) {
    if is_plain(character) {
        text.push(character);
        return;
    }
    let mut units = [0_u16; 2];
    for unit in character.encode_utf16(&mut units) {
        text.push_str(&format!("\\u{unit:04x}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forbidden(character: char) -> bool {
        (character.is_control() && character != '\n')
            || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
                | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2028}' | '\u{2029}')
    }

    #[test]
    fn no_scalar_reaches_the_terminal_as_a_command() {
        let scalars: Vec<char> = ('\0'..=char::MAX).collect();
        assert_eq!(scalars.len(), 1_112_064);
        for chunk in scalars.chunks(100) {
            let text: String = chunk.iter().collect();
            let escaped = Escaped(&text).to_string();
            assert!(!escaped.chars().any(|c| forbidden(c) || c == '\n'));
            assert!(!EscapedLines(&text).to_string().chars().any(forbidden));
            let json = json_string(&text);
            assert!(!json.chars().any(|c| forbidden(c) || c == '\n'));
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }

    #[test]
    fn json_keeps_its_meaning_on_one_line() {
        let text = "{ \"a b\\\\\" : [ 1,\n 2 ], \"\\\"x \u{9b}\u{202e}\u{e0001}\": \"\\\\\" }";
        let line = one_line_json(text);
        assert_eq!(
            line,
            "{\"a b\\\\\":[1,2],\"\\\"x \\u009b\\u202e\\udb40\\udc01\":\"\\\\\"}"
        );
        let before: serde_json::Value = serde_json::from_str(text).unwrap();
        let after: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(before, after);
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        let long = "x".repeat(500);
        assert_eq!(Escaped(&long).to_string(), format!("{}…", "x".repeat(120)));
    }
}
