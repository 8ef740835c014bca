//! The verifying flow: every step consumes the one before, and the last one alone
//! makes a [`Verified`].

mod batch;
mod builder;
mod cached;
mod error;
mod policy;
mod raw;
mod several;
mod verified;
mod words;

pub use builder::{NeedsPolicy, NeedsRevocation, VerifierBuilder};
pub use cached::CachingVerifier;
pub use error::{VerifyError, VerifyErrorKind};
pub use policy::{DEFAULT_LEEWAY, MAX_LEEWAY, Policy};
pub use raw::{RawPayload, RawVerifier};
pub use several::{Verifiers, VerifiersError, VerifiersErrorKind};
pub use verified::Verified;

pub(crate) use policy::dangerous;
pub(crate) use words::Span;

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::error::{At, excerpt};
use crate::key::{Algorithm, Format, Recomputed, Unbound, VerifyingKey};
use crate::keyring::{Entry, KeyView, LiveKeys};
use crate::revocation::{Gate, Stopped, TokenFacts};
use crate::time::{Clock, UnixTime};
use crate::token::{
    Claims, ClaimsError, ClaimsRef, CustomMember, OpenError, ProofErrorKind, ProofOfPossession,
    Scratch, TimeForm, UntrustedToken, deserialize_custom, read_claims,
};

/// A token as it was presented: its text, and what the presenter could not choose.
///
/// A plain `&str` turns into one by itself; name the rest only when it is needed.
///
/// ```
/// use tokenwright::{Presented, UnixTime};
/// let presented = Presented::new("v4.public.…")
///     .at(UnixTime::from_seconds(1_760_000_000))
///     .with_assertion(b"device-7");
/// # let _ = presented;
/// ```
#[derive(Clone, Copy)]
pub struct Presented<'t> {
    token: &'t str,
    terms: Terms<'t>,
}

impl<'t> Presented<'t> {
    /// A token presented now, without an assertion.
    #[must_use]
    pub fn new(token: &'t str) -> Self {
        Self {
            token,
            terms: Terms {
                assertion: b"",
                now: None,
                holder: Holder::Unproven,
            },
        }
    }

    /// Whether nothing but the text and the time decides: no assertion, no word on the holder.
    fn is_text_alone(&self) -> bool {
        self.terms.assertion.is_empty() && matches!(self.terms.holder, Holder::Unproven)
    }

    /// Its text. A credential: never log it.
    #[allow(dead_code, reason = "called where formats are told apart")]
    pub(crate) fn token(&self) -> &'t str {
        self.token
    }

    /// Judged at this instant, in place of the verifier's clock.
    #[must_use]
    pub fn at(mut self, now: UnixTime) -> Self {
        self.terms.now = Some(now);
        self
    }

    /// The implicit assertion that a PASETO was made with: bytes that both sides
    /// know and the token does not carry. A JWT has none and is refused with one.
    #[must_use]
    pub fn with_assertion(mut self, assertion: &'t [u8]) -> Self {
        self.terms.assertion = assertion;
        self
    }

    /// With a proof that the presenter holds the key the token is bound to. Without one
    /// a bound token is refused, and with one a token that is bound to no key.
    #[must_use]
    pub fn with_proof(mut self, proof: &'t dyn ProofOfPossession) -> Self {
        self.terms.holder = Holder::Proves(proof);
        self
    }

    /// Whoever presents it: for what a thief may do with a token as well.
    pub(crate) fn of_any_holder(mut self) -> Self {
        self.terms.holder = Holder::Any;
        self
    }
}

impl<'t> From<&'t str> for Presented<'t> {
    fn from(token: &'t str) -> Self {
        Self::new(token)
    }
}

impl<'t> From<&'t String> for Presented<'t> {
    fn from(token: &'t String) -> Self {
        Self::new(token)
    }
}

impl fmt::Debug for Presented<'_> {
    /// The token is a credential: only its length is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Presented({} bytes)", self.token.len())
    }
}

