//! What browser sessions and renewal tokens share: one minter, one way to verify.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::claims::Payload;
use super::error::{SessionError, SessionErrorKind};
use super::issue::{IssueError, IssueErrorKind};
use super::times::{Issue, MAX_SESSION, Schedule};
use crate::encoding::base64url;
use crate::key::Entropy;
use crate::mint::{MintErrorKind, MintOptions, Minter};
use crate::revocation::{Gate, Retention, Revocation, Stopped, TokenFacts};
use crate::time::UnixTime;
use crate::token::Claims;
use crate::verify::{Presented, Verified, Verifier};

/// Random bytes in a session id: 128 bits do not repeat and cannot be guessed.
const SESSION_ID_BYTES: usize = 16;

/// What keeps one use of tokens apart from every other, however they are written:
/// a JWT by its type, a PASETO, which has none, by an implicit assertion.
#[derive(Clone, Copy)]
pub(super) struct Purpose {
    pub(super) token_type: &'static str,
    pub(super) assertion: &'static [u8],
}

pub(super) struct Core {
    pub(super) issuer: String,
    pub(super) purpose: Purpose,
    pub(super) minter: Minter,
    /// Both ask nobody about revocation: [`Core::withdrawn`] does.
    pub(super) jwt: Verifier,
    pub(super) paseto: Verifier,
    pub(super) gate: Option<Gate>,
    pub(super) schedule: Schedule,
    pub(super) leeway: Duration,
    pub(super) entropy: Arc<dyn Entropy>,
}

/// A token whose signature, claims and times are good; nobody was asked yet
/// whether it was withdrawn.
pub(super) struct Opened<T> {
    pub(super) claims: Verified<Claims<Payload<T>>>,
    pub(super) issue: Issue,
}

impl Core {
    pub(super) fn session_id(&self) -> Result<String, IssueError> {
        let mut bytes = [0; SESSION_ID_BYTES];
        self.entropy.fill(&mut bytes)?;
        Ok(base64url::encode(&bytes))
    }

    /// When a session that begins now is said to begin: later by a moment, if all
    /// earlier ones of this user were ended within this very second.
    pub(super) fn start(
        &self,
        subject: &str,
        session_id: &str,
        now: UnixTime,
    ) -> Result<UnixTime, IssueError> {
        if subject.is_empty() {
            return Err(IssueErrorKind::NoSubject.into());
        }
        let now = UnixTime::from_seconds(now.seconds());
        let Some(gate) = &self.gate else {
            return Ok(now);
        };
        let facts = TokenFacts::new(&self.issuer, "")
            .with_subject(subject)
            .with_session_id(session_id)
            .with_token_id(session_id)
            .with_issued_at(now);
        // What else stops it stops the minter, which has the words for it.
        let later = gate
            .pass(&facts, now)
            .err()
            .and_then(|first| first.issued_later(now));
        Ok(later.unwrap_or(now))
    }

    pub(super) fn mint<T: Serialize>(
        &self,
        claims: &Claims<Payload<T>>,
        now: UnixTime,
    ) -> Result<String, IssueError> {
        let bound = MintOptions::new().at(now).assertion(self.purpose.assertion);
        match self.minter.mint_with(claims, bound) {
            // A JWT has no assertion, and needs none: its type says what it is.
            Err(error) if *error.kind() == MintErrorKind::NotPaseto => {
                Ok(self.minter.mint_with(claims, MintOptions::new().at(now))?)
            }
            minted => Ok(minted?),
        }
    }

    /// Everything but revocation. The session's own times are judged without
    /// leeway: where clocks differ, a session is shorter by that, never longer.
    pub(super) fn open<T: DeserializeOwned>(
        &self,
        presented: Presented<'_>,
        now: UnixTime,
    ) -> Result<Opened<T>, SessionError> {
        let presented = presented.at(now);
        let claims = if presented.token().starts_with("v4.") {
            let bound = presented.with_assertion(self.purpose.assertion);
            self.paseto.verify_as::<Payload<T>>(bound)?
        } else {
            self.jwt.verify_as::<Payload<T>>(presented)?
        };
        let issue = Payload::issue(&claims, &self.schedule);
        if now >= issue.expires {
            return Err(SessionErrorKind::Over {
                at: issue.expires,
                now,
            }
            .into());
        }
        Ok(Opened { claims, issue })
    }

    /// Asks whether a token was withdrawn, as if it had been issued at the login: a
    /// renewal that an outdated instance made must not carry a session past the
    /// end of all sessions of its user.
    pub(super) fn withdrawn<T>(
        &self,
        claims: &Verified<Claims<Payload<T>>>,
        token_id: &str,
        now: UnixTime,
    ) -> Result<(), Stopped> {
        let Some(gate) = &self.gate else {
            return Ok(());
        };
        let facts = TokenFacts::new(&self.issuer, claims.key_id().as_str())
            .with_subject(claims.subject().unwrap_or_default())
            .with_session_id(claims.session_id().unwrap_or_default())
            .with_token_id(token_id)
            .with_audience(claims.audience())
            .with_issued_at(claims.custom().started());
        gate.pass(&facts, now)
    }

    /// Withdraws one session, until the last of its tokens has expired everywhere.
    pub(super) fn end_session(
        &self,
        session_id: &str,
        end: UnixTime,
        now: UnixTime,
    ) -> Revocation<'static> {
        Revocation::session(
            self.issuer.clone(),
            session_id.to_owned(),
            now,
            self.retention(Duration::ZERO).session(end),
        )
    }

    /// Withdraws every session of a user that began up to now.
    pub(super) fn end_subject(
        &self,
        subject: &str,
        began_by: UnixTime,
        now: UnixTime,
    ) -> Revocation<'static> {
        let before = Revocation::until_now(began_by);
        Revocation::subject_before(
            self.issuer.clone(),
            subject.to_owned(),
            before,
            now,
            // Whatever other sessions and grants of this issuer there are, and however
            // long these settings let them live: none outlives this.
            self.retention(MAX_SESSION).before(before),
        )
    }

    /// Clocks that differ by the leeway may be wrong in both directions.
    pub(super) fn retention(&self, lifetime: Duration) -> Retention {
        Retention::new(lifetime, self.leeway.saturating_mul(2))
    }
}
