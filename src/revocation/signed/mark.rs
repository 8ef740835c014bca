//! Where in its history a list stands.

use std::fmt;

use super::error::{DistributionError, DistributionErrorKind};
use crate::encoding::json::{self, Bounds, JsonError, Text, Value};
use crate::encoding::{base64url, write};
use crate::error::Quoted;
use crate::limits::{MAX_LIST_ID_BYTES, MAX_LIST_NUMBER, MAX_MARK_BYTES};

/// What a mark's own document calls itself.
const FORMAT: &str = "tokenwright-revocation-mark";

/// Where in its history a revocation list stands: which list, in which epoch, at
/// which number, and a digest of its state there.
///
/// Two lists that agree in id, epoch and number and differ in the digest are a fork.
/// A machine that follows a list keeps the mark of the newest it has taken
/// *outside* of what may be rolled back with the list, and refuses whatever is
/// older: [`to_json`](Self::to_json) and [`from_json`](Self::from_json).
///
/// ```
/// use tokenwright::distribution::RevocationMark;
/// let mark = RevocationMark::new("list-1", 1, 7, [0; 32])?;
/// assert_eq!((mark.epoch(), mark.seq()), (1, 7));
/// assert_eq!(RevocationMark::from_json(mark.to_json().as_bytes())?, mark);
/// # Ok::<(), tokenwright::distribution::DistributionError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RevocationMark {
    list: String,
    epoch: u64,
    seq: u64,
    digest: [u8; 32],
}

impl RevocationMark {
    /// Where a list stands: its id, its epoch (one more whenever it was restored from a
    /// copy), its number in that epoch, and a digest of its state, the same wherever
    /// it is computed. [`RevocationEdition`](super::RevocationEdition) computes it.
    ///
    /// # Errors
    /// [`DistributionErrorKind::BadMark`] if the id is empty or longer than
    /// [`MAX_LIST_ID_BYTES`], or a number exceeds [`MAX_LIST_NUMBER`].
    pub fn new(
        list: impl Into<String>,
        epoch: u64,
        seq: u64,
        digest: [u8; 32],
    ) -> Result<Self, DistributionError> {
        let list = list.into();
        if list.is_empty() || list.len() > MAX_LIST_ID_BYTES {
            return Err(bad(format!(
                "expected a list id of 1 to {MAX_LIST_ID_BYTES} bytes, found {}",
                list.len()
            )));
        }
        if epoch > MAX_LIST_NUMBER || seq > MAX_LIST_NUMBER {
            return Err(bad(format!(
                "expected numbers of at most {MAX_LIST_NUMBER}, found epoch {epoch}, number {seq}"
            )));
        }
        Ok(Self {
            list,
            epoch,
            seq,
            digest,
        })
    }

    /// The id of the list.
    #[must_use]
    pub fn list(&self) -> &str {
        &self.list
    }

    /// Its epoch: one more whenever it was restored from a copy.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Its number in its epoch.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// The digest of its state.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Epoch and number: what decides which of two lists is newer.
    pub(super) const fn place(&self) -> (u64, u64) {
        (self.epoch, self.seq)
    }

    /// As a small JSON document, ended by a newline.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = format!("{{\"format\":\"{FORMAT}\",\"version\":1,\"list\":");
        write::write_string(&self.list, &mut text);
        text.push_str(&format!(
            ",\"epoch\":{},\"seq\":{},\"digest\":\"{}\"}}\n",
            self.epoch,
            self.seq,
            base64url::encode(&self.digest)
        ));
        text
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    /// [`DistributionErrorKind::BadMark`]. A mark that cannot be read must not be taken
    /// for none: without it an older list would be taken.
    pub fn from_json(text: &[u8]) -> Result<Self, DistributionError> {
        if text.len() > MAX_MARK_BYTES {
            return Err(bad(format!(
                "expected at most {MAX_MARK_BYTES} bytes, found {}",
                text.len()
            )));
        }
        let mut read = MarkMembers::default();
        json::object(text, Bounds::TOKEN, |name: Text<'_>, value: Value<'_>| {
            read.member(&name.to_cow(), value)
                .map_err(MarkError::Member)
        })
        .map_err(|error: MarkError| match error {
            MarkError::Json(error) => bad(error.to_string()),
            MarkError::Member(reason) => bad(reason),
        })?;
        match read {
            MarkMembers {
                format: Some(format),
                version: Some(1),
                list: Some(list),
                epoch: Some(epoch),
                seq: Some(seq),
                digest: Some(digest),
            } if format == FORMAT => Self::new(list, epoch, seq, digest),
            _ => Err(bad(format!(
                "expected the members format {FORMAT:?}, version 1, list, epoch, seq and digest"
            ))),
        }
    }
}

impl fmt::Debug for RevocationMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "RevocationMark({} epoch {} number {} {})",
            Quoted(&self.list),
            self.epoch,
            self.seq,
            base64url::encode(&self.digest)
        )
    }
}

#[derive(Default)]
struct MarkMembers {
    format: Option<String>,
    version: Option<u64>,
    list: Option<String>,
    epoch: Option<u64>,
    seq: Option<u64>,
    digest: Option<[u8; 32]>,
}

impl MarkMembers {
    fn member(&mut self, name: &str, value: Value<'_>) -> Result<(), String> {
        match name {
            "format" => self.format = Some(text(name, value)?),
            "version" => self.version = Some(number(name, value)?),
            "list" => self.list = Some(text(name, value)?),
            "epoch" => self.epoch = Some(number(name, value)?),
            "seq" => self.seq = Some(number(name, value)?),
            "digest" => self.digest = Some(bytes(name, value)?),
            _ => return Err(format!("a member {} is not known", Quoted(name))),
        }
        Ok(())
    }
}

enum MarkError {
    Json(JsonError),
    Member(String),
}

impl From<JsonError> for MarkError {
    fn from(error: JsonError) -> Self {
        Self::Json(error)
    }
}

fn bad(reason: String) -> DistributionError {
    DistributionErrorKind::BadMark { reason }.into()
}

/// A string member.
pub(super) fn text(name: &str, value: Value<'_>) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.to_cow().into_owned()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(format!("{name} must be a string"))
        }
    }
}

/// A member that is a whole number written in digits alone.
pub(super) fn number(name: &str, value: Value<'_>) -> Result<u64, String> {
    let read = match value {
        Value::Number(raw) => raw.parse().ok().filter(|number| *number <= MAX_LIST_NUMBER),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    };
    read.ok_or_else(|| format!("{name} must be a whole number of at most {MAX_LIST_NUMBER}"))
}

/// A member that is bytes of a known length in base64url.
pub(super) fn bytes<const N: usize>(name: &str, value: Value<'_>) -> Result<[u8; N], String> {
    let text = text(name, value)?;
    let decoded = base64url::decode(text.as_bytes()).ok();
    decoded
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| format!("{name} must be {N} bytes in base64url"))
}
