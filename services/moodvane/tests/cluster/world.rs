//! Fixtures of the tests: an isolated system on the servers, files to ingest, services as processes,
//! and access to the rows.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use moodvane_model::{CityId, HourRange, HourRow, Variable};
use moodvane_store::{CassandraConfig, CassandraStore, Store, StoreError};
use tempfile::TempDir;

use crate::support::{rows, shown, succeed};

/// Posts of a day's file, a tenth of them twice.
pub(crate) const POSTS_A_DAY: u64 = 5_000;
pub(crate) const TEMPERATURES_A_DAY: u64 = 24;
/// 2018-01-01 00:00 UTC.
const FIRST_DAY: i64 = 1_514_764_800;
/// A bound for a broken system, far longer than a test takes.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(240);

pub(crate) fn endpoint(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set; start the servers: deployment/servers/run -- cargo test --workspace")
    })
}

/// The addresses of Kafka and Cassandra.
pub(crate) struct Servers {
    pub(crate) kafka: String,
    pub(crate) cassandra: Vec<String>,
}

impl Servers {
    /// The servers that all tests share.
    pub(crate) fn shared() -> Self {
        let nodes = endpoint("MOODVANE_TEST_CASSANDRA");
        Self {
            kafka: endpoint("MOODVANE_TEST_KAFKA"),
            cassandra: nodes.split(',').map(str::to_owned).collect(),
        }
    }
}

/// An isolated system: unique names, and a directory.
pub(crate) struct World {
    dir: TempDir,
    name: String,
    servers: Servers,
}

/// The posts and the weather of some days.
pub(crate) struct Files {
    posts: PathBuf,
    weather: PathBuf,
}

impl World {
    pub(crate) fn new(servers: Servers) -> Self {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        Self {
            dir: TempDir::new().unwrap(),
            name: format!("t{}_{}", std::process::id(), now.as_nanos()),
            servers,
        }
    }

    /// Writes the files of `days` days, beginning `first` days after the first.
    pub(crate) fn files(&self, first: u32, days: u32) -> Files {
        let begin = FIRST_DAY + i64::from(first) * 86_400;
        let moment = |s| chrono::DateTime::from_timestamp(s, 0).unwrap().to_rfc3339();
        let mut posts = "id\ttext\tcreated_at\n".to_owned();
        for number in 0..POSTS_A_DAY * u64::from(days) {
            let text = [
                "what a lovely day",
                "I hate this rain",
                "on the subway",
                "not good :(",
            ][(number % 4) as usize];
            let at = moment(begin + (number * 86_400 / POSTS_A_DAY) as i64);
            for _ in 0..=u64::from(number.is_multiple_of(10)) {
                writeln!(posts, "{first}-{number}\t{text} {number}\t{at}").unwrap();
            }
        }
        let mut weather = "time,temperature\n".to_owned();
        for hour in 0..TEMPERATURES_A_DAY as i64 * i64::from(days) {
            let at = moment(begin + hour * 3_600);
            writeln!(weather, "{at},{}.5", hour % 13).unwrap();
        }
        let path = |what| self.dir.path().join(format!("{first}-{what}"));
        let files = Files {
            posts: path("posts.tsv"),
            weather: path("weather.csv"),
        };
        fs::write(&files.posts, posts).unwrap();
        fs::write(&files.weather, weather).unwrap();
        files
    }

    /// The hours that the embedded profile stores for these files.
    pub(crate) async fn expected(&self, all: &[&Files]) -> Vec<HourRow> {
        let data = self.dir.path().join(format!("embedded-{}", all.len()));
        for Files { posts, weather } in all {
            let (posts, weather) = (posts.to_string_lossy(), weather.to_string_lossy());
            succeed(&data, &["replay", "--posts", &posts, "--weather", &weather]);
        }
        tokio::task::spawn_blocking(move || rows(&data))
            .await
            .unwrap()
    }

