//! Restoring a backup without losing what came after it.

use super::check::{consistent, in_order};
use super::error::{KeyringError, KeyringErrorKind};
use super::record::{KeyRecord, Raise, Tombstone, earliest};
use super::ring::{Keyring, Version};
use crate::key::KeyId;
use crate::time::UnixTime;

/// What [`merge`] made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The document to commit.
    pub keyring: Keyring,
    /// Keys that only the backup had. Their material must be there, too.
    pub restored: Vec<KeyId>,
    /// Keys that now stop signing earlier than the living keyring said, because
    /// the two documents had parted and both had made a successor.
    pub shortened: Vec<KeyId>,
}

/// Merges a backup into the living keyring, key by key, taking the later state.
///
/// Nothing dead comes back: a tombstone, a compromise, a suspension or an end
/// that either side knows stays. Taking the keys of both, it does not matter
/// which side is called the living one, nor how often it is done; the policy,
/// the algorithm and the defaults are those of the newer document, of the living
/// one when both are as new. The epoch is one more than either's, so that
/// readers which saw either take the result, and neither of the two again.
///
/// # Errors
/// [`KeyringErrorKind::OtherRing`] for a backup of another keyring,
/// [`KeyringErrorKind::Conflict`] if one id names two different keys, and
/// [`KeyringErrorKind::Inconsistent`] if nothing would be left.
pub fn merge(living: &Keyring, backup: &Keyring) -> Result<Merged, KeyringError> {
    if living.ring != backup.ring {
        return Err(KeyringError::new(
            KeyringErrorKind::OtherRing,
            format!(
                "the backup is of the keyring {:?}, not of {:?}",
                backup.ring, living.ring
            ),
        ));
    }
    let newer = if backup.version > living.version {
        backup
    } else {
        living
    };
    let mut merged = newer.clone();
    merged.version = Version {
        epoch: living
            .version
            .epoch
            .max(backup.version.epoch)
            .saturating_add(1),
        seq: living.version.seq.max(backup.version.seq).saturating_add(1),
    };
    merged.as_of = living.as_of.max(backup.as_of);
    merged.complete_until = living.complete_until.max(backup.complete_until);
    merged.tombstones = Vec::new();
    merged.keys = Vec::new();
    for stone in living.tombstones.iter().chain(&backup.tombstones) {
        bury(&mut merged, stone);
    }
    for record in living.keys.iter().chain(&backup.keys) {
        add(&mut merged, record)?;
    }
    part(&mut merged);
    consistent(&merged)?;
    Ok(report(living, merged))
}

/// Adds a tombstone, or what it knows to the one that is there.
fn bury(merged: &mut Keyring, stone: &Tombstone) {
    let mut stone = stone.clone();
    if let Some(place) = merged
        .tombstones
        .iter()
        .position(|other| other.id == stone.id)
    {
        let other = merged.tombstones.remove(place);
        stone.at = stone.at.min(other.at);
        stone.compromised_at = earliest(stone.compromised_at, other.compromised_at);
    }
    merged.bury(stone);
}

/// Adds a record, or what it knows to the one that is there; never one that is buried.
fn add(merged: &mut Keyring, record: &KeyRecord) -> Result<(), KeyringError> {
    if let Some(stone) = merged
        .tombstones
        .iter_mut()
        .find(|stone| stone.id == record.id)
    {
        stone.compromised_at = earliest(stone.compromised_at, record.compromised_at);
        return Ok(());
    }
    let mut record = record.clone();
    if let Some(place) = merged.keys.iter().position(|other| other.id == record.id) {
        record = later(&merged.keys.remove(place), record)?;
    }
    merged.insert(record);
    Ok(())
}

/// The later of two states of one key, member by member: every member only ever
/// moves one way, so its later value is known without asking who wrote it.
fn later(one: &KeyRecord, other: KeyRecord) -> Result<KeyRecord, KeyringError> {
    let same = one.algorithm == other.algorithm
        && one.public == other.public
        && one.address == other.address;
    if !same {
        return Err(KeyringError::new(
            KeyringErrorKind::Conflict,
            format!(
                "the backup and the living keyring give the id {} to different keys",
                one.id
            ),
        ));
    }
    Ok(KeyRecord {
        published_at: one.published_at.min(other.published_at),
        known_at: one.known_at.min(other.known_at),
        activates_at: earliest(one.activates_at, other.activates_at),
        stops_signing_at: earliest(one.stops_signing_at, other.stops_signing_at),
        verifies_until: one.verifies_until.max(other.verifies_until),
        max_lifetime: one.max_lifetime.max(other.max_lifetime),
        raise: later_raise(one, &other),
        suspended_at: one.suspended_at.max(other.suspended_at),
        resumed_at: one.resumed_at.max(other.resumed_at),
        compromised_at: earliest(one.compromised_at, other.compromised_at),
        private_erased_at: earliest(one.private_erased_at, other.private_erased_at),
        ..other
    })
}

/// The raise that belongs to the longer lifetime; of two, the one that binds signers longer.
fn later_raise(one: &KeyRecord, other: &KeyRecord) -> Option<Raise> {
    let rank = |key: &KeyRecord| {
        let raise = key
            .raise
            .map(|raise| (raise.from, std::cmp::Reverse(raise.lifetime_before)));
        (key.max_lifetime, raise)
    };
    if rank(one) > rank(other) {
        one.raise
    } else {
        other.raise
    }
}

/// Ends overlaps: where two documents had parted, the key that signed first
/// stops when the next one starts, and a marked key signs no more.
fn part(merged: &mut Keyring) {
    let mut ends = Vec::new();
    for key in &merged.keys {
        if let (Some(activates), Some(marked)) = (key.activates_at, key.compromised_at) {
            ends.push((key.id.clone(), Some(activates.max(marked))));
        }
    }
    end_keys(merged, &mut ends);
    let signers = in_order(&merged.keys);
    for (one, next) in signers.iter().zip(signers.iter().skip(1)) {
        ends.push((one.id.clone(), next.activates_at));
    }
    end_keys(merged, &mut ends);
    // What one side knew of the lifetime, the other may not have known of the end.
    let policy = merged.policy;
    for key in &mut merged.keys {
        if let (Some(stops), until) = (key.stops_signing_at, key.verifies_until) {
            key.stop_at(stops, &policy);
            key.verifies_until = key.verifies_until.max(until);
        }
    }
}

/// Sets D of keys whose D is not earlier already; V never moves earlier by that.
fn end_keys(merged: &mut Keyring, ends: &mut Vec<(KeyId, Option<UnixTime>)>) {
    let policy = merged.policy;
    for (id, end) in ends.drain(..) {
        let (Some(key), Some(end)) = (merged.key_mut(&id), end) else {
            continue;
        };
        if key.stops_signing_at.is_none_or(|stops| end < stops) {
            let until = key.verifies_until;
            key.stop_at(end, &policy);
            key.verifies_until = key.verifies_until.max(until);
        }
    }
}

fn report(living: &Keyring, keyring: Keyring) -> Merged {
    let was = |key: &KeyRecord| living.key(key.id.as_str());
    let restored = keyring.keys.iter().filter(|key| was(key).is_none());
    let shortened = keyring.keys.iter().filter(|key| {
        was(key).is_some_and(|was| {
            key.stops_signing_at.is_some_and(|stops| {
                key.compromised_at.is_none() && was.stops_signing_at.is_none_or(|at| stops < at)
            })
        })
    });
    Merged {
        restored: restored.map(|key| key.id.clone()).collect(),
        shortened: shortened.map(|key| key.id.clone()).collect(),
        keyring,
    }
}
