//! A verifier that remembers tokens answers what one that does not would answer, whatever
//! happens in between.

use std::time::Duration;

use allocation_counter::measure;
use tokenwright::key::{Algorithm, KeyId, SigningKey};
use tokenwright::keyring::{KeyView, LiveKeys};
use tokenwright::{
    Claims, Freshness, KeySet, LiveRevocations, MintOptions, Minter, Policy, Presented, Revocation,
    RevocationCheck, RevocationList, RevocationView, TokenFacts, UnixTime, Verdict, Verified,
    Verifier, VerifyError, WhenUnknown,
};

const ISSUER: &str = "https://auth.example";
const START: i64 = 1_800_000_000;

fn key(id: &str) -> SigningKey {
    let key = SigningKey::generate(Algorithm::Ed25519).unwrap();
    key.with_id(KeyId::new(id).unwrap())
}

fn at(second: i64) -> UnixTime {
    UnixTime::from_seconds(START + second)
}

fn minter(key: SigningKey) -> Minter {
    let minter = Minter::builder(key, ISSUER).audience("orders-api");
    minter.lifetime(Duration::from_secs(60)).build().unwrap()
}

fn mint(minter: &Minter, subject: &str, now: UnixTime) -> String {
    let claims = Claims::for_subject(subject).with_session_id(subject);
    minter
        .mint_with(&claims, MintOptions::new().at(now))
        .unwrap()
}

fn told<V: AsRef<Verified<Claims>>>(answer: &Result<V, VerifyError>) -> String {
    match answer.as_ref().map(AsRef::as_ref) {
        Ok(verified) => format!("{:?} {:?}", verified.subject(), verified.key_id()),
        Err(error) => format!("{} {error}", error.code()),
    }
}

fn plain(answer: Result<Verified<Claims>, VerifyError>) -> String {
    told(&answer.map(Box::new))
}

/// Numbers as good as random, the same in every run (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }
}

/// A thousand steps of a service's life in any order: tokens come, are withdrawn and end,
/// keys turn and are spent, the clock goes on and is set back. The cache is far too small.
#[test]
fn no_step_makes_a_difference_to_a_verifier_without_a_cache() {
    for seed in 1..=8 {
        let mut numbers = Numbers(seed);
        let keys = [key("one"), key("two"), key("three")];
        let view = |chosen: &[usize], now: i64| {
            let chosen = chosen.iter().map(|place| keys[*place].verifying_key());
            let set = KeySet::of(chosen).unwrap();
            KeyView::of_keyring(set, at(now - 100), at(now + 400), at(now + 300))
        };
        let live = LiveKeys::new(view(&[0, 1], 0));
        let mut withdrawn = RevocationList::new();
        let revocations = LiveRevocations::new(withdrawn.clone(), at(0));
        let freshness = Freshness::new(Duration::from_secs(200), WhenUnknown::Refuse);
        let policy = Policy::new(ISSUER, "orders-api").max_age(Duration::from_secs(40));
        let verifier = Verifier::builder(live.clone())
            .policy(policy)
            .revocation(revocations.clone(), freshness)
            .build();
        let caching = verifier.clone().caching(16);
        let minters = keys.each_ref().map(|key| {
            minter(
                SigningKey::from_jwk(
                    key.to_jwk().unwrap().expose(),
                    &tokenwright::key::ImportOptions::new(),
                )
                .unwrap(),
            )
        });
        let (mut now, mut tokens, mut good) = (0_i64, Vec::<(String, String)>::new(), 0);
        for step in 0..1_000 {
            match numbers.below(40) {
                0..6 => {
                    let subject = format!("s{step}");
                    let token = mint(&minters[numbers.below(3)], &subject, at(now));
                    tokens.push((subject, token));
                }
                6 => now += 1 + numbers.below(50) as i64,
                7 => now -= numbers.below(80) as i64,
                8 => {
                    let chosen: &[usize] = [&[0, 1][..], &[1, 2], &[0], &[2, 0]][numbers.below(4)];
                    live.replace(view(chosen, now));
                }
                9 => live.replace(view(&[0, 1, 2], now).spent(at(now))),
                10 if !tokens.is_empty() => {
                    let (subject, _) = &tokens[numbers.below(tokens.len())];
                    let until = at(now + 10_000);
                    withdrawn
                        .add(&Revocation::session(ISSUER, subject, at(now), until))
                        .unwrap();
                    revocations.replace(RevocationView::new(withdrawn.clone(), at(now)));
                }
                11 => revocations.replace(RevocationView::new(withdrawn.clone(), at(now))),
                12 => caching.forget(),
                _ => {}
            }
            if tokens.is_empty() {
                continue;
            }
            // Late ones more often, so that they are found.
            let recent = tokens
                .len()
                .saturating_sub(1 + numbers.below(12).min(tokens.len() - 1));
            let (_, token) = &tokens[recent];
            let presented = Presented::new(token).at(at(now));
            let expected = plain(verifier.verify(presented));
            good += usize::from(expected.starts_with("Some"));
            for _ in 0..2 {
                assert_eq!(told(&caching.verify(presented)), expected, "{seed} {step}");
            }
        }
        assert!(good > 50, "{good}");
    }
}

