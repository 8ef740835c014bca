//! Servers on loopback that behave as they are told, and count what they gave.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How long a hostile server goes on before it tires: no client may wait for that.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Between two bytes of a server that drips.
const DRIP: Duration = Duration::from_millis(20);

/// What a connection is handled by, once its request has been read.
pub(crate) type Behaviour = Arc<dyn Fn(&mut Peer<'_>) + Send + Sync>;

/// The other end of a connection.
pub(crate) struct Peer<'p> {
    io: &'p mut dyn ReadWrite,
    written: &'p AtomicU64,
    over: &'p AtomicBool,
    pub(crate) head: String,
}

pub(crate) trait ReadWrite: Read + Write {}
impl<T: Read + Write> ReadWrite for T {}

impl Peer<'_> {
    /// Writes, and says whether there is still someone who reads.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        let sent = self.io.write_all(bytes).and_then(|()| self.io.flush());
        self.written.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        sent.is_ok() && !self.over.load(Ordering::SeqCst)
    }

    /// One byte after the other, with a pause before each.
    pub(crate) fn drip(&mut self, bytes: &[u8]) {
        for byte in bytes {
            std::thread::sleep(DRIP);
            if !self.send(&[*byte]) {
                return;
            }
        }
    }

    /// Holds the connection open and says nothing until the client leaves.
    pub(crate) fn hold(&mut self) {
        let until = Instant::now() + PATIENCE;
        let mut byte = [0];
        while Instant::now() < until && !self.over.load(Ordering::SeqCst) {
            match self.io.read(&mut byte) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => return,
            }
        }
    }

    fn read_head(&mut self) -> bool {
        let until = Instant::now() + PATIENCE;
        let mut byte = [0];
        while !self.head.ends_with("\r\n\r\n") {
            match self.io.read(&mut byte) {
                Ok(1..) => self.head.push(char::from(byte[0])),
                Ok(0) => return false,
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    if Instant::now() > until || self.over.load(Ordering::SeqCst) {
                        return false;
                    }
                }
                Err(_) => return false,
            }
        }
        true
    }
}

/// A whole answer.
pub(crate) fn answer(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

pub(crate) fn says(bytes: Vec<u8>) -> Behaviour {
    Arc::new(move |peer: &mut Peer<'_>| {
        peer.send(&bytes);
    })
}

pub(crate) fn publishes(set: &str) -> Behaviour {
    says(answer(
        "200 OK",
        &[("Content-Type", "application/json")],
        set.as_bytes(),
    ))
}

/// What is done with a connection before any request is read.
#[derive(Clone)]
enum Transport {
    Plain,
    Tls(Arc<ServerConfig>),
    /// The connection is accepted, and nothing more.
    Silent,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    behaviour: Arc<Mutex<Behaviour>>,
    accepted: Arc<AtomicUsize>,
    written: Arc<AtomicU64>,
    heads: Arc<Mutex<Vec<String>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn plain(behaviour: Behaviour) -> Self {
        Self::start(Transport::Plain, behaviour)
    }

    pub(crate) fn tls(identity: &Identity, behaviour: Behaviour) -> Self {
        Self::start(Transport::Tls(Arc::clone(&identity.config)), behaviour)
    }

    pub(crate) fn silent() -> Self {
        Self::start(Transport::Silent, says(Vec::new()))
    }

    fn start(transport: Transport, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut server = Self {
            address: listener.local_addr().unwrap(),
            behaviour: Arc::new(Mutex::new(behaviour)),
            accepted: Arc::default(),
            written: Arc::default(),
            heads: Arc::default(),
            over: Arc::default(),
            thread: None,
        };
        let parts = (
            Arc::clone(&server.behaviour),
            Arc::clone(&server.accepted),
            Arc::clone(&server.written),
            Arc::clone(&server.heads),
            Arc::clone(&server.over),
        );
        server.thread = Some(std::thread::spawn(move || {
            let (behaviour, accepted, written, heads, over) = parts;
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                accepted.fetch_add(1, Ordering::SeqCst);
                let behaviour = Arc::clone(&behaviour.lock().unwrap());
                let (transport, written) = (transport.clone(), Arc::clone(&written));
                let (heads, over) = (Arc::clone(&heads), Arc::clone(&over));
                std::thread::spawn(move || {
                    let _ = stream.set_read_timeout(Some(Duration::from_millis(100)));
                    let _ = stream.set_write_timeout(Some(PATIENCE));
                    serve(transport, stream, &written, &heads, &over, &behaviour);
                });
            }
        }));
        server
    }

    pub(crate) fn now(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/jwks.json", self.address)
    }

    /// How many connections there were.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// How many bytes it has handed to the network.
    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::SeqCst)
    }

    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn serve(
    transport: Transport,
    mut stream: TcpStream,
    written: &AtomicU64,
    heads: &Mutex<Vec<String>>,
    over: &AtomicBool,
    behaviour: &Behaviour,
) {
    let run = |io: &mut dyn ReadWrite, reads: bool| {
        let mut peer = Peer {
            io,
            written,
            over,
            head: String::new(),
        };
        if !reads {
            return peer.hold();
        }
        if peer.read_head() {
            heads.lock().unwrap().push(peer.head.clone());
            behaviour(&mut peer);
        }
    };
    match transport {
        Transport::Plain => run(&mut stream, true),
        Transport::Silent => run(&mut stream, false),
        Transport::Tls(config) => {
            let connection = ServerConnection::new(config).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            run(&mut stream, true);
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes the thread from waiting for a connection.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A certificate authority made on the spot.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

/// What a server proves itself with.
pub(crate) struct Identity {
    config: Arc<ServerConfig>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// A certificate for these names, valid or long expired.
    pub(crate) fn vouch(&self, names: &[&str], expired: bool) -> Identity {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        if expired {
            params.not_before = rcgen::date_time_ymd(2001, 1, 1);
            params.not_after = rcgen::date_time_ymd(2002, 1, 1);
        }
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .unwrap();
        Identity {
            config: Arc::new(config),
        }
    }
}
