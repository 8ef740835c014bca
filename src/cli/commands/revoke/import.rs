//! `tokenwright revoke import FILE`: lines of entries into the store's own list, or a
//! signed list of another machine into a copy of it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use tokenwright::limits::{MAX_REVOCATION_REASON_BYTES, MAX_TOKEN_BYTES};
use tokenwright::store::RevocationStore;
use tokenwright::{Clock as _, Revocation, SystemClock, UnixTime};

use super::lines::{self, Defaults};
use super::{open, signed};
use crate::cli::arguments::GlobalArguments;
use crate::cli::escape::Escaped;
use crate::cli::failure::{Exit, Failure, plain_reason};
use crate::cli::network::NetworkArguments;
use crate::cli::output::Output;
use crate::cli::passphrase::PassphraseSource;
use crate::cli::replica::is_document;
use crate::cli::revocations::{list_failure, tell_notes};

/// How many entries become durable together.
const GROUP: usize = 50_000;
/// Most bytes of lines in one group: entries may be long.
const GROUP_BYTES: usize = 16 * 1024 * 1024;
/// Longest line: issuer, name and reason at their longest, each character escaped.
const MAX_LINE: usize = 6 * (2 * MAX_TOKEN_BYTES + MAX_REVOCATION_REASON_BYTES) + 1024;
/// Work shorter than this shows no progress.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two pictures of the progress.
const REFRESH: Duration = Duration::from_millis(100);

const AFTER_HELP: &str = "\
A line is a JSON object as `revoke export --lines` writes it, or the id (jti) of a token
alone. What has been taken in is durable, and importing again is harmless: after an
interruption, import the same file once more.";

/// Arguments of `revoke import`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ImportArguments {
    /// The file, or - for standard input
    pub(super) file: PathBuf,
    /// The copy of a signed list that this document begins or brings up to date
    #[arg(long, value_name = "FILE")]
    pub(super) replica: Option<PathBuf>,
    /// Who may sign lists: this JWK set, a file or an address, in place of the store's keys
    #[arg(
        long,
        value_name = "FILE",
        requires = "replica",
        conflicts_with = "key"
    )]
    pub(super) jwks: Option<PathBuf>,
    /// Who may sign lists: the key in this file, in place of the store's keys
    #[arg(long, value_name = "FILE", requires = "replica")]
    pub(super) key: Option<PathBuf>,
    /// Whose tokens are meant where a line does not say it [default: the keyring's issuer]
    #[arg(long, value_name = "URL")]
    pub(super) iss: Option<String>,
    /// Check every line and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print a JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) network: NetworkArguments,
    #[command(flatten)]
    pub(super) passphrase: PassphraseSource,
}

pub(crate) fn run(
    arguments: &ImportArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    if let Some(replica) = &arguments.replica {
        return signed::import(arguments, replica, global, output);
    }
    let (settings, place) = open(global, arguments.iss.clone())?;
    let defaults = Defaults {
        issuer: settings.iss,
        now: place.now(),
        retention: place.retention(),
        own_issuer: place.ring.keyring().defaults().issuer.clone(),
    };
    let (source, size) = source(&arguments.file)?;
    let mut import = Import {
        list: (!arguments.dry_run).then_some(&*place.list),
        group: Vec::with_capacity(GROUP),
        group_bytes: 0,
        now: defaults.now,
        lines: 0,
        added: 0,
        ended: 0,
        bytes: 0,
        size,
        began: Instant::now(),
        shown: None,
        on_terminal: io::stderr().is_terminal(),
    };
    let name = arguments.file.display().to_string();
    let taken = import.all(source, &name, &defaults, output);
    output.progress("");
    taken?;
    import.tell(arguments, output)
}

/// The lines, and how many bytes there are, if that is known.
fn source(path: &Path) -> Result<(Box<dyn BufRead>, Option<u64>), Failure> {
    if path == Path::new("-") {
        return Ok((Box::new(BufReader::new(io::stdin())), None));
    }
    let file = File::open(path).map_err(|error| Failure::file("read", path, &error))?;
    let facts = file
        .metadata()
        .map_err(|error| Failure::file("read", path, &error))?;
    if facts.is_dir() {
        let error = io::Error::from(io::ErrorKind::IsADirectory);
        return Err(Failure::file("read", path, &error));
    }
    let size = facts.is_file().then_some(facts.len());
    Ok((Box::new(BufReader::with_capacity(1 << 20, file)), size))
}

struct Import<'l> {
    /// Where entries go; nowhere in a dry run.
    list: Option<&'l dyn RevocationStore>,
    group: Vec<Revocation<'static>>,
    /// Bytes of the lines in it.
    group_bytes: usize,
    now: UnixTime,
    lines: u64,
    added: u64,
    ended: u64,
    bytes: u64,
    size: Option<u64>,
    began: Instant,
    shown: Option<Instant>,
    on_terminal: bool,
}

