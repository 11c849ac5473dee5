//! An unavailable log: records of non-replayable sources wait in the spool and arrive afterwards,
//! in order, once.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use moodvane_eventlog::LogError;
use moodvane_ingester::{Ingester, IngesterConfig, SourceConfig, SpoolConfig, StartError, start};
use moodvane_model::Topic;
use moodvane_runtime::{ManualClock, Readiness, metrics};
use prometheus::Registry;
use tempfile::TempDir;

use support::log::{FakeLog, eventually};
use support::provider::{BOUNDS, key, provider};
use support::{GRACE, SHORT, config};

const NAME: &str = "open-meteo:new-york";

struct Rig {
    ingester: Ingester,
    registry: Registry,
    readiness: Readiness,
    requests: Arc<AtomicU64>,
}

fn config_with_spool(dir: &Path, sources: Vec<SourceConfig>) -> IngesterConfig {
    IngesterConfig {
        spool: Some(SpoolConfig {
            dir: dir.join("spool"),
            max_bytes: 1 << 20,
            segment_bytes: 4 << 10,
        }),
        bounds: BOUNDS,
        ..config(sources)
    }
}

fn start_ingester(
    config: IngesterConfig,
    log: &Arc<FakeLog>,
) -> Result<(Ingester, Registry, Readiness), StartError> {
    let (registry, readiness) = (Registry::new(), Readiness::new());
    let clock = Arc::new(ManualClock::new(support::now()));
    let ingester = start(config, Arc::clone(log) as _, clock, &registry, &readiness)?;
    Ok((ingester, registry, readiness))
}

impl Rig {
    async fn start(dir: &Path, log: &Arc<FakeLog>, bound: Option<u64>) -> Self {
        let (weather, requests) = provider().await;
        let mut config = config_with_spool(dir, vec![SourceConfig::Weather(weather)]);
        if let (Some(bound), Some(spool)) = (bound, &mut config.spool) {
            spool.max_bytes = bound;
        }
        let (ingester, registry, readiness) = start_ingester(config, log).unwrap();
        Self {
            ingester,
            registry,
            readiness,
            requests,
        }
    }

    fn value(&self, name: &str) -> u64 {
        let text = metrics::render(&self.registry);
        let value = text.lines().find_map(|line| line.strip_prefix(name));
        value.map_or(0, |value| value.trim().parse().unwrap())
    }

    fn spooled(&self) -> u64 {
        self.value("moodvane_ingester_spooled_total{source=\"open-meteo\"}")
    }

    fn dropped(&self) -> u64 {
        self.value("moodvane_ingester_dropped_total{reason=\"spool_full\",source=\"open-meteo\"}")
    }

    fn readiness(&self) -> Result<(), String> {
        let report = self.readiness.report();
        report
            .into_iter()
            .find(|(name, _)| *name == "spool")
            .unwrap()
            .1
    }
}

#[actix::test]
async fn publishes_observations_of_outage_once_in_order() {
    let (dir, log) = (TempDir::new().unwrap(), FakeLog::new());
    let rig = Rig::start(dir.path(), &log, None).await;
    eventually("observations", || log.count(Topic::Temperature) > 3).await;
    assert_eq!(rig.readiness(), Ok(()));
    log.set_unavailable(true);
    let before = log.count(Topic::Temperature);
    eventually("records in the spool", || {
        rig.spooled() > before as u64 + 100
    })
    .await;
    eventually("not ready", || rig.readiness().is_err()).await;
    let reason = rig.readiness().unwrap_err();
    assert!(
        reason.contains("wait in the spool") && reason.contains("on purpose"),
        "{reason}"
    );
    assert!(rig.value("moodvane_ingester_spool_bytes") > 1_000);
    log.set_unavailable(false);
    eventually("the spool drains", || {
        log.count(Topic::Temperature) > before + 100
    })
    .await;
    eventually("ready again", || rig.readiness().is_ok()).await;
    let report = rig.ingester.drain(GRACE).await;
    assert_eq!((report.abandoned.len(), report.spooled), (0, 0));
    let keys = log.keys(Topic::Temperature);
    let all: Vec<String> = (0..keys.len() as u64).map(key).collect();
    assert_eq!(keys, all, "every minute, in order, once");
    assert_eq!(rig.value("moodvane_ingester_spool_bytes"), 0);
    let drained = rig.value("moodvane_ingester_drained_total{source=\"open-meteo\"}");
    assert_eq!(drained, keys.len() as u64);
    let last = keys.last().unwrap().rsplit(':').next().unwrap().to_owned();
    assert_eq!(
        log.cursor_of(NAME),
        Some(last),
        "the cursor follows its records"
    );
}

#[actix::test]
async fn drains_spool_of_earlier_run_first() {
    let (dir, log) = (TempDir::new().unwrap(), FakeLog::new());
    log.set_unavailable(true);
    let rig = Rig::start(dir.path(), &log, None).await;
    eventually("records in the spool", || rig.spooled() > 50).await;
    let report = rig.ingester.drain(SHORT).await;
    assert!(
        report.spooled > 50 && report.abandoned.is_empty(),
        "{report:?}"
    );
    assert_eq!(
        (log.count(Topic::Temperature), log.cursor_of(NAME)),
        (0, None)
    );
    drop(rig);
    log.set_unavailable(false);
    // A thread of the first ingester releases the lock.
    let mut again = None;
    eventually("the lock is free", || {
        again = start_ingester(config_with_spool(dir.path(), Vec::new()), &log).ok();
        again.is_some()
    })
    .await;
    eventually("the spool drains", || log.cursor_of(NAME).is_some()).await;
    assert_eq!(again.unwrap().0.drain(GRACE).await.spooled, 0);
    let keys = log.keys(Topic::Temperature);
    let all: Vec<String> = (0..keys.len() as u64).map(key).collect();
    assert_eq!(keys, all);
    assert!(keys.len() > 50);
}

