//! An issuer that keeps a revocation list and signs it.

use std::ops::RangeFrom;
use std::time::Duration;

use tokenwright::distribution::{
    Applied, DistributionError, RevocationMark, RevocationPublisher, RevocationReplica,
};
use tokenwright::key::{Algorithm, Entropy, KeyError, SigningKey, VerifyingKey};
use tokenwright::{
    Claims, Freshness, KeySet, LiveRevocations, Policy, Presented, Revocation, RevocationCheck,
    RevocationList, RevocationView, TokenFacts, UnixTime, Verdict, Verifier,
};

pub(crate) const ISSUER: &str = "https://auth.example";
pub(crate) const LIST: &str = "list-1";
pub(crate) const NOW: UnixTime = UnixTime::from_seconds(1_760_000_000);

/// The same numbers for the same seed (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % limit
    }
}

pub(crate) fn after(seconds: u64) -> UnixTime {
    NOW.saturating_add(Duration::from_secs(seconds))
}

pub(crate) fn token(id: &str, seconds: u64) -> Revocation<'static> {
    Revocation::token(ISSUER, id.to_owned(), NOW, after(seconds))
}

pub(crate) fn session(id: &str, seconds: u64) -> Revocation<'static> {
    Revocation::session(ISSUER, id.to_owned(), NOW, after(seconds))
}

/// Random bytes that are always the same.
struct Seed(u8);

impl Entropy for Seed {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), KeyError> {
        let mut random = Random(self.0.into());
        bytes.fill_with(|| random.below(256) as u8);
        Ok(())
    }
}

/// The formats of this build.
pub(crate) fn formats() -> impl Iterator<Item = Algorithm> {
    [Algorithm::EdDsa, Algorithm::V4Public]
        .into_iter()
        .filter(|algorithm| SigningKey::generate(*algorithm).is_ok())
}

/// One name, in every place where an entry could name it.
pub(crate) fn facts<'a>(
    name: &'a str,
    audience: &'a [String],
    issued_at: UnixTime,
) -> [TokenFacts<'a>; 5] {
    let blank = || TokenFacts::new(ISSUER, "k").with_issued_at(issued_at);
    [
        blank().with_token_id(name),
        blank().with_token_id("-").with_session_id(name),
        blank().with_token_id("-").with_subject(name),
        blank().with_token_id("-").with_audience(audience),
        TokenFacts::new(ISSUER, name).with_token_id("-"),
    ]
}

pub(crate) fn withdraws(live: &LiveRevocations, id: &str) -> bool {
    let facts = TokenFacts::new(ISSUER, "k").with_token_id(id);
    matches!(live.check(&facts, NOW), Verdict::Revoked { .. })
}

pub(crate) fn is_revoked(replica: &RevocationReplica, id: &str) -> bool {
    withdraws(&replica.live(), id)
}

pub(crate) fn at(token: &str, now: UnixTime) -> Presented<'_> {
    Presented::new(token).at(now)
}

