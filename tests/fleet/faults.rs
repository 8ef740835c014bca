//! What goes wrong on servers, and that it does no harm: the last view serves, what was
//! acknowledged stays, and all is well again without a hand.

use std::time::Duration;

use tokenwright::store::{
    Extent, Follower, OpenOptions, OpenedStore, Outcome, RevocationFollower, RevocationStore as _,
    Store as _, StoreError, StoreErrorKind, Waker,
};
use tokenwright::{Clock as _, Revocation, SystemClock};

use super::schedulers::begin;
use super::servers::{Postgres, Redis, until};
use super::{at, ready, signing};

/// A server that can be stopped in every way.
trait Server {
    fn name(&self, place: &str) -> String;
    fn freeze(&self);
    fn thaw(&self);
    fn kill(&mut self);
    fn begin(&mut self);
}

macro_rules! server {
    ($kind:ident) => {
        impl Server for $kind {
            fn name(&self, place: &str) -> String {
                $kind::name(self, place)
            }
            fn freeze(&self) {
                $kind::freeze(self);
            }
            fn thaw(&self) {
                $kind::thaw(self);
            }
            fn kill(&mut self) {
                $kind::kill(self);
            }
            fn begin(&mut self) {
                $kind::begin(self);
            }
        }
    };
}

server!(Redis);
server!(Postgres);

fn token(name: &str) -> Revocation<'static> {
    let now = SystemClock.now();
    let until = now.saturating_add(Duration::from_secs(900));
    Revocation::token("https://auth.example", name.to_owned(), now, until)
}

/// A Redis that keeps its promise through a power cut.
fn durable_redis() -> Option<Redis> {
    Redis::start_with(&["--appendonly", "yes", "--appendfsync", "always"])
}

/// Killed and begun again: the view serves meanwhile, and nothing acknowledged is lost.
fn killed_and_begun_again(mut server: impl Server) {
    let store = ready(&server.name("killed"));
    begin(&store);
    let list = store.revocations();
    list.create(SystemClock.now()).unwrap();
    let keys = Follower::verifying(store.clone(), SystemClock).unwrap();
    let follower = RevocationFollower::open(list.clone(), SystemClock).unwrap();
    let live = follower.live();
    for round in 0..3 {
        let before = live.view().list().len();
        list.append(&[token(&format!("before-{round}"))], SystemClock.now())
            .unwrap();
        follower.refresh().unwrap();
        assert_eq!(live.view().list().len(), before + 1);
        server.kill();
        let refused = follower.refresh().unwrap_err();
        assert_eq!(refused.code(), "store_unavailable", "{refused}");
        assert!(keys.refresh().is_err());
        assert_eq!(live.view().list().len(), before + 1);
        let lost = list
            .append(&[token("lost")], SystemClock.now())
            .unwrap_err();
        assert_eq!(lost.outcome(), Outcome::NotDone, "{lost}");
        server.begin();
        keys.refresh().unwrap();
        follower.refresh().unwrap();
        assert_eq!(live.view().list().len(), before + 1);
    }
    let head = list.head().unwrap();
    assert_eq!((head.entries, head.position.seq), (3, 3));
}

#[test]
fn redis_killed_and_begun_again_has_lost_nothing_acknowledged() {
    if let Some(redis) = durable_redis() {
        killed_and_begun_again(redis);
    }
}

#[test]
fn postgres_killed_and_begun_again_has_lost_nothing_acknowledged() {
    if let Some(postgres) = Postgres::start() {
        killed_and_begun_again(postgres);
    }
}

/// Frozen: nobody waits longer than was said, and what is in doubt is called so.
fn frozen_and_thawed(server: &impl Server) {
    let name = format!("{}&timeout=2000", server.name("frozen"));
    let store = ready(&name);
    let list = store.revocations();
    list.create(SystemClock.now()).unwrap();
    let follower = RevocationFollower::open(list.clone(), SystemClock).unwrap();
    list.append(&[token("kept")], SystemClock.now()).unwrap();
    follower.refresh().unwrap();
    server.freeze();
    let refused = follower.refresh().unwrap_err();
    let doubtful = list.append(&[token("doubtful")], SystemClock.now());
    server.thaw();
    assert_eq!(refused.code(), "store_unavailable", "{refused}");
    assert_eq!(follower.live().view().list().len(), 1);
    // Whether it was sent at all depends on whether the server was found frozen before.
    assert!(doubtful.is_err());
    until("thawing", || follower.refresh().is_ok());
    list.append(&[token("doubtful")], SystemClock.now())
        .unwrap();
    follower.refresh().unwrap();
    assert_eq!(follower.live().view().list().len(), 2);
}

