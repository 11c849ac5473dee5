//! Checks shared by the fuzz targets of the parsers.
//!
//! Each target parses arbitrary bytes as the message of an upstream. Parsing must not panic. Results must
//! be within the bounds of the model and deterministic. Rejected input must leave no output and have a
//! reason that is usable as a metric label.

use std::sync::{Arc, LazyLock};

use moodvane_model::{
    City, CityId, MAX_POST_ID_BYTES, MAX_POST_TEXT_BYTES, Observation, Post, Readings, SourceId,
    Timestamp, Variable,
};
use moodvane_upstream::{
    OmittedValue, ParsedWeather, PostFormat, RawMessage, Selection, UpstreamError,
};

/// A city that texts can name.
pub static CITY: LazyLock<City> = LazyLock::new(|| {
    let names = ["nyc", "new york", "straße"].map(str::to_owned);
    let id = CityId::parse("new-york").expect("an id");
    City::new(id, "New York", &names, (40.7, -74.0), "America/New_York").expect("a city")
});

pub fn source() -> SourceId {
    SourceId::parse("fuzz").expect("an id")
}

pub fn now() -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000).expect("a time")
}

static SELECTIONS: LazyLock<[Arc<Selection>; 2]> = LazyLock::new(|| {
    let cities = Selection::for_cities(std::slice::from_ref(&*CITY)).expect("a selection");
    [Arc::new(Selection::all_posts(CITY.id, None)), Arc::new(cities)]
});

/// A selection of all posts, which exercises the checks, and one by city, which exercises name matching.
pub fn selections() -> [Arc<Selection>; 2] {
    SELECTIONS.clone()
}

/// Parses a raw message twice and checks the results.
pub fn check_format(format: &dyn PostFormat, raw: &RawMessage) {
    let mut posts: Vec<Post<'static>> = Vec::new();
    let first = format.format(raw, now(), &mut posts);
    match &first {
        Ok(()) => posts.iter().for_each(check_post),
        Err(dropped) => {
            assert!(posts.is_empty(), "a dropped message adds no post");
            check_reason(dropped.label(), &dropped.to_string());
        }
    }
    let mut again = Vec::new();
    assert_eq!(format.format(raw, now(), &mut again), first);
    assert_eq!(again, posts);
}

fn check_post(post: &Post<'static>) {
    assert!((1..=MAX_POST_ID_BYTES).contains(&post.id().len()));
    assert!(post.text().len() <= MAX_POST_TEXT_BYTES && !post.text().trim().is_empty());
    let json = post.to_json().expect("a post can be written");
    assert_eq!(&Post::from_json(&json).expect("and read again"), post);
}

fn check_reason(reason: &str, message: &str) {
    assert!(!reason.is_empty() && reason.bytes().all(|b| b.is_ascii_lowercase() || b"_8".contains(&b)));
    // An error contains an excerpt of the input, not all of it.
    assert!(message.len() < 4_096, "{} bytes", message.len());
}

/// Checks a parsed response: each value is within the bounds of its variable.
pub fn check_answer(answer: Result<ParsedWeather, UpstreamError>) {
    match answer {
        Ok(weather) => check_weather(&weather),
        Err(error) => check_error(&error),
    }
}

/// Checks a parsed observation: a variable has a value or is omitted, never both.
pub fn check_weather(weather: &ParsedWeather) {
    check_readings(weather.observed_at, weather.readings);
    check_omitted(weather.readings, &weather.omitted);
}

pub fn check_omitted(readings: Readings, omitted: &[OmittedValue]) {
    assert!(readings.get(Variable::Temperature).is_some());
    for one in omitted {
        assert!(one.variable != Variable::Temperature && readings.get(one.variable).is_none());
        check_reason(one.reason.label(), &format!("{} {}", one.field, one.value));
    }
}

pub fn check_error(error: &UpstreamError) {
    check_reason(error.reason(), &error.to_string());
}

pub fn check_readings(at: Timestamp, readings: Readings) {
    for variable in Variable::ALL {
        if let Some(quantity) = readings.get(variable) {
            assert!(quantity.value().is_finite());
        }
    }
    let observation = Observation {
        city: CITY.id,
        source: source(),
        observed_at: at,
        received_at: at,
        readings,
    };
    let json = observation.to_json().expect("an observation can be written");
    assert_eq!(Observation::from_json(&json).expect("and read again"), observation);
}
