//! Whatever stands in the headers, the answer is one of a few fixed texts.

use std::collections::HashSet;

use axum::body::Body;
use http::header::{AUTHORIZATION, COOKIE, HeaderValue};
use http::{HeaderMap, Request};
use tokenwright::http::TokenPlace;

use crate::scene::{Scene, bare, forged};

/// A small generator of numbers (xorshift), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }
}

/// A good token broken in one of many ways, in or out of the dress of a header.
fn garbage(random: &mut Random, tokens: &[String]) -> Vec<u8> {
    const DRESS: [&str; 12] = [
        "Bearer ",
        "bearer  ",
        "Bearer",
        "BEARER\t",
        "Basic ",
        "",
        "s=",
        "s = ",
        "a=b; s=",
        "s=\"",
        "Bearer s=",
        "; ;s=",
    ];
    let mut text = DRESS[random.below(DRESS.len())].as_bytes().to_vec();
    text.extend(tokens[random.below(tokens.len())].as_bytes());
    for _ in 0..random.below(4) {
        let place = random.below(text.len());
        // Bytes that a header can hold.
        let byte = loop {
            let byte = u8::try_from(random.below(256)).unwrap();
            if HeaderValue::from_bytes(&[byte]).is_ok() {
                break byte;
            }
        };
        match random.below(4) {
            0 => text[place] = byte,
            1 => text.insert(place, byte),
            2 => text.truncate(place.max(1)),
            _ => {
                let piece = text[place..].to_vec();
                text.extend(piece);
            }
        }
    }
    text
}

fn request(random: &mut Random, tokens: &[String]) -> Request<Body> {
    let mut headers = HeaderMap::new();
    for _ in 0..=random.below(2) {
        let name = if random.below(2) == 0 {
            AUTHORIZATION
        } else {
            COOKIE
        };
        let value = HeaderValue::from_bytes(&garbage(random, tokens)).unwrap();
        headers.append(name, value);
    }
    let mut request = bare();
    *request.headers_mut() = headers;
    request
}

#[test]
fn no_answer_to_garbage_holds_any_of_it_or_says_what_was_wrong() {
    let scene = Scene::new();
    let gate = scene
        .gate()
        .token_in(TokenPlace::header_or_cookie("s").unwrap());
    let good = scene.alice();
    let tokens = [
        good.clone(),
        forged(&good),
        "v4.public.AAAA".to_owned(),
        "secret-of-the-client".to_owned(),
    ];
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut answers, mut codes, mut accepted) = (HashSet::new(), HashSet::new(), 0);
    for _ in 0..30_000 {
        let request = request(&mut random, &tokens);
        let refusal = match gate.check::<()>(request.headers()) {
            Ok(Some(_)) => {
                accepted += 1;
                continue;
            }
            Ok(None) => continue,
            Err(refusal) => refusal,
        };
        codes.insert(refusal.code());
        // The operator's words hold no token either.
        for printed in [refusal.to_string(), format!("{refusal:?}")] {
            for part in good.split('.').chain(["secret-of"]) {
                assert!(!printed.contains(part), "{printed}");
            }
        }
        let (parts, _) = request.into_parts();
        let answer = gate.answer(refusal, &parts);
        answers.insert(format!(
            "{} {:?} {}",
            answer.status(),
            answer.headers(),
            answer.body()
        ));
    }
    // One for bad tokens, one for several.
    assert_eq!(answers.len(), 2, "{answers:#?}");
    // The test met good requests, and bad ones of many kinds.
    assert!(accepted > 100, "{accepted}");
    for code in [
        "malformed",
        "bad_signature",
        "not_a_token",
        "repeated_header",
        "several_places",
    ] {
        assert!(codes.contains(code), "{code} was not met: {codes:?}");
    }
}
