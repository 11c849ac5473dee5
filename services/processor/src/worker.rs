//! The thread that drives an engine: poll, fold, flush, and drain at the end.
//!
//! Guarantee: while the log or the store is unavailable, the worker retries with a growing, bounded
//! delay and reports the failure. No record is lost, because progress does not advance. A shutdown
//! ends the delay, so a drain does not overrun its time-out by one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moodvane_eventlog::{Batch, Consumer, ConsumerEvent, TopicPartition, Watermarks};
use moodvane_model::{ErrorChain, RunId};
use moodvane_retry::{Attempts, Backoff, wait_blocking};
use moodvane_runtime::{Check, Clock};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{Engine, EngineDeps, FlushedOffsets, ProcessorConfig, ProcessorError};

/// The longest poll: a shutdown is noticed within this time.
const MAX_POLL: Duration = Duration::from_millis(100);

/// The dependencies of a worker besides those of its engine.
pub(crate) struct WorkerDeps {
    pub(crate) clock: Arc<dyn Clock>,
    /// The readiness check of the processor.
    pub(crate) check: Check,
    /// Where the worker reports the flushed offsets.
    pub(crate) flushed_offsets: watch::Sender<FlushedOffsets>,
    pub(crate) shutdown: CancellationToken,
}

pub(crate) struct Worker {
    config: ProcessorConfig,
    engine: Engine,
    consumer: Box<dyn Consumer>,
    deps: WorkerDeps,
    /// `None` before the first flush: the first records are written at once, so that a restart after
    /// a crash soon shows in the rows.
    last_flush: Option<Instant>,
    /// The uptime at the end of the drain; set by the first failure after the shutdown began.
    deadline: Option<Duration>,
}

impl Worker {
    pub(crate) fn new(
        config: ProcessorConfig,
        engine_deps: EngineDeps,
        deps: WorkerDeps,
    ) -> Result<Self, ProcessorError> {
        let log = Arc::clone(&engine_deps.log);
        let engine = Engine::new(config.engine, engine_deps);
        let consumer = log.consumer(&engine.consumer_group(), &config.topics.topics())?;
        Ok(Self {
            config,
            engine,
            consumer,
            deps,
            last_flush: None,
            deadline: None,
        })
    }

    /// The run that the engine folds.
    pub(crate) fn run(&self) -> &RunId {
        self.engine.run()
    }

    /// Works until the shutdown or an error.
    pub(crate) fn work(&mut self) -> Result<(), ProcessorError> {
        self.retry_transient(|worker| worker.engine.register())?;
        let mut batch = Batch::with_capacity(
            self.config
                .batch_records
                .min(self.engine.max_batch_records()),
        );
        while !self.deps.shutdown.is_cancelled() {
            let timeout = self.poll_timeout();
            let event =
                self.retry_transient(|worker| Ok(worker.consumer.poll(&mut batch, timeout)?))?;
            self.handle(event, &batch)?;
            if self.is_flush_due() {
                self.flush()?;
            }
        }
        self.flush()
    }

    fn handle(&mut self, event: ConsumerEvent, batch: &Batch) -> Result<(), ProcessorError> {
        match event {
            ConsumerEvent::Idle => Ok(()),
            ConsumerEvent::Assigned(all) => all
                .into_iter()
                .try_for_each(|log| self.start_partition(log)),
            ConsumerEvent::Revoked(partitions) => {
                self.flush()?;
                self.engine.revoke(&partitions);
                self.retry_transient(|worker| Ok(worker.consumer.release(&partitions)?))
            }
            ConsumerEvent::Records => self.fold(batch),
        }
    }

    fn start_partition(&mut self, log: Watermarks) -> Result<(), ProcessorError> {
        let from = self.retry_transient(|worker| {
            let now = worker.deps.clock.now();
            worker.engine.assign(log, now)
        })?;
        self.retry_transient(|worker| Ok(worker.consumer.start(log.topic_partition, from)?))?;
        tracing::info!(topic = %log.topic_partition.topic, partition = log.topic_partition.partition.0, from = from.0, high = log.high.0, "partition started");
        self.report_flushed_offsets();
        self.deps.check.ok();
        Ok(())
    }

