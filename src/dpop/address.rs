//! Addresses that are compared: those of requests with those in proofs.

/// The address of an HTTP request without query and fragment, in the one form that
/// equal addresses share (RFC 9449 section 4.3, RFC 3986 sections 6.2.2 and 6.2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address(pub(super) String);

impl Address {
    /// Reads the address of a request. None is one that must be tidied to be compared:
    /// what routes it may take `/x/../y` for something below `/x`, and no client sends it.
    pub(super) fn of_request(text: &str) -> Option<Self> {
        let path = text.split(['?', '#']).next()?.split_once("://")?.1;
        let spelled = one_spelling(path.get(path.find('/').unwrap_or(path.len())..)?)?;
        let tidy = spelled.split('/').all(|part| part != "." && part != "..");
        tidy.then(|| Self::parse(text)).flatten()
    }

    /// Reads an absolute address with the scheme `http` or `https`; `None` for any other text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.split(['?', '#']).next()?;
        let (scheme, rest) = text.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let default_port = match scheme.as_str() {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at_checked(slash)?,
            None => (rest, "/"),
        };
        let (host, port) = host_and_port(authority)?;
        let mut address = format!("{scheme}://{host}");
        if let Some(port) = port.filter(|port| *port != default_port) {
            address.push(':');
            address.push_str(&port.to_string());
        }
        address.push_str(&without_dots(&one_spelling(path)?));
        Some(Self(address))
    }
}

/// The host in lower case, and the port unless it is left out. Who is logged in belongs
/// into no address.
fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    let end_of_host = match authority.strip_prefix('[') {
        Some(inside) => inside.find(']')?.checked_add(2)?,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at_checked(end_of_host)?;
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~[]:".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_host) {
        return None;
    }
    let port = match rest.strip_prefix(':') {
        None if rest.is_empty() => None,
        None => return None,
        Some("") => None,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(digits.parse().ok()?)
        }
        Some(_) => return None,
    };
    Some((host.to_ascii_lowercase(), port))
}

/// The path with each octet in its one spelling: unreserved characters as they are,
/// escapes in upper case (RFC 3986 sections 6.2.2.1 and 6.2.2.2), and escaped what may
/// not stand in an address.
fn one_spelling(path: &str) -> Option<String> {
    let mut written = String::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let escaped = byte == b'%';
        let octet = if escaped {
            hexadecimal(bytes.next()?, bytes.next()?)?
        } else {
            byte
        };
        let unreserved = octet.is_ascii_alphanumeric() || b"-._~".contains(&octet);
        let may_stand = unreserved || (!escaped && b"/:@!$&'()*+,;=".contains(&octet));
        if may_stand {
            written.push(char::from(octet));
        } else if escaped || (octet > b' ' && octet != 0x7f) {
            written.push_str(&format!("%{octet:02X}"));
        } else {
            return None;
        }
    }
    Some(written)
}

fn hexadecimal(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let value = digit(high)?.checked_mul(16)?.checked_add(digit(low)?)?;
    u8::try_from(value).ok()
}

/// An absolute path without `.` and `..` (RFC 3986 section 5.2.4).
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            other => kept.push(other),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_whose_path_would_have_to_be_tidied_has_no_address() {
        for path in ["/b/../a/x", "/b/%2e%2E/a", "/./a", "/a/..", "/%2e", "/.."] {
            let text = format!("https://api.example{path}");
            assert!(Address::parse(&text).is_some(), "{path}");
            assert_eq!(Address::of_request(&text), None, "{path}");
        }
        for path in ["", "/", "/a/x", "/..a/.b./c", "/a?next=/../b", "/%2Fa"] {
            let text = format!("https://api.example{path}");
            let address = Address::parse(&text);
            assert!(address.is_some(), "{path}");
            assert_eq!(Address::of_request(&text), address, "{path}");
        }
    }

    #[test]
    fn equal_addresses_have_one_form() {
        for (text, expected) in [
            ("https://api.example/a", "https://api.example/a"),
            ("HTTPS://API.Example:443/a", "https://api.example/a"),
            ("https://api.example:0443/a", "https://api.example/a"),
            ("https://api.example:/a", "https://api.example/a"),
            ("http://api.example:80", "http://api.example/"),
            ("http://api.example:443/", "http://api.example:443/"),
            ("https://api.example?x=/y#z", "https://api.example/"),
            ("https://api.example/a?b=c#d", "https://api.example/a"),
            ("https://api.example/a#?b", "https://api.example/a"),
            (
                "https://[2001:DB8::1]:8443/a",
                "https://[2001:db8::1]:8443/a",
            ),
            ("https://a/%7euser/%2fx%3A", "https://a/~user/%2Fx%3A"),
            ("https://a/x/./y/../z/..", "https://a/x/"),
            ("https://a/%2e%2E/b/.", "https://a/b/"),
            ("https://a/../..", "https://a/"),
            ("https://a//b/", "https://a//b/"),
            ("https://a/\u{e9}|", "https://a/%C3%A9%7C"),
        ] {
            let found = Address::parse(text).map(|address| address.0);
            assert_eq!(found.as_deref(), Some(expected), "{text}");
            // What is in its one form stays so.
            assert_eq!(Address::parse(expected).unwrap().0, expected);
        }
    }

    #[test]
    fn different_addresses_stay_different() {
        let same = |a: &str, b: &str| Address::parse(a) == Address::parse(b);
        for (a, b) in [
            ("https://a/x", "http://a/x"),
            ("https://a/x", "https://a/X"),
            ("https://a/x", "https://a/x/"),
            ("https://a/x", "https://a:8443/x"),
            ("https://a/x", "https://a./x"),
            ("https://a/x%2Fy", "https://a/x/y"),
            ("https://a/x%3Fy", "https://a/x?y"),
            ("https://a/x", "https://b/x"),
        ] {
            assert!(!same(a, b), "{a} {b}");
        }
    }

    #[test]
    fn other_texts_are_no_addresses() {
        for text in [
            "",
            "/a",
            "a.example/a",
            "//a.example/a",
            "ftp://a/",
            "https:/a/",
            "https:///a",
            "https://user@a/",
            "https://user:word@a/",
            "https://a:x/",
            "https://a:65536/",
            "https://a:+1/",
            "https://[::1/",
            "https://[::1]x/",
            "https://a b/",
            "https://a/ b",
            "https://a/\n",
            "https://a/%4",
            "https://a/%zz",
            "https://\u{e9}/",
            "https://a%41/",
        ] {
            assert_eq!(Address::parse(text), None, "{text:?}");
        }
    }
}
