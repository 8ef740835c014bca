//! The same question put to a Redis server on this machine.

use std::hint::black_box;
use std::io;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::ids::{ABSENT, Ids};
use crate::measure::percentile;
use crate::report::{Report, Target};

/// A server of our own, ended when dropped.
struct Server {
    child: Child,
    connection: redis::Connection,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start() -> Result<Self, String> {
        let free = || Ok::<_, io::Error>(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port());
        let port = free().map_err(|error| format!("no free port: {error}"))?;
        let mut child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--port", &port.to_string()])
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| format!("redis-server cannot be started: {error}"))?;
        let client = redis::Client::open(("127.0.0.1", port)).map_err(|error| error.to_string());
        let deadline = Instant::now() + Duration::from_secs(10);
        let connection = client.and_then(|client| {
            loop {
                match client.get_connection() {
                    Ok(connection) => return Ok(connection),
                    Err(error) if Instant::now() > deadline => return Err(error.to_string()),
                    Err(_) => std::thread::sleep(Duration::from_millis(20)),
                }
            }
        });
        match connection {
            Ok(connection) => Ok(Self { child, connection }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }
}

/// One round trip for each check, as a verifier that keeps its list in Redis makes it.
pub fn compare(report: &mut Report, entries: u64, checks: u64) {
    let mut server = match Server::start() {
        Ok(server) => server,
        Err(reason) => return report.remark(&format!("Redis is left out: {reason}")),
    };
    if let Err(error) = ask(report, &mut server.connection, entries, checks) {
        report.remark(&format!("Redis is left out: {error}"));
    }
}

fn ask(
    report: &mut Report,
    connection: &mut redis::Connection,
    entries: u64,
    checks: u64,
) -> redis::RedisResult<()> {
    for start in (0..entries).step_by(10_000) {
        let ids = Ids::of(start..entries.min(start + 10_000));
        let mut add = redis::cmd("SADD");
        add.arg("revoked");
        for id in ids.iter() {
            add.arg(id);
        }
        add.query::<u64>(connection)?;
    }
    let ids = Ids::of(ABSENT..ABSENT + checks);
    let mut times = Vec::new();
    for id in ids.iter() {
        let start = Instant::now();
        let listed: bool = redis::cmd("SISMEMBER")
            .arg("revoked")
            .arg(black_box(id))
            .query(connection)?;
        times.push(start.elapsed().as_nanos() as f64);
        assert!(!listed);
    }
    let name = format!(
        "10^{} miss: Redis SISMEMBER, TCP on loopback",
        entries.ilog10()
    );
    report.figure(&name, percentile(times, 0.5), "ns", Target::None);
    Ok(())
}
