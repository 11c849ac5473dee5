//! The listener: accepts connections and drains them at shutdown.
//!
//! Terms: to *drain* is to accept no new connections while requests in progress are answered.
//!
//! Guarantee: after the shutdown token is cancelled, [`serve`] returns soon after `drain_timeout`,
//! whatever clients do. The server closes the connection of a client that does not finish the head
//! of a request within the head time-out, is idle for that long, or reads nothing of its response
//! for the write time-out. The number of open connections is limited by [`ConnectionLimits`] and by
//! the file descriptors of the process; further connections wait in the system's backlog.

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
use moodvane_model::ErrorChain;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::rate_limit::Peer;
use crate::write_timeout::with_write_timeout;

/// The longest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// The pause after a failed accept, for example without free descriptors.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(200);

/// Descriptors that are reserved for the store, the log and other files of the process.
const RESERVED_DESCRIPTORS: u64 = 256;

/// The length of the accept queue; the system may have a lower limit (somaxconn).
const BACKLOG: u32 = 4096;

/// Listens on an address. The usual backlog of 128 fills up in a burst, and a client that finds it
/// full waits for a second or more.
///
/// # Errors
/// If the address cannot be bound.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The limits of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// The longest time for the head of a request, and the longest idle time before it.
    pub head_timeout: Duration,
    /// The longest time in which a client may read nothing of its response.
    pub write_timeout: Duration,
    /// The most open connections.
    pub max_connections: usize,
}

/// Answers requests on `listener` until `shutdown` is cancelled, then drains for at most
/// `drain_timeout`. Then it closes the remaining connections and logs their number.
///
/// # Errors
/// If the listener has no local address.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ConnectionLimits,
    shutdown: CancellationToken,
    drain_timeout: Duration,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    let max_connections = cap_to_descriptors(limits.max_connections);
    tracing::info!(%address, max_connections, "server listening");
    let connections = TaskTracker::new();
    let permits = Arc::new(Semaphore::new(max_connections));
    let abort = CancellationToken::new();
    let next = async || {
        // The permit comes first: a connection without one waits in the backlog.
        let permit = Arc::clone(&permits).acquire_owned().await;
        (accept(&listener).await, permit)
    };
    while let Some(((stream, peer), permit)) = shutdown.run_until_cancelled(next()).await {
        // Boxed: otherwise the task stores the future three times.
        let (router, shutdown) = (router.clone(), shutdown.clone());
        let connection = Box::pin(handle_connection(limits, stream, peer, router, shutdown));
        let abort = abort.clone();
        connections.spawn(async move {
            let _permit = permit;
            abort.run_until_cancelled(connection).await;
        });
    }
    drop(listener);
    drain(&connections, &abort, drain_timeout).await;
    Ok(())
}

/// The number of connections for which the process has descriptors, at most `max_connections`.
fn cap_to_descriptors(max_connections: usize) -> usize {
    let wanted = max_connections as u64 + RESERVED_DESCRIPTORS;
    let limit = rlimit::increase_nofile_limit(wanted).unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot read limit of open files");
        wanted
    });
    if limit >= wanted {
        return max_connections;
    }
    let capped = limit.saturating_sub(RESERVED_DESCRIPTORS).max(1);
    tracing::warn!(
        max_connections,
        capped,
        limit,
        "limit of open files reduces the number of connections"
    );
    usize::try_from(capped).unwrap_or(max_connections)
}

/// Waits for at most `timeout` until all connections are closed, then aborts the others.
async fn drain(connections: &TaskTracker, abort: &CancellationToken, timeout: Duration) {
    connections.close();
    tracing::info!(open = connections.len(), "server draining");
    if tokio::time::timeout(timeout, connections.wait())
        .await
        .is_ok()
    {
        return;
    }
    let drain_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
    tracing::warn!(
        aborted = connections.len(),
        drain_ms,
        "connections aborted after drain time-out"
    );
    abort.cancel();
    connections.wait().await;
}

/// Accepts the next connection. Retries errors, which concern one connection or are transient.
async fn accept(listener: &TcpListener) -> (TcpStream, IpAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer.ip()),
            Err(error) => {
                tracing::warn!(%error, "cannot accept connection");
                if error.kind() != io::ErrorKind::ConnectionAborted {
                    tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
                }
            }
        }
    }
}

