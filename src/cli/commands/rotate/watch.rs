//! `tokenwright rotate --watch`: a small daemon that does what becomes due.

use std::io::{self, ErrorKind, Read as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;
use tokenwright::store::{RunOptions, Scheduler};
use tokenwright::{Clock as _, SystemClock, UnixTime};

use super::event::Told;
use super::now::{NowArguments, explained, left_behind};
use super::{open_ring, scheduler, unlock};
use crate::cli::arguments::GlobalArguments;
use crate::cli::escape::Escaped;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::times;

/// Longest sleep: the keyring may be changed by others, and clocks may be set.
const LONGEST: Duration = Duration::from_secs(60);
/// Shortest sleep, so that work that cannot be done does not become a busy loop.
const SHORTEST: Duration = Duration::from_secs(1);

pub(super) fn run(
    arguments: &NowArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    // Before the first line, so that whoever reads it may signal at once.
    let signals = Signals::listen().map_err(|error| {
        let message = format!("cannot listen for signals: {error}");
        Failure::new("io", Exit::Operator, message)
    })?;
    let ring = open_ring(global)?;
    let mut watch = Watch {
        scheduler: scheduler(&ring.store, SystemClock, &arguments.passphrase)?,
        options: RunOptions {
            jump: arguments.force.jump(),
            seen: Some(ring.keyring().version()),
        },
        next: None,
        last_failure: String::new(),
    };
    let folder = ring.store.name().to_owned();
    output.words(&format!(
        "{}  watching {}",
        times::rfc3339(SystemClock.now()),
        Escaped(&folder)
    ));
    loop {
        watch.round(arguments, output);
        if signals.within(watch.pause(SystemClock.now())) {
            break;
        }
    }
    output.words(&format!("{}  stopped", times::rfc3339(SystemClock.now())));
    Ok(Exit::Done)
}

struct Watch {
    scheduler: Scheduler,
    options: RunOptions,
    next: Option<UnixTime>,
    last_failure: String,
}

impl Watch {
    /// Does what is due. A failure is told once, until another or none takes its place.
    fn round(&mut self, arguments: &NowArguments, output: &mut Output) {
        let mut result = self.scheduler.run_due(&self.options);
        if let Err(error) = &result
            && error.needs_passphrase()
            && arguments.passphrase.passphrase_file.is_none()
            && let Ok(passphrase) = unlock(&arguments.passphrase)
        {
            self.scheduler = self.scheduler.clone().passphrase(passphrase);
            result = self.scheduler.run_due(&self.options);
        }
        let now = SystemClock.now();
        match result {
            Ok(performed) => {
                for event in &performed.events {
                    output.words(&Told::of(event).line(now));
                }
                left_behind(&performed, output);
                self.options.seen = Some(performed.version);
                // A person accepted one leap of the clock, not those to come.
                self.options.jump = tokenwright::keyring::LargeJump::Refuse;
                if !self.last_failure.is_empty() {
                    self.last_failure.clear();
                    output.words(&format!("{}  all is well again", times::rfc3339(now)));
                }
                self.tell_next(performed.next_due, now, output);
            }
            Err(error) => {
                for event in error.events() {
                    output.words(&Told::of(event).line(now));
                }
                let failure = explained(&error);
                if failure.message != self.last_failure {
                    let place = format!("{}  ", times::rfc3339(now));
                    output.failure(
                        &place,
                        &Failure {
                            hints: Vec::new(),
                            ..explained(&error)
                        },
                    );
                    self.last_failure = failure.message;
                }
            }
        }
    }

    fn tell_next(&mut self, next: Option<UnixTime>, now: UnixTime, output: &mut Output) {
        if let Some(due) = next.filter(|_| next != self.next) {
            output.words(&format!(
                "{}  next due {} ({})",
                times::rfc3339(now),
                times::rfc3339(due),
                times::relative(due, now)
            ));
        }
        self.next = next;
    }

    /// Until the next due time, and not longer than a minute.
    fn pause(&self, now: UnixTime) -> Duration {
        let due = self.next.map_or(LONGEST, |next| next.saturating_since(now));
        match self.last_failure.is_empty() {
            true => due.clamp(SHORTEST, LONGEST),
            false => LONGEST,
        }
    }
}

/// A pipe into which the signals that end the program are written.
struct Signals(UnixStream);

impl Signals {
    fn listen() -> io::Result<Self> {
        let (reader, writer) = UnixStream::pair()?;
        pipe::register(SIGTERM, writer.try_clone()?)?;
        pipe::register(SIGINT, writer)?;
        Ok(Self(reader))
    }

    /// Waits; whether a signal came.
    fn within(&self, pause: Duration) -> bool {
        let mut byte = [0];
        if self.0.set_read_timeout(Some(pause)).is_err() {
            return true;
        }
        match (&self.0).read_exact(&mut byte) {
            Ok(()) => true,
            // An interrupted wait is one without a signal of ours: look around once more.
            Err(error) => !matches!(
                error.kind(),
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
            ),
        }
    }
}
