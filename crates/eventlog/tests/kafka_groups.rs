//! Members of one consumer group: assignment, revocation, failure, restart. On a real broker.

#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

mod conformance;
mod kafka_cluster;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use conformance::{LONGEST, POLL_WAIT, record};
use kafka_cluster::{Cluster, admin, options};
use moodvane_eventlog::{
    Batch, Consumer, ConsumerEvent, EventLog, KafkaConfig, KafkaLog, LogError, TopicPartition,
};
use moodvane_model::{Offset, Topic};

/// Polls that last several heartbeats: long enough to show that nothing happens.
const QUIET_POLLS: u32 = 40;

type Partitions = BTreeSet<TopicPartition>;

/// A member that starts assigned partitions, and releases revoked ones when the test does.
struct Member {
    consumer: Box<dyn Consumer>,
    batch: Batch,
    owned: Partitions,
    read: Vec<TopicPartition>,
}

impl Member {
    fn join(log: &KafkaLog) -> Self {
        Self {
            consumer: log.consumer("g", &[Topic::Tweet]).unwrap(),
            batch: Batch::with_capacity(100),
            owned: Partitions::new(),
            read: Vec::new(),
        }
    }

    /// Polls once; returns the partitions to release.
    fn poll(&mut self) -> Result<Option<Partitions>, LogError> {
        let event = match self.consumer.poll(&mut self.batch, POLL_WAIT) {
            // A new topic may not have a leader yet: the next poll succeeds.
            Err(LogError::Unavailable(_)) => ConsumerEvent::Idle,
            other => other?,
        };
        match event {
            ConsumerEvent::Idle => {}
            ConsumerEvent::Records => self.read.push(self.batch.topic_partition()),
            ConsumerEvent::Assigned(all) => {
                for marks in all {
                    self.consumer.start(marks.topic_partition, marks.low)?;
                    self.owned.insert(marks.topic_partition);
                }
            }
            ConsumerEvent::Revoked(partitions) => {
                let revoked: Partitions = partitions.into_iter().collect();
                self.owned.retain(|at| !revoked.contains(at));
                return Ok(Some(revoked));
            }
        }
        Ok(None)
    }

    fn release(&mut self, partitions: &Partitions) {
        let partitions: Vec<_> = partitions.iter().copied().collect();
        self.consumer.release(&partitions).unwrap();
    }

    /// Polls once and releases revoked partitions at once.
    fn poll_and_release(&mut self) {
        if let Some(revoked) = self.poll().unwrap() {
            self.release(&revoked);
        }
    }
}

/// Repeats `step` until it returns a value.
fn wait_until<T>(mut step: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + LONGEST;
    while Instant::now() < deadline {
        if let Some(found) = step() {
            return found;
        }
    }
    panic!("condition not met in time")
}

