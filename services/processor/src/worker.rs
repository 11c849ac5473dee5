//! The thread that drives an engine: poll, fold, flush, and the drain at the end.
//!
//! While the log or the store does not answer, it waits with a growing, bounded delay and says so;
//! nothing is lost, since progress stands still.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use moodvane_eventlog::{Batch, Consumer, Event, TopicPartition, Watermarks};
use moodvane_model::{Offset, RunId};
use moodvane_runtime::{Check, Clock, Readiness};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::{Engine, Parts, ProcessorConfig, ProcessorError, lag};

/// The longest that a poll may wait, so that a stop is noticed soon.
const LONGEST_WAIT: Duration = Duration::from_millis(100);
const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// Up to where each partition is in the store.
pub type Flushed = BTreeMap<TopicPartition, Offset>;

/// A running processor.
pub struct Processor {
    run: RunId,
    flushed: watch::Receiver<Flushed>,
    ended: oneshot::Receiver<Result<(), ProcessorError>>,
}

impl Processor {
    /// The run that it folds.
    #[must_use]
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// Up to where each of its partitions is in the store, as it changes.
    #[must_use]
    pub fn flushed(&self) -> watch::Receiver<Flushed> {
        self.flushed.clone()
    }

    /// Whether it has ended, well or not.
    #[must_use]
    pub fn is_over(&self) -> bool {
        // The worker holds the other end as long as it works.
        self.flushed.has_changed().is_err()
    }

    /// Waits until the processor has ended: after the shutdown and its drain, or by an error.
    ///
    /// # Errors
    /// Whatever ended it, other than the shutdown.
    pub async fn ended(self) -> Result<(), ProcessorError> {
        let panicked = || ProcessorError::Thread("it panicked".to_owned());
        self.ended.await.unwrap_or_else(|_| Err(panicked()))
    }

    /// Waits until everything below the given watermarks is in the store. Returns false where the
    /// processor ended before.
    pub async fn caught_up(&self, log: &[Watermarks]) -> bool {
        let there = |flushed: &Flushed| {
            log.iter()
                .all(|w| flushed.get(&w.at).is_some_and(|next| *next >= w.high))
        };
        self.flushed.clone().wait_for(there).await.is_ok()
    }
}

/// Starts a processor on a thread of its own. `shutdown` drains it.
///
/// # Errors
/// [`ProcessorError`] where the store does not take the run, the log gives no consumer, or no
/// thread can be started.
pub async fn start(
    config: ProcessorConfig,
    parts: Parts,
    clock: Arc<dyn Clock>,
    readiness: &Readiness,
    shutdown: CancellationToken,
) -> Result<Processor, ProcessorError> {
    let (report, flushed) = watch::channel(Flushed::new());
    let (end, ended) = oneshot::channel();
    let (began, begun) = oneshot::channel();
    tokio::spawn(lag::watch(
        Arc::clone(&parts.log),
        config.topics.topics(),
        flushed.clone(),
        parts.metrics.clone(),
    ));
    let check = readiness.check("processor");
    let work = move || {
        let result =
            Worker::new(config, parts, (clock, check, report, shutdown)).and_then(|mut worker| {
                // The receiver is gone only where the starter is: then nobody asks for the run.
                let _ = began.send(worker.engine.run().clone());
                worker.work()
            });
        if let Err(error) = &result {
            tracing::error!(%error, "processor ended");
        }
        let _ = end.send(result);
    };
    thread::Builder::new()
        .name("processor".to_owned())
        .spawn(work)
        .map_err(|e| ProcessorError::Thread(e.to_string()))?;
    match begun.await {
        Ok(run) => Ok(Processor {
            run,
            flushed,
            ended,
        }),
        Err(_) => Err(ended
            .await
            .ok()
            .and_then(Result::err)
            .unwrap_or_else(|| ProcessorError::Thread("it ended before it began".to_owned()))),
    }
}

type Surroundings = (
    Arc<dyn Clock>,
    Check,
    watch::Sender<Flushed>,
    CancellationToken,
);

struct Worker {
    config: ProcessorConfig,
    engine: Engine,
    consumer: Box<dyn Consumer>,
    clock: Arc<dyn Clock>,
    check: Check,
    report: watch::Sender<Flushed>,
    shutdown: CancellationToken,
    /// `None` before the first: what is read first is written at once, so that a start that follows
    /// a crash is soon seen in the rows.
    last_flush: Option<Instant>,
    /// Once the shutdown began: when the drain must be done.
    deadline: Option<Instant>,
}

impl Worker {
    fn new(
        config: ProcessorConfig,
        parts: Parts,
        (clock, check, report, shutdown): Surroundings,
    ) -> Result<Self, ProcessorError> {
        let log = Arc::clone(&parts.log);
        let engine = Engine::new(config.engine, parts);
        let consumer = log.consumer(&engine.group(), &config.topics.topics())?;
        Ok(Self {
            config,
            engine,
            consumer,
            clock,
            check,
            report,
            shutdown,
            last_flush: None,
            deadline: None,
        })
    }

