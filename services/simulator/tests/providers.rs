//! Requests that the weather providers' protocols reject. The sources' own tests cover the responses.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use support::{at, config, run};

#[tokio::test]
async fn rejects_other_location_units_and_invalid_key() {
    let running = run(config(), at("2018-01-05T12:20:00Z")).await;
    let here = "lat=40.7&lon=-74";
    for (request, status, expected) in [
        (
            format!("data/2.5/weather?{here}&units=metric"),
            401,
            "API key",
        ),
        (
            format!("data/2.5/weather?{here}&units=metric&appid=expired"),
            401,
            "API key",
        ),
        (
            format!("data/2.5/weather?{here}&appid=k"),
            400,
            "units=metric only",
        ),
        (
            "data/2.5/weather?lat=51&lon=13&units=metric&appid=k".to_owned(),
            400,
            "40.7128",
        ),
        (
            "data/2.5/weather?units=metric&appid=k".to_owned(),
            400,
            "latitude and longitude",
        ),
        (format!("v2.0/current?{here}&units=M"), 401, "API key"),
        (
            format!("v2.0/current?{here}&units=I&key=k"),
            400,
            "units=M only",
        ),
        ("v1/current.json?q=40.7,-74".to_owned(), 401, "API key"),
        (
            "v1/current.json?q=London&key=k".to_owned(),
            400,
            "latitude and longitude",
        ),
        ("current?query=40.7,-74&units=m".to_owned(), 200, "API key"),
        (
            "current?query=40.7,-74&units=f&access_key=k".to_owned(),
            200,
            "units=m only",
        ),
        ("points/40.7,-74".to_owned(), 403, "User-Agent"),
    ] {
        let (found, answer) = running.get(&request).await;
        assert_eq!(found, status, "{request}");
        assert!(answer.to_string().contains(expected), "{request}: {answer}");
    }
    assert_eq!(running.simulator.stats().current, 0);
}

#[tokio::test]
async fn nws_serves_week_of_hours_to_clients_with_user_agent() {
    let running = run(config(), at("2018-01-15T12:20:00Z")).await;
    let client = reqwest::Client::builder()
        .user_agent("test")
        .build()
        .unwrap();
    let base = running.simulator.base_url();
    let get = async |path: &str| {
        let answer = client.get(base.join(path).unwrap()).send().await.unwrap();
        let status = answer.status().as_u16();
        let body: serde_json::Value = answer.json().await.unwrap();
        (status, body["features"].as_array().map_or(0, Vec::len))
    };
    let observations = |query: &str| format!("stations/KSIM/observations?{query}");
    assert_eq!(get(&observations("")).await, (200, 168));
    assert_eq!(
        get(&observations("start=2018-01-15T10:00:00Z")).await,
        (200, 3)
    );
    assert_eq!(get(&observations("limit=5")).await, (200, 5));
    assert_eq!(get(&observations("start=yesterday")).await, (400, 0));
    assert_eq!(get("stations/KFAR/observations/latest").await, (404, 0));
    assert_eq!(get("points/51,13").await, (404, 0));
    assert_eq!(get("points/here").await, (400, 0));
}
