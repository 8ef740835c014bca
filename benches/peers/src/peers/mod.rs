//! Each library, prepared once as its documentation says, and asked the same.

mod josekit;
mod jsonwebtoken;
mod jwt_simple;
mod ours;
mod pasetors;
mod raw;
mod rusty_paseto;

pub use jsonwebtoken::install as install_engines;
pub use ours::{batch, cached, cold};
pub use raw::verify_batch;

use serde::{Deserialize, Serialize};

use crate::measure::{Contestant, Kind};
use crate::scene::{AUDIENCE, ISSUER, SCOPE, Says, Scene};

/// The 8 claims, as a program would write them down for a library that reads with serde.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct EightClaims {
    iss: String,
    sub: String,
    aud: String,
    exp: u64,
    nbf: u64,
    iat: u64,
    jti: String,
    scope: String,
}

impl From<&Says> for EightClaims {
    fn from(says: &Says) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            sub: says.subject.clone(),
            aud: AUDIENCE.to_owned(),
            exp: says.expires_at(),
            nbf: says.issued_at,
            iat: says.issued_at,
            jti: says.token_id.clone(),
            scope: SCOPE.to_owned(),
        }
    }
}

/// A library that verifies one token: whether it is good.
type Verify = Box<dyn FnMut(&'static str) -> bool>;
/// A library that mints the token whose number in the scene this is.
type Mint = Box<dyn FnMut(usize) -> String>;

type Named<T> = (&'static str, T);

/// Everybody who can verify tokens of this scene, after showing that they check the same.
pub fn verifying(scene: &'static Scene) -> Vec<Contestant> {
    let ours = ours::verify(scene);
    let peers = jsonwebtoken::verify(scene)
        .into_iter()
        .chain(jwt_simple::verify(scene))
        .chain(josekit::verify(scene))
        .chain(pasetors::verify(scene))
        .chain(rusty_paseto::verify(scene))
        .map(|named| (Kind::Peer, named));
    ours.into_iter()
        .chain(peers)
        .map(|(kind, (name, mut verify))| {
            check(scene, name, &mut verify);
            Contestant::new(kind, name, move |call| {
                let token = scene.tokens[call % scene.tokens.len()];
                assert!(verify(std::hint::black_box(token)));
            })
        })
        .chain(raw::verify(scene))
        .collect()
}

/// The peers of [`verifying`] with one token of each of these keys in turn.
pub fn verifying_in_turn(scenes: &'static [&'static Scene]) -> Vec<Contestant> {
    type All = fn(&'static Scene) -> Vec<Named<Verify>>;
    let libraries: [All; 3] = [
        jsonwebtoken::verify,
        |scene| jwt_simple::verify(scene).into_iter().collect(),
        |scene| josekit::verify(scene).into_iter().collect(),
    ];
    let mut all = Vec::new();
    for library in libraries {
        let mut named: Vec<(&'static str, Vec<Verify>)> = Vec::new();
        for scene in scenes {
            for (place, (name, verify)) in library(scene).into_iter().enumerate() {
                match named.get_mut(place) {
                    Some((_, verifying)) => verifying.push(verify),
                    None => named.push((name, vec![verify])),
                }
            }
        }
        for (name, mut verifying) in named {
            all.push(Contestant::new(Kind::Peer, name, move |call| {
                let number = call % scenes.len();
                let token = scenes[number].tokens[0];
                assert!(verifying[number](std::hint::black_box(token)));
            }));
        }
    }
    all.extend(raw::verify_in_turn(scenes));
    all
}

/// Everybody who can mint; ours verifies what they minted.
pub fn minting(scene: &'static Scene) -> Vec<Contestant> {
    let verifier = scene.verifier();
    let peers = jsonwebtoken::mint(scene)
        .into_iter()
        .chain(jwt_simple::mint(scene))
        .chain(josekit::mint(scene))
        .chain(pasetors::mint(scene))
        .chain(rusty_paseto::mint(scene))
        .map(|named| (Kind::Peer, named));
    [(Kind::Ours, ours::mint(scene))]
        .into_iter()
        .chain(peers)
        .map(|(kind, (name, mut mint))| {
            let token = mint(0);
            let verified = verifier.verify(&token);
            let claims = verified.unwrap_or_else(|error| panic!("{name} minted {token}: {error}"));
            assert_eq!(claims.subject(), Some(&*scene.says[0].subject), "{name}");
            assert_eq!(claims.scope(), Some(SCOPE), "{name}");
            let many = scene.says.len();
            Contestant::new(kind, name, move |call| {
                std::hint::black_box(mint(call % many));
            })
        })
        .chain(raw::sign(scene))
        .collect()
}

/// Good tokens pass and each wrong one does not, whoever is asked.
fn check(scene: &Scene, name: &str, verify: &mut Verify) {
    for token in &scene.tokens {
        assert!(verify(token), "{name} refuses {token}");
    }
    for wrong in &scene.wrong {
        assert!(!verify(wrong.token), "{name} accepts {}", wrong.what);
    }
}
