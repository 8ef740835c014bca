//! DPoP in front of applications: the proof beside the token, and what clients are told.

use std::fmt;
use std::sync::Arc;

use ::http::header::{HeaderName, HeaderValue, WWW_AUTHENTICATE};
use ::http::request::Parts;
use ::http::{Extensions, HeaderMap};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::answer::Answers;
use super::credentials::{self, CredentialsError, CredentialsErrorKind, TokenPlace};
use super::gate::{Asked, Checked, Gate};
use super::refusal::Refusal;
use super::setup::{SetupError, SetupErrorKind};
use crate::dpop::{Base, Proofs};
use crate::time::{Clock, SystemClock};
use crate::verify::{Presented, Verifiers};

/// The header with the proof (RFC 9449 section 4.1).
const PROOF: HeaderName = HeaderName::from_static("dpop");

/// The header with the next nonce (section 8).
const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// Tokens that must come with a proof of possession: `Authorization: DPoP TOKEN` and
/// `DPoP: PROOF` (RFC 9449 section 7.1). For [`Gate::dpop`](super::Gate::dpop).
///
/// ```
/// use tokenwright::http::{Dpop, Gate};
/// use tokenwright::{Clock as _, SystemClock, dpop::Proofs};
/// # use tokenwright::{KeySet, Policy, Verifier};
/// # let verifier = Verifier::builder(KeySet::of([])?)
/// #     .policy(Policy::new("https://auth.example", "orders-api")).without_revocation().build();
///
/// let proofs = Proofs::builder(100_000, SystemClock.now()).build()?;
/// let gate = Gate::new(verifier).dpop(Dpop::at("https://api.example", proofs)?);
/// # let _ = gate;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Dpop {
    base: Base,
    proofs: Proofs,
    bearer: Bearer,
    clock: Arc<dyn Clock>,
    /// `algs="…"`, as it stands in a challenge.
    algorithms: String,
}

/// What a token that comes without a proof is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bearer {
    /// No token.
    Unseen,
    /// One that may be good if it is bound to no key.
    Judged,
}

/// Left in a request when its proof was judged, so that several extractors of one
/// handler do not take it for a replay. Nobody outside can make one.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct JudgedProof([u8; 32]);

impl Dpop {
    /// At a server that clients know under this address: scheme, host, and what a proxy
    /// or an outer router takes off the front of paths, such as
    /// `https://api.example/v1`. Headers say nothing about it: they are the client's.
    ///
    /// Tokens without a proof are not looked at.
    ///
    /// # Errors
    /// [`SetupErrorKind::BadAddress`].
    pub fn at(address: &str, proofs: Proofs) -> Result<Self, SetupError> {
        let base = Base::parse(address)
            .ok_or_else(|| SetupError::new(SetupErrorKind::BadAddress, address))?;
        let names: Vec<&str> = proofs.algorithms().iter().map(|each| each.name()).collect();
        Ok(Self {
            base,
            algorithms: format!("algs=\"{}\"", names.join(" ")),
            proofs,
            bearer: Bearer::Unseen,
            clock: Arc::new(SystemClock),
        })
    }

    /// Takes tokens without a proof too, where the gate looks for them, if they are
    /// bound to no key: for a time in which not every client has proofs.
    #[must_use]
    pub fn or_bearer(mut self) -> Self {
        self.bearer = Bearer::Judged;
        self
    }

    /// Takes the time of the nonces it gives from this clock in place of the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Finds the token and its proof, and verifies both.
    pub(super) fn check<C: DeserializeOwned>(
        &self,
        verifiers: &Verifiers,
        place: &TokenPlace,
        asked: Asked<'_>,
    ) -> Result<Checked<C>, Refusal> {
        let elsewhere = match self.bearer {
            Bearer::Unseen => None,
            Bearer::Judged => place.find(asked.headers)?,
        };
        let token = match (credentials::dpop_token(asked.headers)?, elsewhere) {
            (Some(_), Some(_)) => {
                return Err(CredentialsError::from(CredentialsErrorKind::SeveralPlaces).into());
            }
            (Some(token), None) => token,
            (None, Some(token)) => return Ok((Some(verifiers.verify_as::<C>(token)?), None)),
            (None, None) => return Ok((None, None)),
        };
        let proof = credentials::one_proof(asked.headers, &PROOF)?;
        let address = self.base.with_path(asked.uri.path());
        let mut presented = self
            .proofs
            .presented(proof, asked.method.as_str(), &address);
        let mark = JudgedProof::of(proof);
        if asked.extensions.get::<JudgedProof>() == Some(&mark) {
            presented = presented.in_same_request();
        }
        let verified = verifiers.verify_as::<C>(Presented::new(token).with_proof(&presented))?;
        Ok((Some(verified), Some(mark)))
    }

    /// Puts what clients of this gate must know into an answer that has a challenge: the
    /// schemes, with the error at the one that was used, and a nonce.
    pub(super) fn challenge(
        &self,
        answers: &Answers,
        refusal: &Refusal,
        request: &Parts,
        headers: &mut HeaderMap,
    ) {
        if headers.remove(WWW_AUTHENTICATE).is_none() {
            return;
        }
        let proves = credentials::uses_dpop(&request.headers);
        if self.bearer == Bearer::Judged {
            let told = (!proves).then_some(refusal);
            headers.append(WWW_AUTHENTICATE, answers.challenge_of("Bearer", told, ""));
        }
        let told = (proves || self.bearer == Bearer::Unseen).then_some(refusal);
        let challenge = answers.challenge_of("DPoP", told, &self.algorithms);
        headers.append(WWW_AUTHENTICATE, challenge);
        self.give_nonce(headers);
    }

    /// The nonce for the client's next proof, when this request came with one
    /// (RFC 9449 section 8.2).
    pub(super) fn next_nonce(&self, extensions: &Extensions) -> Option<HeaderValue> {
        extensions.get::<JudgedProof>()?;
        self.nonce()
    }

    fn give_nonce(&self, headers: &mut HeaderMap) {
        if let Some(nonce) = self.nonce() {
            headers.insert(NONCE, nonce);
        }
    }

    fn nonce(&self) -> Option<HeaderValue> {
        HeaderValue::try_from(self.proofs.nonce(self.clock.now())?).ok()
    }

    /// The header that holds proofs.
    pub(super) fn proof_header(&self) -> Option<HeaderName> {
        Some(PROOF)
    }

    /// The header that gives nonces.
    pub(super) fn nonce_header() -> HeaderName {
        NONCE
    }
}

impl Gate {
    /// Asks for a proof of possession beside each token, and looks for tokens under the
    /// scheme `DPoP` of the `Authorization` header.
    ///
    /// Without it a gate knows no proofs, and so refuses every token that is bound to a key.
    #[must_use]
    pub fn dpop(self, dpop: Dpop) -> Self {
        self.with_dpop(dpop)
    }
}

impl JudgedProof {
    fn of(proof: &str) -> Self {
        Self(Sha256::digest(proof.as_bytes()).into())
    }
}

impl fmt::Debug for Dpop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dpop")
            .field("base", &self.base)
            .field("proofs", &self.proofs)
            .field("bearer", &self.bearer)
            .finish_non_exhaustive()
    }
}
