//! From the HTTP library's errors to ours.

use std::fmt;
use std::time::Duration;

use ureq::{Error, Timeout};

use super::client::{MOST_HEADER_BYTES, MOST_REDIRECTS};
use super::fetch::{FetchError, FetchErrorKind as Kind};

/// Why there was no answer. The library's list of errors is open: what is not one of
/// connection, time, TLS or permission, is about what the server sent.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the list is open, see above"
)]
pub(super) fn of(error: Error, connect_limit: Duration, time_limit: Duration) -> FetchError {
    match error {
        Error::Timeout(Timeout::Connect) => {
            let seconds = connect_limit.as_secs_f64();
            let detail = format!("there was no connection within {seconds} s");
            FetchError::new(Kind::TooSlow, detail)
        }
        Error::Timeout(_) => FetchError::too_slow(time_limit),
        Error::HostNotFound => FetchError::new(Kind::Unreachable, "the name does not resolve"),
        Error::ConnectionFailed => FetchError::new(Kind::Unreachable, "cannot be reached"),
        Error::Io(error) => broken(&error),
        Error::Rustls(error) => tls(&error),
        Error::Tls(reason) => FetchError::new(Kind::Tls, format!("TLS failed: {reason}")),
        Error::TooManyRedirects => FetchError::new(
            Kind::RedirectRefused,
            format!("the server redirects more than {MOST_REDIRECTS} times"),
        ),
        Error::RequireHttpsOnly(_) => FetchError::new(
            Kind::RedirectRefused,
            "the server redirects from https to http",
        ),
        Error::Other(error) if error.is::<NoneAllowed>() => {
            FetchError::new(Kind::AddressRefused, error.to_string())
        }
        Error::LargeResponseHeader(..) => FetchError::new(
            Kind::BadAnswer,
            format!("the headers are longer than the {MOST_HEADER_BYTES} bytes that are read"),
        ),
        other => FetchError::new(Kind::BadAnswer, format!("the answer is not HTTP: {other}")),
    }
}

/// TLS reports its errors as ones of the connection, with its own inside.
fn broken(error: &std::io::Error) -> FetchError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(inner) => tls(inner),
        None => FetchError::new(Kind::Unreachable, format!("cannot be reached: {error}")),
    }
}

fn tls(error: &rustls::Error) -> FetchError {
    let detail = format!("the server cannot prove who it is: {error}");
    FetchError::new(Kind::Tls, detail)
}

/// A name that leads to addresses which may not be connected to; the first of them.
#[derive(Debug)]
pub(super) struct NoneAllowed(pub(super) String);

impl fmt::Display for NoneAllowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the name leads to {}, an address of a private or special network; \
             if keys are published there, allow it",
            self.0
        )
    }
}

impl std::error::Error for NoneAllowed {}
