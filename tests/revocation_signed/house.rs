//! An issuer that keeps a revocation list and signs it.

use std::time::Duration;

use tokenwright::distribution::{
    Applied, DistributionError, RevocationEdition, RevocationPublisher, RevocationReplica,
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
    epoch: u64,
    seq: u64,
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
            epoch: 1,
            seq: 0,
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
        self.seq += 1;
    }

    /// Drops what has ended.
    pub(crate) fn prune(&mut self) -> usize {
        self.seq += 1;
        self.list.prune(self.now)
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

    /// The list as it is now.
    pub(crate) fn edition(&self) -> RevocationEdition {
        let view = RevocationView::new(self.list.clone(), self.now);
        RevocationEdition::new(LIST, self.epoch, self.seq, view).unwrap()
    }

    pub(crate) fn snapshot(&self) -> Vec<u8> {
        self.publisher()
            .snapshot(&self.key, &self.edition())
            .unwrap()
    }

    /// What was added since.
    pub(crate) fn delta(&self, from: &RevocationEdition) -> Vec<u8> {
        self.publisher()
            .delta(&self.key, from, &self.edition())
            .unwrap()
    }

    /// A snapshot, and a delta that leads to the same place.
    pub(crate) fn both_kinds(&self) -> [Vec<u8>; 2] {
        [self.snapshot(), self.delta(&self.empty().edition())]
    }

    pub(crate) fn replica(&self) -> RevocationReplica {
        RevocationReplica::of_list(ISSUER, LIST)
    }

    /// A copy that would take this document, one of [`both_kinds`](Self::both_kinds).
    pub(crate) fn ready_for(&self, document: &[u8]) -> RevocationReplica {
        let mut replica = self.replica();
        if document != self.snapshot() {
            self.bring(&mut replica, &self.empty().snapshot()).unwrap();
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
            epoch: self.epoch,
            seq: self.seq,
            now: self.now,
            ..self.empty()
        }
    }

    /// The same list restored from a copy: a new epoch.
    pub(crate) fn restored(&self) -> Self {
        Self {
            epoch: self.epoch + 1,
            ..self.branch()
        }
    }

    /// The same issuer, with nothing withdrawn yet.
    pub(crate) fn empty(&self) -> Self {
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
