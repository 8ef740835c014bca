//! Every odd way to put a token into headers.

use ::http::HeaderValue;
use ::http::header::HeaderName;

use super::*;

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        headers.append(HeaderName::from_static(name), value);
    }
    headers
}

fn found(
    place: &TokenPlace,
    lines: &[(&'static str, &str)],
) -> Result<Option<String>, &'static str> {
    place
        .find(&headers(lines))
        .map(|token| token.map(str::to_owned))
        .map_err(|error| error.code())
}

fn in_header(value: &str) -> Result<Option<String>, &'static str> {
    found(&TokenPlace::header(), &[("authorization", value)])
}

fn in_cookie(value: &str) -> Result<Option<String>, &'static str> {
    found(
        &TokenPlace::cookie("__Host-session").unwrap(),
        &[("cookie", value)],
    )
}

#[test]
fn the_scheme_is_found_in_any_case() {
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        assert_eq!(
            in_header(&format!("{scheme} a.b.c")),
            Ok(Some("a.b.c".into()))
        );
    }
    assert_eq!(in_header("Bearer   a.b.c"), Ok(Some("a.b.c".into())));
    assert_eq!(
        in_header("Bearer a-b_c~d+e/f=="),
        Ok(Some("a-b_c~d+e/f==".into()))
    );
}

#[test]
fn another_scheme_presents_no_token() {
    for value in [
        "",
        "Basic YWxpY2U6c2VjcmV0",
        "DPoP a.b.c",
        "Bearers a.b.c",
        "Bearer-x a.b.c",
        "a.b.c",
        "Beare",
        "Digest username=\"Bearer a.b.c\"",
    ] {
        assert_eq!(in_header(value), Ok(None), "{value:?}");
    }
}

#[test]
fn what_follows_the_scheme_must_be_one_token() {
    for value in [
        "Bearer",
        "Bearer ",
        "Bearer =",
        "Bearer ==",
        "Bearer a b",
        "Bearer a.b.c ",
        "Bearer a,Bearer b",
        "Bearer a.b.c, Basic x",
        "Bearer\ta.b.c",
        "Bearer \ta.b.c",
        "Bearer\"a.b.c\"",
        "Bearer \"a.b.c\"",
        "Bearer 'a.b.c'",
        "Bearer: a.b.c",
        "Bearer,a.b.c",
        "Bearer=a.b.c",
        "Bearer a.b=c",
        "Bearer {\"a\":1}",
        "Bearer a.b.cé",
        "Bearer \u{feff}a.b.c",
        "Bearer a.b.c;",
        "Bearer token=a.b.c;x",
    ] {
        assert_eq!(in_header(value), Err("not_a_token"), "{value:?}");
    }
}

#[test]
fn two_authorization_headers_are_refused_whatever_they_hold() {
    for second in ["Bearer a.b.c", "Basic YQ==", ""] {
        for (first, second) in [("Bearer a.b.c", second), (second, "Bearer a.b.c")] {
            let lines = [("authorization", first), ("authorization", second)];
            assert_eq!(found(&TokenPlace::header(), &lines), Err("repeated_header"));
        }
    }
}

#[test]
fn a_header_of_a_megabyte_is_refused_unread() {
    let long = format!("Bearer {}", "a".repeat(1 << 20));
    assert_eq!(in_header(&long), Err("credentials_too_long"));
    let long = format!("a={}; __Host-session=x", "a".repeat(1 << 20));
    assert_eq!(in_cookie(&long), Err("credentials_too_long"));
    // A long header of another scheme is nobody's concern here.
    let kerberos = format!("Negotiate {}", "a".repeat(1 << 20));
    assert_eq!(in_header(&kerberos), Ok(None));
    let fits = format!("Bearer {}", "a".repeat(MAX_CREDENTIAL_BYTES - 7));
    assert!(in_header(&fits).is_ok());
    assert_eq!(in_header(&format!("{fits}a")), Err("credentials_too_long"));
}

#[test]
fn many_cookie_headers_are_bounded_together() {
    let piece = "x=".to_owned() + &"a".repeat(1022);
    let lines = vec![("cookie", piece.as_str()); 65];
    let place = TokenPlace::cookie("s").unwrap();
    assert_eq!(found(&place, &lines), Err("credentials_too_long"));
    assert_eq!(found(&place, &lines[..64]), Ok(None));
}

