//! Verified claims in the signature of an axum handler.
//!
//! The gate comes from the router's state; a router whose state is `()` expects a
//! [`VerifyLayer`](super::VerifyLayer) in front.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use ::http::Response;
use ::http::request::Parts;
use axum_core::body::Body;
use axum_core::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use axum_core::response::IntoResponse;
use serde::de::DeserializeOwned;

use super::gate::Gate;
use super::layer::{Anonymous, permit};
use super::refusal::{Refusal, RefusalKind};
use super::scopes::Scopes;
use crate::token::Claims;
use crate::verify::Verified;

/// A refused request, as an extractor gives it back to axum.
pub struct Refused {
    refusal: Refusal,
    answer: Box<Response<String>>,
}

impl Refused {
    /// Why it was refused.
    #[must_use]
    pub fn refusal(&self) -> &Refusal {
        &self.refusal
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> axum_core::response::Response {
        self.answer.map(Body::from)
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Refused").field(&self.refusal).finish()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refusal.fmt(f)
    }
}

impl std::error::Error for Refused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.refusal)
    }
}

impl FromRef<()> for Gate {
    /// A router without state has no gate of its own.
    fn from_ref((): &()) -> Self {
        Self::behind_layer()
    }
}

impl<S, C> FromRequestParts<S> for Verified<Claims<C>>
where
    S: Send + Sync,
    Gate: FromRef<S>,
    C: DeserializeOwned + Clone + Send + Sync + 'static,
{
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let gate = Gate::from_ref(state);
        required(presented(&gate, parts)).map_err(|refusal| refused(&gate, refusal, parts))
    }
}

impl<S, C> OptionalFromRequestParts<S> for Verified<Claims<C>>
where
    S: Send + Sync,
    Gate: FromRef<S>,
    C: DeserializeOwned + Clone + Send + Sync + 'static,
{
    type Rejection = Refused;

    /// `None` for a request without a token; a bad one is still refused.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Refused> {
        let gate = Gate::from_ref(state);
        presented(&gate, parts).map_err(|refusal| refused(&gate, refusal, parts))
    }
}

/// A thing that some tokens permit, named in the signature of a handler.
///
/// ```
/// use tokenwright::http::{Permission, Permitted, Scopes};
///
/// struct ReadOrders;
/// impl Permission for ReadOrders {
///     const SCOPES: Scopes = Scopes::all_of(&["orders:read"]);
/// }
///
/// async fn orders(claims: Permitted<ReadOrders>) -> String {
///     format!("orders of {}", claims.subject().unwrap_or("nobody"))
/// }
/// # let _: axum::Router<tokenwright::http::Gate> =
/// #     axum::Router::new().route("/orders", axum::routing::get(orders));
/// ```
pub trait Permission {
    /// The scopes a token must list.
    const SCOPES: Scopes;
}

/// Verified claims that list the scopes of `P`; without them the answer is 403.
///
/// It can be had from a request only, and gives what [`Verified`] gives.
#[must_use = "claims that nobody looks at protect nothing"]
pub struct Permitted<P, C = ()> {
    claims: Verified<Claims<C>>,
    permission: PhantomData<fn() -> P>,
}

impl<P: Permission, C> Permitted<P, C> {
    fn of(claims: Verified<Claims<C>>) -> Result<Self, Refusal> {
        permit(&claims, [&P::SCOPES])?;
        Ok(Self {
            claims,
            permission: PhantomData,
        })
    }

    /// The claims, without the word that they permit it.
    pub fn into_verified(self) -> Verified<Claims<C>> {
        self.claims
    }
}

impl<P, C> Deref for Permitted<P, C> {
    type Target = Verified<Claims<C>>;

    fn deref(&self) -> &Self::Target {
        &self.claims
    }
}

impl<P, C> fmt::Debug for Permitted<P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permitted").field(&self.claims).finish()
    }
}

impl<S, P, C> FromRequestParts<S> for Permitted<P, C>
where
    S: Send + Sync,
    Gate: FromRef<S>,
    P: Permission,
    C: DeserializeOwned + Clone + Send + Sync + 'static,
{
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let gate = Gate::from_ref(state);
        required(presented(&gate, parts))
            .and_then(Self::of)
            .map_err(|refusal| refused(&gate, refusal, parts))
    }
}

impl<S, P, C> OptionalFromRequestParts<S> for Permitted<P, C>
where
    S: Send + Sync,
    Gate: FromRef<S>,
    P: Permission,
    C: DeserializeOwned + Clone + Send + Sync + 'static,
{
    type Rejection = Refused;

    /// `None` for a request without a token; one that does not permit it is refused.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Refused> {
        let gate = Gate::from_ref(state);
        presented(&gate, parts)
            .and_then(|claims| claims.map(Self::of).transpose())
            .map_err(|refusal| refused(&gate, refusal, parts))
    }
}

/// The claims of a request, verified here or by the layer in front.
fn presented<C>(gate: &Gate, parts: &mut Parts) -> Result<Option<Verified<Claims<C>>>, Refusal>
where
    C: DeserializeOwned + Clone + Send + Sync + 'static,
{
    match gate.check_parts(parts) {
        Err(refusal) if *refusal.kind() == RefusalKind::NotVerified => left_by_layer(parts),
        checked => checked,
    }
}

fn left_by_layer<C>(parts: &Parts) -> Result<Option<Verified<Claims<C>>>, Refusal>
where
    C: Clone + Send + Sync + 'static,
{
    match parts.extensions.get::<Verified<Claims<C>>>() {
        Some(verified) => Ok(Some(verified.clone())),
        None if parts.extensions.get::<Anonymous>().is_some() => Ok(None),
        None => Err(RefusalKind::NotVerified.into()),
    }
}

fn required<T>(presented: Result<Option<T>, Refusal>) -> Result<T, Refusal> {
    presented?.ok_or_else(|| RefusalKind::NoToken.into())
}

fn refused(gate: &Gate, refusal: Refusal, parts: &Parts) -> Refused {
    Refused {
        answer: Box::new(gate.answer(refusal.clone(), parts)),
        refusal,
    }
}
