//! Several issuers in one verifier: no key of one speaks for another.

use std::sync::LazyLock;
use std::time::Duration;

use tokenwright::key::{Algorithm, Entropy, KeyError, KeyId, SigningKey, VerifyingKey};
use tokenwright::keyring::{KeyView, LiveKeys};
use tokenwright::limits::MAX_CANDIDATE_ISSUERS;
use tokenwright::{
    Claims, ErrorClass, KeySet, ManualClock, Minter, Policy, Scratch, UnixTime, Verifier,
    Verifiers, VerifyError, VerifyErrorKind, dangerous,
};

const NOW: UnixTime = UnixTime::from_seconds(1_760_000_000);
const ISSUERS: usize = 8;

/// The same bytes each time, so that one key can be had under several ids.
struct Seed(usize);

impl Entropy for Seed {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), KeyError> {
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::try_from((self.0 * 37 + place * 11 + 5) % 251).unwrap();
        }
        Ok(())
    }
}

fn key(number: usize, id: &str) -> SigningKey {
    let key = SigningKey::generate_with(Algorithm::EdDsa, &Seed(number)).unwrap();
    key.with_id(KeyId::new(id).unwrap())
}

fn public(number: usize, id: &str) -> VerifyingKey {
    static KEYS: LazyLock<Vec<VerifyingKey>> = LazyLock::new(|| {
        let all = (0..20).map(|number| key(number, "x").verifying_key());
        all.collect()
    });
    KEYS[number].clone().with_id(KeyId::new(id).unwrap())
}

fn issuer(number: usize) -> String {
    format!("https://issuer-{number}.example")
}

fn audience(number: usize) -> String {
    format!("service-{number}")
}

fn token_type(number: usize) -> String {
    format!("kind-{number}")
}

fn policy(number: usize) -> Policy {
    Policy::new(issuer(number), audience(number)).typ(token_type(number))
}

fn verifier(keys: impl Into<LiveKeys>, policy: Policy) -> Verifier {
    Verifier::builder(keys)
        .policy(policy)
        .without_revocation()
        .clock(ManualClock::at(NOW))
        .build()
}

/// What somebody puts into a token.
#[derive(Clone, Debug)]
struct Forgery {
    signer: usize,
    key_id: String,
    issuer: usize,
    audience: usize,
    token_type: usize,
}

impl Forgery {
    fn honest(number: usize, key_id: &str) -> Self {
        Self {
            signer: number,
            key_id: key_id.to_owned(),
            issuer: number,
            audience: number,
            token_type: number,
        }
    }

    fn token(&self) -> String {
        let minter = Minter::builder(key(self.signer, &self.key_id), issuer(self.issuer))
            .audience(audience(self.audience))
            .typ(token_type(self.token_type))
            .clock(ManualClock::at(NOW))
            .build()
            .unwrap();
        minter.mint(&Claims::for_subject("alice")).unwrap()
    }
}

/// Everything that one issuer can sign in the name, or in the manner, of another:
/// each choice of key id, issuer, audience and type between its own and the other's.
fn forgeries(attacker: usize, victim: usize) -> Vec<Forgery> {
    let mut all = Vec::new();
    for choice in 0..16 {
        let pick = |bit: usize| if choice & bit == 0 { attacker } else { victim };
        all.push(Forgery {
            signer: attacker,
            key_id: format!("key-{}", pick(1)),
            issuer: pick(2),
            audience: pick(4),
            token_type: pick(8),
        });
    }
    all
}

/// All three ways to verify give one answer.
#[track_caller]
fn judge(verifiers: &Verifiers, token: &str) -> Result<String, VerifyError> {
    let verdict = verifiers.verify(token);
    let issuer = verdict.map(|verified| verified.issuer().unwrap().to_owned());
    let typed = verifiers.verify_as::<serde_json::Map<String, serde_json::Value>>(token);
    assert_eq!(issuer, typed.map(|v| v.issuer().unwrap().to_owned()));
    let mut scratch = Scratch::new();
    let borrowed = verifiers.verify_borrowed(token, &mut scratch);
    assert_eq!(issuer, borrowed.map(|v| v.issuer().unwrap().into_owned()));
    issuer
}

