use super::*;

/// RFC 8037 appendix A.1.
const PRIVATE: &str = r#"{"kty":"OKP","crv":"Ed25519",
    "d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const PUBLIC: &str = r#"{"kty":"OKP","crv":"Ed25519",
    "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
/// RFC 7517 appendix A.1.
const EC: &str = r#"{"kty":"EC","crv":"P-256",
    "x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#;

/// A JWK with one member more.
fn with(jwk: &str, member: &str) -> String {
    let open = jwk.trim_end_matches('}');
    format!("{open},{member}}}")
}

#[track_caller]
fn public_refused(jwk: &str) -> String {
    let refused = VerifyingKey::from_jwk(jwk.as_bytes(), &ImportOptions::new());
    refused.unwrap_err().to_string()
}

#[track_caller]
fn private_refused(jwk: &str) -> String {
    let refused = SigningKey::from_jwk(jwk.as_bytes(), &ImportOptions::new());
    refused.unwrap_err().to_string()
}

#[track_caller]
fn public_accepted(jwk: &str) -> VerifyingKey {
    VerifyingKey::from_jwk(jwk.as_bytes(), &ImportOptions::new()).unwrap()
}

#[test]
fn ed25519_goes_out_and_comes_back() {
    let key = SigningKey::from_jwk(PRIVATE.as_bytes(), &ImportOptions::new()).unwrap();
    assert_eq!(key.algorithm(), Algorithm::EdDsa);
    // RFC 8037 appendix A.3.
    let thumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
    assert_eq!(key.id().as_str(), thumbprint);
    let written = key.to_jwk().unwrap();
    assert_eq!(
        std::str::from_utf8(written.expose()).unwrap(),
        format!(
            r#"{{"alg":"EdDSA","use":"sig","kid":"{thumbprint}","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}}"#
        )
    );
    let again = SigningKey::from_jwk(written.expose(), &ImportOptions::new()).unwrap();
    assert_eq!(again.to_jwk().unwrap(), written);

    let public = key.verifying_key().to_jwk().unwrap();
    assert!(!public.contains("\"d\""));
    assert_eq!(public_accepted(&public).to_jwk().unwrap(), public);
}

#[test]
fn the_fully_specified_name_of_ed25519_is_kept() {
    let key = public_accepted(&with(PUBLIC, r#""alg":"Ed25519""#));
    assert_eq!(key.algorithm(), Algorithm::Ed25519);
    assert!(key.to_jwk().unwrap().contains(r#""alg":"Ed25519""#));
    let asked = ImportOptions::new().algorithm(Algorithm::Ed25519);
    let key = VerifyingKey::from_jwk(PUBLIC.as_bytes(), &asked).unwrap();
    assert_eq!(key.algorithm(), Algorithm::Ed25519);
}

#[test]
fn a_private_jwk_where_a_public_one_is_expected_is_refused() {
    assert_eq!(
        public_refused(PRIVATE),
        "private_key_given: the JWK has the private member \"d\" where a public key is expected"
    );
    for member in PRIVATE_MEMBERS {
        let refused = public_refused(&with(PUBLIC, &format!(r#""{member}":null"#)));
        assert!(refused.starts_with("private_key_given: "), "{refused}");
    }
    let shared = r#"{"kty":"oct","alg":"HS256","k":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"}"#;
    assert!(public_refused(shared).starts_with("private_key_given: "));
}

#[test]
fn a_public_jwk_where_a_private_one_is_expected_is_refused() {
    assert_eq!(
        private_refused(PUBLIC),
        "public_key_given: the JWK has no \"d\": a public key was given where a private key is expected"
    );
}

#[test]
fn halves_that_do_not_belong_together_are_refused() {
    // RUSTSEC-2022-0093: signing with a foreign public half gives the private one away.
    let mixed = PRIVATE.replace("11qYAYKx", "22qYAYKx");
    let error = SigningKey::from_jwk(mixed.as_bytes(), &ImportOptions::new()).unwrap_err();
    assert!(
        ["halves_mismatch", "not_on_curve"].contains(&error.code()),
        "{error}"
    );
}

#[test]
fn every_member_must_have_its_type() {
    for (member, expected) in [
        (
            r#""alg":256"#,
            "bad_member: the JWK's \"alg\" is not a string",
        ),
        (
            r#""kid":1"#,
            "bad_member: the JWK's \"kid\" is not a string",
        ),
        (
            r#""kid":null"#,
            "bad_member: the JWK's \"kid\" is not a string",
        ),
        (
            r#""use":["sig"]"#,
            "bad_member: the JWK's \"use\" is not a string",
        ),
        (
            r#""key_ops":"verify""#,
            "bad_member: the JWK's \"key_ops\" is not an array",
        ),
        (
            r#""key_ops":["verify",1]"#,
            "bad_member: the JWK's \"key_ops\" holds something else than strings",
        ),
        (
            r#""key_ops":["verify","verif\u0079"]"#,
            "bad_member: the JWK's \"key_ops\" holds an operation twice",
        ),
        (r#""kid":"""#, "bad_key_id: \"\""),
    ] {
        assert_eq!(public_refused(&with(PUBLIC, member)), expected);
    }
    let many: Vec<String> = (0..40).map(|n| format!("\"{n}\"")).collect();
    assert_eq!(
        public_refused(&with(PUBLIC, &format!(r#""key_ops":[{}]"#, many.join(",")))),
        "bad_member: the JWK's \"key_ops\" holds too many operations"
    );
    let long = format!(r#""kid":"{}""#, "k".repeat(513));
    assert!(public_refused(&with(PUBLIC, &long)).starts_with("bad_key_id: "));
}

#[test]
fn the_kind_is_known_and_its_case_counts() {
    for kty in ["okp", "Okp", "ec", "XYZ", "OCT", ""] {
        let jwk = PUBLIC.replace("OKP", kty);
        assert_eq!(
            public_refused(&jwk),
            format!(
                "unsupported_key_type: the JWK's \"kty\" is \"{kty}\", which signs none of our tokens"
            )
        );
    }
    assert_eq!(
        public_refused("{}"),
        "missing_member: the JWK has no \"kty\""
    );
    assert_eq!(
        public_refused(&PUBLIC.replace("Ed25519", "X25519")),
        "unsupported_key_type: the JWK's \"crv\" is \"X25519\", which signs none of our tokens"
    );
    assert_eq!(
        public_refused(&EC.replace("P-256", "secp256k1")),
        "unsupported_key_type: the JWK's \"crv\" is \"secp256k1\", which signs none of our tokens"
    );
}

#[test]
fn coordinates_have_exactly_the_length_of_the_field() {
    let short = PUBLIC.replace("11qYAYKx", "11qY");
    assert_eq!(
        public_refused(&short),
        "bad_member: the JWK's \"x\" is 29 bytes long instead of 32"
    );
    let empty = r#"{"kty":"OKP","crv":"Ed25519","x":""}"#;
    assert_eq!(
        public_refused(empty),
        "bad_member: the JWK's \"x\" is 0 bytes long instead of 32"
    );
    let long = EC.replace("\"x\":\"MKBC", "\"x\":\"AAAAMKBC");
    assert_eq!(
        public_refused(&long),
        "bad_member: the JWK's \"x\" is 35 bytes long instead of 32"
    );
    let other = EC.replace("P-256", "P-384");
    assert_eq!(
        public_refused(&other),
        "bad_member: the JWK's \"x\" is 32 bytes long instead of 48"
    );
}

#[test]
fn only_one_spelling_of_base64url_is_read() {
    for spoilt in [
        PUBLIC.replace("URo\"", "URo=\""),
        PUBLIC.replace("URo\"", "URp\""),
        PUBLIC.replace("_7Ty", "/7Ty"),
        PUBLIC.replace("_7Ty", " 7Ty"),
    ] {
        let refused = public_refused(&spoilt);
        assert!(
            refused.starts_with("bad_member: the JWK's \"x\" is not base64url: "),
            "{refused}"
        );
    }
}

#[test]
fn rsa_numbers_have_no_leading_zeros() {
    let rsa = |n: &str, e: &str| format!(r#"{{"kty":"RSA","alg":"RS256","n":"{n}","e":"{e}"}}"#);
    assert_eq!(
        public_refused(&rsa("AMAB", "AQAB")),
        "bad_member: the JWK's \"n\" starts with a zero byte"
    );
    assert_eq!(
        public_refused(&rsa("wAAB", "AAEAAQ")),
        "bad_member: the JWK's \"e\" starts with a zero byte"
    );
    assert_eq!(
        public_refused(&rsa("wAAB", "")),
        "bad_member: the JWK's \"e\" is empty"
    );
    assert_eq!(
        public_refused(r#"{"kty":"RSA","alg":"RS256","n":"wAAB"}"#),
        "missing_member: the JWK has no \"e\""
    );
    assert_eq!(
        public_refused(r#"{"kty":"RSA","n":"wAAB","e":"AQAB"}"#),
        "algorithm_needed: an RSA key does not say its algorithm: choose RS256, PS256 or another RSA algorithm"
    );
    assert_eq!(
        private_refused(r#"{"kty":"RSA","alg":"RS256","n":"wAAB","e":"AQAB","d":"AQ"}"#),
        "missing_member: the JWK has no \"p\""
    );
    assert_eq!(
        private_refused(r#"{"kty":"RSA","alg":"RS256","n":"wAAB","e":"AQAB","d":"AQ","oth":[]}"#),
        "multi_prime: an RSA key of more than two primes is not supported"
    );
}

#[test]
fn the_use_is_signing() {
    assert_eq!(
        public_refused(&with(PUBLIC, r#""use":"enc""#)),
        "use_mismatch: the JWK's \"use\" is \"enc\", a signature key's is \"sig\""
    );
    assert!(public_refused(&with(PUBLIC, r#""use":"Sig""#)).starts_with("use_mismatch: "));
    public_accepted(&with(PUBLIC, r#""use":"sig""#));
}

#[test]
fn the_operations_allow_what_the_key_is_for() {
    assert_eq!(
        public_refused(&with(PUBLIC, r#""key_ops":["sign"]"#)),
        "key_ops_mismatch: the JWK's \"key_ops\" do not allow \"verify\""
    );
    assert_eq!(
        public_refused(&with(PUBLIC, r#""key_ops":[]"#)),
        "key_ops_mismatch: the JWK's \"key_ops\" do not allow \"verify\""
    );
    assert_eq!(
        public_refused(&with(
            PUBLIC,
            r#""use":"sig","key_ops":["verify","encrypt"]"#
        )),
        "key_ops_mismatch: the JWK's \"key_ops\" allow \"encrypt\" beside \"verify\""
    );
    assert_eq!(
        private_refused(&with(PRIVATE, r#""key_ops":["verify"]"#)),
        "key_ops_mismatch: the JWK's \"key_ops\" do not allow \"sign\""
    );
    public_accepted(&with(PUBLIC, r#""key_ops":["verify","sign","x-other"]"#));
    let private = with(PRIVATE, r#""key_ops":["sign"]"#);
    SigningKey::from_jwk(private.as_bytes(), &ImportOptions::new()).unwrap();
}

#[test]
fn the_algorithm_fits_the_key_and_the_question() {
    assert_eq!(
        public_refused(&with(EC, r#""alg":"ES384""#)),
        "algorithm_mismatch: a P-256 key cannot be used for ES384"
    );
    assert_eq!(
        public_refused(&with(EC, r#""alg":"EdDSA""#)),
        "algorithm_mismatch: a P-256 key cannot be used for EdDSA"
    );
    assert_eq!(
        public_refused(&with(PUBLIC, r#""alg":"none""#)),
        "unsupported_algorithm: \"none\""
    );
    assert_eq!(
        public_refused(&with(PUBLIC, r#""alg":"eddsa""#)),
        "unsupported_algorithm: \"eddsa\""
    );
    let asked = ImportOptions::new().algorithm(Algorithm::Ed25519);
    let jwk = with(PUBLIC, r#""alg":"EdDSA""#);
    assert_eq!(
        VerifyingKey::from_jwk(jwk.as_bytes(), &asked)
            .unwrap_err()
            .to_string(),
        "algorithm_mismatch: the key says it is for EdDSA, but Ed25519 was asked for"
    );
}

#[test]
fn paseto_keys_have_no_jwk_form() {
    let asked = ImportOptions::new().algorithm(Algorithm::V4Public);
    let refusal = "no_such_form: a key for v4.public has no JWK form: use PASERK";
    let error = VerifyingKey::from_jwk(PUBLIC.as_bytes(), &asked).unwrap_err();
    assert_eq!(error.to_string(), refusal);
    let error = SigningKey::from_jwk(PRIVATE.as_bytes(), &asked).unwrap_err();
    assert_eq!(error.to_string(), refusal);
    assert_eq!(
        public_refused(&with(PUBLIC, r#""alg":"v4.public""#)),
        refusal
    );
    #[cfg(feature = "paseto")]
    for algorithm in [Algorithm::V4Public, Algorithm::V4Local] {
        let key = SigningKey::generate(algorithm).unwrap();
        assert_eq!(key.to_jwk().unwrap_err().code(), "no_such_form");
        let public = key.verifying_key().to_jwk();
        assert_eq!(public.unwrap_err().code(), "no_such_form");
    }
}

#[test]
fn only_one_strict_json_object_is_read() {
    for text in [
        "",
        "[]",
        "null",
        "{",
        "{}{}",
        r#"{"kty":"OKP","kty":"OKP"}"#,
        r#"{"kty":"OKP","\u006bty":"OKP"}"#,
        "\u{feff}{}",
    ] {
        let refused = public_refused(text);
        assert!(
            refused.starts_with("malformed_key: this is not a JWK: "),
            "{refused}"
        );
    }
    let nested = format!("{{\"x\":{}", "[".repeat(100_000));
    assert!(public_refused(&nested).starts_with("key_too_long: "));
    let nested = format!("{{\"x\":{}", "[".repeat(10_000));
    assert!(public_refused(&nested).starts_with("malformed_key: "));
}

#[test]
fn members_that_are_no_business_of_ours_are_ignored() {
    public_accepted(&with(
        PUBLIC,
        r#""x5c":[7],"x5u":"http://169.254.169.254/","exp":"never","ext":true"#,
    ));
}

#[test]
fn a_hostile_key_id_is_escaped_where_it_is_written() {
    let key = public_accepted(&with(PUBLIC, r#""kid":"a\"},\u0000\n{""#));
    assert_eq!(key.id().as_str(), "a\"},\u{0}\n{");
    let again = public_accepted(&key.to_jwk().unwrap());
    assert_eq!(again.id(), key.id());
}
