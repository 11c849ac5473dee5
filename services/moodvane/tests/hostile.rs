//! Hostile clients against the real process: it still serves other clients, and its memory stays
//! bounded. Loopback only; the figures are printed (`-- --nocapture`).
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::time::{Duration, Instant};

use support::Running;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const IDLE: usize = 10_000;
const BATCH: usize = 250;
/// The idle time-out of the server: longer than opening all clients takes.
const HEAD_TIMEOUT: &str = "server.head_timeout_ms=12000";
/// File descriptors for everything else in the test.
const RESERVED_FILES: u64 = 1_024;
/// The largest growth of the process over all attacks, in MiB.
const MAX_GROWTH_MIB: f64 = 64.0;
/// The longest response time of other clients. The machine may be busy with other tests.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(60);

struct Server {
    running: Running,
    address: String,
    _data: TempDir,
}

impl Server {
    fn start() -> Self {
        let data = TempDir::new().unwrap();
        let mut running = Running::start(
            data.path(),
            &["serve", "--port", "0", "--set", HEAD_TIMEOUT],
        );
        let address = running.after("moodvane answers at http://");
        Self {
            running,
            address,
            _data: data,
        }
    }

    async fn connect(&self) -> TcpStream {
        let connected = timeout(RESPONSE_TIMEOUT, TcpStream::connect(&self.address)).await;
        connected
            .expect("the server accepts no connection")
            .unwrap()
    }

    async fn open_with(&self, text: &[u8]) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(text).await.unwrap();
        stream
    }

    /// Resident memory in MiB.
    fn memory(&self) -> f64 {
        let path = format!("/proc/{}/status", self.running.child.id());
        let text = fs::read_to_string(path).unwrap();
        let line = text.lines().find(|line| line.starts_with("VmRSS:"));
        let kib: f64 = line
            .unwrap()
            .split_whitespace()
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        kib / 1024.0
    }

    fn open_files(&self) -> usize {
        let path = format!("/proc/{}/fd", self.running.child.id());
        fs::read_dir(path).unwrap().count()
    }

    /// Sends a few ordinary requests and returns the slowest response time.
    async fn slowest_response(&self) -> Duration {
        let mut slowest = Duration::ZERO;
        for path in ["/ping", "/test", "/v1/cities", "/"] {
            let since = Instant::now();
            let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
            let mut stream = self.open_with(request.as_bytes()).await;
            let mut response = Vec::new();
            let read = timeout(RESPONSE_TIMEOUT, stream.read_to_end(&mut response)).await;
            read.expect("an ordinary request times out").unwrap();
            assert!(response.starts_with(b"HTTP/1.1 200 "), "{path}");
            slowest = slowest.max(since.elapsed());
        }
        slowest
    }
}

/// Reads a connection until the server closes it, up to 64 KiB.
async fn read_to_close(mut stream: TcpStream) -> String {
    let mut received = Vec::new();
    let mut piece = [0; 4096];
    let read = async {
        while let Ok(count) = stream.read(&mut piece).await {
            if count == 0 || received.len() > 64 << 10 {
                return;
            }
            received.extend_from_slice(&piece[..count]);
        }
    };
    timeout(CLOSE_TIMEOUT, read)
        .await
        .expect("the server does not close the connection");
    String::from_utf8_lossy(&received).into_owned()
}

/// Sends pieces until the server accepts no more, or all are sent; returns the accepted bytes.
async fn send_all(stream: &mut TcpStream, piece: &[u8], times: usize) -> usize {
    for sent in 0..times {
        match timeout(Duration::from_secs(2), stream.write_all(piece)).await {
            Ok(Ok(())) => {}
            _ => return sent * piece.len(),
        }
    }
    times * piece.len()
}

/// The number of idle clients: `IDLE`, or fewer by the limit of open files.
fn idle_clients() -> usize {
    let wanted = IDLE as u64 + RESERVED_FILES;
    let given = rlimit::increase_nofile_limit(wanted).unwrap();
    let count = IDLE.min(usize::try_from(given.saturating_sub(RESERVED_FILES)).unwrap());
    if count < IDLE {
        println!(
            "NOT {IDLE}: open files are limited to {given}, so there are {count} idle clients"
        );
    }
    count
}

