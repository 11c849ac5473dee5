//! A proxy before the first node that can hold what is sent to it, at once or from a certain text on, and
//! let it through later.

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

    /// From now on nothing reaches the node.
    pub(crate) fn hold(&self) {
        self.holding.send_replace(true);
    }

    /// What holds this text does not reach the node, nor does anything after it.
    pub(crate) fn hold_at(&self, text: &'static str) {
        self.trap.send_replace(Some(text));
    }

    /// Waits until something is held.
    pub(crate) async fn holds_something(&self) {
        let mut held = self.held.subscribe();
        held.wait_for(|bytes| *bytes > 0).await.unwrap();
    }

    /// Lets through what was held, and all that follows.
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
            if self.springs(&buffer[..read]) {
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

    /// Whether this is what is waited for, which is waited for once.
    fn springs(&self, sent: &[u8]) -> bool {
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
