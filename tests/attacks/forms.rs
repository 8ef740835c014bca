//! Rows 27 to 31 and 33 to 39: texts that are almost a token.

use serde_json::{Value, json};
use tokenwright::key::Algorithm;
use tokenwright::{Scratch, UntrustedToken, Verifier};

use crate::forge::encode;
use crate::scene::*;

/// Row 27.
#[test]
fn crit_is_refused_whatever_it_says() {
    let issuer = Issuer::new(Algorithm::EdDsa);
    issuer.accepts(&issuer.token());
    for critical in [
        json!(["exp"]),
        json!(["http://example.com/UNDEFINED"]),
        json!([]),
        json!("exp"),
        json!(null),
        json!({}),
        json!(1),
        json!(false),
        json!(["exp", "exp"]),
        json!(["alg"]),
        json!([""]),
        json!([null]),
        json!([["b64"]]),
        json!(["b64"]),
        json!(["crit"]),
        json!(["absent"]),
    ] {
        issuer.refuses(
            &issuer.with_header("crit", critical.clone()),
            "unsupported_extension",
        );
        let mut header = issuer.header();
        header["crit"] = critical;
        header["exp"] = json!(NOW.seconds() + 900);
        header["b64"] = json!(true);
        issuer.refuses(
            &issuer.forge.jws(header.to_string(), claims().to_string()),
            "unsupported_extension",
        );
    }
    // Under a name written with an escape it is the same member.
    let header = r#"{"alg":"EdDSA","kid":"k1","\u0063rit":["exp"]}"#;
    issuer.refuses(
        &issuer.forge.jws(header, claims().to_string()),
        "unsupported_extension",
    );
}

/// Row 28.
#[test]
fn an_unencoded_payload_is_refused_before_it_is_decoded() {
    let issuer = Issuer::new(Algorithm::EdDsa);
    for value in [
        json!(false),
        json!(true),
        json!(null),
        json!("false"),
        json!(0),
    ] {
        issuer.refuses(
            &issuer.with_header("b64", value.clone()),
            "unsupported_extension",
        );
        let mut header = issuer.header();
        header["b64"] = value;
        header["crit"] = json!(["b64"]);
        let header = header.to_string();
        issuer.refuses(
            &issuer.forge.jws(&header, claims().to_string()),
            "unsupported_extension",
        );
        // The payload stands there as it is (RFC 7797 section 3).
        let open = issuer
            .forge
            .jws_of_parts(&encode(header.as_bytes()), "$_payload_");
        issuer.refuses(&open, "unsupported_extension");
        let huge = issuer
            .forge
            .jws_of_parts(&encode(header.as_bytes()), &"!".repeat(15_001));
        assert!(verifier(&issuer.keys(), policy()).verify(&huge).is_err());
    }
    issuer.accepts(&issuer.token());
}

/// Row 29.
#[test]
fn a_detached_payload_has_no_way_in() {
    let issuer = Issuer::new(Algorithm::EdDsa);
    let honest = issuer.token();
    issuer.accepts(&honest);
    let [header, payload, signature] = parts(&honest);
    // The signature is right, the payload is elsewhere (RFC 7515 appendix F).
    issuer.refuses(&format!("{header}..{signature}"), "bad_signature");
    issuer.refuses(&issuer.with_payload(""), "bad_claims");
    issuer.refuses(&format!("{header}..{signature}.{payload}"), "malformed");
}

