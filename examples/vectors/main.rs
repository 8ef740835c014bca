//! Runs files of public test cases and prints what passed.
//!
//! `cargo run --release --example vectors -- FILE.jsonl…`
//!
//! Each line of a file is one case; the fields are those that published suites
//! share (`id`, `kind`, `token`, `jwk` or `jwks`, `allow_algs`, `options`,
//! `expect`). The exit code is 1 when any case failed.

mod runner;

use std::process::ExitCode;

fn main() -> ExitCode {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        eprintln!("usage: vectors FILE.jsonl…");
        return ExitCode::from(2);
    }
    let mut all_passed = true;
    for file in &files {
        match std::fs::read_to_string(file) {
            Ok(text) => {
                let report = runner::run(&text);
                println!("{file}\n{report}");
                all_passed &= report.failed.is_empty();
            }
            Err(error) => {
                eprintln!("error: cannot read {file}: {error}");
                all_passed = false;
            }
        }
    }
    if all_passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    }
}
