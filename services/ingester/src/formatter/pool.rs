//! The pool of formatters, which grows and shrinks with the load.
//!
//! Terms: a member is *busy* while a chunk is with it. Guarantee: there are never fewer nor more members
//! than the bounds say. One is added when a chunk finds all of them busy; one that had nothing to do for
//! [`IDLE`] is let go. Members share as many threads as the machine has cores, since formatting is
//! computation.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use actix::prelude::*;
use moodvane_runtime::Clock;
use tracing::{info, warn};

use super::{Format, Formatted, Formatter};

/// A member without work for so long is let go.
const IDLE: Duration = Duration::from_secs(10);

/// How many formatters there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PoolBounds {
    pub(crate) min: usize,
    pub(crate) max: usize,
    /// How many chunks wait at a member before its senders must wait.
    pub(crate) mailbox_capacity: usize,
}

/// The pool as it is at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStatus {
    /// How many members there are.
    pub size: usize,
    /// The fewest that there may be.
    pub min: usize,
    /// The most that there may be.
    pub max: usize,
    /// Chunks with them.
    pub pending_chunks: usize,
    /// How many chunks wait at a member before its senders must wait.
    pub mailbox_capacity: usize,
}

/// The pool. Clones share the actors; its threads end with the last clone.
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
    /// The uptime at which it was given its last chunk.
    used: Duration,
    _thread: Arc<Thread>,
}

/// A thread that ends with its last member.
struct Thread(Arbiter);

impl Drop for Thread {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// A chunk that is with a member.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(chunks: &Arc<AtomicUsize>) -> Self {
        chunks.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(chunks))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl FormatterPool {
    /// Starts the fewest that there may be, at least one.
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

    /// Formats a chunk on the member with the least to do; waits where its mailbox is full.
    pub(crate) async fn format(&self, chunk: Format) -> Result<Formatted, MailboxError> {
        let Some((member, _place)) = self.0.choose() else {
            return Err(MailboxError::Closed);
        };
        member.send(chunk).await
    }

    /// Lets members go that had nothing to do for long.
    pub(crate) fn shrink(&self) {
        self.0.shrink();
    }

    /// Looks at the pool without keeping it.
    pub(crate) fn downgrade(&self) -> WeakPool {
        WeakPool(Arc::downgrade(&self.0))
    }

    #[cfg(test)]
    fn status(&self) -> PoolStatus {
        self.0.status()
    }
}

/// Sees a pool as long as it is there.
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

    fn choose(&self) -> Option<(Addr<Formatter>, Place)> {
        let mut members = self.locked();
        let all_busy = members.members.iter().all(Member::is_busy);
        if all_busy && members.members.len() < self.bounds.max {
            match self.grow(&mut members) {
                Ok(()) => info!(members = members.members.len(), "a formatter was added"),
                Err(error) => warn!(%error, "no formatter could be added"),
            }
        }
        let chunks = |member: &&mut Member| member.chunks.load(Ordering::Relaxed);
        let member = members.members.iter_mut().min_by_key(chunks)?;
        member.used = self.clock.uptime();
        Some((member.address.clone(), Place::take(&member.chunks)))
    }

    fn grow(&self, members: &mut Members) -> io::Result<()> {
        if members.threads.len() < self.cores {
            members.threads.push(Arc::new(Thread(Arbiter::try_new()?)));
        }
        let users = |thread: &&Arc<Thread>| Arc::strong_count(thread);
        let Some(thread) = members.threads.iter().min_by_key(users) else {
            return Err(io::Error::other("there is no thread for it"));
        };
        let mailbox = self.bounds.mailbox_capacity;
        let start = move |_: &mut Context<Formatter>| Formatter { mailbox };
        let member = Member {
            address: Formatter::start_in_arbiter(&thread.0.handle(), start),
            chunks: Arc::default(),
            used: self.clock.uptime(),
            _thread: Arc::clone(thread),
        };
        members.members.push(member);
        Ok(())
    }

    fn shrink(&self) {
        let (uptime, mut members) = (self.clock.uptime(), self.locked());
        let mut spare = members.members.len().saturating_sub(self.bounds.min);
        members.members.retain(|member| {
            let is_idle = !member.is_busy() && uptime.saturating_sub(member.used) >= IDLE;
            let goes = is_idle && spare > 0;
            spare -= usize::from(goes);
            !goes
        });
        // The pool's own share of a thread is the last one.
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
    use crate::formatter::RecordFormat;

    /// Is done with a message when the test says so.
    struct Held(Mutex<mpsc::Receiver<()>>);

    impl RecordFormat for Held {
        fn format(
            &self,
            _: &RawMessage,
            at: Timestamp,
            _: &mut Vec<NewRecord>,
        ) -> Result<Option<Timestamp>, &'static str> {
            self.0.lock().unwrap().recv().unwrap();
            Ok(Some(at))
        }
    }

    #[actix::test]
    async fn it_grows_with_the_load_and_shrinks_without_it_between_its_bounds() {
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
        let by = Arc::new(Held(Mutex::new(held)));
        let chunk = |_| Format {
            raws: vec![RawMessage::Text(String::new())],
            received_at: at,
            by: Arc::clone(&by) as _,
        };
        let working = pool.clone();
        let work = (0..9).map(|n| {
            let (pool, chunk) = (working.clone(), chunk(n));
            async move { pool.format(chunk).await }
        });
        let work = actix::spawn(join_all(work.collect::<Vec<_>>()));
        crate::testing::eventually("all chunks are with the pool", || {
            pool.status().pending_chunks == 9
        })
        .await;
        assert_eq!(pool.status().size, 4, "no more than the most");
        clock.advance(IDLE * 2);
        pool.shrink();
        assert_eq!(pool.status().size, 4, "those that work stay");

        (0..9).for_each(|_| done.send(()).unwrap());
        assert!(work.await.unwrap().iter().all(Result::is_ok));
        clock.advance(IDLE / 2);
        let one = pool.format(chunk(9));
        done.send(()).unwrap();
        one.await.unwrap();
        pool.shrink();
        assert_eq!(pool.status().size, 2, "those without work go");
        clock.advance(IDLE);
        pool.shrink();
        assert_eq!(pool.status().size, 2, "the least stay");
    }
}
