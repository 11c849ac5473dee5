//! The list: valid, unique, and free of names that mean something else.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};

use moodvane_gazetteer::{cities, find, get};

const LIST: &str = include_str!("../data/cities.tsv");

#[test]
fn has_valid_line_for_each_city() {
    // An invalid line, zone or coordinate would be missing.
    let found: BTreeSet<_> = cities()
        .iter()
        .map(|entry| entry.city().id.to_string())
        .collect();
    let listed = LIST
        .lines()
        .skip(1)
        .filter_map(|line| line.split('\t').next());
    let missing: Vec<&str> = listed.filter(|id| !found.contains(*id)).collect();
    assert_eq!(missing, [""; 0]);
    assert!((400..=800).contains(&cities().len()));
    let populations: Vec<u32> = cities().iter().map(|entry| entry.population()).collect();
    assert!(populations.is_sorted_by(|a, b| a >= b));
    for entry in cities() {
        let city = entry.city();
        assert!(!city.names.is_empty(), "{}", city.id);
        assert_eq!(entry.country_code().len(), 2, "{}", city.id);
        assert!(entry.population() > 5_000, "{}", city.id);
    }
}

#[test]
fn ids_are_unique_and_found() {
    let ids: BTreeSet<_> = cities().iter().map(|entry| entry.city().id).collect();
    assert_eq!(ids.len(), cities().len());
    for entry in cities() {
        let id = entry.city().id;
        assert_eq!(get(id), Some(entry));
        assert_eq!(find(id.as_str()), Ok(entry));
        assert_eq!(find(&id.as_str().to_uppercase()), Ok(entry));
    }
}

#[test]
fn no_name_in_posts_belongs_to_two_cities() {
    let mut owners = BTreeMap::new();
    for entry in cities() {
        let city = entry.city();
        for name in &city.names {
            assert_eq!(name, &name.to_lowercase(), "{}", city.id);
            let before = owners.insert(name.clone(), city.id);
            assert_eq!(before, None, "{name} of {}", city.id);
            assert_eq!(find(name), Ok(entry), "{name}");
        }
    }
}

#[test]
fn no_name_in_posts_contains_one_of_another_city() {
    let owners: BTreeMap<&str, _> = cities()
        .iter()
        .flat_map(|entry| entry.city().names.iter().map(move |name| (&**name, entry)))
        .collect();
    for (name, owner) in &owners {
        let starts = word_edges(name, |before, after| !before && after);
        let ends = word_edges(name, |before, after| before && !after);
        for start in &starts {
            for end in ends.iter().filter(|end| *end > start) {
                let part = &name[*start..*end];
                let other = owners.get(part).unwrap_or(owner);
                assert_eq!(other, owner, "\"{name}\" contains \"{part}\"");
            }
        }
    }
}

/// The offsets where `is_edge` holds for whether the characters before and after are of a word.
fn word_edges(name: &str, is_edge: impl Fn(bool, bool) -> bool) -> Vec<usize> {
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let offsets = name.char_indices().map(|(at, _)| at).chain([name.len()]);
    offsets
        .filter(|at| {
            let before = name[..*at].chars().next_back();
            is_edge(is_word(before), is_word(name[*at..].chars().next()))
        })
        .collect()
}

#[test]
fn ambiguous_and_common_words_need_qualifier() {
    let names: BTreeSet<&str> = cities()
        .iter()
        .flat_map(|entry| entry.city().names.iter().map(String::as_str))
        .collect();
    for (bare, qualified) in [
        ("nice", "nice france"),
        ("reading", "reading uk"),
        ("mobile", "mobile, al"),
        ("bath", "bath, england"),
        ("split", "split croatia"),
        ("cork", "cork, ireland"),
        ("birmingham", "birmingham, alabama"),
        ("san jose", "san jose, ca"),
        ("valencia", "valencia spain"),
        ("hamilton", "hamilton ontario"),
        ("newcastle", "newcastle nsw"),
        ("washington", "washington dc"),
        ("york", "york, england"),
        ("phoenix", "phoenix, az"),
        ("ufa", "ufa russia"),
    ] {
        assert!(!names.contains(bare), "{bare}");
        assert!(names.contains(qualified), "{qualified}");
    }
    // "Portland or Seattle" names no Portland in Oregon.
    for word in ["la", "portland or", "mobile al", "columbus oh", "eugene or"] {
        assert!(!names.contains(word), "{word}");
    }
}
