//! Keys to and from the real `openssl` command.
//!
//! Without OpenSSL 3 these tests say so in one line; where `CI` is `true` that is a failure.
#![cfg(all(feature = "aws-lc", feature = "pem"))]

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tokenwright::SecretBytes;
use tokenwright::key::{Algorithm, ImportOptions, KeyError, SigningKey, VerifyingKey};

/// A folder that is gone when the test is over, and openssl working in it.
struct OpenSsl {
    folder: PathBuf,
}

impl OpenSsl {
    fn ready(test: &str) -> Option<Self> {
        let version = Command::new("openssl").arg("version").output();
        let version = version.map_or_else(
            |error| error.to_string(),
            |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        );
        if !version.starts_with("OpenSSL 3") {
            assert_ne!(
                std::env::var("CI").as_deref(),
                Ok("true"),
                "OpenSSL 3 is needed in CI, found: {version}"
            );
            println!("skipped: OpenSSL 3 is not installed ({version})");
            return None;
        }
        let folder = format!("tokenwright-openssl-{}-{test}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir(&folder).unwrap();
        Some(Self { folder })
    }

    /// Runs the command and returns what it printed; `None` when it failed.
    fn tried(&self, arguments: &str) -> Option<Vec<u8>> {
        let output = Command::new("openssl")
            .args(arguments.split_whitespace().map(OsStr::new))
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        output.status.success().then_some(output.stdout)
    }

    #[track_caller]
    fn run(&self, arguments: &str) -> Vec<u8> {
        let output = self.tried(arguments);
        output.unwrap_or_else(|| panic!("openssl {arguments} failed"))
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.folder.join(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.join(name)).unwrap()
    }
}

impl Drop for OpenSsl {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

const KINDS: [(Algorithm, &str); 5] = [
    (Algorithm::EdDsa, "-algorithm ED25519"),
    (
        Algorithm::Es256,
        "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
    ),
    (
        Algorithm::Es384,
        "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
    ),
    (
        Algorithm::Es512,
        "-algorithm EC -pkeyopt ec_paramgen_curve:P-521",
    ),
    (
        Algorithm::Rs256,
        "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
    ),
];

fn passphrase(words: &str) -> SecretBytes {
    words.as_bytes().to_vec().into()
}

#[track_caller]
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// Our public key of an imported private one must be what openssl derives.
#[track_caller]
fn same_key(openssl: &OpenSsl, file: &str, algorithm: Algorithm) -> SigningKey {
    let options = ImportOptions::new().algorithm(algorithm);
    let key = SigningKey::from_pem(&openssl.read(file), &options).unwrap();
    let public = text(openssl.run(&format!("pkey -in {file} -pubout")));
    assert_eq!(key.verifying_key().to_pem().unwrap(), public);
    let again = VerifyingKey::from_pem(public.as_bytes(), &options).unwrap();
    assert_eq!(again.id(), key.id());
    key
}

#[test]
fn keys_made_by_openssl_are_read() {
    let Some(openssl) = OpenSsl::ready("genpkey") else {
        return;
    };
    for (algorithm, kind) in KINDS {
        openssl.run(&format!("genpkey {kind} -out key.pem"));
        let key = same_key(&openssl, "key.pem", algorithm);
        assert_eq!(key.to_pem().unwrap().expose(), openssl.read("key.pem"));
        let options = ImportOptions::new().algorithm(algorithm);
        let document = openssl.run("pkcs8 -topk8 -nocrypt -in key.pem -outform DER");
        assert_eq!(key.to_der().unwrap().expose(), document);
        SigningKey::from_der(&document, &options).unwrap();
        // OpenSSL 3 writes SEC1 and PKCS#1 here.
        let document = openssl.run("pkey -in key.pem -outform DER");
        let again = SigningKey::from_der(&document, &options).unwrap();
        assert_eq!(again.id(), key.id());
        let public = openssl.run("pkey -in key.pem -pubout -outform DER");
        assert_eq!(key.verifying_key().to_der().unwrap(), public);
        VerifyingKey::from_der(&public, &options).unwrap();
    }
}

#[test]
fn keys_in_the_formats_of_older_tools_are_read() {
    let Some(openssl) = OpenSsl::ready("older") else {
        return;
    };
    for (algorithm, curve) in [
        (Algorithm::Es256, "prime256v1"),
        (Algorithm::Es384, "secp384r1"),
        (Algorithm::Es512, "secp521r1"),
    ] {
        // With the block EC PARAMETERS before the key, and without.
        openssl.run(&format!("ecparam -name {curve} -genkey -out key.pem"));
        assert!(
            openssl
                .read("key.pem")
                .starts_with(b"-----BEGIN EC PARAMETERS-----")
        );
        same_key(&openssl, "key.pem", algorithm);
        openssl.run(&format!(
            "ecparam -name {curve} -genkey -noout -out key.pem"
        ));
        assert!(
            openssl
                .read("key.pem")
                .starts_with(b"-----BEGIN EC PRIVATE KEY-----")
        );
        same_key(&openssl, "key.pem", algorithm);
    }
    openssl.run("genrsa -traditional -out key.pem 2048");
    assert!(
        openssl
            .read("key.pem")
            .starts_with(b"-----BEGIN RSA PRIVATE KEY-----")
    );
    let key = same_key(&openssl, "key.pem", Algorithm::Ps256);
    let public = openssl.run("rsa -in key.pem -RSAPublicKey_out");
    assert!(public.starts_with(b"-----BEGIN RSA PUBLIC KEY-----"));
    let options = ImportOptions::new().algorithm(Algorithm::Ps256);
    let public = VerifyingKey::from_pem(&public, &options).unwrap();
    assert_eq!(public.id(), key.id());
}

#[test]
fn keys_made_here_are_read_by_openssl() {
    let Some(openssl) = OpenSsl::ready("ours") else {
        return;
    };
    for (algorithm, _) in KINDS {
        let key = SigningKey::generate(algorithm).unwrap();
        let public = key.verifying_key().to_pem().unwrap();
        openssl.write("key.pem", key.to_pem().unwrap().expose());
        assert_eq!(text(openssl.run("pkey -in key.pem -pubout")), public);
        openssl.write("public.pem", public.as_bytes());
        assert_eq!(text(openssl.run("pkey -pubin -in public.pem")), public);
    }
}

#[test]
fn keys_locked_here_are_opened_by_openssl() {
    let Some(openssl) = OpenSsl::ready("lock") else {
        return;
    };
    let words = passphrase("correct horse");
    openssl.write("words", b"correct horse\n");
    openssl.write("wrong", b"correct horsf\n");
    for (algorithm, kind) in KINDS {
        let key = SigningKey::generate(algorithm).unwrap();
        let public = key.verifying_key().to_pem().unwrap();
        let locked = key.to_encrypted_pem(&words).unwrap();
        openssl.write("locked.pem", locked.as_bytes());
        let opened = text(openssl.run("pkey -in locked.pem -passin file:words -pubout"));
        assert_eq!(opened, public, "{kind}");
    }
    assert_eq!(
        openssl.tried("pkey -in locked.pem -passin file:wrong"),
        None
    );
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    openssl.write("locked.der", &key.to_encrypted_der(&words).unwrap());
    let opened = openssl.run("pkey -inform DER -in locked.der -passin file:words -pubout");
    assert_eq!(text(opened), key.verifying_key().to_pem().unwrap());
}

#[test]
fn keys_locked_by_openssl_are_opened() {
    let Some(openssl) = OpenSsl::ready("locked") else {
        return;
    };
    openssl.run("genpkey -algorithm ED25519 -out key.pem");
    let key = SigningKey::from_pem(&openssl.read("key.pem"), &ImportOptions::new()).unwrap();
    let words = passphrase("abc");
    let wrong = passphrase("abd");
    for lock in [
        "-v2 aes-256-cbc",
        "-v2 aes-128-cbc",
        "-v2 aes-256-cbc -v2prf hmacWithSHA512 -iter 100000",
        "-scrypt",
        "-scrypt -scrypt_N 16384 -scrypt_r 8 -scrypt_p 5",
    ] {
        openssl.run(&format!(
            "pkcs8 -topk8 -in key.pem -out locked.pem -passout pass:abc {lock}"
        ));
        let locked = openssl.read("locked.pem");
        let opened = SigningKey::from_pem(&locked, &ImportOptions::new().passphrase(&words));
        assert_eq!(opened.unwrap().id(), key.id(), "{lock}");
        let opened = SigningKey::from_pem(&locked, &ImportOptions::new().passphrase(&wrong));
        assert_eq!(opened.unwrap_err().code(), "wrong_passphrase", "{lock}");
    }
    for lock in [
        "-v2 des3",
        "-v1 PBE-SHA1-3DES",
        "-v2 aes-256-cbc -v2prf hmacWithSHA1",
    ] {
        openssl.run(&format!(
            "pkcs8 -topk8 -in key.pem -out locked.pem -passout pass:abc {lock}"
        ));
        let locked = openssl.read("locked.pem");
        let opened = SigningKey::from_pem(&locked, &ImportOptions::new().passphrase(&words));
        assert_eq!(
            opened.unwrap_err().code(),
            "unsupported_encryption",
            "{lock}"
        );
    }
    openssl.run("genrsa -traditional -aes128 -passout pass:abc -out old.pem 2048");
    let old = SigningKey::from_pem(&openssl.read("old.pem"), &ImportOptions::new());
    assert_eq!(old.unwrap_err().code(), "unsupported_encryption");
}

#[test]
fn keys_that_sign_none_of_our_tokens_are_refused() {
    let Some(openssl) = OpenSsl::ready("refused") else {
        return;
    };
    let refused = |command: &str, algorithm: Option<Algorithm>| -> KeyError {
        openssl.run(&format!("{command} -out key.pem"));
        let options = algorithm.map_or(ImportOptions::new(), |algorithm| {
            ImportOptions::new().algorithm(algorithm)
        });
        SigningKey::from_pem(&openssl.read("key.pem"), &options).unwrap_err()
    };
    let unsupported = |command: &str, detail: &str| {
        let expected = format!("unsupported_key_type: {detail}");
        assert_eq!(refused(command, None).to_string(), expected);
    };
    unsupported(
        "genpkey -algorithm X25519",
        "keys of the algorithm 1.3.101.110 sign none of our tokens",
    );
    unsupported(
        "genpkey -algorithm ED448",
        "keys of the algorithm 1.3.101.113 sign none of our tokens",
    );
    unsupported(
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1",
        "the curve 1.3.132.0.10 is not P-256, P-384 or P-521",
    );
    unsupported(
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit",
        "the EC key spells out its curve instead of naming it",
    );
    let rs256 = Some(Algorithm::Rs256);
    let weak = refused(
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024",
        rs256,
    );
    assert_eq!(weak.code(), "bad_modulus");
    let weak = "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_primes:3";
    assert_eq!(refused(weak, rs256).code(), "multi_prime");
    let nameless = refused("genpkey -algorithm RSA", None);
    assert_eq!(nameless.code(), "algorithm_needed");

    let pss = "genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048";
    assert_eq!(
        refused(pss, rs256).to_string(),
        "algorithm_mismatch: an RSA key for PSS only cannot be used for RS256"
    );
    let options = ImportOptions::new().algorithm(Algorithm::Ps384);
    SigningKey::from_pem(&openssl.read("key.pem"), &options).unwrap();
    let fixed = format!("{pss} -pkeyopt rsa_pss_keygen_md:sha256");
    assert_eq!(
        refused(&fixed, Some(Algorithm::Ps256)).code(),
        "unsupported_key_type"
    );
}

#[test]
fn a_compressed_point_is_refused() {
    let Some(openssl) = OpenSsl::ready("compressed") else {
        return;
    };
    openssl.run("ecparam -name prime256v1 -genkey -noout -out key.pem");
    let public = openssl.run("ec -in key.pem -pubout -conv_form compressed");
    let refused = VerifyingKey::from_pem(&public, &ImportOptions::new());
    assert_eq!(
        refused.unwrap_err().to_string(),
        "unsupported_key_type: the EC key has a compressed point; write it with an uncompressed one"
    );
}
