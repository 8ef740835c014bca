//! The keeper of another issuer's keys: when to fetch, what to keep, what to drop.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;

use super::client::HttpClient;
use super::error::{RemoteError, RemoteErrorKind};
use super::fetch::{Fetch, FetchError};
use super::health::{RemoteHealth, ReplacedKey};
use super::lifetime::{Bounds, fresh_for, refresh_after};
use super::source::{self, Content, Known, Reading, Schemes, Source, Terms};
use super::thread::Doorbell;
use crate::key::{Algorithm, Entropy, JwkSet, KeyId, SkippedMember, SystemEntropy, VerifyingKey};
use crate::keyring::{KeySet, KeyView, LiveKeys};
use crate::time::{Clock, SystemClock, UnixTime};

/// Shortest cool-down: less would let strangers' tokens drive a fetch a second.
const LEAST_COOL_DOWN: Duration = Duration::from_secs(1);
/// How long what a discovery document said is believed before it is asked again.
const DISCOVERY_LIFETIME: Duration = Duration::from_secs(3600);
/// Most members left out whose reasons health gives.
const MOST_REASONS: usize = 4;
/// Most replaced keys that health remembers by name.
const MOST_REPLACED: usize = 16;

/// Makes [`RemoteKeys`]. Begin with [`RemoteKeys::jwks`] or [`RemoteKeys::issuer`],
/// end with [`load`](Self::load) or [`lazy`](Self::lazy).
#[derive(Clone)]
pub struct RemoteKeysBuilder {
    place: Place,
    schemes: Schemes,
    where_needed: Option<Algorithm>,
    cool_down: Duration,
    most: Duration,
    keep_for: Duration,
    fetch: Option<Arc<dyn Fetch>>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

#[derive(Clone)]
enum Place {
    KeySet(String),
    Issuer(String),
}

impl RemoteKeysBuilder {
    fn new(place: Place) -> Self {
        Self {
            place,
            schemes: Schemes::Https,
            where_needed: None,
            cool_down: Duration::from_secs(30),
            most: Duration::from_secs(3600),
            keep_for: Duration::from_secs(24 * 3600),
            fetch: None,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        }
    }

    /// Whether plain `http` is accepted, for tests and for networks trusted anyway.
    #[must_use]
    pub fn schemes(mut self, schemes: Schemes) -> Self {
        self.schemes = schemes;
        self
    }

    /// The algorithm of keys that do not say theirs and could be for several: some large
    /// issuers publish RSA keys without `alg`, which are left out otherwise.
    #[must_use]
    pub fn algorithm_where_needed(mut self, algorithm: Algorithm) -> Self {
        self.where_needed = Some(algorithm);
        self
    }

    /// The shortest time from the end of one fetch, successful or not, to the beginning
    /// of the next, in place of 30 seconds; at least one second.
    #[must_use]
    pub fn cool_down(mut self, cool_down: Duration) -> Self {
        self.cool_down = cool_down.max(LEAST_COOL_DOWN);
        self
    }

    /// The longest time that a set is used without asking for it again, in place of an
    /// hour, whatever its publisher says: a withdrawn key is refused after it at last.
    #[must_use]
    pub fn refresh_at_least_every(mut self, most: Duration) -> Self {
        self.most = most;
        self
    }

    /// How long the last set stays in use while it cannot be read again, in place of
    /// 24 hours. Whoever can keep this service from fetching can keep a withdrawn key
    /// accepted for that long; whatever outage lasts longer refuses every token.
    #[must_use]
    pub fn keep_for(mut self, keep_for: Duration) -> Self {
        self.keep_for = keep_for;
        self
    }

    /// Fetches with this client in place of an [`HttpClient`] with its defaults.
    #[must_use]
    pub fn client(mut self, client: impl Fetch + 'static) -> Self {
        self.fetch = Some(Arc::new(client));
        self
    }

