//! Requests for so many seconds, from one process to another, with rotations and a
//! thousand revocations in the middle.
//!
//! ```text
//! cargo run --release --manifest-path benches/load/Cargo.toml -- --seconds 60
//! ```
//!
//! Five servers, one after the other: `serve` without and with a token to judge, an
//! axum handler without anything, with our layer, and with a layer on the
//! `jsonwebtoken` crate. The keyring rotates every 20 seconds, which is as short as a
//! policy can be with tokens of five minutes; from the middle on, 1,000 entries are
//! added to the revocation list. Generator and server share the machine's processors.

mod drive;
mod scene;
mod servers;

use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "load [--seconds 60] [--connections 8] [--only NAME]\n\
    names: serve-plain serve-verify axum-plain axum-layer axum-jsonwebtoken";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [role, folder] = arguments.as_slice()
        && let Some(kind) = role.strip_prefix("server=")
    {
        servers::run(kind, folder);
        return ExitCode::SUCCESS;
    }
    let mut seconds = 60;
    let mut connections = 8;
    let mut only = None;
    let mut rest = arguments.iter();
    while let Some(name) = rest.next() {
        let value = rest.next();
        match (name.as_str(), value.map(|value| (value, value.parse()))) {
            ("--seconds", Some((_, Ok(value)))) => seconds = value,
            ("--connections", Some((_, Ok(value)))) => connections = value,
            ("--only", Some((value, _))) => only = Some(value.clone()),
            _ => {
                eprintln!("{USAGE}");
                return ExitCode::from(2);
            }
        }
    }
    let span = Duration::from_secs(seconds);
    println!("{}", drive::Figures::HEAD);
    let mut all_good = true;
    for kind in servers::KINDS {
        if only.as_deref().is_none_or(|only| only == kind) {
            let figures = drive::run(kind, span, connections as usize);
            println!("{figures}");
            all_good &= figures.is_good();
        }
    }
    match all_good {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
