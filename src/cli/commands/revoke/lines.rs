//! Entries as lines: one JSON object each, as `export --lines` writes and `import`
//! reads them; a line that is no object is the id of a token.
//!
//! ```text
//! {"by":"token","iss":"https://auth.example","id":"t-1","since":1760000000,"until":1760000960}
//! {"by":"subject","iss":"https://auth.example","id":"alice","before":1760000001,…,"reason":"left"}
//! ```

use std::borrow::Cow;

use serde::Deserialize;
use tokenwright::{Retention, Revocation, RevokedBy, UnixTime};

use crate::cli::escape::json_string;

/// What a line leaves open.
pub(super) struct Defaults {
    pub(super) issuer: Option<String>,
    pub(super) now: UnixTime,
    pub(super) retention: Retention,
    /// Whose tokens the retention is of; without one, everybody's.
    pub(super) own_issuer: Option<String>,
}

/// One entry as a line.
pub(super) fn write(entry: &Revocation<'_>) -> String {
    let mut line = format!(
        "{{\"by\":{},\"iss\":{}",
        json_string(entry.by().as_str()),
        json_string(entry.issuer())
    );
    if entry.by() != RevokedBy::Issuer {
        line.push_str(&format!(",\"id\":{}", json_string(entry.name())));
    }
    if let Some(before) = entry.issued_before() {
        line.push_str(&format!(",\"before\":{}", before.seconds()));
    }
    line.push_str(&format!(
        ",\"since\":{},\"until\":{}",
        entry.since().seconds(),
        entry.until().seconds()
    ));
    if let Some(reason) = entry.reason() {
        line.push_str(&format!(",\"reason\":{}", json_string(reason)));
    }
    line.push('}');
    line
}

/// The entry in a line, or what is wrong with it.
pub(super) fn read<'l>(line: &'l str, defaults: &'l Defaults) -> Result<Revocation<'l>, String> {
    if !line.starts_with('{') {
        return token(Cow::Borrowed(line), None, defaults);
    }
    let members: Members =
        serde_json::from_str(line).map_err(|error| reason(&error.to_string()))?;
    members.entry(defaults)
}

/// The parser's sentence without its place: there is one line, and it has a number.
fn reason(sentence: &str) -> String {
    let (reason, _) = sentence.split_once(" at line ").unwrap_or((sentence, ""));
    reason.replace('`', "\"")
}

/// The members of a line's object.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    by: Option<String>,
    iss: Option<String>,
    #[serde(alias = "jti")]
    id: Option<String>,
    before: Option<i64>,
    since: Option<i64>,
    until: Option<i64>,
    reason: Option<String>,
}

impl Members {
    fn entry(self, defaults: &Defaults) -> Result<Revocation<'static>, String> {
        let issuer = match self.iss {
            Some(issuer) => issuer,
            None => defaults
                .issuer
                .clone()
                .ok_or("no \"iss\", and no --iss stands for it")?,
        };
        let at = UnixTime::from_seconds;
        let (before, until) = (self.before.map(at), self.until.map(at));
        let since = self.since.map_or(defaults.now, at);
        let by = self.by.as_deref().unwrap_or("token");
        if before.is_some() != matches!(by, "subject" | "audience" | "issuer") {
            return Err(format!(
                "\"before\" belongs to subject, audience and issuer, found \"{by}\""
            ));
        }
        let id = match self.id {
            Some(id) if !id.is_empty() && by != "issuer" => id,
            None if by == "issuer" => String::new(),
            Some(_) | None => {
                return Err(format!(
                    "expected an \"id\" for \"{by}\" that names something"
                ));
            }
        };
        let foreign = defaults
            .own_issuer
            .as_ref()
            .is_some_and(|own| *own != issuer);
        let needed = match before {
            Some(_) if foreign => UnixTime::from_seconds(i64::MIN),
            Some(before) => defaults.retention.before(before),
            None if by == "key" => defaults.retention.key(None),
            None => defaults.retention.token(None, defaults.now),
        };
        let timed = before.unwrap_or_default();
        let until = match (until, by) {
            (Some(until), "subject" | "audience" | "issuer") if until < needed => {
                return Err(format!(
                    "\"until\" is too early for \"before\": at least {}",
                    needed.seconds()
                ));
            }
            (Some(until), _) => until,
            (None, "session") => return Err("no \"until\", the end of the session".to_owned()),
            (None, _) if foreign => return Err(unknown_lifetime(&issuer)),
            (None, _) => needed,
        };
        let entry = match by {
            "token" => Revocation::token(issuer, id, since, until),
            "session" => Revocation::session(issuer, id, since, until),
            "subject" => Revocation::subject_before(issuer, id, timed, since, until),
            "audience" => Revocation::audience_before(issuer, id, timed, since, until),
            "issuer" => Revocation::issuer_before(issuer, timed, since, until),
            "key" => Revocation::key(issuer, id, since, until),
            other => {
                return Err(format!(
                    "\"by\" is \"{other}\": expected token, session, subject, audience, issuer or key"
                ));
            }
        };
        Ok(match self.reason {
            Some(reason) => entry.with_reason(reason),
            None => entry,
        })
    }
}

