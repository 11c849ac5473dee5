//! The pool of formatters, which grows and shrinks with the load.
//!
//! Terms: a member is *busy* while it has a chunk. Guarantee: the size of the pool stays within its
//! bounds. The pool adds a member when all are busy, and removes a member that was idle for
//! [`IDLE_TIMEOUT`]. Members share as many threads as the machine has cores, since formatting is
//! CPU-bound.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use actix::prelude::*;
use moodvane_runtime::Clock;
use tracing::{info, warn};

use super::{Format, Formatted, Formatter};

/// How long a member may be idle before it is removed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// The bounds of the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PoolBounds {
    pub(crate) min: usize,
    pub(crate) max: usize,
    /// The number of queued chunks per member at which senders have to wait.
    pub(crate) mailbox_capacity: usize,
}

/// A snapshot of the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStatus {
    /// The number of members.
    pub size: usize,
    /// The minimum size.
    pub min: usize,
    /// The maximum size.
    pub max: usize,
    /// Chunks queued or in work.
    pub pending_chunks: usize,
    /// The number of queued chunks per member at which senders have to wait.
    pub mailbox_capacity: usize,
}

/// A handle of the pool. Clones share the actors; its threads end with the last clone.
#[derive(Clone)]
pub(crate) struct FormatterPool(Arc<Pool>);

struct Pool {
    bounds: PoolBounds,
    cores: usize,
    clock: Arc<dyn Clock>,
    members: Mutex<Members>,
}

#[derive(Default)]
struct Members {
    members: Vec<Member>,
    threads: Vec<Arc<Thread>>,
}

struct Member {
    address: Addr<Formatter>,
    chunks: Arc<AtomicUsize>,
    /// The uptime at which it received its last chunk.
    last_used: Duration,
    _thread: Arc<Thread>,
}

/// A thread that ends with its last member.
struct Thread(Arbiter);

impl Drop for Thread {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// A chunk queued or in work, counted until it is dropped.
struct PendingChunk(Arc<AtomicUsize>);

impl PendingChunk {
    fn new(chunks: &Arc<AtomicUsize>) -> Self {
        chunks.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(chunks))
    }
}

impl Drop for PendingChunk {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl FormatterPool {
    /// Starts the pool with its minimum size, at least one member.
    pub(crate) fn start(bounds: PoolBounds, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let min = bounds.min.max(1);
        let bounds = PoolBounds {
            min,
            max: bounds.max.max(min),
            mailbox_capacity: bounds.mailbox_capacity.max(1),
        };
        let pool = Pool {
            bounds,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            clock,
            members: Mutex::default(),
        };
        for _ in 0..bounds.min {
            pool.grow(&mut pool.locked())?;
        }
        Ok(Self(Arc::new(pool)))
    }

    /// Formats a chunk on the member with the fewest chunks; waits while its mailbox is full.
    pub(crate) async fn format(&self, chunk: Format) -> Result<Formatted, MailboxError> {
        let Some((member, _pending)) = self.0.choose() else {
            return Err(MailboxError::Closed);
        };
        member.send(chunk).await
    }

    /// Removes idle members.
    pub(crate) fn shrink(&self) {
        self.0.shrink();
    }

    /// A handle that does not keep the pool alive.
    pub(crate) fn downgrade(&self) -> WeakPool {
        WeakPool(Arc::downgrade(&self.0))
    }

    #[cfg(test)]
    fn status(&self) -> PoolStatus {
        self.0.status()
    }
}

/// A handle that does not keep the pool alive.
#[derive(Clone)]
pub(crate) struct WeakPool(Weak<Pool>);

impl WeakPool {
    pub(crate) fn status(&self) -> Option<PoolStatus> {
        self.0.upgrade().map(|pool| pool.status())
    }
}

impl Pool {
    fn status(&self) -> PoolStatus {
        let members = self.locked();
        let chunks = |member: &Member| member.chunks.load(Ordering::Relaxed);
        PoolStatus {
            size: members.members.len(),
            min: self.bounds.min,
            max: self.bounds.max,
            pending_chunks: members.members.iter().map(chunks).sum(),
            mailbox_capacity: self.bounds.mailbox_capacity,
        }
    }

