//! The server: what it is made of, and its life from the first connection to the last.

use std::fmt;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use arc_swap::ArcSwap;
use http::{Method, Request, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::connection;
use super::error::ServeError;
use super::forward::Gate;
use super::inspector::Inspector;
use super::listen::{Listener, Socket, SocketFile};
use super::metrics::Metrics;
use super::reply::Reply;
use super::signed_list::SignedList;
use super::site::{Answered, Known, Site};
use super::withdrawn::Withdrawn;
use crate::http::{Answers, TokenPlace};
use crate::revocation::Freshness;
use crate::store::{Follower, FollowerHandle, RevocationFollower};
use crate::time::{Clock, SystemClock, UnixTime};
use crate::verify::Verifier;

/// How much a client may take, and how long.
///
/// ```
/// use std::time::Duration;
/// use tokenwright::http::serve::Limits;
/// let limits = Limits { connections: 4096, ..Limits::default() };
/// assert_eq!(limits.receiving, Duration::from_secs(10));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most connections at once; further ones wait in the system's queue. 1024
    /// unless told otherwise, with which heads take 40 MiB at most.
    pub connections: usize,
    /// How long a request may take to arrive, head and body. 10 seconds unless told
    /// otherwise: proxies send it at once.
    pub receiving: Duration,
    /// How long a connection may rest between requests. 75 seconds unless told
    /// otherwise, longer than the 60 that proxies keep theirs.
    pub idle: Duration,
    /// How long the server goes on accepting after it was told to end, while
    /// `/readyz` answers 503 already. One second unless told otherwise.
    pub drain: Duration,
    /// How long requests may then still take. 10 seconds unless told otherwise.
    pub ending: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            receiving: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            drain: Duration::from_secs(1),
            ending: Duration::from_secs(10),
        }
    }
}

/// Who sent a request: for the log only, and never a reason to decide anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A TCP address, which is the proxy's where there is one.
    Tcp(SocketAddr),
    /// A program of this machine.
    Unix,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix => f.write_str("unix"),
        }
    }
}

/// One answered request, for an access log. It holds no address, no header and no
/// token: all of them may be secrets of a client.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    /// When it was answered.
    pub at: UnixTime,
    /// Who sent it.
    pub peer: Peer,
    /// The method, which is text of the client's.
    pub method: &'a Method,
    /// The endpoint, such as `verify`, or `other`.
    pub endpoint: &'static str,
    /// The answer's status.
    pub status: StatusCode,
    /// What came of the token: `valid` or the code of the refusal.
    pub result: Option<&'static str>,
    /// From the whole request to the answer.
    pub took: Duration,
}

