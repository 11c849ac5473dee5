//! The thread that owns the spool's files, and the handle to it.
//!
//! Guarantee: the thread processes requests in the order of the calls, so that entries are on disk
//! in the order of [`Spool::append`] without the callers waiting for each other.

use std::io;
use std::sync::mpsc;
use std::thread;

use tokio::sync::{oneshot, watch};

use crate::store::SegmentStore;
use crate::{AppendError, Chunk, ReadLimits, Rejected, SpoolConfig, SpoolError, SpoolObserver};

type Reply<T> = oneshot::Sender<io::Result<T>>;

enum Request {
    Append(Vec<Vec<u8>>, oneshot::Sender<Result<(), Rejected>>),
    Read(ReadLimits, Reply<Chunk>),
    Commit(Chunk, Reply<()>),
}

/// A handle to a spool. The spool closes when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Spool {
    requests: mpsc::Sender<Request>,
    pending: watch::Receiver<u64>,
}

impl Spool {
    /// Opens a spool and starts its thread.
    ///
    /// # Errors
    /// [`SpoolError`] if the directory is not usable, or another process uses it.
    pub fn open(config: SpoolConfig, observer: impl SpoolObserver) -> Result<Self, SpoolError> {
        let dir = config.dir.clone();
        let (store, torn) = SegmentStore::open(config)?;
        observer.tail_truncated(torn);
        let (requests, received) = mpsc::channel();
        let (pending_sender, pending) = watch::channel(0);
        let worker = Worker {
            store,
            observer,
            pending: pending_sender,
        };
        worker.report_backlog();
        let entries = *pending.borrow();
        if entries > 0 {
            tracing::info!(dir = %dir.display(), entries, "spool has pending entries");
        }
        thread::Builder::new()
            .name("spool".to_owned())
            .spawn(move || worker.run(&received))
            .map_err(SpoolError::Thread)?;
        Ok(Self { requests, pending })
    }

    /// Appends entries behind those of all earlier calls. The request is queued when this returns;
    /// the future completes when the entries are on disk.
    ///
    /// # Errors
    /// [`Rejected`] if nothing was written; it returns the entries.
    pub fn append(
        &self,
        entries: Vec<Vec<u8>>,
    ) -> impl Future<Output = Result<(), Rejected>> + Send + 'static {
        let (reply, response) = oneshot::channel();
        let closed = |entries| Rejected {
            entries,
            error: AppendError::Closed,
        };
        let sent = self.requests.send(Request::Append(entries, reply));
        async move {
            match sent {
                Err(mpsc::SendError(Request::Append(entries, _))) => Err(closed(entries)),
                _ => response.await.unwrap_or_else(|_| Err(closed(Vec::new()))),
            }
        }
    }

    /// Reads the oldest pending entries; the chunk is empty if there are none. Reads the same
    /// entries again until they are committed.
    ///
    /// # Errors
    /// An I/O error if the disk fails, or the spool's thread has ended.
    pub async fn read(&self, limits: ReadLimits) -> io::Result<Chunk> {
        self.request(|reply| Request::Read(limits, reply)).await
    }

    /// Moves the read offset behind `chunk`, which must be the one that was read last.
    ///
    /// # Errors
    /// An I/O error if the disk fails, or the spool's thread has ended; the chunk may be read again.
    pub async fn commit(&self, chunk: Chunk) -> io::Result<()> {
        self.request(|reply| Request::Commit(chunk, reply)).await
    }

    async fn request<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> io::Result<T> {
        let closed = || io::Error::other("spool is closed");
        let (reply, response) = oneshot::channel();
        self.requests.send(request(reply)).map_err(|_| closed())?;
        response.await.map_err(|_| closed())?
    }

    /// Number of pending entries.
    #[must_use]
    pub fn pending(&self) -> u64 {
        *self.pending.borrow()
    }

    /// Waits until an entry is pending.
    pub async fn wait_until_pending(&self) {
        self.wait_until(|pending| pending > 0).await;
    }

    /// Waits until no entry is pending.
    pub async fn wait_until_empty(&self) {
        self.wait_until(|pending| pending == 0).await;
    }

    async fn wait_until(&self, condition: impl Fn(u64) -> bool) {
        let mut pending = self.pending.clone();
        if pending.wait_for(|n| condition(*n)).await.is_err() {
            // The thread has ended: the number does not change any more.
            std::future::pending().await
        }
    }
}

struct Worker<O> {
    store: SegmentStore,
    observer: O,
    pending: watch::Sender<u64>,
}

impl<O: SpoolObserver> Worker<O> {
    fn run(mut self, requests: &mpsc::Receiver<Request>) {
        // A reply fails if the caller was dropped, which is no error.
        while let Ok(request) = requests.recv() {
            match request {
                Request::Append(entries, reply) => {
                    let appended = self.append(entries);
                    self.report_backlog();
                    let _ = reply.send(appended);
                }
                Request::Read(limits, reply) => {
                    let _ = reply.send(self.store.read(limits));
                }
                Request::Commit(chunk, reply) => {
                    let committed = self.commit(&chunk);
                    self.report_backlog();
                    let _ = reply.send(committed);
                }
            }
        }
    }

    fn append(&mut self, entries: Vec<Vec<u8>>) -> Result<(), Rejected> {
        match self.store.append(&entries) {
            Ok(()) => {
                self.observer.appended(&entries);
                Ok(())
            }
            Err(error) => {
                self.observer.append_failed(&error);
                Err(Rejected { entries, error })
            }
        }
    }

    fn commit(&mut self, chunk: &Chunk) -> io::Result<()> {
        self.store.commit(chunk)?;
        self.observer.committed(chunk, self.store.has_room());
        Ok(())
    }

    fn report_backlog(&self) {
        let backlog = self.store.backlog();
        self.observer.backlog_changed(backlog);
        self.pending.send_replace(backlog.entries);
    }
}
