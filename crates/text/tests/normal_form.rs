//! The normal form: what it changes, what it keeps, and its laws.

#![allow(clippy::unwrap_used)]

use moodvane_text::{LineBreaks, is_blank, normal_form, normalise, normalise_with_offsets};
use proptest::prelude::*;

const BOTH: [LineBreaks; 2] = [LineBreaks::AsSpace, LineBreaks::Kept];
const FAMILY: &str = "👨\u{200d}👩\u{200d}👧";
const HEART_ON_FIRE: &str = "❤\u{fe0f}\u{200d}🔥";

#[test]
fn unifies_encodings_of_equal_text() {
    for (text, expected) in [
        ("", ""),
        ("New York", "New York"),
        ("New\u{a0}York", "New York"),
        ("New  York", "New York"),
        ("New\r\nYork", "New York"),
        ("New\t \u{3000}\u{2009}\u{85}\u{2028}York", "New York"),
        ("New \u{200b} York", "New York"),
        ("New\u{200b}York", "NewYork"),
        ("  both  ends  ", " both ends "),
        ("won\u{ad}der\u{200c}ful\u{feff}", "wonderful"),
        ("\u{2068}New\u{2069} \u{200f}York", "New York"),
        ("ＮＹＣ！　（ｗｅｔ）＜３", "NYC! (wet)<3"),
        ("Zu\u{308}rich", "Zürich"),
        ("Zu\u{200b}\u{308}rich", "Zürich"),
        ("Zürich", "Zürich"),
        ("\u{212b}ngstr\u{f6}m", "Ångström"),
        ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
        ("\u{438}\u{306}", "\u{439}"),
    ] {
        assert_eq!(normal_form(text), expected, "{text:?}");
    }
}

#[test]
fn keeps_joiner_between_emoji_only() {
    for (text, expected) in [
        (FAMILY, FAMILY),
        (HEART_ON_FIRE, HEART_ON_FIRE),
        ("👩🏽\u{200d}🚀", "👩🏽\u{200d}🚀"),
        ("a\u{200d}b", "ab"),
        ("🔥\u{200d} b", "🔥 b"),
        ("\u{200d}🔥\u{200d}", "🔥"),
        ("🔥\u{200d}\u{200d}🔥", "🔥🔥"),
    ] {
        assert_eq!(normal_form(text), expected, "{text:?}");
    }
}

#[test]
fn keeps_one_line_break_of_each_run() {
    let mut buffer = String::new();
    for (text, expected) in [
        ("a\nb", "a\nb"),
        ("a\r\nb", "a\nb"),
        ("a  \r\n \n\u{200b} b", "a\nb"),
        ("a\u{2028}b", "a\nb"),
        ("a \t b", "a b"),
    ] {
        let normal = normalise(text, LineBreaks::Kept, &mut buffer);
        assert_eq!(normal, expected, "{text:?}");
    }
}

#[test]
fn borrows_text_in_normal_form() {
    let mut buffer = "unchanged".to_owned();
    for text in [
        "plain ASCII, with one line\nbreak",
        "it’s “fine” — really…",
        "café ☀\u{fe0f} 👍🏽",
        HEART_ON_FIRE,
        "привет 東京 한국",
    ] {
        let normal = normalise(text, LineBreaks::Kept, &mut buffer);
        assert!(std::ptr::eq(normal, text), "{text}");
    }
    assert_eq!(buffer, "unchanged");
}

#[test]
fn blank_text_has_nothing_to_see() {
    for blank in ["", " \u{a0}\n", "\u{200b}\u{ad}\u{2060}", "\u{feff} "] {
        assert!(is_blank(blank), "{blank:?}");
    }
    for text in ["a", "\u{200b}.", "👍", "\u{301}"] {
        assert!(!is_blank(text), "{text:?}");
    }
}

