//! What a signed list weighs on its way to another machine, and how fast it is there.

use std::time::Duration;

use tokenwright::distribution::{RevocationEdition, RevocationPublisher, RevocationReplica};
use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::{Revocation, RevocationList, RevocationView, UnixTime};

use crate::ids::{ABSENT, Ids};
use crate::measure::{Stopwatch, percentile};
use crate::report::{Report, Target};
use crate::{ISSUER, NOW};

const LIST: &str = "Zm9yIGEgbGlzdCBpZA";

/// Tokens of a quarter of an hour: their entries end in as many different seconds.
fn tokens(ids: &Ids) -> impl Iterator<Item = Revocation<'_>> {
    ids.iter().zip(0..).map(|(id, number): (_, i64)| {
        let until = UnixTime::from_seconds(NOW.seconds() + 60 + number % 900);
        Revocation::token(ISSUER, id, NOW, until)
    })
}

/// A snapshot of so many entries, deltas onto it, and both taken in.
pub fn compare(report: &mut Report, entries: u64) {
    let size = format!("10^{}", entries.ilog10());
    let key = SigningKey::generate(Algorithm::EdDsa).expect("a key");
    let publisher = RevocationPublisher::new(ISSUER, Duration::from_secs(300));
    let mut list = RevocationList::for_list(LIST);
    list.extend(tokens(&Ids::of(0..entries)))
        .expect("room in the list");
    let numbered = |seq: u64, list: &RevocationList| {
        let view = RevocationView::new(list.clone(), NOW);
        RevocationEdition::new(LIST, 1, seq, view).expect("an edition")
    };

    let start = Stopwatch::start();
    let mut edition = numbered(1, &list);
    let snapshot = publisher.snapshot(&key, &edition).expect("a snapshot");
    let signing = start.elapsed().as_secs_f64();
    let each = |bytes: usize, entries: u64| bytes as f64 / entries as f64;
    report.figure(
        &format!("{size}: snapshot"),
        each(snapshot.len(), entries),
        "bytes an entry",
        Target::AtMost(6.0),
    );
    report.figure(
        &format!("{size}: snapshot made and signed"),
        signing,
        "s",
        Target::None,
    );

    let mut replica = RevocationReplica::of_list(ISSUER, LIST);
    let times = (0..5).map(|_| {
        replica = RevocationReplica::of_list(ISSUER, LIST);
        let start = Stopwatch::start();
        replica
            .apply(snapshot.as_slice(), &key.verifying_key(), NOW)
            .expect("our own snapshot");
        start.elapsed().as_secs_f64()
    });
    let imported = percentile(times.collect(), 0.5);
    report.figure(
        &format!("{size}: snapshot checked and taken in"),
        imported,
        "s",
        Target::AtMost(2.0),
    );

    for (added, target) in [
        (100, Target::None),
        (1_000, Target::AtMost(14.0)),
        (10_000, Target::AtMost(14.0)),
    ] {
        let ids = Ids::of(ABSENT..ABSENT + added);
        list.extend(tokens(&ids)).expect("room in the list");
        let next = numbered(added, &list);
        let delta = publisher.delta(&key, &edition, &next).expect("a delta");
        edition = next;
        report.figure(
            &format!("{size}: delta of {added} entries"),
            each(delta.len(), added),
            "bytes an entry",
            target,
        );
        let start = Stopwatch::start();
        replica
            .apply(delta.as_slice(), &key.verifying_key(), NOW)
            .expect("the next delta");
        let taken = start.elapsed().as_secs_f64() * 1e6;
        report.figure(
            &format!("{size}: delta of {added} checked and taken in"),
            taken,
            "µs",
            Target::None,
        );
    }
}
