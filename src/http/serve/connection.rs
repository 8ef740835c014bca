//! One connection: its limits, its deadlines, and its end.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::{CONNECTION, HeaderValue};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep_until};

use super::reply::Reply;
use super::server::{Limits, Peer, Shared};
use super::site::BodyUse;

/// Largest body of the addresses that read one, in bytes: a token of the greatest
/// length, its name, and every character of it escaped.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Largest head of a request, in bytes, and most headers in it. The longest token
/// takes 16 KiB, and a forward-authentication request repeats what a browser sent.
const MAX_HEAD_BYTES: usize = 40 * 1024;
const MAX_HEADERS: usize = 100;

/// How long a connection on which nothing has arrived stays open when the server
/// ends: a request may be under way.
const FIRST_BYTES: Duration = Duration::from_millis(500);

/// Serves requests until the client leaves, is too slow, or the server ends.
pub(super) async fn serve<S>(
    stream: S,
    peer: Peer,
    shared: Arc<Shared>,
    mut ending: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Arc::new(Activity::new());
    let watched = Watched {
        stream,
        activity: Arc::clone(&activity),
    };
    let service = {
        let (shared, activity) = (Arc::clone(&shared), Arc::clone(&activity));
        service_fn(move |request| {
            let (shared, activity) = (Arc::clone(&shared), Arc::clone(&activity));
            async move {
                let reply = answer(request, peer, &shared, &activity).await;
                activity.rests();
                Ok::<_, Infallible>(reply.map(Full::new))
            }
        })
    };
    let connection = http1::Builder::new()
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(watched), service);
    let mut connection = pin!(connection);
    let mut timer = pin!(sleep_until(activity.deadline(&shared.limits)));
    let mut told = false;
    let mut ended = pin!(async move { ending.wait_for(|ended| *ended).await.is_ok() });
    let mut is_ending = false;
    poll_fn(|context| {
        if !is_ending && ended.as_mut().poll(context).is_ready() {
            is_ending = true;
            if activity.is_fresh() {
                timer.as_mut().reset(after(Instant::now(), FIRST_BYTES));
            }
        }
        // A head of which a part has arrived is a request to be answered; after it
        // the connection closes.
        if is_ending && !told && !activity.is_receiving() {
            connection.as_mut().graceful_shutdown();
            told = true;
        }
        if connection.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        if is_ending && !told && !activity.is_receiving() {
            connection.as_mut().graceful_shutdown();
            told = true;
            if connection.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
        }
        overdue(
            timer.as_mut(),
            &activity,
            &shared.limits,
            is_ending,
            context,
        )
    })
    .await;
}

/// Ready when the client has been too slow. The timer is set anew only when it rings
/// or would ring too late, so that a busy connection costs no timer per request.
fn overdue(
    mut timer: Pin<&mut Sleep>,
    activity: &Activity,
    limits: &Limits,
    is_ending: bool,
    context: &mut Context<'_>,
) -> Poll<()> {
    let deadline = activity.deadline(limits);
    if timer.deadline() > deadline {
        timer.as_mut().reset(deadline);
    }
    while timer.as_mut().poll(context).is_ready() {
        let deadline = activity.deadline(limits);
        if deadline <= Instant::now() || (is_ending && activity.is_fresh()) {
            return Poll::Ready(());
        }
        timer.as_mut().reset(deadline);
    }
    Poll::Pending
}

async fn answer(
    request: Request<Incoming>,
    peer: Peer,
    shared: &Shared,
    activity: &Activity,
) -> Reply {
    let (parts, incoming) = request.into_parts();
    let request = Request::from_parts(parts, ());
    let read = match shared.site.body_use(&request) {
        // What is not read is not waited for: the connection closes after the answer.
        BodyUse::Ignored => Ok(Bytes::new()),
        BodyUse::Read => {
            let limited = Limited::new(incoming, MAX_BODY_BYTES);
            limited.collect().await.map(|body| body.to_bytes())
        }
    };
    activity.works();
    let answered = match read {
        Ok(body) => shared.site.answer(&request, &body),
        Err(_) => shared.site.too_large(),
    };
    shared.log(&request, peer, &answered);
    let mut reply = answered.reply;
    if shared.site.is_draining() {
        // The client learns that the next request belongs elsewhere, and none is lost.
        let close = HeaderValue::from_static("close");
        reply.headers_mut().insert(CONNECTION, close);
    }
    reply
}

/// What the client is doing, as far as deadlines are concerned.
struct Activity {
    start: Instant,
    state: AtomicU8,
    since: AtomicU64,
    /// Bytes arrived while an answer was being made: the next head has begun.
    ahead: AtomicBool,
}

/// Nothing has arrived yet.
const FRESH: u8 = 0;
/// A part of a request has arrived.
const RECEIVING: u8 = 1;
/// A request is answered.
const WORKING: u8 = 2;
/// The last answer is given, and nothing has arrived since.
const RESTING: u8 = 3;

impl Activity {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            state: AtomicU8::new(FRESH),
            since: AtomicU64::new(0),
            ahead: AtomicBool::new(false),
        }
    }

    fn enter(&self, state: u8) {
        let passed = self.start.elapsed().as_millis();
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        self.since.store(passed, Ordering::Relaxed);
        self.state.store(state, Ordering::Relaxed);
    }

    fn received(&self) {
        match self.state.load(Ordering::Relaxed) {
            // The time allowed for a first head counts from the beginning.
            FRESH => self.state.store(RECEIVING, Ordering::Relaxed),
            RESTING => self.enter(RECEIVING),
            WORKING => self.ahead.store(true, Ordering::Relaxed),
            _ => {}
        }
    }

    fn works(&self) {
        self.enter(WORKING);
    }

    fn rests(&self) {
        let ahead = self.ahead.swap(false, Ordering::Relaxed);
        self.enter(if ahead { RECEIVING } else { RESTING });
    }

    fn is_fresh(&self) -> bool {
        self.state.load(Ordering::Relaxed) == FRESH
    }

    fn is_receiving(&self) -> bool {
        matches!(self.state.load(Ordering::Relaxed), FRESH | RECEIVING)
    }

    fn deadline(&self, limits: &Limits) -> Instant {
        let allowed = match self.state.load(Ordering::Relaxed) {
            FRESH | RECEIVING => limits.receiving,
            _ => limits.idle,
        };
        let since = Duration::from_millis(self.since.load(Ordering::Relaxed));
        after(self.start, since.saturating_add(allowed))
    }
}

/// A span beyond the clock's range is a year: nothing waits that long.
fn after(start: Instant, span: Duration) -> Instant {
    let year = Duration::from_secs(31_536_000);
    let end = start.checked_add(span);
    end.or_else(|| start.checked_add(year)).unwrap_or(start)
}

/// A stream that notices when bytes arrive.
struct Watched<S> {
    stream: S,
    activity: Arc<Activity>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            this.activity.received();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
