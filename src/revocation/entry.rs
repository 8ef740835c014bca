//! One entry of a revocation list, in full.

use std::borrow::Cow;
use std::time::Duration;

use super::RevokedBy;
use crate::time::UnixTime;

/// One revocation: what it withdraws, since when, and until when it must be kept.
///
/// An entry names claims of tokens, never a token's text, so that a second
/// spelling of the same token is withdrawn with it. Names are compared exactly,
/// code point by code point.
///
/// ```
/// use tokenwright::{Retention, Revocation, UnixTime};
/// use std::time::Duration;
///
/// let now = UnixTime::from_seconds(1_760_000_000);
/// let keep = Retention::new(Duration::from_secs(900), Duration::from_secs(60));
/// // Everything alice holds, tokens of this very second included:
/// let before = Revocation::until_now(now);
/// let entry = Revocation::subject_before("https://auth.example", "alice", before, now, keep.before(before))
///     .with_reason("password changed");
/// assert_eq!(entry.until(), UnixTime::from_seconds(1_760_000_961));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation<'a> {
    by: RevokedBy,
    issuer: Cow<'a, str>,
    name: Cow<'a, str>,
    issued_before: Option<UnixTime>,
    since: UnixTime,
    until: UnixTime,
    reason: Option<Cow<'a, str>>,
}

impl<'a> Revocation<'a> {
    /// Withdraws the token with this id (`jti`) of this issuer. `since` is now,
    /// `until` how long the entry is kept: [`Retention::token`].
    pub fn token(
        issuer: impl Into<Cow<'a, str>>,
        token_id: impl Into<Cow<'a, str>>,
        since: UnixTime,
        until: UnixTime,
    ) -> Self {
        Self::new(RevokedBy::Token, issuer, token_id, since, until)
    }

    /// Withdraws every token of one login (`sid`). `until` is the session's
    /// absolute end and the grace: [`Retention::session`].
    pub fn session(
        issuer: impl Into<Cow<'a, str>>,
        session_id: impl Into<Cow<'a, str>>,
        since: UnixTime,
        until: UnixTime,
    ) -> Self {
        Self::new(RevokedBy::Session, issuer, session_id, since, until)
    }

    /// Withdraws the tokens of a subject that were issued before an instant.
    pub fn subject_before(
        issuer: impl Into<Cow<'a, str>>,
        subject: impl Into<Cow<'a, str>>,
        issued_before: UnixTime,
        since: UnixTime,
        until: UnixTime,
    ) -> Self {
        Self::new(RevokedBy::Subject, issuer, subject, since, until).before(issued_before)
    }

    /// Withdraws the tokens for an audience that were issued before an instant.
    pub fn audience_before(
        issuer: impl Into<Cow<'a, str>>,
        audience: impl Into<Cow<'a, str>>,
        issued_before: UnixTime,
        since: UnixTime,
        until: UnixTime,
    ) -> Self {
        Self::new(RevokedBy::Audience, issuer, audience, since, until).before(issued_before)
    }

    /// Withdraws all tokens of an issuer that were issued before an instant.
    pub fn issuer_before(
        issuer: impl Into<Cow<'a, str>>,
        issued_before: UnixTime,
        since: UnixTime,
        until: UnixTime,
    ) -> Self {
        Self::new(RevokedBy::Issuer, issuer, "", since, until).before(issued_before)
    }

    /// Withdraws everything that a key has signed for this issuer (`kid`). Whoever
    /// holds a stolen key writes any issuer into tokens: where a verifier accepts
    /// several issuers under one key, name each.
    pub fn key(
        issuer: impl Into<Cow<'a, str>>,
        key_id: impl Into<Cow<'a, str>>,
        since: UnixTime,
        until: UnixTime,
    ) -> Self {
        Self::new(RevokedBy::Key, issuer, key_id, since, until)
    }

