//! The layer and the extractors: headers in, challenges and nonces out.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::routing::get;
use http::{HeaderValue, Request, Response};
use tokenwright::dpop::{Nonces, Proofs};
use tokenwright::http::{Dpop, Gate, Permission, Permitted, Scopes, TokenPlace, VerifyLayer};
use tokenwright::key::{Algorithm, SigningKey, SystemEntropy};
use tokenwright::{Claims, ManualClock, Verified};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::client::{Client, NOW, at};
use crate::tokens::{copy, mint, verifier};

const ALGS: &str = r#"algs="ES256 EdDSA Ed25519 PS256 RS256""#;

struct Scene {
    issuer: SigningKey,
    client: Client,
    proofs: Proofs,
}

impl Scene {
    fn new() -> Self {
        Self {
            issuer: SigningKey::generate(Algorithm::EdDsa).unwrap(),
            client: Client::new(Algorithm::Es256),
            proofs: Proofs::builder(1_000, at(0))
                .per_key(1_000)
                .build()
                .unwrap(),
        }
    }

    fn dpop(&self) -> Dpop {
        let dpop = Dpop::at("https://api.example", self.proofs.clone()).unwrap();
        dpop.clock(ManualClock::at(at(NOW)))
    }

    fn gate(&self) -> Gate {
        Gate::new(verifier(&self.issuer)).dpop(self.dpop())
    }

    fn token(&self) -> String {
        let claims = Claims::for_subject("alice").with_scope("orders:read");
        mint(
            copy(&self.issuer),
            &claims.with_bound_key(self.client.thumbprint()),
        )
    }

    fn unbound(&self) -> String {
        mint(copy(&self.issuer), &Claims::for_subject("alice"))
    }

    /// A good request.
    fn request(&mut self, token: &str) -> Request<Body> {
        let proof = self.client.proof_for(token);
        // A header for the next request of this client.
        self.client.asks("GET", "https://api.example/orders", NOW);
        request(&format!("DPoP {token}"), &[&proof])
    }
}

fn request(authorization: &str, proofs: &[&str]) -> Request<Body> {
    let mut request = Request::get("/orders?page=2").header("authorization", authorization);
    for proof in proofs {
        request = request.header("dpop", *proof);
    }
    request.body(Body::empty()).unwrap()
}

async fn asked(gate: Gate, request: Request<Body>) -> Response<String> {
    let service = service_fn(async |request: Request<Body>| {
        let claims: &Verified<Claims> = request.extensions().get().unwrap();
        let text = format!("orders of {}", claims.subject().unwrap());
        Ok::<_, Infallible>(Response::new(text))
    });
    let response = VerifyLayer::required(gate)
        .layer(service)
        .oneshot(request)
        .await
        .unwrap();
    let (head, body) = response.into_parts();
    let body = http_body_util::BodyExt::collect(body)
        .await
        .unwrap()
        .to_bytes();
    Response::from_parts(head, String::from_utf8(body.to_vec()).unwrap())
}

fn challenges(response: &Response<String>) -> Vec<String> {
    let values = response.headers().get_all("www-authenticate").iter();
    values
        .map(|value| value.to_str().unwrap().to_owned())
        .collect()
}

