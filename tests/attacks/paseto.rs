//! Rows 63 to 67: the same for PASETO.

use serde_json::json;
use tokenwright::key::{Algorithm, KeyId, SigningKey};
use tokenwright::{
    Claims, KeySet, ManualClock, MintOptions, Minter, Presented, RawVerifier, sign_raw,
};

use crate::forge::{decode, encode};
use crate::scene::*;

fn keys(key: &SigningKey) -> KeySet {
    KeySet::of([key.verifying_key()]).unwrap()
}

const PURPOSES: [Algorithm; 2] = [Algorithm::V4Public, Algorithm::V4Local];

/// Row 63.
#[test]
fn a_paseto_of_another_version_or_purpose_is_refused() {
    for purpose in PURPOSES {
        let key = SigningKey::generate(purpose).unwrap();
        let token = sign_raw(&key, b"payload", b"", b"").unwrap();
        let verifier = RawVerifier::new(keys(&key));
        assert!(verifier.verify(&token).is_ok());
        let code = |text: &str| verifier.verify(text).unwrap_err().code();
        let (_, body) = token.rsplit_once('.').unwrap();
        let other = if purpose == Algorithm::V4Public {
            "v4.local."
        } else {
            "v4.public."
        };
        assert_eq!(code(&format!("{other}{body}")), "alg_mismatch");
        for header in [
            "v1.local.",
            "v2.local.",
            "v2.public.",
            "v3.local.",
            "v3.public.",
            "v5.public.",
            "V4.public.",
            "v4.Public.",
            "V4.LOCAL.",
            "v4.local-pw.",
            "v4.",
            "v4.public",
        ] {
            assert_eq!(code(&format!("{header}{body}")), "malformed", "{header}");
        }
        for text in [
            format!("v40.public.{body}"),
            format!("v.public.{body}"),
            format!(" {token}"),
            format!("{token}."),
            format!("{token}.."),
        ] {
            assert_eq!(code(&text), "malformed", "{text}");
        }
        // A key of the other purpose, or for JWT, does not open it.
        for algorithm in [
            Algorithm::V4Public,
            Algorithm::V4Local,
            Algorithm::EdDsa,
            Algorithm::Hs256,
        ] {
            let holder = SigningKey::generate(algorithm).unwrap();
            let error = RawVerifier::new(keys(&holder)).verify(&token).unwrap_err();
            let expected = if algorithm == purpose {
                "bad_signature"
            } else {
                "alg_mismatch"
            };
            assert_eq!(error.code(), expected, "{algorithm}");
        }
    }
    // The public key's bytes as a shared secret: the confusion of row 3.
    let public = SigningKey::generate(Algorithm::V4Public).unwrap();
    let text = public.verifying_key().to_paserk().unwrap();
    let secret = text.replace("k4.public.", "k4.local.");
    let attacker = SigningKey::from_paserk(&secret).unwrap();
    let forged = sign_raw(&attacker, b"payload", b"", b"").unwrap();
    assert_eq!(
        RawVerifier::new(keys(&public))
            .verify(&forged)
            .unwrap_err()
            .code(),
        "alg_mismatch"
    );
    assert!(
        SigningKey::from_paserk(&text).is_err(),
        "a public key does not sign"
    );
}

