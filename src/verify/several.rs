//! Several issuers in one place, each with its own keys and its own policy.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use serde::de::DeserializeOwned;

use super::{
    Job, Presented, Verified, Verifier, VerifyError, VerifyErrorKind, decoded, owned, select,
    unknown_key,
};
use crate::encoding::json::Text;
use crate::error::ErrorClass;
use crate::key::KeyId;
use crate::keyring::{Reach, replacements};
use crate::limits::MAX_CANDIDATE_ISSUERS;
use crate::time::Clock as _;
use crate::token::{Claims, ClaimsRef, CustomMember, Malformation, Scratch, UntrustedToken};

/// Verifies tokens of several issuers. Cheap to clone.
///
/// A token's key id leads to the issuers that have a key of that name, and each of
/// them judges it by its own policy alone: what one issuer signs in the name of
/// another is refused, whatever ids, audiences or keys it copies. Where several
/// issuers use one id, or the token names none, they are tried in the order they
/// were given, at most [`MAX_CANDIDATE_ISSUERS`] of them.
///
/// ```
/// use tokenwright::key::{Algorithm, SigningKey};
/// use tokenwright::{Claims, KeySet, Minter, Policy, Verifier, Verifiers};
///
/// let of_issuer = |name: &str, key: &SigningKey| {
///     let keys = KeySet::of([key.verifying_key()])?;
///     let policy = Policy::new(name, "orders-api");
///     Ok::<_, tokenwright::key::KeyError>(Verifier::builder(keys).policy(policy).without_revocation().build())
/// };
/// let ours = SigningKey::generate(Algorithm::EdDsa)?;
/// let theirs = SigningKey::generate(Algorithm::EdDsa)?;
/// let verifiers = Verifiers::of([
///     of_issuer("https://ours.example", &ours)?,
///     of_issuer("https://partner.example", &theirs)?,
/// ])?;
///
/// let minter = Minter::builder(theirs, "https://partner.example").audience("orders-api").build()?;
/// let verified = verifiers.verify(&minter.mint(&Claims::for_subject("bob"))?)?;
/// assert_eq!(verified.issuer(), Some("https://partner.example"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Verifiers(Arc<Several>);

struct Several {
    verifiers: Vec<Verifier>,
    /// The greatest limit of any of them; each holds its tokens to its own.
    max_token_bytes: usize,
    index: ArcSwap<Index>,
}

/// Which verifiers a key id can mean, as long as no keys have been swapped.
struct Index {
    replacements: u64,
    by_id: HashMap<KeyId, Vec<usize>>,
    /// Those whose only key answers to every id.
    any_id: Vec<usize>,
    /// Those that take a token without an id.
    no_id: Vec<usize>,
}

impl Verifiers {
    /// These verifiers, each for the issuers that its policy names.
    ///
    /// # Errors
    /// [`VerifiersErrorKind::NoVerifier`] when there is none, and
    /// [`VerifiersErrorKind::AnyIssuer`] when a policy names no issuer: its keys
    /// could then speak for all others.
    pub fn of(verifiers: impl IntoIterator<Item = Verifier>) -> Result<Self, VerifiersError> {
        let verifiers: Vec<Verifier> = verifiers.into_iter().collect();
        if verifiers.is_empty() {
            return Err(VerifiersErrorKind::NoVerifier.into());
        }
        if verifiers.iter().any(|each| each.policy.issuers().is_none()) {
            return Err(VerifiersErrorKind::AnyIssuer.into());
        }
        Ok(Self::unchecked(verifiers))
    }

    fn unchecked(verifiers: Vec<Verifier>) -> Self {
        let limits = verifiers.iter().map(|verifier| verifier.max_token_bytes);
        Self(Arc::new(Several {
            max_token_bytes: limits.max().unwrap_or_default(),
            index: ArcSwap::from_pointee(Index::of(&verifiers)),
            verifiers,
        }))
    }

