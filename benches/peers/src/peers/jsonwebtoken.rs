//! `jsonwebtoken`, with both of its engines in one process: the one that is installed
//! hands on to the one that was chosen last, which costs one read of a variable.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use jsonwebtoken::crypto::{CryptoProvider, KeyUtils, aws_lc, rust_crypto};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use tokenwright::key::Algorithm as Ours;

use super::{EightClaims, Mint, Named, Verify};
use crate::scene::{AUDIENCE, ISSUER, Scene};

static RUST_CRYPTO: AtomicBool = AtomicBool::new(false);

static BOTH: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| (chosen().signer_factory)(algorithm, key),
    verifier_factory: |algorithm, key| (chosen().verifier_factory)(algorithm, key),
    // Only for JWKs, of which there are none here.
    key_utils: KeyUtils::new_unimplemented(),
};

fn chosen() -> &'static CryptoProvider {
    if RUST_CRYPTO.load(Relaxed) {
        &rust_crypto::DEFAULT_PROVIDER
    } else {
        &aws_lc::DEFAULT_PROVIDER
    }
}

/// To be called once, before anything is measured.
pub fn install() {
    BOTH.install_default().expect("nobody was quicker");
}

const ENGINES: [Named<bool>; 2] = [
    ("jsonwebtoken 11.1, aws-lc", false),
    ("jsonwebtoken 11.1, rust_crypto", true),
];

fn algorithm(ours: Ours) -> Option<Algorithm> {
    Some(match ours {
        Ours::EdDsa => Algorithm::EdDSA,
        Ours::Es256 => Algorithm::ES256,
        Ours::Es384 => Algorithm::ES384,
        Ours::Rs256 => Algorithm::RS256,
        Ours::Rs384 => Algorithm::RS384,
        Ours::Rs512 => Algorithm::RS512,
        Ours::Ps256 => Algorithm::PS256,
        Ours::Ps384 => Algorithm::PS384,
        Ours::Ps512 => Algorithm::PS512,
        Ours::Hs256 => Algorithm::HS256,
        Ours::Hs384 => Algorithm::HS384,
        Ours::Hs512 => Algorithm::HS512,
        _ => return None,
    })
}

pub fn verify(scene: &'static Scene) -> Vec<Named<Verify>> {
    let Some(algorithm) = algorithm(scene.algorithm) else {
        return Vec::new();
    };
    let pem = scene.public_pem.as_bytes();
    ENGINES
        .map(|(name, rust_crypto)| {
            let key = match algorithm {
                Algorithm::EdDSA => DecodingKey::from_ed_pem(pem),
                Algorithm::ES256 | Algorithm::ES384 => DecodingKey::from_ec_pem(pem),
                Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => {
                    Ok(DecodingKey::from_secret(&scene.secret))
                }
                _ => DecodingKey::from_rsa_pem(pem),
            }
            .expect("a key");
            let mut validation = Validation::new(algorithm);
            validation.validate_nbf = true;
            validation.set_issuer(&[ISSUER]);
            validation.set_audience(&[AUDIENCE]);
            validation.set_required_spec_claims(&["exp", "iss", "aud"]);
            let verify: Verify = Box::new(move |token| {
                RUST_CRYPTO.store(rust_crypto, Relaxed);
                let decoded = decode::<EightClaims>(token, &key, &validation);
                std::hint::black_box(&decoded).is_ok()
            });
            (name, verify)
        })
        .into()
}

pub fn mint(scene: &'static Scene) -> Vec<Named<Mint>> {
    let Some(algorithm) = algorithm(scene.algorithm) else {
        return Vec::new();
    };
    let pem = scene.private_pem.as_bytes();
    ENGINES
        .map(|(name, rust_crypto)| {
            let key = match algorithm {
                Algorithm::EdDSA => EncodingKey::from_ed_pem(pem),
                Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_pem(pem),
                Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => {
                    Ok(EncodingKey::from_secret(&scene.secret))
                }
                _ => EncodingKey::from_rsa_pem(pem),
            }
            .expect("a key");
            let mut header = Header::new(algorithm);
            header.kid = Some(scene.signing_key().id().to_string());
            let claims: Vec<EightClaims> = scene.says.iter().map(EightClaims::from).collect();
            let mint: Mint = Box::new(move |number| {
                RUST_CRYPTO.store(rust_crypto, Relaxed);
                encode(&header, &claims[number], &key).expect("a token")
            });
            (name, mint)
        })
        .into()
}
