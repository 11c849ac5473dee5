//! Undoes HTML entities in plain text, in which some programs write `<3` as `&lt;3`.
//!
//! Terms: an *entity* is `&`, a name or a number, and `;`, such as `&amp;` or `&#39;`.
//!
//! Guarantees: an unknown entity, and an `&` that starts none, stay as they are. Entities are undone
//! once: `&amp;lt;` is the text `&lt;`. A text without an entity is returned without an allocation.

use std::borrow::Cow;
use std::ops::Range;

use html5gum::{Token, Tokenizer};

/// The longest entity of HTML, with its `&` and `;`.
const MAX_ENTITY_BYTES: usize = 33;

/// Undoes the entities that X writes: `&amp;`, `&lt;` and `&gt;`.
pub(crate) fn undo_entities_of_x(text: &str) -> Cow<'_, str> {
    let undone = replace(text, |entity| {
        let character = match entity {
            "&amp;" => "&",
            "&lt;" => "<",
            "&gt;" => ">",
            _ => return None,
        };
        Some(character.to_owned())
    });
    undone.text
}

/// A text whose entities are undone, and where its parts stand in the original text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoneText<'t> {
    /// The text.
    pub text: Cow<'t, str>,
    /// The undone entities in order: the range of the character, and that of the entity.
    entities: Vec<(Range<usize>, Range<usize>)>,
}

impl<'t> UndoneText<'t> {
    /// A text in which nothing is undone.
    #[must_use]
    pub fn unchanged(text: &'t str) -> Self {
        Self {
            text: Cow::Borrowed(text),
            entities: Vec::new(),
        }
    }
    /// The range of the original text that became this range of the text, in bytes.
    #[must_use]
    pub fn original_range(&self, range: Range<usize>) -> Range<usize> {
        let last_before = |is_before: &dyn Fn(usize) -> bool| {
            let count = self.entities.partition_point(|(at, _)| is_before(at.start));
            count
                .checked_sub(1)
                .and_then(|last| self.entities.get(last))
        };
        let start = match last_before(&|at| at <= range.start) {
            Some((at, entity)) if range.start < at.end => entity.start,
            Some((at, entity)) => entity.end + (range.start - at.end),
            None => range.start,
        };
        let end = match last_before(&|at| at < range.end) {
            Some((at, entity)) => entity.end + range.end.saturating_sub(at.end),
            None => range.end,
        };
        start..end.max(start)
    }
}

/// Undoes all entities of HTML.
#[must_use]
pub fn undo_html_entities(text: &str) -> UndoneText<'_> {
    replace(text, |entity| {
        let mut tokens = Tokenizer::new(entity);
        match tokens.next() {
            Some(Ok(Token::String(part))) if part.as_slice() != entity.as_bytes() => {
                Some(String::from_utf8_lossy(&part).into_owned())
            }
            _ => None,
        }
    })
}

fn replace(text: &str, character: impl Fn(&str) -> Option<String>) -> UndoneText<'_> {
    let mut undone: Option<String> = None;
    let mut entities = Vec::new();
    // Everything before it is in `undone`, if that is set.
    let mut copied = 0;
    let mut from = 0;
    while let Some(at) = text[from..].find('&').map(|at| from + at) {
        from = at + 1;
        let Some(entity) = entity_at(text, at) else {
            continue;
        };
        let Some(replacement) = character(entity) else {
            continue;
        };
        from = at + entity.len();
        let undone = undone.get_or_insert_with(|| String::with_capacity(text.len()));
        undone.push_str(&text[copied..at]);
        let start = undone.len();
        undone.push_str(&replacement);
        entities.push((start..undone.len(), at..from));
        copied = from;
    }
    let text = match undone {
        Some(mut undone) => {
            undone.push_str(&text[copied..]);
            Cow::Owned(undone)
        }
        None => Cow::Borrowed(text),
    };
    UndoneText { text, entities }
}

