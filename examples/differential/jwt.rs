//! JWTs: one case, our verdict and jsonwebtoken's.

use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm as Theirs, DecodingKey, Validation};
use serde_json::Value;
use tokenwright::key::{Algorithm, ImportOptions, SigningKey, VerifyingKey};
use tokenwright::{KeySet, Policy, Presented, Scratch, UnixTime, Verifier};

use crate::draft::Draft;
use crate::forge::{Forge, decode, encode};
use crate::jwt_text::{claims, common_value, odd_claim, odd_header};
use crate::mangle::mangle;
use crate::random::{Dice, SeededEntropy};
use crate::verdict::{AUDIENCE, Case, ISSUER, LEEWAY, Verdict, caught};

const ALGORITHMS: [(Algorithm, Theirs); 8] = [
    (Algorithm::Hs256, Theirs::HS256),
    (Algorithm::Hs384, Theirs::HS384),
    (Algorithm::Hs512, Theirs::HS512),
    (Algorithm::Es256, Theirs::ES256),
    (Algorithm::Es384, Theirs::ES384),
    (Algorithm::Rs256, Theirs::RS256),
    (Algorithm::Ps256, Theirs::PS256),
    (Algorithm::EdDsa, Theirs::EdDSA),
];

/// A key, both libraries' view of it, and the forge that signs with it.
struct Member {
    algorithm: Algorithm,
    theirs: Theirs,
    forge: Forge,
    verifier: Verifier,
    decoding: DecodingKey,
    /// What the verifier is given: a public JWK, or a shared secret.
    jwk: Draft,
    /// One honest token, for changes that need no new signature.
    honest: String,
}

pub(crate) struct JwtCases {
    members: Vec<Member>,
    /// The public halves as texts: what a confused verifier would take for a secret.
    publics: Vec<String>,
}

impl JwtCases {
    pub(crate) fn new(seed: u64) -> Self {
        let entropy = SeededEntropy::new(seed);
        let mut rsa: Option<Vec<u8>> = None;
        let mut members = Vec::new();
        for (algorithm, theirs) in ALGORITHMS {
            let key = match (algorithm, &rsa) {
                // Primes take long to find, and an RSA key serves both algorithms here.
                (Algorithm::Ps256, Some(document)) => from_der(document, algorithm),
                _ => SigningKey::generate_with(algorithm, &entropy).expect("a key"),
            };
            if algorithm == Algorithm::Rs256 {
                rsa = Some(key.to_der().expect("DER").expose().to_vec());
            }
            members.push(Member::new(key, theirs));
        }
        let publics = members.iter().map(|member| member.jwk.plain()).collect();
        Self { members, publics }
    }

    /// A token, rightly or wrongly signed, for a key that both sides hold.
    pub(crate) fn token(&self, dice: &mut Dice, now: i64) -> Case {
        let member = self.member(dice);
        let mut token = if dice.once_in(if is_rsa(member.algorithm) { 60 } else { 2 }) {
            self.signed(member, dice, now)
        } else {
            member.honest_at(now, dice)
        };
        if dice.once_in(2) {
            token = mangle(&token, dice);
        }
        let ours = caught(|| judge(&member.verifier, &token, now));
        let theirs = caught(|| ask(&token, &member.decoding, member.theirs));
        Case::new("JWT", token, None, now, ours, theirs)
    }

    /// An honest token, and a key that is changed before both sides read it.
    pub(crate) fn key(&self, dice: &mut Dice, now: i64) -> Case {
        let member = self.member(dice);
        let mut jwk = member.jwk.clone();
        let signature = member.change_key(&mut jwk, dice);
        let text = jwk.text(dice);
        let token = match signature {
            Signature::Honest => member.honest_at(now, dice),
            Signature::Secret(secret) => Forge::with_secret(member.algorithm, &secret)
                .jws(member.header(), claims(now).plain()),
            Signature::Identity => {
                let honest = member.honest_at(now, dice);
                let input = honest.rsplit_once('.').map_or("", |(input, _)| input);
                let mut signature = vec![0; 64];
                signature[0] = 1;
                format!("{input}.{}", encode(&signature))
            }
        };
        let ours = caught(|| match import(&text, member.algorithm) {
            Ok(verifier) => judge(&verifier, &token, now),
            Err(code) => Verdict::Refused(code),
        });
        let theirs = caught(|| match serde_json::from_slice::<Jwk>(&text) {
            Ok(jwk) => match DecodingKey::from_jwk(&jwk) {
                Ok(key) => ask(&token, &key, member.theirs),
                Err(error) => Verdict::Refused(error.to_string()),
            },
            Err(error) => Verdict::Refused(error.to_string()),
        });
        Case::new("JWT key", token, Some(text), now, ours, theirs)
    }

