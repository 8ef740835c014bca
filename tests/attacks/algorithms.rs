//! Rows 1 to 11 and 61: the token tells the verifier how to verify it.

use std::net::TcpListener;

use serde_json::{Value, json};
use tokenwright::key::{Algorithm, ImportOptions, KeyId, SigningKey, VerifyingKey};
use tokenwright::{KeySet, RawVerifier};

use crate::forge::{Forge, decode, encode};
use crate::scene::*;

/// Row 1.
#[test]
fn alg_none_is_refused_in_every_spelling_with_and_without_a_signature() {
    let spellings = [
        json!("none"),
        json!("None"),
        json!("NONE"),
        json!("nOnE"),
        json!("none "),
        json!(" none"),
        json!("none\0"),
        json!("n\u{43e}ne"),
        json!("no\u{200b}ne"),
        json!(""),
        json!("null"),
        json!(null),
        json!(["none"]),
        json!({"none": 1}),
        json!(0),
        json!(false),
    ];
    for algorithm in FAMILIES {
        let issuer = Issuer::new(algorithm);
        let honest = issuer.token();
        issuer.accepts(&honest);
        let [_, payload, signature] = parts(&honest);
        for spelling in &spellings {
            let mut header = issuer.header();
            header["alg"] = spelling.clone();
            let header = encode(header.to_string().as_bytes());
            let code = if spelling.is_string() {
                "alg_mismatch"
            } else {
                "malformed"
            };
            issuer.refuses(&format!("{header}.{payload}."), code);
            issuer.refuses(&format!("{header}.{payload}.{signature}"), code);
            // A signature that covers the very header changes nothing.
            issuer.refuses(&issuer.with_header("alg", spelling.clone()), code);
        }
        let bare = encode(br#"{"typ":"JWT","kid":"k1"}"#);
        issuer.refuses(&format!("{bare}.{payload}."), "malformed");
        let nobody = KeySet::of([]).unwrap();
        let unsigned = encode(br#"{"alg":"none"}"#);
        refused(&nobody, &format!("{unsigned}.{payload}."), "unknown_key");
    }
    for spelling in spellings.iter().filter_map(Value::as_str) {
        assert!(
            spelling.parse::<Algorithm>().is_err(),
            "{spelling:?} cannot be allowed"
        );
        let mut jwk = public_jwk(&fresh_key(Algorithm::EdDsa));
        jwk["alg"] = json!(spelling);
        assert_eq!(import(&jwk).unwrap_err(), "unsupported_algorithm");
    }
}

/// Row 2.
#[test]
fn an_empty_signature_is_refused_whatever_the_algorithm() {
    for algorithm in Algorithm::ALL
        .into_iter()
        .filter(|algorithm| is_jwt(*algorithm))
    {
        let issuer = Issuer::new(algorithm);
        let honest = issuer.token();
        issuer.accepts(&honest);
        let [header, payload, _] = parts(&honest);
        issuer.refuses(&format!("{header}.{payload}."), "bad_signature");
        issuer.refuses(&format!("{header}.{payload}"), "malformed");
    }
}

fn is_jwt(algorithm: Algorithm) -> bool {
    algorithm.format() == tokenwright::key::Format::Jwt
}

/// Everything a public key can be written as: what an attacker might use as a secret.
fn spellings_of(key: &VerifyingKey) -> Vec<Vec<u8>> {
    let pem = key.to_pem().unwrap();
    let jwk = key.to_jwk().unwrap();
    let members: Value = serde_json::from_str(&jwk).unwrap();
    let number = |name: &str| members[name].as_str().map(decode).unwrap_or_default();
    let mut spellings = vec![
        pem.trim_end().into(),
        pem.replace('\n', "\r\n").into(),
        format!("\u{feff}{pem}").into(),
        format!(" {pem}").into(),
        format!("{pem}\0").into(),
        pem.lines()
            .filter(|line| !line.starts_with('-'))
            .collect::<String>()
            .into(),
        key.to_der().unwrap(),
        encode(&key.to_der().unwrap()).into(),
        format!(r#"{{"keys":[{jwk}]}}"#).into(),
        members.to_string().into(),
        key.id().as_str().into(),
        [number("x"), number("y")].concat(),
        [vec![4], number("x"), number("y")].concat(),
        number("x"),
        number("n"),
        members["n"].as_str().unwrap_or_default().into(),
        members["x"].as_str().unwrap_or_default().into(),
    ];
    spellings.push(pem.into());
    spellings.push(jwk.into());
    spellings
}

/// Row 3.
#[test]
fn a_public_key_is_never_an_hmac_secret() {
    for algorithm in [
        Algorithm::Rs256,
        Algorithm::Ps256,
        Algorithm::Es256,
        Algorithm::EdDsa,
    ] {
        let issuer = Issuer::new(algorithm);
        issuer.accepts(&issuer.token());
        for secret in spellings_of(&issuer.key.verifying_key()) {
            for confused in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
                let forge = Forge::with_secret(confused, &secret);
                for header in [
                    json!({"alg": confused.name(), "typ": "JWT", "kid": "k1"}),
                    json!({"alg": confused.name(), "typ": "JWT"}),
                ] {
                    let forged = forge.jws(header.to_string(), claims().to_string());
                    issuer.refuses(&forged, "alg_mismatch");
                }
                // The header says what the key is, and the tag is still no signature.
                let forged = forge.jws(issuer.header().to_string(), claims().to_string());
                issuer.refuses(&forged, "bad_signature");
            }
        }
        // No reader of asymmetric keys makes a shared secret of one.
        let hmac = ImportOptions::new().algorithm(Algorithm::Hs256);
        let pem = issuer.key.verifying_key().to_pem().unwrap();
        assert_eq!(
            VerifyingKey::from_pem(pem.as_bytes(), &hmac)
                .unwrap_err()
                .code(),
            "algorithm_mismatch"
        );
        let mut jwk = public_jwk(&issuer.key);
        jwk["alg"] = json!("HS256");
        assert_eq!(import(&jwk).unwrap_err(), "algorithm_mismatch");
        let secret = SigningKey::generate(Algorithm::Hs256)
            .unwrap()
            .verifying_key();
        let mixed = KeySet::of([issuer.key.verifying_key(), secret]);
        assert_eq!(mixed.unwrap_err().code(), "mixed_families");
    }
    // The forgeries above are right but for the key: whoever shares that secret accepts them.
    let secret = spellings_of(&fresh_key(Algorithm::EdDsa).verifying_key()).remove(0);
    let jwk = json!({"kty": "oct", "alg": "HS256", "kid": "k1", "k": encode(&secret)});
    let holder = KeySet::of([import_secret(&jwk).unwrap().verifying_key()]).unwrap();
    let forge = Forge::with_secret(Algorithm::Hs256, &secret);
    let token = forge.jws(
        r#"{"alg":"HS256","typ":"JWT","kid":"k1"}"#,
        claims().to_string(),
    );
    accepted(&holder, &token);
}

/// Row 4.
#[test]
fn an_rsa_key_without_alg_is_no_empty_secret() {
    let key = fresh_key(Algorithm::Rs256);
    let mut jwk = public_jwk(&key);
    jwk.as_object_mut().unwrap().remove("alg");
    jwk["kid"] = json!("k1");
    assert_eq!(import(&jwk).unwrap_err(), "algorithm_needed");
    let options = ImportOptions::new().algorithm(Algorithm::Rs256);
    let public = VerifyingKey::from_jwk(jwk.to_string().as_bytes(), &options).unwrap();
    let keys = KeySet::of([public]).unwrap();
    for algorithm in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
        let header = json!({"alg": algorithm.name(), "typ": "JWT", "kid": "k1"});
        let forged =
            Forge::with_secret(algorithm, b"").jws(header.to_string(), claims().to_string());
        refused(&keys, &forged, "alg_mismatch");
    }
    accepted(&keys, &Issuer::of(key).token());
}

/// Row 5.
#[test]
fn the_header_and_the_key_must_name_one_algorithm() {
    let issuer = Issuer::new(Algorithm::Ps256);
    issuer.accepts(&issuer.token());
    // The header names an algorithm that others may allow; the signature is the key's own.
    for named in ["RS256", "PS384", "HS256", "ps256", "PS256 ", "RSASSA-PSS"] {
        issuer.refuses(&issuer.with_header("alg", json!(named)), "alg_mismatch");
    }
    // The header names the key's algorithm; the signature is of another one.
    for other in [Algorithm::Rs256, Algorithm::Ps384, Algorithm::Ps512] {
        let forge = Forge::misused(&issuer.key, other);
        let forged = forge.jws(issuer.header().to_string(), claims().to_string());
        issuer.refuses(&forged, "bad_signature");
    }
}

/// Row 6.
#[test]
fn a_key_of_another_curve_or_padding_is_refused() {
    for (curve, wrong) in [
        (Algorithm::Es384, "ES256"),
        (Algorithm::Es256, "ES384"),
        (Algorithm::Es512, "ES256"),
    ] {
        let issuer = Issuer::new(curve);
        issuer.accepts(&issuer.token());
        issuer.refuses(&issuer.with_header("alg", json!(wrong)), "alg_mismatch");
        let mut jwk = public_jwk(&issuer.key);
        assert!(import(&jwk).is_ok());
        jwk["alg"] = json!(wrong);
        assert_eq!(import(&jwk).unwrap_err(), "algorithm_mismatch");
    }
    let issuer = Issuer::new(Algorithm::Ps256);
    let forged = Forge::misused(&issuer.key, Algorithm::Rs256)
        .jws(issuer.with_alg("RS256"), claims().to_string());
    issuer.refuses(&forged, "alg_mismatch");
    let both = Issuer::new(Algorithm::Rs256);
    both.accepts(&forged);
}

impl Issuer {
    fn with_alg(&self, name: &str) -> String {
        let mut header = self.header();
        header["alg"] = json!(name);
        header.to_string()
    }
}

/// Row 7.
#[test]
fn a_key_embedded_in_the_header_is_not_looked_at() {
    let issuer = Issuer::new(Algorithm::Es256);
    let attacker = Issuer::new(Algorithm::Es256);
    let jwk = public_jwk(&attacker.key);
    let mut private = secret_jwk(&attacker.key);
    private["kid"] = json!("k1");
    for embedded in [
        jwk.clone(),
        private,
        json!({"kty": "oct", "k": ""}),
        json!("text"),
        json!(null),
    ] {
        let forged = attacker.with_header("jwk", embedded.clone());
        issuer.refuses(&forged, "bad_signature");
        refused(&KeySet::of([]).unwrap(), &forged, "unknown_key");
        // The issuer's own token may carry one: it is ignored.
        issuer.accepts(&issuer.with_header("jwk", embedded));
    }
    let mut header = attacker.header();
    header["jwk"] = jwk.clone();
    header["kid"] = json!("attacker");
    header["jwk"]["kid"] = json!("attacker");
    let forged = attacker.forge.jws(header.to_string(), claims().to_string());
    issuer.refuses(&forged, "unknown_key");
}

/// Row 8.
#[test]
fn a_certificate_in_the_header_is_not_trusted() {
    let issuer = Issuer::new(Algorithm::Rs256);
    let attacker = Issuer::of(SigningKey::generate(Algorithm::Rs256).unwrap());
    let leaf = encode(&attacker.key.verifying_key().to_der().unwrap());
    for name in ["x5c", "x5t", "x5t#S256"] {
        for value in [json!([leaf]), json!(leaf), json!([]), json!({"a": [1]})] {
            issuer.refuses(&attacker.with_header(name, value.clone()), "bad_signature");
            issuer.accepts(&issuer.with_header(name, value));
        }
    }
}

/// Row 9.
#[test]
fn a_url_in_the_header_is_never_fetched() {
    let issuer = Issuer::new(Algorithm::EdDsa);
    let attacker = Issuer::new(Algorithm::EdDsa);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let here = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    let urls = [
        here.as_str(),
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "ftp://attacker.example/jwks",
        "data:application/json,{}",
        "https://auth.example@attacker.example/",
        "https://auth.example.attacker.example/",
        "//attacker.example",
        "gopher://127.0.0.1:11211/",
        "",
    ];
    for url in urls {
        for name in ["jku", "x5u"] {
            issuer.refuses(&attacker.with_header(name, json!(url)), "bad_signature");
            issuer.accepts(&issuer.with_header(name, json!(url)));
        }
    }
    let waiting = listener.accept().map(|_| ()).unwrap_err();
    assert_eq!(
        waiting.kind(),
        std::io::ErrorKind::WouldBlock,
        "nobody called"
    );
}

/// Row 10.
#[test]
fn a_kid_is_a_name_and_never_a_path_a_query_or_a_command() {
    let issuer = Issuer::new(Algorithm::Hs256);
    issuer.accepts(&issuer.token());
    let long = "k".repeat(2000);
    for kid in [
        "../../../../dev/null",
        "/dev/null",
        "/proc/sys/kernel/randomize_va_space",
        "file:///dev/null",
        "k1' UNION SELECT 'x",
        "' OR '1'='1",
        "k1;--",
        "k1|whoami",
        "$(whoami)",
        "`id`",
        "*)(uid=*",
        "k1\0",
        "k1\r\nX-Injected: 1",
        "K1",
        "k1 ",
        " k1",
        "__proto__",
        "constructor",
        "",
        "k",
        "k11",
        &long,
    ] {
        // Under such an id an attacker hopes for an empty or a known secret.
        for secret in [&b""[..], b"\0", b"2", b"x", kid.as_bytes()] {
            let forge = Forge::with_secret(Algorithm::Hs256, secret);
            let header = json!({"alg": "HS256", "typ": "JWT", "kid": kid});
            let forged = forge.jws(header.to_string(), claims().to_string());
            let error = issuer.refuses(&forged, "unknown_key");
            assert!(
                error.to_string().chars().all(|each| !each.is_control()),
                "{error}"
            );
        }
        // Nor does a right signature help under a wrong name.
        issuer.refuses(&issuer.with_header("kid", json!(kid)), "unknown_key");
    }
    // A header of 64 KiB is over before its kid is read.
    let huge = issuer.with_header("kid", json!("k".repeat(65_536)));
    issuer.refuses(&huge, "too_long");
}

/// Row 11.
#[test]
fn a_kid_of_another_type_is_an_error_and_not_an_absent_kid() {
    let issuer = Issuer::new(Algorithm::EdDsa);
    let mut header = issuer.header();
    header.as_object_mut().unwrap().remove("kid");
    issuer.accepts(&issuer.forge.jws(header.to_string(), claims().to_string()));
    for kid in [
        json!(1),
        json!(null),
        json!(["k1"]),
        json!({"k1": 1}),
        json!(true),
    ] {
        issuer.refuses(&issuer.with_header("kid", kid), "malformed");
    }
}

/// Row 61.
#[test]
fn a_secret_is_chosen_by_kid_and_never_by_unverified_claims() {
    let tenant = |name: &str| {
        SigningKey::generate(Algorithm::Hs256)
            .unwrap()
            .with_id(KeyId::new(name).unwrap())
    };
    let (ours, theirs) = (tenant("ours"), tenant("theirs"));
    let keys = KeySet::of([ours.verifying_key(), theirs.verifying_key()]).unwrap();
    let header = |kid: &str| json!({"alg": "HS256", "typ": "JWT", "kid": kid}).to_string();
    let mut payload = claims();
    payload["tenant"] = json!("theirs");
    payload["kid"] = json!("theirs");
    let forge = Forge::of(&theirs);
    refused(
        &keys,
        &forge.jws(header("ours"), payload.to_string()),
        "bad_signature",
    );
    refused(
        &keys,
        &forge.jws(r#"{"alg":"HS256"}"#, payload.to_string()),
        "unknown_key",
    );
    accepted(
        &keys,
        &Forge::of(&ours).jws(header("ours"), payload.to_string()),
    );
}

/// RFC 8725 section 3.1: the key that is found decides, among several of several kinds.
#[test]
fn every_key_of_a_set_answers_to_its_own_name_and_algorithm_only() {
    let named =
        |algorithm: Algorithm| fresh_key(algorithm).with_id(KeyId::new(algorithm.name()).unwrap());
    let keys: Vec<SigningKey> = [
        Algorithm::EdDsa,
        Algorithm::Ed25519,
        Algorithm::Es256,
        Algorithm::Rs256,
        Algorithm::Ps256,
    ]
    .into_iter()
    .map(named)
    .collect();
    let set = RawVerifier::new(KeySet::of(keys.iter().map(SigningKey::verifying_key)).unwrap());
    for signer in &keys {
        for kid in &keys {
            for alg in &keys {
                let header = json!({"alg": alg.algorithm().name(), "kid": kid.id().as_str()});
                let token = Forge::of(signer).jws(header.to_string(), "{}");
                let verdict = set.verify(&token).map_err(|error| error.code());
                let expected = if kid.id() != alg.id() {
                    Some("alg_mismatch")
                } else if signer.id() != kid.id() {
                    Some("bad_signature")
                } else {
                    None
                };
                assert_eq!(verdict.err(), expected, "{header}");
            }
        }
    }
}
