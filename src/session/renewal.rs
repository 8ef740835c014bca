//! Renewal tokens for clients that are no browsers: each is exchanged once.
//!
//! The cookie needs none of this: it renews itself, and its fingerprint binds it to a
//! browser. A mobile application or a script holds a short access token for an API
//! and exchanges a long-lived renewal token for the next pair. Both can be bound to a key
//! of the client's, so that a stolen one is good for nothing.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::builder::SessionsBuilder;
use super::claims::Payload;
use super::core::{Core, Opened, Purpose};
use super::error::{SessionError, SessionErrorKind};
use super::issue::IssueError;
use super::sessions::Login;
use super::setup::{SessionSetupError, SessionSetupErrorKind};
use crate::revocation::{Revocation, RevokedBy, Stopped};
use crate::time::UnixTime;
use crate::token::{Claims, KeyThumbprint, ProofOfPossession};
use crate::verify::{Presented, VerifyError, stopped};

const PURPOSE: Purpose = Purpose {
    token_type: "tw-renewal+jwt",
    assertion: b"tokenwright renewal v1",
};

/// Renewal tokens whose reuse is detected with nothing stored but the revocation list.
///
/// The id of a renewal token is its session's id and a number that grows by one with
/// each exchange, so a used one is an entry of the list until it would have expired,
/// and whoever exchanges the same token twice gets the same successor. Of a stolen
/// token and the honest one, the second to be used beyond the overlap is an entry of
/// the list already: the session is ended, for both.
///
/// Mint the access token that goes with each [`Grant`] with your own
/// [`Minter`](crate::Minter) and the grant's session id, so that ending the session
/// ends it too.
///
/// ```
/// use std::convert::Infallible;
/// use std::time::Duration;
/// use tokenwright::key::{Algorithm, SigningKey};
/// use tokenwright::session::{Grant, Login, RenewError, SessionErrorKind, SessionTimes, Sessions};
/// use tokenwright::{Freshness, KeySet, LiveRevocations, RevocationList, RevocationView};
/// use tokenwright::{UnixTime, WhenUnknown};
///
/// let at = UnixTime::from_seconds;
/// let key = SigningKey::generate(Algorithm::EdDsa)?;
/// let keys = KeySet::of([key.verifying_key()])?;
/// let live = LiveRevocations::new(RevocationList::new(), at(0));
/// let renewals = Sessions::builder(key, keys, "https://auth.example", "app")
///     .times(SessionTimes {
///         idle: Duration::from_secs(14 * 86_400),
///         absolute: Duration::from_secs(90 * 86_400),
///     })
///     .revocation(live.clone(), Freshness::new(Duration::MAX, WhenUnknown::Refuse))
///     .build_renewals(Duration::from_secs(10))?;
///
/// // A program appends the entries to its store of revocations.
/// let mut list = RevocationList::new();
/// let mut exchange = |token: &str, second| {
///     renewals.renew::<(), Infallible>(token, at(second), |entries| {
///         entries.iter().for_each(|entry| list.add(entry).expect("room"));
///         live.replace(RevocationView::new(list.clone(), at(second)));
///         Ok(())
///     })
/// };
/// let first = renewals.begin(&Login::of("alice"), at(1_000))?;
/// let second: Grant = exchange(first.token(), 2_000)?;
/// assert_eq!(second.subject(), "alice");
/// // The first once more, much later: somebody has a copy, so nobody goes on.
/// assert!(exchange(first.token(), 3_000).is_err());
/// assert!(exchange(second.token(), 3_001).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Renewals {
    core: Core,
    overlap: Duration,
}

