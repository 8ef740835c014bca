//! The pages, as HTML without scripts.

use axum::response::Html;
use tokenwright::keyring::Keyring;
use tokenwright::{Revocation, UnixTime};

use crate::shop::{PRODUCTS, Visit};
use crate::timeline;

/// Text of users' as text of a page.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(character),
        }
    }
    safe
}

fn page(title: &str, visit: Option<&Visit>, main: &str) -> Html<String> {
    let head = match visit {
        Some(visit) => known(visit),
        None => r#"<a class="button quiet" href="/login">Log in</a>"#.to_owned(),
    };
    Html(format!(
        r##"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} · Wright &amp; Daughters</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<a class="skip" href="#main">To the content</a>
<header>
<a class="brand" href="/"><svg viewBox="0 0 32 32" aria-hidden="true"><circle cx="10" cy="16" r="6.5"/><path d="M16.5 16H29v5M24 16v4"/></svg>
<span>Wright <i>&amp;</i> Daughters</span></a>
<nav>{head}</nav>
</header>
<main id="main">
{main}
</main>
<footer>A demonstration of tokenwright. Nothing is sold, and nothing about your visit is stored here:
it travels in your cookie, signed.</footer>
</body>
</html>
"##
    ))
}

fn known(visit: &Visit) -> String {
    let count: u32 = visit
        .data()
        .lines
        .iter()
        .map(|(_, count)| u32::from(*count))
        .sum();
    let admin = if visit.subject() == "admin" {
        r#"<a href="/admin">Keeper</a>"#
    } else {
        ""
    };
    format!(
        r#"{admin}<a href="/basket">Basket <b class="count" id="count">{count}</b></a>
<a href="/account" id="who">{}</a>
{}"#,
        escape(visit.subject()),
        button(visit, "/logout", "Log out", "quiet")
    )
}

/// A form of one button, with the session's form token.
fn button(visit: &Visit, action: &str, label: &str, class: &str) -> String {
    format!(
        r#"<form method="post" action="{action}">{}<button class="{class}">{label}</button></form>"#,
        token_field(visit)
    )
}

fn token_field(visit: &Visit) -> String {
    format!(
        r#"<input type="hidden" name="form_token" value="{}">"#,
        visit.form_token()
    )
}

fn change(visit: &Visit, product: usize, by: i8, label: &str, words: &str) -> String {
    let class = if words.is_empty() { "" } else { "round" };
    let named = if words.is_empty() {
        String::new()
    } else {
        format!(r#" aria-label="{words}""#)
    };
    format!(
        r#"<form method="post" action="/basket/change">{}<input type="hidden" name="product" value="{product}"><input type="hidden" name="by" value="{by}"><button class="{class}"{named}>{label}</button></form>"#,
        token_field(visit)
    )
}

fn price(cents: u64) -> String {
    format!("€ {}.{:02}", cents / 100, cents % 100)
}

/// The drawing of a product, in the page's own colours.
fn drawing(product: usize) -> &'static str {
    match product {
        0 => {
            r#"<g class="brass"><circle class="f" cx="34" cy="60" r="20"/><circle class="h" cx="34" cy="60" r="8"/></g><path d="M54 60h52M92 60v16M104 60v12"/>"#
        }
        1 => {
            r#"<circle cx="60" cy="72" r="30"/><circle cx="60" cy="72" r="22"/><ellipse class="f" cx="60" cy="38" rx="22" ry="14"/><path class="l" d="M52 38h16M60 32v12"/>"#
        }
        2 => {
            r#"<path class="f" d="M24 30h12v62H24zM42 24h12v68H42zM60 34h12v58H60zM78 28h12v64H78z"/><path class="l" d="M20 76h74M20 84h74"/>"#
        }
        3 => {
            r#"<path d="M40 56V42a20 20 0 0 1 40 0v14"/><g class="brass"><rect class="f" x="28" y="56" width="64" height="44" rx="7"/><circle class="h" cx="60" cy="74" r="6"/><path class="l" d="M60 80v10"/></g>"#
        }
        4 => {
            r#"<rect class="f" x="52" y="18" width="16" height="38" rx="8"/><path class="f" d="M38 56h44l8 22H30z"/><path d="M24 88h72"/><path class="l" d="M36 68h48"/>"#
        }
        _ => {
            r#"<rect x="20" y="34" width="80" height="54" rx="4"/><path d="M20 38l40 30 40-30"/><circle class="f" cx="60" cy="68" r="10"/><path class="l" d="M56 68h8M60 64v8"/>"#
        }
    }
}