#[test]
fn a_hit_costs_no_allocation_and_another_text_is_no_hit() {
    let key = key("one");
    let verifier = Verifier::builder(KeySet::of([key.verifying_key()]).unwrap())
        .policy(Policy::new(ISSUER, "orders-api"))
        .without_revocation()
        .build()
        .caching(1_000);
    let token = mint(&minter(key), "alice", at(0));
    let presented = Presented::new(&token).at(at(1));
    let first = verifier.verify(presented).unwrap();
    let counted = measure(|| {
        let again = verifier.verify(presented).unwrap();
        assert!(std::sync::Arc::ptr_eq(&first, &again));
    });
    assert_eq!(counted.count_total, 0);
    for place in 0..token.len() {
        let mut other = token.clone().into_bytes();
        other[place] = if other[place] == b'A' { b'B' } else { b'A' };
        let other = String::from_utf8(other).unwrap();
        assert!(verifier.verify(Presented::new(&other).at(at(1))).is_err());
    }
    assert!(
        verifier
            .verify(Presented::new(&token[1..]).at(at(1)))
            .is_err()
    );
    assert!(verifier.verify(presented.with_assertion(b"x")).is_err());
    assert!(verifier.verify(presented).is_ok());
}

/// A source of the application that reads a claim of its own.
struct ByRole;

impl RevocationCheck for ByRole {
    fn check(&self, facts: &TokenFacts<'_>, now: UnixTime) -> Verdict {
        let role = facts
            .claims()
            .and_then(|claims| claims.get::<String>("role"));
        match role {
            Some(Ok(role)) if role == "guest" && now < at(5) => Verdict::Clear { as_of: now },
            _ => Verdict::Unknown {
                reason: "no guest".to_owned(),
            },
        }
    }
}

#[test]
fn revocation_sources_and_checks_see_all_claims_at_every_hit() {
    #[derive(serde::Serialize)]
    struct Role {
        role: &'static str,
    }
    let key = key("one");
    let keys = KeySet::of([key.verifying_key()]).unwrap();
    let claims = Claims::for_subject("alice").with_custom(Role { role: "guest" });
    let token = minter(key)
        .mint_with(&claims, MintOptions::new().at(at(0)))
        .unwrap();
    let freshness = Freshness::new(Duration::from_secs(60), WhenUnknown::Refuse);
    let verifier = Verifier::builder(keys.clone())
        .policy(Policy::new(ISSUER, "orders-api"))
        .revocation(ByRole, freshness)
        .build()
        .caching(10);
    for second in [1, 2, 4, 5, 6] {
        let answer = verifier.verify(Presented::new(&token).at(at(second)));
        assert_eq!(answer.is_ok(), second < 5, "{second}");
    }
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&asked);
    let policy = Policy::new(ISSUER, "orders-api").check(move |_| {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    });
    let verifier = Verifier::builder(keys)
        .policy(policy)
        .without_revocation()
        .build()
        .caching(10);
    for _ in 0..3 {
        assert!(verifier.verify(Presented::new(&token).at(at(1))).is_ok());
    }
    assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 3);
}
