//! Holds the order of rooms: a room uses only rooms above it (see ARCHITECTURE.md).

use std::fs;
use std::path::{Path, PathBuf};

/// Top to bottom. Names on one line are one room; `/` separates rooms that may not use each other.
const ROOMS: [&str; 8] = [
    "time limits encoding error secret json",
    "token",
    "key",
    "keyring / revocation / dpop",
    "policy mint verify dangerous neighbours",
    "session / store",
    "http",
    "cli / guide",
];

/// The level of a module and its place among the rooms of that level.
fn room_of(module: &str) -> Option<(usize, usize)> {
    ROOMS.iter().enumerate().find_map(|(level, rooms)| {
        let place = |room: &str| room.split_whitespace().any(|name| name == module);
        Some((level, rooms.split('/').position(place)?))
    })
}

/// The modules that a line names directly under the crate's root.
fn modules_named(statement: &str, depth: usize) -> Vec<String> {
    let rooted = statement.replace(&"super::".repeat(depth), "crate::");
    let mut found = Vec::new();
    for rest in rooted.split("crate::").skip(1) {
        let mut nesting = 0;
        let mut word = String::new();
        let mut at_name = true;
        for character in rest.chars() {
            match character {
                '{' => nesting += 1,
                '}' => nesting -= 1,
                _ => {}
            }
            if character.is_alphanumeric() || character == '_' {
                word.push(character);
                continue;
            }
            if at_name && !word.is_empty() {
                found.push(word.clone());
            }
            word.clear();
            at_name = nesting == 1 && matches!(character, '{' | ',' | ' ' | '\n' | '}');
            if nesting == 0 {
                break;
            }
        }
    }
    found
}

/// The room in which the crate's root finds a name that it re-exports.
fn reexported_from(library: &str, name: &str) -> Option<String> {
    let uses = library.split("pub use ").skip(1);
    uses.filter_map(|text| text.split(';').next())
        .find(|text| {
            text.split(|c: char| !c.is_alphanumeric() && c != '_')
                .any(|word| word == name)
        })
        .and_then(|text| text.trim_start_matches("crate::").split("::").next())
        .map(str::to_owned)
}

/// Every place in one file where a room uses a room that is not above it.
fn offenders(path: &str, source: &str, library: &str) -> Vec<String> {
    let inside: Vec<&str> = path
        .trim_end_matches(".rs")
        .trim_end_matches("/mod")
        .split('/')
        .collect();
    let home = room_of(inside[0]);
    let mut found = Vec::new();
    if home.is_none() {
        found.push(format!("src/{path}:1: `{}` is not a room", inside[0]));
    }
    // Tests come last in a file and may look anywhere.
    let code = source
        .split("#[cfg(test)]\nmod ")
        .next()
        .unwrap_or_default();
    let mut statement = String::new();
    for (index, line) in code.lines().enumerate() {
        let text = line.trim().split("//").next().unwrap_or_default();
        statement.push_str(text);
        statement.push('\n');
        let is_use =
            statement.trim_start().starts_with("use ") || statement.starts_with("pub use ");
        if is_use && !text.ends_with(';') {
            continue;
        }
        for name in modules_named(&statement, inside.len()) {
            let module = if room_of(&name).is_some() {
                Some(name.clone())
            } else {
                reexported_from(library, &name)
            };
            let target = module.as_deref().and_then(room_of);
            let allowed = match (home, target) {
                (Some(home), Some(target)) => target.0 < home.0 || target == home,
                _ => false,
            };
            if !allowed {
                found.push(format!(
                    "src/{path}:{}: `{}` uses `{name}`",
                    index + 1,
                    inside[0]
                ));
            }
        }
        statement.clear();
    }
    found
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn a_room_uses_only_rooms_above_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let library = fs::read_to_string(root.join("lib.rs")).expect("src/lib.rs");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut found = Vec::new();
    for file in &files {
        let path = file
            .strip_prefix(&root)
            .expect("below src")
            .to_string_lossy()
            .replace('\\', "/");
        let is_root = matches!(path.as_str(), "lib.rs" | "main.rs");
        if !is_root && !path.ends_with("tests.rs") {
            found.extend(offenders(
                &path,
                &fs::read_to_string(file).expect("UTF-8"),
                &library,
            ));
        }
    }
    assert!(files.len() > 10, "only {} files were read", files.len());
    assert!(
        found.is_empty(),
        "rooms out of order:\n{}",
        found.join("\n")
    );
}

#[test]
fn a_planted_offender_is_found_in_every_spelling() {
    let library = "pub use verify::{Verifier, Verified};\npub use time::UnixTime;\n";
    let seen = |path: &str, source: &str| offenders(path, source, library);
    assert_eq!(
        seen("key/jwk.rs", "\nuse crate::verify::Verifier;\n"),
        ["src/key/jwk.rs:2: `key` uses `verify`"]
    );
    assert_eq!(
        seen(
            "key/jwk.rs",
            "use crate::{\n    time::UnixTime,\n    mint::{Minter, Other},\n};\n"
        ),
        ["src/key/jwk.rs:4: `key` uses `mint`"]
    );
    assert_eq!(
        seen("key/mod.rs", "fn f(v: &crate::Verifier) {}\n"),
        ["src/key/mod.rs:1: `key` uses `Verifier`"]
    );
    assert_eq!(
        seen(
            "key/crypto/aws.rs",
            "use super::super::super::store::Store;\n"
        ),
        ["src/key/crypto/aws.rs:1: `key` uses `store`"]
    );
    assert_eq!(
        seen("keyring/set.rs", "use crate::revocation::List;\n"),
        ["src/keyring/set.rs:1: `keyring` uses `revocation`"]
    );
    assert_eq!(
        seen("helpers.rs", ""),
        ["src/helpers.rs:1: `helpers` is not a room"]
    );
}

#[test]
fn what_is_allowed_is_not_reported() {
    let library = "pub use time::UnixTime;\n";
    let source = "use crate::{UnixTime, key::KeyId, error::{Quoted, ErrorClass}};\nuse super::sibling;\n// crate::store\n\
                  pub(in crate::keyring) fn f() {}\n#[cfg(test)]\nmod tests {\n    use crate::store::Store;\n}\n";
    assert_eq!(
        offenders("keyring/plan.rs", source, library),
        Vec::<String>::new()
    );
}

/// The picture of the house has these rooms, in this order.
#[test]
fn the_picture_of_the_house_is_the_one_that_is_checked() {
    let text = include_str!("../ARCHITECTURE.md");
    let picture = text.split("```").nth(1).expect("a picture");
    let drawn: Vec<String> = picture
        .lines()
        .skip(1)
        .filter_map(|line| line.trim().split("    ").next())
        .map(|names| names.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|names| !names.is_empty())
        .collect();
    assert_eq!(drawn, ROOMS);
}
