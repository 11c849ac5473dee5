//! The text of a piece of HTML, as somebody reads it.
//!
//! The tokenizer is html5gum's, by the standard's rules; what stands here is only where lines break
//! and what is not text. Nothing is nested, so that no depth of tags costs more than its bytes.

use html5gum::{Token, Tokenizer};

/// Elements that stand on lines of their own.
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
/// Elements whose content nobody reads.
const UNREAD: [&[u8]; 3] = [b"script", b"style", b"template"];

/// The text, with a line break where a block or `<br>` puts one.
pub(crate) fn text_of(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut unread: Option<Vec<u8>> = None;
    for Ok(token) in Tokenizer::new(html) {
        match token {
            Token::String(part) if unread.is_none() => {
                text.push_str(&String::from_utf8_lossy(&part));
            }
            Token::StartTag(tag) if unread.is_none() => {
                if UNREAD.contains(&tag.name.as_slice()) && !tag.self_closing {
                    unread = Some(tag.name.0);
                } else if tag.name.as_slice() == b"br" {
                    text.push('\n');
                } else {
                    break_at(&tag.name, &mut text);
                }
            }
            Token::EndTag(tag) => {
                if unread.as_deref() == Some(tag.name.as_slice()) {
                    unread = None;
                } else if unread.is_none() {
                    break_at(&tag.name, &mut text);
                }
            }
            _ => {}
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// One break between two blocks, and none before the first.
fn break_at(name: &[u8], text: &mut String) {
    if BLOCKS.contains(&name) && !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::text_of;

    #[test]
    fn html_is_read_as_it_is_seen() {
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
            assert_eq!(text_of(html), text, "{html}");
        }
    }

    #[test]
    fn depth_costs_nothing() {
        let deep = "<div><b>".repeat(50_000);
        assert_eq!(text_of(&format!("{deep}x")), "x");
    }
}
