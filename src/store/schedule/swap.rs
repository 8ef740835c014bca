//! One compare-and-swap that knows how it ended, as far as that can be known.

use crate::keyring::Keyring;
use crate::store::{Outcome, Store, StoreError, StoreErrorKind, Version};

/// How often a call is repeated when another process holds the lock, or when
/// it is not known how the call ended.
const ATTEMPTS: usize = 3;

/// How a swap ended.
pub(super) enum Swap {
    /// It is durable.
    Done,
    /// The document is another one now; ours is not what is there.
    Lost,
    /// Nothing was changed.
    Refused(StoreError),
    /// It may be there, now or later: nobody may wipe what it names.
    Doubtful(StoreError),
}

/// Replaces the document, and does not leave it at "perhaps" without need: a swap
/// in doubt is repeated, since only a repetition that succeeds makes it durable.
pub(super) fn swap(store: &dyn Store, expected: Option<&Version>, keyring: &Keyring) -> Swap {
    let document = keyring.to_json();
    let document = document.as_bytes();
    let mut expected = expected.cloned();
    let mut doubt: Option<StoreError> = None;
    let mut last = None;
    for _ in 0..ATTEMPTS {
        let error = match store.compare_and_swap(expected.as_ref(), document) {
            Ok(_) => return Swap::Done,
            Err(error) => error,
        };
        if error.kind() == StoreErrorKind::Conflict {
            let Some(earlier) = doubt.take() else {
                return Swap::Lost;
            };
            // Somebody was faster, or it was ourselves.
            match store.load() {
                Ok(Some(found)) if found.document == document => expected = Some(found.version),
                Ok(_) => return Swap::Lost,
                Err(_) => return Swap::Doubtful(earlier),
            }
            doubt = Some(earlier);
        } else if error.outcome() == Outcome::Indeterminate {
            doubt = Some(error);
        } else if error.kind() == StoreErrorKind::Busy {
            last = Some(error);
        } else {
            last = Some(error);
            break;
        }
    }
    match (doubt, last) {
        (Some(doubt), _) => Swap::Doubtful(doubt),
        (None, Some(error)) => Swap::Refused(error),
        (None, None) => Swap::Lost,
    }
}

/// Repeats a call as long as another process holds the lock.
pub(super) fn patiently<T>(
    mut call: impl FnMut() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut result = call();
    for _ in 1..ATTEMPTS {
        match &result {
            Err(error) if error.kind() == StoreErrorKind::Busy => result = call(),
            Ok(_) | Err(_) => break,
        }
    }
    result
}
