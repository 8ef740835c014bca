//! Keys for commands: from the store, or from files.

use std::path::Path;

use tokenwright::key::{
    Algorithm, ImportOptions, JwkSet, KeyError, KeyErrorKind, SigningKey, SkippedMember,
    VerifyingKey,
};
use tokenwright::keyring::{KeyRecord, Keyring, KeyringError};
use tokenwright::limits::{MAX_JWKS_BYTES, MAX_PEM_BYTES};
use tokenwright::store::{self, KeyAccessError, OpenedStore, StoreError, StoredKeyring};
use tokenwright::{KeySet, SecretBytes, UnixTime};

use super::config::Settings;
use super::escape::Escaped;
use super::failure::{Exit, Failure};
use super::input::read_file;
use super::network::{self, NetworkArguments};
use super::passphrase::PassphraseSource;

/// A store and the keyring in it.
pub(crate) struct Ring {
    pub(crate) store: OpenedStore,
    pub(crate) stored: StoredKeyring,
}

impl Ring {
    /// Opens the store that the settings name; there must be a keyring in it.
    pub(crate) fn open(settings: &Settings) -> Result<Self, Failure> {
        let place = settings.place()?;
        let name = place.shown();
        let start = format!("to make one: tokenwright init --store {}", Escaped(&name));
        let store = place.open()?;
        match store::load_keyring(&store).map_err(|error| access_failure(&error))? {
            Some(stored) => Ok(Self { store, stored }),
            None => {
                let message = format!("there is no keyring in {}", Escaped(&name));
                Err(Failure::new("store_missing", Exit::Undecided, message).hint(start))
            }
        }
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.stored.keyring
    }

    /// The record of a key, by its id or the beginning of it, if that is unique.
    pub(crate) fn record(&self, id: &str) -> Result<&KeyRecord, Failure> {
        if let Some(record) = self.keyring().key(id) {
            return Ok(record);
        }
        let mut matching = self
            .keyring()
            .keys()
            .iter()
            .filter(|record| !id.is_empty() && record.id().as_str().starts_with(id));
        match (matching.next(), matching.next()) {
            (Some(only), None) => Ok(only),
            (Some(_), Some(_)) => {
                let message = format!("several keys begin with {}", Escaped(id));
                Err(Failure::new("no_such_key", Exit::Operator, message))
            }
            (None, _) => {
                let message = format!("no key has the id {}", Escaped(id));
                Err(Failure::new("no_such_key", Exit::Operator, message)
                    .hint("tokenwright key list shows all"))
            }
        }
    }

    /// The private key of a record; the passphrase is asked for only if it is locked.
    pub(crate) fn signing_key(
        &self,
        record: &KeyRecord,
        passphrase: &PassphraseSource,
    ) -> Result<SigningKey, Failure> {
        match store::signing_key(&self.store, record, None) {
            Err(error) if error.needs_passphrase() => {
                let purpose = format!("key {}", short_id(record.id().as_str()));
                let opened = passphrase.existing(&purpose)?;
                store::signing_key(&self.store, record, Some(&opened))
            }
            other => other,
        }
        .map_err(|error| access_failure(&error))
    }
}

/// The store's keys for verifying at `at`. What the settings leave open, the
/// keyring's defaults fill in.
pub(crate) fn store_key_set(
    settings: &mut Settings,
    at: UnixTime,
    passphrase: &PassphraseSource,
) -> Result<KeySet, Failure> {
    let ring = Ring::open(settings)?;
    apply_defaults(settings, ring.keyring());
    match store::key_set(&ring.store, ring.keyring(), at, None) {
        Err(error) if error.needs_passphrase() => {
            let opened = passphrase.existing("the shared secret")?;
            store::key_set(&ring.store, ring.keyring(), at, Some(&opened))
        }
        other => other,
    }
    .map_err(|error| access_failure(&error))
}

/// The keyring's own answers, below all other layers.
pub(crate) fn apply_defaults(settings: &mut Settings, keyring: &Keyring) {
    let defaults = keyring.defaults();
    if settings.iss.is_none() {
        settings.iss.clone_from(&defaults.issuer);
    }
    if settings.aud.is_none() && !defaults.audiences.is_empty() {
        settings.aud = Some(defaults.audiences.clone());
    }
    settings.ttl = settings.ttl.or(defaults.token_lifetime);
}

