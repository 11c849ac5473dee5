//! `moodvane rebuild`: restores lost rows of a run from the log.
//!
//! The stored progress is ignored, because it may be ahead of the remaining rows: the log is folded
//! from its start. A remaining row is complete up to its own offset and is continued; a lost row is
//! created again. In Cassandra the command uses consistency ALL, so that it reads what any replica
//! still has, and repairs the others.
//!
//! No processor of the run may work meanwhile: it would trust the stored progress.

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::bail;
use async_trait::async_trait;
use indicatif::HumanCount;
use moodvane_eventlog::Watermarks;
use moodvane_launch::{StoreConfig, check_window};
use moodvane_model::{
    Calibration, CityId, HourRange, HourRow, HourSlot, PartialHour, PartialKey, Progress,
    ProgressKey, RunId, Topic,
};
use moodvane_processor::{EngineDeps, Processor, ProcessorConfig, TopicChoice};
use moodvane_runtime::{Readiness, SystemClock, cancel_on_signal};
use moodvane_store::{Consistency, Gap, RunInfo, Store, StoreError};
use prometheus::Registry;
use tokio_util::sync::CancellationToken;

use crate::account::{Report, of_topics};
use crate::cli::RebuildArgs;
use crate::config::AppConfig;
use crate::data::Data;
use crate::pipeline::engine_deps;

/// The interval between hints that other processes hold partitions.
const HINT_INTERVAL: Duration = Duration::from_secs(20);

/// Folds the whole log into the rows of the run of this configuration.
pub(crate) async fn run(mut config: AppConfig, args: RebuildArgs) -> anyhow::Result<ExitCode> {
    let mut report = Report::begin("rebuild", &args.account)?;
    if let StoreConfig::Cassandra(cassandra) = &mut config.backends.store {
        cassandra.consistency = Consistency::All;
    }
    let data = Data::open(&config).await?;
    let processor = ProcessorConfig {
        topics: TopicChoice::Both,
        ..config.processor
    };
    let deps = EngineDeps {
        store: Arc::new(WithoutProgress::new(Arc::clone(&data.store))),
        ..engine_deps(&config, &data, &Registry::new())?
    };
    let (run, metrics) = (processor.engine.run(&*deps.scorer), deps.metrics.clone());
    reject_other_run(&deps.store.runs().await?, &run)?;
    let mut log: Vec<Watermarks> = Vec::new();
    for topic in Topic::ALL {
        log.extend(data.log.watermarks(topic).await?);
    }
    check_window(&*data.log, &Topic::ALL, processor.engine.window).await?;
    let (stop, end) = (CancellationToken::new(), CancellationToken::new());
    tokio::spawn(cancel_on_signal(stop.clone()));
    let clock = Arc::new(SystemClock);
    data.store.register_run(&run).await?;
    data.store.begin_rebuild(&run).await?;
    let folding =
        moodvane_processor::start(processor, deps, clock, &Readiness::new(), end.clone()).await?;
    println!("folding the whole log again into run {run}");
    let done = tokio::select! {
        done = folding.wait_until_caught_up(&log) => done,
        () = stop.cancelled() => false,
        () = report_missing_partitions(&folding, log.len()) => false,
    };
    end.cancel();
    let joined = folding.join().await;
    of_topics(&metrics)
        .into_iter()
        .for_each(|topic| report.add(topic));
    let exit_code = report.finish(done && joined.is_ok())?;
    joined?;
    if !done {
        bail!("interrupted: run `moodvane rebuild` to its end before you start a processor");
    }
    data.store.finish_rebuild(&run).await?;
    let records = log.iter().map(|marks| marks.high.0 - marks.low.0).sum();
    println!("{} records are in the rows", HumanCount(records));
    Ok(exit_code)
}

/// Rejects another configuration, which would create a new run beside the one that lost rows.
fn reject_other_run(known: &[RunInfo], run: &RunId) -> anyhow::Result<()> {
    if known.is_empty() || known.iter().any(|info| info.id == *run) {
        return Ok(());
    }
    let names: Vec<&str> = known.iter().map(|info| info.id.as_str()).collect();
    bail!(
        "run {run} of this configuration is not among the stored runs, {}: rebuild with the \
         configuration of the run that lost rows",
        names.join(", ")
    );
}

/// Reports periodically, without end, while other processes hold partitions.
async fn report_missing_partitions(folding: &Processor, partitions: usize) {
    let flushed = folding.flushed_offsets();
    loop {
        tokio::time::sleep(HINT_INTERVAL).await;
        let mine = flushed.borrow().len();
        if mine < partitions {
            eprintln!(
                "other processes hold {} of {partitions} partitions: stop all processors of this run",
                partitions - mine
            );
        }
    }
}

/// A store that hides the progress that was stored before.
struct WithoutProgress {
    store: Arc<dyn Store>,
    written: Mutex<HashMap<ProgressKey, Progress>>,
}

impl WithoutProgress {
    fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            written: Mutex::default(),
        }
    }
}

#[async_trait]
impl Store for WithoutProgress {
    async fn progress(&self, key: &ProgressKey) -> Result<Option<Progress>, StoreError> {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(written.get(key).cloned())
    }
    async fn put_progress(&self, rows: Vec<Progress>) -> Result<(), StoreError> {
        self.store.put_progress(rows.clone()).await?;
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.extend(rows.into_iter().map(|row| (row.key.clone(), row)));
        Ok(())
    }
    async fn register_run(&self, run: &RunId) -> Result<(), StoreError> {
        self.store.register_run(run).await
    }

    async fn put_calibration(
        &self,
        run: &RunId,
        calibration: &Calibration,
    ) -> Result<(), StoreError> {
        self.store.put_calibration(run, calibration).await
    }
    async fn runs(&self) -> Result<Vec<RunInfo>, StoreError> {
        self.store.runs().await
    }
    async fn switch_run(&self, run: &RunId, from: HourSlot) -> Result<(), StoreError> {
        self.store.switch_run(run, from).await
    }
    async fn delete_run(&self, run: &RunId) -> Result<(), StoreError> {
        self.store.delete_run(run).await
    }
    async fn partials(&self, keys: Vec<PartialKey>) -> Result<Vec<PartialHour>, StoreError> {
        self.store.partials(keys).await
    }
    async fn put_partials(&self, rows: Vec<PartialHour>) -> Result<(), StoreError> {
        self.store.put_partials(rows).await
    }
    async fn put_gap(&self, gap: Gap) -> Result<(), StoreError> {
        self.store.put_gap(gap).await
    }
    async fn gaps(&self, run: &RunId) -> Result<Vec<Gap>, StoreError> {
        self.store.gaps(run).await
    }
    async fn hours(&self, city: CityId, range: HourRange) -> Result<Vec<HourRow>, StoreError> {
        self.store.hours(city, range).await
    }
    async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }
}