    /// As [`Verifier::verify`].
    ///
    /// # Errors
    /// [`VerifyError`]: of the issuer that the token is most likely from, which
    /// [`VerifyError::issuer`] names.
    pub fn verify<'t>(
        &self,
        presented: impl Into<Presented<'t>>,
    ) -> Result<Verified<Claims>, VerifyError> {
        let mut scratch = Scratch::new();
        let job = presented.into().in_scratch(&mut scratch);
        owned(self.run(job, &mut |_| {})?)
    }

    /// As [`Verifier::verify_as`].
    ///
    /// # Errors
    /// As [`verify`](Self::verify), and [`VerifyErrorKind::BadClaims`] when the
    /// custom claims are not a `C`.
    pub fn verify_as<'t, C: DeserializeOwned>(
        &self,
        presented: impl Into<Presented<'t>>,
    ) -> Result<Verified<Claims<C>>, VerifyError> {
        let mut scratch = Scratch::new();
        let mut members = Vec::new();
        let job = presented.into().in_scratch(&mut scratch);
        let verified = self.run(job, &mut |member| members.push(member))?;
        decoded(verified, &members)
    }

    /// As [`Verifier::verify_borrowed`].
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

    fn run<'t>(
        &self,
        job: Job<'t>,
        custom: &mut dyn FnMut(CustomMember<'t>),
    ) -> Result<Verified<ClaimsRef<'t>>, VerifyError> {
        let token = UntrustedToken::parse_within(job.token, self.0.max_token_bytes, job.scratch)?;
        let presented = Presented {
            token: job.token,
            terms: job.terms,
        };
        let verifier = self.choose(&token, presented)?;
        let view = verifier.keys.view();
        verifier
            .bound(&view, (token, job.terms))
            .and_then(|bound| verifier.finish(&view, bound, None, custom))
            .map_err(|error| self.unless_unavailable(self.attributed(error, verifier), presented))
    }

    /// The one verifier that can accept the token: by its key id, and by trying where
    /// that leaves several.
    fn choose(
        &self,
        token: &UntrustedToken<'_>,
        presented: Presented<'_>,
    ) -> Result<&Verifier, VerifyError> {
        if let [only] = self.0.verifiers.as_slice() {
            return Ok(only);
        }
        let index = self.index();
        let mut candidates = index
            .candidates(token.key_id())
            .filter_map(|position| self.0.verifiers.get(position));
        match (candidates.next(), candidates.next()) {
            (None, _) => {
                let unavailable = self.unavailable(token, presented);
                Err(unavailable.unwrap_or_else(|| unknown_key(token).into()))
            }
            (Some(only), None) => {
                within(only.max_token_bytes, presented)?;
                Ok(only)
            }
            (Some(first), Some(second)) => {
                let rest = [first, second].into_iter().chain(candidates);
                self.first_accepting(rest, presented)
                    .map_err(|error| self.unless_unavailable(error, presented))
            }
        }
    }

    /// The first of several candidates that accepts the token, or the error that says most.
    fn first_accepting<'v>(
        &self,
        candidates: impl Iterator<Item = &'v Verifier>,
        presented: Presented<'_>,
    ) -> Result<&'v Verifier, VerifyError> {
        let mut best: Option<VerifyError> = None;
        for verifier in candidates {
            let mut scratch = Scratch::new();
            // A proof counts once: it is asked for when the verifier is found.
            let trial = presented.of_any_holder();
            let Err(error) = verifier.verify_borrowed(trial, &mut scratch) else {
                return Ok(verifier);
            };
            if best
                .as_ref()
                .is_none_or(|best| weight(&error) > weight(best))
            {
                best = Some(self.attributed(error, verifier));
            }
        }
        Err(best.unwrap_or_else(|| VerifyErrorKind::UnknownKey { key_id: None }.into()))
    }

    /// The error, unless the token may be of another issuer, whose keys cannot be known:
    /// an id that was found here may have been copied from there.
    fn unless_unavailable(&self, error: VerifyError, presented: Presented<'_>) -> VerifyError {
        if self.0.verifiers.len() == 1 || weight(&error) >= KNOWN_ISSUER {
            return error;
        }
        let mut scratch = Scratch::new();
        let limit = self.0.max_token_bytes;
        let unavailable = UntrustedToken::parse_within(presented.token, limit, &mut scratch)
            .ok()
            .and_then(|token| self.unavailable(&token, presented));
        unavailable.unwrap_or(error)
    }

    /// Asks every issuer for the token's key, so that the keepers of all keys learn of
    /// one that is missing; the error of the first whose keys cannot be known.
    fn unavailable(
        &self,
        token: &UntrustedToken<'_>,
        presented: Presented<'_>,
    ) -> Option<VerifyError> {
        let mut first = None;
        for verifier in &self.0.verifiers {
            let view = verifier.keys.view();
            let now = view.clock(presented.terms.now.unwrap_or_else(|| verifier.clock.now()));
            match select(&verifier.keys, &view, token, now) {
                Err(kind) if kind.class() == ErrorClass::CannotKnow && first.is_none() => {
                    first = Some(self.attributed(kind.into(), verifier));
                }
                Ok(_) | Err(_) => {}
            }
        }
        first
    }

    fn attributed(&self, error: VerifyError, verifier: &Verifier) -> VerifyError {
        let issuer = verifier.policy.issuers().and_then(<[String]>::first);
        match issuer {
            Some(issuer) if self.0.verifiers.len() > 1 => error.judged_for(issuer),
            _ => error,
        }
    }

    /// The index, made anew when any keys have been swapped since.
    fn index(&self) -> Guard<Arc<Index>> {
        let index = self.0.index.load();
        if index.replacements == replacements() {
            return index;
        }
        let index = Arc::new(Index::of(&self.0.verifiers));
        self.0.index.store(Arc::clone(&index));
        Guard::from_inner(index)
    }
}

