//! IETF Token Status Lists, from the outside: whatever list goes in comes out, whatever
//! is damaged is refused, and a verifier believes only lists it has good reason to.

use std::time::Duration;

use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::status_list::{
    Status, StatusBits, StatusList, StatusListReader, StatusListToken, StatusLists, Unlisted,
};
use tokenwright::{
    Claims, Freshness, KeySet, MintErrorKind, MintOptions, Minter, Policy, Presented, StatusClaim,
    UnixTime, Verifier, VerifyError, WhenUnknown,
};

const NOW: UnixTime = UnixTime::from_seconds(1_760_000_000);
const URI: &str = "https://auth.example/statuslists/1";
const ISSUER: &str = "https://auth.example";
const LEEWAY: Duration = Duration::from_secs(30);
const ALL_BITS: [StatusBits; 4] = [
    StatusBits::One,
    StatusBits::Two,
    StatusBits::Four,
    StatusBits::Eight,
];

/// Numbers that look random and are the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    /// A list of up to 2,000 places, in which about `share` of 256 are not valid.
    fn list(&mut self, bits: StatusBits, share: u64) -> (StatusList, Vec<Status>) {
        let len = self.below(2_000);
        let mut list = StatusList::new(bits, len).unwrap();
        let mut model = vec![Status::VALID; usize::try_from(list.len()).unwrap()];
        for (index, status) in (0_u64..).zip(&mut model) {
            if self.below(256) < share {
                let greatest = u64::from(bits.greatest().value());
                *status = Status::from(u8::try_from(self.below(greatest + 1)).unwrap());
                list.set(index, *status).unwrap();
            }
        }
        (list, model)
    }
}

fn statuses(list: &StatusList) -> Vec<Status> {
    (0..list.len())
        .map(|index| list.get(index).unwrap())
        .collect()
}

#[test]
fn random_lists_come_out_as_they_went_in() {
    let mut random = Random(1);
    for round in 0..400 {
        let bits = ALL_BITS[round % 4];
        let share = [2, 40, 256][round % 3];
        let (list, model) = random.list(bits, share);
        assert_eq!(statuses(&list), model);
        let marked: Vec<(u64, Status)> = (0_u64..)
            .zip(model.iter().copied())
            .filter(|(_, status)| !status.is_valid())
            .collect();
        assert_eq!(list.not_valid().collect::<Vec<_>>(), marked);
        assert_eq!(StatusList::of(bits, list.len(), marked).unwrap(), list);
        assert_eq!(StatusList::decode(bits, &list.encode()).unwrap(), list);
        assert_eq!(
            StatusList::from_json(list.to_json().as_bytes()).unwrap(),
            list
        );
    }
}

#[test]
fn setting_one_status_leaves_every_other_alone() {
    let mut random = Random(2);
    for bits in ALL_BITS {
        let (mut list, mut model) = random.list(bits, 256);
        while model.is_empty() {
            (list, model) = random.list(bits, 256);
        }
        for _ in 0..500 {
            let index = random.below(list.len());
            let status = Status::from(u8::try_from(random.below(256)).unwrap());
            let place = &mut model[usize::try_from(index).unwrap()];
            match list.set(index, status) {
                Ok(()) => *place = status,
                Err(error) => {
                    assert_eq!(error.code(), "status_too_large");
                    assert!(status.value() > bits.greatest().value());
                }
            }
            assert_eq!(statuses(&list), model);
        }
        let past = list.set(list.len(), Status::VALID).unwrap_err();
        assert_eq!(past.code(), "index_out_of_range");
    }
}

#[test]
fn a_list_is_rounded_up_to_a_whole_byte_and_bounded() {
    for (bits, asked, len) in [
        (StatusBits::One, 0, 0),
        (StatusBits::One, 1, 8),
        (StatusBits::One, 8, 8),
        (StatusBits::Two, 5, 8),
        (StatusBits::Four, 3, 4),
        (StatusBits::Eight, 3, 3),
    ] {
        assert_eq!(StatusList::new(bits, asked).unwrap().len(), len);
    }
    let most = 16 * 1024 * 1024 * 8;
    assert_eq!(StatusList::new(StatusBits::One, most).unwrap().len(), most);
    for len in [most + 1, u64::MAX] {
        let refused = StatusList::new(StatusBits::One, len).unwrap_err();
        assert_eq!(refused.code(), "list_too_large");
    }
}

