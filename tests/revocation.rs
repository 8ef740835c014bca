//! How revoked tokens came back in other systems, one test for each.

use std::sync::Arc;
use std::time::Duration;

use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::keyring::LargeJump;
use tokenwright::store::{
    Appended, ListHead, MemoryRevocations, Position, Pruned, Reading, RevocationFollower,
    RevocationStore, StoreError, StoreErrorKind,
};
use tokenwright::{
    Claims, ErrorClass, Freshness, KeySet, LiveRevocations, ManualClock, MintOptions, Minter,
    Policy, Presented, Retention, Revocation, RevocationCheck, RevocationList, RevokedBy,
    TokenFacts, UnixTime, Verdict, Verifier, WhenUnknown,
};

const ISSUER: &str = "https://auth.example";
const AUDIENCE: &str = "orders-api";
const LEEWAY: Duration = Duration::from_secs(30);
const SKEW: Duration = Duration::from_secs(30);
const LIFETIME: Duration = Duration::from_secs(900);

fn at(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(1_760_000_000 + seconds)
}

/// Tokens of alice, and verifiers that ask a list.
struct House {
    minter: Minter,
    keys: KeySet,
}

impl House {
    fn new() -> Self {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let keys = KeySet::of([key.verifying_key()]).unwrap();
        let minter = Minter::builder(key, ISSUER)
            .audience(AUDIENCE)
            .lifetime(Duration::from_secs(40 * 86_400))
            .build()
            .unwrap();
        Self { minter, keys }
    }

    fn token(&self, issued_at: UnixTime, lifetime: Duration) -> String {
        let claims = Claims::for_subject("alice")
            .with_token_id("t-1")
            .with_expiry(issued_at.saturating_add(lifetime));
        let options = MintOptions::new().at(issued_at);
        self.minter.mint_with(&claims, options).unwrap()
    }

    fn verifier(&self, source: impl RevocationCheck + 'static, unknown: WhenUnknown) -> Verifier {
        Verifier::builder(self.keys.clone())
            .policy(Policy::new(ISSUER, AUDIENCE).leeway(LEEWAY))
            .revocation(source, Freshness::new(Duration::from_secs(60), unknown))
            .build()
    }
}

fn code(verifier: &Verifier, token: &str, now: UnixTime) -> &'static str {
    match verifier.verify(Presented::new(token).at(now)) {
        Ok(_) => "valid",
        Err(error) => error.code(),
    }
}

fn list_of<'e>(entries: impl IntoIterator<Item = Revocation<'e>>) -> RevocationList {
    let mut list = RevocationList::new();
    for entry in entries {
        list.add(&entry).unwrap();
    }
    list
}

/// keycloak#26113 and CVE-2026-18218: an older not-before of the realm hid a newer
/// one of the client, because the first that matched decided.
#[test]
fn an_older_instant_of_a_wider_scope_never_hides_a_newer_one() {
    let (since, until) = (at(0), at(100_000));
    let scopes = |times: [i64; 3]| {
        [
            Revocation::issuer_before(ISSUER, at(times[0]), since, until),
            Revocation::audience_before(ISSUER, AUDIENCE, at(times[1]), since, until),
            Revocation::subject_before(ISSUER, "alice", at(times[2]), since, until),
        ]
    };
    let audience = [AUDIENCE.to_owned()];
    for times in [
        [10, 20, 30],
        [10, 30, 20],
        [20, 10, 30],
        [20, 30, 10],
        [30, 10, 20],
        [30, 20, 10],
    ] {
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
            let entries = order.map(|index| scopes(times)[index].clone());
            let live = LiveRevocations::new(list_of(entries), at(40));
            let ask = |issued_at| {
                let facts = TokenFacts::new(ISSUER, "k")
                    .with_token_id("t")
                    .with_subject("alice")
                    .with_audience(&audience)
                    .with_issued_at(issued_at);
                live.check(&facts, at(40))
            };
            let newest = Some(at(30));
            assert!(
                matches!(ask(at(29)), Verdict::Revoked { issued_before, .. } if issued_before == newest),
                "{times:?} {order:?}"
            );
            assert_eq!(ask(at(30)), Verdict::Clear { as_of: at(40) });
        }
    }
}

