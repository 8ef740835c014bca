//! What standard output can show.

use std::env;
use std::ffi::OsStr;
use std::io::{self, IsTerminal as _};

use super::Style;
use crate::cli::output::{ColorChoice, wants_color};

/// Columns where nobody says how many there are.
const COLUMNS: usize = 80;

/// How many columns standard output has, and what it shows in them.
pub(crate) fn screen(choice: ColorChoice) -> (usize, Style) {
    let terminal = io::stdout().is_terminal();
    let colour = match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            let forbidden = env::var_os("NO_COLOR");
            let kind = env::var_os("TERM");
            terminal && wants_color(forbidden.as_deref(), kind.as_deref())
        }
    };
    let unicode = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(env::var_os)
        .find(|value| !value.is_empty())
        .is_some_and(|locale| is_utf8(&locale));
    (columns(terminal), Style { colour, unicode })
}

fn columns(terminal: bool) -> usize {
    let size = terminal
        .then(|| rustix::termios::tcgetwinsize(io::stdout()).ok())
        .flatten();
    size.map(|size| usize::from(size.ws_col))
        .filter(|columns| *columns > 0)
        .or_else(|| env::var("COLUMNS").ok()?.parse().ok())
        .unwrap_or(COLUMNS)
}

/// Whether a locale's name ends in the one encoding that has our characters.
fn is_utf8(locale: &OsStr) -> bool {
    let name = locale.to_string_lossy().to_ascii_lowercase();
    name.contains("utf-8") || name.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_utf8_locales_get_characters_beyond_ascii() {
        for (locale, expected) in [
            ("en_GB.UTF-8", true),
            ("C.utf8", true),
            ("C", false),
            ("de_DE.ISO-8859-1", false),
        ] {
            assert_eq!(is_utf8(OsStr::new(locale)), expected, "{locale}");
        }
    }
}