/// Verifies tokens: keys, a policy, and a decision about revocation.
///
/// It is built once and shared by all threads; verifying takes `&self`, holds no
/// lock and does no I/O.
///
/// ```
/// use tokenwright::key::{Algorithm, SigningKey};
/// use tokenwright::{Claims, KeySet, Minter, Policy, Verifier};
///
/// let key = SigningKey::generate(Algorithm::EdDsa)?;
/// let verifier = Verifier::builder(KeySet::of([key.verifying_key()])?)
///     .policy(Policy::new("https://auth.example", "orders-api"))
///     .without_revocation()
///     .build();
/// let minter = Minter::builder(key, "https://auth.example").audience("orders-api").build()?;
///
/// let token = minter.mint(&Claims::for_subject("alice"))?;
/// let verified = verifier.verify(&token)?;
/// assert_eq!(verified.subject(), Some("alice"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Verifier {
    keys: LiveKeys,
    policy: Policy,
    revocation: Option<Gate>,
    clock: Arc<dyn Clock>,
    max_token_bytes: usize,
}

impl Verifier {
    /// Verifies one token and copies its registered claims.
    ///
    /// # Errors
    /// [`VerifyError`] with every reason found; see [`VerifyErrorKind`].
    pub fn verify<'t>(
        &self,
        presented: impl Into<Presented<'t>>,
    ) -> Result<Verified<Claims>, VerifyError> {
        let mut scratch = Scratch::new();
        let verified = self.run(presented.into().in_scratch(&mut scratch), &mut |_| {})?;
        owned(verified)
    }

    /// Verifies one token and decodes the application's own claims into `C`.
    ///
    /// # Errors
    /// As [`verify`](Self::verify), and [`VerifyErrorKind::BadClaims`] when the
    /// custom claims are not a `C`.
    ///
    /// ```
    /// # use tokenwright::key::{Algorithm, SigningKey};
    /// # use tokenwright::{Claims, KeySet, Minter, Policy, Verifier};
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Shop { role: String }
    /// # let key = SigningKey::generate(Algorithm::EdDsa)?;
    /// # let verifier = Verifier::builder(KeySet::of([key.verifying_key()])?)
    /// #     .policy(Policy::new("https://auth.example", "orders-api")).without_revocation().build();
    /// # let minter = Minter::builder(key, "https://auth.example").audience("orders-api").build()?;
    /// let claims = Claims::for_subject("alice").with_custom(Shop { role: "admin".to_owned() });
    /// let token = minter.mint(&claims)?;
    /// let verified = verifier.verify_as::<Shop>(&token)?;
    /// assert_eq!(verified.custom().role, "admin");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn verify_as<'t, C: DeserializeOwned>(
        &self,
        presented: impl Into<Presented<'t>>,
    ) -> Result<Verified<Claims<C>>, VerifyError> {
        let mut scratch = Scratch::new();
        let mut members = Vec::new();
        let verified = self.run(presented.into().in_scratch(&mut scratch), &mut |member| {
            members.push(member)
        })?;
        decoded(verified, &members)
    }

    /// Verifies one token and lends its claims from `scratch`: nothing is copied,
    /// and nothing allocated once the scratch has grown.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn verify_borrowed<'t>(
        &self,
        presented: impl Into<Presented<'t>>,
        scratch: &'t mut Scratch,
    ) -> Result<Verified<ClaimsRef<'t>>, VerifyError> {
        self.run(presented.into().in_scratch(scratch), &mut |_| {})
    }

    /// The whole flow: parse, select, bind, open, decode, judge, revoke, confirm.
    fn run<'t>(
        &self,
        job: Job<'t>,
        custom: &mut dyn FnMut(CustomMember<'t>),
    ) -> Result<Verified<ClaimsRef<'t>>, VerifyError> {
        let view = self.keys.view();
        let text = job.token;
        let (token, terms) = self.parsed(&view, job)?;
        let new_header = token.has_new_header();
        let bound = self.bound(&view, (token, terms))?;
        let verified = self.finish(&view, bound, None, custom)?;
        if new_header {
            view.keys().known_headers().learn(text);
        }
        Ok(verified)
    }

    fn parsed<'t>(
        &self,
        view: &KeyView,
        job: Job<'t>,
    ) -> Result<(UntrustedToken<'t>, Terms<'t>), VerifyError> {
        let limit = self.max_token_bytes;
        let known = Some(view.keys().known_headers());
        let token = UntrustedToken::parse_knowing(job.token, limit, job.scratch, known)?;
        Ok((token, job.terms))
    }

    /// Finds the key and compares what the token claims with what it is.
    fn bound<'v, 't>(
        &self,
        view: &'v KeyView,
        (token, terms): (UntrustedToken<'t>, Terms<'t>),
    ) -> Result<Bound<'v, 't>, VerifyError> {
        let now = view.clock(terms.now.unwrap_or_else(|| self.clock.now()));
        let entry = select(&self.keys, view, &token, now)?;
        bind(&token, &entry.key)?;
        bind_type(&token, &self.policy)?;
        Ok(Bound {
            token,
            assertion: terms.assertion,
            holder: terms.holder,
            entry,
            now,
        })
    }

    /// Opens, decodes, judges, asks about revocation and about the holder. The signature is checked here,
    /// unless the key has given its `verdict` before.
    fn finish<'t>(
        &self,
        view: &KeyView,
        bound: Bound<'_, 't>,
        verdict: Option<bool>,
        custom: &mut dyn FnMut(CustomMember<'t>),
    ) -> Result<Verified<ClaimsRef<'t>>, VerifyError> {
        let Bound {
            token,
            assertion,
            holder,
            entry,
            now,
        } = bound;
        let names_key = token.key_id().is_some();
        let text = token.text();
        let opened = entry.key.open(token, assertion, verdict).map_err(|error| {
            // Without a key id the only key was tried, which may have been replaced.
            if !names_key {
                self.keys.missed(view, now);
            }
            not_opened(error)
        })?;
        let claims = read_claims(opened.payload, time_form(entry.key.algorithm()), custom)
            .map_err(bad_claims)?;
        let failures = self.policy.failures(&claims, entry.period.as_ref(), now);
        if let Some(error) = VerifyError::from_failures(failures) {
            return Err(error);
        }
        self.judge_revocation(&claims, entry.key.id().as_str(), now)?;
        holder.confirm(&claims, text, now)?;
        Ok(Verified::new(claims, &entry.key, opened.footer))
    }

    /// The last step but one: whether authentic, timely claims were withdrawn.
    fn judge_revocation(
        &self,
        claims: &ClaimsRef<'_>,
        key_id: &str,
        now: UnixTime,
    ) -> Result<(), VerifyErrorKind> {
        match &self.revocation {
            Some(gate) => gate
                .pass(&TokenFacts::of(claims, key_id), now)
                .map_err(stopped),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

/// A token whose key was found, and claims to be what that key signs.
struct Bound<'v, 't> {
    token: UntrustedToken<'t>,
    assertion: &'t [u8],
    holder: Holder<'t>,
    entry: &'v Entry,
    now: UnixTime,
}

impl Bound<'_, '_> {
    /// The point of the signature, of a key that can give it.
    fn recompute(&self) -> Option<Recomputed> {
        self.entry.key.recompute(&self.token, self.assertion)
    }
}

/// A presented token and the memory it is decoded into.
struct Job<'t> {
    token: &'t str,
    terms: Terms<'t>,
    scratch: &'t mut Scratch,
}

/// What a token is judged with, beside its text.
#[derive(Clone, Copy)]
struct Terms<'t> {
    assertion: &'t [u8],
    now: Option<UnixTime>,
    holder: Holder<'t>,
}