/// Tries everything, for all ordered pairs, against one arrangement of key sets.
fn no_issuer_speaks_for_another(
    keys_of: impl Fn(usize) -> KeySet,
    honest_id: impl Fn(usize) -> String,
) {
    let verifiers = Verifiers::of((0..ISSUERS).map(|n| verifier(keys_of(n), policy(n)))).unwrap();
    let mut refused = 0;
    for victim in 0..ISSUERS {
        let honest = Forgery::honest(victim, &honest_id(victim)).token();
        assert_eq!(judge(&verifiers, &honest), Ok(issuer(victim)));
        for attacker in (0..ISSUERS).filter(|attacker| *attacker != victim) {
            for mut forgery in forgeries(attacker, victim) {
                if honest_id(attacker) == honest_id(victim) {
                    forgery.key_id = honest_id(victim);
                }
                let its_own = Forgery::honest(attacker, &honest_id(attacker)).token();
                let token = forgery.token();
                if token == its_own {
                    continue;
                }
                let verdict = judge(&verifiers, &token);
                // Copying only the victim's key id makes nothing of the victim's.
                let harmless = forgery.issuer == attacker
                    && forgery.audience == attacker
                    && forgery.token_type == attacker;
                if harmless && verdict == Ok(issuer(attacker)) {
                    continue;
                }
                let error = verdict.expect_err(&format!("{forgery:?}"));
                assert_eq!(error.class().http_status(), 401, "{forgery:?}: {error}");
                refused += 1;
            }
        }
    }
    assert!(refused >= ISSUERS * (ISSUERS - 1) * 14, "{refused}");
}

#[test]
fn a_key_of_one_issuer_never_vouches_for_another() {
    no_issuer_speaks_for_another(
        |n| KeySet::of([public(n, &format!("key-{n}"))]).unwrap(),
        |n| format!("key-{n}"),
    );
}

#[test]
fn not_even_when_all_use_one_key_id() {
    no_issuer_speaks_for_another(
        |n| KeySet::of([public(n, "1")]).unwrap(),
        |_| "1".to_owned(),
    );
}

#[test]
fn not_even_when_each_publishes_the_keys_ids_of_all_others_over_its_own_key() {
    no_issuer_speaks_for_another(
        |n| KeySet::of((0..ISSUERS).map(|other| public(n, &format!("key-{other}")))).unwrap(),
        |n| format!("key-{n}"),
    );
}

#[test]
fn publishing_the_key_of_another_gives_nothing() {
    // Each set holds the issuer's own key and, under its true id, that of the next.
    let keys_of = |n: usize| {
        let next = (n + 1) % ISSUERS;
        KeySet::of([
            public(n, &format!("key-{n}")),
            public(next, &format!("key-{next}")),
        ])
        .unwrap()
    };
    let verifiers = Verifiers::of((0..ISSUERS).map(|n| verifier(keys_of(n), policy(n)))).unwrap();
    for n in 0..ISSUERS {
        let token = Forgery::honest(n, &format!("key-{n}")).token();
        assert_eq!(judge(&verifiers, &token), Ok(issuer(n)));
        // The publisher holds no private half: what it signs is no token of the other's.
        let next = (n + 1) % ISSUERS;
        for mut forgery in forgeries(n, next) {
            forgery.key_id = format!("key-{next}");
            let error = judge(&verifiers, &forgery.token()).unwrap_err();
            assert_eq!(error.code(), "bad_signature", "{forgery:?}");
        }
    }
}

#[test]
fn an_error_names_the_issuer_who_signed_and_whom_the_token_names() {
    let sets = |n: usize| KeySet::of([public(n, "1")]).unwrap();
    let verifiers = Verifiers::of((0..ISSUERS).map(|n| verifier(sets(n), policy(n)))).unwrap();
    let mut wrong_place = Forgery::honest(5, "1");
    wrong_place.audience = 2;
    let error = judge(&verifiers, &wrong_place.token()).unwrap_err();
    assert_eq!(error.issuer(), Some("https://issuer-5.example"));
    assert_eq!(
        error.to_string(),
        "for issuer \"https://issuer-5.example\": aud: expected \"service-5\", found \"service-2\""
    );
    let mut other_name = Forgery::honest(5, "1");
    other_name.issuer = 2;
    let error = judge(&verifiers, &other_name.token()).unwrap_err();
    assert_eq!(error.issuer(), Some("https://issuer-5.example"));
    assert_eq!(error.code(), "iss_mismatch");
    // A token that nobody has a key for is nobody's.
    let unknown = Forgery::honest(5, "2").token();
    let error = judge(&verifiers, &unknown).unwrap_err();
    assert_eq!((error.code(), error.issuer()), ("unknown_key", None));
    assert_eq!(error.to_string(), "no key with id \"2\"");
    // With a single verifier there is nothing to name.
    let alone = Verifiers::from(verifier(sets(5), policy(5)));
    let error = judge(&alone, &wrong_place.token()).unwrap_err();
    assert_eq!(error.issuer(), None);
}

