//! Manners: where words go, what a terminal is spared, where settings come from.

use crate::place::{Place, Run};

/// What must never reach a terminal from a stranger: controls but the line feed, and
/// marks that reorder or hide text.
fn steers(character: char) -> bool {
    (character.is_control() && character != '\n')
        || matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[track_caller]
fn harmless(run: &Run) {
    for text in [run.stdout(), run.stderr()] {
        let found = text.chars().find(|character| steers(*character));
        assert_eq!(found, None, "{text:?}");
    }
}

const HOSTILE: &str = "a\u{1b}[2J\u{1b}]8;;x\u{7}\u{9b}31m\u{202e}\u{2066}\u{200b}\u{feff}\u{2028}\u{7f}\r\nerror[fake]: b";

#[test]
fn claims_cannot_steer_the_terminal_in_any_output() {
    let place = Place::with_keys("EdDSA");
    let claim = format!("{HOSTILE}={HOSTILE}");
    let token = place.mint(&["--sub", HOSTILE, "--aud", HOSTILE, "--claim", &claim]);
    let at = ["--aud", HOSTILE];
    let verified = place
        .run(&[&["verify", &token][..], &at].concat())
        .succeeds();
    harmless(&verified);
    assert_eq!(verified.stdout().lines().count(), 1);
    assert_eq!(verified.stderr().lines().count(), 1);
    assert_eq!(verified.json()["sub"], HOSTILE);
    let answer = place
        .run(&[&["verify", &token, "--json"][..], &at].concat())
        .succeeds();
    harmless(&answer);
    assert_eq!(answer.json()["claims"][HOSTILE], HOSTILE);
    for arguments in [
        &["inspect", &token][..],
        &["inspect", &token, "--json"],
        &["verify", &token],
    ] {
        let run = place.run(arguments);
        harmless(&run);
        assert!(!run.stderr().contains("\nerror[fake]"), "{}", run.stderr());
    }
    let lines = place.feed(
        format!("{token}\n{HOSTILE}\n"),
        &[&["verify", "--lines"][..], &at].concat(),
    );
    assert_eq!(lines.code(), 1);
    harmless(&lines);
}

#[test]
fn names_of_files_keys_and_settings_cannot_steer_the_terminal() {
    let place = Place::with_keys("EdDSA");
    let name = HOSTILE.replace('/', "");
    for arguments in [
        vec!["verify".to_owned(), format!("@{name}")],
        vec![
            "verify".into(),
            "a.b.c".into(),
            "--iss".into(),
            "i".into(),
            "--key".into(),
            name.clone(),
        ],
        vec!["mint".into(), "--store".into(), name.clone()],
        vec!["key".into(), "show".into(), name.clone()],
        vec![
            "key".into(),
            "generate".into(),
            "--out".into(),
            format!("{name}/x"),
        ],
        vec!["init".into(), "--store".into(), format!("{name}/x")],
        vec!["verify".into(), format!("--{name}")],
        vec!["mint".into(), "--ttl".into(), name.clone()],
    ] {
        let run = place.run(&arguments);
        assert_ne!(run.code(), 0, "{arguments:?}");
        harmless(&run);
    }
    place.write("tokenwright.toml", "\"\\u001b[2J\" = 1");
    harmless(&place.run(&["verify", "a.b.c"]).fails(6, "config"));
}

#[test]
fn colour_is_for_terminals_and_for_those_who_ask() {
    let place = Place::with_keys("EdDSA");
    let token = place.mint(&["--sub", "alice"]);
    let plain = place.run(&["verify", &token]).succeeds();
    assert!(plain.stderr().starts_with("VALID  "));
    let always = place
        .run(&["verify", &token, "--color", "always"])
        .succeeds();
    assert!(always.stderr().starts_with("\u{1b}[1;32mVALID\u{1b}[0m  "));
    assert_eq!(always.stdout(), plain.stdout());
    let never = place
        .run(&["verify", "a.b", "--color", "never"])
        .fails(1, "malformed");
    assert!(!never.stderr().contains('\u{1b}'));
}

#[test]
fn the_main_errors_word_for_word() {
    let place = Place::with_keys("EdDSA");
    let token = place.mint(&["--sub", "alice"]);
    let says = |arguments: &[&str], code: i32, error: &str, words: &str| {
        place.run(arguments).fails(code, error).says(words);
    };
    says(
        &["verify", &token, "--aud", "billing-api"],
        1,
        "aud_mismatch",
        "error[aud_mismatch]: aud: expected \"billing-api\", found \"orders-api\"\n",
    );
    says(
        &["verify", &token, "--iss", "https://evil.example"],
        1,
        "iss_mismatch",
        "error[iss_mismatch]: iss: expected \"https://evil.example\", found \"https://auth.example\"\n",
    );
    says(
        &["verify", &token, "--typ", "at+jwt"],
        1,
        "typ_mismatch",
        "error[typ_mismatch]: typ: expected \"at+jwt\", found \"JWT\"\n",
    );
    says(
        &["verify", &token, "--require", "sid,jti"],
        1,
        "missing_claim",
        "error[missing_claim]: sid is required and absent\n",
    );
    says(
        &["verify", "a.b"],
        1,
        "malformed",
        "error[malformed]: expected three parts separated by dots, found 2\n",
    );
    says(
        &["mint", "--ttl", "900"],
        2,
        "usage",
        "error[usage]: invalid value '900' for '--ttl <DURATION>': a bare number has no unit: \
         write 900s for seconds or 900m for minutes\nhint: For more information, try '--help'.\n",
    );
    says(
        &["verify", &token, "--at", "1700000000"],
        2,
        "usage",
        "error[usage]: invalid value '1700000000' for '--at <TIME>': a bare number could be two things: \
         write @1700000000 for a Unix time or 1700000000s for seconds from now\n\
         hint: For more information, try '--help'.\n",
    );
    says(
        &["init"],
        6,
        "exists",
        "error[exists]: there is a keyring in keys already; it was left as it is\n\
         hint: to see it: tokenwright key list\n",
    );
    says(
        &[
            "verify",
            "a.b.c",
            "--key",
            "https://auth.example/key.pem",
            "--iss",
            "i",
        ],
        2,
        "usage",
        "error[usage]: a key is read from a file, not from the network\n\
         hint: a key set can be fetched: --jwks URL\n",
    );
}

#[test]
fn every_failed_claim_is_reported_and_a_wrong_place_weighs_more_than_a_wrong_time() {
    let place = Place::with_keys("EdDSA");
    let token = place.mint(&["--sub", "alice"]);
    let run = place.run(&[
        "verify", &token, "--aud", "x", "--iss", "y", "--at", "now+1h",
    ]);
    assert_eq!(run.code(), 1);
    let codes: Vec<String> = run
        .stderr()
        .lines()
        .map(|line| line.split(':').next().unwrap().to_owned())
        .collect();
    assert_eq!(
        codes,
        [
            "error[iss_mismatch]",
            "error[aud_mismatch]",
            "error[expired]"
        ]
    );
    let claims = place.run(&["inspect", &token, "--json"]).json()["claims"].clone();
    let later = format!("@{}", claims["exp"].as_i64().unwrap() + 23 * 60);
    let expired = place
        .run(&["verify", &token, "--at", &later])
        .fails(3, "expired");
    assert!(
        expired
            .stderr()
            .starts_with("error[expired]: expired 23 minutes ago, at 20"),
        "{}",
        expired.stderr()
    );
    place
        .run(&["verify", &token, "--max-age", "1m", "--at", "now+2m"])
        .fails(3, "too_old");
    place
        .run(&["verify", &token, "--at", "now-1h"])
        .fails(3, "not_yet_valid");
}

#[test]
fn json_answers_name_their_schema_also_when_they_fail() {
    let place = Place::with_keys("EdDSA");
    let token = place.mint(&["--sub", "alice"]);
    for (arguments, schema, code) in [
        (vec!["verify", token.as_str()], "tokenwright.verify", 0),
        (vec!["verify", "a.b"], "tokenwright.verify", 1),
        (vec!["verify", "@missing"], "tokenwright.verify", 6),
        (
            vec!["verify", "a.b", "--store", "missing"],
            "tokenwright.verify",
            5,
        ),
        (vec!["inspect", token.as_str()], "tokenwright.inspect", 0),
        (vec!["inspect", "x"], "tokenwright.inspect", 1),
        (vec!["key", "list"], "tokenwright.key-list", 0),
        (
            vec!["key", "list", "--store", "missing"],
            "tokenwright.key-list",
            5,
        ),
        (vec!["key", "show", "missing"], "tokenwright.key", 6),
        (vec!["jwks"], "tokenwright.jwks", 0),
        (vec!["jwks", "--store", "missing"], "tokenwright.jwks", 5),
    ] {
        let run = place.run(&[&arguments[..], &["--json"]].concat());
        let answer = run.json();
        assert_eq!(run.code(), code, "{arguments:?}");
        assert_eq!(answer["schema"], schema);
        assert_eq!(answer["version"], 1);
        assert_eq!(answer.get("error").is_some(), code != 0, "{arguments:?}");
        if code != 0 {
            assert_eq!(answer["error"]["exit"], code, "{arguments:?}");
            assert!(!run.stderr().is_empty());
        }
    }
}

#[test]
fn flags_beat_the_environment_beats_the_folder_beats_the_user() {
    let place = Place::new();
    place
        .run(&["init", "--store", "ring", "--iss", "ring", "--aud", "ring"])
        .succeeds();
    let issuer = |environment: &[(&str, &str)], flags: &[&str]| {
        let mut command = place.command();
        command
            .args(["mint"])
            .args(flags)
            .envs(environment.iter().copied());
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let token = String::from_utf8(output.stdout).unwrap();
        let claims = place.run(&["inspect", token.trim_end(), "--json"]).json()["claims"].clone();
        let text = |name: &str| claims[name].as_str().unwrap().to_owned();
        (text("iss"), text("aud"))
    };
    let pair = |iss: &str, aud: &str| (iss.to_owned(), aud.to_owned());
    let store = ("TOKENWRIGHT_STORE", "ring");
    assert_eq!(issuer(&[store], &[]), pair("ring", "ring"));
    std::fs::create_dir_all(place.path(".config/tokenwright")).unwrap();
    place.write(
        ".config/tokenwright/tokenwright.toml",
        "iss = 'user'\naud = 'user'\nstore = 'nowhere'",
    );
    assert_eq!(issuer(&[store], &[]), pair("user", "user"));
    place.write("tokenwright.toml", "iss = 'folder'\nstore = 'ring'");
    assert_eq!(issuer(&[], &[]), pair("folder", "user"));
    assert_eq!(
        issuer(&[("TOKENWRIGHT_ISS", "env")], &[]),
        pair("env", "user")
    );
    let environment = [("TOKENWRIGHT_ISS", "env"), ("TOKENWRIGHT_AUD", "env")];
    assert_eq!(
        issuer(&environment, &["--iss", "flag"]),
        pair("flag", "env")
    );
    assert_eq!(
        issuer(&environment, &["--aud", "flag"]),
        pair("env", "flag")
    );
    place.write("named.toml", "iss = 'named'");
    assert_eq!(
        issuer(&[store, ("TOKENWRIGHT_CONFIG", "named.toml")], &[]),
        pair("named", "user")
    );
    assert_eq!(
        issuer(&[store], &["--config", "named.toml"]),
        pair("named", "user")
    );
}

#[test]
fn a_misspelt_setting_is_named_with_the_nearest_right_one() {
    let place = Place::with_keys("EdDSA");
    place.write("tokenwright.toml", "isss = 'x'\n");
    place.run(&["verify", "a.b.c"]).fails(6, "config").says(
        "error[config]: tokenwright.toml: there is no key \"isss\"\nhint: did you mean \"iss\"?\n",
    );
    place.write("tokenwright.toml", "iss = \"x\"\nleeway = 30\n");
    place.run(&["verify", "a.b.c"]).fails(6, "config").says(
        "error[config]: tokenwright.toml: \"leeway\": a bare number has no unit: \
         write 30s for seconds or 30m for minutes\n",
    );
}

#[test]
fn no_option_takes_a_secret() {
    let place = Place::new();
    let mut options = 0;
    for command in [
        "demo",
        "init",
        "mint",
        "verify",
        "inspect",
        "jwks",
        "key generate",
        "key list",
        "key show",
        "key public",
        "key import",
        "key export",
        "key thumbprint",
        "key passwd",
        "completions",
        "man",
    ] {
        let mut arguments: Vec<&str> = command.split(' ').collect();
        arguments.push("--help");
        let help = place.run(&arguments).succeeds().stdout();
        for line in help
            .lines()
            .filter(|line| line.trim_start().starts_with('-'))
        {
            let line = line.to_lowercase();
            let named = ["pass", "secret", "key", "lock"].iter().any(|word| {
                line.split("  ")
                    .find(|part| !part.is_empty())
                    .unwrap_or_default()
                    .contains(word)
            });
            if named && line.contains('<') {
                assert!(line.contains("<file>"), "{command}: {line}");
            }
            options += 1;
        }
    }
    assert!(options > 80, "{options}");
}

#[test]
fn a_secret_key_among_the_arguments_is_refused() {
    let place = Place::new();
    for text in [
        "k4.local.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        r#"{"kty":"oct","alg":"HS256","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#,
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ] {
        let run = place.run(&["inspect", text]).fails(2, "usage");
        assert!(!run.stderr().contains("AAAA"), "{}", run.stderr());
    }
}

#[test]
fn help_version_completions_and_manual_pages_are_printed() {
    let place = Place::new();
    assert!(
        place
            .run(&["--help"])
            .succeeds()
            .stdout()
            .contains("Usage: tokenwright")
    );
    assert!(
        place
            .run(&["--version"])
            .succeeds()
            .stdout()
            .starts_with("tokenwright ")
    );
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(
            place
                .run(&["completions", shell])
                .succeeds()
                .stdout()
                .contains("tokenwright")
        );
    }
    assert!(
        place
            .run(&["man"])
            .succeeds()
            .stdout()
            .contains(".TH tokenwright 1")
    );
    place.run(&["man", "pages"]).succeeds();
    for page in [
        "tokenwright",
        "tokenwright-verify",
        "tokenwright-key-export",
        "tokenwright-rotate-compromise",
    ] {
        assert!(place.read(&format!("pages/{page}.1")).contains(".SH NAME"));
    }
    let bare = place.run::<&str>(&[]);
    assert_eq!((bare.code(), bare.stdout().as_str()), (2, ""));
    assert!(bare.stderr().contains("Usage: tokenwright"));
    for absent in ["no-such-command", "verif"] {
        place.run(&[absent]).fails(2, "usage");
    }
}

#[test]
fn the_demo_ends_as_it_tells_and_leaves_nothing_behind() {
    let place = Place::new();
    let run = place
        .command()
        .arg("demo")
        .env("TMPDIR", place.path(""))
        .output()
        .unwrap();
    let story = String::from_utf8(run.stdout).unwrap();
    assert!(run.status.success(), "{story}");
    for part in [
        "$ tokenwright init --iss https://auth.example --aud orders-api\n",
        "  VALID  EdDSA ",
        "  VALID  v4.public ",
        "  error[bad_signature]: ",
        "  error[expired]: ",
        "  error[aud_mismatch]: ",
        "  error[alg_mismatch]: ",
        "  successor published  ",
        "30 commands, each ended as told, in ",
    ] {
        assert!(story.contains(part), "{part}\n{story}");
    }
    assert_eq!(place.all(), Vec::<std::path::PathBuf>::new());
    place.run(&["demo", "--dir", "kept"]).succeeds();
    assert_eq!(place.mode("kept"), 0o700);
    assert!(place.path("kept/token").exists());
    place.run(&["demo", "--dir", "kept"]);
}

#[test]
fn init_closes_the_folder_of_a_fresh_checkout_and_no_other() {
    use std::os::unix::fs::PermissionsExt as _;
    let open = |place: &Place, names: &[&str]| {
        std::fs::create_dir(place.path("keys")).unwrap();
        std::fs::set_permissions(place.path("keys"), std::fs::Permissions::from_mode(0o755))
            .unwrap();
        for name in names {
            place.write(&format!("keys/{name}"), "text");
        }
    };
    let fresh = Place::new();
    open(&fresh, &["README.md", ".gitignore"]);
    fresh.run(&["init"]).succeeds();
    assert_eq!(fresh.mode("keys"), 0o700);
    let used = Place::new();
    open(&used, &["README.md", "holiday.jpg"]);
    assert_eq!(used.run(&["init"]).code(), 6);
    assert_eq!(used.mode("keys"), 0o755);
}
