//! What a verifier expects of authentic claims.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::error::VerifyErrorKind;
use crate::error::excerpt;
use crate::keyring::KeyPeriod;
use crate::time::UnixTime;
use crate::token::{ClaimName, Claims, ClaimsRef, same_media_type};

pub use crate::limits::{DEFAULT_LEEWAY, MAX_LEEWAY};

/// What claims must say to be accepted here.
///
/// Issuer and audience are asked for at once, since a verifier that forgets
/// them accepts tokens made for someone else (RFC 8725 sections 3.8 and 3.9).
/// Everything else has a default that is stated at the method that changes it.
///
/// ```
/// use std::time::Duration;
/// use tokenwright::Policy;
///
/// let policy = Policy::new("https://auth.example", "orders-api")
///     .leeway(Duration::from_secs(5))
///     .max_age(Duration::from_secs(3600))
///     .require("sub")
///     .require("jti");
/// ```
#[derive(Clone)]
pub struct Policy {
    issuers: Expected,
    audiences: Expected,
    token_type: ExpectedType,
    leeway: Duration,
    max_age: Option<Duration>,
    max_lifetime: Option<Duration>,
    required: Vec<ClaimName>,
    checks: Vec<Arc<Check>>,
    expiry: Expiry,
}

/// A check of the application: it sees the claims and may only refuse.
type Check = dyn Fn(&ClaimsRef<'_>) -> Result<(), String> + Send + Sync;

#[derive(Clone)]
enum Expected {
    /// One of these. None at all means the claim must be absent.
    OneOf(Vec<String>),
    Anything,
}

#[derive(Clone)]
enum ExpectedType {
    /// `JWT`, or no type: what general tokens carry (RFC 7519 section 5.1).
    General,
    Exactly(String),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expiry {
    Required,
    Optional,
}

impl Policy {
    /// Tokens of one issuer, meant for one audience.
    #[must_use]
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self::build(
            Expected::OneOf(vec![issuer.into()]),
            Expected::OneOf(vec![audience.into()]),
        )
    }

    /// Tokens of one issuer that name no audience. A token that names one is
    /// meant for someone else, and refused.
    #[must_use]
    pub fn without_audience(issuer: impl Into<String>) -> Self {
        Self::build(
            Expected::OneOf(vec![issuer.into()]),
            Expected::OneOf(Vec::new()),
        )
    }

    fn build(issuers: Expected, audiences: Expected) -> Self {
        Self {
            issuers,
            audiences,
            token_type: ExpectedType::General,
            leeway: DEFAULT_LEEWAY,
            max_age: None,
            max_lifetime: None,
            required: Vec::new(),
            checks: Vec::new(),
            expiry: Expiry::Required,
        }
    }

    /// Accepts one more audience: the token must name at least one of them.
    #[must_use]
    pub fn or_audience(mut self, audience: impl Into<String>) -> Self {
        if let Expected::OneOf(audiences) = &mut self.audiences {
            audiences.push(audience.into());
        }
        self
    }

    /// Sets the clock difference forgiven on `exp`, `nbf` and `iat`; without it
    /// [`DEFAULT_LEEWAY`]. More than [`MAX_LEEWAY`] is cut to that.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway.min(MAX_LEEWAY);
        self
    }

    /// Refuses tokens issued longer ago than this, and tokens without `iat`;
    /// without it age does not matter.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Refuses tokens valid for longer than this from `iat` to `exp`, and tokens
    /// without either; without it lifetime does not matter.
    #[must_use]
    pub fn max_lifetime(mut self, lifetime: Duration) -> Self {
        self.max_lifetime = Some(lifetime);
        self
    }

    /// Expects exactly this header `typ`, compared as media types are: without
    /// regard to case, and with or without `application/` (RFC 7515 section 4.1.9).
    /// Without it, `JWT` or none is expected. A PASETO carries no type, so a
    /// policy that expects one refuses it.
    #[must_use]
    pub fn typ(mut self, token_type: impl Into<String>) -> Self {
        self.token_type = ExpectedType::Exactly(token_type.into());
        self
    }

    /// Requires a claim to be present; `exp` always is, unless waived aloud.
    #[must_use]
    pub fn require(mut self, claim: impl Into<ClaimName>) -> Self {
        self.required.push(claim.into());
        self
    }

    /// Adds a check of the application's own. It runs after all others have
    /// passed, sees the claims, and can refuse with a reason; it cannot accept.
    ///
    /// ```
    /// use tokenwright::Policy;
    /// let policy = Policy::new("https://auth.example", "orders-api").check(|claims| {
    ///     if claims.has_scope("orders") { Ok(()) } else { Err("scope orders is needed".to_owned()) }
    /// });
    /// ```
    #[must_use]
    pub fn check(
        mut self,
        check: impl Fn(&ClaimsRef<'_>) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.checks.push(Arc::new(check));
        self
    }

    /// The first instant at which claims that passed may fail, or must be judged anew;
    /// `None` if they never end, or meet checks that may change their mind.
    pub(super) fn holds_until(&self, claims: &Claims) -> Option<UnixTime> {
        if !self.checks.is_empty() {
            return None;
        }
        let ends = claims.expires_at()?.saturating_add(self.leeway);
        match (self.max_age, claims.issued_at()) {
            (None, _) => Some(ends),
            (Some(limit), issued_at) => {
                let age = limit.saturating_add(self.leeway);
                Some(ends.min(issued_at?.saturating_add(age)))
            }
        }
    }

    /// The issuers accepted; `None` when any is.
    pub(super) fn issuers(&self) -> Option<&[String]> {
        match &self.issuers {
            Expected::OneOf(issuers) => Some(issuers),
            Expected::Anything => None,
        }
    }

    /// The type a header must have, if it has not.
    pub(crate) fn type_mismatch(&self, found: Option<&str>) -> Option<VerifyErrorKind> {
        let (expected, matches) = match (&self.token_type, found) {
            (ExpectedType::General, None) => return None,
            (ExpectedType::General, Some(found)) => ("JWT", same_media_type("JWT", found)),
            (ExpectedType::Exactly(expected), None) => (expected.as_str(), false),
            (ExpectedType::Exactly(expected), Some(found)) => {
                (expected.as_str(), same_media_type(expected, found))
            }
        };
        (!matches).then(|| VerifyErrorKind::TypeMismatch {
            expected: expected.to_owned(),
            found: found.map(excerpt),
        })
    }

    /// Judges authentic claims at one instant and collects everything that fails.
    pub(crate) fn failures(
        &self,
        claims: &ClaimsRef<'_>,
        period: Option<&KeyPeriod>,
        now: UnixTime,
    ) -> Vec<VerifyErrorKind> {
        let mut failures = Vec::new();
        self.judge_issuer(claims, &mut failures);
        self.judge_audience(claims, &mut failures);
        self.judge_presence(claims, period, &mut failures);
        self.judge_period(claims, period, &mut failures);
        self.judge_times(claims, now, &mut failures);
        if failures.is_empty() {
            failures.extend(self.checks.iter().filter_map(|check| {
                check(claims)
                    .err()
                    .map(|reason| VerifyErrorKind::Refused { reason })
            }));
        }
        failures
    }

    /// RFC 7519 section 4.1.1; case-sensitive, no normalization.
    fn judge_issuer(&self, claims: &ClaimsRef<'_>, failures: &mut Vec<VerifyErrorKind>) {
        let Expected::OneOf(expected) = &self.issuers else {
            return;
        };
        if !expected.iter().any(|issuer| claims.issuer_is(issuer)) {
            failures.push(VerifyErrorKind::IssuerMismatch {
                expected: expected.clone(),
                found: claims.issuer().as_deref().map(excerpt),
            });
        }
    }

    /// RFC 7519 section 4.1.3. Silence is a refusal in both directions: expected
    /// and absent, or present and not expected.
    fn judge_audience(&self, claims: &ClaimsRef<'_>, failures: &mut Vec<VerifyErrorKind>) {
        let Expected::OneOf(expected) = &self.audiences else {
            return;
        };
        let audience = claims.audience();
        let meant_for_us = if expected.is_empty() {
            !audience.is_present()
        } else {
            expected.iter().any(|each| audience.contains(each))
        };
        if !meant_for_us {
            failures.push(VerifyErrorKind::AudienceMismatch {
                expected: expected.clone(),
                found: audience.iter().take(5).map(|each| excerpt(&each)).collect(),
            });
        }
    }

    /// A key of a keyring signs nothing without an issue time and an end: its own
    /// bounds are stated in both.
    fn judge_presence(
        &self,
        claims: &ClaimsRef<'_>,
        period: Option<&KeyPeriod>,
        failures: &mut Vec<VerifyErrorKind>,
    ) {
        let bounded = self.max_lifetime.is_some() || period.is_some();
        let needs_issued_at = self.max_age.is_some() || bounded;
        let implied = [
            (
                self.expiry == Expiry::Required || bounded,
                ClaimName::ExpiresAt,
            ),
            (needs_issued_at, ClaimName::IssuedAt),
        ];
        let implied = implied
            .iter()
            .filter(|(needed, _)| *needed)
            .map(|(_, name)| name);
        for name in implied
            .chain(&self.required)
            .filter(|name| !claims.has(name))
        {
            failures.push(VerifyErrorKind::MissingClaim {
                name: name.as_str().to_owned(),
            });
        }
    }

    /// The key's own bounds: it signed in [A, D) and nothing that lives longer than T.
    fn judge_period(
        &self,
        claims: &ClaimsRef<'_>,
        period: Option<&KeyPeriod>,
        failures: &mut Vec<VerifyErrorKind>,
    ) {
        let lifetime = match (claims.issued_at(), claims.expires_at()) {
            (Some(issued), Some(expires)) => Some(expires.saturating_since(issued)),
            _ => None,
        };
        let limit = match (self.max_lifetime, period.map(|period| period.max_lifetime)) {
            (Some(ours), Some(of_key)) => Some(ours.min(of_key)),
            (ours, of_key) => ours.or(of_key),
        };
        if let (Some(limit), Some(found)) = (limit, lifetime)
            && found > limit
        {
            failures.push(VerifyErrorKind::LifetimeTooLong { limit, found });
        }
        if let (Some(period), Some(issued)) = (period, claims.issued_at())
            && !period.may_have_signed_at(issued)
        {
            failures.push(VerifyErrorKind::OutsideKeyPeriod);
        }
    }

    /// `iat − leeway ≤ now < exp + leeway`, and the same for `nbf` (RFC 7519 sections 4.1.4 to 4.1.6).
    fn judge_times(
        &self,
        claims: &ClaimsRef<'_>,
        now: UnixTime,
        failures: &mut Vec<VerifyErrorKind>,
    ) {
        let leeway = self.leeway;
        if let Some(at) = claims.expires_at()
            && now >= at.saturating_add(leeway)
        {
            failures.push(VerifyErrorKind::Expired { at, now, leeway });
        }
        for (name, at) in [("nbf", claims.not_before()), ("iat", claims.issued_at())] {
            if let Some(at) = at
                && at > now.saturating_add(leeway)
            {
                failures.push(VerifyErrorKind::NotYetValid {
                    name,
                    at,
                    now,
                    leeway,
                });
            }
        }
        if let (Some(limit), Some(issued)) = (self.max_age, claims.issued_at()) {
            let age = now.saturating_since(issued);
            if age > limit.saturating_add(leeway) {
                failures.push(VerifyErrorKind::TooOld { age, limit });
            }
        }
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("leeway", &self.leeway)
            .finish_non_exhaustive()
    }
}

/// Policies that give up a protection. The name is there to be seen in review.
pub(crate) mod dangerous {
    use super::{Expected, Expiry, Policy};

    /// Tokens of one issuer, whatever audience they name: for gateways that pass
    /// tokens on to services that check `aud` themselves.
    #[must_use]
    pub fn any_audience(issuer: impl Into<String>) -> Policy {
        Policy::build(Expected::OneOf(vec![issuer.into()]), Expected::Anything)
    }

    /// Tokens of whoever holds the keys, meant for one audience.
    #[must_use]
    pub fn any_issuer(audience: impl Into<String>) -> Policy {
        Policy::build(Expected::Anything, Expected::OneOf(vec![audience.into()]))
    }

    /// Tokens of whoever holds the keys, whatever audience they name.
    #[must_use]
    pub fn any_issuer_and_audience() -> Policy {
        Policy::build(Expected::Anything, Expected::Anything)
    }

    /// The same policy, accepting tokens that never expire.
    #[must_use]
    pub fn without_expiry(mut policy: Policy) -> Policy {
        policy.expiry = Expiry::Optional;
        policy
    }
}
