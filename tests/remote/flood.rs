//! Tokens with random key ids: at most one fetch a cool-down, none under a promise, and
//! no memory for any of them.
//!
//! In release it floods with a million ids of each kind and says what a refusal costs:
//! `cargo test --release --test remote flood -- --nocapture --test-threads=1`

use std::time::{Duration, Instant};

use tokenwright::http::remote::RemoteKeys;

use crate::scene::*;

const FLOOD: usize = if cfg!(debug_assertions) {
    20_000
} else {
    1_000_000
};
const BATCH: usize = 1_000;

/// Reproducible random key ids (xorshift).
struct Random(u64);

impl Random {
    fn id(&mut self) -> String {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        format!("{:016x}", self.0)
    }
}

/// `{"alg":"EdDSA","kid":"…"}` in base64url, before the rest of a good token.
fn renamed(token: &str, id: &str) -> String {
    let header = format!(r#"{{"alg":"EdDSA","kid":"{id}"}}"#);
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for group in header.as_bytes().chunks(3) {
        let bits = group
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - group.len()));
        for place in 0..=group.len() {
            text.push(char::from(
                alphabet[(bits >> (18 - 6 * place)) as usize & 63],
            ));
        }
    }
    let (_, rest) = token.split_once('.').unwrap();
    format!("{text}.{rest}")
}

/// Resident memory of this process, in bytes.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// Floods for `seconds` of the clock; gives how many fetches that caused.
fn flood(world: &World, good: &tokenwright::key::SigningKey, seconds: u64, what: &str) -> usize {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let token = world.mint(good);
    let (before, mut memory, mut spent) = (world.script.fetches(), 0, Duration::ZERO);
    let rounds = FLOOD / BATCH;
    for round in 0..rounds {
        let batch: Vec<String> = (0..BATCH).map(|_| renamed(&token, &random.id())).collect();
        if round == 1 {
            memory = resident();
        }
        let started = Instant::now();
        for token in &batch {
            assert_eq!(
                world.verifier.verify(token).unwrap_err().code(),
                "unknown_key"
            );
        }
        spent += started.elapsed();
        world.tick();
        assert_eq!(world.verdict(good), "ok");
        // Whole seconds, spread evenly over the rounds.
        let at = |round: usize| seconds * round as u64 / rounds as u64;
        world.pass(at(round + 1) - at(round));
    }
    let grown = resident().saturating_sub(memory);
    // Other tests of this process run beside it; a map of a million ids would show.
    assert!(grown <= 16 << 20, "{grown} bytes more memory");
    let each = spent.as_nanos() / FLOOD as u128;
    let fetches = world.script.fetches() - before;
    println!(
        "{what}: {FLOOD} refusals in {seconds} s of the clock, {fetches} fetches, {each} ns each, {grown} bytes more"
    );
    fetches
}

#[test]
fn a_flood_of_unknown_ids_causes_one_fetch_a_cool_down_at_most() {
    let one = key("one");
    let world = World::of(&[&one]);
    world.pass(COOL_DOWN);
    let fetches = flood(&world, &one, 300, "without a promise");
    assert!(
        (1..=300 / COOL_DOWN as usize).contains(&fetches),
        "{fetches}"
    );
}

#[test]
fn a_flood_causes_no_more_fetches_when_each_of_them_fails() {
    let one = key("one");
    let world = World::of(&[&one]);
    world.pass(COOL_DOWN);
    world.script.fail();
    let fetches = flood(&world, &one, 300, "while the issuer is down");
    assert!(
        (1..=300 / COOL_DOWN as usize).contains(&fetches),
        "{fetches}"
    );
}

#[test]
fn a_flood_under_a_promise_causes_no_fetch() {
    let one = key("one");
    let body = promising(&[&one], START.saturating_add(Duration::from_secs(3000)));
    let world = World::lazy(RemoteKeys::jwks(JWKS), move |_| {
        with_headers(&body, &[("cache-control", "max-age=3000")])
    });
    world.remote.refresh().unwrap();
    assert_eq!(flood(&world, &one, 300, "under a promise"), 0);
}