/// A JWK set: in a file, or at an address, from where it is fetched once.
pub(crate) fn read_jwks(
    place: &Path,
    algorithm: Option<Algorithm>,
    allowed: NetworkArguments,
) -> Result<KeySet, Failure> {
    let name = place.to_string_lossy();
    if network::is_address(&name) {
        return network::fetch(&name, algorithm, allowed);
    }
    let bytes = read_file(place, MAX_JWKS_BYTES)?;
    let options = match algorithm {
        Some(algorithm) => ImportOptions::new().algorithm_where_needed(algorithm),
        None => ImportOptions::new(),
    };
    let set = JwkSet::parse(bytes.expose(), &options).map_err(|error| {
        let reason = without_code(&error, error.code());
        let message = format!("{}: {reason}", Escaped(&name));
        Failure::new(error.code(), error.class().into(), message)
    })?;
    if set.keys().is_empty() {
        return Err(no_key(set.skipped().first()));
    }
    KeySet::of(set.into_keys()).map_err(|error| key_failure(&error))
}

/// A key set without a key that can be used, and why the first of its members cannot.
pub(crate) fn no_key(skipped: Option<&SkippedMember>) -> Failure {
    let message = "there is no key to verify with";
    let failure = Failure::new("keys_unavailable", Exit::Undecided, message);
    match skipped {
        Some(member) if member.reason().kind() == KeyErrorKind::AlgorithmNeeded => {
            failure.hint(member).hint("if you know it: --alg RS256")
        }
        Some(member) => failure.hint(member),
        None => failure,
    }
}

/// A single key is read from a file: an address is no file name of ours.
fn refuse_address(path: &Path) -> Result<(), Failure> {
    if network::is_address(&path.to_string_lossy()) {
        let failure = Failure::usage("a key is read from a file, not from the network");
        return Err(failure.hint("a key set can be fetched: --jwks URL"));
    }
    Ok(())
}

/// The key in a file that verifies tokens: PEM, JWK or PASERK, public or shared. A
/// private key is taken for its public half. A file that cannot be read is an
/// error; its name is never taken for a key (CVE-2021-41106).
pub(crate) fn read_verifying_key(
    path: &Path,
    algorithm: Option<Algorithm>,
    passphrase: &PassphraseSource,
) -> Result<VerifyingKey, Failure> {
    refuse_address(path)?;
    let bytes = read_file(path, MAX_PEM_BYTES)?;
    let named = |failure: Failure| {
        let name = path.to_string_lossy();
        let message = format!("{}: {}", Escaped(&name), failure.message);
        Failure { message, ..failure }
    };
    match parse_key(&bytes, algorithm, passphrase).map_err(named)? {
        ParsedKey::Verifying(key) => Ok(key),
        ParsedKey::Signing(key) => Ok(key.verifying_key()),
    }
}

/// A key out of some text.
pub(crate) enum ParsedKey {
    Verifying(VerifyingKey),
    Signing(Box<SigningKey>),
}

impl ParsedKey {
    fn signing(key: SigningKey) -> Self {
        Self::Signing(Box::new(key))
    }

    /// The half that verifies.
    pub(crate) fn verifying(&self) -> VerifyingKey {
        match self {
            Self::Verifying(key) => key.clone(),
            Self::Signing(key) => key.verifying_key(),
        }
    }
}

/// Reads a key of any form: PEM, PASERK, JWK, locked JWK, or DER. A public key is
/// tried first, so that a passphrase is asked for only when it is needed.
pub(crate) fn parse_key(
    bytes: &SecretBytes,
    algorithm: Option<Algorithm>,
    passphrase: &PassphraseSource,
) -> Result<ParsedKey, Failure> {
    let options = match algorithm {
        Some(algorithm) => ImportOptions::new().algorithm(algorithm),
        None => ImportOptions::new(),
    };
    match parse_open(bytes, &options) {
        Err(error) if error.kind() == KeyErrorKind::PassphraseNeeded => {
            let opened = passphrase.existing("the key")?;
            parse_open(bytes, &options.passphrase(&opened))
        }
        other => other,
    }
    .map_err(|error| key_failure(&error))
    .and_then(|key| check_algorithm(key, algorithm))
}

