//! What a verifier needs of a keyring: keys by id, each with the time it may sign in.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::encoding::json::Text;
use crate::error::Quoted;
use crate::key::{
    FindKey, ImportOptions, JwkSet, JwkSetError, KeyError, KeyErrorKind, KeyId, VerifyingKey,
};
use crate::time::UnixTime;
use crate::token::KnownHeaders;

/// The time in which a key was allowed to sign, and how long what it signed may live.
///
/// All of them are the minter's numbers, so a verifier compares them with the
/// token's own `iat` and `exp` exactly, without leeway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPeriod {
    /// The first instant at which it signs.
    pub signs_from: UnixTime,
    /// The first instant at which it signs no more; `None` while that is not decided.
    pub signs_until: Option<UnixTime>,
    /// The first instant at which nothing it signed is accepted; `None` while that is not decided.
    pub verifies_until: Option<UnixTime>,
    /// The longest lifetime, from `iat` to `exp`, of what it signs.
    pub max_lifetime: Duration,
}

impl KeyPeriod {
    /// Whether a token issued at this instant can be this key's.
    #[must_use]
    pub fn may_have_signed_at(&self, issued_at: UnixTime) -> bool {
        issued_at >= self.signs_from && self.signs_until.is_none_or(|until| issued_at < until)
    }
}

/// A key and, when its keyring is known, its period.
pub(crate) struct Entry {
    pub(crate) key: VerifyingKey,
    pub(crate) period: Option<KeyPeriod>,
}

/// The keys a verifier accepts, found by id in constant time. Cheap to clone.
///
/// All are of one family: either asymmetric keys, or shared secrets. A set that
/// held both would let a public key be taken for a secret (CVE-2015-9235).
///
/// ```
/// use tokenwright::KeySet;
/// use tokenwright::key::{Algorithm, SigningKey};
///
/// let key = SigningKey::generate(Algorithm::EdDsa)?;
/// let keys = KeySet::of([key.verifying_key()])?;
/// assert_eq!(keys.len(), 1);
/// # Ok::<(), tokenwright::key::KeyError>(())
/// ```
#[derive(Clone)]
pub struct KeySet(Arc<Keys>);

/// Which tokens can mean a key of a set, by what they say of their key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Those that name one of its keys.
    ItsIds,
    /// Those that name its only key, or none.
    ItsIdOrNone,
    /// All: its only key has no name of its own.
    AnyIdOrNone,
}

struct Keys {
    entries: Vec<Entry>,
    by_id: HashMap<KeyId, usize>,
    /// The set is one key that nobody gave a name: then the token's key id is
    /// only a hint (RFC 7515 section 4.1.4), and ours is not the issuer's.
    sole_unnamed: bool,
    known_headers: KnownHeaders,
}

impl KeySet {
    /// A set of no key: a verifier with it refuses every token.
    #[must_use]
    pub fn empty() -> Self {
        Self::unchecked(Vec::new(), false)
    }

    /// A set of keys without periods: foreign or fixed ones.
    ///
    /// # Errors
    /// [`KeyErrorKind::DuplicateKeyId`] when two keys have one id, and
    /// [`KeyErrorKind::MixedFamilies`] when shared secrets meet other keys.
    pub fn of(keys: impl IntoIterator<Item = VerifyingKey>) -> Result<Self, KeyError> {
        let entries: Vec<_> = keys
            .into_iter()
            .map(|key| Entry { key, period: None })
            .collect();
        let sole_unnamed = matches!(entries.as_slice(), [only] if !only.key.is_named());
        Self::build(entries, sole_unnamed)
    }