    fn new(
        by: RevokedBy,
        issuer: impl Into<Cow<'a, str>>,
        name: impl Into<Cow<'a, str>>,
        since: UnixTime,
        until: UnixTime,
    ) -> Self {
        Self {
            by,
            issuer: issuer.into(),
            name: name.into(),
            issued_before: None,
            since,
            until,
            reason: None,
        }
    }

    /// An entry as a list keeps it, without its reason.
    pub(crate) fn restored(
        by: RevokedBy,
        issuer: impl Into<Cow<'a, str>>,
        name: impl Into<Cow<'a, str>>,
        issued_before: Option<UnixTime>,
        [since, until]: [UnixTime; 2],
    ) -> Self {
        Self {
            issued_before,
            ..Self::new(by, issuer, name, since, until)
        }
    }

    fn before(mut self, issued_before: UnixTime) -> Self {
        self.issued_before = Some(issued_before);
        self
    }

    /// With a reason for whoever reads the list. It decides nothing.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<Cow<'a, str>>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// The instant that withdraws whatever was issued up to now: the next whole
    /// second, because `iat` is written in whole seconds and a token of this very
    /// second must not live on.
    #[must_use]
    pub fn until_now(now: UnixTime) -> UnixTime {
        UnixTime::from_seconds(now.seconds().saturating_add(1))
    }

    /// What kind of thing it withdraws.
    #[must_use]
    pub fn by(&self) -> RevokedBy {
        self.by
    }

    /// The issuer whose tokens it means.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The id of the token, session or key, the subject or the audience; empty
    /// for a whole issuer.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// If only tokens issued before an instant are meant: that instant.
    #[must_use]
    pub fn issued_before(&self) -> Option<UnixTime> {
        self.issued_before
    }

    /// When it was made.
    #[must_use]
    pub fn since(&self) -> UnixTime {
        self.since
    }

    /// Until when it must be kept: no token it means can pass later on.
    #[must_use]
    pub fn until(&self) -> UnixTime {
        self.until
    }

    /// The reason given for it.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The same entry, with text of its own.
    #[must_use]
    pub fn into_owned(self) -> Revocation<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Revocation {
            by: self.by,
            issuer: own(self.issuer),
            name: own(self.name),
            issued_before: self.issued_before,
            since: self.since,
            until: self.until,
            reason: self.reason.map(own),
        }
    }
}

/// The last second that every notation of dates can show.
const FOR_GOOD: UnixTime = UnixTime::from_seconds(253_402_300_799);

/// How long entries must be kept so that none is dropped while a token it means
/// could still pass: tokens live at most `lifetime`, and are accepted for `grace`
/// longer (the greatest leeway of any verifier and how far clocks may differ).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    lifetime: Duration,
    grace: Duration,
}

impl Retention {
    /// For tokens of at most this lifetime, and this grace.
    #[must_use]
    pub const fn new(lifetime: Duration, grace: Duration) -> Self {
        Self { lifetime, grace }
    }

    /// For one token that expires then; one whose expiry is not known was issued
    /// at the latest `now`.
    #[must_use]
    pub fn token(&self, expires_at: Option<UnixTime>, now: UnixTime) -> UnixTime {
        let end = expires_at.unwrap_or_else(|| now.saturating_add(self.lifetime));
        end.saturating_add(self.grace)
    }

    /// For a session whose last token can be issued until `end`.
    #[must_use]
    pub fn session(&self, end: UnixTime) -> UnixTime {
        end.saturating_add(self.lifetime).saturating_add(self.grace)
    }

    /// For a key that verifies until then; one whose end nobody has set is meant for
    /// good: until the end of the year 9999.
    #[must_use]
    pub fn key(&self, verifies_until: Option<UnixTime>) -> UnixTime {
        verifies_until.map_or(FOR_GOOD, |until| until.saturating_add(self.grace))
    }

    /// For everything issued before an instant.
    #[must_use]
    pub fn before(&self, issued_before: UnixTime) -> UnixTime {
        issued_before
            .saturating_add(self.lifetime)
            .saturating_add(self.grace)
    }
}
