//! Mastodon's streams against the simulator, on a clock that the tests move.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use moodvane_ingester::SourceConfig;
use moodvane_model::{Post, Topic};
use moodvane_simulator::{Fault, Upstream};

use support::log::eventually;
use support::simulated::{World, alone, rests, runs};
use support::{GRACE, Rig};

const S: Duration = Duration::from_secs(1);

fn started(world: &World) -> Rig {
    world.ingest(alone(SourceConfig::Mastodon(world.mastodon("token"))))
}

#[actix::test]
async fn new_statuses_are_published_and_others_are_dropped_by_reason() {
    let world = World::begin().await;
    let rig = started(&world);
    eventually("it runs", || runs(&rig.status())).await;
    world
        .pass_until("a deletion and an edit", || {
            rig.dropped("deleted") > 0 && rig.dropped("updated") > 0
        })
        .await;
    let values = world.log.values(Topic::Tweet);
    let post = Post::from_json(&values[0]).unwrap();
    assert!(
        !post.text().contains(['<', '>']) && !post.text().contains("&amp;"),
        "{}",
        post.text()
    );
    let kept = rig.counter("moodvane_ingester_posts_kept_total{source=\"mastodon\"}");
    let reasons = ["deleted", "updated", "no_city", "no_text"];
    let dropped: u64 = reasons.iter().map(|reason| rig.dropped(reason)).sum();
    assert_eq!(rig.seen(), kept + dropped, "why not is told of each");
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn what_came_while_no_stream_was_open_is_fetched_page_by_page() {
    let world = World::begin().await;
    let rig = started(&world);
    eventually("it runs", || runs(&rig.status())).await;
    world.pass_until("posts", || world.posts() > 10).await;
    rig.ingester.drain(GRACE).await;
    let before = world.posts();
    // More than a page.
    world.clock.advance(S * 200);
    let rig = started(&world);
    eventually("it runs", || runs(&rig.status())).await;
    eventually("nothing is missing", || world.posts() == world.told()).await;
    assert!(world.posts() > before + 80, "{}", world.posts());
    assert_eq!(rig.errors("missed"), 0);
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn a_page_that_fails_is_noted_as_missing_and_the_stream_goes_on() {
    let world = World::begin().await;
    let rig = started(&world);
    eventually("it runs", || runs(&rig.status())).await;
    world.pass_until("posts", || world.posts() > 10).await;
    rig.ingester.drain(GRACE).await;
    for fault in [Fault::Status(503, None), Fault::Nonsense] {
        world.simulator.inject(Upstream::MastodonPages, fault);
        let rig = started(&world);
        eventually("it is noted", || rig.errors("missed") == 1).await;
        let before = world.posts();
        world
            .pass_until("it goes on", || world.posts() > before + 5)
            .await;
        assert_eq!(rig.status().restarts, 0);
        rig.ingester.drain(GRACE).await;
    }
}

#[actix::test]
async fn a_server_that_says_when_it_may_be_asked_again_is_asked_then() {
    let world = World::begin().await;
    world
        .simulator
        .inject(Upstream::Mastodon, Fault::Status(429, Some(180)));
    let rig = started(&world);
    eventually("it rests", || rests(&rig.status(), &world.clock).is_some()).await;
    assert_eq!(rests(&rig.status(), &world.clock), Some(S * 180));
    world.clock.advance(S * 180);
    eventually("it runs", || runs(&rig.status())).await;
    rig.ingester.drain(GRACE).await;
}
