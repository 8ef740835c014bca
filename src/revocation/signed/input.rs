//! A document as it arrives: one line, then a body of known length.

use std::io::{BufRead as _, BufReader, ErrorKind, Read};

use sha2::{Digest as _, Sha256};

use super::error::{DistributionError, DistributionErrorKind, Fault};
use crate::limits::MAX_LIST_HEAD_BYTES;

/// How much is taken from the reader at once.
const CHUNK: usize = 64 * 1024;

/// Reads a document once, from front to back, with a fixed amount of memory.
pub(super) struct Input<'r> {
    reader: BufReader<&'r mut dyn Read>,
    chunk: Vec<u8>,
    /// How much of the chunk has been given out.
    at: usize,
    /// How much of the body has not been taken from the reader.
    unread: u64,
    hash: Sha256,
}

impl<'r> Input<'r> {
    pub(super) fn new(reader: &'r mut dyn Read) -> Self {
        Self {
            reader: BufReader::with_capacity(CHUNK, reader),
            chunk: Vec::new(),
            at: 0,
            unread: 0,
            hash: Sha256::new(),
        }
    }

    /// The first line, without its end.
    pub(super) fn line(&mut self) -> Result<String, DistributionError> {
        let mut line = Vec::new();
        loop {
            let arrived = fill(&mut self.reader)?;
            let end = arrived.iter().position(|byte| *byte == b'\n');
            let piece = arrived
                .get(..end.unwrap_or(arrived.len()))
                .unwrap_or(arrived);
            line.extend_from_slice(piece);
            let taken = piece.len().saturating_add(usize::from(end.is_some()));
            self.reader.consume(taken);
            if line.len() > MAX_LIST_HEAD_BYTES {
                return Err(bad_head(format!(
                    "expected a line of at most {MAX_LIST_HEAD_BYTES} bytes"
                )));
            }
            if end.is_some() {
                return String::from_utf8(line).map_err(|_| bad_head("expected text".to_owned()));
            }
            if taken == 0 {
                return Err(bad_head("expected a line, found no end of it".to_owned()));
            }
        }
    }

    /// From now on bytes of a body are read, of which there are so many.
    pub(super) fn expect(&mut self, length: u64) {
        self.unread = length;
    }

    /// How many bytes of the body have not been given out.
    pub(super) fn left(&self) -> u64 {
        let ahead = self.chunk.len().saturating_sub(self.at) as u64;
        self.unread.saturating_add(ahead)
    }

    /// The next byte of the body, if there is one.
    #[inline]
    pub(super) fn byte(&mut self) -> Result<Option<u8>, Fault> {
        if self.at == self.chunk.len() && !self.next_chunk()? {
            return Ok(None);
        }
        let byte = self.chunk.get(self.at).copied();
        self.at = self.at.saturating_add(1);
        Ok(byte)
    }

    fn next_chunk(&mut self) -> Result<bool, Fault> {
        if self.unread == 0 {
            return Ok(false);
        }
        let arrived = fill(&mut self.reader).map_err(Fault::Other)?;
        let wanted = usize::try_from(self.unread).unwrap_or(usize::MAX);
        let piece = arrived.get(..wanted).unwrap_or(arrived);
        if piece.is_empty() {
            return Err(Fault::Other(mismatch("it ends early")));
        }
        self.hash.update(piece);
        self.chunk.clear();
        self.chunk.extend_from_slice(piece);
        self.at = 0;
        self.unread = self.unread.saturating_sub(piece.len() as u64);
        self.reader.consume(self.chunk.len());
        Ok(true)
    }

    /// Reads what is left of the body, and holds all of it against the digest that
    /// was signed. Nothing may follow it.
    pub(super) fn finish(mut self, digest: &[u8; 32]) -> Result<(), DistributionError> {
        loop {
            match self.next_chunk() {
                Ok(true) => {}
                Ok(false) => break,
                Err(fault) => return Err(fault.into()),
            }
        }
        if !fill(&mut self.reader)?.is_empty() {
            return Err(mismatch("more follows it"));
        }
        if self.hash.finalize().as_slice() == digest {
            Ok(())
        } else {
            Err(mismatch("its SHA-256 is another"))
        }
    }
}

/// What the reader has at hand; nothing at its end.
fn fill<'b>(reader: &'b mut BufReader<&mut dyn Read>) -> Result<&'b [u8], DistributionError> {
    loop {
        match reader.fill_buf() {
            Ok(_) => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(DistributionErrorKind::Io { kind: error.kind() }.into()),
        }
    }
    Ok(reader.buffer())
}

fn bad_head(reason: String) -> DistributionError {
    DistributionErrorKind::BadHead { reason }.into()
}

fn mismatch(reason: &'static str) -> DistributionError {
    DistributionErrorKind::BodyMismatch { reason }.into()
}
