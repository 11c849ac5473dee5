//! The server over real sockets: what curl sends, and how connections end.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use common::{Mood, TestApp, config, hour};
use moodvane_server::{RateLimit, ServerConfig, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const BODY: &str = r#"{"begin":"2018-01-01 02","end":"2018-01-01 03"}"#;
/// Longer than any test: a drain that is waited for to its end fails the test.
const LONG: Duration = Duration::from_secs(3600);
const PATIENCE: Duration = Duration::from_secs(60);

struct Served {
    app: TestApp,
    address: SocketAddr,
    ended: JoinHandle<io::Result<()>>,
}

async fn start(drain: Duration) -> Served {
    start_with(config(), drain).await
}

async fn start_with(config: ServerConfig, drain: Duration) -> Served {
    let rows = vec![
        hour("2018-01-01 02", &[1, 2, 2], &[("open-meteo", 7.0)]),
        hour("2018-01-01 03", &[2, 2], &[("open-meteo", 7.0)]),
    ];
    let limits = config.connections;
    let app = TestApp::with(rows, config);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let ended = tokio::spawn(serve(
        listener,
        app.router.clone(),
        limits,
        app.shutdown.clone(),
        drain,
    ));
    Served {
        app,
        address,
        ended,
    }
}

async fn ended(serving: JoinHandle<io::Result<()>>) {
    let ended = tokio::time::timeout(PATIENCE, serving).await;
    ended.expect("the drain does not end").unwrap().unwrap();
}

async fn connect(served: &Served, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(served.address).await.unwrap();
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
async fn curl_gets_exactly_the_documented_answer() {
    let served = start(LONG).await;
    let answer = rest(connect(&served, &post(BODY, "connection: close\r\n")).await).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    assert_eq!(
        body,
        r#"{"res":[{"hourSlot":"2018-01-01 02","feeling":1.67,"temperature":7.0},{"hourSlot":"2018-01-01 03","feeling":2.0,"temperature":7.0}],"r2":0.0}"#
    );
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_refused_before_it_is_sent() {
    let served = start(LONG).await;
    let head = "POST /weather HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\nexpect: 100-continue\r\n\r\n";
    let answer = rest(connect(&served, head).await).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
}

#[tokio::test]
async fn a_client_is_its_address_or_what_a_trusted_proxy_says() {
    let once = Some(RateLimit {
        per_second: NonZeroU32::MIN,
        burst: NonZeroU32::MIN,
    });
    let ask = async |served: &Served, forwarded: &str| {
        let head = format!(
            "GET /v1/cities HTTP/1.1\r\nhost: x\r\nx-forwarded-for: {forwarded}\r\nconnection: close\r\n\r\n"
        );
        rest(connect(served, &head).await).await[9..12].to_owned()
    };
    let mut config = config();
    config.rate_limit = once;
    let plain = start_with(config.clone(), LONG).await;
    assert_eq!(ask(&plain, "192.0.2.1").await, "200");
    assert_eq!(
        ask(&plain, "192.0.2.2").await,
        "429",
        "the header is believed"
    );

    config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let behind = start_with(config, LONG).await;
    assert_eq!(ask(&behind, "192.0.2.1").await, "200");
    assert_eq!(ask(&behind, "192.0.2.2").await, "200");
    assert_eq!(ask(&behind, "192.0.2.1").await, "429");
}

#[tokio::test]
async fn a_request_in_progress_is_answered_after_the_shutdown_began() {
    let served = start(LONG).await;
    served.app.store.switch.turn(Mood::Silent);
    let stream = connect(&served, &post(BODY, "")).await;
    served.app.store.asked.notified().await;
    served.app.shutdown.cancel();
    served.app.store.answer.notify_one();
    let answer = rest(stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    ended(served.ended).await;
    assert!(TcpStream::connect(served.address).await.is_err());
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_the_shutdown() {
    let served = start(LONG).await;
    let idle = connect(&served, "GET /ping HTTP/1.1\r\nhost: x\r\n\r\n").await;
    served.app.shutdown.cancel();
    ended(served.ended).await;
    drop(idle);
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_when_the_drain_is_over() {
    let served = start(Duration::from_millis(20)).await;
    served.app.store.switch.turn(Mood::Silent);
    let stream = connect(&served, &post(BODY, "")).await;
    served.app.store.asked.notified().await;
    served.app.shutdown.cancel();
    ended(served.ended).await;
    assert_eq!(rest(stream).await, "");
}
