//! What a signed revocation list costs: bytes an entry, time to sign and to take it.
//!
//! ```text
//! cargo run --release --no-default-features --example signed_list -- [ENTRIES]
//! ```

use std::time::{Duration, Instant};

use tokenwright::distribution::{
    Applied, RevocationEdition, RevocationPublisher, RevocationReplica,
};
use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::{Revocation, RevocationList, RevocationView, UnixTime};

const ISSUER: &str = "https://auth.example";
const NOW: UnixTime = UnixTime::from_seconds(1_760_000_000);

/// Ids as a minter makes them, without their randomness; kept for up to thirty days.
fn entries(numbers: std::ops::Range<u64>) -> impl Iterator<Item = Revocation<'static>> {
    numbers.map(|number| {
        let until = NOW.saturating_add(Duration::from_secs(1 + number * 7_919 % 2_592_000));
        Revocation::token(ISSUER, format!("{number:022}"), NOW, until)
    })
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let result = work();
    println!("{what:<44} {:>9.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    result
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count = match std::env::args().nth(1) {
        Some(text) => text.parse()?,
        None => 1_000_000,
    };
    let key = SigningKey::generate(Algorithm::EdDsa)?;
    let publisher = RevocationPublisher::new(ISSUER, Duration::from_secs(600));
    let mut list = RevocationList::for_list("list");
    timed("building the list", || list.extend(entries(0..count)))?;
    let view = RevocationView::new(list.clone(), NOW);
    let edition = timed("digest of the edition", || {
        RevocationEdition::new("list", 1, count, view)
    })?;
    let snapshot = timed("signing the snapshot", || {
        publisher.snapshot(&key, &edition)
    })?;
    println!(
        "snapshot of {count}: {} bytes, {:.3} an entry",
        snapshot.len(),
        snapshot.len() as f64 / count as f64
    );
    let mut replica = RevocationReplica::of_list(ISSUER, "list");
    let taken = timed("taking the snapshot", || {
        replica.apply(snapshot.as_slice(), &key.verifying_key(), NOW)
    })?;
    assert!(matches!(taken, Applied::Replaced { entries } if entries as u64 == count));

    let mut before = edition;
    let mut seq = count;
    for more in [1, 10, 100, 1_000, 10_000, 100_000] {
        list.extend(entries(seq..seq + more))?;
        seq += more;
        let view = RevocationView::new(list.clone(), NOW);
        let edition = RevocationEdition::new("list", 1, seq, view)?;
        let begun = Instant::now();
        let delta = publisher.delta(&key, &before, &edition)?;
        let signed = begun.elapsed();
        let head = delta.iter().take_while(|byte| **byte != b'\n').count() + 1;
        let begun = Instant::now();
        replica.apply(delta.as_slice(), &key.verifying_key(), NOW)?;
        println!(
            "delta of {more:>6}: {:>7} bytes, of these {head} head; {:>6.2} an entry without, {:>7.2} with it; \
             signed in {:.1} ms, taken in {:.1} ms",
            delta.len(),
            (delta.len() - head) as f64 / more as f64,
            delta.len() as f64 / more as f64,
            signed.as_secs_f64() * 1e3,
            begun.elapsed().as_secs_f64() * 1e3,
        );
        before = edition;
    }
    Ok(())
}