    /// Folds a batch. A failure leaves the engine without the partition, so the worker restarts it
    /// from the stored progress.
    fn fold(&mut self, batch: &Batch) -> Result<(), ProcessorError> {
        match self.engine.fold(batch) {
            Err(error) if error.is_transient() => {
                tracing::warn!(error = %ErrorChain(&error), "cannot fold batch, partition restarts");
                self.deps.check.fail(ErrorChain(&error).to_string());
                self.restart_partition(batch.topic_partition())
            }
            result => result,
        }
    }

    fn restart_partition(&mut self, at: TopicPartition) -> Result<(), ProcessorError> {
        let handle = self.engine.handle();
        let log = self.engine.log();
        let watermarks =
            self.retry_transient(|_| Ok(handle.block_on(log.watermarks(at.topic))?))?;
        watermarks
            .into_iter()
            .find(|w| w.topic_partition == at)
            .map_or(Ok(()), |w| self.start_partition(w))
    }

    /// How long a poll may wait. No flush is due while there is nothing to flush.
    fn poll_timeout(&self) -> Duration {
        if self.engine.unflushed_records() == 0 {
            return MAX_POLL;
        }
        self.time_until_flush().min(MAX_POLL)
    }

    fn time_until_flush(&self) -> Duration {
        self.last_flush.map_or(Duration::ZERO, |last| {
            self.config.flush_interval.saturating_sub(last.elapsed())
        })
    }

    fn is_flush_due(&self) -> bool {
        let unflushed = self.engine.unflushed_records();
        let full = unflushed >= self.config.flush_records
            || self.engine.open_row_count() > 2 * self.config.engine.open_rows;
        unflushed > 0 && (full || self.time_until_flush().is_zero())
    }

    fn flush(&mut self) -> Result<(), ProcessorError> {
        let next_offsets = self.retry_transient(|worker| worker.engine.flush())?;
        // Only lag tools read the committed offsets; the rows do not depend on them.
        if let Err(error) = self.consumer.commit(&next_offsets) {
            tracing::warn!(error = %ErrorChain(&error), "cannot commit offsets of consumer group");
        }
        self.last_flush = Some(Instant::now());
        self.report_flushed_offsets();
        Ok(())
    }

    fn report_flushed_offsets(&self) {
        let offsets = self.engine.flushed_offsets();
        self.deps.flushed_offsets.send_replace(offsets);
    }

    /// Runs `work` and retries transient failures. After the shutdown began, the drain time-out
    /// bounds the retries.
    fn retry_transient<T>(
        &mut self,
        mut work: impl FnMut(&mut Self) -> Result<T, ProcessorError>,
    ) -> Result<T, ProcessorError> {
        let mut attempts = Attempts::new(Backoff::BACKEND);
        loop {
            let error = match work(self) {
                Ok(done) => {
                    if attempts.failures() > 0 {
                        self.deps.check.ok();
                    }
                    return Ok(done);
                }
                Err(error) if error.is_transient() => error,
                Err(error) => {
                    self.deps.check.fail(ErrorChain(&error).to_string());
                    return Err(error);
                }
            };
            let delay = attempts.failed();
            tracing::warn!(error = %ErrorChain(&error), delay_ms = delay.as_millis() as u64, "log or store unavailable, retrying");
            self.deps.check.fail(ErrorChain(&error).to_string());
            self.wait_before_retry(delay)?;
        }
    }

    /// Waits for `delay`. The shutdown ends the wait at once; from then on the end of the drain bounds
    /// every wait.
    fn wait_before_retry(&mut self, delay: Duration) -> Result<(), ProcessorError> {
        let (runtime, clock) = (self.engine.handle(), Arc::clone(&self.deps.clock));
        let shutdown = &self.deps.shutdown;
        if !shutdown.is_cancelled() && wait_blocking(&runtime, &*clock, delay, shutdown) {
            return Ok(());
        }
        let (drain, now) = (self.config.drain_timeout, clock.uptime());
        let drain_begins = self.deadline.is_none();
        let left = self.deadline.get_or_insert(now + drain).saturating_sub(now);
        if left.is_zero() {
            return Err(ProcessorError::DrainTimeout(drain.as_millis()));
        }
        if !drain_begins {
            wait_blocking(
                &runtime,
                &*clock,
                delay.min(left),
                &CancellationToken::new(),
            );
        }
        Ok(())
    }
}
