//! The names of a city: spellings in posts, and recognition in a text.
//!
//! This is a second, simple implementation of the design's rule on purpose: the truth must not depend
//! on the code that it verifies.

use moodvane_model::City;
use moodvane_world::KeyedRng;

/// The names of a simulated city.
#[derive(Debug, Clone)]
pub(crate) struct CityNames {
    /// The spellings of each name; no list is empty.
    spellings: Vec<Vec<String>>,
    lower: Vec<String>,
}

impl CityNames {
    /// Returns `None` if the city has no name.
    pub(crate) fn new(city: &City) -> Option<Self> {
        let lower: Vec<String> = city.names.iter().map(|name| name.to_lowercase()).collect();
        if lower.is_empty() {
            return None;
        }
        let spellings = lower.iter().map(|name| spellings(name)).collect();
        Some(Self { spellings, lower })
    }

    /// Chooses a name in one of its spellings.
    pub(crate) fn choose(&self, rng: &mut KeyedRng) -> &str {
        let spellings = &self.spellings[rng.index(self.spellings.len())];
        &spellings[rng.index(spellings.len())]
    }

    /// Whether a text names the city: a name as whole words, outside of links and mentions.
    pub(crate) fn occur_in(&self, text: &str) -> bool {
        let lower = text.to_lowercase();
        if lower.contains('@') || lower.contains("://") {
            return self.contain_match(&without_links_and_mentions(&lower));
        }
        self.contain_match(&lower)
    }

    fn contain_match(&self, lower: &str) -> bool {
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
    // The separator keeps the words on both sides of a removed one from forming a name.
    text.split(' ')
        .map(|word| if kept(&word) { word } else { "|" })
        .collect::<Vec<_>>()
        .join(" ")
}

/// Lower case, capitalised and, for a short name, upper case; each has the name as its lower case.
fn spellings(name: &str) -> Vec<String> {
    let mut spellings = vec![name.to_owned(), capitalised(name)];
    if name.chars().count() <= 4 {
        spellings.push(name.to_uppercase());
    }
    spellings.retain(|spelling| spelling.to_lowercase() == name);
    spellings
}

fn capitalised(name: &str) -> String {
    let mut is_word_start = true;
    name.chars()
        .flat_map(|c| {
            let upper = is_word_start && c.is_alphabetic();
            is_word_start = c == ' ';
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
    fn matches_names_as_whole_words_only() {
        let names = CityNames::new(&crate::testing::new_york()).unwrap();
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
            ("a new @someone york", false),
            ("Paris", false),
        ] {
            assert_eq!(names.occur_in(text), named, "{text}");
        }
    }

    #[test]
    fn spellings_have_name_as_lower_case() {
        for name in ["nyc", "new york", "straße", "ﬁji", "são paulo"] {
            let found = spellings(name);
            assert!(!found.is_empty());
            assert!(found.iter().all(|spelling| spelling.to_lowercase() == name));
        }
        assert_eq!(spellings("new york"), ["new york", "New York"]);
        assert_eq!(spellings("nyc"), ["nyc", "Nyc", "NYC"]);
    }
}
