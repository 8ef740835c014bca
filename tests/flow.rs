//! The two flows, a test for each arrow, for JWT and PASETO alike.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokenwright::key::{Algorithm, KeyId, SigningKey};
use tokenwright::{
    Claims, ErrorClass, Freshness, KeySet, LiveRevocations, ManualClock, MintErrorKind,
    MintOptions, Minter, Policy, Presented, RawVerifier, Revocation, RevocationList,
    RevocationView, Scratch, TokenIds, UnixTime, UntrustedToken, Verifier, VerifyErrorKind,
    WhenUnknown, dangerous, sign_raw,
};

const ISSUER: &str = "https://auth.example";
const AUDIENCE: &str = "orders-api";
const NOW: UnixTime = UnixTime::from_seconds(1_760_000_000);

/// A key, a minter with it and the set a verifier needs.
struct House {
    minter: Minter,
    keys: KeySet,
}

fn house(algorithm: Algorithm) -> House {
    let key = SigningKey::generate(algorithm).unwrap();
    let keys = KeySet::of([key.verifying_key()]).unwrap();
    let minter = Minter::builder(key, ISSUER)
        .audience(AUDIENCE)
        .clock(ManualClock::at(NOW))
        .build()
        .unwrap();
    House { minter, keys }
}

fn policy() -> Policy {
    Policy::new(ISSUER, AUDIENCE)
}

fn verifier(keys: &KeySet, policy: Policy) -> Verifier {
    Verifier::builder(keys.clone())
        .policy(policy)
        .without_revocation()
        .clock(ManualClock::at(NOW))
        .build()
}

/// The code of the deciding reason.
#[track_caller]
fn refusal(verifier: &Verifier, token: &str) -> &'static str {
    verifier
        .verify(token)
        .expect_err("the token was accepted")
        .code()
}

fn later(seconds: u64) -> UnixTime {
    NOW.saturating_add(Duration::from_secs(seconds))
}

#[test]
fn every_algorithm_mints_what_it_verifies() {
    for algorithm in Algorithm::ALL {
        let House { minter, keys } = house(algorithm);
        let token = minter
            .mint(&Claims::for_subject("alice").with_scope("read write"))
            .unwrap();
        let verified = verifier(&keys, policy()).verify(&token).unwrap();
        assert_eq!(verified.subject(), Some("alice"), "{algorithm}");
        assert_eq!(verified.issuer(), Some(ISSUER));
        assert_eq!(verified.audience(), [AUDIENCE]);
        assert_eq!(verified.issued_at(), Some(NOW));
        assert_eq!(verified.expires_at(), Some(later(900)));
        assert_eq!(
            verified.token_id().map(str::len),
            Some(22),
            "128 random bits"
        );
        assert!(verified.has_scope("write") && !verified.has_scope("writ"));
        assert_eq!(verified.algorithm(), algorithm);
    }
}

#[test]
fn every_changed_byte_of_a_token_is_noticed() {
    for algorithm in [
        Algorithm::EdDsa,
        Algorithm::Es256,
        Algorithm::Hs256,
        Algorithm::V4Public,
        Algorithm::V4Local,
    ] {
        let House { minter, keys } = house(algorithm);
        let token = minter.mint(&Claims::for_subject("alice")).unwrap();
        let verifier = verifier(&keys, policy());
        for position in 0..token.len() {
            for replacement in [b'A', b'.', b'_', b'=', b' '] {
                let mut bytes = token.clone().into_bytes();
                if bytes[position] == replacement {
                    continue;
                }
                bytes[position] = replacement;
                let changed = String::from_utf8(bytes).unwrap();
                assert!(
                    verifier.verify(&changed).is_err(),
                    "{algorithm} at {position}: {changed}"
                );
            }
        }
        for end in 0..token.len() {
            assert!(
                verifier.verify(&token[..end]).is_err(),
                "{algorithm} cut to {end}"
            );
        }
    }
}

