//! What every keyring keeps to, wherever it came from.

use super::error::{KeyringError, KeyringErrorKind};
use super::record::KeyRecord;
use super::ring::{Keyring, family};
use crate::limits::{MAX_JWK_BYTES, MAX_KEYRING_KEYS};

/// Longest ring name and content address, in bytes.
const MAX_NAME_BYTES: usize = 512;

/// Refuses a keyring that contradicts itself: edited by hand, or damaged.
pub(crate) fn consistent(keyring: &Keyring) -> Result<(), KeyringError> {
    if keyring.ring.is_empty() || keyring.ring.len() > MAX_NAME_BYTES {
        return refuse(format!(
            "the ring's name must be 1 to {MAX_NAME_BYTES} bytes"
        ));
    }
    if keyring.keys.is_empty() {
        return refuse("the keyring has no keys".to_owned());
    }
    if keyring.keys.len() > MAX_KEYRING_KEYS {
        return refuse(format!("the keyring has more than {MAX_KEYRING_KEYS} keys"));
    }
    for key in &keyring.keys {
        check_key(key, keyring)?;
    }
    check_names(keyring)?;
    check_signers(keyring)
}

fn check_key(key: &KeyRecord, keyring: &Keyring) -> Result<(), KeyringError> {
    let id = &key.id;
    if family(key.algorithm) != family(keyring.algorithm) {
        return refuse(format!(
            "key {id} is {}, which cannot share a keyring with {}",
            key.algorithm, keyring.algorithm
        ));
    }
    if key.public.is_none() != key.algorithm.is_symmetric() {
        return refuse(format!(
            "key {id} is {}: {}",
            key.algorithm,
            match key.algorithm.is_symmetric() {
                true => "a shared secret has no public half",
                false => "its public half is missing",
            }
        ));
    }
    if key
        .public
        .as_ref()
        .is_some_and(|text| text.len() > MAX_JWK_BYTES)
    {
        return refuse(format!("the public half of key {id} is too long"));
    }
    if key.address.is_empty() || key.address.len() > MAX_NAME_BYTES {
        return refuse(format!(
            "the address of key {id} must be 1 to {MAX_NAME_BYTES} bytes"
        ));
    }
    check_times(key)
}

fn check_times(key: &KeyRecord) -> Result<(), KeyringError> {
    let id = &key.id;
    let first = key.activates_at.unwrap_or(key.known_at);
    if key.known_at < key.published_at || first < key.published_at {
        return refuse(format!("key {id} signs before it is published"));
    }
    match (key.activates_at, key.stops_signing_at, key.verifies_until) {
        (_, None, None) => Ok(()),
        (None, Some(_), _) => refuse(format!("key {id} stops signing but never starts")),
        (Some(activates), Some(stops), _) if stops < activates => {
            refuse(format!("key {id} stops signing before it starts"))
        }
        (Some(_), Some(stops), Some(until)) if until < stops.saturating_add(key.max_lifetime) => {
            refuse(format!(
                "key {id} stops verifying at {}, before the last token it signed can expire, at {}",
                until.seconds(),
                stops.saturating_add(key.max_lifetime).seconds()
            ))
        }
        (Some(_), Some(_), Some(_)) => Ok(()),
        (_, None, Some(_)) | (_, Some(_), None) => refuse(format!(
            "key {id} must have both stops_signing_at and verifies_until, or neither"
        )),
    }
}

/// Ids are unique, tombstones included.
fn check_names(keyring: &Keyring) -> Result<(), KeyringError> {
    let mut names: Vec<&str> = keyring.keys.iter().map(|key| key.id.as_str()).collect();
    names.extend(keyring.tombstones.iter().map(|stone| stone.id.as_str()));
    names.sort_unstable();
    for (one, other) in names.iter().zip(names.iter().skip(1)) {
        if one == other {
            return refuse(format!("the key id {one} appears twice"));
        }
    }
    Ok(())
}

/// At no time do two keys sign (rule 2, invariant I5).
fn check_signers(keyring: &Keyring) -> Result<(), KeyringError> {
    let signers = in_order(&keyring.keys);
    for (one, next) in signers.iter().zip(signers.iter().skip(1)) {
        if one.stops_signing_at.is_none() || one.stops_signing_at > next.activates_at {
            return refuse(format!(
                "keys {} and {} would sign at the same time",
                one.id, next.id
            ));
        }
    }
    Ok(())
}

/// The keys that sign at some time, in that order. Keys whose turn was taken
/// from them before it came sign at no time.
pub(crate) fn in_order(keys: &[KeyRecord]) -> Vec<&KeyRecord> {
    let mut signers: Vec<&KeyRecord> = keys
        .iter()
        .filter(|key| key.activates_at.is_some() && key.activates_at != key.stops_signing_at)
        .collect();
    signers.sort_by(|one, other| (one.activates_at, &one.id).cmp(&(other.activates_at, &other.id)));
    signers
}

fn refuse(detail: String) -> Result<(), KeyringError> {
    Err(KeyringError::new(KeyringErrorKind::Inconsistent, detail))
}