    /// Takes the time from this clock in place of the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Spreads fetches by these random numbers in place of the system's.
    #[must_use]
    pub fn entropy(mut self, entropy: impl Entropy + 'static) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// Fetches the keys once, waiting for them: a service that starts with this has
    /// keys or does not start.
    ///
    /// # Errors
    /// [`RemoteError`] when the address is refused or the keys cannot be had.
    pub fn load(self) -> Result<RemoteKeys, RemoteError> {
        let keys = self.lazy()?;
        keys.refresh()?;
        Ok(keys)
    }

    /// Fetches nothing yet: until the first fetch has succeeded, every token is refused
    /// with `keys_unavailable` (503). A service that starts with this starts while the
    /// issuer is down.
    ///
    /// # Errors
    /// [`RemoteError`] when the address is refused, or a client cannot be made.
    pub fn lazy(self) -> Result<RemoteKeys, RemoteError> {
        let source = match &self.place {
            Place::KeySet(address) => Source::key_set(address, self.schemes)?,
            Place::Issuer(issuer) => Source::issuer(issuer, self.schemes)?,
        };
        let fetch =
            match self.fetch {
                Some(fetch) => fetch,
                None => Arc::new(HttpClient::builder().build().map_err(|error: FetchError| {
                    RemoteErrorKind::Fetch(error).at(source.shown())
                })?),
            };
        let door = Arc::new(Doorbell::default());
        let bell = Arc::clone(&door);
        let now = self.clock.now();
        let absent = KeyView::of_issuer(KeySet::empty(), now, None).spent(now);
        Ok(RemoteKeys(Arc::new(Shared {
            source,
            terms: Terms {
                schemes: self.schemes,
                where_needed: self.where_needed,
            },
            bounds: Bounds {
                least: self.cool_down,
                most: self.most.max(self.cool_down),
            },
            keep_for: self.keep_for,
            fetch,
            clock: self.clock,
            entropy: self.entropy,
            keys: LiveKeys::with_notice(absent, move || bell.ring()),
            door,
            state: Mutex::new(State::default()),
        })))
    }
}

/// Another issuer's keys, kept current. Clones share them.
///
/// See [the module](crate::http::remote) for when it fetches and what it refuses.
#[derive(Clone)]
pub struct RemoteKeys(Arc<Shared>);

struct Shared {
    source: Source,
    terms: Terms,
    bounds: Bounds,
    keep_for: Duration,
    fetch: Arc<dyn Fetch>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    keys: LiveKeys,
    door: Arc<Doorbell>,
    /// Held to look and to note down, never while something is fetched.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    under_way: bool,
    /// When the last fetch began or ended, on the clock that nobody can set.
    last_fetch: Option<Duration>,
    known: Known,
    /// When the discovery document was read, on the same clock.
    discovered: Option<Duration>,
    set: Option<ReadSet>,
    failing: Option<Failing>,
    fetches: u64,
    failures: u64,
    replaced: Vec<ReplacedKey>,
    replacements: u64,
}

/// What is known of the set in use.
struct ReadSet {
    contents: Contents,
    read_at: UnixTime,
    read_steady: Duration,
    refresh_after: Duration,
    usable_until: UnixTime,
    complete_until: Option<UnixTime>,
}

/// What the published set says.
#[derive(Default)]
struct Contents {
    prints: Prints,
    skipped: usize,
    reasons: Vec<SkippedMember>,
    promise: Option<UnixTime>,
}

/// What each id means: the key's algorithm and its thumbprint.
type Prints = HashMap<KeyId, (Algorithm, KeyId)>;

struct Failing {
    since: UnixTime,
    error: RemoteError,
}

/// What a call for a refresh came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteRefresh {
    /// Other keys than before are in use.
    Changed,
    /// The same keys are published as before.
    Unchanged,
    /// Another thread is fetching; its keys will serve all.
    UnderWay,
    /// Nothing was fetched: none is due, or the cool-down has not passed.
    NotYet {
        /// How long it is until then.
        wait: Duration,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Demand {
    Now,
    IfDue,
}

impl RemoteKeys {
    /// Keys published at this address as a JWK set (RFC 7517 section 5), such as
    /// `https://auth.example/.well-known/jwks.json`.
    #[must_use]
    pub fn jwks(address: impl Into<String>) -> RemoteKeysBuilder {
        RemoteKeysBuilder::new(Place::KeySet(address.into()))
    }

    /// Keys of this issuer, whose discovery document says where they are published
    /// (OpenID Connect Discovery 1.0). The document must name the issuer as it is
    /// given here, to the letter; give the [`Policy`](crate::Policy) the same text.
    #[must_use]
    pub fn issuer(issuer: impl Into<String>) -> RemoteKeysBuilder {
        RemoteKeysBuilder::new(Place::Issuer(issuer.into()))
    }

    /// The keys to build a [`Verifier`](crate::Verifier) with.
    #[must_use]
    pub fn keys(&self) -> LiveKeys {
        self.0.keys.clone()
    }

    /// Fetches the keys now, unless the cool-down has not passed or somebody else is
    /// fetching. It blocks for as long as the client takes: from an asynchronous
    /// program call it on a thread that may block, or let [`spawn`](Self::spawn) do so.
    ///
    /// # Errors
    /// [`RemoteError`] when they cannot be had; the last ones stay in use.
    pub fn refresh(&self) -> Result<RemoteRefresh, RemoteError> {
        self.fetch(Demand::Now)
    }

    /// Fetches the keys if that is due: their lifetime ends soon, a token has asked for
    /// one that is not there, or the last fetch failed. For programs that have a place
    /// for periodic work; others [`spawn`](Self::spawn).
    ///
    /// # Errors
    /// As [`refresh`](Self::refresh).
    pub fn refresh_if_due(&self) -> Result<RemoteRefresh, RemoteError> {
        self.fetch(Demand::IfDue)
    }

    /// How the keys are doing.
    #[must_use]
    pub fn health(&self) -> RemoteHealth {
        let shared = &*self.0;
        let (now, steady) = (shared.clock.now(), shared.clock.steady());
        let state = shared.state();
        let set = state.set.as_ref();
        RemoteHealth {
            source: shared.source.shown(),
            keys: set.map_or(0, |set| set.contents.prints.len()),
            skipped: set.map_or(0, |set| set.contents.skipped),
            reasons: set.map_or_else(Vec::new, |set| set.contents.reasons.clone()),
            read_at: set.map(|set| set.read_at),
            usable_until: set.map(|set| set.usable_until),
            complete_until: set.and_then(|set| set.complete_until),
            next_fetch_in: shared.wait(&state, now, steady),
            fetches: state.fetches,
            failures: state.failures,
            failing_since: state.failing.as_ref().map(|failing| failing.since),
            last_error: state.failing.as_ref().map(|failing| failing.error.clone()),
            replaced: state.replaced.clone(),
            replacements: state.replacements,
        }
    }

    pub(super) fn door(&self) -> &Arc<Doorbell> {
        &self.0.door
    }

    fn fetch(&self, demand: Demand) -> Result<RemoteRefresh, RemoteError> {
        match self.0.take_off(demand) {
            Ok(flight) => flight.fly(),
            Err(grounded) => Ok(grounded),
        }
    }
}

impl fmt::Debug for RemoteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RemoteKeys").field(&self.health()).finish()
    }
}

impl fmt::Debug for RemoteKeysBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Place::KeySet(place) | Place::Issuer(place)) = &self.place;
        let place = place.split('?').next().unwrap_or_default();
        f.debug_tuple("RemoteKeysBuilder").field(&place).finish()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // What is noted down is noted down whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long it is until the next fetch may begin.
    fn cooling(&self, state: &State, steady: Duration) -> Duration {
        let passed = state.last_fetch.map(|last| steady.saturating_sub(last));
        passed.map_or(Duration::ZERO, |passed| {
            self.bounds.least.saturating_sub(passed)
        })
    }

    /// How long it is until the next fetch may and should begin.
    fn wait(&self, state: &State, now: UnixTime, steady: Duration) -> Duration {
        let scheduled = match (&state.set, &state.failing) {
            (Some(set), None) if !self.door.is_rung() => {
                set.refresh_after.saturating_sub(set.age(now, steady))
            }
            _ => Duration::ZERO,
        };
        self.cooling(state, steady).max(scheduled)
    }

    /// The one permission to fetch, if there is reason to.
    fn take_off(&self, demand: Demand) -> Result<Flight<'_>, RemoteRefresh> {
        let (now, steady) = (self.clock.now(), self.clock.steady());
        let mut state = self.state();
        if state.under_way {
            return Err(RemoteRefresh::UnderWay);
        }
        let wait = match demand {
            Demand::Now => self.cooling(&state, steady),
            Demand::IfDue => self.wait(&state, now, steady),
        };
        if !wait.is_zero() {
            return Err(RemoteRefresh::NotYet { wait });
        }
        state.under_way = true;
        state.last_fetch = Some(steady);
        state.fetches = state.fetches.saturating_add(1);
        let mut known = state.known.clone();
        let old = |at: Duration| steady.saturating_sub(at) >= DISCOVERY_LIFETIME;
        if state.failing.is_some() || state.discovered.is_none_or(old) {
            known.location = None;
        }
        Ok(Flight {
            shared: self,
            known,
            now,
            steady,
            landed: false,
        })
    }
}

