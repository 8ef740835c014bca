//! Keys: made, locked, handed out, brought in.

use crate::place::Place;

const ALGORITHMS: [&str; 16] = [
    "EdDSA",
    "Ed25519",
    "ES256",
    "ES384",
    "ES512",
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "HS256",
    "HS384",
    "HS512",
    "v4.public",
    "v4.local",
];

fn only_key(place: &Place, store: &str) -> String {
    let listed = place
        .run(&["key", "list", "--json", "--store", store])
        .succeeds()
        .json();
    listed["keys"][0]["kid"].as_str().unwrap().to_owned()
}

#[test]
fn a_token_of_every_algorithm_is_minted_and_verified() {
    for algorithm in ALGORITHMS {
        let place = Place::with_keys(algorithm);
        let token = place.mint(&[
            "--sub",
            "alice",
            "--scope",
            "a b",
            "--sid",
            "s",
            "--claim",
            "n:=[1,{\"m\":null}]",
        ]);
        let claims = place
            .run(&["verify", &token, "--require", "sub,jti,sid"])
            .succeeds()
            .json();
        assert_eq!(claims["sub"], "alice");
        assert_eq!(claims["scope"], "a b");
        assert_eq!(
            claims["n"],
            serde_json::json!([1, {"m": null}]),
            "{algorithm}"
        );
        place
            .run(&["verify", &token, "--at", "now+1h"])
            .fails(3, "expired");
        let other = Place::with_keys(algorithm);
        let refused = other.run(&["verify", &token]);
        assert_eq!(
            (refused.code(), refused.stdout().as_str()),
            (1, ""),
            "{algorithm}"
        );
    }
}

#[test]
fn exported_keys_come_back_as_the_same_key() {
    for algorithm in ["EdDSA", "ES256", "RS256", "HS256", "v4.public", "v4.local"] {
        let place = Place::with_keys(algorithm);
        let id = only_key(&place, "keys");
        let token = place.mint(&["--sub", "alice"]);
        for form in ["jwk", "pem", "paserk"] {
            let run = place.run(&["key", "export", &id, "--to", form, "--out", form]);
            if run.code() != 0 {
                run.fails(6, "no_such_form");
                assert!(!place.path(form).exists());
                continue;
            }
            assert_eq!(place.mode(form), 0o600);
            let printed = place
                .run(&["key", "export", &id, "--to", form])
                .succeeds()
                .stdout();
            assert_eq!(printed, place.read(form));
            let thumbprint = place
                .run(&["key", "thumbprint", form, "--alg", algorithm])
                .succeeds()
                .stdout();
            assert_eq!(thumbprint.trim_end(), id, "{algorithm} {form}");
            let import = ["key", "import", form, "--alg", algorithm, "--store", form];
            // The file and the store would share a name.
            std::fs::rename(place.path(form), place.path("file")).unwrap();
            let import = [&import[..2], &["file"], &import[3..]].concat();
            place.run(&import).succeeds();
            let names = [
                "--iss",
                "https://auth.example",
                "--aud",
                "orders-api",
                "--store",
                form,
            ];
            // The new keyring's key may not have signed before it was there, so `iat` may be early.
            let again = place.run(&[&["verify", &token][..], &names].concat());
            assert!(
                again.code() == 0 || again.stderr().contains("outside_key_period"),
                "{}",
                again.stderr()
            );
        }
    }
}

#[test]
fn locked_keys_open_with_their_passphrase_only_and_passwd_changes_it() {
    for algorithm in ["EdDSA", "HS256"] {
        let place = Place::new();
        place.write("right", "correct horse\nsecond line is ignored\n");
        place.write("wrong", "battery staple\n");
        place.write("empty", "\n");
        place
            .run(&["init", "--alg", algorithm, "--passphrase-file", "empty"])
            .fails(6, "passphrase");
        place
            .run(&["init", "--alg", algorithm, "--passphrase-file", "right"])
            .succeeds();
        let id = only_key(&place, "keys");
        let file = format!("keys/private/{id}.key");
        let locked = place.read(&file);
        assert!(
            locked.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----")
                || locked.starts_with("eyJ")
        );
        place
            .run(&["mint", "--passphrase-file", "wrong"])
            .fails(6, "wrong_passphrase");
        let token = place.mint(&["--sub", "a", "--passphrase-file", "right"]);
        place
            .run(&["verify", &token, "--passphrase-file", "right"])
            .succeeds();
        let change = [
            "key",
            "passwd",
            "--new-passphrase-file",
            "wrong",
            "--passphrase-file",
        ];
        place
            .run(&[&change[..], &["wrong"]].concat())
            .fails(6, "wrong_passphrase");
        assert_eq!(place.read(&file), locked);
        place.run(&[&change[..], &["right"]].concat()).succeeds();
        assert_ne!(place.read(&file), locked);
        place
            .run(&["mint", "--passphrase-file", "right"])
            .fails(6, "wrong_passphrase");
        place.mint(&["--passphrase-file", "wrong"]);
        place
            .run(&["key", "passwd", "--remove", "--passphrase-file", "wrong"])
            .succeeds();
        place.mint(&[]);
        assert_eq!(place.mode(&file), 0o600);
        assert_eq!(only_key(&place, "keys"), id);
    }
}