    /// A set of keys whose periods are known, from a keyring of ours. A token must
    /// name one of them; only a set of one key takes a token that names none.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn with_periods(
        keys: impl IntoIterator<Item = (VerifyingKey, KeyPeriod)>,
    ) -> Result<Self, KeyError> {
        let entries = keys.into_iter().map(|(key, period)| Entry {
            key,
            period: Some(period),
        });
        Self::build(entries.collect(), false)
    }

    fn build(entries: Vec<Entry>, sole_unnamed: bool) -> Result<Self, KeyError> {
        let mut ids = HashSet::with_capacity(entries.len());
        for entry in &entries {
            if !ids.insert(entry.key.id()) {
                return Err(KeyError::explained(
                    KeyErrorKind::DuplicateKeyId,
                    format!(
                        "two keys have the id {}; a token could mean either",
                        Quoted(entry.key.id().as_str())
                    ),
                ));
            }
        }
        let secrets = entries
            .iter()
            .filter(|entry| entry.key.algorithm().is_symmetric())
            .count();
        if secrets != 0 && secrets != entries.len() {
            return Err(KeyError::explained(
                KeyErrorKind::MixedFamilies,
                "expected keys of one family, found shared secrets beside public keys: use a set for each",
            ));
        }
        Ok(Self::unchecked(entries, sole_unnamed))
    }

    fn unchecked(entries: Vec<Entry>, sole_unnamed: bool) -> Self {
        let ids = entries
            .iter()
            .enumerate()
            .map(|(position, entry)| (entry.key.id().clone(), position));
        let by_id = ids.collect();
        Self(Arc::new(Keys {
            entries,
            by_id,
            sole_unnamed,
            known_headers: KnownHeaders::default(),
        }))
    }

    /// The published keys of an issuer: a JWK set (RFC 7517 section 5). Members
    /// that cannot be used are left out; [`JwkSet::parse`] tells why.
    ///
    /// # Errors
    /// As [`JwkSet::parse`].
    pub fn from_jwks(json: &[u8]) -> Result<Self, JwkSetError> {
        JwkSet::parse(json, &ImportOptions::new()).map(Self::from)
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.entries.len()
    }

    /// Whether there are none; a verifier with such a set refuses every token.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.entries.is_empty()
    }

    /// The keys, in the order they were given.
    pub fn keys(&self) -> impl Iterator<Item = &VerifyingKey> {
        self.0.entries.iter().map(|entry| &entry.key)
    }

    /// Headers under which tokens of these keys have come.
    pub(crate) fn known_headers(&self) -> &KnownHeaders {
        &self.0.known_headers
    }

    /// Which key ids lead to a key of this set.
    pub(crate) fn reach(&self) -> Reach {
        match (self.0.sole_unnamed, self.len()) {
            (true, _) => Reach::AnyIdOrNone,
            (false, 1) => Reach::ItsIdOrNone,
            (false, _) => Reach::ItsIds,
        }
    }

    /// The one key a token can mean that verifies now: by its id, or the only one
    /// when it names none. Other keys are never tried in its place.
    pub(crate) fn select(&self, key_id: Option<Text<'_>>, now: UnixTime) -> Option<&Entry> {
        match key_id.map(|id| (id, id.plain())) {
            None => self.select_named(None, now),
            Some((_, Some(id))) => self.select_named(Some(id), now),
            Some((id, None)) => self.select_named(Some(&id.to_cow()), now),
        }
    }

    fn select_named(&self, key_id: Option<&str>, now: UnixTime) -> Option<&Entry> {
        let expired = |entry: &Entry| {
            let until = entry.period.and_then(|period| period.verifies_until);
            until.is_some_and(|until| until <= now)
        };
        self.named(key_id).filter(|entry| !expired(entry))
    }

    /// The key of this id.
    pub(crate) fn by_id(&self, id: &KeyId) -> Option<&Entry> {
        self.0.entries.get(*self.0.by_id.get(id)?)
    }

    fn named(&self, key_id: Option<&str>) -> Option<&Entry> {
        if let ([only], Some(id)) = (self.0.entries.as_slice(), key_id)
            && only.key.id().as_str() == id
        {
            // Without hashing the id: 3 % of an HS256 verification.
            return Some(only);
        }
        let named = key_id.and_then(|id| self.0.by_id.get(id));
        match (named, self.0.entries.as_slice()) {
            (Some(position), entries) => entries.get(*position),
            (None, [only]) if key_id.is_none() || self.0.sole_unnamed => Some(only),
            (None, _) => None,
        }
    }
}

impl FindKey for KeySet {
    fn find_key(&self, key_id: Option<&str>, now: UnixTime) -> Option<VerifyingKey> {
        let found = self.select_named(key_id, now);
        found.map(|entry| entry.key.clone())
    }
}

impl From<JwkSet> for KeySet {
    /// A JWK set has been held to the same rules: ids differ, one family.
    fn from(set: JwkSet) -> Self {
        let entries = set
            .into_keys()
            .into_iter()
            .map(|key| Entry { key, period: None })
            .collect();
        Self::unchecked(entries, false)
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys()).finish()
    }
}
