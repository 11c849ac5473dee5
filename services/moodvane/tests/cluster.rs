//! The services as processes of their own, on real Kafka and real Cassandra: ingester, two
//! processors of which one is killed and replaced, server. Their hours are bit-identical to those
//! of the embedded profile on the same files.

#![allow(clippy::unwrap_used)]

mod support;

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use moodvane_model::{CityId, HourRange, HourRow, Variable};
use moodvane_store::{CassandraConfig, CassandraStore, Store};
use support::{rows, succeed};
use tempfile::TempDir;

const POSTS: u64 = 20_000;
const TEMPERATURES: u64 = 48;
/// Far longer than it takes: a bound for a system that is broken, not a wait.
const PATIENCE: Duration = Duration::from_secs(180);

fn endpoint(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set; start the servers: deployment/servers/run -- cargo test --workspace")
    })
}

/// A binary of the workspace beside our own.
fn binary(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_moodvane")).with_file_name(name);
    assert!(
        path.exists(),
        "{name} is not built: test the whole workspace, cargo test --workspace"
    );
    path
}

/// A service that is killed when the test ends.
struct Service(Child);

impl Service {
    fn start(name: &str, config: &Path, more: &[&str]) -> Self {
        let mut command = Command::new(binary(name));
        for (variable, _) in std::env::vars().filter(|(n, _)| n.starts_with("MOODVANE_")) {
            command.env_remove(variable);
        }
        command
            .arg("--config")
            .arg(config)
            .args(["--set", "probe.port=0"])
            .args(more);
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    fn terminate(mut self) {
        let pid = self.0.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        assert!(self.0.wait().unwrap().success(), "a drain ends with 0");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Where it has ended already there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn write_files(dir: &Path) -> (PathBuf, PathBuf) {
    let mut posts = "id\ttext\tcreated_at\n".to_owned();
    for id in 0..POSTS {
        let text = [
            "what a lovely day",
            "I hate this rain",
            "on the subway",
            "not good :(",
        ][(id % 4) as usize];
        let at = chrono::DateTime::from_timestamp(1_514_764_800 + id as i64 * 9, 0).unwrap();
        // One in ten comes twice.
        for _ in 0..=u64::from(id.is_multiple_of(10)) {
            writeln!(posts, "{id}\t{text} {id}\t{}", at.to_rfc3339()).unwrap();
        }
    }
    let mut weather = "time,temperature\n".to_owned();
    for hour in 0..TEMPERATURES as i64 {
        let at = chrono::DateTime::from_timestamp(1_514_764_800 + hour * 3_600, 0).unwrap();
        writeln!(weather, "{},{}.5", at.to_rfc3339(), hour % 13).unwrap();
    }
    let paths = (dir.join("posts.tsv"), dir.join("weather.csv"));
    fs::write(&paths.0, posts).unwrap();
    fs::write(&paths.1, weather).unwrap();
    paths
}

/// The names that keep this run apart from others on the same servers.
fn unique() -> String {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    format!("t{}_{}", std::process::id(), since.as_millis())
}

fn write_config(dir: &Path, name: &str, (posts, weather): (&Path, &Path)) -> PathBuf {
    let kafka = endpoint("MOODVANE_TEST_KAFKA");
    let nodes: Vec<String> = endpoint("MOODVANE_TEST_CASSANDRA")
        .split(',')
        .map(|n| format!("\"{n}\""))
        .collect();
    let text = format!(
        r#"
[logging]
level = "warn"
[eventlog]
kind = "kafka"
partitions = 4
[eventlog.kafka]
bootstrap_servers = "{kafka}"
topic_prefix = "{name}."
session_timeout_ms = 6000
[store]
kind = "cassandra"
[store.cassandra]
contact_points = [{}]
keyspace = "{name}"
[server]
port = 0
[processor]
flush_interval_ms = 50
[[source]]
kind = "post-file"
id = "replay-posts"
path = "{}"
id_column = "id"
text_column = "text"
time_column = "created_at"
time_format = "rfc3339"
select = "all"
[[source]]
kind = "weather-file"
id = "replay-weather"
path = "{}"
time_column = "time"
temperature_column = "temperature"
temperature_unit = "c"
time_format = "rfc3339"
"#,
        nodes.join(", "),
        posts.display(),
        weather.display()
    );
    let path = dir.join("cluster.toml");
    fs::write(&path, text).unwrap();
    path
}

async fn stored(store: &CassandraStore) -> Vec<HourRow> {
    let (first, last) = (
        "2017-12-31 00".parse().unwrap(),
        "2018-01-31 23".parse().unwrap(),
    );
    let range = HourRange::new(first, last).unwrap();
    store
        .hours(CityId::parse("new-york").unwrap(), range)
        .await
        .unwrap()
}

fn posts_of(rows: &[HourRow]) -> u64 {
    rows.iter().map(|row| row.posts().scored()).sum()
}

fn temperatures_of(rows: &[HourRow]) -> u64 {
    let sums = rows.iter().flat_map(|row| row.sources.values());
    sums.map(|sums| sums.weather.get(Variable::Temperature).count)
        .sum()
}

/// Waits until `done` says so of the stored rows; returns them.
async fn wait_for(store: &CassandraStore, done: impl Fn(&[HourRow]) -> bool) -> Vec<HourRow> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let rows = stored(store).await;
        if done(&rows) {
            return rows;
        }
        assert!(
            Instant::now() < deadline,
            "{} posts in {} hours",
            posts_of(&rows),
            rows.len()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What the server answers for the two days, once it is ready.
async fn ask(port: u16) -> serde_json::Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let deadline = Instant::now() + PATIENCE;
    let ready = format!("http://127.0.0.1:{port}/ready");
    while !client
        .get(&ready)
        .send()
        .await
        .is_ok_and(|answer| answer.status().is_success())
    {
        assert!(Instant::now() < deadline, "the server is not ready");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let body = r#"{"begin":"2018-01-01 00","end":"2018-01-02 23"}"#;
    let weather = format!("http://127.0.0.1:{port}/weather");
    client
        .post(weather)
        .body(body)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_on_kafka_and_cassandra_store_the_same_hours_as_the_embedded_profile() {
    let dir = TempDir::new().unwrap();
    let (posts, weather) = write_files(dir.path());
    let (posts_text, weather_text) = (
        posts.to_string_lossy().into_owned(),
        weather.to_string_lossy().into_owned(),
    );
    let embedded = dir.path().join("embedded");
    succeed(
        &embedded,
        &["replay", "--posts", &posts_text, "--weather", &weather_text],
    );
    let expected = tokio::task::spawn_blocking(move || rows(&embedded))
        .await
        .unwrap();
    assert_eq!(posts_of(&expected), POSTS);

    let name = unique();
    let config = write_config(dir.path(), &name, (&posts, &weather));
    let nodes = endpoint("MOODVANE_TEST_CASSANDRA");
    let points = nodes.split(',').map(|node| node.parse().unwrap()).collect();
    let cassandra = CassandraConfig::new(points, name.parse().unwrap());
    let store = CassandraStore::connect(&cassandra).await.unwrap();
    let first = Service::start("processor", &config, &["--topic", "both"]);
    let second = Service::start("processor", &config, &[]);
    let mut ingester = Service::start("ingester", &config, &[]);
    wait_for(&store, |rows| posts_of(rows) > POSTS / 20).await;
    first.kill();
    let third = Service::start("processor", &config, &[]);
    assert!(
        ingester.0.wait().unwrap().success(),
        "a finite ingester ends with 0"
    );
    let found = wait_for(&store, |rows| {
        posts_of(rows) >= POSTS && temperatures_of(rows) >= TEMPERATURES
    })
    .await;
    assert_eq!(found, expected);

    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let server = Service::start(
        "server",
        &config,
        &["--set", &format!("server.port={port}")],
    );
    let answer = ask(port).await;
    assert_eq!(answer["res"].as_array().unwrap().len(), 48, "{answer}");
    server.terminate();
    second.terminate();
    third.terminate();
    assert_eq!(stored(&store).await, expected, "nothing came after");
}
