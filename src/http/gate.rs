//! What stands between requests and an application, whatever the framework.

use std::fmt;
use std::sync::Arc;

use ::http::header::{AUTHORIZATION, CONTENT_TYPE, Entry};
use ::http::request::Parts;
use ::http::{Extensions, HeaderMap, HeaderValue, Method, Request, Response, Uri};
use serde::de::DeserializeOwned;

use super::answer::Answers;
use super::credentials::TokenPlace;
use super::dpop::{Dpop, JudgedProof};
use super::refusal::{Refusal, RefusalKind};
use crate::token::Claims;
use crate::verify::{Verified, Verifier, Verifiers};

/// Who verifies the tokens of requests, where requests carry them, and what the
/// refused are answered with. Cheap to clone; the layer and the extractors use one.
///
/// Without further words tokens are looked for in the `Authorization` header, and
/// refusals are answered as [`Answers`] says.
///
/// ```
/// use http::HeaderMap;
/// use tokenwright::http::{Answers, Gate, TokenPlace};
/// # use tokenwright::{KeySet, Policy, Verifier, Claims, Verified};
/// # let verifier = Verifier::builder(KeySet::of([])?)
/// #     .policy(Policy::new("https://auth.example", "orders-api")).without_revocation().build();
///
/// let gate = Gate::new(verifier)
///     .token_in(TokenPlace::header_or_cookie("__Host-session")?)
///     .answers(Answers::new().realm("orders")?);
/// let checked: Option<Verified<Claims>> = gate.check(&HeaderMap::new())?;
/// assert!(checked.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Gate(Arc<Setup>);

#[derive(Clone)]
struct Setup {
    source: Source,
    place: TokenPlace,
    dpop: Option<Dpop>,
    answers: Answers,
    protocol: Protocol,
    revision: Option<Arc<Revision>>,
}

#[derive(Clone)]
enum Source {
    /// These judge each request.
    Verifiers(Verifiers),
    /// A layer in front has judged it.
    Layer,
}

/// The application's last word on an answer.
type Revision = dyn Fn(&Refusal, &Parts, Response<String>) -> Response<String> + Send + Sync;

/// The claims of a request with a token, and word of its proof if it had one.
pub(super) type Checked<C> = (Option<Verified<Claims<C>>>, Option<JudgedProof>);

/// What of a request is looked at.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "a proof is judged by all of it")]
pub(super) struct Asked<'r> {
    pub(super) method: &'r Method,
    pub(super) uri: &'r Uri,
    pub(super) headers: &'r HeaderMap,
    pub(super) extensions: &'r Extensions,
}

/// How refusals are put to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// Status codes and problem documents. A gRPC client finds its own status in the
    /// headers beside that of HTTP, and no document, which it could not read.
    Http,
    /// The same, but to gRPC clients the status of HTTP is 200, as their protocol has it.
    ///
    /// Do not choose this where a proxy asks by HTTP whether a request may pass: what
    /// a request looks like, the client decides.
    Grpc,
}

impl Gate {
    /// A gate for tokens that a [`Verifier`], or one of several
    /// [`Verifiers`], accepts.
    #[must_use]
    pub fn new(verifiers: impl Into<Verifiers>) -> Self {
        Self::with(Source::Verifiers(verifiers.into()))
    }

    /// A gate for handlers behind a layer, which has verified the request and left
    /// the claims; without one the extractors answer 500.
    #[must_use]
    pub fn behind_layer() -> Self {
        Self::with(Source::Layer)
    }

    fn with(source: Source) -> Self {
        Self(Arc::new(Setup {
            source,
            place: TokenPlace::header(),
            dpop: None,
            answers: Answers::new(),
            protocol: Protocol::Http,
            revision: None,
        }))
    }

    /// Looks for tokens here, in place of the `Authorization` header.
    #[must_use]
    pub fn token_in(mut self, place: TokenPlace) -> Self {
        Arc::make_mut(&mut self.0).place = place;
        self
    }

