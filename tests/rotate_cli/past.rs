//! Keyrings that began in the past.

use std::time::Duration;

use serde_json::Value;
use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::keyring::{Defaults, PolicyNumbers, RotationPolicy};
use tokenwright::store::{
    FileStore, RevocationStore as _, create_keyring, load_keyring, signing_key,
};
use tokenwright::{Claims, Clock as _, MintOptions, Minter, SystemClock, UnixTime};

use crate::place::{Place, Run};

pub(crate) const HOUR: u64 = 3_600;
pub(crate) const DAY: u64 = 24 * HOUR;

/// A place whose keyring began so many seconds ago and rotates every day.
pub(crate) struct Past {
    pub(crate) place: Place,
    pub(crate) began: UnixTime,
    /// The first key.
    pub(crate) first: String,
}

impl Past {
    pub(crate) fn new(age: u64) -> Self {
        let place = Place::new();
        let now = UnixTime::from_seconds(SystemClock.now().seconds());
        let began = now.saturating_sub(Duration::from_secs(age));
        let first = make(&place, "keys", began);
        Self {
            place,
            began,
            first,
        }
    }

    /// The same, with its standby published at the beginning: known everywhere after W.
    pub(crate) fn with_standby(age: u64) -> Self {
        let past = Self::new(age);
        past.rotate_at(0, &[]).succeeds();
        past
    }

    /// A token of the first key, minted so many seconds ago: in the very second in
    /// which a key is taken out, it would be on the other side.
    pub(crate) fn token_from_before(&self, age: u64) -> String {
        let store = FileStore::open(self.place.path("keys")).unwrap();
        let stored = load_keyring(&store).unwrap().unwrap();
        let record = stored.keyring.key(&self.first).unwrap();
        let key = signing_key(&store, record, None).unwrap();
        let minter = Minter::builder(key, "https://auth.example").audience("orders-api");
        let at = SystemClock.now().saturating_sub(Duration::from_secs(age));
        let claims = Claims::for_subject("alice");
        let options = MintOptions::new().at(at);
        minter.build().unwrap().mint_with(&claims, options).unwrap()
    }

    /// `@SECONDS` so many seconds after the beginning.
    pub(crate) fn at(&self, after: u64) -> String {
        format!("@{}", self.time(after).seconds())
    }

    pub(crate) fn time(&self, after: u64) -> UnixTime {
        self.began.saturating_add(Duration::from_secs(after))
    }

    pub(crate) fn rotate_at(&self, after: u64, more: &[&str]) -> Run {
        let at = self.at(after);
        let mut arguments = vec!["rotate", "--at", &at];
        arguments.extend(more);
        self.place.run(&arguments)
    }

    /// The keyring's keys, as `key list --json` tells them.
    pub(crate) fn keys(&self) -> Vec<Value> {
        let listed = self.place.run(&["key", "list", "--json"]).succeeds().json();
        listed["keys"].as_array().unwrap().clone()
    }

    pub(crate) fn state(&self, kid: &str) -> String {
        let keys = self.keys();
        let key = keys.iter().find(|key| key["kid"] == kid).unwrap();
        key["state"].as_str().unwrap().to_owned()
    }

    /// The id of the only key in a state.
    pub(crate) fn only(&self, state: &str) -> String {
        let keys = self.keys();
        let mut found = keys.iter().filter(|key| key["state"] == state);
        let kid = found.next().unwrap()["kid"].as_str().unwrap().to_owned();
        assert!(found.next().is_none(), "several keys are {state}");
        kid
    }

    pub(crate) fn document(&self) -> String {
        self.place.read("keys/keyring.json")
    }

    /// Puts a document in place of the keyring, private as it has to be.
    pub(crate) fn put_document(&self, text: &str) {
        // Writing into the existing file keeps its mode.
        self.place.write("keys/keyring.json", text);
    }
}

/// A keyring in a folder of the place; the id of its key.
pub(crate) fn make(place: &Place, folder: &str, began: UnixTime) -> String {
    let policy = RotationPolicy::new(PolicyNumbers {
        period: DAY,
        ..PolicyNumbers::default()
    })
    .unwrap();
    let defaults = Defaults {
        issuer: Some("https://auth.example".to_owned()),
        audiences: vec!["orders-api".to_owned()],
        token_lifetime: Some(Duration::from_secs(900)),
    };
    let key = key_without_hyphen();
    let store = FileStore::create(place.path(folder)).unwrap();
    store.revocations().create(began).unwrap();
    create_keyring(&store, "test", policy, defaults, &key, None, began).unwrap();
    key.id().as_str().to_owned()
}

/// A key whose id is a plain word everywhere; ids with a hyphen have a test of their own.
fn key_without_hyphen() -> SigningKey {
    loop {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        if !key.id().as_str().starts_with('-') {
            return key;
        }
    }
}
