//! The head of a list: the signed line that says what the body is.

use super::error::{DistributionError, DistributionErrorKind};
use super::mark::{RevocationMark, bytes, number, text};
use crate::encoding::json::{self, Bounds, JsonError, Text, Value};
use crate::encoding::{base64url, write};
use crate::error::Quoted;
use crate::key::{FindKey, SigningKey, open_document};
use crate::limits::{MAX_LIST_BYTES, MAX_LIST_HEAD_BYTES, MAX_LIST_NUMBER};
use crate::time::UnixTime;
use crate::token::Scratch;

/// The type that the signature covers: no reader of tokens takes a list for one.
pub(super) const TYPE: &str = "tw-revocations+jwt";
/// What the head calls itself.
const FORMAT: &str = "tokenwright-revocations";
/// The version of the format that this program writes and reads.
const VERSION: u64 = 1;

/// What a delta extends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Base {
    pub(super) seq: u64,
    pub(super) digest: [u8; 32],
}

/// What the signed line says.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) issuer: String,
    pub(super) issued_at: UnixTime,
    pub(super) expires_at: UnixTime,
    pub(super) mark: RevocationMark,
    /// Present in a delta, absent in a snapshot.
    pub(super) from: Option<Base>,
    pub(super) key: [u8; 16],
    /// The last second for which any entry here is kept.
    pub(super) until: Option<u64>,
    pub(super) tokens: u64,
    pub(super) sessions: u64,
    pub(super) others: u64,
    pub(super) bytes: u64,
    pub(super) sha256: [u8; 32],
}

impl Head {
    /// The signed line, without its end.
    pub(super) fn seal(&self, key: &SigningKey) -> Result<String, DistributionError> {
        let sealed = key.seal_document(TYPE, self.to_json().as_bytes());
        sealed.map_err(|error| DistributionErrorKind::NotSigned(error).into())
    }

    fn to_json(&self) -> String {
        let mut json = format!("{{\"format\":\"{FORMAT}\",\"version\":{VERSION},\"iss\":");
        write::write_string(&self.issuer, &mut json);
        json.push_str(",\"list\":");
        write::write_string(self.mark.list(), &mut json);
        let mut numbers = vec![
            ("iat", self.issued_at.seconds().unsigned_abs()),
            ("exp", self.expires_at.seconds().unsigned_abs()),
            ("epoch", self.mark.epoch()),
            ("seq", self.mark.seq()),
            ("tokens", self.tokens),
            ("sessions", self.sessions),
            ("others", self.others),
            ("bytes", self.bytes),
        ];
        numbers.extend(self.until.map(|until| ("until", until)));
        for (name, number) in numbers {
            json.push_str(&format!(",\"{name}\":{number}"));
        }
        if let Some(from) = &self.from {
            let digest = base64url::encode(&from.digest);
            json.push_str(&format!(
                ",\"from\":{{\"seq\":{},\"digest\":\"{digest}\"}}",
                from.seq
            ));
        }
        json.push_str(&format!(
            ",\"digest\":\"{}\",\"key\":\"{}\",\"sha256\":\"{}\"}}",
            base64url::encode(self.mark.digest()),
            base64url::encode(&self.key),
            base64url::encode(&self.sha256)
        ));
        json
    }

    /// Checks type, key and signature of a line, and reads what it signs.
    pub(super) fn open(
        line: &str,
        keys: &dyn FindKey,
        now: UnixTime,
    ) -> Result<Self, DistributionError> {
        let mut scratch = Scratch::new();
        let payload = open_document(line, TYPE, MAX_LIST_HEAD_BYTES, keys, now, &mut scratch)
            .map_err(DistributionErrorKind::Head)?;
        let mut members = Members::default();
        json::object(
            payload,
            Bounds::TOKEN,
            |name: Text<'_>, value: Value<'_>| {
                let name = name.to_cow();
                if let Err(reason) = members.take(&name, value) {
                    members.wrong.get_or_insert(reason);
                }
                Ok(())
            },
        )
        .map_err(|error: JsonError| bad_head(error.to_string()))?;
        members.into_head()
    }

    /// How many entries the body holds.
    pub(super) fn entries(&self) -> u64 {
        self.tokens
            .saturating_add(self.sessions)
            .saturating_add(self.others)
    }

    /// Refuses what promises too much, before anything is read or made room for.
    pub(super) fn check_size(&self, most_entries: u64) -> Result<(), DistributionError> {
        for (what, limit, found) in [
            ("entries", most_entries, self.entries()),
            ("bytes", MAX_LIST_BYTES, self.bytes),
        ] {
            if found > limit {
                return Err(DistributionErrorKind::TooLarge { what, limit, found }.into());
            }
        }
        Ok(())
    }
}

