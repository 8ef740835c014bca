//! The tables, and how they come to be.

use tokio_postgres::{Client, Row};

use super::connection::{Broken, Server, within};
use crate::store::error::StoreError;
use crate::store::shared::{foreign, other_schema, unavailable};

/// The layout that this program reads and writes.
pub(super) const LAYOUT: u32 = 1;

/// What leads from each layout to the next; `{schema}` is the schema's name.
const STEPS: [&str; 1] = ["
CREATE TABLE {schema}.keyring (
    sole boolean PRIMARY KEY DEFAULT true CHECK (sole),
    version text NOT NULL,
    document bytea NOT NULL
);
CREATE TABLE {schema}.material (
    address text PRIMARY KEY,
    sealed bytea NOT NULL
);
CREATE TABLE {schema}.list (
    sole boolean PRIMARY KEY DEFAULT true CHECK (sole),
    list bytea NOT NULL,
    fingerprint_key bytea NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    base bigint NOT NULL,
    entries bigint NOT NULL,
    observed bigint NOT NULL
);
CREATE TABLE {schema}.entries (
    seq bigint PRIMARY KEY,
    entry bytea NOT NULL
);
"];

/// Holds others off who lay out the same database: any number that nobody else uses.
const LOCK: i64 = 0x746f_6b65_6e77_7269;

/// Lays the schema out, or brings an older layout up to date, in one transaction.
pub(super) fn prepare(server: &Server) -> Result<(), StoreError> {
    let work = async {
        let mut client = within(server.timeout(), server.connect_anywhere()).await?;
        prepare_with(server, &mut client).await
    };
    match server.driver().wait(within(server.timeout(), work)) {
        Some(Ok(())) => Ok(()),
        Some(Err(broken)) => Err(server.not_done(broken)),
        None => Err(unavailable(server.place(), "no thread to wait in")),
    }
}

async fn prepare_with(server: &Server, client: &mut Client) -> Result<(), Broken> {
    let schema = &server.schema;
    let transaction = client.transaction().await?;
    let lock = "SELECT pg_advisory_xact_lock($1)";
    transaction.execute(lock, &[&LOCK]).await?;
    // Asked first: making what is there needs a right that a service should not have.
    let there = "SELECT to_regclass($1 || '.layout') IS NOT NULL";
    let laid_out: bool = transaction.query_one(there, &[schema]).await?.get(0);
    if !laid_out {
        let create = format!(
            "CREATE SCHEMA IF NOT EXISTS {schema}; \
             CREATE TABLE {schema}.layout (layout bigint NOT NULL); \
             INSERT INTO {schema}.layout VALUES (0)"
        );
        transaction.batch_execute(&create).await?;
    }
    let row = transaction.query_opt(&question(server), &[]).await?;
    let mut found = number(server, row.as_ref())?;
    for step in STEPS
        .iter()
        .skip(usize::try_from(found).unwrap_or(usize::MAX))
    {
        found = found.saturating_add(1);
        transaction
            .batch_execute(&step.replace("{schema}", schema))
            .await?;
        let note = format!("UPDATE {schema}.layout SET layout = $1");
        transaction.execute(&note, &[&i64::from(found)]).await?;
    }
    judge(server, found)?;
    transaction.commit().await?;
    Ok(())
}

/// Refuses a connection to another layout.
pub(super) async fn check(server: &Server, client: &Client) -> Result<(), Broken> {
    let row = client.query_opt(&question(server), &[]).await?;
    judge(server, number(server, row.as_ref())?)
}

fn question(server: &Server) -> String {
    format!("SELECT layout FROM {}.layout", server.schema)
}

fn number(server: &Server, row: Option<&Row>) -> Result<u32, Broken> {
    let number = row.and_then(|row| row.try_get::<_, i64>(0).ok());
    number
        .and_then(|number| u32::try_from(number).ok())
        .ok_or_else(|| {
            let found = "a table of another kind";
            Broken::Refused(foreign(
                server.place(),
                "a table with the layout's number",
                found,
            ))
        })
}

fn judge(server: &Server, found: u32) -> Result<(), Broken> {
    if found == LAYOUT {
        return Ok(());
    }
    let found = format!("layout {found}");
    Err(Broken::Refused(other_schema(
        server.place(),
        LAYOUT,
        &found,
    )))
}
