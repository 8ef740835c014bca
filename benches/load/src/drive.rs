//! The generator: connections that ask again as soon as they are answered.

use std::fmt;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::scene::Scene;
use crate::servers::target;

/// How many tokens are withdrawn in the middle of a run.
const WITHDRAWN: usize = 1_000;
/// Tokens in use at once; the oldest gives way to one of the present key.
const POOL: usize = 64;

/// What came of one server.
pub struct Figures {
    kind: String,
    seconds: f64,
    answered: usize,
    refused: usize,
    broken: usize,
    p50: u32,
    p99: u32,
    most: u32,
    rotations: usize,
    withdrawn: usize,
    still_accepted: usize,
    rss: (u64, u64),
}

impl Figures {
    pub const HEAD: &'static str = "server              requests/s   p50 us   p99 us    max us  good refused  broken  rotations  revoked (still accepted)  RSS KiB first tenth, end";

    /// No good request was refused or lost.
    pub fn is_good(&self) -> bool {
        self.refused == 0 && self.broken == 0 && self.still_accepted == 0 && self.answered > 0
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:18} {:11.0} {:8} {:8} {:9} {:13} {:7} {:10} {:8} ({:14}) {:12} {:12}",
            self.kind,
            self.answered as f64 / self.seconds,
            self.p50,
            self.p99,
            self.most,
            self.refused,
            self.broken,
            self.rotations,
            self.withdrawn,
            self.still_accepted,
            self.rss.0,
            self.rss.1
        )
    }
}

struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(kind: &str, scene: &Scene) -> Self {
        let myself = std::env::current_exe().expect("this program");
        let mut child = Command::new(myself)
            .arg(format!("server={kind}"))
            .arg(scene.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a second process");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("its address");
        let address = line.trim().trim_start_matches("http://");
        let address = address.parse().expect("an address");
        Self { child, address }
    }

    /// Resident memory in KiB.
    fn rss(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("VmRSS:"));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
            .unwrap_or(0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One connection and what it has seen.
struct Asker {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Asker {
    fn to(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self {
            stream,
            buffer: vec![0; 16 * 1024],
        })
    }

    /// Asks once; the status.
    fn ask(&mut self, request: &[u8]) -> std::io::Result<u16> {
        self.stream.write_all(request)?;
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..])?;
            if read == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            filled += read;
            let seen = &self.buffer[..filled];
            let Some(end) = seen.windows(4).position(|window| window == b"\r\n\r\n") else {
                continue;
            };
            let head = std::str::from_utf8(&seen[..end]).expect("a head of text");
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let is_length = name.eq_ignore_ascii_case("content-length");
                is_length.then(|| value.trim().parse::<usize>().ok())?
            });
            if filled >= end + 4 + length.unwrap_or(0) {
                let status = head
                    .split(' ')
                    .nth(1)
                    .and_then(|status| status.parse().ok());
                return Ok(status.expect("a status"));
            }
        }
    }
}

fn request(kind: &str, token: &str) -> Vec<u8> {
    let target = target(kind);
    format!("GET {target} HTTP/1.1\r\nHost: load\r\nAuthorization: Bearer {token}\r\n\r\n")
        .into_bytes()
}

pub fn run(kind: &str, span: Duration, connections: usize) -> Figures {
    let scene = Scene::new();
    let server = Server::start(kind, &scene);
    let pool: Mutex<Vec<Vec<u8>>> = Mutex::new(
        (0..POOL)
            .map(|_| request(kind, &scene.token(None)))
            .collect(),
    );
    let (stop, results) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let (mut first_rss, mut withdrawn, mut still_accepted) = (0, 0, 0);
    let asks_revocation = matches!(kind, "serve-verify" | "axum-layer");
    let began = Instant::now();
    thread::scope(|scope| {
        for number in 0..connections {
            let (server, pool, stop, results) = (&server, &pool, &stop, &results);
            scope.spawn(move || {
                results
                    .lock()
                    .unwrap()
                    .push(one(number, server.address, pool, stop));
            });
        }
        let (mut place, mut revoked) = (0, false);
        while began.elapsed() < span {
            thread::sleep(Duration::from_millis(100).min(span / 50));
            // A token of the key that signs now takes the place of the oldest.
            let fresh = request(kind, &scene.token(None));
            pool.lock().unwrap()[place % POOL] = fresh;
            place += 1;
            if first_rss == 0 && began.elapsed() > span / 10 {
                first_rss = server.rss();
            }
            if asks_revocation && !revoked && began.elapsed() > span / 2 {
                revoked = true;
                let ids: Vec<String> = (0..WITHDRAWN)
                    .map(|number| format!("withdrawn-{number}"))
                    .collect();
                let tokens: Vec<String> = ids.iter().map(|id| scene.token(Some(id))).collect();
                scene.revoke(&ids);
                withdrawn = ids.len();
                // Twice the interval at which the list is looked at.
                thread::sleep(Duration::from_secs(1));
                let mut asker = Asker::to(server.address).expect("a connection");
                let asked = tokens.iter().map(|token| asker.ask(&request(kind, token)));
                still_accepted = asked.filter(|status| !matches!(status, Ok(401))).count();
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    let seconds = began.elapsed().as_secs_f64();
    let results = results.into_inner().unwrap();
    let mut took: Vec<u32> = results
        .iter()
        .flat_map(|seen| seen.took.iter().copied())
        .collect();
    took.sort_unstable();
    let at = |share: f64| {
        let place = (took.len() as f64 * share) as usize;
        took.get(place.min(took.len().saturating_sub(1)))
            .copied()
            .unwrap_or(0)
    };
    Figures {
        kind: kind.to_owned(),
        seconds,
        answered: took.len(),
        refused: results.iter().map(|seen| seen.refused).sum(),
        broken: results.iter().map(|seen| seen.broken).sum(),
        p50: at(0.5),
        p99: at(0.99),
        most: took.last().copied().unwrap_or(0),
        rotations: scene.rotations(),
        withdrawn,
        still_accepted,
        rss: (first_rss, server.rss()),
    }
}

#[derive(Default)]
struct Seen {
    /// Microseconds of each answer.
    took: Vec<u32>,
    refused: usize,
    broken: usize,
}

fn one(number: usize, address: SocketAddr, pool: &Mutex<Vec<Vec<u8>>>, stop: &AtomicBool) -> Seen {
    let mut seen = Seen::default();
    let mut asker = Asker::to(address).expect("a connection");
    let mut requests = pool.lock().unwrap().clone();
    for turn in number.. {
        if stop.load(Ordering::Relaxed) {
            return seen;
        }
        // Tokens of the present key, every now and then.
        if turn % 1_024 == 0 {
            requests.clone_from(&pool.lock().unwrap());
        }
        let began = Instant::now();
        match asker.ask(&requests[turn % requests.len()]) {
            Ok(200) => seen
                .took
                .push(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX)),
            Ok(_) => seen.refused += 1,
            Err(_) => {
                seen.broken += 1;
                match Asker::to(address) {
                    Ok(next) => asker = next,
                    Err(_) => return seen,
                }
            }
        }
    }
    seen
}