#[test]
fn parse_refuses_what_is_not_exactly_a_token() {
    let House { minter, keys } = house(Algorithm::EdDsa);
    let token = minter.mint(&Claims::for_subject("alice")).unwrap();
    let verifier = verifier(&keys, policy());
    for text in [
        String::new(),
        format!(" {token}"),
        format!("{token}\n"),
        format!("Bearer {token}"),
        format!("{token}."),
        format!("\u{feff}{token}"),
        token.replace('.', "\u{ff0e}"),
    ] {
        assert_eq!(refusal(&verifier, &text), "malformed", "{text}");
    }
    assert_eq!(refusal(&verifier, &".".repeat(17_000)), "too_long");
}

#[test]
fn select_finds_the_key_by_its_id_and_never_tries_another() {
    let named = |id: &str| {
        SigningKey::generate(Algorithm::EdDsa)
            .unwrap()
            .with_id(KeyId::new(id).unwrap())
    };
    let (first, second) = (named("first"), named("second"));
    let both = KeySet::of([first.verifying_key(), second.verifying_key()]).unwrap();
    let only_second = KeySet::of([second.verifying_key()]).unwrap();
    let unnamed_header = sign_raw(&second, b"{}", b"", b"").unwrap();
    let token = Minter::builder(first, ISSUER)
        .audience(AUDIENCE)
        .clock(ManualClock::at(NOW))
        .build()
        .unwrap();
    let token = token.mint(&Claims::for_subject("alice")).unwrap();
    assert!(verifier(&both, policy()).verify(&token).is_ok());
    assert_eq!(
        refusal(&verifier(&only_second, policy()), &token),
        "unknown_key"
    );
    assert!(RawVerifier::new(both).verify(&unnamed_header).is_ok());
    assert_eq!(
        refusal(&verifier(&KeySet::of([]).unwrap(), policy()), &token),
        "unknown_key"
    );
}

#[test]
fn select_lets_a_key_without_a_name_stand_alone() {
    let foreign = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let unnamed = KeySet::of([foreign.verifying_key()]).unwrap();
    let minter = Minter::builder(foreign.with_id(KeyId::new("theirs").unwrap()), ISSUER);
    let minter = minter
        .audience(AUDIENCE)
        .clock(ManualClock::at(NOW))
        .build()
        .unwrap();
    let token = minter.mint(&Claims::for_subject("alice")).unwrap();
    assert!(verifier(&unnamed, policy()).verify(&token).is_ok());
}

#[test]
fn bind_compares_the_algorithm_and_does_not_follow_it() {
    let id = KeyId::new("k").unwrap();
    let keys: Vec<SigningKey> = [
        Algorithm::EdDsa,
        Algorithm::Ed25519,
        Algorithm::Es256,
        Algorithm::Rs256,
        Algorithm::Ps256,
    ]
    .into_iter()
    .map(|algorithm| SigningKey::generate(algorithm).unwrap().with_id(id.clone()))
    .collect();
    for signer in &keys {
        let token = sign_raw(signer, b"{}", b"", b"").unwrap();
        for holder in &keys {
            let verdict =
                RawVerifier::new(KeySet::of([holder.verifying_key()]).unwrap()).verify(&token);
            if signer.algorithm() == holder.algorithm() {
                assert!(verdict.is_ok());
            } else {
                assert_eq!(verdict.unwrap_err().code(), "alg_mismatch");
            }
        }
    }
}

#[test]
fn bind_expects_the_type_it_was_told() {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let keys = KeySet::of([key.verifying_key()]).unwrap();
    let minter = Minter::builder(key, ISSUER)
        .audience(AUDIENCE)
        .typ("at+jwt")
        .clock(ManualClock::at(NOW));
    let token = minter
        .build()
        .unwrap()
        .mint(&Claims::for_subject("alice"))
        .unwrap();
    for expected in ["at+jwt", "AT+JWT", "application/at+jwt"] {
        assert!(
            verifier(&keys, policy().typ(expected))
                .verify(&token)
                .is_ok(),
            "{expected}"
        );
    }
    for unexpected in ["JWT", "at+jwtx", "text/at+jwt", "statuslist+jwt"] {
        assert_eq!(
            refusal(&verifier(&keys, policy().typ(unexpected)), &token),
            "typ_mismatch"
        );
    }
    assert_eq!(
        refusal(&verifier(&keys, policy()), &token),
        "typ_mismatch",
        "a type nobody expected"
    );
}

