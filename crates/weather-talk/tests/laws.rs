//! What holds for every text.

#![allow(clippy::unwrap_used)]

use moodvane_weather_talk::{MAX_TEXT_BYTES, WeatherTalk};
use proptest::prelude::*;

/// Texts of words that the list has, of other words, and of characters that confuse splitters.
fn texts() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("rain"),
        Just("Rain"),
        Just("hot"),
        Just("outside"),
        Just("cold"),
        Just("war"),
        Just("the"),
        Just("in"),
        Just("sun"),
        Just("Sun"),
        Just("75"),
        Just("°"),
        Just("F"),
        Just("-"),
        Just("#"),
        Just("@"),
        Just("it's"),
        Just("raaain"),
        Just("☔"),
        Just("degrees"),
        Just("#coldOutside"),
        Just("."),
        Just("xyz"),
        Just("#myweather"),
        Just("’"),
        Just("é"),
        Just("\u{1f327}\u{fe0f}"),
        Just("of"),
        Just("snow"),
        Just("white"),
    ];
    let gap = prop_oneof![Just(" "), Just(""), Just("\n"), Just("_")];
    prop::collection::vec((word, gap), 0..20).prop_map(|parts| {
        parts
            .into_iter()
            .flat_map(|(word, gap)| [word, gap])
            .collect()
    })
}

proptest! {
    #[test]
    fn accepts_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let text = String::from_utf8_lossy(&bytes);
        let mut talk = WeatherTalk::english();
        if let Some(mention) = talk.explain(&text) {
            prop_assert!(text.get(mention.range).is_some_and(|part| !part.is_empty()));
        }
    }

    /// The prefilter of `mentions_weather` lets every mention pass, which `explain` finds without it.
    #[test]
    fn answer_and_explanation_agree(text in texts(), any_text in any::<String>()) {
        let mut talk = WeatherTalk::english();
        for text in [text, any_text] {
            prop_assert_eq!(talk.mentions_weather(&text), talk.explain(&text).is_some(), "{}", text);
        }
    }

    #[test]
    fn encoding_makes_no_difference(text in texts(), space in prop_oneof![Just("\u{a0}"), Just("  "), Just(" \u{200b} ")]) {
        let mut talk = WeatherTalk::english();
        let expected = talk.mentions_weather(&text);
        let spaced = text.replace(' ', space);
        let wide: String = text
            .chars()
            .map(|c| if c.is_ascii_graphic() { char::from_u32(c as u32 + 0xfee0).unwrap() } else { c })
            .collect();
        let hidden = text.replace('o', "o\u{ad}");
        for other in [spaced, wide, hidden] {
            prop_assert_eq!(talk.mentions_weather(&other), expected, "{}", other);
        }
    }

    #[test]
    fn earlier_texts_do_not_matter(first in texts(), second in texts()) {
        let mut talk = WeatherTalk::english();
        let expected = talk.explain(&second);
        let _ = talk.mentions_weather(&first);
        prop_assert_eq!(talk.explain(&second), expected);
    }
}

#[test]
fn reads_limited_part_of_text() {
    let mut talk = WeatherTalk::english();
    let filler = "word ".repeat(MAX_TEXT_BYTES / 5 - 1);
    assert!(talk.mentions_weather(&format!("{filler}rain")));
    assert!(!talk.mentions_weather(&format!("{filler}word and é rain")));
}

/// Texts that make a search without a bound slow: long words, repeated starts of phrases, repeated hashtags, signs.
#[test]
fn accepts_texts_of_maximal_length() {
    let mut talk = WeatherTalk::english();
    for part in [
        "a",
        "#",
        "#a",
        "it's so ",
        "in the ",
        "-1",
        "1 ",
        "sun is ",
        "#weathe",
        "'",
        "cold war ",
        "☔\u{fe0f}x",
    ] {
        let text = part.repeat(2 * MAX_TEXT_BYTES / part.len());
        let answer = talk.mentions_weather(&text);
        assert_eq!(answer, part.starts_with('☔'), "{part}");
    }
}

#[test]
fn fingerprint_is_short_and_pinned() {
    let talk = WeatherTalk::english();
    let fingerprint = talk.fingerprint();
    assert!(fingerprint.starts_with("talk-") && fingerprint.len() <= 24);
    assert!(
        fingerprint
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    );
}
