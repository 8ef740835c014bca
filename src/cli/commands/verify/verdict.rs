//! What was found out about one token, and how it is told.

use std::time::Duration;

use tokenwright::{
    ClaimsRef, Clock as _, Presented, Scratch, SystemClock, UnixTime, Verified, VerifyError,
};

use super::{Judge, Revocation};
use crate::cli::escape::{Escaped, json_string, one_line_json};
use crate::cli::failure::{Exit, Failure};
use crate::cli::keys::short_id;
use crate::cli::output::{Output, Paint};
use crate::cli::times;

/// The answer to "is this token good here and now?"
pub(crate) enum Verdict {
    Valid(Box<Valid>),
    /// Every reason, the deciding one first.
    Refused(Vec<Failure>),
}

/// A token that passed every check.
pub(crate) struct Valid {
    /// The claims as they stand in the token, on one line.
    pub(crate) claims: String,
    algorithm: &'static str,
    key_id: String,
    footer: String,
    /// What is told about it; lines are not told one by one.
    summary: String,
    /// How old the revocation list was, if one was asked.
    list_age: Option<Duration>,
}

/// Judges one token and says what there is to tell about it.
pub(crate) fn judge(judge: &Judge, token: &str) -> Verdict {
    judge_by(judge, token, &mut Scratch::new(), summary)
}

/// Judges one token of many, with memory that was used for those before it.
pub(crate) fn judge_line(judge: &Judge, token: &str, scratch: &mut Scratch) -> Verdict {
    judge_by(judge, token, scratch, |_, _, _| String::new())
}

/// Puts what is told into words.
type Tell = fn(&Verified<ClaimsRef<'_>>, Option<Duration>, UnixTime) -> String;

fn judge_by(judge: &Judge, token: &str, scratch: &mut Scratch, tell: Tell) -> Verdict {
    let now = judge.at.unwrap_or_else(|| SystemClock.now());
    match judge
        .verifier
        .verify_borrowed(Presented::new(token).at(now), scratch)
    {
        Ok(verified) => Verdict::Valid(Box::new(valid(&verified, judge, now, tell))),
        Err(error) => Verdict::Refused(failures(&error)),
    }
}

fn valid(verified: &Verified<ClaimsRef<'_>>, judge: &Judge, now: UnixTime, tell: Tell) -> Valid {
    let list_age = match &judge.revocation {
        Revocation::NotChecked => None,
        Revocation::Checked { lists, .. } => lists
            .iter()
            .map(|list| now.saturating_since(list.view().as_of()))
            .max(),
    };
    Valid {
        claims: one_line_json(verified.json()),
        algorithm: verified.algorithm().name(),
        key_id: verified.key_id().as_str().to_owned(),
        footer: String::from_utf8_lossy(verified.footer()).into_owned(),
        summary: tell(verified, list_age, now),
        list_age,
    }
}

/// `EdDSA 7Qd1…  sub=alice  aud=orders-api  expires in 14 min 51 s  not revoked (list 4 s old)`
fn summary(
    verified: &Verified<ClaimsRef<'_>>,
    list_age: Option<Duration>,
    now: UnixTime,
) -> String {
    let id = short_id(verified.key_id().as_str());
    let mut parts = vec![format!("{} {id}", verified.algorithm().name())];
    if let Some(subject) = verified.subject() {
        parts.push(format!("sub={}", Escaped(&subject)));
    }
    let audiences: Vec<String> = verified
        .audience()
        .iter()
        .take(4)
        .map(|audience| Escaped(&audience).to_string())
        .collect();
    if !audiences.is_empty() {
        parts.push(format!("aud={}", audiences.join(",")));
    }
    if let Some(expiry) = verified.expires_at() {
        let relative = times::relative(expiry, now);
        parts.push(match expiry > now {
            true => format!("expires {relative}"),
            false => format!("expired {relative}, within the leeway"),
        });
    }
    parts.push(match list_age {
        Some(age) => format!("not revoked (list {} s old)", age.as_secs()),
        None => "revocation not checked".to_owned(),
    });
    parts.join("  ")
}

fn failures(error: &VerifyError) -> Vec<Failure> {
    error
        .reasons()
        .map(|reason| Failure::new(reason.code(), reason.class().into(), reason))
        .collect()
}

impl Verdict {
    /// The exit code of this token alone.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Valid(_) => Exit::Done,
            Self::Refused(reasons) => reasons.first().map_or(Exit::Refused, |first| first.exit),
        }
    }

    /// The words about it, on standard error.
    pub(crate) fn tell(&self, place: &str, output: &mut Output) {
        match self {
            Self::Valid(valid) => {
                output.headline(Paint::Good, "VALID", format!("  {}", valid.summary));
            }
            Self::Refused(reasons) => {
                for reason in reasons {
                    output.failure(place, reason);
                }
            }
        }
    }

    /// How old the revocation list was, in seconds, if one was asked and the token is good.
    pub(crate) fn list_age(&self) -> Option<u64> {
        match self {
            Self::Valid(valid) => valid.list_age.map(|age| age.as_secs()),
            Self::Refused(_) => None,
        }
    }

    /// The members of its JSON object. A refused token's claims are not among them.
    pub(crate) fn members(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Valid(valid) => valid.members(),
            Self::Refused(reasons) => {
                let mut members = vec![("valid", "false".to_owned())];
                if let Some(first) = reasons.first() {
                    members.push(("error", crate::cli::output::json_error(first)));
                }
                let all: Vec<String> = reasons.iter().map(json_reason).collect();
                members.push(("reasons", format!("[{}]", all.join(","))));
                members
            }
        }
    }
}

impl Valid {
    fn members(&self) -> Vec<(&'static str, String)> {
        let mut members = vec![
            ("valid", "true".to_owned()),
            ("alg", json_string(self.algorithm)),
            ("kid", json_string(&self.key_id)),
            (
                "revocation",
                json_string(match self.list_age {
                    Some(_) => "not_revoked",
                    None => "not_checked",
                }),
            ),
        ];

        if !self.footer.is_empty() {
            members.push(("footer", json_string(&self.footer)));
        }
        members.push(("claims", self.claims.clone()));
        members
    }
}

fn json_reason(reason: &Failure) -> String {
    format!(
        "{{\"code\":{},\"message\":{}}}",
        json_string(&reason.code),
        json_string(&reason.message)
    )
}
