//! What only this room can see: streams and tokens that no honest side makes.

use std::time::Duration;

use super::zlib::{deflate, inflate};
use super::*;
use crate::UnixTime;
use crate::encoding::base64url;
use crate::key::{Algorithm, SigningKey};

const NOW: UnixTime = UnixTime::from_seconds(1_760_000_000);
const URI: &str = "https://auth.example/statuslists/1";
const LEEWAY: Duration = Duration::from_secs(30);

/// Numbers that look random and are the same every time.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

#[test]
fn the_examples_of_the_draft_are_read_bit_for_bit() {
    let one = StatusList::decode(StatusBits::One, "eNrbuRgAAhcBXQ").unwrap();
    let statuses: Vec<u8> = (0..16).map(|at| one.get(at).unwrap().value()).collect();
    assert_eq!(statuses, [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]);
    let two = StatusList::decode(StatusBits::Two, "eNo76fITAAPfAgc").unwrap();
    let statuses: Vec<u8> = (0..12).map(|at| two.get(at).unwrap().value()).collect();
    assert_eq!(statuses, [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]);
    assert_eq!(
        (one.get(16), two.get(12), two.get(u64::MAX)),
        (None, None, None)
    );
}

#[test]
fn a_stream_is_one_whole_zlib_stream_and_nothing_else() {
    let good = deflate(b"\xb9\xa3");
    assert_eq!(inflate(&good, 2).unwrap(), b"\xb9\xa3");
    let reason = |stream: &[u8]| match inflate(stream, 100) {
        Err(StatusListErrorKind::NotZlib { reason }) => reason,
        other => panic!("{other:?}"),
    };
    for end in 0..good.len() {
        assert_eq!(reason(&good[..end]), "it ends too early", "{end}");
    }
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut stream = good.clone();
        change(&mut stream);
        stream
    };
    let trailing = with(&|stream| stream.push(0));
    assert_eq!(reason(&trailing), "bytes follow its end");
    let twice = with(&|stream| stream.extend_from_slice(&good));
    assert_eq!(reason(&twice), "bytes follow its end");
    let checksum = with(&|stream| *stream.last_mut().unwrap() ^= 1);
    assert_eq!(reason(&checksum), "its checksum is wrong");
    let raw = with(&|stream| drop(stream.drain(..2)));
    assert_eq!(reason(&raw), "it has no ZLIB header");
    assert_eq!(reason(b"\x1f\x8b\x08\0\0\0\0\0"), "it has no ZLIB header");
    // Window of 64 KiB, method 7, and a header whose check is off by one.
    for header in [[0x88, 0x1c], [0x77, 0x09], [0x78, 0xdb]] {
        assert_eq!(
            reason(&[header[0], header[1], 0, 0]),
            "it has no ZLIB header"
        );
    }
    let dictionary = with(&|stream| stream[..2].copy_from_slice(&[0x78, 0xf9]));
    assert_eq!(reason(&dictionary), "it asks for a preset dictionary");
    let block = with(&|stream| stream[2] = 0xff);
    assert_eq!(reason(&block), "its blocks are damaged");
}

#[test]
fn the_limit_is_exact() {
    for size in [1, 63, 64, 65, 4096, 100_000] {
        let stream = deflate(&vec![7; size]);
        assert_eq!(inflate(&stream, size).map(|bytes| bytes.len()), Ok(size));
        let limit = size - 1;
        assert_eq!(
            inflate(&stream, limit),
            Err(StatusListErrorKind::TooLarge { limit })
        );
    }
    // Nothing at all is a list too, of no token.
    assert_eq!(inflate(&deflate(b""), 0), Ok(Vec::new()));
}

#[test]
fn bytes_that_do_not_compress_stay_below_the_longest_stream() {
    let mut random = Random(1);
    for size in [0, 1, 1000, 300_000] {
        let bytes: Vec<u8> = (0..size).map(|_| random.next(256) as u8).collect();
        let stream = deflate(&bytes);
        assert!(stream.len() <= super::zlib::longest_stream(size), "{size}");
        assert_eq!(inflate(&stream, size), Ok(bytes));
    }
}

fn reader(key: &SigningKey) -> StatusListReader {
    StatusListReader::new(key.verifying_key(), LEEWAY)
}

/// The code of the refusal of a payload that an issuer signed.
fn refused(payload: &str) -> &'static str {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let text = key.seal_document(TOKEN_TYPE, payload.as_bytes()).unwrap();
    match reader(&key).read(URI, &text, NOW) {
        Ok(_) => "",
        Err(error) => error.code(),
    }
}

