//! Replays of files.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::TimeDelta;
use moodvane_ingester::{
    FileConfig, IngestError, Input, PostFileConfig, SourceConfig, SourceState, WeatherFileConfig,
};
use moodvane_model::{Observation, Post, Timestamp, Topic, Variable};
use moodvane_upstream::Selection;
use moodvane_upstream::table::{
    MissingMarkers, PostColumns, PostTableSpec, RowFilter, TableKind, TemperatureUnit, TimeFormat,
    WeatherColumns, WeatherTableSpec,
};
use tempfile::TempDir;

use support::log::{FakeLog, eventually};
use support::{Rig, SHORT, new_york, source};

/// A whole file at unlimited speed.
fn whole(path: &Path, format: TableKind) -> FileConfig {
    FileConfig {
        input: Input::File(path.to_owned()),
        format,
        since: None,
        speed: None,
    }
}

fn posts(path: &Path) -> SourceConfig {
    let columns = PostColumns {
        id: "id".to_owned(),
        text: "text".to_owned(),
        time: "at".to_owned(),
        language: None,
        place: None,
    };
    SourceConfig::PostFile(PostFileConfig {
        id: source("replay"),
        file: whole(path, TableKind::Tsv),
        spec: PostTableSpec {
            columns,
            time: TimeFormat::RFC3339,
            shift: TimeDelta::days(-1),
            html_entities: true,
        },
        selection: Arc::new(Selection::all_posts(new_york().id, None)),
    })
}

fn file(folder: &TempDir, name: &str, content: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    path
}

fn rows(n: usize) -> String {
    let mut content = "id\tat\ttext\n".to_owned();
    for row in 0..n {
        writeln!(content, "{row}\t2015-02-17T07:36:05Z\tlate again").unwrap();
    }
    content
}

fn keys(rows: std::ops::Range<usize>) -> Vec<String> {
    rows.map(|row| format!("new-york:replay:{row}")).collect()
}

#[actix::test]
async fn publishes_every_row_once_in_order() {
    let (folder, log) = (TempDir::new().unwrap(), FakeLog::new());
    let content = rows(25_000);
    let path = file(&folder, "posts.tsv", &content);
    let rig = Rig::start(&log, vec![posts(&path)]);
    rig.ingester.finished().await.unwrap();
    assert_eq!(log.keys(Topic::Tweet), keys(0..25_000));
    let size = content.len() as u64;
    let status = rig.status();
    assert_eq!(
        (status.state, status.records),
        (SourceState::Finished, 25_000)
    );
    assert_eq!(status.progress, Some((size, size)));
    let post = log.values(Topic::Tweet).remove(0);
    let post = Post::from_json(&post).unwrap();
    let shifted = Timestamp::parse_rfc3339("2015-02-16T07:36:05Z").unwrap();
    assert_eq!((post.created_at, post.received_at), (shifted, shifted));
    // Few publishes, as each has fixed costs in the log.
    assert!(log.batches().len() <= 14, "{:?}", log.batches());

    let again = Rig::start(&log, vec![posts(&path)]);
    again.ingester.finished().await.unwrap();
    assert_eq!(
        log.count(Topic::Tweet),
        25_000,
        "a finished file is not read again"
    );
}

#[actix::test]
async fn resumes_interrupted_replay_at_saved_byte() {
    let (folder, log) = (TempDir::new().unwrap(), FakeLog::new());
    let path = file(&folder, "posts.tsv", &rows(9_999));
    log.allow(2);
    let rig = Rig::start(&log, vec![posts(&path)]);
    eventually("a third publish", || log.begun() > 2).await;
    eventually("two batches", || rig.status().records == 4_000).await;
    let report = rig.ingester.drain(SHORT).await;
    assert_eq!(
        report.abandoned.len(),
        1,
        "the log did not acknowledge the rest"
    );
    assert_eq!(rig.ingester.finished().await, Err(IngestError::Stopped));
    assert_eq!(log.keys(Topic::Tweet), keys(0..4_000));

    let later = FakeLog::new();
    later.set_cursor("replay", &log.cursor_of("replay").unwrap());
    let rig = Rig::start(&later, vec![posts(&path)]);
    rig.ingester.finished().await.unwrap();
    assert_eq!(later.keys(Topic::Tweet), keys(4_000..9_999));
}

#[actix::test]
async fn reads_and_resumes_compressed_files() {
    let folder = TempDir::new().unwrap();
    let content = rows(9_999);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content.as_bytes()).unwrap();
    let zstd = zstd::encode_all(content.as_bytes(), 1).unwrap();
    for (name, bytes) in [("a.tsv.gz", encoder.finish().unwrap()), ("a.tsv.zst", zstd)] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let log = FakeLog::new();
        log.allow(2);
        let rig = Rig::start(&log, vec![posts(&path)]);
        eventually("two batches", || rig.status().records == 4_000).await;
        rig.ingester.drain(SHORT).await;
        let later = FakeLog::new();
        later.set_cursor("replay", &log.cursor_of("replay").unwrap());
        let rig = Rig::start(&later, vec![posts(&path)]);
        rig.ingester.finished().await.unwrap();
        assert_eq!(log.keys(Topic::Tweet), keys(0..4_000), "{name}");
        assert_eq!(later.keys(Topic::Tweet), keys(4_000..9_999), "{name}");
        assert_eq!(
            rig.status().progress,
            None,
            "the decompressed size is unknown"
        );
    }
}

