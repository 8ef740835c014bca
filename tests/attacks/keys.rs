//! Rows 16, 17, 20 to 23, 32, 49 to 51, 53 and 68 to 70: keys that must not come in.

use serde_json::{Value, json};
use tokenwright::key::{
    Algorithm, ImportOptions, JwkSet, JwkSetErrorKind, KeyErrorKind, KeyId, Paserk, PaserkType,
    SigningKey, VerifyingKey,
};
use tokenwright::{KeySet, SecretBytes};

use crate::forge::{Forge, decode, encode};
use crate::numbers::hex;
use crate::scene::*;

/// The fourteen encodings, canonical or not, of the eight points of small order.
const SMALL_ORDER: [&str; 14] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/// Row 16.
#[test]
fn an_ed25519_key_of_small_order_does_not_come_in() {
    for point in SMALL_ORDER {
        let point = hex(point);
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": encode(&point)});
        assert!(
            matches!(import(&jwk), Err("weak_key" | "not_on_curve")),
            "{jwk}"
        );
        let paserk = format!("k4.public.{}", encode(&point));
        assert!(VerifyingKey::from_paserk(&paserk).is_err());
        // The same key in SPKI.
        let document = [hex("302a300506032b6570032100"), point].concat();
        assert!(VerifyingKey::from_der(&document, &ImportOptions::new()).is_err());
    }
    let good = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": public_jwk(&good)["x"]});
    assert!(import(&jwk).is_ok());
    // Nor is the signature accepted that verifies under the identity for every message.
    let issuer = Issuer::of(good);
    let honest = issuer.token();
    let input = honest.rsplit_once('.').unwrap().0;
    for point in SMALL_ORDER {
        let signature = [hex(point), vec![0; 32]].concat();
        issuer.refuses(&format!("{input}.{}", encode(&signature)), "bad_signature");
    }
    issuer.accepts(&honest);
}

/// Row 17.
#[test]
fn a_private_half_that_does_not_match_its_public_half_is_refused() {
    for algorithm in [
        Algorithm::EdDsa,
        Algorithm::Es256,
        Algorithm::Es384,
        Algorithm::Es512,
    ] {
        let (one, other) = (
            secret_jwk(&fresh_key(algorithm)),
            secret_jwk(&fresh_key(algorithm)),
        );
        assert!(import_secret(&one).is_ok());
        let mut mixed = one.clone();
        mixed["d"] = other["d"].clone();
        assert_eq!(
            import_secret(&mixed).unwrap_err(),
            "halves_mismatch",
            "{algorithm}"
        );
    }
    let (one, other) = (
        secret_jwk(&fresh_key(Algorithm::Rs256)),
        secret_jwk(&SigningKey::generate(Algorithm::Rs256).unwrap()),
    );
    assert!(import_secret(&one).is_ok());
    for name in ["n", "d", "p", "q", "dp", "dq", "qi"] {
        let mut mixed = one.clone();
        mixed[name] = other[name].clone();
        assert_eq!(
            import_secret(&mixed).unwrap_err(),
            "halves_mismatch",
            "{name}"
        );
    }
    let key = SigningKey::generate(Algorithm::V4Public).unwrap();
    let text = key.to_paserk().unwrap();
    let mut bytes = decode(
        std::str::from_utf8(text.expose())
            .unwrap()
            .strip_prefix("k4.secret.")
            .unwrap(),
    );
    assert!(SigningKey::from_paserk(&format!("k4.secret.{}", encode(&bytes))).is_ok());
    bytes[63] ^= 1;
    let mixed = SigningKey::from_paserk(&format!("k4.secret.{}", encode(&bytes)));
    assert_eq!(mixed.unwrap_err().kind(), KeyErrorKind::HalvesMismatch);
}

/// A modulus of 2049 bits from the generator of CVE-2017-15361, from a public test suite.
const ROCA: &str = "AanFpofbj7KjD4Lf-N2hVMKR7yewSyXhhbirIMTGpfYEhZ_lnt5UoK98DnKIgArXGTu3MaW_HhFw16HGaTDUHqPrId7fe4r11CqRw09yBFuW79V8sYIwHdzCaWflUI6auImYbVfoN9_nD5n8N8SY9DwXw7mwZM9wREPXoDPgOoIWl6q_MPsp7n0zs3Z5ZaiQWOOzl1S9OhwAfSiiOwz6efnXEaxuTEtPd7BjSx7NaFka8Dx9U7YqXy2RFj1O9PjyaDGuRh7YXsX3iMUSP_wSyHQg_c_qHRtKUsNSGCT7OZg0hzm2KphtjnayKJvC64vAbROBR4Ubg6Bxg9IQVZ-QYyE";

