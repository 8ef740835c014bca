//! The daemon: what it says, and how it ends.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStderr, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::past::{HOUR, Past};

/// A running `rotate --watch`; killed if the test fails before it ended.
struct Watch {
    child: Child,
    lines: BufReader<ChildStderr>,
}

impl Watch {
    fn start(past: &Past) -> Self {
        let mut command = past.place.command();
        command
            .args(["rotate", "--watch"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap());
        Self { child, lines }
    }

    /// The next line, without the time it begins with.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        let (time, told) = line.trim_end().split_once("  ").unwrap();
        assert!(tokenwright::UnixTime::parse_rfc3339(time).is_ok(), "{line}");
        told.to_owned()
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_daemon_does_what_is_due_and_ends_cleanly_when_told_to() {
    for signal in [Signal::TERM, Signal::INT] {
        let past = Past::new(HOUR);
        let mut watch = Watch::start(&past);
        assert!(watch.line().starts_with("watching /"));
        let event = watch.line();
        assert!(event.starts_with("standby published    "), "{event}");
        assert!(watch.line().starts_with("next due "));
        watch.signal(signal);
        assert_eq!(watch.line(), "stopped");
        assert_eq!(watch.child.wait().unwrap().code(), Some(0));
        assert_eq!(past.keys().len(), 2);
    }
}

#[test]
fn a_signal_before_the_first_run_is_not_lost() {
    let past = Past::with_standby(HOUR);
    let mut watch = Watch::start(&past);
    assert!(watch.line().starts_with("watching /"));
    watch.signal(Signal::TERM);
    assert_eq!(watch.child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_daemon_tells_a_failure_and_stays() {
    // Three periods without a commit: only a person may say that the clock is right.
    let past = Past::new(3 * 24 * HOUR);
    let mut watch = Watch::start(&past);
    assert!(watch.line().starts_with("watching /"));
    assert!(
        watch
            .line()
            .starts_with("error[clock_jump]: the clock says ")
    );
    watch.signal(Signal::TERM);
    assert_eq!(watch.line(), "stopped");
    assert_eq!(watch.child.wait().unwrap().code(), Some(0));
}