/// Every truncation and every flipped bit of the text of a list.
fn damaged(lst: &str) -> impl Iterator<Item = String> {
    let cut = (0..lst.len()).map(|end| lst[..end].to_owned());
    let flipped = (0..lst.len() * 7).filter_map(|bit| {
        let mut bytes = lst.as_bytes().to_vec();
        bytes[bit / 7] ^= 1 << (bit % 7);
        String::from_utf8(bytes).ok()
    });
    cut.chain(flipped)
}

#[test]
fn a_damaged_list_is_refused_whatever_the_damage() {
    let mut random = Random(3);
    for round in 0..12 {
        let bits = ALL_BITS[round % 4];
        let (list, _) = random.list(bits, [1, 30, 256][round % 3]);
        let lst = list.encode();
        for text in damaged(&lst) {
            // Bits that ZLIB does not check: the level in its header is only a hint.
            if let Ok(found) = StatusList::decode(bits, &text) {
                assert_eq!(found, list, "{lst} became {text}");
                assert_eq!(text.len(), lst.len());
            }
        }
    }
}

#[test]
fn text_that_is_no_list_never_panics() {
    let mut random = Random(4);
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ ";
    for _ in 0..20_000 {
        let letters = random.below(60);
        let body: String = (0..letters)
            .map(|_| char::from(alphabet[usize::try_from(random.below(66)).unwrap()]))
            .collect();
        // With and without a header that is right, so that the blocks are reached.
        for text in [body.clone(), format!("eNp{body}")] {
            let _ = StatusList::decode(StatusBits::One, &text);
            let _ = StatusList::from_json(text.as_bytes());
        }
    }
}

struct House {
    minter: Minter,
    key: SigningKey,
    keys: KeySet,
    lists: StatusLists,
    verifier: Verifier,
}

fn house(when: WhenUnknown) -> House {
    house_with(when, Unlisted::Refuse)
}

fn house_with(when: WhenUnknown, unlisted: Unlisted) -> House {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let keys = KeySet::of([key.verifying_key()]).unwrap();
    let minter = SigningKey::from_jwk(key.to_jwk().unwrap().expose(), &Default::default()).unwrap();
    let lists = StatusLists::new(unlisted, LEEWAY);
    House {
        minter: Minter::builder(minter, ISSUER)
            .audience("shop")
            .build()
            .unwrap(),
        verifier: Verifier::builder(keys.clone())
            .policy(Policy::new(ISSUER, "shop"))
            .revocation(
                lists.clone(),
                Freshness::new(Duration::from_secs(900), when),
            )
            .build(),
        key,
        keys,
        lists,
    }
}

impl House {
    fn token(&self, index: u64, uri: &str) -> String {
        let claims = Claims::for_subject("alice").with_status(StatusClaim::new(index, uri));
        self.minter
            .mint_with(&claims, MintOptions::new().at(NOW))
            .unwrap()
    }

    fn publish(&self, list: StatusList, issued_at: UnixTime) -> String {
        let expires = issued_at.saturating_add(Duration::from_secs(3_600));
        let token = StatusListToken::new(URI, list, issued_at, Some(expires));
        token.sign(&self.key).unwrap()
    }

    fn accept(&self, text: &str) -> Result<(), &'static str> {
        let reader = StatusListReader::new(self.keys.clone(), LEEWAY);
        match self.lists.accept(&reader, URI, text, NOW) {
            Ok(_) => Ok(()),
            Err(error) => Err(error.code()),
        }
    }

    fn verify(&self, token: &str) -> Result<(), VerifyError> {
        self.verifier
            .verify(Presented::new(token).at(NOW))
            .map(|_| ())
    }

    fn code(&self, token: &str) -> &'static str {
        self.verify(token)
            .map_or_else(|error| error.code(), |()| "")
    }
}

fn list_of(statuses: &[(u64, Status)]) -> StatusList {
    StatusList::of(StatusBits::Eight, 8, statuses.iter().copied()).unwrap()
}

#[test]
fn every_status_but_valid_revokes() {
    let house = house(WhenUnknown::Refuse);
    let list = (1..=7).map(|value| (u64::from(value), Status::from(value * 36)));
    let list = StatusList::of(StatusBits::Eight, 8, list).unwrap();
    house.accept(&house.publish(list, NOW)).unwrap();
    assert_eq!(house.code(&house.token(0, URI)), "");
    for index in 1..8 {
        assert_eq!(house.code(&house.token(index, URI)), "revoked", "{index}");
    }
}

