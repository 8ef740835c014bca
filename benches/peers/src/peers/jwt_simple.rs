//! `jwt-simple`, with its engine in Rust.

use jwt_simple::prelude::*;
use tokenwright::key::Algorithm;

use super::{Mint, Named, Verify};
use crate::scene::{AUDIENCE, ISSUER, LIFETIME, SCOPE, Scene};

const NAME: &str = "jwt-simple 0.15";

#[derive(Clone, Serialize, Deserialize)]
struct Scope {
    scope: String,
}

fn options() -> VerificationOptions {
    VerificationOptions {
        allowed_issuers: Some(HashSet::from_strings(&[ISSUER])),
        allowed_audiences: Some(HashSet::from_strings(&[AUDIENCE])),
        time_tolerance: Some(Duration::from_secs(60)),
        ..VerificationOptions::default()
    }
}

/// The options are taken by value, so a program that keeps them copies them.
macro_rules! verifying {
    ($key:expr) => {{
        let key = $key;
        let options = options();
        Box::new(move |token: &'static str| {
            let claims = key.verify_token::<Scope>(token, Some(options.clone()));
            std::hint::black_box(&claims).is_ok()
        }) as Verify
    }};
}

pub fn verify(scene: &'static Scene) -> Option<Named<Verify>> {
    let pem = &*scene.public_pem;
    let verify = match scene.algorithm {
        Algorithm::EdDsa => verifying!(Ed25519PublicKey::from_pem(pem).expect("a key")),
        Algorithm::Es256 => verifying!(ES256PublicKey::from_pem(pem).expect("a key")),
        Algorithm::Es384 => verifying!(ES384PublicKey::from_pem(pem).expect("a key")),
        Algorithm::Rs256 => verifying!(RS256PublicKey::from_pem(pem).expect("a key")),
        Algorithm::Rs384 => verifying!(RS384PublicKey::from_pem(pem).expect("a key")),
        Algorithm::Rs512 => verifying!(RS512PublicKey::from_pem(pem).expect("a key")),
        Algorithm::Ps256 => verifying!(PS256PublicKey::from_pem(pem).expect("a key")),
        Algorithm::Ps384 => verifying!(PS384PublicKey::from_pem(pem).expect("a key")),
        Algorithm::Ps512 => verifying!(PS512PublicKey::from_pem(pem).expect("a key")),
        Algorithm::Hs256 => verifying!(HS256Key::from_bytes(&scene.secret)),
        Algorithm::Hs384 => verifying!(HS384Key::from_bytes(&scene.secret)),
        Algorithm::Hs512 => verifying!(HS512Key::from_bytes(&scene.secret)),
        _ => return None,
    };
    Some((NAME, verify))
}

fn claims(scene: &Scene) -> Vec<JWTClaims<Scope>> {
    let each = scene.says.iter().map(|says| {
        let scope = Scope {
            scope: SCOPE.to_owned(),
        };
        let mut claims = Claims::with_custom_claims(scope, Duration::from_secs(LIFETIME))
            .with_issuer(ISSUER)
            .with_audience(AUDIENCE)
            .with_subject(&says.subject)
            .with_jwt_id(&says.token_id);
        claims.issued_at = Some(Duration::from_secs(says.issued_at));
        claims.invalid_before = Some(Duration::from_secs(says.issued_at));
        claims.expires_at = Some(Duration::from_secs(says.expires_at()));
        claims
    });
    each.collect()
}

/// The claims are taken by value as well.
macro_rules! minting {
    ($scene:expr, $method:ident, $key:expr) => {{
        let key = $key.with_key_id(&$scene.signing_key().id().to_string());
        let claims = claims($scene);
        Box::new(move |number: usize| key.$method(claims[number].clone()).expect("a token")) as Mint
    }};
}

pub fn mint(scene: &'static Scene) -> Option<Named<Mint>> {
    let pem = &*scene.private_pem;
    let mint = match scene.algorithm {
        Algorithm::EdDsa => minting!(scene, sign, Ed25519KeyPair::from_pem(pem).expect("a key")),
        Algorithm::Es256 => minting!(scene, sign, ES256KeyPair::from_pem(pem).expect("a key")),
        Algorithm::Es384 => minting!(scene, sign, ES384KeyPair::from_pem(pem).expect("a key")),
        Algorithm::Rs256 => minting!(scene, sign, RS256KeyPair::from_pem(pem).expect("a key")),
        Algorithm::Rs384 => minting!(scene, sign, RS384KeyPair::from_pem(pem).expect("a key")),
        Algorithm::Rs512 => minting!(scene, sign, RS512KeyPair::from_pem(pem).expect("a key")),
        Algorithm::Ps256 => minting!(scene, sign, PS256KeyPair::from_pem(pem).expect("a key")),
        Algorithm::Ps384 => minting!(scene, sign, PS384KeyPair::from_pem(pem).expect("a key")),
        Algorithm::Ps512 => minting!(scene, sign, PS512KeyPair::from_pem(pem).expect("a key")),
        Algorithm::Hs256 => minting!(scene, authenticate, HS256Key::from_bytes(&scene.secret)),
        Algorithm::Hs384 => minting!(scene, authenticate, HS384Key::from_bytes(&scene.secret)),
        Algorithm::Hs512 => minting!(scene, authenticate, HS512Key::from_bytes(&scene.secret)),
        _ => return None,
    };
    Some((NAME, mint))
}
