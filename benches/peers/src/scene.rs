//! One key, and tokens of one shape signed with it: the same for everybody.

use std::time::{SystemTime, UNIX_EPOCH};

use ring::rand::{SecureRandom, SystemRandom};
use tokenwright::key::{Algorithm, ImportOptions, SigningKey, VerifyingKey};
use tokenwright::{Claims, KeySet, Minter, Policy, SecretBytes, UnixTime, Verifier};

pub const ISSUER: &str = "https://auth.example/realms/shop";
pub const AUDIENCE: &str = "https://api.example/orders";
pub const SCOPE: &str = "orders:read orders:write cart:read";
/// How long tokens live: longer than a run takes.
pub const LIFETIME: u64 = 6 * 3600;

/// Tokens that take turns, so that no branch is learnt by heart.
const TOKENS: usize = 32;

/// A token of an EdDSA key as [`Scene::new`] makes it.
pub const EDDSA_TOKEN_BYTES: usize = 497;

/// What a token says: 8 claims, of which these differ.
#[derive(Clone, Debug)]
pub struct Says {
    pub subject: String,
    pub token_id: String,
    pub issued_at: u64,
}

impl Says {
    fn nth(number: usize, issued_at: u64) -> Self {
        Self {
            subject: format!("user-{:09}", 100_000_019 + number * 977),
            token_id: format!("{:022}", 1_234_567_891_234_u64 * (number as u64 + 7)),
            issued_at,
        }
    }

    pub fn expires_at(&self) -> u64 {
        self.issued_at + LIFETIME
    }

    pub fn ours(&self) -> Claims {
        Claims::for_subject(&*self.subject)
            .with_token_id(&*self.token_id)
            .with_not_before(UnixTime::from_seconds(self.issued_at as i64))
            .with_expiry(UnixTime::from_seconds(self.expires_at() as i64))
            .with_scope(SCOPE)
    }
}

/// What a verifier must say no to.
#[derive(Clone, Copy)]
pub struct Wrong {
    pub what: &'static str,
    pub token: &'static str,
}

/// A key, as the formats that others read, and tokens.
pub struct Scene {
    pub algorithm: Algorithm,
    pub private_pem: String,
    pub private_der: Vec<u8>,
    pub public_pem: String,
    pub public_der: Vec<u8>,
    pub secret: Vec<u8>,
    pub says: Vec<Says>,
    pub tokens: Vec<&'static str>,
    pub wrong: Vec<Wrong>,
}

