//! `tokenwright serve`: the key set, forward authentication, health and metrics.

use std::future::poll_fn;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::task::Poll;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokenwright::http::serve::{
    Access, Address, Ending, Inspector, Limits, Listener, ServeError, Server,
};
use tokenwright::http::{Answers, SetupError, TokenPlace};
use tokenwright::store::{
    FollowError, FollowErrorKind, Follower, ListenHandle, OpenedStore, RevocationFollower, Waker,
};
use tokenwright::{Freshness, SystemClock, Verifier, WhenUnknown};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

use crate::cli::arguments::GlobalArguments;
use crate::cli::commands::verify::policy;
use crate::cli::config::{self, Settings};
use crate::cli::escape::Escaped;
use crate::cli::failure::{Exit, Failure};
use crate::cli::keys::{Ring, apply_defaults};
use crate::cli::output::Output;
use crate::cli::passphrase::PassphraseSource;
use crate::cli::revocations;
use crate::cli::times;

/// Lines of the access log that may wait for a slow terminal; more are dropped.
const WAITING_LINES: usize = 4096;

const AFTER_HELP: &str = "\
Addresses: /verify (forward authentication), /.well-known/jwks.json or paserk.txt,
/healthz, /readyz, /metrics. The files in packaging/proxy/ show how nginx, Caddy, Traefik
and Envoy ask it, and how they strip identity headers that a client made up.
SIGTERM or SIGINT: /readyz answers 503, then nothing more is accepted and what has begun
is finished; a second signal ends at once. TLS is the proxy's business. Tokens are never
minted over HTTP.";

/// Arguments of `serve`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ServeArguments {
    /// Where to listen: ADDRESS:PORT, or unix:PATH
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4180")]
    listen: Address,
    /// The rights of the Unix socket, in octal
    #[arg(long, value_name = "MODE", default_value = "660", value_parser = mode)]
    socket_mode: u32,
    /// Who must have issued tokens
    #[arg(long, value_name = "URL")]
    iss: Option<String>,
    /// For whom they must be meant; several mean any of them
    #[arg(long, value_name = "NAME")]
    aud: Vec<String>,
    /// The type their header must have, such as at+jwt [default: JWT or none]
    #[arg(long, value_name = "TYPE")]
    typ: Option<String>,
    /// Claims that must be present
    #[arg(long, value_name = "CLAIM,…", value_delimiter = ',')]
    require: Vec<String>,
    /// The longest time since they were issued
    #[arg(long, value_name = "DURATION", value_parser = times::duration)]
    max_age: Option<Duration>,
    /// How much clocks may differ [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = times::duration)]
    leeway: Option<Duration>,
    /// How old the view of the revocation list may be before tokens are refused
    #[arg(long, value_name = "DURATION", value_parser = times::duration, default_value = "60s")]
    max_list_age: Duration,
    /// Do not ask the store's revocation list
    #[arg(long)]
    without_revocation: bool,
    /// Sign the revocation list for other machines, at /revocations; each document may be
    /// taken for this long
    #[arg(long, value_name = "DURATION", value_parser = times::duration, conflicts_with = "without_revocation")]
    publish_revocations: Option<Duration>,
    #[command(flatten)]
    passphrase: PassphraseSource,
    /// Take the token from this cookie too; a request that has both is refused
    #[arg(long, value_name = "NAME")]
    cookie: Option<String>,
    /// Name the protected space in challenges
    #[arg(long, value_name = "TEXT")]
    realm: Option<String>,
    /// Tell clients where the metadata of the protected resource is (RFC 9728)
    #[arg(long, value_name = "URL")]
    resource_metadata: Option<String>,
    /// Show the inspector page at /: auto means only on a loopback address, and only to
    /// requests that name one
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    inspector: InspectorChoice,
    /// How often to look whether the keyring has changed
    #[arg(long, value_name = "DURATION", value_parser = times::duration, default_value = "5s")]
    refresh: Duration,
    /// The most connections at once
    #[arg(long, value_name = "N", default_value = "1024", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    max_connections: u32,
    /// How long a request may take to arrive
    #[arg(long, value_name = "DURATION", value_parser = times::duration, default_value = "10s")]
    request_timeout: Duration,
    /// How long a connection may rest between requests
    #[arg(long, value_name = "DURATION", value_parser = times::duration, default_value = "75s")]
    idle_timeout: Duration,
    /// How long to go on accepting after a signal to end, while /readyz answers 503
    #[arg(long, value_name = "DURATION", value_parser = times::duration, default_value = "1s")]
    drain: Duration,
    /// How long requests may then still take
    #[arg(long, value_name = "DURATION", value_parser = times::duration, default_value = "10s")]
    shutdown_timeout: Duration,
    /// Tell every request on standard error: no address, header or token is in it
    #[arg(long)]
    access_log: bool,
    /// How many threads answer [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
}

