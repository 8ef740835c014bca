//! Row 59, for status lists: what an attacker would like a verifier to believe, or not to
//! have heard of, so that a revoked token is good again.

use std::time::Duration;

use serde_json::{Value, json};
use tokenwright::key::Algorithm;
use tokenwright::status_list::{
    Status, StatusBits, StatusList, StatusListReader, StatusListToken, StatusLists, Unlisted,
};
use tokenwright::{Freshness, ManualClock, UnixTime, Verifier, WhenUnknown};

use crate::forge::{Forge, encode};
use crate::scene::*;

const URI: &str = "https://auth.example/statuslists/1";

/// An issuer, and a verifier that holds whatever lists it can be made to believe.
struct Scene {
    issuer: Issuer,
    lists: StatusLists,
    verifier: Verifier,
}

fn scene() -> Scene {
    scene_when(WhenUnknown::Refuse)
}

fn scene_when(when: WhenUnknown) -> Scene {
    let issuer = Issuer::new(Algorithm::EdDsa);
    let lists = StatusLists::new(Unlisted::Refuse, Duration::ZERO);
    let verifier = Verifier::builder(issuer.keys())
        .policy(policy())
        .revocation(lists.clone(), Freshness::new(Duration::MAX, when))
        .clock(ManualClock::at(NOW))
        .build();
    Scene {
        issuer,
        lists,
        verifier,
    }
}

impl Scene {
    /// A token with this value of `status.status_list`.
    fn token(&self, status_list: Value) -> String {
        let status = json!({"status_list": status_list});
        self.issuer.with_claim("status", status)
    }

    fn at_index(&self, index: u64) -> String {
        self.token(json!({"idx": index, "uri": URI}))
    }

    fn list_header(&self) -> Value {
        let mut header = self.issuer.header();
        header["typ"] = "statuslist+jwt".into();
        header
    }

    fn signed(&self, header: &Value, payload: &Value) -> String {
        self.issuer
            .forge
            .jws(header.to_string(), payload.to_string())
    }

    /// What becomes of a list that somebody hands in as the one at `URI`.
    fn hand_in(&self, text: &str) -> Result<(), &'static str> {
        self.hand_in_at(text, NOW)
    }

    fn hand_in_at(&self, text: &str, now: UnixTime) -> Result<(), &'static str> {
        let reader = StatusListReader::new(self.issuer.keys(), Duration::ZERO);
        let accepted = self.lists.accept(&reader, URI, text, now);
        accepted.map(|_| ()).map_err(|error| error.code())
    }
}

/// Claims of a list of eight places; index 3 is revoked in the honest one.
fn list_claims(revoked: &[u64]) -> Value {
    let revoked = revoked.iter().map(|index| (*index, Status::INVALID));
    let list = StatusList::of(StatusBits::One, 8, revoked).unwrap();
    json!({
        "sub": URI, "iat": NOW.seconds() - 60, "exp": NOW.seconds() + 60,
        "status_list": serde_json::from_str::<Value>(&list.to_json()).unwrap(),
    })
}

fn with(mut value: Value, name: &str, member: Value) -> Value {
    value[name] = member;
    value
}