impl Scene {
    /// A new key of this algorithm. It and its tokens stay until the program ends.
    pub fn new(algorithm: Algorithm) -> &'static Self {
        let mut scene = match secret_bytes(algorithm) {
            Some(length) => Self::symmetric(algorithm, length),
            None => Self::asymmetric(algorithm),
        };
        let now = now();
        scene.says = (0..TOKENS)
            .map(|number| Says::nth(number, now - 1))
            .collect();
        scene.tokens = scene
            .says
            .iter()
            .map(scene.minting(ISSUER, AUDIENCE))
            .collect();
        scene.wrong = scene.wrong_tokens(now);
        Box::leak(Box::new(scene))
    }

    fn asymmetric(algorithm: Algorithm) -> Self {
        // Any way of writing the key down will do; PASETO's own does not interest the others.
        let format = match algorithm {
            Algorithm::V4Public => Algorithm::EdDsa,
            other => other,
        };
        let key = SigningKey::generate(format).expect("a key");
        let private = key.to_pem().expect("PEM");
        Self {
            algorithm,
            private_pem: String::from_utf8(private.expose().to_vec()).expect("text"),
            private_der: key.to_der().expect("DER").expose().to_vec(),
            public_pem: key.verifying_key().to_pem().expect("PEM"),
            public_der: key.verifying_key().to_der().expect("DER"),
            secret: Vec::new(),
            says: Vec::new(),
            tokens: Vec::new(),
            wrong: Vec::new(),
        }
    }

    fn symmetric(algorithm: Algorithm, length: usize) -> Self {
        let mut secret = vec![0; length];
        SystemRandom::new().fill(&mut secret).expect("random bytes");
        Self {
            algorithm,
            private_pem: String::new(),
            private_der: Vec::new(),
            public_pem: String::new(),
            public_der: Vec::new(),
            secret,
            says: Vec::new(),
            tokens: Vec::new(),
            wrong: Vec::new(),
        }
    }

    /// So many different tokens of this key.
    pub fn many(&self, tokens: usize) -> Vec<&'static str> {
        let mint = self.minting(ISSUER, AUDIENCE);
        let now = now() - 1;
        (0..tokens)
            .map(|number| mint(&Says::nth(number, now)))
            .collect()
    }

    pub fn signing_key(&self) -> SigningKey {
        if self.secret.is_empty() {
            let options = ImportOptions::new().algorithm(self.algorithm);
            SigningKey::from_der(&self.private_der, &options).expect("our own key")
        } else {
            let secret = SecretBytes::from(self.secret.clone());
            SigningKey::from_secret(self.algorithm, secret).expect("our own key")
        }
    }

    /// The Ed25519 seed of an Ed25519 key (RFC 8410 section 7).
    pub fn seed(&self) -> [u8; 32] {
        self.private_der[16..48].try_into().expect("32 bytes")
    }

    /// With a key that has been read and vetted and has verified nothing.
    pub fn verifier(&self) -> Verifier {
        self.verifier_of(self.signing_key().verifying_key())
    }

    /// With a key that has its table, as one has that proved busy, if its kind has tables.
    pub fn busy_verifier(&self) -> Verifier {
        let key = self.signing_key().verifying_key();
        let _has_tables = key.warm();
        self.verifier_of(key)
    }

    fn verifier_of(&self, key: VerifyingKey) -> Verifier {
        Verifier::builder(KeySet::of([key]).expect("a key set"))
            .policy(Policy::new(ISSUER, AUDIENCE))
            .without_revocation()
            .build()
    }

    pub fn minter(&self, issuer: &str, audience: &str) -> Minter {
        Minter::builder(self.signing_key(), issuer)
            .audience(audience)
            .lifetime(std::time::Duration::from_secs(LIFETIME + 60))
            .build()
            .expect("a minter")
    }

    fn minting(&self, issuer: &str, audience: &str) -> impl Fn(&Says) -> &'static str + use<> {
        let minter = self.minter(issuer, audience);
        move |says| {
            let at = UnixTime::from_seconds(says.issued_at as i64);
            let options = tokenwright::MintOptions::new().at(at);
            let token = minter.mint_with(&says.ours(), options).expect("a token");
            Box::leak(token.into_boxed_str())
        }
    }

    /// Whoever accepts one of these checks less than we do.
    fn wrong_tokens(&self, now: u64) -> Vec<Wrong> {
        let mint = self.minting(ISSUER, AUDIENCE);
        let good = Says::nth(0, now - 1);
        let early = Says::nth(0, now + 3600);
        let late = Says::nth(0, now - LIFETIME - 3600);
        vec![
            Wrong {
                what: "a changed signature",
                token: tampered(self.tokens[0]),
            },
            Wrong {
                what: "an expired token",
                token: mint(&late),
            },
            Wrong {
                what: "a token that is not valid yet",
                token: mint(&early),
            },
            Wrong {
                what: "another issuer's token",
                token: self.minting("https://other.example", AUDIENCE)(&good),
            },
            Wrong {
                what: "a token for another audience",
                token: self.minting(ISSUER, "https://other.example")(&good),
            },
        ]
    }

    /// What is signed and its signature, both as bytes, of a JWT.
    pub fn signed(&self, number: usize) -> (Vec<u8>, Vec<u8>) {
        let (message, signature) = self.tokens[number].rsplit_once('.').expect("a JWT");
        (message.as_bytes().to_vec(), decode(signature))
    }

    pub fn claims_text(&self, number: usize) -> String {
        let payload = self.tokens[number].split('.').nth(1).expect("a JWT");
        String::from_utf8(decode(payload)).expect("text")
    }
}

/// Base64url without padding.
pub fn decode(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(text)
        .expect("base64url")
}

fn secret_bytes(algorithm: Algorithm) -> Option<usize> {
    match algorithm {
        Algorithm::Hs256 | Algorithm::V4Local => Some(32),
        Algorithm::Hs384 => Some(48),
        Algorithm::Hs512 => Some(64),
        _ => None,
    }
}

pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970")
        .as_secs()
}

/// Another character ten from the end of the part that holds the signature.
fn tampered(token: &str) -> &'static str {
    let signature = if token.starts_with("v4.") {
        2
    } else {
        token.split('.').count() - 1
    };
    let parts: Vec<String> = token
        .split('.')
        .enumerate()
        .map(|(part, text)| {
            let mut text = text.to_owned();
            if part == signature {
                let place = text.len() - 10;
                let other = if &text[place..=place] == "A" {
                    "B"
                } else {
                    "A"
                };
                text.replace_range(place..=place, other);
            }
            text
        })
        .collect();
    Box::leak(parts.join(".").into_boxed_str())
}
