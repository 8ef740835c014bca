//! Writing JSON text.

use std::fmt::Write as _;

/// Appends a JSON string (RFC 8259 section 7), quotes included.
///
/// Controls are escaped as the grammar demands, and DEL, C1 controls and the
/// Unicode line and bidirectional marks too, so that no token or key file can
/// steer the terminal it is shown on.
pub(crate) fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
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
