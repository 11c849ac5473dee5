//! The Jetstream source against a websocket server that the test controls.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::routing::get;
use moodvane_eventlog::LogError;
use moodvane_ingester::{BlueskyConfig, SourceConfig, SourceState};
use moodvane_model::{Post, Timestamp, Topic};
use moodvane_upstream::Selection;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;

use support::log::{FakeLog, eventually};
use support::{GRACE, Rig, SHORT, new_york, now, serve, source};

#[derive(Deserialize)]
struct Params {
    cursor: Option<i64>,
}

type Connection = (Option<i64>, WebSocket);
/// A server that hands its connections to the test.
struct Server {
    address: SocketAddr,
    connections: mpsc::Receiver<Connection>,
}

impl Server {
    async fn start() -> Self {
        let (sender, connections) = mpsc::channel(16);
        let accept = |State(sender): State<mpsc::Sender<Connection>>,
                      Query(params): Query<Params>,
                      upgrade: WebSocketUpgrade| async move {
            upgrade.on_upgrade(move |socket| async move {
                let _ = sender.send((params.cursor, socket)).await;
            })
        };
        let router = Router::new().route("/subscribe", get(accept));
        Self {
            address: serve(router.with_state(sender)).await,
            connections,
        }
    }

    fn source(&self) -> BlueskyConfig {
        BlueskyConfig {
            id: source("bluesky"),
            base_url: format!("ws://{}", self.address).parse().unwrap(),
            other_urls: Vec::new(),
            since: None,
            rewind: Duration::from_secs(5),
            max_age: None,
            idle: GRACE,
            selection: Arc::new(Selection::for_cities(&[new_york()]).unwrap()),
        }
    }

    fn rig(&self, log: &Arc<FakeLog>) -> Rig {
        Rig::start(log, vec![SourceConfig::Bluesky(self.source())])
    }

    async fn accept(&mut self) -> Connection {
        let accepted = tokio::time::timeout(GRACE, self.connections.recv()).await;
        accepted.expect("a connection within the bound").unwrap()
    }
}

fn at_us(n: i64) -> i64 {
    now().millis() * 1000 + n
}

fn event(n: i64, text: &str) -> String {
    json!({
        "did": "did:plc:abc",
        "time_us": at_us(n),
        "kind": "commit",
        "commit": {
            "rev": "r",
            "operation": "create",
            "collection": "app.bsky.feed.post",
            "rkey": format!("k{n}"),
            "record": { "text": text, "createdAt": "2024-05-03T10:19:00Z", "langs": ["en"] },
        },
    })
    .to_string()
}

fn cursor(server: &Server, n: i64) -> String {
    json!({ "host": server.address.to_string(), "time_us": at_us(n) }).to_string()
}

async fn send(socket: &mut WebSocket, text: String) {
    socket.send(Message::Text(text.into())).await.unwrap();
}

fn key(n: i64) -> String {
    format!("new-york:bluesky:did:plc:abc/k{n}")
}

