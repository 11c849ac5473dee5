//! The JSON records of both topics: their shape, the round trip, and the errors of invalid records.

#![allow(clippy::unwrap_used)]

use moodvane_model::{
    CityId, ErrorChain, Language, Observation, Post, Readings, SourceId, Timestamp, Variable,
};
use proptest::prelude::*;

fn post(id: &str, text: &str) -> Post<'static> {
    let city_and_source = (
        CityId::parse("new-york").unwrap(),
        SourceId::parse("bluesky").unwrap(),
    );
    let at = |ms| Timestamp::from_millis(ms).unwrap();
    let language = Some(Language::parse("en-US").unwrap());
    let times = (at(1_514_772_000_000), at(1_514_772_000_250));
    Post::new(
        city_and_source,
        id.to_owned(),
        text.to_owned(),
        language,
        times,
    )
    .unwrap()
}

fn observation() -> Observation {
    let at = |ms| Timestamp::from_millis(ms).unwrap();
    Observation {
        city: CityId::parse("new-york").unwrap(),
        source: SourceId::parse("open-meteo").unwrap(),
        observed_at: at(1_514_772_000_000),
        received_at: at(1_514_772_003_000),
        readings: Readings::new(-3.25)
            .unwrap()
            .with(Variable::Humidity, Some(81.0))
            .unwrap(),
    }
}

#[test]
fn encodes_post() {
    let json = String::from_utf8(post("at:1", "rain \"again\" in nyc").to_json().unwrap()).unwrap();
    insta::assert_snapshot!(json, @r#"{"v":1,"id":"at:1","city":"new-york","source":"bluesky","text":"rain \"again\" in nyc","lang":"en","created_at_ms":1514772000000,"received_at_ms":1514772000250}"#);
}

#[test]
fn encodes_observation() {
    let json = String::from_utf8(observation().to_json().unwrap()).unwrap();
    insta::assert_snapshot!(json, @r#"{"v":1,"city":"new-york","source":"open-meteo","observed_at_ms":1514772000000,"received_at_ms":1514772003000,"temperature_c":-3.25,"humidity_pct":81.0}"#);
    assert_eq!(
        Observation::from_json(json.as_bytes()).unwrap(),
        observation()
    );
}

#[test]
fn key_equals_identity() {
    let post = post("did:plc:x/3k", "");
    assert_eq!(post.identity(), "new-york:bluesky:did:plc:x/3k");
    assert!(post.has_identity(post.identity().as_bytes()));
    for other in [
        "",
        "new-york:bluesky:did:plc:x/3",
        "new-york:bluesky",
        "newyork:bluesky:did:plc:x/3k",
    ] {
        assert!(!post.has_identity(other.as_bytes()), "{other}");
    }
}

#[test]
fn rejects_invalid_post_and_names_field() {
    let good = r#"{"v":1,"id":"1","city":"c","source":"s","text":"t","created_at_ms":5,"received_at_ms":6,"new":[1]}"#;
    assert!(
        Post::from_json(good.as_bytes()).is_ok(),
        "unknown fields are ignored"
    );
    let long = format!("\"text\":\"{}\"", "x".repeat(16_385));
    for (from, to, expected, says) in [
        ("{", "[", "json", "expected"),
        ("\"v\":1,", "", "missing_field", "\"v\""),
        ("\"v\":1", "\"v\":2", "version", "version 2"),
        ("\"v\":1", "\"v\":0", "version", "version 0"),
        ("\"v\":1", "\"v\":\"1\"", "json", "string"),
        ("\"id\":\"1\",", "", "missing_field", "\"id\""),
        ("\"id\":\"1\"", "\"id\":\"\"", "impossible_value", "\"id\""),
        ("\"text\":\"t\",", "", "missing_field", "\"text\""),
        ("\"text\":\"t\"", long.as_str(), "impossible_value", "16385"),
        (
            "\"city\":\"c\"",
            "\"city\":\"New York\"",
            "impossible_value",
            "\"city\"",
        ),
        ("\"source\":\"s\",", "", "missing_field", "\"source\""),
        (
            "\"created_at_ms\":5",
            "\"created_at_ms\":-5",
            "impossible_value",
            "-5 ms",
        ),
        (
            ",\"received_at_ms\":6",
            "",
            "missing_field",
            "received_at_ms",
        ),
        (
            "\"text\"",
            "\"lang\":\"!\",\"text\"",
            "impossible_value",
            "\"lang\"",
        ),
    ] {
        let bad = good.replacen(from, to, 1);
        let error = Post::from_json(bad.as_bytes()).unwrap_err();
        assert_eq!(error.reason(), expected, "{bad}");
        let chain = ErrorChain(&error).to_string();
        assert!(chain.contains(says), "{says} in {chain}");
    }
}

#[test]
fn rejects_observation_out_of_limits() {
    let json = |t: &str| {
        format!(
            r#"{{"v":1,"city":"c","source":"s","observed_at_ms":5,"received_at_ms":6,"temperature_c":{t}}}"#
        )
    };
    for (value, reason) in [
        ("71", "impossible_value"),
        ("-101", "impossible_value"),
        ("null", "missing_field"),
        ("\"7\"", "json"),
        ("1e999", "json"),
    ] {
        assert_eq!(
            Observation::from_json(json(value).as_bytes())
                .unwrap_err()
                .reason(),
            reason
        );
    }
}

#[test]
fn bad_side_value_of_record_costs_only_itself() {
    let json = |fields: &str| {
        format!(
            r#"{{"v":1,"city":"c","source":"s","observed_at_ms":5,"received_at_ms":6,"temperature_c":7,{fields}}}"#
        )
    };
    for (fields, omitted) in [
        (
            r#""humidity_pct":101,"wind_m_s":3"#,
            vec![Variable::Humidity],
        ),
        (
            r#""humidity_pct":"M","wind_m_s":3"#,
            vec![Variable::Humidity],
        ),
        (r#""pressure_hpa":0,"wind_m_s":3"#, vec![Variable::Pressure]),
        (
            r#""cloud_pct":[1],"precipitation_mm_h":-1,"wind_m_s":3"#,
            vec![Variable::Precipitation, Variable::Cloud],
        ),
        (r#""humidity_pct":null,"wind_m_s":3"#, vec![]),
    ] {
        let found = Observation::decode(json(fields).as_bytes()).unwrap();
        assert_eq!(found.omitted, omitted, "{fields}");
        let readings = found.observation.readings;
        let value = |variable| readings.get(variable).map(moodvane_model::Quantity::value);
        assert_eq!(value(Variable::Temperature), Some(7.0));
        assert_eq!(value(Variable::Wind), Some(3.0));
        assert!(omitted.iter().all(|one| value(*one).is_none()), "{fields}");
    }
}

proptest! {
    #[test]
    fn post_round_trips(id in "[^\\x00-\\x1f]{1,40}", text in "\\PC{0,200}") {
        let written = post(&id, &text);
        let json = written.to_json().unwrap();
        prop_assert_eq!(Post::from_json(&json).unwrap(), written);
    }

    #[test]
    fn decodes_or_rejects_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Post::from_json(&bytes);
        let _ = Observation::from_json(&bytes);
    }
}
