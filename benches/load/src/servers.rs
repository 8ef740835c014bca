//! The servers, each in a process of its own; it prints its port and serves until killed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header::AUTHORIZATION};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use tokenwright::http::serve::{DEFAULT_SOCKET_MODE, Listener, Server};
use tokenwright::http::{Gate, VerifyLayer};
use tokenwright::store::{FileStore, Follower, RevocationFollower, published_keys};
use tokenwright::{Clock as _, Freshness, Policy, SystemClock, Verifier, WhenUnknown};

use crate::scene::{AUDIENCE, ISSUER};

pub const KINDS: [&str; 5] = [
    "serve-plain",
    "serve-verify",
    "axum-plain",
    "axum-layer",
    "axum-jsonwebtoken",
];

/// Where requests go.
pub fn target(kind: &str) -> &'static str {
    match kind {
        "serve-plain" => "/healthz",
        "serve-verify" => "/verify?scope=orders:read",
        _ => "/orders",
    }
}

pub fn run(kind: &str, folder: &str) {
    let store = FileStore::open(folder).expect("the store");
    let follower = Follower::verifying(store.clone(), SystemClock).expect("a keyring");
    let list = RevocationFollower::open(store.revocations(), SystemClock).expect("a list");
    let freshness = Freshness::new(Duration::from_secs(60), WhenUnknown::Refuse);
    let verifier = Verifier::builder(follower.keys())
        .policy(Policy::new(ISSUER, AUDIENCE))
        .revocation(list.live(), freshness)
        .build();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if kind.starts_with("serve") {
        let server = Server::builder(follower, verifier)
            .revocations(list, freshness)
            .refresh_every(Duration::from_millis(500))
            .build();
        runtime
            .block_on(async {
                let address = "127.0.0.1:0".parse().expect("an address");
                let listener = Listener::bind(&address, DEFAULT_SOCKET_MODE).expect("a port");
                println!("{}", listener.address());
                server.run(listener, std::future::pending()).await
            })
            .expect("a server");
        return;
    }
    let _keys = follower
        .spawn(Duration::from_millis(500))
        .expect("a thread");
    let _list = list.spawn(RevocationFollower::INTERVAL).expect("a thread");
    let orders = Router::new().route("/orders", get(|| async { "orders\n" }));
    let app = match kind {
        "axum-layer" => orders.layer(VerifyLayer::required(Gate::new(verifier))),
        "axum-jsonwebtoken" => {
            let theirs = Theirs::following(follower.clone());
            orders.layer(from_fn_with_state(theirs, judged_by_theirs))
        }
        _ => orders,
    };
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        println!("http://{}", listener.local_addr().expect("an address"));
        axum::serve(listener, app).await.expect("a server");
    });
}

/// What an application on jsonwebtoken writes: keys by id, looked up and refreshed.
#[derive(Clone)]
struct Theirs {
    keys: Arc<ArcSwap<HashMap<String, DecodingKey>>>,
    validation: Arc<Validation>,
}

impl Theirs {
    fn following(follower: Follower) -> Self {
        let read = move || {
            let keyring = follower.keyring();
            let keys = published_keys(&keyring, SystemClock.now()).expect("public keys");
            let each = keys.iter().map(|key| {
                let theirs = DecodingKey::try_from(key).expect("a key of theirs");
                (key.id().as_str().to_owned(), theirs)
            });
            each.collect::<HashMap<_, _>>()
        };
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        let theirs = Self {
            keys: Arc::new(ArcSwap::from_pointee(read())),
            validation: Arc::new(validation),
        };
        let keys = Arc::clone(&theirs.keys);
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_millis(500));
                keys.store(Arc::new(read()));
            }
        });
        theirs
    }

    fn accepts(&self, request: &Request) -> Option<()> {
        let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
        let token = header.strip_prefix("Bearer ")?;
        let id = jsonwebtoken::decode_header(token).ok()?.kid?;
        let keys = self.keys.load();
        let decoded =
            jsonwebtoken::decode::<serde_json::Value>(token, keys.get(&id)?, &self.validation);
        decoded.ok().map(drop)
    }
}

async fn judged_by_theirs(
    State(theirs): State<Theirs>,
    request: Request,
    next: Next,
) -> Result<Response, StatusCode> {
    match theirs.accepts(&request) {
        Some(()) => Ok(next.run(request).await),
        None => Err(StatusCode::UNAUTHORIZED),
    }
}
