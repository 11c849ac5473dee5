//! The list of terms as text: sections of patterns, one pattern per line.
//!
//! Terms: a *pattern* is one or more words; `{a,b,}` stands for each of its alternatives, of which one may be
//! empty, so that `rain{,s,ing}` is three patterns. A *section*, `[name]`, gives its patterns a [`Role`]. A line
//! that starts with `#` is a comment. `<n>` stands for a number from -60 to 130, `<deg>` for such a number with a
//! degree sign.
//!
//! Guarantees: parsing accepts any text; lines without a meaning are listed in [`List::ignored`], which a test
//! requires to be empty for the built-in list.

/// What a pattern says about the text that contains it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// The words speak of the weather by themselves.
    Strong,
    /// As [`Role::Strong`], unless the last word is written as a title: "in the sun" and not "in The Sun".
    StrongLower,
    /// The words speak of the weather beside a context or another weak pattern.
    Weak,
    /// The words support a weak pattern close to them.
    Context,
    /// The text is about something else, in which weak patterns have another meaning.
    Counter,
    /// The words do not speak of the weather, whatever other patterns they contain.
    Exception,
    /// A part of a hashtag without capitals that is strong at its start or its end.
    Fragment,
    /// A part of a hashtag whose presence rules out fragments.
    NoFragment,
}

const SECTIONS: [(&str, Role); 8] = [
    ("strong", Role::Strong),
    ("strong lower", Role::StrongLower),
    ("weak", Role::Weak),
    ("context", Role::Context),
    ("counter", Role::Counter),
    ("exception", Role::Exception),
    ("fragment", Role::Fragment),
    ("no fragment", Role::NoFragment),
];

/// The most words of a pattern: the bound of the search from each word.
pub(crate) const MAX_WORDS: usize = 6;

/// A parsed list.
#[derive(Debug, Default)]
pub(crate) struct List {
    /// Each expanded pattern and its role, in the order of the list.
    pub(crate) patterns: Vec<(String, Role)>,
    /// Numbers of the lines that have no meaning, from 1.
    pub(crate) ignored: Vec<usize>,
}

impl List {
    /// Parses a list.
    pub(crate) fn parse(text: &str) -> Self {
        let mut list = Self::default();
        let mut role = None;
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                role = SECTIONS.iter().find(|(n, _)| *n == name).map(|(_, r)| *r);
                if role.is_none() {
                    list.ignored.push(number);
                }
                continue;
            }
            let mut expanded = Vec::new();
            expand(line, &mut expanded);
            match role {
                Some(role) if expanded.iter().all(|pattern| is_valid(pattern)) => {
                    let patterns = expanded.into_iter().map(|pattern| (pattern, role));
                    list.patterns.extend(patterns);
                }
                _ => list.ignored.push(number),
            }
        }
        list
    }
}

/// Whether a pattern has 1 to [`MAX_WORDS`] words of lower-case letters, digits or one other character.
fn is_valid(pattern: &str) -> bool {
    let words = pattern.split(' ').count();
    let is_word = |word: &str| {
        matches!(word, "<n>" | "<deg>")
            || (!word.is_empty()
                && word.len() <= 16
                && (word
                    .chars()
                    .all(|c| c.is_alphanumeric() && !c.is_uppercase())
                    || word.chars().count() == 1))
    };
    words <= MAX_WORDS && pattern.split(' ').all(is_word)
}

/// Expands the first group of a pattern and then the rest, with each run of spaces as one.
fn expand(pattern: &str, expanded: &mut Vec<String>) {
    let group = pattern.split_once('{').and_then(|(before, rest)| {
        rest.split_once('}')
            .map(|(group, after)| (before, group, after))
    });
    let Some((before, group, after)) = group else {
        let words: Vec<&str> = pattern.split_whitespace().collect();
        expanded.push(words.join(" "));
        return;
    };
    for alternative in group.split(',') {
        expand(&format!("{before}{alternative}{after}"), expanded);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expands_groups() {
        let list = List::parse("[strong]\nrain{,s,ing}\nit is {so,} hot\n");
        let patterns: Vec<&str> = list.patterns.iter().map(|(p, _)| p.as_str()).collect();
        assert_eq!(
            patterns,
            ["rain", "rains", "raining", "it is so hot", "it is hot"]
        );
        assert!(list.ignored.is_empty());
    }

    #[test]
    fn lists_lines_without_meaning() {
        let list = List::parse("rain\n[strong]\n# comment\nRain\na b c d e f g\n[strnog]\nsnow\n");
        assert_eq!(list.ignored, [1, 4, 5, 6, 7]);
        assert!(list.patterns.is_empty());
    }
}
