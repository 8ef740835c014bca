//! Signs what the library would never write: any header, any payload, any bytes.
//!
//! The engine is called directly, so that a forged token is wrong in one place only.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, RsaEncoding, RsaKeyPair};
use tokenwright::key::{Algorithm, ImportOptions, SigningKey};

/// A key in the hands of somebody who signs whatever is asked.
pub(crate) struct Forge {
    engine: Engine,
}

enum Engine {
    Ed25519(Box<Ed25519KeyPair>),
    Ecdsa(Box<EcdsaKeyPair>),
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
    Hmac(Box<hmac::Key>),
}

impl Forge {
    /// The same key as ours.
    pub(crate) fn of(key: &SigningKey) -> Self {
        let algorithm = key.algorithm();
        if algorithm.is_symmetric() {
            let jwk: serde_json::Value =
                serde_json::from_slice(key.to_jwk().expect("a JWK").expose()).expect("JSON");
            return Self::with_secret(algorithm, &decode(jwk["k"].as_str().expect("a secret")));
        }
        let document = key.to_der().expect("PKCS#8");
        Self {
            engine: asymmetric(algorithm, document.expose()),
        }
    }

    /// Any bytes as an HMAC secret, also those that no import would take.
    pub(crate) fn with_secret(algorithm: Algorithm, secret: &[u8]) -> Self {
        let hash = match algorithm {
            Algorithm::Hs384 => hmac::HMAC_SHA384,
            Algorithm::Hs512 => hmac::HMAC_SHA512,
            _ => hmac::HMAC_SHA256,
        };
        Self {
            engine: Engine::Hmac(Box::new(hmac::Key::new(hash, secret))),
        }
    }

    /// The same RSA key, used for another RSA algorithm.
    pub(crate) fn misused(key: &SigningKey, algorithm: Algorithm) -> Self {
        let document = key.to_der().expect("PKCS#8");
        let options = ImportOptions::new().algorithm(algorithm);
        Self::of(&SigningKey::from_der(document.expose(), &options).expect("an RSA key"))
    }

    /// A signature or tag over any bytes, as JWS writes it (RFC 7518 section 3).
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.engine {
            Engine::Ed25519(key) => key.sign(message).as_ref().to_vec(),
            Engine::Ecdsa(key) => key
                .sign(&random, message)
                .expect("signed")
                .as_ref()
                .to_vec(),
            Engine::Hmac(key) => hmac::sign(key, message).as_ref().to_vec(),
            Engine::Rsa(key, encoding) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(*encoding, &random, message, &mut signature)
                    .expect("signed");
                signature
            }
        }
    }

    /// A compact JWS over these very bytes.
    pub(crate) fn jws(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        self.jws_of_parts(&encode(header.as_ref()), &encode(payload.as_ref()))
    }

    /// A compact JWS over parts that are encoded already, rightly or not.
    pub(crate) fn jws_of_parts(&self, header: &str, payload: &str) -> String {
        let input = format!("{header}.{payload}");
        let signature = encode(&self.sign(input.as_bytes()));
        format!("{input}.{signature}")
    }
}

fn asymmetric(algorithm: Algorithm, document: &[u8]) -> Engine {
    use Algorithm as A;
    let rsa = |encoding: &'static dyn RsaEncoding| {
        Engine::Rsa(
            Box::new(RsaKeyPair::from_pkcs8(document).expect("RSA")),
            encoding,
        )
    };
    let ecdsa = |curve| {
        Engine::Ecdsa(Box::new(
            EcdsaKeyPair::from_pkcs8(curve, document).expect("EC"),
        ))
    };
    match algorithm {
        A::EdDsa | A::Ed25519 | A::V4Public => Engine::Ed25519(Box::new(
            Ed25519KeyPair::from_pkcs8(document).expect("Ed25519"),
        )),
        A::Es256 => ecdsa(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
        A::Es384 => ecdsa(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
        A::Es512 => ecdsa(&signature::ECDSA_P521_SHA512_FIXED_SIGNING),
        A::Rs256 => rsa(&signature::RSA_PKCS1_SHA256),
        A::Rs384 => rsa(&signature::RSA_PKCS1_SHA384),
        A::Rs512 => rsa(&signature::RSA_PKCS1_SHA512),
        A::Ps256 => rsa(&signature::RSA_PSS_SHA256),
        A::Ps384 => rsa(&signature::RSA_PSS_SHA384),
        A::Ps512 => rsa(&signature::RSA_PSS_SHA512),
        _ => unreachable!("{algorithm} has no private half"),
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// base64url without padding (RFC 7515 section 2).
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for position in 0..=chunk.len() {
            let index = bits >> (18 - 6 * position) & 63;
            text.push(char::from(ALPHABET[index as usize]));
        }
    }
    text
}

/// The reverse; only for what is known to be base64url.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    let (mut bytes, mut held, mut count) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes() {
        let value = ALPHABET
            .iter()
            .position(|each| *each == letter)
            .expect("base64url");
        held = held << 6 | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((held >> count & 0xff) as u8);
        }
    }
    bytes
}
