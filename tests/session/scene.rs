//! One shop with its key, some servers of it, and a browser's cookies.

use std::sync::Arc;
use std::time::Duration;

use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::keyring::LiveSigners;
use tokenwright::session::{
    Carried, Issued, Login, Session, SessionCookies, SessionError, SessionTimes, Sessions,
};
use tokenwright::{
    Freshness, KeySet, LiveRevocations, Revocation, RevocationList, RevocationView, UnixTime,
    WhenUnknown,
};

pub(crate) const ISSUER: &str = "https://shop.example";
pub(crate) const START: i64 = 1_760_000_000;
pub(crate) const IDLE: u64 = 100;
pub(crate) const ABSOLUTE: u64 = 1_000;
pub(crate) const RENEW_AFTER: u64 = 20;

pub(crate) fn at(second: i64) -> UnixTime {
    UnixTime::from_seconds(START + second)
}

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) const TIMES: SessionTimes = SessionTimes {
    idle: Duration::from_secs(IDLE),
    absolute: Duration::from_secs(ABSOLUTE),
};

/// One process: its own view of the revocation list, and its own clock.
pub(crate) struct Server {
    pub(crate) sessions: Sessions,
    pub(crate) revocations: LiveRevocations,
    /// How far its clock is ahead, in seconds.
    pub(crate) ahead: i64,
}

impl Server {
    pub(crate) fn new(keys: &Keys, times: SessionTimes) -> Self {
        let revocations = LiveRevocations::new(RevocationList::new(), at(0));
        let sessions = Sessions::builder(keys.0.clone(), keys.1.clone(), ISSUER, "shop")
            .times(times)
            .revocation(
                revocations.clone(),
                Freshness::new(seconds(1_000_000), WhenUnknown::Refuse),
            )
            .renew_after(seconds(RENEW_AFTER))
            .build()
            .unwrap();
        Self {
            sessions,
            revocations,
            ahead: 0,
        }
    }

    pub(crate) fn ahead(mut self, seconds: i64) -> Self {
        self.ahead = seconds;
        self
    }

    pub(crate) fn clock(&self, second: i64) -> UnixTime {
        at(second + self.ahead)
    }

    pub(crate) fn log_in(&self, subject: &str, second: i64) -> Jar {
        let login = Login::of(subject).with_data(7);
        let issued = self.sessions.log_in(&login, self.clock(second)).unwrap();
        let mut jar = Jar::default();
        jar.keep(&issued);
        jar
    }

    pub(crate) fn judge(&self, jar: &Jar, second: i64) -> Result<Session<u32>, SessionError> {
        self.sessions.judge(jar.carried(), self.clock(second))
    }

    /// One request: judged, and renewed if it is time.
    pub(crate) fn request(&self, jar: &mut Jar, second: i64) -> Result<Session<u32>, SessionError> {
        let session = self.judge(jar, second)?;
        if let Some(issued) = self.sessions.renew(&session, self.clock(second)).unwrap() {
            jar.keep(&issued);
        }
        Ok(session)
    }

    /// The list as somebody else wrote it reaches this server.
    pub(crate) fn learn(&self, entries: &[Revocation<'_>]) {
        let mut list = RevocationList::clone(self.revocations.view().list());
        for entry in entries {
            list.add(entry).unwrap();
        }
        self.revocations
            .replace(RevocationView::new(Arc::new(list), at(0)));
    }
}

/// One key, as signers and verifiers share it.
pub(crate) struct Keys(pub(crate) LiveSigners, pub(crate) KeySet);

pub(crate) fn keys() -> Keys {
    keys_for(Algorithm::EdDsa)
}

pub(crate) fn keys_for(algorithm: Algorithm) -> Keys {
    let key = SigningKey::generate(algorithm).unwrap();
    let set = KeySet::of([key.verifying_key()]).unwrap();
    Keys(key.into(), set)
}

pub(crate) fn cookies() -> SessionCookies {
    SessionCookies::named("shop").unwrap()
}

/// What a browser keeps.
#[derive(Clone, Default)]
pub(crate) struct Jar {
    pub(crate) token: String,
    pub(crate) fingerprint: Option<String>,
    /// How often it was told to keep something.
    pub(crate) set: usize,
}

impl Jar {
    /// Reads the lines that a response carries, as a browser does.
    pub(crate) fn keep(&mut self, issued: &Issued) {
        self.set += 1;
        for line in cookies().set(issued, at(0)).unwrap() {
            let (pair, attributes) = line.split_once("; ").unwrap();
            assert_eq!(attributes, "Path=/; Secure; HttpOnly; SameSite=Lax");
            match pair.split_once('=').unwrap() {
                ("__Host-shop", value) => self.token = value.to_owned(),
                ("__Host-shop-fp", value) => self.fingerprint = Some(value.to_owned()),
                (name, _) => panic!("an unknown cookie {name}"),
            }
        }
    }

    pub(crate) fn carried(&self) -> Carried<'_> {
        Carried {
            token: &self.token,
            fingerprint: self.fingerprint.as_deref(),
        }
    }
}
