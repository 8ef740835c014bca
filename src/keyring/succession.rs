//! Which document a reader may take in place of the one it has.

use super::error::{KeyringError, KeyringErrorKind};
use super::ring::Keyring;

impl Keyring {
    /// Refuses this document in place of `seen`, an earlier one of the same keyring.
    ///
    /// The version alone is not enough: a backup that was put back and then
    /// committed to reaches the version that was seen, and passes it. But nothing
    /// dead ever comes back by any commit or merge, and `as_of` never falls; a
    /// document in which it did was made from an older one.
    ///
    /// # Errors
    /// [`KeyringErrorKind::OtherRing`] and [`KeyringErrorKind::RolledBack`].
    pub fn may_follow(&self, seen: &Self) -> Result<(), KeyringError> {
        if self.ring != seen.ring {
            return Err(KeyringError::new(
                KeyringErrorKind::OtherRing,
                format!("this is the keyring {:?}, not {:?}", self.ring, seen.ring),
            ));
        }
        self.not_before(seen.version)?;
        if self.version == seen.version && self != seen {
            return Err(rolled_back(
                "another document of the same version was seen before",
            ));
        }
        if self.as_of < seen.as_of {
            return Err(rolled_back("a later time was committed before"));
        }
        match self.revived_from(seen) {
            Some(id) => Err(rolled_back(&format!("key {id} was dead before"))),
            None => Ok(()),
        }
    }

    /// A key of this document that `seen` knows as destroyed or compromised.
    fn revived_from(&self, seen: &Self) -> Option<&crate::key::KeyId> {
        let living = self.keys.iter().find(|key| {
            let marked = seen.key(key.id.as_str()).and_then(|old| old.compromised_at);
            let undone = marked.is_some_and(|old| key.compromised_at.is_none_or(|new| old < new));
            undone || seen.buried(key.id.as_str()).is_some()
        });
        living.map(|key| &key.id)
    }
}

fn rolled_back(why: &str) -> KeyringError {
    KeyringError::new(
        KeyringErrorKind::RolledBack,
        format!(
            "the keyring was rolled back: {why}; restore merges a backup without losing what came after it"
        ),
    )
}