impl SessionsBuilder {
    /// Renewal tokens in place of browser sessions. A client that gets no answer and
    /// asks again, or two threads of it that ask at once, are forgiven for `overlap`
    /// after the first use, and for less than twice that; without a list of revocations
    /// no reuse can be seen.
    ///
    /// # Errors
    /// [`SessionSetupError`]; [`SessionSetupErrorKind::OverlapTooLong`] for more than
    /// half the idle time.
    pub fn build_renewals(self, overlap: Duration) -> Result<Renewals, SessionSetupError> {
        let core = self.core(PURPOSE)?;
        let idle = core.schedule.idle();
        if overlap.saturating_mul(2) > idle {
            return Err(SessionSetupErrorKind::OverlapTooLong {
                idle,
                found: overlap,
            }
            .into());
        }
        Ok(Renewals { core, overlap })
    }
}

/// A renewal token just issued, and whose session it renews.
#[must_use = "a renewal token that no client gets is lost"]
pub struct Grant<T = ()> {
    token: String,
    subject: String,
    session_id: String,
    started: UnixTime,
    expires: UnixTime,
    end: UnixTime,
    bound_key: Option<KeyThumbprint>,
    data: T,
}

impl<T> Grant<T> {
    /// The renewal token, for the client. A credential: never log it.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Who is logged in.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The login's id, for the access token's `sid`.
    #[must_use]
    pub fn session_id(&self) -> &str {
        &self.session_id
    }

    /// When the user logged in.
    #[must_use]
    pub fn started_at(&self) -> UnixTime {
        self.started
    }

    /// When the renewal token expires if it is not used.
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.expires
    }

    /// When the session ends, whatever is renewed. No access token should outlive it.
    #[must_use]
    pub fn ends_at(&self) -> UnixTime {
        self.end
    }

    /// The key that the session is bound to, for the access token's `cnf`
    /// ([`Claims::with_bound_key`](crate::Claims::with_bound_key)).
    #[must_use]
    pub fn bound_key(&self) -> Option<KeyThumbprint> {
        self.bound_key
    }

    /// What the application keeps with the session.
    #[must_use]
    pub fn data(&self) -> &T {
        &self.data
    }
}

impl<T> fmt::Debug for Grant<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("expires_at", &self.expires)
            .finish_non_exhaustive()
    }
}

/// Why a renewal token was not exchanged. `E` is what the caller's store gives.
#[derive(Debug)]
#[non_exhaustive]
pub enum RenewError<E> {
    /// The token was refused; [`SessionErrorKind::Reused`] has ended its session.
    Refused(SessionError),
    /// No successor was minted; the token can be exchanged again.
    NotIssued(IssueError),
    /// The entries were not recorded, so nothing was handed out; the token can be
    /// exchanged again.
    NotRecorded(E),
}

impl<E: fmt::Display> fmt::Display for RenewError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => error.fmt(f),
            Self::NotIssued(error) => error.fmt(f),
            Self::NotRecorded(error) => {
                write!(f, "the exchange was not recorded: {error}")
            }
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for RenewError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused(error) => Some(error),
            Self::NotIssued(error) => Some(error),
            Self::NotRecorded(error) => Some(error),
        }
    }
}

/// What presenting a token means.
enum Use {
    First,
    /// Again, within the overlap.
    Repeated,
    /// Again, and too late.
    Reuse,
}

