//! A folder of its own for a test, and the program run in it.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_tokenwright");

/// A temporary folder, removed when the test ends.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tokenwright-cli-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// A place with a keyring for one issuer and one audience.
    pub(crate) fn with_keys(algorithm: &str) -> Self {
        let place = Self::new();
        let arguments = [
            "init",
            "--alg",
            algorithm,
            "--iss",
            "https://auth.example",
            "--aud",
            "orders-api",
        ];
        place.run(&arguments).succeeds();
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn read_bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// The mode of a file or folder, without its kind.
    pub(crate) fn mode(&self, name: &str) -> u32 {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o7777
    }

    /// Every file and folder below, sorted.
    pub(crate) fn all(&self) -> Vec<PathBuf> {
        fn walk(path: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(path).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, found);
                }
                found.push(path);
            }
        }
        let mut found = Vec::new();
        walk(&self.0, &mut found);
        found.sort();
        found
    }

    /// The program, in this folder, with nothing of the person's settings.
    pub(crate) fn command(&self) -> Command {
        self.shielded(PROGRAM)
    }

    pub(crate) fn shielded(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.0)
            .env("HOME", &self.0)
            .stdin(Stdio::null());
        for name in ["STORE", "CONFIG", "ISS", "AUD"] {
            command.env_remove(format!("TOKENWRIGHT_{name}"));
        }
        command.env_remove("XDG_CONFIG_HOME").env_remove("NO_COLOR");
        command
    }

    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Run {
        Run(self.command().args(arguments).output().unwrap())
    }

    /// The program behind a shell command such as `umask 000`.
    pub(crate) fn run_after(&self, setup: &str, arguments: &[&str]) -> Run {
        let mut command = self.shielded("/bin/sh");
        command
            .arg("-c")
            .arg(format!("{setup}; exec \"$0\" \"$@\""))
            .arg(PROGRAM);
        Run(command.args(arguments).output().unwrap())
    }

    pub(crate) fn feed(&self, input: impl Into<Vec<u8>>, arguments: &[&str]) -> Run {
        let mut command = self.command();
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.into();
        // The program may leave before it has read everything.
        let feeding = thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        feeding.join().unwrap();
        Run(output)
    }

    /// Mints a token.
    pub(crate) fn mint(&self, arguments: &[&str]) -> String {
        let mut all = vec!["mint"];
        all.extend(arguments);
        self.run(&all).succeeds().stdout().trim_end().to_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// How the program ended.
pub(crate) struct Run(Output);

impl Run {
    pub(crate) fn code(&self) -> i32 {
        self.0
            .status
            .code()
            .expect("the program was killed by a signal")
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.code(), 0, "{}", self.stderr());
        self
    }

    /// Ended with this code, nothing on standard output, and an error on the other.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, error: &str) -> Self {
        let words = self.stderr();
        assert_eq!(self.code(), code, "{words}");
        assert_eq!(self.stdout(), "", "{words}");
        assert!(words.contains(&format!("error[{error}]: ")), "{words}");
        assert!(!words.contains("panicked"), "{words}");
        self
    }

    /// The words on standard error, whole.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert_eq!(self.stderr(), words);
        self
    }

    /// Standard error holds these words.
    #[track_caller]
    pub(crate) fn says_about(self, words: &str) -> Self {
        assert!(self.stderr().contains(words), "{}", self.stderr());
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout()).unwrap()
    }
}
