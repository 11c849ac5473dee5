//! Several cities in one world: one stream, each city's own weather, and a truth for each.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::BTreeMap;

use moodvane_simulator::{PlantedEffects, SimulatorConfig, Truth};
use serde_json::{Value, json};
use support::{at, hours_after_start, run, three_cities};

const LOCATIONS: &str = "latitude=51.5,40.7,1.4&longitude=-0.1,-74.0,103.8";

#[tokio::test]
async fn each_city_has_its_own_weather_in_every_protocol() {
    let running = run(three_cities(), at("2018-01-05T12:20:00Z")).await;
    let list = format!("v1/forecast?{LOCATIONS}&current=temperature_2m");
    let (status, answer) = running.get(&list).await;
    assert_eq!(status, 200);
    let temperatures: Vec<f64> = answer
        .as_array()
        .unwrap()
        .iter()
        .map(|element| element["current"]["temperature_2m"].as_f64().unwrap())
        .collect();
    let [london, new_york, singapore] = temperatures[..] else {
        panic!("{answer}")
    };
    assert!(singapore > 15.0 && london < 15.0 && new_york < 15.0);
    for (location, expected) in [
        ("51.5,-0.1", london),
        ("40.7,-74.0", new_york),
        ("1.4,103.8", singapore),
    ] {
        let path = format!("v1/current.json?q={location}&key=k");
        let (_, answer) = running.get(&path).await;
        assert_eq!(answer["current"]["temp_c"], json!(expected), "{location}");
    }
    let (status, answer) = running
        .get("v1/forecast?latitude=48.9&longitude=2.4&current=temperature_2m")
        .await;
    let reason = answer["reason"].as_str().unwrap();
    assert_eq!(status, 400);
    assert!(
        reason.contains("51.5074") && reason.contains("2 other cities"),
        "{reason}"
    );
}

#[tokio::test]
async fn each_city_has_a_weather_station() {
    let running = run(three_cities(), at("2018-01-05T12:20:00Z")).await;
    let client = reqwest::Client::builder()
        .user_agent("test")
        .build()
        .unwrap();
    let get = async |path: &str| -> Value {
        let url = running.simulator.base_url().join(path).unwrap();
        client.get(url).send().await.unwrap().json().await.unwrap()
    };
    for (point, grid, station) in [
        ("40.7,-74.0", "1,2", "KSIM"),
        ("51.5,-0.1", "2,2", "KSIM1"),
        ("1.4,103.8", "3,2", "KSIM2"),
    ] {
        let found = get(&format!("points/{point}")).await;
        let stations = found["properties"]["observationStations"].as_str().unwrap();
        assert!(stations.ends_with(&format!("gridpoints/SIM/{grid}/stations")));
        let found = get(&format!("gridpoints/SIM/{grid}/stations")).await;
        let id = &found["features"][1]["properties"]["stationIdentifier"];
        assert_eq!(id, station);
        let latest = get(&format!("stations/{station}/observations/latest")).await;
        assert!(latest["properties"]["temperature"]["value"].is_number());
    }
    for path in [
        "gridpoints/SIM/4,2/stations",
        "stations/KSIM3/observations/latest",
        "stations/KSIM0/observations",
    ] {
        assert_eq!(get(path).await["title"], "Refused", "{path}");
    }
}

#[tokio::test]
async fn truth_has_every_city_with_its_effects_and_survives_a_file() {
    let running = run(three_cities(), hours_after_start(48)).await;
    let (_, answer) = running.get("truth").await;
    assert_eq!(
        answer["city"], "new-york",
        "as a reader of one city expects"
    );
    let truth: Truth = serde_json::from_value(answer).unwrap();
    let effects: BTreeMap<String, PlantedEffects> = truth
        .cities()
        .map(|truth| (truth.city.to_string(), truth.effects.unwrap()))
        .collect();
    assert_eq!(effects.len(), 3);
    for truth in truth.cities() {
        let drawn = PlantedEffects::drawn(1, truth.city);
        assert_eq!(truth.effects, Some(drawn));
        let posts: u64 = truth.hours.iter().map(|hour| hour.posts).sum();
        assert!(posts > 300, "{}: {posts}", truth.city);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("truth.json");
    truth.save(&path).unwrap();
    assert_eq!(Truth::load(&path).unwrap(), truth);
}

#[tokio::test]
async fn restart_keeps_served_weather_of_each_city() {
    let folder = tempfile::tempdir().unwrap();
    let config = SimulatorConfig {
        journal: Some(folder.path().join("served")),
        ..three_cities()
    };
    let request = format!("v1/forecast?{LOCATIONS}&hourly=temperature_2m&past_days=1");
    let now = hours_after_start(30);
    let first = run(config.clone(), now).await;
    first.get(&request).await;
    let before = first.simulator.truth();
    first.shutdown.cancel();
    first.simulator.stopped().await;
    let again = run(config, now).await.simulator.truth();
    assert_eq!(again, before);
    for truth in again.cities() {
        let temperatures = truth.hours.iter().flat_map(|hour| &hour.temperature);
        assert_eq!(temperatures.count(), 31, "{}", truth.city);
    }
}