    fn member(&self, dice: &mut Dice) -> &Member {
        &self.members[dice.below(self.members.len())]
    }

    /// A token with odd members, signed by the key or by somebody else.
    fn signed(&self, member: &Member, dice: &mut Dice, now: i64) -> String {
        let mut header = Draft::of(&[
            ("alg", &format!("\"{}\"", member.algorithm)),
            ("typ", "\"JWT\""),
        ]);
        let mut payload = claims(now);
        for _ in 0..dice.below(3) {
            odd_header(&mut header, dice);
        }
        for _ in 0..dice.below(3) {
            odd_claim(&mut payload, dice, now);
        }
        let (header, payload) = (header.text(dice), payload.text(dice));
        match dice.below(12) {
            0 => {
                let public = &self.publics[dice.below(self.publics.len())];
                let secret = if dice.once_in(4) { "" } else { public };
                Forge::with_secret(
                    dice.pick(&[&Algorithm::Hs256, &Algorithm::Hs384])
                        .to_owned(),
                    secret.as_bytes(),
                )
                .jws(header, payload)
            }
            1 => self.member(dice).forge.jws(header, payload),
            _ => member.forge.jws(header, payload),
        }
    }
}

fn from_der(document: &[u8], algorithm: Algorithm) -> SigningKey {
    SigningKey::from_der(document, &ImportOptions::new().algorithm(algorithm)).expect("a key")
}

fn is_rsa(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::Rs256 | Algorithm::Ps256)
}

/// How a token is signed whose key was changed.
enum Signature {
    Honest,
    /// By whoever guesses the secret.
    Secret(Vec<u8>),
    /// The one that verifies every message under a point of small order.
    Identity,
}

impl Member {
    fn new(key: SigningKey, theirs: Theirs) -> Self {
        let algorithm = key.algorithm();
        let text = if algorithm.is_symmetric() {
            String::from_utf8(key.to_jwk().expect("a JWK").expose().to_vec()).expect("UTF-8")
        } else {
            key.verifying_key().to_jwk().expect("a JWK")
        };
        let value: Value = serde_json::from_str(&text).expect("JSON");
        let members = value.as_object().expect("an object");
        let jwk = Draft(
            members
                .iter()
                .filter(|(name, _)| *name != "kid")
                .map(|(name, value)| (format!("\"{name}\""), value.to_string()))
                .collect(),
        );
        let theirs_key: Jwk = serde_json::from_str(&text).expect("a JWK of theirs");
        let mut member = Self {
            algorithm,
            theirs,
            forge: Forge::of(&key),
            verifier: verifier(key.verifying_key()),
            decoding: DecodingKey::from_jwk(&theirs_key).expect("a key of theirs"),
            jwk,
            honest: String::new(),
        };
        member.honest = member.sign_honest(crate::verdict::now());
        member
    }

