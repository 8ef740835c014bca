//! What can be wrong with a keyring, or with what is asked of it.

use std::fmt;

use crate::error::{ErrorClass, is_plain};

/// Longest message, in characters: parts of it may come from a file edited by hand.
const DETAIL_LIMIT: usize = 400;

/// Why a keyring was refused, or would not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyringErrorKind {
    /// The text is not JSON, or has members or values that do not belong.
    Malformed,
    /// The text is larger than a keyring can be.
    TooLarge,
    /// The text is some other document.
    NotAKeyring,
    /// The document was written by a newer version of this program.
    NewerVersion,
    /// The document contradicts itself: it was edited by hand or damaged.
    Inconsistent,
    /// The rotation policy inside breaks a rule.
    UnsafePolicy,
    /// The clock is behind the time of the last commit by more than the allowed difference.
    ClockBehind,
    /// The clock is more than two periods after the last commit.
    ClockJump,
    /// No key has that id.
    UnknownKey,
    /// The id is in the keyring already, or was.
    DuplicateKey,
    /// The key supplied is not of the kind that was asked for.
    WrongKey,
    /// No key may sign now.
    NoSigner,
    /// No other key is known everywhere, so nothing can take over without an outage.
    NoStandby,
    /// The key is compromised, and nothing undoes that.
    Final,
    /// What was asked for is the case already.
    NothingToDo,
    /// The document is older than one seen before.
    RolledBack,
    /// The two documents are not of the same keyring.
    OtherRing,
    /// The two documents give one id to different keys.
    Conflict,
}

/// A keyring that was refused, or an operation on it that was, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyringError {
    kind: KeyringErrorKind,
    detail: String,
}

impl KeyringError {
    /// Foreign text in `detail` is made safe to print, and the whole is bounded.
    pub(crate) fn new(kind: KeyringErrorKind, detail: impl AsRef<str>) -> Self {
        let mut safe = String::new();
        for character in detail.as_ref().chars().take(DETAIL_LIMIT) {
            if is_plain(character) {
                safe.push(character);
            } else {
                safe.extend(character.escape_unicode());
            }
        }
        Self { kind, detail: safe }
    }

    /// What was wrong, for a program.
    #[must_use]
    pub fn kind(&self) -> KeyringErrorKind {
        self.kind
    }

    /// The stable name of the kind.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.kind {
            KeyringErrorKind::Malformed => "keyring_malformed",
            KeyringErrorKind::TooLarge => "keyring_too_large",
            KeyringErrorKind::NotAKeyring => "not_a_keyring",
            KeyringErrorKind::NewerVersion => "keyring_newer_version",
            KeyringErrorKind::Inconsistent => "keyring_inconsistent",
            KeyringErrorKind::UnsafePolicy => "unsafe_policy",
            KeyringErrorKind::ClockBehind => "clock_behind",
            KeyringErrorKind::ClockJump => "clock_jump",
            KeyringErrorKind::UnknownKey => "no_such_key",
            KeyringErrorKind::DuplicateKey => "duplicate_key",
            KeyringErrorKind::WrongKey => "wrong_key",
            KeyringErrorKind::NoSigner => "no_signer",
            KeyringErrorKind::NoStandby => "no_standby",
            KeyringErrorKind::Final => "compromise_is_final",
            KeyringErrorKind::NothingToDo => "nothing_to_do",
            KeyringErrorKind::RolledBack => "keyring_rolled_back",
            KeyringErrorKind::OtherRing => "other_ring",
            KeyringErrorKind::Conflict => "keyring_conflict",
        }
    }

    /// Who must act: the operator, or nobody yet when the keys cannot be known.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self.kind {
            KeyringErrorKind::NoSigner | KeyringErrorKind::RolledBack => ErrorClass::CannotKnow,
            KeyringErrorKind::Malformed
            | KeyringErrorKind::TooLarge
            | KeyringErrorKind::NotAKeyring
            | KeyringErrorKind::NewerVersion
            | KeyringErrorKind::Inconsistent
            | KeyringErrorKind::UnsafePolicy
            | KeyringErrorKind::ClockBehind
            | KeyringErrorKind::ClockJump
            | KeyringErrorKind::UnknownKey
            | KeyringErrorKind::DuplicateKey
            | KeyringErrorKind::WrongKey
            | KeyringErrorKind::NoStandby
            | KeyringErrorKind::Final
            | KeyringErrorKind::NothingToDo
            | KeyringErrorKind::OtherRing
            | KeyringErrorKind::Conflict => ErrorClass::Operator,
        }
    }
}

impl fmt::Display for KeyringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for KeyringError {}
