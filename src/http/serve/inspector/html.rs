//! Text into HTML: what a stranger wrote can be nothing but text.

use std::fmt;

use crate::error::{At, is_plain};
use crate::time::UnixTime;
use crate::verify::Span;

/// Text for an element or a quoted attribute. Characters that reorder or hide others
/// are written out as `\u{…}`; line ends stay.
pub(super) struct Html<'t>(pub(super) &'t str);

impl fmt::Display for Html<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' => f.write_str("\n")?,
                _ if is_plain(character) => write!(f, "{character}")?,
                _ => write!(f, "{}", character.escape_unicode())?,
            }
        }
        Ok(())
    }
}

/// `<time>` of an instant, with how far it lies from now.
pub(super) struct Moment {
    pub(super) at: UnixTime,
    pub(super) now: UnixTime,
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = At(self.at).to_string();
        write!(
            f,
            "<time datetime=\"{text}\">{text}</time> <span class=\"far\">"
        )?;
        let (ahead, behind) = (
            self.at.saturating_since(self.now),
            self.now.saturating_since(self.at),
        );
        if ahead.as_secs() > 0 {
            write!(f, "in {}", Span(ahead))?;
        } else if behind.as_secs() > 0 {
            write!(f, "{} ago", Span(behind))?;
        } else {
            f.write_str("now")?;
        }
        f.write_str("</span>")
    }
}

/// JSON with a member a line. The text has passed the strict reader.
pub(super) fn indented(json: &str) -> String {
    let mut out = String::with_capacity(json.len().saturating_mul(2));
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut opened = false;
    for character in json.chars() {
        if in_string {
            out.push(character);
            in_string = character != '"' || escaped;
            escaped = character == '\\' && !escaped;
            continue;
        }
        if matches!(character, ' ' | '\t' | '\r' | '\n') {
            continue;
        }
        let closes = matches!(character, '}' | ']');
        if closes {
            depth = depth.saturating_sub(1);
        }
        if opened != closes && (opened || closes) {
            line(depth, &mut out);
        }
        opened = false;
        out.push(character);
        match character {
            '"' => in_string = true,
            '{' | '[' => {
                depth = depth.saturating_add(1);
                opened = true;
            }
            ',' => line(depth, &mut out),
            ':' => out.push(' '),
            _ => {}
        }
    }
    out
}

fn line(depth: usize, out: &mut String) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_nothing_but_text() {
        let text = Html("<script>\"'&\u{202e}\u{0}").to_string();
        assert_eq!(text, "&lt;script&gt;&quot;&#39;&amp;\\u{202e}\\u{0}");
    }

    #[test]
    fn json_is_indented_and_strings_are_left_alone() {
        assert_eq!(
            indented("{\"a\":[1,{\"b\\\"{\":\"x, y:\"}],\"e\":{},\"f\":[]}"),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\\\"{\": \"x, y:\"\n    }\n  ],\n  \"e\": {},\n  \"f\": []\n}"
        );
    }
}
