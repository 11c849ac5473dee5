//! Undoes HTML entities in plain text, in which some programs write `<3` as `&lt;3`.
//!
//! Terms: an *entity* is `&`, a name or a number, and `;`, such as `&amp;` or `&#39;`.
//!
//! Guarantees: an unknown entity, and an `&` that starts none, stay as they are. Entities are undone
//! once: `&amp;lt;` is the text `&lt;`. A text without an entity is returned without an allocation.

use std::borrow::Cow;

use html5gum::{Token, Tokenizer};

/// The longest entity of HTML, with its `&` and `;`.
const MAX_ENTITY_BYTES: usize = 33;

/// Undoes the entities that X writes: `&amp;`, `&lt;` and `&gt;`.
pub(crate) fn undo_entities_of_x(text: &str) -> Cow<'_, str> {
    replace(text, |entity| {
        let character = match entity {
            "&amp;" => "&",
            "&lt;" => "<",
            "&gt;" => ">",
            _ => return None,
        };
        Some(character.to_owned())
    })
}

/// Undoes all entities of HTML.
pub(crate) fn undo_entities(text: &str) -> Cow<'_, str> {
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

fn replace(text: &str, character: impl Fn(&str) -> Option<String>) -> Cow<'_, str> {
    let mut undone: Option<String> = None;
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
        undone.push_str(&replacement);
        copied = from;
    }
    match undone {
        Some(mut undone) => {
            undone.push_str(&text[copied..]);
            Cow::Owned(undone)
        }
        None => Cow::Borrowed(text),
    }
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
        fn undoes_what_is_written(text in "[a-z<>&;#\"' é3]{0,40}") {
            let written = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            prop_assert_eq!(undo_entities_of_x(&written), text.as_str());
            prop_assert_eq!(undo_entities(&written), text);
        }

        #[test]
        fn accepts_any_text(text in "[&#;a-zA-Z0-9é\u{0}-\u{ff}]{0,60}") {
            let _ = undo_entities(&text);
        }
    }
}
