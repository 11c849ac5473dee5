//! `since` and `speed` of file sources, on a clock that the tests advance.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use moodvane_ingester::{
    FileConfig, IngestError, Input, PostFileConfig, SourceConfig, SourceState, Speed,
};
use moodvane_model::{Timestamp, Topic};
use moodvane_runtime::VirtualClock;
use moodvane_upstream::Selection;
use moodvane_upstream::table::{PostColumns, PostTableSpec, TableKind, TimeFormat};
use tempfile::TempDir;

use support::log::{FakeLog, eventually};
use support::{GRACE, Rig, config, new_york, now, source};

const MS: Duration = Duration::from_millis(1);
/// Event time of the first row, in seconds.
const BEGIN_S: i64 = 1_424_158_565;
const DAY_S: i64 = 86_400;

struct Trial {
    folder: TempDir,
    log: Arc<FakeLog>,
    clock: Arc<VirtualClock>,
}

impl Trial {
    /// A file with a row at each of these seconds after the first.
    fn with_rows(seconds: &[i64]) -> Self {
        let mut content = String::new();
        for (row, after_s) in seconds.iter().enumerate() {
            let at = BEGIN_S + after_s;
            let line = format!("{{\"id\":{row},\"at\":{at},\"text\":\"late again\"}}");
            writeln!(content, "{line}").unwrap();
        }
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("posts.jsonl"), content).unwrap();
        Self {
            folder,
            log: FakeLog::new(),
            clock: Arc::new(VirtualClock::new(now())),
        }
    }

    fn file(&self, since_s: Option<i64>, speed: Option<f64>) -> FileConfig {
        let path = self.folder.path().join("posts.jsonl");
        let since = since_s.map(|s| Timestamp::from_millis((BEGIN_S + s) * 1000).unwrap());
        FileConfig {
            input: Input::File(path),
            format: TableKind::Jsonl,
            since,
            speed: speed.map(|factor| Speed::new(factor).unwrap()),
        }
    }

    fn start(&self, file: FileConfig) -> Rig {
        let columns = PostColumns {
            id: "id".to_owned(),
            text: "text".to_owned(),
            time: "at".to_owned(),
            language: None,
            place: None,
        };
        let posts = SourceConfig::PostFile(PostFileConfig {
            id: source("replay"),
            file,
            spec: PostTableSpec {
                columns,
                time: TimeFormat::UNIX_SECONDS,
                shift: TimeDelta::zero(),
                html_entities: true,
            },
            selection: Arc::new(Selection::all_posts(new_york().id, None)),
        });
        Rig::start_with(&self.log, config(vec![posts]), self.clock.clone())
    }

    /// The rows in the log.
    fn rows(&self) -> Vec<usize> {
        let keys = self.log.keys(Topic::Tweet);
        let row = |key: String| key.rsplit(':').next().unwrap().parse().unwrap();
        keys.into_iter().map(row).collect()
    }

    /// How long the source waits for the next row, in ms. All earlier rows are in the log.
    async fn wait_ms(&self) -> u128 {
        // The dispatcher's own look at its sources is a wait of a second at most.
        let longer = || {
            self.clock
                .pending_sleeps()
                .into_iter()
                .max()
                .filter(|w| *w > MS * 1_000)
        };
        eventually("the source waits", || longer().is_some()).await;
        longer().unwrap().as_millis()
    }
}

#[actix::test]
async fn replays_rows_at_multiple_of_real_time() {
    // Speed, and the waits for the second and the third row, in ms.
    for (speed, waits) in [
        (1.0, [60_000, 30_000]),
        (10.0, [6_000, 3_000]),
        (0.5, [120_000, 60_000]),
    ] {
        let trial = Trial::with_rows(&[0, 60, 90]);
        let rig = trial.start(trial.file(None, Some(speed)));
        for (row, ms) in waits.into_iter().enumerate() {
            let earlier: Vec<_> = (0..=row).collect();
            eventually("the earlier rows", || trial.rows() == earlier).await;
            assert_eq!(trial.wait_ms().await, ms, "speed {speed}");
            trial.clock.advance(MS * u32::try_from(ms).unwrap() - MS);
            assert_eq!(trial.clock.pending_sleeps()[0], MS, "not early");
            trial.clock.advance(MS);
        }
        rig.ingester.finished().await.unwrap();
        assert_eq!(trial.rows(), [0, 1, 2]);
    }
}