#[test]
fn keys_of_the_other_kinds_can_be_locked_too() {
    for algorithm in ["RS256", "ES384", "v4.public", "v4.local"] {
        let place = Place::new();
        place.write("right", "correct horse");
        place
            .run(&["init", "--alg", algorithm, "--passphrase-file", "right"])
            .succeeds();
        place.mint(&["--passphrase-file", "right"]);
    }
}

#[test]
fn without_a_terminal_a_locked_key_asks_for_a_file() {
    let place = Place::new();
    place.write("right", "correct horse\n");
    place
        .run(&["init", "--passphrase-file", "right"])
        .succeeds();
    let mut command = place.shielded("setsid");
    let run = command
        .args(["--wait", crate::place::PROGRAM, "mint"])
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(6));
    assert_eq!(run.stdout, b"");
    assert_eq!(
        String::from_utf8(run.stderr).unwrap(),
        "error[passphrase]: a passphrase is needed and there is no terminal to ask on\n\
         hint: give --passphrase-file FILE\n"
    );
}

#[test]
fn the_published_set_has_no_secret_and_verifies_elsewhere() {
    for algorithm in ["EdDSA", "ES256", "PS384"] {
        let place = Place::with_keys(algorithm);
        let set = place.run(&["jwks"]).succeeds();
        let member = &set.json()["keys"][0];
        assert_eq!(member["alg"], algorithm);
        for secret in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(member.get(secret).is_none(), "{algorithm} {secret}");
        }
        place.write("set", set.stdout());
        let token = place.mint(&["--sub", "alice"]);
        let elsewhere = [
            "verify",
            &token,
            "--jwks",
            "set",
            "--iss",
            "https://auth.example",
            "--aud",
            "orders-api",
        ];
        place
            .run(&[&elsewhere[..], &["--store", "nowhere"]].concat())
            .succeeds();
        assert!(
            place
                .run(&["inspect", "@set"])
                .succeeds()
                .stdout()
                .starts_with("JWK set: 1 usable, 0 left out\n")
        );
        place.run(&elsewhere[..4]).fails(2, "usage");
    }
    let paseto = Place::with_keys("v4.public");
    assert!(
        paseto
            .run(&["jwks"])
            .succeeds()
            .stdout()
            .starts_with("k4.public.")
    );
    for algorithm in ["HS512", "v4.local"] {
        Place::with_keys(algorithm)
            .run(&["jwks"])
            .fails(6, "no_such_form");
    }
}

#[test]
fn an_empty_key_set_decides_nothing() {
    let place = Place::new();
    place.write("set", r#"{"keys":[]}"#);
    place
        .run(&["verify", "a.b.c", "--jwks", "set", "--iss", "i"])
        .fails(5, "keys_unavailable");
}

#[test]
fn a_second_key_is_published_before_it_signs() {
    let place = Place::with_keys("EdDSA");
    place
        .run(&["key", "generate", "--alg", "EdDSA", "--out", "next"])
        .succeeds();
    place.run(&["key", "import", "next"]).succeeds();
    let keys = place.run(&["key", "list", "--json"]).succeeds().json();
    let states: Vec<&str> = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["active", "pending"]);
    assert_eq!(
        place.run(&["jwks"]).succeeds().json()["keys"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    place.run(&["key", "generate", "--out", "third"]).succeeds();
    place
        .run(&["key", "import", "third"])
        .fails(6, "nothing_to_do");
    place
        .run(&["key", "import", "next"])
        .fails(6, "nothing_to_do");
    place
        .run(&["key", "generate", "--alg", "v4.public", "--out", "other"])
        .succeeds();
    let public = place
        .run(&["key", "public", &only_key(&place, "keys")])
        .succeeds()
        .stdout();
    place.write("public", public);
    place
        .run(&["key", "import", "public"])
        .fails(1, "public_key_given");
}
