//! A copy of another machine's revocation list, in a file.
//!
//! The file is a document as `revoke export` or a server hands it out, or what
//! `revoke import --replica` makes of several: the line `tokenwright-replica 1`, then
//! each document that was taken behind a line with its length in bytes and the Unix
//! time at which it was taken, and before them the place in the list's history that
//! they reach. Every document is checked again whenever it is read. When the keys that
//! signed them are gone they say nothing any more, but the place stays: only a document
//! that does not lie before it is taken in their stead.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use tokenwright::distribution::{Applied, DistributionError, RevocationMark, RevocationReplica};
use tokenwright::store::{Overwrite, create_secret_file};
use tokenwright::{KeySet, LiveRevocations, UnixTime};

use super::escape::Escaped;
use super::failure::{Exit, Failure};
use super::keys::store_failure;
use super::output::Output;

const MAGIC: &str = "tokenwright-replica 1";
const MARK: &str = "mark ";
/// Largest file that is read, in bytes: more than the largest list takes.
const MAX_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// Documents that follow each other, and the list that they make.
pub(crate) struct ReplicaFile {
    issuer: String,
    documents: Vec<Document>,
    /// How many of them are of earlier epochs: what they withdrew stays withdrawn for
    /// its time, so a snapshot takes the place of the others alone.
    earlier: usize,
    /// Whether the last one only says that nothing has changed.
    ends_renewed: bool,
    replica: RevocationReplica,
}

struct Document {
    bytes: Vec<u8>,
    taken_at: UnixTime,
}

impl ReplicaFile {
    /// A copy of an issuer's list that holds nothing yet.
    pub(crate) fn empty(issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            documents: Vec::new(),
            earlier: 0,
            ends_renewed: false,
            replica: RevocationReplica::of_first_list(issuer),
        }
    }

    /// As [`read`](Self::read), for whoever brings another document: of a copy whose
    /// documents nobody vouches for any more, the place in history is left.
    pub(crate) fn read_to_extend(
        path: &Path,
        issuer: &str,
        keys: &KeySet,
        now: UnixTime,
        output: &mut Output,
    ) -> Result<Self, Failure> {
        let failure = match Self::read(path, issuer, keys, now) {
            Err(failure) if failure.code == "unknown_key" => failure,
            other => return other,
        };
        let bytes = read_bounded(path)?;
        let Some(mark) = split(bytes, now).map_err(|reason| damaged(path, reason))?.0 else {
            return Err(failure);
        };
        output.note(format_args!(
            "the copy's documents are signed by keys that are gone; a whole list takes their place"
        ));
        Ok(Self {
            replica: RevocationReplica::resuming(issuer, mark),
            ..Self::empty(issuer)
        })
    }

    /// What a file holds. `now` is the time for a document that nobody has taken before.
    pub(crate) fn read(
        path: &Path,
        issuer: &str,
        keys: &KeySet,
        now: UnixTime,
    ) -> Result<Self, Failure> {
        let bytes = read_bounded(path)?;
        let mut file = Self::empty(issuer);
        let (_, documents) = split(bytes, now).map_err(|reason| damaged(path, reason))?;
        for document in documents {
            file.take(document.bytes, keys, document.taken_at)
                .map_err(|error| refused(path, &error))?;
        }
        Ok(file)
    }

    /// Takes a document, if it may follow what is here.
    pub(crate) fn take(
        &mut self,
        bytes: Vec<u8>,
        keys: &KeySet,
        now: UnixTime,
    ) -> Result<Applied, DistributionError> {
        let applied = self.replica.apply(bytes.as_slice(), keys, now)?;
        let stands_alone = || {
            let mut other = RevocationReplica::of_first_list(self.issuer.as_str());
            other.apply(bytes.as_slice(), keys, now).is_ok()
        };
        let renews = applied == Applied::Renewed && !stands_alone();
        match applied {
            Applied::Unchanged => return Ok(applied),
            // Of several that only say that nothing has changed, the last is enough.
            Applied::Renewed if renews && self.ends_renewed => {
                self.documents.pop();
            }
            Applied::Renewed if renews => {}
            Applied::Replaced { .. } | Applied::Renewed => self.documents.truncate(self.earlier),
            Applied::Merged { .. } => self.earlier = self.documents.len(),
            _ => {}
        }
        self.ends_renewed = renews;
        self.documents.push(Document {
            bytes,
            taken_at: now,
        });
        Ok(applied)
    }

    /// The list, for whoever asks about tokens.
    pub(crate) fn live(&self) -> LiveRevocations {
        self.replica.live()
    }

    /// Where in the history of its list the copy stands.
    pub(crate) fn mark(&self) -> Option<&RevocationMark> {
        self.replica.mark()
    }

    /// Writes all documents, whole or not at all.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let mut text = format!("{MAGIC}\n").into_bytes();
        if let Some(mark) = self.mark() {
            text.extend_from_slice(format!("{MARK}{}", mark.to_json()).as_bytes());
        }
        for document in &self.documents {
            let (length, time) = (document.bytes.len(), document.taken_at.seconds());
            text.extend_from_slice(format!("{length} {time}\n").as_bytes());
            text.extend_from_slice(&document.bytes);
        }
        create_secret_file(path, &text, Overwrite::Allow).map_err(|error| store_failure(&error))
    }
}

