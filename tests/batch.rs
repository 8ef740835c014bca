//! A batch answers for each token what that token is answered alone.

use std::num::NonZeroUsize;

use tokenwright::key::{Algorithm, KeyId, SigningKey};
use tokenwright::{
    Claims, KeySet, MintOptions, Minter, Policy, Presented, UnixTime, Verified, Verifier,
    VerifyError,
};

const ISSUER: &str = "https://auth.example";

fn key(algorithm: Algorithm, id: &str) -> SigningKey {
    let key = SigningKey::generate(algorithm).unwrap();
    key.with_id(KeyId::new(id).unwrap())
}

fn minter(key: SigningKey) -> Minter {
    let minter = Minter::builder(key, ISSUER).audience("orders-api");
    minter.build().unwrap()
}

/// What was answered, in a form that can be compared.
fn told(answer: &Result<Verified<Claims>, VerifyError>) -> String {
    match answer {
        Ok(verified) => format!(
            "{:?} {:?} {:?} {:?}",
            verified.subject(),
            verified.key_id(),
            verified.footer(),
            verified.expires_at()
        ),
        Err(error) => format!("{} {error} {error:?}", error.code()),
    }
}

/// The last character but one of a token is another: a signature of another s.
fn changed(token: &str, place: usize) -> String {
    let mut bytes = token.as_bytes().to_vec();
    let place = bytes.len() - 1 - place;
    bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}

#[test]
fn every_answer_is_the_one_given_alone() {
    let (warm, cold) = (
        key(Algorithm::EdDsa, "warm"),
        key(Algorithm::Ed25519, "cold"),
    );
    let (paseto, ecdsa) = (
        key(Algorithm::V4Public, "paseto"),
        key(Algorithm::Es256, "ecdsa"),
    );
    let keys = [&warm, &cold, &paseto, &ecdsa].map(SigningKey::verifying_key);
    assert!(keys[0].warm() && keys[2].warm());
    let verifier = Verifier::builder(KeySet::of(keys).unwrap())
        .policy(Policy::new(ISSUER, "orders-api"))
        .without_revocation()
        .build();
    let minters = [warm, cold, paseto, ecdsa].map(minter);
    let stranger = minter(key(Algorithm::EdDsa, "warm"));
    let now = UnixTime::from_seconds(1_800_000_000);
    let mint = |minter: &Minter, subject: usize, at: UnixTime| {
        let claims = Claims::for_subject(format!("s{subject}"));
        minter
            .mint_with(&claims, MintOptions::new().at(at))
            .unwrap()
    };
    let mut tokens = vec![String::new(), "a.b".to_owned(), "v4.public.AAAA".to_owned()];
    for round in 0..150 {
        for minter in &minters {
            let token = mint(minter, round, now);
            tokens.push(changed(&token, round % 90));
            tokens.push(token);
        }
        tokens.push(mint(&stranger, round, now));
        tokens.push(mint(
            &minters[0],
            round,
            UnixTime::from_seconds(1_700_000_000),
        ));
        // R is the identity, and s is zero.
        let token = mint(&minters[0], round, now);
        let (input, _) = token.rsplit_once('.').unwrap();
        tokens.push(format!("{input}.AQ{}", "A".repeat(84)));
    }
    let presented: Vec<_> = tokens
        .iter()
        .map(|token| Presented::new(token).at(now))
        .collect();
    let alone: Vec<_> = presented
        .iter()
        .map(|token| told(&verifier.verify(*token)))
        .collect();
    assert!(alone.iter().filter(|told| told.starts_with("Some")).count() >= 600);
    let batch = verifier.verify_batch(presented.iter().copied());
    assert_eq!(batch.iter().map(told).collect::<Vec<_>>(), alone);
    for threads in [1, 2, 3, 7, 10_000] {
        let threads = NonZeroUsize::new(threads).unwrap();
        let batch = verifier.verify_batch_on(threads, presented.iter().copied());
        assert_eq!(batch.iter().map(told).collect::<Vec<_>>(), alone);
    }
    assert!(verifier.verify_batch(std::iter::empty::<&str>()).is_empty());
}

#[test]
fn assertions_and_single_tokens_come_through_a_batch() {
    let signing = key(Algorithm::V4Public, "p");
    let verifying = signing.verifying_key();
    assert!(verifying.warm());
    let verifier = Verifier::builder(KeySet::of([verifying]).unwrap())
        .policy(Policy::new(ISSUER, "orders-api"))
        .without_revocation()
        .build();
    let options = MintOptions::new().assertion(b"device");
    let token = minter(signing)
        .mint_with(&Claims::for_subject("a"), options)
        .unwrap();
    let batch = verifier.verify_batch([
        Presented::new(&token).with_assertion(b"device"),
        Presented::new(&token),
        Presented::new(&token).with_assertion(b"devicf"),
    ]);
    assert_eq!(batch[0].as_ref().unwrap().subject(), Some("a"));
    for refused in &batch[1..] {
        assert_eq!(refused.as_ref().unwrap_err().code(), "bad_signature");
    }
}