#[test]
fn open_binds_a_paseto_to_its_footer_and_assertion() {
    for algorithm in [Algorithm::V4Public, Algorithm::V4Local] {
        let House { minter, keys } = house(algorithm);
        let options = MintOptions::new()
            .assertion(b"device-7")
            .footer(b"free text");
        let token = minter
            .mint_with(&Claims::for_subject("alice"), options)
            .unwrap();
        let verifier = verifier(&keys, policy());
        let verified = verifier
            .verify(Presented::new(&token).with_assertion(b"device-7"))
            .unwrap();
        assert_eq!(verified.footer(), b"free text");
        assert_eq!(
            refusal(&verifier, &token),
            "bad_signature",
            "the assertion is missing"
        );
        let other = verifier
            .verify(Presented::new(&token).with_assertion(b"device-8"))
            .unwrap_err();
        assert_eq!(other.code(), "bad_signature");
        let without_footer = token.rsplit_once('.').unwrap().0;
        assert_eq!(refusal(&verifier, without_footer), "bad_signature");
    }
}

#[test]
fn open_refuses_an_assertion_for_a_jwt() {
    let House { minter, keys } = house(Algorithm::EdDsa);
    let token = minter.mint(&Claims::for_subject("alice")).unwrap();
    let error = verifier(&keys, policy())
        .verify(Presented::new(&token).with_assertion(b"x"))
        .unwrap_err();
    assert_eq!(error.code(), "bad_signature");
    let refused = minter
        .mint_with(&Claims::new(), MintOptions::new().assertion(b"x"))
        .unwrap_err();
    assert_eq!(refused.kind(), &MintErrorKind::NotPaseto);
}

/// Signs any payload as a JWT of the house.
fn signed(payload: &str) -> (KeySet, String) {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let keys = KeySet::of([key.verifying_key()]).unwrap();
    // `sign_raw` writes `typ` `JOSE`, so these policies expect that type.
    let token = sign_raw(&key, payload.as_bytes(), b"", b"").unwrap();
    (keys, token)
}

/// Judged as claims, whatever the type.
fn judge(payload: &str) -> Result<(), tokenwright::VerifyError> {
    let (keys, token) = signed(payload);
    verifier(&keys, policy().typ("JOSE"))
        .verify(&token)
        .map(|_| ())
}

