//! A list in JSON: `{"bits":…,"lst":"…"}` (draft section 4.2).

use super::error::{StatusListError, StatusListErrorKind};
use super::list::{StatusBits, StatusList};
use crate::encoding::json::{self, Bounds, JsonError, Value};
use crate::encoding::write::write_string;
use crate::limits::MAX_STATUS_LIST_BYTES;
use crate::token::is_uri;

impl StatusList {
    /// The list as a JSON object, the value of the claim `status_list`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = format!("{{\"bits\":{},\"lst\":", self.bits().count());
        write_string(&self.encode(), &mut json);
        if let Some(uri) = self.aggregation_uri() {
            json.push_str(",\"aggregation_uri\":");
            write_string(uri, &mut json);
        }
        json.push('}');
        json
    }

    /// Reads the JSON object; members that the draft does not name are ignored.
    ///
    /// # Errors
    /// [`StatusListErrorKind::Json`], [`StatusListErrorKind::BadMember`], and as
    /// [`decode`](Self::decode).
    ///
    /// ```
    /// use tokenwright::status_list::StatusList;
    /// let list = StatusList::from_json(br#"{"bits":1,"lst":"eNrbuRgAAhcBXQ"}"#)?;
    /// assert_eq!((list.len(), list.as_bytes()), (16, &b"\xb9\xa3"[..]));
    /// # Ok::<(), tokenwright::status_list::StatusListError>(())
    /// ```
    pub fn from_json(json: &[u8]) -> Result<Self, StatusListError> {
        let mut members = Members::default();
        json::object(json, Bounds::TOKEN, |name, value| {
            members.take(&name.to_cow(), value);
            Ok::<(), JsonError>(())
        })
        .map_err(StatusListErrorKind::Json)?;
        members.into_list(MAX_STATUS_LIST_BYTES)
    }

    /// Reads the value of a claim `status_list`.
    pub(super) fn from_value(value: Value<'_>, limit: usize) -> Result<Self, StatusListError> {
        let Value::Object(object) = value else {
            return Err(bad("status_list", "an object"));
        };
        let mut members = Members::default();
        for (name, value) in object.iter() {
            members.take(&name.to_cow(), value);
        }
        members.into_list(limit)
    }
}

#[derive(Default)]
struct Members<'a> {
    bits: Option<Value<'a>>,
    lst: Option<Value<'a>>,
    aggregation_uri: Option<Value<'a>>,
}

impl<'a> Members<'a> {
    fn take(&mut self, name: &str, value: Value<'a>) {
        match name {
            "bits" => self.bits = Some(value),
            "lst" => self.lst = Some(value),
            "aggregation_uri" => self.aggregation_uri = Some(value),
            _ => {}
        }
    }

    fn into_list(self, limit: usize) -> Result<StatusList, StatusListError> {
        let bits = match self.bits {
            Some(Value::Number("1")) => StatusBits::One,
            Some(Value::Number("2")) => StatusBits::Two,
            Some(Value::Number("4")) => StatusBits::Four,
            Some(Value::Number("8")) => StatusBits::Eight,
            _ => return Err(bad("bits", "the number 1, 2, 4 or 8")),
        };
        let Some(Value::String(lst)) = self.lst else {
            return Err(bad("lst", "a string"));
        };
        let list = StatusList::decode_within(bits, &lst.to_cow(), limit)?;
        match self.aggregation_uri {
            None => Ok(list),
            Some(Value::String(uri)) if is_uri(&uri.to_cow()) => {
                Ok(list.with_aggregation_uri(uri.to_cow()))
            }
            Some(_) => Err(bad("aggregation_uri", "an absolute URI (RFC 3986)")),
        }
    }
}

pub(super) fn bad(name: &'static str, expected: &'static str) -> StatusListError {
    StatusListErrorKind::BadMember { name, expected }.into()
}
