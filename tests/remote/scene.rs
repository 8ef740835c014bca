//! An issuer, a client that answers by script, a clock, and a verifier of its tokens.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use tokenwright::http::remote::{
    Fetch, FetchError, FetchErrorKind, RemoteKeys, RemoteKeysBuilder, RemoteRefresh,
};
use tokenwright::key::{Algorithm, JwkSet, KeyId, SigningKey};
use tokenwright::{Claims, ManualClock, Minter, Policy, UnixTime, Verifier};

pub(crate) const ISSUER: &str = "https://auth.example";
pub(crate) const JWKS: &str = "https://auth.example/jwks.json";
pub(crate) const AUDIENCE: &str = "shop";
pub(crate) const START: UnixTime = UnixTime::from_seconds(1_760_000_000);
pub(crate) const COOL_DOWN: u64 = 30;

pub(crate) type Answer = Result<Response<Vec<u8>>, FetchError>;

/// A client that answers as its script says, and keeps what it was asked.
#[derive(Clone)]
pub(crate) struct Script(Arc<Mutex<Parts>>);

/// What a server says to each request.
type Answering = dyn Fn(&Request<()>) -> Answer + Send + Sync;

struct Parts {
    answer: Arc<Answering>,
    requests: Vec<Request<()>>,
}

impl Script {
    pub(crate) fn new(answer: impl Fn(&Request<()>) -> Answer + Send + Sync + 'static) -> Self {
        Self(Arc::new(Mutex::new(Parts {
            answer: Arc::new(answer),
            requests: Vec::new(),
        })))
    }

    pub(crate) fn set(&self, answer: impl Fn(&Request<()>) -> Answer + Send + Sync + 'static) {
        self.0.lock().unwrap().answer = Arc::new(answer);
    }

    /// Answers with this set from now on.
    pub(crate) fn publish(&self, body: impl Into<String>) {
        let body = body.into();
        self.set(move |_| json(&body));
    }

    pub(crate) fn fail(&self) {
        self.set(|_| Err(FetchError::new(FetchErrorKind::Unreachable, "down")));
    }

    pub(crate) fn fetches(&self) -> usize {
        self.0.lock().unwrap().requests.len()
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        let parts = self.0.lock().unwrap();
        parts
            .requests
            .iter()
            .map(|request| request.uri().to_string())
            .collect()
    }

    pub(crate) fn last_tag(&self) -> Option<String> {
        let parts = self.0.lock().unwrap();
        let tag = parts.requests.last()?.headers().get("if-none-match")?;
        Some(tag.to_str().unwrap().to_owned())
    }
}

impl Fetch for Script {
    fn fetch(&self, request: &Request<()>, _limit: usize) -> Answer {
        let answer = {
            let mut parts = self.0.lock().unwrap();
            parts.requests.push(request.clone());
            Arc::clone(&parts.answer)
        };
        answer(request)
    }
}

pub(crate) fn json(body: &str) -> Answer {
    with_headers(body, &[])
}

pub(crate) fn with_headers(body: &str, headers: &[(&str, &str)]) -> Answer {
    let mut answer = Response::builder().header("content-type", "application/json");
    for (name, value) in headers {
        answer = answer.header(*name, *value);
    }
    Ok(answer.body(body.as_bytes().to_vec()).unwrap())
}

pub(crate) fn status(status: u16) -> Answer {
    Ok(Response::builder().status(status).body(Vec::new()).unwrap())
}

pub(crate) fn key(id: &str) -> SigningKey {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    key.with_id(KeyId::new(id).unwrap())
}

pub(crate) fn set_of(keys: &[&SigningKey]) -> String {
    let keys = keys.iter().map(|key| key.verifying_key());
    JwkSet::of(keys).unwrap().to_json().unwrap()
}

pub(crate) fn promising(keys: &[&SigningKey], until: UnixTime) -> String {
    let keys = keys.iter().map(|key| key.verifying_key());
    JwkSet::of(keys)
        .unwrap()
        .promising(until)
        .to_json()
        .unwrap()
}

/// Remote keys with a scripted client and a manual clock, and a verifier.
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) script: Script,
    pub(crate) remote: RemoteKeys,
    pub(crate) verifier: Verifier,
}

impl World {
    pub(crate) fn of(keys: &[&SigningKey]) -> Self {
        let body = set_of(keys);
        let world = Self::lazy(RemoteKeys::jwks(JWKS), move |_| json(&body));
        assert_eq!(world.remote.refresh().unwrap(), RemoteRefresh::Changed);
        world
    }

    pub(crate) fn lazy(
        builder: RemoteKeysBuilder,
        answer: impl Fn(&Request<()>) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let clock = Arc::new(ManualClock::at(START));
        let script = Script::new(answer);
        let remote = builder
            .client(script.clone())
            .clock(Arc::clone(&clock))
            .lazy()
            .unwrap();
        let verifier = Verifier::builder(remote.keys())
            .policy(Policy::new(ISSUER, AUDIENCE))
            .without_revocation()
            .clock(Arc::clone(&clock))
            .build();
        Self {
            clock,
            script,
            remote,
            verifier,
        }
    }

    /// Lets time pass on both clocks.
    pub(crate) fn pass(&self, seconds: u64) {
        use tokenwright::Clock as _;
        let by = Duration::from_secs(seconds);
        self.clock.set(self.clock.now().saturating_add(by));
        self.clock.pass(by);
    }

    /// A token that is good now.
    pub(crate) fn mint(&self, key: &SigningKey) -> String {
        mint(key, &self.clock)
    }

    /// What the verifier says of a token of this key, made now: `ok`, or the code.
    pub(crate) fn verdict(&self, key: &SigningKey) -> &'static str {
        let token = self.mint(key);
        match self.verifier.verify(&token) {
            Ok(_) => "ok",
            Err(error) => error.code(),
        }
    }

    /// Whether the periodic call fetched.
    pub(crate) fn tick(&self) -> bool {
        let before = self.script.fetches();
        let _ = self.remote.refresh_if_due();
        self.script.fetches() > before
    }
}

/// A token of this key that is good by this clock.
pub(crate) fn mint(key: &SigningKey, clock: &Arc<ManualClock>) -> String {
    let private = key.to_jwk().unwrap();
    let copy = SigningKey::from_jwk(private.expose(), &Default::default()).unwrap();
    let minter = Minter::builder(copy, ISSUER)
        .audience(AUDIENCE)
        .clock(Arc::clone(clock));
    let minter = minter.build().unwrap();
    minter.mint(&Claims::for_subject("alice")).unwrap()
}