/// Polls both members until each owns half of `count` partitions.
fn wait_for_even_share(a: &mut Member, b: &mut Member, count: usize) {
    wait_until(|| {
        a.poll_and_release();
        b.poll_and_release();
        let even = a.owned.len() == count / 2 && b.owned.len() == count / 2;
        (even && a.owned.is_disjoint(&b.owned)).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_share_partitions_and_revocation_waits_for_release() {
    let cluster = Cluster::new();
    let mut config = cluster.config(4);
    config.max_poll_interval = LONGEST;
    let log = KafkaLog::open(config).await.unwrap();
    let mut a = Member::join(&log);
    wait_until(|| {
        a.poll_and_release();
        (a.owned.len() == 4).then_some(())
    });
    let mut b = Member::join(&log);
    let revoked = wait_until(|| {
        b.poll_and_release();
        a.poll().unwrap()
    });
    assert_eq!(revoked.len(), 2);
    for _ in 0..QUIET_POLLS {
        assert_eq!(a.poll().unwrap(), None);
        b.poll_and_release();
        assert!(
            b.owned.is_empty(),
            "no other member owns them before the release"
        );
    }
    let everywhere = (0..100).map(|i| record(&i.to_string(), "")).collect();
    log.publish(Topic::Tweet, everywhere).await.unwrap();
    a.release(&revoked);
    let kept = a.owned.clone();
    wait_until(|| {
        assert_eq!(a.poll().unwrap(), None, "kept partitions are not revoked");
        b.poll_and_release();
        (b.owned == revoked && !a.read.is_empty() && !b.read.is_empty()).then_some(())
    });
    assert_eq!(a.owned, kept);
    assert!(a.read.iter().all(|at| kept.contains(at)));
    drop(b);
    wait_until(|| {
        a.poll_and_release();
        (a.owned.len() == 4).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gives_up_partitions_after_release_timeout() {
    let cluster = Cluster::new();
    let log = KafkaLog::open(cluster.config(2)).await.unwrap();
    let mut a = Member::join(&log);
    wait_until(|| {
        a.poll_and_release();
        (a.owned.len() == 2).then_some(())
    });
    let mut b = Member::join(&log);
    let revoked = wait_until(|| {
        b.poll_and_release();
        a.poll().unwrap()
    });
    wait_until(|| {
        assert_eq!(a.poll().unwrap(), None);
        b.poll_and_release();
        (b.owned == revoked).then_some(())
    });
    a.release(&revoked);
    assert_eq!(a.poll().unwrap(), None, "a late release has no effect");
    assert_eq!(a.owned.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn member_without_polls_loses_partitions_and_is_notified() {
    let cluster = Cluster::new();
    let log = KafkaLog::open(cluster.config(2)).await.unwrap();
    let mut a = Member::join(&log);
    wait_until(|| {
        a.poll_and_release();
        (a.owned.len() == 2).then_some(())
    });
    let mut b = Member::join(&log);
    wait_until(|| {
        b.poll_and_release();
        (b.owned.len() == 2).then_some(())
    });
    // One moves to the new member in any case, the other is lost.
    let mut reported = Partitions::new();
    wait_until(|| {
        b.poll_and_release();
        if let Some(lost) = a.poll().unwrap() {
            a.release(&lost);
            reported.extend(lost);
        }
        (reported.len() == 2).then_some(())
    });
    wait_for_even_share(&mut a, &mut b, 2);
}

/// Not a test: the member that the next test kills, in a child process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn member_in_child_process() {
    let Ok(prefix) = std::env::var("MOODVANE_TEST_MEMBER") else {
        return;
    };
    let log = KafkaLog::open(Cluster { prefix }.config(2)).await.unwrap();
    let mut member = Member::join(&log);
    loop {
        member.poll_and_release();
        if !member.owned.is_empty() {
            println!("\nowns {}", member.owned.len());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reassigns_partitions_of_killed_member() {
    let cluster = Cluster::new();
    let log = KafkaLog::open(cluster.config(2)).await.unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "member_in_child_process", "--nocapture"])
        .env("MOODVANE_TEST_MEMBER", &cluster.prefix)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines
        .find(|line| line.as_ref().unwrap() == "owns 2")
        .unwrap()
        .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let mut successor = Member::join(&log);
    wait_until(|| {
        successor.poll_and_release();
        (successor.owned.len() == 2).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn assigns_added_partitions_to_running_members() {
    let cluster = Cluster::new();
    let mut config = cluster.config(2);
    let refresh = "topic.metadata.refresh.interval.ms".to_owned();
    config.properties.insert(refresh, "500".to_owned());
    let log = KafkaLog::open(config).await.unwrap();
    let (mut a, mut b) = (Member::join(&log), Member::join(&log));
    wait_for_even_share(&mut a, &mut b, 2);
    KafkaLog::open(cluster.config(6)).await.unwrap();
    wait_for_even_share(&mut a, &mut b, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_recreated_topic_as_assignment() {
    let cluster = Cluster::new();
    let log = KafkaLog::open(cluster.config(1)).await.unwrap();
    let mut a = Member::join(&log);
    let records = (0..10).map(|i| record(&i.to_string(), "")).collect();
    log.publish(Topic::Tweet, records).await.unwrap();
    wait_until(|| {
        a.poll_and_release();
        (!a.read.is_empty()).then_some(())
    });
    let name = cluster.name(Topic::Tweet);
    let deleted = admin().delete_topics(&[&name], &options()).await.unwrap();
    assert_eq!(deleted, [Ok(name)]);
    let recreated = wait_until_recreated(&cluster).await;
    let marks = recreated.watermarks(Topic::Tweet).await.unwrap();
    assert_eq!(marks[0].high, Offset(0));
    wait_until(|| match a.consumer.poll(&mut a.batch, POLL_WAIT) {
        Ok(ConsumerEvent::Assigned(all)) => all.iter().any(|w| w.high == Offset(0)).then_some(()),
        Ok(ConsumerEvent::Revoked(all)) => {
            a.consumer.release(&all).unwrap();
            None
        }
        _ => None,
    });
}

/// Creates the topics again; a deletion takes a moment to reach all brokers.
async fn wait_until_recreated(cluster: &Cluster) -> KafkaLog {
    let deadline = Instant::now() + LONGEST;
    loop {
        match KafkaLog::open(cluster.config(1)).await {
            Ok(log) => {
                let marks = log.watermarks(Topic::Tweet).await;
                if marks.is_ok_and(|all| all.iter().all(|w| w.high == Offset(0))) {
                    return log;
                }
            }
            Err(LogError::Unavailable(_)) => {}
            Err(error) => panic!("{error}"),
        }
        assert!(Instant::now() < deadline, "topic not recreated in time");
    }
}

fn static_member(cluster: &Cluster, id: &str) -> KafkaConfig {
    let mut config = cluster.config(2);
    config.instance_id = Some(id.to_owned());
    // No session may time out during the test.
    config.session_timeout = LONGEST;
    config.max_poll_interval = LONGEST;
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn static_member_resumes_partitions_without_rebalance() {
    let cluster = Cluster::new();
    let log_a = KafkaLog::open(static_member(&cluster, "a")).await.unwrap();
    let log_b = KafkaLog::open(static_member(&cluster, "b")).await.unwrap();
    let (mut a, mut b) = (Member::join(&log_a), Member::join(&log_b));
    wait_for_even_share(&mut a, &mut b, 2);
    let (owned_before, others) = (a.owned.clone(), b.owned.clone());
    drop(a);
    let mut a = Member::join(&log_a);
    wait_until(|| {
        a.poll_and_release();
        assert_eq!(
            b.poll().unwrap(),
            None,
            "the other member keeps its partitions"
        );
        (a.owned == owned_before).then_some(())
    });
    assert_eq!(b.owned, others);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejects_second_member_of_same_instance_id() {
    let cluster = Cluster::new();
    let log = KafkaLog::open(static_member(&cluster, "a")).await.unwrap();
    let mut first = Member::join(&log);
    wait_until(|| {
        first.poll_and_release();
        (first.owned.len() == 2).then_some(())
    });
    let mut second = Member::join(&log);
    let error = wait_until(|| {
        second.poll_and_release();
        first.poll().err()
    });
    assert!(matches!(error, LogError::Rejected(_)), "{error:?}");
}
