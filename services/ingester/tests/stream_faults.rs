//! What each stream of posts lives through: every fault against every protocol, on a clock that the
//! tests move. The posts that there were are in the log, and a second source does not notice.

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

/// A stream of posts by the name of its protocol.
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

    /// Jetstream wants no token.
    fn config(self, world: &World, token: &str) -> SourceConfig {
        match self {
            Self::Jetstream => SourceConfig::Bluesky(world.bluesky()),
            Self::X => SourceConfig::X(world.x(token)),
            Self::Mastodon => SourceConfig::Mastodon(world.mastodon(token)),
        }
    }
}

/// The stream, and weather beside it that must not notice.
fn begin(world: &World, stream: Stream) -> Rig {
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

fn weather_is_calm(rig: &Rig) -> bool {
    let weather = rig.ingester.status().remove(1);
    weather.restarts == 0 && weather.last_error.is_none()
}

/// Lets the stream meet `faults` after it has run for a while, one after another, and checks that
/// nothing is missing afterwards.
async fn meets(stream: Stream, faults: &[Fault], noticed: impl Fn(&Rig) -> bool) {
    let what = format!("{stream:?}: {faults:?}");
    let world = World::begin().await;
    // The connection breaks, so that there is a position to come back from.
    world.simulator.inject(stream.upstream(), Fault::Cut(12));
    for fault in faults {
        world.simulator.inject(stream.upstream(), *fault);
    }
    let rig = begin(&world, stream);
    eventually(&what, || runs(&rig.status())).await;
    world.pass_until(&what, || world.posts() >= 5).await;
    world.pass_until(&what, || noticed(&rig)).await;
    world
        .pass_until(&what, || runs(&rig.status()) && world.posts() >= 20)
        .await;
    // What is on its way arrives while the clock stands.
    eventually(&what, || world.posts() == world.told()).await;
    assert!(weather_is_calm(&rig), "{what}");
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn a_connection_that_breaks_within_a_record_loses_none() {
    for stream in Stream::ALL {
        meets(stream, &[Fault::Cut(3)], |rig| rig.status().restarts >= 2).await;
    }
}

#[actix::test]
async fn refusals_are_waited_out() {
    for stream in Stream::ALL {
        let faults = [Fault::Status(503, None), Fault::Status(429, Some(30))];
        meets(stream, &faults, |rig| rig.errors("status") >= 2).await;
    }
}

#[actix::test]
async fn a_token_that_expires_while_a_stream_is_open_costs_nothing_once_it_is_good_again() {
    for stream in [Stream::X, Stream::Mastodon] {
        let faults = [Fault::Status(401, None); 3];
        meets(stream, &faults, |rig| rig.errors("status") >= 3).await;
    }
}

#[actix::test]
async fn an_expired_token_opens_the_circuit_is_never_shown_and_costs_nobody_else() {
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
        // It rests, and is tried once after that.
        world.clock.advance(S * 590);
        world.pass(S).await;
        assert_eq!(rig.status(), status, "{stream:?}");
        world
            .pass_until("it is tried again", || rig.errors("status") == 4)
            .await;
        assert!(open(), "{stream:?}");
        assert!(weather_is_calm(&rig), "{stream:?}");
        assert!(world.log.count(Topic::Temperature) > 0, "{stream:?}");
        assert_eq!(world.posts(), 0);
        rig.ingester.drain(GRACE).await;
    }
}

#[actix::test]
async fn an_answer_that_takes_too_long_is_not_waited_for() {
    for stream in Stream::ALL {
        let reason = if stream == Stream::Jetstream {
            "connect"
        } else {
            "request"
        };
        meets(stream, &[Fault::Slow(S * 30)], |rig| {
            rig.errors(reason) >= 1
        })
        .await;
    }
}

#[actix::test]
async fn a_stream_that_says_nothing_any_more_is_left() {
    for stream in Stream::ALL {
        meets(stream, &[Fault::Stall(2)], |rig| rig.errors("idle") >= 1).await;
    }
}

#[actix::test]
async fn garbage_between_records_is_counted_and_harms_no_other() {
    for stream in Stream::ALL {
        meets(stream, &[Fault::Garbage(2)], |rig| {
            rig.dropped("malformed") >= 1
        })
        .await;
    }
}

#[actix::test]
async fn what_comes_again_after_a_reconnect_counts_once() {
    for stream in Stream::ALL {
        meets(stream, &[Fault::Again(S * 60)], |rig| {
            rig.status().restarts >= 1
        })
        .await;
    }
}

#[actix::test]
async fn a_clock_that_jumps_ends_no_stream_and_loses_nothing() {
    for stream in Stream::ALL {
        let world = World::begin().await;
        let rig = begin(&world, stream);
        eventually("it runs", || runs(&rig.status())).await;
        world.pass_until("posts", || world.posts() >= 3).await;
        let now = moodvane_runtime::Clock::now(&*world.clock);
        for jump_ms in [-60_000, 120_000] {
            world.clock.set(now.checked_add_millis(jump_ms).unwrap());
            world.pass(S).await;
        }
        eventually("nothing is missing", || world.posts() == world.told()).await;
        assert_eq!(rig.status().restarts, 0, "{stream:?}");
        rig.ingester.drain(GRACE).await;
    }
}

#[actix::test]
async fn a_jetstream_that_begins_later_than_asked_is_noticed_and_the_gap_is_counted() {
    // How long it is away, what the server has lost of it, and what is told of that, in s.
    for (away, lost, told) in [(2_000, 1_200, 1_190..=1_215), (90, 60, 50..=60)] {
        let world = World::begin().await;
        world.simulator.inject(Upstream::Jetstream, Fault::Cut(12));
        let rig = begin(&world, Stream::Jetstream);
        world
            .pass_until("it breaks", || rig.status().restarts == 1)
            .await;
        world.pass_until("it runs", || runs(&rig.status())).await;
        rig.ingester.drain(GRACE).await;
        assert_eq!(rig.errors("gap"), 0, "a rewind is no gap");
        world.clock.advance(S * away);
        let skip = Fault::Skip(S * lost);
        world.simulator.inject(Upstream::Jetstream, skip);
        let rig = begin(&world, Stream::Jetstream);
        world
            .pass_until("it is noticed", || rig.errors("gap") == 1)
            .await;
        let missing = rig.counter("moodvane_ingester_gap_ms_total{source=\"bluesky\"}");
        assert!(told.contains(&(missing / 1_000)), "{missing}");
        rig.ingester.drain(GRACE).await;
    }
}

#[actix::test]
async fn a_jetstream_host_that_fails_is_left_for_another_one_and_nothing_is_lost() {
    let (world, other) = (World::begin().await, World::begin().await);
    let mut bluesky = world.bluesky();
    // Both simulate the same world; the second one's clock is the first one's.
    bluesky.other_urls = vec![world.simulator.stream_url()];
    bluesky.base_url = other.simulator.stream_url();
    other
        .simulator
        .inject(Upstream::Jetstream, Fault::Status(503, None));
    let rig = world.ingest(config(vec![SourceConfig::Bluesky(bluesky)]));
    world
        .pass_until("the other one is listened to", || world.posts() >= 20)
        .await;
    eventually("nothing is missing", || world.posts() == world.told()).await;
    assert_eq!(other.simulator.served().subscriptions, 0);
    assert_eq!(rig.status().restarts, 1);
    rig.ingester.drain(GRACE).await;
}