    #[allow(dead_code, reason = "called where proofs are judged")]
    pub(super) fn with_dpop(mut self, dpop: Dpop) -> Self {
        Arc::make_mut(&mut self.0).dpop = Some(dpop);
        self
    }

    /// Answers so, in place of answers without a realm.
    #[must_use]
    pub fn answers(mut self, answers: Answers) -> Self {
        Arc::make_mut(&mut self.0).answers = answers;
        self
    }

    /// Speaks this protocol, in place of [`Protocol::Http`].
    #[must_use]
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        Arc::make_mut(&mut self.0).protocol = protocol;
        self
    }

    /// Gives the application the last word on what is answered: the refusal, the
    /// request without its body, and the answer as it would be sent. Return another
    /// body, a redirect to the login page, or the answer as it is.
    ///
    /// The refusal is for decisions and for the log. What it says of a bad token
    /// must not reach the client.
    ///
    /// ```
    /// use http::{StatusCode, header::LOCATION};
    /// use tokenwright::http::{Gate, RefusalKind};
    /// # use tokenwright::{KeySet, Policy, Verifier};
    /// # let verifier = Verifier::builder(KeySet::of([])?)
    /// #     .policy(Policy::new("https://auth.example", "orders-api")).without_revocation().build();
    ///
    /// let gate = Gate::new(verifier).revise(|refusal, _request, mut answer| {
    ///     eprintln!("refused: {}", refusal.code());
    ///     if *refusal.kind() == RefusalKind::NoToken {
    ///         *answer.status_mut() = StatusCode::SEE_OTHER;
    ///         answer.headers_mut().insert(LOCATION, "/login".parse().unwrap());
    ///     }
    ///     answer
    /// });
    /// # let _ = gate;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn revise(
        mut self,
        revision: impl Fn(&Refusal, &Parts, Response<String>) -> Response<String>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Arc::make_mut(&mut self.0).revision = Some(Arc::new(revision));
        self
    }

    /// Finds and verifies the token of a request; `None` when it presents none.
    ///
    /// # Errors
    /// [`Refusal`] for headers that do not give one token, for a token that is not
    /// valid here and now, and always from a gate [`behind_layer`](Self::behind_layer).
    pub fn check<C: DeserializeOwned>(
        &self,
        headers: &HeaderMap,
    ) -> Result<Option<Verified<Claims<C>>>, Refusal> {
        let Source::Verifiers(verifiers) = &self.0.source else {
            return Err(RefusalKind::NotVerified.into());
        };
        if self.0.dpop.is_some() {
            return Err(RefusalKind::RequestNeeded.into());
        }
        self.without_proof(verifiers, headers)
    }

    /// As [`check`](Self::check), with all that a proof of possession is judged by. A
    /// proof counts once for each request: what remembers that is left in its extensions.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn check_request<C: DeserializeOwned, B>(
        &self,
        request: &mut Request<B>,
    ) -> Result<Option<Verified<Claims<C>>>, Refusal> {
        let asked = Asked {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
            extensions: request.extensions(),
        };
        let (verified, judged) = self.check_asked(asked)?;
        remember(judged, request.extensions_mut());
        Ok(verified)
    }

    /// The same, for what an extractor is given.
    #[allow(dead_code, reason = "called by the extractors")]
    pub(super) fn check_parts<C: DeserializeOwned>(
        &self,
        request: &mut Parts,
    ) -> Result<Option<Verified<Claims<C>>>, Refusal> {
        let asked = Asked {
            method: &request.method,
            uri: &request.uri,
            headers: &request.headers,
            extensions: &request.extensions,
        };
        let (verified, judged) = self.check_asked(asked)?;
        remember(judged, &mut request.extensions);
        Ok(verified)
    }

    fn check_asked<C: DeserializeOwned>(&self, asked: Asked<'_>) -> Result<Checked<C>, Refusal> {
        let Source::Verifiers(verifiers) = &self.0.source else {
            return Err(RefusalKind::NotVerified.into());
        };
        match &self.0.dpop {
            Some(dpop) => dpop.check(verifiers, &self.0.place, asked),
            None => Ok((self.without_proof(verifiers, asked.headers)?, None)),
        }
    }

    fn without_proof<C: DeserializeOwned>(
        &self,
        verifiers: &Verifiers,
        headers: &HeaderMap,
    ) -> Result<Option<Verified<Claims<C>>>, Refusal> {
        match self.0.place.find(headers)? {
            Some(token) => Ok(Some(verifiers.verify_as::<C>(token)?)),
            None => Ok(None),
        }
    }

    /// The header that gives the sender of a request that was let through the nonce for
    /// its next proof.
    #[allow(dead_code, reason = "called by the layer")]
    pub(super) fn next_nonce(&self, extensions: &Extensions) -> Option<HeaderValue> {
        self.0.dpop.as_ref()?.next_nonce(extensions)
    }

    /// What a refused request is answered with. The refusal itself is among the
    /// extensions of the response, where a layer that logs can find it.
    #[must_use]
    pub fn answer(&self, refusal: Refusal, request: &Parts) -> Response<String> {
        let setup = &self.0;
        let mut response = match grpc_content_type(request) {
            Some(content_type) => {
                let mut response = setup.answers.to_grpc(&refusal);
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, content_type.clone());
                if setup.protocol == Protocol::Http {
                    *response.status_mut() = refusal.status();
                }
                response
            }
            None => setup.answers.to(&refusal),
        };
        if let Some(dpop) = &setup.dpop {
            dpop.challenge(&setup.answers, &refusal, request, response.headers_mut());
        }
        if let Some(revision) = &setup.revision {
            response = revision(&refusal, request, response);
        }
        response.extensions_mut().insert(refusal);
        response
    }

    /// Marks the headers that may hold a token as sensitive: they are left out where
    /// a request is printed, and not kept for reuse by HTTP/2.
    pub fn conceal(&self, headers: &mut HeaderMap) {
        let dpop = self.0.dpop.as_ref();
        let proof = dpop.and_then(Dpop::proof_header);
        // Whatever the place is, a token with a proof comes in this one.
        let bound = dpop.map(|_| AUTHORIZATION);
        for name in self.0.place.names().chain(proof).chain(bound) {
            // An entry of a header that is not there would make room for it.
            if headers.contains_key(&name)
                && let Entry::Occupied(mut values) = headers.entry(name)
            {
                values
                    .iter_mut()
                    .for_each(|value| value.set_sensitive(true));
            }
        }
    }
}

/// Leaves word in a request that its proof was judged.
fn remember(judged: Option<JudgedProof>, extensions: &mut Extensions) {
    if let Some(judged) = judged {
        extensions.insert(judged);
    }
}

/// The content type of a gRPC request: those are always posted.
fn grpc_content_type(request: &Parts) -> Option<&::http::HeaderValue> {
    let content_type = request.headers.get(CONTENT_TYPE)?;
    let rest = content_type.as_bytes().strip_prefix(b"application/grpc")?;
    let is_grpc = matches!(rest.first(), None | Some(b'+' | b'-' | b';'));
    (is_grpc && request.method == Method::POST).then_some(content_type)
}

impl From<Verifier> for Gate {
    fn from(verifier: Verifier) -> Self {
        Self::new(verifier)
    }
}

impl From<Verifiers> for Gate {
    fn from(verifiers: Verifiers) -> Self {
        Self::new(verifiers)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Gate");
        if let Source::Verifiers(verifiers) = &self.0.source {
            shown.field("verifiers", verifiers);
        }
        shown
            .field("place", &self.0.place)
            .field("dpop", &self.0.dpop)
            .field("answers", &self.0.answers)
            .field("protocol", &self.0.protocol)
            .finish_non_exhaustive()
    }
}