fn refused(error: &str, description: &str) -> String {
    format!(r#"DPoP error="{error}", error_description="{description}", {ALGS}"#)
}

const BAD_PROOF: &str = "the proof of possession is not valid";

#[tokio::test]
async fn a_token_with_its_proof_is_let_through_once() {
    let mut scene = Scene::new();
    let token = scene.token();
    let good = scene.request(&token);
    let headers = good.headers().clone();
    let again = request(
        headers["authorization"].to_str().unwrap(),
        &[headers["dpop"].to_str().unwrap()],
    );
    let response = asked(scene.gate(), good).await;
    assert_eq!(
        (response.status().as_u16(), response.body().as_str()),
        (200, "orders of alice")
    );
    assert!(response.headers().get("dpop-nonce").is_none());
    let response = asked(scene.gate(), again).await;
    assert_eq!(response.status(), 401);
    assert_eq!(
        challenges(&response),
        [refused("invalid_dpop_proof", BAD_PROOF)]
    );
    assert_eq!(
        response.body(),
        r#"{"type":"about:blank","title":"Unauthorized","status":401,"detail":"the proof of possession is not valid","error":"invalid_dpop_proof"}"#
    );
}

/// Check 1 of RFC 9449 section 4.3, and the other ways to write too little or too much.
#[tokio::test]
async fn there_is_exactly_one_proof_header() {
    let mut scene = Scene::new();
    let token = scene.token();
    let (one, two) = (
        scene.client.proof_for(&token),
        scene.client.proof_for(&token),
    );
    let long = "a".repeat(8 * 1024 + 1);
    for proofs in [
        &[][..],
        &[one.as_str(), two.as_str()],
        &[one.as_str(), one.as_str()],
        &[&format!("{one}, {two}")],
        &[""],
        &["\u{e9}"],
        &[&long],
    ] {
        let response = asked(scene.gate(), request(&format!("DPoP {token}"), proofs)).await;
        assert_eq!(response.status(), 401, "{proofs:?}");
        assert_eq!(
            challenges(&response),
            [refused("invalid_dpop_proof", BAD_PROOF)]
        );
    }
}

#[tokio::test]
async fn a_bound_token_is_no_bearer_token() {
    let scene = Scene::new();
    let bearer = || request(&format!("Bearer {}", scene.token()), &[]);
    // Where proofs are asked for, bearer tokens are not looked at.
    let response = asked(scene.gate(), bearer()).await;
    assert_eq!(response.status(), 401);
    assert_eq!(challenges(&response), [format!("DPoP {ALGS}")]);
    // Where both are taken, they are told apart.
    let both = Gate::new(verifier(&scene.issuer)).dpop(scene.dpop().or_bearer());
    let response = asked(both.clone(), bearer()).await;
    assert_eq!(response.status(), 401);
    let told = r#"Bearer error="invalid_token", error_description="the token is not valid""#;
    assert_eq!(
        challenges(&response),
        [told.to_owned(), format!("DPoP {ALGS}")]
    );
    // With a proof beside it, it is a bearer token all the same.
    let mut client = Client::new(Algorithm::Es256);
    let proof = client.proof_for(&scene.token());
    let with_proof = request(&format!("Bearer {}", scene.token()), &[&proof]);
    assert_eq!(asked(both.clone(), with_proof).await.status(), 401);
    // And where no proof was ever heard of.
    let plain = Gate::new(verifier(&scene.issuer));
    let response = asked(plain, bearer()).await;
    assert_eq!(response.status(), 401);
    assert_eq!(challenges(&response), [told]);
    // One that is not bound is let through where bearer tokens are.
    let unbound = || request(&format!("Bearer {}", scene.unbound()), &[]);
    assert_eq!(asked(both, unbound()).await.status(), 200);
    assert_eq!(asked(scene.gate(), unbound()).await.status(), 401);
}

#[tokio::test]
async fn a_thief_with_a_key_of_his_own_is_refused() {
    let mut scene = Scene::new();
    let (token, unbound) = (scene.token(), scene.unbound());
    let mut thief = Client::new(Algorithm::Es256);
    let stolen = request(&format!("DPoP {token}"), &[&thief.proof_for(&token)]);
    let response = asked(scene.gate(), stolen).await;
    assert_eq!(
        challenges(&response),
        [refused("invalid_dpop_proof", BAD_PROOF)]
    );
    let laundered = request(&format!("DPoP {unbound}"), &[&thief.proof_for(&unbound)]);
    let response = asked(scene.gate(), laundered).await;
    let told = refused("invalid_token", "the token is not valid");
    assert_eq!(challenges(&response), std::slice::from_ref(&told));
    // A bad token says nothing about the proof beside it.
    let forged = format!("{}A", &token[..token.len() - 2]);
    let garbage = request(&format!("DPoP {forged}x"), &["a.b.c"]);
    assert_eq!(challenges(&asked(scene.gate(), garbage).await), [told]);
    let good = scene.request(&token);
    assert_eq!(asked(scene.gate(), good).await.status(), 200);
}

#[tokio::test]
async fn the_address_is_the_configured_one_whatever_the_client_says() {
    let mut scene = Scene::new();
    let token = scene.token();
    scene.client.asks("GET", "https://evil.example/orders", NOW);
    let mut redirected = scene.request(&token);
    let headers = redirected.headers_mut();
    headers.insert("host", HeaderValue::from_static("evil.example"));
    headers.insert("x-forwarded-host", HeaderValue::from_static("evil.example"));
    headers.insert("forwarded", HeaderValue::from_static("host=evil.example"));
    assert_eq!(asked(scene.gate(), redirected).await.status(), 401);
    // In absolute form, as proxies and HTTP/2 send it: the path alone is the request's.
    let proof = scene.client.proof_for(&token);
    let absolute = Request::get("https://evil.example/orders")
        .header("authorization", format!("dpop {token}"))
        .header("dpop", proof)
        .body(Body::empty())
        .unwrap();
    assert_eq!(asked(scene.gate(), absolute).await.status(), 200);
    let error = Dpop::at("api.example", scene.proofs.clone()).unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"address: expected scheme and host as clients know them, such as https://api.example, found "api.example""#
    );
}

