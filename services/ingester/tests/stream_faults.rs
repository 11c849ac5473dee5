//! Every fault against every streaming source, on a virtual clock. All posts reach the log, and a
//! second source is unaffected.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use moodvane_ingester::{
    IngesterConfig, SourceConfig, SourceState, WeatherConfig, WeatherProvider,
};
use moodvane_model::Topic;
use moodvane_simulator::{Fault, Upstream};

use support::log::eventually;
use support::simulated::{World, runs};
use support::{GRACE, Rig, config, new_york, source};

const S: Duration = Duration::from_secs(1);

/// A streaming source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Jetstream,
    X,
    Mastodon,
}

impl Stream {
    const ALL: [Self; 3] = [Self::Jetstream, Self::X, Self::Mastodon];

    fn upstream(self) -> Upstream {
        match self {
            Self::Jetstream => Upstream::Jetstream,
            Self::X => Upstream::X,
            Self::Mastodon => Upstream::Mastodon,
        }
    }

    /// Jetstream requires no token.
    fn config(self, world: &World, token: &str) -> SourceConfig {
        match self {
            Self::Jetstream => SourceConfig::Bluesky(world.bluesky()),
            Self::X => SourceConfig::X(world.x(token)),
            Self::Mastodon => SourceConfig::Mastodon(world.mastodon(token)),
        }
    }
}

/// Starts the stream with a weather source that must be unaffected.
fn start(world: &World, stream: Stream) -> Rig {
    world.ingest(beside_weather(world, stream.config(world, "token")))
}

fn beside_weather(world: &World, stream: SourceConfig) -> IngesterConfig {
    let weather = WeatherConfig {
        id: source("open-meteo"),
        provider: WeatherProvider::OpenMeteo,
        base_url: world.simulator.base_url(),
        cities: vec![new_york()],
        poll: Duration::from_millis(20),
        calls_per_day: None,
        history_days: 0,
    };
    config(vec![stream, SourceConfig::Weather(weather)])
}

fn weather_is_unaffected(rig: &Rig) -> bool {
    let weather = rig.ingester.status().remove(1);
    weather.restarts == 0 && weather.last_error.is_none()
}

