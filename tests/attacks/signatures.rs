//! Rows 12 to 15, 18, 19, 24 to 26 and 60: values that are no signature.

use aws_lc_rs::digest;
use serde_json::json;
use tokenwright::key::{Algorithm, ImportOptions, KeyId, VerifyingKey};
use tokenwright::{
    Freshness, KeySet, LiveRevocations, ManualClock, Revocation, RevocationList, Verifier,
    WhenUnknown,
};

use crate::forge::{Forge, decode, encode};
use crate::numbers::*;
use crate::scene::*;

/// The order of P-256 (NIST SP 800-186 section 3.2.1.3).
const P256_ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const P256_PRIME: &str = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";
const P384_ORDER: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";
const P521_ORDER: &str = "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409";
/// The order of the base point of Ed25519, big-endian (RFC 8032 section 5.1).
const ED25519_ORDER: &str = "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed";

/// The same token with other bytes as its signature.
fn resigned(token: &str, signature: &[u8]) -> String {
    let [header, payload, _] = parts(token);
    format!("{header}.{payload}.{}", encode(signature))
}

fn signature_of(token: &str) -> Vec<u8> {
    decode(parts(token)[2])
}

/// Row 12.
#[test]
fn psychic_ecdsa_signatures_are_refused() {
    for (algorithm, order) in [
        (Algorithm::Es256, hex(P256_ORDER)),
        (Algorithm::Es384, hex(P384_ORDER)),
        (Algorithm::Es512, hex(P521_ORDER)),
    ] {
        let issuer = Issuer::new(algorithm);
        let honest = issuer.token();
        issuer.accepts(&honest);
        let length = order.len();
        let one = padded(&[1], length);
        let good = signature_of(&honest);
        let (r, s) = good.split_at(length);
        let zero = vec![0; length];
        let all = vec![0xff; length];
        let below = subtract(&order, &one);
        for (r, s) in [
            (&zero, &zero),
            (&zero, &one),
            (&one, &zero),
            (&one, &one),
            (&order, &order),
            (&order, &one),
            (&one, &order),
            (&below, &below),
            (&all, &all),
            (&r.to_vec(), &zero),
            (&zero, &s.to_vec()),
            (&r.to_vec(), &order),
            (&order, &s.to_vec()),
        ] {
            issuer.refuses(
                &resigned(&honest, &[r.clone(), s.clone()].concat()),
                "bad_signature",
            );
        }
        if algorithm == Algorithm::Es256 {
            issuer.refuses(
                &resigned(&honest, &[hex(P256_PRIME), one].concat()),
                "bad_signature",
            );
        }
        issuer.refuses(&resigned(&honest, &[s, r].concat()), "bad_signature");
    }
}

/// Row 13.
#[test]
fn an_ecdsa_signature_has_exactly_its_length() {
    let issuer = Issuer::new(Algorithm::Es256);
    let honest = issuer.token();
    issuer.accepts(&honest);
    let good = signature_of(&honest);
    let (r, s) = good.split_at(32);
    for length in [0, 1, 32, 63] {
        issuer.refuses(&resigned(&honest, &good[..length]), "bad_signature");
        issuer.refuses(&resigned(&honest, &good[64 - length..]), "bad_signature");
    }
    for extra in [1, 2, 32, 64] {
        issuer.refuses(
            &resigned(&honest, &[&good[..], &vec![0; extra]].concat()),
            "bad_signature",
        );
        issuer.refuses(
            &resigned(&honest, &[&vec![0; extra][..], &good].concat()),
            "bad_signature",
        );
    }
    // As other formats write it: DER, two halves of 48 bytes, no leading zero.
    issuer.refuses(&resigned(&honest, &der(r, s)), "bad_signature");
    issuer.refuses(
        &resigned(&honest, &[padded(r, 48), padded(s, 48)].concat()),
        "bad_signature",
    );
    let short = std::iter::repeat_with(|| issuer.token())
        .find(|token| signature_of(token)[0] == 0)
        .unwrap();
    issuer.accepts(&short);
    issuer.refuses(
        &resigned(&short, &signature_of(&short)[1..]),
        "bad_signature",
    );
}

fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let number = padded(number, 33);
        [&[2, 33], &number[..]].concat()
    };
    let body = [integer(r), integer(s)].concat();
    [vec![0x30, body.len() as u8], body].concat()
}

