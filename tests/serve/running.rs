//! A running server, and what it says.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::client::{Answer, Client, PATIENCE};
use crate::place::Place;

/// Killed if the test fails before it ended.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
    /// `127.0.0.1:PORT`, or `unix:PATH`.
    pub(crate) place: String,
}

impl Running {
    /// Starts `serve` on a free port of this machine.
    pub(crate) fn start(place: &Place, arguments: &[&str]) -> Self {
        let mut all = vec!["--listen", "127.0.0.1:0"];
        all.extend(arguments);
        Self::start_on(place, &all)
    }

    /// Starts `serve` as it is told, and waits for the line that says where it listens.
    pub(crate) fn start_on(place: &Place, arguments: &[&str]) -> Self {
        let mut command = place.command();
        command
            .arg("serve")
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let words = BufReader::new(child.stderr.take().unwrap());
        let (tell, lines) = channel();
        thread::spawn(move || {
            for line in words.lines() {
                if tell.send(line.unwrap()).is_err() {
                    return;
                }
            }
        });
        let mut running = Self {
            child,
            lines,
            said: Vec::new(),
            place: String::new(),
        };
        let first = running.line();
        let told = first.strip_prefix("listening on ").expect(&first);
        running.place = told.strip_prefix("http://").unwrap_or(told).to_owned();
        running
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.place.parse().unwrap()
    }

    pub(crate) fn client(&self) -> Client {
        Client::to(self.address()).unwrap()
    }

    /// Asks on a connection of its own.
    #[track_caller]
    pub(crate) fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        self.client().ask(method, target, headers).unwrap()
    }

    #[track_caller]
    pub(crate) fn get(&self, target: &str) -> Answer {
        self.ask("GET", target, &[])
    }

    /// Asks `/verify` with a bearer token.
    #[track_caller]
    pub(crate) fn verify(&self, query: &str, token: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        let target = format!("/verify{query}");
        self.ask("GET", &target, &[("Authorization", &bearer)])
    }

    /// The next line on standard error.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        let line = self.lines.recv_timeout(PATIENCE).expect("a line in time");
        self.said.push(line.clone());
        line
    }

    /// Everything it has said, once it has ended.
    pub(crate) fn all_lines(&mut self) -> String {
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.said.push(line);
        }
        self.said.join("\n")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    /// How it ended; panics if it does not in time.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it is still running");
            pause();
        }
    }

    /// Ends it in order, and gives everything it said.
    #[track_caller]
    pub(crate) fn stop(mut self) -> String {
        self.signal(Signal::TERM);
        assert_eq!(self.ended().code(), Some(0));
        self.all_lines()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again and again until the answer is yes; panics if it never is.
#[track_caller]
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        pause();
    }
}

/// Between two looks at something that another process does.
pub(crate) fn pause() {
    thread::sleep(Duration::from_millis(10));
}
