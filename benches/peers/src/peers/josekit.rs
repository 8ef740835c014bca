//! `josekit`, over the system's OpenSSL.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use josekit::jwk::Jwk;
use josekit::jws::{self, JwsHeader, JwsSigner, JwsVerifier};
use josekit::jwt::{self, JwtPayload, JwtPayloadValidator};
use tokenwright::key::Algorithm;

use super::{Mint, Named, Verify};
use crate::scene::{AUDIENCE, ISSUER, Scene};

const NAME: &str = "josekit 0.10";

/// It takes a PEM for PSS only if the PEM says that the key is for nothing else.
fn public_jwk(scene: &Scene) -> Jwk {
    let text = scene.signing_key().verifying_key().to_jwk().expect("a JWK");
    Jwk::from_bytes(text).expect("a JWK")
}

fn private_jwk(scene: &Scene) -> Jwk {
    let text = scene.signing_key().to_jwk().expect("a JWK");
    Jwk::from_bytes(text.expose()).expect("a JWK")
}

fn verifier(scene: &Scene) -> Option<Box<dyn JwsVerifier>> {
    let pem = &scene.public_pem;
    Some(match scene.algorithm {
        Algorithm::EdDsa => Box::new(jws::EdDSA.verifier_from_pem(pem).expect("a key")),
        Algorithm::Es256 => Box::new(jws::ES256.verifier_from_pem(pem).expect("a key")),
        Algorithm::Es384 => Box::new(jws::ES384.verifier_from_pem(pem).expect("a key")),
        Algorithm::Es512 => Box::new(jws::ES512.verifier_from_pem(pem).expect("a key")),
        Algorithm::Rs256 => Box::new(jws::RS256.verifier_from_pem(pem).expect("a key")),
        Algorithm::Rs384 => Box::new(jws::RS384.verifier_from_pem(pem).expect("a key")),
        Algorithm::Rs512 => Box::new(jws::RS512.verifier_from_pem(pem).expect("a key")),
        Algorithm::Ps256 => Box::new(
            jws::PS256
                .verifier_from_jwk(&public_jwk(scene))
                .expect("a key"),
        ),
        Algorithm::Ps384 => Box::new(
            jws::PS384
                .verifier_from_jwk(&public_jwk(scene))
                .expect("a key"),
        ),
        Algorithm::Ps512 => Box::new(
            jws::PS512
                .verifier_from_jwk(&public_jwk(scene))
                .expect("a key"),
        ),
        Algorithm::Hs256 => Box::new(
            jws::HS256
                .verifier_from_bytes(&scene.secret)
                .expect("a key"),
        ),
        Algorithm::Hs384 => Box::new(
            jws::HS384
                .verifier_from_bytes(&scene.secret)
                .expect("a key"),
        ),
        Algorithm::Hs512 => Box::new(
            jws::HS512
                .verifier_from_bytes(&scene.secret)
                .expect("a key"),
        ),
        _ => return None,
    })
}

fn signer(scene: &Scene) -> Option<Box<dyn JwsSigner>> {
    let pem = &scene.private_pem;
    Some(match scene.algorithm {
        Algorithm::EdDsa => Box::new(jws::EdDSA.signer_from_pem(pem).expect("a key")),
        Algorithm::Es256 => Box::new(jws::ES256.signer_from_pem(pem).expect("a key")),
        Algorithm::Es384 => Box::new(jws::ES384.signer_from_pem(pem).expect("a key")),
        Algorithm::Es512 => Box::new(jws::ES512.signer_from_pem(pem).expect("a key")),
        Algorithm::Rs256 => Box::new(jws::RS256.signer_from_pem(pem).expect("a key")),
        Algorithm::Rs384 => Box::new(jws::RS384.signer_from_pem(pem).expect("a key")),
        Algorithm::Rs512 => Box::new(jws::RS512.signer_from_pem(pem).expect("a key")),
        Algorithm::Ps256 => Box::new(
            jws::PS256
                .signer_from_jwk(&private_jwk(scene))
                .expect("a key"),
        ),
        Algorithm::Ps384 => Box::new(
            jws::PS384
                .signer_from_jwk(&private_jwk(scene))
                .expect("a key"),
        ),
        Algorithm::Ps512 => Box::new(
            jws::PS512
                .signer_from_jwk(&private_jwk(scene))
                .expect("a key"),
        ),
        Algorithm::Hs256 => Box::new(jws::HS256.signer_from_bytes(&scene.secret).expect("a key")),
        Algorithm::Hs384 => Box::new(jws::HS384.signer_from_bytes(&scene.secret).expect("a key")),
        Algorithm::Hs512 => Box::new(jws::HS512.signer_from_bytes(&scene.secret).expect("a key")),
        _ => return None,
    })
}

pub fn verify(scene: &'static Scene) -> Option<Named<Verify>> {
    let verifier = verifier(scene)?;
    let mut validator = JwtPayloadValidator::new();
    validator.set_issuer(ISSUER);
    validator.set_audience(AUDIENCE);
    let verify: Verify = Box::new(move |token| {
        let Ok((claims, _)) = jwt::decode_with_verifier(token, &*verifier) else {
            return false;
        };
        validator.set_base_time(SystemTime::now());
        std::hint::black_box(validator.validate(&claims)).is_ok()
    });
    Some((NAME, verify))
}

pub fn mint(scene: &'static Scene) -> Option<Named<Mint>> {
    let signer = signer(scene)?;
    let mut header = JwsHeader::new();
    header.set_token_type("JWT");
    header.set_key_id(scene.signing_key().id().to_string());
    let payloads: Vec<JwtPayload> = scene
        .says
        .iter()
        .enumerate()
        .map(|(number, says)| {
            let claims = serde_json::from_str(&scene.claims_text(number)).expect("an object");
            let serde_json::Value::Object(claims) = claims else {
                panic!("claims that are no object")
            };
            let mut payload = JwtPayload::from_map(claims).expect("claims");
            payload.set_issued_at(&(UNIX_EPOCH + Duration::from_secs(says.issued_at)));
            payload
        })
        .collect();
    let mint: Mint = Box::new(move |number| {
        jwt::encode_with_signer(&payloads[number], &header, &*signer).expect("a token")
    });
    Some((NAME, mint))
}