impl Renewals {
    /// The first renewal token of a login.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn begin<T: Serialize + Clone>(
        &self,
        login: &Login<T>,
        now: UnixTime,
    ) -> Result<Grant<T>, IssueError> {
        self.begin_for(login, None, now)
    }

    /// The first renewal token of a login, bound to a key of the client's that it has
    /// proven to hold (RFC 9449 section 5). All that follow are bound to the same key:
    /// exchange them with [`renew_proven`](Self::renew_proven).
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn begin_bound<T: Serialize + Clone>(
        &self,
        login: &Login<T>,
        key: KeyThumbprint,
        now: UnixTime,
    ) -> Result<Grant<T>, IssueError> {
        self.begin_for(login, Some(key), now)
    }

    fn begin_for<T: Serialize + Clone>(
        &self,
        login: &Login<T>,
        bound_key: Option<KeyThumbprint>,
        now: UnixTime,
    ) -> Result<Grant<T>, IssueError> {
        let id = self.core.session_id()?;
        let started = self.core.start(login.subject(), &id, now)?;
        let end = self.core.schedule.end_of(started);
        self.grant(
            Grant {
                token: String::new(),
                subject: login.subject().to_owned(),
                session_id: id,
                started,
                expires: self.core.schedule.expiry(started, end),
                end,
                bound_key,
                data: login.data().clone(),
            },
            0,
            started,
        )
    }

    /// Exchanges a renewal token for the next. `record` makes the entries durable and
    /// known to this process before it returns `Ok`, as a
    /// [`RevocationStore`](crate::store::RevocationStore) and its follower do: without
    /// that, nothing is handed out.
    ///
    /// # Errors
    /// [`RenewError`].
    pub fn renew<T: Serialize + DeserializeOwned, E>(
        &self,
        token: &str,
        now: UnixTime,
        record: impl FnOnce(&[Revocation<'_>]) -> Result<(), E>,
    ) -> Result<Grant<T>, RenewError<E>> {
        self.exchange(Presented::new(token), now, record)
    }

    /// As [`renew`](Self::renew), for a token that is bound to a key: with a proof that
    /// whoever asks holds it. One that is bound to no key is refused.
    ///
    /// The proof is spent before the token's use is looked at. A client that asks again
    /// sends another proof, as RFC 9449 section 4.2 has it.
    ///
    /// # Errors
    /// [`RenewError`].
    pub fn renew_proven<T: Serialize + DeserializeOwned, E>(
        &self,
        token: &str,
        proof: &dyn ProofOfPossession,
        now: UnixTime,
        record: impl FnOnce(&[Revocation<'_>]) -> Result<(), E>,
    ) -> Result<Grant<T>, RenewError<E>> {
        self.exchange(Presented::new(token).with_proof(proof), now, record)
    }

    fn exchange<T: Serialize + DeserializeOwned, E>(
        &self,
        presented: Presented<'_>,
        now: UnixTime,
        record: impl FnOnce(&[Revocation<'_>]) -> Result<(), E>,
    ) -> Result<Grant<T>, RenewError<E>> {
        let opened = self
            .core
            .open::<T>(presented, now)
            .map_err(RenewError::Refused)?;
        let generation = opened.claims.custom().generation.unwrap_or_default();
        let id = opened.claims.session_id().unwrap_or_default().to_owned();
        let usage = self
            .usage(&opened, &id, generation, now)
            .map_err(|reason| RenewError::Refused(VerifyError::from(stopped(reason)).into()))?;
        if matches!(usage, Use::Reuse) {
            let ended = self.core.end_session(&id, opened.issue.stated_end, now);
            record(&[ended]).map_err(RenewError::NotRecorded)?;
            return Err(RenewError::Refused(SessionErrorKind::Reused.into()));
        }
        let used = self.used(&id, generation, opened.issue.stated_expiry, now);
        let now = UnixTime::from_seconds(now.seconds()).max(opened.issue.at);
        let end = opened.issue.end;
        let next = Grant {
            token: String::new(),
            subject: opened.claims.subject().unwrap_or_default().to_owned(),
            session_id: id,
            started: opened.claims.custom().started(),
            expires: self.core.schedule.expiry(now, end),
            end,
            bound_key: opened.claims.bound_key(),
            data: opened.claims.into_inner().into_custom().data,
        };
        let next = self
            .grant(next, generation.saturating_add(1), now)
            .map_err(RenewError::NotIssued)?;
        if matches!(usage, Use::First) {
            record(&used).map_err(RenewError::NotRecorded)?;
        }
        Ok(next)
    }

    /// Ends the session of a renewal token, also of one that was used: logging out. A
    /// bound one needs no proof: whoever has it may end the session, and no more.
    ///
    /// # Errors
    /// [`SessionError`] for what is no renewal token of ours, or expired.
    pub fn end(&self, token: &str, now: UnixTime) -> Result<Revocation<'static>, SessionError> {
        let anybodys = Presented::new(token).of_any_holder();
        let opened = self.core.open::<serde::de::IgnoredAny>(anybodys, now)?;
        let id = opened.claims.session_id().unwrap_or_default();
        Ok(self.core.end_session(id, opened.issue.stated_end, now))
    }

    /// Ends every session of a user, as [`Sessions::end_all_of`](super::Sessions::end_all_of).
    #[must_use = "the sessions end when the entry is in the revocation list"]
    pub fn end_all_of(&self, subject: &str, now: UnixTime) -> Revocation<'static> {
        self.core.end_subject(subject, now, now)
    }

    fn usage<T>(
        &self,
        opened: &Opened<T>,
        id: &str,
        generation: u64,
        now: UnixTime,
    ) -> Result<Use, Stopped> {
        let ask = |token_id: &str| match self.core.withdrawn(&opened.claims, token_id, now) {
            Ok(()) => Ok(false),
            Err(Stopped::Revoked {
                by: RevokedBy::Token,
                ..
            }) => Ok(true),
            Err(other) => Err(other),
        };
        let token_id = token_id(id, generation);
        if !ask(&token_id)? {
            return Ok(Use::First);
        }
        let window = self.window(now);
        let near = [window, window.saturating_sub(1), window.saturating_add(1)];
        for window in near {
            let recently = !self.overlap.is_zero() && ask(&marker(&token_id, window))?;
            // Its successor was used: the client has it, and needs no second one.
            if recently && !ask(&self::token_id(id, generation.saturating_add(1)))? {
                return Ok(Use::Repeated);
            }
        }
        Ok(Use::Reuse)
    }

    /// The entries that remember a use: for good, and for the overlap. The second says
    /// when it was in its name, because a list need not remember since when it holds one.
    fn used(
        &self,
        id: &str,
        generation: u64,
        expires: UnixTime,
        now: UnixTime,
    ) -> Vec<Revocation<'static>> {
        let issuer = &self.core.issuer;
        let token_id = token_id(id, generation);
        let mut entries = Vec::with_capacity(2);
        if !self.overlap.is_zero() {
            let marker = marker(&token_id, self.window(now));
            let until = now.saturating_add(self.overlap.saturating_mul(2));
            let until = self.core.retention(Duration::ZERO).token(Some(until), now);
            entries.push(Revocation::token(issuer.clone(), marker, now, until));
        }
        let until = self
            .core
            .retention(Duration::ZERO)
            .token(Some(expires), now);
        entries.push(Revocation::token(issuer.clone(), token_id, now, until));
        entries
    }

    /// Which span of the overlap's length it is.
    fn window(&self, now: UnixTime) -> i64 {
        let length = i64::try_from(self.overlap.as_secs().max(1)).unwrap_or(i64::MAX);
        now.seconds().checked_div(length).unwrap_or_default()
    }

    fn grant<T: Serialize>(
        &self,
        mut grant: Grant<T>,
        generation: u64,
        now: UnixTime,
    ) -> Result<Grant<T>, IssueError> {
        let mut payload = Payload::new(grant.started, grant.end, &grant.data);
        payload.generation = Some(generation);
        let claims = Claims::for_subject(&*grant.subject)
            .with_session_id(&*grant.session_id)
            .with_token_id(token_id(&grant.session_id, generation))
            .with_expiry(grant.expires)
            .with_custom(payload);
        let claims = match grant.bound_key {
            Some(key) => claims.with_bound_key(key),
            None => claims,
        };
        grant.token = self.core.mint(&claims, now)?;
        Ok(grant)
    }
}

/// The same for everybody who exchanges the same token: a copy cannot branch off.
fn token_id(session_id: &str, generation: u64) -> String {
    format!("{session_id}.{generation}")
}

fn marker(token_id: &str, window: i64) -> String {
    format!("{token_id}@{window}")
}

impl fmt::Debug for Renewals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewals")
            .field("issuer", &self.core.issuer)
            .finish_non_exhaustive()
    }
}
