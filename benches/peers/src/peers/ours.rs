//! Ours.

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;

use tokenwright::{Scratch, Verifier};

use super::{Mint, Named, Verify};
use crate::measure::{Contestant, Kind};
use crate::scene::{AUDIENCE, ISSUER, Scene};

pub fn verify(scene: &'static Scene) -> Vec<(Kind, Named<Verify>)> {
    let verifier = scene.busy_verifier();
    let owning = verifier.clone();
    let mut scratch = Scratch::new();
    let borrowed: Verify = Box::new(move |token| {
        let verified = verifier.verify_borrowed(token, &mut scratch);
        black_box(&verified).is_ok()
    });
    let owned: Verify = Box::new(move |token| {
        let verified = owning.verify(token);
        black_box(&verified).is_ok()
    });
    vec![
        (Kind::Ours, ("tokenwright, borrowed claims", borrowed)),
        (Kind::OursToo, ("tokenwright, owned claims", owned)),
    ]
}

pub fn mint(scene: &'static Scene) -> Named<Mint> {
    let minter = scene.minter(ISSUER, AUDIENCE);
    let claims: Vec<_> = scene.says.iter().map(|says| says.ours()).collect();
    let mint: Mint = Box::new(move |number| minter.mint(&claims[number]).expect("a token"));
    ("tokenwright", mint)
}

/// A key that is seen for the first time: each call has a verifier of its own that has
/// verified nothing, made ready from the key's text outside of the time as the peers' are.
pub fn cold(scenes: &'static [&'static Scene]) -> Contestant {
    let fresh: Rc<RefCell<Vec<Verifier>>> = Rc::default();
    let filled = Rc::clone(&fresh);
    let mut scratch = Scratch::new();
    Contestant::new(Kind::Ours, "tokenwright, borrowed claims", move |call| {
        let fresh = fresh.borrow();
        let token = scenes[call].tokens[0];
        let verified = fresh[call].verify_borrowed(black_box(token), &mut scratch);
        assert!(verified.is_ok());
    })
    .prepared(scenes.len(), move |calls| {
        *filled.borrow_mut() = scenes[..calls]
            .iter()
            .map(|scene| scene.verifier())
            .collect();
    })
}

/// So many different tokens of a busy key at once, on one thread.
pub fn batch(scene: &'static Scene, many: usize) -> Contestant {
    let verifier = scene.busy_verifier();
    let tokens = scene.many(many);
    let mut spoilt = tokens.clone();
    spoilt[many / 2] = scene.wrong[0].token;
    let answers = verifier.verify_batch(spoilt);
    let good = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(good, many - 1, "one token of the batch is spoilt");
    Contestant::new(Kind::Ours, "tokenwright, owned claims", move |_| {
        let answers = verifier.verify_batch(black_box(&tokens).iter().copied());
        assert!(answers.iter().all(Result::is_ok));
    })
}

/// Tokens that were verified a moment ago, as many as a cache was made for.
pub fn cached(scene: &'static Scene, many: usize) -> Contestant {
    let verifier = scene.busy_verifier().caching(many);
    let tokens = scene.many(many);
    for token in &tokens {
        assert!(verifier.verify(*token).is_ok());
    }
    Contestant::new(Kind::Ours, "tokenwright, shared claims", move |call| {
        // Not one after the other, which a processor would foresee.
        let token = tokens[call.wrapping_mul(619) % many];
        assert!(black_box(verifier.verify(black_box(token))).is_ok());
    })
}