impl ReadSet {
    /// By the clock that shows more: one can be set back, the other stands still while
    /// the machine sleeps.
    fn age(&self, now: UnixTime, steady: Duration) -> Duration {
        let by_wall = now.saturating_since(self.read_at);
        steady.saturating_sub(self.read_steady).max(by_wall)
    }
}

/// A fetch that is under way. There is one at most, also when the client panics.
struct Flight<'s> {
    shared: &'s Shared,
    known: Known,
    now: UnixTime,
    steady: Duration,
    landed: bool,
}

impl Flight<'_> {
    fn fly(mut self) -> Result<RemoteRefresh, RemoteError> {
        let shared = self.shared;
        let reading = source::read(&shared.source, &self.known, &*shared.fetch, shared.terms);
        self.land(reading)
    }

    fn land(
        &mut self,
        reading: Result<Reading, RemoteError>,
    ) -> Result<RemoteRefresh, RemoteError> {
        self.landed = true;
        let shared = self.shared;
        let mut state = shared.state();
        state.under_way = false;
        state.last_fetch = Some(shared.clock.steady());
        shared.door.answered();
        match reading {
            Ok(reading) => {
                state.failing = None;
                Ok(self.take_in(&mut state, reading))
            }
            Err(error) => {
                self.note_failure(&mut state, error.clone());
                Err(error)
            }
        }
    }

    fn take_in(&self, state: &mut State, reading: Reading) -> RemoteRefresh {
        let shared = self.shared;
        if self.known.location.is_none() {
            state.discovered = Some(self.steady);
        }
        let (keys, contents, refreshed) = match reading.content {
            Content::Same => {
                let contents = state.set.take().map(|set| set.contents);
                let keys = shared.keys.keys();
                (keys, contents.unwrap_or_default(), RemoteRefresh::Unchanged)
            }
            Content::Set(set, tag) => {
                let contents = Contents::of(&set);
                let refreshed = self.compare(state, &contents.prints);
                state.known.tag = tag.map(|tag| (reading.location.clone(), tag));
                (KeySet::from(set), contents, refreshed)
            }
        };
        let usable_until = self.now.saturating_add(shared.keep_for);
        let complete_until = contents.promise.map(|until| until.min(usable_until));
        let view = KeyView::of_issuer(keys, usable_until, complete_until);
        shared.keys.replace(view);
        // Looked for again before it is given up, whatever the publisher says.
        let lifetime = self
            .lifetime(&reading.headers, complete_until)
            .min(shared.keep_for);
        state.known.location = Some(reading.location);
        state.set = Some(ReadSet {
            contents,
            read_at: self.now,
            read_steady: self.steady,
            refresh_after: refresh_after(lifetime, shared.bounds, &*shared.entropy),
            usable_until,
            complete_until,
        });
        refreshed
    }

    /// How long the set is fresh. A promise that ends first should be renewed first.
    fn lifetime(&self, headers: &HeaderMap, complete_until: Option<UnixTime>) -> Duration {
        let lifetime = fresh_for(headers, self.now);
        let promised = complete_until.map(|until| until.saturating_since(self.now));
        match promised.filter(|span| !span.is_zero()) {
            Some(span) => lifetime.min(span),
            None => lifetime,
        }
    }

    /// Whether the keys are others than before; notes those that took another's id.
    fn compare(&self, state: &mut State, prints: &Prints) -> RemoteRefresh {
        let Some(old) = state.set.as_ref().map(|set| &set.contents.prints) else {
            return RemoteRefresh::Changed;
        };
        if old == prints {
            return RemoteRefresh::Unchanged;
        }
        let mut replaced: Vec<ReplacedKey> = prints
            .iter()
            .filter(|(id, print)| old.get(*id).is_some_and(|before| before != *print))
            .map(|(id, _)| ReplacedKey {
                id: id.clone(),
                at: self.now,
            })
            .collect();
        replaced.sort_by(|one, other| one.id.cmp(&other.id));
        let count = u64::try_from(replaced.len()).unwrap_or(u64::MAX);
        state.replacements = state.replacements.saturating_add(count);
        state.replaced.append(&mut replaced);
        let surplus = state.replaced.len().saturating_sub(MOST_REPLACED);
        state.replaced.drain(..surplus);
        RemoteRefresh::Changed
    }

    fn note_failure(&self, state: &mut State, error: RemoteError) {
        let shared = self.shared;
        let since = state
            .failing
            .as_ref()
            .map_or(self.now, |failing| failing.since);
        state.failing = Some(Failing { since, error });
        state.failures = state.failures.saturating_add(1);
        // The view bounds itself by the wall clock, which costs readers nothing; here
        // the same span is held against a clock that cannot be set back.
        let now = shared.clock.now();
        let spent = state
            .set
            .as_ref()
            .is_some_and(|set| set.age(now, shared.clock.steady()) >= shared.keep_for);
        if spent {
            let view = shared.keys.view().spent(now);
            shared.keys.replace(view);
        }
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        if !self.landed {
            let error = RemoteErrorKind::Panicked.at(self.shared.source.shown());
            // The panic itself goes on; this keeps it from being the last fetch.
            let _ = self.land(Err(error));
        }
    }
}

impl Contents {
    fn of(set: &JwkSet) -> Self {
        let print = |key: &VerifyingKey| {
            let thumbprint = key.thumbprint().unwrap_or_else(|_| key.id().clone());
            (key.id().clone(), (key.algorithm(), thumbprint))
        };
        let skipped = set.skipped();
        Self {
            prints: set.keys().iter().map(print).collect(),
            skipped: skipped.len(),
            reasons: skipped.iter().take(MOST_REASONS).cloned().collect(),
            promise: set.complete_until(),
        }
    }
}
