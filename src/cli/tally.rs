//! Counting and telling what came of a batch.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use super::commands::verify::{Answer, Verdict};
use super::failure::{Exit, Failure};
use super::output::Output;

/// Work shorter than this shows no progress.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two pictures of the progress.
const REFRESH: Duration = Duration::from_millis(100);
/// Width of the progress bar, in characters.
const BAR: u64 = 24;

/// The counts of a batch. They are printed, never returned.
pub(crate) struct Tally {
    lines: u64,
    without_token: u64,
    valid: u64,
    refused: u64,
    undecided: u64,
    by_code: BTreeMap<String, u64>,
    json: bool,
    cut_short: bool,
    bytes: u64,
    size: Option<u64>,
    began: Instant,
    shown: Option<Instant>,
    on_terminal: bool,
}

impl Tally {
    /// Counts for an input of `size` bytes, if that is known.
    pub(crate) fn new(size: Option<u64>, json: bool) -> Self {
        Self {
            lines: 0,
            without_token: 0,
            valid: 0,
            refused: 0,
            undecided: 0,
            by_code: BTreeMap::new(),
            json,
            cut_short: false,
            bytes: 0,
            size,
            began: Instant::now(),
            shown: None,
            on_terminal: io::stderr().is_terminal(),
        }
    }

    /// Counts one line's answer and prints it.
    pub(crate) fn take(&mut self, answer: &Answer, output: &mut Output) -> Result<(), Failure> {
        self.lines = self.lines.saturating_add(1);
        if answer.verdicts.is_empty() {
            self.without_token = self.without_token.saturating_add(1);
        }
        for verdict in &answer.verdicts {
            self.count(verdict);
            if self.json {
                let mut members = vec![("line", answer.line.to_string())];
                members.extend(verdict.members());
                output.json("verify", &members)?;
            } else if let Verdict::Valid(valid) = verdict {
                output.line(&valid.claims)?;
            }
            if let Verdict::Refused(_) = verdict {
                verdict.tell(&format!("line {}: ", answer.line), output);
            }
        }
        Ok(())
    }

    fn count(&mut self, verdict: &Verdict) {
        let counter = match verdict.exit() {
            Exit::Done => &mut self.valid,
            Exit::Undecided | Exit::Operator | Exit::Usage => &mut self.undecided,
            Exit::Refused | Exit::Time | Exit::Revoked => &mut self.refused,
        };
        *counter = counter.saturating_add(1);
        if let Verdict::Refused(reasons) = verdict
            && let Some(first) = reasons.first()
        {
            let count = self.by_code.entry(first.code.clone()).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// Notes that so many bytes of the input are done, and shows it from time to time.
    pub(crate) fn advance(&mut self, bytes: u64, output: &mut Output) {
        self.bytes = self.bytes.saturating_add(bytes);
        let recently = self.shown.is_some_and(|shown| shown.elapsed() < REFRESH);
        if self.on_terminal && self.began.elapsed() >= PATIENCE && !recently {
            self.shown = Some(Instant::now());
            output.progress(&self.picture());
        }
    }

    fn picture(&self) -> String {
        let seconds = self.began.elapsed().as_secs().max(1);
        let rate = self.lines.checked_div(seconds).unwrap_or(0);
        let counts = format!(
            "{} lines, {} valid, {} refused, {rate} lines/s",
            self.lines, self.valid, self.refused
        );
        let Some(size) = self.size.filter(|size| *size > 0) else {
            return counts;
        };
        let done = self
            .bytes
            .min(size)
            .saturating_mul(BAR)
            .checked_div(size)
            .unwrap_or(0);
        let bar: String = (0..BAR)
            .map(|step| if step < done { '#' } else { '.' })
            .collect();
        format!("[{bar}] {counts}")
    }

    /// Notes that whoever read the answers left before the end.
    pub(crate) fn cut_short(&mut self) {
        self.cut_short = true;
    }

    /// The summary, on standard error.
    pub(crate) fn tell(&self, output: &mut Output) {
        if self.cut_short {
            return;
        }
        let mut text = format!(
            "{} {}: {} valid",
            self.lines,
            plural(self.lines),
            self.valid
        );
        let bad = self.refused.saturating_add(self.undecided);
        if bad > 0 {
            let codes: Vec<String> = self
                .by_code
                .iter()
                .map(|(code, count)| format!("{count} {code}"))
                .collect();
            text.push_str(&format!(", {bad} refused ({})", codes.join(", ")));
        }
        if self.without_token > 0 {
            text.push_str(&format!(", {} without a token", self.without_token));
        }
        output.note(text);
    }

    /// The exit code: 0 all valid, 5 if any is undecided, else 1.
    pub(crate) fn verdict(&self, searched: bool) -> Result<Exit, Failure> {
        if self.undecided > 0 {
            return Ok(Exit::Undecided);
        }
        if self.refused > 0 {
            return Ok(Exit::Refused);
        }
        if self.cut_short {
            // What was left unread is undecided.
            return Ok(Exit::Undecided);
        }
        if searched && self.lines > 0 && self.valid == 0 {
            let message = "the expression found no token in any line";
            return Err(Failure::new("no_token", Exit::Refused, message));
        }
        Ok(Exit::Done)
    }
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "line" } else { "lines" }
}
