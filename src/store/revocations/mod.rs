//! Where revocations are kept, so that every process sees them.
//!
//! Ordinary users take [`FileStore::revocations`](super::FileStore::revocations) or
//! [`MemoryRevocations`], hand it to a [`RevocationFollower`] and add entries with
//! [`append`](RevocationStore::append). The rest is for people who implement a store.
//!
//! # Implementing a store of revocations
//!
//! The store keeps one list: a sequence of entries that only grows, until pruning
//! drops those whose time has passed. Every entry has a number (`seq`), so that a
//! reader who has seen some asks for the rest. The rules, checked by
//! [`testing::revocation_conformance`](super::testing::revocation_conformance):
//!
//! 1. `Ok` means durable: after it, a power cut loses no entry.
//! 2. Nothing is ever evicted. A full list refuses with [`StoreErrorKind::Full`].
//! 3. Readers take no lock and never wait for a writer. They see whole entries.
//! 4. No list is an error, [`StoreErrorKind::NoList`], never an empty list.
//! 5. Numbers never come back: not after pruning, not after a restart. What holds
//!    less than it did (a backup) is told by its numbers, and readers keep what they have.
//! 6. Every call may be repeated. Entries are idempotent: the latest `until` and
//!    `issued_before` hold, the earliest `since`.
//! 7. An entry is dropped only when its `until` has passed by a clock that has not
//!    jumped more than [`MAX_CLOCK_JUMP`] since the last observation.
//! 8. Times are kept in whole seconds: `since` rounded down, `until` and
//!    `issued_before` rounded up, so that rounding never revives a token.

#[cfg(feature = "file-store")]
mod body;
mod error;
#[cfg(feature = "file-store")]
mod fields;
mod follow;
mod list;
mod memory;
mod merge;
pub(super) mod testing;

use std::sync::Arc;

use super::error::{StoreError, StoreErrorKind};
use crate::error::At;
use crate::keyring::{KeyRecord, Keyring, LargeJump};
use crate::limits::{MAX_CLOCK_JUMP, MAX_REVOCATION_REASON_BYTES, MAX_TOKEN_BYTES};
use crate::revocation::{Retention, Revocation, RevokedBy};
use crate::time::UnixTime;

#[cfg(feature = "file-store")]
pub(crate) use body::{Body, decode};
pub use error::{RevocationFollowError, RevocationFollowErrorKind};
#[cfg(feature = "file-store")]
pub(crate) use fields::Fields;
#[cfg(feature = "object-store")]
pub(crate) use fields::put_number;
pub use follow::{RevocationFollower, RevocationHealth};
pub use list::{Appended, Extent, ListHead, ListId, Position, Pruned, Reading, StoreNote};
pub use memory::MemoryRevocations;
#[cfg(feature = "file-store")]
pub(crate) use merge::Merging;

/// A place that keeps one list of revocations.
///
/// Ordinary users call [`append`](Self::append) and [`prune`](Self::prune), and leave
/// reading to a [`RevocationFollower`]. If you implement one, read the
/// rules at [`testing::revocation_conformance`](super::testing::revocation_conformance)
/// and let that suite judge the result.
///
/// ```
/// use tokenwright::store::{MemoryRevocations, RevocationStore};
/// use tokenwright::{Revocation, UnixTime};
///
/// let now = UnixTime::from_seconds(1_760_000_000);
/// let store = MemoryRevocations::new();
/// store.create(now)?;
/// let until = UnixTime::from_seconds(1_760_000_960);
/// store.append(&[Revocation::token("https://auth.example", "t-1", now, until)], now)?;
/// let mut found = Vec::new();
/// store.read(None, &mut |entry| found.push(entry.name().to_owned()))?;
/// assert_eq!(found, ["t-1"]);
/// # Ok::<(), tokenwright::store::StoreError>(())
/// ```
pub trait RevocationStore: Send + Sync {
    /// Makes an empty list, with a new id and a new fingerprint key. `now` is the
    /// first observation of the clock.
    ///
    /// # Errors
    /// [`StoreErrorKind::Exists`] if there is a list; other kinds if the store fails.
    fn create(&self, now: UnixTime) -> Result<ListHead, StoreError>;