/// Row 64.
#[test]
fn a_footer_is_authentic_and_its_kid_must_be_known() {
    for purpose in PURPOSES {
        let key = SigningKey::generate(purpose)
            .unwrap()
            .with_id(KeyId::new("k1").unwrap());
        let footer = br#"{"kid":"k1","n":"abc"}"#;
        let token = sign_raw(&key, b"payload", footer, b"").unwrap();
        let verifier = RawVerifier::new(keys(&key));
        assert_eq!(verifier.verify(&token).unwrap().footer(), footer);
        let (body, _) = token.rsplit_once('.').unwrap();
        for at in 0..footer.len() {
            let mut changed = footer.to_vec();
            changed[at] ^= 1;
            let error = verifier
                .verify(&format!("{body}.{}", encode(&changed)))
                .unwrap_err();
            assert!(
                matches!(error.code(), "bad_signature" | "malformed" | "unknown_key"),
                "{error}"
            );
        }
        assert_eq!(verifier.verify(body).unwrap_err().code(), "bad_signature");
        for (footer, code) in [
            (&br#"{"kid":"k2"}"#[..], "unknown_key"),
            (br#"{"kid":1}"#, "malformed"),
            (br#"{"kid":"k1","kid":"k1"}"#, "malformed"),
            (b"{not json", "malformed"),
            (br#"{"kid":"k1"} "#, "bad_signature"),
            (b"k1", "bad_signature"),
        ] {
            let error = verifier
                .verify(&format!("{body}.{}", encode(footer)))
                .unwrap_err();
            assert_eq!(error.code(), code, "{}", String::from_utf8_lossy(footer));
        }
        // Every bit of the message counts.
        let (head, message) = body.rsplit_once('.').unwrap();
        let message = decode(message);
        for at in 0..message.len() {
            let mut changed = message.clone();
            changed[at] ^= 0x80;
            let error = verifier
                .verify(&format!("{head}.{}.{}", encode(&changed), encode(footer)))
                .unwrap_err();
            assert_eq!(error.code(), "bad_signature");
        }
        // Bytes moved from message to footer make another message.
        let free = sign_raw(&key, b"payload", b"tail", b"").unwrap();
        assert!(verifier.verify(&free).is_ok());
        let moved = format!("{}{}", free.rsplit_once('.').unwrap().0, "");
        assert_eq!(verifier.verify(&moved).unwrap_err().code(), "bad_signature");
    }
}

/// Row 65.
#[test]
fn an_implicit_assertion_left_out_or_changed_is_refused() {
    for purpose in PURPOSES {
        let key = SigningKey::generate(purpose).unwrap();
        let verifier = RawVerifier::new(keys(&key));
        let token = sign_raw(&key, b"payload", b"footer", b"device-7").unwrap();
        let verdict = |assertion: &[u8]| {
            verifier
                .verify(Presented::new(&token).with_assertion(assertion))
                .map(|_| ())
                .map_err(|error| error.code())
        };
        assert_eq!(verdict(b"device-7"), Ok(()));
        for other in [
            &b""[..],
            b"device-8",
            b"device-7 ",
            b"device-",
            b"footer",
            b"payload",
        ] {
            assert_eq!(verdict(other), Err("bad_signature"));
        }
        // And one nobody asked for.
        let plain = sign_raw(&key, b"payload", b"", b"").unwrap();
        assert!(verifier.verify(&plain).is_ok());
        assert!(
            verifier
                .verify(Presented::new(&plain).with_assertion(b"x"))
                .is_err()
        );
        // The boundary between footer and assertion is part of what is signed.
        let shifted = sign_raw(&key, b"payload", b"foot", b"erdevice-7").unwrap();
        let swapped = format!(
            "{}.{}",
            shifted.rsplit_once('.').unwrap().0,
            encode(b"footer")
        );
        assert!(
            verifier
                .verify(Presented::new(&swapped).with_assertion(b"device-7"))
                .is_err()
        );
    }
}

/// Row 66.
#[test]
fn a_footer_holds_no_secret_and_no_json_bomb() {
    for purpose in PURPOSES {
        let key = SigningKey::generate(purpose).unwrap();
        let secret = key.to_paserk().unwrap();
        let minted =
            |footer: &[u8]| sign_raw(&key, b"payload", footer, b"").map_err(|error| error.code());
        assert!(minted(br#"{"kid":"k1"}"#).is_ok());
        assert_eq!(minted(secret.expose()).unwrap_err(), "secret_in_footer");
        let hidden = [br#"{"wpk":""#, secret.expose(), br#""}"#].concat();
        assert_eq!(minted(&hidden).unwrap_err(), "secret_in_footer");
        let bomb = "{\"a\":".repeat(10_000);
        assert_eq!(minted(bomb.as_bytes()).unwrap_err(), "footer_too_long");
        assert_eq!(
            minted("{\"a\":".repeat(70).as_bytes()).unwrap_err(),
            "bad_footer"
        );
        // A stranger's token with such a footer is refused before its signature is looked at.
        let good = minted(b"").unwrap();
        let verifier = RawVerifier::new(keys(&key)).max_token_bytes(usize::MAX);
        assert!(verifier.verify(&good).is_ok());
        for depth in [70, 10_000, 100_000] {
            let footer = encode("{\"a\":".repeat(depth).as_bytes());
            assert_eq!(
                verifier
                    .verify(&format!("{good}.{footer}"))
                    .unwrap_err()
                    .code(),
                "malformed"
            );
        }
    }
}

/// A PASETO with this text as its expiry.
fn expiring(key: &SigningKey, expiry: &str) -> String {
    let payload = format!(r#"{{"iss":"{ISSUER}","aud":"{AUDIENCE}","exp":{expiry}}}"#);
    sign_raw(key, payload.as_bytes(), b"", b"").unwrap()
}

/// Row 67.
#[test]
fn paseto_times_are_rfc_3339_in_one_spelling() {
    for purpose in PURPOSES {
        let key = SigningKey::generate(purpose).unwrap();
        let keys = keys(&key);
        let fraction = format!("\"2025-10-09T09:00:00.{}Z\"", "0".repeat(40));
        for good in [
            "\"2025-10-09T09:00:00Z\"",
            "\"2025-10-09T09:00:00+00:00\"",
            "\"2025-10-09T11:00:00+02:00\"",
            "\"2025-10-09T04:00:00-05:00\"",
            "\"2025-10-09T09:00:00.5Z\"",
            fraction.as_str(),
            "\"9999-12-31T23:59:59Z\"",
        ] {
            accepted(&keys, &expiring(&key, good));
        }
        for bad in [
            "\"2025-10-09t09:00:00Z\"",
            "\"2025-10-09T09:00:00z\"",
            "\"2025-10-09 09:00:00Z\"",
            "1760000900",
            "\"1760000900\"",
            "\"2025-10-09\"",
            "\"2025-10-09T09:00Z\"",
            "\"2025-10-09T09:00:00\"",
            "\"2025-13-09T09:00:00Z\"",
            "\"2025-02-30T09:00:00Z\"",
            "\"2025-10-09T24:00:00Z\"",
            "\"2025-10-09T09:00:00+24:00\"",
            "\"2025-10-09T09:00:00.Z\"",
            "\"2025-10-09T09:00:00Z \"",
            "\"+2025-10-09T09:00:00Z\"",
            "\"20251009T090000Z\"",
            "null",
            "true",
            "[]",
            "\"\"",
        ] {
            refused(&keys, &expiring(&key, bad), "bad_claims");
        }
        refused(
            &keys,
            &expiring(&key, "\"2025-10-09T08:53:20Z\""),
            "expired",
        );
    }
    // The other way round: a JWT with such a time.
    let issuer = Issuer::new(Algorithm::EdDsa);
    issuer.refuses(
        &issuer.with_claim("exp", json!("2025-10-09T09:00:00Z")),
        "bad_claims",
    );
}

/// What the minter makes is what a verifier of ours takes, and nothing looser.
#[test]
fn minted_pasetos_name_their_key_and_are_bound_to_what_was_said() {
    for purpose in PURPOSES {
        let key = SigningKey::generate(purpose).unwrap();
        let keys = keys(&key);
        let minter = Minter::builder(key, ISSUER)
            .audience(AUDIENCE)
            .clock(ManualClock::at(NOW))
            .build()
            .unwrap();
        let options = MintOptions::new().assertion(b"device-7");
        let token = minter
            .mint_with(&Claims::for_subject("alice"), options)
            .unwrap();
        let verifier = verifier(&keys, policy());
        let presented = Presented::new(&token).with_assertion(b"device-7");
        assert_eq!(verifier.verify(presented).unwrap().subject(), Some("alice"));
        refused_by(&verifier, &token, "bad_signature");
    }
}
