//! `rusty_paseto`, through its builder and its parser, which it calls batteries included.

use rusty_paseto::prelude::*;
use tokenwright::UnixTime;
use tokenwright::key::Algorithm;

use super::pasetors::key_pair;
use super::{Mint, Named, Verify};
use crate::scene::{AUDIENCE, ISSUER, SCOPE, Scene};

const NAME: &str = "rusty_paseto 0.10";

fn kept<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn footer(scene: &Scene) -> Footer<'static> {
    let text = format!("{{\"kid\":\"{}\"}}", scene.signing_key().id());
    Footer::from(&**kept(text))
}

fn parser<P>(scene: &Scene) -> PasetoParser<'static, V4, P> {
    let mut parser = PasetoParser::<V4, P>::default();
    parser.set_footer(footer(scene));
    parser.check_claim(IssuerClaim::from(ISSUER));
    parser.check_claim(AudienceClaim::from(AUDIENCE));
    parser
}

pub fn verify(scene: &'static Scene) -> Option<Named<Verify>> {
    let verify: Verify = match scene.algorithm {
        Algorithm::V4Public => {
            let bytes: [u8; 32] = key_pair(scene)[32..].try_into().expect("32 bytes");
            let bytes = kept(Key::<32>::from(bytes));
            let key = kept(PasetoAsymmetricPublicKey::<V4, Public>::from(bytes));
            let mut parser = parser::<Public>(scene);
            Box::new(move |token| std::hint::black_box(parser.parse(token, key)).is_ok())
        }
        Algorithm::V4Local => {
            let bytes: [u8; 32] = (*scene.secret).try_into().expect("32 bytes");
            let key = kept(PasetoSymmetricKey::<V4, Local>::from(Key::from(bytes)));
            let mut parser = parser::<Local>(scene);
            Box::new(move |token| std::hint::black_box(parser.parse(token, key)).is_ok())
        }
        _ => return None,
    };
    Some((NAME, verify))
}

/// A builder for each token, prepared: only writing and signing is measured.
fn builders<P>(scene: &'static Scene) -> Vec<PasetoBuilder<'static, V4, P>> {
    let each = scene.says.iter().map(|says| {
        let time = |seconds: u64| {
            let text = UnixTime::from_seconds(seconds as i64).to_rfc3339();
            &**kept(text.expect("a time"))
        };
        let mut builder = PasetoBuilder::<V4, P>::default();
        builder
            .set_claim(IssuerClaim::from(ISSUER))
            .set_claim(AudienceClaim::from(AUDIENCE))
            .set_claim(SubjectClaim::from(&*says.subject))
            .set_claim(TokenIdentifierClaim::from(&*says.token_id))
            .set_claim(IssuedAtClaim::try_from(time(says.issued_at)).expect("a time"))
            .set_claim(NotBeforeClaim::try_from(time(says.issued_at)).expect("a time"))
            .set_claim(ExpirationClaim::try_from(time(says.expires_at())).expect("a time"))
            .set_claim(CustomClaim::try_from(("scope", SCOPE)).expect("a claim"))
            .set_footer(footer(scene));
        builder
    });
    each.collect()
}

pub fn mint(scene: &'static Scene) -> Option<Named<Mint>> {
    let mint: Mint = match scene.algorithm {
        Algorithm::V4Public => {
            let pair = kept(key_pair(scene));
            let key = PasetoAsymmetricPrivateKey::<V4, Public>::try_from(&pair[..]).expect("a key");
            let key = kept(key);
            let mut builders = builders::<Public>(scene);
            Box::new(move |number| builders[number].build(key).expect("a token"))
        }
        Algorithm::V4Local => {
            let bytes: [u8; 32] = (*scene.secret).try_into().expect("32 bytes");
            let key = kept(PasetoSymmetricKey::<V4, Local>::from(Key::from(bytes)));
            let mut builders = builders::<Local>(scene);
            Box::new(move |number| builders[number].build(key).expect("a token"))
        }
        _ => return None,
    };
    Some((NAME, mint))
}
