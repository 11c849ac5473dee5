//! The listener: accepts connections, and lets them end in good order.
//!
//! Terms: to *drain* is to accept nothing new while requests in progress are answered.
//!
//! Guarantee: after the shutdown token is cancelled, [`serve`] returns within `drain` and a moment,
//! whatever clients do. A client that does not finish a request's head within the head's time-out is
//! disconnected, and so is one that stays idle for as long, or that does not take any of its answer
//! for the write time-out. At most as many connections are open as [`ConnectionLimits`] says and the
//! system has descriptors for; more wait in the system's backlog.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::client::Peer;
use crate::patience::Patient;

/// The longest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// How long to wait where the system has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Descriptors that are left for the store, the log and whatever else the process opens.
const OTHER_DESCRIPTORS: u64 = 256;

/// How many connections may wait to be accepted; the system may have a lower bound (somaxconn).
const BACKLOG: u32 = 4096;

/// Listens on an address. The usual backlog of 128 is full within a moment where many come at once,
/// and who finds it full waits for a second and more.
///
/// # Errors
/// Where the address cannot be had.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// What a client may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// How long a client may take for a request's head, and how long it may stay idle before.
    pub head_timeout: Duration,
    /// How long a client may take nothing of its answer.
    pub write_timeout: Duration,
    /// The most connections that are open at once.
    pub max_connections: usize,
}

/// Answers requests on `listener` until `shutdown` is cancelled, then drains for at most `drain`.
/// Connections that are still open after that are cut, counted in the log.
///
/// # Errors
/// Where the listener has no address, that is, is no listener.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ConnectionLimits,
    shutdown: CancellationToken,
    drain: Duration,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    let most = within_descriptors(limits.max_connections);
    tracing::info!(%address, connections = most, "server listens");
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(most));
    let cut = CancellationToken::new();
    let next = async || {
        // A place first: a connection that has none waits in the backlog.
        let place = Arc::clone(&places).acquire_owned().await;
        (accept(&listener).await, place)
    };
    while let Some(((stream, peer), place)) = shutdown.run_until_cancelled(next()).await {
        // On the heap once, instead of thrice in the task, which holds what it is made of.
        let (router, shutdown) = (router.clone(), shutdown.clone());
        let connection = Box::pin(connection(limits, stream, peer, router, shutdown));
        let cut = cut.clone();
        connections.spawn(async move {
            let _place = place;
            cut.run_until_cancelled(connection).await;
        });
    }
    drop(listener);
    end(&connections, &cut, drain).await;
    Ok(())
}

/// As many connections as the process may have descriptors for, `most` at most.
fn within_descriptors(most: usize) -> usize {
    let wanted = most as u64 + OTHER_DESCRIPTORS;
    let given = rlimit::increase_nofile_limit(wanted).unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot read the limit of open files");
        wanted
    });
    if given >= wanted {
        return most;
    }
    let fit = given.saturating_sub(OTHER_DESCRIPTORS).max(1);
    tracing::warn!(
        wanted = most,
        fit,
        limit = given,
        "the limit of open files leaves room for fewer connections"
    );
    usize::try_from(fit).unwrap_or(most)
}

/// Lets connections end for at most `drain`, and cuts those that do not.
async fn end(connections: &TaskTracker, cut: &CancellationToken, drain: Duration) {
    connections.close();
    tracing::info!(open = connections.len(), "server drains");
    if tokio::time::timeout(drain, connections.wait())
        .await
        .is_ok()
    {
        return;
    }
    let drain_ms = u64::try_from(drain.as_millis()).unwrap_or(u64::MAX);
    tracing::warn!(
        cut = connections.len(),
        drain_ms,
        "server cuts connections that did not end in time"
    );
    cut.cancel();
    connections.wait().await;
}

