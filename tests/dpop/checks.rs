//! The twelve checks of RFC 9449 section 4.3, and what stands around them.

use std::time::Duration;

use serde_json::{Value, json};
use tokenwright::dpop::{Nonces, ProofSetupErrorKind, Proofs};
use tokenwright::key::{Algorithm, SystemEntropy};
use tokenwright::{ProofError, ProofErrorKind, ProofOfPossession as _, SecretBytes};

use crate::client::{ADDRESS, Client, NOW, at, base64_text};

const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";

fn proofs() -> Proofs {
    Proofs::builder(1_000, at(0))
        .per_key(1_000)
        .build()
        .unwrap()
}

fn judged(proofs: &Proofs, client: &Client, proof: &str) -> Result<(), ProofError> {
    let presented = proofs.presented(proof, "GET", ADDRESS);
    presented.confirm(&client.thumbprint(), TOKEN, at(NOW))
}

fn code(client: &Client, proof: &str) -> &'static str {
    match judged(&proofs(), client, proof) {
        Ok(()) => "accepted",
        Err(error) => error.code(),
    }
}

/// A client of this request and token.
fn client() -> Client {
    let mut client = Client::new(Algorithm::Es256);
    client.says("ath", base64_text::digest(TOKEN));
    client
}

/// One change to a good proof, and what becomes of it.
#[track_caller]
fn changed(change: impl FnOnce(&mut Client), expected: &str) {
    let mut client = client();
    assert_eq!(code(&client, &client.proof()), "accepted");
    change(&mut client);
    assert_eq!(code(&client, &client.proof()), expected);
}

fn says(client: &mut Client, name: &str, value: impl Into<Value>) {
    client.says(name, value);
}

fn without(client: &mut Client, claim: &str) {
    client.claims.remove(claim).unwrap();
}

fn header(client: &mut Client, name: &str, value: Value) {
    client.header.insert(name.to_owned(), value);
}

fn key_member(client: &mut Client, name: &str, value: Value) {
    client.header["jwk"][name] = value;
}

/// Check 1 is of the HTTP header: see `layer.rs`.
#[test]
fn check_2_a_proof_is_one_jwt() {
    let client = client();
    let good = client.proof();
    let [header, payload, signature]: [&str; 3] =
        good.split('.').collect::<Vec<_>>().try_into().unwrap();
    for text in [
        String::new(),
        "a".to_owned(),
        format!("{header}.{payload}"),
        format!("{good}.{signature}"),
        format!("{good},{good}"),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{header}.{payload}.{signature}="),
        format!("{header}.{payload}.{}", "A".repeat(9_000)),
        format!("{}.{payload}.{signature}", base64_text::encode("[]")),
        r#"{"payload":"","signatures":[]}"#.to_owned(),
    ] {
        assert_eq!(code(&client, &text), "proof_malformed", "{text}");
    }
    let paseto = format!("v4.public.{}", "A".repeat(100));
    assert_eq!(code(&client, &paseto), "proof_typ_mismatch");
}