/// Row 59.
#[test]
fn a_status_list_that_is_missing_or_has_expired_revives_nobody() {
    let scene = scene();
    // Nothing was fetched yet, or only another list.
    refused_by(&scene.verifier, &scene.at_index(0), "revocation_unknown");
    let elsewhere = StatusList::new(StatusBits::One, 8).unwrap();
    let elsewhere =
        StatusListToken::new("https://auth.example/statuslists/2", elsewhere, NOW, None);
    scene.lists.hold(elsewhere).unwrap();
    refused_by(&scene.verifier, &scene.at_index(0), "revocation_unknown");
    // An expired list is not taken in.
    let honest = scene.signed(&scene.list_header(), &list_claims(&[3]));
    let ends = UnixTime::from_seconds(NOW.seconds() + 60);
    assert_eq!(scene.hand_in_at(&honest, ends), Err("expired"));
    refused_by(&scene.verifier, &scene.at_index(0), "revocation_unknown");
    // One that expires while it is held stops counting in that very second.
    let before = with(list_claims(&[3]), "exp", NOW.seconds().into());
    let before = scene.signed(&scene.list_header(), &before);
    let earlier = UnixTime::from_seconds(NOW.seconds() - 1);
    scene.hand_in_at(&before, earlier).unwrap();
    refused_by(&scene.verifier, &scene.at_index(0), "revocation_unknown");
    // The honest twin: held and in time.
    scene.hand_in(&honest).unwrap();
    accepted_by(&scene.verifier, &scene.at_index(0));
    refused_by(&scene.verifier, &scene.at_index(3), "revoked");
    // Open only by the operator's own word, and never for what is known to be revoked.
    let open = scene_when(WhenUnknown::Allow);
    accepted_by(&open.verifier, &open.at_index(0));
    open.hand_in(&open.signed(&open.list_header(), &list_claims(&[3])))
        .unwrap();
    refused_by(&open.verifier, &open.at_index(3), "revoked");
}

/// Row 59.
#[test]
fn a_status_list_that_its_issuer_did_not_sign_as_one_is_not_believed() {
    let scene = scene();
    let honest = scene.signed(&scene.list_header(), &list_claims(&[3]));
    scene.hand_in(&honest).unwrap();
    let all_valid = list_claims(&[]);
    let header = |name: &str, value: Value| with(scene.list_header(), name, value);
    let [input_header, _, signature] = parts(&honest);
    let stranger = Issuer::new(Algorithm::EdDsa);
    let point = public_jwk(&scene.issuer.key)["x"]
        .as_str()
        .unwrap()
        .to_owned();
    let hmac = Forge::with_secret(Algorithm::Hs256, point.as_bytes());
    let none = encode(header("alg", "none".into()).to_string().as_bytes());
    let payload = encode(all_valid.to_string().as_bytes());
    for (text, code) in [
        // Another payload under the old signature, no signature, another's signature.
        (
            format!("{input_header}.{payload}.{signature}"),
            "bad_signature",
        ),
        (format!("{input_header}.{payload}."), "bad_signature"),
        (
            stranger
                .forge
                .jws(scene.list_header().to_string(), all_valid.to_string()),
            "bad_signature",
        ),
        (format!("{none}.{payload}."), "alg_mismatch"),
        (
            hmac.jws(
                header("alg", "HS256".into()).to_string(),
                all_valid.to_string(),
            ),
            "alg_mismatch",
        ),
        (
            scene.signed(&header("kid", "k2".into()), &all_valid),
            "unknown_key",
        ),
        (
            scene.signed(&header("crit", json!(["x"])), &all_valid),
            "unsupported_extension",
        ),
        (
            scene.signed(&header("zip", "DEF".into()), &all_valid),
            "unsupported_extension",
        ),
        // Signed by the issuer, as something else.
        (
            scene.signed(&header("typ", "JWT".into()), &all_valid),
            "typ_mismatch",
        ),
        (
            scene.signed(&header("typ", "statuslist+cwt".into()), &all_valid),
            "typ_mismatch",
        ),
        (
            scene.signed(&header("typ", Value::Null), &all_valid),
            "malformed",
        ),
        (scene.at_index(3), "typ_mismatch"),
        (String::new(), "malformed"),
        (all_valid.to_string(), "malformed"),
        (format!("{honest}\n"), "malformed"),
    ] {
        assert_eq!(scene.hand_in(&text), Err(code), "{text}");
        refused_by(&scene.verifier, &scene.at_index(3), "revoked");
    }
    // Nor does a list pass for a token of the user it names.
    let mut both = claims();
    both["sub"] = URI.into();
    let text = scene.signed(&scene.list_header(), &both);
    scene.issuer.refuses(&text, "typ_mismatch");
}

