//! `moodvane effect` asks a running server and writes reports.

#![allow(clippy::unwrap_used)]

mod support;
#[path = "../../../crates/effect-report/tests/world/mod.rs"]
mod world;

use std::fs;
use std::path::Path;

use moodvane_model::{
    HourRow, Incarnation, Offset, PartialHour, PartialKey, Partition, RunId, Topic,
};
use moodvane_store::{SqliteStore, Store};
use support::{Running, run, shown, succeed};
use tempfile::TempDir;
use world::World;

/// Sixteen weeks of the world.
const HOURS: [&str; 4] = ["--begin", "2018-01-01T00", "--end", "2018-04-22T23"];

/// The partial hours of a row; one partition holds everything.
fn partials(run: &RunId, row: &HourRow) -> Vec<PartialHour> {
    let of_source = |(source, sums): (&_, &_)| PartialHour {
        key: PartialKey {
            run: run.clone(),
            city: row.city,
            hour: row.hour,
            topic: Topic::Tweet,
            incarnation: Incarnation(1),
            partition: Partition(0),
            source: *source,
        },
        sums: *sums,
        through_offset: Offset(1),
    };
    row.sources.iter().map(of_source).collect()
}

async fn fill(data: &Path) {
    let store = SqliteStore::open(&data.join("moodvane.db")).unwrap();
    let run = RunId::new("test");
    store.register_run(&run).await.unwrap();
    let city = world::city("new-york", "New York");
    let rows = world::rows(World::RAIN, &city, 1);
    let partials = rows.iter().flat_map(|row| partials(&run, row)).collect();
    store.put_partials(partials).await.unwrap();
}

#[tokio::test]
async fn effect_prints_answer_and_writes_self_contained_reports() {
    let data = TempDir::new().unwrap();
    fill(data.path()).await;
    let mut server = Running::start(data.path(), &["serve", "--port", "0"]);
    let url = server.after("moodvane answers at http://");
    let port = url
        .split_once(':')
        .unwrap()
        .1
        .trim()
        .trim_end_matches("; try");
    let report = |name: &str| data.path().join(name).to_string_lossy().into_owned();
    let (html, markdown, json) = (report("a.html"), report("a.md"), report("a.json"));
    let files = ["--report", &html, "--report", &markdown, "--report", &json];
    let command = ["effect", "--port", port];
    let printed = succeed(data.path(), &[&command[..], &HOURS, &files].concat());
    let sentence = "In rain, New York's posts that do not speak of the weather are 0.";
    assert!(printed.contains(sentence), "{printed}");
    assert!(
        printed.starts_with("# Does rain make posts less joyful?"),
        "{printed}"
    );
    assert!(fs::read_to_string(&html).unwrap().contains("<svg "));
    assert!(printed.contains(&fs::read_to_string(&markdown).unwrap()));
    let json: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
    assert_eq!(json["verdict"], "less-joyful");

    let rejected = |more: &[&str]| {
        let output = run(data.path(), &[&command[..], &HOURS, more].concat());
        assert_eq!(output.status.code(), Some(1));
        shown(&output)
    };
    let limit = rejected(&["--lag-hours", "49"]);
    assert!(
        limit.contains("\"lag_hours\" is 49, the limit is 48"),
        "{limit}"
    );
    let name = rejected(&["--report", "report.pdf"]);
    assert!(name.contains("must end with .html, .md or .json"), "{name}");
    assert!(server.terminate().success());
}