#[test]
fn a_token_without_a_key_id_finds_the_issuer_among_those_with_one_key() {
    // Without names of their own the keys answer to any id, and to none.
    let nameless = |n: usize| {
        let key = SigningKey::generate_with(Algorithm::EdDsa, &Seed(n)).unwrap();
        KeySet::of([key.verifying_key()]).unwrap()
    };
    let verifiers = Verifiers::of((0..4).map(|n| verifier(nameless(n), policy(n)))).unwrap();
    for n in 0..4 {
        let token = Forgery::honest(n, "any name").token();
        assert_eq!(judge(&verifiers, &token), Ok(issuer(n)));
    }
    let stranger = Forgery {
        signer: 7,
        ..Forgery::honest(2, "any name")
    };
    let error = judge(&verifiers, &stranger.token()).unwrap_err();
    assert_eq!(error.code(), "bad_signature");
}

#[test]
fn at_most_so_many_issuers_are_tried_in_the_order_they_were_given() {
    let sets = |n: usize| KeySet::of([public(n, "1")]).unwrap();
    let verifiers = Verifiers::of((0..20).map(|n| verifier(sets(n), policy(n)))).unwrap();
    for n in 0..20 {
        let verdict = judge(&verifiers, &Forgery::honest(n, "1").token());
        match verdict {
            Ok(found) => assert!(n < MAX_CANDIDATE_ISSUERS && found == issuer(n)),
            Err(error) => {
                assert!(n >= MAX_CANDIDATE_ISSUERS);
                // All that were tried expect another type: that is compared first.
                assert_eq!(error.code(), "typ_mismatch");
            }
        }
    }
}

#[test]
fn a_key_that_an_issuer_publishes_or_removes_counts_at_once() {
    let live = LiveKeys::from(KeySet::of([public(0, "old")]).unwrap());
    let other = KeySet::of([public(1, "key-1")]).unwrap();
    let verifiers = Verifiers::of([
        verifier(live.clone(), policy(0)),
        verifier(other, policy(1)),
    ])
    .unwrap();
    let old = Forgery::honest(0, "old").token();
    let new = Forgery::honest(0, "new").token();
    assert_eq!(judge(&verifiers, &old), Ok(issuer(0)));
    assert_eq!(judge(&verifiers, &new).unwrap_err().code(), "unknown_key");

    let both = KeySet::of([public(0, "old"), public(0, "new")]).unwrap();
    live.replace(KeyView::fixed(both));
    assert_eq!(judge(&verifiers, &old), Ok(issuer(0)));
    assert_eq!(judge(&verifiers, &new), Ok(issuer(0)));

    live.replace(KeyView::fixed(KeySet::of([public(0, "new")]).unwrap()));
    assert_eq!(judge(&verifiers, &old).unwrap_err().code(), "unknown_key");
    assert_eq!(judge(&verifiers, &new), Ok(issuer(0)));
    // Taking over the id of another issuer's key changes nothing for that one.
    live.replace(KeyView::fixed(KeySet::of([public(0, "key-1")]).unwrap()));
    assert_eq!(
        judge(&verifiers, &Forgery::honest(1, "key-1").token()),
        Ok(issuer(1))
    );
}