/// Row 14.
#[test]
fn a_high_s_twin_is_the_same_token_to_the_revocation_list() {
    let issuer = Issuer::new(Algorithm::Es256);
    let honest = issuer.token();
    let good = signature_of(&honest);
    let (r, s) = good.split_at(32);
    let twin = resigned(&honest, &[r, &subtract(&hex(P256_ORDER), s)].concat());
    assert_ne!(honest, twin);
    let verdict = verifier(&issuer.keys(), policy())
        .verify(&twin)
        .map_err(|error| error.code());
    assert!(matches!(verdict, Ok(_) | Err("bad_signature")));
    let revoking = revoking(&issuer.keys(), "t1");
    refused_by(&revoking, &honest, "revoked");
    refused_by(
        &revoking,
        &twin,
        if verdict.is_ok() {
            "revoked"
        } else {
            "bad_signature"
        },
    );
    accepted_by(&revoking, &issuer.with_claim("jti", json!("t2")));
}

/// A list with one token on it.
pub(crate) fn withdrawn(issuer: &str, token_id: &str) -> LiveRevocations {
    let for_ever = tokenwright::UnixTime::from_seconds(i64::MAX);
    let mut list = RevocationList::new();
    list.add(&Revocation::token(issuer, token_id, NOW, for_ever))
        .unwrap();
    LiveRevocations::new(list, NOW)
}

/// A verifier that knows one token of the issuer to be withdrawn.
pub(crate) fn revoking(keys: &KeySet, token_id: &str) -> Verifier {
    Verifier::builder(keys.clone())
        .policy(policy())
        .revocation(
            withdrawn(ISSUER, token_id),
            Freshness::new(std::time::Duration::ZERO, WhenUnknown::Refuse),
        )
        .clock(ManualClock::at(NOW))
        .build()
}

/// Row 15.
#[test]
fn an_ed25519_scalar_beyond_the_order_is_refused() {
    let issuer = Issuer::new(Algorithm::EdDsa);
    let honest = issuer.token();
    issuer.accepts(&honest);
    let good = signature_of(&honest);
    let (point, scalar) = good.split_at(32);
    let mut s: Vec<u8> = scalar.iter().rev().copied().collect();
    // Every multiple of the order that still fits gives the same scalar.
    for _ in 0..7 {
        s = padded(&add(&s, &hex(ED25519_ORDER)), 32);
        let little: Vec<u8> = s.iter().rev().copied().collect();
        issuer.refuses(
            &resigned(&honest, &[point, &little].concat()),
            "bad_signature",
        );
    }
    for length in [0, 1, 32, 63] {
        issuer.refuses(&resigned(&honest, &good[..length]), "bad_signature");
    }
    issuer.refuses(
        &resigned(&honest, &[&good[..], &[0]].concat()),
        "bad_signature",
    );
}

/// Row 18.
#[test]
fn rsa_padding_is_checked_to_the_last_byte() {
    let issuer = Issuer::new(Algorithm::Rs256);
    let honest = issuer.token();
    issuer.accepts(&honest);
    let input = honest.rsplit_once('.').unwrap().0;
    for other in [
        Algorithm::Rs384,
        Algorithm::Rs512,
        Algorithm::Ps256,
        Algorithm::Ps384,
    ] {
        let forge = Forge::misused(&issuer.key, other);
        issuer.refuses(
            &resigned(&honest, &forge.sign(input.as_bytes())),
            "bad_signature",
        );
    }
    cube_root_forgeries(&issuer);
}

/// Under e = 3 a verifier that does not look at the end of the padding accepts a cube
/// root that anyone can take (Bleichenbacher 2006, CVE-2006-4339).
fn cube_root_forgeries(issuer: &Issuer) {
    let mut jwk = public_jwk(&issuer.key);
    jwk["e"] = json!("Aw");
    let options = ImportOptions::new();
    let public = VerifyingKey::from_jwk(jwk.to_string().as_bytes(), &options).unwrap();
    let keys = KeySet::of([public.with_id(KeyId::new("k1").unwrap())]).unwrap();
    let honest = issuer.token();
    let digest = digest::digest(
        &digest::SHA256,
        honest.rsplit_once('.').unwrap().0.as_bytes(),
    );
    let digest_info = [
        hex("3031300d060960864801650304020105000420"),
        digest.as_ref().to_vec(),
    ]
    .concat();
    for padding in [8, 1, 0] {
        let mut block = [
            vec![0, 1],
            vec![0xff; padding],
            vec![0],
            digest_info.clone(),
        ]
        .concat();
        let prefix = block.len();
        // The rest is free: the root is cut, and one more than it still begins alike.
        block.resize(256, 0xff);
        let root = cube_root(&block);
        let cube = padded(&cube(&root), 256);
        assert_eq!(
            cube[..prefix],
            block[..prefix],
            "the forgery begins as it should"
        );
        refused(
            &keys,
            &resigned(&honest, &padded(&root, 256)),
            "bad_signature",
        );
    }
    issuer.accepts(&honest);
}

