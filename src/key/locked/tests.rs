use super::*;
use crate::key::Algorithm;

fn passphrase(words: &str) -> SecretBytes {
    words.as_bytes().to_vec().into()
}

#[track_caller]
fn refused(text: &str) -> String {
    let words = passphrase("x");
    let options = ImportOptions::new().passphrase(&words);
    let refused = SigningKey::from_locked_jwk(text, &options);
    refused.unwrap_err().to_string()
}

/// A text with this header and parts of the right lengths.
fn with_header(header: &str) -> String {
    format!(
        "{}.{}.{}.{}.{}",
        base64url::encode(header.as_bytes()),
        base64url::encode(&[1; WRAPPED_BYTES]),
        base64url::encode(&[2; NONCE_BYTES]),
        base64url::encode(&[3; 50]),
        base64url::encode(&[4; TAG_BYTES])
    )
}

fn header(change: (&str, &str)) -> String {
    with_header(
        &r#"{"alg":"PBES2-HS512+A256KW","enc":"A256GCM","cty":"jwk+json","p2s":"AAAAAAAAAAAAAAAAAAAAAA","p2c":1000}"#
            .replace(change.0, change.1),
    )
}

#[test]
fn every_key_with_a_jwk_form_and_v4_local_can_be_locked() {
    let words = passphrase("correct horse battery staple");
    let options = ImportOptions::new().passphrase(&words);
    for algorithm in [
        Algorithm::Hs256,
        Algorithm::Hs384,
        Algorithm::Hs512,
        Algorithm::EdDsa,
        Algorithm::Es256,
        #[cfg(feature = "paseto")]
        Algorithm::V4Local,
    ] {
        let key = SigningKey::generate(algorithm).unwrap();
        let locked = key.to_locked_jwk(&words).unwrap();
        let opened = SigningKey::from_locked_jwk(&locked, &options).unwrap();
        assert_eq!(opened.algorithm(), algorithm);
        assert_eq!(opened.id(), key.id());
        let (ours, theirs) = (
            key.write_jwk(Paseto::Local).unwrap(),
            opened.write_jwk(Paseto::Local).unwrap(),
        );
        assert_eq!(ours, theirs);
    }
}

/// Locked by joserfc 1.6.5, so that both sides of the format are not ours alone.
#[test]
fn a_key_locked_by_another_library_is_opened() {
    const LOCKED: &str = "eyJhbGciOiJQQkVTMi1IUzUxMitBMjU2S1ciLCJlbmMiOiJBMjU2R0NNIiwiY3R5IjoiandrK2pzb24iLCJwMmMiOjUwMDAsInAycyI6Ii1sRGJGR0c4ZTdSSm5xNlJhT180U1EifQ.ne7qbMBYScUlP_6Pi8ODZSIfe64jK-859b878Zc7QPJ2ZDYsxk0qMw.eo-wQGPlnroBdAoO.iWFpsWTEDezB335rNekzkAMhvZbDPtBbGEd1S3R0fAXHuuxXQtDgymVtRziIA4mN6pwp4ix28Hgbm41OIH6iPFlYzXUHhnrXG8DK4mzCvQE9oYNfgw_5-xphPoAJ2Wp7wiTFSppkKCcwbt3cZVaoGq-tyylwsT3dG4WUH6Xz84eYZXcpNkaYUI2bOOSzlR4kLZTTjUfS.RQj4I_oIp6UQd73KSGAn7g";
    let words = passphrase("correct horse");
    let options = ImportOptions::new().passphrase(&words);
    let opened = SigningKey::from_locked_jwk(LOCKED, &options).unwrap();
    let key = SigningKey::from_secret(Algorithm::Hs256, [7; 32].into()).unwrap();
    assert_eq!(opened.to_jwk().unwrap(), key.to_jwk().unwrap());
}

#[test]
fn a_wrong_passphrase_and_a_changed_text_are_refused() {
    let words = passphrase("right");
    let key = SigningKey::generate(Algorithm::Hs256).unwrap();
    let jwk = key.write_jwk(Paseto::Local).unwrap();
    let rounds = NonZeroU32::new(1000).unwrap();
    let locked = lock(&jwk, &words, rounds).unwrap();
    let options = ImportOptions::new().passphrase(&words);
    SigningKey::from_locked_jwk(&locked, &options).unwrap();

    let refusal =
        "wrong_passphrase: the passphrase does not open this key, or the text was changed";
    assert_eq!(refused(&locked), refusal);
    let parts: Vec<&str> = locked.split('.').collect();
    for place in 1..parts.len() {
        let mut changed = parts.clone();
        let mut part = base64url::decode(parts[place].as_bytes()).unwrap();
        part[0] ^= 1;
        let part = base64url::encode(&part);
        changed[place] = &part;
        let opened = SigningKey::from_locked_jwk(&changed.join("."), &options);
        assert_eq!(opened.unwrap_err().to_string(), refusal, "part {place}");
    }
    // The header is authenticated too: the same header with a space in it.
    let mut changed = parts.clone();
    let text = base64url::decode(parts[0].as_bytes()).unwrap();
    let spaced = base64url::encode(&[&text[..1], b" ", &text[1..]].concat());
    changed[0] = &spaced;
    let opened = SigningKey::from_locked_jwk(&changed.join("."), &options);
    assert_eq!(opened.unwrap_err().to_string(), refusal);
}

