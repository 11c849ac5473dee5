//! `GET /actors` while the ingester runs.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::Arc;

use moodvane_ingester::{IngesterHandle, SourceConfig, actor_routes};
use moodvane_simulator::{Fault, Upstream};
use serde_json::Value;

use support::log::eventually;
use support::simulated::{World, runs};
use support::{GRACE, Rig, config, serve};

/// Bluesky is refused once, and X for ten minutes.
fn start_with_refused_sources(world: &World) -> Rig {
    world
        .simulator
        .inject(Upstream::Jetstream, Fault::Status(503, None));
    world
        .simulator
        .inject(Upstream::X, Fault::Status(429, Some(600)));
    let sources = vec![
        SourceConfig::Bluesky(world.bluesky()),
        SourceConfig::X(world.x("token")),
    ];
    world.ingest(config(sources))
}

#[actix::test]
async fn actor_tree_shows_states_restarts_errors_and_queues() {
    let handle = IngesterHandle::default();
    let address = serve(actor_routes(Arc::clone(&handle))).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = async || -> Value {
        let answer = client.get(format!("http://{address}/actors")).send().await;
        answer.unwrap().json().await.unwrap()
    };
    assert_eq!(
        get().await,
        serde_json::json!({ "actors": [] }),
        "before the ingester starts"
    );

    let world = World::begin().await;
    let rig = start_with_refused_sources(&world);
    handle.set(rig.ingester.clone()).ok().unwrap();
    world
        .pass_until("posts", || world.posts() > 3 && runs(&rig.status()))
        .await;
    eventually("X is refused", || {
        rig.ingester.status()[1].last_error.is_some()
    })
    .await;

    let tree = get().await;
    let actors = tree["actors"].as_array().unwrap();
    let names: Vec<_> = actors.iter().map(|a| a["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["dispatcher", "bluesky", "x", "formatters", "publisher"]
    );
    let (bluesky, x) = (&actors[1], &actors[2]);
    assert_eq!(bluesky["parent"], "dispatcher");
    assert_eq!(bluesky["state"], "running");
    assert_eq!(bluesky["restarts"], 1);
    assert!(bluesky["last_error"].as_str().unwrap().contains("503"));
    assert!(
        bluesky["last_success"]
            .as_str()
            .unwrap()
            .starts_with("2024-05-03T10:2")
    );
    assert_eq!(bluesky["mailbox"]["capacity"], 2);
    assert_eq!(x["state"], "backing_off");
    assert!(
        x["until"].as_str().unwrap().starts_with("2024-05-03T10:3"),
        "{x}"
    );
    assert!(x["last_error"].as_str().unwrap().contains("429"));
    assert_eq!(actors[3]["members"]["most"], 3);
    rig.ingester.drain(GRACE).await;
    assert_eq!(get().await["actors"][1]["state"], "stopped");
}
