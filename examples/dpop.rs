//! A service whose tokens are good for nothing without their holder's key (RFC 9449):
//! log in, renew, and an API, in one program. `tests/interop/node_dpop.mjs` is a client of it.
//!
//! ```text
//! cargo run --example dpop --features dpop,axum,session
//! ```
//!
//! This is a demonstration: whoever gives the password "secret" is logged in.
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Form, FromRef, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};
use tokenwright::dpop::{Nonces, Proofs};
use tokenwright::http::{Dpop, Gate};
use tokenwright::key::{Algorithm, SigningKey, SystemEntropy};
use tokenwright::keyring::LiveSigners;
use tokenwright::session::{Grant, Login, Renewals, SessionTimes, Sessions};
use tokenwright::{
    Claims, Clock as _, Freshness, KeySet, LiveRevocations, Minter, Policy, ProofError, Revocation,
    RevocationList, RevocationView, SystemClock, Verified, Verifier, WhenUnknown,
};

const ISSUER: &str = "https://auth.example";
const API: &str = "orders-api";

#[derive(Clone)]
struct Service {
    gate: Gate,
    login: Arc<LoginDesk>,
}

impl FromRef<Service> for Gate {
    fn from_ref(service: &Service) -> Self {
        service.gate.clone()
    }
}

/// What issues tokens.
struct LoginDesk {
    address: String,
    proofs: Proofs,
    renewals: Renewals,
    minter: Minter,
    revoked: LiveRevocations,
    /// A program appends to a `RevocationStore` here.
    list: Mutex<RevocationList>,
}

#[derive(Deserialize)]
struct LoginForm {
    name: String,
    password: String,
}

#[derive(Deserialize)]
struct RenewalForm {
    refresh_token: String,
}

fn document(value: Value) -> impl IntoResponse {
    ([("content-type", "application/json")], value.to_string())
}

/// The one `DPoP` header of a request.
fn proof(headers: &HeaderMap) -> Option<&str> {
    let mut proofs = headers.get_all("dpop").iter();
    let proof = proofs.next()?.to_str().ok()?;
    proofs.next().is_none().then_some(proof)
}

/// The password first: judging a proof costs more, and takes room.
async fn log_in(
    State(service): State<Service>,
    headers: HeaderMap,
    Form(form): Form<LoginForm>,
) -> Response {
    let desk = &service.login;
    if form.password != "secret" {
        return desk.refuse("invalid_grant");
    }
    let Some(proof) = proof(&headers) else {
        return desk.refuse("invalid_dpop_proof");
    };
    let (now, address) = (SystemClock.now(), format!("{}/login", desk.address));
    match desk.proofs.key_to_bind(proof, "POST", &address, now) {
        Ok(key) => match desk.renewals.begin_bound(&Login::of(form.name), key, now) {
            Ok(grant) => desk.answer(&grant),
            Err(_) => desk.refuse("invalid_grant"),
        },
        Err(error) => desk.refuse_proof(&error),
    }
}

async fn renew(
    State(service): State<Service>,
    headers: HeaderMap,
    Form(form): Form<RenewalForm>,
) -> Response {
    let desk = &service.login;
    let Some(proof) = proof(&headers) else {
        return desk.refuse("invalid_dpop_proof");
    };
    let address = format!("{}/renew", desk.address);
    let proof = desk.proofs.presented(proof, "POST", &address).for_renewal();
    let now = SystemClock.now();
    let renewed = desk
        .renewals
        .renew_proven(&form.refresh_token, &proof, now, |used| desk.record(used));
    match renewed {
        Ok(grant) => desk.answer(&grant),
        Err(_) => desk.refuse("invalid_grant"),
    }
}

impl LoginDesk {
    /// An access token bound to the same key, of the same session.
    fn answer(&self, grant: &Grant) -> Response {
        let mut claims = Claims::for_subject(grant.subject())
            .with_audience(API)
            .with_session_id(grant.session_id());
        if let Some(key) = grant.bound_key() {
            claims = claims.with_bound_key(key);
        }
        match self.minter.mint(&claims) {
            Ok(token) => document(json!({
                "token_type": "DPoP",
                "access_token": token,
                "refresh_token": grant.token(),
            }))
            .into_response(),
            Err(_) => self.refuse("server_error"),
        }
    }

    fn record(&self, used: &[Revocation<'_>]) -> Result<(), tokenwright::RevocationError> {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in used {
            list.add(entry)?;
        }
        let view = RevocationView::new(list.clone(), SystemClock.now());
        self.revoked.replace(view);
        Ok(())
    }

    fn refuse_proof(&self, error: &ProofError) -> Response {
        eprintln!("refused: {error}");
        self.refuse(error.oauth_error().unwrap_or("temporarily_unavailable"))
    }

    /// RFC 9449 section 8: with each refusal comes the nonce to try again with.
    fn refuse(&self, error: &str) -> Response {
        let nonce = self.proofs.nonce(SystemClock.now()).unwrap_or_default();
        let body = document(json!({ "error": error }));
        (StatusCode::BAD_REQUEST, [("DPoP-Nonce", nonce)], body).into_response()
    }
}

async fn orders(claims: Verified<Claims>) -> String {
    format!("orders of {}", claims.subject().unwrap_or("nobody"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let now = SystemClock.now();

    let key = SigningKey::generate(Algorithm::EdDsa)?;
    let keys = KeySet::of([key.verifying_key()])?;
    let signers = LiveSigners::from(key);
    let revoked = LiveRevocations::new(RevocationList::new(), now);
    let freshness = Freshness::new(Duration::MAX, WhenUnknown::Refuse);

    // The key of these nonces lives and dies with the process: no proof of a former one
    // has them, so none needs to be refused for its age alone.
    let nonces = Nonces::draw(&SystemEntropy, Duration::from_secs(120))?;
    let started = now.saturating_sub(Duration::from_secs(60));
    let proofs = Proofs::builder(100_000, started).nonces(nonces).build()?;

    let verifier = Verifier::builder(keys.clone())
        .policy(Policy::new(ISSUER, API))
        .revocation(revoked.clone(), freshness)
        .build();
    let login = LoginDesk {
        minter: Minter::builder(signers.clone(), ISSUER)
            .lifetime(Duration::from_secs(300))
            .build()?,
        renewals: Sessions::builder(signers, keys, ISSUER, "login")
            .times(SessionTimes {
                idle: Duration::from_secs(14 * 86_400),
                absolute: Duration::from_secs(90 * 86_400),
            })
            .revocation(revoked.clone(), freshness)
            .build_renewals(Duration::from_secs(10))?,
        address: address.clone(),
        proofs: proofs.clone(),
        revoked,
        list: Mutex::default(),
    };
    let service = Service {
        gate: Gate::new(verifier).dpop(Dpop::at(&address, proofs)?),
        login: Arc::new(login),
    };
    let app = Router::new()
        .route("/login", post(log_in))
        .route("/renew", post(renew))
        .route("/orders", get(orders))
        .with_state(service);
    println!("{address}");
    axum::serve(listener, app).await?;
    Ok(())
}
