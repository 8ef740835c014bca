//! PASETO v4: one case, our verdict and that of pasetors.

use std::time::Duration;

use pasetors::claims::ClaimsValidationRules;
use pasetors::keys::{AsymmetricPublicKey, SymmetricKey};
use pasetors::token::UntrustedToken;
use pasetors::version4::{LocalToken, PublicToken, V4};
use pasetors::{Local, Public};
use tokenwright::key::{Algorithm, SigningKey, VerifyingKey};
use tokenwright::{KeySet, Policy, Presented, RawVerifier, Scratch, UnixTime, Verifier, sign_raw};

use crate::draft::{Draft, odd_value};
use crate::forge::encode;
use crate::jwt::{SMALL_ORDER, hex};
use crate::mangle::mangle;
use crate::random::{Dice, SeededEntropy};
use crate::verdict::{AUDIENCE, Case, ISSUER, Verdict, caught};

struct Member {
    key: SigningKey,
    paserk: String,
    theirs: Theirs,
}

enum Theirs {
    Public(AsymmetricPublicKey<V4>),
    Local(SymmetricKey<V4>),
}

pub(crate) struct PasetoCases(Vec<Member>);

impl PasetoCases {
    pub(crate) fn new(seed: u64) -> Self {
        let entropy = SeededEntropy::new(seed);
        let member = |algorithm| {
            let key = SigningKey::generate_with(algorithm, &entropy).expect("a key");
            let paserk = if algorithm == Algorithm::V4Public {
                key.verifying_key().to_paserk().expect("a PASERK")
            } else {
                String::from_utf8(key.to_paserk().expect("a PASERK").expose().to_vec())
                    .expect("ASCII")
            };
            let theirs = read_theirs(&paserk).expect("a key of theirs");
            Member {
                key,
                paserk,
                theirs,
            }
        };
        Self(
            [Algorithm::V4Public, Algorithm::V4Local, Algorithm::V4Public]
                .into_iter()
                .map(member)
                .collect(),
        )
    }

    /// Claims in a token: both sides judge signature and claims.
    pub(crate) fn token(&self, dice: &mut Dice, now: i64) -> Case {
        let member = &self.0[dice.below(self.0.len())];
        let mut payload = claims(now);
        for _ in 0..dice.below(3) {
            odd_claim(&mut payload, dice, now);
        }
        let payload = payload.text(dice);
        let (token, assertion) = self.signed(member, &payload, dice);
        let ours = caught(|| judge(&member.key.verifying_key(), &token, &assertion, now));
        let theirs = caught(|| member.theirs.judge(&token, &assertion));
        Case::new("PASETO", token, None, now, ours, theirs)
    }

    /// Any bytes in a token: both sides judge the signature alone.
    pub(crate) fn raw(&self, dice: &mut Dice, now: i64) -> Case {
        let member = &self.0[dice.below(self.0.len())];
        let length = 1 + dice.below(40);
        // Other bytes than text are for v4.public alone: we refuse to encrypt them.
        let payload = if member.key.algorithm() == Algorithm::V4Public && dice.once_in(2) {
            dice.bytes(length)
        } else {
            "text \u{e9} ".repeat(length).into_bytes()
        };
        let (token, assertion) = self.signed(member, &payload, dice);
        let ours = caught(|| open(&member.key.verifying_key(), &token, &assertion));
        let theirs = caught(|| member.theirs.open(&token, &assertion));
        Case::new("PASETO raw", token, None, now, ours, theirs)
    }