impl Import<'_> {
    fn all(
        &mut self,
        mut source: Box<dyn BufRead>,
        name: &str,
        defaults: &Defaults,
        output: &mut Output,
    ) -> Result<(), Failure> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = read_line(&mut *source, &mut line).map_err(|error| {
                let message = format!("cannot read {}: {}", Escaped(name), plain_reason(&error));
                self.interrupted(Failure::new("io", Exit::Operator, message))
            })?;
            if read == 0 {
                break;
            }
            self.bytes = self.bytes.saturating_add(read);
            self.lines = self.lines.saturating_add(1);
            self.take(&line, defaults).map_err(|reason| {
                let message = format!("{}: line {}: {reason}", Escaped(name), self.lines);
                self.interrupted(Failure::new("bad_line", Exit::Operator, message))
            })?;
            self.group_bytes = self.group_bytes.saturating_add(line.len());
            if self.group.len() >= GROUP || self.group_bytes >= GROUP_BYTES {
                self.write(output)?;
            }
        }
        self.write(output)
    }

    fn take(&mut self, line: &[u8], defaults: &Defaults) -> Result<(), String> {
        if line.len() > MAX_LINE {
            return Err("longer than any entry can be".to_owned());
        }
        let text = std::str::from_utf8(line).map_err(|_| "not UTF-8 text".to_owned())?;
        let text = text.trim_ascii();
        if text.is_empty() {
            return Ok(());
        }
        if self.lines == 1 && is_document(text) {
            return Err("this is a signed list: --replica FILE says where its copy is".to_owned());
        }
        let entry = lines::read(text, defaults)?;
        match entry.until() > self.now {
            true => self.group.push(entry.into_owned()),
            // Whatever it means is dead already: the list stays small.
            false => self.ended = self.ended.saturating_add(1),
        }
        Ok(())
    }

    /// Makes the group durable.
    fn write(&mut self, output: &mut Output) -> Result<(), Failure> {
        if let Some(list) = self.list
            && !self.group.is_empty()
        {
            let appended = list
                .append(&self.group, SystemClock.now())
                .map_err(|error| self.interrupted(list_failure(&error)))?;
            tell_notes(&appended.notes, output);
        }
        let count = u64::try_from(self.group.len()).unwrap_or(u64::MAX);
        self.added = self.added.saturating_add(count);
        self.group.clear();
        self.group_bytes = 0;
        self.show(output);
        Ok(())
    }

    /// What is in already stays in.
    fn interrupted(&self, failure: Failure) -> Failure {
        match self.list {
            None => failure.hint("nothing was changed: this was a dry run"),
            Some(_) => failure.hint(format!(
                "{} entries before it are in and durable; mend it and import the same file again",
                self.added
            )),
        }
    }

    fn show(&mut self, output: &mut Output) {
        let recently = self.shown.is_some_and(|shown| shown.elapsed() < REFRESH);
        if !self.on_terminal || self.began.elapsed() < PATIENCE || recently {
            return;
        }
        self.shown = Some(Instant::now());
        let percent = self
            .size
            .and_then(|size| self.bytes.saturating_mul(100).checked_div(size))
            .map_or_else(String::new, |percent| format!("{:3} %  ", percent.min(100)));
        output.progress(&format!("{percent}{} entries durable", self.added));
    }

    fn tell(&self, arguments: &ImportArguments, output: &mut Output) -> Result<Exit, Failure> {
        if arguments.json {
            output.json(
                "revoke-import",
                &[
                    ("changed", (!arguments.dry_run).to_string()),
                    ("lines", self.lines.to_string()),
                    ("added", self.added.to_string()),
                    ("ended", self.ended.to_string()),
                ],
            )?;
            output.flush()?;
        }
        let would = match arguments.dry_run {
            true => "would add",
            false => "added",
        };
        let mut text = format!("{} lines: {would} {}", self.lines, self.added);
        if self.ended > 0 {
            text.push_str(&format!(", left out {} that have ended", self.ended));
        }
        if arguments.dry_run {
            text.push_str("; nothing was changed");
        }
        output.words(&text);
        Ok(Exit::Done)
    }
}

/// One line with its end, cut where it gets longer than any line may be; how many bytes it had.
fn read_line(source: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<u64> {
    let mut total: u64 = 0;
    loop {
        let buffer = match source.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if buffer.is_empty() {
            return Ok(total);
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let count = end.map_or(buffer.len(), |end| end.saturating_add(1));
        // One byte more than the longest line is enough to know it for too long.
        let room = MAX_LINE.saturating_add(1).saturating_sub(line.len());
        line.extend_from_slice(buffer.get(..count.min(room)).unwrap_or_default());
        source.consume(count);
        total = total.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        if end.is_some() {
            return Ok(total);
        }
    }
}
