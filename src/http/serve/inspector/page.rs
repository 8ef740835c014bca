//! The page: one form, and what is found out about the token in it.

use std::fmt::Write as _;

use super::html::{Html, Moment, indented};
use super::line;
use super::timeline::{self, short};
use crate::dangerous::{UnverifiedContents, unverified_contents};
use crate::encoding::json::{self, Bounds, JsonError, Text, Value};
use crate::error::{At, ErrorClass};
use crate::keyring::{KeyRecord, Keyring, plan};
use crate::time::UnixTime;
use crate::token::Scratch;
use crate::verify::{Presented, Verifier, VerifyError};

/// What the page shows besides a token.
pub(super) struct Scene<'a> {
    pub(super) keyring: &'a Keyring,
    pub(super) verifier: &'a Verifier,
    /// By the keyring's clock.
    pub(super) now: UnixTime,
}

/// The whole page; with a token, what is found out about it.
pub(super) fn page(scene: &Scene<'_>, token: Option<&str>) -> String {
    let mut out = String::with_capacity(32 * 1024);
    out.push_str(HEAD);
    form(token.unwrap_or_default(), &mut out);
    if let Some(token) = token {
        out.push_str("<div id=\"result\">\n");
        result(scene, token, &mut out);
        out.push_str("</div>\n");
    }
    keyring(scene, &mut out);
    let _ = write!(
        out,
        "</main>\n<footer><p>Rendered {} by tokenwright {}.</p></footer>\n</body>\n</html>\n",
        At(scene.now),
        env!("CARGO_PKG_VERSION")
    );
    out
}

const HEAD: &str = "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"color-scheme\" content=\"light dark\">
<title>tokenwright inspector</title>
<link rel=\"stylesheet\" href=\"/inspector.css\">
<link rel=\"icon\" href=\"data:,\">
</head>
<body>
<a class=\"skip\" href=\"#token\">Skip to the token</a>
<header>
<h1>tokenwright <span>inspector</span></h1>
<nav aria-label=\"This server\"><a href=\"/.well-known/jwks.json\">keys</a> <a href=\"/readyz\">readiness</a> <a href=\"/metrics\">metrics</a></nav>
</header>
<main>
";

fn form(token: &str, out: &mut String) {
    let _ = write!(
        out,
        "<form method=\"post\" action=\"/#result\" autocomplete=\"off\">
<label for=\"token\">Token</label>
<textarea id=\"token\" name=\"token\" rows=\"5\" spellcheck=\"false\" autocapitalize=\"off\" \
autocomplete=\"off\" required placeholder=\"Paste a JWT or a PASETO\" aria-describedby=\"promise\">{}</textarea>
<div class=\"row\"><button>Inspect</button>
<p id=\"promise\">The token goes to this server and nowhere else. It is not kept and not logged; no script runs on this page.</p></div>
</form>
",
        Html(token)
    );
}

fn result(scene: &Scene<'_>, token: &str, out: &mut String) {
    let mut scratch = Scratch::new();
    let judged = scene
        .verifier
        .verify_borrowed(Presented::new(token).at(scene.now), &mut scratch);
    let proven = judged.as_ref().ok().map(|claims| claims.json().to_owned());
    verdict(judged.as_ref().map(|_| ()), out);
    let contents = match unverified_contents(token) {
        Ok(contents) => contents,
        // The verdict says what is wrong with it.
        Err(_) => return,
    };
    times(&contents, scene.now, out);
    findings(&contents, out);
    out.push_str("<div class=\"columns\">\n");
    if !contents.header.is_empty() {
        part("Header", &contents.header, &HEADER_WORDS, out);
    }
    match &proven {
        Some(claims) => part("Claims", claims.as_bytes(), &CLAIM_WORDS, out),
        None if contents.payload.is_empty() => out.push_str(
            "<section><h2>Claims</h2><p>Encrypted: only the key opens them.</p></section>\n",
        ),
        None => {
            let title = "Claims <small>unverified: anyone could have written them</small>";
            part(title, &contents.payload, &CLAIM_WORDS, out);
        }
    }
    if !contents.footer.is_empty() {
        part("Footer", &contents.footer, &HEADER_WORDS, out);
    }
    out.push_str("</div>\n");
}