pub(crate) struct House {
    pub(crate) key: SigningKey,
    recipe: (Algorithm, u8),
    pub(crate) list: RevocationList,
    pub(crate) mark: RevocationMark,
    log: Vec<Revocation<'static>>,
    now: UnixTime,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::of(Algorithm::EdDsa, 1)
    }

    /// With the key that always comes of this algorithm and seed.
    pub(crate) fn of(algorithm: Algorithm, seed: u8) -> Self {
        Self {
            key: SigningKey::generate_with(algorithm, &Seed(seed)).unwrap(),
            recipe: (algorithm, seed),
            list: RevocationList::for_list(LIST),
            mark: RevocationMark::start(LIST, 1).unwrap(),
            log: Vec::new(),
            now: NOW,
        }
    }

    /// A few entries of each kind.
    pub(crate) fn small(algorithm: Algorithm, seed: u8) -> Self {
        let mut house = Self::of(algorithm, seed);
        for entry in [
            token("t1", 100),
            token("t2", 200),
            token("t3", 100),
            session("s1", 300),
            Revocation::subject_before(ISSUER, "alice", NOW, NOW, after(900)),
            Revocation::issuer_before("https://old.example", NOW, NOW, after(900)),
            Revocation::key(ISSUER, "stolen", NOW, after(900)),
        ] {
            house.add(&entry);
        }
        house
    }

    pub(crate) fn add(&mut self, entry: &Revocation<'_>) {
        self.list.add(entry).unwrap();
        self.mark.add(entry).unwrap();
        self.log.push(entry.clone().into_owned());
    }

    pub(crate) fn at(&mut self, now: UnixTime) {
        self.now = now;
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn keys(&self) -> VerifyingKey {
        self.key.verifying_key()
    }

    pub(crate) fn publisher(&self) -> RevocationPublisher {
        RevocationPublisher::new(ISSUER, Duration::from_secs(600))
    }

    pub(crate) fn live(&self) -> LiveRevocations {
        LiveRevocations::new(self.list.clone(), self.now)
    }

    pub(crate) fn snapshot(&self) -> Vec<u8> {
        let view = RevocationView::new(self.list.clone(), self.now);
        self.publisher()
            .snapshot(&self.key, &view, &self.mark)
            .unwrap()
    }

    /// What was added since `from`, which are these entries of the log.
    pub(crate) fn delta(&self, from: &RevocationMark, entries: RangeFrom<usize>) -> Vec<u8> {
        let view = RevocationView::new(self.list.clone(), self.now);
        let added = self.log[entries].iter().cloned();
        self.publisher()
            .delta(&self.key, &view, from, &self.mark, added)
            .unwrap()
    }

    /// A snapshot, and a delta that leads to the same place.
    pub(crate) fn both_kinds(&self) -> [Vec<u8>; 2] {
        let start = RevocationMark::start(LIST, 1).unwrap();
        [self.snapshot(), self.delta(&start, 0..)]
    }

    pub(crate) fn replica(&self) -> RevocationReplica {
        RevocationReplica::of_list(ISSUER, LIST)
    }

    /// A copy that would take this document, one of [`both_kinds`](Self::both_kinds).
    pub(crate) fn ready_for(&self, document: &[u8]) -> RevocationReplica {
        let mut replica = self.replica();
        if document != self.snapshot() {
            let view = RevocationView::new(RevocationList::for_list(LIST), self.now);
            let start = RevocationMark::start(LIST, 1).unwrap();
            let empty = self.publisher().snapshot(&self.key, &view, &start).unwrap();
            self.bring(&mut replica, &empty).unwrap();
        }
        replica
    }

    pub(crate) fn bring(
        &self,
        replica: &mut RevocationReplica,
        document: &[u8],
    ) -> Result<Applied, DistributionError> {
        self.bring_at(replica, document, self.now)
    }

    pub(crate) fn bring_at(
        &self,
        replica: &mut RevocationReplica,
        document: &[u8],
        now: UnixTime,
    ) -> Result<Applied, DistributionError> {
        replica.apply(document, &self.keys(), now)
    }

    /// A copy of everything, the key included, that goes its own way.
    pub(crate) fn branch(&self) -> Self {
        Self {
            list: self.list.clone(),
            mark: self.mark.clone(),
            log: self.log.clone(),
            now: self.now,
            ..self.empty()
        }
    }

    /// The list as it stood at a mark of its history.
    pub(crate) fn branch_at(&self, mark: &RevocationMark) -> Self {
        let mut branch = self.empty();
        let steps = usize::try_from(mark.seq()).unwrap();
        self.log[..steps].iter().for_each(|entry| branch.add(entry));
        assert_eq!(branch.mark, *mark);
        branch
    }

    /// The same list restored from a copy: a new epoch, which begins with its entries.
    pub(crate) fn restored(&self) -> Self {
        let mut restored = Self {
            mark: RevocationMark::start(LIST, 2).unwrap(),
            ..self.empty()
        };
        self.log.iter().for_each(|entry| restored.add(entry));
        restored
    }

    fn empty(&self) -> Self {
        Self::of(self.recipe.0, self.recipe.1)
    }

    /// A token with this id, valid for a day.
    pub(crate) fn mint(&self, id: &str) -> String {
        let clock = tokenwright::ManualClock::at(NOW);
        let minter = tokenwright::Minter::builder(self.empty().key, ISSUER)
            .audience("orders-api")
            .clock(clock)
            .build()
            .unwrap();
        minter
            .mint(&Claims::for_subject("bob").with_token_id(id))
            .unwrap()
    }

    pub(crate) fn verifier(&self, replica: &RevocationReplica, freshness: Freshness) -> Verifier {
        Verifier::builder(KeySet::of([self.keys()]).unwrap())
            .policy(Policy::new(ISSUER, "orders-api"))
            .revocation(replica.live(), freshness)
            .build()
    }
}