/// What is known of whoever presents a token.
#[derive(Clone, Copy)]
enum Holder<'t> {
    Unproven,
    Proves(&'t dyn ProofOfPossession),
    Any,
}

impl Holder<'_> {
    /// Refuses a bound token without a proof (RFC 9449 section 7.2), and a proof beside
    /// a token that is not bound (section 7.1): the one would make the binding useless,
    /// the other lets anybody's proof go with a stolen token.
    fn confirm(
        self,
        claims: &ClaimsRef<'_>,
        token: &str,
        now: UnixTime,
    ) -> Result<(), VerifyErrorKind> {
        let outcome = match (claims.bound_key(), self) {
            (_, Self::Any) | (None, Self::Unproven) => Ok(()),
            (Some(key), Self::Proves(proof)) => proof.confirm(&key, token, now),
            (Some(_), Self::Unproven) => Err(ProofErrorKind::Missing.into()),
            (None, Self::Proves(_)) => Err(ProofErrorKind::NotBound.into()),
        };
        outcome.map_err(VerifyErrorKind::from)
    }
}

impl<'t> Presented<'t> {
    fn in_scratch<'s>(self, scratch: &'s mut Scratch) -> Job<'s>
    where
        't: 's,
    {
        Job {
            token: self.token,
            terms: self.terms,
            scratch,
        }
    }
}

