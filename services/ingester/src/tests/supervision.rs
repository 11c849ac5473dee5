//! Tests of hung and repeatedly failing sources, on a virtual clock.

use moodvane_runtime::{Clock, VirtualClock};

use super::*;

const S: Duration = Duration::from_secs(1);

fn at() -> Timestamp {
    Timestamp::from_millis(1_000_000).unwrap()
}

fn start_on(clock: &Arc<VirtualClock>, config: IngesterConfig, specs: Vec<SourceSpec>) -> Rig {
    let (registry, readiness) = (Registry::new(), Readiness::new());
    let environment = Environment {
        log: FakeLog::new(),
        clock: Arc::clone(clock) as _,
        registry: &registry,
        readiness: &readiness,
    };
    let ingester = start_specs(&config, specs, environment).unwrap();
    Rig {
        ingester,
        registry,
        readiness,
    }
}

#[actix::test]
async fn restarts_only_source_past_watchdog_deadline() {
    let hanging = spec("hanging", false, |runs, context| {
        async move {
            context.set_running();
            match runs {
                0 => context.arm_watchdog(S * 5),
                _ => context.disarm_watchdog(),
            }
            context.shared.stop.cancelled().await;
            // The first run ignores the stop signal too.
            match runs {
                0 => std::future::pending().await,
                _ => Ok(SourceExit::Stopped),
            }
        }
        .boxed_local()
    });
    let stable = spec("stable", false, |runs, context| {
        assert_eq!(runs, 0, "the stable source runs once");
        context.disarm_watchdog();
        until_stopped(context).boxed_local()
    });
    let clock = Arc::new(VirtualClock::new(at()));
    let mut config = config(MS);
    config.watchdog_grace = S * 10;
    let rig = start_on(&clock, config, vec![hanging, stable]);
    eventually("both sources run", || {
        (0..2).all(|n| rig.status(n).state == SourceState::Running)
    })
    .await;
    // The timeout is 5 s, and the grace period 10 s.
    for _ in 0..15 {
        clock.advance(S);
        eventually("supervisor checks", || clock.pending_sleeps().contains(&S)).await;
        assert_eq!(rig.status(0).restarts, 0);
    }
    clock.advance(S);
    eventually("source is found hung", || {
        rig.status(0).last_error.is_some()
    })
    .await;
    assert!(
        rig.status(0)
            .last_error
            .unwrap()
            .contains("watchdog deadline")
    );
    eventually("source waits", || rig.status(0).state.until().is_some()).await;
    clock.advance(S);
    eventually("source runs again", || {
        rig.status(0).state == SourceState::Running && rig.status(0).restarts == 1
    })
    .await;
    assert!(
        rig.metric("moodvane_ingester_source_errors_total{reason=\"hung\",source=\"hanging\"} 1")
    );
    let stable = rig.status(1);
    assert_eq!((stable.restarts, stable.last_error), (0, None));
    assert!(rig.ingester.drain(GRACE).await.abandoned.is_empty());
}

#[actix::test]
async fn opens_circuit_of_repeatedly_failing_source() {
    let failing = spec("failing", false, |_, _| {
        async { Err(SourceError::Closed) }.boxed_local()
    });
    let clock = Arc::new(VirtualClock::new(at()));
    let mut config = config(MS);
    config.circuit = CircuitConfig {
        failures: 3,
        cooldown: S * 600,
    };
    let rig = start_on(&clock, config, vec![failing]);
    let waits = |restarts: u64| {
        let status = rig.status(0);
        status.restarts == restarts && status.state.until().is_some()
    };
    for restarts in 0..2 {
        eventually("source waits", || waits(restarts)).await;
        assert!(matches!(
            rig.status(0).state,
            SourceState::BackingOff { .. }
        ));
        clock.advance(MS * 2);
    }
    for restarts in 2..4 {
        eventually("circuit is open", || waits(restarts)).await;
        let until = clock.now().checked_add_millis(600_000).unwrap();
        assert_eq!(rig.status(0).state, SourceState::CircuitOpen { until });
        clock.advance(S * 600);
    }
    assert!(rig.metric("moodvane_ingester_circuit_opened_total{source=\"failing\"} 2"));
    let tree = serde_json::to_value(rig.ingester.actor_tree()).unwrap();
    let names: Vec<_> = tree["actors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["dispatcher", "failing", "formatters", "publisher"]);
    assert_eq!(tree["actors"][1]["parent"], "dispatcher");
    assert!(
        tree["actors"][1]["last_error"]
            .as_str()
            .unwrap()
            .contains("closed")
    );
    assert_eq!(tree["actors"][2]["members"]["least"], 1);
    rig.ingester.drain(GRACE).await;
}
