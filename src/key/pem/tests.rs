use super::*;
use crate::key::Algorithm;

/// RFC 8410 section 10.3, without and with attributes and public key.
const ED25519: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";
const ED25519_V2: &str = "-----BEGIN PRIVATE KEY-----
MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB
Z9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PRIVATE KEY-----
";
/// RFC 8410 section 10.1.
const ED25519_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
";

fn options() -> ImportOptions<'static> {
    ImportOptions::new()
}

#[track_caller]
fn private_refused(pem: &str) -> String {
    let refused = SigningKey::from_pem(pem.as_bytes(), &options());
    refused.unwrap_err().to_string()
}

#[track_caller]
fn public_refused(pem: &str) -> String {
    let refused = VerifyingKey::from_pem(pem.as_bytes(), &options());
    refused.unwrap_err().to_string()
}

/// The DER bytes inside a PEM text.
fn inside(pem: &str) -> Vec<u8> {
    open_armour(pem.as_bytes()).unwrap().to_vec()
}

fn passphrase(words: &str) -> SecretBytes {
    words.as_bytes().to_vec().into()
}

#[test]
fn the_examples_of_rfc_8410_are_one_key() {
    let private = SigningKey::from_pem(ED25519.as_bytes(), &options()).unwrap();
    assert_eq!(private.algorithm(), Algorithm::EdDsa);
    let longer = SigningKey::from_pem(ED25519_V2.as_bytes(), &options()).unwrap();
    let public = VerifyingKey::from_pem(ED25519_PUBLIC.as_bytes(), &options()).unwrap();
    assert_eq!(private.id(), public.id());
    assert_eq!(longer.id(), public.id());
    assert_eq!(public.to_pem().unwrap(), ED25519_PUBLIC);
    assert_eq!(private.to_pem().unwrap().expose(), ED25519.as_bytes());
    let windows = ED25519.replace('\n', "\r\n");
    assert!(SigningKey::from_pem(windows.as_bytes(), &options()).is_ok());
}

#[test]
fn the_caller_says_what_an_ed25519_key_is_for() {
    let asked = options().algorithm(Algorithm::Ed25519);
    let key = SigningKey::from_pem(ED25519.as_bytes(), &asked).unwrap();
    assert_eq!(key.algorithm(), Algorithm::Ed25519);
    let asked = options().algorithm(Algorithm::Es256);
    let error = SigningKey::from_pem(ED25519.as_bytes(), &asked).unwrap_err();
    assert_eq!(
        error.to_string(),
        "algorithm_mismatch: an Ed25519 key cannot be used for ES256"
    );
    let asked = options().algorithm(Algorithm::Hs256);
    let error = VerifyingKey::from_pem(ED25519_PUBLIC.as_bytes(), &asked).unwrap_err();
    assert_eq!(
        error.to_string(),
        "algorithm_mismatch: an Ed25519 key cannot be used for HS256"
    );
}

#[test]
fn a_public_half_that_does_not_belong_is_refused() {
    let mut document = inside(ED25519_V2);
    *document.last_mut().unwrap() ^= 1;
    assert!(SigningKey::from_der(&document, &options()).is_err());
}

#[test]
fn private_and_public_are_not_mixed_up() {
    assert_eq!(
        public_refused(ED25519),
        "private_key_given: a private key was given where a public key is expected"
    );
    assert_eq!(
        private_refused(ED25519_PUBLIC),
        "public_key_given: a public key was given where a private key is expected"
    );
}

