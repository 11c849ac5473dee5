//! Tests of supervision and publishing with scripted sources.

mod supervision;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix::prelude::*;
use futures::FutureExt;
use futures::future::join_all;
use moodvane_eventlog::{LogError, NewRecord};
use moodvane_model::{EventTimeBounds, SourceId, Timestamp, Topic};
use moodvane_runtime::{ManualClock, Readiness, metrics};
use prometheus::Registry;
use tokio_util::sync::CancellationToken;

use crate::dispatcher::SourceSpec;
use crate::error::SourceError;
use crate::metrics::IngesterMetrics;
use crate::publisher::{Publish, Publisher, PublisherDeps};
use crate::recovery::RetryPolicy;
use crate::source_context::{SourceContext, SourceExit, SourceFuture};
use crate::start::{Environment, start_specs};
use crate::status::SourceStats;
use crate::testing::{FakeLog, eventually};
use crate::{
    Backoff, CircuitConfig, IngestError, Ingester, IngesterConfig, SourceState, SourceStatus,
};

const MS: Duration = Duration::from_millis(1);
const GRACE: Duration = Duration::from_secs(10);

fn config(backoff: Duration) -> IngesterConfig {
    IngesterConfig {
        formatters_min: 1,
        formatters_max: 1,
        mailbox: 4,
        batch_posts: 10,
        batches_in_flight: 2,
        backoff: Backoff::new(backoff, backoff * 2).unwrap(),
        circuit: CircuitConfig {
            failures: 1_000,
            cooldown: MS,
        },
        watchdog_grace: Duration::from_secs(3_600),
        drain: GRACE,
        spool: None,
        bounds: EventTimeBounds::STANDARD,
        sources: Vec::new(),
    }
}

/// A source whose runs are created by `run`, from the number of earlier runs.
fn spec(
    id: &str,
    finite: bool,
    run: impl Fn(usize, SourceContext) -> SourceFuture + 'static,
) -> SourceSpec {
    let runs = AtomicUsize::new(0);
    SourceSpec {
        stats: Arc::new(SourceStats::new(SourceId::parse(id).unwrap())),
        finite,
        replayable: true,
        policy: RetryPolicy::Standard,
        factory: Box::new(move |context| run(runs.fetch_add(1, Ordering::SeqCst), context)),
    }
}

async fn until_stopped(context: SourceContext) -> Result<SourceExit, SourceError> {
    context.set_running();
    context.shared.stop.cancelled().await;
    Ok(SourceExit::Stopped)
}

struct Rig {
    ingester: Ingester,
    registry: Registry,
    readiness: Readiness,
}

fn start(backoff: Duration, specs: Vec<SourceSpec>) -> Rig {
    let (registry, readiness) = (Registry::new(), Readiness::new());
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000).unwrap()));
    let environment = Environment {
        log: FakeLog::new(),
        clock,
        registry: &registry,
        readiness: &readiness,
    };
    let ingester = start_specs(&config(backoff), specs, environment).unwrap();
    Rig {
        ingester,
        registry,
        readiness,
    }
}

impl Rig {
    fn status(&self, index: usize) -> SourceStatus {
        self.ingester.status().remove(index)
    }

    fn metric(&self, line: &str) -> bool {
        metrics::render(&self.registry).lines().any(|l| l == line)
    }
}

#[actix::test]
async fn restarts_panicking_source_without_affecting_others() {
    let panicking = spec("panicking", false, |runs, context| {
        async move {
            assert!(runs >= 3, "on purpose");
            until_stopped(context).await
        }
        .boxed_local()
    });
    let stable = spec("stable", false, |runs, context| {
        assert_eq!(runs, 0, "the stable source runs once");
        until_stopped(context).boxed_local()
    });
    let rig = start(MS, vec![panicking, stable]);
    eventually("panicking source runs", || {
        rig.status(0).state == SourceState::Running
    })
    .await;
    let (panicking, stable) = (rig.status(0), rig.status(1));
    assert_eq!((panicking.restarts, stable.restarts), (3, 0));
    assert!(panicking.last_error.unwrap().contains("panic"));
    assert_eq!(
        (stable.state, stable.last_error),
        (SourceState::Running, None)
    );
    assert!(rig.metric("moodvane_ingester_source_restarts_total{source=\"panicking\"} 3"));
    assert!(
        rig.metric("moodvane_ingester_source_errors_total{reason=\"lost\",source=\"panicking\"} 3")
    );
    assert!(rig.ingester.drain(GRACE).await.abandoned.is_empty());
}

#[actix::test]
async fn drain_does_not_wait_for_source_in_backoff() {
    let failing = spec("failing", false, |_, _| {
        async { Err(SourceError::Closed) }.boxed_local()
    });
    let rig = start(Duration::from_secs(3600), vec![failing]);
    let backoff_ms = |status: SourceStatus| match status.state {
        SourceState::BackingOff { until } => Some(until.millis() - 1_000_000),
        _ => None,
    };
    eventually("source backs off", || backoff_ms(rig.status(0)).is_some()).await;
    let delay_ms = backoff_ms(rig.status(0)).unwrap();
    assert!((3_600_000..=7_200_000).contains(&delay_ms), "{delay_ms}");
    assert!(rig.ingester.drain(GRACE).await.abandoned.is_empty());
    assert_eq!(rig.status(0).state, SourceState::Stopped);
    assert!(rig.readiness.report()[0].1.is_err(), "not ready");
}