#[actix::test]
async fn publishes_posts_in_order_and_saves_cursor() {
    let (log, mut server) = (FakeLog::new(), Server::start().await);
    let rig = server.rig(&log);
    let (requested, mut socket) = server.accept().await;
    assert_eq!(requested, None);
    for n in 0..200 {
        send(&mut socket, event(n, "rain over NYC")).await;
    }
    eventually("all posts", || log.count(Topic::Tweet) == 200).await;
    let keys: Vec<String> = (0..200).map(key).collect();
    assert_eq!(log.keys(Topic::Tweet), keys);
    assert!(
        log.batches().iter().all(|n| *n <= 10),
        "{:?}",
        log.batches()
    );
    let expected = cursor(&server, 199);
    eventually("the cursor", || {
        log.cursor_of("bluesky") == Some(expected.clone())
    })
    .await;

    let values = log.values(Topic::Tweet);
    let post = Post::from_json(&values[0]).unwrap();
    assert_eq!(post.received_at, now());
    let status = rig.status();
    assert_eq!((status.state, status.records), (SourceState::Running, 200));
    let written = Timestamp::parse_rfc3339("2024-05-03T10:19:00Z").unwrap();
    assert_eq!(status.last_event, Some(written));
    assert_eq!(
        rig.counter(
            "moodvane_ingester_records_published_total{source=\"bluesky\",topic=\"tweet\"}"
        ),
        200
    );
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn saves_no_cursor_before_acknowledgement() {
    let (log, mut server) = (FakeLog::new(), Server::start().await);
    log.hold();
    let rig = server.rig(&log);
    let (_, mut socket) = server.accept().await;
    send(&mut socket, event(1, "nyc")).await;
    eventually("a publish", || log.begun() == 1).await;
    // A drain saves the cursor of acknowledged batches only.
    let report = rig.ingester.drain(SHORT).await;
    assert_eq!(report.abandoned, [source("bluesky")]);
    assert_eq!((log.cursor_of("bluesky"), log.saves()), (None, 0));
}

#[actix::test]
async fn drain_waits_for_batches_in_flight_and_saves_cursor() {
    let (log, mut server) = (FakeLog::new(), Server::start().await);
    log.hold();
    let rig = server.rig(&log);
    let (_, mut socket) = server.accept().await;
    send(&mut socket, event(7, "nyc")).await;
    eventually("a publish", || log.begun() == 1).await;
    let drain = rig.ingester.drain(GRACE);
    let release = async {
        tokio::task::yield_now().await;
        log.release();
    };
    let (report, ()) = tokio::join!(drain, release);
    assert!(report.abandoned.is_empty());
    assert_eq!(log.cursor_of("bluesky"), Some(cursor(&server, 7)));
    assert_eq!(rig.status().state, SourceState::Stopped);
}

#[actix::test]
async fn resumes_before_cursor_by_rewind() {
    let (log, mut server) = (FakeLog::new(), Server::start().await);
    log.set_cursor("bluesky", &cursor(&server, 0));
    let rig = server.rig(&log);
    let (requested, mut socket) = server.accept().await;
    assert_eq!(requested, Some(at_us(-5_000_000)));
    send(&mut socket, event(1_000_000, "nyc")).await;
    eventually("the post", || log.count(Topic::Tweet) == 1).await;
    drop(socket);
    let (requested, _socket) = server.accept().await;
    assert_eq!(requested, Some(at_us(-4_000_000)), "after a break");
    assert_eq!(rig.status().restarts, 1);
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn rewinds_further_on_other_host_and_starts_at_configured_time() {
    let (log, mut server) = (FakeLog::new(), Server::start().await);
    let mut config = server.source();
    config.since = Some(now());
    let rig = Rig::start(&log, vec![SourceConfig::Bluesky(config.clone())]);
    assert_eq!(server.accept().await.0, Some(at_us(0)), "without a cursor");
    rig.ingester.drain(GRACE).await;

    let elsewhere = json!({ "host": "elsewhere", "time_us": at_us(0) }).to_string();
    log.set_cursor("bluesky", &elsewhere);
    let rig = Rig::start(&log, vec![SourceConfig::Bluesky(config)]);
    let (requested, mut socket) = server.accept().await;
    assert_eq!(requested, Some(at_us(-60_000_000)), "elsewhere");
    // The other host's cursor does not apply to this host.
    send(&mut socket, event(-50_000_000, "nyc")).await;
    eventually("the post", || log.count(Topic::Tweet) == 1).await;
    rig.ingester.drain(GRACE).await;
    let here = cursor(&server, -50_000_000);
    assert_eq!(log.cursor_of("bluesky"), Some(here));
}

#[actix::test]
async fn rereads_rejected_batch_without_moving_cursor_past_it() {
    let (log, mut server) = (FakeLog::new(), Server::start().await);
    log.set_cursor("bluesky", &cursor(&server, 0));
    log.refuse(LogError::Corrupt("on purpose".into()));
    let rig = server.rig(&log);
    let (_, mut socket) = server.accept().await;
    for n in 1..100 {
        // The source closes the connection when the log rejects the batch.
        let _ = socket.send(Message::Text(event(n, "nyc").into())).await;
    }
    let (requested, _socket) = server.accept().await;
    assert_eq!(requested, Some(at_us(-5_000_000)));
    assert!(rig.status().last_error.unwrap().contains("on purpose"));
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn stops_reading_socket_while_log_is_stalled() {
    let (log, mut server) = (FakeLog::new(), Server::start().await);
    log.hold();
    let rig = server.rig(&log);
    let (_, mut socket) = server.accept().await;
    let pad = "x".repeat(65_536);
    let mut sent = 0;
    let mut stalled = false;
    // The socket buffers of the operating system hold some megabytes.
    while !stalled || sent % 100 != 0 {
        assert!(sent < 4_000, "the socket is read without limit");
        let padded = format!("{{\"pad\":\"{pad}\",{}", &event(sent, "nyc")[1..]);
        let mut sending = Box::pin(socket.send(Message::Text(padded.into())));
        if tokio::time::timeout(SHORT * 10, &mut sending)
            .await
            .is_err()
        {
            stalled = true;
            assert!(log.begun() <= 2, "{} publishes in flight", log.begun());
            log.release();
            sending.await.unwrap();
        }
        sent += 1;
    }
    eventually("all posts", || log.count(Topic::Tweet) as i64 == sent).await;
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn counts_unusable_messages_by_reason() {
    let (log, mut server) = (FakeLog::new(), Server::start().await);
    let rig = server.rig(&log);
    let (_, mut socket) = server.accept().await;
    send(&mut socket, "{not json".to_owned()).await;
    send(&mut socket, event(1, "somewhere else")).await;
    send(&mut socket, event(1, "")).await;
    send(&mut socket, "x".repeat((1 << 20) + 1)).await;
    socket.send(Message::Binary(vec![1].into())).await.unwrap();
    send(&mut socket, event(2, "nyc")).await;
    eventually("the post", || log.count(Topic::Tweet) == 1).await;
    assert_eq!(log.keys(Topic::Tweet), [key(2)]);
    for reason in ["malformed", "no_city", "no_text", "too_long", "binary"] {
        assert_eq!(rig.dropped(reason), 1, "{reason}");
    }
    assert_eq!(rig.seen(), 6);
    assert_eq!(rig.status().restarts, 0);
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn ignores_far_future_time_for_cursor() {
    let (log, mut server) = (FakeLog::new(), Server::start().await);
    let rig = server.rig(&log);
    let (_, mut socket) = server.accept().await;
    send(&mut socket, event(3, "nyc")).await;
    send(&mut socket, event(3_600_000_000, "nyc")).await;
    eventually("both posts", || log.count(Topic::Tweet) == 2).await;
    rig.ingester.drain(GRACE).await;
    assert_eq!(log.cursor_of("bluesky"), Some(cursor(&server, 3)));
}

#[actix::test]
async fn answers_ping() {
    let (log, mut server) = (FakeLog::new(), Server::start().await);
    let rig = server.rig(&log);
    let (_, mut socket) = server.accept().await;
    socket.send(Message::Ping(vec![7].into())).await.unwrap();
    let answer = tokio::time::timeout(GRACE, socket.recv()).await.unwrap();
    assert_eq!(answer.unwrap().unwrap(), Message::Pong(vec![7].into()));
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn reconnects_silent_stream() {
    let (log, mut server) = (FakeLog::new(), Server::start().await);
    let mut config = server.source();
    config.idle = SHORT;
    let rig = Rig::start(&log, vec![SourceConfig::Bluesky(config)]);
    let (_, _silent) = server.accept().await;
    server.accept().await;
    assert!(
        rig.status()
            .last_error
            .unwrap()
            .contains("received nothing")
    );
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn reports_connect_error_for_server_without_tls() {
    let (log, server) = (FakeLog::new(), Server::start().await);
    let mut config = server.source();
    let secure = format!("wss://{}/?token=secret", server.address);
    config.base_url = secure.parse().unwrap();
    let rig = Rig::start(&log, vec![SourceConfig::Bluesky(config)]);
    eventually("a failure", || rig.status().restarts > 0).await;
    let error = rig.status().last_error.unwrap();
    assert!(
        error.contains("cannot connect to wss://") && !error.contains("secret"),
        "{error}"
    );
    assert!(rig.errors("connect") > 0, "no panic");
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn reports_gap_when_stream_resumes_late() {
    let (log, mut server) = (FakeLog::new(), Server::start().await);
    log.set_cursor("bluesky", &cursor(&server, -3_600_000_000));
    let rig = server.rig(&log);
    let (_, mut socket) = server.accept().await;
    send(&mut socket, "{not json".to_owned()).await;
    eventually("the first message", || rig.dropped("malformed") == 1).await;
    send(&mut socket, event(0, "nyc")).await;
    eventually("the post", || log.count(Topic::Tweet) == 1).await;
    let error = rig.status().last_error.unwrap();
    assert!(
        error.contains("3600000 ms after the last acknowledged message"),
        "{error}"
    );
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn drops_messages_before_requested_cursor() {
    let (log, mut server) = (FakeLog::new(), Server::start().await);
    log.set_cursor("bluesky", &cursor(&server, -10_000_000));
    let rig = server.rig(&log);
    let (_, mut socket) = server.accept().await;
    // The rewind is 5 s.
    for n in [-3_600_000_000, -15_000_001, -15_000_000, 0] {
        send(&mut socket, event(n, "nyc")).await;
    }
    eventually("the posts", || log.count(Topic::Tweet) == 2).await;
    assert_eq!(log.keys(Topic::Tweet), [key(-15_000_000), key(0)]);
    assert_eq!(rig.dropped("before_cursor"), 2);
    assert_eq!((rig.seen(), rig.errors("gap")), (4, 0));
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn future_cursor_hides_no_messages() {
    let (log, mut server) = (FakeLog::new(), Server::start().await);
    log.set_cursor("bluesky", &cursor(&server, 300_000_000));
    let rig = server.rig(&log);
    let (_, mut socket) = server.accept().await;
    send(&mut socket, event(0, "nyc")).await;
    eventually("the post", || log.count(Topic::Tweet) == 1).await;
    assert_eq!(rig.dropped("before_cursor"), 0);
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn reports_unreadable_cursor_by_name() {
    let (log, server) = (FakeLog::new(), Server::start().await);
    log.set_cursor("bluesky", "17");
    let rig = server.rig(&log);
    eventually("a failure", || rig.status().restarts > 0).await;
    let error = rig.status().last_error.unwrap();
    assert!(error.contains("cursor bluesky is \"17\""), "{error}");
    rig.ingester.drain(GRACE).await;
}
