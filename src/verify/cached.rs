//! Tokens that were verified a moment ago: a hit costs a hash and a few comparisons.
//!
//! What is remembered is that one text was verified, never less and never more: it is
//! found by a keyed hash of all of it. A hit still asks whether the token was withdrawn,
//! and holds only while the keys are the ones it was verified with, the clock has not
//! been set back before that, and neither token nor key has ended. Whatever else is the
//! case, the token is verified anew, so that the cache never refuses anything itself.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use arc_swap::{ArcSwapOption, Guard};
use siphasher::sip128::SipHasher13;

use super::{Presented, Verified, Verifier, VerifyError, owned, time_form};
use crate::keyring::KeyView;
use crate::time::UnixTime;
use crate::token::{Claims, Scratch, read_claims};

/// Places where one token may be, in sets of this size. With twice as many places as
/// tokens, fewer than one in a thousand is driven out by others while there is room.
const WAYS: usize = 16;

/// A verifier that remembers the last tokens it verified. Clones share what they remember.
///
/// For services that see the same token many times within its life; where most tokens
/// come once, it costs and gives nothing. The answers are those of the [`Verifier`], and a
/// revocation, a turn of the keys or the token's end is noticed at once. The application's
/// own claims are not decoded, and tokens are always verified anew when they come with an
/// assertion, have no end, or meet a policy with checks of its own.
///
/// ```
/// use tokenwright::key::{Algorithm, SigningKey};
/// use tokenwright::{Claims, KeySet, Minter, Policy, Verifier};
///
/// let key = SigningKey::generate(Algorithm::EdDsa)?;
/// let verifier = Verifier::builder(KeySet::of([key.verifying_key()])?)
///     .policy(Policy::new("https://auth.example", "orders-api"))
///     .without_revocation()
///     .build()
///     .caching(1_000);
/// let minter = Minter::builder(key, "https://auth.example").audience("orders-api").build()?;
/// let token = minter.mint(&Claims::for_subject("alice"))?;
/// for _ in 0..3 {
///     assert_eq!(verifier.verify(&token)?.subject(), Some("alice"));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct CachingVerifier {
    verifier: Verifier,
    cache: Arc<Cache>,
}

struct Cache {
    /// Drawn when the cache is made, so that nobody can choose tokens that collide.
    keys: (u64, u64),
    /// Sets of [`WAYS`] places; a token may be in one of them.
    places: Box<[Place]>,
    /// Half of the print of what is, or will be, at each place: it leads to the one that
    /// is worth a look, which then decides.
    tags: Box<[AtomicU64]>,
}

type Place = ArcSwapOption<Remembered>;

struct Remembered {
    print: Print,
    /// The keys it was verified with. The pointer is never another's as long as it is here.
    view: Weak<KeyView>,
    /// When it was verified: `iat` and `nbf` lay behind then, and do so ever after.
    from: UnixTime,
    /// The first instant at which it, or its key, must be judged anew.
    until: UnixTime,
    /// The claims as they were signed, for a revocation source that may ask for any.
    payload: Box<[u8]>,
    verified: Arc<Verified<Claims>>,
}

/// 128 bits of keyed hash.
type Print = (u64, u64);

impl Verifier {
    /// The same verifier, remembering as many tokens that were verified, and never more than
    /// twice that, rounded up to a power of two. Each takes about 1 KB. They make room for later ones, and stay until
    /// then unless told to [`forget`](CachingVerifier::forget).
    #[must_use]
    pub fn caching(self, tokens: usize) -> CachingVerifier {
        let places = tokens.saturating_mul(2).max(WAYS);
        let places = places.checked_next_power_of_two().unwrap_or(WAYS);
        let random = RandomState::new();
        let cache = Cache {
            keys: (random.hash_one(0_u8), random.hash_one(1_u8)),
            places: (0..places).map(|_| ArcSwapOption::empty()).collect(),
            tags: (0..places).map(|_| AtomicU64::new(0)).collect(),
        };
        CachingVerifier {
            verifier: self,
            cache: Arc::new(cache),
        }
    }
}