#[test]
fn only_one_block_of_strict_pem_is_read() {
    for (text, expected) in [
        (
            format!(" {ED25519}"),
            "malformed_key: a PEM key starts with \"-----BEGIN\", with nothing before it",
        ),
        (
            format!("\u{feff}{ED25519}"),
            "malformed_key: a PEM key starts with \"-----BEGIN\", with nothing before it",
        ),
        (
            format!("{ED25519}{ED25519}"),
            "malformed_key: the PEM text holds more than one block",
        ),
        (
            ED25519.replace("BEGIN PRIVATE", "BEGIN PUBLIC"),
            "malformed_key: the PEM text is not well-formed: PEM error in post-encapsulation boundary",
        ),
        (
            ED25519.replace("PRIVATE KEY", "PUBLIC KEY"),
            "malformed_key: the PEM block \"PUBLIC KEY\" holds something else than its label says",
        ),
        (
            ED25519.replace("PRIVATE KEY", "RSA PRIVATE KEY"),
            "malformed_key: the PEM block \"RSA PRIVATE KEY\" holds something else than its label says",
        ),
        (
            ED25519.replace("PRIVATE KEY", "CERTIFICATE"),
            "unsupported_key_type: a PEM block \"CERTIFICATE\" is no key of ours; take the key out with \"openssl x509 -pubkey -noout\"",
        ),
        (
            ED25519.replace("PRIVATE KEY", "OPENSSH PRIVATE KEY"),
            "unsupported_key_type: a PEM block \"OPENSSH PRIVATE KEY\" is no key of ours; convert it with \"ssh-keygen -p -m PKCS8\"",
        ),
        (
            ED25519.replace("MC4C", "Proc-Type: 4,ENCRYPTED\n\nMC4C"),
            "unsupported_encryption: the PEM block has headers, as the old PEM encryption writes them; convert it with \"openssl pkcs8 -topk8\"",
        ),
    ] {
        assert_eq!(private_refused(&text), expected, "{text}");
    }
    for text in [
        String::new(),
        format!("{ED25519}trailing"),
        format!("{ED25519}\n\n"),
        ED25519.replace("MC4C", "MC4 C"),
        ED25519.replace("MC4C", "MC4_"),
        ED25519.replace("-----END", "----END"),
        ED25519
            .trim_end_matches("-----END PRIVATE KEY-----\n")
            .to_owned(),
    ] {
        let refused = private_refused(&text);
        assert!(refused.starts_with("malformed_key: "), "{text}: {refused}");
    }
    let long = format!("-----BEGIN {}", "A".repeat(MAX_PEM_BYTES));
    assert_eq!(
        private_refused(&long),
        "key_too_long: a PEM key is at most 65536 bytes long"
    );
}

#[test]
fn der_ends_where_the_key_ends_and_truncation_is_seen() {
    let document = inside(ED25519);
    SigningKey::from_der(&document, &options()).unwrap();
    let longer = [&*document, &[0]].concat();
    let error = SigningKey::from_der(&longer, &options()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "malformed_key: this is not a DER key: trailing data at end of DER message: decoded 48 bytes, 1 bytes remaining at DER byte 48"
    );
    for length in 0..document.len() {
        let cut = SigningKey::from_der(&document[..length], &options());
        assert_eq!(cut.unwrap_err().code(), "malformed_key");
    }
    let long = vec![0x30; MAX_PEM_BYTES + 1];
    let error = VerifyingKey::from_der(&long, &options()).unwrap_err();
    assert_eq!(error.code(), "key_too_long");
    // An empty SEQUENCE is DER, and no key.
    let error = VerifyingKey::from_der(&[0x30, 0], &options()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unsupported_key_type: the DER document is none of SPKI, PKCS#8, SEC1 and PKCS#1"
    );
}

#[test]
fn every_changed_byte_is_refused_or_another_key() {
    let document = inside(ED25519);
    let id = SigningKey::from_der(&document, &options()).unwrap();
    for place in 0..document.len() {
        let mut changed = document.clone();
        changed[place] ^= 0x10;
        if let Ok(other) = SigningKey::from_der(&changed, &options()) {
            assert_ne!(other.id(), id.id(), "byte {place}");
        }
    }
}