fn parse_open(bytes: &SecretBytes, options: &ImportOptions<'_>) -> Result<ParsedKey, KeyError> {
    let raw = bytes.expose();
    let trimmed = raw.trim_ascii();
    let text = std::str::from_utf8(trimmed).unwrap_or_default();
    if text.starts_with("k4.public.") {
        return VerifyingKey::from_paserk(text).map(ParsedKey::Verifying);
    }
    if text.starts_with("k4.") {
        return SigningKey::from_paserk(text).map(ParsedKey::signing);
    }
    if text.starts_with("eyJ") {
        return SigningKey::from_locked_jwk(text, options).map(ParsedKey::signing);
    }
    if trimmed.starts_with(b"{") {
        let public = VerifyingKey::from_jwk(trimmed, options);
        return or_private(public, || SigningKey::from_jwk(trimmed, options));
    }
    if trimmed.starts_with(b"-----BEGIN") {
        let public = VerifyingKey::from_pem(trimmed, options);
        return or_private(public, || SigningKey::from_pem(trimmed, options));
    }
    let public = VerifyingKey::from_der(raw, options);
    or_private(public, || SigningKey::from_der(raw, options))
}

/// The public key, or the private one if that is what was given.
fn or_private(
    public: Result<VerifyingKey, KeyError>,
    private: impl FnOnce() -> Result<SigningKey, KeyError>,
) -> Result<ParsedKey, KeyError> {
    match public {
        Ok(key) => Ok(ParsedKey::Verifying(key)),
        Err(error) if error.kind() == KeyErrorKind::PrivateKeyGiven => {
            private().map(ParsedKey::signing)
        }
        Err(error) => Err(error),
    }
}

/// PASERK text takes no options, so what was asked for is compared here.
fn check_algorithm(key: ParsedKey, asked: Option<Algorithm>) -> Result<ParsedKey, Failure> {
    let found = key.verifying().algorithm();
    match asked {
        Some(asked) if asked != found => {
            let message = format!("the key says it is for {found}, but {asked} was asked for");
            Err(Failure::new("algorithm_mismatch", Exit::Operator, message))
        }
        _ => Ok(key),
    }
}

/// An id cut to what a person compares: `7Qd1…`, `k4.pid.7Qd1…`.
pub(crate) fn short_id(id: &str) -> String {
    let prefixes = ["k4.pid.", "k4.sid.", "k4.lid."];
    let prefix = prefixes.into_iter().find(|prefix| id.starts_with(prefix));
    let prefix = prefix.unwrap_or_default();
    let rest = id.strip_prefix(prefix).unwrap_or_default();
    let shown: String = rest.chars().take(4).collect();
    let dots = if shown.len() < rest.len() { "…" } else { "" };
    let text = format!("{prefix}{shown}");
    format!("{}{dots}", Escaped(&text))
}

pub(crate) fn key_failure(error: &KeyError) -> Failure {
    Failure::new(
        error.code(),
        error.class().into(),
        without_code(error, error.code()),
    )
}

/// The sentence without the code in it, which is printed already.
pub(crate) fn without_code(error: impl std::fmt::Display, code: &str) -> String {
    error.to_string().replacen(&format!("{code}: "), "", 1)
}

pub(crate) fn store_failure(error: &StoreError) -> Failure {
    Failure::new(error.code(), error.class().into(), error)
}

pub(crate) fn keyring_failure(error: &KeyringError) -> Failure {
    Failure::new(error.code(), error.class().into(), error)
}

pub(crate) fn access_failure(error: &KeyAccessError) -> Failure {
    Failure::new(
        error.code(),
        error.class().into(),
        without_code(error, error.code()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_shown_short_and_escaped() {
        assert_eq!(short_id("7Qd1abcdef"), "7Qd1…");
        assert_eq!(short_id("k4.pid.7Qd1abcdef"), "k4.pid.7Qd1…");
        assert_eq!(short_id("abc"), "abc");
        assert_eq!(short_id("a\u{1b}[2Jx"), "a\\u{1b}[2…");
    }
}
