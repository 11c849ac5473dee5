//! X's stream against the simulator, on a clock that the tests move.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use moodvane_ingester::{SourceConfig, SourceState};
use moodvane_model::{Post, Topic};
use moodvane_runtime::Clock;
use moodvane_simulator::{Fault, Upstream};
use serde_json::{Value, json};

use support::log::eventually;
use support::simulated::{World, alone, rests, runs};
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
        .bearer_auth("somebody")
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
        .bearer_auth("somebody")
        .json(&body);
    assert_eq!(answer.send().await.unwrap().status(), 201);
}

#[actix::test]
async fn rules_are_made_and_what_matches_them_is_published() {
    let world = World::begin().await;
    add_rule(&world, "an old rule", "moodvane:x").await;
    add_rule(&world, "somebody's", "theirs").await;
    let rig = started(&world);
    world.pass_until("posts", || world.posts() >= 20).await;
    let listed = rules(&world).await;
    let values: Vec<&str> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["value"].as_str().unwrap())
        .collect();
    assert_eq!(values, ["somebody's", "(\"new york\" OR nyc) -is:retweet"]);
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
    assert_eq!(rig.seen(), kept + dropped, "why not is told of each");
    assert!(
        rig.dropped("updated") > 0 || rig.seen() < 50,
        "edits are dropped"
    );
    rig.ingester.drain(GRACE).await;
}

/// The waits after the same refusal, again and again; each must lie within a tenth above.
async fn refused(fault: Fault, upstream: Upstream, waits: &[u64]) {
    let world = World::begin().await;
    for _ in waits {
        world.simulator.inject(upstream, fault);
    }
    let rig = started(&world);
    for (n, seconds) in waits.iter().enumerate() {
        eventually("it rests", || {
            rig.status().restarts == n as u64 && rests(&rig.status(), &world.clock).is_some()
        })
        .await;
        let rest = rests(&rig.status(), &world.clock).unwrap();
        let asked = S * u32::try_from(*seconds).unwrap();
        assert!(
            rest >= asked && rest <= asked.mul_f64(1.1),
            "{fault:?} {n}: {rest:?}"
        );
        // Not a moment earlier than it must.
        world.clock.advance(rest - Duration::from_millis(1));
        assert_eq!(rig.status().restarts, n as u64);
        world.clock.advance(Duration::from_millis(1));
    }
    eventually("it runs", || runs(&rig.status())).await;
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn the_documented_waits_are_kept() {
    let unavailable = Fault::Status(503, None);
    refused(
        unavailable,
        Upstream::X,
        &[5, 10, 20, 40, 80, 160, 320, 320],
    )
    .await;
    refused(unavailable, Upstream::XRules, &[5, 10]).await;
    refused(Fault::Status(429, None), Upstream::X, &[60, 120, 240]).await;
    refused(Fault::Status(429, Some(700)), Upstream::X, &[700, 700]).await;
    refused(
        Fault::Status(429, Some(90)),
        Upstream::XRules,
        &[90, 120, 240],
    )
    .await;
}

#[actix::test]
async fn an_expired_token_is_told_opens_the_circuit_and_is_never_shown() {
    let world = World::begin().await;
    let mut config = alone(SourceConfig::X(world.x("expired")));
    config.circuit.failures = 3;
    config.circuit.cooldown = S * 600;
    let rig = world.ingest(config);
    for restarts in 0..2 {
        eventually("it rests", || {
            rig.status().restarts == restarts && rests(&rig.status(), &world.clock).is_some()
        })
        .await;
        assert!(matches!(rig.status().state, SourceState::BackingOff { .. }));
        world
            .clock
            .advance(rests(&rig.status(), &world.clock).unwrap());
    }
    let open = || matches!(rig.status().state, SourceState::CircuitOpen { .. });
    eventually("the circuit opens", open).await;
    assert_eq!(rests(&rig.status(), &world.clock), Some(S * 600));
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
async fn a_silence_longer_than_x_promises_ends_the_connection_and_signs_of_life_do_not() {
    let world = World::begin().await;
    world.simulator.inject(Upstream::X, Fault::Stall(3));
    let rig = started(&world);
    world.pass_until("posts", || world.posts() == 3).await;
    assert_eq!(rig.status().restarts, 0);
    world
        .pass_until("it is made anew", || rig.status().restarts == 1)
        .await;
    assert_eq!(rig.errors("idle"), 1);
    world
        .pass_until("nothing is lost", || world.posts() >= 40)
        .await;
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn no_more_is_read_in_a_day_than_the_budget_allows_also_over_a_restart() {
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
    // What had come with the last one is paid for, and taken.
    assert!((20..30).contains(&read), "{read}");
    let rest = rests(&rig.status(), &world.clock).unwrap();
    let midnight =
        Duration::from_millis(86_400_000 - world.clock.now().millis() as u64 % 86_400_000);
    assert_eq!(rest, midnight, "until the next day, as X counts them");
    let opened = world.simulator.served().subscriptions;
    rig.ingester.drain(GRACE).await;

    let rig = world.ingest(config());
    eventually("it knows after a restart", || spent(&rig)).await;
    // A clock that goes back brings no day back.
    let yesterday = world.clock.now().checked_add_millis(-86_400_000).unwrap();
    let today = world.clock.now();
    world.clock.set(yesterday);
    rig.ingester.drain(GRACE).await;
    let rig = world.ingest(config());
    eventually("it knows on a clock that went back", || spent(&rig)).await;
    assert_eq!(
        world.simulator.served().subscriptions,
        opened,
        "nothing is asked"
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
async fn what_is_reserved_is_saved_before_it_is_read() {
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
        "what was not read is given back"
    );
}
