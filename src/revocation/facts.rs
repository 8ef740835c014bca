//! What a revocation source may ask of a token.

use std::borrow::Cow;
use std::fmt;

use crate::time::UnixTime;
use crate::token::ClaimsRef;

/// The facts of one token that entries can name: of a token that was verified, or
/// of one that is about to be minted. Everything is borrowed.
///
/// ```
/// use tokenwright::{LiveRevocations, Revocation, RevocationCheck, RevocationList, RevokedBy};
/// use tokenwright::{TokenFacts, UnixTime, Verdict};
///
/// let now = UnixTime::from_seconds(1_760_000_000);
/// let mut list = RevocationList::new();
/// let until = UnixTime::from_seconds(1_760_000_900);
/// list.add(&Revocation::session("https://auth.example", "login-7", now, until))?;
///
/// let live = LiveRevocations::new(list, now);
/// let facts = TokenFacts::new("https://auth.example", "key-1")
///     .with_token_id("t-1")
///     .with_session_id("login-7");
/// assert!(matches!(live.check(&facts, now), Verdict::Revoked { by: RevokedBy::Session, .. }));
/// # Ok::<(), tokenwright::RevocationError>(())
/// ```
#[derive(Clone, Copy)]
pub struct TokenFacts<'a> {
    source: Source<'a>,
    key_id: &'a str,
}

#[derive(Clone, Copy)]
enum Source<'a> {
    Read(&'a ClaimsRef<'a>),
    Named(Named<'a>),
}

#[derive(Clone, Copy)]
struct Named<'a> {
    issuer: &'a str,
    subject: Option<&'a str>,
    audience: &'a [String],
    token_id: Option<&'a str>,
    session_id: Option<&'a str>,
    issued_at: Option<UnixTime>,
}

impl<'a> TokenFacts<'a> {
    /// The facts of verified claims, and the id of the key that verified them.
    #[must_use]
    pub fn of(claims: &'a ClaimsRef<'a>, key_id: &'a str) -> Self {
        Self {
            source: Source::Read(claims),
            key_id,
        }
    }

    /// A token of this issuer and key of which nothing else is known yet.
    #[must_use]
    pub fn new(issuer: &'a str, key_id: &'a str) -> Self {
        let named = Named {
            issuer,
            subject: None,
            audience: &[],
            token_id: None,
            session_id: None,
            issued_at: None,
        };
        Self {
            source: Source::Named(named),
            key_id,
        }
    }

    /// With this token id (`jti`). Facts read from claims stay as they were read.
    #[must_use]
    pub fn with_token_id(self, token_id: &'a str) -> Self {
        self.named(|named| named.token_id = Some(token_id))
    }

    /// With this session id (`sid`). Facts read from claims stay as they were read.
    #[must_use]
    pub fn with_session_id(self, session_id: &'a str) -> Self {
        self.named(|named| named.session_id = Some(session_id))
    }

    /// With this subject (`sub`). Facts read from claims stay as they were read.
    #[must_use]
    pub fn with_subject(self, subject: &'a str) -> Self {
        self.named(|named| named.subject = Some(subject))
    }

    /// With these audiences (`aud`). Facts read from claims stay as they were read.
    #[must_use]
    pub fn with_audience(self, audience: &'a [String]) -> Self {
        self.named(|named| named.audience = audience)
    }

    /// Issued at this instant (`iat`). Facts read from claims stay as they were read.
    #[must_use]
    pub fn with_issued_at(self, issued_at: UnixTime) -> Self {
        self.named(|named| named.issued_at = Some(issued_at))
    }

    fn named(mut self, change: impl FnOnce(&mut Named<'a>)) -> Self {
        if let Source::Named(named) = &mut self.source {
            change(named);
        }
        self
    }

    /// Who issued it; empty if nobody is named.
    #[doc(alias = "iss")]
    #[must_use]
    pub fn issuer(&self) -> Cow<'a, str> {
        match &self.source {
            Source::Read(claims) => claims.issuer().unwrap_or_default(),
            Source::Named(named) => Cow::Borrowed(named.issuer),
        }
    }

    /// Its own id.
    #[doc(alias = "jti")]
    #[must_use]
    pub fn token_id(&self) -> Option<Cow<'a, str>> {
        match &self.source {
            Source::Read(claims) => claims.token_id(),
            Source::Named(named) => named.token_id.map(Cow::Borrowed),
        }
    }

    /// The login it belongs to.
    #[doc(alias = "sid")]
    #[must_use]
    pub fn session_id(&self) -> Option<Cow<'a, str>> {
        match &self.source {
            Source::Read(claims) => claims.session_id(),
            Source::Named(named) => named.session_id.map(Cow::Borrowed),
        }
    }

    /// Whom it is about.
    #[doc(alias = "sub")]
    #[must_use]
    pub fn subject(&self) -> Option<Cow<'a, str>> {
        match &self.source {
            Source::Read(claims) => claims.subject(),
            Source::Named(named) => named.subject.map(Cow::Borrowed),
        }
    }

    /// Whether it is meant for this audience, among others.
    #[doc(alias = "aud")]
    #[must_use]
    pub fn is_for(&self, audience: &str) -> bool {
        match &self.source {
            Source::Read(claims) => claims.audience().contains(audience),
            Source::Named(named) => named.audience.iter().any(|each| each == audience),
        }
    }

    /// When it was issued.
    #[doc(alias = "iat")]
    #[must_use]
    pub fn issued_at(&self) -> Option<UnixTime> {
        match &self.source {
            Source::Read(claims) => claims.issued_at(),
            Source::Named(named) => named.issued_at,
        }
    }

    /// The key that signed it, or will.
    #[doc(alias = "kid")]
    #[must_use]
    pub fn key_id(&self) -> &'a str {
        self.key_id
    }

    /// All its claims, if they were read from a token.
    #[must_use]
    pub fn claims(&self) -> Option<&'a ClaimsRef<'a>> {
        match self.source {
            Source::Read(claims) => Some(claims),
            Source::Named(_) => None,
        }
    }
}

impl fmt::Debug for TokenFacts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenFacts")
            .field("issuer", &self.issuer())
            .field("token_id", &self.token_id())
            .field("session_id", &self.session_id())
            .field("subject", &self.subject())
            .field("issued_at", &self.issued_at())
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}
