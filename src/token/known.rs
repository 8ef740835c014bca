//! Headers that were read before. The same text says the same, so that a header which is
//! equal to a known one, byte for byte, needs neither decoding nor parsing: a sixth of
//! the time of an HS256 verification.

use std::sync::OnceLock;

use super::jwt::{self, JoseHeader};
use crate::encoding::base64url;
use crate::encoding::json::Text;

/// Headers that are remembered for a set of keys: its issuer writes one a key, and few
/// keys sign at a time.
const KEPT: usize = 4;

/// The first few headers under which good tokens came. Only those: nobody without a key
/// chooses what is remembered. Nothing is ever replaced, so that readers need no lock;
/// a set of keys that turns begins anew.
#[derive(Default)]
pub(crate) struct KnownHeaders([OnceLock<KnownHeader>; KEPT]);

/// A header as it stands in a token, and what it says.
pub(super) struct KnownHeader {
    text: Box<str>,
    /// The JSON.
    bytes: Box<[u8]>,
    algorithm: Place,
    key_id: Option<Place>,
    token_type: Option<Place>,
}

/// Where a string without escapes stands in the JSON, with its quotes.
type Place = std::ops::Range<usize>;

impl KnownHeaders {
    /// The header with exactly this text.
    #[inline]
    pub(super) fn find(&self, text: &str) -> Option<&KnownHeader> {
        let mut known = self.0.iter().map_while(OnceLock::get);
        known.find(|known| *known.text == *text)
    }

    /// Remembers the header of a token that proved good, if there is room.
    pub(crate) fn learn(&self, token: &str) {
        let Some(free) = self.0.iter().find(|place| place.get().is_none()) else {
            return;
        };
        let header = token.split_once('.').map(|(header, _)| header);
        if let Some(header) = header.and_then(KnownHeader::read) {
            // Another thread may have been first with the same one.
            let _ = free.set(header);
        }
    }
}

impl KnownHeader {
    /// Reads a header as every other is read. One that says something by escapes, or has
    /// an extension, is none of ours and stays unknown.
    fn read(text: &str) -> Option<Self> {
        let bytes = base64url::decode(text.as_bytes()).ok()?;
        let header = jwt::read_header(&bytes).ok()?;
        let of_optional = |found: Option<Text<'_>>| match found {
            Some(text) => place(&bytes, text).map(Some),
            None => Some(None),
        };
        if header.extension.is_some() {
            return None;
        }
        Some(Self {
            algorithm: place(&bytes, header.algorithm)?,
            key_id: of_optional(header.key_id)?,
            token_type: of_optional(header.token_type)?,
            text: text.into(),
            bytes: bytes.into_boxed_slice(),
        })
    }

    /// The JSON, which is as long as a decoded text of this length.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What the header says, lent from a copy of its JSON.
    #[inline]
    pub(super) fn lend<'s>(&self, copy: &'s [u8]) -> Option<JoseHeader<'s>> {
        let text = |place: &Place| {
            let quoted = std::str::from_utf8(copy.get(place.clone())?).ok()?;
            Some(Text::unescaped(quoted))
        };
        let optional = |place: &Option<Place>| match place {
            Some(place) => text(place).map(Some),
            None => Some(None),
        };
        Some(JoseHeader {
            algorithm: text(&self.algorithm)?,
            key_id: optional(&self.key_id)?,
            token_type: optional(&self.token_type)?,
            extension: None,
        })
    }
}

/// Where this text stands in the JSON that it was read from; `None` if it has escapes.
fn place(json: &[u8], text: Text<'_>) -> Option<Place> {
    let plain = text.plain()?;
    let start = plain.as_ptr().addr().checked_sub(json.as_ptr().addr())?;
    let place = start.checked_sub(1)?..start.checked_add(plain.len())?.checked_add(1)?;
    json.get(place.clone()).is_some().then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learnt(json: &str) -> KnownHeaders {
        let known = KnownHeaders::default();
        known.learn(&format!("{}.e30.AA", base64url::encode(json.as_bytes())));
        known
    }

    #[test]
    fn a_known_header_says_what_it_said() {
        for json in [
            r#"{"alg":"EdDSA"}"#,
            r#"{"alg":"EdDSA","typ":"JWT","kid":"k"}"#,
            r#" { "kid" : "" , "jku":"x", "alg" : "HS256" } "#,
        ] {
            let text = base64url::encode(json.as_bytes());
            let known = learnt(json);
            let found = known.find(&text).expect("known");
            assert_eq!(found.bytes(), json.as_bytes());
            let copy = found.bytes().to_vec();
            let lent = found.lend(&copy).expect("header");
            let read = jwt::read_header(json.as_bytes()).unwrap();
            assert!(lent.algorithm.same(&read.algorithm));
            let plain = |text: Option<Text<'_>>| text.map(|text| text.to_cow().into_owned());
            assert_eq!(plain(lent.key_id), plain(read.key_id));
            assert_eq!(plain(lent.token_type), plain(read.token_type));
            for other in [&text[1..], &text[..text.len() - 1], &format!("{text}A"), ""] {
                assert!(known.find(other).is_none());
            }
        }
    }

    #[test]
    fn headers_with_escapes_extensions_or_faults_stay_unknown() {
        for json in [
            r#"{"alg":"\u0045dDSA"}"#,
            r#"{"alg":"EdDSA","crit":[]}"#,
            r#"{"alg":"EdDSA","alg":"none"}"#,
            r#"{"kid":"k"}"#,
        ] {
            let known = learnt(json);
            assert!(known.find(&base64url::encode(json.as_bytes())).is_none());
        }
    }

    #[test]
    fn no_more_than_a_few_are_kept_and_none_is_replaced() {
        let known = KnownHeaders::default();
        let text = |id| base64url::encode(format!(r#"{{"alg":"EdDSA","kid":"{id}"}}"#).as_bytes());
        for id in 0..10 {
            known.learn(&format!("{}.e30.AA", text(id)));
        }
        for id in 0..10 {
            assert_eq!(known.find(&text(id)).is_some(), id < KEPT);
        }
    }
}