#[test]
fn a_token_without_an_index_is_refused_or_passed_as_it_was_decided() {
    let claims = Claims::for_subject("alice");
    for (when, unlisted, code) in [
        (WhenUnknown::Refuse, Unlisted::Refuse, "missing_claim"),
        (WhenUnknown::Allow, Unlisted::Refuse, "missing_claim"),
        (WhenUnknown::Refuse, Unlisted::Pass, ""),
        (WhenUnknown::Allow, Unlisted::Pass, ""),
    ] {
        let house = house_with(when, unlisted);
        let token = house.minter.mint_with(&claims, MintOptions::new().at(NOW));
        assert_eq!(house.code(&token.unwrap()), code);
    }
}

#[test]
fn a_later_list_replaces_an_earlier_one_and_never_the_reverse() {
    let house = house(WhenUnknown::Refuse);
    let token = house.token(3, URI);
    let at = |seconds| UnixTime::from_seconds(NOW.seconds() + seconds);
    let early = house.publish(list_of(&[]), at(-60));
    let late = house.publish(list_of(&[(3, Status::INVALID)]), at(-30));
    house.accept(&early).unwrap();
    assert_eq!(house.code(&token), "");
    house.accept(&late).unwrap();
    assert_eq!(house.code(&token), "revoked");
    assert_eq!(house.accept(&early), Err("rolled_back"));
    assert_eq!(house.code(&token), "revoked");
    // The same list again is no rollback.
    house.accept(&late).unwrap();
    house.lists.forget(URI);
    assert_eq!(house.code(&token), "revocation_unknown");
}

#[test]
fn of_two_lists_of_one_second_neither_brings_back_what_the_other_revokes() {
    let house = house(WhenUnknown::Refuse);
    let (third, fourth) = (house.token(3, URI), house.token(4, URI));
    let none = house.publish(list_of(&[]), NOW);
    let one = house.publish(list_of(&[(3, Status::INVALID)]), NOW);
    let other = house.publish(list_of(&[(4, Status::INVALID)]), NOW);
    let both = house.publish(
        list_of(&[(3, Status::SUSPENDED), (4, Status::INVALID)]),
        NOW,
    );
    for (list, accepted) in [
        (&none, Ok(())),
        (&one, Ok(())),
        (&none, Err("rolled_back")),
        (&other, Err("rolled_back")),
        (&both, Ok(())),
        (&one, Err("rolled_back")),
    ] {
        assert_eq!(house.accept(list), accepted);
    }
    assert_eq!(
        (house.code(&third), house.code(&fourth)),
        ("revoked", "revoked")
    );
}

#[test]
fn a_stale_list_is_as_good_as_none() {
    let house = house(WhenUnknown::Refuse);
    let at = |seconds| UnixTime::from_seconds(NOW.seconds() + seconds);
    house
        .accept(&house.publish(list_of(&[]), at(-901)))
        .unwrap();
    assert_eq!(house.code(&house.token(3, URI)), "revocation_stale");
    house
        .accept(&house.publish(list_of(&[]), at(-900)))
        .unwrap();
    assert_eq!(house.code(&house.token(3, URI)), "");
}

#[test]
fn a_uri_written_with_escapes_is_the_same_uri() {
    let house = house(WhenUnknown::Refuse);
    house
        .accept(&house.publish(list_of(&[(3, Status::INVALID)]), NOW))
        .unwrap();
    let payload = format!(
        r#"{{"iss":"{ISSUER}","aud":"shop","iat":{now},"exp":{exp},"status":{{"status_list":{{"idx":3,"uri":"{uri}"}}}}}}"#,
        now = NOW.seconds(),
        exp = NOW.seconds() + 60,
        uri = URI.replace('/', "\\/"),
    );
    let token = tokenwright::sign_raw(&house.key, payload.as_bytes(), b"", b"").unwrap();
    let verifier = Verifier::builder(house.keys.clone())
        .policy(Policy::new(ISSUER, "shop").typ("JOSE"))
        .revocation(
            house.lists.clone(),
            Freshness::new(Duration::ZERO, WhenUnknown::Refuse),
        )
        .build();
    let refused = verifier.verify(Presented::new(&token).at(NOW)).unwrap_err();
    assert_eq!(refused.code(), "revoked");
}

