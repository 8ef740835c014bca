//! `tokenwright demo`: the story so far. It runs this very program with the
//! commands it prints, and fails if one of them ends otherwise than told.

mod rotation;

use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use clap::Args;
use tokenwright::key::{Entropy as _, ImportOptions, SigningKey, SystemEntropy};
use tokenwright::{Claims, Minter};

use crate::cli::failure::{Exit, Failure};
use crate::cli::keys::key_failure;
use crate::cli::output::Output;

const ISSUER: &str = "https://auth.example";

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// Keep everything in this new folder [default: a temporary one, removed at the end]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(arguments: &DemoArguments, output: &mut Output) -> Result<Exit, Failure> {
    let folder = Folder::make(arguments.dir.as_deref().map(Path::as_os_str))?;
    let mut story = Story {
        folder: &folder.path,
        output,
        steps: 0,
        began: Instant::now(),
    };
    let told = tell(&mut story);
    let (steps, elapsed) = (story.steps, story.began.elapsed().as_millis());
    told?;
    output.line(format!(
        "\n{steps} commands, each ended as told, in {elapsed} ms"
    ))?;
    if folder.temporary {
        output.line(
            "To do the same by yourself, begin with: tokenwright init --iss URL --aud NAME",
        )?;
    } else {
        output.line(format!("Everything is in {}", folder.path.display()))?;
    }
    Ok(Exit::Done)
}

fn tell(story: &mut Story<'_>) -> Result<(), Failure> {
    good_token(story)?;
    bad_tokens(story)?;
    elsewhere(story)?;
    revocation(story)?;
    paseto(story)?;
    rotation::tell(story)
}

fn good_token(story: &mut Story<'_>) -> Result<(), Failure> {
    story.say("1. A folder of keys, and a JWT")?;
    story.step(
        "init --iss https://auth.example --aud orders-api",
        None,
        Exit::Done,
    )?;
    let mint = "mint --sub alice --scope orders:read --claim role=admin";
    story.step(mint, Some("token"), Exit::Done)?;
    story.step("verify @token", None, Exit::Done)?;
    story.step("inspect @token", None, Exit::Done)
}

fn bad_tokens(story: &mut Story<'_>) -> Result<(), Failure> {
    story.say("2. What is refused: changed, too late, elsewhere, forged")?;
    let token = story.read("token")?;
    story.write("changed", &changed(&token))?;
    story.step("verify @changed", None, Exit::Refused)?;
    story.step("verify @token --at now+1h", None, Exit::Time)?;
    story.step("verify @token --aud billing-api", None, Exit::Refused)?;
    story.step("jwks", Some("jwks.json"), Exit::Done)?;
    let forged = forge(&story.read("jwks.json")?)?;
    story.write("forged", &forged)?;
    story.say("   (forged: HS256, with the published key as its secret)")?;
    story.step("verify @forged", None, Exit::Refused)
}

fn elsewhere(story: &mut Story<'_>) -> Result<(), Failure> {
    story.say("3. A service that has the public keys only")?;
    let verify = "verify @token --jwks jwks.json --iss https://auth.example --aud orders-api";
    story.step(verify, None, Exit::Done)
}

fn revocation(story: &mut Story<'_>) -> Result<(), Failure> {
    story.say("4. Withdrawn before it expires: one token, then all that alice holds")?;
    let reason = "revoke add --token @token --reason leaked";
    story.step(reason, None, Exit::Done)?;
    story.step("verify @token", None, Exit::Revoked)?;
    story.step("mint --sub alice", Some("second"), Exit::Done)?;
    story.step("verify @second", None, Exit::Done)?;
    story.step("revoke add --sub alice --before now", None, Exit::Done)?;
    story.step("verify @second", None, Exit::Revoked)?;
    story.say("   (a new login is not refused, and bob was never meant)")?;
    story.step("mint --sub alice", Some("third"), Exit::Done)?;
    story.step("verify @third", None, Exit::Done)?;
    story.step("revoke list", None, Exit::Done)
}

fn paseto(story: &mut Story<'_>) -> Result<(), Failure> {
    story.say("5. The same with PASETO")?;
    let init = "init --store paseto --alg v4.public --iss https://auth.example --aud orders-api";
    story.step(init, None, Exit::Done)?;
    story.step(
        "mint --store paseto --sub alice",
        Some("paseto.token"),
        Exit::Done,
    )?;
    story.step("verify --store paseto @paseto.token", None, Exit::Done)?;
    story.step("verify @paseto.token", None, Exit::Refused)
}

/// The telling: where it happens, and what has happened.
struct Story<'a> {
    folder: &'a Path,
    output: &'a mut Output,
    steps: u32,
    began: Instant,
}

