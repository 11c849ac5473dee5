//! Two of three Cassandra nodes are lost: with their disks nothing that was stored is gone once
//! they are back, and a reader may be told older rows meanwhile; without their disks the hours are
//! made again from the log by one command.
//!
//! The test has servers of its own, since it destroys them.

use std::path::Path;
use std::process::Command;

use moodvane_model::HourRow;
use moodvane_store::{CassandraStore, Consistency, HoursConsistency, Store, StoreError};
use tempfile::TempDir;

use crate::world::{Servers, Service, World, open, stored, wait_for_all};

const KAFKA: u16 = 25_090;
const CASSANDRA: u16 = 25_042;
/// How often a node may have to ask for its old place.
const STARTS: usize = 8;

/// A Kafka node and three Cassandra nodes that nobody else uses.
struct Own(TempDir);

impl Own {
    fn up() -> Self {
        let own = Self(TempDir::new().unwrap());
        own.run("up", &["--kafka", "1", "--cassandra", "3"]);
        own
    }

    fn run(&self, script: &str, args: &[&str]) {
        let done = self.command(script, args).status().unwrap();
        assert!(done.success(), "{script} {args:?}");
    }

    /// A node without data asks the others for its old place, and ends where none answers yet: then
    /// it is started again, as whatever watches over nodes does.
    fn start_in_its_old_place(&self, node: &str) {
        let start = || {
            self.command("start", &["cassandra", node])
                .status()
                .unwrap()
        };
        assert!((0..STARTS).any(|_| start().success()), "node {node}");
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

impl Drop for Own {
    fn drop(&mut self) {
        if !self
            .command("down", &[])
            .status()
            .is_ok_and(|s| s.success())
        {
            eprintln!("the servers in {} may still be up", self.0.path().display());
        }
    }
}

/// A reader that is content with one replica, or that asks all of them.
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
async fn two_of_three_nodes_are_lost_with_their_disks_and_without() {
    let own = Own::up();
    let world = World::new(own.servers());
    let (first, second) = (world.files(0, 1), world.files(1, 1));
    let one_day = world.expected(&[&first]).await;
    let two_days = world.expected(&[&first, &second]).await;
    fold(&world, &world.config(&first), &one_day).await;

    // With their disks. A quorum is not there; one replica is.
    let quorum = world.store().await;
    let one = reader(&world, HoursConsistency::LocalOne, false).await;
    own.run("kill", &["cassandra", "2", "3"]);
    let range = moodvane_model::HourRange::new(one_day[0].hour, one_day[23].hour).unwrap();
    let city = one_day[0].city;
    let refused = quorum.hours(city, range).await;
    assert!(
        matches!(refused, Err(StoreError::Unavailable(_))),
        "{refused:?}"
    );
    assert_eq!(one.hours(city, range).await.unwrap(), one_day);
    own.run("start", &["cassandra", "2", "3"]);
    assert_eq!(stored(&world.store().await).await, one_day);

    // Without their disks. The node that is left was away on the second day, so that rows are lost
    // of which progress may still speak. It does not merely stand still: a node that wakes up may
    // still take what lay in its sockets. It is back before the others are, alone.
    own.run("kill", &["cassandra", "1"]);
    fold(&world, &world.config(&second), &two_days).await;
    own.run("wipe", &["cassandra", "2", "3"]);
    own.run("start", &["cassandra", "1"]);
    for node in ["2", "3"] {
        own.start_in_its_old_place(node);
    }
    let all = reader(&world, HoursConsistency::SameAsFold, true).await;
    assert_ne!(stored(&all).await, two_days, "what is left of two days");

    let another = ["rebuild", "--set", "processor.window=70000"];
    let refused = world.fail(&world.config(&second), &another);
    assert!(
        refused.contains("not among those that are stored"),
        "{refused}"
    );
    let rebuilt = world.succeed(&world.config(&second), &["rebuild"]);
    assert!(rebuilt.contains("records are in the rows"), "{rebuilt}");
    assert_eq!(stored(&world.store().await).await, two_days);
    for node in ["1", "2", "3"] {
        own.run("kill", &["cassandra", node]);
        let rest = world.store().await;
        assert_eq!(stored(&rest).await, two_days, "without node {node}");
        own.run("start", &["cassandra", node]);
    }
}
