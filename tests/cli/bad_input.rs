//! Garbage of every kind: a clear error, the right exit code, bounded time and
//! memory, nothing on standard output, nothing half-written.

use std::fs::File;
use std::io::pipe;
use std::time::{Duration, Instant};

use crate::place::Place;

/// Memory that is far more than enough, and far less than the input: 300 MB of address space.
const SMALL: &str = "ulimit -v 300000";

#[test]
fn garbage_is_refused() {
    let place = Place::with_keys("EdDSA");
    let noise: Vec<u8> = (0..4_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    place.write("noise", &noise);
    place.run(&["verify", "@noise"]).fails(1, "malformed");
    place.run(&["inspect", "@noise"]).fails(1, "malformed");
    for text in [
        "",
        ".",
        "..",
        "a.b.c",
        "eyJ",
        "{}",
        "v4.public.",
        "v5.local.AAAA",
        "Bearer x",
        "null",
    ] {
        place.run(&["verify", text]).fails(1, "malformed");
    }
    let settings = ["--iss", "https://auth.example"];
    for (flag, error) in [("--jwks", "malformed_key_set"), ("--key", "malformed_key")] {
        place
            .run(&[&["verify", "a.b.c", flag, "noise"][..], &settings[..]].concat())
            .fails(6, error);
    }
    place
        .run(&["key", "import", "noise", "--store", "other"])
        .fails(1, "malformed_key");
    assert!(!place.path("other").exists());
}

#[test]
fn every_truncation_of_a_token_is_refused() {
    let place = Place::with_keys("EdDSA");
    let token = place.mint(&["--sub", "alice"]);
    let cuts: String = (0..token.len())
        .map(|length| format!("{}\n", &token[..length]))
        .collect();
    let run = place.feed(cuts, &["verify", "--lines"]);
    assert_eq!((run.code(), run.stdout().as_str()), (1, ""));
    let summary = format!(
        "note: {} lines: 0 valid, {} refused",
        token.len(),
        token.len()
    );
    assert!(run.stderr().contains(&summary), "{}", run.stderr());
}

#[test]
fn a_gigabyte_is_refused_in_bounded_memory() {
    let place = Place::with_keys("EdDSA");
    File::create(place.path("giga"))
        .unwrap()
        .set_len(1 << 30)
        .unwrap();
    place
        .run_after(SMALL, &["verify", "@giga"])
        .fails(1, "too_long")
        .says("error[too_long]: longer than the 16384 bytes that are read\n");
    place
        .run_after(SMALL, &["inspect", "@giga"])
        .fails(1, "too_long");
    place
        .run_after(SMALL, &["verify", "--lines", "--jobs", "2", "@giga"])
        .fails(1, "too_long");
    let expected = ["verify", "a.b.c", "--iss", "i"];
    place
        .run_after(SMALL, &[&expected[..], &["--jwks", "giga"]].concat())
        .fails(6, "too_long");
    place
        .run_after(SMALL, &[&expected[..], &["--key", "giga"]].concat())
        .fails(6, "too_long");
    place
        .run_after(SMALL, &["mint", "--claims", "@giga"])
        .fails(1, "too_long");
    place
        .run_after(SMALL, &["key", "import", "giga"])
        .fails(6, "too_long");
    place
        .run_after(
            SMALL,
            &["init", "--store", "n", "--passphrase-file", "giga"],
        )
        .fails(6, "too_long");
    place
        .run_after(SMALL, &["verify", "a.b.c", "--config", "giga"])
        .fails(6, "config");
    assert!(!place.path("n").exists());
}

#[test]
fn an_endless_device_is_left_at_the_limit() {
    let place = Place::with_keys("EdDSA");
    place
        .run_after(SMALL, &["verify", "@/dev/zero"])
        .fails(1, "too_long");
    place
        .run_after(&format!("{SMALL}; exec </dev/zero"), &["verify", "-"])
        .fails(1, "too_long");
    place
        .run_after(
            SMALL,
            &["verify", "a.b.c", "--iss", "i", "--key", "/dev/zero"],
        )
        .fails(6, "too_long");
}

#[test]
fn a_million_dots_are_refused_at_once() {
    let place = Place::with_keys("EdDSA");
    let began = Instant::now();
    place
        .feed(".".repeat(1_000_000), &["verify", "-"])
        .fails(1, "too_long");
    let run = place.feed(".".repeat(1_000_000), &["verify", "--lines"]);
    assert_eq!((run.code(), run.stdout().as_str()), (1, ""));
    place
        .feed(".".repeat(16_000), &["verify", "-"])
        .fails(1, "malformed");
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_hundred_thousand_brackets_are_refused() {
    let place = Place::with_keys("EdDSA");
    let brackets = "[".repeat(100_000);
    place
        .feed(brackets.clone(), &["verify", "-"])
        .fails(1, "too_long");
    place
        .feed(brackets.clone(), &["inspect", "-"])
        .fails(1, "malformed");
    place
        .feed(format!("{{\"keys\":{brackets}"), &["inspect", "-"])
        .fails(1, "key_too_long");
    place
        .feed(
            format!("{{\"keys\":{}", "[".repeat(1_000)),
            &["inspect", "-"],
        )
        .fails(1, "malformed_key");
    place.write(
        "deep",
        format!("{{\"a\":{}{}}}", "[".repeat(4_000), "]".repeat(4_000)),
    );
    place
        .run(&["mint", "--claims", "@deep"])
        .fails(2, "bad_custom_claims");
    place
        .run(&["mint", "--claim", &format!("a:={}", "[".repeat(4_000))])
        .fails(2, "usage");
    place.write("set", format!("{{\"keys\":{brackets}"));
    place
        .run(&["verify", "a.b.c", "--iss", "i", "--jwks", "set"])
        .fails(6, "malformed_key_set");
    place.write("tokenwright.toml", format!("aud = {brackets}"));
    place.run(&["verify", "a.b.c"]).fails(6, "config");
}

#[test]
fn duplicate_members_in_claims_are_refused_before_minting() {
    let place = Place::with_keys("EdDSA");
    place.write("claims", r#"{"a":1,"\u0061":2}"#);
    place
        .run(&["mint", "--claims", "@claims"])
        .fails(2, "bad_custom_claims");
    place
        .run(&["mint", "--claim", "sub=root"])
        .fails(2, "reserved_claim");
    place
        .run(&["mint", "--claim", "a=1", "--claim", "a=2"])
        .fails(2, "usage");
    place.write("list", "[1]");
    place
        .run(&["mint", "--claims", "@list"])
        .fails(2, "bad_custom_claims");
}

#[test]
fn a_missing_file_and_a_folder_are_named() {
    let place = Place::with_keys("EdDSA");
    place
        .run(&["verify", "@no-token"])
        .fails(6, "io")
        .says("error[io]: cannot read no-token: there is no such file\n");
    place
        .run(&["verify", "@keys"])
        .fails(6, "io")
        .says("error[io]: cannot read keys: it is a folder, not a file\n");
    for name in ["nothing", "keys"] {
        let at = format!("@{name}");
        for arguments in [
            vec!["inspect", &at],
            vec!["verify", "--lines", &at],
            vec!["mint", "--claims", &at],
            vec!["key", "thumbprint", name],
            vec!["key", "import", name],
            vec!["verify", "a.b.c", "--iss", "i", "--key", name],
            vec!["verify", "a.b.c", "--iss", "i", "--jwks", name],
            vec!["init", "--store", "n", "--passphrase-file", name],
        ] {
            place.run(&arguments).fails(6, "io");
        }
        place
            .run(&["verify", "a.b.c", "--config", name])
            .fails(6, "config");
    }
    place.run(&["key", "export", "x", "--out", "no/such/folder/key"]);
    assert!(!place.path("no").exists());
}

#[test]
fn a_store_that_is_missing_or_is_a_file_is_named_and_nothing_is_made() {
    let place = Place::new();
    place.write("file", "x");
    for arguments in [
        &["mint", "--sub", "a"][..],
        &["verify", "a.b.c"],
        &["jwks"],
        &["key", "list"],
    ] {
        let run = place.run(arguments).fails(5, "store_missing");
        assert!(
            run.stderr()
                .contains("hint: to make one: tokenwright init --store keys\n")
        );
        place
            .run(&[arguments, &["--store", "file"]].concat())
            .fails(6, "store_not_a_folder");
    }
    place
        .run(&["init", "--store", "file"])
        .fails(6, "store_not_a_folder");
    place
        .run(&["init", "--store", "no/such/keys"])
        .fails(5, "store_missing");
    // Without the feature `fleet` nobody knows what to do with a server's name.
    let servers = ["redis://localhost", "postgres://x", "s3://bucket/p"];
    let servers = servers.iter().filter(|_| cfg!(not(feature = "fleet")));
    for remote in servers.chain(&["memory:", "ftp://x/y"]) {
        place
            .run(&["init", "--store", remote])
            .fails(6, "store_bad_reference");
    }
    assert_eq!(place.all(), [place.path("file")]);
    assert_eq!(place.read("file"), "x");
}

#[test]
fn a_store_that_others_can_read_is_refused_with_the_command_that_mends_it() {
    let place = Place::with_keys("EdDSA");
    let chmod = |mode: &str, name: &str| {
        let mut command = place.shielded("chmod");
        assert!(command.args([mode, name]).status().unwrap().success());
    };
    chmod("755", "keys");
    let run = place.run(&["mint", "--sub", "a"]).fails(6, "store_exposed");
    assert!(run.stderr().contains("chmod "), "{}", run.stderr());
    chmod("700", "keys");
    place.run(&["mint", "--sub", "a"]).succeeds();
}

#[test]
fn a_damaged_keyring_and_swapped_keys_are_refused() {
    let place = Place::with_keys("EdDSA");
    let whole = place.read("keys/keyring.json");
    for length in [0, 1, whole.len() / 2, whole.len() - 3] {
        place.write("keys/keyring.json", &whole[..length]);
        let run = place.run(&["mint", "--sub", "a"]);
        assert_eq!((run.code(), run.stdout().as_str()), (6, ""), "{length}");
    }
    place.write("keys/keyring.json", &whole);
    place.run(&["init", "--store", "other"]).succeeds();
    let material = |store: &str| {
        let folder = format!("{store}/private/");
        place
            .all()
            .into_iter()
            .find(|path| path.to_string_lossy().contains(&folder))
            .unwrap()
    };
    std::fs::copy(material("other"), material("keys")).unwrap();
    place.run(&["mint", "--sub", "a"]).fails(6, "other_key");
    std::fs::remove_file(material("keys")).unwrap();
    place
        .run(&["mint", "--sub", "a"])
        .fails(5, "material_missing");
}

#[test]
fn a_closed_pipe_makes_no_noise_and_the_verdict_stays() {
    let place = Place::with_keys("EdDSA");
    let good = place.mint(&["--sub", "alice"]);
    place.write("many", place.mint(&["--sub", "a", "--count", "2000"]));
    for (arguments, code) in [
        (vec!["verify", good.as_str()], 0),
        (vec!["verify", good.as_str(), "--json"], 0),
        (vec!["verify", "a.b.c", "--json"], 1),
        (vec!["inspect", good.as_str()], 0),
        (vec!["mint", "--sub", "a", "--count", "5000"], 0),
        (vec!["key", "list"], 0),
        (vec!["jwks"], 0),
        (vec!["completions", "bash"], 0),
        (vec!["man"], 0),
        (vec!["--help"], 0),
        // What was left unread is undecided.
        (vec!["verify", "--lines", "@many"], 5),
    ] {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let run = place
            .command()
            .args(&arguments)
            .stdout(writer)
            .output()
            .unwrap();
        let words = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(code), "{arguments:?}: {words}");
        assert!(
            !words.contains("error[io]") && !words.contains("panicked"),
            "{arguments:?}: {words}"
        );
    }
}

#[test]
fn a_full_disk_is_an_error() {
    let place = Place::with_keys("EdDSA");
    let good = place.mint(&["--sub", "alice"]);
    for arguments in [
        vec!["verify", good.as_str()],
        vec!["verify", good.as_str(), "--json"],
        vec!["verify", "--lines", good.as_str()],
        vec!["inspect", good.as_str()],
        vec!["mint", "--sub", "a"],
        vec!["key", "list"],
        vec!["key", "generate"],
        vec!["jwks"],
        vec!["completions", "zsh"],
        vec!["man"],
        vec!["demo"],
        vec!["--version"],
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let run = place
            .command()
            .args(&arguments)
            .stdout(full)
            .output()
            .unwrap();
        let words = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(6), "{arguments:?}: {words}");
        let message = "error[io]: cannot write to standard output: no space left on the disk\n";
        assert!(words.contains(message), "{arguments:?}: {words}");
        assert!(!words.contains("VALID"), "{arguments:?}: {words}");
    }
}