/// The verdict in one word, and every reason.
fn verdict(judged: Result<(), &VerifyError>, out: &mut String) {
    let error = match judged {
        Ok(()) => {
            out.push_str(
                "<section class=\"verdict good\" role=\"status\"><h2>Valid</h2>\
                 <p>Signature and claims pass every check of this server.</p></section>\n",
            );
            return;
        }
        Err(error) => error,
    };
    let (class, word) = match error.class() {
        ErrorClass::CannotKnow | ErrorClass::Operator => ("unknown", "Cannot be decided"),
        ErrorClass::NotOurs
        | ErrorClass::NotHere
        | ErrorClass::NotNow
        | ErrorClass::Withdrawn
        | ErrorClass::Unclear
        | ErrorClass::NotPermitted => ("bad", "Refused"),
    };
    let _ = write!(
        out,
        "<section class=\"verdict {class}\" role=\"status\"><h2>{word}</h2>\n<ul class=\"reasons\">"
    );
    for reason in error.reasons() {
        let words = reason.to_string();
        let _ = write!(
            out,
            "<li><code>{}</code> {}</li>",
            reason.code(),
            Html(&words)
        );
    }
    out.push_str("</ul></section>\n");
}

fn times(contents: &UnverifiedContents, now: UnixTime, out: &mut String) {
    let Some(picture) = line::picture(contents, now) else {
        return;
    };
    let _ = write!(
        out,
        "<section><h2>Times</h2>\n<div class=\"wide\" tabindex=\"0\">{picture}</div>\n<dl class=\"times\">"
    );
    for (name, words) in [("iat", "issued"), ("nbf", "begins"), ("exp", "ends")] {
        if let Some(at) = contents.time(name) {
            let moment = Moment { at, now };
            let _ = write!(
                out,
                "<div><dt>{words} <code>{name}</code></dt><dd>{moment}</dd></div>"
            );
        }
    }
    out.push_str("</dl></section>\n");
}

fn findings(contents: &UnverifiedContents, out: &mut String) {
    let found = contents.findings();
    out.push_str("<section><h2>Lint</h2>\n");
    if found.is_empty() {
        out.push_str("<p class=\"quiet\">Nothing to say against how it is made.</p></section>\n");
        return;
    }
    out.push_str("<ul class=\"findings\">");
    for finding in found {
        let words = finding.to_string();
        let _ = write!(
            out,
            "<li><code>{}</code> {}</li>",
            finding.code(),
            Html(&words)
        );
    }
    out.push_str("</ul></section>\n");
}

/// What members are called by people.
const HEADER_WORDS: [(&str, &str); 6] = [
    ("alg", "algorithm"),
    ("kid", "key id"),
    ("typ", "type"),
    ("cty", "type of the content"),
    ("crit", "extensions that must be understood"),
    ("jku", "address of keys, ignored"),
];

const CLAIM_WORDS: [(&str, &str); 10] = [
    ("iss", "issuer"),
    ("sub", "subject"),
    ("aud", "audience"),
    ("exp", "ends"),
    ("nbf", "begins"),
    ("iat", "issued"),
    ("jti", "token id"),
    ("sid", "session"),
    ("scope", "permits"),
    ("cnf", "bound to a key"),
];

/// One JSON object: a row for each member, and the text itself.
fn part(title: &str, bytes: &[u8], words: &[(&str, &str)], out: &mut String) {
    let _ = writeln!(out, "<section><h2>{title}</h2>");
    let text = String::from_utf8_lossy(bytes);
    let Some(members) = members(bytes) else {
        let _ = writeln!(
            out,
            "<p>Not a JSON object in the strict sense:</p><pre tabindex=\"0\">{}</pre></section>",
            Html(&text)
        );
        return;
    };
    out.push_str("<table><tbody>");
    for (name, value) in &members {
        let called = words.iter().find(|(each, _)| each == name);
        let called = called.map_or("", |(_, words)| *words);
        let _ = write!(
            out,
            "<tr><th scope=\"row\"><code>{}</code><small>{called}</small></th><td>{}</td></tr>",
            Html(name),
            Html(&plain(value))
        );
    }
    let _ = writeln!(
        out,
        "</tbody></table>\n<details><summary>JSON</summary><pre tabindex=\"0\">{}</pre></details></section>",
        Html(&indented(&text))
    );
}

