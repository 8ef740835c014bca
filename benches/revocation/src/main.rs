//! Figures of the revocation list, in one run and one table.
//!
//! ```text
//! cargo run --release --manifest-path benches/revocation/Cargo.toml -- [--quick] [--json FILE] [--checks N]
//! ```
//!
//! `--quick` takes less than a minute and skips the largest sizes of what is only
//! compared with; `--checks` says how many absent ids are asked about to count false
//! refusals (10^9, or 10^7 with `--quick`). Ends with 1 if a target was missed.

mod ids;
mod lookups;
mod measure;
#[allow(
    dead_code,
    reason = "the table's own source, of which a part is measured"
)]
#[path = "../../../src/revocation/partition.rs"]
mod partition;
mod redis_peer;
mod report;
#[path = "../../../src/revocation/sieve.rs"]
mod sieve;
#[allow(
    dead_code,
    reason = "the table's own source, of which a part is measured"
)]
#[path = "../../../src/revocation/table.rs"]
mod table;
mod tokens;
mod wire;

use std::process::ExitCode;

use report::{Report, Target};
use tokenwright::{LiveRevocations, UnixTime};

const ISSUER: &str = "https://auth.example";
const NOW: UnixTime = UnixTime::from_seconds(1_760_000_000);
const UNTIL: UnixTime = UnixTime::from_seconds(2_000_000_000);

struct Options {
    quick: bool,
    json: Option<String>,
    checks: Option<u64>,
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        quick: false,
        json: None,
        checks: None,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--quick" => options.quick = true,
            "--json" => options.json = Some(value()?),
            "--checks" => {
                let number = value()?.parse().map_err(|_| "--checks needs a number")?;
                options.checks = Some(number);
            }
            // What `cargo bench` adds.
            "--bench" => {}
            other => {
                return Err(format!(
                    "unknown argument {other}; known are --quick, --json FILE, --checks N"
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
    let mut report = Report::default();
    measure_all(&mut report, &options);
    let failed = report.failed();
    println!("\n{failed} targets missed");
    if let Some(path) = &options.json {
        let text = format!("{:#}\n", report.into_json());
        if let Err(error) = std::fs::write(path, text) {
            eprintln!("{path} cannot be written: {error}");
            return ExitCode::from(2);
        }
    }
    ExitCode::from(u8::from(failed > 0))
}

fn measure_all(report: &mut Report, options: &Options) {
    let rounds = if options.quick { 7 } else { 21 };
    report.section(
        "Looking up (median of interleaved rounds; 16-byte ids; misses unless it says hit)",
    );
    for (entries, target) in [
        (10_000, Target::None),
        (1_000_000, Target::AtMost(10.0)),
        (10_000_000, Target::AtMost(20.0)),
    ] {
        let strings = entries < 10_000_000 || !options.quick;
        lookups::compare(report, entries, rounds, target, strings);
    }
    redis_peer::compare(
        report,
        1_000_000,
        if options.quick { 5_000 } else { 50_000 },
    );

    let large = LiveRevocations::new(lookups::list(10_000_000).0, NOW);
    let medium = LiveRevocations::new(lookups::list(1_000_000).0, NOW);
    report.section("Whole operations (interleaved medians)");
    let lists = [
        ("10^6".to_owned(), medium.clone()),
        ("10^7".to_owned(), large.clone()),
    ];
    tokens::compare(report, &lists, if options.quick { 41 } else { 201 });
    lookups::allocations(report, &large);

    report.section("Adding and pruning");
    lookups::changes(report, 1_000_000);
    if !options.quick {
        lookups::changes(report, 10_000_000);
    }

    report.section("On the wire");
    wire::compare(report, 1_000_000);

    report.section("Exactness");
    let checks = options.checks.unwrap_or(if options.quick {
        10_000_000
    } else {
        1_000_000_000
    });
    lookups::false_refusals(report, &large, checks);
}
