//! Starts a processor on its own thread and reports its state.

use std::sync::Arc;
use std::thread;

use moodvane_eventlog::Watermarks;
use moodvane_model::{ErrorChain, RunId};
use moodvane_runtime::{Clock, Readiness};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::engine::FlushedOffsets;
use crate::worker::{Worker, WorkerDeps};
use crate::{EngineDeps, ProcessorConfig, ProcessorError, lag};

/// A running processor.
pub struct Processor {
    run: RunId,
    flushed_offsets: watch::Receiver<FlushedOffsets>,
    result: oneshot::Receiver<Result<(), ProcessorError>>,
}

impl Processor {
    /// The run that it folds.
    #[must_use]
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// Up to which offset each of its partitions is in the store, as it changes.
    #[must_use]
    pub fn flushed_offsets(&self) -> watch::Receiver<FlushedOffsets> {
        self.flushed_offsets.clone()
    }

    /// Whether it has ended, with or without an error.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        // The worker holds the sender until it ends.
        self.flushed_offsets.has_changed().is_err()
    }

    /// Waits until the processor has ended: after the shutdown and its drain, or with an error.
    ///
    /// # Errors
    /// The error that ended it.
    pub async fn join(self) -> Result<(), ProcessorError> {
        self.result.await.unwrap_or(Err(ProcessorError::Panicked))
    }

    /// Waits until all records below the given watermarks are in the store. Returns false if the
    /// processor ended before.
    pub async fn wait_until_caught_up(&self, log: &[Watermarks]) -> bool {
        let is_caught_up = |flushed: &FlushedOffsets| {
            log.iter().all(|w| {
                flushed
                    .get(&w.topic_partition)
                    .is_some_and(|next| *next >= w.high)
            })
        };
        let mut flushed_offsets = self.flushed_offsets.clone();
        flushed_offsets.wait_for(is_caught_up).await.is_ok()
    }
}

/// Starts a processor on its own thread. Cancelling `shutdown` drains it.
///
/// # Errors
/// [`ProcessorError`] if the store does not register the run, the log has no consumer, or the
/// thread does not start.
pub async fn start(
    config: ProcessorConfig,
    deps: EngineDeps,
    clock: Arc<dyn Clock>,
    readiness: &Readiness,
    shutdown: CancellationToken,
) -> Result<Processor, ProcessorError> {
    let (flushed_sender, flushed_offsets) = watch::channel(FlushedOffsets::new());
    let (result_sender, result) = oneshot::channel();
    let (run_sender, run) = oneshot::channel();
    tokio::spawn(lag::report_lag(
        Arc::clone(&deps.log),
        config.topics.topics(),
        flushed_offsets.clone(),
        deps.metrics.clone(),
    ));
    let worker_deps = WorkerDeps {
        clock,
        check: readiness.check("processor"),
        flushed_offsets: flushed_sender,
        shutdown,
    };
    let work = move || {
        let result = Worker::new(config, deps, worker_deps).and_then(|mut worker| {
            // Without a receiver the caller of `start` is gone and does not need the run.
            let _ = run_sender.send(worker.run().clone());
            worker.work()
        });
        if let Err(error) = &result {
            tracing::error!(error = %ErrorChain(error), "processor ended");
        }
        let _ = result_sender.send(result);
    };
    thread::Builder::new()
        .name("processor".to_owned())
        .spawn(work)
        .map_err(ProcessorError::Spawn)?;
    match run.await {
        Ok(run) => Ok(Processor {
            run,
            flushed_offsets,
            result,
        }),
        Err(_) => Err(result
            .await
            .ok()
            .and_then(Result::err)
            .unwrap_or(ProcessorError::Panicked)),
    }
}
