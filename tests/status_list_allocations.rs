//! What status lists cost in memory: reading one is bounded whatever it would grow to,
//! and consulting one allocates nothing.

use std::time::Duration;

use allocation_counter::measure;
use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::limits::MAX_STATUS_LIST_BYTES;
use tokenwright::status_list::{
    Status, StatusBits, StatusList, StatusListToken, StatusLists, Unlisted,
};
use tokenwright::{
    Claims, Clock as _, Freshness, KeySet, Minter, Policy, Scratch, StatusClaim, SystemClock,
    Verifier, WhenUnknown,
};

const ISSUER: &str = "https://auth.example";

/// A stream that inflates to about `bytes` zeros: one, and then copies of 258 of them,
/// in a block of fixed codes (RFC 1951 section 3.2.6).
fn bomb(bytes: usize) -> String {
    let (mut stream, mut held, mut count) = (vec![0x78, 0xda], 0_u32, 0);
    let mut put = |value: u32, bits: u32| {
        held |= value << count;
        count += bits;
        while count >= 8 {
            stream.push(held.to_le_bytes()[0]);
            held >>= 8;
            count -= 8;
        }
    };
    // A last block of fixed codes, and the literal 0: codes stand with their highest bit first.
    put(0b011, 3);
    put(0b0000_1100, 8);
    for _ in 0..bytes / 258 {
        // Length 258 is 0b11000101, distance 1 is five zeros.
        put(0b1010_0011, 8);
        put(0, 5);
    }
    encode(&stream)
}

fn encode(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0; 4];
        group[1..=chunk.len()].copy_from_slice(chunk);
        let group = u32::from_be_bytes(group);
        for place in 0..=chunk.len() {
            let index = group >> (18 - 6 * place) & 63;
            text.push(char::from(ALPHABET[index as usize]));
        }
    }
    text
}

#[test]
fn a_gigabyte_in_a_status_list_is_refused_in_the_memory_of_the_limit() {
    const LIMIT: u64 = MAX_STATUS_LIST_BYTES as u64;
    let lst = bomb(1 << 30);
    let compressed = lst.len() as u64 * 3 / 4;
    let mut code = "";
    let counted = measure(|| {
        code = StatusList::decode(StatusBits::One, &lst)
            .unwrap_err()
            .code();
    });
    assert_eq!(code, "list_too_large");
    // The stream, the list while it doubles, and the tables of the decoder.
    let most = compressed + LIMIT * 3 / 2 + 100_000;
    assert!(counted.bytes_max < most, "{} of {most}", counted.bytes_max);
    // Just below the limit the same stream is only damaged: it has no end.
    let small = bomb(1 << 20);
    let refused = StatusList::decode(StatusBits::One, &small).unwrap_err();
    assert_eq!(refused.code(), "not_zlib");
}

#[test]
fn a_small_status_list_costs_little_however_large_the_limit() {
    let list = StatusList::new(StatusBits::One, 1_000).unwrap();
    let json = list.to_json();
    let counted = measure(|| {
        let _ = StatusList::from_json(json.as_bytes()).unwrap();
    });
    assert!(counted.bytes_max < 60_000, "{}", counted.bytes_max);
}

#[test]
fn consulting_status_lists_costs_no_allocation() {
    let uri = "https://auth.example/statuslists/1";
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let keys = KeySet::of([key.verifying_key()]).unwrap();
    let minter = Minter::builder(key, ISSUER).audience("orders-api").build();
    let minter = minter.unwrap();
    let lists = StatusLists::new(Unlisted::Refuse, Duration::ZERO);
    let list = StatusList::of(StatusBits::One, 8, [(3, Status::INVALID)]).unwrap();
    let now = SystemClock.now();
    let hold = |uri: &str| {
        let token = StatusListToken::new(uri, list.clone(), now, None);
        lists.hold(token).unwrap();
    };
    hold(uri);
    hold("https://auth.example/statuslists/2");
    let verifier = Verifier::builder(keys)
        .policy(Policy::new(ISSUER, "orders-api"))
        .revocation(
            lists.clone(),
            Freshness::new(Duration::from_secs(60), WhenUnknown::Refuse),
        )
        .build();
    let token = |index| {
        let claims = Claims::for_subject("alice").with_status(StatusClaim::new(index, uri));
        minter.mint(&claims).unwrap()
    };
    let (good, revoked) = (token(2), token(3));
    let mut scratch = Scratch::new();
    let _ = verifier.verify_borrowed(&good, &mut scratch).unwrap();
    let counted = measure(|| {
        let _ = verifier.verify_borrowed(&good, &mut scratch).unwrap();
    });
    assert_eq!(counted.count_total, 0);
    let counted = measure(|| {
        let refused = verifier
            .verify_borrowed(&revoked, &mut scratch)
            .unwrap_err();
        assert_eq!(refused.code(), "revoked");
    });
    assert_eq!(counted.count_total, 0);
}
