//! `GET /v1/effect`.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "../../../crates/effect-report/tests/world/mod.rs"]
mod world;

use axum::http::StatusCode;
use common::{Answer, FakeMode, TestApp, config};
use moodvane_model::HourRow;
use moodvane_server::ServerConfig;
use serde_json::Value;
use world::World;

/// Sixteen weeks.
const HOURS: &str = "begin=2018-01-01T00&end=2018-04-22T23&draws=99&shifts=99";

fn cities() -> [(&'static str, &'static str); 2] {
    [("new-york", "New York"), ("paris", "Paris")]
}

fn rows() -> Vec<HourRow> {
    let cities = cities().map(|(id, name)| world::city(id, name));
    let rows = (1..)
        .zip(&cities)
        .flat_map(|(seed, city)| world::rows(World::RAIN, city, seed));
    rows.collect()
}

fn app_with(change: impl FnOnce(&mut ServerConfig)) -> TestApp {
    let mut config = config();
    change(&mut config);
    TestApp::with_config(rows(), config)
}

async fn get(app: &TestApp, more: &str) -> Answer {
    app.get(&format!("/v1/effect?{HOURS}{more}")).await
}

/// The events of a stream, each with its name and data.
fn events(body: &str) -> Vec<(String, Value)> {
    let events = body.split("\n\n").filter(|event| !event.is_empty());
    events
        .map(|event| {
            let field = |name: &str| {
                let mut lines = event.lines();
                lines
                    .find_map(|line| line.strip_prefix(name))
                    .unwrap()
                    .trim()
                    .to_owned()
            };
            (
                field("event:"),
                serde_json::from_str(&field("data:")).unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn answers_for_default_city_without_posts_about_weather() {
    let answer = get(&app_with(|_| {}), "").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let json = answer.json();
    assert_eq!(json["cities"][0]["id"], "new-york");
    assert_eq!(json["talk"], "without");
    assert_eq!(json["verdict"], "less-joyful");
    let rain = &json["effect"]["rain"]["difference"];
    assert!(
        rain["low"].as_f64().unwrap() < -0.3 && -0.3 < rain["high"].as_f64().unwrap(),
        "{rain}"
    );
    // The run that served from the first hour on, see the fake store.
    assert_eq!(json["origin"]["runs"], serde_json::json!(["new"]));
    assert!(json.get("figures").is_none());
    assert!(answer.header("etag").starts_with("W/"));
}

#[tokio::test]
async fn answers_for_all_cities_with_figures() {
    let answer = get(&app_with(|_| {}), "&city=all&figures=true").await;
    let json = answer.json();
    assert_eq!(
        json["effect"]["by_city"].as_array().unwrap().len(),
        2,
        "{}",
        answer.body
    );
    let figures = json["figures"].as_array().unwrap();
    assert_eq!(figures.last().unwrap()["name"], "cities");
    let named = get(&app_with(|_| {}), "&city=paris,new-york,paris").await;
    assert_eq!(named.json()["cities"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn writes_reports() {
    let app = app_with(|_| {});
    let markdown = get(&app, "&format=markdown").await;
    assert_eq!(
        markdown.header("content-type"),
        "text/markdown; charset=utf-8"
    );
    assert!(
        markdown
            .body
            .starts_with("# Does rain make posts less joyful?")
    );
    let html = get(&app, "&format=html").await;
    assert!(
        html.header("content-security-policy")
            .starts_with("default-src 'none'")
    );
    assert!(html.body.contains("<svg "), "{}", html.body);
}

#[tokio::test]
async fn rejects_requests_over_limit() {
    let app = app_with(|config| {
        config.effect.max_cities = 1;
        config.effect.max_hours = 5_000;
    });
    for (more, field, detail) in [
        (
            "&city=all",
            "city",
            "the request names 2 cities, the limit is 1",
        ),
        (
            "&lag_hours=99999999999999999999999",
            "lag_hours",
            "\"lag_hours\" is 99999999999999999999, the limit is 48",
        ),
        (
            "&lag_hours=-1",
            "lag_hours",
            "\"lag_hours\" must be an integer from 0 to 48",
        ),
        (
            "&lag_hours=49",
            "lag_hours",
            "\"lag_hours\" is 49, the limit is 48",
        ),
        ("&draws=1", "draws", "\"draws\" is given twice"),
    ] {
        let answer = get(&app, more).await;
        let json = answer.json();
        assert_eq!(json["detail"], detail, "{more}");
        assert_eq!(json["field"], field, "{more}");
    }
    let long = "/v1/effect?begin=2018-01-01T00&end=2018-12-31T23";
    let answer = app.get(long).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.problem(), "/problems/limit-exceeded");
    let detail =
        "1 city of 8760 hours are 8760 hours, the limit is 5000: request at most 5000 hours";
    assert_eq!(answer.json()["detail"], detail);
    let two = app_with(|config| config.effect.max_hours = 10_000);
    let answer = two.get(&format!("{long}&city=all")).await;
    let detail = "2 cities of 8760 hours are 17520 hours, the limit is 10000: request at most 5000 hours, or at most 1 city";
    assert_eq!(answer.json()["detail"], detail);
}

#[tokio::test]
async fn streams_progress_before_answer() {
    let app = app_with(|_| {});
    let path = format!("/v1/effect?{HOURS}&city=all");
    let streamed = app.get_with(&path, ("accept", "text/event-stream")).await;
    assert_eq!(streamed.header("content-type"), "text/event-stream");
    let events = events(&streamed.body);
    let (name, answer) = events.last().unwrap();
    assert_eq!(
        (name.as_str(), answer),
        ("answer", &app.get(&path).await.json())
    );
    let (first, steps) = (&events[0].1, &events[..events.len() - 1]);
    assert_eq!(first["step"], "reading hours of New York");
    let done: Vec<u64> = steps
        .iter()
        .map(|(_, data)| data["done"].as_u64().unwrap())
        .collect();
    assert!(done.len() > 5 && done.is_sorted(), "{done:?}");
    assert!(
        steps
            .iter()
            .all(|(name, data)| name == "progress" && data["total"] == 8)
    );
}

#[tokio::test]
async fn streams_problem_of_failed_store() {
    let app = app_with(|_| {});
    app.store.mode.set(FakeMode::Unavailable);
    let path = format!("/v1/effect?{HOURS}");
    let streamed = app.get_with(&path, ("accept", "text/event-stream")).await;
    let events = events(&streamed.body);
    let (name, problem) = events.last().unwrap();
    assert_eq!(name, "problem");
    assert_eq!(problem["type"], "/problems/store-unavailable");
}

#[tokio::test]
async fn cached_answer_equals_computed_one() {
    let path = format!("/v1/effect?{HOURS}");
    let app = app_with(|_| {});
    let computed = app.get(&path).await.json();
    let streamed = app.get_with(&path, ("accept", "text/event-stream")).await;
    let events = events(&streamed.body);
    // Only the hours are read again.
    assert_eq!(events.len(), 2, "{events:?}");
    assert_eq!(events[1].1, computed);
    // Another question is computed.
    let other = app
        .get_with(&format!("{path}&talk=all"), ("accept", "text/event-stream"))
        .await;
    assert!(self::events(&other.body).len() > 5);
}

#[tokio::test]
async fn rejects_effect_without_capacity_in_time() {
    let app = app_with(|config| {
        config.effect.max_concurrent = 0;
        config.effect.timeout = std::time::Duration::from_millis(20);
    });
    let rejected = get(&app, "").await;
    assert_eq!(rejected.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(rejected.problem(), "/problems/overloaded");
}
