//! A Jetstream server that sends posts to one client at a constant rate.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use futures::SinkExt;
use moodvane_benches::Texts;
use moodvane_model::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

/// A load that falls behind its due times by more than this is aborted.
const MAX_LAG: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

/// The server.
pub(crate) struct Sender {
    server: TcpListener,
    socket: Option<WebSocketStream<TcpStream>>,
    origin: &'static str,
    /// Encoded as JSON strings.
    texts: Vec<String>,
    /// The number of the next post.
    next: u64,
}

/// The part of a load that was sent: the posts from `first` up to but excluding `next`.
pub(crate) struct SentLoad {
    pub(crate) first: u64,
    pub(crate) next: u64,
    pub(crate) elapsed: Duration,
    /// Whether the load was aborted for its lag.
    pub(crate) fell_behind: bool,
}

/// Microseconds since 1970 by the machine's clock, which Kafka's timestamps use too.
pub(crate) fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_micros() as i64)
}

impl Sender {
    pub(crate) async fn open() -> anyhow::Result<Self> {
        let texts = Texts::load();
        let json = texts.all().iter().map(serde_json::to_string);
        Ok(Self {
            server: TcpListener::bind("127.0.0.1:0").await?,
            socket: None,
            origin: texts.origin(),
            texts: json.collect::<Result<_, _>>()?,
            next: 0,
        })
    }

    pub(crate) fn address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.server.local_addr()?)
    }

    pub(crate) fn origin(&self) -> &'static str {
        self.origin
    }

    /// Waits for the client to connect.
    pub(crate) async fn accept(&mut self) -> anyhow::Result<()> {
        let accepted = timeout(CONNECT_TIMEOUT, self.server.accept()).await;
        let (socket, _) = accepted.context("no client has connected")??;
        socket.set_nodelay(true)?;
        self.socket = Some(accept_async(socket).await?);
        Ok(())
    }

    /// Drops the connection without a close frame.
    pub(crate) fn disconnect(&mut self) {
        self.socket = None;
    }

    /// Sends posts at `rate` for `span`.
    pub(crate) async fn send(&mut self, rate: u32, span: Duration) -> anyhow::Result<SentLoad> {
        let mut socket = self.socket.take().context("no client is connected")?;
        let first = self.next;
        let (started, started_us) = (Instant::now(), now_us());
        let posts = (f64::from(rate) * span.as_secs_f64()) as u64;
        let pause = Duration::from_secs(1) / rate;
        let mut fell_behind = false;
        for n in 0..posts {
            let offset = Duration::from_nanos(n * 1_000_000_000 / u64::from(rate));
            let due = started + offset;
            let now = Instant::now();
            fell_behind = now > due + MAX_LAG;
            if fell_behind {
                break;
            }
            if due > now + pause {
                socket.flush().await?;
                sleep_until(due).await;
            }
            let event = self.event(started_us + offset.as_micros() as i64)?;
            socket.feed(Message::text(event)).await?;
            self.next += 1;
        }
        socket.flush().await?;
        let elapsed = started.elapsed();
        ensure!(
            self.next > first,
            "the load has no post: rate {rate}/s for {span:?}"
        );
        self.socket = Some(socket);
        Ok(SentLoad {
            first,
            next: self.next,
            elapsed,
            fell_behind,
        })
    }

    /// A post whose `rkey` contains its number and its due time.
    fn event(&self, due_us: i64) -> anyhow::Result<String> {
        let n = self.next;
        let at = Timestamp::from_millis(due_us / 1_000)?;
        let text = &self.texts[(n % self.texts.len() as u64) as usize];
        Ok(format!(
            "{{\"did\":\"did:plc:benchbenchbenchbenchbench\",\"time_us\":{due_us},\"kind\":\"commit\",\
             \"commit\":{{\"rev\":\"3lbenchbench22\",\"operation\":\"create\",\"collection\":\"app.bsky.feed.post\",\
             \"rkey\":\"{n}-{due_us}\",\"record\":{{\"$type\":\"app.bsky.feed.post\",\"createdAt\":\"{at}\",\
             \"langs\":[\"en\"],\"text\":{text}}},\"cid\":\"bafyreibenchbenchbenchbenchbenchbenchbenchbench\"}}}}"
        ))
    }
}