#[test]
fn maps_ranges_to_original_text() {
    let cases = [
        ("a wonder\u{ad}ful day", "wonderful", "wonder\u{ad}ful"),
        ("a  \n b", "b", "b"),
        ("so Zu\u{308}rich it is", "Zürich", "Zu\u{308}rich"),
        ("so Zu\u{308}rich it is", "it", "it"),
        ("ＯＫ then", "OK", "ＯＫ"),
        ("ＯＫ then", "then", "then"),
        ("\u{feff}first", "first", "first"),
        ("last\u{200b}", "last", "last"),
        ("наши\u{306} дом", "дом", "дом"),
    ];
    for (text, part, expected) in cases {
        let normalised = normalise_with_offsets(text, LineBreaks::Kept);
        let start = normalised.text.find(part).unwrap();
        let range = normalised.original_range(start..start + part.len());
        assert_eq!(&text[range], expected, "{text:?}");
    }
}

fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[a-zA-Z !?.<3]{1,8}",
        2 => "[ \\t\\n\\r\u{a0}\u{2003}\u{2028}\u{3000}]{1,3}",
        2 => "[\u{ad}\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}\u{202e}]{1,2}",
        2 => "[aeou\u{300}\u{301}\u{308}\u{327}\u{338}é\u{212a}\u{2126}\u{2329}]{1,4}",
        1 => "[\u{ff01}-\u{ff5e}]{1,4}",
        1 => "[👨👩❤🔥\u{fe0f}\u{200d}\u{1f3fd}]{1,5}",
        1 => "[\u{1100}-\u{1112}\u{1161}-\u{1175}\u{11a8}-\u{11c2}가각\u{3099}か]{1,4}",
        1 => "\\PC{0,6}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn is_idempotent(text in any_text()) {
        for line_breaks in BOTH {
            let (mut first, mut second) = (String::new(), String::new());
            let once = normalise(&text, line_breaks, &mut first);
            prop_assert_eq!(normalise(once, line_breaks, &mut second), once);
            prop_assert!(std::ptr::eq(normalise(once, line_breaks, &mut String::new()), once));
        }
    }

    #[test]
    fn has_no_ignored_character_and_no_run(text in any_text()) {
        let normal = normal_form(&text);
        prop_assert!(!normal.contains("  "));
        for c in normal.chars() {
            prop_assert!(c == ' ' || !c.is_whitespace(), "{:?}", c);
            prop_assert!(c == '\u{200d}' || !is_blank(&c.to_string()) || c == ' ', "{:?}", c);
        }
    }

    #[test]
    fn offsets_are_those_of_the_same_normal_form(text in any_text()) {
        for line_breaks in BOTH {
            let mut buffer = String::new();
            let normal = normalise(&text, line_breaks, &mut buffer);
            let with_offsets = normalise_with_offsets(&text, line_breaks);
            prop_assert_eq!(&with_offsets.text, normal);
            let mut last = 0;
            for (at, c) in with_offsets.text.char_indices() {
                let original = with_offsets.original_range(at..at + c.len_utf8());
                prop_assert!(original.start >= last || text.get(original.clone()).is_some());
                prop_assert!(text.get(original.clone()).is_some_and(|part| !part.is_empty()));
                prop_assert!(original.end >= last);
                last = original.start;
            }
        }
    }

    #[test]
    fn change_of_encoding_changes_nothing(words in prop::collection::vec("[a-zé]{1,6}", 1..6), seed in 0usize..999) {
        const GAPS: [&str; 5] = [" ", "  ", "\u{a0}", "\r\n", "\u{3000}\u{200b} "];
        const WITHIN: [&str; 4] = ["", "\u{ad}", "\u{200b}", "\u{2060}"];
        let mut text = String::new();
        for (n, word) in words.iter().enumerate() {
            text.push_str(if n > 0 { GAPS[(seed + n) % GAPS.len()] } else { "" });
            for (k, c) in word.chars().enumerate() {
                text.push_str(WITHIN[(seed + n + k) % WITHIN.len()]);
                match c {
                    'é' if (seed + k) % 2 == 0 => text.push_str("e\u{301}"),
                    'a' if (seed + k) % 2 == 0 => text.push('ａ'),
                    c => text.push(c),
                }
            }
        }
        prop_assert_eq!(normal_form(&text), words.join(" "));
    }
}
