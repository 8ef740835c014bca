use super::*;

#[track_caller]
fn private_refused(text: &str) -> String {
    SigningKey::from_paserk(text).unwrap_err().to_string()
}

#[track_caller]
fn public_refused(text: &str) -> String {
    VerifyingKey::from_paserk(text).unwrap_err().to_string()
}

#[test]
fn every_kind_goes_out_and_comes_back() {
    for algorithm in [Algorithm::V4Public, Algorithm::V4Local] {
        let key = SigningKey::generate(algorithm).unwrap();
        let text = key.to_paserk().unwrap();
        let text = std::str::from_utf8(text.expose()).unwrap();
        let again = SigningKey::from_paserk(text).unwrap();
        assert_eq!(again.algorithm(), algorithm);
        assert_eq!(again.id(), key.id());
        assert_eq!(again.to_paserk().unwrap().expose(), text.as_bytes());
    }
    let key = SigningKey::generate(Algorithm::V4Public)
        .unwrap()
        .verifying_key();
    let text = key.to_paserk().unwrap();
    assert_eq!(VerifyingKey::from_paserk(&text).unwrap().id(), key.id());
}

#[test]
fn the_id_of_a_key_is_its_public_paserk_id() {
    let key = SigningKey::generate(Algorithm::V4Public).unwrap();
    assert_eq!(key.id().as_str(), key.verifying_key().paserk_id().unwrap());
    assert!(key.paserk_id().unwrap().starts_with("k4.sid."));
    let key = SigningKey::generate(Algorithm::V4Local).unwrap();
    assert_eq!(key.id().as_str(), key.paserk_id().unwrap());
}

#[test]
fn another_version_or_type_is_refused() {
    assert_eq!(
        private_refused("k3.local.cHFyc3R1dnd4eXp7fH1-f4CBgoOEhYaHiImKi4yNjo8"),
        "unsupported_key_type: a PASERK \"k3.local\" is not supported: k4.local, k4.secret and k4.public are"
    );
    assert_eq!(
        private_refused("k4.local-pw.AAAA"),
        "unsupported_key_type: a PASERK \"k4.local-pw\" is not supported: k4.local, k4.secret and k4.public are"
    );
    for text in [
        "",
        "k4",
        "k4.local",
        "K4.local.AAAA",
        "v4.local.AAAA",
        "{}",
        "k0.local.A",
    ] {
        assert_eq!(
            private_refused(text),
            "malformed_key: this is not a PASERK: it does not start with k4.local., k4.secret. or k4.public."
        );
    }
}

#[test]
fn the_length_and_the_spelling_are_exact() {
    assert_eq!(
        private_refused("k4.local.HFyc3R1dnd4eXp7fH1-f4CBgoOEhYaHiImKi4yNjo8"),
        "malformed_key: the PASERK after its header is not base64url: trailing bits are not zero"
    );
    assert_eq!(
        private_refused("k4.local.cHFyc3R1dnd4eXp7fH1-f4CBgoOEhYaHiImKi4yN"),
        "malformed_key: a k4.local key is 32 bytes long, here it has 30"
    );
}

#[test]
fn private_and_public_are_not_mixed_up() {
    let secret = "k4.secret.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA7aie8zrakLWKjqNAqbw1zZTIVdx3iQ6Y6wEihi1naKQ";
    assert_eq!(
        public_refused(secret),
        "private_key_given: a k4.secret was given where a public key is expected"
    );
    assert_eq!(
        private_refused("k4.public.cHFyc3R1dnd4eXp7fH1-f4CBgoOEhYaHiImKi4yNjo8"),
        "public_key_given: a k4.public was given where a private key is expected"
    );
}

#[test]
fn halves_that_disagree_are_refused() {
    let first = SigningKey::generate(Algorithm::V4Public).unwrap();
    let second = SigningKey::generate(Algorithm::V4Public).unwrap();
    let SecretMaterial::Ed25519 { seed, .. } = first.secret_material() else {
        panic!("a v4.public key is an Ed25519 key");
    };
    let foreign = second.verifying_key().as_paserk().unwrap();
    let mixed = [seed.expose(), foreign.bytes.expose()].concat();
    let mixed = Paserk::new(PaserkType::Secret, mixed.into()).unwrap();
    let text = mixed.text();
    assert_eq!(
        SigningKey::from_paserk(&text).unwrap_err().code(),
        "halves_mismatch"
    );
}

#[test]
fn jwt_keys_have_no_paserk_form() {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let refusal = "no_such_form: a key for EdDSA has no PASERK form: use a JWK or PEM";
    assert_eq!(key.to_paserk().unwrap_err().to_string(), refusal);
    assert_eq!(key.paserk_id().unwrap_err().to_string(), refusal);
    let key = key.verifying_key();
    assert_eq!(key.to_paserk().unwrap_err().to_string(), refusal);
}

/// The k4 cases of paseto-standard/paserk that are about plain keys and ids.
#[test]
fn the_public_vectors_hold() {
    let Some(folder) = std::env::var_os("TOKENWRIGHT_VECTORS") else {
        eprintln!("skipped: TOKENWRIGHT_VECTORS is not set");
        return;
    };
    let path = std::path::Path::new(&folder).join("paseto_paserk.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let mut ran = 0;
    for line in text.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let kind = match case["paserk_type"].as_str() {
            Some("k4.local" | "k4.lid") => PaserkType::Local,
            Some("k4.secret" | "k4.sid") => PaserkType::Secret,
            Some("k4.public" | "k4.pid") => PaserkType::Public,
            _ => continue,
        };
        ran += 1;
        let id = case["id"].as_str().unwrap();
        let wants_id = !kind
            .header()
            .starts_with(case["paserk_type"].as_str().unwrap());
        let key = case["key"].as_str().map(unhex);
        let written = case["paserk"].as_str();
        let made = key
            .clone()
            .and_then(|key| Paserk::new(kind, key.into()).ok())
            .map(|paserk| if wants_id { paserk.id() } else { paserk.text() });
        if case["expect"] == "accept" {
            assert_eq!(made.as_deref(), written, "{id}");
        } else if key.is_some() {
            assert_eq!(made, None, "{id}");
        }
        if wants_id {
            continue;
        }
        let read = written.and_then(|text| Paserk::parse(text).ok());
        match case["expect"].as_str() {
            Some("accept") => assert_eq!(read.unwrap().bytes.expose(), key.unwrap(), "{id}"),
            _ => assert!(read.is_none_or(|read| read.kind != kind), "{id}"),
        }
    }
    assert!(ran >= 15, "only {ran} cases were found");
    println!("{ran} PASERK cases held");
}

fn unhex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    let digits = pairs.map(|pair| std::str::from_utf8(pair).unwrap());
    digits
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}
