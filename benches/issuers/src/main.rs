//! `Verifiers` of 1, 10, 100 and 1,000 issuers, each with two keys: the time of one
//! verification, with tokens of all issuers in turn, beside that of a single `Verifier`.
//! All run in turn, round after round; the median of the rounds counts, in processor
//! time of this thread.
//!
//! ```text
//! cargo run --release --manifest-path benches/issuers/Cargo.toml
//! ```

use std::error::Error;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokenwright::key::{Algorithm, KeyTables, SigningKey};
use tokenwright::limits::MAX_KEY_TABLES;
use tokenwright::{Claims, KeySet, Minter, Policy, Scratch, Verifier, Verifiers};

const ROUNDS: usize = 41;
const IN_A_ROUND: usize = 2_000;
/// What a hundred issuers may cost above one, in per cent.
const TARGET: f64 = 10.0;

type Judge = Box<dyn Fn(&str, &mut Scratch) -> bool>;

struct Contestant {
    name: String,
    judge: Judge,
    tokens: Vec<String>,
    rounds: Vec<f64>,
}

fn issuer(number: usize) -> Result<(Verifier, String), Box<dyn Error>> {
    let name = format!("https://issuer-{number}.example");
    let (key, other) = (
        SigningKey::generate(Algorithm::EdDsa)?,
        SigningKey::generate(Algorithm::EdDsa)?,
    );
    let keys = KeySet::of([key.verifying_key(), other.verifying_key()])?;
    let verifier = Verifier::builder(keys)
        .policy(Policy::new(&name, "orders-api"))
        .without_revocation()
        .build();
    let minter = Minter::builder(key, &name)
        .audience("orders-api")
        .lifetime(Duration::from_secs(3_600))
        .build()?;
    let claims = Claims::for_subject("alice").with_scope("orders:read");
    Ok((verifier, minter.mint(&claims)?))
}

fn of_issuers(count: usize) -> Result<Contestant, Box<dyn Error>> {
    let issuers: Vec<_> = (0..count).map(issuer).collect::<Result<_, _>>()?;
    let (verifiers, tokens): (Vec<_>, Vec<_>) = issuers.into_iter().unzip();
    let verifiers = Verifiers::of(verifiers)?;
    Ok(Contestant {
        name: format!("Verifiers of {count}"),
        judge: Box::new(move |token, scratch| verifiers.verify_borrowed(token, scratch).is_ok()),
        tokens,
        rounds: Vec::new(),
    })
}

fn single() -> Result<Contestant, Box<dyn Error>> {
    let (verifier, token) = issuer(0)?;
    Ok(Contestant {
        name: "Verifier".to_owned(),
        judge: Box::new(move |token, scratch| verifier.verify_borrowed(token, scratch).is_ok()),
        tokens: vec![token],
        rounds: Vec::new(),
    })
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("a time that is not negative")
}

impl Contestant {
    /// Nanoseconds of one verification.
    fn round(&self) -> f64 {
        let mut scratch = Scratch::new();
        let tokens = self.tokens.iter().cycle().take(IN_A_ROUND);
        let began = processor_time();
        let good = tokens
            .filter(|token| (self.judge)(token, &mut scratch))
            .count();
        let took = processor_time() - began;
        assert_eq!(good, IN_A_ROUND, "a good token was refused");
        took.as_secs_f64() * 1e9 / IN_A_ROUND as f64
    }

    fn median(&mut self) -> f64 {
        self.rounds.sort_by(f64::total_cmp);
        self.rounds[self.rounds.len() / 2]
    }
}

/// Medians of one pass, each beside that of one issuer; what a hundred cost above one.
fn compare() -> Result<f64, Box<dyn Error>> {
    let mut contestants = vec![single()?];
    for count in [1, 10, 100, 1_000] {
        contestants.push(of_issuers(count)?);
    }
    let several = contestants.len();
    for round in 0..ROUNDS {
        for turn in 0..several {
            // Nobody always follows the same one.
            let contestant = &mut contestants[(turn + round) % several];
            let time = contestant.round();
            contestant.rounds.push(time);
        }
    }
    let medians: Vec<f64> = contestants.iter_mut().map(Contestant::median).collect();
    let of_one = medians[1];
    for (contestant, median) in contestants.iter().zip(&medians) {
        let above = (median / of_one - 1.0) * 100.0;
        println!("{:<20} {median:>9.0} ns {above:>+7.1} %", contestant.name);
    }
    Ok((medians[3] / of_one - 1.0) * 100.0)
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("finding the issuer: no key has a table");
    KeyTables::OnRequest { at_most: 0 }.apply();
    let above = compare()?;
    println!("all issuers busy at once: {MAX_KEY_TABLES} keys have tables, the others none");
    KeyTables::default().apply();
    compare()?;
    if above > TARGET {
        println!(
            "MISSED: 100 issuers cost {above:.1} % more than one, at most {TARGET} % is meant"
        );
        std::process::exit(1);
    }
    Ok(())
}
