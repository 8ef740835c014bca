//! Every class of difference, and why we decide as we do.
//!
//! A difference belongs to a class only when our answer has one of the class's codes
//! and serde_json, a third reader, sees in the case what the class is about. The file
//! is long because the table is: one entry for each class, with what it asks of a case.

use serde_json::Value;
use tokenwright::limits::{MAX_HEADER_BYTES, MAX_SECRET_BYTES, MAX_TOKEN_BYTES};

use crate::forge::encode;
use crate::jwt::{SMALL_ORDER, hex};
use crate::verdict::{Case, Direction};

pub(crate) struct Class {
    pub(crate) direction: Direction,
    pub(crate) name: &'static str,
    /// The kinds of cases in which it can occur.
    kinds: &'static [&'static str],
    /// Our codes; none for what we accept.
    codes: &'static [&'static str],
    applies: fn(&Case) -> bool,
    pub(crate) reason: &'static str,
}

impl Class {
    pub(crate) fn direction_word(&self) -> &'static str {
        match self.direction {
            Direction::Stricter => "stricter",
            Direction::Wider => "wider",
            Direction::Contents => "contents",
            Direction::TheyPanic => "panic",
            Direction::WePanic => "OUR PANIC",
        }
    }
}

/// The position of the first class that the case belongs to.
pub(crate) fn class_of(case: &Case, direction: Direction) -> Option<usize> {
    CLASSES.iter().position(|class| {
        let code_fits = match case.code() {
            "" => class.codes.is_empty(),
            code => class.codes.contains(&code),
        };
        class.direction == direction
            && class.kinds.contains(&case.kind)
            && code_fits
            && (class.applies)(case)
    })
}

const JWT: &[&str] = &["JWT"];
const KEY: &[&str] = &["JWT key"];
const PASETO: &[&str] = &["PASETO"];
const CLAIMS: &[&str] = &["JWT", "PASETO"];
const FOOTERS: &[&str] = &["PASETO", "PASETO raw"];
const TIMES: [&str; 3] = ["exp", "nbf", "iat"];

const fn stricter(
    name: &'static str,
    kinds: &'static [&'static str],
    codes: &'static [&'static str],
    applies: fn(&Case) -> bool,
    reason: &'static str,
) -> Class {
    Class {
        direction: Direction::Stricter,
        name,
        kinds,
        codes,
        applies,
        reason,
    }
}

const fn wider(
    name: &'static str,
    kinds: &'static [&'static str],
    applies: fn(&Case) -> bool,
    reason: &'static str,
) -> Class {
    Class {
        direction: Direction::Wider,
        name,
        kinds,
        codes: &[],
        applies,
        reason,
    }
}