/// The flush of djangorestframework-simplejwt drops entries at `exp`, while tokens
/// pass for as long as the leeway grants.
#[test]
fn an_entry_outlives_the_leeway_of_every_verifier() {
    let house = House::new();
    let token = house.token(at(0), LIFETIME);
    let keep = Retention::new(LIFETIME, LEEWAY + SKEW);
    let until = keep.token(Some(at(900)), at(10));
    let mut list = list_of([Revocation::token(ISSUER, "t-1", at(10), until)]);
    // Without the list the token would pass in its leeway.
    let empty = LiveRevocations::new(RevocationList::new(), at(929));
    let unlisted = house.verifier(empty, WhenUnknown::Refuse);
    assert_eq!(code(&unlisted, &token, at(929)), "valid");
    for now in [900, 929, 959] {
        assert_eq!(list.prune(at(now)), 0);
        let live = LiveRevocations::new(list.clone(), at(now));
        let verifier = house.verifier(live, WhenUnknown::Refuse);
        let found = code(&verifier, &token, at(now));
        assert_eq!(
            found,
            if now < 930 { "revoked" } else { "expired" },
            "{now}"
        );
    }
    assert_eq!(list.prune(at(960)), 1);
    let live = LiveRevocations::new(list, at(960));
    let pruned = house.verifier(live, WhenUnknown::Refuse);
    // Also for a verifier whose clock is behind by all that clocks may differ.
    for now in [930, 960] {
        assert_eq!(code(&pruned, &token, at(now)), "expired", "{now}");
    }
}

/// A time to live counted from when the entry is made ends before a long token does.
#[test]
fn an_entry_lasts_for_the_tokens_life_and_not_for_a_time_from_its_making() {
    let house = House::new();
    let month = Duration::from_secs(30 * 86_400);
    let token = house.token(at(0), month);
    let expiry = at(0).saturating_add(month);
    let until = Retention::new(LIFETIME, LEEWAY + SKEW).token(Some(expiry), at(60));
    let mut list = list_of([Revocation::token(ISSUER, "t-1", at(60), until)]);
    for day in 0..30 {
        let now = at(61 + day * 86_400);
        list.prune(now);
        let live = LiveRevocations::new(list.clone(), now);
        let verifier = house.verifier(live, WhenUnknown::Refuse);
        assert_eq!(code(&verifier, &token, now), "revoked", "day {day}");
    }
}

/// The documentation of flask-jwt-extended stores entries for the lifetime of *new*
/// access tokens; whoever shortens that setting forgets the longer ones.
#[test]
fn a_later_and_shorter_entry_never_shortens_an_earlier_one() {
    let short = Retention::new(Duration::from_secs(60), Duration::ZERO);
    let entry = |until| Revocation::token(ISSUER, "t-1", at(0), until);
    for entries in [
        [entry(at(5_000)), entry(short.token(None, at(10)))],
        [entry(short.token(None, at(10))), entry(at(5_000))],
    ] {
        let mut list = list_of(entries.clone());
        assert_eq!((list.len(), list.prune(at(4_999))), (1, 0));
        let store = MemoryRevocations::new();
        store.create(at(0)).unwrap();
        store.append(&entries, at(10)).unwrap();
        store.prune(at(4_999), LargeJump::Refuse).unwrap();
        let mut left = Vec::new();
        store
            .read(None, &mut |entry| left.push(entry.until()))
            .unwrap();
        assert_eq!(left.iter().max(), Some(&at(5_000)));
    }
}

/// Caches that hold revocations evict the oldest at their capacity.
#[test]
fn a_full_list_takes_no_more_and_forgets_nothing() {
    let store = MemoryRevocations::new().with_limit(1_000);
    store.create(at(0)).unwrap();
    let add = |number: u32| {
        let name = format!("t-{number}");
        let entry = Revocation::token(ISSUER, name, at(0), at(100_000));
        store.append(&[entry], at(1)).map_err(|error| error.kind())
    };
    for number in 0..1_000 {
        add(number).unwrap();
    }
    for number in 1_000..1_100 {
        assert_eq!(add(number).err(), Some(StoreErrorKind::Full));
    }
    let follower = RevocationFollower::open(store, ManualClock::at(at(2))).unwrap();
    for number in 0..1_000 {
        let id = format!("t-{number}");
        let facts = TokenFacts::new(ISSUER, "k").with_token_id(&id);
        let verdict = follower.live().check(&facts, at(2));
        let by_token = matches!(
            verdict,
            Verdict::Revoked {
                by: RevokedBy::Token,
                ..
            }
        );
        assert!(by_token, "{number}: {verdict:?}");
    }
}