/// Row 20.
#[test]
fn a_weak_rsa_key_does_not_come_in() {
    let good = public_jwk(&fresh_key(Algorithm::Rs256));
    assert!(import(&good).is_ok());
    let with = |name: &str, bytes: &[u8]| {
        let mut jwk = good.clone();
        jwk[name] = json!(encode(bytes));
        import(&jwk).map(|_| ())
    };
    let modulus = decode(good["n"].as_str().unwrap());
    let shorter = |bits: usize| {
        let mut number = modulus.clone();
        number.drain(..256 - bits.div_ceil(8));
        number[0] = 1 << ((bits - 1) % 8) | (number[0] & ((1 << ((bits - 1) % 8)) - 1));
        number
    };
    for bits in [512, 1024, 1536, 2040, 2041, 2047] {
        assert_eq!(with("n", &shorter(bits)), Err("bad_modulus"), "{bits} bits");
    }
    assert_eq!(
        with("n", &[&[0], &modulus[..]].concat()),
        Err("bad_member"),
        "a leading zero"
    );
    assert_eq!(
        with("n", &[modulus.clone(), vec![1; 1000]].concat()),
        Err("bad_modulus"),
        "10048 bits"
    );
    let mut even = modulus.clone();
    even[255] &= 0xfe;
    assert_eq!(with("n", &even), Err("bad_modulus"));
    assert_eq!(with("n", &decode(ROCA)), Err("weak_key"));
    for exponent in [
        &[1][..],
        &[2],
        &[4],
        &[1, 0, 0],
        &[1, 0, 0, 0, 1],
        &[0xff; 256],
    ] {
        assert_eq!(with("e", exponent), Err("bad_exponent"), "{exponent:?}");
    }
    assert_eq!(with("e", &[]), Err("bad_member"));
    assert_eq!(with("e", &[0]), Err("bad_member"));
    assert!(with("e", &[1, 0, 1]).is_ok());
}

/// Row 21.
#[test]
fn no_rsa_decryption_is_there_to_be_timed() {
    // The crate of RUSTSEC-2023-0071 is not even compiled.
    let lock = include_str!("../../Cargo.lock");
    assert!(lock.contains("name = \"aws-lc-rs\"") && !lock.contains("name = \"rsa\""));
    let jwk = public_jwk(&fresh_key(Algorithm::Rs256));
    assert!(import(&jwk).is_ok());
    for (name, value, code) in [
        ("alg", json!("RSA-OAEP"), "unsupported_algorithm"),
        ("alg", json!("RSA1_5"), "unsupported_algorithm"),
        ("use", json!("enc"), "use_mismatch"),
        ("key_ops", json!(["decrypt"]), "key_ops_mismatch"),
        (
            "key_ops",
            json!(["verify", "unwrapKey"]),
            "key_ops_mismatch",
        ),
    ] {
        let mut jwk = jwk.clone();
        jwk[name] = value;
        assert_eq!(import(&jwk).unwrap_err(), code, "{jwk}");
    }
}

fn shared(algorithm: &str, secret: &[u8]) -> Result<SigningKey, &'static str> {
    import_secret(&json!({"kty": "oct", "alg": algorithm, "kid": "k1", "k": encode(secret)}))
}

/// Row 22.
#[test]
fn an_hmac_secret_is_at_least_as_long_as_its_hash() {
    for (algorithm, least) in [("HS256", 32), ("HS384", 48), ("HS512", 64)] {
        for length in [0, 1, 6, 31, least - 1] {
            assert_eq!(
                shared(algorithm, &vec![7; length]).unwrap_err(),
                "secret_too_short",
                "{length}"
            );
        }
        assert!(shared(algorithm, &vec![7; least]).is_ok());
    }
    assert_eq!(shared("HS512", &[7; 32]).unwrap_err(), "secret_too_short");
    let empty = json!({"kty": "oct", "alg": "HS256"});
    assert_eq!(import_secret(&empty).unwrap_err(), "missing_member");
}

