//! Tables of busy keys: the verdict is the same with and without, and there are never
//! more than allowed.
//!
//! `TOKENWRIGHT_SIGNATURES=10000000 cargo test --release --test key_tables` compares as
//! many signatures, good and changed, with ed25519-dalek's strict check; others in each run
//! with another `TOKENWRIGHT_SEED`.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use ed25519_dalek::Signer as _;
use tokenwright::key::{Algorithm, ImportOptions, KeyTables, SigningKey, VerifyingKey};
use tokenwright::limits::BUSY_KEY_SIGNATURES;
use tokenwright::{KeySet, RawVerifier, sign_raw};

/// The setting is the process's, so that its tests take turns.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the key has its table already.
fn is_warm(key: &VerifyingKey) -> bool {
    KeyTables::OnRequest { at_most: 0 }.apply();
    let warm = key.warm();
    KeyTables::default().apply();
    warm
}

#[test]
fn tables_are_made_on_request_within_the_limit_and_go_with_their_keys() {
    let _turn = turn();
    let key = || {
        SigningKey::generate(Algorithm::Ed25519)
            .unwrap()
            .verifying_key()
    };
    KeyTables::OnRequest { at_most: 2 }.apply();
    let (first, second, third) = (key(), key(), key());
    assert!(first.warm() && second.warm());
    assert!(!third.warm());
    // A clone has the table that is there; it takes no room of its own.
    let clone = first.clone();
    assert!(clone.warm());
    drop(first);
    assert!(!third.warm());
    drop(clone);
    assert!(third.warm());
    let shared = SigningKey::generate(Algorithm::Hs256).unwrap();
    assert!(!shared.verifying_key().warm());
    KeyTables::default().apply();
}

#[test]
fn a_key_gets_its_table_by_itself_once_it_has_verified_much() {
    let _turn = turn();
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let token = sign_raw(&key, b"payload", b"", b"").unwrap();
    let forged = sign_raw(
        &SigningKey::generate(Algorithm::EdDsa).unwrap(),
        b"x",
        b"",
        b"",
    )
    .unwrap();
    // Read anew: a key that was generated has tried itself.
    let jwk = key.verifying_key().to_jwk().unwrap();
    let verifying = VerifyingKey::from_jwk(jwk.as_bytes(), &ImportOptions::new()).unwrap();
    let verifier = RawVerifier::new(KeySet::of([verifying.clone()]).unwrap());
    for _ in 0..BUSY_KEY_SIGNATURES {
        assert!(verifier.verify(&token).is_ok());
    }
    // What strangers send counts for nothing.
    for _ in 0..BUSY_KEY_SIGNATURES {
        assert!(verifier.verify(&forged).is_err());
    }
    assert!(!is_warm(&verifying));
    assert!(verifier.verify(&token).is_ok());
    let made = (0..10_000_000).any(|_| {
        thread::yield_now();
        is_warm(&verifying)
    });
    assert!(made);
    assert!(verifier.verify(&token).is_ok());
    assert!(verifier.verify(&forged).is_err());
}

/// Numbers as good as random, the same in every run (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 33) as usize % limit
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| (self.next() >> 56) as u8)
    }
}

/// The order of the group, little-endian (RFC 8032 section 5.1).
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// Changes a good signature in one of the ways that verifiers have differed about.
fn change(signature: &mut [u8; 64], way: usize, numbers: &mut Numbers) {
    let (r, s) = signature.split_at_mut(32);
    match way {
        0 => {}
        1 => signature[numbers.below(64)] ^= 1 << numbers.below(8),
        // The same s modulo the order.
        2 => {
            let mut carry = 0;
            for (byte, order) in s.iter_mut().zip(ORDER) {
                let sum = u16::from(*byte) + u16::from(order) + carry;
                (*byte, carry) = (sum as u8, sum >> 8);
            }
        }
        3 => s.copy_from_slice(&numbers.bytes::<32>()),
        4 => r.copy_from_slice(&numbers.bytes::<32>()),
        5 => r[31] ^= 0x80,
        // R of small order or close to p, and s at its edges.
        6 => {
            r.fill(0);
            r[0] = numbers.below(3) as u8;
            s.fill(0);
        }
        7 => {
            r.fill(0xff);
            r[0] = 0xe8 + numbers.below(24) as u8;
            r[31] = if numbers.below(2) == 0 { 0x7f } else { 0xff };
        }
        8 => s.copy_from_slice(&ORDER),
        _ => s[31] |= 0xe0,
    }
}

/// The token of a message and a signature, whatever they are.
fn token(payload: &[u8], signature: &[u8; 64]) -> String {
    let encode = |bytes: &[u8]| base64(bytes);
    format!(
        "{}.{}.{}",
        base64(br#"{"alg":"EdDSA"}"#),
        encode(payload),
        encode(signature)
    )
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - group.len()));
        for place in 0..=group.len() {
            text.push(char::from(
                ALPHABET[(bits >> (18 - 6 * place) & 63) as usize],
            ));
        }
    }
    text
}

#[test]
fn verdicts_with_a_table_are_those_of_dalek() {
    let _turn = turn();
    let count = std::env::var("TOKENWRIGHT_SIGNATURES");
    let count: usize = count.map_or(2_000, |count| count.parse().expect("a number"));
    let seed = std::env::var("TOKENWRIGHT_SEED");
    let seed: u64 = seed.map_or(0, |seed| seed.parse().expect("a number"));
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15 ^ seed);
    let (mut good, mut bad) = (0_usize, 0_usize);
    let mut left = count;
    while left > 0 {
        let signer = ed25519_dalek::SigningKey::from_bytes(&numbers.bytes());
        let public = signer.verifying_key();
        let jwk = format!(
            r#"{{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"{}"}}"#,
            base64(public.as_bytes())
        );
        let key = VerifyingKey::from_jwk(jwk.as_bytes(), &ImportOptions::new()).unwrap();
        assert!(key.warm());
        let verifier = RawVerifier::new(KeySet::of([key]).unwrap());
        for _ in 0..left.min(500) {
            let payload = numbers.bytes::<24>();
            let input = token(&payload, &[0; 64]);
            let input = &input[..input.rfind('.').unwrap()];
            let mut signature = signer.sign(input.as_bytes()).to_bytes();
            change(
                &mut signature,
                numbers.below(20).saturating_sub(10),
                &mut numbers,
            );
            let found = verifier.verify(&token(&payload, &signature)).is_ok();
            let parsed = ed25519_dalek::Signature::from_bytes(&signature);
            let expected = public.verify_strict(input.as_bytes(), &parsed).is_ok();
            assert_eq!(found, expected, "{public:?} {payload:?} {signature:?}");
            *(if found { &mut good } else { &mut bad }) += 1;
        }
        left -= left.min(500);
    }
    println!("{good} good, {bad} refused");
    assert!(good > count / 3 && bad > count / 3);
}
