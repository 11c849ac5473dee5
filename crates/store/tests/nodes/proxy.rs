//! A proxy in front of the first node. It can hold requests, at once or from a given text on, and
//! release them later.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Clone)]
pub(crate) struct Proxy {
    address: SocketAddr,
    holding: watch::Sender<bool>,
    held: watch::Sender<usize>,
    trap: watch::Sender<Option<&'static str>>,
}

impl Proxy {
    pub(crate) async fn start() -> Self {
        let node = super::nodes()[0];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            address: listener.local_addr().unwrap(),
            holding: watch::Sender::new(false),
            held: watch::Sender::new(0),
            trap: watch::Sender::new(None),
        };
        tokio::spawn(proxy.clone().serve(listener, node));
        proxy
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Holds all requests from now on.
    pub(crate) fn hold(&self) {
        self.holding.send_replace(true);
    }

    /// Holds the request that contains this text, and all later ones.
    pub(crate) fn hold_at(&self, text: &'static str) {
        self.trap.send_replace(Some(text));
    }

    /// Waits until the proxy holds a request.
    pub(crate) async fn wait_until_holding(&self) {
        let mut held = self.held.subscribe();
        held.wait_for(|bytes| *bytes > 0).await.unwrap();
    }

    /// Releases the held requests and all later ones.
    pub(crate) fn release(&self) {
        self.holding.send_replace(false);
    }

    async fn serve(self, listener: TcpListener, node: SocketAddr) {
        while let Ok((client, _)) = listener.accept().await {
            let Ok(server) = TcpStream::connect(node).await else {
                continue;
            };
            let (from_client, mut to_client) = client.into_split();
            let (mut from_server, to_server) = server.into_split();
            tokio::spawn(self.clone().forward(from_client, to_server));
            tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
        }
    }

    async fn forward(self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut buffer = vec![0; 64 * 1024];
        let mut holding = self.holding.subscribe();
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            if self.triggers_hold(&buffer[..read]) {
                self.hold();
            }
            if *holding.borrow() {
                self.held.send_modify(|bytes| *bytes += read);
            }
            let released = holding.wait_for(|holding| !holding).await.is_ok();
            if !released || to.write_all(&buffer[..read]).await.is_err() {
                return;
            }
        }
    }

    /// Whether the request contains the text of `hold_at`; clears the text then.
    fn triggers_hold(&self, sent: &[u8]) -> bool {
        self.trap.send_if_modified(|trap| {
            let found = trap.is_some_and(|text| {
                let mut windows = sent.windows(text.len());
                windows.any(|window| window == text.as_bytes())
            });
            if found {
                *trap = None;
            }
            found
        })
    }
}
