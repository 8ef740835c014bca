//! Connections to PostgreSQL: kept for the next call, given up when they break.

use std::error::Error as _;
use std::future::Future;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, Error, NoTls};

use super::layout;
use super::tls::Tls;
use crate::store::address::{ServerAddress, bad_reference};
use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::shared::{
    Driver, denied, error_at, foreign, indeterminate, other_schema, read_only, unavailable,
};

/// Connections that are kept while nobody needs them.
const MOST_IDLE: usize = 4;

/// What a call does to the server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Reads,
    Changes,
}

/// One database, and the schema in it.
pub(super) struct Server {
    config: Config,
    tls: Option<Tls>,
    place: String,
    timeout: Duration,
    /// The schema's name as SQL writes it.
    pub(super) schema: String,
    /// The channel on which changes are told, likewise.
    pub(super) channel: String,
    idle: Mutex<Vec<Client>>,
    driver: Driver,
}

/// A call that did not succeed.
pub(super) enum Broken {
    Server(Error),
    TimedOut,
    /// The connection is good, and what it leads to is not.
    Refused(StoreError),
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Server(error)
    }
}

impl Server {
    pub(super) fn of(mut address: ServerAddress) -> Result<Self, StoreError> {
        let schema = address.name("schema", "tokenwright")?;
        let timeout = address.timeout()?;
        let certificates = address.certificates()?;
        let mode = address.take("sslmode");
        let host = address.take("host").or_else(|| address.host());
        address.finish()?;
        let place = address.place().to_owned();
        let host = host.unwrap_or_else(|| "localhost".to_owned());
        let tls = match encrypts(mode.as_deref(), &host, &place)? {
            true => Some(Tls::new(certificates.as_deref()).map_err(|found| {
                bad_reference(&place, "ca-file= with certificates in PEM", &found)
            })?),
            false => None,
        };
        Ok(Self {
            config: config(&address, host, timeout, tls.is_some()),
            tls,
            timeout,
            channel: format!("\"tokenwright_{schema}\""),
            schema: format!("\"{schema}\""),
            idle: Mutex::default(),
            driver: Driver::new(&place)?,
            place,
        })
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    pub(super) fn driver(&self) -> &Driver {
        &self.driver
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// A connection on whose layout one can rely.
    async fn connect(&self) -> Result<Client, Broken> {
        let client = self.connect_anywhere().await?;
        layout::check(self, &client).await?;
        Ok(client)
    }

    /// A connection, whatever it leads to. What others tell is passed by.
    pub(super) async fn connect_anywhere(&self) -> Result<Client, Broken> {
        let client = match &self.tls {
            Some(tls) => {
                let (client, connection) = self.config.connect(tls.clone()).await?;
                tokio::spawn(connection);
                client
            }
            None => {
                let (client, connection) = self.config.connect(NoTls).await?;
                tokio::spawn(connection);
                client
            }
        };
        // Acknowledged means durable, whatever the role's settings say.
        let settings = format!(
            "SELECT set_config('synchronous_commit', 'on', false) \
             WHERE current_setting('synchronous_commit') = 'off'; \
             SELECT set_config('statement_timeout', '{}', false)",
            self.timeout.as_millis()
        );
        client.batch_execute(&settings).await?;
        Ok(client)
    }

    /// The settings of connections, for one that listens.
    pub(super) fn settings(&self) -> (&Config, Option<Tls>) {
        (&self.config, self.tls.clone())
    }

    /// Does something with a connection, within the time that a server has.
    pub(super) fn call<'s, T, F>(
        &'s self,
        access: Access,
        work: impl FnOnce(Client) -> F + Send + 's,
    ) -> Result<T, StoreError>
    where
        T: Send,
        F: Future<Output = (Client, Result<T, Error>)> + Send,
    {
        let kept = self.kept();
        let reached = async {
            let client = match kept {
                Some(kept) => kept,
                None => within(self.timeout, self.connect()).await?,
            };
            Ok::<_, Broken>(client)
        };
        let done = self.driver.wait(async {
            let client = reached.await.map_err(|broken| self.not_done(broken))?;
            let worked = async { Ok(work(client).await) };
            match within(self.timeout, worked).await {
                Ok((client, result)) => {
                    let result = result.map_err(|error| self.failed(access, error));
                    Ok((client, result))
                }
                Err(broken) if access == Access::Changes => {
                    Err(indeterminate(&self.place, &words(&broken)))
                }
                Err(broken) => Err(self.not_done(broken)),
            }
        });
        let (client, result) =
            done.unwrap_or_else(|| Err(unavailable(&self.place, "no thread to wait in")))?;
        self.keep(client);
        result
    }

    fn kept(&self) -> Option<Client> {
        let mut idle = self.idle();
        while let Some(kept) = idle.pop() {
            if !kept.is_closed() {
                return Some(kept);
            }
        }
        None
    }

    fn keep(&self, client: Client) {
        let mut idle = self.idle();
        if idle.len() < MOST_IDLE && !client.is_closed() {
            idle.push(client);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Client>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The error of a statement. One that the server has answered was undone; else the
    /// connection broke.
    fn failed(&self, access: Access, error: Error) -> StoreError {
        if access == Access::Changes && error.as_db_error().is_none() {
            return indeterminate(&self.place, &words(&Broken::Server(error)));
        }
        self.not_done(Broken::Server(error))
    }

    /// The error of a call that has changed nothing.
    pub(super) fn not_done(&self, broken: Broken) -> StoreError {
        let found = words(&broken);
        let error = match broken {
            Broken::Refused(error) => return error,
            Broken::TimedOut => return unavailable(&self.place, &found),
            Broken::Server(error) => error,
        };
        let place = &*self.place;
        let Some(code) = error.code() else {
            return unavailable(place, &found);
        };
        match *code {
            SqlState::INVALID_PASSWORD
            | SqlState::INVALID_AUTHORIZATION_SPECIFICATION
            | SqlState::INSUFFICIENT_PRIVILEGE => denied(place, &found),
            SqlState::READ_ONLY_SQL_TRANSACTION => read_only(place, &found),
            SqlState::DISK_FULL | SqlState::OUT_OF_MEMORY => error_at(
                place,
                StoreErrorKind::NoSpace,
                "room for a change",
                &found,
                "nothing was changed; make room",
            ),
            SqlState::UNDEFINED_TABLE
            | SqlState::INVALID_SCHEMA_NAME
            | SqlState::INVALID_CATALOG_NAME => error_at(
                place,
                StoreErrorKind::Missing,
                "the tables of tokenwright",
                &found,
                "nothing was changed; make them with `tokenwright store init`",
            ),
            SqlState::UNDEFINED_COLUMN | SqlState::DATATYPE_MISMATCH => {
                other_schema(place, layout::LAYOUT, &found)
            }
            SqlState::DUPLICATE_TABLE => foreign(place, "no tables, or tokenwright's", &found),
            _ => unavailable(place, &found),
        }
    }
}

pub(super) async fn within<T>(
    time: Duration,
    work: impl Future<Output = Result<T, Broken>>,
) -> Result<T, Broken> {
    match tokio::time::timeout(time, work).await {
        Ok(done) => done,
        Err(_) => Err(Broken::TimedOut),
    }
}

/// Whether TLS is used: always, unless the server is this machine or somebody says no.
fn encrypts(mode: Option<&str>, host: &str, place: &str) -> Result<bool, StoreError> {
    let here = host.starts_with('/')
        || host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    match mode {
        None => Ok(!here),
        Some("disable") => Ok(false),
        Some("verify-full") => Ok(true),
        Some(other) => Err(bad_reference(
            place,
            "sslmode=verify-full or sslmode=disable: encryption without a check of the name \
             protects from nobody who can listen",
            &crate::error::Quoted(other).to_string(),
        )),
    }
}

fn config(address: &ServerAddress, host: String, timeout: Duration, tls: bool) -> Config {
    let mut config = Config::new();
    config
        .host(host)
        .application_name("tokenwright")
        .connect_timeout(timeout)
        .ssl_mode(if tls {
            SslMode::Require
        } else {
            SslMode::Disable
        });
    if let Some(port) = address.port() {
        config.port(port);
    }
    if let Some(user) = address.user() {
        config.user(user);
    }
    if let Some(password) = &address.password {
        config.password(password.expose());
    }
    let database = address.path();
    if !database.is_empty() {
        config.dbname(database);
    }
    config
}

/// What was found, in words that hold no statement and no value.
fn words(broken: &Broken) -> String {
    match broken {
        Broken::TimedOut => "none in time".to_owned(),
        Broken::Refused(error) => error.to_string(),
        Broken::Server(error) => match (error.as_db_error(), error.source()) {
            (Some(answer), _) => answer.message().to_owned(),
            (None, Some(source)) => format!("{error}: {source}"),
            (None, None) => error.to_string(),
        },
    }
}
