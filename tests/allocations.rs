//! Verifying a JWT with borrowed claims allocates nothing, and refusing garbage nothing either.

use std::time::Duration;

use allocation_counter::measure;
use tokenwright::key::{Algorithm, KeyId, SigningKey};
use tokenwright::{
    Claims, Clock as _, Freshness, KeySet, LiveRevocations, Minter, Policy, Revocation,
    RevocationCheck as _, RevocationList, Scratch, SystemClock, TokenFacts, Verdict, Verifier,
    Verifiers, WhenUnknown,
};

const ISSUER: &str = "https://auth.example";

fn house(algorithm: Algorithm) -> (Verifier, String) {
    let key = SigningKey::generate(algorithm).unwrap();
    let keys = KeySet::of([key.verifying_key()]).unwrap();
    let verifier = Verifier::builder(keys)
        .policy(Policy::new(ISSUER, "orders-api"))
        .without_revocation()
        .build();
    let minter = Minter::builder(key, ISSUER)
        .audience("orders-api")
        .build()
        .unwrap();
    let claims = Claims::for_subject("alice")
        .with_scope("read write")
        .with_session_id("s1");
    let token = minter.mint(&claims).unwrap();
    (verifier, token)
}

#[test]
fn borrowed_claims_of_a_jwt_cost_no_allocation() {
    // A PASETO costs one: its footer, which outlives the scratch.
    for (algorithm, allocations) in [
        (Algorithm::EdDsa, 0),
        (Algorithm::Ed25519, 0),
        (Algorithm::Hs256, 0),
        (Algorithm::V4Public, 1),
    ] {
        let (verifier, token) = house(algorithm);
        let mut scratch = Scratch::new();
        // The first token makes the scratch grow.
        let _ = verifier.verify_borrowed(&token, &mut scratch).unwrap();
        let counted = measure(|| {
            let verified = verifier.verify_borrowed(&token, &mut scratch).unwrap();
            assert_eq!(verified.subject().as_deref(), Some("alice"));
        });
        assert_eq!(counted.count_total, allocations, "{algorithm}");
    }
}

#[test]
fn choosing_among_issuers_costs_no_allocation() {
    let mut scratch = Scratch::new();
    let key = |id: &str| {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        key.with_id(KeyId::new(id).unwrap())
    };
    let of_issuer = |name: &str, key: &SigningKey| {
        Verifier::builder(KeySet::of([key.verifying_key()]).unwrap())
            .policy(Policy::new(name, "orders-api"))
            .without_revocation()
            .build()
    };
    let (first, second) = (key("first"), key("second"));
    let issuers = [
        of_issuer("https://a.example", &first),
        of_issuer(ISSUER, &second),
    ];
    let verifiers = Verifiers::of(issuers).unwrap();
    let minter = Minter::builder(second, ISSUER)
        .audience("orders-api")
        .build()
        .unwrap();
    let token = minter.mint(&Claims::for_subject("alice")).unwrap();
    let _ = verifiers.verify_borrowed(&token, &mut scratch).unwrap();
    let counted = measure(|| {
        let _ = verifiers.verify_borrowed(&token, &mut scratch).unwrap();
    });
    assert_eq!(counted.count_total, 0);
}

/// A list with entries of every kind, a hundred thousand of them tokens.
fn long_list() -> LiveRevocations {
    let now = SystemClock.now();
    let until = now.saturating_add(Duration::from_secs(3600));
    let mut list = RevocationList::new();
    let ids: Vec<String> = (0..100_000).map(|number| format!("t-{number}")).collect();
    let tokens = ids
        .iter()
        .map(|id| Revocation::token(ISSUER, id, now, until));
    list.extend(tokens).unwrap();
    for entry in [
        Revocation::session(ISSUER, "s2", now, until),
        Revocation::subject_before(ISSUER, "mallory", until, now, until),
        Revocation::audience_before(ISSUER, "billing-api", until, now, until),
        Revocation::issuer_before("https://elsewhere.example", until, now, until),
        Revocation::key(ISSUER, "stolen", now, until),
    ] {
        list.add(&entry).unwrap();
    }
    LiveRevocations::new(list, now)
}

#[test]
fn asking_a_long_revocation_list_costs_no_allocation() {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let list = long_list();
    let freshness = Freshness::new(Duration::from_secs(3600), WhenUnknown::Refuse);
    let verifier = Verifier::builder(KeySet::of([key.verifying_key()]).unwrap())
        .policy(Policy::new(ISSUER, "orders-api"))
        .revocation(list.clone(), freshness)
        .build();
    let minter = Minter::builder(key, ISSUER).audience("orders-api").build();
    let claims = Claims::for_subject("alice").with_session_id("s1");
    let token = minter.unwrap().mint(&claims).unwrap();
    let mut scratch = Scratch::new();
    let _ = verifier.verify_borrowed(&token, &mut scratch).unwrap();
    let counted = measure(|| {
        let verified = verifier.verify_borrowed(&token, &mut scratch).unwrap();
        assert_eq!(verified.subject().as_deref(), Some("alice"));
    });
    assert_eq!(counted.count_total, 0);

    // Nor does finding something, in the table or beside it.
    let now = SystemClock.now();
    let token = |id| TokenFacts::new(ISSUER, "k").with_token_id(id);
    for facts in [
        token("t-77"),
        token("-").with_session_id("s2"),
        token("-").with_subject("mallory"),
        TokenFacts::new(ISSUER, "stolen").with_token_id("-"),
    ] {
        let counted = measure(|| {
            assert!(matches!(list.check(&facts, now), Verdict::Revoked { .. }));
        });
        assert_eq!(counted.count_total, 0, "{facts:?}");
    }
}

#[test]
fn owned_claims_cost_one_allocation_each_and_one_for_decoding() {
    let (verifier, token) = house(Algorithm::EdDsa);
    // The first token's header is remembered.
    let _ = verifier.verify(&token).unwrap();
    let counted = measure(|| {
        let _ = verifier.verify(&token).unwrap();
    });
    // iss, sub, aud and its list, jti, sid, scope, and the decoded token.
    assert_eq!(counted.count_total, 8);
}

#[test]
fn sixteen_mebibytes_of_garbage_are_refused_without_an_allocation() {
    let (verifier, _) = house(Algorithm::EdDsa);
    let mut scratch = Scratch::new();
    for garbage in ["A", ".", "{", "\u{1f511}"] {
        let garbage = garbage.repeat(16 * 1024 * 1024 / garbage.len());
        let counted = measure(|| {
            let error = verifier
                .verify_borrowed(&garbage, &mut scratch)
                .unwrap_err();
            assert_eq!(error.code(), "too_long");
        });
        assert_eq!(counted.count_total, 0);
    }
}
