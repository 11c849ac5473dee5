//! The X source against the simulator, on a virtual clock.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use moodvane_ingester::{SourceConfig, SourceState};
use moodvane_model::{Post, Topic};
use moodvane_runtime::Clock;
use moodvane_simulator::{Fault, Upstream};
use serde_json::{Value, json};

use support::log::eventually;
use support::simulated::{World, alone, runs, wait_left};
use support::{GRACE, Rig};

const S: Duration = Duration::from_secs(1);

fn started(world: &World) -> Rig {
    world.ingest(alone(SourceConfig::X(world.x("token"))))
}

async fn rules(world: &World) -> Value {
    let url = world
        .simulator
        .base_url()
        .join("/2/tweets/search/stream/rules");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client
        .get(url.unwrap())
        .bearer_auth("other-client")
        .send()
        .await;
    answer.unwrap().json().await.unwrap()
}

async fn add_rule(world: &World, value: &str, tag: &str) {
    let url = world
        .simulator
        .base_url()
        .join("/2/tweets/search/stream/rules");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let body = json!({ "add": [{ "value": value, "tag": tag }] });
    let answer = client
        .post(url.unwrap())
        .bearer_auth("other-client")
        .json(&body);
    assert_eq!(answer.send().await.unwrap().status(), 201);
}

#[actix::test]
async fn synchronises_rules_and_publishes_matching_posts() {
    let world = World::begin().await;
    add_rule(&world, "an old rule", "moodvane:x").await;
    add_rule(&world, "a foreign rule", "theirs").await;
    let rig = started(&world);
    world.pass_until("posts", || world.posts() >= 20).await;
    let listed = rules(&world).await;
    let values: Vec<&str> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["value"].as_str().unwrap())
        .collect();
    assert_eq!(
        values,
        ["a foreign rule", "(\"new york\" OR nyc) -is:retweet"]
    );
    let values = world.log.values(Topic::Tweet);
    let post = Post::from_json(&values[0]).unwrap();
    assert!(
        post.id().bytes().all(|b| b.is_ascii_digit()),
        "{}",
        post.id()
    );
    let text = post.text().to_lowercase();
    assert!(text.contains("nyc") || text.contains("new york"), "{text}");
    let kept = rig.counter("moodvane_ingester_posts_kept_total{source=\"x\"}");
    let dropped: u64 = ["no_city", "updated", "no_text"]
        .iter()
        .map(|r| rig.dropped(r))
        .sum();
    assert_eq!(
        rig.seen(),
        kept + dropped,
        "each dropped message has a reason"
    );
    assert!(
        rig.dropped("updated") > 0 || rig.seen() < 50,
        "edits are dropped"
    );
    rig.ingester.drain(GRACE).await;
}