/// Claims that outlive the scratch, without those of the application.
fn owned(verified: Verified<ClaimsRef<'_>>) -> Result<Verified<Claims>, VerifyError> {
    verified.try_map(|claims| Ok(Claims::from_borrowed(&claims, ())))
}

/// Claims that outlive the scratch, with the application's own as a `C`.
fn decoded<C: DeserializeOwned>(
    verified: Verified<ClaimsRef<'_>>,
    members: &[CustomMember<'_>],
) -> Result<Verified<Claims<C>>, VerifyError> {
    verified.try_map(|claims| {
        let custom = deserialize_custom(members).map_err(|error| VerifyErrorKind::BadClaims {
            reason: excerpt(&error.to_string()),
        })?;
        Ok(Claims::from_borrowed(&claims, custom))
    })
}

/// Finds the key, unless the view of the keys is too old to tell. Their keeper hears
/// of a key that is not there; nobody waits for it to look.
fn select<'v>(
    keys: &LiveKeys,
    view: &'v KeyView,
    token: &UntrustedToken<'_>,
    now: UnixTime,
) -> Result<&'v Entry, VerifyErrorKind> {
    if let Some(since) = view.stale_since(now) {
        return Err(VerifyErrorKind::KeysUnavailable { since });
    }
    let found = view.keys().select(token.key_id(), now);
    found.ok_or_else(|| {
        keys.missed(view, now);
        match view.incomplete_since(now) {
            Some(since) => VerifyErrorKind::KeysUnavailable { since },
            None => unknown_key(token),
        }
    })
}

/// Compares what the token claims with what the key is, before any cryptography.
fn bind(token: &UntrustedToken<'_>, key: &VerifyingKey) -> Result<(), VerifyErrorKind> {
    key.bind(token).map_err(|unbound| match unbound {
        Unbound::Algorithm { expected } => VerifyErrorKind::AlgorithmMismatch { expected },
        Unbound::Extension { member } => VerifyErrorKind::UnsupportedExtension { member },
    })
}

fn bind_type(token: &UntrustedToken<'_>, policy: &Policy) -> Result<(), VerifyErrorKind> {
    let found = token.token_type().map(|text| text.to_cow());
    policy.type_mismatch(found.as_deref()).map_or(Ok(()), Err)
}

fn time_form(algorithm: Algorithm) -> TimeForm {
    match algorithm.format() {
        Format::Jwt => TimeForm::NumericDate,
        Format::Paseto => TimeForm::Rfc3339,
    }
}

fn unknown_key(token: &UntrustedToken<'_>) -> VerifyErrorKind {
    VerifyErrorKind::UnknownKey {
        key_id: token.untrusted_key_id().as_deref().map(excerpt),
    }
}

fn not_opened(error: OpenError) -> VerifyErrorKind {
    match error {
        OpenError::Signature => VerifyErrorKind::BadSignature,
        OpenError::Payload(malformation) => VerifyErrorKind::Malformed(malformation),
    }
}

fn bad_claims(error: ClaimsError) -> VerifyErrorKind {
    let reason = match error {
        ClaimsError::Json(error) => error.to_string(),
        ClaimsError::Type { name, expected } => format!("{name} must be {expected}"),
    };
    VerifyErrorKind::BadClaims { reason }
}

pub(crate) fn stopped(stopped: Stopped) -> VerifyErrorKind {
    match stopped {
        Stopped::Revoked { by, since, .. } => VerifyErrorKind::Revoked { by, since },
        Stopped::Unidentified { claim } => VerifyErrorKind::MissingClaim {
            name: claim.to_owned(),
        },
        Stopped::Unknown { reason } => VerifyErrorKind::RevocationUnknown { reason },
        Stopped::FromTheFuture { as_of } => VerifyErrorKind::RevocationUnknown {
            reason: format!("it is dated {}, which is still ahead", At(as_of)),
        },
        Stopped::Stale { age, limit } => VerifyErrorKind::RevocationStale { age, limit },
    }
}