#[test]
fn a_frozen_redis_is_waited_for_no_longer_than_was_said() {
    if let Some(redis) = Redis::start() {
        frozen_and_thawed(&redis);
    }
}

#[test]
fn a_frozen_postgres_is_waited_for_no_longer_than_was_said() {
    if let Some(postgres) = Postgres::start() {
        frozen_and_thawed(&postgres);
    }
}

fn kind<T>(result: Result<T, StoreError>) -> StoreErrorKind {
    match result {
        Ok(_) => panic!("it was accepted"),
        Err(error) => {
            assert!(!error.to_string().contains("hunter2"), "{error}");
            assert!(!format!("{error:?}").contains("hunter2"));
            error.kind()
        }
    }
}

#[test]
fn a_wrong_password_is_refused_and_printed_nowhere() {
    if let Some(redis) = Redis::start_with(&["--requirepass", "right"]) {
        let place = format!("127.0.0.1:{}", redis.port);
        for name in [
            format!("redis://:hunter2@{place}"),
            format!("redis://{place}"),
        ] {
            let store = OpenedStore::open(&name, &signing()).unwrap();
            assert!(!format!("{store:?}").contains("hunter2"));
            assert_eq!(kind(store.load()), StoreErrorKind::Permission);
        }
        let store = OpenedStore::open(&format!("redis://:right@{place}"), &signing()).unwrap();
        assert_eq!(store.load().unwrap(), None);
    }
    if let Some(postgres) = Postgres::start() {
        let name = postgres.name_for("boss", "hunter2", "wrong");
        let store = OpenedStore::open(&name, &signing()).unwrap();
        assert!(!format!("{store:?}").contains("hunter2"));
        assert_eq!(kind(store.load()), StoreErrorKind::Permission);
        assert_eq!(
            kind(OpenedStore::create(&name, &signing())),
            StoreErrorKind::Permission
        );
    }
}

#[test]
fn the_least_rights_of_the_documentation_are_enough_and_not_too_many_on_redis() {
    let Some(redis) = Redis::start() else { return };
    // As docs/stores/redis.md has it.
    for rule in [
        "SETUSER tw-verify on >pv ~{shop}:keyring ~{shop}:list ~{shop}:entries &{shop}:news \
         -@all +hmget +hget +exists +zcard +zrangebyscore +eval +evalsha +script|load +ping +subscribe",
        "SETUSER tw-rotate on >pr ~{shop}:* &{shop}:news -@all +hmget +hget +hset +hsetnx +hdel \
         +hexists +hkeys +del +exists +zcard +zadd +zrangebyscore +zremrangebyscore +publish \
         +eval +evalsha +script|load +ping +subscribe +wait",
    ] {
        let words: Vec<&str> = ["ACL"].into_iter().chain(rule.split_whitespace()).collect();
        let answer = redis.ask(&words);
        assert!(answer.starts_with("+OK"), "{answer}");
    }
    let named = |user: &str, password: &str| {
        format!(
            "redis://{user}:{password}@127.0.0.1:{}/0?prefix=shop",
            redis.port
        )
    };
    let writer = ready(&named("tw-rotate", "pr"));
    begin(&writer);
    let list = writer.revocations();
    list.create(SystemClock.now()).unwrap();
    list.append(&[token("a")], SystemClock.now()).unwrap();
    list.prune(SystemClock.now(), tokenwright::keyring::LargeJump::Refuse)
        .unwrap();

    let reader = OpenedStore::open(&named("tw-verify", "pv"), &OpenOptions::new()).unwrap();
    assert!(Follower::verifying(reader.clone(), SystemClock).is_ok());
    let follower = RevocationFollower::open(reader.revocations(), SystemClock).unwrap();
    assert_eq!(follower.live().view().list().len(), 1);
    let denied = StoreErrorKind::Permission;
    assert_eq!(kind(reader.list_material()), denied);
    let version = reader.load().unwrap().unwrap().version;
    assert_eq!(kind(reader.compare_and_swap(Some(&version), b"{}")), denied);
    let revoked = reader
        .revocations()
        .append(&[token("b")], SystemClock.now());
    assert_eq!(kind(revoked), denied);
    assert_eq!(list.head().unwrap().entries, 1);
}

