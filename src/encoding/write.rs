//! Writing JSON text.

use std::fmt::Write as _;

/// Appends a JSON string (RFC 8259 section 7), quotes included.
///
/// Controls are escaped as the grammar demands, and DEL, C1 controls and the
/// Unicode line and bidirectional marks too, so that no token or key file can
/// steer the terminal it is shown on.
pub(crate) fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    loop {
        // Almost all text goes through as it is, and is asked for that in one go.
        let (head, tail) = rest.split_at_checked(plain(rest)).unwrap_or(("", rest));
        out.push_str(head);
        let Some(character) = tail.chars().next() else {
            break;
        };
        rest = tail.get(character.len_utf8()..).unwrap_or_default();
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            _ if crate::error::is_plain(character) => out.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // Writing to a `String` cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

/// How many bytes from the front are written as they are.
fn plain(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (blocks, _) = bytes.as_chunks::<16>();
    // A block at a time, without a branch for each byte: vector instructions.
    let all = |block: &&[u8; 16]| block.iter().fold(true, |all, byte| all & stays(*byte));
    let whole = blocks.iter().take_while(all).count().saturating_mul(16);
    let rest = bytes.get(whole..).unwrap_or_default();
    let more = rest.iter().take_while(|byte| stays(**byte)).count();
    whole.saturating_add(more)
}

/// Whether a byte is a character that is written as it is.
const fn stays(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_is_read_back_as_itself() {
        for character in (0..=0x10_ffff).filter_map(char::from_u32) {
            let text = format!("a{character}z");
            let mut json = String::new();
            write_string(&text, &mut json);
            assert_eq!(
                serde_json::from_str::<String>(&json).unwrap(),
                text,
                "U+{:04X}",
                u32::from(character)
            );
        }
    }
}