impl CachingVerifier {
    /// Verifies one token, as [`Verifier::verify`] does.
    ///
    /// # Errors
    /// As [`Verifier::verify`].
    pub fn verify<'t>(
        &self,
        presented: impl Into<Presented<'t>>,
    ) -> Result<Arc<Verified<Claims>>, VerifyError> {
        let presented = presented.into();
        // What depends on more than the text is never remembered: above all, a token that
        // came with a proof of possession must not be found by one that comes without.
        if !presented.is_text_alone() {
            return self.verifier.verify(presented).map(Arc::new);
        }
        let local = presented
            .terms
            .now
            .unwrap_or_else(|| self.verifier.clock.now());
        let view = self.verifier.keys.view();
        let print = self.cache.print(presented.token);
        let now = view.clock(local);
        if view.stale_since(now).is_none()
            && let Some(place) = self.cache.find(print, &view, now)
            && let Some(remembered) = place.as_ref()
            && let Some(answer) = self.ask_again(remembered, now)
        {
            return answer.map(|()| Arc::clone(&remembered.verified));
        }
        let mut scratch = Scratch::new();
        let borrowed = self
            .verifier
            .verify_borrowed(presented.at(local), &mut scratch)?;
        let payload: Box<[u8]> = borrowed.json().as_bytes().into();
        let verified = Arc::new(owned(borrowed)?);
        if let Some(until) = self.holds_until(&verified, &view) {
            let new = Remembered {
                print,
                view: Arc::downgrade(&view),
                from: now,
                until,
                payload,
                verified: Arc::clone(&verified),
            };
            self.cache.remember(new, &view, now);
        }
        Ok(verified)
    }

    /// Whether the token was withdrawn since; `None` if that cannot be asked.
    fn ask_again(&self, remembered: &Remembered, now: UnixTime) -> Option<Result<(), VerifyError>> {
        if self.verifier.revocation.is_none() {
            return Some(Ok(()));
        }
        let verified = &remembered.verified;
        let form = time_form(verified.algorithm());
        let claims = read_claims(&remembered.payload, form, |_| {}).ok()?;
        let key_id = verified.key_id().as_str();
        let asked = self.verifier.judge_revocation(&claims, key_id, now);
        Some(asked.map_err(VerifyError::from))
    }

    /// Forgets all tokens. Not needed for their safety; for that of the memory they are in.
    pub fn forget(&self) {
        for place in &self.cache.places {
            place.store(None);
        }
    }

    /// The verifier that judges what is not remembered.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Until when the answer stays the same as long as the keys do and nothing is
    /// withdrawn; `None` if that cannot be said.
    fn holds_until(&self, verified: &Verified<Claims>, view: &KeyView) -> Option<UnixTime> {
        let ends = self.verifier.policy.holds_until(verified)?;
        let entry = view.keys().by_id(verified.key_id())?;
        match entry.period.and_then(|period| period.verifies_until) {
            Some(key_ends) => Some(ends.min(key_ends)),
            None => Some(ends),
        }
    }
}

impl Cache {
    fn print(&self, token: &str) -> Print {
        let (first, second) = self.keys;
        let hash = SipHasher13::new_with_keys(first, second).hash(token.as_bytes());
        (hash.h1, hash.h2)
    }

    /// The places where a token with this print may be, and their tags.
    fn set(&self, print: Print) -> impl Iterator<Item = (&AtomicU64, &Place)> {
        // The number of places is a power of two, and of sets, too.
        let last = self.places.len().saturating_sub(WAYS);
        let begin = print.0 as usize & last;
        let set = begin..begin.saturating_add(WAYS);
        let tags = self.tags.get(set.clone()).unwrap_or_default();
        tags.iter().zip(self.places.get(set).unwrap_or_default())
    }

    fn find(
        &self,
        print: Print,
        view: &Arc<KeyView>,
        now: UnixTime,
    ) -> Option<Guard<Option<Arc<Remembered>>>> {
        let tagged = |(tag, _): &(&AtomicU64, _)| tag.load(Ordering::Relaxed) == print.1;
        let same = |one: &Remembered| one.print == print && one.holds(view, now);
        self.set(print)
            .filter(tagged)
            .map(|(_, place)| place.load())
            .find(|found| found.as_deref().is_some_and(same))
    }

    /// Puts a token where it was before, where there is nothing, or in place of what
    /// holds no more or ends first.
    fn remember(&self, new: Remembered, view: &Arc<KeyView>, now: UnixTime) {
        let worth = |(_, place): &(&AtomicU64, &Place)| match place.load().as_deref() {
            Some(old) if old.print == new.print => (0, None),
            Some(old) if old.holds(view, now) => (2, Some(old.until)),
            Some(_) | None => (1, None),
        };
        if let Some((tag, place)) = self.set(new.print).min_by_key(worth) {
            // Between the two, others find nothing here, and verify.
            tag.store(new.print.1, Ordering::Relaxed);
            place.store(Some(Arc::new(new)));
        }
    }
}

impl Remembered {
    fn holds(&self, view: &Arc<KeyView>, now: UnixTime) -> bool {
        std::ptr::eq(self.view.as_ptr(), Arc::as_ptr(view)) && self.from <= now && now < self.until
    }
}

impl fmt::Debug for CachingVerifier {
    /// What is remembered is personal data: only the room for it is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachingVerifier")
            .field("verifier", &self.verifier)
            .field("places", &self.cache.places.len())
            .finish()
    }
}
