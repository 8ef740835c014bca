//! Servers that a test starts, freezes, kills and starts again.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};

/// How long a server may take to come up.
const PATIENCE: Duration = Duration::from_secs(60);
/// Debian's nobody: PostgreSQL refuses to run as root.
const NOBODY: u32 = 65_534;

/// A folder of one test alone, removed afterwards.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::SeqCst);
        let name = format!("tokenwright-fleet-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .unwrap();
        Self(path)
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A file that only we can read.
    pub(crate) fn secret(&self, name: &str, text: &str) -> PathBuf {
        let path = self.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A program on this machine, or the line that says what was not run.
pub(crate) fn installed(program: &str) -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain(debian.map(|version| version.path().join("bin")))
        .map(|folder| folder.join(program))
        .find(|path| path.is_file());
    assert!(
        found.is_some() || std::env::var_os("CI").is_none(),
        "{program} is not installed"
    );
    if found.is_none() {
        println!("not run: {program} is not installed");
    }
    found
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Waits until something holds; a server of ours must not take longer.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "{what} took too long");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A process that is killed when the test ends.
struct Process(Child);

impl Process {
    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.0);
        kill_process(pid, signal).unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A Redis of this test alone.
pub(crate) struct Redis {
    process: Option<Process>,
    program: PathBuf,
    pub(crate) port: u16,
    folder: Scratch,
    arguments: Vec<String>,
}

impl Redis {
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(arguments: &[&str]) -> Option<Self> {
        let program = installed("redis-server")?;
        let mut redis = Self {
            process: None,
            program,
            port: free_port(),
            folder: Scratch::new(),
            arguments: arguments.iter().map(|each| (*each).to_owned()).collect(),
        };
        redis.begin();
        Some(redis)
    }

    /// Starts it, again if need be, on the same port and with the same files.
    pub(crate) fn begin(&mut self) {
        let port = self.port.to_string();
        let mut command = Command::new(&self.program);
        command
            .args(["--bind", "127.0.0.1", "--port", &port, "--save", ""])
            .args(&self.arguments)
            .arg("--dir")
            .arg(&self.folder.0)
            .stdout(Stdio::null());
        self.process = Some(Process(command.spawn().unwrap()));
        until("starting Redis", || {
            let answer = self.ask(&["PING"]);
            answer.contains("PONG") || answer.contains("NOAUTH")
        });
    }

    /// Asks it with its own client's protocol, in one line.
    pub(crate) fn ask(&self, words: &[&str]) -> String {
        use std::io::{Read as _, Write as _};
        let Ok(mut stream) = TcpStream::connect(self.address()) else {
            return String::new();
        };
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        if stream.write_all(request.as_bytes()).is_err() {
            return String::new();
        }
        let mut answer = [0; 4096];
        let length = stream.read(&mut answer).unwrap_or(0);
        String::from_utf8_lossy(&answer[..length]).into_owned()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    pub(crate) fn name(&self, prefix: &str) -> String {
        format!("redis://127.0.0.1:{}/0?prefix={prefix}", self.port)
    }

    pub(crate) fn freeze(&self) {
        self.process.as_ref().unwrap().signal(Signal::STOP);
    }

    pub(crate) fn thaw(&self) {
        self.process.as_ref().unwrap().signal(Signal::CONT);
    }

    pub(crate) fn kill(&mut self) {
        self.process = None;
    }
}

/// A PostgreSQL of this test alone.
pub(crate) struct Postgres {
    process: Option<Process>,
    program: PathBuf,
    pub(crate) port: u16,
    folder: Scratch,
    arguments: Vec<String>,
}

impl Postgres {
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(arguments: &[&str]) -> Option<Self> {
        let initdb = installed("initdb")?;
        let program = installed("postgres")?;
        let folder = Scratch::new();
        std::fs::set_permissions(&folder.0, std::fs::Permissions::from_mode(0o755)).unwrap();
        if geteuid().is_root() {
            chown(&folder.0, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let password = folder.join("password");
        std::fs::write(&password, "boss\n").unwrap();
        let made = as_nobody(&initdb, &folder.0)
            .args(["--no-sync", "--username", "boss", "--auth", "scram-sha-256"])
            .args(["--encoding", "UTF8", "--no-locale", "--pwfile"])
            .arg(&password)
            .arg("--pgdata")
            .arg(folder.join("data"))
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success());
        let mut postgres = Self {
            process: None,
            program,
            port: free_port(),
            folder,
            arguments: arguments.iter().map(|each| (*each).to_owned()).collect(),
        };
        postgres.begin();
        Some(postgres)
    }

    pub(crate) fn begin(&mut self) {
        let log = std::fs::File::create(self.folder.join("log")).unwrap();
        let mut command = as_nobody(&self.program, &self.folder.0);
        command
            .arg("-D")
            .arg(self.folder.join("data"))
            .args(["-p", &self.port.to_string(), "-h", "127.0.0.1", "-k", ""])
            .args(["-c", "max_connections=300", "-c", "shared_buffers=16MB"])
            .args(&self.arguments)
            .stdout(Stdio::null())
            .stderr(log);
        self.process = Some(Process(command.spawn().unwrap()));
        until("starting PostgreSQL", || self.sql("SELECT 1").is_ok());
    }

    /// Runs SQL as its owner.
    pub(crate) fn sql(&self, text: &str) -> Result<Vec<String>, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let settings = format!(
                "host=127.0.0.1 port={} user=boss password=boss dbname=postgres",
                self.port
            );
            let words = |error: tokio_postgres::Error| {
                error
                    .as_db_error()
                    .map_or_else(|| error.to_string(), ToString::to_string)
            };
            let connected = tokio_postgres::connect(&settings, tokio_postgres::NoTls).await;
            let (client, connection) = connected.map_err(words)?;
            tokio::spawn(connection);
            let answers = client.simple_query(text).await.map_err(words)?;
            let cell = |answer: &tokio_postgres::SimpleQueryMessage| match answer {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            };
            Ok(answers.iter().filter_map(cell).collect())
        })
    }

    pub(crate) fn name(&self, schema: &str) -> String {
        self.name_for("boss", "boss", schema)
    }

    pub(crate) fn name_for(&self, user: &str, password: &str, schema: &str) -> String {
        let port = self.port;
        format!("postgres://{user}:{password}@127.0.0.1:{port}/postgres?schema={schema}")
    }

    /// Freezes or thaws the server and all its children.
    fn all(&self, signal: Signal) {
        let parent = Pid::from_child(&self.process.as_ref().unwrap().0);
        kill_process(parent, signal).unwrap();
        for child in children(parent) {
            let _ = kill_process(child, signal);
        }
    }

    pub(crate) fn freeze(&self) {
        self.all(Signal::STOP);
    }

    pub(crate) fn thaw(&self) {
        self.all(Signal::CONT);
    }

    /// As a power cut: nobody shuts anything down.
    pub(crate) fn kill(&mut self) {
        if let Some(process) = &self.process {
            let parent = Pid::from_child(&process.0);
            let children = children(parent);
            let _ = kill_process(parent, Signal::KILL);
            for child in children {
                let _ = kill_process(child, Signal::KILL);
            }
        }
        self.process = None;
        let _ = std::fs::remove_file(self.folder.join("data/postmaster.pid"));
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}

/// moto looks at a condition and then puts, without holding others off in between: with
/// its own server's threads two writers can both win, as the suite of rules has found.
/// One request at a time makes it keep its conditions.
const MOTO: &str = "
import sys
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
application = DomainDispatcherApplication(create_backend_app)
run_simple('127.0.0.1', int(sys.argv[1]), application, threaded=False)
";

/// S3 as moto serves it, one request after the other.
pub(crate) struct Bucket {
    _process: Process,
    pub(crate) port: u16,
}

impl Bucket {
    pub(crate) fn start() -> Option<Self> {
        let python = installed("moto_server")?.with_file_name("python3");
        let port = free_port();
        let child = Command::new(python)
            .args(["-c", MOTO, &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let bucket = Self {
            _process: Process(child),
            port,
        };
        let made = || http(port, "PUT", "/keys").contains(" 200 OK");
        until("starting moto", made);
        Some(bucket)
    }

    pub(crate) fn name(&self, prefix: &str) -> String {
        bucket_at(self.port, prefix)
    }
}

/// The name of a bucket on an endpoint of this machine.
pub(crate) fn bucket_at(port: u16, prefix: &str) -> String {
    format!(
        "s3://key:secret@keys/{prefix}?endpoint=http://127.0.0.1:{port}&region=eu-central-1\
         &timeout=20000"
    )
}

/// One request without a body; the answer's head, or nothing.
fn http(port: u16, method: &str, path: &str) -> String {
    use std::io::{Read as _, Write as _};
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return String::new();
    };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Content-Length: 0\r\n\r\n"
    );
    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
    let _ = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn children(parent: Pid) -> Vec<Pid> {
    let path = format!("/proc/{0}/task/{0}/children", parent.as_raw_nonzero());
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let numbers = text.split_whitespace().filter_map(|word| word.parse().ok());
    numbers.filter_map(Pid::from_raw).collect()
}

fn as_nobody(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env("LC_ALL", "C");
    if geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}
