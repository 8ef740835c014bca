use axum::{Router, routing::get};
use tokenwright::{Claims, KeySet, Policy, Verified, Verifier, http::Gate};

async fn orders(claims: Verified<Claims>) -> String {
    format!("orders of {}", claims.subject().unwrap_or("nobody"))
}

pub fn app(jwks: &[u8]) -> Result<Router, Box<dyn std::error::Error>> {
    let verifier = Verifier::builder(KeySet::from_jwks(jwks)?)
        .policy(Policy::new("https://auth.example", "orders-api"))
        .without_revocation()
        .build();
    let routes = Router::new().route("/orders", get(orders));
    Ok(routes.with_state(Gate::new(verifier)))
}
