//! `verify --lines`: a stream of any length in bounded memory, order kept.
//!
//! One thread reads and cuts the stream into chunks, dealt in turn to the workers;
//! this thread collects their answers in the same turn, so nothing is ever sorted.
//! All channels are bounded: whoever is ahead waits.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;

use regex::Regex;
use tokenwright::Scratch;
use tokenwright::limits::MAX_TOKEN_BYTES;

use super::verdict::judge_line;
use super::{Judge, Verdict, VerifyArguments, prepare};
use crate::cli::arguments::GlobalArguments;
use crate::cli::failure::{Exit, Failure, plain_reason};
use crate::cli::input::Source;
use crate::cli::output::Output;
use crate::cli::tally::Tally;

/// Longest line in which tokens are searched, in bytes.
const MAX_SEARCHED_LINE: usize = 1024 * 1024;
/// Most lines and bytes dealt to a worker at once.
const CHUNK_LINES: usize = 64;
const CHUNK_BYTES: usize = 64 * 1024;
/// Chunks that wait for a worker or for this thread.
const WAITING: usize = 2;

/// A line as it was read; no text when it is longer than the limit.
struct Line {
    number: u64,
    text: Option<Vec<u8>>,
}

struct Chunk {
    lines: Vec<Line>,
    bytes: u64,
}

/// What became of one line.
pub(crate) struct Answer {
    pub(crate) line: u64,
    /// Empty when the line holds no token.
    pub(crate) verdicts: Vec<Verdict>,
}

struct Answers {
    answers: Vec<Answer>,
    bytes: u64,
}

pub(super) fn run(
    arguments: VerifyArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let judge_by = prepare(&arguments, global)?;
    let source = Source::of(arguments.token.as_deref())?;
    let (reader, size) = open(&source)?;
    let jobs = arguments.jobs.map_or_else(
        || thread::available_parallelism().map_or(1, usize::from),
        usize::from,
    );
    let mut tally = Tally::new(size, arguments.json);
    let extract = arguments.extract.as_ref();
    let read = work(jobs, reader, &judge_by, extract, &mut tally, output)?;
    output.flush()?;
    output.progress("");
    tally.tell(output);
    if let Err(error) = read {
        let reason = plain_reason(&error);
        let message = format!("cannot read {}: {reason}", source.spelling());
        return Err(Failure::new("io", Exit::Operator, message));
    }
    tally.verdict(arguments.extract.is_some())
}

fn open(source: &Source) -> Result<(Box<dyn Read + Send>, Option<u64>), Failure> {
    match source {
        Source::Stdin => Ok((Box::new(io::stdin()), None)),
        Source::Argument(text) => {
            let size = u64::try_from(text.len()).ok();
            Ok((Box::new(io::Cursor::new(text.clone().into_bytes())), size))
        }
        Source::File(path) => {
            let file = File::open(path).map_err(|error| Failure::file("read", path, &error))?;
            let metadata = file
                .metadata()
                .map_err(|error| Failure::file("read", path, &error))?;
            if metadata.is_dir() {
                let error = io::Error::from(io::ErrorKind::IsADirectory);
                return Err(Failure::file("read", path, &error));
            }
            let size = metadata.is_file().then_some(metadata.len());
            Ok((Box::new(file), size))
        }
    }
}

/// Deals chunks to `jobs` workers and collects the answers in order. The inner
/// result says whether the input could be read to its end.
fn work(
    jobs: usize,
    reader: Box<dyn Read + Send>,
    judge_by: &Judge,
    extract: Option<&Regex>,
    tally: &mut Tally,
    output: &mut Output,
) -> Result<io::Result<()>, Failure> {
    let limit = match extract {
        Some(_) => MAX_SEARCHED_LINE,
        None => MAX_TOKEN_BYTES,
    };
    thread::scope(|scope| {
        let mut inputs = Vec::with_capacity(jobs);
        let mut outputs = Vec::with_capacity(jobs);
        for _ in 0..jobs {
            let (to_worker, from_reader) = sync_channel::<Chunk>(WAITING);
            let (to_writer, from_worker) = sync_channel::<Answers>(WAITING);
            scope.spawn(move || {
                let mut scratch = Scratch::new();
                for chunk in from_reader {
                    let answers = answer(&chunk, judge_by, extract, &mut scratch);
                    if to_writer.send(answers).is_err() {
                        return;
                    }
                }
            });
            inputs.push(to_worker);
            outputs.push(from_worker);
        }
        let reading = scope.spawn(move || deal(reader, limit, &inputs));
        let collected = collect(outputs, tally, output);
        let read = reading
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the reader failed")));
        collected.map(|()| read)
    })
}