#[test]
fn check_3_every_claim_that_is_required_is_there_and_of_its_type() {
    for name in ["jti", "htm", "htu", "iat", "ath"] {
        changed(|client| without(client, name), "proof_missing_claim");
        for odd in [json!(null), json!([]), json!({}), json!(true)] {
            changed(|client| says(client, name, odd), "proof_bad_claims");
        }
    }
    changed(
        |client| says(client, "iat", NOW.to_string()),
        "proof_bad_claims",
    );
    changed(|client| says(client, "nonce", 1), "proof_bad_claims");
    changed(|client| says(client, "jti", ""), "proof_bad_claims");
    changed(
        |client| says(client, "jti", "j".repeat(257)),
        "proof_bad_claims",
    );
    changed(|client| says(client, "jti", "j".repeat(256)), "accepted");
    // One claim twice: two readers would see two proofs.
    let client = client();
    let claims = Value::Object(client.claims.clone()).to_string();
    let twice = claims.replacen('{', r#"{"htm":"POST","#, 1);
    let head = Value::Object(client.header.clone()).to_string();
    assert_eq!(
        code(&client, &client.signed(&head, &twice)),
        "proof_bad_claims"
    );
}

#[test]
fn check_4_the_type_is_dpop_jwt() {
    for typ in [
        json!("JWT"),
        json!("at+jwt"),
        json!("dpop"),
        json!("dpop+jwt "),
    ] {
        changed(|client| header(client, "typ", typ), "proof_typ_mismatch");
    }
    changed(
        |client| drop(client.header.remove("typ")),
        "proof_typ_mismatch",
    );
    changed(|client| header(client, "typ", json!(1)), "proof_malformed");
    changed(
        |client| header(client, "typ", json!("application/DPoP+jwt")),
        "accepted",
    );
}

#[test]
fn check_5_the_algorithm_is_an_accepted_one_with_a_public_key() {
    for alg in [
        "none",
        "None",
        "",
        "HS256",
        "HS512",
        "ES384",
        "v4.public",
        "ES256K",
        "es256",
    ] {
        changed(
            |client| header(client, "alg", json!(alg)),
            "proof_alg_refused",
        );
    }
    // Accepted, and not what the key is for.
    for alg in ["EdDSA", "RS256", "PS256"] {
        changed(|client| header(client, "alg", json!(alg)), "proof_bad_key");
    }
    changed(
        |client| drop(client.header.remove("alg")),
        "proof_malformed",
    );
    // The empty signature of `none`, with the name of a good algorithm.
    let client = client();
    let (unsigned, _) = client
        .proof()
        .rsplit_once('.')
        .map(|(a, b)| (format!("{a}."), b.len()))
        .unwrap();
    assert_eq!(code(&client, &unsigned), "proof_bad_signature");
}

/// The public key as the secret of an HMAC: the name alone ends it.
#[test]
fn check_5_a_public_key_is_no_shared_secret() {
    let mut client = client();
    header(&mut client, "alg", json!("HS256"));
    let x = client.header["jwk"]["x"].as_str().unwrap().to_owned();
    client.header["jwk"] = json!({ "kty": "oct", "k": x });
    assert_eq!(code(&client, &client.proof()), "proof_alg_refused");
    header(&mut client, "alg", json!("ES256"));
    assert_eq!(code(&client, &client.proof()), "proof_bad_key");
}

#[test]
fn check_6_the_signature_is_that_of_the_key_in_the_header() {
    let client = client();
    let good = client.proof();
    let (input, signature) = good.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let changed = format!("{input}.{first}{}", &signature[1..]);
    assert_eq!(code(&client, &changed), "proof_bad_signature");
    // Other claims under the signature of these.
    let (head, _) = input.split_once('.').unwrap();
    let other = base64_text::encode(Value::Object(client.claims.clone()).to_string() + " ");
    assert_eq!(
        code(&client, &format!("{head}.{other}.{signature}")),
        "proof_bad_signature"
    );
    // Another's signature over the very same text.
    let thief = Client::new(Algorithm::Es256);
    let header = Value::Object(client.header.clone()).to_string();
    let claims = Value::Object(client.claims.clone()).to_string();
    assert_eq!(
        code(&client, &thief.signed(&header, &claims)),
        "proof_bad_signature"
    );
}

#[test]
fn check_6_there_is_a_key_and_a_sound_one() {
    changed(|client| drop(client.header.remove("jwk")), "proof_bad_key");
    for odd in [
        json!(null),
        json!("a"),
        json!([]),
        json!({}),
        json!({ "kty": "EC" }),
    ] {
        changed(|client| header(client, "jwk", odd), "proof_bad_key");
    }
    // A key by reference is not looked at.
    changed(
        |client| {
            let jwk = client.header.remove("jwk").unwrap();
            header(client, "kid", json!("k"));
            header(client, "jku", json!("https://evil.example/jwks"));
            header(client, "x5c", json!([jwk.to_string()]));
        },
        "proof_bad_key",
    );
    changed(
        |client| key_member(client, "use", json!("enc")),
        "proof_bad_key",
    );
    changed(
        |client| key_member(client, "key_ops", json!(["sign"])),
        "proof_bad_key",
    );
    changed(
        |client| key_member(client, "alg", json!("ES384")),
        "proof_bad_key",
    );
    changed(|client| key_member(client, "use", json!("sig")), "accepted");
    // Another point has another name; one off the curve with the right name cannot be.
    let x = base64_text::encode([1; 32]);
    changed(
        |client| key_member(client, "x", json!(x)),
        "proof_other_key",
    );
}

#[test]
fn check_7_a_key_with_a_private_part_is_refused() {
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        let value = json!(base64_text::encode([7; 32]));
        changed(|client| key_member(client, member, value), "proof_bad_key");
    }
}