    /// A configuration with these files as sources.
    pub(crate) fn config(&self, Files { posts, weather }: &Files) -> PathBuf {
        let Servers { kafka, cassandra } = &self.servers;
        let nodes: Vec<String> = cassandra.iter().map(|n| format!("\"{n}\"")).collect();
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
contact_points = [{nodes}]
keyspace = "{name}"
replication_factor = {replicas}
request_timeout_ms = 10000
[server]
port = 0
[processor]
flush_interval_ms = 50
[[source]]
kind = "post-file"
id = "replay-posts"
path = "{posts}"
id_column = "id"
text_column = "text"
time_column = "created_at"
time_format = "rfc3339"
select = "all"
[[source]]
kind = "weather-file"
id = "replay-weather"
path = "{weather}"
time_column = "time"
temperature_column = "temperature"
temperature_unit = "c"
time_format = "rfc3339"
"#,
            name = self.name,
            nodes = nodes.join(", "),
            replicas = self.replicas(),
            posts = posts.display(),
            weather = weather.display()
        );
        let path = posts.with_extension("toml");
        fs::write(&path, text).unwrap();
        path
    }

    fn replicas(&self) -> u8 {
        if self.servers.cassandra.len() < 3 {
            1
        } else {
            3
        }
    }

    pub(crate) fn cassandra(&self) -> CassandraConfig {
        let nodes = self.servers.cassandra.iter();
        let points = nodes.map(|node| node.parse().unwrap()).collect();
        let mut config = CassandraConfig::new(points, self.name.parse().unwrap());
        config.replication_factor = self.replicas().try_into().unwrap();
        config.request_timeout = Duration::from_secs(10);
        config
    }

    pub(crate) async fn store(&self) -> CassandraStore {
        open(&self.cassandra()).await
    }

    /// Runs `moodvane` to its end, requires success, and returns its output.
    pub(crate) fn succeed(&self, config: &Path, args: &[&str]) -> String {
        let output = command("moodvane", config, args).output().unwrap();
        let shown = shown(&output);
        assert!(output.status.success(), "{args:?}: {shown}");
        shown
    }

    /// Runs `moodvane` to its end, requires a failure, and returns its output.
    pub(crate) fn fail(&self, config: &Path, args: &[&str]) -> String {
        self.fail_service("moodvane", config, args)
    }

    /// Runs a service to its end, requires a failure, and returns its output.
    pub(crate) fn fail_service(&self, name: &str, config: &Path, args: &[&str]) -> String {
        let output = command(name, config, args).output().unwrap();
        let shown = shown(&output);
        assert!(!output.status.success(), "{name} {args:?}: {shown}");
        shown
    }
}

/// A binary of the workspace, without the configuration of this machine.
fn command(name: &str, config: &Path, args: &[&str]) -> Command {
    let path = Path::new(env!("CARGO_BIN_EXE_moodvane")).with_file_name(name);
    assert!(
        path.exists(),
        "{name} is not built: test the whole workspace, cargo test --workspace"
    );
    let mut command = Command::new(path);
    for (variable, _) in std::env::vars().filter(|(n, _)| n.starts_with("MOODVANE_")) {
        command.env_remove(variable);
    }
    command.arg("--config").arg(config).args(args);
    command.stdin(Stdio::null());
    command
}

/// A service that is killed when the test ends.
pub(crate) struct Service(Child);

impl Service {
    pub(crate) fn start(name: &str, config: &Path, more: &[&str]) -> Self {
        let mut command = command(name, config, more);
        command.args(["--set", "probe.port=0"]);
        Self(command.spawn().unwrap())
    }

    /// Waits until it exits, and requires success.
    pub(crate) fn finish(mut self) {
        assert!(self.0.wait().unwrap().success(), "it exits with 0");
    }

    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    pub(crate) fn terminate(mut self) {
        let pid = self.0.id().to_string();
        let mut kill = Command::new("kill");
        assert!(kill.args(["-TERM", &pid]).status().unwrap().success());
        assert!(self.0.wait().unwrap().success(), "a drain exits with 0");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Fails if the process has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Opens the store, and retries while it is unavailable: another process may be creating its tables.
pub(crate) async fn open(config: &CassandraConfig) -> CassandraStore {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        match CassandraStore::connect(config).await {
            Ok(store) => return store,
            Err(StoreError::Unavailable(reason)) => {
                assert!(Instant::now() < deadline, "{reason:#}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(error) => panic!("{error:#}"),
        }
    }
}

/// Every stored hour of the month.
pub(crate) async fn stored(store: &CassandraStore) -> Vec<HourRow> {
    let (first, last) = (
        "2017-12-31 00".parse().unwrap(),
        "2018-01-31 23".parse().unwrap(),
    );
    let range = HourRange::new(first, last).unwrap();
    let city = CityId::parse("new-york").unwrap();
    store.hours(city, range).await.unwrap()
}

pub(crate) fn posts_of(rows: &[HourRow]) -> u64 {
    rows.iter().map(|row| row.posts().scored()).sum()
}

fn temperatures_of(rows: &[HourRow]) -> u64 {
    let sums = rows.iter().flat_map(|row| row.sources.values());
    sums.map(|sums| sums.weather.get(Variable::Temperature).count)
        .sum()
}

/// Waits until `done` holds for the stored rows; returns them.
pub(crate) async fn wait_for(
    store: &CassandraStore,
    done: impl Fn(&[HourRow]) -> bool,
) -> Vec<HourRow> {
    let deadline = Instant::now() + TIMEOUT;
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

/// Waits until the store has at least the expected counts; returns its rows for comparison.
pub(crate) async fn wait_for_all(store: &CassandraStore, expected: &[HourRow]) -> Vec<HourRow> {
    let (posts, temperatures) = (posts_of(expected), temperatures_of(expected));
    let done = |rows: &[HourRow]| posts_of(rows) >= posts && temperatures_of(rows) >= temperatures;
    wait_for(store, done).await
}
