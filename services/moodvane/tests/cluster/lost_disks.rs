//! Two of three Cassandra nodes fail. If their disks survive, no row is lost after the restart, and a
//! reader may get older rows meanwhile. If their disks are lost, one command restores the hours from
//! the log.
//!
//! The test starts its own servers, because it destroys them.

use std::path::Path;
use std::process::Command;

use moodvane_model::HourRow;
use moodvane_store::{CassandraStore, Consistency, HoursConsistency, Store, StoreError};
use tempfile::TempDir;

use crate::world::{Servers, Service, World, open, stored, wait_for_all};

const KAFKA: u16 = 25_090;
const CASSANDRA: u16 = 25_042;

/// A Kafka node and three Cassandra nodes of this test alone.
struct OwnCluster(TempDir);

impl OwnCluster {
    fn up() -> Self {
        let cluster = Self(TempDir::new().unwrap());
        cluster.run("up", &["--kafka", "1", "--cassandra", "3"]);
        cluster
    }

    fn run(&self, script: &str, args: &[&str]) {
        let done = self.command(script, args).status().unwrap();
        assert!(done.success(), "{script} {args:?}");
    }

    fn command(&self, script: &str, args: &[&str]) -> Command {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deployment/servers");
        let ports = [
            ("KAFKA_PORT", KAFKA),
            ("KAFKA_PEER_PORT", KAFKA + 5),
            ("CASSANDRA_PORT", CASSANDRA),
            ("CASSANDRA_PEER_PORT", CASSANDRA + 5),
        ];
        let mut command = Command::new(folder.join(script));
        command
            .args(args)
            .env("MOODVANE_SERVERS_DIR", self.0.path());
        for (name, port) in ports {
            command.env(format!("MOODVANE_SERVERS_{name}"), port.to_string());
        }
        command
    }

    fn servers(&self) -> Servers {
        let node = |i| format!("127.0.0.{i}:{CASSANDRA}");
        Servers {
            kafka: format!("127.0.0.1:{}", KAFKA + 1),
            cassandra: (1..=3).map(node).collect(),
        }
    }
}

impl Drop for OwnCluster {
    fn drop(&mut self) {
        if !self
            .command("down", &[])
            .status()
            .is_ok_and(|s| s.success())
        {
            eprintln!("the servers in {} may still run", self.0.path().display());
        }
    }
}

/// A reader with the given consistency of hours, or with consistency ALL.
async fn reader(world: &World, hours: HoursConsistency, all: bool) -> CassandraStore {
    let mut config = world.cassandra();
    config.hours_consistency = hours;
    if all {
        config.consistency = Consistency::All;
    }
    open(&config).await
}

async fn fold(world: &World, config: &Path, expected: &[HourRow]) {
    let processor = Service::start("processor", config, &[]);
    Service::start("ingester", config, &[]).finish();
    assert_eq!(wait_for_all(&world.store().await, expected).await, expected);
    processor.terminate();
}

#[tokio::test(flavor = "multi_thread")]
async fn survives_loss_of_two_of_three_nodes_and_rebuilds_lost_disks() {
    let cluster = OwnCluster::up();
    let world = World::new(cluster.servers());
    let (first, second) = (world.files(0, 1), world.files(1, 1));
    let one_day = world.expected(&[&first]).await;
    let two_days = world.expected(&[&first, &second]).await;
    fold(&world, &world.config(&first), &one_day).await;

    // The disks survive. There is no quorum, but one replica.
    let quorum = world.store().await;
    let one = reader(&world, HoursConsistency::LocalOne, false).await;
    cluster.run("kill", &["cassandra", "2", "3"]);
    let range = moodvane_model::HourRange::new(one_day[0].hour, one_day[23].hour).unwrap();
    let city = one_day[0].city;
    let unavailable = quorum.hours(city, range).await;
    assert!(
        matches!(unavailable, Err(StoreError::Unavailable(_))),
        "{unavailable:?}"
    );
    assert_eq!(one.hours(city, range).await.unwrap(), one_day);
    cluster.run("start", &["cassandra", "2", "3"]);
    assert_eq!(stored(&world.store().await).await, one_day);

    // The disks are lost. The remaining node is down on the second day, so that rows are lost that the
    // progress may still include. It is killed, not paused: a paused node may still accept what is in
    // its socket buffers when it resumes. It restarts alone, before the others.
    cluster.run("kill", &["cassandra", "1"]);
    fold(&world, &world.config(&second), &two_days).await;
    cluster.run("wipe", &["cassandra", "2", "3"]);
    cluster.run("start", &["cassandra", "1"]);
    cluster.run("start", &["cassandra", "2", "3"]);
    let all = reader(&world, HoursConsistency::SameAsFold, true).await;
    assert_ne!(stored(&all).await, two_days, "the remaining rows");

    let other_run = ["rebuild", "--set", "processor.window=70000"];
    let rejected = world.fail(&world.config(&second), &other_run);
    assert!(rejected.contains("not among the stored runs"), "{rejected}");
    let rebuilt = world.succeed(&world.config(&second), &["rebuild"]);
    assert!(rebuilt.contains("records are in the rows"), "{rebuilt}");
    assert_eq!(stored(&world.store().await).await, two_days);
    for node in ["1", "2", "3"] {
        cluster.run("kill", &["cassandra", node]);
        let store = world.store().await;
        assert_eq!(stored(&store).await, two_days, "without node {node}");
        cluster.run("start", &["cassandra", node]);
    }
}
