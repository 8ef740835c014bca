//! A client with a key of its own. It signs with the cryptographic library itself, so
//! that it can say anything, and nothing of what it says was made by the code it tries.

use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair,
};
use base64_text::{digest, encode};
use serde_json::{Map, Value, json};
use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::{KeyThumbprint, UnixTime};

pub(crate) const NOW: i64 = 1_760_000_000;
pub(crate) const ADDRESS: &str = "https://api.example/orders";

pub(crate) fn at(second: i64) -> UnixTime {
    UnixTime::from_seconds(second)
}

/// Base64url and SHA-256, once more and by other means.
pub(crate) mod base64_text {
    use aws_lc_rs::digest::{SHA256, digest as hash};

    pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
        const LETTERS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut text = String::new();
        for group in bytes.as_ref().chunks(3) {
            let mut bits = group
                .iter()
                .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
            bits <<= 8 * (3 - group.len());
            for place in 0..=group.len() {
                let letter = bits >> (18 - 6 * place) & 63;
                text.push(char::from(LETTERS[usize::try_from(letter).unwrap()]));
            }
        }
        text
    }

    pub(crate) fn digest(text: &str) -> String {
        encode(hash(&SHA256, text.as_bytes()))
    }
}

enum Signer {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair, &'static dyn signature::RsaEncoding),
}

/// A client, its key, and the proof it would make of a request.
pub(crate) struct Client {
    signer: Signer,
    pub(crate) header: Map<String, Value>,
    pub(crate) claims: Map<String, Value>,
    thumbprint: KeyThumbprint,
}

impl Client {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let key = SigningKey::generate(algorithm).unwrap();
        let der = key.to_der().unwrap();
        let signer = match algorithm {
            Algorithm::Es256 => {
                let suite = &ECDSA_P256_SHA256_FIXED_SIGNING;
                Signer::Ecdsa(EcdsaKeyPair::from_pkcs8(suite, der.expose()).unwrap())
            }
            Algorithm::EdDsa | Algorithm::Ed25519 => {
                Signer::Ed25519(Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.expose()).unwrap())
            }
            Algorithm::Rs256 => Signer::Rsa(
                RsaKeyPair::from_pkcs8(der.expose()).unwrap(),
                &signature::RSA_PKCS1_SHA256,
            ),
            Algorithm::Ps256 => Signer::Rsa(
                RsaKeyPair::from_pkcs8(der.expose()).unwrap(),
                &signature::RSA_PSS_SHA256,
            ),
            other => panic!("no client signs with {other}"),
        };
        let full: Map<String, Value> =
            serde_json::from_str(&key.verifying_key().to_jwk().unwrap()).unwrap();
        let members = ["crv", "e", "kty", "n", "x", "y"];
        let jwk: Map<String, Value> = full
            .into_iter()
            .filter(|(name, _)| members.contains(&name.as_str()))
            .collect();
        // RFC 7638 section 3: serde_json keeps members sorted and writes no spaces.
        let thumbprint = digest(&Value::Object(jwk.clone()).to_string());
        let header = json!({ "typ": "dpop+jwt", "alg": algorithm.name(), "jwk": jwk });
        let Value::Object(header) = header else {
            unreachable!()
        };
        Self {
            signer,
            header,
            claims: claims("GET", ADDRESS, NOW),
            thumbprint: KeyThumbprint::parse(&thumbprint).unwrap(),
        }
    }

    pub(crate) fn thumbprint(&self) -> KeyThumbprint {
        self.thumbprint
    }

    /// Other claims of a proof, with an id of their own.
    pub(crate) fn asks(&mut self, method: &str, address: &str, now: i64) -> &mut Self {
        self.claims = claims(method, address, now);
        self
    }

    pub(crate) fn says(&mut self, name: &str, value: impl Into<Value>) -> &mut Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// A proof beside this token.
    pub(crate) fn proof_for(&mut self, token: &str) -> String {
        self.says("ath", digest(token)).proof()
    }

    pub(crate) fn proof(&self) -> String {
        let header = Value::Object(self.header.clone()).to_string();
        let claims = Value::Object(self.claims.clone()).to_string();
        self.signed(&header, &claims)
    }

    pub(crate) fn signed(&self, header: &str, claims: &str) -> String {
        let input = format!("{}.{}", encode(header), encode(claims));
        let random = SystemRandom::new();
        let message = input.as_bytes();
        let signature = match &self.signer {
            Signer::Ecdsa(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Signer::Ed25519(key) => key.sign(message).as_ref().to_vec(),
            Signer::Rsa(key, encoding) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(*encoding, &random, message, &mut signature)
                    .unwrap();
                signature
            }
        };
        format!("{input}.{}", encode(signature))
    }
}

fn claims(method: &str, address: &str, now: i64) -> Map<String, Value> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let id = format!("proof-{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let claims = json!({ "jti": id, "htm": method, "htu": address, "iat": now });
    let Value::Object(claims) = claims else {
        unreachable!()
    };
    claims
}
