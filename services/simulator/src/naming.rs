//! The names of a city: how posts write them, and the design's rule read once more.
//!
//! The rule is written here a second time on purpose, in the simplest way: the truth must not rest
//! on the code that it judges.

use moodvane_model::City;

use crate::draws::Draws;

/// The names of the simulated city.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    /// Each name in the ways in which posts write it; none is empty.
    written: Vec<Vec<String>>,
    lower: Vec<String>,
}

impl Names {
    /// The names of a city, or `None` where it has none.
    pub(crate) fn of(city: &City) -> Option<Self> {
        let lower: Vec<String> = city.names.iter().map(|name| name.to_lowercase()).collect();
        if lower.is_empty() {
            return None;
        }
        let written = lower.iter().map(|name| ways_to_write(name)).collect();
        Some(Self { written, lower })
    }

    /// A name, as a post would write it.
    pub(crate) fn draw(&self, draws: &mut Draws) -> &str {
        let ways = &self.written[draws.place(self.written.len())];
        &ways[draws.place(ways.len())]
    }

    /// Whether a text names the city: a name as whole words, outside links and mentions.
    pub(crate) fn named_in(&self, text: &str) -> bool {
        let lower = text.to_lowercase();
        if lower.contains('@') || lower.contains("://") {
            return self.stands_in(&without_links_and_mentions(&lower));
        }
        self.stands_in(&lower)
    }

    fn stands_in(&self, lower: &str) -> bool {
        self.lower.iter().any(|name| {
            lower.match_indices(name.as_str()).any(|(at, _)| {
                let before = lower[..at].chars().next_back();
                let after = lower[at + name.len()..].chars().next();
                let touches = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
                !touches(before) && !touches(after)
            })
        })
    }
}

fn without_links_and_mentions(text: &str) -> String {
    let kept = |word: &&str| !word.contains('@') && !word.contains("://");
    // A mark between the words that are left keeps two of them from becoming one name.
    text.split(' ')
        .map(|word| if kept(&word) { word } else { "|" })
        .collect::<Vec<_>>()
        .join(" ")
}

/// As it is, with capitals, and, for a short one, all in capitals; each reads back as the name.
fn ways_to_write(name: &str) -> Vec<String> {
    let mut ways = vec![name.to_owned(), capitalised(name)];
    if name.chars().count() <= 4 {
        ways.push(name.to_uppercase());
    }
    ways.retain(|way| way.to_lowercase() == name);
    ways
}

fn capitalised(name: &str) -> String {
    let mut begins = true;
    name.chars()
        .flat_map(|c| {
            let upper = begins && c.is_alphabetic();
            begins = c == ' ';
            let cased: Vec<char> = if upper {
                c.to_uppercase().collect()
            } else {
                vec![c]
            };
            cased
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_counts_as_whole_words_only() {
        let names = Names::of(&crate::testing::new_york()).unwrap();
        for (text, named) in [
            ("I love NYC", true),
            ("#nyc!", true),
            ("NYC's best", true),
            ("back in New York.", true),
            ("from new york city with love", true),
            ("nycish", false),
            ("unnyc", false),
            ("new  york", false),
            ("newyork", false),
            ("see https://example.org/nyc now", false),
            ("thanks @nyc.example.org", false),
            ("thanks @nyc.example.org, nyc", true),
            ("a new @somebody york", false),
            ("Paris", false),
        ] {
            assert_eq!(names.named_in(text), named, "{text}");
        }
    }

    #[test]
    fn every_way_of_writing_reads_back_as_the_name() {
        for name in ["nyc", "new york", "straße", "ﬁji", "são paulo"] {
            let ways = ways_to_write(name);
            assert!(!ways.is_empty());
            assert!(ways.iter().all(|way| way.to_lowercase() == name));
        }
        assert_eq!(ways_to_write("new york"), ["new york", "New York"]);
        assert_eq!(ways_to_write("nyc"), ["nyc", "Nyc", "NYC"]);
    }
}