pub(crate) fn front(visit: Option<&Visit>) -> Html<String> {
    let mut cards = String::new();
    for (number, product) in PRODUCTS.iter().enumerate() {
        let buy = match visit {
            Some(visit) => change(visit, number, 1, "Add to basket", ""),
            None => r#"<a class="button" href="/login">Log in to buy</a>"#.to_owned(),
        };
        cards.push_str(&format!(
            r#"<li class="card"><svg class="art" viewBox="0 0 120 120" aria-hidden="true">{}</svg>
<h2>{}</h2><p>{}</p><div class="row"><span class="price">{}</span>{buy}</div></li>
"#,
            drawing(number),
            product.name,
            product.about,
            price(product.cents)
        ));
    }
    let main = format!(
        r#"<section class="hero"><h1>Small things that close well.</h1>
<p>Keys, seals and stamps, made by hand since the day before yesterday.</p></section>
<ul class="shelf">{cards}</ul>"#
    );
    page("Shop", visit, &main)
}

pub(crate) fn login(
    visit: Option<&Visit>,
    notice: Option<&str>,
    users: &[(&str, &str)],
) -> Html<String> {
    let notice = notice
        .map(|words| format!(r#"<p class="notice" role="status">{words}</p>"#))
        .unwrap_or_default();
    let known: String = users
        .iter()
        .map(|(name, password)| format!("<tr><td>{name}</td><td><code>{password}</code></td></tr>"))
        .collect();
    let main = format!(
        r#"<div class="narrow"><h1>Log in</h1>{notice}
<form class="stack panel" method="post" action="/login">
<label>Name <input name="name" autocomplete="username" required autofocus></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Log in</button></form>
<details class="hint" open><summary>Users of this demonstration</summary>
<table><tr><th>Name</th><th>Password</th></tr>{known}</table></details></div>"#
    );
    page("Log in", visit, &main)
}

pub(crate) fn basket(visit: &Visit) -> Html<String> {
    let mut rows = String::new();
    let mut total = 0;
    for (number, count) in &visit.data().lines {
        let Some(product) = PRODUCTS.get(*number) else {
            continue;
        };
        let sum = product.cents * u64::from(*count);
        total += sum;
        rows.push_str(&format!(
            r#"<tr><td><svg class="thumb" viewBox="0 0 120 120" aria-hidden="true">{}</svg></td>
<td>{name}</td><td class="count-cell">{}<b>{count}</b>{}</td><td class="sum">{}</td></tr>"#,
            drawing(*number),
            change(
                visit,
                *number,
                -1,
                "−",
                &format!("One {} less", product.name)
            ),
            change(
                visit,
                *number,
                1,
                "+",
                &format!("One {} more", product.name)
            ),
            price(sum),
            name = product.name,
        ));
    }
    let main = if rows.is_empty() {
        r#"<div class="narrow"><h1>Your basket</h1><div class="panel"><p>There is nothing in it yet.</p>
<p><a class="button" href="/">Look around</a></p></div></div>"#
            .to_owned()
    } else {
        format!(
            r#"<div class="medium"><h1>Your basket</h1><div class="panel"><table class="basket">{rows}
<tr class="total"><td></td><td>Together</td><td></td><td class="sum">{}</td></tr></table>
<div class="row end">{}</div></div></div>"#,
            price(total),
            button(visit, "/checkout", "Check out", "")
        )
    };
    page("Basket", Some(visit), &main)
}

pub(crate) fn thanks(visit: &Visit) -> Html<String> {
    let orders = visit.data().orders;
    let times = if orders == 1 {
        "your first order in this session".to_owned()
    } else {
        format!("order number {orders} of this session")
    };
    let main = format!(
        r#"<div class="narrow"><h1>Thank you, {}.</h1><div class="panel"><p id="thanks">This was {times}.
Nothing will arrive, of course.</p><p><a class="button" href="/">Back to the shop</a></p></div></div>"#,
        escape(visit.subject())
    );
    page("Thank you", Some(visit), &main)
}

pub(crate) fn account(visit: &Visit, now: UnixTime) -> Html<String> {
    let fact = |name: &str, at: UnixTime, note: &str| {
        format!(
            "<tr><th>{name}</th><td>{}</td><td>{note}</td></tr>",
            timeline::moment(at)
        )
    };
    let left = timeline::span(visit.expires_at().saturating_since(now));
    let whole = timeline::span(visit.ends_at().saturating_since(now));
    let main = format!(
        r#"<div class="medium"><h1>Your session</h1><div class="panel">{}
<table class="facts">{}{}{}{}</table>
<p class="small">Session <code id="session">{}</code></p>
<div class="row">{}{}</div></div></div>"#,
        timeline::session(visit, now),
        fact("Logged in", visit.started_at(), ""),
        fact("Renewed", visit.renewed_at(), ""),
        fact("Over, if idle", visit.expires_at(), &format!("in {left}")),
        fact("Over in any case", visit.ends_at(), &format!("in {whole}")),
        escape(visit.id()),
        button(visit, "/logout", "Log out here", ""),
        button(visit, "/logout-everywhere", "Log out everywhere", "grave"),
    );
    page("Your session", Some(visit), &main)
}

pub(crate) fn admin(
    visit: &Visit,
    keyring: &Keyring,
    entries: &[Revocation<'_>],
    now: UnixTime,
) -> Html<String> {
    let keys: String = keyring
        .keys()
        .iter()
        .map(|key| {
            let time = |at: Option<UnixTime>| at.map_or_else(|| "—".to_owned(), timeline::day);
            let state = key.state(now).to_string();
            format!(
                r#"<tr><td><code>{}</code></td><td>{}</td><td><span class="tag {state}">{state}</span></td><td>{}</td><td>{}</td><td>{}</td></tr>"#,
                escape(&key.id().as_str().chars().take(10).collect::<String>()),
                key.algorithm(),
                time(key.activates_at()),
                time(key.stops_signing_at()),
                time(key.verifies_until()),
            )
        })
        .collect();
    let mut revoked: String = entries
        .iter()
        .rev()
        .take(50)
        .map(|entry| {
            let name: String = entry.name().chars().take(24).collect();
            let meant = match entry.issued_before() {
                Some(before) => format!("begun before {}", timeline::moment(before)),
                None => "all of it".to_owned(),
            };
            format!(
                "<tr><td>{}</td><td><code>{}</code></td><td>{meant}</td><td>{}</td><td>{}</td></tr>",
                entry.by(),
                escape(&name),
                timeline::moment(entry.since()),
                timeline::moment(entry.until()),
            )
        })
        .collect();
    if revoked.is_empty() {
        revoked = r#"<tr><td colspan="5">Nothing is withdrawn.</td></tr>"#.to_owned();
    }
    let main = format!(
        r#"<div class="wide"><h1>The keeper’s desk</h1>
<section class="panel"><h2>Keyring</h2>{}
<div class="scroll"><table class="facts"><tr><th>Key</th><th>Algorithm</th><th>State</th><th>Signs from</th><th>to</th><th>Verifies until</th></tr>{keys}</table></div></section>
<section class="panel"><h2>Revocations <b class="count" id="revocations">{}</b></h2>
<p class="small">Only sessions that ended before their time stand here, until they would have ended anyway.</p>
<div class="scroll"><table class="facts"><tr><th>By</th><th>Name</th><th>Means</th><th>Since</th><th>Kept until</th></tr>{revoked}</table></div>
<form class="row" method="post" action="/admin/end">{}<label class="inline">End all sessions of
<input name="user" required size="12" autocomplete="off"></label><button class="grave">End them</button></form></section></div>"#,
        timeline::keyring(keyring, now),
        entries.len(),
        token_field(visit),
    );
    page("Keeper", Some(visit), &main)
}

pub(crate) fn problem(words: &str) -> Html<String> {
    let main = format!(
        r#"<div class="narrow"><h1>Not like this</h1><div class="panel"><p>{words}</p>
<p><a class="button" href="/">To the shop</a></p></div></div>"#
    );
    page("Not like this", None, &main)
}
