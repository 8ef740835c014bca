//! Minting and verifying beside other libraries and beside the bare signature, in one
//! process, in turn, with the same tokens and the same checks.
//!
//! ```text
//! cargo run --release --manifest-path benches/peers/Cargo.toml -- [--quick] [--json FILE] [--svg FILE] [--only PART]
//! ```
//!
//! Everybody reads a key once and keeps it. Each then gets the same tokens of 8 claims and
//! must refuse the same five wrong ones before anything is timed: a changed signature,
//! one that has expired, one that is not valid yet, another issuer's and another audience's.
//! Figures are medians of many short turns; ± is half of what lies between the quartiles.
//! What is compared with the target is our time as a share of the fastest peer's, or our
//! time in nanoseconds where nobody else has such an operation.
//!
//! A busy key has verified thousands of tokens; a cold one none, though it has been read
//! and vetted, which the peers' keys have been as well.
//!
//! Ends with 1 if a target was missed.

mod counting;
mod drawing;
mod measure;
mod operations;
mod peers;
mod report;
mod scale;
mod scene;

use std::process::ExitCode;

use operations::{Choice, Rounds};
use report::Report;

struct Options {
    quick: bool,
    json: Option<String>,
    svg: Option<String>,
    only: Choice,
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        quick: false,
        json: None,
        svg: None,
        only: Choice(None),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--quick" => options.quick = true,
            "--json" => options.json = Some(value()?),
            "--svg" => options.svg = Some(value()?),
            "--only" => options.only = Choice(Some(value()?)),
            other => {
                return Err(format!(
                    "unknown argument {other}; known are --quick, --json FILE, --svg FILE, --only PART"
                ));
            }
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    peers::install_engines();
    let rounds = if options.quick {
        Rounds {
            target: 41,
            rest: 15,
        }
    } else {
        Rounds {
            target: 301,
            rest: 101,
        }
    };
    let mut report = Report::default();
    operations::measure(&mut report, rounds, &options.only);
    scale::measure(&mut report, rounds.target, &options.only);
    let missed = report.missed();
    println!("\n{}\n{missed} targets missed", report.summary());
    let files = [
        (options.json, format!("{:#}\n", report.json())),
        (options.svg, drawing::draw(&report.rows, &machine())),
    ];
    for (path, text) in files {
        if let Some(path) = path
            && let Err(error) = std::fs::write(&path, text)
        {
            eprintln!("{path} cannot be written: {error}");
            return ExitCode::from(2);
        }
    }
    ExitCode::from(u8::from(missed > 0))
}

/// What it was measured on.
fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .and_then(|rest| rest.split(':').nth(1))
        .map_or(std::env::consts::ARCH, str::trim);
    format!("One thread, {model}; medians of one run, tokens of 8 claims. Shorter is better.")
}