#[actix::test]
async fn drops_and_counts_records_over_size_limit() {
    let (dir, log) = (TempDir::new().unwrap(), FakeLog::new());
    log.set_unavailable(true);
    let rig = Rig::start(dir.path(), &log, Some(16 << 10)).await;
    eventually("the spool is full", || rig.dropped() > 5).await;
    let reason = rig.readiness().unwrap_err();
    assert!(
        reason.contains("full") && reason.contains("dropped"),
        "{reason}"
    );
    let files = fs::read_dir(dir.path().join("spool")).unwrap();
    let bytes: u64 = files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    assert!(bytes <= (16 << 10) + 64, "{bytes} with the read offset");
    log.set_unavailable(false);
    eventually("ready again", || rig.readiness().is_ok()).await;
    let report = rig.ingester.drain(GRACE).await;
    assert_eq!(report.spooled, 0);
    let (keys, dropped) = (log.keys(Topic::Temperature), rig.dropped());
    assert_eq!(keys.len() as u64, rig.spooled());
    let sent = rig.requests.load(Ordering::SeqCst);
    let accounted = keys.len() as u64 + dropped;
    // The last response may have arrived after the stop.
    assert!(
        (sent - 1..=sent).contains(&accounted),
        "{accounted} of {sent}"
    );
    assert!(keys.is_sorted(), "order is kept across the gap");
}

#[actix::test]
async fn rejects_spool_of_another_process_at_start() {
    let (dir, log) = (TempDir::new().unwrap(), FakeLog::new());
    fs::create_dir(dir.path().join("spool")).unwrap();
    let (first, ..) = start_ingester(config_with_spool(dir.path(), Vec::new()), &log).unwrap();
    let second = start_ingester(config_with_spool(dir.path(), Vec::new()), &log);
    let Err(StartError::Spool(error)) = second.map(|_| ()) else {
        panic!("both ingesters hold the lock");
    };
    assert!(error.to_string().contains("another process"), "{error}");
    first.drain(GRACE).await;
}

#[actix::test]
async fn opens_no_spool_for_local_log_or_replayable_sources() {
    let (dir, local, far) = (TempDir::new().unwrap(), FakeLog::local(), FakeLog::new());
    let rig = Rig::start(dir.path(), &local, None).await;
    eventually("observations", || local.count(Topic::Temperature) > 3).await;
    rig.ingester.drain(GRACE).await;
    let (ingester, ..) = start_ingester(config_with_spool(dir.path(), Vec::new()), &far).unwrap();
    ingester.drain(GRACE).await;
    assert!(!dir.path().join("spool").exists());
}

#[actix::test]
async fn retries_spool_until_log_accepts_it() {
    let (dir, log) = (TempDir::new().unwrap(), FakeLog::new());
    for _ in 0..3 {
        log.refuse(LogError::Rejected("no right to write".into()));
    }
    let rig = Rig::start(dir.path(), &log, None).await;
    eventually("the log accepts records", || {
        log.count(Topic::Temperature) > 3
    })
    .await;
    rig.ingester.drain(GRACE).await;
    assert_eq!(
        log.keys(Topic::Temperature)[0],
        key(0),
        "no record is skipped"
    );
}

/// A spool of format 1 whose first entry is committed: a temperature, its cursor, and two posts.
const FORMAT_1: [(&str, &[u8]); 3] = [
    (
        "00000000000000000000.segment",
        b"mvspool1\
        \x45\x00\x00\x00\xfe\xfb\x56\x97\x24\xdd\x07\x24\
        \x01\x0aopen-meteo\x0btemperature\x21\x00new-york:open-meteo:1714731600000{\"c\":11.5}\
        \x2f\x00\x00\x00\x5d\x45\x19\x5e\x42\x58\xd2\x42\
        \x02\x0aopen-meteo\x00\x13\x00open-meteo:new-york1714731600000\
        \x1f\x00\x00\x00\x33\xdc\x52\x04\x2b\xb8\xc8\x86\
        \x01\x08mastodon\x05tweet\x0a\x00mastodon:7\x00\xff\n",
    ),
    (
        "00000000000000000003.segment",
        b"mvspool1\
        \x0b\x00\x00\x00\x1f\xf5\x8d\xcd\x30\xf9\x4a\x9c\
        \x01\x01x\x05tweet\x00\x00",
    ),
    ("drained", b"0 89 1\n"),
];

#[actix::test]
async fn drains_spool_of_earlier_version() {
    let (dir, log) = (TempDir::new().unwrap(), FakeLog::new());
    let spool = dir.path().join("spool");
    fs::create_dir(&spool).unwrap();
    for (name, bytes) in FORMAT_1 {
        fs::write(spool.join(name), bytes).unwrap();
    }
    let (ingester, registry, _) =
        start_ingester(config_with_spool(dir.path(), Vec::new()), &log).unwrap();
    eventually("both posts", || log.count(Topic::Tweet) == 2).await;
    assert_eq!(ingester.drain(GRACE).await.spooled, 0);
    assert_eq!(log.keys(Topic::Tweet), ["mastodon:7", ""]);
    assert_eq!(log.values(Topic::Tweet), [&b"\x00\xff\n"[..], b""]);
    assert_eq!(log.count(Topic::Temperature), 0, "it was published before");
    assert_eq!(log.cursor_of(NAME), Some("1714731600000".to_owned()));
    let text = metrics::render(&registry);
    let lost = "moodvane_ingester_spool_lost_records_total 0";
    assert!(text.contains(lost), "{text}");
}
