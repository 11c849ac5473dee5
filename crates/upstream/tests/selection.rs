//! Assignment of posts to cities.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{city, new_york};
use moodvane_model::{CityId, Language};
use moodvane_upstream::{DropReason, PLACE_RADIUS_KM, Selection, SelectionError};
use proptest::prelude::*;

fn names_new_york(text: &str) -> bool {
    let selection = Selection::for_cities(&[new_york()]).unwrap();
    selection.matching_cities(text, None, None).is_ok()
}

#[test]
fn matches_whole_words() {
    for text in [
        "nyc",
        "NYC!",
        "Rain over New York",
        "NEW YORK, new rain",
        "(brooklyn)",
        "NYC's rain",
        "rain in NYC’s streets",
        "it rains…nyc",
        "#NYC is wet",
        "#nyc_rain",
        "new york-based",
        "🌧nyc🌧",
        "Manhattan/Brooklyn",
        "from NYC:https://example.org/rain",
        "I am @ Brooklyn",
        "food@ brooklyn",
        "rain.Brooklyn is wet",
    ] {
        assert!(names_new_york(text), "{text}");
    }
}

#[test]
fn ignores_parts_of_words() {
    for text in [
        "",
        "nycfc",
        "inyc",
        "nyc2024",
        "2nyc",
        "new yorker",
        "xnew york",
        "new-york",
        "#newyork",
        "énycé",
        "nycé",
        "nyc\u{301}",
        "日nyc",
        "n y c",
    ] {
        assert!(!names_new_york(text), "{text}");
    }
}

#[test]
fn ignores_names_in_links_and_mentions() {
    for text in [
        "https://example.org/nyc",
        "see HTTP://EXAMPLE.ORG/a,nyc?b=nyc.",
        "見てhttps://example.org/nyc",
        "(https://nyc.example.org)",
        "www.nyc.example",
        "example.org/brooklyn/rain...",
        "\"nyc.gov\"",
        "NYC.com, of course",
        "@nyc hello",
        "@nyc.example.org",
        "hello @rain_nyc",
        "(@brooklyn)",
        "@rain@nyc.example",
        "nyc@example.org",
        "rain@nyc.example",
        "https://example.org/new york",
    ] {
        assert!(!names_new_york(text), "{text}");
        assert!(names_new_york(&format!("{text} nyc")), "{text} nyc");
        assert!(names_new_york(&format!("nyc {text}")), "nyc {text}");
    }
}

#[test]
fn folds_case_of_non_ascii_letters() {
    let selection = Selection::for_cities(&[
        city("zuerich", (47.37, 8.54), &["zürich"]),
        city("athens", (37.98, 23.73), &["αθήνα"]),
    ])
    .unwrap();
    for (text, id) in [
        ("ZÜRICH im Regen", "zuerich"),
        ("İİİ Zürich", "zuerich"),
        ("Βροχή στην ΑΘΉΝΑ", "athens"),
    ] {
        let cities = selection.matching_cities(text, None, None).unwrap();
        let ids: Vec<_> = cities.iter().map(|id| id.to_string()).collect();
        assert_eq!(ids, [id], "{text}");
    }
    assert_eq!(
        selection.matching_cities("zürichsee", None, None),
        Err(DropReason::NoCity)
    );
}

#[test]
fn matches_several_cities_in_order_without_duplicates() {
    let cities = [
        city("london", (51.5, -0.13), &["london", "big smoke"]),
        city("york", (53.96, -1.08), &["york"]),
        city("new-york", (40.71, -74.0), &["new york", "nyc"]),
    ];
    let selection = Selection::for_cities(&cities).unwrap();
    let ids = |text, place| -> Vec<String> {
        let cities = selection.matching_cities(text, None, place).unwrap();
        cities.into_iter().map(|id| id.to_string()).collect()
    };
    assert_eq!(
        ids("NYC, nyc and the big smoke, London", None),
        ["london", "new-york"]
    );
    assert_eq!(ids("new york", None), ["york", "new-york"]);
    assert_eq!(ids("rain", Some((51.4, 0.0))), ["london"]);
    assert_eq!(ids("york", Some((51.4, 0.0))), ["london", "york"]);
    assert_eq!(ids("london", Some((51.4, 0.0))), ["london"]);
}

