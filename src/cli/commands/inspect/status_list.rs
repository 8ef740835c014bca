//! `tokenwright inspect` of a status list token: which list it is, and what it holds.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};
use tokenwright::dangerous::{UnverifiedContents, unverified_contents_within};
use tokenwright::limits::MAX_JWKS_BYTES;
use tokenwright::status_list::{StatusList, StatusListError};

use super::{json_part, show_times};
use crate::cli::escape::{Escaped, json_string, one_line_json};
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Paint};
use crate::cli::times;

/// A text that calls itself a status list, as its header has it. Lists may be longer
/// than tokens, up to what `inspect` reads.
pub(super) fn recognise(token: &str) -> Option<UnverifiedContents> {
    let contents = unverified_contents_within(token, MAX_JWKS_BYTES).ok()?;
    let header: Map<String, Value> = serde_json::from_slice(&contents.header).ok()?;
    let name = header.get("typ")?.as_str()?.to_ascii_lowercase();
    let name = name.strip_prefix("application/").unwrap_or(&name);
    (name == "statuslist+jwt").then_some(contents)
}

/// What an unverified list says of itself.
struct Said {
    claims: Map<String, Value>,
    list: Result<StatusList, StatusListError>,
}

impl Said {
    fn by(contents: &UnverifiedContents) -> Self {
        let strict = tokenwright::json::check(&contents.payload).is_ok();
        let claims = serde_json::from_slice(&contents.payload).ok();
        let claims: Map<String, Value> = claims.filter(|_| strict).unwrap_or_default();
        let list = claims.get("status_list").cloned().unwrap_or_default();
        Self {
            claims,
            list: StatusList::from_json(list.to_string().as_bytes()),
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }
}

/// How many places have which status, but for those that are valid.
fn counts(list: &StatusList) -> BTreeMap<u8, (String, u64)> {
    let mut counts = BTreeMap::new();
    for (_, status) in list.not_valid() {
        let entry = counts
            .entry(status.value())
            .or_insert_with(|| (status.to_string(), 0));
        entry.1 = u64::saturating_add(entry.1, 1);
    }
    counts
}

pub(super) fn show(
    contents: &UnverifiedContents,
    json: bool,
    output: &mut Output,
) -> Result<(), Failure> {
    output.headline(
        Paint::Warn,
        "UNVERIFIED",
        ": anyone could have written this status list.",
    );
    let said = Said::by(contents);
    if !said.claims.contains_key("exp") {
        output.note("no exp: it can be replayed for ever");
    }
    if json {
        return show_json(contents, &said, output);
    }
    if let Some(header) = json_part(&contents.header) {
        output.line(format!("header  {header}"))?;
    }
    let uri = said.text("sub").unwrap_or("none named");
    output.line(format!("list    {}", Escaped(uri)))?;
    match &said.list {
        Ok(list) => show_counts(list, output)?,
        Err(error) => output.line(format!("places  not readable: {error}"))?,
    }
    show_times(contents, output)?;
    match said.claims.get("ttl").and_then(Value::as_u64) {
        Some(ttl) => output.line(format!(
            "ttl     fetch it again after {}",
            times::words(Duration::from_secs(ttl))
        )),
        None => Ok(()),
    }
}

fn show_counts(list: &StatusList, output: &mut Output) -> Result<(), Failure> {
    let bits = list.bits().count();
    let plural = if bits == 1 { "bit" } else { "bits" };
    output.line(format!("places  {} of {bits} {plural}", list.len()))?;
    let counts = counts(list);
    let marked: u64 = counts.values().map(|(_, count)| count).sum();
    let valid = list.len().saturating_sub(marked);
    output.line(format!("        {valid} valid"))?;
    counts
        .values()
        .try_for_each(|(name, count)| output.line(format!("        {count} {name}")))
}

fn show_json(
    contents: &UnverifiedContents,
    said: &Said,
    output: &mut Output,
) -> Result<(), Failure> {
    let null = || "null".to_owned();
    let list = match &said.list {
        Ok(list) => {
            let counted: Vec<String> = counts(list)
                .iter()
                .map(|(value, (_, count))| format!("\"{value}\":{count}"))
                .collect();
            format!(
                "{{\"bits\":{},\"places\":{},\"not_valid\":{{{}}}}}",
                list.bits().count(),
                list.len(),
                counted.join(",")
            )
        }
        Err(error) => format!("{{\"error\":{}}}", json_string(error.code())),
    };
    let claims = json_part(&contents.payload);
    let members = [
        ("verified", "false".to_owned()),
        ("alg", json_string(&contents.algorithm)),
        ("header", json_part(&contents.header).unwrap_or_else(null)),
        ("claims", claims.unwrap_or_else(null)),
        ("status_list", one_line_json(&list)),
    ];
    output.json("inspect", &members)
}