impl Index {
    fn of(verifiers: &[Verifier]) -> Self {
        // Read before the keys are: a swap in between makes the index old at once.
        let mut index = Self {
            replacements: replacements(),
            by_id: HashMap::new(),
            any_id: Vec::new(),
            no_id: Vec::new(),
        };
        for (position, verifier) in verifiers.iter().enumerate() {
            let view = verifier.keys.view();
            match view.keys().reach() {
                Reach::AnyIdOrNone => {
                    index.any_id.push(position);
                    index.no_id.push(position);
                    continue;
                }
                Reach::ItsIdOrNone => index.no_id.push(position),
                Reach::ItsIds => {}
            }
            for key in view.keys().keys() {
                index
                    .by_id
                    .entry(key.id().clone())
                    .or_default()
                    .push(position);
            }
        }
        index
    }

    fn named(&self, key_id: Option<Text<'_>>) -> Option<&Vec<usize>> {
        key_id.and_then(|id| match id.plain() {
            Some(id) => self.by_id.get(id),
            None => self.by_id.get(&*id.to_cow()),
        })
    }

    /// Positions of the verifiers that may have the key a token means.
    fn candidates(&self, key_id: Option<Text<'_>>) -> impl Iterator<Item = usize> {
        let named = self.named(key_id);
        let (named, others) = match key_id {
            Some(_) => (named.map(Vec::as_slice).unwrap_or_default(), &self.any_id),
            None => (&[][..], &self.no_id),
        };
        named
            .iter()
            .chain(others)
            .copied()
            .take(MAX_CANDIDATE_ISSUERS)
    }
}

fn within(limit: usize, presented: Presented<'_>) -> Result<(), Malformation> {
    let found = presented.token.len();
    if found > limit {
        return Err(Malformation::TooLong { limit, found });
    }
    Ok(())
}

/// Errors of this weight tell whose token it is.
const KNOWN_ISSUER: u8 = 3;

/// How much an error tells about whose token it is: that of the issuer who signed it
/// and whom it names most; next that nobody can tell; a wrong signature little.
fn weight(error: &VerifyError) -> u8 {
    use VerifyErrorKind as Kind;
    let of_kind = |kind: &Kind| match kind {
        Kind::Malformed(_)
        | Kind::UnsupportedExtension { .. }
        | Kind::UnknownKey { .. }
        | Kind::AlgorithmMismatch { .. }
        | Kind::TypeMismatch { .. } => 0,
        Kind::BadSignature => 1,
        Kind::IssuerMismatch { .. } => 2,
        Kind::KeysUnavailable { .. } => KNOWN_ISSUER,
        Kind::BadClaims { .. }
        | Kind::AudienceMismatch { .. }
        | Kind::MissingClaim { .. }
        | Kind::LifetimeTooLong { .. }
        | Kind::OutsideKeyPeriod
        | Kind::Refused { .. }
        | Kind::Expired { .. }
        | Kind::NotYetValid { .. }
        | Kind::TooOld { .. }
        | Kind::Unproven(_)
        | Kind::Revoked { .. }
        | Kind::RevocationUnknown { .. }
        | Kind::RevocationStale { .. } => 4,
    };
    error.reasons().map(of_kind).min().unwrap_or_default()
}

impl From<Verifier> for Verifiers {
    /// A single one, whatever issuers its policy accepts.
    fn from(verifier: Verifier) -> Self {
        Self::unchecked(vec![verifier])
    }
}

impl fmt::Debug for Verifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0.verifiers).finish()
    }
}

/// Why verifiers were not put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VerifiersErrorKind {
    /// There is none.
    NoVerifier,
    /// One of them accepts any issuer.
    AnyIssuer,
}

/// Verifiers that were not put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiersError(VerifiersErrorKind);

impl VerifiersError {
    /// What was wrong, for a program.
    #[must_use]
    pub fn kind(&self) -> VerifiersErrorKind {
        self.0
    }

    /// The stable name of the kind.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.0 {
            VerifiersErrorKind::NoVerifier => "no_verifier",
            VerifiersErrorKind::AnyIssuer => "any_issuer",
        }
    }

    /// Who must act: the operator.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        ErrorClass::Operator
    }
}

impl From<VerifiersErrorKind> for VerifiersError {
    fn from(kind: VerifiersErrorKind) -> Self {
        Self(kind)
    }
}

impl fmt::Display for VerifiersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            VerifiersErrorKind::NoVerifier => {
                "expected at least one verifier, found none: every token would be refused"
            }
            VerifiersErrorKind::AnyIssuer => {
                "expected policies that name their issuers, found one that accepts any: its keys could speak for all others"
            }
        })
    }
}

impl std::error::Error for VerifiersError {}