/// A store that can be switched off.
struct Flaky(MemoryRevocations, Arc<std::sync::atomic::AtomicBool>);

impl Flaky {
    fn up(&self) -> Result<&MemoryRevocations, StoreError> {
        match self.1.load(std::sync::atomic::Ordering::SeqCst) {
            true => Ok(&self.0),
            // A list that was never made gives an error of the kind an outage gives.
            false => MemoryRevocations::new().head().map(|_| &self.0),
        }
    }
}

impl RevocationStore for Flaky {
    fn create(&self, now: UnixTime) -> Result<ListHead, StoreError> {
        self.up()?.create(now)
    }
    fn append(&self, entries: &[Revocation<'_>], now: UnixTime) -> Result<Appended, StoreError> {
        self.up()?.append(entries, now)
    }
    fn read(
        &self,
        after: Option<&Position>,
        each: &mut dyn FnMut(Revocation<'_>),
    ) -> Result<Reading, StoreError> {
        self.up()?.read(after, each)
    }
    fn prune(&self, now: UnixTime, jump: LargeJump) -> Result<Pruned, StoreError> {
        self.up()?.prune(now, jump)
    }
    fn begin_epoch(&self, now: UnixTime) -> Result<ListHead, StoreError> {
        self.up()?.begin_epoch(now)
    }
}

/// Libraries that catch the store's error and go on let everything pass while it is down.
#[test]
fn a_store_that_is_down_revives_nothing_and_is_no_empty_list() {
    let house = House::new();
    let switch = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let store = || Flaky(MemoryRevocations::new(), Arc::clone(&switch));
    assert!(RevocationFollower::open(store(), ManualClock::at(at(0))).is_err());

    switch.store(true, std::sync::atomic::Ordering::SeqCst);
    let store = store();
    store.create(at(0)).unwrap();
    let entry = Revocation::token(ISSUER, "t-1", at(0), at(100_000));
    store.append(&[entry], at(0)).unwrap();
    let clock = Arc::new(ManualClock::at(at(0)));
    let follower = RevocationFollower::open(store, Arc::clone(&clock)).unwrap();
    let revoked = house.token(at(0), LIFETIME);
    let other = house
        .minter
        .mint_with(
            &Claims::for_subject("bob").with_expiry(at(900)),
            MintOptions::new().at(at(0)),
        )
        .unwrap();
    switch.store(false, std::sync::atomic::Ordering::SeqCst);
    clock.set(at(61));
    assert!(follower.refresh().is_err());
    let strict = house.verifier(follower.live(), WhenUnknown::Refuse);
    assert_eq!(
        code(&strict, &other, at(60)),
        "valid",
        "the last good view serves"
    );
    assert_eq!(code(&strict, &other, at(61)), "revocation_stale");
    let error = strict
        .verify(Presented::new(&other).at(at(61)))
        .unwrap_err();
    assert_eq!(
        (error.class(), error.class().http_status()),
        (ErrorClass::CannotKnow, 503)
    );
    for unknown in [WhenUnknown::Refuse, WhenUnknown::Allow] {
        let verifier = house.verifier(follower.live(), unknown);
        assert_eq!(code(&verifier, &revoked, at(61)), "revoked");
    }
}

/// dsps#54: milliseconds rounded to seconds let tokens of the same second live on.
#[test]
fn a_part_of_a_second_never_revives_a_token() {
    let instant = UnixTime::new(1_760_000_010, 500_000_000);
    let entry = Revocation::subject_before(ISSUER, "alice", instant, at(0), at(1_000));
    let store = MemoryRevocations::new();
    store.create(at(0)).unwrap();
    store.append(std::slice::from_ref(&entry), at(0)).unwrap();
    let follower = RevocationFollower::open(store, ManualClock::at(at(11))).unwrap();
    let direct = LiveRevocations::new(list_of([entry]), at(11));
    for live in [follower.live(), direct] {
        let verdict = |issued_at| {
            let facts = TokenFacts::new(ISSUER, "k")
                .with_token_id("t")
                .with_subject("alice")
                .with_issued_at(issued_at);
            matches!(live.check(&facts, at(11)), Verdict::Revoked { .. })
        };
        assert!(verdict(at(10)));
        assert!(verdict(UnixTime::new(1_760_000_010, 499_999_999)));
        assert!(!verdict(at(11)));
    }
    // What is withdrawn now takes the tokens of this very second with it.
    assert_eq!(Revocation::until_now(instant), at(11));
}