#[test]
fn decode_calls_a_claim_of_the_wrong_type_an_error_and_never_absent() {
    let good = json!({"iss": ISSUER, "aud": AUDIENCE, "exp": 1_760_000_900, "sub": "alice"});
    assert!(judge(&good.to_string()).is_ok());
    let wrong_everywhere = [
        json!(null),
        json!(true),
        json!({}),
        json!({"a": 1}),
        json!([[1]]),
    ];
    let not_text = [json!(1), json!(1.5), json!([]), json!(["x"])];
    let not_time = [json!("1760000900"), json!(["1760000900"]), json!("")];
    for name in [
        "iss", "sub", "aud", "jti", "sid", "scope", "exp", "nbf", "iat",
    ] {
        let specific: &[Value] = if ["exp", "nbf", "iat"].contains(&name) {
            &not_time
        } else {
            &not_text
        };
        for value in wrong_everywhere.iter().chain(specific) {
            // An audience may be an array of strings; the policy judges those.
            if name == "aud"
                && value
                    .as_array()
                    .is_some_and(|list| list.iter().all(Value::is_string))
            {
                continue;
            }
            let mut claims = good.clone();
            claims[name] = value.clone();
            let error = judge(&claims.to_string()).expect_err(&claims.to_string());
            assert_eq!(error.code(), "bad_claims", "{claims}");
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}

#[test]
fn decode_reads_numbers_as_they_are() {
    let with_exp = |exp: &str| {
        judge(&format!(
            r#"{{"iss":"{ISSUER}","aud":"{AUDIENCE}","exp":{exp}}}"#
        ))
    };
    for good in [
        "1760000900",
        "1760000900.5",
        "1.7600009e9",
        "9007199254740993",
        "9223372036854775807",
    ] {
        assert!(with_exp(good).is_ok(), "{good}");
    }
    for bad in [
        "1e400",
        "9223372036854775808",
        "1e308",
        "99999999999999999999999999",
    ] {
        assert_eq!(with_exp(bad).unwrap_err().code(), "bad_claims", "{bad}");
    }
    for past in ["0", "-1.5", "1759999969.999", "1.759999e9"] {
        assert_eq!(with_exp(past).unwrap_err().code(), "expired", "{past}");
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shop {
    role: String,
    cart: Vec<u32>,
    #[serde(default)]
    note: Option<String>,
}

#[test]
fn decode_gives_the_application_its_own_claims_and_only_those() {
    let House { minter, keys } = house(Algorithm::V4Public);
    let shop = || Shop {
        role: "admin \"é\"".to_owned(),
        cart: vec![1, 2],
        note: None,
    };
    let token = minter
        .mint(&Claims::for_subject("alice").with_custom(shop()))
        .unwrap();
    let verifier = verifier(&keys, policy());
    // `deny_unknown_fields` shows that registered claims do not reach the type.
    assert_eq!(
        verifier.verify_as::<Shop>(&token).unwrap().custom(),
        &shop()
    );
    let untyped = verifier.verify_as::<Map<String, Value>>(&token).unwrap();
    assert_eq!(
        Value::Object(untyped.custom().clone()),
        serde_json::to_value(shop()).unwrap()
    );
    let bare = minter.mint(&Claims::for_subject("alice")).unwrap();
    let error = verifier.verify_as::<Shop>(&bare).unwrap_err();
    assert_eq!(
        error.code(),
        "bad_claims",
        "missing custom claims are not defaults"
    );
    assert!(
        verifier
            .verify_as::<Option<Shop>>(&bare)
            .unwrap()
            .custom()
            .is_none()
    );
}

#[test]
fn borrowed_claims_say_the_same_as_owned_ones() {
    let House { minter, keys } = house(Algorithm::EdDsa);
    let claims = Claims::for_subject("a\"b\\é")
        .with_session_id("s1")
        .with_custom(json!({"n": 7}));
    let token = minter.mint(&claims).unwrap();
    let verifier = verifier(&keys, policy());
    let owned = verifier.verify(&token).unwrap();
    let mut scratch = Scratch::new();
    let lent = verifier.verify_borrowed(&token, &mut scratch).unwrap();
    assert_eq!(lent.subject().as_deref(), owned.subject());
    assert_eq!(lent.session_id().as_deref(), Some("s1"));
    assert_eq!(lent.token_id().as_deref(), owned.token_id());
    assert_eq!(lent.audience().iter().collect::<Vec<_>>(), [AUDIENCE]);
    assert_eq!(lent.expires_at(), owned.expires_at());
    assert_eq!(lent.get::<u8>("n").unwrap().unwrap(), 7);
    assert!(lent.get::<u8>("absent").is_none());
}

#[test]
fn judge_treats_silence_as_a_refusal_in_both_directions() {
    let claims = |aud: Value| json!({"iss": ISSUER, "exp": 1_760_000_900, "aud": aud}).to_string();
    let absent = json!({"iss": ISSUER, "exp": 1_760_000_900}).to_string();
    let judge = |policy: Policy, payload: &str| {
        let (keys, token) = signed(payload);
        verifier(&keys, policy.typ("JOSE"))
            .verify(&token)
            .map_err(|error| error.code())
    };
    let nobody = || Policy::without_audience(ISSUER);
    assert!(judge(policy(), &claims(json!(["else", AUDIENCE]))).is_ok());
    assert!(judge(policy().or_audience("else"), &claims(json!("else"))).is_ok());
    assert!(judge(nobody(), &absent).is_ok());
    assert!(judge(dangerous::any_audience(ISSUER), &claims(json!("else"))).is_ok());
    for (policy, payload) in [
        (policy(), absent),
        (policy(), claims(json!([]))),
        (policy(), claims(json!("orders-api "))),
        (policy(), claims(json!("ORDERS-API"))),
        (nobody(), claims(json!(AUDIENCE))),
        (nobody(), claims(json!([]))),
    ] {
        assert_eq!(
            judge(policy, &payload).unwrap_err(),
            "aud_mismatch",
            "{payload}"
        );
    }
}

#[test]
fn judge_holds_times_to_the_second() {
    let House { minter, keys } = house(Algorithm::EdDsa);
    let token = minter
        .mint(&Claims::new().with_not_before(later(60)))
        .unwrap();
    let strict = verifier(&keys, policy().leeway(Duration::ZERO));
    let lenient = verifier(&keys, policy().leeway(Duration::from_secs(10)));
    let code = |verifier: &Verifier, at| {
        verifier
            .verify(Presented::new(&token).at(later(at)))
            .map_or_else(|error| error.code(), |_| "valid")
    };
    assert_eq!(
        [code(&strict, 59), code(&strict, 60)],
        ["not_yet_valid", "valid"]
    );
    assert_eq!(
        [code(&strict, 899), code(&strict, 900)],
        ["valid", "expired"]
    );
    assert_eq!(
        [code(&lenient, 49), code(&lenient, 50)],
        ["not_yet_valid", "valid"]
    );
    assert_eq!(
        [code(&lenient, 909), code(&lenient, 910)],
        ["valid", "expired"]
    );
    let before = NOW.saturating_sub(Duration::from_secs(11));
    let error = lenient
        .verify(Presented::new(&token).at(before))
        .unwrap_err();
    assert_eq!(error.reasons().count(), 2, "nbf and iat are both ahead");
}

#[test]
fn judge_knows_the_greatest_age_and_lifetime() {
    let House { minter, keys } = house(Algorithm::EdDsa);
    let token = minter.mint(&Claims::new()).unwrap();
    let aged = verifier(
        &keys,
        policy()
            .leeway(Duration::ZERO)
            .max_age(Duration::from_secs(60)),
    );
    assert!(aged.verify(Presented::new(&token).at(later(60))).is_ok());
    assert_eq!(
        aged.verify(Presented::new(&token).at(later(61)))
            .unwrap_err()
            .code(),
        "too_old"
    );
    let short = verifier(&keys, policy().max_lifetime(Duration::from_secs(899)));
    assert_eq!(refusal(&short, &token), "lifetime_too_long");
    assert!(
        verifier(&keys, policy().max_lifetime(Duration::from_secs(900)))
            .verify(&token)
            .is_ok()
    );
    let without_iat = json!({"iss": ISSUER, "aud": AUDIENCE, "exp": 1_760_000_900}).to_string();
    let (keys, token) = signed(&without_iat);
    let aged = verifier(&keys, policy().typ("JOSE").max_age(Duration::from_secs(60)));
    assert_eq!(refusal(&aged, &token), "missing_claim");
}

#[test]
fn judge_requires_an_expiry_unless_it_is_waived_aloud() {
    let (keys, token) = signed(&json!({"iss": ISSUER, "aud": AUDIENCE}).to_string());
    let policy = policy().typ("JOSE");
    assert_eq!(
        refusal(&verifier(&keys, policy.clone()), &token),
        "missing_claim"
    );
    assert!(
        verifier(&keys, dangerous::without_expiry(policy))
            .verify(&token)
            .is_ok()
    );
}

#[test]
fn judge_names_every_failed_claim_and_the_gravest_first() {
    let House { minter, keys } = house(Algorithm::EdDsa);
    let token = minter.mint(&Claims::new()).unwrap();
    let verifier = verifier(
        &keys,
        Policy::new("https://other.example", "other-api").require("sub"),
    );
    let error = verifier
        .verify(Presented::new(&token).at(later(2000)))
        .unwrap_err();
    let codes: Vec<_> = error.reasons().map(VerifyErrorKind::code).collect();
    assert_eq!(
        codes,
        ["iss_mismatch", "aud_mismatch", "missing_claim", "expired"]
    );
    assert_eq!(error.class(), ErrorClass::NotHere);
    assert_eq!(error.public_message(), "the token is not valid");
    assert_eq!(
        error.to_string(),
        "iss: expected \"https://other.example\", found \"https://auth.example\"; \
         aud: expected \"other-api\", found \"orders-api\"; \
         sub is required and absent; \
         expired 18 minutes 20 seconds ago, at 2025-10-09T09:08:20Z (leeway 30 s)"
    );
}

#[test]
fn judge_lets_a_check_refuse_and_never_accept() {
    let House { minter, keys } = house(Algorithm::EdDsa);
    let token = minter.mint(&Claims::for_subject("mallory")).unwrap();
    let refusing = policy().check(|claims| match claims.subject().as_deref() {
        Some("alice") => Ok(()),
        _ => Err("not on the list".to_owned()),
    });
    let error = verifier(&keys, refusing).verify(&token).unwrap_err();
    assert_eq!(
        error.to_string(),
        "refused by the application: \"not on the list\""
    );
    let generous = Policy::new(ISSUER, "elsewhere").check(|_| Ok(()));
    assert_eq!(refusal(&verifier(&keys, generous), &token), "aud_mismatch");
}

#[test]
fn revoke_is_the_last_word() {
    let House { minter, keys } = house(Algorithm::EdDsa);
    let token = minter
        .mint(&Claims::for_subject("alice").with_token_id("t1"))
        .unwrap();
    let other = minter
        .mint(&Claims::for_subject("alice").with_token_id("t2"))
        .unwrap();
    let mut list = RevocationList::new();
    for (issuer, token_id) in [(ISSUER, "t1"), ("https://elsewhere.example", "t2")] {
        list.add(&Revocation::token(issuer, token_id, NOW, later(10_000)))
            .unwrap();
    }
    let list = LiveRevocations::new(list, NOW);
    let with = |when_unknown| {
        Verifier::builder(keys.clone())
            .policy(policy())
            .revocation(
                list.clone(),
                Freshness::new(Duration::from_secs(60), when_unknown),
            )
            .build()
    };
    let at = |verifier: &Verifier, token, seconds| {
        verifier
            .verify(Presented::new(token).at(later(seconds)))
            .map_err(|error| (error.code(), error.class()))
    };
    let strict = with(WhenUnknown::Refuse);
    assert_eq!(
        at(&strict, &token, 0).unwrap_err(),
        ("revoked", ErrorClass::Withdrawn)
    );
    assert!(
        at(&strict, &other, 60).is_ok(),
        "another issuer's token of the same id"
    );
    assert_eq!(
        at(&strict, &other, 61).unwrap_err(),
        ("revocation_stale", ErrorClass::CannotKnow)
    );
    let lenient = with(WhenUnknown::Allow);
    assert!(at(&lenient, &other, 61).is_ok());
    assert_eq!(
        at(&lenient, &token, 61).unwrap_err().0,
        "revoked",
        "an old list still knows what it knows"
    );
    // An expired token is reported as expired: revocation is asked about valid ones only.
    assert_eq!(at(&strict, &token, 2000).unwrap_err().0, "expired");
}

#[test]
fn revoke_trusts_no_list_from_the_future() {
    let House { minter, keys } = house(Algorithm::EdDsa);
    let token = minter.mint(&Claims::new()).unwrap();
    let with = |as_of| {
        let fresh = Freshness::new(Duration::from_secs(60), WhenUnknown::Refuse);
        let builder = Verifier::builder(keys.clone()).policy(policy());
        builder
            .revocation(LiveRevocations::new(RevocationList::new(), as_of), fresh)
            .clock(ManualClock::at(NOW))
            .build()
    };
    assert!(
        with(later(600)).verify(&token).is_ok(),
        "clocks differ a little"
    );
    assert_eq!(refusal(&with(later(601)), &token), "revocation_unknown");
}

#[test]
fn revoke_refuses_a_token_that_nobody_could_withdraw() {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let keys = KeySet::of([key.verifying_key()]).unwrap();
    let minter = Minter::builder(key, ISSUER)
        .audience(AUDIENCE)
        .token_ids(TokenIds::Absent);
    let token = minter
        .clock(ManualClock::at(NOW))
        .build()
        .unwrap()
        .mint(&Claims::new())
        .unwrap();
    let with = |list| {
        Verifier::builder(keys.clone())
            .policy(policy())
            .revocation(list, Freshness::new(Duration::MAX, WhenUnknown::Allow))
            .clock(ManualClock::at(NOW))
            .build()
    };
    let list = LiveRevocations::new(RevocationList::new(), NOW);
    assert_eq!(refusal(&with(list.clone()), &token), "missing_claim");
    assert!(with(list.with_unnamed_tokens()).verify(&token).is_ok());
}

/// A minter and a verifier that share one list.
fn sharing(list: &LiveRevocations) -> (Minter, Verifier) {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let keys = KeySet::of([key.verifying_key()]).unwrap();
    let fresh = Freshness::new(Duration::from_secs(60), WhenUnknown::Refuse);
    let minter = Minter::builder(key, ISSUER)
        .audience(AUDIENCE)
        .revocation(list.clone(), fresh)
        .clock(ManualClock::at(NOW));
    let verifier = Verifier::builder(keys)
        .policy(policy())
        .revocation(list.clone(), fresh)
        .clock(ManualClock::at(NOW));
    (minter.build().unwrap(), verifier.build())
}

#[test]
fn a_login_right_after_revoking_all_earlier_ones_is_not_refused() {
    let live = LiveRevocations::new(RevocationList::new(), NOW);
    let (minter, verifier) = sharing(&live);
    let alice = Claims::for_subject("alice");
    let (before, bob) = (
        minter.mint(&alice).unwrap(),
        minter.mint(&Claims::for_subject("bob")).unwrap(),
    );
    let from = Revocation::until_now(NOW);
    let mut list = RevocationList::new();
    list.add(&Revocation::subject_before(
        ISSUER,
        "alice",
        from,
        NOW,
        later(2000),
    ))
    .unwrap();
    live.replace(RevocationView::new(list, NOW));
    assert_eq!(
        refusal(&verifier, &before),
        "revoked",
        "of the very same second"
    );
    assert!(verifier.verify(&bob).is_ok());
    let after = verifier.verify(&minter.mint(&alice).unwrap()).unwrap();
    assert_eq!(after.issued_at(), Some(from));
}

#[test]
fn a_banned_subject_session_audience_or_key_is_not_minted_again() {
    let live = LiveRevocations::new(RevocationList::new(), NOW);
    let (minter, _) = sharing(&live);
    let claims = Claims::for_subject("alice").with_session_id("login-7");
    let kid = minter.mint(&claims).map(|token| {
        let parsed = UntrustedToken::parse(&token, &mut Scratch::new())
            .map(|parsed| parsed.untrusted_key_id().unwrap().into_owned());
        parsed.unwrap()
    });
    let kid = kid.unwrap();
    let (ban, until) = (later(31), later(9000));
    for (entry, by) in [
        (
            Revocation::subject_before(ISSUER, "alice", ban, NOW, until),
            "subject",
        ),
        (
            Revocation::session(ISSUER, "login-7", NOW, until),
            "session",
        ),
        (
            Revocation::audience_before(ISSUER, AUDIENCE, ban, NOW, until),
            "audience",
        ),
        (Revocation::issuer_before(ISSUER, ban, NOW, until), "issuer"),
        (Revocation::key(ISSUER, &*kid, NOW, until), "key"),
    ] {
        let mut list = RevocationList::new();
        list.add(&entry).unwrap();
        live.replace(RevocationView::new(list, NOW));
        let error = minter.mint(&claims).unwrap_err();
        assert!(
            matches!(error.kind(), MintErrorKind::Revoked { by: found, .. } if found.as_str() == by),
            "{by}: {error}"
        );
        assert_eq!(error.class(), ErrorClass::Withdrawn);
    }
    live.replace(RevocationView::new(RevocationList::new(), NOW));
    assert!(minter.mint(&claims).is_ok());
}

#[test]
fn a_minter_writes_only_what_a_verifier_reads() {
    let House { minter, .. } = house(Algorithm::EdDsa);
    let mint = |custom: Value| {
        minter
            .mint(&Claims::new().with_custom(custom))
            .map_err(|error| error.code())
    };
    assert!(mint(json!({})).is_ok() && mint(json!(null)).is_ok());
    assert_eq!(mint(json!({"exp": 1})).unwrap_err(), "reserved_claim");
    assert_eq!(mint(json!([1])).unwrap_err(), "bad_custom_claims");
    assert_eq!(mint(json!("text")).unwrap_err(), "bad_custom_claims");
    assert_eq!(
        mint(json!({"big": "x".repeat(20_000)})).unwrap_err(),
        "too_long"
    );
    let nested = (0..70).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(
        mint(json!({"deep": nested})).unwrap_err(),
        "bad_custom_claims"
    );
}

#[test]
fn a_minter_keeps_within_its_lifetime() {
    let House { minter, .. } = house(Algorithm::EdDsa);
    let mint = |expiry| {
        minter
            .mint(&Claims::new().with_expiry(expiry))
            .map_err(|error| error.code())
    };
    assert!(mint(later(900)).is_ok());
    assert_eq!(mint(later(901)).unwrap_err(), "lifetime_too_long");
    assert_eq!(mint(NOW).unwrap_err(), "already_expired");
}

#[test]
fn a_footer_never_carries_a_secret() {
    let House { minter, .. } = house(Algorithm::V4Public);
    for footer in [
        &b"k4.secret.AAAA"[..],
        br#"{"key":"k4.local.AAAA"}"#,
        b"-----BEGIN PRIVATE KEY-----",
    ] {
        let error = minter
            .mint_with(&Claims::new(), MintOptions::new().footer(footer))
            .unwrap_err();
        assert_eq!(error.code(), "secret_in_footer");
    }
    for (footer, code) in [
        (&b"{not json"[..], "bad_footer"),
        (br#"{"a":1,"a":2}"#, "bad_footer"),
        (&[b'x'; 5000], "footer_too_long"),
    ] {
        let error = minter
            .mint_with(&Claims::new(), MintOptions::new().footer(footer))
            .unwrap_err();
        assert_eq!(error.code(), code);
    }
}

#[test]
fn nothing_that_is_printed_shows_a_token_a_claim_or_a_key() {
    let House { minter, keys } = house(Algorithm::EdDsa);
    let claims = Claims::for_subject("alice-the-secret-subject");
    let token = minter.mint(&claims).unwrap();
    let verifier = verifier(&keys, policy());
    let verified = verifier.verify(&token).unwrap();
    let printed = format!(
        "{claims:?} {verified:?} {verifier:?} {minter:?} {:?}",
        Presented::new(&token)
    );
    assert!(!printed.contains("alice"), "{printed}");
    assert!(
        token.split('.').all(|part| !printed.contains(part)),
        "{printed}"
    );
}
