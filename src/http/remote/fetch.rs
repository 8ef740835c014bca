//! The joint to an HTTP client: one request out, one bounded answer back.

use std::fmt;
use std::time::Duration;

use http::{Request, Response};

use crate::error::{ErrorClass, Escaped};

/// Longest detail of an error, in characters: it may come from another library.
const DETAIL_LIMIT: usize = 200;

/// An HTTP client, seen from remote keys.
///
/// Ordinary users never call or implement it: [`HttpClient`](super::HttpClient) is
/// there. Implement it to fetch with a client that your application has already.
///
/// `fetch` sends the request as it stands and returns the answer whatever its status,
/// with redirects not followed. It may block: it is called from the thread that keeps
/// keys current, never from one that verifies. What only the client can enforce is
/// up to it: how long a fetch may take (this thread does nothing else meanwhile),
/// which addresses are connected to ([`Addresses::allow`](super::Addresses::allow)),
/// and that it stops reading a body after `limit` bytes. Status, content type,
/// length and content are judged afterwards.
///
/// ```
/// use http::{Request, Response};
/// use tokenwright::http::remote::{Fetch, FetchError, FetchErrorKind};
///
/// /// Key sets out of a folder, for a machine without a network.
/// struct Folder(std::path::PathBuf);
///
/// impl Fetch for Folder {
///     fn fetch(&self, request: &Request<()>, limit: usize) -> Result<Response<Vec<u8>>, FetchError> {
///         use std::io::Read as _;
///         let name = self.0.join(request.uri().host().unwrap_or_default());
///         let file = std::fs::File::open(name)
///             .map_err(|error| FetchError::new(FetchErrorKind::Unreachable, error.to_string()))?;
///         let mut body = Vec::new();
///         let enough = limit as u64 + 1;
///         file.take(enough).read_to_end(&mut body)
///             .map_err(|error| FetchError::new(FetchErrorKind::Unreachable, error.to_string()))?;
///         let answer = Response::builder().header("content-type", "application/json");
///         answer.body(body).map_err(|error| FetchError::new(FetchErrorKind::BadAnswer, error.to_string()))
///     }
/// }
/// ```
pub trait Fetch: Send + Sync {
    /// Sends one request and reads the whole answer, at most `limit` bytes of body
    /// (one more tells that there is more).
    ///
    /// # Errors
    /// [`FetchError`] when there is no answer to judge.
    fn fetch(&self, request: &Request<()>, limit: usize) -> Result<Response<Vec<u8>>, FetchError>;
}

impl<F: Fetch + ?Sized> Fetch for std::sync::Arc<F> {
    fn fetch(&self, request: &Request<()>, limit: usize) -> Result<Response<Vec<u8>>, FetchError> {
        (**self).fetch(request, limit)
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FetchErrorKind {
    /// The name does not resolve, or nothing answers there, or the connection broke.
    Unreachable,
    /// There was no whole answer in time.
    TooSlow,
    /// The server could not prove who it is, or does not speak TLS.
    Tls,
    /// The name resolves to addresses that are not allowed.
    AddressRefused,
    /// The answer is longer than was asked for.
    TooLong,
    /// What came is not HTTP.
    BadAnswer,
    /// Too many redirects, or one to a place that is not allowed.
    RedirectRefused,
    /// The certificates of the authorities to trust cannot be used.
    Certificates,
}

/// A request without an answer, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchError {
    kind: FetchErrorKind,
    detail: String,
}

impl FetchError {
    /// An error of this kind; the detail is cut to a few lines and made safe to print.
    #[must_use]
    pub fn new(kind: FetchErrorKind, detail: impl AsRef<str>) -> Self {
        let short: String = detail.as_ref().chars().take(DETAIL_LIMIT).collect();
        Self {
            kind,
            detail: Escaped(&short).to_string(),
        }
    }

    pub(super) fn too_slow(within: Duration) -> Self {
        let seconds = within.as_secs_f64();
        Self::new(
            FetchErrorKind::TooSlow,
            format!("there was no whole answer within {seconds} s"),
        )
    }

    pub(super) fn too_long(limit: usize) -> Self {
        Self::new(
            FetchErrorKind::TooLong,
            format!("the answer is longer than the {limit} bytes that are read"),
        )
    }

    /// The reason, for a program.
    #[must_use]
    pub fn kind(&self) -> FetchErrorKind {
        self.kind
    }

    /// The stable name of the reason.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.kind {
            FetchErrorKind::Unreachable => "unreachable",
            FetchErrorKind::TooSlow => "too_slow",
            FetchErrorKind::Tls => "tls_failed",
            FetchErrorKind::AddressRefused => "address_refused",
            FetchErrorKind::TooLong => "answer_too_long",
            FetchErrorKind::BadAnswer => "bad_answer",
            FetchErrorKind::RedirectRefused => "redirect_refused",
            FetchErrorKind::Certificates => "bad_certificates",
        }
    }

    /// Who must act: nobody can know the keys, or the operator gave bad certificates.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self.kind {
            FetchErrorKind::Certificates => ErrorClass::Operator,
            FetchErrorKind::Unreachable
            | FetchErrorKind::TooSlow
            | FetchErrorKind::Tls
            | FetchErrorKind::AddressRefused
            | FetchErrorKind::TooLong
            | FetchErrorKind::BadAnswer
            | FetchErrorKind::RedirectRefused => ErrorClass::CannotKnow,
        }
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for FetchError {}
