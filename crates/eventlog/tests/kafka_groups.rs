//! Members of one Kafka group: sharing, letting go, dying, coming back. On a real broker.

#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

mod conformance;
mod kafka_cluster;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use conformance::{A_MOMENT, LONGEST, record};
use kafka_cluster::{Cluster, admin, options};
use moodvane_eventlog::{
    Batch, Consumer, ConsumerEvent, EventLog, KafkaConfig, KafkaLog, LogError, TopicPartition,
};
use moodvane_model::{Offset, Topic};

/// Polls that show that nothing happens: longer than several heartbeats.
const QUIET_POLLS: u32 = 40;

type Partitions = BTreeSet<TopicPartition>;

/// A member that begins what it is given, and lets go when the test says so.
struct Member {
    consumer: Box<dyn Consumer>,
    batch: Batch,
    has: Partitions,
    read: Vec<TopicPartition>,
}

impl Member {
    fn join(log: &KafkaLog) -> Self {
        Self {
            consumer: log.consumer("g", &[Topic::Tweet]).unwrap(),
            batch: Batch::with_capacity(100),
            has: Partitions::new(),
            read: Vec::new(),
        }
    }

    /// Polls once; returns what is to be released.
    fn poll(&mut self) -> Result<Option<Partitions>, LogError> {
        let event = match self.consumer.poll(&mut self.batch, A_MOMENT) {
            // A topic that was just made has no leader everywhere yet: asking again helps.
            Err(LogError::Unavailable(_)) => ConsumerEvent::Idle,
            other => other?,
        };
        match event {
            ConsumerEvent::Idle => {}
            ConsumerEvent::Records => self.read.push(self.batch.topic_partition()),
            ConsumerEvent::Assigned(all) => {
                for marks in all {
                    self.consumer.start(marks.topic_partition, marks.low)?;
                    self.has.insert(marks.topic_partition);
                }
            }
            ConsumerEvent::Revoked(partitions) => {
                let revoked: Partitions = partitions.into_iter().collect();
                self.has.retain(|at| !revoked.contains(at));
                return Ok(Some(revoked));
            }
        }
        Ok(None)
    }

    fn release(&mut self, partitions: &Partitions) {
        let partitions: Vec<_> = partitions.iter().copied().collect();
        self.consumer.release(&partitions).unwrap();
    }

    /// Polls once, as a member does that lets go at once.
    fn work(&mut self) {
        if let Some(revoked) = self.poll().unwrap() {
            self.release(&revoked);
        }
    }
}

/// Does `step` until it gives something.
fn until<T>(mut step: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + LONGEST;
    while Instant::now() < deadline {
        if let Some(found) = step() {
            return found;
        }
    }
    panic!("it did not happen")
}

