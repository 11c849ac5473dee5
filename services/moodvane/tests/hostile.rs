//! Clients that mean harm, against the real process: others are answered meanwhile, and its memory
//! stays bounded. Loopback only; the figures are printed (`-- --nocapture`).
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
/// How long the server lets clients be idle: longer than it takes to open them all.
const HEAD_TIMEOUT: &str = "server.head_timeout_ms=12000";
/// Descriptors that the test needs for other things.
const OTHERS: u64 = 1_024;
/// By how much the process may grow, all attacks together, in MiB.
const MOST_GROWTH_MIB: f64 = 64.0;
/// What any answer may take meanwhile. The machine may be busy with other tests.
const PATIENCE: Duration = Duration::from_secs(5);
const GONE_WITHIN: Duration = Duration::from_secs(60);

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
        let connected = timeout(PATIENCE, TcpStream::connect(&self.address)).await;
        connected.expect("no connection is taken").unwrap()
    }

    async fn begin(&self, text: &[u8]) -> TcpStream {
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

    /// Others are answered: how long the slowest of a few took.
    async fn answers_others(&self) -> Duration {
        let mut slowest = Duration::ZERO;
        for path in ["/ping", "/test", "/v1/cities", "/"] {
            let since = Instant::now();
            let ask = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
            let mut stream = self.begin(ask.as_bytes()).await;
            let mut answer = Vec::new();
            let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
            read.expect("others are not answered").unwrap();
            assert!(answer.starts_with(b"HTTP/1.1 200 "), "{path}");
            slowest = slowest.max(since.elapsed());
        }
        slowest
    }
}

/// What a connection still says until it is closed, cut at 64 KiB.
async fn rest(mut stream: TcpStream) -> String {
    let mut said = Vec::new();
    let mut piece = [0; 4096];
    let read = async {
        while let Ok(count) = stream.read(&mut piece).await {
            if count == 0 || said.len() > 64 << 10 {
                return;
            }
            said.extend_from_slice(&piece[..count]);
        }
    };
    timeout(GONE_WITHIN, read).await.expect("it is not closed");
    String::from_utf8_lossy(&said).into_owned()
}

/// Sends pieces until the server takes no more, or all are sent; how many bytes were taken.
async fn pour(stream: &mut TcpStream, piece: &[u8], times: usize) -> usize {
    for sent in 0..times {
        match timeout(Duration::from_secs(2), stream.write_all(piece)).await {
            Ok(Ok(())) => {}
            _ => return sent * piece.len(),
        }
    }
    times * piece.len()
}

/// As many idle clients as the system lets a process have, `IDLE` at most.
fn idle_clients() -> usize {
    let wanted = IDLE as u64 + OTHERS;
    let given = rlimit::increase_nofile_limit(wanted).unwrap();
    let count = IDLE.min(usize::try_from(given.saturating_sub(OTHERS)).unwrap());
    if count < IDLE {
        println!(
            "NOT {IDLE}: open files are limited to {given}, so there are {count} idle clients"
        );
    }
    count
}

#[tokio::test]
async fn clients_that_mean_harm_hold_up_nobody_and_cost_little() {
    let count = idle_clients();
    let server = Server::start();
    let begun = Instant::now();
    let fresh = server.answers_others().await;
    let at_first = server.memory();
    let told = |what: &str, slowest: Duration| {
        let grown = server.memory() - at_first;
        let others_ms = slowest.as_secs_f64() * 1e3;
        let at_s = begun.elapsed().as_secs();
        println!("{at_s:3} s, {what}: others within {others_ms:.0} ms, grown by {grown:.1} MiB");
        assert!(grown < MOST_GROWTH_MIB, "{what}: grown by {grown:.1} MiB");
    };
    println!("resident memory at first {at_first:.1} MiB");
    told("alone", fresh);

    let mut idle = Vec::with_capacity(count);
    for index in 0..count {
        idle.push(server.connect().await);
        if index % BATCH == 0 {
            // An answer shows that all before it were taken out of the system's backlog.
            server.answers_others().await;
        }
    }
    server.answers_others().await;
    assert!(server.open_files() >= count, "not all are open at once");
    told(
        &format!("{count} idle clients"),
        server.answers_others().await,
    );

    // Heads that never end, and bodies that never come.
    let mut slow = Vec::new();
    for _ in 0..200 {
        slow.push(
            server
                .begin(b"GET /ping HTTP/1.1\r\nhost: x\r\nx-slow:")
                .await,
        );
        let half = b"POST /weather HTTP/1.1\r\nhost: x\r\ncontent-length: 40\r\n\r\n{\"begin\"";
        slow.push(server.begin(half).await);
    }
    told(
        "200 slow heads and 200 half bodies",
        server.answers_others().await,
    );

    // Clients that ask and do not read.
    let mut deaf = Vec::new();
    let ask = b"GET /assets/vendor/uplot/uPlot.iife.min.js HTTP/1.1\r\nhost: x\r\n\r\n".repeat(50);
    for _ in 0..100 {
        deaf.push(server.begin(&ask).await);
    }
    told(
        "100 clients that do not read",
        server.answers_others().await,
    );

    // A body of 1 GB, announced and not.
    let head = "POST /weather HTTP/1.1\r\nhost: x\r\n";
    let announced = format!("{head}content-length: 1000000000\r\n\r\n");
    let mut large = server.begin(announced.as_bytes()).await;
    let piece = vec![b' '; 1 << 20];
    let taken = pour(&mut large, &piece, 1000).await;
    assert!(taken < 64 << 20, "{taken} bytes were taken");
    told("1 GB announced", server.answers_others().await);

    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n");
    let mut large = server.begin(chunked.as_bytes()).await;
    let chunk = [b"100000\r\n".as_slice(), &piece, b"\r\n"].concat();
    let taken = pour(&mut large, &chunk, 1000).await;
    assert!(taken < 64 << 20, "{taken} bytes were taken");
    told("1 GB in chunks", server.answers_others().await);

    // Heads that are too long, and that have too many lines.
    let long = [b"GET /ping HTTP/1.1\r\nx-long: ".as_slice(), &piece].concat();
    let many = b"x: y\r\n".repeat(100_000);
    let many = [b"GET /ping HTTP/1.1\r\n".as_slice(), &many].concat();
    for bomb in [long, many] {
        for _ in 0..20 {
            let mut stream = server.connect().await;
            pour(&mut stream, &bomb, 1).await;
            let said = rest(stream).await;
            assert!(
                said.is_empty() || said.starts_with("HTTP/1.1 431 "),
                "{said}"
            );
        }
    }
    told("40 header bombs", server.answers_others().await);

    // Whoever says nothing is sent away.
    for stream in idle.into_iter().chain(slow) {
        let said = rest(stream).await;
        let good = said.is_empty() || said.starts_with("HTTP/1.1 408 ");
        assert!(good, "{said}");
    }
    drop(deaf);
    told(
        "all idle and slow clients were sent away",
        server.answers_others().await,
    );
}
