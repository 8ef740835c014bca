//! A service with one open page, one for whoever is known, and one that needs a
//! scope. Run it, and it prints the commands to try.
//!
//! ```text
//! cargo run --example axum --features axum
//! ```
use axum::{Router, routing::get};
use tokenwright::http::{Answers, Gate, Permission, Permitted, Scopes, TokenPlace};
use tokenwright::key::{Algorithm, SigningKey};
use tokenwright::{Claims, KeySet, Minter, Policy, Verified, Verifier};

struct ReadOrders;

impl Permission for ReadOrders {
    const SCOPES: Scopes = Scopes::all_of(&["orders:read"]);
}

async fn home(claims: Option<Verified<Claims>>) -> String {
    let subject = claims.as_ref().and_then(|claims| claims.subject());
    format!("hello, {}\n", subject.unwrap_or("stranger"))
}

async fn profile(claims: Verified<Claims>) -> String {
    format!("the profile of {}\n", claims.subject().unwrap_or("nobody"))
}

async fn orders(claims: Permitted<ReadOrders>) -> String {
    format!("the orders of {}\n", claims.subject().unwrap_or("nobody"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (issuer, audience) = ("https://auth.example", "orders-api");
    let key = SigningKey::generate(Algorithm::EdDsa)?;
    let verifier = Verifier::builder(KeySet::of([key.verifying_key()])?)
        .policy(Policy::new(issuer, audience))
        .without_revocation()
        .build();
    let gate = Gate::new(verifier)
        .token_in(TokenPlace::header_or_cookie("__Host-session")?)
        .answers(Answers::new().realm("orders")?);
    let app = Router::new()
        .route("/", get(home))
        .route("/profile", get(profile))
        .route("/orders", get(orders))
        .with_state(gate);

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let minter = Minter::builder(key, issuer).audience(audience).build()?;
    let token = minter.mint(&Claims::for_subject("alice"))?;
    let allowed = minter.mint(&Claims::for_subject("alice").with_scope("orders:read"))?;
    println!("curl -i http://{address}/");
    println!("curl -i http://{address}/profile");
    println!("curl -i http://{address}/profile -H 'Authorization: Bearer {token}'");
    println!("curl -i http://{address}/orders --cookie '__Host-session={token}'");
    println!("curl -i http://{address}/orders -H 'Authorization: Bearer {allowed}'");
    axum::serve(listener, app).await?;
    Ok(())
}