#[tokio::test]
async fn a_client_is_given_a_nonce_and_comes_back_with_it() {
    let mut scene = Scene::new();
    let nonces = Nonces::draw(&SystemEntropy, Duration::from_secs(60)).unwrap();
    let expected = nonces.current(at(NOW));
    scene.proofs = Proofs::builder(100, at(0)).nonces(nonces).build().unwrap();
    let token = scene.token();
    let first = scene.request(&token);
    let response = asked(scene.gate(), first).await;
    let needs = "the proof of possession needs a nonce of this server";
    assert_eq!(response.status(), 401);
    assert_eq!(challenges(&response), [refused("use_dpop_nonce", needs)]);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let nonce = response.headers()["dpop-nonce"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(nonce, expected);
    scene.client.says("nonce", nonce);
    let second = scene.request(&token);
    let response = asked(scene.gate(), second).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["dpop-nonce"], expected.as_str());
}

#[tokio::test]
async fn a_full_memory_is_no_fault_of_the_client() {
    let mut scene = Scene::new();
    scene.proofs = Proofs::builder(1, at(0)).build().unwrap();
    let token = scene.token();
    let (first, second) = (scene.request(&token), scene.request(&token));
    assert_eq!(asked(scene.gate(), first).await.status(), 200);
    let response = asked(scene.gate(), second).await;
    assert_eq!(response.status(), 503);
    assert_eq!(challenges(&response), [""; 0]);
    assert_eq!(response.headers()["retry-after"], "10");
}

struct Read;

impl Permission for Read {
    const SCOPES: Scopes = Scopes::all_of(&["orders:read"]);
}

/// A layer and two extractors look at one request: it counts once.
#[tokio::test]
async fn one_request_is_one_use_however_often_it_is_looked_at() {
    async fn orders(claims: Verified<Claims>, allowed: Permitted<Read>) -> String {
        format!(
            "{} {}",
            claims.subject().unwrap(),
            allowed.subject().unwrap()
        )
    }
    let mut scene = Scene::new();
    let app = axum::Router::new()
        .route("/orders", get(orders))
        .layer(VerifyLayer::required(scene.gate()))
        .with_state(scene.gate());
    let token = scene.token();
    let good = scene.request(&token);
    let headers = good.headers().clone();
    assert_eq!(app.clone().oneshot(good).await.unwrap().status(), 200);
    let mut again = request("", &[]);
    *again.headers_mut() = headers;
    assert_eq!(app.oneshot(again).await.unwrap().status(), 401);
}

#[tokio::test]
async fn a_gate_that_sees_headers_alone_says_that_it_cannot_judge() {
    let mut scene = Scene::new();
    let token = scene.token();
    let mut good = scene.request(&token);
    let refusal = scene.gate().check::<()>(good.headers()).unwrap_err();
    assert_eq!(
        (refusal.code(), refusal.status().as_u16()),
        ("request_needed", 500)
    );
    let verified: Option<Verified<Claims>> = scene.gate().check_request(&mut good).unwrap();
    assert_eq!(verified.unwrap().subject(), Some("alice"));
    scene.gate().conceal(good.headers_mut());
    assert!(good.headers()["dpop"].is_sensitive());
    // The token too, where cookies are the place for tokens without a proof.
    let gate = Gate::new(verifier(&scene.issuer))
        .token_in(TokenPlace::cookie("t").unwrap())
        .dpop(scene.dpop().or_bearer());
    let mut bound = scene.request(&token);
    gate.conceal(bound.headers_mut());
    assert!(bound.headers()["authorization"].is_sensitive());
}

#[tokio::test]
async fn a_token_in_two_places_is_refused() {
    let mut scene = Scene::new();
    let place = TokenPlace::header_or_cookie("t").unwrap();
    let gate = Gate::new(verifier(&scene.issuer))
        .token_in(place)
        .dpop(scene.dpop().or_bearer());
    let (token, unbound) = (scene.token(), scene.unbound());
    let mut both = scene.request(&token);
    let cookie = HeaderValue::try_from(format!("t={unbound}")).unwrap();
    both.headers_mut().insert("cookie", cookie);
    assert_eq!(asked(gate.clone(), both).await.status(), 400);
    let mut twice = scene.request(&token);
    let bearer = HeaderValue::try_from(format!("Bearer {unbound}")).unwrap();
    twice.headers_mut().append("authorization", bearer);
    assert_eq!(asked(gate, twice).await.status(), 400);
}