#[tokio::test]
async fn hostile_clients_delay_no_other_client_and_use_bounded_memory() {
    let count = idle_clients();
    let server = Server::start();
    let begun = Instant::now();
    let fresh = server.slowest_response().await;
    let initial_mib = server.memory();
    let report = |what: &str, slowest: Duration| {
        let growth = server.memory() - initial_mib;
        let others_ms = slowest.as_secs_f64() * 1e3;
        let at_s = begun.elapsed().as_secs();
        println!("{at_s:3} s, {what}: others within {others_ms:.0} ms, growth {growth:.1} MiB");
        assert!(growth < MAX_GROWTH_MIB, "{what}: growth {growth:.1} MiB");
    };
    println!("initial resident memory {initial_mib:.1} MiB");
    report("alone", fresh);

    let mut idle = Vec::with_capacity(count);
    for index in 0..count {
        idle.push(server.connect().await);
        if index % BATCH == 0 {
            // A response shows that the server has accepted all connections before it.
            server.slowest_response().await;
        }
    }
    server.slowest_response().await;
    assert!(server.open_files() >= count, "not all are open at once");
    report(
        &format!("{count} idle clients"),
        server.slowest_response().await,
    );

    // Heads that never end, and bodies that never arrive.
    let mut slow = Vec::new();
    for _ in 0..200 {
        slow.push(
            server
                .open_with(b"GET /ping HTTP/1.1\r\nhost: x\r\nx-slow:")
                .await,
        );
        let half = b"POST /weather HTTP/1.1\r\nhost: x\r\ncontent-length: 40\r\n\r\n{\"begin\"";
        slow.push(server.open_with(half).await);
    }
    report(
        "200 slow heads and 200 half bodies",
        server.slowest_response().await,
    );

    // Clients that send requests and do not read.
    let mut non_readers = Vec::new();
    let requests =
        b"GET /assets/vendor/uplot/uPlot.iife.min.js HTTP/1.1\r\nhost: x\r\n\r\n".repeat(50);
    for _ in 0..100 {
        non_readers.push(server.open_with(&requests).await);
    }
    report(
        "100 clients that do not read",
        server.slowest_response().await,
    );

    // A body of 1 GB, with and without a content length.
    let head = "POST /weather HTTP/1.1\r\nhost: x\r\n";
    let announced = format!("{head}content-length: 1000000000\r\n\r\n");
    let mut large = server.open_with(announced.as_bytes()).await;
    let piece = vec![b' '; 1 << 20];
    let accepted = send_all(&mut large, &piece, 1000).await;
    assert!(accepted < 64 << 20, "the server accepted {accepted} bytes");
    report("1 GB announced", server.slowest_response().await);

    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n");
    let mut large = server.open_with(chunked.as_bytes()).await;
    let chunk = [b"100000\r\n".as_slice(), &piece, b"\r\n"].concat();
    let accepted = send_all(&mut large, &chunk, 1000).await;
    assert!(accepted < 64 << 20, "the server accepted {accepted} bytes");
    report("1 GB in chunks", server.slowest_response().await);

    // Heads over the limits of size and of lines.
    let long = [b"GET /ping HTTP/1.1\r\nx-long: ".as_slice(), &piece].concat();
    let many = b"x: y\r\n".repeat(100_000);
    let many = [b"GET /ping HTTP/1.1\r\n".as_slice(), &many].concat();
    for bomb in [long, many] {
        for _ in 0..20 {
            let mut stream = server.connect().await;
            send_all(&mut stream, &bomb, 1).await;
            let received = read_to_close(stream).await;
            assert!(
                received.is_empty() || received.starts_with("HTTP/1.1 431 "),
                "{received}"
            );
        }
    }
    report("40 header bombs", server.slowest_response().await);

    // The server closes idle connections.
    for stream in idle.into_iter().chain(slow) {
        let received = read_to_close(stream).await;
        let good = received.is_empty() || received.starts_with("HTTP/1.1 408 ");
        assert!(good, "{received}");
    }
    drop(non_readers);
    report(
        "all idle and slow clients are closed",
        server.slowest_response().await,
    );
}