/// Row 59.
#[test]
fn a_status_list_of_another_uri_is_not_believed() {
    let scene = scene();
    let honest = scene.signed(&scene.list_header(), &list_claims(&[3]));
    scene.hand_in(&honest).unwrap();
    for subject in [
        json!("https://auth.example/statuslists/2"),
        json!("https://auth.example/statuslists/1/"),
        json!("https://auth.example/statuslists/1#"),
        json!("https://AUTH.example/statuslists/1"),
        json!("http://auth.example/statuslists/1"),
        json!("https://auth.example:443/statuslists/1"),
        json!("https://auth.example/statuslists/%31"),
        json!(" https://auth.example/statuslists/1"),
        json!(""),
    ] {
        let other = with(list_claims(&[]), "sub", subject);
        let text = scene.signed(&scene.list_header(), &other);
        assert_eq!(scene.hand_in(&text), Err("sub_mismatch"), "{other}");
    }
    for subject in [json!(null), json!([URI]), json!(1)] {
        let other = with(list_claims(&[]), "sub", subject);
        let text = scene.signed(&scene.list_header(), &other);
        assert_eq!(scene.hand_in(&text), Err("bad_member"), "{other}");
    }
    refused_by(&scene.verifier, &scene.at_index(3), "revoked");
    // A token that spells the URI in another way names a list that nobody holds.
    for uri in [
        "https://auth.example/statuslists/%31",
        "https://AUTH.example/statuslists/1",
    ] {
        let token = scene.token(json!({"idx": 3, "uri": uri}));
        refused_by(&scene.verifier, &token, "revocation_unknown");
    }
}

/// Row 59.
#[test]
fn an_index_past_the_end_of_its_status_list_revives_nobody() {
    let scene = scene();
    scene
        .hand_in(&scene.signed(&scene.list_header(), &list_claims(&[3])))
        .unwrap();
    accepted_by(&scene.verifier, &scene.at_index(7));
    for index in [8, 1 << 20, 1 << 32, 1 << 63, u64::MAX] {
        refused_by(
            &scene.verifier,
            &scene.at_index(index),
            "revocation_unknown",
        );
    }
    // An index that no list could have is no index.
    for index in [json!(-1), json!(3.0), json!("3"), json!(null), json!([3])] {
        let token = scene.token(json!({"idx": index, "uri": URI}));
        refused_by(&scene.verifier, &token, "bad_claims");
    }
    for status_list in [
        json!({"uri": URI}),
        json!({"idx": 3}),
        json!(null),
        json!([3, URI]),
    ] {
        refused_by(&scene.verifier, &scene.token(status_list), "bad_claims");
    }
    // A status that names no list is as good as none, which was decided beforehand.
    for status in [
        json!({}),
        json!(null),
        json!({"Status_list": {"idx": 3, "uri": URI}}),
    ] {
        let token = scene.issuer.with_claim("status", status);
        refused_by(&scene.verifier, &token, "missing_claim");
    }
    refused_by(&scene.verifier, &scene.issuer.token(), "missing_claim");
}

/// Row 59.
#[test]
fn an_earlier_status_list_does_not_bring_back_what_was_revoked_since() {
    let scene = scene();
    let issued = |seconds: i64, revoked: &[u64]| {
        let claims = with(
            list_claims(revoked),
            "iat",
            (NOW.seconds() + seconds).into(),
        );
        scene.signed(&scene.list_header(), &claims)
    };
    let (before, after) = (issued(-30, &[]), issued(-10, &[3]));
    scene.hand_in(&before).unwrap();
    accepted_by(&scene.verifier, &scene.at_index(3));
    scene.hand_in(&after).unwrap();
    assert_eq!(scene.hand_in(&before), Err("rolled_back"));
    refused_by(&scene.verifier, &scene.at_index(3), "revoked");
    // Nor may a list from the future shut out every list until then.
    assert_eq!(scene.hand_in(&issued(1, &[])), Err("not_yet_valid"));
    scene.hand_in(&issued(0, &[3, 4])).unwrap();
    refused_by(&scene.verifier, &scene.at_index(4), "revoked");
}
