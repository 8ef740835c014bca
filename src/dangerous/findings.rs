//! What a reader should notice about a token, good signature or not.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use super::UnverifiedContents;
use crate::time::UnixTime;
use crate::verify::Span;

/// Beyond this a token's life is worth a word: a day.
const LONG_LIFE: Duration = Duration::from_secs(86_400);

/// Something about a token that its issuer might do better.
///
/// `Display` is a sentence; it repeats no text of the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    code: &'static str,
    message: String,
}

impl Finding {
    /// The stable name of what was found, in snake case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl UnverifiedContents {
    /// What a reader should notice, in no order of weight. None of it says whether
    /// the token is good.
    ///
    /// ```
    /// use tokenwright::dangerous::unverified_contents;
    /// let contents = unverified_contents("eyJhbGciOiJub25lIn0.eyJpc3MiOiJpIn0.")?;
    /// let codes: Vec<&str> = contents.findings().iter().map(|finding| finding.code()).collect();
    /// assert_eq!(codes, ["alg_none", "no_exp", "no_aud"]);
    /// # Ok::<(), tokenwright::Malformation>(())
    /// ```
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut add = |code, message: String| found.push(Finding { code, message });
        if self.algorithm.eq_ignore_ascii_case("none") {
            add(
                "alg_none",
                "alg none: there is no signature at all".to_owned(),
            );
        }
        let header = object(&self.header).unwrap_or_default();
        for name in ["jwk", "jku", "x5u", "x5c"] {
            if header.contains_key(name) {
                let message =
                    format!("the header brings its own key ({name}), which is never used");
                add("own_key", message);
            }
        }
        let Some(claims) = object(&self.payload) else {
            return found;
        };
        for (name, code, words) in [
            ("exp", "no_exp", "it never expires"),
            ("aud", "no_aud", "it is meant for nobody in particular"),
            ("iss", "no_iss", "nobody says who issued it"),
        ] {
            if !claims.contains_key(name) {
                add(code, format!("no {name}: {words}"));
            }
        }
        let (issued, begins, ends) = (self.time("iat"), self.time("nbf"), self.time("exp"));
        if let (Some(issued), Some(ends)) = (issued, ends) {
            let life = ends.saturating_since(issued);
            if life > LONG_LIFE {
                let message = format!("it lives {}, long for a token", Span(life));
                add("long_life", message);
            }
        }
        if let (Some(begins), Some(ends)) = (begins.or(issued), ends)
            && ends <= begins
        {
            let message = "it ends before it begins: there is no time at which it is valid";
            add("never_valid", message.to_owned());
        }
        found
    }

    /// The time that a claim such as `exp` tells: a NumericDate of a JWT, cut to whole
    /// seconds, or an RFC 3339 string of a PASETO. `None` if it is absent or no time.
    #[must_use]
    pub fn time(&self, claim: &str) -> Option<UnixTime> {
        match object(&self.payload)?.get(claim)? {
            Value::Number(number) => {
                // A fraction is cut; the cast stops at the ends of the range.
                let cut = || number.as_f64().map(|seconds| seconds as i64);
                number.as_i64().or_else(cut).map(UnixTime::from_seconds)
            }
            Value::String(text) => UnixTime::parse_rfc3339(text).ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(bytes).ok()
}
