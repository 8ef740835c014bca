//! `tokenwright init`: a folder of keys, and the first key in it.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::keyring::{Defaults, PolicyError, PolicyNumbers, RotationPolicy};
use tokenwright::store::{self, OpenedStore, Store as _, StoreErrorKind, Versioned};
use tokenwright::{Clock as _, SecretBytes, SystemClock, UnixTime};

use crate::cli::arguments::GlobalArguments;
use crate::cli::config::{self, Settings};
use crate::cli::escape::Escaped;
use crate::cli::failure::{Exit, Failure};
use crate::cli::keys::{access_failure, key_failure, short_id, store_failure};
use crate::cli::output::{Output, Paint};
use crate::cli::passphrase::PassphraseSource;
use crate::cli::place::{StorePlace, options};
use crate::cli::revocations;
use crate::cli::times;

/// The issuer of a keyring for which nobody named one.
const LOCAL_ISSUER: &str = "https://localhost";

/// Arguments of `init`.
#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    #[command(flatten)]
    pub(crate) ring: RingArguments,
    /// The algorithm of its keys
    #[arg(long, value_name = "ALG", default_value = "EdDSA")]
    alg: Algorithm,
}

/// What a new keyring is told.
#[derive(Debug, Args)]
pub(crate) struct RingArguments {
    /// Who issues the tokens
    #[arg(long, value_name = "URL")]
    iss: Option<String>,
    /// For whom tokens are meant; may be repeated
    #[arg(long, value_name = "NAME")]
    aud: Vec<String>,
    /// The longest life of a token, and its usual one [default: 15m]
    #[arg(long, value_name = "DURATION", value_parser = times::duration)]
    ttl: Option<Duration>,
    /// How long one key signs [default: 30d]
    #[arg(long, value_name = "DURATION", value_parser = times::duration)]
    rotate_every: Option<Duration>,
    #[command(flatten)]
    pub(crate) lock: LockArguments,
}

/// Whether private keys are locked.
#[derive(Debug, Args)]
pub(crate) struct LockArguments {
    /// Lock private keys with a passphrase, asked for on the terminal
    #[arg(long)]
    pub(crate) lock: bool,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseSource,
}

impl LockArguments {
    /// The passphrase for a new key, if it is to be locked.
    pub(crate) fn fresh(&self, purpose: &str) -> Result<Option<SecretBytes>, Failure> {
        if self.lock || self.passphrase.passphrase_file.is_some() {
            return self.passphrase.fresh(purpose).map(Some);
        }
        Ok(None)
    }
}

pub(crate) fn run(
    arguments: InitArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let plan = plan(&arguments.ring, global)?;
    if let Some(folder) = plan.place.folder() {
        close_fresh_checkout(folder, output);
    }
    if existing(&plan.place)?.is_some() {
        return Err(exists(&plan.place));
    }
    let lock = arguments.ring.lock.fresh("the new key")?;
    let key = SigningKey::generate(arguments.alg).map_err(|error| key_failure(&error))?;
    create(&plan, &key, lock.as_ref(), output)?;
    Ok(Exit::Done)
}

/// What is to be made, checked before anything is written.
pub(crate) struct Plan {
    place: StorePlace,
    policy: RotationPolicy,
    defaults: Defaults,
    issuer_assumed: bool,
}

pub(crate) fn plan(arguments: &RingArguments, global: &GlobalArguments) -> Result<Plan, Failure> {
    let flags = Settings {
        store: global.store.clone(),
        iss: arguments.iss.clone(),
        aud: (!arguments.aud.is_empty()).then(|| arguments.aud.clone()),
        ttl: arguments.ttl,
        ..Settings::default()
    };
    let settings = config::resolve(flags, global.config.as_deref())?;
    let place = settings.place()?;
    let mut numbers = PolicyNumbers::default();
    if let Some(ttl) = settings.ttl {
        numbers.token_lifetime = ttl.as_secs();
    }
    if let Some(period) = arguments.rotate_every {
        numbers.period = period.as_secs();
    }
    let policy = RotationPolicy::new(numbers).map_err(|error| unsafe_policy(&error, numbers))?;
    Ok(Plan {
        place,
        policy,
        issuer_assumed: settings.iss.is_none(),
        defaults: Defaults {
            issuer: Some(settings.iss.unwrap_or_else(|| LOCAL_ISSUER.to_owned())),
            audiences: settings.aud.unwrap_or_default(),
            token_lifetime: Some(Duration::from_secs(numbers.token_lifetime)),
        },
    })
}