impl Story<'_> {
    fn say(&mut self, text: &str) -> Result<(), Failure> {
        let gap = if text.starts_with(' ') { "" } else { "\n" };
        self.output.line(format!("{gap}{text}"))
    }

    /// Shows a command, runs it, and shows what came of it; its standard output
    /// goes into a file if one is named. No argument has a space in it.
    fn step(&mut self, line: &str, file: Option<&str>, expected: Exit) -> Result<(), Failure> {
        let target = file.map_or_else(String::new, |file| format!(" > {file}"));
        self.output.line(format!("$ tokenwright {line}{target}"))?;
        let arguments: Vec<&str> = line.split(' ').collect();
        let result = self.command(&arguments)?;
        let exit = result.status.code();
        let words = String::from_utf8_lossy(&result.stderr);
        let data = String::from_utf8_lossy(&result.stdout);
        for line in words.lines() {
            self.output.line(format!("  {line}"))?;
        }
        match file {
            Some(file) => self.write(file, &data)?,
            None => {
                for line in data.lines() {
                    self.output.line(format!("  {line}"))?;
                }
            }
        }
        if exit != Some(i32::from(Exit::Done.code())) {
            self.output
                .line(format!("  exit code {}", exit.unwrap_or(-1)))?;
        }
        self.steps = self.steps.saturating_add(1);
        if exit == Some(i32::from(expected.code())) {
            return Ok(());
        }
        let message = format!(
            "this command should have ended with exit code {}",
            expected.code()
        );
        Err(Failure::new("demo", Exit::Refused, message))
    }

    /// Runs this program in the demo's folder, without the person's own settings.
    fn command(&self, arguments: &[&str]) -> Result<std::process::Output, Failure> {
        let program = std::env::current_exe()
            .map_err(|error| Failure::file("find", Path::new("tokenwright"), &error))?;
        let mut command = Command::new(&program);
        command
            .args(arguments)
            .current_dir(self.folder)
            .stdin(Stdio::null());
        for name in ["STORE", "CONFIG", "ISS", "AUD"] {
            command.env_remove(format!("TOKENWRIGHT_{name}"));
        }
        command
            .env("XDG_CONFIG_HOME", self.folder)
            .output()
            .map_err(|error| Failure::file("run", &program, &error))
    }

    fn read(&self, name: &str) -> Result<String, Failure> {
        let path = self.folder.join(name);
        let text =
            fs::read_to_string(&path).map_err(|error| Failure::file("read", &path, &error))?;
        Ok(text.trim_end().to_owned())
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        let path = self.folder.join(name);
        fs::write(&path, text).map_err(|error| Failure::file("write", &path, &error))
    }
}

/// The token with one character of its payload replaced.
fn changed(token: &str) -> String {
    let Some((header, rest)) = token.split_once('.') else {
        return String::new();
    };
    let mut payload: Vec<char> = rest.chars().collect();
    if let Some(character) = payload.get_mut(20) {
        *character = if *character == 'A' { 'B' } else { 'A' };
    }
    format!("{header}.{}", payload.into_iter().collect::<String>())
}

/// The best-known forgery (CVE-2015-9235): a token signed with HS256, whose secret
/// is the text of the public key.
fn forge(jwks: &str) -> Result<String, Failure> {
    let refused = |reason: String| Failure::new("demo", Exit::Refused, reason);
    let set: serde_json::Value =
        serde_json::from_str(jwks).map_err(|error| refused(error.to_string()))?;
    let public = set.pointer("/keys/0").cloned().unwrap_or_default();
    let secret = serde_json::json!({
        "kty": "oct", "alg": "HS256",
        "kid": public.get("kid").cloned().unwrap_or_default(),
        // The published number itself, as text: 43 characters that anyone can fetch.
        "k": public.get("x").cloned().unwrap_or_default(),
    });
    let key = SigningKey::from_jwk(secret.to_string().as_bytes(), &ImportOptions::new())
        .map_err(|error| key_failure(&error))?;
    Minter::builder(key, ISSUER)
        .audience("orders-api")
        .build()
        .and_then(|minter| minter.mint(&Claims::for_subject("root")))
        .map_err(|error| refused(error.to_string()))
}

/// The demo's folder; a temporary one goes when the demo ends, however it ends.
struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    fn make(asked: Option<&OsStr>) -> Result<Self, Failure> {
        let (path, temporary) = match asked {
            Some(path) => (PathBuf::from(path), false),
            None => (temporary_path()?, true),
        };
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|error| Failure::file("create", &path, &error))?;
        Ok(Self { path, temporary })
    }
}

fn temporary_path() -> Result<PathBuf, Failure> {
    let mut bytes = [0; 8];
    SystemEntropy
        .fill(&mut bytes)
        .map_err(|error| key_failure(&error))?;
    let name: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(std::env::temp_dir().join(format!("tokenwright-demo-{name}")))
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