#[test]
fn check_8_the_method_is_the_requests() {
    for method in ["POST", "get", "Get", "GET ", "", "*"] {
        changed(|client| says(client, "htm", method), "proof_other_method");
    }
}

#[test]
fn check_9_the_address_is_the_requests_however_it_is_written() {
    for address in [
        "https://api.example/order",
        "https://api.example/orders/",
        "https://api.example/Orders",
        "http://api.example/orders",
        "https://api.example:8443/orders",
        "https://api.example.evil.example/orders",
        "https://evil.example/orders",
        "https://api.example@evil.example/orders",
        "https://evil.example/?https://api.example/orders",
        "/orders",
        "",
    ] {
        changed(|client| says(client, "htu", address), "proof_other_address");
    }
    for address in [
        "HTTPS://API.example:443/orders",
        "https://api.example/%6frders",
        "https://api.example/x/../orders",
        "https://api.example/orders?page=2",
        "https://api.example/orders#top",
    ] {
        changed(|client| says(client, "htu", address), "accepted");
    }
}

#[test]
fn check_10_a_nonce_is_asked_for_and_must_be_a_late_one() {
    let life = Duration::from_secs(60);
    let nonces = Nonces::draw(&SystemEntropy, life).unwrap();
    let proofs = Proofs::builder(100, at(0))
        .nonces(nonces.clone())
        .build()
        .unwrap();
    let other = Nonces::shared(&SecretBytes::from([7; 32]), life).unwrap();
    let with = |nonce: Option<String>| {
        let mut client = client();
        if let Some(nonce) = nonce {
            client.says("nonce", nonce);
        }
        judged(&proofs, &client, &client.proof()).map_err(|error| error.code())
    };
    assert_eq!(with(Some(nonces.current(at(NOW)))), Ok(()));
    assert_eq!(with(Some(nonces.current(at(NOW - 60)))), Ok(()));
    // Of a server with the same secret whose clock is ahead.
    assert_eq!(with(Some(nonces.current(at(NOW + 60)))), Ok(()));
    let needed = Err("proof_nonce_needed");
    for nonce in [
        None,
        Some(String::new()),
        Some("a".repeat(22)),
        Some(nonces.current(at(NOW - 120))),
        Some(nonces.current(at(NOW + 120))),
        Some(other.current(at(NOW))),
    ] {
        assert_eq!(with(nonce), needed);
    }
    let same = Nonces::shared(&SecretBytes::from([7; 32]), life).unwrap();
    assert_eq!(same.current(at(NOW)), other.current(at(NOW)));
    let short = Nonces::shared(&SecretBytes::from([7; 31]), life).unwrap_err();
    assert_eq!(
        short.to_string(),
        "secret of nonces: expected at least 32 bytes, found 31"
    );
}

#[test]
fn check_11_a_proof_is_young() {
    for (made, expected) in [
        (NOW - 60, "accepted"),
        (NOW - 61, "proof_too_old"),
        (NOW + 30, "accepted"),
        (NOW + 31, "proof_from_the_future"),
        (0, "proof_too_old"),
        (i64::MIN, "proof_too_old"),
        (i64::MAX, "proof_from_the_future"),
    ] {
        changed(|client| says(client, "iat", made), expected);
    }
    // A fraction of a second counts; a number that no clock shows is no time.
    changed(
        |client| says(client, "iat", NOW as f64 - 60.5),
        "proof_too_old",
    );
    let client = client();
    let head = Value::Object(client.header.clone()).to_string();
    let claims = Value::Object(client.claims.clone()).to_string();
    let huge = claims.replace(&NOW.to_string(), "1e400");
    assert_eq!(
        code(&client, &client.signed(&head, &huge)),
        "proof_bad_claims"
    );
}

