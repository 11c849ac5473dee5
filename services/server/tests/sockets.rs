//! The server over real sockets: requests of curl and the end of connections.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use common::{FakeMode, TestApp, config, hour};
use moodvane_server::{RateLimit, ServerConfig, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const BODY: &str = r#"{"begin":"2018-01-01 02","end":"2018-01-01 03"}"#;
/// Longer than any test: waiting for the whole drain time-out fails the test.
const LONG: Duration = Duration::from_secs(3600);
const TEST_TIMEOUT: Duration = Duration::from_secs(60);

struct TestServer {
    app: TestApp,
    address: SocketAddr,
    ended: JoinHandle<io::Result<()>>,
}

async fn start(drain: Duration) -> TestServer {
    start_with(config(), drain).await
}

async fn start_with(config: ServerConfig, drain: Duration) -> TestServer {
    let rows = vec![
        hour("2018-01-01 02", &[1, 2, 2], &[("open-meteo", 7.0)]),
        hour("2018-01-01 03", &[2, 2], &[("open-meteo", 7.0)]),
    ];
    let limits = config.connections;
    let app = TestApp::with_config(rows, config);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let ended = tokio::spawn(serve(
        listener,
        app.router.clone(),
        limits,
        app.shutdown.clone(),
        drain,
    ));
    TestServer {
        app,
        address,
        ended,
    }
}

async fn ended(serving: JoinHandle<io::Result<()>>) {
    let ended = tokio::time::timeout(TEST_TIMEOUT, serving).await;
    ended.expect("the drain does not end").unwrap().unwrap();
}

async fn connect(server: &TestServer, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn rest(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn post(body: &str, more: &str) -> String {
    format!(
        "POST /weather HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {}\r\n{more}\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn answers_curl_byte_for_byte() {
    let server = start(LONG).await;
    let answer = rest(connect(&server, &post(BODY, "connection: close\r\n")).await).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    assert_eq!(
        body,
        r#"{"res":[{"hourSlot":"2018-01-01 02","feeling":1.67,"temperature":7.0},{"hourSlot":"2018-01-01 03","feeling":2.0,"temperature":7.0}],"r2":0.0}"#
    );
}

#[tokio::test]
async fn rejects_announced_length_over_limit() {
    let server = start(LONG).await;
    let head = "POST /weather HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\nexpect: 100-continue\r\n\r\n";
    let answer = rest(connect(&server, head).await).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
}

#[tokio::test]
async fn identifies_client_by_address_or_trusted_proxy() {
    let once = Some(RateLimit {
        per_second: NonZeroU32::MIN,
        burst: NonZeroU32::MIN,
    });
    let request_status = async |server: &TestServer, forwarded: &str| {
        let head = format!(
            "GET /v1/cities HTTP/1.1\r\nhost: x\r\nx-forwarded-for: {forwarded}\r\nconnection: close\r\n\r\n"
        );
        rest(connect(server, &head).await).await[9..12].to_owned()
    };
    let mut config = config();
    config.rate_limit = once;
    let plain = start_with(config.clone(), LONG).await;
    assert_eq!(request_status(&plain, "192.0.2.1").await, "200");
    assert_eq!(
        request_status(&plain, "192.0.2.2").await,
        "429",
        "the header is ignored"
    );

    config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let behind = start_with(config, LONG).await;
    assert_eq!(request_status(&behind, "192.0.2.1").await, "200");
    assert_eq!(request_status(&behind, "192.0.2.2").await, "200");
    assert_eq!(request_status(&behind, "192.0.2.1").await, "429");
}

#[tokio::test]
async fn answers_request_in_progress_during_shutdown() {
    let server = start(LONG).await;
    server.app.store.mode.set(FakeMode::Hanging);
    let stream = connect(&server, &post(BODY, "")).await;
    server.app.store.read_started.notified().await;
    server.app.shutdown.cancel();
    server.app.store.release_read.notify_one();
    let answer = rest(stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    ended(server.ended).await;
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn idle_connection_does_not_delay_shutdown() {
    let server = start(LONG).await;
    let idle = connect(&server, "GET /ping HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.app.shutdown.cancel();
    ended(server.ended).await;
    drop(idle);
}

#[tokio::test]
async fn aborts_hanging_request_after_drain_timeout() {
    let server = start(Duration::from_millis(20)).await;
    server.app.store.mode.set(FakeMode::Hanging);
    let stream = connect(&server, &post(BODY, "")).await;
    server.app.store.read_started.notified().await;
    server.app.shutdown.cancel();
    ended(server.ended).await;
    assert_eq!(rest(stream).await, "");
}
