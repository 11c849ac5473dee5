//! The configuration that all services of a run share.

use std::net::SocketAddr;
use std::path::Path;

use moodvane_model::{EventTimeBounds, Timestamp};

use crate::cluster::Cluster;

/// Partitions of each topic.
pub(crate) const PARTITIONS: u32 = 12;
/// An hour of the simulator passes in ten seconds, so that a run has many complete hours.
const SPEED: u32 = 360;
/// The disorder of events, and the rewind of a source after a restart, in simulated seconds.
const DISORDER_S: u32 = 200;
const REWIND_S: u32 = 300;
/// How long after its hour a post may arrive, in simulated milliseconds: the disorder, and some
/// seconds between creation and event.
pub(crate) const LATEST_MS: i64 = DISORDER_S as i64 * 1_000 + 4_000;
/// Simulated time lies in the past, so the bounds are wide.
pub(crate) const BOUNDS: EventTimeBounds = EventTimeBounds {
    ahead_ms: 600_000,
    behind_ms: 2_592_000_000,
};
/// How far in the past the simulated time starts: longer than any run.
const BEGIN_MS: i64 = 20 * 86_400_000;

/// The parameters of a run.
pub(crate) struct Run<'a> {
    pub(crate) name: &'a str,
    pub(crate) folder: &'a Path,
    pub(crate) cluster: &'a Cluster,
    /// The address of the simulator.
    pub(crate) simulator: SocketAddr,
    /// Events per second.
    pub(crate) rate: u32,
    pub(crate) now: Timestamp,
}

impl Run<'_> {
    /// The configuration as TOML.
    #[expect(clippy::too_many_lines, reason = "a template")]
    pub(crate) fn toml(&self) -> anyhow::Result<String> {
        let nodes = self.cluster.cassandra.split(',');
        let nodes: Vec<String> = nodes.map(|node| format!("\"{node}\"")).collect();
        let Self {
            name, simulator, ..
        } = self;
        let port = simulator.port();
        let since = self.now.checked_add_millis(-BEGIN_MS)?;
        let per_hour = (u64::from(self.rate) * 3_600 / u64::from(SPEED)).max(1);
        Ok(format!(
            r#"
[logging]
level = "info"
[data]
dir = "{folder}"
[eventlog]
kind = "kafka"
partitions = {PARTITIONS}
[eventlog.kafka]
bootstrap_servers = "{kafka}"
topic_prefix = "{name}."
replication = 3
min_insync_replicas = 2
session_timeout_ms = 6000
[store]
kind = "cassandra"
[store.cassandra]
contact_points = [{nodes}]
keyspace = "{name}"
replication_factor = 3
[processor]
flush_interval_ms = 200
ahead_s = {ahead_s}
behind_s = {behind_s}
[ingester]
backoff_max_ms = 2000
[simulator]
port = {port}
start = "{since}"
speed = {SPEED}
posts_per_hour = {per_hour}
duplicate_share = 0.05
disorder_ms = {disorder_ms}
weather_interval_s = 900
weather_hold_s = 3600
[[source]]
kind = "open-meteo"
id = "open-meteo"
base_url = "http://{simulator}"
poll_s = 1
history_days = 0
[[source]]
kind = "bluesky"
id = "bluesky"
base_url = "ws://{simulator}"
rewind_s = {REWIND_S}
max_age_s = 0
since = "{since}"
select = "city"
language = ""
"#,
            folder = self.folder.display(),
            kafka = self.cluster.kafka,
            nodes = nodes.join(", "),
            ahead_s = BOUNDS.ahead_ms / 1_000,
            behind_s = BOUNDS.behind_ms / 1_000,
            disorder_ms = DISORDER_S * 1_000,
        ))
    }
}
