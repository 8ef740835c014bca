//! Clients with keys of every kind that is accepted by default.

use tokenwright::ProofOfPossession as _;
use tokenwright::dpop::Proofs;
use tokenwright::key::Algorithm;

use crate::client::{ADDRESS, Client, NOW, at};

#[test]
fn a_key_of_each_accepted_kind_proves_itself_and_no_other() {
    let proofs = Proofs::builder(1_000, at(0)).build().unwrap();
    let kinds = [
        Algorithm::Es256,
        Algorithm::EdDsa,
        Algorithm::Ed25519,
        Algorithm::Rs256,
        Algorithm::Ps256,
    ];
    assert_eq!(kinds.len(), proofs.algorithms().len());
    for algorithm in kinds {
        let mut client = Client::new(algorithm);
        let proof = client.proof_for("token");
        let presented = proofs.presented(&proof, "GET", ADDRESS);
        let key = client.thumbprint();
        assert_eq!(
            presented.confirm(&key, "token", at(NOW)),
            Ok(()),
            "{algorithm}"
        );
        let again = presented.confirm(&key, "token", at(NOW)).unwrap_err();
        assert_eq!(again.code(), "proof_replayed");
        let other = Client::new(Algorithm::EdDsa).thumbprint();
        let error = presented.confirm(&other, "token", at(NOW)).unwrap_err();
        assert_eq!(error.code(), "proof_other_key", "{algorithm}");
    }
}

#[test]
fn a_client_that_logs_in_is_told_which_key_it_has() {
    let proofs = Proofs::builder(1_000, at(0)).build().unwrap();
    let mut client = Client::new(Algorithm::Es256);
    let token = "https://auth.example/token";
    let proof = client.asks("POST", token, NOW).proof();
    let bind = |method: &str| proofs.key_to_bind(&proof, method, token, at(NOW));
    assert_eq!(bind("GET").unwrap_err().code(), "proof_other_method");
    assert_eq!(bind("POST"), Ok(client.thumbprint()));
    assert_eq!(bind("POST").unwrap_err().code(), "proof_replayed");
}
