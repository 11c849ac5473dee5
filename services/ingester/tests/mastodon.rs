//! The Mastodon source against the simulator, on a virtual clock.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use moodvane_ingester::SourceConfig;
use moodvane_model::{Post, Topic};
use moodvane_simulator::{Fault, Upstream};

use support::log::eventually;
use support::simulated::{World, alone, runs, wait_left};
use support::{GRACE, Rig};

const S: Duration = Duration::from_secs(1);

fn started(world: &World) -> Rig {
    world.ingest(alone(SourceConfig::Mastodon(world.mastodon("token"))))
}

#[actix::test]
async fn publishes_new_statuses_and_counts_others_by_reason() {
    let world = World::begin().await;
    let rig = started(&world);
    eventually("source runs", || runs(&rig.status())).await;
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
    assert_eq!(
        rig.seen(),
        kept + dropped,
        "each dropped message has a reason"
    );
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn fetches_statuses_missed_while_disconnected() {
    let world = World::begin().await;
    let rig = started(&world);
    eventually("source runs", || runs(&rig.status())).await;
    world.pass_until("posts", || world.posts() > 10).await;
    rig.ingester.drain(GRACE).await;
    let before = world.posts();
    // More than a page.
    world.clock.advance(S * 200);
    let rig = started(&world);
    eventually("source runs", || runs(&rig.status())).await;
    eventually("no status is missing", || {
        world.posts() == world.published()
    })
    .await;
    assert!(world.posts() > before + 80, "{}", world.posts());
    assert_eq!(rig.errors("missed"), 0);
    rig.ingester.drain(GRACE).await;
}

#[actix::test]
async fn reports_failed_page_as_missing_and_keeps_streaming() {
    let world = World::begin().await;
    let rig = started(&world);
    eventually("source runs", || runs(&rig.status())).await;
    world.pass_until("posts", || world.posts() > 10).await;
    rig.ingester.drain(GRACE).await;
    for fault in [Fault::Status(503, None), Fault::InvalidBody] {
        world.simulator.inject(Upstream::MastodonPages, fault);
        let rig = started(&world);
        eventually("gap is reported", || rig.errors("missed") == 1).await;
        let before = world.posts();
        world
            .pass_until("stream continues", || world.posts() > before + 5)
            .await;
        assert_eq!(rig.status().restarts, 0);
        rig.ingester.drain(GRACE).await;
    }
}

#[actix::test]
async fn honours_retry_after() {
    let world = World::begin().await;
    world
        .simulator
        .inject(Upstream::Mastodon, Fault::Status(429, Some(180)));
    let rig = started(&world);
    eventually("source waits", || {
        wait_left(&rig.status(), &world.clock).is_some()
    })
    .await;
    assert_eq!(wait_left(&rig.status(), &world.clock), Some(S * 180));
    world.clock.advance(S * 180);
    eventually("source runs", || runs(&rig.status())).await;
    rig.ingester.drain(GRACE).await;
}