    fn work(&mut self) -> Result<(), ProcessorError> {
        self.patiently(|worker| worker.engine.register())?;
        let mut batch = Batch::with_capacity(self.config.batch_records.min(self.engine.at_once()));
        while !self.shutdown.is_cancelled() {
            let wait = self.longest_wait();
            let event = self.patiently(|worker| Ok(worker.consumer.poll(&mut batch, wait)?))?;
            self.handle(event, &batch)?;
            if self.flush_is_due() {
                self.flush()?;
            }
        }
        self.flush()
    }

    fn handle(&mut self, event: Event, batch: &Batch) -> Result<(), ProcessorError> {
        match event {
            Event::Idle => Ok(()),
            Event::Assigned(all) => all.into_iter().try_for_each(|log| self.begin(log)),
            Event::Revoked(partitions) => {
                self.flush()?;
                self.engine.end(&partitions);
                self.patiently(|worker| Ok(worker.consumer.release(&partitions)?))
            }
            Event::Records => self.fold(batch),
        }
    }

    fn begin(&mut self, log: Watermarks) -> Result<(), ProcessorError> {
        let from = self.patiently(|worker| {
            let now = worker.clock.now();
            worker.engine.begin(log, now)
        })?;
        self.patiently(|worker| Ok(worker.consumer.start(log.at, from)?))?;
        tracing::info!(topic = %log.at.topic, partition = log.at.partition.0, from = from.0, high = log.high.0, "partition begun");
        self.publish_positions();
        self.check.ok();
        Ok(())
    }

    /// Folds a batch. A failure leaves the engine without the partition, so it begins again from
    /// what is in the store.
    fn fold(&mut self, batch: &Batch) -> Result<(), ProcessorError> {
        match self.engine.fold(batch) {
            Err(error) if error.is_transient() => {
                tracing::warn!(%error, "cannot fold, beginning the partition again");
                self.check.fail(error.to_string());
                self.restart(batch.at())
            }
            result => result,
        }
    }

    fn restart(&mut self, at: TopicPartition) -> Result<(), ProcessorError> {
        let handle = self.engine.handle();
        let log = self.engine.log();
        let marks = self.patiently(|_| Ok(handle.block_on(log.watermarks(at.topic))?))?;
        marks
            .into_iter()
            .find(|w| w.at == at)
            .map_or(Ok(()), |w| self.begin(w))
    }

    /// How long a poll may wait. Without anything to flush no flush is due, however long ago the
    /// last one was.
    fn longest_wait(&self) -> Duration {
        if self.engine.unflushed() == 0 {
            return LONGEST_WAIT;
        }
        self.until_flush().min(LONGEST_WAIT)
    }

    fn until_flush(&self) -> Duration {
        self.last_flush.map_or(Duration::ZERO, |last| {
            self.config.flush_interval.saturating_sub(last.elapsed())
        })
    }

    fn flush_is_due(&self) -> bool {
        let unflushed = self.engine.unflushed();
        let full = unflushed >= self.config.flush_records
            || self.engine.rows_in_memory() > 2 * self.config.engine.open_rows;
        unflushed > 0 && (full || self.until_flush().is_zero())
    }

    fn flush(&mut self) -> Result<(), ProcessorError> {
        let positions = self.patiently(|worker| worker.engine.flush())?;
        // Only ordinary lag tools read this; the rows do not depend on it.
        if let Err(error) = self.consumer.commit(&positions) {
            tracing::warn!(%error, "cannot commit the group's offsets");
        }
        self.last_flush = Some(Instant::now());
        self.publish_positions();
        Ok(())
    }

    fn publish_positions(&self) {
        self.report
            .send_replace(self.engine.flushed().into_iter().collect());
    }

    /// Does `work`, again and again while the failure is one that waiting may mend. Once the
    /// shutdown began it is bounded by the drain.
    fn patiently<T>(
        &mut self,
        mut work: impl FnMut(&mut Self) -> Result<T, ProcessorError>,
    ) -> Result<T, ProcessorError> {
        let mut delay = FIRST_DELAY;
        loop {
            let error = match work(self) {
                Ok(done) => {
                    if delay > FIRST_DELAY {
                        self.check.ok();
                    }
                    return Ok(done);
                }
                Err(error) if error.is_transient() => error,
                Err(error) => {
                    self.check.fail(error.to_string());
                    return Err(error);
                }
            };
            tracing::warn!(%error, retry_in_ms = delay.as_millis() as u64, "waiting for the log or the store");
            self.check.fail(error.to_string());
            if self.shutdown.is_cancelled() {
                let drain = self.config.drain;
                let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + drain);
                if Instant::now() >= deadline {
                    return Err(ProcessorError::DrainTimeout(drain.as_millis()));
                }
            }
            thread::sleep(delay);
            delay = (delay * 2).min(LONGEST_DELAY);
        }
    }
}
