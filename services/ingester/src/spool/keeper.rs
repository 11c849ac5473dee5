//! The thread that keeps the spool's files, and the handle to it.
//!
//! Guarantee: requests are done in the order in which they were made, so that records lie in the
//! order in which [`Spool::append`] was called, though nobody waits there for a disk.

use std::io;
use std::sync::mpsc;
use std::thread;

use tokio::sync::{oneshot, watch};

use super::folder::{Chunk, Folder, Refusal};
use super::health::{Fault, Health};
use super::{Item, SpoolConfig, SpoolError};

/// What is read at once. It is sent again where a crash comes between the log's acknowledgement and
/// the mark: few enough for the readers' duplicate window.
const CHUNK: (usize, u64) = (2_000, 4 << 20);

/// Nothing was taken; the items are given back.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) items: Vec<Item>,
    /// Whether it is the bound that is reached; else the disk failed.
    pub(crate) full: bool,
}

enum Request {
    Append(Vec<Item>, oneshot::Sender<Result<(), Refused>>),
    Read(oneshot::Sender<io::Result<Chunk>>),
    Drained(Chunk, oneshot::Sender<io::Result<()>>),
}

/// A handle to the spool. The files are let go with the last one.
#[derive(Clone)]
pub(crate) struct Spool {
    requests: mpsc::Sender<Request>,
    waiting: watch::Receiver<u64>,
}

impl Spool {
    /// Opens the spool.
    pub(crate) fn open(config: SpoolConfig, health: Health) -> Result<Self, SpoolError> {
        let dir = config.dir.clone();
        let (folder, torn) = Folder::open(config)?;
        health.torn(torn);
        let (requests, received) = mpsc::channel();
        let (told, waiting) = watch::channel(0);
        let keeper = Keeper {
            folder,
            health,
            waiting: told,
        };
        keeper.tell();
        if *waiting.borrow() > 0 {
            tracing::info!(dir = %dir.display(), records = *waiting.borrow(), "records wait in the spool");
        }
        thread::Builder::new()
            .name("spool".to_owned())
            .spawn(move || keeper.keep(&received))
            .map_err(SpoolError::at(&dir))?;
        Ok(Self { requests, waiting })
    }

    /// Writes items behind all that were handed over before; returns once they are on the disk. The
    /// request is made when this returns, so that the order is that of the calls.
    pub(crate) fn append(
        &self,
        items: Vec<Item>,
    ) -> impl Future<Output = Result<(), Refused>> + Send + 'static {
        let (reply, heard) = oneshot::channel();
        let refused = |items| Refused { items, full: false };
        let sent = self.requests.send(Request::Append(items, reply));
        async move {
            match sent {
                Err(mpsc::SendError(Request::Append(items, _))) => Err(refused(items)),
                _ => heard.await.unwrap_or_else(|_| Err(refused(Vec::new()))),
            }
        }
    }

    /// What waits longest.
    pub(super) async fn read(&self) -> io::Result<Chunk> {
        self.ask(Request::Read).await
    }

    /// The log has all of the chunk.
    pub(super) async fn drained(&self, chunk: Chunk) -> io::Result<()> {
        self.ask(|reply| Request::Drained(chunk, reply)).await
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<io::Result<T>>) -> Request,
    ) -> io::Result<T> {
        let gone = || io::Error::other("the spool's thread is gone");
        let (reply, heard) = oneshot::channel();
        self.requests.send(request(reply)).map_err(|_| gone())?;
        heard.await.map_err(|_| gone())?
    }

    /// How many items wait now.
    pub(crate) fn waiting(&self) -> u64 {
        *self.waiting.borrow()
    }

    /// Waits until something waits.
    pub(super) async fn filled(&self) {
        self.until(|waiting| waiting > 0).await;
    }

    /// Waits until nothing waits.
    pub(crate) async fn emptied(&self) {
        self.until(|waiting| waiting == 0).await;
    }

    async fn until(&self, holds: impl Fn(u64) -> bool) {
        let mut waiting = self.waiting.clone();
        if waiting.wait_for(|waiting| holds(*waiting)).await.is_err() {
            // The thread is gone, and nothing changes any more.
            std::future::pending().await
        }
    }
}

struct Keeper {
    folder: Folder,
    health: Health,
    waiting: watch::Sender<u64>,
}

impl Keeper {
    fn keep(mut self, requests: &mpsc::Receiver<Request>) {
        // Whoever asked may be gone when the answer comes: nobody else wants it.
        while let Ok(request) = requests.recv() {
            match request {
                Request::Append(items, reply) => {
                    let appended = self.append(items);
                    self.tell();
                    let _ = reply.send(appended);
                }
                Request::Read(reply) => {
                    let _ = reply.send(self.folder.read(CHUNK));
                }
                Request::Drained(chunk, reply) => {
                    let drained = self.drained(&chunk);
                    self.tell();
                    let _ = reply.send(drained);
                }
            }
        }
    }

    fn append(&mut self, items: Vec<Item>) -> Result<(), Refused> {
        let refusal = match self.folder.append(&items) {
            Ok(()) => {
                self.health.spooled(&items);
                self.health.spool_is(None);
                return Ok(());
            }
            Err(refusal) => refusal,
        };
        let full = matches!(refusal, Refusal::Full);
        self.health.spool_is(Some(match refusal {
            Refusal::Full => Fault::Full,
            Refusal::Disk(error) => error.into(),
        }));
        Err(Refused { items, full })
    }

    fn drained(&mut self, chunk: &Chunk) -> io::Result<()> {
        self.folder.drained(chunk)?;
        self.health.drained(&chunk.items, chunk.lost);
        if self.folder.has_room() {
            self.health.has_room();
        }
        Ok(())
    }

    fn tell(&self) {
        let waiting = self.folder.waiting();
        self.health.waiting(waiting, self.folder.waiting_bytes());
        self.waiting.send_replace(waiting);
    }
}
