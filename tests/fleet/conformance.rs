//! The one suite of rules, on every kind of server.

use std::cell::Cell;
use std::sync::Arc;

use tokenwright::store::{RevocationStore, testing};

use super::servers::{Bucket, Postgres, Redis};
use super::{OpenedStore, ready};

/// Both suites, each rule on a place of its own.
fn conforms(name: impl Fn(&str) -> String) {
    let count = Cell::new(0);
    let empty = || -> OpenedStore {
        count.set(count.get() + 1);
        ready(&name(&format!("p{}", count.get())))
    };
    assert_eq!(testing::conformance(empty), Ok(testing::RULES));
    let list = || -> Arc<dyn RevocationStore> { empty().revocations() };
    assert_eq!(
        testing::revocation_conformance(list),
        Ok(testing::REVOCATION_RULES)
    );
}

#[test]
fn redis_keeps_every_rule() {
    let Some(redis) = Redis::start() else { return };
    conforms(|prefix| redis.name(prefix));
}

#[test]
fn postgres_keeps_every_rule() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    conforms(|schema| postgres.name(schema));
}

#[test]
fn object_storage_keeps_every_rule() {
    let Some(bucket) = Bucket::start() else {
        return;
    };
    conforms(|prefix| bucket.name(prefix));
}