#[actix::test]
async fn does_not_restart_finished_or_permanently_failed_finite_source() {
    let done = spec("done", true, |_, _| {
        async { Ok(SourceExit::Finished) }.boxed_local()
    });
    let lost = spec("lost", true, |runs, _| {
        let error = SourceError::File {
            path: "posts.tsv".to_owned(),
            source: format!("no such file, run {runs}").into(),
        };
        async { Err(error) }.boxed_local()
    });
    let rig = start(MS, vec![done, lost]);
    let ended = rig.ingester.finished().await;
    let Err(IngestError::Failed { source_id, reason }) = ended else {
        panic!("{ended:?}");
    };
    assert_eq!(source_id.as_str(), "lost");
    assert_eq!(reason, "cannot read posts.tsv: no such file, run 0");
    let states = [rig.status(0).state, rig.status(1).state];
    assert_eq!(states, [SourceState::Finished, SourceState::Failed]);
}

#[actix::test]
async fn finished_returns_error_when_ingester_is_drained() {
    let slow = spec("slow", true, |_, context| {
        until_stopped(context).boxed_local()
    });
    let rig = start(MS, vec![slow]);
    let (ended, _) = tokio::join!(rig.ingester.finished(), rig.ingester.drain(GRACE));
    assert_eq!(ended, Err(IngestError::Stopped));
}

#[actix::test]
async fn drain_abandons_and_names_stuck_source() {
    let stuck = spec("stuck", false, |_, _| {
        std::future::pending::<Result<SourceExit, SourceError>>().boxed_local()
    });
    let rig = start(MS, vec![stuck]);
    let report = rig.ingester.drain(MS * 20).await;
    assert_eq!(report.abandoned, [SourceId::parse("stuck").unwrap()]);
    assert_eq!(rig.status(0).state, SourceState::Stopped);
    assert!(
        rig.ingester.drain(GRACE).await.abandoned.is_empty(),
        "reported once"
    );
}

fn publisher(log: &Arc<FakeLog>, readiness: &Readiness, slots: usize) -> Addr<Publisher> {
    let check = readiness.check("ingester");
    check.ok();
    Publisher::new(PublisherDeps {
        log: Arc::clone(log) as _,
        spool: None,
        metrics: IngesterMetrics::new(&Registry::new()),
        slots,
        mailbox: 1,
        backoff: Backoff::new(MS, MS * 2).unwrap(),
        check,
        stop: CancellationToken::new(),
        closed: CancellationToken::new(),
    })
    .start()
}

fn publish(n: u8) -> Publish {
    Publish {
        source: SourceId::parse("test").unwrap(),
        non_replayable: false,
        cursor: None,
        topic: Topic::Tweet,
        records: vec![NewRecord {
            key: vec![b'0' + n],
            value: Vec::new(),
        }],
    }
}

#[actix::test]
async fn publisher_bounds_publishes_in_flight() {
    let (log, readiness) = (FakeLog::new(), Readiness::new());
    log.hold();
    let publisher = publisher(&log, &readiness, 2);
    let sent = actix::spawn(join_all((0..9).map(|n| publisher.send(publish(n)))));
    eventually("two publishes in flight", || log.begun() == 2).await;
    // Lets every ready task run, so that a publish beyond the bound would start.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(log.begun(), 2);
    log.release();
    assert!(
        sent.await
            .unwrap()
            .into_iter()
            .all(|sent| sent.unwrap().is_ok())
    );
    assert_eq!(log.count(Topic::Tweet), 9);
}

#[actix::test]
async fn retries_unavailable_log_and_fails_readiness_meanwhile() {
    let (log, readiness) = (FakeLog::new(), Readiness::new());
    for _ in 0..3 {
        log.refuse(LogError::Unavailable("on purpose".into()));
    }
    log.allow(1);
    let publisher = publisher(&log, &readiness, 1);
    let sent = actix::spawn(publisher.send(publish(1)));
    eventually("publish is retried", || log.begun() == 2).await;
    assert!(
        readiness.report()[0]
            .1
            .as_ref()
            .unwrap_err()
            .contains("on purpose")
    );
    log.release();
    sent.await.unwrap().unwrap().unwrap();
    assert_eq!((log.begun(), log.count(Topic::Tweet)), (4, 1));
    assert_eq!(readiness.report()[0].1, Ok(()));
}

#[actix::test]
async fn publishes_after_panicking_publish() {
    let (log, readiness) = (FakeLog::new(), Readiness::new());
    let publisher = publisher(&log, &readiness, 1);
    log.panic_once();
    assert!(
        publisher.send(publish(1)).await.is_err(),
        "not acknowledged"
    );
    publisher.send(publish(2)).await.unwrap().unwrap();
    assert_eq!(log.keys(Topic::Tweet), ["2"]);
}

#[actix::test]
async fn returns_permanent_publish_error() {
    let (log, readiness) = (FakeLog::new(), Readiness::new());
    log.refuse(LogError::Corrupt("on purpose".into()));
    let publisher = publisher(&log, &readiness, 1);
    let refused = publisher.send(publish(1)).await.unwrap();
    assert!(matches!(refused, Err(LogError::Corrupt(_))), "{refused:?}");
    assert_eq!(log.begun(), 1);
}