/// The members of a head as they come.
#[derive(Default)]
struct Members {
    format: Option<String>,
    version: Option<u64>,
    issuer: Option<String>,
    list: Option<String>,
    issued_at: Option<u64>,
    expires_at: Option<u64>,
    epoch: Option<u64>,
    seq: Option<u64>,
    from: Option<Base>,
    digest: Option<[u8; 32]>,
    key: Option<[u8; 16]>,
    until: Option<u64>,
    tokens: Option<u64>,
    sessions: Option<u64>,
    others: Option<u64>,
    bytes: Option<u64>,
    sha256: Option<[u8; 32]>,
    /// What is wrong with the first member that is not as this version writes it.
    wrong: Option<String>,
}

impl Members {
    fn take(&mut self, name: &str, value: Value<'_>) -> Result<(), String> {
        match name {
            "format" => self.format = Some(text(name, value)?),
            "version" => self.version = Some(number(name, value)?),
            "iss" => self.issuer = Some(text(name, value)?),
            "list" => self.list = Some(text(name, value)?),
            "iat" => self.issued_at = Some(number(name, value)?),
            "exp" => self.expires_at = Some(number(name, value)?),
            "epoch" => self.epoch = Some(number(name, value)?),
            "seq" => self.seq = Some(number(name, value)?),
            "from" => self.from = Some(from(value)?),
            "digest" => self.digest = Some(bytes(name, value)?),
            "key" => self.key = Some(bytes(name, value)?),
            "until" => self.until = Some(number(name, value)?),
            "tokens" => self.tokens = Some(number(name, value)?),
            "sessions" => self.sessions = Some(number(name, value)?),
            "others" => self.others = Some(number(name, value)?),
            "bytes" => self.bytes = Some(number(name, value)?),
            "sha256" => self.sha256 = Some(bytes(name, value)?),
            _ => return Err(format!("a member {} is not known", Quoted(name))),
        }
        Ok(())
    }

    fn into_head(self) -> Result<Head, DistributionError> {
        if self.format.as_deref() != Some(FORMAT) {
            return Err(bad_head(format!("expected a member format of {FORMAT:?}")));
        }
        // A newer format may have members that this one does not know.
        match self.version {
            Some(VERSION) => {}
            Some(found) if found > VERSION => {
                return Err(DistributionErrorKind::NewerFormat { found }.into());
            }
            Some(_) | None => return Err(missing("version")),
        }
        if let Some(wrong) = self.wrong {
            return Err(bad_head(wrong));
        }
        let time = |seconds: u64| UnixTime::from_seconds(seconds.cast_signed());
        let head = Head {
            issuer: self.issuer.ok_or_else(|| missing("iss"))?,
            issued_at: self.issued_at.map(time).ok_or_else(|| missing("iat"))?,
            expires_at: self.expires_at.map(time).ok_or_else(|| missing("exp"))?,
            mark: RevocationMark::new(
                self.list.ok_or_else(|| missing("list"))?,
                self.epoch.ok_or_else(|| missing("epoch"))?,
                self.seq.ok_or_else(|| missing("seq"))?,
                self.digest.ok_or_else(|| missing("digest"))?,
            )
            .map_err(|_| bad_head("its list id is empty or too long".to_owned()))?,
            from: self.from,
            key: self.key.ok_or_else(|| missing("key"))?,
            until: self.until,
            tokens: self.tokens.ok_or_else(|| missing("tokens"))?,
            sessions: self.sessions.ok_or_else(|| missing("sessions"))?,
            others: self.others.ok_or_else(|| missing("others"))?,
            bytes: self.bytes.ok_or_else(|| missing("bytes"))?,
            sha256: self.sha256.ok_or_else(|| missing("sha256"))?,
        };
        let backwards = head.from.is_some_and(|from| from.seq > head.mark.seq());
        if head.expires_at <= head.issued_at || backwards {
            return Err(bad_head("it ends before it begins".to_owned()));
        }
        Ok(head)
    }
}

fn from(value: Value<'_>) -> Result<Base, String> {
    let Value::Object(object) = value else {
        return Err("from must be an object".to_owned());
    };
    let (mut seq, mut digest) = (None, None);
    for (name, value) in object.iter() {
        match &*name.to_cow() {
            "seq" => seq = Some(number("seq of from", value)?),
            "digest" => digest = Some(bytes("digest of from", value)?),
            other => return Err(format!("a member {} of from is not known", Quoted(other))),
        }
    }
    match (seq, digest) {
        (Some(seq), Some(digest)) => Ok(Base { seq, digest }),
        _ => Err("from must have the members seq and digest".to_owned()),
    }
}

fn missing(name: &str) -> DistributionError {
    bad_head(format!("{name} is missing"))
}

fn bad_head(reason: String) -> DistributionError {
    DistributionErrorKind::BadHead { reason }.into()
}

/// Whole seconds that a head can hold.
pub(super) fn head_seconds(time: UnixTime) -> UnixTime {
    let most = MAX_LIST_NUMBER.cast_signed();
    UnixTime::from_seconds(time.seconds().clamp(0, most))
}