#[actix::test]
async fn publishes_disordered_and_distant_rows_immediately() {
    let years = 3_000 * DAY_S;
    let trial = Trial::with_rows(&[100, 40, years, 100, -years, 101]);
    let rig = trial.start(trial.file(None, Some(0.01)));
    rig.ingester.finished().await.unwrap();
    assert_eq!(trial.rows(), [0, 1, 2, 3, 4, 5]);
}

#[actix::test]
async fn stops_during_wait_and_resumes_later() {
    let trial = Trial::with_rows(&[0, 3_600, 3_601]);
    let rig = trial.start(trial.file(None, Some(1.0)));
    eventually("the first row", || trial.rows() == [0]).await;
    assert_eq!(trial.wait_ms().await, 3_600_000);
    // The clock does not advance.
    let report = rig.ingester.drain(GRACE).await;
    assert!(report.abandoned.is_empty(), "{report:?}");
    assert_eq!(rig.ingester.finished().await, Err(IngestError::Stopped));
    assert_eq!(rig.status().state, SourceState::Stopped);

    let rig = trial.start(trial.file(None, None));
    rig.ingester.finished().await.unwrap();
    assert_eq!(trial.rows(), [0, 1, 2], "each once");
}

#[actix::test]
async fn drops_and_counts_rows_before_since_in_any_order() {
    let trial = Trial::with_rows(&[0, 50, 99, 100, 70, 200]);
    let rig = trial.start(trial.file(Some(100), None));
    rig.ingester.finished().await.unwrap();
    assert_eq!(trial.rows(), [3, 5]);
    assert_eq!((rig.seen(), rig.dropped("before_since")), (6, 4));
    let size = rig.status().progress.unwrap().1;
    assert_eq!(rig.status().progress, Some((size, size)));

    // The dropped rows are read: a later start without `since` does not return to them.
    let rig = trial.start(trial.file(None, None));
    rig.ingester.finished().await.unwrap();
    assert_eq!(trial.rows(), [3, 5]);
}

#[actix::test]
async fn starts_pacing_at_first_kept_row() {
    let trial = Trial::with_rows(&[0, 5_000, 5_060]);
    let rig = trial.start(trial.file(Some(5_000), Some(1.0)));
    eventually("the second row", || trial.rows() == [1]).await;
    assert_eq!(trial.wait_ms().await, 60_000);
    trial.clock.advance(MS * 60_000);
    rig.ingester.finished().await.unwrap();
    assert_eq!(trial.rows(), [1, 2]);
}

#[actix::test]
async fn measures_acknowledgement_latency() {
    let trial = Trial::with_rows(&[0, 0, 0]);
    trial.log.allow(0);
    let rig = trial.start(trial.file(None, None));
    eventually("a publish", || trial.log.begun() == 1).await;
    trial.clock.advance(MS * 70);
    trial.log.allow(1);
    rig.ingester.finished().await.unwrap();
    let bucket = |le: &str| {
        rig.counter(&format!(
            "moodvane_ingester_ack_seconds_bucket{{source=\"replay\",le=\"{le}\"}}"
        ))
    };
    assert_eq!([bucket("0.05"), bucket("0.1"), bucket("10")], [0, 3, 3]);
}

#[test]
fn displays_path_or_standard_input() {
    let file = Input::File(Path::new("a.tsv").to_owned());
    assert_eq!(file.to_string(), "a.tsv");
    assert_eq!(Input::Stdin.to_string(), "standard input");
}