#[test]
fn every_claim_of_a_signed_list_is_held_to_the_draft() {
    let list = r#""status_list":{"bits":1,"lst":"eNrbuRgAAhcBXQ"}"#;
    let with = |members: &str| {
        refused(&format!(
            r#"{{"sub":"{URI}","iat":1760000000,{list}{members}}}"#
        ))
    };
    for (members, code) in [
        ("", ""),
        (r#","exp":1760000001,"ttl":43200,"unknown":[1]"#, ""),
        (r#","ttl":0.5"#, ""),
        (r#","exp":1759999971"#, ""),
        (r#","exp":1759999970"#, "expired"),
        (r#","exp":null"#, "bad_member"),
        (r#","exp":"1760000001""#, "bad_member"),
        (r#","nbf":1760000030"#, ""),
        (r#","nbf":1760000031"#, "not_yet_valid"),
        (r#","ttl":0"#, "bad_member"),
        (r#","ttl":-1"#, "bad_member"),
        (r#","ttl":"60""#, "bad_member"),
        (r#","aud":"someone""#, "bad_member"),
        (r#","sub":"https://other.example""#, "bad_json"),
        (",", "bad_json"),
    ] {
        assert_eq!(with(members), code, "{members}");
    }
    let sub = format!(r#""sub":"{URI}""#);
    for (payload, code) in [
        (format!("{{{sub},{list}}}"), "bad_member"),
        (format!("{{{sub},\"iat\":\"1\",{list}}}"), "bad_member"),
        (format!("{{\"iat\":1760000000,{list}}}"), "bad_member"),
        (format!("{{{sub},\"iat\":1760000030,{list}}}"), ""),
        (
            format!("{{{sub},\"iat\":1760000031,{list}}}"),
            "not_yet_valid",
        ),
        (format!("{{{sub},\"iat\":1760000000}}"), "bad_member"),
        (
            format!("{{\"sub\":\"{URI}/\",\"iat\":1760000000,{list}}}"),
            "sub_mismatch",
        ),
        (
            format!("{{\"sub\":1,\"iat\":1760000000,{list}}}"),
            "bad_member",
        ),
        ("[]".to_owned(), "bad_json"),
    ] {
        assert_eq!(refused(&payload), code, "{payload}");
    }
}

#[test]
fn every_member_of_the_list_is_held_to_the_draft() {
    for (list, code) in [
        (r#"{"lst":"eNrbuRgAAhcBXQ","bits":1,"x":{}}"#, ""),
        (
            r#"{"bits":1,"lst":"eNrbuRgAAhcBXQ","aggregation_uri":"https://a.example/all"}"#,
            "",
        ),
        (
            r#"{"bits":1,"lst":"eNrbuRgAAhcBXQ","aggregation_uri":"all"}"#,
            "bad_member",
        ),
        (r#"{"bits":1.0,"lst":"eNrbuRgAAhcBXQ"}"#, "bad_member"),
        (r#"{"bits":3,"lst":"eNrbuRgAAhcBXQ"}"#, "bad_member"),
        (r#"{"bits":"1","lst":"eNrbuRgAAhcBXQ"}"#, "bad_member"),
        (r#"{"lst":"eNrbuRgAAhcBXQ"}"#, "bad_member"),
        (r#"{"bits":1}"#, "bad_member"),
        (r#"{"bits":1,"lst":["eNrbuRgAAhcBXQ"]}"#, "bad_member"),
        (r#"{"bits":1,"lst":""}"#, "not_zlib"),
        (r#"{"bits":1,"lst":"eNrbuRgAAhcBXQ=="}"#, "bad_base64"),
        (r#"{"bits":1,"lst":"eNrbuRgAAhcBXR"}"#, "bad_base64"),
        (r#"{"bits":1,"lst":" eNrbuRgAAhcBXQ"}"#, "bad_base64"),
        ("[]", "bad_member"),
        ("null", "bad_member"),
    ] {
        let payload = format!(r#"{{"sub":"{URI}","iat":1760000000,"status_list":{list}}}"#);
        assert_eq!(refused(&payload), code, "{list}");
        let alone = StatusList::from_json(list.as_bytes()).err();
        let alone = alone.map_or("", |error| error.code());
        let alone = if alone == "bad_json" {
            "bad_member"
        } else {
            alone
        };
        assert_eq!(alone, code, "{list}");
    }
}

#[test]
fn no_list_is_longer_than_its_reader_allows_and_the_largest_is_read() {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let mut random = Random(7);
    let bytes: Vec<u8> = (0..50_000).map(|_| random.next(256) as u8).collect();
    let list = StatusList::from_bytes(StatusBits::Eight, bytes);
    let text = StatusListToken::new(URI, list, NOW, None)
        .sign(&key)
        .unwrap();
    let read = |limit| reader(&key).max_list_bytes(limit).read(URI, &text, NOW);
    assert_eq!(read(50_000).unwrap().list().len(), 50_000);
    assert_eq!(read(49_999).unwrap_err().code(), "list_too_large");
    // A text that could not hold a list of that size is not looked at.
    assert_eq!(read(100).unwrap_err().code(), "too_long");
    assert!(text.len() > reader(&key).max_list_bytes(100).max_token_bytes());
}

#[test]
fn a_stream_of_nothing_but_padding_blocks_is_not_read_beyond_the_cap() {
    let stored_and_empty = [0, 0, 0, 0xff, 0xff];
    let mut stream = vec![0x78, 0x01];
    stream.extend(stored_and_empty.repeat(1000));
    let lst = base64url::encode(&stream);
    let refused = StatusList::decode_within(StatusBits::One, &lst, 16).unwrap_err();
    assert_eq!(refused.kind(), &StatusListErrorKind::TooLarge { limit: 16 });
}