/// Checks the delay after each of several equal refusals, which jitter may lengthen by a tenth.
async fn check_delays(fault: Fault, upstream: Upstream, delays: &[u64]) {
    let world = World::begin().await;
    for _ in delays {
        world.simulator.inject(upstream, fault);
    }
    let rig = started(&world);
    for (n, seconds) in delays.iter().enumerate() {
        eventually("source waits", || {
            rig.status().restarts == n as u64 && wait_left(&rig.status(), &world.clock).is_some()
        })
        .await;
        let wait = wait_left(&rig.status(), &world.clock).unwrap();
        let documented = S * u32::try_from(*seconds).unwrap();
        assert!(
            wait >= documented && wait <= documented.mul_f64(1.1),
            "{fault:?} {n}: {wait:?}"
        );
        // The source does not restart early.
        world.clock.advance(wait - Duration::from_millis(1));
        assert_eq!(rig.status().restarts, n as u64);
        world.clock.advance(Duration::from_millis(1));
    }
    eventually("source runs", || runs(&rig.status())).await;
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn waits_as_documented_by_x() {
    let unavailable = Fault::Status(503, None);
    check_delays(
        unavailable,
        Upstream::X,
        &[5, 10, 20, 40, 80, 160, 320, 320],
    )
    .await;
    check_delays(unavailable, Upstream::XRules, &[5, 10]).await;
    check_delays(Fault::Status(429, None), Upstream::X, &[60, 120, 240]).await;
    check_delays(Fault::Status(429, Some(700)), Upstream::X, &[700, 700]).await;
    check_delays(
        Fault::Status(429, Some(90)),
        Upstream::XRules,
        &[90, 120, 240],
    )
    .await;
}

#[actix::test]
async fn expired_token_opens_circuit_without_being_shown() {
    let world = World::begin().await;
    let mut config = alone(SourceConfig::X(world.x("expired")));
    config.circuit.failures = 3;
    config.circuit.cooldown = S * 600;
    let rig = world.ingest(config);
    for restarts in 0..2 {
        eventually("source waits", || {
            rig.status().restarts == restarts && wait_left(&rig.status(), &world.clock).is_some()
        })
        .await;
        assert!(matches!(rig.status().state, SourceState::BackingOff { .. }));
        world
            .clock
            .advance(wait_left(&rig.status(), &world.clock).unwrap());
    }
    let open = || matches!(rig.status().state, SourceState::CircuitOpen { .. });
    eventually("the circuit opens", open).await;
    assert_eq!(wait_left(&rig.status(), &world.clock), Some(S * 600));
    let said = rig.status().last_error.unwrap();
    assert!(said.contains("401") && !said.contains("expired"), "{said}");
    assert_eq!(
        rig.counter("moodvane_ingester_circuit_opened_total{source=\"x\"}"),
        1
    );
    assert_eq!(rig.ingester.actor_tree().actors[1].state, "circuit_open");
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn reconnects_silent_stream_but_not_stream_with_keep_alives() {
    let world = World::begin().await;
    world.simulator.inject(Upstream::X, Fault::Stall(3));
    let rig = started(&world);
    world.pass_until("posts", || world.posts() == 3).await;
    assert_eq!(rig.status().restarts, 0);
    world
        .pass_until("source restarts", || rig.status().restarts == 1)
        .await;
    assert_eq!(rig.errors("idle"), 1);
    world
        .pass_until("no post is lost", || world.posts() >= 40)
        .await;
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn reads_no_more_than_daily_budget_across_restarts() {
    let world = World::begin().await;
    let config = || {
        let mut x = world.x("token");
        x.posts_per_day = 20;
        alone(SourceConfig::X(x))
    };
    let rig = world.ingest(config());
    let spent = |rig: &Rig| rig.errors("budget") > 0;
    world
        .pass_until("the budget is spent", || spent(&rig))
        .await;
    let read = rig.seen();
    // Posts that arrived with the last allowed one are billed, and published.
    assert!((20..30).contains(&read), "{read}");
    let rest = wait_left(&rig.status(), &world.clock).unwrap();
    let midnight =
        Duration::from_millis(86_400_000 - world.clock.now().millis() as u64 % 86_400_000);
    assert_eq!(rest, midnight, "until the next UTC day");
    let opened = world.simulator.stats().subscriptions;
    rig.ingester.drain(GRACE).await;

    let rig = world.ingest(config());
    eventually("budget is spent after a restart", || spent(&rig)).await;
    // A clock that moves back does not start the day again.
    let yesterday = world.clock.now().checked_add_millis(-86_400_000).unwrap();
    let today = world.clock.now();
    world.clock.set(yesterday);
    rig.ingester.drain(GRACE).await;
    let rig = world.ingest(config());
    eventually("budget is spent after the clock moved back", || spent(&rig)).await;
    assert_eq!(
        world.simulator.stats().subscriptions,
        opened,
        "no connection"
    );
    rig.ingester.drain(GRACE).await;

    world.clock.set(
        today
            .checked_add_millis(midnight.as_millis() as i64)
            .unwrap(),
    );
    let rig = world.ingest(config());
    world.pass_until("the next day", || rig.seen() > 0).await;
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn saves_reservation_before_reading_posts() {
    let world = World::begin().await;
    let rig = started(&world);
    world.pass_until("posts", || world.posts() >= 5).await;
    let saved: Value = serde_json::from_str(&world.log.cursor_of("x:budget").unwrap()).unwrap();
    assert!(saved["posts"].as_u64().unwrap() >= 500, "{saved}");
    rig.ingester.drain(GRACE).await;
    let saved: Value = serde_json::from_str(&world.log.cursor_of("x:budget").unwrap()).unwrap();
    assert_eq!(
        saved["posts"].as_u64().unwrap(),
        rig.seen(),
        "unread posts are released"
    );
}