type Log = dyn Fn(&Access<'_>) + Send + Sync;

/// What all connections share.
pub(super) struct Shared {
    pub(super) site: Site,
    pub(super) limits: Limits,
    log: Option<Box<Log>>,
}

impl Shared {
    pub(super) fn log(&self, request: &Request<()>, peer: Peer, answered: &Answered) {
        if let Some(log) = &self.log {
            log(&Access {
                at: self.site.clock.now(),
                peer,
                method: request.method(),
                endpoint: answered.endpoint.name(),
                status: answered.reply.status(),
                result: answered.result,
                took: answered.took,
            });
        }
    }
}

/// A server of one keyring: its key set, forward authentication, health and metrics.
///
/// ```no_run
/// use tokenwright::http::serve::{DEFAULT_SOCKET_MODE, Listener, Server};
/// use tokenwright::store::{FileStore, Follower};
/// use tokenwright::{Policy, SystemClock, Verifier};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let follower = Follower::verifying(FileStore::open("keys")?, SystemClock)?;
/// let verifier = Verifier::builder(follower.keys())
///     .policy(Policy::new("https://auth.example", "orders-api"))
///     .without_revocation()
///     .build();
/// let listener = Listener::bind(&"127.0.0.1:4180".parse()?, DEFAULT_SOCKET_MODE)?;
/// let server = Server::builder(follower, verifier).build();
/// server.run(listener, std::future::pending()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Server(Arc<Shared>);

/// A server in the making.
pub struct ServerBuilder {
    follower: Follower,
    verifier: Verifier,
    place: TokenPlace,
    answers: Answers,
    withdrawn: Option<Withdrawn>,
    inspector: Inspector,
    clock: Box<dyn Clock>,
    limits: Limits,
    refresh: Duration,
    log: Option<Box<Log>>,
}

impl Server {
    /// Begins a server of the keyring that `follower` follows. The verifier judges
    /// tokens at `/verify`; build it on [`Follower::keys`], so that it turns with them.
    #[must_use]
    pub fn builder(follower: Follower, verifier: Verifier) -> ServerBuilder {
        ServerBuilder {
            follower,
            verifier,
            place: TokenPlace::header(),
            answers: Answers::new(),
            withdrawn: None,
            inspector: Inspector::Off,
            clock: Box::new(SystemClock),
            limits: Limits::default(),
            refresh: Duration::from_secs(5),
            log: None,
        }
    }
}

impl ServerBuilder {
    /// Takes the time from this clock in place of the system's. The follower and the
    /// verifier have theirs.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Sets where requests carry their token; without it in the header
    /// `Authorization: Bearer` alone.
    #[must_use]
    pub fn token_place(mut self, place: TokenPlace) -> Self {
        self.place = place;
        self
    }

    /// Sets how refusals are put: realm and resource metadata; without it neither.
    #[must_use]
    pub fn answers(mut self, answers: Answers) -> Self {
        self.answers = answers;
        self
    }

    /// Shows the list in `/readyz` and in the metrics that the verifier asks; build the
    /// verifier on [`RevocationFollower::live`] with the same freshness. The server
    /// follows the list while it runs.
    #[must_use]
    pub fn revocations(mut self, follower: RevocationFollower, freshness: Freshness) -> Self {
        self.withdrawn = Some(Withdrawn::new(follower, freshness));
        self
    }

    /// Signs the list of [`revocations`](Self::revocations) for other machines, as lists of
    /// this issuer: `/revocations` and `/revocations/deltas?after=EPOCH.SEQ`, for
    /// [`RevocationReplica`](crate::distribution::RevocationReplica). A document may be
    /// taken for `valid_for`. The follower of the keyring must be one that signs
    /// ([`Follower::signing`]); without a list this does nothing.
    #[must_use]
    pub fn publish_revocations(mut self, issuer: &str, valid_for: Duration) -> Self {
        let signers = self.follower.signers();
        if let Some(withdrawn) = &mut self.withdrawn {
            withdrawn.signed = Some(SignedList::new(issuer, valid_for, signers));
        }
        self
    }

    /// Sets who may see the inspector page at `/`; without it nobody.
    #[must_use]
    pub fn inspector(mut self, inspector: Inspector) -> Self {
        self.inspector = inspector;
        self
    }

    /// Sets how much a client may take.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how often the store is read: every 5 seconds unless told otherwise, and
    /// never less than four times in the policy's `view_age`.
    #[must_use]
    pub fn refresh_every(mut self, interval: Duration) -> Self {
        self.refresh = interval;
        self
    }

    /// Tells every answered request. The function runs on the thread that answers:
    /// it must be quick.
    #[must_use]
    pub fn access_log(mut self, log: impl Fn(&Access<'_>) + Send + Sync + 'static) -> Self {
        self.log = Some(Box::new(log));
        self
    }

    /// The finished server.
    #[must_use]
    pub fn build(self) -> Server {
        let now = self.clock.now();
        let site = Site {
            known: ArcSwap::from_pointee(Known::of(&self.follower, now)),
            follower: self.follower,
            gate: Gate {
                verifier: self.verifier,
                place: self.place,
                answers: self.answers,
            },
            clock: self.clock,
            metrics: Metrics::new(),
            withdrawn: self.withdrawn,
            inspector: self.inspector,
            most_connections: self.limits.connections,
            started: now,
            refresh: self.refresh,
            draining: AtomicBool::new(false),
        };
        Server(Arc::new(Shared {
            site,
            limits: self.limits,
            log: self.log,
        }))
    }
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("limits", &self.0.limits)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Answers one request without any socket: for tests, and for servers that have
    /// their own. `body` is empty for all addresses that read none.
    #[must_use]
    pub fn answer(&self, request: &Request<()>, body: &[u8]) -> Reply {
        self.0.site.answer(request, body).reply
    }

    /// Reads the store once, as [`run`](Self::run) does by itself.
    pub fn refresh(&self) {
        self.0.site.refresh();
    }

    /// Serves until `shutdown` is ready, and then ends in order: `/readyz` answers 503
    /// and every answer closes its connection for the time of [`Limits::drain`];
    /// then nothing more is accepted, and what has begun is finished, or cut off after
    /// [`Limits::ending`]. Returns how it ended.
    ///
    /// It must run on a tokio runtime with time and input and output.
    ///
    /// # Errors
    /// The runtime cannot take the socket.
    pub async fn run(
        self,
        listener: Listener,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<Ending, ServeError> {
        let shared = self.0;
        let acceptor = Acceptor::of(listener)?;
        let seats = Arc::new(Semaphore::new(shared.limits.connections.min(MOST_SEATS)));
        let (end, ending) = watch::channel(false);
        let _refreshing = Refreshing::start(&shared, Site::refresh_interval, Site::refresh);
        let _signing = Refreshing::start(&shared, |_| SIGNING, Site::publish);
        let _polling = polling(&shared)?;
        {
            let mut told = pin!(async {
                shutdown.await;
                shared.site.draining.store(true, Ordering::Relaxed);
                sleep(shared.limits.drain).await;
            });
            let mut accepting = pin!(accept(&acceptor, &shared, &seats, &ending));
            poll_fn(|context| {
                if told.as_mut().poll(context).is_ready() {
                    return Poll::Ready(());
                }
                // It never ends by itself.
                let _ = accepting.as_mut().poll(context);
                Poll::Pending
            })
            .await;
        }
        acceptor.empty(&shared, &seats, &ending).await;
        drop(acceptor);
        let _ = end.send(true);
        let all = u32::try_from(shared.limits.connections.min(MOST_SEATS)).unwrap_or(u32::MAX);
        let finished = timeout(shared.limits.ending, seats.acquire_many(all)).await;
        Ok(match finished {
            Ok(_) => Ending::Finished,
            Err(_) => Ending::CutOff {
                connections: (all as usize).saturating_sub(seats.available_permits()),
            },
        })
    }
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Everything that had begun was answered.
    Finished,
    /// Some connections took longer than allowed and were cut off.
    CutOff {
        /// How many.
        connections: usize,
    },
}

/// The most connections that any setting gives: what one system has ports for.
const MOST_SEATS: usize = 65_536;

/// How long to wait when the system has no file descriptor to give.
const NO_DESCRIPTORS: Duration = Duration::from_millis(50);

enum Acceptor {
    Tcp(tokio::net::TcpListener),
    Unix(
        tokio::net::UnixListener,
        #[expect(dead_code, reason = "removed when dropped")] SocketFile,
    ),
}

impl Acceptor {
    fn of(listener: Listener) -> Result<Self, ServeError> {
        let place = listener.address().to_string();
        let failed = |error| ServeError::at(&place, &error);
        match listener.socket {
            Socket::Tcp(socket) => tokio::net::TcpListener::from_std(socket)
                .map(Self::Tcp)
                .map_err(failed),
            Socket::Unix(socket, file) => tokio::net::UnixListener::from_std(socket)
                .map(|socket| Self::Unix(socket, file))
                .map_err(failed),
        }
    }

    /// Waits for one connection and gives it a task of its own, which holds the seat.
    async fn one(
        &self,
        shared: &Arc<Shared>,
        seat: OwnedSemaphorePermit,
        ending: &watch::Receiver<bool>,
    ) {
        let (shared, ending) = (Arc::clone(shared), ending.clone());
        match self {
            Self::Tcp(listener) => match listener.accept().await {
                Ok((stream, address)) => {
                    // Answers are one write; waiting for more of it only adds delay.
                    let _ = stream.set_nodelay(true);
                    tokio::spawn(seated(stream, Peer::Tcp(address), shared, ending, seat));
                }
                Err(_) => sleep(NO_DESCRIPTORS).await,
            },
            Self::Unix(listener, _) => match listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(seated(stream, Peer::Unix, shared, ending, seat));
                }
                Err(_) => sleep(NO_DESCRIPTORS).await,
            },
        }
    }

    /// Takes the connections that the system has accepted for us already: their
    /// clients believe that they are connected.
    async fn empty(
        &self,
        shared: &Arc<Shared>,
        seats: &Arc<Semaphore>,
        ending: &watch::Receiver<bool>,
    ) {
        while let Ok(seat) = Arc::clone(seats).try_acquire_owned() {
            let mut one = pin!(self.one(shared, seat, ending));
            let waited = poll_fn(|context| Poll::Ready(one.as_mut().poll(context))).await;
            if waited.is_pending() {
                break;
            }
        }
    }
}

/// Accepts for ever, as long as there are seats.
async fn accept(
    acceptor: &Acceptor,
    shared: &Arc<Shared>,
    seats: &Arc<Semaphore>,
    ending: &watch::Receiver<bool>,
) {
    // The semaphore is never closed.
    while let Ok(seat) = Arc::clone(seats).acquire_owned().await {
        acceptor.one(shared, seat, ending).await;
    }
}

async fn seated<S>(
    stream: S,
    peer: Peer,
    shared: Arc<Shared>,
    ending: watch::Receiver<bool>,
    seat: OwnedSemaphorePermit,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    shared.site.metrics.connected();
    connection::serve(stream, peer, Arc::clone(&shared), ending).await;
    shared.site.metrics.disconnected();
    drop(seat);
}

/// The thread that looks at the revocation list, far more often than keys change.
fn polling(shared: &Shared) -> Result<Option<FollowerHandle>, ServeError> {
    let follower = shared.site.withdrawn.as_ref().map(|list| &list.follower);
    let started = follower.map(|follower| follower.spawn(RevocationFollower::INTERVAL));
    started
        .transpose()
        .map_err(|error| ServeError::at("a thread for the revocation list", &error))
}

/// How often to look whether the list has changed and is to be signed.
const SIGNING: Duration = Duration::from_millis(500);

/// A task that does something now and then; it ends with the server.
struct Refreshing(tokio::task::JoinHandle<()>);

impl Refreshing {
    /// `work` may block, as a store on a disk does: answering goes on meanwhile.
    fn start(
        shared: &Arc<Shared>,
        interval: impl Fn(&Site) -> Duration + Send + 'static,
        work: fn(&Site),
    ) -> Self {
        let shared = Arc::clone(shared);
        Self(tokio::spawn(async move {
            loop {
                let worker = Arc::clone(&shared);
                let _ = tokio::task::spawn_blocking(move || work(&worker.site)).await;
                sleep(interval(&shared.site)).await;
            }
        }))
    }
}

impl Drop for Refreshing {
    fn drop(&mut self) {
        self.0.abort();
    }
}