#[test]
fn a_status_claim_comes_back_as_it_was_minted_in_both_formats() {
    for algorithm in [Algorithm::EdDsa, Algorithm::V4Public, Algorithm::V4Local] {
        let Ok(key) = SigningKey::generate(algorithm) else {
            continue;
        };
        let keys = KeySet::of([key.verifying_key()]).unwrap();
        let verifier = Verifier::builder(keys)
            .policy(Policy::new(ISSUER, "shop"))
            .without_revocation()
            .build();
        let minter = Minter::builder(key, ISSUER)
            .audience("shop")
            .build()
            .unwrap();
        let claims = Claims::new().with_status(StatusClaim::new(u64::MAX, URI));
        let token = minter.mint(&claims).unwrap();
        let verified = verifier.verify(&token).unwrap();
        assert_eq!(verified.status(), claims.status());
        // It does not reach the application's own type: there it would be unknown.
        let own = verifier.verify_as::<serde_json::Map<String, serde_json::Value>>(&token);
        assert!(own.unwrap().custom().is_empty());
    }
}

#[test]
fn a_status_of_the_applications_own_is_minted_and_read_as_before() {
    let house = house_with(WhenUnknown::Refuse, Unlisted::Pass);
    let options = MintOptions::new().at(NOW);
    let own = serde_json::json!({"status": "active"});
    let claims = Claims::for_subject("alice").with_custom(own.clone());
    let token = house.minter.mint_with(&claims, options).unwrap();
    let verified = house
        .verifier
        .verify_as::<serde_json::Value>(Presented::new(&token).at(NOW))
        .unwrap();
    assert_eq!((verified.status(), verified.custom()), (None, &own));
    // Two claims of one name, or the draft's through the back door, are not minted.
    let twice = claims.with_status(StatusClaim::new(1, URI));
    let refused = house.minter.mint_with(&twice, options).unwrap_err();
    assert_eq!(refused.code(), "bad_custom_claims");
    let back_door = serde_json::json!({"status": {"status_list": {"idx": "1"}}});
    let claims = Claims::for_subject("alice").with_custom(back_door);
    let refused = house.minter.mint_with(&claims, options).unwrap_err();
    assert!(matches!(refused.kind(), MintErrorKind::ReservedClaim { name } if name == "status"));
}

#[test]
fn a_list_is_fetched_again_after_its_time_to_live_or_when_it_ends() {
    let after = |seconds| NOW.saturating_add(Duration::from_secs(seconds));
    let token = |exp: Option<u64>, ttl: Option<u64>| {
        let list = StatusList::new(StatusBits::One, 8).unwrap();
        let token = StatusListToken::new(URI, list, NOW, exp.map(after));
        match ttl {
            Some(ttl) => token.with_time_to_live(Duration::from_secs(ttl)),
            None => token,
        }
    };
    assert_eq!(token(None, None).refresh_at(after(5)), None);
    assert_eq!(token(Some(60), None).refresh_at(after(5)), Some(after(60)));
    assert_eq!(token(None, Some(10)).refresh_at(after(5)), Some(after(15)));
    assert_eq!(
        token(Some(60), Some(10)).refresh_at(after(5)),
        Some(after(15))
    );
    assert_eq!(
        token(Some(60), Some(600)).refresh_at(after(5)),
        Some(after(60))
    );
}

#[test]
fn what_readers_would_refuse_is_not_signed() {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let list = || StatusList::new(StatusBits::One, 8).unwrap();
    let code = |token: StatusListToken| token.sign(&key).unwrap_err().code();
    assert_eq!(
        code(StatusListToken::new("list", list(), NOW, None)),
        "bad_member"
    );
    assert_eq!(
        code(StatusListToken::new(URI, list(), NOW, Some(NOW))),
        "bad_member"
    );
    let instant =
        StatusListToken::new(URI, list(), NOW, None).with_time_to_live(Duration::from_millis(999));
    assert_eq!(code(instant), "bad_member");
    let lost = list().with_aggregation_uri("all of them");
    assert_eq!(
        code(StatusListToken::new(URI, lost, NOW, None)),
        "bad_member"
    );
    let good = StatusListToken::new(URI, list(), NOW, None);
    if let Ok(paseto) = SigningKey::generate(Algorithm::V4Public) {
        assert_eq!(good.sign(&paseto).unwrap_err().code(), "not_jwt");
    }
    // What the token says of itself survives the trip.
    let said = good
        .with_issuer(ISSUER)
        .with_time_to_live(Duration::from_secs(60));
    let text = said.sign(&key).unwrap();
    let reader = StatusListReader::new(key.verifying_key(), Duration::ZERO);
    assert_eq!(reader.read(URI, &text, NOW).unwrap(), said);
}
