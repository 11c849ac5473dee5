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

/// The growth of the server since its start, and the time since then.
struct Baseline {
    begun: Instant,
    initial_mib: f64,
}

impl Baseline {
    /// Measures the response time of other clients and the memory of the server.
    async fn report(&self, server: &Server, attack: &str) {
        let slowest = server.slowest_response().await;
        let growth = server.memory() - self.initial_mib;
        let others_ms = slowest.as_secs_f64() * 1e3;
        let at_s = self.begun.elapsed().as_secs();
        println!("{at_s:3} s, {attack}: others within {others_ms:.0} ms, growth {growth:.1} MiB");
        assert!(growth < MAX_GROWTH_MIB, "{attack}: growth {growth:.1} MiB");
    }
}

async fn open_idle_clients(server: &Server, count: usize) -> Vec<TcpStream> {
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
    idle
}

/// Clients whose heads never end, or whose bodies never arrive.
async fn open_slow_clients(server: &Server, count: usize) -> Vec<TcpStream> {
    let head = b"GET /ping HTTP/1.1\r\nhost: x\r\nx-slow:";
    let half = b"POST /weather HTTP/1.1\r\nhost: x\r\ncontent-length: 40\r\n\r\n{\"begin\"";
    let mut slow = Vec::new();
    for _ in 0..count {
        slow.push(server.open_with(head).await);
        slow.push(server.open_with(half).await);
    }
    slow
}

/// Clients that send requests and do not read.
async fn open_non_readers(server: &Server, count: usize) -> Vec<TcpStream> {
    let requests =
        b"GET /assets/vendor/uplot/uPlot.iife.min.js HTTP/1.1\r\nhost: x\r\n\r\n".repeat(50);
    let mut non_readers = Vec::new();
    for _ in 0..count {
        non_readers.push(server.open_with(&requests).await);
    }
    non_readers
}

/// Sends a body of 1 GB under a head with this header, in pieces; the server must stop reading.
async fn send_large_body(server: &Server, header: &str, piece: &[u8]) -> TcpStream {
    let head = format!("POST /weather HTTP/1.1\r\nhost: x\r\n{header}\r\n\r\n");
    let mut stream = server.open_with(head.as_bytes()).await;
    let accepted = send_all(&mut stream, piece, 1000).await;
    assert!(accepted < 64 << 20, "the server accepted {accepted} bytes");
    stream
}

/// Sends heads over the limits of size and of lines.
async fn send_header_bombs(server: &Server, piece: &[u8]) {
    let long = [b"GET /ping HTTP/1.1\r\nx-long: ".as_slice(), piece].concat();
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
}

#[tokio::test]
async fn hostile_clients_delay_no_other_client_and_use_bounded_memory() {
    let count = idle_clients();
    let server = Server::start();
    let begun = Instant::now();
    server.slowest_response().await;
    let initial_mib = server.memory();
    let baseline = Baseline { begun, initial_mib };
    println!("initial resident memory {initial_mib:.1} MiB");
    baseline.report(&server, "alone").await;

    let idle = open_idle_clients(&server, count).await;
    baseline
        .report(&server, &format!("{count} idle clients"))
        .await;
    let slow = open_slow_clients(&server, 200).await;
    baseline
        .report(&server, "200 slow heads and 200 half bodies")
        .await;
    let non_readers = open_non_readers(&server, 100).await;
    baseline
        .report(&server, "100 clients that do not read")
        .await;

    let piece = vec![b' '; 1 << 20];
    let announced = send_large_body(&server, "content-length: 1000000000", &piece).await;
    baseline.report(&server, "1 GB announced").await;
    let chunk = [b"100000\r\n".as_slice(), &piece, b"\r\n"].concat();
    let chunked = send_large_body(&server, "transfer-encoding: chunked", &chunk).await;
    baseline.report(&server, "1 GB in chunks").await;
    send_header_bombs(&server, &piece).await;
    baseline.report(&server, "40 header bombs").await;

    // The server closes idle connections.
    for stream in idle.into_iter().chain(slow) {
        let received = read_to_close(stream).await;
        let is_closed = received.is_empty() || received.starts_with("HTTP/1.1 408 ");
        assert!(is_closed, "{received}");
    }
    drop((non_readers, announced, chunked));
    baseline
        .report(&server, "all idle and slow clients are closed")
        .await;
}
