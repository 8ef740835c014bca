//! The keyring on Redis.

use std::sync::Arc;

use redis::{RedisError, Value};

use super::LAYOUT;
use super::connection::{Access, Server};
use super::scripts;
use crate::store::error::StoreError;
use crate::store::shared::{DocumentServer, Swapped, foreign};
use crate::store::{MaterialAddress, Version, Versioned};

/// The document and the key material of a prefix.
pub(super) struct Document(pub(super) Arc<Server>);

impl Document {
    fn foreign(&self, found: &str) -> StoreError {
        foreign(self.0.place(), "a keyring", found)
    }
}

impl DocumentServer for Document {
    fn place(&self) -> &str {
        self.0.place()
    }

    fn load(&self) -> Result<Option<Versioned>, StoreError> {
        let keyring = &self.0.keys.keyring;
        let [layout, version, document]: [Option<Vec<u8>>; 3] =
            self.0.call(Access::Reads, |connection| {
                redis::cmd("HMGET")
                    .arg(keyring)
                    .arg(&["layout", "version", "document"])
                    .query(connection)
            })?;
        if layout.is_none() && version.is_none() && document.is_none() {
            return Ok(None);
        }
        self.0.check_layout(layout.as_deref())?;
        let (Some(version), Some(document)) = (version, document) else {
            return Err(self.foreign("a part of one"));
        };
        let expected = Version::of(&document);
        if version != expected.as_str().as_bytes() {
            return Err(self.foreign("one whose bytes are not those that were stored"));
        }
        Ok(Some(Versioned {
            document,
            version: expected,
        }))
    }

    fn swap(&self, expected: Option<&Version>, document: &[u8]) -> Result<Swapped, StoreError> {
        let new = Version::of(document);
        let answer: Vec<Value> = self.0.call(Access::Changes, |connection| {
            scripts::SWAP
                .key(&self.0.keys.keyring)
                .arg(LAYOUT)
                .arg(expected.map_or("", Version::as_str))
                .arg(new.as_str())
                .arg(document)
                .arg(&self.0.keys.news)
                .invoke(connection)
        })?;
        if matches!(answer.first(), Some(Value::Int(1))) {
            return Ok(Swapped::Done(new));
        }
        let text = |at: usize| match answer.get(at) {
            Some(Value::BulkString(bytes)) => Some(bytes.clone()),
            _ => None,
        };
        if matches!(answer.first(), Some(Value::Int(2))) {
            self.0.check_layout(text(1).as_deref())?;
        }
        let version = text(1);
        let version = version.map(|bytes| Version::from_server(&String::from_utf8_lossy(&bytes)));
        Ok(Swapped::Found(version))
    }

    fn put(&self, address: &MaterialAddress, bytes: &[u8]) -> Result<bool, StoreError> {
        self.0.call(Access::Changes, |connection| {
            redis::cmd("HSETNX")
                .arg(&self.0.keys.material)
                .arg(address.as_str())
                .arg(bytes)
                .query(connection)
        })
    }

    fn replace(&self, address: &MaterialAddress, bytes: &[u8]) -> Result<bool, StoreError> {
        self.0.call(Access::Changes, |connection| {
            scripts::REPLACE
                .key(&self.0.keys.material)
                .arg(address.as_str())
                .arg(bytes)
                .invoke(connection)
        })
    }

    fn get(&self, address: &MaterialAddress) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.call(Access::Reads, |connection| {
            redis::cmd("HGET")
                .arg(&self.0.keys.material)
                .arg(address.as_str())
                .query(connection)
        })
    }

    fn remove(&self, address: &MaterialAddress) -> Result<(), StoreError> {
        self.0.call(Access::Changes, |connection| {
            redis::cmd("HDEL")
                .arg(&self.0.keys.material)
                .arg(address.as_str())
                .query::<i64>(connection)
                .map(drop)
        })
    }

    fn addresses(&self) -> Result<Vec<String>, StoreError> {
        let found: Vec<Vec<u8>> = self.0.call(Access::Reads, |connection| {
            let found: Result<_, RedisError> = redis::cmd("HKEYS")
                .arg(&self.0.keys.material)
                .query(connection);
            found
        })?;
        Ok(found
            .iter()
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect())
    }
}
