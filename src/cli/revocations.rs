//! The revocation list of a store, for commands.

use std::sync::Arc;

use tokenwright::store::{
    self, OpenedStore, RevocationFollowError, RevocationFollower, RevocationStore, StoreError,
    StoreErrorKind, StoreNote,
};
use tokenwright::{Clock as _, LiveRevocations, Retention, SystemClock, UnixTime};

use super::config::Settings;
use super::failure::Failure;
use super::keys::{self, Ring, store_failure};
use super::output::Output;

/// A store, and the list in it.
pub(crate) struct RevocationPlace {
    pub(crate) ring: Ring,
    pub(crate) list: Arc<dyn RevocationStore>,
}

impl RevocationPlace {
    /// Opens the store that the settings name. What the settings leave open, the
    /// keyring's defaults fill in.
    pub(crate) fn open(settings: &mut Settings) -> Result<Self, Failure> {
        let ring = Ring::open(settings)?;
        keys::apply_defaults(settings, ring.keyring());
        let list = ring.store.revocations();
        Ok(Self { ring, list })
    }

    /// Now, unless the keyring proves this machine's clock slow.
    pub(crate) fn now(&self) -> UnixTime {
        self.ring.keyring().clock(SystemClock.now())
    }

    /// Whether an issuer's tokens are those of this keyring. What it does not say of
    /// its own tokens may be of anybody's.
    pub(crate) fn issues_for(&self, issuer: &str) -> bool {
        let own = self.ring.keyring().defaults().issuer.as_deref();
        own.is_none_or(|own| own == issuer)
    }

    /// How long entries are kept for tokens of this keyring.
    pub(crate) fn retention(&self) -> Retention {
        store::retention(self.ring.keyring())
    }
}

/// Follows the list of a store; the view is fresh when this returns.
pub(crate) fn follow(store: &OpenedStore) -> Result<RevocationFollower, Failure> {
    RevocationFollower::open(store.revocations(), SystemClock)
        .map_err(|error| follow_failure(&error))
}

/// A list for a judgement at `at`: what is known now is all that can be known of
/// another time. Tokens without an id are judged by all that can be said of them: an
/// operator who wants ids says `--require jti`.
pub(crate) fn as_of(live: LiveRevocations, at: Option<UnixTime>) -> LiveRevocations {
    let live = match at {
        Some(at) => LiveRevocations::new(live.view().list().clone(), at),
        None => live,
    };
    live.with_unnamed_tokens()
}

/// Makes an empty list, unless there is one.
pub(crate) fn create_if_missing(store: &OpenedStore) -> Result<(), Failure> {
    match store.revocations().create(SystemClock.now()) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == StoreErrorKind::Exists => Ok(()),
        Err(error) => Err(list_failure(&error)),
    }
}

pub(crate) fn list_failure(error: &StoreError) -> Failure {
    let failure = store_failure(error);
    match error.kind() {
        StoreErrorKind::NoList => failure.hint("to begin an empty one: tokenwright revoke init"),
        _ => failure,
    }
}

pub(crate) fn follow_failure(error: &RevocationFollowError) -> Failure {
    use tokenwright::store::RevocationFollowErrorKind as Kind;
    match error.kind() {
        Kind::Store(error) => list_failure(error),
        _ => Failure::new(error.code(), error.class().into(), error),
    }
}

/// Tells what else happened.
pub(crate) fn tell_notes(notes: &[StoreNote], output: &mut Output) {
    for note in notes {
        output.note(note);
    }
}