/// Row 23.
#[test]
fn a_secret_from_a_wordlist_is_too_short() {
    for word in [
        "secret",
        "password",
        "123456",
        "changeme",
        "jwt_secret",
        "your-256-bit-secret",
        "super-secret-key",
        "supersecretkeyyoushouldnotcommit",
        "hmac_secret",
        "keyboard cat",
        "qwertyuiop",
        "letmein",
        "notsosecret",
        "HelloWorld",
        "iamthesecret",
        "shhhhhhared-secret",
        "My_Super_Secret_Key",
        "",
        "null",
        "undefined",
    ] {
        // One of them has 32 letters: enough for the rule, so for HS384 only.
        assert_eq!(
            shared("HS384", word.as_bytes()).unwrap_err(),
            "secret_too_short",
            "{word}"
        );
    }
    let text = b"secret".to_vec();
    let options = ImportOptions::new().algorithm(Algorithm::Hs256);
    assert!(
        SigningKey::from_pem(&text, &options).is_err()
            && SigningKey::from_der(&text, &options).is_err()
    );
    assert!(SigningKey::generate(Algorithm::Hs384).is_ok());
}

/// Rows 32 and 68.
#[test]
fn a_locked_key_that_asks_for_endless_work_is_refused_before_any() {
    let passphrase = SecretBytes::from(b"open sesame".to_vec());
    let options = ImportOptions::new().passphrase(&passphrase);
    let locked = SigningKey::generate(Algorithm::Hs256)
        .unwrap()
        .to_locked_jwk(&passphrase)
        .unwrap();
    assert!(SigningKey::from_locked_jwk(&locked, &options).is_ok());
    let (header, rest) = locked.split_once('.').unwrap();
    let mut header: Value = serde_json::from_slice(&decode(header)).unwrap();
    for rounds in [2_147_483_647_u64, 1_000_000_000, 1_200_001] {
        header["p2c"] = json!(rounds);
        let bomb = format!("{}.{rest}", encode(header.to_string().as_bytes()));
        let error = SigningKey::from_locked_jwk(&bomb, &options).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::TooCostly, "{rounds}");
    }
    for rounds in [
        json!(0),
        json!(-1),
        json!(1.5),
        json!("9"),
        json!(u64::MAX),
        json!(null),
    ] {
        header["p2c"] = rounds.clone();
        let bomb = format!("{}.{rest}", encode(header.to_string().as_bytes()));
        assert!(
            SigningKey::from_locked_jwk(&bomb, &options).is_err(),
            "{rounds}"
        );
    }
    // In a token `p2c` means nothing: no key is ever derived for one.
    let issuer = Issuer::new(Algorithm::Hs256);
    issuer.accepts(&issuer.with_header("p2c", json!(u64::MAX)));
    let header = r#"{"alg":"PBES2-HS256+A128KW","p2c":2147483647,"p2s":"AAAAAAAAAAA","kid":"k1"}"#;
    issuer.refuses(&issuer.forge.jws(header, "{}"), "alg_mismatch");
}

/// Row 68.
#[test]
fn a_wrapped_paserk_is_refused_before_its_cost_is_paid() {
    // memlimit 2^63, opslimit 2^32 - 1, parallelism 2^32 - 1: in front of whatever follows.
    let costs = [
        vec![1; 16],
        vec![0x80, 0, 0, 0, 0, 0, 0, 0],
        vec![0xff; 8],
        vec![0; 120],
    ]
    .concat();
    for kind in [
        "local-pw",
        "secret-pw",
        "local-wrap.pie",
        "secret-wrap.pie",
        "seal",
    ] {
        let text = format!("k4.{kind}.{}", encode(&costs));
        for error in [
            Paserk::parse(&text).unwrap_err(),
            SigningKey::from_paserk(&text).unwrap_err(),
        ] {
            assert_eq!(error.kind(), KeyErrorKind::UnsupportedKeyType, "{text}");
        }
    }
    let plain = Paserk::new(PaserkType::Local, SecretBytes::from(vec![7; 32])).unwrap();
    let text = plain.to_text();
    assert!(SigningKey::from_paserk(std::str::from_utf8(text.expose()).unwrap()).is_ok());
}