#[test]
fn a_locked_key_opens_with_its_passphrase_only() {
    let key = SigningKey::from_pem(ED25519.as_bytes(), &options()).unwrap();
    let right = passphrase("correct horse");
    let locked = key.to_encrypted_pem(&right).unwrap();
    assert!(locked.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    let opened = SigningKey::from_pem(locked.as_bytes(), &options().passphrase(&right));
    assert_eq!(opened.unwrap().id(), key.id());
    assert_eq!(
        private_refused(&locked),
        "passphrase_needed: the key is locked and no passphrase was given"
    );
    for wrong in ["", "correct horsf", "correct horse "] {
        let wrong = passphrase(wrong);
        let refused = SigningKey::from_pem(locked.as_bytes(), &options().passphrase(&wrong));
        assert_eq!(
            refused.unwrap_err().to_string(),
            "wrong_passphrase: the passphrase does not open this key"
        );
    }
    let error = key.to_encrypted_pem(&passphrase("")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "passphrase_needed: an empty passphrase locks nothing"
    );
    assert_ne!(key.to_encrypted_der(&right).unwrap(), inside(&locked));
}

/// What the limits are for: the numbers stand in the file, before any proof.
#[test]
fn a_lock_that_costs_too_much_is_refused_before_any_work() {
    use pkcs8::der::Encode as _;
    use pkcs8::pkcs5::pbes2::{EncryptionScheme, Parameters, Pbkdf2Params, Salt, ScryptParams};
    let locked = |kdf: pkcs8::pkcs5::pbes2::Kdf| {
        let data = pkcs8::der::asn1::OctetStringRef::new(&[7; 48]).unwrap();
        let encryption = EncryptionScheme::Aes256Cbc { iv: [0; 16] };
        pkcs8::EncryptedPrivateKeyInfo {
            encryption_algorithm: Parameters { kdf, encryption }.into(),
            encrypted_data: data,
        }
        .to_der()
        .unwrap()
    };
    let scrypt = |cost_parameter, block_size, parallelization| {
        ScryptParams {
            salt: Salt::new([1; 16]).unwrap(),
            cost_parameter,
            block_size,
            parallelization,
            key_length: None,
        }
        .into()
    };
    let words = passphrase("x");
    let opened = |document: &[u8]| {
        let refused = SigningKey::from_der(document, &options().passphrase(&words));
        refused.unwrap_err().to_string()
    };
    for costly in [
        scrypt(1 << 63, 8, 1),
        scrypt(1 << 20, 8, 1),
        scrypt(1 << 14, 8, u16::MAX),
        scrypt(1 << 10, u16::MAX, u16::MAX),
        Pbkdf2Params::hmac_sha256(100_000_000, &[1; 16])
            .unwrap()
            .into(),
    ] {
        let refused = opened(&locked(costly));
        assert!(refused.starts_with("too_costly: "), "{refused}");
    }
    assert_eq!(
        opened(&locked(
            Pbkdf2Params::hmac_sha256(3_000_001, &[1; 16])
                .unwrap()
                .into()
        )),
        "too_costly: the lock asks for 3000001 rounds of PBKDF2, at most 3000000 are done"
    );
    for senseless in [
        scrypt(0, 8, 1),
        scrypt(1, 8, 1),
        scrypt(1000, 8, 1),
        scrypt(1 << 14, 0, 1),
        scrypt(1 << 14, 8, 0),
        Pbkdf2Params::hmac_sha256(0, &[1; 16]).unwrap().into(),
    ] {
        let refused = opened(&locked(senseless));
        assert!(refused.starts_with("malformed_key: "), "{refused}");
    }
}

#[test]
fn a_shared_secret_has_no_pem_form() {
    #[cfg(feature = "paseto")]
    {
        let key = SigningKey::generate(Algorithm::V4Local).unwrap();
        let refusal =
            "no_such_form: a shared secret has no PEM or DER form: write it as a JWK or as PASERK";
        assert_eq!(key.to_pem().unwrap_err().to_string(), refusal);
        assert_eq!(key.to_der().unwrap_err().to_string(), refusal);
        let words = passphrase("x");
        assert_eq!(
            key.to_encrypted_pem(&words).unwrap_err().to_string(),
            refusal
        );
        assert_eq!(
            key.verifying_key().to_pem().unwrap_err().to_string(),
            "no_such_form: a shared secret has no public form"
        );
        let asked = options().algorithm(Algorithm::V4Public);
        let key = SigningKey::from_pem(ED25519.as_bytes(), &asked).unwrap();
        assert_eq!(key.algorithm(), Algorithm::V4Public);
        assert_eq!(key.to_pem().unwrap().expose(), ED25519.as_bytes());
    }
    let error = der::write_pkcs8(&SecretMaterial::Symmetric(passphrase("x"))).unwrap_err();
    assert_eq!(error.code(), "no_such_form");
}

#[cfg(feature = "aws-lc")]
mod with_aws_lc {
    use super::*;

    /// A P-256 key whose `AlgorithmIdentifier` or inner structure is written by hand.
    fn sec1(parameters: &[u8], scalar: &[u8]) -> Vec<u8> {
        let inner = [&[2, 1, 1, 4, scalar.len() as u8], scalar, parameters].concat();
        [&[0x30, inner.len() as u8], &*inner].concat()
    }

    const P256: [u8; 10] = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    const SECP256K1: [u8; 7] = [6, 5, 0x2b, 0x81, 4, 0, 0x0a];

    #[test]
    fn every_kind_goes_out_and_comes_back() {
        for algorithm in [
            Algorithm::Es256,
            Algorithm::Es384,
            Algorithm::Es512,
            Algorithm::Rs256,
            Algorithm::Ps256,
        ] {
            let key = SigningKey::generate(algorithm).unwrap();
            let asked = options().algorithm(algorithm);
            let pem = key.to_pem().unwrap();
            let again = SigningKey::from_pem(pem.expose(), &asked).unwrap();
            assert_eq!(again.id(), key.id());
            assert_eq!(again.to_pem().unwrap(), pem);
            assert_eq!(again.to_jwk().unwrap(), key.to_jwk().unwrap());
            let public = key.verifying_key().to_pem().unwrap();
            let again = VerifyingKey::from_pem(public.as_bytes(), &asked).unwrap();
            assert_eq!(again.id(), key.id());
            assert_eq!(again.to_pem().unwrap(), public);
            let jwk = SigningKey::from_jwk(key.to_jwk().unwrap().expose(), &options()).unwrap();
            assert_eq!(jwk.to_pem().unwrap(), pem);
        }
    }

    #[test]
    fn no_changed_or_cut_document_panics() {
        for algorithm in [Algorithm::Es256, Algorithm::Es512, Algorithm::Rs256] {
            let key = SigningKey::generate(algorithm).unwrap();
            let private = key.to_der().unwrap();
            let public = key.verifying_key().to_der().unwrap();
            let mut refused = 0;
            for document in [private.expose(), &*public] {
                for place in 0..document.len() {
                    let mut changed = document.to_vec();
                    changed[place] ^= 0x81;
                    refused += usize::from(der::read_secret(&changed).is_err());
                    refused += usize::from(der::read_public(&changed).is_err());
                    assert!(der::read_secret(&document[..place]).is_err());
                    assert!(der::read_public(&document[..place]).is_err());
                }
            }
            // Each document is read as one of the two only.
            assert!(refused >= private.len() + public.len());
        }
    }

    #[test]
    fn an_rsa_key_needs_its_algorithm() {
        let key = SigningKey::generate(Algorithm::Rs256).unwrap();
        let pem = key.verifying_key().to_pem().unwrap();
        assert_eq!(
            public_refused(&pem),
            "algorithm_needed: an RSA key does not say its algorithm: choose RS256, PS256 or another RSA algorithm"
        );
        let asked = options().algorithm(Algorithm::Hs256);
        let error = VerifyingKey::from_pem(pem.as_bytes(), &asked).unwrap_err();
        assert_eq!(
            error.to_string(),
            "algorithm_mismatch: an RSA key cannot be used for HS256"
        );
    }

    #[test]
    fn a_sec1_key_names_its_curve_once() {
        let named = |curve: &[u8]| [&[0xa0, curve.len() as u8], curve].concat();
        let refused = |document: &[u8]| {
            let refused = SigningKey::from_der(document, &options());
            refused.unwrap_err().to_string()
        };
        let key = SigningKey::from_der(&sec1(&named(&P256), &[7; 32]), &options()).unwrap();
        assert_eq!(key.algorithm(), Algorithm::Es256);
        assert_eq!(
            refused(&sec1(&named(&SECP256K1), &[7; 32])),
            "unsupported_key_type: the curve 1.3.132.0.10 is not P-256, P-384 or P-521"
        );
        assert_eq!(
            refused(&sec1(&[], &[7; 32])),
            "malformed_key: the EC private key does not name its curve"
        );
        assert_eq!(
            refused(&sec1(&named(&P256), &[7; 31])),
            "malformed_key: the scalar of this EC private key is 32 bytes long, here it has 31"
        );
    }

    #[test]
    fn a_point_is_whole_and_of_the_right_length() {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let document = key.verifying_key().to_der().unwrap();
        let start = document.len() - 65;
        let point = |length: usize, first: u8| {
            let mut short = document[..start + length].to_vec();
            short[start] = first;
            short[1] = (short.len() - 2) as u8;
            short[start - 2] = (length + 1) as u8;
            let refused = VerifyingKey::from_der(&short, &options());
            refused.unwrap_err().to_string()
        };
        assert_eq!(
            point(33, 2),
            "unsupported_key_type: the EC key has a compressed point; write it with an uncompressed one"
        );
        assert_eq!(
            point(64, 4),
            "malformed_key: the point of this EC key is 64 bytes long, here it has 63"
        );
        assert_eq!(point(1, 0), "malformed_key: the EC key has no point");
        assert_eq!(point(65, 5), "malformed_key: the EC key has no point");
    }

    #[test]
    fn other_algorithms_are_named() {
        // X25519 in an SPKI, one digit beside Ed25519.
        let mut document = inside(ED25519_PUBLIC);
        document[8] = 0x6e;
        let error = VerifyingKey::from_der(&document, &options()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "unsupported_key_type: keys of the algorithm 1.3.101.110 sign none of our tokens"
        );
    }
}
