//! Answers as values: a status, headers that every answer has, and a whole body.

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};

/// An answer whose body is there already.
pub type Reply = Response<Bytes>;

/// An answer that no cache keeps and no browser takes for something else.
pub(super) fn reply(status: StatusCode, content_type: &'static str, body: Bytes) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if !content_type.is_empty() {
        let value = HeaderValue::from_static(content_type);
        headers.insert(header::CONTENT_TYPE, value);
    }
    reply
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Reply {
    reply(status, "", Bytes::new())
}

/// A short answer in words, for people.
pub(super) fn words(status: StatusCode, text: &'static str) -> Reply {
    reply(
        status,
        "text/plain; charset=utf-8",
        Bytes::from_static(text.as_bytes()),
    )
}

/// An answer as JSON.
pub(super) fn json(status: StatusCode, body: String) -> Reply {
    reply(status, "application/json", Bytes::from(body))
}

/// The refusal of a method that an address does not have (RFC 9110 section 15.5.6).
pub(super) fn method_not_allowed(allowed: &'static str) -> Reply {
    let mut reply = words(
        StatusCode::METHOD_NOT_ALLOWED,
        "this address does not have that method\n",
    );
    let value = HeaderValue::from_static(allowed);
    reply.headers_mut().insert(header::ALLOW, value);
    reply
}

/// A header value from text that is known to be one; nothing is sent otherwise.
pub(super) fn set(reply: &mut Reply, name: header::HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        reply.headers_mut().insert(name, value);
    }
}
