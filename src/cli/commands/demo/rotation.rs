//! The part of the demo in which the keyring turns. Nobody waits for it: the
//! library makes a keyring that is twelve minutes old, and `--at` runs its past.

use std::time::Duration;

use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::keyring::{Defaults, PolicyNumbers, RotationPolicy};
use tokenwright::store::{FileStore, RevocationStore as _, create_keyring};
use tokenwright::{Claims, Clock as _, MintOptions, Minter, SystemClock, UnixTime};

use super::{ISSUER, Story};
use crate::cli::failure::{Exit, Failure};
use crate::cli::keys::{access_failure, key_failure, store_failure};

const AUDIENCE: &str = "orders-api";
/// How long a key signs, in seconds: more than it takes to make its successor known.
const PERIOD: u64 = 600;
/// How long a token lives, in seconds.
const LIFETIME: u64 = 3_600;

pub(super) fn tell(story: &mut Story<'_>) -> Result<(), Failure> {
    let now = SystemClock.now().seconds();
    let began = UnixTime::from_seconds(now.saturating_sub(720));
    story.say("6. A keyring that turns: each key signs for ten minutes")?;
    begin(story, began)?;
    story.say("   (a keyring that began twelve minutes ago, and a token of its first key)")?;
    let early = began.saturating_add(Duration::from_secs(300));
    let rotate = format!("rotate --store turning --at @{}", early.seconds());
    story.step(&rotate, None, Exit::Done)?;
    story.step("rotate --store turning", None, Exit::Done)?;
    story.step("key list --store turning", None, Exit::Done)?;
    story.say("   (the second key signs; the first one's tokens are good until they end)")?;
    story.step(
        "mint --store turning --sub bob",
        Some("new.token"),
        Exit::Done,
    )?;
    story.step("verify --store turning @new.token", None, Exit::Done)?;
    story.step("verify --store turning @old.token", None, Exit::Done)?;
    story.step(
        "verify --store turning @old.token --at now+49m",
        None,
        Exit::Time,
    )
}

/// The keyring as it was then, and a token of then.
fn begin(story: &mut Story<'_>, began: UnixTime) -> Result<(), Failure> {
    let refused = |reason: String| Failure::new("demo", Exit::Operator, reason);
    let policy = RotationPolicy::new(PolicyNumbers {
        period: PERIOD,
        token_lifetime: LIFETIME,
        ..PolicyNumbers::default()
    })
    .map_err(|error| refused(error.to_string()))?;
    let defaults = Defaults {
        issuer: Some(ISSUER.to_owned()),
        audiences: vec![AUDIENCE.to_owned()],
        token_lifetime: Some(Duration::from_secs(LIFETIME)),
    };
    let key = SigningKey::generate(Algorithm::EdDsa).map_err(|error| key_failure(&error))?;
    let store =
        FileStore::create(story.folder.join("turning")).map_err(|error| store_failure(&error))?;
    store
        .revocations()
        .create(began)
        .map_err(|error| store_failure(&error))?;
    create_keyring(&store, "demo", policy, defaults, &key, None, began)
        .map_err(|error| access_failure(&error))?;
    let token = Minter::builder(key, ISSUER)
        .audience(AUDIENCE)
        .lifetime(Duration::from_secs(LIFETIME))
        .build()
        .and_then(|minter| {
            let options = MintOptions::new().at(began);
            minter.mint_with(&Claims::for_subject("alice"), options)
        })
        .map_err(|error| refused(error.to_string()))?;
    story.write("old.token", &token)
}
