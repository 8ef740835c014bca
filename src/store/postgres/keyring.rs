//! The keyring on PostgreSQL.

use std::sync::Arc;

use super::connection::{Access, Server};
use crate::store::error::StoreError;
use crate::store::shared::{DocumentServer, Swapped, foreign};
use crate::store::{MaterialAddress, Version, Versioned};

/// The document and the key material of a schema.
pub(super) struct Document(pub(super) Arc<Server>);

impl Document {
    fn current(&self) -> Result<Option<Version>, StoreError> {
        let query = format!("SELECT version FROM {}.keyring", self.0.schema);
        let row = self.0.call(Access::Reads, async |client| {
            let row = client.query_opt(&query, &[]).await;
            (client, row)
        })?;
        Ok(row.map(|row| Version::from_server(row.get(0))))
    }
}

impl DocumentServer for Document {
    fn place(&self) -> &str {
        self.0.place()
    }

    fn load(&self) -> Result<Option<Versioned>, StoreError> {
        let query = format!("SELECT version, document FROM {}.keyring", self.0.schema);
        let row = self.0.call(Access::Reads, async |client| {
            let row = client.query_opt(&query, &[]).await;
            (client, row)
        })?;
        let Some(row) = row else {
            return Ok(None);
        };
        let (version, document): (String, Vec<u8>) = (row.get(0), row.get(1));
        let expected = Version::of(&document);
        if version != expected.as_str() {
            let found = "one whose bytes are not those that were stored";
            return Err(foreign(self.0.place(), "a keyring", found));
        }
        Ok(Some(Versioned {
            document,
            version: expected,
        }))
    }

    fn swap(&self, expected: Option<&Version>, document: &[u8]) -> Result<Swapped, StoreError> {
        let (schema, channel) = (&self.0.schema, self.0.channel.trim_matches('"'));
        let new = Version::of(document);
        let change = match expected {
            None => format!(
                "INSERT INTO {schema}.keyring (version, document) \
                 SELECT $1, $2 WHERE $3::text IS NULL ON CONFLICT DO NOTHING"
            ),
            Some(_) => format!(
                "UPDATE {schema}.keyring SET version = $1, document = $2 WHERE version = $3::text"
            ),
        };
        let query = format!(
            "WITH done AS ({change} RETURNING 1) SELECT pg_notify('{channel}', 'keyring') FROM done"
        );
        let old = expected.map(Version::as_str);
        let version = new.as_str();
        let row = self.0.call(Access::Changes, async |client| {
            let row = client.query_opt(&query, &[&version, &document, &old]).await;
            (client, row)
        })?;
        match row {
            Some(_) => Ok(Swapped::Done(new)),
            None => self.current().map(Swapped::Found),
        }
    }

    fn put(&self, address: &MaterialAddress, bytes: &[u8]) -> Result<bool, StoreError> {
        let query = format!(
            "INSERT INTO {}.material (address, sealed) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            self.0.schema
        );
        self.change(&query, address, Some(bytes))
    }

    fn replace(&self, address: &MaterialAddress, bytes: &[u8]) -> Result<bool, StoreError> {
        let query = format!(
            "UPDATE {}.material SET sealed = $2 WHERE address = $1",
            self.0.schema
        );
        self.change(&query, address, Some(bytes))
    }

    fn get(&self, address: &MaterialAddress) -> Result<Option<Vec<u8>>, StoreError> {
        let query = format!(
            "SELECT sealed FROM {}.material WHERE address = $1",
            self.0.schema
        );
        let row = self.0.call(Access::Reads, async |client| {
            let row = client.query_opt(&query, &[&address.as_str()]).await;
            (client, row)
        })?;
        Ok(row.map(|row| row.get(0)))
    }

    fn remove(&self, address: &MaterialAddress) -> Result<(), StoreError> {
        let query = format!("DELETE FROM {}.material WHERE address = $1", self.0.schema);
        self.change(&query, address, None).map(drop)
    }

    fn addresses(&self) -> Result<Vec<String>, StoreError> {
        let query = format!("SELECT address FROM {}.material", self.0.schema);
        let rows = self.0.call(Access::Reads, async |client| {
            let rows = client.query(&query, &[]).await;
            (client, rows)
        })?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }
}

impl Document {
    /// Whether a statement about one address has changed a row.
    fn change(
        &self,
        query: &str,
        address: &MaterialAddress,
        bytes: Option<&[u8]>,
    ) -> Result<bool, StoreError> {
        let address = address.as_str();
        let rows = self.0.call(Access::Changes, async |client| {
            let rows = match &bytes {
                Some(bytes) => client.execute(query, &[&address, bytes]).await,
                None => client.execute(query, &[&address]).await,
            };
            (client, rows)
        })?;
        Ok(rows > 0)
    }
}