/// Injects `faults` one after another into a running stream, and checks that no post is missing.
async fn survives(stream: Stream, faults: &[Fault], noticed: impl Fn(&Rig) -> bool) {
    let what = format!("{stream:?}: {faults:?}");
    let world = World::begin().await;
    // The first connection breaks, so that the source has a position to resume from.
    world
        .simulator
        .inject(stream.upstream(), Fault::Disconnect(12));
    for fault in faults {
        world.simulator.inject(stream.upstream(), *fault);
    }
    let rig = start(&world, stream);
    eventually(&what, || runs(&rig.status())).await;
    world.pass_until(&what, || world.posts() >= 5).await;
    world.pass_until(&what, || noticed(&rig)).await;
    world
        .pass_until(&what, || runs(&rig.status()) && world.posts() >= 20)
        .await;
    // Records in flight arrive while the clock is stopped.
    eventually(&what, || world.posts() == world.published()).await;
    assert!(weather_is_unaffected(&rig), "{what}");
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn loses_no_post_when_connection_breaks_within_record() {
    for stream in Stream::ALL {
        survives(stream, &[Fault::Disconnect(3)], |rig| {
            rig.status().restarts >= 2
        })
        .await;
    }
}

#[actix::test]
async fn retries_refused_connection() {
    for stream in Stream::ALL {
        let faults = [Fault::Status(503, None), Fault::Status(429, Some(30))];
        survives(stream, &faults, |rig| rig.errors("status") >= 2).await;
    }
}

#[actix::test]
async fn loses_no_post_while_token_is_temporarily_rejected() {
    for stream in [Stream::X, Stream::Mastodon] {
        let faults = [Fault::Status(401, None); 3];
        survives(stream, &faults, |rig| rig.errors("status") >= 3).await;
    }
}

#[actix::test]
async fn expired_token_opens_circuit_without_being_shown() {
    for stream in [Stream::X, Stream::Mastodon] {
        let world = World::begin().await;
        let mut config = beside_weather(&world, stream.config(&world, "expired"));
        config.circuit.failures = 3;
        config.circuit.cooldown = S * 600;
        let rig = world.ingest(config);
        let open = || matches!(rig.status().state, SourceState::CircuitOpen { .. });
        world.pass_until("the circuit opens", open).await;
        let status = rig.status();
        assert_eq!(
            (status.restarts, rig.errors("status")),
            (2, 3),
            "{stream:?}"
        );
        let said = status.last_error.clone().unwrap();
        assert!(said.contains("401") && !said.contains("expired"), "{said}");
        // The circuit stays open for the cooldown, then the source gets one attempt.
        // Steps, so that no request of the weather that is in flight reaches its time-out.
        for _ in 0..590 {
            world.clock.advance(S - S / 10);
            world.pass(S / 10).await;
        }
        assert_eq!(rig.status(), status, "{stream:?}");
        world
            .pass_until("source gets an attempt", || rig.errors("status") == 4)
            .await;
        assert!(open(), "{stream:?}");
        assert!(weather_is_unaffected(&rig), "{stream:?}");
        assert!(world.log.count(Topic::Temperature) > 0, "{stream:?}");
        assert_eq!(world.posts(), 0);
        rig.ingester.drain(GRACE).await;
    }
}

#[actix::test]
async fn times_out_slow_response() {
    for stream in Stream::ALL {
        let reason = if stream == Stream::Jetstream {
            "connect"
        } else {
            "request"
        };
        survives(stream, &[Fault::Slow(S * 30)], |rig| {
            rig.errors(reason) >= 1
        })
        .await;
    }
}

#[actix::test]
async fn reconnects_stalled_stream() {
    for stream in Stream::ALL {
        survives(stream, &[Fault::Stall(2)], |rig| rig.errors("idle") >= 1).await;
    }
}

#[actix::test]
async fn counts_garbage_between_records() {
    for stream in Stream::ALL {
        survives(stream, &[Fault::Garbage(2)], |rig| {
            rig.dropped("malformed") >= 1
        })
        .await;
    }
}

#[actix::test]
async fn counts_repeated_posts_once_after_reconnect() {
    for stream in Stream::ALL {
        survives(stream, &[Fault::Rewind(S * 60)], |rig| {
            rig.status().restarts >= 1
        })
        .await;
    }
}

#[actix::test]
async fn clock_jump_ends_no_stream_and_loses_no_post() {
    for stream in Stream::ALL {
        let world = World::begin().await;
        let rig = start(&world, stream);
        eventually("source runs", || runs(&rig.status())).await;
        world.pass_until("posts", || world.posts() >= 3).await;
        let now = moodvane_runtime::Clock::now(&*world.clock);
        for jump_ms in [-60_000, 120_000] {
            world.clock.set(now.checked_add_millis(jump_ms).unwrap());
            world.pass(S).await;
        }
        eventually("no post is missing", || world.posts() == world.published()).await;
        assert_eq!(rig.status().restarts, 0, "{stream:?}");
        rig.ingester.drain(GRACE).await;
    }
}

#[actix::test]
async fn counts_gap_when_jetstream_resumes_late() {
    // In seconds: how long the source is stopped, how much the server has discarded, and the
    // reported gap.
    for (stopped, discarded, reported) in [(2_000, 1_200, 1_190..=1_215), (90, 60, 50..=60)] {
        let world = World::begin().await;
        world
            .simulator
            .inject(Upstream::Jetstream, Fault::Disconnect(12));
        let rig = start(&world, Stream::Jetstream);
        world
            .pass_until("connection breaks", || rig.status().restarts == 1)
            .await;
        world
            .pass_until("source runs", || runs(&rig.status()))
            .await;
        rig.ingester.drain(GRACE).await;
        assert_eq!(rig.errors("gap"), 0, "a rewind is no gap");
        world.clock.advance(S * stopped);
        let skip = Fault::SkipAhead(S * discarded);
        world.simulator.inject(Upstream::Jetstream, skip);
        let rig = start(&world, Stream::Jetstream);
        world
            .pass_until("gap is reported", || rig.errors("gap") == 1)
            .await;
        let missing = rig.counter("moodvane_ingester_gap_ms_total{source=\"bluesky\"}");
        assert!(reported.contains(&(missing / 1_000)), "{missing}");
        rig.ingester.drain(GRACE).await;
    }
}

#[actix::test]
async fn switches_jetstream_host_without_losing_posts() {
    let (world, other) = (World::begin().await, World::begin().await);
    let mut bluesky = world.bluesky();
    // Both simulators serve the same posts.
    bluesky.other_urls = vec![world.simulator.stream_url()];
    bluesky.base_url = other.simulator.stream_url();
    other
        .simulator
        .inject(Upstream::Jetstream, Fault::Status(503, None));
    let rig = world.ingest(config(vec![SourceConfig::Bluesky(bluesky)]));
    world
        .pass_until("other host is read", || world.posts() >= 20)
        .await;
    eventually("no post is missing", || world.posts() == world.published()).await;
    assert_eq!(other.simulator.stats().subscriptions, 0);
    assert_eq!(rig.status().restarts, 1);
    rig.ingester.drain(GRACE).await;
}