async fn handle_connection(
    limits: ConnectionLimits,
    stream: TcpStream,
    peer: IpAddr,
    router: Router,
    shutdown: CancellationToken,
) {
    // A connection has no buffers and no protocol state before its first byte, so that thousands of
    // idle connections are cheap. Readiness without a peek is not enough: it may be spurious.
    let mut first = [0];
    let first_byte = timeout(limits.head_timeout, stream.peek(&mut first));
    if !matches!(
        shutdown.run_until_cancelled(first_byte).await,
        Some(Ok(Ok(1)))
    ) {
        return;
    }
    Box::pin(serve_http(limits, stream, peer, router, shutdown)).await;
}

async fn serve_http(
    limits: ConnectionLimits,
    stream: TcpStream,
    peer: IpAddr,
    router: Router,
    shutdown: CancellationToken,
) {
    // Responses are written whole, so waiting for more data to send only adds latency.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot disable nagle's algorithm");
    }
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(MAX_HEAD_BYTES);
    let router = router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        request
    });
    let service = TowerToHyperService::new(router);
    let stream = TokioIo::new(with_write_timeout(stream, limits.write_timeout));
    let mut connection = pin!(builder.serve_connection(stream, service));
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(error = %ErrorChain(&*error), "connection failed");
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
    const REQUEST: &[u8] = b"GET /ping HTTP/1.1\r\nhost: x\r\n\r\n";

    struct TestServer {
        address: SocketAddr,
        shutdown: CancellationToken,
        ended: JoinHandle<io::Result<()>>,
    }

    async fn start(limits: ConnectionLimits) -> TestServer {
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
        TestServer {
            address,
            shutdown,
            ended,
        }
    }

    #[tokio::test]
    async fn disconnects_client_with_unfinished_head() {
        let server = start(ConnectionLimits {
            head_timeout: Duration::from_millis(20),
            ..LIMITS
        })
        .await;
        let mut slow = TcpStream::connect(server.address).await.unwrap();
        slow.write_all(b"GET /ping HTTP/1.1\r\nhost:")
            .await
            .unwrap();
        let mut rest = Vec::new();
        slow.read_to_end(&mut rest).await.unwrap();
        assert!(!rest.starts_with(b"HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn disconnects_silent_client() {
        let server = start(ConnectionLimits {
            head_timeout: Duration::from_millis(20),
            ..LIMITS
        })
        .await;
        let mut silent = TcpStream::connect(server.address).await.unwrap();
        let mut nothing = Vec::new();
        silent.read_to_end(&mut nothing).await.unwrap();
        assert!(nothing.is_empty());
    }

    #[tokio::test]
    async fn disconnects_idle_client() {
        let server = start(ConnectionLimits {
            head_timeout: Duration::from_millis(20),
            ..LIMITS
        })
        .await;
        let mut idle = TcpStream::connect(server.address).await.unwrap();
        idle.write_all(REQUEST).await.unwrap();
        let mut all = Vec::new();
        idle.read_to_end(&mut all).await.unwrap();
        assert!(all.starts_with(b"HTTP/1.1 200") && all.ends_with(b"pong"));
    }

    #[tokio::test]
    async fn disconnects_stalled_reader() {
        let server = start(ConnectionLimits {
            write_timeout: Duration::from_millis(50),
            ..LIMITS
        })
        .await;
        let mut stalled = TcpStream::connect(server.address).await.unwrap();
        stalled
            .write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        // The first byte shows that the response has started; the client reads no more.
        stalled.read_u8().await.unwrap();
        server.shutdown.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(60), server.ended).await;
        ended
            .expect("the drain waits for the client")
            .unwrap()
            .unwrap();
    }

    #[tokio::test]
    async fn connection_over_limit_waits() {
        let server = start(ConnectionLimits {
            max_connections: 1,
            ..LIMITS
        })
        .await;
        let mut first = TcpStream::connect(server.address).await.unwrap();
        first.write_all(REQUEST).await.unwrap();
        first.read_u8().await.unwrap();
        let mut second = TcpStream::connect(server.address).await.unwrap();
        second.write_all(REQUEST).await.unwrap();
        let early = tokio::time::timeout(Duration::from_millis(50), second.read_u8()).await;
        assert!(early.is_err(), "answered over the limit");
        drop(first);
        assert_eq!(second.read_u8().await.unwrap(), b'H');
    }
}