/// Reads the stream and deals it to the workers in turn, until it ends or they leave.
fn deal(
    reader: Box<dyn Read + Send>,
    limit: usize,
    workers: &[SyncSender<Chunk>],
) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(CHUNK_BYTES, reader);
    let mut turn = workers.iter().cycle();
    let mut number = 0;
    loop {
        let chunk = next_chunk(&mut reader, limit, &mut number)?;
        if chunk.lines.is_empty() {
            return Ok(());
        }
        let Some(worker) = turn.next() else {
            return Ok(());
        };
        if worker.send(chunk).is_err() {
            return Ok(());
        }
    }
}

/// The next lines: as many as a chunk holds, or fewer when reading on would have
/// to wait, so that a live stream is answered at once.
fn next_chunk<R: Read>(
    reader: &mut BufReader<R>,
    limit: usize,
    number: &mut u64,
) -> io::Result<Chunk> {
    let mut chunk = Chunk {
        lines: Vec::new(),
        bytes: 0,
    };
    while let Some((text, length)) = next_line(reader, limit)? {
        *number = number.saturating_add(1);
        chunk.bytes = chunk.bytes.saturating_add(length);
        chunk.lines.push(Line {
            number: *number,
            text,
        });
        let full = chunk.lines.len() >= CHUNK_LINES || chunk.bytes >= CHUNK_BYTES as u64;
        if full || reader.buffer().is_empty() {
            break;
        }
    }
    Ok(chunk)
}

/// One line without its end, and how many bytes were read for it; no text when it
/// is longer than `limit`. `None` at the end of the stream.
fn next_line(
    reader: &mut impl BufRead,
    limit: usize,
) -> io::Result<Option<(Option<Vec<u8>>, u64)>> {
    // One byte more than the longest line and its end, to notice a longer one.
    let room = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(3);
    let mut text = Vec::new();
    let read = reader.by_ref().take(room).read_until(b'\n', &mut text)?;
    let read = u64::try_from(read).unwrap_or(u64::MAX);
    if text.pop_if(|last| *last == b'\n').is_some() {
        text.pop_if(|last| *last == b'\r');
    } else if read == room {
        let skipped = reader.skip_until(b'\n')?;
        let skipped = u64::try_from(skipped).unwrap_or(u64::MAX);
        return Ok(Some((None, read.saturating_add(skipped))));
    }
    Ok((read > 0).then_some((Some(text), read)))
}

fn answer(
    chunk: &Chunk,
    judge_by: &Judge,
    extract: Option<&Regex>,
    scratch: &mut Scratch,
) -> Answers {
    let answers = chunk
        .lines
        .iter()
        .map(|line| Answer {
            line: line.number,
            verdicts: answer_line(line, judge_by, extract, scratch),
        })
        .collect();
    Answers {
        answers,
        bytes: chunk.bytes,
    }
}

fn answer_line(
    line: &Line,
    judge_by: &Judge,
    extract: Option<&Regex>,
    scratch: &mut Scratch,
) -> Vec<Verdict> {
    let refused = |code: &str, message: &str| {
        vec![Verdict::Refused(vec![Failure::new(
            code,
            Exit::Refused,
            message,
        )])]
    };
    let Some(bytes) = &line.text else {
        return refused("too_long", "the line is longer than what is read");
    };
    let Some(expression) = extract else {
        return match std::str::from_utf8(bytes) {
            Ok(token) => vec![judge_line(judge_by, token, scratch)],
            Err(_) => refused("malformed", "the line is not UTF-8 text"),
        };
    };
    // A log may hold anything beside its tokens, and tokens are ASCII.
    let text = String::from_utf8_lossy(bytes);
    expression
        .captures_iter(&text)
        .filter_map(|captures| captures.get(1).or_else(|| captures.get(0)))
        .map(|found| judge_line(judge_by, found.as_str(), scratch))
        .collect()
}

/// Takes the answers in turn and prints them, until they end or nobody reads them.
fn collect(
    outputs: Vec<Receiver<Answers>>,
    tally: &mut Tally,
    output: &mut Output,
) -> Result<(), Failure> {
    for receiver in outputs.iter().cycle() {
        let answers = match receiver.try_recv() {
            Ok(answers) => answers,
            Err(TryRecvError::Disconnected) => break,
            Err(TryRecvError::Empty) => {
                // Nothing to do for a moment: let the reader have what there is.
                output.flush()?;
                match receiver.recv() {
                    Ok(answers) => answers,
                    Err(_) => break,
                }
            }
        };
        for answer in &answers.answers {
            tally.take(answer, output)?;
        }
        tally.advance(answers.bytes, output);
        if output.is_closed() {
            tally.cut_short();
            break;
        }
    }
    Ok(())
}
