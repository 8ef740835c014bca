//! Renewal tokens that are bound to a key.

use std::convert::Infallible;
use std::time::Duration;

use tokenwright::dpop::Proofs;
use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::session::{Grant, Login, RenewError, Renewals, SessionTimes, Sessions};
use tokenwright::{
    Freshness, KeySet, LiveRevocations, Revocation, RevocationList, RevocationView, WhenUnknown,
};

use crate::client::{Client, NOW, at};
use crate::tokens::copy;

const ENDPOINT: &str = "https://auth.example/token";

struct Server {
    renewals: Renewals,
    proofs: Proofs,
    live: LiveRevocations,
}

type Exchanged = Result<Grant<u32>, RenewError<Infallible>>;

impl Server {
    fn new(key: &SigningKey) -> Self {
        let live = LiveRevocations::new(RevocationList::new(), at(0));
        let freshness = Freshness::new(Duration::MAX, WhenUnknown::Refuse);
        let keys = KeySet::of([key.verifying_key()]).unwrap();
        let renewals = Sessions::builder(copy(key), keys, "https://auth.example", "app")
            .times(SessionTimes {
                idle: Duration::from_secs(1_000),
                absolute: Duration::from_secs(10_000),
            })
            .revocation(live.clone(), freshness)
            .build_renewals(Duration::from_secs(5))
            .unwrap();
        let proofs = Proofs::builder(100, at(0)).per_key(100).build().unwrap();
        Self {
            renewals,
            proofs,
            live,
        }
    }

    fn renew(&self, token: &str, proof: Option<&str>, now: i64) -> Exchanged {
        let record = |entries: &[Revocation<'_>]| {
            let mut list = RevocationList::clone(self.live.view().list());
            entries.iter().for_each(|entry| list.add(entry).unwrap());
            self.live.replace(RevocationView::new(list, at(now)));
            Ok(())
        };
        match proof {
            None => self.renewals.renew(token, at(now), record),
            Some(proof) => {
                let proof = self.proofs.presented(proof, "POST", ENDPOINT).for_renewal();
                self.renewals.renew_proven(token, &proof, at(now), record)
            }
        }
    }
}

fn code(exchanged: Exchanged) -> &'static str {
    match exchanged {
        Ok(_) => "exchanged",
        Err(RenewError::Refused(error)) => error.code(),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_bound_renewal_token_is_exchanged_by_its_key_alone_and_stays_bound() {
    for algorithm in [Algorithm::EdDsa, Algorithm::V4Public] {
        let key = SigningKey::generate(algorithm).unwrap();
        let server = Server::new(&key);
        let mut client = Client::new(Algorithm::Es256);
        let mut thief = Client::new(Algorithm::Es256);
        let proof = client.asks("POST", ENDPOINT, NOW).proof();
        let bound = server
            .proofs
            .key_to_bind(&proof, "POST", ENDPOINT, at(NOW))
            .unwrap();
        let login = Login::of("alice").with_data(7_u32);
        let mut grant = server.renewals.begin_bound(&login, bound, at(NOW)).unwrap();
        for step in 1..=3 {
            let now = NOW + step * 100;
            assert_eq!(grant.bound_key(), Some(client.thumbprint()));
            assert_eq!(
                code(server.renew(grant.token(), None, now)),
                "proof_missing"
            );
            let stolen = thief.asks("POST", ENDPOINT, now).proof();
            assert_eq!(
                code(server.renew(grant.token(), Some(&stolen), now)),
                "proof_other_key"
            );
            // The proof of the login, which the thief may have seen.
            assert_ne!(
                code(server.renew(grant.token(), Some(&proof), now)),
                "exchanged"
            );
            let good = client.asks("POST", ENDPOINT, now).proof();
            let next = server.renew(grant.token(), Some(&good), now).unwrap();
            // None of the attempts counted as a use of the token: the session goes on.
            assert_eq!((next.subject(), *next.data()), ("alice", 7));
            grant = next;
        }
        let used = grant.token().to_owned();
        let good = client.asks("POST", ENDPOINT, NOW + 400).proof();
        let next = server.renew(&used, Some(&good), NOW + 400).unwrap();
        assert_eq!(
            code(server.renew(&used, Some(&good), NOW + 401)),
            "proof_replayed"
        );
        // The holder itself uses it twice: the session ends, as that of any other token.
        let late = client.asks("POST", ENDPOINT, NOW + 450).proof();
        assert_eq!(code(server.renew(&used, Some(&late), NOW + 450)), "reused");
        let after = client.asks("POST", ENDPOINT, NOW + 451).proof();
        assert_eq!(
            code(server.renew(next.token(), Some(&after), NOW + 451)),
            "revoked"
        );
    }
}

#[test]
fn a_token_that_is_bound_to_nothing_takes_no_proof() {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let server = Server::new(&key);
    let login = Login::of("alice").with_data(7_u32);
    let grant = server.renewals.begin(&login, at(NOW)).unwrap();
    assert_eq!(grant.bound_key(), None);
    let mut client = Client::new(Algorithm::Es256);
    let proof = client.asks("POST", ENDPOINT, NOW).proof();
    assert_eq!(
        code(server.renew(grant.token(), Some(&proof), NOW)),
        "token_not_bound"
    );
    assert_eq!(code(server.renew(grant.token(), None, NOW)), "exchanged");
}

/// Whoever has a stolen token can end its session with it, and nothing else.
#[test]
fn a_session_is_ended_without_a_proof() {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let server = Server::new(&key);
    let mut client = Client::new(Algorithm::Es256);
    let login = Login::of("alice").with_data(7_u32);
    let grant = server
        .renewals
        .begin_bound(&login, client.thumbprint(), at(NOW))
        .unwrap();
    let ended = server.renewals.end(grant.token(), at(NOW)).unwrap();
    let mut list = RevocationList::new();
    list.add(&ended).unwrap();
    server.live.replace(RevocationView::new(list, at(NOW)));
    let proof = client.asks("POST", ENDPOINT, NOW).proof();
    assert_eq!(
        code(server.renew(grant.token(), Some(&proof), NOW)),
        "revoked"
    );
}
