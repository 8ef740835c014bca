//! Forward authentication: a reverse proxy asks about each request before it passes
//! it on.

use std::cell::RefCell;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Request, StatusCode};

use super::identity;
use super::reply::{self, Reply};
use crate::http::{Answers, Refusal, RefusalKind, Scopes, TokenPlace};
use crate::token::{ClaimsRef, Scratch};
use crate::verify::{Verified, Verifier, VerifyErrorKind};

/// Why a request was refused, for the proxy's log.
const REASON: HeaderName = HeaderName::from_static("x-auth-reason");

/// What forward authentication needs to answer.
pub(super) struct Gate {
    pub(super) verifier: Verifier,
    pub(super) place: TokenPlace,
    pub(super) answers: Answers,
}

thread_local! {
    /// The memory that tokens are decoded into, kept from one request to the next.
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new());
}

impl Gate {
    /// The answer, and what came of the token. Nothing is read but the token and the
    /// scope in the address that the operator wrote: `X-Forwarded-…` and the like are
    /// text of the client's.
    pub(super) fn answer(&self, request: &Request<()>) -> (Reply, &'static str) {
        let uri = request.uri();
        // What a proxy appends after the address is the client's, with its query.
        let query = uri.query().filter(|_| uri.path() == "/verify");
        let Some(needed) = needed_scopes(query.unwrap_or_default()) else {
            return bad_query();
        };
        match self.place.find(request.headers()) {
            Ok(Some(token)) => self.judge(token, &needed),
            Ok(None) => self.refuse(&RefusalKind::NoToken.into()),
            Err(error) => self.refuse(&error.into()),
        }
    }

    fn judge(&self, token: &str, needed: &[String]) -> (Reply, &'static str) {
        SCRATCH.with_borrow_mut(|scratch| {
            let verified = match self.verifier.verify_borrowed(token, scratch) {
                Ok(verified) => verified,
                Err(error) => return self.refuse(&error.into()),
            };
            if needed.iter().all(|word| verified.has_scope(word)) {
                return permit(&verified);
            }
            self.refuse(&RefusalKind::Scopes(Scopes::all_from(needed)).into())
        })
    }

    fn refuse(&self, refusal: &Refusal) -> (Reply, &'static str) {
        let mut reply = self.answers.to(refusal).map(Bytes::from);
        let nosniff = HeaderValue::from_static("nosniff");
        let headers = reply.headers_mut();
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
        headers.insert(REASON, HeaderValue::from_static(told_reason(refusal)));
        (reply, refusal.code())
    }
}

fn permit(verified: &Verified<ClaimsRef<'_>>) -> (Reply, &'static str) {
    let mut reply = reply::empty(StatusCode::OK);
    match identity::write(verified, reply.headers_mut()) {
        Ok(()) => (reply, "valid"),
        Err(identity::TooLong) => {
            let text = "the token's claims are too long for the headers of a proxy\n";
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            (reply::words(status, text), "identity_too_long")
        }
    }
}

/// The address is the operator's: what is wrong in it must not pass for "no scope needed".
fn bad_query() -> (Reply, &'static str) {
    let text = "expected /verify or /verify?scope=WORD, with %20 between words; \
        other parameters only after path=\n";
    (reply::words(StatusCode::BAD_REQUEST, text), "bad_query")
}

/// The words of every `scope` in a query, decoded; `None` if it holds anything else.
///
/// After `path=` nothing is read: a proxy that appends the client's address to a
/// prefix can end that with `&path=`.
fn needed_scopes(query: &str) -> Option<Vec<String>> {
    let mut needed = Vec::new();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=')?;
        match name {
            "path" => break,
            "scope" => {
                let words = decoded(value)?;
                for word in words.split(' ') {
                    needed.push(scope_word(word)?);
                }
            }
            _ => return None,
        }
    }
    Some(needed)
}

/// A word that a scope can list (RFC 6749 section 3.3).
fn scope_word(word: &str) -> Option<String> {
    let allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    (!word.is_empty() && word.bytes().all(allowed)).then(|| word.to_owned())
}

/// Percent-decoding (RFC 3986 section 2.1). A `+` could mean itself or a space, and is refused.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'+' => return None,
            b'%' => {
                let (digits, tail) = rest.split_at_checked(2)?;
                let digits = std::str::from_utf8(digits).ok()?;
                let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                bytes.push(u8::from_str_radix(digits, 16).ok().filter(|_| plain)?);
                rest = tail;
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).ok()
}

/// The reason as it may leave the server: proxies differ in whether they pass headers
/// of a refusal on. Until the signature holds it is the same for every token.
fn told_reason(refusal: &Refusal) -> &'static str {
    match refusal.kind() {
        RefusalKind::NoToken
        | RefusalKind::Scopes(_)
        | RefusalKind::NotVerified
        | RefusalKind::RequestNeeded => refusal.code(),
        RefusalKind::Credentials(_) => "invalid_token",
        RefusalKind::Token(error) => match error.kind() {
            VerifyErrorKind::Malformed(_)
            | VerifyErrorKind::UnsupportedExtension { .. }
            | VerifyErrorKind::UnknownKey { .. }
            | VerifyErrorKind::AlgorithmMismatch { .. }
            | VerifyErrorKind::TypeMismatch { .. }
            | VerifyErrorKind::BadSignature => "invalid_token",
            VerifyErrorKind::BadClaims { .. }
            | VerifyErrorKind::IssuerMismatch { .. }
            | VerifyErrorKind::AudienceMismatch { .. }
            | VerifyErrorKind::MissingClaim { .. }
            | VerifyErrorKind::LifetimeTooLong { .. }
            | VerifyErrorKind::OutsideKeyPeriod
            | VerifyErrorKind::Refused { .. }
            | VerifyErrorKind::Expired { .. }
            | VerifyErrorKind::NotYetValid { .. }
            | VerifyErrorKind::TooOld { .. }
            | VerifyErrorKind::Unproven(_)
            | VerifyErrorKind::KeysUnavailable { .. }
            | VerifyErrorKind::Revoked { .. }
            | VerifyErrorKind::RevocationUnknown { .. }
            | VerifyErrorKind::RevocationStale { .. } => error.code(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_gives_scopes_or_is_refused() {
        let words = |query: &str| needed_scopes(query).map(|words| words.join("|"));
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(words(""), some(""));
        assert_eq!(words("scope=orders:write"), some("orders:write"));
        assert_eq!(words("scope=a%20b&scope=c"), some("a|b|c"));
        assert_eq!(words("scope=a&path=/x?scope=b&y"), some("a"));
        assert_eq!(words("scope=caf%C3%A9"), None, "no scope lists such a word");
        for refused in [
            "scopes=a",
            "scope",
            "scope=",
            "scope=a+b",
            "scope=a%2",
            "scope=a%+1",
            "scope=%zz",
            "scope=a%20%20b",
            "scope=%22",
            "a",
            "x=1&scope=a",
            "scope=%ff",
        ] {
            assert_eq!(words(refused), None, "{refused}");
        }
    }
}
