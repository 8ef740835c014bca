//! What is in one store, put into another. Every step may be repeated, and whatever is
//! interrupted is finished by doing it again: revocations first, so that nobody signs
//! or verifies by a store that does not know yet what is withdrawn; then private keys;
//! then the document that names them.

use std::collections::HashSet;

use tokenwright::keyring::Keyring;
use tokenwright::store::{
    OpenedStore, RevocationStore as _, Store as _, StoreErrorKind, Versioned,
};
use tokenwright::{Clock as _, Revocation, SystemClock};

use crate::cli::escape::Escaped;
use crate::cli::failure::{Exit, Failure};
use crate::cli::keys::{keyring_failure, store_failure};

/// Entries that are added at once.
const GROUP: usize = 10_000;

/// What was done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moved {
    pub(super) revocations: u64,
    pub(super) keys: u64,
}

/// Adds every revocation that the other list does not hold; makes a list if need be.
pub(super) fn revocations(from: &OpenedStore, to: &OpenedStore) -> Result<u64, Failure> {
    let now = SystemClock.now();
    let (from, to) = (from.revocations(), to.revocations());
    match to.create(now) {
        Ok(_) => {}
        Err(error) if error.kind() == StoreErrorKind::Exists => {}
        Err(error) => return Err(store_failure(&error)),
    }
    let mut there = HashSet::new();
    to.read(None, &mut |entry| {
        there.insert(identity(&entry));
    })
    .map_err(|error| store_failure(&error))?;
    let mut missing = Vec::new();
    let reading = from.read(None, &mut |entry| {
        if entry.until() > now && there.insert(identity(&entry)) {
            missing.push(entry.into_owned());
        }
    });
    match reading {
        Ok(_) => {}
        // Whoever has no list withdraws nothing.
        Err(error) if error.kind() == StoreErrorKind::NoList => return Ok(0),
        Err(error) => return Err(store_failure(&error)),
    }
    for group in missing.chunks(GROUP) {
        to.append(group, now)
            .map_err(|error| store_failure(&error))?;
    }
    Ok(u64::try_from(missing.len()).unwrap_or(u64::MAX))
}

/// Everything that holds of an entry but its reason.
fn identity(entry: &Revocation<'_>) -> (&'static str, String, String, [i64; 3]) {
    let before = entry
        .issued_before()
        .map_or(i64::MIN, |before| before.seconds());
    (
        entry.by().as_str(),
        entry.issuer().to_owned(),
        entry.name().to_owned(),
        [before, entry.since().seconds(), entry.until().seconds()],
    )
}

/// Puts every private half that the document still names.
pub(super) fn material(
    from: &OpenedStore,
    to: &OpenedStore,
    document: &Versioned,
) -> Result<u64, Failure> {
    let keyring = keyring(document)?;
    let named = |address: &str| {
        let mut keys = keyring.keys().iter();
        keys.any(|key| key.address() == address && key.private_erased_at().is_none())
    };
    let mut count = 0_u64;
    for address in from
        .list_material()
        .map_err(|error| store_failure(&error))?
    {
        if !named(address.as_str()) {
            continue;
        }
        // Erased meanwhile: the schedule knows why.
        let Some(secret) = from
            .get_material(&address)
            .map_err(|error| store_failure(&error))?
        else {
            continue;
        };
        to.put_material(&address, &secret)
            .map_err(|error| store_failure(&error))?;
        count = count.saturating_add(1);
    }
    Ok(count)
}

/// Puts the document where there is none, or an earlier one of the same keyring.
pub(super) fn document(document: &Versioned, to: &OpenedStore) -> Result<(), Failure> {
    let there = to.load().map_err(|error| store_failure(&error))?;
    if let Some(there) = &there {
        if there.document == document.document {
            return Ok(());
        }
        let (new, old) = (keyring(document)?, keyring(there)?);
        if new.ring() != old.ring() {
            return Err(not_copied(to, "another keyring").hint(
                "nothing was replaced; name a store of its own, with another prefix or schema",
            ));
        }
        if new.may_follow(&old).is_err() {
            return Err(not_copied(to, "this keyring in a later state").hint(
                "nothing was replaced; to bring back what it lost: tokenwright store restore FOLDER",
            ));
        }
    }
    let expected = there.as_ref().map(|there| &there.version);
    to.compare_and_swap(expected, &document.document)
        .map(drop)
        .map_err(|error| store_failure(&error))
}

fn not_copied(to: &OpenedStore, what: &str) -> Failure {
    let message = format!("there is {what} in {} already", Escaped(to.name()));
    Failure::new("exists", Exit::Operator, message)
}

/// The document of a store; there must be one.
pub(super) fn load(from: &OpenedStore) -> Result<Versioned, Failure> {
    let found = from.load().map_err(|error| store_failure(&error))?;
    found.ok_or_else(|| {
        let message = format!("there is no keyring in {}", Escaped(from.name()));
        Failure::new("store_missing", Exit::Undecided, message)
    })
}

pub(super) fn keyring(document: &Versioned) -> Result<Keyring, Failure> {
    Keyring::from_json(&document.document).map_err(|error| keyring_failure(&error))
}