/// The members of an object in the order written; `None` if the strict reader refuses it.
fn members(bytes: &[u8]) -> Option<Vec<(String, String)>> {
    let mut members = Vec::new();
    json::object(bytes, Bounds::TOKEN, |name: Text<'_>, value: Value<'_>| {
        members.push((name.to_cow().into_owned(), value.raw().to_owned()));
        Ok::<(), JsonError>(())
    })
    .ok()?;
    Some(members)
}

/// A string without its quotes; anything else as JSON.
fn plain(value: &str) -> String {
    match value.starts_with('"') {
        true => serde_json::from_str(value).unwrap_or_else(|_| value.to_owned()),
        false => value.to_owned(),
    }
}

fn keyring(scene: &Scene<'_>, out: &mut String) {
    let keyring = scene.keyring;
    let version = keyring.version();
    let _ = writeln!(
        out,
        "<section><h2>Keyring <small>{} · epoch {}, seq {}</small></h2>",
        Html(keyring.ring()),
        version.epoch,
        version.seq
    );
    let horizon = keyring.policy().period().saturating_mul(2);
    match plan(keyring, scene.now, horizon) {
        Ok(plan) => {
            let picture = timeline::picture(&plan, scene.now);
            let _ = write!(
                out,
                "<div class=\"wide\" tabindex=\"0\">{picture}</div>\n{LEGEND}"
            );
        }
        Err(error) => {
            let words = error.to_string();
            let _ = writeln!(out, "<p>No timeline: {}.</p>", Html(&words));
        }
    }
    out.push_str(
        "<div class=\"wide\" tabindex=\"0\"><table class=\"keys\"><thead><tr><th scope=\"col\">Key</th><th scope=\"col\">Algorithm</th>\
         <th scope=\"col\">State</th><th scope=\"col\">Published</th><th scope=\"col\">Signs from</th>\
         <th scope=\"col\">Signs until</th><th scope=\"col\">Verifies until</th></tr></thead><tbody>\n",
    );
    for key in keyring.keys() {
        row(key, scene.now, out);
    }
    out.push_str("</tbody></table></div></section>\n");
}

const LEGEND: &str = "<ul class=\"legend\"><li><svg width=\"24\" height=\"14\" viewBox=\"0 0 24 14\" aria-hidden=\"true\"><rect class=\"published\" width=\"24\" height=\"14\" rx=\"3\"/></svg> published, waits</li>\
<li><svg width=\"24\" height=\"14\" viewBox=\"0 0 24 14\" aria-hidden=\"true\"><rect class=\"signs\" width=\"24\" height=\"14\" rx=\"3\"/></svg> signs and verifies</li>\
<li><svg width=\"24\" height=\"14\" viewBox=\"0 0 24 14\" aria-hidden=\"true\"><rect class=\"verifies\" width=\"24\" height=\"14\" rx=\"3\"/></svg> only verifies</li>\
<li>“next” keys are not made yet</li></ul>\n";

fn row(key: &KeyRecord, now: UnixTime, out: &mut String) {
    let state = key.state(now).name();
    let id = key.id().as_str();
    let _ = write!(
        out,
        "<tr><th scope=\"row\"><code title=\"{}\">{}</code></th><td>{}</td><td><span class=\"state {state}\">{state}</span></td>",
        Html(id),
        Html(&short(id)),
        key.algorithm()
    );
    for time in [
        Some(key.published_at()),
        key.activates_at(),
        key.stops_signing_at(),
        key.verifies_until(),
    ] {
        let _ = match time {
            Some(at) => write!(out, "<td>{}</td>", Moment { at, now }),
            None => write!(out, "<td class=\"quiet\">not settled</td>"),
        };
    }
    out.push_str("</tr>\n");
}