/// The rule that is broken, and what would do for each flag while the other stays.
fn unsafe_policy(error: &PolicyError, numbers: PolicyNumbers) -> Failure {
    let room = numbers.room();
    let slower = PolicyNumbers {
        period: room.shortest_period.as_secs(),
        ..numbers
    };
    let shorter = PolicyNumbers {
        token_lifetime: room.longest_token_lifetime.as_secs(),
        ..numbers
    };
    let works = |numbers: &PolicyNumbers| RotationPolicy::new(*numbers).is_ok();
    let mut failure = Failure::new(error.code(), error.class().into(), error);
    for numbers in [slower, shorter].into_iter().filter(works) {
        failure = failure.hint(format!(
            "this would do: --rotate-every {}s --ttl {}s",
            numbers.period, numbers.token_lifetime
        ));
    }
    failure
}

impl Plan {
    pub(crate) fn place(&self) -> &StorePlace {
        &self.place
    }
}

/// The `keys/` of a checkout comes open to others, as git makes folders. While it
/// holds nothing but its page and its ignore file, closing it takes nothing from
/// anybody; any other folder is left for its owner to decide about.
fn close_fresh_checkout(folder: &Path, output: &mut Output) {
    use std::os::unix::fs::PermissionsExt as _;
    let Ok(facts) = std::fs::symlink_metadata(folder) else {
        return;
    };
    if !facts.is_dir() || facts.permissions().mode() & 0o077 == 0 {
        return;
    }
    let names = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let fresh = names.is_ok_and(|names| {
        names
            .iter()
            .all(|name| name.file_name() == "README.md" || name.file_name() == ".gitignore")
    });
    let closed = std::fs::Permissions::from_mode(0o700);
    if fresh && std::fs::set_permissions(folder, closed).is_ok() {
        output.note(format_args!(
            "closed {}/ to others (0700)",
            Escaped(&folder.display().to_string())
        ));
    }
}

/// A keyring that is there already is left alone; this is known before a key is made.
pub(crate) fn existing(place: &StorePlace) -> Result<Option<Versioned>, Failure> {
    let store = match place.folder() {
        Some(_) => match OpenedStore::open(&place.setting(), &options()?) {
            Ok(store) => store,
            Err(error) if error.kind() == StoreErrorKind::Missing => return Ok(None),
            Err(error) => return Err(store_failure(&error)),
        },
        // A server is made ready first: whether it can be used is known before a key is made.
        None => place.create()?,
    };
    store.load().map_err(|error| store_failure(&error))
}

pub(crate) fn exists(place: &StorePlace) -> Failure {
    let name = place.shown();
    let message = format!(
        "there is a keyring in {} already; it was left as it is",
        Escaped(&name)
    );
    Failure::new("exists", Exit::Operator, message).hint("to see it: tokenwright key list")
}

/// Makes the store and its first document, and says so.
pub(crate) fn create(
    plan: &Plan,
    key: &SigningKey,
    lock: Option<&SecretBytes>,
    output: &mut Output,
) -> Result<(), Failure> {
    let now = SystemClock.now();
    let opened = plan.place.create()?;
    // Before the keyring: where there are keys, there is a list, and none is an error.
    revocations::create_if_missing(&opened)?;
    let name = ring_name()?;
    store::create_keyring(
        &opened,
        &name,
        plan.policy,
        plan.defaults.clone(),
        key,
        lock,
        now,
    )
    .map_err(|error| match error.code() {
        "store_conflict" => exists(&plan.place),
        _ => access_failure(&error),
    })?;
    tell(plan, key, now, output);
    Ok(())
}

fn tell(plan: &Plan, key: &SigningKey, now: UnixTime, output: &mut Output) {
    let shown = plan.place.shown();
    let next = times::day(now.saturating_add(plan.policy.period()));
    let id = short_id(key.id().as_str());
    let place = match plan.place.folder() {
        Some(_) => format!("{}/ (0700)", Escaped(shown.trim_end_matches('/'))),
        None => format!("a keyring in {}", Escaped(&shown)),
    };
    let text = format!(
        " {place}   signing key {id}  {}, active now, next rotation {next}",
        key.algorithm()
    );
    output.headline(Paint::Good, "created", text);
    if plan.issuer_assumed {
        output.note(format!(
            "tokens will name the issuer {LOCAL_ISSUER}; init --iss URL names yours"
        ));
    }
    let store = match shown.as_str() {
        "keys" => String::new(),
        other => format!(" --store {}", Escaped(other)),
    };
    output.words(&format!(
        "next:  tokenwright mint --sub alice{store} | tokenwright verify -{store}"
    ));
}

/// A name of its own for the keyring: 128 random bits in hexadecimal.
fn ring_name() -> Result<String, Failure> {
    use tokenwright::key::{Entropy as _, SystemEntropy};
    let mut bytes = [0; 16];
    SystemEntropy
        .fill(&mut bytes)
        .map_err(|error| key_failure(&error))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