/// Row 19.
#[test]
fn an_rsa_signature_has_exactly_the_length_of_its_modulus() {
    for algorithm in [Algorithm::Rs256, Algorithm::Ps256] {
        let issuer = Issuer::new(algorithm);
        let honest = issuer.token();
        issuer.accepts(&honest);
        let good = signature_of(&honest);
        let modulus = decode(public_jwk(&issuer.key)["n"].as_str().unwrap());
        let wrapped = add(&good, &modulus);
        for signature in [
            vec![],
            vec![0],
            vec![1],
            vec![1, 2, 3],
            vec![0; 256],
            vec![0xff; 256],
            good[..255].to_vec(),
            [&[0], &good[..]].concat(),
            [&good[..], &[0]].concat(),
            wrapped,
            modulus.clone(),
            padded(&subtract(&modulus, &[1]), 256),
            padded(&subtract(&modulus, &good), 256),
            padded(&[1], 256),
        ] {
            issuer.refuses(&resigned(&honest, &signature), "bad_signature");
        }
    }
}

/// Row 24.
#[test]
fn an_hmac_tag_is_neither_cut_nor_lengthened() {
    for (algorithm, length) in [
        (Algorithm::Hs256, 32),
        (Algorithm::Hs384, 48),
        (Algorithm::Hs512, 64),
    ] {
        let issuer = Issuer::new(algorithm);
        let honest = issuer.token();
        issuer.accepts(&honest);
        let tag = signature_of(&honest);
        assert_eq!(tag.len(), length);
        for cut in 0..length {
            issuer.refuses(&resigned(&honest, &tag[..cut]), "bad_signature");
        }
        for extra in [1, 16, 64] {
            issuer.refuses(
                &resigned(&honest, &[&tag[..], &vec![0; extra]].concat()),
                "bad_signature",
            );
        }
        for bit in 0..length * 8 {
            let mut changed = tag.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            issuer.refuses(&resigned(&honest, &changed), "bad_signature");
        }
    }
}

/// Row 25. Time is not measured here: the source is held to the one comparison that
/// does not end early.
#[test]
fn an_hmac_tag_is_compared_in_constant_time() {
    let source = include_str!("../../src/key/crypto/aws/hmac.rs");
    let (_, comparison) = source.split_once("fn is(&self").expect("the comparison");
    assert_eq!(comparison.matches(".ct_eq(").count(), 2);
    // Lengths are no secret; nothing else is compared in another way.
    let others = source.matches("==").count() + source.matches("!=").count();
    assert_eq!(others, comparison.matches(".len() != ").count(), "{others}");
}

/// Row 26.
#[test]
fn an_error_never_shows_the_signature_that_would_have_been_right() {
    let issuer = Issuer::new(Algorithm::Hs256);
    let honest = issuer.token();
    issuer.accepts(&honest);
    let right = signature_of(&honest);
    let error = issuer.refuses(&resigned(&honest, &[0; 32]), "bad_signature");
    assert_eq!(error.to_string(), "the signature is not the key's");
    let told = format!(
        "{error} {error:?} {} {:?}",
        error.public_message(),
        issuer.key
    );
    let hex: String = right.iter().map(|byte| format!("{byte:02x}")).collect();
    for leak in [encode(&right), hex, format!("{right:?}"), honest.clone()] {
        assert!(!told.contains(&leak), "{told}");
    }
}

/// Row 60.
#[test]
fn an_expired_forgery_is_called_a_forgery() {
    for algorithm in FAMILIES {
        let issuer = Issuer::new(algorithm);
        let expired = issuer.with_claim("exp", json!(1));
        assert_eq!(issuer.refuses(&expired, "expired").reasons().count(), 1);
        let length = signature_of(&expired).len();
        let error = issuer.refuses(&resigned(&expired, &vec![1; length]), "bad_signature");
        assert_eq!(
            error.reasons().count(),
            1,
            "nothing is said of claims nobody has signed"
        );
    }
}
