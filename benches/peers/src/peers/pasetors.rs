//! `pasetors`.

use pasetors::claims::{Claims, ClaimsValidationRules};
use pasetors::footer::Footer;
use pasetors::keys::{AsymmetricPublicKey, AsymmetricSecretKey, SymmetricKey};
use pasetors::token::UntrustedToken;
use pasetors::version4::V4;
use pasetors::{Local, Public, local, public};
use tokenwright::UnixTime;
use tokenwright::key::Algorithm;

use super::{Mint, Named, Verify};
use crate::scene::{AUDIENCE, ISSUER, SCOPE, Scene};

const NAME: &str = "pasetors 0.8";

fn rules() -> ClaimsValidationRules {
    let mut rules = ClaimsValidationRules::new();
    rules.validate_issuer_with(ISSUER);
    rules.validate_audience_with(AUDIENCE);
    rules
}

/// The seed and the point after it, as PASETO writes Ed25519 private keys down.
pub fn key_pair(scene: &Scene) -> [u8; 64] {
    ed25519_dalek::SigningKey::from_bytes(&scene.seed()).to_keypair_bytes()
}

pub fn verify(scene: &'static Scene) -> Option<Named<Verify>> {
    let rules = rules();
    let verify: Verify = match scene.algorithm {
        Algorithm::V4Public => {
            let key = AsymmetricPublicKey::<V4>::from(&key_pair(scene)[32..]).expect("a key");
            Box::new(move |token| {
                let Ok(token) = UntrustedToken::<Public, V4>::try_from(token) else {
                    return false;
                };
                let trusted = public::verify(&key, &token, &rules, None, None);
                std::hint::black_box(&trusted).is_ok()
            })
        }
        Algorithm::V4Local => {
            let key = SymmetricKey::<V4>::from(&scene.secret).expect("a key");
            Box::new(move |token| {
                let Ok(token) = UntrustedToken::<Local, V4>::try_from(token) else {
                    return false;
                };
                let trusted = local::decrypt(&key, &token, &rules, None, None);
                std::hint::black_box(&trusted).is_ok()
            })
        }
        _ => return None,
    };
    Some((NAME, verify))
}

fn claims(scene: &Scene) -> Vec<Claims> {
    let each = scene.says.iter().map(|says| {
        let time = |seconds: u64| {
            UnixTime::from_seconds(seconds as i64)
                .to_rfc3339()
                .expect("a time")
        };
        let mut claims = Claims::new().expect("claims");
        claims.issuer(ISSUER).expect("a claim");
        claims.audience(AUDIENCE).expect("a claim");
        claims.subject(&says.subject).expect("a claim");
        claims.token_identifier(&says.token_id).expect("a claim");
        claims.issued_at(&time(says.issued_at)).expect("a claim");
        claims.not_before(&time(says.issued_at)).expect("a claim");
        claims
            .expiration(&time(says.expires_at()))
            .expect("a claim");
        claims.add_additional("scope", SCOPE).expect("a claim");
        claims
    });
    each.collect()
}

fn footer(scene: &Scene) -> Footer {
    let mut footer = Footer::new();
    let text = format!("{{\"kid\":\"{}\"}}", scene.signing_key().id());
    footer.parse_string(&text).expect("a footer");
    footer
}

pub fn mint(scene: &'static Scene) -> Option<Named<Mint>> {
    let mint: Mint = match scene.algorithm {
        Algorithm::V4Public => {
            let key = AsymmetricSecretKey::<V4>::from(&key_pair(scene)).expect("a key");
            let (claims, footer) = (claims(scene), footer(scene));
            Box::new(move |number| {
                public::sign(&key, &claims[number], Some(&footer), None).expect("a token")
            })
        }
        Algorithm::V4Local => {
            let key = SymmetricKey::<V4>::from(&scene.secret).expect("a key");
            let (claims, footer) = (claims(scene), footer(scene));
            Box::new(move |number| {
                local::encrypt(&key, &claims[number], Some(&footer), None).expect("a token")
            })
        }
        _ => return None,
    };
    Some((NAME, mint))
}
