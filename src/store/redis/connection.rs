//! Connections to Redis: kept for the next call, given up when they break.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::{
    Client, Connection, ConnectionAddr, ErrorKind, IntoConnectionInfo as _, RedisConnectionInfo,
    RedisError, RedisResult, ServerErrorKind, TlsCertificates,
};

use super::LAYOUT;
use crate::store::address::{ServerAddress, bad_reference};
use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::shared::{
    denied, error_at, foreign, indeterminate, other_schema, read_only, unavailable,
};

const PORT: u16 = 6379;
/// Connections that are kept while nobody needs them.
const MOST_IDLE: usize = 8;

/// What a call does to the server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Reads,
    Changes,
}

/// One server, and the names of what is kept there.
pub(super) struct Server {
    client: Client,
    place: String,
    timeout: Duration,
    /// How many replicas must have acknowledged a change.
    replicas: u64,
    idle: Mutex<Vec<Connection>>,
    pub(super) keys: Keys,
}

/// Names of what is kept.
pub(super) struct Keys {
    pub(super) keyring: String,
    pub(super) material: String,
    pub(super) list: String,
    pub(super) entries: String,
    pub(super) news: String,
}

impl Server {
    pub(super) fn of(mut address: ServerAddress) -> Result<Self, StoreError> {
        let prefix = address.name("prefix", "tokenwright")?;
        let timeout = address.timeout()?;
        let replicas = address.number("replicas", 0..=100)?.unwrap_or(0);
        let certificates = address.certificates()?;
        address.finish()?;
        let place = address.place().to_owned();
        let client = client(&address, certificates)?;
        let key = |name: &str| format!("{{{prefix}}}:{name}");
        Ok(Self {
            client,
            place,
            timeout,
            replicas,
            idle: Mutex::default(),
            keys: Keys {
                keyring: key("keyring"),
                material: key("material"),
                list: key("list"),
                entries: key("entries"),
                news: key("news"),
            },
        })
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Whether the server can be used for this: nothing has to be laid out beforehand.
    pub(super) fn prepare(&self) -> Result<(), StoreError> {
        self.call(Access::Reads, |connection| {
            redis::cmd("PING").query::<()>(connection)
        })
    }

    /// A connection of its own for somebody who listens.
    pub(super) fn connect(&self) -> RedisResult<Connection> {
        let connection = self.client.get_connection_with_timeout(self.timeout)?;
        connection.set_read_timeout(Some(self.timeout))?;
        connection.set_write_timeout(Some(self.timeout))?;
        Ok(connection)
    }

    /// Does something with a connection.
    pub(super) fn call<T>(
        &self,
        access: Access,
        mut work: impl FnMut(&mut Connection) -> RedisResult<T>,
    ) -> Result<T, StoreError> {
        let mut connection = match self.kept() {
            Some(kept) => kept,
            None => self.connect().map_err(|error| self.not_done(&error))?,
        };
        match work(&mut connection) {
            Ok(done) => {
                if access == Access::Changes {
                    self.acknowledged(&mut connection)?;
                }
                self.keep(connection);
                Ok(done)
            }
            Err(error) if is_answer(&error) => {
                self.keep(connection);
                Err(self.not_done(&error))
            }
            Err(error) => Err(match access {
                Access::Reads => self.not_done(&error),
                Access::Changes => indeterminate(&self.place, &words(&error)),
            }),
        }
    }

    /// Waits for replicas on the connection that has made the change: on any other the
    /// server would count acknowledgements of what that one has done.
    fn acknowledged(&self, connection: &mut Connection) -> Result<(), StoreError> {
        if self.replicas == 0 {
            return Ok(());
        }
        let most = u64::try_from(self.timeout.as_millis() / 2)
            .unwrap_or(u64::MAX)
            .max(1);
        let count: RedisResult<u64> = redis::cmd("WAIT")
            .arg(self.replicas)
            .arg(most)
            .query(connection);
        match count {
            Ok(count) if count >= self.replicas => Ok(()),
            Ok(count) => Err(error_at(
                &self.place,
                StoreErrorKind::Indeterminate,
                &format!("acknowledgements of {} replicas", self.replicas),
                &format!("{count} within {most} ms"),
                "the change is on the primary and may be lost with it: repeat the command",
            )),
            Err(error) => Err(indeterminate(&self.place, &words(&error))),
        }
    }

    /// A connection that still answers. Asking costs a round trip, and spares a change
    /// from ending in doubt because the server was restarted an hour ago.
    fn kept(&self) -> Option<Connection> {
        loop {
            let mut kept = self.idle().pop()?;
            if redis::cmd("PING").query::<()>(&mut kept).is_ok() {
                return Some(kept);
            }
        }
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle();
        if idle.len() < MOST_IDLE {
            idle.push(connection);
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The error of a call that has changed nothing.
    fn not_done(&self, error: &RedisError) -> StoreError {
        let (place, words) = (&*self.place, words(error));
        let code = error.code().unwrap_or_default();
        // Redis 7.0 has no code of its own for a right that a script lacks.
        let lacks_right = words.contains("user executing the script");
        match (error.kind(), code) {
            _ if lacks_right => denied(place, &words),
            (ErrorKind::AuthenticationFailed, _)
            | (ErrorKind::Server(ServerErrorKind::NoPerm), _)
            | (_, "NOAUTH" | "WRONGPASS" | "NOPERM") => denied(place, &words),
            (ErrorKind::Server(ServerErrorKind::ReadOnly), _) => read_only(place, &words),
            (_, "WRONGTYPE") => foreign(place, "what tokenwright keeps", &words),
            (_, "OOM") => error_at(
                place,
                StoreErrorKind::NoSpace,
                "room for a change",
                &words,
                "nothing was changed; raise maxmemory, with maxmemory-policy noeviction",
            ),
            _ => unavailable(place, &words),
        }
    }

    /// Whether the layout of a hash is ours; `None` is where there is no hash.
    pub(super) fn check_layout(&self, layout: Option<&[u8]>) -> Result<(), StoreError> {
        match layout {
            Some(text) if text == LAYOUT.to_string().as_bytes() => Ok(()),
            Some(text) => {
                let found = String::from_utf8_lossy(text);
                Err(other_schema(
                    &self.place,
                    LAYOUT,
                    &format!("layout {found}"),
                ))
            }
            None => Err(foreign(
                &self.place,
                "a hash with the field layout",
                "one without it",
            )),
        }
    }
}

fn client(address: &ServerAddress, certificates: Option<Vec<u8>>) -> Result<Client, StoreError> {
    let place = address.place();
    let bad = |expected: &str, found: &str| bad_reference(place, expected, found);
    let host = address.host().unwrap_or_else(|| "127.0.0.1".to_owned());
    let port = address.port().unwrap_or(PORT);
    let path = address.path();
    let database: i64 = match path.as_str() {
        "" => 0,
        number => number
            .parse()
            .map_err(|_| bad("the number of a database after the host", number))?,
    };
    let mut login = RedisConnectionInfo::default()
        .set_db(database)
        .set_skip_set_lib_name();
    if let Some(user) = address.user() {
        login = login.set_username(user);
    }
    if let Some(password) = &address.password {
        let password = std::str::from_utf8(password.expose())
            .map_err(|_| bad("a password in UTF-8", "other bytes"))?;
        login = login.set_password(password);
    }
    let failed = |error: RedisError| bad("an address that can be connected to", &words(&error));
    if address.scheme() == "rediss" {
        let target = ConnectionAddr::TcpTls {
            host,
            port,
            insecure: false,
            tls_params: None,
        };
        let info = target.into_connection_info().map_err(failed)?;
        let tls = TlsCertificates {
            client_tls: None,
            root_cert: certificates,
        };
        return Client::build_with_tls(info.set_redis_settings(login), tls).map_err(failed);
    }
    let info = ConnectionAddr::Tcp(host, port)
        .into_connection_info()
        .map_err(failed)?;
    Client::open(info.set_redis_settings(login)).map_err(failed)
}

/// Whether the server has said so: the connection is whole, and nothing was changed,
/// because our scripts write after all that can fail.
fn is_answer(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension)
}

fn words(error: &RedisError) -> String {
    if error.is_timeout() {
        return "none in time".to_owned();
    }
    if error.is_connection_refusal() {
        return "a refused connection".to_owned();
    }
    error.to_string()
}