/// The text from `&` at `at` up to a `;`, if only what a name or a number may contain is between.
fn entity_at(text: &str, at: usize) -> Option<&str> {
    let rest = text.as_bytes().get(at..)?;
    let mut inner = rest.iter().take(MAX_ENTITY_BYTES).skip(1);
    let len = inner.position(|b| !(b.is_ascii_alphanumeric() || *b == b'#'))?;
    let end = at + 1 + len;
    (len > 0 && text.as_bytes().get(end) == Some(&b';')).then(|| &text[at..=end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn undo_entities(text: &str) -> Cow<'_, str> {
        undo_html_entities(text).text
    }

    #[test]
    fn maps_ranges_to_original_text() {
        let text = "so &lt;3 caf&eacute; &amp; r&amp;d end";
        let undone = undo_html_entities(text);
        assert_eq!(undone.text, "so <3 café & r&d end");
        for (part, expected) in [
            ("so", "so"),
            ("<3", "&lt;3"),
            ("<", "&lt;"),
            ("3", "3"),
            ("café", "caf&eacute;"),
            ("& r", "&amp; r"),
            ("r&d", "r&amp;d"),
            ("end", "end"),
        ] {
            let start = undone.text.find(part).unwrap();
            let range = undone.original_range(start..start + part.len());
            assert_eq!(&text[range], expected);
        }
    }

    #[test]
    fn undoes_entities_of_html() {
        for (text, expected) in [
            ("I love NYC &lt;3", "I love NYC <3"),
            ("so sad &lt;/3", "so sad </3"),
            ("traffic &gt;:(", "traffic >:("),
            ("Tom &amp; Jerry &quot;great&quot;", "Tom & Jerry \"great\""),
            ("it&#39;s not good", "it's not good"),
            ("it&#x27;s &#8217;fine&#X2019;", "it's \u{2019}fine\u{2019}"),
            ("caf&eacute; &hearts; &nbsp;&#128512;", "café ♥ \u{a0}😀"),
            ("&amp;lt;3 once", "&lt;3 once"),
            ("&&amp;&", "&&&"),
            ("&CounterClockwiseContourIntegral;", "\u{2233}"),
        ] {
            assert_eq!(undo_entities(text), expected, "{text}");
        }
    }

    #[test]
    fn keeps_text_without_entities() {
        for text in [
            "",
            "AT&T and R&D; fish & chips",
            "&nosuchname; &; &#; &#x; &# 39;",
            "&lt 3 &amp",
            "a=1&copy=2&lt=3",
            "&é;",
            "ends with &amp",
            "<b>not a tag</b> <3",
        ] {
            assert!(matches!(undo_entities(text), Cow::Borrowed(_)), "{text}");
            assert_eq!(undo_entities(text), text);
        }
    }

    #[test]
    fn x_writes_three_entities() {
        let text = "&lt;3 &amp;amp; R&amp;D &gt; &#39;&quot;";
        assert_eq!(undo_entities_of_x(text), "<3 &amp; R&D > &#39;&quot;");
    }

    proptest! {
        #[test]
        fn inverts_escaping(text in "[a-z<>&;#\"' é3]{0,40}") {
            let written = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            prop_assert_eq!(undo_entities_of_x(&written), text.as_str());
            prop_assert_eq!(undo_entities(&written), text);
        }

        #[test]
        fn ranges_lie_in_original_text(text in "([&#;a-zA-Z0-9é\u{0}-\u{ff}]|&lt;|&#39;){0,40}") {
            let undone = undo_html_entities(&text);
            for (at, c) in undone.text.char_indices() {
                let original = undone.original_range(at..at + c.len_utf8());
                prop_assert!(text.get(original.clone()).is_some_and(|t| !t.is_empty()), "{:?}", original);
            }
            let whole = undone.original_range(0..undone.text.len());
            prop_assert_eq!(whole, 0..text.len());
        }
    }
}