#[test]
fn the_least_rights_of_the_documentation_are_enough_and_not_too_many_on_postgres() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    ready(&postgres.name("shop"));
    // As docs/stores/postgres.md has it.
    postgres
        .sql(
            "CREATE ROLE tw_verify LOGIN PASSWORD 'pv'; \
             GRANT USAGE ON SCHEMA shop TO tw_verify; \
             GRANT SELECT ON shop.layout, shop.keyring, shop.list, shop.entries TO tw_verify; \
             CREATE ROLE tw_rotate LOGIN PASSWORD 'pr'; \
             GRANT USAGE ON SCHEMA shop TO tw_rotate; \
             GRANT SELECT ON ALL TABLES IN SCHEMA shop TO tw_rotate; \
             GRANT INSERT, UPDATE ON shop.keyring, shop.list TO tw_rotate; \
             GRANT INSERT, UPDATE, DELETE ON shop.material, shop.entries TO tw_rotate",
        )
        .unwrap();
    let writer = ready(&postgres.name_for("tw_rotate", "pr", "shop"));
    begin(&writer);
    let list = writer.revocations();
    list.create(SystemClock.now()).unwrap();
    list.append(&[token("a")], SystemClock.now()).unwrap();
    list.prune(SystemClock.now(), tokenwright::keyring::LargeJump::Refuse)
        .unwrap();

    let name = postgres.name_for("tw_verify", "pv", "shop");
    let reader = OpenedStore::open(&name, &OpenOptions::new()).unwrap();
    assert!(Follower::verifying(reader.clone(), SystemClock).is_ok());
    let follower = RevocationFollower::open(reader.revocations(), SystemClock).unwrap();
    assert_eq!(follower.live().view().list().len(), 1);
    let denied = StoreErrorKind::Permission;
    assert_eq!(kind(reader.list_material()), denied);
    let version = reader.load().unwrap().unwrap().version;
    assert_eq!(kind(reader.compare_and_swap(Some(&version), b"{}")), denied);
    let revoked = reader
        .revocations()
        .append(&[token("b")], SystemClock.now());
    assert_eq!(kind(revoked), denied);
}

#[test]
fn other_layouts_and_foreign_things_are_refused_and_left_alone() {
    if let Some(redis) = Redis::start() {
        let store = ready(&redis.name("a"));
        begin(&store);
        store.revocations().create(at(0)).unwrap();
        for key in ["{a}:keyring", "{a}:list"] {
            redis.ask(&["HSET", key, "layout", "2"]);
        }
        assert_eq!(kind(store.load()), StoreErrorKind::Schema);
        assert_eq!(kind(store.revocations().head()), StoreErrorKind::Schema);
        let added = store.revocations().append(&[token("x")], at(0));
        assert_eq!(kind(added), StoreErrorKind::Schema);
        for key in ["{b}:keyring", "{b}:list"] {
            redis.ask(&["SET", key, "theirs"]);
        }
        let store = ready(&redis.name("b"));
        assert_eq!(kind(store.load()), StoreErrorKind::Foreign);
        assert_eq!(
            kind(store.compare_and_swap(None, b"{}")),
            StoreErrorKind::Foreign
        );
        assert_eq!(kind(store.revocations().head()), StoreErrorKind::Foreign);
        assert!(redis.ask(&["GET", "{b}:keyring"]).contains("theirs"));
        redis.ask(&["HSET", "{c}:keyring", "color", "red"]);
        let store = ready(&redis.name("c"));
        assert_eq!(
            kind(store.compare_and_swap(None, b"{}")),
            StoreErrorKind::Foreign
        );
    }
    if let Some(postgres) = Postgres::start() {
        let store = ready(&postgres.name("a"));
        begin(&store);
        for (layout, found) in [(0, StoreErrorKind::Schema), (2, StoreErrorKind::Schema)] {
            postgres
                .sql(&format!("UPDATE a.layout SET layout = {layout}"))
                .unwrap();
            let fresh = OpenedStore::open(&postgres.name("a"), &signing()).unwrap();
            assert_eq!(kind(fresh.load()), found);
        }
        let newer = OpenedStore::create(&postgres.name("a"), &signing());
        assert_eq!(kind(newer), StoreErrorKind::Schema);
        let absent = OpenedStore::open(&postgres.name("absent"), &signing()).unwrap();
        assert_eq!(kind(absent.load()), StoreErrorKind::Missing);
        postgres
            .sql("CREATE SCHEMA b; CREATE TABLE b.keyring (color text)")
            .unwrap();
        let foreign = OpenedStore::create(&postgres.name("b"), &signing());
        assert_eq!(kind(foreign), StoreErrorKind::Foreign);
        postgres
            .sql("CREATE SCHEMA c; CREATE TABLE c.layout (color text)")
            .unwrap();
        let foreign = OpenedStore::create(&postgres.name("c"), &signing());
        assert!(foreign.is_err());
    }
}