#[test]
fn matches_places_within_radius() {
    let degree_km = 111.195_08;
    let (inside, outside) = (PLACE_RADIUS_KM - 0.1, PLACE_RADIUS_KM + 0.1);
    for (at, km, lies_there) in [
        ((40.7128, -74.006), inside, true),
        ((40.7128, -74.006), outside, false),
        ((0.0, 179.9), inside, true),
        ((0.0, -179.9), outside, false),
        ((89.9, 10.0), inside, true),
    ] {
        let selection = Selection::for_cities(&[city("somewhere", at, &[])]).unwrap();
        let north = (at.0 - km / degree_km, at.1);
        assert_eq!(
            selection.matching_cities("", None, Some(north)).is_ok(),
            lies_there,
            "{km} km from {at:?}"
        );
    }
    let at_the_date_line = Selection::for_cities(&[city("fiji", (-17.0, 179.9), &[])]).unwrap();
    let place = Some((-17.0, -179.9));
    assert!(at_the_date_line.matching_cities("", None, place).is_ok());
    let selection = Selection::for_cities(&[new_york()]).unwrap();
    for nowhere in [(f64::NAN, 0.0), (f64::INFINITY, 0.0), (0.0, 0.0)] {
        assert_eq!(
            selection.matching_cities("", None, Some(nowhere)),
            Err(DropReason::NoCity)
        );
    }
}

#[test]
fn selects_all_posts_of_language() {
    let id = CityId::parse("new-york").unwrap();
    let language = |tag| Language::parse(tag).unwrap();
    let english = Selection::all_posts(id, Some(language("en-GB")));
    for (given, taken) in [
        (Some("en"), true),
        (Some("EN-us"), true),
        (Some("de"), false),
        (Some("eng"), false),
        (None, false),
    ] {
        let cities = english.matching_cities("rain", given.map(language), None);
        let expected = if taken {
            Ok(vec![id])
        } else {
            Err(DropReason::Language)
        };
        assert_eq!(cities.map(|c| c.iter().collect::<Vec<_>>()), expected);
    }
    assert!(
        Selection::all_posts(id, None)
            .matching_cities("", None, None)
            .is_ok()
    );
}

#[test]
fn rejects_selection_without_city() {
    let error = Selection::for_cities(&[]).unwrap_err();
    assert!(matches!(error, SelectionError::NoCities), "{error}");
}

/// Text with names, links, mentions and unusual letters.
fn scraps() -> impl Strategy<Value = String> {
    let scrap = prop_oneof![
        Just("nyc"),
        Just("New York"),
        Just("brooklyn"),
        Just("york"),
        Just(" "),
        Just("\n"),
        Just("@"),
        Just("#"),
        Just("."),
        Just("/"),
        Just("https://"),
        Just("www."),
        Just(".com"),
        Just("é"),
        Just("İ"),
        Just("日"),
        Just("\u{301}"),
        Just("7"),
        Just("-"),
        Just("🌧"),
    ];
    prop::collection::vec(scrap, 0..12).prop_map(|scraps| scraps.concat())
}

proptest! {
    #[test]
    fn no_text_or_place_panics(text in ".{0,200}", lat in any::<f64>(), lon in any::<f64>()) {
        let cities = [new_york(), city("zuerich", (47.37, 8.54), &["zürich", "züri"])];
        let _ = Selection::for_cities(&cities).unwrap().matching_cities(&text, None, Some((lat, lon)));
    }

    #[test]
    fn ignores_case(text in scraps()) {
        let upper = text.to_ascii_uppercase();
        prop_assert_eq!(names_new_york(&text), names_new_york(&upper));
    }

    #[test]
    fn matches_separate_parts_independently(a in scraps(), b in scraps()) {
        // A full stop separates "new" and "york" of two texts.
        let both = names_new_york(&format!("{a} . {b}"));
        prop_assert_eq!(both, names_new_york(&a) || names_new_york(&b));
    }

    #[test]
    fn ignores_name_next_to_letter_or_digit(
        before in "[a-zA-Z0-9é日]", name in "nyc|new york|brooklyn", after in "[a-zA-Z0-9é日]"
    ) {
        prop_assert!(names_new_york(&name));
        let (left, right) = (format!("{before}{name}"), format!("{name}{after}"));
        prop_assert!(!names_new_york(&left));
        prop_assert!(!names_new_york(&right));
    }

    #[test]
    fn rejects_text_without_name(text in "[a-mo-z ]{0,40}") {
        prop_assume!(!text.contains("brookly"));
        prop_assert!(!names_new_york(&text));
    }
}

#[test]
fn restricts_cities_to_language() {
    let english = moodvane_model::Language::parse("en").unwrap();
    let german = moodvane_model::Language::parse("de").unwrap();
    let selection = Selection::for_cities(&[new_york()])
        .unwrap()
        .in_language(Some(english));
    for (text, language, expected) in [
        ("rain over nyc", Some(english), "kept"),
        ("Regen in nyc", Some(german), "language"),
        ("rain over nyc", None, "language"),
        ("rain over boston", Some(english), "no_city"),
    ] {
        let found = selection.matching_cities(text, language, None);
        assert_eq!(
            found.map_or_else(|d| d.label(), |_| "kept"),
            expected,
            "{text}"
        );
    }
}
