//! The command line on every kind of store: the same words as on a folder.

use std::process::{Command, Output};

use super::servers::{Bucket, Postgres, Redis, Scratch};

/// The program in a folder of its own, with a sealing key.
struct Shell(Scratch);

impl Shell {
    fn new() -> Self {
        let shell = Self(Scratch::new());
        shell.run("", &["store", "seal-key", "sealing"]).ok();
        shell
    }

    fn run(&self, store: &str, arguments: &[&str]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tokenwright"));
        command
            .current_dir(&self.0.0)
            .env("HOME", &self.0.0)
            .env_remove("TOKENWRIGHT_STORE")
            .env("TOKENWRIGHT_SEALING_KEY", self.0.join("sealing"))
            .args(arguments);
        if !store.is_empty() {
            command.env("TOKENWRIGHT_STORE", store);
        }
        Ended(command.output().unwrap())
    }
}

struct Ended(Output);

impl Ended {
    fn words(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    #[track_caller]
    fn ok(&self) -> String {
        self.ends(0)
    }

    #[track_caller]
    fn ends(&self, code: i32) -> String {
        let words = self.words();
        assert_eq!(self.0.status.code(), Some(code), "{words}");
        assert!(
            !words.contains("boss:boss"),
            "a password was printed: {words}"
        );
        String::from_utf8(self.0.stdout.clone())
            .unwrap()
            .trim()
            .to_owned()
    }
}

/// A day's work on one store, and its moving into a folder and back.
fn a_day(store: &str, other: &str) {
    let shell = Shell::new();
    let run = |arguments: &[&str]| shell.run(store, arguments);
    run(&["store", "init"]).ok();
    run(&["store", "init"]).ok();
    run(&["init", "--iss", "https://auth.example", "--aud", "shop"]).ok();
    assert!(run(&["init"]).words().contains("there is a keyring in"));
    let token = run(&["mint", "--sub", "alice"]).ok();
    run(&["verify", &token]).ok();
    run(&["key", "list"]).ok();
    run(&["jwks"]).ok();
    run(&["rotate"]).ok();
    run(&["rotate", "plan"]).ok();
    run(&["doctor", "-v"]).ok();
    run(&["store", "check"]).ok();
    run(&["revoke", "add", "--token", &token]).ok();
    run(&["verify", &token]).ends(4);
    run(&["revoke", "list"]).ok();
    run(&["revoke", "prune"]).ok();
    run(&["store", "backup", "saved"]).ok();
    run(&["store", "backup", "saved"]).ok();

    // A backup is a store, and what was revoked is revoked there.
    shell.run("saved", &["verify", &token]).ends(4);
    let fresh = run(&["mint", "--sub", "bob"]).ok();
    for _ in 0..2 {
        // A second copying finds nothing to do.
        shell.run("", &["store", "copy", "saved", other]).ok();
    }
    shell.run(other, &["verify", &fresh]).ok();
    shell.run(other, &["verify", &token]).ends(4);
    let again = shell.run(other, &["mint", "--sub", "carol"]).ok();
    run(&["verify", &again]).ok();
    shell.run(other, &["store", "restore", "saved"]).ok();
    shell.run(other, &["verify", &again]).ok();

    // Without the sealing key nobody signs, and everybody verifies.
    std::fs::remove_file(shell.0.join("sealing")).unwrap();
    shell
        .0
        .secret("sealing", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
    let refused = run(&["mint", "--sub", "mallory"]);
    refused.ends(6);
    assert!(
        refused.words().contains("error[store_sealed]"),
        "{}",
        refused.words()
    );
    run(&["verify", &fresh]).ok();
}

#[test]
fn a_day_on_redis() {
    let Some(redis) = Redis::start() else { return };
    let scratch = Scratch::new();
    let other = format!("{}/moved", scratch.0.display());
    a_day(&redis.name("shop"), &other);
    a_day(&redis.name("shop2"), &redis.name("moved"));
}

#[test]
fn a_day_on_postgres() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let scratch = Scratch::new();
    // Moved with the password in a file: an argument must not hold one.
    let file = scratch.secret("password", "boss\n");
    let port = postgres.port;
    let other = format!(
        "postgres://boss@127.0.0.1:{port}/postgres?schema=moved&password-file={}",
        file.display()
    );
    a_day(&postgres.name("shop"), &other);
}

#[test]
fn a_day_in_object_storage() {
    let Some(bucket) = Bucket::start() else {
        return;
    };
    let scratch = Scratch::new();
    a_day(
        &bucket.name("shop"),
        &format!("{}/moved", scratch.0.display()),
    );
}

#[test]
fn a_password_among_the_arguments_is_refused() {
    let shell = Shell::new();
    let name = "postgres://boss:hunter2@127.0.0.1:1/x";
    for arguments in [
        &["--store", name, "verify", "x"][..],
        &["store", "copy", name, "keys"],
        &["store", "copy", "keys", name],
    ] {
        let refused = shell.run("", arguments);
        refused.ends(2);
        assert!(!refused.words().contains("hunter2"));
        assert_eq!(
            refused.words(),
            "error[usage]: a password does not belong among arguments: every program can read \
             them\nhint: add ?password-file=FILE to the store's name, or set \
             TOKENWRIGHT_STORE_PASSWORD or TOKENWRIGHT_STORE; and consider this password known\n"
        );
    }
}

#[test]
fn a_server_that_is_not_there_is_named_without_its_password() {
    let shell = Shell::new();
    for name in [
        "redis://boss:boss@127.0.0.1:1/0",
        "postgres://boss:boss@127.0.0.1:1/x",
    ] {
        let refused = shell.run(name, &["verify", "x"]);
        refused.ends(5);
        assert!(
            refused.words().contains("error[store_unavailable]"),
            "{}",
            refused.words()
        );
    }
}
