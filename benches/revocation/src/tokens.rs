//! What revocation adds to verifying and minting a token.

use std::hint::black_box;
use std::time::Duration;

use allocation_counter::measure as allocations_of;
use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::{
    Claims, Freshness, KeySet, LiveRevocations, ManualClock, Minter, Policy, Scratch, Verifier,
    WhenUnknown,
};

use crate::measure::{Before, Contestant, medians};
use crate::report::{Report, Target};
use crate::{ISSUER, NOW};

/// Tokens of one round. Each round has others, so that what a check looks up is not
/// still at hand from the round before.
const BATCH: usize = 400;
const BATCHES: usize = 50;

/// Verifies and mints with each of these lists and without.
pub fn compare(report: &mut Report, lists: &[(String, LiveRevocations)], rounds: usize) {
    let key = SigningKey::generate(Algorithm::EdDsa).expect("a key");
    let keys = KeySet::of([key.verifying_key()]).expect("a key set");
    let fresh = Freshness::new(Duration::from_secs(60), WhenUnknown::Refuse);
    let builder = || {
        let policy = Policy::new(ISSUER, "orders-api");
        Verifier::builder(keys.clone()).policy(policy)
    };
    let clock = || ManualClock::at(NOW);
    let mut verifiers = vec![(
        "none".to_owned(),
        builder().without_revocation().clock(clock()).build(),
    )];
    for (name, list) in lists {
        let verifier = builder()
            .revocation(list.clone(), fresh)
            .clock(clock())
            .build();
        verifiers.push((name.clone(), verifier));
    }
    let minter = |key: Option<SigningKey>, list: Option<&LiveRevocations>| {
        let key = key.unwrap_or_else(|| SigningKey::generate(Algorithm::EdDsa).expect("a key"));
        let builder = Minter::builder(key, ISSUER)
            .audience("orders-api")
            .clock(clock());
        match list {
            Some(list) => builder.revocation(list.clone(), fresh).build(),
            None => builder.build(),
        }
        .expect("a minter")
    };
    let claims = Claims::for_subject("alice")
        .with_scope("read write")
        .with_session_id("login-7");
    let plain = minter(Some(key), None);
    let tokens: Vec<String> = (0..BATCH * BATCHES)
        .map(|_| plain.mint(&claims).expect("a token"))
        .collect();
    let batch = |round: usize| {
        tokens
            .chunks(BATCH)
            .nth(round % BATCHES)
            .unwrap_or_default()
    };

    let mut verifying: Vec<Contestant<'_>> = verifiers
        .iter()
        .map(|(name, verifier)| {
            let mut scratch = Scratch::new();
            Contestant::new(
                format!("verify_borrowed, EdDSA, revocations: {name}"),
                move |round| {
                    for token in batch(round) {
                        let verified = verifier.verify_borrowed(black_box(token), &mut scratch);
                        assert!(verified.is_ok());
                    }
                    BATCH
                },
            )
        })
        .collect();
    publish(report, &mut verifying, rounds, 1.05);

    let mut minters = vec![("none".to_owned(), plain)];
    for (name, list) in lists {
        minters.push((name.clone(), minter(None, Some(list))));
    }
    let mut minting: Vec<Contestant<'_>> = minters
        .iter()
        .map(|(name, minter)| {
            let claims = &claims;
            Contestant::new(format!("mint, EdDSA, revocations: {name}"), move |_| {
                for _ in 0..BATCH {
                    assert!(minter.mint(black_box(claims)).is_ok());
                }
                BATCH
            })
        })
        .collect();
    publish(report, &mut minting, rounds, 1.05);

    let Some((_, verifier)) = verifiers.last() else {
        return;
    };
    let mut scratch = Scratch::new();
    let mut verify = || {
        tokens
            .iter()
            .take(100)
            .all(|token| verifier.verify_borrowed(token, &mut scratch).is_ok())
    };
    assert!(verify());
    let counted = allocations_of(|| assert!(verify()));
    report.figure(
        "allocations in 100 verifications",
        counted.count_total as f64,
        "",
        Target::AtMost(0.0),
    );
}

fn publish(report: &mut Report, all: &mut [Contestant<'_>], rounds: usize, at_most: f64) {
    let times = medians(all, rounds, Before::Nothing);
    let without = times[0];
    for (one, time) in all.iter().zip(&times) {
        report.figure(&one.name, *time, "ns", Target::None);
    }
    for (one, time) in all.iter().zip(&times).skip(1) {
        let name = format!("ratio to none: {}", one.name);
        report.figure(&name, time / without, "", Target::AtMost(at_most));
    }
}
