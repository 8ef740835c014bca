//! How a text can fail to be a token.

use std::fmt;

use crate::encoding::base64url::Base64Error;
use crate::encoding::json::JsonError;

/// A part of a token, as an error names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// The JOSE header (RFC 7515 section 4).
    Header,
    /// The payload: claims, or the message of a PASETO.
    Payload,
    /// The signature.
    Signature,
    /// The footer of a PASETO.
    Footer,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Payload => "payload",
            Self::Signature => "signature",
            Self::Footer => "footer",
        })
    }
}

/// Why a text is not a token that can be judged. It never repeats what the text says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformation {
    /// The text is empty.
    Empty,
    /// The text is longer than the limit.
    TooLong {
        /// Bytes allowed.
        limit: usize,
        /// Bytes found.
        found: usize,
    },
    /// A compact JWS has three parts (RFC 7515 section 3.1).
    Parts {
        /// How many were found; counting stops at six.
        found: usize,
    },
    /// A PASETO has a message and at most one footer, which is not empty.
    PasetoParts,
    /// The text is JSON: the JWS JSON serialization is not accepted (RFC 7519 section 1).
    JsonSerialization,
    /// A PASETO of a version or purpose that is not supported.
    Version,
    /// A part is not canonical base64url (RFC 7515 section 2).
    Base64(Part, Base64Error),
    /// A part is not a strict JSON object (RFC 8259, RFC 7493).
    Json(Part, JsonError),
    /// The header or footer is longer than its limit, in bytes.
    PartTooLong(Part),
    /// A header or footer member is missing or has the wrong type.
    Member {
        /// The part it belongs to.
        part: Part,
        /// Its registered name.
        name: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// The message is shorter than a signature or nonce and tag.
    Truncated,
}

impl fmt::Display for Malformation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("expected a token, found nothing"),
            Self::TooLong { limit, found } => write!(f, "expected at most {limit} bytes, found {found}"),
            Self::Parts { found: 5 } => f.write_str(
                "expected three parts separated by dots, found five: an encrypted token (JWE) is not a signed one",
            ),
            Self::Parts { found: 6 } => {
                f.write_str("expected three parts separated by dots, found six or more")
            }
            Self::Parts { found } => {
                write!(f, "expected three parts separated by dots, found {found}")
            }
            Self::PasetoParts => f.write_str("expected v4.purpose.message or v4.purpose.message.footer"),
            Self::JsonSerialization => {
                f.write_str("expected the compact form (header.payload.signature), found JSON")
            }
            Self::Version => f.write_str("expected PASETO v4.public or v4.local, found another version or purpose"),
            Self::Base64(part, error) => write!(f, "the {part} is {error}"),
            Self::Json(part, error) => write!(f, "the {part} is not a JSON object: {error}"),
            Self::PartTooLong(part) => write!(f, "the {part} is longer than 4096 bytes"),
            Self::Member { part, name, expected } => {
                write!(f, "{name} in the {part} must be {expected}")
            }
            Self::Truncated => f.write_str("the message is too short to hold a signature"),
        }
    }
}

impl std::error::Error for Malformation {}
