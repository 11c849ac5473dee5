//! Faults of each weather provider, on a clock that the tests advance: the source waits as long as
//! the provider requests, other providers are not affected, and the next observation arrives.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use moodvane_ingester::{ApiKey, SourceConfig, WeatherConfig, WeatherProvider};
use moodvane_model::Topic;
use moodvane_runtime::Clock;
use moodvane_simulator::{Fault, Upstream};

use support::log::eventually;
use support::simulated::World;
use support::{GRACE, Rig, config, new_york, source};

const S: Duration = Duration::from_secs(1);
/// Poll interval of these tests.
const POLL: Duration = Duration::from_secs(60);

/// Time limit of a response; a request in flight has this wait on the clock.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
/// Delay of a response after the time limit.
const SLOW: Duration = Duration::from_secs(30);
/// No wait in these tests differs from a multiple of it by the time limit of a response.
const STEP: Duration = Duration::from_millis(4_700);

/// Advances the clock until `holds`. It does not advance while a response is in flight, except a
/// slow one: the socket does not follow the clock.
async fn advance_until(world: &World, what: &str, holds: impl Fn() -> bool) {
    let is_in_flight = || {
        let waits = world.clock.pending_sleeps();
        let requests = waits
            .iter()
            .filter(|wait| **wait == RESPONSE_TIMEOUT)
            .count();
        requests > usize::from(waits.contains(&SLOW))
    };
    let mut looks = tokio::time::interval(Duration::from_millis(2));
    let passed = tokio::time::timeout(GRACE * 6, async {
        while !holds() {
            if !is_in_flight() {
                world.clock.advance(STEP);
            }
            looks.tick().await;
        }
    });
    assert!(passed.await.is_ok(), "not within the bound: {what}");
}

/// Every provider with its counterpart in the simulator.
fn providers() -> [(Upstream, WeatherProvider); 6] {
    let key = || ApiKey::new("k".to_owned());
    let contact = "ops@example.org".to_owned();
    [
        (Upstream::OpenMeteo, WeatherProvider::OpenMeteo),
        (
            Upstream::OpenWeatherMap,
            WeatherProvider::OpenWeatherMap(key()),
        ),
        (Upstream::Weatherbit, WeatherProvider::Weatherbit(key())),
        (Upstream::Apixu, WeatherProvider::Apixu(key())),
        (Upstream::Weatherstack, WeatherProvider::Weatherstack(key())),
        (Upstream::Nws, WeatherProvider::Nws { contact }),
    ]
}

fn weather(world: &World, id: &str, provider: WeatherProvider) -> SourceConfig {
    SourceConfig::Weather(WeatherConfig {
        id: source(id),
        provider,
        base_url: world.simulator.base_url(),
        cities: vec![new_york()],
        poll: POLL,
        calls_per_day: None,
        history_days: 0,
    })
}

/// Number of observations of a source in the log.
fn observed(world: &World, id: &str) -> usize {
    let part = format!(":{id}:");
    let keys = world.log.keys(Topic::Temperature);
    keys.iter().filter(|key| key.contains(&part)).count()
}

/// Starts the provider as source `it`, and one of another kind as source `other`.
async fn start(world: &World, upstream: Upstream, provider: WeatherProvider) -> Rig {
    let other = match upstream {
        Upstream::OpenMeteo => WeatherProvider::Apixu(ApiKey::new("k".to_owned())),
        _ => WeatherProvider::OpenMeteo,
    };
    let sources = vec![
        weather(world, "it", provider),
        weather(world, "other", other),
    ];
    let rig = world.ingest(config(sources));
    eventually("both published", || {
        observed(world, "it") == 1 && observed(world, "other") == 1
    })
    .await;
    rig
}

async fn assert_recovers(fault: Fault, reason: &str, pause: Option<Duration>) {
    for (upstream, provider) in providers() {
        let what = format!("{upstream:?}: {fault:?}");
        let world = World::begin().await;
        let rig = start(&world, upstream, provider).await;
        world.simulator.inject(upstream, fault);
        advance_until(&world, &what, || rig.errors(reason) == 1).await;
        if let Some(pause) = pause {
            // The clock does not advance, and the source waits for the requested pause.
            let is_paused = || {
                world
                    .clock
                    .pending_sleeps()
                    .iter()
                    .any(|w| *w > pause - S && *w <= pause)
            };
            eventually(&what, is_paused).await;
        }
        // The simulator has a new value every quarter of an hour.
        advance_until(&world, &what, || {
            observed(&world, "it") == 2 && observed(&world, "other") == 2
        })
        .await;
        let status = rig.ingester.status();
        assert_eq!((status[0].restarts, status[1].restarts), (0, 0), "{what}");
        assert_eq!(
            status[1].last_error, None,
            "{what}: the other provider is not affected"
        );
        rig.ingester.drain(GRACE).await;
    }
}

#[actix::test]
async fn honours_requested_pause_after_429() {
    assert_recovers(Fault::Status(429, Some(500)), "status", Some(S * 500)).await;
    // Without a duration the pause is one poll interval.
    assert_recovers(Fault::Status(429, None), "status", Some(POLL)).await;
}

#[actix::test]
async fn retries_after_503() {
    assert_recovers(Fault::Status(503, None), "status", None).await;
}

#[actix::test]
async fn times_out_slow_response() {
    assert_recovers(Fault::Slow(SLOW), "request", None).await;
}

#[actix::test]
async fn reports_non_json_response() {
    assert_recovers(Fault::InvalidBody, "not_json", None).await;
}

#[actix::test]
async fn keeps_poll_interval_across_clock_jumps() {
    for (upstream, provider) in providers() {
        let world = World::begin().await;
        let rig = start(&world, upstream, provider).await;
        let (now, requests) = (world.clock.now(), world.simulator.stats().current);
        for jump_ms in [-3_600_000, 3_600_000, 0] {
            world.clock.set(now.checked_add_millis(jump_ms).unwrap());
            // A request caused by the jump would start within these yields.
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(world.simulator.stats().current, requests, "{upstream:?}");
        world.clock.advance(POLL);
        eventually("both poll again", || {
            world.simulator.stats().current >= requests + 2
        })
        .await;
        rig.ingester.drain(GRACE).await;
    }
}