/// Who may see the inspector page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum InspectorChoice {
    /// People at this machine, when nobody else can reach the port.
    #[default]
    Auto,
    /// Everybody who can reach the server.
    On,
    /// Nobody.
    Off,
}

impl InspectorChoice {
    fn on(self, address: &Address) -> Inspector {
        match self {
            Self::Auto if address.is_loopback() => Inspector::Local,
            Self::Auto | Self::Off => Inspector::Off,
            Self::On => Inspector::Everyone,
        }
    }
}

/// Reads the rights of a file, for clap.
fn mode(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        _ => Err("write rights as three octal digits, such as 660".to_owned()),
    }
}

pub(crate) fn run(
    arguments: ServeArguments,
    global: &GlobalArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let (lines, told) = sync_channel(WAITING_LINES);
    let (server, _listening) = server(&arguments, global, lines)?;
    let runtime = runtime(arguments.threads)?;
    let entered = runtime.enter();
    // Before the first line, so that whoever reads it may signal at once.
    let mut signals = Signals::listen()?;
    let listener = Listener::bind(&arguments.listen, arguments.socket_mode)
        .map_err(|error| serve_failure(&error))?;
    output.words(&format!("listening on {}", listener.address()));
    let (shut, shutdown) = tokio::sync::oneshot::channel();
    let running = runtime.spawn(server.run(listener, async {
        let _ = shutdown.await;
    }));
    let abort = running.abort_handle();
    runtime.spawn(async move {
        signals.next().await;
        let _ = shut.send(());
        signals.next().await;
        abort.abort();
    });
    tell(&told, &running, output);
    let ended = runtime.block_on(running);
    drop(entered);
    runtime.shutdown_background();
    match ended {
        Ok(Ok(Ending::Finished)) => {
            output.words("stopped");
            Ok(Exit::Done)
        }
        Ok(Ok(Ending::CutOff { connections })) => {
            output.words(&format!(
                "stopped; {connections} connections took too long and were cut off"
            ));
            Ok(Exit::Done)
        }
        Ok(Err(error)) => Err(serve_failure(&error)),
        Err(error) if error.is_cancelled() => {
            output.words("stopped at once; what had begun was cut off");
            Ok(Exit::Done)
        }
        Err(error) => Err(Failure::new("io", Exit::Operator, error)),
    }
}

/// Keys, policy and limits into a server.
fn server(
    arguments: &ServeArguments,
    global: &GlobalArguments,
    lines: SyncSender<String>,
) -> Result<(Server, Option<ListenHandle>), Failure> {
    let flags = Settings {
        store: global.store.clone(),
        iss: arguments.iss.clone(),
        aud: (!arguments.aud.is_empty()).then(|| arguments.aud.clone()),
        leeway: arguments.leeway,
        typ: arguments.typ.clone(),
        ..Settings::default()
    };
    let mut settings = config::resolve(flags, global.config.as_deref())?;
    let ring = Ring::open(&settings)?;
    apply_defaults(&mut settings, ring.keyring());
    let freshness = Freshness::new(arguments.max_list_age, WhenUnknown::Refuse);
    let list = match arguments.without_revocation {
        true => None,
        false => Some(revocations::follow(&ring.store)?),
    };
    let issuer = settings.iss.clone().unwrap_or_default();
    let store = ring.store.clone();
    let follower = follower(arguments, ring)?;
    let listening = listen(&store, &follower, list.as_ref())?;
    let builder = Verifier::builder(follower.keys()).policy(policy(
        settings,
        arguments.max_age,
        &arguments.require,
    )?);
    let verifier = match &list {
        // Tokens without an id are judged by all that can be said of them.
        Some(list) => builder.revocation(list.live().with_unnamed_tokens(), freshness),
        None => builder.without_revocation(),
    };
    let limits = Limits {
        connections: arguments.max_connections as usize,
        receiving: arguments.request_timeout,
        idle: arguments.idle_timeout,
        drain: arguments.drain,
        ending: arguments.shutdown_timeout,
    };
    let mut builder = Server::builder(follower, verifier.build())
        .token_place(token_place(arguments).map_err(|error| setup_failure(&error))?)
        .answers(answers(arguments).map_err(|error| setup_failure(&error))?)
        .inspector(arguments.inspector.on(&arguments.listen))
        .limits(limits)
        .refresh_every(arguments.refresh);
    if let Some(list) = list {
        builder = builder.revocations(list, freshness);
        if let Some(valid_for) = arguments.publish_revocations {
            builder = builder.publish_revocations(&issuer, valid_for);
        }
    }
    if arguments.access_log {
        builder = builder.access_log(move |access| {
            // Whoever answers requests does not wait for a terminal.
            let _ = lines.try_send(log_line(access));
        });
    }
    Ok((builder.build(), listening))
}

