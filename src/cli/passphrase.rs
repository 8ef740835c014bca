//! Passphrases: asked for on the terminal without echo, or read from a file.
//! Never from an argument or the environment, which other programs can read.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use rustix::termios::{self, LocalModes, OptionalActions, Termios};
use tokenwright::SecretBytes;
use zeroize::Zeroizing;

use super::failure::{Exit, Failure};
use super::input::read_file;

/// Longest passphrase, in bytes.
const MAX_PASSPHRASE_BYTES: usize = 1024;

/// Where the passphrase of a locked key comes from.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct PassphraseSource {
    /// Read the passphrase of a locked key from the first line of FILE ("-" is not possible here)
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

impl PassphraseSource {
    /// The passphrase that opens something that is locked. `purpose` completes "passphrase of …".
    pub(crate) fn existing(&self, purpose: &str) -> Result<SecretBytes, Failure> {
        match &self.passphrase_file {
            Some(path) => from_file(path),
            None => ask(&format!("passphrase of {purpose}: ")),
        }
    }

    /// A new passphrase; asked for twice.
    pub(crate) fn fresh(&self, purpose: &str) -> Result<SecretBytes, Failure> {
        match &self.passphrase_file {
            Some(path) => from_file(path),
            None => ask_twice(purpose),
        }
    }
}

/// Asks for a new passphrase twice.
pub(crate) fn ask_twice(purpose: &str) -> Result<SecretBytes, Failure> {
    let first = ask(&format!("new passphrase for {purpose}: "))?;
    let second = ask("the same again: ")?;
    if first == second {
        return Ok(first);
    }
    let message = "the two passphrases differ; nothing was changed";
    Err(Failure::new("passphrase", Exit::Operator, message))
}

/// The first line of a file is the passphrase.
pub(crate) fn from_file(path: &Path) -> Result<SecretBytes, Failure> {
    let bytes = read_file(path, MAX_PASSPHRASE_BYTES)?;
    let exposed = bytes.expose();
    let line = exposed
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or(exposed);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    not_empty(SecretBytes::from(line.to_vec()))
}

fn not_empty(passphrase: SecretBytes) -> Result<SecretBytes, Failure> {
    if passphrase.is_empty() {
        let message = "an empty passphrase locks nothing";
        return Err(Failure::new("passphrase", Exit::Operator, message));
    }
    Ok(passphrase)
}

fn ask(prompt: &str) -> Result<SecretBytes, Failure> {
    let terminal = File::options().read(true).write(true).open("/dev/tty");
    let terminal = terminal.map_err(|_| {
        let message = "a passphrase is needed and there is no terminal to ask on";
        Failure::new("passphrase", Exit::Operator, message).hint("give --passphrase-file FILE")
    })?;
    match read_hidden(&terminal, prompt) {
        Ok(Some(passphrase)) => not_empty(passphrase),
        Ok(None) => {
            let message = "cancelled; nothing was changed";
            Err(Failure::new("passphrase", Exit::Operator, message))
        }
        Err(error) => {
            let message = format!("cannot ask for the passphrase: {error}");
            Err(Failure::new("passphrase", Exit::Operator, message))
        }
    }
}

/// Puts the terminal back as it was, however the function ends.
struct Restore<'a> {
    terminal: &'a File,
    before: Termios,
}

impl Drop for Restore<'_> {
    fn drop(&mut self) {
        let _ = termios::tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}

/// Reads one line without showing it; `None` when the person cancels. Signals are
/// off meanwhile, so that Ctrl-C cannot leave the terminal without echo.
fn read_hidden(terminal: &File, prompt: &str) -> io::Result<Option<SecretBytes>> {
    let before = termios::tcgetattr(terminal)?;
    let mut hidden = before.clone();
    let shown = LocalModes::ECHO
        .union(LocalModes::ICANON)
        .union(LocalModes::ISIG);
    hidden.local_modes.remove(shown);
    termios::tcsetattr(terminal, OptionalActions::Flush, &hidden)?;
    let _restore = Restore { terminal, before };
    let mut writer = terminal;
    writer.write_all(prompt.as_bytes())?;
    let line = read_keys(terminal)?;
    writer.write_all(b"\n")?;
    Ok(line)
}

fn read_keys(mut terminal: &File) -> io::Result<Option<SecretBytes>> {
    // Room for the longest passphrase, so that the buffer never moves and leaves a copy.
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_PASSPHRASE_BYTES));
    let mut key = Zeroizing::new([0_u8; 1]);
    loop {
        if terminal.read(key.as_mut_slice())? == 0 {
            return Ok(None);
        }
        let [byte] = *key;
        match byte {
            b'\n' | b'\r' => return Ok(Some(SecretBytes::from(line))),
            0x03 | 0x04 | 0x1c => return Ok(None),
            0x15 => line.clear(),
            0x08 | 0x7f => remove_last_character(&mut line),
            _ if line.len() < MAX_PASSPHRASE_BYTES => line.push(byte),
            _ => {}
        }
    }
}

fn remove_last_character(line: &mut Vec<u8>) {
    // A character of UTF-8 is its first byte and the continuation bytes behind it.
    while let Some(byte) = line.pop() {
        if byte & 0b1100_0000 != 0b1000_0000 {
            break;
        }
    }
}
