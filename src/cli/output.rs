//! The only file that prints. Its rules:
//!
//! - Standard output carries what was asked for, and nothing else: a token,
//!   claims, a key set, a table. Words go to standard error, as
//!   `error[code]: …`, `hint: …`, `note: …`.
//! - Every character that could steer a terminal is escaped here, in data and in
//!   words, on a terminal and in a pipe. The only escape sequences are our colours.
//! - Colour appears on a terminal only, and `NO_COLOR`, `TERM=dumb` and `--color`
//!   are obeyed.
//! - A reader that went away (a closed pipe) is not an error and makes no noise:
//!   the exit code still says what was found. A full disk is an error.
//! - A secret is written only by [`Output::secret`], and unescaped, since it was
//!   asked for by name.

use std::env;
use std::ffi::OsStr;
use std::fmt::{self, Display};
use std::io::{self, BufWriter, IsTerminal as _, Write};

use clap::ValueEnum;

use super::escape::{EscapedLines, json_string};
use super::failure::{Exit, Failure, plain_reason};

/// When words are coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The colours in use, as SGR parameters.
#[derive(Clone, Copy)]
pub(crate) enum Paint {
    Bad,
    Good,
    Warn,
}

impl Paint {
    fn parameters(self) -> &'static str {
        match self {
            Self::Bad => "1;31",
            Self::Good => "1;32",
            Self::Warn => "1;33",
        }
    }
}

/// Standard output and standard error.
pub(crate) struct Output {
    stdout: BufWriter<io::Stdout>,
    closed: bool,
    colored: bool,
    progress_shown: bool,
}

impl Output {
    pub(crate) fn new(choice: ColorChoice) -> Self {
        let colored = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                let forbidden = env::var_os("NO_COLOR");
                let terminal = env::var_os("TERM");
                io::stderr().is_terminal() && wants_color(forbidden.as_deref(), terminal.as_deref())
            }
        };
        Self {
            stdout: BufWriter::with_capacity(64 * 1024, io::stdout()),
            closed: false,
            colored,
            progress_shown: false,
        }
    }

    /// Prints asked-for text and a line end.
    pub(crate) fn line(&mut self, text: impl Display) -> Result<(), Failure> {
        let text = text.to_string();
        let mut line = String::with_capacity(text.len().saturating_add(1));
        // Writing to a `String` cannot fail.
        let _ = fmt::Write::write_fmt(&mut line, format_args!("{}\n", EscapedLines(&text)));
        self.write(line.as_bytes())
    }

    /// Prints bytes that must arrive as they are: a secret that was asked for by name, a script.
    pub(crate) fn verbatim(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.write(bytes)
    }

    /// Whether whoever read standard output has gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Hands everything over. Must be called before success is claimed.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        let result = self.stdout.flush();
        self.judge(result)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if self.closed {
            return Ok(());
        }
        let result = self.stdout.write_all(bytes);
        self.judge(result)
    }

    fn judge(&mut self, result: io::Result<()>) -> Result<(), Failure> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            Err(error) => {
                let reason = plain_reason(&error);
                let message = format!("cannot write to standard output: {reason}");
                Err(Failure::new("io", Exit::Operator, message))
            }
            Ok(()) => Ok(()),
        }
    }

    /// One JSON object with the name and version of its schema first.
    pub(crate) fn json(&mut self, schema: &str, members: &[(&str, String)]) -> Result<(), Failure> {
        let mut text = format!("{{\"schema\":\"tokenwright.{schema}\",\"version\":1");
        for (name, value) in members {
            text.push_str(&format!(",{}:{value}", json_string(name)));
        }
        text.push('}');
        self.line(text)
    }

    /// The JSON answer of a command that failed. It never holds claims.
    pub(crate) fn json_failure(&mut self, schema: &str, failure: &Failure) -> Result<(), Failure> {
        let mut members = vec![("error", json_error(failure))];
        if schema == "verify" {
            members.insert(0, ("valid", "false".to_owned()));
        }
        self.json(schema, &members)
    }

    /// Words to the person: `note: …`.
    pub(crate) fn note(&mut self, text: impl Display) {
        self.words(&format!("note: {text}"));
    }

    /// Words to the person: `hint: …`.
    pub(crate) fn hint(&mut self, text: impl Display) {
        self.words(&format!("hint: {text}"));
    }

    /// Words to the person that begin with a coloured one.
    pub(crate) fn headline(&mut self, paint: Paint, word: &str, text: impl Display) {
        let painted = self.paint(paint, word);
        let text = text.to_string();
        self.stderr(&format!("{painted}{}", EscapedLines(&text)));
    }

    /// Words to the person.
    pub(crate) fn words(&mut self, text: &str) {
        self.stderr(&EscapedLines(text).to_string());
    }

    /// `error[code]: …` and its hints, each part on its own line; `place` comes first when there is one.
    pub(crate) fn failure(&mut self, place: &str, failure: &Failure) {
        let head = format!("error[{}]", failure.code);
        let painted = self.paint(Paint::Bad, &head);
        let message = EscapedLines(&failure.message);
        self.stderr(&format!("{place}{painted}: {message}"));
        for hint in &failure.hints {
            self.hint(hint);
        }
    }

    /// Replaces the progress line on the terminal. An empty text removes it.
    pub(crate) fn progress(&mut self, text: &str) {
        if !text.is_empty() || self.progress_shown {
            let _ = write!(io::stderr(), "\r{}\x1b[K", EscapedLines(text));
            self.progress_shown = !text.is_empty();
        }
    }

    fn paint(&self, paint: Paint, word: &str) -> String {
        if self.colored {
            format!("\x1b[{}m{word}\x1b[0m", paint.parameters())
        } else {
            word.to_owned()
        }
    }

    fn stderr(&mut self, text: &str) {
        self.progress("");
        // With standard error gone there is nobody left to tell.
        let _ = writeln!(io::stderr(), "{text}");
    }
}

/// Whether the person's settings allow colours (<https://no-color.org>).
pub(crate) fn wants_color(no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
    let forbidden = no_color.is_some_and(|value| !value.is_empty());
    let dumb = term.is_none_or(|value| value == "dumb");
    !forbidden && !dumb
}

/// The `error` member of a JSON answer.
pub(crate) fn json_error(failure: &Failure) -> String {
    format!(
        "{{\"code\":{},\"message\":{},\"exit\":{}}}",
        json_string(&failure.code),
        json_string(&failure.message),
        failure.exit.code()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_color_and_dumb_terminals_are_obeyed() {
        let wants = |no_color: Option<&str>, term: Option<&str>| {
            wants_color(no_color.map(OsStr::new), term.map(OsStr::new))
        };
        assert!(wants(None, Some("xterm")));
        assert!(wants(Some(""), Some("xterm")));
        assert!(!wants(Some("1"), Some("xterm")));
        assert!(!wants(None, Some("dumb")));
        assert!(!wants(None, None));
    }
}