/// Row 30.
#[test]
fn an_encrypted_token_is_not_taken_for_a_signed_one() {
    let issuer = Issuer::new(Algorithm::Rs256);
    let honest = issuer.token();
    issuer.accepts(&honest);
    let [_, payload, signature] = parts(&honest);
    for header in [
        r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#,
        r#"{"alg":"dir","enc":"A256GCM","zip":"DEF"}"#,
        r#"{"alg":"RS256","kid":"k1","enc":"A256GCM"}"#,
        r#"{"alg":"none"}"#,
    ] {
        let encrypted = format!(
            "{}.{payload}.AAAAAAAAAAAAAAAA.{payload}.{signature}",
            encode(header.as_bytes())
        );
        let error = issuer.refuses(&encrypted, "malformed");
        assert_eq!(
            error.to_string(),
            "expected three parts separated by dots, found five: an encrypted token (JWE) is not a signed one"
        );
    }
    // Nor is a token inside a token unpacked (RFC 7519 section 5.2).
    issuer.refuses(&issuer.with_payload(&honest), "bad_claims");
    let nested = issuer
        .forge
        .jws(r#"{"alg":"RS256","kid":"k1","cty":"JWT"}"#, &honest);
    issuer.refuses(&nested, "bad_claims");
}

/// Row 31.
#[test]
fn a_token_in_json_is_refused_also_when_it_hides_a_compact_one() {
    let issuer = Issuer::new(Algorithm::EdDsa);
    let honest = issuer.token();
    issuer.accepts(&honest);
    let [header, payload, signature] = parts(&honest);
    let evil = encode(json!({"sub": "root"}).to_string().as_bytes());
    for text in [
        json!({"protected": header, "payload": payload, "signature": signature}).to_string(),
        json!({"payload": payload, "signatures": [{"protected": header, "signature": signature}]})
            .to_string(),
        format!(
            r#"{{"  {header}.{evil}.":"","protected":"{header}","payload":"{payload}","signature":"{signature}"}}"#
        ),
        format!(r#" {{"protected":"{header}","payload":"{payload}","signature":"{signature}"}}"#),
        format!(r#"{{"{honest}":0}}"#),
        format!(r#""{honest}""#),
        format!(r#"["{honest}"]"#),
    ] {
        issuer.refuses(&text, "malformed");
    }
}

/// Row 33, of which tokens can do this much: nothing is ever inflated.
#[test]
fn a_compressed_payload_is_refused() {
    let issuer = Issuer::new(Algorithm::EdDsa);
    issuer.accepts(&issuer.token());
    for value in [
        json!("DEF"),
        json!("GZ"),
        json!(""),
        json!(null),
        json!(true),
    ] {
        issuer.refuses(&issuer.with_header("zip", value), "unsupported_extension");
    }
}

/// A verifier whose limit on length is out of the way.
fn unlimited(issuer: &Issuer) -> Verifier {
    Verifier::builder(issuer.keys())
        .policy(policy())
        .without_revocation()
        .clock(tokenwright::ManualClock::at(NOW))
        .max_token_bytes(usize::MAX)
        .build()
}

/// Row 34.
#[test]
fn a_huge_token_is_refused_by_its_length_and_a_million_dots_are_not_walked() {
    let issuer = Issuer::new(Algorithm::EdDsa);
    let honest = issuer.token();
    let lenient = unlimited(&issuer);
    accepted_by(&lenient, &honest);
    let dots = ".".repeat(1_000_000);
    let signed = honest.clone() + &dots;
    for text in [
        &dots,
        &signed,
        &format!("Bearer {dots}"),
        &format!("v4.public.{dots}"),
        &format!("v4.local.{dots}"),
    ] {
        let error = refused_by(&verifier(&issuer.keys(), policy()), text, "too_long");
        assert_eq!(
            error.to_string(),
            format!("expected at most 16384 bytes, found {}", text.len())
        );
        let error = refused_by(&lenient, text, "malformed");
        assert!(
            error.to_string().len() < 200,
            "the message does not grow: {error}"
        );
    }
    let huge = "A".repeat(100_000_000);
    let error = issuer.refuses(&huge, "too_long");
    assert_eq!(
        error.to_string(),
        "expected at most 16384 bytes, found 100000000"
    );
    // Without that limit the header's own stops it, before it is decoded.
    refused_by(&lenient, &format!("{huge}.e30.AA"), "malformed");
    let mut scratch = Scratch::new();
    assert!(UntrustedToken::parse(&huge, &mut scratch).is_err());
    // One byte decides.
    let exact = |length: usize| issuer.with_payload(padded_claims(length));
    let overhead = exact(8000).len();
    let fitting = (8000..)
        .map(&exact)
        .take_while(|token| token.len() <= 16_384)
        .last()
        .unwrap();
    assert!(fitting.len() > overhead && fitting.len() >= 16_383);
    issuer.accepts(&fitting);
    issuer.refuses(&(fitting + "AAAA"), "too_long");
}

/// Honest claims, filled up with spaces to a length.
fn padded_claims(length: usize) -> String {
    let claims = claims().to_string();
    let room = length.saturating_sub(claims.len());
    claims + &" ".repeat(room)
}

/// Runs with a stack of 256 KiB: one that recursion over hostile text would use up.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new()
        .stack_size(256 * 1024)
        .spawn(work)
        .unwrap()
        .join()
        .unwrap();
}

/// Row 35.
#[test]
fn deep_nesting_is_an_error_and_no_stack_overflow() {
    on_a_small_stack(|| {
        let issuer = Issuer::new(Algorithm::EdDsa);
        let lenient = unlimited(&issuer);
        let nested = |depth: usize, open: &str, inner: &str, close: &str| {
            format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
        };
        let with_header = |value: &str| {
            let header = format!(r#"{{"alg":"EdDSA","kid":"k1","deep":{value}}}"#);
            issuer.forge.jws(header, claims().to_string())
        };
        let with_claim = |value: &str| {
            let payload = claims().to_string();
            issuer.with_payload(format!(
                r#"{},"deep":{value}}}"#,
                payload.trim_end_matches('}')
            ))
        };
        accepted_by(&lenient, &with_header(&nested(60, "[", "", "]")));
        accepted_by(&lenient, &with_claim(&nested(60, "[", "", "]")));
        for depth in [65, 100, 1000, 100_000] {
            for (open, inner, close) in [
                ("[", "", "]"),
                ("[", "", ""),
                (r#"{"a":"#, "1", "}"),
                (r#"[{"a":"#, "1", ""),
            ] {
                let value = nested(depth, open, inner, close);
                refused_by(&lenient, &with_header(&value), "malformed");
                refused_by(&lenient, &with_claim(&value), "bad_claims");
                refused_by(&lenient, &issuer.with_payload(&value), "bad_claims");
                assert!(tokenwright::json::check(value.as_bytes()).is_err());
                let jwk = tokenwright::key::VerifyingKey::from_jwk(
                    format!(r#"{{"kty":"OKP","x":{value}}}"#).as_bytes(),
                    &tokenwright::key::ImportOptions::new(),
                );
                assert!(jwk.is_err());
                assert!(
                    tokenwright::KeySet::from_jwks(format!(r#"{{"keys":{value}}}"#).as_bytes())
                        .is_err()
                );
            }
        }
    });
}

/// Not a row of its own: a comparison of names pairwise must not become a bomb.
#[test]
fn a_million_members_are_an_error_and_not_a_million_squared_comparisons() {
    let issuer = Issuer::new(Algorithm::EdDsa);
    let many = |count: usize| {
        let members: String = (0..count).map(|at| format!(r#","m{at}":0"#)).collect();
        issuer.with_payload(format!(
            "{}{members}}}",
            claims().to_string().trim_end_matches('}')
        ))
    };
    let lenient = unlimited(&issuer);
    accepted_by(&lenient, &many(200));
    for count in [257, 1_000_000] {
        refused_by(&lenient, &many(count), "bad_claims");
    }
    // Many short objects, one after the other, are no more than their length.
    let siblings = format!(
        r#"{},"list":[{}{{}}]}}"#,
        claims().to_string().trim_end_matches('}'),
        r#"{"a":1},"#.repeat(100_000)
    );
    accepted_by(&lenient, &issuer.with_payload(siblings));
}

/// Row 36.
#[test]
fn a_member_that_stands_twice_is_refused_wherever_it_stands() {
    let issuer = Issuer::new(Algorithm::EdDsa);
    issuer.accepts(&issuer.token());
    for header in [
        r#"{"alg":"EdDSA","alg":"EdDSA","kid":"k1"}"#,
        r#"{"alg":"none","alg":"EdDSA","kid":"k1"}"#,
        r#"{"alg":"EdDSA","kid":"k1","kid":"k2"}"#,
        r#"{"alg":"EdDSA","kid":"k1","\u0061lg":"none"}"#,
        r#"{"alg":"EdDSA","kid":"k1","x":{"a":1,"a":2}}"#,
        r#"{"alg":"EdDSA","kid":"k1","x":[[{"a":1,"\u0061":2}]]}"#,
    ] {
        issuer.refuses(&issuer.forge.jws(header, claims().to_string()), "malformed");
    }
    let payload = claims().to_string();
    for second in [
        r#""exp":9999999999"#,
        r#""sub":"root""#,
        r#""\u0073ub":"root""#,
        r#""x":{"":1,"":2}"#,
        r#""jti":"t1""#,
    ] {
        let doubled = format!("{},{second}}}", payload.trim_end_matches('}'));
        issuer.refuses(&issuer.with_payload(doubled), "bad_claims");
        let doubled = format!("{{{second},{}", payload.trim_start_matches('{'));
        issuer.refuses(&issuer.with_payload(doubled), "bad_claims");
    }
    // Names that only look alike are two names.
    issuer.accepts(&issuer.with_claim("Sub", json!("root")));
    issuer.accepts(&issuer.with_claim("s\u{fc}b", json!("x")));
}

/// Row 37.
#[test]
fn only_one_base64_spelling_of_a_token_is_accepted() {
    let issuer = Issuer::new(Algorithm::Es256);
    let honest = issuer.token();
    issuer.accepts(&honest);
    let [header, payload, signature] = parts(&honest);
    // 64 bytes leave four bits in the last letter: fifteen aliases.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (start, last) = signature.split_at(signature.len() - 1);
    let value = alphabet.find(last).unwrap();
    for alias in (0..64).filter(|other| other / 16 == value / 16 && *other != value) {
        let aliased = format!("{header}.{payload}.{start}{}", &alphabet[alias..=alias]);
        issuer.refuses(&aliased, "malformed");
    }
    for junk in [
        "=", "==", "\n", "\r\n", " ", "\t", "\0", "+", "/", "%3D", "A", "AA", "AAA", "*", "\u{e9}",
        "~",
    ] {
        for at in [0, 1, signature.len() / 2, signature.len()] {
            let mut changed = signature.to_owned();
            changed.insert_str(at, junk);
            let error = verifier(&issuer.keys(), policy())
                .verify(&format!("{header}.{payload}.{changed}"))
                .unwrap_err();
            assert!(
                matches!(error.code(), "malformed" | "bad_signature"),
                "{error}"
            );
        }
        // A signature over a malformed part does not heal it.
        for (header, payload) in [
            (format!("{header}{junk}"), payload.to_owned()),
            (header.to_owned(), format!("{payload}{junk}")),
            (format!("{junk}{header}"), payload.to_owned()),
            (header.to_owned(), format!("{junk}{payload}")),
        ] {
            let forged = issuer.forge.jws_of_parts(&header, &payload);
            let error = verifier(&issuer.keys(), policy())
                .verify(&forged)
                .unwrap_err();
            assert!(
                matches!(error.code(), "malformed" | "bad_claims"),
                "{error}: {forged}"
            );
        }
    }
    // The other alphabet (RFC 4648 section 4), over bytes that need it.
    let needing = (0..)
        .map(|at| issuer.with_claim("n", json!(format!("\u{fb}\u{ff}{at}?>?>"))))
        .find(|token| parts(token)[1].contains(['-', '_']))
        .unwrap();
    issuer.accepts(&needing);
    let [header, payload, _] = parts(&needing);
    let standard = payload.replace('-', "+").replace('_', "/");
    issuer.refuses(&issuer.forge.jws_of_parts(header, &standard), "malformed");
}

/// Row 38.
#[test]
fn nothing_may_stand_around_a_token() {
    let issuer = Issuer::new(Algorithm::EdDsa);
    let honest = issuer.token();
    issuer.accepts(&honest);
    let around = [
        " ", "\n", "\r\n", "\t", "\0", "\u{b}", "\u{feff}", "\u{200b}", "\u{2060}", "\u{a0}", "\"",
        "'", "Bearer ", "bearer ", "JWT ", ".", "..", "=", ";", ",", "%20", "#", "<", "/",
    ];
    for text in around {
        issuer.refuses(&format!("{text}{honest}"), "malformed");
        issuer.refuses(&format!("{honest}{text}"), "malformed");
        issuer.refuses(&format!("{text}{honest}{text}"), "malformed");
        issuer.refuses(&honest.replacen('.', &format!("{text}."), 1), "malformed");
    }
    for dot in ["\u{ff0e}", "\u{2024}", "\u{3002}", "\u{fe52}", "%2E"] {
        issuer.refuses(&honest.replace('.', dot), "malformed");
    }
    assert!(
        verifier(&issuer.keys(), policy())
            .verify(&honest.to_uppercase())
            .is_err()
    );
}

/// Row 39.
#[test]
fn json_is_utf8_and_nothing_else() {
    let issuer = Issuer::new(Algorithm::EdDsa);
    issuer.accepts(&issuer.token());
    issuer.accepts(&issuer.with_claim("n", json!("é\u{10ffff}\0")));
    let header = issuer.header().to_string();
    let payload = claims().to_string();
    let wide = |text: &str, little: bool| -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| {
                if little {
                    unit.to_le_bytes()
                } else {
                    unit.to_be_bytes()
                }
            })
            .collect()
    };
    let wider = |text: &str| -> Vec<u8> {
        text.chars()
            .flat_map(|each| u32::from(each).to_be_bytes())
            .collect()
    };
    for encoding in [
        |text: &str, wide: &dyn Fn(&str, bool) -> Vec<u8>, _: &dyn Fn(&str) -> Vec<u8>| {
            wide(text, true)
        },
        |text: &str, wide: &dyn Fn(&str, bool) -> Vec<u8>, _: &dyn Fn(&str) -> Vec<u8>| {
            wide(text, false)
        },
        |text: &str, _: &dyn Fn(&str, bool) -> Vec<u8>, wider: &dyn Fn(&str) -> Vec<u8>| {
            wider(text)
        },
        |text: &str, _: &dyn Fn(&str, bool) -> Vec<u8>, _: &dyn Fn(&str) -> Vec<u8>| {
            [b"\xef\xbb\xbf", text.as_bytes()].concat()
        },
        |text: &str, wide: &dyn Fn(&str, bool) -> Vec<u8>, _: &dyn Fn(&str) -> Vec<u8>| {
            [b"\xff\xfe".to_vec(), wide(text, true)].concat()
        },
    ] {
        issuer.refuses(
            &issuer.forge.jws(encoding(&header, &wide, &wider), &payload),
            "malformed",
        );
        issuer.refuses(
            &issuer.with_payload(encoding(&payload, &wide, &wider)),
            "bad_claims",
        );
    }
    // Overlong, surrogate, beyond the last character, cut, stray (RFC 3629 section 3).
    for bytes in [
        &b"\xc0\xaf"[..],
        b"\xc1\xa1",
        b"\xe0\x80\xaf",
        b"\xf0\x80\x80\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xe2\x82",
        b"\x80",
        b"\xff",
        b"\xfe",
    ] {
        let inside = |text: &str| {
            [
                text.trim_end_matches('}').as_bytes(),
                br#","n":""#,
                bytes,
                br#""}"#,
            ]
            .concat()
        };
        issuer.refuses(&issuer.forge.jws(inside(&header), &payload), "malformed");
        issuer.refuses(&issuer.with_payload(inside(&payload)), "bad_claims");
    }
    for escape in [
        r"\ud800",
        r"\udc00",
        r"\udc00\ud800",
        r"\ud800x",
        r"\ud800A",
        r"\uD83D",
        r"\u12",
        r"\x41",
        r"\a",
        "\u{1}",
        "\n",
    ] {
        let inside = |text: &str| format!(r#"{},"n":"{escape}"}}"#, text.trim_end_matches('}'));
        issuer.refuses(&issuer.forge.jws(inside(&header), &payload), "malformed");
        issuer.refuses(&issuer.with_payload(inside(&payload)), "bad_claims");
    }
    let inside: Value = serde_json::from_str(r#""\ud83d\ude00""#).unwrap();
    issuer.accepts(&issuer.with_claim("n", inside));
}

/// RFC 8259: what follows or replaces the one object makes it no object.
#[test]
fn header_and_claims_are_one_json_object_each() {
    let issuer = Issuer::new(Algorithm::EdDsa);
    let (header, payload) = (issuer.header().to_string(), claims().to_string());
    issuer.accepts(
        &issuer
            .forge
            .jws(format!(" \n{header}\t\r"), format!(" {payload} ")),
    );
    for form in [
        "{}x", "{}{}", "[{}]", "", "null", "1", "\"text\"", "{", "}", "{,}", "{} //", "/**/{}",
        "{};",
    ] {
        let (bad_header, bad_payload) = (form.replace("{}", &header), form.replace("{}", &payload));
        issuer.refuses(&issuer.forge.jws(&bad_header, &payload), "malformed");
        issuer.refuses(&issuer.with_payload(&bad_payload), "bad_claims");
    }
    for value in [
        "01",
        "+1",
        "1.",
        ".5",
        "1e",
        "0x10",
        "NaN",
        "Infinity",
        "-",
        "'a'",
        "a",
        "tru",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
    ] {
        let inside = format!(r#"{},"n":{value}}}"#, payload.trim_end_matches('}'));
        issuer.refuses(&issuer.with_payload(inside), "bad_claims");
    }
}
