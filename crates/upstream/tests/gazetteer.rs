//! One selection of all cities of the gazetteer: a post belongs to the cities that it names, and to no
//! other, found in one pass over its text.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use moodvane_gazetteer::cities;
use moodvane_model::City;
use moodvane_upstream::{DropReason, Selection};

fn all_cities() -> Vec<City> {
    cities().iter().map(|entry| entry.city().clone()).collect()
}

fn selected(selection: &Selection, text: &str) -> Vec<String> {
    match selection.matching_cities(text, None, None) {
        Ok(found) => found.iter().map(|id| id.to_string()).collect(),
        Err(reason) => {
            assert_eq!(reason, DropReason::NoCity);
            Vec::new()
        }
    }
}

#[test]
fn each_name_selects_its_city_alone() {
    let selection = Selection::for_cities(&all_cities()).unwrap();
    for entry in cities() {
        let city = entry.city();
        for name in &city.names {
            let text = format!("Rain again, {name} :(");
            assert_eq!(selected(&selection, &text), [city.id.as_str()], "{text}");
            let upper = text.to_uppercase();
            assert_eq!(selected(&selection, &upper), [city.id.as_str()], "{upper}");
        }
    }
}

#[test]
fn post_belongs_to_every_city_in_its_text() {
    let selection = Selection::for_cities(&all_cities()).unwrap();
    for (text, expected) in [
        (
            "Flew from Chicago to NYC, then Paris and back to #Chicago",
            &["new-york", "chicago", "paris"][..],
        ),
        ("São Paulo or saopaulo", &["sao-paulo"]),
        ("New Delhi is not #Delhi", &["delhi"]),
        ("Nice weather for reading in the bath", &[]),
        ("Portland or Seattle?", &["seattle", "portland"]),
        ("see https://example.org/chicago @london", &[]),
    ] {
        assert_eq!(selected(&selection, text), expected, "{text}");
    }
}