#[test]
fn a_flushed_redis_is_no_empty_one_and_the_last_view_serves() {
    let Some(redis) = Redis::start() else { return };
    let store = ready(&redis.name("flushed"));
    begin(&store);
    let list = store.revocations();
    list.create(SystemClock.now()).unwrap();
    list.append(&[token("a")], SystemClock.now()).unwrap();
    let keys = Follower::verifying(store.clone(), SystemClock).unwrap();
    let follower = RevocationFollower::open(list.clone(), SystemClock).unwrap();
    redis.ask(&["FLUSHALL"]);
    assert_eq!(keys.refresh().unwrap_err().code(), "no_keyring");
    assert_eq!(follower.refresh().unwrap_err().code(), "no_revocation_list");
    assert_eq!(follower.live().view().list().len(), 1);
    // A list begun anew is another one: what was known stays revoked.
    list.create(SystemClock.now()).unwrap();
    assert_eq!(
        follower.refresh().unwrap_err().code(),
        "other_revocation_list"
    );
    assert_eq!(follower.live().view().list().len(), 1);
}

#[test]
fn a_lost_write_that_another_one_replaced_is_noticed() {
    let Some(redis) = Redis::start() else { return };
    let store = ready(&redis.name("over"));
    let list = store.revocations();
    list.create(SystemClock.now()).unwrap();
    list.append(&[token("a")], SystemClock.now()).unwrap();
    for name in ["list", "entries"] {
        redis.ask(&[
            "COPY",
            &format!("{{over}}:{name}"),
            &format!("{{over}}:{name}-2"),
        ]);
    }
    list.append(&[token("lost")], SystemClock.now()).unwrap();
    let follower = RevocationFollower::open(store.revocations(), SystemClock).unwrap();
    assert_eq!(follower.live().view().list().len(), 2);
    // A replica that had not heard of it has become the primary.
    for name in ["list", "entries"] {
        redis.ask(&[
            "RENAME",
            &format!("{{over}}:{name}-2"),
            &format!("{{over}}:{name}"),
        ]);
    }
    assert_eq!(
        follower.refresh().unwrap_err().code(),
        "revocations_rolled_back"
    );
    list.append(&[token("other")], SystemClock.now()).unwrap();
    assert_eq!(
        follower.refresh().unwrap_err().code(),
        "revocations_rolled_back"
    );
    // What was known stays revoked, until somebody says that the list is right.
    assert_eq!(follower.live().view().list().len(), 2);
    list.append(&[token("lost")], SystemClock.now()).unwrap();
    list.begin_epoch(SystemClock.now()).unwrap();
    follower.refresh().unwrap();
    assert_eq!(follower.live().view().list().len(), 3);
}

#[test]
fn a_replica_is_read_and_takes_no_change() {
    if let (Some(primary), Some(_)) = (Redis::start(), Some(())) {
        let store = ready(&primary.name("r"));
        begin(&store);
        store.revocations().create(SystemClock.now()).unwrap();
        let port = primary.port.to_string();
        let Some(replica) = Redis::start_with(&["--replicaof", "127.0.0.1", &port]) else {
            return;
        };
        let store = OpenedStore::open(&replica.name("r"), &signing()).unwrap();
        until("replicating", || {
            store.load().is_ok_and(|found| found.is_some())
        });
        let added = store.revocations().append(&[token("a")], SystemClock.now());
        assert_eq!(kind(added), StoreErrorKind::ReadOnly);
        // With a replica that acknowledges, a change waits for it.
        let waiting = format!("{}&replicas=1", primary.name("r"));
        let waiting = OpenedStore::open(&waiting, &signing()).unwrap();
        waiting
            .revocations()
            .append(&[token("b")], SystemClock.now())
            .unwrap();
        let lonely = format!("{}&replicas=2&timeout=2000", primary.name("r"));
        let lonely = OpenedStore::open(&lonely, &signing()).unwrap();
        let doubtful = lonely
            .revocations()
            .append(&[token("c")], SystemClock.now());
        assert_eq!(kind(doubtful), StoreErrorKind::Indeterminate);
    }
    // A standby answers with the same code as a server that was told to be read only.
    if let Some(postgres) = Postgres::start() {
        let store = ready(&postgres.name("r"));
        store.revocations().create(SystemClock.now()).unwrap();
        postgres
            .sql("ALTER ROLE boss SET default_transaction_read_only = on")
            .unwrap();
        let store = OpenedStore::open(&postgres.name("r"), &signing()).unwrap();
        let added = store.revocations().append(&[token("a")], SystemClock.now());
        assert_eq!(kind(added), StoreErrorKind::ReadOnly);
        assert_eq!(store.revocations().head().unwrap().entries, 0);
    }
}

