//! The accept loop: a cap on connections, time-outs for headers and stalled writers, and an end that waits for answers under way.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

use super::auth::Peer;
use super::raised;

/// Connections at once; more wait in the system's queue.
const MOST_CONNECTIONS: usize = 1024;
/// Longest head.
const HEAD_BYTES: usize = 64 * 1024;
/// After a fault of the system (too many open files), so that the loop does not spin.
const BREATH: Duration = Duration::from_millis(100);

/// How long clients may take; none is waited for beyond that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientTimes {
    /// A request's head arrives within this time; a connection without requests is closed after it.
    pub head: Duration,
    /// A body arrives within this time; longer files need not, as long as they keep coming.
    pub body: Duration,
    /// A client that takes nothing for so long is given up.
    pub write: Duration,
}

impl Default for ClientTimes {
    fn default() -> Self {
        let s = Duration::from_secs;
        Self { head: s(10), body: s(30), write: s(30) }
    }
}

/// How long the body of a request may take.
pub(super) fn body_time(of: &axum::http::Extensions) -> Duration {
    of.get::<ClientTimes>().copied().unwrap_or_default().body
}

/// Serves until told to stop, then waits for answers under way, at most `patience`.
pub(super) async fn listen(
    listener: TcpListener,
    router: Router,
    stop: watch::Receiver<bool>,
    times: (Duration, ClientTimes),
) {
    listen_to(MOST_CONNECTIONS, listener, router, stop, times).await;
}

/// The same with so many connections at once.
async fn listen_to(
    most: usize,
    listener: TcpListener,
    router: Router,
    mut stop: watch::Receiver<bool>,
    (patience, times): (Duration, ClientTimes),
) {
    let places = Arc::new(Semaphore::new(most));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = raised(&mut stop) => break,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        let served = graceful.watch(connection(stream, peer, router.clone(), times));
        tokio::spawn(async move {
            metrics::gauge!("lianhu_connections").increment(1.0);
            // faults of a connection are the client's
            let _ = served.await;
            metrics::gauge!("lianhu_connections").decrement(1.0);
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(patience, graceful.shutdown()).await.is_err() {
        tracing::warn!("some answers were not taken in time");
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            let _ = stream.set_nodelay(true);
            Some((stream, peer, place))
        }
        Err(_) => {
            tokio::time::sleep(BREATH).await;
            None
        }
    }
}

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    times: ClientTimes,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(times.write));
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        let router = router.clone();
        async move {
            request.extensions_mut().insert(Peer(peer));
            request.extensions_mut().insert(times);
            let answer: Result<_, Infallible> = router.oneshot(request.map(Body::new)).await;
            answer
        }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(times.head)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(Box::pin(stream)), service)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::timeout;

    use super::*;

    /// Against hanging.
    const GUARD: Duration = Duration::from_secs(60);

    /// Where something listens, and what stops it when it is dropped.
    async fn listening(most: usize, head: Duration) -> (SocketAddr, watch::Sender<bool>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let at = listener.local_addr().expect("its address");
        let (stop, stopped) = watch::channel(false);
        let router = Router::new().route("/", axum::routing::get(async || "here"));
        let times = ClientTimes { head, ..ClientTimes::default() };
        tokio::spawn(listen_to(most, listener, router, stopped, (Duration::from_secs(1), times)));
        (at, stop)
    }

    async fn asking(at: SocketAddr) -> TcpStream {
        let mut socket = TcpStream::connect(at).await.expect("connected");
        socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
        socket
    }

    /// Whether it is answered; the connection stays.
    async fn is_answered(socket: &mut TcpStream, within: Duration) -> bool {
        let mut said = Vec::new();
        while !said.ends_with(b"here") {
            let mut piece = [0; 1024];
            match timeout(within, socket.read(&mut piece)).await {
                Ok(Ok(n)) if n > 0 => said.extend_from_slice(&piece[..n]),
                _ => return false,
            }
        }
        said.starts_with(b"HTTP/1.1 200 ")
    }

    #[tokio::test]
    async fn connection_beyond_the_most_waits_until_another_ends() {
        let (at, _stop) = listening(2, GUARD).await;
        let mut served = [asking(at).await, asking(at).await];
        for socket in &mut served {
            assert!(is_answered(socket, GUARD).await);
        }
        let mut third = asking(at).await;
        assert!(!is_answered(&mut third, Duration::from_millis(300)).await, "both places are taken");
        let [first, _second] = served;
        drop(first);
        assert!(is_answered(&mut third, GUARD).await, "a place is free");
    }

    #[tokio::test]
    async fn connection_without_requests_is_closed() {
        let (at, _stop) = listening(2, Duration::from_millis(100)).await;
        let silent = TcpStream::connect(at).await.expect("connected");
        let mut done = asking(at).await;
        assert!(is_answered(&mut done, GUARD).await);
        for mut socket in [silent, done] {
            let mut rest = Vec::new();
            let ended = timeout(GUARD, socket.read_to_end(&mut rest)).await;
            assert!(ended.is_ok(), "still open");
            assert!(!rest.starts_with(b"HTTP/1.1 2"), "nothing was asked for");
        }
    }
}
