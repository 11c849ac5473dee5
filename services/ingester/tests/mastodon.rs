//! The Mastodon source against the simulator, on a virtual clock.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use futures::StreamExt;
use moodvane_ingester::SourceConfig;
use moodvane_model::{Post, Topic};
use moodvane_simulator::{Fault, Upstream};

use support::log::eventually;
use support::simulated::{World, alone, runs, wait_left};
use support::{GRACE, Rig, serve};

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

/// A server that streams one status with this id and then stays silent; without pages.
async fn server_of_status(id: &'static str) -> Router {
    let respond = move || async move {
        let status = serde_json::json!({
            "id": id, "content": "<p>Rain over NYC</p>", "visibility": "public", "reblog": null,
            "created_at": "2024-05-03T10:19:00Z",
        });
        let event = format!("event: update\ndata: {status}\n\n");
        let first = futures::stream::iter([Ok::<_, std::io::Error>(event)]);
        Body::from_stream(first.chain(futures::stream::pending()))
    };
    Router::new().route("/api/v1/streaming/public", get(respond))
}

#[actix::test]
async fn counts_gap_of_server_with_unordered_ids() {
    let world = World::begin().await;
    let mut config = world.mastodon("token");
    let address = serve(server_of_status("of-no/order").await).await;
    config.streaming_url = format!("http://{address}").parse().unwrap();
    config.base_url = config.streaming_url.clone();
    let start = || world.ingest(alone(SourceConfig::Mastodon(config.clone())));

    let rig = start();
    eventually("status is published", || world.posts() == 1).await;
    assert_eq!(
        rig.errors("missed"),
        0,
        "no gap before the first connection"
    );
    rig.ingester.drain(GRACE).await;
    for _ in 0..2 {
        let rig = start();
        eventually("gap is counted", || rig.errors("missed") == 1).await;
        eventually("source runs", || runs(&rig.status())).await;
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
