//! From a keyring document to the views that readers hold.

use crate::keyring::{KeySet, KeyView, Keyring, Signer, SignerView};
use crate::secret::SecretBytes;
use crate::store::Store;
use crate::store::keys::{key_set, signing_key};
use crate::time::UnixTime;

use super::FollowError;

pub(super) fn key_view(
    store: &dyn Store,
    keyring: &Keyring,
    now: UnixTime,
    passphrase: Option<&SecretBytes>,
) -> Result<KeyView, FollowError> {
    let at = keyring.clock(now);
    Ok(view_of(
        key_set(store, keyring, at, passphrase)?,
        keyring,
        now,
    ))
}

/// A view read at `now`.
pub(super) fn view_of(keys: KeySet, keyring: &Keyring, now: UnixTime) -> KeyView {
    let complete = complete_until(keyring, now);
    KeyView::of_keyring(
        keys,
        floor_of(keyring),
        complete,
        usable_until(keyring, now),
    )
}

/// Until when no key that is not in a view read at `now` can sign (Q − S).
pub(super) fn complete_until(keyring: &Keyring, now: UnixTime) -> UnixTime {
    keyring
        .complete_until(now)
        .saturating_sub(keyring.policy().clock_skew())
}

/// Until when a view read at `now` serves verifiers: for C, the age that the rules
/// reckon with (I1), and through an outage for as long as it is known to be complete.
pub(super) fn usable_until(keyring: &Keyring, now: UnixTime) -> UnixTime {
    let aged = now.saturating_add(keyring.policy().view_age());
    aged.max(complete_until(keyring, now))
}

pub(super) fn signer_view(keyring: &Keyring, signers: &[Signer], now: UnixTime) -> SignerView {
    let periods = signers.iter().filter_map(|signer| {
        let record = keyring.key(signer.key().id().as_str())?;
        let mut period = record.period()?;
        period.max_lifetime = record.lifetime_to_sign(now, keyring.policy());
        Some(signer.with_period(period))
    });
    let fresh_until = now.saturating_add(keyring.policy().view_age());
    SignerView::of_keyring(periods.collect(), floor_of(keyring), fresh_until)
}

pub(super) fn floor_of(keyring: &Keyring) -> UnixTime {
    keyring.clock(UnixTime::from_seconds(i64::MIN))
}

/// Every key that signs now or is going to, with its private half; those already
/// held are not read again.
pub(super) fn signers_of(
    store: &dyn Store,
    keyring: &Keyring,
    held: &[Signer],
    now: UnixTime,
    passphrase: Option<&SecretBytes>,
) -> Result<Vec<Signer>, FollowError> {
    let mut signers = Vec::new();
    for record in keyring.keys() {
        let done = record
            .stops_signing_at()
            .is_some_and(|at| at <= keyring.clock(now));
        let (Some(period), false) = (record.period(), done || record.compromised_at().is_some())
        else {
            continue;
        };
        if record.activates_at().is_none() || record.private_erased_at().is_some() {
            continue;
        }
        let known = held.iter().find(|signer| signer.key().id() == record.id());
        signers.push(match known {
            Some(signer) => signer.with_period(period),
            None => Signer::new(signing_key(store, record, passphrase)?, period),
        });
    }
    Ok(signers)
}