    fn locked(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn choose(&self) -> Option<(Addr<Formatter>, PendingChunk)> {
        let mut members = self.locked();
        let all_busy = members.members.iter().all(Member::is_busy);
        if all_busy && members.members.len() < self.bounds.max {
            match self.grow(&mut members) {
                Ok(()) => info!(members = members.members.len(), "formatter added"),
                Err(error) => warn!(%error, "cannot add formatter"),
            }
        }
        let chunks = |member: &&mut Member| member.chunks.load(Ordering::Relaxed);
        let member = members.members.iter_mut().min_by_key(chunks)?;
        member.last_used = self.clock.uptime();
        Some((member.address.clone(), PendingChunk::new(&member.chunks)))
    }

    fn grow(&self, members: &mut Members) -> io::Result<()> {
        if members.threads.len() < self.cores {
            members.threads.push(Arc::new(Thread(Arbiter::try_new()?)));
        }
        let users = |thread: &&Arc<Thread>| Arc::strong_count(thread);
        let Some(thread) = members.threads.iter().min_by_key(users) else {
            return Err(io::Error::other("no thread available"));
        };
        let mailbox = self.bounds.mailbox_capacity;
        let start = move |_: &mut Context<Formatter>| Formatter { mailbox };
        let member = Member {
            address: Formatter::start_in_arbiter(&thread.0.handle(), start),
            chunks: Arc::default(),
            last_used: self.clock.uptime(),
            _thread: Arc::clone(thread),
        };
        members.members.push(member);
        Ok(())
    }

    fn shrink(&self) {
        let (uptime, mut members) = (self.clock.uptime(), self.locked());
        let mut spare = members.members.len().saturating_sub(self.bounds.min);
        members.members.retain(|member| {
            let is_idle =
                !member.is_busy() && uptime.saturating_sub(member.last_used) >= IDLE_TIMEOUT;
            let is_removed = is_idle && spare > 0;
            spare -= usize::from(is_removed);
            !is_removed
        });
        // The pool itself holds the last reference to an unused thread.
        members
            .threads
            .retain(|thread| Arc::strong_count(thread) > 1);
    }
}

impl Member {
    fn is_busy(&self) -> bool {
        self.chunks.load(Ordering::Relaxed) > 0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures::future::join_all;
    use moodvane_eventlog::NewRecord;
    use moodvane_model::Timestamp;
    use moodvane_runtime::VirtualClock;
    use moodvane_upstream::RawMessage;

    use super::*;
    use crate::formatter::{FormatError, FormattedMessage, RecordFormat};

    /// Blocks on each message until the test releases it.
    struct BlockingFormat(Mutex<mpsc::Receiver<()>>);

    impl RecordFormat for BlockingFormat {
        fn format(
            &self,
            _: &RawMessage,
            at: Timestamp,
            _: &mut Vec<NewRecord>,
        ) -> Result<FormattedMessage, FormatError> {
            self.0.lock().unwrap().recv().unwrap();
            Ok(FormattedMessage {
                event: Some(at),
                omitted: Vec::new(),
            })
        }
    }

    #[actix::test]
    async fn grows_and_shrinks_with_load_within_bounds() {
        let at = Timestamp::from_millis(0).unwrap();
        let clock = Arc::new(VirtualClock::new(at));
        let bounds = PoolBounds {
            min: 2,
            max: 4,
            mailbox_capacity: 8,
        };
        let pool = FormatterPool::start(bounds, clock.clone()).unwrap();
        assert_eq!((pool.status().size, pool.status().pending_chunks), (2, 0));

        let (done, held) = mpsc::channel();
        let format = Arc::new(BlockingFormat(Mutex::new(held)));
        let chunk = |_| Format {
            batch: vec![RawMessage::Text(String::new())].into(),
            received_at: at,
            format: Arc::clone(&format) as _,
        };
        let working = pool.clone();
        let work = (0..9).map(|n| {
            let (pool, chunk) = (working.clone(), chunk(n));
            async move { pool.format(chunk).await }
        });
        let work = actix::spawn(join_all(work.collect::<Vec<_>>()));
        crate::testing::eventually("pool has all chunks", || pool.status().pending_chunks == 9)
            .await;
        assert_eq!(pool.status().size, 4, "maximum size");
        clock.advance(IDLE_TIMEOUT * 2);
        pool.shrink();
        assert_eq!(pool.status().size, 4, "busy members stay");

        (0..9).for_each(|_| done.send(()).unwrap());
        assert!(work.await.unwrap().iter().all(Result::is_ok));
        clock.advance(IDLE_TIMEOUT / 2);
        let one = pool.format(chunk(9));
        done.send(()).unwrap();
        one.await.unwrap();
        pool.shrink();
        assert_eq!(pool.status().size, 2, "idle members are removed");
        clock.advance(IDLE_TIMEOUT);
        pool.shrink();
        assert_eq!(pool.status().size, 2, "minimum size");
    }
}