#[test]
fn a_passphrase_is_needed_both_ways() {
    let key = SigningKey::generate(Algorithm::Hs256).unwrap();
    assert_eq!(
        key.to_locked_jwk(&passphrase("")).unwrap_err().to_string(),
        "passphrase_needed: an empty passphrase locks nothing"
    );
    let locked = header(("", ""));
    let opened = SigningKey::from_locked_jwk(&locked, &ImportOptions::new());
    assert_eq!(
        opened.unwrap_err().to_string(),
        "passphrase_needed: the key is locked and no passphrase was given"
    );
}

#[cfg(feature = "paseto")]
#[test]
fn a_v4_public_key_is_not_locked_this_way() {
    let key = SigningKey::generate(Algorithm::V4Public).unwrap();
    let error = key.to_locked_jwk(&passphrase("x")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no_such_form: a key for v4.public has no JWK form: use PASERK"
    );
}

#[test]
fn the_cost_is_judged_before_any_work() {
    // CVE-2022-36083, CVE-2023-50967.
    for rounds in [
        "1200001",
        "2147483647",
        "4294967296",
        "99999999999999999999",
    ] {
        assert_eq!(
            refused(&header(("1000", rounds))),
            format!(
                "too_costly: the lock asks for \"{rounds}\" rounds of PBKDF2, at most 1200000 are done"
            )
        );
    }
    for rounds in ["0", "-1", "1e3", "1000.0", "\"1000\"", "null", "[1000]"] {
        assert_eq!(
            refused(&header(("1000", rounds))),
            "malformed_key: the \"p2c\" of the locked JWK is not a count of rounds"
        );
    }
}

#[test]
fn only_our_lock_is_opened() {
    for (change, expected) in [
        (
            ("PBES2-HS512+A256KW", "PBES2-HS256+A128KW"),
            "unsupported_encryption: the locked JWK has the \"alg\" \"PBES2-HS256+A128KW\", only \"PBES2-HS512+A256KW\" is opened",
        ),
        (
            ("A256GCM", "A128CBC-HS256"),
            "unsupported_encryption: the locked JWK has the \"enc\" \"A128CBC-HS256\", only \"A256GCM\" is opened",
        ),
        (
            ("jwk+json", "JWT"),
            "unsupported_encryption: the locked JWK has the \"cty\" \"JWT\", only \"jwk+json\" is opened",
        ),
        (
            ("\"enc\"", "\"crit\":[\"x\"],\"enc\""),
            "unsupported_encryption: the header of the locked JWK has \"crit\", which is not supported",
        ),
        (
            ("\"enc\"", "\"zip\":\"DEF\",\"enc\""),
            "unsupported_encryption: the header of the locked JWK has \"zip\", which is not supported",
        ),
        (
            ("\"enc\"", "\"x\""),
            "malformed_key: the header of the locked JWK has no \"enc\"",
        ),
        (
            ("AAAAAAAAAAAAAAAAAAAAAA", "AAAA"),
            "malformed_key: the \"p2s\" of a locked JWK is 8 to 128 bytes long, here it has 3",
        ),
    ] {
        assert_eq!(refused(&header(change)), expected);
    }
}

#[test]
fn the_parts_have_their_lengths() {
    let good = header(("", ""));
    let parts: Vec<&str> = good.split('.').collect();
    for (place, what, length) in [(1, "encrypted key", 40), (2, "nonce", 12), (4, "tag", 16)] {
        for short in ["", "AAAA"] {
            let mut changed = parts.clone();
            changed[place] = short;
            assert_eq!(
                refused(&changed.join(".")),
                format!(
                    "malformed_key: the {what} of a locked JWK is {length} bytes long, here it has {}",
                    short.len() / 4 * 3
                )
            );
        }
    }
    for text in [
        "",
        "a",
        "a.b.c.d",
        &format!("{good}."),
        &".".repeat(100_000),
    ] {
        assert_eq!(
            refused(text),
            "malformed_key: a locked JWK has five parts with dots between them"
        );
    }
    let long = "A".repeat(MAX_JWK_BYTES * 2 + 1);
    assert_eq!(
        refused(&long),
        "key_too_long: a locked JWK holds at most 65536 bytes"
    );
}