pub(crate) const CLASSES: &[Class] = &[
    // Headers of JWTs.
    stricter(
        "extension in the header",
        JWT,
        &["unsupported_extension"],
        |case| case.header().has(&["crit", "b64", "zip"]),
        "crit, b64 and zip change what a token means; we implement none, so their presence is a refusal (RFC 7515 section 4.1.11)",
    ),
    stricter(
        "typ of another kind",
        JWT,
        &["typ_mismatch"],
        |case| {
            case.header()
                .text("typ")
                .is_some_and(|typ| !is_general(typ))
        },
        "a token of another kind is not a general JWT (RFC 8725 section 3.11); jsonwebtoken leaves typ to its caller",
    ),
    stricter(
        "name twice in the header",
        JWT,
        &["malformed"],
        |case| case.header().shape.duplicate,
        "a member that stands twice has two meanings (RFC 8725 section 2.4)",
    ),
    stricter(
        "kid or typ of another type",
        JWT,
        &["malformed"],
        |case| case.header().any(&["kid", "typ"], Value::is_null),
        "null is not a string, and not the same as an absent member",
    ),
    stricter(
        "long header",
        JWT,
        &["malformed"],
        |case| case.header().bytes.len() > MAX_HEADER_BYTES,
        "headers are read before the signature is known, so they are bounded",
    ),
    stricter(
        "deep or crowded header",
        JWT,
        &["malformed"],
        |case| case.header().is_excessive(),
        "nesting and members are bounded before anything is built from them",
    ),
    stricter(
        "long token",
        CLAIMS,
        &["too_long"],
        |case| case.token.len() > MAX_TOKEN_BYTES,
        "no bearer token of that length travels in an HTTP header; the limit can be raised",
    ),
    // Claims.
    stricter(
        "name twice in the claims",
        CLAIMS,
        &["bad_claims"],
        |case| case.payload().shape.duplicate,
        "a claim that stands twice has two meanings (RFC 7519 section 4)",
    ),
    stricter(
        "deep or crowded claims",
        CLAIMS,
        &["bad_claims"],
        |case| case.payload().is_excessive(),
        "nesting and members are bounded before anything is built from them",
    ),
    stricter(
        "issuer in an array",
        JWT,
        &["bad_claims"],
        |case| case.payload().any(&["iss"], Value::is_array),
        "iss is one string (RFC 7519 section 4.1.1)",
    ),
    stricter(
        "text claim of another type",
        CLAIMS,
        &["bad_claims"],
        |case| {
            case.payload()
                .any(&["sub", "jti", "sid", "scope"], |value| !value.is_string())
        },
        "a registered claim of another type is an error, whether or not anybody asked for it",
    ),
    stricter(
        "iat of another type",
        JWT,
        &["bad_claims"],
        |case| case.payload().any(&["iat"], |value| !value.is_number()),
        "as other registered claims; jsonwebtoken does not look at iat",
    ),
    stricter(
        "time beyond 64 bits",
        JWT,
        &["bad_claims"],
        |case| case.payload().any(&TIMES, is_beyond_i64),
        "an instant is a signed 64-bit number here, and nothing is rounded to its end",
    ),
    stricter(
        "iat in the future",
        JWT,
        &["not_yet_valid"],
        |case| {
            case.payload().any(&["iat"], |value| {
                value.as_f64().is_some_and(|at| at > case.now as f64)
            })
        },
        "nobody has issued it yet; jsonwebtoken does not look at iat",
    ),
    stricter(
        "PASETO time in another spelling",
        PASETO,
        &["bad_claims"],
        |case| {
            case.payload()
                .any(&TIMES, |value| value.as_str().is_some_and(is_loose_time))
        },
        "T and Z stand there as capital letters, and no leap second is an instant of Unix time",
    ),
    // Footers of PASETOs.
    stricter(
        "footer that begins an object and is none",
        FOOTERS,
        &["malformed"],
        |case| {
            let footer = case.footer();
            footer.bytes.starts_with(b"{")
                && (!footer.value.is_object()
                    || footer.shape.duplicate
                    || footer.is_excessive()
                    || footer.any(&["kid"], |id| !id.is_string()))
        },
        "we read the key id in the footer, so a footer in JSON is held to the rules of headers; pasetors hands it over unread",
    ),
    stricter(
        "dot without a footer",
        FOOTERS,
        &["malformed"],
        |case| case.token.ends_with('.'),
        "an empty footer would be a second spelling of the same token",
    ),
    // Keys.
    stricter(
        "name twice in a JWK",
        KEY,
        &["malformed_key"],
        |case| case.jwk().shape.duplicate,
        "a member that stands twice has two meanings",
    ),
    stricter(
        "deep or crowded JWK",
        KEY,
        &["malformed_key"],
        |case| case.jwk().is_excessive(),
        "nesting and members are bounded before anything is built from them",
    ),
    stricter(
        "short secret",
        KEY,
        &["secret_too_short"],
        |case| secret_length(case).is_some_and(|length| length < hash_length(case)),
        "an HMAC secret is at least as long as its hash (RFC 7518 section 3.2)",
    ),
    stricter(
        "long secret",
        KEY,
        &["secret_too_long"],
        |case| secret_length(case).is_some_and(|length| length > MAX_SECRET_BYTES),
        "a secret is bounded; beyond a block of its hash it gains nothing",
    ),
    stricter(
        "Ed25519 point of small order",
        KEY,
        &["weak_key", "not_on_curve"],
        |case| {
            case.jwk()
                .text("x")
                .is_some_and(|x| SMALL_ORDER.iter().any(|point| encode(&hex(point)) == x))
        },
        "anyone can forge under such a key, so it is refused where it comes in (RFC 8725 section 3.4)",
    ),
    stricter(
        "key for another algorithm",
        KEY,
        &["algorithm_mismatch", "unsupported_algorithm", "bad_member"],
        |case| {
            case.jwk()
                .any(&["alg"], |alg| alg.as_str() != case.header().text("alg"))
        },
        "a key is used with exactly one algorithm (RFC 8725 section 3.1); jsonwebtoken leaves alg to its caller",
    ),
    stricter(
        "key of another curve",
        KEY,
        &["algorithm_mismatch", "bad_member", "unsupported_key_type"],
        |case| {
            case.jwk()
                .any(&["crv"], |curve| curve.as_str() != Some(curve_of(case)))
        },
        "crv says what the coordinates are; jsonwebtoken takes the curve from the algorithm",
    ),
    stricter(
        "coordinate of another length",
        KEY,
        &["bad_member"],
        |case| {
            case.jwk().any(&["x", "y"], |value| {
                value
                    .as_str()
                    .is_some_and(|text| ![43, 64].contains(&text.len()))
            })
        },
        "each coordinate has exactly its length (RFC 7518 section 6.2.1.2); jsonwebtoken joins them first",
    ),
    stricter(
        "key for another use",
        KEY,
        &["use_mismatch"],
        |case| {
            case.jwk()
                .text("use")
                .is_some_and(|purpose| purpose != "sig")
        },
        "use is obeyed (RFC 7517 section 4.2); jsonwebtoken leaves it to its caller",
    ),
    stricter(
        "key for other operations",
        KEY,
        &["key_ops_mismatch"],
        |case| {
            case.jwk().any(&["key_ops"], |list| {
                list.as_array().is_some_and(|list| !permits(case, list))
            })
        },
        "key_ops are obeyed (RFC 7517 section 4.3); jsonwebtoken leaves them to its caller",
    ),
    stricter(
        "operation twice",
        KEY,
        &["bad_member"],
        |case| {
            case.jwk().any(&["key_ops"], |list| {
                list.as_array().is_some_and(|list| list.len() > 1)
            })
        },
        "key_ops hold no operation twice (RFC 7517 section 4.3)",
    ),
    stricter(
        "null in a key",
        KEY,
        &["bad_member"],
        |case| {
            case.jwk()
                .any(&["use", "key_ops", "kid", "alg"], Value::is_null)
        },
        "null is not the type of a known member, and not the same as an absent one",
    ),
    stricter(
        "private member in a public key",
        KEY,
        &["private_key_given"],
        |case| {
            case.jwk()
                .has(&["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
        },
        "private material where a public key is expected is a leak to be noticed",
    ),
    stricter(
        "key id empty or too long",
        KEY,
        &["bad_key_id"],
        |case| {
            case.jwk()
                .text("kid")
                .is_some_and(|id| id.is_empty() || id.len() > 512)
        },
        "an empty id names nothing, and ids are bounded",
    ),
    // What we accept.
    wider(
        "ignored header member of another type",
        JWT,
        |case| {
            case.header().any(
                &[
                    "jwk", "jku", "x5u", "x5c", "x5t", "cty", "nonce", "url", "enc",
                ],
                |_| true,
            )
        },
        "members we do not use are not read, as RFC 7515 section 4 asks; jsonwebtoken reads them into its Header",
    ),
    wider(
        "time before 1970",
        JWT,
        |case| {
            case.payload().any(&["nbf"], |value| {
                value.as_f64().is_some_and(|at| at.is_sign_negative())
            })
        },
        "a NumericDate may be negative (RFC 7519 section 2)",
    ),
    wider(
        "number beyond a double",
        &["JWT", "JWT key", "PASETO"],
        |case| {
            [case.header(), case.payload(), case.jwk()]
                .iter()
                .any(|part| part.error.contains("number out of range"))
        },
        "numbers in members we do not use are left as they stand; serde_json reads them into a double",
    ),
    wider(
        "audience in an array",
        PASETO,
        |case| case.payload().any(&["aud"], Value::is_array),
        "several audiences are an array here too, as our minter writes them",
    ),
    wider(
        "payload that is not text",
        &["PASETO raw"],
        |case| std::str::from_utf8(&case.payload().bytes).is_err(),
        "a raw payload is any bytes; pasetors hands out text",
    ),
    wider(
        "ignored key member of another type",
        KEY,
        |case| case.jwk().any(&["x5u", "x5c", "x5t"], |_| true),
        "members we do not use are not read (RFC 7517 section 4); jsonwebtoken reads them into its Jwk",
    ),
];

fn secret_length(case: &Case) -> Option<usize> {
    case.jwk().text("k").map(|secret| secret.len() * 3 / 4)
}

/// The length of the hash in the algorithm's name, in bytes.
fn hash_length(case: &Case) -> usize {
    match case.header().text("alg") {
        Some("HS512") => 64,
        Some("HS384") => 48,
        _ => 32,
    }
}

fn curve_of(case: &Case) -> &'static str {
    match case.header().text("alg") {
        Some("ES256") => "P-256",
        Some("ES384") => "P-384",
        _ => "Ed25519",
    }
}

/// Whether operations allow what the key is imported for, and nothing of another kind:
/// a shared secret comes in here as a key that signs too.
fn permits(case: &Case, operations: &[Value]) -> bool {
    let needed = if case.jwk().has(&["k"]) {
        "sign"
    } else {
        "verify"
    };
    operations.contains(&needed.into())
        && operations
            .iter()
            .all(|each| each == "verify" || each == "sign")
}

/// `JWT` as media types are compared.
fn is_general(typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    typ == "jwt" || typ == "application/jwt"
}

fn is_beyond_i64(value: &Value) -> bool {
    value.is_number()
        && value.as_i64().is_none()
        && value.as_f64().is_some_and(|at| at.abs() >= i64::MAX as f64)
}

/// Another letter between date and time, a small one behind them, or a leap second.
fn is_loose_time(text: &str) -> bool {
    text.get(10..11) != Some("T") || text.ends_with('z') || text.contains(":60")
}
