//! What stands in the headers, claims and keys of JWTs, rightly and not.

use crate::draft::{Draft, odd_value};
use crate::random::Dice;
use crate::verdict::{AUDIENCE, ISSUER};

/// Values that members of keys and headers have somewhere.
pub(crate) fn common_value(dice: &mut Dice) -> String {
    let fixed = [
        "\"sig\"",
        "\"enc\"",
        "[\"verify\"]",
        "[\"sign\",\"verify\"]",
        "[\"verify\",\"verify\"]",
        "[\"encrypt\"]",
        "[\"verify\",\"encrypt\"]",
        "\"ES256\"",
        "\"RS256\"",
        "\"HS256\"",
        "\"EdDSA\"",
        "\"none\"",
        "\"P-256\"",
        "\"P-384\"",
        "\"Ed25519\"",
        "\"EC\"",
        "\"RSA\"",
        "\"ec\"",
        "\"AQAB\"",
        "\"k1\"",
        "[\"MIIB\"]",
    ];
    if dice.once_in(3) {
        odd_value(dice)
    } else {
        fixed[dice.below(fixed.len())].to_owned()
    }
}

pub(crate) fn odd_header(header: &mut Draft, dice: &mut Dice) {
    let names = [
        "crit", "b64", "zip", "typ", "kid", "jwk", "jku", "x5u", "x5c", "cty", "alg", "x5t",
        "nonce", "url", "enc", "p2c", "extra",
    ];
    match dice.below(4) {
        0 => header.disturb(dice),
        1 => {
            let name = dice.pick(&names);
            header.set(name, &odd_value(dice));
        }
        2 => {
            let (name, value) = [
                ("crit", "[\"exp\"]"),
                ("crit", "[]"),
                ("b64", "false"),
                ("zip", "\"DEF\""),
                ("typ", "\"at+jwt\""),
                ("typ", "\"jwt\""),
                ("typ", "\"application/JWT\""),
                ("typ", "\"\""),
                ("alg", "\"none\""),
                ("alg", "\"HS256\""),
                ("alg", "\"RS256\""),
                ("alg", "\"hs256\""),
                ("alg", "\"Ed25519\""),
                ("kid", "\"../../x\""),
                ("kid", "\"k1\""),
                ("jku", "\"http://localhost/\""),
                ("cty", "\"JWT\""),
                ("jwk", "{\"kty\":\"oct\",\"k\":\"AA\"}"),
                ("x5c", "[\"MIIB\"]"),
                ("enc", "\"A256GCM\""),
            ][dice.below(20)];
            header.set(name, value);
        }
        _ => header.remove(dice.pick(&["typ", "alg"])),
    }
}

pub(crate) fn claims(now: i64) -> Draft {
    Draft::of(&[
        ("iss", &format!("\"{ISSUER}\"")),
        ("aud", &format!("\"{AUDIENCE}\"")),
        ("sub", "\"alice\""),
        ("iat", &now.to_string()),
        ("exp", &(now + 100_000).to_string()),
    ])
}

pub(crate) fn odd_claim(payload: &mut Draft, dice: &mut Dice, now: i64) {
    let names = [
        "iss", "aud", "sub", "iat", "exp", "nbf", "jti", "sid", "scope", "role",
    ];
    match dice.below(5) {
        0 => payload.disturb(dice),
        1 => payload.remove(dice.pick(&names)),
        2 => {
            let name = dice.pick(&names);
            payload.set(name, &odd_value(dice));
        }
        3 => {
            // Far enough from the boundary that the two clocks agree.
            let offset = [
                -1_000_000_000,
                -100_000,
                -1000,
                -300,
                300,
                1000,
                100_000,
                10_000_000_000,
            ][dice.below(8)];
            let at = now + offset;
            let value = match dice.below(5) {
                0 => format!("{at}.5"),
                1 => format!("{:e}", at as f64),
                2 => format!("\"{at}\""),
                _ => at.to_string(),
            };
            payload.set(dice.pick(&["exp", "nbf", "iat"]), &value);
        }
        _ => {
            let value = [
                format!("[\"{AUDIENCE}\"]"),
                format!("[\"else\",\"{AUDIENCE}\"]"),
                format!("[\"{AUDIENCE}\",1]"),
                format!("[\"{ISSUER}\"]"),
                format!("[\"https://else.example\",\"{ISSUER}\"]"),
                "\"else\"".to_owned(),
                format!("\"{AUDIENCE} \""),
                "[]".to_owned(),
                format!("[\"{AUDIENCE}\",\"{AUDIENCE}\"]"),
                format!("\"{}\"", ISSUER.replace('a', "\\u0061")),
            ][dice.below(10)]
            .clone();
            payload.set(dice.pick(&["iss", "aud"]), &value);
        }
    }
}