/// Where the store tells of changes, they are looked at when it does, and not only at
/// the next interval.
fn listen(
    store: &OpenedStore,
    keys: &Follower,
    list: Option<&RevocationFollower>,
) -> Result<Option<ListenHandle>, Failure> {
    let keys = keys.clone();
    // What fails shows in the followers' health, as at every interval.
    let mut wakers = vec![Waker::new(move || drop(keys.refresh()))];
    if let Some(list) = list.cloned() {
        wakers.push(Waker::new(move || drop(list.refresh())));
    }
    store.listen(wakers).map_err(|error| {
        let message = format!("cannot start a thread to listen to the store: {error}");
        Failure::new("io", Exit::Operator, message)
    })
}

/// Private keys are read only where something is to be signed.
fn follower(arguments: &ServeArguments, ring: Ring) -> Result<Follower, Failure> {
    if arguments.publish_revocations.is_none() {
        return Follower::verifying(ring.store, SystemClock)
            .map_err(|error| follow_failure(&error));
    }
    match Follower::signing(ring.store.clone(), SystemClock, None) {
        Err(error) if needs_passphrase(&error) => {
            let opened = arguments.passphrase.existing("the keys")?;
            Follower::signing(ring.store, SystemClock, Some(opened))
        }
        other => other,
    }
    .map_err(|error| follow_failure(&error))
}

fn needs_passphrase(error: &FollowError) -> bool {
    match error.kind() {
        FollowErrorKind::Access(error) => error.needs_passphrase(),
        _ => false,
    }
}

fn token_place(arguments: &ServeArguments) -> Result<TokenPlace, SetupError> {
    match &arguments.cookie {
        Some(name) => TokenPlace::header_or_cookie(name),
        None => Ok(TokenPlace::header()),
    }
}

fn answers(arguments: &ServeArguments) -> Result<Answers, SetupError> {
    let mut answers = Answers::new();
    if let Some(realm) = &arguments.realm {
        answers = answers.realm(realm)?;
    }
    if let Some(address) = &arguments.resource_metadata {
        answers = answers.resource_metadata(address)?;
    }
    Ok(answers)
}

/// Prints the access log until the server has ended.
fn tell<T>(told: &Receiver<String>, running: &JoinHandle<T>, output: &mut Output) {
    loop {
        match told.recv_timeout(Duration::from_millis(100)) {
            Ok(line) => output.words(&line),
            // A connection that was cut off keeps its end of the channel for a while.
            Err(RecvTimeoutError::Timeout) if running.is_finished() => return,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// `2027-01-01T00:00:00Z 127.0.0.1:51234 GET verify 401 expired 0.041ms`
fn log_line(access: &Access<'_>) -> String {
    format!(
        "{} {} {} {} {} {} {:.3}ms",
        times::rfc3339(access.at),
        access.peer,
        Escaped(access.method.as_str()),
        access.endpoint,
        access.status.as_u16(),
        access.result.unwrap_or("-"),
        access.took.as_secs_f64() * 1_000.0
    )
}

fn runtime(threads: Option<u16>) -> Result<Runtime, Failure> {
    let mut builder = Builder::new_multi_thread();
    builder
        .enable_io()
        .enable_time()
        .thread_name("tokenwright-serve");
    if let Some(threads) = threads {
        builder.worker_threads(usize::from(threads));
    }
    builder.build().map_err(|error| {
        let message = format!("cannot start threads: {error}");
        Failure::new("io", Exit::Operator, message)
    })
}

/// The signals that end the program.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| {
                let message = format!("cannot listen for signals: {error}");
                Failure::new("io", Exit::Operator, message)
            })
        };
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        poll_fn(|context| {
            let terminate = self.terminate.poll_recv(context).is_ready();
            match terminate || self.interrupt.poll_recv(context).is_ready() {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }
}

fn serve_failure(error: &ServeError) -> Failure {
    Failure::new(error.code(), error.class().into(), error)
}

fn setup_failure(error: &SetupError) -> Failure {
    Failure::new(error.code(), error.class().into(), error)
}

fn follow_failure(error: &FollowError) -> Failure {
    Failure::new(error.code(), error.class().into(), error)
}