/// A document of at most [`MAX_BYTES`].
pub(crate) fn read_bounded(path: &Path) -> Result<Vec<u8>, Failure> {
    let facts = fs::metadata(path).map_err(|error| Failure::file("read", path, &error))?;
    if facts.len() > MAX_BYTES {
        let name = path.to_string_lossy();
        let message = format!(
            "{} holds more than the {MAX_BYTES} bytes that are read",
            Escaped(&name)
        );
        return Err(Failure::new("too_long", Exit::Operator, message));
    }
    fs::read(path).map_err(|error| Failure::file("read", path, &error))
}

/// Holds others off while a copy is read, extended and written.
pub(crate) fn lock(path: &Path) -> Result<File, Failure> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = Path::new(&name);
    let failed = |error: io::Error| Failure::file("lock", name, &error);
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(name)
        .map_err(failed)?;
    file.lock().map_err(failed)?;
    Ok(file)
}

/// Whether the first line of a file is that of a signed list, or of a copy of one.
pub(crate) fn is_document(line: &str) -> bool {
    let is_token = line.len() > 256 && line.bytes().filter(|byte| *byte == b'.').count() >= 2;
    line == MAGIC || is_token
}

/// The place in history that a file names, and the documents in it.
fn split(
    bytes: Vec<u8>,
    now: UnixTime,
) -> Result<(Option<RevocationMark>, Vec<Document>), &'static str> {
    let Some(mut rest) = bytes
        .strip_prefix(MAGIC.as_bytes())
        .and_then(|rest| rest.strip_prefix(b"\n"))
    else {
        let taken_at = now;
        return Ok((None, vec![Document { bytes, taken_at }]));
    };
    let mut mark = None;
    if let Some(behind) = rest.strip_prefix(MARK.as_bytes()) {
        let end = behind.iter().take(1024).position(|byte| *byte == b'\n');
        let (json, others) = end
            .and_then(|end| behind.split_at_checked(end))
            .unwrap_or_default();
        let read = RevocationMark::from_json(json);
        mark = Some(read.map_err(|_| "expected a place in the history of a list")?);
        rest = others.get(1..).unwrap_or_default();
    }
    let mut documents = Vec::new();
    while !rest.is_empty() {
        let end = rest
            .iter()
            .take(64)
            .position(|byte| *byte == b'\n')
            .ok_or("expected the length of a document")?;
        let (line, behind) = rest.split_at_checked(end).unwrap_or_default();
        let (length, time) = std::str::from_utf8(line)
            .ok()
            .and_then(|line| line.split_once(' '))
            .and_then(|(length, time)| Some((length.parse().ok()?, time.parse().ok()?)))
            .ok_or("expected the length of a document and a time")?;
        let behind = behind.get(1..).unwrap_or_default();
        let (document, after) = behind
            .split_at_checked(length)
            .ok_or("the last document is cut off")?;
        documents.push(Document {
            bytes: document.to_vec(),
            taken_at: UnixTime::from_seconds(time),
        });
        rest = after;
    }
    match documents.is_empty() {
        true => Err("there is no document in it"),
        false => Ok((mark, documents)),
    }
}

fn damaged(path: &Path, reason: &str) -> Failure {
    let name = path.to_string_lossy();
    Failure::new(
        "replica_damaged",
        Exit::Undecided,
        format!("{}: {reason}", Escaped(&name)),
    )
    .hint("fetch a snapshot anew and import it")
}

pub(crate) fn refused(path: &Path, error: &DistributionError) -> Failure {
    let name = path.to_string_lossy();
    Failure::new(
        error.code(),
        error.class().into(),
        format!("{}: {error}", Escaped(&name)),
    )
}
