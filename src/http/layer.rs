//! A tower layer: verifies each request before the service behind it sees it.

mod body;
mod future;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};

use ::http::{Request, Response};
use http_body::Body;
use serde::de::DeserializeOwned;
use tower_layer::Layer;
use tower_service::Service;

pub use body::GuardedBody;
pub use future::VerifyFuture;

use super::gate::Gate;
use super::refusal::{Refusal, RefusalKind};
use super::scopes::Scopes;
use crate::token::Claims;
use crate::verify::Verified;

/// A layer that lets only verified requests through.
///
/// The claims are put into the request's extensions as [`Verified<Claims<C>>`];
/// `C` is `()` unless [`claims`](Self::claims) says otherwise. Put a layer that
/// answers preflight requests (CORS) outside of this one: they carry no token.
///
/// ```
/// use std::convert::Infallible;
///
/// use axum::body::Body;
/// use http::{Request, Response};
/// use tokenwright::http::{Gate, Scopes, VerifyLayer};
/// use tokenwright::{Claims, Verified};
/// # use tokenwright::{KeySet, Policy, Verifier};
/// use tower::ServiceBuilder;
/// # let verifier = Verifier::builder(KeySet::of([])?)
/// #     .policy(Policy::new("https://auth.example", "orders-api")).without_revocation().build();
///
/// async fn orders(request: Request<Body>) -> Result<Response<Body>, Infallible> {
///     let claims: Option<&Verified<Claims>> = request.extensions().get();
///     let who = claims.and_then(|claims| claims.subject()).unwrap_or("nobody");
///     Ok(Response::new(format!("orders of {who}").into()))
/// }
///
/// let layer = VerifyLayer::required(Gate::new(verifier)).scopes(Scopes::all_of(&["orders:read"]));
/// let service = ServiceBuilder::new().layer(layer).service_fn(orders);
/// # let _ = service;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct VerifyLayer<C = ()> {
    terms: Arc<Terms>,
    claims: PhantomData<fn() -> C>,
}

/// The service that [`VerifyLayer`] makes.
pub struct Verify<S, C = ()> {
    inner: S,
    terms: Arc<Terms>,
    claims: PhantomData<fn() -> C>,
}

#[derive(Clone, Debug)]
struct Terms {
    gate: Gate,
    absence: Absence,
    scopes: Vec<Scopes>,
}

/// What a request without a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Absence {
    Refused,
    Allowed,
}

/// Left in the extensions of a request that a layer has let through without a token.
#[derive(Clone, Copy)]
pub(super) struct Anonymous;

impl VerifyLayer {
    /// Refuses requests without a token.
    #[must_use]
    pub fn required(gate: impl Into<Gate>) -> Self {
        Self::new(gate.into(), Absence::Refused)
    }

    /// Lets requests without a token through, without claims. One with a bad token
    /// is still refused.
    #[must_use]
    pub fn optional(gate: impl Into<Gate>) -> Self {
        Self::new(gate.into(), Absence::Allowed)
    }

    fn new(gate: Gate, absence: Absence) -> Self {
        Self {
            terms: Arc::new(Terms {
                gate,
                absence,
                scopes: Vec::new(),
            }),
            claims: PhantomData,
        }
    }
}

impl<C> VerifyLayer<C> {
    /// Requires these scopes too, beside those required before, of every token.
    #[must_use]
    pub fn scopes(mut self, scopes: Scopes) -> Self {
        Arc::make_mut(&mut self.terms).scopes.push(scopes);
        self
    }

    /// Decodes the application's own claims into `D`; a token without them is refused.
    #[must_use]
    pub fn claims<D>(self) -> VerifyLayer<D> {
        VerifyLayer {
            terms: self.terms,
            claims: PhantomData,
        }
    }
}

impl<S, C> Layer<S> for VerifyLayer<C> {
    type Service = Verify<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        Verify {
            inner,
            terms: Arc::clone(&self.terms),
            claims: PhantomData,
        }
    }
}

impl<S, C, RequestBody, ResponseBody> Service<Request<RequestBody>> for Verify<S, C>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>>,
    C: DeserializeOwned + Clone + Send + Sync + 'static,
    ResponseBody: Body,
    ResponseBody::Data: From<String>,
{
    type Response = Response<GuardedBody<ResponseBody>>;
    type Error = S::Error;
    type Future = VerifyFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        match self.terms.admit::<C, _>(&mut request) {
            Ok(()) => {
                let nonce = self.terms.gate.next_nonce(request.extensions());
                VerifyFuture::passed(self.inner.call(request), nonce)
            }
            Err(refusal) => {
                let (request, _) = request.into_parts();
                VerifyFuture::refused(self.terms.gate.answer(refusal, &request))
            }
        }
    }
}

impl Terms {
    /// Verifies a request and leaves the claims in it.
    fn admit<C, B>(&self, request: &mut Request<B>) -> Result<(), Refusal>
    where
        C: DeserializeOwned + Clone + Send + Sync + 'static,
    {
        let verified = self.gate.check_request::<C, B>(request)?;
        self.gate.conceal(request.headers_mut());
        let extensions = request.extensions_mut();
        match verified {
            Some(verified) => {
                permit(&verified, &self.scopes)?;
                extensions.insert(verified);
            }
            None if self.absence == Absence::Refused => return Err(RefusalKind::NoToken.into()),
            None => {
                // What a layer further out has verified is not this gate's word.
                extensions.remove::<Verified<Claims<C>>>();
                extensions.insert(Anonymous);
            }
        }
        Ok(())
    }
}

/// Whether good claims permit what is asked for.
pub(super) fn permit<'s, C>(
    claims: &Verified<Claims<C>>,
    required: impl IntoIterator<Item = &'s Scopes>,
) -> Result<(), Refusal> {
    let mut required = required.into_iter();
    match required.find(|scopes| !scopes.met_by(claims)) {
        Some(missing) => Err(RefusalKind::Scopes(missing.clone()).into()),
        None => Ok(()),
    }
}

impl<C> Clone for VerifyLayer<C> {
    fn clone(&self) -> Self {
        Self {
            terms: Arc::clone(&self.terms),
            claims: PhantomData,
        }
    }
}

impl<S: Clone, C> Clone for Verify<S, C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            terms: Arc::clone(&self.terms),
            claims: PhantomData,
        }
    }
}

impl<C> fmt::Debug for VerifyLayer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VerifyLayer").field(&self.terms).finish()
    }
}

impl<S, C> fmt::Debug for Verify<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Verify")
            .field(&self.terms)
            .finish_non_exhaustive()
    }
}