#[test]
fn one_issuer_whose_keys_are_unavailable_does_not_stop_the_others() {
    let spent = LiveKeys::new(KeyView::fixed(KeySet::of([public(0, "key-0")]).unwrap()).spent(NOW));
    let other = KeySet::of([public(1, "key-1")]).unwrap();
    let verifiers =
        Verifiers::of([verifier(spent, policy(0)), verifier(other, policy(1))]).unwrap();
    assert_eq!(
        judge(&verifiers, &Forgery::honest(1, "key-1").token()),
        Ok(issuer(1))
    );
    // Its own tokens, and those that might be its own, cannot be judged.
    for key_id in ["key-0", "a new one"] {
        let error = judge(&verifiers, &Forgery::honest(0, key_id).token()).unwrap_err();
        assert_eq!(error.class(), ErrorClass::CannotKnow);
        assert_eq!(error.code(), "keys_unavailable");
        assert_eq!(error.issuer(), Some("https://issuer-0.example"));
    }
    // What the other one has signed for itself is its own, and refused for good.
    let mut elsewhere = Forgery::honest(1, "key-1");
    elsewhere.audience = 7;
    let error = judge(&verifiers, &elsewhere.token()).unwrap_err();
    assert_eq!(error.code(), "aud_mismatch");
}

/// Who copies the id of another's new key must not hide that the key is missing.
#[test]
fn a_copied_key_id_does_not_hide_that_keys_cannot_be_known() {
    let stale = KeyView::of_keyring(
        KeySet::of([public(0, "old")]).unwrap(),
        UnixTime::from_seconds(0),
        NOW,
        UnixTime::from_seconds(NOW.seconds() + 3600),
    );
    for copies in 1..3 {
        let copiers = (1..=copies).map(|n| {
            let keys = KeySet::of([public(n, "new"), public(n, "own")]).unwrap();
            verifier(keys, policy(n).typ("JWT"))
        });
        let first = verifier(LiveKeys::new(stale.clone()), policy(0).typ("JWT"));
        let verifiers = Verifiers::of(std::iter::once(first).chain(copiers)).unwrap();
        let token = |signer: usize, issuer_of: usize, key_id: &str| {
            let minter = Minter::builder(key(signer, key_id), issuer(issuer_of))
                .audience(audience(issuer_of))
                .clock(ManualClock::at(NOW))
                .build()
                .unwrap();
            minter.mint(&Claims::for_subject("alice")).unwrap()
        };
        let error = judge(&verifiers, &token(0, 0, "new")).unwrap_err();
        assert_eq!(error.code(), "keys_unavailable");
        assert_eq!(error.issuer(), Some("https://issuer-0.example"));
        // What the copier signed for itself says whose it is.
        assert_eq!(judge(&verifiers, &token(1, 1, "new")), Ok(issuer(1)));
        assert_eq!(judge(&verifiers, &token(0, 0, "old")), Ok(issuer(0)));
    }
}

#[test]
fn each_issuer_holds_its_tokens_to_its_own_length() {
    let limited = |n: usize, limit: usize| {
        let keys = KeySet::of([public(n, &format!("key-{n}"))]).unwrap();
        Verifier::builder(keys)
            .policy(policy(n))
            .without_revocation()
            .clock(ManualClock::at(NOW))
            .max_token_bytes(limit)
            .build()
    };
    let verifiers = Verifiers::of([limited(0, 100), limited(1, 10_000)]).unwrap();
    let short = judge(&verifiers, &Forgery::honest(0, "key-0").token());
    assert_eq!(short.unwrap_err().code(), "too_long");
    assert_eq!(
        judge(&verifiers, &Forgery::honest(1, "key-1").token()),
        Ok(issuer(1))
    );
    let error = verifiers.verify(&"a".repeat(10_001)).unwrap_err();
    assert_eq!(
        *error.kind(),
        VerifyErrorKind::Malformed(tokenwright::Malformation::TooLong {
            limit: 10_000,
            found: 10_001
        })
    );
}

#[test]
fn a_policy_that_names_no_issuer_is_not_let_in_among_others() {
    let keys = KeySet::of([public(0, "key-0")]).unwrap();
    let anybody = verifier(keys.clone(), dangerous::any_issuer("service-0"));
    let error = Verifiers::of([anybody.clone(), verifier(keys, policy(0))]).unwrap_err();
    assert_eq!(error.code(), "any_issuer");
    assert_eq!(Verifiers::of([]).unwrap_err().code(), "no_verifier");
    // Alone it has nobody to speak for.
    let alone = Verifiers::from(anybody);
    let minter = Minter::builder(key(0, "key-0"), "whoever")
        .audience("service-0")
        .clock(ManualClock::at(NOW))
        .lifetime(Duration::from_secs(60))
        .build()
        .unwrap();
    let token = minter.mint(&Claims::for_subject("alice")).unwrap();
    assert_eq!(judge(&alone, &token), Ok("whoever".to_owned()));
}
