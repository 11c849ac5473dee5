//! Finding cities by what people type.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use moodvane_gazetteer::{GazetteerError, cities, find, find_all};
use proptest::prelude::*;

#[test]
fn finds_by_id_name_and_qualified_name() {
    for (text, id) in [
        ("chicago", "chicago"),
        (" Chicago ", "chicago"),
        ("Chicago, IL", "chicago"),
        ("chicago,illinois", "chicago"),
        ("Chicago, United States", "chicago"),
        ("chicago, usa", "chicago"),
        ("new-york", "new-york"),
        ("New  York", "new-york"),
        ("NYC", "new-york"),
        ("philly", "philadelphia"),
        ("chi-town", "chicago"),
        ("sao paulo", "sao-paulo"),
        ("SÃO PAULO", "sao-paulo"),
        ("München", "munich"),
        ("munchen", "munich"),
        ("koln", "cologne"),
        ("Birmingham, AL", "birmingham-al"),
        ("Birmingham, Alabama", "birmingham-al"),
        ("birmingham, uk", "birmingham-uk"),
        ("birmingham, england", "birmingham-uk"),
        ("Valencia, Spain", "valencia-es"),
        ("nice", "nice"),
        ("Nice, France", "nice"),
        ("san josé, costa rica", "san-jose-cr"),
        ("Washington, DC", "washington-dc"),
        ("washington, d.c.", "washington-dc"),
        ("Moscow, Russia", "moscow"),
        ("dublin, ie", "dublin"),
        ("edinburgh, scotland", "edinburgh"),
        ("boston", "boston"),
        ("seattle", "seattle"),
    ] {
        let found = find(text).map(|entry| entry.city().id.to_string());
        assert_eq!(found.as_deref(), Ok(id), "{text}");
    }
}

#[test]
fn lists_candidates_of_ambiguous_name() {
    let error = find("Birmingham").unwrap_err().to_string();
    assert_eq!(
        error,
        "\"Birmingham\" is ambiguous: birmingham-uk (England, United Kingdom, 1.2 million) or \
         birmingham-al (Alabama, United States, 197 thousand)"
    );
    for text in ["valencia", "san jose", "newcastle", "hamilton", "cordoba"] {
        let error = find(text).unwrap_err();
        let GazetteerError::Ambiguous { candidates, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(candidates.len(), 2, "{text}");
    }
}

#[test]
fn suggests_nearest_spellings_and_manual_configuration() {
    for (text, expected) in [
        ("chicgo", Some("chicago")),
        ("Londn", Some("london")),
        ("new yrok", Some("new-york")),
        ("philadelfia", Some("philadelphia")),
        ("san fransisco", Some("san-francisco")),
        ("atlantis-by-the-sea", None),
        ("", None),
        ("Chicago, France", None),
    ] {
        let error = find(text).unwrap_err();
        assert!(error.to_string().contains("latitude, longitude"), "{error}");
        let GazetteerError::Unknown { suggestions, .. } = error else {
            panic!("{error}");
        };
        let first = suggestions.first().map(|entry| entry.city().id.to_string());
        assert_eq!(first.as_deref(), expected, "{text}");
    }
}

#[test]
fn reads_lists_with_qualified_names() {
    for (list, ids) in [
        ("chicago", &["chicago"][..]),
        ("chicago,london", &["chicago", "london"]),
        (" london , new york ,london", &["london", "new-york"]),
        (
            "birmingham, al, boston,Paris, France",
            &["birmingham-al", "boston", "paris"],
        ),
        ("singapore,luxembourg", &["singapore", "luxembourg"]),
    ] {
        let found = find_all(list).unwrap();
        let found: Vec<&str> = found.iter().map(|entry| entry.city().id.as_str()).collect();
        assert_eq!(found, ids, "{list}");
    }
    let errors = find_all("chicago,birmingham,atlantis,,london").unwrap_err();
    assert_eq!(errors.len(), 3, "{errors:?}");
}

proptest! {
    #[test]
    fn finds_in_any_case_and_by_country(index in 0..cities().len(), upper: bool) {
        let entry = &cities()[index];
        let text = format!("{}, {}", entry.city().name, entry.country());
        let text = if upper { text.to_uppercase() } else { text.to_lowercase() };
        prop_assert_eq!(find(&text), Ok(entry));
    }

    #[test]
    fn accepts_any_text_without_panic(text: String) {
        let _ = find(&text);
        let _ = find_all(&text);
    }
}
