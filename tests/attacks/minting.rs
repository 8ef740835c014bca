//! RFC 8725 for the side that mints: what we never write.

use serde_json::{Value, json};
use tokenwright::key::{Algorithm, KeyId, SigningKey};
use tokenwright::{Claims, KeySet, ManualClock, Minter, sign_raw};

use crate::forge::decode;
use crate::scene::*;

fn header_of(token: &str) -> Value {
    serde_json::from_slice(&decode(parts(token)[0])).unwrap()
}

/// Sections 3.1, 3.2 and 3.11: the header is the key's, and the type is short.
#[test]
fn a_minted_header_names_the_algorithm_the_key_and_the_type_and_nothing_else() {
    for algorithm in FAMILIES {
        let key = fresh_key(algorithm).with_id(KeyId::new("k\"1\u{e9}").unwrap());
        let keys = KeySet::of([key.verifying_key()]).unwrap();
        let minter = Minter::builder(key, ISSUER)
            .audience(AUDIENCE)
            .typ("at+jwt")
            .clock(ManualClock::at(NOW));
        let token = minter
            .build()
            .unwrap()
            .mint(&Claims::for_subject("alice"))
            .unwrap();
        assert_eq!(
            header_of(&token),
            json!({"alg": algorithm.name(), "typ": "at+jwt", "kid": "k\"1\u{e9}"})
        );
        accepted_by(&verifier(&keys, policy().typ("at+jwt")), &token);
    }
}

/// Section 3.9: every token says for whom it is, and by whom.
#[test]
fn a_minted_token_names_issuer_audience_and_expiry() {
    let minter = |audience: &[&str]| {
        let builder =
            Minter::builder(fresh_key(Algorithm::EdDsa), ISSUER).clock(ManualClock::at(NOW));
        audience
            .iter()
            .fold(builder, |builder, each| builder.audience(*each))
            .build()
            .unwrap()
    };
    let payload =
        |token: String| -> Value { serde_json::from_slice(&decode(parts(&token)[1])).unwrap() };
    let claims = payload(minter(&["a"]).mint(&Claims::new()).unwrap());
    assert_eq!(
        (&claims["iss"], &claims["aud"]),
        (&json!(ISSUER), &json!("a"))
    );
    assert_eq!(claims["exp"], json!(NOW.seconds() + 900));
    let claims = payload(minter(&["a", "b"]).mint(&Claims::new()).unwrap());
    assert_eq!(claims["aud"], json!(["a", "b"]));
    assert_eq!(
        Minter::builder(fresh_key(Algorithm::EdDsa), "")
            .build()
            .unwrap_err()
            .code(),
        "no_issuer"
    );
}

/// A name in custom claims that a verifier would read as a registered one, in any spelling.
#[test]
fn custom_claims_cannot_smuggle_registered_ones() {
    let minter = Minter::builder(fresh_key(Algorithm::EdDsa), ISSUER)
        .build()
        .unwrap();
    let mint = |custom: Value| {
        minter
            .mint(&Claims::new().with_custom(custom))
            .map_err(|error| error.code())
    };
    assert!(mint(json!({"role": "admin", "Sub": "x", "exp ": 1})).is_ok());
    for name in [
        "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "scope",
    ] {
        assert_eq!(mint(json!({name: "x"})).unwrap_err(), "reserved_claim");
    }
}

/// What was signed once is never signed again with another nonce to learn from: Ed25519
/// is deterministic (RFC 8032), and an ECDSA signature never repeats its first half.
#[test]
fn signing_twice_leaks_no_nonce() {
    let twice = |algorithm| {
        let key = SigningKey::generate(algorithm).unwrap();
        [
            sign_raw(&key, b"one", b"", b"").unwrap(),
            sign_raw(&key, b"one", b"", b"").unwrap(),
            sign_raw(&key, b"two", b"", b"").unwrap(),
        ]
    };
    let half = |token: &String| decode(parts(token)[2])[..32].to_vec();
    let [first, again, other] = twice(Algorithm::EdDsa);
    assert_eq!(first, again);
    assert_ne!(half(&first), half(&other));
    let [first, _, other] = twice(Algorithm::Es256);
    assert_ne!(half(&first), half(&other));
}