    /// A key that is changed before both sides read it.
    pub(crate) fn key(&self, dice: &mut Dice, now: i64) -> Case {
        let member = &self.0[dice.below(self.0.len())];
        let mut token = sign_raw(&member.key, b"plain text", b"", b"").expect("signed");
        let mut paserk = member.paserk.clone();
        if paserk.starts_with("k4.public.") && dice.once_in(3) {
            paserk = format!(
                "k4.public.{}",
                encode(&hex(SMALL_ORDER[dice.below(SMALL_ORDER.len())]))
            );
            // The signature that verifies everything under the identity.
            let identity = [b"plain text".to_vec(), vec![1], vec![0; 63]].concat();
            token = format!("v4.public.{}", encode(&identity));
        } else {
            paserk = mangle(&paserk, dice);
        }
        let ours = caught(|| match read_ours(&paserk) {
            Ok(key) => open(&key, &token, b""),
            Err(code) => Verdict::Refused(code.to_owned()),
        });
        let theirs = caught(|| match read_theirs(&paserk) {
            Some(key) => key.open(&token, b""),
            None => Verdict::Refused("key".to_owned()),
        });
        Case::new(
            "PASETO key",
            token,
            Some(paserk.into_bytes()),
            now,
            ours,
            theirs,
        )
    }

    /// A token, sometimes of another key, and the assertion it is presented with.
    fn signed(&self, member: &Member, payload: &[u8], dice: &mut Dice) -> (String, Vec<u8>) {
        let signer = if dice.once_in(20) {
            &self.0[dice.below(self.0.len())]
        } else {
            member
        };
        let footer = footer(dice);
        let assertion = if dice.once_in(3) {
            b"device-7".to_vec()
        } else {
            Vec::new()
        };
        // What we refuse to sign is left out: a secret in a footer, bytes for v4.local.
        let made = sign_raw(&signer.key, payload, &footer, &assertion);
        let mut token = made
            .or_else(|_| sign_raw(&signer.key, b"plain text", b"", &assertion))
            .expect("signed");
        if dice.once_in(2) {
            token = mangle(&token, dice);
        }
        if dice.once_in(20) {
            token = token.replace(
                "v4.public.",
                dice.pick(&["v4.local.", "v3.public.", "V4.public.", "v4.Public."]),
            );
        }
        let presented = if dice.once_in(20) {
            b"device-8".to_vec()
        } else {
            assertion
        };
        (token, presented)
    }
}