fn token<'l>(
    id: Cow<'l, str>,
    until: Option<UnixTime>,
    defaults: &'l Defaults,
) -> Result<Revocation<'l>, String> {
    let issuer = defaults
        .issuer
        .as_deref()
        .ok_or("an id alone, and no --iss says whose")?;
    let foreign = defaults
        .own_issuer
        .as_deref()
        .is_some_and(|own| own != issuer);
    let until = match until {
        Some(until) => until,
        None if foreign => return Err(unknown_lifetime(issuer)),
        None => defaults.retention.token(None, defaults.now),
    };
    Ok(Revocation::token(issuer, id, defaults.now, until))
}

fn unknown_lifetime(issuer: &str) -> String {
    format!("no \"until\", and how long tokens of {issuer:?} live is not known here")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn defaults() -> Defaults {
        Defaults {
            issuer: Some("iss".to_owned()),
            now: UnixTime::from_seconds(1_000),
            retention: Retention::new(Duration::from_secs(900), Duration::from_secs(60)),
            own_issuer: Some("iss".to_owned()),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let at = UnixTime::from_seconds;
        for entry in [
            Revocation::token("i\"", "t", at(1), at(2)).with_reason("lost \u{1b}[31m"),
            Revocation::session("i", "s", at(1), at(2)),
            Revocation::subject_before("i", "u", at(5), at(1), at(2_000)),
            Revocation::audience_before("i", "a", at(5), at(1), at(2_000)),
            Revocation::issuer_before("i", at(5), at(1), at(2_000)),
            Revocation::key("i", "k", at(1), at(2)),
        ] {
            let line = write(&entry);
            assert_eq!(read(&line, &defaults()).as_ref(), Ok(&entry), "{line}");
        }
    }

    #[test]
    fn a_bare_line_is_the_id_of_a_token() {
        let defaults = defaults();
        let entry = read("t-1", &defaults).unwrap();
        assert_eq!(
            (entry.by(), entry.issuer(), entry.name()),
            (RevokedBy::Token, "iss", "t-1")
        );
        assert_eq!(entry.until(), UnixTime::from_seconds(1_960));
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said() {
        let defaults = defaults();
        for (line, expected) in [
            ("{", "EOF"),
            ("{\"by\":\"token\"}", "an \"id\" for \"token\""),
            ("{\"by\":\"token\",\"id\":5}", "expected a string"),
            ("{\"by\":\"user\",\"id\":\"a\"}", "expected token, session"),
            ("{\"by\":\"subject\",\"id\":\"a\"}", "\"before\" belongs to"),
            ("{\"id\":\"a\",\"before\":5}", "\"before\" belongs to"),
            (
                "{\"by\":\"session\",\"id\":\"a\"}",
                "the end of the session",
            ),
            ("{\"id\":\"a\",\"untill\":5}", "unknown field \"untill\""),
            ("{\"id\":\"a\",\"id\":\"b\"}", "duplicate field"),
            (
                "{\"by\":\"subject\",\"id\":\"a\",\"before\":1000,\"until\":1001}",
                "at least 1960",
            ),
            ("{\"id\":\"a\",\"until\":1.5}", "expected i64"),
        ] {
            let found = read(line, &defaults).unwrap_err();
            assert!(found.contains(expected), "{line}: {found}");
        }
    }
}
