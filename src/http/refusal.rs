//! Why a request is not let through.

use std::fmt;

use ::http::StatusCode;

use super::credentials::{CredentialsError, CredentialsErrorKind};
use super::scopes::Scopes;
use crate::error::ErrorClass;
use crate::verify::{VerifyError, VerifyErrorKind};

/// The reason for a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalKind {
    /// The request presents no token.
    NoToken,
    /// Its headers do not give one token.
    Credentials(CredentialsError),
    /// The token was refused.
    Token(VerifyError),
    /// The token is good and does not list the scopes that are required.
    Scopes(Scopes),
    /// Nobody has verified anything: the layer is missing, or its claims are of another type.
    NotVerified,
    /// A proof of possession is judged with the request's method and address, and the
    /// gate was shown its headers alone.
    RequestNeeded,
}

/// A request that is not let through.
///
/// `Display` and [`code`](Self::code) are for the operator's log and never hold a
/// token; the sender is told [`public_message`](Self::public_message) and no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    kind: RefusalKind,
}

impl Refusal {
    /// The reason.
    #[must_use]
    pub fn kind(&self) -> &RefusalKind {
        &self.kind
    }

    /// The stable name of the reason, such as `expired`; for a refused token the verifier's.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.kind {
            RefusalKind::NoToken => "no_token",
            RefusalKind::Credentials(error) => error.code(),
            RefusalKind::Token(error) => error.code(),
            RefusalKind::Scopes(_) => "insufficient_scope",
            RefusalKind::NotVerified => "not_verified",
            RefusalKind::RequestNeeded => "request_needed",
        }
    }

    /// Who must act.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match &self.kind {
            RefusalKind::NoToken => ErrorClass::NotOurs,
            RefusalKind::Credentials(error) => error.class(),
            RefusalKind::Token(error) => error.class(),
            RefusalKind::Scopes(_) => ErrorClass::NotPermitted,
            RefusalKind::NotVerified | RefusalKind::RequestNeeded => ErrorClass::Operator,
        }
    }

    /// The status that follows from the class.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.class().http_status())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// What the sender is told: the same words for every bad token, so that nobody
    /// can feel their way to a good one.
    #[must_use]
    pub fn public_message(&self) -> &'static str {
        match self.class() {
            ErrorClass::Unclear => "expected one token in one place",
            ErrorClass::NotPermitted => "the token does not permit this",
            ErrorClass::CannotKnow | ErrorClass::Operator => {
                "the token cannot be checked at this time"
            }
            ErrorClass::NotOurs
            | ErrorClass::NotHere
            | ErrorClass::NotNow
            | ErrorClass::Withdrawn => match &self.kind {
                RefusalKind::NoToken => "a token is required",
                RefusalKind::Credentials(_)
                | RefusalKind::Token(_)
                | RefusalKind::Scopes(_)
                | RefusalKind::NotVerified
                | RefusalKind::RequestNeeded => match self.oauth_error() {
                    Some("invalid_dpop_proof") => "the proof of possession is not valid",
                    Some("use_dpop_nonce") => {
                        "the proof of possession needs a nonce of this server"
                    }
                    _ => "the token is not valid",
                },
            },
        }
    }

    /// The error code of RFC 6750 section 3.1, or of RFC 9449 when a good token came
    /// with a bad proof: none when no token was presented, and none when the sender is not
    /// to blame.
    #[must_use]
    pub fn oauth_error(&self) -> Option<&'static str> {
        if self.kind == RefusalKind::NoToken {
            return None;
        }
        if let Some(error) = self.proof_error() {
            return error;
        }
        match self.class() {
            ErrorClass::NotOurs
            | ErrorClass::NotHere
            | ErrorClass::NotNow
            | ErrorClass::Withdrawn => Some("invalid_token"),
            ErrorClass::NotPermitted => Some("insufficient_scope"),
            ErrorClass::Unclear => Some("invalid_request"),
            ErrorClass::CannotKnow | ErrorClass::Operator => None,
        }
    }
}

impl Refusal {
    /// The error code of RFC 9449, when it is the proof that was refused.
    fn proof_error(&self) -> Option<Option<&'static str>> {
        use CredentialsErrorKind as Kind;
        if let RefusalKind::Token(error) = &self.kind
            && let VerifyErrorKind::Unproven(error) = error.kind()
        {
            return Some(error.oauth_error());
        }
        let RefusalKind::Credentials(error) = &self.kind else {
            return None;
        };
        let of_proof = matches!(
            error.kind(),
            Kind::NoProof | Kind::RepeatedProof | Kind::NotAProof
        );
        of_proof.then_some(Some("invalid_dpop_proof"))
    }
}

impl From<RefusalKind> for Refusal {
    fn from(kind: RefusalKind) -> Self {
        Self { kind }
    }
}

impl From<CredentialsError> for Refusal {
    fn from(error: CredentialsError) -> Self {
        RefusalKind::Credentials(error).into()
    }
}

impl From<VerifyError> for Refusal {
    fn from(error: VerifyError) -> Self {
        RefusalKind::Token(error).into()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            RefusalKind::NoToken => f.write_str("the request presents no token"),
            RefusalKind::Credentials(error) => error.fmt(f),
            RefusalKind::Token(error) => error.fmt(f),
            RefusalKind::Scopes(scopes) => write!(f, "scope: expected {scopes:?}"),
            RefusalKind::NotVerified => f.write_str(
                "no verified claims of this type: put the layer in front of the handler, or a gate in its state",
            ),
            RefusalKind::RequestNeeded => f.write_str(
                "a proof of possession is judged with the whole request: call check_request in place of check",
            ),
        }
    }
}

impl std::error::Error for Refusal {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            RefusalKind::Credentials(error) => Some(error),
            RefusalKind::Token(error) => Some(error),
            RefusalKind::NoToken
            | RefusalKind::Scopes(_)
            | RefusalKind::NotVerified
            | RefusalKind::RequestNeeded => None,
        }
    }
}
