//! How a command ends.

use std::fmt::Display;
use std::io;
use std::path::Path;

use tokenwright::ErrorClass;

use super::escape::Escaped;

/// The exit codes. Other people's scripts rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done, valid, nothing to do.
    Done = 0,
    /// Refused: signature, key, algorithm, claim, format.
    Refused = 1,
    /// The command was not understood.
    Usage = 2,
    /// Refused only because of time.
    Time = 3,
    /// Refused: revoked.
    Revoked = 4,
    /// Keys or revocations are missing, so nothing can be said.
    Undecided = 5,
    /// Input, output, permission, configuration.
    Operator = 6,
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        self as u8
    }
}

impl From<ErrorClass> for Exit {
    fn from(class: ErrorClass) -> Self {
        match class.exit_code() {
            1 => Self::Refused,
            3 => Self::Time,
            4 => Self::Revoked,
            5 => Self::Undecided,
            _ => Self::Operator,
        }
    }
}

/// Why a command did not do what it was asked: a stable code, a sentence, what
/// helps, and the exit code. The sentence may hold foreign text: the printer
/// escapes all of it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) hints: Vec<String>,
    pub(crate) exit: Exit,
}

impl Failure {
    pub(crate) fn new(code: &str, exit: Exit, message: impl Display) -> Self {
        Self {
            code: code.to_owned(),
            message: message.to_string(),
            hints: Vec::new(),
            exit,
        }
    }

    /// The command line itself was wrong.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::new("usage", Exit::Usage, message)
    }

    /// The settings were wrong.
    pub(crate) fn config(message: impl Display) -> Self {
        Self::new("config", Exit::Operator, message)
    }

    /// A file could not be read or written. `deed` is a verb: "read", "write", "create".
    pub(crate) fn file(deed: &str, path: &Path, error: &io::Error) -> Self {
        let code = match error.kind() {
            io::ErrorKind::PermissionDenied => "permission",
            _ => "io",
        };
        let name = path.to_string_lossy();
        let reason = plain_reason(error);
        let message = format!("cannot {deed} {}: {reason}", Escaped(&name));
        Self::new(code, Exit::Operator, message)
    }

    pub(crate) fn hint(mut self, hint: impl Display) -> Self {
        self.hints.push(hint.to_string());
        self
    }
}

/// The operating system's reason in a few plain words.
pub(crate) fn plain_reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder, not a file".to_owned(),
        io::ErrorKind::NotADirectory => "a part of the path is not a folder".to_owned(),
        io::ErrorKind::AlreadyExists => "it exists already".to_owned(),
        io::ErrorKind::StorageFull => "no space left on the disk".to_owned(),
        _ => error.to_string(),
    }
}
