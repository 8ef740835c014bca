//! Compares our verdicts with those of jsonwebtoken and pasetors, on generated and
//! changed tokens and keys.
//!
//! `cargo run --release --example differential -- [--cases 1000000] [--seed N]`
//!
//! The settings are the same on both sides as far as both have them. Every difference
//! must be in the table of `table.rs`, which gives its reason; the exit code is 1 when
//! one is not.

mod draft;
mod engine;
#[expect(dead_code, reason = "the tests of attacks use the rest")]
mod forge;
mod jwt;
mod jwt_text;
mod mangle;
mod paseto;
mod random;
mod table;
mod verdict;

use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let Some((cases, seed)) = arguments() else {
        eprintln!("usage: differential [--cases COUNT] [--seed NUMBER]");
        return ExitCode::from(2);
    };
    let start = Instant::now();
    let report = engine::run(cases, seed);
    println!("{report}");
    println!(
        "{cases} cases, seed {seed}, {:.1} s",
        start.elapsed().as_secs_f64()
    );
    ExitCode::from(u8::from(report.unexplained_count > 0))
}

fn arguments() -> Option<(u64, u64)> {
    let (mut cases, mut seed) = (1_000_000, 1);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next()?.parse().ok()?;
        match name.as_str() {
            "--cases" => cases = value,
            "--seed" => seed = value,
            _ => return None,
        }
    }
    Some((cases, seed))
}
