//! Proofs that are used again, and memories that are full.

use tokenwright::dpop::Proofs;
use tokenwright::key::Algorithm;
use tokenwright::{ErrorClass, ProofErrorKind, ProofOfPossession as _};

use crate::client::{ADDRESS, Client, NOW, at};

fn used(proofs: &Proofs, client: &Client, proof: &str, now: i64) -> &'static str {
    let presented = proofs.presented(proof, "GET", ADDRESS);
    match presented.confirm(&client.thumbprint(), "token", at(now)) {
        Ok(()) => "accepted",
        Err(error) => error.code(),
    }
}

#[test]
fn a_proof_is_accepted_once_at_whatever_second_of_its_life() {
    let mut client = Client::new(Algorithm::EdDsa);
    for first in -30..=60 {
        let proofs = Proofs::builder(100, at(0)).build().unwrap();
        let proof = client.asks("GET", ADDRESS, NOW).proof_for("token");
        assert_eq!(used(&proofs, &client, &proof, NOW + first), "accepted");
        for again in first..=60 {
            assert_eq!(
                used(&proofs, &client, &proof, NOW + again),
                "proof_replayed"
            );
        }
        assert_eq!(used(&proofs, &client, &proof, NOW + 61), "proof_too_old");
        // A clock that is set back finds the use, or that it may have been forgotten.
        for back in [60, 30, 0, -30] {
            let found = used(&proofs, &client, &proof, NOW + back);
            assert!(
                matches!(found, "proof_replayed" | "proof_too_old"),
                "{found}"
            );
        }
    }
}

/// The id is what counts, not the text: a signature can be made anew.
#[test]
fn the_same_id_in_another_proof_is_the_same_proof() {
    let proofs = Proofs::builder(100, at(0)).build().unwrap();
    let mut client = Client::new(Algorithm::Es256);
    client.says("jti", "one");
    let (first, second) = (client.proof_for("token"), client.proof_for("token"));
    assert_ne!(first, second);
    assert_eq!(used(&proofs, &client, &first, NOW), "accepted");
    assert_eq!(used(&proofs, &client, &second, NOW), "proof_replayed");
    // Another client may use the id.
    let mut other = Client::new(Algorithm::Es256);
    let proof = other.says("jti", "one").proof_for("token");
    assert_eq!(used(&proofs, &other, &proof, NOW), "accepted");
}

/// An id whose proof says another time falls into another part of the memory: each is
/// its own proof, and each counts once.
#[test]
fn a_proof_that_is_refused_takes_no_room() {
    let proofs = Proofs::builder(1, at(0)).build().unwrap();
    let mut client = Client::new(Algorithm::EdDsa);
    let mut proof = |method: &str, made: i64| client.asks(method, ADDRESS, made).proof_for("token");
    let bad = [
        proof("POST", NOW),
        proof("GET", NOW - 100),
        proof("GET", NOW + 100),
    ];
    let good = proof("GET", NOW);
    let thief = Client::new(Algorithm::EdDsa);
    for bad in &bad {
        assert_ne!(used(&proofs, &client, bad, NOW), "accepted");
    }
    assert_eq!(used(&proofs, &thief, &good, NOW), "proof_other_key");
    assert_eq!(used(&proofs, &client, &good, NOW), "accepted");
}

#[test]
fn a_full_memory_refuses_with_503_and_forgets_nothing_early() {
    let proofs = Proofs::builder(2, at(0)).per_key(2).build().unwrap();
    let mut client = Client::new(Algorithm::EdDsa);
    let mut proof = |made: i64| client.asks("GET", ADDRESS, made).proof_for("token");
    let [first, second, third, later] = [proof(NOW), proof(NOW), proof(NOW), proof(NOW + 80)];
    assert_eq!(used(&proofs, &client, &first, NOW), "accepted");
    assert_eq!(used(&proofs, &client, &second, NOW), "accepted");
    assert_eq!(used(&proofs, &client, &third, NOW), "proof_memory_full");
    assert_eq!(used(&proofs, &client, &first, NOW), "proof_replayed");
    let presented = proofs.presented(&third, "GET", ADDRESS);
    let error = presented
        .confirm(&client.thumbprint(), "token", at(NOW))
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::CannotKnow);
    let ProofErrorKind::MemoryFull { wait } = error.kind() else {
        panic!("{error}")
    };
    assert_eq!(
        error.to_string(),
        format!(
            "DPoP proof: no room to remember another one for {} s: let the memory hold more, or its proofs live shorter",
            wait.as_secs()
        )
    );
    assert!(wait.as_secs() <= 90 / 8 + 61);
    assert_eq!(used(&proofs, &client, &later, NOW + 80), "accepted");
}

#[test]
fn what_was_made_before_the_start_is_refused() {
    let mut client = Client::new(Algorithm::EdDsa);
    let before = client.asks("GET", ADDRESS, NOW - 1).proof_for("token");
    let since = client.asks("GET", ADDRESS, NOW).proof_for("token");
    let proofs = Proofs::builder(100, at(NOW)).build().unwrap();
    assert_eq!(used(&proofs, &client, &before, NOW), "proof_too_old");
    assert_eq!(used(&proofs, &client, &since, NOW), "accepted");
}