#[test]
fn a_wake_up_that_is_lost_is_made_up_for_by_the_next_look() {
    let Some(mut redis) = durable_redis() else {
        return;
    };
    let store = ready(&redis.name("wake"));
    let list = store.revocations();
    list.create(SystemClock.now()).unwrap();
    let follower = RevocationFollower::open(list.clone(), SystemClock).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let waker = Waker::new(move || tell.send(()).unwrap_or_default());
    let _listening = store.listen(vec![waker]).unwrap().unwrap();
    let patience = Duration::from_secs(60);
    // Listening has begun; then somebody revokes.
    told.recv_timeout(patience).unwrap();
    list.append(&[token("a")], SystemClock.now()).unwrap();
    told.recv_timeout(patience).unwrap();
    follower.refresh().unwrap();
    assert_eq!(follower.live().view().list().len(), 1);
    // Whoever listens connects again, and is woken for what it has missed.
    redis.kill();
    redis.begin();
    list.append(&[token("b")], SystemClock.now()).unwrap();
    told.recv_timeout(patience).unwrap();
    follower.refresh().unwrap();
    assert_eq!(follower.live().view().list().len(), 2);
    let seen = follower.head().position;
    let unchanged = list.read(Some(&seen), &mut |_| {}).unwrap();
    assert_eq!(unchanged.extent, Extent::Unchanged);
}

#[test]
fn private_keys_are_never_in_the_clear_and_a_verifier_needs_no_secret() {
    let Some(redis) = Redis::start() else { return };
    let unsealed = OpenedStore::open(&redis.name("clear"), &OpenOptions::new()).unwrap();
    let address = tokenwright::store::MaterialAddress::new("a").unwrap();
    let secret = tokenwright::SecretBytes::from(b"-----BEGIN PRIVATE KEY-----".to_vec());
    let refused = unsealed.put_material(&address, &secret);
    assert_eq!(kind(refused), StoreErrorKind::Sealed);
    let store = ready(&redis.name("clear"));
    begin(&store);
    let held = redis.ask(&["HVALS", "{clear}:material"]);
    assert!(held.contains("tws1"), "{held}");
    assert!(!held.contains("PRIVATE"), "{held}");
    assert!(Follower::verifying(unsealed, SystemClock).is_ok());
}

/// An endpoint that takes every put, whatever its condition says.
fn liar() -> u16 {
    use axum::extract::{Path, State};
    use axum::http::{HeaderMap, HeaderValue, StatusCode};
    use axum::routing::get;
    type Kept = std::sync::Arc<std::sync::Mutex<Vec<String>>>;
    let (tell, told) = std::sync::mpsc::channel();
    let serve = async move {
        let put = async |State(kept): State<Kept>, Path(path): Path<String>| {
            let mut kept = kept.lock().unwrap();
            kept.push(path);
            let mut headers = HeaderMap::new();
            let tag = format!("\"{}\"", kept.len());
            headers.insert("etag", HeaderValue::from_str(&tag).unwrap());
            headers
        };
        let nothing = async || StatusCode::NOT_FOUND;
        let gone = async || StatusCode::NO_CONTENT;
        let application = axum::Router::new()
            .route("/{*path}", get(nothing).put(put).delete(gone))
            .with_state(Kept::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        tell.send(listener.local_addr().unwrap().port()).unwrap();
        axum::serve(listener, application).await.unwrap();
    };
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(serve);
    });
    told.recv().unwrap()
}

#[test]
fn an_endpoint_that_ignores_conditions_is_refused_before_anything_is_kept() {
    let name = super::servers::bucket_at(liar(), "shop");
    let refused = OpenedStore::create(&name, &signing()).unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Unsafe);
    assert!(
        refused.to_string().contains(
            "expected an endpoint that puts under a condition (If-Match, If-None-Match), found \
             one that ignores If-None-Match; nothing was kept"
        ),
        "{refused}"
    );
    let store = OpenedStore::open(&name, &signing()).unwrap();
    assert_eq!(
        kind(store.compare_and_swap(None, b"{}")),
        StoreErrorKind::Unsafe
    );
    let made = store.revocations().create(SystemClock.now());
    assert_eq!(kind(made), StoreErrorKind::Unsafe);
}
