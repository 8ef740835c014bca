//! The claims as JSON text, stamped with issuer, times and id.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::error::{MintError, MintErrorKind};
use crate::encoding::json::{self, Bounds, JsonError};
use crate::encoding::write::write_string;
use crate::error::excerpt;
use crate::key::Format;
use crate::time::UnixTime;
use crate::token::{
    CONFIRMATION, Claims, KeyThumbprint, STATUS, StatusClaim, binds_key, is_registered,
    is_status_list, is_uri,
};

/// What the minter adds to the claims.
pub(super) struct Stamp<'m> {
    pub(super) format: Format,
    pub(super) issuer: &'m str,
    pub(super) audience: &'m [String],
    pub(super) lifetime: Duration,
    pub(super) token_id: Option<String>,
    pub(super) now: UnixTime,
}

/// Writes the payload. Members come in a fixed order, registered ones first.
pub(super) fn write_payload<C: Serialize>(
    claims: &Claims<C>,
    stamp: &Stamp<'_>,
) -> Result<String, MintError> {
    // Times are whole seconds: a fraction says nothing here, and some readers refuse it.
    let issued_at = UnixTime::from_seconds(stamp.now.seconds());
    let expires_at = expiry(claims.expires_at(), issued_at, stamp.lifetime)?;
    let mut members = Members {
        json: String::with_capacity(256),
        format: stamp.format,
    };
    members.text("iss", Some(stamp.issuer));
    members.text("sub", claims.subject());
    members.audience(if claims.audience().is_empty() {
        stamp.audience
    } else {
        claims.audience()
    });
    members.time("iat", Some(issued_at))?;
    members.time("nbf", claims.not_before())?;
    members.time("exp", Some(expires_at))?;
    members.text("jti", claims.token_id().or(stamp.token_id.as_deref()));
    members.text("sid", claims.session_id());
    members.text("scope", claims.scope());
    members.status(claims.status())?;
    members.confirmation(claims.bound_key());
    let has_custom = members.custom(claims.custom())?;
    let payload = members.finish();
    if !has_custom {
        // The names are all ours, and no name twice.
        return Ok(payload);
    }
    // What we write, we would read: depth, count and duplicate names are judged here
    // rather than by every verifier.
    json::validate(payload.as_bytes(), Bounds::TOKEN).map_err(|error| {
        MintErrorKind::BadCustomClaims {
            reason: error.to_string(),
        }
    })?;
    Ok(payload)
}

fn expiry(
    asked: Option<UnixTime>,
    issued_at: UnixTime,
    limit: Duration,
) -> Result<UnixTime, MintError> {
    let Some(asked) = asked else {
        return Ok(issued_at.saturating_add(Duration::from_secs(limit.as_secs())));
    };
    let asked = UnixTime::from_seconds(asked.seconds());
    if asked <= issued_at {
        return Err(MintErrorKind::AlreadyExpired {
            at: asked,
            now: issued_at,
        }
        .into());
    }
    let found = asked.saturating_since(issued_at);
    if found > limit {
        return Err(MintErrorKind::LifetimeTooLong { limit, found }.into());
    }
    Ok(asked)
}

struct Members {
    json: String,
    format: Format,
}

impl Members {
    fn name(&mut self, name: &str) {
        self.json.push(if self.json.is_empty() { '{' } else { ',' });
        write_string(name, &mut self.json);
        self.json.push(':');
    }

    fn text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.name(name);
            write_string(value, &mut self.json);
        }
    }

    /// One audience is a string, several are an array (RFC 7519 section 4.1.3).
    /// PASETO knows the string only, so several are an array there as well,
    /// which our verifier reads.
    fn audience(&mut self, audience: &[String]) {
        match audience {
            [] => {}
            [only] => self.text("aud", Some(only)),
            several => {
                self.name("aud");
                for (position, each) in several.iter().enumerate() {
                    self.json.push(if position == 0 { '[' } else { ',' });
                    write_string(each, &mut self.json);
                }
                self.json.push(']');
            }
        }
    }

    fn time(&mut self, name: &'static str, value: Option<UnixTime>) -> Result<(), MintError> {
        let Some(value) = value else { return Ok(()) };
        self.name(name);
        match self.format {
            Format::Jwt => {
                // Writing to a `String` cannot fail.
                let _ = write!(self.json, "{}", value.seconds());
            }
            Format::Paseto => {
                let text = UnixTime::from_seconds(value.seconds())
                    .to_rfc3339()
                    .ok_or(MintErrorKind::TimeOutOfRange { name })?;
                write_string(&text, &mut self.json);
            }
        }
        Ok(())
    }

    /// A reference that verifiers would refuse is not written
    /// (draft-ietf-oauth-status-list section 6.2).
    fn status(&mut self, status: Option<&StatusClaim>) -> Result<(), MintError> {
        let Some(status) = status else { return Ok(()) };
        if !is_uri(status.uri()) {
            return Err(MintErrorKind::BadStatusUri {
                found: excerpt(status.uri()),
            }
            .into());
        }
        self.name(STATUS);
        self.json.push_str("{\"status_list\":{\"idx\":");
        self.json.push_str(&status.index().to_string());
        self.json.push_str(",\"uri\":");
        write_string(status.uri(), &mut self.json);
        self.json.push_str("}}");
        Ok(())
    }

    /// RFC 9449 section 6.1.
    fn confirmation(&mut self, key: Option<KeyThumbprint>) {
        let Some(key) = key else { return };
        self.name(CONFIRMATION);
        self.json.push_str("{\"jkt\":");
        write_string(&key.to_string(), &mut self.json);
        self.json.push('}');
    }

    /// Splices in the members of the application's own object; whether there were any.
    fn custom<C: Serialize>(&mut self, custom: &C) -> Result<bool, MintError> {
        let text =
            serde_json::to_string(custom).map_err(|error| MintErrorKind::BadCustomClaims {
                reason: error.to_string(),
            })?;
        if text == "null" {
            return Ok(false);
        }
        json::object(text.as_bytes(), Bounds::TOKEN, |name, value| {
            let name = name.to_cow();
            let has_field = match &*name {
                STATUS => is_status_list(value),
                CONFIRMATION => binds_key(value),
                name => is_registered(name),
            };
            if has_field {
                Err(CustomError::Reserved(name.into_owned()))
            } else {
                Ok(())
            }
        })
        .map_err(|error| match error {
            CustomError::Json(error) => MintErrorKind::BadCustomClaims {
                reason: error.to_string(),
            },
            CustomError::Reserved(name) => MintErrorKind::ReservedClaim { name },
        })?;
        let members = text
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .unwrap_or_default();
        if !members.is_empty() {
            self.json.push(',');
            self.json.push_str(members);
        }
        Ok(!members.is_empty())
    }

    fn finish(mut self) -> String {
        self.json.push('}');
        self.json
    }
}

enum CustomError {
    Json(JsonError),
    Reserved(String),
}

impl From<JsonError> for CustomError {
    fn from(error: JsonError) -> Self {
        Self::Json(error)
    }
}