#[test]
fn control_characters_cannot_even_be_written_and_other_bytes_are_refused() {
    for byte in [0, b'\n', b'\r', 0x7f] {
        let value = [b"Bearer a.b".as_slice(), &[byte], b"c"].concat();
        assert!(HeaderValue::from_bytes(&value).is_err(), "{byte:#x}");
    }
    for byte in 0x80..=0xff {
        let mut headers = HeaderMap::new();
        let value = [b"Bearer a.b.c".as_slice(), &[byte]].concat();
        headers.insert(AUTHORIZATION, HeaderValue::from_bytes(&value).unwrap());
        let error = TokenPlace::header().find(&headers).unwrap_err();
        assert_eq!(error.code(), "not_a_token");
    }
}

#[test]
fn a_cookie_is_found_by_its_exact_name_among_others() {
    for value in [
        "__Host-session=a.b.c",
        "theme=dark; __Host-session=a.b.c; lang=en",
        "theme=dark;__Host-session=a.b.c",
        "__Host-session = a.b.c ;x",
        "flag; __Host-session=a.b.c; =x; ;",
        "x__Host-session=evil; __Host-session=a.b.c; __Host-sessionx=evil",
        "other=\"quoted; __Host-session=a.b.c",
    ] {
        assert_eq!(in_cookie(value), Ok(Some("a.b.c".into())), "{value:?}");
    }
    for value in [
        "",
        ";",
        "=",
        "__host-session=a.b.c",
        "__Host-session",
        "x=__Host-session=y",
    ] {
        assert_eq!(in_cookie(value), Ok(None), "{value:?}");
    }
}

#[test]
fn two_cookies_of_the_name_are_refused_wherever_they_stand() {
    for value in [
        "__Host-session=a.b.c; __Host-session=d.e.f",
        "__Host-session=a.b.c; __Host-session=a.b.c",
        "__Host-session=a.b.c; __Host-session=",
        "__Host-session=a.b.c; __Host-session =d.e.f",
        "other=\"x; __Host-session=d.e.f\"; __Host-session=a.b.c",
    ] {
        assert_eq!(in_cookie(value), Err("repeated_cookie"), "{value:?}");
    }
    let lines = [
        ("cookie", "__Host-session=a.b.c"),
        ("cookie", "__Host-session=d.e.f"),
    ];
    let place = TokenPlace::cookie("__Host-session").unwrap();
    assert_eq!(found(&place, &lines), Err("repeated_cookie"));
    // Over HTTP/2 one list of cookies may come in several headers.
    let lines = [("cookie", "theme=dark"), ("cookie", "__Host-session=a.b.c")];
    assert_eq!(found(&place, &lines), Ok(Some("a.b.c".into())));
}

#[test]
fn a_cookie_that_is_not_a_token_is_refused_and_not_absent() {
    for value in [
        "__Host-session=",
        "__Host-session=\"a.b.c\"",
        "__Host-session=\"a.b.c",
        "__Host-session=a.b.c\"",
        "__Host-session='a.b.c'",
        "__Host-session=a b",
        "__Host-session=a,b",
        "__Host-session=a%2eb%2ec",
        "__Host-session==a.b.c",
        "__Host-session=a\\b",
        "__Host-session=é",
    ] {
        assert_eq!(in_cookie(value), Err("not_a_token"), "{value:?}");
    }
}

#[test]
fn one_token_in_each_of_two_places_is_refused() {
    let place = TokenPlace::header_or_cookie("s").unwrap();
    let header = ("authorization", "Bearer a.b.c");
    let cookie = ("cookie", "s=d.e.f");
    assert_eq!(found(&place, &[header, cookie]), Err("several_places"));
    assert_eq!(found(&place, &[header]), Ok(Some("a.b.c".into())));
    assert_eq!(found(&place, &[cookie]), Ok(Some("d.e.f".into())));
    assert_eq!(found(&place, &[]), Ok(None));
    // Where only one place is searched, the other one is somebody else's.
    assert_eq!(
        found(&TokenPlace::header(), &[header, cookie]),
        Ok(Some("a.b.c".into()))
    );
    let only_cookie = TokenPlace::cookie("s").unwrap();
    assert_eq!(
        found(&only_cookie, &[header, cookie]),
        Ok(Some("d.e.f".into()))
    );
}

#[test]
fn a_cookie_needs_a_name_that_cookies_can_have() {
    for name in ["", "a b", "a=b", "a;b", "a\"", "é", "a\0"] {
        let error = TokenPlace::cookie(name).unwrap_err();
        assert_eq!(error.code(), "bad_cookie_name", "{name:?}");
    }
}
