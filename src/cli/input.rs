//! Reading tokens, keys and claims: from an argument, standard input (`-`) or a
//! file (`@FILE`), never more than a stated number of bytes.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::path::Path;

use tokenwright::SecretBytes;
use zeroize::Zeroizing;

use super::escape::Escaped;
use super::failure::{Exit, Failure, plain_reason};
use super::output::Output;

/// Reads a whole file of at most `limit` bytes. A pipe or a device may be endless,
/// so the limit is kept while reading, whatever the size the file claims.
pub(crate) fn read_file(path: &Path, limit: usize) -> Result<SecretBytes, Failure> {
    let file = File::open(path).map_err(|error| Failure::file("read", path, &error))?;
    let metadata = file
        .metadata()
        .map_err(|error| Failure::file("read", path, &error))?;
    if metadata.is_dir() {
        let error = io::Error::from(io::ErrorKind::IsADirectory);
        return Err(Failure::file("read", path, &error));
    }
    let name = path.to_string_lossy();
    match read_bounded(file, limit) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(too_long(&Escaped(&name).to_string(), limit)),
        Err(error) => Err(Failure::file("read", path, &error)),
    }
}

/// Reads all of standard input, at most `limit` bytes.
pub(crate) fn read_stdin(limit: usize) -> Result<SecretBytes, Failure> {
    match read_bounded(io::stdin().lock(), limit) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(too_long("standard input", limit)),
        Err(error) => {
            let reason = plain_reason(&error);
            let message = format!("cannot read standard input: {reason}");
            Err(Failure::new("io", Exit::Operator, message))
        }
    }
}

/// `None` when there is more than `limit` bytes. The buffer is wiped as it grows,
/// since it may hold a secret.
fn read_bounded(mut source: impl Read, limit: usize) -> io::Result<Option<SecretBytes>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(16 * 1024));
    let mut chunk = Zeroizing::new([0_u8; 16 * 1024]);
    loop {
        let count = match source.read(chunk.as_mut_slice()) {
            Ok(0) => return Ok(Some(SecretBytes::from(bytes))),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if bytes.len().saturating_add(count) > limit {
            return Ok(None);
        }
        if bytes.capacity().saturating_sub(bytes.len()) < count {
            let mut larger = Vec::with_capacity(bytes.capacity().saturating_mul(2));
            larger.extend_from_slice(&bytes);
            bytes = Zeroizing::new(larger);
        }
        bytes.extend_from_slice(chunk.get(..count).unwrap_or_default());
    }
}

fn too_long(what: &str, limit: usize) -> Failure {
    let message = format!("{what} holds more than the {limit} bytes that are read");
    Failure::new("too_long", Exit::Operator, message)
}

/// Where text comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The argument itself.
    Argument(String),
    /// Standard input.
    Stdin,
    /// A file.
    File(std::path::PathBuf),
}

impl Source {
    /// `-`, `@FILE`, or the text itself; standard input when there is no argument.
    pub(crate) fn of(argument: Option<&OsStr>) -> Result<Self, Failure> {
        let Some(argument) = argument else {
            return Ok(Self::Stdin);
        };
        if argument == "-" {
            return Ok(Self::Stdin);
        }
        if let Some(path) = strip_at(argument) {
            return Ok(Self::File(path));
        }
        let text = argument
            .to_str()
            .ok_or_else(|| Failure::new("malformed", Exit::Refused, "not UTF-8"))?;
        Ok(Self::Argument(text.to_owned()))
    }

    /// Reads what is to be judged, at most `limit` bytes and a line end, and strips
    /// that line end, nothing else. More is a refusal: nothing so long is a token.
    pub(crate) fn read(&self, limit: usize, output: &mut Output) -> Result<SecretBytes, Failure> {
        self.read_within(limit.saturating_add(2), output)
            .map_err(|failure| match failure.code.as_str() {
                "too_long" => Failure {
                    exit: Exit::Refused,
                    message: format!("longer than the {limit} bytes that are read"),
                    ..failure
                },
                _ => failure,
            })
    }

    fn read_within(&self, room: usize, output: &mut Output) -> Result<SecretBytes, Failure> {
        match self {
            Self::Argument(text) if text.len() > room => Err(too_long("the argument", room)),
            Self::Argument(text) => Ok(SecretBytes::from(text.clone().into_bytes())),
            Self::File(path) => read_file(path, room).map(strip_newline),
            Self::Stdin => {
                if io::stdin().is_terminal() {
                    output.note("reading standard input; end it with Ctrl-D");
                }
                read_stdin(room).map(strip_newline)
            }
        }
    }

    /// The way to write this source in a command that is shown to the person.
    pub(crate) fn spelling(&self) -> String {
        match self {
            Self::File(path) => format!("@{}", path.display()),
            Self::Stdin => "-".to_owned(),
            Self::Argument(_) => "TOKEN".to_owned(),
        }
    }
}

fn strip_at(argument: &OsStr) -> Option<std::path::PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;
    let path = argument.as_bytes().strip_prefix(b"@")?;
    Some(std::path::PathBuf::from(OsStr::from_bytes(path)))
}

/// Removes one final line end (`\n` or `\r\n`).
fn strip_newline(bytes: SecretBytes) -> SecretBytes {
    let exposed = bytes.expose();
    let stripped = match exposed.strip_suffix(b"\n") {
        Some(rest) => rest.strip_suffix(b"\r").unwrap_or(rest),
        None => return bytes,
    };
    SecretBytes::from(stripped.to_vec())
}

/// Refuses an argument that holds a secret key, before anything can repeat it.
pub(crate) fn refuse_secret(argument: &OsStr) -> Result<(), Failure> {
    let bytes = argument.as_encoded_bytes();
    let holds = |mark: &&[u8]| bytes.windows(mark.len()).any(|part| part == *mark);
    let marks: [&[u8]; 3] = [b"k4.secret.", b"k4.local.", b"PRIVATE KEY"];
    if marks.iter().any(holds) {
        return Err(secret_argument());
    }
    Ok(())
}

/// Other programs can read the arguments of this one.
pub(crate) fn secret_argument() -> Failure {
    let message = "a secret key does not belong among arguments: every program can read them";
    Failure::usage(message).hint("give @FILE, or - for standard input; and consider this key known")
}

/// Text that must be UTF-8.
pub(crate) fn utf8(bytes: &SecretBytes) -> Result<&str, Failure> {
    std::str::from_utf8(bytes.expose())
        .map_err(|_| Failure::new("malformed", Exit::Refused, "the input is not UTF-8 text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_final_newline_is_stripped_and_nothing_else() {
        let strip = |text: &str| {
            let bytes = strip_newline(SecretBytes::from(text.as_bytes().to_vec()));
            String::from_utf8(bytes.expose().to_vec()).unwrap()
        };
        assert_eq!(strip("a\n"), "a");
        assert_eq!(strip("a\r\n"), "a");
        assert_eq!(strip("a\n\n"), "a\n");
        assert_eq!(strip(" a \n"), " a ");
        assert_eq!(strip("a"), "a");
        assert_eq!(strip("a\r"), "a\r");
        assert_eq!(strip(""), "");
    }

    #[test]
    fn an_endless_source_is_left_at_the_limit() {
        assert!(read_bounded(io::repeat(0), 100_000).unwrap().is_none());
        let exact = read_bounded(io::repeat(7).take(100_000), 100_000).unwrap();
        assert_eq!(exact.unwrap().len(), 100_000);
    }
}