    /// Adds entries. They are durable when this returns `Ok`.
    ///
    /// # Errors
    /// [`StoreErrorKind::NoList`], [`StoreErrorKind::Full`],
    /// [`StoreErrorKind::TooLarge`] for an entry longer than a token can be; with
    /// [`Outcome::Indeterminate`](super::Outcome::Indeterminate) some or all of the
    /// entries may be there, and the call is to be repeated.
    fn append(&self, entries: &[Revocation<'_>], now: UnixTime) -> Result<Appended, StoreError>;

    /// Hands out the entries after a position, or all (`None`), in the order in
    /// which they were added. The same entry may come more than once, and some
    /// whose time has passed may still be among them.
    ///
    /// [`Reading::extent`] says what `each` was given. After an error, whatever it
    /// was given counts for nothing.
    ///
    /// # Errors
    /// [`StoreErrorKind::NoList`]; [`StoreErrorKind::Damaged`] with the place of the
    /// damage; other kinds if the store cannot be read.
    fn read(
        &self,
        after: Option<&Position>,
        each: &mut dyn FnMut(Revocation<'_>),
    ) -> Result<Reading, StoreError>;

    /// Drops entries whose `until` is not after `now`, and joins repeated ones.
    ///
    /// # Errors
    /// [`StoreErrorKind::ClockJump`] if `now` is more than [`MAX_CLOCK_JUMP`] after
    /// the last observation, unless a person accepts that; [`StoreErrorKind::NoList`];
    /// other kinds if the store fails.
    fn prune(&self, now: UnixTime, jump: LargeJump) -> Result<Pruned, StoreError>;

    /// Declares that what the store holds now is right although it may hold less
    /// than it did, as after a backup was put back: a new epoch, which readers accept.
    ///
    /// # Errors
    /// [`StoreErrorKind::NoList`]; other kinds if the store fails.
    fn begin_epoch(&self, now: UnixTime) -> Result<ListHead, StoreError>;

    /// What the list is and how far it has come.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn head(&self) -> Result<ListHead, StoreError> {
        self.read(None, &mut |_| {}).map(|reading| reading.head)
    }
}

impl<S: RevocationStore + ?Sized> RevocationStore for Arc<S> {
    fn create(&self, now: UnixTime) -> Result<ListHead, StoreError> {
        (**self).create(now)
    }

    fn append(&self, entries: &[Revocation<'_>], now: UnixTime) -> Result<Appended, StoreError> {
        (**self).append(entries, now)
    }

    fn read(
        &self,
        after: Option<&Position>,
        each: &mut dyn FnMut(Revocation<'_>),
    ) -> Result<Reading, StoreError> {
        (**self).read(after, each)
    }

    fn prune(&self, now: UnixTime, jump: LargeJump) -> Result<Pruned, StoreError> {
        (**self).prune(now, jump)
    }

    fn begin_epoch(&self, now: UnixTime) -> Result<ListHead, StoreError> {
        (**self).begin_epoch(now)
    }

    fn head(&self) -> Result<ListHead, StoreError> {
        (**self).head()
    }
}

/// How long revocations must be kept for the tokens of a keyring: T for its tokens'
/// lifetime, the longest that any of its keys has signed for, and λ + S of grace.
///
/// ```
/// use tokenwright::UnixTime;
/// use tokenwright::key::{Algorithm, SigningKey};
/// use tokenwright::keyring::{Defaults, Keyring, RotationPolicy};
/// use tokenwright::store::{MemoryStore, create_keyring, load_keyring, retention};
///
/// let now = UnixTime::from_seconds(1_760_000_000);
/// let (store, key) = (MemoryStore::new(), SigningKey::generate(Algorithm::EdDsa)?);
/// create_keyring(&store, "orders", RotationPolicy::default(), Defaults::default(), &key, None, now)?;
/// let keep = retention(&load_keyring(&store)?.expect("a keyring").keyring);
/// assert_eq!(keep.token(None, now), UnixTime::from_seconds(1_760_000_000 + 900 + 30 + 30));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn retention(keyring: &Keyring) -> Retention {
    let policy = keyring.policy();
    let numbers = policy.numbers();
    let grace = numbers.leeway.saturating_add(numbers.clock_skew);
    // A policy that was shortened lately says nothing of the tokens that are out.
    let lifetimes = keyring.keys().iter().map(KeyRecord::max_lifetime);
    let lifetime = lifetimes.fold(policy.token_lifetime(), std::time::Duration::max);
    Retention::new(lifetime, std::time::Duration::from_secs(grace))
}

/// Whether a clock may be believed that shows `now`, when a writer's clock has
/// shown `observed` before.
pub(crate) fn is_plausible(observed: UnixTime, now: UnixTime) -> bool {
    now <= observed.saturating_add(MAX_CLOCK_JUMP)
}

/// The time by which entries may be dropped without asking anybody: never, if the
/// clock cannot be believed.
pub(crate) fn believable(observed: UnixTime, now: UnixTime) -> UnixTime {
    if is_plausible(observed, now) {
        now
    } else {
        UnixTime::from_seconds(i64::MIN)
    }
}

/// The refusal to drop anything by a clock that has jumped.
pub(crate) fn check_clock(
    place: &str,
    observed: UnixTime,
    now: UnixTime,
    jump: LargeJump,
) -> Result<(), StoreError> {
    if jump == LargeJump::Accept || is_plausible(observed, now) {
        return Ok(());
    }
    Err(StoreError::new(
        StoreErrorKind::ClockJump,
        place,
        &format!(
            "a clock at most {} days after the last write at {}",
            MAX_CLOCK_JUMP.as_secs() / 86_400,
            At(observed)
        ),
        &At(now).to_string(),
        "nothing was dropped; if the clock is right, and nothing was written for so long, say so \
         with --force",
    ))
}

/// What a list can keep of an entry: nothing longer than a token, times in whole seconds.
pub(crate) fn storable<'e>(entry: &'e Revocation<'_>) -> Result<Revocation<'e>, StoreError> {
    let too_long = |what: &str, most: usize, found: usize| {
        Err(StoreError::new(
            StoreErrorKind::TooLarge,
            what,
            &format!("at most {most} bytes"),
            &format!("{found} bytes"),
            "nothing was changed; no token that is accepted can hold more: check what this is",
        ))
    };
    let reason = entry.reason().map_or(0, str::len);
    for (what, length, most) in [
        ("the entry's issuer", entry.issuer().len(), MAX_TOKEN_BYTES),
        ("the entry's name", entry.name().len(), MAX_TOKEN_BYTES),
        ("the entry's reason", reason, MAX_REVOCATION_REASON_BYTES),
    ] {
        if length > most {
            return too_long(what, most, length);
        }
    }
    let since = UnixTime::from_seconds(entry.since().seconds());
    Ok(restored(
        entry.by(),
        [entry.issuer(), entry.name()],
        entry.issued_before().map(rounded_up),
        [since, rounded_up(entry.until())],
        entry.reason(),
    ))
}

/// An entry as it was kept.
pub(crate) fn restored<'e>(
    by: RevokedBy,
    [issuer, name]: [&'e str; 2],
    issued_before: Option<UnixTime>,
    times: [UnixTime; 2],
    reason: Option<&'e str>,
) -> Revocation<'e> {
    let entry = Revocation::restored(by, issuer, name, issued_before, times);
    match reason {
        Some(reason) => entry.with_reason(reason),
        None => entry,
    }
}

fn rounded_up(time: UnixTime) -> UnixTime {
    let fraction = i64::from(time.subsec_nanoseconds() > 0);
    UnixTime::from_seconds(time.seconds().saturating_add(fraction))
}

/// The refusal every store gives where there is no list.
pub(crate) fn no_list(place: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::NoList,
        place,
        "a revocation list",
        "none",
        "nobody knows what is revoked: put the last backup back, or, if there has never been \
         one, create it: `tokenwright init` does",
    )
}

/// The refusal to make a second list.
pub(crate) fn list_exists(place: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::Exists,
        place,
        "no revocation list yet",
        "one",
        "nothing was changed; use the list that is there",
    )
}

/// The refusal to take more: nothing is ever evicted.
pub(crate) fn list_full(place: &str, most: u64, what: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::Full,
        place,
        &format!("at most {most} {what}"),
        "more",
        "nothing was added, and nothing that counts was dropped; prune what has expired, shorten token \
         lifetimes, or withdraw by subject or session in place of single tokens",
    )
}

/// 16 bytes that nobody can guess.
pub(crate) fn random_bytes(place: &str) -> Result<[u8; 16], StoreError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        StoreError::new(
            StoreErrorKind::Io,
            place,
            "random numbers for a new list",
            &error.to_string(),
            "nothing was changed; try again",
        )
    })?;
    Ok(bytes)
}
