//! What each provider of weather may do wrong, on a clock that the tests move: it is waited out as it
//! asks for, another provider does not notice, and the next observation arrives.

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
/// How often the providers are asked here.
const POLL: Duration = Duration::from_secs(60);

/// How long an answer is waited for; who asks has a wait of that on the clock.
const ANSWER: Duration = Duration::from_secs(10);
/// How slow an answer is that comes too late.
const SLOW: Duration = Duration::from_secs(30);
/// No multiple of it lies as far from any of the waits here as an answer's.
const STEP: Duration = Duration::from_millis(4_700);

/// Lets time pass until `holds`. While an answer is on its way that is not slow by fault the clock
/// stands: the socket's time is not the clock's.
async fn pass(world: &World, what: &str, holds: impl Fn() -> bool) {
    let unanswered = || {
        let waits = world.clock.pending_sleeps();
        let asking = waits.iter().filter(|wait| **wait == ANSWER).count();
        asking > usize::from(waits.contains(&SLOW))
    };
    let mut looks = tokio::time::interval(Duration::from_millis(2));
    let passed = tokio::time::timeout(GRACE * 6, async {
        while !holds() {
            if !unanswered() {
                world.clock.advance(STEP);
            }
            looks.tick().await;
        }
    });
    assert!(passed.await.is_ok(), "not within the bound: {what}");
}

/// Every provider, and the simulator's name for it.
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

/// The observations of a source in the log.
fn observed(world: &World, id: &str) -> usize {
    let part = format!(":{id}:");
    let keys = world.log.keys(Topic::Temperature);
    keys.iter().filter(|key| key.contains(&part)).count()
}

/// The provider as `it`, and another one, of another kind, beside it.
async fn begin(world: &World, upstream: Upstream, provider: WeatherProvider) -> Rig {
    let other = match upstream {
        Upstream::OpenMeteo => WeatherProvider::Apixu(ApiKey::new("k".to_owned())),
        _ => WeatherProvider::OpenMeteo,
    };
    let sources = vec![
        weather(world, "it", provider),
        weather(world, "other", other),
    ];
    let rig = world.ingest(config(sources));
    eventually("both are heard", || {
        observed(world, "it") == 1 && observed(world, "other") == 1
    })
    .await;
    rig
}

async fn meets(fault: Fault, reason: &str, rest: Option<Duration>) {
    for (upstream, provider) in providers() {
        let what = format!("{upstream:?}: {fault:?}");
        let world = World::begin().await;
        let rig = begin(&world, upstream, provider).await;
        world.simulator.inject(upstream, fault);
        pass(&world, &what, || rig.errors(reason) == 1).await;
        if let Some(rest) = rest {
            // The clock stands, and it rests as long as it was asked to.
            let rests = || {
                world
                    .clock
                    .pending_sleeps()
                    .iter()
                    .any(|w| *w > rest - S && *w <= rest)
            };
            eventually(&what, rests).await;
        }
        // The simulator has a new value each quarter of an hour.
        pass(&world, &what, || {
            observed(&world, "it") == 2 && observed(&world, "other") == 2
        })
        .await;
        let status = rig.ingester.status();
        assert_eq!((status[0].restarts, status[1].restarts), (0, 0), "{what}");
        assert_eq!(
            status[1].last_error, None,
            "{what}: the other one does not notice"
        );
        rig.ingester.drain(GRACE).await;
    }
}

#[actix::test]
async fn who_is_asked_too_often_is_left_alone_as_long_as_it_says() {
    meets(Fault::Status(429, Some(500)), "status", Some(S * 500)).await;
    // Where it does not say how long, it is a poll.
    meets(Fault::Status(429, None), "status", Some(POLL)).await;
}

#[actix::test]
async fn a_refusal_is_waited_out() {
    meets(Fault::Status(503, None), "status", None).await;
}

#[actix::test]
async fn an_answer_that_takes_too_long_is_not_waited_for() {
    meets(Fault::Slow(SLOW), "request", None).await;
}

#[actix::test]
async fn an_answer_that_is_none_is_told_as_that() {
    meets(Fault::Nonsense, "not_json", None).await;
}

#[actix::test]
async fn a_clock_that_jumps_makes_nobody_ask_more_often() {
    for (upstream, provider) in providers() {
        let world = World::begin().await;
        let rig = begin(&world, upstream, provider).await;
        let (now, asked) = (world.clock.now(), world.simulator.served().current);
        for jump_ms in [-3_600_000, 3_600_000, 0] {
            world.clock.set(now.checked_add_millis(jump_ms).unwrap());
            // Whatever wanted to ask now would ask before this wait is over.
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(world.simulator.served().current, asked, "{upstream:?}");
        world.clock.advance(POLL);
        eventually("both are asked again", || {
            world.simulator.served().current >= asked + 2
        })
        .await;
        rig.ingester.drain(GRACE).await;
    }
}