/// Row 49.
#[test]
fn a_key_set_in_which_two_keys_have_one_id_or_families_mix_is_refused() {
    let named = |key: &SigningKey, id: &str| {
        let mut jwk = public_jwk(key);
        jwk["kid"] = json!(id);
        jwk
    };
    let (one, other) = (fresh_key(Algorithm::EdDsa), fresh_key(Algorithm::Es256));
    assert_eq!(
        parse_set(&[named(&one, "a"), named(&other, "b")])
            .unwrap()
            .len(),
        2
    );
    let twins = parse_set(&[named(&one, "a"), named(&other, "a")]).unwrap_err();
    assert_eq!(twins, JwkSetErrorKind::DuplicateKeyId);
    let secret = json!({"kty": "oct", "kid": "c", "alg": "HS256", "k": encode(&[7; 32])});
    let mixed = parse_set(&[named(&one, "a"), secret.clone()]).unwrap_err();
    assert_eq!(mixed, JwkSetErrorKind::MixedFamilies);
    assert_eq!(
        parse_set(&[secret]).unwrap_err(),
        JwkSetErrorKind::SharedSecret
    );
}

fn parse_set(members: &[Value]) -> Result<Vec<VerifyingKey>, JwkSetErrorKind> {
    let text = json!({"keys": members}).to_string();
    JwkSet::parse(text.as_bytes(), &ImportOptions::new())
        .map(JwkSet::into_keys)
        .map_err(|error| error.kind())
}

/// Row 50.
#[test]
fn an_unfit_member_of_a_key_set_is_left_out_and_the_others_stay() {
    let good = public_jwk(&fresh_key(Algorithm::Es256));
    let other = |name: &str, value: Value| {
        let mut jwk = public_jwk(&fresh_key(Algorithm::Es256));
        jwk[name] = value;
        jwk
    };
    let off_curve = encode(&[7; 32]);
    for unfit in [
        secret_jwk(&fresh_key(Algorithm::Es256)),
        other("use", json!("enc")),
        other("use", json!(1)),
        other("x", json!(off_curve)),
        other("x", json!(encode(&[7; 31]))),
        other("y", json!("")),
        other("y", json!("!!")),
        other("kty", json!("ec")),
        other("kty", json!("Ec")),
        other("kty", json!(2)),
        other("alg", json!(-7)),
        other("alg", json!("ES512")),
        other("crv", json!("P-384")),
        other("crv", json!("secp256k1")),
        other("kid", json!(7)),
        other("key_ops", json!("verify")),
        other("key_ops", json!(["verify", "verify"])),
        json!({}),
        json!([]),
        json!(null),
    ] {
        let set = JwkSet::parse(
            json!({"keys": [unfit, good]}).to_string().as_bytes(),
            &ImportOptions::new(),
        )
        .unwrap();
        assert_eq!((set.keys().len(), set.skipped().len()), (1, 1), "{unfit}");
        assert_eq!(set.skipped()[0].position(), 0);
    }
}