/// Both members poll until they share `count` partitions evenly.
fn share(a: &mut Member, b: &mut Member, count: usize) {
    until(|| {
        a.work();
        b.work();
        let even = a.has.len() == count / 2 && b.has.len() == count / 2;
        (even && a.has.is_disjoint(&b.has)).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_members_share_the_partitions_and_a_revocation_waits_for_its_release() {
    let cluster = Cluster::new();
    let mut config = cluster.config(4);
    config.max_poll_interval = LONGEST;
    let log = KafkaLog::open(config).await.unwrap();
    let mut a = Member::join(&log);
    until(|| {
        a.work();
        (a.has.len() == 4).then_some(())
    });
    let mut b = Member::join(&log);
    let revoked = until(|| {
        b.work();
        a.poll().unwrap()
    });
    assert_eq!(revoked.len(), 2);
    for _ in 0..QUIET_POLLS {
        assert_eq!(a.poll().unwrap(), None);
        b.work();
        assert!(b.has.is_empty(), "nobody else has them before the release");
    }
    let everywhere = (0..100).map(|i| record(&i.to_string(), "")).collect();
    log.publish(Topic::Tweet, everywhere).await.unwrap();
    a.release(&revoked);
    let kept = a.has.clone();
    until(|| {
        assert_eq!(a.poll().unwrap(), None, "what stays is not touched");
        b.work();
        (b.has == revoked && !a.read.is_empty() && !b.read.is_empty()).then_some(())
    });
    assert_eq!(a.has, kept);
    assert!(a.read.iter().all(|at| kept.contains(at)));
    drop(b);
    until(|| {
        a.work();
        (a.has.len() == 4).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_that_are_not_released_in_time_are_given_up() {
    let cluster = Cluster::new();
    let log = KafkaLog::open(cluster.config(2)).await.unwrap();
    let mut a = Member::join(&log);
    until(|| {
        a.work();
        (a.has.len() == 2).then_some(())
    });
    let mut b = Member::join(&log);
    let revoked = until(|| {
        b.work();
        a.poll().unwrap()
    });
    until(|| {
        assert_eq!(a.poll().unwrap(), None);
        b.work();
        (b.has == revoked).then_some(())
    });
    a.release(&revoked);
    assert_eq!(a.poll().unwrap(), None, "a late release changes nothing");
    assert_eq!(a.has.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_stops_polling_loses_its_partitions_and_is_told_so() {
    let cluster = Cluster::new();
    let log = KafkaLog::open(cluster.config(2)).await.unwrap();
    let mut a = Member::join(&log);
    until(|| {
        a.work();
        (a.has.len() == 2).then_some(())
    });
    let mut b = Member::join(&log);
    until(|| {
        b.work();
        (b.has.len() == 2).then_some(())
    });
    // One was to go to the newcomer in any case, the other is lost.
    let mut told = Partitions::new();
    until(|| {
        b.work();
        if let Some(lost) = a.poll().unwrap() {
            a.release(&lost);
            told.extend(lost);
        }
        (told.len() == 2).then_some(())
    });
    share(&mut a, &mut b, 2);
}

/// Not a test: the member that is killed below, in a process of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_in_a_process_of_its_own() {
    let Ok(prefix) = std::env::var("MOODVANE_TEST_MEMBER") else {
        return;
    };
    let log = KafkaLog::open(Cluster { prefix }.config(2)).await.unwrap();
    let mut member = Member::join(&log);
    loop {
        member.work();
        if !member.has.is_empty() {
            println!("\nhas {}", member.has.len());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_partitions_of_a_killed_member_go_to_the_others() {
    let cluster = Cluster::new();
    let log = KafkaLog::open(cluster.config(2)).await.unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_member_in_a_process_of_its_own", "--nocapture"])
        .env("MOODVANE_TEST_MEMBER", &cluster.prefix)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines
        .find(|line| line.as_ref().unwrap() == "has 2")
        .unwrap()
        .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let mut heir = Member::join(&log);
    until(|| {
        heir.work();
        (heir.has.len() == 2).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_that_are_added_reach_the_members_that_run() {
    let cluster = Cluster::new();
    let mut config = cluster.config(2);
    let refresh = "topic.metadata.refresh.interval.ms".to_owned();
    config.properties.insert(refresh, "500".to_owned());
    let log = KafkaLog::open(config).await.unwrap();
    let (mut a, mut b) = (Member::join(&log), Member::join(&log));
    share(&mut a, &mut b, 2);
    KafkaLog::open(cluster.config(6)).await.unwrap();
    share(&mut a, &mut b, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_made_again_under_a_member_is_reported_as_assigned_anew() {
    let cluster = Cluster::new();
    let log = KafkaLog::open(cluster.config(1)).await.unwrap();
    let mut a = Member::join(&log);
    let records = (0..10).map(|i| record(&i.to_string(), "")).collect();
    log.publish(Topic::Tweet, records).await.unwrap();
    until(|| {
        a.work();
        (!a.read.is_empty()).then_some(())
    });
    let name = cluster.name(Topic::Tweet);
    let deleted = admin().delete_topics(&[&name], &options()).await.unwrap();
    assert_eq!(deleted, [Ok(name)]);
    let remade = until_open(&cluster).await;
    let marks = remade.watermarks(Topic::Tweet).await.unwrap();
    assert_eq!(marks[0].high, Offset(0));
    until(|| match a.consumer.poll(&mut a.batch, A_MOMENT) {
        Ok(ConsumerEvent::Assigned(all)) => all.iter().any(|w| w.high == Offset(0)).then_some(()),
        Ok(ConsumerEvent::Revoked(all)) => {
            a.consumer.release(&all).unwrap();
            None
        }
        _ => None,
    });
}

/// Makes the topics again; a deletion takes a moment to reach everybody.
async fn until_open(cluster: &Cluster) -> KafkaLog {
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
        assert!(Instant::now() < deadline, "the topic is not made again");
    }
}

fn named(cluster: &Cluster, id: &str) -> KafkaConfig {
    let mut config = cluster.config(2);
    config.instance_id = Some(id.to_owned());
    // Nobody's session may end during the test.
    config.session_timeout = LONGEST;
    config.max_poll_interval = LONGEST;
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_named_member_that_restarts_takes_its_partitions_up_again_without_a_rebalance() {
    let cluster = Cluster::new();
    let log_a = KafkaLog::open(named(&cluster, "a")).await.unwrap();
    let log_b = KafkaLog::open(named(&cluster, "b")).await.unwrap();
    let (mut a, mut b) = (Member::join(&log_a), Member::join(&log_b));
    share(&mut a, &mut b, 2);
    let (had, others) = (a.has.clone(), b.has.clone());
    drop(a);
    let mut a = Member::join(&log_a);
    until(|| {
        a.work();
        assert_eq!(b.poll().unwrap(), None, "the other one is left alone");
        (a.has == had).then_some(())
    });
    assert_eq!(b.has, others);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_members_of_one_name_are_an_error() {
    let cluster = Cluster::new();
    let log = KafkaLog::open(named(&cluster, "a")).await.unwrap();
    let mut first = Member::join(&log);
    until(|| {
        first.work();
        (first.has.len() == 2).then_some(())
    });
    let mut second = Member::join(&log);
    let error = until(|| {
        second.work();
        first.poll().err()
    });
    assert!(matches!(error, LogError::Rejected(_)), "{error:?}");
}
