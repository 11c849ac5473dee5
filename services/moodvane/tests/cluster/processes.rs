//! Ingester, two processors of which one is killed and replaced, and server. Their hours are
//! bit-identical to those of the embedded profile on the same files.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::world::{
    POSTS_A_DAY, Servers, Service, TIMEOUT, World, posts_of, stored, wait_for, wait_for_all,
};

const DAYS: u32 = 4;

/// Waits until the server is ready, and returns its response for the days.
async fn query_days(port: u16) -> serde_json::Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let deadline = Instant::now() + TIMEOUT;
    let ready = format!("http://127.0.0.1:{port}/ready");
    while !client
        .get(&ready)
        .send()
        .await
        .is_ok_and(|response| response.status().is_success())
    {
        assert!(Instant::now() < deadline, "the server is not ready");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let body = r#"{"begin":"2018-01-01 00","end":"2018-01-04 23"}"#;
    let weather = format!("http://127.0.0.1:{port}/weather");
    let response = client.post(weather).body(body).send().await.unwrap();
    response.json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_on_kafka_and_cassandra_store_same_hours_as_embedded_profile() {
    let world = World::new(Servers::shared());
    let files = world.files(0, DAYS);
    let expected = world.expected(&[&files]).await;
    assert_eq!(posts_of(&expected), POSTS_A_DAY * u64::from(DAYS));

    let config = world.config(&files);
    let store = world.store().await;
    let first = Service::start("processor", &config, &["--topic", "both"]);
    let second = Service::start("processor", &config, &[]);
    let ingester = Service::start("ingester", &config, &[]);
    wait_for(&store, |rows| posts_of(rows) > POSTS_A_DAY / 5).await;
    first.kill();
    let third = Service::start("processor", &config, &[]);
    ingester.finish();
    let found = wait_for_all(&store, &expected).await;
    assert_eq!(found, expected);

    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let server = Service::start(
        "server",
        &config,
        &["--set", &format!("server.port={port}")],
    );
    let answer = query_days(port).await;
    assert_eq!(answer["res"].as_array().unwrap().len(), 96, "{answer}");
    server.terminate();
    second.terminate();
    third.terminate();
    assert_eq!(stored(&store).await, expected, "nothing changes afterwards");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_in_one_binary_supports_kafka_and_cassandra() {
    let world = World::new(Servers::shared());
    let files = world.files(0, 1);
    let expected = world.expected(&[&files]).await;
    let config = world.config(&files);
    let ingester = Service::start("ingester", &config, &[]);
    ingester.finish();
    let all = Service::start("moodvane", &config, &["serve"]);
    let store = world.store().await;
    assert_eq!(wait_for_all(&store, &expected).await, expected);
    all.terminate();
    let listed = world.succeed(&config, &["dead", "list", "tweet"]);
    assert!(listed.contains("0 of topic tweet"), "{listed}");
}
