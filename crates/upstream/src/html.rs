//! The visible text of HTML.
//!
//! html5gum tokenises by the rules of the standard; this module adds line breaks and drops content that
//! is not text. It keeps no tree, so that the cost does not depend on the depth of nesting.

use html5gum::{Token, Tokenizer};

/// Block elements: each starts on a new line.
const BLOCKS: [&[u8]; 14] = [
    b"p",
    b"div",
    b"li",
    b"ul",
    b"ol",
    b"blockquote",
    b"pre",
    b"h1",
    b"h2",
    b"h3",
    b"h4",
    b"h5",
    b"h6",
    b"hr",
];
/// Elements with invisible content.
const INVISIBLE: [&[u8]; 3] = [b"script", b"style", b"template"];

/// The visible text, with line breaks for blocks and `<br>`.
pub(crate) fn visible_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut invisible: Option<Vec<u8>> = None;
    for Ok(token) in Tokenizer::new(html) {
        match token {
            Token::String(part) if invisible.is_none() => {
                text.push_str(&String::from_utf8_lossy(&part));
            }
            Token::StartTag(tag) if invisible.is_none() => {
                if INVISIBLE.contains(&tag.name.as_slice()) && !tag.self_closing {
                    invisible = Some(tag.name.0);
                } else if tag.name.as_slice() == b"br" {
                    text.push('\n');
                } else {
                    break_at(&tag.name, &mut text);
                }
            }
            Token::EndTag(tag) => {
                if invisible.as_deref() == Some(tag.name.as_slice()) {
                    invisible = None;
                } else if invisible.is_none() {
                    break_at(&tag.name, &mut text);
                }
            }
            _ => {}
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// Adds one line break between two blocks, and none before the first.
fn break_at(name: &[u8], text: &mut String) {
    if BLOCKS.contains(&name) && !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::visible_text;

    #[test]
    fn extracts_visible_text() {
        for (html, text) in [
            ("", ""),
            ("plain", "plain"),
            ("<p>one</p><p>two</p>", "one\ntwo"),
            ("<p>one<br>two<br />three</p>", "one\ntwo\nthree"),
            (
                "<p>it&#39;s cool &amp; &lt;wet&gt; &eacute;</p>",
                "it's cool & <wet> é",
            ),
            (
                "<p><span class=\"h-card\"><a href=\"https://a.example/@b\">@<span>b</span></a></span> hello</p>",
                "@b hello",
            ),
            (
                "<p><a href=\"https://a.example/long\"><span class=\"invisible\">https://</span><span>a.example/lo</span><span class=\"invisible\">ng</span></a> NYC</p>",
                "https://a.example/long NYC",
            ),
            ("<p>#<span>nyc</span></p>", "#nyc"),
            ("<ul><li>a</li><li>b</li></ul>c", "a\nb\nc"),
            ("a<script>alert('nyc')</script>b<style>p{}</style>c", "abc"),
            ("<!-- nyc -->x", "x"),
            ("<p>open <b>bold", "open bold"),
            ("a < b && c > d", "a < b && c > d"),
            ("</p></p><p>x", "x"),
            ("<p", ""),
        ] {
            assert_eq!(visible_text(html), text, "{html}");
        }
    }

    #[test]
    fn handles_deep_nesting() {
        let deep = "<div><b>".repeat(50_000);
        assert_eq!(visible_text(&format!("{deep}x")), "x");
    }
}