#[actix::test]
async fn saves_cursor_within_bounded_lag() {
    let (folder, log) = (TempDir::new().unwrap(), FakeLog::new());
    let path = file(&folder, "posts.tsv", &rows(60_000));
    let rig = Rig::start(&log, vec![posts(&path)]);
    rig.ingester.finished().await.unwrap();
    // One per 16,384 rows and a batch, and one at the end.
    assert!(log.saves() >= 4, "{} saves", log.saves());
}

#[actix::test]
async fn drops_and_counts_malformed_rows() {
    let (folder, log) = (TempDir::new().unwrap(), FakeLog::new());
    let content = format!(
        "id\tat\ttext\n1\tyesterday\thm\n2\t2015-02-17T07:36:05Z\tfine\n3\t2015-02-17T07:36:05Z\t{}\n",
        "x".repeat(70_000)
    );
    let rig = Rig::start(&log, vec![posts(&file(&folder, "posts.tsv", &content))]);
    rig.ingester.finished().await.unwrap();
    assert_eq!(log.keys(Topic::Tweet), keys(2..3));
    assert_eq!(
        (rig.dropped("malformed"), rig.dropped("record_too_long")),
        (1, 1)
    );
    assert_eq!(rig.seen(), 3);
}

#[actix::test]
async fn rejects_missing_changed_and_incomplete_files() {
    let (folder, log) = (TempDir::new().unwrap(), FakeLog::new());
    let assert_rejected = async |path: &Path, part: &str| {
        let rig = Rig::start(&log, vec![posts(path)]);
        let ended = rig.ingester.finished().await;
        let Err(IngestError::Failed { source_id, reason }) = ended else {
            panic!("{part}: {ended:?}");
        };
        assert_eq!(source_id, source("replay"));
        let names_path = reason.contains(&path.display().to_string());
        assert!(names_path && reason.contains(part), "{part} in {reason}");
        assert_eq!(rig.status().state, SourceState::Failed);
    };
    assert_rejected(&folder.path().join("none.tsv"), "cannot read").await;
    let nested = folder.path().join("folder.tsv");
    fs::create_dir(&nested).unwrap();
    assert_rejected(&nested, "not a regular file").await;
    assert_rejected(&file(&folder, "bare.tsv", "id\twhen\n1\tnow\n"), "\"text\"").await;

    let path = file(&folder, "posts.tsv", &rows(3));
    let rig = Rig::start(&log, vec![posts(&path)]);
    rig.ingester.finished().await.unwrap();
    file(&folder, "posts.tsv", &rows(4));
    assert_rejected(&path, "has changed").await;
}

#[actix::test]
async fn filters_and_converts_weather_rows() {
    let (folder, log) = (TempDir::new().unwrap(), FakeLog::new());
    let content = "station,time,temp,hum\nJFK,2013-01-01T06:00:00Z,50,60\nEWR,2013-01-01T06:00:00Z,41,61\nJFK,2013-01-01T07:00:00Z,NA,62\nJFK,2013-01-01T08:00:00Z,41,M\n";
    let path = file(&folder, "weather.csv", content);
    let config = WeatherFileConfig {
        id: source("station"),
        file: whole(&path, TableKind::Csv),
        spec: WeatherTableSpec {
            columns: WeatherColumns {
                time: "time".to_owned(),
                temperature: ("temp".to_owned(), TemperatureUnit::Fahrenheit),
                humidity: Some("hum".to_owned()),
                precipitation: None,
                wind: None,
                cloud: None,
                pressure: None,
            },
            time: TimeFormat::RFC3339,
            shift: TimeDelta::zero(),
            filters: vec![RowFilter {
                column: "station".to_owned(),
                value: "JFK".to_owned(),
            }],
            missing: MissingMarkers::default(),
        },
        city: new_york().id,
    };
    let rig = Rig::start(&log, vec![SourceConfig::WeatherFile(config)]);
    rig.ingester.finished().await.unwrap();
    let values = log.values(Topic::Temperature);
    assert_eq!(values.len(), 2);
    let bare = Observation::from_json(&values[1]).unwrap();
    assert_eq!(bare.readings.get(Variable::Humidity), None);
    assert_eq!(rig.omitted("humidity", "missing"), 1);
    let observation = Observation::from_json(&values[0]).unwrap();
    let reading = |variable| observation.readings.get(variable).map(|q| q.value());
    assert_eq!(reading(Variable::Temperature), Some(10.0));
    assert_eq!(reading(Variable::Humidity), Some(60.0));
    assert_eq!(observation.received_at, observation.observed_at);
    assert_eq!(
        (rig.dropped("filtered"), rig.dropped("no_temperature")),
        (1, 1)
    );
}
