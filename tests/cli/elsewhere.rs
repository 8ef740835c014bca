//! What goes wrong elsewhere: every row fails on a tool in use today.

use base64_of::base64url;
use tokenwright::key::{ImportOptions, SigningKey};
use tokenwright::{Claims, Minter};

use crate::place::Place;

/// A small encoder, so that forgeries do not depend on what is tested.
mod base64_of {
    pub(crate) fn base64url(bytes: &[u8]) -> String {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut text = String::new();
        for chunk in bytes.chunks(3) {
            let mut group = [0; 3];
            group[..chunk.len()].copy_from_slice(chunk);
            let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
            for place in 0..=chunk.len() {
                let index = (bits >> (18 - 6 * place)) & 63;
                text.push(ALPHABET[index as usize] as char);
            }
        }
        text
    }
}

#[test]
fn an_hs256_token_signed_with_the_public_keys_pem_is_refused() {
    for algorithm in ["RS256", "EdDSA", "ES256"] {
        let place = Place::with_keys(algorithm);
        let listed = place.run(&["key", "list", "--json"]).json();
        let id = listed["keys"][0]["kid"].as_str().unwrap().to_owned();
        let pem = place
            .run(&["key", "public", &id, "--to", "pem"])
            .succeeds()
            .stdout();
        place.write("public.pem", &pem);
        for secret in [
            pem.clone(),
            pem.trim_end().to_owned(),
            format!("\u{feff}{pem}"),
        ] {
            let jwk = serde_json::json!({
                "kty": "oct", "alg": "HS256", "kid": id, "k": base64url(secret.as_bytes()),
            });
            let key =
                SigningKey::from_jwk(jwk.to_string().as_bytes(), &ImportOptions::new()).unwrap();
            let minter = Minter::builder(key, "https://auth.example")
                .audience("orders-api")
                .build()
                .unwrap();
            let forged = minter.mint(&Claims::for_subject("root")).unwrap();
            place.run(&["verify", &forged]).fails(1, "alg_mismatch");
            let file = ["verify", &forged, "--key", "public.pem", "--alg", algorithm];
            let named = ["--iss", "https://auth.example", "--aud", "orders-api"];
            place
                .run(&[&file[..], &named[..]].concat())
                .fails(1, "alg_mismatch");
        }
    }
}

#[test]
fn nbf_is_judged() {
    let place = Place::with_keys("EdDSA");
    let token = place.mint(&["--sub", "alice", "--nbf", "now+10m"]);
    place.run(&["verify", &token]).fails(3, "not_yet_valid");
    place.run(&["verify", &token, "--at", "now+11m"]).succeeds();
}

#[test]
fn the_leeway_is_half_a_minute_unless_another_is_asked_for() {
    let place = Place::with_keys("EdDSA");
    let token = place.mint(&["--sub", "alice", "--exp", "now+5m"]);
    let claims = place.run(&["inspect", &token, "--json"]).json()["claims"].clone();
    let expiry = claims["exp"].as_i64().unwrap();
    let judged = |after: i64, leeway: &[&str]| {
        let at = format!("@{}", expiry + after);
        place.run(&[&["verify", &token, "--at", &at][..], leeway].concat())
    };
    judged(29, &[]).succeeds();
    judged(30, &[]).fails(3, "expired");
    judged(119, &["--leeway", "2m"]).succeeds();
    judged(120, &["--leeway", "2m"]).fails(3, "expired");
    judged(-1, &["--leeway", "0s"]).succeeds();
    judged(0, &["--leeway", "0s"]).fails(3, "expired");
    judged(0, &["--leeway", "11m"]).fails(2, "usage");
}

#[test]
fn a_missing_audience_is_refused_where_one_is_demanded_and_a_present_one_where_none_is() {
    let place = Place::new();
    place.run(&["init"]).succeeds();
    let without = place.mint(&["--sub", "alice"]);
    place.run(&["verify", &without]).succeeds();
    place
        .run(&["verify", &without, "--aud", "orders-api"])
        .fails(1, "aud_mismatch");
    let with = place.mint(&["--sub", "alice", "--aud", "orders-api"]);
    place.run(&["verify", &with]).fails(1, "aud_mismatch");
    place
        .run(&["verify", &with, "--aud", "orders-api"])
        .succeeds();
}

#[test]
fn two_hundred_and_fifty_six_bad_tokens_do_not_add_up_to_success() {
    let place = Place::with_keys("EdDSA");
    for count in [1, 255, 256, 257, 512] {
        let run = place.feed("a.b.c\n".repeat(count), &["verify", "--lines"]);
        assert_eq!((run.code(), run.stdout().as_str()), (1, ""), "{count}");
        let lines = if count == 1 { "line" } else { "lines" };
        let summary =
            format!("note: {count} {lines}: 0 valid, {count} refused ({count} malformed)\n");
        assert!(run.stderr().ends_with(&summary), "{}", run.stderr());
    }
}

#[test]
fn the_payload_is_not_printed_before_the_signature_is_checked() {
    let place = Place::with_keys("EdDSA");
    let token = place.mint(&["--sub", "alice"]);
    let changed = format!("{}AAAA", &token[..token.len() - 4]);
    place.run(&["verify", &changed]).fails(1, "bad_signature");
    let answer = place.run(&["verify", &changed, "--json"]);
    assert!(!answer.stdout().contains("alice"));
    assert_eq!(answer.json()["valid"], false);
    assert!(answer.json().get("claims").is_none());
    let lines = place.feed(format!("{changed}\n"), &["verify", "--lines"]);
    assert_eq!((lines.code(), lines.stdout().as_str()), (1, ""));
}

