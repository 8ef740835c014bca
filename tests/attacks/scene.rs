//! Who is on stage: an issuer with a key, and a service that verifies.

use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};
use tokenwright::key::{Algorithm, ImportOptions, KeyId, SigningKey, VerifyingKey};
use tokenwright::{KeySet, ManualClock, Policy, UnixTime, Verifier, VerifyError};

use crate::forge::Forge;

pub(crate) const ISSUER: &str = "https://auth.example";
pub(crate) const AUDIENCE: &str = "orders-api";
pub(crate) const NOW: UnixTime = UnixTime::from_seconds(1_760_000_000);

/// Algorithms that stand for their families where every algorithm would only cost time.
pub(crate) const FAMILIES: [Algorithm; 5] = [
    Algorithm::EdDsa,
    Algorithm::Es256,
    Algorithm::Rs256,
    Algorithm::Ps256,
    Algorithm::Hs256,
];

/// An issuer of JWTs whose key is called `k1`.
pub(crate) struct Issuer {
    pub(crate) key: SigningKey,
    pub(crate) forge: Forge,
}

impl Issuer {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        Self::of(fresh_key(algorithm))
    }

    pub(crate) fn of(key: SigningKey) -> Self {
        let key = key.with_id(KeyId::new("k1").unwrap());
        let forge = Forge::of(&key);
        Self { key, forge }
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    /// What the service trusts: this key alone, by its name.
    pub(crate) fn keys(&self) -> KeySet {
        KeySet::of([self.key.verifying_key()]).unwrap()
    }

    pub(crate) fn header(&self) -> Value {
        json!({"alg": self.algorithm().name(), "typ": "JWT", "kid": "k1"})
    }

    /// An honest token.
    pub(crate) fn token(&self) -> String {
        self.forge
            .jws(self.header().to_string(), claims().to_string())
    }

    /// A token with one more header member, or another value of one.
    pub(crate) fn with_header(&self, name: &str, value: Value) -> String {
        let mut header = self.header();
        header[name] = value;
        self.forge.jws(header.to_string(), claims().to_string())
    }

    /// A token with one more claim, or another value of one.
    pub(crate) fn with_claim(&self, name: &str, value: Value) -> String {
        let mut payload = claims();
        payload[name] = value;
        self.with_payload(payload.to_string())
    }

    pub(crate) fn without_claim(&self, name: &str) -> String {
        let mut payload = claims();
        payload.as_object_mut().unwrap().remove(name);
        self.with_payload(payload.to_string())
    }

    pub(crate) fn with_payload(&self, payload: impl AsRef<[u8]>) -> String {
        self.forge.jws(self.header().to_string(), payload)
    }

    #[track_caller]
    pub(crate) fn accepts(&self, token: &str) {
        accepted(&self.keys(), token);
    }

    #[track_caller]
    pub(crate) fn refuses(&self, token: &str, code: &str) -> VerifyError {
        refused(&self.keys(), token, code)
    }
}

/// Honest claims: valid for a quarter of an hour from now on.
pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "jti": "t1",
        "iat": NOW.seconds(), "exp": NOW.seconds() + 900,
    })
}

pub(crate) fn policy() -> Policy {
    Policy::new(ISSUER, AUDIENCE).leeway(Duration::ZERO)
}

pub(crate) fn verifier(keys: &KeySet, policy: Policy) -> Verifier {
    Verifier::builder(keys.clone())
        .policy(policy)
        .without_revocation()
        .clock(ManualClock::at(NOW))
        .build()
}

#[track_caller]
pub(crate) fn accepted(keys: &KeySet, token: &str) {
    accepted_by(&verifier(keys, policy()), token);
}

#[track_caller]
pub(crate) fn accepted_by(verifier: &Verifier, token: &str) {
    if let Err(error) = verifier.verify(token) {
        panic!("refused ({error}): {token}");
    }
}

#[track_caller]
pub(crate) fn refused(keys: &KeySet, token: &str, code: &str) -> VerifyError {
    refused_by(&verifier(keys, policy()), token, code)
}

#[track_caller]
pub(crate) fn refused_by(verifier: &Verifier, token: &str, code: &str) -> VerifyError {
    match verifier.verify(token) {
        Ok(_) => panic!("accepted: {token}"),
        Err(error) => {
            assert_eq!(error.code(), code, "{error}: {token}");
            error
        }
    }
}

/// A new key; the primes of RSA are found once, because they take long.
pub(crate) fn fresh_key(algorithm: Algorithm) -> SigningKey {
    static RSA: OnceLock<Vec<u8>> = OnceLock::new();
    if !is_rsa(algorithm) {
        return SigningKey::generate(algorithm).unwrap();
    }
    let document = RSA.get_or_init(|| {
        let key = SigningKey::generate(algorithm).unwrap();
        key.to_der().unwrap().expose().to_vec()
    });
    SigningKey::from_der(document, &ImportOptions::new().algorithm(algorithm)).unwrap()
}

pub(crate) fn is_rsa(algorithm: Algorithm) -> bool {
    algorithm.name().starts_with("RS") || algorithm.name().starts_with("PS")
}

/// A public key from a JWK, or the code of the refusal.
pub(crate) fn import(jwk: &Value) -> Result<VerifyingKey, &'static str> {
    VerifyingKey::from_jwk(jwk.to_string().as_bytes(), &ImportOptions::new())
        .map_err(|error| error.code())
}

/// A private or shared key from a JWK, or the code of the refusal.
pub(crate) fn import_secret(jwk: &Value) -> Result<SigningKey, &'static str> {
    SigningKey::from_jwk(jwk.to_string().as_bytes(), &ImportOptions::new())
        .map_err(|error| error.code())
}

pub(crate) fn public_jwk(key: &SigningKey) -> Value {
    serde_json::from_str(&key.verifying_key().to_jwk().unwrap()).unwrap()
}

pub(crate) fn secret_jwk(key: &SigningKey) -> Value {
    serde_json::from_slice(key.to_jwk().unwrap().expose()).unwrap()
}

/// The three parts of a compact token.
pub(crate) fn parts(token: &str) -> [&str; 3] {
    let parts: Vec<&str> = token.split('.').collect();
    parts.try_into().expect("three parts")
}