    fn header(&self) -> String {
        format!(r#"{{"alg":"{}","typ":"JWT"}}"#, self.algorithm)
    }

    fn sign_honest(&self, now: i64) -> String {
        self.forge.jws(self.header(), claims(now).plain())
    }

    /// An honest token; RSA signs so slowly that the one from the beginning serves.
    fn honest_at(&self, now: i64, dice: &mut Dice) -> String {
        if is_rsa(self.algorithm) || dice.once_in(2) {
            self.honest.clone()
        } else {
            self.sign_honest(now)
        }
    }

    /// One change to the key, and how its token must be signed to get past it.
    fn change_key(&self, jwk: &mut Draft, dice: &mut Dice) -> Signature {
        match dice.below(8) {
            0 | 1 => jwk.disturb(dice),
            2 => {
                let name = dice.pick(&[
                    "use", "key_ops", "alg", "kid", "crv", "kty", "x5c", "x5u", "d", "k", "ext",
                    "oth",
                ]);
                jwk.set(name, &common_value(dice));
            }
            3 => {
                let name = dice.pick(&["alg", "use", "crv", "kty", "y"]);
                jwk.remove(name);
            }
            _ => return self.change_number(jwk, dice),
        }
        Signature::Honest
    }

    /// One change to the numbers of the key.
    fn change_number(&self, jwk: &mut Draft, dice: &mut Dice) -> Signature {
        if self.algorithm == Algorithm::EdDsa && dice.once_in(2) {
            let point = SMALL_ORDER[dice.below(SMALL_ORDER.len())];
            jwk.set("x", &format!("\"{}\"", encode(&hex(point))));
            return Signature::Identity;
        }
        if self.algorithm.is_symmetric() && dice.once_in(2) {
            let length = dice
                .pick(&[&0, &1, &16, &31, &32, &47, &48, &63, &64, &65, &4096, &4097])
                .to_owned();
            let secret = dice.bytes(length);
            jwk.set("k", &format!("\"{}\"", encode(&secret)));
            return Signature::Secret(secret);
        }
        let numbers: Vec<usize> = (0..jwk.0.len())
            .filter(|at| {
                ["\"x\"", "\"y\"", "\"n\"", "\"e\"", "\"k\""].contains(&jwk.0[*at].0.as_str())
            })
            .collect();
        let at = numbers[dice.below(numbers.len())];
        let mut bytes = decode(jwk.0[at].1.trim_matches('"'));
        let place = dice.below(bytes.len());
        match dice.below(8) {
            0 => bytes[place] ^= 1 << dice.below(8),
            1 => bytes.push(dice.next() as u8),
            2 => bytes.insert(0, 0),
            3 => bytes.truncate(place),
            4 => bytes.fill(dice.next() as u8),
            5 => bytes.extend(dice.bytes(4)),
            6 => drop(bytes.remove(0)),
            // The boundary between two coordinates moves by one byte.
            _ => {
                if let (Some(x), Some(y)) = (find(jwk, "x"), find(jwk, "y")) {
                    let mut left = decode(jwk.0[x].1.trim_matches('"'));
                    let mut right = decode(jwk.0[y].1.trim_matches('"'));
                    if let Some(byte) = left.pop() {
                        right.insert(0, byte);
                    }
                    jwk.0[x].1 = format!("\"{}\"", encode(&left));
                    jwk.0[y].1 = format!("\"{}\"", encode(&right));
                    return Signature::Honest;
                }
            }
        }
        let padding = if dice.once_in(6) { "=" } else { "" };
        jwk.0[at].1 = format!("\"{}{padding}\"", encode(&bytes));
        Signature::Honest
    }
}

fn find(jwk: &Draft, name: &str) -> Option<usize> {
    jwk.0
        .iter()
        .position(|(other, _)| *other == format!("\"{name}\""))
}

/// The encodings of the points of small order, canonical and not.
pub(crate) const SMALL_ORDER: [&str; 9] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

pub(crate) fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .filter_map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

fn verifier(key: VerifyingKey) -> Verifier {
    Verifier::builder(KeySet::of([key]).expect("a set"))
        .policy(Policy::new(ISSUER, AUDIENCE).leeway(Duration::from_secs(LEEWAY)))
        .without_revocation()
        .build()
}

fn import(text: &[u8], algorithm: Algorithm) -> Result<Verifier, String> {
    let options = ImportOptions::new().algorithm(algorithm);
    let key = if algorithm.is_symmetric() {
        SigningKey::from_jwk(text, &options).map(|key| key.verifying_key())
    } else {
        VerifyingKey::from_jwk(text, &options)
    };
    key.map(verifier).map_err(|error| error.code().to_owned())
}

fn judge(verifier: &Verifier, token: &str, now: i64) -> Verdict {
    let mut scratch = Scratch::new();
    let presented = Presented::new(token).at(UnixTime::from_seconds(now));
    match verifier.verify_borrowed(presented, &mut scratch) {
        Ok(verified) => Verdict::Accepted(verified.json().as_bytes().to_vec()),
        Err(error) => Verdict::Refused(error.code().to_owned()),
    }
}

fn ask(token: &str, key: &DecodingKey, algorithm: Theirs) -> Verdict {
    let mut validation = Validation::new(algorithm);
    validation.leeway = LEEWAY;
    validation.validate_nbf = true;
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    match jsonwebtoken::decode::<serde_json::Map<String, Value>>(token, key, &validation) {
        Ok(data) => Verdict::Accepted(Value::Object(data.claims).to_string().into_bytes()),
        Err(error) => Verdict::Refused(error.to_string()),
    }
}