#[test]
fn check_12_the_proof_is_for_this_token_and_by_the_key_it_is_bound_to() {
    for other in ["another", "", &format!("{TOKEN} ")] {
        let digest = base64_text::digest(other);
        changed(|client| says(client, "ath", digest), "proof_other_token");
    }
    changed(|client| says(client, "ath", TOKEN), "proof_other_token");
    // A thief's own proof, good in itself, beside the stolen token.
    let (victim, thief) = (client(), client());
    assert_eq!(code(&victim, &thief.proof()), "proof_other_key");
}

#[test]
fn extensions_are_refused_before_any_signature() {
    for member in ["crit", "b64", "zip"] {
        changed(
            |client| header(client, member, json!([])),
            "proof_unsupported_extension",
        );
    }
}

#[test]
fn errors_say_what_was_expected_and_never_hold_the_proof() {
    let told = |change: &dyn Fn(&mut Client)| {
        let mut client = client();
        change(&mut client);
        let proof = client.proof();
        let error = judged(&proofs(), &client, &proof).unwrap_err().to_string();
        assert!(!error.contains(&proof[..20]));
        error
    };
    assert_eq!(
        told(&|client| says(client, "htm", "PO\nST")),
        r#"DPoP proof: htm: expected "GET", found "PO\u{a}ST""#
    );
    assert_eq!(
        told(&|client| says(client, "htu", "https://evil.example/")),
        r#"DPoP proof: htu: expected "https://api.example/orders", found "https://evil.example/""#
    );
    assert_eq!(
        told(&|client| says(client, "iat", NOW - 100)),
        "DPoP proof: made at 2025-10-09T08:51:40Z, accepted are those made since 2025-10-09T08:52:20Z"
    );
    assert_eq!(
        told(&|client| header(client, "typ", json!("JWT"))),
        r#"DPoP proof: typ: expected "dpop+jwt", found "JWT""#
    );
    assert_eq!(
        told(&|client| key_member(client, "d", json!("AA"))),
        "DPoP proof: private_key_given: the JWK has the private member \"d\" where a public key is expected"
    );
}

#[test]
fn settings_that_judge_nothing_are_refused() {
    let refused = |proofs: tokenwright::dpop::ProofsBuilder| proofs.build().unwrap_err();
    let plain = || Proofs::builder(10, at(0));
    assert_eq!(
        refused(Proofs::builder(0, at(0))).to_string(),
        "memory of used proofs: expected room for at least one, found none: every proof would be refused"
    );
    assert_eq!(refused(plain().per_key(0)).code(), "no_memory");
    assert_eq!(
        refused(plain().algorithms([])).to_string(),
        "algorithms of proofs: expected at least one, found none: every proof would be refused"
    );
    for unfit in [Algorithm::Hs256, Algorithm::V4Public, Algorithm::V4Local] {
        let error = refused(plain().algorithms([Algorithm::Es256, unfit]));
        assert_eq!(
            *error.kind(),
            ProofSetupErrorKind::AlgorithmUnfit { found: unfit }
        );
    }
    assert_eq!(
        refused(plain().max_age(Duration::from_secs(3601))).to_string(),
        "age of proofs: expected at most 3600 s, found 3601 s: they are made for one request each"
    );
    assert_eq!(
        refused(plain().max_age(Duration::ZERO)).code(),
        "age_too_short"
    );
}

#[test]
fn only_the_algorithms_that_are_asked_for_count() {
    let client = client();
    let proofs = Proofs::builder(10, at(0))
        .algorithms([Algorithm::EdDsa])
        .build()
        .unwrap();
    let error = judged(&proofs, &client, &client.proof()).unwrap_err();
    assert!(matches!(error.kind(), ProofErrorKind::AlgorithmRefused { found } if found == "ES256"));
}