fn footer(dice: &mut Dice) -> Vec<u8> {
    match dice.below(8) {
        0 => b"free text".to_vec(),
        1 => br#"{"kid":"k4.pid.x"}"#.to_vec(),
        2 => format!(r#"{{"kid":{}}}"#, odd_value(dice)).into_bytes(),
        3 => format!(r#"{{"x":{},"kid":"a"}}"#, odd_value(dice)).into_bytes(),
        4 => {
            let length = dice.below(30);
            dice.bytes(length)
        }
        _ => Vec::new(),
    }
}

fn read_ours(paserk: &str) -> Result<VerifyingKey, &'static str> {
    let key = if paserk.starts_with("k4.local.") {
        SigningKey::from_paserk(paserk).map(|key| key.verifying_key())
    } else {
        VerifyingKey::from_paserk(paserk)
    };
    key.map_err(|error| error.code())
}

fn read_theirs(paserk: &str) -> Option<Theirs> {
    if paserk.starts_with("k4.local.") {
        SymmetricKey::<V4>::try_from(paserk).ok().map(Theirs::Local)
    } else {
        AsymmetricPublicKey::<V4>::try_from(paserk)
            .ok()
            .map(Theirs::Public)
    }
}

fn written(seconds: i64) -> String {
    UnixTime::from_seconds(seconds)
        .to_rfc3339()
        .unwrap_or_default()
}

fn claims(now: i64) -> Draft {
    Draft::of(&[
        ("iss", &format!("\"{ISSUER}\"")),
        ("aud", &format!("\"{AUDIENCE}\"")),
        ("sub", "\"alice\""),
        ("iat", &format!("\"{}\"", written(now - 300))),
        ("nbf", &format!("\"{}\"", written(now - 300))),
        ("exp", &format!("\"{}\"", written(now + 100_000))),
    ])
}

fn odd_claim(payload: &mut Draft, dice: &mut Dice, now: i64) {
    let names = [
        "iss", "aud", "sub", "iat", "exp", "nbf", "jti", "sid", "scope", "role",
    ];
    match dice.below(5) {
        0 => payload.disturb(dice),
        1 => payload.remove(dice.pick(&names)),
        2 => {
            let name = dice.pick(&names);
            payload.set(name, &odd_value(dice));
        }
        3 => {
            let at = written(now + [-100_000, -300, 300, 100_000, 10_000_000_000][dice.below(5)]);
            let text = match dice.below(12) {
                0 => at.to_lowercase(),
                1 => at.replace('T', " "),
                2 => at.replace('Z', "+02:00"),
                3 => at.replace('Z', "-00:00"),
                4 => at.replace('Z', ".123456789012345Z"),
                5 => at.replace('Z', ".5Z"),
                6 => at.replace('Z', ""),
                7 => at.replace(":0", ":60"),
                8 => at.replace('Z', "+24:00"),
                9 => at.replace('-', ""),
                10 => at.replace('Z', ".Z"),
                _ => at,
            };
            payload.set(dice.pick(&["exp", "nbf", "iat"]), &format!("\"{text}\""));
        }
        _ => {
            let value = [
                format!("[\"{AUDIENCE}\"]"),
                format!("[\"else\",\"{AUDIENCE}\"]"),
                format!("[\"{AUDIENCE}\",1]"),
                format!("[\"{ISSUER}\"]"),
                "\"else\"".to_owned(),
                format!("\"{AUDIENCE} \""),
                "[]".to_owned(),
            ][dice.below(7)]
            .clone();
            payload.set(dice.pick(&["iss", "aud"]), &value);
        }
    }
}

/// Without leeway and with both times required, as pasetors has it.
fn judge(key: &VerifyingKey, token: &str, assertion: &[u8], now: i64) -> Verdict {
    let policy = Policy::new(ISSUER, AUDIENCE)
        .leeway(Duration::ZERO)
        .require("nbf")
        .require("iat");
    let verifier = Verifier::builder(KeySet::of([key.clone()]).expect("a set"))
        .policy(policy)
        .without_revocation()
        .build();
    let mut scratch = Scratch::new();
    let presented = Presented::new(token)
        .at(UnixTime::from_seconds(now))
        .with_assertion(assertion);
    match verifier.verify_borrowed(presented, &mut scratch) {
        Ok(verified) => Verdict::Accepted(verified.json().as_bytes().to_vec()),
        Err(error) => Verdict::Refused(error.code().to_owned()),
    }
}

fn open(key: &VerifyingKey, token: &str, assertion: &[u8]) -> Verdict {
    let verifier = RawVerifier::new(KeySet::of([key.clone()]).expect("a set"));
    match verifier.verify(Presented::new(token).with_assertion(assertion)) {
        Ok(raw) => Verdict::Accepted(raw.payload().to_vec()),
        Err(error) => Verdict::Refused(error.code().to_owned()),
    }
}

impl Theirs {
    fn judge(&self, token: &str, assertion: &[u8]) -> Verdict {
        let mut rules = ClaimsValidationRules::new();
        rules.validate_issuer_with(ISSUER);
        rules.validate_audience_with(AUDIENCE);
        let trusted = match self {
            Self::Public(key) => UntrustedToken::<Public, V4>::try_from(token).and_then(|token| {
                pasetors::public::verify(key, &token, &rules, None, Some(assertion))
            }),
            Self::Local(key) => UntrustedToken::<Local, V4>::try_from(token).and_then(|token| {
                pasetors::local::decrypt(key, &token, &rules, None, Some(assertion))
            }),
        };
        match trusted {
            Ok(trusted) => Verdict::Accepted(trusted.payload().as_bytes().to_vec()),
            Err(error) => Verdict::Refused(format!("{error:?}")),
        }
    }

    fn open(&self, token: &str, assertion: &[u8]) -> Verdict {
        let trusted = match self {
            Self::Public(key) => UntrustedToken::<Public, V4>::try_from(token)
                .and_then(|token| PublicToken::verify(key, &token, None, Some(assertion))),
            Self::Local(key) => UntrustedToken::<Local, V4>::try_from(token)
                .and_then(|token| LocalToken::decrypt(key, &token, None, Some(assertion))),
        };
        match trusted {
            Ok(trusted) => Verdict::Accepted(trusted.payload().as_bytes().to_vec()),
            Err(error) => Verdict::Refused(format!("{error:?}")),
        }
    }
}