#[test]
fn private_keys_are_written_for_their_owner_only_whatever_the_umask() {
    let place = Place::new();
    let umask = "umask 000";
    place.run_after(umask, &["init"]).succeeds();
    place
        .run_after(umask, &["key", "generate", "--out", "new.jwk"])
        .succeeds();
    let listed = place.run(&["key", "list", "--json"]).json();
    let id = listed["keys"][0]["kid"].as_str().unwrap().to_owned();
    place
        .run_after(umask, &["key", "export", &id, "--out", "out.jwk"])
        .succeeds();
    assert_eq!(place.mode("keys"), 0o700);
    assert_eq!(place.mode("keys/private"), 0o700);
    assert_eq!(place.mode("keys/keyring.json"), 0o600);
    assert_eq!(place.mode(&format!("keys/private/{id}.key")), 0o600);
    assert_eq!(place.mode("new.jwk"), 0o600);
    assert_eq!(place.mode("out.jwk"), 0o600);
}

#[test]
fn an_existing_file_is_not_overwritten_without_force() {
    let place = Place::with_keys("EdDSA");
    place.write("mine", "precious");
    place
        .run(&["key", "generate", "--out", "mine"])
        .fails(6, "file_exists");
    let listed = place.run(&["key", "list", "--json"]).json();
    let id = listed["keys"][0]["kid"].as_str().unwrap().to_owned();
    place
        .run(&["key", "export", &id, "--out", "mine"])
        .fails(6, "file_exists");
    assert_eq!(place.read("mine"), "precious");
    let before = place.read("keys/keyring.json");
    place.run(&["init"]).fails(6, "exists");
    assert_eq!(place.read("keys/keyring.json"), before);
    place
        .run(&["key", "generate", "--out", "mine", "--force"])
        .succeeds();
    assert_ne!(place.read("mine"), "precious");
    assert_eq!(place.mode("mine"), 0o600);
}

#[test]
fn a_missing_key_files_path_is_never_the_secret() {
    let place = Place::with_keys("HS256");
    let path = "no/such/file/but/long/enough/for/a/secret.pem";
    let jwk = serde_json::json!({ "kty": "oct", "alg": "HS256", "k": base64url(path.as_bytes()) });
    let key = SigningKey::from_jwk(jwk.to_string().as_bytes(), &ImportOptions::new()).unwrap();
    let minter = Minter::builder(key, "https://auth.example")
        .audience("orders-api")
        .build()
        .unwrap();
    let forged = minter.mint(&Claims::for_subject("root")).unwrap();
    let key = [
        "--key",
        path,
        "--alg",
        "HS256",
        "--iss",
        "https://auth.example",
        "--aud",
        "orders-api",
    ];
    place
        .run(&[&["verify", &forged][..], &key[..]].concat())
        .fails(6, "io")
        .says(&format!(
            "error[io]: cannot read {path}: there is no such file\n"
        ));
    place
        .run(&[&["verify", &forged][..], &["--key", "keys"], &key[2..]].concat())
        .fails(6, "io");
}

#[test]
fn the_second_line_of_standard_input_is_not_skipped_silently() {
    let place = Place::with_keys("EdDSA");
    let token = place.mint(&["--sub", "alice"]);
    place
        .feed(format!("{token}\n"), &["verify", "-"])
        .succeeds();
    place.feed(token.clone(), &["verify"]).succeeds();
    place.feed(format!("{token}\r\n"), &["verify"]).succeeds();
    for more in ["evil\n", "\n", " "] {
        let run = place
            .feed(format!("{token}\n{more}"), &["verify", "-"])
            .fails(1, "malformed");
        assert!(
            run.stderr()
                .contains("hint: there is more than one line; to verify each, give --lines\n")
        );
    }
    place
        .feed(format!(" {token}\n"), &["verify", "-"])
        .fails(1, "malformed");
    place.write("two", format!("{token}\n{token}\n"));
    place.run(&["verify", "@two"]).fails(1, "malformed");
    assert_eq!(
        place
            .run(&["verify", "--lines", "@two"])
            .succeeds()
            .stdout()
            .lines()
            .count(),
        2
    );
}

#[test]
fn verified_and_unverified_do_not_look_alike() {
    let place = Place::with_keys("EdDSA");
    let token = place.mint(&["--sub", "alice"]);
    let verified = place.run(&["verify", &token]).succeeds();
    let inspected = place.run(&["inspect", &token]).succeeds();
    assert!(
        verified.stderr().starts_with("VALID  EdDSA "),
        "{}",
        verified.stderr()
    );
    assert!(inspected.stderr().starts_with(
        "UNVERIFIED: anyone could have written this. Check it with: tokenwright verify TOKEN\n"
    ));
    assert_ne!(verified.stdout(), inspected.stdout());
    assert!(!inspected.stdout().starts_with('{'));
    let verified = place.run(&["verify", &token, "--json"]).succeeds().json();
    let inspected = place.run(&["inspect", &token, "--json"]).succeeds().json();
    assert_eq!(verified["valid"], true);
    assert_eq!(inspected["verified"], false);
    assert!(inspected.get("valid").is_none());
    assert_eq!(verified["claims"], inspected["claims"]);
    assert_eq!(inspected["header"]["alg"], "EdDSA");
}