/// Row 51.
#[test]
fn one_bad_member_does_not_spoil_a_key_set() {
    let issuer = Issuer::new(Algorithm::EdDsa);
    let good: Value = serde_json::from_str(&issuer.key.verifying_key().to_jwk().unwrap()).unwrap();
    let text = json!({"keys": [7, {"kty": "EC"}, "text", null, good], "more": {}}).to_string();
    let keys = KeySet::from_jwks(text.as_bytes()).unwrap();
    assert_eq!(keys.len(), 1);
    accepted(&keys, &issuer.token());
    let none = KeySet::from_jwks(br#"{"keys":[7,{"kty":"EC"}]}"#).unwrap();
    assert!(none.is_empty());
    refused(&none, &issuer.token(), "unknown_key");
}

/// Row 53.
#[test]
fn a_key_that_left_the_published_set_is_trusted_no_more() {
    let (old, new) = (
        Issuer::new(Algorithm::EdDsa),
        SigningKey::generate(Algorithm::EdDsa).unwrap(),
    );
    let publish = |keys: &[&SigningKey]| {
        let set = JwkSet::of(keys.iter().map(|key| key.verifying_key())).unwrap();
        KeySet::from_jwks(set.to_json().unwrap().as_bytes()).unwrap()
    };
    accepted(&publish(&[&old.key, &new]), &old.token());
    refused(&publish(&[&new]), &old.token(), "unknown_key");
    // Also when the token names no key: the one that is left does not verify it.
    let unnamed = old.forge.jws(r#"{"alg":"EdDSA"}"#, claims().to_string());
    refused(&publish(&[&new]), &unnamed, "bad_signature");
    accepted(&publish(&[&old.key]), &unnamed);
}

/// Row 69.
#[test]
fn the_name_of_a_key_file_is_never_taken_for_the_key() {
    let path =
        "/etc/tokenwright/keys/does-not-exist-but-is-long-enough-for-any-hash-to-be-used.pem";
    for algorithm in [Algorithm::Hs256, Algorithm::EdDsa] {
        let options = ImportOptions::new().algorithm(algorithm);
        assert!(SigningKey::from_pem(path.as_bytes(), &options).is_err());
        assert!(SigningKey::from_der(path.as_bytes(), &options).is_err());
        assert!(SigningKey::from_jwk(path.as_bytes(), &options).is_err());
        assert!(SigningKey::from_locked_jwk(path, &options).is_err());
        assert!(SigningKey::from_paserk(path).is_err());
    }
    // A token made with the path as its secret finds no key that accepts it.
    let forge = Forge::with_secret(Algorithm::Hs256, path.as_bytes());
    let issuer = Issuer::new(Algorithm::Hs256);
    issuer.refuses(
        &forge.jws(issuer.header().to_string(), claims().to_string()),
        "bad_signature",
    );
    issuer.accepts(&issuer.token());
}

/// Row 70.
#[test]
fn a_malformed_key_is_an_error_and_never_a_panic() {
    for algorithm in [
        Algorithm::EdDsa,
        Algorithm::Es256,
        Algorithm::Es384,
        Algorithm::Es512,
        Algorithm::Rs256,
    ] {
        let key = fresh_key(algorithm);
        let (public, secret) = (public_jwk(&key), secret_jwk(&key));
        assert!(import(&public).is_ok() && import_secret(&secret).is_ok());
        for name in ["x", "y", "d", "n", "e", "p", "q", "dp", "dq", "qi"] {
            let Some(value) = secret[name].as_str() else {
                continue;
            };
            let length = decode(value).len();
            for bytes in [0, 1, length - 1, length + 1, 2 * length, 4096] {
                let mut jwk = secret.clone();
                jwk[name] = json!(encode(&vec![0x5a; bytes]));
                assert!(
                    import_secret(&jwk).is_err(),
                    "{algorithm} {name} of {bytes} bytes"
                );
                if public.get(name).is_some() && !(name == "n" || name == "e") {
                    let mut jwk = public.clone();
                    jwk[name] = json!(encode(&vec![0x5a; bytes]));
                    assert_eq!(
                        import(&jwk).unwrap_err(),
                        "bad_member",
                        "{algorithm} {name} of {bytes} bytes"
                    );
                }
            }
        }
        // Every document cut short, and every byte of it changed.
        let options = ImportOptions::new().algorithm(algorithm);
        let document = key.to_der().unwrap();
        for end in 0..document.len() {
            assert!(SigningKey::from_der(&document.expose()[..end], &options).is_err());
        }
        let document = key.verifying_key().to_der().unwrap();
        for at in 0..document.len() {
            let mut changed = document.clone();
            changed[at] ^= 0x41;
            if let Ok(other) = VerifyingKey::from_der(&changed, &options) {
                assert_ne!(
                    other.thumbprint().unwrap(),
                    key.verifying_key().thumbprint().unwrap()
                );
            }
        }
    }
    assert!(KeyId::new("").is_err());
}

/// RFC 8725 section 3.5: a key of our own making is as long as its algorithm deserves.
#[test]
fn generated_keys_are_long_enough_and_never_alike() {
    for (algorithm, least) in [
        (Algorithm::Hs256, 32),
        (Algorithm::Hs384, 48),
        (Algorithm::Hs512, 64),
    ] {
        let (one, other) = (
            secret_jwk(&fresh_key(algorithm)),
            secret_jwk(&fresh_key(algorithm)),
        );
        assert_eq!(decode(one["k"].as_str().unwrap()).len(), least);
        assert_ne!(one["k"], other["k"]);
    }
    assert_eq!(
        decode(
            public_jwk(&fresh_key(Algorithm::Rs256))["n"]
                .as_str()
                .unwrap()
        )
        .len(),
        256
    );
    assert!(SigningKey::generate_rsa(Algorithm::Rs256, 1024).is_err());
}