/// The next connection. An error concerns the connection that failed, or passes with time.
async fn accept(listener: &TcpListener) -> (TcpStream, IpAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer.ip()),
            Err(error) => {
                tracing::warn!(%error, "server failed to accept a connection");
                if error.kind() != io::ErrorKind::ConnectionAborted {
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

async fn connection(
    limits: ConnectionLimits,
    stream: TcpStream,
    peer: IpAddr,
    router: Router,
    shutdown: CancellationToken,
) {
    // Until its first byte a connection has neither buffers nor the protocol's state, so that
    // thousands that stay idle cost little. Readiness alone will not do: it may be spurious.
    let mut first = [0];
    let begun = timeout(limits.head_timeout, stream.peek(&mut first));
    if !matches!(shutdown.run_until_cancelled(begun).await, Some(Ok(Ok(1)))) {
        return;
    }
    Box::pin(answer(limits, stream, peer, router, shutdown)).await;
}

async fn answer(
    limits: ConnectionLimits,
    stream: TcpStream,
    peer: IpAddr,
    router: Router,
    shutdown: CancellationToken,
) {
    // Answers are written whole, so that waiting for more to send only costs time.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "connection keeps nagle's algorithm");
    }
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(MAX_HEAD_BYTES);
    let told = router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        request
    });
    let service = TowerToHyperService::new(told);
    let stream = TokioIo::new(Patient::new(stream, limits.write_timeout));
    let mut connection = pin!(builder.serve_connection(stream, service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::task::JoinHandle;

    const LIMITS: ConnectionLimits = ConnectionLimits {
        head_timeout: Duration::from_secs(10),
        write_timeout: Duration::from_secs(10),
        max_connections: 1024,
    };
    const ASK: &[u8] = b"GET /ping HTTP/1.1\r\nhost: x\r\n\r\n";

    struct Served {
        address: SocketAddr,
        shutdown: CancellationToken,
        ended: JoinHandle<io::Result<()>>,
    }

    async fn start(limits: ConnectionLimits) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let large = || async { "x".repeat(64 << 20) };
        let router = Router::new()
            .route("/ping", get(|| async { "pong" }))
            .route("/large", get(large));
        let ended = tokio::spawn(serve(
            listener,
            router,
            limits,
            shutdown.clone(),
            Duration::from_secs(3600),
        ));
        Served {
            address,
            shutdown,
            ended,
        }
    }

    #[tokio::test]
    async fn a_client_that_does_not_finish_its_head_is_disconnected() {
        let served = start(ConnectionLimits {
            head_timeout: Duration::from_millis(20),
            ..LIMITS
        })
        .await;
        let mut slow = TcpStream::connect(served.address).await.unwrap();
        slow.write_all(b"GET /ping HTTP/1.1\r\nhost:")
            .await
            .unwrap();
        let mut rest = Vec::new();
        slow.read_to_end(&mut rest).await.unwrap();
        assert!(!rest.starts_with(b"HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn a_client_that_never_says_anything_is_disconnected() {
        let served = start(ConnectionLimits {
            head_timeout: Duration::from_millis(20),
            ..LIMITS
        })
        .await;
        let mut silent = TcpStream::connect(served.address).await.unwrap();
        let mut nothing = Vec::new();
        silent.read_to_end(&mut nothing).await.unwrap();
        assert!(nothing.is_empty());
    }

    #[tokio::test]
    async fn an_idle_client_is_disconnected() {
        let served = start(ConnectionLimits {
            head_timeout: Duration::from_millis(20),
            ..LIMITS
        })
        .await;
        let mut idle = TcpStream::connect(served.address).await.unwrap();
        idle.write_all(ASK).await.unwrap();
        let mut all = Vec::new();
        idle.read_to_end(&mut all).await.unwrap();
        assert!(all.starts_with(b"HTTP/1.1 200") && all.ends_with(b"pong"));
    }

    #[tokio::test]
    async fn a_client_that_does_not_take_its_answer_is_disconnected() {
        let served = start(ConnectionLimits {
            write_timeout: Duration::from_millis(50),
            ..LIMITS
        })
        .await;
        let mut deaf = TcpStream::connect(served.address).await.unwrap();
        deaf.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        // The first byte shows that the answer has begun; nothing more is taken.
        deaf.read_u8().await.unwrap();
        served.shutdown.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(60), served.ended).await;
        ended.expect("the drain waits for it").unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_connection_over_the_limit_waits_for_a_place() {
        let served = start(ConnectionLimits {
            max_connections: 1,
            ..LIMITS
        })
        .await;
        let mut first = TcpStream::connect(served.address).await.unwrap();
        first.write_all(ASK).await.unwrap();
        first.read_u8().await.unwrap();
        let mut second = TcpStream::connect(served.address).await.unwrap();
        second.write_all(ASK).await.unwrap();
        let early = tokio::time::timeout(Duration::from_millis(50), second.read_u8()).await;
        assert!(early.is_err(), "answered without a place");
        drop(first);
        assert_eq!(second.read_u8().await.unwrap(), b'H');
    }
}
